//! The two mailboxes of a life, their relays and the engine between them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::here::headers;
use super::model::{Model, messages};
use crate::support::backup::Backup;
use crate::support::bench::Bench;
use crate::support::compare::Mailbox;
use crate::support::corpus::Random;
use crate::support::dovecot::{self, Dovecot, Format};
use crate::support::imap::{Imap, Message, quoted};
use crate::support::relay::{Relay, Rules};

/// One side.
pub struct Side {
    /// Its server.
    pub server: &'static Dovecot,
    /// Its mailbox.
    pub user: String,
    /// In front of it.
    pub relay: Relay,
    /// As it was once.
    pub backup: Option<Backup>,
}

impl Side {
    fn new(server: &'static Dovecot, name: &str, hide: &[&str]) -> Side {
        let relay = Relay::start(server.plain_port, Rules::hiding(hide));
        let side = Side { server, user: server.user(name), relay, backup: None };
        // A mailbox is there from its first login on.
        side.login().select("INBOX");
        side
    }

    /// As its owner sees it.
    pub fn login(&self) -> Imap {
        self.server.login(&self.user)
    }

    /// Everything in it.
    pub fn read(&self) -> Mailbox {
        Mailbox::read(&mut self.login())
    }
}

/// A life.
pub struct World {
    /// The source.
    pub here: Side,
    /// The destination.
    pub there: Side,
    /// The engine.
    pub bench: Bench,
    /// Chance.
    pub random: Random,
    /// Number of the next message.
    pub next: u32,
    /// What must come of it.
    pub model: Model,
    /// Taken out of the source, to be put back somewhere one day.
    pub away: Vec<Message>,
    /// Names that destination folders did not have when a pass looked last.
    pub renamed_there: BTreeSet<String>,
    /// A pass was killed and has not come back yet.
    pub killed: bool,
    /// All folders of the source have one UIDVALIDITY.
    pub one_validity: bool,
    /// Numbers may mean other messages than before: states of folders must not look like earlier ones.
    pub suspect: bool,
    /// States that folders of the source had when a pass ran.
    pub states: BTreeSet<String>,
    /// Names of messages that lay under each number of each source folder when a pass ran.
    pub numbers: BTreeMap<(String, u32), BTreeSet<String>>,
    /// Flags that each message ever had at the source.
    pub flags: BTreeMap<String, BTreeSet<String>>,
    /// What happened.
    pub log: Vec<String>,
}

/// Names of folders.
pub const NAMES: [&str; 8] = ["INBOX", "A", "B", "C/D", "C", "E", "F", "G"];

impl World {
    /// An empty life; `hide` is what both servers do not offer.
    pub async fn new(seed: u64, hide: &[&str]) -> World {
        let here = Side::new(dovecot::shared(Format::Sdbox), "life-here", hide);
        let there = Side::new(dovecot::shared_twin(Format::Sdbox), "life-there", hide);
        let mut bench = Bench::new((here.relay.port, &here.user), (there.relay.port, &there.user)).await;
        let patience = Duration::from_millis(1500);
        (bench.timeouts.silence, bench.timeouts.greeting, bench.timeouts.write) = (patience, patience, patience);
        let mut random = Random::new(seed);
        bench.options.connections = 1 + u32::try_from(random.below(2)).expect("small");
        let one_validity = random.below(4) == 0;
        World {
            here,
            there,
            bench,
            random,
            next: 1,
            model: Model::default(),
            away: Vec::new(),
            renamed_there: BTreeSet::new(),
            killed: false,
            one_validity,
            suspect: false,
            states: BTreeSet::new(),
            numbers: BTreeMap::new(),
            flags: BTreeMap::new(),
            log: vec![format!("seed {seed}, one UIDVALIDITY for all: {one_validity}, without {hide:?}")],
        }
    }

    /// Something that happened.
    pub fn note(&mut self, what: impl Into<String>) {
        self.log.push(what.into());
    }

    /// Folders that can hold messages.
    pub fn folders(imap: &mut Imap) -> Vec<String> {
        imap.list().into_iter().filter(|folder| folder.selectable()).map(|folder| folder.wire).collect()
    }

    /// One of the names.
    pub fn any_name(&mut self) -> &'static str {
        NAMES[self.random.below(NAMES.len())]
    }

    /// A folder that is there.
    pub fn any_folder(&mut self, imap: &mut Imap) -> String {
        let folders = Self::folders(imap);
        folders[self.random.below(folders.len())].clone()
    }

    /// A folder with messages, one of their UIDs, and which message it is; the folder is selected.
    pub fn any_message(&mut self, imap: &mut Imap) -> Option<(String, u32, String)> {
        let folder = self.any_folder(imap);
        let messages = imap.fetch_all(&folder);
        if messages.is_empty() {
            return None;
        }
        let stored = &messages[self.random.below(messages.len())];
        imap.select(&folder);
        Some((folder, stored.uid, stored.sha256.clone()))
    }

    /// Before a pass: numbers as this life wants them, and no state that looks like an earlier one but is not.
    pub fn settle(&mut self) {
        let mut here = self.here.login();
        for folder in Self::folders(&mut here) {
            if self.one_validity && here.select(&folder).0 != 7 {
                here.ok("UNSELECT");
                self.here.server.renumber(&self.here.user, &folder, 7, None);
            }
            while self.suspect && self.states.contains(&state(&mut here, &folder)) {
                if here.fetch_all(&folder).is_empty() {
                    break;
                }
                here.select(&folder);
                here.store("1:*", "+FLAGS", &format!("$touched{}", self.random.below(1000)));
                here.ok("UNSELECT");
            }
        }
        self.suspect = false;
        for folder in Self::folders(&mut here) {
            let state = state(&mut here, &folder);
            self.states.insert(state);
        }
        let mailbox = Mailbox::read(&mut here);
        for (name, folder) in &mailbox.folders {
            for message in folder.messages.iter().filter(|message| !headers(&message.bytes).is_empty()) {
                self.numbers.entry((name.clone(), message.uid)).or_default().insert(headers(&message.bytes));
            }
        }
        for message in messages(&mailbox) {
            self.flags.entry(message.sha256.clone()).or_default().extend(message.flags.iter().cloned());
        }
    }

    /// The owner looks at mail of every source folder, so that each is looked into by the next pass.
    pub fn touch_all(&mut self) {
        let mut here = self.here.login();
        for folder in Self::folders(&mut here) {
            if !here.fetch_all(&folder).is_empty() {
                here.select(&folder);
                here.store("*", "+FLAGS", &format!("$looked{}", self.next));
            }
        }
        self.next += 1;
    }
}

/// What STATUS tells of a folder.
fn state(imap: &mut Imap, folder: &str) -> String {
    imap.ok("NOOP");
    let lines = imap.ok(&format!("STATUS {} (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ)", quoted(folder)));
    let line = lines.iter().find(|line| line.starts_with(b"* STATUS ")).expect("a state");
    let text = String::from_utf8_lossy(line).into_owned();
    text.rsplit_once('(').map(|(_, state)| state.to_owned()).expect("a state")
}
