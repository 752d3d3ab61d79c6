//! Retry mode (D22): what servers say when they want a slower pace, fewer connections or a pause, word by word, at every place
//! where they may say it. A pass pauses as it was told, says why, at which server and until when, and completes with every
//! message once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use mailferry::domain::failure::{Cause, Side};
use mailferry::domain::notice::NoticeKind;
use mailferry::domain::project::Options;
use mailferry::domain::status::Status;
use mailferry::engine::command::LeftAlone;

use crate::support::odd::{MODERN, Odd};
use crate::support::patient::{Patient, Seen, patiently};
use crate::support::product::plain;
use crate::support::relay::{Heard, Said};

const THROTTLED: &str = "BAD Request is throttled. Suggested Backoff Time: 300000 milliseconds";
const BANDWIDTH: &str = "NO [OVERQUOTA] Account exceeded command or bandwidth limits.";

/// Two servers of which one has something to say, and one item between them.
struct Scene {
    servers: [Odd; 2],
    patient: Patient,
}

impl Scene {
    /// With so many messages in the source's inbox.
    async fn new(messages: u32) -> Scene {
        let servers = [Odd::start(MODERN), Odd::start(MODERN)];
        servers[0].fill("INBOX", 0..messages);
        let addresses = [plain(servers[0].port), plain(servers[1].port)];
        let options = Options { connections: 1, ..Options::default() };
        let patient = Patient::new([&addresses[0], &addresses[1]], 1, options).await;
        Scene { servers, patient }
    }

    fn server(&self, side: Side) -> &Odd {
        &self.servers[side as usize]
    }

    fn host(&self, side: Side) -> String {
        format!("127.0.0.1:{}", self.server(side).port)
    }

    /// Everything is there, once and in order; nothing was counted as an error.
    fn assert_moved(&self) {
        let row = &self.patient.rows()[0];
        assert_eq!(row.status, Status::Completed, "{:?}", row.failure);
        assert_eq!((row.progress.counts.errors, row.progress.counts.differ), (0, 0));
        assert_eq!(self.servers[1].subjects("INBOX"), self.servers[0].subjects("INBOX"));
    }
}

/// The first so many answers to this command are these words instead: with the command's tag, or as they are if they begin
/// with `*`.
fn says(verb: &'static str, times: u64, words: &str) -> impl Fn(&Heard<'_>) -> Said + Send + Sync + 'static {
    let (said, words) = (AtomicU64::new(0), words.to_owned());
    move |heard: &Heard<'_>| {
        let tagged = !heard.line.starts_with(['*', '+']) || verb == "GREETING";
        if heard.verb != verb || !tagged || said.fetch_add(1, Ordering::SeqCst) >= times {
            return Said::Kept;
        }
        let tag = heard.line.split(' ').next().unwrap_or_default();
        Said::Instead(if words.starts_with('*') { words.clone() } else { format!("{tag} {words}") })
    }
}

/// A server says these words so often at this command; the pauses that are seen then.
async fn pauses(side: Side, verb: &'static str, times: u64, words: &str) -> (Scene, Vec<Seen>) {
    let mut scene = Scene::new(20).await;
    scene.server(side).bend(says(verb, times, words));
    scene.patient.start().await;
    let mut seen = scene.patient.until_the_end().await;
    scene.assert_moved();
    // What was on its way is waited for besides (D28).
    seen.retain(|seen| seen.retry.failure.cause != Cause::Settling);
    (scene, seen)
}

/// One pause of so many seconds is seen, at that server, and uses up no try.
async fn waits_once(side: Side, verb: &'static str, words: &str, (cause, seconds): (Cause, u64)) {
    let (scene, seen) = pauses(side, verb, 1, words).await;
    let told: Vec<_> = seen.iter().map(Seen::told).collect();
    let host = scene.host(side);
    assert_eq!(told, [(Some(side), host.as_str(), cause, seconds)], "{verb}: {words}: {seen:#?}");
    assert!(seen[0].retry.is_no_try(), "{verb}: {words}: {seen:?}");
    let words = words.trim_start_matches("* ").split_once(' ').map_or(words, |(_, words)| words);
    let shown = seen[0].retry.failure.server_text.as_deref().unwrap_or_default();
    assert!(words.starts_with(shown), "{shown:?} is what was said: {words:?}");
    scene.patient.close().await;
}

