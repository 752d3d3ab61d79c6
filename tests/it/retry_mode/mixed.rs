//! Many things said at many places, as the dice fall.

use std::sync::atomic::{AtomicU64, Ordering};

use mailferry::domain::project::Options;
use mailferry::domain::status::Status;

use super::{BANDWIDTH, THROTTLED};
use crate::support::odd::{MODERN, Odd};
use crate::support::patient::{Patient, patiently};
use crate::support::product::plain;
use crate::support::relay::{Heard, Said};

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
