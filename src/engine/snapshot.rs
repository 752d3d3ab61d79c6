//! What watchers see: rows of items in chunks that revisions share (D25).

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use crate::domain::asking::MailTrouble;
use crate::domain::failure::Side;
use crate::domain::figures::Moved;
use crate::domain::ids::{ItemId, PassId, ProjectId};
use crate::domain::last_results::{LastResults, PassResult};
use crate::domain::pass::PassKind;
use crate::domain::progress::PassProgress;
use crate::domain::star::Star;
use crate::domain::status::{HoldReason, Status};
use crate::domain::time::Timestamp;
use crate::store;

/// Rows in one chunk.
const CHUNK: usize = 256;

/// An item as watchers see it.
#[derive(Clone, Debug, PartialEq)]
pub struct ItemRow {
    /// The item.
    pub item: ItemId,
    /// Its project.
    pub project: ProjectId,
    /// Address at the source.
    pub source: String,
    /// Address at the destination.
    pub destination: String,
    /// Its star.
    pub star: Option<Star>,
    /// What a person noted about it.
    pub note: Option<String>,
    /// Its status.
    pub status: Status,
    /// Its latest pass, if it ever had one since it was made or reset.
    pub pass: Option<LatestPass>,
    /// What the passes before it recorded, since it was made or reset.
    pub earlier: Moved,
    /// How they ended, by their kinds.
    pub earlier_results: LastResults,
    /// The figures of that pass.
    pub progress: PassProgress,
    /// Message bytes a second over the last seconds; 0 when nothing runs or it pauses.
    pub speed: u64,
    /// Why it failed or is held.
    pub failure: Option<(Option<Side>, crate::domain::failure::Failure)>,
    /// Why its owner, who is waited for, was perhaps not asked.
    pub mail: Option<MailTrouble>,
}

/// The latest pass of an item. Times are UTC epoch milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LatestPass {
    /// Its number.
    pub id: PassId,
    /// What it does.
    pub kind: PassKind,
    /// 1, and one more after each interruption.
    pub attempt: u32,
    /// When it was submitted.
    pub submitted: Timestamp,
    /// When a worker first took it.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// When it is to start, if that was chosen.
    pub until: Option<Timestamp>,
    /// Why it is held, if it is.
    pub hold: Option<HoldReason>,
    /// When it came to its status.
    pub since: Timestamp,
}

impl LatestPass {
    /// A pass that was just submitted.
    pub fn submitted(id: PassId, kind: PassKind, at: Timestamp) -> Self {
        Self { id, kind, attempt: 1, submitted: at, started: None, ended: None, until: None, hold: None, since: at }
    }

    /// The last thing that is known to have happened to it.
    pub fn last(&self) -> Timestamp {
        self.ended.or(self.started).unwrap_or(self.submitted)
    }
}

impl ItemRow {
    /// What is recorded of the item, over all passes: it never falls (D34).
    pub fn moved(&self) -> Moved {
        self.earlier.and(Moved::of(&self.progress.counts))
    }

    /// Messages whose errors can be tried again: Verify tried none.
    pub fn retryable(&self) -> u64 {
        match self.pass {
            Some(LatestPass { kind: PassKind::Verify, .. }) => 0,
            Some(_) | None => self.progress.counts.errors,
        }
    }

    /// How its passes ended, by their kinds, up to the latest one.
    pub fn results(&self) -> LastResults {
        let Some(pass) = self.pass else { return self.earlier_results };
        self.earlier_results.after(pass.kind, PassResult::of(self.status, &self.progress))
    }

    /// Bytes that are read and not recorded yet, while a worker has the item.
    pub fn under_way(&self) -> u64 {
        if self.status.is_active() { self.progress.in_flight } else { 0 }
    }

    /// The server that its pass waits for, if it does.
    pub fn waits_for(&self) -> Option<&str> {
        self.progress.retry.as_ref().filter(|_| self.status.is_active())?.server()
    }

