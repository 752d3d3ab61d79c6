//! J, "seen to hold": whatever a server does to its answers (another order, in pieces, late, values missing or unreadable), a
//! pass ends in bounded time, and every message is copied or counted.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::Odds;
use crate::support::odd::MODERN;
use crate::support::relay::{Heard, Said};

/// The next number of a series, as if by chance.
fn next(state: &AtomicU64) -> u64 {
    let mut x = state.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// What stands in place of a value.
const VALUES: [&str; 9] = ["NIL", "-1", "0", "99999999999999999999999", "(", "\"", "()", "{x", "what ever"];

/// Attributes of a FETCH: name and value, a literal with its value.
fn attributes(inside: &str) -> Vec<(String, String)> {
    let (head, body) = match inside.find("BODY[") {
        Some(at) => inside.split_at(at),
        None => (inside, ""),
    };
    let names = ["UID ", "FLAGS ", "INTERNALDATE ", "RFC822.SIZE ", "EMAILID "];
    let mut starts: Vec<usize> = names.iter().filter_map(|name| head.find(name)).collect();
    starts.sort_unstable();
    let ends = starts.iter().skip(1).copied().chain([head.len()]);
    let mut all: Vec<(String, String)> = starts
        .iter()
        .zip(ends)
        .filter_map(|(from, to)| head[*from..to].trim().split_once(' '))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    if let Some((name, value)) = body.split_once(' ') {
        all.push((name.to_owned(), value.to_owned()));
    }
    all
}

fn told(place: &str, all: &[(String, String)]) -> String {
    let all: Vec<String> = all.iter().map(|(name, value)| format!("{name} {value}")).collect();
    format!("* {place} FETCH ({})", all.join(" "))
}

/// A FETCH answer as this server tells it this time.
fn fetch(heard: &Heard<'_>, chance: &AtomicU64) -> Option<String> {
    let (place, inside) = heard.line.strip_prefix("* ")?.split_once(" FETCH (")?;
    let mut all = attributes(inside.strip_suffix(')')?);
    let at = usize::try_from(next(chance) % all.len().max(1) as u64).ok()?;
    let is_body = all.get(at)?.0.starts_with("BODY");
    match next(chance) % 12 {
        // An attribute is missing, or cannot be read.
        0 => drop(all.remove(at)),
        1 | 2 if !is_body => all[at].1 = VALUES[usize::try_from(next(chance) % VALUES.len() as u64).ok()?].to_owned(),
        1 => "NIL".clone_into(&mut all[at].1),
        3 | 4 => all.rotate_left(at),
        // In two answers, with or without the number in the second.
        5 | 6 => {
            let rest = all.split_off(at);
            let uid = all.iter().find(|(name, _)| name == "UID").cloned();
            let rest: Vec<_> = uid.into_iter().chain(rest).collect();
            return Some(format!("{}\r\n{}", told(place, &all), told(place, &rest)));
        }
        7 => return Some(format!("\r\n* what\r\n{}", heard.line)),
        8 => std::thread::sleep(Duration::from_millis(30)),
        _ => return None,
    }
    Some(told(place, &all))
}

/// A count or number of a STATUS or of an opened folder that cannot be read this time.
fn state(heard: &Heard<'_>, chance: &AtomicU64) -> Option<String> {
    let words = ["HIGHESTMODSEQ ", "UIDNEXT ", "UIDVALIDITY ", "MESSAGES ", "PERMANENTFLAGS "];
    let word = words.iter().find(|word| heard.line.contains(**word) && next(chance).is_multiple_of(6))?;
    let at = heard.line.find(word)? + word.len();
    let (before, rest) = heard.line.split_at(at);
    let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    let value = VALUES[usize::try_from(next(chance) % VALUES.len() as u64).ok()?];
    Some(format!("{before}{value}{rest}"))
}

#[test]
fn any_answer_ends_with_every_message_copied_or_counted() {
    for seed in 1..=12_u64 {
        let capabilities = [MODERN, "LITERAL+ UIDPLUS NAMESPACE", "NAMESPACE", "UIDPLUS LITERAL+ MULTIAPPEND"];
        let odds = Odds::new(capabilities[usize::try_from(seed % 4).expect("small")]);
        let chance = AtomicU64::new(seed.wrapping_mul(0x5851_f42d_4c95_7f2d));
        odds.source.bend(move |heard| {
            let other = match heard.line.starts_with("* ") && heard.verb != "GREETING" {
                true => fetch(heard, &chance).or_else(|| state(heard, &chance)),
                false => None,
            };
            other.map_or(Said::Kept, Said::Instead)
        });
        let output = odds.workspace.start();
        assert!([0, 1].contains(&output.code), "seed {seed}: {output:?}");
        let item = odds.workspace.only();
        let there = odds.destination.subjects("INBOX").len() + odds.destination.subjects("Work").len();
        let named = item.messages("errors") + item.messages("differ");
        assert!(there as u64 + named >= 8, "seed {seed}: {there} there, {named} named\n{}", output.stderr);
        assert!(there <= 8, "seed {seed}: doubled");
        assert_eq!(output.code == 0, named == 0, "seed {seed}: {named} named");
        if output.code == 0 {
            assert_eq!(there, 8, "seed {seed}");
        }
        // When it tells the truth again nothing is missing, and nothing is there twice.
        odds.source.straighten();
        odds.start(0);
        for folder in ["INBOX", "Work"] {
            let (mut here, mut there) = (odds.source.subjects(folder), odds.destination.subjects(folder));
            here.sort();
            there.sort();
            assert_eq!(there, here, "seed {seed}");
        }
    }
}
