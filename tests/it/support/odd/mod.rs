//! An odd server: a small IMAP server in memory whose answers a test can change, for what no real server does on demand.
//!
//! Names and messages are ASCII. Every answer passes through [`State::bend`] with its literal in place, so that a test
//! can leave it out, double it, split it, or lie. Nothing is said that the capabilities do not allow.

mod talk;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::peer::{Line, Peer};
use super::relay::{Heard, Said};

/// What is said instead of an answer.
pub type Bend = Arc<dyn Fn(&Heard<'_>) -> Said + Send + Sync>;
/// What is kept of an appended message (folder, bytes); nothing if it is forgotten.
pub type Receive = Arc<dyn Fn(&str, String) -> Option<String> + Send + Sync>;

/// Why messages of one APPEND are refused, and what arrives from elsewhere meanwhile.
pub type Refuse = Arc<dyn Fn(&[String]) -> Option<(String, Vec<String>)> + Send + Sync>;

/// What is said to a command (verb, arguments) in place of doing it.
pub type Deny = Arc<dyn Fn(&str, &str) -> Option<String> + Send + Sync>;
/// Whether a flag of a message that is appended to a folder is kept.
pub type Keep = Arc<dyn Fn(&str, &str) -> bool + Send + Sync>;

/// How the answers to a command (verb) are told; the last one is its end.
pub type Arrange = Arc<dyn Fn(&str, Vec<String>) -> Vec<String> + Send + Sync>;
/// After which bytes of an answer of this length the server takes breath.
pub type Pieces = Arc<dyn Fn(usize) -> Vec<usize> + Send + Sync>;

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Its number.
    pub uid: u32,
    /// Its flags.
    pub flags: BTreeSet<String>,
    /// INTERNALDATE as it is told.
    pub date: String,
    /// Its bytes.
    pub bytes: String,
    /// EMAILID and X-GM-MSGID, the same for all copies of a message.
    pub id: u64,
}

/// A folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Box {
    /// Its name on the wire.
    pub name: String,
    /// Its attributes, e.g. `\All`.
    pub attributes: String,
    /// UIDVALIDITY.
    pub validity: u32,
    /// UIDNEXT.
    pub next: u32,
    /// MAILBOXID.
    pub id: String,
    /// HIGHESTMODSEQ.
    pub modseq: u64,
    /// In the order of their numbers.
    pub letters: Vec<Letter>,
}

impl Box {
    /// An empty folder.
    pub fn new(name: &str, validity: u32) -> Box {
        Box {
            name: name.into(),
            attributes: String::new(),
            validity,
            next: 1,
            id: format!("M{name}"),
            modseq: 1,
            letters: Vec::new(),
        }
    }

    /// Adds a message with the next number, which is given back.
    pub fn add(&mut self, bytes: impl Into<String>) -> u32 {
        self.deliver(bytes.into(), BTreeSet::new(), "01-Feb-2003 04:05:06 +0530".into())
    }

    /// The same, with flags and date.
    pub fn deliver(&mut self, bytes: String, flags: BTreeSet<String>, date: String) -> u32 {
        let uid = self.next;
        self.next += 1;
        self.modseq += 1;
        let id = bytes.bytes().fold(7_u64, |id, byte| id.wrapping_mul(31).wrapping_add(byte.into())) >> 1;
        self.letters.push(Letter { uid, flags, date, bytes, id });
        uid
    }

    /// Takes messages away.
    pub fn remove(&mut self, uids: &[u32]) {
        self.letters.retain(|letter| !uids.contains(&letter.uid));
        self.modseq += 1;
    }

    /// Sets a flag.
    pub fn flag(&mut self, uid: u32, flag: &str) {
        let letter = self.letters.iter_mut().find(|letter| letter.uid == uid).expect("the message");
        letter.flags.insert(flag.into());
        self.modseq += 1;
    }

    /// Subjects in order.
    pub fn subjects(&self) -> Vec<String> {
        self.letters.iter().map(|letter| subject(&letter.bytes)).collect()
    }

    /// Bytes in order.
    pub fn bodies(&self) -> Vec<&str> {
        self.letters.iter().map(|letter| letter.bytes.as_str()).collect()
    }
}

/// The subject of a message.
pub fn subject(bytes: &str) -> String {
    bytes.lines().find_map(|line| line.strip_prefix("Subject: ")).unwrap_or_default().to_owned()
}

