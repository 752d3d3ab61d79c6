//! A destination that was restored from a backup has none of the folders that were made since. They were not deleted by their
//! owner (D12): what was in them is copied again (D26), but for what lies in folders in which no copy is known: one of these may
//! have had another name then.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use async_trait::async_trait;

use crate::domain::failure::{Scope, Side};
use crate::domain::folder::{FolderState, ListedFolder, WireName};
use crate::domain::ids::{FolderId, Uid};
use crate::domain::record::{FolderRecord, FolderUpdate, Seen, Watermark};
use crate::endpoint::{Destination, FolderRef, Source};
use crate::pass::candidates::Candidate;
use crate::pass::doubts::is_nobodys;
use crate::pass::lane::{Lane, Step};
use crate::pass::listing::Preparation;
use crate::pass::losses::{Losses, LostCopy, recognised};
use crate::pass::same_folder::{place, went_back};
use crate::pass::there::Doubts;
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
        None => false,
        same if same == record.destination_validity => {
            !record.destination_seen.is_doubted() && went_back(record.destination_known(), now)
        }
        other => other < record.destination_validity,
    }
}

/// Rows whose destination folder is not there any more: of candidates, and of folders that are not at the source, which no
/// candidate stands for.
fn lost_folders(records: &[FolderRecord], there: &[ListedFolder], candidates: &[Candidate]) -> Vec<FolderRecord> {
    let listed: HashMap<_, _> = there.iter().filter(|f| f.selectable).map(|f| (&f.wire, f.state)).collect();
    let known: BTreeSet<FolderId> = candidates.iter().filter_map(|c| c.record.as_ref()).map(|r| r.id).collect();
    let looked_at: BTreeSet<&WireName> = candidates.iter().filter(|c| !c.gone).map(|c| &c.wire).collect();
    let is_lost = |record: &FolderRecord| match listed.get(&record.destination_wire) {
        None => true,
        Some(_) if looked_at.contains(&record.destination_wire) => false,
        Some(state) => {
            state.is_some_and(|now| now.uid_validity.is_some() && now.uid_validity < record.destination_validity)
        }
    };
    let others = records.iter().filter(|r| r.destination_validity.is_some() && !known.contains(&r.id) && is_lost(r));
    candidates.iter().filter(|c| c.gone).filter_map(|c| c.record.as_ref()).chain(others).cloned().collect()
}

