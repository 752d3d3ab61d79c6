//! The run state: which item is where, who runs, who is next. The dispatcher owns it and performs what it answers.
//!
//! [`RunState::handle`] is synchronous and touches nothing outside: the time and an event go in, effects come out, and
//! [`RunState::next_due`] tells when to ask again. Statuses change through the one transition function of the domain only.

mod event;
mod holds;
mod waiting;

use std::collections::{BTreeMap, BTreeSet};

pub use self::event::{Effect, Event, KnownItem, ProjectLimits, StatusMove};
use self::holds::Outage;
use self::waiting::{QueueId, WaitingItems};
use crate::domain::failure::{Failure, Side};
use crate::domain::ids::{ItemId, PassId, ProjectId};
use crate::domain::mailbox_key::Mailboxes;
use crate::domain::retry::LATE;
use crate::domain::start_order::Turn;
use crate::domain::status::{self, HoldReason, Refusal, Status, Wait};
use crate::domain::time::Timestamp;
use crate::engine::command::{LeftAlone, Outcome};
use crate::engine::runner::RunnerKind;
use crate::engine::workspace::Takes;
use crate::pass::PassEnd;

/// Items of one project that a remote service works on at once: it does the work, here they are only watched.
const REMOTE_AT_ONCE: u32 = 1000;

#[derive(Clone, Copy, Debug)]
struct ItemState {
    project: ProjectId,
    status: Status,
    pass: Option<PassId>,
    until: Option<Timestamp>,
    hold: Option<HoldReason>,
    mailboxes: Mailboxes,
    runner: RunnerKind,
    /// What it was given when its worker started.
    holds: Option<Mailboxes>,
}

impl ItemState {
    fn queue(&self) -> QueueId {
        (self.project, self.runner)
    }
}

#[derive(Debug, Default)]
struct ProjectQueue {
    limits: ProjectLimits,
    running: BTreeMap<RunnerKind, u32>,
    /// One of its servers cannot be reached.
    outage: Option<Outage>,
}

impl ProjectQueue {
    /// Whether one more may run.
    fn is_free(&self, runner: RunnerKind) -> bool {
        let most = match runner {
            RunnerKind::Copier => self.limits.concurrent,
            RunnerKind::Remote => REMOTE_AT_ONCE,
        };
        self.running.get(&runner).copied().unwrap_or(0) < most
    }

    /// What a submission waits for that nothing else keeps.
    fn wait(&self) -> Wait {
        if self.limits.held { Wait::Word(HoldReason::Switch) } else { Wait::None }
    }
}

/// The run state.
#[derive(Debug, Default)]
pub struct RunState {
    items: BTreeMap<ItemId, ItemState>,
    projects: BTreeMap<ProjectId, ProjectQueue>,
    /// Submitted, in order.
    waiting: WaitingItems,
    /// Scheduled, by their time.
    due: BTreeSet<(Timestamp, ItemId)>,
    closing: bool,
    takes: Takes,
    /// What it was told to start or to let go on.
    given: BTreeSet<ItemId>,
}

impl RunState {
    /// Nothing is known yet.
    pub fn new(takes: Takes) -> Self {
        Self { takes, ..Self::default() }
    }

    /// Whether an item goes on without anybody's word when its time comes, or when what held it is over.
    fn takes(&self, item: ItemId) -> bool {
        self.takes == Takes::All || self.given.contains(&item)
    }

    /// Whether a project's items are known.
    pub fn knows(&self, project: ProjectId) -> bool {
        self.projects.contains_key(&project)
    }

    /// Whether any of these items waits for a worker or has one.
    pub fn is_busy(&self) -> bool {
        self.projects.values().any(|queue| queue.running.values().any(|running| *running > 0))
            || (!self.closing && !self.waiting.is_empty())
    }

    /// An item's status.
    pub fn status(&self, item: ItemId) -> Option<Status> {
        self.items.get(&item).map(|item| item.status)
    }

