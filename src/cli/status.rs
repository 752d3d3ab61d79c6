//! `mailferry status`: live figures from the database; takes no lock (D1).

use std::collections::HashMap;

use serde::Serialize;

use crate::cli::called::of_project;
use crate::cli::error::{CliError, Exit};
use crate::cli::table::{Table, clean};
use crate::domain::counts::Counts;
use crate::domain::failure::{Cause, Failure, Side};
use crate::domain::figures::{is_done, migrated, of_total, size_of, under_way};
use crate::domain::ids::{ItemId, Uid};
use crate::domain::item_error::ItemError;
use crate::domain::notice::{Notice, NoticeKind};
use crate::domain::pass::PassKind;
use crate::domain::plain_text::escaped;
use crate::domain::progress::{PassProgress, Phase, RetryState};
use crate::domain::project::Project;
use crate::domain::star::Star;
use crate::domain::status::{HoldReason, Status};
use crate::domain::status_words::display;
use crate::domain::time::Timestamp;
use crate::domain::wording::{self, notice_line, others_wait, pausing, size, told};
use crate::service::items::{self, LiveItems, StoredItem, StoredNotice, key, live};
use crate::service::{OpenWorkspace, projects};

/// The number of this form; it grows when a field changes its meaning.
const SCHEMA: u32 = 2;
/// Notices of one item in the JSON; the others are counted.
const NOTICES: u32 = 1000;
/// Notices that people are shown.
pub const NAMED: u32 = 20;

#[derive(Serialize)]
struct StatusReport {
    schema: u32,
    items: Vec<ItemReport>,
}

#[derive(Serialize)]
struct ItemReport {
    id: ItemId,
    source: String,
    destination: String,
    star: Option<Star>,
    status: Status,
    /// Of a held one: for what it waits.
    hold: Option<HoldReason>,
    /// Of a scheduled one: when it starts.
    starts_at: Option<Timestamp>,
    /// Whether a process works on it now: what says migrating without one was interrupted.
    running: bool,
    pass: Option<PassKind>,
    attempt: Option<u32>,
    phase: Option<Phase>,
    folders: FoldersReport,
    messages: MessagesReport,
    flags_updated: u64,
    /// Messages copied since the item was made or reset, over all passes: it never falls.
    copied: u64,
    /// Their bytes: it never falls either.
    bytes: u64,
    /// Bytes read of messages that are not recorded yet.
    under_way: u64,
    /// What the source held when it was last counted.
    at_source: Option<SourceReport>,
    /// From the first start of the pass to its end, or to now.
    seconds: Option<f64>,
    retry: Option<RetryState>,
    error: Option<ErrorReport>,
    notices: Vec<NoticeReport>,
    /// How many notices there are, with those that are left out above.
    notices_total: u64,
}

#[derive(Serialize)]
struct NoticeReport {
    kind: NoticeKind,
    folder: Option<String>,
    side: Option<Side>,
    messages: u64,
    numbers: Vec<Uid>,
    detail: Option<String>,
    text: String,
}

#[derive(Serialize)]
struct FoldersReport {
    done: u32,
    total: u32,
    current: Option<String>,
}

#[derive(Serialize)]
struct SourceReport {
    folders: u64,
    messages: u64,
    /// None where the source does not tell sizes.
    bytes: Option<u64>,
}

/// What the latest pass counted.
#[derive(Serialize)]
struct MessagesReport {
    source: u64,
    copied: u64,
    already_there: u64,
    skipped: u64,
    vanished: u64,
    errors: u64,
    /// Of the errors.
    accepted: u64,
    waiting: u64,
    arrived: u64,
    differ: u64,
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
    row: &StoredItem,
    side: Option<Side>,
    failure: &Failure,
) -> crate::domain::wording::Text {
    told(project, mailboxes(row), "", side, failure)
}

fn mailboxes(row: &StoredItem) -> (&str, &str) {
    (&row.item.source.email, &row.item.destination.email)
}

/// What happened with an item error, and what to do.
pub fn item_error_text(project: &Project, row: &StoredItem, error: &ItemError) -> crate::domain::wording::Text {
    wording::error_text(project, mailboxes(row), error)
}

/// An item error in one line: where, which message, why.
pub fn item_error_line(project: &Project, row: &StoredItem, error: &ItemError) -> String {
    wording::error_line(project, mailboxes(row), error)
}

fn report(project: &Project, row: &StoredItem, running: bool, notices: &[StoredNotice], now: Timestamp) -> ItemReport {
    let latest = row.latest.as_ref();
    let progress = latest.map(|pass| pass.progress.clone()).unwrap_or_default();
    let counts = progress.counts;
    let seconds = latest
        .and_then(|pass| pass.started.map(|from| pass.ended.unwrap_or(now).since(from).as_millis() as f64 / 1000.0));
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
        star: row.star,
        status: row.status(),
        hold: latest.and_then(|pass| pass.hold).filter(|_| row.status() == Status::Held),
        starts_at: starts_at(row).filter(|_| row.status() == Status::Scheduled),
        running: running && row.status().is_active(),
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
            accepted: progress.accepted,
            waiting: counts.waiting,
            arrived: counts.arrived,
            differ: counts.differ,
        },
        flags_updated: counts.flags_updated,
        copied: row.moved().messages,
        bytes: row.moved().bytes,
        under_way: if row.status().is_active() { progress.in_flight } else { 0 },
        at_source: progress.at_source.map(|at| SourceReport {
            folders: at.folders,
            messages: at.messages,
            bytes: at.bytes,
        }),
        seconds,
        retry: progress.retry,
        error,
        notices: notices.iter().map(notice_report).collect(),
        notices_total: notices.first().map_or(0, |first| first.of),
    }
}

