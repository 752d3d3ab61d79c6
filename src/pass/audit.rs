//! The end of a pass: what both sides hold is counted against what is recorded (D27).
//!
//! A destination folder must hold every copy that nobody is known to have taken away. What is missing and was recorded
//! before this pass, its owner deleted or moved (D12); what this pass itself wrote and is not there is named. Only then a
//! folder gets its skip marker (D11). Bounded: the numbers of one folder, eight bytes each.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;

use async_trait::async_trait;

use crate::domain::counts::Counts;
use crate::domain::failure::{Failure, Scope, Side};
use crate::domain::flags::PermanentFlags;
use crate::domain::folder::{FolderPath, FolderState};
use crate::domain::ids::{FolderId, Uid};
use crate::domain::notice::{Notice, NoticeKind};
use crate::domain::record::{CopiesExpected, FolderEnd, Marker, Results, Seen, Watermark};
use crate::endpoint::{Destination, FolderRef, Source, Which};
use crate::pass::closing::Finale;
use crate::pass::job::Job;
use crate::pass::kept::CopiedInto;
use crate::pass::lane::{Lane, Step};
use crate::pass::one_by_one::OneByOne;
use crate::pass::presence::present;
use crate::pass::recorder::ToRecord;
use crate::pass::{OnSide, Pass, PassResult, PassStop, SideFailure};

/// Messages listed at once.
const WINDOW: i64 = 20_000;

/// A folder that this pass ended.
#[derive(Clone, Debug)]
pub(super) struct EndedFolder {
    id: FolderId,
    path: FolderPath,
    from: FolderRef,
    destination: FolderRef,
    permanent: PermanentFlags,
    /// What this pass wrote has this number or a greater one.
    floor: Uid,
    /// No pass that came to its end looked at what has this number or a greater one.
    unseen_from: Uid,
    marker: Option<Marker>,
    /// The source as this pass saw it.
    source: Seen,
    /// Messages that the source folder held.
    exists: u32,
    /// Messages of it without a watermark, for a reason that has a count; none where nobody knows, in a view of everything.
    explained: Option<u64>,
}

/// What the audit of one folder found.
struct AuditFindings {
    state: FolderState,
    /// The greatest number of a copy.
    highest: Uid,
    /// Recorded before this pass and not there.
    gone: Vec<Uid>,
    /// Written by this pass and not there.
    missing: Vec<Uid>,
    /// Copies without a number for which there are too few messages.
    unfound: u64,
}

/// Looks at all folders together, and one by one after a connection broke; one at which they break again and again is not seen.
struct Audit<'a> {
    ended: &'a [EndedFolder],
    round: OneByOne,
    verdicts: BTreeMap<usize, Option<AuditFindings>>,
}

impl<'a> Audit<'a> {
    fn of(ended: &'a [EndedFolder]) -> Self {
        let (round, verdicts) = Default::default();
        Self { ended, round, verdicts }
    }

    async fn take(
        &mut self,
        pass: &Pass,
        to: &mut dyn Destination,
        at: usize,
        opened: Option<Result<(FolderState, PermanentFlags), Failure>>,
    ) -> PassResult<()> {
        let verdict = match opened {
            Some(Ok((state, _))) => match judge(pass, to, &self.ended[at], state).await {
                Err(PassStop::Fatal(trouble)) if trouble.failure.scope <= Scope::Folder => None,
                judged => Some(judged?),
            },
            // Taken away or replaced meanwhile.
            Some(Err(_)) | None => None,
        };
        self.verdicts.insert(at, verdict);
        self.round.ends(at);
        Ok(())
    }
}

