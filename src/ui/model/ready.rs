//! When a project's passes will have moved what is left: an estimate with its range, and what it rests on.
//!
//! It is a matter of bytes for large messages and of messages for small ones, so both are looked at, over the last minute and
//! over the last ten.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::tz::TimeZone;

use super::words;
use crate::domain::figures::Moved;
use crate::domain::pass::PassKind;
use crate::domain::status::Status;
use crate::domain::time::Timestamp;
use crate::domain::wording;
use crate::engine::snapshot::ItemRow;

/// Between two samples.
const EVERY: Duration = Duration::from_secs(2);
/// The shorter time that is looked back over.
const LATELY: Duration = Duration::from_secs(60);
/// The longer one.
const LONG: Duration = Duration::from_secs(600);
/// No estimate rests on less.
const LEAST: Duration = Duration::from_secs(15);
/// Nothing further away is told.
const FAR: Duration = Duration::from_secs(60 * 24 * 3600);

/// What Full passes that were submitted or run have left to move.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Left {
    /// Messages.
    pub messages: u64,
    /// Their bytes, as far as their servers tell sizes.
    pub bytes: u64,
    /// Bytes of the one item that has most left.
    pub largest: u64,
    /// Items of which nobody has counted what they hold.
    pub uncounted: usize,
}

impl Left {
    /// What one item has left.
    pub fn of(row: &ItemRow) -> Self {
        let runs = matches!(row.status, Status::Submitted | Status::Queued | Status::Migrating);
        if !runs || row.pass.is_none_or(|pass| pass.kind != PassKind::Full) {
            return Self::default();
        }
        let Some(at) = row.progress.at_source else { return Self { uncounted: 1, ..Self::default() } };
        let (counts, moved) = (&row.progress.counts, row.moved());
        let there = moved.messages.max(counts.already_there + counts.copied);
        let done = there + counts.skipped + counts.vanished + counts.errors + counts.waiting;
        let messages = at.messages.saturating_sub(done);
        // What was there before anything was moved is no bytes moved, and not left either.
        let share = |bytes: u64| u128::from(bytes) * u128::from(messages) / u128::from(at.messages.max(1));
        let by_share = at.bytes.map_or(0, |bytes| u64::try_from(share(bytes)).unwrap_or(u64::MAX));
        let bytes = at.bytes.map_or(0, |bytes| bytes.saturating_sub(moved.bytes)).min(by_share);
        Self { messages, bytes, largest: bytes, uncounted: 0 }
    }

    /// Adds that of others.
    pub fn add(&mut self, other: Self) {
        self.messages += other.messages;
        self.bytes += other.bytes;
        self.largest = self.largest.max(other.largest);
        self.uncounted += other.uncounted;
    }
}

/// What was moved lately, as one looks at it from time to time.
#[derive(Clone, Debug, Default)]
pub struct Pace {
    samples: VecDeque<(Timestamp, Moved)>,
}

/// A rate: what was moved in so long.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Rate {
    bytes: f64,
    messages: f64,
}

impl Pace {
    /// What is moved in all by now, while `running` passes run.
    pub fn tell(&mut self, now: Timestamp, moved: Moved, running: usize) {
        let fell = self.samples.back().is_some_and(|(_, last)| last.messages > moved.messages);
        if running == 0 || fell {
            self.samples.clear();
        }
        if running == 0 || self.samples.back().is_some_and(|(at, _)| now.since(*at) < EVERY) {
            return;
        }
        self.samples.push_back((now, moved));
        // One sample stays that is as old as that, or older.
        while self.samples.get(1).is_some_and(|(at, _)| now.since(*at) >= LONG) {
            self.samples.pop_front();
        }
    }

    fn rate(&self, over: Duration) -> Option<Rate> {
        let (last, moved) = self.samples.back()?;
        let old = |(at, _): &&(Timestamp, Moved)| last.since(*at) >= over;
        let (first, before) = self.samples.iter().rev().find(old).or(self.samples.front())?;
        let time = last.since(*first);
        let messages = moved.messages.saturating_sub(before.messages) as f64;
        let bytes = moved.bytes.saturating_sub(before.bytes) as f64;
        let seconds = time.as_secs_f64();
        (time >= LEAST && messages > 0.0).then(|| Rate { bytes: bytes / seconds, messages: messages / seconds })
    }

    /// When that much will be moved, with `running` passes at once.
    pub fn ready(&self, now: Timestamp, left: Left, running: usize) -> Option<Ready> {
        if left.uncounted > 0 || left.messages == 0 {
            return None;
        }
        let long = self.rate(LONG)?;
        let mut seconds = Vec::new();
        for rate in [self.rate(LATELY), Some(long)].into_iter().flatten() {
            seconds.push(left.messages as f64 / rate.messages);
            if left.bytes > 0 && rate.bytes > 0.0 {
                seconds.push(left.bytes as f64 / rate.bytes);
            }
        }
        let (low, high) =
            (seconds.iter().copied().fold(f64::MAX, f64::min), seconds.iter().copied().fold(0.0, f64::max));
        // The last one runs alone.
        let alone = if long.bytes > 0.0 { left.largest as f64 * running.max(1) as f64 / long.bytes } else { 0.0 };
        let (low, high) = (low * 0.9, (high * 1.15).max(alone));
        let at = |seconds: f64| Some(now.plus(Duration::try_from_secs_f64(seconds).ok().filter(|time| *time <= FAR)?));
        let (bytes, messages) = (long.bytes as u64, (long.messages * 60.0) as u64);
        Some(Ready { about: at((low * high).sqrt())?, from: at(low)?, to: at(high)?, left, bytes, messages })
    }
}

