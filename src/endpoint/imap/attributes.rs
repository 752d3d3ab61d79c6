//! What LIST, STATUS and FETCH tell of folders and messages, value by value: one that cannot be read is unknown, and all others
//! stay what they are. Pure.

#![deny(clippy::indexing_slicing, clippy::string_slice, reason = "it reads what strangers wrote")]

use super::response::{Fetch, Listed, StatusCounts};
use super::token::{Cursor, Literal, Odd, Parsed, RespText};
use crate::domain::flags::Flags;
use crate::domain::ids::Uid;
use crate::domain::message::{Body, MessageKey};
use crate::endpoint::date;

/// A number that can be one of a message.
pub(super) fn usable(text: &[u8]) -> Option<Uid> {
    std::str::from_utf8(text).ok()?.parse().ok().filter(|number| *number > 0).map(Uid)
}

/// A folder is not lost for what stands around its name: attributes and separator that cannot be read are unknown, and a name
/// that breaks the rules is what stands there.
pub(super) fn listed(cursor: &mut Cursor<'_>) -> Parsed<Listed> {
    let attributes = if cursor.opens_list() { cursor.words()? } else { cursor.skip(0).map(|()| Vec::new())? };
    let attributes = attributes.iter().map(|w| String::from_utf8_lossy(w).to_ascii_lowercase()).collect();
    let separator = separator(cursor)?;
    let start = cursor.rest().trim_ascii();
    let raw = || start.trim_ascii_start().to_vec();
    // A folder may really be called NIL: as an atom it is a name here.
    let name = match cursor.string() {
        Ok(RespText::Nil) => b"NIL".to_vec(),
        // Blanks in a name that is not quoted; in parentheses more may be told (RFC 5258).
        Ok(RespText::Inline(_)) if !(start.starts_with(b"\"") || cursor.at_end() || cursor.opens_list()) => raw(),
        Ok(RespText::Inline(bytes)) => bytes.into_owned(),
        // What does not fit behind it may be its own end.
        Ok(RespText::Literal(Literal { body: Body::Memory(bytes), .. })) if cursor.at_end() || cursor.opens_list() => {
            bytes.to_vec()
        }
        Ok(RespText::Literal(_)) => return Err(Odd),
        Err(Odd) if cursor.is_behind_a_literal() => return Err(Odd),
        Err(Odd) => raw(),
    };
    Ok(Listed { attributes, separator, name })
}

/// A quoted backslash is written `"\\"`, and by some `"\"`.
fn separator(cursor: &mut Cursor<'_>) -> Parsed<Option<char>> {
    cursor.blanks();
    if cursor.rest().starts_with(b"\"\\\" ") {
        cursor.accept(b'"');
        cursor.accept(b'\\');
        return cursor.expect(b'"').map(|()| Some('\\'));
    }
    Ok(cursor.bytes()?.and_then(|s| s.first().map(|b| char::from(*b))))
}

/// What may stand before a value in a STATUS.
fn is_counted(word: &[u8]) -> bool {
    let names: [&[u8]; 9] = [
        b"MESSAGES",
        b"RECENT",
        b"UIDNEXT",
        b"UIDVALIDITY",
        b"UNSEEN",
        b"HIGHESTMODSEQ",
        b"SIZE",
        b"MAILBOXID",
        b"DELETED",
    ];
    names.iter().any(|name| word.eq_ignore_ascii_case(name))
}

fn number(cursor: &mut Cursor<'_>) -> Parsed<Option<u64>> {
    Ok(cursor.value(is_counted, |cursor| cursor.number_if_any())?.flatten())
}

