//! `mailferry errors …`: what could not be moved, by cause, as a table for a spreadsheet; accepting it, saving a message.

use std::io::Write;
use std::path::PathBuf;

use crate::cli::args::errors::{AcceptErrors, Errors, ErrorsVerb, SaveError};
use crate::cli::called::of_project;
use crate::cli::error::{CliError, Exit};
use crate::cli::status::{NAMED, item_error_line, item_error_text};
use crate::cli::stop::{done, say_left};
use crate::cli::table::{Table, clean};
use crate::cli::workspace::unlock;
use crate::domain::csv_writing::line;
use crate::domain::failure::Side;
use crate::domain::ids::{ItemId, Uid};
use crate::domain::project::Project;
use crate::domain::status::Status;
use crate::domain::wording;
use crate::engine::command::ErrorVerdict;
use crate::service::errors::{self, CauseSums, SaveTo, Saving, StoredError};
use crate::service::items::{self, StoredItem, key};
use crate::service::{OpenWorkspace, ServiceError, projects, times};

/// The columns of `--csv`.
const COLUMNS: [&str; 15] = [
    "Source Email",
    "Destination Email",
    "Folder",
    "UID",
    "Subject",
    "Date",
    "Size",
    "Messages",
    "Side",
    "Reason",
    "What happened",
    "What to do",
    "Server text",
    "Accepted",
    "Note",
];

/// `errors`
pub async fn errors(workspace: &OpenWorkspace, errors: Errors) -> Result<Exit, CliError> {
    match errors.verb {
        Some(ErrorsVerb::Accept(accepted)) => accept(workspace, accepted).await,
        Some(ErrorsVerb::Save(saved)) => save(workspace, saved).await,
        None => list(workspace, &errors.project.unwrap_or_default(), errors.item.as_deref(), errors.csv).await,
    }
}

async fn list(workspace: &OpenWorkspace, project: &str, item: Option<&str>, csv: bool) -> Result<Exit, CliError> {
    let project = projects::named(workspace, project).await?;
    let names: Vec<String> = item.map(str::to_owned).into_iter().collect();
    let rows = items::select(workspace, &project, &names).await?;
    let only = item.and(rows.first()).map(|row| row.item.id);
    if csv { table(workspace, &project, &rows, only).await } else { words(workspace, &project, &rows, only).await }
}

fn row_of<'a>(rows: &'a [StoredItem], error: &StoredError) -> Option<&'a StoredItem> {
    // Both come in the order of the items.
    rows.binary_search_by_key(&error.item, |row| row.item.id).ok().and_then(|at| rows.get(at))
}

async fn table(
    workspace: &OpenWorkspace,
    project: &Project,
    rows: &[StoredItem],
    only: Option<ItemId>,
) -> Result<Exit, CliError> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let mut written = out.write_all(line(COLUMNS).as_bytes());
    errors::each(workspace, project.id, only, |error| {
        if let Some(row) = row_of(rows, &error).filter(|_| written.is_ok()) {
            let cells = cells(project, row, &error);
            written = out.write_all(line(cells.iter().map(String::as_str)).as_bytes());
        }
    })
    .await?;
    // Whoever reads has seen enough.
    written.and_then(|()| out.flush()).ok();
    Ok(Exit::Well)
}

fn cells(project: &Project, row: &StoredItem, error: &StoredError) -> [String; 15] {
    let zone = times::zone();
    let error = &error.error;
    let text = item_error_text(project, row, error);
    let accepted = error.accepted.as_ref();
    [
        row.item.source.email.clone(),
        row.item.destination.email.clone(),
        error.folder.as_ref().map(ToString::to_string).unwrap_or_default(),
        error.source.map(|uid| uid.to_string()).unwrap_or_default(),
        error.subject.clone().unwrap_or_default(),
        error.date.map(|date| times::told(date, &zone)).unwrap_or_default(),
        error.size.map(|size| size.to_string()).unwrap_or_default(),
        error.messages.to_string(),
        error.side.map(Side::word).unwrap_or_default().to_owned(),
        text.headline,
        text.what,
        text.todo,
        error.failure.server_text.clone().unwrap_or_default(),
        accepted.map(|said| times::told(said.at, &zone)).unwrap_or_default(),
        accepted.and_then(|said| said.note.clone()).unwrap_or_default(),
    ]
}

