//! How far a pass is: what its worker tells and the store keeps. Pure.

use serde::{Deserialize, Serialize};

use super::counts::Counts;
use super::failure::{Cause, Failure, Side};
use super::figures::AtSource;
use super::folder::FolderPath;
use super::ids::FolderId;
use super::time::Timestamp;

/// State of a folder within a pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FolderPhase {
    /// Not reached yet.
    #[default]
    Waiting,
    /// Being scanned or copied.
    Working,
    /// Ended; the sum of D6 holds.
    Done,
    /// Unchanged since its marker (D11); not opened.
    Unchanged,
    /// The folder itself failed; its messages count as errors.
    Failed,
    /// The destination folder of earlier passes is gone; old mail was not copied again (D12).
    DestinationGone,
}

/// One folder's line in a pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassFolder {
    /// The folder row.
    pub folder: FolderId,
    /// Where it stands.
    pub phase: FolderPhase,
    /// Its counters.
    pub counts: Counts,
}

/// What a pass is doing now (R15's order).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// A worker loads what earlier passes left.
    #[default]
    Loading,
    /// Both sides are being reached.
    Connecting,
    /// The source's folders are being listed.
    ListingSource,
    /// The tree is being created at the destination.
    CreatingFolders,
    /// The destination is being searched for what is already there.
    ScanningDestination,
    /// Messages are being copied.
    Copying,
    /// The end is being recorded.
    Finishing,
}

/// Why a pass pauses and until when (retry mode).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetryState {
    /// The side it happened on; none in what older versions wrote.
    #[serde(default)]
    pub side: Option<Side>,
    /// What caused it.
    pub failure: Failure,
    /// Which try this will be; 0 where the pause uses up none.
    pub attempt: u32,
    /// How many there may be in a row.
    pub limit: u32,
    /// When the next try starts.
    pub until: Timestamp,
}

impl RetryState {
    /// Whether the pass merely waits, and no try is used up.
    pub fn is_no_try(&self) -> bool {
        self.attempt == 0
    }

    /// The server that it waits for, by host and port: others may wait for it too.
    pub fn server(&self) -> Option<&str> {
        let own = matches!(self.failure.cause, Cause::Settling | Cause::OutsideHours | Cause::OwnNetwork);
        self.failure.other.as_deref().filter(|_| !own)
    }
}

/// The figures of a running pass, flushed to the store at most once a second.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PassProgress {
    /// What it is doing.
    pub phase: Phase,
    /// Folders ended.
    pub folders_done: u32,
    /// Folders in all.
    pub folders_total: u32,
    /// The folder being worked on (one of them, when several are).
    pub current: Option<FolderPath>,
    /// Sums over its folders.
    pub counts: Counts,
    /// Of the messages that could not be moved, those that a person has accepted.
    pub accepted: u64,
    /// What it counted at the source, or the pass before it.
    pub at_source: Option<AtSource>,
    /// Bytes read of messages that are to be copied and not recorded yet: beside what is recorded, and it may fall (D34).
    pub in_flight: u64,
    /// Retry mode.
    pub retry: Option<RetryState>,
    /// When these figures were last true.
    pub updated: Option<Timestamp>,
}

impl PassProgress {
    /// Messages that could not be moved and that nobody has accepted.
    pub fn open_errors(&self) -> u64 {
        self.counts.errors.saturating_sub(self.accepted)
    }

    /// Whether something is left to do: not moved and not accepted, waiting for another pass, or different without a reason.
    pub fn leaves_something(&self) -> bool {
        Counts { errors: self.open_errors(), ..self.counts }.leaves_something()
    }

    /// Messages at the source, as they were counted; else those that were found in the folders looked into.
    pub fn messages_at_source(&self) -> Option<u64> {
        let found = (self.counts.source > 0).then_some(self.counts.source);
        self.at_source.map(|at| at.messages).or(found)
    }
}
