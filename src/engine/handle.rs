//! The engine as other rooms hold it: commands go in, outcomes and snapshots come out.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{AbortHandle, JoinSet};

use crate::engine::command::{Command, CommandError, Outcome};
use crate::engine::copier::Copier;
use crate::engine::dispatcher::{Dispatcher, Input, Runners};
use crate::engine::snapshot::Snapshot;
use crate::engine::traces::Traces;
use crate::engine::workspace::Workspace;
use crate::store::Store;

/// Gives commands; outcomes are waited for by whoever wants them. Does not keep the engine from ending.
#[derive(Clone)]
pub struct Orders(mpsc::WeakSender<Input>);

impl Orders {
    /// Gives a command; it is in the queue when this returns. The receiver fails when the engine has ended.
    pub async fn send(&self, command: Command) -> oneshot::Receiver<Outcome> {
        let (reply, outcome) = oneshot::channel();
        // An engine that has ended drops the reply, which is the answer.
        if let Some(requests) = self.0.upgrade() {
            requests.send(Input::Command(command, reply)).await.ok();
        }
        outcome
    }

    /// Starts nothing new and tells what runs to stop, as [`Engine::stop_all`].
    pub async fn stop_all(&self) {
        // One that has ended has nothing to stop.
        if let Some(requests) = self.0.upgrade() {
            requests.send(Input::Close).await.ok();
        }
    }
}

/// A running engine. Dropping it drops every connection; [`Engine::close`] ends in order.
pub struct Engine {
    requests: mpsc::Sender<Input>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    elsewhere: watch::Receiver<()>,
    traces: Traces,
    tasks: JoinSet<()>,
    purging: AbortHandle,
}

impl Engine {
    /// Starts an engine on the current tokio runtime. The caller holds the workspace's lock (D1).
    pub fn start(workspace: Workspace) -> Self {
        let copier = Arc::new(Copier::new(workspace.clone()));
        Self::start_with(workspace, Runners { copier, remote: None })
    }

    fn start_with(workspace: Workspace, runners: Runners) -> Self {
        let (requests, inbox) = mpsc::channel(64);
        let (publish, snapshots) = watch::channel(Arc::default());
        let mut tasks = JoinSet::new();
        let purging = tasks.spawn(purge(workspace.store.clone()));
        let (tell, elsewhere) = watch::channel(());
        let dispatcher = Dispatcher::new(workspace, runners, inbox, publish, tell);
        let traces = dispatcher.traces();
        tasks.spawn(dispatcher.run());
        Self { requests, snapshots, elsewhere, traces, tasks, purging }
    }

    /// Gives a command and waits for its outcome.
    pub async fn command(&self, command: Command) -> Outcome {
        let (reply, outcome) = oneshot::channel();
        if self.requests.send(Input::Command(command, reply)).await.is_err() {
            return Outcome::failed(CommandError::Ended);
        }
        outcome.await.unwrap_or_else(|_| Outcome::failed(CommandError::Ended))
    }

    /// A way to give commands in order without waiting for their outcomes.
    pub fn orders(&self) -> Orders {
        Orders(self.requests.downgrade())
    }

    /// The latest state, and news of later ones; at most ten a second.
    pub fn snapshots(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.snapshots.clone()
    }

    /// News that another process changed the workspace: items of known projects are in the state by then, projects that it
    /// made are not known yet.
    pub fn elsewhere(&self) -> watch::Receiver<()> {
        self.elsewhere.clone()
    }

    /// What was seen of passes that run or ran here; kept when the engine has ended.
    pub fn traces(&self) -> Traces {
        self.traces.clone()
    }

    /// Starts nothing new and tells what runs to stop. Returns at once, with an error if the engine has ended by itself.
    pub async fn stop_all(&self) -> Outcome {
        match self.requests.send(Input::Close).await {
            Ok(()) => Outcome::default(),
            Err(_) => Outcome::failed(CommandError::Ended),
        }
    }

    /// Starts nothing new, tells what runs to stop, and returns when all of it has ended.
    pub async fn close(mut self) {
        // What it has not done is done the next time.
        self.purging.abort();
        if self.requests.send(Input::Close).await.is_ok() {
            drop(self.requests);
            while self.tasks.join_next().await.is_some() {}
        }
    }
}

