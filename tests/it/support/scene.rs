//! One mailbox on its way from one server to another, relays on both sides, and what each pass said.

use super::compare::{self, Mailbox};
use super::dovecot::{self, Dovecot, Format, PASSWORD};
use super::imap::{Imap, Message};
use super::product::{Item, Output, Workspace, plain};
use super::relay::{Relay, Rules};

/// A source mailbox, a destination mailbox, and a project between them.
pub struct Scene {
    /// The program's data.
    pub workspace: Workspace,
    /// In front of the source.
    pub source: Relay,
    /// In front of the destination.
    pub destination: Relay,
    ports: (u16, u16),
    /// Names of the two mailboxes.
    pub users: (String, String),
}

/// What a client may say about a folder that it need not look into.
const LOOKS_AWAY: [&str; 10] =
    ["LOGIN", "AUTHENTICATE", "CAPABILITY", "ID", "NAMESPACE", "ENABLE", "LIST", "LSUB", "STATUS", "LOGOUT"];

impl Scene {
    /// Between two shared servers that keep folders in folders.
    pub fn new() -> Scene {
        let (source, destination) = (dovecot::shared(Format::Sdbox), dovecot::shared_twin(Format::Sdbox));
        Scene::between(source, destination, Rules::default(), Rules::default())
    }

    /// Between these servers, through relays with these rules.
    pub fn between(source: &Dovecot, destination: &Dovecot, reading: Rules, writing: Rules) -> Scene {
        let scene = Scene {
            workspace: Workspace::new(),
            source: Relay::start(source.plain_port, reading),
            destination: Relay::start(destination.plain_port, writing),
            ports: (source.plain_port, destination.plain_port),
            users: (source.user("here"), destination.user("there")),
        };
        let (workspace, users) = (&scene.workspace, scene.users.clone());
        workspace.project_new(&plain(scene.source.port), &plain(scene.destination.port), &[]);
        workspace.import(&[users]);
        scene
    }

    /// The source, as its owner sees it.
    pub fn here(&self) -> Imap {
        Imap::login(self.ports.0, &self.users.0, PASSWORD)
    }

    /// The destination, as its owner sees it.
    pub fn there(&self) -> Imap {
        Imap::login(self.ports.1, &self.users.1, PASSWORD)
    }

    /// Everything at the source.
    pub fn read_here(&self) -> Mailbox {
        Mailbox::read(&mut self.here())
    }

    /// Everything at the destination.
    pub fn read_there(&self) -> Mailbox {
        Mailbox::read(&mut self.there())
    }

    /// Adds messages of these numbers to a source folder, which is made if it is missing.
    pub fn fill(&self, folder: &str, numbers: std::ops::Range<u32>) {
        let mut here = self.here();
        if folder != "INBOX" {
            here.create(folder);
        }
        here.append_all(folder, &numbers.map(message).collect::<Vec<_>>());
    }

    /// Runs a pass with the records cleared before; it must end with this exit code.
    pub fn start(&self, code: i32) -> (Output, Item) {
        self.source.clear_record();
        self.destination.clear_record();
        let output = self.workspace.start().expect(code);
        self.source.assert_source_read_only();
        self.source.assert_only_advertised();
        self.destination.assert_only_advertised();
        let item = self.workspace.only();
        if item.status() == "completed" {
            self.workspace.folders();
        }
        (output, item)
    }

    /// A pass that must end well.
    pub fn pass(&self) -> Item {
        self.start(0).1
    }

    /// A pass that must find nothing to do, and say nothing needless: no folder is opened on either side.
    pub fn idle_pass(&self) {
        let item = self.pass();
        assert_eq!((item.messages("copied"), item.number("flags_updated")), (0, 0), "{:#}", item.0);
        for command in self.source.commands().into_iter().chain(self.destination.commands()) {
            assert!(LOOKS_AWAY.contains(&command.verb.as_str()), "needless: {command:?}");
        }
    }

    /// Both mailboxes are equal in everything, folder by folder of the same name.
    pub fn assert_equal(&self) {
        let here = self.read_here();
        compare::assert_equal(&here, &self.read_there(), &compare::same_names(&here));
    }

    /// How many messages each of these destination folders holds.
    pub fn count_there(&self, folders: &[&str]) -> Vec<usize> {
        let there = self.read_there();
        folders.iter().map(|folder| there.folders.get(*folder).map_or(0, |f| f.messages.len())).collect()
    }
}

/// An ordinary message of its own.
pub fn message(number: u32) -> Message {
    let bytes = format!(
        "Message-ID: <{number}@example.org>\r\nDate: Sat, 1 Feb 2003 04:05:06 +0530\r\nFrom: a@example.org\r\n\
         Subject: number {number}\r\n\r\nBody of {number}.\r\n"
    );
    Message { date: Some(format!("{:02}-Feb-2003 04:05:06 +0530", 1 + number % 28)), ..Message::plain(bytes) }
}
