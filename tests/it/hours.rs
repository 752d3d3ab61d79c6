//! Run hours through whole passes: a pass that runs into a closing hour stops taking work and closes its connections; it goes
//! on when both servers may be used, also over a night in which the clock is changed.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::tz::TimeZone;
use mailferry::domain::clock::Clock;
use mailferry::domain::failure::{Cause, Side};
use mailferry::domain::progress::RetryState;
use mailferry::domain::time::Timestamp;

use crate::faults::Way;
use crate::support::bench::runtime;
use crate::support::corpus;
use crate::support::dovecot;
use crate::support::relay::{Act, At, PATIENCE, Rules, verb};

const MESSAGES: usize = 600;

/// Moved on by hand.
struct Hands(AtomicI64);

impl Hands {
    fn at(time: &str) -> Arc<Hands> {
        Arc::new(Hands(AtomicI64::new(instant(time))))
    }

    /// A little at a time, as clocks go: what jumps looks like a sleep.
    fn on(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1000, Ordering::SeqCst);
    }

    fn set(&self, time: Timestamp) {
        self.0.store(time.millis(), Ordering::SeqCst);
    }
}

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

fn vienna() -> TimeZone {
    TimeZone::get("Europe/Vienna").expect("a zone")
}

fn instant(time: &str) -> i64 {
    format!("{time}[Europe/Vienna]").parse::<jiff::Zoned>().expect("a time").timestamp().as_millisecond()
}

/// Waits until the pass says that it waits for run hours that begin then.
async fn waits(way: &Way, side: Side, until: &str) -> RetryState {
    let until = Timestamp::from_millis(instant(until));
    let said = async {
        loop {
            let figures = Arc::clone(&way.bench.figures.lock().expect("no panic"));
            let retry = figures.progress().retry;
            if let Some(retry) = retry.filter(|r| r.failure.cause == Cause::OutsideHours && r.until == until) {
                return retry;
            }
            tokio::task::yield_now().await;
        }
    };
    let retry = tokio::time::timeout(PATIENCE, said).await.unwrap_or_else(|_| {
        panic!("{:?} until {until:?}", way.bench.figures.lock().expect("no panic").progress().retry)
    });
    assert_eq!((retry.side, retry.attempt), (Some(side), 0), "no failure, and no try");
    retry
}

async fn night(start: &str, source: &str, destination: &str) -> (Way, Arc<Hands>) {
    // More than can be under way at once, so that the hour finds some that have not begun.
    let mut way = Way::new(&corpus::tiny(MESSAGES), Rules::default(), Rules::singly()).await;
    let hands = Hands::at(start);
    (way.bench.clock, way.bench.zone) = (hands.clone(), vienna());
    let hours = |text: &str| (!text.is_empty()).then(|| text.parse().expect("hours"));
    (way.bench.options.source_hours, way.bench.options.destination_hours) = (hours(source), hours(destination));
    (way.bench.options.connections, way.bench.options.retry_limit) = (1, 1);
    (way, hands)
}

#[test]
fn f5_a_pass_that_runs_into_the_closing_hour_pauses_and_goes_on_when_it_opens() {
    if !dovecot::available() {
        return;
    }
    runtime().block_on(async {
        let (way, hands) = night("2026-11-26T06:59:50", "18:00-07:00", "").await;
        let held = way.destination.plan(At::Command(verb("APPEND").nth(5)), Act::Hold);
        let mut sent = 0;
        let person = async {
            held.wait_async().await;
            hands.on(15);
            held.go_on();
            waits(&way, Side::Source, "2026-11-26T18:00:00").await;
            way.expect_silence().await;
            let left_alone = async {
                while way.source.counters().open > 0 {
                    tokio::task::yield_now().await;
                }
            };
            tokio::time::timeout(PATIENCE, left_alone).await.expect("the source is left alone");
            sent = way.destination.appends().len();
            hands.set(Timestamp::from_millis(instant("2026-11-26T18:00:00")));
        };
        let ran = async { tokio::join!(way.bench.run(), person).0 };
        tokio::time::timeout(PATIENCE, ran).await.expect("it goes on").expect_clean();
        assert!(sent < MESSAGES, "it stopped at once, not at the end: {sent}");
        way.expect_all();
    });
}

#[test]
fn f5_both_servers_hours_are_kept_over_the_night_of_the_clock_change() {
    if !dovecot::available() {
        return;
    }
    runtime().block_on(async {
        // Ten seconds before two, and then it is three at once: of the source's hours the last one does not exist.
        let (way, hands) = night("2026-03-29T01:30:00", "22:00-03:00", "01:59-06:00").await;
        let held = way.destination.plan(At::Command(verb("APPEND").nth(5)), Act::Hold);
        let person = async {
            waits(&way, Side::Destination, "2026-03-29T01:59:00").await;
            assert_eq!((way.source.counters().connections, way.destination.counters().connections), (0, 0));
            hands.set(Timestamp::from_millis(instant("2026-03-29T01:59:50")));
            held.wait_async().await;
            hands.on(15);
            held.go_on();
            let opens = waits(&way, Side::Source, "2026-03-29T22:00:00").await.until;
            hands.set(opens);
            let opens = waits(&way, Side::Destination, "2026-03-30T01:59:00").await.until;
            hands.set(opens);
        };
        let ran = async { tokio::join!(way.bench.run(), person).0 };
        tokio::time::timeout(PATIENCE, ran).await.expect("it goes on").expect_clean();
        way.expect_all();
    });
}
