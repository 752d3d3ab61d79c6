//! Copies that the destination lost while their messages moved at the source, in folders that nobody looks into for their own
//! sake (C.1).

use super::{Pair, once};
use crate::support::dovecot;
use crate::support::odd::{Box, MODERN, letter};
use crate::support::scene::Scene;

/// This folder of the same name and numbering holds these letters, and nothing else.
pub(super) fn made_anew(folder: &mut Box, letters: impl IntoIterator<Item = String>) {
    let (name, validity) = (folder.name.clone(), folder.validity);
    let modseq = folder.modseq;
    *folder = Box::new(&name, validity);
    folder.modseq = modseq;
    letters.into_iter().for_each(|letter| assert!(folder.add(letter) > 0));
}

pub(super) fn own(number: u32) -> String {
    format!("Message-ID: <own{number}@new.example>\r\nSubject: own {number}\r\n\r\nmine {number}\r\n")
}

/// Numbers of the source's messages at the destination, without the owner's own mail there.
pub(super) fn copies(pair: &Pair) -> std::collections::BTreeMap<String, usize> {
    pair.there().into_iter().filter(|(subject, _)| !subject.starts_with("own")).collect()
}

/// The messages of A are in E now, and A is gone.
fn all_move(pair: &Pair, numbers: std::ops::Range<u32>) {
    let mut here = pair.source.state();
    here.boxes.retain(|one| one.name != "A");
    numbers.for_each(|number| assert!(here.at("E").add(letter(number)) > 0));
}

#[test]
fn c1c_a_lost_copy_that_came_again_under_another_number_answers_for_no_later_move() {
    let pair = Pair::new(MODERN, MODERN);
    pair.source.fill("INBOX", 0..3);
    pair.source.fill("A", 10..20);
    pair.verdict().copies(13);
    // Both sides of a folder are made anew at once.
    made_anew(pair.source.state().at("A"), [21].into_iter().chain((10..20).rev()).map(letter));
    made_anew(pair.destination.state().at("A"), []);
    pair.verdict().copies(11);
    assert_eq!(pair.there(), once((0..3).chain(10..20).chain(21..22)));
    {
        let mut here = pair.source.state();
        let moved: Vec<_> = here.at("A").letters.iter().rev().take(3).cloned().collect();
        here.at("A").remove(&moved.iter().map(|letter| letter.uid).collect::<Vec<_>>());
        here.make("C");
        moved.into_iter().for_each(|letter| assert!(here.at("C").add(letter.bytes) > 0));
    }
    pair.verdict().copies(0);
    assert_eq!(pair.there(), once((0..3).chain(10..20).chain(21..22)), "moved, and there already");
}

#[test]
fn c1c_a_message_that_moved_comes_again_if_its_copy_was_lost_in_a_folder_that_nothing_else_asks_for() {
    // The folder went back to nothing, or its owner's own mail has the numbers of the copies since.
    for owned in [0, 3, 8] {
        let pair = Pair::new(MODERN, MODERN);
        pair.source.fill("INBOX", 0..3);
        pair.source.fill("A", 10..15);
        pair.source.state().make("E");
        pair.verdict().copies(8);
        all_move(&pair, 10..15);
        made_anew(pair.destination.state().at("A"), (0..owned).map(own));
        pair.verdict().copies(5);
        assert_eq!(copies(&pair), once((0..3).chain(10..15)), "with {owned} of the owner's own");
        pair.verdict().copies(0);
    }
}

#[test]
fn c1c_what_moved_out_of_a_folder_is_found_although_other_copies_in_there_were_lost() {
    let pair = Pair::new(MODERN, MODERN);
    pair.source.fill("INBOX", 0..3);
    pair.source.fill("A", 10..16);
    pair.source.state().make("E");
    pair.verdict().copies(9);
    all_move(&pair, 10..16);
    // A backup from when half of it was there.
    {
        let mut there = pair.destination.state();
        there.at("A").remove(&[4, 5, 6]);
        there.at("A").next = 4;
    }
    pair.verdict().copies(3);
    assert_eq!(copies(&pair), once((0..3).chain(10..16)));
    pair.verdict().copies(0);
}

