//! The item grid: which items, in which order, which of them selected. Recomputed only when the engine's state, the
//! filter, the order or the selection changed; a frame reads numbers of rows.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use super::chunks::{Ordered, PerChunk};
use super::look;
use super::order::compare;
pub use super::order::{Column, Sort};
use super::problems::{Problem, Problems};
use super::search::Sought;
use crate::domain::action::Action;
use crate::domain::ids::{ItemId, ProjectId};
use crate::domain::pass::PassKind;
use crate::domain::star::Star;
use crate::domain::status::Status;
use crate::engine::snapshot::{ItemRow, Snapshot};

/// A group of statuses with a tab of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tab {
    /// Everything.
    #[default]
    All,
    /// A worker has it.
    Running,
    /// Waits for a worker, a time or a word.
    Pending,
    /// No pass yet.
    NotStarted,
    /// Stopped.
    Stopped,
    /// A Full pass completed.
    Done,
    /// Failed, or completed with something left behind: errors, differences, messages that wait.
    Problems,
}

impl Tab {
    /// All, from left to right.
    pub const ALL: [Self; 7] =
        [Self::All, Self::Running, Self::Pending, Self::NotStarted, Self::Stopped, Self::Done, Self::Problems];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::All => "All",
            Self::Running => "Running",
            Self::Pending => "Pending",
            Self::NotStarted => "Not started",
            Self::Stopped => "Stopped",
            Self::Done => "Done",
            Self::Problems => "Problems",
        }
    }

    fn holds(self, row: &ItemRow) -> bool {
        match self {
            Self::All => true,
            Self::Running => row.status.is_active(),
            Self::Pending => match row.status {
                Status::Submitted | Status::Scheduled | Status::Held | Status::WaitingForUser => true,
                Status::NotSubmitted | Status::Queued | Status::Migrating | Status::Stopping => false,
                Status::Stopped | Status::Failed | Status::Completed => false,
            },
            Self::NotStarted => row.status == Status::NotSubmitted,
            Self::Stopped => row.status == Status::Stopped,
            Self::Done => is_done(row),
            Self::Problems => {
                row.status == Status::Failed || (row.status.is_at_rest() && row.progress.counts.leaves_something())
            }
        }
    }
}

/// Whether an item is fully migrated: only a completed Full pass counts, and none with a difference that nothing explains
/// or with messages that wait for another pass (D27).
pub fn is_done(row: &ItemRow) -> bool {
    let full = matches!(row.pass, Some((_, PassKind::Full | PassKind::RetryErrors, _)));
    let counts = &row.progress.counts;
    row.status == Status::Completed && full && counts.differ == 0 && counts.waiting == 0
}

/// What a person does with the grid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GridAction {
    /// Order by a column; once more turns it round.
    Sort(Column),
    /// Order again (R).
    SortAgain,
    /// Another tab.
    Tab(Tab),
    /// Only items whose addresses hold this.
    Search(String),
    /// Show or hide items with this star; none is the uncoloured one (R57).
    StarFilter(Option<Star>),
    /// Only items with this problem, or all that have one.
    Problem(Option<Problem>),
    /// Show everything again.
    ClearFilters,
    /// Select or deselect one, and go there.
    Toggle(ItemId),
    /// Select only this one, and go there.
    Only(ItemId),
    /// Select everything from the last one to this one.
    Range(ItemId),
    /// Select everything the filter shows, or nothing (R59).
    SelectAll(bool),
    /// Go some rows down or up, selecting on the way or not.
    Move(i64, bool),
    /// The pointer came into the table or left it.
    Hover(bool),
}

/// Sums over the items of a project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Items.
    pub items: usize,
    /// Items of each tab.
    pub tabs: [usize; 7],
    /// Bytes moved.
    pub bytes: u64,
    /// Bytes a second.
    pub speed: u64,
    /// Those shown that can be started, and that can be stopped.
    pub shown: (usize, usize),
}

impl Totals {
    fn count(&mut self, row: &ItemRow, shown: bool) {
        self.items += 1;
        self.bytes += look::bytes(row);
        self.speed += row.speed;
        for (count, tab) in self.tabs.iter_mut().zip(Tab::ALL) {
            *count += usize::from(tab.holds(row));
        }
        if shown {
            self.shown.0 += usize::from(may(row, Action::Start));
            self.shown.1 += usize::from(may(row, Action::Stop));
        }
    }

    fn add(&mut self, other: &Self) {
        self.items += other.items;
        self.bytes += other.bytes;
        self.speed += other.speed;
        self.tabs.iter_mut().zip(other.tabs).for_each(|(sum, more)| *sum += more);
        self.shown = (self.shown.0 + other.shown.0, self.shown.1 + other.shown.1);
    }
}

