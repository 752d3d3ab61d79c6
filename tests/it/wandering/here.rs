//! What the owner does at the source.

use super::world::World;
use crate::support::imap::{Imap, Message, quoted, sha256_hex};
use crate::support::scene::message;

/// A message that nobody gave a name or a date: all of a kind have one identity.
fn draft(kind: usize, number: u32) -> Message {
    Message::plain(format!("From: ann@example.org\r\nSubject: draft {kind}\r\n\r\nWords {number:05}.\r\n"))
}

/// The header of a message that has a name of its own.
pub(super) fn headers(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let header = text.split("\r\n\r\n").next().unwrap_or_default();
    if header.contains("Message-ID") { header.to_owned() } else { String::new() }
}

impl World {
    /// Something.
    pub fn act_here(&mut self) {
        let mut here = self.here.login();
        match self.random.below(20) {
            0..=4 => self.write(&mut here),
            5..=6 => self.move_here(&mut here),
            7 => self.copy_here(&mut here),
            8 => self.delete_here(&mut here),
            9 => self.bring_back(&mut here),
            10..=11 => self.flag_here(&mut here),
            12 => self.rename_here(&mut here),
            13 => self.make_anew(&mut here),
            14..=16 => self.edit(&mut here),
            17 => {
                drop(here);
                self.make_anew_under_its_numbers();
            }
            _ => {
                drop(here);
                self.backup_here();
            }
        }
    }

    fn write(&mut self, here: &mut Imap) {
        let name = self.any_name();
        let count = 1 + u32::try_from(self.random.below(5)).expect("small");
        here.create_unless_inbox(name);
        let kind = self.random.below(6);
        let new: Vec<Message> =
            (self.next..self.next + count).map(|n| if kind < 2 { draft(kind, n) } else { message(n) }).collect();
        here.append_all(name, &new);
        let names: Vec<String> = new.iter().map(|one| sha256_hex(&one.bytes)[..8].to_owned()).collect();
        let kind = if kind < 2 { ", drafts" } else { "" };
        self.note(format!("here: {count} new in {name} from {}{kind}: {}", self.next, names.join(" ")));
        self.next += count;
    }

    fn move_here(&mut self, here: &mut Imap) {
        let to = self.any_name();
        here.create_unless_inbox(to);
        if let Some((from, uid, sha)) = self.any_message(here).filter(|m| m.0 != to) {
            // A neighbour goes along, if there is one.
            here.move_to(&format!("{uid}:{}", uid + 1), to);
            self.note(format!("here: moved {uid} and the next of {from} to {to}, {}", &sha[..8]));
        }
    }

    fn copy_here(&mut self, here: &mut Imap) {
        let to = self.any_name();
        here.create_unless_inbox(to);
        if let Some((from, uid, sha)) = self.any_message(here) {
            here.ok(&format!("UID COPY {uid} {}", quoted(to)));
            self.note(format!("here: copied {uid} of {from} to {to}, {}", &sha[..8]));
        }
    }

    fn delete_here(&mut self, here: &mut Imap) {
        if let Some((from, uid, sha)) = self.any_message(here) {
            let stored = here.fetch_all(&from).into_iter().find(|stored| stored.uid == uid).expect("it is there");
            self.away.push(Message::plain(stored.bytes));
            here.select(&from);
            here.delete(&uid.to_string());
            self.note(format!("here: deleted {uid} of {from}, {}", &sha[..8]));
        }
    }

    fn bring_back(&mut self, here: &mut Imap) {
        if let Some(message) = self.away.pop() {
            let name = self.any_name();
            here.create_unless_inbox(name);
            here.append(name, &message);
            self.note(format!("here: brought {} back to {name}", &sha256_hex(&message.bytes)[..8]));
        }
    }

    fn flag_here(&mut self, here: &mut Imap) {
        if let Some((folder, uid, sha)) = self.any_message(here) {
            let flag = ["\\Flagged", "\\Flagged", "\\Deleted", "\\Answered"][self.random.below(4)];
            here.store(&uid.to_string(), "+FLAGS", flag);
            self.note(format!("here: {flag} for {uid} of {folder}, {}", &sha[..8]));
        }
    }

    fn rename_here(&mut self, here: &mut Imap) {
        let (from, to) = (self.any_name(), self.any_name());
        // Also a mere parent is in the way.
        let folders = here.list();
        let there = |name: &str| folders.iter().any(|f| f.wire == name);
        let full = folders.iter().any(|f| f.wire == from && f.selectable());
        if from != "INBOX" && full && !there(to) && !to.starts_with(from) && !from.starts_with(to) {
            here.ok(&format!("RENAME {} {}", quoted(from), quoted(to)));
            self.note(format!("here: renamed {from} to {to}"));
            if self.random.below(3) == 0 {
                here.create(from);
                here.append(from, &message(self.next));
                self.next += 1;
                self.suspect = true;
                self.note(format!("here: a new {from}"));
            }
        }
    }

