//! J.5b, J.4: flags that a server does not name, does not keep, refuses; dates that cannot be read.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::{Inside, Odds, flagged, flags_there};
use crate::support::bench::{Ran, runtime};
use crate::support::odd::{self, MODERN};
use crate::support::relay::Said;
use mailferry::domain::notice::NoticeKind;

fn notices(odds: &Odds, kind: NoticeKind) -> Vec<(u64, Option<String>)> {
    let all = odds.workspace.notices().into_iter().filter(|notice| notice.kind == kind);
    all.map(|notice| (notice.messages, notice.detail)).collect()
}

/// A destination that tells this of the flags it keeps.
fn telling(permanent: &'static str) -> Odds {
    let odds = Odds::modern();
    odds.destination.bend(move |heard| match heard.line.starts_with("* OK [PERMANENTFLAGS") {
        true => Said::Instead(format!("* OK [PERMANENTFLAGS ({permanent})] kept")),
        false => Said::Kept,
    });
    flagged(&odds, 100, &["\\Seen", "\\Flagged", "$Label1"]);
    odds
}

#[test]
fn p5b_system_flags_that_a_server_does_not_name_are_tried() {
    for (permanent, expected) in
        [("\\*", "$Label1 \\Flagged \\Seen"), ("", "\\Flagged \\Seen"), ("\\Seen", "\\Flagged \\Seen")]
    {
        let odds = telling(permanent);
        odds.start(0);
        let (_, flags) = flags_there(&odds, "INBOX").pop().expect("a message");
        assert_eq!(flags.join(" "), expected, "{permanent}");
        let named = notices(&odds, NoticeKind::FlagsNotKept);
        let keywords = if permanent == "\\*" { vec![] } else { vec![(1, Some("$Label1".to_owned()))] };
        assert_eq!(named, keywords, "{permanent}");
    }
}

#[test]
fn p5b_system_flags_that_it_really_does_not_keep_are_counted_and_named() {
    let odds = telling("\\*");
    odds.destination.state().keep = Some(std::sync::Arc::new(|_, flag| flag != "\\Flagged"));
    odds.start(0);
    assert_eq!(notices(&odds, NoticeKind::FlagsNotKept), [(1, Some("\\Flagged".to_owned()))]);
}

/// A destination that promises to keep all flags and says yes to all that comes with a message.
fn silently_without(capabilities: &str, lost: fn(&str) -> bool) -> Odds {
    let odds = Odds::new(capabilities);
    odds.destination.state().keep = Some(std::sync::Arc::new(move |_, flag| !lost(flag)));
    for (number, flags) in [(100, vec!["\\Seen", "\\Flagged", "mine"]), (101, vec!["\\Seen"]), (102, vec!["\\Draft"])] {
        flagged(&odds, number, &flags);
    }
    odds
}

#[test]
fn p5b_flags_that_a_server_forgets_though_it_said_yes_are_set_afterwards() {
    for capabilities in ["UIDPLUS LITERAL+", "LITERAL+", "UIDPLUS LITERAL+ MULTIAPPEND", MODERN] {
        let lost: [fn(&str) -> bool; 3] = [|_| true, |flag| flag == "\\Draft", |flag| !flag.starts_with('\\')];
        for lost in lost {
            let odds = silently_without(capabilities, lost);
            odds.start(0);
            let there = |odds: &Odds| {
                let flags = flags_there(odds, "INBOX");
                flags.into_iter().skip(5).map(|(_, flags)| flags.join(" ")).collect::<Vec<_>>()
            };
            assert_eq!(there(&odds), ["\\Flagged \\Seen mine", "\\Seen", "\\Draft"], "{capabilities}");
            assert_eq!(notices(&odds, NoticeKind::FlagsNotKept), [], "{capabilities}");
            // What its owner changes there stays.
            odds.destination.state().at("INBOX").letters[6].flags.clear();
            let (_, item) = odds.start(0);
            assert_eq!((item.messages("copied"), item.number("flags_updated")), (0, 0), "{capabilities}");
            assert_eq!(there(&odds)[1], "", "{capabilities}");
        }
    }
}

#[test]
fn p5b_a_flag_that_only_one_message_among_many_has_is_missed() {
    for (at, many) in [(100, 2500), (2000, 2500), (2599, 2500)] {
        let odds = silently_without(MODERN, |flag| flag == "rare");
        (100..100 + many)
            .for_each(|number| flagged(&odds, number, if number == at { &["\\Seen", "rare"] } else { &["\\Seen"] }));
        odds.start(0);
        let there = flags_there(&odds, "INBOX");
        let has = there.iter().filter(|(_, flags)| flags.iter().any(|flag| flag == "rare")).count();
        assert_eq!((has, notices(&odds, NoticeKind::FlagsNotKept)), (1, vec![]), "{at}");
    }
}

