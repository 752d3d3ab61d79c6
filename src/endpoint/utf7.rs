//! Modified UTF-7, the encoding of folder names (RFC 3501 §5.1.3).
//!
//! Pure. A name that is not exactly what [`encode`] would write is not decoded but shown as it is, so that two different
//! names never look the same.

#![deny(clippy::indexing_slicing, clippy::string_slice, reason = "it reads what strangers wrote")]

use base64::Engine;
use base64::alphabet::IMAP_MUTF7;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};

const BASE64: GeneralPurpose = GeneralPurpose::new(&IMAP_MUTF7, NO_PAD);

/// Encodes a text.
pub(super) fn encode(text: &str) -> String {
    encode_but(text, |c| (' '..='~').contains(&c))
}

/// Encodes a text in which only these characters (all of them printable ASCII) may stand for themselves.
pub(super) fn encode_but(text: &str, plain: impl Fn(char) -> bool) -> String {
    fn flush(wide: &mut Vec<u8>, out: &mut String) {
        if !wide.is_empty() {
            out.push('&');
            BASE64.encode_string(&*wide, out);
            out.push('-');
            wide.clear();
        }
    }
    let mut out = String::with_capacity(text.len());
    let mut wide = Vec::new();
    for c in text.chars() {
        if plain(c) {
            flush(&mut wide, &mut out);
            out.push(c);
            if c == '&' {
                out.push('-');
            }
        } else {
            let mut units = [0; 2];
            wide.extend(c.encode_utf16(&mut units).iter().flat_map(|u| u.to_be_bytes()));
        }
    }
    flush(&mut wide, &mut out);
    out
}

/// The text that `raw` encodes; a raw UTF-8 name is taken as such, anything undecodable as Latin-1-ish raw text.
pub(super) fn decode(raw: &[u8]) -> String {
    if !raw.is_ascii() {
        return String::from_utf8(raw.to_vec()).unwrap_or_else(|_| raw.iter().map(|b| char::from(*b)).collect());
    }
    let text = String::from_utf8_lossy(raw);
    if !text.contains('&') {
        return text.into_owned();
    }
    match strictly(&text) {
        Some(decoded) if encode(&decoded) == text => decoded,
        _ => text.into_owned(),
    }
}

/// The text, if every shift is well-formed; other spellings of the same text are taken too.
pub(super) fn strictly(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((plain, coded)) = rest.split_once('&') {
        let (coded, after) = coded.split_once('-')?;
        out.push_str(plain);
        if coded.is_empty() {
            out.push('&');
        } else {
            let bytes = BASE64.decode(coded).ok()?;
            let units = bytes.chunks(2).map(|c| Some(u16::from_be_bytes([*c.first()?, *c.get(1)?])));
            out.push_str(&String::from_utf16(&units.collect::<Option<Vec<_>>>()?).ok()?);
        }
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_names() {
        for (text, wire) in [
            ("INBOX", "INBOX"),
            ("Entwürfe", "Entw&APw-rfe"),
            ("Tom & Jerry", "Tom &- Jerry"),
            ("台北", "&U,BTFw-"),
            ("~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"),
            ("😀", "&2D3eAA-"),
            ("a\tb", "a&AAk-b"),
        ] {
            assert_eq!(encode(text), wire);
            assert_eq!(decode(wire.as_bytes()), text);
        }
    }

    #[test]
    fn undecodable_names_stay_as_they_are() {
        for raw in ["&", "&abc", "&AA-", "&2D0-", "&AGE-", "R&D", "&APw", "&U-", "&A_A-"] {
            assert_eq!(decode(raw.as_bytes()), raw);
        }
        assert_eq!(decode("Entwürfe & mehr".as_bytes()), "Entwürfe & mehr");
        assert_eq!(decode(b"caf\xe9"), "caf\u{e9}");
    }

    proptest! {
        #[test]
        fn every_text_survives(text in ".*") {
            let wire = encode(&text);
            prop_assert!(wire.bytes().all(|b| (b' '..=b'~').contains(&b)));
            prop_assert_eq!(decode(wire.as_bytes()), text);
        }

        #[test]
        fn any_bytes_are_taken_and_no_two_ascii_names_look_alike(a in "[ -~]{0,12}", b in "[ -~&]{0,12}", c: Vec<u8>) {
            decode(&c);
            // A raw text that looks like another name's decoded form could only be non-ASCII.
            if a != b && decode(a.as_bytes()) == decode(b.as_bytes()) {
                prop_assert!(a.contains('&') || b.contains('&'));
            }
        }
    }
}
