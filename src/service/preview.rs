//! What a pass over an item would do, before it runs.

use super::options::{self, SetError};
use super::{OpenWorkspace, ServiceError, look, times};
use crate::domain::failure::Side;
use crate::domain::ids::ItemId;
use crate::domain::overrides::{OptionKey, Overrides};
use crate::domain::preview::{FolderFate, Preview, PreviewFlag, PreviewLine};
use crate::domain::project::{Options, Project};
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
    let seen = preview_item(&engine, item, &options).await.map_err(|error| match error {
        NoPreview::Store(error) => error.into(),
        NoPreview::Side(side, failure) => ServiceError::NotLooked(side, failure),
    });
    seen.map(|preview| with_providers(&project, preview))
}

/// Flags what the providers of both sides are known to refuse or to list without mail.
fn with_providers(project: &Project, mut preview: Preview) -> Preview {
    let [source, destination] =
        [Side::Source, Side::Destination].map(|side| project.provider(side).map(|(provider, _)| provider));
    for PreviewLine { folder, fate, .. } in &mut preview.lines {
        if let FolderFate::Goes { to, exists, flags, .. } = fate {
            let refused = destination.filter(|_| !*exists).and_then(|provider| provider.refuses(folder, to));
            let no_mail = source.and_then(|provider| provider.holds_no_mail(folder));
            flags.extend(refused.into_iter().chain(no_mail).map(PreviewFlag::OfProvider));
        }
    }
    preview
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
        PreviewFlag::OfProvider(words) => words.clone(),
    }
}

/// The messages that rules leave out of a folder.
pub fn skipped_text(line: &PreviewLine) -> impl Iterator<Item = String> {
    line.skipped.iter().map(|(rule, messages)| {
        format!("skips {}: {}", counted(usize::try_from(*messages).unwrap_or(usize::MAX), "message"), rule.word())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::folder::FolderPath;
    use crate::domain::ids::{PoolId, ProjectId};
    use crate::domain::server::Server;

    #[test]
    fn names_that_a_provider_refuses_and_folders_without_mail_are_flagged() {
        let server = |url: &str| Server::parse_url(url).unwrap();
        let project = |source: &str, destination: &str| Project {
            id: ProjectId(1),
            name: "p".into(),
            client: None,
            source: server(source),
            destination: server(destination),
            options: Default::default(),
            starts: Default::default(),
            pool: PoolId::FIRST,
        };
        let line = |name: &str, exists| {
            let path = FolderPath::new([name]);
            let fate = FolderFate::Goes { to: path.clone(), reason: Reason::SameName, exists, flags: Vec::new() };
            PreviewLine { folder: path, messages: None, fate, skipped: Default::default() }
        };
        let flags = |project: &Project, line: PreviewLine| {
            let seen = with_providers(project, Preview { lines: vec![line] });
            let FolderFate::Goes { flags, .. } = &seen.lines[0].fate else { panic!("it goes") };
            flags.iter().map(flag_text).collect::<Vec<_>>()
        };
        let (microsoft, other) = ("imaps://outlook.office365.com", "imaps://imap.x.example");
        let into = flags(&project(other, microsoft), line("Files", false));
        assert_eq!(into, ["Microsoft 365 refuses a folder named Files: map it, such as ^Files->Files-1"]);
        assert_eq!(flags(&project(other, microsoft), line("Files", true)), [] as [&str; 0], "it is there");
        assert_eq!(flags(&project(other, other), line("Files", false)), [] as [&str; 0]);
        let from = flags(&project(microsoft, other), line("Calendar", false));
        assert!(from.len() == 1 && from[0].starts_with("Microsoft 365 keeps no mail in Calendar"), "{from:?}");
    }
}