#[test]
fn c1c_a_copy_that_a_backup_brought_back_under_its_first_number_is_the_copy() {
    let pair = Pair::new(MODERN, MODERN);
    pair.source.fill("INBOX", 0..3);
    pair.source.fill("B", 10..15);
    pair.verdict().copies(8);
    // Its owner deletes some; then there is a backup.
    pair.destination.state().at("B").remove(&[3]);
    pair.source.state().at("B").flag(1, "\\Flagged");
    pair.verdict().copies(0);
    let backup = pair.destination.state().boxes.clone();
    // The folder is lost, and its copies come again under other numbers, some of which the backup has too.
    made_anew(pair.destination.state().at("B"), [own(1)]);
    pair.source.state().at("B").flag(2, "\\Flagged");
    pair.verdict().copies(4);
    pair.destination.state().boxes = backup;
    pair.source.state().at("B").flag(4, "\\Flagged");
    pair.verdict();
    let there = || once((0..3).chain(10..12).chain(13..15));
    assert_eq!(copies(&pair), there());
    // Were it not known as the copy of its message, it would answer for an equal one too.
    made_anew(pair.source.state().at("B"), [30, 10, 11, 13, 14].map(letter));
    pair.source.state().make("C").add(letter(11));
    pair.verdict().copies(2);
    let mut twice = there();
    twice.extend([("number 11".into(), 2), ("number 30".into(), 1)]);
    assert_eq!(copies(&pair), twice);
}

#[test]
fn c10_what_went_with_its_folder_is_no_error_though_a_folder_inside_remains() {
    if !dovecot::available() {
        return;
    }
    let scene = Scene::new();
    scene.fill("INBOX", 0..3);
    scene.fill("C", 10..13);
    scene.fill("C/D", 20..22);
    scene.pass();
    scene.there().ok("DELETE C");
    let mut here = scene.here();
    here.select("C");
    here.store("1", "+FLAGS", "\\Flagged");
    here.move_to("2", "INBOX");
    let item = scene.pass();
    assert_eq!((item.messages("copied"), item.messages("errors")), (0, 0), "{:#}", item.0);
    assert_eq!(scene.count_there(&["INBOX", "C", "C/D"]), [3, 0, 2]);
}

#[test]
fn c1c_a_folder_that_a_restored_destination_lost_to_one_of_its_name_comes_again() {
    let pair = Pair::new(MODERN, MODERN);
    pair.source.fill("INBOX", 0..3);
    pair.source.fill("E", 10..13);
    pair.verdict().copies(6);
    let backup = pair.destination.state().boxes.clone();
    // The old folder has other names on both sides; a new one has its own.
    pair.destination.state().at("E").name = "Later".into();
    {
        let mut here = pair.source.state();
        here.at("E").name = "F".into();
        here.make("E").add(letter(4));
    }
    pair.source.fill("INBOX", 3..6);
    pair.verdict().copies(4);
    let there = pair.there();
    assert_eq!(there["number 4"], 2);
    pair.destination.state().boxes = backup;
    pair.source.state().at("INBOX").flag(1, "\\Flagged");
    pair.verdict().copies(4);
    assert_eq!(pair.there(), there);
    pair.verdict().copies(0);
}

#[test]
fn c1c_where_one_folder_of_the_destination_went_back_the_others_are_looked_at_too() {
    for touched in [true, false] {
        let pair = Pair::new(MODERN, MODERN);
        pair.source.fill("INBOX", 0..3);
        pair.source.fill("A", 10..14);
        pair.source.state().make("C");
        pair.verdict().copies(7);
        let backup = {
            let mut backup = pair.destination.state().boxes.clone();
            for (name, last) in [("INBOX", 3), ("A", 4)] {
                let folder = backup.iter_mut().find(|one| one.name == name).expect("a folder");
                folder.remove(&[last]);
                folder.next = last;
            }
            backup
        };
        // One message moves at the source; its copy stays where it was.
        {
            let mut here = pair.source.state();
            here.at("A").remove(&[4]);
            here.at("C").add(letter(13));
        }
        pair.verdict().copies(0);
        pair.destination.state().boxes = backup;
        (0..3).for_each(|number| assert!(pair.destination.state().at("A").add(own(number)) > 0));
        if touched {
            pair.source.state().at("C").flag(1, "\\Flagged");
        }
        pair.source.state().at("INBOX").flag(1, "\\Flagged");
        pair.verdict().copies(2);
        assert_eq!(copies(&pair), once((0..3).chain(10..14)), "touched: {touched}");
        pair.verdict().copies(0);
    }
}

#[test]
fn c1c_a_lost_copy_whose_message_is_found_where_it_moved_is_not_copied() {
    let pair = Pair::new(MODERN, MODERN);
    pair.source.fill("INBOX", 0..3);
    pair.source.fill("A", 10..15);
    pair.source.state().make("E");
    pair.verdict().copies(8);
    all_move(&pair, 10..15);
    {
        let mut there = pair.destination.state();
        made_anew(there.at("A"), [own(1)]);
        // Their owner, or another tool, brought some.
        there.at("E").add(letter(10));
        there.at("E").add(letter(11));
    }
    pair.verdict().copies(3);
    assert_eq!(copies(&pair), once((0..3).chain(10..15)));
    pair.verdict().copies(0);
}

