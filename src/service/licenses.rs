//! Licenses: pools, what a Start takes of them, what is lost with deleted items, and the history as a table for a spreadsheet.
//!
//! While there is only the pool that every workspace begins with, nobody needs to hear of licenses: entries are written all the
//! same, so that a bill can be made of them.

use std::collections::HashMap;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use tempfile::NamedTempFile;

use super::items::{PAGE, StoredItem};
use super::{OpenWorkspace, ServiceError, times};
use crate::domain::csv_writing::line;
use crate::domain::ids::{ItemId, PoolId, ProjectId};
pub use crate::domain::license::{Account, Entry, EntryItem, EntryKind, Holder, ItemLicense, PoolTerms, Taking};
use crate::domain::license::{are_shown, checked_number, checked_text};
use crate::domain::pass::PassKind;
use crate::store::StoreError;

/// The columns of the history's table.
pub const COLUMNS: [&str; 12] = [
    "Number",
    "Time",
    "Pool",
    "Kind of pool",
    "Client",
    "Entry",
    "Licenses",
    "Project",
    "Source Email",
    "Destination Email",
    "Pass",
    "Note",
];

/// Why the history was not saved.
#[derive(Debug, thiserror::Error)]
#[error("{}: {error}", file.display())]
pub struct NotExported {
    /// The file.
    pub file: PathBuf,
    /// Why.
    pub error: io::Error,
}

/// The licenses of a project: its pool, and what its items hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectLicenses {
    /// Its pool.
    pub account: Account,
    /// Items that hold one; the others need one.
    pub held: HashMap<ItemId, ItemLicense>,
}

impl ProjectLicenses {
    /// What a pass of this kind takes for these items, which are at rest; nothing, if it takes none.
    pub fn taking(&self, kind: PassKind, items: impl IntoIterator<Item = ItemId>) -> Option<Taking> {
        let needed = items.into_iter().filter(|item| self.of(*item).takes(kind)).count() as u64;
        let pool = self.account.pool.terms.name.clone();
        (needed > 0).then(|| Taking { pool, needed, free: self.account.free() })
    }

    /// How many of these items have consumed one, which is lost with them.
    pub fn lost_with(&self, items: impl IntoIterator<Item = ItemId>) -> u64 {
        let consumed = |item: &ItemId| matches!(self.of(*item), ItemLicense::Consumed(_));
        items.into_iter().filter(consumed).count() as u64
    }

    /// What an item holds.
    pub fn of(&self, item: ItemId) -> ItemLicense {
        self.held.get(&item).copied().unwrap_or_default()
    }
}

/// Pools with their balances, and newest entries, the newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// All pools.
    pub accounts: Vec<Account>,
    /// Entries of one pool, or of all.
    pub newest: Vec<Entry>,
}

/// All pools with their balances.
pub async fn accounts(workspace: &OpenWorkspace) -> Result<Vec<Account>, ServiceError> {
    Ok(workspace.store.license_accounts().await?)
}

/// Whether licenses are worth a word.
pub async fn shown(workspace: &OpenWorkspace) -> Result<bool, ServiceError> {
    Ok(are_shown(&accounts(workspace).await?))
}

/// A pool by its name, ignoring case.
///
/// # Errors
/// There is none.
pub async fn named(workspace: &OpenWorkspace, name: &str) -> Result<Account, ServiceError> {
    let (accounts, key) = (accounts(workspace).await?, name.trim().to_lowercase());
    let found = accounts.into_iter().find(|account| account.pool.terms.name.to_lowercase() == key);
    found.ok_or_else(|| ServiceError::NoPool(name.trim().to_owned()))
}

/// Makes a pool with so many licenses; without a number it is unlimited.
///
/// # Errors
/// Nothing was made.
pub async fn new_pool(workspace: &OpenWorkspace, terms: PoolTerms, number: Option<i64>) -> Result<(), ServiceError> {
    let terms = terms.checked().map_err(StoreError::from)?;
    let number = number.map(checked_number).transpose().map_err(StoreError::from)?;
    workspace.store.add_pool(terms, number, workspace.now()).await?;
    Ok(())
}

