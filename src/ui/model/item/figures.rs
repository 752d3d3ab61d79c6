//! The figures of an item in words.

use jiff::tz::TimeZone;

use crate::domain::failure::{Failure, Side};
use crate::domain::project::Project;
use crate::domain::record::{Counts, FolderPhase};
use crate::domain::server::AdminLogin;
use crate::domain::time::Timestamp;
use crate::domain::wording::{self, Text};
use crate::engine::snapshot::ItemRow;
use crate::service::items::Details;
use crate::ui::model::words;

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

/// Messages dealt with, of those found at the source.
pub fn messages(row: &ItemRow) -> String {
    let counts = row.progress.counts;
    let done = counts.source.saturating_sub(to_copy(&counts) + counts.waiting);
    match counts.source {
        0 => "–".into(),
        source => format!("{} of {}", words::count(done), words::count(source)),
    }
}

/// Messages of a folder that are neither at the destination nor accounted for otherwise.
pub fn to_copy(counts: &Counts) -> u64 {
    let done = counts.copied + counts.already_there + counts.skipped + counts.vanished + counts.errors + counts.waiting;
    counts.source.saturating_sub(done)
}

/// Messages and bytes; none where a line has no such figure.
pub type Figures = (Option<u64>, Option<u64>);

/// The lines of *Migrated Items*: word, this pass, all passes. The last is the total (R18). The row's figures are the newer
/// ones. Over all passes only what was copied and what was not can be summed: the rest is counted by each anew.
pub fn migrated(row: &ItemRow, details: Option<&Details>) -> Vec<(&'static str, Figures, Figures)> {
    let counts = row.progress.counts;
    let mut all = Counts::default();
    for pass in details.iter().flat_map(|details| &details.passes) {
        let latest = row.pass.is_some_and(|latest| latest.id == pass.id);
        all.add(if latest { &counts } else { &pass.counts });
    }
    let sums = details.is_some();
    let none = (None, None);
    let mut lines = vec![
        ("Copied", (Some(counts.copied), Some(counts.bytes)), (sums.then_some(all.copied), sums.then_some(all.bytes))),
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

/// The word for where a folder stands.
pub fn phase(phase: FolderPhase) -> &'static str {
    match phase {
        FolderPhase::Waiting => "Waiting",
        FolderPhase::Working => "Now",
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
