//! Times as people write them: when a pass starts, and how old a message must be.
//!
//! A time is understood in this machine's zone unless it names one. What does not exist there (the hour that a clock change
//! leaves out) is refused, never moved.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Span, Zoned};

use crate::domain::start_order::Schedule;
use crate::domain::time::Timestamp;

/// Why a time was not understood. Shown as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// No form that is known.
    #[error("\"{0}\" is no time: write 22:00, 2026-12-01 22:00, or 2026-12-01T22:00+01:00[Europe/Vienna]")]
    NoTime(String),
    /// The hour that a clock change leaves out.
    #[error("{0} does not exist in {1}: the clocks are put forward over it. Choose an hour before or after")]
    LeftOut(String, String),
    /// The hour that a clock change brings twice.
    #[error("{0} comes twice in {1}, because the clocks are put back: add the offset, as in {2}")]
    Twice(String, String, String),
    /// Over already.
    #[error("{0} lies in the past: choose a time that is still to come")]
    Past(String),
    /// No age that is known.
    #[error("\"{0}\" is no age: write a number of days, such as 30, or a date, such as 2026-01-31")]
    NoAge(String),
}

pub use crate::engine::zone_of;

/// The zone of this machine.
pub fn zone() -> TimeZone {
    TimeZone::system()
}

/// A zone by its IANA name; this machine's, if that is not known here.
pub fn zone_named(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap_or_else(|_| zone())
}

/// When a pass starts: `22:00` (the next time it is that late), `2026-12-01 22:00`, or a time with its zone.
///
/// # Errors
/// It is none, does not exist, or lies in the past.
pub fn start(text: &str, now: Timestamp, zone: &TimeZone) -> Result<Schedule, TimeError> {
    let text = text.trim();
    let at = parse(text, now, zone)?;
    if stamp(&at) <= now {
        return Err(TimeError::Past(text.to_owned()));
    }
    let name = at.time_zone().iana_name().map_or_else(|| at.offset().to_string(), str::to_owned);
    Ok(Schedule { at: stamp(&at), zone: name })
}

fn parse(text: &str, now: Timestamp, zone: &TimeZone) -> Result<Zoned, TimeError> {
    let wrong = || TimeError::NoTime(text.to_owned());
    if let Ok(zoned) = text.parse::<Zoned>() {
        return Ok(zoned);
    }
    if let Ok(instant) = text.parse::<jiff::Timestamp>() {
        return Ok(instant.to_zoned(zone.clone()));
    }
    // A bare date is no time: midnight would be guessed.
    if text.contains(':') && text.contains('-') {
        return unambiguous(text.parse::<DateTime>().map_err(|_| wrong())?, zone);
    }
    let time = text.contains(':').then(|| text.parse::<Time>().ok()).flatten().ok_or_else(wrong)?;
    let today = instant(now).to_zoned(zone.clone()).date();
    let next = unambiguous(today.to_datetime(time), zone)?;
    if stamp(&next) > now {
        return Ok(next);
    }
    unambiguous(today.tomorrow().map_err(|_| wrong())?.to_datetime(time), zone)
}

fn unambiguous(time: DateTime, zone: &TimeZone) -> Result<Zoned, TimeError> {
    let found = zone.to_ambiguous_zoned(time);
    let name = zone.iana_name().unwrap_or("this zone").to_owned();
    let told = time.strftime("%Y-%m-%d %H:%M").to_string();
    match found.offset() {
        jiff::tz::AmbiguousOffset::Unambiguous { .. } => {
            found.unambiguous().map_err(|_| TimeError::NoTime(told.clone()))
        }
        jiff::tz::AmbiguousOffset::Gap { .. } => Err(TimeError::LeftOut(told, name)),
        jiff::tz::AmbiguousOffset::Fold { before, .. } => {
            let example = format!("{}{before}", time.strftime("%Y-%m-%dT%H:%M"));
            Err(TimeError::Twice(told, name, example))
        }
    }
}

