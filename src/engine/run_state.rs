//! The run state: which item is where, who runs, who is next. The dispatcher owns it and performs what it answers.
//!
//! [`RunState::handle`] is synchronous and touches nothing outside: the time and an event go in, effects come out, and
//! [`RunState::next_due`] tells when to ask again. Statuses change through the one transition function of the domain only.

mod waiting;

use std::collections::{BTreeMap, BTreeSet};

use self::waiting::{QueueId, WaitingItems};
use crate::domain::failure::{Cause, Failure, Side};
use crate::domain::ids::{ItemId, PassId, ProjectId};
use crate::domain::mailbox_key::Mailboxes;
use crate::domain::status::{self, Refusal, Status, Wait};
use crate::domain::time::Timestamp;
use crate::engine::command::{LeftAlone, Outcome};
use crate::engine::runner::RunnerKind;
use crate::pass::PassEnd;

/// Items of one project that a remote service works on at once: it does the work, here they are only watched.
const REMOTE_AT_ONCE: u32 = 1000;

/// What happens to the run state.
#[derive(Clone, Debug)]
pub enum Event {
    /// A project's items became known, or what they read and write, and how many may run at once.
    Load {
        /// The project.
        project: ProjectId,
        /// The items.
        items: Vec<KnownItem>,
        /// Its option *concurrent migrations*.
        concurrent: u32,
    },
    /// Passes that wait for this were made for these items; that they may start was decided by [`RunState::startable`].
    Submitted {
        /// The items and their passes.
        passes: Vec<(ItemId, PassId)>,
        /// What they wait for.
        wait: Wait,
    },
    /// Held and left-behind submissions of these items may run.
    Resume(Vec<ItemId>),
    /// A worker has loaded what it needs.
    Loaded(ItemId),
    /// A worker is done.
    Ended(ItemId, PassEnd),
    /// Stop these.
    Stop(Vec<ItemId>),
    /// Drop the connections of these.
    Abort(Vec<ItemId>),
    /// Nothing new starts any more; what runs is told to stop.
    Close,
    /// Time went on.
    Tick,
}

/// An item as it is found in the database.
#[derive(Clone, Copy, Debug)]
pub struct KnownItem {
    /// The item.
    pub item: ItemId,
    /// Its status.
    pub status: Status,
    /// Its latest pass.
    pub pass: Option<PassId>,
    /// When that starts, if it is scheduled.
    pub until: Option<Timestamp>,
    /// What it reads and writes.
    pub mailboxes: Mailboxes,
    /// Who works on it.
    pub runner: RunnerKind,
}

/// What the dispatcher has to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Write a status.
    Status(Change),
    /// Start a runner of this kind on it.
    Spawn(ItemId, PassId, RunnerKind),
    /// Tell a worker to stop.
    Stop(ItemId),
    /// Tell a worker to drop everything.
    Abort(ItemId),
    /// A person gave the word: refused administrator logins are tried again.
    TryAgain(ProjectId),
}

/// A change of status.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The item.
    pub item: ItemId,
    /// Its pass.
    pub pass: PassId,
    /// What it was.
    pub from: Status,
    /// What it is.
    pub to: Status,
    /// Why, when it failed or is held.
    pub failure: Option<(Option<Side>, Failure)>,
}

#[derive(Clone, Copy, Debug)]
struct ItemState {
    project: ProjectId,
    status: Status,
    pass: Option<PassId>,
    until: Option<Timestamp>,
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
    /// Its option *concurrent migrations*, for the copier.
    concurrent: u32,
    running: BTreeMap<RunnerKind, u32>,
}

impl ProjectQueue {
    /// Whether one more may run.
    fn is_free(&self, runner: RunnerKind) -> bool {
        let most = match runner {
            RunnerKind::Copier => self.concurrent,
            RunnerKind::Remote => REMOTE_AT_ONCE,
        };
        self.running.get(&runner).copied().unwrap_or(0) < most
    }
}

/// The run state.
#[derive(Debug, Default)]
pub struct RunState {
    seats: BTreeMap<ItemId, ItemState>,
    places: BTreeMap<ProjectId, ProjectQueue>,
    /// Submitted, in order.
    waiting: WaitingItems,
    /// Scheduled, by their time.
    due: BTreeSet<(Timestamp, ItemId)>,
    closing: bool,
}

impl RunState {
    /// Whether a project's items are known.
    pub fn knows(&self, project: ProjectId) -> bool {
        self.places.contains_key(&project)
    }

    /// Whether any of these items waits for a worker or has one.
    pub fn is_busy(&self) -> bool {
        self.places.values().any(|place| place.running.values().any(|running| *running > 0))
            || (!self.closing && !self.waiting.is_empty())
    }

    /// An item's status.
    pub fn status(&self, item: ItemId) -> Option<Status> {
        self.seats.get(&item).map(|seat| seat.status)
    }

