//! What a pass over an item would do, before it runs.

use super::options::{self, SetError};
use super::{OpenWorkspace, ServiceError, look, times};
use crate::domain::ids::ItemId;
use crate::domain::overrides::{OptionKey, Overrides};
use crate::domain::preview::{Preview, PreviewFlag, PreviewLine};
use crate::domain::project::Options;
use crate::domain::tree::Reason;
use crate::domain::wording::counted;
use crate::engine::preview::{NoPreview, preview_item};

/// Options that are not saved: a person wants to see what they would do.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Unsaved {
    /// There are none.
    #[default]
    Nothing,
    /// Those of the project.
    Project(Box<Options>),
    /// Those that the item is to have of its own, as they are written.
    Item(Vec<(OptionKey, String)>),
}

impl Unsaved {
    /// What would count for an item of this project.
    fn effective(&self, own: Overrides, project: &Options, name: &str) -> Result<Options, SetError> {
        match self {
            Self::Nothing => Ok(own.effective(project)),
            Self::Project(options) => {
                let together = own.effective(options);
                together.validate().map_err(|why| SetError::WithItem(name.to_owned(), why))?;
                Ok(together)
            }
            Self::Item(written) => {
                let written: Vec<_> = written.iter().map(|(key, text)| (*key, text.as_str())).collect();
                Ok(options::changed(own, project, &written, &times::zone())?.effective(project))
            }
        }
    }
}

/// Looks at both mailboxes of an item, with the options that count for it, or would if these were saved; the vault must be
/// open. Changes nothing.
///
/// # Errors
/// One of them cannot be looked at, or the options cannot be used.
pub async fn of_item(workspace: &OpenWorkspace, item: ItemId, unsaved: &Unsaved) -> Result<Preview, ServiceError> {
    let row = workspace.store.item(item).await?;
    let project = workspace.store.project(row.item.project).await?;
    let own = workspace.store.item_options(item).await?;
    let options = unsaved.effective(own, &project.options, &row.item.source.email)?;
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
