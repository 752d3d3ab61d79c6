//! INTERNALDATE texts (RFC 9051 `date-time`): the instant they name, the strict form to send, and the text of an instant.
//!
//! Pure. Reads what servers really write (one-digit days, two-digit years, dots for colons, missing zones); a strict text
//! goes on letter by letter.

use jiff::civil;
use jiff::tz::TimeZone;

use crate::domain::message::InternalDate;

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

struct Parts {
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
pub(super) fn of_instant(instant: i64) -> Option<InternalDate> {
    let utc = jiff::Timestamp::from_second(instant.div_euclid(1000)).ok()?.to_zoned(TimeZone::UTC);
    let (year, month) = (u16::try_from(utc.year()).ok()?, MONTHS.get(usize::try_from(utc.month() - 1).ok()?)?);
    let (day, h, m, s) = (utc.day(), utc.hour(), utc.minute(), utc.second());
    let text = format!("{day:2}-{month}-{year:04} {h:02}:{m:02}:{s:02} +0000");
    Some(InternalDate { text, instant: instant.div_euclid(1000) * 1000 })
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

impl Parts {
    fn instant(&self) -> Option<i64> {
        let [h, m, s] = self.time;
        // A leap second is read as the second before it.
        let local = civil::DateTime::new(self.year, self.month, self.day, h, m, s.min(59), 0).ok()?;
        let utc = local.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second();
        Some((utc - i64::from(self.zone)) * 1000)
    }
}

fn parse(text: &str) -> Option<Parts> {
    if text.chars().any(|c| c.is_control() || c == '"') {
        return None;
    }
    let mut words = text.split([' ', '-']).filter(|w| !w.is_empty());
    let mut day = words.next()?;
    if day.ends_with(',') {
        day = words.next()?;
    }
    let month = words.next()?;
    let month = MONTHS.iter().position(|m| month.get(..3).is_some_and(|w| w.eq_ignore_ascii_case(m)))? + 1;
    let year = words.next()?;
    let mut year_number: i16 = year.parse().ok()?;
    if year.len() <= 2 {
        year_number += if year_number < 70 { 2000 } else { 1900 };
    }
    let mut clock = words.next().unwrap_or("00:00:00").split([':', '.']).map(str::parse::<i8>);
    let time = [clock.next()?.ok()?, clock.next()?.ok()?, clock.next().unwrap_or(Ok(0)).ok()?];
    Some(Parts { day: day.parse().ok()?, month: i8::try_from(month).ok()?, year: year_number, time, zone: zone(text)? })
}

/// The last word, if it is a zone; none at all means UTC.
fn zone(text: &str) -> Option<i32> {
    let word = text.trim_end().rsplit(' ').next().unwrap_or("");
    let (sign, digits) = match word.as_bytes().first() {
        Some(b'+') => (1, &word[1..]),
        Some(b'-') => (-1, &word[1..]),
        _ => return Some(0),
    };
    let digits = digits.replace(':', "");
    if digits.len() != 4 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number: i32 = digits.parse().ok()?;
    Some(sign * (number / 100 * 3600 + number % 100 * 60))
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
            assert_eq!(date.instant, instant, "{text}");
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
        ] {
            assert_eq!(to_send(&read(text).expect(text)).as_deref(), Some(sent));
        }
    }

    #[test]
    fn instants_get_a_text_that_names_them() {
        for instant in [0, -1_000, 1_706_753_045_000, 253_399_708_799_000, -62_135_596_800_000] {
            let date = of_instant(instant + 7).expect("a date");
            assert_eq!(date.instant, instant);
            assert_eq!(read(&date.text), Some(date.clone()), "{}", date.text);
            assert_eq!(to_send(&date), Some(date.text));
        }
        assert_eq!(of_instant(i64::MAX), None);
    }

    #[test]
    fn no_date_is_made_up() {
        for text in [
            "",
            "NIL",
            "31-Feb-2024 00:00:00 +0000",
            "soon",
            "1-Xyz-2024 00:00:00 +0000",
            "\u{fc}-\u{fc}\u{fc}\u{fc}-1",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        let injected = InternalDate { text: "01-Feb-2024 03:04:05 +0100\" {3+}\r\nabc".into(), instant: 0 };
        assert_eq!(to_send(&injected), None);
    }
}