const LOGIN_AND_READ: [(Side, &str); 4] =
    [(Side::Source, "LOGIN"), (Side::Source, "EXAMINE"), (Side::Source, "UID FETCH"), (Side::Destination, "LOGIN")];
const WRITE: [(Side, &str); 2] = [(Side::Destination, "SELECT"), (Side::Destination, "APPEND")];

#[test]
fn a_pause_that_the_server_names_is_kept_with_a_tenth_on_top_wherever_it_is_named() {
    patiently(async {
        for (side, verb) in LOGIN_AND_READ.into_iter().chain(WRITE) {
            for words in [THROTTLED, "NO Request is throttled. Suggested Backoff Time: 300000 milliseconds"] {
                waits_once(side, verb, words, (Cause::Throttled, 330)).await;
            }
            let and_hangs_up = format!("* BYE {}", &THROTTLED[4..]);
            waits_once(side, verb, &and_hangs_up, (Cause::Throttled, 330)).await;
        }
    });
}

#[test]
fn a_named_pause_holds_every_connection_of_the_mailbox_and_one_goes_on_first() {
    patiently(async {
        let servers = [Odd::start(MODERN), Odd::start(MODERN)];
        for folder in ["INBOX", "A", "B", "C", "D", "E"] {
            servers[0].fill(folder, 0..400);
        }
        let addresses = [plain(servers[0].port), plain(servers[1].port)];
        // Slow enough that all lanes are at work when the pause comes.
        let options = Options { connections: 4, rate: Some(10_000), ..Options::default() };
        let mut patient = Patient::new([&addresses[0], &addresses[1]], 1, options).await;
        let body = AtomicU64::new(0);
        servers[0].bend(move |heard| {
            let reads = heard.verb == "UID FETCH" && heard.arguments.contains("BODY.PEEK[]");
            match reads && !heard.line.starts_with('*') && body.fetch_add(1, Ordering::SeqCst) == 1 {
                true => Said::Instead(format!("{} {THROTTLED}", heard.line.split(' ').next().unwrap_or_default())),
                false => Said::Kept,
            }
        });
        patient.start().await;
        assert_eq!(patient.until_a_pause().await.told().3, 330);
        // What was under way ends.
        patient.wait(Duration::from_secs(20)).await;
        let heard = |servers: &[Odd; 2]| servers.iter().map(|server| server.state().heard.len()).sum::<usize>();
        let before = heard(&servers);
        patient.wait(Duration::from_secs(290)).await;
        assert_eq!(heard(&servers), before, "nobody asks for anything");
        patient.wait(Duration::from_secs(90)).await;
        patient.until_the_end().await;
        let row = &patient.rows()[0];
        assert_eq!((row.status, row.progress.counts.copied), (Status::Completed, 2400), "{:?}", row.failure);
        for folder in ["INBOX", "A", "B", "C", "D", "E"] {
            let mut there = servers[1].subjects(folder);
            there.sort();
            there.dedup();
            assert_eq!((there.len(), servers[1].subjects(folder).len()), (400, 400), "{folder}");
        }
        patient.close().await;
    });
}

#[test]
fn a_pause_of_a_week_is_asked_about_again_after_an_hour() {
    patiently(async {
        let week = "NO Request is throttled. Suggested Backoff Time: 604800000 milliseconds";
        waits_once(Side::Source, "UID FETCH", week, (Cause::Throttled, 3600)).await;
    });
}

#[test]
fn a_providers_limit_pauses_for_an_hour_then_six_then_a_day_and_keeps_what_was_moved() {
    patiently(async {
        for (side, verb) in LOGIN_AND_READ.into_iter().chain(WRITE) {
            waits_once(side, verb, BANDWIDTH, (Cause::ProviderLimit, 3600)).await;
        }
        for verb in ["GREETING", "UID FETCH"] {
            let bye = "* BYE [OVERQUOTA] Account exceeded command or bandwidth limits.";
            waits_once(Side::Source, verb, bye, (Cause::ProviderLimit, 3600)).await;
        }
        let (scene, seen) = pauses(Side::Source, "UID FETCH", 3, BANDWIDTH).await;
        let hours: Vec<u64> = seen.iter().map(|seen| seen.told().3 / 3600).collect();
        assert_eq!(hours, [1, 6, 24]);
        scene.patient.close().await;
    });
}

