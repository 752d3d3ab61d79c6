//! What holds submissions and lets them go on.

use super::*;
use crate::domain::retry::outage_pause;

const SWITCH_ON: ProjectLimits = ProjectLimits { concurrent: 1, held: true };
const SWITCH_OFF: ProjectLimits = ProjectLimits { concurrent: 1, held: false };

fn ids(items: impl IntoIterator<Item = i64>) -> Vec<ItemId> {
    items.into_iter().map(ItemId).collect()
}

/// One item of a project whose server is not there has failed; the others are held.
fn outage(items: i64, concurrent: u32) -> RunState {
    let mut state = started(items, concurrent);
    state.handle(at(1000), Event::Ended(ItemId(1), broken()));
    state
}

/// So many minutes and milliseconds after the epoch.
fn later(minutes: i64, millis: i64) -> Timestamp {
    at(minutes * 60_000 + millis)
}

#[test]
fn r6_what_waits_is_held_by_the_switch_and_can_be_stopped_then() {
    use Status::{Held, Migrating, Queued, Stopped, Submitted};
    let mut state = started(4, 1);
    state.handle(at(0), Event::Loaded(ItemId(1)));
    assert_eq!(statuses(&state), [Migrating, Submitted, Submitted, Submitted]);
    let (_, outcome) = state.handle(at(0), Event::Stop(ids([2])));
    assert_eq!(outcome.left, [(ItemId(2), Refusal::SubmittedCannotBeStopped.into())]);
    let (effects, _) = state.handle(at(0), Event::Limits(PROJECT, SWITCH_ON));
    assert_eq!(statuses(&state), [Migrating, Held, Held, Held], "what runs is not touched");
    let reason = |e: &Effect| matches!(e, Effect::Status(StatusMove { hold: Some(HoldReason::Switch), .. }));
    assert_eq!(effects.iter().filter(|e| reason(e)).count(), 3);
    state.handle(at(0), Event::Stop(ids([3])));
    assert_eq!(statuses(&state), [Migrating, Held, Stopped, Held]);
    assert_eq!(state.wait(PROJECT, false, None), Wait::Word(HoldReason::Switch), "what is submitted meanwhile too");
    let (_, outcome) = state.handle(at(0), Event::Resume(ids([2])));
    assert_eq!(outcome.left, [(ItemId(2), LeftAlone::SwitchHolds)]);
    state.handle(at(0), Event::Ended(ItemId(1), COMPLETED));
    let (effects, _) = state.handle(at(0), Event::Limits(PROJECT, SWITCH_OFF));
    assert_eq!((statuses(&state)[1], statuses(&state)[3]), (Queued, Submitted), "in the order of submission");
    assert_eq!(spawned(&effects), [2]);
}

#[test]
fn the_number_of_places_acts_at_once_and_interrupts_nobody() {
    use Status::{Queued, Submitted};
    let mut state = started(4, 1);
    let (effects, _) = state.handle(at(0), Event::Limits(PROJECT, ProjectLimits { concurrent: 3, held: false }));
    assert_eq!(spawned(&effects), [2, 3]);
    let (effects, _) = state.handle(at(0), Event::Limits(PROJECT, ProjectLimits { concurrent: 1, held: false }));
    assert!(effects.is_empty());
    assert_eq!(statuses(&state), [Queued, Queued, Queued, Submitted]);
    for item in [1, 2] {
        assert!(spawned(&state.handle(at(0), Event::Ended(ItemId(item), COMPLETED)).0).is_empty(), "two were too many");
    }
    assert_eq!(spawned(&state.handle(at(0), Event::Ended(ItemId(3), COMPLETED)).0), [4]);
}

#[test]
fn those_that_are_to_be_next_are_next_in_their_order() {
    let mut state = started(5, 1);
    let (_, outcome) = state.handle(at(0), Event::Next(ids([4, 1, 3])));
    assert_eq!((outcome.done, outcome.left), (ids([4, 3]), vec![(ItemId(1), LeftAlone::NotInQueue)]));
    let mut order = Vec::new();
    for _ in 0..4 {
        let running = state.items.iter().find(|(_, item)| item.status == Status::Queued).map(|(id, _)| *id).unwrap();
        order.extend(spawned(&state.handle(at(0), Event::Ended(running, COMPLETED)).0));
    }
    assert_eq!(order, [4, 3, 2, 5]);
}

