//! `mailferry status`: live figures from the database; takes no lock (D1).

use serde::Serialize;

use crate::cli::error::{CliError, Exit};
use crate::cli::table::Table;
use crate::cli::workspace::Opened;
use crate::domain::failure::{Cause, Failure, Side};
use crate::domain::ids::ItemId;
use crate::domain::pass::PassKind;
use crate::domain::project::Project;
use crate::domain::record::{ItemError, Phase, RetryState};
use crate::domain::status::{Status, display};
use crate::domain::wording::{Names, size, text};
use crate::store::ItemRow;

/// The number of this form; it grows when a field changes its meaning.
const SCHEMA: u32 = 1;

#[derive(Serialize)]
struct Report {
    schema: u32,
    items: Vec<ItemReport>,
}

#[derive(Serialize)]
struct ItemReport {
    id: ItemId,
    source: String,
    destination: String,
    status: Status,
    pass: Option<PassKind>,
    attempt: Option<u32>,
    phase: Option<Phase>,
    folders: FoldersReport,
    messages: MessagesReport,
    flags_updated: u64,
    /// Message bytes written.
    bytes: u64,
    /// From the first start of the pass to its end, or to now.
    seconds: Option<f64>,
    retry: Option<RetryState>,
    error: Option<ErrorReport>,
}

#[derive(Serialize)]
struct FoldersReport {
    done: u32,
    total: u32,
    current: Option<String>,
}

#[derive(Serialize)]
struct MessagesReport {
    source: u64,
    copied: u64,
    already_there: u64,
    skipped: u64,
    vanished: u64,
    errors: u64,
}

#[derive(Serialize)]
struct ErrorReport {
    side: Option<Side>,
    headline: String,
    what: String,
    todo: String,
    failure: Failure,
}

/// The text of a row's failure.
pub fn failure_text(
    project: &Project,
    row: &ItemRow,
    side: Option<Side>,
    failure: &Failure,
) -> crate::domain::wording::Text {
    let names = match side {
        Some(Side::Source) => Names {
            host: project.source.name(),
            port: project.source.port,
            mailbox: &row.item.source.email,
            folder: "",
        },
        Some(Side::Destination) => Names {
            host: project.destination.name(),
            port: project.destination.port,
            mailbox: &row.item.destination.email,
            folder: "",
        },
        None => Names::default(),
    };
    text(failure, side, &names)
}

/// An item error in one line: where, which message, why.
pub fn item_error_line(project: &Project, row: &ItemRow, error: &ItemError) -> String {
    let folder = error.folder.as_ref().map(ToString::to_string).unwrap_or_default();
    let server = &project.destination;
    let names = Names { host: server.name(), port: server.port, mailbox: &row.item.destination.email, folder: &folder };
    let mut line = if folder.is_empty() { String::new() } else { format!("folder \"{folder}\", ") };
    line += &match (error.source, &error.subject) {
        (Some(uid), Some(subject)) => format!("message {uid} \"{subject}\": "),
        (Some(uid), None) => format!("message {uid}: "),
        (None, _) => format!("{} messages: ", error.messages),
    };
    line += &text(&error.failure, Some(Side::Destination), &names).headline;
    if let Some(server) = &error.failure.server_text {
        line += &format!(" · {server}");
    }
    line
}

fn report(project: &Project, row: &ItemRow, now: i64) -> ItemReport {
    let latest = row.latest.as_ref();
    let progress = latest.map(|pass| pass.progress.clone()).unwrap_or_default();
    let counts = progress.counts;
    let seconds = latest.and_then(|pass| pass.started.map(|from| (pass.ended.unwrap_or(now) - from) as f64 / 1000.0));
    let error = latest.and_then(|pass| pass.failure.as_ref()).map(|ended| {
        let text = failure_text(project, row, ended.side, &ended.failure);
        ErrorReport {
            side: ended.side,
            headline: text.headline,
            what: text.what,
            todo: text.todo,
            failure: ended.failure.clone(),
        }
    });
    ItemReport {
        id: row.item.id,
        source: row.item.source.email.clone(),
        destination: row.item.destination.email.clone(),
        status: row.status(),
        pass: latest.map(|pass| pass.kind),
        attempt: latest.map(|pass| pass.attempt),
        phase: latest.map(|_| progress.phase),
        folders: FoldersReport {
            done: progress.folders_done,
            total: progress.folders_total,
            current: progress.current.map(|path| path.to_string()),
        },
        messages: MessagesReport {
            source: counts.source,
            copied: counts.copied,
            already_there: counts.already_there,
            skipped: counts.skipped,
            vanished: counts.vanished,
            errors: counts.errors,
        },
        flags_updated: counts.flags_updated,
        bytes: counts.bytes,
        seconds,
        retry: progress.retry,
        error,
    }
}

/// `status`
pub async fn status(opened: &Opened, project: &str, json: bool) -> Result<Exit, CliError> {
    let project = opened.project(project).await?;
    let rows = opened.store.items(project.id).await?;
    let now = opened.clock.now();
    if json {
        let items = rows.iter().map(|row| report(&project, row, now)).collect();
        let report = serde_json::to_string_pretty(&Report { schema: SCHEMA, items })
            .map_err(|error| CliError::cannot(format!("writing JSON: {error}")))?;
        say!("{report}");
        return Ok(Exit::Well);
    }
    let mut table = Table::new(&[
        "Source",
        "Destination",
        "Status",
        ">Folders",
        ">Messages",
        ">Data",
        ">Errors",
        "What is happening",
    ]);
    for row in &rows {
        let latest = row.latest.as_ref();
        let progress = latest.map(|pass| pass.progress.clone()).unwrap_or_default();
        let kind = latest.map(|pass| pass.kind);
        let errors = progress.counts.errors;
        let at = latest.and_then(|pass| pass.schedule.as_ref()).map(|schedule| schedule.at);
        table.row(vec![
            row.item.source.email.clone(),
            row.item.destination.email.clone(),
            display(row.status(), kind, errors, at, now),
            format!("{}/{}", progress.folders_done, progress.folders_total),
            progress.counts.copied.to_string(),
            size(progress.counts.bytes),
            errors.to_string(),
            happening(&project, row, now),
        ]);
    }
    table.print();
    Ok(Exit::Well)
}

/// One line about what an item is doing, or why it ended.
fn happening(project: &Project, row: &ItemRow, now: i64) -> String {
    let Some(pass) = &row.latest else { return String::new() };
    if let Some(ended) = &pass.failure {
        let text = failure_text(project, row, ended.side, &ended.failure);
        return match &ended.failure.server_text {
            Some(server) => format!("{} · {server}", text.headline),
            None => text.headline,
        };
    }
    if !pass.status.is_active() {
        return String::new();
    }
    if let Some(retry) = &pass.progress.retry {
        let wait = crate::domain::wording::duration((retry.until - now).max(0));
        return match retry.failure.cause {
            // No failure, and no try.
            Cause::Settling => {
                format!("{}, {wait} at the most", text(&retry.failure, None, &Names::default()).headline)
            }
            _ => format!("Retry {} of {} in {wait}: {}", retry.attempt, retry.limit, retry.failure),
        };
    }
    match (&pass.progress.phase, &pass.progress.current) {
        (Phase::Copying, Some(folder)) => format!("Copying {folder}"),
        (phase, _) => crate::domain::wording::phase(*phase).into(),
    }
}
