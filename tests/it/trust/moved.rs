//! A folder that could not be read is not empty: what moved out of it is neither doubled nor brought back (C.3).

use mailferry::domain::notice::NoticeKind;
use mailferry::pass::Stops;

use super::{count, once};
use crate::support::bench::{Bench, runtime};
use crate::support::compare::Mailbox;
use crate::support::dovecot::{self, Dovecot, Format};
use crate::support::odd::{self, MODERN, Odd, State, letter, subject};
use crate::support::relay::{Act, At, Relay, Rules, Said, verb};
use crate::support::scene::{Scene, message};

/// Moves messages out of a folder that cannot be read in the next pass; what the pass after that finds is judged too.
fn moved_out(shut: impl Fn(&Scene), opens: bool) {
    let scene = Scene::new();
    scene.fill("A", 0..8);
    scene.fill("B", 20..23);
    scene.pass();
    let mut there = scene.there();
    there.select("A");
    there.delete("2");
    let mut here = scene.here();
    here.select("A");
    here.move_to("1:4", "B");
    scene.fill("B", 30..31);
    shut(&scene);
    let verdict = scene.verdict();
    if !opens {
        assert_eq!(verdict.output.code, 1, "{}", verdict.words());
    }
    // What surely is new may come now or in the next pass; nothing else may.
    let mut there = scene.subjects_there();
    let _ = there.remove("number 30");
    let mut expected = once((0..8).chain(20..23));
    expected.remove("number 1");
    assert_eq!(there, expected, "{}", verdict.words());
    scene.source.forget_plans();
    scene.source.straighten();
    let verdict = scene.verdict().fine();
    expected.insert("number 30".into(), 1);
    assert_eq!(scene.subjects_there(), expected, "{}", verdict.words());
    scene.idle_pass();
    // And the flags of what moved go to the copies.
    here.select("B");
    here.store("1:*", "+FLAGS", "\\Flagged");
    scene.verdict().copies(0);
    assert_eq!(scene.flagged_there("A", "\\Flagged"), ["number 0", "number 2", "number 3"]);
}

fn refuse(scene: &Scene, verb_: &str) {
    scene.source.plan(At::Command(verb(verb_).with("\"A\"").every()), Act::Answer("NO [NOPERM] not yours".into()));
}

#[test]
fn c3_what_moved_out_of_a_folder_that_cannot_be_opened_is_neither_doubled_nor_brought_back() {
    if dovecot::available() {
        moved_out(|scene| refuse(scene, "EXAMINE"), false);
    }
}

#[test]
fn c3_nor_when_its_messages_cannot_be_listed() {
    if dovecot::available() {
        let shut = |scene: &Scene| {
            scene.source.bend(|heard| {
                let refused = heard.folder == "A" && heard.verb == "UID FETCH" && !heard.line.starts_with('*');
                let tag = heard.line.split(' ').next().unwrap_or_default();
                match (refused, heard.folder == "A" && heard.is("FETCH")) {
                    (true, _) => Said::Instead(format!("{tag} NO [NOPERM] not yours")),
                    (_, true) => Said::Nothing,
                    _ => Said::Kept,
                }
            });
        };
        moved_out(shut, false);
    }
}

#[test]
fn c3_nor_when_neither_state_nor_folder_can_be_had() {
    if dovecot::available() {
        let shut = |scene: &Scene| {
            refuse(scene, "EXAMINE");
            scene.source.bend(|heard| if heard.about("STATUS", "A") { Said::Nothing } else { Said::Kept });
        };
        moved_out(shut, false);
    }
}

#[test]
fn c3_nor_when_it_is_not_listed_for_once() {
    if dovecot::available() {
        let shut = |scene: &Scene| {
            scene.source.bend(|heard| match heard.about("LIST", "A") || heard.about("STATUS", "A") {
                true => Said::Nothing,
                false => Said::Kept,
            });
        };
        moved_out(shut, true);
    }
}

