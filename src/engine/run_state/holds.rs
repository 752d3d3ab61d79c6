//! What holds submissions and lets them go on: a person's word, the project's switch, a refused administrator login (D24), a
//! server that cannot be reached, a credential that has not come.

use std::collections::BTreeSet;

use super::{Effect, ItemState, ProjectLimits, RunState};
use crate::domain::failure::{Cause, Failure, Scope, Side};
use crate::domain::ids::{ItemId, ProjectId};
use crate::domain::retry::outage_pause;
use crate::domain::start_order::Turn;
use crate::domain::status::{self, HoldReason, Status, Wait};
use crate::domain::time::Timestamp;
use crate::engine::command::{LeftAlone, Outcome};
use crate::engine::runner::RunnerKind;

/// A server of a project cannot be reached: its items are held, and one of them tries again now and then.
#[derive(Debug)]
pub(super) struct Outage {
    /// When one item tries it, UTC epoch milliseconds.
    pub next: Timestamp,
    tries: u32,
    /// The item that tries it now.
    probe: Option<ItemId>,
}

impl Outage {
    fn new(now: Timestamp) -> Self {
        Self { next: after(now, 0), tries: 0, probe: None }
    }

    /// When to ask for the next try, if none is under way.
    pub fn due(&self) -> Option<Timestamp> {
        self.probe.is_none().then_some(self.next)
    }
}

fn after(now: Timestamp, tries: u32) -> Timestamp {
    now.plus(outage_pause(tries))
}

impl RunState {
    /// Lets held submissions and those that an earlier process left go on, whatever holds them.
    pub(super) fn resume(
        &mut self,
        now: Timestamp,
        items: &[ItemId],
        outcome: &mut Outcome,
        effects: &mut Vec<Effect>,
    ) {
        let mut waiting: BTreeSet<ItemId> = self.waiting.items().collect();
        let mut projects = BTreeSet::new();
        for item in items {
            let Some(known) = self.items.get(item).copied() else { continue };
            self.given.insert(*item);
            if known.status == Status::Scheduled {
                self.keep_time(now, *item, effects);
                outcome.done.push(*item);
                continue;
            }
            let queued = !waiting.insert(*item);
            let by_switch = known.hold == Some(HoldReason::Switch)
                && self.projects.get(&known.project).is_some_and(|project| project.limits.held);
            if known.status == Status::Held && by_switch {
                outcome.left.push((*item, LeftAlone::SwitchHolds));
                continue;
            }
            if known.status == Status::Held {
                if projects.insert(known.project) {
                    effects.push(Effect::TryAgain(known.project));
                }
                self.change_if_it_may(*item, status::Event::Resume(Wait::None), None, effects);
            } else if known.status != Status::Submitted || queued {
                continue;
            }
            self.waiting.push(known.queue(), *item);
            outcome.done.push(*item);
        }
    }

    /// A scheduled item starts at its time; at once, if that is past: somebody wants it now.
    fn keep_time(&mut self, now: Timestamp, item: ItemId, effects: &mut Vec<Effect>) {
        let Some(known) = self.items.get(&item).copied() else { return };
        if let Some(at) = known.until.filter(|at| *at > now) {
            self.due.insert((at, item));
            return;
        }
        self.off_schedule(item);
        let wait = self.projects.get(&known.project).map_or(Wait::None, super::ProjectQueue::wait);
        if self.change(item, status::Event::TimeCame(wait), None, effects) == Ok(Status::Submitted) {
            self.waiting.push(known.queue(), item);
        }
    }

    /// Stops what runs, and takes back what waits: held for an instant, because what is only submitted cannot be stopped (R5).
    pub(super) fn withdraw(&mut self, items: &[ItemId], outcome: &mut Outcome, effects: &mut Vec<Effect>) {
        let chosen: BTreeSet<ItemId> = items.iter().copied().collect();
        let projects: BTreeSet<ProjectId> =
            items.iter().filter_map(|item| Some(self.items.get(item)?.project)).collect();
        for project in projects {
            for runner in RunnerKind::ALL {
                for item in self.waiting.take_out((project, runner), |item| chosen.contains(&item)) {
                    self.change_if_it_may(item, status::Event::Hold(HoldReason::Switch), None, effects);
                }
            }
        }
        self.stop(items, outcome, effects);
    }

