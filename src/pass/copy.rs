//! Copy: every lane takes group after group and streams its folders from one connection to the other (D18, D19).
//!
//! When a connection breaks, both of the lane are dropped. What was on the wire is looked for at the destination before
//! anything is sent again (D9), and a message at which connections break again and again is left out (D22).

use std::collections::BTreeMap;

use async_trait::async_trait;
use futures_util::future::join_all;
use tokio::sync::mpsc;

use crate::domain::checkpoint::Checkpoint;
use crate::domain::failure::{Failure, Scope, Side};
use crate::domain::folder::WireName;
use crate::domain::ids::{FolderId, Uid};
use crate::domain::progress::{FolderPhase, Phase};
use crate::domain::record::{FolderUpdate, Intent, Results, Watermark};
use crate::endpoint::{Destination, FolderRef, NewFolder, Source};
use crate::pass::backlog::Backlog;
use crate::pass::flight::{Broke, Broken};
use crate::pass::job::{Above, Job, Past};
use crate::pass::lane::{Lane, Lanes, Retirement, Step, blames_its_place, settle};
use crate::pass::places::{Group, GroupQueue, Prepared};
use crate::pass::reader::{AHEAD, read};
use crate::pass::recorder::{GROUP_ROWS, ToRecord};
use crate::pass::writer::AppendWriter;
use crate::pass::{OnSide, Pass, PassResult, PassStop, SideFailure};

/// Makes the destination folders again that are gone and for which there is new mail (D12).
struct Revive<'a> {
    jobs: Vec<&'a mut Job>,
    refused: BTreeMap<FolderId, Failure>,
}

#[async_trait]
impl Step for Revive<'_> {
    type Out = ();

    async fn run(&mut self, _pass: &Pass, _source: &mut dyn Source, to: &mut dyn Destination) -> PassResult<()> {
        let new = |job: &&mut Job| {
            let path = job.plan.destination.path.clone();
            NewFolder { path, role: None, plain_parent: false }
        };
        let folders: Vec<NewFolder> = self.jobs.iter().map(new).collect();
        let created = to.create(&folders).await.on(Side::Destination).map_err(PassStop::Fatal)?;
        for (job, created) in self.jobs.iter_mut().zip(created) {
            let opened = match created {
                Ok(wire) => {
                    job.plan.destination = FolderRef { wire, validity: None, ..job.plan.destination.clone() };
                    let folders = std::slice::from_ref(&job.plan.destination);
                    to.open(folders).await.on(Side::Destination).map_err(PassStop::Fatal)?.pop()
                }
                Err(failure) => Some(Err(failure)),
            };
            match opened {
                Some(Ok((state, permanent))) => {
                    (job.plan.opened, job.plan.permanent, job.plan.destination.validity) =
                        (state, permanent, state.uid_validity);
                }
                Some(Err(failure)) => drop(self.refused.insert(job.id, failure)),
                None => {}
            }
        }
        Ok(())
    }
}

/// Copies what is left, and carries flags.
pub(super) struct Copying<'a> {
    pub(super) pass: &'a Pass,
}

impl<'a> Copying<'a> {
    /// Of this pass.
    pub fn of(pass: &'a Pass) -> Self {
        Self { pass }
    }
}