    /// An item as the database has it.
    pub fn stored(row: &store::ItemRow) -> Self {
        let latest = row.latest.as_ref();
        let pass = latest.map(|pass| LatestPass {
            id: pass.id,
            kind: pass.kind,
            attempt: pass.attempt,
            submitted: pass.submitted,
            started: pass.started,
            ended: pass.ended,
            until: pass.schedule.as_ref().map(|schedule| schedule.at),
            hold: pass.hold,
            since: pass.since,
        });
        Self {
            item: row.item.id,
            project: row.item.project,
            source: row.item.source.email.clone(),
            destination: row.item.destination.email.clone(),
            star: row.star,
            note: row.note.clone(),
            status: row.status(),
            pass,
            earlier: latest.map(|pass| pass.earlier).unwrap_or_default(),
            earlier_results: latest.map(|pass| pass.earlier_results).unwrap_or_default(),
            progress: latest.map(|pass| pass.progress.clone()).unwrap_or_default(),
            speed: 0,
            failure: latest.and_then(|pass| pass.failure.clone()).map(|ended| (ended.side, ended.failure)),
            mail: None,
        }
    }
}

/// One state of everything the engine has loaded.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Grows with every change.
    pub revision: u64,
    /// Grows when rows went, and others therefore have other places.
    pub layout: u64,
    /// Projects of which a server cannot be reached, and when that is tried again; UTC epoch milliseconds.
    pub outages: BTreeMap<ProjectId, Timestamp>,
    /// Rows in the order in which they were loaded.
    pub chunks: Vec<Arc<Vec<Arc<ItemRow>>>>,
}

impl Snapshot {
    /// All rows.
    pub fn rows(&self) -> impl Iterator<Item = &Arc<ItemRow>> {
        self.chunks.iter().flat_map(|chunk| chunk.iter())
    }

    /// The row at a place in that order. A row keeps its place in all later snapshots of the same
    /// layout.
    pub fn row(&self, place: usize) -> Option<&Arc<ItemRow>> {
        self.chunks.get(place / CHUNK)?.get(place % CHUNK)
    }

    /// How many other items wait for the server that this one waits for.
    pub fn others_waiting(&self, row: &ItemRow) -> usize {
        let Some(server) = row.waits_for() else { return 0 };
        self.rows().filter(|other| other.item != row.item && other.waits_for() == Some(server)).count()
    }

    /// A snapshot of these rows.
    pub fn of(revision: u64, rows: impl IntoIterator<Item = ItemRow>) -> Self {
        let mut builder = Builder::default();
        rows.into_iter().for_each(|row| builder.put(row));
        Self { revision, ..builder.current }
    }
}

/// Builds snapshots: only touched chunks are made anew.
#[derive(Default)]
pub(super) struct Builder {
    current: Snapshot,
    places: HashMap<ItemId, (usize, usize)>,
    changed: bool,
}

impl Builder {
    /// Adds or replaces a row.
    pub fn put(&mut self, row: ItemRow) {
        let chunks = &mut self.current.chunks;
        match self.places.get(&row.item) {
            Some((chunk, at)) => {
                if *chunks[*chunk][*at] == row {
                    return;
                }
                Arc::make_mut(&mut chunks[*chunk])[*at] = Arc::new(row);
            }
            None => {
                if chunks.last().is_none_or(|chunk| chunk.len() >= CHUNK) {
                    chunks.push(Arc::new(Vec::with_capacity(CHUNK)));
                }
                let chunk = chunks.len() - 1;
                self.places.insert(row.item, (chunk, chunks[chunk].len()));
                Arc::make_mut(&mut chunks[chunk]).push(Arc::new(row));
            }
        }
        self.changed = true;
    }

    /// Removes the rows of a project.
    pub fn remove(&mut self, project: ProjectId) {
        self.keep(|row| row.project != project);
    }

