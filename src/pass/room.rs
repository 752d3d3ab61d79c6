//! How full a destination is when it takes nothing more, and how much is still to come: what a person needs who is to make room.

use crate::domain::failure::{Cause, Room};
use crate::endpoint::{Destination, FolderRef};
use crate::pass::backlog::Backlog;
use crate::pass::{Pass, PassResult, PassStop};

impl Pass {
    /// A mailbox that is full is asked how full, where it tells.
    pub(super) async fn tell_room(&self, to: &mut dyn Destination, backlog: &Backlog<'_>, ended: &mut PassResult<()>) {
        if let Err(PassStop::Fatal(trouble)) = ended
            && let (Cause::DestinationFull, Some(job)) = (trouble.failure.cause, backlog.opened().first())
        {
            trouble.failure.room = self.room(to, &job.plan.destination).await.map(Box::new);
        }
    }

    async fn room(&self, to: &mut dyn Destination, folder: &FolderRef) -> Option<Room> {
        let (used, limit) = to.quota(folder).await?;
        self.recorder.flush().await;
        let (counts, at_source) = (self.tally.totals(), self.tally.progress().at_source);
        // Of what was there already nobody knows how large it is.
        let all_sent = counts.already_there == 0 && counts.skipped == 0;
        let bytes = at_source.and_then(|at| at.bytes).filter(|_| all_sent);
        Some(Room { used, limit, messages: counts.left(), bytes: bytes.map(|all| all.saturating_sub(counts.bytes)) })
    }
}
