//! What is selected in the item grid, and where its cursor stands.

use std::collections::HashSet;

use crate::domain::action::Action;
use crate::domain::ids::ItemId;
use crate::domain::status::{Refusal, Status};
use crate::domain::time::Timestamp;
use crate::engine::snapshot::{ItemRow, Snapshot};

/// Of how many items something can be done, and why not of the first of the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allowed {
    /// Of so many.
    pub items: usize,
    /// Why not of others.
    pub refusal: Option<Refusal>,
}

impl Allowed {
    fn count(&mut self, row: &ItemRow, action: Action) {
        match action.check(row.status, row.retryable()) {
            Ok(()) => self.items += 1,
            Err(refusal) => self.refusal = self.refusal.or(Some(refusal)),
        }
    }
}

/// Selected items, and the row that keys act on.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Selected items, also those that the filter hides.
    pub selected: HashSet<ItemId>,
    /// The row that keys act on.
    pub cursor: Option<ItemId>,
    /// Where a range begins.
    anchor: Option<ItemId>,
    /// Selected items that are shown: what actions act on.
    pub targets: Vec<ItemId>,
    /// Which of those can be started.
    pub startable: Allowed,
    /// Which of those can be stopped.
    pub stoppable: Allowed,
    /// Those of them that are being stopped, and since when.
    pub stopping: Vec<(ItemId, Timestamp)>,
}

impl Selection {
    /// Finds what actions would act on, among the rows shown.
    pub(super) fn aim<'a>(&mut self, shown: impl Iterator<Item = &'a ItemRow>) {
        self.targets.clear();
        self.stopping.clear();
        (self.startable, self.stoppable) = (Allowed::default(), Allowed::default());
        if self.selected.is_empty() {
            return;
        }
        for row in shown.filter(|row| self.selected.contains(&row.item)) {
            self.targets.push(row.item);
            let since = row.pass.filter(|_| row.status == Status::Stopping).map(|pass| (row.item, pass.since));
            self.stopping.extend(since);
            self.startable.count(row, Action::Start);
            self.stoppable.count(row, Action::Stop);
        }
    }

    /// What was deleted is selected no more; looked for only where not all that is selected is shown.
    pub(super) fn forget_missing(&mut self, there: impl FnOnce() -> HashSet<ItemId>) {
        if self.targets.len() < self.selected.len() {
            let there = there();
            self.selected.retain(|item| there.contains(item));
        }
    }

    /// Puts the cursor on an item.
    pub fn stand_on(&mut self, item: ItemId) {
        (self.cursor, self.anchor) = (Some(item), Some(item));
    }

    pub(super) fn toggle(&mut self, item: ItemId) {
        if !self.selected.remove(&item) {
            self.selected.insert(item);
        }
        self.stand_on(item);
    }

    pub(super) fn only(&mut self, item: ItemId) {
        self.selected = HashSet::from([item]);
        self.stand_on(item);
    }

    /// Selects exactly these.
    pub(super) fn replace<'a>(&mut self, rows: impl Iterator<Item = &'a ItemRow>) {
        self.selected = rows.map(|row| row.item).collect();
    }

    /// Where the cursor stands among the rows shown.
    pub(super) fn place(&self, view: &[usize], snapshot: &Snapshot) -> Option<usize> {
        let cursor = self.cursor?;
        view.iter().position(|place| snapshot.row(*place).is_some_and(|row| row.item == cursor))
    }

    /// Selects everything from where the range begins to this one, and goes there.
    pub(super) fn range_to(&mut self, item: ItemId, view: &[usize], snapshot: &Snapshot) {
        let ids: Vec<ItemId> = view.iter().filter_map(|place| snapshot.row(*place)).map(|row| row.item).collect();
        let place = |item: ItemId| ids.iter().position(|id| *id == item);
        // From a row that the filter hides by now there is no range: it begins here.
        let anchor = self.anchor.or(self.cursor).filter(|anchor| place(*anchor).is_some()).unwrap_or(item);
        if let (Some(a), Some(b)) = (place(anchor), place(item)) {
            self.selected = ids[a.min(b)..=a.max(b)].iter().copied().collect();
        }
        (self.anchor, self.cursor) = (Some(anchor), Some(item));
    }
}
