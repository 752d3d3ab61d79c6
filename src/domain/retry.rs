//! When to try again (D22). Pure: the caller brings the jitter and does the waiting.
//!
//! Tries are counted in a row without a newly recorded message. Pauses the server named, daily limits and sessions that end use
//! up none.

use std::time::Duration;

use super::failure::{Cause, Failure, Retry};

/// Sessions that ended in a row, with nothing recorded in between, before the next end counts as a try.
const EXPIRIES: u32 = 8;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
/// The longest pause that is kept because a server named it: after that it is asked again.
pub const LONGEST_NAMED: Duration = HOUR;
/// Tries where waiting seldom cures: a person is asked soon (a certificate, a mailbox that does not open).
const FEW: u32 = 3;

/// How long the pauses are that no server named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// The second pause of a row (the first try follows at once); each later one is twice as long.
    pub first: Duration,
    /// No pause is longer.
    pub longest: Duration,
    /// How long to wait for what an interrupted connection left on its way.
    pub settle: Settle,
}

/// How long a destination is given to take in what was on its way when a connection broke (D28): servers go on with what
/// they have received, and stillness proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settle {
    /// The wait for a server of which nothing is known, if anything was on the wire.
    pub base: Duration,
    /// No wait is longer.
    pub longest: Duration,
    /// Between the first two looks; later pauses grow to ten times this.
    pub look: Duration,
    /// Without an answer for so long, no more appends are sent.
    pub stalled: Duration,
}

/// What a broken connection had sent without an answer, and how its server had been until then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OnWire {
    /// Bytes of messages that were written out and not answered.
    pub bytes: u64,
    /// Bytes of messages that were answered.
    pub answered: u64,
    /// The time that took.
    pub busy: Duration,
    /// The longest time between two answers.
    pub gap: Duration,
}

impl Settle {
    /// The shares of a base, as they stand to each other by default.
    pub fn with_base(base: Duration) -> Self {
        Self { base, longest: base.saturating_mul(6), look: base / 100, stalled: Duration::from_millis(1500) }
    }

    /// How long what was on the wire may take to land: in proportion to it and to how slow the server had been.
    pub fn wait(&self, wire: &OnWire) -> Duration {
        let slow = match wire.answered {
            0 => Duration::ZERO,
            answered => {
                let seconds = wire.busy.as_secs_f64() * wire.bytes as f64 / answered as f64;
                Duration::try_from_secs_f64(4.0 * seconds).unwrap_or(self.longest)
            }
        };
        let whole = self.base.saturating_add(slow).saturating_add(wire.gap.saturating_mul(4));
        whole.min(self.longest)
    }

    /// The pause after so many looks.
    pub fn pause(&self, looks: u32) -> Duration {
        let tenths = 10u32.saturating_add(looks.saturating_mul(5)).min(100);
        (self.look * tenths / 10).max(Duration::from_millis(1))
    }
}

impl Default for Settle {
    /// D28.
    fn default() -> Self {
        Self::with_base(Duration::from_secs(20))
    }
}

impl Default for Pace {
    /// D22.
    fn default() -> Self {
        Self { first: Duration::from_secs(5), longest: Duration::from_secs(5 * 60), settle: Settle::default() }
    }
}

/// How long after so many refusals in a row (from 1) one more connection is tried, of a server that had too many.
pub fn crowded_pause(refusals: u32) -> Duration {
    MINUTE.saturating_mul(1 << refusals.saturating_sub(1).min(10)).min(5 * MINUTE)
}

/// How late a scheduled start may come and still run without a question (D16).
pub const LATE: Duration = Duration::from_secs(30 * 60);

/// The pause before one item tries a server again that could not be reached, after so many tries.
pub fn outage_pause(tries: u32) -> Duration {
    let minutes = 1u64.checked_shl(tries).unwrap_or(u64::MAX).min(30);
    Duration::from_secs(60 * minutes)
}

