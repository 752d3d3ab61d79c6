//! Over all folders: whether the numbers of copies at the destination still mean these copies (D26).

use std::collections::BTreeSet;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use crate::domain::failure::{Failure, Side};
use crate::domain::folder::{FolderPath, WireName};
use crate::domain::ids::{FolderId, Uid};
use crate::domain::item_error::ItemError;
use crate::domain::progress::Phase;
use crate::domain::record::{FolderEnd, Seen};
use crate::pass::job::{Job, Past};
use crate::pass::lane::{Lane, Lanes};
use crate::pass::listing::Preparation;
use crate::pass::losses::SearchForLost;
use crate::pass::places::{Doubted, Group, LostCopyRows, Prepared};
use crate::pass::rounds::GroupWork;
use crate::pass::there::{Doubts, LookThere, SeenThere, There};
use crate::pass::{Pass, PassResult, SideFailure};

/// Whether the numbers of copies at the destination still mean these copies.
pub(super) struct NumberCheck<'a> {
    pub(super) pass: &'a Pass,
}

impl<'a> NumberCheck<'a> {
    /// Of this pass.
    pub fn of(pass: &'a Pass) -> Self {
        Self { pass }
    }
}

/// Checks the folders of a group, one destination folder in common.
struct CheckThere<'a> {
    check: &'a NumberCheck<'a>,
    rows: &'a LostCopyRows,
}

impl GroupWork for CheckThere<'_> {
    async fn look(&self, lane: &mut Lane, group: &mut Group) -> PassResult<()> {
        self.check.check_there(lane, self.rows, group).await
    }
}