/// Everything about the server.
pub struct State {
    /// What it advertises after the login.
    pub capabilities: String,
    /// Its folders in the order of the list.
    pub boxes: Vec<Box>,
    /// UIDVALIDITY of the next folder.
    pub next_validity: u32,
    /// What is said instead.
    pub bend: Option<Bend>,
    /// In which order, and in how many answers.
    pub arrange: Option<Arrange>,
    /// In how many pieces.
    pub pieces: Option<Pieces>,
    /// What is kept.
    pub receive: Option<Receive>,
    /// What is refused.
    pub refuse: Option<Refuse>,
    /// What is not done.
    pub deny: Option<Deny>,
    /// What is taken off the numbers that commands name: they are told so much higher.
    pub narrow: Option<u64>,
    /// Which flags are kept.
    pub keep: Option<Keep>,
    /// Messages get this date of receipt, whatever came with them.
    pub own_date: Option<String>,
    /// Every command, without its tag.
    pub heard: Vec<String>,
    /// How many messages a command may be about (RFC 9738); of more it does a part, from the newest down, and says so.
    pub most: Option<usize>,
    /// It understands nothing but what RFC 3501 has, whatever it advertises.
    pub plain_only: bool,
    /// Connections that it allows at once.
    pub allowed: u32,
    /// Connections that are open.
    pub open: u32,
    /// The most that were allowed at once.
    pub most_open: u32,
}

impl State {
    /// The folder of this name.
    pub fn at(&mut self, name: &str) -> &mut Box {
        let found = self.boxes.iter_mut().find(|one| one.name == name);
        found.unwrap_or_else(|| panic!("no folder {name}"))
    }

    /// Adds an empty folder, unless it is there.
    pub fn make(&mut self, name: &str) -> &mut Box {
        if !self.boxes.iter().any(|one| one.name == name) {
            self.next_validity += 1;
            let mut new = Box::new(name, self.next_validity);
            new.id = format!("M{}", self.next_validity);
            self.boxes.push(new);
        }
        self.at(name)
    }

    fn can(&self, capability: &str) -> bool {
        self.capabilities.split(' ').any(|word| word == capability)
    }
}

/// A running server.
pub struct Odd {
    /// Where it listens.
    pub port: u16,
    state: Arc<Mutex<State>>,
    _peer: Peer,
}

/// What a modern server offers, as far as this one goes.
pub const MODERN: &str = "UIDPLUS LITERAL+ CONDSTORE LIST-EXTENDED LIST-STATUS SPECIAL-USE NAMESPACE";

impl Odd {
    /// A server with an inbox and these capabilities.
    pub fn start(capabilities: &str) -> Odd {
        let mut state = State {
            capabilities: capabilities.into(),
            boxes: Vec::new(),
            next_validity: 1000,
            bend: None,
            arrange: None,
            pieces: None,
            receive: None,
            refuse: None,
            deny: None,
            narrow: None,
            keep: None,
            own_date: None,
            heard: Vec::new(),
            most: None,
            plain_only: false,
            allowed: u32::MAX,
            open: 0,
            most_open: 0,
        };
        state.make("INBOX");
        let state = Arc::new(Mutex::new(state));
        let inside = Arc::clone(&state);
        let peer = Peer::start(move |line: Line, _| talk::talk(line, &inside));
        Odd { port: peer.port, state, _peer: peer }
    }

    /// Its state, to be looked at and changed.
    pub fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Adds messages to a folder, which is made if it is missing.
    pub fn fill(&self, folder: &str, numbers: std::ops::Range<u32>) {
        let mut state = self.state();
        let folder = state.make(folder);
        for number in numbers {
            folder.add(letter(number));
        }
    }

    /// From now on this decides what is said.
    pub fn bend(&self, bend: impl Fn(&Heard<'_>) -> Said + Send + Sync + 'static) {
        self.state().bend = Some(Arc::new(bend));
    }

    /// From now on this is not done, but answered so.
    pub fn deny(&self, deny: impl Fn(&str, &str) -> Option<String> + Send + Sync + 'static) {
        self.state().deny = Some(Arc::new(deny));
    }

    /// The truth is said again, as others say it.
    pub fn straighten(&self) {
        let mut state = self.state();
        (state.bend, state.arrange, state.pieces) = (None, None, None);
    }

    /// Subjects in a folder, in order; none if it is missing.
    pub fn subjects(&self, folder: &str) -> Vec<String> {
        self.state().boxes.iter().find(|one| one.name == folder).map(Box::subjects).unwrap_or_default()
    }
}

/// An ordinary message of its own.
pub fn letter(number: u32) -> String {
    String::from_utf8(super::scene::message(number).bytes).expect("text")
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
