//! STATUS is a hint: what it says too little of is copied all the same, and what it keeps silent about is found (C.5).

use std::sync::atomic::{AtomicU32, Ordering};

use super::{Pair, once};
use crate::support::dovecot::{self, Format};
use crate::support::odd::{MODERN, letter};
use crate::support::relay::{Act, At, Heard, Rules, Said, verb};
use crate::support::scene::Scene;

/// Twenty messages, then three more, then flags, with a source whose answers are bent like this.
fn lied_to(hide: &[&str], bend: impl Fn(&Heard<'_>) -> Said + Clone + Send + Sync + 'static) {
    let (source, destination) = (dovecot::shared(Format::Sdbox), dovecot::shared_twin(Format::Sdbox));
    let scene = Scene::between(source, destination, Rules::hiding(hide), Rules::hiding(hide));
    scene.source.bend(bend);
    scene.fill("INBOX", 0..20);
    scene.fill("Work", 50..60);
    scene.verdict().copies(30);
    scene.fill("INBOX", 20..23);
    let mut here = scene.here();
    here.select("INBOX");
    here.store("2,22", "+FLAGS", "\\Flagged");
    scene.verdict().copies(3);
    assert_eq!(scene.subjects_there(), once((0..23).chain(50..60)));
    assert_eq!(scene.flagged_there("INBOX", "\\Flagged"), ["number 1", "number 21"], "flags came with the new mail");
    here.delete("5");
    scene.fill("INBOX", 23..24);
    scene.verdict().copies(1);
    scene.verdict().copies(0);
    assert_eq!(scene.subjects_there(), once((0..24).chain(50..60)));
}

#[test]
fn c5_a_uidnext_that_is_too_low_hides_nothing() {
    if dovecot::available() {
        let status =
            |heard: &Heard<'_>| if heard.about("STATUS", "INBOX") { heard.with("UIDNEXT", 5) } else { Said::Kept };
        lied_to(&[], status);
        lied_to(&["CONDSTORE", "QRESYNC"], status);
        // Also when EXAMINE says so.
        let both = move |heard: &Heard<'_>| match heard.folder == "INBOX" && heard.line.contains("[UIDNEXT ") {
            true => heard.with("UIDNEXT", 5),
            false => status(heard),
        };
        lied_to(&[], both);
        lied_to(&["CONDSTORE", "QRESYNC", "UIDPLUS"], both);
    }
}

#[test]
fn c5_a_uidnext_that_is_always_too_low_keeps_no_message_for_a_later_pass_for_ever() {
    // Both drafts have one name, so that the later one may seem to have moved.
    let pair = Pair::new(MODERN, MODERN);
    for number in 0..4 {
        pair.source.state().at("INBOX").add(format!("Subject: number 1\r\n\r\ndraft {number}\r\n"));
    }
    pair.source.bend(|heard| heard.with("UIDNEXT", 3));
    pair.verdict();
    pair.verdict();
    pair.verdict().fine();
    assert_eq!(pair.there().get("number 1"), Some(&4));
}

#[test]
fn c5_a_uidnext_that_is_not_told_or_zero_hides_nothing() {
    if dovecot::available() {
        lied_to(&[], |heard| match heard.number("UIDNEXT") {
            Some(_) if heard.line.contains("[UIDNEXT") => Said::Nothing,
            Some(_) => heard.with("UIDNEXT", 0),
            None => Said::Kept,
        });
    }
}

#[test]
fn c5_a_count_of_zero_is_no_empty_folder() {
    if dovecot::available() {
        for hide in [&[][..], &["CONDSTORE", "QRESYNC"]] {
            lied_to(
                hide,
                |heard| if heard.line.starts_with("* STATUS ") { heard.with("MESSAGES", 0) } else { Said::Kept },
            );
        }
    }
}

#[test]
fn c5_a_count_that_is_too_low_or_too_high_hides_nothing() {
    if dovecot::available() {
        for count in [3, 21, 500] {
            lied_to(&[], move |heard| match heard.about("STATUS", "INBOX") {
                true => heard.with("MESSAGES", count),
                false => Said::Kept,
            });
        }
    }
}

