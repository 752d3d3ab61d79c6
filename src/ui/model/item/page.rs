//! The page of an item: what it shows besides the row, and when to ask for it again.

use std::time::Duration;

use jiff::tz::TimeZone;

use super::lists::{Lists, Show};
use super::log::LogView;
use super::speed::SpeedView;
use super::tabs::{Tab, TabQuestion};
use crate::domain::ids::{ItemId, PassId};
use crate::domain::project::Project;
use crate::domain::status::Status;
use crate::domain::time::Timestamp;
use crate::domain::trace::PassTrace;
use crate::engine::snapshot::{ItemRow, Snapshot};
use crate::service::errors::StoredError;
use crate::service::items::{Details, FolderLine, PAGE};
use crate::service::log::LogLine;

/// Between two questions for the same item while it runs: figures are flushed once a second.
const AGAIN: Duration = Duration::from_secs(1);

/// The same while it waits for its owner: mails go out, links are opened.
const OWNER_AGAIN: Duration = Duration::from_secs(3);

/// What a person does with the lists of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ItemAction {
    /// Only folders whose names hold this.
    Find(String),
    /// Which folders.
    Show(Show),
    /// Show all errors of the group with this number.
    Unfold(usize),
    /// Show this below or beside the folders.
    Tab(Tab),
    /// Only lines of the log that hold these words.
    FilterLog(String),
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
    /// Whether there may be more folders, and more errors, than were read.
    pub more: (bool, bool),
    /// What is shown of the details.
    pub lists: Lists,
    /// What stands below or beside the folders.
    pub tab: Tab,
    /// What happened, once that was asked for.
    pub log: LogView,
    /// How fast its pass is or was, once that was asked for.
    pub speed: SpeedView,
    /// Where it stands in the grid.
    pub neighbours: Neighbours,
    /// How many other items wait for the server that it waits for.
    pub others_waiting: usize,
    /// The lists are not those of the details and the filter.
    stale: bool,
    question: Question,
    tab_question: TabQuestion,
    /// Its place in the snapshot.
    place: Option<usize>,
}

/// The question for the details.
#[derive(Clone, Debug, Default)]
struct Question {
    /// An answer is under way.
    waiting: bool,
    /// When it was last asked, and how the row was then.
    asked: Option<(Timestamp, ItemRow)>,
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
            more: (false, false),
            lists: Lists::default(),
            tab: Tab::default(),
            log: LogView::default(),
            speed: SpeedView::default(),
            neighbours: Neighbours::default(),
            others_waiting: 0,
            stale: false,
            question: Question::default(),
            tab_question: TabQuestion::default(),
            place: None,
        }
    }

    /// The same with this tab open.
    pub fn with_tab(item: ItemId, tab: Tab) -> Self {
        Self { tab, ..Self::new(item) }
    }

    /// The details came. What was read beyond their first lines stays, so that no list jumps back while its pass runs;
    /// answers from where on those lists should be read again.
    pub fn answered(&mut self, mut details: Details) -> (Vec<u32>, Vec<u32>) {
        (self.question.waiting, self.stale) = (false, true);
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
    pub fn more_errors(&mut self, pass: PassId, offset: u32, errors: Vec<StoredError>) {
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
            ItemAction::Find(words) => self.lists.find = words.to_lowercase(),
            ItemAction::Show(show) => self.lists.show = show,
            ItemAction::Unfold(group) => drop(self.lists.unfolded.insert(group)),
            ItemAction::Tab(tab) if tab == self.tab => {}
            ItemAction::Tab(tab) => (self.tab, self.tab_question) = (tab, TabQuestion::default()),
            ItemAction::FilterLog(words) => self.log.filter(&words),
        }
    }

    /// Which tab's content to ask for now, if it may have changed since.
    pub fn tab_due(&mut self, snapshot: &Snapshot, now: Timestamp) -> Option<Tab> {
        let row = self.row(snapshot).filter(|_| self.tab != Tab::Errors)?;
        self.tab_question.due(row, now).then_some(self.tab)
    }

    /// What happened came.
    pub fn log_answered(&mut self, lines: Vec<LogLine>) {
        self.log.answered(lines);
        self.tab_answered(Tab::Log);
    }

    /// How fast the pass is or was came.
    pub fn speed_answered(&mut self, trace: Option<Box<PassTrace>>) {
        self.speed.answered(trace);
        self.tab_answered(Tab::Speed);
    }

    /// An answer for this tab came, or will not come.
    pub fn tab_answered(&mut self, tab: Tab) {
        if tab == self.tab {
            self.tab_question.answered();
        }
    }

    /// Works out what the lists show, if the details or the filter changed.
    pub fn digest(&mut self, project: &Project, row: &ItemRow, now: Timestamp, zone: &TimeZone) {
        if let Some(details) = self.details.as_ref().filter(|_| self.stale) {
            self.lists.digest(details, (project, row), now, zone);
            self.stale = false;
        }
    }

    /// What was answered may not be so any more: it is asked for again.
    pub fn forget(&mut self) {
        self.question.asked = None;
        self.tab_question.forget();
    }

    /// The question for the details was refused.
    pub fn refused(&mut self) {
        self.question.waiting = false;
    }

    /// Finds the items before and after it in the grid. `view` and `place` are places in the snapshot.
    pub fn find_neighbours(&mut self, view: &[usize], snapshot: &Snapshot) {
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
    pub fn due(&mut self, snapshot: &Snapshot, now: Timestamp) -> bool {
        let Some(row) = self.row(snapshot).cloned() else { return false };
        let due = match &self.question.asked {
            None => true,
            // A clock that was set back must not make it wait.
            Some((at, before)) => {
                let owner = row.status == Status::WaitingForUser && now.since(*at) >= OWNER_AGAIN;
                owner || (*before != row && (now.since(*at) >= AGAIN || now < *at || before.status != row.status))
            }
        };
        if due && !self.question.waiting {
            self.question = Question { waiting: true, asked: Some((now, row)) };
            return true;
        }
        false
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
