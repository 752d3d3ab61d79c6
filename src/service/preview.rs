//! What a pass over an item would do, before it runs.

use super::{OpenWorkspace, ServiceError, look};
use crate::domain::ids::ItemId;
use crate::domain::preview::Preview;
use crate::engine::preview::{NoPreview, preview_item};

/// Looks at both mailboxes of an item, with the options that count for it; the vault must be open. Changes nothing.
///
/// # Errors
/// One of them cannot be looked at.
pub async fn of_item(workspace: &OpenWorkspace, item: ItemId) -> Result<Preview, ServiceError> {
    let row = workspace.store.item(item).await?;
    let project = workspace.store.project(row.item.project).await?;
    let options = workspace.store.item_options(item).await?.effective(&project.options);
    let engine = look::means(workspace, workspace.folder())?;
    preview_item(&engine, item, &options).await.map_err(|error| match error {
        NoPreview::Store(error) => error.into(),
        NoPreview::Side(side, failure) => ServiceError::NotLooked(side, failure),
    })
}
