//! Over all folders: what is new at the source, what is known, and which watermarks lost their message (D7, D12).

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use crate::domain::failure::Side;
use crate::domain::ids::FolderId;
use crate::domain::matching::{Gone, GoneMarks};
use crate::domain::notice::NoticeKind;
use crate::domain::progress::Phase;
use crate::pass::job::{Job, ListFigures, NumberTrust};
use crate::pass::lane::{Lane, Lanes};
use crate::pass::places::{Group, Prepared};
use crate::pass::rounds::GroupWork;
use crate::pass::scan::{Looked, Scan, ScanFindings};
use crate::pass::scan_window::gone_mark;
use crate::pass::{Pass, PassResult, SideFailure};

/// What comparing all folders found.
#[derive(Default)]
pub(super) struct All {
    pub gone: Vec<Gone>,
    pub astray: Vec<Gone>,
    /// Rows that were set aside, with the rows they came from.
    pub retired: Vec<(FolderId, FolderId)>,
}

/// Compares each folder of a group.
struct Compare<'a> {
    work: &'a Comparison<'a>,
    all: &'a Mutex<All>,
}

impl GroupWork for Compare<'_> {
    async fn look(&self, lane: &mut Lane, group: &mut Group) -> PassResult<()> {
        for job in group.iter_mut().filter(|job| !job.is_abandoned()) {
            let found = self.work.scan_folder(lane, job).await?;
            let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
            all.gone.extend(found.gone);
            all.astray.extend(found.astray);
            all.retired.extend(found.retired.into_iter().map(|row| (row, job.id)));
        }
        Ok(())
    }
}

/// What is new at the source, what is known, what changed.
pub(super) struct Comparison<'a> {
    pub(super) pass: &'a Pass,
}

impl<'a> Comparison<'a> {
    /// Of this pass.
    pub fn of(pass: &'a Pass) -> Self {
        Self { pass }
    }
}

impl Comparison<'_> {
    /// Compares all folders, then gathers the watermarks that lost their message: they may have moved.
    pub(super) async fn scan(&self, lanes: &mut Lanes, prepared: &mut Prepared) -> PassResult<()> {
        self.pass.tally.phase(self.pass.clock.now(), Phase::ScanningDestination);
        let needs = |group: &Group| {
            self.pass.lists_first()
                || group.iter().any(|job| {
                    !job.is_new()
                        || job.plan.figures == ListFigures::Differ
                        || job.shows_everything()
                        || !job.remaining.elsewhere.is_empty()
                })
        };
        let (look, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut prepared.groups).into_iter().partition(needs);
        for job in rest.iter().flatten() {
            self.pass.expect(job, 0, 0, u64::from(job.plan.exists));
        }
        let found = Mutex::new(All::default());
        prepared.groups = self.pass.side_by_side(lanes, &Compare { work: self, all: &found }, look, rest).await?;
        let All { mut gone, mut astray, retired } = found.into_inner().unwrap_or_else(PoisonError::into_inner);
        for (row, of) in retired {
            if let Some(place) = prepared.places.get(&of).cloned() {
                prepared.places.insert(row, place);
            }
        }
        let looks = |job: &Job| !job.is_empty() || (job.shows_everything() && !job.remaining.late.is_empty());
        if prepared.groups.iter().flatten().any(looks) {
            for id in &prepared.others.lost {
                let marks = self.pass.journal.watermarks(*id).await?;
                for mark in &marks {
                    if mark.is_lost() { &mut astray } else { &mut gone }.push(gone_mark(*id, mark));
                }
            }
        }
        self.lend(prepared, &mut gone).await?;
        prepared
            .others
            .unread
            .extend(prepared.groups.iter().flatten().filter(|job| job.is_abandoned()).map(|job| job.id));
        *prepared.claimable.astray.get_mut().unwrap_or_else(PoisonError::into_inner) = GoneMarks::new(astray);
        *prepared.claimable.gone.get_mut().unwrap_or_else(PoisonError::into_inner) = GoneMarks::new(gone);
        Ok(())
    }

    /// What lies in a folder of everything stays there when it gets a folder of its own, and is not new in that: its
    /// watermark may be claimed as if it had moved.
    async fn lend(&self, prepared: &mut Prepared, gone: &mut Vec<Gone>) -> PassResult<()> {
        if prepared.groups.iter().flatten().all(|job| job.is_empty()) {
            return Ok(());
        }
        for id in &prepared.others.views {
            let missing: BTreeSet<Gone> = gone.iter().filter(|mark| mark.folder == *id).copied().collect();
            let marks = self.pass.journal.watermarks(*id).await?;
            let there = marks.iter().filter(|mark| !mark.is_lost()).map(|mark| gone_mark(*id, mark));
            let there = there.filter(|mark| !missing.contains(mark));
            prepared.claimable.lent.extend(there);
        }
        gone.extend(prepared.claimable.lent.iter().copied());
        Ok(())
    }

    /// Lists a folder that was to be taken as it comes: what is there is to be compared. Nothing is recorded of it yet, so
    /// nothing can have gone.
    pub(super) async fn list_folder(&self, lane: &mut Lane, job: &mut Job) -> PassResult<()> {
        self.scan_or_list(lane, job, true).await.map(drop)
    }

    /// Compares one folder, again after lost connections; a folder that cannot be read becomes an error.
    pub(super) async fn scan_folder(&self, lane: &mut Lane, job: &mut Job) -> PassResult<ScanFindings> {
        self.scan_or_list(lane, job, false).await
    }

    async fn scan_or_list(&self, lane: &mut Lane, job: &mut Job, listed: bool) -> PassResult<ScanFindings> {
        let mut step = Scan::new(job, listed);
        let looked = loop {
            match self.pass.run_with_retry(lane, &mut step).await? {
                Looked::Again => lane.disconnect(),
                looked => break looked,
            }
        };
        let found = step.found;
        if !found.retired.is_empty() {
            self.pass.notice(job, NoticeKind::Renumbered, Side::Source, Vec::new()).await;
            tracing::info!(folder = %job.path, rows = ?found.retired, "numbers of the source were set aside");
        }
        match looked {
            Looked::Failed(SideFailure { side, failure }) => self.pass.folder_failed(job, side, failure).await?,
            // Nothing is doubted twice: what could not be believed was set aside.
            Looked::Done | Looked::Again | Looked::Unlisted => job.numbers.source = NumberTrust::Sampled,
        }
        Ok(found)
    }
}
