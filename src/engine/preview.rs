//! What a pass over an item would do, for a person who wants to see it first. Nothing is changed, and nothing retried: a person
//! sees why it failed and asks again.

use std::sync::Arc;

use crate::domain::failure::{Failure, Side};
use crate::domain::ids::ItemId;
use crate::domain::project::Options;
use crate::engine::one_look::Looks;
use crate::engine::workspace::Workspace;
use crate::pass::SideFailure;
use crate::pass::preview::preview;
pub use crate::pass::preview::{FolderFate, Preview, PreviewFlag, PreviewLine};
use crate::store::StoreError;

/// Why it is not known.
#[derive(Debug, thiserror::Error)]
pub enum NoPreview {
    /// The workspace's database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A server.
    #[error("{1}")]
    Side(Side, Failure),
}

impl From<SideFailure> for NoPreview {
    fn from(failure: SideFailure) -> Self {
        Self::Side(failure.side, failure.failure)
    }
}

/// Looks at both mailboxes of an item, with the options that count for it.
///
/// # Errors
/// One of them cannot be looked at.
pub async fn preview_item(workspace: &Workspace, item: ItemId, options: &Options) -> Result<Preview, NoPreview> {
    let looks = Looks::new(workspace, item).await?;
    let records = workspace.store.folders(item).await?;
    let at = |side| move |failure| NoPreview::Side(side, failure);
    let source = looks.source(Arc::default()).await.map_err(at(Side::Source))?;
    let destination = looks.destination().await.map_err(at(Side::Destination))?;
    let (source, destination) = tokio::join!(source.open_source(), destination.open_destination());
    let mut source = source.map_err(at(Side::Source))?;
    let mut destination = destination.map_err(at(Side::Destination))?;
    let found = preview(source.as_mut(), destination.as_mut(), &records, options).await;
    tokio::join!(source.close(), destination.close());
    Ok(found?)
}
