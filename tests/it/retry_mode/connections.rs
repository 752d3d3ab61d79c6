//! Servers that allow so many connections and no more.

use mailferry::domain::failure::{Cause, Side};
use mailferry::domain::project::Options;
use mailferry::domain::status::Status;

use super::pauses;
use crate::support::odd::{MODERN, Odd};
use crate::support::patient::{Patient, Seen, patiently};
use crate::support::product::plain;

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
