//! Messages of one folder at which connections broke, and when they have broken often enough to be left out (D22).
//!
//! Only what fails while its neighbours succeed is suspect: a server that is busy or hangs up at everything is no fault of
//! the message that was on the wire. So suspects go last, each by itself, and a break counts when something else was
//! recorded since the one before. Pure; bounded by the messages of one append and the breaks of a pass.

use std::collections::BTreeMap;

use crate::domain::ids::Uid;

/// Breaks at one place after which the pass goes on without it.
pub const BLAME_LIMIT: u32 = 3;

/// Failed tries in a row after which the pauses have grown.
const GROWN: u32 = 3;

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Suspects {
    /// Were in one append with others when the connection broke, and what had been recorded by then.
    careful: BTreeMap<Uid, u64>,
    /// Broke by themselves.
    alone: BTreeMap<Uid, Breaks>,
}

/// Failed tries in a row without anything recorded, this one among them.
#[derive(Clone, Copy, Debug)]
pub struct Tries {
    /// How many.
    pub row: u32,
    /// How many there may be.
    pub limit: u32,
    /// The server says that it is busy.
    pub busy: bool,
}

impl Tries {
    /// What one more break counts: nothing before the pauses have grown, and where no neighbour succeeded or the server says
    /// that it is busy, not before it had nearly all its tries. With the last one the place itself is to blame.
    pub fn weight(self, patient: bool) -> u32 {
        let grown = match patient || self.busy {
            true => self.limit.saturating_sub(2).max(GROWN),
            false => GROWN,
        };
        match self.row {
            row if row >= self.limit => BLAME_LIMIT,
            row => u32::from(row >= grown),
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Breaks {
    counted: u32,
    /// What had been recorded at the last one.
    recorded: u64,
    /// Neighbours succeeded in between.
    neighbours: bool,
}

/// Messages to be asked for together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Ascending.
    pub uids: Vec<Uid>,
    /// A suspect: nothing travels with it.
    pub alone: bool,
}

/// In which order messages are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Turn {
    /// As the source numbers them.
    #[default]
    AsListed,
    /// The newest [`NEWEST`] before the ones before them; these among each other as the source numbers them.
    NewestFirst,
}

/// Messages that are asked for together where the newest come first: servers hand them out in the order of their numbers
/// whatever is asked, and one by one each would cost a round trip.
pub const NEWEST: usize = 100;

impl Turn {
    /// A part in this order.
    pub fn of(self, part: Part) -> Vec<Part> {
        match self {
            Self::AsListed => vec![part],
            Self::NewestFirst => {
                let some = |uids: &[Uid]| Part { uids: uids.to_vec(), alone: part.alone };
                part.uids.rchunks(NEWEST).map(some).collect()
            }
        }
    }
}

impl Suspects {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.careful.is_empty() && self.alone.is_empty()
    }

    /// Whether this message must be sent by itself.
    pub fn is_careful(&self, uid: Uid) -> bool {
        self.careful.contains_key(&uid) || self.is_alone(uid)
    }

    /// Whether a connection broke at this very message.
    pub fn is_alone(&self, uid: Uid) -> bool {
        self.alone.contains_key(&uid)
    }

    /// A connection broke at an append of several messages, when so much had been recorded in the pass. None can be blamed.
    pub fn broke_among(&mut self, uids: impl IntoIterator<Item = Uid>, recorded: u64) {
        for uid in uids {
            if !self.is_alone(uid) {
                self.careful.entry(uid).or_insert(recorded);
            }
        }
    }

    /// A connection broke at this message, when so much had been recorded in the pass. `tries`: nothing but suspects is left,
    /// and so often was tried in a row.
    pub fn broke_at(&mut self, uid: Uid, recorded: u64, tries: Option<Tries>) {
        let before = self.careful.remove(&uid).unwrap_or(recorded);
        let breaks = self.alone.entry(uid).or_insert(Breaks { counted: 0, recorded: before, neighbours: false });
        let neighbours = recorded > breaks.recorded;
        breaks.neighbours |= neighbours;
        let patient = !breaks.neighbours;
        let weight = tries.map_or(0, |tries| tries.weight(patient));
        breaks.counted += weight.max(u32::from(neighbours));
        breaks.recorded = recorded;
    }

    /// Those to be left out: they are forgotten here. With each, whether its neighbours succeeded.
    pub fn take_guilty(&mut self) -> Vec<(Uid, bool)> {
        let guilty: Vec<(Uid, bool)> = self
            .alone
            .iter()
            .filter(|(_, breaks)| breaks.counted >= BLAME_LIMIT)
            .map(|(uid, breaks)| (*uid, breaks.neighbours))
            .collect();
        for (uid, _) in &guilty {
            self.alone.remove(uid);
        }
        guilty
    }

