//! What lies only in `\All` is brought, once; views that are left out are counted (C.12 f).

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use mailferry::domain::mapping::Mapping;

use super::{Pair, count, once};
use crate::support::odd::{MODERN, letter};
use crate::support::relay::{Heard, Said};

pub(super) const GMAIL: &str = "UIDPLUS LITERAL+ CONDSTORE LIST-EXTENDED LIST-STATUS SPECIAL-USE NAMESPACE X-GM-EXT-1";

/// Three messages in the inbox, two with a label, five archived; all ten in `\All`, two of them starred.
pub(super) fn gmail(capabilities: &str) -> Pair {
    let pair = Pair::new(capabilities, MODERN);
    pair.source.fill("INBOX", 0..3);
    pair.source.fill("Label", 3..5);
    {
        let mut state = pair.source.state();
        state.make("[Gmail]").attributes = "\\Noselect \\HasChildren".into();
        for (name, attribute, numbers) in [
            ("[Gmail]/All Mail", "\\All", 0..10),
            ("[Gmail]/Starred", "\\Flagged", 2..4),
            ("[Gmail]/Important", "\\Important", 1..6),
        ] {
            let view = state.make(name);
            view.attributes = attribute.into();
            for number in numbers {
                view.add(letter(number));
            }
        }
    }
    pair
}

fn folder_of(pair: &Pair, number: u32) -> Vec<String> {
    let state = pair.destination.state();
    let subject = format!("number {number}");
    state.boxes.iter().filter(|one| one.subjects().contains(&subject)).map(|one| one.name.clone()).collect()
}

#[test]
fn c12f_archived_mail_that_lies_only_in_all_is_brought_once() {
    for capabilities in [GMAIL, &format!("{MODERN} OBJECTID"), MODERN] {
        let pair = gmail(capabilities);
        let verdict = pair.verdict().fine();
        assert_eq!(pair.there(), once(0..10), "{}", verdict.words());
        assert_eq!(verdict.copied(), 10, "{}", verdict.words());
        assert_eq!(folder_of(&pair, 7), ["Archive"], "{capabilities}");
        assert_eq!(folder_of(&pair, 1), ["INBOX"]);
        assert!(verdict.item.messages("skipped") >= 7, "views are counted: {}", verdict.words());
        assert!(verdict.words().contains("Starred"), "and named: {}", verdict.words());
        pair.idle();
    }
}

#[test]
fn c12f_a_message_that_is_archived_later_is_not_copied_again() {
    for capabilities in [GMAIL, MODERN] {
        let pair = gmail(capabilities);
        pair.verdict().copies(10);
        pair.source.state().at("INBOX").remove(&[1]);
        pair.verdict().copies(0);
        assert_eq!(pair.there(), once(0..10));
        // And one that comes out of the archive into the inbox.
        pair.source.state().at("INBOX").add(letter(8));
        pair.verdict().copies(0);
        assert_eq!(pair.there(), once(0..10));
        // New mail lies in both.
        for folder in ["INBOX", "[Gmail]/All Mail"] {
            pair.source.state().at(folder).add(letter(50));
        }
        pair.verdict().copies(1);
        // New mail that a filter archived at once.
        pair.source.state().at("[Gmail]/All Mail").add(letter(51));
        pair.verdict().copies(1);
        assert_eq!(pair.there(), once((0..10).chain(50..52)));
    }
}

#[test]
fn c12f_what_comes_out_of_the_archive_is_not_copied_again_wherever_it_goes() {
    for capabilities in [GMAIL, MODERN] {
        let pair = gmail(capabilities);
        pair.verdict().copies(10);
        // Archived, and back in the next pass.
        pair.source.state().at("INBOX").remove(&[1]);
        pair.verdict().copies(0);
        pair.source.state().at("INBOX").add(letter(0));
        pair.verdict().copies(0);
        // Out of the archive into a label, into a new one, and twice.
        pair.source.state().at("Label").add(letter(8));
        pair.source.state().make("New").add(letter(7));
        pair.verdict().copies(0);
        assert_eq!(pair.there(), once(0..10));
        // Archived again, while one of the archive is deleted and new mail comes.
        pair.source.state().at("Label").remove(&[3]);
        pair.source.state().at("[Gmail]/All Mail").remove(&[6]);
        pair.source.fill("INBOX", 60..62);
        pair.verdict().copies(2);
        assert_eq!(pair.there(), once((0..10).chain(60..62)));
        pair.verdict().copies(0);
    }
}

