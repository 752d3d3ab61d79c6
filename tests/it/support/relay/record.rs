//! What the product said, and whether it may have said so.

use std::collections::BTreeSet;

/// A literal as the product announced it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Literal {
    /// Its length.
    pub length: u64,
    /// `{n+}`: sent without waiting.
    pub non_synchronising: bool,
}

/// A command the product sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// Which connection, from 0.
    pub connection: u64,
    /// Its tag.
    pub tag: String,
    /// In capitals, `UID` verbs as `UID FETCH`.
    pub verb: String,
    /// The rest; short literals that are names stand here in quotes, others as `{n}`.
    pub arguments: String,
    /// Its literals.
    pub literals: Vec<Literal>,
    /// The server's tagged answer without the tag, once it came.
    pub answer: Option<String>,
}

/// One message of an APPEND as it was announced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Mailbox as on the wire, unquoted.
    pub mailbox: String,
    /// What stands in the parentheses, if any.
    pub flags: Option<String>,
    /// The date's text with its zone, without quotes.
    pub date: Option<String>,
    /// Length of the message.
    pub length: u64,
}

pub(super) fn shown(command: &Command) -> String {
    format!("  #{} {} {} {}", command.connection, command.tag, command.verb, command.arguments)
}

pub(super) fn appended(command: &Command) -> Vec<Appended> {
    let (mailbox, mut rest) = first_string(&command.arguments);
    let mut messages = Vec::new();
    while let Some(open) = rest.find('{') {
        let (head, tail) = (&rest[..open], &rest[open..]);
        let close = tail.find('}').expect("a literal's end");
        let flags = head.find('(').and_then(|o| Some(head[o + 1..].split_once(')')?.0.to_owned()));
        let after_flags = head.rsplit_once(')').map_or(head, |(_, after)| after);
        let date = after_flags.split('"').nth(1).map(str::to_owned);
        let length = tail[1..close].trim_end_matches('+').parse().expect("a literal's length");
        messages.push(Appended { mailbox: mailbox.clone(), flags, date, length });
        rest = &tail[close + 1..];
    }
    messages
}

/// The first word or quoted string of a command's arguments, and the rest.
pub(super) fn first_string(text: &str) -> (String, &str) {
    let text = text.trim_start();
    if !text.starts_with('"') {
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        return (word.to_owned(), rest);
    }
    let mut word = String::new();
    let mut characters = text.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (word, &text[at + 1..]),
            '\\' => word.extend(characters.next().map(|(_, escaped)| escaped)),
            _ => word.push(character),
        }
    }
    (word, "")
}

/// The arguments in capitals without what stands in quotes.
pub(super) fn bare_arguments(command: &Command) -> String {
    let mut bare = String::new();
    let mut quoted = false;
    let mut characters = command.arguments.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => {
                quoted = !quoted;
                bare.push('"');
            }
            '\\' if quoted => drop(characters.next()),
            _ if quoted => {}
            _ => bare.push(character),
        }
    }
    bare.to_uppercase()
}

