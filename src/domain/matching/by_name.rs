//! Matching by identity alone, of messages that were just sent: nothing but the order tells twins apart.

use crate::domain::identity::Identity;
use crate::domain::ids::Uid;

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
    /// Both sides have this identity, but not equally often. Only their contents tell.
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
