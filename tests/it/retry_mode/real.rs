//! The words of large mail systems before a real server: a relay says them in Dovecot's stead, which never sees the command.

use std::ops::RangeInclusive;
use std::time::Duration;

use mailferry::domain::failure::{Cause, Side};
use mailferry::domain::project::Options;
use mailferry::domain::status::Status;

use super::{BANDWIDTH, THROTTLED};
use crate::support::compare::{self, Mailbox};
use crate::support::dovecot::{self, Dovecot, Format};
use crate::support::patient::{Patient, Seen, patiently};
use crate::support::product::plain;
use crate::support::relay::{Act, At, Hit, Relay, Rules, Which, verb};
use crate::support::scene::message;

/// One item between mailboxes of two real servers, each behind a relay.
struct Real {
    relays: [Relay; 2],
    users: [String; 2],
    patient: Patient,
}

fn servers() -> [&'static Dovecot; 2] {
    [dovecot::shared(Format::Sdbox), dovecot::shared_twin(Format::Sdbox)]
}

impl Real {
    /// With twelve messages in the source's inbox.
    async fn new() -> Real {
        let users = servers().map(|server| server.user("said"));
        let mut source = servers()[0].login(&users[0]);
        source.append_all("INBOX", &(0..12).map(message).collect::<Vec<_>>());
        // So that LOGIN is what logs in, and each message goes alone.
        let rules = Rules::hiding(&["AUTH=PLAIN", "MULTIAPPEND"]);
        let relays = servers().map(|server| Relay::start(server.plain_port, rules.clone()));
        let addresses = [plain(relays[0].port), plain(relays[1].port)];
        let options = Options { connections: 1, ..Options::default() };
        let patient = Patient::between([&addresses[0], &addresses[1]], vec![users.clone()], options).await;
        Real { relays, users, patient }
    }

    fn host(&self, side: Side) -> String {
        format!("127.0.0.1:{}", self.relays[side as usize].port)
    }

    /// These words are said in the stead of that server at these commands; after a BYE it hangs up.
    fn says(&self, side: Side, which: Which, words: &str) -> Hit {
        let act = match words.starts_with('*') {
            true => Act::SayAndClose(words.to_owned()),
            false => Act::Answer(words.to_owned()),
        };
        self.relays[side as usize].plan(At::Command(which), act)
    }

    /// A pass, to its end over all pauses; what was on its way is waited for besides (D28).
    async fn pass(&mut self) -> Vec<Seen> {
        self.patient.start().await;
        let mut seen = self.patient.until_the_end().await;
        seen.retain(|seen| seen.retry.failure.cause != Cause::Settling);
        seen
    }

    fn mailboxes(&self) -> [Mailbox; 2] {
        [0, 1].map(|side| Mailbox::read(&mut servers()[side].login(&self.users[side])))
    }

    /// Everything is there, once; nothing was counted as an error.
    fn assert_moved(&self, words: &str) {
        let row = &self.patient.rows()[0];
        assert_eq!(row.status, Status::Completed, "{words}: {:?}", row.failure);
        assert_eq!((row.progress.counts.errors, row.progress.counts.differ), (0, 0), "{words}");
        let [here, there] = self.mailboxes();
        compare::assert_nothing_lost_or_doubled(&here, &there, &compare::same_names(&here));
        self.relays[0].assert_source_read_only();
    }

    /// What made the pass fail.
    fn failed(&self) -> (Option<Side>, Cause) {
        let row = &self.patient.rows()[0];
        let (side, failure) = row.failure.as_ref().expect("a failure");
        assert_eq!(row.status, Status::Failed);
        (*side, failure.cause)
    }
}

/// At these words, said so often, this pause is seen; or none.
struct Text {
    words: &'static str,
    times: u64,
    pause: Option<(Cause, RangeInclusive<u64>)>,
}

