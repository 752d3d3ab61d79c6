use proptest::prelude::*;

use super::*;

fn message(header: &str, body: &str) -> Shape {
    Shape::of(format!("{header}\r\n{body}").as_bytes())
}

fn ours(uid: i64, weak: bool, shape: Shape) -> Ours {
    Ours { uid: Uid(uid), weak, shape }
}

fn theirs(uid: i64, appended: bool, shape: Shape) -> Theirs {
    Theirs { uid: Uid(uid), appended, shape }
}

fn numbers(pairs: &[Pair]) -> Vec<(i64, i64)> {
    pairs.iter().map(|pair| (pair.source.0, pair.destination.0)).collect()
}

const A: &str = "Subject: a\r\n";

#[test]
fn equal_content_goes_first_then_what_programs_added_to() {
    let group = Alike {
        ours: vec![ours(1, false, message(A, "x")), ours(2, false, message(A, "y")), ours(3, false, message(A, "x"))],
        theirs: vec![
            theirs(7, false, message("X-TUID: 1\r\nSubject: a\r\n", "x")),
            theirs(8, false, message(A, "x")),
            theirs(9, false, message(A, "z")),
        ],
    };
    let (pairs, left) = match_contents(group);
    assert_eq!(numbers(&pairs), [(1, 8), (3, 7)]);
    assert_eq!(pairs.iter().map(|pair| pair.equal).collect::<Vec<_>>(), [true, false]);
    assert_eq!((left.ours.len(), left.ours[0].uid, left.theirs.len(), left.theirs[0].uid), (1, Uid(2), 1, Uid(9)));
}

#[test]
fn one_on_each_side_is_not_enough() {
    let group = Alike { ours: vec![ours(1, false, message(A, "x"))], theirs: vec![theirs(7, false, message(A, "y"))] };
    let (pairs, left) = match_contents(group);
    assert!(pairs.is_empty());
    for belief in [Belief::Keeps, Belief::Unknown] {
        let decided = decide(left.clone(), belief);
        assert_eq!((decided.pairs.len(), decided.unmatched), (0, vec![Uid(1)]), "{belief:?}");
    }
}

fn left(ours: &[(i64, u64, u8)], theirs: &[(i64, u64, bool)]) -> Left {
    let ours = ours.iter().map(|(uid, len, content)| OursLeft {
        uid: Uid(*uid),
        weak: *content == 0,
        len: *len,
        content: ContentHash([*content; 16]),
    });
    let theirs =
        theirs.iter().map(|(uid, len, appended)| TheirsLeft { uid: Uid(*uid), appended: *appended, len: *len });
    Left { ours: ours.collect(), theirs: theirs.collect() }
}

const GROWS: Belief = Belief::Changes { least: 10, most: 20 };

#[test]
fn a_destination_that_changes_messages_is_believed_within_what_it_was_seen_to_add() {
    let fits = decide(left(&[(1, 100, 1)], &[(9, 115, false)]), GROWS);
    assert_eq!((numbers(&fits.pairs), fits.unmatched.len()), (vec![(1, 9)], 0));
    for there in [100, 109, 121] {
        let other = decide(left(&[(1, 100, 1)], &[(9, there, true)]), GROWS);
        assert_eq!((other.pairs.len(), other.unmatched.len(), other.maybe_twice.len()), (0, 1, 1), "{there}");
        assert_eq!(other.maybe_twice[0].1, Uid(9));
    }
    let weak = decide(left(&[(1, 100, 0)], &[(9, 115, false)]), GROWS);
    assert_eq!((weak.pairs.len(), weak.unmatched.len(), weak.maybe_twice.len()), (0, 1, 1), "copied and named");
}

#[test]
fn of_different_messages_nobody_can_tell_which_one_is_there() {
    let nobody = decide(left(&[(1, 100, 1), (2, 101, 2)], &[(9, 115, false)]), GROWS);
    assert_eq!((nobody.pairs.len(), nobody.unmatched.len(), nobody.maybe_twice.len()), (0, 2, 1));
    let twins = decide(left(&[(1, 100, 1), (2, 100, 1)], &[(9, 115, false)]), GROWS);
    assert_eq!((numbers(&twins.pairs), twins.unmatched), (vec![(1, 9)], vec![Uid(2)]));
    let by_size = decide(left(&[(1, 100, 1), (2, 200, 2)], &[(9, 215, false)]), GROWS);
    assert_eq!((numbers(&by_size.pairs), by_size.unmatched), (vec![(2, 9)], vec![Uid(1)]));
    let both = decide(left(&[(1, 100, 1), (2, 105, 2)], &[(8, 118, false), (9, 112, false)]), GROWS);
    assert_eq!(numbers(&both.pairs), [(1, 9), (2, 8)]);
}

