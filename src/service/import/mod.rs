//! How projects and items with their passwords come into a workspace: the vault first, then the database in one
//! transaction, so that no row names a password that was never kept.
//!
//! What breaks off in between leaves numbers of credentials that nothing refers to; their secrets are removed after an
//! import a day later, when nobody can still be about to use them (`cleanup`). Long; says how far it is, can be cancelled.

mod cleanup;
mod reading;
mod secrets;
mod shared;

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

pub use cleanup::NotRemoved;
pub(super) use cleanup::remove;
pub(super) use reading::read_users;
pub use reading::{FileError, read, read_authorities};
pub(super) use secrets::{roll_back, store_secrets};
pub use shared::shared_destinations;

use super::{OpenWorkspace, ServiceError};
use crate::domain::csv_import::ParsedList;
use crate::domain::edit::Records;
use crate::domain::failure::Side;
use crate::domain::ids::{CredentialId, ItemId, ProjectId};
use crate::domain::item::{Item, Mailbox};
use crate::domain::project::ProjectTerms;
use crate::domain::secret::Secret;
use crate::domain::server::Server;
use crate::domain::shared_maildir::{SharedMaildir, shared_maildirs};
use crate::domain::status::Status;
use crate::domain::wording::counted;
use crate::store::{Became, Imported, NewItem, StoreError};
use crate::vault::VaultError;

/// Where items come from.
#[derive(Clone, Debug)]
pub enum ImportFrom {
    /// A CSV file.
    File(PathBuf),
    /// The same as a text, which may hold passwords.
    Text(Secret),
}

/// Why nothing came in.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The vault.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// Two people's mail would be in one Maildir.
    #[error("nothing was imported: {0}")]
    SharedMaildir(SharedMaildir),
    /// The list has no good row.
    #[error("nothing was imported: no row could be read")]
    NoRows {
        /// How many bad ones it has.
        bad: usize,
    },
    /// The list has bad rows, which are not to be left out.
    #[error("nothing was imported: {}", counted(*bad, "bad row"))]
    BadRows {
        /// How many.
        bad: usize,
        /// How many good ones.
        good: usize,
    },
    /// One of these, and then passwords could not be removed from the vault again.
    #[error("{why}\n{also}")]
    LeftBehind {
        /// Why nothing was made.
        why: Box<ImportError>,
        /// Why they are still there.
        also: NotRemoved,
    },
}

/// What takes long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Passwords are put into the vault.
    Storing,
    /// Passwords that nothing uses any more are removed from it.
    Removing,
}

impl Work {
    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Storing => "Storing passwords",
            Self::Removing => "Removing unused passwords",
        }
    }
}

/// Who watches an import: hears how many of how many are done, on the vault's thread, and may cancel it until the database
/// is written. Cancelled later, what nothing uses any more stays in the vault for a later import to remove.
#[derive(Clone)]
pub struct Watch {
    /// Hears what is done, how many, of how many.
    pub tell: Arc<dyn Fn(Work, usize, usize) + Send + Sync>,
    /// Cancels.
    pub cancel: CancellationToken,
}

impl Watch {
    /// Nobody.
    pub fn nobody() -> Self {
        Self { tell: Arc::new(|_, _, _| ()), cancel: CancellationToken::new() }
    }
}

/// What an import brought in.
#[derive(Debug, Default)]
pub struct ImportSummary {
    /// New items.
    pub created: usize,
    /// Items that were known and have new logins or passwords.
    pub updated: usize,
    /// Items that were known just so.
    pub unchanged: usize,
    /// Items that may not be edited now and are as they were, by status.
    pub left: BTreeMap<Status, usize>,
    /// Bad rows that were left out.
    pub bad: usize,
    /// Passwords that were left out, because their side takes none.
    pub useless: usize,
    /// Items of which what was copied is forgotten: the engine has to show it.
    pub reset: Vec<ItemId>,
    /// What went wrong after it: the items are in all the same.
    pub trouble: Option<ServiceError>,
}

/// What a project is made of.
pub(super) struct ProjectParts {
    pub name: String,
    pub source: Server,
    pub destination: Server,
    pub terms: ProjectTerms,
    /// The administrators' passwords, source and destination.
    pub secrets: [Option<Secret>; 2],
}

/// Makes a project whose administrators have these passwords.
pub(super) async fn project(workspace: &OpenWorkspace, parts: ProjectParts) -> Result<ProjectId, ImportError> {
    let ProjectParts { name, source, destination, terms, secrets } = parts;
    let sides = [secrets[0].is_some(), secrets[1].is_some()];
    let secrets = secrets.into_iter().flatten().collect();
    let stored = secrets::store_secrets(workspace, "consultant", secrets, &Watch::nobody()).await?;
    let mut ids = stored.iter().copied();
    let credentials = sides.map(|has| if has { ids.next() } else { None });
    match workspace.store.create_project(name, [source, destination], terms, credentials).await {
        Ok(id) => {
            if let Some(vault) = workspace.vault.get_open() {
                // Nobody can cancel this: no more than what goes at once.
                cleanup::sweep(workspace, vault.batch(), &Watch::nobody()).await;
            }
            Ok(id)
        }
        Err(why) => Err(secrets::roll_back(workspace, stored, why.into()).await),
    }
}

