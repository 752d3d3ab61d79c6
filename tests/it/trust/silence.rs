//! Silence is no evidence: what a server does not hand out, or does not list is named (C.12 a–d).

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use super::{Pair, once};
use crate::support::dovecot::{self, Format};
use crate::support::imap::Message;
use crate::support::odd::MODERN;
use crate::support::relay::{Act, At, Heard, Rules, Said, verb};
use crate::support::scene::Scene;

const PLAIN: &str = "LITERAL+ NAMESPACE";

fn handed_out(hide: &[&str], there: u32, limit: u32, of: fn(&Heard<'_>) -> Option<u64>) {
    let (source, destination) = (dovecot::shared(Format::Sdbox), dovecot::shared_twin(Format::Sdbox));
    let scene = Scene::between(source, destination, Rules::hiding(hide), Rules::hiding(hide));
    scene.fill("INBOX", 0..there);
    scene.fill("Work", 1000..1003);
    scene.source.bend(move |heard| match (heard.is("FETCH") && heard.folder == "INBOX", of(heard)) {
        (true, Some(number)) if number > u64::from(limit) => Said::Nothing,
        _ => Said::Kept,
    });
    let figures = [there.to_string(), limit.to_string()];
    for pass in 0..2 {
        let verdict = scene.verdict().wrong(&[&figures[0], &figures[1]]);
        assert_eq!(scene.subjects_there(), once((0..limit).chain(1000..1003)), "pass {pass}: {}", verdict.words());
    }
    // No skip marker: it is looked into again, and comes to its end.
    scene.source.straighten();
    scene.verdict().copies(u64::from(there - limit));
    assert_eq!(scene.subjects_there(), once((0..there).chain(1000..1003)));
    if hide.is_empty() {
        scene.idle_pass();
    }
}

#[test]
fn c12a_a_server_that_tells_300_messages_and_hands_out_100_is_not_called_complete() {
    if dovecot::available() {
        handed_out(&[], 300, 100, |heard| heard.number("UID"));
        handed_out(&["CONDSTORE", "QRESYNC", "UIDPLUS", "LIST-STATUS"], 300, 100, |heard| heard.number("UID"));
    }
}

#[test]
fn c12a_nor_one_that_hands_out_nothing_where_the_owner_has_mail_already() {
    if !dovecot::available() {
        return;
    }
    for hide in [&[][..], &["UIDPLUS", "CONDSTORE", "QRESYNC", "MULTIAPPEND", "LITERAL+"]] {
        let (source, destination) = (dovecot::shared(Format::Sdbox), dovecot::shared_twin(Format::Sdbox));
        let scene = Scene::between(source, destination, Rules::hiding(hide), Rules::hiding(hide));
        scene.there().append("INBOX", &Message::plain("Subject: own\r\n\r\nmine\r\n"));
        scene.fill("INBOX", 0..3);
        scene.source.bend(|heard| if heard.is("FETCH") { Said::Nothing } else { Said::Kept });
        scene.verdict().wrong(&["3", "0"]);
        scene.source.straighten();
        scene.verdict().copies(3);
    }
}

#[test]
fn c12a_nor_one_that_leaves_out_a_single_message() {
    if dovecot::available() {
        handed_out(&[], 41, 40, |heard| heard.number("UID"));
        handed_out(&[], 1, 0, |heard| heard.number("UID"));
    }
}

#[test]
fn c12a_nor_one_that_leaves_messages_out_of_a_later_pass() {
    if !dovecot::available() {
        return;
    }
    let scene = Scene::new();
    scene.fill("INBOX", 0..30);
    scene.verdict().copies(30);
    scene.fill("INBOX", 30..40);
    scene.source.bend(|heard| match (heard.is("FETCH"), heard.number("UID")) {
        (true, Some(uid)) if (5..10).contains(&uid) || uid > 36 => Said::Nothing,
        _ => Said::Kept,
    });
    scene.verdict().wrong(&["40"]);
    assert_eq!(scene.subjects_there(), once(0..36));
    scene.source.straighten();
    scene.verdict().copies(4);
    // What was not listed once was not gone: its flags still are its own.
    let mut here = scene.here();
    here.select("INBOX");
    here.store("7", "+FLAGS", "\\Flagged");
    scene.verdict().copies(0);
    assert_eq!(scene.subjects_there(), once(0..40));
    assert_eq!(scene.flagged_there("INBOX", "\\Flagged"), ["number 6"]);
}

#[test]
fn c12a_what_is_left_out_once_only_is_asked_for_again_on_a_fresh_connection() {
    if !dovecot::available() {
        return;
    }
    let scene = Scene::new();
    scene.fill("INBOX", 0..20);
    let dropped = Mutex::new(0);
    scene.source.bend(move |heard| {
        let mut dropped = dropped.lock().expect("no panic");
        let lists = heard.is("FETCH") && !heard.arguments.contains("BODY");
        if lists && heard.number("UID") == Some(7) && *dropped == 0 {
            *dropped += 1;
            return Said::Nothing;
        }
        Said::Kept
    });
    scene.verdict().copies(20);
    assert_eq!(scene.subjects_there(), once(0..20));
    scene.idle_pass();
}

/// Ten messages, of which these are gone one after the other whenever the folder is listed: what EXAMINE says was true when
/// it was said.
fn busy(pair: &Pair, hidden: impl Fn(u32) -> bool + Send + Sync + 'static) {
    let listed = AtomicU32::new(0);
    pair.source.bend(move |heard| {
        let lists = heard.verb == "UID FETCH" && heard.folder == "INBOX" && !heard.arguments.contains("BODY");
        let gone = listed.load(Ordering::SeqCst);
        if lists && !heard.line.starts_with('*') && heard.arguments.starts_with("1:") {
            listed.fetch_add(1, Ordering::SeqCst);
        }
        let leaves = |uid: u32| uid <= gone + u32::from(lists);
        match heard.number("UID").filter(|_| heard.is("FETCH")).and_then(|uid| u32::try_from(uid).ok()) {
            Some(uid) if leaves(uid) || hidden(uid) => Said::Nothing,
            Some(_) => Said::Kept,
            None if heard.folder == "INBOX" && heard.is("EXISTS") => {
                let exists = heard.line.split(' ').nth(1).and_then(|count| count.parse::<u32>().ok()).unwrap_or(0);
                Said::Instead(format!("* {} EXISTS", exists - gone))
            }
            None => Said::Kept,
        }
    });
}

#[test]
fn c12a_a_mailbox_from_which_mail_goes_whenever_it_is_listed_is_no_incomplete_one() {
    let pair = Pair::new(MODERN, MODERN);
    pair.source.fill("INBOX", 0..2);
    pair.verdict().copies(2);
    pair.source.fill("INBOX", 2..10);
    busy(&pair, |_| false);
    let verdict = pair.verdict().copies(8);
    assert_eq!(pair.there(), once(0..10), "{}", verdict.words());
}

#[test]
fn c12a_but_one_that_hides_a_message_besides_is() {
    let pair = Pair::new(MODERN, MODERN);
    pair.source.fill("INBOX", 0..2);
    pair.verdict().copies(2);
    pair.source.fill("INBOX", 2..10);
    busy(&pair, |uid| uid == 7);
    let verdict = pair.verdict().wrong(&["lists"]);
    let incomplete = verdict.errors.iter().map(|error| error.messages).sum::<u64>();
    assert_eq!(incomplete, 1, "{}", verdict.words());
    pair.source.straighten();
    pair.verdict().copies(1);
    assert_eq!(pair.there(), once(0..10));
}

#[test]
fn c12a_what_is_listed_and_not_handed_out_is_named_beside_what_is_not_listed() {
    for listed in [10, 7] {
        let pair = Pair::new(MODERN, MODERN);
        pair.source.fill("INBOX", 0..10);
        // Five more are told than there are; three that are listed are not handed out.
        pair.source.bend(move |heard| {
            let told = |word| heard.number(word).map_or(Said::Kept, |count| heard.with(word, count + 5));
            match heard.number("UID").filter(|_| heard.is("FETCH")) {
                _ if heard.about("STATUS", "INBOX") => told("MESSAGES"),
                Some(uid) if heard.arguments.contains("BODY") && (uid < 4) => Said::Nothing,
                Some(uid) if uid > listed => Said::Nothing,
                _ if heard.folder == "INBOX" && heard.is("EXISTS") => Said::Instead("* 15 EXISTS".into()),
                _ => Said::Kept,
            }
        });
        for _ in 0..2 {
            let verdict = pair.verdict().wrong(&["15"]);
            let unread = verdict.errors.iter().filter(|error| error.source.is_some()).count();
            assert_eq!((unread, verdict.item.messages("vanished")), (3, 0), "{}", verdict.words());
            assert_eq!(verdict.item.messages("errors"), 3 + 15 - listed, "{}", verdict.words());
        }
    }
}

/// Ten messages whose third is told of in an unusable way: nine are copied, it has a name.
fn unusable(bend: impl Fn(&Heard<'_>) -> Said + Send + Sync + 'static) {
    let pair = Pair::new(MODERN, MODERN);
    pair.source.fill("INBOX", 0..10);
    pair.source.bend(bend);
    let verdict = pair.verdict();
    let whole = pair.there() == once(0..10);
    // A client may well find another way to it; else it says so.
    let verdict = if whole { verdict.fine() } else { verdict.wrong(&[]) };
    assert_eq!(pair.there().values().max(), Some(&1), "doubled: {}", verdict.words());
    if !whole {
        assert_eq!(pair.there().len(), 9, "{}", verdict.words());
    }
    pair.source.straighten();
    pair.verdict().fine();
    assert_eq!(pair.there(), once(0..10));
    pair.verdict().copies(0);
}

fn third(heard: &Heard<'_>) -> bool {
    heard.line.starts_with("* 3 FETCH ")
}

#[test]
fn c12b_an_answer_without_uid_loses_no_message() {
    unusable(|heard| if third(heard) { Said::Instead(heard.line.replacen("UID 3 ", "", 1)) } else { Said::Kept });
}

#[test]
fn c12b_an_answer_without_size_loses_no_message() {
    unusable(|heard| {
        let Some(size) = heard.number("RFC822.SIZE").filter(|_| third(heard)) else { return Said::Kept };
        Said::Instead(heard.line.replacen(&format!(" RFC822.SIZE {size}"), "", 1))
    });
}

#[test]
fn c12b_no_answer_has_a_size_and_no_message_is_lost() {
    let pair = Pair::new(MODERN, MODERN);
    pair.source.fill("INBOX", 0..10);
    pair.source.bend(|heard| match heard.number("RFC822.SIZE") {
        Some(size) => Said::Instead(heard.line.replacen(&format!(" RFC822.SIZE {size}"), "", 1)),
        None => Said::Kept,
    });
    let verdict = pair.verdict();
    if pair.there() == once(0..10) {
        verdict.fine()
    } else {
        verdict.wrong(&["10"])
    };
}

#[test]
fn c12b_a_uid_that_two_messages_have_loses_none() {
    unusable(|heard| if third(heard) { heard.with("UID", 2) } else { Said::Kept });
}

#[test]
fn c12b_a_uid_of_zero_loses_no_message() {
    unusable(|heard| if third(heard) { heard.with("UID", 0) } else { Said::Kept });
}

#[test]
fn c12b_a_uid_beyond_all_numbers_loses_no_message() {
    unusable(|heard| if third(heard) { heard.with("UID", 99_999_999_999) } else { Said::Kept });
}

#[test]
fn c12b_an_answer_after_the_tagged_ok_loses_no_message() {
    let late: Mutex<Option<String>> = Mutex::new(None);
    unusable(move |heard| {
        let mut late = late.lock().expect("no panic");
        if third(heard) {
            *late = Some(heard.line.to_owned());
            return Said::Nothing;
        }
        match late.take_if(|_| !heard.line.starts_with('*')) {
            Some(answer) => Said::Instead(format!("{}\r\n{answer}", heard.line)),
            None => Said::Kept,
        }
    });
}

#[test]
fn c12b_an_answer_in_two_parts_is_one() {
    // C.6 in small: what belongs to one message may come in pieces, wherever.
    let pair = Pair::new(MODERN, MODERN);
    pair.source.fill("INBOX", 0..6);
    pair.source.bend(|heard| {
        let (Some(uid), Some(date)) = (heard.number("UID"), heard.line.split("INTERNALDATE ").nth(1)) else {
            return Said::Kept;
        };
        let date: String = date.split('"').nth(1).unwrap_or_default().into();
        let rest = heard.line.replacen(&format!("INTERNALDATE \"{date}\" "), "", 1);
        Said::Instead(format!("{rest}\r\n* {uid} FETCH (UID {uid} INTERNALDATE \"{date}\")"))
    });
    pair.verdict().copies(6);
    let mut state = pair.destination.state();
    for letter in &state.at("INBOX").letters {
        assert_eq!(letter.date, "01-Feb-2003 04:05:06 +0530");
    }
}

#[test]
fn c12c_an_inbox_that_is_not_listed_is_copied() {
    for capabilities in [MODERN, PLAIN] {
        let pair = Pair::new(capabilities, MODERN);
        pair.source.fill("INBOX", 0..6);
        pair.source.fill("Work", 10..13);
        pair.source.bend(|heard| match heard.about("LIST", "INBOX") {
            true => Said::Nothing,
            false => Said::Kept,
        });
        pair.verdict().copies(9);
        assert_eq!(pair.there(), once((0..6).chain(10..13)));
        pair.verdict().copies(0);
        pair.source.fill("INBOX", 6..7);
        pair.verdict().copies(1);
    }
}

#[test]
fn c12c_a_server_that_lists_no_folder_is_no_empty_mailbox() {
    // Neither list nor inbox.
    for capabilities in [MODERN, PLAIN] {
        let pair = Pair::new(capabilities, MODERN);
        pair.source.fill("INBOX", 0..6);
        pair.source.fill("Work", 10..13);
        pair.source.bend(|heard| match heard.verb {
            "LIST" if heard.line.starts_with('*') => Said::Nothing,
            "EXAMINE" | "SELECT" | "STATUS" if heard.line.starts_with('*') => Said::Nothing,
            "EXAMINE" | "SELECT" | "STATUS" => {
                Said::Instead(format!("{} NO what folder?", heard.line.split(' ').next().unwrap_or_default()))
            }
            _ => Said::Kept,
        });
        pair.verdict().wrong(&[]);
        pair.source.straighten();
        pair.verdict().copies(9);
    }
}

#[test]
fn c12c_an_empty_list_after_a_good_pass_makes_nothing_forgotten() {
    let pair = Pair::new(MODERN, MODERN);
    pair.source.fill("INBOX", 0..6);
    pair.source.fill("Work", 10..13);
    pair.verdict().copies(9);
    pair.source.bend(|heard| match heard.verb {
        "LIST" | "LSUB" if heard.line.starts_with('*') => Said::Nothing,
        _ => Said::Kept,
    });
    pair.source.fill("INBOX", 6..7);
    pair.verdict();
    pair.source.straighten();
    pair.source.fill("Work", 13..14);
    pair.verdict().fine();
    assert_eq!(pair.there(), once((0..7).chain(10..14)));
    pair.idle();
}

/// A source folder that cannot be opened.
fn shut(scene: &Scene, folder: &str) {
    let with = format!("\"{folder}\"");
    for verb_ in ["EXAMINE", "SELECT", "STATUS"] {
        let refusal = Act::Answer("NO [NOPERM] not yours".into());
        scene.source.plan(At::Command(verb(verb_).with(&with).every()), refusal);
    }
}

#[test]
fn c12d_a_folder_that_cannot_be_opened_and_whose_count_is_unknown_is_an_error() {
    if !dovecot::available() {
        return;
    }
    for hide in [&[][..], &["LIST-STATUS", "LIST-EXTENDED"]] {
        let (source, destination) = (dovecot::shared(Format::Sdbox), dovecot::shared_twin(Format::Sdbox));
        let scene = Scene::between(source, destination, Rules::hiding(hide), Rules::default());
        scene.fill("INBOX", 0..4);
        scene.fill("Locked", 10..17);
        shut(&scene, "Locked");
        scene.source.bend(|heard| if heard.about("STATUS", "Locked") { Said::Nothing } else { Said::Kept });
        for _ in 0..2 {
            let verdict = scene.verdict().wrong(&["Locked"]);
            assert!(verdict.item.messages("errors") >= 1, "{}", verdict.words());
            assert_eq!(scene.subjects_there(), once(0..4));
        }
        scene.source.forget_plans();
        scene.source.straighten();
        scene.verdict().copies(7);
        scene.assert_equal();
        scene.idle_pass();
    }
}

#[test]
fn c12d_nor_is_one_that_says_it_is_empty_and_cannot_be_opened() {
    if !dovecot::available() {
        return;
    }
    let scene = Scene::new();
    scene.fill("INBOX", 0..4);
    scene.fill("Locked", 10..17);
    scene.pass();
    scene.fill("Locked", 17..19);
    shut(&scene, "Locked");
    scene.source.bend(|heard| match heard.about("STATUS", "Locked") {
        true => heard.with("MESSAGES", 0),
        false => Said::Kept,
    });
    let verdict = scene.verdict().wrong(&["Locked"]);
    assert!(verdict.item.messages("errors") >= 1, "{}", verdict.words());
    scene.source.forget_plans();
    scene.source.straighten();
    scene.verdict().copies(2);
    scene.assert_equal();
}