#[test]
fn while_nothing_is_known_a_message_of_another_content_is_not_taken_for_an_own_append() {
    for (appended, content, there) in [(true, 1, 300), (true, 1, 101), (true, 1, 20), (false, 1, 300), (true, 0, 300)] {
        let one = decide(left(&[(1, 100, content)], &[(9, there, appended)]), Belief::Unknown);
        assert_eq!((one.pairs.len(), one.unmatched.len(), one.maybe_twice.len()), (0, 1, 1), "{there}");
    }
    let strict = decide(left(&[(1, 100, 1)], &[(9, 100, true)]), Belief::Keeps);
    assert_eq!((strict.pairs.len(), strict.unmatched.len(), strict.maybe_twice.len()), (0, 1, 0));
}

#[test]
fn much_that_grew_alike_is_what_a_server_does() {
    let grown =
        |by: &[i64]| by.iter().map(|by| left(&[(1, 1000, 1)], &[(9, (1000 + by) as u64, true)])).collect::<Vec<_>>();
    assert_eq!(guess(&grown(&[27, 30, 27, 29])), Belief::Changes { least: 27, most: 30 });
    for by in [&[27, 30][..], &[27, 30, 900], &[27, 27, 27, -500], &[-500, -500, -500], &[9000, 9000, 9000]] {
        assert_eq!(guess(&grown(by)), Belief::Unknown, "{by:?}");
    }
    let of_others = vec![left(&[(1, 100, 1)], &[(9, 127, false)]); 5];
    assert_eq!(guess(&of_others), Belief::Unknown, "below the floor lies nothing of ours");
    let weak = vec![left(&[(1, 100, 0)], &[(9, 127, true)]); 5];
    assert_eq!(guess(&weak), Belief::Unknown);
}

#[test]
fn beyond_what_a_server_does_nothing_is_believed() {
    // As an older version may have learned it.
    let poisoned = Belief::Changes { least: -50_000, most: 50_000 };
    for (here, there) in [(30_000, 900), (900, 30_000), (60_000, 30_000)] {
        let decided = decide(left(&[(1, here, 1)], &[(9, there, true)]), poisoned);
        assert_eq!((decided.pairs.len(), decided.maybe_twice.len()), (0, 1), "{here} and {there}");
    }
    let wild = Belief::from(Habit::default().told(50_000, 10));
    assert_eq!(decide(left(&[(1, 10, 1)], &[(9, 50_000, true)]), wild).pairs.len(), 0);
    let both = Habit::default().told(50_000, 10).told(25, 10);
    assert_eq!((both.changed, Belief::from(both)), (2, Belief::Changes { least: 15, most: 15 }));
}

#[test]
fn what_the_server_said_to_have_may_have_grown_and_lost_a_little() {
    let explains = |belief: Belief, sent, size| (belief.explains(sent, size, true), belief.explains(sent, size, false));
    assert_eq!(explains(Belief::Keeps, 100, 101), (false, false));
    assert_eq!(explains(Belief::Unknown, 1000, 1030), (true, false));
    assert_eq!(explains(Belief::Unknown, 1000, 990), (true, false));
    assert_eq!(explains(Belief::Unknown, 5000, 1000), (false, false), "without what was attached");
    assert_eq!(explains(GROWS, 1000, 1015), (true, true));
    assert_eq!(explains(GROWS, 1000, 1100), (true, false));
    assert_eq!(explains(GROWS, 1000, 50_000), (false, false));
}

#[test]
fn what_was_learned_decides_what_is_believed() {
    let habit = Habit::default();
    assert_eq!(Belief::from(habit), Belief::Unknown);
    assert_eq!(Belief::from(habit.told(10, 10)), Belief::Keeps);
    assert_eq!(Belief::from(habit.told(10, 10).told(25, 10)), Belief::Changes { least: 15, most: 15 });
}