#[test]
fn c12f_equal_messages_in_all_are_as_many_as_lie_in_no_other_folder() {
    let pair = gmail(MODERN);
    {
        let mut state = pair.source.state();
        state.at("[Gmail]/All Mail").add(letter(9));
    }
    pair.verdict().fine();
    let mut expected = once(0..10);
    expected.insert("number 9".into(), 2);
    assert_eq!(pair.there(), expected);
}

#[test]
fn c12f_a_mapping_takes_all_elsewhere_and_outweighs_the_skip_of_a_view() {
    let pair = gmail(GMAIL);
    pair.workspace.options(|options| {
        let rules = [r"^\[Gmail\]/All Mail$->Old mail", r"^\[Gmail\]/Starred$->Stars"];
        options.mapping = rules.map(|rule| Mapping(rule.into())).into();
    });
    pair.verdict().fine();
    assert_eq!(folder_of(&pair, 7), ["Old mail"]);
    let state = pair.destination.state();
    let stars = state.boxes.iter().find(|one| one.name == "Stars").expect("the view was mapped");
    assert_eq!(count(stars.subjects().into_iter()), once(2..4));
}

#[test]
fn c12f_what_the_owner_deleted_at_the_destination_is_not_brought_by_all() {
    let pair = gmail(GMAIL);
    pair.verdict().copies(10);
    pair.destination.state().at("INBOX").remove(&[1]);
    pair.destination.state().at("Archive").remove(&[1]);
    pair.source.state().at("[Gmail]/All Mail").add(letter(50));
    pair.verdict().copies(1);
    assert_eq!(pair.there().len(), 9, "what was deleted stays away");
}

pub(super) const ALL: &str = "[Gmail]/All Mail";
const WHOLE: &str = "BODY.PEEK[])";
const HEADER: &str = "BODY.PEEK[HEADER]";

/// The answer with these attributes of the view's message of this number.
fn about(heard: &Heard<'_>, attributes: &str, number: u32) -> bool {
    of_view(heard, attributes) && heard.line.contains(&format!("Subject: number {number}\r"))
}

fn of_view(heard: &Heard<'_>, attributes: &str) -> bool {
    heard.folder == ALL && heard.verb == "UID FETCH" && heard.arguments.contains(attributes)
}

/// The end of a command, refused.
fn refused(heard: &Heard<'_>, why: &str) -> Said {
    Said::Instead(format!("{} NO {why}", heard.line.split(' ').next().unwrap_or_default()))
}

#[test]
fn c12f_a_connection_that_breaks_amid_the_archive_leaves_nothing_of_it_behind() {
    for number in [5, 7, 9] {
        let pair = gmail(MODERN);
        let cut = AtomicBool::new(false);
        pair.source.bend(move |heard| match about(heard, WHOLE, number) && !cut.swap(true, Ordering::SeqCst) {
            true => Said::Instead("* BYE going down".into()),
            false => Said::Kept,
        });
        let verdict = pair.verdict().copies(10);
        assert_eq!(pair.there(), once(0..10), "{}", verdict.words());
        pair.verdict().copies(0);
        pair.idle();
    }
}

#[test]
fn c12f_nor_one_to_the_destination_and_what_was_on_its_way_is_not_there_twice() {
    for searching in [true, false] {
        let pair = gmail(MODERN);
        pair.workspace.options(|options| options.search_duplicates = searching);
        let answers = AtomicU32::new(0);
        pair.destination.bend(move |heard| {
            let archived = heard.verb == "APPEND" && heard.arguments.contains("Archive");
            match archived && answers.fetch_add(1, Ordering::SeqCst) == 1 {
                true => Said::Instead("* BYE going down".into()),
                false => Said::Kept,
            }
        });
        let verdict = pair.verdict().copies(10);
        assert_eq!(pair.there(), once(0..10), "{}", verdict.words());
        pair.verdict().copies(0);
        assert_eq!(pair.there(), once(0..10));
        pair.idle();
    }
}

