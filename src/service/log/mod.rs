//! What happened to an item, line by line: read once, for the window and the terminal. From the database, and from what was seen of
//! a pass that runs or ran in this process. What servers said in it is fit to be shown.

use super::asking::asked_of;
use super::errors::StoredError;
use super::items::{self, StoredItem, StoredPass};
use super::{OpenWorkspace, ServiceError};
use crate::domain::figures::closing;
use crate::domain::ids::{ItemId, PassId};
use crate::domain::notice::Notice;
use crate::domain::plain_text::shown;
use crate::domain::project::Project;
use crate::domain::status::Status;
use crate::domain::time::Timestamp;
use crate::domain::trace::{PassTrace, TracedPause};
use crate::domain::wording::{self, counted, notice_line};

/// Passes of an item that the window lists.
const PASSES: usize = 50;
/// Errors and notices of a pass that the window lists, of each.
const LISTED: u32 = 100;

/// What a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogKind {
    /// A pass was submitted, started or interrupted, or does something else now.
    Course,
    /// A pass waits, or goes on after it.
    Pause,
    /// How a pass stands, or ended.
    Standing,
    /// Why it failed or is held.
    Failure,
    /// The server's own words about that.
    ServerText,
    /// A message or folder that could not be moved.
    Error,
    /// What it had to say that is no error.
    Notice,
    /// There is more than is listed.
    More,
    /// What the owner of the mailbox was asked, and did.
    Owner,
}

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// When; none where no time of its own is recorded: then it belongs to the line before or after it.
    pub at: Option<Timestamp>,
    /// The number of the pass, from 1.
    pub pass: Option<usize>,
    /// What it is about.
    pub kind: LogKind,
    /// What happened.
    pub text: String,
}

/// What happened in a pass.
pub struct PassLog {
    /// Its number, from 1.
    pub number: usize,
    /// The pass.
    pub pass: StoredPass,
    /// How it stands, why it failed, what could not be moved and what was noticed.
    pub lines: Vec<LogLine>,
}

/// The passes of an item, oldest first, with at most so many errors and notices of each.
///
/// # Errors
/// The database.
pub async fn passes(
    workspace: &OpenWorkspace,
    project: &Project,
    row: &StoredItem,
    listed: u32,
) -> Result<Vec<PassLog>, ServiceError> {
    Ok(newest(workspace, (project, row), usize::MAX, listed).await?.1)
}

/// The newest passes of an item, oldest of them first; and how many there are before them.
async fn newest(
    workspace: &OpenWorkspace,
    of: (&Project, &StoredItem),
    most: usize,
    listed: u32,
) -> Result<(usize, Vec<PassLog>), ServiceError> {
    let mut passes = items::passes(workspace, of.1.item.id).await?;
    let earlier = passes.len().saturating_sub(most);
    passes.truncate(most);
    passes.reverse();
    let mut logs = Vec::with_capacity(passes.len());
    for (at, pass) in passes.into_iter().enumerate() {
        let errors = items::errors(workspace, pass.id, listed, 0).await?;
        let notices = items::pass_notices(workspace, pass.id, listed).await?;
        let number = earlier + at + 1;
        let lines = told(of, (number, &pass), (&errors, &notices), listed);
        logs.push(PassLog { number, pass, lines });
    }
    Ok((earlier, logs))
}

/// The lines of a pass.
fn told(
    (project, row): (&Project, &StoredItem),
    (number, pass): (usize, &StoredPass),
    (errors, notices): (&[StoredError], &[Notice]),
    listed: u32,
) -> Vec<LogLine> {
    let names = (row.item.source.email.as_str(), row.item.destination.email.as_str());
    let rest = at_rest(pass);
    let line = |at, kind, text: &str| LogLine { at, pass: Some(number), kind, text: shown(text) };
    let mut lines = vec![line(Some(rest), LogKind::Standing, &standing(pass))];
    if let Some(ended) = &pass.failure {
        let text = wording::told(project, names, "", ended.side, &ended.failure);
        let words = format!("{}. {} {}", text.headline, text.what, text.todo);
        lines.push(line(Some(rest), LogKind::Failure, &words));
        let said = ended.failure.server_text.as_ref();
        let whose = ended.failure.cause.words_of();
        lines.extend(said.map(|words| line(None, LogKind::ServerText, &format!("{whose}: {words}"))));
    }
    for StoredError { error, .. } in errors {
        let accepted = if error.accepted.is_some() { " [accepted]" } else { "" };
        lines.push(line(None, LogKind::Error, &(wording::error_line(project, names, error) + accepted)));
    }
    let more = || line(None, LogKind::More, "… and more");
    lines.extend((pass.progress.counts.errors > u64::from(listed)).then(more));
    lines.extend(notices.iter().map(|notice| line(None, LogKind::Notice, &notice_line(notice))));
    lines.extend((notices.len() == listed as usize).then(more));
    lines
}