#[test]
fn c3_a_connection_that_breaks_among_messages_that_must_wait_forgets_none_of_them() {
    if !dovecot::available() {
        return;
    }
    let scene = Scene::new();
    scene.fill("A", 0..1100);
    scene.fill("B", 2000..2001);
    scene.pass();
    let mut here = scene.here();
    here.select("A");
    here.move_to("1:1100", "B");
    refuse(&scene, "EXAMINE");
    // The first whole message is the newest known one, then the contents of a thousand come, then of the others.
    let hit = scene.source.plan(At::Command(verb("UID FETCH").with("BODY.PEEK[])").nth(3)), Act::Reset);
    let verdict = scene.verdict();
    assert_eq!(hit.count(), 1, "{}", verdict.words());
    assert_eq!((verdict.copied(), verdict.item.messages("waiting")), (0, 1100), "{}", verdict.words());
    let waiting: Vec<_> = verdict.notices.iter().filter(|notice| notice.kind == NoticeKind::Waiting).collect();
    assert_eq!((waiting.len(), waiting[0].messages), (1, 1100), "named once: {}", verdict.words());
    scene.source.forget_plans();
    scene.verdict().copies(0);
    assert_eq!(scene.count_there(&["A", "B"]), [1100, 1]);
    scene.idle_pass();
}

