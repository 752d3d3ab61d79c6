//! What a lane has before it: the folders that it took and that have not ended, and where in one of them it is. Bounded by
//! the folders of the mailbox.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::ids::{FolderId, Uid};
use crate::pass::job::{Asking, Job};
use crate::pass::places::GroupQueue;

/// The folders of one lane: taken and not ended.
pub(super) struct Backlog<'a> {
    queue: &'a GroupQueue,
    own: Mutex<LaneQueue>,
}

#[derive(Default)]
struct LaneQueue {
    /// To be read.
    waiting: VecDeque<Job>,
    /// Being read or written.
    open: Vec<Arc<Job>>,
    /// Read, but something did not come: to be looked into again.
    second: Vec<Job>,
    /// Nothing but suspects is left in them: they come when all else is done (D22).
    last: VecDeque<Job>,
}

impl<'a> Backlog<'a> {
    pub fn new(queue: &'a GroupQueue) -> Self {
        Self { queue, own: Mutex::default() }
    }

    fn with<T>(&self, act: impl FnOnce(&mut LaneQueue) -> T) -> T {
        act(&mut self.own.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The next folder to read. A group stays with its lane, so that one connection writes a destination folder.
    pub fn next(&self) -> Option<Arc<Job>> {
        self.with(|own| {
            if own.waiting.is_empty() {
                own.waiting.extend(self.queue.take().unwrap_or_default());
            }
            let job = Arc::new(own.waiting.pop_front().or_else(|| own.last.pop_front())?);
            debug_assert!(!job.is_empty(), "a folder with nothing to copy is not read");
            own.open.push(Arc::clone(&job));
            Some(job)
        })
    }

    /// A folder has ended.
    pub fn ended(&self, id: FolderId) {
        self.with(|own| own.open.retain(|job| job.id != id));
    }

    /// A folder has been read and so many messages did not come, or the server refused to hand them out together.
    pub fn look_again(&self, job: &Arc<Job>, asking: Asking, missing: u64) {
        self.ended(job.id);
        let mut again = Job::clone(job);
        (again.suspicion.asking, again.remaining.missing) = (asking, missing);
        again.suspicion.rescans += 1;
        self.with(|own| own.second.push(again));
    }

    pub fn take_second(&self) -> Vec<Job> {
        self.with(|own| std::mem::take(&mut own.second))
    }

    /// After a break: every folder not ended, to be looked into again.
    pub fn take_back(&self) -> Vec<Job> {
        let own = self.with(std::mem::take);
        own.open.into_iter().map(Arc::unwrap_or_clone).chain(own.second).chain(own.waiting).chain(own.last).collect()
    }

    pub fn give(&self, jobs: Vec<Job>) {
        let (last, waiting): (Vec<_>, Vec<_>) = jobs.into_iter().partition(Job::only_suspects);
        self.with(|own| {
            own.waiting.extend(waiting);
            own.last.extend(last);
        });
    }

    /// The folders that were begun and have not ended.
    pub fn opened(&self) -> Vec<Arc<Job>> {
        self.with(|own| own.open.clone())
    }

    /// Whether this lane has nothing left but suspects, when it broke at this message.
    pub fn only_suspects_left(&self, at: Option<(FolderId, Uid)>) -> bool {
        // A suspect is read when all else of its folder is done.
        let is_last = |job: &Job| at.is_some_and(|(id, uid)| id == job.id && job.suspicion.suspects.is_alone(uid));
        self.queue.is_empty()
            && self.with(|own| {
                own.waiting.is_empty()
                    && own.second.is_empty()
                    && own.open.iter().all(|job| job.only_suspects() || is_last(job))
            })
    }
}

/// The message after the one that came last: where a source that broke was.
pub(super) fn next_expected(job: &Job, last: Option<Uid>) -> Option<Uid> {
    let order: Vec<Uid> = job.order().into_iter().flat_map(|part| part.uids).collect();
    let next = last.and_then(|last| order.iter().position(|uid| *uid == last)).map_or(0, |at| at + 1);
    order.get(next).copied()
}
