//! Points in time: UTC, in milliseconds, wherever one is kept, compared or told (D16).

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A point in time, UTC epoch milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The last one there is.
    pub const MAX: Self = Self(i64::MAX);

    /// So many milliseconds after the epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the epoch.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// How long after `other` it is; nothing if it is before it.
    pub fn since(self, other: Self) -> Duration {
        if self.0 > other.0 { Duration::from_millis(self.0.abs_diff(other.0)) } else { Duration::ZERO }
    }

    /// So much later.
    #[must_use]
    pub fn plus(self, time: Duration) -> Self {
        Self(self.0.saturating_add(millis(time)))
    }

    /// So much earlier.
    #[must_use]
    pub fn minus(self, time: Duration) -> Self {
        Self(self.0.saturating_sub(millis(time)))
    }
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d16_times_do_not_wrap() {
        let (first, last) = (Timestamp::from_millis(i64::MIN), Timestamp::MAX);
        let (at, second) = (Timestamp::from_millis(-500), Duration::from_secs(1));
        assert_eq!((at.plus(second).millis(), at.minus(second).millis()), (500, -1500));
        assert_eq!((at.plus(second).since(at), at.since(at.plus(second))), (second, Duration::ZERO));
        assert_eq!((last.plus(second), first.minus(second), last.plus(Duration::MAX)), (last, first, last));
        assert_eq!(last.since(first), Duration::from_millis(u64::MAX));
    }

    #[test]
    fn d16_a_time_is_kept_as_a_number() {
        assert_eq!(serde_json::to_string(&Some(Timestamp::from_millis(-7))).expect("text"), "-7");
        assert_eq!(serde_json::from_str::<Timestamp>("12").expect("a time"), Timestamp::from_millis(12));
    }
}
