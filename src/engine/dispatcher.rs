//! The dispatcher: one task that owns the run state.
//!
//! It takes in commands, workers' news and rows that other processes left in the database, asks the [`Board`] what
//! follows, and does it. Bounded: commands (64), snapshots (ten a second). It waits for the store only.

mod statuses;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{Id, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::domain::failure::{Cause, Failure, Retry, Scope};
use crate::domain::ids::{ItemId, PassId, ProjectId};
use crate::domain::pass::PassKind;
use crate::domain::star::Star;
use crate::domain::status::Status;
use crate::endpoint::Meter;
use crate::engine::authenticators::Authenticators;
use crate::engine::board::{Board, Effect, Event, Listed};
use crate::engine::command::{Command, Outcome};
use crate::engine::handle::Workspace;
use crate::engine::mailboxes;
use crate::engine::snapshot::{Builder, ItemRow, Snapshot};
use crate::engine::speed::Speed;
use crate::engine::worker::Worker;
use crate::pass::tally::Tally;
use crate::pass::{PassEnd, Stops};
use crate::store::{Census, StatusChange, StoreError, Submission};

/// Between two snapshots.
const SNAPSHOT_EVERY: Duration = Duration::from_millis(100);
/// Between two looks at what other processes want (D1).
const POLL_EVERY: Duration = Duration::from_millis(200);
/// How long answered commands of other processes are kept, in milliseconds.
const KEEP_COMMANDS: i64 = 24 * 60 * 60 * 1000;

/// What comes through the engine's handle.
pub(super) enum Request {
    Command(Command, oneshot::Sender<Outcome>),
    Close,
}

struct Run {
    stops: Stops,
    tally: Arc<Tally>,
    meter: Arc<Meter>,
    speed: Speed,
}

pub(super) struct Dispatcher {
    workspace: Workspace,
    inbox: mpsc::Receiver<Request>,
    publish: watch::Sender<Arc<Snapshot>>,
    elsewhere: watch::Sender<()>,
    census: HashMap<ProjectId, Census>,
    board: Board,
    authenticators: Authenticators,
    runs: HashMap<ItemId, Run>,
    workers: JoinSet<(ItemId, PassEnd)>,
    tasks: HashMap<Id, ItemId>,
    loaded: (mpsc::Sender<ItemId>, mpsc::Receiver<ItemId>),
    rows: Builder,
    /// Statuses that could not be written, oldest first: tried again until they are.
    unwritten: Vec<StatusChange>,
    closing: bool,
    orphaned: bool,
}

impl Dispatcher {
    pub fn new(
        workspace: Workspace,
        inbox: mpsc::Receiver<Request>,
        publish: watch::Sender<Arc<Snapshot>>,
        elsewhere: watch::Sender<()>,
    ) -> Self {
        Self {
            workspace,
            inbox,
            publish,
            elsewhere,
            census: HashMap::new(),
            board: Board::default(),
            authenticators: Authenticators::default(),
            runs: HashMap::new(),
            workers: JoinSet::new(),
            tasks: HashMap::new(),
            loaded: mpsc::channel(64),
            rows: Builder::default(),
            unwritten: Vec::new(),
            closing: false,
            orphaned: false,
        }
    }