    /// The projects of which a server cannot be reached, and when that is tried again; UTC epoch milliseconds.
    pub fn outages(&self) -> impl Iterator<Item = (ProjectId, Timestamp)> {
        self.projects.iter().filter_map(|(project, queue)| Some((*project, queue.outage.as_ref()?.next)))
    }

    /// How many items of a project may run.
    pub fn limits(&self, project: ProjectId) -> Option<ProjectLimits> {
        self.projects.get(&project).map(|queue| queue.limits)
    }

    /// Whether others wait for this item to get through to its servers.
    pub fn awaits(&self, item: ItemId) -> bool {
        self.items.get(&item).and_then(|item| self.projects.get(&item.project)).is_some_and(|p| p.outage.is_some())
    }

    /// What a submission to a project waits for.
    pub fn wait(&self, project: ProjectId, credentials: bool, until: Option<Timestamp>) -> Wait {
        let held = self.projects.get(&project).and_then(|queue| queue.wait().hold());
        Wait::first(credentials, held, until)
    }

    /// Which of these items may be started so; the others with the reason.
    pub fn startable(&self, items: &[ItemId], wait: Wait) -> Outcome {
        let start = status::Event::Start(wait);
        let mut outcome = Outcome::default();
        for item in items {
            match self.items.get(item).map(|item| item.status.after(start)) {
                Some(Ok(_)) => outcome.done.push(*item),
                Some(Err(refusal)) => outcome.left.push((*item, refusal.into())),
                None => outcome.left.push((*item, LeftAlone::Missing)),
            }
        }
        outcome
    }

    /// Forgets a project that was deleted; not while one of its items waits or runs.
    pub fn forget(&mut self, project: ProjectId) -> bool {
        let at_rest = |item: &ItemState| item.project != project || item.status.is_at_rest();
        let forgets = self.items.values().all(at_rest) && self.projects.remove(&project).is_some();
        if forgets {
            self.items.retain(|_, item| item.project != project);
            for runner in RunnerKind::ALL {
                self.waiting.drain((project, runner));
            }
        }
        forgets
    }

    /// The projects whose items are known.
    pub fn projects(&self) -> impl Iterator<Item = ProjectId> {
        self.projects.keys().copied()
    }

    /// When the next scheduled item or the next try of a server is due, UTC epoch milliseconds.
    pub fn next_due(&self) -> Option<Timestamp> {
        let scheduled = self.due.first().map(|(at, _)| *at);
        let tries = self.projects.values().filter_map(|queue| queue.outage.as_ref()?.due());
        scheduled.into_iter().chain(tries).min().filter(|_| !self.closing)
    }

    /// Takes in an event at this time (UTC epoch milliseconds) and answers what to do, and for what a person asked on which items
    /// it was done.
    pub fn handle(&mut self, now: Timestamp, event: Event) -> (Vec<Effect>, Outcome) {
        let mut effects = Vec::new();
        let mut outcome = Outcome::default();
        match event {
            Event::Load { project, items, limits } => self.load(now, project, items, limits),
            Event::Submitted { passes, wait, until, turn } => {
                self.submitted(passes, (wait, until, turn), &mut effects);
            }
            Event::Resume(items) => self.resume(now, &items, &mut outcome, &mut effects),
            Event::Loaded(item) => {
                self.change_if_it_may(item, status::Event::Loaded, None, &mut effects);
            }
            Event::Reached(item) => self.reached(item, &mut effects),
            Event::Ended(item, end) => self.ended(now, item, end, &mut effects),
            Event::Stop(items) => self.stop(&items, &mut outcome, &mut effects),
            Event::Withdraw(items) => self.withdraw(&items, &mut outcome, &mut effects),
            Event::Abort(items) => self.abort(&items, &mut outcome, &mut effects),
            Event::Limits(project, limits) => self.limit(project, limits, &mut effects),
            Event::TryNow(project) => self.try_now(now, project),
            Event::Next(items) => self.next(&items, &mut outcome),
            Event::CredentialsCame(items) => self.credentials_came(now, &items, &mut outcome, &mut effects),
            Event::CredentialsRefused(item, side, failure) => {
                self.credentials_refused(item, (side, failure), &mut outcome, &mut effects);
            }
            Event::Reset(items) => self.reset(&items),
            Event::Deleted(items) => self.deleted(&items),
            Event::Tick => {}
            Event::Close => self.close(&mut outcome, &mut effects),
        }
        self.take_due(now, &mut effects);
        self.probe(now, &mut effects);
        self.schedule(&mut effects);
        (effects, outcome)
    }

