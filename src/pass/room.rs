//! How full a destination is when it takes nothing more, and how much is still to come: what a person needs who is to make room.

use crate::domain::failure::{Cause, Room};
use crate::domain::folder::FolderPath;
use crate::endpoint::{Destination, FolderRef};
use crate::pass::{Pass, PassResult, PassStop};

impl Pass {
    /// A mailbox that is full is asked how full, where it tells: it takes no message, no folder, or no flag. `folder` is where
    /// that happened; none where it is not there yet.
    pub(super) async fn tell_room<T>(
        &self,
        to: &mut dyn Destination,
        folder: Option<&FolderRef>,
        ended: &mut PassResult<T>,
    ) {
        if let Err(PassStop::Fatal(trouble)) = ended
            && trouble.failure.cause == Cause::DestinationFull
        {
            let path = FolderPath::new(["INBOX"]);
            let inbox = FolderRef { wire: to.wire_name(&path), path, validity: None };
            trouble.failure.room = self.room(to, folder.unwrap_or(&inbox)).await.map(Box::new);
        }
    }

    async fn room(&self, to: &mut dyn Destination, folder: &FolderRef) -> Option<Room> {
        let (used, limit) = to.quota(folder).await?;
        self.recorder.flush().await;
        let (counts, at_source) = (self.tally.totals(), self.tally.progress().at_source);
        let messages = Some(counts.left()).filter(|left| *left > 0);
        // Of what was there already nobody knows how large it is.
        let all_sent = counts.already_there == 0 && counts.skipped == 0;
        let bytes = at_source.and_then(|at| at.bytes).filter(|_| all_sent && messages.is_some());
        Some(Room { used, limit, messages, bytes: bytes.map(|all| all.saturating_sub(counts.bytes)) })
    }
}