const fn paused(words: &'static str, cause: Cause, seconds: u64) -> Text {
    Text { words, times: 1, pause: Some((cause, seconds..=seconds)) }
}

/// The first try follows at once, so it is said twice.
const fn busy(words: &'static str) -> Text {
    Text { words, times: 2, pause: Some((Cause::ServerBusy, 3..=5)) }
}

const fn at_once(words: &'static str) -> Text {
    Text { words, times: 1, pause: None }
}

const NAMED_AND_LIMITED: [Text; 6] = [
    paused(THROTTLED, Cause::Throttled, 330),
    paused("NO Request is throttled. Suggested Backoff Time: 300000 milliseconds", Cause::Throttled, 330),
    paused("* BYE Request is throttled. Suggested Backoff Time: 300000 milliseconds", Cause::Throttled, 330),
    paused(BANDWIDTH, Cause::ProviderLimit, 3600),
    paused("* BYE [OVERQUOTA] Account exceeded command or bandwidth limits.", Cause::ProviderLimit, 3600),
    paused("NO [ALERT] Too many simultaneous connections. (Failure)", Cause::TooManyConnections, 60),
];
const PASSING: [Text; 8] = [
    busy("NO Temporary System Problem. Try again later. (Failure)"),
    busy("NO Server Unavailable. 15"),
    busy("NO [UNAVAILABLE] Server is busy"),
    busy("NO [INUSE] locked"),
    at_once("* BYE Session invalidated - AccessTokenExpired"),
    at_once("BAD Session invalidated - AccessTokenExpired"),
    at_once("* BYE Session expired, please login again"),
    at_once("* BYE Connection closed. 14"),
];

fn places() -> [(Side, Which); 6] {
    let body = || verb("UID FETCH").with("BODY.PEEK[]");
    let (from, to) = (Side::Source, Side::Destination);
    [
        (from, verb("LOGIN")),
        (from, verb("EXAMINE")),
        (from, body()),
        (to, verb("LOGIN")),
        (to, verb("SELECT")),
        // The same message each time: others are on their way behind it.
        (to, verb("APPEND").with("05-Feb-2003")),
    ]
}

async fn pauses_as_told(texts: &[Text]) {
    for text in texts {
        for (side, which) in places() {
            let case = format!("{which:?}: {}", text.words);
            let mut real = Real::new().await;
            let hit = real.says(side, which.first(text.times), text.words);
            let seen = real.pass().await;
            assert_eq!(hit.count(), text.times, "{case}");
            real.assert_moved(&case);
            match (&text.pause, seen.as_slice()) {
                (None, []) => {}
                (Some((cause, seconds)), [seen]) => {
                    let host = real.host(side);
                    let (at, to, why, lasts) = seen.told();
                    assert_eq!((at, to, why), (Some(side), host.as_str(), *cause), "{case}");
                    assert!(seconds.contains(&lasts), "{case}: {lasts} seconds");
                }
                (_, seen) => panic!("{case}: {seen:#?}"),
            }
            real.patient.close().await;
        }
    }
}

#[test]
fn pauses_and_limits_are_kept_as_told_wherever_they_are_said() {
    if dovecot::available() {
        patiently(pauses_as_told(&NAMED_AND_LIMITED));
    }
}

#[test]
fn what_passes_by_itself_is_tried_again_wherever_it_is_said() {
    if dovecot::available() {
        patiently(pauses_as_told(&PASSING));
    }
}

#[test]
fn nothing_is_asked_of_either_server_while_a_named_pause_lasts() {
    if !dovecot::available() {
        return;
    }
    patiently(async {
        let mut real = Real::new().await;
        real.says(Side::Destination, verb("APPEND").nth(3), THROTTLED);
        real.patient.start().await;
        assert_eq!(real.patient.until_a_pause().await.told().3, 330);
        // What was under way ends.
        real.patient.wait(Duration::from_secs(20)).await;
        let heard = |real: &Real| real.relays.iter().map(|relay| relay.commands().len()).sum::<usize>();
        let before = heard(&real);
        real.patient.wait(Duration::from_secs(300)).await;
        assert_eq!(heard(&real), before);
        real.patient.until_the_end().await;
        real.assert_moved(THROTTLED);
        real.patient.close().await;
    });
}

