//! Typed responses, read tolerantly: any attribute order, unknown attributes passed over, unknown codes kept raw.
//!
//! Decides nothing; pure. What does not fit becomes a text for a failure, never a panic.

#![deny(clippy::indexing_slicing, clippy::string_slice, reason = "it reads what strangers wrote")]

use std::collections::BTreeSet;

use bytes::Bytes;

use super::attributes::{counts, fetch, listed, usable};
use super::framer::excerpt;
use super::scrub::Scrub;
use super::token::{Cursor, Literal, Odd, Parsed, Raw};
use crate::domain::flags::Flags;
use crate::domain::folder::UidValidity;
use crate::domain::ids::Uid;
use crate::domain::message::{InternalDate, MessageKey};

/// The word of a status response (RFC 9051 §7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// `OK`
    Ok,
    /// `NO`
    No,
    /// `BAD`
    Bad,
    /// `BYE`
    Bye,
    /// `PREAUTH`
    PreAuth,
}

/// A response code with its arguments, raw: `[APPENDUID 1 2]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Code {
    /// Upper case; empty when there is no code.
    pub(super) name: String,
    /// What follows the name.
    pub(super) arguments: String,
}

impl Code {
    /// The first number among the arguments.
    pub(super) fn number(&self) -> Option<u64> {
        self.arguments.split_ascii_whitespace().next()?.parse().ok()
    }

    /// Of a command of which the server did only a part (MESSAGELIMIT, RFC 9738): how many messages it lets one be about, and
    /// the last one that it came to, if it told.
    pub(super) fn cut_short(&self) -> Option<(u32, Option<Uid>)> {
        let mut words = self.arguments.split_ascii_whitespace();
        let most = words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
        let last = words.next().and_then(|word| usable(word.as_bytes()));
        (self.name == "MESSAGELIMIT").then_some((most, last))
    }

    /// UIDVALIDITY and UIDs of an `APPENDUID`, one for each message in the order of sending (RFC 4315 §3: the set may be
    /// written as ranges). Bounded: a set of more than 10,000 is not believed.
    pub(super) fn append_uids(&self) -> Option<(UidValidity, Vec<Uid>)> {
        let mut words = self.arguments.split_ascii_whitespace();
        let (validity, set) = (UidValidity::new(words.next()?.parse().ok()?)?, words.next()?);
        if self.name != "APPENDUID" || words.next().is_some() {
            return None;
        }
        let mut uids = Vec::new();
        for part in set.split(',') {
            let (first, last) = part.split_once(':').unwrap_or((part, part));
            let (first, last) = (usable(first.as_bytes())?.0, usable(last.as_bytes())?.0);
            let (low, high) = (first.min(last), first.max(last));
            if high - low >= 10_000 || uids.len() >= 10_000 {
                return None;
            }
            uids.extend((low..=high).map(Uid));
        }
        Some((validity, uids))
    }
}

/// Code and human text of a status response.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    /// The code.
    pub(super) code: Code,
    /// The text, code left out.
    pub(super) text: String,
}

impl Told {
    /// The same without passwords.
    pub(super) fn scrubbed(self, scrub: &Scrub) -> Self {
        let Code { name, arguments } = self.code;
        let code = Code { name: scrub.clean(&name), arguments: scrub.clean(&arguments) };
        Self { code, text: scrub.clean(&self.text) }
    }

    /// As the server wrote it, for people.
    pub(super) fn words(&self) -> String {
        let Code { name, arguments } = &self.code;
        match (name.is_empty(), arguments.is_empty()) {
            (true, _) => self.text.clone(),
            (_, true) => format!("[{name}] {}", self.text),
            _ => format!("[{name} {arguments}] {}", self.text),
        }
    }
}

/// One folder of a LIST or LSUB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    /// Attributes, lower case.
    pub(super) attributes: Vec<String>,
    /// Separator; none in a flat name space.
    pub(super) separator: Option<char>,
    /// Raw name.
    pub(super) name: Vec<u8>,
}

/// What a STATUS tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct StatusCounts {
    pub(super) messages: Option<u32>,
    pub(super) uid_next: Option<Uid>,
    pub(super) uid_validity: Option<u64>,
    pub(super) highest_modseq: Option<u64>,
    pub(super) size: Option<u64>,
    pub(super) mailbox_id: Option<String>,
}

/// What one FETCH response tells.
#[derive(Default)]
pub(super) struct Fetch {
    /// The message's place in the folder when it was told.
    pub(super) number: u32,
    /// None where it is missing or cannot be one (0, `NIL`, more than 63 bits). More than the 32 bits of RFC 9051 are met.
    pub(super) uid: Option<Uid>,
    pub(super) flags: Option<Flags>,
    pub(super) size: Option<u32>,
    /// Whether a date was told, readable or not.
    pub(super) dated: bool,
    pub(super) date: Option<InternalDate>,
    pub(super) header: Option<Bytes>,
    /// EMAILID or X-GM-MSGID.
    pub(super) key: Option<MessageKey>,
    /// The whole message; none when missing or `NIL`.
    pub(super) body: Option<Literal>,
}

