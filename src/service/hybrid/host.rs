//! Carries out what was ordered and watches moves for as long as a window is open, and tells it how hybrid projects are.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, Notify, watch};
use tokio_util::sync::CancellationToken;

use super::run::runner;
use super::view::{HybridViews, views};
use crate::engine::hybrid::ROUND_EVERY;
use crate::service::{OpenWorkspace, ServiceError};

/// How long what is on its way is heard out when the window leaves; an order whose answer is lost then is looked for later.
const HEAR_OUT: Duration = Duration::from_secs(3);

/// Watches hybrid projects beside an engine of this process, which has the workspace's lock.
pub(in crate::service) struct HybridHost {
    workspace: OpenWorkspace,
    views: watch::Sender<HybridViews>,
    wanted: Notify,
    over: CancellationToken,
    /// Held during a round.
    at_work: Mutex<()>,
}

impl HybridHost {
    pub fn new(workspace: OpenWorkspace) -> Self {
        let (views, wanted) = (watch::Sender::default(), Notify::new());
        Self { workspace, views, wanted, over: CancellationToken::new(), at_work: Mutex::default() }
    }

    /// How the projects are, and news of that.
    pub fn views(&self) -> watch::Receiver<HybridViews> {
        self.views.subscribe()
    }

    /// Something was ordered or changed: it is told, and the next round comes at once.
    pub async fn look(&self) {
        if let Err(error) = self.publish().await {
            tracing::warn!(%error, "hybrid projects cannot be read");
        }
        self.wanted.notify_one();
    }

    /// Rounds until the end. While the vault is locked nothing is asked of any service.
    pub async fn run(&self) {
        let runner = match runner(&self.workspace, None) {
            Ok(runner) => Some(runner),
            Err(error) => {
                tracing::error!(%error, "hybrid projects cannot be watched");
                None
            }
        };
        while !self.over.is_cancelled() {
            if let Some(runner) = runner.as_ref().filter(|_| self.workspace.vault.get_open().is_some()) {
                let _at_work = self.at_work.lock().await;
                runner.rounds(None, &self.over).await;
            }
            if let Err(error) = self.publish().await {
                tracing::warn!(%error, "hybrid projects cannot be read");
            }
            tokio::select! {
                () = self.over.cancelled() => return,
                () = self.wanted.notified() => {}
                () = tokio::time::sleep(ROUND_EVERY) => {}
            }
        }
    }

    /// No round begins any more; one that is under way is heard out, but not for ever.
    pub async fn end(&self) {
        self.over.cancel();
        if tokio::time::timeout(HEAR_OUT, self.at_work.lock()).await.is_err() {
            tracing::warn!("a round of a hybrid project is broken off");
        }
    }

    async fn publish(&self) -> Result<(), ServiceError> {
        let mut now = views(&self.workspace).await?;
        self.views.send_if_modified(|before| {
            for view in &mut now {
                if let Some(same) = before.iter().find(|other| **other == *view) {
                    *view = Arc::clone(same);
                }
            }
            let same = |(a, b): (&Arc<_>, &Arc<_>)| Arc::ptr_eq(a, b);
            let changed = now.len() != before.len() || !now.iter().zip(before.iter()).all(same);
            if changed {
                *before = now;
            }
            changed
        });
        Ok(())
    }
}
