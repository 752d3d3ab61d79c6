//! What is compared, where, and at what cost: contents on both sides, servers that change messages, strangers that are read
//! once, workspaces that were put back (C.3, C.4, C.8, C.10).

use std::fs;
use std::path::Path;
use std::sync::Arc;

use mailferry::domain::notice::NoticeKind;

use super::{Pair, count};
use crate::support::dovecot;
use crate::support::odd::{MODERN, letter};
use crate::support::relay::{Act, At, verb};
use crate::support::scene::{Scene, message};

const DRAFT: &str = "From: ann@example.org\r\nSubject: our plan\r\n\r\nwords\r\n";

/// What a gate adds to every message.
fn stamped(bytes: &str) -> String {
    format!("{bytes}-- \r\npassed by the gate\r\n")
}

/// A destination that adds to the text of what it stores.
fn gate() -> Pair {
    let pair = Pair::new(MODERN, MODERN);
    pair.destination.state().receive = Some(Arc::new(|_, bytes| Some(stamped(&bytes))));
    pair
}

#[test]
fn c4_where_messages_are_changed_what_may_be_there_twice_is_named() {
    for (bytes, subject) in [(DRAFT.to_owned(), "our plan"), (letter(1), "number 1")] {
        let pair = gate();
        pair.destination.state().at("INBOX").add(stamped(&bytes));
        pair.source.state().at("INBOX").add(bytes);
        let verdict = pair.verdict().wrong(&[]);
        let notice = verdict.notices.iter().find(|notice| notice.kind == NoticeKind::MaybeTwice);
        let notice = notice.unwrap_or_else(|| panic!("not named: {}", verdict.words()));
        assert_eq!((notice.messages, notice.numbers.iter().map(|uid| uid.0).collect::<Vec<_>>()), (1, vec![1]));
        assert_eq!(pair.there(), count([subject.to_owned(), subject.to_owned()].into_iter()));
        // It was said once.
        pair.verdict().copies(0);
    }
}

#[test]
fn c4_a_destination_is_believed_within_what_it_was_seen_to_add() {
    let pair = gate();
    pair.source.fill("INBOX", 0..6);
    pair.verdict().copies(6);
    // Another tool brought it through the same gate.
    pair.destination.state().at("INBOX").add(stamped(&letter(10)));
    pair.source.state().at("INBOX").add(letter(10));
    let verdict = pair.verdict().copies(0);
    assert!(!verdict.notes(NoticeKind::MaybeTwice), "{}", verdict.words());
    // Of another length: another message, or one that nobody can tell.
    pair.destination.state().at("INBOX").add(stamped(&stamped(&letter(11))));
    pair.source.state().at("INBOX").add(letter(11));
    let verdict = pair.verdict().wrong(&[]);
    assert_eq!((verdict.copied(), verdict.notes(NoticeKind::MaybeTwice)), (1, true), "{}", verdict.words());
    // Without Message-ID and date only the same bytes would do.
    pair.destination.state().at("INBOX").add(stamped(DRAFT));
    pair.source.state().at("INBOX").add(DRAFT);
    let verdict = pair.verdict().wrong(&[]);
    assert_eq!((verdict.copied(), verdict.notes(NoticeKind::MaybeTwice)), (1, true), "{}", verdict.words());
    assert_eq!(pair.destination.state().at("INBOX").letters.len(), 6 + 1 + 2 + 2);
    pair.verdict().copies(0);
}

#[test]
fn c4_a_message_that_differs_where_bytes_are_kept_is_another_one_and_nothing_is_odd() {
    for (old, new) in [(DRAFT.to_owned(), DRAFT.replace("words", "WORDS")), (letter(1), stamped(&letter(1)))] {
        let pair = Pair::new(MODERN, MODERN);
        pair.destination.state().at("INBOX").add(old);
        pair.source.state().at("INBOX").add(new);
        let verdict = pair.verdict().copies(1);
        assert!(!verdict.notes(NoticeKind::MaybeTwice), "{}", verdict.words());
        pair.idle();
    }
}

#[test]
fn c4_the_same_instant_and_id_in_other_letters_name_the_same_message() {
    // Another tool wrote dates and ids anew, and a gate made messages longer: names propose, and own copies tell.
    let (id, date) = ("Message-ID: <1@example.org>\r\n", "Date: Sat, 1 Feb 2003 04:05:06 +0530\r\n");
    let rest = "Subject: number 1\r\n\r\nBody.\r\n";
    for other in [
        "Message-ID: <1@example.org> (by gate)\r\nDate: Sat, 1 Feb 2003 04:05:06 +0530\r\n",
        "Message-ID: <1@example.org>\r\nDate: Fri, 31 Jan 03 22:35:06 GMT\r\n",
        "Date: 31 Jan 2003 22:35:06 -0000 (UTC)\r\nMessage-Id:\r\n <1@example.org>\r\n",
    ] {
        let pair = gate();
        pair.destination.state().at("INBOX").add(stamped(&format!("{other}{rest}")));
        pair.source.state().at("INBOX").add(format!("{id}{date}{rest}"));
        assert!(pair.verdict().wrong(&[]).notes(NoticeKind::MaybeTwice), "{other:?}");
    }
}

