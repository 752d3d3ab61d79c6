//! Who answers a window: one task that takes its questions in order. Orders reach the engine in that order and are always
//! taken; what only reads or may take long is answered [`Beside`].

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use super::beside::Beside;
use super::opening::{self, Open};
use super::questions::Questions;
use super::replies::{Replies, Reply};
use super::{Answer, Ask, BackOffice, Command, NEWS, OPENING, Opened, Opening, Outcome, Ticket, Waker};
use crate::domain::ids::{ItemId, ProjectId};
use crate::domain::item::not_ready;
use crate::domain::pass::PassKind;
use crate::domain::shared_maildir::shared_maildirs;
use crate::engine::Engine;
use crate::engine::snapshot::Snapshot;
use crate::store::{Store, StoreError};

/// Between two states that a window is told of.
pub(super) const STATES_EVERY: Duration = Duration::from_millis(100);
/// Between two signs of life beside the workspace's lock.
const ALIVE_EVERY: Duration = Duration::from_secs(60);
/// Orders whose outcome is not told yet; a window that leaves more unread waits itself.
const ORDERS: usize = 128;

/// Opens the workspace and answers until the window has gone; then ends in order.
pub async fn run(opening: Opening, office: BackOffice, waker: Waker) {
    let BackOffice { mut asks, answers, snapshots } = office;
    let replies = Replies { answers, waker };
    let opening = Arc::new(opening);
    let Some((asked, open, mut opened)) = open(&opening, &mut asks, &replies).await else { return };
    let Open { store, vault, engine, resume, lock } = open;
    let known = load(&engine, &mut opened, resume).await;
    // The window that hears of the projects finds their items.
    snapshots.send_replace(Arc::clone(&engine.snapshots().borrow()));
    let mut relays = JoinSet::new();
    relays.spawn(relay(engine.snapshots(), snapshots, Arc::clone(&replies.waker)));
    replies.send(asked, Answer::Opened(Box::new(opened))).await;
    let mut alive = tokio::time::interval(ALIVE_EVERY);
    alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut elsewhere = engine.elsewhere();
    let questions = Questions { opening, store, vault, orders: engine.orders(), known: Arc::new(Mutex::new(known)) };
    let mut room = Room { engine, questions, replies, beside: Beside::new(), orders: JoinSet::new() };
    loop {
        tokio::select! {
            Some(()) = room.beside.ended() => {}
            Some(_) = room.orders.join_next() => {}
            _ = alive.tick() => {
                if let Err(error) = lock.alive(room.questions.opening.clock.now()) {
                    tracing::warn!(%error, "sign of life not written");
                }
            }
            Ok(()) = elsewhere.changed(), if room.orders.len() < ORDERS => room.look_elsewhere(),
            next = asks.recv(), if room.orders.len() < ORDERS => match next {
                Some((ticket, ask)) => room.take(ticket, ask).await,
                None => break,
            },
        }
    }
    // A person has left: whatever still hangs now, the next start is not one after a crash.
    lock.leave();
    let Room { engine, beside, mut orders, .. } = room;
    beside.give_up().await;
    engine.close().await;
    // What is to be remembered is written.
    while orders.join_next().await.is_some() {}
    relays.shutdown().await;
    // The lock goes last: nobody else may open the workspace before the engine has ended.
    drop(lock);
}

/// Opens the workspace, as often as it is asked for; none when the window has gone.
async fn open(
    opening: &Arc<Opening>,
    asks: &mut mpsc::Receiver<(Ticket, Ask)>,
    replies: &Replies,
) -> Option<(Ticket, Open, Opened)> {
    let mut asked = OPENING;
    loop {
        // A keyring may wait for a person who would rather leave.
        let opened = tokio::select! {
            opened = opening::open(opening) => opened,
            () = replies.gone() => return None,
        };
        match opened {
            Ok((open, opened)) => return Some((asked, open, opened)),
            Err(answer) => replies.send(asked, answer).await,
        }
        loop {
            match asks.recv().await? {
                (ticket, Ask::Reopen) => {
                    asked = ticket;
                    break;
                }
                (ticket, _) => replies.send(ticket, Answer::Refused("the workspace is not open".into())).await,
            }
        }
    }
}

