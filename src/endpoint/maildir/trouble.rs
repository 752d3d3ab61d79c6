//! What the file system refused, as a failure.

use std::io::{Error, ErrorKind};

use crate::domain::failure::{Cause, Failure, Retry, Scope};
use crate::endpoint::uidlist::UidListError;

/// What went wrong with a folder, by where it did: the table of numbers of a source lies in the workspace.
#[derive(Debug)]
pub(super) enum Snag {
    /// In the folder itself.
    Folder(Error),
    /// With its table of numbers.
    Table(Error),
}

impl From<UidListError> for Snag {
    fn from(error: UidListError) -> Self {
        Self::Table(error.0)
    }
}

impl From<Error> for Snag {
    fn from(error: Error) -> Self {
        Self::Folder(error)
    }
}

/// Whether a file is not (or no longer) under its name.
pub(super) fn is_gone(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::StaleNetworkFileHandle)
}

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

/// A failure of reading one message that is there. What is wrong with the message stays with it; anything else (a share
/// that went away, too many open files) says nothing about the message and may pass.
pub(super) fn message(error: &Error, doing: &str) -> Failure {
    let its_own = match error.kind() {
        ErrorKind::PermissionDenied
        | ErrorKind::InvalidInput
        | ErrorKind::InvalidData
        | ErrorKind::InvalidFilename
        | ErrorKind::IsADirectory => true,
        _ => is_link(error),
    };
    let (cause, scope, retry) = match its_own {
        true => (Cause::MessageUnreadable, Scope::Message, Retry::Never),
        false => (Cause::ConnectionLost, Scope::Connection, Retry::Backoff),
    };
    Failure::new(cause, scope, retry, doing).saying(error.to_string())
}

/// A link that took the file's place after it was looked at.
#[cfg(unix)]
fn is_link(error: &Error) -> bool {
    error.raw_os_error() == Some(libc::ELOOP)
}

#[cfg(not(unix))]
fn is_link(_error: &Error) -> bool {
    false
}

/// Messages that are renamed faster than they can be opened.
pub(super) fn restless(doing: &str) -> Failure {
    let failure = Failure::new(Cause::ConnectionLost, Scope::Connection, Retry::Backoff, doing);
    failure.saying("another program keeps renaming messages here")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_wrong_with_a_message_stays_with_it() {
        for kind in [ErrorKind::PermissionDenied, ErrorKind::InvalidInput, ErrorKind::InvalidData] {
            let failure = message(&kind.into(), "reading");
            assert_eq!((failure.cause, failure.scope), (Cause::MessageUnreadable, Scope::Message), "{kind}");
        }
        let passing = [ErrorKind::TimedOut, ErrorKind::ConnectionReset, ErrorKind::HostUnreachable, ErrorKind::Other];
        #[cfg_attr(not(unix), expect(unused_mut, reason = "only Unix knows more of it"))]
        let mut passing: Vec<Error> = passing.into_iter().map(Error::from).collect();
        #[cfg(unix)]
        passing.extend([libc::EIO, libc::EMFILE, libc::ENFILE].map(Error::from_raw_os_error));
        for error in passing {
            let failure = message(&error, "reading");
            assert_eq!((failure.scope, failure.retry), (Scope::Connection, Retry::Backoff), "{error}");
        }
        assert!(is_gone(&ErrorKind::StaleNetworkFileHandle.into()) && !is_gone(&ErrorKind::PermissionDenied.into()));
    }
}
