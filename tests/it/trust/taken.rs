//! What is taken for a copy of ours, and what a server is believed to do (C.2, C.4, C.6, C.12): a list delivers its own form of
//! a message while ours is on its way; numbers, flags and headers are told wrong or not at all.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use mailferry::domain::notice::NoticeKind;
use mailferry::pass::{PassEnd, Stops};

use super::{Pair, count, once};
use crate::support::bench::{Bench, runtime};
use crate::support::odd::{MODERN, Odd, letter, subject};
use crate::support::relay::{Heard, Said};

const PLAIN: &str = "LITERAL+ NAMESPACE";

/// A message with something attached, of some thirty kilobytes.
fn whole(number: u32) -> String {
    format!("{}{}", letter(number), "attached attached attached attached\r\n".repeat(800))
}

/// What a list makes of it: without what was attached, and with its own words.
fn of_list(number: u32) -> String {
    format!("{}-- \r\nthe list\r\n", letter(number))
}

fn stamped(bytes: &str) -> String {
    format!("{bytes}-- \r\npassed by the gate\r\n")
}

/// A bend that says this instead of lines about messages.
fn of_fetch(bend: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> impl Fn(&Heard<'_>) -> Said {
    move |heard| match heard.is("FETCH").then(|| bend(heard.line)).flatten() {
        Some(line) => Said::Instead(line),
        None => Said::Kept,
    }
}

fn contents(odd: &Odd, folder: &str) -> BTreeMap<String, usize> {
    count(odd.state().at(folder).bodies().into_iter().map(str::to_owned))
}

/// As if the pass had died before it learned anything.
fn forget_habits(pair: &Pair) {
    let database = rusqlite::Connection::open(pair.workspace.path().join("workspace.db")).expect("a database");
    assert!(database.execute("DELETE FROM habit", []).expect("forgotten") > 0);
}

/// Dies after each write once; meanwhile the list's copy is delivered.
async fn dies_and_the_list_delivers(capabilities: &str, inbox_only: bool) {
    let mut cuts = 0;
    loop {
        let (source, destination) = (Odd::start(MODERN), Odd::start(capabilities));
        source.state().at("INBOX").add(whole(1));
        if !inbox_only {
            source.fill("Work", 10..16);
            source.fill("INBOX", 20..23);
        }
        let bench = Bench::new((source.port, "ann"), (destination.port, "ann")).await;
        if !bench.run_cut(cuts, &Stops::default()).await.cut {
            break;
        }
        destination.state().at("INBOX").add(of_list(1));
        let ran = bench.run().await;
        let there = contents(&destination, "INBOX");
        let expected = (Some(&1), Some(&1));
        assert_eq!((there.get(&whole(1)), there.get(&of_list(1))), expected, "dead after {cuts} writes: {:?}", ran.end);
        assert_eq!(ran.end, PassEnd::Completed { errors: 0, differ: 0 }, "dead after {cuts} writes");
        // Flags of the message go to its own copy.
        source.state().at("INBOX").flag(1, "\\Flagged");
        bench.run().await.expect_clean();
        let flagged = |letter: &&crate::support::odd::Letter| letter.flags.contains("\\Flagged");
        let letters = destination.state().at("INBOX").letters.clone();
        let flagged: Vec<_> = letters.iter().filter(flagged).map(|letter| letter.bytes.len()).collect();
        assert_eq!(flagged, [whole(1).len()], "dead after {cuts} writes");
        cuts += 1;
    }
    assert!(cuts >= 4, "only {cuts} writes in the whole pass");
}

#[test]
fn c4_after_a_crash_the_lists_copy_is_not_taken_for_ours() {
    for capabilities in [MODERN, PLAIN] {
        for inbox_only in [true, false] {
            runtime().block_on(dies_and_the_list_delivers(capabilities, inbox_only));
        }
    }
}

#[test]
fn c4_after_a_crash_at_a_server_that_changes_messages_nothing_is_lost_and_what_is_doubled_is_named() {
    runtime().block_on(async {
        let mut cuts = 0;
        loop {
            let (source, destination) = (Odd::start(MODERN), Odd::start(MODERN));
            source.fill("INBOX", 0..12);
            destination.state().receive = Some(Arc::new(|_, bytes| Some(stamped(&bytes))));
            let bench = Bench::new((source.port, "ann"), (destination.port, "ann")).await;
            if !bench.run_cut(cuts, &Stops::default()).await.cut {
                break;
            }
            let ran = bench.run().await;
            let there = count(destination.subjects("INBOX").into_iter());
            assert!(there.keys().eq(once(0..12).keys()), "dead after {cuts} writes: {there:?}");
            let doubled: usize = there.values().sum::<usize>() - 12;
            let named = matches!(ran.end, PassEnd::Completed { errors: 0, differ } if differ as usize >= doubled);
            assert!(named, "dead after {cuts} writes: {there:?}, {:?}", ran.end);
            assert_eq!(doubled, 0, "dead after {cuts} writes: they all grew alike");
            cuts += 1;
        }
    });
}

#[test]
fn c4_recorded_copies_tell_what_a_destination_does() {
    // Killed before anything was learned, at a server that adds to messages: what it did to the recorded ones decides.
    let pair = Pair::new(MODERN, MODERN);
    pair.destination.state().receive = Some(Arc::new(|_, bytes| Some(stamped(&bytes))));
    pair.source.fill("INBOX", 0..6);
    pair.verdict().copies(6);
    forget_habits(&pair);
    pair.destination.state().at("INBOX").add(stamped(&letter(10)));
    pair.source.state().at("INBOX").add(letter(10));
    pair.destination.state().at("INBOX").add(of_list(11));
    pair.source.state().at("INBOX").add(whole(11));
    let verdict = pair.verdict().wrong(&[]);
    assert_eq!((verdict.copied(), verdict.notes(NoticeKind::MaybeTwice)), (1, true), "{}", verdict.words());
    assert_eq!(contents(&pair.destination, "INBOX").get(&stamped(&whole(11))), Some(&1));
}

#[test]
fn c4_a_size_told_under_the_number_of_another_message_teaches_nothing() {
    let pair = Pair::new(MODERN, MODERN);
    for number in 0..8 {
        let bytes = if number % 2 == 0 { whole(number) } else { letter(number) };
        pair.source.state().at("INBOX").add(bytes);
    }
    // Of two neighbours each is told the other's number.
    pair.destination.bend(|heard| {
        let told = heard.line.split_once("APPENDUID ").and_then(|(_, rest)| rest.split(' ').nth(1)?.split(']').next());
        match told.and_then(|told| told.parse::<u64>().ok()) {
            Some(uid) => {
                let other = if uid % 2 == 1 { uid + 1 } else { uid - 1 };
                Said::Instead(heard.line.replace(&format!(" {uid}] "), &format!(" {other}] ")))
            }
            None => Said::Kept,
        }
    });
    pair.verdict();
    pair.destination.straighten();
    pair.verdict();
    pair.destination.state().at("INBOX").add(of_list(50));
    pair.source.state().at("INBOX").add(whole(50));
    pair.verdict();
    assert_eq!(contents(&pair.destination, "INBOX").get(&whole(50)), Some(&1), "the list's copy is another message");
}

#[test]
fn c4_a_size_that_is_not_told_teaches_nothing() {
    let pair = Pair::new(MODERN, MODERN);
    pair.source.fill("INBOX", 0..6);
    pair.destination.bend(of_fetch(|line| {
        let (before, after) = line.split_once("RFC822.SIZE ")?;
        let end = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
        Some(format!("{before}RFC822.SIZE 0{}", &after[end..]))
    }));
    pair.verdict();
    pair.destination.straighten();
    pair.destination.state().at("INBOX").add(letter(10));
    pair.source.state().at("INBOX").add(of_list(10));
    pair.verdict();
    assert_eq!(contents(&pair.destination, "INBOX").get(&of_list(10)), Some(&1));
}

#[test]
fn c2_a_refused_batch_does_not_count_the_lists_copy_as_stored() {
    for capabilities in [MODERN, PLAIN] {
        let pair = Pair::new(MODERN, &format!("{capabilities} MULTIAPPEND"));
        pair.source.fill("INBOX", 10..15);
        pair.source.state().at("INBOX").add(whole(5));
        pair.source.fill("INBOX", 20..40);
        // The batch with the fifth is refused as a whole, and meanwhile the list delivers.
        let refused = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&refused);
        pair.destination.state().refuse = Some(Arc::new(move |batch| {
            let with_it = batch.len() > 1 && batch.iter().any(|bytes| subject(bytes) == "number 5");
            let refuse = with_it && !told.swap(true, Ordering::SeqCst);
            refuse.then(|| ("NO [CANNOT] one of them is not to my liking".into(), vec![of_list(5)]))
        }));
        let verdict = pair.verdict();
        assert!(refused.load(Ordering::SeqCst), "nothing was refused");
        let there = contents(&pair.destination, "INBOX");
        assert_eq!((there.get(&whole(5)), there.get(&of_list(5))), (Some(&1), Some(&1)), "{}", verdict.words());
        assert_eq!(there.len(), 27, "{}", verdict.words());
        pair.verdict().copies(0);
    }
}

