//! `mailferry project set`, `item set`, and how `project show` tells options.

use crate::cli::args::options::{SetItem, SetProject};
use crate::cli::error::{CliError, Exit};
use crate::cli::table::clean;
use crate::domain::edit::ProjectEdit;
use crate::domain::ids::ItemId;
use crate::domain::overrides::{OptionKey, Overrides};
use crate::domain::project::{Options, Project};
use crate::domain::wording::counted;
use crate::service::items::StoredItem;
use crate::service::options::{self, SetError};
use crate::service::orders::Commander;
use crate::service::{OpenWorkspace, edit, items, projects, times};

/// `project set`
pub async fn set_project(workspace: &OpenWorkspace, asked: SetProject) -> Result<Exit, CliError> {
    let project = projects::named(workspace, &asked.project).await?;
    let written = assignments(&asked.options)?;
    let mut after = project.options.clone();
    options::set_all(&mut after, &written, &times::zone()).map_err(usage)?;
    if after == project.options {
        say!("Nothing changed: project \"{}\" has these options already", clean(&project.name));
        return Ok(Exit::Well);
    }
    let changed = differing(&after, &project.options);
    let change = ProjectEdit { options: Some(after.clone()), ..ProjectEdit::of(project.id) };
    edit::project(workspace, change, Commander::Anybody(workspace)).await?;
    say!("Project \"{}\" changed", clean(&project.name));
    for key in changed {
        say!("  {}", line(key, &after));
    }
    Ok(Exit::Well)
}

/// `item set`
pub async fn set_item(workspace: &OpenWorkspace, asked: SetItem) -> Result<Exit, CliError> {
    let project = projects::named(workspace, &asked.project).await?;
    let rows = items::select(workspace, &project, &asked.items).await?;
    let written = assignments(&asked.options)?;
    for row in &rows {
        let own = options::set_of_item(workspace, row.item.id, &written, &times::zone()).await?;
        say!("{} has {}", clean(&row.item.source.email), counted(count(&own), "option") + " of its own");
        for key in own_keys(&own) {
            say!("  {}", line(key, &own.effective(&project.options)));
        }
    }
    Ok(Exit::Well)
}

/// Options as they are written on the command line.
pub fn assignments(written: &[String]) -> Result<Vec<(OptionKey, &str)>, CliError> {
    written.iter().map(|text| options::assignment(text)).collect::<Result<_, _>>().map_err(usage)
}

fn usage(error: SetError) -> CliError {
    CliError::usage(error.to_string())
}

fn own_keys(own: &Overrides) -> impl Iterator<Item = OptionKey> {
    OptionKey::ALL.into_iter().map(|(key, ..)| key).filter(|key| own.has(*key))
}

fn count(own: &Overrides) -> usize {
    own_keys(own).count()
}

/// The options that are not the same in both.
fn differing(one: &Options, other: &Options) -> Vec<OptionKey> {
    OptionKey::ALL.into_iter().map(|(key, ..)| key).filter(|key| !key.is_same(one, other)).collect()
}

fn line(key: OptionKey, options: &Options) -> String {
    format!("{} = {}", key.name(), clean(&options::text(key, options, &times::zone())))
}

/// The options of a project that are not the default, and those that items have of their own.
pub async fn show(workspace: &OpenWorkspace, project: &Project, rows: &[StoredItem]) -> Result<(), CliError> {
    let own = options::own(workspace, project.id).await?;
    let changed = differing(&project.options, &Options::default());
    for key in &changed {
        say!("Option       {}  (of the project)", line(*key, &project.options));
    }
    if changed.is_empty() {
        say!("Options      all as they are by default; `mailferry project set --help` lists them");
    }
    for (item, own) in own {
        let Some(row) = rows.iter().find(|row| row.item.id == item) else { continue };
        for key in own_keys(&own) {
            let effective = own.effective(&project.options);
            say!("Option       {}  (of item {})", line(key, &effective), clean(&row.item.source.email));
        }
    }
    Ok(())
}

/// The options that count for an item and are not the default, with where each comes from.
pub async fn show_item(workspace: &OpenWorkspace, project: &Project, item: ItemId) -> Result<(), CliError> {
    let own = options::of_item(workspace, item).await?;
    let effective = own.effective(&project.options);
    let said = |key: &OptionKey| own.has(*key) || !key.is_same(&effective, &Options::default());
    let keys: Vec<OptionKey> = OptionKey::ALL.into_iter().map(|(key, ..)| key).filter(said).collect();
    for key in &keys {
        let whose = if own.has(*key) { "of the item" } else { "of the project" };
        say!("Option       {}  ({whose})", line(*key, &effective));
    }
    if keys.is_empty() {
        say!("Options      all as they are by default; `mailferry item set --help` lists them");
    }
    Ok(())
}
