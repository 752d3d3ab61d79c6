//! Copies that were lost, were copied again into another folder, and came back with a backup that does not know those (C.1 c).

use std::collections::BTreeMap;

use mailferry::domain::notice::NoticeKind;

use super::lost_since::{copies, made_anew, own};
use super::{Pair, once};
use crate::support::odd::{Box, MODERN, letter};

/// The messages of B moved to the inbox, where they count as copied; a backup of the destination was made; B's copies were lost
/// there and copied again into the inbox. `letters` more were new, and came too.
fn copied_again_in_the_inbox(letters: u32) -> (Pair, Vec<Box>) {
    let pair = Pair::new(MODERN, MODERN);
    pair.source.fill("INBOX", 0..3);
    pair.source.fill("B", 10..14);
    pair.verdict().copies(7);
    {
        let mut here = pair.source.state();
        here.at("B").remove(&[1, 2, 3, 4]);
        (10..14).for_each(|number| assert!(here.at("INBOX").add(letter(number)) > 0));
    }
    pair.verdict().copies(0);
    let backup = pair.destination.state().boxes.clone();
    made_anew(pair.destination.state().at("B"), (0..6).map(own));
    pair.source.fill("INBOX", 3..3 + letters);
    if letters == 0 {
        pair.source.state().at("INBOX").flag(1, "\\Flagged");
    }
    pair.verdict().copies(4 + u64::from(letters));
    assert_eq!(copies(&pair), once((0..3 + letters).chain(10..14)));
    (pair, backup)
}

/// The destination is put back to this, and something happens at the source.
fn put_back(pair: &Pair, backup: Vec<Box>) {
    pair.destination.state().boxes = backup;
    pair.source.state().at("INBOX").flag(2, "\\Flagged");
}

fn messages_said(pair: &Pair, kind: NoticeKind) -> u64 {
    pair.workspace.notices().iter().filter(|notice| notice.kind == kind).map(|notice| notice.messages).sum()
}

#[test]
fn c1c_a_copy_that_a_backup_brought_back_in_another_folder_is_not_copied_once_more() {
    for new in [0, 2] {
        let (pair, backup) = copied_again_in_the_inbox(new);
        put_back(&pair, backup);
        pair.verdict().copies(u64::from(new));
        assert_eq!(copies(&pair), once((0..3 + new).chain(10..14)), "{new} new");
        assert_eq!(messages_said(&pair, NoticeKind::CopiedAgain), u64::from(new), "what is said is what was done");
        pair.verdict().copies(0);
    }
}

#[test]
fn c1c_also_where_the_backup_came_with_other_numbers() {
    for step in [-1, 1] {
        let (pair, mut backup) = copied_again_in_the_inbox(1);
        let folder = backup.iter_mut().find(|one| one.name == "B").expect("B");
        folder.validity = folder.validity.checked_add_signed(step).expect("a UIDVALIDITY");
        folder.letters.iter_mut().for_each(|letter| letter.uid += 20);
        folder.next += 20;
        put_back(&pair, backup);
        pair.verdict().copies(1);
        assert_eq!(copies(&pair), once((0..4).chain(10..14)), "UIDVALIDITY by {step}");
        pair.verdict().copies(0);
    }
}

#[test]
fn c1c_also_where_the_message_moved_on_and_its_first_folder_is_gone_from_the_source() {
    for gone in [false, true] {
        let (pair, backup) = copied_again_in_the_inbox(1);
        {
            let mut here = pair.source.state();
            let moved: Vec<u32> =
                here.at("INBOX").letters.iter().map(|letter| letter.uid).filter(|uid| (4..8).contains(uid)).collect();
            assert_eq!(moved.len(), 4);
            here.at("INBOX").remove(&moved);
            here.make("C");
            (10..14).for_each(|number| assert!(here.at("C").add(letter(number)) > 0));
            if gone {
                here.boxes.retain(|one| one.name != "B");
            }
        }
        pair.verdict().copies(0);
        put_back(&pair, backup);
        pair.verdict().copies(1);
        assert_eq!(copies(&pair), once((0..4).chain(10..14)), "gone: {gone}");
        pair.verdict().copies(0);
    }
}

#[test]
fn c1c_what_the_backup_does_not_have_anywhere_is_copied_again() {
    let (pair, mut backup) = copied_again_in_the_inbox(1);
    backup.iter_mut().find(|one| one.name == "B").expect("B").remove(&[2, 3]);
    put_back(&pair, backup);
    pair.verdict().copies(3);
    assert_eq!(copies(&pair), once((0..4).chain(10..14)));
    assert_eq!(messages_said(&pair, NoticeKind::CopiedAgain), 3);
    pair.verdict().copies(0);
}

#[test]
fn c1c_a_copy_that_came_back_answers_for_one_of_two_equal_messages() {
    let (pair, backup) = copied_again_in_the_inbox(1);
    // One of them is at the source twice by now, and was copied so.
    pair.source.state().make("C").add(letter(10));
    pair.verdict().copies(1);
    put_back(&pair, backup);
    pair.verdict().copies(2);
    let mut there = once((0..4).chain(10..14));
    there.insert("number 10".into(), 2);
    assert_eq!(copies(&pair), there);
    pair.verdict().copies(0);
}

