//! How projects and items with their passwords enter the workspace: the vault first, then the database in one
//! transaction, so that no row names a password that was never kept. Shared by the window and the command line.
//!
//! What breaks off in between leaves numbers of credentials that nothing refers to; their secrets are removed by the next
//! entry a day later, when nobody can still be about to use them.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::domain::csv_import::{Parsed, Row, parse};
use crate::domain::failure::Side;
use crate::domain::ids::{CredentialId, ProjectId};
use crate::domain::item::{Item, Mailbox};
use crate::domain::project::Options;
use crate::domain::secret::Secret;
use crate::domain::server::Server;
use crate::domain::shared_maildir::shared_maildirs;
use crate::store::{NewItem, Store, StoreError};
use crate::vault::{self, Vault, VaultError};

/// A larger file of items is refused unread: 100,000 rows are some 10 MB.
const ITEMS_LIMIT: u64 = 256 * 1024 * 1024;
/// A CA file larger than this is none.
const AUTHORITIES_LIMIT: u64 = 4 * 1024 * 1024;
const DAY: i64 = 24 * 60 * 60 * 1000;

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
    /// The database, and then passwords could not be removed from the vault again.
    #[error("{why}\n{also}")]
    LeftBehind {
        /// What the database said.
        why: StoreError,
        /// What the vault said.
        also: VaultError,
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
/// is written.
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
    /// The items are in all the same if passwords that they replaced could not be removed.
    pub removed: Result<(), VaultError>,
}

/// Reads a list of items.
///
/// # Errors
/// For people: why the file cannot be read.
pub fn read_items(file: &Path) -> Result<Parsed, String> {
    let size = std::fs::metadata(file).map_err(|error| error.to_string())?.len();
    if size > ITEMS_LIMIT {
        return Err("larger than 256 MB; split it".into());
    }
    Ok(parse(&std::fs::read(file).map_err(|error| error.to_string())?))
}

/// Reads a file of certificates.
///
/// # Errors
/// For people: why the file cannot be used.
pub fn read_authorities(file: &Path) -> Result<String, String> {
    let size = std::fs::metadata(file).map_err(|error| error.to_string())?.len();
    if size > AUTHORITIES_LIMIT {
        return Err("too large for a file of certificates".into());
    }
    let pem = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
    if !pem.contains("-----BEGIN CERTIFICATE-----") {
        return Err("holds no certificate (PEM, -----BEGIN CERTIFICATE-----)".into());
    }
    Ok(pem)
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
        Ok(id) => Ok(id),
        Err(why) => Err(take_back(store, vault, kept, why).await),
    }
}

/// Imports items.
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
    let imported = match store.import_items(project, items).await {
        Ok(imported) => imported,
        Err(why) => return Err(take_back(store, vault, kept, why).await),
    };
    let replaced: Vec<CredentialId> = imported.iter().flat_map(|item| item.replaced).flatten().collect();
    let removed = match vault {
        Some(vault) if !replaced.is_empty() => remove(store, vault, replaced, watch).await,
        // What cannot be removed now is removed by a later entry.
        _ => Ok(()),
    };
    let created = imported.iter().filter(|item| item.created).count();
    Ok(Entered { created, updated: imported.len() - created, removed })
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
    let unused = store.unused_credentials(now - DAY).await?;
    if !unused.is_empty() {
        remove(store, vault, unused, watch).await?;
    }
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

async fn remove(
    store: &Store,
    vault: &Arc<dyn Vault>,
    ids: Vec<CredentialId>,
    watch: &Watch,
) -> Result<(), VaultError> {
    let (count, tell) = (ids.len(), Arc::clone(&watch.tell));
    vault::delete_many(vault, ids.clone(), move |done| tell(Work::Removing, done, count)).await?;
    if let Err(error) = store.forget_credentials(ids).await {
        // Their numbers are looked at again by a later entry.
        tracing::warn!(%error, "credentials not forgotten");
    }
    Ok(())
}

