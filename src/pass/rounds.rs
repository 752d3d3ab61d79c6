//! The phases before copying, over all folders: whether the numbers of copies hold, what is new at the source, and what of that
//! the destination has. Lanes take the folders group by group; what they found is brought together between two phases (D18).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};

use futures_util::future::join_all;

use crate::domain::folder::WireName;
use crate::domain::ids::FolderId;
use crate::domain::matching::{Gone, GoneMarks};
use crate::domain::record::Phase;
use crate::pass::job::{Figures, Job, Past};
use crate::pass::lane::{Lane, Lanes, settle};
use crate::pass::places::{Doubted, Group, Prepared, Queue};
use crate::pass::resolve::Resolve;
use crate::pass::scan::gone_mark;
use crate::pass::there::{Rows, SeenThere};
use crate::pass::{Flow, Halt, Pass};

/// What comparing all folders found.
#[derive(Default)]
struct All {
    gone: Vec<Gone>,
    astray: Vec<Gone>,
    /// Rows that were set aside, with the rows they came from.
    retired: Vec<(FolderId, FolderId)>,
}

/// What lanes do with every folder of the groups they take.
enum Look<'a> {
    /// Compare; watermarks that lost their message are gathered, and rows that were set aside with the folder's own.
    Compare(&'a Mutex<All>),
    /// Resolve.
    Resolve(&'a Prepared),
    /// Look whether the numbers of copies hold.
    Numbers(&'a Rows),
}

impl Pass {
    /// Looks whether the numbers of copies at the destination still hold (D26).
    pub(super) async fn check_numbers(&self, lanes: &mut Lanes, prepared: &mut Prepared) -> Flow<()> {
        self.tally.phase(self.clock.now(), Phase::ScanningDestination);
        let rows = Rows::of(prepared);
        let checked =
            |group: &Group| group.iter().find(|job| job.is_believed()).map(|job| job.plan.destination.wire.clone());
        *prepared.checked.get_mut() = prepared.groups.iter().filter_map(checked).collect();
        let stepped_back = prepared.groups.iter().flatten().any(|job| job.numbers.doubts.stepped_back());
        self.findings.lost_there.fetch_or(stepped_back, Ordering::Relaxed);
        self.look_where_copies_lie(prepared).await?;
        let known = |group: &Group| group.iter().any(|job| job.plan.past == Past::Known);
        let (look, rest) = std::mem::take(&mut prepared.groups).into_iter().partition(known);
        prepared.groups = self.side_by_side(lanes, &Look::Numbers(&rows), look, rest).await?;
        if let Some(lane) = lanes.iter_mut().next() {
            self.check_doubted(lane, prepared, &rows).await?;
            if self.findings.lost_there.load(Ordering::Relaxed) {
                // The others may be in an earlier state too, whatever their figures say.
                tracing::info!("the destination was put back to an earlier state");
                self.look_there_too(prepared, |_| true).await?;
                self.check_doubted(lane, prepared, &rows).await?;
            }
        }
        prepared.rows = rows;
        Ok(())
    }

    /// Messages that moved at the source have their copies where they came from: of folders that are looked into, those
    /// destination folders are looked at too.
    async fn look_where_copies_lie(&self, prepared: &mut Prepared) -> Flow<()> {
        let jobs: BTreeSet<FolderId> = prepared.groups.iter().flatten().map(|job| job.id).collect();
        let led = self.journal.led_elsewhere().await?;
        let led: BTreeSet<FolderId> = led.into_iter().filter(|(row, _)| jobs.contains(row)).map(|(_, to)| to).collect();
        match led.is_empty() {
            true => Ok(()),
            false => self.look_there_too(prepared, |row| led.contains(&row)).await,
        }
    }

    /// The destination folders of these rows are looked at, unless they are anyway.
    async fn look_there_too(&self, prepared: &mut Prepared, which: impl Fn(FolderId) -> bool) -> Flow<()> {
        let records = self.journal.folders().await?;
        let seen_there = SeenThere::of(&records);
        let mut known: BTreeSet<WireName> = prepared.checked.get_mut().clone();
        let doubted = prepared.doubted.iter().filter_map(|doubted| prepared.places.get(&doubted.row));
        known.extend(doubted.map(|at| at.wire.clone()));
        for record in records.iter().filter(|record| which(record.id)) {
            if prepared.places.get(&record.id).is_some_and(|at| known.insert(at.wire.clone())) {
                let (row, path, seen) = (record.id, record.source.clone(), seen_there.get(record));
                prepared.doubted.push(Doubted { row, path, seen, went_back: false });
            }
        }
        Ok(())
    }

    /// Compares all folders, then gathers the watermarks that lost their message: they may have moved.
    pub(super) async fn scan(&self, lanes: &mut Lanes, prepared: &mut Prepared) -> Flow<()> {
        self.tally.phase(self.clock.now(), Phase::ScanningDestination);
        let needs = |group: &Group| {
            self.filters()
                || group
                    .iter()
                    .any(|job| !job.is_new() || job.plan.figures == Figures::Differ || job.shows_everything())
        };
        let (look, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut prepared.groups).into_iter().partition(needs);
        for job in rest.iter().flatten() {
            self.expect(job, 0, 0, u64::from(job.plan.exists));
        }
        let found = Mutex::new(All::default());
        prepared.groups = self.side_by_side(lanes, &Look::Compare(&found), look, rest).await?;
        let All { mut gone, mut astray, retired } = found.into_inner().unwrap_or_else(PoisonError::into_inner);
        for (row, of) in retired {
            if let Some(place) = prepared.places.get(&of).cloned() {
                prepared.places.insert(row, place);
            }
        }
        let looks = |job: &Job| !job.is_empty() || (job.shows_everything() && !job.remaining.late.is_empty());
        if prepared.groups.iter().flatten().any(looks) {
            for id in &prepared.lost {
                let marks = self.journal.watermarks(*id).await?;
                for mark in &marks {
                    if mark.is_lost() { &mut astray } else { &mut gone }.push(gone_mark(*id, mark));
                }
            }
        }
        self.lend(prepared, &mut gone).await?;
        prepared.unread.extend(prepared.groups.iter().flatten().filter(|job| job.is_abandoned()).map(|job| job.id));
        *prepared.astray.get_mut().unwrap_or_else(PoisonError::into_inner) = GoneMarks::new(astray);
        *prepared.gone.get_mut().unwrap_or_else(PoisonError::into_inner) = GoneMarks::new(gone);
        Ok(())
    }

    /// What lies in a folder of everything stays there when it gets a folder of its own, and is not new in that: its
    /// watermark may be claimed as if it had moved.
    async fn lend(&self, prepared: &mut Prepared, gone: &mut Vec<Gone>) -> Flow<()> {
        if prepared.groups.iter().flatten().all(|job| job.is_empty()) {
            return Ok(());
        }
        for id in &prepared.views {
            let missing: BTreeSet<Gone> = gone.iter().filter(|mark| mark.folder == *id).copied().collect();
            let marks = self.journal.watermarks(*id).await?;
            let there = marks.iter().filter(|mark| !mark.is_lost()).map(|mark| gone_mark(*id, mark));
            let there = there.filter(|mark| !missing.contains(mark));
            prepared.lent.extend(there);
        }
        gone.extend(prepared.lent.iter().copied());
        Ok(())
    }

    /// Looks for new messages that are at the destination already or moved within the source, and carries flags.
    pub(super) async fn resolve(&self, lanes: &mut Lanes, prepared: &mut Prepared) -> Flow<()> {
        let groups = std::mem::take(&mut prepared.groups);
        let needs = |group: &Group| group.iter().any(|job| Resolve::needed(self, prepared, job));
        let (look, rest): (Vec<_>, Vec<_>) = groups.into_iter().partition(needs);
        prepared.groups = self.side_by_side(lanes, &Look::Resolve(prepared), look, rest).await?;
        self.settle_across(lanes, prepared).await?;
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
            if let Look::Numbers(rows) = look {
                match self.check_there(lane, rows, &mut group).await {
                    Ok(()) => done.put(group),
                    Err(halt) if lane.is_unwanted(&halt) => {
                        lane.leave_out();
                        queue.put(group);
                        return Ok(());
                    }
                    Err(halt) => return Err(halt),
                }
                continue;
            }
            for job in group.iter_mut().filter(|job| !job.is_abandoned()) {
                let looked = match look {
                    Look::Numbers(_) => Ok(()),
                    Look::Compare(all) => self.scan_folder(lane, job).await.map(|found| {
                        let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
                        all.gone.extend(found.gone);
                        all.astray.extend(found.astray);
                        all.retired.extend(found.retired.into_iter().map(|row| (row, job.id)));
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
        gone.take_back(&std::mem::take(&mut prepared.lent));
        let mut rows = BTreeMap::new();
        for (folder, messages) in gone.by_folder().into_iter().filter(|(id, _)| !prepared.lost.contains(id)) {
            let row = self.journal.retire(folder, messages).await?;
            rows.insert(folder, row);
            if let Some(place) = prepared.places.get(&folder).cloned() {
                prepared.places.insert(row, place);
            }
        }
        gone.rehome(&rows);
        self.forget_astray(prepared).await
    }

    /// Lost copies whose messages left their folders, and came up nowhere else, are nobody's business any more. Where a folder
    /// could not be read they may have come up in that.
    async fn forget_astray(&self, prepared: &mut Prepared) -> Flow<()> {
        if !prepared.unread.is_empty() || prepared.groups.iter().flatten().any(|job| job.is_abandoned()) {
            return Ok(());
        }
        let live: BTreeSet<FolderId> = prepared.groups.iter().flatten().map(|job| job.id).collect();
        let astray = prepared.astray.get_mut().unwrap_or_else(PoisonError::into_inner);
        let left = GoneMarks::new(astray.take(|mark| live.contains(&mark.folder)));
        for (folder, messages) in left.by_folder() {
            self.journal.forget(folder, messages).await?;
        }
        Ok(())
    }
}
