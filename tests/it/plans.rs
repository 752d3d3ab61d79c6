//! What a pass does is asked of its plan (D31): which messages, how many, and whether it calls folders done.

use mailferry::domain::counts::Counts;
use mailferry::domain::folder::FolderPath;
use mailferry::domain::ids::{PassId, Uid};
use mailferry::domain::pass::PassKind;
use mailferry::domain::pass_plan::{Parameters, PassPlan, TRIAL_BYTES};
use mailferry::domain::time::Timestamp;

use crate::support::bench::{Bench, runtime};
use crate::support::odd::{MODERN, Odd};

struct Sides {
    source: Odd,
    destination: Odd,
    bench: Bench,
}

impl Sides {
    async fn new() -> Sides {
        let (source, destination) = (Odd::start(MODERN), Odd::start(MODERN));
        let bench = Bench::new((source.port, "ann"), (destination.port, "ann")).await;
        Sides { source, destination, bench }
    }

    /// The figures of a pass with this plan.
    async fn pass(&mut self, kind: PassKind, parameters: Parameters) -> Counts {
        self.bench.plan = PassPlan::new(kind, parameters).expect("a plan");
        self.bench.run().await.expect_clean().row.progress.counts
    }

    fn folders(&self) -> Vec<(String, usize)> {
        let there = self.destination.state();
        there.boxes.iter().map(|one| (one.name.clone(), one.letters.len())).collect()
    }
}

fn big(number: u32, bytes: usize) -> String {
    format!(
        "Message-ID: <big{number}@old.example>\r\nDate: Sat, 01 Feb 2003 04:05:06 +0000\r\nSubject: big {number}\r\n\r\n{}\r\n",
        "x".repeat(bytes)
    )
}

#[test]
fn d31_a_trial_makes_the_whole_tree_copies_ten_of_a_folder_and_calls_nothing_done() {
    runtime().block_on(async {
        let mut sides = Sides::new().await;
        sides.source.fill("INBOX", 0..25);
        sides.source.fill("Work", 100..104);
        sides.source.state().make("Empty");
        let counts = sides.pass(PassKind::Trial, Parameters::default()).await;
        assert_eq!((counts.copied, counts.skipped, counts.source), (14, 15, 29));
        let mut folders = sides.folders();
        folders.sort();
        assert_eq!(folders, [("Empty".into(), 0), ("INBOX".into(), 10), ("Work".into(), 4)]);
        let again = sides.pass(PassKind::Trial, Parameters::default()).await;
        assert_eq!((again.copied, again.already_there, again.skipped), (0, 14, 15), "again");
        let full = sides.pass(PassKind::Full, Parameters::default()).await;
        assert_eq!((full.copied, full.already_there, full.skipped), (15, 14, 0), "a Full pass brings the rest");
    });
}

#[test]
fn d31_a_trial_brings_no_more_than_its_bytes_in_all_folders() {
    runtime().block_on(async {
        let mut sides = Sides::new().await;
        for folder in ["A", "B", "C"] {
            sides.source.state().make(folder);
            for number in 0..3 {
                sides.source.state().at(folder).add(big(number, TRIAL_BYTES as usize / 4));
            }
        }
        let counts = sides.pass(PassKind::Trial, Parameters::default()).await;
        assert_eq!((counts.copied, counts.skipped), (3, 6));
        assert!(counts.bytes <= TRIAL_BYTES, "{counts:?}");
    });
}

#[test]
fn d31_a_pre_stage_pass_brings_what_is_older_and_a_full_one_the_rest() {
    runtime().block_on(async {
        let mut sides = Sides::new().await;
        sides.source.fill("INBOX", 0..8);
        let dates: Vec<i64> = {
            let mut state = sides.source.state();
            let letters = &mut state.at("INBOX").letters;
            letters
                .iter_mut()
                .zip(1..)
                .map(|(letter, day)| {
                    letter.date = format!("{day:02}-Feb-2003 00:00:00 +0000");
                    1_044_057_600_000 + (day - 1) * 86_400_000
                })
                .collect()
        };
        let staged = sides
            .pass(
                PassKind::PreStage,
                Parameters { before: Some(Timestamp::from_millis(dates[5])), ..Parameters::default() },
            )
            .await;
        assert_eq!((staged.copied, staged.skipped), (5, 3));
        let full = sides.pass(PassKind::Full, Parameters::default()).await;
        assert_eq!((full.copied, full.already_there), (3, 5));
    });
}

#[test]
fn d31_errors_are_tried_again_and_nothing_else() {
    runtime().block_on(async {
        let mut sides = Sides::new().await;
        sides.source.fill("INBOX", 0..6);
        sides.source.fill("Work", 10..12);
        let inbox = FolderPath::new(["INBOX"]);
        [2, 5].iter().for_each(|uid| sides.bench.failed.add(Some(inbox.clone()), Some(Uid(*uid))));
        let counts = sides.pass(PassKind::RetryErrors, Parameters { failed_of: Some(PassId(1)), before: None }).await;
        assert_eq!((counts.copied, counts.skipped), (2, 6));
        let full = sides.pass(PassKind::Full, Parameters::default()).await;
        assert_eq!((full.copied, full.already_there), (6, 2));
    });
}
