//! The identity ladder of D8: how a message is recognised on the other side. An identity proposes, content decides.
//!
//! 1. `Message-ID`, without blanks and comments, and the instant of `Date` (`instant`); a date that names none counts by
//!    its text. An empty id or `<>` is none.
//! 2. Otherwise the values of [`FIELDS`], if at least one of From, To, Subject and Date says something.
//! 3. Otherwise the bytes behind the header, in CRLF form.
//!
//! Each rung hashes with BLAKE3 (128 bits) under a tag of its own, so that rungs never meet. Header values are taken
//! with every run of blanks, tabs and line breaks as one blank and none at the edges: servers fold anew and drop
//! trailing blanks, and folding must not make another message. Of a repeated field the first one counts. Only the first
//! [`HEADER_LIMIT`](super::header::HEADER_LIMIT) bytes are looked at, on both sides alike. Nothing here keeps more than a few hundred bytes.
//!
//! Older versions took the first rung's values, and the third rung's bytes, as they were. Their watermarks have no
//! content: by that a mark tells which form it has (`Watermark::is_of`).

#![deny(clippy::indexing_slicing, clippy::string_slice, reason = "it reads what strangers wrote")]

use serde::{Deserialize, Serialize};

use super::content::{HeaderEnd, Normalised, short, tagged};
use super::header::{fields, header_of};
use super::instant::{self, end_of_comment};

/// The fields of rung 2, in the order in which they are hashed.
pub const FIELDS: [&str; 10] =
    ["Date", "From", "Sender", "Reply-To", "To", "Cc", "Bcc", "Subject", "In-Reply-To", "References"];

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

/// Who a message is, to this version and to older ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Names {
    /// What watermarks are written with.
    pub now: Identity,
    /// What watermarks without content were written with, by older versions.
    pub before: Identity,
    /// Without a Message-ID or a Date that names an instant: only its content can confirm who it is.
    pub weak: bool,
}

/// What a header tells about who a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FromHeader<Who = Identity> {
    /// The first two rungs: recognised by its header alone.
    Known(Who),
    /// No usable header: only the bytes can tell; see [`BytesIdentity`].
    NeedsBytes,
}

/// Rung 3: the identity of a message whose header says nothing, from its bytes as they come.
#[derive(Clone)]
pub struct BytesIdentity {
    header: HeaderEnd,
    body: Normalised,
    whole: Normalised,
}

impl BytesIdentity {
    /// No bytes yet.
    pub fn new() -> Self {
        Self { header: HeaderEnd::new(), body: Normalised::new(6), whole: Normalised::new(3) }
    }

    /// The next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.whole.update(bytes);
        self.body.update(self.header.body(bytes));
    }

    /// Who it is by all bytes given. What other programs put above the body does not count; older versions took all.
    pub fn finish(&self) -> Names {
        let (now, before) = (Identity(self.body.hash()), Identity(self.whole.hash()));
        Names { now, before, weak: true }
    }
}

impl Default for BytesIdentity {
    fn default() -> Self {
        Self::new()
    }
}

/// The first two rungs of the ladder. `header` may go on behind its empty line (a whole message) or lack it.
pub fn of_header(header: &[u8]) -> FromHeader {
    match names_of(header) {
        FromHeader::Known(names) => FromHeader::Known(names.now),
        FromHeader::NeedsBytes => FromHeader::NeedsBytes,
    }
}

/// The first two rungs, in both forms.
pub fn names_of(header: &[u8]) -> FromHeader<Names> {
    let header = header_of(header);
    let mut values: [Option<&[u8]>; FIELDS.len()] = [None; FIELDS.len()];
    let mut message_id: Option<&[u8]> = None;
    for (name, value) in fields(header) {
        if name.eq_ignore_ascii_case(b"Message-ID") {
            message_id.get_or_insert(value);
        } else if let Some(at) = FIELDS.iter().position(|f| name.eq_ignore_ascii_case(f.as_bytes()))
            && let Some(first) = values.get_mut(at)
        {
            first.get_or_insert(value);
        }
    }
    let date = values.get(DATE).copied().flatten().unwrap_or_default();
    let before = match message_id.filter(|id| !matches!(id.trim_ascii(), b"" | b"<>")) {
        Some(id) => Some(first_rung_before(id, date)),
        None => second_rung(&values),
    };
    let bare = message_id.map(bare_id).filter(|id| !matches!(id.as_slice(), b"" | b"<>"));
    let instant = instant::of_date(date);
    let now = match &bare {
        Some(id) => Some(first_rung(id, date, instant)),
        None => second_rung(&values),
    };
    match (now, before) {
        (Some(now), Some(before)) => {
            FromHeader::Known(Names { now, before, weak: bare.is_none() || instant.is_none() })
        }
        // Only an id that is nothing but a comment is one to older versions and none to this one.
        (None, _) | (_, None) => FromHeader::NeedsBytes,
    }
}

