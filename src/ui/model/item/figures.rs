//! The figures of an item in words.

use jiff::tz::TimeZone;

use crate::domain::failure::{Failure, Side};
use crate::domain::figures::{of_total, size_of, under_way};
use crate::domain::progress::FolderPhase;
use crate::domain::project::Project;
use crate::domain::server::AdminLogin;
use crate::domain::time::Timestamp;
use crate::domain::wording::{self, Text};
use crate::engine::snapshot::ItemRow;
use crate::ui::model::{look, words};

/// The statistics' own time and its age (R51, R52).
pub fn statistics(row: &ItemRow, now: Timestamp, zone: &TimeZone) -> Option<String> {
    let at = row.progress.updated?;
    if row.status.is_active() {
        return Some(format!("statistics of {}, {}", words::second(at, zone), words::ago(at, now)));
    }
    Some(format!("statistics of {}", words::moment(at, now, zone)))
}

/// Folders done, in all, and the current one (R19).
pub fn folders(row: &ItemRow) -> String {
    let progress = &row.progress;
    if progress.folders_total == 0 {
        return "–".into();
    }
    let done = format!(
        "{} of {} done",
        words::count(progress.folders_done.into()),
        words::count(progress.folders_total.into())
    );
    match &progress.current {
        Some(folder) if row.status.is_active() => format!("{done}, now {folder}"),
        _ => done,
    }
}

/// Messages and data recorded over all passes, each with its total where that is known, and what is new or under way.
pub fn progress(row: &ItemRow) -> [(&'static str, String); 2] {
    let counts = &row.progress.counts;
    let joined = |figure: String, beside: Option<String>| {
        [Some(figure), beside].into_iter().flatten().collect::<Vec<_>>().join(" · ")
    };
    let moved = row.moved().bytes;
    let total = of_total(moved, row.progress.at_source.and_then(|at| at.bytes), counts);
    let data = if moved == 0 && total.is_none() { "–".into() } else { size_of(moved, total) };
    let data = match under_way(row.under_way()) {
        Some(under_way) => format!("{data} {under_way}"),
        None => data,
    };
    [("Messages", joined(look::messages(row), look::new(row))), ("Data", data)]
}

/// Messages and bytes; none where a line has no such figure.
pub type Figures = (Option<u64>, Option<u64>);

/// The lines of *Migrated Items*: word, this pass, all passes. The last is the total (R18). Over all passes only what was copied
/// can be summed: the rest is counted by each anew.
pub fn migrated(row: &ItemRow) -> Vec<(&'static str, Figures, Figures)> {
    let counts = row.progress.counts;
    let all = row.moved();
    let none = (None, None);
    let mut lines = vec![
        ("Copied", (Some(counts.copied), Some(counts.bytes)), (Some(all.messages), Some(all.bytes))),
        ("Already there", (Some(counts.already_there), None), none),
    ];
    if counts.skipped > 0 {
        lines.push(("Skipped by a rule", (Some(counts.skipped), None), none));
    }
    if counts.vanished > 0 {
        lines.push(("Gone meanwhile", (Some(counts.vanished), None), none));
    }
    if counts.waiting > 0 {
        lines.push(("Waiting", (Some(counts.waiting), None), none));
    }
    lines.push(("Not copied", (Some(counts.errors), None), none));
    let total =
        counts.copied + counts.already_there + counts.skipped + counts.vanished + counts.errors + counts.waiting;
    lines.push(("Total", (Some(total), None), none));
    lines
}

/// The word for where a folder stands; `active` tells whether its pass still runs.
pub fn phase(phase: FolderPhase, active: bool) -> &'static str {
    match phase {
        FolderPhase::Waiting if active => "Waiting",
        FolderPhase::Waiting => "Not begun",
        FolderPhase::Working if active => "Now",
        FolderPhase::Working => "Not finished",
        FolderPhase::Done => "Done",
        FolderPhase::Unchanged => "Unchanged",
        FolderPhase::Failed => "Failed",
        FolderPhase::DestinationGone => "Gone at destination",
    }
}

/// A failure in words, with the names of this item (R26, R45).
pub fn failure(project: &Project, row: &ItemRow, side: Option<Side>, failure: &Failure) -> Text {
    wording::told(project, (&row.source, &row.destination), "", side, failure)
}

/// The administrator's login as it was given.
pub fn login(admin: &AdminLogin) -> &str {
    match admin {
        AdminLogin::AuthorizationId { login } => login,
        AdminLogin::Template { template } => template,
    }
}
