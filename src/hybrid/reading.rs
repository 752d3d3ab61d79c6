//! Values as cmdlets tell them in JSON: numbers and sizes as text, times in several forms, lists or single values. What is not
//! told, or cannot be read, is none.

#![deny(clippy::indexing_slicing, clippy::string_slice, reason = "it reads what strangers wrote")]

use serde_json::Value;

use crate::domain::time::Timestamp;

/// Longest text of a service that is kept.
const LONGEST: usize = 600;

/// A text of a service without control characters, bounded.
pub(super) fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST).collect::<String>().trim().to_owned()
}

/// A property as text; an object by its own name.
pub(super) fn text(row: &Value, key: &str) -> Option<String> {
    let told = match row.get(key)? {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::Object(fields) => fields.get("Name").or_else(|| fields.get("Value"))?.as_str()?.to_owned(),
        Value::Null | Value::Array(_) => return None,
    };
    Some(clean(&told)).filter(|text| !text.is_empty())
}

/// A number: as one, as text with commas, or in the brackets of a size (`99 GB (106,300,440,576 bytes)`).
pub(super) fn number(row: &Value, key: &str) -> Option<u64> {
    if let Some(number) = row.get(key)?.as_u64() {
        return Some(number);
    }
    let told = text(row, key)?;
    let part = told.split_once('(').map_or(told.as_str(), |(_, inner)| inner);
    let digits: String =
        part.chars().take_while(|c| c.is_ascii_digit() || *c == ',').filter(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// A time: `2026-11-22T18:00:00.0000000Z`, with an offset, or without one (UTC).
pub(super) fn time(row: &Value, key: &str) -> Option<Timestamp> {
    let told = text(row, key)?;
    let instant = told.parse::<jiff::Timestamp>().ok().or_else(|| {
        let civil: jiff::civil::DateTime = told.parse().ok()?;
        civil.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
    });
    instant.map(|instant| Timestamp::from_millis(instant.as_millisecond()))
}

/// A time as cmdlets take it.
pub(super) fn told(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.millis()).map_or_else(|_| String::new(), |at| format!("{at:.7}"))
}

/// A list of texts; a single one is a list too.
pub(super) fn texts(row: &Value, key: &str) -> Vec<String> {
    match row.get(key) {
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).map(clean).collect(),
        Some(Value::String(one)) => vec![clean(one)],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_sizes_and_times_are_read_in_the_forms_that_are_told() {
        let row = json!({"A": "99 GB (106,300,440,576 bytes)", "B": 12, "C": "1,234", "D": "Unlimited", "E": null,
            "F": "2026-11-22T18:00:00.0000000Z", "G": "2026-11-22T18:00:00", "H": "soon", "I": {"Name": "x\u{1b}y"}});
        let number = |key| number(&row, key);
        assert_eq!([number("A"), number("B"), number("C")], [Some(106_300_440_576), Some(12), Some(1234)]);
        assert_eq!([number("D"), number("E"), number("Z")], [None; 3]);
        let at = Timestamp::from_millis(1_795_370_400_000);
        assert_eq!([time(&row, "F"), time(&row, "G"), time(&row, "H")], [Some(at), Some(at), None]);
        assert_eq!(told(at), "2026-11-22T18:00:00.0000000Z");
        assert_eq!(text(&row, "I").as_deref(), Some("x y"));
    }
}