#[test]
fn c1c_a_folder_that_a_restored_destination_never_had_is_missed_though_its_source_is_gone() {
    // The messages move in the pass that sees the restore, or in one before.
    for before in [true, false] {
        let pair = Pair::new(MODERN, MODERN);
        pair.source.fill("INBOX", 0..3);
        pair.source.state().make("E");
        pair.verdict().copies(3);
        let backup = pair.destination.state().boxes.clone();
        pair.source.fill("INBOX", 3..5);
        pair.source.fill("A", 10..15);
        pair.verdict().copies(7);
        if before {
            all_move(&pair, 10..15);
            pair.verdict().copies(0);
        }
        pair.destination.state().boxes = backup;
        if !before {
            all_move(&pair, 10..15);
        }
        pair.source.state().at("INBOX").flag(1, "\\Flagged");
        pair.verdict().copies(7);
        assert_eq!(copies(&pair), once((0..5).chain(10..15)), "moved before: {before}");
        pair.verdict().copies(0);
    }
}

#[test]
fn c1c_a_doubt_that_was_settled_does_not_bring_back_what_its_owner_deleted() {
    let pair = Pair::new(MODERN, MODERN);
    pair.source.fill("INBOX", 0..3);
    pair.source.fill("F", 10..14);
    pair.verdict().copies(7);
    // The destination's folder was put back, and at the source one message goes, in the same pass.
    pair.destination.state().at("F").validity -= 1;
    pair.source.state().at("F").remove(&[1]);
    pair.verdict().copies(0);
    // Later its owner deletes the newest copy.
    pair.destination.state().at("F").remove(&[4]);
    pair.source.fill("INBOX", 3..4);
    pair.verdict().copies(1);
    pair.source.state().at("F").flag(2, "\\Flagged");
    pair.verdict().copies(0);
    assert_eq!(pair.there(), once((0..4).chain(10..13)), "it stays away");
}

#[test]
fn c1c_copies_in_a_folder_that_was_put_back_under_its_earlier_name_are_found_there() {
    let pair = Pair::new(MODERN, MODERN);
    pair.source.fill("INBOX", 0..3);
    pair.source.fill("C", 10..16);
    pair.verdict().copies(9);
    let backup = pair.destination.state().boxes.clone();
    pair.destination.state().at("C").name = "Kept".into();
    pair.source.fill("INBOX", 3..5);
    pair.source.fill("C", 16..18);
    pair.verdict().copies(4);
    pair.destination.state().boxes = backup;
    // Its owner's own mail has the numbers of what is lost.
    (0..3).for_each(|number| assert!(pair.destination.state().at("C").add(own(number)) > 0));
    pair.source.state().at("INBOX").flag(1, "\\Flagged");
    pair.verdict().copies(4);
    assert_eq!(copies(&pair), once((0..5).chain(10..18)));
    pair.verdict().copies(0);
}

#[test]
fn c1c_copies_of_moved_messages_are_looked_at_where_they_lie() {
    let pair = Pair::new(MODERN, MODERN);
    pair.source.fill("INBOX", 0..3);
    pair.source.fill("B", 10..13);
    pair.verdict().copies(6);
    {
        let mut here = pair.source.state();
        here.at("B").remove(&[1, 2, 3]);
        (10..13).for_each(|number| assert!(here.at("INBOX").add(letter(number)) > 0));
    }
    pair.verdict().copies(0);
    // Of its figures none went back.
    made_anew(pair.destination.state().at("B"), (0..5).map(own));
    pair.source.fill("INBOX", 3..4);
    pair.verdict().copies(4);
    assert_eq!(copies(&pair), once((0..4).chain(10..13)));
    pair.verdict().copies(0);
}

#[test]
fn c1c_a_copy_that_was_deleted_does_not_answer_for_one_that_was_lost_after_its_message_left() {
    let pair = Pair::new(MODERN, MODERN);
    pair.source.fill("INBOX", 0..3);
    for name in ["A", "B"] {
        pair.source.state().make(name).add(letter(10));
    }
    pair.verdict().copies(5);
    // One of two equal copies is deleted at the destination; then both messages leave the source.
    pair.destination.state().at("A").remove(&[1]);
    pair.source.state().at("A").flag(1, "\\Flagged");
    pair.verdict().copies(0);
    ["A", "B"].iter().for_each(|name| pair.source.state().at(name).remove(&[1]));
    pair.verdict().copies(0);
    // The other copy is lost, and one message comes back.
    made_anew(pair.destination.state().at("B"), [own(1)]);
    pair.source.state().make("C").add(letter(10));
    pair.verdict().copies(1);
    assert_eq!(copies(&pair), once((0..3).chain(10..11)));
    pair.verdict().copies(0);
}
