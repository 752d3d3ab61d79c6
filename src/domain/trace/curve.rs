//! How fast a pass was over its time: a bounded number of spans of equal length, which become twice as long whenever there are too
//! many of them, so that a pass of days fits as well as one of seconds.

use std::time::Duration;

use crate::domain::figures::Moved;
use crate::domain::time::Timestamp;

/// Spans at most.
const SPANS: usize = 360;
/// The length of a span at first, in milliseconds.
const FIRST: u64 = 2_000;
/// The fastest time is looked for in pieces of this length, whatever the length of the spans.
const PIECE: Duration = Duration::from_secs(10);

/// What moved in a span.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Span {
    read: u64,
    messages: u64,
}

/// How fast a pass was in a span.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// The middle of the span, in seconds since the pass began.
    pub at: f64,
    /// Bytes read a second.
    pub bytes: f64,
    /// Messages recorded a second.
    pub messages: f64,
}

/// The fastest ten seconds; each figure has its own.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Fastest {
    /// Bytes read a second.
    pub bytes: f64,
    /// Messages recorded a second.
    pub messages: f64,
}

/// How fast a pass was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpeedCurve {
    /// When it began.
    pub from: Timestamp,
    /// The length of a span in milliseconds.
    step: u64,
    spans: Vec<Span>,
    /// When and how far it was last seen.
    last: (Timestamp, u64, Moved),
    /// The same at the beginning of the piece that is under way.
    piece: (Timestamp, u64, Moved),
    /// The fastest pieces in thousandths a second: bytes, messages; none before one was whole.
    fastest: Option<(u64, u64)>,
}

fn thousandths(number: u64, time: Duration) -> u64 {
    let millis = time.as_millis().max(1);
    u64::try_from(u128::from(number) * 1_000_000 / millis).unwrap_or(u64::MAX)
}

impl SpeedCurve {
    /// Nothing moved yet.
    pub fn new(from: Timestamp) -> Self {
        let nothing = (from, 0, Moved::default());
        Self { from, step: FIRST, spans: Vec::new(), last: nothing, piece: nothing, fastest: None }
    }

    /// How far it is now: bytes read and messages recorded since it began. A clock that was set back counts for the last span.
    pub fn add(&mut self, now: Timestamp, read: u64, moved: Moved) {
        let gone = u64::try_from(now.since(self.from).as_millis()).unwrap_or(u64::MAX);
        // A clock that leaps by years, too.
        while gone / self.step >= SPANS as u64 {
            self.halve();
        }
        let needed = (gone / self.step) as usize + 1;
        if self.spans.len() < needed {
            self.spans.resize(needed, Span::default());
        }
        let (_, read_before, moved_before) = self.last;
        if let Some(span) = self.spans.last_mut() {
            span.read += read.saturating_sub(read_before);
            span.messages += moved.messages.saturating_sub(moved_before.messages);
        }
        self.last = (now, read, moved);
        self.measure();
    }

    fn halve(&mut self) {
        let both = |pair: &[Span]| Span {
            read: pair.iter().map(|span| span.read).sum(),
            messages: pair.iter().map(|span| span.messages).sum(),
        };
        self.spans = self.spans.chunks(2).map(both).collect();
        self.step = self.step.saturating_mul(2);
    }

    /// Looks whether a piece is whole, and the fastest.
    fn measure(&mut self) {
        let ((at, read, moved), (since, read_before, moved_before)) = (self.last, self.piece);
        let took = at.since(since);
        if took >= PIECE || at < since {
            let bytes = thousandths(read.saturating_sub(read_before), took);
            let messages = thousandths(moved.messages.saturating_sub(moved_before.messages), took);
            if at > since {
                let (most_bytes, most_messages) = self.fastest.unwrap_or_default();
                self.fastest = Some((bytes.max(most_bytes), messages.max(most_messages)));
            }
            self.piece = self.last;
        }
    }

    /// Bytes of messages that were read.
    pub fn read(&self) -> u64 {
        self.last.1
    }

    /// What was recorded.
    pub fn moved(&self) -> Moved {
        self.last.2
    }

    /// The fastest ten seconds; none of a pass that has not taken so long.
    pub fn fastest(&self) -> Option<Fastest> {
        self.fastest
            .map(|(bytes, messages)| Fastest { bytes: bytes as f64 / 1000.0, messages: messages as f64 / 1000.0 })
    }

