//! What of a folder's new messages is at the destination already (copied by another tool, or by an interrupted
//! attempt), what moved here within the source, and which flags changed (D8, D9, D10, D12).
//!
//! Bounded by [`super::recognise`] and [`super::strangers`].

use std::collections::BTreeSet;

use async_trait::async_trait;

use crate::domain::failure::{Cause, Failure, Retry, Scope};
use crate::domain::ids::Uid;
use crate::domain::message::MessageMeta;
use crate::domain::plan::compare;
use crate::endpoint::{Destination, Source};
use crate::pass::carry::carry;
use crate::pass::job::{Carry, Job, Todo, Unrecorded};
use crate::pass::lane::Step;
use crate::pass::places::Prepared;
use crate::pass::recognise::{AT_ONCE, Recognised, Recognition};
use crate::pass::scan::Looked;
use crate::pass::strangers::Strangers;
use crate::pass::{Pass, PassResult, PassStop, SideFailure};

/// Resolves one folder.
pub(super) struct Resolve<'a> {
    job: &'a mut Job,
    prepared: &'a Prepared,
    tries: u32,
}

impl<'a> Resolve<'a> {
    /// Of this folder.
    pub fn new(prepared: &'a Prepared, job: &'a mut Job) -> Self {
        Self { job, prepared, tries: 0 }
    }
}

/// Where at the destination messages without a watermark may be ours.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Search {
    Nowhere,
    /// From the floor of an open intent on, and among what came since an earlier pass looked last.
    From(Uid),
    Everywhere,
}

impl Resolve<'_> {
    /// Whether there is anything to look for.
    pub fn needed(pass: &Pass, prepared: &Prepared, job: &Job) -> bool {
        if job.is_abandoned() {
            return false;
        }
        let moved = prepared.any_gone();
        let new = !job.is_empty() && (moved || Self::search(pass, job) != Search::Nowhere);
        new || !job.remaining.carries.is_empty() || Self::may_hold_what_moved_on(prepared, job)
    }

    /// An interrupted pass may have left copies here of messages that are in another source folder by now.
    fn may_hold_what_moved_on(prepared: &Prepared, job: &Job) -> bool {
        !prepared.settled && job.numbers.open_intent.is_some() && !job.has_lost_its_destination()
    }

    fn search(pass: &Pass, job: &Job) -> Search {
        if job.has_lost_its_destination() {
            Search::Nowhere
        } else if job.numbers.unrecorded == Unrecorded::Anywhere
            || (pass.order.options.search_duplicates && job.plan.opened.messages > 0)
        {
            Search::Everywhere
        } else {
            // What this workspace never saw there may be copies of ours, if it is an old copy of the one that made them.
            let unheard = job.numbers.seen_there.uid_next().filter(|seen| job.plan.opened.uid_next > Some(*seen));
            let floor = job.numbers.open_intent.map(|intent| intent.since.floor());
            let from = [floor, unheard].into_iter().flatten().min();
            from.map_or(Search::Nowhere, Search::From)
        }
    }

    async fn look(&mut self, pass: &Pass, source: &mut dyn Source, to: &mut dyn Destination) -> PassResult<Looked> {
        let strangers = match Self::search(pass, self.job) {
            Search::Nowhere => Strangers::none(self.job),
            Search::From(uid) => Strangers::meet(pass, self.job, Some(uid), to).await?,
            Search::Everywhere => Strangers::meet(pass, self.job, None, to).await?,
        };
        let moved = self.prepared.any_gone();
        let someone = strangers.any(pass).await? || strangers.untold() > 0;
        let (prepared, mut found) = (self.prepared, Recognised::default());
        let strangers = if !self.job.is_empty() && (moved || someone) {
            // A first pass has no listing yet.
            let Todo::These(new) = self.job.remaining.todo.clone() else { return Ok(Looked::Unlisted) };
            let mut look = Recognition { pass, prepared, job: self.job, source, to, strangers, found };
            if someone {
                look.number_the_numberless().await?;
            }
            for some in new.chunks(AT_ONCE) {
                look.compare(some).await?;
            }
            look.decide().await?;
            look.name_an_old_workspace().await;
            found = look.found;
            let strangers = look.strangers;
            self.hold_back(pass, &strangers, &mut found).await;
            self.conclude(pass, found).await?;
            strangers
        } else {
            strangers
        };
        prepared.leave_over(self.job.id, strangers.unclaimed());
        // What is known now must be on the disk before it is no stranger any more.
        pass.recorder.flush().await;
        strangers.settle(pass).await?;
        Ok(Looked::Done)
    }

    /// Messages that may be there already, as appends of ours of which the server does not say who they are: they wait, as errors.
    /// What may be there from elsewhere is copied and named, and so is what the server does not even list.
    async fn hold_back(&mut self, pass: &Pass, strangers: &Strangers, found: &mut Recognised) {
        let size = |uid: &Uid| self.job.remaining.listing.get(uid).map_or(0, |listed| listed.1);
        let sized: Vec<(Uid, u32)> = found.rest.iter().map(|uid| (*uid, size(uid))).collect();
        let mut hidden = std::mem::take(&mut found.hidden);
        hidden.extend(strangers.may_hide(&sized));
        let free: Vec<(Uid, u32)> = sized.into_iter().filter(|(uid, _)| !hidden.contains(uid)).collect();
        let mut alike = strangers.may_be_of(&free);
        alike.append(&mut found.unread);
        let untold = strangers.untold().min(free.len() as u64);
        if !hidden.is_empty() {
            pass.hides_something(self.job.id);
        }
        self.job.suspicion.hidden = hidden;
        pass.name_unseen_there(self.job, alike).await;
        pass.name_untold(self.job, untold).await;
    }

    /// What is left to copy, and the flags of what moved here.
    async fn conclude(&mut self, pass: &Pass, found: Recognised) -> PassResult<()> {
        let Recognised { mut rest, mut doubtful, arrived, .. } = found;
        rest.sort_unstable();
        doubtful.retain(|uid| rest.binary_search(uid).is_ok());
        self.job.suspicion.uncompared = doubtful;
        self.job.remaining.todo = Todo::These(rest);
        if !arrived.is_empty() && pass.order.options.carry_flags {
            self.carry_for(pass, arrived.into_iter().collect()).await?;
        }
        Ok(())
    }

    /// A message that moved here may have been flagged meanwhile: its watermark, which came along, tells.
    async fn carry_for(&mut self, pass: &Pass, arrived: BTreeSet<Uid>) -> PassResult<()> {
        pass.recorder.flush().await;
        let (Some(first), Some(last)) = (arrived.first(), arrived.last()) else { return Ok(()) };
        let (mut from, end) = (*first, Uid(last.0 + 1));
        loop {
            let mut watermarks = pass.journal.some_watermarks(self.job.id, from, end, AT_ONCE / 10).await?;
            let Some(last) = watermarks.last() else { return Ok(()) };
            from = Uid(last.source.0 + 1);
            watermarks.retain(|mark| arrived.contains(&mark.source));
            let listed = |uid: &Uid| {
                let (flags, size) = self.job.remaining.listing.get(uid)?.clone();
                Some(MessageMeta { uid: *uid, flags, size, date: None })
            };
            let listing: Vec<MessageMeta> = watermarks.iter().filter_map(|mark| listed(&mark.source)).collect();
            self.job
                .remaining
                .carries
                .extend(compare(&listing, &watermarks, true).flag_changes.into_iter().map(Carry::from));
        }
    }
}

