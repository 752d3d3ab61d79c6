//! What was put away stays away, and what is there once is not made again: folders that look like one that is gone, and
//! passes that die between an act and its record (C.1, C.2).

use mailferry::pass::Stops;

use super::{Pair, count, once};
use crate::support::backup::Backup;
use crate::support::bench::{Bench, runtime};
use crate::support::compare::Mailbox;
use crate::support::dovecot::{self, Dovecot, Format};
use crate::support::odd::{MODERN, letter, subject};
use crate::support::relay::{Act, At, Relay, Rules, verb};
use crate::support::scene::message;

/// The same message with other words.
fn edited(number: u32) -> String {
    format!("{}And more.\r\n", letter(number))
}

#[test]
fn c1b_a_source_folder_with_other_versions_of_the_messages_of_a_lost_one_is_another() {
    let pair = Pair::new(MODERN, MODERN);
    {
        let mut here = pair.source.state();
        here.make("A").validity = 77;
        for number in 1..4 {
            here.at("A").add(letter(number));
        }
    }
    pair.verdict().copies(3);
    {
        let mut here = pair.source.state();
        here.boxes.retain(|one| one.name != "A");
        here.make("B").validity = 77;
        for text in [edited(1), letter(2), edited(3)] {
            here.at("B").add(text);
        }
    }
    pair.verdict().copies(2);
    let mut there = pair.destination.state();
    let letters: Vec<&String> = there.at("B").letters.iter().map(|one| &one.bytes).collect();
    assert_eq!(letters, [&edited(1), &edited(3)], "what was edited came");
    assert_eq!(there.at("A").letters.len(), 3, "what was there stays");
}

#[test]
fn c10_a_destination_folder_that_holds_what_a_lost_one_held_is_not_taken_for_it() {
    // Another version of its message under its number, or its very message in a folder that is too small.
    for text in [edited(1), letter(1)] {
        let pair = Pair::new(MODERN, MODERN);
        for name in ["A", "B"] {
            pair.source.state().make(name);
            pair.destination.state().make(name).validity = 77;
        }
        pair.source.fill("A", 1..4);
        pair.source.state().at("B").add(text.clone());
        pair.verdict().copies(4);
        {
            let mut there = pair.destination.state();
            there.boxes.retain(|one| one.name != "A");
            there.at("B").name = "Later".into();
        }
        pair.source.fill("A", 10..11);
        pair.source.fill("B", 11..12);
        pair.source.state().at("A").flag(1, "\\Flagged");
        pair.source.state().at("B").flag(1, "\\Answered");
        pair.verdict().copies(2);
        let mut there = pair.destination.state();
        assert_eq!(there.at("A").subjects(), ["number 10"], "what was taken away stays away");
        assert_eq!(there.at("Later").subjects(), ["number 1", "number 11"]);
        let flags: Vec<&String> = there.at("Later").letters[0].flags.iter().collect();
        assert_eq!(flags, ["\\Answered"], "each has the flags of its own message");
    }
}

#[test]
fn c10_what_was_in_a_destination_folder_stays_away_when_another_one_gets_its_name() {
    let pair = Pair::new(MODERN, MODERN);
    for (name, numbers) in [("A", 0..4), ("G", 20..22)] {
        pair.source.fill(name, numbers);
        pair.destination.state().make(name).validity = 77;
    }
    pair.verdict().copies(6);
    {
        let mut there = pair.destination.state();
        there.boxes.retain(|one| one.name != "A");
        there.at("G").name = "A".into();
    }
    pair.source.fill("A", 4..5);
    pair.source.fill("G", 22..23);
    pair.source.state().at("A").flag(1, "\\Flagged");
    pair.verdict().copies(2);
    assert_eq!(pair.there(), once((4..5).chain(20..23)));
    let mut there = pair.destination.state();
    assert!(there.at("A").letters.iter().all(|letter| !letter.flags.contains("\\Flagged")), "nobody else's flags");
    drop(there);
    pair.verdict().copies(0);
}

