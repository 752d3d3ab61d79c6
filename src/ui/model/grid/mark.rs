//! What items are looked for by, beside status and star.

use std::time::Duration;

use super::sums::local;
use crate::domain::time::Timestamp;
use crate::engine::snapshot::ItemRow;
use crate::ui::model::look;

/// Something that some items have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mark {
    /// A note.
    Noted,
    /// Something began or ended in the last 24 hours.
    ChangedLately,
    /// Another name at the destination than at the source.
    Renamed,
    /// Messages that could not be moved, accepted or not.
    WithErrors,
}

impl Mark {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Noted, Self::ChangedLately, Self::Renamed, Self::WithErrors];

    /// What people read.
    pub fn label(self) -> &'static str {
        match self {
            Self::Noted => "With a note",
            Self::ChangedLately => "Changed in the last 24 hours",
            Self::Renamed => "Another name at the destination",
            Self::WithErrors => "With messages not copied",
        }
    }

    /// By which it is remembered.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Noted => "noted",
            Self::ChangedLately => "changed",
            Self::Renamed => "renamed",
            Self::WithErrors => "errors",
        }
    }

    pub(super) fn is_on(self, row: &ItemRow, now: Timestamp) -> bool {
        match self {
            Self::Noted => row.note.is_some(),
            Self::ChangedLately => look::since(row).is_some_and(|at| now.since(at) < Duration::from_secs(24 * 3600)),
            Self::Renamed => !local(&row.source).eq_ignore_ascii_case(local(&row.destination)),
            Self::WithErrors => row.progress.counts.errors > 0,
        }
    }
}
