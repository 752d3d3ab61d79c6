//! Pairs of events that race, in both orders, beside those that one item alone can meet.

use std::time::Duration;

use super::*;

const HELD: ProjectLimits = ProjectLimits { concurrent: 1, held: true };

fn ids(items: impl IntoIterator<Item = i64>) -> Vec<ItemId> {
    items.into_iter().map(ItemId).collect()
}

fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(60 * minutes)
}

/// One that runs, and a second one that waits.
fn running() -> RunState {
    let mut state = started(2, 1);
    state.handle(at(0), Event::Loaded(ItemId(1)));
    state
}

#[test]
fn a_second_stop_and_a_start_while_it_stops_are_refused_and_change_nothing() {
    let mut state = running();
    state.handle(at(0), Event::Stop(ids([1])));
    let (effects, outcome) = state.handle(at(0), Event::Stop(ids([1])));
    assert_eq!((effects, outcome.left), (Vec::new(), vec![(ItemId(1), Refusal::Stopping.into())]));
    let outcome = state.startable(&ids([1]), Wait::None);
    assert_eq!(outcome.left, [(ItemId(1), Refusal::Stopping.into())]);
    let (effects, _) = state.handle(at(0), submitted(1..=1));
    assert_eq!(spawned(&effects), [] as [i64; 0]);
    assert_eq!(statuses(&state), [Status::Stopping, Status::Submitted]);
    // The other way round: it has stopped, and starts behind the one that waits.
    assert_eq!(spawned(&state.handle(at(0), Event::Ended(ItemId(1), PassEnd::Stopped(None))).0), [2]);
    assert_eq!(state.startable(&ids([1]), Wait::None).done, ids([1]));
    state.handle(at(0), submitted(1..=1));
    assert_eq!(statuses(&state), [Status::Submitted, Status::Queued]);
}

#[test]
fn what_waits_or_is_taken_is_not_deleted_and_what_was_deleted_hears_no_late_news() {
    let mut state = started(2, 1);
    state.handle(at(0), Event::Deleted(ids([1, 2])));
    assert_eq!(statuses(&state), [Status::Queued, Status::Submitted]);
    assert_eq!(spawned(&state.handle(at(0), Event::Ended(ItemId(1), COMPLETED)).0), [2], "its place was its own");
    state.handle(at(0), Event::Deleted(ids([1])));
    for late in [Event::Loaded(ItemId(1)), Event::Reached(ItemId(1)), Event::Ended(ItemId(1), COMPLETED)] {
        assert_eq!(state.handle(at(0), late).0, []);
    }
    assert_eq!(state.projects[&PROJECT].running[&RunnerKind::Copier], 1, "the place of the second one");
}

#[test]
fn a_time_that_comes_before_the_switch_is_held_by_it_too() {
    let state_with = |events: Vec<(i64, Event)>| {
        let mut state = with_items(2, 1);
        state.handle(at(0), submitted(1..=1));
        state.handle(at(0), submitted_to_wait([2].into_iter(), Wait::Until(at(50))));
        for (when, event) in events {
            state.handle(at(when), event);
        }
        (statuses(&state), state.items[&ItemId(2)].hold)
    };
    let held = (vec![Status::Queued, Status::Held], Some(HoldReason::Switch));
    let switch = || Event::Limits(PROJECT, HELD);
    assert_eq!(state_with(vec![(50, Event::Tick), (51, switch())]), held);
    assert_eq!(state_with(vec![(49, switch()), (50, Event::Tick)]), held);
    assert_eq!(state_with(vec![(50, switch())]), held, "in the same instant");
}