/// Prefixes and separators (RFC 2342).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Namespaces {
    pub(super) personal: Vec<(Vec<u8>, Option<char>)>,
    /// Other users' and shared ones.
    pub(super) foreign: Vec<Vec<u8>>,
}

/// One response.
pub(super) enum ServerResponse {
    /// The end of a command.
    Tagged(u32, Status, Told),
    /// `* OK …` and its like.
    Status(Status, Told),
    /// `+ …`
    Continue(String),
    Capability(BTreeSet<String>),
    List(Listed),
    Lsub(Listed),
    Counts(Vec<u8>, StatusCounts),
    Fetch(Box<Fetch>),
    Exists(u32),
    /// The message at this place is gone; those behind it move up.
    Expunge(u32),
    /// The flags in use in the folder.
    Flags,
    Namespace(Namespaces),
    /// Bytes that are used and that may be, where the quota is one of those.
    Quota(Option<(u64, u64)>),
    /// Anything else, passed over.
    Other,
}

/// The tag of command number `n`.
pub(super) fn tag(n: u32) -> String {
    format!("A{n}")
}

/// Whether the line that begins with this text is one that may hold literals.
pub(super) fn may_hold_literals(line: &[u8]) -> bool {
    let Some(rest) = line.trim_ascii_start().strip_prefix(b"* ") else { return false };
    let word = rest.trim_ascii_start().split(|b| b.is_ascii_whitespace()).next().unwrap_or(rest);
    status(word).is_none()
}

fn status(word: &[u8]) -> Option<Status> {
    let all = [
        (Status::Ok, "OK"),
        (Status::No, "NO"),
        (Status::Bad, "BAD"),
        (Status::Bye, "BYE"),
        (Status::PreAuth, "PREAUTH"),
    ];
    all.into_iter().find(|(_, name)| word.eq_ignore_ascii_case(name.as_bytes())).map(|(status, _)| status)
}

/// A line that cannot be read.
#[derive(Debug)]
pub(super) enum Unread {
    /// It says nothing; the next one may be read.
    Line,
    /// What is behind a literal does not fit: where the next line begins nobody knows. A text about it.
    OutOfStep(String),
}

/// Reads one response.
pub(super) fn parse(raw: Raw) -> Result<ServerResponse, Unread> {
    let Raw { text, literals } = raw;
    let has_literals = !literals.is_empty();
    let mut cursor = Cursor::new(&text, literals);
    read(&mut cursor).map_err(|Odd| {
        let holds = |name: &[u8]| text.windows(name.len()).any(|piece| piece.eq_ignore_ascii_case(name));
        let names: [&[u8]; 4] = [b"BODY[", b"BODY.PEEK[", b"RFC822 ", b"RFC822.HEADER"];
        let in_doubt = has_literals || cursor.is_behind_a_literal() || names.into_iter().any(holds);
        match in_doubt {
            true => Unread::OutOfStep(format!("not an IMAP response: {}", excerpt(&text))),
            false => Unread::Line,
        }
    })
}

fn read(cursor: &mut Cursor<'_>) -> Parsed<ServerResponse> {
    if cursor.accept(b'+') {
        return Ok(ServerResponse::Continue(String::from_utf8_lossy(cursor.rest()).trim().to_owned()));
    }
    let tag = cursor.word()?;
    if tag != b"*" {
        let number = tag.strip_prefix(b"A").or_else(|| tag.strip_prefix(b"a")).ok_or(Odd)?;
        let number = std::str::from_utf8(number).ok().and_then(|number| number.parse().ok()).ok_or(Odd)?;
        return Ok(tagged(number, cursor.rest().trim_ascii_start()));
    }
    let word = cursor.word()?;
    if let Some(status) = status(word) {
        return Ok(ServerResponse::Status(status, told(cursor.rest())));
    }
    if word.iter().all(u8::is_ascii_digit) {
        let number: u64 = std::str::from_utf8(word).ok().and_then(|n| n.parse().ok()).ok_or(Odd)?;
        return Ok(match cursor.word()?.to_ascii_uppercase().as_slice() {
            b"FETCH" => {
                // A place that cannot be one is nobody's.
                let number = u32::try_from(number).unwrap_or(0);
                ServerResponse::Fetch(Box::new(Fetch { number, ..fetch(cursor)? }))
            }
            b"EXISTS" => ServerResponse::Exists(u32::try_from(number).map_err(|_| Odd)?),
            b"EXPUNGE" => ServerResponse::Expunge(u32::try_from(number).map_err(|_| Odd)?),
            _ => ServerResponse::Other,
        });
    }
    Ok(match word.to_ascii_uppercase().as_slice() {
        b"CAPABILITY" => ServerResponse::Capability(capabilities(&String::from_utf8_lossy(cursor.rest()))),
        b"LIST" | b"XLIST" => ServerResponse::List(listed(cursor)?),
        b"LSUB" => ServerResponse::Lsub(listed(cursor)?),
        b"STATUS" => {
            let name = cursor.bytes()?.ok_or(Odd)?;
            ServerResponse::Counts(name, counts(cursor)?)
        }
        b"FLAGS" => ServerResponse::Flags,
        // One that cannot be read tells none: the separator is asked for in another way.
        b"NAMESPACE" => namespaces(cursor).map_or(ServerResponse::Other, ServerResponse::Namespace),
        b"QUOTA" => ServerResponse::Quota(quota(cursor).unwrap_or_default()),
        _ => ServerResponse::Other,
    })
}