/// When it is ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ready {
    /// More or less.
    pub about: Timestamp,
    /// At the earliest.
    pub from: Timestamp,
    /// At the latest.
    pub to: Timestamp,
    left: Left,
    /// Bytes a second.
    bytes: u64,
    /// Messages a minute.
    messages: u64,
}

impl Ready {
    /// "ready about 17:20 (16:40–18:30)".
    pub fn words(&self, now: Timestamp, zone: &TimeZone) -> String {
        let [about, from, to] = [self.about, self.from, self.to].map(|at| words::moment(at, now, zone));
        if from == to { format!("ready about {about}") } else { format!("ready about {about} ({from}–{to})") }
    }

    /// What it rests on.
    pub fn basis(&self) -> String {
        let Left { messages, bytes, .. } = self.left;
        let size = if bytes > 0 { format!(" with {}", wording::size(bytes)) } else { String::new() };
        let pace = match self.messages {
            few @ 0..600 => format!("{} messages a minute", words::count(few)),
            many => format!("{} messages", words::count(many / 60)),
        };
        format!(
            "{} messages{size} are left; in the last minutes {pace} and {} a second were moved. The range comes from the last \
             minute and the last ten, by messages and by bytes",
            words::count(messages),
            wording::size(self.bytes),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::figures::AtSource;
    use crate::domain::ids::PassId;
    use crate::engine::snapshot::LatestPass;
    use crate::ui::model::grid::tests::row;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(1_763_800_000_000).plus(Duration::from_secs(seconds))
    }

    fn moved(messages: u64, size: u64) -> Moved {
        Moved { messages, bytes: messages * size }
    }

    fn running(status: Status) -> ItemRow {
        let mut row = row(1, "anna");
        row.status = status;
        row.pass = Some(LatestPass::submitted(PassId(1), PassKind::Full, at(0)));
        row.progress.at_source = Some(AtSource { folders: 1, messages: 1000, bytes: Some(100_000) });
        row
    }

    #[test]
    fn what_is_left_is_neither_what_was_moved_nor_what_was_there() {
        let mut row = running(Status::Migrating);
        assert_eq!(Left::of(&row), Left { messages: 1000, bytes: 100_000, largest: 100_000, uncounted: 0 });
        row.progress.counts.already_there = 500;
        row.progress.counts.copied = 100;
        row.progress.counts.bytes = 10_000;
        assert_eq!((Left::of(&row).messages, Left::of(&row).bytes), (400, 40_000));
        row.earlier = Moved { messages: 500, bytes: 50_000 };
        assert_eq!((Left::of(&row).messages, Left::of(&row).bytes), (400, 40_000), "a later pass meets them again");
        row.progress.counts.errors = 400;
        assert_eq!(Left::of(&row).messages, 0);
        row.progress.at_source = None;
        assert_eq!(Left::of(&row), Left { uncounted: 1, ..Left::default() });
        assert_eq!(Left::of(&running(Status::Completed)), Left::default());
    }

    #[test]
    fn an_even_pace_gives_a_narrow_range_around_the_truth() {
        let mut pace = Pace::default();
        (0..=120).for_each(|second| pace.tell(at(second), moved(second * 10, 1000), 4));
        let left = Left { messages: 6000, bytes: 6_000_000, largest: 10_000, uncounted: 0 };
        let ready = pace.ready(at(120), left, 4).expect("an estimate");
        let minutes = |of: Timestamp| of.since(at(120)).as_secs_f64() / 60.0;
        assert!((9.0..=11.5).contains(&minutes(ready.about)), "{}", minutes(ready.about));
        assert!(minutes(ready.from) >= 8.9 && minutes(ready.to) <= 11.6);
        let alone = pace.ready(at(120), Left { largest: 6_000_000, ..left }, 4).expect("an estimate");
        assert!(minutes(alone.to) > 39.0, "one item that has it all is not moved by four");
        assert_eq!(ready.words(at(120), &TimeZone::UTC), "ready about 08:38 (08:37–08:40)");
        assert!(
            ready
                .basis()
                .starts_with("6,000 messages with 6.00 MB are left; in the last minutes 10 messages and 10.00 KB")
        );
    }

    #[test]
    fn a_pace_that_fell_widens_it() {
        let mut pace = Pace::default();
        (0..=300).for_each(|second| pace.tell(at(second), moved(second * 10, 1000), 4));
        (301..=400).for_each(|second| pace.tell(at(second), moved(3000 + (second - 300) * 2, 1000), 4));
        let left = Left { messages: 2000, bytes: 2_000_000, largest: 1000, uncounted: 0 };
        let ready = pace.ready(at(400), left, 4).expect("an estimate");
        let minutes = |of: Timestamp| of.since(at(400)).as_secs_f64() / 60.0;
        assert!(minutes(ready.from) < 4.0 && minutes(ready.to) > 16.0, "the last minute alone, and all ten");
    }

    #[test]
    fn nothing_is_said_without_a_ground() {
        let mut pace = Pace::default();
        let left = Left { messages: 10, ..Left::default() };
        assert_eq!(pace.ready(at(0), left, 1), None);
        (0..=10).for_each(|second| pace.tell(at(second), moved(second, 1), 1));
        assert_eq!(pace.ready(at(10), left, 1), None, "ten seconds are no ground");
        (11..=40).for_each(|second| pace.tell(at(second), moved(second, 1), 1));
        assert!(pace.ready(at(40), left, 1).is_some());
        assert_eq!(pace.ready(at(40), Left { uncounted: 1, ..left }, 1), None);
        pace.tell(at(41), moved(40, 1), 0);
        assert_eq!(pace.ready(at(41), left, 1), None, "nothing runs any more");
        (50..=90).for_each(|second| pace.tell(at(second), moved(40, 1), 1));
        assert_eq!(pace.ready(at(90), left, 1), None, "nothing moves");
    }
}