#[test]
fn everything_is_taken_back_at_once_also_what_is_only_submitted() {
    let mut state = started(100_000, 8);
    state.handle(at(0), Event::Loaded(ItemId(1)));
    let (effects, outcome) = state.handle(at(0), Event::Withdraw(ids(1..=100_000)));
    assert_eq!(outcome.done.len(), 100_000 - 7, "R8: what is queued goes on");
    assert!(outcome.left.iter().all(|(_, why)| *why == Refusal::Queued.into()));
    assert_eq!(state.status(ItemId(1)), Some(Status::Stopping));
    assert_eq!(state.status(ItemId(100_000)), Some(Status::Stopped));
    assert!(spawned(&effects).is_empty());
    state.handle(at(0), Event::Ended(ItemId(2), COMPLETED));
    assert_eq!(state.items.values().filter(|item| item.status == Status::Queued).count(), 6, "nobody took its place");
}

#[test]
fn d16_a_start_that_is_missed_by_more_than_half_an_hour_asks() {
    let mut state = with_items(3, 8);
    for (item, start) in [(1, at(1000)), (2, later(1, 1000)), (3, later(90, 0))] {
        state.handle(at(0), submitted_to_wait([item].into_iter(), Wait::Until(start)));
    }
    assert_eq!(state.next_due(), Some(at(1000)));
    let (effects, _) = state.handle(later(31, 999), Event::Tick);
    assert_eq!(spawned(&effects), [2]);
    assert_eq!(statuses(&state), [Status::Held, Status::Queued, Status::Scheduled]);
    assert_eq!(state.items[&ItemId(1)].hold, Some(HoldReason::Missed));
    // The clock is put back: what waits for a later time goes on waiting.
    state.handle(at(5), Event::Tick);
    assert_eq!((statuses(&state)[2], state.next_due()), (Status::Scheduled, Some(later(90, 0))));
}

#[test]
fn a_time_that_comes_while_starts_are_held_is_held_by_the_switch() {
    let mut state = with_items(1, 8);
    state.handle(at(0), submitted_to_wait([1].into_iter(), Wait::Until(at(50))));
    state.handle(at(10), Event::Limits(PROJECT, SWITCH_ON));
    assert_eq!(statuses(&state), [Status::Scheduled], "its time has not come");
    state.handle(at(50), Event::Tick);
    assert_eq!((statuses(&state), state.items[&ItemId(1)].hold), (vec![Status::Held], Some(HoldReason::Switch)));
    let (effects, _) = state.handle(at(60), Event::Limits(PROJECT, SWITCH_OFF));
    assert_eq!(spawned(&effects), [1]);
}

#[test]
fn a_server_that_is_not_there_fails_one_item_and_holds_the_others() {
    use Status::{Failed, Held, Queued};
    let mut state = outage(4, 2);
    assert_eq!(statuses(&state), [Failed, Queued, Held, Held]);
    let (effects, _) = state.handle(at(2000), Event::Ended(ItemId(2), broken()));
    assert_eq!(statuses(&state), [Failed, Held, Held, Held], "who met it too is held, not failed");
    let change = |e: &Effect| matches!(e, Effect::Status(StatusMove { to: Held, failure: Some(_), hold, .. }) if *hold == Some(HoldReason::Unreachable));
    assert!(effects.iter().any(change));
    let next = later(1, 1000);
    assert_eq!((state.next_due(), state.outages().collect()), (Some(next), vec![(PROJECT, next)]));
    assert!(!state.is_busy(), "a terminal need not wait for it");

    // One of them tries, the others wait for what it meets; pauses grow.
    let (effects, _) = state.handle(next, Event::Tick);
    assert_eq!((spawned(&effects), state.next_due()), (vec![2], None));
    state.handle(later(1, 1010), Event::Ended(ItemId(2), broken()));
    assert_eq!(statuses(&state), [Failed, Held, Held, Held]);
    assert_eq!(state.next_due(), Some(later(3, 1010)));
    assert_eq!((outage_pause(0).as_secs(), outage_pause(99).as_secs()), (60, 30 * 60));

    // A person wants it now, and it gets through: all go on.
    let (effects, _) = state.handle(later(1, 1020), Event::TryNow(PROJECT));
    assert_eq!(spawned(&effects), [2]);
    let (effects, _) = state.handle(later(1, 1030), Event::Reached(ItemId(2)));
    assert_eq!(spawned(&effects), [3], "two at once");
    assert_eq!(statuses(&state), [Failed, Queued, Queued, Status::Submitted]);
    assert_eq!(state.outages().count(), 0);
}