#[test]
fn c12f_what_an_interrupted_pass_left_of_the_archive_is_found_by_the_one_that_comes_to_its_end() {
    let pair = gmail(MODERN);
    pair.workspace.options(|options| options.search_duplicates = false);
    // From here on a server hangs up and lets nobody in.
    let fails = |at: fn(&Heard<'_>) -> bool| {
        let (heard_of, closed) = (AtomicU32::new(0), AtomicBool::new(false));
        move |heard: &Heard<'_>| match (closed.load(Ordering::SeqCst), heard.line.starts_with('*')) {
            (true, false) if heard.verb == "LOGIN" => refused(heard, "[AUTHENTICATIONFAILED] closed"),
            (false, _) if at(heard) => {
                if heard_of.fetch_add(1, Ordering::SeqCst) > 0 {
                    closed.store(true, Ordering::SeqCst);
                }
                if closed.load(Ordering::SeqCst) { Said::Instead("* BYE going down".into()) } else { Said::Kept }
            }
            _ => Said::Kept,
        }
    };
    // One archived message is stored without an answer, then the archive cannot be looked at.
    pair.destination.bend(fails(|heard| heard.verb == "APPEND" && heard.arguments.contains("Archive")));
    assert_ne!(pair.verdict().output.code, 0);
    pair.destination.straighten();
    pair.source.bend(fails(|heard| of_view(heard, HEADER)));
    assert_ne!(pair.verdict().output.code, 0);
    pair.source.straighten();
    let verdict = pair.verdict().fine();
    assert_eq!(pair.there(), once(0..10), "{}", verdict.words());
    pair.verdict().copies(0);
    assert_eq!(pair.there(), once(0..10));
}

#[test]
fn c12f_one_archived_message_that_is_refused_keeps_no_other_back() {
    let pair = gmail(MODERN);
    pair.source.bend(|heard| {
        let eighth =
            of_view(heard, WHOLE) && (heard.arguments.starts_with("8 ") || heard.arguments.starts_with("6:10"));
        match (eighth, heard.line.starts_with('*')) {
            (true, false) => refused(heard, "[SERVERBUG] some could not be fetched"),
            (true, true) if about(heard, WHOLE, 7) => Said::Nothing,
            _ => Said::Kept,
        }
    });
    let verdict = pair.verdict().wrong(&["All Mail"]);
    let others = || once((0..7).chain(8..10));
    assert_eq!(pair.there(), others(), "{}", verdict.words());
    pair.source.straighten();
    pair.verdict().copies(1);
    assert_eq!(pair.there(), once(0..10));
    pair.idle();
}

#[test]
fn c12f_an_archived_message_that_is_listed_and_not_handed_out_is_an_error() {
    let pair = gmail(MODERN);
    pair.source.bend(|heard| if about(heard, WHOLE, 7) { Said::Nothing } else { Said::Kept });
    for _ in 0..2 {
        let verdict = pair.verdict().wrong(&["All Mail"]);
        assert_eq!(verdict.item.messages("vanished"), 0, "{}", verdict.words());
        assert_eq!(pair.there(), once((0..7).chain(8..10)), "{}", verdict.words());
    }
    pair.source.straighten();
    pair.verdict().copies(1);
    assert_eq!(pair.there(), once(0..10));
}

#[test]
fn c12f_one_refusal_to_tell_who_the_archive_is_makes_nothing_of_it_new() {
    for times in [1, 3, u32::MAX] {
        let pair = gmail(MODERN);
        let refusals = AtomicU32::new(0);
        pair.source.bend(move |heard| {
            let header = of_view(heard, HEADER);
            let refuses = match heard.line.starts_with('*') {
                true => refusals.load(Ordering::SeqCst) < times,
                false => header && refusals.fetch_add(1, Ordering::SeqCst) < times,
            };
            match (header && refuses, heard.line.starts_with('*')) {
                (true, true) => Said::Nothing,
                (true, false) => refused(heard, "[SERVERBUG] some could not be fetched"),
                _ => Said::Kept,
            }
        });
        let verdict = pair.verdict().copies(10);
        assert_eq!(pair.there(), once(0..10), "{}", verdict.words());
        assert_eq!(folder_of(&pair, 7), ["Archive"]);
        pair.verdict().copies(0);
    }
}

#[test]
fn c12f_a_message_of_which_nobody_tells_who_it_is_is_an_error_and_not_copied() {
    for (number, folder) in [(1, "INBOX"), (7, "Archive")] {
        let pair = gmail(MODERN);
        pair.source.bend(move |heard| match about(heard, "BODY.PEEK[", number) {
            true => Said::Nothing,
            false => Said::Kept,
        });
        let verdict = pair.verdict().wrong(&["All Mail"]);
        let expected = if folder == "INBOX" { once(0..10) } else { once((0..7).chain(8..10)) };
        assert_eq!(pair.there(), expected, "{}", verdict.words());
        assert_eq!(verdict.item.messages("errors"), 1, "{}", verdict.words());
        pair.source.straighten();
        pair.verdict().fine();
        assert_eq!(pair.there(), once(0..10));
        assert_eq!(folder_of(&pair, number), [folder]);
    }
}

