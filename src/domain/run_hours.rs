//! When a server may be used (run hours): a span of the day, in the zone of this machine. Pure.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Minutes of a day.
const DAY: u16 = 24 * 60;

/// A span of the day, which may cross midnight: `18:00-07:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RunHours {
    from: u16,
    to: u16,
}

/// Why a span was not understood. Shown as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HoursError {
    /// No form that is known.
    #[error("\"{0}\" are no hours: write them as 18:00-07:00, or any")]
    NoHours(String),
    /// It begins when it ends.
    #[error("\"{0}\" begins when it ends: write any for the whole day")]
    Nothing(String),
}

impl RunHours {
    /// Whether a minute of the day lies in it.
    pub fn contains(self, minute: u16) -> bool {
        match self.from < self.to {
            true => (self.from..self.to).contains(&minute),
            false => minute >= self.from || minute < self.to,
        }
    }

    /// Whether both contain the same minute of the day at some time.
    pub fn meets(self, other: Self) -> bool {
        self.contains(other.from) || other.contains(self.from)
    }

    /// The minute of the day at which it begins.
    pub fn from(self) -> u16 {
        self.from
    }
}

impl FromStr for RunHours {
    type Err = HoursError;

    fn from_str(text: &str) -> Result<Self, HoursError> {
        let minute = |text: &str| {
            let (hours, minutes) = text.trim().split_once(':')?;
            let (hours, minutes) = (hours.parse::<u16>().ok()?, minutes.parse::<u16>().ok()?);
            let fits = hours <= 24 && minutes < 60 && hours * 60 + minutes <= DAY;
            fits.then_some((hours * 60 + minutes) % DAY)
        };
        let both = text.replace(['–', '—'], "-");
        let span = both.split_once('-').and_then(|(from, to)| Some((minute(from)?, minute(to)?)));
        match span {
            None => Err(HoursError::NoHours(text.to_owned())),
            Some((from, to)) if from == to => Err(HoursError::Nothing(text.to_owned())),
            Some((from, to)) => Ok(Self { from, to }),
        }
    }
}

impl fmt::Display for RunHours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, to } = self;
        write!(f, "{:02}:{:02}-{:02}:{:02}", from / 60, from % 60, to / 60, to % 60)
    }
}

impl TryFrom<String> for RunHours {
    type Error = HoursError;

    fn try_from(text: String) -> Result<Self, HoursError> {
        text.parse()
    }
}

impl From<RunHours> for String {
    fn from(hours: RunHours) -> Self {
        hours.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_may_cross_midnight() {
        let night: RunHours = "18:00-07:00".parse().unwrap();
        assert!(night.contains(18 * 60) && night.contains(0) && night.contains(6 * 60 + 59));
        assert!(!night.contains(7 * 60) && !night.contains(17 * 60 + 59));
        let day: RunHours = "9:30 – 12:00".parse().unwrap();
        assert!(day.contains(9 * 60 + 30) && !day.contains(12 * 60) && !day.contains(9 * 60 + 29));
        assert_eq!((day.to_string(), night.from()), ("09:30-12:00".into(), 18 * 60));
        assert!("22:00-24:00".parse::<RunHours>().unwrap().contains(23 * 60 + 59));
    }

    #[test]
    fn two_spans_meet_or_not() {
        let meet = |a: &str, b: &str| {
            let (a, b): (RunHours, RunHours) = (a.parse().unwrap(), b.parse().unwrap());
            assert_eq!(a.meets(b), b.meets(a));
            assert_eq!(a.meets(b), (0..DAY).any(|minute| a.contains(minute) && b.contains(minute)), "{a} {b}");
            a.meets(b)
        };
        assert!(
            meet("18:00-07:00", "06:00-08:00")
                && meet("18:00-07:00", "22:00-23:00")
                && meet("01:00-02:00", "01:00-02:00")
        );
        assert!(
            !meet("18:00-07:00", "07:00-18:00")
                && !meet("22:00-02:00", "03:00-05:00")
                && !meet("22:00-24:00", "00:00-01:00")
        );
    }

    #[test]
    fn what_are_no_hours_is_named() {
        for odd in ["", "18", "18:00", "25:00-07:00", "18:60-07:00", "24:30-07:00", "x-y", "18:00-", "-7:00-8:00"] {
            assert_eq!(odd.parse::<RunHours>().unwrap_err(), HoursError::NoHours(odd.into()), "{odd}");
        }
        assert!(matches!("07:00-07:00".parse::<RunHours>(), Err(HoursError::Nothing(_))));
    }
}
