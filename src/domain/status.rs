//! Statuses of an item and the one function that changes them (product.md §2).

use serde::{Deserialize, Serialize};

/// An item's status: that of its latest pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// No pass yet.
    NotSubmitted,
    /// Waits for a free worker.
    Submitted,
    /// Waits for its time.
    Scheduled,
    /// Waits for a word of the consultant: held, with a reason.
    Held,
    /// A worker has it and loads what earlier passes left.
    Queued,
    /// Credentials were asked for and have not come.
    WaitingForUser,
    /// Running.
    Migrating,
    /// Ends the operation in hand.
    Stopping,
    /// Confirmed.
    Stopped,
    /// Terminated by an error.
    Failed,
    /// Ended below the error limit.
    Completed,
}
