//! Mailboxes in Maildir++ folders on this machine's file systems.
//!
//! [`MaildirEndpoint`] opens sessions; everything else is private. `names` knows how things are called on disk, `numbers`
//! gives messages their numbers (D7), `folder` looks at one folder, `read` and `deliver` move bytes, `mailbox` puts these
//! together for one mailbox and may block, `session` keeps it off the async threads. `trouble` turns what the system
//! refuses into failures, `owner` gives files to whom the mailbox belongs. Nothing here retries.
//!
//! A source is never changed: its numbers are kept in a folder of the workspace. A destination keeps them beside the
//! messages, so that they go when the folder goes. Symbolic links are not followed, and what is no plain file is no
//! message that can be read: it is named as an item error. So is a file that a server stored compressed or encrypted.
//!
//! Not kept: roles (Maildir has none), more than 26 keywords in a folder, the zone of a date.

mod deliver;
mod folder;
#[cfg(any(test, feature = "fuzzing"))]
pub(super) mod fuzzing;
mod keywords;
mod mailbox;
mod names;
mod numbers;
mod owner;
mod read;
mod sealed;
mod session;
mod shared_file;
mod sight;
mod subscriptions;
#[cfg(test)]
mod tests;
mod trouble;

use std::path::PathBuf;

use async_trait::async_trait;

use super::{Destination, Endpoint, Resources, Result, Source};
use crate::domain::folder::FolderPath;
use mailbox::{Mailbox, Tables};
use session::Session;

/// The table of numbers in a destination folder.
const TABLE: &str = "mailferry-uidlist";

/// One mailbox in a Maildir.
#[derive(Clone, Debug)]
pub struct MaildirEndpoint {
    root: PathBuf,
    limit: Option<u64>,
    resources: Resources,
}

impl MaildirEndpoint {
    /// The mailbox in this folder.
    pub fn new(root: PathBuf, resources: Resources) -> Self {
        Self { root, limit: None, resources }
    }

    /// The same, as a destination that accepts no message of more bytes.
    #[must_use]
    pub fn accepting(self, bytes: u64) -> Self {
        Self { limit: Some(bytes), ..self }
    }
}

/// Where a folder of a mailbox lies below its root: nothing for the inbox, else a directory's name. None for a path that no
/// Maildir can hold.
pub fn directory(path: &FolderPath) -> Option<PathBuf> {
    names::place(std::path::Path::new(""), &names::wire(path)).ok()
}

/// Whether two paths lead to one folder, whatever links and mounts lie on the way. Two that are not there do not.
pub async fn is_one_folder(one: PathBuf, other: PathBuf) -> bool {
    tokio::task::spawn_blocking(move || owner::is_one_folder(&one, &other)).await.unwrap_or(false)
}

#[async_trait]
impl Endpoint for MaildirEndpoint {
    async fn open_source(&self) -> Result<Box<dyn Source>> {
        let tables = Tables::Apart(mailbox::apart(&self.resources.numbers, &self.root));
        let mailbox = Mailbox::new(self.root.clone(), tables, self.limit, self.resources.clone());
        let session = Session::new(mailbox);
        session.with(Mailbox::check_source).await?;
        Ok(Box::new(session))
    }

    async fn open_destination(&self) -> Result<Box<dyn Destination>> {
        let mailbox = Mailbox::new(self.root.clone(), Tables::Beside, self.limit, self.resources.clone());
        let session = Session::new(mailbox);
        session.with(Mailbox::check_destination).await?;
        Ok(Box::new(session))
    }
}
