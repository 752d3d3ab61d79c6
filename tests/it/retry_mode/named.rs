//! Pauses that servers name: kept to the second, by all connections, whatever a person says.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use mailferry::domain::failure::{Cause, Side};
use mailferry::domain::project::Options;
use mailferry::domain::status::Status;
use mailferry::engine::command::LeftAlone;

use super::{BANDWIDTH, LOGIN_AND_READ, Scene, THROTTLED, WRITE, pauses, says, waits_once};
use crate::support::odd::{MODERN, Odd};
use crate::support::patient::{Patient, patiently};
use crate::support::product::plain;
use crate::support::relay::Said;

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
fn a_pause_of_hours_costs_no_time_here() {
    let began = std::time::Instant::now();
    patiently(waits_once(Side::Source, "UID FETCH", BANDWIDTH, (Cause::ProviderLimit, 3600)));
    assert!(began.elapsed() < Duration::from_secs(60));
}
