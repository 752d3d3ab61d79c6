//! The folders a pass works on, in groups that share a destination folder, and where every folder row points.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use crate::domain::ids::FolderId;
use crate::domain::matching::GoneMarks;
use crate::endpoint::FolderRef;
use crate::engine::pass::job::Job;

/// Source folders that go into one destination folder; one lane works on them, one after the other (D19).
pub(super) type Group = Vec<Job>;

/// What the first phases found out.
pub(super) struct Prepared {
    /// Folders to look into.
    pub groups: Vec<Group>,
    /// Rows whose source folder is gone or was renumbered: their messages may have moved (D12).
    pub lost: Vec<FolderId>,
    /// Destination folders by row: a watermark may point into another folder than its own.
    pub places: BTreeMap<FolderId, FolderRef>,
    /// Watermarks whose message is no longer where it was.
    pub gone: Mutex<GoneMarks>,
}

/// Groups waiting for a lane.
pub(super) struct Queue(Mutex<VecDeque<Group>>);

impl Queue {
    pub fn new(groups: impl IntoIterator<Item = Group>) -> Self {
        Self(Mutex::new(groups.into_iter().collect()))
    }

    fn with<T>(&self, act: impl FnOnce(&mut VecDeque<Group>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn take(&self) -> Option<Group> {
        self.with(VecDeque::pop_front)
    }

    pub fn put(&self, group: Group) {
        self.with(|queue| queue.push_back(group));
    }

    pub fn is_empty(&self) -> bool {
        self.with(|queue| queue.is_empty())
    }

    pub fn into_groups(self) -> Vec<Group> {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner).into()
    }
}
