//! What is computed from the rows of one state, kept for the next: states share what did not change (D25), so one item's
//! news costs a hundred thousand others a look at the address of their chunk.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::sync::Arc;

use crate::engine::snapshot::{ItemRow, Snapshot};

type Chunk = Arc<Vec<Arc<ItemRow>>>;

/// Something computed from each chunk of rows.
#[derive(Clone, Debug)]
pub struct PerChunk<T>(Vec<(Chunk, T)>);

impl<T> Default for PerChunk<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> PerChunk<T> {
    /// Computes it anew for chunks that changed. `news` hears the rows of those: their place, the row before, the row now.
    /// With `anew`, nothing of before counts.
    pub fn refresh(
        &mut self,
        snapshot: &Snapshot,
        anew: bool,
        of: impl Fn(&[Arc<ItemRow>]) -> T,
        mut news: impl FnMut(usize, Option<&ItemRow>, &ItemRow),
    ) {
        if anew {
            self.0.clear();
        }
        self.0.truncate(snapshot.chunks.len());
        let mut place = 0;
        for (at, chunk) in snapshot.chunks.iter().enumerate() {
            let before = self.0.get(at).map(|known| &known.0);
            if !before.is_some_and(|before| Arc::ptr_eq(before, chunk)) {
                for (at, row) in chunk.iter().enumerate() {
                    let before = before.and_then(|before| before.get(at));
                    if !before.is_some_and(|before| Arc::ptr_eq(before, row)) {
                        news(place + at, before.map(AsRef::as_ref), row);
                    }
                }
                let computed = (Arc::clone(chunk), of(chunk));
                match self.0.get_mut(at) {
                    Some(known) => *known = computed,
                    None => self.0.push(computed),
                }
            }
            place += chunk.len();
        }
    }

    /// What was computed, chunk by chunk.
    pub fn all(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|(_, computed)| computed)
    }

    /// Whether a state may follow the one that was seen last: rows are added and replaced, never taken away.
    pub fn may_follow(&self, snapshot: &Snapshot) -> bool {
        let rows = |chunk: &Chunk| chunk.len();
        let seen: usize = self.0.iter().map(|(chunk, _)| rows(chunk)).sum();
        snapshot.chunks.iter().map(rows).sum::<usize>() >= seen
    }
}

/// Places of rows in an order that is kept while rows change.
#[derive(Clone, Debug, Default)]
pub struct Ordered {
    /// The places.
    pub places: Vec<usize>,
}

impl Ordered {
    /// Puts these places where they belong now, or takes them out.
    pub fn settle(
        &mut self,
        moved: &[usize],
        shown: impl Fn(usize) -> bool,
        compare: impl Fn(usize, usize) -> Ordering,
    ) {
        if moved.is_empty() {
            return;
        }
        // Equal rows stand in the order in which they were loaded, whatever happened before.
        let compare = |a: usize, b: usize| compare(a, b).then(a.cmp(&b));
        let gone: HashSet<usize> = moved.iter().copied().collect();
        self.places.retain(|place| !gone.contains(place));
        let mut fresh: Vec<usize> = moved.iter().copied().filter(|place| shown(*place)).collect();
        fresh.sort_by(|a, b| compare(*a, *b));
        let mut merged = Vec::with_capacity(self.places.len() + fresh.len());
        let mut rest = self.places.as_slice();
        for place in fresh {
            let (before, after) = rest.split_at(rest.partition_point(|other| compare(*other, place).is_lt()));
            merged.extend_from_slice(before);
            merged.push(place);
            rest = after;
        }
        merged.extend_from_slice(rest);
        self.places = merged;
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::ui::model::grid::tests::{replaced, row};

    #[test]
    fn one_changed_row_of_a_hundred_thousand_is_the_only_one_looked_at() {
        let first = Snapshot::of(1, (0..100_000).map(|id| row(id, &format!("user{id}"))));
        let mut changed = row(70_000, "user70000");
        changed.progress.counts.copied = 1;
        let second = replaced(&first, 2, vec![changed]);
        let (computed, heard) = (Cell::new(0), Cell::new(0));
        let of = |rows: &[Arc<ItemRow>]| {
            computed.set(computed.get() + rows.len());
            rows.len()
        };
        let mut sums = PerChunk::default();
        sums.refresh(&first, false, of, |_, before, _| {
            assert!(before.is_none());
            heard.set(heard.get() + 1);
        });
        assert_eq!((computed.get(), heard.get()), (100_000, 100_000));
        computed.set(0);
        heard.set(0);
        sums.refresh(&second, false, of, |place, before, row| {
            assert_eq!((place, before.map(|row| row.item), row.progress.counts.copied), (70_000, Some(row.item), 1));
            heard.set(heard.get() + 1);
        });
        assert!(computed.get() <= 256 && heard.get() == 1, "{} {}", computed.get(), heard.get());
        assert_eq!(sums.all().sum::<usize>(), 100_000);
    }
}
