//! Items as their listings and pages show them, read from the database: also while another process runs the engine.

use super::asking::{AskedOf, asked_of};
use super::edit::{self, PasswordState};
use super::{OpenWorkspace, ServiceError};
use crate::domain::counts::Counts;
use crate::domain::failure::{Failure, Side};
use crate::domain::ids::{ItemId, PassId, ProjectId};
use crate::domain::notice::Notice;
use crate::domain::overrides::Overrides;
use crate::domain::pass::PassKind;
use crate::domain::progress::PassFolder;
use crate::domain::project::Project;
use crate::domain::status::Status;
use crate::domain::time::Timestamp;
use crate::store::{ErrorRow, PassFolderRow};
pub use crate::store::{ItemRow as StoredItem, NoticeRow as StoredNotice, PassRow as StoredPass};

/// Lines of one page of a listing.
pub const PAGE: u32 = 500;

/// A pass as the page of its item lists it.
#[derive(Clone, Debug, PartialEq)]
pub struct PassLine {
    /// The pass.
    pub id: PassId,
    /// What it does.
    pub kind: PassKind,
    /// Where it stands.
    pub status: Status,
    /// Times.
    pub submitted: Timestamp,
    /// When a worker first took it.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// Its figures.
    pub counts: Counts,
    /// Whether something of it is left to do.
    pub leaves_something: bool,
    /// Why it failed or is held.
    pub failure: Option<(Option<Side>, Failure)>,
}

/// A folder of a pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderLine {
    /// Name at the source.
    pub source: String,
    /// Name at the destination.
    pub destination: String,
    /// Where it stands.
    pub folder: PassFolder,
}

/// What the page of an item shows besides its row.
#[derive(Clone, Debug, PartialEq)]
pub struct Details {
    /// The item.
    pub item: ItemId,
    /// All passes, newest first.
    pub passes: Vec<PassLine>,
    /// The first folders of the latest pass.
    pub folders: Vec<FolderLine>,
    /// The first errors of the latest pass.
    pub errors: Vec<ErrorRow>,
    /// The first notices of the latest pass.
    pub notices: Vec<Notice>,
    /// Its options in place of the project's.
    pub own: Overrides,
    /// How its mailboxes are opened, and what its owner was asked for.
    pub credentials: ItemCredentials,
}

/// How an item's mailboxes are opened, and what its owner was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ItemCredentials {
    /// What is known of its passwords: source, destination.
    pub passwords: Vec<(Side, PasswordState)>,
    /// Where its owner is reached, if not at its source address.
    pub contact: Option<String>,
    /// What its owner was asked for.
    pub asked: AskedOf,
}

/// The items of a project at one moment.
pub struct LiveItems {
    /// Their rows.
    pub rows: Vec<StoredItem>,
    /// Whether a process works on the active ones: what says migrating without one was interrupted.
    pub running: bool,
}

/// Why items that were named cannot be told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSelected {
    /// The project has none of this name.
    #[error("project \"{project}\" has no item \"{name}\"")]
    None {
        /// The project.
        project: String,
        /// What was named.
        name: String,
    },
    /// A name that fits several (D5).
    #[error("\"{name}\" fits {} items; name one as SOURCE:DESTINATION:\n  {}", keys.len(), keys.join("\n  "))]
    Several {
        /// What was named.
        name: String,
        /// All that it fits.
        keys: Vec<String>,
    },
}

/// The items of a project, as the database has them.
pub async fn all(workspace: &OpenWorkspace, project: ProjectId) -> Result<Vec<StoredItem>, ServiceError> {
    Ok(workspace.store.items(project).await?)
}

/// The numbers of a project's items.
pub async fn all_ids(workspace: &OpenWorkspace, project: ProjectId) -> Result<Vec<ItemId>, ServiceError> {
    Ok(workspace.store.item_ids(project).await?)
}

/// Those of these items that are there, as the database has them.
pub async fn these(workspace: &OpenWorkspace, items: Vec<ItemId>) -> Result<Vec<StoredItem>, ServiceError> {
    Ok(workspace.store.items_of(items).await?)
}

/// The items of a project and whether a process runs them. Without a lock, both are asked for again when they contradict:
/// a process may have come or gone in between.
pub async fn live(workspace: &OpenWorkspace, project: ProjectId) -> Result<LiveItems, ServiceError> {
    let active = |rows: &[StoredItem]| -> Vec<(ItemId, Status)> {
        rows.iter().filter(|row| row.status().is_active()).map(|row| (row.item.id, row.status())).collect()
    };
    let mut rows = all(workspace, project).await?;
    loop {
        let running = workspace.is_held();
        let before = active(&rows);
        if running || before.is_empty() {
            return Ok(LiveItems { rows, running });
        }
        rows = all(workspace, project).await?;
        if active(&rows) == before {
            return Ok(LiveItems { rows, running: workspace.is_held() });
        }
    }
}