#[test]
fn a_giant_group_takes_linear_time() {
    let many = |weak: u8| {
        let ours: Vec<_> = (0..60_000).map(|uid| (uid, 100 + uid as u64 % 7, weak)).collect();
        let theirs: Vec<_> = (0..60_000).map(|uid| (uid, 500, uid % 2 == 0)).collect();
        left(&ours, &theirs)
    };
    let grows = Belief::Changes { least: 394, most: 400 };
    assert_eq!(decide(many(0), Belief::Unknown).unmatched.len(), 60_000);
    assert_eq!(decide(many(0), grows).unmatched.len(), 60_000);
    assert_eq!(decide(many(1), grows).pairs.len(), 60_000);
    assert_eq!(decide(many(1), GROWS).unmatched.len(), 60_000);
    // One body under many headers, of which nothing is kept.
    let headed = |n: i64, side: &str| message(&format!("Subject: {side} {n}\r\n"), "x").without_lines();
    let group = Alike {
        ours: (0..60_000).map(|n| ours(n, false, headed(n, "here"))).collect(),
        theirs: (0..60_000).map(|n| theirs(n, true, headed(n, "there"))).collect(),
    };
    let (pairs, left) = match_contents(group);
    assert_eq!((pairs.len(), left.ours.len(), left.theirs.len()), (0, 60_000, 60_000));
}

fn names(n: u8) -> Names {
    Names { now: Identity([n; 16]), before: Identity([n + 100; 16]), weak: false }
}

fn hash(n: u8) -> ContentHash {
    ContentHash([n; 16])
}

fn mark(n: u8, content: u8, folder: i64, uid: i64) -> Gone {
    let (content, folder) = (Some(hash(content)), FolderId(folder));
    Gone { identity: Identity([n; 16]), content, folder, uid: Uid(uid), at: folder }
}

#[test]
fn moved_messages_take_their_watermarks_along_if_their_content_is_the_same() {
    let mut gone = GoneMarks::new([mark(1, 1, 1, 5), mark(1, 1, 1, 5), mark(1, 1, 3, 6), mark(2, 1, 1, 7)]);
    assert!(gone.has(&names(1)) && gone.has(&names(2)) && !gone.has(&names(3)));
    assert_eq!(gone.moved(FolderId(3), Uid(9), &names(1), hash(2)), None, "another content");
    let first = gone.moved(FolderId(3), Uid(10), &names(1), hash(1)).expect("it moved");
    assert_eq!((first.from_folder, first.from, first.to), (FolderId(3), Uid(6), Uid(10)), "own folder first");
    let second = gone.moved(FolderId(4), Uid(1), &names(1), hash(1)).expect("it moved");
    assert_eq!((second.from_folder, second.from), (FolderId(1), Uid(5)));
    assert_eq!(gone.moved(FolderId(4), Uid(2), &names(1), hash(1)), None, "each mark answers for one");
    assert!(!gone.has(&names(1)) && gone.has(&names(2)));
}

#[test]
fn marks_of_older_versions_answer_by_their_older_name() {
    let old = Gone { identity: Identity([101; 16]), content: None, ..mark(0, 0, 1, 5) };
    let same_letters = Gone { identity: Identity([1; 16]), content: None, ..mark(0, 0, 1, 6) };
    let mut gone = GoneMarks::new([old, same_letters]);
    assert!(gone.has(&names(1)));
    assert_eq!(gone.moved(FolderId(2), Uid(1), &names(1), hash(7)).map(|key| key.from), Some(Uid(5)));
    assert_eq!(gone.moved(FolderId(2), Uid(2), &names(1), hash(7)), None);
}

#[test]
fn marks_set_aside_are_used_from_their_new_row() {
    let mut gone = GoneMarks::new([mark(1, 1, 1, 5), mark(1, 1, 1, 6), mark(1, 1, 2, 7)]);
    let folders = BTreeMap::from([(FolderId(1), vec![Uid(5), Uid(6)]), (FolderId(2), vec![Uid(7)])]);
    assert_eq!(gone.by_folder(), folders);
    gone.rehome(&BTreeMap::from([(FolderId(1), FolderId(9))]));
    let moved = gone.moved(FolderId(9), Uid(50), &names(1), hash(1)).map(|key| (key.from_folder, key.from));
    assert_eq!(moved, Some((FolderId(9), Uid(5))));
}

