//! Whole mailboxes move and are equal: folders, bytes, order, flags, keywords, dates, subscriptions.
//!
//! Thirty hostile mailboxes in all, between like servers and between layouts, over every kind of protection and login.

use crate::support::compare::{Mailbox, assert_equal, assert_unchanged};
use crate::support::corpus::{self, Corpus};
use crate::support::dovecot::{self, Dovecot, Format, MASTER, MASTER_PASSWORD};
use crate::support::imap::Message;
use crate::support::product::{Workspace, plain, starttls, tls};
use crate::support::relay::{Relay, Rules};
use crate::support::scene::{Scene, message};

/// Mailboxes loaded at the source, and the users they go to.
struct Move {
    source: &'static Dovecot,
    destination: &'static Dovecot,
    items: Vec<(String, String)>,
    corpora: Vec<Corpus>,
}

impl Move {
    fn load(from: Format, to: Format, corpora: Vec<Corpus>) -> Move {
        let (source, destination) = (dovecot::shared(from), dovecot::shared_twin(to));
        let items: Vec<_> = corpora.iter().map(|_| (source.user("from"), destination.user("to"))).collect();
        for (corpus, (user, _)) in corpora.iter().zip(&items) {
            corpus.load(source, user);
        }
        Move { source, destination, items, corpora }
    }

    /// So many hostile mailboxes.
    fn hostile(from: Format, to: Format, seeds: std::ops::Range<u64>) -> Move {
        Move::load(from, to, seeds.map(|seed| corpus::hostile(seed, from)).collect())
    }

    fn before(&self) -> Vec<Mailbox> {
        self.items.iter().map(|(user, _)| Mailbox::read(&mut self.source.login(user))).collect()
    }

    /// Runs a pass and compares every mailbox; the source must be as it was.
    fn run(&self, workspace: &Workspace) {
        let before = self.before();
        workspace.start().expect(0);
        self.equal(&before);
        for (item, corpus) in workspace.status().iter().zip(&self.corpora) {
            let count = corpus.count() as u64;
            assert_eq!((item.messages("source"), item.messages("copied")), (count, count), "{:#}", item.0);
            let folders = &item.0["folders"];
            assert_eq!(folders["done"], corpus.folders.len(), "{folders}");
            assert_eq!(folders["done"], folders["total"], "R47: the bar ends full");
        }
    }

    fn equal(&self, before: &[Mailbox]) {
        let (from, to) = (self.source.options.format, self.destination.options.format);
        for (((user, copy), corpus), before) in self.items.iter().zip(&self.corpora).zip(before) {
            let after = Mailbox::read(&mut self.source.login(user));
            assert_unchanged(before, &after);
            let moved = Mailbox::read(&mut self.destination.login(copy));
            assert_eq!(before.count(), corpus.count());
            assert_equal(before, &moved, &corpus.names(from, to));
        }
    }
}

fn pins(moved: &Move) -> [String; 2] {
    [&moved.source, &moved.destination].map(|server| server.certificates.leaf_sha256.clone())
}

#[test]
fn r15_like_servers_with_folders_in_folders_over_pinned_tls() {
    if !dovecot::available() {
        return;
    }
    let moved = Move::hostile(Format::Sdbox, Format::Sdbox, 10..17);
    let (workspace, pins) = (Workspace::new(), pins(&moved));
    let trust = ["--source-cert-sha256", &pins[0], "--destination-cert-sha256", &pins[1]];
    workspace.project_new(&tls(moved.source), &tls(moved.destination), &trust);
    workspace.import(&moved.items);
    moved.run(&workspace);
}

#[test]
fn r15_like_servers_with_dotted_folders_over_tls_with_an_authority_of_their_own() {
    if !dovecot::available() {
        return;
    }
    let moved = Move::hostile(Format::Maildir, Format::Maildir, 20..27);
    let workspace = Workspace::new();
    let ca = [&moved.source, &moved.destination].map(|s| s.certificates.ca_pem.to_str().expect("a plain path"));
    let trust = ["--source-ca", ca[0], "--destination-ca", ca[1]];
    workspace.project_new(&tls(moved.source), &tls(moved.destination), &trust);
    workspace.import(&moved.items);
    moved.run(&workspace);
}

