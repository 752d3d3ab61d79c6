//! MessageParts of messages that a server tells in several answers, in any order and interleaved, as RFC 9051 §7.5.2 allows.
//!
//! MessageParts belong together by UID, and where one tells none, by the message's place in the folder, which moves when others
//! are expunged. Pure; whoever adds parts bounds their number.

#![deny(clippy::indexing_slicing, clippy::string_slice, reason = "it reads what strangers wrote")]

use std::collections::{BTreeMap, HashMap};

use super::response::Fetch;
use super::token::Literal;
use crate::domain::ids::Uid;

impl Fetch {
    /// Takes over what another answer tells of the same message: the newest flags, of all else the first that was told.
    pub(super) fn absorb(&mut self, part: Fetch) {
        self.uid = self.uid.or(part.uid);
        self.number = part.number;
        self.flags = part.flags.or(self.flags.take());
        self.size = self.size.or(part.size);
        self.dated |= part.dated;
        self.date = self.date.take().or(part.date);
        self.header = self.header.take().or(part.header);
        self.key = self.key.or(part.key);
        if !self.has_body() {
            self.body = part.body.or(self.body.take());
        }
    }

    /// Whether it tells the message itself. An empty one of a message that has a size was not handed out (as one large
    /// provider does).
    pub(super) fn has_body(&self) -> bool {
        let sized = self.size.is_some_and(|size| size > 0);
        self.body.as_ref().is_some_and(|literal| !(literal.body.is_empty() && sized))
    }

    /// Whether it answers a question, rather than telling news of flags.
    pub(super) fn is_an_answer(&self) -> bool {
        self.size.is_some() || self.body.is_some() || self.header.is_some() || self.key.is_some()
    }

    /// Whether nothing more can come that would be needed to copy the message. The size only tells whether an empty body is
    /// the message.
    pub(super) fn is_whole(&self) -> bool {
        let sized = self.size.is_some() || self.body.as_ref().is_some_and(|literal| !literal.body.is_empty());
        self.uid.is_some() && self.flags.is_some() && self.dated && sized && self.has_body()
    }
}

/// Messages of which parts came.
#[derive(Default)]
pub(super) struct MessageParts {
    came: u64,
    messages: BTreeMap<u64, Fetch>,
    by_uid: HashMap<Uid, u64>,
    /// By the place that a message would have if none had been expunged.
    by_number: HashMap<u32, u64>,
    gone: GoneParts,
}

/// Places whose messages were expunged, as they would be if none had been, ascending. So a place that moves is not written anew
/// for each that goes.
#[derive(Default)]
struct GoneParts(Vec<u32>);

impl GoneParts {
    /// Where the message that is at this place now was at first.
    fn first(&self, number: u32) -> u32 {
        let (mut low, mut high) = (0, self.0.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            // As many went before it as stand before it here.
            let before = u32::try_from(middle).unwrap_or(u32::MAX);
            let Some(gone) = self.0.get(middle) else { break };
            if gone.saturating_sub(before) <= number { low = middle + 1 } else { high = middle }
        }
        number.saturating_add(u32::try_from(low).unwrap_or(u32::MAX))
    }

    fn add(&mut self, first: u32) {
        if let Err(at) = self.0.binary_search(&first) {
            self.0.insert(at, first);
        }
    }
}

impl MessageParts {
    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// How many messages.
    pub(super) fn len(&self) -> usize {
        self.messages.len()
    }

    /// Adds a part; answers which message it belongs to, numbered as they came.
    pub(super) fn add(&mut self, mut part: Fetch) -> u64 {
        if self.messages.is_empty() {
            self.gone.0.clear();
        }
        let number = if part.number > 0 { self.gone.first(part.number) } else { 0 };
        part.number = number;
        let at_number = self.by_number.get(&number).copied().filter(|_| number > 0);
        let nameless = |at: &u64| self.messages.get(at).is_some_and(|message| message.uid.is_none());
        let (at, other) = match part.uid {
            None => (at_number, None),
            Some(uid) => match (self.by_uid.get(&uid).copied(), at_number.filter(nameless)) {
                (None, nameless) => (nameless, None),
                (named, nameless) => (named, nameless),
            },
        };
        // What was told of this place before its UID was.
        let before = other.and_then(|other| self.take(other));
        let at = at.unwrap_or_else(|| {
            self.came += 1;
            self.came
        });
        if let Some(uid) = part.uid {
            self.by_uid.insert(uid, at);
        }
        if number > 0 {
            self.by_number.insert(number, at);
        }
        let message = self.messages.entry(at).or_default();
        before.into_iter().chain([part]).for_each(|part| message.absorb(part));
        at
    }