pub(super) fn counts(cursor: &mut Cursor<'_>) -> Parsed<StatusCounts> {
    let mut counts = StatusCounts::default();
    cursor.expect(b'(')?;
    while !cursor.at_end() && !cursor.accept(b')') {
        let name = cursor.word()?.to_ascii_uppercase();
        match name.as_slice() {
            b"MESSAGES" => counts.messages = number(cursor)?.and_then(|n| u32::try_from(n).ok()),
            b"UIDNEXT" => {
                counts.uid_next = number(cursor)?.and_then(|n| i64::try_from(n).ok()).filter(|n| *n > 0).map(Uid)
            }
            b"UIDVALIDITY" => counts.uid_validity = number(cursor)?,
            // 0 means that the folder keeps no mod-sequences (RFC 7162 §3.1.2.2).
            b"HIGHESTMODSEQ" => counts.highest_modseq = number(cursor)?.filter(|n| *n > 0),
            b"SIZE" => counts.size = number(cursor)?,
            b"MAILBOXID" => counts.mailbox_id = cursor.value(is_counted, object_id)?.flatten(),
            _ => {
                cursor.value(is_counted, |cursor| cursor.skip(0))?;
            }
        }
    }
    Ok(counts)
}

/// An id in parentheses (RFC 8474 §3: letters, digits, `_`, `-`, at most 255). What breaks these rules is none.
fn object_id(cursor: &mut Cursor<'_>) -> Parsed<Option<String>> {
    let id = cursor.words()?.into_iter().next();
    Ok(id.and_then(|id| as_object_id(&String::from_utf8_lossy(&id))))
}

/// An id of RFC 8474, if this can be one.
pub(super) fn as_object_id(text: &str) -> Option<String> {
    let letter = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
    ((1..=255).contains(&text.len()) && text.bytes().all(letter)).then(|| text.to_owned())
}

/// What may stand before a value in a FETCH.
fn is_fetched(word: &[u8]) -> bool {
    let names: [&[u8]; 10] = [
        b"UID",
        b"FLAGS",
        b"RFC822.SIZE",
        b"INTERNALDATE",
        b"EMAILID",
        b"THREADID",
        b"X-GM-MSGID",
        b"MODSEQ",
        b"RFC822",
        b"RFC822.HEADER",
    ];
    let begins = |with: &[u8]| word.get(..with.len()).is_some_and(|head| head.eq_ignore_ascii_case(with));
    names.iter().any(|name| word.eq_ignore_ascii_case(name)) || begins(b"BODY[") || begins(b"BODY.PEEK[")
}

/// Attributes of a message; one that cannot be read is unknown. Behind a literal everything must fit, to the end: else it is
/// not where it ended, and the literal was not what it seemed.
pub(super) fn fetch(cursor: &mut Cursor<'_>) -> Parsed<Fetch> {
    let mut fetch = Fetch::default();
    cursor.expect(b'(')?;
    loop {
        if cursor.at_end() {
            return if cursor.is_behind_a_literal() { Err(Odd) } else { Ok(fetch) };
        }
        if cursor.accept(b')') {
            return if cursor.at_end() || !cursor.is_behind_a_literal() { Ok(fetch) } else { Err(Odd) };
        }
        let name = cursor.attribute()?.to_ascii_uppercase();
        // Behind what is a message and cannot be read, its text would be taken for answers.
        let holds_text = name.starts_with(b"BODY") || (name.starts_with(b"RFC822") && name != b"RFC822.SIZE");
        if holds_text || cursor.is_behind_a_literal() {
            attribute(cursor, &name, &mut fetch)?;
            continue;
        }
        let known = cursor.value(is_fetched, |cursor| attribute(cursor, &name, &mut fetch))?;
        if known.is_none() && name == b"FLAGS" {
            fetch.flags = None;
        }
    }
}

fn attribute(cursor: &mut Cursor<'_>, name: &[u8], fetch: &mut Fetch) -> Parsed<()> {
    match name {
        b"UID" => fetch.uid = cursor.number_if_any()?.and_then(|n| i64::try_from(n).ok()).filter(|n| *n > 0).map(Uid),
        b"FLAGS" => fetch.flags = flags(cursor)?,
        // Larger than 32 bits: servers that count wrong. It is an estimate anyway.
        b"RFC822.SIZE" => fetch.size = cursor.number_if_any()?.map(|size| u32::try_from(size).unwrap_or(u32::MAX)),
        b"INTERNALDATE" => {
            fetch.dated = true;
            fetch.date = match cursor.opens_list() {
                true => cursor.skip(0).map(|()| None)?,
                false => cursor.bytes()?.and_then(|text| date::read(std::str::from_utf8(&text).ok()?)),
            };
        }
        b"EMAILID" if cursor.opens_list() => fetch.key = cursor.words()?.first().map(|id| MessageKey::of(id)),
        b"X-GM-MSGID" => fetch.key = cursor.number_if_any()?.map(|id| MessageKey::of(&id.to_be_bytes())),
        b"BODY[]" | b"BODY[]<0>" | b"BODY.PEEK[]" | b"RFC822" => fetch.body = literal(cursor)?,
        b"BODY[HEADER]" | b"BODY[HEADER]<0>" | b"RFC822.HEADER" => {
            fetch.header = match literal(cursor)? {
                Some(Literal { body: Body::Memory(bytes), .. }) => Some(bytes),
                _ => None,
            };
        }
        _ => cursor.skip(0)?,
    }
    Ok(())
}

