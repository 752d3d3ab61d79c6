//! New messages against what belongs to other folders, before anything is copied.
//!
//! A message may have moved at the source between an append and its record: its copy then lies in the destination of the folder
//! it came from, above the floor of that folder's open intent (D9). Or it came from a folder that cannot be read in this pass:
//! whether it is a new one will be known when that folder is read again, and until then it waits (D29).
//!
//! Bounded: names of [`AT_ONCE`] new messages, some sixty bytes for each watermark of the unread folders, and what lies above the
//! floors without a watermark.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;

use async_trait::async_trait;

use crate::domain::content::Shape;
use crate::domain::counts::Counts;
use crate::domain::failure::{Failure, Scope, Side};
use crate::domain::identity::{Identity, Names};
use crate::domain::ids::{FolderId, Uid};
use crate::domain::matching::{Alike, AwayMarks, Belief, Left, Ours, Pair, Theirs, decide, guess, match_contents};
use crate::domain::notice::{Notice, NoticeKind};
use crate::domain::record::Origin;
use crate::endpoint::{Destination, Source};
use crate::pass::belief::{belief, keeps};
use crate::pass::bytes::HEADERS_AT_ONCE;
use crate::pass::comparison::Comparison;
use crate::pass::contents::{names_of_unseen, shapes};
use crate::pass::headers::who_here;
use crate::pass::job::{Job, Todo};
use crate::pass::lane::{Lanes, Step};
use crate::pass::places::Prepared;
use crate::pass::recognise::{AT_ONCE, add_found};
use crate::pass::recorder::ToRecord;
use crate::pass::resolution::Resolution;
use crate::pass::resolve::drop_recorded;
use crate::pass::sample::who;
use crate::pass::{OnSide, Pass, PassResult, PassStop, SideFailure};

/// Messages at destination folders that nobody claimed, by row, by identity.
type Unclaimed = BTreeMap<FolderId, BTreeMap<Identity, BTreeSet<Uid>>>;

struct Across<'a> {
    prepared: &'a mut Prepared,
    /// Gathered once; a try after a broken connection goes on with what is left.
    gathered: Option<(Unclaimed, AwayMarks)>,
    /// Folders that could not be compared.
    failed: Vec<(FolderId, SideFailure)>,
}

impl Resolution<'_> {
    /// Settles what new messages are, where other folders can tell; then nothing of the new is anything else.
    pub(super) async fn settle_across(&self, lanes: &mut Lanes, prepared: &mut Prepared) -> PassResult<()> {
        self.pass.recorder.flush().await;
        let left_over = prepared.claimable.left_over.get_mut().unwrap_or_else(PoisonError::into_inner);
        let nothing = left_over.is_empty() && prepared.others.open.is_empty() && prepared.others.unread.is_empty();
        let broken = |job: &Job| job.is_abandoned() && job.numbers.open_intent.is_some();
        let nothing = nothing && !prepared.groups.iter().flatten().any(broken);
        let new = prepared.groups.iter().flatten().any(|job| !job.is_abandoned() && !job.is_empty());
        if let Some(lane) = lanes.iter_mut().next().filter(|_| new && !nothing) {
            // A first pass has no listing yet.
            let unlisted = |job: &&mut Job| !job.is_abandoned() && !job.is_empty() && job.remaining.todo == Todo::All;
            for job in prepared.groups.iter_mut().flatten().filter(unlisted) {
                Comparison::of(self.pass).list_folder(lane, job).await?;
            }
            let mut step = Across { prepared, gathered: None, failed: Vec::new() };
            self.pass.run_with_retry(lane, &mut step).await?;
            let failed = step.failed;
            self.pass.recorder.flush().await;
            for (id, SideFailure { side, failure }) in failed {
                if let Some(job) = prepared.groups.iter_mut().flatten().find(|job| job.id == id) {
                    self.pass.folder_failed(job, side, failure).await?;
                }
            }
        }
        prepared.settled = true;
        Ok(())
    }
}

#[async_trait]
impl Step for Across<'_> {
    type Out = ();

    async fn run(&mut self, pass: &Pass, source: &mut dyn Source, to: &mut dyn Destination) -> PassResult<()> {
        pass.recorder.flush().await;
        let (mut unclaimed, mut away) = match self.gathered.take() {
            Some(gathered) => gathered,
            None => self.gather(pass, to).await?,
        };
        let mut groups = std::mem::take(&mut self.prepared.groups);
        let mut ended = Ok(());
        for job in groups.iter_mut().flatten().filter(|job| !job.is_abandoned() && !job.is_empty()) {
            let id = job.id;
            if self.failed.iter().any(|(failed, _)| *failed == id) {
                continue;
            }
            let mut look = NewcomerLook {
                pass,
                prepared: self.prepared,
                job,
                source,
                to,
                unclaimed: &mut unclaimed,
                away: &mut away,
            };
            match look.run().await {
                Ok(()) => {}
                Err(PassStop::Fatal(trouble)) if trouble.failure.scope <= Scope::Folder => {
                    self.failed.push((id, trouble))
                }
                Err(halt) => {
                    ended = Err(halt);
                    break;
                }
            }
        }
        self.prepared.groups = groups;
        self.gathered = Some((unclaimed, away));
        ended
    }
}