#[test]
fn a_server_that_asks_for_a_slower_pace_in_a_good_answer_is_not_waited_for() {
    if !dovecot::available() {
        return;
    }
    patiently(async {
        let mut real = Real::new().await;
        let slower = Act::Answer("OK [READ-ONLY] Examine completed [THROTTLED]".into());
        real.relays[0].plan(At::Answer(verb("EXAMINE")), slower);
        assert_eq!(real.pass().await, []);
        real.assert_moved("[THROTTLED]");
        real.patient.close().await;
    });
}

#[test]
fn a_refused_message_is_an_error_of_its_own_and_all_others_arrive() {
    if !dovecot::available() {
        return;
    }
    let texts = [
        ("BAD Command Argument Error. 11", Cause::MessageRefused),
        ("BAD [CLIENTBUG] APPEND Missing final CRLF", Cause::MessageRefused),
        ("NO Message contains NUL characters", Cause::MessageMalformed),
        ("NO Message contains invalid header", Cause::MessageMalformed),
        ("NO [PARSE] Unable to parse message", Cause::MessageMalformed),
        ("NO The message contains a virus", Cause::MessageRefused),
        ("NO Maximum size of appendable message has been exceeded", Cause::TooBig),
        ("NO [TOOBIG] maximum message size exceeded", Cause::TooBig),
    ];
    patiently(async {
        for (words, cause) in texts {
            let mut real = Real::new().await;
            // One message of the inbox has this date.
            let refused = verb("APPEND").with("05-Feb-2003").every();
            real.says(Side::Destination, refused, words);
            assert_eq!(real.pass().await, [], "{words}");
            let row = &real.patient.rows()[0];
            let counts = row.progress.counts;
            assert_eq!((row.status, counts.copied, counts.errors), (Status::Completed, 11, 1), "{words}");
            let errors = real.patient.store.item_errors(row.pass.expect("a pass").id, 10, 0).await.expect("read");
            let told: Vec<_> = errors.iter().map(|row| (row.error.side, row.error.failure.cause)).collect();
            assert_eq!(told, [(Some(Side::Destination), cause)], "{words}");
            let [here, there] = real.mailboxes();
            let lost = compare::losses(&here, &there, &compare::same_names(&here));
            assert_eq!(lost.len(), 1, "{words}: {lost:?}");
            real.patient.close().await;
        }
    });
}

#[test]
fn a_refused_login_is_tried_once_and_the_next_start_completes() {
    if !dovecot::available() {
        return;
    }
    let texts = [
        "NO [AUTHENTICATIONFAILED] Authentication failed.",
        "NO [ALERT] Please log in via your web browser: https://support.example/mail (Failure)",
        "NO [ALERT] Application-specific password required: https://support.example/mail (Failure)",
        "NO [AUTHORIZATIONFAILED] not for you",
        "NO [EXPIRED] password expired",
        "NO [PRIVACYREQUIRED] not without TLS",
        "NO [CONTACTADMIN] locked",
        "NO AUTHENTICATE failed.",
    ];
    patiently(async {
        for (words, side) in texts.into_iter().zip([Side::Source, Side::Destination].into_iter().cycle()) {
            let mut real = Real::new().await;
            let hit = real.says(side, verb("LOGIN").every(), words);
            assert_eq!(real.pass().await, [], "{words}");
            let cause = if words.contains("PRIVACYREQUIRED") { Cause::NoPasswords } else { Cause::LoginRefused };
            assert_eq!(real.failed(), (Some(side), cause), "{words}");
            assert_eq!(hit.count(), 1, "{words}");
            real.relays[side as usize].forget_plans();
            assert_eq!(real.pass().await, [], "{words}");
            real.assert_moved(words);
            real.patient.close().await;
        }
    });
}

