//! What is remembered of messages that landed in this pass: what they landed without, and a few of each kind, to see at the end
//! whether the destination kept what came with them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;

use crate::domain::flags::Flags;
use crate::domain::ids::{FolderId, Uid};
use crate::domain::message::{Body, InternalDate};
use crate::domain::time::Timestamp;
use crate::pass::Pass;
use crate::pass::bytes::{header, instants_of_heading};

/// Messages of one kind that are remembered.
pub(super) const OF_EACH: usize = 3;
/// Flags of one folder that are remembered.
pub(super) const FLAGS: usize = 50;

/// What is remembered.
#[derive(Default)]
pub(super) struct Landed {
    without_flags: BTreeSet<(FolderId, Uid)>,
    without_dates: BTreeSet<(FolderId, Uid)>,
    folders: BTreeMap<FolderId, LandedSome>,
}

/// Some messages of a folder.
#[derive(Clone, Default)]
pub(super) struct LandedSome {
    /// With each flag, by its name.
    flagged: BTreeMap<String, Vec<Uid>>,
    /// With a date: those that tell whether dates are kept, else any.
    dated: Vec<(Uid, Dated)>,
}

/// A message's date of receipt at the source.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dated {
    pub instant: Timestamp,
    /// It is one that its own heading names: a server that makes that one the date of receipt has it by chance.
    pub by_chance: bool,
}

/// What a message landed without.
#[derive(Clone, Copy, Debug)]
pub(super) struct Without {
    pub flags: bool,
    pub date: bool,
}

impl Landed {
    /// Whether a message landed without some flags, which is named already.
    pub fn without_flags(&self, folder: FolderId, source: Uid) -> bool {
        self.without_flags.contains(&(folder, source))
    }

    /// Whether a message landed without its date, which is named already.
    pub fn without_date(&self, folder: FolderId, source: Uid) -> bool {
        self.without_dates.contains(&(folder, source))
    }
}

impl LandedSome {
    fn flagged(&mut self, source: Uid, flags: &Flags) {
        for flag in flags.names() {
            let many = self.flagged.len();
            match self.flagged.get_mut(flag) {
                Some(known) if known.len() < OF_EACH => known.push(source),
                Some(_) => {}
                None if many < FLAGS => {
                    self.flagged.insert(flag.to_owned(), vec![source]);
                }
                None => {}
            }
        }
    }

    fn dated(&mut self, source: Uid, date: &InternalDate, body: &Body) {
        let spare = self.dated.iter().position(|(_, dated)| dated.by_chance);
        if self.dated.len() == OF_EACH && spare.is_none() {
            return;
        }
        let by_chance = instants_of_heading(&header(body)).contains(&Some(date.instant));
        let one = (source, Dated { instant: date.instant, by_chance });
        if self.dated.len() < OF_EACH {
            self.dated.push(one);
        } else if let Some(spare) = spare.filter(|_| !by_chance) {
            self.dated[spare] = one;
        }
    }

    /// Messages with each flag.
    pub fn with_flags(&self) -> BTreeSet<Uid> {
        self.flagged.values().flatten().copied().collect()
    }

    /// Messages with dates.
    pub fn with_dates(&self) -> &[(Uid, Dated)] {
        &self.dated
    }
}

impl Pass {
    /// A message landed without these, and that is named.
    pub(super) fn landed_without(&self, folder: FolderId, source: Uid, without: Without) {
        if !without.flags && !without.date {
            return;
        }
        let mut landed = self.findings.landed.lock().unwrap_or_else(PoisonError::into_inner);
        if without.flags {
            landed.without_flags.insert((folder, source));
        }
        if without.date {
            landed.without_dates.insert((folder, source));
        }
    }

    /// Some messages of a folder that landed.
    pub(super) fn some_landed(&self, folder: FolderId) -> LandedSome {
        let landed = self.findings.landed.lock().unwrap_or_else(PoisonError::into_inner);
        landed.folders.get(&folder).cloned().unwrap_or_default()
    }

    /// A message landed with these flags.
    pub(super) fn landed_flagged(&self, folder: FolderId, source: Uid, flags: &Flags) {
        let mut landed = self.findings.landed.lock().unwrap_or_else(PoisonError::into_inner);
        landed.folders.entry(folder).or_default().flagged(source, flags);
    }

    /// A message landed with its date of receipt.
    pub(super) fn landed_dated(&self, folder: FolderId, source: Uid, date: &InternalDate, body: &Body) {
        let mut landed = self.findings.landed.lock().unwrap_or_else(PoisonError::into_inner);
        landed.folders.entry(folder).or_default().dated(source, date, body);
    }
}