#[test]
fn c12f_nor_is_one_that_comes_only_when_it_is_read_to_be_copied() {
    let pair = gmail(MODERN);
    let asked = AtomicU32::new(0);
    // Its header never comes, and it does the second time that it is read.
    pair.source.bend(move |heard| match (about(heard, HEADER, 1), about(heard, WHOLE, 1)) {
        (true, _) => Said::Nothing,
        (_, true) if asked.fetch_add(1, Ordering::SeqCst) == 0 => Said::Nothing,
        _ => Said::Kept,
    });
    let verdict = pair.verdict().wrong(&["All Mail"]);
    assert_eq!(pair.there(), once(0..10), "{}", verdict.words());
    pair.source.straighten();
    pair.verdict().copies(0);
    assert_eq!(pair.there(), once(0..10));
}

/// A message that came in two ways.
fn way(of: u32, subject: &str) -> String {
    letter(of).replace(&format!("Subject: number {of}"), &format!("Subject: {subject}"))
}

/// How often each of these subjects is at the destination.
fn ways(pair: &Pair) -> Vec<(String, usize)> {
    pair.there().into_iter().filter(|(subject, _)| !subject.starts_with("number")).collect()
}

fn each_once(subjects: &[&str]) -> Vec<(String, usize)> {
    subjects.iter().map(|subject| ((*subject).to_owned(), 1)).collect()
}

#[test]
fn c12f_of_two_messages_of_one_name_the_one_that_lies_nowhere_else_is_brought() {
    for direct_first in [true, false] {
        for labels in [&["INBOX"][..], &["INBOX", "Label"], &["INBOX", "Label", "Third"]] {
            let pair = gmail(MODERN);
            let both = if direct_first { ["direct", "by list"] } else { ["by list", "direct"] };
            for subject in both {
                pair.source.state().at(ALL).add(way(70, subject));
            }
            for label in labels {
                pair.source.state().make(label).add(way(70, "by list"));
            }
            let verdict = pair.verdict().copies(11 + labels.len() as u64);
            let expected = vec![("by list".to_owned(), labels.len()), ("direct".to_owned(), 1)];
            assert_eq!(ways(&pair), expected, "{}", verdict.words());
            assert_eq!(pair.destination.subjects("Archive").len(), 6, "{}", verdict.words());
            pair.verdict().copies(0);
        }
    }
}

#[test]
fn c12f_drafts_of_one_name_are_told_apart_by_what_they_hold() {
    let pair = gmail(MODERN);
    let draft = |text: &str| format!("From: a@example.org\r\nSubject: draft\r\n\r\n{text}\r\n");
    pair.source.state().make("Drafts").add(draft("in its folder"));
    pair.verdict().copies(11);
    for text in ["archived", "in its folder"] {
        pair.source.state().at(ALL).add(draft(text));
    }
    pair.verdict().copies(1);
    let there = |folder: &str| pair.destination.state().at(folder).bodies().concat();
    assert!(there("Archive").contains("archived") && there("Drafts").contains("in its folder"));
    pair.verdict().copies(0);
    // The one in the folder goes: what is left in the view is another one, and known.
    pair.source.state().at(ALL).remove(&[12]);
    pair.source.state().at("Drafts").remove(&[1]);
    pair.verdict().copies(0);
    assert_eq!(ways(&pair), [("draft".to_owned(), 2)]);
}

#[test]
fn c12f_a_message_that_is_no_more_hides_no_other_of_its_name() {
    let pair = gmail(MODERN);
    pair.source.state().at(ALL).add(way(70, "by list"));
    pair.source.state().at("INBOX").add(way(70, "by list"));
    pair.verdict().copies(11);
    // It is deleted for good, and then the same comes directly and is archived at once.
    pair.source.state().at(ALL).remove(&[11]);
    pair.source.state().at("INBOX").remove(&[4]);
    pair.verdict().copies(0);
    pair.source.state().at(ALL).add(way(70, "direct"));
    let verdict = pair.verdict().copies(1);
    assert_eq!(ways(&pair), each_once(&["by list", "direct"]), "{}", verdict.words());
    pair.verdict().copies(0);
}

#[test]
fn c12f_what_lies_in_the_trash_hides_no_archived_message_of_its_name() {
    let pair = gmail(MODERN);
    pair.source.state().make("Bin").attributes = "\\Trash".into();
    for subject in ["by list", "also in the bin"] {
        pair.source.state().at("Bin").add(way(if subject == "by list" { 70 } else { 71 }, subject));
    }
    pair.source.state().at(ALL).add(way(70, "direct"));
    // Some views show the trash too.
    pair.source.state().at(ALL).add(way(71, "also in the bin"));
    let verdict = pair.verdict().copies(13);
    assert_eq!(ways(&pair), each_once(&["also in the bin", "by list", "direct"]), "{}", verdict.words());
    pair.verdict().copies(0);
}