    /// How many items of a project may run from now on; none is interrupted. Held, all that wait are held; let go, those go on
    /// that the switch held.
    pub(super) fn limit(&mut self, project: ProjectId, limits: ProjectLimits, effects: &mut Vec<Effect>) {
        let Some(queue) = self.projects.get_mut(&project) else { return };
        let before = std::mem::replace(&mut queue.limits, limits);
        if limits.held && !before.held {
            for runner in RunnerKind::ALL {
                for item in self.waiting.drain((project, runner)) {
                    self.change_if_it_may(item, status::Event::Hold(HoldReason::Switch), None, effects);
                }
            }
        } else if before.held && !limits.held {
            // Whoever lets go means all of them.
            let held = |known: &ItemState| known.project == project && known.hold == Some(HoldReason::Switch);
            self.given.extend(self.items.iter().filter(|(_, known)| held(known)).map(|(item, _)| *item));
            self.let_go(project, HoldReason::Switch, effects);
        }
    }

    /// Those of a project that are held for this reason go on, in the order of their submission.
    fn let_go(&mut self, project: ProjectId, reason: HoldReason, effects: &mut Vec<Effect>) {
        let wait = self.projects.get(&project).map_or(Wait::None, super::ProjectQueue::wait);
        for item in self.held_for(project, reason) {
            let changed = self.change(item, status::Event::Resume(wait), None, effects);
            if let (Ok(Status::Submitted), Some(known)) = (changed, self.items.get(&item)) {
                self.waiting.push(known.queue(), item);
            }
        }
    }

    fn held_for(&self, project: ProjectId, reason: HoldReason) -> Vec<ItemId> {
        let is =
            |known: &ItemState| known.project == project && known.status == Status::Held && known.hold == Some(reason);
        let held = self.items.iter().filter(|(item, known)| is(known) && self.takes(**item));
        let mut held: Vec<_> = held.map(|(id, k)| (k.pass, *id)).collect();
        held.sort_unstable();
        held.into_iter().map(|(_, item)| item).collect()
    }

    /// What a failure means for the item that met it, and for the others of its project.
    pub(super) fn failed(
        &mut self,
        now: Timestamp,
        item: ItemId,
        (side, failure): (Option<Side>, Failure),
        effects: &mut Vec<Effect>,
    ) -> (status::Event, Option<(Option<Side>, Failure)>) {
        let Some(project) = self.items.get(&item).map(|known| known.project) else {
            return (status::Event::Fatal, Some((side, failure)));
        };
        match failure.cause {
            // It fails the one item that tried it and holds all others that would (D24).
            Cause::AdministratorLoginRefused | Cause::SignInRefused | Cause::ClockOff => {
                self.hold_waiting(project, HoldReason::LoginRefused, &(side, failure.clone()), effects);
                (status::Event::Fatal, Some((side, failure)))
            }
            Cause::TokenUnfit if failure.scope == Scope::Endpoint => {
                self.hold_waiting(project, HoldReason::LoginRefused, &(side, failure.clone()), effects);
                (status::Event::Fatal, Some((side, failure)))
            }
            Cause::AdministratorLoginHeld | Cause::SignInHeld => {
                let refused = match failure.cause {
                    Cause::SignInHeld => Cause::SignInRefused,
                    _ => Cause::AdministratorLoginRefused,
                };
                let failure = Failure { cause: refused, ..failure };
                (status::Event::Interrupted(Wait::Word(HoldReason::LoginRefused)), Some((side, failure)))
            }
            cause if cause.is_out_of_reach() && self.tried_again(now, project, item) => {
                (status::Event::Interrupted(Wait::Word(HoldReason::Unreachable)), Some((side, failure)))
            }
            cause if cause.is_out_of_reach() => {
                self.hold_waiting(project, HoldReason::Unreachable, &(side, failure.clone()), effects);
                if let Some(queue) = self.projects.get_mut(&project) {
                    queue.outage = Some(Outage::new(now));
                }
                (status::Event::Fatal, Some((side, failure)))
            }
            _ => (status::Event::Fatal, Some((side, failure))),
        }
    }

    fn hold_waiting(
        &mut self,
        project: ProjectId,
        reason: HoldReason,
        why: &(Option<Side>, Failure),
        effects: &mut Vec<Effect>,
    ) {
        for item in self.waiting.drain((project, RunnerKind::Copier)) {
            self.change_if_it_may(item, status::Event::Hold(reason), Some(why.clone()), effects);
        }
    }

    /// Whether it was known already that a server of the project cannot be reached; the try of this item counts.
    fn tried_again(&mut self, now: Timestamp, project: ProjectId, item: ItemId) -> bool {
        let Some(outage) = self.projects.get_mut(&project).and_then(|queue| queue.outage.as_mut()) else {
            return false;
        };
        if outage.probe == Some(item) {
            outage.tries += 1;
            (outage.probe, outage.next) = (None, after(now, outage.tries));
        }
        true
    }

    /// An item was stopped before it could tell whether the server is there.
    pub(super) fn not_tried(&mut self, now: Timestamp, item: ItemId) {
        for queue in self.projects.values_mut() {
            if let Some(outage) = queue.outage.as_mut().filter(|outage| outage.probe == Some(item)) {
                (outage.probe, outage.next) = (None, after(now, outage.tries));
            }
        }
    }

