//! Nothing is believed that was not checked: numbers that mean other messages than before, servers that keep silent, say
//! what is not true, or were put back to yesterday; owners who rename on both sides.
//!
//! Judged is what lies at the destination against what the owners did, and whether what is wrong has a name and exit
//! code 1. Never is a pass "Completed" with exit code 0 while mail is missing, doubled or changed.

mod all_mail;
mod all_mail_keys;
mod back_elsewhere;
mod came_back;
mod cleaned;
mod contents;
mod deleted_there;
mod equal_names;
mod folders;
mod forgetful;
mod labels;
mod lost_since;
mod moved;
mod nameless;
mod numbers_here;
mod numbers_there;
mod old_names;
mod passed_on;
mod put_back;
mod shorter;
mod silence;
mod status_lies;
mod taken;
mod terse;

use std::collections::BTreeMap;

use mailferry::domain::item_error::ItemError;
use mailferry::domain::notice::{Notice, NoticeKind};

use crate::support::odd::{Odd, subject};
use crate::support::product::{Item, Output, Workspace, plain};
use crate::support::scene::Scene;

/// How a pass ended, and all that it said.
struct Verdict {
    output: Output,
    item: Item,
    errors: Vec<ItemError>,
    notices: Vec<Notice>,
}

impl Verdict {
    fn of(workspace: &Workspace) -> Verdict {
        let output = workspace.start();
        let item = workspace.only();
        if item.status() == "completed" {
            workspace.folders();
        }
        Verdict { output, item, errors: workspace.errors(), notices: workspace.notices() }
    }

    /// Everything that a person can read about it.
    fn words(&self) -> String {
        format!(
            "{}\n{}\n{:#}\n{:#?}\n{:#?}",
            self.output.stdout, self.output.stderr, self.item.0, self.errors, self.notices
        )
    }

    fn copied(&self) -> u64 {
        self.item.messages("copied")
    }

    /// It ended well.
    fn fine(self) -> Verdict {
        let ended = (self.output.code, self.item.status());
        assert!(ended == (0, "completed"), "ended with {ended:?}: {}", self.words());
        self
    }

    /// It ended well with so many messages copied.
    fn copies(self, messages: u64) -> Verdict {
        let verdict = self.fine();
        let copied = verdict.copied();
        assert!(copied == messages, "{copied} copied instead of {messages}: {}", verdict.words());
        verdict
    }

    /// It did not end well, and says all of this.
    fn wrong(self, words: &[&str]) -> Verdict {
        let said = self.words();
        assert_eq!(self.output.code, 1, "nothing was wrong? {said}");
        let stands_out = !self.errors.is_empty()
            || self.notices.iter().any(|notice| notice.kind.differs())
            || self.item.status() == "failed";
        assert!(stands_out, "exit code 1 without a name: {said}");
        for word in words {
            assert!(said.contains(word), "{word:?} is not said: {said}");
        }
        self
    }

    fn notes(&self, kind: NoticeKind) -> bool {
        self.notices.iter().any(|notice| notice.kind == kind)
    }
}

impl Scene {
    /// A pass, however it ends.
    fn verdict(&self) -> Verdict {
        self.source.clear_record();
        self.destination.clear_record();
        let verdict = Verdict::of(&self.workspace);
        self.source.assert_source_read_only();
        self.source.assert_only_advertised();
        self.destination.assert_only_advertised();
        verdict
    }

    /// How often each subject is at the destination, in all folders.
    fn subjects_there(&self) -> BTreeMap<String, usize> {
        let there = self.read_there();
        let all = there.folders.values().flat_map(|folder| &folder.messages);
        count(all.map(|message| subject(&String::from_utf8_lossy(&message.bytes))))
    }

    /// Subjects of a destination folder's messages that have this flag.
    fn flagged_there(&self, folder: &str, flag: &str) -> Vec<String> {
        let there = self.read_there();
        let flagged = there.folders[folder].messages.iter().filter(|m| m.flags.iter().any(|f| f == flag));
        let mut subjects: Vec<_> = flagged.map(|m| subject(&String::from_utf8_lossy(&m.bytes))).collect();
        subjects.sort();
        subjects
    }
}

/// How often each comes.
fn count<T: Ord>(all: impl Iterator<Item = T>) -> BTreeMap<T, usize> {
    let mut counts = BTreeMap::new();
    all.for_each(|one| *counts.entry(one).or_default() += 1);
    counts
}

/// Messages of these numbers, each once.
fn once(numbers: impl IntoIterator<Item = u32>) -> BTreeMap<String, usize> {
    numbers.into_iter().map(|number| (format!("number {number}"), 1)).collect()
}

/// Two odd servers and a project between them.
struct Pair {
    workspace: Workspace,
    source: Odd,
    destination: Odd,
}

impl Pair {
    fn new(source: &str, destination: &str) -> Pair {
        let (source, destination) = (Odd::start(source), Odd::start(destination));
        let workspace = Workspace::new();
        workspace.project_new(&plain(source.port), &plain(destination.port), &[]);
        workspace.import(&[("ann".into(), "ann".into())]);
        Pair { workspace, source, destination }
    }

    fn verdict(&self) -> Verdict {
        self.source.state().heard.clear();
        self.destination.state().heard.clear();
        let before = self.source.state().boxes.clone();
        let verdict = Verdict::of(&self.workspace);
        assert_eq!(before, self.source.state().boxes, "the source was changed");
        verdict
    }

    /// A pass that finds nothing to do and opens no folder, but for the inbox whose id is compared with that of the list.
    fn idle(&self) {
        self.verdict().copies(0);
        for server in [&self.source, &self.destination] {
            let state = server.state();
            let mut compared = !state.capabilities.contains("OBJECTID");
            // Once.
            let mut compares = |heard: &String| heard == "EXAMINE \"INBOX\"" && !std::mem::replace(&mut compared, true);
            for heard in state.heard.iter().filter(|heard| !compares(heard)) {
                let looks = ["SELECT", "EXAMINE", "UID", "APPEND", "CREATE"];
                assert!(!looks.iter().any(|verb| heard.starts_with(verb)), "needless: {heard}");
            }
        }
    }

    /// How often each subject is at the destination.
    fn there(&self) -> BTreeMap<String, usize> {
        count(self.destination.state().boxes.iter().flat_map(|one| one.subjects()))
    }
}