#[async_trait]
impl Step for Audit<'_> {
    type Out = Vec<Option<AuditFindings>>;

    async fn run(&mut self, pass: &Pass, _source: &mut dyn Source, to: &mut dyn Destination) -> PassResult<Self::Out> {
        pass.recorder.flush().await;
        let left: Vec<usize> = (0..self.ended.len()).filter(|at| !self.round.is_done(*at)).collect();
        let folders: Vec<FolderRef> = left.iter().map(|at| self.ended[*at].destination.clone()).collect();
        let mut opened = Vec::new();
        if self.round.together() {
            opened = to.open(&folders).await.on(Side::Destination).map_err(PassStop::Fatal)?;
        }
        let mut opened = opened.into_iter();
        for (at, folder) in left.into_iter().zip(folders) {
            self.round.begins(at);
            let opened = match opened.next() {
                Some(opened) => Some(opened),
                None => to.open(&[folder]).await.on(Side::Destination).map_err(PassStop::Fatal)?.pop(),
            };
            self.take(pass, to, at, opened).await?;
        }
        Ok(std::mem::take(&mut self.verdicts).into_values().collect())
    }

    fn broke(&mut self, pass: &Pass, trouble: &SideFailure) -> Option<Self::Out> {
        if let Some(at) = self.round.broke(pass, trouble) {
            self.verdicts.insert(at, None);
        }
        None
    }
}

async fn judge(
    pass: &Pass,
    to: &mut dyn Destination,
    ended: &EndedFolder,
    state: FolderState,
) -> PassResult<AuditFindings> {
    let CopiesExpected { told, untold, highest } = pass.journal.copies_expected(ended.id).await?;
    let mut verdict = AuditFindings { state, highest, gone: Vec::new(), missing: Vec::new(), unfound: 0 };
    if u64::from(state.messages) >= told + untold {
        return Ok(verdict);
    }
    let known = pass.journal.known_at_destination(ended.id).await?;
    let (mut at, mut listed) = (0, 0u64);
    while at < known.len() {
        // As many numbers as fit into a window, none of them cut off.
        let first = known[at];
        let next = known.partition_point(|uid| uid.0 < first.0.saturating_add(WINDOW)).max(at + 1);
        let which = Which::These(known[at..next].to_vec());
        let there = to.scan(&ended.destination, &which, false).await.on(Side::Destination).map_err(PassStop::Fatal)?;
        let there: BTreeSet<Uid> = there.into_iter().map(|message| message.uid).collect();
        listed += there.len() as u64;
        for uid in known[at..next].iter().filter(|uid| !there.contains(uid)) {
            if *uid < ended.floor { &mut verdict.gone } else { &mut verdict.missing }.push(*uid);
        }
        at = next;
    }
    // A listing may lack what is there.
    let there = present(to, &ended.destination, &verdict.missing).await;
    let there = there.on(Side::Destination).map_err(PassStop::Fatal)?;
    verdict.missing.retain(|uid| !there.contains_key(uid));
    listed += there.len() as u64;
    verdict.unfound = untold.saturating_sub(u64::from(state.messages).saturating_sub(listed));
    Ok(verdict)
}

impl Pass {
    /// A folder ended: the audit looks at it when all have.
    pub(super) fn to_be_audited(&self, job: &Job, marker: Option<Marker>) {
        if job.has_lost_its_destination() || job.plan.destination.wire.0.is_empty() {
            return;
        }
        let Counts { skipped, vanished, errors, waiting, arrived, .. } = self.tally.counts(job.id);
        let explained = skipped + vanished + errors + waiting + arrived;
        let seen = Seen::new(job.plan.source_next.max(job.plan.listed.uid_next), job.plan.exists);
        let floor = job.plan.opened.uid_next.unwrap_or(Uid(1));
        let ended = EndedFolder {
            id: job.id,
            path: job.path.clone(),
            from: job.plan.source.clone(),
            destination: job.plan.destination.clone(),
            permanent: job.plan.permanent.clone(),
            floor,
            unseen_from: job.numbers.seen_there.uid_next().unwrap_or(Uid(1)).min(floor),
            marker,
            source: seen,
            exists: job.plan.exists,
            explained: (!job.shows_everything()).then_some(explained),
        };
        self.findings.ended.lock().unwrap_or_else(PoisonError::into_inner).insert(job.id, ended);
    }

    /// Folders that ended.
    pub(super) fn copied_into(&self) -> Vec<CopiedInto> {
        let ended = self.findings.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let into = |ended: &EndedFolder| CopiedInto {
            id: ended.id,
            path: ended.path.clone(),
            source: ended.from.clone(),
            destination: ended.destination.clone(),
            floor: ended.unseen_from,
            own: ended.floor,
            permanent: ended.permanent.clone(),
        };
        ended.values().map(into).collect()
    }
}

