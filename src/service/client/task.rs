//! The service task: it takes a window's requests in order. Orders reach the engine in that order and are always
//! taken; what only reads or may take long is answered by the [`RequestPool`].

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use super::answers::Answers;
use super::pool::RequestPool;
use super::reply::{Replies, Reply, STATES_EVERY};
use super::{NEWS, OPENING, Request, RequestId, Response, ServiceEnd, Waker};
use crate::domain::ids::{ItemId, ProjectId};
use crate::engine::command::{Command, CommandError, Outcome};
use crate::engine::snapshot::Snapshot;
use crate::platform::PlatformError;
use crate::service::asking::AskingHost;
use crate::service::front;
use crate::service::hybrid::HybridHost;
use crate::service::opening::{self, Opened, Trouble, WorkspaceInfo};
use crate::service::start::{Readiness, StartReport, StartRequest, WaitingRule, admit, readiness};
use crate::service::{OpenOptions, RunningEngine, ServiceError};

/// Between two signs of life beside the workspace's lock.
const ALIVE_EVERY: Duration = Duration::from_secs(60);
/// Orders whose outcome is not told yet; a window that leaves more unread waits itself.
const ORDERS: usize = 128;

/// Opens the workspace and answers until the window has gone; then ends in order.
pub async fn run(options: OpenOptions, end: ServiceEnd, waker: Waker) {
    let ServiceEnd { mut requests, responses, snapshots } = end;
    let replies = Replies { responses, waker };
    let Some((asked, opened)) = open(&Arc::new(options), &mut requests, &replies).await else { return };
    let Opened { workspace, engine, resume, mut info } = opened;
    let known = load(&engine, &mut info, resume).await;
    // The window that hears of the projects finds their items.
    snapshots.send_replace(Arc::clone(&engine.snapshots().borrow()));
    let mut relays = JoinSet::new();
    relays.spawn(relay(engine.snapshots(), snapshots, Arc::clone(&replies.waker)));
    replies.send(asked, Response::Opened(Box::new(info))).await;
    let asking = Arc::new(AskingHost::new(workspace.clone(), engine.orders()));
    let mut askers = ask_owners(&asking, &replies);
    let hybrid = Arc::new(HybridHost::new(workspace.clone()));
    let mut watchers = watch_hybrid(&hybrid, &replies);
    let known = Arc::new(Mutex::new(known));
    let (orders, traces) = (engine.orders(), engine.traces());
    let answers = Answers { workspace, orders, known, asking, hybrid, traces };
    let mut task = ServiceTask { engine, answers, replies, pool: RequestPool::new(), orders: JoinSet::new() };
    task.serve(&mut requests).await;
    // A person has left: whatever still hangs now, the next start is not one after a crash.
    let ServiceTask { engine, answers, pool, mut orders, .. } = task;
    engine.leave();
    pool.give_up().await;
    askers.shutdown().await;
    answers.asking.end().await;
    answers.hybrid.end().await;
    watchers.shutdown().await;
    let lock = engine.stop().await;
    // What is to be remembered is written.
    while orders.join_next().await.is_some() {}
    relays.shutdown().await;
    // The lock goes last: nobody else may open the workspace before the engine has ended.
    drop(lock);
}

/// Opens the workspace, as often as it is asked for; none when the window has gone.
async fn open(
    options: &Arc<OpenOptions>,
    requests: &mut mpsc::Receiver<(RequestId, Request)>,
    replies: &Replies,
) -> Option<(RequestId, Opened)> {
    let mut asked = OPENING;
    loop {
        // A keyring may wait for a person who would rather leave.
        let opened = tokio::select! {
            opened = opening::open(options) => opened,
            () = replies.gone() => return None,
        };
        match opened {
            Ok(opened) => return Some((asked, opened)),
            Err(ServiceError::Platform(PlatformError::InUse(owner))) => {
                replies.send(asked, Response::InUse(owner)).await;
            }
            Err(error) => replies.send(asked, Response::NotOpened(error)).await,
        }
        loop {
            match requests.recv().await? {
                (id, Request::Reopen) => {
                    asked = id;
                    break;
                }
                (id, _) => replies.send(id, Response::Refused(ServiceError::NotOpen)).await,
            }
        }
    }
}

/// Loads the items of all projects and lets go on what a crash interrupted; answers the projects that are known now.
async fn load(
    engine: &RunningEngine,
    info: &mut WorkspaceInfo,
    resume: BTreeMap<ProjectId, Vec<ItemId>>,
) -> HashSet<ProjectId> {
    let mut known = HashSet::new();
    for project in &info.projects {
        match engine.command(Command::Open { project: project.id }).await.error {
            Some(why) => info.trouble.push(Trouble::ItemsNotRead { project: project.name.clone(), why }),
            None => drop(known.insert(project.id)),
        }
    }
    for (project, items) in resume {
        let outcome = engine.command(Command::Resume { project, items }).await;
        info.resumed += outcome.done.len();
        info.trouble.extend(outcome.error.map(Trouble::NotResumed));
    }
    known
}

/// Asks owners, and tells whether they are asked.
fn ask_owners(asking: &Arc<AskingHost>, replies: &Replies) -> JoinSet<()> {
    let mut askers = JoinSet::new();
    let (host, replies, mut states) = (Arc::clone(asking), replies.clone(), asking.states());
    askers.spawn(async move { host.run().await });
    askers.spawn(async move {
        while states.changed().await.is_ok() {
            let state = states.borrow_and_update().clone();
            replies.send(NEWS, Response::Asking(state)).await;
        }
    });
    askers
}

