//! The cleaned form of a message that a destination calls malformed: the same message without what servers refuse.
//!
//! NUL bytes are left out; a lone CR or LF becomes CRLF, inside a header line a blank; a header line that is no field (RFC 5322,
//! section 2.2) becomes the value of a field [`FIELD`]. All else stays byte for byte, and what is clean already stays as it is.
//! Nothing here keeps more than a header, which is at most 256 KiB.

#![deny(clippy::indexing_slicing, clippy::string_slice, reason = "it reads what strangers wrote")]

use super::header::{HEADER_LIMIT, header_of};

/// The field that takes what is none.
pub const FIELD: &str = "X-Malformed";

/// Cleans bytes as they come; borders between updates do not matter.
#[derive(Clone, Debug, Default)]
pub struct Cleaner {
    /// The header as it came, until it has ended.
    header: Vec<u8>,
    in_body: bool,
    /// The last byte was a CR, which is not put out yet.
    cr: bool,
}

impl Cleaner {
    /// Takes the next bytes and puts out what of them is decided.
    pub fn update(&mut self, bytes: &[u8], out: &mut impl FnMut(&[u8])) {
        if self.in_body {
            return self.body(bytes, out);
        }
        self.header.extend_from_slice(bytes);
        let end = header_of(&self.header).len();
        let ended = end < self.header.len() || end >= HEADER_LIMIT || is_whole(&self.header);
        if ended {
            let rest = self.header.split_off(end);
            out(&clean_header(&std::mem::take(&mut self.header)));
            self.in_body = true;
            self.body(&rest, out);
        }
    }

    /// Puts out the rest.
    pub fn finish(self, out: &mut impl FnMut(&[u8])) {
        if !self.in_body {
            out(&clean_header(&self.header));
        } else if self.cr {
            out(b"\r\n");
        }
    }

    fn body(&mut self, bytes: &[u8], out: &mut impl FnMut(&[u8])) {
        let mut rest = bytes;
        while let Some((first, after)) = rest.split_first() {
            if self.cr && *first != 0 {
                self.cr = false;
                out(b"\r\n");
                if *first == b'\n' {
                    rest = after;
                    continue;
                }
            }
            let plain = memchr::memchr3(0, b'\r', b'\n', rest).unwrap_or(rest.len());
            let (plain, special) = rest.split_at_checked(plain).unwrap_or((rest, b""));
            out(plain);
            match special.first() {
                Some(b'\r') => self.cr = true,
                Some(b'\n') => out(b"\r\n"),
                Some(_) | None => {}
            }
            rest = special.get(1..).unwrap_or_default();
        }
    }
}

/// Whether a header has its empty line.
fn is_whole(header: &[u8]) -> bool {
    matches!(header, b"\n" | b"\r\n") || header.ends_with(b"\n\n") || header.ends_with(b"\n\r\n")
}

fn clean_header(header: &[u8]) -> Vec<u8> {
    let mut clean = Vec::with_capacity(header.len());
    let mut after_a_field = false;
    for whole in header.split_inclusive(|byte| *byte == b'\n') {
        let line = whole.strip_suffix(b"\n").unwrap_or(whole);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let kept: Vec<u8> =
            line.iter().filter(|byte| **byte != 0).map(|byte| if *byte == b'\r' { b' ' } else { *byte }).collect();
        if kept.is_empty() && !line.is_empty() {
            // It would end the header.
            continue;
        }
        let is_fold = after_a_field && matches!(kept.first(), Some(b' ' | b'\t'));
        if !kept.is_empty() && !is_fold && !is_field(&kept) {
            clean.extend_from_slice(FIELD.as_bytes());
            clean.extend_from_slice(b": ");
        }
        after_a_field = true;
        clean.extend_from_slice(&kept);
        if whole.ends_with(b"\n") {
            clean.extend_from_slice(b"\r\n");
        }
    }
    clean
}

/// A name of visible characters, and a colon; blanks before that are of old, and servers take them.
fn is_field(line: &[u8]) -> bool {
    let Some((name, _)) = memchr::memchr(b':', line).and_then(|colon| line.split_at_checked(colon)) else {
        return false;
    };
    let name = name.trim_ascii_end();
    !name.is_empty() && name.iter().all(u8::is_ascii_graphic)
}

/// The cleaned form of a message in memory; none if it is clean.
pub fn cleaned(message: &[u8]) -> Option<Vec<u8>> {
    let (mut cleaner, mut clean) = (Cleaner::default(), Vec::with_capacity(message.len()));
    let mut out = |piece: &[u8]| clean.extend_from_slice(piece);
    cleaner.update(message, &mut out);
    cleaner.finish(&mut out);
    (clean != message).then_some(clean)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_servers_refuse_is_mended_and_nothing_else() {
        for (message, expected) in [
            ("Subject: a\r\n\r\nx\0y\r\n", "Subject: a\r\n\r\nxy\r\n"),
            (
                "From me\r\nSubject: a\r\n b\r\n\r\nFrom me\r\n",
                "X-Malformed: From me\r\nSubject: a\r\n b\r\n\r\nFrom me\r\n",
            ),
            ("Subject: a\0\r\n\0\r\nTo: b\r\n\r\n", "Subject: a\r\nTo: b\r\n\r\n"),
            ("Subject: a\rb\r\n\r\nx\ry\nz\r\n", "Subject: a b\r\n\r\nx\r\ny\r\nz\r\n"),
            (" fold\r\nSubject: a\r\n\r\n", "X-Malformed:  fold\r\nSubject: a\r\n\r\n"),
            ("Sub ject: a\r\n\r\n", "X-Malformed: Sub ject: a\r\n\r\n"),
            ("Subject: a\r\n\r\nx\r\0\ny\r", "Subject: a\r\n\r\nx\r\ny\r\n"),
        ] {
            let clean = cleaned(message.as_bytes()).expect("something to clean");
            assert_eq!(String::from_utf8_lossy(&clean), expected);
            assert_eq!(cleaned(&clean), None, "it is clean now");
        }
        for clean in ["", "Subject : \u{fc}\r\nTo:b\r\n\r\n\u{fc}\r\n.\r\n", "Subject: a\r\n\r\n", "Subject: a"] {
            assert_eq!(cleaned(clean.as_bytes()), None, "{clean:?}");
        }
    }

    proptest! {
        #[test]
        fn it_is_clean_afterwards_however_the_bytes_come(
            bytes in proptest::collection::vec(
                prop_oneof![Just(b'\r'), Just(b'\n'), Just(0u8), Just(b':'), Just(b' '), Just(b'a'), any::<u8>()], 0..120),
            cut in 0usize..120,
        ) {
            let whole = cleaned(&bytes).unwrap_or_else(|| bytes.clone());
            let (mut cleaner, mut pieces) = (Cleaner::default(), Vec::new());
            let (first, second) = bytes.split_at(cut.min(bytes.len()));
            let mut out = |piece: &[u8]| pieces.extend_from_slice(piece);
            cleaner.update(first, &mut out);
            cleaner.update(second, &mut out);
            cleaner.finish(&mut out);
            prop_assert_eq!(&pieces, &whole);
            prop_assert!(!whole.contains(&0));
            prop_assert_eq!(cleaned(&whole), None);
        }
    }
}
