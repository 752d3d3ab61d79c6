//! The small door through which a worker reaches the database.
//!
//! One journal belongs to one item and one pass. Everything that must survive a crash goes through here, one atomic
//! change a call, so that a test can stop a worker after every write and start again.

use std::collections::BTreeSet;

use async_trait::async_trait;

use crate::domain::failure::Side;
use crate::domain::folder::{FolderPath, ListedFolder, UidValidity, WireName};
use crate::domain::identity::Identity;
use crate::domain::ids::{FolderId, Uid};
use crate::domain::likeness::Likeness;
use crate::domain::progress::{PassFolder, PassProgress};
use crate::domain::record::{
    CopiesExpected, FolderEnd, FolderRecord, FolderUpdate, Habit, Held, Intent, Results, Watermark,
};

/// What was to be kept could not be, or could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct JournalError(String);

impl JournalError {
    /// For this reason.
    pub fn new(reason: impl std::fmt::Display) -> Self {
        Self(reason.to_string())
    }
}

/// What a worker may ask and write.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Every folder row of the item, retired ones too.
    async fn folders(&self) -> Result<Vec<FolderRecord>, JournalError>;

    /// Creates or updates folder rows; answers their ids in order. An update whose source UIDVALIDITY differs from the
    /// stored one (both known) first retires the old numbering: its watermarks move to a new row with
    /// `retired = true`, and the skip marker is dropped (D12).
    async fn update_folders(&self, updates: Vec<FolderUpdate>) -> Result<Vec<FolderId>, JournalError>;

    /// These folders are not as they were left: their skip markers are dropped before anything is done in them, so that whoever
    /// comes after a death in the middle looks into them too, whatever their figures are by then.
    async fn unsettle(&self, folders: Vec<FolderId>) -> Result<(), JournalError>;

    /// Forgets the destination numbers (sets them to 0) of every watermark that points into this row's destination
    /// folder, and takes over the new UIDVALIDITY: that folder was made anew.
    async fn renumber_destination(&self, folder: FolderId, validity: Option<UidValidity>) -> Result<(), JournalError>;

    /// The watermarks of a source folder whose source number lies in `from..to`, ascending, at most so many.
    async fn some_watermarks(
        &self,
        folder: FolderId,
        from: Uid,
        to: Uid,
        limit: usize,
    ) -> Result<Vec<Watermark>, JournalError>;

    /// All watermarks of a source folder, ascending by source number. For folders known to be small.
    async fn watermarks(&self, folder: FolderId) -> Result<Vec<Watermark>, JournalError> {
        self.some_watermarks(folder, Uid(i64::MIN), Uid(i64::MAX), usize::MAX).await
    }

    /// Which of these identities a watermark of the item has whose copy is not lost.
    async fn known_identities(&self, asked: BTreeSet<Identity>) -> Result<BTreeSet<Identity>, JournalError>;

    /// The watermarks of the item that have one of these identities, in any order; those of this folder row and of retired
    /// rows are left out.
    async fn held_elsewhere(&self, folder: FolderId, asked: BTreeSet<Identity>) -> Result<Vec<Held>, JournalError>;

    /// The copies of these messages were lost: they are copied again, also when this pass does not come to it.
    async fn lose(&self, folder: FolderId, messages: Vec<Uid>) -> Result<(), JournalError>;

    /// Drops the watermarks of these messages: nothing is known of them any more.
    async fn forget(&self, folder: FolderId, messages: Vec<Uid>) -> Result<(), JournalError>;

    /// The watermarks that point into this row's destination folder at these numbers (ascending; 0: those
    /// without a number), with their rows.
    async fn copies(&self, folder: FolderId, numbers: Vec<Uid>) -> Result<Vec<(FolderId, Watermark)>, JournalError>;

    /// How many copies should be in this row's destination folder.
    async fn copies_expected(&self, folder: FolderId) -> Result<CopiesExpected, JournalError>;

    /// How many messages of this source folder have a watermark.
    async fn known_messages(&self, folder: FolderId) -> Result<u64, JournalError>;

    /// The destination folders of these rows, and of those that share them, were renamed by their owner; they may have
    /// taken each other's names.
    async fn follow_destinations(&self, moved: Vec<(FolderId, FolderPath, WireName)>) -> Result<(), JournalError>;

    /// Another destination folder has the name of this row's, which is nowhere: from now on the row is about that one, of whose
    /// past nothing is known.
    async fn take_destination(&self, folder: FolderId, now: ListedFolder) -> Result<(), JournalError>;

    /// These copies (row, source number, destination number) lie in a destination folder to which no row leads: a retired
    /// row of that folder stands for it from now on.
    async fn rehome(&self, at: FolderUpdate, copies: Vec<(FolderId, Uid, Uid)>) -> Result<(), JournalError>;

    /// The watermarks of the item whose copies were lost and not copied again yet, with their rows.
    async fn lost_copies(&self) -> Result<Vec<(FolderId, Watermark)>, JournalError>;

    /// These copies (row, source number, destination number) lie in the destination folder of this row, where no watermark knew
    /// them.
    async fn found_at(&self, folder: FolderId, copies: Vec<(FolderId, Uid, Uid)>) -> Result<(), JournalError>;

    /// Nothing is known of strangers at this row's destination folder any more.
    async fn forget_strangers(&self, folder: FolderId) -> Result<(), JournalError>;

    /// Messages at this row's destination folder that no watermark knows and that have one of these identities,
    /// ascending by number, as far as they were read before (below the row's `strangers_next`).
    async fn strangers(
        &self,
        folder: FolderId,
        asked: BTreeSet<Identity>,
    ) -> Result<Vec<(Uid, Identity)>, JournalError>;

    /// How many strangers of this row's destination folder are kept.
    async fn strangers_kept(&self, folder: FolderId) -> Result<u64, JournalError>;

    /// Their numbers.
    async fn numbers_of_strangers(&self, folder: FolderId) -> Result<BTreeSet<Uid>, JournalError>;

    /// Keeps what was read of strangers; every message below `next` is one kept here or has a watermark.
    async fn keep_strangers(
        &self,
        folder: FolderId,
        strangers: Vec<(Uid, Identity)>,
        next: Uid,
    ) -> Result<(), JournalError>;

    /// These are strangers no longer: gone, or of a watermark now.
    async fn drop_strangers(&self, folder: FolderId, strangers: Vec<Uid>) -> Result<(), JournalError>;

    /// Keeps what source and destination look like, for comparison with other items.
    async fn keep_likenesses(&self, seen: [Option<Likeness>; 2]) -> Result<(), JournalError>;

    /// What the server of this side was seen to do, by all items of the project.
    async fn habit(&self, side: Side) -> Result<Habit, JournalError>;

    /// Adds what was seen of the server of this side.
    async fn learn(&self, side: Side, seen: Habit) -> Result<(), JournalError>;

    /// Destination numbers, ascending, of all watermarks of the item that point into this row's destination folder.
    async fn known_at_destination(&self, folder: FolderId) -> Result<Vec<Uid>, JournalError>;

    /// Which rows have watermarks whose copies lie in the destination folder of another row: that row and the other one.
    async fn led_elsewhere(&self) -> Result<Vec<(FolderId, FolderId)>, JournalError>;

    /// These messages of a source folder are gone from it: their watermarks move to a retired row, where they are found
    /// should the messages come back elsewhere (D12). Answers that row.
    async fn retire(&self, folder: FolderId, messages: Vec<Uid>) -> Result<FolderId, JournalError>;

    /// Messages that lie in this row's destination folder and that no message of the source is: they get watermarks in a
    /// retired row of it, where they are found should a message like them come (D12). Their source numbers are made up.
    async fn adopt(&self, folder: FolderId, copies: Vec<Watermark>) -> Result<(), JournalError>;

    /// Writes intents durably (synchronous=FULL) before anything is appended. An intent that is already open for the
    /// row under the same UIDVALIDITY keeps its lower floor.
    async fn begin(&self, intents: Vec<(FolderId, Intent)>) -> Result<(), JournalError>;

    /// Commits a group of results.
    async fn record(&self, results: Results) -> Result<(), JournalError>;

    /// Ends a folder: see [`FolderEnd`].
    async fn end_folder(&self, folder: FolderId, end: FolderEnd) -> Result<(), JournalError>;

    /// Flushes the pass's figures; at most once a second, and once at the end.
    async fn progress(&self, progress: PassProgress, folders: Vec<PassFolder>) -> Result<(), JournalError>;
}