#[test]
fn a_folder_that_cannot_be_made_for_now_is_made_later_and_a_full_mailbox_is_no_fault_of_the_folder() {
    patiently(async {
        let texts = [
            (BANDWIDTH, Cause::ProviderLimit, Some(3600)),
            (THROTTLED, Cause::Throttled, Some(330)),
            ("NO [OVERQUOTA] Quota exceeded", Cause::DestinationFull, None),
        ];
        for (words, cause, pause) in texts {
            let mut scene = Scene::new(5).await;
            scene.server(Side::Source).fill("Work", 5..10);
            scene.server(Side::Destination).bend(says("CREATE", 1, words));
            scene.patient.start().await;
            let seen = scene.patient.until_the_end().await;
            let told: Vec<_> = seen.iter().map(|seen| (seen.told().2, seen.told().3)).collect();
            assert_eq!(told, pause.map(|seconds| (cause, seconds)).into_iter().collect::<Vec<_>>(), "{words}");
            let row = scene.patient.rows()[0].clone();
            match &row.failure {
                None => assert_eq!(scene.servers[1].subjects("Work").len(), 5, "{words}"),
                Some((side, failure)) => {
                    assert_eq!((*side, failure.cause), (Some(Side::Destination), cause), "{words}")
                }
            }
            assert_eq!((row.failure.is_none(), row.progress.counts.errors), (pause.is_some(), 0), "{words}");
            scene.patient.close().await;
        }
    });
}

#[test]
fn a_session_that_expired_is_replaced_at_once_and_a_second_one_in_a_row_is_a_limit() {
    patiently(async {
        let expired = "* BYE Session expired, please login again";
        for words in
            [expired, "* BYE Session invalidated - AccessTokenExpired", "NO Session expired, please login again"]
        {
            for (side, verb) in [(Side::Source, "UID FETCH"), (Side::Destination, "SELECT"), (Side::Source, "LIST")] {
                let (scene, seen) = pauses(side, verb, 1, words).await;
                assert_eq!(seen, [], "{verb}: {words}");
                scene.patient.close().await;
            }
        }
        let (scene, seen) = pauses(Side::Source, "LIST", 2, expired).await;
        let host = scene.host(Side::Source);
        let told: Vec<_> = seen.iter().map(Seen::told).collect();
        assert_eq!(told, [(Some(Side::Source), host.as_str(), Cause::ProviderLimit, 3600)]);
        scene.patient.close().await;
    });
}

#[test]
fn too_many_connections_are_tried_again_after_minutes_and_never_fail_a_pass() {
    patiently(async {
        let texts = [
            ("GREETING", "* BYE Too many connections"),
            ("LOGIN", "NO [ALERT] Too many simultaneous connections. (Failure)"),
            ("LOGIN", "NO [LIMIT] not now"),
            ("LOGIN", "NO [AUTHENTICATIONFAILED] Too many login attempts, try again"),
            ("UID FETCH", "* BYE Too many connections"),
        ];
        for (verb, words) in texts {
            let (scene, seen) = pauses(Side::Source, verb, 1, words).await;
            let host = scene.host(Side::Source);
            let expected = (Some(Side::Source), host.as_str(), Cause::TooManyConnections, 60);
            assert_eq!(seen.iter().map(Seen::told).collect::<Vec<_>>(), [expected], "{words}");
            scene.patient.close().await;
        }
        let (scene, seen) = pauses(Side::Destination, "GREETING", 12, "* BYE Too many connections").await;
        let minutes: Vec<u64> = seen.iter().map(|seen| seen.told().3 / 60).collect();
        assert_eq!(minutes, [1, 2, 4, 5, 5, 5, 5, 5, 5, 5, 5, 5], "more often than any limit of tries");
        scene.patient.close().await;
    });
}

