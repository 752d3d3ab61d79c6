//! The run state by tables: events go in, statuses and orders come out. Whatever can race is told in both orders.

mod holds;
mod life;
mod races;

use super::*;
use crate::domain::failure::{Cause, Retry, Scope};
use crate::domain::mailbox_key::MailboxKey;

const PROJECT: ProjectId = ProjectId(1);

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn refused(side: Side) -> PassEnd {
    let failure = Failure::new(Cause::AdministratorLoginRefused, Scope::Endpoint, Retry::User, "logging in");
    PassEnd::Failed { side: Some(side), failure }
}

/// Somebody else's try was refused.
fn held(side: Side) -> PassEnd {
    let failure = Failure::new(Cause::AdministratorLoginHeld, Scope::Endpoint, Retry::User, "logging in");
    PassEnd::Failed { side: Some(side), failure }
}

fn broken() -> PassEnd {
    let failure = Failure::new(Cause::Unreachable, Scope::Endpoint, Retry::Backoff, "connecting");
    PassEnd::Failed { side: Some(Side::Source), failure }
}

const COMPLETED: PassEnd = PassEnd::Completed { errors: 0, differ: 0 };

/// Mailboxes that no other item has.
fn own(item: i64) -> Mailboxes {
    between(&format!("source {item}"), &format!("destination {item}"))
}

fn between(reads: &str, writes: &str) -> Mailboxes {
    Mailboxes { reads: [MailboxKey::of(reads); 2], writes: [MailboxKey::of(writes); 2] }
}

fn listed(item: i64, mailboxes: Mailboxes) -> KnownItem {
    KnownItem {
        item: ItemId(item),
        status: Status::NotSubmitted,
        pass: None,
        until: None,
        hold: None,
        mailboxes,
        runner: RunnerKind::Copier,
    }
}

fn up_to(concurrent: u32) -> ProjectLimits {
    ProjectLimits { concurrent, held: false }
}

/// A run state with these items of one project, never started, of which so many run at once.
fn with_items(items: i64, concurrent: u32) -> RunState {
    let mut state = RunState::default();
    let items = (1..=items).map(|id| listed(id, own(id))).collect();
    state.handle(at(0), Event::Load { project: PROJECT, items, limits: up_to(concurrent) });
    state
}

/// The same, started, all of them.
fn started(items: i64, concurrent: u32) -> RunState {
    let mut state = with_items(items, concurrent);
    state.handle(at(0), submitted(1..=items));
    state
}

fn submitted(items: impl Iterator<Item = i64>) -> Event {
    submitted_to_wait(items, Wait::None)
}

fn submitted_to_wait(items: impl Iterator<Item = i64>, wait: Wait) -> Event {
    let passes = items.map(|id| (ItemId(id), PassId(id * 10))).collect();
    let until = if let Wait::Until(at) = wait { Some(at) } else { None };
    Event::Submitted { passes, wait, until, turn: Turn::Last }
}

fn statuses(state: &RunState) -> Vec<Status> {
    state.items.values().map(|item| item.status).collect()
}

fn spawned(effects: &[Effect]) -> Vec<i64> {
    effects.iter().filter_map(|e| if let Effect::Spawn(item, ..) = e { Some(item.0) } else { None }).collect()
}