/// The border of a Pre-Stage pass: the beginning of the day so many days ago, or of a date.
///
/// # Errors
/// It is neither.
pub fn border(text: &str, now: Timestamp, zone: &TimeZone) -> Result<Timestamp, TimeError> {
    let text = text.trim();
    let wrong = || TimeError::NoAge(text.to_owned());
    let day = match text.trim_end_matches(['d', 'D']).parse::<i32>() {
        Ok(days) if days >= 0 => {
            let today = instant(now).to_zoned(zone.clone()).date();
            let span = Span::new().try_days(days).map_err(|_| wrong())?;
            today.checked_sub(span).map_err(|_| wrong())?
        }
        _ => text.parse::<Date>().map_err(|_| wrong())?,
    };
    // A day may begin at one o'clock.
    let begins = day.to_zoned(zone.clone()).and_then(|day| day.start_of_day()).map_err(|_| wrong())?;
    Ok(stamp(&begins))
}

/// An instant for people, in this zone: `2026-12-01 22:00`.
pub fn told(at: Timestamp, zone: &TimeZone) -> String {
    instant(at).to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string()
}

fn stamp(at: &Zoned) -> Timestamp {
    Timestamp::from_millis(at.timestamp().as_millisecond())
}

fn instant(at: Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(at.millis()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vienna() -> TimeZone {
        TimeZone::get("Europe/Vienna").unwrap()
    }

    fn at(text: &str) -> Timestamp {
        Timestamp::from_millis(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
    }

    #[test]
    fn d16_a_start_is_read_in_the_zone_of_the_machine_or_in_its_own() {
        let now = at("2026-11-26T09:00:00Z");
        let starts = |text| start(text, now, &vienna()).unwrap();
        let evening = starts("22:00");
        assert_eq!((evening.at, evening.zone.as_str()), (at("2026-11-26T21:00:00Z"), "Europe/Vienna"));
        assert_eq!(starts("09:59").at, at("2026-11-27T08:59:00Z"), "the next time it is that late");
        assert_eq!(starts(" 2026-12-01 22:00 ").at, at("2026-12-01T21:00:00Z"));
        let there = starts("2026-12-01T22:00+09:00[Asia/Tokyo]");
        assert_eq!((there.at, there.zone.as_str()), (at("2026-12-01T13:00:00Z"), "Asia/Tokyo"));
        assert_eq!(starts("2026-12-01T22:00Z").at, at("2026-12-01T22:00:00Z"));
        assert_eq!(told(evening.at, &vienna()), "2026-11-26 22:00");
    }

    #[test]
    fn a_start_that_cannot_be_is_named() {
        let now = at("2026-03-20T09:00:00Z");
        let why = |text| start(text, now, &vienna()).unwrap_err().to_string();
        assert!(why("2026-03-19 22:00").ends_with("lies in the past: choose a time that is still to come"));
        assert!(why("2026-03-29 02:30").starts_with("2026-03-29 02:30 does not exist in Europe/Vienna"));
        assert!(why("2026-10-25 02:30").contains("as in 2026-10-25T02:30+02"), "{}", why("2026-10-25 02:30"));
        for odd in ["", "soon", "2026-12-01", "25:00", "2026-13-01 10:00", "\r\n22"] {
            assert!(why(odd).contains("is no time"), "{odd:?}");
        }
    }

    #[test]
    fn a_border_is_the_beginning_of_a_day() {
        let now = at("2026-11-26T23:30:00Z");
        let border = |text| border(text, now, &vienna());
        assert_eq!(border("30"), Ok(at("2026-10-27T23:00:00Z")), "it is the 27th there already");
        assert_eq!(border("30d"), border("30"));
        assert_eq!(border("2026-01-31"), Ok(at("2026-01-30T23:00:00Z")));
        for odd in ["-3", "", "2026-02-30", "99999999999", "2000000000"] {
            assert!(border(odd).unwrap_err().to_string().contains("is no age"), "{odd:?}");
        }
    }
}