    /// Runs until the handle is dropped, or until everything has ended after a close.
    pub async fn run(mut self) {
        let mut paint = interval(SNAPSHOT_EVERY);
        let mut poll = interval(POLL_EVERY);
        paint.set_missed_tick_behavior(MissedTickBehavior::Delay);
        poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                request = self.inbox.recv(), if !self.orphaned => match request {
                    Some(Request::Command(command, reply)) => {
                        let outcome = self.command(command).await;
                        // Whoever has the outcome finds it in the snapshot too.
                        self.paint();
                        // Nobody waiting for the outcome is no failure.
                        let _ = reply.send(outcome);
                    }
                    Some(Request::Close) => {
                        self.closing = true;
                        self.handle(Event::Close).await;
                    }
                    // The handle was dropped: without a close, so are the connections.
                    None if self.closing => self.orphaned = true,
                    None => return,
                },
                Some(item) = self.loaded.1.recv() => drop(self.handle(Event::Loaded(item)).await),
                Some(ended) = self.workers.join_next_with_id() => {
                    // News of loading that came before the end counts before it.
                    while let Ok(item) = self.loaded.1.try_recv() {
                        self.handle(Event::Loaded(item)).await;
                    }
                    self.ended(ended).await;
                    // An end is news at once: somebody may wait for nothing else.
                    self.paint();
                }
                _ = paint.tick() => self.paint(),
                _ = poll.tick() => self.poll().await,
            }
            if self.closing && self.workers.is_empty() && self.orphaned {
                // What ran may have been what filled the disk.
                self.write_down(Vec::new()).await;
                self.paint();
                return;
            }
        }
    }

    async fn command(&mut self, command: Command) -> Outcome {
        let project = match &command {
            Command::Open { project }
            | Command::Star { project, .. }
            | Command::Resume { project, .. }
            | Command::Start { project, .. }
            | Command::Stop { project, .. }
            | Command::Abort { project, .. } => *project,
        };
        // Only these can be about items that were imported meanwhile; the others must not wait for 100,000 rows (R10).
        let new = matches!(command, Command::Start { .. } | Command::Open { .. });
        if (new || !self.board.knows(project))
            && let Err(error) = self.load(project).await
        {
            return Outcome::failed(error.to_string());
        }
        match command {
            Command::Open { .. } => Outcome::default(),
            Command::Star { items, star, .. } => self.star(items, star).await,
            Command::Resume { items, .. } => self.handle(Event::Resume(items)).await,
            Command::Start { items, kind, .. } => match self.submit(items, kind).await {
                Ok(outcome) => outcome,
                Err(error) => Outcome::failed(error.to_string()),
            },
            Command::Stop { items, .. } => self.handle(Event::Stop(items)).await,
            Command::Abort { items, .. } => self.handle(Event::Abort(items)).await,
        }
    }

    async fn star(&mut self, items: Vec<ItemId>, star: Option<Star>) -> Outcome {
        if let Err(error) = self.workspace.store.set_star(items.clone(), star).await {
            return Outcome::failed(error.to_string());
        }
        for item in &items {
            if let Some(row) = self.rows.get(*item).cloned() {
                self.rows.put(ItemRow { star, ..row });
            }
        }
        Outcome { done: items, ..Outcome::default() }
    }

    /// Makes a project's items known, and its options as they are now.
    async fn load(&mut self, id: ProjectId) -> Result<(), StoreError> {
        let project = self.workspace.store.project(id).await?;
        let mut seats = Vec::new();
        let rows = self.workspace.store.items(id).await?;
        let newest = rows.last().map(|row| row.item.id);
        self.census.insert(id, Census { project: id, items: rows.len() as u64, newest });
        let mailboxes = mailboxes::of(&project, rows.iter().map(|row| row.item.clone()).collect()).await;
        for (row, mailboxes) in rows.into_iter().zip(mailboxes) {
            let status = row.status();
            let latest = row.latest.as_ref();
            seats.push(Listed { item: row.item.id, status, pass: latest.map(|pass| pass.id), mailboxes });
            if self.rows.get(row.item.id).is_none() {
                self.rows.put(ItemRow {
                    item: row.item.id,
                    project: id,
                    source: row.item.source.email.clone(),
                    destination: row.item.destination.email.clone(),
                    star: row.star,
                    status,
                    pass: latest.map(|pass| (pass.id, pass.kind, pass.attempt)),
                    submitted: latest.map(|pass| pass.submitted),
                    started: latest.and_then(|pass| pass.started),
                    ended: latest.and_then(|pass| pass.ended),
                    progress: latest.map(|pass| pass.progress.clone()).unwrap_or_default(),
                    speed: 0,
                    failure: latest.and_then(|pass| pass.failure.clone()).map(|ended| (ended.side, ended.failure)),
                });
            }
        }
        self.handle(Event::Load { project: id, items: seats, concurrent: project.options.concurrent }).await;
        Ok(())
    }

    async fn submit(&mut self, items: Vec<ItemId>, kind: PassKind) -> Result<Outcome, StoreError> {
        if !matches!(kind, PassKind::Full | PassKind::Verify) {
            return Ok(Outcome::failed(format!("this version does not run {} passes yet", kind.word())));
        }
        let outcome = self.board.startable(&items);
        if outcome.done.is_empty() {
            return Ok(outcome);
        }
        let at = self.workspace.clock.now();
        let submission = Submission { kind, status: Status::Submitted, schedule: None, at };
        let passes = self.workspace.store.submit(outcome.done.clone(), submission).await?;
        let passes: Vec<(ItemId, PassId)> = outcome.done.iter().copied().zip(passes).collect();
        for (item, pass) in &passes {
            if let Some(row) = self.rows.get(*item).cloned() {
                let fresh = ItemRow {
                    status: Status::Submitted,
                    pass: Some((*pass, kind, 1)),
                    submitted: Some(at),
                    started: None,
                    ended: None,
                    progress: Default::default(),
                    failure: None,
                    ..row
                };
                self.rows.put(fresh);
            }
        }
        self.handle(Event::Submitted(passes)).await;
        Ok(outcome)
    }

    async fn handle(&mut self, event: Event) -> Outcome {
        let (effects, outcome) = self.board.handle(event);
        // A word of a person may change 100,000 statuses: those in a row are written in one transaction.
        let mut statuses = Vec::new();
        for effect in effects {
            if !matches!(effect, Effect::Status(_)) {
                self.write(std::mem::take(&mut statuses)).await;
            }
            match effect {
                Effect::Status(change) => statuses.push(change),
                Effect::Spawn(item, pass) => self.spawn(item, pass),
                Effect::Stop(item) => {
                    if let Some(run) = self.runs.get(&item) {
                        run.stops.stop.cancel();
                    }
                }
                Effect::Abort(item) => {
                    if let Some(run) = self.runs.get(&item) {
                        run.stops.abort.cancel();
                    }
                }
                Effect::TryAgain(project) => self.authenticators.forget(project),
            }
        }
        self.write(statuses).await;
        outcome
    }

    fn spawn(&mut self, item: ItemId, pass: PassId) {
        let meter: Arc<Meter> = Arc::default();
        let tally = Tally::new(Arc::clone(&meter));
        if let Some(row) = self.rows.get(item) {
            // All zero, unless a crash interrupted this pass.
            tally.goes_on_from(row.progress.counts);
        }
        let stops = Stops::default();
        let worker = Worker {
            workspace: self.workspace.clone(),
            authenticators: self.authenticators.clone(),
            item,
            pass,
            tally: Arc::clone(&tally),
            meter: Arc::clone(&meter),
            stops: stops.clone(),
            loaded: self.loaded.0.clone(),
        };
        self.runs.insert(item, Run { stops, tally, meter, speed: Speed::new(Instant::now()) });
        let task = self.workers.spawn(async move { (item, worker.run().await) });
        self.tasks.insert(task.id(), item);
    }

    /// A worker ended, or panicked: one failed pass, not a dead program.
    async fn ended(&mut self, ended: Result<(Id, (ItemId, PassEnd)), tokio::task::JoinError>) {
        let (item, end) = match ended {
            Ok((id, (item, end))) => {
                self.tasks.remove(&id);
                (item, end)
            }
            Err(error) => {
                let Some(item) = self.tasks.remove(&error.id()) else { return };
                tracing::error!(%item, %error, "worker died");
                let failure = Failure::new(Cause::Internal, Scope::Mailbox, Retry::User, "running the pass");
                (item, PassEnd::Failed { side: None, failure: failure.saying("the worker ended unexpectedly") })
            }
        };
        self.refresh(item);
        self.runs.remove(&item);
        self.handle(Event::Ended(item, end)).await;
        if let Some(row) = self.rows.get(item).cloned() {
            self.rows.put(ItemRow { speed: 0, ..row });
        }
    }

    fn refresh(&mut self, item: ItemId) {
        let (Some(run), Some(row)) = (self.runs.get_mut(&item), self.rows.get(item).cloned()) else { return };
        let progress = run.tally.progress();
        let speed = run.speed.look(Instant::now(), run.meter.total(), progress.retry.is_some());
        self.rows.put(ItemRow { progress, speed, ..row });
    }

    fn paint(&mut self) {
        let running: Vec<ItemId> = self.runs.keys().copied().collect();
        running.into_iter().for_each(|item| self.refresh(item));
        if let Some(snapshot) = self.rows.take() {
            self.publish.send_replace(snapshot);
        }
    }

    fn forget(&mut self, project: ProjectId) {
        if self.board.forget(project) {
            self.rows.remove(project);
            self.census.remove(&project);
        }
    }

    /// Loads known projects again in which items came or went, and forgets those that were deleted.
    async fn look_elsewhere(&mut self) -> Result<(), StoreError> {
        let census = self.workspace.store.census().await?;
        let census: HashMap<ProjectId, Census> = census.into_iter().map(|of| (of.project, of)).collect();
        let known: Vec<ProjectId> = self.board.projects().collect();
        for project in known {
            match census.get(&project) {
                Some(now) if self.census.get(&project) == Some(now) => {}
                Some(now) => {
                    if self.census.get(&project).is_some_and(|before| now.items < before.items) {
                        self.forget(project);
                    }
                    if let Err(error) = self.load(project).await {
                        tracing::warn!(%project, %error, "items of another process not read");
                    }
                }
                None => self.forget(project),
            }
        }
        self.paint();
        self.elsewhere.send_replace(());
        Ok(())
    }

    /// Does what other processes ask for through the database, and takes in what they changed there (D1).
    async fn poll(&mut self) {
        self.write_down(Vec::new()).await;
        match self.workspace.store.changed_elsewhere().await {
            Ok(true) => {
                if let Err(error) = self.look_elsewhere().await {
                    tracing::warn!(%error, "changes of other processes not read");
                }
            }
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "changes of other processes not looked for"),
        }
        let now = self.workspace.clock.now();
        let commands = match self.workspace.store.take_commands(now).await {
            Ok(commands) => commands,
            Err(error) => {
                tracing::warn!(%error, "commands of other processes not read");
                return;
            }
        };
        for (id, payload) in commands {
            let outcome = match serde_json::from_str::<Command>(&payload) {
                Ok(command) => self.command(command).await,
                Err(error) => Outcome::failed(format!("this version does not know the command: {error}")),
            };
            let outcome = serde_json::to_string(&outcome).unwrap_or_else(|_| "{}".into());
            if let Err(error) = self.workspace.store.answer_command(id, outcome).await {
                tracing::warn!(%error, "outcome not written");
            }
            let _ = self.workspace.store.purge_commands(now - KEEP_COMMANDS).await;
        }
    }
}
