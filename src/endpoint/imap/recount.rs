//! A second look at which messages a folder holds: every message has a place (its sequence number), and a place of which no answer
//! tells whose it is shows that a listing lacks a message.
//!
//! Bounded: [`LOOKS`] listings of UIDs, and a UID for each place from a number on.

#![deny(clippy::indexing_slicing, clippy::string_slice, reason = "it reads what strangers wrote")]

use std::collections::BTreeMap;

use super::classify::Step;
use super::encode::ImapCommand;
use super::pending::{Needs, Pending};
use super::response::Fetch;
use super::session::{ImapSession, Mode, opened};
use super::source::{Asked, merge};
use crate::domain::failure::{Cause, Side};
use crate::domain::ids::Uid;
use crate::endpoint::{FolderRef, Recount, Result, Which};

/// A server that tells some messages at times is asked so often.
const LOOKS: u32 = 3;

/// Who is at which place, as far as it was told.
#[derive(Default)]
struct Places {
    told: BTreeMap<u32, Uid>,
    exists: u32,
}

impl Places {
    /// A folder of so many messages is looked at (again). With fewer than before places have moved.
    fn opened(&mut self, exists: u32) {
        if exists < self.exists {
            self.told.clear();
        }
        self.exists = exists;
    }

    fn are_told(&mut self, found: &BTreeMap<Uid, Fetch>) {
        let places = found.iter().map(|(uid, fetch)| (fetch.number, *uid));
        self.told.extend(places.filter(|(place, _)| (1..=self.exists).contains(place)));
    }

    /// The place before those of messages from this number on, if it is not known whose it is: one of them may be there.
    fn border(&self, from: Uid) -> Option<u32> {
        let first = self.told.iter().find(|(_, uid)| **uid >= from).map_or(self.exists + 1, |(place, _)| *place);
        (first > 1 && !self.told.contains_key(&(first - 1))).then(|| first - 1)
    }

    /// Places of nobody that may be those of messages from this number on: of all that are below a known one of the others none is.
    fn untold(&self, from: Uid) -> u64 {
        let others = self.told.iter().rev().find(|(_, uid)| **uid < from).map(|(place, _)| *place);
        let below = others.or_else(|| self.border(from).map(|place| place - 1)).unwrap_or(0);
        let there = self.told.range(below + 1..).count();
        u64::from(self.exists - below).saturating_sub(there as u64)
    }
}

impl ImapSession {
    pub(super) async fn second_look(&mut self, folder: &FolderRef, from: Uid) -> Result<Recount> {
        let doing = format!("counting the messages of folder \"{}\"", folder.path);
        let asked = Asked { attributes: "(UID RFC822.SIZE)", doing: &doing, fresh: false, extra: None };
        let (mut places, mut found) = (Places::default(), Recount::default());
        for _ in 0..LOOKS {
            let mode = if self.side == Side::Destination { Mode::Write } else { Mode::Read };
            let ticket = self.queue_open(folder, mode).await?;
            let answer = self.connection.answer(ticket).await?.good()?;
            places.opened(opened(folder, &answer)?.0.messages);
            let listed = self.collect(folder, &Which::From(from), &asked).await?;
            places.are_told(&listed);
            found.uids.extend(listed.into_keys());
            while let Some(place) = places.border(from) {
                let there = self.at_place(folder, place, &doing).await?;
                places.are_told(&there);
                if there.is_empty() || !places.told.contains_key(&place) {
                    break;
                }
            }
            found.uids.extend(places.told.values().copied().filter(|uid| *uid >= from));
            found.untold = places.untold(from);
            if found.untold == 0 {
                break;
            }
        }
        Ok(found)
    }

    /// Whose a place is, in the folder as it was opened last.
    async fn at_place(&mut self, folder: &FolderRef, place: u32, doing: &str) -> Result<BTreeMap<Uid, Fetch>> {
        let (mut pending, ticket) = Pending::whole(Step::Read, doing);
        pending.needs = Needs::Folder(folder.validity);
        self.connection.send(ImapCommand::new(&format!("FETCH {place} (UID RFC822.SIZE)")), pending).await?;
        let answer = self.connection.answer(ticket).await?;
        if let Some(failure) = answer.failure {
            return if failure.cause == Cause::MessageUnreadable { Ok(BTreeMap::new()) } else { Err(failure) };
        }
        let mut found = BTreeMap::new();
        merge(&mut found, &Which::All, answer.untagged);
        found.retain(|_, fetch| fetch.number == place);
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn untold(exists: u32, told: &[(u32, i64)], from: i64) -> u64 {
        let mut places = Places::default();
        places.opened(exists);
        places.told.extend(told.iter().map(|(place, uid)| (*place, Uid(*uid))));
        places.untold(Uid(from))
    }

    #[test]
    fn a_place_of_nobody_above_the_last_of_the_others_lacks_a_message() {
        assert_eq!(untold(0, &[], 1), 0);
        assert_eq!(untold(3, &[(1, 4), (2, 5), (3, 9)], 5), 0);
        assert_eq!(untold(3, &[(1, 4), (3, 9)], 5), 1);
        assert_eq!(untold(3, &[(1, 4), (2, 5)], 5), 1);
        // One that is not told among those below is not meant.
        assert_eq!(untold(4, &[(1, 1), (3, 3), (4, 7)], 5), 0);
        // It may be on either side of the border.
        assert_eq!(untold(4, &[(1, 1), (2, 2), (4, 7)], 5), 1);
        // Those below were not asked for; the one before the first may be another.
        assert_eq!(untold(9, &[(8, 7), (9, 8)], 5), 1);
        assert_eq!(untold(9, &[(7, 4), (8, 7), (9, 8)], 5), 0);
        assert_eq!(untold(9, &[(9, 4)], 5), 0);
        assert_eq!(untold(9, &[], 5), 1);
    }

    #[test]
    fn places_that_moved_are_told_anew() {
        let mut places = Places::default();
        places.opened(3);
        places.told.insert(3, Uid(9));
        places.opened(2);
        assert_eq!((places.told.len(), places.border(Uid(1))), (0, Some(2)));
        places.told.extend([(1, Uid(4)), (2, Uid(9))]);
        places.opened(3);
        assert_eq!((places.untold(Uid(1)), places.border(Uid(1))), (1, None), "one came");
    }
}
