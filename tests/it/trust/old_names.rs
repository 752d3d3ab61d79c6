//! A destination that was put back to a state in which its folders had other names (C.1 c, C.10): what lies under these is
//! known, although no number leads there any more.

use mailferry::domain::notice::NoticeKind;

use super::{Pair, once};
use crate::support::odd::{Box, MODERN, State, letter};

/// Without UIDPLUS nobody tells a number.
const SILENT: &str = "LITERAL+ LIST-EXTENDED LIST-STATUS NAMESPACE";

/// The owner gives a folder of the destination another name.
fn rename(state: &mut State, from: &str, to: &str) {
    state.at(from).name = to.to_owned();
}

/// The owner makes it anew, under its UIDVALIDITY, with mail of his own.
fn make_anew(state: &mut State, name: &str, own: std::ops::Range<u32>) {
    let made = state.at(name);
    made.letters.clear();
    made.next = 1;
    for number in own {
        made.add(letter(number));
    }
}

/// Work was renamed to Kept and made anew there; the backup from before both.
fn renamed_and_made_anew(capabilities: &str) -> (Pair, Vec<Box>) {
    let pair = Pair::new(MODERN, capabilities);
    pair.source.fill("INBOX", 0..4);
    pair.source.fill("Work", 20..25);
    pair.verdict().copies(9);
    let backup = pair.destination.state().boxes.clone();
    rename(&mut pair.destination.state(), "Work", "Kept");
    pair.source.fill("INBOX", 4..6);
    pair.source.fill("Work", 25..27);
    pair.verdict().copies(4);
    make_anew(&mut pair.destination.state(), "Kept", 90..93);
    pair.source.state().at("Work").flag(1, "\\Flagged");
    pair.verdict().copies(7);
    assert_eq!(pair.destination.state().at("Kept").letters.len(), 10, "followed, and copied again");
    (pair, backup)
}

#[test]
fn c1c_copies_that_a_restore_put_under_the_old_name_of_a_folder_are_not_made_again() {
    for capabilities in [MODERN, SILENT] {
        let (pair, backup) = renamed_and_made_anew(capabilities);
        pair.destination.state().boxes = backup;
        let verdict = pair.verdict();
        assert!(verdict.notes(NoticeKind::CopiedAgain), "{}", verdict.words());
        verdict.copies(4);
        assert_eq!(pair.there(), once((0..6).chain(20..27)));
        pair.verdict().copies(0);
        // They are copies like others: flags go there, and a message that moves is known.
        pair.source.state().at("Work").flag(2, "\\Answered");
        pair.source.state().at("Work").remove(&[3]);
        pair.source.fill("INBOX", 22..23);
        pair.verdict().copies(0);
        let flags = pair.destination.state().at("Work").letters[1].flags.clone();
        assert!(flags.contains("\\Answered"), "{flags:?}");
        assert_eq!(pair.there(), once((0..6).chain(20..27)));
    }
}

#[test]
fn c1c_nor_where_that_folder_has_another_uidvalidity_than_the_one_that_was_made_anew() {
    let (pair, mut backup) = renamed_and_made_anew(MODERN);
    backup.iter_mut().filter(|one| one.name == "Work").for_each(|one| one.validity -= 1);
    pair.destination.state().boxes = backup;
    pair.verdict().copies(4);
    assert_eq!(pair.there(), once((0..6).chain(20..27)));
    pair.verdict().copies(0);
}

#[test]
fn c1c_what_only_has_the_name_of_a_lost_copy_is_not_taken_for_it() {
    let (pair, mut backup) = renamed_and_made_anew(MODERN);
    let work = backup.iter_mut().find(|one| one.name == "Work").expect("it was there");
    for letter in work.letters.iter_mut().take(2) {
        letter.bytes.push_str("and what its owner wrote to it\r\n");
    }
    pair.destination.state().boxes = backup;
    pair.verdict().copies(6);
    let expected = (0..6).chain(20..27).map(|number| (number, if number == 20 || number == 21 { 2 } else { 1 }));
    assert_eq!(pair.there(), expected.map(|(number, times)| (format!("number {number}"), times)).collect());
    pair.verdict().copies(0);
}

#[test]
fn c1c_two_messages_that_are_alike_need_two_copies_under_the_old_name() {
    let (pair, backup) = {
        let pair = Pair::new(MODERN, MODERN);
        pair.source.fill("INBOX", 0..4);
        pair.source.fill("Work", 20..22);
        pair.verdict().copies(6);
        let backup = pair.destination.state().boxes.clone();
        rename(&mut pair.destination.state(), "Work", "Kept");
        pair.source.fill("INBOX", 4..6);
        pair.source.fill("Work", 20..21);
        pair.verdict().copies(3);
        make_anew(&mut pair.destination.state(), "Kept", 90..93);
        pair.source.state().at("Work").flag(1, "\\Flagged");
        pair.verdict().copies(3);
        (pair, backup)
    };
    pair.destination.state().boxes = backup;
    pair.verdict().copies(3);
    let mut expected = once((0..6).chain(20..22));
    expected.insert("number 20".into(), 2);
    assert_eq!(pair.there(), expected);
    pair.verdict().copies(0);
}

#[test]
fn c1c_nor_where_a_third_folder_has_got_the_name_back() {
    let pair = Pair::new(MODERN, MODERN);
    pair.source.fill("INBOX", 0..4);
    pair.source.fill("Work", 20..25);
    pair.source.fill("Play", 30..33);
    pair.verdict().copies(12);
    // Play was called Kept when the backup was made, and Work was Work.
    rename(&mut pair.destination.state(), "Play", "Kept");
    pair.source.fill("INBOX", 4..5);
    pair.verdict().copies(1);
    let backup = pair.destination.state().boxes.clone();
    {
        let mut state = pair.destination.state();
        rename(&mut state, "Kept", "Play");
        rename(&mut state, "Work", "Kept");
    }
    pair.source.fill("INBOX", 5..6);
    pair.verdict().copies(1);
    make_anew(&mut pair.destination.state(), "Kept", 90..93);
    pair.source.state().at("Work").flag(1, "\\Flagged");
    pair.verdict().copies(5);
    pair.destination.state().boxes = backup;
    pair.verdict().copies(1);
    assert_eq!(pair.there(), once((0..6).chain(20..25).chain(30..33)));
    pair.verdict().copies(0);
}

#[test]
fn c1c_nor_where_its_owner_had_another_folder_of_the_new_name_then() {
    let pair = Pair::new(MODERN, MODERN);
    pair.destination.fill("Kept", 95..97);
    pair.source.fill("INBOX", 0..4);
    pair.source.fill("Work", 20..25);
    pair.verdict().copies(9);
    let backup = pair.destination.state().boxes.clone();
    pair.destination.state().boxes.retain(|one| one.name != "Kept");
    rename(&mut pair.destination.state(), "Work", "Kept");
    pair.source.fill("INBOX", 4..6);
    pair.source.fill("Work", 25..27);
    pair.verdict().copies(4);
    make_anew(&mut pair.destination.state(), "Kept", 90..93);
    pair.source.state().at("Work").flag(1, "\\Flagged");
    pair.verdict().copies(7);
    pair.destination.state().boxes = backup;
    pair.verdict().copies(4);
    assert_eq!(pair.there(), once((0..6).chain(20..27).chain(95..97)));
    pair.verdict().copies(0);
}
