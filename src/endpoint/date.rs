//! INTERNALDATE texts (RFC 9051 `date-time`): the instant they name, the strict form to send, and the text of an instant.
//!
//! Pure. Reads what servers really write (one-digit days, two-digit years, dots for colons, missing zones, zones by name,
//! the forms of mail headers, of C and of ISO 8601); a strict text goes on letter by letter.

#![deny(clippy::indexing_slicing, clippy::string_slice, reason = "it reads what strangers wrote")]

use jiff::civil;
use jiff::tz::TimeZone;

use crate::domain::message::InternalDate;
use crate::domain::time::Timestamp;

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// Zones by name that programs write (RFC 5322 §4.3 and Europe's), in hours east of UTC.
const ZONES: [(&str, i32); 15] = [
    ("EST", -5),
    ("EDT", -4),
    ("CST", -6),
    ("CDT", -5),
    ("MST", -7),
    ("MDT", -6),
    ("PST", -8),
    ("PDT", -7),
    ("BST", 1),
    ("MET", 1),
    ("CET", 1),
    ("MEST", 2),
    ("CEST", 2),
    ("MESZ", 2),
    ("JST", 9),
];

struct DateParts {
    day: i8,
    month: i8,
    year: i16,
    time: [i8; 3],
    /// Seconds east of UTC.
    zone: i32,
}

/// The date a server told; none when the text names no instant at all.
pub(super) fn read(text: &str) -> Option<InternalDate> {
    let parts = parse(text)?;
    Some(InternalDate { text: text.to_owned(), instant: parts.instant()? })
}

/// What stands between the quotes of an APPEND: the text itself if it is strict, else a strict text of the same meaning.
pub(super) fn to_send(date: &InternalDate) -> Option<String> {
    if is_strict(&date.text) {
        return Some(date.text.clone());
    }
    let parts = parse(&date.text)?;
    parts.instant()?;
    let (hours, minutes) = (parts.zone.abs() / 3600, parts.zone.abs() / 60 % 60);
    let [h, m, s] = parts.time;
    Some(format!(
        "{:2}-{}-{:04} {h:02}:{m:02}:{s:02} {}{hours:02}{minutes:02}",
        parts.day,
        MONTHS.get(usize::try_from(parts.month - 1).ok()?)?,
        parts.year,
        if parts.zone < 0 { '-' } else { '+' },
    ))
}

/// The date of an instant that came without a zone (a file's time), as UTC; none outside the years 1 to 9999.
pub(crate) fn of_instant(instant: Timestamp) -> Option<InternalDate> {
    let utc = jiff::Timestamp::from_second(instant.millis().div_euclid(1000)).ok()?.to_zoned(TimeZone::UTC);
    let (year, month) = (u16::try_from(utc.year()).ok()?, MONTHS.get(usize::try_from(utc.month() - 1).ok()?)?);
    let (day, h, m, s) = (utc.day(), utc.hour(), utc.minute(), utc.second());
    let text = format!("{day:2}-{month}-{year:04} {h:02}:{m:02}:{s:02} +0000");
    Some(InternalDate { text, instant: Timestamp::from_millis(instant.millis().div_euclid(1000) * 1000) })
}

fn is_strict(text: &str) -> bool {
    let shape = b"99-AAA-9999 99:99:99 +9999";
    text.len() == shape.len()
        && text.bytes().zip(shape).enumerate().all(|(i, (byte, shape))| match shape {
            b'9' => byte.is_ascii_digit() || (i == 0 && byte == b' '),
            b'A' => byte.is_ascii_alphabetic(),
            b'+' => matches!(byte, b'+' | b'-'),
            other => byte == *other,
        })
        && parse(text).is_some_and(|p| p.instant().is_some())
}

impl DateParts {
    fn instant(&self) -> Option<Timestamp> {
        let [h, m, s] = self.time;
        // A leap second is read as the second before it.
        let local = civil::DateTime::new(self.year, self.month, self.day, h, m, s.min(59), 0).ok()?;
        let utc = local.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second();
        Some(Timestamp::from_millis((utc - i64::from(self.zone)) * 1000))
    }
}

