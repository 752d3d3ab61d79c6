//! Passes: what one submission of an item does.

use serde::{Deserialize, Serialize};

/// What a pass does (product words, §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PassKind {
    /// Both sides reached, login accepted, mailbox there; no data.
    Verify,
    /// The whole tree, at most 10 messages a folder and 5 MB in all.
    Trial,
    /// Messages older than a date.
    PreStage,
    /// Everything the filters leave; again: only what is new.
    Full,
    /// Only the failed messages of the last pass.
    RetryErrors,
}

impl PassKind {
    /// The word for people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Verify => "Verification",
            Self::Trial => "Trial",
            Self::PreStage => "Pre-Stage",
            Self::Full => "Full",
            Self::RetryErrors => "Retry Errors",
        }
    }
}
