//! What was seen of passes that run or ran in this process: beside the snapshot, whose rows stay small, and asked for by item.
//! Bounded: an item has one trace, and of those that ended the oldest go.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::domain::ids::{ItemId, PassId};
use crate::domain::progress::PassProgress;
use crate::domain::time::Timestamp;
use crate::domain::trace::PassTrace;

/// Traces of passes that have ended, at most.
const ENDED: usize = 500;

#[derive(Default)]
struct Kept {
    traces: HashMap<ItemId, PassTrace>,
    /// Those that ended, oldest first; one whose item has run again since is no longer there.
    ended: VecDeque<(ItemId, PassId)>,
}

/// The latest trace of each item. Clones are the same.
#[derive(Clone, Default)]
pub struct Traces(Arc<Mutex<Kept>>);

impl Traces {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A pass begins; what was seen of the item's pass before it goes.
    pub(super) fn begin(&self, item: ItemId, trace: PassTrace) {
        self.kept().traces.insert(item, trace);
    }

    /// A pass as it is now; `read` is how many bytes of messages it has read.
    pub(super) fn look(&self, item: ItemId, now: Timestamp, progress: &PassProgress, read: u64) {
        if let Some(trace) = self.kept().traces.get_mut(&item) {
            trace.look(now, progress, read);
        }
    }

    /// A pass has ended with these figures.
    pub(super) fn end(&self, item: ItemId, now: Timestamp, progress: &PassProgress, read: u64) {
        let mut kept = self.kept();
        let Some(trace) = kept.traces.get_mut(&item) else { return };
        trace.end(now, progress, read);
        let pass = trace.pass;
        kept.ended.retain(|(other, _)| *other != item);
        kept.ended.push_back((item, pass));
        if kept.ended.len() > ENDED
            && let Some((item, pass)) = kept.ended.pop_front()
            // An item that runs again has another trace by now, which stays.
            && kept.traces.get(&item).is_some_and(|trace| trace.pass == pass && trace.ended.is_some())
        {
            kept.traces.remove(&item);
        }
    }

    /// What was seen of the latest pass of an item that ran in this process.
    pub fn of(&self, item: ItemId) -> Option<PassTrace> {
        self.kept().traces.get(&item).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_passes_that_ended_the_newest_are_kept_and_one_that_runs_always() {
        let (traces, now, figures) = (Traces::default(), Timestamp::from_millis(0), PassProgress::default());
        let begin = |item: i64, pass| traces.begin(ItemId(item), PassTrace::new(PassId(pass), now, &figures));
        let known = |item: i64| traces.of(ItemId(item)).map(|trace| trace.pass);
        begin(-1, 1);
        begin(0, 2);
        traces.end(ItemId(0), now, &figures, 0);
        // It runs once more, with another pass and with the same one after an interruption.
        begin(0, 3);
        let all = ENDED as i64;
        for item in 1..=all + 10 {
            begin(item, 100 + item);
            traces.end(ItemId(item), now, &figures, 0);
        }
        assert_eq!((known(-1), known(0)), (Some(PassId(1)), Some(PassId(3))), "they run");
        assert_eq!((known(10), known(11)), (None, Some(PassId(111))));
        assert_eq!(traces.kept().traces.len(), ENDED + 2);
    }
}
