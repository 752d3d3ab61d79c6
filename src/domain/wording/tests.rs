//! The sentences people read, all of them: every cause on every side, every notice.

use super::*;
use crate::domain::folder::FolderPath;
use crate::domain::ids::Uid;
use crate::domain::notice::{Notice, NoticeKind};
use crate::domain::progress::RetryState;
use crate::domain::status::Status;
use crate::domain::time::Timestamp;

/// A list of all values of an enum, which does not compile when one is missing.
macro_rules! all {
    ($name:ident, $of:ident: $($one:ident)*) => {
        const $name: &[$of] = &[$($of::$one),*];
        const _: fn($of) = |one| match one {
            $($of::$one)|* => {}
        };
    };
}

all! { CAUSES, Cause:
    LoginRefused ListIncomplete NoFolders NotStored NotShown
    SignInRefused SignInHeld TokenUnfit SignInEnded TokenRefused SignInBusy ClockOff
    Settling AdministratorLoginRefused AdministratorLoginHeld MailboxNotOpened MaildirNotOpened
    WrongSide SameMailbox AdministratorStays SharedDestination
    NameUnknown PortClosed Unreachable NoGreeting ClosedUngreeted
    CertificateNotTrusted CertificateOutOfDate CertificateOfAnother NotTls TlsFailed NoImap TurnedAway NoPasswords ConnectionLost
    TimedOut OwnNetwork SessionEnded Nonsense Throttled ProviderLimit OutsideHours
    TooManyConnections ServerBusy DestinationFull TooBig
    MessageRefused MessageMalformed HangsUpAtMessage MessageGone FolderRefused
    FolderGone FolderChanged MessageUnreadable NotTheSameMailbox
    CredentialMissing WorkspaceFailed TooManyErrors CommandRefused
    Internal
}

all! { NOTICES, NoticeKind:
    SourceDiffers MissingThere MaybeTwice ShorterThanTold DateNotKept DateOfHeading FlagsNotKept Renumbered CopiedAgain OldWorkspace Waiting LeftOut
    OtherLabels Altered Cleaned ServerSays
}

const SIDES: [Option<Side>; 3] = [None, Some(Side::Source), Some(Side::Destination)];

fn words(cause: Cause, side: Option<Side>, names: &TextNames<'_>) -> Text {
    let failure = Failure::new(cause, Scope::Mailbox, Retry::Never, "doing").saying("SERVER WORDS");
    text(&failure, side, names)
}

/// What a person can do today: buttons, verbs, passes. Whoever adds an action may name it here.
const ACTIONS: [&str; 5] = ["Start", "Resume", "Stop", "Full", "Retry"];
/// Other words that are written with a capital inside a sentence.
const NAMES: [&str; 7] = ["VPN", "IMAP", "TLS", "STARTTLS", "OAuth", "Maildir", "Mailferry"];
/// What advice has named before it existed, in whatever case.
const MISSING: [&str; 5] =
    ["options", "test the connection", "ask again", "clear credentials", "clear the credentials"];

/// What is wrong with a text, whatever it is about.
fn faults(text: &Text) -> Vec<String> {
    let mut faults = Vec::new();
    for part in [&text.headline, &text.what, &text.todo] {
        if part.trim() != part || part.is_empty() || part.contains("  ") {
            faults.push(format!("empty, or blanks: {part:?}"));
        }
        if part.contains(['{', '}', '\n']) || part.contains("SERVER WORDS") {
            faults.push(format!("a placeholder: {part:?}"));
        }
        if part.starts_with("the ") || part.starts_with("this ") || part.starts_with("folder ") {
            faults.push(format!("no capital at its head: {part:?}"));
        }
        let lower = part.to_lowercase();
        faults.extend(
            MISSING.iter().filter(|word| lower.contains(*word)).map(|word| format!("names {word:?}: {part:?}")),
        );
    }
    for part in [&text.what, &text.todo] {
        if !part.ends_with('.') && !part.contains("->") {
            faults.push(format!("no end: {part:?}"));
        }
        let inside = part.split([' ', '(']).collect::<Vec<_>>();
        for pair in inside.windows(2) {
            let word = pair[1].trim_matches(|c: char| !c.is_alphanumeric());
            let begins = pair[0].ends_with(['.', ':']);
            let capital = word.starts_with(|c: char| c.is_uppercase());
            if capital && !begins && !ACTIONS.contains(&word) && !NAMES.contains(&word) {
                faults.push(format!("names {word:?} as if it were an action: {part:?}"));
            }
        }
    }
    if text.headline.ends_with('.') {
        faults.push(format!("a full stop: {:?}", text.headline));
    }
    faults
}

fn says(text: &str, word: &str) -> bool {
    text.to_lowercase().split(|c: char| !c.is_alphanumeric()).any(|part| part == word)
}