/// As where rights (RFC 4314) are given by folder: what may not be set is left out without a word.
#[test]
fn p5b_a_flag_that_one_folder_of_many_does_not_keep_is_missed() {
    let odds = Odds::modern();
    for folder in 0..20 {
        for (number, flags) in [(100, vec!["\\Seen"]), (101, vec!["\\Seen", "\\Flagged"]), (102, vec![])] {
            let flags = flags.into_iter().map(str::to_owned).collect();
            let letter = odd::letter(1000 + folder * 10 + number);
            odds.source.state().make(&format!("Folder{folder:02}")).deliver(
                letter,
                flags,
                "03-Feb-2003 04:05:06 +0530".into(),
            );
        }
    }
    odds.destination.state().keep =
        Some(std::sync::Arc::new(|folder, flag| folder != "Folder17" || flag != "\\Flagged"));
    odds.destination.deny(|verb, arguments| {
        (verb == "UID STORE" && arguments.contains("Flagged")).then(|| "NO [NOPERM] not here".to_owned())
    });
    odds.start(0);
    assert_eq!(notices(&odds, NoticeKind::FlagsNotKept), [(1, Some("\\Flagged".to_owned()))]);
}

#[test]
fn p5b_flags_that_cannot_be_set_afterwards_either_are_counted_and_named() {
    for refuses in [true, false] {
        let odds = silently_without(MODERN, |flag| flag == "\\Seen" || flag == "mine");
        match refuses {
            true => odds.destination.deny(|verb, _| (verb == "UID STORE").then(|| "NO not now".to_owned())),
            false => odds.destination.deny(|verb, _| (verb == "UID STORE").then(|| "OK done".to_owned())),
        }
        odds.start(0);
        let named = notices(&odds, NoticeKind::FlagsNotKept);
        assert_eq!(named, [(2, Some("\\Seen mine".to_owned()))], "refuses: {refuses}");
    }
}

#[test]
fn p4_dates_that_a_server_does_not_keep_are_counted_and_named() {
    for capabilities in ["LITERAL+", MODERN] {
        let odds = Odds::new(capabilities);
        flagged(&odds, 100, &[]);
        // Most have it by chance.
        odds.destination.state().own_date = Some(odds.source.state().at("INBOX").letters[1].date.clone());
        let own = odds.destination.state().own_date.clone().expect("a date");
        let boxes = odds.source.state().boxes.clone();
        let others = |one: &odd::Box| one.letters.iter().filter(|letter| letter.date != own).count() as u64;
        let mut expected: Vec<(u64, Option<String>)> =
            boxes.iter().map(|one| (others(one), None)).filter(|one| one.0 > 0).collect();
        assert!(!expected.is_empty());
        odds.start(0);
        let mut named = notices(&odds, NoticeKind::DateNotKept);
        named.sort();
        expected.sort();
        assert_eq!(named, expected, "{capabilities}");
    }
}

#[test]
fn p5b_a_server_that_keeps_all_is_asked_about_few_copies_once() {
    let odds = Odds::modern();
    for number in 100..160 {
        flagged(&odds, number, &["\\Seen"]);
    }
    odds.destination.state().heard.clear();
    odds.start(0);
    let asked = asked_there(&odds, "INTERNALDATE");
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert!(asked[0].len() < 100, "{asked:?}");
}

/// What of this the destination was asked.
fn asked_there(odds: &Odds, of: &str) -> Vec<String> {
    let asked = |line: &&String| line.starts_with("UID FETCH") && line.contains(of);
    odds.destination.state().heard.iter().filter(asked).cloned().collect()
}

/// Ten more folders, whose messages have the dates that their headings name.
fn dated_as_their_headings() -> Odds {
    let odds = Odds::modern();
    (0..10).for_each(|folder| odds.source.fill(&format!("Folder{folder}"), 1000 + folder * 100..1060 + folder * 100));
    odds.destination.state().own_date = Some("31-Jan-2003 22:35:06 +0000".into());
    odds
}

#[test]
fn p5b_dates_that_any_server_would_have_are_asked_for_once_not_in_every_folder() {
    let odds = dated_as_their_headings();
    odds.start(0);
    let asked = asked_there(&odds, "INTERNALDATE");
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert_eq!(notices(&odds, NoticeKind::DateNotKept), []);
}