    /// What is known of a message.
    pub(super) fn get(&self, at: u64) -> Option<&Fetch> {
        self.messages.get(&at)
    }

    /// The body of a message, to put it elsewhere.
    pub(super) fn body(&mut self, at: u64) -> Option<&mut Literal> {
        self.messages.get_mut(&at).and_then(|message| message.body.as_mut())
    }

    /// Takes a message out.
    pub(super) fn take(&mut self, at: u64) -> Option<Fetch> {
        let message = self.messages.remove(&at)?;
        if let Some(uid) = message.uid.filter(|uid| self.by_uid.get(uid) == Some(&at)) {
            self.by_uid.remove(&uid);
        }
        if self.by_number.get(&message.number) == Some(&at) {
            self.by_number.remove(&message.number);
        }
        Some(message)
    }

    /// Forgets what was told of a place without a UID: it is of a message that nobody asked for.
    pub(super) fn forget_place(&mut self, number: u32) {
        let at = self.by_number.get(&self.gone.first(number)).copied();
        if let Some(at) = at.filter(|at| self.messages.get(at).is_some_and(|message| message.uid.is_none())) {
            self.take(at);
        }
    }

    /// The message at this place is gone, and with it what was told without its body; those behind it move up.
    pub(super) fn expunged(&mut self, number: u32) {
        let gone = self.by_number.get(&self.gone.first(number)).copied();
        self.moved_up(number);
        if let Some(at) = gone.filter(|at| self.messages.get(at).is_some_and(|message| !message.has_body())) {
            self.take(at);
        }
    }

    /// The message at this place is gone: those behind it move up.
    pub(super) fn moved_up(&mut self, number: u32) {
        if number == 0 || self.messages.is_empty() {
            return;
        }
        let first = self.gone.first(number);
        self.by_number.remove(&first);
        self.gone.add(first);
    }

    /// Forgets messages without a body: they went.
    pub(super) fn forget_bodiless(&mut self) {
        let bodiless = self.messages.iter().filter(|(_, message)| !message.has_body()).map(|(at, _)| *at);
        for at in bodiless.collect::<Vec<_>>() {
            self.take(at);
        }
    }

    /// The first message without a body, in the order in which they came.
    pub(super) fn first_bodiless(&self) -> Option<u64> {
        self.messages.iter().find(|(_, message)| !message.has_body()).map(|(at, _)| *at)
    }

    /// Everything, in the order in which it came.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = Fetch> + use<> {
        std::mem::take(self).messages.into_values()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::flags::Flags;

    fn part(number: u32, uid: Option<i64>) -> Fetch {
        let uid = uid.map(Uid);
        Fetch { number, uid, flags: Some(Flags::none()), ..Fetch::default() }
    }

    #[test]
    fn a_folder_that_is_emptied_while_it_is_listed_costs_no_square() {
        for from_below in [true, false] {
            let mut parts = MessageParts::default();
            for n in 1..=100_000 {
                parts.add(part(n, Some(n.into())));
            }
            // The last one stays.
            (1..100_000).for_each(|n| parts.moved_up(if from_below { 1 } else { 100_000 - n }));
            parts.add(Fetch { size: Some(7), ..part(1, None) });
            let told: Vec<_> = parts.drain().filter(|message| message.size.is_some()).map(|m| m.uid).collect();
            assert_eq!(told, [Some(Uid(100_000))]);
        }
    }

    proptest! {
        #[test]
        fn parts_find_their_place_whatever_went(steps in proptest::collection::vec((0usize..12, any::<bool>()), 0..60)) {
            let mut parts = MessageParts::default();
            let mut folder: Vec<Uid> = (1..=12).map(Uid).collect();
            for n in 1..=12 {
                parts.add(part(n, Some(n.into())));
            }
            for (at, expunge) in steps {
                if at >= folder.len() {
                    continue;
                }
                let number = u32::try_from(at + 1).unwrap();
                if expunge {
                    parts.moved_up(number);
                    folder.remove(at);
                } else {
                    let message = parts.add(part(number, None));
                    prop_assert_eq!(parts.get(message).and_then(|message| message.uid), Some(folder[at]));
                }
            }
        }
    }
}
