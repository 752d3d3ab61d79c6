//! What strangers wrote, fit to be shown: nothing in it steers a terminal, ends a line, or shows as something else than it is.
//!
//! One rule for the terminal, the log, JSON, tables and failure texts; names themselves stay what they are.

/// Whether a character shows nothing, or changes how others are shown: controls, soft hyphen, zero width, directions, line and
/// paragraph separators, tags (Unicode's categories Cc, Cf, Zl, Zp as far as they can mislead).
pub fn is_hidden(c: char) -> bool {
    c.is_control() || is_invisible(c)
}

/// The same without controls.
pub fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// A text for people: blanks in the place of hidden characters.
pub fn shown(text: &str) -> String {
    text.chars().map(|c| if is_hidden(c) { ' ' } else { c }).collect()
}

/// The same for programs: hidden characters as JSON escapes them. For texts in which they mean nothing by themselves, as
/// in JSON, where they stand in strings only.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hidden(c) && c != '\n' {
            let mut units = [0; 2];
            c.encode_utf16(&mut units).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}")));
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn k5_nothing_hidden_is_shown_and_programs_read_what_was_there() {
        let hostile = "a\u{1b}]0;x\u{7}\r\nb\u{9b}31m\u{202e}c\u{200b}d\u{e0041}e\u{2028}f\u{85}";
        assert_eq!(shown(hostile), "a ]0;x   b 31m c d e f ");
        let json = serde_json::to_string(hostile).unwrap();
        let safe = escaped(&json);
        assert!(safe.is_ascii(), "{safe}");
        assert_eq!(serde_json::from_str::<String>(&safe).unwrap(), hostile);
        let innocent = "Entwürfe/Grüße 🗝️ 收件箱";
        assert_eq!((shown(innocent).as_str(), escaped(innocent).as_str()), (innocent, innocent));
    }
}
