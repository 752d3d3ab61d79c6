//! The grid of one project: its parts brought up to date together, and what a person does with it.

use std::sync::Arc;

use super::sort::compare;
use super::sums::{self, Longest, Sums, Totals};
use super::{Columns, Filter, GridAction, Mark, Selection, Sort, View};
use crate::domain::ids::ProjectId;
use crate::domain::time::Timestamp;
use crate::engine::snapshot::{ItemRow, Snapshot};

/// The grid of one project.
#[derive(Clone, Debug)]
pub struct Grid {
    /// Whose items.
    pub project: ProjectId,
    /// What is asked for.
    pub filter: Filter,
    /// What is selected.
    pub selection: Selection,
    /// What is shown.
    pub view: View,
    /// Over all items.
    pub sums: Sums,
    /// Which columns are shown.
    pub columns: Columns,
    /// How often a width was set: what was painted with others before counts no more.
    pub widths: u32,
    /// The pointer is in the table.
    hovered: bool,
    /// What a person did so far.
    generation: u64,
    /// The state and the doings that it was brought up to date with.
    key: Option<(u64, u64)>,
}

impl Grid {
    /// A grid without items yet.
    pub fn new(project: ProjectId, sort: Option<Sort>) -> Self {
        Self {
            project,
            filter: Filter::new(sort),
            selection: Selection::default(),
            view: View::new(),
            sums: Sums::default(),
            columns: Columns::default(),
            widths: 0,
            hovered: false,
            generation: 0,
            key: None,
        }
    }

    /// The time it is: some items last too long from a time on (R9, R23). Something is computed anew only when one comes to.
    pub fn tell_time(&mut self, now: Timestamp) {
        let before = std::mem::replace(&mut self.filter.now, now);
        if self.sums.totals.alerts_at(before) != self.sums.totals.alerts_at(now) {
            self.generation += 1;
            self.view.resort |= self.filter.tab.depends_on_time();
        }
        // What changed lately is looked at anew each minute, and does not go from under the pointer.
        let minute = |at: Timestamp| at.millis() / 60_000;
        let held = self.is_held() && before != Timestamp::from_millis(0);
        if self.filter.marks.contains(&Mark::ChangedLately) && minute(before) != minute(now) && !held {
            self.generation += 1;
            self.view.resort = true;
        }
    }

    /// Brings it up to date; answers whether there was anything to do.
    pub fn refresh(&mut self, snapshot: &Snapshot) -> bool {
        let key = (snapshot.revision, self.generation);
        if self.key == Some(key) {
            return false;
        }
        self.key = Some(key);
        self.follow(snapshot);
        self.sums.add_up(self.filter.now);
        let held = self.is_held();
        // Addresses do not change, so domains are compared only when items come or go.
        if self.view.show(held, (self.sums.totals.items, snapshot.layout)) {
            let rows = || snapshot.rows().filter(|row| row.project == self.project).map(AsRef::as_ref);
            self.sums.domains = sums::domains(rows());
            self.sums.longest = Longest::of(rows());
        }
        self.sums.count_problems(self.project, self.filter.tab, snapshot);
        self.selection.aim(self.view.rows(snapshot));
        let project = self.project;
        let there = || snapshot.rows().filter(|row| row.project == project).map(|row| row.item).collect();
        self.selection.forget_missing(there);
        true
    }

    /// The order stands still under the pointer and while something is selected.
    fn is_held(&self) -> bool {
        self.hovered || !self.selection.selected.is_empty()
    }

    /// Looks at what is new in a state: sums, and which rows are shown in which order.
    fn follow(&mut self, snapshot: &Snapshot) {
        let Self { project, filter, view, sums, .. } = self;
        let anew = view.begins_anew(snapshot) || !sums.chunks.may_follow(snapshot);
        let mut moved = Vec::new();
        let shown = |row: &ItemRow| row.project == *project && filter.shows(row);
        let total = |rows: &[Arc<ItemRow>]| {
            let mut total = Totals::default();
            rows.iter().filter(|row| row.project == *project).for_each(|row| total.count(row, shown(row)));
            total
        };
        sums.chunks.refresh(snapshot, anew, total, |place, before, row| {
            let before = before.filter(|before| shown(before));
            let stays = match before {
                Some(before) => shown(row) && compare(before, row, filter.sort).is_eq(),
                None => !shown(row),
            };
            if !stays {
                moved.push(place);
            }
        });
        view.settle((&moved, anew), snapshot, filter.sort, shown);
    }

    /// Whether the pointer is in the table.
    pub fn is_hovered(&self) -> bool {
        self.hovered
    }

    /// Where the cursor stands.
    pub fn cursor_row(&self, snapshot: &Snapshot) -> Option<usize> {
        self.selection.place(&self.view.places, snapshot)
    }

    /// Where the cursor would stand some rows further down or up.
    pub fn row_at(&self, rows: i64, snapshot: &Snapshot) -> usize {
        let last = self.view.places.len().saturating_sub(1);
        self.cursor_row(snapshot).map_or(0, |at| at.saturating_add_signed(rows as isize).min(last))
    }

    /// Does what a person did.
    pub fn apply(&mut self, action: GridAction, snapshot: &Snapshot) {
        self.generation += 1;
        if self.filter.apply(&action) {
            self.view.resort = true;
            return;
        }
        match action {
            GridAction::Toggle(item) => self.selection.toggle(item),
            GridAction::Only(item) => self.selection.only(item),
            GridAction::Range(item) => self.selection.range_to(item, &self.view.places, snapshot),
            GridAction::SelectAll(true) => self.selection.replace(self.view.rows(snapshot)),
            GridAction::SelectAll(false) => self.selection.replace(std::iter::empty()),
            GridAction::Move(rows, select) => {
                let at = self.row_at(rows, snapshot);
                let Some(row) = self.view.places.get(at).and_then(|place| snapshot.row(*place)) else { return };
                if select {
                    self.selection.range_to(row.item, &self.view.places, snapshot);
                } else {
                    self.selection.stand_on(row.item);
                }
            }
            GridAction::Column(column) => self.columns.toggle(column),
            GridAction::Shift(column, left) => self.columns.shift(column, left),
            GridAction::NameWidth(wide) => {
                self.columns.name_width = Some(wide);
                self.widths += 1;
            }
            GridAction::Columns(columns) => {
                self.columns = columns;
                self.widths += 1;
            }
            GridAction::Hover(hovered) => self.hovered = hovered,
            // The filter's, as it said.
            GridAction::Sort(_)
            | GridAction::SortAgain
            | GridAction::Tab(_)
            | GridAction::Search(_)
            | GridAction::StarFilter(_)
            | GridAction::StatusFilter(_)
            | GridAction::MarkFilter(_)
            | GridAction::Drop(_)
            | GridAction::Problem(_)
            | GridAction::Held(_)
            | GridAction::ClearFilters => {}
        }
    }
}
