//! What was answered of a list of folders when a connection broke, kept for the next connection, and at which folders it broke.

use std::collections::{BTreeMap, HashMap};

use super::response::{Listed, ServerResponse, StatusCounts};
use crate::domain::failure::{Cause, Failure, Retry, Scope};

/// Breaks at the state of one folder after which it is not asked for any more: opening the folder tells.
const ENOUGH: u32 = 2;
/// Breaks in lists of folders, in whatever form they were asked for, after which none is asked for any more (D22).
const MOST_LISTS: u32 = 3;

/// See the module. Empty once a list is whole.
#[derive(Debug, Default)]
pub(super) struct KeptList {
    counts: HashMap<Vec<u8>, StatusCounts>,
    breaks: BTreeMap<Vec<u8>, u32>,
    /// Folders that were listed.
    listed: BTreeMap<Vec<u8>, Listed>,
    list_breaks: u32,
    /// How the last list broke.
    list_broke: Option<Failure>,
    /// The last list was whole and had nothing in it, not even the inbox that opened all the same.
    empty: bool,
}

impl KeptList {
    /// How many folders were answered for, and forms of lists done with.
    pub(super) fn answered(&self) -> u64 {
        let left_out = self.breaks.values().filter(|breaks| **breaks >= ENOUGH).count();
        let listed = self.listed.len() as u64 + u64::from(self.list_breaks.min(MOST_LISTS));
        self.counts.len() as u64 + left_out as u64 + listed
    }

    /// A connection broke, maybe at the state of this folder. So much had been answered.
    pub(super) fn broke(&mut self, folder: &[u8], counts: &HashMap<Vec<u8>, StatusCounts>) {
        *self.breaks.entry(folder.to_vec()).or_default() += 1;
        self.counts.extend(counts.iter().map(|(name, counts)| (name.clone(), counts.clone())));
    }

    /// A connection broke in the middle of a list, which had told this.
    pub(super) fn list_broke(&mut self, told: Vec<ServerResponse>, failure: &Failure) {
        if !matches!(failure.cause, Cause::ConnectionLost | Cause::TimedOut | Cause::Nonsense) {
            return;
        }
        for told in told {
            if let ServerResponse::List(folder) = told {
                self.listed.entry(folder.name.clone()).or_insert(folder);
            }
        }
        self.list_breaks += 1;
        self.list_broke = Some(failure.clone());
    }

    /// The folders that were told, if no list is asked for any more.
    pub(super) fn instead_of_a_list(&self) -> Option<Vec<ServerResponse>> {
        let folders = || self.listed.values().cloned().map(ServerResponse::List).collect();
        (self.list_breaks >= MOST_LISTS).then(folders)
    }

    /// Why folders may lack that are there.
    pub(super) fn lacks(&self) -> Option<Failure> {
        if self.empty {
            return Some(Failure::new(Cause::NoFolders, Scope::Folder, Retry::User, "listing folders"));
        }
        let failure = self.list_broke.clone().filter(|_| self.list_breaks >= MOST_LISTS)?;
        let words = failure.server_text.clone().unwrap_or_default();
        let text =
            format!("broken off {MOST_LISTS} times ({words}); folders that were not listed by then are not moved");
        Some(Failure { scope: Scope::Folder, ..failure }.saying(text))
    }

    /// There is a list: as whole as it will be. `empty`: there was nothing in it.
    pub(super) fn ends(&mut self, empty: bool) {
        match self.list_breaks >= MOST_LISTS {
            true => (self.counts, self.breaks) = Default::default(),
            false => *self = Self { empty, ..Self::default() },
        }
    }

    /// What was told of this folder.
    pub(super) fn told(&self, folder: &[u8]) -> Option<StatusCounts> {
        self.counts.get(folder).cloned()
    }

    /// Whether connections broke too often at the state of this folder.
    pub(super) fn leaves_out(&self, folder: &[u8]) -> bool {
        self.breaks.get(folder).is_some_and(|breaks| *breaks >= ENOUGH)
    }

    /// Whether a connection broke at this one: it is asked about last.
    pub(super) fn suspects(&self, folder: &[u8]) -> bool {
        self.breaks.contains_key(folder)
    }
}
