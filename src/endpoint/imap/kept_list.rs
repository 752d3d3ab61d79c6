//! What was answered of a list of folders when a connection broke, kept for the next connection, and at which folders it broke.

use std::collections::{BTreeMap, HashMap};

use super::response::StatusCounts;

/// Breaks at the state of one folder after which it is not asked for any more: opening the folder tells.
const ENOUGH: u32 = 2;

/// See the module. Empty once a list is whole.
#[derive(Debug, Default)]
pub(super) struct KeptList {
    counts: HashMap<Vec<u8>, StatusCounts>,
    breaks: BTreeMap<Vec<u8>, u32>,
}

impl KeptList {
    /// How many folders were answered for.
    pub(super) fn answered(&self) -> u64 {
        let left_out = self.breaks.values().filter(|breaks| **breaks >= ENOUGH).count();
        self.counts.len() as u64 + left_out as u64
    }

    /// A connection broke, maybe at the state of this folder. So much had been answered.
    pub(super) fn broke(&mut self, folder: &[u8], counts: &HashMap<Vec<u8>, StatusCounts>) {
        *self.breaks.entry(folder.to_vec()).or_default() += 1;
        self.counts.extend(counts.iter().map(|(name, counts)| (name.clone(), counts.clone())));
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
