//! J.3: one folder that breaks the connection is left out, in every phase; all others are moved.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use mailferry::domain::item_error::ItemError;

use super::Inside;
use crate::support::bench::runtime;
use crate::support::odd::{MODERN, Odd};
use crate::support::relay::Said;

const DOWN: &str = "* BYE went down";
const BAD: &str = "Bad";

/// Where the connection breaks.
#[derive(Clone, Copy)]
struct Break {
    at_source: bool,
    verb: &'static str,
    /// What is asked for.
    asked: &'static str,
}

const fn at_source(verb: &'static str, asked: &'static str) -> Break {
    Break { at_source: true, verb, asked }
}

const fn at_destination(verb: &'static str, asked: &'static str) -> Break {
    Break { at_source: false, verb, asked }
}

impl Break {
    fn side(self, inside: &Inside) -> &Odd {
        if self.at_source { &inside.source } else { &inside.destination }
    }

    /// From now on it breaks at this command about the folder Bad, which is not done where it names the folder; counts how often.
    fn begins(self, inside: &Inside) -> Arc<AtomicU32> {
        let met: Arc<AtomicU32> = Arc::default();
        let count = Arc::clone(&met);
        self.side(inside).deny(move |verb, arguments| {
            (verb == self.verb && arguments.contains("\"Bad\"")).then(|| "NO going down".to_owned())
        });
        self.side(inside).bend(move |heard| {
            let named = heard.arguments.contains("\"Bad\"") || (heard.verb.starts_with("UID ") && heard.folder == BAD);
            match named && heard.verb == self.verb && heard.arguments.contains(self.asked) {
                true => {
                    count.fetch_add(1, Ordering::SeqCst);
                    Said::Instead(DOWN.to_owned())
                }
                false => Said::Kept,
            }
        });
        met
    }

    /// It works again.
    fn ends(self, inside: &Inside) {
        let side = self.side(inside);
        side.straighten();
        side.state().deny = None;
    }

    fn told(self) -> String {
        format!("{} {} at the {}", self.verb, self.asked, if self.at_source { "source" } else { "destination" })
    }
}

async fn filled(capabilities: &str) -> Inside {
    let inside = Inside::new(capabilities).await;
    inside.source.fill(BAD, 30..33);
    inside.source.fill("Zoo", 40..42);
    inside.source.state().at(BAD).attributes = "\\Subscribed".into();
    inside
}

/// A first pass in which it breaks there; `errors`: what is in Bad stays behind.
fn breaks(capabilities: &str, at: Break, errors: bool) {
    runtime().block_on(async {
        let (inside, told) = (filled(capabilities).await, format!("{capabilities}: {}", at.told()));
        if at.verb == "STATUS" {
            inside.destination.state().make(BAD);
        }
        let met = at.begins(&inside);
        let (counts, ran) = inside.pass(&told).await;
        assert!(met.load(Ordering::SeqCst) > 0, "{told}: nobody asked");
        for folder in ["INBOX", "Work", "Zoo"] {
            inside.is_copied(folder, &told);
        }
        assert_eq!(counts.errors > 0, errors, "{told}: {ran:?}");
        if !errors {
            inside.is_copied(BAD, &told);
        }
        at.ends(&inside);
        let (counts, _) = inside.pass(&told).await;
        assert_eq!((counts.errors, counts.differ), (0, 0), "{told}");
        inside.is_copied(BAD, &told);
    });
}