impl Copying<'_> {
    /// Copies everything that is left to copy.
    pub(super) async fn copy(&self, lanes: &mut Lanes, prepared: &mut Prepared) -> PassResult<()> {
        self.pass.tally.phase(self.pass.clock.now(), Phase::Copying);
        for job in prepared.groups.iter_mut().flatten() {
            self.pass.set_refused_aside(job).await?;
        }
        self.revive(lanes, prepared).await?;
        let mut groups = std::mem::take(&mut prepared.groups);
        // Earlier attempts and passes left these open: what they had on its way may have landed after it was sent again.
        let open =
            |job: &&Job| job.numbers.open_intent.is_some() && !job.has_lost_its_destination() && !job.is_abandoned();
        groups.iter().flatten().filter(open).for_each(|job| self.pass.ask_later(job));
        for group in &mut groups {
            for job in std::mem::take(group) {
                if job.is_abandoned() {
                    continue;
                }
                if job.is_empty() {
                    self.pass.folder_done(&job, 0).await?;
                } else {
                    group.push(job);
                }
            }
        }
        groups.retain(|group| !group.is_empty());
        if groups.is_empty() { Ok(()) } else { self.copy_groups(lanes, prepared, groups).await }
    }

    async fn copy_groups(&self, lanes: &mut Lanes, prepared: &Prepared, mut groups: Vec<Group>) -> PassResult<()> {
        self.declare(&mut groups).await?;
        let (queue, left) = (GroupQueue::new(groups), GroupQueue::new([]));
        let runs = lanes.iter_mut().map(|lane| {
            let (queue, left) = (&queue, &left);
            async move {
                let run = async {
                    while self.pass.takes_part(lane, queue).await {
                        self.copy_lane(lane, prepared, queue, left).await?;
                    }
                    self.pass.rests(lane).await;
                    Ok(())
                };
                self.pass.lane_ended(run.await)
            }
        });
        settle(join_all(runs).await)?;
        let mut left: Vec<Job> = left.into_groups().into_iter().flatten().collect();
        let Some(lane) = lanes.iter_mut().next().filter(|_| !left.is_empty()) else { return Ok(()) };
        self.settle(lane, &mut left).await?;
        let again = self.look_again(lane, prepared, left, None).await?;
        let queue = GroupQueue::new([again]);
        let copied = self.copy_lane(lane, prepared, &queue, &GroupQueue::new([])).await;
        self.pass.lane_ended(copied)
    }

    /// Writes the intents of all folders to be copied, durably and at once (D9).
    pub(super) async fn declare(&self, groups: &mut [Vec<Job>]) -> PassResult<()> {
        let mut intents = Vec::new();
        for job in groups.iter_mut().flatten() {
            let intent = Intent { since: Checkpoint::of(&job.plan.opened) };
            // An open intent of the same numbering reaches further back.
            let kept = job.numbers.open_intent.filter(|open| open.since.is_before(intent.since));
            if kept.is_some() {
                job.suspicion.cut.above = Above::Recorded;
            }
            job.numbers.open_intent = Some(kept.unwrap_or(intent));
            intents.push((job.id, intent));
        }
        Ok(self.pass.journal.begin(intents).await?)
    }

    async fn revive(&self, lanes: &mut Lanes, prepared: &mut Prepared) -> PassResult<()> {
        let needed = |job: &&mut Job| job.has_lost_its_destination() && !job.is_abandoned() && !job.is_empty();
        let jobs: Vec<&mut Job> = prepared.groups.iter_mut().flatten().filter(needed).collect();
        match lanes.iter_mut().next().filter(|_| !jobs.is_empty()) {
            Some(lane) => self.revive_for(lane, jobs).await,
            None => Ok(()),
        }
    }

    /// Makes the destination folders of these again, that are gone: there is new mail for them.
    pub(super) async fn revive_for(&self, lane: &mut Lane, jobs: Vec<&mut Job>) -> PassResult<()> {
        // What was in the old ones went with them. This is known before there are new ones: after a crash these may have
        // the numbering of the old.
        for job in &jobs {
            self.pass.give_up_copies(job.id).await?;
        }
        let mut step = Revive { jobs, refused: BTreeMap::new() };
        self.pass.run_with_retry(lane, &mut step).await?;
        let Revive { jobs, mut refused } = step;
        for job in jobs {
            if let Some(failure) = refused.remove(&job.id) {
                self.pass.folder_failed(job, Side::Destination, failure).await?;
                continue;
            }
            self.pass.journal.renumber_destination(job.id, job.plan.destination.validity).await?;
            job.plan.past = Past::Known;
            self.pass.journal.update_folders(vec![row(job)]).await?;
            self.pass.revived(job);
        }
        Ok(())
    }

    /// One lane: streams until the queue is empty; after a break it looks into the open folders again and goes on. A lane
    /// beyond the first that the server wants no more gives its folders back (D19).
    pub(super) async fn copy_lane(
        &self,
        lane: &mut Lane,
        prepared: &Prepared,
        queue: &GroupQueue,
        left: &GroupQueue,
    ) -> PassResult<()> {
        let backlog = Backlog::new(queue);
        loop {
            let (trouble, broke) = match self.stream(lane, &backlog).await {
                Ok(()) => {
                    let second = backlog.take_second();
                    if second.is_empty() {
                        return Ok(());
                    }
                    let before = second.clone();
                    match self.second_look(lane, second).await {
                        Ok(again) => backlog.give(again),
                        Err(halt) if lane.is_unwanted(&halt) => {
                            lane.step_back(&halt);
                            left.put(before);
                            return Ok(());
                        }
                        Err(halt) => return Err(halt),
                    }
                    continue;
                }
                Err(Broke { halt: PassStop::Fatal(trouble), broken }) => (trouble, broken),
                Err(Broke { halt, .. }) => return Err(halt),
            };
            self.pass.recorder.flush().await;
            let only_suspects = backlog.only_suspects_left(broke.at(&trouble));
            let mut jobs = backlog.take_back();
            self.blame(&mut jobs, &trouble, &broke, only_suspects);
            left_open(&mut jobs, broke);
            let before = jobs.clone();
            match self.go_on(lane, prepared, jobs, &trouble).await {
                Ok(again) => backlog.give(again),
                Err(halt) if lane.is_unwanted(&halt) => {
                    lane.step_back(&halt);
                    left.put(before);
                    return Ok(());
                }
                Err(halt) => return Err(halt),
            }
        }
    }

    /// After a break: waits, then finds out what landed. Answers the folders of which something is left.
    async fn go_on(
        &self,
        lane: &mut Lane,
        prepared: &Prepared,
        mut jobs: Vec<Job>,
        trouble: &SideFailure,
    ) -> PassResult<Vec<Job>> {
        self.pass.back_off(lane, trouble.clone()).await?;
        self.settle(lane, &mut jobs).await?;
        self.look_again(lane, prepared, jobs, Some(trouble)).await
    }

    /// Runs both halves of a lane until the backlog is empty or one of them breaks.
    async fn stream(&self, lane: &mut Lane, backlog: &Backlog<'_>) -> Result<(), Broke> {
        let halted = |halt| Broke { halt, broken: Broken::default() };
        let (source, destination) = tokio::select! {
            biased;
            () = self.pass.quit.cancelled() => return Err(halted(PassStop::Stopped)),
            sessions = lane.sessions(self.pass) => sessions.map_err(|trouble| halted(PassStop::Fatal(trouble)))?,
        };
        let (sender, receiver) = mpsc::channel(AHEAD);
        let retirement = Retirement::of(source, destination);
        let reading = read(source, backlog, (self.pass, retirement), sender);
        let mut writer = AppendWriter::new(self.pass, backlog);
        let writing = writer.write(destination, receiver);
        tokio::pin!(reading, writing);
        let mut read_out = false;
        // The writing half decides the end: it sees the reading half's last piece.
        loop {
            tokio::select! {
                biased;
                ended = &mut writing => return ended,
                () = &mut reading, if !read_out => read_out = true,
            }
        }
    }
}