/// The items of a project: all, or those that are named by an address or as SOURCE:DESTINATION, in that order.
///
/// # Errors
/// A name that fits none, or two.
pub async fn select(
    workspace: &OpenWorkspace,
    project: &Project,
    names: &[String],
) -> Result<Vec<StoredItem>, ServiceError> {
    let rows = all(workspace, project.id).await?;
    if names.is_empty() {
        return Ok(rows);
    }
    let mut chosen: Vec<StoredItem> = Vec::new();
    for name in names {
        match rows.iter().filter(|row| fits(row, name)).collect::<Vec<_>>().as_slice() {
            [] => return Err(NotSelected::None { project: project.name.clone(), name: name.clone() }.into()),
            [one] => {
                if !chosen.iter().any(|row| row.item.id == one.item.id) {
                    chosen.push((*one).clone());
                }
            }
            several => {
                let keys = several.iter().map(|row| key(row)).collect();
                return Err(NotSelected::Several { name: name.clone(), keys }.into());
            }
        }
    }
    Ok(chosen)
}

fn fits(row: &StoredItem, name: &str) -> bool {
    let (source, destination) = (&row.item.source.email, &row.item.destination.email);
    source.eq_ignore_ascii_case(name)
        || destination.eq_ignore_ascii_case(name)
        || name
            .split_once(':')
            .is_some_and(|(from, to)| source.eq_ignore_ascii_case(from) && destination.eq_ignore_ascii_case(to))
}

/// `source:destination`, as [`select`] takes it.
pub fn key(row: &StoredItem) -> String {
    format!("{}:{}", row.item.source.email, row.item.destination.email)
}

/// The notices of the latest passes of a project's items, at most so many of each, oldest first.
pub async fn notices(
    workspace: &OpenWorkspace,
    project: ProjectId,
    limit: u32,
) -> Result<Vec<StoredNotice>, ServiceError> {
    Ok(workspace.store.project_notices(project, limit).await?)
}

/// The first notices of a pass.
pub async fn pass_notices(workspace: &OpenWorkspace, pass: PassId, limit: u32) -> Result<Vec<Notice>, ServiceError> {
    Ok(workspace.store.notices(pass, limit, 0).await?)
}

/// The passes of an item, newest first.
pub async fn passes(workspace: &OpenWorkspace, item: ItemId) -> Result<Vec<StoredPass>, ServiceError> {
    Ok(workspace.store.passes(item).await?)
}

/// Item errors of a pass: so many from a place on.
pub async fn errors(
    workspace: &OpenWorkspace,
    pass: PassId,
    limit: u32,
    offset: u32,
) -> Result<Vec<ErrorRow>, ServiceError> {
    Ok(workspace.store.item_errors(pass, limit, offset).await?)
}

/// A page of the folders of a pass.
pub async fn folders(workspace: &OpenWorkspace, pass: PassId, offset: u32) -> Result<Vec<FolderLine>, ServiceError> {
    let rows = workspace.store.pass_folders(pass, PAGE, offset).await?;
    let mut lines: Vec<FolderLine> = rows.into_iter().map(folder_line).collect();
    // The database orders by the stored form, people expect a folder above those in it.
    lines.sort_by(|a, b| a.source.split('/').cmp(b.source.split('/')));
    Ok(lines)
}

/// Everything the page of an item shows besides its row.
pub async fn details(workspace: &OpenWorkspace, item: ItemId) -> Result<Details, ServiceError> {
    let passes = passes(workspace, item).await?;
    let (mut folders, mut errors, mut notices) = (Vec::new(), Vec::new(), Vec::new());
    if let Some(pass) = passes.first() {
        folders = self::folders(workspace, pass.id, 0).await?;
        errors = self::errors(workspace, pass.id, PAGE, 0).await?;
        notices = workspace.store.notices(pass.id, PAGE, 0).await?;
    }
    let own = workspace.store.item_options(item).await?;
    let credentials = credentials(workspace, item).await?;
    let passes = passes.into_iter().map(pass_line).collect();
    Ok(Details { item, passes, folders, errors, notices, own, credentials })
}

/// How an item's mailboxes are opened, and what its owner was asked for.
///
/// # Errors
/// The database.
pub async fn credentials(workspace: &OpenWorkspace, item: ItemId) -> Result<ItemCredentials, ServiceError> {
    let known = edit::settings(workspace, item).await?;
    let passwords = [Side::Source, Side::Destination].into_iter().zip(known.passwords).collect();
    Ok(ItemCredentials { passwords, contact: known.contact, asked: asked_of(workspace, item).await? })
}

fn pass_line(row: StoredPass) -> PassLine {
    PassLine {
        id: row.id,
        kind: row.kind,
        status: row.status,
        submitted: row.submitted,
        started: row.started,
        ended: row.ended,
        counts: row.progress.counts,
        leaves_something: row.progress.leaves_something(),
        failure: row.failure.map(|ended| (ended.side, ended.failure)),
    }
}

fn folder_line(row: PassFolderRow) -> FolderLine {
    FolderLine { source: row.source.to_string(), destination: row.destination.to_string(), folder: row.folder }
}