impl Across<'_> {
    async fn gather(&mut self, pass: &Pass, to: &mut dyn Destination) -> PassResult<(Unclaimed, AwayMarks)> {
        let mut away = AwayMarks::default();
        for row in &self.prepared.others.unread {
            let mut from = Uid(i64::MIN);
            loop {
                let marks = pass.journal.some_watermarks(*row, from, Uid(i64::MAX), AT_ONCE / 10).await?;
                let Some(last) = marks.last() else { break };
                from = Uid(last.source.0 + 1);
                marks.iter().filter(|mark| !mark.is_lost()).for_each(|mark| away.add(mark.identity, mark.content));
            }
        }
        let mut unclaimed = Unclaimed::new();
        let mut add = |row: FolderId, found: Vec<(Uid, Identity)>| {
            for (uid, identity) in found {
                unclaimed.entry(row).or_default().entry(identity).or_default().insert(uid);
            }
        };
        // Of a folder that failed only now, nobody can tell what of its destination its own new messages are.
        let broken = |job: &&Job| job.is_abandoned() && !self.prepared.others.open.contains_key(&job.id);
        let broken = self.prepared.groups.iter().flatten().filter(broken);
        let broken: Vec<_> =
            broken.filter_map(|job| job.numbers.open_intent.map(|intent| (job.id, intent.since.floor()))).collect();
        let own: BTreeSet<FolderId> = broken.iter().map(|(row, _)| *row).collect();
        for (row, floor) in self.prepared.others.open.iter().map(|(row, floor)| (*row, *floor)).chain(broken) {
            let found = self.above(pass, to, row, floor).await?;
            if own.contains(&row) || self.prepared.others.unread.contains(&row) {
                found.into_iter().for_each(|(_, identity)| away.add(identity, None));
            } else {
                add(row, found);
            }
        }
        // Last: nothing breaks after it, so that none of it is lost for the next try.
        for (row, found) in
            std::mem::take(self.prepared.claimable.left_over.get_mut().unwrap_or_else(PoisonError::into_inner))
        {
            add(row, found);
        }
        Ok((unclaimed, away))
    }

    /// Messages from a floor on that no watermark knows. A folder that cannot be read tells nothing.
    async fn above(
        &self,
        pass: &Pass,
        to: &mut dyn Destination,
        row: FolderId,
        floor: Uid,
    ) -> PassResult<Vec<(Uid, Identity)>> {
        let Some(place) = self.prepared.places.get(&row) else { return Ok(Vec::new()) };
        let known = pass.journal.known_at_destination(row).await?;
        let read = async {
            let there = to.recount(place, floor).await?.uids;
            let mut strange: Vec<Uid> = there.into_iter().filter(|uid| known.binary_search(uid).is_err()).collect();
            let mut read = who(to, place, &strange).await?;
            strange.retain(|uid| !read.contains_key(uid));
            read.extend(who(to, place, &strange).await?);
            Ok::<_, Failure>(read)
        };
        match read.await {
            Ok(read) => Ok(read.into_iter().map(|(uid, names)| (uid, names.now)).collect()),
            Err(failure) if failure.scope <= Scope::Folder => {
                tracing::warn!(folder = %place.path, %failure, "what an interrupted pass left there cannot be read");
                Ok(Vec::new())
            }
            Err(failure) => Err(PassStop::Fatal(SideFailure { side: Side::Destination, failure })),
        }
    }
}

/// One folder's new messages.
struct NewcomerLook<'a> {
    pass: &'a Pass,
    prepared: &'a Prepared,
    job: &'a mut Job,
    source: &'a mut dyn Source,
    to: &'a mut dyn Destination,
    unclaimed: &'a mut Unclaimed,
    away: &'a mut AwayMarks,
}

