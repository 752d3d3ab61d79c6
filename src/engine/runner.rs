//! Who does the work of a pass: the seam behind which the copier runs and, beside it with places of their own, those who only
//! order and watch what a remote service does.
//!
//! All news of a pass comes over one channel, in order: loaded, figures, its end.

use async_trait::async_trait;
use tokio::sync::mpsc;

use crate::domain::ids::{ItemId, PassId, ProjectId};
use crate::domain::progress::PassProgress;
use crate::pass::{PassEnd, Stops};

/// A kind of runner. Each has its own places in a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RunnerKind {
    /// Copies mail on this machine.
    Copier,
    /// Watches a remote service that does the work.
    Remote,
}

impl RunnerKind {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::Copier, Self::Remote];
}

/// A pass to run.
#[derive(Clone, Debug)]
pub struct Task {
    /// The item.
    pub item: ItemId,
    /// Its pass.
    pub pass: PassId,
    /// What an attempt of it had counted that a crash interrupted, and what is known of the source.
    pub before: PassProgress,
}

/// News of a pass.
#[derive(Debug)]
pub(super) enum Report {
    /// Everything it needs is loaded.
    Loaded,
    /// Its figures, and bytes of messages read so far, recorded or not.
    Figures(Box<PassProgress>, u64),
    /// How it ended.
    Ended(PassEnd),
}

/// News, and of which item's pass.
pub(super) type News = (ItemId, Report);

/// Where a runner reports about one pass.
#[derive(Clone)]
pub struct Reports {
    item: ItemId,
    sender: mpsc::Sender<News>,
}

impl Reports {
    pub(super) fn new(item: ItemId, sender: mpsc::Sender<News>) -> Self {
        Self { item, sender }
    }

    /// Everything is loaded: the item is Migrating.
    pub async fn loaded(&self) {
        self.send(Report::Loaded).await;
    }

    /// The figures as they are now. Those that find no room are made up for by the next ones.
    pub fn figures(&self, progress: PassProgress, bytes: u64) {
        self.sender.try_send((self.item, Report::Figures(Box::new(progress), bytes))).ok();
    }

    /// The last figures, which are not left out.
    pub async fn last_figures(&self, progress: PassProgress, bytes: u64) {
        self.send(Report::Figures(Box::new(progress), bytes)).await;
    }

    pub(super) async fn ended(&self, end: PassEnd) {
        self.send(Report::Ended(end)).await;
    }

    async fn send(&self, report: Report) {
        // A closed channel means that the dispatcher is gone, and soon this task.
        self.sender.send((self.item, report)).await.ok();
    }
}

/// Runs passes of one kind, many side by side.
#[async_trait]
pub trait Runner: Send + Sync {
    /// Runs a pass to its end.
    async fn run(&self, task: Task, reports: &Reports, stops: Stops) -> PassEnd;

    /// A person gave the word: what was refused to this project is tried again.
    fn try_again(&self, project: ProjectId);
}
