//! A small raw IMAP client for preparing and judging mailboxes; independent of the product on purpose.
//!
//! Blocking, plain text, loopback. Anything unexpected is a panic with the server's words: it fails the test.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use base64::Engine as _;
use base64::alphabet::IMAP_MUTF7;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};

/// Appends under way at once.
const WINDOW: usize = 100;

/// Part of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Unquoted text.
    Atom(String),
    /// Quoted text or a literal.
    Text(Vec<u8>),
    /// A parenthesised list.
    List(Vec<Part>),
}

impl Part {
    /// As text, whatever it was.
    pub fn text(&self) -> String {
        match self {
            Part::Atom(text) => text.clone(),
            Part::Text(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Part::List(_) => panic!("a list where text was expected: {self:?}"),
        }
    }

    /// As a list.
    pub fn list(&self) -> &[Part] {
        match self {
            Part::List(parts) => parts,
            _ => panic!("text where a list was expected: {self:?}"),
        }
    }
}

/// A folder as LIST tells it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listed {
    /// As on the wire.
    pub wire: String,
    /// In Unicode, prefix and separators as the server has them.
    pub name: String,
    /// Attributes, sorted, as the server spells them.
    pub attributes: Vec<String>,
    /// Subscribed (LSUB).
    pub subscribed: bool,
}

impl Listed {
    /// Whether it can hold messages.
    pub fn selectable(&self) -> bool {
        !self.attributes.iter().any(|a| ["\\noselect", "\\nonexistent"].contains(&a.to_lowercase().as_str()))
    }
}

/// A message as the server keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its UID.
    pub uid: u32,
    /// Flags and keywords, sorted, without `\Recent`.
    pub flags: Vec<String>,
    /// The server's text.
    pub date: String,
    /// Epoch seconds of it.
    pub instant: i64,
    /// SHA-256 of the bytes.
    pub sha256: String,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// A message to append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The bytes, CRLF.
    pub bytes: Vec<u8>,
    /// Flags and keywords.
    pub flags: Vec<String>,
    /// Internal date as IMAP writes it, e.g. `01-Feb-2003 04:05:06 +0530`.
    pub date: Option<String>,
}

impl Message {
    /// An unflagged message without a date of its own.
    pub fn plain(bytes: impl Into<Vec<u8>>) -> Self {
        Message { bytes: bytes.into(), flags: Vec::new(), date: None }
    }
}

/// A connection.
pub struct Imap {
    reader: BufReader<TcpStream>,
    writer: TcpStream,
    next: u32,
}

impl Imap {
    /// Connects and reads the greeting.
    pub fn connect(port: u16) -> Imap {
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("the server listens");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a time-out can be set");
        stream.set_nodelay(true).expect("an option can be set");
        let writer = stream.try_clone().expect("a second handle");
        let mut imap = Imap { reader: BufReader::with_capacity(1 << 18, stream), writer, next: 0 };
        let greeting = imap.line();
        assert!(greeting.starts_with(b"* OK"), "greeting {:?}", String::from_utf8_lossy(&greeting));
        imap
    }

    /// Connects and logs in.
    pub fn login(port: u16, user: &str, password: &str) -> Imap {
        let mut imap = Imap::connect(port);
        imap.ok(&format!("LOGIN {} {}", quoted(user), quoted(password)));
        imap
    }

    /// Sends a command and gives back the untagged answers and the tagged one without its tag.
    pub fn command(&mut self, command: &str) -> (Vec<Vec<u8>>, String) {
        let tag = self.send(command);
        self.answer(&tag)
    }

    /// The same, and it must succeed.
    pub fn ok(&mut self, command: &str) -> Vec<Vec<u8>> {
        let (untagged, result) = self.command(command);
        assert!(result.starts_with("OK"), "{command}: {result}");
        untagged
    }

    /// Sends a command without waiting; gives back its tag.
    pub fn send(&mut self, command: &str) -> String {
        self.next += 1;
        let tag = format!("r{}", self.next);
        self.writer.write_all(format!("{tag} {command}\r\n").as_bytes()).expect("sent");
        tag
    }

