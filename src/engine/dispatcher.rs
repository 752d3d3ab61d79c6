//! The dispatcher: one task that owns the run state.
//!
//! It takes in commands, workers' news and rows that other processes left in the database, asks the [`RunState`] what
//! follows, and does it. Bounded: commands (64), snapshots (ten a second). It waits for the store only.

mod statuses;

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::domain::failure::{Cause, Failure, Retry, Scope};
use crate::domain::ids::{ItemId, PassId, ProjectId};
use crate::domain::pass::PassKind;
use crate::domain::star::Star;
use crate::domain::status::Wait;
use crate::domain::time::Timestamp;
use crate::engine::command::{Command, CommandError, Outcome};
use crate::engine::handle::Workspace;
use crate::engine::mailboxes;
use crate::engine::run_state::{Effect, Event, KnownItem, RunState};
use crate::engine::runner::{News, Report, Reports, Runner, RunnerKind, Task};
use crate::engine::snapshot::{Builder, ItemRow, Snapshot};
use crate::engine::speed::RateMeter;
use crate::pass::{PassEnd, Stops};
use crate::store::{Census, StatusChange, StoreError, Submission};

/// Between two snapshots.
const SNAPSHOT_EVERY: Duration = Duration::from_millis(100);
/// Between two looks at what other processes want (D1).
const POLL_EVERY: Duration = Duration::from_millis(200);
/// How long answered commands of other processes are kept.
const KEEP_COMMANDS: Duration = Duration::from_secs(24 * 60 * 60);

/// News of passes on their way.
const REPORTS: usize = 256;

/// What comes through the engine's handle.
pub(super) enum Input {
    Command(Command, oneshot::Sender<Outcome>),
    Close,
}

struct RunningPass {
    stops: Stops,
    bytes: u64,
    speed: RateMeter,
}

/// Who works on passes.
pub(super) struct Runners {
    pub copier: Arc<dyn Runner>,
    /// None while no kind of project needs one.
    pub remote: Option<Arc<dyn Runner>>,
}

impl Runners {
    fn get(&self, kind: RunnerKind) -> Option<&Arc<dyn Runner>> {
        match kind {
            RunnerKind::Copier => Some(&self.copier),
            RunnerKind::Remote => self.remote.as_ref(),
        }
    }
}

/// What comes in from the engine's handle, and what goes out to whoever watches.
struct Doors {
    inbox: mpsc::Receiver<Input>,
    publish: watch::Sender<Arc<Snapshot>>,
    elsewhere: watch::Sender<()>,
}

/// Passes that run.
struct Crew {
    runners: Runners,
    running: HashMap<ItemId, RunningPass>,
    workers: JoinSet<()>,
    tell: mpsc::Sender<News>,
    news: mpsc::Receiver<News>,
}

/// Whether somebody still holds the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Held,
    /// It was told to close.
    Closing,
    /// And the handle has gone: it ends with the last pass.
    Orphaned,
}

pub(super) struct Dispatcher {
    workspace: Workspace,
    doors: Doors,
    crew: Crew,
    census: HashMap<ProjectId, Census>,
    state: RunState,
    rows: Builder,
    /// Statuses that could not be written, oldest first: tried again until they are.
    unwritten: Vec<StatusChange>,
    life: Life,
}

/// Returns when something scheduled is due; never, if nothing is.
async fn due(next: Option<Timestamp>, now: Timestamp) {
    match next {
        // The clock may be set meanwhile: it is asked again after a minute at the latest.
        Some(at) => tokio::time::sleep(at.since(now).min(Duration::from_secs(60))).await,
        None => std::future::pending().await,
    }
}

fn failed(error: &StoreError) -> Outcome {
    Outcome::failed(CommandError::Workspace(error.to_string()))
}

fn internal(text: &str) -> PassEnd {
    tracing::error!("{text}");
    let failure = Failure::new(Cause::Internal, Scope::Mailbox, Retry::User, "running the pass");
    PassEnd::Failed { side: None, failure: failure.saying(text) }
}