    /// In which order to ask for messages: what never broke, then what broke in company, then suspects one by one. Messages
    /// that broke in company and lie side by side may all be bad: after a break among them the next is tried elsewhere.
    pub fn order(&self, uids: &[Uid]) -> Vec<Part> {
        let (suspects, others): (Vec<Uid>, Vec<Uid>) = uids.iter().partition(|uid| self.is_alone(**uid));
        let (mut careful, plain): (Vec<Uid>, Vec<Uid>) = others.into_iter().partition(|uid| self.is_careful(*uid));
        let far = if suspects.is_empty() { careful.len() } else { careful.len() / 2 };
        let later = careful.drain(..far).collect();
        [plain, careful, later]
            .into_iter()
            .map(|uids| Part { uids, alone: false })
            .chain(suspects.into_iter().map(|uid| Part { uids: vec![uid], alone: true }))
            .filter(|part| !part.uids.is_empty())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uids(numbers: impl IntoIterator<Item = i64>) -> Vec<Uid> {
        numbers.into_iter().map(Uid).collect()
    }

    #[test]
    fn only_what_fails_while_its_neighbours_succeed_is_guilty() {
        let mut suspects = Suspects::default();
        for _ in 0..20 {
            suspects.broke_at(Uid(1), 7, None);
        }
        assert_eq!(suspects.take_guilty(), [], "nothing else succeeds either");
        for recorded in 8..10 {
            suspects.broke_at(Uid(1), recorded, None);
            assert_eq!(suspects.take_guilty(), []);
        }
        suspects.broke_at(Uid(1), 10, None);
        assert_eq!(suspects.take_guilty(), [(Uid(1), true)]);
        assert!(suspects.is_empty());
    }

    #[test]
    fn what_is_alone_left_is_guilty_when_the_pauses_have_grown() {
        // The try in whose row it is left out, and whether its neighbours succeeded.
        let left_out = |neighbours: bool, limit: u32, busy: bool| {
            let mut suspects = Suspects::default();
            if neighbours {
                suspects.broke_among([Uid(1)], 0);
            }
            (1..=limit).find_map(|row| {
                suspects.broke_at(Uid(1), 1, Some(Tries { row, limit, busy }));
                suspects.take_guilty().pop().map(|(_, neighbours)| (row, neighbours))
            })
        };
        assert_eq!(left_out(true, 8, false), Some((4, true)));
        assert_eq!(left_out(true, 8, true), Some((7, true)), "the server says that it is busy");
        assert_eq!(left_out(false, 8, false), Some((8, false)), "whether the server works nobody saw");
        assert_eq!(left_out(false, 8, true), Some((8, false)));
        for limit in 1..=4 {
            assert_eq!(left_out(true, limit, false), Some((limit, true)), "the last try decides");
        }
    }

    #[test]
    fn a_break_in_company_is_the_break_before_the_first_alone() {
        let mut suspects = Suspects::default();
        suspects.broke_among(uids([1, 2]), 5);
        assert!(suspects.is_careful(Uid(2)) && !suspects.is_alone(Uid(2)));
        for recorded in [6, 7, 8] {
            suspects.broke_at(Uid(2), recorded, None);
        }
        assert_eq!(suspects.take_guilty(), [(Uid(2), true)]);
    }

    #[test]
    fn suspects_come_last_and_each_by_itself() {
        let mut suspects = Suspects::default();
        let all = uids(1..=9);
        let parts = |suspects: &Suspects| {
            let parts = suspects.order(&all).into_iter();
            parts.map(|part| (part.uids.iter().map(|uid| uid.0).collect::<Vec<_>>(), part.alone)).collect::<Vec<_>>()
        };
        assert_eq!(parts(&suspects), [((1..=9).collect(), false)]);
        suspects.broke_among(uids(3..=7), 0);
        assert_eq!(parts(&suspects), [(vec![1, 2, 8, 9], false), (vec![3, 4, 5, 6, 7], false)]);
        suspects.broke_at(Uid(3), 0, None);
        let after = [(vec![1, 2, 8, 9], false), (vec![6, 7], false), (vec![4, 5], false), (vec![3], true)];
        assert_eq!(parts(&suspects), after, "the next is tried elsewhere");
        assert_eq!(suspects.order(&uids([4])), [Part { uids: uids([4]), alone: false }]);
        assert_eq!(suspects.order(&[]), []);
    }

    #[test]
    fn the_newest_hundred_comes_before_the_hundred_before_it() {
        let part = Part { uids: (1..=250).map(Uid).collect(), alone: false };
        assert_eq!(Turn::AsListed.of(part.clone()), std::slice::from_ref(&part));
        let ends = |part: &Part| (part.uids[0].0, part.uids[part.uids.len() - 1].0);
        let newest = Turn::NewestFirst.of(part);
        assert_eq!(newest.iter().map(ends).collect::<Vec<_>>(), [(151, 250), (51, 150), (1, 50)]);
        let none = Part { uids: Vec::new(), alone: false };
        assert_eq!(Turn::NewestFirst.of(none), []);
    }
}