/// Removes passwords that nothing refers to, because the database could not be written.
async fn take_back(
    store: &Store,
    vault: Option<&Arc<dyn Vault>>,
    ids: Vec<CredentialId>,
    why: StoreError,
) -> EnterError {
    let Some(vault) = vault.filter(|_| !ids.is_empty()) else { return why.into() };
    match remove(store, vault, ids, &Watch::nobody()).await {
        Ok(()) => why.into(),
        Err(also) => EnterError::LeftBehind { why, also },
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
mod tests {
    use super::*;
    use crate::vault::MemoryVault;

    const NOW: i64 = 1_000_000_000_000;

    fn rows(passwords: &[Option<&str>]) -> Vec<Row> {
        let secret = |password: &Option<&str>| password.map(Secret::new);
        let rows = passwords.iter().enumerate().map(|(at, password)| Row {
            line: at + 2,
            source_email: format!("user{at}@a.example"),
            source_login: None,
            source_password: secret(password),
            destination_email: format!("user{at}@b.example"),
            destination_login: None,
            destination_password: secret(password),
        });
        rows.collect()
    }

    struct Bench {
        store: Store,
        vault: Arc<dyn Vault>,
        project: ProjectId,
        _folder: tempfile::TempDir,
    }

    impl Bench {
        async fn new() -> Bench {
            let folder = tempfile::tempdir().unwrap();
            let store = Store::open(folder.path(), NOW).unwrap();
            let server = || Server::parse_url("imaps://imap.example").unwrap();
            let new = ("p".to_owned(), server(), server(), Options::default());
            let project = project(&store, None, NOW, new, [None, None]).await.unwrap();
            Bench { store, vault: Arc::new(MemoryVault::default()), project, _folder: folder }
        }

        async fn enter(&self, now: i64, rows: Vec<Row>, watch: &Watch) -> Result<Entered, EnterError> {
            items(&self.store, Some(&self.vault), now, self.project, rows, watch).await
        }

        async fn passwords(&self) -> Vec<Option<String>> {
            let rows = self.store.items(self.project).await.unwrap();
            let of = |row: &crate::store::ItemRow| row.item.source.credential;
            let known = rows.iter().map(|row| of(row).map(|id| self.vault.get(id).unwrap().expose().to_owned()));
            known.collect()
        }
    }

    #[tokio::test]
    async fn passwords_that_are_replaced_go_and_those_not_given_stay() {
        let bench = Bench::new().await;
        let nobody = Watch::nobody();
        let first = bench.enter(NOW, rows(&[Some("one"), Some("two"), None]), &nobody).await.unwrap();
        assert_eq!((first.created, first.updated, first.removed), (3, 0, Ok(())));
        let old = bench.store.items(bench.project).await.unwrap()[1].item.source.credential.unwrap();
        let again = bench.enter(NOW, rows(&[None, Some("new")]), &nobody).await.unwrap();
        assert_eq!((again.created, again.updated), (0, 2));
        assert_eq!(bench.passwords().await, [Some("one".into()), Some("new".into()), None]);
        assert_eq!(bench.vault.get(old), Err(VaultError::Missing(old)));
        assert!(bench.store.unused_credentials(i64::MAX).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_cancelled_import_leaves_nothing() {
        let bench = Bench::new().await;
        let watch = Watch::nobody();
        let cancel = watch.cancel.clone();
        let watch = Watch { tell: Arc::new(move |_, _, _| cancel.cancel()), ..watch };
        let cancelled = bench.enter(NOW, rows(&[Some("one"), Some("two")]), &watch).await;
        assert!(matches!(cancelled, Err(EnterError::Vault(VaultError::Cancelled))), "{cancelled:?}");
        assert!(bench.store.items(bench.project).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_database_that_refuses_takes_its_passwords_back() {
        let bench = Bench::new().await;
        bench.store.delete_project(bench.project).await.unwrap();
        let refused = bench.enter(NOW, rows(&[Some("one")]), &Watch::nobody()).await;
        assert!(matches!(refused, Err(EnterError::Store(StoreError::Missing(_)))), "{refused:?}");
        assert_eq!(bench.vault.get(CredentialId(1)), Err(VaultError::Missing(CredentialId(1))));
        assert!(bench.store.unused_credentials(i64::MAX).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn what_broke_off_a_day_ago_is_removed_by_the_next_entry() {
        let bench = Bench::new().await;
        let broken = bench.store.new_credentials(1, NOW, "import").await.unwrap()[0];
        bench.vault.put_many(vec![(broken, Secret::new("left"))], &|_| vault::GO_ON).unwrap();
        bench.enter(NOW + DAY, rows(&[Some("one")]), &Watch::nobody()).await.unwrap();
        assert!(bench.vault.get(broken).is_ok(), "somebody may still be about to use it");
        bench.enter(NOW + DAY + 1, rows(&[Some("two")]), &Watch::nobody()).await.unwrap();
        assert_eq!(bench.vault.get(broken), Err(VaultError::Missing(broken)));
    }
}