/// A later pass, with new mail and changed flags in every folder, in which it breaks there: it is named, and all that is in other
/// folders arrives.
fn breaks_later(capabilities: &str, at: Break) {
    runtime().block_on(async {
        let (inside, told) = (filled(capabilities).await, format!("{capabilities}, later: {}", at.told()));
        inside.pass(&told).await;
        for (number, folder) in ["INBOX", "Work", BAD, "Zoo"].into_iter().enumerate() {
            let number = 100 + 10 * u32::try_from(number).expect("small");
            inside.source.fill(folder, number..number + 2);
            inside.source.state().at(folder).flag(2, "\\Flagged");
        }
        let met = at.begins(&inside);
        let (counts, ran) = inside.pass(&told).await;
        assert!(met.load(Ordering::SeqCst) > 0, "{told}: nobody asked");
        for folder in ["INBOX", "Work", "Zoo"] {
            inside.is_copied(folder, &told);
        }
        assert!(counts.errors + counts.differ > 0, "{told}: {ran:?}");
        at.ends(&inside);
        let (counts, _) = inside.pass(&told).await;
        assert_eq!((counts.errors, counts.differ), (0, 0), "{told}");
        inside.is_copied(BAD, &told);
        let mut there = inside.destination.state();
        assert!(there.at(BAD).letters.iter().any(|letter| letter.flags.contains("\\Flagged")), "{told}");
    });
}

#[test]
fn p3_states_of_folders_are_done_without() {
    breaks("LITERAL+ UIDPLUS", at_source("STATUS", ""), false);
    breaks("LITERAL+ UIDPLUS", at_destination("STATUS", ""), false);
}

#[test]
fn p3_a_folder_that_breaks_while_it_is_opened_is_an_error() {
    breaks(MODERN, at_source("EXAMINE", ""), true);
    breaks(MODERN, at_destination("SELECT", ""), true);
}

#[test]
fn p3_a_folder_that_breaks_while_it_is_created_is_an_error() {
    breaks(MODERN, at_destination("CREATE", ""), true);
    breaks(MODERN, at_destination("SUBSCRIBE", ""), false);
}

#[test]
fn p3_a_folder_that_breaks_while_its_messages_are_read_or_written_is_an_error() {
    breaks(MODERN, at_source("UID FETCH", "BODY.PEEK[]"), true);
    breaks("LITERAL+ UIDPLUS", at_source("UID FETCH", ""), true);
    breaks(MODERN, at_destination("APPEND", ""), true);
    breaks("UIDPLUS LITERAL+ MULTIAPPEND", at_destination("APPEND", ""), true);
}

#[test]
fn p3_a_folder_that_breaks_in_a_later_pass_keeps_no_other_back() {
    for at in [
        at_source("UID FETCH", "FLAGS RFC822.SIZE"),
        at_source("EXAMINE", ""),
        at_destination("UID FETCH", ""),
        at_destination("UID STORE", ""),
        at_destination("SELECT", ""),
    ] {
        breaks_later(MODERN, at);
    }
    // Where copies are looked for by what they are.
    breaks_later("LITERAL+", at_destination("UID FETCH", ""));
}

#[test]
fn p3_a_list_with_states_that_breaks_is_asked_for_without() {
    runtime().block_on(async {
        let inside = Inside::new(MODERN).await;
        inside.source.bend(|heard| match heard.verb == "LIST" && heard.arguments.contains("STATUS") {
            true => Said::Instead(DOWN.to_owned()),
            false => Said::Kept,
        });
        inside.moves_all("LIST with STATUS").await;
    });
}

#[test]
fn p3_of_a_list_that_breaks_in_every_form_what_was_told_is_moved_and_the_rest_is_an_error() {
    for (capabilities, subscribed) in [(MODERN, false), (MODERN, true), ("LITERAL+ UIDPLUS", true)] {
        runtime().block_on(async {
            let (inside, told) = (filled(capabilities).await, format!("{capabilities}, {subscribed}"));
            inside.source.bend(move |heard| match heard.verb {
                "LIST" if heard.arguments.contains('*') && heard.line.contains("\"Bad\"") => {
                    Said::Instead(DOWN.to_owned())
                }
                "LSUB" if heard.line.starts_with('A') && subscribed => {
                    Said::Instead(format!("* LSUB () \"/\" \"Zoo\"\r\n{}", heard.line))
                }
                _ => Said::Kept,
            });
            for copied in [if subscribed { 10 } else { 8 }, 0] {
                let (counts, ran) = inside.pass(&told).await;
                assert_eq!((counts.copied, counts.errors), (copied, 1), "{told}");
                let errors = inside.bench.errors(&ran).await;
                assert_eq!(errors, [(String::new(), None, "ConnectionLost".to_owned())], "{told}");
                inside.is_copied("INBOX", &told);
                inside.is_copied("Work", &told);
            }
            // What was not listed is not taken for gone.
            inside.source.straighten();
            let (counts, _) = inside.pass(&told).await;
            assert_eq!((counts.copied, counts.errors), (if subscribed { 3 } else { 5 }, 0), "{told}");
            ["INBOX", "Work", BAD, "Zoo"].iter().for_each(|folder| inside.is_copied(folder, &told));
        });
    }
}