#[test]
fn an_edit_counts_for_who_is_not_taken_yet() {
    let edit = |to: &str| Event::Load { project: PROJECT, items: vec![listed(2, between("b", to))], limits: up_to(8) };
    let mut state = sharing(&[own(1), own(2), between("c", "destination 2")], 1).0;
    // Before it is taken: it runs beside the one that would have met it.
    state.handle(at(0), edit("elsewhere"));
    state.handle(at(0), Event::Limits(PROJECT, up_to(8)));
    assert_eq!(statuses(&state), [Status::Queued; 3]);
    // After it was taken: it has what it was given, however often it is edited.
    let (mut state, first) = sharing(&[own(1), own(2), between("c", "destination 2")], 8);
    assert_eq!(first, [1, 2]);
    state.handle(at(0), edit("elsewhere"));
    assert_eq!(statuses(&state), [Status::Queued, Status::Queued, Status::Submitted]);
    assert_eq!(end(&mut state, 2), [3]);
}

#[test]
fn the_switch_leaves_alone_who_was_taken_before_it() {
    let mut state = started(2, 1);
    state.handle(at(0), Event::Limits(PROJECT, HELD));
    assert_eq!(statuses(&state), [Status::Queued, Status::Held]);
    state.handle(at(0), Event::Loaded(ItemId(1)));
    let (effects, _) = state.handle(at(0), Event::Ended(ItemId(1), COMPLETED));
    assert_eq!((spawned(&effects), statuses(&state)), (vec![], vec![Status::Completed, Status::Held]));
    // The other way round: a place is free before the switch comes.
    let mut state = started(2, 1);
    state.handle(at(0), Event::Ended(ItemId(1), COMPLETED));
    state.handle(at(0), Event::Limits(PROJECT, HELD));
    assert_eq!(statuses(&state), [Status::Completed, Status::Queued]);
}

/// What is found after a crash in each status, as `Store::recover` leaves it: nothing runs by itself (D3), nothing is lost.
#[test]
fn after_a_crash_in_each_status_a_word_brings_the_same_pass() {
    use Status::*;
    for (was, resumed) in [
        (NotSubmitted, None),
        (Submitted, Some(Queued)),
        (Scheduled, None),
        (Held, Some(Queued)),
        (WaitingForUser, None),
        (Stopped, None),
        (Failed, None),
        (Completed, None),
    ] {
        let mut state = RunState::default();
        let until = (was == Scheduled).then_some(at(90));
        let left = KnownItem { status: was, pass: Some(PassId(7)), until, ..listed(1, own(1)) };
        let load = Event::Load { project: PROJECT, items: vec![left], limits: up_to(8) };
        assert_eq!(state.handle(at(0), load).0, [], "{was:?}");
        assert_eq!((statuses(&state), state.is_busy()), (vec![was], false));
        let (effects, _) = state.handle(at(0), Event::Resume(ids([1])));
        assert_eq!(statuses(&state), [resumed.unwrap_or(was)], "{was:?}");
        let spawns = effects.contains(&Effect::Spawn(ItemId(1), PassId(7), RunnerKind::Copier));
        assert_eq!(spawns, resumed.is_some(), "{was:?}: {effects:?}");
        let (effects, _) = state.handle(at(90), Event::Tick);
        assert_eq!(spawned(&effects).len(), usize::from(was == Scheduled), "{was:?}");
    }
}

#[test]
fn an_interrupted_attempt_whose_item_was_reset_never_runs_again() {
    let mut state = RunState::default();
    let left = KnownItem { status: Status::Submitted, pass: Some(PassId(7)), ..listed(1, own(1)) };
    state.handle(at(0), Event::Load { project: PROJECT, items: vec![left], limits: up_to(8) });
    state.handle(at(0), Event::Reset(ids([1])));
    assert_eq!(statuses(&state), [Status::Submitted], "it waits: reset is refused");
    state.handle(at(0), Event::Stop(ids([1])));
    state.handle(at(0), Event::Reset(ids([1])));
    let (effects, outcome) = state.handle(at(0), Event::Resume(ids([1])));
    assert_eq!((effects, outcome.done, statuses(&state)), (vec![], vec![], vec![Status::NotSubmitted]));
    let (effects, _) = state.handle(at(0), submitted(1..=1));
    assert!(effects.contains(&Effect::Spawn(ItemId(1), PassId(10), RunnerKind::Copier)), "a new pass: {effects:?}");
    assert!(!effects.iter().any(|e| matches!(e, Effect::Spawn(_, PassId(7), _))));
}

