//! How far a pass is: what its worker tells and the store keeps. Pure.

use serde::{Deserialize, Serialize};

use super::failure::{Failure, Side};
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

/// Counters of one folder in one pass. Once the folder has ended:
/// `source = copied + already_there + skipped + vanished + errors + waiting` (D6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Messages at the source when the folder was read.
    pub source: u64,
    /// Written to the destination in this pass.
    pub copied: u64,
    /// Known to be there already: watermark, recognised, or moved at the source.
    pub already_there: u64,
    /// Left out by a rule (filter, date, size).
    pub skipped: u64,
    /// Gone from the source before they could be read.
    pub vanished: u64,
    /// Could not be moved.
    pub errors: u64,
    /// Bytes of messages written.
    pub bytes: u64,
    /// Flag changes carried.
    pub flags_updated: u64,
    /// Wait for the next pass: a folder that they may have come from could not be read (D29).
    pub waiting: u64,
    /// Arrived at the source during the pass and may have moved: the next pass tells. Not part of `source`.
    pub arrived: u64,
    /// Messages of differences that nothing explains (D27). Beside the sum.
    pub differ: u64,
}

impl Counts {
    /// Whether the sum of D6 holds.
    pub fn balanced(&self) -> bool {
        self.source == self.copied + self.already_there + self.skipped + self.vanished + self.errors + self.waiting
    }

    /// Messages that are neither at the destination nor accounted for otherwise.
    pub fn left(&self) -> u64 {
        let done = self.copied + self.already_there + self.skipped + self.vanished + self.errors + self.waiting;
        self.source.saturating_sub(done)
    }

    /// Whether something is not as it should be: not moved, waiting for another pass, or different without a reason.
    pub fn leaves_something(&self) -> bool {
        self.errors > 0 || self.waiting > 0 || self.differ > 0
    }

    /// Adds another folder's counters.
    pub fn add(&mut self, other: &Self) {
        self.source += other.source;
        self.copied += other.copied;
        self.already_there += other.already_there;
        self.skipped += other.skipped;
        self.vanished += other.vanished;
        self.errors += other.errors;
        self.bytes += other.bytes;
        self.flags_updated += other.flags_updated;
        self.waiting += other.waiting;
        self.arrived += other.arrived;
        self.differ += other.differ;
    }
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
    /// Which try this will be.
    pub attempt: u32,
    /// How many there may be in a row.
    pub limit: u32,
    /// When the next try starts.
    pub until: Timestamp,
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