#[test]
fn c3_messages_that_wait_are_counted_and_named() {
    if !dovecot::available() {
        return;
    }
    let scene = Scene::new();
    scene.fill("A", 0..8);
    scene.fill("B", 20..23);
    scene.pass();
    let mut here = scene.here();
    here.select("A");
    here.move_to("1:4", "B");
    scene.fill("B", 30..32);
    scene
        .source
        .plan(At::Command(verb("EXAMINE").with("\"A\"").every()), Act::Answer("NO [NOPERM] not for you".into()));
    let verdict = scene.verdict();
    assert_eq!(verdict.item.messages("waiting"), 4, "{}", verdict.words());
    assert_eq!(verdict.copied(), 2, "what is surely new is copied: {}", verdict.words());
    let notice = verdict.notices.iter().find(|notice| notice.kind == NoticeKind::Waiting).expect("named");
    assert_eq!((notice.messages, notice.numbers.len()), (4, 4));
    scene.source.forget_plans();
    scene.verdict().copies(0);
    scene.idle_pass();
}

#[test]
fn c8_strangers_at_the_destination_are_read_once() {
    if !dovecot::available() {
        return;
    }
    let scene = Scene::new();
    let own: Vec<_> = (0..5000).map(message).collect();
    scene.there().append_all("INBOX", &own);
    scene.fill("INBOX", 6000..6001);
    scene.pass();
    let first = scene.destination.bytes();
    for number in 6001..6004 {
        scene.there().append("INBOX", &message(number + 1000));
        scene.fill("INBOX", number..number + 1);
        let before = scene.destination.bytes();
        assert_eq!(scene.pass().messages("copied"), 1);
        let bytes = scene.destination.bytes() - before;
        assert!(bytes < 40_000 && bytes < first / 10, "{bytes} bytes after {first}");
    }
    // They are known nevertheless.
    scene.fill("INBOX", 17..19);
    let found = scene.pass();
    assert_eq!((found.messages("copied"), found.messages("already_there")), (0, 6), "{:#}", found.0);
    scene.idle_pass();
}

#[test]
fn c8_a_stranger_that_its_owner_took_away_answers_no_more() {
    if !dovecot::available() {
        return;
    }
    let scene = Scene::new();
    scene.there().append_all("INBOX", &(0..20).map(message).collect::<Vec<_>>());
    scene.fill("INBOX", 50..51);
    scene.pass();
    let mut there = scene.there();
    there.select("INBOX");
    there.delete("4");
    scene.fill("INBOX", 3..5);
    assert_eq!(scene.pass().messages("copied"), 1, "number 3 is gone there, number 4 is not");
    assert_eq!(scene.count_there(&["INBOX"]), [21]);
    scene.idle_pass();
}

#[test]
fn c4_a_connection_that_breaks_while_contents_are_compared_doubles_nothing() {
    if !dovecot::available() {
        return;
    }
    for side_is_source in [false, true] {
        let scene = Scene::new();
        let all: Vec<_> = (0..1300).map(message).collect();
        scene.there().append_all("INBOX", &all);
        scene.fill("INBOX", 0..1300);
        let relay = if side_is_source { &scene.source } else { &scene.destination };
        let hit = relay.plan(At::Command(verb("UID FETCH").with("BODY.PEEK[])").nth(2)), Act::Reset);
        let item = scene.pass();
        assert_eq!(hit.count(), 1);
        assert_eq!((item.messages("copied"), item.messages("already_there")), (0, 1300), "{:#}", item.0);
        assert_eq!(scene.count_there(&["INBOX"]), [1300]);
        scene.idle_pass();
    }
}

fn copy_all(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let (from, to) = {
            let entry = entry.expect("an entry");
            (entry.path(), to.join(entry.file_name()))
        };
        if from.is_dir() {
            copy_all(&from, &to);
        } else {
            fs::copy(&from, &to).expect("copied");
        }
    }
}

#[test]
fn c10_an_old_copy_of_the_workspace_is_noticed_before_anything_is_copied() {
    if !dovecot::available() {
        return;
    }
    let scene = Scene::new();
    scene.fill("INBOX", 0..10);
    scene.pass();
    let aside = tempfile::tempdir().expect("a folder");
    copy_all(scene.workspace.path(), aside.path());
    scene.fill("INBOX", 10..15);
    let newer = scene.verdict().copies(5);
    assert!(!newer.notes(NoticeKind::OldWorkspace), "{}", newer.words());
    for entry in fs::read_dir(scene.workspace.path()).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) }.expect("removed");
    }
    copy_all(aside.path(), scene.workspace.path());
    scene.fill("INBOX", 15..17);
    // Nothing can be copied, and it is said nevertheless.
    scene.destination.plan(At::Command(verb("APPEND").every()), Act::Answer("NO [CANNOT] not today".into()));
    let verdict = scene.verdict();
    let notice = verdict.notices.iter().find(|notice| notice.kind == NoticeKind::OldWorkspace);
    let notice = notice.unwrap_or_else(|| panic!("not named: {}", verdict.words()));
    assert_eq!((notice.messages, notice.numbers[0].0), (5, 11), "{}", verdict.words());
    scene.destination.forget_plans();
    scene.verdict().copies(2);
    assert_eq!(scene.count_there(&["INBOX"]), [17]);
    scene.idle_pass();
}