    /// Scheduled items whose time came stand in their queues, in the order of their times. What comes too late is held, because
    /// nobody may be there any more who wanted it then (D16).
    fn take_due(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        while let Some((at, item)) = self.due.first().copied().filter(|(at, _)| !self.closing && *at <= now) {
            self.due.remove(&(at, item));
            let Some(queue) = self.items.get(&item).map(ItemState::queue) else { continue };
            let late = now.since(at) > LATE;
            let wait = match self.projects.get(&queue.0) {
                _ if late => Wait::Word(HoldReason::Missed),
                Some(project) => project.wait(),
                None => Wait::None,
            };
            let changed = self.change(item, status::Event::TimeCame(wait), None, effects);
            if changed == Ok(Status::Submitted) {
                self.waiting.push(queue, item);
            }
        }
    }

    fn load(&mut self, now: Timestamp, project: ProjectId, items: Vec<KnownItem>, limits: ProjectLimits) {
        self.projects.entry(project).or_default().limits = limits;
        for KnownItem { item, status, pass, until, hold, mailboxes, runner } in items {
            if !self.items.contains_key(&item) && status == Status::Scheduled && self.takes(item) {
                self.due.extend(until.map(|at| (at, item)));
            }
            let known = ItemState { project, status, pass, until, hold, mailboxes, runner, holds: None };
            let known = self.items.entry(item).or_insert(known);
            // Another login may have come since.
            known.mailboxes = mailboxes;
        }
        self.remember_outage(now, project);
    }

    fn submitted(
        &mut self,
        passes: Vec<(ItemId, PassId)>,
        (wait, until, turn): (Wait, Option<Timestamp>, Turn),
        effects: &mut Vec<Effect>,
    ) {
        let mut projects = BTreeSet::new();
        let mut queued = Vec::new();
        for (item, pass) in passes {
            let Some(known) = self.items.get_mut(&item) else { continue };
            let Ok(status) = known.status.after(status::Event::Start(wait)) else { continue };
            (known.status, known.pass, known.until, known.hold) = (status, Some(pass), until, wait.hold());
            projects.insert(known.project);
            self.given.insert(item);
            match wait {
                Wait::None => queued.push((known.queue(), item)),
                Wait::Until(at) => drop(self.due.insert((at, item))),
                Wait::Word(_) | Wait::Credentials => {}
            }
        }
        self.enqueue(queued, turn);
        for project in projects {
            self.forget_outage(project);
            // A new Start is the consultant's word that the logins are right now.
            effects.push(Effect::TryAgain(project));
        }
    }

    /// These stand in their queues, in this order: behind all others, or before them.
    fn enqueue(&mut self, items: Vec<(QueueId, ItemId)>, turn: Turn) {
        match turn {
            Turn::Last => items.into_iter().for_each(|(queue, item)| self.waiting.push(queue, item)),
            Turn::Next => items.into_iter().rev().for_each(|(queue, item)| self.waiting.push_first(queue, item)),
        }
    }

    /// Those of these that wait for a worker stand before all others.
    fn next(&mut self, items: &[ItemId], outcome: &mut Outcome) {
        let chosen: BTreeSet<ItemId> = items.iter().copied().collect();
        let queues: BTreeSet<QueueId> = items.iter().filter_map(|item| Some(self.items.get(item)?.queue())).collect();
        let mut found = BTreeMap::new();
        for queue in queues {
            found.extend(self.waiting.take_out(queue, |item| chosen.contains(&item)).into_iter().map(|i| (i, queue)));
        }
        let order = items.iter().filter_map(|item| Some((found.remove(item)?, *item))).collect::<Vec<_>>();
        let moved: BTreeSet<ItemId> = order.iter().map(|(_, item)| *item).collect();
        for item in chosen.difference(&moved) {
            outcome.left.push((*item, LeftAlone::NotInQueue));
        }
        outcome.done.extend(order.iter().map(|(_, item)| *item));
        self.enqueue(order, Turn::Next);
    }

