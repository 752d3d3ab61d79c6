//! What of `\\All` lies elsewhere is told by X-GM-MSGID or EMAILID where the server has them (C.12 f).

use std::sync::atomic::{AtomicBool, Ordering};

use super::all_mail::{ALL, GMAIL, gmail};
use super::once;
use crate::support::odd::{MODERN, letter};
use crate::support::relay::{Heard, Said};

/// Servers with ids.
fn with_keys() -> [String; 2] {
    [GMAIL.to_owned(), format!("{MODERN} OBJECTID")]
}

fn asks_for_keys(heard: &Heard<'_>) -> bool {
    heard.verb == "UID FETCH" && (heard.arguments.contains("X-GM-MSGID") || heard.arguments.contains("EMAILID"))
}

#[test]
fn c12f_a_message_that_a_view_shows_in_another_form_is_known_by_its_id() {
    for capabilities in with_keys() {
        let pair = gmail(&capabilities);
        {
            // Made up anew whenever it is read, and without a name of its own.
            let mut state = pair.source.state();
            let of_view = state.at(ALL).letters[1].id;
            let inbox = state.at("INBOX");
            let form = format!("X-Folder: inbox\r\n{}", letter(1).replace("Message-ID", "X-Was"));
            (inbox.letters[1].bytes, inbox.letters[1].id) = (form, of_view);
        }
        let verdict = pair.verdict().copies(10);
        assert_eq!(pair.there(), once(0..10), "{}", verdict.words());
        let heard = pair.source.state().heard.clone();
        let headers = heard.iter().filter(|line| line.contains("BODY.PEEK[HEADER]"));
        assert!(headers.clone().all(|line| !line.contains("1:10")), "{:?}", headers.collect::<Vec<_>>());
        pair.idle();
    }
}

#[test]
fn c12f_a_message_with_an_id_of_its_own_is_brought_though_one_like_it_lies_in_two_folders() {
    for capabilities in with_keys() {
        let pair = gmail(&capabilities);
        pair.workspace.options(|options| options.all_labels = true);
        {
            let mut state = pair.source.state();
            state.make("Second").add(letter(2));
            let view = state.at(ALL);
            view.add(letter(2));
            view.letters.last_mut().expect("just added").id = 77;
        }
        let verdict = pair.verdict().copies(12);
        let mut expected = once(0..10);
        expected.insert("number 2".into(), 3);
        assert_eq!(pair.there(), expected, "{}", verdict.words());
        pair.verdict().copies(0);
    }
}

#[test]
fn c12f_what_is_archived_while_a_pass_runs_is_not_brought_twice() {
    for capabilities in with_keys() {
        let pair = gmail(&capabilities);
        let moved = AtomicBool::new(false);
        pair.source.bend(move |heard| {
            if heard.folder == ALL && asks_for_keys(heard) {
                moved.store(true, Ordering::SeqCst);
            }
            match moved.load(Ordering::SeqCst) && heard.folder == "INBOX" {
                true if heard.line == "* 3 EXISTS" => Said::Instead("* 2 EXISTS".into()),
                true if heard.number("UID") == Some(1) => Said::Nothing,
                _ => Said::Kept,
            }
        });
        let verdict = pair.verdict().fine();
        assert_eq!(pair.there(), once(0..10), "{}", verdict.words());
        pair.source.straighten();
        pair.source.state().at("INBOX").remove(&[1]);
        pair.verdict().copies(0);
        assert_eq!(pair.there(), once(0..10));
    }
}

#[test]
fn c12f_where_ids_are_told_of_some_only_names_tell() {
    for (folder, number) in [(ALL, 8), ("INBOX", 2)] {
        for capabilities in with_keys() {
            let pair = gmail(&capabilities);
            pair.source.bend(move |heard| {
                match heard.folder == folder && asks_for_keys(heard) && heard.number("UID") == Some(number) {
                    true => Said::Nothing,
                    false => Said::Kept,
                }
            });
            let verdict = pair.verdict().copies(10);
            assert_eq!(pair.there(), once(0..10), "{}", verdict.words());
            pair.verdict().copies(0);
        }
    }
}
