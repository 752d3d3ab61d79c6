//! The run state: which item is where, who runs, who is next. The dispatcher owns it and performs what it answers.
//!
//! [`Board::handle`] is synchronous and touches nothing outside: an event goes in, effects come out. Statuses change
//! through the one transition function of the domain only.

mod waiting;

use std::collections::{BTreeMap, BTreeSet};

use self::waiting::Waiting;
use crate::domain::failure::{Cause, Failure, Side};
use crate::domain::ids::{ItemId, PassId, ProjectId};
use crate::domain::mailbox_key::Mailboxes;
use crate::domain::status::{self, Refusal, Status};
use crate::engine::command::Outcome;
use crate::pass::PassEnd;

/// What happens to the run state.
#[derive(Clone, Debug)]
pub enum Event {
    /// A project's items became known, or what they read and write, and how many may run at once.
    Load {
        /// The project.
        project: ProjectId,
        /// The items.
        items: Vec<Listed>,
        /// Its option *concurrent migrations*.
        concurrent: u32,
    },
    /// Passes were made for these items; their submission was decided by [`Board::startable`].
    Submitted(Vec<(ItemId, PassId)>),
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
}

/// An item as it is found in the database.
#[derive(Clone, Copy, Debug)]
pub struct Listed {
    /// The item.
    pub item: ItemId,
    /// Its status.
    pub status: Status,
    /// Its latest pass.
    pub pass: Option<PassId>,
    /// What it reads and writes.
    pub mailboxes: Mailboxes,
}

/// What the dispatcher has to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Write a status.
    Status(Change),
    /// Start a worker.
    Spawn(ItemId, PassId),
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
struct Seat {
    project: ProjectId,
    status: Status,
    pass: Option<PassId>,
    mailboxes: Mailboxes,
    /// What it was given when its worker started.
    holds: Option<Mailboxes>,
}

#[derive(Debug, Default)]
struct Place {
    concurrent: u32,
    running: u32,
}

/// The run state.
#[derive(Debug, Default)]
pub struct Board {
    seats: BTreeMap<ItemId, Seat>,
    places: BTreeMap<ProjectId, Place>,
    /// Submitted, in order.
    waiting: Waiting,
    closing: bool,
}

impl Board {
    /// Whether a project's items are known.
    pub fn knows(&self, project: ProjectId) -> bool {
        self.places.contains_key(&project)
    }

    /// Whether any of these items waits for a worker or has one.
    pub fn is_busy(&self) -> bool {
        self.places.values().any(|place| place.running > 0) || (!self.closing && !self.waiting.is_empty())
    }

    /// An item's status.
    pub fn status(&self, item: ItemId) -> Option<Status> {
        self.seats.get(&item).map(|seat| seat.status)
    }

    /// Which of these items may be started; the others with the reason.
    pub fn startable(&self, items: &[ItemId]) -> Outcome {
        let start = status::Event::Start { waiting_for_user: false, scheduled: false, held: false };
        let mut outcome = Outcome::default();
        for item in items {
            match self.seats.get(item).map(|seat| seat.status.after(start)) {
                Some(Ok(_)) => outcome.done.push(*item),
                Some(Err(refusal)) => outcome.left.push((*item, refusal.to_string())),
                None => outcome.left.push((*item, "the item does not exist".into())),
            }
        }
        outcome
    }

    /// Forgets a project that was deleted; not while one of its items waits or runs.
    pub fn forget(&mut self, project: ProjectId) -> bool {
        let at_rest = |seat: &Seat| seat.project != project || seat.status.is_at_rest();
        let forgets = self.seats.values().all(at_rest) && self.places.remove(&project).is_some();
        if forgets {
            self.seats.retain(|_, seat| seat.project != project);
            self.waiting.drain(project);
        }
        forgets
    }

    /// The projects whose items are known.
    pub fn projects(&self) -> impl Iterator<Item = ProjectId> {
        self.places.keys().copied()
    }

