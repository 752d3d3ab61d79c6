//! Item errors as they are listed and accepted, and what happened to an item.

mod save;

use std::collections::BTreeMap;

use super::items::{PAGE, StoredItem, key};
use super::orders::give;
use super::{OpenWorkspace, ServiceError};
use crate::domain::ids::{ItemId, ProjectId, Uid};
use crate::domain::item_error::{ErrorCause, ItemError};
use crate::engine::command::{Command, ErrorVerdict, Outcome};
pub use crate::store::ErrorRow as StoredError;
pub use save::{NotSaved, SaveTo, Saving, save, save_table};

/// Why errors that were named cannot be told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoSuchError {
    /// The item's latest pass left nothing behind.
    #[error("{item}: the latest pass has no errors")]
    None {
        /// The item.
        item: String,
    },
    /// It has no such error.
    #[error("{item}: message {uid} in folder \"{folder}\" is no error of the latest pass")]
    Other {
        /// The item.
        item: String,
        /// The folder.
        folder: String,
        /// The message.
        uid: Uid,
    },
}

/// Errors of one cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CauseSum {
    /// The first of them, for its words; without a folder where they lie in several.
    pub first: StoredError,
    /// Messages.
    pub messages: u64,
    /// Of these, accepted ones.
    pub accepted: u64,
    /// Bytes, as far as sizes are known.
    pub bytes: u64,
}

/// A page of the errors of the latest passes of a project's items, or of one item.
pub async fn page(
    workspace: &OpenWorkspace,
    project: ProjectId,
    item: Option<ItemId>,
    offset: u32,
) -> Result<Vec<StoredError>, ServiceError> {
    Ok(workspace.store.project_errors(project, item, PAGE, offset).await?)
}

/// Hands every such error to `each`, page by page.
pub async fn each(
    workspace: &OpenWorkspace,
    project: ProjectId,
    item: Option<ItemId>,
    mut each: impl FnMut(StoredError),
) -> Result<(), ServiceError> {
    let mut offset = 0;
    loop {
        let rows = page(workspace, project, item, offset).await?;
        let last = rows.len() < PAGE as usize;
        offset += PAGE;
        rows.into_iter().for_each(&mut each);
        if last {
            return Ok(());
        }
    }
}

/// Sums by side and cause, the most frequent first.
#[derive(Default)]
pub struct CauseSums(BTreeMap<ErrorCause, CauseSum>);

impl CauseSums {
    /// Adds an error.
    pub fn add(&mut self, row: &StoredError) {
        let ItemError { messages, size, accepted, folder, .. } = &row.error;
        let new = || CauseSum { first: row.clone(), messages: 0, accepted: 0, bytes: 0 };
        let sum = self.0.entry(ErrorCause::of(&row.error)).or_insert_with(new);
        if sum.first.error.folder != *folder {
            sum.first.error.folder = None;
        }
        sum.messages += messages;
        sum.accepted += if accepted.is_some() { *messages } else { 0 };
        sum.bytes += size.unwrap_or(0);
    }

    /// Those there are.
    pub fn listed(self) -> Vec<CauseSum> {
        let mut sums: Vec<CauseSum> = self.0.into_values().collect();
        sums.sort_by_key(|sum| std::cmp::Reverse(sum.messages));
        sums
    }
}

/// The errors of an item's latest pass: all, or that of one message, named by folder and number.
///
/// # Errors
/// There is none.
pub async fn find(
    workspace: &OpenWorkspace,
    item: &StoredItem,
    message: Option<(&str, Uid)>,
) -> Result<Vec<StoredError>, ServiceError> {
    let mut found = Vec::new();
    each(workspace, item.item.project, Some(item.item.id), |row| {
        let named = |(folder, uid): (&str, Uid)| {
            row.error.source == Some(uid) && row.error.folder.as_ref().is_some_and(|path| path.to_string() == folder)
        };
        if message.is_none_or(named) {
            found.push(row);
        }
    })
    .await?;
    let item = key(item);
    match message {
        _ if !found.is_empty() => Ok(found),
        None => Err(NoSuchError::None { item }.into()),
        Some((folder, uid)) => Err(NoSuchError::Other { item, folder: folder.to_owned(), uid }.into()),
    }
}

/// Has errors of an item accepted, or no longer, by whoever runs the passes.
///
/// # Errors
/// Nothing was changed.
pub async fn accept(
    workspace: &OpenWorkspace,
    item: &StoredItem,
    errors: &[StoredError],
    verdict: ErrorVerdict,
) -> Result<Outcome, ServiceError> {
    let errors = errors.iter().map(|row| row.id).collect();
    give(workspace, Command::Accept { project: item.item.project, item: item.item.id, errors, verdict }).await
}
