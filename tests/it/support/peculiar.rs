//! A source that speaks IMAP in its own way: a small server over a [`Peer`] whose list of folders and answers to FETCH are
//! what a test makes them.

use std::sync::{Arc, Mutex, PoisonError};

use super::peer::{Line, Peer};

/// A message of an odd server.
#[derive(Clone, Debug)]
pub struct Mail {
    /// Its UID.
    pub uid: u32,
    /// What is between the parentheses.
    pub flags: &'static str,
    /// What is between the quotes.
    pub date: String,
    /// Its bytes.
    pub body: String,
}

impl Mail {
    /// Message `number` with this UID, its own date and the flags `\Seen`.
    pub fn new(uid: u32) -> Mail {
        let date = format!("{:02}-Feb-2021 03:04:05 +0100", uid % 28 + 1);
        let body = format!(
            "Message-ID: <{uid}@odd.example>\r\nDate: Mon, 01 Feb 2021 03:04:05 +0100\r\nSubject: {uid}\r\n\r\nBody {uid}\r\n"
        );
        Mail { uid, flags: r"\Seen", date, body }
    }

    /// What FETCH asks for here, in the order of `wanted`: UID, FLAGS, INTERNALDATE, RFC822.SIZE, BODY[], BODY[HEADER].
    pub fn told(&self, wanted: &[&str]) -> String {
        let header = self.body.split_inclusive("\r\n\r\n").next().unwrap_or_default();
        let part = |name: &&str| match *name {
            "UID" => format!("UID {}", self.uid),
            "FLAGS" => format!("FLAGS ({})", self.flags),
            "INTERNALDATE" => format!("INTERNALDATE \"{}\"", self.date),
            "RFC822.SIZE" => format!("RFC822.SIZE {}", self.body.len()),
            "BODY[]" => format!("BODY[] {{{}}}\r\n{}", self.body.len(), self.body),
            "BODY[HEADER]" => format!("BODY[HEADER] {{{}}}\r\n{header}", header.len()),
            other => panic!("nobody asks for {other}"),
        };
        wanted.iter().map(part).collect::<Vec<_>>().join(" ")
    }
}

/// The answer to a FETCH of one message: its place in the folder, itself, what was asked for. Lines end with CRLF.
pub type Tell = fn(usize, &Mail, &[&str]) -> String;

/// As every server does it.
pub fn tell_whole(place: usize, mail: &Mail, wanted: &[&str]) -> String {
    format!("* {place} FETCH ({})\r\n", mail.told(wanted))
}

/// An odd server.
#[derive(Clone)]
pub struct Odd {
    /// What NAMESPACE tells.
    pub namespace: &'static str,
    /// Lines of LIST, without `* LIST `.
    pub list: Vec<&'static str>,
    /// Its folders: name and messages.
    pub folders: Vec<(&'static str, Vec<Mail>)>,
    /// How it answers FETCH.
    pub tell: Tell,
    /// The last answer of each FETCH comes after the end of the command.
    pub late: bool,
    /// A folder that is opened without a word about its messages, whatever STATUS said of them.
    pub silent: Option<&'static str>,
}

impl Odd {
    /// An inbox with these messages, and nothing odd.
    pub fn new(inbox: impl IntoIterator<Item = u32>) -> Odd {
        Odd {
            namespace: "((\"\" \"/\")) NIL NIL",
            list: vec!["() \"/\" INBOX"],
            folders: vec![("INBOX", inbox.into_iter().map(Mail::new).collect())],
            tell: tell_whole,
            late: false,
            silent: None,
        }
    }

    /// Starts it.
    pub fn start(self) -> Running {
        let said: Arc<Mutex<Vec<String>>> = Arc::default();
        let record = Arc::clone(&said);
        let peer = Peer::start(move |line, _| Connection { odd: &self, line, open: None }.play(&record));
        Running { peer, said }
    }
}

/// An odd server at work.
pub struct Running {
    peer: Peer,
    said: Arc<Mutex<Vec<String>>>,
}

impl Running {
    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.peer.port
    }

    /// What clients said so far, without tags.
    pub fn heard(&self) -> Vec<String> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

struct Connection<'a> {
    odd: &'a Odd,
    line: Line,
    open: Option<usize>,
}