impl Dispatcher {
    pub fn new(
        workspace: Workspace,
        runners: Runners,
        inbox: mpsc::Receiver<Input>,
        publish: watch::Sender<Arc<Snapshot>>,
        elsewhere: watch::Sender<()>,
    ) -> Self {
        let (tell, news) = mpsc::channel(REPORTS);
        Self {
            workspace,
            doors: Doors { inbox, publish, elsewhere },
            crew: Crew { runners, running: HashMap::new(), workers: JoinSet::new(), tell, news },
            census: HashMap::new(),
            state: RunState::default(),
            rows: Builder::default(),
            unwritten: Vec::new(),
            life: Life::Held,
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
                request = self.doors.inbox.recv(), if self.life != Life::Orphaned => match request {
                    Some(Input::Command(command, reply)) => {
                        let outcome = self.command(command).await;
                        // Whoever has the outcome finds it in the snapshot too.
                        self.paint();
                        // Nobody waiting for the outcome is no failure.
                        let _ = reply.send(outcome);
                    }
                    Some(Input::Close) => {
                        self.life = Life::Closing;
                        self.handle(Event::Close).await;
                    }
                    // The handle was dropped: without a close, so are the connections.
                    None if self.life == Life::Closing => self.life = Life::Orphaned,
                    None => return,
                },
                Some((item, report)) = self.crew.news.recv() => self.report(item, report).await,
                // Its end was reported by itself.
                Some(_) = self.crew.workers.join_next() => {}
                () = due(self.state.next_due(), self.workspace.clock.now()) => drop(self.handle(Event::Tick).await),
                _ = paint.tick() => self.paint(),
                _ = poll.tick() => self.poll().await,
            }
            if self.life == Life::Orphaned && self.crew.running.is_empty() {
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
        if (new || !self.state.knows(project))
            && let Err(error) = self.load(project).await
        {
            return failed(&error);
        }
        match command {
            Command::Open { .. } => Outcome::default(),
            Command::Star { items, star, .. } => self.star(items, star).await,
            Command::Resume { items, .. } => self.handle(Event::Resume(items)).await,
            Command::Start { items, kind, .. } => match self.submit(items, kind).await {
                Ok(outcome) => outcome,
                Err(error) => failed(&error),
            },
            Command::Stop { items, .. } => self.handle(Event::Stop(items)).await,
            Command::Abort { items, .. } => self.handle(Event::Abort(items)).await,
        }
    }

    async fn star(&mut self, items: Vec<ItemId>, star: Option<Star>) -> Outcome {
        if let Err(error) = self.workspace.store.set_star(items.clone(), star).await {
            return failed(&error);
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
            let (pass, until) =
                (latest.map(|pass| pass.id), latest.and_then(|pass| pass.schedule.as_ref()).map(|s| s.at));
            let runner = RunnerKind::Copier;
            seats.push(KnownItem { item: row.item.id, status, pass, until, mailboxes, runner });
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
            return Ok(Outcome::failed(CommandError::NotBuilt(kind)));
        }
        // What the database does not know yet would be refused by it.
        self.write_down(Vec::new()).await;
        if !self.unwritten.is_empty() {
            return Ok(Outcome::failed(CommandError::NotWritten));
        }
        let wait = Wait::None;
        let outcome = self.state.startable(&items, wait);
        if outcome.done.is_empty() {
            return Ok(outcome);
        }
        let (at, status) = (self.workspace.clock.now(), wait.status());
        let submission = Submission { kind, status, schedule: None, at };
        let passes = self.workspace.store.submit(outcome.done.clone(), submission).await?;
        let passes: Vec<(ItemId, PassId)> = outcome.done.iter().copied().zip(passes).collect();
        for (item, pass) in &passes {
            if let Some(row) = self.rows.get(*item).cloned() {
                let fresh = ItemRow {
                    status,
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
        self.handle(Event::Submitted { passes, wait }).await;
        Ok(outcome)
    }

    async fn handle(&mut self, event: Event) -> Outcome {
        let (effects, outcome) = self.state.handle(self.workspace.clock.now(), event);
        // A word of a person may change 100,000 statuses: those in a row are written in one transaction.
        let mut statuses = Vec::new();
        for effect in effects {
            if !matches!(effect, Effect::Status(_)) {
                self.write(std::mem::take(&mut statuses)).await;
            }
            match effect {
                Effect::Status(change) => statuses.push(change),
                Effect::Spawn(item, pass, kind) => {
                    // All zero, unless a crash interrupted this pass.
                    let counted = self.rows.get(item).map(|row| row.progress.counts).unwrap_or_default();
                    self.spawn(Task { item, pass, counted }, kind);
                }
                Effect::Stop(item) => {
                    if let Some(run) = self.crew.running.get(&item) {
                        run.stops.stop.cancel();
                    }
                }
                Effect::Abort(item) => {
                    if let Some(run) = self.crew.running.get(&item) {
                        run.stops.abort.cancel();
                    }
                }
                Effect::TryAgain(project) => {
                    let runners = RunnerKind::ALL.into_iter().filter_map(|kind| self.crew.runners.get(kind));
                    runners.for_each(|runner| runner.try_again(project));
                }
            }
        }
        self.write(statuses).await;
        outcome
    }

    fn spawn(&mut self, task: Task, kind: RunnerKind) {
        let (item, stops) = (task.item, Stops::default());
        let reports = Reports::new(item, self.crew.tell.clone());
        self.crew
            .running
            .insert(item, RunningPass { stops: stops.clone(), bytes: 0, speed: RateMeter::new(Instant::now()) });
        let runner = self.crew.runners.get(kind).cloned();
        self.crew.workers.spawn(async move {
            let end = match runner {
                Some(runner) => AssertUnwindSafe(runner.run(task, &reports, stops)).catch_unwind().await,
                None => Ok(internal("nobody does this kind of work in this version")),
            };
            // A panic is one failed pass, not a dead program.
            reports.ended(end.unwrap_or_else(|_| internal("the worker ended unexpectedly"))).await;
        });
    }

    /// News of a pass.
    async fn report(&mut self, item: ItemId, report: Report) {
        match report {
            Report::Loaded => drop(self.handle(Event::Loaded(item)).await),
            Report::Figures(progress, bytes) => {
                if let (Some(run), Some(row)) = (self.crew.running.get_mut(&item), self.rows.get(item).cloned()) {
                    run.bytes = bytes;
                    self.rows.put(ItemRow { progress: *progress, ..row });
                }
            }
            Report::Ended(end) => {
                if matches!(end, PassEnd::Failed { .. }) {
                    tracing::info!(%item, ?end, "pass ended");
                }
                self.crew.running.remove(&item);
                self.handle(Event::Ended(item, end)).await;
                if let Some(row) = self.rows.get(item).cloned() {
                    self.rows.put(ItemRow { speed: 0, ..row });
                }
                // An end is news at once: somebody may wait for nothing else.
                self.paint();
            }
        }
    }

    fn paint(&mut self) {
        for (item, run) in &mut self.crew.running {
            if let Some(row) = self.rows.get(*item).cloned() {
                let speed = run.speed.look(Instant::now(), run.bytes, row.progress.retry.is_some());
                self.rows.put(ItemRow { speed, ..row });
            }
        }
        if let Some(snapshot) = self.rows.take() {
            self.doors.publish.send_replace(snapshot);
        }
    }

    fn forget(&mut self, project: ProjectId) {
        if self.state.forget(project) {
            self.rows.remove(project);
            self.census.remove(&project);
        }
    }

    /// Loads known projects again in which items came or went, and forgets those that were deleted.
    async fn look_elsewhere(&mut self) -> Result<(), StoreError> {
        let census = self.workspace.store.census().await?;
        let census: HashMap<ProjectId, Census> = census.into_iter().map(|of| (of.project, of)).collect();
        let known: Vec<ProjectId> = self.state.projects().collect();
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
        self.doors.elsewhere.send_replace(());
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
                Err(error) => Outcome::failed(CommandError::Unknown(error.to_string())),
            };
            let outcome = serde_json::to_string(&outcome).unwrap_or_else(|_| "{}".into());
            if let Err(error) = self.workspace.store.answer_command(id, outcome).await {
                tracing::warn!(%error, "outcome not written");
            }
            let _ = self.workspace.store.purge_commands(now.minus(KEEP_COMMANDS)).await;
        }
    }
}