/// Loads the items of all projects and lets go on what a crash interrupted; answers the projects that are known now.
async fn load(engine: &Engine, opened: &mut Opened, resume: BTreeMap<ProjectId, Vec<ItemId>>) -> HashSet<ProjectId> {
    let mut known = HashSet::new();
    for project in &opened.projects {
        match engine.command(Command::Open { project: project.id }).await.error {
            Some(error) => {
                opened.trouble.push(format!("the items of \"{}\" could not be read: {error}", project.name));
            }
            None => drop(known.insert(project.id)),
        }
    }
    for (project, items) in resume {
        let outcome = engine.command(Command::Resume { project, items }).await;
        opened.resumed += outcome.done.len();
        if let Some(error) = outcome.error {
            opened.trouble.push(format!("interrupted passes could not be resumed: {error}"));
        }
    }
    known
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

struct Room {
    engine: Engine,
    questions: Questions,
    replies: Replies,
    beside: Beside,
    /// What waits for the engine or the database only, and therefore ends.
    orders: JoinSet<()>,
}

impl Room {
    async fn take(&mut self, ticket: Ticket, ask: Ask) {
        let reply = self.replies.to(ticket);
        match ask {
            Ask::Do(command) => self.order(reply, command, Vec::new()).await,
            Ask::Start { project, items, kind } => match sort_out(&self.questions.store, project, items, kind).await {
                Ok((command, left)) => self.order(reply, command, left).await,
                Err(error) => reply.send_now(Answer::Refused(error)),
            },
            Ask::StopAll => reply.send_now(Answer::Done(self.engine.stop_all().await)),
            remember @ Ask::Remember(..) => {
                let work = self.questions.clone().answer(remember, reply.progress());
                self.orders.spawn(async move {
                    let answer = work.await;
                    reply.send(answer).await;
                });
            }
            preview @ Ask::Preview(..) => {
                let work = self.questions.clone().answer(preview, reply.progress());
                self.beside.preview(reply, work);
            }
            question => {
                let work = self.questions.clone().answer(question, reply.progress());
                self.beside.answer(reply, work);
            }
        }
    }

    /// Another process changed the workspace: projects that it made are loaded, and the window hears of all.
    fn look_elsewhere(&mut self) {
        let (questions, reply) = (self.questions.clone(), self.replies.to(NEWS));
        self.orders.spawn(async move {
            let answer = questions.news().await.unwrap_or_else(Answer::Refused);
            reply.send(answer).await;
        });
    }

    async fn order(&mut self, reply: Reply, command: Command, left: Vec<(ItemId, String)>) {
        let outcome = self.questions.orders.send(command).await;
        self.orders.spawn(async move {
            let mut outcome = outcome.await.unwrap_or_else(|_| Outcome::ended());
            outcome.left.extend(left);
            reply.send(Answer::Done(outcome)).await;
        });
    }
}

/// Leaves out what cannot start: an item that was deleted meanwhile, a side without a credential, a mailbox that would be
/// copied into itself, two people's mail in one Maildir.
async fn sort_out(
    store: &Store,
    id: ProjectId,
    items: Vec<ItemId>,
    kind: PassKind,
) -> Result<(Command, Vec<(ItemId, String)>), String> {
    let read = async {
        let admins = store.project_credentials(id).await?;
        Ok::<_, StoreError>((store.project(id).await?, admins, store.items(id).await?))
    };
    let (project, admins, rows) = read.await.map_err(|error| error.to_string())?;
    let admins = (admins.0.is_some(), admins.1.is_some());
    let mut chosen: HashSet<ItemId> = items.into_iter().collect();
    let shared = shared_maildirs(&project, rows.iter().map(|row| row.item.as_named()));
    let (mut ready, mut left) = (Vec::new(), Vec::new());
    for row in &rows {
        if !chosen.remove(&row.item.id) {
            continue;
        }
        match not_ready(&project, admins, &row.item).or_else(|| shared.get(&row.item.id).cloned()) {
            // A status that refuses the Start is the better reason, and the engine's to give.
            Some(reason) if row.status().is_at_rest() => left.push((row.item.id, reason)),
            _ => ready.push(row.item.id),
        }
    }
    left.extend(chosen.into_iter().map(|gone| (gone, "the item was deleted meanwhile".to_owned())));
    Ok((Command::Start { project: id, items: ready, kind }, left))
}