#[test]
fn c2_what_a_refused_batch_stored_all_the_same_is_not_sent_again() {
    for capabilities in [MODERN, PLAIN] {
        for gate in [false, true] {
            let pair = Pair::new(MODERN, &format!("{capabilities} MULTIAPPEND"));
            if gate {
                pair.destination.state().receive = Some(Arc::new(|_, bytes| Some(stamped(&bytes))));
            }
            // What the server does is known.
            pair.source.fill("INBOX", 0..1);
            pair.verdict().copies(1);
            pair.source.fill("INBOX", 1..21);
            let refused = Arc::new(AtomicBool::new(false));
            let told = Arc::clone(&refused);
            pair.destination.bend(move |heard| {
                let batch = heard.verb == "APPEND" && heard.arguments.matches('{').count() > 1;
                match heard.line.split_once(' ').filter(|_| batch && !told.swap(true, Ordering::SeqCst)) {
                    Some((tag, _)) => Said::Instead(format!("{tag} NO [CANNOT] not to my liking")),
                    None => Said::Kept,
                }
            });
            pair.verdict().copies(20);
            assert!(refused.load(Ordering::SeqCst), "nothing was refused");
            assert_eq!(pair.there(), once(0..21), "{capabilities} {gate}");
            pair.verdict().copies(0);
        }
    }
}

