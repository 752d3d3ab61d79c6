//! A journal that can be cut off anywhere.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use mailferry::domain::failure::Side;
use mailferry::domain::folder::{FolderPath, ListedFolder, UidValidity, WireName};
use mailferry::domain::identity::Identity;
use mailferry::domain::ids::{FolderId, Uid};
use mailferry::domain::likeness::Likeness;
use mailferry::domain::progress::{PassFolder, PassProgress};
use mailferry::domain::record::{
    CopiesExpected, FolderEnd, FolderRecord, FolderUpdate, Habit, Held, Intent, Results, Watermark,
};
use mailferry::engine::store_journal::StoreJournal;
use mailferry::pass::Stops;
use mailferry::pass::journal::{Journal, JournalError};

/// Lets some writes through; then the process is dead.
pub struct Cut {
    pub inner: StoreJournal,
    pub left: AtomicU64,
    pub writes: AtomicU64,
    pub results: AtomicU64,
    /// Watermarks that are still to be lost.
    pub forgets: Mutex<usize>,
    pub stops: Stops,
}

impl Cut {
    fn dead(&self) -> Result<(), JournalError> {
        if self.stops.abort.is_cancelled() { Err(JournalError::new("the store is gone")) } else { Ok(()) }
    }

    /// Takes one write from those that are left.
    fn write(&self) -> Result<(), JournalError> {
        self.dead()?;
        if self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_err() {
            self.stops.abort.cancel();
            return Err(JournalError::new("the store is gone"));
        }
        self.writes.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

#[async_trait]
impl Journal for Cut {
    async fn folders(&self) -> Result<Vec<FolderRecord>, JournalError> {
        self.dead()?;
        self.inner.folders().await
    }

    async fn update_folders(&self, updates: Vec<FolderUpdate>) -> Result<Vec<FolderId>, JournalError> {
        self.write()?;
        self.inner.update_folders(updates).await
    }

    async fn unsettle(&self, folders: Vec<FolderId>) -> Result<(), JournalError> {
        self.write()?;
        self.inner.unsettle(folders).await
    }

    async fn renumber_destination(&self, folder: FolderId, validity: Option<UidValidity>) -> Result<(), JournalError> {
        self.write()?;
        self.inner.renumber_destination(folder, validity).await
    }

    async fn some_watermarks(
        &self,
        folder: FolderId,
        from: Uid,
        to: Uid,
        limit: usize,
    ) -> Result<Vec<Watermark>, JournalError> {
        self.dead()?;
        self.inner.some_watermarks(folder, from, to, limit).await
    }

    async fn held_elsewhere(&self, folder: FolderId, asked: BTreeSet<Identity>) -> Result<Vec<Held>, JournalError> {
        self.dead()?;
        self.inner.held_elsewhere(folder, asked).await
    }

    async fn known_identities(&self, asked: BTreeSet<Identity>) -> Result<BTreeSet<Identity>, JournalError> {
        self.dead()?;
        self.inner.known_identities(asked).await
    }

    async fn lose(&self, folder: FolderId, messages: Vec<Uid>) -> Result<(), JournalError> {
        self.write()?;
        self.inner.lose(folder, messages).await
    }

    async fn forget(&self, folder: FolderId, messages: Vec<Uid>) -> Result<(), JournalError> {
        self.write()?;
        self.inner.forget(folder, messages).await
    }

    async fn copies(&self, folder: FolderId, numbers: Vec<Uid>) -> Result<Vec<(FolderId, Watermark)>, JournalError> {
        self.dead()?;
        self.inner.copies(folder, numbers).await
    }

    async fn copies_expected(&self, folder: FolderId) -> Result<CopiesExpected, JournalError> {
        self.dead()?;
        self.inner.copies_expected(folder).await
    }

    async fn known_messages(&self, folder: FolderId) -> Result<u64, JournalError> {
        self.dead()?;
        self.inner.known_messages(folder).await
    }

    async fn follow_destinations(&self, moved: Vec<(FolderId, FolderPath, WireName)>) -> Result<(), JournalError> {
        self.write()?;
        self.inner.follow_destinations(moved).await
    }

    async fn take_destination(&self, folder: FolderId, now: ListedFolder) -> Result<(), JournalError> {
        self.write()?;
        self.inner.take_destination(folder, now).await
    }

    async fn rehome(&self, at: FolderUpdate, copies: Vec<(FolderId, Uid, Uid)>) -> Result<(), JournalError> {
        self.write()?;
        self.inner.rehome(at, copies).await
    }

    async fn lost_copies(&self) -> Result<Vec<(FolderId, Watermark)>, JournalError> {
        self.dead()?;
        self.inner.lost_copies().await
    }

    async fn found_at(&self, folder: FolderId, copies: Vec<(FolderId, Uid, Uid)>) -> Result<(), JournalError> {
        self.write()?;
        self.inner.found_at(folder, copies).await
    }

    async fn forget_strangers(&self, folder: FolderId) -> Result<(), JournalError> {
        self.write()?;
        self.inner.forget_strangers(folder).await
    }

    async fn strangers(
        &self,
        folder: FolderId,
        asked: BTreeSet<Identity>,
    ) -> Result<Vec<(Uid, Identity)>, JournalError> {
        self.dead()?;
        self.inner.strangers(folder, asked).await
    }

    async fn strangers_kept(&self, folder: FolderId) -> Result<u64, JournalError> {
        self.dead()?;
        self.inner.strangers_kept(folder).await
    }

    async fn numbers_of_strangers(&self, folder: FolderId) -> Result<BTreeSet<Uid>, JournalError> {
        self.dead()?;
        self.inner.numbers_of_strangers(folder).await
    }

    async fn keep_strangers(
        &self,
        folder: FolderId,
        strangers: Vec<(Uid, Identity)>,
        next: Uid,
    ) -> Result<(), JournalError> {
        self.write()?;
        self.inner.keep_strangers(folder, strangers, next).await
    }

    async fn drop_strangers(&self, folder: FolderId, strangers: Vec<Uid>) -> Result<(), JournalError> {
        self.write()?;
        self.inner.drop_strangers(folder, strangers).await
    }

    async fn keep_likenesses(&self, seen: [Option<Likeness>; 2]) -> Result<(), JournalError> {
        self.write()?;
        self.inner.keep_likenesses(seen).await
    }

    async fn habit(&self, side: Side) -> Result<Habit, JournalError> {
        self.dead()?;
        self.inner.habit(side).await
    }

    async fn learn(&self, side: Side, seen: Habit) -> Result<(), JournalError> {
        self.write()?;
        self.inner.learn(side, seen).await
    }

    async fn known_at_destination(&self, folder: FolderId) -> Result<Vec<Uid>, JournalError> {
        self.dead()?;
        self.inner.known_at_destination(folder).await
    }

    async fn led_elsewhere(&self) -> Result<Vec<(FolderId, FolderId)>, JournalError> {
        self.dead()?;
        self.inner.led_elsewhere().await
    }

    async fn retire(&self, folder: FolderId, messages: Vec<Uid>) -> Result<FolderId, JournalError> {
        self.write()?;
        self.inner.retire(folder, messages).await
    }

    async fn adopt(&self, folder: FolderId, copies: Vec<Watermark>) -> Result<(), JournalError> {
        self.write()?;
        self.inner.adopt(folder, copies).await
    }

    async fn begin(&self, intents: Vec<(FolderId, Intent)>) -> Result<(), JournalError> {
        self.write()?;
        self.inner.begin(intents).await
    }

    async fn record(&self, mut results: Results) -> Result<(), JournalError> {
        self.write()?;
        {
            let mut left = self.forgets.lock().expect("no panic");
            let lost = results.watermarks.len().min(*left);
            results.watermarks.drain(..lost);
            *left -= lost;
        }
        self.results.fetch_add(1, Ordering::SeqCst);
        self.inner.record(results).await
    }

    async fn end_folder(&self, folder: FolderId, end: FolderEnd) -> Result<(), JournalError> {
        self.write()?;
        self.inner.end_folder(folder, end).await
    }

    async fn progress(&self, progress: PassProgress, folders: Vec<PassFolder>) -> Result<(), JournalError> {
        self.write()?;
        self.inner.progress(progress, folders).await
    }
}
