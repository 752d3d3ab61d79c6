//! What can go wrong with the workspace database, in words that say what to do.

use rusqlite::ErrorCode;

use crate::domain::edit::EditRefusal;
use crate::domain::hybrid::status::MoveRefusal;
use crate::domain::license::BadPool;
use crate::domain::status::Status;

/// Result of anything asked of the store.
pub type Result<T> = std::result::Result<T, StoreError>;

/// Why the workspace could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No room left.
    #[error("the disk that holds the workspace is full: free some space, then start again")]
    Full,
    /// File or folder may not be written.
    #[error("the workspace cannot be written: check the permissions of its folder")]
    ReadOnly,
    /// Another program held the database for longer than the busy time-out.
    #[error("the workspace is being used by another program: close it or try again in a moment")]
    Busy,
    /// The operating system failed to read or write.
    #[error("the disk that holds the workspace reported an error ({0}): check the disk")]
    Io(String),
    /// The file is damaged, or holds what no version of Mailferry writes.
    #[error("the workspace database is damaged ({0}): restore it from a backup")]
    Corrupt(String),
    /// The file or folder cannot be opened at all.
    #[error("the workspace cannot be opened ({0}): check that its folder exists and may be read and written")]
    CannotOpen(String),
    /// A later version of Mailferry wrote it; nothing was touched.
    #[error(
        "the workspace was made by a newer version of Mailferry (schema {found}, this version knows {known}): \
         install the newer version"
    )]
    NewerSchema {
        /// Schema number of the file.
        found: i64,
        /// The newest schema number this program knows.
        known: i64,
    },
    /// A database of another program; nothing was touched.
    #[error("the file is no Mailferry workspace: choose another folder")]
    NotAWorkspace,
    /// It holds something that acts by itself and that Mailferry did not make, or lacks something; nothing was touched.
    #[error(
        "the workspace database was changed by somebody else ({0}): restore it from a backup. It is not used, because such a \
         change can alter what passes do"
    )]
    StrangeSchema(String),
    /// A network share, where a WAL database gets damaged (D2).
    #[error("the workspace is on a network share ({0}): choose a folder on a local disk")]
    NetworkShare(String),
    /// The workspace keeps its secrets in a vault of another kind (D17).
    #[error("this workspace keeps its passwords in the {0} vault: leave out --vault, or use another --data folder")]
    OtherVault(String),
    /// A name that must be unique is in use.
    #[error("the name \"{0}\" is taken: choose another one")]
    NameTaken(String),
    /// A row asked for does not exist.
    #[error("{0} does not exist")]
    Missing(String),
    /// A pass is in another status than the caller thought; nothing was changed.
    #[error("the status changed meanwhile to {found:?}; nothing was done")]
    StatusChanged {
        /// The status it has.
        found: Status,
    },
    /// Items are waiting or running; nothing was changed.
    #[error("{0} of the items are waiting, scheduled or running: stop them first")]
    Active(u64),
    /// Nothing starts in an archived project; nothing was changed.
    #[error("project \"{0}\" is archived, and nothing starts in it: bring it back first")]
    Archived(String),
    /// An edit that may not be made; nothing was changed.
    #[error(transparent)]
    Edit(#[from] EditRefusal),
    /// A pool of licenses that cannot be as it was asked for; nothing was changed.
    #[error(transparent)]
    Pool(#[from] BadPool),
    /// What may not be done with a batch as it stands; nothing was changed.
    #[error("batch \"{batch}\": {why}")]
    Move {
        /// The batch.
        batch: String,
        /// Why not.
        why: MoveRefusal,
    },
    /// An order for the same thing is not done yet; nothing was changed.
    #[error("an order for this is on its way already; wait until it is done")]
    OrderOpen,
    /// Too few licenses; nothing was changed.
    #[error("{0}")]
    LicensesShort(String),
    /// What the caller asked contradicts what is stored; nothing was changed.
    #[error("the records contradict each other ({0}); nothing was written")]
    Contradiction(String),
    /// The writer has ended, or failed at this request.
    #[error("the workspace writer has ended")]
    Closed,
    /// Anything else SQLite says.
    #[error("the workspace database failed: {0}")]
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let text = error.to_string();
        if matches!(
            error,
            rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::IntegralValueOutOfRange(..)
                | rusqlite::Error::InvalidColumnType(..)
        ) {
            return Self::Corrupt(text);
        }
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Self::ReadOnly,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed) => {
                Self::Busy
            }
            // The shared memory beside the database could not grow.
            Some(ErrorCode::SystemIoFailure)
                if error.sqlite_error().is_some_and(|e| e.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE) =>
            {
                Self::Full
            }
            Some(ErrorCode::SystemIoFailure) => Self::Io(text),
            Some(ErrorCode::DatabaseCorrupt) => Self::Corrupt(text),
            Some(ErrorCode::NotADatabase) => Self::NotAWorkspace,
            Some(ErrorCode::CannotOpen) => Self::CannotOpen(text),
            _ => Self::Sqlite(error),
        }
    }
}

impl From<std::io::Error> for StoreError {
    fn from(error: std::io::Error) -> Self {
        use std::io::ErrorKind as Kind;
        match error.kind() {
            Kind::StorageFull | Kind::QuotaExceeded => Self::Full,
            Kind::PermissionDenied | Kind::ReadOnlyFilesystem => Self::ReadOnly,
            Kind::NotFound => Self::CannotOpen(error.to_string()),
            _ => Self::Io(error.to_string()),
        }
    }
}

/// The error for a row that is not there.
pub(super) fn missing(what: &str, id: impl std::fmt::Display) -> StoreError {
    StoreError::Missing(format!("{what} {id}"))
}

/// Turns a broken unique index into the typed error.
pub(super) fn name_taken(error: rusqlite::Error, name: &str) -> StoreError {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::ConstraintViolation) => StoreError::NameTaken(name.to_owned()),
        _ => error.into(),
    }
}