/// Two mailboxes and an engine that may die.
struct Crash {
    from: (&'static Dovecot, String),
    to: (&'static Dovecot, String),
    source: Relay,
    bench: Bench,
}

impl Crash {
    async fn new() -> Crash {
        let (server, twin) = (dovecot::shared(Format::Sdbox), dovecot::shared_twin(Format::Sdbox));
        let (from, to) = ((server, server.user("back-from")), (twin, twin.user("back-to")));
        for (server, user) in [&from, &to] {
            server.login(user).select("INBOX");
        }
        let source = Relay::start(server.plain_port, Rules::default());
        let bench = Bench::new((source.port, &from.1), (twin.plain_port, &to.1)).await;
        Crash { from, to, source, bench }
    }

    fn fill(&self, folder: &str, numbers: std::ops::Range<u32>) {
        let mut here = self.from.0.login(&self.from.1);
        here.create(folder);
        here.append_all(folder, &numbers.map(message).collect::<Vec<_>>());
    }

    fn keep_there(&self) -> Backup {
        self.to.0.keep(&self.to.1)
    }

    fn subjects(&self) -> std::collections::BTreeMap<String, usize> {
        let there = Mailbox::read(&mut self.to.0.login(&self.to.1));
        let all = there.folders.values().flat_map(|folder| &folder.messages);
        count(all.map(|message| subject(&String::from_utf8_lossy(&message.bytes))))
    }
}

#[test]
fn c2_what_went_with_its_folder_stays_away_however_a_pass_dies_that_makes_the_folder_again() {
    if !dovecot::available() {
        return;
    }
    runtime().block_on(async {
        let mut cuts = 0;
        loop {
            let crash = Crash::new().await;
            crash.fill("B", 20..22);
            crash.bench.run().await.expect_clean();
            // A backup without the folder, so that a new one gets the numbering of the lost one.
            let backup = crash.keep_there();
            crash.fill("A", 0..3);
            crash.bench.run().await.expect_clean();
            crash.to.0.put_back(&crash.to.1, &backup);
            crash.fill("A", 3..4);
            let died = crash.bench.run_cut(cuts, &Stops::default()).await;
            crash.bench.run().await;
            assert_eq!(crash.subjects(), once((3..4).chain(20..22)), "dead after {cuts} writes");
            if !died.cut {
                break;
            }
            cuts += 1;
        }
        assert!(cuts >= 4, "only {cuts} writes in the whole pass");
    });
}

/// A pass dies after so many writes; the owner takes the new messages out of the source, `there` happens at the
/// destination when the pass has come back, and the messages are brought back elsewhere. Tells whether it died.
async fn taken_away(options: TakenAway, cuts: u64, again: u64, there: impl Fn(&Crash)) -> (bool, bool) {
    let mut crash = Crash::new().await;
    crash.bench.options.search_duplicates = options.search;
    crash.fill("A", 0..3);
    if !options.first {
        crash.bench.run().await.expect_clean();
    }
    crash.fill("A", 3..5);
    let died = crash.bench.run_cut(cuts, &Stops::default()).await.cut;
    let mut here = crash.from.0.login(&crash.from.1);
    here.select("A");
    here.delete("4:5");
    let again = crash.bench.run_cut(again, &Stops::default()).await.cut;
    crash.bench.run().await.expect_clean();
    there(&crash);
    crash.fill("B", 3..5);
    for words in ["", ", at rest"] {
        crash.bench.run().await.expect_clean();
        assert_eq!(crash.subjects(), once(0..5), "{options:?}, dead after {cuts} writes{words}");
    }
    (died, again)
}

#[derive(Clone, Copy, Debug)]
struct TakenAway {
    /// The first pass of all dies, not a later one.
    first: bool,
    /// The destination is searched.
    search: bool,
}

/// Dies after every write once.
async fn dies_and_the_owner_takes_away(options: TakenAway, there: impl Fn(&Crash)) {
    let mut cuts = 0;
    while taken_away(options, cuts, u64::MAX, &there).await.0 {
        cuts += 1;
    }
    assert!(cuts >= 4, "only {cuts} writes in the whole pass");
}

#[test]
fn c2_a_message_taken_away_before_its_copy_was_recorded_is_known_when_it_comes_back() {
    if dovecot::available() {
        for (first, search) in [(false, true), (false, false), (true, true)] {
            runtime().block_on(dies_and_the_owner_takes_away(TakenAway { first, search }, |_| {}));
        }
    }
}

#[test]
fn c2_also_when_its_copy_was_moved_meanwhile() {
    if dovecot::available() {
        let moves = |crash: &Crash| {
            let mut there = crash.to.0.login(&crash.to.1);
            there.create("Mine");
            if there.fetch_all("A").len() > 3 {
                there.select("A");
                there.move_to("4", "Mine");
            }
        };
        runtime().block_on(dies_and_the_owner_takes_away(TakenAway { first: false, search: true }, moves));
    }
}

#[test]
fn c2_also_when_the_pass_dies_again_before_it_is_looked_at() {
    if dovecot::available() {
        let options = TakenAway { first: false, search: true };
        runtime().block_on(async {
            let mut again = 0;
            while taken_away(options, 1, again, |_| {}).await.1 {
                again += 1;
            }
            assert!(again >= 2, "only {again} writes in the second attempt");
        });
    }
}

#[test]
fn c2_also_when_the_folder_to_which_it_went_cannot_be_opened_when_the_pass_comes_back() {
    if !dovecot::available() {
        return;
    }
    runtime().block_on(async {
        for cuts in 0..6 {
            let crash = Crash::new().await;
            crash.fill("B", 20..22);
            crash.fill("A", 0..3);
            crash.bench.run().await.expect_clean();
            crash.fill("A", 3..6);
            crash.bench.run_cut(cuts, &Stops::default()).await;
            let mut here = crash.from.0.login(&crash.from.1);
            here.select("A");
            here.move_to("4:6", "B");
            let refusal = Act::Answer("NO [NOPERM] not yours".into());
            crash.source.plan(At::Command(verb("EXAMINE").with("\"B\"").every()), refusal);
            crash.bench.run().await;
            crash.source.forget_plans();
            crash.bench.run().await.expect_clean();
            assert_eq!(crash.subjects(), once((0..6).chain(20..22)), "dead after {cuts} writes");
            // And its flags are carried.
            here.select("B");
            here.store("3:5", "+FLAGS", "\\Flagged");
            crash.bench.run().await.expect_clean();
            let there = Mailbox::read(&mut crash.to.0.login(&crash.to.1));
            let flagged = there.folders.values().flat_map(|folder| &folder.messages);
            let flagged = flagged.filter(|message| message.flags.iter().any(|flag| flag == "\\Flagged")).count();
            assert_eq!(flagged, 3, "dead after {cuts} writes");
        }
    });
}

#[test]
fn c10_a_destination_folder_that_is_renamed_before_anything_in_it_was_recorded_is_followed() {
    if !dovecot::available() {
        return;
    }
    runtime().block_on(async {
        let mut cuts = 0;
        loop {
            let crash = Crash::new().await;
            crash.fill("B", 20..22);
            crash.bench.run().await.expect_clean();
            crash.fill("A", 0..3);
            let died = crash.bench.run_cut(cuts, &Stops::default()).await.cut;
            let mut there = crash.to.0.login(&crash.to.1);
            if there.list().iter().any(|folder| folder.wire == "A") {
                there.ok("RENAME A Other");
            }
            drop(there);
            crash.bench.run().await.expect_clean();
            assert_eq!(crash.subjects(), once((0..3).chain(20..22)), "dead after {cuts} writes");
            if !died {
                break;
            }
            cuts += 1;
        }
        assert!(cuts >= 4, "only {cuts} writes in the whole pass");
    });
}

#[test]
fn c1c_what_a_restore_took_comes_again_however_a_pass_dies_that_saw_it() {
    if !dovecot::available() {
        return;
    }
    runtime().block_on(async {
        let mut cuts = 0;
        loop {
            let crash = Crash::new().await;
            crash.fill("B", 20..22);
            crash.fill("A", 0..2);
            crash.bench.run().await.expect_clean();
            let backup = crash.keep_there();
            // A lies there with a later numbering, and a message lies in two folders.
            crash.to.0.login(&crash.to.1).ok("DELETE A");
            crash.fill("A", 2..3);
            crash.fill("B", 22..24);
            crash.fill("C", 23..24);
            crash.bench.run().await.expect_clean();
            crash.from.0.login(&crash.from.1).ok("DELETE C");
            crash.to.0.put_back(&crash.to.1, &backup);
            crash.fill("B", 24..25);
            let died = crash.bench.run_cut(cuts, &Stops::default()).await;
            crash.bench.run().await;
            assert_eq!(crash.subjects(), once((0..3).chain(20..25)), "dead after {cuts} writes");
            if !died.cut {
                break;
            }
            cuts += 1;
        }
        assert!(cuts >= 6, "only {cuts} writes in the whole pass");
    });
}

#[test]
fn c1c_its_owners_own_mail_that_a_restore_took_is_no_copy_of_ours_that_is_missing() {
    if !dovecot::available() {
        return;
    }
    runtime().block_on(async {
        let mut cuts = 0;
        loop {
            let crash = Crash::new().await;
            crash.fill("A", 0..3);
            crash.bench.run().await.expect_clean();
            let backup = crash.keep_there();
            crash.fill("A", 3..5);
            let died = crash.bench.run_cut(cuts, &Stops::default()).await;
            // Mail of the owner's own comes where the dead pass may have left copies.
            crash.to.0.login(&crash.to.1).append_all("A", &(30..33).map(message).collect::<Vec<_>>());
            crash.bench.run().await.expect_clean();
            assert_eq!(crash.subjects(), once((0..5).chain(30..33)), "dead after {cuts} writes");
            crash.to.0.put_back(&crash.to.1, &backup);
            crash.bench.run().await.expect_clean();
            assert_eq!(crash.subjects(), once(0..5), "dead after {cuts} writes");
            crash.bench.run().await.expect_clean();
            if !died.cut {
                break;
            }
            cuts += 1;
        }
        assert!(cuts >= 4, "only {cuts} writes in the whole pass");
    });
}
