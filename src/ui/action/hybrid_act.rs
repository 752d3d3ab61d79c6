//! What a person did in hybrid projects.

use crate::domain::ids::{HybridBatchId, HybridUserId};
use crate::domain::star::Star;
use crate::ui::model::hybrid::{UsersAction, WhichUsers};

/// A user's action in a hybrid project, with all that is needed to do it.
#[derive(Clone, Debug, PartialEq)]
pub enum HybridAct {
    /// Something in the grid of users.
    Users(UsersAction),
    /// Set or remove the star of users.
    Star(WhichUsers, Option<Star>),
    /// Show a dialog.
    Ask(Asked),
    /// Approve the items that were left out of users.
    Approve(WhichUsers),
    /// Show what the administrator has to prepare.
    Guide,
    /// Ask the service again at once.
    TryNow,
    /// Ask the service for its own account of a user's move.
    Report(HybridUserId),
    /// Make the project of the form.
    Create,
    /// Do what the dialog shows.
    Do,
    /// Choose the file of the dialog in a file dialog.
    Browse,
    /// Unlock the passwords: until then nothing is ordered or watched.
    Unlock,
}

/// What a dialog is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Into which batch these users are moved; none: a batch is made.
    MoveIn(Option<WhichUsers>),
    /// Whether these users are moved out.
    MoveOut(WhichUsers),
    /// When these users are finalized.
    FinalizeUsers(WhichUsers),
    /// When a batch is finalized.
    Finalize(HybridBatchId),
    /// Whether a batch is started.
    Start(HybridBatchId),
    /// Where users come from.
    Import,
    /// Whether the tenant is ready: for a batch, or for all users.
    Check(Option<HybridBatchId>),
    /// The settings of the project.
    Settings,
    /// Whether the project is deleted.
    Delete,
}