impl NewcomerLook<'_> {
    async fn run(&mut self) -> PassResult<()> {
        drop_recorded(self.pass, self.job).await?;
        // Listed before.
        let Todo::These(new) = self.job.remaining.todo.clone() else { return Ok(()) };
        self.job.suspicion.unsettled.clear();
        for some in new.chunks(AT_ONCE) {
            let from = &self.job.plan.source;
            let mut read =
                who_here(self.pass, self.source, from, some).await.on(Side::Source).map_err(PassStop::Fatal)?;
            let unseen = names_of_unseen(self.source, from, some, &mut read).await.on(Side::Source);
            // Should these come when they are to be copied, nobody has compared them.
            self.job.suspicion.unsettled.extend(unseen.map_err(PassStop::Fatal)?);
            let asked = |names: &Names| {
                self.away.has(names) || self.unclaimed.values().any(|there| there.contains_key(&names.now))
            };
            let proposed: Vec<(Uid, Names)> = read.into_iter().filter(|(_, names)| asked(names)).collect();
            for some in proposed.chunks(HEADERS_AT_ONCE) {
                let uids = some.iter().map(|(uid, _)| *uid).collect();
                let here =
                    shapes(self.source, &self.job.plan.source, uids).await.on(Side::Source).map_err(PassStop::Fatal)?;
                let claimed = self.claim(some, &here).await?;
                let left = some.iter().filter(|(uid, _)| !claimed.contains(uid));
                // A message that does not come cannot be compared: it waits too.
                let waits = |(uid, names): &&(Uid, Names)| match here.get(uid) {
                    Some(shape) => self.away.take(names, shape.content),
                    None => true,
                };
                // At once: what answered for them is used up, also if the connection breaks next.
                let waiting = left.filter(waits).map(|(uid, _)| *uid).collect();
                self.wait(waiting).await;
            }
        }
        drop_recorded(self.pass, self.job).await?;
        self.name_waiting().await;
        Ok(())
    }

    /// Copies that an interrupted pass made of these messages when they were in other folders.
    async fn claim(&mut self, some: &[(Uid, Names)], here: &BTreeMap<Uid, Shape>) -> PassResult<BTreeSet<Uid>> {
        let mut claimed = BTreeSet::new();
        for row in self.unclaimed.keys().copied().collect::<Vec<_>>() {
            let Some(place) = self.prepared.places.get(&row) else { continue };
            let Some(there) = self.unclaimed.get(&row) else { continue };
            let mut groups: BTreeMap<Identity, Alike> = BTreeMap::new();
            for (uid, names) in some.iter().filter(|(uid, _)| !claimed.contains(uid)) {
                if let Some(shape) = here.get(uid).filter(|_| there.contains_key(&names.now)) {
                    let ours = Ours { uid: *uid, weak: names.weak, shape: shape.clone() };
                    groups.entry(names.now).or_default().ours.push(ours);
                }
            }
            let wanted =
                groups.keys().filter_map(|identity| there.get(identity)).flatten().copied().collect::<Vec<_>>();
            if wanted.is_empty() {
                continue;
            }
            let mut read = shapes(self.to, place, wanted).await.on(Side::Destination).map_err(PassStop::Fatal)?;
            let (mut entry, mut found, mut left_open) = (ToRecord::default(), Vec::new(), Vec::new());
            for (identity, mut group) in groups {
                let uids = there.get(&identity).into_iter().flatten();
                let theirs = uids.filter_map(|uid| read.remove(uid).map(|shape| (*uid, shape)));
                group.theirs = theirs.map(|(uid, shape)| Theirs { uid, appended: true, shape }).collect();
                let (pairs, left) = match_contents(group);
                if pairs.iter().any(|pair| pair.equal) {
                    keeps(self.pass, self.prepared).await?;
                }
                found.extend(pairs.into_iter().map(|pair| (identity, pair)));
                if !left.ours.is_empty() && !left.theirs.is_empty() {
                    left_open.push((identity, left));
                }
            }
            found.extend(self.decide(left_open).await?);
            for (identity, pair) in found {
                if let Some(there) = self.unclaimed.get_mut(&row) {
                    there.entry(identity).or_default().remove(&pair.destination);
                }
                claimed.insert(pair.source);
                add_found(self.pass, (&mut entry, self.job), row, (identity, pair), Origin::Copied);
            }
            self.pass.recorder.add(entry).await;
            self.pass.recorder.flush().await;
        }
        Ok(claimed)
    }

    /// What content did not decide. Who is not decided either is copied, and named.
    async fn decide(&mut self, left: Vec<(Identity, Left)>) -> PassResult<Vec<(Identity, Pair)>> {
        if left.is_empty() {
            return Ok(Vec::new());
        }
        let belief = match belief(self.pass, self.prepared, self.source, self.to).await? {
            Belief::Unknown => guess(left.iter().map(|(_, left)| left)),
            known => known,
        };
        let (mut pairs, mut doubtful) = (Vec::new(), Vec::new());
        for (identity, left) in left {
            let decided = decide(left, belief);
            pairs.extend(decided.pairs.into_iter().map(|pair| (identity, pair)));
            doubtful.extend(decided.maybe_twice);
        }
        self.pass.name_undecided(self.job, belief, doubtful).await;
        Ok(pairs)
    }

    /// These are not copied in this pass, and are counted.
    async fn wait(&mut self, waiting: Vec<Uid>) {
        if waiting.is_empty() {
            return;
        }
        let counts = vec![(self.job.id, Counts { waiting: waiting.len() as u64, ..Counts::default() })];
        self.pass.recorder.add(ToRecord { counts, ..ToRecord::default() }).await;
        self.job.remaining.waiting.extend(waiting);
        self.job.leave_undone();
        if let Todo::These(uids) = &mut self.job.remaining.todo {
            uids.retain(|uid| !self.job.remaining.waiting.contains(uid));
        }
    }

    /// All that wait are named, once the folder is looked through.
    async fn name_waiting(&mut self) {
        if self.job.remaining.waiting.is_empty() {
            return;
        }
        let waiting: Vec<Uid> = self.job.remaining.waiting.iter().copied().collect();
        let notice = Notice::of(&self.job.path, NoticeKind::Waiting, Side::Source, &waiting);
        self.pass.recorder.add(ToRecord::notice(notice)).await;
    }
}
