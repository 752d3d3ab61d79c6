//! What a message holds: hashes over its bytes, taken as they come (D8, D15).
//!
//! Nothing here keeps more than a header, which is at most 256 KiB.

#![deny(clippy::indexing_slicing, clippy::string_slice, reason = "it reads what strangers wrote")]

use super::cleaning::Cleaner;
use super::header::{HEADER_LIMIT, header_of, lines};

pub(super) fn tagged(rung: u8) -> blake3::Hasher {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&[rung]);
    hasher
}

pub(super) fn short(hasher: &blake3::Hasher) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    bytes
}

/// A hash over bytes in CRLF form: a lone LF counts as CRLF, a lone CR stays. Borders between updates do not matter.
#[derive(Clone)]
pub(super) struct Normalised {
    hasher: blake3::Hasher,
    ended_in_cr: bool,
}

impl Normalised {
    pub fn new(tag: u8) -> Self {
        Self { hasher: tagged(tag), ended_in_cr: false }
    }

    pub fn update(&mut self, bytes: &[u8]) {
        let (mut done, mut rest) = (0, bytes);
        for lf in memchr::memchr_iter(b'\n', bytes) {
            let after_cr = lf.checked_sub(1).map_or(self.ended_in_cr, |before| bytes.get(before) == Some(&b'\r'));
            if !after_cr && let Some((line, after)) = rest.split_at_checked(lf - done) {
                self.hasher.update(line);
                self.hasher.update(b"\r");
                (done, rest) = (lf, after);
            }
        }
        self.hasher.update(rest);
        if let Some(last) = bytes.last() {
            self.ended_in_cr = *last == b'\r';
        }
    }

    /// The hash of all bytes given.
    pub fn hash(&self) -> [u8; 16] {
        short(&self.hasher)
    }
}

/// Finds where the header of a message ends, in bytes as they come.
#[derive(Clone)]
pub(super) struct HeaderEnd {
    /// Bytes of the header so far, at most [`HEADER_LIMIT`].
    header: Vec<u8>,
    ended: bool,
}

impl HeaderEnd {
    pub fn new() -> Self {
        Self { header: Vec::new(), ended: false }
    }

    /// Takes the next bytes and answers those of them that belong to the body.
    pub fn body<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        if self.ended {
            return bytes;
        }
        let before = self.header.len();
        self.header.extend_from_slice(bytes.get(..HEADER_LIMIT - before).unwrap_or(bytes));
        let end = header_of(&self.header).len();
        // A header that ends with what has come so far may go on, unless its empty line is there.
        self.ended = end < self.header.len() || ends_a_header(&self.header) || end == HEADER_LIMIT;
        self.header.truncate(end);
        bytes.get(end - before..).unwrap_or_default()
    }
}

fn ends_a_header(header: &[u8]) -> bool {
    matches!(header, b"\n" | b"\r\n") || header.ends_with(b"\n\n") || header.ends_with(b"\n\r\n")
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
        ContentHash(self.0.hash())
    }
}

impl Default for ContentHasher {
    fn default() -> Self {
        Self::new()
    }
}

/// Lines of a header that are compared; a longer one has only equals.
const LINES: usize = 4096;

/// What programs add to a message on its way, besides most fields that begin with `X-`.
const ADDED: [&str; 10] = [
    "Received",
    "Return-Path",
    "Delivered-To",
    "Envelope-To",
    "Delivery-Date",
    "Received-SPF",
    "Authentication-Results",
    "DKIM-Signature",
    "Status",
    "Content-Length",
];

/// Fields that begin with `X-` and that people set, not programs.
const MEANT: [&str; 3] = ["X-Priority", "X-MSMail-Priority", "X-Unsent"];

