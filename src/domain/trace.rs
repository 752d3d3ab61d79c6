//! What was seen of a pass while this program ran it: how fast it was, what it did, when and why it paused. Pure; kept in memory
//! only, and bounded however long a pass takes.

mod curve;

use std::time::Duration;

pub use curve::{Fastest, Rate, SpeedCurve};

use super::failure::Side;
use super::figures::Moved;
use super::ids::PassId;
use super::progress::{PassProgress, Phase, RetryState};
use super::time::Timestamp;

/// Pauses that are told one by one; of more, neighbours are told as one.
const PAUSES: usize = 120;
/// Changes of what a pass does; of more, the oldest go.
const PHASES: usize = 120;
/// Between two looks, unless something else than figures changed.
const EVERY: Duration = Duration::from_secs(1);

/// A time in which a pass waited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TracedPause {
    /// When it began.
    pub from: Timestamp,
    /// When the pass went on; none while it waits.
    pub to: Option<Timestamp>,
    /// Why; of several, the last one's reason.
    pub why: RetryState,
    /// How many pauses it stands for.
    pub times: u32,
}

impl TracedPause {
    /// Whether this is the same pause, told again.
    fn goes_on_as(&self, retry: &RetryState) -> bool {
        let same = |of: &RetryState| (of.side, of.attempt, of.failure.cause);
        self.to.is_none() && same(&self.why) == same(retry)
    }
}

/// What was seen of a pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassTrace {
    /// The pass.
    pub pass: PassId,
    /// How fast it was.
    pub speed: SpeedCurve,
    /// When it was at rest again; none while it runs.
    pub ended: Option<Timestamp>,
    /// What it did, and since when, oldest first.
    pub phases: Vec<(Timestamp, Phase)>,
    /// When it paused, oldest first.
    pub pauses: Vec<TracedPause>,
    /// How long it waited because of the source, because of the destination, and in all.
    pub waited: [Duration; 3],
    /// What its earlier attempts had recorded.
    before: Moved,
    looked: Timestamp,
}

impl PassTrace {
    /// A pass that begins now; `before` is what earlier attempts of it counted.
    pub fn new(pass: PassId, now: Timestamp, before: &PassProgress) -> Self {
        let (phases, pauses, waited) = (Vec::new(), Vec::new(), [Duration::ZERO; 3]);
        let before = Moved::of(&before.counts);
        Self { pass, speed: SpeedCurve::new(now), ended: None, phases, pauses, waited, before, looked: now }
    }

    /// Takes a look: `read` is how many bytes of messages were read since it began.
    pub fn look(&mut self, now: Timestamp, progress: &PassProgress, read: u64) {
        let phase = self.phases.last().map(|(_, phase)| *phase);
        let pause = self.pauses.last().filter(|pause| pause.to.is_none());
        let same_pause = match &progress.retry {
            None => pause.is_none(),
            Some(retry) => pause.is_some_and(|pause| pause.goes_on_as(retry)),
        };
        let changed = phase != Some(progress.phase) || !same_pause;
        if changed || now.since(self.looked) >= EVERY || now < self.looked {
            self.count(now, progress, read);
        }
        if phase != Some(progress.phase) {
            self.phases.push((now, progress.phase));
            if self.phases.len() > PHASES {
                self.phases.remove(0);
            }
        }
        if !same_pause {
            self.go_on(now);
            self.pauses.extend(progress.retry.clone().map(|why| TracedPause { from: now, to: None, why, times: 1 }));
            if self.pauses.len() > PAUSES {
                self.join_neighbours();
            }
        } else if let (Some(pause), Some(retry)) = (self.pauses.last_mut(), &progress.retry) {
            pause.why.until = retry.until;
        }
    }

    /// Its last figures: it runs no more.
    pub fn end(&mut self, now: Timestamp, progress: &PassProgress, read: u64) {
        self.look(now, progress, read);
        self.count(now, progress, read);
        self.go_on(now);
        self.ended = Some(now);
    }

    /// How long it has run, or did.
    pub fn ran(&self) -> Duration {
        self.ended.unwrap_or(self.looked).since(self.speed.from)
    }

    fn count(&mut self, now: Timestamp, progress: &PassProgress, read: u64) {
        let waiting = self.pauses.last().filter(|pause| pause.to.is_none());
        if let Some(pause) = waiting {
            let gone = now.since(self.looked);
            let side = match pause.why.side {
                Some(Side::Source) => self.waited.first_mut(),
                Some(Side::Destination) => self.waited.get_mut(1),
                None => None,
            };
            side.into_iter().for_each(|waited| *waited += gone);
            self.waited.last_mut().into_iter().for_each(|waited| *waited += gone);
        }
        let Moved { messages, bytes } = Moved::of(&progress.counts);
        let moved = Moved {
            messages: messages.saturating_sub(self.before.messages),
            bytes: bytes.saturating_sub(self.before.bytes),
        };
        self.speed.add(now, read, moved);
        self.looked = now;
    }