#[test]
fn marks_of_unread_folders_answer_once_each() {
    let mut away = AwayMarks::default();
    assert!(away.is_empty());
    away.add(Identity([1; 16]), Some(hash(1)));
    away.add(Identity([1; 16]), Some(hash(1)));
    away.add(Identity([102; 16]), None);
    assert!(away.has(&names(1)) && away.has(&names(2)) && !away.has(&names(3)));
    assert!(!away.take(&names(1), hash(2)), "another content");
    assert!(away.take(&names(1), hash(1)) && away.take(&names(1), hash(1)) && !away.take(&names(1), hash(1)));
    assert!(away.take(&names(2), hash(9)) && !away.take(&names(2), hash(9)));
    assert!(away.is_empty());
}

proptest! {
    #[test]
    fn matching_is_a_multiset_of_contents(
        here in proptest::collection::vec(0u8..4, 0..12), there in proptest::collection::vec(0u8..4, 0..12),
    ) {
        let shape = |n: &u8| message(A, &format!("body {n}"));
        let group = Alike {
            ours: here.iter().zip(1..).map(|(n, uid)| ours(uid, n % 2 == 0, shape(n))).collect(),
            theirs: there.iter().zip(1..).map(|(n, uid)| theirs(uid, false, shape(n))).collect(),
        };
        let (pairs, left) = match_contents(group);
        for n in 0..4u8 {
            let count = |side: &[u8]| side.iter().filter(|x| **x == n).count();
            let paired = pairs.iter().filter(|pair| here[(pair.source.0 - 1) as usize] == n).count();
            prop_assert_eq!(paired, count(&here).min(count(&there)));
        }
        prop_assert!(pairs.iter().all(|p| here[(p.source.0 - 1) as usize] == there[(p.destination.0 - 1) as usize]));
        let decided = decide(left, Belief::Keeps);
        prop_assert_eq!(decided.unmatched.len() + pairs.len(), here.len());
    }

    #[test]
    fn every_message_is_decided_and_nobody_answers_twice(
        here in proptest::collection::vec((0u64..30, 0u8..3), 0..12),
        there in proptest::collection::vec((0u64..60, any::<bool>()), 0..12),
        belief in prop_oneof![Just(Belief::Keeps), Just(Belief::Unknown), Just(GROWS)],
    ) {
        let mine: Vec<_> = here.iter().zip(1..).map(|((len, content), uid)| (uid, *len, *content)).collect();
        let others: Vec<_> = there.iter().zip(1..).map(|((len, appended), uid)| (uid, *len, *appended)).collect();
        let decided = decide(left(&mine, &others), belief);
        prop_assert_eq!(decided.pairs.len() + decided.unmatched.len(), here.len());
        let mut used: Vec<Uid> = decided.pairs.iter().map(|p| p.destination).collect();
        used.extend(decided.maybe_twice.iter().map(|(_, uid)| *uid));
        let all = used.len();
        used.sort_unstable();
        used.dedup();
        prop_assert_eq!(used.len(), all);
        let weak = |uid: Uid| here[(uid.0 - 1) as usize].1 == 0;
        prop_assert!(decided.pairs.iter().all(|pair| !weak(pair.source)), "only content confirms these");
        prop_assert!(decided.maybe_twice.iter().all(|(ours, _)| decided.unmatched.contains(&ours.uid)));
    }

    #[test]
    fn no_more_moves_than_marks_of_the_same_content(
        new in proptest::collection::vec((0u8..3, 0u8..2), 0..20), gone in proptest::collection::vec((0u8..3, 0u8..2), 0..20),
    ) {
        let mut marks = GoneMarks::new(gone.iter().zip(1..).map(|((n, c), uid)| mark(*n, *c, 1, uid)));
        let keys: Vec<_> = new
            .iter()
            .zip(1..)
            .map(|((n, c), uid)| marks.moved(FolderId(2), Uid(uid), &names(*n), hash(*c)))
            .collect();
        for n in 0..3u8 {
            for c in 0..2u8 {
                let of = |side: &[(u8, u8)]| side.iter().filter(|x| **x == (n, c)).count();
                let moved = keys.iter().zip(&new).filter(|(key, x)| key.is_some() && **x == (n, c)).count();
                prop_assert_eq!(moved, of(&new).min(of(&gone)));
            }
        }
        let mut from: Vec<_> = keys.iter().flatten().map(|key| key.from).collect();
        let all = from.len();
        from.sort_unstable();
        from.dedup();
        prop_assert_eq!(from.len(), all);
    }
}
