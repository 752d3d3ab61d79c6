//! The page of an item: what it shows besides the row, and when to ask for it again.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;

use super::errors::{ErrorGroup, groups};
use super::notices::{self, NoticeGroup};
use super::words;
use crate::domain::failure::{Failure, Side};
use crate::domain::ids::{ItemId, PassId};
use crate::domain::project::Project;
use crate::domain::record::{Counts, FolderPhase, ItemError};
use crate::domain::server::AdminLogin;
use crate::domain::wording::{self, Text};
use crate::engine::snapshot::{ItemRow, Snapshot};
use crate::service::items::{Details, FolderLine, PAGE};

/// Between two questions for the same item while it runs, in milliseconds: figures are flushed once a second.
const AGAIN: i64 = 1000;

/// Which folders are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Show {
    /// All.
    #[default]
    All,
    /// Those of which something is not at the destination.
    Differ,
    /// Those with errors.
    Errors,
}

impl Show {
    /// All, from left to right.
    pub const ALL: [Self; 3] = [Self::All, Self::Differ, Self::Errors];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::All => "All",
            Self::Differ => "Differ",
            Self::Errors => "Errors",
        }
    }

    fn holds(self, line: &FolderLine) -> bool {
        match self {
            Self::All => true,
            Self::Differ => to_copy(&line.folder.counts) > 0 || line.folder.counts.leaves_something(),
            Self::Errors => line.folder.counts.errors > 0 || line.folder.phase == FolderPhase::Failed,
        }
    }
}

/// What a person does with the lists of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ItemAction {
    /// Only folders whose names hold this.
    Find(String),
    /// Which folders.
    Show(Show),
    /// Show all errors of the group with this number.
    Unfold(usize),
}

/// Where an item stands in the grid it was opened from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Neighbours {
    /// Its place, from 1, and how many the grid shows; none if the grid hides it.
    pub at: Option<(usize, usize)>,
    /// The item before it.
    pub previous: Option<ItemId>,
    /// The item after it.
    pub next: Option<ItemId>,
}

/// The page of one item.
#[derive(Clone, Debug)]
pub struct ItemPage {
    /// The item.
    pub item: ItemId,
    /// What was answered last; stays while the next answer is under way.
    pub details: Option<Details>,
    /// Whether an answer is under way.
    pub waiting: bool,
    /// The search for folders, in lower case.
    pub find: String,
    /// Which folders are shown.
    pub show: Show,
    /// Their places in the details.
    pub lines: Vec<usize>,
    /// How many folders each choice of [`Show::ALL`] has.
    pub choices: [usize; 3],
    /// The errors by reason.
    pub groups: Vec<ErrorGroup>,
    /// The notices by kind.
    pub notices: Vec<NoticeGroup>,
    /// Groups of which all errors are shown.
    pub unfolded: BTreeSet<usize>,
    /// Where it stands in the grid.
    pub neighbours: Neighbours,
    /// Whether there may be more folders, and more errors, than were read.
    pub more: (bool, bool),
    place: Option<usize>,
    asked: Option<(i64, ItemRow)>,
    stale: bool,
}

/// Puts lines where they belong; tells whether they reach the end of what is known.
fn put<T>(known: &mut Vec<T>, offset: u32, lines: Vec<T>) -> bool {
    let (from, to) = (offset as usize, offset as usize + lines.len());
    if from > known.len() {
        return false;
    }
    let end = to >= known.len();
    known.splice(from..to.min(known.len()), lines);
    end
}

impl ItemPage {
    /// A page without details yet.
    pub fn new(item: ItemId) -> Self {
        Self {
            item,
            details: None,
            waiting: false,
            find: String::new(),
            show: Show::All,
            lines: Vec::new(),
            choices: [0; 3],
            groups: Vec::new(),
            notices: Vec::new(),
            unfolded: BTreeSet::new(),
            neighbours: Neighbours::default(),
            more: (false, false),
            place: None,
            asked: None,
            stale: false,
        }
    }