#[test]
fn c12_a_yes_for_a_message_that_was_dropped_is_not_fulfilled_by_the_lists_copy() {
    let pair = Pair::new(MODERN, PLAIN);
    pair.source.fill("INBOX", 0..4);
    pair.source.state().at("INBOX").add(whole(5));
    pair.destination.state().receive =
        Some(Arc::new(|_, bytes| Some(if subject(&bytes) == "number 5" { of_list(5) } else { bytes })));
    pair.verdict().wrong(&[]);
    pair.destination.state().receive = None;
    pair.verdict().copies(1);
    assert_eq!(contents(&pair.destination, "INBOX").get(&whole(5)), Some(&1));
    pair.verdict().copies(0);
}

#[test]
fn c8_what_came_and_is_nobodys_is_read_once_however_often_is_looked() {
    // Forty messages are altered so much that nothing tells whose they are; each look finds them again.
    let pair = Pair::new(MODERN, PLAIN);
    pair.source.fill("INBOX", 0..1000);
    let number = AtomicUsize::new(0);
    pair.destination.state().receive = Some(Arc::new(move |_, bytes| {
        let at = number.fetch_add(1, Ordering::SeqCst);
        Some(if at < 40 {
            format!("Subject: spam {at}\r\n\r\nspam {at} of about the same length, more or less.\r\n")
        } else {
            bytes
        })
    }));
    pair.verdict().wrong(&[]);
    let heard = pair.destination.state().heard.clone();
    let whole = heard.iter().filter(|heard| heard.starts_with("UID FETCH") && heard.contains("BODY.PEEK[])"));
    let read: usize = whole.map(|heard| asked(heard, 40)).sum();
    assert!(read <= 80, "{read} messages were read");
}

/// How many of the first messages a command asks for.
fn asked(command: &str, first: u32) -> usize {
    let set = command.split(' ').nth(2).unwrap_or_default();
    let range = |part: &str| {
        let (from, to) = part.split_once(':').unwrap_or((part, part));
        (from.parse::<u32>().unwrap_or(1), to.parse::<u32>().unwrap_or(u32::MAX).min(first))
    };
    set.split(',').map(range).map(|(from, to)| (to + 1).saturating_sub(from) as usize).sum()
}

