//! Commits what the lanes of one pass found out, in groups (D9: at most 500 rows or 250 ms).
//!
//! A lane hands in results and goes on. When the store fails, [`Recorder::failed`] fires and nothing more is appended:
//! what was appended and not recorded is found again by its intent.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::domain::clock::Clock;
use crate::domain::counts::Counts;
use crate::domain::figures::Moved;
use crate::domain::ids::FolderId;
use crate::domain::item_error::ItemError;
use crate::domain::notice::Notice;
use crate::domain::record::{Results, Watermark};
use crate::pass::journal::Journal;
use crate::pass::journal::JournalError;
use crate::pass::tally::PassStats;

/// Rows in one commit.
pub const GROUP_ROWS: usize = 500;
/// How long a row waits for company.
pub const GROUP_WAIT: Duration = Duration::from_millis(250);

/// Results of one folder, with what they add to its counters once committed.
#[derive(Default)]
pub struct ToRecord {
    /// The rows.
    pub results: Results,
    /// The counters' growth, by folder.
    pub counts: Vec<(FolderId, Counts)>,
    /// Whether a message was newly recorded: ends a row of failed tries (D22).
    pub progressed: bool,
}

impl ToRecord {
    /// A message is at the destination.
    pub fn watermark(folder: FolderId, watermark: Watermark, counts: Counts) -> Self {
        let results = Results { watermarks: vec![(folder, watermark)], ..Results::default() };
        Self { results, counts: vec![(folder, counts)], progressed: true }
    }

    /// Messages could not be moved.
    pub fn error(folder: FolderId, error: ItemError) -> Self {
        let counts = Counts { errors: error.messages, ..Counts::default() };
        let results = Results { errors: vec![error], ..Results::default() };
        Self { results, counts: vec![(folder, counts)], progressed: false }
    }

    /// Something people should know, which changes no counter.
    pub fn notice(notice: Notice) -> Self {
        Self { results: Results { notices: vec![notice], ..Results::default() }, ..Self::default() }
    }
}

enum Message {
    Entry(Box<ToRecord>),
    Flush(oneshot::Sender<()>),
}

/// The lanes' end.
#[derive(Clone)]
pub struct Recorder {
    sender: mpsc::Sender<Message>,
    failed: CancellationToken,
    reason: Arc<Mutex<Option<JournalError>>>,
}

/// The committing end; run it beside the lanes. It ends when every [`Recorder`] is dropped.
pub struct Committer {
    receiver: mpsc::Receiver<Message>,
    journal: Arc<dyn Journal>,
    tally: Arc<PassStats>,
    clock: Arc<dyn Clock>,
    failed: CancellationToken,
    reason: Arc<Mutex<Option<JournalError>>>,
    on_progress: Box<dyn Fn() + Send + Sync>,
}

/// A recorder and its committer. `on_progress` is called after a commit that recorded a new message.
pub fn recorder(
    journal: Arc<dyn Journal>,
    tally: Arc<PassStats>,
    clock: Arc<dyn Clock>,
    on_progress: Box<dyn Fn() + Send + Sync>,
) -> (Recorder, Committer) {
    let (sender, receiver) = mpsc::channel(GROUP_ROWS);
    let (failed, reason) = (CancellationToken::new(), Arc::new(Mutex::new(None)));
    let recorder = Recorder { sender, failed: failed.clone(), reason: Arc::clone(&reason) };
    (recorder, Committer { receiver, journal, tally, clock, failed, reason, on_progress })
}

impl Recorder {
    /// Hands in results. Waits only while a full group is being committed.
    pub async fn add(&self, entry: ToRecord) {
        // A closed channel means that the committer failed, which `failed` tells.
        self.sender.send(Message::Entry(Box::new(entry))).await.ok();
    }

    /// Returns when everything handed in before is committed, or the store failed.
    pub async fn flush(&self) {
        let (done, wait) = oneshot::channel();
        if self.sender.send(Message::Flush(done)).await.is_ok() {
            // Dropped unanswered by a committer that failed, which `failed` tells.
            wait.await.ok();
        }
    }

    /// Fires when the store failed: nothing may be appended any more.
    pub fn failed(&self) -> &CancellationToken {
        &self.failed
    }

    /// Why the store failed.
    pub fn take_reason(&self) -> Option<JournalError> {
        self.reason.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Committer {
    /// Commits until all recorders are gone or the store fails.
    pub async fn run(mut self) {
        while let Some(first) = self.receiver.recv().await {
            let deadline = Instant::now() + GROUP_WAIT;
            let mut group = ToRecord::default();
            let mut flushed = Vec::new();
            let mut next = Some(first);
            while let Some(message) = next.take() {
                match message {
                    Message::Entry(entry) => merge(&mut group, *entry),
                    Message::Flush(done) => {
                        flushed.push(done);
                        break;
                    }
                }
                if group.results.len() >= GROUP_ROWS {
                    break;
                }
                next = timeout_at(deadline, self.receiver.recv()).await.unwrap_or_default();
            }
            if !self.commit(group).await {
                return;
            }
            flushed.into_iter().for_each(|done| done.send(()).unwrap_or_default());
        }
    }

    async fn commit(&self, mut group: ToRecord) -> bool {
        let mut by_folder: BTreeMap<FolderId, Counts> = BTreeMap::new();
        for (folder, counts) in &group.counts {
            by_folder.entry(*folder).or_default().add(counts);
        }
        let moved = by_folder.iter().map(|(folder, counts)| (*folder, Moved::of(counts)));
        group.results.moved = moved.filter(|(_, moved)| *moved != Moved::default()).collect();
        if !group.results.is_empty()
            && let Err(error) = self.journal.record(group.results).await
        {
            tracing::error!(%error, "recording results failed; nothing more is appended");
            *self.reason.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            self.failed.cancel();
            return false;
        }
        for (folder, counts) in by_folder {
            self.tally.count(self.clock.now(), folder, |c| c.add(&counts));
        }
        if group.progressed {
            (self.on_progress)();
        }
        true
    }
}

fn merge(group: &mut ToRecord, entry: ToRecord) {
    group.results.watermarks.extend(entry.results.watermarks);
    group.results.rekeys.extend(entry.results.rekeys);
    group.results.flags.extend(entry.results.flags);
    group.results.places.extend(entry.results.places);
    group.results.errors.extend(entry.results.errors);
    group.results.notices.extend(entry.results.notices);
    group.counts.extend(entry.counts);
    group.progressed |= entry.progressed;
}
