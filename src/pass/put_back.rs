//! A destination that was restored from a backup has none of the folders that were made since. They were not deleted by their
//! owner (D12): what was in them is copied again (D26).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use async_trait::async_trait;

use crate::domain::failure::{Scope, Side};
use crate::domain::folder::{FolderState, ListedFolder};
use crate::domain::ids::{FolderId, Uid};
use crate::domain::record::{FolderRecord, Notice, NoticeKind, Seen, Watermark};
use crate::endpoint::{Destination, FolderRef, Source};
use crate::pass::candidates::{Candidate, place, went_back};
use crate::pass::lane::{Lane, Step};
use crate::pass::tree::Preparation;
use crate::pass::{OnSide, Pass, PassResult, PassStop};

/// Asks these folders themselves: a list may be wrong.
struct Reopen(Vec<FolderRef>);

#[async_trait]
impl Step for Reopen {
    type Out = Vec<Option<FolderState>>;

    async fn run(&mut self, _pass: &Pass, _source: &mut dyn Source, to: &mut dyn Destination) -> PassResult<Self::Out> {
        let opened = to.open(&self.0).await.on(Side::Destination).map_err(PassStop::Fatal)?;
        let state = |opened: Result<(FolderState, _), crate::domain::failure::Failure>| match opened {
            Ok((state, _)) => Ok(Some(state)),
            Err(failure) if failure.scope <= Scope::Folder => Ok(None),
            Err(failure) => Err(failure).on(Side::Destination).map_err(PassStop::Fatal),
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

/// LostCopyRows whose destination folder is not there any more: of candidates, and of folders that are not at the source, which no
/// candidate stands for.
fn lost_folders(records: &[FolderRecord], there: &[ListedFolder], candidates: &[Candidate]) -> Vec<FolderRecord> {
    let listed: HashMap<_, _> = there.iter().filter(|f| f.selectable).map(|f| (&f.wire, f.state)).collect();
    let known: BTreeSet<FolderId> = candidates.iter().filter_map(|c| c.record.as_ref()).map(|r| r.id).collect();
    let is_lost = |record: &FolderRecord| match listed.get(&record.destination_wire) {
        None => true,
        Some(state) => state.is_some_and(|now| now.uid_validity != 0 && now.uid_validity < record.destination_validity),
    };
    let others = records.iter().filter(|r| r.destination_validity != 0 && !known.contains(&r.id) && is_lost(r));
    candidates.iter().filter(|c| c.gone).filter_map(|c| c.record.as_ref()).chain(others).cloned().collect()
}

impl Preparation<'_> {
    /// Where folders of the destination are gone and others are in an earlier state, the copies in those that are gone were
    /// lost: their messages are new again.
    pub(super) async fn bring_lost_folders(
        &self,
        lane: &mut Lane,
        records: &[FolderRecord],
        there: &[ListedFolder],
        candidates: &mut [Candidate],
    ) -> PassResult<()> {
        let gone = lost_folders(records, there, candidates);
        if gone.is_empty() || !self.was_put_back(lane, records, there).await? {
            return Ok(());
        }
        tracing::info!("the destination was put back to an earlier state");
        let mut looked_into = BTreeSet::new();
        for record in gone {
            if !self.has_another_name(lane, &record, there).await? {
                looked_into.extend(self.lose_copies(&record).await?);
            }
        }
        for record in candidates.iter_mut().filter_map(|c| c.record.as_mut()) {
            if looked_into.contains(&record.id) {
                record.marker = None;
            }
        }
        Ok(())
    }

    /// Whether a folder that is gone lies under another name, which is another row's too.
    async fn has_another_name(
        &self,
        lane: &mut Lane,
        record: &FolderRecord,
        there: &[ListedFolder],
    ) -> PassResult<bool> {
        let validity = |f: &ListedFolder| f.state.map_or(0, |state| state.uid_validity);
        let may_be = |f: &&ListedFolder| f.selectable && validity(f) == record.destination_validity;
        for folder in there.iter().filter(may_be) {
            if self.is_renamed(lane, record, folder, true).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether a folder of the destination is in an earlier state than a pass saw it in.
    pub(super) async fn was_put_back(
        &self,
        lane: &mut Lane,
        records: &[FolderRecord],
        there: &[ListedFolder],
    ) -> PassResult<bool> {
        let listed: HashMap<_, _> = there.iter().filter_map(|f| f.state.map(|state| (&f.wire, state))).collect();
        let live = records.iter().filter(|r| !r.retired && r.destination_validity != 0);
        let earlier = |r: &&FolderRecord| listed.get(&r.destination_wire).is_some_and(|now| is_earlier(r, *now));
        let suspects: Vec<&FolderRecord> = live.filter(earlier).collect();
        if suspects.is_empty() {
            return Ok(false);
        }
        let folders = suspects.iter().map(|r| place(&r.destination, &r.destination_wire, 0)).collect();
        let states = self.pass.run_with_retry(lane, &mut Reopen(folders)).await?;
        Ok(suspects.iter().zip(states).any(|(record, now)| now.is_some_and(|now| is_earlier(record, now))))
    }

    /// Whether this folder is in an earlier state than a pass saw it in, by what it says itself.
    pub(super) async fn is_earlier_now(&self, lane: &mut Lane, at: &FolderRef, seen: Seen) -> PassResult<bool> {
        let now = self.pass.run_with_retry(lane, &mut Reopen(vec![at.clone()])).await?.pop().flatten();
        Ok(now.is_some_and(|now| went_back(seen, now)))
    }

    /// All copies in a folder that is gone are lost; the rows they belong to.
    pub(super) async fn lose_copies(&self, record: &FolderRecord) -> PassResult<Vec<FolderId>> {
        let mut numbers = self.pass.journal.known_at_destination(record.id).await?;
        numbers.insert(0, Watermark::NOT_TOLD);
        let copies = self.pass.journal.copies(record.id, numbers).await?;
        let mut by_row: BTreeMap<FolderId, Vec<Watermark>> = BTreeMap::new();
        for (row, mark) in copies {
            by_row.entry(row).or_default().push(mark);
        }
        let mut lost: Vec<Uid> = Vec::new();
        for (row, marks) in &by_row {
            self.pass.journal.lose(*row, marks.iter().map(|mark| mark.source).collect()).await?;
            lost.extend(marks.iter().map(|mark| mark.destination));
        }
        if !lost.is_empty() {
            let notice = Notice::of(&record.source, NoticeKind::CopiedAgain, Side::Destination, &lost);
            self.pass.tell(record.id, notice.saying(record.destination.to_string())).await;
        }
        Ok(by_row.into_keys().collect())
    }
}