/// The Message-ID of a header by itself, if there is one: what a server that alters messages leaves of them.
pub fn id_of(header: &[u8]) -> Option<Identity> {
    let id = fields(header_of(header)).find(|(name, _)| name.eq_ignore_ascii_case(b"Message-ID"));
    let bare = id.map(|(_, value)| bare_id(value)).filter(|id| !matches!(id.as_slice(), b"" | b"<>"))?;
    let mut hasher = tagged(9);
    hash_value(&mut hasher, &bare);
    Some(Identity(short(&hasher)))
}

/// The whole ladder, for a message in memory.
pub fn of_message(message: &[u8]) -> Identity {
    match of_header(message) {
        FromHeader::Known(identity) => identity,
        FromHeader::NeedsBytes => {
            let mut bytes = BytesIdentity::new();
            bytes.update(message);
            bytes.finish().now
        }
    }
}

fn first_rung(id: &[u8], date: &[u8], instant: Option<i64>) -> Identity {
    let mut hasher = tagged(5);
    hash_value(&mut hasher, id);
    match instant {
        Some(instant) => hasher.update(b"@").update(&instant.to_be_bytes()),
        None => {
            hash_value(&mut hasher, date);
            &mut hasher
        }
    };
    Identity(short(&hasher))
}

fn first_rung_before(id: &[u8], date: &[u8]) -> Identity {
    let mut hasher = tagged(1);
    hash_value(&mut hasher, id);
    hash_value(&mut hasher, date);
    Identity(short(&hasher))
}

fn second_rung(values: &[Option<&[u8]>]) -> Option<Identity> {
    let value = |at: &usize| values.get(*at).copied().flatten().unwrap_or_default();
    if NEEDED.iter().all(|at| value(at).trim_ascii().is_empty()) {
        return None;
    }
    let mut hasher = tagged(2);
    for value in values {
        hash_value(&mut hasher, value.unwrap_or_default());
    }
    Some(Identity(short(&hasher)))
}

/// A Message-ID without blanks and comments. Inside the angle brackets parentheses are a comment only where a blank sets
/// them apart: ids in the wild are made of all letters.
fn bare_id(value: &[u8]) -> Vec<u8> {
    let mut bare = Vec::with_capacity(value.len());
    let (mut at, mut inside) = (0, false);
    while let Some(byte) = value.get(at) {
        let apart = |end: usize| {
            !inside
                || at.checked_sub(1).and_then(|at| value.get(at)).is_some_and(u8::is_ascii_whitespace)
                || value.get(end).is_some_and(u8::is_ascii_whitespace)
        };
        let comment = (*byte == b'(').then(|| end_of_comment(value, at)).flatten().filter(|end| apart(*end));
        if let Some(end) = comment {
            at = end;
            continue;
        }
        match byte {
            b'<' => inside = true,
            b'>' => inside = false,
            _ => {}
        }
        if !byte.is_ascii_whitespace() {
            bare.push(*byte);
        }
        at += 1;
    }
    bare
}

