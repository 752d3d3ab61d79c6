//! Waiting until a destination has taken in what a broken connection left on its way to it (D28).
//!
//! A server goes on with what it has received after the connection is gone, and stillness says nothing about when: it may
//! merely be slow. So the newest message that was written out is waited for, because servers work in order; or, if it does
//! not show, a time in proportion to what was on the wire and to how slow the server had been. Where nothing was on the
//! wire, nothing is waited for. Bounded: [`Settle::longest`], and what one connection may have under way.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::{Instant, sleep};

use crate::domain::failure::{Cause, Failure, Retry, Scope, Side};
use crate::domain::identity::Identity;
use crate::domain::progress::RetryState;
#[cfg(doc)]
use crate::domain::retry::Settle;
use crate::endpoint::{Destination, FolderRef, Source};
use crate::pass::arrivals::Arrivals;
use crate::pass::copy::Copying;
use crate::pass::job::{Above, Job, Landing, Sent};
use crate::pass::lane::{Lane, Step};
use crate::pass::{OnSide, Pass, PassResult, PassStop};

/// One folder with messages on their way.
struct Awaited {
    at: FolderRef,
    arrivals: Arrivals,
    newest: Identity,
    /// So many of this identity were written out.
    count: usize,
    there: bool,
}

struct Settling {
    folders: Vec<Awaited>,
    until: Instant,
}

/// The newest message on its way, and how many with its identity were written out: if all are there, everything is.
fn newest(sent: &[Sent]) -> Option<(Identity, usize)> {
    let last = sent.iter().rev().find(|one| !one.answered)?.identity;
    Some((last, sent.iter().filter(|one| one.identity == last).count()))
}

impl Awaited {
    async fn look(&mut self, to: &mut dyn Destination) -> PassResult<()> {
        match self.arrivals.look(to, &self.at).await {
            Ok(()) => {
                let alike = self.arrivals.unclaimed().iter().filter(|newcomer| newcomer.identity == self.newest);
                self.there = alike.count() >= self.count;
                Ok(())
            }
            // It is gone, or another one: nothing lands in it any more.
            Err(failure) if failure.scope <= Scope::Folder => {
                self.there = true;
                Ok(())
            }
            Err(failure) => Err(failure).on(Side::Destination).map_err(PassStop::Fatal),
        }
    }
}

#[async_trait]
impl Step for Settling {
    type Out = ();

    async fn run(&mut self, pass: &Pass, _source: &mut dyn Source, to: &mut dyn Destination) -> PassResult<()> {
        for looks in 0.. {
            for folder in self.folders.iter_mut().filter(|folder| !folder.there) {
                folder.look(to).await?;
            }
            let left = self.until.saturating_duration_since(Instant::now());
            if left.is_zero() || self.folders.iter().all(|folder| folder.there) {
                break;
            }
            pass.says_that_it_settles(left);
            sleep(pass.order.pace.settle.pause(looks).min(left)).await;
        }
        Ok(())
    }
}

impl Copying<'_> {
    /// Waits for what was on its way into these folders when their connection broke. Those whose newest message did not
    /// show are in doubt from then on.
    pub(super) async fn settle(&self, lane: &mut Lane, jobs: &mut [Job]) -> PassResult<()> {
        let mut folders = BTreeMap::new();
        let mut wait = Duration::ZERO;
        for (at, job) in jobs.iter_mut().enumerate().filter(|(_, job)| !job.is_abandoned()) {
            let sent = std::mem::take(&mut job.suspicion.cut.sent);
            let Some((newest, count)) = newest(&sent) else { continue };
            wait = wait.max(self.pass.order.pace.settle.wait(&job.suspicion.cut.wire));
            job.suspicion.cut.above = Above::Recorded;
            let arrivals = Arrivals::of(self.pass, job).await?;
            folders.insert(at, Awaited { at: job.plan.destination.clone(), arrivals, newest, count, there: false });
        }
        if folders.is_empty() {
            return Ok(());
        }
        let (places, folders): (Vec<usize>, Vec<Awaited>) = folders.into_iter().unzip();
        let mut step = Settling { folders, until: Instant::now() + wait };
        self.pass.run_with_retry(lane, &mut step).await?;
        for (at, folder) in places.into_iter().zip(step.folders) {
            let job = &mut jobs[at];
            if !folder.there {
                job.suspicion.cut.landing = Landing::Open;
            }
            tracing::info!(folder = %job.path, settled = folder.there, "what was on its way");
        }
        Ok(())
    }
}

impl Pass {
    /// Waits for an attempt that died a moment ago: nobody knows what it had on the wire.
    pub(super) async fn settle_unknown(&self) -> PassResult<()> {
        let since = self.order.last_seen.map_or(Duration::MAX, |seen| self.clock.now().since(seen));
        let left = self.order.pace.settle.base.saturating_sub(since);
        if left.is_zero() {
            return Ok(());
        }
        self.says_that_it_settles(left);
        tokio::select! {
            biased;
            () = self.quit.cancelled() => return Err(PassStop::Stopped),
            () = sleep(left) => {}
        }
        self.tally.retry(None);
        Ok(())
    }

    fn says_that_it_settles(&self, left: Duration) {
        let doing = "waiting for what was on its way to the destination";
        let failure = Failure::new(Cause::Settling, Scope::Connection, Retry::Backoff, doing);
        let until = self.clock.now().plus(left);
        self.tally.retry(Some(RetryState { failure, side: Some(Side::Destination), attempt: 1, limit: 1, until }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::identity::of_message;
    use crate::domain::ids::Uid;

    #[test]
    fn the_newest_message_without_an_answer_is_waited_for_with_its_twins() {
        let who = |id: &str| of_message(format!("Message-ID: <{id}@x>\r\n\r\n").as_bytes());
        let sent = |id: &str, answered| Sent { uid: Uid(1), identity: who(id), answered };
        assert_eq!(newest(&[]), None);
        assert_eq!(newest(&[sent("a", true)]), None, "what was answered is there");
        let identity = who("a");
        assert_eq!(newest(&[sent("b", false), sent("a", false), sent("b", true)]), Some((identity, 1)));
        assert_eq!(newest(&[sent("a", true), sent("a", false)]), Some((identity, 2)), "both must be there");
    }
}
