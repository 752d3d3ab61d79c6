//! The workspace database: projects, items, passes and what they remember. SQLite only.
//!
//! A method is one question or one atomic change; nothing here decides. Secrets, files and the network do not belong
//! here. One thread owns the writing connection and takes closures from a bounded channel (64 waiting at most); a few
//! reading connections answer questions on tokio's blocking pool. Every `async` method may wait for the disk or for
//! another process (up to the busy time-out of 10 s); a write whose caller went away is still carried out. Times come
//! from the caller.

mod census;
mod codec;
mod commands;
mod connection;
mod copies;
mod credentials;
mod edits;
mod end_notices;
mod error;
mod folders;
mod habits;
mod hybrid;
mod imports;
mod item_errors;
mod item_options;
mod items;
mod licenses;
mod likenesses;
mod mails;
mod migrate;
mod network;
mod passes;
mod progress;
mod project_mail;
mod projects;
mod purge;
mod requests;
mod schema;
mod settings;
mod status_change;
mod strangers;
mod taken;
mod waiting;
mod watermarks;

pub use census::Census;
pub use commands::CommandId;
pub use credentials::WorkspaceRow;
pub use end_notices::EndNotices;
pub use error::{Result, StoreError};
pub use hybrid::{HybridEvent, LeftOut, OrderEnd, Polled, PolledUser};
pub use imports::{Answer, Became, Imported, NewItem};
pub use item_errors::ErrorRow;
pub use items::{DestinationRow, ItemRow};
pub use likenesses::Addresses;
pub use mails::LOGIN_REFUSED;
pub use passes::{PassRow, Recovered, Submission, Submitted};
pub use progress::{NoticeRow, PassFolderRow};
pub use requests::{GivenCredential, NewCredentialRequest};
pub use status_change::{Ended, StatusChange};
pub use waiting::Waiting;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Connection, Transaction};

use connection::{Cache, Readers, WriterThread};

use crate::domain::time::Timestamp;

/// The open database of a workspace. Cheap to clone; the last clone to go waits for the writer to end.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    writer: WriterThread,
    readers: Arc<Readers>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("path", &self.inner.path).finish_non_exhaustive()
    }
}

impl Store {
    /// The database's file name within the data folder.
    pub const FILE: &'static str = "workspace.db";

    /// Opens (or creates) the database `folder/workspace.db`, bringing an older schema up to date after a copy of it was
    /// made beside it. Blocks while it works.
    pub fn open(folder: &Path, now: Timestamp) -> Result<Self> {
        migrate::prepare_folder(folder)?;
        let path = folder.join(Self::FILE);
        let connection = migrate::open_writer(&path, now)?;
        let readers = Arc::new(Readers::new(path.clone()));
        Ok(Self { inner: Arc::new(Inner { path, writer: WriterThread::start(connection)?, readers }) })
    }

    /// Looks through the whole database: whether its pages, rows and indexes are what they must be (SQLite's `quick_check`). Before
    /// passes rely on it: some seconds for a gigabyte.
    ///
    /// # Errors
    /// What is damaged.
    pub async fn look_through(&self) -> Result<()> {
        let told: String =
            self.read(|connection| Ok(connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?)).await?;
        if told == "ok" { Ok(()) } else { Err(StoreError::Corrupt(told)) }
    }

    /// Where the database is.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// Runs one write transaction on the writer's thread.
    async fn write<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Transaction<'_>, &mut Cache) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.inner.writer.run(move |writer| writer.transact(false, change)).await
    }

    /// The same, on the disk for good when it returns.
    async fn write_durably<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Transaction<'_>, &mut Cache) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.inner.writer.run(move |writer| writer.transact(true, change)).await
    }

    /// Asks one consistent question on a reading connection.
    async fn read<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        Readers::run(&self.inner.readers, question).await
    }
}

#[cfg(test)]
mod tests;
