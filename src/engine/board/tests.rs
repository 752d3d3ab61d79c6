//! The board by tables: events go in, statuses and orders come out. Whatever can race is told in both orders.

use super::*;
use crate::domain::failure::{Retry, Scope};

const PROJECT: ProjectId = ProjectId(1);

fn refused(side: Side) -> PassEnd {
    let failure = Failure::new(Cause::AdministratorLoginRefused, Scope::Endpoint, Retry::User, "logging in");
    PassEnd::Failed { side: Some(side), failure }
}

fn broken() -> PassEnd {
    let failure = Failure::new(Cause::Unreachable, Scope::Endpoint, Retry::Backoff, "connecting");
    PassEnd::Failed { side: Some(Side::Source), failure }
}

const COMPLETED: PassEnd = PassEnd::Completed { errors: 0, differ: 0 };

/// A board with these items of one project, never started, of which so many run at once.
fn board(items: i64, concurrent: u32) -> Board {
    let mut board = Board::default();
    let items = (1..=items).map(|id| (ItemId(id), Status::NotSubmitted, None)).collect();
    board.handle(Event::Load { project: PROJECT, items, concurrent });
    board
}

/// The same, started, all of them.
fn started(items: i64, concurrent: u32) -> Board {
    let mut board = board(items, concurrent);
    board.handle(submitted(1..=items));
    board
}

fn submitted(items: impl Iterator<Item = i64>) -> Event {
    Event::Submitted(items.map(|id| (ItemId(id), PassId(id * 10))).collect())
}

fn statuses(board: &Board) -> Vec<Status> {
    board.seats.values().map(|seat| seat.status).collect()
}

fn spawned(effects: &[Effect]) -> Vec<i64> {
    effects.iter().filter_map(|e| if let Effect::Spawn(item, _) = e { Some(item.0) } else { None }).collect()
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
    let stopped = || PassEnd::Stopped;
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
        let mut board = started(1, 8);
        assert_eq!(statuses(&board), [Queued], "a free place is taken at once");
        let told: Vec<String> = events.iter().map(|event| format!("{event:?}")).collect();
        let mut seen = Vec::new();
        let mut known = Queued;
        for event in events {
            let (effects, _) = board.handle(event);
            // What is written follows on what was written before, without a gap.
            for effect in effects {
                if let Effect::Status(Change { from, to, .. }) = effect {
                    assert_eq!(from, known, "{told:?}");
                    known = to;
                }
            }
            seen.push(statuses(&board)[0]);
            assert_eq!(known, statuses(&board)[0], "{told:?}");
        }
        assert_eq!(seen, expected, "{told:?}");
        assert_eq!(board.places[&PROJECT].running, 0, "{told:?}");
    }
}

#[test]
fn r2_a_start_is_submitted_first_and_taken_when_a_place_is_free() {
    let mut board = board(1, 1);
    let (effects, _) = board.handle(submitted(1..=1));
    let taken = Effect::Status(Change {
        item: ItemId(1),
        pass: PassId(10),
        from: Status::Submitted,
        to: Status::Queued,
        failure: None,
    });
    assert_eq!(effects, [taken, Effect::Spawn(ItemId(1), PassId(10))]);
}

#[test]
fn r6_further_items_wait_and_come_in_their_order() {
    let mut board = board(5, 2);
    assert_eq!(spawned(&board.handle(submitted([3, 1, 2, 5, 4].into_iter())).0), [3, 1]);
    assert_eq!(spawned(&board.handle(Event::Ended(ItemId(1), COMPLETED)).0), [2]);
    assert_eq!(spawned(&board.handle(Event::Ended(ItemId(3), PassEnd::Stopped)).0), [5], "a place is a place");
    let (lowered, _) = board.handle(Event::Load { project: PROJECT, items: Vec::new(), concurrent: 1 });
    assert_eq!(lowered, [], "none is interrupted");
    assert_eq!(spawned(&board.handle(Event::Ended(ItemId(2), broken())).0), [] as [i64; 0]);
    let (raised, _) = board.handle(Event::Load { project: PROJECT, items: Vec::new(), concurrent: 8 });
    assert_eq!(spawned(&raised), [4], "raised, more start at once");
}