/// The end of a command. One that begins with no word that an end may have is no success.
fn tagged(number: u32, rest: &[u8]) -> ServerResponse {
    let word = rest.split(|b| matches!(b, b' ' | b'[')).next().unwrap_or(rest);
    match status(word) {
        Some(status @ (Status::Ok | Status::No | Status::Bad)) => {
            ServerResponse::Tagged(number, status, told(rest.get(word.len()..).unwrap_or_default()))
        }
        Some(Status::Bye | Status::PreAuth) | None => ServerResponse::Tagged(number, Status::Bad, told(rest)),
    }
}

/// Splits `[CODE arguments] text`.
fn told(rest: &[u8]) -> Told {
    let rest = String::from_utf8_lossy(rest);
    let rest = rest.trim();
    let Some((code, text)) = rest.strip_prefix('[').and_then(|r| r.split_once(']')) else {
        return Told { code: Code::default(), text: rest.to_owned() };
    };
    let (name, arguments) = code.trim().split_once(' ').unwrap_or((code.trim(), ""));
    let code = Code { name: name.to_ascii_uppercase(), arguments: arguments.trim().to_owned() };
    Told { code, text: text.trim().to_owned() }
}

/// The words of a CAPABILITY response or code, upper case.
pub(super) fn capabilities(text: &str) -> BTreeSet<String> {
    text.split_ascii_whitespace().map(str::to_ascii_uppercase).collect()
}

/// `root (STORAGE used limit …)`, in units of 1024 bytes (RFC 9208 §5.1).
fn quota(cursor: &mut Cursor<'_>) -> Parsed<Option<(u64, u64)>> {
    cursor.bytes()?;
    cursor.expect(b'(')?;
    let mut storage = None;
    loop {
        cursor.blanks();
        if cursor.accept(b')') {
            return Ok(storage);
        }
        let resource = cursor.word()?;
        let (used, limit) = (cursor.number_if_any()?, cursor.number_if_any()?);
        if resource.eq_ignore_ascii_case(b"STORAGE") {
            storage = used.zip(limit).map(|(used, limit)| (used.saturating_mul(1024), limit.saturating_mul(1024)));
        }
    }
}

fn namespaces(cursor: &mut Cursor<'_>) -> Parsed<Namespaces> {
    let mut all = Namespaces { personal: namespace(cursor)?, foreign: Vec::new() };
    // Some servers leave the last ones out.
    while !cursor.at_end() {
        all.foreign.extend(namespace(cursor)?.into_iter().map(|(prefix, _)| prefix));
    }
    Ok(all)
}

fn namespace(cursor: &mut Cursor<'_>) -> Parsed<Vec<(Vec<u8>, Option<char>)>> {
    let mut entries = Vec::new();
    cursor.blanks();
    if !cursor.accept(b'(') {
        return cursor.string().map(|_| entries);
    }
    loop {
        cursor.blanks();
        if cursor.accept(b')') {
            return Ok(entries);
        }
        cursor.expect(b'(')?;
        let prefix = cursor.bytes()?.unwrap_or_default();
        let separator = cursor.bytes()?.and_then(|s| s.first().map(|b| char::from(*b)));
        entries.push((prefix, separator));
        loop {
            cursor.blanks();
            if cursor.accept(b')') {
                break;
            }
            cursor.skip(0)?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn append_uid_sets_are_read_in_order() {
        let code = |arguments: &str| Code { name: "APPENDUID".into(), arguments: arguments.into() };
        let uids = |numbers: &[i64]| Some(numbers.iter().copied().map(Uid).collect());
        assert_eq!(code("7 12").append_uids(), UidValidity::new(7).zip(uids(&[12])));
        assert_eq!(code("7 12:14,20,30:29").append_uids(), UidValidity::new(7).zip(uids(&[12, 13, 14, 20, 29, 30])));
        let wide = code("1099511627776 4294967296:4294967297").append_uids();
        assert_eq!(wide, UidValidity::new(1 << 40).zip(uids(&[1 << 32, (1 << 32) + 1])), "more than 32 bits");
        for odd in ["", "7", "0 1", "7 0", "7 -3", "7 1:99999999", "7 x", "7 1 2", "7 1:4294967295,2", "7 *"] {
            assert_eq!(code(odd).append_uids(), None, "{odd}");
        }
    }
}