/// A Verify at the command line: its exit code, status and errors.
fn verified(pair: &super::Odds) -> (i32, String, Vec<String>) {
    let output = pair.workspace.run(&["start", "move", "--pass", "verify"]);
    let item = pair.workspace.only();
    let errors = pair.workspace.errors().into_iter();
    let named = errors
        .map(|error| format!("{:?} {:?} {}", error.failure.cause, error.folder.map(|f| f.to_string()), error.messages));
    (output.code, item.status().to_owned(), named.collect())
}

#[test]
fn p3_verify_names_a_list_that_broke_off_and_folders_that_do_not_open() {
    for capabilities in [MODERN, "LITERAL+ UIDPLUS"] {
        let odds = super::Odds::new(capabilities);
        odds.source.fill("Bad", 50..53);
        assert_eq!(verified(&odds), (0, "completed".to_owned(), vec![]), "{capabilities}");
        odds.source.bend(|heard| match heard.verb {
            "LIST" if heard.arguments.contains('*') && heard.line.contains("\"Bad\"") => Said::Instead(DOWN.to_owned()),
            _ => Said::Kept,
        });
        let (code, status, named) = verified(&odds);
        assert_eq!((code, status.as_str(), named.len()), (1, "completed", 1), "{capabilities}: {named:?}");
        assert!(named[0].starts_with("ConnectionLost None"), "{named:?}");
        odds.source.straighten();
        odds.source.deny(|verb, arguments| {
            let bad = ["SELECT", "EXAMINE"].contains(&verb) && arguments.contains("Bad");
            bad.then(|| "NO locked by another process".to_owned())
        });
        let (code, status, named) = verified(&odds);
        let expected = vec!["FolderRefused Some(\"Bad\") 3".to_owned()];
        assert_eq!((code, status.as_str(), named), (1, "completed", expected), "{capabilities}");
    }
}

#[test]
fn d31_retry_errors_brings_what_lies_in_a_folder_that_did_not_open_or_was_not_listed() {
    for listed in [true, false] {
        let odds = super::Odds::modern();
        odds.source.fill("Bad", 50..53);
        let copied = match listed {
            true => {
                odds.source.deny(|verb, arguments| {
                    let bad = ["SELECT", "EXAMINE"].contains(&verb) && arguments.contains("Bad");
                    bad.then(|| "NO locked by another process".to_owned())
                });
                8
            }
            false => {
                odds.source.bend(|heard| match heard.verb {
                    "LIST" if heard.arguments.contains('*') && heard.line.contains("\"Bad\"") => {
                        Said::Instead(DOWN.to_owned())
                    }
                    _ => Said::Kept,
                });
                8
            }
        };
        // Verify copies nothing, so there is nothing to try again after it.
        assert_eq!(verified(&odds).0, 1);
        let retry = ["start", "move", "--pass", "retry-errors"];
        odds.workspace.run(&retry).expect(1);
        let (_, item) = odds.start(1);
        assert_eq!(item.messages("copied"), copied, "listed: {listed}");
        odds.source.straighten();
        odds.source.state().deny = None;
        odds.workspace.run(&retry).expect(0);
        let item = odds.workspace.only();
        assert_eq!((item.messages("copied"), item.messages("errors")), (3, 0), "listed: {listed}: {:#}", item.0);
        odds.is_copied("Bad", "tried again");
    }
}