/// Carries out what was ordered in hybrid projects, and tells how they are.
fn watch_hybrid(hybrid: &Arc<HybridHost>, replies: &Replies) -> JoinSet<()> {
    let mut watchers = JoinSet::new();
    let (host, replies, mut views) = (Arc::clone(hybrid), replies.clone(), hybrid.views());
    watchers.spawn(async move { host.run().await });
    watchers.spawn(async move {
        while views.changed().await.is_ok() {
            let now = views.borrow_and_update().clone();
            replies.send(NEWS, Response::HybridViews(now)).await;
        }
    });
    watchers
}

/// Passes states on, at most ten a second, until the engine ends; the window sees that by its end of the channel.
async fn relay(mut from: watch::Receiver<Arc<Snapshot>>, to: watch::Sender<Arc<Snapshot>>, waker: Waker) {
    while from.changed().await.is_ok() {
        let snapshot = from.borrow_and_update().clone();
        to.send_replace(snapshot);
        waker();
        tokio::time::sleep(STATES_EVERY).await;
    }
    drop(to);
    waker();
}

struct ServiceTask {
    engine: RunningEngine,
    answers: Answers,
    replies: Replies,
    pool: RequestPool,
    /// What waits for the engine or the database only, and therefore ends.
    orders: JoinSet<()>,
}

impl ServiceTask {
    /// Takes requests until the window has gone.
    async fn serve(&mut self, requests: &mut mpsc::Receiver<(RequestId, Request)>) {
        let mut alive = tokio::time::interval(ALIVE_EVERY);
        alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut elsewhere = self.engine.elsewhere();
        loop {
            tokio::select! {
                Some(()) = self.pool.ended() => {}
                Some(_) = self.orders.join_next() => {}
                _ = alive.tick() => {
                    if let Err(error) = self.engine.say_alive(self.answers.workspace.now()) {
                        tracing::warn!(%error, "sign of life not written");
                    }
                }
                Ok(()) = elsewhere.changed(), if self.orders.len() < ORDERS => self.reload_external(),
                next = requests.recv(), if self.orders.len() < ORDERS => match next {
                    Some((id, request)) => self.take(id, request).await,
                    None => return,
                },
            }
        }
    }

    async fn take(&mut self, id: RequestId, request: Request) {
        let reply = self.replies.to(id);
        match request {
            Request::Start(request) => self.start(reply, *request).await,
            Request::Command(command) => self.order(reply, command).await,
            Request::StopAll => reply.send_now(Response::Done(self.engine.stop_all().await)),
            remember @ Request::Remember(..) => {
                let work = self.answers.clone().answer(remember, reply.progress());
                self.orders.spawn(async move {
                    let response = work.await;
                    reply.send(response).await;
                });
            }
            preview @ Request::Preview(..) => {
                let work = self.answers.clone().answer(preview, reply.progress());
                self.pool.preview(reply, work);
            }
            question => {
                let work = self.answers.clone().answer(question, reply.progress());
                self.pool.answer(reply, work);
            }
        }
    }

    /// Another process changed the workspace: projects that it made are loaded, and the window hears of all.
    fn reload_external(&mut self) {
        let (answers, replies, reply) = (self.answers.clone(), self.replies.clone(), self.replies.to(NEWS));
        self.orders.spawn(async move {
            if let Ok(true) = front::is_asked(&answers.workspace).await {
                replies.send(NEWS, Response::Front).await;
            }
            let response = answers.news().await.unwrap_or_else(Response::Refused);
            reply.send(response).await;
        });
    }

    async fn start(&mut self, reply: Reply, request: StartRequest) {
        match readiness(&self.answers.workspace, &request, WaitingRule::Refuses).await {
            Ok(ready) if !ready.mails.is_empty() => self.start_by_mail(reply, request, ready),
            Ok(Readiness { ready, lacking, not_ready, .. }) => {
                let StartRequest { project, order, .. } = request;
                let command = Command::Start { project, items: ready, lacking, order };
                self.give(reply, command, move |outcome| Response::Started(StartReport { outcome, not_ready })).await;
            }
            Err(error) => reply.send_now(Response::Refused(error)),
        }
    }

    /// The web is asked first whether owners reach the form, and meanwhile other orders have their turn.
    fn start_by_mail(&mut self, reply: Reply, request: StartRequest, readiness: Readiness) {
        let (workspace, orders) = (self.answers.workspace.clone(), self.answers.orders.clone());
        let asking = Arc::clone(&self.answers.asking);
        self.orders.spawn(async move {
            asking.look().await;
            if let Err(why) = admit(&workspace, &readiness).await {
                return reply.send(Response::Refused(why)).await;
            }
            let Readiness { ready, lacking, not_ready, .. } = readiness;
            let StartRequest { project, order, .. } = request;
            let outcome = orders.send(Command::Start { project, items: ready, lacking, order }).await.await;
            let outcome = outcome.unwrap_or_else(|_| Outcome::failed(CommandError::Ended));
            reply.send(Response::Started(StartReport { outcome, not_ready })).await;
        });
    }

    async fn order(&mut self, reply: Reply, command: Command) {
        self.give(reply, command, Response::Done).await;
    }

    /// Gives a command in its turn; its outcome is answered when it comes.
    async fn give(&mut self, reply: Reply, command: Command, told: impl FnOnce(Outcome) -> Response + Send + 'static) {
        let outcome = self.answers.orders.send(command).await;
        self.orders.spawn(async move {
            let outcome = outcome.await.unwrap_or_else(|_| Outcome::failed(CommandError::Ended));
            reply.send(told(outcome)).await;
        });
    }
}
