//! The subject line of a header as a person reads it (RFC 2047), for lists of messages that could not be moved.
//!
//! What cannot be decoded stays as it is: this text is shown, never compared.

#![deny(clippy::indexing_slicing, clippy::string_slice, reason = "it reads what strangers wrote")]

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::header::{fields, header_of};

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Longest subject given out, in characters.
pub const SUBJECT_LIMIT: usize = 200;
/// Bytes of a raw value that are looked at.
const RAW_LIMIT: usize = 8 * 1024;

/// The decoded subject of a header block: unfolded, at most [`SUBJECT_LIMIT`] characters, control characters replaced
/// by blanks. None without a subject field or with an empty one.
pub fn subject_of(header: &[u8]) -> Option<String> {
    let (_, raw) = fields(header_of(header)).find(|(name, _)| name.eq_ignore_ascii_case(b"Subject"))?;
    let raw = raw.get(..RAW_LIMIT).unwrap_or(raw);
    let text = match std::str::from_utf8(raw) {
        Ok(text) => text.to_owned(),
        Err(_) => encoding_rs::WINDOWS_1252.decode_without_bom_handling(raw).0.into_owned(),
    };
    let unfolded = text.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
    let clean: String =
        decode(&unfolded).chars().map(|c| if c.is_control() { ' ' } else { c }).take(SUBJECT_LIMIT).collect();
    let clean = clean.trim();
    (!clean.is_empty()).then(|| clean.to_owned())
}

/// Replaces encoded words; the blank between two of them goes. Neighbours of one charset and encoding are joined as
/// bytes, because some senders cut characters in two.
fn decode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut pending: Option<(&'static encoding_rs::Encoding, Vec<u8>)> = None;
    for word in text.split(' ') {
        match encoded_word(word) {
            Some((encoding, bytes)) => match &mut pending {
                Some((of, so_far)) if *of == encoding => so_far.extend(bytes),
                Some((of, so_far)) => {
                    out.push_str(&of.decode_without_bom_handling(so_far).0);
                    pending = Some((encoding, bytes));
                }
                None => {
                    blank(&mut out);
                    pending = Some((encoding, bytes));
                }
            },
            None => {
                flush(&mut out, &mut pending);
                blank(&mut out);
                out.push_str(word);
            }
        }
    }
    flush(&mut out, &mut pending);
    out
}

fn blank(out: &mut String) {
    if !out.is_empty() {
        out.push(' ');
    }
}

fn flush(out: &mut String, pending: &mut Option<(&'static encoding_rs::Encoding, Vec<u8>)>) {
    if let Some((encoding, bytes)) = pending.take() {
        out.push_str(&encoding.decode_without_bom_handling(&bytes).0);
    }
}

/// `=?charset[*language]?B|Q?data?=`
fn encoded_word(word: &str) -> Option<(&'static encoding_rs::Encoding, Vec<u8>)> {
    let mut parts = word.strip_prefix("=?")?.strip_suffix("?=")?.splitn(3, '?');
    let (charset, kind, data) = (parts.next()?, parts.next()?, parts.next()?);
    let charset = charset.split('*').next().unwrap_or(charset);
    let encoding = encoding_rs::Encoding::for_label(charset.as_bytes())?;
    let bytes = match kind {
        "B" | "b" => LENIENT.decode(data).ok()?,
        "Q" | "q" => quoted(data.as_bytes()),
        _ => return None,
    };
    Some((encoding, bytes))
}

fn quoted(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len());
    let mut at = 0;
    while let Some(byte) = data.get(at) {
        let hex = |i: usize| data.get(i).and_then(|b| char::from(*b).to_digit(16));
        match (byte, hex(at + 1), hex(at + 2)) {
            (b'=', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                at += 2;
            }
            (b'_', _, _) => out.push(b' '),
            _ => out.push(*byte),
        }
        at += 1;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(value: &str) -> Option<String> {
        subject_of(format!("From: a\r\nSUBJECT: {value}\r\n\r\nSubject: body").as_bytes())
    }

    #[test]
    fn encoded_words_are_decoded() {
        assert_eq!(
            subject("=?UTF-8?B?R3LDvMOfZQ==?= aus =?iso-8859-1?q?K=F6ln_am_Rhein?=").unwrap(),
            "Grüße aus Köln am Rhein"
        );
        assert_eq!(subject("=?utf-8?Q?a?=\r\n =?utf-8?Q?b?=").unwrap(), "ab");
        assert!(subject("=?utf-8?B?w?= =?utf-8?B?bw=?=").is_some(), "broken words are no failure");
        assert_eq!(subject("=?utf-8?Q?=C3?= =?utf-8?Q?=BC?=").unwrap(), "ü");
        assert_eq!(subject("=?nonsense?Q?a?= plain").unwrap(), "=?nonsense?Q?a?= plain");
    }

    #[test]
    fn raw_bytes_lengths_and_controls_are_bounded() {
        assert_eq!(subject_of(b"Subject: caf\xe9\r\n\r\n").unwrap(), "café");
        assert_eq!(subject("a\u{7}b =?utf-8?Q?=0D=0A?= c").unwrap(), "a b    c");
        assert_eq!(subject(&"ü".repeat(999)).unwrap().chars().count(), SUBJECT_LIMIT);
        assert_eq!(subject(""), None);
        assert_eq!(subject_of(b"\r\nSubject: body\r\n"), None);
    }
}
