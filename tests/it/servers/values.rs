//! J.1: one odd value spoils one thing at most.

use mailferry::domain::failure::Cause;
use mailferry::pass::PassEnd;

use super::{Inside, Odds};
use crate::support::bench::runtime;
use crate::support::odd::MODERN;
use crate::support::relay::{Heard, Said};

/// The line with a piece replaced, if it has it.
fn instead(heard: &Heard<'_>, old: &str, new: &str) -> Said {
    if heard.line.contains(old) { Said::Instead(heard.line.replace(old, new)) } else { Said::Kept }
}

/// A number behind this word becomes this.
fn number(heard: &Heard<'_>, word: &str, new: &str) -> Said {
    let Some(at) = heard.line.find(word).map(|at| at + word.len()) else { return Said::Kept };
    let (before, rest) = heard.line.split_at(at);
    let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    Said::Instead(format!("{before}{new}{rest}"))
}

type Bend = fn(&Heard<'_>) -> Said;

/// Both sides tell this oddly, whenever they tell it; everything is moved all the same, once.
fn moves_all(odd: &[(&str, Bend)]) {
    for (told, bend) in odd {
        runtime().block_on(async {
            let (inside, bend) = (Inside::new(MODERN).await, *bend);
            for server in [&inside.source, &inside.destination] {
                server.bend(move |heard| if heard.verb == "GREETING" { Said::Kept } else { bend(heard) });
            }
            inside.moves_all(told).await;
        });
    }
}

#[test]
fn p1_odd_values_spoil_nothing_that_can_do_without_them() {
    moves_all(&[
        ("HIGHESTMODSEQ -1", |heard| number(heard, "HIGHESTMODSEQ ", "-1")),
        ("HIGHESTMODSEQ NIL", |heard| number(heard, "HIGHESTMODSEQ ", "NIL")),
        ("HIGHESTMODSEQ too wide", |heard| number(heard, "HIGHESTMODSEQ ", "99999999999999999999999")),
        ("UIDVALIDITY wider than 32 bits", |heard| number(heard, "UIDVALIDITY ", "1099511627776")),
        ("size NIL", |heard| number(heard, "RFC822.SIZE ", "NIL")),
        ("size -1", |heard| number(heard, "RFC822.SIZE ", "-1")),
        ("size missing", |heard| number(heard, "RFC822.SIZE ", "")),
        ("flags NIL", |heard| instead(heard, "FLAGS ()", "FLAGS NIL")),
        ("a keyword with a brace", |heard| instead(heard, "FLAGS ()", "FLAGS ($a{b {7})")),
        ("a keyword that is a quotation without end", |heard| instead(heard, "FLAGS ()", "FLAGS (\"a)")),
        ("an attribute that nobody knows", |heard| instead(heard, "FLAGS ()", "X-ODD (a (b \"c)\")) FLAGS ()")),
        ("an empty line before each answer", |heard| Said::Instead(format!("\r\n{}", heard.line))),
        ("a line that is no IMAP", |heard| Said::Instead(format!("Notice: cache miss in mbox.c\r\n{}", heard.line))),
        ("an answer that nobody can read", |heard| Said::Instead(format!("* 2 FETCH\r\n* STATUS\r\n{}", heard.line))),
        ("ends in small letters", |heard| match heard.line.strip_prefix('A') {
            Some(rest) => Said::Instead(format!("a{}", rest.replace(" OK ", " ok "))),
            None => Said::Kept,
        }),
    ]);
}

/// An answer that begins like this becomes that.
fn whole(heard: &Heard<'_>, begins: &str, new: &str) -> Said {
    if heard.line.starts_with(begins) { Said::Instead(new.to_owned()) } else { Said::Kept }
}

#[test]
fn p1_nor_do_odd_values_of_an_opened_folder_a_list_or_a_copy() {
    moves_all(&[
        ("PERMANENTFLAGS NIL", |heard| whole(heard, "* OK [PERMANENTFLAGS", "* OK [PERMANENTFLAGS NIL] kept")),
        ("PERMANENTFLAGS without end", |heard| {
            whole(heard, "* OK [PERMANENTFLAGS", "* OK [PERMANENTFLAGS (\\Seen kept")
        }),
        ("FLAGS NIL of a folder", |heard| whole(heard, "* FLAGS", "* FLAGS NIL")),
        ("UIDNEXT NIL", |heard| number(heard, "UIDNEXT ", "NIL")),
        ("UIDNEXT 0", |heard| number(heard, "UIDNEXT ", "0")),
        ("UIDVALIDITY as wide as can be", |heard| number(heard, "UIDVALIDITY ", "18446744073709551615")),
        ("RECENT without number", |heard| whole(heard, "* 0 RECENT", "* RECENT")),
        ("numbers of copies NIL", |heard| number(heard, "[APPENDUID ", "NIL")),
        ("more numbers than copies", |heard| instead(heard, "] taken", ",7:9] taken")),
        ("numbers of copies without end", |heard| instead(heard, "] taken", " taken")),
        ("ends of one word", |heard| match heard.line.split_once(" OK ") {
            Some((tag, _)) if tag.starts_with('A') => Said::Instead(format!("{tag} OK")),
            _ => Said::Kept,
        }),
        ("no name spaces", |heard| whole(heard, "* NAMESPACE", "* NAMESPACE NIL NIL NIL")),
        ("name spaces without end", |heard| whole(heard, "* NAMESPACE", "* NAMESPACE ((\"\" \"/\"")),
        ("capabilities of no words", |heard| whole(heard, "* CAPABILITY", "* CAPABILITY")),
        ("separators of two letters", |heard| instead(heard, ") \"/\" ", ") \"//\" ")),
        ("no separators", |heard| instead(heard, ") \"/\" ", ") NIL ")),
        ("names that are not quoted", |heard| match heard.line.starts_with("* LIST") {
            true => Said::Instead(heard.line.replace("\"INBOX\"", "Inbox").replace("\"Work\"", "Work")),
            false => Said::Kept,
        }),
        ("sizes beyond 32 bits", |heard| number(heard, "RFC822.SIZE ", "99999999999")),
    ]);
}

#[test]
fn p1_nonsense_that_comes_again_the_same_is_not_tried_eight_times() {
    runtime().block_on(async {
        let inside = Inside::new(MODERN).await;
        inside.source.bend(|heard| match heard.verb == "NAMESPACE" && heard.line.starts_with('A') {
            true => Said::Instead("A9999 OK whose end is that?".to_owned()),
            false => Said::Kept,
        });
        let ran = inside.bench.run().await;
        let failed = matches!(&ran.end, PassEnd::Failed { failure, .. } if failure.cause == Cause::Nonsense);
        assert!(failed, "{:?}", ran.end);
        let logins = inside.source.state().heard.iter().filter(|command| command.starts_with("LOGIN")).count();
        assert!((1..=4).contains(&logins), "{logins}");
    });
}

#[test]
fn p1_folders_with_odd_names_and_lines_are_moved() {
    for (told, line) in [
        ("a folder called NIL", "* LIST () \"/\" NIL"),
        ("attributes NIL", "* LIST NIL \"/\" NIL"),
        ("a broken attribute", "* LIST (\\HasNoChildren \"x) \"/\" NIL"),
    ] {
        let odds = Odds::new("LITERAL+ UIDPLUS NAMESPACE");
        odds.source.fill("NIL", 20..22);
        odds.source.bend(move |heard| match heard.line.starts_with("* LIST") && heard.line.ends_with("\"NIL\"") {
            true => Said::Instead(line.to_owned()),
            false => Said::Kept,
        });
        let (_, item) = odds.start(0);
        assert_eq!(item.messages("copied"), 10, "{told}");
        odds.is_copied("NIL", told);
    }
}

#[test]
fn p1_uids_wider_than_32_bits_are_moved_once() {
    for base in [1 << 33, i64::MAX.cast_unsigned() - 1000] {
        runtime().block_on(async {
            let inside = Inside::new(MODERN).await;
            // The server's own numbers, and what it tells of them.
            inside.source.bend(move |heard| {
                let mut line = heard.line.to_owned();
                for word in ["(UID ", "UIDNEXT "] {
                    if let Some(at) = line.find(word).map(|at| at + word.len()) {
                        let digits: String = line[at..].chars().take_while(char::is_ascii_digit).collect();
                        let wide = base + digits.parse::<u64>().expect("a number");
                        line.replace_range(at..at + digits.len(), &wide.to_string());
                    }
                }
                Said::Instead(line)
            });
            inside.source.state().narrow = Some(base);
            inside.moves_all(&format!("UIDs from {base}")).await;
        });
    }
}

#[test]
fn p1_one_message_that_cannot_be_read_spoils_itself_only() {
    for (told, odd) in [
        ("no uid", "* 3 FETCH (UID x FLAGS () BODY[] NIL)"),
        ("no list", "* 3 FETCH what"),
        ("no IMAP", "third message: checksum error"),
    ] {
        let odds = Odds::modern();
        odds.source.bend(move |heard| match heard.folder == "INBOX" && heard.line.starts_with("* 3 FETCH (UID 3 ") {
            true => Said::Instead(odd.to_owned()),
            false => Said::Kept,
        });
        let (output, item) = odds.start(1);
        assert!(item.messages("errors") >= 1, "{told}: {}", output.stderr);
        let there = odds.destination.subjects("INBOX");
        assert_eq!(there, ["number 0", "number 1", "number 3", "number 4"], "{told}");
        odds.is_copied("Work", told);
    }
}

#[test]
fn p5a_ids_of_folders_that_lists_tell_otherwise_are_not_used() {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let bend =
        |heard: &Heard<'_>| match heard.line.starts_with("* STATUS").then(|| heard.line.split_once("MAILBOXID (")) {
            Some(Some((before, rest))) => {
                let other = NEXT.fetch_add(1, Ordering::SeqCst);
                // Sometimes even bytes that make no word.
                let id = if other.is_multiple_of(2) { format!("R{other}") } else { format!("\u{1}\"{other}(") };
                Said::Instead(format!("{before}MAILBOXID ({id}){}", rest.split_once(')').map_or("", |(_, rest)| rest)))
            }
            _ => Said::Kept,
        };
    // The same each time, and not the one that is told when the folder is opened.
    let another = |heard: &Heard<'_>| match heard.line.starts_with("* STATUS") {
        true => instead(heard, "MAILBOXID (M", "MAILBOXID (W"),
        false => Said::Kept,
    };
    let told: [(&str, Bend); 2] = [("random ids", bend), ("ids of others", another)];
    for (told, bend) in told {
        runtime().block_on(async {
            let inside = Inside::new(&format!("{MODERN} OBJECTID")).await;
            inside.source.bend(bend);
            inside.destination.bend(bend);
            inside.moves_all(told).await;
        });
    }
}