    /// Sends bytes as they are.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.writer.write_all(bytes).expect("sent");
    }

    /// Reads until the connection ends, in whatever way; false if the server goes on talking or waiting.
    pub fn ended(&mut self) -> bool {
        match std::io::copy(&mut self.reader, &mut std::io::sink()) {
            Ok(_) => true,
            Err(error) => !matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut),
        }
    }

    /// Waits for the tagged answer.
    pub fn answer(&mut self, tag: &str) -> (Vec<Vec<u8>>, String) {
        let mut untagged = Vec::new();
        loop {
            let line = self.line();
            match line.strip_prefix(tag.as_bytes()).and_then(|rest| rest.strip_prefix(b" ")) {
                Some(result) => return (untagged, String::from_utf8_lossy(result).into_owned()),
                None => untagged.push(line),
            }
        }
    }

    /// One answer with its literals in place (`{n}` CRLF bytes), without the last CRLF.
    pub fn line(&mut self) -> Vec<u8> {
        let mut all = Vec::new();
        loop {
            let read = self.reader.read_until(b'\n', &mut all).expect("an answer in time");
            assert!(read > 0 && all.ends_with(b"\r\n"), "the connection ended: {:?}", String::from_utf8_lossy(&all));
            let Some(length) = literal_length(&all[..all.len() - 2]) else {
                all.truncate(all.len() - 2);
                return all;
            };
            let start = all.len();
            all.resize(start + length, 0);
            self.reader.read_exact(&mut all[start..]).expect("a literal");
        }
    }

    /// What the server offers.
    pub fn capabilities(&mut self) -> Vec<String> {
        let lines = self.ok("CAPABILITY");
        let line = lines.iter().find(|l| l.starts_with(b"* CAPABILITY ")).expect("capabilities");
        String::from_utf8_lossy(&line[13..]).split(' ').map(str::to_owned).collect()
    }

    /// All folders with attributes and subscriptions, sorted by name.
    pub fn list(&mut self) -> Vec<Listed> {
        let subscribed: Vec<String> =
            self.ok("LSUB \"\" \"*\"").iter().filter_map(|line| listed(line)).map(|folder| folder.wire).collect();
        let lines = self.ok("LIST (SPECIAL-USE) \"\" \"*\"");
        let special: Vec<Listed> = lines.iter().filter_map(|line| listed(line)).collect();
        let mut folders = self.list_plainly();
        for folder in &mut folders {
            folder.subscribed = subscribed.contains(&folder.wire);
            for twin in special.iter().filter(|twin| twin.wire == folder.wire) {
                folder.attributes.extend(twin.attributes.iter().cloned());
            }
            folder.attributes.sort();
            folder.attributes.dedup();
        }
        folders
    }

    /// All folders by the plainest command, without subscriptions, sorted by name.
    pub fn list_plainly(&mut self) -> Vec<Listed> {
        let mut folders: Vec<Listed> = self.ok("LIST \"\" \"*\"").iter().filter_map(|line| listed(line)).collect();
        folders.sort();
        folders
    }

    /// Creates a folder given by its wire name. One that exists is fine.
    pub fn create(&mut self, wire: &str) {
        let command = format!("CREATE {}", quoted(wire));
        let mut result = self.command(&command).1;
        if result.contains("Mailbox doesn't exist: ") {
            // Dovecot 2.3 says so once, of another folder, after one was renamed into a parent that nobody had made.
            result = self.command(&command).1;
        }
        assert!(result.starts_with("OK") || result.contains("ALREADYEXISTS"), "CREATE {wire}: {result}");
    }

    /// Subscribes a folder given by its wire name.
    pub fn subscribe(&mut self, wire: &str) {
        self.ok(&format!("SUBSCRIBE {}", quoted(wire)));
    }

    /// Selects a folder and gives back UIDVALIDITY and UIDNEXT.
    pub fn select(&mut self, wire: &str) -> (u32, u32) {
        let lines = self.ok(&format!("SELECT {}", quoted(wire)));
        let number = |code: &str| {
            let found = lines.iter().find_map(|line| {
                let text = String::from_utf8_lossy(line).into_owned();
                let rest = text.split_once(&format!("[{code} "))?.1.to_owned();
                rest.split_once(']')?.0.parse().ok()
            });
            found.unwrap_or_else(|| panic!("no {code} for {wire}"))
        };
        (number("UIDVALIDITY"), number("UIDNEXT"))
    }

    /// Appends one message.
    pub fn append(&mut self, wire: &str, message: &Message) {
        self.append_all(wire, std::slice::from_ref(message));
    }

    /// Appends messages in this order, many under way at once (Dovecot takes non-synchronising literals).
    pub fn append_all(&mut self, wire: &str, messages: &[Message]) {
        let mut waiting = std::collections::VecDeque::new();
        for message in messages {
            if waiting.len() == WINDOW {
                self.appended(waiting.pop_front());
            }
            let flags =
                if message.flags.is_empty() { String::new() } else { format!(" ({})", message.flags.join(" ")) };
            let date = message.date.as_ref().map(|date| format!(" \"{date}\"")).unwrap_or_default();
            self.next += 1;
            let tag = format!("r{}", self.next);
            let mut bytes =
                format!("{tag} APPEND {}{flags}{date} {{{}+}}\r\n", quoted(wire), message.bytes.len()).into_bytes();
            bytes.extend_from_slice(&message.bytes);
            bytes.extend_from_slice(b"\r\n");
            self.writer.write_all(&bytes).expect("sent");
            waiting.push_back(tag);
        }
        while !waiting.is_empty() {
            self.appended(waiting.pop_front());
        }
    }

    fn appended(&mut self, tag: Option<String>) {
        let (_, result) = self.answer(&tag.expect("a tag"));
        assert!(result.starts_with("OK"), "APPEND: {result}");
    }

    /// Every message of a folder in UID order; looked at without marking anything.
    pub fn fetch_all(&mut self, wire: &str) -> Vec<Stored> {
        self.ok(&format!("EXAMINE {}", quoted(wire)));
        let mut messages: Vec<Stored> = self
            .ok("UID FETCH 1:* (UID FLAGS INTERNALDATE BODY.PEEK[])")
            .iter()
            .filter_map(|line| stored(line))
            .collect();
        messages.sort_by_key(|message| message.uid);
        messages
    }

    /// Changes flags: `set` is `+FLAGS`, `-FLAGS` or `FLAGS`. The folder must be selected.
    pub fn store(&mut self, uids: &str, set: &str, flags: &str) {
        self.ok(&format!("UID STORE {uids} {set} ({flags})"));
    }

    /// Deletes messages for good. The folder must be selected.
    pub fn delete(&mut self, uids: &str) {
        self.store(uids, "+FLAGS.SILENT", "\\Deleted");
        self.ok(&format!("UID EXPUNGE {uids}"));
    }

    /// Moves messages. The folder must be selected.
    pub fn move_to(&mut self, uids: &str, wire: &str) {
        self.ok(&format!("UID MOVE {uids} {}", quoted(wire)));
    }

    /// Breaks the connection without a word.
    pub fn hang_up(self) {
        let _ = self.writer.shutdown(Shutdown::Both);
    }
}