impl Finale<'_> {
    /// Counts what the destination holds of every folder that this pass ended.
    pub(super) async fn audit(&self, lane: &mut Lane) -> PassResult<()> {
        let ended = std::mem::take(&mut *self.pass.findings.ended.lock().unwrap_or_else(PoisonError::into_inner));
        let ended: Vec<EndedFolder> = ended.into_values().collect();
        if ended.is_empty() {
            return Ok(());
        }
        let verdicts = self.pass.run_with_retry(lane, &mut Audit::of(&ended)).await?;
        for (ended, verdict) in ended.iter().zip(verdicts) {
            match verdict {
                Some(verdict) => self.carry_out(ended, verdict).await?,
                None => self.name_unseen(ended).await,
            }
        }
        self.pass.recorder.flush().await;
        Ok(())
    }

    async fn carry_out(&self, ended: &EndedFolder, verdict: AuditFindings) -> PassResult<()> {
        let AuditFindings { state, highest, gone, missing, unfound } = verdict;
        if !gone.is_empty() {
            let copies = self.pass.journal.copies(ended.id, gone).await?;
            let place = |(row, mark): (FolderId, Watermark)| (row, mark.source, Watermark::GONE);
            let results = Results { places: copies.into_iter().map(place).collect(), ..Results::default() };
            self.pass.recorder.add(ToRecord { results, ..ToRecord::default() }).await;
        }
        let mut differs = unfound > 0 || self.source_differs(ended).await?;
        if !missing.is_empty() {
            differs = true;
            self.name_missing(ended, missing.len() as u64, &missing).await;
            self.pass.recorder.flush().await;
            // They are new again: the next pass brings them.
            let mut by_row: BTreeMap<FolderId, Vec<Uid>> = BTreeMap::new();
            for (row, mark) in self.pass.journal.copies(ended.id, missing).await? {
                by_row.entry(row).or_default().push(mark.source);
            }
            for (row, messages) in by_row {
                self.pass.journal.lose(row, messages).await?;
            }
        }
        if unfound > 0 {
            self.name_missing(ended, unfound, &[]).await;
        }
        let next = state.uid_next.max(Some(Uid(highest.0 + 1)));
        let doubted = self.pass.findings.doubted.lock().unwrap_or_else(PoisonError::into_inner).contains(&ended.id);
        let destination = match doubted {
            true => Seen::Doubted,
            false => Seen::new(next, state.messages),
        };
        let end = FolderEnd {
            close_intent: false,
            marker: ended.marker.filter(|_| !differs && !doubted),
            source: Some(ended.source),
            destination: Some(destination),
        };
        Ok(self.pass.journal.end_folder(ended.id, end).await?)
    }

    /// Whether the source holds messages that have neither a watermark nor a reason; they are named.
    async fn source_differs(&self, ended: &EndedFolder) -> PassResult<bool> {
        let Some(explained) = ended.explained else { return Ok(false) };
        let known = self.pass.journal.known_messages(ended.id).await?;
        let held = u64::from(ended.exists);
        let messages = held.saturating_sub(known + explained);
        if messages == 0 {
            return Ok(false);
        }
        let words = format!("{held} messages, {known} at the destination, {explained} left out for a reason");
        let notice = Notice::of(&ended.path, NoticeKind::SourceDiffers, Side::Source, &[]).saying(words);
        self.pass.tell(ended.id, Notice { messages, ..notice }).await;
        Ok(true)
    }

    /// A folder cannot be looked into any more: what this pass copied there is gone, or nobody knows. What earlier ones
    /// copied went with the folder (D12), which the next pass meets.
    async fn name_unseen(&self, ended: &EndedFolder) {
        let copied = self.pass.tally.counts(ended.id).copied;
        if copied > 0 {
            self.name_missing(ended, copied, &[]).await;
        }
    }

    async fn name_missing(&self, ended: &EndedFolder, messages: u64, numbers: &[Uid]) {
        let notice = Notice::of(&ended.path, NoticeKind::MissingThere, Side::Destination, numbers);
        let notice = notice.saying(ended.destination.path.to_string());
        self.pass.tell(ended.id, Notice { messages, ..notice }).await;
    }
}
