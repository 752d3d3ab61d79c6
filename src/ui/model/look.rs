//! How a status looks, and what is happening with an item, in words.

use jiff::tz::TimeZone;

use super::words;
use crate::domain::asking::MailTrouble;
use crate::domain::failure::{Failure, Side};
use crate::domain::figures::{of_total, under_way};
use crate::domain::last_results::PassResult;
use crate::domain::pass::PassKind;
use crate::domain::progress::{Phase, RetryState};
use crate::domain::project::Project;
use crate::domain::status::{HoldReason, Status};
use crate::domain::status_words::{alert, display};
use crate::domain::time::Timestamp;
use crate::domain::wording::{self, TextNames};
use crate::engine::snapshot::{ItemRow, LatestPass};
use crate::ui::theme::Tone;
use crate::ui::widgets::icon::Icon;

/// A status as shape, colour and words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// Its shape.
    pub icon: Icon,
    /// What its colour says.
    pub tone: Tone,
    /// Its words.
    pub words: String,
}

/// How the status of an item looks.
pub fn look(row: &ItemRow, now: Timestamp) -> Look {
    let kind = row.pass.map(|pass| pass.kind);
    let until = row.pass.and_then(|pass| pass.until);
    let words = display(row.status, kind, &row.progress, until, now);
    let (icon, tone) = shape_of(row);
    Look { icon, tone, words }
}

/// What the colour of an item's status says.
pub fn tone(row: &ItemRow) -> Tone {
    shape_of(row).1
}

fn shape_of(row: &ItemRow) -> (Icon, Tone) {
    let kind = row.pass.map(|pass| pass.kind);
    let troubled = row.mail.is_some_and(MailTrouble::needs_a_person);
    shape(row.status, kind, row.progress.leaves_something(), row.progress.retry.is_some() || troubled)
}

/// Shape and colour of a status; whether something is left to do, and whether it does not go on, show in it: a pass that pauses,
/// an owner who was perhaps not asked.
pub fn shape(status: Status, kind: Option<PassKind>, leaves_something: bool, pausing: bool) -> (Icon, Tone) {
    match status {
        Status::NotSubmitted => (Icon::Empty, Tone::Quiet),
        Status::Submitted => (Icon::Dots, Tone::Waiting),
        Status::Scheduled => (Icon::Clock, Tone::Waiting),
        Status::Held => (Icon::Pause, Tone::Waiting),
        Status::Queued => (Icon::Hourglass, Tone::Waiting),
        Status::WaitingForUser if pausing => (Icon::Envelope, Tone::Warning),
        Status::WaitingForUser => (Icon::Envelope, Tone::Asking),
        Status::Migrating if pausing => (Icon::Pause, Tone::Warning),
        Status::Migrating => (Icon::Progress, Tone::Moving),
        Status::Stopping => (Icon::Stopping, Tone::Warning),
        Status::Stopped => (Icon::Stop, Tone::Quiet),
        Status::Failed => (Icon::Cross, Tone::Bad),
        Status::Completed if leaves_something => (Icon::Warning, Tone::Warning),
        Status::Completed => match kind {
            Some(PassKind::Verify) => (Icon::Verified, Tone::Partial),
            Some(PassKind::Trial) => (Icon::Flask, Tone::Partial),
            Some(PassKind::PreStage) => (Icon::Box, Tone::Partial),
            Some(PassKind::Full | PassKind::RetryErrors) | None => (Icon::Check, Tone::Good),
        },
    }
}

/// What is happening with an item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Happening {
    /// Folders done and in all, while a bar says something.
    pub folders: Option<(u32, u32)>,
    /// In words.
    pub words: String,
}

/// What is happening with an item.
pub fn happening(row: &ItemRow, project: &Project, zone: &TimeZone) -> Happening {
    let progress = &row.progress;
    let folders = (progress.folders_total > 0).then_some((progress.folders_done, progress.folders_total));
    let words = match row.status {
        Status::Migrating | Status::Stopping | Status::Queued => match (&progress.retry, progress.phase) {
            (Some(retry), _) => pausing(retry, zone),
            (None, Phase::Copying) => match &progress.current {
                Some(folder) => copying(row, &format!("Copying {folder}")),
                None => copying(row, wording::phase(Phase::Copying)),
            },
            (None, phase) => wording::phase(phase).into(),
        },
        Status::Held if row.failure.is_none() => hold(row).map_or(String::new(), |hold| words::sentence(hold.word())),
        Status::Failed | Status::Held | Status::Stopped => {
            row.failure.as_ref().map(|(side, failure)| reason(row, project, *side, failure)).unwrap_or_default()
        }
        Status::Completed => completed(row),
        Status::Submitted => match row.pass {
            Some(pass) => format!("{}, waits for a free place", pass.kind.word()),
            None => String::new(),
        },
        Status::Scheduled => match row.pass {
            Some(LatestPass { kind, until: Some(at), .. }) => {
                format!("{} · {}", kind.word(), words::start(at, zone))
            }
            _ => String::new(),
        },
        Status::WaitingForUser => row.mail.map_or("Its owner's password is not known yet", MailTrouble::words).into(),
        Status::NotSubmitted => String::new(),
    };
    match row.status {
        Status::Migrating | Status::Stopping => Happening { folders, words },
        Status::Stopped if words.is_empty() => Happening { folders, words },
        _ => Happening { folders: None, words },
    }
}

