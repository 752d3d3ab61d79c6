//! Recognising messages: source candidates against destination candidates (D8), and new messages against watermarks
//! whose message left its place (D12). Both are multisets: one message at the destination answers for one at the source.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

use super::identity::{ContentHash, Identity};
use super::ids::{FolderId, Uid};
use super::record::Rekey;

/// A message that may have a counterpart on the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Its number on its side.
    pub uid: Uid,
    /// Who it is.
    pub identity: Identity,
    /// RFC822.SIZE or the exact size: it orders candidates, never decides.
    pub size: u32,
}

/// Candidates of one identity that only their contents can tell apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ambiguous {
    /// The identity they share.
    pub identity: Identity,
    /// At the source, by size and number.
    pub sources: Vec<Candidate>,
    /// At the destination, by size and number.
    pub destinations: Vec<Candidate>,
}

/// Result of matching. Every source candidate is in exactly one of the three.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matching {
    /// (source, destination): the same message, ascending by source.
    pub pairs: Vec<(Uid, Uid)>,
    /// Source messages without a counterpart, ascending.
    pub unmatched: Vec<Uid>,
    /// Both sides have this identity, but not equally often. The caller gets the contents' hashes and asks
    /// [`match_by_content`].
    pub ambiguous: Vec<Ambiguous>,
}

/// Matches the candidates of one destination folder. Within an identity, sizes and then numbers say who goes with whom.
pub fn match_identities(sources: &[Candidate], destinations: &[Candidate]) -> Matching {
    let key = |c: &Candidate| (c.identity, c.size, c.uid);
    let mut sources = sources.to_vec();
    let mut destinations = destinations.to_vec();
    sources.sort_unstable_by_key(key);
    destinations.sort_unstable_by_key(key);

    let mut found = Matching::default();
    let mut others = destinations.chunk_by(|a, b| a.identity == b.identity).peekable();
    for group in sources.chunk_by(|a, b| a.identity == b.identity) {
        let identity = group[0].identity;
        while others.next_if(|g| g[0].identity < identity).is_some() {}
        match others.next_if(|g| g[0].identity == identity) {
            None => found.unmatched.extend(group.iter().map(|c| c.uid)),
            Some(other) if other.len() == group.len() => {
                found.pairs.extend(group.iter().zip(other).map(|(s, d)| (s.uid, d.uid)));
            }
            Some(other) => {
                found.ambiguous.push(Ambiguous { identity, sources: group.to_vec(), destinations: other.to_vec() });
            }
        }
    }
    found.pairs.sort_unstable();
    found.unmatched.sort_unstable();
    found
}

/// Settles an ambiguous group by content. Equal contents go together first. What is left are messages that a server
/// altered: if the destination still has as many as the source, or those left at the source are all alike, they go
/// together by size and number. Otherwise nobody can tell which of different messages is there, and all that are left
/// count as unmatched: copying one again is the smaller harm. A message without a hash equals none.
pub fn match_by_content(
    group: &Ambiguous,
    sources: &[(Uid, ContentHash)],
    destinations: &[(Uid, ContentHash)],
) -> Matching {
    let mut left = hashed(&group.sources, sources);
    let mut others = hashed(&group.destinations, destinations);
    let mut by_hash: HashMap<ContentHash, VecDeque<Uid>> = HashMap::new();
    for (candidate, hash) in &others {
        hash.iter().for_each(|hash| by_hash.entry(*hash).or_default().push_back(candidate.uid));
    }
    let mut found = Matching::default();
    let mut used = HashSet::new();
    left.retain(|(source, hash)| {
        let twin = hash.and_then(|hash| by_hash.get_mut(&hash)?.pop_front());
        twin.iter().for_each(|twin| {
            used.insert(*twin);
            found.pairs.push((source.uid, *twin));
        });
        twin.is_none()
    });
    others.retain(|(candidate, _)| !used.contains(&candidate.uid));
    let alike = left.windows(2).all(|w| w[0].1.is_some() && w[0].1 == w[1].1);
    if others.len() >= left.len() || alike {
        let rest = left.split_off(others.len().min(left.len()));
        found.pairs.extend(left.iter().zip(&others).map(|((s, _), (d, _))| (s.uid, d.uid)));
        left = rest;
    }
    found.unmatched.extend(left.iter().map(|(c, _)| c.uid));
    found.pairs.sort_unstable();
    found.unmatched.sort_unstable();
    found
}

fn hashed<'a>(side: &'a [Candidate], hashes: &[(Uid, ContentHash)]) -> Vec<(&'a Candidate, Option<ContentHash>)> {
    let mut hashes = hashes.to_vec();
    hashes.sort_unstable();
    let find = |uid: Uid| hashes.binary_search_by_key(&uid, |(u, _)| *u).ok().map(|at| hashes[at].1);
    side.iter().map(|c| (c, find(c.uid))).collect()
}

