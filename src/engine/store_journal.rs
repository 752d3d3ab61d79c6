//! The journal of one pass, kept in the workspace database.

use async_trait::async_trait;

use crate::domain::ids::{FolderId, ItemId, PassId, Uid};
use crate::domain::record::{FolderRecord, FolderUpdate, Intent, Marker, PassFolder, PassProgress, Results, Watermark};
use crate::engine::journal::Journal;
use crate::store::{Store, StoreError};

/// See [`Journal`]; each method is one transaction.
pub struct StoreJournal {
    store: Store,
    item: ItemId,
    pass: PassId,
}

impl StoreJournal {
    /// The journal of this pass of this item.
    pub fn new(store: Store, item: ItemId, pass: PassId) -> Self {
        Self { store, item, pass }
    }
}

#[async_trait]
impl Journal for StoreJournal {
    async fn folders(&self) -> Result<Vec<FolderRecord>, StoreError> {
        self.store.folders(self.item).await
    }

    async fn update_folders(&self, updates: Vec<FolderUpdate>) -> Result<Vec<FolderId>, StoreError> {
        self.store.update_folders(self.item, updates).await
    }

    async fn renumber_destination(&self, folder: FolderId, validity: u32) -> Result<(), StoreError> {
        self.store.renumber_destination(folder, validity).await
    }

    async fn watermarks(&self, folder: FolderId) -> Result<Vec<Watermark>, StoreError> {
        self.store.watermarks(folder).await
    }

    async fn known_at_destination(&self, folder: FolderId) -> Result<Vec<Uid>, StoreError> {
        self.store.known_at_destination(folder).await
    }

    async fn retire(&self, folder: FolderId, messages: Vec<Uid>) -> Result<FolderId, StoreError> {
        self.store.retire(folder, messages).await
    }

    async fn begin(&self, intents: Vec<(FolderId, Intent)>) -> Result<(), StoreError> {
        self.store.begin(intents).await
    }

    async fn record(&self, results: Results) -> Result<(), StoreError> {
        self.store.record(self.pass, results).await
    }

    async fn end_folder(&self, folder: FolderId, close_intent: bool, marker: Option<Marker>) -> Result<(), StoreError> {
        self.store.end_folder(folder, close_intent, marker).await
    }

    async fn progress(&self, progress: PassProgress, folders: Vec<PassFolder>) -> Result<(), StoreError> {
        self.store.progress(self.pass, progress, folders).await
    }
}