    /// Takes in an event and answers what to do, and for stops which items were stopped.
    pub fn handle(&mut self, event: Event) -> (Vec<Effect>, Outcome) {
        let mut effects = Vec::new();
        let mut outcome = Outcome::default();
        match event {
            Event::Load { project, items, concurrent } => self.load(project, items, concurrent),
            Event::Submitted(passes) => self.submitted(passes, &mut effects),
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
        self.schedule(&mut effects);
        (effects, outcome)
    }

    fn load(&mut self, project: ProjectId, items: Vec<Listed>, concurrent: u32) {
        self.places.entry(project).or_default().concurrent = concurrent;
        for Listed { item, status, pass, mailboxes } in items {
            let seat = self.seats.entry(item).or_insert(Seat { project, status, pass, mailboxes, holds: None });
            // Another login may have come since.
            seat.mailboxes = mailboxes;
        }
    }

    fn submitted(&mut self, passes: Vec<(ItemId, PassId)>, effects: &mut Vec<Effect>) {
        let mut projects = BTreeSet::new();
        for (item, pass) in passes {
            let Some(seat) = self.seats.get_mut(&item) else { continue };
            (seat.status, seat.pass) = (Status::Submitted, Some(pass));
            projects.insert(seat.project);
            self.waiting.push(seat.project, item);
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
                let _ = self.change(*item, status::Event::Resume { scheduled: false }, None, effects);
            } else if seat.status != Status::Submitted || queued {
                continue;
            }
            self.waiting.push(seat.project, *item);
            outcome.done.push(*item);
        }
    }

    fn stop(&mut self, items: &[ItemId], outcome: &mut Outcome, effects: &mut Vec<Effect>) {
        for item in items {
            match self.change(*item, status::Event::Stop, None, effects) {
                Ok(Status::Stopping) => effects.push(Effect::Stop(*item)),
                Ok(_) => {}
                Err(refusal) => {
                    outcome.left.push((*item, refusal.to_string()));
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
            PassEnd::Stopped if seat.status != Status::Stopping => (status::Event::Interrupted { held: false }, None),
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
                for item in self.waiting.drain(project) {
                    let _ = self.change(item, status::Event::Hold, Some((side, failure.clone())), effects);
                }
                (status::Event::Fatal, Some((side, failure)))
            }
            Cause::AdministratorLoginHeld => {
                let failure = Failure { cause: Cause::AdministratorLoginRefused, ..failure };
                (status::Event::Interrupted { held: true }, Some((side, failure)))
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
        let projects: Vec<ProjectId> = self.places.keys().copied().collect();
        let mut more = true;
        while std::mem::take(&mut more) {
            for project in &projects {
                more |= self.fill(*project, effects);
            }
        }
    }

    /// Gives the free places of a project; tells whether anybody's turn came.
    fn fill(&mut self, project: ProjectId, effects: &mut Vec<Effect>) -> bool {
        let mut any = false;
        while self.places.get(&project).is_some_and(|place| place.running < place.concurrent) {
            let Some(next) = self.waiting.next(project) else { break };
            any = true;
            let Some(seat) = self.seats.get(&next.item).copied() else {
                self.waiting.pass_on(next, None);
                continue;
            };
            if !self.waiting.take(project, next, &seat.mailboxes) {
                continue;
            }
            if let Some(seat) = self.seats.get_mut(&next.item) {
                seat.holds = Some(seat.mailboxes);
            }
            if let Some(place) = self.places.get_mut(&project) {
                place.running += 1;
            }
            match (self.change(next.item, status::Event::Take, None, effects), seat.pass) {
                (Ok(_), Some(pass)) => effects.push(Effect::Spawn(next.item, pass)),
                _ => self.leave(next.item),
            }
        }
        any
    }

    /// An item's place and its mailboxes are free again.
    fn leave(&mut self, item: ItemId) {
        let Some(seat) = self.seats.get_mut(&item) else { return };
        let (project, held) = (seat.project, seat.holds.take());
        if let Some(place) = self.places.get_mut(&project) {
            place.running = place.running.saturating_sub(1);
        }
        if let Some(mailboxes) = held {
            self.waiting.give_back(&mailboxes);
        }
    }
}

#[cfg(test)]
mod tests;
