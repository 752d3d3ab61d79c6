//! What its owner deleted at the destination is nobody's loss, and is not named as one (C.1 c, C.5).

use mailferry::domain::notice::NoticeKind;

use super::{Pair, once};
use crate::support::odd::MODERN;

#[test]
fn c1c_a_copy_that_is_not_there_below_others_was_taken_away_whatever_a_later_restore_takes() {
    let pair = Pair::new(MODERN, MODERN);
    // Mail of the owner's own hides from the count that a copy is gone.
    pair.destination.fill("INBOX", 90..94);
    pair.source.fill("INBOX", 0..6);
    pair.verdict().copies(6);
    // On both sides: no message will remember it.
    pair.source.state().at("INBOX").remove(&[6]);
    pair.destination.state().at("INBOX").remove(&[10]);
    let backup = pair.destination.state().boxes.clone();
    for more in [6..8, 8..9] {
        let count = u64::from(more.end - more.start);
        pair.source.fill("INBOX", more);
        pair.verdict().copies(count);
    }
    pair.destination.state().boxes = backup;
    pair.source.state().at("INBOX").flag(1, "\\Flagged");
    let verdict = pair.verdict();
    assert!(verdict.notes(NoticeKind::CopiedAgain), "{}", verdict.words());
    verdict.copies(3);
    assert_eq!(pair.there(), once((0..5).chain(6..9).chain(90..94)));
}

#[test]
fn c5_a_folder_of_the_source_that_is_new_and_empty_misses_nothing_where_copies_of_others_lie() {
    let pair = Pair::new(MODERN, MODERN);
    pair.source.fill("INBOX", 0..2);
    pair.source.fill("Work", 10..12);
    pair.verdict().copies(4);
    pair.source.state().boxes.retain(|one| one.name != "Work");
    pair.source.state().make("Kept");
    {
        let mut state = pair.destination.state();
        let work = state.at("Work");
        work.remove(&[2]);
        work.name = "Kept".into();
    }
    pair.verdict().copies(0);
    assert_eq!(pair.there(), once((0..2).chain(10..11)));
    pair.verdict().copies(0);
}
