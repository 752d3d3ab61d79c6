//! The tabs over the item grid: groups of statuses.

use crate::domain::asking::MailTrouble;
use crate::domain::figures;
use crate::domain::status::Status;
use crate::engine::snapshot::ItemRow;

/// A group of statuses with a tab of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tab {
    /// Everything.
    #[default]
    All,
    /// Waits for credentials of its owner.
    Owner,
    /// A worker has it.
    Running,
    /// Waits for a worker, a time or a word.
    Pending,
    /// No pass yet.
    NotStarted,
    /// Stopped.
    Stopped,
    /// A Full pass completed.
    Done,
    /// Failed, or completed with something left behind: errors, differences, messages that wait.
    Problems,
}

impl Tab {
    /// All, from left to right.
    pub const ALL: [Self; 8] = [
        Self::All,
        Self::Owner,
        Self::Running,
        Self::Pending,
        Self::NotStarted,
        Self::Stopped,
        Self::Done,
        Self::Problems,
    ];

    /// What people call it.
    pub fn label(self) -> &'static str {
        match self {
            Self::All => "All",
            Self::Owner => "Waiting for User",
            Self::Running => "Running",
            Self::Pending => "Pending",
            Self::NotStarted => "Not started",
            Self::Stopped => "Stopped",
            Self::Done => "Done",
            Self::Problems => "Problems",
        }
    }

    pub(super) fn holds(self, row: &ItemRow) -> bool {
        match self {
            Self::All => true,
            Self::Owner => row.status == Status::WaitingForUser,
            Self::Running => row.status.is_active(),
            Self::Pending => match row.status {
                Status::Submitted | Status::Scheduled | Status::Held => true,
                Status::WaitingForUser
                | Status::NotSubmitted
                | Status::Queued
                | Status::Migrating
                | Status::Stopping => false,
                Status::Stopped | Status::Failed | Status::Completed => false,
            },
            Self::NotStarted => row.status == Status::NotSubmitted,
            Self::Stopped => row.status == Status::Stopped,
            Self::Done => is_done(row),
            Self::Problems => {
                row.status == Status::Failed
                    || (row.status.is_at_rest() && row.progress.leaves_something())
                    || row.mail.is_some_and(MailTrouble::needs_a_person)
            }
        }
    }
}

/// Whether an item is migrated.
pub fn is_done(row: &ItemRow) -> bool {
    figures::is_done(row.status, row.pass.map(|pass| pass.kind), &row.progress.counts)
}
