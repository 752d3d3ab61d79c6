//! The identity ladder of D8: how a message is recognised on the other side.
//!
//! 1. `Message-ID` and the raw `Date` value. An absent date counts as empty; an empty id or `<>` is none.
//! 2. Otherwise the values of [`FIELDS`], if at least one of From, To, Subject and Date says something.
//! 3. Otherwise all bytes of the message, in CRLF form.
//!
//! Each rung hashes with BLAKE3 (128 bits) under a tag of its own, so that rungs never meet. Header values are taken
//! with every run of blanks, tabs and line breaks as one blank and none at the edges: servers fold anew and drop
//! trailing blanks, and folding must not make another message. Of a repeated field the first one counts. Only the first
//! [`HEADER_LIMIT`] bytes are looked at, on both sides alike. Nothing here keeps more than a few hundred bytes.

use serde::{Deserialize, Serialize};

/// The fields of rung 2, in the order in which they are hashed.
pub const FIELDS: [&str; 10] =
    ["Date", "From", "Sender", "Reply-To", "To", "Cc", "Bcc", "Subject", "In-Reply-To", "References"];

/// Bytes of a header that count; what endpoints cut a header without end to.
pub const HEADER_LIMIT: usize = 256 * 1024;

const DATE: usize = 0;
/// Positions in [`FIELDS`] of those of which rung 2 needs one: Date, From, To, Subject.
const NEEDED: [usize; 4] = [DATE, 1, 4, 7];

/// 16 bytes that are equal for two copies of one message on different servers. Twins share it: matching is a multiset.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Identity(pub [u8; 16]);

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

/// What a header tells about who a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FromHeader {
    /// The first two rungs: recognised by its header alone.
    Known(Identity),
    /// No usable header: only the bytes can tell; see [`BytesIdentity`].
    NeedsBytes,
}

/// The first two rungs of the ladder. `header` may go on behind its empty line (a whole message) or lack it.
pub fn of_header(header: &[u8]) -> FromHeader {
    let header = header_of(header);
    let mut values: [Option<&[u8]>; FIELDS.len()] = [None; FIELDS.len()];
    let mut message_id: Option<&[u8]> = None;
    for (name, value) in fields(header) {
        if name.eq_ignore_ascii_case(b"Message-ID") {
            message_id.get_or_insert(value);
        } else if let Some(at) = FIELDS.iter().position(|f| name.eq_ignore_ascii_case(f.as_bytes())) {
            values[at].get_or_insert(value);
        }
    }
    if let Some(id) = message_id.filter(|id| !matches!(id.trim_ascii(), b"" | b"<>")) {
        let mut hasher = tagged(1);
        hash_value(&mut hasher, id);
        hash_value(&mut hasher, values[DATE].unwrap_or_default());
        return FromHeader::Known(Identity(short(&hasher)));
    }
    if NEEDED.iter().all(|at| values[*at].unwrap_or_default().trim_ascii().is_empty()) {
        return FromHeader::NeedsBytes;
    }
    let mut hasher = tagged(2);
    for value in values {
        hash_value(&mut hasher, value.unwrap_or_default());
    }
    FromHeader::Known(Identity(short(&hasher)))
}

/// The whole ladder, for a message in memory.
pub fn of_message(message: &[u8]) -> Identity {
    match of_header(message) {
        FromHeader::Known(identity) => identity,
        FromHeader::NeedsBytes => {
            let mut bytes = BytesIdentity::new();
            bytes.update(message);
            bytes.finish()
        }
    }
}

/// The header block: up to and including the empty line, or everything when there is none; at most [`HEADER_LIMIT`].
pub fn header_of(message: &[u8]) -> &[u8] {
    let message = &message[..message.len().min(HEADER_LIMIT)];
    let mut start = 0;
    for lf in memchr::memchr_iter(b'\n', message) {
        if matches!(&message[start..lf], b"" | b"\r") {
            return &message[..=lf];
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
            let field = &header[start..at];
            if let Some(colon) = memchr::memchr2(b':', b'\n', field)
                && field[colon] == b':'
                && !matches!(field[0], b' ' | b'\t')
            {
                let name = field[..colon].trim_ascii_end();
                if !name.is_empty() {
                    return Some((name, &field[colon + 1..]));
                }
            }
        }
        None
    })
}

/// Where the field that starts at `start` ends: behind the first line break that no blank or tab follows.
fn end_of_field(header: &[u8], start: usize) -> usize {
    let mut at = start;
    while let Some(lf) = memchr::memchr(b'\n', &header[at..]) {
        at += lf + 1;
        if !matches!(header.get(at), Some(b' ' | b'\t')) {
            return at;
        }
    }
    header.len()
}

fn tagged(rung: u8) -> blake3::Hasher {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&[rung]);
    hasher
}

fn short(hasher: &blake3::Hasher) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    bytes
}

