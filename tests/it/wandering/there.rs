//! What the owner does at the destination.

use super::world::World;
use crate::support::imap::{Imap, Message, quoted, sha256_hex};

/// Names that only the destination has.
const OTHERS: [&str; 3] = ["Kept", "Other", "Later"];
/// Where the owner puts what is nobody else's business any more.
const MINE: &str = "Mine";

impl World {
    /// Something.
    pub fn act_there(&mut self) {
        let mut there = self.there.login();
        match self.random.below(14) {
            0..=2 => self.delete_there(&mut there),
            3 => self.move_there(&mut there),
            4..=5 => self.mark_there(&mut there),
            6..=8 => self.write_there(&mut there),
            9..=10 => self.rename_there(&mut there),
            // A life between a kill and its resume has enough of its own.
            _ if self.killed => {}
            11 => {
                drop(there);
                self.raze();
            }
            _ => {
                drop(there);
                self.backup_there();
            }
        }
    }

    fn delete_there(&mut self, there: &mut Imap) {
        if let Some((folder, uid, message)) = self.any_message(there) {
            there.delete(&uid.to_string());
            self.model.deleted(&message, &folder, self.killed);
            self.model.left(&folder);
            self.note(format!("there: deleted {uid} of {folder}, {}", &message[..8]));
        }
    }

    fn move_there(&mut self, there: &mut Imap) {
        there.create(MINE);
        if let Some((folder, uid, message)) = self.any_message(there).filter(|m| m.0 != MINE) {
            if self.killed {
                self.model.moved_while_killed(&message);
            }
            there.move_to(&uid.to_string(), MINE);
            self.note(format!("there: moved {uid} of {folder} away, {}", &message[..8]));
            self.model.moved(&message);
            self.model.left(&folder);
        }
    }

    fn mark_there(&mut self, there: &mut Imap) {
        if let Some((folder, uid, _)) = self.any_message(there) {
            there.store(&uid.to_string(), "+FLAGS", "$Kept");
            self.note(format!("there: marked {uid} of {folder}"));
        }
    }

    fn write_there(&mut self, there: &mut Imap) {
        let folder = self.any_folder(there);
        let count = 1 + self.random.below(4);
        for _ in 0..count {
            let text =
                format!("Message-ID: <own{}@new.example>\r\nSubject: own\r\n\r\nmine {}\r\n", self.next, self.next);
            self.next += 1;
            self.model.own.insert(sha256_hex(text.as_bytes()));
            there.append(&folder, &Message { flags: vec!["$Own".into()], ..Message::plain(text) });
        }
        self.note(format!("there: {count} of the owner's own in {folder}"));
    }

    fn rename_there(&mut self, there: &mut Imap) {
        // A folder that lost copies and then gets another name looks like one that its owner deleted: nobody can know.
        if self.model.has_losses() {
            return;
        }
        let folders = World::folders(there);
        let from = folders[self.random.below(folders.len())].clone();
        let to = match self.random.below(2) {
            0 => OTHERS[self.random.below(OTHERS.len())],
            _ => self.any_name(),
        };
        let nested = to.starts_with(&from) || from.starts_with(to);
        if from != "INBOX" && from != MINE && !nested && !there.list().iter().any(|folder| folder.wire == to) {
            there.ok(&format!("RENAME {} {}", quoted(&from), quoted(to)));
            self.note(format!("there: renamed {from} to {to}"));
            self.model.renamed(&from, to);
            self.renamed_there.insert(to.to_owned());
        }
    }

    /// A folder made anew under its UIDVALIDITY: what was in it is gone.
    fn raze(&mut self) {
        let mut there = self.there.login();
        let folder = self.any_folder(&mut there);
        let nested = there.list().iter().any(|other| other.wire.starts_with(&format!("{folder}/")));
        if folder == "INBOX" || nested {
            return;
        }
        let messages = there.fetch_all(&folder);
        let validity = there.select(&folder).0;
        there.ok("UNSELECT");
        there.ok(&format!("DELETE {}", quoted(&folder)));
        there.create(&folder);
        self.there.server.renumber(&self.there.user, &folder, validity, None);
        self.model.hidden(&folder);
        if folder == MINE {
            messages.iter().for_each(|copy| self.model.deleted(&copy.sha256, &folder, false));
        } else if self.renamed_there.contains(&folder) {
            // Nobody can know that this was the folder whose name is gone: its owner may have deleted that.
            messages.iter().for_each(|copy| self.model.deleted(&copy.sha256, &folder, true));
        } else {
            self.model.razed(&folder, messages.iter());
        }
        let count = self.random.below(6);
        self.note(format!("there: {folder} made anew under its UIDVALIDITY, without its {}", messages.len()));
        for _ in 0..count {
            let text =
                format!("Message-ID: <own{}@new.example>\r\nSubject: own\r\n\r\nmine {}\r\n", self.next, self.next);
            self.next += 1;
            self.model.own.insert(sha256_hex(text.as_bytes()));
            there.append(&folder, &Message { flags: vec!["$Own".into()], ..Message::plain(text) });
        }
        self.touch_all();
    }

    fn backup_there(&mut self) {
        match self.there.backup.take() {
            Some(backup) if self.random.below(2) == 0 => {
                let before = self.there.read();
                self.there.server.put_back(&self.there.user, &backup);
                let after = self.there.read();
                self.model.restored(&before, &after);
                // Folders have the names again that they had then.
                self.renamed_there.extend(after.folders.into_keys().filter(|name| !before.folders.contains_key(name)));
                self.note("there: the backup was put back");
                self.touch_all();
            }
            _ => {
                self.there.backup = Some(self.there.server.keep(&self.there.user));
                self.note("there: a backup was made");
            }
        }
    }
}
