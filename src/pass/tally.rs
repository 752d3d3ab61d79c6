//! The figures of one running pass: written by its lanes, read by the snapshot and the flush to the store.
//!
//! Nothing here waits; the lock is held for a few assignments. Counters are true, not estimated: a message counts as
//! copied once its watermark is committed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::folder::FolderPath;
use crate::domain::ids::FolderId;
use crate::domain::record::{Counts, FolderPhase, PassFolder, PassProgress, Phase, RetryState};
use crate::domain::time::Timestamp;
use crate::endpoint::ByteCounter;

/// How far a folder of the pass is.
pub struct FolderLine {
    /// Its name at the source.
    pub path: FolderPath,
    /// What is done with it.
    pub phase: FolderPhase,
    /// Its counters.
    pub counts: Counts,
}

#[derive(Default)]
struct PassSums {
    phase: Phase,
    folders: BTreeMap<FolderId, FolderLine>,
    done: u32,
    current: Option<FolderId>,
    totals: Counts,
    /// Messages of folders left out by default, as far as their number is known: they have no folder of the pass.
    left_out: u64,
    /// What earlier attempts of this pass had counted: sums do not fall below it while the folders are found again.
    floor: Counts,
    /// Bytes that were read and will not be recorded: of messages refused, or read before a connection broke.
    lost: u64,
    /// Messages that could not be moved, and of which a person said so before.
    accepted: u64,
    /// The most bytes shown so far.
    most: u64,
    retry: Option<RetryState>,
    updated: Option<Timestamp>,
    changed: bool,
}

impl PassSums {
    /// Bytes that this attempt recorded.
    fn own(&self) -> u64 {
        self.totals.bytes.saturating_sub(self.floor.bytes)
    }
}

/// Shared by everything that works on one pass.
pub struct PassStats {
    inner: Mutex<PassSums>,
    meter: Arc<ByteCounter>,
}

fn ended(phase: FolderPhase) -> bool {
    match phase {
        FolderPhase::Waiting | FolderPhase::Working => false,
        FolderPhase::Done | FolderPhase::Unchanged | FolderPhase::Failed | FolderPhase::DestinationGone => true,
    }
}

/// Errors are left out: a message that failed in an earlier attempt may be cured.
fn at_least(counts: &Counts, floor: &Counts) -> Counts {
    Counts {
        source: counts.source.max(floor.source),
        copied: counts.copied.max(floor.copied),
        already_there: counts.already_there.max(floor.already_there),
        bytes: counts.bytes.max(floor.bytes),
        flags_updated: counts.flags_updated.max(floor.flags_updated),
        ..*counts
    }
}

impl PassStats {
    /// An empty tally; `meter` counts the bytes the source sessions read.
    pub fn new(meter: Arc<ByteCounter>) -> Arc<Self> {
        Arc::new(Self { inner: Mutex::default(), meter })
    }

