//! The journal of one pass, kept in the workspace database.

use std::collections::BTreeSet;

use async_trait::async_trait;

use crate::domain::failure::Side;
use crate::domain::folder::{FolderPath, ListedFolder, UidValidity, WireName};
use crate::domain::identity::Identity;
use crate::domain::ids::{FolderId, ItemId, PassId, Uid};
use crate::domain::likeness::Likeness;
use crate::domain::progress::{PassFolder, PassProgress};
use crate::domain::record::{
    CopiesExpected, FolderEnd, FolderRecord, FolderUpdate, Habit, Held, Intent, Results, Watermark,
};
use crate::pass::journal::{Journal, JournalError};
use crate::store::{Store, StoreError};

impl From<StoreError> for JournalError {
    fn from(error: StoreError) -> Self {
        Self::new(error)
    }
}

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
    async fn folders(&self) -> Result<Vec<FolderRecord>, JournalError> {
        Ok(self.store.folders(self.item).await?)
    }

    async fn update_folders(&self, updates: Vec<FolderUpdate>) -> Result<Vec<FolderId>, JournalError> {
        Ok(self.store.update_folders(self.item, updates).await?)
    }

    async fn unsettle(&self, folders: Vec<FolderId>) -> Result<(), JournalError> {
        Ok(self.store.unsettle(folders).await?)
    }

    async fn renumber_destination(&self, folder: FolderId, validity: Option<UidValidity>) -> Result<(), JournalError> {
        Ok(self.store.renumber_destination(folder, validity).await?)
    }

    async fn some_watermarks(
        &self,
        folder: FolderId,
        from: Uid,
        to: Uid,
        limit: usize,
    ) -> Result<Vec<Watermark>, JournalError> {
        Ok(self.store.some_watermarks(folder, from, to, limit).await?)
    }

    async fn held_elsewhere(&self, folder: FolderId, asked: BTreeSet<Identity>) -> Result<Vec<Held>, JournalError> {
        Ok(self.store.held_elsewhere(self.item, folder, asked).await?)
    }

    async fn known_identities(&self, asked: BTreeSet<Identity>) -> Result<BTreeSet<Identity>, JournalError> {
        Ok(self.store.known_identities(self.item, asked).await?)
    }

    async fn lose(&self, folder: FolderId, messages: Vec<Uid>) -> Result<(), JournalError> {
        Ok(self.store.lose(folder, messages).await?)
    }

    async fn forget(&self, folder: FolderId, messages: Vec<Uid>) -> Result<(), JournalError> {
        Ok(self.store.forget(folder, messages).await?)
    }

    async fn copies(&self, folder: FolderId, numbers: Vec<Uid>) -> Result<Vec<(FolderId, Watermark)>, JournalError> {
        Ok(self.store.copies(folder, numbers).await?)
    }

    async fn copies_expected(&self, folder: FolderId) -> Result<CopiesExpected, JournalError> {
        Ok(self.store.copies_expected(folder).await?)
    }

    async fn known_messages(&self, folder: FolderId) -> Result<u64, JournalError> {
        Ok(self.store.known_messages(folder).await?)
    }

    async fn follow_destinations(&self, moved: Vec<(FolderId, FolderPath, WireName)>) -> Result<(), JournalError> {
        Ok(self.store.follow_destinations(moved).await?)
    }

    async fn take_destination(&self, folder: FolderId, now: ListedFolder) -> Result<(), JournalError> {
        Ok(self.store.take_destination(folder, now).await?)
    }

    async fn rehome(&self, at: FolderUpdate, copies: Vec<(FolderId, Uid, Uid)>) -> Result<(), JournalError> {
        Ok(self.store.rehome(self.item, at, copies).await?)
    }

    async fn lost_copies(&self) -> Result<Vec<(FolderId, Watermark)>, JournalError> {
        Ok(self.store.lost_copies(self.item).await?)
    }

    async fn found_at(&self, folder: FolderId, copies: Vec<(FolderId, Uid, Uid)>) -> Result<(), JournalError> {
        Ok(self.store.found_at(folder, copies).await?)
    }

    async fn forget_strangers(&self, folder: FolderId) -> Result<(), JournalError> {
        Ok(self.store.forget_strangers(folder).await?)
    }

    async fn strangers(
        &self,
        folder: FolderId,
        asked: BTreeSet<Identity>,
    ) -> Result<Vec<(Uid, Identity)>, JournalError> {
        Ok(self.store.strangers(folder, asked).await?)
    }

    async fn numbers_of_strangers(&self, folder: FolderId) -> Result<BTreeSet<Uid>, JournalError> {
        Ok(self.store.numbers_of_strangers(folder).await?)
    }

    async fn strangers_kept(&self, folder: FolderId) -> Result<u64, JournalError> {
        Ok(self.store.strangers_kept(folder).await?)
    }

    async fn keep_strangers(
        &self,
        folder: FolderId,
        strangers: Vec<(Uid, Identity)>,
        next: Uid,
    ) -> Result<(), JournalError> {
        Ok(self.store.keep_strangers(folder, strangers, next).await?)
    }

    async fn drop_strangers(&self, folder: FolderId, strangers: Vec<Uid>) -> Result<(), JournalError> {
        Ok(self.store.drop_strangers(folder, strangers).await?)
    }

    async fn keep_likenesses(&self, seen: [Option<Likeness>; 2]) -> Result<(), JournalError> {
        Ok(self.store.keep_likenesses(self.item, seen).await?)
    }

    async fn habit(&self, side: Side) -> Result<Habit, JournalError> {
        Ok(self.store.habit(self.item, side).await?)
    }

    async fn learn(&self, side: Side, seen: Habit) -> Result<(), JournalError> {
        Ok(self.store.learn(self.item, side, seen).await?)
    }

    async fn known_at_destination(&self, folder: FolderId) -> Result<Vec<Uid>, JournalError> {
        Ok(self.store.known_at_destination(folder).await?)
    }

    async fn led_elsewhere(&self) -> Result<Vec<(FolderId, FolderId)>, JournalError> {
        Ok(self.store.led_elsewhere(self.item).await?)
    }

    async fn retire(&self, folder: FolderId, messages: Vec<Uid>) -> Result<FolderId, JournalError> {
        Ok(self.store.retire(folder, messages).await?)
    }

    async fn adopt(&self, folder: FolderId, copies: Vec<Watermark>) -> Result<(), JournalError> {
        Ok(self.store.adopt(folder, copies).await?)
    }

    async fn begin(&self, intents: Vec<(FolderId, Intent)>) -> Result<(), JournalError> {
        Ok(self.store.begin(intents).await?)
    }

    async fn record(&self, results: Results) -> Result<(), JournalError> {
        Ok(self.store.record(self.pass, results).await?)
    }

    async fn end_folder(&self, folder: FolderId, end: FolderEnd) -> Result<(), JournalError> {
        Ok(self.store.end_folder(folder, end).await?)
    }

    async fn progress(&self, progress: PassProgress, folders: Vec<PassFolder>) -> Result<(), JournalError> {
        Ok(self.store.progress(self.pass, progress, folders).await?)
    }
}