    /// An item got through: if its project was held because a server could not be reached, all go on.
    pub(super) fn reached(&mut self, item: ItemId, effects: &mut Vec<Effect>) {
        let Some(project) = self.items.get(&item).map(|known| known.project) else { return };
        if self.projects.get_mut(&project).and_then(|queue| queue.outage.take()).is_some() {
            self.let_go(project, HoldReason::Unreachable, effects);
        }
    }

    /// Whoever was to try a server and was stopped or held before its turn came tries nothing any more. And a clock that was
    /// put back makes no pause longer.
    fn set_right_outages(&mut self, now: Timestamp) {
        let tries = |item: &ItemState| item.status == Status::Submitted || item.status.is_active();
        for outage in self.projects.values_mut().filter_map(|queue| queue.outage.as_mut()) {
            outage.probe = outage.probe.filter(|item| self.items.get(item).is_some_and(tries));
            outage.next = outage.next.min(after(now, outage.tries));
        }
    }

    /// Where a server is to be tried again, the first of the held items does.
    pub(super) fn probe(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        self.set_right_outages(now);
        let due = |queue: &super::ProjectQueue| queue.outage.as_ref().and_then(Outage::due).is_some_and(|at| at <= now);
        let projects: Vec<ProjectId> =
            self.projects.iter().filter(|(_, queue)| !self.closing && due(queue)).map(|(id, _)| *id).collect();
        for project in projects {
            let first = self.held_for(project, HoldReason::Unreachable).first().copied();
            let Some(queue) = self.projects.get_mut(&project) else { continue };
            match (first, &mut queue.outage) {
                (Some(item), Some(outage)) if !queue.limits.held => {
                    outage.probe = Some(item);
                    self.change_if_it_may(item, status::Event::Resume(Wait::None), None, effects);
                    if let Some(known) = self.items.get(&item) {
                        self.waiting.push_first(known.queue(), item);
                    }
                }
                // Nobody is to try it: the project's switch holds all, and is asked again later.
                (Some(_), Some(outage)) => outage.next = after(now, outage.tries),
                _ => queue.outage = None,
            }
        }
    }

    /// A person wants it tried now.
    pub(super) fn try_now(&mut self, now: Timestamp, project: ProjectId) {
        if let Some(outage) = self.projects.get_mut(&project).and_then(|queue| queue.outage.as_mut()) {
            outage.next = now;
        }
    }

    /// A new Start finds an outage over if nobody waits for its end any more.
    pub(super) fn forget_outage(&mut self, project: ProjectId) {
        if self.held_for(project, HoldReason::Unreachable).is_empty()
            && let Some(queue) = self.projects.get_mut(&project)
        {
            queue.outage = queue.outage.take().filter(|outage| outage.probe.is_some());
        }
    }

    /// Items that an earlier process held because a server could not be reached try it again.
    pub(super) fn remember_outage(&mut self, now: Timestamp, project: ProjectId) {
        if !self.held_for(project, HoldReason::Unreachable).is_empty()
            && let Some(queue) = self.projects.get_mut(&project)
        {
            queue.outage.get_or_insert_with(|| Outage::new(now));
        }
    }

    /// The item fails: its owner entered what its server does not take (R44).
    pub(super) fn credentials_refused(
        &mut self,
        item: ItemId,
        (side, failure): (Side, Failure),
        outcome: &mut Outcome,
        effects: &mut Vec<Effect>,
    ) {
        match self.change(item, status::Event::CredentialsRefused, Some((Some(side), failure)), effects) {
            Ok(_) => outcome.done.push(item),
            Err(refusal) => outcome.left.push((item, refusal.into())),
        }
    }

    /// The credentials that these waited for have come: they start at their time, if that is still to come.
    pub(super) fn credentials_came(
        &mut self,
        now: Timestamp,
        items: &[ItemId],
        outcome: &mut Outcome,
        effects: &mut Vec<Effect>,
    ) {
        let mut queued = Vec::new();
        for item in items {
            let Some(known) = self.items.get(item).copied() else {
                outcome.left.push((*item, LeftAlone::Missing));
                continue;
            };
            let wait = self.wait(known.project, false, known.until.filter(|at| *at > now));
            match self.change(*item, status::Event::CredentialsCame(wait), None, effects) {
                Ok(Status::Submitted) => queued.push((known.queue(), *item)),
                Ok(Status::Scheduled) => self.due.extend(known.until.map(|at| (at, *item))),
                Ok(_) => {}
                Err(refusal) => {
                    outcome.left.push((*item, refusal.into()));
                    continue;
                }
            }
            outcome.done.push(*item);
        }
        self.enqueue(queued, Turn::Last);
    }
}