/// Hashes a value with its blanks collapsed and a line feed behind it, which no collapsed value holds.
#[expect(clippy::indexing_slicing, reason = "there is room for two more whenever one is put in")]
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::content::ContentHash;
    use crate::domain::flags::Flags;
    use crate::domain::header::HEADER_LIMIT;
    use crate::domain::ids::{FolderId, Uid};
    use crate::domain::record::{Origin, Watermark};

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
    fn a_date_counts_as_an_instant_and_an_id_without_blanks_and_comments() {
        let plain = known("Message-ID: <a@b>\r\nDate: Sat, 1 Feb 2003 04:05:06 +0530\r\n\r\n");
        for same in [
            "Date: Fri, 31 Jan 2003 22:35:06 GMT\r\nMessage-Id: <a@b> (added by gate.example)\r\n\r\n",
            "Date: 31 Jan 03 22:35:06 -0000 (UTC)\r\nMessage-ID: (c (d)) <a @ b>\r\n\r\n",
            "Date: 2003-01-31T22:35:06Z\r\nMessage-ID:\r\n <a (left out) @b>\r\n\r\n",
        ] {
            assert_eq!(known(same), plain, "{same:?}");
        }
        for other in [
            "Date: Sat, 1 Feb 2003 04:05:06 +0500\r\nMessage-ID: <a@b>\r\n\r\n",
            "Date: Sat, 1 Feb 2003 04:05:07 +0530\r\nMessage-ID: <a@b>\r\n\r\n",
            "Date: Sat, 1 Feb 2003 04:05:06 +0530\r\nMessage-ID: <a(1)@b>\r\n\r\n",
        ] {
            assert_ne!(known(other), plain, "{other:?}");
        }
        let odd = |date: &str| known(&format!("Message-ID: <a@b>\r\nDate: {date}\r\n\r\n"));
        assert_eq!(odd("some  time\r\n ago"), odd("some time ago"));
        assert_ne!(odd("some time ago"), odd("long ago"));
        assert_eq!(of_header(b"Message-ID: (none)\r\nX: 1\r\n\r\n"), FromHeader::NeedsBytes);
    }

    #[test]
    fn an_id_by_itself_outlives_the_date() {
        let id = |header: &str| id_of(header.as_bytes());
        let plain = id("Message-ID: <a@b>\r\nDate: Sat, 1 Feb 2003 04:05:06 +0530\r\n\r\n");
        assert!(plain.is_some());
        assert_eq!(id("Received: x\r\nMessage-Id: (by us) <a@b>\r\n\r\nbody"), plain);
        assert_ne!(id("Message-ID: <a@c>\r\n\r\n"), plain);
        for none in ["", "Message-ID: <>\r\n\r\n", "Subject: x\r\n\r\nMessage-ID: <a@b>\r\n"] {
            assert_eq!(id(none), None, "{none:?}");
        }
    }

    #[test]
    fn names_without_an_id_or_an_instant_are_weak() {
        let weak = |header: &str| match names_of(header.as_bytes()) {
            FromHeader::Known(names) => names.weak,
            FromHeader::NeedsBytes => true,
        };
        assert!(!weak("Message-ID: <a@b>\r\nDate: 1 Feb 2003 04:05:06 +0530\r\n\r\n"));
        for header in ["Message-ID: <a@b>", "Message-ID: <a@b>\r\nDate: x", "Date: 1 Feb 2003 04:05:06 +0530", "X: y"] {
            assert!(weak(header), "{header:?}");
        }
    }

    #[test]
    fn marks_of_older_versions_are_known_by_the_older_form() {
        let header = b"Message-ID:  <a@b>\r\nDate: Sat, 1 Feb 2003\r\n 04:05:06 +0530\r\n\r\n";
        let FromHeader::Known(names) = names_of(header) else { panic!("no usable header") };
        let mut mark = Watermark {
            source: Uid(1),
            destination_folder: FolderId(1),
            destination: Uid(1),
            identity: Identity([0; 16]),
            content: None,
            flags: Flags::none().into(),
            origin: Origin::Copied,
        };
        mark.identity = first_rung_before(b"<a@b>", b"Sat, 1 Feb 2003 04:05:06 +0530");
        assert!(mark.is_of(&names) && names.now != names.before);
        assert_eq!(format!("{:?}", names.before), "b9baa67bf41fa53ad45ce5d5f8d03c51");
        mark.content = Some(ContentHash::of(b"x"));
        assert!(!mark.is_of(&names));
        mark.identity = names.now;
        assert!(mark.is_of(&names));
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
        fn no_bytes_make_it_fail(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            of_message(&bytes);
            prop_assert!(bytes.starts_with(header_of(&bytes)));
        }
    }
}