/// What a message holds, so that a copy is known to which some program added header fields (mbsync: `X-TUID`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// All of it.
    pub content: ContentHash,
    /// The same of its cleaned form; none where it is clean.
    pub cleaned: Option<ContentHash>,
    /// Its bytes as they came.
    pub len: u64,
    body: [u8; 16],
    /// Header fields and other lines in order, as hashes whose last bit tells that a program may have added the line.
    /// None: too many, or not kept.
    lines: Option<Vec<u64>>,
}

impl Shape {
    /// Of a message in memory.
    pub fn of(message: &[u8]) -> Self {
        let mut shaper = Shaper::new();
        shaper.update(message);
        shaper.finish()
    }

    /// Without what takes much room: it has only equals from then on.
    #[must_use]
    pub fn without_lines(self) -> Self {
        Self { lines: None, ..self }
    }

    /// Whether it may hold another message, or be held, without being its equal.
    pub fn has_lines(&self) -> bool {
        self.lines.is_some()
    }

    /// Whether this is the other message with nothing but lines that programs add.
    pub fn holds(&self, other: &Self) -> bool {
        if self.content == other.content {
            return true;
        }
        let (Some(mine), Some(theirs)) = (&self.lines, &other.lines) else { return false };
        if self.body != other.body {
            return false;
        }
        let mut wanted = theirs.iter().peekable();
        mine.iter().all(|line| wanted.next_if_eq(&line).is_some() || line & 1 == 1) && wanted.peek().is_none()
    }

    /// What two messages share if one holds the other.
    pub fn body(&self) -> [u8; 16] {
        self.body
    }
}

/// Makes a [`Shape`] from bytes as they come.
#[derive(Clone)]
pub struct Shaper {
    content: ContentHasher,
    cleaner: Cleaner,
    cleaned: ContentHasher,
    header: HeaderEnd,
    body: Normalised,
    len: u64,
}

impl Shaper {
    /// No bytes yet.
    pub fn new() -> Self {
        let (content, cleaned) = (ContentHasher::new(), ContentHasher::new());
        let (header, body) = (HeaderEnd::new(), Normalised::new(7));
        Self { content, cleaner: Cleaner::default(), cleaned, header, body, len: 0 }
    }

    /// The next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.len += bytes.len() as u64;
        self.content.update(bytes);
        let Self { cleaner, cleaned, .. } = self;
        cleaner.update(bytes, &mut |piece| cleaned.update(piece));
        self.body.update(self.header.body(bytes));
    }

    /// Of all bytes given.
    pub fn finish(&self) -> Shape {
        let lines: Vec<u64> = lines(&self.header.header).take(LINES + 1).map(line).collect();
        let (content, mut cleaned) = (self.content.finish(), self.cleaned.clone());
        self.cleaner.clone().finish(&mut |piece| cleaned.update(piece));
        Shape {
            content,
            cleaned: Some(cleaned.finish()).filter(|cleaned| *cleaned != content),
            len: self.len,
            body: self.body.hash(),
            lines: (lines.len() <= LINES).then_some(lines),
        }
    }
}

impl Default for Shaper {
    fn default() -> Self {
        Self::new()
    }
}