#[test]
fn c5_a_highestmodseq_that_never_moves_hides_neither_mail_nor_flags() {
    if dovecot::available() {
        lied_to(&[], |heard| heard.with("HIGHESTMODSEQ", 7));
    }
}

#[test]
fn c5_a_highestmodseq_seen_not_to_move_is_not_trusted_again() {
    if !dovecot::available() {
        return;
    }
    let scene = Scene::new();
    scene.source.bend(|heard| heard.with("HIGHESTMODSEQ", 7));
    scene.fill("INBOX", 0..5);
    scene.fill("Work", 50..55);
    scene.verdict().copies(10);
    scene.fill("INBOX", 5..6);
    scene.verdict().copies(1);
    // It stood still while mail came: from now on flags are looked for, in every folder of this server.
    let mut here = scene.here();
    for folder in ["INBOX", "Work"] {
        here.select(folder);
        here.store("3", "+FLAGS", "\\Flagged");
    }
    scene.verdict().copies(0);
    assert_eq!(scene.flagged_there("INBOX", "\\Flagged"), ["number 2"]);
    assert_eq!(scene.flagged_there("Work", "\\Flagged"), ["number 52"]);
}

#[test]
fn c5_one_message_gone_and_another_come_under_an_equal_highestmodseq_is_news() {
    let pair = Pair::new(MODERN, MODERN);
    pair.source.fill("INBOX", 0..5);
    pair.verdict().copies(5);
    {
        let mut state = pair.source.state();
        let inbox = state.at("INBOX");
        let modseq = inbox.modseq;
        inbox.remove(&[2]);
        inbox.add(letter(5));
        inbox.modseq = modseq;
    }
    pair.verdict().copies(1);
    assert_eq!(pair.there(), once(0..6));
}

#[test]
fn c5_mail_that_arrives_during_a_pass_is_no_difference_and_comes_with_the_next() {
    if !dovecot::available() {
        return;
    }
    let scene = Scene::new();
    scene.fill("INBOX", 0..10);
    scene.fill("Work", 50..55);
    let hit = scene.source.plan(At::Command(verb("UID FETCH").with("BODY.PEEK[])")), Act::Hold);
    std::thread::scope(|threads| {
        let pass = threads.spawn(|| scene.verdict().fine());
        hit.wait();
        scene.fill("INBOX", 10..12);
        scene.fill("Work", 55..56);
        hit.go_on();
        drop(pass.join().expect("the pass"));
    });
    scene.source.forget_plans();
    scene.verdict().fine();
    assert_eq!(scene.subjects_there(), once((0..12).chain(50..56)));
    scene.idle_pass();
}

#[test]
fn c5_the_next_pass_does_not_call_a_folder_whole_of_which_less_was_listed_than_is_there() {
    // EXISTS of the EXAMINE goes on saying what is there; the list of messages ends where a wrong UIDNEXT says.
    let pair = Pair::new(MODERN, MODERN);
    pair.source.fill("INBOX", 0..12);
    pair.source.bend(|heard| match (heard.is("FETCH"), heard.number("UID")) {
        (true, Some(uid)) if uid > 8 => Said::Nothing,
        _ if heard.line.contains("UIDNEXT") => heard.with("UIDNEXT", 9),
        _ => Said::Kept,
    });
    pair.verdict().wrong(&["12", "8"]);
    assert_eq!(pair.there(), once(0..8));
    pair.verdict().wrong(&["12", "8"]);
    pair.source.straighten();
    pair.verdict().copies(4);
    assert_eq!(pair.there(), once(0..12));
    pair.idle();
}

#[test]
fn c5_copies_that_go_from_the_destination_while_a_pass_runs_are_missed() {
    // A destination that says yes, tells a number, and does not have the message afterwards.
    let pair = Pair::new(MODERN, MODERN);
    pair.source.fill("INBOX", 0..10);
    let hook: crate::support::odd::Receive = std::sync::Arc::new(|_, bytes| Some(bytes));
    pair.destination.state().receive = Some(hook);
    pair.verdict().copies(10);
    pair.source.fill("INBOX", 10..14);
    // Every number is told, two of the messages are forgotten at once.
    pair.destination.state().receive = Some(std::sync::Arc::new(|_, bytes| {
        let forgotten = bytes.contains("number 11") || bytes.contains("number 12");
        (!forgotten).then_some(bytes)
    }));
    pair.destination.bend(|heard| match heard.verb == "APPEND" && heard.line.ends_with("OK taken") {
        true if !heard.line.contains("APPENDUID") => {
            let tag = heard.line.split(' ').next().unwrap_or_default();
            Said::Instead(format!("{tag} OK [APPENDUID 1002 900] taken"))
        }
        _ => Said::Kept,
    });
    let verdict = pair.verdict();
    let there = pair.there();
    if there == once(0..14) {
        verdict.fine()
    } else {
        verdict.wrong(&[])
    };
}

