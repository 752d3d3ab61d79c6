//! A source that hands out less of a message than it says it has: what it hands out is asked for once more, and named (C.12).

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use mailferry::domain::notice::NoticeKind;

use super::{Pair, once};
use crate::support::odd::MODERN;
use crate::support::relay::{Heard, Said};

/// The source tells of the message with this number, as often as this, that it has so many bytes more than it hands out.
fn more_is_told(pair: &Pair, number: u32, times: u32, more: usize) -> Arc<AtomicU32> {
    let told = Arc::new(AtomicU32::new(0));
    let (subject, told_there) = (format!("Subject: number {number}\r\n"), Arc::clone(&told));
    pair.source.bend(move |heard| {
        let size = |line: &str| line.split("RFC822.SIZE ").nth(1)?.split([' ', ')']).next()?.parse::<usize>().ok();
        let Some(size) = size(heard.line).filter(|_| heard.line.contains(&subject)) else { return Said::Kept };
        if told_there.fetch_add(1, Ordering::Relaxed) >= times {
            return Said::Kept;
        }
        Said::Instead(heard.line.replacen(&format!("RFC822.SIZE {size}"), &format!("RFC822.SIZE {}", size + more), 1))
    });
    told
}

fn pair(numbers: std::ops::Range<u32>) -> Pair {
    let pair = Pair::new(MODERN, MODERN);
    pair.source.fill("INBOX", numbers);
    pair
}

#[test]
fn c12_a_message_of_which_the_source_hands_out_less_than_it_has_is_named() {
    // Wherever it comes: among the first it is not known yet what the source's sizes are worth.
    for number in [0, 1, 15, 29] {
        let pair = pair(0..30);
        more_is_told(&pair, number, u32::MAX, 9_000);
        let verdict = pair.verdict().wrong(&["horter than the source"]);
        assert!(verdict.notes(NoticeKind::ShorterThanTold), "{}", verdict.words());
        let named = verdict.notices.iter().filter(|notice| notice.kind == NoticeKind::ShorterThanTold);
        let named: Vec<_> = named.map(|notice| (notice.messages, notice.numbers[0].0)).collect();
        assert_eq!(named, [(1, i64::from(number) + 1)]);
        assert_eq!(pair.there(), once(0..30), "what is there of it is brought");
        pair.verdict().copies(0);
    }
}

#[test]
fn c12_one_that_is_whole_when_it_is_asked_for_again_is_not() {
    let pair = pair(0..30);
    let told = more_is_told(&pair, 25, 1, 9_000);
    pair.verdict().copies(30);
    assert_eq!(told.load(Ordering::Relaxed), 2, "handed out twice");
    assert_eq!(pair.there(), once(0..30));
}

#[test]
fn c12_what_is_known_of_a_source_is_known_to_later_passes() {
    let pair = pair(0..30);
    pair.verdict().copies(30);
    pair.source.fill("INBOX", 40..41);
    let told = more_is_told(&pair, 40, u32::MAX, 9_000);
    let verdict = pair.verdict().wrong(&["horter than the source"]);
    assert!(verdict.notes(NoticeKind::ShorterThanTold), "{}", verdict.words());
    assert_eq!(told.load(Ordering::Relaxed), 2);
}

/// A source whose sizes are guesses for most messages.
fn guessing(heard: &Heard<'_>) -> Said {
    let size = heard.line.split("RFC822.SIZE ").nth(1).and_then(|rest| rest.split([' ', ')']).next());
    match size.and_then(|size| size.parse::<usize>().ok()) {
        Some(size) if heard.line.contains("BODY[]") && !heard.line.contains("number 7") => Said::Instead(
            heard.line.replacen(&format!("RFC822.SIZE {size}"), &format!("RFC822.SIZE {}", size + 5_000), 1),
        ),
        _ => Said::Kept,
    }
}

#[test]
fn c12_a_source_that_merely_guesses_sizes_is_believed_in_what_it_hands_out() {
    let guesses = pair(0..30);
    guesses.source.bend(guessing);
    let line_ends = pair(0..30);
    more_is_told(&line_ends, 12, u32::MAX, 20);
    for pair in [guesses, line_ends] {
        let verdict = pair.verdict().copies(30);
        assert!(!verdict.notes(NoticeKind::ShorterThanTold), "{}", verdict.words());
    }
}