/// Adds licenses to a pool; answers what it comes to.
///
/// # Errors
/// Nothing was added.
pub async fn add(workspace: &OpenWorkspace, pool: PoolId, number: i64, note: String) -> Result<Account, ServiceError> {
    let number = checked_number(number).map_err(StoreError::from)?;
    checked_text("a note", &note).map_err(StoreError::from)?;
    Ok(workspace.store.add_licenses(pool, number, note, workspace.now()).await?)
}

/// The licenses of a project.
pub async fn of_project(workspace: &OpenWorkspace, project: ProjectId) -> Result<ProjectLicenses, ServiceError> {
    let account = workspace.store.project_account(project).await?;
    Ok(ProjectLicenses { account, held: workspace.store.item_licenses(project).await? })
}

/// What is said before these items of a project are deleted (R43); nothing while licenses are not worth a word.
pub async fn lost_with(
    workspace: &OpenWorkspace,
    project: ProjectId,
    rows: &[StoredItem],
) -> Result<Option<String>, ServiceError> {
    if !shown(workspace).await? {
        return Ok(None);
    }
    let licenses = of_project(workspace, project).await?;
    Ok(crate::domain::license::lost_with(licenses.lost_with(rows.iter().map(|row| row.item.id))))
}

/// All pools, and the newest entries of one or of all.
pub async fn ledger(workspace: &OpenWorkspace, pool: Option<PoolId>) -> Result<Ledger, ServiceError> {
    let newest = workspace.store.newest_license_entries(pool, PAGE).await?;
    Ok(Ledger { accounts: accounts(workspace).await?, newest })
}

/// Hands every entry of a pool or of all to `each`, oldest first, page by page.
pub async fn each(
    workspace: &OpenWorkspace,
    pool: Option<PoolId>,
    mut each: impl FnMut(Entry),
) -> Result<(), ServiceError> {
    let mut after = 0;
    loop {
        let entries = workspace.store.license_entries(pool, after, PAGE).await?;
        let Some(last) = entries.last() else { return Ok(()) };
        after = last.id;
        entries.into_iter().for_each(&mut each);
    }
}

/// Hands every line of the history's table to `write`, its head first. What people wrote can be no formula in it.
pub async fn table(
    workspace: &OpenWorkspace,
    pool: Option<PoolId>,
    mut write: impl FnMut(String),
) -> Result<(), ServiceError> {
    let accounts = accounts(workspace).await?;
    let terms: HashMap<PoolId, PoolTerms> =
        accounts.into_iter().map(|account| (account.pool.id, account.pool.terms)).collect();
    let zone = times::zone();
    write(line(COLUMNS));
    each(workspace, pool, |entry| {
        let PoolTerms { name, kind, client } = terms.get(&entry.pool).cloned().unwrap_or_default();
        let (number, time) = (entry.id.to_string(), times::told(entry.at, &zone));
        let (licenses, entry_word) = (entry.number.to_string(), entry.kind.word().to_owned());
        let pass = entry.of.as_ref().and_then(|of| of.pass).map(|pass| pass.to_string()).unwrap_or_default();
        let (project, source, destination) =
            entry.of.map(|of| (of.project, of.source, of.destination)).unwrap_or_default();
        let cells =
            [number, time, name, kind, client, entry_word, licenses, project, source, destination, pass, entry.note];
        write(line(cells.iter().map(String::as_str)));
    })
    .await
}

/// Saves the history of a pool or of all as a table; answers how many entries it has. The file is written beside its place and
/// put there when it is whole.
///
/// # Errors
/// Nothing was saved.
pub async fn export(workspace: &OpenWorkspace, pool: Option<PoolId>, file: PathBuf) -> Result<u64, ServiceError> {
    let not_written = |error| NotExported { file: file.clone(), error };
    let home =
        file.parent().filter(|parent| !parent.as_os_str().is_empty()).map_or_else(|| PathBuf::from("."), PathBuf::from);
    let new = NamedTempFile::with_prefix_in(".mailferry", &home).map_err(not_written)?;
    let mut out = BufWriter::new(new);
    let (mut written, mut lines) = (Ok(()), 0u64);
    table(workspace, pool, |line| {
        if written.is_ok() {
            written = out.write_all(line.as_bytes());
            lines += 1;
        }
    })
    .await?;
    let saved = written.and_then(|()| out.into_inner().map_err(io::IntoInnerError::into_error));
    let saved = saved.and_then(|new| new.persist(&file).map_err(|lost| lost.error));
    saved.map_err(not_written)?;
    Ok(lines.saturating_sub(1))
}
