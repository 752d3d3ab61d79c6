//! What a pass over an item would do, before it runs.

use super::{OpenWorkspace, ServiceError, look};
use crate::domain::ids::ItemId;
use crate::domain::preview::{Preview, PreviewFlag, PreviewLine};
use crate::domain::tree::Reason;
use crate::domain::wording::counted;
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

/// Why a folder goes where it goes.
pub fn because(reason: Reason) -> &'static str {
    match reason {
        Reason::Mapping => "mapping",
        Reason::Recorded => "as in earlier passes",
        Reason::Role => "same role",
        Reason::SameName => "same name",
        Reason::Remainder => "what lies in no other folder",
    }
}

/// What a person should look at.
pub fn flag_text(flag: &PreviewFlag) -> String {
    match flag {
        PreviewFlag::Shared(other) => format!("\"{other}\" goes there too"),
        PreviewFlag::DiffersInCase(other) => {
            format!("\"{other}\" differs only in case: the destination decides whether they are one folder")
        }
        PreviewFlag::NameChanged => "the destination cannot have this name as it is".to_owned(),
    }
}

/// The messages that rules leave out of a folder.
pub fn skipped_text(line: &PreviewLine) -> impl Iterator<Item = String> {
    line.skipped.iter().map(|(rule, messages)| {
        format!("skips {}: {}", counted(usize::try_from(*messages).unwrap_or(usize::MAX), "message"), rule.word())
    })
}