impl NumberCheck<'_> {
    /// Looks whether the numbers of copies at the destination still hold (D26).
    pub(super) async fn check_numbers(&self, lanes: &mut Lanes, prepared: &mut Prepared) -> PassResult<()> {
        self.pass.tally.phase(self.pass.clock.now(), Phase::ScanningDestination);
        let rows = LostCopyRows::of(prepared);
        let checked =
            |group: &Group| group.iter().find(|job| job.is_believed()).map(|job| job.plan.destination.wire.clone());
        *prepared.there.checked.get_mut() = prepared.groups.iter().filter_map(checked).collect();
        let stepped_back = prepared.groups.iter().flatten().any(|job| job.numbers.doubts.stepped_back());
        self.pass.findings.lost_there.fetch_or(stepped_back, Ordering::Relaxed);
        self.look_where_copies_lie(prepared).await?;
        let known = |group: &Group| group.iter().any(|job| job.plan.past == Past::Known);
        let (look, rest) = std::mem::take(&mut prepared.groups).into_iter().partition(known);
        prepared.groups = self.pass.side_by_side(lanes, &CheckThere { check: self, rows: &rows }, look, rest).await?;
        if let Some(lane) = lanes.iter_mut().next() {
            self.check_doubted(lane, prepared, &rows).await?;
            if self.pass.findings.lost_there.load(Ordering::Relaxed) {
                // The others may be in an earlier state too, whatever their figures say.
                tracing::info!("the destination was put back to an earlier state");
                self.look_there_too(prepared, |_| true).await?;
                self.check_doubted(lane, prepared, &rows).await?;
                self.pass.run_with_retry(lane, &mut SearchForLost::everywhere(prepared)).await?;
            }
        }
        self.pass.tell_losses().await;
        prepared.there.rows = rows;
        Ok(())
    }

    /// Messages that moved at the source have their copies where they came from: of folders that are looked into, those
    /// destination folders are looked at too.
    async fn look_where_copies_lie(&self, prepared: &mut Prepared) -> PassResult<()> {
        let jobs: BTreeSet<FolderId> = prepared.groups.iter().flatten().map(|job| job.id).collect();
        let led = self.pass.journal.led_elsewhere().await?;
        let led: BTreeSet<FolderId> = led.into_iter().filter(|(row, _)| jobs.contains(row)).map(|(_, to)| to).collect();
        match led.is_empty() {
            true => Ok(()),
            false => self.look_there_too(prepared, |row| led.contains(&row)).await,
        }
    }

    /// The destination folders of these rows are looked at, unless they are anyway.
    async fn look_there_too(&self, prepared: &mut Prepared, which: impl Fn(FolderId) -> bool) -> PassResult<()> {
        let records = self.pass.journal.folders().await?;
        let seen_there = SeenThere::of(&records);
        let mut known: BTreeSet<WireName> = prepared.there.checked.get_mut().clone();
        let doubted = prepared.there.doubted.iter().filter_map(|doubted| prepared.places.get(&doubted.row));
        known.extend(doubted.map(|at| at.wire.clone()));
        for record in records.iter().filter(|record| which(record.id)) {
            if prepared.places.get(&record.id).is_some_and(|at| known.insert(at.wire.clone())) {
                let (row, path, seen) = (record.id, record.source.clone(), seen_there.get(record));
                prepared.there.doubted.push(Doubted { row, path, seen, went_back: false, out_of_sight: false });
            }
        }
        Ok(())
    }

    /// Looks at the copies of one destination folder; tells whether their numbers had changed.
    pub(super) async fn check_there(&self, lane: &mut Lane, rows: &LostCopyRows, group: &mut Group) -> PassResult<()> {
        let believed = |job: &&Job| job.is_believed();
        let Some(job) = group.iter().find(believed).cloned() else { return Ok(()) };
        let known = || group.iter().filter(believed);
        let doubts = known().map(|job| job.numbers.doubts).fold(Doubts::None, Doubts::and);
        let there = There {
            id: job.id,
            path: &job.path,
            at: &job.plan.destination,
            source: Some(&job.plan.source),
            doubts,
            rows,
            scanned: None,
            kept: self.pass.journal.habit(Side::Destination).await?.into(),
        };
        match self.pass.run_with_retry(lane, &mut LookThere::at(there)).await? {
            Ok(false) => {}
            Ok(true) => {
                for job in group {
                    job.numbers.doubts = Doubts::default();
                    job.numbers.strangers_next = Uid(0);
                    self.settled_there(job.id).await?;
                }
            }
            Err(SideFailure { side, failure }) => {
                for job in group.iter_mut().filter(|job| !job.is_abandoned()) {
                    self.pass.folder_failed(job, side, failure.clone()).await?;
                }
            }
        }
        Ok(())
    }

    /// All copies in a row's destination folder were looked for, those of other rows too; what was found is on the disk.
    pub(super) async fn settled_there(&self, row: FolderId) -> PassResult<()> {
        let records = self.pass.journal.folders().await?;
        let at = records.iter().find(|record| record.id == row).map(|record| &record.destination);
        for record in
            records.iter().filter(|r| r.id == row || (Some(&r.destination) == at && r.destination_seen.is_doubted()))
        {
            let end = FolderEnd { destination: Some(Seen::Unknown), ..FolderEnd::default() };
            self.pass.journal.end_folder(record.id, end).await?;
        }
        Ok(())
    }

    /// Copies that are in doubt could not be looked at: they stay in doubt.
    pub(super) async fn not_looked_at(
        &self,
        row: FolderId,
        path: &FolderPath,
        side: Side,
        failure: Failure,
    ) -> PassResult<()> {
        let error = ItemError { folder: Some(path.clone()), side: Some(side), ..ItemError::about(failure) };
        self.pass.not_moved(self.pass.tally.known(row), error).await
    }

    /// A flag was to be changed on a copy that turned out to be another message: the next pass looks at every number of that
    /// destination folder.
    pub(super) async fn doubt_numbers(&self, row: FolderId) -> PassResult<()> {
        self.pass.findings.doubted.lock().unwrap_or_else(PoisonError::into_inner).insert(row);
        let end = FolderEnd { destination: Some(Seen::Doubted), ..FolderEnd::default() };
        Ok(self.pass.journal.end_folder(row, end).await?)
    }

    /// Looks at the copies in destination folders that nobody looks into, and whose numbers may not hold.
    pub(super) async fn check_doubted(
        &self,
        lane: &mut Lane,
        prepared: &mut Prepared,
        rows: &LostCopyRows,
    ) -> PassResult<()> {
        for Doubted { row: id, path, seen, went_back, out_of_sight } in std::mem::take(&mut prepared.there.doubted) {
            let Some(at) = prepared.places.get(&id) else { continue };
            prepared.there.checked.get_mut().insert(at.wire.clone());
            let mut doubts = Doubts::of(seen);
            // A list may be wrong (D27).
            if went_back && Preparation::of(self.pass).is_earlier_now(lane, at, seen).await? {
                doubts = doubts.and(Doubts::SteppedBack);
            }
            let (path, kept) = (&path, self.pass.journal.habit(Side::Destination).await?.into());
            let there = There { id, path, at, source: None, doubts, rows, scanned: None, kept };
            match self.pass.run_with_retry(lane, &mut LookThere::at(there)).await? {
                Ok(changed) if changed || seen.is_doubted() => self.settled_there(id).await?,
                Ok(_) => {}
                // Nothing spoke against them, and what cannot be opened is named by whoever works on that folder.
                Err(_) if out_of_sight && doubts == Doubts::None => {}
                Err(SideFailure { side, failure }) => self.not_looked_at(id, path, side, failure).await?,
            }
        }
        Ok(())
    }
}
