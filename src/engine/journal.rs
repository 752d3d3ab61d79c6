//! The small door through which a worker reaches the database.
//!
//! One journal belongs to one item and one pass. Everything that must survive a crash goes through here, one atomic
//! change a call, so that a test can stop a worker after every write and start again.

use async_trait::async_trait;

use crate::domain::ids::{FolderId, Uid};
use crate::domain::record::{FolderRecord, FolderUpdate, Intent, Marker, PassFolder, PassProgress, Results, Watermark};
use crate::store::StoreError;

/// What a worker may ask and write.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Every folder row of the item, retired ones too.
    async fn folders(&self) -> Result<Vec<FolderRecord>, StoreError>;

    /// Creates or updates folder rows; answers their ids in order. An update whose source UIDVALIDITY differs from the
    /// stored one (both not 0) first retires the old numbering: its watermarks move to a new row with
    /// `retired = true`, and the skip marker is dropped (D12).
    async fn update_folders(&self, updates: Vec<FolderUpdate>) -> Result<Vec<FolderId>, StoreError>;

    /// Forgets the destination numbers (sets them to 0) of every watermark that points into this row's destination
    /// folder, and takes over the new UIDVALIDITY: that folder was made anew.
    async fn renumber_destination(&self, folder: FolderId, validity: u32) -> Result<(), StoreError>;

    /// The watermarks of a source folder, ascending by source number.
    async fn watermarks(&self, folder: FolderId) -> Result<Vec<Watermark>, StoreError>;

    /// Destination numbers, ascending, of all watermarks of the item that point into this row's destination folder.
    async fn known_at_destination(&self, folder: FolderId) -> Result<Vec<Uid>, StoreError>;

    /// These messages of a source folder are gone from it: their watermarks move to a retired row, where they are found
    /// should the messages come back elsewhere (D12). Answers that row.
    async fn retire(&self, folder: FolderId, messages: Vec<Uid>) -> Result<FolderId, StoreError>;

    /// Writes intents durably (synchronous=FULL) before anything is appended. An intent that is already open for the
    /// row under the same UIDVALIDITY keeps its lower floor.
    async fn begin(&self, intents: Vec<(FolderId, Intent)>) -> Result<(), StoreError>;

    /// Commits a group of results.
    async fn record(&self, results: Results) -> Result<(), StoreError>;

    /// Ends a folder: closes its intent if every append of it is accounted for, and sets or drops its skip marker.
    async fn end_folder(&self, folder: FolderId, close_intent: bool, marker: Option<Marker>) -> Result<(), StoreError>;

    /// Flushes the pass's figures; at most once a second, and once at the end.
    async fn progress(&self, progress: PassProgress, folders: Vec<PassFolder>) -> Result<(), StoreError>;
}