/// What in this command was not offered.
pub(super) fn unadvertised(command: &Command, offered: &BTreeSet<String>) -> Vec<String> {
    let has = |names: &[&str]| names.iter().any(|&name| offered.contains(name));
    let bare = bare_arguments(command);
    let says = |word: &str| bare.contains(word);
    let verb = command.verb.as_str();
    let literal = |limit: u64| command.literals.iter().any(|l| l.non_synchronising && l.length > limit);
    let listing = verb == "LIST" || verb == "XLIST";
    let modseq = ["CONDSTORE", "HIGHESTMODSEQ", "MODSEQ", "CHANGEDSINCE", "UNCHANGEDSINCE", "QRESYNC", "VANISHED"];
    let initial = verb == "AUTHENTICATE" && bare.trim().contains(' ');
    let mechanism = format!("AUTH={}", bare.split_whitespace().next().unwrap_or_default());
    let checks: [(&str, bool, bool); 29] = [
        ("LITERAL+", literal(4096), has(&["LITERAL+"])),
        ("LITERAL+ or LITERAL-", literal(0), has(&["LITERAL+", "LITERAL-"])),
        ("MULTIAPPEND", verb == "APPEND" && appended(command).len() > 1, has(&["MULTIAPPEND"])),
        ("CONDSTORE", verb != "LIST" && modseq.iter().any(|word| says(word)), has(&["CONDSTORE", "QRESYNC"])),
        ("QRESYNC", says("QRESYNC") || says("VANISHED"), has(&["QRESYNC"])),
        ("LIST-EXTENDED", listing && says("("), has(&["LIST-EXTENDED"])),
        ("LIST-STATUS", listing && says("STATUS ("), has(&["LIST-STATUS"])),
        ("CONDSTORE in LIST", listing && says("HIGHESTMODSEQ"), has(&["CONDSTORE", "QRESYNC"])),
        ("SPECIAL-USE", listing && says("SPECIAL-USE"), has(&["SPECIAL-USE"])),
        ("CREATE-SPECIAL-USE", verb == "CREATE" && says("USE ("), has(&["CREATE-SPECIAL-USE"])),
        ("UIDPLUS", verb == "UID EXPUNGE", has(&["UIDPLUS"])),
        ("MOVE", verb == "MOVE" || verb == "UID MOVE", has(&["MOVE"])),
        ("ENABLE", verb == "ENABLE", has(&["ENABLE"])),
        ("UNSELECT", verb == "UNSELECT", has(&["UNSELECT"])),
        ("NAMESPACE", verb == "NAMESPACE", has(&["NAMESPACE"])),
        ("ID", verb == "ID", has(&["ID"])),
        ("IDLE", verb == "IDLE", has(&["IDLE"])),
        ("SASL-IR", initial, has(&["SASL-IR"])),
        ("the mechanism", verb == "AUTHENTICATE", has(&[&mechanism])),
        ("LOGIN", verb == "LOGIN", !has(&["LOGINDISABLED"])),
        ("STARTTLS", verb == "STARTTLS", has(&["STARTTLS"])),
        ("COMPRESS", verb == "COMPRESS", has(&["COMPRESS=DEFLATE"])),
        ("ESEARCH", verb.ends_with("SEARCH") && says("RETURN"), has(&["ESEARCH"])),
        ("STATUS=SIZE", (verb == "STATUS" || listing) && says(" SIZE"), has(&["STATUS=SIZE"])),
        ("OBJECTID", says("MAILBOXID") || says("EMAILID"), has(&["OBJECTID"])),
        ("BINARY", says("BINARY") || command.arguments.contains("~{"), has(&["BINARY"])),
        ("NOTIFY", verb == "NOTIFY", has(&["NOTIFY"])),
        ("QUOTA", verb == "GETQUOTAROOT", has(&["QUOTA"])),
        ("X-GM-EXT-1", says("X-GM-"), has(&["X-GM-EXT-1"])),
    ];
    let wrong = checks.iter().filter(|(_, used, offered)| *used && !offered);
    wrong.map(|(form, ..)| format!("{form}:{}", shown(command))).collect()
}

pub(super) fn reads_only(command: &Command) -> bool {
    let bare = bare_arguments(command);
    match command.verb.as_str() {
        "UID FETCH" | "FETCH" => {
            let body = bare.matches("BODY[").count() + bare.matches("BINARY[").count();
            body == 0
                && !bare.contains("RFC822 ")
                && !bare.contains("RFC822)")
                && !bare.contains("RFC822.TEXT")
                && !bare.ends_with("RFC822")
        }
        "LOGIN" | "AUTHENTICATE" | "CAPABILITY" | "ID" | "NAMESPACE" | "LIST" | "LSUB" | "STATUS" | "EXAMINE"
        | "NOOP" | "UNSELECT" | "LOGOUT" | "ENABLE" | "STARTTLS" | "UID SEARCH" | "GETQUOTAROOT" => true,
        _ => false,
    }
}