/// Watermarks whose source message is no longer where it was, of the whole mailbox. Each answers for one message.
#[derive(Clone, Debug, Default)]
pub struct GoneMarks(BTreeSet<(Identity, FolderId, Uid)>);

/// New messages of one folder, told apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// Messages that moved here within the source: their watermarks move along and nothing is copied.
    pub rekeys: Vec<Rekey>,
    /// Messages to be copied, in the order given.
    pub rest: Vec<Uid>,
}

impl GoneMarks {
    /// Those of all folders, in any order; one named twice counts once.
    pub fn new(gone: impl IntoIterator<Item = (Identity, FolderId, Uid)>) -> Self {
        Self(gone.into_iter().collect())
    }

    /// Whether there never was one.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The unused ones, by folder.
    pub fn by_folder(&self) -> BTreeMap<FolderId, Vec<Uid>> {
        let mut folders: BTreeMap<FolderId, Vec<Uid>> = BTreeMap::new();
        self.0.iter().for_each(|(_, folder, uid)| folders.entry(*folder).or_default().push(*uid));
        folders
    }

    /// The unused ones of these folders belong to other rows from now on.
    pub fn rehome(&mut self, rows: &BTreeMap<FolderId, FolderId>) {
        let of = |folder| rows.get(&folder).copied().unwrap_or(folder);
        self.0 = self.0.iter().map(|(identity, folder, uid)| (*identity, of(*folder), *uid)).collect();
    }

    /// Whether an unused one has this identity.
    pub fn has(&self, identity: Identity) -> bool {
        self.first(identity, None).is_some()
    }

    /// New messages of the folder row `to` that are the missing ones (D12): as long as the source holds no more of an
    /// identity than there are watermarks, nothing is copied. Marks of the same folder are used first, then by folder
    /// and number. Calling it for folder after folder uses no mark twice.
    pub fn moved(&mut self, to: FolderId, new: &[(Uid, Identity)]) -> Moved {
        let mut found = Moved::default();
        for (uid, identity) in new {
            match self.first(*identity, Some(to)).or_else(|| self.first(*identity, None)) {
                Some(mark) => {
                    self.0.remove(&mark);
                    let (_, from_folder, from) = mark;
                    found.rekeys.push(Rekey { from_folder, from, to_folder: to, to: *uid });
                }
                None => found.rest.push(*uid),
            }
        }
        found
    }

