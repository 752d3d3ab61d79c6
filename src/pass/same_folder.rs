//! What says of a folder that it is the one of an earlier pass, and how endpoints name it. Pure.

use crate::domain::folder::{FolderPath, FolderState, UidValidity, WireName};
use crate::domain::record::Seen;
use crate::endpoint::FolderRef;

/// A folder as endpoints name it.
pub(super) fn place(path: &FolderPath, wire: &WireName, validity: Option<UidValidity>) -> FolderRef {
    FolderRef { path: path.clone(), wire: wire.clone(), validity }
}

/// Whether UIDNEXT is lower than it was, or more messages are there than can have come since.
pub(super) fn went_back(seen: Seen, now: FolderState) -> bool {
    let (Seen::As { uid_next, messages }, Some(next)) = (seen, now.uid_next) else { return false };
    next < uid_next || i64::from(now.messages) > i64::from(messages) + (next.0 - uid_next.0)
}

/// Whether both are known and differ (MAILBOXID, RFC 8474).
pub(super) fn is_another(before: Option<&String>, now: Option<&String>) -> bool {
    before.zip(now).is_some_and(|(before, now)| before != now)
}
