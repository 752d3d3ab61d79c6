//! What a pass does is asked of its plan (D31): which messages, how many, and whether it calls folders done.

use mailferry::domain::counts::Counts;
use mailferry::domain::ids::PassId;
use mailferry::domain::pass::PassKind;
use mailferry::domain::pass_plan::{Parameters, PassPlan, TRIAL_BYTES};
use mailferry::domain::time::Timestamp;
use mailferry::pass::Stops;

use crate::support::bench::{Bench, failed, runtime};
use crate::support::odd::{Box, MODERN, Odd, letter, subject};

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
        sides.bench.failed = failed(&[2, 5]);
        let counts =
            sides.pass(PassKind::RetryErrors, Parameters { failed_of: Some(PassId(1)), ..Parameters::default() }).await;
        assert_eq!((counts.copied, counts.skipped), (2, 6));
        let full = sides.pass(PassKind::Full, Parameters::default()).await;
        assert_eq!((full.copied, full.already_there), (6, 2));
    });
}

/// Clears a flag at the source.
fn unflag(odd: &Odd, folder: &str, uid: u32, flag: &str) {
    let mut state = odd.state();
    let folder = state.at(folder);
    let letter = folder.letters.iter_mut().find(|letter| letter.uid == uid).expect("the message");
    assert!(letter.flags.remove(flag));
    folder.modseq += 1;
}

/// Set, cleared while a pass died at each of its writes, and set again before the next: the base of flags must not hide that the
/// copy was changed.
#[test]
fn d10_a_flag_change_that_was_not_recorded_is_set_right_though_the_source_went_back() {
    runtime().block_on(async {
        for first in [true, false] {
            for writes in 0.. {
                let mut sides = Sides::new().await;
                sides.source.fill("INBOX", 0..4);
                let flip = |set: bool| match set {
                    true => sides.source.state().at("INBOX").flag(2, r"\Flagged"),
                    false => unflag(&sides.source, "INBOX", 2, r"\Flagged"),
                };
                if first {
                    flip(true);
                }
                assert_eq!(sides.bench.run().await.expect_clean().row.progress.counts.copied, 4);
                flip(!first);
                let died = sides.bench.run_cut(writes, &Stops::default()).await;
                flip(first);
                sides.bench.run().await.expect_clean();
                let flagged = sides.destination.state().at("INBOX").letters[1].flags.contains(r"\Flagged");
                assert_eq!(flagged, first, "dead after {writes} writes");
                sides.source.state().at("INBOX").flag(3, r"\Seen");
                let counts = sides.pass(PassKind::Full, Parameters::default()).await;
                assert_eq!(counts.flags_updated, 1, "nothing is set again and again");
                if !died.cut {
                    break;
                }
            }
        }
    });
}

/// Copies that a death left without a record have the flags of then.
#[test]
fn d10_a_copy_that_a_death_left_unrecorded_gets_the_flags_that_came_since() {
    runtime().block_on(async {
        for writes in 0.. {
            let sides = Sides::new().await;
            // So many have the flag from the start that a sample of those that have it tells nothing.
            sides.source.fill("INBOX", 0..60);
            sides.source.fill("Work", 100..112);
            (1..=20).chain(31..=60).for_each(|uid| sides.source.state().at("INBOX").flag(uid, r"\Flagged"));
            (1..=5).chain(8..=12).for_each(|uid| sides.source.state().at("Work").flag(uid, "mine"));
            let died = sides.bench.run_cut(writes, &Stops::default()).await;
            sides.source.state().at("INBOX").flag(25, r"\Flagged");
            sides.source.state().at("Work").flag(6, "mine");
            // Its owner has read it meanwhile.
            sides.destination.state().boxes.iter_mut().flat_map(|one| &mut one.letters).for_each(|letter| {
                letter.flags.insert(r"\Seen".into());
            });
            let read: Vec<String> =
                ["INBOX", "Work"].iter().flat_map(|name| sides.destination.subjects(name)).collect();
            sides.bench.run().await.expect_clean();
            let there = sides.destination.state();
            let flags = |number: u32| {
                let mut all = there.boxes.iter().flat_map(|one| &one.letters);
                &all.find(|letter| subject(&letter.bytes) == subject(&crate::support::odd::letter(number)))
                    .expect("it")
                    .flags
            };
            assert!(flags(24).contains(r"\Flagged") && flags(105).contains("mine"), "dead after {writes} writes");
            for number in [0, 24, 105] {
                let seen = read.contains(&subject(&letter(number)));
                assert_eq!(flags(number).contains(r"\Seen"), seen, "{number} dead after {writes} writes");
            }
            if !died.cut {
                break;
            }
        }
    });
}