/// SHA-256 in lower-case hex (by the TLS library's own hash: no further crate needed).
pub fn sha256_hex(bytes: &[u8]) -> String {
    let rustls::SupportedCipherSuite::Tls13(suite) = rustls::crypto::ring::cipher_suite::TLS13_AES_128_GCM_SHA256
    else {
        panic!("a TLS 1.3 suite");
    };
    suite.common.hash_provider.hash(bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A quoted string.
pub fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Length of the literal that this line announces at its end.
fn literal_length(line: &[u8]) -> Option<usize> {
    let open = line.strip_suffix(b"}")?.iter().rposition(|&byte| byte == b'{')?;
    std::str::from_utf8(&line[open + 1..line.len() - 1]).ok()?.parse().ok()
}

/// Splits an answer into its parts.
pub fn parts(line: &[u8]) -> Vec<Part> {
    let mut at = 0;
    let parts = parts_until(line, &mut at, None);
    assert_eq!(at, line.len(), "{:?}", String::from_utf8_lossy(line));
    parts
}

fn parts_until(line: &[u8], at: &mut usize, end: Option<u8>) -> Vec<Part> {
    let mut parts = Vec::new();
    while *at < line.len() {
        match line[*at] {
            byte if Some(byte) == end => {
                *at += 1;
                return parts;
            }
            b' ' => *at += 1,
            b'(' => {
                *at += 1;
                parts.push(Part::List(parts_until(line, at, Some(b')'))));
            }
            b'"' => parts.push(Part::Text(unquote(line, at))),
            b'{' => {
                let close = *at + line[*at..].iter().position(|&byte| byte == b'}').expect("a literal's end");
                let length: usize =
                    std::str::from_utf8(&line[*at + 1..close]).expect("text").parse().expect("a literal's length");
                let start = close + 3;
                parts.push(Part::Text(line[start..start + length].to_vec()));
                *at = start + length;
            }
            _ => {
                let start = *at;
                let mut depth = 0;
                while *at < line.len() {
                    match line[*at] {
                        b'[' => depth += 1,
                        b']' => depth -= 1,
                        b' ' | b'(' | b')' if depth <= 0 => break,
                        _ => {}
                    }
                    *at += 1;
                }
                assert!(*at > start, "cannot read {:?}", String::from_utf8_lossy(line));
                parts.push(Part::Atom(String::from_utf8_lossy(&line[start..*at]).into_owned()));
            }
        }
    }
    parts
}

fn unquote(line: &[u8], at: &mut usize) -> Vec<u8> {
    let mut text = Vec::new();
    *at += 1;
    while line[*at] != b'"' {
        if line[*at] == b'\\' {
            *at += 1;
        }
        text.push(line[*at]);
        *at += 1;
    }
    *at += 1;
    text
}

fn listed(line: &[u8]) -> Option<Listed> {
    let rest = line.strip_prefix(b"* LIST ").or_else(|| line.strip_prefix(b"* LSUB "))?;
    let parts = parts(rest);
    let mut attributes: Vec<String> = parts[0].list().iter().map(Part::text).collect();
    attributes.sort();
    let wire = parts[2].text();
    Some(Listed { name: from_utf7(&wire), wire, attributes, subscribed: false })
}

fn stored(line: &[u8]) -> Option<Stored> {
    let rest = line.strip_prefix(b"* ")?;
    let space = rest.iter().position(|&byte| byte == b' ')?;
    let rest = rest[space..].strip_prefix(b" FETCH ")?;
    let parts = parts(rest);
    let mut message =
        Stored { uid: 0, flags: Vec::new(), date: String::new(), instant: 0, sha256: String::new(), bytes: Vec::new() };
    let mut has_body = false;
    for pair in parts[0].list().chunks(2) {
        match pair[0].text().as_str() {
            "UID" => message.uid = pair[1].text().parse().expect("a UID"),
            "FLAGS" => message.flags = pair[1].list().iter().map(Part::text).filter(|f| f != "\\Recent").collect(),
            "INTERNALDATE" => message.date = pair[1].text(),
            "BODY[]" => {
                has_body = true;
                let Part::Text(bytes) = &pair[1] else { panic!("no body in {:?}", pair[1]) };
                message.bytes.clone_from(bytes);
            }
            _ => {}
        }
    }
    if !has_body {
        return None; // a flag change told in passing
    }
    message.flags.sort();
    message.instant = instant(&message.date);
    message.sha256 = sha256_hex(&message.bytes);
    Some(message)
}

/// Epoch seconds of a date as IMAP writes it.
pub fn instant(date: &str) -> i64 {
    jiff::fmt::strtime::parse("%d-%b-%Y %H:%M:%S %z", date.trim())
        .and_then(|parsed| parsed.to_timestamp())
        .unwrap_or_else(|error| panic!("date {date:?}: {error}"))
        .as_second()
}

fn mutf7() -> GeneralPurpose {
    GeneralPurpose::new(&IMAP_MUTF7, NO_PAD)
}

/// Modified UTF-7 (RFC 3501 § 5.1.3).
pub fn to_utf7(text: &str) -> String {
    let mut out = String::new();
    let mut run: Vec<u8> = Vec::new();
    let flush = |run: &mut Vec<u8>, out: &mut String| {
        if !run.is_empty() {
            out.push_str(&format!("&{}-", mutf7().encode(&*run)));
            run.clear();
        }
    };
    for character in text.chars() {
        if matches!(character, ' '..='~') {
            flush(&mut run, &mut out);
            out.push(character);
            if character == '&' {
                out.push('-');
            }
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                run.extend_from_slice(&unit.to_be_bytes());
            }
        }
    }
    flush(&mut run, &mut out);
    out
}

/// Back from modified UTF-7.
pub fn from_utf7(wire: &str) -> String {
    let mut out = String::new();
    let mut rest = wire;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let (coded, after) = after.split_once('-').unwrap_or_else(|| panic!("modified UTF-7 in {wire:?}"));
        if coded.is_empty() {
            out.push('&');
        } else {
            let bytes = mutf7().decode(coded).unwrap_or_else(|error| panic!("{wire:?}: {error}"));
            let units: Vec<u16> = bytes.chunks(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
            out.push_str(&String::from_utf16(&units).unwrap_or_else(|error| panic!("{wire:?}: {error}")));
        }
        rest = after;
    }
    out.push_str(rest);
    out
}