fn parse(text: &str) -> Option<DateParts> {
    if text.chars().any(|c| c.is_control() || c == '"') {
        return None;
    }
    let (day, clock) = halves(text)?;
    let (zone, clock) = zone(clock)?;
    let mut words = day.split([' ', '-', ',', '/']).filter(|word| !word.is_empty()).peekable();
    // The year may stand behind the time, as in `Thu Feb  1 03:04:05 2024`.
    let mut behind = clock.split_ascii_whitespace();
    let clock = behind.next().unwrap_or("00:00:00");
    words.next_if(|word| WEEKDAYS.iter().any(|day| begins(word, day)));
    let (first, second) = (words.next()?, words.next()?);
    let third = words.next().or_else(|| behind.next())?;
    let (day, month, year) = match (month(first), month(second)) {
        (Some(month), _) => (second, month, third),
        (None, Some(month)) => (first, month, third),
        // `2024-02-01`; no other order of mere numbers names one day only.
        (None, None) if first.len() == 4 => (third, second.parse().ok()?, first),
        (None, None) => return None,
    };
    let mut year_number: i16 = year.parse().ok()?;
    year_number += match (year.len(), year_number) {
        (0..=2, 0..70) => 2000,
        // Years since 1900, as some programs count them.
        (0..=3, _) => 1900,
        _ => 0,
    };
    let mut clock = clock.split([':', '.']).map(str::parse::<i8>);
    let time = [clock.next()?.ok()?, clock.next()?.ok()?, clock.next().unwrap_or(Ok(0)).ok()?];
    Some(DateParts { day: day.parse().ok()?, month, year: year_number, time, zone })
}

fn begins(word: &str, with: &str) -> bool {
    word.get(..with.len()).is_some_and(|head| head.eq_ignore_ascii_case(with))
}

fn month(word: &str) -> Option<i8> {
    let at = MONTHS.iter().position(|month| begins(word, month))?;
    i8::try_from(at + 1).ok()
}

/// The day, and from the time on: the first digits with a `:` or `.` behind them begin it.
fn halves(text: &str) -> Option<(&str, &str)> {
    let text = text.trim();
    let Some(mark) = text.find([':', '.']) else { return Some((text, "")) };
    let digits = text.as_bytes().get(..mark)?.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let (day, clock) = text.split_at_checked(mark - digits)?;
    // `2024-02-01T03:04:05`
    let iso = day.strip_suffix('T').filter(|day| day.ends_with(|c: char| c.is_ascii_digit()));
    Some((iso.unwrap_or(day), clock))
}

/// Seconds east of UTC, and what stands before the zone. None at all means UTC, and so does a name that nobody knows.
fn zone(clock: &str) -> Option<(i32, &str)> {
    // A comment, as in `-0800 (PST)`, says it again.
    let clock = clock.split('(').next().unwrap_or(clock).trim_end();
    if let Some(at) = clock.rfind(['+', '-']) {
        let (before, offset) = clock.split_at_checked(at)?;
        // `GMT+0100`
        let before = before.trim_end_matches(|c: char| c.is_ascii_alphabetic()).trim_end();
        return Some((offset_seconds(offset)?, before));
    }
    let before = clock.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let name = clock.get(before.len()..)?;
    let known = ZONES.iter().find(|(zone, _)| zone.eq_ignore_ascii_case(name));
    Some((known.map_or(0, |(_, hours)| hours * 3600), before.trim_end()))
}