/// Every event that can come while one item runs, in every order that can race, and where it ends.
#[test]
fn races_end_where_they_must() {
    use Event::{Abort, Close, Ended, Loaded, Stop};
    use Status::{Completed, Failed, Migrating, Queued, Stopped, Stopping, Submitted};
    let one = || ItemId(1);
    let (loaded, stop, close) = (|| Loaded(one()), || Stop(vec![one()]), || Close);
    let abort = || Abort(vec![one()]);
    let end = |end: PassEnd| Ended(one(), end);
    let stopped = || PassEnd::Stopped(None);
    let table: Vec<(Vec<Event>, Vec<Status>)> = vec![
        (vec![loaded(), end(COMPLETED)], vec![Migrating, Completed]),
        // A pass may end before the news of its loading is read.
        (vec![end(COMPLETED), loaded()], vec![Completed, Completed]),
        (vec![end(broken()), loaded()], vec![Failed, Failed]),
        // R8: what is queued cannot be stopped, and goes on.
        (vec![stop(), loaded(), end(COMPLETED)], vec![Queued, Migrating, Completed]),
        (vec![loaded(), stop(), end(stopped())], vec![Migrating, Stopping, Stopped]),
        // The last message lands, or a fatal error comes, while it is stopping: Stopped all the same.
        (vec![loaded(), stop(), end(COMPLETED)], vec![Migrating, Stopping, Stopped]),
        (vec![loaded(), stop(), end(broken())], vec![Migrating, Stopping, Stopped]),
        (vec![loaded(), stop(), end(refused(Side::Source))], vec![Migrating, Stopping, Stopped]),
        // The end was quicker than the stop.
        (vec![loaded(), end(COMPLETED), stop()], vec![Migrating, Completed, Completed]),
        (vec![loaded(), end(broken()), stop()], vec![Migrating, Failed, Failed]),
        (vec![loaded(), stop(), stop(), end(stopped())], vec![Migrating, Stopping, Stopping, Stopped]),
        (vec![loaded(), stop(), close(), end(stopped())], vec![Migrating, Stopping, Stopping, Stopped]),
        (vec![loaded(), close(), stop(), end(stopped())], vec![Migrating, Stopping, Stopping, Stopped]),
        (vec![loaded(), close(), end(COMPLETED)], vec![Migrating, Stopping, Stopped]),
        (vec![loaded(), stop(), abort(), end(stopped())], vec![Migrating, Stopping, Stopping, Stopped]),
        (vec![loaded(), abort(), end(stopped())], vec![Migrating, Stopping, Stopped]),
        // The program closes before it was loaded: the same pass goes on later.
        (vec![close(), end(stopped())], vec![Queued, Submitted]),
        (vec![close(), loaded(), end(stopped())], vec![Queued, Migrating, Submitted]),
        (vec![close(), end(stopped()), loaded()], vec![Queued, Submitted, Submitted]),
        (vec![close(), end(broken())], vec![Queued, Failed]),
        (vec![close(), loaded(), end(COMPLETED)], vec![Queued, Migrating, Completed]),
        (vec![close(), abort(), end(stopped())], vec![Queued, Queued, Submitted]),
    ];
    for (events, expected) in table {
        let mut state = started(1, 8);
        assert_eq!(statuses(&state), [Queued], "a free place is taken at once");
        let told: Vec<String> = events.iter().map(|event| format!("{event:?}")).collect();
        let mut seen = Vec::new();
        let mut known = Queued;
        for event in events {
            let (effects, _) = state.handle(at(0), event);
            // What is written follows on what was written before, without a gap.
            for effect in effects {
                if let Effect::Status(StatusMove { from, to, .. }) = effect {
                    assert_eq!(from, known, "{told:?}");
                    known = to;
                }
            }
            seen.push(statuses(&state)[0]);
            assert_eq!(known, statuses(&state)[0], "{told:?}");
        }
        assert_eq!(seen, expected, "{told:?}");
        assert!(state.projects[&PROJECT].running.values().all(|running| *running == 0), "{told:?}");
    }
}

#[test]
fn r2_a_start_is_submitted_first_and_taken_when_a_place_is_free() {
    let mut state = with_items(1, 1);
    let (effects, _) = state.handle(at(0), submitted(1..=1));
    let taken = Effect::Status(StatusMove {
        item: ItemId(1),
        pass: PassId(10),
        from: Status::Submitted,
        to: Status::Queued,
        failure: None,
        hold: None,
    });
    assert_eq!(effects, [Effect::TryAgain(PROJECT), taken, Effect::Spawn(ItemId(1), PassId(10), RunnerKind::Copier)]);
}

#[test]
fn r6_further_items_wait_and_come_in_their_order() {
    let mut state = with_items(5, 2);
    assert_eq!(spawned(&state.handle(at(0), submitted([3, 1, 2, 5, 4].into_iter())).0), [3, 1]);
    assert_eq!(spawned(&state.handle(at(0), Event::Ended(ItemId(1), COMPLETED)).0), [2]);
    assert_eq!(
        spawned(&state.handle(at(0), Event::Ended(ItemId(3), PassEnd::Stopped(None))).0),
        [5],
        "a place is a place"
    );
    let (lowered, _) = state.handle(at(0), Event::Load { project: PROJECT, items: Vec::new(), limits: up_to(1) });
    assert_eq!(lowered, [], "none is interrupted");
    assert_eq!(spawned(&state.handle(at(0), Event::Ended(ItemId(2), COMPLETED)).0), [] as [i64; 0]);
    let (raised, _) = state.handle(at(0), Event::Load { project: PROJECT, items: Vec::new(), limits: up_to(8) });
    assert_eq!(spawned(&raised), [4], "raised, more start at once");
}