/// How far a pass came, or where it stands.
fn standing(pass: &StoredPass) -> String {
    match pass.status {
        Status::Stopped | Status::Failed | Status::Completed | Status::Migrating | Status::Stopping => {
            closing(pass.status, &pass.progress, pass.earlier)
        }
        status => status.word().to_owned(),
    }
}

/// When a pass came to stand as it does.
fn at_rest(pass: &StoredPass) -> Timestamp {
    match pass.ended {
        Some(ended) => ended,
        None if pass.status.is_active() => pass.progress.updated.unwrap_or(pass.since).max(pass.since),
        None => pass.since,
    }
}

/// Everything that is known of what happened to an item, oldest first. `trace` is what was seen here of its latest pass.
///
/// # Errors
/// The database.
pub async fn of_item(
    workspace: &OpenWorkspace,
    item: ItemId,
    trace: Option<&PassTrace>,
) -> Result<Vec<LogLine>, ServiceError> {
    let row = workspace.store.item(item).await?;
    let project = workspace.store.project(row.item.project).await?;
    let (earlier, logs) = newest(workspace, (&project, &row), PASSES, LISTED).await?;
    let asked = asked_of(workspace, item).await?;
    let ended = |id: PassId| logs.iter().find(|log| log.pass.id == id).and_then(|log| log.pass.ended);
    let owner = asked
        .events(ended)
        .into_iter()
        .map(|(at, text)| (at, LogLine { at: Some(at), pass: None, kind: LogKind::Owner, text: shown(&text) }));
    let owner: Vec<_> = owner.collect();
    let mut lines: Vec<(Timestamp, LogLine)> =
        logs.into_iter().flat_map(|log| of_pass(log, trace)).chain(owner).collect();
    lines.sort_by_key(|(at, _)| *at);
    let mut lines: Vec<LogLine> = lines.into_iter().map(|(_, line)| line).collect();
    if earlier > 0 {
        let text = format!("… and before this {}: `mailferry log` names them", counted(earlier, "pass"));
        lines.insert(0, LogLine { at: None, pass: None, kind: LogKind::More, text });
    }
    Ok(lines)
}

/// The lines of a pass, each with the time by which it is put in order: its own, or that of those it belongs to.
fn of_pass(log: PassLog, trace: Option<&PassTrace>) -> Vec<(Timestamp, LogLine)> {
    let PassLog { number, pass, lines } = log;
    let course = |at, text| LogLine { at, pass: Some(number), kind: LogKind::Course, text };
    let rest = at_rest(&pass);
    let began = pass.started.unwrap_or(pass.submitted);
    let submitted = format!("{}: submitted", pass.kind.word());
    let mut told = vec![(pass.submitted, course(Some(pass.submitted), submitted))];
    told.extend(pass.started.map(|at| (at, course(Some(at), "Started".into()))));
    if pass.attempt > 1 {
        let times = counted(pass.attempt as usize - 1, "time");
        told.push((began, course(None, format!("Interrupted {times}; it goes on from what is recorded"))));
    }
    if let Some(trace) = trace.filter(|trace| trace.pass == pass.id) {
        told.extend(seen(number, trace).into_iter().map(|(at, line)| (at.max(began), line)));
    }
    // What went wrong comes before how it ended.
    let by_time = |line: &LogLine| if line.at.is_none() && line.kind != LogKind::ServerText { 0 } else { 1 };
    let mut lines: Vec<LogLine> = lines;
    lines.sort_by_key(by_time);
    // That it was submitted is said.
    let said = |line: &LogLine| line.kind == LogKind::Standing && pass.status == Status::Submitted;
    told.extend(lines.into_iter().filter(|line| !said(line)).map(|line| (rest.max(began), line)));
    told
}

/// What was seen of a pass while it ran.
fn seen(number: usize, trace: &PassTrace) -> Vec<(Timestamp, LogLine)> {
    let line = |at, kind, text: String| (at, LogLine { at: Some(at), pass: Some(number), kind, text: shown(&text) });
    let mut told = Vec::new();
    for (at, phase) in &trace.phases {
        told.push(line(*at, LogKind::Course, wording::phase(*phase).to_owned()));
    }
    for pause in &trace.pauses {
        told.push(line(pause.from, LogKind::Pause, paused(pause)));
        if let Some(to) = pause.to.filter(|to| trace.ended != Some(*to)) {
            let words = format!("Goes on after {}", wording::duration(to.since(pause.from)));
            told.push(line(to, LogKind::Pause, words));
        }
    }
    told.sort_by_key(|(at, _)| *at);
    told
}

/// Why a pass waits.
fn paused(pause: &TracedPause) -> String {
    let why = wording::pausing(&pause.why);
    match (pause.times, pause.why.is_no_try()) {
        (1, true) => format!("Pauses: {why}"),
        (1, false) => format!("Pauses: {why} · try {} of {}", pause.why.attempt, pause.why.limit),
        (times, _) => format!("{times} pauses, the last: {why}"),
    }
}

#[cfg(test)]
mod tests;