    /// Which of these items may be started so; the others with the reason.
    pub fn startable(&self, items: &[ItemId], wait: Wait) -> Outcome {
        let start = status::Event::Start(wait);
        let mut outcome = Outcome::default();
        for item in items {
            match self.seats.get(item).map(|seat| seat.status.after(start)) {
                Some(Ok(_)) => outcome.done.push(*item),
                Some(Err(refusal)) => outcome.left.push((*item, refusal.into())),
                None => outcome.left.push((*item, LeftAlone::Missing)),
            }
        }
        outcome
    }

    /// Forgets a project that was deleted; not while one of its items waits or runs.
    pub fn forget(&mut self, project: ProjectId) -> bool {
        let at_rest = |seat: &ItemState| seat.project != project || seat.status.is_at_rest();
        let forgets = self.seats.values().all(at_rest) && self.places.remove(&project).is_some();
        if forgets {
            self.seats.retain(|_, seat| seat.project != project);
            for runner in RunnerKind::ALL {
                self.waiting.drain((project, runner));
            }
        }
        forgets
    }

    /// The projects whose items are known.
    pub fn projects(&self) -> impl Iterator<Item = ProjectId> {
        self.places.keys().copied()
    }

    /// When the next scheduled item is due.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.due.first().filter(|_| !self.closing).map(|(at, _)| *at)
    }

    /// Takes in an event at this time and answers what to do, and for stops which items were stopped.
    pub fn handle(&mut self, now: Timestamp, event: Event) -> (Vec<Effect>, Outcome) {
        let mut effects = Vec::new();
        let mut outcome = Outcome::default();
        match event {
            Event::Load { project, items, concurrent } => self.load(project, items, concurrent),
            Event::Submitted { passes, wait } => self.submitted(passes, wait, &mut effects),
            Event::Resume(items) => self.resume(&items, &mut outcome, &mut effects),
            Event::Loaded(item) => drop(self.change(item, status::Event::Loaded, None, &mut effects)),
            Event::Ended(item, end) => self.ended(item, end, &mut effects),
            Event::Stop(items) => self.stop(&items, &mut outcome, &mut effects),
            Event::Abort(items) => {
                for item in items {
                    if self.status(item).is_some_and(Status::is_active) {
                        let _ = self.change(item, status::Event::Stop, None, &mut effects);
                        effects.push(Effect::Abort(item));
                        outcome.done.push(item);
                    }
                }
            }
            Event::Tick => {}
            Event::Close => {
                self.closing = true;
                let active: Vec<_> = self.seats.iter().filter(|s| s.1.status.is_active()).map(|s| *s.0).collect();
                for item in active {
                    // A Queued item cannot be stopped (R8): its worker is told, and it is Submitted again.
                    let _ = self.change(item, status::Event::Stop, None, &mut effects);
                    effects.push(Effect::Stop(item));
                    outcome.done.push(item);
                }
            }
        }
        self.take_due(now, &mut effects);
        self.schedule(&mut effects);
        (effects, outcome)
    }

    /// Scheduled items whose time came stand in their queues, in the order of their times.
    fn take_due(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        while let Some((at, item)) = self.due.first().copied().filter(|(at, _)| !self.closing && *at <= now) {
            self.due.remove(&(at, item));
            if self.change(item, status::Event::TimeCame(Wait::None), None, effects).is_ok()
                && let Some(queue) = self.seats.get(&item).map(ItemState::queue)
            {
                self.waiting.push(queue, item);
            }
        }
    }

    fn load(&mut self, project: ProjectId, items: Vec<KnownItem>, concurrent: u32) {
        self.places.entry(project).or_default().concurrent = concurrent;
        for KnownItem { item, status, pass, until, mailboxes, runner } in items {
            if !self.seats.contains_key(&item) && status == Status::Scheduled {
                self.due.extend(until.map(|at| (at, item)));
            }
            let seat = ItemState { project, status, pass, until, mailboxes, runner, holds: None };
            let seat = self.seats.entry(item).or_insert(seat);
            // Another login may have come since.
            seat.mailboxes = mailboxes;
        }
    }

    fn submitted(&mut self, passes: Vec<(ItemId, PassId)>, wait: Wait, effects: &mut Vec<Effect>) {
        let mut projects = BTreeSet::new();
        for (item, pass) in passes {
            let Some(seat) = self.seats.get_mut(&item) else { continue };
            let Ok(status) = seat.status.after(status::Event::Start(wait)) else { continue };
            (seat.status, seat.pass) = (status, Some(pass));
            seat.until = if let Wait::Until(at) = wait { Some(at) } else { None };
            let (project, queue) = (seat.project, seat.queue());
            projects.insert(project);
            match wait {
                Wait::None => self.waiting.push(queue, item),
                Wait::Until(at) => drop(self.due.insert((at, item))),
                Wait::Word | Wait::Credentials => {}
            }
        }
        // A new Start is the consultant's word that the logins are right now.
        effects.extend(projects.into_iter().map(Effect::TryAgain));
    }

    fn resume(&mut self, items: &[ItemId], outcome: &mut Outcome, effects: &mut Vec<Effect>) {
        let mut waiting: BTreeSet<ItemId> = self.waiting.items().collect();
        let mut projects = BTreeSet::new();
        for item in items {
            let Some(seat) = self.seats.get(item).copied() else { continue };
            let queued = !waiting.insert(*item);
            if seat.status == Status::Held {
                if projects.insert(seat.project) {
                    effects.push(Effect::TryAgain(seat.project));
                }
                let _ = self.change(*item, status::Event::Resume(Wait::None), None, effects);
            } else if seat.status != Status::Submitted || queued {
                continue;
            }
            self.waiting.push(seat.queue(), *item);
            outcome.done.push(*item);
        }
    }

    fn stop(&mut self, items: &[ItemId], outcome: &mut Outcome, effects: &mut Vec<Effect>) {
        for item in items {
            match self.change(*item, status::Event::Stop, None, effects) {
                Ok(Status::Stopping) => effects.push(Effect::Stop(*item)),
                Ok(_) => {
                    if let Some(at) = self.seats.get_mut(item).and_then(|seat| seat.until.take()) {
                        self.due.remove(&(at, *item));
                    }
                }
                Err(refusal) => {
                    outcome.left.push((*item, refusal.into()));
                    continue;
                }
            }
            outcome.done.push(*item);
        }
    }

    fn ended(&mut self, item: ItemId, end: PassEnd, effects: &mut Vec<Effect>) {
        let Some(seat) = self.seats.get(&item).copied() else { return };
        self.leave(item);
        let (event, failure) = match end {
            PassEnd::Completed { .. } => (status::Event::Finish, None),
            // Without having been told by a person (a Queued item when the program closes): the same pass goes on later.
            PassEnd::Stopped if seat.status != Status::Stopping => (status::Event::Interrupted(Wait::None), None),
            PassEnd::Stopped => (status::Event::StopConfirmed, None),
            PassEnd::Failed { side, failure } => self.failed(seat.project, side, failure, effects),
        };
        // A pass may end before its worker reported that it had loaded.
        if event == status::Event::Finish && self.status(item) == Some(Status::Queued) {
            let _ = self.change(item, status::Event::Loaded, None, effects);
        }
        let _ = self.change(item, event, failure, effects);
    }

    /// A refused administrator login fails the one item that tried it and holds all others that would (D24).
    fn failed(
        &mut self,
        project: ProjectId,
        side: Option<Side>,
        failure: Failure,
        effects: &mut Vec<Effect>,
    ) -> (status::Event, Option<(Option<Side>, Failure)>) {
        match failure.cause {
            Cause::AdministratorLoginRefused => {
                for item in self.waiting.drain((project, RunnerKind::Copier)) {
                    let _ = self.change(item, status::Event::Hold, Some((side, failure.clone())), effects);
                }
                (status::Event::Fatal, Some((side, failure)))
            }
            Cause::AdministratorLoginHeld => {
                let failure = Failure { cause: Cause::AdministratorLoginRefused, ..failure };
                (status::Event::Interrupted(Wait::Word), Some((side, failure)))
            }
            _ => (status::Event::Fatal, Some((side, failure))),
        }
    }

    fn change(
        &mut self,
        item: ItemId,
        event: status::Event,
        failure: Option<(Option<Side>, Failure)>,
        effects: &mut Vec<Effect>,
    ) -> Result<Status, Refusal> {
        let Some(seat) = self.seats.get_mut(&item) else { return Err(Refusal::NotRunning) };
        let (from, to) = (seat.status, seat.status.after(event)?);
        seat.status = to;
        if let Some(pass) = seat.pass {
            effects.push(Effect::Status(Change { item, pass, from, to, failure }));
        }
        Ok(to)
    }

    /// Gives free places to waiting items, oldest submission first (R6).
    fn schedule(&mut self, effects: &mut Vec<Effect>) {
        if self.closing {
            return;
        }
        // A mailbox passed on within one project may let another project's item start: until nobody can.
        let projects = self.places.keys();
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
        while self.places.get(&project).is_some_and(|place| place.is_free(runner)) {
            let Some(next) = self.waiting.next(queue) else { break };
            any = true;
            let Some(seat) = self.seats.get(&next.item).copied() else {
                self.waiting.pass_on(next, None);
                continue;
            };
            if !self.waiting.take(queue, next, &seat.mailboxes) {
                continue;
            }
            if let Some(seat) = self.seats.get_mut(&next.item) {
                seat.holds = Some(seat.mailboxes);
            }
            if let Some(place) = self.places.get_mut(&project) {
                *place.running.entry(runner).or_default() += 1;
            }
            match (self.change(next.item, status::Event::Take, None, effects), seat.pass) {
                (Ok(_), Some(pass)) => effects.push(Effect::Spawn(next.item, pass, runner)),
                _ => self.leave(next.item),
            }
        }
        any
    }

    /// An item's place and its mailboxes are free again.
    fn leave(&mut self, item: ItemId) {
        let Some(seat) = self.seats.get_mut(&item) else { return };
        let ((project, runner), held) = (seat.queue(), seat.holds.take());
        if let Some(running) = self.places.get_mut(&project).and_then(|place| place.running.get_mut(&runner)) {
            *running = running.saturating_sub(1);
        }
        if let Some(mailboxes) = held {
            self.waiting.give_back(&mailboxes);
        }
    }
}

#[cfg(test)]
mod tests;