#[test]
fn a_try_that_is_stopped_says_nothing_about_the_server() {
    let mut state = outage(3, 1);
    let next = state.next_due().unwrap();
    state.handle(next, Event::Tick);
    state.handle(next, Event::Loaded(ItemId(2)));
    state.handle(next, Event::Stop(ids([2])));
    state.handle(later(1, 1005), Event::Ended(ItemId(2), PassEnd::Stopped(None)));
    assert_eq!(statuses(&state), [Status::Failed, Status::Stopped, Status::Held]);
    let again = later(2, 1005);
    assert_eq!(state.next_due(), Some(again));
    assert_eq!(spawned(&state.handle(again, Event::Tick).0), [3]);
    // It meets something else, at a server that is there again.
    state.handle(again, Event::Ended(ItemId(3), refused(Side::Source)));
    assert_eq!((statuses(&state)[2], state.next_due()), (Status::Failed, None));
}

#[test]
fn an_outage_without_anybody_who_waits_is_forgotten() {
    let mut state = outage(1, 8);
    assert_eq!(statuses(&state), [Status::Failed]);
    state.handle(at(2000), submitted(1..=1));
    state.handle(at(2001), Event::Ended(ItemId(1), broken()));
    assert_eq!(statuses(&state), [Status::Failed], "it fails again, with its reason");
    let mut held = outage(3, 1);
    held.handle(at(2000), Event::Withdraw(ids(1..=3)));
    assert_eq!(statuses(&held), [Status::Failed, Status::Stopped, Status::Stopped]);
    held.handle(later(60, 0), Event::Tick);
    assert_eq!((held.next_due(), held.outages().count()), (None, 0));
}

#[test]
fn after_a_restart_held_items_try_the_server_again() {
    let mut state = RunState::default();
    let held = KnownItem {
        status: Status::Held,
        pass: Some(PassId(1)),
        hold: Some(HoldReason::Unreachable),
        ..listed(1, own(1))
    };
    state.handle(at(0), Event::Load { project: PROJECT, items: vec![held], limits: up_to(1) });
    assert_eq!(spawned(&state.handle(later(1, 0), Event::Tick).0), [1]);
}

/// Item 1 is scheduled, item 2 held because of the server, item 3 was never started; known to an engine that takes these.
fn left_by_another(takes: Takes) -> RunState {
    let pass = |item: i64| Some(PassId(item * 10));
    let items = vec![
        KnownItem { status: Status::Scheduled, pass: pass(1), until: Some(later(1, 0)), ..listed(1, own(1)) },
        KnownItem { status: Status::Held, pass: pass(2), hold: Some(HoldReason::Unreachable), ..listed(2, own(2)) },
        listed(3, own(3)),
    ];
    let mut state = RunState::new(takes);
    state.handle(at(0), Event::Load { project: PROJECT, items, limits: up_to(8) });
    state
}

#[test]
fn d3_who_runs_a_selection_takes_nothing_else_and_who_takes_all_does() {
    use Status::{Held, Queued, Scheduled};
    let mut all = left_by_another(Takes::All);
    all.handle(at(0), submitted(3..=3));
    assert_eq!(spawned(&all.handle(later(2, 0), Event::Tick).0), [2, 1], "the server is tried first");
    let mut given = left_by_another(Takes::Given);
    given.handle(at(0), submitted(3..=3));
    given.handle(at(0), Event::Reached(ItemId(3)));
    given.handle(later(120, 0), Event::Tick);
    assert_eq!((statuses(&given), given.next_due()), (vec![Scheduled, Held, Queued], None));
    given.handle(later(120, 0), Event::Close);
    assert_eq!(statuses(&given)[..2], [Scheduled, Held], "nothing of others is ended");
    // The switch of the project is a word about all of them.
    let mut held = left_by_another(Takes::Given);
    held.handle(at(0), submitted(3..=3));
    held.handle(at(0), Event::Limits(PROJECT, SWITCH_ON));
    assert_eq!(spawned(&held.handle(at(0), Event::Limits(PROJECT, SWITCH_OFF)).0), Vec::<i64>::new());
}

