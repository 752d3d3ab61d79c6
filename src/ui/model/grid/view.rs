//! Which rows stand in which place of the item grid: the order asked for, and the one shown, which may stand still.

use std::cmp::Ordering;

use super::sort::{Sort, compare};
use crate::engine::snapshot::{ItemRow, Snapshot};
use crate::ui::model::chunks::Ordered;

/// The rows shown.
#[derive(Clone, Debug)]
pub struct View {
    /// Places in the snapshot, in the order shown.
    pub places: Vec<usize>,
    /// The order shown is not the order asked for: something changed while it stood still.
    pub stale: bool,
    /// The order asked for; what is shown follows it unless it stands still.
    asked: Ordered,
    /// The next state is ordered anew, whatever holds the order still.
    pub(super) resort: bool,
    /// Items, and the layout of the state in which they were.
    loaded: (usize, u64),
}

impl View {
    /// One without rows yet.
    pub(super) fn new() -> Self {
        Self { places: Vec::new(), stale: false, asked: Ordered::default(), resort: true, loaded: (0, 0) }
    }

    /// Whether nothing of the order before counts. Rows keep their places while the layout stays.
    pub(super) fn begins_anew(&self, snapshot: &Snapshot) -> bool {
        self.resort || self.loaded.1 != snapshot.layout
    }

    /// Puts what moved where it belongs in the order asked for.
    pub(super) fn settle(
        &mut self,
        (moved, anew): (&[usize], bool),
        snapshot: &Snapshot,
        sort: Sort,
        shown: impl Fn(&ItemRow) -> bool,
    ) {
        if anew {
            self.asked = Ordered::default();
        }
        let row = |place: usize| snapshot.row(place).map(AsRef::as_ref);
        let by = |a: usize, b: usize| match (row(a), row(b)) {
            (Some(a), Some(b)) => compare(a, b, sort),
            _ => Ordering::Equal,
        };
        self.asked.settle(moved, |place| row(place).is_some_and(&shown), by);
    }

    /// Shows the order asked for, unless it is held; tells whether items came or went.
    pub(super) fn show(&mut self, held: bool, loaded: (usize, u64)) -> bool {
        let others = self.loaded != loaded;
        let frozen = held && !self.resort && !others;
        let same = self.asked.places == self.places;
        self.stale = frozen && !same;
        if !frozen && !same {
            self.places.clone_from(&self.asked.places);
        }
        (self.resort, self.loaded) = (false, loaded);
        others
    }

    /// The rows in the order shown.
    pub fn rows<'a>(&'a self, snapshot: &'a Snapshot) -> impl Iterator<Item = &'a ItemRow> {
        self.places.iter().filter_map(|place| snapshot.row(*place)).map(AsRef::as_ref)
    }
}