/// Refuses a list without a good row, and one with bad rows unless they are to be left out.
///
/// # Errors
/// See there.
pub fn admit(list: &ParsedList, skip_bad: bool) -> Result<(), ImportError> {
    let (good, bad) = (list.rows.len(), list.problems.len());
    match (good, bad) {
        (0, bad) => Err(ImportError::NoRows { bad }),
        (good, 1..) if !skip_bad => Err(ImportError::BadRows { bad, good }),
        _ => Ok(()),
    }
}

/// Whether the good rows hold passwords, for which the vault must be open.
pub fn has_passwords(list: &ParsedList) -> bool {
    list.rows.iter().any(|row| row.source_password.is_some() || row.destination_password.is_some())
}

/// Imports the good rows of a list. Items that may not be edited in their status are left alone. Where a login name changes
/// and mail was copied already, `records` says whether the mailboxes are the same (D13).
///
/// # Errors
/// Nothing was imported.
pub async fn items(
    workspace: &OpenWorkspace,
    project: ProjectId,
    list: ParsedList,
    records: Option<Records>,
    watch: &Watch,
) -> Result<ImportSummary, ImportError> {
    let (bad, mut rows) = (list.problems.len(), list.rows);
    let useless = secrets::leave_out(&workspace.store.project(project).await?, &mut rows);
    let (mut items, places, secrets) = secrets::separate(rows);
    tell_maildirs_apart(workspace, project, &items).await?;
    let stored = secrets::store_secrets(workspace, "import", secrets, watch).await?;
    for ((row, side), id) in places.into_iter().zip(&stored) {
        match side {
            Side::Source => items[row].source_credential = Some(*id),
            Side::Destination => items[row].destination_credential = Some(*id),
        }
    }
    if watch.cancel.is_cancelled() {
        return Err(secrets::roll_back(workspace, stored, VaultError::Cancelled.into()).await);
    }
    let came_with: Vec<_> = items.iter().map(|item| [item.source_credential, item.destination_credential]).collect();
    let answer = records.map(|records| (records, workspace.now()));
    let imported = match workspace.store.import_list(project, items, answer).await {
        Ok(imported) => imported,
        Err(why) => return Err(secrets::roll_back(workspace, stored, why.into()).await),
    };
    let (mut summary, unused) = sum_up(&imported, came_with);
    (summary.bad, summary.useless) = (bad, useless);
    // Without a vault, what is unused is removed after a later import.
    if workspace.vault.get_open().is_some() {
        match cleanup::remove(workspace, unused, watch).await {
            Ok(()) => cleanup::sweep(workspace, usize::MAX, watch).await,
            Err(error) => summary.trouble = Some(error.into()),
        }
    }
    Ok(summary)
}

/// What became of the items, and the credentials that nothing uses any more. `came_with` names those of each item.
fn sum_up(imported: &[Imported], came_with: Vec<[Option<CredentialId>; 2]>) -> (ImportSummary, Vec<CredentialId>) {
    let (mut summary, mut unused) = (ImportSummary::default(), Vec::new());
    for (item, came_with) in imported.iter().zip(came_with) {
        summary.reset.extend(item.reset.then_some(item.id));
        match item.became {
            Became::Created => summary.created += 1,
            Became::Updated { replaced } => {
                summary.updated += 1;
                unused.extend(replaced.into_iter().flatten());
            }
            Became::Unchanged => summary.unchanged += 1,
            Became::LeftAlone(status) => {
                *summary.left.entry(status).or_default() += 1;
                unused.extend(came_with.into_iter().flatten());
            }
        }
    }
    (summary, unused)
}

/// Refuses new items that would have one Maildir with an item of another address.
async fn tell_maildirs_apart(
    workspace: &OpenWorkspace,
    project: ProjectId,
    new: &[NewItem],
) -> Result<(), ImportError> {
    let project = workspace.store.project(project).await?;
    if project.source.keeps_addresses_apart() && project.destination.keeps_addresses_apart() {
        return Ok(());
    }
    let mut mailboxes: HashMap<(String, String), (Mailbox, Mailbox)> = HashMap::new();
    for Item { source, destination, .. } in workspace.store.items(project.id).await?.into_iter().map(|row| row.item) {
        mailboxes.insert(item_key(&source.email, &destination.email), (source, destination));
    }
    let mut keys = Vec::with_capacity(new.len());
    for item in new {
        let mailbox = |email: &str, login: &Option<String>, known: Option<String>| Mailbox {
            email: email.to_owned(),
            login: login.clone().or(known),
            credential: None,
        };
        let key = item_key(&item.source_email, &item.destination_email);
        // What the file does not say stays as it is.
        let (source, destination) = match mailboxes.remove(&key) {
            Some((source, destination)) => (source.login, destination.login),
            None => (None, None),
        };
        let source = mailbox(&item.source_email, &item.source_login, source);
        let destination = mailbox(&item.destination_email, &item.destination_login, destination);
        mailboxes.insert(key.clone(), (source, destination));
        keys.push(key);
    }
    let all = mailboxes.iter().map(|(key, (source, destination))| (key, source, destination));
    let refused = shared_maildirs(&project, all);
    match keys.iter().find_map(|key| refused.get(&key)) {
        Some(reason) => Err(ImportError::SharedMaildir(reason.clone())),
        None => Ok(()),
    }
}

/// What tells items of a project apart (D5).
fn item_key(source: &str, destination: &str) -> (String, String) {
    (source.to_ascii_lowercase(), destination.to_ascii_lowercase())
}

#[cfg(test)]
mod tests;