#[test]
fn passing_troubles_are_tried_again_with_growing_pauses_and_count_tries() {
    patiently(async {
        let texts = [
            "NO [UNAVAILABLE] Temporary authentication failure.",
            "NO [INUSE] locked",
            "NO Temporary System Problem. Try again later. (Failure)",
            "NO Server is busy",
            "NO Server Unavailable. 15",
        ];
        for (words, (side, verb)) in texts.into_iter().zip(LOGIN_AND_READ.into_iter().chain(WRITE)) {
            let (scene, seen) = pauses(side, verb, 3, words).await;
            let host = scene.host(side);
            for (seen, (attempt, longest)) in seen.iter().zip([(2, 5), (3, 10)]) {
                let (at, to, cause, seconds) = seen.told();
                assert_eq!((at, to, cause), (Some(side), host.as_str(), Cause::ServerBusy), "{words}");
                assert_eq!((seen.retry.attempt, seen.retry.limit), (attempt, 8), "{words}");
                assert!((longest / 2..=longest).contains(&seconds), "{words}: {seconds} seconds");
            }
            assert_eq!(seen.len(), 2, "the first try follows at once: {words}: {seen:#?}");
            scene.patient.close().await;
        }
    });
}

#[test]
fn a_mailbox_that_does_not_open_is_tried_three_times_over_minutes_and_then_asked_about() {
    patiently(async {
        let words = "BAD User is authenticated but not connected.";
        let (scene, seen) = pauses(Side::Source, "LOGIN", 3, words).await;
        assert_eq!(seen.iter().map(|seen| seen.retry.attempt).collect::<Vec<_>>(), [1, 2, 3]);
        scene.patient.close().await;
        let mut scene = Scene::new(1).await;
        scene.server(Side::Source).bend(says("LOGIN", 9, words));
        scene.patient.start().await;
        scene.patient.until_the_end().await;
        let row = &scene.patient.rows()[0];
        let (side, failure) = row.failure.as_ref().expect("a failure");
        assert_eq!((row.status, *side, failure.cause), (Status::Failed, Some(Side::Source), Cause::MailboxNotOpened));
        scene.patient.close().await;
    });
}

#[test]
fn retry_now_ends_no_pause_that_a_server_named_and_says_so() {
    patiently(async {
        for (words, may) in [(THROTTLED, false), (BANDWIDTH, true)] {
            let mut scene = Scene::new(5).await;
            scene.server(Side::Source).bend(says("UID FETCH", 1, words));
            scene.patient.start().await;
            scene.patient.until_a_pause().await;
            let outcome = scene.patient.retry_now().await;
            let item = scene.patient.items[0];
            match may {
                true => assert_eq!(outcome.done, [item]),
                false => assert_eq!(outcome.left, [(item, LeftAlone::NamedPause)]),
            }
            scene.patient.until_the_end().await;
            scene.assert_moved();
            scene.patient.close().await;
        }
    });
}

#[test]
fn a_good_answer_that_asks_for_a_slower_pace_is_no_pause() {
    patiently(async {
        let (scene, seen) = pauses(Side::Source, "EXAMINE", 1, "OK [READ-ONLY] opened [THROTTLED]").await;
        assert_eq!(seen, [], "it is no pause");
        scene.patient.close().await;
    });
}

#[test]
fn alerts_and_warnings_of_quotas_are_told_and_stop_nothing() {
    patiently(async {
        let mut scene = Scene::new(5).await;
        let lines = "* OK [ALERT] Maintenance on Sunday\r\n* NO [OVERQUOTA] Soft quota has been exceeded";
        scene.server(Side::Destination).bend(move |heard| match heard.verb {
            "APPEND" => Said::Instead(format!("{lines}\r\n{}", heard.line)),
            _ => Said::Kept,
        });
        scene.patient.start().await;
        assert_eq!(scene.patient.until_the_end().await, []);
        scene.assert_moved();
        let pass = scene.patient.rows()[0].pass.expect("a pass").id;
        let notices = scene.patient.store.notices(pass, 100, 0).await.expect("read");
        let said: Vec<_> = notices.iter().filter(|notice| notice.kind == NoticeKind::ServerSays).collect();
        let told: Vec<_> = said.iter().filter_map(|notice| notice.detail.as_deref()).collect();
        assert_eq!(told, ["[ALERT] Maintenance on Sunday", "[OVERQUOTA] Soft quota has been exceeded"]);
        assert!(said.iter().all(|notice| notice.side == Some(Side::Destination)));
        scene.patient.close().await;
    });
}

