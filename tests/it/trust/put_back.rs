//! A mailbox that was put back to an earlier state, of which its figures say little or nothing (C.1 a, c, C.4).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use mailferry::domain::notice::NoticeKind;

use super::{Pair, once};
use crate::support::odd::{Box, MODERN, State, letter, subject};
use crate::support::relay::{Heard, Said};

/// Nothing tells that nothing changed: every folder is looked into.
const PLAIN: &str = "UIDPLUS LITERAL+ LIST-EXTENDED LIST-STATUS NAMESPACE";

/// A version of a draft: Message-ID and date stay.
fn draft(text: &str) -> String {
    format!(
        "Message-ID: <draft@old.example>\r\nDate: Sat, 01 Feb 2003 04:05:06 +0000\r\nSubject: draft\r\n\r\n{text}\r\n"
    )
}

/// An edited draft gets the next number.
fn edit(state: &mut State, text: &str) {
    let drafts = state.at("Drafts");
    let last = drafts.letters.last().expect("a draft").uid;
    drafts.remove(&[last]);
    drafts.add(draft(text));
}

fn drafts_there(pair: &Pair) -> Vec<String> {
    pair.destination.state().at("Drafts").letters.iter().map(|l| l.bytes.clone()).collect()
}

/// The second version went; the backup from before it comes back, and a third one has its number and all figures.
fn edited_again(capabilities: &str, others: u32, raise: u64) {
    let pair = Pair::new(capabilities, MODERN);
    pair.source.fill("Work", 0..6);
    pair.source.state().make("Drafts");
    pair.source.fill("Drafts", 50..50 + others);
    pair.source.state().at("Drafts").add(draft("one"));
    pair.verdict().copies(7 + u64::from(others));
    let backup = pair.source.state().boxes.clone();
    edit(&mut pair.source.state(), "two");
    pair.verdict().copies(1);
    pair.source.state().boxes = backup;
    edit(&mut pair.source.state(), "three");
    pair.source.state().at("Drafts").modseq += raise;
    pair.verdict().copies(1);
    let there = drafts_there(&pair);
    assert_eq!(there[others as usize..], [draft("one"), draft("two"), draft("three")]);
    pair.verdict().copies(0);
}

#[test]
fn c4_an_edited_draft_of_a_restored_source_is_copied_though_every_figure_is_as_it_was() {
    for others in [0, 1, 30] {
        edited_again(PLAIN, others, 0);
        edited_again(MODERN, others, 7);
    }
}

#[test]
fn c1a_where_one_folder_went_back_contents_are_compared_in_all() {
    // Of the drafts nothing speaks against: only the inbox tells that a backup was put back.
    let pair = Pair::new(MODERN, MODERN);
    pair.source.fill("INBOX", 0..6);
    pair.source.state().make("Drafts").add(draft("one"));
    pair.verdict().copies(7);
    let backup = pair.source.state().boxes.clone();
    edit(&mut pair.source.state(), "two");
    pair.source.fill("INBOX", 6..9);
    pair.verdict().copies(4);
    let modseq = pair.source.state().at("Drafts").modseq;
    pair.source.state().boxes = backup;
    edit(&mut pair.source.state(), "three");
    pair.source.state().at("Drafts").modseq = modseq;
    pair.verdict().copies(1);
    assert_eq!(drafts_there(&pair), [draft("one"), draft("two"), draft("three")]);
    pair.verdict().copies(0);
}

#[test]
fn c1a_a_source_that_hands_out_all_messages_in_another_form_than_before_doubles_nothing() {
    for folders in [1, 4] {
        let pair = Pair::new(PLAIN, MODERN);
        pair.source.fill("INBOX", 0..30);
        for folder in 0..folders {
            pair.source.fill(&format!("Small {folder}"), 100 + folder..101 + folder);
        }
        pair.verdict().copies(30 + u64::from(folders));
        // An update: the same messages, made up in another way from now on.
        for one in &mut pair.source.state().boxes {
            one.letters.iter_mut().for_each(|letter| letter.bytes.push_str("made up anew\r\n"));
        }
        pair.source.fill("INBOX", 30..33);
        pair.verdict().copies(3);
        pair.verdict().copies(0);
        assert_eq!(pair.there(), once((0..33).chain(100..100 + folders)));
    }
}

#[test]
fn c1a_a_source_that_makes_messages_up_anew_each_time_doubles_nothing_when_its_figures_go_back() {
    let pair = Pair::new(PLAIN, MODERN);
    pair.source.fill("INBOX", 0..12);
    pair.verdict().copies(12);
    let count = AtomicU64::new(0);
    pair.source.bend(move |heard| {
        let number = 1000 + count.fetch_add(1, Ordering::SeqCst) % 9000;
        match heard.is("FETCH") && heard.line.contains("BODY[] {") {
            true => Said::Instead(heard.line.replace("\r\n\r\nBody ", &format!("\r\n\r\n{number} "))),
            false => Said::Kept,
        }
    });
    {
        let mut state = pair.source.state();
        state.at("INBOX").remove(&[11, 12]);
        state.at("INBOX").next = 11;
    }
    pair.verdict().copies(0);
    assert_eq!(pair.there(), once(0..12));
}