    fn with<T>(&self, act: impl FnOnce(&mut PassSums) -> T) -> T {
        act(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn touch<T>(&self, now: Timestamp, act: impl FnOnce(&mut PassSums) -> T) -> T {
        self.with(|inner| {
            inner.updated = Some(now);
            inner.changed = true;
            act(inner)
        })
    }

    /// Earlier attempts of this pass counted this (D6).
    pub fn goes_on_from(&self, earlier: Counts) {
        self.with(|inner| inner.floor = earlier);
    }

    /// The pass entered a phase.
    pub fn phase(&self, now: Timestamp, phase: Phase) {
        self.touch(now, |inner| inner.phase = phase);
    }

    /// A folder belongs to the pass, with what is known of it beforehand.
    pub fn folder(&self, now: Timestamp, id: FolderId, line: FolderLine) {
        self.touch(now, |inner| {
            inner.totals.add(&line.counts);
            inner.done += u32::from(ended(line.phase));
            inner.folders.insert(id, line);
        });
    }

    /// This folder, or where it is no part of the pass any other one: what is told of it counts.
    pub fn known(&self, id: FolderId) -> FolderId {
        self.with(|inner| match inner.folders.contains_key(&id) {
            true => id,
            false => inner.folders.keys().next().copied().unwrap_or(id),
        })
    }

    /// Changes a folder's counters and, with them, the sums.
    pub fn count(&self, now: Timestamp, id: FolderId, change: impl FnOnce(&mut Counts)) {
        self.touch(now, |inner| {
            if let Some(line) = inner.folders.get_mut(&id) {
                change(&mut line.counts);
                let mut totals = Counts::default();
                // A mailbox has tens of folders, rarely thousands; a commit group counts once per folder it touched.
                inner.folders.values().for_each(|line| totals.add(&line.counts));
                inner.totals = totals;
            }
        });
    }

    /// So many messages lie in folders that are left out by default: part of the source, and skipped.
    pub fn left_out(&self, now: Timestamp, messages: u64) {
        self.touch(now, |inner| inner.left_out = messages);
    }

    /// A folder entered a phase.
    pub fn folder_phase(&self, now: Timestamp, id: FolderId, to: FolderPhase) {
        self.touch(now, |inner| {
            if let Some(line) = inner.folders.get_mut(&id) {
                inner.done += u32::from(ended(to) && !ended(line.phase));
                inner.done -= u32::from(!ended(to) && ended(line.phase));
                line.phase = to;
                if to == FolderPhase::Working {
                    inner.current = Some(id);
                } else if inner.current == Some(id) {
                    inner.current =
                        inner.folders.iter().find(|(_, f)| f.phase == FolderPhase::Working).map(|(id, _)| *id);
                }
            }
        });
    }

    /// Retry mode began or ended. The time of the statistics stands still while it lasts (R52).
    pub fn retry(&self, state: Option<RetryState>) {
        let read = self.meter.total();
        self.with(|inner| {
            if state.is_some() {
                // What was on the wire is read again.
                inner.lost = read.saturating_sub(inner.own());
            }
            inner.retry = state;
            inner.changed = true;
        });
    }

    /// A message that was read will not be recorded: its bytes are no longer under way.
    pub fn not_moved(&self, bytes: u64) {
        self.with(|inner| inner.lost += bytes);
    }

    /// So many messages that could not be moved are accepted already.
    pub fn accepted(&self, messages: u64) {
        self.with(|inner| inner.accepted += messages);
    }

    /// One folder's counters.
    pub fn counts(&self, id: FolderId) -> Counts {
        self.with(|inner| inner.folders.get(&id).map(|f| f.counts).unwrap_or_default())
    }

    /// The sums over all folders.
    pub fn totals(&self) -> Counts {
        self.with(|inner| inner.totals)
    }

    /// What the snapshot and the store show.
    pub fn progress(&self) -> PassProgress {
        let read = self.meter.total();
        self.with(|inner| {
            let mut counts = inner.totals;
            counts.source += inner.left_out;
            counts.skipped += inner.left_out;
            let counts = at_least(&counts, &inner.floor);
            let under_way = read.saturating_sub(inner.own()).saturating_sub(inner.lost);
            // A refused message's bytes do not come off the figure: it stands still until others make up for them (R49).
            inner.most = inner.most.max(counts.bytes + under_way);
            PassProgress {
                // Every folder has ended: what is left is to say goodbye on all connections, which a slow server makes long.
                phase: match inner.phase {
                    Phase::Copying if !inner.folders.is_empty() && inner.done as usize == inner.folders.len() => {
                        Phase::Finishing
                    }
                    phase => phase,
                },
                folders_done: inner.done,
                folders_total: inner.folders.len() as u32,
                current: inner.current.and_then(|id| inner.folders.get(&id)).map(|f| f.path.clone()),
                counts,
                accepted: inner.accepted,
                in_flight: inner.most - counts.bytes,
                retry: inner.retry.clone(),
                updated: inner.updated,
            }
        })
    }

    /// The lines of all folders.
    pub fn folders(&self) -> Vec<PassFolder> {
        self.with(|inner| {
            let line = |(id, f): (&FolderId, &FolderLine)| PassFolder { folder: *id, phase: f.phase, counts: f.counts };
            inner.folders.iter().map(line).collect()
        })
    }

    /// Whether anything changed since this was last asked.
    pub fn take_changed(&self) -> bool {
        self.with(|inner| std::mem::take(&mut inner.changed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn line(counts: Counts, phase: FolderPhase) -> FolderLine {
        FolderLine { path: FolderPath::new(["f"]), phase, counts }
    }

    #[test]
    fn r47_progress_counts_folders_and_r49_bytes_only_rise() {
        let tally = PassStats::new(Arc::default());
        for id in 1..=3 {
            let counts = Counts { source: 5, ..Counts::default() };
            tally.folder(at(1), FolderId(id), line(counts, FolderPhase::Waiting));
        }
        tally.folder_phase(at(2), FolderId(2), FolderPhase::Working);
        assert_eq!((tally.progress().folders_done, tally.progress().current.is_some()), (0, true));
        tally.count(at(3), FolderId(2), |c| {
            c.copied = 5;
            c.bytes = 700;
        });
        tally.folder_phase(at(4), FolderId(2), FolderPhase::Done);
        let shown = tally.progress();
        assert_eq!(
            (shown.folders_done, shown.folders_total, shown.counts.bytes, shown.updated),
            (1, 3, 700, Some(at(4)))
        );
        assert_eq!(shown.current, None);
    }

    #[test]
    fn c12_what_is_left_out_by_default_is_counted_as_skipped() {
        let tally = PassStats::new(Arc::default());
        for _ in 0..2 {
            tally.left_out(at(1), 7);
        }
        tally.folder(at(1), FolderId(1), line(Counts::default(), FolderPhase::Waiting));
        tally.count(at(2), FolderId(1), |c| (c.source, c.copied, c.skipped) = (3, 2, 1));
        let counts = tally.progress().counts;
        assert_eq!((counts.source, counts.copied, counts.skipped), (10, 2, 8));
        assert!(counts.balanced());
    }

    #[test]
    fn a_pass_whose_folders_have_all_ended_no_longer_copies() {
        let tally = PassStats::new(Arc::default());
        for id in 1..=2 {
            tally.folder(at(1), FolderId(id), line(Counts::default(), FolderPhase::Waiting));
        }
        tally.phase(at(1), Phase::Copying);
        tally.folder_phase(at(2), FolderId(1), FolderPhase::Done);
        assert_eq!(tally.progress().phase, Phase::Copying);
        tally.folder_phase(at(3), FolderId(2), FolderPhase::Unchanged);
        assert_eq!(tally.progress().phase, Phase::Finishing);
        tally.folder_phase(at(4), FolderId(2), FolderPhase::Working);
        assert_eq!(tally.progress().phase, Phase::Copying, "it is looked into once more");
    }

    #[test]
    fn sums_of_a_resumed_pass_do_not_fall_and_do_not_count_twice() {
        let tally = PassStats::new(Arc::default());
        let earlier = Counts { source: 10, copied: 4, bytes: 400, errors: 1, ..Counts::default() };
        tally.goes_on_from(earlier);
        assert_eq!(tally.progress().counts, Counts { errors: 0, ..earlier });
        tally.folder(at(1), FolderId(1), line(Counts { errors: 0, ..earlier }, FolderPhase::Waiting));
        tally.count(at(2), FolderId(1), |c| (c.copied, c.bytes) = (c.copied + 6, c.bytes + 600));
        assert_eq!(tally.progress().counts, Counts { source: 10, copied: 10, bytes: 1000, ..Counts::default() });
    }

    #[test]
    fn r49_bytes_rise_and_end_at_what_was_written() {
        let meter = Arc::new(ByteCounter::default());
        let tally = PassStats::new(Arc::clone(&meter));
        tally.folder(at(1), FolderId(1), line(Counts::default(), FolderPhase::Working));
        let shown = || {
            let progress = tally.progress();
            progress.counts.bytes + progress.in_flight
        };
        meter.add(100);
        tally.count(at(2), FolderId(1), |c| c.bytes += 60);
        assert_eq!(shown(), 100, "40 are under way");
        tally.not_moved(40);
        assert_eq!(shown(), 100, "it does not fall");
        meter.add(50);
        tally.count(at(3), FolderId(1), |c| c.bytes += 50);
        assert_eq!(shown(), 110, "nor counts a refused message for ever");
        meter.add(30);
        let failure = crate::domain::failure::Failure::new(
            crate::domain::failure::Cause::ConnectionLost,
            crate::domain::failure::Scope::Connection,
            crate::domain::failure::Retry::Backoff,
            "copying",
        );
        tally.retry(Some(RetryState { side: None, failure, attempt: 1, limit: 8, until: at(9) }));
        tally.retry(None);
        meter.add(30);
        assert_eq!(shown(), 140, "what is read again counts once");
    }

    #[test]
    fn r52_in_retry_mode_the_time_of_the_statistics_stands_still() {
        use crate::domain::failure::{Cause, Failure, Retry, Scope};
        let tally = PassStats::new(Arc::default());
        tally.phase(at(10), Phase::Copying);
        let failure = Failure::new(Cause::ConnectionLost, Scope::Connection, Retry::Backoff, "copying");
        tally.retry(Some(RetryState { side: None, failure, attempt: 1, limit: 8, until: at(99) }));
        assert_eq!((tally.progress().updated, tally.progress().retry.map(|r| r.until)), (Some(at(10)), Some(at(99))));
    }
}