    fn stop(&mut self, items: &[ItemId], outcome: &mut Outcome, effects: &mut Vec<Effect>) {
        let submitted = items.iter().any(|item| self.status(*item) == Some(Status::Submitted));
        let queued: BTreeSet<ItemId> = self.waiting.items().filter(|_| submitted).collect();
        for item in items {
            // What an earlier process left behind is as good as held: nobody takes it without a word.
            if self.status(*item) == Some(Status::Submitted) && !queued.contains(item) {
                self.change_if_it_may(*item, status::Event::Hold(HoldReason::Interrupted), None, effects);
            }
            match self.change(*item, status::Event::Stop, None, effects) {
                Ok(Status::Stopping) => effects.push(Effect::Stop(*item)),
                Ok(_) => self.off_schedule(*item),
                Err(refusal) => {
                    outcome.left.push((*item, refusal.into()));
                    continue;
                }
            }
            outcome.done.push(*item);
        }
    }

    fn off_schedule(&mut self, item: ItemId) {
        if let Some(at) = self.items.get_mut(&item).and_then(|item| item.until.take()) {
            self.due.remove(&(at, item));
        }
    }

    fn abort(&mut self, items: &[ItemId], outcome: &mut Outcome, effects: &mut Vec<Effect>) {
        for item in items {
            match self.status(*item) {
                // R8, unless nothing starts any more: then its worker is told, and it is Submitted again.
                Some(Status::Queued) if !self.closing => outcome.left.push((*item, Refusal::Queued.into())),
                Some(status) if status.is_active() => {
                    self.change_if_it_may(*item, status::Event::Stop, None, effects);
                    effects.push(Effect::Abort(*item));
                    outcome.done.push(*item);
                }
                _ => outcome.left.push((*item, Refusal::NotRunning.into())),
            }
        }
    }

    fn close(&mut self, outcome: &mut Outcome, effects: &mut Vec<Effect>) {
        self.closing = true;
        let active: Vec<_> = self.items.iter().filter(|(_, item)| item.status.is_active()).map(|(id, _)| *id).collect();
        for item in active {
            // A Queued item cannot be stopped (R8): its worker is told, and it is Submitted again.
            self.change_if_it_may(item, status::Event::Stop, None, effects);
            effects.push(Effect::Stop(item));
            outcome.done.push(item);
        }
    }

    /// What these items were in the database is forgotten there: they were never started.
    fn reset(&mut self, items: &[ItemId]) {
        for item in items {
            if let Some(known) = self.items.get_mut(item).filter(|known| known.status.is_at_rest()) {
                (known.status, known.pass, known.until, known.hold) = (Status::NotSubmitted, None, None, None);
            }
        }
    }

    fn deleted(&mut self, items: &[ItemId]) {
        for item in items {
            if self.status(*item).is_some_and(Status::is_at_rest) {
                self.items.remove(item);
            }
        }
    }

