//! The header block of a message and its fields, as they stand on the wire (RFC 5322, section 2.2).

#![deny(clippy::indexing_slicing, clippy::string_slice, reason = "it reads what strangers wrote")]

/// Bytes of a header that count; what endpoints cut a header without end to.
pub const HEADER_LIMIT: usize = 256 * 1024;

/// The header block: up to and including the empty line, or everything when there is none; at most [`HEADER_LIMIT`].
pub fn header_of(message: &[u8]) -> &[u8] {
    let message = message.get(..HEADER_LIMIT).unwrap_or(message);
    let mut start = 0;
    for lf in memchr::memchr_iter(b'\n', message) {
        if matches!(message.get(start..lf), Some(b"" | b"\r")) {
            return message.get(..=lf).unwrap_or(message);
        }
        start = lf + 1;
    }
    message
}

/// The fields of a header block as (name, raw value with its folds). Lines that are no field are passed over, with
/// their continuation lines.
pub(crate) fn fields(header: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < header.len() {
            let start = at;
            at = end_of_field(header, start);
            let field = header.get(start..at).unwrap_or_default();
            if let Some(end) = memchr::memchr2(b':', b'\n', field)
                && let Some((name, value)) = field.split_at_checked(end)
                && let Some(value) = value.strip_prefix(b":")
                && !matches!(field.first(), Some(b' ' | b'\t'))
            {
                let name = name.trim_ascii_end();
                if !name.is_empty() {
                    return Some((name, value));
                }
            }
        }
        None
    })
}

/// The lines of a header block, each with those it was folded into, without the empty line at its end.
pub(super) fn lines(header: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at;
        if matches!(header.get(start..)?, b"" | b"\n" | b"\r\n") {
            return None;
        }
        at = end_of_field(header, start);
        header.get(start..at)
    })
}

/// Where the field that starts at `start` ends: behind the first line break that no blank or tab follows.
fn end_of_field(header: &[u8], start: usize) -> usize {
    let mut at = start;
    while let Some(lf) = header.get(at..).and_then(|rest| memchr::memchr(b'\n', rest)) {
        at += lf + 1;
        if !matches!(header.get(at), Some(b' ' | b'\t')) {
            return at;
        }
    }
    header.len()
}