/// `+0100`, `-03:30`, `+1`.
fn offset_seconds(offset: &str) -> Option<i32> {
    let (sign, digits) = offset.split_at_checked(1)?;
    let digits = digits.trim().replace(':', "");
    if digits.is_empty() || digits.len() > 4 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: i32 = digits.parse().ok()?;
    let seconds = if digits.len() <= 2 { number * 3600 } else { number / 100 * 3600 + number % 100 * 60 };
    // No place is further from Greenwich than a day.
    (seconds < 24 * 3600).then_some(if sign == "-" { -seconds } else { seconds })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strict_texts_go_on_letter_by_letter() {
        for (text, instant) in [
            (" 1-Feb-2024 03:04:05 +0100", 1_706_753_045_000),
            ("01-Feb-2024 03:04:05 +0100", 1_706_753_045_000),
            ("17-Jul-1996 02:44:25 -0700", 837_596_665_000),
            ("31-Dec-2016 23:59:60 +0000", 1_483_228_799_000),
        ] {
            let date = read(text).expect(text);
            assert_eq!(date.instant, Timestamp::from_millis(instant), "{text}");
            assert_eq!(to_send(&date).as_deref(), Some(text));
        }
    }

    #[test]
    fn sloppy_texts_are_sent_strictly() {
        for (text, sent) in [
            ("1-Feb-2024 03:04:05 +0100", " 1-Feb-2024 03:04:05 +0100"),
            ("1-feb-24 3.04.05", " 1-Feb-2024 03:04:05 +0000"),
            ("Thu, 1 Feb 2024 03:04:05 GMT", " 1-Feb-2024 03:04:05 +0000"),
            ("01-Feb-2024 03:04 -0330", " 1-Feb-2024 03:04:00 -0330"),
            ("01-Feb-2024", " 1-Feb-2024 00:00:00 +0000"),
            ("1-Feb-124 3:4:5", " 1-Feb-2024 03:04:05 +0000"),
            ("1-Feb-99 03.04.05 +0100", " 1-Feb-1999 03:04:05 +0100"),
            ("01-Feb-2024 03:04:05-0700", " 1-Feb-2024 03:04:05 -0700"),
            ("01-Feb-2024 03:04:05 +1", " 1-Feb-2024 03:04:05 +0100"),
            ("01-Feb-2024 03:04:05 -03:30", " 1-Feb-2024 03:04:05 -0330"),
            ("Thu, 01 Feb 2024 03:04:05 -0800 (PST)", " 1-Feb-2024 03:04:05 -0800"),
            ("Thu, 1 Feb 2024 03:04:05 PST", " 1-Feb-2024 03:04:05 -0800"),
            ("1-Feb-2024 03:04:05 GMT+0200", " 1-Feb-2024 03:04:05 +0200"),
            ("01-Feb-2024 03:04:05.123 cest", " 1-Feb-2024 03:04:05 +0200"),
            ("Thu Feb  1 03:04:05 2024", " 1-Feb-2024 03:04:05 +0000"),
            ("thursday february 1 03:04:05 EST 2024", ""),
            ("THU, 1 OCT 2024 03:04:05", " 1-Oct-2024 03:04:05 +0000"),
            ("2024-02-01T03:04:05Z", " 1-Feb-2024 03:04:05 +0000"),
            ("2024-02-01 03:04:05+01:00", " 1-Feb-2024 03:04:05 +0100"),
        ] {
            assert_eq!(read(text).and_then(|date| to_send(&date)).unwrap_or_default(), sent, "{text}");
        }
    }

    #[test]
    fn instants_get_a_text_that_names_them() {
        for instant in [0, -1_000, 1_706_753_045_000, 253_399_708_799_000, -62_135_596_800_000] {
            let date = of_instant(Timestamp::from_millis(instant + 7)).expect("a date");
            assert_eq!(date.instant, Timestamp::from_millis(instant));
            assert_eq!(read(&date.text), Some(date.clone()), "{}", date.text);
            assert_eq!(to_send(&date), Some(date.text));
        }
        assert_eq!(of_instant(Timestamp::MAX), None);
    }

    #[test]
    fn no_date_is_made_up() {
        for text in [
            "",
            "NIL",
            "31-Feb-2024 00:00:00 +0000",
            "soon",
            "1-Xyz-2024 00:00:00 +0000",
            "01/02/2024 00:00:00",
            "1-Feb-2024 25:00:00 +0000",
            "1-Feb-2024 00:00:00 +9999",
            "1-Feb-2024 00:00:00 +01000",
            "1706753045",
            ":",
            "1-Feb-2024 :",
            "+",
            "\u{fc}-\u{fc}\u{fc}\u{fc}-1",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        let injected = InternalDate {
            text: "01-Feb-2024 03:04:05 +0100\" {3+}\r\nabc".into(),
            instant: Timestamp::from_millis(0),
        };
        assert_eq!(to_send(&injected), None);
    }
}
