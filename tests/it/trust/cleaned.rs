//! A message that the destination calls malformed is an error, or goes in its cleaned form where that is asked for: named, once,
//! and known again whatever breaks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mailferry::domain::failure::Cause;
use mailferry::domain::notice::NoticeKind;

use super::{Pair, once};
use crate::support::odd::{MODERN, letter};
use crate::support::relay::Said;

const MALFORMED: &str = "NO [PARSE] Message contains NUL characters";

/// Number 3 of the inbox holds NUL bytes, and the destination takes no such message.
fn malformed(capabilities: &str, cleans: bool) -> Pair {
    let pair = Pair::new(MODERN, capabilities);
    pair.source.fill("INBOX", 0..3);
    pair.source.state().at("INBOX").add(dirty());
    pair.source.fill("INBOX", 4..6);
    pair.destination.state().refuse = Some(Arc::new(|messages: &[String]| {
        messages.iter().any(|message| message.contains('\0')).then(|| (MALFORMED.to_owned(), Vec::new()))
    }));
    pair.workspace.options(|options| options.clean_malformed = cleans);
    pair
}

fn dirty() -> String {
    letter(3).replace("Body", "Bo\0dy\0")
}

fn cleaned(verdict: &super::Verdict) -> u64 {
    verdict.notices.iter().filter(|notice| notice.kind == NoticeKind::Cleaned).map(|notice| notice.messages).sum()
}

/// What the destination holds of it.
fn copies(pair: &Pair) -> Vec<String> {
    let mut state = pair.destination.state();
    state.at("INBOX").bodies().into_iter().filter(|bytes| bytes.contains("number 3\r")).map(str::to_owned).collect()
}

#[test]
fn a_malformed_message_is_an_error_unless_its_cleaned_form_is_asked_for() {
    let pair = malformed(MODERN, false);
    let verdict = pair.verdict().wrong(&["malformed", "NUL characters"]);
    assert_eq!((verdict.copied(), verdict.errors[0].failure.cause), (5, Cause::MessageMalformed));
    assert_eq!(copies(&pair), [] as [&str; 0]);
    // Asked for: what failed is brought by Retry Errors.
    pair.workspace.options(|options| options.clean_malformed = true);
    let retried = pair.workspace.run(&["start", "move", "--pass", "retry-errors"]).expect(0);
    assert!(retried.stderr.contains("1 message copied in a cleaned form"), "{retried:?}");
    assert_eq!(copies(&pair), [letter(3)]);
    assert_eq!(pair.there(), once(0..6));
}

#[test]
fn a_cleaned_form_is_named_sent_once_and_known_again_also_after_a_reset() {
    for capabilities in [MODERN.to_owned(), format!("{MODERN} MULTIAPPEND"), MODERN.replace("UIDPLUS ", "")] {
        let pair = malformed(&capabilities, true);
        let verdict = pair.verdict().copies(6);
        assert_eq!((cleaned(&verdict), copies(&pair)), (1, vec![letter(3)]), "{}", verdict.words());
        assert!(verdict.output.stderr.contains("1 message copied in a cleaned form"), "{}", verdict.words());
        assert_eq!(pair.there(), once(0..6));
        // New mail, and a flag on it: its copy is carried on like any other.
        pair.source.fill("INBOX", 10..12);
        pair.source.state().at("INBOX").flag(4, r"\Flagged");
        pair.verdict().copies(2);
        assert_eq!(copies(&pair), [letter(3)]);
        if capabilities.contains("UIDPLUS") {
            let mut state = pair.destination.state();
            let flagged = state.at("INBOX").letters.iter().filter(|letter| letter.flags.contains(r"\Flagged"));
            assert_eq!(flagged.map(|letter| letter.bytes.clone()).collect::<Vec<_>>(), [letter(3)]);
        }
        // Nothing is known of it any more, and nothing is sent again, whatever the option says now.
        pair.workspace.run(&["reset", "move", "--item", "ann@old.example", "--yes"]).expect(0);
        pair.workspace.options(|options| options.clean_malformed = false);
        let verdict = pair.verdict().copies(0);
        assert_eq!(verdict.item.messages("already_there"), 8, "{}", verdict.words());
        assert_eq!((cleaned(&verdict), copies(&pair)), (1, vec![letter(3)]), "{}", verdict.words());
    }
}

#[test]
fn a_cleaned_form_whose_answer_was_lost_is_found_and_not_sent_again() {
    for capabilities in [MODERN.to_owned(), MODERN.replace("UIDPLUS ", "")] {
        let pair = malformed(&capabilities, true);
        let (refused, cut) = (AtomicBool::new(false), AtomicBool::new(false));
        pair.destination.bend(move |heard| {
            if heard.verb != "APPEND" || heard.line.starts_with(['*', '+']) {
                return Said::Kept;
            }
            if heard.line.contains("NUL characters") {
                refused.store(true, Ordering::SeqCst);
            } else if refused.load(Ordering::SeqCst) && !cut.swap(true, Ordering::SeqCst) {
                return Said::Instead("* BYE gone".into());
            }
            Said::Kept
        });
        let verdict = pair.verdict().fine();
        assert_eq!(pair.there(), once(0..6), "{}", verdict.words());
        assert_eq!(copies(&pair), [letter(3)]);
        pair.destination.straighten();
        pair.verdict().copies(0);
    }
}

#[test]
fn what_cannot_be_cleaned_without_another_name_stays_an_error() {
    let pair = malformed(MODERN, true);
    // Nothing but the bytes behind its header says who it is.
    pair.source.state().at("INBOX").add("\r\nno header\0 at all\r\n");
    let verdict = pair.verdict().wrong(&["malformed"]);
    assert_eq!((verdict.copied(), verdict.errors.len(), cleaned(&verdict)), (6, 1, 1), "{}", verdict.words());
}