#[test]
fn r15_from_nested_to_dotted_folders_over_starttls() {
    if !dovecot::available() {
        return;
    }
    let moved = Move::hostile(Format::Sdbox, Format::Maildir, 30..37);
    let (workspace, pins) = (Workspace::new(), pins(&moved));
    let ca = moved.source.certificates.ca_pem.to_str().expect("a plain path");
    let trust = ["--source-ca", ca, "--destination-cert-sha256", &pins[1]];
    workspace.project_new(&starttls(moved.source), &starttls(moved.destination), &trust);
    workspace.import(&moved.items);
    moved.run(&workspace);
}

#[test]
fn r15_from_dotted_to_nested_folders_over_starttls() {
    if !dovecot::available() {
        return;
    }
    let moved = Move::hostile(Format::Maildir, Format::Sdbox, 40..47);
    let (workspace, pins) = (Workspace::new(), pins(&moved));
    let trust = ["--source-cert-sha256", &pins[0], "--destination-cert-sha256", &pins[1]];
    workspace.project_new(&starttls(moved.source), &tls(moved.destination), &trust);
    workspace.import(&moved.items);
    moved.run(&workspace);
}

#[test]
fn a_message_of_25_megabytes_arrives_unaltered() {
    if !dovecot::available() {
        return;
    }
    let moved = Move::load(Format::Sdbox, Format::Maildir, vec![corpus::hostile_large(50, Format::Sdbox)]);
    let (workspace, pins) = (Workspace::new(), pins(&moved));
    let trust = ["--source-cert-sha256", &pins[0], "--destination-cert-sha256", &pins[1]];
    workspace.project_new(&tls(moved.source), &tls(moved.destination), &trust);
    workspace.import(&moved.items);
    moved.run(&workspace);
    assert!(workspace.only().number("bytes") > 25_000_000);
}

#[test]
fn an_administrator_opens_all_mailboxes_by_template_and_by_authorization_id() {
    if !dovecot::available() {
        return;
    }
    let moved = Move::hostile(Format::Sdbox, Format::Sdbox, 60..62);
    let mut workspace = Workspace::new();
    for side in ["SOURCE", "DESTINATION"] {
        workspace.environment.push((format!("MAILFERRY_{side}_PASSWORD"), MASTER_PASSWORD.into()));
    }
    let ca = [&moved.source, &moved.destination].map(|s| s.certificates.ca_pem.to_str().expect("a plain path"));
    let template = format!("{{user}}*{MASTER}");
    let more =
        ["--source-ca", ca[0], "--destination-ca", ca[1], "--source-admin", &template, "--destination-admin", MASTER];
    workspace.project_new(&tls(moved.source), &tls(moved.destination), &more);
    workspace.import_with(&moved.items, None);
    moved.run(&workspace);
}

/// Capabilities that make appending quick and safe; a server need have none of them.
const HELPS: [&str; 6] = ["MULTIAPPEND", "LITERAL+", "LITERAL-", "UIDPLUS", "CONDSTORE", "QRESYNC"];

/// A move through relays on both sides, then a second pass.
fn relayed(from: Format, to: Format, rules: &Rules, seed: u64) {
    let moved = Move::load(from, to, vec![corpus::hostile(seed, from)]);
    let source = Relay::start(moved.source.plain_port, rules.clone());
    let destination = Relay::start(moved.destination.plain_port, rules.clone());
    let workspace = Workspace::new();
    workspace.project_new(&plain(source.port), &plain(destination.port), &[]);
    workspace.import(&moved.items);
    moved.run(&workspace);
    source.assert_source_read_only();
    source.assert_only_advertised();
    destination.assert_only_advertised();
    assert!(destination.commands().iter().all(|c| !c.verb.contains("EXPUNGE") && c.verb != "DELETE"));
    the_dates_are_the_sources(&moved, &destination);
    the_order_is_that_of_r15(&destination);

    let before = moved.before();
    destination.clear_record();
    workspace.start().expect(0);
    moved.equal(&before);
    assert!(destination.appends().is_empty(), "{:?}", destination.appends());
    assert_eq!(workspace.only().messages("copied"), 0);
}