fn notice_report(row: &StoredNotice) -> NoticeReport {
    let Notice { folder, kind, side, messages, numbers, detail } = &row.notice;
    NoticeReport {
        kind: *kind,
        folder: folder.as_ref().map(ToString::to_string),
        side: *side,
        messages: *messages,
        numbers: numbers.clone(),
        detail: detail.clone(),
        text: notice_line(&row.notice),
    }
}

/// `status`
pub async fn status(workspace: &OpenWorkspace, project: &str, json: bool) -> Result<Exit, CliError> {
    let project = projects::named(workspace, project).await?;
    let LiveItems { rows, running } = live(workspace, project.id).await?;
    let now = workspace.now();
    if json {
        let notices = items::notices(workspace, project.id, NOTICES).await?;
        let of = by_item(&notices);
        let report_of =
            |row: &StoredItem| report(&project, row, running, of.get(&row.item.id).copied().unwrap_or_default(), now);
        let report =
            serde_json::to_string_pretty(&StatusReport { schema: SCHEMA, items: rows.iter().map(report_of).collect() })
                .map_err(|error| CliError::cannot(format!("writing JSON: {error}")))?;
        say!("{}", escaped(&report));
        return Ok(Exit::Well);
    }
    table(&project, &rows, running, now).print();
    if rows.len() > 1 {
        say!("{}", sums(&rows));
    }
    let notices = items::notices(workspace, project.id, NAMED).await?;
    let lines = notices.iter().filter_map(|notice| {
        let row = rows.iter().find(|row| row.item.id == notice.item)?;
        Some(format!("{}: {}", key(row), notice_line(&notice.notice)))
    });
    let all: u64 = notices.chunk_by(|a, b| a.item == b.item).map(|some| some[0].of).sum();
    for line in bounded(lines, all) {
        say!("{}", clean(&line));
    }
    Ok(Exit::Well)
}

/// Notices by their item.
pub fn by_item(notices: &[StoredNotice]) -> HashMap<ItemId, &[StoredNotice]> {
    notices.chunk_by(|a, b| a.item == b.item).map(|some| (some[0].item, some)).collect()
}

/// The first [`NAMED`] of some lines, and how many more there are.
pub fn bounded(lines: impl Iterator<Item = String>, all: u64) -> Vec<String> {
    let mut lines: Vec<String> = lines.take(NAMED as usize).collect();
    let more = all.saturating_sub(lines.len() as u64);
    if more > 0 {
        lines.push(format!("… and {more} more: `mailferry status --json` names them"));
    }
    lines
}