    /// Removes the rows of items that were deleted.
    pub fn remove_items(&mut self, items: &[ItemId]) {
        let gone: HashSet<ItemId> = items.iter().copied().collect();
        self.keep(|row| !gone.contains(&row.item));
    }

    fn keep(&mut self, stays: impl Fn(&ItemRow) -> bool) {
        let Snapshot { revision, layout, outages, chunks } = std::mem::take(&mut self.current);
        let rows = chunks.iter().flat_map(|chunk| chunk.iter()).filter(|row| stays(row));
        let chunks: Vec<_> =
            rows.cloned().collect::<Vec<_>>().chunks(CHUNK).map(|rows| Arc::new(rows.to_vec())).collect();
        let places = chunks
            .iter()
            .enumerate()
            .flat_map(|(chunk, rows)| rows.iter().enumerate().map(move |(at, row)| (row.item, (chunk, at))));
        self.places = places.collect();
        self.current = Snapshot { revision, layout: layout + 1, outages, chunks };
        self.changed = true;
    }

    /// Which servers cannot be reached.
    pub fn set_outages(&mut self, outages: BTreeMap<ProjectId, Timestamp>) {
        if self.current.outages != outages {
            self.current.outages = outages;
            self.changed = true;
        }
    }

    /// A row, if it is loaded.
    pub fn get(&self, item: ItemId) -> Option<&ItemRow> {
        let (chunk, at) = self.places.get(&item)?;
        Some(&self.current.chunks[*chunk][*at])
    }

    /// The rows of a project.
    pub fn of_project(&self, project: ProjectId) -> impl Iterator<Item = &Arc<ItemRow>> {
        self.current.rows().filter(move |row| row.project == project)
    }

    /// The state now, if anything changed since this was last asked.
    pub fn take(&mut self) -> Option<Arc<Snapshot>> {
        std::mem::take(&mut self.changed).then(|| {
            self.current.revision += 1;
            Arc::new(self.current.clone())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: i64) -> ItemRow {
        ItemRow {
            item: ItemId(id),
            project: ProjectId(1),
            source: String::new(),
            destination: String::new(),
            star: None,
            note: None,
            status: Status::NotSubmitted,
            pass: None,
            earlier: Moved::default(),
            earlier_results: LastResults::default(),
            progress: PassProgress::default(),
            speed: 0,
            failure: None,
            mail: None,
        }
    }

    #[test]
    fn rows_of_a_deleted_project_go_and_the_others_are_found() {
        let mut builder = Builder::default();
        (0..600).for_each(|id| builder.put(ItemRow { project: ProjectId(id % 2), ..row(id) }));
        let before = builder.take().expect("new rows");
        builder.remove(ProjectId(0));
        let after = builder.take().expect("rows went");
        assert_eq!((before.layout, after.layout, after.rows().count()), (0, 1, 300));
        assert!(builder.get(ItemId(4)).is_none());
        builder.put(ItemRow { status: Status::Queued, ..row(599) });
        builder.put(row(600));
        let later = builder.take().expect("a changed row");
        assert_eq!(later.row(299).map(|row| (row.item, row.status)), Some((ItemId(599), Status::Queued)));
        assert_eq!((later.rows().count(), later.layout), (301, 1));
    }

    #[test]
    fn untouched_chunks_are_shared_between_revisions() {
        let mut builder = Builder::default();
        (0..1000).for_each(|id| builder.put(row(id)));
        let first = builder.take().expect("new rows");
        builder.put(row(5));
        assert!(builder.take().is_none(), "an equal row is no change");
        builder.put(ItemRow { status: Status::Queued, ..row(300) });
        let second = builder.take().expect("a changed row");
        let shared: Vec<bool> = first.chunks.iter().zip(&second.chunks).map(|(a, b)| Arc::ptr_eq(a, b)).collect();
        assert_eq!(shared, [true, false, true, true]);
        assert_eq!((second.rows().count(), second.revision), (1000, 2));
    }
}