#[test]
fn c1c_a_copy_that_came_back_with_another_content_is_another_message() {
    let (pair, mut backup) = copied_again_in_the_inbox(1);
    let folder = backup.iter_mut().find(|one| one.name == "B").expect("B");
    folder.letters[0].bytes.push_str("and a postscript\r\n");
    put_back(&pair, backup);
    pair.verdict().copies(2);
    let mut there = once((0..4).chain(10..14));
    there.insert("number 10".into(), 2);
    assert_eq!(copies(&pair), there);
    pair.verdict().copies(0);
}

#[test]
fn c1c_a_message_that_left_the_source_is_known_by_the_copy_that_came_back() {
    let (pair, backup) = copied_again_in_the_inbox(1);
    {
        let mut here = pair.source.state();
        let last: Vec<u32> = here.at("INBOX").letters.iter().filter(|l| l.bytes == letter(13)).map(|l| l.uid).collect();
        here.at("INBOX").remove(&last);
    }
    pair.verdict().copies(0);
    put_back(&pair, backup);
    let verdict = pair.verdict();
    assert!(!verdict.notes(NoticeKind::MissingThere), "nothing is missing: {}", verdict.words());
    verdict.copies(1);
    // Its owner brings it back.
    pair.source.state().make("C").add(letter(13));
    pair.verdict().copies(0);
    assert_eq!(copies(&pair), once((0..4).chain(10..14)));
}

#[test]
fn c1c_also_where_the_folder_it_was_copied_into_again_is_not_in_the_backup() {
    let pair = Pair::new(MODERN, MODERN);
    pair.source.fill("INBOX", 0..3);
    pair.source.fill("B", 10..16);
    pair.verdict().copies(9);
    let backup = pair.destination.state().boxes.clone();
    // Some move to a folder that is new.
    {
        let mut here = pair.source.state();
        here.at("B").remove(&[1, 2, 3, 4]);
        here.make("New").add(letter(20));
        (10..14).for_each(|number| assert!(here.at("New").add(letter(number)) > 0));
    }
    pair.verdict().copies(1);
    made_anew(pair.destination.state().at("B"), (0..8).map(own));
    pair.source.fill("INBOX", 3..4);
    for folder in ["B", "New"] {
        let mut here = pair.source.state();
        let last = here.at(folder).letters.last().expect("a letter").uid;
        here.at(folder).flag(last, "\\Flagged");
    }
    pair.verdict().copies(7);
    assert_eq!(copies(&pair), once((0..4).chain(10..16).chain(20..21)));
    put_back(&pair, backup);
    pair.verdict().copies(2);
    assert_eq!(copies(&pair), once((0..4).chain(10..16).chain(20..21)));
    pair.verdict().copies(0);
}

#[test]
fn c1c_a_message_lost_twice_is_found_where_it_was_first() {
    let (pair, first) = copied_again_in_the_inbox(1);
    {
        let mut here = pair.source.state();
        let moved: Vec<u32> =
            here.at("INBOX").letters.iter().filter(|l| (10..14).any(|n| l.bytes == letter(n))).map(|l| l.uid).collect();
        here.at("INBOX").remove(&moved);
        here.make("C").add(letter(30));
        (10..14).for_each(|number| assert!(here.at("C").add(letter(number)) > 0));
    }
    pair.verdict().copies(1);
    made_anew(pair.destination.state().at("INBOX"), (10..24).map(own));
    for folder in ["INBOX", "C"] {
        pair.source.state().at(folder).flag(1, "\\Answered");
    }
    pair.verdict().copies(8);
    let all = || -> BTreeMap<String, usize> { once((0..4).chain(10..14).chain(30..31)) };
    assert_eq!(copies(&pair), all());
    put_back(&pair, first);
    pair.verdict().copies(2);
    assert_eq!(copies(&pair), all());
    pair.verdict().copies(0);
}

#[test]
fn c1c_a_copy_that_came_back_is_found_though_only_its_move_tells_that_anything_was_put_back() {
    let pair = Pair::new(MODERN, MODERN);
    pair.source.fill("INBOX", 0..3);
    pair.source.fill("A", 20..21);
    pair.source.fill("B", 10..14);
    pair.source.state().make("E");
    pair.verdict().copies(8);
    {
        let mut here = pair.source.state();
        here.at("B").remove(&[1, 2, 3, 4]);
        (10..14).for_each(|number| assert!(here.at("A").add(letter(number)) > 0));
    }
    pair.verdict().copies(0);
    let before = pair.destination.state().at("B").clone();
    made_anew(pair.destination.state().at("B"), (0..6).map(own));
    pair.source.state().at("A").flag(1, "\\Flagged");
    pair.verdict().copies(4);
    // Of the figures none goes back.
    {
        let mut there = pair.destination.state();
        *there.at("B") = before;
        (10..20).for_each(|number| assert!(there.at("B").add(own(number)) > 0));
        made_anew(there.at("A"), [letter(20)].into_iter().chain((20..30).map(own)));
    }
    {
        let mut here = pair.source.state();
        here.boxes.retain(|one| one.name != "A");
        (10..14).for_each(|number| assert!(here.at("E").add(letter(number)) > 0));
    }
    pair.verdict().copies(0);
    assert_eq!(copies(&pair), once((0..3).chain(10..14).chain(20..21)));
    pair.verdict().copies(0);
}