    /// The first one of this identity, in one folder or any.
    fn first(&self, identity: Identity, folder: Option<FolderId>) -> Option<(Identity, FolderId, Uid)> {
        let low = folder.unwrap_or(FolderId(i64::MIN));
        let high = folder.unwrap_or(FolderId(i64::MAX));
        self.0.range((identity, low, Uid(i64::MIN))..=(identity, high, Uid(i64::MAX))).next().copied()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn candidate(uid: i64, identity: u8, size: u32) -> Candidate {
        Candidate { uid: Uid(uid), identity: Identity([identity; 16]), size }
    }

    fn pairs(of: &[(i64, i64)]) -> Vec<(Uid, Uid)> {
        of.iter().map(|(a, b)| (Uid(*a), Uid(*b))).collect()
    }

    #[test]
    fn twins_stay_two() {
        let found = match_identities(
            &[candidate(1, 1, 50), candidate(2, 1, 40), candidate(3, 2, 9)],
            &[candidate(8, 1, 51), candidate(9, 1, 41), candidate(7, 3, 9)],
        );
        assert_eq!(found.pairs, pairs(&[(1, 8), (2, 9)]));
        assert_eq!((found.unmatched, found.ambiguous.len()), (vec![Uid(3)], 0));
    }

    #[test]
    fn unequal_counts_are_settled_by_content() {
        let found = match_identities(&[candidate(1, 1, 5), candidate(2, 1, 5)], &[candidate(9, 1, 5)]);
        let group = &found.ambiguous[0];
        let hash = |n: u8| ContentHash([n; 16]);
        let settle = |s: &[(i64, u8)], d: &[(i64, u8)]| {
            let of = |x: &[(i64, u8)]| x.iter().map(|(u, h)| (Uid(*u), hash(*h))).collect::<Vec<_>>();
            match_by_content(group, &of(s), &of(d))
        };
        let second = settle(&[(1, 1), (2, 2)], &[(9, 2)]);
        assert_eq!((second.pairs, second.unmatched), (pairs(&[(2, 9)]), vec![Uid(1)]));
        let alike = settle(&[(1, 1), (2, 1)], &[(9, 3)]);
        assert_eq!((alike.pairs, alike.unmatched), (pairs(&[(1, 9)]), vec![Uid(2)]));
        let nobody_knows = settle(&[(1, 1), (2, 2)], &[(9, 3)]);
        assert_eq!((nobody_knows.pairs.len(), nobody_knows.unmatched.len()), (0, 2), "copy rather than lose");
        assert_eq!(settle(&[(1, 1)], &[]).unmatched.len(), 2);
    }

    #[test]
    fn moved_messages_take_their_watermarks_along() {
        let id = |n: u8| Identity([n; 16]);
        let mut gone = GoneMarks::new([
            (id(1), FolderId(1), Uid(5)),
            (id(1), FolderId(1), Uid(5)),
            (id(1), FolderId(3), Uid(6)),
            (id(2), FolderId(1), Uid(7)),
        ]);
        let first = gone.moved(FolderId(3), &[(Uid(10), id(1)), (Uid(11), id(9))]);
        assert_eq!(first.rest, [Uid(11)]);
        assert_eq!((first.rekeys[0].from_folder, first.rekeys[0].from), (FolderId(3), Uid(6)), "own folder first");
        let second = gone.moved(FolderId(4), &[(Uid(1), id(1)), (Uid(2), id(1))]);
        assert_eq!((second.rekeys.len(), second.rest), (1, vec![Uid(2)]), "each mark answers for one");
        assert!(gone.has(id(2)) && !gone.has(id(1)));
    }

    fn candidates() -> impl Strategy<Value = Vec<Candidate>> {
        proptest::collection::vec((0u8..4, 0u32..3), 0..20)
            .prop_map(|v| v.into_iter().zip(1..).map(|((i, s), u)| candidate(u, i, s)).collect())
    }

    #[test]
    fn marks_set_aside_are_used_from_their_new_row() {
        let mark = |folder, uid| (Identity([1; 16]), FolderId(folder), Uid(uid));
        let mut gone = GoneMarks::new([mark(1, 5), mark(1, 6), mark(2, 7)]);
        assert_eq!(
            gone.by_folder(),
            BTreeMap::from([(FolderId(1), vec![Uid(5), Uid(6)]), (FolderId(2), vec![Uid(7)])])
        );
        gone.rehome(&BTreeMap::from([(FolderId(1), FolderId(9))]));
        let moved = gone.moved(FolderId(9), &[(Uid(50), Identity([1; 16]))]);
        let from = moved.rekeys.iter().map(|key| (key.from_folder, key.from)).collect::<Vec<_>>();
        assert_eq!(from, [(FolderId(9), Uid(5))]);
    }

    proptest! {
        #[test]
        fn each_source_message_has_one_class_and_each_destination_message_one_partner(
            sources in candidates(), destinations in candidates(), reverse in proptest::bool::ANY,
        ) {
            let found = match_identities(&sources, &destinations);
            let mut seen: Vec<Uid> = found.pairs.iter().map(|p| p.0).chain(found.unmatched.iter().copied())
                .chain(found.ambiguous.iter().flat_map(|g| g.sources.iter().map(|c| c.uid))).collect();
            seen.sort_unstable();
            prop_assert_eq!(seen, sources.iter().map(|c| c.uid).collect::<Vec<_>>());
            let mut used: Vec<Uid> = found.pairs.iter().map(|p| p.1).collect();
            used.sort_unstable();
            used.dedup();
            prop_assert_eq!(used.len(), found.pairs.len());
            let count = |side: &[Candidate]| side.iter().fold(BTreeMap::new(), |mut m, c| {
                *m.entry(c.identity).or_insert(0usize) += 1;
                m
            });
            let (a, b) = (count(&sources), count(&destinations));
            let equal: usize = a.iter().filter(|(i, n)| b.get(*i) == Some(n)).map(|(_, n)| n).sum();
            prop_assert_eq!(found.pairs.len(), equal);
            let missing: usize = a.iter().filter(|(i, _)| !b.contains_key(*i)).map(|(_, n)| n).sum();
            prop_assert_eq!(found.unmatched.len(), missing);
            if reverse {
                let (mut s, mut d) = (sources, destinations);
                s.reverse();
                d.reverse();
                prop_assert_eq!(match_identities(&s, &d), found);
            }
        }

        #[test]
        fn no_more_is_rekeyed_than_left(
            new in proptest::collection::vec(0u8..4, 0..20), gone in proptest::collection::vec(0u8..4, 0..20),
        ) {
            let id = |n: &u8| Identity([*n; 16]);
            let mut marks = GoneMarks::new(gone.iter().zip(1..).map(|(i, u)| (id(i), FolderId(1), Uid(u))));
            let fresh: Vec<_> = new.iter().zip(1..).map(|(i, u)| (Uid(u), id(i))).collect();
            let found = marks.moved(FolderId(2), &fresh);
            prop_assert_eq!(found.rekeys.len() + found.rest.len(), new.len());
            for n in 0..4u8 {
                let of = |side: &[u8]| side.iter().filter(|x| **x == n).count();
                let rekeyed = found.rekeys.iter().filter(|r| new[(r.to.0 - 1) as usize] == n).count();
                prop_assert_eq!(rekeyed, of(&new).min(of(&gone)));
            }
            let mut from: Vec<_> = found.rekeys.iter().map(|r| r.from).collect();
            from.sort_unstable();
            from.dedup();
            prop_assert_eq!(from.len(), found.rekeys.len());
        }
    }
}