#[test]
fn r5_what_is_submitted_or_at_rest_is_not_stopped_and_says_why() {
    let mut board = started(2, 1);
    let (effects, outcome) = board.handle(Event::Stop(vec![ItemId(1), ItemId(2), ItemId(9)]));
    assert_eq!((effects, outcome.done.len(), outcome.left.len()), (Vec::new(), 0, 3));
    assert!(outcome.left[1].1.starts_with("submitted items cannot be stopped"), "{outcome:?}");
    assert_eq!(statuses(&board), [Status::Queued, Status::Submitted]);
}

#[test]
fn nothing_starts_once_the_program_closes() {
    let mut board = started(3, 1);
    board.handle(Event::Loaded(ItemId(1)));
    let (effects, outcome) = board.handle(Event::Close);
    assert_eq!((outcome.done, effects.contains(&Effect::Stop(ItemId(1)))), (vec![ItemId(1)], true));
    let (effects, _) = board.handle(Event::Ended(ItemId(1), PassEnd::Stopped));
    assert_eq!(spawned(&effects), [] as [i64; 0]);
    assert_eq!(statuses(&board), [Status::Stopped, Status::Submitted, Status::Submitted]);
    assert!(!board.is_busy());
}

#[test]
fn one_refused_administrator_login_holds_all_others() {
    use Status::{Failed, Held, Queued, Submitted};
    let mut board = started(5, 2);
    let (effects, _) = board.handle(Event::Ended(ItemId(2), refused(Side::Source)));
    assert_eq!(spawned(&effects), [] as [i64; 0], "nobody tries again");
    assert_eq!(statuses(&board), [Queued, Failed, Held, Held, Held]);
    let reasons =
        effects.iter().filter(|e| matches!(e, Effect::Status(Change { to: Held, failure: Some(_), .. }))).count();
    assert_eq!(reasons, 3, "each says why it is held");
    // The other one that was running waited at the same gate.
    board.handle(Event::Ended(ItemId(1), refused(Side::Source)));
    assert_eq!(statuses(&board), [Held, Failed, Held, Held, Held]);
    // A word of the consultant for two of them: tried again, and the refusal is forgotten before anybody starts.
    let (effects, outcome) = board.handle(Event::Resume(vec![ItemId(4), ItemId(2), ItemId(3)]));
    assert_eq!(outcome.done, [ItemId(4), ItemId(3)], "the failed one is not resumed");
    assert_eq!((&effects[0], spawned(&effects)), (&Effect::ForgetRefusals(PROJECT), vec![4, 3]));
    assert_eq!(statuses(&board), [Held, Failed, Queued, Queued, Held]);
    // Refused again: one fails, the other is held again; those still held stay so.
    board.handle(Event::Ended(ItemId(3), refused(Side::Source)));
    board.handle(Event::Ended(ItemId(4), refused(Side::Source)));
    assert_eq!(statuses(&board), [Held, Failed, Failed, Held, Held]);
    // A held one can be stopped; a failed one started: then the refusal is forgotten too.
    let (_, outcome) = board.handle(Event::Stop(vec![ItemId(1)]));
    assert_eq!((outcome.done.len(), board.status(ItemId(1))), (1, Some(Status::Stopped)));
    let (effects, _) = board.handle(submitted(2..=2));
    assert_eq!((&effects[0], spawned(&effects)), (&Effect::ForgetRefusals(PROJECT), vec![2]));
    board.handle(Event::Ended(ItemId(2), COMPLETED));
    let (_, again) = board.handle(Event::Resume(vec![ItemId(4), ItemId(5), ItemId(4)]));
    assert_eq!(again.done, [ItemId(4), ItemId(5)], "once each");
    assert!(!statuses(&board).contains(&Submitted));
}

#[test]
fn submissions_that_a_crash_left_behind_wait_for_a_word() {
    let mut board = Board::default();
    let items = vec![(ItemId(1), Status::Submitted, Some(PassId(7))), (ItemId(2), Status::Completed, Some(PassId(8)))];
    let (effects, _) = board.handle(Event::Load { project: PROJECT, items, concurrent: 8 });
    assert_eq!(effects, [], "nothing runs by itself (D3)");
    let (effects, outcome) = board.handle(Event::Resume(vec![ItemId(1), ItemId(2)]));
    assert_eq!(outcome.done, [ItemId(1)]);
    assert!(effects.contains(&Effect::Spawn(ItemId(1), PassId(7))), "the same pass: {effects:?}");
    assert_eq!(board.handle(Event::Resume(vec![ItemId(1)])).1.done, [], "it has a worker already");
}
