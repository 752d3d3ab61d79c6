//! What the file system refused, as a failure.

use std::io::{Error, ErrorKind};

use crate::domain::failure::{Cause, Failure, Retry, Scope};

/// A failure of one folder.
pub(super) fn folder(error: &Error, doing: &str) -> Failure {
    let (cause, scope, retry) = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => (Cause::DestinationFull, Scope::Mailbox, Retry::User),
        ErrorKind::NotFound => (Cause::FolderGone, Scope::Folder, Retry::Never),
        ErrorKind::PermissionDenied
        | ErrorKind::ReadOnlyFilesystem
        | ErrorKind::NotADirectory
        | ErrorKind::IsADirectory
        | ErrorKind::InvalidFilename
        | ErrorKind::InvalidInput
        | ErrorKind::InvalidData
        | ErrorKind::AlreadyExists => (Cause::CommandRefused, Scope::Folder, Retry::User),
        // A share that went away, a failing disk: it may come back.
        _ => (Cause::ConnectionLost, Scope::Connection, Retry::Backoff),
    };
    Failure::new(cause, scope, retry, doing).saying(error.to_string())
}

/// A failure of one message that is there and cannot be read.
pub(super) fn message(error: &Error, doing: &str) -> Failure {
    Failure::new(Cause::MessageUnreadable, Scope::Message, Retry::Never, doing).saying(error.to_string())
}

/// The mailbox as a whole cannot be used.
pub(super) fn mailbox(doing: &str, text: &str) -> Failure {
    Failure::new(Cause::MaildirNotOpened, Scope::Mailbox, Retry::User, doing).saying(text)
}

/// A folder whose numbers are others than it was asked for with.
pub(super) fn changed(doing: &str) -> Failure {
    Failure::new(Cause::FolderChanged, Scope::Folder, Retry::Backoff, doing).saying("the folder was made anew")
}

/// The session ended before an answer came.
pub(super) fn closed(doing: &str) -> Failure {
    Failure::new(Cause::ConnectionLost, Scope::Connection, Retry::Backoff, doing).saying("the session was closed")
}

/// The workspace (its spool, its numbers) cannot be written.
pub(super) fn workspace(error: &Error, doing: &str) -> Failure {
    Failure::new(Cause::WorkspaceFailed, Scope::Mailbox, Retry::User, doing).saying(error.to_string())
}
