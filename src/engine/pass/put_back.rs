//! A destination that was restored from a backup has none of the folders that were made since. They were not deleted by their
//! owner (D12): what was in them is copied again (D26).

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;

use crate::domain::failure::{Scope, Side};
use crate::domain::folder::{FolderState, ListedFolder};
use crate::domain::ids::{FolderId, Uid};
use crate::domain::record::{FolderRecord, Notice, NoticeKind, Watermark};
use crate::endpoint::{Destination, FolderRef, Source};
use crate::engine::pass::candidates::{Candidate, place, went_back};
use crate::engine::pass::lane::{Lane, Step};
use crate::engine::pass::{Flow, Halt, On, Pass};

/// Asks these folders themselves: a list may be wrong.
struct Reopen(Vec<FolderRef>);

#[async_trait]
impl Step for Reopen {
    type Out = Vec<Option<FolderState>>;

    async fn run(&mut self, _pass: &Pass, _source: &mut dyn Source, to: &mut dyn Destination) -> Flow<Self::Out> {
        let opened = to.open(&self.0).await.on(Side::Destination).map_err(Halt::Fatal)?;
        let state = |opened: Result<(FolderState, _), crate::domain::failure::Failure>| match opened {
            Ok((state, _)) => Ok(Some(state)),
            Err(failure) if failure.scope <= Scope::Folder => Ok(None),
            Err(failure) => Err(failure).on(Side::Destination).map_err(Halt::Fatal),
        };
        opened.into_iter().map(state).collect()
    }
}

/// Whether a folder is in an earlier state than a pass saw it in.
fn is_earlier(record: &FolderRecord, now: FolderState) -> bool {
    match now.uid_validity {
        0 => false,
        same if same == record.destination_validity => {
            !record.destination_seen.is_doubted() && went_back(record.destination_seen, now)
        }
        other => other < record.destination_validity,
    }
}

impl Pass {
    /// Where folders of the destination are gone and others are in an earlier state, the copies in those that are gone were
    /// lost: their messages are new again.
    pub(super) async fn bring_lost_folders(
        &self,
        lane: &mut Lane,
        records: &[FolderRecord],
        there: &[ListedFolder],
        candidates: &mut [Candidate],
    ) -> Flow<()> {
        if !candidates.iter().any(|c| c.gone) || !self.was_put_back(lane, records, there).await? {
            return Ok(());
        }
        tracing::info!("the destination was put back to an earlier state");
        let live: Vec<FolderId> = candidates.iter().filter_map(|c| c.record.as_ref()).map(|record| record.id).collect();
        let gone = candidates.iter().filter(|c| c.gone).filter_map(|c| c.record.clone());
        let mut looked_into = Vec::new();
        for record in gone.collect::<Vec<_>>() {
            looked_into.extend(self.lose_copies(&record, &live).await?);
        }
        for record in candidates.iter_mut().filter_map(|c| c.record.as_mut()) {
            if looked_into.contains(&record.id) {
                record.marker = None;
            }
        }
        Ok(())
    }

    /// Whether a folder of the destination is in an earlier state than a pass saw it in.
    pub(super) async fn was_put_back(
        &self,
        lane: &mut Lane,
        records: &[FolderRecord],
        there: &[ListedFolder],
    ) -> Flow<bool> {
        let listed: HashMap<_, _> = there.iter().filter_map(|f| f.state.map(|state| (&f.wire, state))).collect();
        let live = records.iter().filter(|r| !r.retired && r.destination_validity != 0);
        let earlier = |r: &&FolderRecord| listed.get(&r.destination_wire).is_some_and(|now| is_earlier(r, *now));
        let suspects: Vec<&FolderRecord> = live.filter(earlier).collect();
        if suspects.is_empty() {
            return Ok(false);
        }
        let folders = suspects.iter().map(|r| place(&r.destination, &r.destination_wire, 0)).collect();
        let states = self.persist(lane, &mut Reopen(folders)).await?;
        Ok(suspects.iter().zip(states).any(|(record, now)| now.is_some_and(|now| is_earlier(record, now))))
    }

    /// All copies in a folder that is gone, of messages of folders at the source, are lost; the rows they belong to.
    pub(super) async fn lose_copies(&self, record: &FolderRecord, live: &[FolderId]) -> Flow<Vec<FolderId>> {
        let mut numbers = self.journal.known_at_destination(record.id).await?;
        numbers.insert(0, Watermark::NOT_TOLD);
        let copies = self.journal.copies(record.id, numbers).await?;
        let mut by_row: BTreeMap<FolderId, Vec<Watermark>> = BTreeMap::new();
        for (row, mark) in copies.into_iter().filter(|(row, _)| live.contains(row)) {
            by_row.entry(row).or_default().push(mark);
        }
        let mut lost: Vec<Uid> = Vec::new();
        for (row, marks) in &by_row {
            self.journal.lose(*row, marks.iter().map(|mark| mark.source).collect()).await?;
            lost.extend(marks.iter().map(|mark| mark.destination));
        }
        if !lost.is_empty() {
            let notice = Notice::of(&record.source, NoticeKind::CopiedAgain, Side::Destination, &lost);
            self.tell(record.id, notice.saying(record.destination.to_string())).await;
        }
        Ok(by_row.into_keys().collect())
    }
}
