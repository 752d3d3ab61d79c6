//! `mailferry preview`: where every folder would go, and what would be left out.

use crate::cli::error::{CliError, Exit};
use crate::cli::options::assignments;
use crate::cli::status::failure_text;
use crate::cli::table::{Table, clean};
use crate::cli::workspace::unlock;
use crate::domain::preview::{FolderFate, Preview, PreviewLine};
use crate::domain::project::Project;
use crate::domain::wording::{count, counted};
use crate::service::items::StoredItem;
use crate::service::preview::{self, Unsaved, because, flag_text, skipped_text};
use crate::service::{OpenWorkspace, ServiceError, items, projects};

/// `preview`
pub async fn preview(
    workspace: &OpenWorkspace,
    project: &str,
    (names, set): (&[String], &[String]),
) -> Result<Exit, CliError> {
    let written = assignments(set)?.into_iter().map(|(key, value)| (key, value.to_owned()));
    let unsaved = if set.is_empty() { Unsaved::Nothing } else { Unsaved::Item(written.collect()) };
    let project = projects::named(workspace, project).await?;
    let rows = items::select(workspace, &project, names).await?;
    if rows.is_empty() {
        return Err(CliError::usage("the project has no items yet: import some first"));
    }
    if project.source.needs_login() || project.destination.needs_login() {
        unlock(workspace).await?;
    }
    let mut exit = Exit::Well;
    for row in &rows {
        say!("{} → {}", clean(&row.item.source.email), clean(&row.item.destination.email));
        match preview::of_item(workspace, row.item.id, &unsaved).await {
            Err(ServiceError::Set(why)) => return Err(CliError::usage(why.to_string())),
            Ok(found) => print(&found),
            Err(error) => {
                exit = Exit::Items;
                say!("  {}", clean(&trouble(&project, row, &error)));
            }
        }
    }
    Ok(exit)
}

fn trouble(project: &Project, row: &StoredItem, error: &ServiceError) -> String {
    match error {
        ServiceError::NotLooked(side, failure) => {
            let text = failure_text(project, row, Some(*side), failure);
            format!("{}. {} {}", text.headline, text.what, text.todo)
        }
        error => error.to_string(),
    }
}

fn print(found: &Preview) {
    let mut table = Table::new(&["Folder", ">Messages", "Goes to", "Why"]);
    for line in &found.lines {
        table.row(cells(line));
    }
    table.print();
    let goes = found.lines.iter().filter(|line| matches!(line.fate, FolderFate::Goes { .. })).count();
    say!("{} to copy, {} left out. Nothing was changed.", counted(goes, "folder"), found.lines.len() - goes);
}

fn cells(line: &PreviewLine) -> Vec<String> {
    let messages = line.messages.map_or_else(|| "?".to_owned(), count);
    let (to, mut why) = match &line.fate {
        FolderFate::LeftOut(reason) => (String::new(), vec![reason.word().to_owned()]),
        FolderFate::Goes { to, reason, exists, flags } => {
            let mut why = vec![because(*reason).to_owned()];
            if !exists {
                why.push("new folder".to_owned());
            }
            why.extend(flags.iter().map(|flag| format!("! {}", flag_text(flag))));
            (to.to_string(), why)
        }
    };
    why.extend(skipped_text(line));
    vec![line.folder.to_string(), messages, to, why.join("; ")]
}
