//! Addresses as people and spreadsheets write them into cells: what stands around one is taken off, and what is none is told.

use std::borrow::Cow;

use crate::domain::plain_text::is_invisible;

/// Errors that spreadsheets leave where a formula fails.
const SPREADSHEET_ERRORS: [&str; 8] = ["#REF!", "#NAME?", "#VALUE!", "#N/A", "#DIV/0!", "#NULL!", "#NUM!", "#SPILL!"];

/// Whether a cell is an address as nearly all are, with nothing around it: long lists are read in one look at each.
fn is_plain(cell: &str) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'+');
    match cell.split_once('@') {
        Some((local, domain)) => {
            !local.is_empty() && !domain.is_empty() && local.bytes().all(word) && domain.bytes().all(word)
        }
        None => false,
    }
}

/// The address in a cell: without blanks and invisible characters around it, an apostrophe before it, `mailto:`, a name and
/// angle brackets, a comma or semicolon behind it.
pub(super) fn cleaned(cell: &str) -> &str {
    if is_plain(cell) {
        return cell;
    }
    let edge = |c: char| c.is_whitespace() || is_invisible(c);
    let mut text = cell.trim_matches(edge);
    text = text.strip_prefix(['\'', '\u{2019}']).unwrap_or(text).trim_end_matches([';', ',']).trim_matches(edge);
    if let Some((_, inside)) = text.strip_suffix('>').and_then(|text| text.rsplit_once('<')) {
        text = inside.trim_matches(edge);
    }
    match text.split_at_checked("mailto:".len()) {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("mailto:") => rest.trim_matches(edge),
        _ => text,
    }
}

/// What is wrong with an address, a lower-case fragment.
pub(super) fn wrong(text: &str) -> Option<String> {
    if is_plain(text) {
        return None;
    }
    let wrong = if text.is_empty() {
        "the e-mail address is missing"
    } else if text.starts_with('=') {
        "a formula instead of an address: copy the cells and paste them as values"
    } else if text.starts_with('#') && SPREADSHEET_ERRORS.iter().any(|error| text.eq_ignore_ascii_case(error)) {
        return Some(format!("an error of the spreadsheet ({text}) instead of an address"));
    } else if !text.is_ascii() && text.contains(is_invisible) {
        "an invisible character inside the e-mail address"
    } else {
        match text.rsplit_once('@') {
            None => "no @ in the e-mail address",
            Some(("", _) | (_, "")) => "nothing before or behind the @ of the e-mail address",
            Some((local, _)) if local.contains('@') && !is_quoted(local) => {
                match text.contains([' ', ',', ';', '/', '|', '\t']) {
                    true => "two addresses in one cell: give each a row of its own",
                    false => "more than one @ in the e-mail address",
                }
            }
            Some(_) if text.contains(char::is_whitespace) => "a blank inside the e-mail address",
            Some(_) if text.contains(['<', '>', ',', ';']) => "a character that no e-mail address has: < > , or ;",
            Some(_) => return None,
        }
    };
    Some(wrong.into())
}

/// Such a local part may hold anything (RFC 5321 §4.1.2).
fn is_quoted(local: &str) -> bool {
    local.len() > 1 && local.starts_with('"') && local.ends_with('"')
}

/// By which addresses are compared: without case, and the domain as it is on the wire (RFC 5891), so that twins are one.
pub(super) fn key(address: &str) -> String {
    if is_plain(address) && !address.contains("--") {
        return address.to_ascii_lowercase();
    }
    let (local, domain) = address.rsplit_once('@').unwrap_or((address, ""));
    let domain: Cow<'_, str> = match domain.is_ascii() && !domain.contains("--") {
        true => Cow::Owned(domain.to_ascii_lowercase()),
        false => idna::domain_to_ascii(domain).map_or(Cow::Borrowed(domain), Cow::Owned),
    };
    format!("{}@{domain}", local.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_around_an_address_is_taken_off() {
        for cell in [
            "ann@x.example",
            " ann@x.example\u{a0}",
            "'ann@x.example",
            "mailto:ann@x.example",
            "MailTo: ann@x.example",
            "<ann@x.example>",
            "Ann Lee <ann@x.example>",
            "\"Lee, Ann\" <mailto:ann@x.example> ",
            "\u{202a}ann@x.example\u{202c}",
            "\u{200b}\u{feff}ann@x.example\u{2060}",
            "ann@x.example;",
            "\u{3000}ann@x.example,\t",
        ] {
            assert_eq!(cleaned(cell), "ann@x.example", "{cell:?}");
        }
        assert_eq!(cleaned("o'neil@x"), "o'neil@x");
        assert_eq!(cleaned("mail"), "mail");
        assert_eq!(cleaned("mäilto:"), "mäilto:");
    }

    #[test]
    fn what_is_no_address_is_told() {
        for (text, word) in [
            ("", "missing"),
            ("=A2&\"@x\"", "formula"),
            ("#REF!", "(#REF!)"),
            ("#n/a", "spreadsheet"),
            ("a@x; b@y", "two addresses"),
            ("a@x,b@y", "two addresses"),
            ("a@@b", "more than one @"),
            ("a@x@y", "more than one @"),
            ("a\u{202e}b@x", "invisible"),
            ("a b@x", "blank"),
            ("a<b@x", "character"),
            ("@x", "nothing before"),
            ("ann", "no @"),
        ] {
            assert!(wrong(text).is_some_and(|why| why.contains(word)), "{text:?}: {:?}", wrong(text));
        }
        for text in ["a@x", "\"a@b\"@x", "jürgen@bücher.example", "a+b=c@x"] {
            assert_eq!(wrong(text), None, "{text}");
        }
    }

    #[test]
    fn twins_are_one() {
        assert_eq!(key("Ann@Bücher.example"), key("ann@xn--bcher-kva.EXAMPLE"));
        assert_ne!(key("ann@x"), key("ann@y"));
        assert_eq!(key("ann"), "ann@");
    }
}