#[test]
fn r5_what_is_submitted_or_at_rest_is_not_stopped_and_says_why() {
    let mut state = started(2, 1);
    let (effects, outcome) = state.handle(at(0), Event::Stop(vec![ItemId(1), ItemId(2), ItemId(9)]));
    assert_eq!((effects, outcome.done.len(), outcome.left.len()), (Vec::new(), 0, 3));
    assert!(outcome.left[1].1.to_string().starts_with("submitted items cannot be stopped"), "{outcome:?}");
    assert_eq!(statuses(&state), [Status::Queued, Status::Submitted]);
}

#[test]
fn nothing_starts_once_the_program_closes() {
    let mut state = started(3, 1);
    state.handle(at(0), Event::Loaded(ItemId(1)));
    let (effects, outcome) = state.handle(at(0), Event::Close);
    assert_eq!((outcome.done, effects.contains(&Effect::Stop(ItemId(1)))), (vec![ItemId(1)], true));
    let (effects, _) = state.handle(at(0), Event::Ended(ItemId(1), PassEnd::Stopped(None)));
    assert_eq!(spawned(&effects), [] as [i64; 0]);
    assert_eq!(statuses(&state), [Status::Stopped, Status::Submitted, Status::Submitted]);
    assert!(!state.is_busy());
}

#[test]
fn one_refused_administrator_login_holds_all_others() {
    use Status::{Failed, Held, Queued, Submitted};
    let mut state = started(5, 2);
    let (effects, _) = state.handle(at(0), Event::Ended(ItemId(2), refused(Side::Source)));
    assert_eq!(spawned(&effects), [] as [i64; 0], "nobody tries again");
    assert_eq!(statuses(&state), [Queued, Failed, Held, Held, Held]);
    let reasons =
        effects.iter().filter(|e| matches!(e, Effect::Status(StatusMove { to: Held, failure: Some(_), .. }))).count();
    assert_eq!(reasons, 3, "each says why it is held");
    // The other one that was running waited for that answer.
    let (effects, _) = state.handle(at(0), Event::Ended(ItemId(1), held(Side::Source)));
    let says = |effect: &Effect| {
        matches!(effect, Effect::Status(StatusMove { to: Held, failure: Some((_, failure)), .. })
        if failure.cause == Cause::AdministratorLoginRefused)
    };
    assert!(effects.iter().any(says), "{effects:?}");
    assert_eq!(statuses(&state), [Held, Failed, Held, Held, Held]);
    // A word of the consultant for two of them: tried again, and the refusal is forgotten before anybody starts.
    let (effects, outcome) = state.handle(at(0), Event::Resume(vec![ItemId(4), ItemId(2), ItemId(3)]));
    assert_eq!(outcome.done, [ItemId(4), ItemId(3)], "the failed one is not resumed");
    assert_eq!((&effects[0], spawned(&effects)), (&Effect::TryAgain(PROJECT), vec![4, 3]));
    assert_eq!(statuses(&state), [Held, Failed, Queued, Queued, Held]);
    // Refused again: one fails, the other is held again; those still held stay so.
    state.handle(at(0), Event::Ended(ItemId(3), refused(Side::Source)));
    state.handle(at(0), Event::Ended(ItemId(4), held(Side::Source)));
    assert_eq!(statuses(&state), [Held, Failed, Failed, Held, Held]);
    // A held one can be stopped; a failed one started: then the refusal is forgotten too.
    let (_, outcome) = state.handle(at(0), Event::Stop(vec![ItemId(1)]));
    assert_eq!((outcome.done.len(), state.status(ItemId(1))), (1, Some(Status::Stopped)));
    let (effects, _) = state.handle(at(0), submitted(2..=2));
    assert_eq!((&effects[0], spawned(&effects)), (&Effect::TryAgain(PROJECT), vec![2]));
    state.handle(at(0), Event::Ended(ItemId(2), COMPLETED));
    let (_, again) = state.handle(at(0), Event::Resume(vec![ItemId(4), ItemId(5), ItemId(4)]));
    assert_eq!(again.done, [ItemId(4), ItemId(5)], "once each");
    assert!(!statuses(&state).contains(&Submitted));
}

