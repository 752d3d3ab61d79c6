//! Random days in a mailbox's life between passes: whatever its owner does, no message is lost, doubled or brought back.
//!
//! The rule they are judged by is D12: of every message there are, in all, as many copies as the source held at most at
//! the time of a pass, less what the owner deleted at the destination.

use std::collections::BTreeMap;

use crate::support::compare::Mailbox;
use crate::support::corpus::Random;
use crate::support::dovecot::{self, Format};
use crate::support::imap::{Imap, Message, quoted};
use crate::support::relay::Rules;
use crate::support::scene::{Scene, message};

/// How often each message is in a mailbox.
fn census(mailbox: &Mailbox) -> BTreeMap<String, usize> {
    let mut census = BTreeMap::new();
    for stored in mailbox.folders.values().flat_map(|folder| &folder.messages) {
        *census.entry(stored.sha256.clone()).or_default() += 1;
    }
    census
}

struct Life {
    scene: Scene,
    random: Random,
    next: u32,
    /// By message: copies that there ever were to be.
    made: BTreeMap<String, usize>,
    /// By message: how often the owner deleted it at the destination.
    deleted: BTreeMap<String, usize>,
    log: Vec<String>,
}

const NAMES: [&str; 8] = ["INBOX", "A", "B", "C/D", "C", "E", "F", "G"];

impl Life {
    fn folders(imap: &mut Imap) -> Vec<String> {
        imap.list().into_iter().filter(|f| f.selectable()).map(|f| f.wire).collect()
    }

    /// A folder with messages and one of their UIDs.
    fn any_message(&mut self, imap: &mut Imap) -> Option<(String, u32, String)> {
        let folders = Self::folders(imap);
        let folder = folders[self.random.below(folders.len())].clone();
        let messages = imap.fetch_all(&folder);
        if messages.is_empty() {
            return None;
        }
        let stored = &messages[self.random.below(messages.len())];
        imap.select(&folder);
        Some((folder, stored.uid, stored.sha256.clone()))
    }

    fn any_name(&mut self) -> &'static str {
        NAMES[self.random.below(NAMES.len())]
    }

    /// Something the owner does at the source.
    fn act_here(&mut self, here: &mut Imap) {
        match self.random.below(12) {
            0..=3 => {
                let name = self.any_name();
                let count = 1 + self.random.below(5) as u32;
                here.create_unless_inbox(name);
                here.append_all(name, &(self.next..self.next + count).map(message).collect::<Vec<_>>());
                self.log.push(format!("here: {count} new in {name} from {}", self.next));
                self.next += count;
            }
            4..=5 => {
                let to = self.any_name();
                here.create_unless_inbox(to);
                if let Some((from, uid, _)) = self.any_message(here).filter(|m| m.0 != to) {
                    here.move_to(&uid.to_string(), to);
                    self.log.push(format!("here: moved {uid} of {from} to {to}"));
                }
            }
            6 => {
                let to = self.any_name();
                here.create_unless_inbox(to);
                if let Some((from, uid, _)) = self.any_message(here) {
                    here.ok(&format!("UID COPY {uid} {}", quoted(to)));
                    self.log.push(format!("here: copied {uid} of {from} to {to}"));
                }
            }
            7 => {
                if let Some((from, uid, _)) = self.any_message(here) {
                    here.delete(&uid.to_string());
                    self.log.push(format!("here: deleted {uid} of {from}"));
                }
            }
            8..=9 => {
                if let Some((folder, uid, _)) = self.any_message(here) {
                    here.store(&uid.to_string(), "+FLAGS", "\\Flagged");
                    self.log.push(format!("here: flagged {uid} of {folder}"));
                }
            }
            10 => {
                let (from, to) = (self.any_name(), self.any_name());
                let folders = Self::folders(here);
                let there = |name: &str| folders.iter().any(|f| f == name);
                if from != "INBOX" && there(from) && !there(to) && !to.starts_with(from) {
                    here.ok(&format!("RENAME {} {}", quoted(from), quoted(to)));
                    self.log.push(format!("here: renamed {from} to {to}"));
                }
            }
            _ => {
                let name = self.any_name();
                if name != "INBOX" && name != "C" && Self::folders(here).iter().any(|f| f == name) {
                    let messages: Vec<Message> =
                        here.fetch_all(name).into_iter().map(|stored| Message::plain(stored.bytes)).collect();
                    here.ok("UNSELECT");
                    here.ok(&format!("DELETE {}", quoted(name)));
                    here.create(name);
                    here.append_all(name, &messages);
                    self.log.push(format!("here: {name} made anew"));
                }
            }
        }
    }

    /// Something the owner does at the destination.
    fn act_there(&mut self, there: &mut Imap) {
        match self.random.below(4) {
            0 => {
                if let Some((folder, uid, message)) = self.any_message(there) {
                    there.delete(&uid.to_string());
                    *self.deleted.entry(message).or_default() += 1;
                    self.log.push(format!("there: deleted {uid} of {folder}"));
                }
            }
            1 => {
                there.create("Mine");
                if let Some((folder, uid, _)) = self.any_message(there).filter(|m| m.0 != "Mine") {
                    there.move_to(&uid.to_string(), "Mine");
                    self.log.push(format!("there: moved {uid} of {folder} away"));
                }
            }
            _ => {
                if let Some((folder, uid, _)) = self.any_message(there) {
                    there.store(&uid.to_string(), "+FLAGS", "$Kept");
                    self.log.push(format!("there: marked {uid} of {folder}"));
                }
            }
        }
    }

    fn judge(&mut self) {
        for (message, count) in census(&self.scene.read_here()) {
            let made = self.made.entry(message).or_default();
            *made = count.max(*made);
        }
        self.scene.pass();
        let there = census(&self.scene.read_there());
        let mut wrong = Vec::new();
        for (message, made) in &self.made {
            let expected = made - self.deleted.get(message).copied().unwrap_or(0);
            let found = there.get(message).copied().unwrap_or(0);
            if found != expected {
                wrong.push(format!("{found} instead of {expected} of {message}"));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}\nafter\n{}", self.log.join("\n"));
    }
}