/// Hashes a value with its blanks collapsed and a line feed behind it, which no collapsed value holds.
fn hash_value(hasher: &mut blake3::Hasher, value: &[u8]) {
    let mut piece = [0u8; 256];
    let mut len = 0;
    let mut blank = false;
    for byte in value.trim_ascii() {
        if matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b'\x0c') {
            blank = true;
            continue;
        }
        if len + 2 > piece.len() {
            hasher.update(&piece[..len]);
            len = 0;
        }
        if std::mem::take(&mut blank) {
            piece[len] = b' ';
            len += 1;
        }
        piece[len] = *byte;
        len += 1;
    }
    hasher.update(&piece[..len]);
    hasher.update(b"\n");
}

/// A hash over bytes in CRLF form: a lone LF counts as CRLF, a lone CR stays. Borders between updates do not matter.
#[derive(Clone)]
struct Normalised {
    hasher: blake3::Hasher,
    ended_in_cr: bool,
}

impl Normalised {
    fn new(tag: u8) -> Self {
        Self { hasher: tagged(tag), ended_in_cr: false }
    }

    fn update(&mut self, bytes: &[u8]) {
        let mut done = 0;
        for lf in memchr::memchr_iter(b'\n', bytes) {
            let after_cr = if lf == 0 { self.ended_in_cr } else { bytes[lf - 1] == b'\r' };
            if !after_cr {
                self.hasher.update(&bytes[done..lf]);
                self.hasher.update(b"\r");
                done = lf;
            }
        }
        self.hasher.update(&bytes[done..]);
        if let Some(last) = bytes.last() {
            self.ended_in_cr = *last == b'\r';
        }
    }
}

/// Rung 3: the identity of a message whose header says nothing, from its bytes as they come.
#[derive(Clone)]
pub struct BytesIdentity(Normalised);

impl BytesIdentity {
    /// No bytes yet.
    pub fn new() -> Self {
        Self(Normalised::new(3))
    }

    /// The next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The identity of all bytes given.
    pub fn finish(&self) -> Identity {
        Identity(short(&self.0.hasher))
    }
}

impl Default for BytesIdentity {
    fn default() -> Self {
        Self::new()
    }
}

/// BLAKE3-128 over all bytes of a message in CRLF form: tells apart messages of equal identity (D9).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentHash(pub [u8; 16]);

impl ContentHash {
    /// The hash of a message in memory.
    pub fn of(message: &[u8]) -> Self {
        let mut hasher = ContentHasher::new();
        hasher.update(message);
        hasher.finish()
    }
}

impl std::fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

/// Makes a [`ContentHash`] from bytes as they come.
#[derive(Clone)]
pub struct ContentHasher(Normalised);

impl ContentHasher {
    /// No bytes yet.
    pub fn new() -> Self {
        Self(Normalised::new(4))
    }

    /// The next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The hash of all bytes given.
    pub fn finish(&self) -> ContentHash {
        ContentHash(short(&self.0.hasher))
    }
}

impl Default for ContentHasher {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn known(header: &str) -> Identity {
        match of_header(header.as_bytes()) {
            FromHeader::Known(identity) => identity,
            FromHeader::NeedsBytes => panic!("no usable header: {header:?}"),
        }
    }

    #[test]
    fn rung_one_takes_the_first_message_id_and_the_date_only() {
        let plain = known("Message-ID: <a@b>\r\nDate: Mon, 1 Jan 2024 00:00:00 +0000\r\nSubject: x\r\n\r\nbody");
        let other =
            known("X: y\nsubject : z\nMESSAGE-id:  <a@b> \nMessage-ID: <c@d>\nDate:Mon, 1 Jan 2024 00:00:00 +0000\n");
        assert_eq!(plain, other);
        assert_ne!(plain, known("Message-ID: <a@b>\r\n\r\n"));
        assert_ne!(plain, known("Message-ID: <A@b>\r\nDate: Mon, 1 Jan 2024 00:00:00 +0000\r\n\r\n"));
    }

    #[test]
    fn rung_two_needs_a_field_that_says_something() {
        for nothing in
            ["", "\r\n", "\r\nSubject: in the body\r\n", "X: 1\r\n\r\n", ": no name\r\n\r\n", "Subject: \r\n \r\n\r\n"]
        {
            assert_eq!(of_header(nothing.as_bytes()), FromHeader::NeedsBytes, "{nothing:?}");
        }
        assert_eq!(of_header(b"Message-ID: <>\r\nX: 1\r\n\r\n"), FromHeader::NeedsBytes);
        assert_ne!(known("Subject: a\r\n\r\n"), known("Subject: b\r\n\r\n"));
        assert_ne!(known("Subject: a\r\n\r\n"), known("From: a\r\n\r\n"));
        assert_eq!(known("Subject: a\r\nFrom: b\r\n\r\n"), known("from: b\nX-Spam: yes\nSUBJECT: a\n\n"));
        assert_ne!(known("Message-ID: a\r\n\r\n"), known("Date: a\r\n\r\n"), "rungs never meet");
    }

