//! Servers as they really are (J.1 to J.5): kinds of oddities, each with several of its kind.

mod any_answer;
mod breaks;
mod flags;
mod greetings;
mod hidden;
mod order;
mod plainer;
mod values;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use mailferry::domain::counts::Counts;
use mailferry::domain::retry::Settle;
use mailferry::pass::PassEnd;

use crate::support::bench::{Bench, Ran};
use crate::support::odd::{self, MODERN, Odd};
use crate::support::product::{Item, Output, Workspace, plain};

/// Two odd servers and a project from one to the other.
struct Odds {
    source: Odd,
    destination: Odd,
    workspace: Workspace,
}

impl Odds {
    /// Both with these capabilities; an inbox with messages 0 to 5, a folder Work with 10 to 13.
    fn new(capabilities: &str) -> Odds {
        Odds::of(Odd::start(capabilities), Odd::start(capabilities))
    }

    fn of(source: Odd, destination: Odd) -> Odds {
        source.fill("INBOX", 0..5);
        source.fill("Work", 10..13);
        let workspace = Workspace::new();
        workspace.project_new(&plain(source.port), &plain(destination.port), &[]);
        workspace.import(&[("anna".into(), "bert".into())]);
        Odds { source, destination, workspace }
    }

    fn modern() -> Odds {
        Odds::new(MODERN)
    }

    /// A pass that ends with this code, within a minute.
    fn start(&self, code: i32) -> (Output, Item) {
        let began = Instant::now();
        let output = self.workspace.start();
        assert!(began.elapsed() < Duration::from_secs(60), "{:?}: {output:?}", began.elapsed());
        (output.expect(code), self.workspace.only())
    }

    /// What the destination holds is what the source holds, in order.
    fn is_copied(&self, folder: &str, told: &str) {
        assert_eq!(self.destination.subjects(folder), self.source.subjects(folder), "{folder}: {told}");
    }
}

/// The same, with passes in this process whose pauses are short.
struct Inside {
    source: Odd,
    destination: Odd,
    bench: Bench,
}

impl Inside {
    async fn new(capabilities: &str) -> Inside {
        let [source, destination] = [(); 2].map(|()| Odd::start(capabilities));
        source.fill("INBOX", 0..5);
        source.fill("Work", 10..13);
        let mut bench = Bench::new((source.port, "anna"), (destination.port, "bert")).await;
        bench.pace.settle = Settle::with_base(Duration::from_millis(30));
        bench.options.connections = 1;
        Inside { source, destination, bench }
    }

    /// A pass that comes to its end; what it counted.
    async fn pass(&self, told: &str) -> (Counts, Ran) {
        let began = Instant::now();
        let ran = self.bench.run().await;
        assert!(matches!(ran.end, PassEnd::Completed { .. }), "{told}: {:?}", ran.end);
        assert!(began.elapsed() < Duration::from_secs(20), "{told}: {:?}", began.elapsed());
        assert!(ran.row.progress.counts.balanced(), "{told}: {:?}", ran.row.progress);
        (ran.row.progress.counts, ran)
    }

    /// What the destination holds is what the source holds, in order.
    fn is_copied(&self, folder: &str, told: &str) {
        assert_eq!(self.destination.subjects(folder), self.source.subjects(folder), "{folder}: {told}");
    }

    /// Two passes: everything is copied, then nothing more.
    async fn moves_all(&self, told: &str) {
        for copied in [8, 0] {
            let (counts, ran) = self.pass(told).await;
            assert_eq!((counts.copied, counts.errors, counts.differ), (copied, 0, 0), "{told}: {ran:?}");
            self.is_copied("INBOX", told);
            self.is_copied("Work", told);
        }
    }
}

/// A message of this number with these flags, at the source.
fn flagged(odds: &Odds, number: u32, flags: &[&str]) {
    let flags: BTreeSet<String> = flags.iter().map(|flag| (*flag).to_owned()).collect();
    let date = "03-Feb-2003 04:05:06 +0530".to_owned();
    odds.source.state().at("INBOX").deliver(odd::letter(number), flags, date);
}

/// The flags of the messages in a folder of the destination, by subject.
fn flags_there(odds: &Odds, folder: &str) -> Vec<(String, Vec<String>)> {
    let mut state = odds.destination.state();
    let letters = state.at(folder).letters.clone();
    letters.into_iter().map(|one| (odd::subject(&one.bytes), one.flags.into_iter().collect())).collect()
}
