//! Servers that say less than others, or not each time (C.1, C.3, C.5).

use mailferry::domain::failure::Side;

use super::{Pair, once};
use crate::support::odd::{MODERN, letter, subject};
use crate::support::relay::Said;

/// SELECT tells no UIDNEXT; LIST-STATUS and STATUS do, or do not.
fn without_uidnext(status: bool) -> Pair {
    let pair = Pair::new(MODERN, "LITERAL+");
    pair.destination.bend(move |heard| match heard.number("UIDNEXT") {
        Some(_) if heard.line.contains("[UIDNEXT") => Said::Nothing,
        Some(_) if !status => heard.with("UIDNEXT", 0),
        _ => Said::Kept,
    });
    pair.source.fill("Work", 0..10);
    pair.verdict().copies(10);
    pair
}

#[test]
fn c5_where_select_tells_no_uidnext_a_copy_that_its_owner_deleted_is_no_difference_and_stays_away() {
    for status in [true, false] {
        let pair = without_uidnext(status);
        pair.destination.state().at("Work").remove(&[2, 3]);
        pair.source.fill("Work", 10..12);
        pair.verdict().copies(2);
        pair.source.state().at("Work").flag(5, "\\Flagged");
        pair.verdict().copies(0);
        assert_eq!(pair.there(), once([0].into_iter().chain(3..12)));
    }
}

#[test]
fn c1c_nor_does_a_restore_go_unnoticed_there() {
    for status in [true, false] {
        let pair = without_uidnext(status);
        let backup = pair.destination.state().boxes.clone();
        pair.source.fill("Work", 10..15);
        pair.verdict().copies(5);
        pair.destination.state().boxes = backup;
        for number in 100..105 {
            pair.destination.state().at("Work").add(letter(number));
        }
        pair.source.state().at("Work").flag(12, "\\Flagged");
        pair.verdict().copies(5);
        assert_eq!(pair.there(), once((0..15).chain(100..105)));
        let state = pair.destination.state();
        let flagged = state.boxes.iter().flat_map(|one| &one.letters).filter(|one| !one.flags.is_empty());
        assert_eq!(flagged.map(|one| subject(&one.bytes)).collect::<Vec<_>>(), ["number 11"]);
    }
}

#[test]
fn c3_a_destination_folder_that_one_list_leaves_out_is_still_there() {
    for new in [0, 2] {
        let pair = Pair::new(MODERN, MODERN);
        pair.source.fill("Work", 0..10);
        pair.verdict().copies(10);
        pair.source.fill("Work", 10..10 + new);
        pair.source.state().at("Work").flag(1, "\\Seen");
        pair.destination.bend(|heard| match heard.about("LIST", "Work") || heard.about("STATUS", "Work") {
            true => Said::Nothing,
            false => Said::Kept,
        });
        pair.verdict().copies(new.into());
        pair.destination.straighten();
        pair.source.state().at("Work").flag(3, "\\Flagged");
        pair.verdict().copies(0);
        assert_eq!(pair.there(), once(0..10 + new));
        let mut state = pair.destination.state();
        let flags: Vec<_> = state.at("Work").letters.iter().map(|one| one.flags.clone()).collect();
        assert!(flags[0].contains("\\Seen") && flags[2].contains("\\Flagged"), "{flags:?}");
    }
}

#[test]
fn c3_a_destination_folder_whose_headers_are_refused_fails_alone() {
    let pair = Pair::new(MODERN, MODERN);
    pair.source.fill("Work", 0..10);
    pair.source.fill("Play", 20..25);
    pair.verdict().copies(15);
    pair.source.fill("Work", 10..12);
    pair.source.fill("Play", 25..27);
    pair.destination.bend(|heard| match (heard.folder, heard.arguments.contains("HEADER")) {
        ("Work", true) if heard.is("FETCH") => Said::Nothing,
        ("Work", true) if heard.line.contains(" OK ") => Said::Instead(heard.line.replace(" OK ", " NO [SERVERBUG] ")),
        _ => Said::Kept,
    });
    let verdict = pair.verdict().wrong(&["Work"]);
    assert!(verdict.errors.iter().all(|error| error.side == Some(Side::Destination)), "{}", verdict.words());
    assert_eq!((verdict.item.status(), verdict.copied()), ("completed", 2), "{}", verdict.words());
    pair.destination.straighten();
    pair.verdict().copies(2);
    assert_eq!(pair.there(), once((0..12).chain(20..27)));
}

#[test]
fn c3_a_source_folder_that_one_list_leaves_out_keeps_its_messages_though_others_seemed_to_have_moved_from_it() {
    for capabilities in [MODERN, "UIDPLUS LITERAL+ NAMESPACE"] {
        let pair = Pair::new(capabilities, MODERN);
        pair.source.fill("Work", 0..6);
        pair.source.fill("Play", 20..22);
        pair.verdict().copies(8);
        pair.verdict().copies(0);
        // Copies of two of them, while their folder is not listed.
        for number in 1..3 {
            pair.source.state().at("Play").add(letter(number));
        }
        pair.source.bend(|heard| match heard.about("LIST", "Work") || heard.about("STATUS", "Work") {
            true => Said::Nothing,
            false => Said::Kept,
        });
        pair.verdict().fine();
        pair.source.straighten();
        pair.verdict().fine();
        let mut expected = once((0..6).chain(20..22));
        expected.insert("number 1".into(), 2);
        expected.insert("number 2".into(), 2);
        assert_eq!(pair.there(), expected);
        pair.verdict().copies(0);
    }
}
