//! The servers of the field, beside Dovecot: Courier, Cyrus and GNU Mailutils, each as destination and as source (J.5).
//!
//! What such a server does not keep (keywords, zones) is left out of the comparison by name.

use std::process::Stdio;
use std::time::Duration;

use mailferry::domain::notice::NoticeKind;

use crate::support::compare::{Mailbox, assert_unchanged};
use crate::support::dovecot::{self, Dovecot, Format};
use crate::support::field::{Kind, Server, available};
use crate::support::imap::{Imap, Message};
use crate::support::product::{PROJECT, Workspace, plain};
use crate::support::relay::{Act, At, Relay, Rules, verb};

/// What a message is judged by.
type Judged = (String, Vec<u8>, Vec<String>, i64);

/// A workspace with one item between these.
fn between(here: (u16, &str), there: (u16, &str)) -> Workspace {
    let workspace = Workspace::new();
    workspace.project_new(&plain(here.0), &plain(there.0), &[]);
    workspace.import(&[(here.1.to_owned(), there.1.to_owned())]);
    workspace
}

/// An account at Dovecot.
fn account(server: &'static Dovecot, hint: &str) -> (u16, String) {
    (server.plain_port, server.user(hint))
}

fn open(account: &(u16, String)) -> Imap {
    Imap::login(account.0, &account.1, dovecot::PASSWORD)
}

/// A message with flags of every kind, and a date.
fn letter(number: u32) -> Message {
    let flags: [&[&str]; 5] = [&[], &["\\Seen"], &["\\Answered", "\\Seen"], &["\\Flagged"], &["\\Seen", "Later"]];
    let flags = flags[number as usize % 5].iter().map(|flag| (*flag).to_owned()).collect();
    let text = match number % 4 {
        0 => "plain".to_owned(),
        1 => "Grüße, 8 bit\r\n.\r\n\r\n".to_owned(),
        2 => "x".repeat(3000),
        _ => "From the start\r\n>From quoted\r\n\ttabs and blanks  ".to_owned(),
    };
    let identity =
        if number.is_multiple_of(7) { String::new() } else { format!("Message-ID: <{number}@example.org>\r\n") };
    let bytes = format!(
        "{identity}Date: Sat, 1 Feb 2003 04:05:06 +0530\r\nFrom: a@example.org\r\nSubject: number {number}\r\n\r\n{text}\r\n"
    );
    let date = Some(format!("{:02}-Feb-2003 04:05:06 +0530", 1 + number % 28));
    Message { bytes: bytes.into_bytes(), flags, date }
}

const FOLDERS: [&str; 5] = ["INBOX", "Work", "Work/Deeper still", "R&AOk-sum&AOk- &- more", "Sent"];

fn fill(imap: &mut Imap, folder: &str, numbers: std::ops::Range<u32>) {
    imap.create(folder);
    imap.append_all(folder, &numbers.map(letter).collect::<Vec<_>>());
}

/// What a server keeps of a message beside its bytes.
#[derive(Clone, Copy)]
struct Keeps {
    /// Those of the system.
    flags: bool,
    keywords: bool,
    dates: bool,
}

fn keeps(kind: Kind) -> Keeps {
    // Mailutils takes the date in the heading for that of receipt, and knows no keywords.
    let all = kind != Kind::Mailutils;
    Keeps { flags: true, keywords: all, dates: all }
}

/// All messages, by folder, as far as they are kept.
fn judged(mailbox: &Mailbox, keeps: Keeps) -> Vec<Judged> {
    let mut all: Vec<Judged> = Vec::new();
    for (name, folder) in &mailbox.folders {
        for message in &folder.messages {
            let kept = |flag: &&String| keeps.flags && (keeps.keywords || flag.starts_with('\\'));
            let flags = message.flags.iter().filter(kept).cloned().collect();
            let instant = if keeps.dates { message.instant } else { 0 };
            all.push((name.clone(), message.bytes.clone(), flags, instant));
        }
    }
    all.sort();
    all
}

fn assert_same(keeps: Keeps, was: &Mailbox, is: &Mailbox) {
    let (was, is) = (judged(was, keeps), judged(is, keeps));
    let text = |one: &Judged| {
        let bytes: String = String::from_utf8_lossy(&one.1).chars().take(200).collect();
        format!("{} {bytes:?} {:?} {}", one.0, one.2, one.3)
    };
    let missing: Vec<String> = was.iter().filter(|one| !is.contains(one)).take(9).map(text).collect();
    let more: Vec<String> = is.iter().filter(|one| !was.contains(one)).take(9).map(text).collect();
    assert!(missing.is_empty() && more.is_empty(), "missing {missing:#?}, instead {more:#?}");
    assert_eq!(was.len(), is.len());
}

/// A pass that copies so many, ends well, and leaves nothing to the next one.
fn pass(workspace: &Workspace, copied: u64) {
    for copied in [copied, 0] {
        let output = workspace.start();
        let item = workspace.only();
        let said = || format!("{}\n{}\n{:#}\n{:#?}", output.stdout, output.stderr, item.0, workspace.errors());
        assert_eq!((output.code, item.status(), item.messages("copied")), (0, "completed", copied), "{}", said());
        if copied == 0 {
            assert_eq!(item.number("flags_updated"), 0, "{}", said());
        }
    }
}

