//! In which order appends go where one of them was refused: what follows a batch waits for it, and what goes again goes first.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::failure::{Cause, Failure};
use crate::domain::ids::FolderId;
use crate::endpoint::Destination;
use crate::pass::PassResult;
use crate::pass::flight::{InFlight, Outgoing, PendingAppend};
use crate::pass::job::Job;
use crate::pass::writer::AppendWriter;

/// Before messages go again to a folder that was said to be missing; doubled each time.
const MISSING: Duration = Duration::from_millis(200);
/// How often they do.
const MOST_MISSING: u32 = 4;

impl AppendWriter<'_> {
    /// What follows a batch in its folder waits for its answer: if it is refused, its messages go first, one by one, so that the
    /// source's order is kept.
    pub(super) async fn in_turn(&mut self, to: &mut dyn Destination, job: &Job) -> PassResult<()> {
        loop {
            if self.refusals.again.iter().any(|(of, _)| same_folder(of, job)) {
                self.send_next_again(to).await?;
            } else if self.batch_of_under_way(job) {
                let answer = Self::front(&mut self.wire.in_flight).await;
                self.settled(to, answer).await?;
            } else {
                return Ok(());
            }
        }
    }

    /// Whether the folder being read waits for the answer to a batch.
    pub(super) fn batch_under_way(&self) -> bool {
        self.reading.job.as_ref().is_some_and(|job| self.batch_of_under_way(job))
    }

    fn batch_of_under_way(&self, job: &Job) -> bool {
        let of = |sent: &PendingAppend| sent.messages.len() > 1 && same_folder(&sent.job, job);
        self.wire.in_flight.iter().any(|flying| matches!(flying, InFlight::Append(sent) if of(sent)))
    }

    /// Waits before messages go again to a folder that was said to be missing.
    pub(super) async fn be_patient(&mut self, folder: FolderId, waited: u32) {
        let before = self.refusals.patience.entry(folder).or_default();
        if waited > *before {
            *before = waited;
            tokio::time::sleep(MISSING * (1 << waited.min(MOST_MISSING))).await;
        }
    }

    /// A server may say of a folder for a moment that it is to be created (TRYCREATE): what was sent goes once more, after a
    /// while, before the folder is given up.
    pub(super) fn may_come_back(&mut self, pending: &mut PendingAppend, failure: &Failure) -> bool {
        let told = failure.server_text.as_deref().is_some_and(|text| text.starts_with("[TRYCREATE"));
        let waits = |message: &Outgoing| message.waited < MOST_MISSING;
        if failure.cause != Cause::FolderGone || !told || !pending.messages.iter().all(waits) {
            return false;
        }
        let job = &pending.job;
        pending.messages.iter_mut().for_each(|message| message.waited += 1);
        self.refusals.again.extend(pending.messages.drain(..).map(|message| (Arc::clone(job), message)));
        true
    }
}

fn same_folder(one: &Job, other: &Job) -> bool {
    one.plan.destination.wire == other.plan.destination.wire
}