/// Date text and zone of every APPEND, in order, are what the source told.
fn the_dates_are_the_sources(moved: &Move, destination: &Relay) {
    let (from, to) = (moved.source.options.format, moved.destination.options.format);
    let mailbox = Mailbox::read(&mut moved.source.login(&moved.items[0].0));
    let appends = destination.appends();
    for (name, there) in moved.corpora[0].names(from, to) {
        let wire = crate::support::imap::to_utf7(&there);
        let sent: Vec<_> =
            appends.iter().filter(|a| a.mailbox == wire).map(|a| a.date.clone().unwrap_or_default()).collect();
        let told: Vec<_> = mailbox.folders[&name].messages.iter().map(|m| m.date.clone()).collect();
        assert_eq!(sent, told, "{there}");
        let lengths: Vec<_> = appends.iter().filter(|a| a.mailbox == wire).map(|a| a.length).collect();
        let sizes: Vec<_> = mailbox.folders[&name].messages.iter().map(|m| m.bytes.len() as u64).collect();
        assert_eq!(lengths, sizes, "{there}");
    }
}

/// All folders are made, then the destination is looked at, then messages are sent (R15, R17).
fn the_order_is_that_of_r15(destination: &Relay) {
    let commands = destination.commands();
    let first = |verb: &str| commands.iter().position(|c| c.verb == verb).unwrap_or_else(|| panic!("no {verb}"));
    let last = |verb: &str| commands.iter().rposition(|c| c.verb == verb).unwrap_or_else(|| panic!("no {verb}"));
    assert!(first("LIST") < first("CREATE"));
    assert!(last("CREATE") < first("SELECT"), "the destination is looked at when the tree stands");
    assert!(first("SELECT") < first("APPEND"));
    assert!(last("CREATE") < first("APPEND"));
}

#[test]
fn r15_r16_r17_without_uidplus_literal_plus_multiappend_and_condstore_nested_to_dotted() {
    if dovecot::available() {
        relayed(Format::Sdbox, Format::Maildir, &Rules::hiding(&HELPS), 70);
    }
}

#[test]
fn r15_r17_without_uidplus_literal_plus_multiappend_and_condstore_dotted_to_nested() {
    if dovecot::available() {
        relayed(Format::Maildir, Format::Sdbox, &Rules::hiding(&HELPS), 71);
    }
}

#[test]
fn r15_r17_between_servers_from_the_days_of_rfc_3501() {
    if dovecot::available() {
        relayed(Format::Sdbox, Format::Sdbox, &Rules::bare(), 72);
    }
}

#[test]
fn r15_r17_with_all_the_server_offers_nothing_else_is_used() {
    if dovecot::available() {
        relayed(Format::Sdbox, Format::Maildir, &Rules::default(), 73);
    }
}

#[test]
fn a_message_above_one_mebibyte_is_announced_and_waits_for_the_server() {
    if !dovecot::available() {
        return;
    }
    let scene = Scene::new();
    let large = |number: u32, bytes: usize| {
        let line = b"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcd\r\n";
        Message { bytes: [message(number).bytes, line.repeat(bytes / line.len())].concat(), ..message(number) }
    };
    scene
        .here()
        .append_all("INBOX", &[message(1), large(2, 1_000_000), large(3, 1_100_000), large(4, 3_000_000), message(5)]);
    assert_eq!(scene.pass().messages("copied"), 5);
    scene.assert_equal();
    let appends = scene.destination.commands_of("APPEND");
    let literals = appends.iter().flat_map(|command| &command.literals).filter(|literal| literal.length > 1000);
    let forms: Vec<_> = literals.map(|literal| literal.non_synchronising).collect();
    assert_eq!(forms, [true, false, false], "only what is small is sent unasked");
}