#[test]
fn every_cause_on_every_side_has_three_full_texts_that_blame_the_right_one() {
    let names = TextNames {
        host: "imap.contoso.example",
        port: 993,
        mailbox: "anna@x",
        across: "anna@y",
        folder: "files",
        provider: None,
    };
    let retries = [Retry::Backoff, Retry::After(Duration::from_secs(90)), Retry::Later, Retry::User, Retry::Never];
    let scopes = [Scope::Message, Scope::Folder, Scope::Connection, Scope::Mailbox, Scope::Endpoint];
    let mut faults = Vec::new();
    for cause in CAUSES {
        for side in SIDES {
            for (retry, scope) in retries.into_iter().flat_map(|retry| scopes.map(|scope| (retry, scope))) {
                for names in [names, TextNames::default()] {
                    let failure = Failure::new(*cause, scope, retry, "doing").saying("SERVER WORDS");
                    let told = text(&failure, side, &names);
                    let mut here = self::faults(&told);
                    let other = match side {
                        Some(Side::Source) => &["destination"][..],
                        Some(Side::Destination) => &["source"],
                        None => &["source", "destination"],
                    };
                    for part in [&told.headline, &told.what, &told.todo] {
                        let wrong = other.iter().filter(|word| says(part, word));
                        here.extend(wrong.map(|word| format!("blames the {word}: {part:?}")));
                    }
                    faults.extend(here.into_iter().map(|fault| format!("{cause:?} {side:?} {scope:?}: {fault}")));
                }
            }
        }
    }
    faults.sort();
    faults.dedup();
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn no_refusal_names_an_action_that_does_not_exist() {
    use crate::domain::action::Action;
    for (status, action) in Status::ALL.into_iter().flat_map(|status| Action::ALL.map(|action| (status, action))) {
        if let Err(refusal) = action.check(status, 0) {
            let words = refusal.to_string();
            let named = MISSING.iter().find(|missing| words.contains(*missing));
            assert_eq!(named, None, "{action:?} while {status:?}: {words}");
        }
    }
}

#[test]
fn every_kind_of_notice_has_three_full_texts() {
    let mut faults = Vec::new();
    let mut headlines = std::collections::BTreeSet::new();
    for kind in NOTICES {
        for side in SIDES {
            for messages in [0, 1, 2, 1204] {
                let told = notice(*kind, side, messages, 3);
                faults.extend(self::faults(&told).into_iter().map(|fault| format!("{kind:?}: {fault}")));
                let plural = told.headline.contains(&format!("{messages} messages"));
                assert!(plural || messages < 2 || !told.headline.contains("message"), "{told:?}");
                assert!(!told.headline.contains("0 message") && !told.headline.contains("1 messages"), "{told:?}");
            }
        }
        assert!(headlines.insert(notice(*kind, None, 7, 1).headline), "two kinds with one headline: {kind:?}");
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn a_notice_names_its_folder_and_its_numbers() {
    let twice = Notice {
        folder: Some(FolderPath::new(["Work", "x"])),
        kind: NoticeKind::MaybeTwice,
        side: Some(Side::Destination),
        messages: 3,
        numbers: vec![Uid(7), Uid(9), Uid(8)],
        detail: Some("the connection was lost".into()),
    };
    assert_eq!(
        notice_line(&twice),
        "3 messages may be there twice · folder \"Work/x\" · destination numbers 7–9 · the connection was lost"
    );
    let bare = Notice { folder: None, side: None, messages: 1, numbers: Vec::new(), detail: None, ..twice };
    assert_eq!(notice_line(&bare), "1 message may be there twice");
}

#[test]
fn numbers_are_drawn_together_and_what_is_not_named_is_counted() {
    let shown = |list: &[i64], of: u64| numbers(&list.iter().copied().map(Uid).collect::<Vec<_>>(), of);
    assert_eq!(shown(&[5], 1), "5");
    assert_eq!(shown(&[3, 1, 2, 2, 9], 4), "1–3, 9");
    assert_eq!(shown(&[1, 2], 500), "1–2 and 498 more");
    assert_eq!(shown(&[1, 2], 0), "1–2", "more numbers than messages");
    let odd: Vec<i64> = (0..200).map(|n| n * 2).collect();
    assert!(shown(&odd, 200).ends_with(", 38 and 180 more"), "{}", shown(&odd, 200));
    assert_eq!(shown(&[i64::MAX - 1, i64::MAX], 2), format!("{}–{}", i64::MAX - 1, i64::MAX));
}

#[test]
fn a_pause_names_the_side_it_is_for() {
    let failure = Failure::new(Cause::ConnectionLost, Scope::Connection, Retry::Backoff, "reading a message");
    let pause =
        |side| RetryState { side, failure: failure.clone(), attempt: 1, limit: 8, until: Timestamp::from_millis(9) };
    assert_eq!(pausing(&pause(Some(Side::Source))), "source: reading a message: no answer");
    assert_eq!(pausing(&pause(None)), "reading a message: no answer");
    let at = |retry: RetryState| RetryState { failure: retry.failure.about("imap.x:993"), ..retry };
    assert_eq!(pausing(&at(pause(Some(Side::Source)))), "source imap.x:993: reading a message: no answer");
    let limit = Failure::new(Cause::ProviderLimit, Scope::Mailbox, Retry::Later, "reading").saying("[OVERQUOTA] slow");
    let waits = RetryState { failure: limit, attempt: 0, ..pause(Some(Side::Source)) };
    assert_eq!(pausing(&at(waits.clone())), "Paused by the provider of the source · imap.x:993 · [OVERQUOTA] slow");
    let gmail = RetryState { failure: waits.failure.clone().about("imap.gmail.com:993"), ..waits };
    assert!(pausing(&gmail).contains("imap.gmail.com:993 · Gmail allows 2.50 GB a day to be read of each mailbox · ["));
    let names = TextNames { provider: MailProvider::of_name("Gmail"), ..TextNames::default() };
    let told = text(&gmail.failure, Some(Side::Destination), &names);
    assert!(
        told.what.starts_with("Gmail allows 500.00 MB a day to be written to each mailbox. Nothing"),
        "{}",
        told.what
    );
    let before = r#"{"failure":{"scope":"connection","retry":"backoff","cause":"connection_lost","doing":"reading a message","server_text":null},"attempt":1,"limit":8,"until":9}"#;
    assert_eq!(serde_json::from_str::<RetryState>(before).unwrap(), pause(None), "as older versions wrote it");
}

#[test]
fn others_that_wait_for_the_same_server_are_counted() {
    assert_eq!(
        [0, 1, 7, 1_204].map(others_wait),
        [
            None,
            Some("1 other waits for this server".to_owned()),
            Some("7 others wait for this server".to_owned()),
            Some("1,204 others wait for this server".to_owned()),
        ]
    );
}

#[test]
fn a_pause_of_a_week_says_what_is_done_and_what_can_be_done() {
    let week = Duration::from_secs(7 * 24 * 3600);
    let failure = Failure::new(Cause::Throttled, Scope::Mailbox, Retry::After(week), "reading");
    let told = text(&failure, Some(Side::Source), &TextNames::default());
    assert_eq!(told.headline, "The source asked for a pause");
    assert!(told.what.contains("named 7 days. It is asked again every hour"), "{}", told.what);
    assert!(told.todo.contains("Stop it") && told.todo.contains("Start it later"), "{}", told.todo);
}

#[test]
fn r45_the_refused_side_is_named() {
    let names = TextNames {
        host: "imap.contoso.example",
        port: 993,
        mailbox: "anna@contoso.example",
        across: "",
        folder: "",
        provider: None,
    };
    let t = words(Cause::LoginRefused, Some(Side::Source), &names);
    assert_eq!(t.headline, "Failed while checking source credentials");
    assert_eq!(
        t.what,
        "imap.contoso.example refused the login of anna@contoso.example. It was tried once, so that the account is not locked."
    );
    let t = words(Cause::LoginRefused, Some(Side::Destination), &names);
    assert_eq!(t.headline, "Failed while checking destination credentials");
    let t =
        words(Cause::FolderRefused, Some(Side::Destination), &TextNames { folder: "Files", ..TextNames::default() });
    assert_eq!(t.headline, "Folder \"Files\" is not allowed at the destination");
    assert!(t.todo.contains("^Files->Files-1"));
}

#[test]
fn r49_sizes_are_written_decimal_with_two_places() {
    let shown = [0, 1, 999, 1000, 112_180_000, 999_994_999, 999_995_000, 3_200_000_000, u64::MAX].map(size);
    assert_eq!(
        shown,
        ["0 bytes", "1 byte", "999 bytes", "1.00 KB", "112.18 MB", "999.99 MB", "1.00 GB", "3.20 GB", "18446.74 PB"]
    );
}

#[test]
fn numbers_and_words_agree() {
    let shown = [(1, "item"), (0, "item"), (2, "entry"), (1, "entry"), (3, "pass"), (2, "day")]
        .map(|(number, one)| counted(number, one));
    assert_eq!(shown, ["1 item", "0 items", "2 entries", "1 entry", "3 passes", "2 days"]);
}

#[test]
fn durations_use_the_unit_that_fits() {
    let minute = 60_000;
    let shown = |ms: u64| duration(Duration::from_millis(ms));
    assert_eq!((shown(0), shown(1), shown(1001)), ("0 seconds".into(), "1 second".into(), "2 seconds".into()));
    assert_eq!(
        (shown(minute), shown(90_000), shown(59 * minute)),
        ("1 minute".into(), "2 minutes".into(), "59 minutes".into())
    );
    assert_eq!((shown(60 * minute), shown(170 * minute)), ("1 hour".into(), "3 hours".into()));
    assert_eq!((shown(47 * 60 * minute), shown(49 * 60 * minute)), ("47 hours".into(), "2 days".into()));
    assert!(shown(u64::MAX).ends_with("days"));
}