    #[test]
    fn odd_headers_are_read_without_harm() {
        let usual = known("Subject: caf\u{e9}\r\nFrom: a\r\n\r\n");
        assert_eq!(
            usual,
            known(
                "From nobody Mon 10:00:00 2024\r\n: no name\r\n folded: on\r\nno colon here\r\nSubject: caf\u{e9}\r\nFrom: a"
            )
        );
        assert_ne!(of_header(b"Subject: \0\xff\r\n\r\n"), of_header(b"Subject: \0\xfe\r\n\r\n"));
        assert_eq!(of_header(b" Subject: continuation first\r\n\r\n"), FromHeader::NeedsBytes);
        assert_eq!(header_of(b"a: b\n\nbody"), b"a: b\n\n");
        assert_eq!(header_of(b"a: b\r\n\r\nbody"), b"a: b\r\n\r\n");
        assert_eq!(header_of(b"no end"), b"no end");
        assert_eq!(header_of(&vec![b'x'; HEADER_LIMIT + 9]).len(), HEADER_LIMIT);
    }

    #[test]
    fn bytes_in_crlf_form() {
        let of = |b: &[u8]| ContentHash::of(b);
        assert_eq!(of(b"a\nb\n"), of(b"a\r\nb\r\n"));
        assert_ne!(of(b"a\rb"), of(b"a\r\nb"));
        assert_ne!(of(b"a\r\r\nb"), of(b"a\r\nb"));
        assert_ne!(of(b"a\r\n"), of(b"a"));
        assert_eq!(of_message(b"\n\nbinary\0"), of_message(b"\r\n\r\nbinary\0"));
        assert_ne!(of_message(b"").0, of(b"").0);
    }

    #[test]
    fn many_messages_are_identified_quickly() {
        let mut message = String::from("Received: from a by b; Mon, 1 Jan 2024 00:00:00 +0000\r\n").repeat(20);
        message.push_str(
            "Message-ID: <0123456789@mail.example>\r\nDate: Mon, 1 Jan 2024 00:00:00 +0000\r\nSubject: x\r\n\r\n",
        );
        message.push_str(&"body line of a usual length, as mail has it, over and over\r\n".repeat(180));
        let start = std::time::Instant::now();
        for _ in 0..10_000 {
            std::hint::black_box(of_message(std::hint::black_box(message.as_bytes())));
        }
        let took = start.elapsed();
        let limit = if cfg!(debug_assertions) { 5_000 } else { 100 };
        assert!(took.as_millis() < limit, "10,000 messages took {took:?}");
    }

    proptest! {
        #[test]
        fn folding_and_line_ends_do_not_matter(
            words in proptest::collection::vec("[!-~]{1,12}", 1..12),
            folds in proptest::collection::vec(0usize..6, 12),
            id in proptest::bool::ANY,
        ) {
            let gap = |fold: &usize| [" ", "\r\n ", "\r\n\t", " \r\n  ", "\n ", "  "][*fold];
            let folded: String = words.iter().zip(&folds).map(|(w, f)| format!("{}{w}", gap(f))).collect();
            let name = if id { "Message-ID" } else { "Subject" };
            let plain = of_header(format!("{name}: {}\r\n\r\n", words.join(" ")).as_bytes());
            prop_assert_eq!(plain, of_header(format!("{name}:{folded} \r\nX: y\r\n\r\n").as_bytes()));
            prop_assert_eq!(plain, of_header(format!("{name}:{folded}\nX: y\n").as_bytes()));
        }

        #[test]
        fn chunks_and_line_ends_do_not_matter(
            bytes in proptest::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(0u8), any::<u8>()], 0..200),
            cuts in proptest::collection::vec(0usize..200, 0..6),
        ) {
            let whole = ContentHash::of(&bytes);
            let mut cuts: Vec<usize> = cuts.into_iter().map(|c| c.min(bytes.len())).collect();
            cuts.push(bytes.len());
            cuts.sort_unstable();
            let (mut hasher, mut rung, mut from) = (ContentHasher::new(), BytesIdentity::new(), 0);
            for cut in cuts {
                hasher.update(&bytes[from..cut]);
                rung.update(&bytes[from..cut]);
                from = cut;
            }
            prop_assert_eq!(hasher.finish(), whole);
            let mut at_once = BytesIdentity::new();
            at_once.update(&bytes);
            prop_assert_eq!(rung.finish(), at_once.finish());
            let mut crlf = Vec::new();
            for (i, b) in bytes.iter().enumerate() {
                if *b == b'\n' && (i == 0 || bytes[i - 1] != b'\r') {
                    crlf.push(b'\r');
                }
                crlf.push(*b);
            }
            prop_assert_eq!(ContentHash::of(&crlf), whole);
        }

        #[test]
        fn no_bytes_make_it_fail(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            of_message(&bytes);
            prop_assert!(bytes.starts_with(header_of(&bytes)));
        }
    }
}