#[test]
fn a_session_ends_before_the_tenth_command_that_a_server_cannot_read() {
    patiently(async {
        let mut scene = Scene::new(40).await;
        let (bad, most) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let counts = (Arc::clone(&bad), Arc::clone(&most));
        scene.server(Side::Source).bend(move |heard| {
            if heard.verb == "GREETING" {
                counts.1.fetch_max(counts.0.swap(0, Ordering::SeqCst), Ordering::SeqCst);
            }
            let body = heard.verb == "UID FETCH" && heard.arguments.contains("BODY.PEEK[]");
            match body && heard.line.starts_with('*') {
                true => Said::Nothing,
                false if body => {
                    counts.0.fetch_add(1, Ordering::SeqCst);
                    let tag = heard.line.split(' ').next().unwrap_or_default();
                    Said::Instead(format!("{tag} BAD Command Argument Error. 11"))
                }
                false => Said::Kept,
            }
        });
        scene.patient.start().await;
        assert_eq!(scene.patient.until_the_end().await, [], "no pause, and no try");
        let row = &scene.patient.rows()[0];
        assert_eq!((row.status, row.progress.counts.errors), (Status::Completed, 40), "{:?}", row.failure);
        let most = most.load(Ordering::SeqCst).max(bad.load(Ordering::SeqCst));
        assert!((8..10).contains(&most), "{most} in one session");
        scene.patient.close().await;
    });
}

#[test]
fn eight_items_share_a_server_that_allows_three_connections_in_all() {
    patiently(async {
        let server = Odd::start(MODERN);
        server.state().allowed = 3;
        server.fill("INBOX", 0..30);
        server.fill("Work", 30..60);
        let options = Options { connections: 2, ..Options::default() };
        let addresses = [plain(server.port), "maildir:{folder}/{email}".to_owned()];
        let mut patient = Patient::new([&addresses[0], &addresses[1]], 8, options).await;
        patient.start().await;
        let seen = patient.until_the_end().await;
        let host = format!("127.0.0.1:{}", server.port);
        for row in patient.rows() {
            assert_eq!((row.status, row.progress.counts.copied), (Status::Completed, 60), "{:?}", row.failure);
            let mail = |folder: &str| {
                let home =
                    patient.path().join(format!("{}@new.example", row.destination.split('@').next().unwrap_or("")));
                let parts = ["cur", "new"].map(|part| home.join(folder).join(part));
                parts.iter().map(|part| std::fs::read_dir(part).map_or(0, Iterator::count)).sum::<usize>()
            };
            assert_eq!((mail("."), mail(".Work")), (30, 30), "{}", row.destination);
        }
        assert!(!seen.is_empty(), "some waited");
        for seen in &seen {
            let (side, at, cause, _) = seen.told();
            assert_eq!((side, at, cause), (Some(Side::Source), host.as_str(), Cause::TooManyConnections));
        }
        assert_eq!(server.state().most_open, 3);
        patient.close().await;
    });
}

#[test]
fn a_pause_of_hours_costs_no_time_here() {
    let began = std::time::Instant::now();
    patiently(waits_once(Side::Source, "UID FETCH", BANDWIDTH, (Cause::ProviderLimit, 3600)));
    assert!(began.elapsed() < Duration::from_secs(60));
}

#[test]
fn the_most_connections_to_a_server_hold_for_all_items_together() {
    patiently(async {
        let server = Odd::start(MODERN);
        server.fill("INBOX", 0..20);
        server.fill("Work", 20..40);
        let options = Options { connections: 4, server_connections: 2, ..Options::default() };
        let addresses = [plain(server.port), "maildir:{folder}/{email}".to_owned()];
        let mut patient = Patient::new([&addresses[0], &addresses[1]], 8, options).await;
        patient.start().await;
        let seen = patient.until_the_end().await;
        for row in patient.rows() {
            assert_eq!((row.status, row.progress.counts.copied), (Status::Completed, 40), "{:?}", row.failure);
        }
        assert!(!seen.is_empty(), "some waited");
        assert_eq!(server.state().most_open, 2);
        patient.close().await;
    });
}