    fn go_on(&mut self, now: Timestamp) {
        if let Some(pause) = self.pauses.last_mut().filter(|pause| pause.to.is_none()) {
            pause.to = Some(now);
        }
    }

    /// The two pauses with the least between them are told as one.
    fn join_neighbours(&mut self) {
        let between = |pair: &[TracedPause]| match pair {
            [one, other] => other.from.since(one.to.unwrap_or(one.from)),
            _ => Duration::MAX,
        };
        let nearest = self.pauses.windows(2).map(between).enumerate().min_by_key(|(_, gap)| *gap);
        if let Some((at, _)) = nearest {
            let first = self.pauses.remove(at);
            if let Some(second) = self.pauses.get_mut(at) {
                (second.from, second.times) = (first.from, second.times + first.times);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::counts::Counts;
    use crate::domain::failure::{Cause, Failure, Retry, Scope};

    const START: Timestamp = Timestamp::from_millis(1_000_000);

    fn at(second: u64) -> Timestamp {
        START.plus(Duration::from_secs(second))
    }

    fn copying(copied: u64, retry: Option<RetryState>) -> PassProgress {
        let counts = Counts { copied, bytes: copied * 1000, ..Counts::default() };
        PassProgress { phase: Phase::Copying, counts, retry, ..PassProgress::default() }
    }

    fn pause(side: Side, attempt: u32) -> Option<RetryState> {
        let failure = Failure::new(Cause::Throttled, Scope::Connection, Retry::Backoff, "reading");
        Some(RetryState { side: Some(side), failure, attempt, limit: 8, until: at(99) })
    }

    #[test]
    fn pauses_are_told_with_their_reason_and_counted_by_side() {
        let mut trace = PassTrace::new(PassId(1), START, &copying(10, None));
        trace.look(at(1), &copying(12, None), 2_000);
        for second in 2..5 {
            trace.look(at(second), &copying(12, pause(Side::Source, 1)), 2_000);
        }
        trace.look(at(5), &copying(12, pause(Side::Destination, 1)), 2_000);
        trace.look(at(7), &copying(13, None), 3_000);
        trace.end(at(9), &copying(14, None), 4_000);
        let told: Vec<_> = trace.pauses.iter().map(|pause| (pause.from, pause.to, pause.why.side)).collect();
        let expected = [(at(2), Some(at(5)), Some(Side::Source)), (at(5), Some(at(7)), Some(Side::Destination))];
        assert_eq!(told, expected);
        assert_eq!(trace.waited, [3, 2, 5].map(Duration::from_secs));
        assert_eq!((trace.ran(), trace.phases.as_slice()), (Duration::from_secs(9), &[(at(1), Phase::Copying)][..]));
        assert_eq!(trace.speed.moved(), Moved { messages: 4, bytes: 4_000 }, "without what an earlier attempt copied");
        assert_eq!(trace.speed.read(), 4_000);
    }

    #[test]
    fn a_pass_that_ends_in_a_pause_waits_no_longer() {
        let mut trace = PassTrace::new(PassId(1), START, &copying(0, None));
        trace.look(at(1), &copying(0, pause(Side::Source, 1)), 0);
        trace.end(at(4), &copying(0, pause(Side::Source, 1)), 0);
        assert_eq!(trace.pauses.last().and_then(|pause| pause.to), Some(at(4)));
        assert_eq!(trace.waited[2], Duration::from_secs(3));
    }

    #[test]
    fn ever_more_pauses_are_joined_and_none_is_forgotten() {
        let mut trace = PassTrace::new(PassId(1), START, &copying(0, None));
        for number in 0..1000 {
            trace.look(at(number * 60), &copying(number, pause(Side::Source, 1)), 0);
            trace.look(at(number * 60 + 5 + number % 7), &copying(number, None), 0);
        }
        assert_eq!(trace.pauses.len(), PAUSES);
        assert_eq!(trace.pauses.iter().map(|pause| pause.times).sum::<u32>(), 1000);
        assert!(trace.pauses.is_sorted_by(|one, other| one.to.is_some_and(|to| to <= other.from)));
        assert_eq!(trace.phases.len(), 1, "it did nothing else");
    }
}
