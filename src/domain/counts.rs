//! The figures of a folder within a pass.

use serde::{Deserialize, Serialize};

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
