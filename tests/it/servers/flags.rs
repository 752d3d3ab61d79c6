//! J.5b, J.4: flags that a server does not name, does not keep, refuses; dates that cannot be read.

use super::{Odds, flagged, flags_there};
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
    odds.destination.state().keep = Some(std::sync::Arc::new(|flag| flag != "\\Flagged"));
    odds.start(0);
    assert_eq!(notices(&odds, NoticeKind::FlagsNotKept), [(1, Some("\\Flagged".to_owned()))]);
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