#[test]
fn c1c_a_destination_folder_with_an_earlier_uidvalidity_was_put_back_and_gets_again_what_it_lost() {
    let pair = Pair::new(MODERN, MODERN);
    pair.source.fill("INBOX", 0..2);
    pair.source.fill("Work", 10..20);
    pair.verdict().copies(12);
    {
        // Its owner had another folder of this name when the backup was made.
        let mut state = pair.destination.state();
        let work = state.at("Work");
        work.remove(&[6, 7, 8, 9, 10]);
        (work.validity, work.next, work.id) = (work.validity - 1, 6, "Mother".into());
    }
    pair.source.state().at("Work").flag(1, "\\Flagged");
    let verdict = pair.verdict();
    assert!(verdict.notes(NoticeKind::CopiedAgain), "{}", verdict.words());
    verdict.copies(5);
    assert_eq!(pair.there(), once((0..2).chain(10..20)));
    pair.verdict().copies(0);
}

#[test]
fn c1c_with_a_later_uidvalidity_its_owner_made_it_anew_and_gets_new_mail_only() {
    let pair = Pair::new(MODERN, MODERN);
    pair.source.fill("INBOX", 0..2);
    pair.source.fill("Work", 10..20);
    pair.verdict().copies(12);
    {
        let mut state = pair.destination.state();
        let work = state.at("Work");
        work.letters.clear();
        (work.validity, work.next, work.id) = (work.validity + 100, 1, "Mother".into());
    }
    pair.source.fill("Work", 20..22);
    pair.verdict().copies(2);
    assert_eq!(pair.there(), once((0..2).chain(20..22)));
}

#[test]
fn c1c_copies_that_a_restore_took_and_whose_messages_left_the_source_are_named() {
    let pair = Pair::new(MODERN, MODERN);
    pair.source.fill("INBOX", 0..4);
    pair.verdict().copies(4);
    let backup = pair.destination.state().boxes.clone();
    pair.source.fill("INBOX", 4..10);
    pair.verdict().copies(6);
    pair.source.state().at("INBOX").remove(&[8, 9, 10]);
    pair.verdict().copies(0);
    pair.destination.state().boxes = backup;
    pair.source.fill("INBOX", 10..11);
    let verdict = pair.verdict().wrong(&["missing_there"]);
    assert_eq!(verdict.copied(), 4, "{}", verdict.words());
    assert_eq!(pair.there(), once((0..7).chain(10..11)));
    pair.verdict().copies(0);
}

#[test]
fn c1c_a_copy_that_a_restore_took_comes_again_though_its_message_lay_in_another_folder_too() {
    // Also when it is refused at first: by the next pass.
    for refused in [false, true] {
        let pair = Pair::new(MODERN, MODERN);
        pair.source.fill("INBOX", 0..4);
        pair.verdict().copies(4);
        let backup = pair.destination.state().boxes.clone();
        pair.source.fill("INBOX", 4..6);
        pair.source.state().make("Other").add(letter(5));
        pair.verdict().copies(3);
        pair.source.state().boxes.retain(|one| one.name != "Other");
        pair.destination.state().boxes = backup;
        pair.source.fill("INBOX", 6..7);
        if refused {
            let unwanted = |bytes: &String| subject(bytes) == "number 5";
            pair.destination.state().refuse = Some(Arc::new(move |batch| {
                batch.iter().any(unwanted).then(|| ("NO [CANNOT] not to my liking".into(), Vec::new()))
            }));
            assert_eq!(pair.verdict().copied(), 2);
            pair.destination.state().refuse = None;
            pair.source.fill("INBOX", 7..8);
        }
        pair.verdict().copies(if refused { 2 } else { 3 });
        assert_eq!(pair.there(), once(0..if refused { 8 } else { 7 }));
        pair.verdict().copies(0);
    }
}

#[test]
fn c1c_nor_does_another_copy_that_is_gone_answer_for_it_when_it_has_moved_meanwhile() {
    let pair = Pair::new(MODERN, MODERN);
    pair.source.fill("INBOX", 0..4);
    pair.source.state().make("G");
    pair.verdict().copies(4);
    let backup = pair.destination.state().boxes.clone();
    pair.source.fill("INBOX", 4..6);
    pair.source.state().make("Other").add(letter(5));
    pair.verdict().copies(3);
    pair.source.state().boxes.retain(|one| one.name != "Other");
    pair.source.state().at("INBOX").remove(&[6]);
    pair.source.fill("G", 5..6);
    pair.destination.state().boxes = backup;
    pair.verdict().copies(2);
    assert_eq!(pair.there(), once(0..6));
    pair.verdict().copies(0);
}

