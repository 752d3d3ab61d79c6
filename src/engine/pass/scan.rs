//! Compare: which messages of each folder are new, which are known, which flags changed, and which watermarks lost
//! their message (D7, D10, D12).
//!
//! A first pass into an empty folder needs no listing: everything is new and comes with its bytes.

use std::collections::BTreeMap;

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use futures_util::future::join_all;

use crate::domain::failure::{Scope, Side};
use crate::domain::identity::Identity;
use crate::domain::ids::{FolderId, Uid};
use crate::domain::matching::GoneMarks;
use crate::domain::message::MessageMeta;
use crate::domain::plan::{compare, needs_dates, skip_rule};
use crate::domain::record::{Phase, Watermark};
use crate::endpoint::{Destination, Source, Which};
use crate::engine::pass::job::{Carry, Job, Todo};
use crate::engine::pass::lane::{Lane, Lanes, Step, settle};
use crate::engine::pass::places::{Group, Prepared, Queue};
use crate::engine::pass::resolve::Resolve;
use crate::engine::pass::{Flow, Halt, On, Pass, Trouble};

/// Compares one folder.
struct Scan<'a> {
    job: &'a mut Job,
    gone: Vec<(Identity, FolderId, Uid)>,
    /// The last failure of three at this folder.
    broken: bool,
}

/// What lanes do with every folder of the groups they take.
enum Look<'a> {
    /// Compare; watermarks that lost their message are gathered.
    Compare(&'a Mutex<Vec<(Identity, FolderId, Uid)>>),
    /// Resolve.
    Resolve(&'a Prepared),
}

/// How a step over one folder ended, when it was not by a halt.
pub(super) enum Looked {
    /// It was done.
    Done,
    /// The folder cannot be worked on.
    Failed(crate::domain::failure::Failure),
}

#[async_trait]
impl Step for Scan<'_> {
    type Out = Looked;

    async fn run(&mut self, pass: &Pass, source: &mut dyn Source, _to: &mut dyn Destination) -> Flow<Looked> {
        // What an earlier try of this pass recorded must be seen.
        pass.recorder.flush().await;
        let watermarks = pass.journal.watermarks(self.job.id).await?;
        let job = &*self.job;
        let unharmed =
            job.looks == 0 && pass.failed_in(job.id).is_empty() && job.suspects.is_empty() && job.folder_blame == 0;
        if watermarks.is_empty() && !pass.filters() && unharmed {
            self.job.todo = Todo::All;
            pass.expect(self.job, 0, 0, u64::from(self.job.listed.messages));
            return Ok(Looked::Done);
        }
        let dates = needs_dates(&pass.order.options, None);
        match source.scan(&self.job.source, &Which::All, dates).await {
            Ok(listing) => self.sort_out(pass, &listing, &watermarks),
            Err(failure) if failure.scope <= Scope::Folder => return Ok(Looked::Failed(failure)),
            Err(failure) => return Err(failure).on(Side::Source).map_err(Halt::Fatal),
        }
        Ok(Looked::Done)
    }

    fn broke(&mut self, pass: &Pass, trouble: &Trouble) -> Option<Looked> {
        self.broken = pass.blame_folder(self.job, &trouble.failure);
        self.broken.then(|| Looked::Failed(trouble.failure.clone()))
    }
}

impl Scan<'_> {
    fn sort_out(&mut self, pass: &Pass, listing: &[MessageMeta], watermarks: &[Watermark]) {
        let options = &pass.order.options;
        let job = &mut *self.job;
        let listing: Vec<&MessageMeta> = listing.iter().filter(|message| job.was_listed(message.uid)).collect();
        if listing.len() < job.listed.messages as usize {
            // Deleted since the listing, or a server that does not show everything: only another pass can tell.
            job.unfinished = true;
        }
        let listing: Vec<MessageMeta> = listing.into_iter().cloned().collect();
        let found = compare(&listing, watermarks, options.carry_flags);
        job.folder_blame = 0;
        job.listing.clear();
        let failed = pass.failed_in(job.id);
        let (mut new, mut skipped) = (Vec::new(), 0);
        for message in found.new.iter().map(|at| &listing[*at]) {
            if failed.contains(&message.uid) {
                continue;
            }
            if skip_rule(message, options, None).is_some() {
                skipped += 1;
                continue;
            }
            new.push(message.uid);
            job.listing.insert(message.uid, (message.flags.clone(), message.size));
        }
        pass.expect(job, found.known, skipped, new.len() as u64);
        job.todo = Todo::These(new);
        job.carries = found.flag_changes.into_iter().map(Carry::from).collect();
        self.gone = found.gone.iter().map(|w| (w.identity, job.id, w.source)).collect();
    }
}

impl Pass {
    /// Whether the options leave messages out, so that a listing is needed even on a first pass.
    pub(super) fn filters(&self) -> bool {
        needs_dates(&self.order.options, None) || self.order.options.largest.is_some()
    }

    /// Sets a folder's expected sums: what this pass already counted stays, the rest of what is known was there before.
    fn expect(&self, job: &Job, known: u64, skipped: u64, new: u64) {
        self.tally.count(self.clock.now(), job.id, |c| {
            c.already_there = known.saturating_sub(c.copied);
            c.skipped = skipped;
            c.vanished = 0;
            c.source = c.copied + c.already_there + c.skipped + c.errors + new;
        });
    }

