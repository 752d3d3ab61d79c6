//! The one place where an engine is put together: over a workspace that this process has taken.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::{OpenWorkspace, ServiceError, awake, end_notices};
use crate::domain::time::Timestamp;
use crate::endpoint::budget::Budget;
use crate::engine::command::{Command, Outcome};
use crate::engine::snapshot::Snapshot;
use crate::engine::{Engine, MESSAGE_MEMORY, Orders, Takes, Traces, Workspace};
use crate::platform::PlatformError;
use crate::platform::lock::{LockSight, WorkspaceLock};
use crate::vault::Vault;

/// A running engine and the workspace's lock, which goes after it. Dropping both drops every connection;
/// [`RunningEngine::close`] ends in order.
pub struct RunningEngine {
    engine: Engine,
    /// Keeps the computer awake while passes run.
    awake: JoinSet<()>,
    /// Tells by mail how passes end.
    telling: JoinSet<()>,
    /// Sees that the workspace is still this process'.
    guarding: JoinSet<()>,
    taken_away: watch::Receiver<bool>,
    over: CancellationToken,
    lock: WorkspaceLock,
}

/// Between two looks at the lock.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Waits until the lock is not the workspace's any more, then has everything stop: another process may begin.
async fn guard(sight: LockSight, orders: Orders, taken_away: watch::Sender<bool>) {
    let mut looks = tokio::time::interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while sight.is_whole() {
        looks.tick().await;
    }
    tracing::error!("workspace.lock was taken away: everything stops");
    taken_away.send_replace(true);
    orders.stop_all().await;
}

impl RunningEngine {
    /// Starts an engine on the current tokio runtime. What a crash left counts as taken care of from then on, and not if
    /// this fails (D3).
    ///
    /// # Errors
    /// The workspace's own folders cannot be made.
    pub fn start(workspace: &OpenWorkspace, lock: WorkspaceLock, takes: Takes) -> Result<Self, ServiceError> {
        let mut running = Self::assemble(workspace, lock, takes)?;
        running.lock.settle();
        running.awake.spawn(awake::keep(workspace.clone(), running.snapshots()));
        running.telling.spawn(end_notices::keep(workspace.clone(), running.over.clone()));
        Ok(running)
    }

    /// An engine in which nothing starts, for commands only. The mark of a crash stays for whoever resumes what it left (D3).
    ///
    /// # Errors
    /// The workspace's own folders cannot be made.
    pub(super) async fn at_rest(workspace: &OpenWorkspace, lock: WorkspaceLock) -> Result<Self, ServiceError> {
        let running = Self::assemble(workspace, lock, Takes::Given)?;
        if running.lock.crashed().is_none() {
            // Whoever wants to run passes now waits for its end instead of asking it to.
            running.leave();
        }
        running.stop_all().await;
        Ok(running)
    }

    fn assemble(workspace: &OpenWorkspace, lock: WorkspaceLock, takes: Takes) -> Result<Self, ServiceError> {
        let engine = Engine::start(Workspace {
            store: workspace.store.clone(),
            vault: Arc::clone(&workspace.vault) as Arc<dyn Vault>,
            sign_ins: workspace.sign_ins.clone(),
            spool: lock.spool()?,
            numbers: lock.numbers()?,
            budget: Budget::new(MESSAGE_MEMORY),
            clock: Arc::clone(&workspace.options.clock),
            endpoints: Arc::clone(&workspace.options.endpoints),
            takes,
        });
        let (awake, telling, over) = (JoinSet::new(), JoinSet::new(), CancellationToken::new());
        let (mut guarding, (tell, taken_away)) = (JoinSet::new(), watch::channel(false));
        guarding.spawn(guard(lock.sight(), engine.orders(), tell));
        Ok(Self { engine, awake, telling, guarding, taken_away, over, lock })
    }

    /// Whether the workspace's lock was taken away: everything was told to stop then, unless it had just ended.
    pub fn was_taken_away(&self) -> bool {
        *self.taken_away.borrow() || !self.lock.sight().is_whole()
    }

    /// Gives a command and waits for its outcome.
    pub async fn command(&self, command: Command) -> Outcome {
        self.engine.command(command).await
    }

    /// The latest state, and news of later ones; at most ten a second.
    pub fn snapshots(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.engine.snapshots()
    }

    /// Starts nothing new and tells what runs to stop. Returns at once, with an error if the engine has ended by itself.
    pub async fn stop_all(&self) -> Outcome {
        self.engine.stop_all().await
    }

    /// Starts nothing new, tells what runs to stop, and gives the workspace back when all of it has ended.
    pub async fn close(self) {
        drop(self.stop().await);
    }

    /// The same, but the workspace is kept until its lock is dropped.
    pub(super) async fn stop(self) -> WorkspaceLock {
        let Self { engine, awake, mut telling, guarding, over, lock, .. } = self;
        drop(guarding);
        engine.close().await;
        drop(awake);
        over.cancel();
        while telling.join_next().await.is_some() {}
        lock
    }

    /// A way to give commands in order without waiting for their outcomes.
    pub fn orders(&self) -> Orders {
        self.engine.orders()
    }

    /// What was seen of passes that run or ran here.
    pub(super) fn traces(&self) -> Traces {
        self.engine.traces()
    }

    /// News that another process changed the workspace.
    pub(super) fn elsewhere(&self) -> watch::Receiver<()> {
        self.engine.elsewhere()
    }

    /// Says that this process is alive, so that a crash is known by its time (D3).
    pub(super) fn say_alive(&self, now: Timestamp) -> Result<(), PlatformError> {
        self.lock.alive(now)
    }

    /// The process ends in order from here on, however long that takes: what comes next is not a start after a crash.
    pub(super) fn leave(&self) {
        self.lock.leave();
    }
}