    /// The details came. What was read beyond their first lines stays, so that no list jumps back while its pass runs;
    /// answers from where on those lists should be read again.
    pub fn answered(&mut self, mut details: Details) -> (Vec<u32>, Vec<u32>) {
        (self.waiting, self.stale) = (false, true);
        let pass = |details: &Details| details.passes.first().map(|pass| pass.id);
        match self.details.take().filter(|old| pass(old) == pass(&details)) {
            Some(old) => {
                details.folders.extend(old.folders.into_iter().skip(details.folders.len().max(PAGE as usize)));
                details.errors.extend(old.errors.into_iter().skip(details.errors.len().max(PAGE as usize)));
            }
            None => self.more = (details.folders.len() == PAGE as usize, details.errors.len() == PAGE as usize),
        }
        let further = |lines: usize| (PAGE..lines as u32).step_by(PAGE as usize).collect();
        let again = (further(details.folders.len()), further(details.errors.len()));
        self.details = Some(details);
        again
    }

    /// Folders of a pass came, from a line on that is known or the next.
    pub fn more_folders(&mut self, pass: PassId, offset: u32, lines: Vec<FolderLine>) {
        let last = lines.len() < PAGE as usize;
        let Some(details) = self.details_of(pass) else { return };
        if put(&mut details.folders, offset, lines) {
            self.more.0 = !last;
        }
        self.stale = true;
    }

    /// Errors of a pass came, in the same way.
    pub fn more_errors(&mut self, pass: PassId, offset: u32, errors: Vec<ItemError>) {
        let last = errors.len() < PAGE as usize;
        let Some(details) = self.details_of(pass) else { return };
        if put(&mut details.errors, offset, errors) {
            self.more.1 = !last;
        }
        self.stale = true;
    }

    fn details_of(&mut self, pass: PassId) -> Option<&mut Details> {
        self.details.as_mut().filter(|details| details.passes.first().is_some_and(|latest| latest.id == pass))
    }

    /// Does what a person did with the lists.
    pub fn apply(&mut self, action: ItemAction) {
        self.stale = true;
        match action {
            ItemAction::Find(words) => self.find = words.to_lowercase(),
            ItemAction::Show(show) => self.show = show,
            ItemAction::Unfold(group) => drop(self.unfolded.insert(group)),
        }
    }

    /// Works out what the lists show, if the details or the filter changed.
    pub fn digest(&mut self, project: &Project, row: &ItemRow, now: i64, zone: &TimeZone) {
        if !std::mem::take(&mut self.stale) {
            return;
        }
        let Some(details) = &self.details else { return };
        self.choices = Show::ALL.map(|show| details.folders.iter().filter(|line| show.holds(line)).count());
        let found = |name: &str| name.to_lowercase().contains(&self.find);
        let shown = |line: &FolderLine| {
            self.show.holds(line) && (self.find.is_empty() || found(&line.source) || found(&line.destination))
        };
        self.lines =
            details.folders.iter().enumerate().filter(|(_, line)| shown(line)).map(|(place, _)| place).collect();
        self.groups = groups(project, row, &details.errors, now, zone);
        self.notices = notices::groups(&details.notices);
    }

    /// Finds the items before and after it in the grid. `view` and `place` are places in the snapshot.
    pub fn look_around(&mut self, view: &[usize], snapshot: &Snapshot) {
        let Some(place) = self.place else { return };
        let hint = self.neighbours.at.map(|(at, _)| at - 1).filter(|at| view.get(*at) == Some(&place));
        let at = hint.or_else(|| view.iter().position(|other| *other == place));
        let item = |at: Option<usize>| Some(snapshot.row(*view.get(at?)?)?.item);
        self.neighbours = Neighbours {
            at: at.map(|at| (at + 1, view.len())),
            previous: item(at.and_then(|at| at.checked_sub(1))),
            next: item(at.map(|at| at + 1)),
        };
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
            // A clock that was set back must not make it wait.
            Some((at, before)) => *before != row && (now - at >= AGAIN || now < *at || before.status != row.status),
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
        let latest = row.pass.is_some_and(|(id, ..)| id == pass.id);
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

#[cfg(test)]
#[path = "item_tests.rs"]
mod tests;
