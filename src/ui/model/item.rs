//! The page of an item: what it shows besides the row, and when to ask for it again.

use jiff::tz::TimeZone;

use super::words;
use crate::domain::failure::{Failure, Side};
use crate::domain::ids::ItemId;
use crate::domain::project::Project;
use crate::domain::record::{Counts, FolderPhase, ItemError};
use crate::domain::wording::{self, Names, Text};
use crate::engine::desk::Details;
use crate::engine::snapshot::{ItemRow, Snapshot};

/// Between two questions for the same item while it runs, in milliseconds: figures are flushed once a second.
const AGAIN: i64 = 1000;

/// The page of one item.
#[derive(Clone, Debug)]
pub struct ItemPage {
    /// The item.
    pub item: ItemId,
    /// What was answered last; stays while the next answer is under way.
    pub details: Option<Details>,
    place: Option<usize>,
    asked: Option<(i64, ItemRow)>,
    /// Whether an answer is under way.
    pub waiting: bool,
}

impl ItemPage {
    /// A page without details yet.
    pub fn new(item: ItemId) -> Self {
        Self { item, details: None, place: None, asked: None, waiting: false }
    }

    /// The item's row.
    pub fn row<'a>(&mut self, snapshot: &'a Snapshot) -> Option<&'a ItemRow> {
        let here = |place: usize| snapshot.row(place).filter(|row| row.item == self.item);
        let place = self.place.filter(|place| here(*place).is_some());
        let place = place.or_else(|| snapshot.rows().position(|row| row.item == self.item));
        self.place = place;
        place.and_then(here).map(AsRef::as_ref)
    }

    /// Whether to ask for the details now: they may have changed since they were last asked for.
    pub fn due(&mut self, snapshot: &Snapshot, now: i64) -> bool {
        let Some(row) = self.row(snapshot).cloned() else { return false };
        let due = match &self.asked {
            None => true,
            Some((at, before)) => *before != row && (now - at >= AGAIN || before.status != row.status),
        };
        if due && !self.waiting {
            (self.asked, self.waiting) = (Some((now, row)), true);
            return true;
        }
        false
    }
}

/// The statistics' own time and its age (R51, R52).
pub fn statistics(row: &ItemRow, now: i64, zone: &TimeZone) -> Option<String> {
    let at = row.progress.updated;
    if at == 0 {
        return None;
    }
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

/// A line of *Migrated Items*: word, messages and bytes of this pass, of all passes.
pub type Line = (&'static str, u64, Option<u64>, Option<(u64, Option<u64>)>);

/// The lines of *Migrated Items*; the last is the total (R18). The row's figures are the newer ones.
pub fn migrated(row: &ItemRow, details: Option<&Details>) -> Vec<Line> {
    let counts = row.progress.counts;
    let mut all = Counts::default();
    for pass in details.iter().flat_map(|details| &details.passes) {
        let latest = row.pass.is_some_and(|(id, ..)| id == pass.id);
        all.add(if latest { &counts } else { &pass.counts });
    }
    let sums = details.is_some();
    let mut lines = vec![
        ("Copied", counts.copied, Some(counts.bytes), sums.then_some((all.copied, Some(all.bytes)))),
        ("Already there", counts.already_there, None, None),
    ];
    if counts.skipped > 0 {
        lines.push(("Skipped by a rule", counts.skipped, None, None));
    }
    if counts.vanished > 0 {
        lines.push(("Gone meanwhile", counts.vanished, None, None));
    }
    lines.push(("Not copied", counts.errors, None, None));
    let total = counts.copied + counts.already_there + counts.skipped + counts.vanished + counts.errors;
    lines.push(("Total", total, None, None));
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
    let (server, mailbox) = match side {
        Some(Side::Source) => (&project.source, &row.source),
        Some(Side::Destination) => (&project.destination, &row.destination),
        None => return wording::text(failure, None, &Names::default()),
    };
    let names = Names { host: &server.host, port: server.port, mailbox, folder: "" };
    wording::text(failure, side, &names)
}

/// An item error in words.
pub fn error(project: &Project, row: &ItemRow, error: &ItemError) -> Text {
    let folder = error.folder.as_ref().map(ToString::to_string).unwrap_or_default();
    let server = &project.destination;
    let names = Names { host: &server.host, port: server.port, mailbox: &row.destination, folder: &folder };
    wording::text(&error.failure, Some(Side::Destination), &names)
}

/// Which message an item error is about.
pub fn which(error: &ItemError, now: i64, zone: &TimeZone) -> String {
    let mut parts = Vec::new();
    parts.extend(error.folder.as_ref().map(ToString::to_string));
    match (&error.subject, error.source) {
        (Some(subject), _) if !subject.is_empty() => parts.push(format!("\"{subject}\"")),
        (_, Some(uid)) => parts.push(format!("message {uid}")),
        _ if error.messages > 1 => parts.push(format!("{} messages", words::count(error.messages))),
        _ => {}
    }
    parts.extend(error.date.map(|date| words::moment(date, now, zone)));
    parts.extend(error.size.map(wording::size));
    parts.join(" · ")
}