#[test]
fn p4_one_date_in_many_folders_that_a_server_takes_from_the_heading_instead_is_named() {
    for (at, rest) in [(0, 60), (59, 60), (30, 2500)] {
        let odds = dated_as_their_headings();
        odds.source.fill("Folder7", 5000..5000 + rest);
        "04-Feb-2003 04:05:06 +0530".clone_into(&mut odds.source.state().at("Folder7").letters[at].date);
        odds.start(0);
        assert_eq!(notices(&odds, NoticeKind::DateNotKept), [(1, None)], "message {at}");
    }
}

#[test]
fn p4_what_an_interrupted_pass_copied_is_looked_at_by_the_next_one() {
    let odds = dated_as_their_headings();
    odds.destination.state().keep = Some(std::sync::Arc::new(|_, flag| flag != "rare"));
    let dates = ["04-Feb-2003 04:05:06 +0530", "01-Feb-2003 04:05:06 +0530"];
    for (number, date) in [(5000, dates[0]), (5001, dates[1])].into_iter().chain((5002..5060).map(|at| (at, dates[1])))
    {
        let flags = if number == 5001 { vec!["rare".to_owned()] } else { Vec::new() };
        let mut state = odds.source.state();
        state.make("Zoo").deliver(odd::letter(number), flags.into_iter().collect(), date.to_owned());
    }
    let zoo = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
    odds.destination.deny(move |verb, arguments| {
        let full = verb == "APPEND" && arguments.contains("Zoo") && zoo.fetch_add(1, Ordering::Relaxed) >= 30;
        full.then(|| "NO [OVERQUOTA] full".to_owned())
    });
    odds.start(1);
    assert_eq!(notices(&odds, NoticeKind::DateNotKept), []);
    odds.destination.deny(|_, _| None);
    odds.start(0);
    assert_eq!(notices(&odds, NoticeKind::DateNotKept), [(1, None)]);
    let there = flags_there(&odds, "Zoo");
    assert_eq!(there.iter().filter(|(_, flags)| *flags == ["rare"]).count(), 1, "{there:?}");
}

#[test]
fn p2_a_message_whose_keyword_is_refused_goes_without_it_and_that_is_said() {
    for capabilities in ["UIDPLUS LITERAL+", "UIDPLUS LITERAL+ MULTIAPPEND", "UIDPLUS"] {
        let odds = Odds::new(capabilities);
        flagged(&odds, 100, &["\\Seen", "averylongkeyword"]);
        flagged(&odds, 101, &["\\Seen"]);
        odds.destination.deny(|verb, arguments| {
            let bad = verb == "APPEND" && arguments.contains("averylongkeyword");
            bad.then(|| "NO Invalid keyword".to_owned())
        });
        let (_, item) = odds.start(0);
        assert_eq!((item.messages("copied"), item.messages("errors")), (10, 0), "{capabilities}");
        let there = flags_there(&odds, "INBOX");
        assert_eq!(there.len(), 7, "{capabilities}: {there:?}");
        assert!(there.iter().any(|(subject, flags)| subject == "number 100" && *flags == ["\\Seen"]), "{there:?}");
        assert_eq!(
            notices(&odds, NoticeKind::FlagsNotKept),
            [(1, Some("averylongkeyword".to_owned()))],
            "{capabilities}"
        );
        let (_, item) = odds.start(0);
        assert_eq!(item.messages("copied"), 0, "{capabilities}");
    }
}

#[test]
fn p2_a_message_of_which_no_flags_are_taken_goes_without_any() {
    let odds = Odds::new("UIDPLUS LITERAL+");
    flagged(&odds, 100, &["\\Flagged", "mine"]);
    odds.destination.deny(|verb, arguments| {
        let bad = verb == "APPEND" && (arguments.contains("Flagged") || arguments.contains("mine"));
        bad.then(|| "BAD no such flag".to_owned())
    });
    let (_, item) = odds.start(0);
    assert_eq!((item.messages("copied"), item.messages("errors")), (9, 0));
    assert_eq!(notices(&odds, NoticeKind::FlagsNotKept), [(1, Some("\\Flagged mine".to_owned()))]);
}

#[test]
fn p4_flags_that_are_refused_later_are_said() {
    let odds = Odds::modern();
    odds.start(0);
    odds.source.state().at("INBOX").flag(2, "odd");
    odds.source.state().at("INBOX").flag(3, "\\Seen");
    odds.destination.deny(|verb, arguments| {
        (verb == "UID STORE" && arguments.contains("odd")).then(|| "NO [CANNOT] not that keyword".to_owned())
    });
    odds.start(0);
    assert_eq!(notices(&odds, NoticeKind::FlagsNotKept), [(1, None)]);
    let flags: Vec<_> = flags_there(&odds, "INBOX").into_iter().map(|(_, flags)| flags.join(" ")).collect();
    assert_eq!(flags, ["", "", "\\Seen", "", ""], "one refused keyword keeps no other change back");
}

