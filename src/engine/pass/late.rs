//! Messages that are looked at when all others are done: those that came after the listing, those above a UIDNEXT that
//! was told too low (D27), and those of a view of everything, of which only what lies in no other folder is moved (D14).
//!
//! A late message may be one that moved here from a folder already copied. If a watermark has its identity, the next pass
//! tells; else it is copied now.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;

use async_trait::async_trait;

use crate::domain::failure::{Scope, Side};
use crate::domain::identity::{Identity, Names};
use crate::domain::ids::{FolderId, Uid};
use crate::endpoint::{Destination, Source};
use crate::engine::pass::headers::who_here;
use crate::engine::pass::job::{Job, Todo};
use crate::engine::pass::lane::{Lanes, Step};
use crate::engine::pass::places::{Prepared, Queue};
use crate::engine::pass::{Flow, Halt, On, Pass};

/// Who the late messages of a folder are.
struct Identify<'a> {
    job: &'a Job,
}

#[async_trait]
impl Step for Identify<'_> {
    type Out = BTreeMap<Uid, Names>;

    async fn run(&mut self, pass: &Pass, source: &mut dyn Source, _to: &mut dyn Destination) -> Flow<Self::Out> {
        match who_here(pass, source, &self.job.source, &self.job.late).await {
            Err(failure) if failure.scope <= Scope::Folder => Ok(BTreeMap::new()),
            names => names.on(Side::Source).map_err(Halt::Fatal),
        }
    }
}

impl Pass {
    /// Keeps a folder's late messages for the end of the pass.
    pub(super) fn postpone(&self, job: &Job) {
        let mut late = self.late.lock().unwrap_or_else(PoisonError::into_inner);
        if job.late.is_empty() {
            late.remove(&job.id);
        } else {
            late.insert(job.id, Job { todo: Todo::These(Vec::new()), carries: Vec::new(), ..job.clone() });
        }
    }

    /// The destination folder of a job was made again: late messages of the same go into that.
    pub(super) fn revived(&self, job: &Job) {
        let mut late = self.late.lock().unwrap_or_else(PoisonError::into_inner);
        for other in
            late.values_mut().filter(|other| other.destination_gone && other.destination.path == job.destination.path)
        {
            (other.destination, other.opened) = (job.destination.clone(), job.opened);
            (other.permanent, other.destination_gone) = (job.permanent.clone(), false);
        }
    }

    /// Copies what came late and is known nowhere.
    pub(super) async fn late_round(&self, lanes: &mut Lanes, prepared: &Prepared) -> Flow<()> {
        let kept = || self.late.lock().unwrap_or_else(PoisonError::into_inner);
        // Views of everything last: what the others bring is known by then.
        let mut order: Vec<(bool, FolderId)> = kept().values().map(|job| (job.remainder, job.id)).collect();
        order.sort_unstable();
        for (_, id) in order {
            let job = kept().remove(&id);
            if let Some(job) = job.filter(|job| !job.abandoned) {
                self.bring_late(lanes, prepared, job).await?;
            }
        }
        Ok(())
    }

    async fn bring_late(&self, lanes: &mut Lanes, prepared: &Prepared, mut job: Job) -> Flow<()> {
        let Some(lane) = lanes.iter_mut().next() else { return Ok(()) };
        self.recorder.flush().await;
        let names = self.persist(lane, &mut Identify { job: &job }).await?;
        // Watermarks of older versions know a message by another form.
        let asked: BTreeSet<Identity> = names.values().flat_map(|names| [names.now, names.before]).collect();
        let mut held = match job.remainder {
            // As many of them lie in other folders as are known there; more of the same lie here only.
            true => self.journal.held_elsewhere(job.id, asked).await?,
            false => {
                let known = self.journal.known_identities(asked).await?;
                known.into_iter().map(|identity| (identity, u64::MAX)).collect()
            }
        };
        let mut take = |identity: &Identity| match held.get_mut(identity) {
            None | Some(0) => false,
            Some(left) => {
                *left -= 1;
                true
            }
        };
        let is_known = |uid: &Uid| names.get(uid).is_some_and(|names| take(&names.now) || take(&names.before));
        let (elsewhere, new): (Vec<Uid>, Vec<Uid>) = std::mem::take(&mut job.late).into_iter().partition(is_known);
        let count = elsewhere.len() as u64;
        self.tally.count(self.clock.now(), job.id, |c| match job.remainder {
            // It lies in another folder too, and is moved there.
            true => {
                c.skipped += count;
                c.source += count + new.len() as u64;
            }
            false => {
                c.arrived = count;
                c.source += new.len() as u64;
            }
        });
        // What is left for the next pass, or lies elsewhere, keeps the folder from counting as whole; a view of everything
        // is whole when all of it lies somewhere.
        job.unfinished |= count > 0 && !job.remainder;
        job.todo = Todo::These(new);
        job.vanished = self.tally.counts(job.id).vanished;
        let uids: BTreeSet<Uid> = match &job.todo {
            Todo::These(uids) => uids.iter().copied().collect(),
            Todo::All => BTreeSet::new(),
        };
        job.listing.retain(|uid, _| uids.contains(uid));
        // Others of this folder have been copied since it was opened.
        job.cut.resumed = true;
        self.resolve_folder(lane, prepared, &mut job).await?;
        if job.destination_gone && !job.abandoned && !job.is_empty() {
            self.revive_for(lane, vec![&mut job]).await?;
        }
        if job.abandoned {
            return Ok(());
        }
        if job.is_empty() {
            return self.folder_done(&job, 0).await;
        }
        let mut groups = vec![vec![job]];
        self.declare(&mut groups).await?;
        let copied = self.copy_lane(lane, prepared, &Queue::new(groups), &Queue::new([])).await;
        self.lane_ended(copied)
    }
}