/// What a pass saw to be another folder before it died is looked into by the next one, whatever its figures are by then.
#[test]
fn c1b_a_folder_that_was_seen_changed_before_a_death_is_looked_into_though_its_figures_are_back() {
    runtime().block_on(async {
        for writes in 1.. {
            let sides = Sides::new().await;
            sides.source.fill("INBOX", 0..3);
            sides.source.fill("Work", 10..16);
            sides.source.fill("Quiet", 30..33);
            sides.bench.run().await.expect_clean();
            let before = sides.source.state().at("Work").clone();
            // Other work, which is written down before that folder's turn comes.
            sides.source.fill("Fresh", 70..72);
            sides.destination.state().at("Quiet").name = "Later".into();
            {
                let mut here = sides.source.state();
                let work = here.at("Work");
                let mut new = Box::new("Work", before.validity);
                (14..16).chain(50..53).for_each(|number| assert!(new.add(letter(number)) > 0));
                (new.modseq, new.id) = (before.modseq - 2, before.id.clone());
                *work = new;
            }
            let died = sides.bench.run_cut(writes, &Stops::default()).await;
            {
                let mut here = sides.source.state();
                let work = here.at("Work");
                work.add(letter(60));
                work.modseq = before.modseq;
                assert_eq!((work.next, work.letters.len()), (before.next, before.letters.len()));
            }
            sides.bench.run().await;
            let there = sides.destination.subjects("Work");
            let missing: Vec<u32> =
                (50..53).chain([60]).filter(|number| !there.contains(&subject(&letter(*number)))).collect();
            assert!(missing.is_empty(), "dead after {writes} writes: {missing:?} are not copied");
            if !died.cut {
                break;
            }
        }
    });
}

#[test]
fn c1c_what_a_dead_pass_copied_and_a_backup_took_away_is_copied_again_and_nothing_is_called_odd() {
    for away in [false, true] {
        runtime().block_on(async {
            for writes in 1.. {
                let sides = Sides::new().await;
                sides.source.fill("INBOX", 0..3);
                sides.source.fill("Work", 10..13);
                sides.bench.run().await.expect_clean();
                let backup = sides.destination.state().boxes.clone();
                sides.source.fill("Work", 20..26);
                sides.source.fill("INBOX", 30..33);
                let died = sides.bench.run_cut(writes, &Stops::default()).await;
                if away {
                    // The next one ends, and does not see that folder.
                    let work = sides.source.state().boxes.pop().expect("a folder");
                    assert_eq!(work.name, "Work");
                    sides.bench.run().await;
                    sides.destination.state().boxes.clone_from(&backup);
                    sides.bench.run().await;
                    sides.source.state().boxes.push(work);
                } else {
                    sides.destination.state().boxes.clone_from(&backup);
                }
                let ran = sides.bench.run().await;
                let counts = ran.row.progress.counts;
                assert_eq!((counts.differ, counts.errors), (0, 0), "dead after {writes}, away: {away}: {counts:?}");
                for folder in ["INBOX", "Work"] {
                    let (mut here, mut there) = (sides.source.subjects(folder), sides.destination.subjects(folder));
                    here.sort();
                    there.sort();
                    assert_eq!(here, there, "dead after {writes}, away: {away}");
                }
                if !died.cut {
                    break;
                }
            }
        });
    }
}

#[test]
fn c1a_numbers_that_a_dead_pass_recorded_and_a_backup_gave_to_others_are_noticed() {
    for (old, new) in [(3, 6), (3, 3), (300, 1), (300, 5), (40, 2)] {
        runtime().block_on(async {
            for writes in 1.. {
                let sides = Sides::new().await;
                sides.source.fill("INBOX", 0..old);
                sides.bench.run().await.expect_clean();
                let backup = sides.source.state().boxes.clone();
                sides.source.fill("INBOX", 1000..1006);
                let died = sides.bench.run_cut(writes, &Stops::default()).await;
                sides.source.state().boxes.clone_from(&backup);
                sides.source.fill("INBOX", 2000..2000 + new);
                // Else all its figures may be what they were, and nobody could tell.
                sides.source.state().at("INBOX").modseq += 1;
                let ran = sides.bench.run().await;
                let counts = ran.row.progress.counts;
                assert_eq!((counts.differ, counts.errors), (0, 0), "{old}, dead after {writes}: {counts:?}");
                let there = sides.destination.subjects("INBOX");
                let missing: Vec<u32> =
                    (2000..2000 + new).filter(|number| !there.contains(&subject(&letter(*number)))).collect();
                assert!(missing.is_empty(), "{old}, dead after {writes}: {missing:?} are not copied");
                if !died.cut {
                    break;
                }
            }
        });
    }
}
