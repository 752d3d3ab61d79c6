//! Mailboxes in Maildir folders on this machine's file systems.
//!
//! [`MaildirEndpoint`] opens sessions; everything else is private. `layout` looks how a mailbox' folders lie (Maildir++, or folders
//! in folders), `names` knows how things are called on disk, `folder` looks at one folder, `read` and `deliver` move bytes,
//! `lines` knows their line ends, `mailbox` puts these together for one mailbox and may block, `session` keeps it off the async
//! threads. `courier` and `quota` know files of other programs, `trouble` turns what the system refuses into failures. Nothing
//! here retries.
//!
//! A source is never changed: its numbers are kept in a folder of the workspace. A destination keeps them beside the
//! messages, so that they go when the folder goes. Folders are open while they are used ([`dir`](super::dir)), so that
//! whoever owns the mailbox leads nobody elsewhere: from the part of the path on that each item fills in, symbolic links are not
//! followed, and what is no plain file is no message that can be read: it is named as an item error. So is a file that a server stored compressed or encrypted.
//!
//! Not kept: roles (Maildir has none), more than 26 keywords in a folder, the zone of a date.

mod check;
mod courier;
mod deliver;
mod folder;
#[cfg(any(test, feature = "fuzzing"))]
pub(super) mod fuzzing;
mod keywords;
mod layout;
mod lines;
mod mailbox;
mod names;
mod quota;
mod read;
mod scan;
mod sealed;
mod session;
mod shared_file;
mod sight;
mod subscriptions;
#[cfg(test)]
mod tests;
mod trouble;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;

use super::auth::Authenticator;
use super::check::{Tested, Told};
use super::dir::Below;
use super::kind::{MailboxKind, Roles};
use super::place::{Links, Place};
use super::{Destination, DestinationEndpoint, Resources, Result, Source, SourceEndpoint};
use crate::domain::failure::Side;
use crate::domain::folder::FolderPath;
use crate::domain::item;
use crate::domain::server::{MaildirLayout, MaildirServer};
use mailbox::{Mailbox, Rules, Tables};
use session::MaildirSession;

/// The table of numbers in a destination folder.
const TABLE: &str = "mailferry-uidlist";

/// One mailbox in a Maildir.
#[derive(Clone, Debug)]
pub struct MaildirEndpoint {
    root: Below,
    rules: Rules,
    resources: Resources,
}

impl MaildirEndpoint {
    /// The mailbox in this folder; nobody but an administrator can change the path to the one it lies in.
    pub fn new(root: PathBuf, resources: Resources) -> Self {
        let trusted = root.parent().unwrap_or(&root).to_owned();
        Self { root: Below::new(root, &trusted), rules: Rules::default(), resources }
    }

    /// The mailbox in this folder, whose path may lead over links only as far as `trusted`.
    pub fn below(root: PathBuf, trusted: &Path, resources: Resources) -> Self {
        Self { root: Below::new(root, trusted), rules: Rules::default(), resources }
    }

    /// The same, whose folders lie as is said here; none: as is seen.
    #[must_use]
    pub fn laid_out(self, layout: Option<MaildirLayout>) -> Self {
        Self { rules: Rules { layout, ..self.rules }, ..self }
    }

    /// The same, as a destination that accepts no message of more bytes.
    #[must_use]
    pub fn accepting(self, bytes: u64) -> Self {
        Self { rules: Rules { limit: Some(bytes), ..self.rules }, ..self }
    }
}

/// Where a folder of a Maildir++ lies below its root: nothing for the inbox, else a directory's name. None for a path that none
/// can hold.
pub fn directory(path: &FolderPath) -> Option<PathBuf> {
    names::steps(&names::wire(path, &names::Style::default())).ok().map(PathBuf::from_iter)
}

#[async_trait]
impl SourceEndpoint for MaildirEndpoint {
    async fn open_source(&self) -> Result<Box<dyn Source>> {
        let tables = Tables::Apart(mailbox::apart(&self.resources.numbers, self.root.path()));
        let mailbox = Mailbox::new(self.root.clone(), tables, self.rules, self.resources.clone());
        let session = MaildirSession::new(mailbox);
        session.with(Mailbox::check_source).await?;
        Ok(Box::new(session))
    }
}

#[async_trait]
impl DestinationEndpoint for MaildirEndpoint {
    async fn open_destination(&self) -> Result<Box<dyn Destination>> {
        let mailbox = Mailbox::new(self.root.clone(), Tables::Beside, self.rules, self.resources.clone());
        let session = MaildirSession::new(mailbox);
        session.with(Mailbox::check_destination).await?;
        Ok(Box::new(session))
    }
}

#[async_trait]
impl MailboxKind for MaildirServer {
    async fn check(&self, tested: Option<Tested>, told: &mut Told<'_>) {
        check::check(self, tested, told).await;
    }

    fn roles(
        &self,
        side: Side,
        mailbox: &item::Mailbox,
        _: Arc<dyn Authenticator>,
        resources: Resources,
    ) -> Result<Roles> {
        let root = self
            .path
            .root(mailbox)
            .map_err(|error| trouble::mailbox(&format!("finding the {} Maildir", side.word()), &error.to_string()))?;
        let trusted = Path::new(self.path.trusted());
        Ok(Roles::both(MaildirEndpoint::below(root.into(), trusted, resources).laid_out(self.layout)))
    }

    fn place(&self, mailbox: &item::Mailbox, links: &Links) -> Place {
        let root = self.path.root(mailbox).ok();
        Place::in_a_folder(self.places(mailbox, &|path| links.follow(path)), root.map(Into::into))
    }
}