#[test]
fn submissions_that_a_crash_left_behind_wait_for_a_word() {
    let mut state = RunState::default();
    let left = |item, status, pass| KnownItem { status, pass: Some(PassId(pass)), ..listed(item, own(item)) };
    let items = vec![left(1, Status::Submitted, 7), left(2, Status::Completed, 8)];
    let (effects, _) = state.handle(at(0), Event::Load { project: PROJECT, items, limits: up_to(8) });
    assert_eq!(effects, [], "nothing runs by itself (D3)");
    let (effects, outcome) = state.handle(at(0), Event::Resume(vec![ItemId(1), ItemId(2)]));
    assert_eq!(outcome.done, [ItemId(1)]);
    assert!(effects.contains(&Effect::Spawn(ItemId(1), PassId(7), RunnerKind::Copier)), "the same pass: {effects:?}");
    assert_eq!(state.handle(at(0), Event::Resume(vec![ItemId(1)])).1.done, [], "it has a worker already");
}

/// A run state with items of project 1, which have these mailboxes, all started.
fn sharing(mailboxes: &[Mailboxes], concurrent: u32) -> (RunState, Vec<i64>) {
    let mut state = RunState::default();
    let items: Vec<KnownItem> = (1..).zip(mailboxes).map(|(id, of)| listed(id, *of)).collect();
    let all = items.len() as i64;
    state.handle(at(0), Event::Load { project: PROJECT, items, limits: up_to(concurrent) });
    let first = spawned(&state.handle(at(0), submitted(1..=all)).0);
    (state, first)
}

fn end(state: &mut RunState, item: i64) -> Vec<i64> {
    spawned(&state.handle(at(0), Event::Ended(ItemId(item), COMPLETED)).0)
}

#[test]
fn d30_items_that_share_a_destination_never_run_at_once_and_hold_up_nobody_else() {
    let there = |reads: &str| between(reads, "there");
    let (mut state, first) = sharing(&[there("a"), there("b"), own(3), there("c"), own(5)], 3);
    assert_eq!(first, [1, 3, 5], "those behind do not wait");
    assert_eq!(state.status(ItemId(2)), Some(Status::Submitted));
    assert!(state.is_busy());
    assert_eq!(end(&mut state, 3), [] as [i64; 0], "a free place is not enough");
    assert_eq!(end(&mut state, 1), [2], "in the order of submission");
    assert_eq!(end(&mut state, 5), [] as [i64; 0]);
    assert_eq!(
        spawned(&state.handle(at(0), Event::Ended(ItemId(2), PassEnd::Stopped(None))).0),
        [4],
        "however it ended"
    );
    assert_eq!(end(&mut state, 4), [] as [i64; 0]);
    assert!(!state.is_busy() && state.waiting.is_empty());
}

#[test]
fn d30_who_reads_what_another_one_writes_waits_and_readers_share() {
    let (mut state, first) = sharing(&[between("a", "b"), between("b", "c"), between("b", "d"), between("e", "b")], 8);
    assert_eq!(first, [1], "2 and 3 read what 1 writes, 4 writes it too");
    let next = end(&mut state, 1);
    assert_eq!(next, [2, 3], "both only read it");
    assert_eq!(end(&mut state, 2), [] as [i64; 0], "it is still being read");
    assert_eq!(end(&mut state, 3), [4]);
    end(&mut state, 4);
    assert!(!state.is_busy());
}