/// A figure's heading, and what it counts.
type StatusFigure = (&'static str, fn(&Counts) -> u64);
/// Those that are nothing for most items.
const RARE: [StatusFigure; 3] = [(">Waiting", |c| c.waiting), (">Arrived", |c| c.arrived), (">Differ", |c| c.differ)];

/// A line for each item; figures that are nothing for all of them have no column.
fn table(project: &Project, rows: &[StoredItem], running: bool, now: Timestamp) -> Table {
    let counts = |row: &StoredItem| row.latest.as_ref().map(|pass| pass.progress.counts).unwrap_or_default();
    let odd: Vec<_> = RARE.into_iter().filter(|(_, of)| rows.iter().any(|row| of(&counts(row)) > 0)).collect();
    let mut heads = vec!["Source", "Destination", "Status", ">Folders", ">Messages", ">Data", ">Errors"];
    heads.extend(odd.iter().map(|(word, _)| *word));
    heads.push("What is happening");
    let mut table = Table::new(&heads);
    let mut waiting: HashMap<&str, usize> = HashMap::new();
    rows.iter().filter_map(waits_for).for_each(|server| *waiting.entry(server).or_default() += 1);
    for row in rows {
        let progress = row.latest.as_ref().map(|pass| pass.progress.clone()).unwrap_or_default();
        // Of what was never started there are none.
        let figure = |text: String| if row.latest.is_some() { text } else { "–".to_owned() };
        let others = waits_for(row).and_then(|server| waiting.get(server)).map_or(0, |all| all - 1);
        let mut cells = vec![
            row.item.source.email.clone(),
            row.item.destination.email.clone(),
            status_words(row, running, now),
            figure(format!("{}/{}", progress.folders_done, progress.folders_total)),
            figure(of(row.moved().messages, &progress)),
            figure(size(row.moved().bytes)),
            figure(progress.counts.errors.to_string()),
        ];
        cells.extend(odd.iter().map(|(_, of)| figure(of(&progress.counts).to_string())));
        let what = happening(project, row, running, now);
        let parts = [Some(what), others_wait(others).filter(|_| running)];
        cells.push(parts.into_iter().flatten().collect::<Vec<_>>().join(" · "));
        table.row(cells);
    }
    table
}

/// How far the project is: "23 of 24 migrated, 6 with errors, 1 failed · 112.18 MB of 171.04 MB".
pub fn sums(rows: &[StoredItem]) -> String {
    let is_done = |row: &&StoredItem| {
        row.latest.as_ref().is_some_and(|pass| is_done(row.status(), Some(pass.kind), &pass.progress.counts))
    };
    let errors = |row: &&StoredItem| row.latest.as_ref().is_some_and(|pass| pass.progress.counts.errors > 0);
    let count = |rows: usize| u64::try_from(rows).unwrap_or(u64::MAX);
    let done = count(rows.iter().filter(is_done).count());
    let with_errors = count(rows.iter().filter(is_done).filter(errors).count());
    let failed = count(rows.iter().filter(|row| row.status() == Status::Failed).count());
    let bytes: u64 = rows.iter().map(|row| row.moved().bytes).sum();
    // Where one mailbox has not been counted yet, the project has no total.
    let at_source = |row: &StoredItem| row.latest.as_ref()?.progress.at_source?.bytes;
    let total: Option<u64> = rows.iter().map(at_source).sum();
    let line = migrated(done, count(rows.len()), with_errors, failed);
    match total.filter(|total| bytes < *total) {
        None if bytes == 0 => line,
        total => format!("{line} · {}", size_of(bytes, total)),
    }
}

/// The server that an item's pass waits for, if it does.
fn waits_for(row: &StoredItem) -> Option<&str> {
    let pass = row.latest.as_ref().filter(|pass| pass.status.is_active() && pass.failure.is_none())?;
    pass.progress.retry.as_ref()?.server()
}

/// Messages recorded, and of how many, where that is known.
pub fn of(copied: u64, progress: &PassProgress) -> String {
    match of_total(copied, progress.messages_at_source(), &progress.counts) {
        // Some lay there before anything was copied.
        Some(total) if copied < total && copied + progress.counts.already_there == total => {
            format!("{copied} of {total}, rest was there")
        }
        Some(total) => format!("{copied} of {total}"),
        None => copied.to_string(),
    }
}

/// An item's status as people read it. What a process left in the middle when it ended is no longer migrating.
pub fn status_words(row: &StoredItem, running: bool, now: Timestamp) -> String {
    if row.status().is_active() && !running {
        return "Interrupted".into();
    }
    let latest = row.latest.as_ref();
    let progress = latest.map(|pass| pass.progress.clone()).unwrap_or_default();
    display(row.status(), latest.map(|pass| pass.kind), &progress, starts_at(row), now)
}

/// When a submission for later starts.
pub fn starts_at(row: &StoredItem) -> Option<Timestamp> {
    row.latest.as_ref()?.schedule.as_ref().map(|schedule| schedule.at)
}

/// One line about what an item is doing, or why it ended.
fn happening(project: &Project, row: &StoredItem, running: bool, now: Timestamp) -> String {
    let Some(pass) = &row.latest else { return String::new() };
    if let Some(ended) = &pass.failure {
        let text = failure_text(project, row, ended.side, &ended.failure);
        return match ended.failure.words_beside() {
            Some(server) => format!("{} · {server}", text.headline),
            None => text.headline,
        };
    }
    match pass.status {
        Status::Held => return pass.hold.map(|hold| format!("held: {}", hold.word())).unwrap_or_default(),
        Status::Queued | Status::Migrating if !running => {
            return format!(
                "Mailferry ended in the middle: `{}` goes on where it stopped",
                of_project("start", project)
            );
        }
        Status::Stopping if !running => {
            return format!("Mailferry ended before it had stopped: `{}` says so", of_project("stop", project));
        }
        Status::Submitted if !running => {
            return format!("Mailferry is not running: `{}` begins it", of_project("start", project));
        }
        Status::Completed if pass.kind == PassKind::Verify => {
            return pass.progress.at_source.map(|at| at.words()).unwrap_or_default();
        }
        status if !status.is_active() => return String::new(),
        _ => {}
    }
    if let Some(retry) = &pass.progress.retry {
        let wait = crate::domain::wording::duration(retry.until.since(now));
        return match retry.failure.cause {
            // No failure, and no try.
            Cause::Settling => format!("{}, {wait} at the most", pausing(retry)),
            _ if retry.is_no_try() => format!("{}: goes on in {wait}", pausing(retry)),
            _ => format!("Retry {} of {} in {wait}: {}", retry.attempt, retry.limit, pausing(retry)),
        };
    }
    let what = match (&pass.progress.phase, &pass.progress.current) {
        (Phase::Copying, Some(folder)) => format!("Copying {folder}"),
        (phase, _) => crate::domain::wording::phase(*phase).into(),
    };
    [Some(what), under_way(pass.progress.in_flight)].into_iter().flatten().collect::<Vec<_>>().join(" · ")
}
