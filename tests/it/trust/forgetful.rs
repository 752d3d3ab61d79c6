//! A destination that says OK and keeps nothing, or something else, is found out (C.12 e).

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use mailferry::domain::notice::NoticeKind;

use super::{Pair, Verdict, once};
use crate::support::odd::{MODERN, letter};
use crate::support::relay::Said;

const PLAIN: &str = "LITERAL+ NAMESPACE";

/// A destination that says OK and keeps nothing of some messages.
fn forgetful(capabilities: &str, forgets: fn(&str) -> bool, held: u32) -> (Pair, Verdict) {
    let pair = Pair::new(MODERN, capabilities);
    for number in 0..held {
        pair.destination.state().at("INBOX").add(format!("Message-ID: <own{number}@x>\r\nSubject: own\r\n\r\nx\r\n"));
    }
    pair.source.fill("INBOX", 0..10);
    pair.destination.state().receive = Some(Arc::new(move |_, bytes| (!forgets(&bytes)).then_some(bytes)));
    let verdict = pair.verdict();
    (pair, verdict)
}

#[test]
fn c12e_an_append_that_kept_nothing_is_not_recorded_as_copied() {
    for capabilities in [MODERN, PLAIN] {
        for held in [0, 3] {
            let (pair, verdict) = forgetful(capabilities, |bytes| bytes.contains("number 4"), held);
            verdict.wrong(&[]);
            pair.destination.state().receive = None;
            pair.verdict().copies(1);
            let mut expected = once(0..10);
            if held > 0 {
                expected.insert("own".into(), held as usize);
            }
            assert_eq!(pair.there(), expected);
            pair.verdict().copies(0);
        }
    }
}

#[test]
fn c12e_nor_when_it_kept_nothing_of_all() {
    for capabilities in [MODERN, PLAIN] {
        let (pair, verdict) = forgetful(capabilities, |_| true, 0);
        verdict.wrong(&[]);
        pair.destination.state().receive = None;
        pair.verdict().copies(10);
        assert_eq!(pair.there(), once(0..10));
    }
}

#[test]
fn c12e_copies_of_this_pass_whose_folder_went_are_named() {
    for words in ["NO [NONEXISTENT] no such folder", "NO [NOPERM] not yours any more"] {
        let pair = Pair::new(MODERN, MODERN);
        pair.source.fill("INBOX", 0..3);
        pair.source.fill("Work", 3..8);
        let copied = AtomicU32::new(0);
        pair.destination.bend(move |heard| {
            let work = heard.arguments.contains("Work");
            if heard.verb == "APPEND" && work {
                copied.fetch_add(1, Ordering::SeqCst);
            }
            let gone = work && heard.verb != "APPEND" && copied.load(Ordering::SeqCst) == 5;
            match (gone, heard.line.starts_with('*')) {
                (true, true) => Said::Nothing,
                (true, false) => Said::Instead(format!("{} {words}", heard.line.split(' ').next().unwrap_or_default())),
                _ => Said::Kept,
            }
        });
        let verdict = pair.verdict().wrong(&["Work"]);
        assert!(verdict.notes(NoticeKind::MissingThere), "{}", verdict.words());
        assert_eq!(verdict.item.messages("differ"), 5, "{}", verdict.words());
        // An earlier pass's copies that went with their folder are their owner's doing.
        pair.verdict();
    }
}

#[test]
fn c12e_a_message_that_was_altered_beyond_recognition_is_known_by_its_id_or_its_body() {
    let changes: [fn(&str) -> String; 2] = [
        |bytes| bytes.replace("Sat, 1 Feb 2003 04:05:06", "Sun, 2 Feb 2003 04:05:06").replace("Body", "[gate] Body"),
        |bytes| bytes.replace("@example.org>", "@gate.example>"),
    ];
    for change in changes {
        let pair = Pair::new(MODERN, PLAIN);
        pair.source.fill("INBOX", 0..5);
        let altered = move |bytes: String| if bytes.contains("number 3") { change(&bytes) } else { bytes };
        pair.destination.state().receive = Some(Arc::new(move |_, bytes| Some(altered(bytes))));
        let verdict = pair.verdict().copies(5);
        assert!(verdict.notes(NoticeKind::Altered), "not named: {}", verdict.words());
        pair.source.fill("INBOX", 5..6);
        pair.verdict().copies(1);
        assert_eq!(pair.there(), once(0..6));
    }
}

#[test]
fn c12e_copies_that_were_altered_beyond_recognition_are_not_copied_again_although_their_numbers_were_told() {
    let pair = Pair::new(MODERN, MODERN);
    pair.source.fill("INBOX", 0..5);
    let altered = |_: &str, bytes: String| Some(bytes.replace("@example.org>", "@gate.example>"));
    pair.destination.state().receive = Some(Arc::new(altered));
    pair.verdict().copies(5);
    pair.source.fill("INBOX", 5..6);
    let verdict = pair.verdict().copies(1);
    assert!(verdict.notes(NoticeKind::Altered), "not named: {}", verdict.words());
    pair.source.fill("INBOX", 6..7);
    pair.verdict().copies(1);
    assert_eq!(pair.there(), once(0..7));
}

#[test]
fn c12e_nor_when_it_kept_another_message_instead() {
    // The same letter is kept again in place of the one that was sent.
    let (pair, verdict) = (Pair::new(MODERN, PLAIN), letter(0));
    pair.source.fill("INBOX", 0..5);
    pair.destination.state().receive =
        Some(Arc::new(move |_, bytes| Some(if bytes.contains("number 3") { verdict.clone() } else { bytes })));
    pair.verdict().wrong(&[]);
    pair.destination.state().receive = None;
    pair.verdict();
    assert_eq!(pair.there().get("number 3"), Some(&1));
}
