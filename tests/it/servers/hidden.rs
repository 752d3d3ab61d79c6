//! C, J.1: a destination that does not show all that it holds. What was sent there and does not show is no message to be sent again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mailferry::domain::failure::Cause;
use mailferry::domain::notice::NoticeKind;
use mailferry::pass::PassEnd;

use super::Inside;
use crate::support::bench::{Ran, runtime};
use crate::support::odd::MODERN;
use crate::support::relay::{Heard, Said};

/// Tells no numbers of what it takes in.
const PLAIN: &str = "NAMESPACE";

/// Whether an answer is about the message at this place.
fn at(heard: &Heard<'_>, place: u32) -> bool {
    heard.folder == "INBOX" && heard.line.starts_with(&format!("* {place} FETCH"))
}

/// The answer without what is behind these words.
fn cut(heard: &Heard<'_>, words: &[&str]) -> Said {
    let found = words.iter().find_map(|word| heard.line.split_once(word).map(|(before, _)| (before, word)));
    found.map_or(Said::Kept, |(before, word)| Said::Instead(format!("{before}{word} NIL)")))
}

type Hides = fn(&Heard<'_>) -> Said;

/// How the message at the third place is hidden.
const KINDS: [(&str, Hides); 6] = [
    ("not listed", |heard| if at(heard, 3) { Said::Nothing } else { Said::Kept }),
    ("without number", |heard| match at(heard, 3) {
        true => Said::Instead(heard.line.replace("UID 3", "UID NIL")),
        false => Said::Kept,
    }),
    ("a number that cannot be", |heard| match at(heard, 3) {
        true => Said::Instead(heard.line.replace("UID 3", "UID 99999999999999999999999")),
        false => Said::Kept,
    }),
    ("neither header nor text", |heard| match at(heard, 3) {
        true => cut(heard, &["BODY[HEADER]", "BODY[]", "RFC822.HEADER"]),
        false => Said::Kept,
    }),
    ("no text and no size", |heard| match at(heard, 3) {
        true if heard.line.contains("BODY[]") => cut(heard, &["BODY[]"]),
        true => heard.with("RFC822.SIZE", 0),
        false => Said::Kept,
    }),
    ("an empty header, an empty text", |heard| match at(heard, 3) {
        true => match ["BODY[HEADER]", "BODY[]", "RFC822.HEADER"].iter().find_map(|word| heard.line.split_once(word)) {
            Some((before, _)) => Said::Instead(format!("{before}BODY[] \"\")")),
            None => Said::Kept,
        },
        false => Said::Kept,
    }),
];

/// It hides the third message so many times.
fn hide(inside: &Inside, hides: Hides, times: usize) {
    let told = Arc::new(AtomicUsize::new(0));
    inside.destination.bend(move |heard| match hides(heard) {
        Said::Kept => Said::Kept,
        _ if told.fetch_add(1, Ordering::SeqCst) >= times => Said::Kept,
        hidden => hidden,
    });
}

async fn causes(inside: &Inside, ran: &Ran) -> Vec<String> {
    inside.bench.errors(ran).await.into_iter().map(|(_, _, cause)| cause).collect()
}

/// From now on everything is told: it all comes together, nothing twice.
async fn comes_together(inside: &Inside, kind: &str) {
    inside.destination.straighten();
    for _ in 0..2 {
        let (counts, ran) = inside.pass(kind).await;
        assert_eq!((counts.errors, counts.differ), (0, 0), "{kind}: {ran:?}");
        inside.is_copied("INBOX", kind);
        inside.is_copied("Work", kind);
    }
}

#[test]
fn c_a_copy_that_does_not_show_at_once_is_looked_for_once_more() {
    for (kind, hides) in KINDS {
        runtime().block_on(async {
            let inside = Inside::new(PLAIN).await;
            hide(&inside, hides, 2);
            let (counts, ran) = inside.pass(kind).await;
            assert_eq!((counts.copied, counts.errors, counts.differ), (8, 0, 0), "{kind}: {ran:?}");
            comes_together(&inside, kind).await;
        });
    }
}

#[test]
fn c_a_copy_that_never_shows_is_an_error_and_not_sent_again() {
    for (kind, hides) in KINDS {
        runtime().block_on(async {
            let inside = Inside::new(PLAIN).await;
            hide(&inside, hides, usize::MAX);
            for pass in 0..2 {
                let (counts, ran) = inside.pass(kind).await;
                assert!(counts.errors + counts.differ >= 1, "{kind}, pass {pass}: {ran:?}");
                if pass == 0 {
                    assert_eq!(causes(&inside, &ran).await, [format!("{:?}", Cause::NotShown)], "{kind}");
                    inside.is_copied("INBOX", kind);
                }
            }
            inside.destination.straighten();
            // Where it did not even say how many it lists, the second pass brought it and said so.
            let twice = inside.destination.subjects("INBOX").len() - 5;
            assert_eq!(
                twice,
                usize::from(matches!(kind, "not listed" | "without number" | "a number that cannot be")),
                "{kind}"
            );
        });
    }
}

#[test]
fn c_a_copy_that_did_not_show_is_found_by_the_next_pass() {
    for (kind, hides) in KINDS {
        runtime().block_on(async {
            let inside = Inside::new(PLAIN).await;
            hide(&inside, hides, usize::MAX);
            let (counts, ran) = inside.pass(kind).await;
            assert_eq!((counts.errors, causes(&inside, &ran).await.len()), (1, 1), "{kind}: {ran:?}");
            comes_together(&inside, kind).await;
        });
    }
}

#[test]
fn c_what_was_on_its_way_when_a_connection_broke_is_not_sent_again_because_it_does_not_show() {
    for (kind, hides) in KINDS {
        for capabilities in [PLAIN, MODERN] {
            runtime().block_on(async {
                let inside = Inside::new(capabilities).await;
                let (broke, told) = (AtomicUsize::new(0), AtomicUsize::new(0));
                inside.destination.bend(move |heard| {
                    let end = heard.verb == "APPEND" && !heard.line.starts_with(['*', '+']);
                    if end && heard.folder != "Work" && broke.fetch_add(1, Ordering::SeqCst) == 2 {
                        return Said::Instead("* BYE the third is stored".into());
                    }
                    match hides(heard) {
                        Said::Kept => Said::Kept,
                        _ if told.fetch_add(1, Ordering::SeqCst) >= 3 => Said::Kept,
                        hidden => hidden,
                    }
                });
                let (counts, ran) = inside.pass(kind).await;
                assert_eq!((counts.copied, counts.errors, counts.differ), (8, 0, 0), "{kind}, {capabilities}: {ran:?}");
                comes_together(&inside, kind).await;
            });
        }
    }
}

#[test]
fn c_one_of_a_crash_that_is_never_handed_out_holds_back_its_like_and_nothing_else() {
    runtime().block_on(async {
        let inside = Inside::new(PLAIN).await;
        // Of another size than all others.
        inside
            .source
            .state()
            .at("INBOX")
            .add(format!("Message-ID: <large@x>\r\nSubject: large\r\n\r\n{}\r\n", "x".repeat(90_000)));
        let broke = AtomicUsize::new(0);
        inside.destination.bend(move |heard| {
            let end = heard.verb == "APPEND" && !heard.line.starts_with(['*', '+']);
            if end && broke.fetch_add(1, Ordering::SeqCst) == 2 {
                return Said::Instead("* BYE the third is stored".into());
            }
            KINDS[3].1(heard)
        });
        let (counts, ran) = inside.pass("a crash").await;
        assert!(causes(&inside, &ran).await.iter().all(|cause| cause == "NotShown"), "{ran:?}");
        assert_eq!(inside.destination.subjects("INBOX").iter().filter(|subject| *subject == "large").count(), 1);
        assert!(counts.errors >= 1 && counts.copied >= 5, "{counts:?}");
        comes_together_in_any_order(&inside).await;
    });
}

async fn comes_together_in_any_order(inside: &Inside) {
    inside.destination.straighten();
    let (counts, ran) = inside.pass("straight").await;
    assert_eq!((counts.errors, counts.differ), (0, 0), "{ran:?}");
    let [mut here, mut there] = [&inside.source, &inside.destination].map(|server| server.subjects("INBOX"));
    here.sort_unstable();
    there.sort_unstable();
    assert_eq!(here, there);
}

#[test]
fn c_what_lies_there_from_elsewhere_and_is_not_handed_out_may_be_there_twice_and_is_named() {
    for (kind, hides) in KINDS {
        runtime().block_on(async {
            let mut inside = Inside::new(PLAIN).await;
            inside.bench.options.search_duplicates = true;
            inside.destination.fill("INBOX", 0..5);
            hide(&inside, hides, usize::MAX);
            let (_, ran) = inside.pass(kind).await;
            let notices = inside.bench.notices(&ran).await;
            let named: u64 =
                notices.iter().filter(|one| one.kind == NoticeKind::MaybeTwice).map(|one| one.messages).sum();
            let twice = inside.destination.subjects("INBOX").len() - 5;
            assert!(named >= twice as u64, "{kind}: {twice} twice, {notices:?}, {ran:?}");
            assert!(twice <= 1, "{kind}: {twice}");
            let PassEnd::Completed { differ, .. } = ran.end else { panic!("{ran:?}") };
            assert!(twice == 0 || differ > 0, "{kind}: {ran:?}");
            // Asked once only, it is found.
            let mut inside = Inside::new(PLAIN).await;
            inside.bench.options.search_duplicates = true;
            inside.destination.fill("INBOX", 0..5);
            hide(&inside, hides, 1);
            let (counts, ran) = inside.pass(kind).await;
            assert_eq!((counts.copied, counts.errors, counts.differ), (3, 0, 0), "{kind}: {ran:?}");
            inside.is_copied("INBOX", kind);
        });
    }
}