/// What an earlier try of this step recorded is new no more.
pub(super) async fn drop_recorded(pass: &Pass, job: &mut Job) -> PassResult<()> {
    let Todo::These(uids) = &mut job.remaining.todo else { return Ok(()) };
    let (Some(first), Some(last)) = (uids.first(), uids.last()) else { return Ok(()) };
    let (mut from, end) = (*first, Uid(last.0 + 1));
    let mut recorded = BTreeSet::new();
    loop {
        let marks = pass.journal.some_watermarks(job.id, from, end, AT_ONCE / 10).await?;
        let Some(last) = marks.last() else { break };
        from = Uid(last.source.0 + 1);
        let known = marks.iter().filter(|mark| !mark.is_lost()).map(|mark| mark.source);
        recorded.extend(known.filter(|uid| uids.binary_search(uid).is_ok()));
    }
    uids.retain(|uid| !recorded.contains(uid));
    Ok(())
}

#[async_trait]
impl Step for Resolve<'_> {
    type Out = Looked;

    async fn run(&mut self, pass: &Pass, source: &mut dyn Source, to: &mut dyn Destination) -> PassResult<Looked> {
        pass.recorder.flush().await;
        self.job.suspicion.uncompared.clear();
        self.job.suspicion.hidden.clear();
        self.tries += 1;
        if self.tries > 1 {
            drop_recorded(pass, self.job).await?;
        }
        if !self.job.is_empty() || Self::may_hold_what_moved_on(self.prepared, self.job) {
            match self.look(pass, source, to).await {
                Err(PassStop::Fatal(trouble)) if trouble.failure.scope <= Scope::Folder => {
                    return Ok(Looked::Failed(trouble));
                }
                looked => match looked? {
                    Looked::Done => {}
                    not_yet => return Ok(not_yet),
                },
            }
        }
        carry(pass, self.prepared, self.job, to).await?;
        pass.recorder.flush().await;
        Ok(Looked::Done)
    }

    fn broke(&mut self, pass: &Pass, trouble: &SideFailure) -> Option<Looked> {
        let enough = pass.blame_folder(self.job, &trouble.failure);
        enough.then(|| Looked::Failed(trouble.clone()))
    }
}

/// The workspace's spool cannot be read or written.
pub(super) fn spool_failed(error: &std::io::Error) -> Failure {
    let failure = Failure::new(Cause::WorkspaceFailed, Scope::Mailbox, Retry::User, "reading the spool");
    failure.saying(error.to_string())
}