#[test]
fn r8_stop_at_once_is_for_who_runs_and_leaves_nobody_without_a_turn() {
    let mut state = started(3, 1);
    state.handle(at(0), Event::Ended(ItemId(1), COMPLETED));
    let (effects, outcome) = state.handle(at(0), Event::Abort(ids([1, 2, 3])));
    let (not_running, queued) = (Refusal::NotRunning.into(), Refusal::Queued.into());
    assert_eq!(outcome.left, [(ItemId(1), not_running), (ItemId(2), queued), (ItemId(3), Refusal::NotRunning.into())]);
    assert_eq!((effects, statuses(&state)[1]), (Vec::new(), Status::Queued));
    state.handle(at(0), Event::Loaded(ItemId(2)));
    let (_, outcome) = state.handle(at(0), Event::Abort(ids([2])));
    assert_eq!(outcome.done, ids([2]));
    assert_eq!(spawned(&state.handle(at(0), Event::Ended(ItemId(2), PassEnd::Stopped(None))).0), [3]);
}

/// A project of three whose server is not there: the second one is to try it, and waits behind one that runs.
fn waits_to_try() -> RunState {
    let mut state = started(4, 2);
    state.handle(at(0), Event::Loaded(ItemId(2)));
    state.handle(at(0), Event::Ended(ItemId(1), broken()));
    state.handle(at(0), Event::Limits(PROJECT, up_to(1)));
    assert_eq!(spawned(&state.handle(at(0).plus(minutes(1)), Event::Tick).0), [] as [i64; 0], "no place for it");
    assert_eq!(statuses(&state), [Status::Failed, Status::Migrating, Status::Submitted, Status::Held]);
    state
}

#[test]
fn who_was_to_try_a_server_and_is_taken_back_leaves_the_try_to_the_next() {
    let now = at(0).plus(minutes(2));
    let mut state = waits_to_try();
    state.handle(now, Event::Withdraw(ids([3])));
    assert_eq!(state.status(ItemId(3)), Some(Status::Stopped));
    state.handle(now, Event::Ended(ItemId(2), PassEnd::Stopped(None)));
    assert_eq!(state.status(ItemId(4)), Some(Status::Queued), "it is due");
    // Held by the switch, and stopped then.
    let mut state = waits_to_try();
    state.handle(now, Event::Limits(PROJECT, HELD));
    state.handle(now, Event::Stop(ids([3])));
    state.handle(now, Event::Limits(PROJECT, up_to(2)));
    assert_eq!(spawned(&state.handle(now.plus(minutes(2)), Event::TryNow(PROJECT)).0), [4]);
}

#[test]
fn a_clock_that_jumps_a_day_forward_and_back_loses_no_start_and_no_try() {
    let day = minutes(24 * 60);
    let mut state = with_items(3, 8);
    for (item, start) in [(1, minutes(10)), (2, minutes(48 * 60))] {
        state.handle(at(0), submitted_to_wait([item].into_iter(), Wait::Until(at(0).plus(start))));
    }
    let (effects, _) = state.handle(at(0).plus(day), Event::Tick);
    assert_eq!(spawned(&effects), [] as [i64; 0], "nobody may be there who wanted it then");
    state.handle(at(0).plus(minutes(1)), Event::Tick);
    assert_eq!(statuses(&state), [Status::Held, Status::Scheduled, Status::NotSubmitted]);
    assert_eq!(state.items[&ItemId(1)].hold, Some(HoldReason::Missed), "it asks");
    assert_eq!(spawned(&state.handle(at(0).plus(minutes(48 * 60)), Event::Tick).0), [2]);

    let mut state = started(3, 1);
    state.handle(at(0).plus(day), Event::Ended(ItemId(1), broken()));
    assert_eq!(state.next_due(), Some(at(0).plus(day + minutes(1))));
    state.handle(at(0), Event::Tick);
    assert_eq!(state.next_due(), Some(at(0).plus(minutes(1))), "not a day later");
}