/// A list of flags; `NIL` is none of them, told.
fn flags(cursor: &mut Cursor<'_>) -> Parsed<Option<Flags>> {
    if !cursor.opens_list() {
        return Ok(match cursor.string()? {
            RespText::Nil => Some(Flags::none()),
            RespText::Inline(_) | RespText::Literal(_) => None,
        });
    }
    let words = cursor.words()?;
    Ok(Some(Flags::from_names(words.iter().filter_map(|w| std::str::from_utf8(w).ok()))))
}

/// A message or its header; a bare word is neither.
fn literal(cursor: &mut Cursor<'_>) -> Parsed<Option<Literal>> {
    cursor.blanks();
    let quoted = cursor.peek() == Some(b'"');
    Ok(match cursor.string()? {
        RespText::Nil => None,
        RespText::Inline(_) if !quoted => return Err(Odd),
        RespText::Inline(bytes) => Some(Literal::small(bytes.into_owned())),
        RespText::Literal(literal) => Some(literal),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> StatusCounts {
        counts(&mut Cursor::new(text.as_bytes(), Vec::new())).expect("read")
    }

    fn message(text: &str, literals: Vec<Literal>) -> Parsed<Fetch> {
        fetch(&mut Cursor::new(text.as_bytes(), literals))
    }

    #[test]
    fn p1_a_count_that_cannot_be_read_is_unknown_and_the_others_are_not() {
        let whole = StatusCounts {
            messages: Some(3),
            uid_next: Some(Uid(9)),
            uid_validity: Some(7),
            ..StatusCounts::default()
        };
        for odd in [
            "HIGHESTMODSEQ -1",
            "HIGHESTMODSEQ NIL",
            "SIZE NIL",
            "SIZE -1",
            "SIZE",
            "MAILBOXID NIL",
            "MAILBOXID (\"x)",
            "MAILBOXID ()",
            "MAILBOXID",
            "X-NEW \"",
            "X-NEW",
        ] {
            for text in [
                format!("(MESSAGES 3 {odd} UIDNEXT 9 UIDVALIDITY 7)"),
                format!("(UIDVALIDITY 7 UIDNEXT 9 MESSAGES 3 {odd})"),
                format!("({odd} MESSAGES 3 UIDNEXT 9 UIDVALIDITY 7"),
            ] {
                assert_eq!(told(&text), whole, "{text}");
            }
        }
        assert_eq!(told("(UIDVALIDITY 1099511627776)").uid_validity, Some(1 << 40));
        assert_eq!(told("(UIDVALIDITY NIL UIDNEXT -1 MESSAGES many)"), StatusCounts::default());
        assert_eq!(told("(MAILBOXID (F2212ea87-6097_4256))").mailbox_id.as_deref(), Some("F2212ea87-6097_4256"));
        assert_eq!(told("(MAILBOXID (\u{8f}\u{1}x) MESSAGES 3)").mailbox_id, None, "no id of RFC 8474");
    }

    #[test]
    fn p1_an_attribute_that_cannot_be_read_is_unknown_and_the_message_is_not() {
        for odd in [
            "RFC822.SIZE NIL",
            "RFC822.SIZE -1",
            "RFC822.SIZE (1)",
            "RFC822.SIZE",
            "INTERNALDATE NIL",
            "MODSEQ (-1)",
            "MODSEQ",
            "X-GM-MSGID NIL",
            "X-NEW \"a",
        ] {
            let text = format!("(UID 5 {odd} FLAGS (\\Seen $a{{b) BODY[] {{2}}\r\n)");
            let read = message(&text, vec![Literal::small("hi")]).unwrap_or_else(|_| panic!("{text}"));
            let flags = read.flags.expect("flags");
            assert_eq!((read.uid, flags.to_string()), (Some(Uid(5)), r"\Seen".to_owned()), "{text}");
            assert!(
                matches!(read.body.map(|literal| literal.body), Some(Body::Memory(bytes)) if *bytes == b"hi"[..]),
                "{text}"
            );
        }
        let flags =
            |text: &str| message(text, Vec::new()).ok().and_then(|read| read.flags).map(|flags| flags.to_string());
        assert_eq!(flags(r#"(UID 5 FLAGS (\Seen "x $Label1))"#).as_deref(), Some(r"\Seen $Label1"));
        assert_eq!(flags("(UID 5 FLAGS NIL)").as_deref(), Some(""));
        assert_eq!(flags("(UID 5 FLAGS 7)"), None);
        let uid = |text: &str| message(text, Vec::new()).ok().and_then(|read| read.uid);
        assert_eq!(uid("(UID 4294967299 FLAGS ())"), Some(Uid(4_294_967_299)), "wider than RFC 9051");
        for none in ["(UID NIL FLAGS ())", "(UID 0)", "(UID -4)", "(UID x)", "(UID)", "()"] {
            assert_eq!(uid(none), None, "{none}");
        }
    }

    #[test]
    fn p1_behind_a_literal_everything_must_fit_or_nobody_knows_where_it_ended() {
        for text in [
            "(UID 5 BODY[] {2}\r\n more of the message",
            "(UID 5 BODY[] {2}\r\nx)",
            "(UID 5 BODY[] {2}\r\n) x",
            "(UID 5 BODY[] {2}\r\n FLAGS (\\Seen)x)",
            "(UID 5 BODY[] {2}\r\n FLAGS ((\\Seen)",
            "(UID 5 BODY[] {-2}\r\n",
            "(UID 5 BODY[] hi)",
            "(UID 5 BODY[] \"hi)",
        ] {
            assert!(message(text, vec![Literal::small("hi")]).is_err(), "{text}");
        }
    }

    #[test]
    fn p1_a_folder_is_not_lost_for_what_stands_around_its_name() {
        let name = |text: &str| {
            let told = listed(&mut Cursor::new(text.as_bytes(), Vec::new())).unwrap_or_else(|_| panic!("{text}"));
            (String::from_utf8_lossy(&told.name).into_owned(), told.separator)
        };
        for (text, expected) in [
            (r#"() "/" NIL"#, ("NIL", Some('/'))),
            (r#"NIL "/" Work"#, ("Work", Some('/'))),
            (r#"(\HasNoChildren "x) NIL Work"#, ("Work", None)),
            (r#"() "/" My Folder"#, ("My Folder", Some('/'))),
            (r#"() "/" "My Folder"#, ("\"My Folder", Some('/'))),
            (r#"() "\" "A\\B""#, ("A\\B", Some('\\'))),
            (r#"() "\\" Work"#, ("Work", Some('\\'))),
            (r#"() "." Work ("CHILDINFO" ("SUBSCRIBED"))"#, ("Work", Some('.'))),
            (r#"() "" a{5}"#, ("a{5}", None)),
        ] {
            let (named, separator) = name(text);
            assert_eq!((named.as_str(), separator), expected, "{text}");
        }
        let behind = |rest: &str| {
            let text = format!("() \"/\" {{3}}\r\n{rest}\r\n");
            listed(&mut Cursor::new(text.as_bytes(), vec![Literal::small("a\"b")])).ok().map(|told| told.name)
        };
        assert_eq!([behind(""), behind(" (\"CHILDINFO\" (\"X\"))")], [Some(b"a\"b".to_vec()), Some(b"a\"b".to_vec())]);
        assert_eq!(behind("c\" x"), None, "its length was another one");
    }
}