/// Until when a pass pauses, why, at which server, and which try follows: "Until 10:31:05 · The source asked for a pause ·
/// imap.contoso.example:993 · try 3 of 8".
fn pausing(retry: &RetryState, zone: &TimeZone) -> String {
    let until = format!("Until {}", words::second(retry.until, zone));
    let why = match retry.is_no_try() {
        true => wording::paused(retry).to_owned(),
        false => wording::text(&retry.failure, retry.side, &TextNames::default()).headline,
    };
    let attempt = (!retry.is_no_try()).then(|| format!("try {} of {}", retry.attempt, retry.limit));
    let parts = [Some(until), Some(why), retry.failure.other.clone(), attempt];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

/// Why a pass failed, and at which server, where the reason does not name it.
fn reason(row: &ItemRow, project: &Project, side: Option<Side>, failure: &Failure) -> String {
    let headline = wording::told(project, (&row.source, &row.destination), "", side, failure).headline;
    match side.map(|side| project.server(side).name()) {
        Some(host) if !host.is_empty() && !headline.contains(host) => format!("{headline} · {host}"),
        _ => headline,
    }
}

/// What is copied, what is new, and what is under way: beside Data, which it is no part of (D34).
fn copying(row: &ItemRow, what: &str) -> String {
    let parts = [Some(what.to_owned()), new(row), under_way(row.under_way())];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

/// What a completed pass left behind: what is not there first, then what it need not copy.
fn completed(row: &ItemRow) -> String {
    let progress = &row.progress;
    let counts = &progress.counts;
    let mut parts = Vec::new();
    if counts.errors > 0 {
        parts.push(format!("{} not copied", words::count(counts.errors)));
    }
    if progress.accepted > 0 {
        parts.push(format!("{} of them accepted", words::count(progress.accepted)));
    }
    parts.extend(new(row));
    if row.pass.is_some_and(|pass| pass.kind == PassKind::Verify) {
        parts.extend(progress.at_source.map(|at| at.words()));
    }
    for (count, word) in [(counts.differ, "differ"), (counts.waiting, "waiting"), (counts.arrived, "arrived meanwhile")]
    {
        if count > 0 {
            parts.push(format!("{} {word}", words::count(count)));
        }
    }
    if counts.already_there > 0 {
        parts.push(format!("{} were there", words::count(counts.already_there)));
    }
    if progress.folders_total > 0 {
        parts.push(words::counted(progress.folders_total as usize, "folder"));
    }
    parts.join(" · ")
}

/// Why an item is held, if it is and that is known.
pub fn hold(row: &ItemRow) -> Option<HoldReason> {
    row.pass.filter(|_| row.status == Status::Held)?.hold
}

/// What to say of an item that has been in its status for unusually long (R9, R23).
pub fn lasts(row: &ItemRow, now: Timestamp) -> Option<String> {
    alert(row.status, row.pass?.since, now)
}

/// Since when an item is what it is.
pub fn since(row: &ItemRow) -> Option<Timestamp> {
    row.pass.map(|pass| pass.last())
}

/// Data: bytes recorded, over all passes; it only rises (R49).
pub fn bytes(row: &ItemRow) -> u64 {
    row.moved().bytes
}

/// Messages recorded, over all passes, and of how many, where that is known and not all is told by it: "1,204 of 1,733".
pub fn messages(row: &ItemRow) -> String {
    let counts = &row.progress.counts;
    let total = row.progress.messages_at_source();
    let moved = row.moved().messages;
    match of_total(moved, total, counts) {
        Some(total) => format!("{} of {}", words::count(moved), words::count(total)),
        None => words::count_or_dash(moved),
    }
}

/// How the last pass of each kind ended, or that one is on its way, with its shape and what its colour says; none where there
/// was no pass.
pub fn passes(row: &ItemRow) -> impl Iterator<Item = (PassKind, Option<(Icon, Tone, &'static str)>)> {
    let ended = |result| match result {
        PassResult::Completed => (Icon::Check, Tone::Good, PassResult::Completed.word()),
        PassResult::LeftSomething => (Icon::Warning, Tone::Warning, PassResult::LeftSomething.word()),
        PassResult::Stopped => (Icon::Stop, Tone::Quiet, PassResult::Stopped.word()),
        PassResult::Failed => (Icon::Cross, Tone::Bad, PassResult::Failed.word()),
    };
    let now = row.pass.filter(|_| !row.status.is_at_rest()).map(|pass| pass.kind);
    let now = now.map(|kind| if kind == PassKind::RetryErrors { PassKind::Full } else { kind });
    row.results().each().map(move |(kind, result)| {
        let (icon, tone) = shape_of(row);
        (kind, if now == Some(kind) { Some((icon, tone, row.status.word())) } else { result.map(ended) })
    })
}

/// The same in words: "Verification: completed · Trial: none · Pre-Stage: none · Full: Migrating".
pub fn passes_in_words(row: &ItemRow) -> String {
    let part = |(kind, mark): (PassKind, Option<(Icon, Tone, &str)>)| {
        format!("{}: {}", kind.word(), mark.map_or("none", |(_, _, word)| word))
    };
    passes(row).map(part).collect::<Vec<_>>().join(" · ")
}

/// What a later pass brought: "+12 new".
pub fn new(row: &ItemRow) -> Option<String> {
    let copied = row.progress.counts.copied;
    (row.earlier.messages > 0 && copied > 0).then(|| format!("+{} new", words::count(copied)))
}