/// What to do after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Wait, then try again.
    Again {
        /// How long.
        wait: Duration,
        /// Which try that will be, from 1; 0 where the pause uses up none.
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
    expiries: u32,
}

impl RetryBudget {
    /// `limit` tries in a row (`Options::retry_limit`), with pauses of this pace.
    pub fn new(limit: u32, pace: Pace) -> Self {
        Self { limit, pace, tries: 0, long_pauses: 0, expiries: 0 }
    }

    /// A message was newly recorded: the count starts anew.
    pub fn progressed(&mut self) {
        (self.tries, self.long_pauses, self.expiries) = (0, 0, 0);
    }

    /// A failure came. The first try follows at once, then after the pauses of the [`Pace`], shortened by up to half:
    /// `jitter` is in 0..1 and 1 gives the full pause. A pause the server named is kept with 10 % on top, at most an hour; limits of
    /// hours wait 1, 6, then 24 hours.
    pub fn failed(&mut self, failure: &Failure, jitter: f64) -> Decision {
        match failure.retry {
            Retry::Backoff if failure.cause == Cause::SessionEnded && self.expiries < EXPIRIES => {
                self.expiries += 1;
                self.waiting(shortened(self.pause(failure.cause, self.expiries), jitter))
            }
            Retry::Backoff => {
                let limit = self.limit_for(failure.cause);
                if self.tries >= limit {
                    return Decision::GiveUp;
                }
                self.tries += 1;
                let wait = shortened(self.pause(failure.cause, self.tries), jitter);
                Decision::Again { wait, attempt: self.tries, limit }
            }
            Retry::After(pause) => self.waiting(pause.min(LONGEST_NAMED).mul_f64(1.1).min(LONGEST_NAMED)),
            Retry::Later => {
                let hours = [1, 6, 24][self.long_pauses.min(2) as usize];
                self.long_pauses += 1;
                self.waiting(HOUR * hours)
            }
            Retry::User | Retry::Never => Decision::GiveUp,
        }
    }

    /// How many tries there may be in a row after a failure of this kind.
    pub fn limit_for(&self, cause: Cause) -> u32 {
        match cause {
            // What makes no sense makes none a minute later.
            Cause::MailboxNotOpened | Cause::Nonsense => self.limit.min(FEW),
            cause if cause.is_of_the_certificate() => self.limit.min(FEW),
            // The server itself cannot say whether it is the password: once, and no more.
            Cause::LoginRefused => self.limit.min(1),
            _ => self.limit,
        }
    }

    /// The full pause before the try of this number.
    fn pause(&self, cause: Cause, number: u32) -> Duration {
        let doubled = |first: Duration, times: u32| first.saturating_mul(1 << times.min(16)).min(self.pace.longest);
        match (cause, number) {
            (Cause::LoginRefused, _) => self.pace.longest,
            // Access that was just given takes minutes to arrive.
            (Cause::MailboxNotOpened, n) => doubled(MINUTE, n - 1),
            // Another machine behind the same name may have a better one; time makes none better.
            (cause, _) if cause.is_of_the_certificate() => Duration::ZERO,
            (_, 0 | 1) => Duration::ZERO,
            (_, n) => doubled(self.pace.first, n - 2),
        }
    }

    /// A pause that uses up no try.
    fn waiting(&self, wait: Duration) -> Decision {
        Decision::Again { wait, attempt: 0, limit: self.limit }
    }
}

