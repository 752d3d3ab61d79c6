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
    /// Every kind, in the order in which a move goes through them.
    pub const ALL: [Self; 5] = [Self::Verify, Self::Trial, Self::PreStage, Self::Full, Self::RetryErrors];

    /// Whether it brings mail to the destination.
    pub fn moves_mail(self) -> bool {
        match self {
            Self::Verify => false,
            Self::Trial | Self::PreStage | Self::Full | Self::RetryErrors => true,
        }
    }

    /// Whether an item that has consumed none takes a license for it.
    pub fn takes_license(self) -> bool {
        match self {
            Self::PreStage | Self::Full => true,
            Self::Verify | Self::Trial | Self::RetryErrors => false,
        }
    }

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