#[test]
fn what_a_person_has_to_do_ends_the_pass_and_the_next_start_goes_on() {
    if !dovecot::available() {
        return;
    }
    let full = verb("APPEND").nth(4);
    let opens = verb("LOGIN").every();
    let texts = [
        (full, "NO [OVERQUOTA] Quota exceeded (mailbox for user is full)", Cause::DestinationFull, 0),
        (opens, "BAD User is authenticated but not connected.", Cause::MailboxNotOpened, 3),
    ];
    patiently(async {
        for (which, words, cause, pauses) in texts {
            let mut real = Real::new().await;
            real.says(Side::Destination, which, words);
            assert_eq!(real.pass().await.len(), pauses, "{words}");
            assert_eq!(real.failed(), (Some(Side::Destination), cause), "{words}");
            real.relays[1].forget_plans();
            assert_eq!(real.pass().await, [], "{words}");
            real.assert_moved(words);
            real.patient.close().await;
        }
    });
}

#[test]
fn a_refused_folder_waits_for_a_person_and_the_others_are_copied() {
    if !dovecot::available() {
        return;
    }
    let (from, to) = (Side::Source, Side::Destination);
    let texts = [
        (to, "CREATE", "NO Folder name is reserved"),
        (to, "CREATE", "NO [CANNOT] Folder contains excess whitespace"),
        (from, "EXAMINE", "NO EXAMINE Unsafe Login. Please contact kefu@188.com for help"),
    ];
    patiently(async {
        for (side, verb_of_it, words) in texts {
            let mut real = Real::new().await;
            let mut source = servers()[0].login(&real.users[0]);
            source.create("Files");
            source.append_all("Files", &(20..24).map(message).collect::<Vec<_>>());
            real.says(side, verb(verb_of_it).with("Files").every(), words);
            assert_eq!(real.pass().await, [], "{words}");
            let row = &real.patient.rows()[0];
            let counts = row.progress.counts;
            assert_eq!((row.status, counts.copied, counts.errors), (Status::Completed, 12, 4), "{words}");
            let errors = real.patient.store.item_errors(row.pass.expect("a pass").id, 10, 0).await.expect("read");
            let mut causes: Vec<_> = errors.iter().map(|row| (row.error.side, row.error.failure.cause)).collect();
            causes.dedup();
            assert_eq!(causes, [(Some(side), Cause::FolderRefused)], "{words}");
            real.relays[side as usize].forget_plans();
            assert_eq!(real.pass().await, [], "{words}");
            real.assert_moved(words);
            real.patient.close().await;
        }
    });
}

#[test]
fn a_login_that_is_refused_for_one_of_five_reasons_is_tried_once_more_after_a_pause() {
    if !dovecot::available() {
        return;
    }
    let words = "NO Login fail. Account is abnormal, service is not open, password is incorrect, login frequency limited, \
                 or system is busy";
    patiently(async {
        for (said, heard) in [(1, 1), (5, 2)] {
            let mut real = Real::new().await;
            let hit = real.says(Side::Source, verb("LOGIN").first(said), words);
            let seen = real.pass().await;
            let host = real.host(Side::Source);
            let [only] = seen.as_slice() else { panic!("{seen:#?}") };
            let (side, at, cause, seconds) = only.told();
            assert_eq!((side, at, cause), (Some(Side::Source), host.as_str(), Cause::LoginRefused));
            assert!((150..=300).contains(&seconds), "{seconds}");
            assert_eq!((only.retry.attempt, only.retry.limit), (1, 1));
            assert_eq!(hit.count(), heard);
            match said {
                1 => real.assert_moved(words),
                _ => assert_eq!(real.failed(), (Some(Side::Source), Cause::LoginRefused)),
            }
            real.patient.close().await;
        }
    });
}