#[test]
fn c6_flags_that_are_not_told_are_not_taken_away() {
    let pair = Pair::new(MODERN, MODERN);
    pair.source.fill("INBOX", 0..5);
    (1..=5).for_each(|uid| pair.source.state().at("INBOX").flag(uid, "\\Seen"));
    pair.verdict().copies(5);
    pair.source.state().at("INBOX").flag(2, "\\Flagged");
    pair.source.fill("INBOX", 5..6);
    pair.source.bend(of_fetch(|line| {
        let (before, after) = line.split_once(" FLAGS (")?;
        let (_, after) = after.split_once(')')?;
        Some(format!("{before}{after}"))
    }));
    pair.verdict().copies(1);
    let flags = || -> Vec<String> {
        let letters = pair.destination.state().at("INBOX").letters.clone();
        letters.iter().take(5).map(|one| one.flags.iter().cloned().collect::<Vec<_>>().join(" ")).collect()
    };
    assert_eq!(flags(), ["\\Seen"; 5], "no flag was taken away");
    // Nothing changes any more, and yet the next pass asks.
    pair.source.straighten();
    pair.verdict().copies(0);
    assert_eq!(flags(), ["\\Seen", "\\Flagged \\Seen", "\\Seen", "\\Seen", "\\Seen"]);
    pair.idle();
}

/// A message with a line that is no field among its headers, as mbox files have them.
fn junk(number: u32) -> String {
    format!(
        "From: a@example.org\r\nSubject: number {number}\r\n>From a Sat Feb 1 04:05:06 2003\r\n\
         Message-ID: <{number}@example.org>\r\nDate: Sat, 1 Feb 2003 04:05:06 +0530\r\n\r\nBody of {number}.\r\n"
    )
}

fn fill_junk(pair: &Pair, folder: &str, numbers: std::ops::Range<u32>) {
    let mut state = pair.source.state();
    for number in numbers {
        state.at(folder).add(junk(number));
    }
}

/// Tells the header block up to the line that is no field; with an empty line behind it, or without.
fn cut_header(line: &str, ended: bool) -> Option<String> {
    let (before, rest) = line.split_once("BODY[HEADER] {")?;
    let (_, header) = rest.split_once("}\r\n")?;
    let (header, _) = header.split_once(">From")?;
    let header = format!("{header}{}", if ended { "\r\n" } else { "" });
    Some(format!("{before}BODY[HEADER] {{{}}}\r\n{header})", header.len()))
}

#[test]
fn c4_a_source_that_tells_other_headers_than_it_hands_out_has_nothing_new() {
    for ended in [true, false] {
        let pair = Pair::new(MODERN, MODERN);
        pair.source.bend(of_fetch(move |line| cut_header(line, ended)));
        fill_junk(&pair, "INBOX", 0..30);
        pair.source.fill("INBOX", 30..33);
        pair.source.state().make("Work");
        pair.verdict().copies(33);
        for number in 33..36 {
            pair.source.fill("INBOX", number..number + 1);
            pair.verdict().copies(1);
        }
        assert_eq!(pair.there(), once(0..36), "ended: {ended}");
        // What moves is known as well.
        pair.source.state().at("INBOX").remove(&[3, 4]);
        fill_junk(&pair, "Work", 2..4);
        pair.verdict().copies(0);
        assert_eq!(pair.there(), once(0..36), "ended: {ended}");
        pair.idle();
    }
}

#[test]
fn c4_numbers_given_anew_are_seen_where_headers_are_cut() {
    let pair = Pair::new(MODERN, MODERN);
    pair.source.bend(of_fetch(|line| cut_header(line, true)));
    fill_junk(&pair, "INBOX", 0..30);
    pair.verdict().copies(30);
    // Put back to a time when there were twenty, and ten others came since.
    pair.source.state().at("INBOX").remove(&(21..=30).collect::<Vec<_>>());
    pair.source.state().at("INBOX").next = 21;
    fill_junk(&pair, "INBOX", 40..50);
    pair.source.fill("INBOX", 50..51);
    pair.verdict().copies(11);
    assert_eq!(pair.there(), once((0..30).chain(40..51)));
    pair.idle();
}