#[test]
fn d30_it_holds_across_projects_and_one_project_does_not_keep_a_mailbox_from_another() {
    let other = ProjectId(2);
    let mut state = RunState::default();
    let of = |ids: &[i64]| ids.iter().map(|id| listed(*id, between("x", "there"))).collect::<Vec<_>>();
    state.handle(at(0), Event::Load { project: PROJECT, items: of(&[1, 2]), limits: up_to(1) });
    let mut items = of(&[3]);
    items.push(listed(4, own(4)));
    state.handle(at(0), Event::Load { project: other, items, limits: up_to(1) });
    assert_eq!(spawned(&state.handle(at(0), submitted([1, 3, 4, 2].into_iter())).0), [1, 4]);
    assert_eq!(end(&mut state, 4), [] as [i64; 0], "3 waits for 1");
    let next = end(&mut state, 1);
    assert_eq!(next.len(), 1, "one of them has it: {next:?}");
    let mut order = next;
    while let Some(item) = order.last().copied().filter(|_| state.is_busy()) {
        order.extend(end(&mut state, item));
    }
    order.sort_unstable();
    assert_eq!(order, [2, 3]);
}

#[test]
fn d30_a_refused_administrator_holds_those_who_wait_for_a_mailbox_too() {
    let there = |reads: &str| between(reads, "there");
    let (mut state, first) = sharing(&[there("a"), there("b"), there("c")], 8);
    assert_eq!(first, [1]);
    state.handle(at(0), Event::Ended(ItemId(1), refused(Side::Source)));
    assert_eq!(statuses(&state), [Status::Failed, Status::Held, Status::Held]);
    assert!(!state.is_busy());
    let (effects, _) = state.handle(at(0), Event::Resume(vec![ItemId(3), ItemId(2)]));
    assert_eq!(spawned(&effects), [3]);
    assert_eq!(end(&mut state, 3), [2]);
}

#[test]
fn d30_another_login_counts_from_the_next_start_on() {
    let (mut state, first) = sharing(&[own(1), own(2)], 8);
    assert_eq!(first, [1, 2]);
    end(&mut state, 1);
    state.handle(
        at(0),
        Event::Load { project: PROJECT, items: vec![listed(1, own(2)), listed(2, own(7))], limits: up_to(8) },
    );
    assert_eq!(spawned(&state.handle(at(0), submitted(1..=1)).0), [] as [i64; 0], "2 runs with what it was given");
    assert_eq!(end(&mut state, 2), [1]);
}

/// Every order of ends, of items that share mailboxes in every way: nobody is left waiting, nobody shares.
#[test]
fn d30_nobody_is_left_waiting_whatever_they_share() {
    let mut seed = 7u64;
    let mut random = move |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    for _ in 0..300 {
        let mut state = RunState::default();
        let mut all = BTreeMap::new();
        for (project, items) in [(1, 1..=8), (2, 9..=14), (3, 15..=16)] {
            let mut name = || {
                let mailbox = |n: u64| MailboxKey::of(&format!("mailbox {n}"));
                [mailbox(random(5)), mailbox(random(40))]
            };
            let items: Vec<KnownItem> =
                items.map(|id| listed(id, Mailboxes { reads: name(), writes: name() })).collect();
            all.extend(items.iter().map(|item| (item.item.0, item.mailboxes)));
            let concurrent = 1 + random(4) as u32;
            state.handle(at(0), Event::Load { project: ProjectId(project), items, limits: up_to(concurrent) });
        }
        let mut running = spawned(&state.handle(at(0), submitted(1..=16)).0);
        let mut ended = 0;
        while !running.is_empty() {
            for (at, one) in running.iter().enumerate() {
                let meets = |other: &&i64| {
                    let (a, b) = (all[one], all[*other]);
                    let meet = |a: [MailboxKey; 2], b: [MailboxKey; 2]| a.iter().any(|key| b.contains(key));
                    meet(a.writes, b.writes) || meet(a.writes, b.reads) || meet(a.reads, b.writes)
                };
                let other = running[at + 1..].iter().find(meets);
                assert_eq!(other, None, "{one} runs beside it");
            }
            let item = running.swap_remove(random(running.len() as u64) as usize);
            ended += 1;
            running.extend(end(&mut state, item));
        }
        assert_eq!(ended, 16, "{:?}", state.waiting);
        assert!(!state.is_busy());
    }
}