async fn words(
    workspace: &OpenWorkspace,
    project: &Project,
    rows: &[StoredItem],
    only: Option<ItemId>,
) -> Result<Exit, CliError> {
    let (mut sums, mut lines, mut all, mut accepted) = (CauseSums::default(), Vec::new(), 0, 0);
    errors::each(workspace, project.id, only, |error| {
        all += error.error.messages;
        accepted += if error.error.accepted.is_some() { error.error.messages } else { 0 };
        sums.add(&error);
        if let Some(row) = row_of(rows, &error).filter(|_| lines.len() < NAMED as usize) {
            let said = error.error.accepted.as_ref().map(|said| said.note.as_deref().unwrap_or("no note"));
            let said = said.map(|note| format!(" [accepted: {note}]")).unwrap_or_default();
            lines.push(format!("{}: {}{said}", key(row), item_error_line(project, row, &error.error)));
        }
    })
    .await?;
    let sums = sums.listed();
    if all == 0 {
        let failed = |row: &&StoredItem| {
            let pass = row.latest.as_ref().filter(|_| only.is_none_or(|only| row.item.id == only));
            pass.is_some_and(|pass| pass.status == Status::Failed)
        };
        match rows.iter().filter(failed).count() {
            0 => say!("no errors in the latest passes"),
            failed => say!(
                "no errors of messages or folders in the latest passes; {failed} of them failed: `{}` names them, `{} --item \
                 EMAIL` says why",
                of_project("status", project),
                of_project("log", project)
            ),
        }
        return Ok(Exit::Well);
    }
    say!("{}", wording::errors(all, accepted));
    let mut table = Table::new(&["Reason", "Cause", ">Messages", ">Accepted", ">Size", "What to do"]);
    for sum in &sums {
        let Some(row) = row_of(rows, &sum.first) else { continue };
        let text = item_error_text(project, row, &sum.first.error);
        let size = wording::size(sum.bytes);
        let cause = sum.first.error.failure.cause.word();
        table.row(vec![text.headline, cause, sum.messages.to_string(), sum.accepted.to_string(), size, text.todo]);
    }
    table.print();
    lines.iter().for_each(|line| say!("{}", clean(line)));
    if lines.len() == NAMED as usize {
        say!("`{} --csv` names all", of_project("errors", project));
    }
    Ok(Exit::Well)
}

/// The one item that is meant.
pub async fn item_of(workspace: &OpenWorkspace, project: &str, item: &str) -> Result<(Project, StoredItem), CliError> {
    let project = projects::named(workspace, project).await?;
    let row = items::select(workspace, &project, &[item.to_owned()]).await?.pop();
    let row = row.ok_or_else(|| CliError::usage(format!("there is no item \"{item}\"")))?;
    Ok((project, row))
}

/// `errors accept`
async fn accept(workspace: &OpenWorkspace, accept: AcceptErrors) -> Result<Exit, CliError> {
    let (_, row) = item_of(workspace, &accept.project, &accept.item).await?;
    let message = accept.folder.as_deref().zip(accept.uid.map(Uid));
    let found = errors::find(workspace, &row, message).await?;
    let verdict = if accept.undo { ErrorVerdict::Open } else { ErrorVerdict::Accepted(accept.note) };
    let outcome = done(errors::accept(workspace, &row, &found, verdict).await?)?;
    say_left(&outcome, std::slice::from_ref(&row), |_| true);
    if outcome.done.is_empty() {
        return Ok(Exit::Usage);
    }
    let messages: u64 = found.iter().map(|row| row.error.messages).sum();
    let words = wording::errors(messages, 0);
    say!("{words} of {} {}", clean(&key(&row)), if accept.undo { "left to do again" } else { "accepted" });
    Ok(Exit::Well)
}

/// `errors save`
async fn save(workspace: &OpenWorkspace, save: SaveError) -> Result<Exit, CliError> {
    let SaveError { project, item, folder, uid, file, force } = save;
    let (project, row) = item_of(workspace, &project, &item).await?;
    let found = errors::find(workspace, &row, Some((&folder, Uid(uid)))).await?.remove(0);
    if project.source.needs_login() {
        unlock(workspace).await?;
    }
    let to = SaveTo { file: PathBuf::from(&file), overwrite: force };
    let bytes =
        errors::save(workspace, &found, to, Saving::default()).await.map_err(|error| with_force(error, force))?;
    say!("{} saved as {}", wording::size(bytes), file.display());
    Ok(Exit::Well)
}

fn with_force(error: ServiceError, force: bool) -> CliError {
    match error {
        ServiceError::NotSaved(errors::NotSaved::Exists(_)) if !force => {
            CliError::usage(format!("{error}. --force writes over it"))
        }
        other => other.into(),
    }
}
