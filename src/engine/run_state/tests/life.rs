//! Random lives of the run state beside a second, simpler model: the rules of the statuses as people read them, a plain list
//! for the queue, and no thought for speed.

use std::time::Duration;

use super::*;

/// Cheap, and the same on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    fn some(&mut self, items: i64) -> Vec<ItemId> {
        (1..=items).filter(|_| self.roll(3) == 0).map(ItemId).collect()
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Simple {
    status: Status,
    until: Option<Timestamp>,
    hold: Option<HoldReason>,
    /// The number of its pass.
    pass: i64,
}

#[derive(Debug)]
struct Model {
    items: BTreeMap<ItemId, Simple>,
    queue: Vec<ItemId>,
    limits: ProjectLimits,
}

impl Model {
    fn at_rest(&self, item: ItemId) -> bool {
        use Status::{Completed, Failed, NotSubmitted, Stopped};
        matches!(self.items[&item].status, NotSubmitted | Stopped | Failed | Completed)
    }

    fn set(&mut self, item: ItemId, status: Status) {
        if let Some(simple) = self.items.get_mut(&item) {
            (simple.status, simple.hold) = (status, None);
        }
    }

    fn hold(&mut self, item: ItemId, reason: HoldReason) {
        self.set(item, Status::Held);
        self.items.get_mut(&item).unwrap().hold = Some(reason);
    }

    fn start(&mut self, items: &[ItemId], wait: Wait, turn: Turn) {
        let mut queued = Vec::new();
        for item in items.iter().copied().filter(|item| self.at_rest(*item)).collect::<Vec<_>>() {
            let until = if let Wait::Until(at) = wait { Some(at) } else { None };
            let status = match wait {
                Wait::None => Status::Submitted,
                Wait::Until(_) => Status::Scheduled,
                Wait::Word(_) => Status::Held,
                Wait::Credentials => Status::WaitingForUser,
            };
            let hold = if let Wait::Word(reason) = wait { Some(reason) } else { None };
            self.items.insert(item, Simple { status, until, hold, pass: item.0 * 10 });
            if wait == Wait::None {
                queued.push(item);
            }
        }
        match turn {
            Turn::Last => self.queue.extend(queued),
            Turn::Next => drop(self.queue.splice(0..0, queued)),
        }
    }

    fn stop(&mut self, items: &[ItemId], takes_back: bool) {
        for item in items {
            match self.items[item].status {
                Status::Submitted if takes_back => {
                    self.queue.retain(|other| other != item);
                    self.set(*item, Status::Stopped);
                }
                Status::Scheduled | Status::Held | Status::WaitingForUser => self.set(*item, Status::Stopped),
                Status::Migrating => self.set(*item, Status::Stopping),
                _ => {}
            }
        }
    }

    fn limit(&mut self, limits: ProjectLimits) {
        let before = std::mem::replace(&mut self.limits, limits);
        if limits.held && !before.held {
            for item in std::mem::take(&mut self.queue) {
                self.hold(item, HoldReason::Switch);
            }
        }
        if before.held && !limits.held {
            let mut held: Vec<_> = self
                .items
                .iter()
                .filter(|(_, s)| s.hold == Some(HoldReason::Switch))
                .map(|(i, s)| (s.pass, *i))
                .collect();
            held.sort_unstable();
            for (_, item) in held {
                self.set(item, Status::Submitted);
                self.queue.push(item);
            }
        }
    }

    fn end(&mut self, item: ItemId, completed: bool) {
        match self.items[&item].status {
            Status::Stopping => self.set(item, Status::Stopped),
            Status::Queued | Status::Migrating if completed => self.set(item, Status::Completed),
            Status::Queued | Status::Migrating => self.set(item, Status::Failed),
            _ => {}
        }
    }

    /// Time goes on, and whoever may start does.
    fn settle(&mut self, now: Timestamp) {
        let mut due: Vec<_> = self
            .items
            .iter()
            .filter(|(_, s)| s.status == Status::Scheduled && s.until.is_some_and(|at| at <= now))
            .map(|(item, s)| (s.until, *item))
            .collect();
        due.sort_unstable();
        for (at, item) in due {
            if now.since(at.unwrap()) > Duration::from_secs(30 * 60) {
                self.hold(item, HoldReason::Missed);
            } else if self.limits.held {
                self.hold(item, HoldReason::Switch);
            } else {
                self.set(item, Status::Submitted);
                self.queue.push(item);
            }
        }
        let active = |s: &&Simple| matches!(s.status, Status::Queued | Status::Migrating | Status::Stopping);
        while !self.queue.is_empty() && self.items.values().filter(active).count() < self.limits.concurrent as usize {
            let item = self.queue.remove(0);
            self.set(item, Status::Queued);
        }
    }
}

