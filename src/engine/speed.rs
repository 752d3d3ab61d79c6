//! How fast a pass moves bytes: over the last seconds, not over the last one. A large message is read in a moment and then
//! sent for a while, so that a short look sees a leap or nothing.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// Between two samples.
const EVERY: Duration = Duration::from_secs(1);
/// Samples kept: the speed is that of so many seconds.
const SAMPLES: usize = 10;

/// The speed of one pass.
#[derive(Debug)]
pub(super) struct RateMeter {
    samples: VecDeque<(Instant, u64)>,
    current: u64,
}

impl RateMeter {
    /// Nothing moved yet.
    pub fn new(now: Instant) -> Self {
        Self { samples: VecDeque::from([(now, 0)]), current: 0 }
    }

    /// Takes a look; answers bytes a second. A pass that pauses has no speed, and begins anew after it.
    pub fn look(&mut self, now: Instant, total: u64, pausing: bool) -> u64 {
        if pausing {
            *self = Self { samples: VecDeque::from([(now, total)]), current: 0 };
            return 0;
        }
        // Waiting for the first bytes (signing in, listing folders) is no part of the speed.
        if total == 0 {
            self.samples = VecDeque::from([(now, 0)]);
        }
        let last = self.samples.back().map_or(now, |sample| sample.0);
        if now.duration_since(last) >= EVERY {
            self.samples.push_back((now, total));
            if self.samples.len() > SAMPLES + 1 {
                self.samples.pop_front();
            }
            let (since, before) = self.samples.front().copied().unwrap_or((now, total));
            let seconds = now.duration_since(since).as_secs_f64().max(f64::EPSILON);
            self.current = (total.saturating_sub(before) as f64 / seconds) as u64;
        }
        self.current
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_message_read_at_once_is_a_speed_for_as_long_as_it_is_sent() {
        let start = Instant::now();
        let at = |second: u64| start + Duration::from_secs(second);
        let mut speed = RateMeter::new(start);
        assert_eq!(speed.look(at(5), 0, false), 0, "signing in");
        let read = [8_000_000, 8_000_000, 8_000_000, 8_000_000];
        let seen: Vec<u64> = (6..).zip(read).map(|(second, total)| speed.look(at(second), total, false)).collect();
        assert_eq!(seen, [8_000_000, 4_000_000, 2_666_666, 2_000_000], "never 0 while it is under way");
        assert_eq!(speed.look(at(30), 8_000_000, false), 320_000);
    }

    #[test]
    fn only_the_last_seconds_count() {
        let start = Instant::now();
        let mut speed = RateMeter::new(start);
        let mut last = 0;
        for second in 1..=30 {
            let total = if second <= 10 { second * 1_000 } else { 10_000 + (second - 10) * 500 };
            last = speed.look(start + Duration::from_secs(second), total, false);
        }
        assert_eq!(last, 500);
    }

    #[test]
    fn a_pause_has_no_speed_and_does_not_slow_down_what_follows() {
        let start = Instant::now();
        let at = |second: u64| start + Duration::from_secs(second);
        let mut speed = RateMeter::new(start);
        speed.look(at(1), 5_000, false);
        assert_eq!(speed.look(at(60), 5_000, true), 0);
        assert_eq!(speed.look(at(61), 6_000, false), 1_000);
    }
}