#[test]
fn c5_a_uidnext_that_only_status_tells_too_low_makes_no_message_wait() {
    // Both folders hold the same, so that one of them may seem to have moved.
    for told in [0, 1, 3] {
        let pair = Pair::new(MODERN, MODERN);
        pair.source.fill("A", 0..6);
        pair.source.fill("B", 0..6);
        pair.source.bend(move |heard| match heard.line.starts_with("* STATUS") {
            true => heard.with("UIDNEXT", told),
            false => Said::Kept,
        });
        let verdict = pair.verdict().copies(12);
        assert_eq!(verdict.item.messages("arrived"), 0, "{}", verdict.words());
        for folder in ["A", "B"] {
            assert_eq!(pair.destination.subjects(folder).len(), 6, "{}", verdict.words());
        }
    }
}

#[test]
fn c5_messages_that_came_when_the_folder_was_listed_survive_a_break() {
    for (side, verb) in [("source", "UID FETCH"), ("destination", "APPEND")] {
        // Below the third they were there before; or the server never tells a truer number.
        for learns in [true, false] {
            let pair = Pair::new(MODERN, MODERN);
            pair.workspace.options(|options| options.search_duplicates = false);
            pair.source.fill("INBOX", 0..12);
            let (answers, opened) = (AtomicU32::new(0), AtomicU32::new(0));
            // The ninth message, or the answer to it, is the last thing that is heard.
            let cut = move |heard: &Heard<'_>| {
                let whole = heard.verb == verb && (verb == "APPEND" || heard.arguments.contains("BODY.PEEK[])"));
                whole && answers.fetch_add(1, Ordering::SeqCst) == 8
            };
            let low = move |heard: &Heard<'_>| {
                let opens = heard.verb == "EXAMINE" && heard.line.contains("UIDNEXT");
                let told = !learns || opened.fetch_add(u32::from(opens), Ordering::SeqCst) == 0;
                if told { heard.with("UIDNEXT", 3) } else { Said::Kept }
            };
            let bye = || Said::Instead("* BYE going down".into());
            if side == "source" {
                pair.source.bend(move |heard| if cut(heard) { bye() } else { low(heard) });
            } else {
                pair.source.bend(low);
                pair.destination.bend(move |heard| if cut(heard) { bye() } else { Said::Kept });
            }
            let verdict = pair.verdict().copies(12);
            assert_eq!(pair.there(), once(0..12), "{side}: {}", verdict.words());
            pair.verdict().copies(0);
            assert_eq!(pair.there(), once(0..12), "{side}");
        }
    }
}

#[test]
fn c5_a_message_that_came_when_the_folder_was_listed_and_is_not_handed_out_is_an_error() {
    let pair = Pair::new(MODERN, MODERN);
    pair.source.fill("INBOX", 0..6);
    let opened = AtomicU32::new(0);
    pair.source.bend(move |heard| {
        let opens = heard.verb == "EXAMINE" && heard.line.contains("UIDNEXT");
        match opened.fetch_add(u32::from(opens), Ordering::SeqCst) {
            _ if heard.arguments.contains("BODY.PEEK[])") && heard.number("UID") == Some(5) => Said::Nothing,
            0 => heard.with("UIDNEXT", 3),
            _ => Said::Kept,
        }
    });
    let verdict = pair.verdict().wrong(&["INBOX"]);
    assert_eq!(verdict.item.messages("vanished"), 0, "{}", verdict.words());
    assert_eq!(pair.there(), once((0..4).chain(5..6)), "{}", verdict.words());
    pair.source.straighten();
    pair.verdict().copies(1);
    assert_eq!(pair.there(), once(0..6));
}