/// Numbers of a run that can be repeated.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % n
    }
}

/// What a server may say at any command, and what it may only say there.
const ANYWHERE: [&str; 12] = [
    THROTTLED,
    "* BYE Request is throttled. Suggested Backoff Time: 60000 milliseconds",
    BANDWIDTH,
    "* BYE [OVERQUOTA] Account exceeded command or bandwidth limits.",
    "* BYE Session expired, please login again",
    "* BYE Session invalidated - AccessTokenExpired",
    "BAD Session invalidated - AccessTokenExpired",
    "* BYE Too many connections",
    "NO [UNAVAILABLE] not now",
    "NO Temporary System Problem. Try again later. (Failure)",
    "* BYE Connection closed. 14",
    "NO slower please [THROTTLED]",
];

const FOLDERS: [&str; 4] = ["INBOX", "Work", "Archive", "Sent"];

/// A server that answers some commands like this: which one of which verb, and what it says instead.
fn mixed(mut plan: Vec<(&'static str, u64, &'static str)>) -> impl Fn(&Heard<'_>) -> Said + Send + Sync + 'static {
    plan.sort_unstable();
    let counts: Vec<AtomicU64> = plan.iter().map(|_| AtomicU64::new(0)).collect();
    move |heard: &Heard<'_>| {
        let tagged = !heard.line.starts_with(['*', '+']);
        for ((verb, nth, words), count) in plan.iter().zip(&counts) {
            if tagged && heard.verb == *verb && count.fetch_add(1, Ordering::SeqCst) == *nth {
                let tag = heard.line.split(' ').next().unwrap_or_default();
                let instead = if words.starts_with('*') { (*words).to_owned() } else { format!("{tag} {words}") };
                return Said::Instead(instead);
            }
        }
        Said::Kept
    }
}

#[test]
fn whatever_servers_say_and_wherever_every_message_arrives_once() {
    patiently(async {
        let seeds = std::env::var("MAILFERRY_SEEDS").ok().and_then(|seeds| seeds.parse().ok());
        for seed in 1..=seeds.unwrap_or(12) {
            let mut dice = Dice(seed);
            let capabilities =
                [MODERN, "LITERAL+ LIST-STATUS NAMESPACE", "UIDPLUS MULTIAPPEND LITERAL+"][dice.below(3)];
            let servers = [Odd::start(MODERN), Odd::start(capabilities)];
            servers[0].fill("INBOX", 0..40);
            for (at, folder) in FOLDERS.iter().enumerate().skip(1) {
                servers[0].fill(folder, at as u32 * 100..at as u32 * 100 + 30);
            }
            let verbs = [
                &["LOGIN", "LIST", "EXAMINE", "UID FETCH", "UID FETCH"],
                &["LOGIN", "SELECT", "APPEND", "APPEND", "CREATE"],
            ];
            let mut plans = Vec::new();
            for (server, verbs) in servers.iter().zip(verbs) {
                let count = 1 + dice.below(3);
                let plan: Vec<_> = (0..count)
                    .map(|_| (verbs[dice.below(5)], dice.below(6) as u64, ANYWHERE[dice.below(ANYWHERE.len())]))
                    .collect();
                server.bend(mixed(plan.clone()));
                plans.push(plan);
            }
            let addresses = [plain(servers[0].port), plain(servers[1].port)];
            let options = Options { connections: 1 + dice.below(3) as u32, ..Options::default() };
            let mut patient = Patient::new([&addresses[0], &addresses[1]], 1, options).await;
            patient.start().await;
            patient.until_the_end().await;
            let row = &patient.rows()[0];
            let told = (row.status, row.progress.counts.errors, row.progress.counts.differ);
            assert_eq!(told, (Status::Completed, 0, 0), "seed {seed}, {plans:?}: {:?}", row.failure);
            for folder in FOLDERS {
                let [mut here, mut there] = [0, 1].map(|side: usize| servers[side].subjects(folder));
                here.sort();
                there.sort();
                assert_eq!(here, there, "seed {seed}, {folder}, {plans:?}");
            }
            patient.close().await;
        }
    });
}