/// The grid of one project.
#[derive(Clone, Debug)]
pub struct Grid {
    /// Whose items.
    pub project: ProjectId,
    /// The order.
    pub sort: Sort,
    /// The tab.
    pub tab: Tab,
    /// The search as it was typed: a part of an address, or a list of addresses.
    pub search: String,
    sought: Sought,
    /// The problem that is shown among those of its tab; none shows all.
    pub problem: Option<Problem>,
    /// The problems of all items, counted while their tab is shown.
    pub problems: Vec<(Problem, usize, String)>,
    /// Stars that are shown; empty shows all.
    pub stars: BTreeSet<Option<Star>>,
    /// Selected items, also those that the filter hides.
    pub selected: HashSet<ItemId>,
    /// The row that keys act on.
    pub cursor: Option<ItemId>,
    /// Places in the snapshot, in the order shown.
    pub view: Vec<usize>,
    /// Selected items that are shown: what actions act on.
    pub targets: Vec<ItemId>,
    /// How many of those can be started, and how many stopped.
    pub allowed: (usize, usize),
    /// The domains of source and destination, where all items have the same: said once, above the rows.
    pub domains: Option<(String, String)>,
    /// Sums over all items.
    pub totals: Totals,
    /// The order shown is not the order asked for: something changed while it stood still.
    pub stale: bool,
    anchor: Option<ItemId>,
    hovered: bool,
    generation: u64,
    key: Option<(u64, u64)>,
    resort: bool,
    loaded: (usize, u64),
    tallies: PerChunk<Totals>,
    /// The order asked for; the view follows it unless it stands still.
    order: Ordered,
}

impl Grid {
    /// A grid without items yet.
    pub fn new(project: ProjectId, sort: Option<Sort>) -> Self {
        Self {
            project,
            sort: sort.unwrap_or(Sort { column: Column::Name, descending: false }),
            tab: Tab::All,
            search: String::new(),
            sought: Sought::default(),
            problem: None,
            problems: Vec::new(),
            stars: BTreeSet::new(),
            selected: HashSet::new(),
            cursor: None,
            view: Vec::new(),
            targets: Vec::new(),
            allowed: (0, 0),
            domains: None,
            totals: Totals::default(),
            stale: false,
            anchor: None,
            hovered: false,
            generation: 0,
            key: None,
            resort: true,
            loaded: (0, 0),
            tallies: PerChunk::default(),
            order: Ordered::default(),
        }
    }

    /// Whether anything but the tab hides items.
    pub fn is_filtered(&self) -> bool {
        self.tab != Tab::All || !self.search.is_empty() || !self.stars.is_empty()
    }

    /// Brings it up to date; answers whether there was anything to do.
    pub fn refresh(&mut self, snapshot: &Snapshot) -> bool {
        let key = (snapshot.revision, self.generation);
        if self.key == Some(key) {
            return false;
        }
        self.key = Some(key);
        self.follow(snapshot);
        let mut totals = Totals::default();
        self.tallies.all().for_each(|tally| totals.add(tally));
        // The order stands still under the pointer and while something is selected.
        let loaded = (totals.items, snapshot.layout);
        let frozen = (self.hovered || !self.selected.is_empty()) && !self.resort && self.loaded == loaded;
        let same = self.order.places == self.view;
        self.stale = frozen && !same;
        if !frozen && !same {
            self.view.clone_from(&self.order.places);
        }
        // Addresses do not change, so domains are compared only when items come or go.
        if self.loaded != loaded {
            self.domains = domains(snapshot.rows().filter(|row| row.project == self.project).map(AsRef::as_ref));
        }
        (self.resort, self.loaded, self.totals) = (false, loaded, totals);
        self.problems.clear();
        if self.tab == Tab::Problems {
            let mut problems = Problems::default();
            let rows = snapshot.rows().filter(|row| row.project == self.project && Tab::Problems.holds(row));
            rows.for_each(|row| problems.count(row));
            self.problems = problems.listed();
        }
        self.aim(snapshot);
        true
    }

    /// Looks at what is new in a state: sums, and which rows are shown in which order.
    fn follow(&mut self, snapshot: &Snapshot) {
        // Rows keep their places while the layout stays.
        let anew = self.resort || self.loaded.1 != snapshot.layout || !self.tallies.may_follow(snapshot);
        let mut tallies = std::mem::take(&mut self.tallies);
        let mut order = if anew { Ordered::default() } else { std::mem::take(&mut self.order) };
        let mut moved = Vec::new();
        let shown = |row: &ItemRow| row.project == self.project && self.shows(row);
        let tally = |rows: &[Arc<ItemRow>]| {
            let mut tally = Totals::default();
            rows.iter().filter(|row| row.project == self.project).for_each(|row| tally.count(row, shown(row)));
            tally
        };
        tallies.refresh(snapshot, anew, tally, |place, before, row| {
            let before = before.filter(|before| shown(before));
            let stays = match before {
                Some(before) => shown(row) && compare(before, row, self.sort).is_eq(),
                None => !shown(row),
            };
            if !stays {
                moved.push(place);
            }
        });
        let row = |place: usize| snapshot.row(place).map(AsRef::as_ref);
        let by = |a: usize, b: usize| match (row(a), row(b)) {
            (Some(a), Some(b)) => compare(a, b, self.sort),
            _ => Ordering::Equal,
        };
        order.settle(&moved, |place| row(place).is_some_and(shown), by);
        (self.tallies, self.order) = (tallies, order);
    }

