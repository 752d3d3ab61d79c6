//! What says of a folder that it is the one of an earlier pass, and how endpoints name it. Pure.

use crate::domain::folder::{FolderPath, FolderState, WireName};
use crate::domain::record::Seen;
use crate::endpoint::FolderRef;

/// A folder as endpoints name it.
pub(super) fn place(path: &FolderPath, wire: &WireName, validity: u32) -> FolderRef {
    FolderRef { path: path.clone(), wire: wire.clone(), validity }
}

/// Whether UIDNEXT is lower than it was, or more messages are there than can have come since.
pub(super) fn went_back(seen: Seen, now: FolderState) -> bool {
    if seen.uid_next == 0 || now.uid_next == 0 {
        return false;
    }
    let came = now.uid_next.saturating_sub(seen.uid_next);
    now.uid_next < seen.uid_next || u64::from(now.messages) > u64::from(seen.messages) + u64::from(came)
}

/// Whether both are known and differ (MAILBOXID, RFC 8474).
pub(super) fn is_another(before: Option<&String>, now: Option<&String>) -> bool {
    before.zip(now).is_some_and(|(before, now)| before != now)
}
