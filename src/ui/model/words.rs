//! Numbers and times as the window writes them.

use std::time::Duration;

use jiff::tz::TimeZone;

use crate::domain::time::Timestamp;
use crate::domain::wording;
pub use crate::domain::wording::count;

/// A count, or a dash for none.
pub fn count_or_dash(number: u64) -> String {
    if number == 0 { "–".into() } else { count(number) }
}

/// A size, or a dash for none.
pub fn size_or_dash(bytes: u64) -> String {
    if bytes == 0 { "–".into() } else { wording::size(bytes) }
}

/// `1 item`, `2 items`.
pub fn counted(number: usize, one: &str) -> String {
    let number = number as u64;
    let end = match one {
        _ if number == 1 => "",
        one if one.ends_with('s') || one.ends_with("ch") => "es",
        _ => "s",
    };
    format!("{} {one}{end}", count(number))
}

fn local(at: Timestamp, zone: &TimeZone, format: &str) -> String {
    jiff::Timestamp::from_millisecond(at.millis())
        .map_or_else(|_| "–".into(), |at| at.to_zoned(zone.clone()).strftime(format).to_string())
}

/// A time to the minute: today `10:02`, else with its day.
pub fn moment(at: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let day = |at: Timestamp| local(at, zone, "%F");
    if day(at) == day(now) {
        local(at, zone, "%H:%M")
    } else if now.since(at).max(at.since(now)) < Duration::from_secs(6 * 24 * 3600) {
        local(at, zone, "%a %H:%M")
    } else {
        local(at, zone, "%-d %b %Y")
    }
}

/// When a pass starts: `Fri 27 Nov 22:00`.
pub fn start(at: Timestamp, zone: &TimeZone) -> String {
    local(at, zone, "%a %-d %b %H:%M")
}

/// A fragment as the beginning of a line: with a capital.
pub fn sentence(fragment: &str) -> String {
    let mut letters = fragment.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

/// How long something took, or a dash while it has no end: "40 s", "12 min", "3 h 05".
pub fn took(from: Option<Timestamp>, to: Option<Timestamp>) -> String {
    let (Some(from), Some(to)) = (from, to) else { return "–".into() };
    match to.since(from).as_secs() {
        0 => "1 s".into(),
        seconds @ 1..60 => format!("{seconds} s"),
        seconds @ 60..3600 => format!("{} min", seconds / 60),
        seconds => format!("{} h {:02}", seconds / 3600, seconds / 60 % 60),
    }
}

/// A time to the second.
pub fn second(at: Timestamp, zone: &TimeZone) -> String {
    local(at, zone, "%H:%M:%S")
}

/// A time to the minute.
pub fn minute(at: Timestamp, zone: &TimeZone) -> String {
    local(at, zone, "%H:%M")
}

/// A time to the second with its day, as logs are read: `2025-11-22 08:26:40`.
pub fn stamp(at: Timestamp, zone: &TimeZone) -> String {
    local(at, zone, "%F %H:%M:%S")
}

/// How long ago something was true (R51, R52).
pub fn ago(at: Timestamp, now: Timestamp) -> String {
    let gone = now.since(at);
    match gone.as_secs() {
        0..2 => "now".into(),
        seconds @ 2..60 => format!("{seconds} s ago"),
        seconds @ 60..3600 => format!("{} min ago", seconds / 60),
        _ => format!("{} ago", wording::duration(gone)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r01_what_is_nothing_is_a_dash() {
        assert_eq!((count_or_dash(0), size_or_dash(0)), ("–".into(), "–".into()));
        assert_eq!((count_or_dash(1_204), size_or_dash(1_500)), ("1,204".into(), "1.50 KB".into()));
    }

    #[test]
    fn counts_are_grouped() {
        assert_eq!(
            ["0", "999", "1,204", "1,000,000"],
            [0, 999, 1204, 1_000_000].map(count).each_ref().map(String::as_str)
        );
        assert_eq!((counted(1, "item"), counted(2, "item")), ("1 item".into(), "2 items".into()));
    }

    #[test]
    fn passes_have_a_plural_of_their_own() {
        assert_eq!((counted(1, "pass"), counted(2, "pass")), ("1 pass".into(), "2 passes".into()));
    }

    #[test]
    fn times_are_as_short_as_they_may_be() {
        let now = Timestamp::from_millis(1_763_800_000_000); // Saturday 22 November 2025, 08:26 UTC
        let zone = TimeZone::UTC;
        assert_eq!(moment(now.minus(Duration::from_secs(60)), now, &zone), "08:25");
        assert_eq!(moment(now.minus(Duration::from_secs(86_400)), now, &zone), "Fri 08:26");
        assert_eq!(moment(now.minus(Duration::from_secs(30 * 86_400)), now, &zone), "23 Oct 2025");
        assert_eq!(second(now, &zone), "08:26:40");
    }

    #[test]
    fn a_pass_took_seconds_minutes_or_hours() {
        let from = Timestamp::from_millis(0);
        let took = |ms| took(Some(from), Some(Timestamp::from_millis(ms)));
        assert_eq!([300, 59_000, 720_000, 11_100_000].map(took), ["1 s", "59 s", "12 min", "3 h 05"]);
        assert_eq!(super::took(Some(from), None), "–");
    }

    #[test]
    fn r51_r52_ages_grow() {
        let at = Timestamp::from_millis(0);
        assert_eq!(
            [0, 5, 420, 7_200].map(|gone| ago(at, at.plus(Duration::from_secs(gone)))),
            ["now", "5 s ago", "7 min ago", "2 hours ago"]
        );
    }
}