impl Pass {
    /// The destination folder of this row is gone, and its copies with it.
    pub(super) async fn give_up_copies(&self, id: FolderId) -> PassResult<()> {
        let numbers = self.journal.known_at_destination(id).await?;
        for some in numbers.chunks(GROUP_ROWS).map(<[Uid]>::to_vec).chain([vec![Watermark::NOT_TOLD]]) {
            let copies = self.journal.copies(id, some).await?;
            for some in copies.chunks(GROUP_ROWS) {
                let place = |(row, mark): &(FolderId, Watermark)| (*row, mark.source, Watermark::GONE);
                let results = Results { places: some.iter().map(place).collect(), ..Results::default() };
                self.recorder.add(ToRecord { results, ..ToRecord::default() }).await;
            }
        }
        self.recorder.flush().await;
        Ok(())
    }
}

fn row(job: &Job) -> FolderUpdate {
    FolderUpdate {
        id: Some(job.id),
        source: job.path.clone(),
        source_wire: job.plan.source.wire.clone(),
        source_validity: job.plan.source.validity,
        mailbox_id: job.plan.mailbox_id.clone(),
        destination: job.plan.destination.path.clone(),
        destination_wire: WireName(job.plan.destination.wire.0.clone()),
        destination_validity: job.plan.destination.validity,
        destination_mailbox_id: None,
    }
}

/// What a broken connection left open goes with the folders.
fn left_open(jobs: &mut [Job], broke: Broken) {
    for (id, sent) in broke.sent {
        if let Some(job) = jobs.iter_mut().find(|job| job.id == id) {
            job.suspicion.cut.sent.push(sent);
            job.suspicion.cut.wire = broke.wire;
        }
    }
}

impl Pass {
    /// A folder is being worked on.
    pub(super) fn working(&self, id: FolderId) {
        self.tally.folder_phase(self.clock.now(), id, FolderPhase::Working);
    }

    /// Whether a refused append spoils more than its message.
    pub(super) fn is_message_error(failure: &Failure) -> bool {
        failure.scope == Scope::Message && !blames_its_place(failure)
    }
}
