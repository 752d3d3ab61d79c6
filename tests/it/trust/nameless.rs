//! Found by random lives (`wandering`): messages that share a name under old numbers, numbers that change their meaning more
//! than once, copies lost from a folder that is not looked into, late mail for a folder that is gone (C.1, C.4, C.5).

use std::collections::BTreeMap;

use mailferry::domain::notice::NoticeKind;

use super::{count, once};
use crate::support::dovecot::{self, Format};
use crate::support::imap::Message;
use crate::support::odd::subject;
use crate::support::relay::Said;
use crate::support::scene::{Scene, message};

/// One of many messages without Message-ID and Date: all have one name.
fn draft(number: u32) -> Message {
    Message::plain(format!("From: ann@example.org\r\nSubject: draft\r\n\r\nnumber {number}\r\n"))
}

impl Scene {
    /// How often each draft is at the destination.
    fn drafts_there(&self) -> BTreeMap<String, usize> {
        let there = self.read_there();
        let all = there.folders.values().flat_map(|folder| &folder.messages);
        let text = all.filter_map(|m| String::from_utf8_lossy(&m.bytes).split_once("\r\n\r\n").map(|m| m.1.to_owned()));
        count(text.map(|text| text.trim_end().to_owned()))
    }

    /// A source folder is deleted; one of this name stands there with its UIDVALIDITY and these messages.
    fn instead(&self, old: &str, new: &str, messages: &[Message]) {
        let mut here = self.here();
        let validity = here.select(old).0;
        here.ok("UNSELECT");
        here.ok(&format!("DELETE {old}"));
        here.create(new);
        dovecot::shared(Format::Sdbox).renumber(&self.users.0, new, validity, None);
        here.append_all(new, messages);
    }
}

fn scene() -> Scene {
    Scene::between(
        dovecot::shared(Format::Sdbox),
        dovecot::shared_twin(Format::Sdbox),
        Default::default(),
        Default::default(),
    )
}

#[test]
fn c4_drafts_of_one_name_that_change_places_under_old_numbers_are_told_apart() {
    if !dovecot::available() {
        return;
    }
    let scene = scene();
    scene.here().create("D");
    scene.here().append_all("D", &[draft(1), draft(2), draft(3)]);
    scene.pass();
    scene.instead("D", "D", &[draft(3), draft(4), draft(1), draft(5)]);
    scene.verdict().copies(2);
    assert_eq!(scene.drafts_there(), once(1..6));
    scene.verdict().copies(0);
}

#[test]
fn c4_a_folder_is_not_taken_for_a_renamed_one_because_of_a_draft_of_that_name() {
    if !dovecot::available() {
        return;
    }
    let scene = scene();
    scene.here().create("D");
    scene.here().append("D", &draft(1));
    scene.pass();
    scene.instead("D", "E", &[draft(2), draft(3)]);
    scene.verdict().copies(2);
    assert_eq!(scene.drafts_there(), once(1..4));
    assert_eq!(scene.count_there(&["D", "E"]), [1, 2]);
    scene.verdict().copies(0);
}

#[test]
fn c1b_what_was_set_aside_is_known_also_when_its_number_was_set_aside_again() {
    if !dovecot::available() {
        return;
    }
    let scene = scene();
    scene.fill("A", 0..4);
    scene.pass();
    scene.instead("A", "A", &(10..15).map(message).collect::<Vec<_>>());
    scene.verdict().copies(5);
    scene.instead("A", "A", &(20..26).map(message).collect::<Vec<_>>());
    scene.verdict().copies(6);
    scene.fill("B", 0..4);
    scene.fill("C", 10..15);
    scene.verdict().copies(0);
    assert_eq!(scene.subjects_there(), once((0..4).chain(10..15).chain(20..26)));
}

#[test]
fn c1c_copies_lost_from_the_folder_of_a_moved_message_are_copied_again() {
    if !dovecot::available() {
        return;
    }
    let scene = scene();
    scene.fill("A", 0..4);
    scene.fill("B", 10..12);
    scene.pass();
    let mut here = scene.here();
    here.select("A");
    here.move_to("1:4", "B");
    here.ok("UNSELECT");
    here.ok("DELETE A");
    scene.verdict().copies(0);
    let mut there = scene.there();
    let validity = there.select("A").0;
    there.ok("UNSELECT");
    there.ok("DELETE A");
    there.create("A");
    dovecot::shared_twin(Format::Sdbox).renumber(&scene.users.1, "A", validity, None);
    let own = |n: u32| Message::plain(format!("Message-ID: <own{n}@new.example>\r\nSubject: own\r\n\r\nmine {n}\r\n"));
    there.append_all("A", &[own(1), own(2), own(3), own(4), own(5)]);
    here.select("B");
    here.store("4", "+FLAGS", "\\Flagged");
    let verdict = scene.verdict();
    assert!(verdict.notes(NoticeKind::CopiedAgain), "{}", verdict.words());
    verdict.copies(4);
    let mut expected = once((0..4).chain(10..12));
    expected.insert("own".into(), 5);
    assert_eq!(scene.subjects_there(), expected);
    scene.verdict().copies(0);
    let own = &scene.read_there().folders["A"].messages;
    assert!(own.iter().all(|m| subject(&String::from_utf8_lossy(&m.bytes)) == "own" && m.flags.is_empty()));
}

#[test]
fn c5_late_mail_makes_its_folder_again_when_that_is_gone() {
    if !dovecot::available() {
        return;
    }
    let scene = scene();
    scene.fill("A", 0..3);
    scene.pass();
    scene.there().ok("DELETE A");
    scene.fill("A", 3..6);
    scene.source.bend(|heard| match heard.line.starts_with("* STATUS ") && heard.number("UIDNEXT").is_some() {
        true => heard.with("UIDNEXT", 2),
        false => Said::Kept,
    });
    scene.verdict().copies(3);
    scene.source.straighten();
    assert_eq!(scene.subjects_there(), once(3..6));
    scene.verdict().copies(0);
}