fn line(bytes: &[u8]) -> u64 {
    let mut hash = Normalised::new(8);
    let ended = bytes.strip_suffix(b"\n").map_or(bytes, |bytes| bytes.strip_suffix(b"\r").unwrap_or(bytes));
    hash.update(ended);
    let [a, b, c, d, e, f, g, h, ..] = hash.hash();
    let name = bytes.split(|byte| *byte == b':').next().unwrap_or_default().trim_ascii_end();
    let is_one_of = |names: &[&str]| names.iter().any(|other| name.eq_ignore_ascii_case(other.as_bytes()));
    let by_programs = name.get(..2).is_some_and(|start| start.eq_ignore_ascii_case(b"X-"));
    let added = name.len() < bytes.len() && (is_one_of(&ADDED) || (by_programs && !is_one_of(&MEANT)));
    u64::from_be_bytes([a, b, c, d, e, f, g, h]) & !1 | u64::from(added)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::identity::{BytesIdentity, of_message};

    #[test]
    fn bytes_in_crlf_form() {
        let of = |b: &[u8]| ContentHash::of(b);
        assert_eq!(of(b"a\nb\n"), of(b"a\r\nb\r\n"));
        assert_ne!(of(b"a\rb"), of(b"a\r\nb"));
        assert_ne!(of(b"a\r\r\nb"), of(b"a\r\nb"));
        assert_ne!(of(b"a\r\n"), of(b"a"));
        assert_eq!(of_message(b"\n\nbinary\0"), of_message(b"\r\n\r\nbinary\0"));
        assert_ne!(of_message(b"").0, of(b"").0);
        assert_eq!(of_message(b"X-TUID: 1\r\n\r\nbinary"), of_message(b"\r\nbinary"), "what is added above the body");
        assert_ne!(of_message(b"\r\nbinary"), of_message(b"\r\nbinaries"));
    }

    #[test]
    fn a_copy_with_lines_that_programs_add_holds_the_message() {
        let plain = Shape::of(b"Subject: a\r\n b\r\nFrom: c\r\n\r\nbody\r\n");
        for copy in [
            "Subject: a\r\n b\r\nFrom: c\r\n\r\nbody\r\n",
            "Subject: a\n b\nFrom: c\n\nbody\n",
            "X-TUID: 1\r\nSubject: a\r\n b\r\nReceived: d\r\n\te\r\nFrom: c\r\nX-Spam: no\r\n\r\nbody\r\n",
        ] {
            assert!(Shape::of(copy.as_bytes()).holds(&plain), "{copy:?}");
        }
        for other in [
            "X-TUID: 1\r\nSubject: a\r\n b\r\nFrom: c\r\n\r\nBody\r\n",
            "X-TUID: 1\r\nFrom: c\r\nSubject: a\r\n b\r\n\r\nbody\r\n",
            "X-TUID: 1\r\nFrom: c\r\n\r\nbody\r\n",
            "Subject: a\r\n b\r\nFrom: c\r\nCc: d\r\n\r\nbody\r\n",
            "Subject: a\r\n b\r\nFrom: c\r\nX-Priority: 1\r\n\r\nbody\r\n",
            "Subject: a b\r\nFrom: c\r\n\r\nbody\r\n",
        ] {
            assert!(!Shape::of(other.as_bytes()).holds(&plain), "{other:?}");
        }
        let headless = Shape::of(b"\r\nbody");
        assert!(Shape::of(b"X-TUID: 1\r\n\r\nbody").holds(&headless));
        assert!(!headless.holds(&Shape::of(b"X-TUID: 1\r\n\r\nbody")));
        assert!(!Shape::of(b"other words").holds(&Shape::of(b"no colon")), "lines that are no fields count too");
        let plain_copy = Shape::of(b"X-TUID: 1\r\nSubject: a\r\n b\r\nFrom: c\r\n\r\nbody\r\n");
        assert!(!plain_copy.without_lines().holds(&plain));
        let long = "X-A: b\r\n".repeat(5000);
        assert!(!Shape::of(format!("{long}X-B: c\r\n\r\n").as_bytes()).holds(&Shape::of(long.as_bytes())));
    }

    proptest! {
        #[test]
        fn shapes_do_not_depend_on_how_bytes_come(
            lines in proptest::collection::vec("(X-A: b|Subject: c| d|)", 0..6), cut in 0usize..60, end in "(\r\n|\n)",
        ) {
            let message = lines.join(&end);
            let (mut shaper, cut) = (Shaper::new(), cut.min(message.len()));
            shaper.update(&message.as_bytes()[..cut]);
            shaper.update(&message.as_bytes()[cut..]);
            prop_assert_eq!(&shaper.finish(), &Shape::of(message.as_bytes()));
            let more = format!("X-New: line{end}{message}");
            if !message.starts_with(' ') {
                prop_assert!(Shape::of(more.as_bytes()).holds(&Shape::of(message.as_bytes())));
            }
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
    }
}