#[test]
fn p4_a_date_that_cannot_be_read_is_that_of_the_heading_and_that_is_said() {
    for odd in ["NIL", "\"\"", "\"30-Feb-2003 25:61:00 +9900\"", "(1 2)"] {
        let odds = Odds::modern();
        odds.source.bend(move |heard| match heard.line.split_once("INTERNALDATE ") {
            Some((before, rest)) => {
                let rest = rest.splitn(3, '"').nth(2).unwrap_or_default();
                Said::Instead(format!("{before}INTERNALDATE {odd}{rest}"))
            }
            None => Said::Kept,
        });
        odds.start(0);
        let dates: Vec<String> =
            odds.destination.state().at("INBOX").letters.iter().map(|letter| letter.date.clone()).collect();
        assert_eq!(dates, vec!["31-Jan-2003 22:35:06 +0000"; 5], "{odd}");
        assert_eq!(notices(&odds, NoticeKind::DateOfHeading), [(5, None), (3, None)], "{odd}");
        assert_eq!(notices(&odds, NoticeKind::DateNotKept), []);
    }
}

/// Messages at the source of which the dates of receipt are told like this, if at all.
async fn undated(told: &'static str) -> Inside {
    let inside = Inside::new(MODERN).await;
    inside.source.bend(move |heard| match heard.line.split_once("INTERNALDATE ") {
        Some((before, rest)) => {
            Said::Instead(format!("{before}{told}{}", rest.splitn(3, '"').nth(2).unwrap_or_default()))
        }
        None => Said::Kept,
    });
    inside
}

/// Notices of a pass about dates, with how many messages.
async fn about_dates(inside: &Inside, ran: &Ran) -> Vec<(NoticeKind, u64)> {
    let all = inside.bench.notices(ran).await.into_iter();
    let dates = all.filter(|one| matches!(one.kind, NoticeKind::DateNotKept | NoticeKind::DateOfHeading));
    dates.map(|one| (one.kind, one.messages)).collect()
}

#[test]
fn p4_of_a_message_without_any_date_of_receipt_that_of_its_heading_or_of_who_took_it_in_counts() {
    let received = "Received: from a by b;\r\n\tTue, 4 Mar 2003 05:06:07 -0100\r\nReceived: from c by a; Mon, 3 Mar 2003 05:06:07 -0100\r\n";
    for told in ["", "INTERNALDATE ", "INTERNALDATE \"soon\""] {
        runtime().block_on(async {
            let inside = undated(told).await;
            for (date, number) in [("Date: soon\r\n", 1), ("", 2)] {
                let text = format!("{received}{date}Subject: number 10{number}\r\n\r\nx\r\n");
                inside.source.state().at("INBOX").add(text);
            }
            inside.source.state().at("INBOX").add("Date: soon\r\nSubject: number 103\r\n\r\nx\r\n");
            let (counts, ran) = inside.pass(told).await;
            assert_eq!((counts.copied, counts.errors), (11, 0), "{told:?}");
            let dates: Vec<String> = {
                let mut state = inside.destination.state();
                state.at("INBOX").letters.iter().map(|letter| letter.date.clone()).collect()
            };
            let (own, taken_in) = ("31-Jan-2003 22:35:06 +0000", " 4-Mar-2003 06:06:07 +0000");
            let expected = [own, own, own, own, own, taken_in, taken_in, "02-Jan-2020 00:00:00 +0000"];
            assert_eq!(dates, expected, "{told:?}");
            let (none, heading) = (NoticeKind::DateNotKept, NoticeKind::DateOfHeading);
            let mut notices = about_dates(&inside, &ran).await;
            notices.sort_by_key(|(kind, messages)| (*kind == heading, *messages));
            assert_eq!(notices, [(none, 1), (heading, 3), (heading, 7)], "{told:?}");
        });
    }
}

