//! Where folders are labels, a message is brought once, unless it is asked for under each of them; and never is it left out
//! because another folder merely may hold it.

use mailferry::domain::notice::NoticeKind;

use super::all_mail::{ALL, GMAIL, gmail};
use super::{Pair, once};
use crate::support::odd::{MODERN, letter};
use crate::support::relay::Said;

/// Message 0 lies in the inbox and under two labels, message 4 under two labels, and all of them in `\All`.
fn labelled(capabilities: &str) -> Pair {
    let pair = gmail(capabilities);
    {
        let mut state = pair.source.state();
        state.at("Label").add(letter(0));
        state.make("Second").add(letter(0));
        state.at("Second").add(letter(4));
    }
    pair
}

/// The destination folders that hold a message.
fn folders_of(pair: &Pair, number: u32) -> Vec<String> {
    let (state, subject) = (pair.destination.state(), format!("number {number}"));
    let holding = state.boxes.iter().filter(|one| one.subjects().contains(&subject));
    holding.map(|one| one.name.clone()).collect()
}

#[test]
fn a_message_with_several_labels_is_brought_once_and_said_so() {
    let pair = labelled(GMAIL);
    let verdict = pair.verdict().copies(10);
    assert_eq!(pair.there(), once(0..10), "{}", verdict.words());
    assert_eq!((folders_of(&pair, 0), folders_of(&pair, 4)), (vec!["Label".into()], vec!["Label".into()]));
    let notice = verdict.notices.iter().find(|notice| notice.kind == NoticeKind::OtherLabels).expect("it is said");
    assert_eq!(notice.messages, 3, "the inbox and twice the second label: {notice:?}");
    assert!(verdict.output.stderr.contains("3 messages shown under more than one label"), "{}", verdict.words());
    pair.verdict().copies(0);
    assert_eq!(pair.there(), once(0..10));
}

#[test]
fn labels_that_come_and_go_bring_nothing_twice_and_lose_nothing() {
    let pair = labelled(GMAIL);
    pair.verdict().copies(10);
    // It loses the label under which it is known, and keeps the others.
    pair.source.state().at("Label").remove(&[3]);
    pair.verdict().copies(0);
    // One that is known in the inbox gets a label that would have come first, and then leaves the inbox.
    pair.source.state().make("A label").add(letter(1));
    pair.verdict().copies(0);
    pair.source.state().at("INBOX").remove(&[2]);
    pair.verdict().copies(0);
    assert_eq!(pair.there(), once(0..10));
    // New mail with two labels.
    for folder in ["INBOX", "Second", ALL] {
        pair.source.state().at(folder).add(letter(50));
    }
    pair.verdict().copies(1);
    assert_eq!((pair.there(), folders_of(&pair, 50)), (once((0..10).chain([50])), vec!["Second".into()]));
    pair.verdict().copies(0);
}

#[test]
fn each_label_has_its_copy_where_that_is_asked_for_also_later() {
    let pair = labelled(GMAIL);
    pair.verdict().copies(10);
    pair.workspace.options(|options| options.all_labels = true);
    pair.verdict().copies(3);
    let mut expected = once(0..10);
    (*expected.entry("number 0".into()).or_default(), *expected.entry("number 4".into()).or_default()) = (3, 2);
    assert_eq!(pair.there(), expected);
    assert_eq!(folders_of(&pair, 0), ["INBOX", "Label", "Second"]);
    pair.verdict().copies(0);
}

#[test]
fn folders_of_servers_without_labels_are_folders() {
    for capabilities in [format!("{MODERN} OBJECTID"), MODERN.to_owned()] {
        let pair = labelled(&capabilities);
        let verdict = pair.verdict().copies(13);
        assert_eq!(folders_of(&pair, 0), ["INBOX", "Label", "Second"], "{}", verdict.words());
    }
}

#[test]
fn a_folder_that_is_left_out_or_does_not_tell_its_ids_is_nobodys_home() {
    // What the filter leaves out holds nothing for others.
    let pair = labelled(GMAIL);
    pair.workspace.options(|options| options.folder_filter = Some("^Label$".into()));
    let verdict = pair.verdict().fine();
    assert_eq!((folders_of(&pair, 0), folders_of(&pair, 4)), (vec!["Second".into()], vec!["Second".into()]));
    assert_eq!(pair.there()["number 0"], 1, "{}", verdict.words());

    // Where one id is not told, the folder is taken as it is: rather twice than not at all.
    let pair = labelled(GMAIL);
    pair.source.bend(|heard| {
        let ids = heard.verb == "UID FETCH" && heard.arguments.contains("X-GM-MSGID");
        if ids && heard.folder == "Label" && heard.number("UID") == Some(3) { Said::Nothing } else { Said::Kept }
    });
    let verdict = pair.verdict().fine();
    assert_eq!(folders_of(&pair, 0).len(), 2, "{}", verdict.words());
    for number in 0..10 {
        assert!(!folders_of(&pair, number).is_empty(), "number {number}");
    }
}

#[test]
fn a_message_that_cannot_be_brought_under_its_label_is_an_error_and_no_silence() {
    let pair = labelled(GMAIL);
    pair.destination.state().refuse = Some(std::sync::Arc::new(|messages: &[String]| {
        let refused = messages.iter().any(|message| message.contains("Subject: number 4\r"));
        refused.then(|| ("NO [CANNOT] not this one".to_owned(), Vec::new()))
    }));
    pair.verdict().wrong(&["number 4", "not this one"]);
    pair.destination.state().refuse = None;
    pair.verdict().copies(1);
    assert_eq!(pair.there(), once(0..10));
}
