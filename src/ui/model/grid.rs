//! The item grid: which items, in which order, which of them selected. Recomputed only when the engine's state, the
//! filter, the order or the selection changed; a frame reads numbers of rows.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashSet};

use super::look;
use crate::domain::action::Action;
use crate::domain::ids::{ItemId, ProjectId};
use crate::domain::pass::PassKind;
use crate::domain::star::Star;
use crate::domain::status::Status;
use crate::engine::snapshot::{ItemRow, Snapshot};

/// A column that orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// The star.
    Star,
    /// Source address, then destination.
    Name,
    /// The status.
    Status,
    /// Folders done of all.
    Folders,
    /// Messages copied.
    Messages,
    /// Bytes copied.
    Data,
    /// Item errors.
    Errors,
    /// Since when.
    Since,
}

impl Column {
    /// All, from left to right.
    pub const ALL: [Self; 8] =
        [Self::Star, Self::Name, Self::Status, Self::Folders, Self::Messages, Self::Data, Self::Errors, Self::Since];

    /// Its heading.
    pub fn word(self) -> &'static str {
        match self {
            Self::Star => "Star",
            Self::Name => "Source → destination",
            Self::Status => "Status",
            Self::Folders => "What is happening",
            Self::Messages => "Messages",
            Self::Data => "Data",
            Self::Errors => "Errors",
            Self::Since => "Since",
        }
    }
}

/// An order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    /// By this column.
    pub column: Column,
    /// Greatest first.
    pub descending: bool,
}

impl Sort {
    /// As it is remembered.
    pub fn to_text(self) -> String {
        let at = Column::ALL.iter().position(|column| *column == self.column).unwrap_or_default();
        format!("{at} {}", if self.descending { "down" } else { "up" })
    }

    /// As it was remembered.
    pub fn from_text(text: &str) -> Option<Self> {
        let (at, way) = text.split_once(' ')?;
        Some(Self { column: *Column::ALL.get(at.parse::<usize>().ok()?)?, descending: way == "down" })
    }
}

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
    /// Failed, or completed with errors.
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
                row.status == Status::Failed || (row.status.is_at_rest() && row.progress.counts.errors > 0)
            }
        }
    }
}

/// Whether an item is fully migrated: only a completed Full pass counts.
pub fn is_done(row: &ItemRow) -> bool {
    let full = matches!(row.pass, Some((_, PassKind::Full | PassKind::RetryErrors, _)));
    row.status == Status::Completed && full
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
    /// The search, in lower case.
    pub search: String,
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
}