/// One life: so many events over a few items.
#[expect(clippy::too_many_lines, reason = "one life, from its first event to its last")]
fn live(seed: u64) {
    const ITEMS: i64 = 6;
    let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let mut state = with_items(ITEMS, 2);
    let simple = Simple { status: Status::NotSubmitted, until: None, hold: None, pass: 0 };
    let items = (1..=ITEMS).map(|id| (ItemId(id), simple)).collect();
    let mut model = Model { items, queue: Vec::new(), limits: up_to(2) };
    let (mut now, mut told) = (at(0), Vec::new());
    for _ in 0..60 {
        now = now.plus(Duration::from_millis(dice.roll(20 * 60_000)));
        let some = dice.some(ITEMS);
        let one = ItemId(1 + i64::try_from(dice.roll(ITEMS as u64)).unwrap());
        let event = match dice.roll(12) {
            0..=2 => {
                let wait = match dice.roll(5) {
                    0 => Wait::Until(now.plus(Duration::from_millis(dice.roll(40 * 60_000)))),
                    1 => Wait::Credentials,
                    _ => model.limits.held.then_some(HoldReason::Switch).map_or(Wait::None, Wait::Word),
                };
                let turn = if dice.roll(3) == 0 { Turn::Next } else { Turn::Last };
                let chosen = state.startable(&some, wait).done;
                model.start(&chosen, wait, turn);
                let passes = chosen.iter().map(|item| (*item, PassId(item.0 * 10))).collect();
                let until = if let Wait::Until(at) = wait { Some(at) } else { None };
                Event::Submitted { passes, wait, until, turn }
            }
            3 => {
                model.stop(&some, false);
                Event::Stop(some)
            }
            4 => {
                model.stop(&some, true);
                Event::Withdraw(some)
            }
            5 => {
                let limits = ProjectLimits { concurrent: 1 + dice.roll(3) as u32, held: dice.roll(3) == 0 };
                model.limit(limits);
                Event::Limits(PROJECT, limits)
            }
            6 | 7 => {
                if model.items[&one].status == Status::Queued {
                    model.set(one, Status::Migrating);
                }
                Event::Loaded(one)
            }
            8 if matches!(model.items[&one].status, Status::Queued | Status::Migrating | Status::Stopping) => {
                let completed = dice.roll(2) == 0;
                model.end(one, completed);
                let failure = Failure::new(Cause::DestinationFull, Scope::Mailbox, Retry::User, "appending");
                let failed = PassEnd::Failed { side: Some(Side::Destination), failure };
                Event::Ended(one, if completed { COMPLETED } else { failed })
            }
            9 if model.at_rest(one) => {
                model.items.insert(one, simple);
                Event::Reset(vec![one])
            }
            10 => {
                for item in some.iter().copied() {
                    let held = model.items[&item];
                    let by_switch = held.hold == Some(HoldReason::Switch) && model.limits.held;
                    let late = held.status == Status::Scheduled && held.until.is_some_and(|at| at <= now);
                    if late && model.limits.held {
                        model.hold(item, HoldReason::Switch);
                    } else if late || (held.status == Status::Held && !by_switch) {
                        model.set(item, Status::Submitted);
                        model.queue.push(item);
                    }
                }
                Event::Resume(some)
            }
            11 if model.items[&one].status == Status::WaitingForUser => {
                let held = model.limits.held;
                if held {
                    model.hold(one, HoldReason::Switch);
                } else {
                    model.set(one, Status::Submitted);
                    model.queue.push(one);
                }
                Event::CredentialsCame(vec![one])
            }
            _ => Event::Tick,
        };
        told.push(format!("{now:?}: {event:?}"));
        let (effects, _) = state.handle(now, event);
        model.settle(now);
        let really: Vec<_> = state.items.values().map(|item| (item.status, item.hold)).collect();
        let expected: Vec<_> = model.items.values().map(|simple| (simple.status, simple.hold)).collect();
        assert_eq!(really, expected, "seed {seed}:\n{}\n{effects:?}", told.join("\n"));
    }
}

#[test]
fn random_lives_keep_the_rules_of_the_statuses() {
    (1..=5_000).for_each(live);
}