/// A mailbox goes to that server, changes, goes again; then from there to another Dovecot, which must hold what the first one
/// did. What is read is not changed.
fn there_and_back(kind: Kind) {
    if !dovecot::available() || !available(kind) {
        return;
    }
    let server = Server::start(kind);
    let here = account(dovecot::shared(Format::Sdbox), "field");
    let mut imap = open(&here);
    for (at, folder) in (0..).zip(FOLDERS) {
        fill(&mut imap, folder, at * 100..at * 100 + 20);
    }
    let there = between((here.0, &here.1), (server.port, &server.user));
    let started = there.start().expect(0);
    let lost = |notice: NoticeKind| -> u64 {
        there.notices().iter().filter(|one| one.kind == notice).map(|one| one.messages).sum()
    };
    let expected = if kind == Kind::Mailutils { (20, 97) } else { (0, 0) };
    let said = (lost(NoticeKind::FlagsNotKept), lost(NoticeKind::DateNotKept));
    assert_eq!(said, expected, "keywords and dates that are lost have a name: {}", started.stdout);
    pass(&there, 0);
    imap.select("Work");
    imap.store("2:4", "+FLAGS", "\\Flagged \\Seen");
    imap.store("5", "-FLAGS", "\\Seen Later");
    fill(&mut imap, "Work", 120..123);
    fill(&mut imap, "New one", 900..902);
    let output = there.start();
    let item = there.only();
    assert_eq!((output.code, item.messages("copied")), (0, 5), "{}\n{:#}", output.stdout, item.0);
    assert!(item.number("flags_updated") >= 3, "{:#}", item.0);
    pass(&there, 0);
    let first = Mailbox::read(&mut imap);
    let kept = server.read();
    assert_same(keeps(kind), &first, &kept);

    let last = account(dovecot::shared_twin(Format::Sdbox), "field-back");
    let back = between((server.port, &server.user), (last.0, &last.1));
    pass(&back, 105);
    assert_unchanged(&kept, &server.read());
    assert_same(Keeps { flags: true, keywords: true, dates: true }, &kept, &Mailbox::read(&mut open(&last)));
}

/// The program is killed again and again while it writes there.
fn killed_on_the_way(kind: Kind) {
    if !dovecot::available() || !available(kind) {
        return;
    }
    let server = Server::start(kind);
    let here = account(dovecot::shared(Format::Sdbox), "field-killed");
    let mut imap = open(&here);
    fill(&mut imap, "INBOX", 0..300);
    fill(&mut imap, "Work", 400..700);
    let relay = Relay::start(server.port, Rules::singly());
    let workspace = between((here.0, &here.1), (relay.port, &server.user));
    let mut kills = 0;
    for (before, nth) in [(true, 1), (false, 1), (false, 3), (true, 2), (false, 2), (true, 3)] {
        let append = verb("APPEND").nth(nth);
        let hit = relay.plan(if before { At::HalfLiteral(append) } else { At::Answer(append) }, Act::Hold);
        let mut command = workspace.command(&["start", PROJECT]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts");
        let ended = loop {
            if hit.wait_for(Duration::from_millis(10)) {
                break false;
            }
            if child.try_wait().expect("its state").is_some() {
                break true;
            }
        };
        let _ = child.kill();
        let _ = child.wait();
        relay.forget_plans();
        hit.cut();
        if ended {
            break;
        }
        kills += 1;
    }
    // A pass that takes Mailutils' folders for another mailbox's ends by itself, see below.
    let least = if kind == Kind::Mailutils { 1 } else { 3 };
    assert!(kills >= least, "{kind:?}: killed {kills} times only");
    let mut output = workspace.start();
    for _ in 0..3 {
        // A session of a program that was killed may end only now, in the middle of this pass: that is named, and goes by.
        if kind != Kind::Mailutils || !output.stderr.contains("was replaced while it was read") {
            break;
        }
        assert_eq!(output.code, 1);
        output = workspace.start();
    }
    let (was, is) = (Mailbox::read(&mut imap), server.read());
    if kind == Kind::Mailutils {
        // Its sessions that end in the middle give folders another UIDVALIDITY. Of some, nobody can know whose messages are in
        // there, and their flags stay as they are; of all, it may be another mailbox, which is said.
        let keeps = Keeps { flags: false, keywords: false, dates: false };
        if output.code == 1 {
            assert!(output.stderr.contains("Not the mailbox of the earlier passes"), "{}", output.stderr);
            let there = judged(&is, keeps);
            assert!(there.windows(2).all(|two| two[0] != two[1]), "a message is there twice");
            return;
        }
        output.expect(0);
        return assert_same(keeps, &was, &is);
    }
    output.expect(0);
    assert_same(keeps(kind), &was, &is);
}

#[test]
fn j5_courier_keeps_what_it_is_given_and_gives_it_back() {
    there_and_back(Kind::Courier);
}

#[test]
fn j5_cyrus_keeps_what_it_is_given_and_gives_it_back() {
    there_and_back(Kind::Cyrus);
}

#[test]
fn j5_mailutils_keeps_what_it_is_given_and_gives_it_back() {
    there_and_back(Kind::Mailutils);
}

#[test]
fn j5_courier_gets_each_message_once_through_kills() {
    killed_on_the_way(Kind::Courier);
}

#[test]
fn j5_cyrus_gets_each_message_once_through_kills() {
    killed_on_the_way(Kind::Cyrus);
}

#[test]
fn j5_mailutils_gets_each_message_once_through_kills() {
    killed_on_the_way(Kind::Mailutils);
}