impl Grid {
    /// A grid without items yet.
    pub fn new(project: ProjectId, sort: Option<Sort>) -> Self {
        Self {
            project,
            sort: sort.unwrap_or(Sort { column: Column::Name, descending: false }),
            tab: Tab::All,
            search: String::new(),
            stars: BTreeSet::new(),
            selected: HashSet::new(),
            cursor: None,
            view: Vec::new(),
            targets: Vec::new(),
            allowed: (0, 0),
            totals: Totals::default(),
            stale: false,
            anchor: None,
            hovered: false,
            generation: 0,
            key: None,
            resort: true,
            loaded: (0, 0),
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
        let mut totals = Totals::default();
        let mut view = Vec::with_capacity(self.view.len());
        for (place, row) in snapshot.rows().enumerate().filter(|(_, row)| row.project == self.project) {
            totals.items += 1;
            totals.bytes += look::bytes(row);
            totals.speed += row.speed;
            for (at, tab) in Tab::ALL.into_iter().enumerate() {
                totals.tabs[at] += usize::from(tab.holds(row));
            }
            if self.shows(row) {
                view.push(place);
            }
        }
        let row = |place: &usize| snapshot.row(*place);
        view.sort_by(|a, b| match (row(a), row(b)) {
            (Some(a), Some(b)) => compare(a, b, self.sort),
            _ => Ordering::Equal,
        });
        // The order stands still under the pointer and while something is selected.
        let loaded = (totals.items, snapshot.layout);
        let frozen = (self.hovered || !self.selected.is_empty()) && !self.resort && self.loaded == loaded;
        self.stale = frozen && view != self.view;
        if !frozen {
            self.view = view;
        }
        (self.resort, self.loaded, self.totals) = (false, loaded, totals);
        let ids = self.view.iter().filter_map(row).map(|row| row.item);
        self.targets = ids.filter(|item| self.selected.contains(item)).collect();
        self.allowed = (self.allowed(snapshot, Action::Start), self.allowed(snapshot, Action::Stop));
        true
    }

    fn shows(&self, row: &ItemRow) -> bool {
        let found = |address: &str| address.to_ascii_lowercase().contains(&self.search);
        self.tab.holds(row)
            && (self.stars.is_empty() || self.stars.contains(&row.star))
            && (self.search.is_empty() || found(&row.source) || found(&row.destination))
    }

    /// The rows that actions act on: the selected ones that are shown.
    fn chosen<'a>(&self, snapshot: &'a Snapshot) -> impl Iterator<Item = &'a ItemRow> + use<'a, '_> {
        let rows = self.view.iter().filter_map(|place| snapshot.row(*place));
        rows.filter(|row| self.selected.contains(&row.item)).map(AsRef::as_ref)
    }

    /// How many of the selected items an action is for.
    fn allowed(&self, snapshot: &Snapshot, action: Action) -> usize {
        self.chosen(snapshot).filter(|row| action.check(row.status, row.progress.counts.errors).is_ok()).count()
    }

    /// Whether the pointer is in the table.
    pub fn is_hovered(&self) -> bool {
        self.hovered
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
            GridAction::Tab(tab) => (self.tab, self.resort) = (tab, true),
            GridAction::Search(text) => (self.search, self.resort) = (text.to_ascii_lowercase(), true),
            GridAction::StarFilter(star) => {
                if !self.stars.remove(&star) {
                    self.stars.insert(star);
                }
                self.resort = true;
            }
            GridAction::ClearFilters => {
                (self.tab, self.resort) = (Tab::All, true);
                self.search.clear();
                self.stars.clear();
            }
            GridAction::Toggle(item) => {
                if !self.selected.remove(&item) {
                    self.selected.insert(item);
                }
                (self.cursor, self.anchor) = (Some(item), Some(item));
            }
            GridAction::Only(item) => {
                self.selected = HashSet::from([item]);
                (self.cursor, self.anchor) = (Some(item), Some(item));
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
                    (self.cursor, self.anchor) = (Some(row.item), Some(row.item));
                }
            }
            GridAction::Hover(hovered) => self.hovered = hovered,
        }
    }

    fn select_to(&mut self, item: ItemId, snapshot: &Snapshot) {
        let ids: Vec<ItemId> = self.view.iter().filter_map(|place| snapshot.row(*place)).map(|row| row.item).collect();
        let place = |item: ItemId| ids.iter().position(|id| *id == item);
        let anchor = self.anchor.or(self.cursor).unwrap_or(item);
        if let (Some(a), Some(b)) = (place(anchor), place(item)) {
            self.selected = ids[a.min(b)..=a.max(b)].iter().copied().collect();
        }
        (self.anchor, self.cursor) = (Some(anchor), Some(item));
    }
}

fn compare(a: &ItemRow, b: &ItemRow, sort: Sort) -> Ordering {
    let by_name = || ignoring_case(&a.source, &b.source).then_with(|| ignoring_case(&a.destination, &b.destination));
    let order = match sort.column {
        // Coloured ones first.
        Column::Star => a.star.map_or(u8::MAX, |star| star as u8).cmp(&b.star.map_or(u8::MAX, |star| star as u8)),
        Column::Name => by_name(),
        Column::Status => a.status.ordinal().cmp(&b.status.ordinal()),
        Column::Folders => a.progress.folders_done.cmp(&b.progress.folders_done),
        Column::Messages => a.progress.counts.copied.cmp(&b.progress.counts.copied),
        Column::Data => look::bytes(a).cmp(&look::bytes(b)),
        Column::Errors => a.progress.counts.errors.cmp(&b.progress.counts.errors),
        Column::Since => look::since(a).cmp(&look::since(b)),
    };
    let order = if sort.descending { order.reverse() } else { order };
    order.then_with(by_name)
}

fn ignoring_case(a: &str, b: &str) -> Ordering {
    a.bytes().map(|byte| byte.to_ascii_lowercase()).cmp(b.bytes().map(|byte| byte.to_ascii_lowercase()))
}

#[cfg(test)]
#[path = "grid_tests.rs"]
mod tests;