/// A destination that refuses flagged messages as too big and answered ones for a virus, after a pass that met both.
fn with_two_refusals() -> super::Odds {
    let odds = super::Odds::modern();
    {
        let mut state = odds.source.state();
        state.at("INBOX").flag(2, r"\Flagged");
        state.at("INBOX").flag(4, r"\Answered");
        state.at("Work").flag(2, r"\Answered");
    }
    odds.destination.deny(|verb, arguments| {
        let refused = |flag: &str| verb == "APPEND" && arguments.contains(flag);
        match () {
            () if refused("Flagged") => Some("NO [TOOBIG] no".to_owned()),
            () if refused("Answered") => Some("NO contains a virus".to_owned()),
            () => None,
        }
    });
    let (_, item) = odds.start(1);
    assert_eq!((item.messages("copied"), item.messages("errors")), (5, 3));
    odds
}

#[test]
fn d31_retry_errors_of_one_cause_leaves_the_others_as_they_are() {
    let odds = with_two_refusals();
    let named = |odds: &super::Odds| {
        let errors = odds.workspace.errors().into_iter();
        let words = |error: ItemError| format!("{:?} {:?}", error.failure.cause, error.source.map(|uid| uid.0));
        errors.map(words).collect::<BTreeSet<_>>()
    };
    let before = named(&odds);
    let said = odds.workspace.run(&["errors", "move"]).expect(0).stdout;
    assert!(said.contains("too-big") && said.contains("message-refused"), "{said}");
    odds.destination.state().deny = None;
    let retry = ["start", "move", "--pass", "retry-errors", "--only", "too-big"];
    odds.workspace.run(&retry).expect(1);
    let item = odds.workspace.only();
    assert_eq!((item.messages("copied"), item.messages("errors")), (1, 2), "{:#}", item.0);
    let left: BTreeSet<String> = before.into_iter().filter(|error| !error.starts_with("TooBig")).collect();
    assert_eq!(named(&odds), left, "with their own reasons");
    assert_eq!(odds.destination.subjects("Work").len(), 2, "a virus was not sent again");
    // Of what is left nothing is too big.
    let said = odds.workspace.run(&retry).expect(2).stderr;
    assert!(said.contains("no error has the cause too-big; there are: message-refused"), "{said}");
    odds.workspace.run(&["start", "move", "--only", "message-refused"]).expect(2);
    assert_eq!(named(&odds), left);
    odds.workspace.run(&["start", "move", "--pass", "retry-errors", "--only", "no-such-cause"]).expect(2);
    odds.workspace.run(&["start", "move", "--pass", "retry-errors"]).expect(0);
    assert_eq!(odds.workspace.only().messages("copied"), 2);
    ["INBOX", "Work"].iter().for_each(|folder| {
        let sorted = |odd: &crate::support::odd::Odd| {
            let mut all = odd.subjects(folder);
            all.sort();
            all
        };
        assert_eq!(sorted(&odds.destination), sorted(&odds.source), "{folder}");
    });
}

#[test]
fn d31_retry_errors_brings_a_message_that_has_another_number_or_folder_by_then() {
    for renamed in [false, true] {
        let odds = with_two_refusals();
        odds.destination.state().deny = None;
        {
            let mut state = odds.source.state();
            for folder in ["INBOX", "Work"] {
                match renamed {
                    true if folder == "Work" => state.at(folder).name = "Elsewhere".into(),
                    true => {}
                    false => {
                        let folder = state.at(folder);
                        folder.validity += 1000;
                        folder.letters.iter_mut().for_each(|letter| letter.uid += 50);
                        folder.next += 50;
                    }
                }
            }
        }
        odds.workspace.run(&["start", "move", "--pass", "retry-errors"]).expect(0);
        let all = |odd: &crate::support::odd::Odd| {
            let mut all: Vec<String> =
                ["INBOX", "Work", "Elsewhere"].iter().flat_map(|folder| odd.subjects(folder)).collect();
            all.sort();
            all
        };
        assert_eq!(all(&odds.destination), all(&odds.source), "renamed: {renamed}");
    }
}