#[test]
fn c1b_a_source_folder_that_was_away_is_looked_into_though_its_state_is_what_it_was() {
    let pair = Pair::new(MODERN, MODERN);
    pair.source.fill("INBOX", 0..1);
    pair.source.state().make("Work");
    pair.source.fill("Work", 10..13);
    pair.verdict().copies(4);
    let before = pair.source.state().at("Work").clone();
    pair.source.state().boxes.retain(|one| one.name != "Work");
    pair.source.fill("INBOX", 1..2);
    pair.verdict().copies(1);
    // Another one of its name, with all its figures.
    pair.source.state().make("Work");
    pair.source.fill("Work", 20..23);
    {
        let mut state = pair.source.state();
        let work = state.at("Work");
        (work.validity, work.id, work.modseq) = (before.validity, before.id, before.modseq);
        assert_eq!(work.next, before.next);
    }
    pair.verdict().copies(3);
    assert_eq!(pair.there(), once((0..2).chain(10..13).chain(20..23)));
}

#[test]
fn c1c_an_earlier_version_that_a_restore_put_under_the_number_of_a_draft_is_not_the_draft() {
    let pair = Pair::new(MODERN, MODERN);
    pair.source.fill("Drafts", 0..3);
    pair.source.state().at("Drafts").add(draft("one"));
    pair.verdict().copies(4);
    let backup = pair.destination.state().boxes.clone();
    pair.source.state().at("Drafts").remove(&[3]);
    edit(&mut pair.source.state(), "two");
    pair.verdict().copies(1);
    {
        // Its owner empties the folder by making it anew, and writes something.
        let mut state = pair.destination.state();
        let drafts = state.at("Drafts");
        drafts.letters.clear();
        drafts.next = 1;
        drafts.add(letter(90));
    }
    pair.source.state().at("Drafts").flag(1, "\\Flagged");
    pair.verdict().wrong(&["missing_there"]);
    let there = drafts_there(&pair);
    assert_eq!(there[3], draft("two"), "{there:?}");
    pair.destination.state().boxes = backup;
    pair.source.state().at("Drafts").flag(2, "\\Flagged");
    let verdict = pair.verdict();
    assert!(verdict.notes(NoticeKind::CopiedAgain), "{}", verdict.words());
    verdict.copies(1);
    assert_eq!(drafts_there(&pair)[3..], [draft("one"), draft("two")]);
    pair.verdict().copies(0);
}

#[test]
fn c1c_the_only_copy_in_a_folder_may_be_an_earlier_version_that_a_restore_put_under_its_number() {
    let pair = Pair::new(MODERN, MODERN);
    pair.source.fill("INBOX", 0..3);
    pair.source.state().make("Drafts").add(draft("one"));
    pair.verdict().copies(4);
    let backup = pair.destination.state().boxes.clone();
    edit(&mut pair.source.state(), "two");
    pair.verdict().copies(1);
    {
        let mut state = pair.destination.state();
        let drafts = state.at("Drafts");
        drafts.letters.clear();
        drafts.next = 1;
    }
    pair.source.state().at("Drafts").flag(2, "\\Flagged");
    pair.source.fill("INBOX", 3..5);
    pair.verdict();
    assert_eq!(drafts_there(&pair), [draft("two")]);
    pair.destination.state().boxes = backup;
    pair.source.state().at("INBOX").flag(1, "\\Flagged");
    pair.verdict().copies(3);
    assert_eq!(drafts_there(&pair), [draft("one"), draft("two")]);
    pair.verdict().copies(0);
}

#[test]
fn c1c_a_destination_that_hands_out_all_copies_in_another_form_gets_none_twice_when_one_folder_went_back() {
    for folders in [1, 4] {
        let pair = Pair::new(PLAIN, MODERN);
        pair.source.fill("INBOX", 0..5);
        for folder in 0..folders {
            pair.source.fill(&format!("Small {folder}"), 100 + folder..101 + folder);
        }
        pair.verdict().copies(5 + u64::from(folders));
        {
            let mut state = pair.destination.state();
            for one in &mut state.boxes {
                one.letters.iter_mut().for_each(|letter| letter.bytes.push_str("made up anew\r\n"));
            }
            state.at("INBOX").remove(&[5]);
            state.at("INBOX").next = 5;
        }
        pair.source.fill("INBOX", 5..6);
        pair.verdict().copies(2);
        pair.verdict().copies(0);
        assert_eq!(pair.there(), once((0..6).chain(100..100 + folders)));
    }
}