impl Preparation<'_> {
    /// Where folders of the destination are gone and others are in an earlier state, the copies in those that are gone were
    /// lost: their messages are new again, but for those that lie under other names. Whether there are such folders.
    pub(super) async fn bring_lost_folders(
        &self,
        lane: &mut Lane,
        records: &[FolderRecord],
        there: &[ListedFolder],
        candidates: &mut [Candidate],
    ) -> PassResult<bool> {
        let gone = lost_folders(records, there, candidates);
        let replaced = replaced(candidates);
        if (gone.is_empty() && replaced.is_empty()) || !self.was_put_back(lane, records, there).await? {
            return Ok(false);
        }
        tracing::info!("the destination was put back to an earlier state");
        let mut lost = Vec::new();
        for record in gone {
            if !self.has_another_name(lane, &record, there).await? {
                lost.push(record);
            }
        }
        let mut astray = self.copies_in(&lost).await?;
        self.look_at_home(lane, &replaced, &mut astray).await?;
        let unheld = self.unheld(records, there, &lost).await?;
        self.find_under_other_names(lane, &mut astray, &unheld).await?;
        let looked_into = self.lose(&lost, &astray).await?;
        for record in candidates.iter_mut().filter_map(|c| c.record.as_mut()) {
            if looked_into.contains(&record.id) {
                record.marker = None;
            }
        }
        Ok(true)
    }

    /// Folders of the destination in which no row knows a copy, but for those whose copies are lost.
    async fn unheld<'f>(
        &self,
        records: &[FolderRecord],
        there: &'f [ListedFolder],
        lost: &[FolderRecord],
    ) -> PassResult<Vec<&'f ListedFolder>> {
        let mut held = BTreeSet::new();
        let is_lost = |record: &FolderRecord| lost.iter().any(|lost| lost.id == record.id);
        for record in records.iter().filter(|r| r.destination_validity.is_some() && !is_lost(r)) {
            if !self.pass.journal.known_at_destination(record.id).await?.is_empty() {
                held.insert(&record.destination_wire);
            }
        }
        Ok(there.iter().filter(|f| f.selectable && !held.contains(&f.wire)).collect())
    }

    /// Whether a folder that is gone lies under another name, which is another row's too.
    async fn has_another_name(
        &self,
        lane: &mut Lane,
        record: &FolderRecord,
        there: &[ListedFolder],
    ) -> PassResult<bool> {
        let may_be = |f: &&ListedFolder| f.selectable && f.validity() == record.destination_validity;
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
        let live = records.iter().filter(|r| !r.retired && r.destination_validity.is_some());
        let earlier = |r: &&FolderRecord| listed.get(&r.destination_wire).is_some_and(|now| is_earlier(r, *now));
        let suspects: Vec<&FolderRecord> = live.filter(earlier).collect();
        if suspects.is_empty() {
            return Ok(false);
        }
        let folders = suspects.iter().map(|r| place(&r.destination, &r.destination_wire, None)).collect();
        let states = self.pass.run_with_retry(lane, &mut Reopen(folders)).await?;
        Ok(suspects.iter().zip(states).any(|(record, now)| now.is_some_and(|now| is_earlier(record, now))))
    }

    /// Whether this folder is in an earlier state than a pass saw it in, by what it says itself.
    pub(super) async fn is_earlier_now(&self, lane: &mut Lane, at: &FolderRef, seen: Seen) -> PassResult<bool> {
        let now = self.pass.run_with_retry(lane, &mut Reopen(vec![at.clone()])).await?.pop().flatten();
        Ok(now.is_some_and(|now| went_back(seen, now)))
    }

    /// The copies in folders that are gone are lost, unless they lie in one of those in which no row knows a copy: under a
    /// name that their folder had before.
    pub(super) async fn lose_copies(
        &self,
        lane: &mut Lane,
        gone: &[FolderRecord],
        unheld: &[&ListedFolder],
    ) -> PassResult<()> {
        let mut astray = self.copies_in(gone).await?;
        self.find_under_other_names(lane, &mut astray, unheld).await?;
        self.lose(gone, &astray).await.map(drop)
    }

    async fn copies_in(&self, folders: &[FolderRecord]) -> PassResult<Astray> {
        let mut astray = Astray::default();
        for record in folders {
            let mut numbers = self.pass.journal.known_at_destination(record.id).await?;
            numbers.insert(0, Watermark::NOT_TOLD);
            astray.add(record, self.pass.journal.copies(record.id, numbers).await?);
        }
        Ok(astray)
    }

    /// Copies in folders of which other ones have the names now, as long as these do not hold them.
    async fn look_at_home(
        &self,
        lane: &mut Lane,
        replaced: &[(FolderRecord, &ListedFolder)],
        astray: &mut Astray,
    ) -> PassResult<()> {
        for (record, folder) in replaced {
            let mut own = self.copies_in(std::slice::from_ref(record)).await?;
            for (row, source, _) in self.recognised(lane, folder, &own).await? {
                own.0.remove(&(row, source));
            }
            astray.0.extend(own.0);
        }
        Ok(())
    }

    /// Copies that lie in these folders, by what they are, are known there from now on.
    async fn find_under_other_names(
        &self,
        lane: &mut Lane,
        astray: &mut Astray,
        unheld: &[&ListedFolder],
    ) -> PassResult<()> {
        for folder in unheld {
            let found = self.recognised(lane, folder, astray).await?;
            let first = found.first().and_then(|(row, source, _)| astray.0.get(&(*row, *source)));
            let Some(record) = first.map(|copy| Arc::clone(&copy.folder)) else { continue };
            tracing::info!(folder = %folder.path, copies = found.len(), "copies lie under another name of their folder");
            found.iter().for_each(|(row, source, _)| drop(astray.0.remove(&(*row, *source))));
            let at = FolderUpdate {
                id: None,
                source: record.source.clone(),
                source_wire: record.source_wire.clone(),
                source_validity: record.source_validity,
                mailbox_id: None,
                destination: folder.path.clone(),
                destination_wire: folder.wire.clone(),
                destination_mailbox_id: folder.mailbox_id.clone(),
                destination_validity: folder.validity(),
            };
            self.pass.journal.rehome(at, found).await?;
        }
        Ok(())
    }

    /// Which of these copies lie in this folder, and where.
    async fn recognised(
        &self,
        lane: &mut Lane,
        folder: &ListedFolder,
        astray: &Astray,
    ) -> PassResult<Vec<(FolderId, Uid, Uid)>> {
        let validity = folder.validity();
        let Some(first) = astray.0.values().next().filter(|_| validity.is_some()) else { return Ok(Vec::new()) };
        let mut step = Recognise {
            record: &first.folder,
            at: place(&folder.path, &folder.wire, validity),
            copies: astray.0.iter().map(|((row, _), copy)| (*row, copy.mark.clone())).collect(),
        };
        self.pass.run_with_retry(lane, &mut step).await
    }

    /// What of the copies in these folders was not found is lost; the rows that lost some.
    async fn lose(&self, gone: &[FolderRecord], astray: &Astray) -> PassResult<BTreeSet<FolderId>> {
        let mut by_row: BTreeMap<FolderId, Vec<Uid>> = BTreeMap::new();
        let mut by_folder: BTreeMap<FolderId, Vec<LostCopy>> = BTreeMap::new();
        let gone = || gone.iter();
        for ((row, source), copy) in astray.0.iter().filter(|(_, copy)| gone().any(|r| r.id == copy.folder.id)) {
            by_row.entry(*row).or_default().push(*source);
            if !is_nobodys(&copy.mark) {
                by_folder.entry(copy.folder.id).or_default().push(LostCopy::of(&(*row, copy.mark.clone())));
            }
        }
        let rows = by_row.keys().copied().collect();
        for (row, messages) in by_row {
            self.pass.journal.lose(row, messages).await?;
        }
        for record in gone() {
            let Some(again) = by_folder.remove(&record.id) else { continue };
            let (folder, at) = (record.source.clone(), record.destination.clone());
            self.pass.lost(Losses { row: record.id, folder, at, missing: Vec::new(), again, renumbered: false });
        }
        Ok(rows)
    }
}