    fn ended(&mut self, now: Timestamp, item: ItemId, end: PassEnd, effects: &mut Vec<Effect>) {
        let Some(known) = self.items.get(&item).copied() else { return };
        self.leave(item);
        let (event, failure) = match end {
            PassEnd::Completed { .. } => (status::Event::Finish, None),
            // Without having been told by a person (a Queued item when the program closes): the same pass goes on later.
            PassEnd::Stopped(_) if known.status != Status::Stopping => (status::Event::Interrupted(Wait::None), None),
            PassEnd::Stopped(why) => (status::Event::StopConfirmed, why.map(|why| (Some(why.side), why.failure))),
            PassEnd::Failed { side, failure } => self.failed(now, item, (side, failure), effects),
        };
        match (event, &failure) {
            (status::Event::StopConfirmed, _) => self.not_tried(now, item),
            (_, Some((_, failure))) if failure.cause.is_out_of_reach() => {}
            // Whatever else it met, it met it at a server that answers.
            (status::Event::Finish, _) | (_, Some(_)) => self.reached(item, effects),
            _ => self.not_tried(now, item),
        }
        // A pass may end before its worker reported that it had loaded.
        if event == status::Event::Finish && self.status(item) == Some(Status::Queued) {
            self.change_if_it_may(item, status::Event::Loaded, None, effects);
        }
        self.change_if_it_may(item, event, failure, effects);
    }

    fn change(
        &mut self,
        item: ItemId,
        event: status::Event,
        failure: Option<(Option<Side>, Failure)>,
        effects: &mut Vec<Effect>,
    ) -> Result<Status, Refusal> {
        let Some(known) = self.items.get_mut(&item) else { return Err(Refusal::NotRunning) };
        let (from, to) = (known.status, known.status.after(event)?);
        let hold = event.hold();
        (known.status, known.hold) = (to, hold);
        if let Some(pass) = known.pass {
            effects.push(Effect::Status(StatusMove { item, pass, from, to, failure, hold }));
        }
        Ok(to)
    }

    /// Where nobody waits for an answer: what the status does not allow leaves it as it is.
    fn change_if_it_may(
        &mut self,
        item: ItemId,
        event: status::Event,
        failure: Option<(Option<Side>, Failure)>,
        effects: &mut Vec<Effect>,
    ) {
        if let Err(refusal) = self.change(item, event, failure, effects) {
            tracing::debug!(%item, ?event, ?refusal, "status stays");
        }
    }

    /// Gives free places to waiting items, oldest submission first (R6).
    fn schedule(&mut self, effects: &mut Vec<Effect>) {
        if self.closing {
            return;
        }
        // A mailbox passed on within one project may let another project's item start: until nobody can.
        let projects = self.projects.keys();
        let queues: Vec<QueueId> =
            projects.flat_map(|project| RunnerKind::ALL.map(|runner| (*project, runner))).collect();
        let mut more = true;
        while std::mem::take(&mut more) {
            for queue in &queues {
                more |= self.fill(*queue, effects);
            }
        }
    }

    /// Gives the free places of a queue; tells whether anybody's turn came.
    fn fill(&mut self, queue: QueueId, effects: &mut Vec<Effect>) -> bool {
        let mut any = false;
        let (project, runner) = queue;
        while self.projects.get(&project).is_some_and(|project| project.is_free(runner)) {
            let Some(next) = self.waiting.next(queue) else { break };
            any = true;
            let Some(known) = self.items.get(&next.item).copied() else {
                self.waiting.pass_on(next, None);
                continue;
            };
            if !self.waiting.take(queue, next, &known.mailboxes) {
                continue;
            }
            if let Some(known) = self.items.get_mut(&next.item) {
                known.holds = Some(known.mailboxes);
            }
            if let Some(project) = self.projects.get_mut(&project) {
                *project.running.entry(runner).or_default() += 1;
            }
            match (self.change(next.item, status::Event::Take, None, effects), known.pass) {
                (Ok(_), Some(pass)) => effects.push(Effect::Spawn(next.item, pass, runner)),
                _ => self.leave(next.item),
            }
        }
        any
    }

    /// An item's place and its mailboxes are free again.
    fn leave(&mut self, item: ItemId) {
        let Some(known) = self.items.get_mut(&item) else { return };
        let ((project, runner), held) = (known.queue(), known.holds.take());
        if let Some(running) = self.projects.get_mut(&project).and_then(|queue| queue.running.get_mut(&runner)) {
            *running = running.saturating_sub(1);
        }
        if let Some(mailboxes) = held {
            self.waiting.give_back(&mailboxes);
        }
    }
}

#[cfg(test)]
mod tests;