    /// Finds what actions would act on.
    fn aim(&mut self, snapshot: &Snapshot) {
        self.targets.clear();
        self.allowed = (0, 0);
        if self.selected.is_empty() {
            return;
        }
        for row in self.view.iter().filter_map(|place| snapshot.row(*place)) {
            if self.selected.contains(&row.item) {
                self.targets.push(row.item);
                self.allowed.0 += usize::from(may(row, Action::Start));
                self.allowed.1 += usize::from(may(row, Action::Stop));
            }
        }
    }

    fn shows(&self, row: &ItemRow) -> bool {
        self.tab.holds(row)
            && self.problem.is_none_or(|problem| Problem::of(row) == problem)
            && (self.stars.is_empty() || self.stars.contains(&row.star))
            && (self.search.is_empty() || self.sought.holds(&row.source) || self.sought.holds(&row.destination))
    }

    /// Whether the pointer is in the table.
    pub fn is_hovered(&self) -> bool {
        self.hovered
    }

    /// Puts the cursor on an item.
    pub fn stand_on(&mut self, item: ItemId) {
        (self.cursor, self.anchor) = (Some(item), Some(item));
    }

    /// Where the cursor stands.
    pub fn cursor_row(&self, snapshot: &Snapshot) -> Option<usize> {
        let cursor = self.cursor?;
        self.view.iter().position(|place| snapshot.row(*place).is_some_and(|row| row.item == cursor))
    }

    /// Does what a person did.
    pub fn apply(&mut self, action: GridAction, snapshot: &Snapshot) {
        self.generation += 1;
        match action {
            GridAction::Sort(column) => {
                let again = self.sort.column == column;
                self.sort = Sort { column, descending: again && !self.sort.descending };
                self.resort = true;
            }
            GridAction::SortAgain => self.resort = true,
            GridAction::Tab(tab) => (self.tab, self.problem, self.resort) = (tab, None, true),
            GridAction::Problem(problem) => (self.problem, self.resort) = (problem, true),
            GridAction::Search(text) => {
                self.sought = Sought::of(&text);
                (self.search, self.resort) = (text, true);
            }
            GridAction::StarFilter(star) => {
                if !self.stars.remove(&star) {
                    self.stars.insert(star);
                }
                self.resort = true;
            }
            GridAction::ClearFilters => {
                (self.tab, self.problem, self.resort) = (Tab::All, None, true);
                self.search.clear();
                self.stars.clear();
            }
            GridAction::Toggle(item) => {
                if !self.selected.remove(&item) {
                    self.selected.insert(item);
                }
                self.stand_on(item);
            }
            GridAction::Only(item) => {
                self.selected = HashSet::from([item]);
                self.stand_on(item);
            }
            GridAction::Range(item) => self.select_to(item, snapshot),
            GridAction::SelectAll(all) => {
                self.selected.clear();
                if all {
                    let rows = self.view.iter().filter_map(|place| snapshot.row(*place));
                    self.selected.extend(rows.map(|row| row.item));
                }
            }
            GridAction::Move(rows, select) => {
                let last = self.view.len().saturating_sub(1);
                let at = self.cursor_row(snapshot).map_or(0, |at| at.saturating_add_signed(rows as isize).min(last));
                let Some(row) = self.view.get(at).and_then(|place| snapshot.row(*place)) else { return };
                if select {
                    self.select_to(row.item, snapshot);
                } else {
                    self.stand_on(row.item);
                }
            }
            GridAction::Hover(hovered) => self.hovered = hovered,
        }
    }

    fn select_to(&mut self, item: ItemId, snapshot: &Snapshot) {
        let ids: Vec<ItemId> = self.view.iter().filter_map(|place| snapshot.row(*place)).map(|row| row.item).collect();
        let place = |item: ItemId| ids.iter().position(|id| *id == item);
        // From a row that the filter hides by now there is no range: it begins here.
        let anchor = self.anchor.or(self.cursor).filter(|anchor| place(*anchor).is_some()).unwrap_or(item);
        if let (Some(a), Some(b)) = (place(anchor), place(item)) {
            self.selected = ids[a.min(b)..=a.max(b)].iter().copied().collect();
        }
        (self.anchor, self.cursor) = (Some(anchor), Some(item));
    }
}

fn may(row: &ItemRow, action: Action) -> bool {
    action.check(row.status, row.progress.counts.errors).is_ok()
}

/// The domains of source and destination, if all rows have the same two.
fn domains<'a>(mut rows: impl Iterator<Item = &'a ItemRow>) -> Option<(String, String)> {
    let of = |row: &'a ItemRow| Some((row.source.split_once('@')?.1, row.destination.split_once('@')?.1));
    let first = of(rows.next()?)?;
    let same = rows.all(|row| of(row).is_some_and(|(from, into)| (from, into) == first));
    same.then(|| (first.0.to_owned(), first.1.to_owned()))
}

#[cfg(test)]
#[path = "grid_tests.rs"]
pub(super) mod tests;
