//! A computer that sleeps while passes run: ten minutes of its clock go by, every socket is dead, and nobody tells. The pass
//! goes on over new connections; no error is counted and no try used up.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use mailferry::domain::clock::Clock;
use mailferry::domain::retry::Settle;
use mailferry::domain::time::Timestamp;
use mailferry::endpoint::imap::Timeouts;
use mailferry::platform::clock::SystemClock;

use crate::faults::Way;
use crate::support::bench::runtime;
use crate::support::corpus;
use crate::support::dovecot;
use crate::support::relay::{Act, At, Break, Chaos, Hit, PATIENCE, Rules, verb};

/// The machine's clock, and the time that it slept.
#[derive(Default)]
struct Bedside(AtomicI64);

impl Bedside {
    fn sleep(&self, minutes: i64) {
        self.0.fetch_add(minutes * 60_000, Ordering::SeqCst);
    }
}

impl Clock for Bedside {
    fn now(&self) -> Timestamp {
        SystemClock.now().plus(Duration::from_millis(self.0.load(Ordering::SeqCst).unsigned_abs()))
    }
}

/// The computer sleeps ten minutes whenever one of these connections lies still, in whatever order they do.
async fn nights(clock: &Bedside, hits: &[Hit]) {
    let night = |hit: Hit| async move {
        hit.wait_async().await;
        clock.sleep(10);
    };
    join_all(hits.iter().cloned().map(night)).await;
}

#[test]
fn f6_ten_minutes_of_sleep_with_dead_sockets_count_no_error_and_use_up_no_try() {
    if !dovecot::available() {
        return;
    }
    runtime().block_on(async {
        let places = [(true, "LIST"), (true, "EXAMINE"), (true, "UID FETCH"), (false, "LIST"), (false, "APPEND")];
        for (reads, command) in places {
            let mut way = Way::new(&corpus::tiny(60), Rules::default(), Rules::singly()).await;
            let clock: Arc<Bedside> = Arc::default();
            way.bench.clock = clock.clone();
            // Nothing but the clock tells: no time-out comes before the test has lost its patience.
            way.bench.timeouts = Timeouts { silence: PATIENCE * 2, write: PATIENCE * 2, ..Timeouts::default() };
            (way.bench.options.connections, way.bench.options.retry_limit) = (1, 1);
            let relay = if reads { &way.source } else { &way.destination };
            let hits: Vec<Hit> =
                (1..=3).map(|nth| relay.plan(At::Command(verb(command).nth(nth)), Act::Stall)).collect();
            let ran = async { tokio::join!(way.bench.run(), nights(&clock, &hits)).0 };
            let ran = tokio::time::timeout(PATIENCE, ran).await.unwrap_or_else(|_| panic!("{command} hangs"));
            ran.expect_clean();
            way.expect_all();
            way.source.forget_plans();
            way.destination.forget_plans();
        }
    });
}

#[test]
fn f6_with_several_connections_all_of_them_are_made_anew() {
    if !dovecot::available() {
        return;
    }
    runtime().block_on(async {
        let mut way = Way::new(&corpus::small(77), Rules::default(), Rules::default()).await;
        let clock: Arc<Bedside> = Arc::default();
        way.bench.clock = clock.clone();
        way.bench.timeouts = Timeouts { silence: PATIENCE * 2, write: PATIENCE * 2, ..Timeouts::default() };
        (way.bench.options.connections, way.bench.options.retry_limit) = (3, 1);
        // How many there are hangs on how far a connection had read when the computer slept: five at least.
        let source = way.source.plan(At::Command(verb("UID FETCH").nth(3)), Act::Stall);
        let destination = way.destination.plan(At::Command(verb("APPEND").nth(4)), Act::Stall);
        let hits = [destination, source];
        let ran = async { tokio::join!(way.bench.run(), nights(&clock, &hits)).0 };
        let ran = tokio::time::timeout(PATIENCE, ran).await.expect("it ends");
        ran.expect_clean();
        way.expect_all();
    });
}

/// Three connections lie still, somewhere.
fn stalls(seed: u64) -> Rules {
    let chaos = Chaos { seed, after: (300, 30_000), kinds: vec![Break::Stall], limit: 3 };
    Rules { chaos: Some(chaos), ..Rules::default() }
}

#[test]
fn f6_sleeps_wherever_they_come_lose_nothing_double_nothing_and_use_up_no_try() {
    if !dovecot::available() {
        return;
    }
    runtime().block_on(async {
        for seed in 1..=6 {
            let mut way = Way::new(&corpus::small(300 + seed), stalls(seed), stalls(seed + 50)).await;
            let clock: Arc<Bedside> = Arc::default();
            way.bench.clock = clock.clone();
            way.bench.timeouts = Timeouts { silence: PATIENCE * 2, write: PATIENCE * 2, ..Timeouts::default() };
            way.bench.options.connections = 1 + u32::try_from(seed % 3).expect("small");
            way.bench.options.retry_limit = 1;
            let nights = async {
                let mut slept = 0;
                loop {
                    let still = way.source.counters().broken + way.destination.counters().broken;
                    if std::mem::replace(&mut slept, still) < still {
                        clock.sleep(10);
                    }
                    tokio::task::yield_now().await;
                }
            };
            let ran = async {
                tokio::select! {
                    ran = way.bench.run() => ran,
                    () = nights => unreachable!("nights do not end"),
                }
            };
            let ran = tokio::time::timeout(PATIENCE, ran).await.unwrap_or_else(|_| panic!("seed {seed} hangs"));
            ran.expect_clean();
            way.expect_all();
        }
    });
}

#[test]
fn f6_what_lands_after_the_computer_woke_is_waited_for_and_not_sent_twice() {
    if !dovecot::available() {
        return;
    }
    runtime().block_on(async {
        for rules in [Rules::singly(), Rules::hiding(&["UIDPLUS", "MULTIAPPEND"])] {
            let mut way = Way::new(&corpus::tiny(60), Rules::default(), rules).await;
            let clock: Arc<Bedside> = Arc::default();
            way.bench.clock = clock.clone();
            way.bench.pace.settle = Settle { base: Duration::from_secs(5), ..Settle::default() };
            (way.bench.options.connections, way.bench.options.retry_limit) = (1, 1);
            let held = way.destination.plan(At::Command(verb("APPEND").nth(20)), Act::Hold);
            let night = async {
                held.wait_async().await;
                let before = way.destination.counters().connections;
                clock.sleep(10);
                // The server takes in what it had received when the computer is back on a new connection.
                while way.destination.counters().connections == before {
                    tokio::task::yield_now().await;
                }
                held.go_on();
            };
            let ran = async { tokio::join!(way.bench.run(), night).0 };
            tokio::time::timeout(PATIENCE, ran).await.expect("it ends").expect_clean();
            way.expect_silence().await;
            way.expect_all();
        }
    });
}
