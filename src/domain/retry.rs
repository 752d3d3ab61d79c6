//! When to try again (D22). Pure: the caller brings the jitter and does the waiting.
//!
//! Tries are counted in a row without a newly recorded message. Pauses the server named and daily limits use up none.

use std::time::Duration;

use super::failure::{Failure, Retry};

const HOUR: Duration = Duration::from_secs(60 * 60);

/// How long the pauses are that no server named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// The second pause of a row (the first try follows at once); each later one is twice as long.
    pub first: Duration,
    /// No pause is longer.
    pub longest: Duration,
    /// Between two looks at a destination that may still be storing what an interrupted connection sent.
    pub quiet: Duration,
}

impl Default for Pace {
    /// D22.
    fn default() -> Self {
        Self { first: Duration::from_secs(5), longest: Duration::from_secs(5 * 60), quiet: Duration::from_millis(500) }
    }
}

/// What to do after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Wait, then try again.
    Again {
        /// How long.
        wait: Duration,
        /// Which try that will be, from 1.
        attempt: u32,
        /// How many there may be in a row.
        limit: u32,
    },
    /// No more tries: the limit is used up, or trying cannot help.
    GiveUp,
}

/// The tries of one pass (or of one message or folder).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryBudget {
    limit: u32,
    pace: Pace,
    tries: u32,
    long_pauses: u32,
}

impl RetryBudget {
    /// `limit` tries in a row (`Options::retry_limit`), with pauses of this pace.
    pub fn new(limit: u32, pace: Pace) -> Self {
        Self { limit, pace, tries: 0, long_pauses: 0 }
    }

    /// A message was newly recorded: the count starts anew.
    pub fn progressed(&mut self) {
        self.tries = 0;
        self.long_pauses = 0;
    }

    /// A failure came. The first try follows at once, then after the pauses of the [`Pace`], shortened by up to half:
    /// `jitter` is in 0..1 and 1 gives the full pause. A pause the server named is kept with 10 % on top, at most an hour; limits of
    /// hours wait 1, 6, then 24 hours.
    pub fn failed(&mut self, failure: &Failure, jitter: f64) -> Decision {
        match failure.retry {
            Retry::Backoff => {
                if self.tries >= self.limit {
                    return Decision::GiveUp;
                }
                self.tries += 1;
                let full = match self.tries {
                    1 => Duration::ZERO,
                    n => self.pace.first.saturating_mul(1 << (n - 2).min(16)).min(self.pace.longest),
                };
                let jitter = if jitter.is_nan() { 1.0 } else { jitter.clamp(0.0, 1.0) };
                self.again(full.mul_f64(0.5 + 0.5 * jitter))
            }
            Retry::After(pause) => self.again(pause.min(HOUR).mul_f64(1.1).min(HOUR)),
            Retry::Later => {
                let hours = [1, 6, 24][self.long_pauses.min(2) as usize];
                self.long_pauses += 1;
                self.again(HOUR * hours)
            }
            Retry::User | Retry::Never => Decision::GiveUp,
        }
    }

    fn again(&self, wait: Duration) -> Decision {
        Decision::Again { wait, attempt: self.tries.max(1), limit: self.limit }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::failure::{Cause, Scope};

    fn failure(retry: Retry) -> Failure {
        Failure::new(Cause::ConnectionLost, Scope::Connection, retry, "reading")
    }

    fn wait(decision: Decision) -> u64 {
        match decision {
            Decision::Again { wait, .. } => wait.as_secs(),
            Decision::GiveUp => panic!("gave up"),
        }
    }

    #[test]
    fn pauses_grow_up_to_five_minutes_and_the_limit_ends_them() {
        let mut budget = RetryBudget::new(9, Pace::default());
        let lost = failure(Retry::Backoff);
        let waits: Vec<u64> = (0..9).map(|_| wait(budget.failed(&lost, 1.0))).collect();
        assert_eq!(waits, [0, 5, 10, 20, 40, 80, 160, 300, 300]);
        assert_eq!(budget.failed(&lost, 0.5), Decision::GiveUp);
        budget.progressed();
        assert_eq!(budget.failed(&lost, 0.0), Decision::Again { wait: Duration::ZERO, attempt: 1, limit: 9 });
        assert_eq!(
            budget.failed(&lost, 0.0),
            Decision::Again { wait: Duration::from_millis(2500), attempt: 2, limit: 9 }
        );
        for odd in [f64::NAN, -1.0, 7.0] {
            budget.failed(&lost, odd);
        }
    }

    #[test]
    fn named_pauses_and_daily_limits_use_up_no_try() {
        let mut budget = RetryBudget::new(1, Pace::default());
        for _ in 0..5 {
            assert_eq!(wait(budget.failed(&failure(Retry::After(Duration::from_secs(100))), 0.0)), 110);
            assert_eq!(wait(budget.failed(&failure(Retry::After(Duration::MAX)), 0.0)), 3600);
        }
        let hours: Vec<u64> = (0..4).map(|_| wait(budget.failed(&failure(Retry::Later), 0.0)) / 3600).collect();
        assert_eq!(hours, [1, 6, 24, 24]);
        assert_eq!(wait(budget.failed(&failure(Retry::Backoff), 0.0)), 0);
        assert_eq!(budget.failed(&failure(Retry::Backoff), 0.0), Decision::GiveUp);
    }

    #[test]
    fn what_trying_cannot_cure_is_given_up() {
        for retry in [Retry::User, Retry::Never] {
            assert_eq!(RetryBudget::new(8, Pace::default()).failed(&failure(retry), 0.0), Decision::GiveUp);
        }
    }
}
