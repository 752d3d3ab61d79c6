//! How projects and items with their passwords enter the workspace: the vault first, then the database, so that no row
//! names a password that was never kept. Shared by the window and the command line. Blocks on the disk only.

use std::path::Path;
use std::sync::Arc;

use crate::domain::csv_import::{Parsed, Row, parse};
use crate::domain::failure::Side;
use crate::domain::ids::{CredentialId, ProjectId};
use crate::domain::project::Options;
use crate::domain::secret::Secret;
use crate::domain::server::Server;
use crate::store::{NewItem, Store, StoreError};
use crate::vault::{Vault, VaultError};

/// A larger file of items is refused unread: 100,000 rows are some 10 MB.
const ITEMS_LIMIT: u64 = 256 * 1024 * 1024;
/// A CA file larger than this is none.
const AUTHORITIES_LIMIT: u64 = 4 * 1024 * 1024;

/// Why something did not enter.
#[derive(Debug, thiserror::Error)]
pub enum EnterError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The vault.
    #[error(transparent)]
    Vault(#[from] VaultError),
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

/// Makes a project whose administrators have these passwords.
pub async fn project(
    store: &Store,
    vault: Option<Arc<dyn Vault>>,
    now: i64,
    (name, source, destination, options): (String, Server, Server, Options),
    secrets: Vec<(Side, Secret)>,
) -> Result<ProjectId, EnterError> {
    let credentials = store.new_credentials(secrets.len(), now, "consultant").await?;
    let sides: Vec<Side> = secrets.iter().map(|(side, _)| *side).collect();
    let entries = credentials.iter().copied().zip(secrets.into_iter().map(|(_, secret)| secret)).collect();
    put(vault.as_ref(), entries).await?;
    let id = store.create_project(name, source, destination, options).await?;
    for (side, credential) in sides.into_iter().zip(credentials) {
        store.set_project_credential(id, side, Some(credential)).await?;
    }
    Ok(id)
}

/// Imports items; answers how many are new and how many were known.
pub async fn items(
    store: &Store,
    vault: Option<Arc<dyn Vault>>,
    now: i64,
    project: ProjectId,
    rows: Vec<Row>,
) -> Result<(usize, usize), EnterError> {
    let items = rows.iter().map(new_item).collect();
    let secrets = secrets(rows);
    let ids = store.new_credentials(secrets.len(), now, "import").await?;
    let places: Vec<(usize, Side, CredentialId)> =
        secrets.iter().zip(&ids).map(|((row, side, _), id)| (*row, *side, *id)).collect();
    // Before the items: when the vault cannot be written, nothing is imported.
    put(vault.as_ref(), ids.into_iter().zip(secrets.into_iter().map(|(.., secret)| secret)).collect()).await?;
    let imported = store.import_items(project, items).await?;
    let changes = places.into_iter().map(|(row, side, id)| (imported[row].id, side, Some(id))).collect();
    let replaced = store.set_item_credentials(changes).await?;
    if let Some(vault) = vault.filter(|_| !replaced.is_empty()) {
        on_a_thread(move || vault.delete_many(&replaced, &|_| ())).await?;
    }
    let created = imported.iter().filter(|item| item.created).count();
    Ok((created, imported.len() - created))
}

async fn put(vault: Option<&Arc<dyn Vault>>, entries: Vec<(CredentialId, Secret)>) -> Result<(), VaultError> {
    match vault {
        _ if entries.is_empty() => Ok(()),
        Some(vault) => {
            let vault = Arc::clone(vault);
            on_a_thread(move || vault.put_many(entries, &|_| ())).await
        }
        None => Err(VaultError::Locked("choose where passwords are kept first".into())),
    }
}

async fn on_a_thread(work: impl FnOnce() -> Result<(), VaultError> + Send + 'static) -> Result<(), VaultError> {
    let ended = tokio::task::spawn_blocking(work).await;
    ended.map_err(|_| VaultError::Failed("the request was broken off".into()))?
}

/// A row of the list as the database takes it.
pub fn new_item(row: &Row) -> NewItem {
    NewItem {
        source_email: row.source_email.clone(),
        source_login: row.source_login.clone(),
        destination_email: row.destination_email.clone(),
        destination_login: row.destination_login.clone(),
    }
}

/// The passwords of the rows, each with the number of its row.
pub fn secrets(rows: Vec<Row>) -> Vec<(usize, Side, Secret)> {
    let sides = rows.into_iter().enumerate().flat_map(|(at, row)| {
        [(Side::Source, row.source_password), (Side::Destination, row.destination_password)]
            .into_iter()
            .filter_map(move |(side, secret)| secret.map(|secret| (at, side, secret)))
    });
    sides.collect()
}
