//! The tabs over the item grid: groups of statuses.

use crate::domain::asking::MailTrouble;
use crate::domain::figures;
use crate::domain::pass::PassKind;
use crate::domain::status::Status;
use crate::domain::status_words::alerts_after;
use crate::domain::time::Timestamp;
use crate::engine::snapshot::ItemRow;

/// How many there are.
pub(super) const TABS: usize = 12;

/// A group of statuses with a tab of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tab {
    /// Everything.
    #[default]
    All,
    /// Waits for the consultant: failed, held, in one status for too long, completed with something left.
    NeedsYou,
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
    /// Verified, tried or pre-staged, and not migrated yet.
    Prepared,
    /// A Full pass completed.
    Done,
    /// Failed, or completed with something left behind: errors, differences, messages that wait.
    Problems,
}

impl Tab {
    /// All, from left to right.
    pub const ALL: [Self; TABS] = [
        Self::All,
        Self::NeedsYou,
        Self::Owner,
        Self::Alerts,
        Self::Running,
        Self::Pending,
        Self::Held,
        Self::NotStarted,
        Self::Stopped,
        Self::Prepared,
        Self::Done,
        Self::Problems,
    ];

    /// What people call it.
    pub fn label(self) -> &'static str {
        match self {
            Self::All => "All",
            Self::NeedsYou => "Needs you",
            Self::Owner => "Waiting for User",
            Self::Alerts => "Alerts",
            Self::Running => "Running",
            Self::Pending => "Pending",
            Self::Held => "Held",
            Self::NotStarted => "Not started",
            Self::Stopped => "Stopped",
            Self::Prepared => "Prepared",
            Self::Done => "Done",
            Self::Problems => "Problems",
        }
    }

    /// Whether it is there only while it holds something.
    pub fn is_rare(self) -> bool {
        matches!(self, Self::Owner | Self::Alerts | Self::Held | Self::Stopped | Self::Prepared)
    }

    /// By which it is remembered.
    pub(super) fn word(self) -> String {
        self.label().to_lowercase().replace(' ', "-")
    }

    /// Whether items come to it by the time alone.
    pub(super) fn depends_on_time(self) -> bool {
        matches!(self, Self::Alerts | Self::NeedsYou)
    }

    pub(super) fn holds(self, row: &ItemRow, now: Timestamp) -> bool {
        match self {
            Self::All => true,
            Self::NeedsYou => needs_you(row) || Self::Alerts.holds(row, now),
            Self::Owner => row.status == Status::WaitingForUser,
            Self::Alerts => alerts_from(row).is_some_and(|from| from < now),
            Self::Running => row.status.is_active(),
            Self::Pending => matches!(row.status, Status::Submitted | Status::Scheduled),
            Self::Held => row.status == Status::Held,
            Self::NotStarted => row.status == Status::NotSubmitted,
            Self::Stopped => row.status == Status::Stopped,
            Self::Prepared => row.status == Status::Completed && row.pass.is_some_and(|pass| is_preparation(pass.kind)),
            Self::Done => is_done(row),
            Self::Problems => has_a_problem(row),
        }
    }
}

/// Whether it waits for the consultant, whatever the time is.
pub(super) fn needs_you(row: &ItemRow) -> bool {
    row.status == Status::Held || has_a_problem(row)
}

fn has_a_problem(row: &ItemRow) -> bool {
    row.status == Status::Failed
        || (row.status.is_at_rest() && row.progress.leaves_something())
        || row.mail.is_some_and(MailTrouble::needs_a_person)
}

fn is_preparation(kind: PassKind) -> bool {
    matches!(kind, PassKind::Verify | PassKind::Trial | PassKind::PreStage)
}

/// After which time an item is in its status for too long.
pub(super) fn alerts_from(row: &ItemRow) -> Option<Timestamp> {
    alerts_after(row.status, row.pass?.since)
}

/// Whether an item is migrated.
pub fn is_done(row: &ItemRow) -> bool {
    figures::is_done(row.status, row.pass.map(|pass| pass.kind), &row.progress.counts)
}