#[test]
fn d16_who_resumes_scheduled_items_keeps_their_times_and_starts_at_once_what_missed_its_own() {
    let mut early = left_by_another(Takes::Given);
    let (effects, outcome) = early.handle(at(0), Event::Resume(ids([1])));
    assert_eq!((spawned(&effects), outcome.done), (Vec::<i64>::new(), ids([1])));
    assert_eq!(spawned(&early.handle(later(1, 0), Event::Tick).0), [1]);
    let mut late = left_by_another(Takes::Given);
    let (effects, outcome) = late.handle(later(600, 0), Event::Resume(ids([1])));
    assert_eq!((spawned(&effects), outcome.done), (vec![1], ids([1])));
    // And it is not due a second time.
    assert_eq!(late.next_due(), None);
}

#[test]
fn r11_r14_credentials_that_come_let_an_item_go_on_at_its_time() {
    let mut state = with_items(3, 8);
    let passes = |items: &[i64]| items.iter().map(|id| (ItemId(*id), PassId(id * 10))).collect();
    let (wait, turn) = (Wait::Credentials, Turn::Last);
    state.handle(at(0), Event::Submitted { passes: passes(&[1, 2]), wait, until: Some(at(500)), turn });
    state.handle(at(0), Event::Submitted { passes: passes(&[3]), wait, until: None, turn });
    assert_eq!((statuses(&state), state.next_due()), (vec![Status::WaitingForUser; 3], None));
    let (_, outcome) = state.handle(at(100), Event::CredentialsCame(ids([1, 3, 9])));
    assert_eq!((outcome.done, outcome.left), (ids([1, 3]), vec![(ItemId(9), LeftAlone::Missing)]));
    assert_eq!(statuses(&state), [Status::Scheduled, Status::WaitingForUser, Status::Queued]);
    assert_eq!(spawned(&state.handle(at(500), Event::Tick).0), [1]);
    let (effects, _) = state.handle(at(600), Event::CredentialsCame(ids([2])));
    assert_eq!(spawned(&effects), [2], "its time has passed meanwhile");
}

#[test]
fn r44_r45_what_an_owner_entered_and_a_server_refused_fails_the_item_at_that_side() {
    let mut state = with_items(2, 8);
    let (passes, turn) = (vec![(ItemId(1), PassId(10))], Turn::Last);
    state.handle(at(0), Event::Submitted { passes, wait: Wait::Credentials, until: None, turn });
    let refusal = Failure::new(Cause::LoginRefused, Scope::Mailbox, Retry::User, "logging in");
    let refused = |item: i64| Event::CredentialsRefused(ItemId(item), Side::Destination, refusal.clone());
    let (effects, outcome) = state.handle(at(100), refused(1));
    assert_eq!(outcome.done, ids([1]));
    let moved = effects.iter().find_map(|effect| if let Effect::Status(moved) = effect { Some(moved) } else { None });
    assert_eq!(moved.unwrap().failure, Some((Some(Side::Destination), refusal.clone())));
    assert_eq!(statuses(&state), [Status::Failed, Status::NotSubmitted]);
    for item in [1, 2] {
        let (effects, outcome) = state.handle(at(200), refused(item));
        assert!(effects.is_empty() && outcome.done.is_empty() && outcome.left.len() == 1, "it waits no more");
    }
}

#[test]
fn what_an_earlier_process_left_submitted_can_be_stopped() {
    let mut state = RunState::default();
    let left = KnownItem { status: Status::Submitted, pass: Some(PassId(1)), ..listed(1, own(1)) };
    state.handle(at(0), Event::Load { project: PROJECT, items: vec![left], limits: up_to(1) });
    let (_, outcome) = state.handle(at(0), Event::Stop(ids([1])));
    assert_eq!((outcome.done, statuses(&state)), (ids([1]), vec![Status::Stopped]));
}

#[test]
fn r42_what_was_reset_reads_not_submitted_and_what_was_deleted_is_gone() {
    let mut state = started(3, 2);
    for item in [1, 2] {
        state.handle(at(0), Event::Ended(ItemId(item), COMPLETED));
    }
    state.handle(at(0), Event::Reset(ids([1, 3])));
    assert_eq!(state.status(ItemId(1)), Some(Status::NotSubmitted));
    assert_eq!(state.status(ItemId(3)), Some(Status::Queued), "what runs is left alone");
    state.handle(at(0), Event::Deleted(ids([2, 3])));
    assert_eq!((state.status(ItemId(2)), state.status(ItemId(3))), (None, Some(Status::Queued)));
}