    /// A folder that can be deleted, and its messages.
    fn deletable(&mut self, here: &mut Imap) -> Option<(&'static str, Vec<Message>)> {
        let name = self.any_name();
        if name == "INBOX" || name == "C" || !World::folders(here).iter().any(|f| f == name) {
            return None;
        }
        let messages = here.fetch_all(name).into_iter().map(|stored| Message::plain(stored.bytes)).collect();
        Some((name, messages))
    }

    fn make_anew(&mut self, here: &mut Imap) {
        if let Some((name, messages)) = self.deletable(here) {
            here.ok("UNSELECT");
            here.ok(&format!("DELETE {}", quoted(name)));
            here.create(name);
            here.append_all(name, &messages);
            self.suspect = true;
            self.note(format!("here: {name} made anew"));
        }
    }

    fn make_anew_under_its_numbers(&mut self) {
        let mut here = self.here.login();
        let Some((name, mut messages)) = self.deletable(&mut here) else { return };
        let validity = here.select(name).0;
        here.ok("UNSELECT");
        here.ok(&format!("DELETE {}", quoted(name)));
        here.create(name);
        self.here.server.renumber(&self.here.user, name, validity, None);
        // Some of the old messages in another order, and some new ones among them.
        for at in (1..messages.len()).rev() {
            messages.swap(at, self.random.below(at + 1));
        }
        let left = self.random.below(messages.len() + 1);
        self.away.extend(messages.drain(left..));
        // The first is new always: an edited message under its old number and name could not be told from what it was.
        for at in 0..1 + self.random.below(3) {
            let place = if at == 0 { 0 } else { self.random.below(messages.len() + 1) };
            messages.insert(place, message(self.next));
            self.next += 1;
        }
        // Nor could it further down: no message comes to lie where one of its name lay before.
        for _ in 0..20 {
            let known = |(at, message): (usize, &Message)| {
                let numbers = self.numbers.get(&(name.to_owned(), u32::try_from(at + 1).expect("small")));
                numbers.is_some_and(|names| names.contains(&headers(&message.bytes)))
            };
            if !messages.iter().enumerate().any(known) {
                break;
            }
            messages.insert(0, message(self.next));
            self.next += 1;
        }
        here.append_all(name, &messages);
        self.suspect = true;
        self.note(format!(
            "here: {name} made anew under its UIDVALIDITY with {left} old and {} new",
            messages.len() - left
        ));
    }

    /// New words under the old names: headers stay, the text changes; sometimes its length does not.
    fn edit(&mut self, here: &mut Imap) {
        let Some((folder, uid, _)) = self.any_message(here) else { return };
        let stored = here.fetch_all(&folder).into_iter().find(|stored| stored.uid == uid).expect("it is there");
        let text = String::from_utf8_lossy(&stored.bytes).into_owned();
        let Some((headers, body)) = text.split_once("\r\n\r\n") else { return };
        let number = self.next;
        self.next += 1;
        let new = match self.random.below(2) {
            0 => format!("{headers}\r\n\r\n{body}And {number}.\r\n"),
            _ => {
                let mut digits = format!("{number:05}");
                digits.push_str("________________________________");
                let length = body.trim_end().len().max(6);
                format!("{headers}\r\n\r\n{}\r\n", &digits[..length.min(digits.len())])
            }
        };
        let new = Message { flags: stored.flags.clone(), ..Message::plain(new) };
        here.append(&folder, &new);
        here.select(&folder);
        here.delete(&uid.to_string());
        let name = sha256_hex(&new.bytes);
        self.note(format!("here: edited {uid} of {folder}, {} is {} now", &stored.sha256[..8], &name[..8]));
    }

    fn backup_here(&mut self) {
        match self.here.backup.take() {
            Some(backup) if self.random.below(2) == 0 => {
                self.here.server.put_back(&self.here.user, &backup);
                self.suspect = true;
                self.note("here: the backup was put back");
            }
            _ => {
                self.here.backup = Some(self.here.server.keep(&self.here.user));
                self.note("here: a backup was made");
            }
        }
    }
}

impl Imap {
    /// Makes a folder, unless it is the inbox, which is there.
    pub(super) fn create_unless_inbox(&mut self, name: &str) {
        if name != "INBOX" {
            self.create(name);
        }
    }
}
