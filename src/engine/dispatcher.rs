//! The dispatcher: one task that owns the run state.
//!
//! It takes in commands, workers' news and rows that other processes left in the database, asks the [`RunState`] what
//! follows, and does it. Bounded: commands (64), snapshots (ten a second). It waits for the store only.

mod commands;
mod elsewhere;
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
use crate::domain::ids::{ItemId, ProjectId};
use crate::domain::progress::Phase;
use crate::domain::time::Timestamp;
use crate::domain::trace::PassTrace;
use crate::engine::command::{Command, CommandError, Outcome};
use crate::engine::run_state::{Effect, Event, RunState};
use crate::engine::runner::{News, Report, Reports, Runner, RunnerKind, Task};
use crate::engine::snapshot::{Builder, ItemRow, Snapshot};
use crate::engine::speed::RateMeter;
use crate::engine::traces::Traces;
use crate::engine::workspace::Workspace;
use crate::pass::{PassEnd, Stops};
use crate::store::{Census, StatusChange, StoreError};

/// Between two snapshots.
const SNAPSHOT_EVERY: Duration = Duration::from_millis(100);
/// Between two looks at what other processes want (D1).
const POLL_EVERY: Duration = Duration::from_millis(200);
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
    /// Those that there are.
    fn all(&self) -> impl Iterator<Item = &Arc<dyn Runner>> {
        RunnerKind::ALL.into_iter().filter_map(|kind| self.get(kind))
    }

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
    traces: Traces,
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
        let state = RunState::new(workspace.takes);
        Self {
            workspace,
            doors: Doors { inbox, publish, elsewhere },
            crew: Crew { runners, running: HashMap::new(), workers: JoinSet::new(), tell, news },
            census: HashMap::new(),
            state,
            rows: Builder::default(),
            traces: Traces::default(),
            unwritten: Vec::new(),
            life: Life::Held,
        }
    }

    /// What is seen of its passes.
    pub fn traces(&self) -> Traces {
        self.traces.clone()
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
                        reply.send(outcome).ok();
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
                    let before = self.rows.get(item).map(|row| row.progress.clone()).unwrap_or_default();
                    self.spawn(Task { item, pass, before }, kind);
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
                    self.crew.runners.all().for_each(|runner| runner.try_again(project));
                }
            }
        }
        self.write(statuses).await;
        outcome
    }

    fn spawn(&mut self, task: Task, kind: RunnerKind) {
        let (item, stops) = (task.item, Stops::default());
        self.traces.begin(item, PassTrace::new(task.pass, self.workspace.clock.now(), &task.before));
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
                let reached = progress.phase > Phase::Connecting && progress.retry.is_none();
                if let (Some(run), Some(row)) = (self.crew.running.get_mut(&item), self.rows.get(item).cloned()) {
                    run.bytes = bytes;
                    self.rows.put(ItemRow { progress: *progress, ..row });
                }
                if reached && self.state.awaits(item) {
                    self.handle(Event::Reached(item)).await;
                }
            }
            Report::Ended(end) => {
                if matches!(end, PassEnd::Failed { .. }) {
                    tracing::info!(%item, ?end, "pass ended");
                }
                let run = self.crew.running.remove(&item);
                if let (Some(run), Some(row)) = (run, self.rows.get(item)) {
                    self.traces.end(item, self.workspace.clock.now(), &row.progress, run.bytes);
                }
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
        let now = self.workspace.clock.now();
        for (item, run) in &mut self.crew.running {
            if let Some(row) = self.rows.get(*item).cloned() {
                self.traces.look(*item, now, &row.progress, run.bytes);
                let speed = run.speed.look(Instant::now(), run.bytes, row.progress.retry.is_some());
                self.rows.put(ItemRow { speed, ..row });
            }
        }
        self.rows.set_outages(self.state.outages().collect());
        if let Some(snapshot) = self.rows.take() {
            self.doors.publish.send_replace(snapshot);
        }
    }
}