/// Source and destination of a pass that dies.
struct Crash {
    from: (&'static Dovecot, String),
    to: (&'static Dovecot, String),
    relay: Relay,
    bench: Bench,
}

impl Crash {
    async fn new(rules: Rules) -> Crash {
        let (server, twin) = (dovecot::shared(Format::Sdbox), dovecot::shared_twin(Format::Sdbox));
        let (from, to) = ((server, server.user("moved-from")), (twin, twin.user("moved-to")));
        let mut here = server.login(&from.1);
        for (folder, numbers) in [("A", 0..30), ("B", 50..53)] {
            here.create(folder);
            here.append_all(folder, &numbers.map(message).collect::<Vec<_>>());
        }
        let relay = Relay::start(twin.plain_port, rules);
        let bench = Bench::new((server.plain_port, &from.1), (relay.port, &to.1)).await;
        Crash { from, to, relay, bench }
    }

    fn subjects(&self) -> std::collections::BTreeMap<String, usize> {
        let there = Mailbox::read(&mut self.to.0.login(&self.to.1));
        let all = there.folders.values().flat_map(|folder| &folder.messages);
        super::count(all.map(|message| subject(&String::from_utf8_lossy(&message.bytes))))
    }
}

/// Dies after every write once, sent appends unrecorded; the owner moves half of the messages before it comes back.
async fn dies_and_the_owner_moves(rules: fn() -> Rules, search: bool) {
    let mut cuts = 0;
    loop {
        let mut crash = Crash::new(rules()).await;
        crash.bench.options.search_duplicates = search;
        let died = crash.bench.run_cut(cuts, &Stops::default()).await;
        if !died.cut {
            break;
        }
        let mut here = crash.from.0.login(&crash.from.1);
        here.select("A");
        here.move_to("3:17", "B");
        here.create("New");
        here.move_to("20:24", "New");
        drop(here);
        crash.bench.run().await.expect_clean();
        assert_eq!(crash.subjects(), once((0..30).chain(50..53)), "dead after {cuts} writes");
        crash.relay.clear_record();
        crash.bench.run().await.expect_clean();
        assert_eq!(crash.relay.appends().len(), 0, "a third run has nothing to do ({cuts} writes)");
        cuts += 1;
    }
    assert!(cuts >= 6, "only {cuts} writes in the whole pass");
}

#[test]
fn c3_what_moves_between_a_crash_and_the_resume_is_not_doubled() {
    if dovecot::available() {
        runtime().block_on(dies_and_the_owner_moves(Rules::default, true));
    }
}

#[test]
fn c3_nor_where_no_uids_are_told() {
    if dovecot::available() {
        runtime().block_on(dies_and_the_owner_moves(|| Rules::hiding(&["UIDPLUS", "MULTIAPPEND"]), true));
    }
}

#[test]
fn c3_nor_where_only_intents_tell() {
    if dovecot::available() {
        runtime().block_on(dies_and_the_owner_moves(Rules::default, false));
    }
}

#[test]
fn c3_what_moves_between_a_crash_and_a_resume_in_which_its_folder_cannot_be_opened_is_not_doubled() {
    if !dovecot::available() {
        return;
    }
    runtime().block_on(async {
        for cuts in 2..9 {
            let crash = Crash::new(Rules::singly()).await;
            let source = Relay::start(crash.from.0.plain_port, Rules::default());
            let bench = Bench::new((source.port, &crash.from.1), (crash.relay.port, &crash.to.1)).await;
            bench.run_cut(cuts, &Stops::default()).await;
            let mut here = crash.from.0.login(&crash.from.1);
            here.select("A");
            here.move_to("3:17", "B");
            drop(here);
            let refusal = Act::Answer("NO [NOPERM] not yours".into());
            source.plan(At::Command(verb("EXAMINE").with("\"A\"").every()), refusal);
            bench.run().await;
            source.forget_plans();
            bench.run().await.expect_clean();
            assert_eq!(crash.subjects(), once((0..30).chain(50..53)), "dead after {cuts} writes");
        }
    });
}

/// A pass dies after each of its writes once, with what the owner did before it; then the owner brings about a state of a folder
/// that an earlier pass had seen whole. Nothing is doubled, also not in the pass after.
async fn dies_and_looks_as_before(from: u64, before: impl Fn(&mut State), after: impl Fn(&mut State, &[odd::Box])) {
    let mut cuts = from;
    loop {
        let (here, there) = (Odd::start(MODERN), Odd::start(MODERN));
        here.state().make("A");
        here.fill("INBOX", 0..3);
        let bench = Bench::new((here.port, "ann"), (there.port, "ann")).await;
        for _ in 0..2 {
            bench.run().await.expect_clean();
        }
        let whole = here.state().boxes.clone();
        before(&mut here.state());
        let died = bench.run_cut(cuts, &Stops::default()).await;
        after(&mut here.state(), &whole);
        for words in ["", ", at rest"] {
            bench.run().await.expect_clean();
            let all = there.state().boxes.iter().flat_map(|one| one.subjects()).collect::<Vec<_>>();
            assert_eq!(count(all.into_iter()), once(0..3), "dead after {cuts} writes{words}");
        }
        // What is flagged now is flagged there.
        let flagged = |odd: &Odd| {
            let state = odd.state();
            let letters = state.boxes.iter().flat_map(|one| &one.letters);
            letters.filter(|one| one.flags.contains("\\Flagged")).map(|one| subject(&one.bytes)).collect::<Vec<_>>()
        };
        assert_eq!(flagged(&here), flagged(&there), "dead after {cuts} writes");
        for folder in &mut here.state().boxes {
            let uids: Vec<u32> = folder.letters.iter().map(|one| one.uid).collect();
            uids.into_iter().for_each(|uid| folder.flag(uid, "\\Flagged"));
        }
        bench.run().await.expect_clean();
        assert_eq!(flagged(&there).len(), 3, "dead after {cuts} writes");
        if !died.cut {
            break;
        }
        cuts += 1;
    }
    assert!(cuts >= 3, "only {cuts} writes in the whole pass");
}

/// The state of a folder as it was.
fn put_back(state: &mut State, whole: &[odd::Box], name: &str) {
    let was = whole.iter().find(|one| one.name == name).expect("the folder");
    *state.at(name) = was.clone();
}

fn move_to_a(state: &mut State) {
    state.at("INBOX").remove(&[2]);
    state.at("A").add(letter(1));
}

#[test]
fn c1_a_folder_that_looks_as_before_is_looked_into_when_a_dead_pass_brought_a_message_there() {
    runtime().block_on(dies_and_looks_as_before(0, move_to_a, |state, whole| {
        put_back(state, whole, "A");
        state.make("G").add(letter(1));
    }));
}

#[test]
fn c1_also_when_the_message_is_where_it_was_again() {
    runtime().block_on(dies_and_looks_as_before(0, move_to_a, |state, whole| {
        put_back(state, whole, "A");
        put_back(state, whole, "INBOX");
    }));
}

#[test]
fn c1_also_when_a_flag_that_a_dead_pass_carried_is_gone_with_a_backup() {
    let flag = |state: &mut State| state.at("INBOX").flag(2, "\\Flagged");
    // Before its first write the flag is set and nothing of it is known: nobody can tell it from the owner's own.
    runtime().block_on(dies_and_looks_as_before(1, flag, |state, whole| put_back(state, whole, "INBOX")));
}