/// Candidates whose destination folder has an earlier UIDVALIDITY than it had: another one of its name was put back.
fn replaced(candidates: &[Candidate]) -> Vec<(FolderRecord, &ListedFolder)> {
    let put_back = candidates.iter().filter(|c| !c.gone && c.doubts() == Doubts::PutBack);
    put_back.filter_map(|c| Some((c.record.clone()?, c.there.as_ref()?))).collect()
}

/// A copy in a folder that is not what it was.
struct AstrayCopy {
    folder: Arc<FolderRecord>,
    mark: Watermark,
}

/// Copies in folders that are gone or others now, by row and number of their messages. Bounded: those of these folders.
#[derive(Default)]
struct Astray(BTreeMap<(FolderId, Uid), AstrayCopy>);

impl Astray {
    /// Those of this folder, unless another row of it brought them.
    fn add(&mut self, folder: &FolderRecord, copies: Vec<(FolderId, Watermark)>) {
        let folder = Arc::new(folder.clone());
        for (row, mark) in copies {
            self.0.entry((row, mark.source)).or_insert_with(|| AstrayCopy { folder: Arc::clone(&folder), mark });
        }
    }
}

/// Looks for copies in a folder by what they are; one that cannot be read holds none.
struct Recognise<'a> {
    record: &'a FolderRecord,
    at: FolderRef,
    copies: Vec<(FolderId, Watermark)>,
}

#[async_trait]
impl Step for Recognise<'_> {
    type Out = Vec<(FolderId, Uid, Uid)>;

    async fn run(&mut self, pass: &Pass, _source: &mut dyn Source, to: &mut dyn Destination) -> PassResult<Self::Out> {
        recognised(pass, to, (self.record.id, &self.at), &self.copies, BTreeSet::new()).await
    }
}
