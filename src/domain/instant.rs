//! The instant that a `Date` field names (RFC 5322 §3.3), read as leniently as mail writes it.
//!
//! Comments, obsolete zones, two-digit years, missing seconds, hyphens between day, month and year, dots for colons, and
//! the order of `asctime` and ISO 8601 are understood; words that mean nothing here (names of days, of unknown zones) are
//! passed over, and a date without a zone counts as UTC. Pure, and without memory of its own beyond the words.

#![deny(clippy::indexing_slicing, clippy::string_slice, reason = "it reads what strangers wrote")]

const MONTHS: [&[u8; 3]; 12] =
    [b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec"];

/// Obsolete zones in hours east of UTC (RFC 5322 §4.3); the military letters count as UTC there.
const ZONES: [(&[u8], i64); 10] = [
    (b"est", -5),
    (b"edt", -4),
    (b"cst", -6),
    (b"cdt", -5),
    (b"mst", -7),
    (b"mdt", -6),
    (b"pst", -8),
    (b"pdt", -7),
    (b"cet", 1),
    (b"cest", 2),
];

/// Longest value that is looked at.
const LONGEST: usize = 300;

#[derive(Default)]
struct InstantParts {
    day: Option<i64>,
    month: Option<i64>,
    year: Option<i64>,
    time: Option<[i64; 3]>,
    /// Half a day more (12-hour clocks).
    afternoon: Option<bool>,
    /// Seconds east of UTC.
    zone: Option<i64>,
}

/// Seconds since 1970 (UTC) of a raw `Date` value; none when it names no instant.
pub fn of_date(value: &[u8]) -> Option<i64> {
    if value.len() > LONGEST {
        return None;
    }
    let text = without_comments(value).to_ascii_lowercase();
    let mut parts = InstantParts::default();
    for word in text.split(|byte| byte.is_ascii_whitespace() || *byte == b',').filter(|word| !word.is_empty()) {
        parts.take(word)?;
    }
    parts.instant()
}

/// A value with its RFC 5322 comments as blanks. One that does not end is none.
pub(super) fn without_comments(value: &[u8]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(value.len());
    let mut at = 0;
    let mut quoted = false;
    while let Some(byte) = value.get(at) {
        let end = if *byte == b'(' && !quoted { end_of_comment(value, at) } else { None };
        match (byte, end) {
            (_, Some(end)) => {
                kept.push(b' ');
                at = end;
                continue;
            }
            (b'\\', None) if quoted => {
                kept.push(*byte);
                at += 1;
                kept.extend(value.get(at));
            }
            (b'"', None) => {
                quoted = !quoted;
                kept.push(*byte);
            }
            _ => kept.push(*byte),
        }
        at += 1;
    }
    kept
}

/// Where the comment that begins at `start` ends: behind its closing parenthesis.
pub(super) fn end_of_comment(value: &[u8], start: usize) -> Option<usize> {
    let mut depth = 0usize;
    let mut at = start;
    loop {
        match value.get(at)? {
            b'(' => depth += 1,
            b')' => depth = depth.checked_sub(1)?,
            b'\\' => at += 1,
            _ => {}
        }
        at += 1;
        if depth == 0 {
            return Some(at);
        }
    }
}

fn number(digits: &[u8]) -> Option<i64> {
    if digits.is_empty() || digits.len() > 6 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(digits.iter().fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0')))
}

fn digits_at_start(word: &[u8]) -> usize {
    word.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

fn month(word: &[u8]) -> Option<i64> {
    let at = MONTHS.iter().position(|name| word.starts_with(*name))?;
    i64::try_from(at).ok().map(|at| at + 1)
}

impl InstantParts {
    /// One word. None: it contradicts the others.
    fn take(&mut self, word: &[u8]) -> Option<()> {
        let digits = digits_at_start(word);
        if digits == 0 {
            return self.take_letters(word);
        }
        let (number, rest) = word.split_at_checked(digits)?;
        match rest.first() {
            None => self.take_number(word),
            Some(b':' | b'.') => self.take_time(word),
            Some(b'-' | b'/') => self.take_hyphened(word),
            // "1st", "2nd".
            Some(_) if self.day.is_none() => self.take_number(number),
            Some(_) => None,
        }
    }

    fn take_letters(&mut self, word: &[u8]) -> Option<()> {
        if let Some(month) = month(word).filter(|_| self.month.is_none()) {
            self.month = Some(month);
        } else if matches!(word, b"am" | b"pm") {
            self.afternoon = Some(word == b"pm");
        } else if matches!(word.first(), Some(b'+' | b'-')) {
            self.zone = Some(offset(word)?);
        } else if self.time.is_some() && self.zone.is_none() {
            self.zone = ZONES.iter().find(|(name, _)| *name == word).map(|(_, hours)| hours * 3600);
        }
        Some(())
    }

    fn take_number(&mut self, word: &[u8]) -> Option<()> {
        let value = number(word)?;
        if word.len() <= 2 && self.day.is_none() {
            self.day = Some(value);
        } else if self.year.is_none() {
            self.year = Some(match word.len() {
                // RFC 5322 §4.3.
                1 | 2 if value < 50 => 2000 + value,
                1..=3 => 1900 + value,
                _ => value,
            });
        } else {
            return None;
        }
        Some(())
    }

    /// `1-Feb-2003`, `2003-02-01`, `2003-02-01T04:05:06+05:30`.
    fn take_hyphened(&mut self, word: &[u8]) -> Option<()> {
        if let Some(t) = word.iter().position(|byte| *byte == b't').filter(|at| *at >= 8) {
            let (day, time) = word.split_at_checked(t)?;
            self.take_hyphened(day)?;
            return self.take_time(time.get(1..)?);
        }
        let mut pieces = word.split(|byte| matches!(byte, b'-' | b'/'));
        let [first, second, third] = [pieces.next()?, pieces.next()?, pieces.next()?];
        if pieces.next().is_some() || self.day.is_some() {
            return None;
        }
        self.month = Some(month(second).or_else(|| number(second))?);
        let (day, year) = if first.len() == 4 { (third, first) } else { (first, third) };
        self.day = Some(number(day)?);
        self.take_number(year)
    }

    /// `04:05`, `04:05:06.789`, `4.05.06`, with a zone behind it or not.
    fn take_time(&mut self, word: &[u8]) -> Option<()> {
        let end = word.iter().position(|byte| !matches!(byte, b'0'..=b'9' | b':' | b'.')).unwrap_or(word.len());
        let (time, zone) = word.split_at_checked(end)?;
        let mut pieces = time.split(|byte| matches!(byte, b':' | b'.'));
        let mut next = || pieces.next().map_or(Some(0), number);
        let time = [next()?, next()?, next()?];
        if self.time.replace(time).is_some() {
            return None;
        }
        if zone.is_empty() { Some(()) } else { self.take_letters(zone) }
    }

    fn instant(&self) -> Option<i64> {
        let (year, month, day) = (self.year?, self.month?, self.day?);
        let [mut hour, minute, second] = self.time?;
        match self.afternoon {
            Some(true) if hour < 12 => hour += 12,
            Some(false) if hour == 12 => hour = 0,
            Some(_) | None => {}
        }
        let fits = (1..=9999).contains(&year)
            && (1..=12).contains(&month)
            && (1..=days_in(year, month)).contains(&day)
            && hour <= 24
            && minute < 60
            && second <= 60;
        let seconds = days_since_1970(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
        fits.then_some(seconds - self.zone.unwrap_or(0))
    }
}

/// `+0530`, `-05:00`, `+02`.
fn offset(word: &[u8]) -> Option<i64> {
    let (sign, digits) = word.split_first()?;
    let digits: Vec<u8> = digits.iter().copied().filter(|byte| *byte != b':').collect();
    let value = number(&digits)?;
    let (hours, minutes) = match digits.len() {
        1 | 2 => (value, 0),
        3 | 4 => (value / 100, value % 100),
        _ => return None,
    };
    let seconds = hours * 3600 + minutes * 60;
    (minutes < 60).then_some(if *sign == b'-' { -seconds } else { seconds })
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Of a day that there is.
pub(super) fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let before = year - 1;
    let years = before * 365 + before / 4 - before / 100 + before / 400;
    let months: i64 = (1..month).map(|month| days_in(year, month)).sum();
    years + months + day - 1 - 719_162
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_instant_has_many_writings() {
        for text in [
            "Sat, 1 Feb 2003 04:05:06 +0530",
            " Sat, 01 Feb 2003 04:05:06 +0530 (IST)",
            "1 Feb 03 04:05:06 +05:30",
            "Fri, 31 Jan 2003 22:35:06 GMT",
            "31 Jan 2003 22:35:06 -0000",
            "31 Jan 2003 22:35:06 Z",
            "31 Jan 2003 22:35:06",
            "31-Jan-2003 22:35:06 UT",
            "(c) Fri (d (e) \\) f),\r\n 31 Jan\t2003 22:35:06 +0000",
            "31 January 103 17.35.06 EST",
            "Fri Jan 31 22:35:06 2003",
            "Fri, Jan 31, 2003 10:35:06 PM",
            "2003-01-31T22:35:06Z",
            "2003-02-01T04:05:06.123+05:30",
            "2003-01-31 22:35:06",
            "Fri, 31 Jan 2003 14:35:06 PST",
        ] {
            assert_eq!(of_date(text.as_bytes()), Some(1_044_052_506), "{text:?}");
        }
    }

    #[test]
    fn what_is_no_date_names_no_instant() {
        for text in [
            "",
            "yesterday",
            "Sat, 1 Feb 2003",
            "Sat, 30 Feb 2003 04:05:06 +0000",
            "1 Feb 2003 25:05:06 +0000",
            "1 Feb 2003 04:61:06 +0000",
            "1 Feb 2003 04:05:06 +00000",
            "1 Feb 2003 04:05:06 05:06:07",
            "1 2 2003 2004 04:05:06",
            "\u{fc}(",
        ] {
            assert_eq!(of_date(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(of_date(&[b'1'; 400]), None);
        assert_eq!(of_date(b"1 Jan 1970 00:00:00 +0000"), Some(0));
        assert_eq!(of_date(b"29 Feb 2000 00:00:00 +0000"), Some(951_782_400));
        assert_eq!(of_date(b"31 Dec 1969 23:59:60 +0000"), Some(0), "a leap second");
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_fail(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            of_date(&bytes);
        }

        #[test]
        fn days_follow_each_other(days in -300_000i64..2_900_000) {
            let (mut year, mut rest) = (1970 + days.div_euclid(366) - 1, 0);
            while days_since_1970(year + 1, 1, 1) <= days {
                year += 1;
            }
            rest += days - days_since_1970(year, 1, 1);
            let mut month = 1;
            while rest >= days_in(year, month) {
                rest -= days_in(year, month);
                month += 1;
            }
            prop_assert_eq!(days_since_1970(year, month, rest + 1), days);
        }

        #[test]
        fn zones_shift_the_clock(hours in 0i64..24, east in -14i64..=14) {
            let plain = of_date(format!("5 Mar 2020 {hours:02}:00:00 +0000").as_bytes()).expect("a date");
            let sign = if east < 0 { '-' } else { '+' };
            let there = of_date(format!("5 Mar 2020 {hours:02}:00:00 {sign}{:02}00", east.abs()).as_bytes());
            prop_assert_eq!(there, Some(plain - east * 3600));
        }
    }
}
