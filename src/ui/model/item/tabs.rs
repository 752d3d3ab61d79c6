//! What stands below or beside the folders of an item, and when it is asked for again.

use std::time::Duration;

use crate::domain::ids::PassId;
use crate::domain::status::Status;
use crate::domain::time::Timestamp;
use crate::engine::snapshot::ItemRow;

/// Between two questions while its pass runs or its owner is waited for.
const AGAIN: Duration = Duration::from_secs(2);

/// What is shown there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tab {
    /// What needs a look.
    #[default]
    Errors,
    /// What happened.
    Log,
    /// How fast the pass is, or was.
    Speed,
}

impl Tab {
    /// All, from left to right.
    pub const ALL: [Self; 3] = [Self::Errors, Self::Log, Self::Speed];

    /// What people call it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Errors => "Errors",
            Self::Log => "Log",
            Self::Speed => "Speed",
        }
    }
}

/// What in a row tells that more has happened.
type Sight = (Status, Option<(PassId, u32)>, u64);

fn sight(row: &ItemRow) -> Sight {
    (row.status, row.pass.map(|pass| (pass.id, pass.attempt)), row.progress.accepted)
}

/// The question for what a tab shows.
#[derive(Clone, Debug, Default)]
pub(super) struct TabQuestion {
    waiting: bool,
    asked: Option<(Timestamp, Sight)>,
}

impl TabQuestion {
    /// Whether to ask now.
    pub fn due(&mut self, row: &ItemRow, now: Timestamp) -> bool {
        let goes_on = row.status.is_active() || row.status == Status::WaitingForUser;
        let due = match &self.asked {
            None => true,
            // A clock that was set back must not make it wait.
            Some((at, before)) => *before != sight(row) || goes_on && (now.since(*at) >= AGAIN || now < *at),
        };
        if due && !self.waiting {
            *self = Self { waiting: true, asked: Some((now, sight(row))) };
            return true;
        }
        false
    }

    /// An answer came, or will not come.
    pub fn answered(&mut self) {
        self.waiting = false;
    }

    /// What was answered may not be so any more.
    pub fn forget(&mut self) {
        self.asked = None;
    }
}
