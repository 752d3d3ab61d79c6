//! The tabs over the item grid: groups of statuses.

use crate::domain::asking::MailTrouble;
use crate::domain::figures;
use crate::domain::status::Status;
use crate::domain::status_words::alerts_after;
use crate::domain::time::Timestamp;
use crate::engine::snapshot::ItemRow;

/// A group of statuses with a tab of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tab {
    /// Everything.
    #[default]
    All,
    /// Waits for credentials of its owner.
    Owner,
    /// In one status for unusually long (R9, R23).
    Alerts,
    /// A worker has it.
    Running,
    /// Waits for a worker or a time.
    Pending,
    /// Waits for a word.
    Held,
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
    pub const ALL: [Self; 10] = [
        Self::All,
        Self::Owner,
        Self::Alerts,
        Self::Running,
        Self::Pending,
        Self::Held,
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
            Self::Alerts => "Alerts",
            Self::Running => "Running",
            Self::Pending => "Pending",
            Self::Held => "Held",
            Self::NotStarted => "Not started",
            Self::Stopped => "Stopped",
            Self::Done => "Done",
            Self::Problems => "Problems",
        }
    }

    /// Whether it is there only while it holds something.
    pub fn is_rare(self) -> bool {
        matches!(self, Self::Owner | Self::Alerts | Self::Held)
    }

    pub(super) fn holds(self, row: &ItemRow, now: Timestamp) -> bool {
        match self {
            Self::All => true,
            Self::Owner => row.status == Status::WaitingForUser,
            Self::Alerts => alerts_from(row).is_some_and(|from| from < now),
            Self::Running => row.status.is_active(),
            Self::Pending => matches!(row.status, Status::Submitted | Status::Scheduled),
            Self::Held => row.status == Status::Held,
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

/// After which time an item is in its status for too long.
pub(super) fn alerts_from(row: &ItemRow) -> Option<Timestamp> {
    alerts_after(row.status, row.pass?.since)
}

/// Whether an item is migrated.
pub fn is_done(row: &ItemRow) -> bool {
    figures::is_done(row.status, row.pass.map(|pass| pass.kind), &row.progress.counts)
}
