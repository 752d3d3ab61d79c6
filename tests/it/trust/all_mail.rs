//! What lies only in `\All` is brought, once; views that are left out are counted (C.12 f).

use mailferry::domain::mapping::Mapping;

use super::{Pair, count, once};
use crate::support::odd::{MODERN, letter};

const GMAIL: &str = "UIDPLUS LITERAL+ CONDSTORE LIST-EXTENDED LIST-STATUS SPECIAL-USE NAMESPACE X-GM-EXT-1";

/// Three messages in the inbox, two with a label, five archived; all ten in `\All`, two of them starred.
fn gmail(capabilities: &str) -> Pair {
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
