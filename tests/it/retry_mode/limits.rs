//! Limits of providers, sessions that end, troubles that pass, and what servers say to people.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use mailferry::domain::failure::{Cause, Side};
use mailferry::domain::notice::NoticeKind;
use mailferry::domain::status::Status;

use super::{BANDWIDTH, LOGIN_AND_READ, Scene, THROTTLED, WRITE, pauses, says, waits_once};
use crate::support::patient::{Seen, patiently};
use crate::support::relay::Said;

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