    /// Compares one folder, again after lost connections; a folder that cannot be read becomes an error.
    pub(super) async fn scan_folder(&self, lane: &mut Lane, job: &mut Job) -> Flow<Vec<(Identity, FolderId, Uid)>> {
        let mut step = Scan { job, gone: Vec::new(), broken: false };
        let looked = self.persist(lane, &mut step).await?;
        let gone = step.gone;
        if let Looked::Failed(failure) = looked {
            self.folder_failed(job, failure).await?;
        }
        Ok(gone)
    }

    /// Compares all folders, then gathers the watermarks that lost their message: they may have moved.
    pub(super) async fn scan(&self, lanes: &mut Lanes, prepared: &mut Prepared) -> Flow<()> {
        self.tally.phase(self.clock.now(), Phase::ScanningDestination);
        let needs = |group: &Group| self.filters() || group.iter().any(|job| !job.fresh);
        let (look, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut prepared.groups).into_iter().partition(needs);
        for job in rest.iter().flatten() {
            self.expect(job, 0, 0, u64::from(job.listed.messages));
        }
        let gone = Mutex::new(Vec::new());
        prepared.groups = self.side_by_side(lanes, &Look::Compare(&gone), look, rest).await?;
        let mut gone = gone.into_inner().unwrap_or_else(PoisonError::into_inner);
        if prepared.groups.iter().flatten().any(|job| !job.is_empty()) {
            for id in &prepared.lost {
                gone.extend(self.journal.watermarks(*id).await?.into_iter().map(|w| (w.identity, *id, w.source)));
            }
        }
        *prepared.gone.get_mut().unwrap_or_else(PoisonError::into_inner) = GoneMarks::new(gone);
        Ok(())
    }

    /// Looks for new messages that are at the destination already or moved within the source, and carries flags.
    pub(super) async fn resolve(&self, lanes: &mut Lanes, prepared: &mut Prepared) -> Flow<()> {
        let groups = std::mem::take(&mut prepared.groups);
        let needs = |group: &Group| group.iter().any(|job| Resolve::needed(self, prepared, job));
        let (look, rest): (Vec<_>, Vec<_>) = groups.into_iter().partition(needs);
        prepared.groups = self.side_by_side(lanes, &Look::Resolve(prepared), look, rest).await?;
        self.retire(prepared).await
    }

    /// Lets all lanes look at the folders of these groups; answers them with the others.
    async fn side_by_side(
        &self,
        lanes: &mut Lanes,
        look: &Look<'_>,
        groups: Vec<Group>,
        rest: Vec<Group>,
    ) -> Flow<Vec<Group>> {
        let (queue, done) = (Queue::new(groups), Queue::new(rest));
        let runs = lanes.iter_mut().map(|lane| {
            let (queue, done) = (&queue, &done);
            async move {
                let run = async {
                    if queue.is_empty() || !self.join_in(lane).await {
                        return Ok(());
                    }
                    self.look_at_groups(lane, look, queue, done).await
                };
                self.lane_ended(run.await)
            }
        });
        settle(join_all(runs).await)?;
        // What a lane gave back.
        if let Some(first) = lanes.iter_mut().next() {
            self.look_at_groups(first, look, &queue, &done).await?;
        }
        Ok(done.into_groups())
    }

    async fn look_at_groups(&self, lane: &mut Lane, look: &Look<'_>, queue: &Queue, done: &Queue) -> Flow<()> {
        while let Some(mut group) = queue.take() {
            for job in &mut group {
                let looked = match look {
                    Look::Compare(gone) => self.scan_folder(lane, job).await.map(|found| {
                        gone.lock().unwrap_or_else(PoisonError::into_inner).extend(found);
                    }),
                    Look::Resolve(prepared) => self.resolve_folder(lane, prepared, job).await,
                };
                match looked {
                    Ok(()) => {}
                    Err(halt) if lane.is_unwanted(&halt) => {
                        lane.leave_out();
                        queue.put(group);
                        return Ok(());
                    }
                    Err(halt) => return Err(halt),
                }
            }
            done.put(group);
        }
        Ok(())
    }

    /// Watermarks that lost their message and that no new message claimed: set aside before their folder counts as done,
    /// so that a message that comes back later, elsewhere, is known although its folder is not looked into again (D12).
    async fn retire(&self, prepared: &mut Prepared) -> Flow<()> {
        // What was claimed has moved when this is done.
        self.recorder.flush().await;
        if self.recorder.failed().is_cancelled() {
            return Err(Halt::Stopped);
        }
        let gone = prepared.gone.get_mut().unwrap_or_else(PoisonError::into_inner);
        let mut rows = BTreeMap::new();
        for (folder, messages) in gone.by_folder().into_iter().filter(|(id, _)| !prepared.lost.contains(id)) {
            let row = self.journal.retire(folder, messages).await?;
            rows.insert(folder, row);
            if let Some(place) = prepared.places.get(&folder).cloned() {
                prepared.places.insert(row, place);
            }
        }
        gone.rehome(&rows);
        Ok(())
    }
}
