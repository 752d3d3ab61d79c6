//! Messages that are looked at when all others are done: those that came after the listing, those above a UIDNEXT that
//! was told too low (D27), and those of a view of everything, of which only what lies in no other folder is moved (D14).
//!
//! A late message may be one that moved here from a folder already copied. If a watermark has its identity, the next pass
//! tells; else it is copied now.
//! One that is not handed out to tell who it is is not copied; reading it again tells what is wrong with it. What is decided
//! holds for the rest of the pass, however often the folder is looked into again. Bounded: 50 bytes or so for each.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;

use async_trait::async_trait;

use crate::domain::failure::{Scope, Side};
use crate::domain::identity::Names;
use crate::domain::ids::{FolderId, Uid};
use crate::endpoint::{Destination, Source};
use crate::pass::bytes::HEADERS_AT_ONCE;
use crate::pass::contents::names_of_unseen;
use crate::pass::copy::Copying;
use crate::pass::headers::names_of_each;
use crate::pass::job::{Above, Chosen, Job, Landing, Past, Todo};
use crate::pass::lane::{Lane, Lanes, Step};
use crate::pass::places::{GroupQueue, Prepared};
use crate::pass::resolution::Resolution;
use crate::pass::scan::Looked;
use crate::pass::{OnSide, Pass, PassResult, PassStop, SideFailure};

/// Who the late messages of a folder are. A server that refuses to tell has not said that nobody knows them.
struct Identify<'a> {
    job: &'a mut Job,
    names: BTreeMap<Uid, Names>,
    /// They were not handed out in any way.
    unseen: BTreeSet<Uid>,
}

impl Identify<'_> {
    async fn ask(&mut self, pass: &Pass, source: &mut dyn Source) -> crate::endpoint::Result<()> {
        let from = &self.job.plan.source;
        for some in self.job.remaining.late.chunks(HEADERS_AT_ONCE) {
            let left: Vec<Uid> = some.iter().copied().filter(|uid| !self.names.contains_key(uid)).collect();
            names_of_each(pass, source, from, &left, &mut self.names).await?;
        }
        self.unseen = names_of_unseen(source, from, &self.job.remaining.late, &mut self.names).await?;
        Ok(())
    }
}

#[async_trait]
impl Step for Identify<'_> {
    type Out = Looked;

    async fn run(&mut self, pass: &Pass, source: &mut dyn Source, _to: &mut dyn Destination) -> PassResult<Looked> {
        match self.ask(pass, source).await.on(Side::Source) {
            Ok(()) => Ok(Looked::Done),
            Err(trouble) if trouble.failure.scope <= Scope::Folder => Ok(Looked::Failed(trouble)),
            Err(trouble) => Err(PassStop::Fatal(trouble)),
        }
    }

    fn broke(&mut self, pass: &Pass, trouble: &SideFailure) -> Option<Looked> {
        pass.blame_folder(self.job, &trouble.failure).then(|| Looked::Failed(trouble.clone()))
    }
}

impl Pass {
    /// Keeps a folder's late messages for the end of the pass.
    pub(super) fn postpone(&self, job: &Job) {
        let mut late = self.findings.late.lock().unwrap_or_else(PoisonError::into_inner);
        if job.remaining.late.is_empty() {
            late.remove(&job.id);
        } else {
            let mut job = job.clone();
            (job.remaining.todo, job.remaining.carries) = (Todo::These(Vec::new()), Vec::new());
            late.insert(job.id, job);
        }
    }

    /// The destination folder of a job was made again: late messages of the same go into that.
    pub(super) fn revived(&self, job: &Job) {
        let mut late = self.findings.late.lock().unwrap_or_else(PoisonError::into_inner);
        for other in late.values_mut().filter(|other| {
            other.has_lost_its_destination() && other.plan.destination.path == job.plan.destination.path
        }) {
            (other.plan.destination, other.plan.opened) = (job.plan.destination.clone(), job.plan.opened);
            (other.plan.permanent, other.plan.past) = (job.plan.permanent.clone(), Past::Known);
        }
    }

    /// A folder has ended but for its late messages: what was left open goes on with them.
    pub(super) fn goes_on_late(&self, job: &Job) {
        let mut late = self.findings.late.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(late) = late.get_mut(&job.id) {
            late.remaining.waiting.clone_from(&job.remaining.waiting);
            if job.suspicion.cut.landing == Landing::Open {
                late.suspicion.cut.landing = Landing::Open;
            }
        }
    }

    /// A folder failed: nothing more of it is tried in this pass, and what is open of it stays open.
    pub(super) fn not_late(&self, job: &Job) {
        self.findings.late.lock().unwrap_or_else(PoisonError::into_inner).remove(&job.id);
    }

    /// Counts late messages that are not copied.
    pub(super) fn count_others(&self, folder: FolderId, remainder: bool, others: u64) {
        self.tally.count(self.clock.now(), folder, |c| match remainder {
            // They lie in another folder too, and are moved there.
            true => {
                c.skipped += others;
                c.source += others;
            }
            false => c.arrived = others,
        });
    }
}

/// What came while the pass ran, and what lies in a view of everything only.
pub(super) struct LateRound<'a> {
    pub(super) pass: &'a Pass,
}

impl<'a> LateRound<'a> {
    /// Of this pass.
    pub fn of(pass: &'a Pass) -> Self {
        Self { pass }
    }
}

