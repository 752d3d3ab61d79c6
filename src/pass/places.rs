//! The folders a pass works on, in groups that share a destination folder, and where every folder row points.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

use crate::domain::folder::{FolderPath, WireName};
use crate::domain::identity::Identity;
use crate::domain::ids::{FolderId, Uid};
use crate::domain::matching::{Gone, GoneMarks};
use crate::domain::record::Seen;
use crate::endpoint::FolderRef;
use crate::pass::job::Job;
use crate::pass::labels::LabelFolder;

/// Source folders that go into one destination folder; one lane works on them, one after the other (D19).
pub(super) type Group = Vec<Job>;

/// A row whose destination numbers an earlier pass doubted, or may doubt now.
pub(super) struct Doubted {
    pub row: FolderId,
    /// Its source folder.
    pub path: FolderPath,
    /// What an earlier pass saw of the destination folder.
    pub seen: Seen,
    /// The list says that the folder is in an earlier state.
    pub went_back: bool,
    /// Nothing is known against it, but nobody looks at its source folder in this pass.
    pub out_of_sight: bool,
}

/// Rows that this pass does not work on as folders, and why.
#[derive(Default)]
pub(super) struct OtherRows {
    /// Their source folder is gone or was renumbered: their messages may have moved (D12).
    pub lost: Vec<FolderId>,
    /// Folders of everything: what lies there may have got a folder of its own since.
    pub views: Vec<FolderId>,
    /// Folders that those may leave out: Trash and Junk.
    pub aside: BTreeSet<FolderId>,
    /// Their source folder could not be read in this pass: what they know answers for messages elsewhere (D29).
    pub unread: Vec<FolderId>,
    /// Floors of open intents of rows that are not looked into: what lies above them may be copies of messages elsewhere.
    pub open: BTreeMap<FolderId, Uid>,
}

/// Watermarks that lost their message, and what else may answer for a new one.
#[derive(Default)]
pub(super) struct Claimable {
    /// Their message is no longer where it was.
    pub gone: Mutex<GoneMarks>,
    /// Their copy was lost too: the message is copied again, wherever it is now.
    pub astray: Mutex<GoneMarks>,
    /// Those of the views that may be claimed although their message is where it was.
    pub lent: Vec<Gone>,
    /// What lies above the floors of folders that are looked into, and none of their new messages claimed.
    pub left_over: Mutex<BTreeMap<FolderId, Vec<(Uid, Identity)>>>,
}

/// What is known of the destination's numbers.
#[derive(Default)]
pub(super) struct DestinationNumbers {
    /// Rows that are not looked into, and whose destination numbers may not hold.
    pub doubted: Vec<Doubted>,
    /// Folders in which the numbers of copies were looked at in this pass, or could not be.
    pub checked: tokio::sync::Mutex<BTreeSet<WireName>>,
    /// What decides about lost copies.
    pub rows: LostCopyRows,
    /// An own append of an interrupted attempt holds the very bytes that were sent.
    pub kept: AtomicBool,
}

/// Rows of the item, as far as they decide what becomes of messages whose copies are lost.
#[derive(Default)]
pub(super) struct LostCopyRows {
    /// Compared in this pass: their lost messages are copied again.
    pub(super) looked_into: BTreeSet<FolderId>,
    /// Of messages that are not at the source any more where they were: copied again only where they moved.
    pub(super) left: BTreeSet<FolderId>,
}

impl LostCopyRows {
    /// Those of a pass.
    pub fn of(prepared: &Prepared) -> Self {
        Self {
            looked_into: prepared.groups.iter().flatten().map(|job| job.id).collect(),
            left: prepared.others.lost.iter().copied().collect(),
        }
    }
}

/// What the first phases found out.
pub(super) struct Prepared {
    /// Folders to look into.
    pub groups: Vec<Group>,
    /// Destination folders by row: a watermark may point into another folder than its own.
    pub places: BTreeMap<FolderId, FolderRef>,
    /// The other rows.
    pub others: OtherRows,
    /// Source folders, which may be labels.
    pub labels: Vec<LabelFolder>,
    /// What may answer for new messages.
    pub claimable: Claimable,
    /// The destination's numbers.
    pub there: DestinationNumbers,
    /// It is settled across folders which of the new messages are copied.
    pub settled: bool,
}

impl Prepared {
    /// Whether a new message may be one that was known elsewhere.
    pub fn any_gone(&self) -> bool {
        let any = |marks: &Mutex<GoneMarks>| !marks.lock().unwrap_or_else(PoisonError::into_inner).is_empty();
        any(&self.claimable.gone) || any(&self.claimable.astray)
    }

    /// What of a destination folder's unknown messages its own source folder did not claim.
    pub fn leave_over(&self, folder: FolderId, unclaimed: Vec<(Uid, Identity)>) {
        let mut left_over = self.claimable.left_over.lock().unwrap_or_else(PoisonError::into_inner);
        if unclaimed.is_empty() {
            left_over.remove(&folder);
        } else {
            left_over.insert(folder, unclaimed);
        }
    }
}

/// Groups waiting for a lane.
pub(super) struct GroupQueue {
    groups: Mutex<VecDeque<Group>>,
    /// The last one was taken.
    emptied: Notify,
}

impl GroupQueue {
    pub fn new(groups: impl IntoIterator<Item = Group>) -> Self {
        Self { groups: Mutex::new(groups.into_iter().collect()), emptied: Notify::new() }
    }

    fn with<T>(&self, act: impl FnOnce(&mut VecDeque<Group>) -> T) -> T {
        act(&mut self.groups.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn take(&self) -> Option<Group> {
        let group = self.with(VecDeque::pop_front);
        if self.is_empty() {
            self.emptied.notify_waiters();
        }
        group
    }

    /// Returns when no group waits.
    pub async fn emptied(&self) {
        loop {
            let emptied = self.emptied.notified();
            if self.is_empty() {
                return;
            }
            emptied.await;
        }
    }

    pub fn put(&self, group: Group) {
        self.with(|queue| queue.push_back(group));
    }

    pub fn is_empty(&self) -> bool {
        self.with(|queue| queue.is_empty())
    }

    pub fn into_groups(self) -> Vec<Group> {
        self.groups.into_inner().unwrap_or_else(PoisonError::into_inner).into()
    }
}
