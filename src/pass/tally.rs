//! The figures of one running pass: written by its lanes, read by the snapshot and the flush to the store.
//!
//! Nothing here waits; the lock is held for a few assignments. Counters are true, not estimated: a message counts as
//! copied once its watermark is committed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::counts::Counts;
use crate::domain::figures::{AtSource, Moved};
use crate::domain::folder::FolderPath;
use crate::domain::ids::FolderId;
use crate::domain::progress::{FolderPhase, PassFolder, PassProgress, Phase, RetryState};
use crate::domain::time::Timestamp;
use crate::endpoint::ByteCounter;

/// How far a folder of the pass is.
pub struct FolderTally {
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
    folders: BTreeMap<FolderId, FolderTally>,
    done: u32,
    current: Option<FolderId>,
    totals: Counts,
    /// Messages of folders left out by default, as far as their number is known: they have no folder of the pass.
    left_out: u64,
    unreadable: u64,
    /// What earlier attempts of this pass had counted: sums do not fall below it while the folders are found again.
    floor: Counts,
    /// What of it was recorded in folders that were found again.
    again: Moved,
    /// What was counted at the source, by this pass or the one before it.
    at_source: Option<AtSource>,
    /// Bytes that were read and will not be recorded: only to compare, of messages refused, or before a connection broke.
    lost: u64,
    /// Messages that could not be moved, and of which a person said so before.
    accepted: u64,
    retry: Option<RetryState>,
    updated: Option<Timestamp>,
    changed: bool,
}

impl PassSums {
    /// Bytes that this attempt recorded.
    fn own(&self) -> u64 {
        self.totals.bytes.saturating_sub(self.again.bytes)
    }

    /// Of what was read so far nothing is under way.
    fn settle(&mut self, read: u64) {
        self.lost = read.saturating_sub(self.own());
    }

    /// The sums, with what earlier attempts counted: messages and bytes that are recorded stay so, even of folders that are
    /// not found again.
    fn counts(&self) -> Counts {
        let Counts { copied, bytes, .. } = self.totals;
        let mut counts = self.totals;
        counts.source += self.left_out;
        counts.skipped += self.left_out;
        counts.source += self.unreadable;
        counts.errors += self.unreadable;
        Counts {
            copied: copied + self.floor.copied.saturating_sub(self.again.messages),
            bytes: bytes + self.floor.bytes.saturating_sub(self.again.bytes),
            ..at_least(&counts, &self.floor)
        }
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
        already_there: counts.already_there.max(floor.already_there),
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

    /// Earlier attempts of this pass counted this (D6), and this is known of the source.
    pub fn goes_on_from(&self, earlier: &PassProgress) {
        self.with(|inner| (inner.floor, inner.at_source) = (earlier.counts, earlier.at_source));
    }

    /// The pass entered a phase. What was read in the one before it was compared, or is recorded.
    pub fn phase(&self, now: Timestamp, phase: Phase) {
        let read = self.meter.total();
        self.touch(now, |inner| {
            inner.phase = phase;
            inner.settle(read);
        });
    }

    /// What was read lately was only compared.
    pub fn compared(&self) {
        let read = self.meter.total();
        self.with(|inner| inner.settle(read));
    }

    /// So many messages lie in folders that a pass without folders of its own, Verify, found unreadable.
    pub fn unreadable(&self, now: Timestamp, messages: u64) {
        self.touch(now, |inner| inner.unreadable += messages);
    }

    /// This is what the source holds.
    pub fn at_source(&self, now: Timestamp, counted: AtSource) {
        self.touch(now, |inner| inner.at_source = Some(counted));
    }

    /// A folder belongs to the pass, with what is known of it beforehand.
    pub fn folder(&self, now: Timestamp, id: FolderId, line: FolderTally) {
        self.touch(now, |inner| {
            inner.totals.add(&line.counts);
            inner.again = inner.again.and(Moved::of(&line.counts));
            inner.done += u32::from(ended(line.phase));
            inner.folders.insert(id, line);
        });
    }

    /// This folder, or where it is no part of the pass any other one: what is told of it counts.
    pub fn known(&self, id: FolderId) -> FolderId {
        let is_known = self.with(|inner| inner.folders.contains_key(&id));
        if is_known { id } else { self.any().unwrap_or(id) }
    }

    /// A folder of the pass, for what is told of none of them.
    pub fn any(&self) -> Option<FolderId> {
        self.with(|inner| inner.folders.keys().next().copied())
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
                inner.settle(read);
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
        self.with(|inner| Counts { errors: inner.totals.errors + inner.unreadable, ..inner.totals })
    }

    /// What the snapshot and the store show.
    pub fn progress(&self) -> PassProgress {
        let read = self.meter.total();
        self.with(|inner| {
            let under_way = match inner.phase {
                Phase::Copying => read.saturating_sub(inner.own()).saturating_sub(inner.lost),
                _ => 0,
            };
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
                counts: inner.counts(),
                accepted: inner.accepted,
                at_source: inner.at_source,
                in_flight: under_way,
                retry: inner.retry.clone(),
                updated: inner.updated,
            }
        })
    }