impl LateRound<'_> {
    /// Copies what came late and is known nowhere.
    pub(super) async fn late_round(&self, lanes: &mut Lanes, prepared: &Prepared) -> PassResult<()> {
        let kept = || self.pass.findings.late.lock().unwrap_or_else(PoisonError::into_inner);
        // Views of everything last: what the others bring is known by then.
        let mut order: Vec<(bool, FolderId)> = kept().values().map(|job| (job.shows_everything(), job.id)).collect();
        order.sort_unstable();
        for (_, id) in order {
            let job = kept().remove(&id);
            if let Some(job) = job.filter(|job| !job.is_abandoned()) {
                self.bring_late(lanes, prepared, job).await?;
            }
        }
        Ok(())
    }

    /// Decides which of a folder's late messages are copied; none if it cannot be read.
    async fn choose(&self, lane: &mut Lane, prepared: &Prepared, job: &mut Job) -> PassResult<Option<Chosen>> {
        let by_key = match job.shows_everything() {
            true => self.known_by_key(lane, prepared, job).await?,
            false => None,
        };
        let (told, departed) = by_key.map_or_else(Default::default, |found| (found.others, Some(found.departed)));
        let told: BTreeSet<Uid> = told.into_iter().collect();
        job.remaining.late.retain(|uid| !told.contains(uid));
        let by_key = departed.is_some();
        let mut step = Identify { job, names: BTreeMap::new(), unseen: BTreeSet::new() };
        let looked = self.pass.run_with_retry(lane, &mut step).await?;
        let Identify { job, names, mut unseen } = step;
        if let Looked::Failed(SideFailure { side, failure }) = looked {
            self.pass.folder_failed(job, side, failure).await?;
            return Ok(None);
        }
        job.remaining.late = Vec::new();
        let chosen = match job.shows_everything() {
            true => self.lie_elsewhere(lane, (prepared, departed), job, names).await?,
            false => Some(self.may_have_moved(names).await?),
        };
        Ok(chosen.map(|mut chosen| {
            if by_key && !chosen.others.is_empty() {
                // They left their folders while the pass ran: the next one tells.
                job.leave_undone();
            }
            chosen.others.extend(told);
            chosen.others.sort_unstable();
            chosen.wanted.extend(&unseen);
            chosen.unseen.append(&mut unseen);
            chosen
        }))
    }

    /// Messages that a watermark knows may have moved here: the next pass tells.
    async fn may_have_moved(&self, names: BTreeMap<Uid, Names>) -> PassResult<Chosen> {
        // Watermarks of older versions know a message by another form.
        let asked = names.values().flat_map(|names| [names.now, names.before]).collect();
        let known = self.pass.journal.known_identities(asked).await?;
        let is_known = |names: &Names| known.contains(&names.now) || known.contains(&names.before);
        let (others, wanted): (Vec<_>, Vec<_>) = names.into_iter().partition(|(_, names)| is_known(names));
        let uid = |(uid, _): (Uid, Names)| uid;
        Ok(Chosen {
            wanted: wanted.into_iter().map(uid).collect(),
            others: others.into_iter().map(uid).collect(),
            unseen: BTreeSet::new(),
        })
    }

    async fn bring_late(&self, lanes: &mut Lanes, prepared: &Prepared, mut job: Job) -> PassResult<()> {
        let Some(lane) = lanes.iter_mut().next() else { return Ok(()) };
        self.pass.recorder.flush().await;
        let Some(chosen) = self.choose(lane, prepared, &mut job).await? else { return Ok(()) };
        let counts = self.pass.tally.counts(job.id);
        self.pass.tally.count(self.pass.clock.now(), job.id, |c| c.source += chosen.wanted.len() as u64);
        self.pass.count_others(job.id, job.shows_everything(), chosen.others.len() as u64);
        // What is left for the next pass, or lies elsewhere, keeps the folder from counting as whole; a view of everything
        // is whole when all of it lies somewhere.
        if !chosen.others.is_empty() && !job.shows_everything() {
            job.leave_undone();
        }
        job.remaining.listing.retain(|uid, _| chosen.wanted.contains(uid));
        job.remaining.todo = Todo::These(chosen.wanted.iter().copied().collect());
        // However often the folder is looked into again, what was decided holds.
        job.remaining.chosen = Some(chosen);
        (job.remaining.vanished, job.remaining.missing, job.suspicion.rescans) = (counts.vanished, 0, 0);
        // Others of this folder have been copied since it was opened.
        job.suspicion.cut.above = Above::Recorded;
        Resolution::of(self.pass).resolve_folder(lane, prepared, &mut job).await?;
        self.pass.set_refused_aside(&mut job).await?;
        if job.has_lost_its_destination() && !job.is_abandoned() && !job.is_empty() {
            Copying::of(self.pass).revive_for(lane, vec![&mut job]).await?;
        }
        if job.is_abandoned() {
            return Ok(());
        }
        if job.is_empty() {
            return self.pass.folder_done(&job, 0).await;
        }
        self.pass.tally.compared();
        let mut groups = vec![vec![job]];
        Copying::of(self.pass).declare(&mut groups).await?;
        let copied =
            Copying::of(self.pass).copy_lane(lane, prepared, &GroupQueue::new(groups), &GroupQueue::new([])).await;
        self.pass.lane_ended(copied)
    }
}
