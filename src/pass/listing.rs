//! What both sides list, and the phase that works on it.

use crate::domain::folder::ListedFolder;
use crate::domain::tree::Creation;
use crate::endpoint::{Limits, NewFolder};
use crate::pass::Pass;

/// What both sides hold; of the destination what its owner has.
pub(super) struct Listing {
    pub(super) source: Vec<ListedFolder>,
    pub(super) destination: Vec<ListedFolder>,
    pub(super) limits: Limits,
}

/// What the mailbox's owner has, of a listing.
pub(super) fn own(listed: Vec<ListedFolder>) -> Vec<ListedFolder> {
    listed.into_iter().filter(|folder| !folder.foreign).collect()
}

/// Before anything is compared: both sides are listed, the tree is made, and every folder that must be looked into becomes a
/// [`Job`](crate::pass::job::Job).
pub(super) struct Preparation<'a> {
    pub(super) pass: &'a Pass,
}

impl<'a> Preparation<'a> {
    /// Of this pass.
    pub fn of(pass: &'a Pass) -> Self {
        Self { pass }
    }
}

/// A folder to create, as endpoints take it.
pub(super) fn new_folder(new: &Creation) -> NewFolder {
    let Creation { path, role, plain_parent, .. } = new.clone();
    NewFolder { path, role, plain_parent }
}