impl Imap {
    fn create_unless_inbox(&mut self, name: &str) {
        if name != "INBOX" {
            self.create(name);
        }
    }
}

fn live(seed: u64, hide: &[&str], days: usize) {
    let (source, destination) = (dovecot::shared(Format::Sdbox), dovecot::shared_twin(Format::Sdbox));
    let scene = Scene::between(source, destination, Rules::hiding(hide), Rules::hiding(hide));
    let mut life = Life {
        scene,
        random: Random::new(seed),
        next: 1,
        made: BTreeMap::new(),
        deleted: BTreeMap::new(),
        log: vec![format!("seed {seed}")],
    };
    for _ in 0..days {
        for _ in 0..1 + life.random.below(8) {
            let mut here = life.scene.here();
            life.act_here(&mut here);
        }
        for _ in 0..life.random.below(3) {
            let mut there = life.scene.there();
            life.act_there(&mut there);
        }
        life.log.push("pass".into());
        life.judge();
    }
}

#[test]
fn r17_whatever_happens_between_passes_nothing_is_lost_or_doubled() {
    if dovecot::available() {
        for seed in 1..6 {
            live(seed, &[], 8);
        }
    }
}

#[test]
fn r17_the_same_without_uidplus_condstore_and_batches() {
    if dovecot::available() {
        for seed in 11..14 {
            live(seed, &["UIDPLUS", "CONDSTORE", "QRESYNC", "MULTIAPPEND", "LITERAL+"], 8);
        }
    }
}

#[test]
fn r17_a_message_that_was_away_during_a_pass_is_not_copied_again() {
    if !dovecot::available() {
        return;
    }
    let scene = Scene::new();
    scene.fill("A", 0..10);
    scene.fill("B", 20..22);
    scene.pass();
    let mut here = scene.here();
    here.select("A");
    here.delete("4:6");
    assert_eq!(scene.pass().messages("copied"), 0);
    scene.idle_pass();
    scene.fill("B", 3..5);
    let back = scene.pass();
    assert_eq!((back.messages("copied"), back.messages("already_there")), (0, 11), "{:#}", back.0);
    here.select("B");
    here.store("3", "+FLAGS", "\\Seen");
    assert_eq!(scene.pass().number("flags_updated"), 1);
    assert_eq!(scene.read_there().folders["A"].messages[3].flags, ["\\Seen"]);
    assert_eq!(scene.count_there(&["A", "B"]), [10, 2]);
}