impl Connection<'_> {
    fn play(mut self, record: &Mutex<Vec<String>>) {
        self.line.say("* OK [CAPABILITY IMAP4rev1 NAMESPACE] odd");
        while let Some(said) = self.line.read() {
            let Some((tag, command)) = said.split_once(' ') else { return };
            record.lock().unwrap_or_else(PoisonError::into_inner).push(command.to_owned());
            let mut words = command.split(' ');
            let verb = words.next().unwrap_or_default().to_ascii_uppercase();
            match verb.as_str() {
                "LOGIN" => self.line.say(&format!("{tag} OK [CAPABILITY IMAP4rev1 NAMESPACE] in")),
                "NAMESPACE" => self.answer(tag, &[format!("NAMESPACE {}", self.odd.namespace)]),
                "LIST" => {
                    let all: Vec<String> = self.odd.list.iter().map(|line| format!("LIST {line}")).collect();
                    self.answer(tag, &all);
                }
                "STATUS" => self.status(tag, command),
                "EXAMINE" | "SELECT" => self.examine(tag, command),
                "UID" => self.fetch(tag, command),
                "LOGOUT" => {
                    self.line.say(&format!("* BYE\r\n{tag} OK"));
                    return self.line.close();
                }
                "CREATE" | "APPEND" | "SUBSCRIBE" => self.line.say(&format!("{tag} NO read only")),
                _ => self.answer(tag, &[]),
            }
        }
    }

    fn answer(&mut self, tag: &str, untagged: &[String]) {
        untagged.iter().for_each(|line| self.line.say(&format!("* {line}")));
        self.line.say(&format!("{tag} OK"));
    }

    fn named(&self, command: &str) -> Option<usize> {
        let name = command.split('"').nth(1)?;
        self.odd.folders.iter().position(|(folder, _)| *folder == name)
    }

    fn status(&mut self, tag: &str, command: &str) {
        let Some(at) = self.named(command) else { return self.line.say(&format!("{tag} NO [NONEXISTENT] no")) };
        let (name, mails) = &self.odd.folders[at];
        let next = mails.iter().map(|mail| mail.uid).max().unwrap_or(0) + 1;
        let line = format!("STATUS \"{name}\" (MESSAGES {} UIDNEXT {next} UIDVALIDITY {})", mails.len(), at + 1);
        self.answer(tag, &[line]);
    }

    fn examine(&mut self, tag: &str, command: &str) {
        self.open = self.named(command);
        let Some(at) = self.open else { return self.line.say(&format!("{tag} NO [NONEXISTENT] no")) };
        let mails = &self.odd.folders[at].1;
        let next = mails.iter().map(|mail| mail.uid).max().unwrap_or(0) + 1;
        let exists = match self.odd.silent {
            Some(silent) if silent == self.odd.folders[at].0 => "OK come in".to_owned(),
            _ => format!("{} EXISTS", mails.len()),
        };
        self.answer(tag, &[exists, format!("OK [UIDVALIDITY {}] ok", at + 1), format!("OK [UIDNEXT {next}] ok")]);
    }

    fn fetch(&mut self, tag: &str, command: &str) {
        let Some(at) = self.open else { return self.line.say(&format!("{tag} BAD nothing open")) };
        let mut words = command.splitn(4, ' ').skip(2);
        let (set, asked) = (words.next().unwrap_or_default(), words.next().unwrap_or_default().to_uppercase());
        let wanted: Vec<&str> = ["UID", "FLAGS", "INTERNALDATE", "RFC822.SIZE", "BODY[]", "BODY[HEADER]"]
            .into_iter()
            .filter(|name| asked.split(['(', ')', ' ']).any(|word| word.replace("BODY.PEEK", "BODY") == *name))
            .collect();
        let mails = &self.odd.folders[at].1;
        let meant = mails.iter().enumerate().filter(|(_, mail)| is_in(set, mail.uid));
        let answers: Vec<String> = meant.map(|(at, mail)| (self.odd.tell)(at + 1, mail, &wanted)).collect();
        let in_time = if self.odd.late { answers.len().saturating_sub(1) } else { answers.len() };
        answers[..in_time].iter().for_each(|answer| self.line.raw(answer.as_bytes()));
        self.line.say(&format!("{tag} OK"));
        answers[in_time..].iter().for_each(|answer| self.line.raw(answer.as_bytes()));
    }
}

/// Whether a sequence set names this UID.
fn is_in(set: &str, uid: u32) -> bool {
    let number = |text: &str| if text == "*" { u32::MAX } else { text.parse().expect("a number") };
    set.split(',').any(|part| {
        let (first, last) = part.split_once(':').unwrap_or((part, part));
        (number(first)..=number(last)).contains(&uid)
    })
}