#[test]
fn p2_a_date_that_a_destination_does_not_take_goes_in_a_plainer_form_or_not_at_all_and_that_is_said() {
    let cases = [("+0530", "31-Jan-1969 22:35:06 +0000", vec![]), ("1969", "02-Jan-2020 00:00:00 +0000", vec![1, 1])];
    for ((refused, kept, named), capabilities) in cases
        .into_iter()
        .flat_map(|case| [MODERN, "UIDPLUS LITERAL+ MULTIAPPEND", "UIDPLUS"].map(|it| (case.clone(), it)))
    {
        runtime().block_on(async {
            let inside = Inside::new(capabilities).await;
            for folder in ["INBOX", "Work"] {
                inside.source.state().at(folder).letters[1].date = "01-Feb-1969 04:05:06 +0530".into();
            }
            inside.destination.deny(move |verb, arguments| {
                let bad = verb == "APPEND" && arguments.contains("1969") && arguments.contains(refused);
                bad.then(|| "BAD Invalid INTERNALDATE".to_owned())
            });
            let (counts, ran) = inside.pass(capabilities).await;
            assert_eq!((counts.copied, counts.errors), (8, 0), "{capabilities}, {refused}: {ran:?}");
            for (folder, subject) in [("INBOX", "number 1"), ("Work", "number 11")] {
                let mut state = inside.destination.state();
                let mut letters = state.at(folder).letters.iter();
                let letter = letters.find(|letter| odd::subject(&letter.bytes) == subject).expect("the message");
                assert_eq!(letter.date.trim(), kept, "{capabilities}, {refused}");
            }
            let notices: Vec<u64> =
                about_dates(&inside, &ran).await.into_iter().map(|(_, messages)| messages).collect();
            assert_eq!(notices, named, "{capabilities}, {refused}");
            let (counts, _) = inside.pass(capabilities).await;
            assert_eq!(counts.copied, 0, "{capabilities}, {refused}");
        });
    }
}

#[test]
fn p4_a_message_that_is_unavailable_is_singled_out_at_once() {
    for (capabilities, first) in [(MODERN, false), ("LITERAL+ UIDPLUS", false), (MODERN, true)] {
        runtime().block_on(async {
            let inside = Inside::new(capabilities).await;
            let bad = if first { "* 1 FETCH" } else { "* 3 FETCH" };
            // It ends where it comes to that message.
            let ended = AtomicBool::new(false);
            inside.source.bend(move |heard| {
                let reads =
                    heard.verb == "UID FETCH" && heard.folder == "INBOX" && heard.arguments.contains("BODY.PEEK[]");
                if !reads {
                    return Said::Kept;
                }
                if heard.line.starts_with(bad) {
                    ended.store(true, Ordering::SeqCst);
                }
                match (ended.load(Ordering::SeqCst), heard.line.split_once(" OK ")) {
                    (true, Some((tag, _))) if tag.starts_with('A') => {
                        ended.store(false, Ordering::SeqCst);
                        Said::Instead(format!("{tag} NO [UNAVAILABLE] cannot get at it"))
                    }
                    (true, _) => Said::Nothing,
                    (false, _) => Said::Kept,
                }
            });
            for copied in [7, 0] {
                let began = Instant::now();
                let (counts, ran) = inside.pass(capabilities).await;
                assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
                assert_eq!((counts.copied, counts.errors), (copied, 1), "{capabilities}, {first}: {ran:?}");
                let uid = if first { 1 } else { 3 };
                let named = ("INBOX".to_owned(), Some(uid), "MessageUnreadable".to_owned());
                assert_eq!(inside.bench.errors(&ran).await, [named], "{capabilities}, {first}");
            }
        });
    }
}

#[test]
fn p4_a_server_that_refuses_all_dates_is_not_asked_again_with_each_message() {
    for capabilities in ["UIDPLUS LITERAL+", "UIDPLUS LITERAL+ MULTIAPPEND"] {
        for words in ["BAD invalid date", "NO that date is not taken"] {
            let odds = Odds::new(capabilities);
            odds.source.fill("INBOX", 100..220);
            odds.destination.deny(move |verb, arguments| {
                (verb == "APPEND" && arguments.contains('"') && arguments.matches('"').count() > 2)
                    .then(|| words.to_owned())
            });
            let began = Instant::now();
            let (_, item) = odds.start(0);
            assert_eq!((item.messages("copied"), item.messages("errors")), (128, 0), "{capabilities}: {words}");
            assert!(began.elapsed() < Duration::from_secs(30), "{capabilities}: {words}: {:?}", began.elapsed());
            let heard = odds.destination.state().heard.clone();
            let appends = heard.iter().filter(|line| line.starts_with("APPEND")).count();
            assert!(appends < 500, "{appends} appends of 128 messages, {capabilities}: {words}");
            let undated: u64 = notices(&odds, NoticeKind::DateNotKept).iter().map(|(messages, _)| messages).sum();
            assert_eq!(undated, 128, "{capabilities}: {words}");
        }
    }
}