/// What each event costs must not grow with those who wait: with a look at all of them at each, this takes minutes.
#[test]
fn r10_a_hundred_thousand_items_of_one_mailbox_run_one_after_the_other() {
    const ITEMS: i64 = 100_000;
    let mailboxes: Vec<Mailboxes> = (0..ITEMS).map(|id| between(&format!("source {id}"), "there")).collect();
    let began = std::time::Instant::now();
    let (mut state, mut running) = sharing(&mailboxes, 8);
    let mut ended = 0;
    while let [item] = running[..] {
        ended += 1;
        running = end(&mut state, item);
    }
    assert_eq!((ended, running.len()), (ITEMS, 0));
    assert!(began.elapsed().as_secs() < 60, "{:?}", began.elapsed());
}

#[test]
fn r3_r4_a_scheduled_item_starts_at_its_time_unless_it_was_stopped() {
    let mut state = with_items(4, 8);
    state.handle(at(0), submitted_to_wait([2, 1].into_iter(), Wait::Until(at(500))));
    state.handle(at(0), submitted_to_wait([3].into_iter(), Wait::Until(at(400))));
    assert_eq!((state.next_due(), state.is_busy()), (Some(at(400)), false));
    assert_eq!(state.handle(at(399), Event::Tick).0, []);
    assert_eq!(spawned(&state.handle(at(400), Event::Tick).0), [3]);
    assert_eq!(state.next_due(), Some(at(500)));
    let (_, outcome) = state.handle(at(450), Event::Stop(vec![ItemId(1)]));
    assert_eq!((outcome.done, state.status(ItemId(1))), (vec![ItemId(1)], Some(Status::Stopped)));
    state.handle(at(450), submitted_to_wait([1].into_iter(), Wait::Until(at(900))));
    // Any event brings what is due, not only a tick.
    assert_eq!(spawned(&state.handle(at(700), Event::Ended(ItemId(3), COMPLETED)).0), [2]);
    assert_eq!(state.next_due(), Some(at(900)), "with its new time");
    state.handle(at(700), Event::Close);
    assert_eq!(state.next_due(), None);
    assert_eq!(spawned(&state.handle(at(1000), Event::Tick).0), [] as [i64; 0]);
    assert_eq!(state.status(ItemId(1)), Some(Status::Scheduled), "the next process starts it");
}

#[test]
fn r3_what_was_scheduled_before_this_process_is_due_all_the_same() {
    let mut state = RunState::default();
    let scheduled =
        KnownItem { status: Status::Scheduled, pass: Some(PassId(7)), until: Some(at(50)), ..listed(1, own(1)) };
    let load = || Event::Load { project: PROJECT, items: vec![scheduled], limits: up_to(8) };
    assert_eq!(spawned(&state.handle(at(10), load()).0), [] as [i64; 0]);
    state.handle(at(10), load());
    assert_eq!(spawned(&state.handle(at(60), Event::Tick).0), [1]);
    assert_eq!(state.next_due(), None, "known once, however often it is loaded");
}

#[test]
fn a_submission_that_waits_for_a_word_or_a_credential_stands_in_no_queue() {
    let mut state = with_items(2, 8);
    state.handle(at(0), submitted_to_wait([1].into_iter(), Wait::Word(HoldReason::Switch)));
    state.handle(at(0), submitted_to_wait([2].into_iter(), Wait::Credentials));
    assert_eq!((statuses(&state), state.is_busy()), (vec![Status::Held, Status::WaitingForUser], false));
    assert_eq!(spawned(&state.handle(at(0), Event::Resume(vec![ItemId(1), ItemId(2)])).0), [1]);
}

#[test]
fn what_a_remote_service_works_on_takes_no_place_of_what_is_copied_here() {
    let mut state = RunState::default();
    let remote = |id| KnownItem { runner: RunnerKind::Remote, ..listed(id, own(id)) };
    let items = vec![listed(1, own(1)), listed(2, own(2)), remote(3), remote(4)];
    state.handle(at(0), Event::Load { project: PROJECT, items, limits: up_to(1) });
    let (effects, _) = state.handle(at(0), submitted(1..=4));
    assert_eq!(spawned(&effects), [1, 3, 4]);
    assert!(effects.contains(&Effect::Spawn(ItemId(3), PassId(30), RunnerKind::Remote)));
    assert_eq!(end(&mut state, 3), [] as [i64; 0], "a place of the other kind");
    assert_eq!(end(&mut state, 1), [2]);
}