    /// How fast it was in each span, oldest first. One that is not whole yet counts for as long as it has lasted, and not at all
    /// while that is too short to tell.
    pub fn rates(&self) -> Vec<Rate> {
        let lasted = u64::try_from(self.last.0.since(self.from).as_millis()).unwrap_or(u64::MAX);
        let whole = |number: usize| {
            let begins = self.step.saturating_mul(number as u64);
            let under_way = number + 1 == self.spans.len();
            let took = if under_way { lasted.saturating_sub(begins).min(self.step) } else { self.step };
            (took >= 1_000 || self.spans.len() == 1).then_some((begins, took.max(1)))
        };
        let spans = self.spans.iter().enumerate().filter_map(|(number, span)| Some((whole(number)?, span)));
        let rate = |((begins, took), span): ((u64, u64), &Span)| {
            let seconds = took as f64 / 1000.0;
            let at = begins as f64 / 1000.0 + seconds / 2.0;
            Rate { at, bytes: span.read as f64 / seconds, messages: span.messages as f64 / seconds }
        };
        spans.map(rate).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_millis(1_000_000);

    fn run(seconds: u64, each: impl Fn(u64) -> (u64, u64)) -> SpeedCurve {
        let mut curve = SpeedCurve::new(START);
        let (mut read, mut messages) = (0, 0);
        for second in 1..=seconds {
            let (more, more_messages) = each(second);
            (read, messages) = (read + more, messages + more_messages);
            curve.add(START.plus(Duration::from_secs(second)), read, Moved { messages, bytes: read });
        }
        curve
    }

    #[test]
    fn a_steady_pass_is_a_straight_line_however_long_it_takes() {
        for seconds in [10, 719, 720, 721, 86_400, 3 * 86_400] {
            let curve = run(seconds, |_| (5_000, 2));
            let rates = curve.rates();
            assert!(rates.len() <= SPANS && rates.len() > 4, "{seconds}: {}", rates.len());
            // A look at the very edge of two spans counts for the later one.
            let near = |rate: &Rate| (rate.bytes - 5_000.0).abs() <= 5_000.0 && rate.messages > 0.0;
            assert!(rates.iter().all(near), "{seconds}: {rates:?}");
            assert!(rates.is_sorted_by(|one, other| one.at < other.at));
            assert_eq!((curve.read(), curve.moved().messages), (seconds * 5_000, seconds * 2));
            assert_eq!(curve.spans.iter().map(|span| span.read).sum::<u64>(), seconds * 5_000, "nothing is lost");
            assert_eq!(curve.fastest(), Some(Fastest { bytes: 5_000.0, messages: 2.0 }));
        }
    }

    #[test]
    fn the_fastest_time_is_not_thinned_away() {
        let curve = run(86_400, |second| if (40_001..=40_020).contains(&second) { (1_000_000, 100) } else { (100, 1) });
        assert_eq!(curve.fastest(), Some(Fastest { bytes: 1_000_000.0, messages: 100.0 }));
        let highest = curve.rates().iter().map(|rate| rate.bytes).fold(0.0, f64::max);
        assert!(highest < 200_000.0, "the line shows the mean of minutes: {highest}");
    }

    #[test]
    fn a_computer_that_slept_leaves_a_time_without_speed() {
        let mut curve = run(10, |_| (1_000, 1));
        curve.add(START.plus(Duration::from_secs(3_600)), 11_000, Moved { messages: 11, bytes: 11_000 });
        let rates = curve.rates();
        assert!(rates.len() <= SPANS && rates.iter().filter(|rate| rate.bytes == 0.0).count() > 100, "{rates:?}");
        assert_eq!(curve.fastest().map(|fastest| fastest.bytes), Some(1_000.0), "not that of the hour");
    }

    #[test]
    fn a_clock_that_is_set_back_or_leaps_by_years_spoils_nothing() {
        let mut curve = run(30, |_| (1_000, 1));
        curve.add(START.minus(Duration::from_secs(500)), 31_000, Moved { messages: 31, bytes: 31_000 });
        curve.add(START.plus(Duration::from_secs(31)), 32_000, Moved { messages: 32, bytes: 32_000 });
        assert_eq!(curve.spans.iter().map(|span| span.read).sum::<u64>(), 32_000);
        curve.add(Timestamp::MAX, 33_000, Moved { messages: 33, bytes: 33_000 });
        assert!(curve.rates().len() <= SPANS);
        assert_eq!(curve.spans.iter().map(|span| span.read).sum::<u64>(), 33_000);
    }

    #[test]
    fn a_pass_of_a_moment_has_one_point() {
        let curve = run(1, |_| (500, 1));
        assert_eq!(curve.rates(), [Rate { at: 0.5, bytes: 500.0, messages: 1.0 }]);
        assert_eq!(curve.fastest(), None, "that is no ten seconds");
        assert_eq!(SpeedCurve::new(START).rates(), []);
    }
}