/// By up to half: `jitter` is in 0..1 and 1 gives the full pause.
fn shortened(full: Duration, jitter: f64) -> Duration {
    let jitter = if jitter.is_nan() { 1.0 } else { jitter.clamp(0.0, 1.0) };
    full.mul_f64(0.5 + 0.5 * jitter)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::failure::Scope;

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
    fn r53_pauses_grow_up_to_five_minutes_and_the_limit_ends_them() {
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
    fn a_person_is_asked_after_three_tries_where_waiting_seldom_cures() {
        for (cause, waits) in [(Cause::CertificateNotTrusted, [0, 0, 0]), (Cause::MailboxNotOpened, [60, 120, 240])] {
            let mut budget = RetryBudget::new(8, Pace::default());
            let failure = Failure { cause, ..failure(Retry::Backoff) };
            assert_eq!([1.0; 3].map(|full| wait(budget.failed(&failure, full))), waits, "{cause:?}");
            assert_eq!(budget.failed(&failure, 1.0), Decision::GiveUp, "{cause:?}");
        }
    }

    #[test]
    fn a_login_that_is_refused_for_one_of_several_reasons_is_tried_once_more() {
        let mut budget = RetryBudget::new(8, Pace::default());
        let unclear = Failure { cause: Cause::LoginRefused, ..failure(Retry::Backoff) };
        assert_eq!(wait(budget.failed(&unclear, 1.0)), 300);
        assert_eq!(budget.failed(&unclear, 1.0), Decision::GiveUp);
        let plain = Failure { cause: Cause::LoginRefused, ..failure(Retry::User) };
        assert_eq!(RetryBudget::new(8, Pace::default()).failed(&plain, 1.0), Decision::GiveUp);
    }

    #[test]
    fn one_more_connection_is_tried_after_one_to_five_minutes() {
        let minutes = [1, 2, 3, 4, u32::MAX].map(|refusals| crowded_pause(refusals).as_secs() / 60);
        assert_eq!(minutes, [1, 2, 4, 5, 5]);
    }

    #[test]
    fn sessions_that_end_use_up_no_try_unless_nothing_comes_of_many_in_a_row() {
        let mut budget = RetryBudget::new(1, Pace::default());
        let expired = Failure { cause: Cause::SessionEnded, ..failure(Retry::Backoff) };
        let waits: Vec<u64> = (0..EXPIRIES).map(|_| wait(budget.failed(&expired, 1.0))).collect();
        assert_eq!(waits, [0, 5, 10, 20, 40, 80, 160, 300]);
        assert_eq!(wait(budget.failed(&failure(Retry::Backoff), 0.0)), 0, "the only try is left");
        assert_eq!(budget.failed(&expired, 0.0), Decision::GiveUp);
        budget.progressed();
        assert_eq!(wait(budget.failed(&expired, 0.0)), 0);
    }

    #[test]
    fn the_wait_for_what_was_on_its_way_is_in_proportion_and_bounded() {
        let settle = Settle::default();
        let seconds = Duration::from_secs;
        let wait = |bytes, answered, busy, gap| {
            settle.wait(&OnWire { bytes, answered, busy: seconds(busy), gap: seconds(gap) }).as_secs()
        };
        assert_eq!(wait(1000, 0, 0, 0), 20, "nothing is known of the server");
        assert_eq!(wait(1_000_000, 1_000_000, 3, 0), 32, "as much again took three seconds");
        assert_eq!(wait(1_000_000, 1_000_000, 3, 5), 52, "and it paused for five");
        assert_eq!(wait(8_000_000, 1000, 60, 300), 120, "no longer");
        assert_eq!(wait(u64::MAX, 1, u64::MAX / 4, 0), 120);
        let pauses: Vec<u128> = [0, 1, 2, 18, 1000, u32::MAX].map(|n| settle.pause(n).as_millis()).to_vec();
        assert_eq!(pauses, [200, 300, 400, 2000, 2000, 2000]);
        assert!(Settle::with_base(Duration::ZERO).pause(0) > Duration::ZERO);
    }

    #[test]
    fn what_trying_cannot_cure_is_given_up() {
        for retry in [Retry::User, Retry::Never] {
            assert_eq!(RetryBudget::new(8, Pace::default()).failed(&failure(retry), 0.0), Decision::GiveUp);
        }
    }
}