    /// The lines of all folders.
    pub fn folders(&self) -> Vec<PassFolder> {
        self.with(|inner| {
            let line =
                |(id, f): (&FolderId, &FolderTally)| PassFolder { folder: *id, phase: f.phase, counts: f.counts };
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

    fn line(counts: Counts, phase: FolderPhase) -> FolderTally {
        FolderTally { path: FolderPath::new(["f"]), phase, counts }
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
        tally.goes_on_from(&PassProgress { counts: earlier, ..PassProgress::default() });
        assert_eq!(tally.progress().counts, Counts { errors: 0, ..earlier });
        tally.folder(at(1), FolderId(1), line(Counts { errors: 0, ..earlier }, FolderPhase::Waiting));
        tally.count(at(2), FolderId(1), |c| (c.copied, c.bytes) = (c.copied + 6, c.bytes + 600));
        assert_eq!(tally.progress().counts, Counts { source: 10, copied: 10, bytes: 1000, ..Counts::default() });
    }

    fn lost_connection() -> RetryState {
        use crate::domain::failure::{Cause, Failure, Retry, Scope};
        let failure = Failure::new(Cause::ConnectionLost, Scope::Connection, Retry::Backoff, "copying");
        RetryState { side: None, failure, attempt: 1, limit: 8, until: at(9) }
    }

    #[test]
    fn d34_under_way_is_a_figure_of_its_own_and_may_fall() {
        let meter = Arc::new(ByteCounter::default());
        let tally = PassStats::new(Arc::clone(&meter));
        tally.folder(at(1), FolderId(1), line(Counts::default(), FolderPhase::Working));
        let shown = || (tally.progress().counts.bytes, tally.progress().in_flight);
        meter.add(5_000);
        assert_eq!(shown(), (0, 0), "read to compare");
        tally.phase(at(1), Phase::Copying);
        meter.add(100);
        assert_eq!(shown(), (0, 100));
        tally.count(at(2), FolderId(1), |c| c.bytes += 60);
        assert_eq!(shown(), (60, 40));
        tally.not_moved(40);
        assert_eq!(shown(), (60, 0), "refused");
        meter.add(50);
        tally.retry(Some(lost_connection()));
        assert_eq!(shown(), (60, 0), "it is read again");
        tally.retry(None);
        meter.add(50);
        assert_eq!(shown(), (60, 50));
        tally.count(at(3), FolderId(1), |c| c.bytes += 50);
        tally.phase(at(4), Phase::Finishing);
        assert_eq!(shown(), (110, 0));
    }

    #[test]
    fn r49_what_is_recorded_stays_when_its_folder_is_not_found_again() {
        let tally = PassStats::new(Arc::default());
        let earlier = Counts { source: 10, copied: 7, bytes: 700, ..Counts::default() };
        tally.goes_on_from(&PassProgress { counts: earlier, ..PassProgress::default() });
        let one = Counts { source: 5, copied: 4, bytes: 400, ..Counts::default() };
        tally.folder(at(1), FolderId(1), line(one, FolderPhase::Waiting));
        tally.count(at(2), FolderId(1), |c| c.add(&Counts { copied: 1, bytes: 100, ..Counts::default() }));
        let counts = tally.progress().counts;
        assert_eq!((counts.copied, counts.bytes), (8, 800), "the other folder has left the source");
    }

    /// A number that is random enough for tests.
    fn draw(state: &mut u64, below: u64) -> u64 {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        *state % below
    }

    /// An attempt of random events; answers what it ended with, and what each folder had.
    fn attempt(
        state: &mut u64,
        before: &PassProgress,
        folders: &mut BTreeMap<FolderId, Counts>,
        most: &mut (u64, u64),
    ) {
        let meter = Arc::new(ByteCounter::default());
        let tally = PassStats::new(Arc::clone(&meter));
        let mut look = |what: &str| {
            let counts = tally.progress().counts;
            assert!(counts.copied >= most.0 && counts.bytes >= most.1, "{what}: {most:?}, then {counts:?}");
            *most = (counts.copied, counts.bytes);
        };
        tally.goes_on_from(before);
        look("begun");
        for id in (1..=4).map(FolderId) {
            // A folder may have left the source since.
            if draw(state, 4) > 0 {
                let counts = folders.get(&id).copied().unwrap_or_default();
                tally.folder(at(1), id, line(counts, FolderPhase::Waiting));
                look("folder");
            }
        }
        for _ in 0..draw(state, 60) {
            let (id, bytes) = (FolderId(1 + draw(state, 4) as i64), draw(state, 900));
            match draw(state, 9) {
                0 => tally.phase(at(2), Phase::Copying),
                1 => tally.not_moved(bytes),
                2 => tally.retry(Some(lost_connection())),
                3 => tally.retry(None),
                4 => tally.folder_phase(at(2), id, FolderPhase::Done),
                5 => tally.count(at(2), id, |c| (c.already_there, c.skipped, c.vanished) = (bytes, 0, bytes % 3)),
                6 => tally.count(at(2), id, |c| c.errors += 1),
                7 => meter.add(bytes),
                _ => tally.count(at(2), id, |c| c.add(&Counts { copied: 1, bytes, ..Counts::default() })),
            }
            look("event");
        }
        folders.extend(tally.folders().into_iter().map(|line| (line.folder, line.counts)));
    }

    #[test]
    fn r49_data_never_falls_whatever_comes_and_however_often_it_is_begun_again() {
        for seed in 1..=400_u64 {
            let state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let (mut state, mut folders, mut most) = (state, BTreeMap::new(), (0, 0));
            for _ in 0..5 {
                let counts = Counts { copied: most.0, bytes: most.1, ..Counts::default() };
                let before = PassProgress { counts, ..PassProgress::default() };
                attempt(&mut state, &before, &mut folders, &mut most);
            }
            let sum = |of: fn(&Counts) -> u64| folders.values().map(of).sum::<u64>();
            assert_eq!((sum(|c| c.copied), sum(|c| c.bytes)), most, "and is what was recorded");
        }
    }

    #[test]
    fn r52_in_retry_mode_the_time_of_the_statistics_stands_still() {
        let tally = PassStats::new(Arc::default());
        tally.phase(at(10), Phase::Copying);
        tally.retry(Some(RetryState { until: at(99), ..lost_connection() }));
        assert_eq!((tally.progress().updated, tally.progress().retry.map(|r| r.until)), (Some(at(10)), Some(at(99))));
    }
}
