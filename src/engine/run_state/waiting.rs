//! Whose turn it is: the queue of each project, and items that wait for a mailbox which another one has (D30).
//!
//! A mailbox that is written belongs to one item alone; any number may read one that nobody writes. Who finds its mailbox
//! taken is *parked* beside it, out of the way of those behind; when it is given back, the first of each queue that waits
//! there stands in it again, at the place of its submission. So every event costs the same however many wait.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::domain::ids::{ItemId, ProjectId};
use crate::domain::mailbox_key::{MailboxKey, Mailboxes};
use crate::engine::runner::RunnerKind;

/// An item whose turn it may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Next {
    /// Its place: grows with submissions, and goes below zero for those that are next.
    number: i64,
    pub item: ItemId,
    /// The mailbox it was parked at before.
    parked_at: Option<MailboxKey>,
}

/// A queue: the items of one project that one kind of runner works on.
pub(super) type QueueId = (ProjectId, RunnerKind);

#[derive(Debug, Default)]
struct Line {
    queue: BTreeMap<i64, Next>,
    parked: BTreeMap<i64, (ItemId, MailboxKey)>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Use {
    readers: u32,
    written: bool,
}

/// Who waits for what, and which mailboxes are in use.
#[derive(Debug, Default)]
pub(super) struct WaitingItems {
    last: i64,
    first: i64,
    lines: BTreeMap<QueueId, Line>,
    used: HashMap<MailboxKey, Use>,
    parked: HashMap<MailboxKey, BTreeMap<QueueId, BTreeSet<i64>>>,
}

impl WaitingItems {
    /// A submission stands at the end of its queue.
    pub fn push(&mut self, queue: QueueId, item: ItemId) {
        self.last += 1;
        let number = self.last;
        self.lines.entry(queue).or_default().queue.insert(number, Next { number, item, parked_at: None });
    }

    /// Whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.lines.values().all(|line| line.queue.is_empty() && line.parked.is_empty())
    }

    /// Everybody who waits, in all queues.
    pub fn items(&self) -> impl Iterator<Item = ItemId> {
        self.lines.values().flat_map(|line| {
            line.queue.values().map(|next| next.item).chain(line.parked.values().map(|(item, _)| *item))
        })
    }

    /// A submission stands before all others of its queue.
    pub fn push_first(&mut self, queue: QueueId, item: ItemId) {
        self.first -= 1;
        let number = self.first;
        self.lines.entry(queue).or_default().queue.insert(number, Next { number, item, parked_at: None });
    }

    /// Takes everybody of a queue out, in the order of submission.
    pub fn drain(&mut self, queue: QueueId) -> Vec<ItemId> {
        self.take_out(queue, |_| true)
    }

    /// Takes these out of a queue, in the order of submission. Whoever waits at the same mailboxes is not left waiting for
    /// them.
    pub fn take_out(&mut self, queue: QueueId, which: impl Fn(ItemId) -> bool) -> Vec<ItemId> {
        let Some(line) = self.lines.get_mut(&queue) else { return Vec::new() };
        let parked: Vec<_> = line.parked.extract_if(.., |_, (item, _)| which(*item)).collect();
        let queued: Vec<_> = line.queue.extract_if(.., |_, next| which(next.item)).collect();
        let mut all = BTreeMap::new();
        for (number, (item, key)) in parked {
            self.unpark(key, queue, number);
            all.insert(number, item);
        }
        let mut woken: Vec<MailboxKey> = Vec::new();
        for (number, next) in queued {
            woken.extend(next.parked_at);
            all.insert(number, next.item);
        }
        woken.dedup();
        woken.into_iter().for_each(|key| self.wake(key));
        all.into_values().collect()
    }

    /// The first in a queue.
    pub fn next(&mut self, queue: QueueId) -> Option<Next> {
        self.lines.get_mut(&queue)?.queue.pop_first().map(|(_, next)| next)
    }

    /// Gives an item its mailboxes; false if one of them is taken: then it is parked.
    pub fn take(&mut self, queue: QueueId, next: Next, mailboxes: &Mailboxes) -> bool {
        if let Some(key) = self.taken(mailboxes) {
            self.parked.entry(key).or_default().entry(queue).or_default().insert(next.number);
            self.lines.entry(queue).or_default().parked.insert(next.number, (next.item, key));
            self.pass_on(next, Some(key));
            return false;
        }
        for key in mailboxes.reads {
            self.used.entry(key).or_default().readers += 1;
        }
        for key in mailboxes.writes {
            self.used.entry(key).or_default().written = true;
        }
        self.pass_on(next, None);
        true
    }

    /// It does not need its turn after all: who waited behind it at its mailbox is next.
    pub fn pass_on(&mut self, next: Next, parked_at: Option<MailboxKey>) {
        if let Some(key) = next.parked_at.filter(|key| parked_at != Some(*key))
            && !self.used.get(&key).is_some_and(|used| used.written)
        {
            self.wake(key);
        }
    }

    /// An item has ended: its mailboxes are free for others.
    pub fn give_back(&mut self, mailboxes: &Mailboxes) {
        for key in mailboxes.writes {
            if let Some(used) = self.used.get_mut(&key) {
                used.written = false;
            }
        }
        for key in mailboxes.reads {
            if let Some(used) = self.used.get_mut(&key) {
                used.readers = used.readers.saturating_sub(1);
            }
        }
        for key in mailboxes.writes.into_iter().chain(mailboxes.reads) {
            if self.used.get(&key).is_some_and(|used| !used.written && used.readers == 0) {
                self.used.remove(&key);
            }
            self.wake(key);
        }
    }

    /// The first of these mailboxes that cannot be had now.
    fn taken(&self, mailboxes: &Mailboxes) -> Option<MailboxKey> {
        let used = |key: &MailboxKey| self.used.get(key).copied().unwrap_or_default();
        let written = mailboxes.reads.iter().find(|key| used(key).written);
        let in_use = || mailboxes.writes.iter().find(|key| used(key).written || used(key).readers > 0);
        written.or_else(in_use).copied()
    }

    fn unpark(&mut self, key: MailboxKey, queue: QueueId, number: i64) {
        let Some(parked) = self.parked.get_mut(&key) else { return };
        if let Some(numbers) = parked.get_mut(&queue) {
            numbers.remove(&number);
            if numbers.is_empty() {
                parked.remove(&queue);
            }
        }
        if parked.is_empty() {
            self.parked.remove(&key);
        }
    }

    /// The first of each queue that waits for this mailbox stands in it again.
    fn wake(&mut self, key: MailboxKey) {
        let Some(parked) = self.parked.get(&key) else { return };
        let first = parked.iter().filter_map(|(queue, numbers)| Some((*queue, *numbers.first()?)));
        for (queue, number) in first.collect::<Vec<_>>() {
            self.unpark(key, queue, number);
            let Some(line) = self.lines.get_mut(&queue) else { continue };
            if let Some((item, _)) = line.parked.remove(&number) {
                line.queue.insert(number, Next { number, item, parked_at: Some(key) });
            }
        }
    }
}