/// Rows of two source folders lead to one folder of the destination, under a name that one of them had first.
#[test]
fn c10_a_folder_that_gets_the_name_of_an_empty_one_is_followed() {
    let pair = Pair::new(PLAIN, PLAIN);
    let name = |from: &str, to: &str| {
        let mut state = pair.destination.state();
        state.boxes.retain(|one| one.name != to);
        state.at(from).name = to.to_owned();
    };
    pair.source.fill("INBOX", 0..2);
    pair.source.state().make("G");
    pair.verdict().copies(2);
    name("G", "A");
    pair.source.fill("A", 10..15);
    pair.verdict().copies(5);
    name("A", "G");
    pair.source.fill("A", 15..16);
    pair.verdict().copies(1);
    assert_eq!(pair.destination.state().at("G").letters.len(), 6, "followed");
    // It is made anew: nobody else knows what it held.
    {
        let mut state = pair.destination.state();
        let made = state.at("G");
        made.letters.clear();
        made.next = 1;
    }
    pair.source.fill("A", 16..17);
    pair.verdict().copies(7);
    assert_eq!(pair.there(), once((0..2).chain(10..17)));
    pair.verdict().copies(0);
}

#[test]
fn c1c_a_folder_that_was_made_after_the_backup_comes_again_with_its_mail() {
    for capabilities in [MODERN, "LITERAL+ NAMESPACE"] {
        let pair = Pair::new(MODERN, capabilities);
        pair.source.fill("INBOX", 0..6);
        pair.verdict().copies(6);
        let backup = pair.destination.state().boxes.clone();
        pair.source.fill("INBOX", 6..8);
        pair.source.fill("Work", 20..25);
        pair.verdict().copies(7);
        pair.verdict().copies(0);
        pair.destination.state().boxes = backup;
        let verdict = pair.verdict();
        assert!(verdict.notes(NoticeKind::CopiedAgain), "{}", verdict.words());
        verdict.copies(7);
        assert_eq!(pair.there(), once((0..8).chain(20..25)));
        pair.verdict().copies(0);
    }
}

#[test]
fn c1c_a_folder_that_its_owner_deleted_stays_away_where_nothing_else_went_back() {
    let pair = Pair::new(MODERN, MODERN);
    pair.source.fill("INBOX", 0..6);
    pair.source.fill("Work", 20..25);
    pair.verdict().copies(11);
    pair.destination.state().boxes.retain(|one| one.name != "Work");
    pair.destination.state().at("INBOX").remove(&[5, 6]);
    pair.source.fill("INBOX", 6..8);
    pair.verdict().copies(2);
    assert_eq!(pair.there(), once((0..4).chain(6..8)));
}

/// A folder of the destination is made anew under its UIDVALIDITY, which loses what was in it, and its figures tell nothing of
/// that; its source folder cannot be read just then, or is not listed. After that the destination is put back to before it had
/// the folder.
fn lost_unseen(own: u32, shut: impl Fn(&Pair), open: impl Fn(&Pair)) {
    for capabilities in [PLAIN, MODERN] {
        let pair = Pair::new(capabilities, capabilities);
        pair.source.fill("G", 0..2);
        pair.verdict().copies(2);
        {
            let mut there = pair.destination.state();
            let folder = there.at("G");
            let validity = folder.validity;
            *folder = Box { modseq: 40, ..Box::new("G", validity) };
            for number in 90..90 + own {
                folder.add(letter(number));
            }
        }
        pair.source.state().at("G").flag(1, "\\Flagged");
        shut(&pair);
        pair.verdict().wrong(&["not found at the destination", "\"G\""]);
        open(&pair);
        pair.destination.state().boxes.retain(|one| one.name != "G");
        pair.verdict().copies(2);
        assert_eq!(pair.there(), once(0..2), "{capabilities}, {own} of the owner's own");
        pair.verdict().copies(0);
    }
}

#[test]
fn c1_copies_lost_while_their_source_folder_cannot_be_opened_come_again_also_when_their_folder_goes_next() {
    for own in [0, 2, 3, 9] {
        let refusal = |verb: &str, what: &str| {
            (verb == "EXAMINE" && what.contains('G')).then(|| "NO [NOPERM] not yours".to_owned())
        };
        lost_unseen(own, |pair| pair.source.deny(refusal), |pair| pair.source.deny(|_, _| None));
    }
}

#[test]
fn c1_also_when_it_is_not_listed_just_then() {
    // What changes no figure is seen by nobody.
    for own in [0, 3, 9] {
        let hides = |heard: &Heard<'_>| match heard.about("LIST", "G") || heard.about("STATUS", "G") {
            true => Said::Nothing,
            false => Said::Kept,
        };
        lost_unseen(own, |pair| pair.source.bend(hides), |pair| pair.source.straighten());
    }
}