/// Removes rows of what was deleted, where a deletion was broken off: beside everything else, a bounded piece at a time.
async fn purge(store: Store) {
    loop {
        match store.purge().await {
            Ok(true) => tokio::task::yield_now().await,
            Ok(false) => return,
            Err(error) => return tracing::warn!(%error, "deleted rows not purged"),
        }
    }
}

#[cfg(test)]
mod licenses;

#[cfg(test)]
mod tests {
    use crate::domain::start_order::StartOrder;
    use async_trait::async_trait;

    use super::*;
    use crate::domain::failure::Cause;
    use crate::domain::ids::ProjectId;
    use crate::domain::pass::PassKind;
    use crate::domain::pass_plan::PassPlan;
    use crate::domain::project::Options;
    use crate::domain::server::Server;
    use crate::domain::status::{Status, Wait};
    use crate::domain::time::Timestamp;

    use crate::engine::runner::{Reports, Runner, Task};
    use crate::pass::{PassEnd, Stops};

    use crate::store::{self, NewItem};

    struct Panics;

    #[async_trait]
    impl Runner for Panics {
        async fn run(&self, _: Task, reports: &Reports, _: Stops) -> PassEnd {
            reports.loaded().await;
            panic!("on purpose")
        }

        fn try_again(&self, _: ProjectId) {}
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_runner_that_panics_is_a_failed_pass_and_the_next_one_runs() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), Timestamp::from_millis(1)).unwrap();
        let server = || Server::parse_url("maildir:/nowhere/{email}").unwrap();
        let options = Options { concurrent: 1, ..Options::default() };
        let project = store.create_project("p".into(), [server(), server()], options, [None; 2]).await.unwrap();
        let new = |name: &str| NewItem {
            source_email: format!("{name}@a.example"),
            destination_email: format!("{name}@b.example"),
            ..NewItem::default()
        };
        let items = store.import_items(project, vec![new("a"), new("b")]).await.unwrap();
        let items: Vec<_> = items.iter().map(|item| item.id).collect();
        let workspace = Workspace::bare(store, folder.path());
        let engine = Engine::start_with(workspace, Runners { copier: Arc::new(Panics), remote: None });
        let start = Command::Start {
            project,
            items: items.clone(),
            lacking: Vec::new(),
            order: StartOrder::now(PassKind::Full),
        };
        assert_eq!(engine.command(start).await.done, items);
        let mut snapshots = engine.snapshots();
        let all_failed = |snapshot: &Arc<Snapshot>| {
            snapshot.rows().count() == 2 && snapshot.rows().all(|row| row.status == Status::Failed)
        };
        let snapshot = snapshots.wait_for(all_failed).await.unwrap().clone();
        let causes = snapshot.rows().filter_map(|row| Some(row.failure.as_ref()?.1.cause));
        assert_eq!(causes.collect::<Vec<_>>(), [Cause::Internal; 2]);
        engine.close().await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_an_edit_dropped_just_before_a_start_counts_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), Timestamp::from_millis(1)).unwrap();
        let server = || Server::parse_url("maildir:/nowhere/{email}").unwrap();
        let project =
            store.create_project("p".into(), [server(), server()], Options::default(), [None; 2]).await.unwrap();
        let (source_email, destination_email) = ("a@a.example".into(), "a@b.example".into());
        let new = NewItem { source_email, destination_email, ..NewItem::default() };
        let item = store.import_items(project, vec![new]).await.unwrap()[0].id;
        let submission =
            store::Submission { kind: PassKind::Full, wait: Wait::None, schedule: None, at: Timestamp::from_millis(2) };
        store.submit(vec![(item, PassPlan::FULL)], submission).await.unwrap();
        let database = rusqlite::Connection::open(store.path()).unwrap();
        database.execute_batch("UPDATE pass SET status = 'stopped', copied = 3, bytes = 9").unwrap();
        let workspace = Workspace::bare(store.clone(), folder.path());
        let engine = Engine::start_with(workspace, Runners { copier: Arc::new(Panics), remote: None });
        engine.command(Command::Hold { project, held: true }).await;
        let moved = || engine.snapshots().borrow().row(0).unwrap().moved().messages;
        assert_eq!(moved(), 3);
        store.reset(vec![item], Timestamp::from_millis(3)).await.unwrap();
        let order = StartOrder::now(PassKind::Full);
        let start = Command::Start { project, items: vec![item], lacking: Vec::new(), order };
        assert_eq!(engine.command(start).await.done, [item]);
        assert_eq!((moved(), store.item(item).await.unwrap().moved().messages), (0, 0));
        engine.close().await;
    }
}
