//! How projects and items with their passwords enter the workspace: the vault first, then the database in one
//! transaction, so that no row names a password that was never kept. Shared by the window and the command line.
//!
//! What breaks off in between leaves numbers of credentials that nothing refers to; their secrets are removed after an
//! entry a day later, when nobody can still be about to use them (`removal`).

mod reading;
mod removal;
mod shared;

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

pub use reading::{read_authorities, read_items};
pub use removal::{NotRemoved, remove};
pub use shared::shared_destinations;

use crate::domain::csv_import::Row;
use crate::domain::failure::Side;
use crate::domain::ids::{CredentialId, ProjectId};
use crate::domain::item::{Item, Mailbox};
use crate::domain::project::Options;
use crate::domain::secret::Secret;
use crate::domain::server::Server;
use crate::domain::shared_maildir::shared_maildirs;
use crate::domain::status::Status;
use crate::store::{Became, NewItem, Store, StoreError};
use crate::vault::{self, Vault, VaultError};

/// Why something did not enter.
#[derive(Debug, thiserror::Error)]
pub enum EnterError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The vault.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// Two people's mail would be in one Maildir.
    #[error("nothing was imported: {0}")]
    SharedMaildir(String),
    /// One of these, and then passwords could not be removed from the vault again.
    #[error("{why}\n{also}")]
    LeftBehind {
        /// Why nothing was made.
        why: Box<EnterError>,
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

/// Who watches an entry: hears how many of how many are done, on the vault's thread, and may cancel it until the database
/// is written. Cancelled later, what nothing uses any more stays in the vault for a later entry to remove.
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
#[derive(Debug)]
pub struct Entered {
    /// New items.
    pub created: usize,
    /// Items that were known and have new logins or passwords.
    pub updated: usize,
    /// Items that were known just so.
    pub unchanged: usize,
    /// How many may not be edited now and are as they were, by status.
    pub left: BTreeMap<Status, usize>,
    /// The items are in all the same if passwords that nothing uses any more could not be removed.
    pub removed: Result<(), NotRemoved>,
}

/// Makes a project whose administrators (source, destination) have these passwords.
///
/// # Errors
/// Nothing was made.
pub async fn project(
    store: &Store,
    vault: Option<&Arc<dyn Vault>>,
    now: i64,
    (name, source, destination, options): (String, Server, Server, Options),
    [at_source, at_destination]: [Option<Secret>; 2],
) -> Result<ProjectId, EnterError> {
    let sides = [at_source.is_some(), at_destination.is_some()];
    let secrets = [at_source, at_destination].into_iter().flatten().collect();
    let kept = keep(store, vault, now, "consultant", secrets, &Watch::nobody()).await?;
    let mut ids = kept.iter().copied();
    let credentials = sides.map(|has| if has { ids.next() } else { None });
    match store.create_project(name, source, destination, options, credentials).await {
        Ok(id) => {
            if let Some(vault) = vault {
                // Nobody can cancel this: no more than what goes at once.
                removal::tidy(store, vault, now, vault.batch(), &Watch::nobody()).await;
            }
            Ok(id)
        }
        Err(why) => Err(take_back(store, vault, kept, why.into()).await),
    }
}

/// Imports items. Those that may not be edited in their status are left alone.
///
/// # Errors
/// Nothing was imported.
pub async fn items(
    store: &Store,
    vault: Option<&Arc<dyn Vault>>,
    now: i64,
    project: ProjectId,
    rows: Vec<Row>,
    watch: &Watch,
) -> Result<Entered, EnterError> {
    let (mut items, places, secrets) = separate(rows);
    tell_maildirs_apart(store, project, &items).await?;
    let kept = keep(store, vault, now, "import", secrets, watch).await?;
    for ((row, side), id) in places.into_iter().zip(&kept) {
        match side {
            Side::Source => items[row].source_credential = Some(*id),
            Side::Destination => items[row].destination_credential = Some(*id),
        }
    }
    if watch.cancel.is_cancelled() {
        return Err(take_back(store, vault, kept, VaultError::Cancelled.into()).await);
    }
    let came_with: Vec<_> = items.iter().map(|item| [item.source_credential, item.destination_credential]).collect();
    let imported = match store.import_items(project, items).await {
        Ok(imported) => imported,
        Err(why) => return Err(take_back(store, vault, kept, why.into()).await),
    };
    let mut entered = Entered { created: 0, updated: 0, unchanged: 0, left: BTreeMap::new(), removed: Ok(()) };
    let mut unused: Vec<CredentialId> = Vec::new();
    for (item, came_with) in imported.iter().zip(came_with) {
        match item.became {
            Became::Created => entered.created += 1,
            Became::Updated { replaced } => {
                entered.updated += 1;
                unused.extend(replaced.into_iter().flatten());
            }
            Became::Unchanged => entered.unchanged += 1,
            Became::LeftAlone(status) => {
                *entered.left.entry(status).or_default() += 1;
                unused.extend(came_with.into_iter().flatten());
            }
        }
    }
    if let Some(vault) = vault {
        entered.removed = remove(store, vault, unused, watch).await;
        if entered.removed.is_ok() {
            removal::tidy(store, vault, now, usize::MAX, watch).await;
        }
    }
    // Without a vault, what is unused is removed after a later entry.
    Ok(entered)
}

/// Refuses new items that would have one Maildir with an item of another address.
async fn tell_maildirs_apart(store: &Store, project: ProjectId, new: &[NewItem]) -> Result<(), EnterError> {
    let project = store.project(project).await?;
    if project.source.needs_login() && project.destination.needs_login() {
        return Ok(());
    }
    let mut mailboxes: HashMap<(String, String), (Mailbox, Mailbox)> = HashMap::new();
    for Item { source, destination, .. } in store.items(project.id).await?.into_iter().map(|row| row.item) {
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
        Some(reason) => Err(EnterError::SharedMaildir(reason.clone())),
        None => Ok(()),
    }
}

/// What tells items of a project apart (D5).
fn item_key(source: &str, destination: &str) -> (String, String) {
    (source.to_ascii_lowercase(), destination.to_ascii_lowercase())
}

/// Puts secrets into the vault under new numbers.
async fn keep(
    store: &Store,
    vault: Option<&Arc<dyn Vault>>,
    now: i64,
    giver: &str,
    secrets: Vec<Secret>,
    watch: &Watch,
) -> Result<Vec<CredentialId>, EnterError> {
    if secrets.is_empty() {
        return Ok(Vec::new());
    }
    let vault = vault.ok_or_else(|| VaultError::Locked("choose where passwords are kept first".into()))?;
    let count = secrets.len();
    let ids = store.new_credentials(count, now, giver).await?;
    let entries = ids.iter().copied().zip(secrets).collect();
    let Watch { tell, cancel } = watch.clone();
    vault::put_many(vault, entries, move |done| {
        tell(Work::Storing, done, count);
        if cancel.is_cancelled() { ControlFlow::Break(()) } else { vault::GO_ON }
    })
    .await?;
    Ok(ids)
}

/// Removes passwords that nothing refers to, because nothing became of the rows they were for.
async fn take_back(
    store: &Store,
    vault: Option<&Arc<dyn Vault>>,
    ids: Vec<CredentialId>,
    why: EnterError,
) -> EnterError {
    let Some(vault) = vault.filter(|_| !ids.is_empty()) else { return why };
    match remove(store, vault, ids, &Watch::nobody()).await {
        Ok(()) => why,
        Err(also) => EnterError::LeftBehind { why: Box::new(why), also },
    }
}

/// Items without their passwords; for each password its row and side; the passwords.
fn separate(rows: Vec<Row>) -> (Vec<NewItem>, Vec<(usize, Side)>, Vec<Secret>) {
    let (mut items, mut places, mut secrets) = (Vec::with_capacity(rows.len()), Vec::new(), Vec::new());
    for (at, row) in rows.into_iter().enumerate() {
        let passwords = [(Side::Source, row.source_password), (Side::Destination, row.destination_password)];
        for (side, password) in passwords {
            if let Some(password) = password {
                places.push((at, side));
                secrets.push(password);
            }
        }
        items.push(NewItem {
            source_email: row.source_email,
            source_login: row.source_login,
            destination_email: row.destination_email,
            destination_login: row.destination_login,
            ..NewItem::default()
        });
    }
    (items, places, secrets)
}

#[cfg(test)]
mod tests;
