//! What happens to the run state, and what follows from it: plain data.

use crate::domain::failure::{Failure, Side};
use crate::domain::ids::{ItemId, PassId, ProjectId};
use crate::domain::mailbox_key::Mailboxes;
use crate::domain::start_order::Turn;
use crate::domain::status::{HoldReason, Status, Wait};
use crate::domain::time::Timestamp;
use crate::engine::runner::RunnerKind;
use crate::pass::PassEnd;

/// How many items of a project may run, and whether new ones may.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProjectLimits {
    /// Its option *concurrent migrations*, for the copier.
    pub concurrent: u32,
    /// New starts are held.
    pub held: bool,
}

/// What happens to the run state.
#[derive(Clone, Debug)]
pub enum Event {
    /// A project's items became known, or what they read and write, and how many may run at once.
    Load {
        /// The project.
        project: ProjectId,
        /// The items.
        items: Vec<KnownItem>,
        /// How many may run.
        limits: ProjectLimits,
    },
    /// Passes were made for these items; that they may start was decided by [`super::RunState::startable`].
    Submitted {
        /// The items and their passes.
        passes: Vec<(ItemId, PassId)>,
        /// What they wait for.
        wait: Wait,
        /// When they start, UTC epoch milliseconds, whatever else they wait for.
        until: Option<Timestamp>,
        /// Where they stand in the queue.
        turn: Turn,
    },
    /// Held and left-behind submissions of these items may run.
    Resume(Vec<ItemId>),
    /// A worker has loaded what it needs.
    Loaded(ItemId),
    /// A worker has reached both servers.
    Reached(ItemId),
    /// A worker is done.
    Ended(ItemId, PassEnd),
    /// Stop these.
    Stop(Vec<ItemId>),
    /// Stop these, and take back those that are submitted.
    Withdraw(Vec<ItemId>),
    /// Drop the connections of these.
    Abort(Vec<ItemId>),
    /// How many of a project's items may run, from now on.
    Limits(ProjectId, ProjectLimits),
    /// The server that cannot be reached is tried again now.
    TryNow(ProjectId),
    /// Those of these that wait for a worker are the next.
    Next(Vec<ItemId>),
    /// The credentials that these waited for have come.
    CredentialsCame(Vec<ItemId>),
    /// What came for this one was refused at this side.
    CredentialsRefused(ItemId, Side, Failure),
    /// Mailferry's records of these, which are at rest, were dropped.
    Reset(Vec<ItemId>),
    /// These, which are at rest, were deleted.
    Deleted(Vec<ItemId>),
    /// Nothing new starts any more; what runs is told to stop.
    Close,
    /// Time went on.
    Tick,
}

/// An item as it is found in the database.
#[derive(Clone, Copy, Debug)]
pub struct KnownItem {
    /// The item.
    pub item: ItemId,
    /// Its status.
    pub status: Status,
    /// Its latest pass.
    pub pass: Option<PassId>,
    /// When that starts, if it is scheduled.
    pub until: Option<Timestamp>,
    /// Why that is held, if it is.
    pub hold: Option<HoldReason>,
    /// What it reads and writes.
    pub mailboxes: Mailboxes,
    /// Who works on it.
    pub runner: RunnerKind,
}

/// What the dispatcher has to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Write a status.
    Status(StatusMove),
    /// Start a runner of this kind on it.
    Spawn(ItemId, PassId, RunnerKind),
    /// Tell a worker to stop.
    Stop(ItemId),
    /// Tell a worker to drop everything.
    Abort(ItemId),
    /// A person gave the word: refused administrator logins are tried again.
    TryAgain(ProjectId),
}

/// A change of status.
#[derive(Clone, Debug, PartialEq)]
pub struct StatusMove {
    /// The item.
    pub item: ItemId,
    /// Its pass.
    pub pass: PassId,
    /// What it was.
    pub from: Status,
    /// What it is.
    pub to: Status,
    /// Why, when it failed or is held.
    pub failure: Option<(Option<Side>, Failure)>,
    /// Why it is held, if it is.
    pub hold: Option<HoldReason>,
}
