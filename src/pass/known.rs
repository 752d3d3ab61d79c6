//! Which row of earlier passes each source folder belongs to: by its name or, renamed, by what it is (D12); and where
//! destination folders are that their owner renamed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use async_trait::async_trait;

use crate::domain::failure::{Scope, Side};
use crate::domain::folder::{FolderPath, ListedFolder, WireName};
use crate::domain::ids::{FolderId, Uid};
use crate::domain::record::{FolderEnd, FolderRecord, Seen, Watermark};
use crate::endpoint::{Destination, FolderRef, Source};
use crate::pass::headers::confirm_by_content;
use crate::pass::lane::{Lane, Step};
use crate::pass::listing::Preparation;
use crate::pass::same_folder::{is_another, went_back};
use crate::pass::sample::{Bytes, IdentityProof, SAMPLE, Spread, prove_with_contents};
use crate::pass::{OnSide, Pass, PassResult, PassStop};

/// Earlier rows by the names that the source has now.
pub(super) struct KnownRows<'a> {
    pub rows: BTreeMap<FolderPath, &'a FolderRecord>,
    /// Where they went, for the tree.
    pub destinations: BTreeMap<FolderPath, FolderPath>,
}

impl<'a> KnownRows<'a> {
    /// A folder is known by its name; `renamed` tells the rows of those that had another one. A row whose name another row
    /// took, and that is found nowhere, is known no more.
    pub fn new(records: &'a [FolderRecord], renamed: &BTreeMap<FolderPath, FolderId>) -> Self {
        let live = || records.iter().filter(|r| !r.retired);
        let moved: BTreeSet<FolderId> = renamed.values().copied().collect();
        let stayed = live().filter(|r| !moved.contains(&r.id) && !renamed.contains_key(&r.source));
        let mut rows: BTreeMap<FolderPath, &FolderRecord> = stayed.map(|r| (r.source.clone(), r)).collect();
        for (path, id) in renamed {
            rows.extend(live().find(|r| r.id == *id).map(|record| (path.clone(), record)));
        }
        let gone_to = |(path, r): (&FolderPath, &&FolderRecord)| {
            (r.destination_validity.is_some()).then(|| (path.clone(), r.destination.clone()))
        };
        let destinations = rows.iter().filter_map(gone_to).collect();
        Self { rows, destinations }
    }
}

/// Whether a folder holds the messages of these watermarks under the same numbers, on one side.
struct SameMessages<'a> {
    side: Side,
    folder: FolderRef,
    watermarks: &'a [Watermark],
    /// Some may be other messages.
    mostly: bool,
}

#[async_trait]
impl Step for SameMessages<'_> {
    type Out = bool;

    async fn run(&mut self, pass: &Pass, source: &mut dyn Source, to: &mut dyn Destination) -> PassResult<bool> {
        let number = |mark: &Watermark| if self.side == Side::Source { mark.source } else { mark.destination };
        let asked: Vec<(Uid, &Watermark)> = self.watermarks.iter().map(|mark| (number(mark), mark)).collect();
        let proofs = match self.side {
            Side::Source => match prove_with_contents(source, &self.folder, &asked, Bytes::Kept).await {
                Ok(proofs) => confirm_by_content(pass, source, &self.folder, &asked, proofs).await,
                failed => failed,
            },
            Side::Destination => {
                let kept = pass.journal.habit(Side::Destination).await?.into();
                prove_with_contents(to, &self.folder, &asked, kept).await
            }
        };
        match proofs {
            Ok(proofs) => {
                let count = |wanted: IdentityProof| proofs.iter().filter(|proof| **proof == wanted).count();
                let (same, others) = (count(IdentityProof::Confirmed), count(IdentityProof::Contradicted));
                Ok(same > 0 && (others == 0 || (self.mostly && same > others)))
            }
            Err(failure) if failure.scope <= Scope::Folder => Ok(false),
            Err(failure) => Err(failure).on(self.side).map_err(PassStop::Fatal),
        }
    }
}

/// Watermarks read at once.
const PAGE: usize = 5_000;

impl Preparation<'_> {
    /// New names of folders that earlier passes know under another one: by MAILBOXID (RFC 8474), or by UIDVALIDITY and
    /// the same messages under the same UIDs. UIDVALIDITY alone says little: some servers give all folders the same. A
    /// name says nothing where MAILBOXID says that it is another folder.
    pub(super) async fn renamed(
        &self,
        lane: &mut Lane,
        records: &[FolderRecord],
        source: &[ListedFolder],
    ) -> PassResult<BTreeMap<FolderPath, FolderId>> {
        let listed: BTreeMap<&FolderPath, &ListedFolder> =
            source.iter().filter(|f| f.selectable).map(|f| (&f.path, f)).collect();
        let live = || records.iter().filter(|r| !r.retired);
        let named: BTreeMap<&FolderPath, &FolderRecord> = live().map(|r| (&r.source, r)).collect();
        let other_id = |r: &FolderRecord, f: &ListedFolder| match (&r.mailbox_id, &f.mailbox_id) {
            (Some(before), Some(now)) => before != now,
            _ => false,
        };
        let is_lost = |r: &&FolderRecord| listed.get(&r.source).is_none_or(|folder| other_id(r, folder));
        let mut lost: Vec<&FolderRecord> = live().filter(is_lost).collect();
        let mut renamed = BTreeMap::new();
        for folder in listed.values().filter(|f| named.get(&f.path).is_none_or(|r| other_id(r, f))) {
            let Some(state) = folder.state else { continue };
            let alike: Vec<&FolderRecord> = lost
                .iter()
                .filter(|r| r.source_validity == state.uid_validity && r.mailbox_id == folder.mailbox_id)
                .copied()
                .collect();
            for record in alike {
                let same = folder.mailbox_id.is_some() || {
                    let watermarks = self.sample_of(record.id).await?;
                    let (path, wire) = (folder.path.clone(), folder.wire.clone());
                    let folder = FolderRef { path, wire, validity: state.uid_validity };
                    let side = Side::Source;
                    self.pass
                        .run_with_retry(
                            lane,
                            &mut SameMessages { side, folder, watermarks: &watermarks, mostly: false },
                        )
                        .await?
                };
                if same {
                    lost.retain(|r| r.id != record.id);
                    renamed.insert(folder.path.clone(), record.id);
                    break;
                }
            }
        }
        Ok(renamed)
    }

    /// Some watermarks of a row, from all over it.
    async fn sample_of(&self, row: FolderId) -> PassResult<Vec<Watermark>> {
        let (mut sample, mut from) = (Spread::new(), Uid(i64::MIN));
        loop {
            let page = self.pass.journal.some_watermarks(row, from, Uid(i64::MAX), PAGE).await?;
            let Some(last) = page.last().map(|mark| mark.source) else { return Ok(sample.take()) };
            page.into_iter().for_each(|mark| sample.add(mark));
            from = Uid(last.0 + 1);
        }
    }

    /// Destination folders that their owner renamed are followed: by MAILBOXID, else by UIDVALIDITY and copies that are
    /// there under the same numbers. Also where another folder has the old name by now.
    pub(super) async fn follow_renamed(
        &self,
        lane: &mut Lane,
        records: &mut Vec<FolderRecord>,
        destination: &[ListedFolder],
    ) -> PassResult<()> {
        let there: BTreeMap<&WireName, &ListedFolder> =
            destination.iter().filter(|f| f.selectable).map(|f| (&f.wire, f)).collect();
        let mut held: BTreeMap<&WireName, &FolderRecord> = BTreeMap::new();
        // Where none of a live folder leads to a destination folder, its copies may still answer for what moved (D12).
        for retired in [false, true] {
            for record in records.iter().filter(|r| r.retired == retired && r.destination_validity.is_some()) {
                held.entry(&record.destination_wire).or_insert(record);
            }
        }
        let validity = |f: &ListedFolder| f.state.and_then(|state| state.uid_validity);
        let alone = |f: &ListedFolder| there.values().filter(|other| validity(other) == validity(f)).count() == 1;
        let lost = |r: &&FolderRecord| there.get(&r.destination_wire).is_none_or(|f| is_another_there(r, f));
        // Those of which nobody can tell whether they still are what they were.
        let mut open: BTreeMap<&WireName, &FolderRecord> =
            held.iter().filter(|(_, r)| lost(r)).map(|(wire, r)| (*wire, *r)).collect();
        let bare = if open.is_empty() { BTreeSet::new() } else { self.without_copies(&held, &open).await? };
        let mut queue: VecDeque<&FolderRecord> = VecDeque::new();
        for record in open.values().copied().collect::<Vec<_>>() {
            // Its figures are odd, and it is the same all the same.
            match there.get(&record.destination_wire) {
                Some(own) if self.is_renamed(lane, record, own, false).await? => {
                    open.remove(&record.destination_wire);
                }
                Some(_) | None => queue.push_back(record),
            }
        }
        // Those of which no folder has the figures, or all of the copies: it may have been renamed and put back.
        let mut unfit: VecDeque<&FolderRecord> = VecDeque::new();
        let mut moved: Vec<(&FolderRecord, &ListedFolder)> = Vec::new();
        while let Some((record, fit)) = next(&mut queue, &mut unfit) {
            let own = there.get(&record.destination_wire);
            let taken = |wire: &WireName| moved.iter().any(|(_, to)| to.wire == *wire);
            // Where the old name is another folder's, names were passed on: any folder may be it; so may one that is known by
            // its name only.
            let free = |f: &&&ListedFolder| {
                (validity(f) == record.destination_validity || f.mailbox_id.is_some())
                    && f.wire != record.destination_wire
                    && !taken(&f.wire)
                    && (own.is_some()
                        || open.contains_key(&f.wire)
                        || !held.contains_key(&f.wire)
                        || bare.contains(&f.wire))
                    && !(fit && f.state.is_some_and(|state| went_back(record.destination_seen, state)))
            };
            let mut found = false;
            for folder in there.values().filter(free).copied().collect::<Vec<_>>() {
                found = self.is_renamed(lane, record, folder, !fit).await?
                    || (alone(folder) && !held.contains_key(&folder.wire) && self.was_begun(record, folder).await?);
                if !found {
                    continue;
                }
                moved.push((record, folder));
                // Who had that name before has lost it.
                let keeps = |other: &FolderRecord| {
                    open.contains_key(&other.destination_wire) || bare.contains(&other.destination_wire)
                };
                if let Some(other) = held.get(&folder.wire).filter(|other| !keeps(other)) {
                    open.insert(&other.destination_wire, *other);
                    queue.push_back(*other);
                }
                break;
            }
            if fit && !found {
                unfit.push_back(record);
            }
        }
        let took = |wire: &WireName| moved.iter().any(|(_, to)| to.wire == *wire);
        let left = |wire: &WireName| moved.iter().any(|(r, _)| r.destination_wire == *wire);
        let displaced: BTreeSet<WireName> = held
            .keys()
            .filter(|wire| took(wire) && !left(wire) && !bare.contains(*wire))
            .map(|wire| (*wire).clone())
            .collect();
        let stays = |r: &&FolderRecord| !took(&r.destination_wire) && !left(&r.destination_wire);
        let stayed: Vec<FolderRecord> = match displaced.is_empty() {
            true => Vec::new(),
            false => records.iter().filter(stays).cloned().collect(),
        };
        let holds = |wire: &WireName| took(wire) || (held.contains_key(wire) && !left(wire) && !bare.contains(wire));
        let unheld: Vec<&ListedFolder> = there.values().filter(|f| !holds(&f.wire)).copied().collect();
        let moved: Vec<(FolderId, WireName, FolderPath, WireName)> = moved
            .into_iter()
            .map(|(r, to)| (r.id, r.destination_wire.clone(), to.path.clone(), to.wire.clone()))
            .collect();
        if !displaced.is_empty() {
            if self.was_put_back(lane, &stayed, destination).await? {
                let gone = records.iter().filter(|r| displaced.contains(&r.destination_wire)).cloned();
                self.lose_copies(lane, &gone.collect::<Vec<_>>(), &unheld).await?;
                *records = self.pass.journal.folders().await?;
            }
            self.give_up(records, &displaced).await?;
        }
        self.rename_destinations(records, moved).await
    }

    /// Destination folders in which no row knows a copy: what they hold tells nothing against another row.
    async fn without_copies(
        &self,
        held: &BTreeMap<&WireName, &FolderRecord>,
        open: &BTreeMap<&WireName, &FolderRecord>,
    ) -> PassResult<BTreeSet<WireName>> {
        let mut bare = BTreeSet::new();
        for (wire, record) in held.iter().filter(|(wire, _)| !open.contains_key(*wire)) {
            if self.pass.journal.known_at_destination(record.id).await?.is_empty() {
                bare.insert((*wire).clone());
            }
        }
        Ok(bare)
    }

    /// Another folder has the name of these now, and they are nowhere: what was in them went with them (D12).
    async fn give_up(&self, records: &mut [FolderRecord], displaced: &BTreeSet<WireName>) -> PassResult<()> {
        for row in records.iter_mut().filter(|row| displaced.contains(&row.destination_wire)) {
            tracing::info!(folder = %row.destination, "another destination folder has this name now");
            self.pass.give_up_copies(row.id).await?;
            self.pass.journal.forget_strangers(row.id).await?;
            let destination = Some(Seen::Unknown);
            self.pass
                .journal
                .end_folder(row.id, FolderEnd { destination, close_intent: true, ..FolderEnd::default() })
                .await?;
            (row.destination_seen, row.strangers_next) = (Seen::Unknown, Uid(0));
            (row.intent, row.marker) = (None, None);
        }
        Ok(())
    }

    /// Gives rows the names that their destination folders have now, all at once: they may have swapped them.
    async fn rename_destinations(
        &self,
        records: &mut [FolderRecord],
        moved: Vec<(FolderId, WireName, FolderPath, WireName)>,
    ) -> PassResult<()> {
        if moved.is_empty() {
            return Ok(());
        }
        for (_, from, to, _) in &moved {
            tracing::info!(from = ?from, to = %to, "a destination folder was renamed");
        }
        let rows = moved.iter().map(|(id, _, path, wire)| (*id, path.clone(), wire.clone())).collect();
        self.pass.journal.follow_destinations(rows).await?;
        for row in records {
            if let Some((_, _, path, wire)) = moved.iter().find(|(_, from, ..)| *from == row.destination_wire) {
                (row.destination, row.destination_wire) = (path.clone(), wire.clone());
            }
        }
        Ok(())
    }

    /// Whether an interrupted pass made this folder and recorded nothing of what it put there: no copy tells that it is the
    /// same, but no other folder has its UIDVALIDITY.
    async fn was_begun(&self, record: &FolderRecord, folder: &ListedFolder) -> PassResult<bool> {
        let begun =
            record.intent.zip(folder.state).is_some_and(|(intent, now)| intent.since.holds_in(now.uid_validity));
        Ok(begun && self.pass.journal.known_at_destination(record.id).await?.is_empty())
    }

    /// Whether this folder holds the copies of that row, or, after a restore, `mostly`.
    pub(super) async fn is_renamed(
        &self,
        lane: &mut Lane,
        record: &FolderRecord,
        folder: &ListedFolder,
        mostly: bool,
    ) -> PassResult<bool> {
        if let (Some(before), Some(now)) = (&record.destination_mailbox_id, &folder.mailbox_id) {
            return Ok(before == now);
        }
        let Some(state) = folder.state.filter(|state| state.uid_validity == record.destination_validity) else {
            return Ok(false);
        };
        let known = self.pass.journal.known_at_destination(record.id).await?;
        let every = known.len().div_ceil(SAMPLE).max(1);
        let mut chosen: Vec<Uid> = known.iter().rev().step_by(every).copied().collect();
        chosen.reverse();
        let copies = self.pass.journal.copies(record.id, chosen).await?;
        let watermarks: Vec<Watermark> = copies.into_iter().map(|(_, mark)| mark).collect();
        let folder = FolderRef { path: folder.path.clone(), wire: folder.wire.clone(), validity: state.uid_validity };
        let side = Side::Destination;
        self.pass.run_with_retry(lane, &mut SameMessages { side, folder, watermarks: &watermarks, mostly }).await
    }
}

/// The next row to be looked for: first among folders whose figures it can have, then among the others.
fn next<'a>(
    fit: &mut VecDeque<&'a FolderRecord>,
    unfit: &mut VecDeque<&'a FolderRecord>,
) -> Option<(&'a FolderRecord, bool)> {
    let first = fit.pop_front().map(|record| (record, true));
    first.or_else(|| unfit.pop_front().map(|record| (record, false)))
}

/// Whether the folder that has a destination's name now may be another one: MAILBOXID, UIDVALIDITY or figures that cannot
/// be say so.
fn is_another_there(record: &FolderRecord, listed: &ListedFolder) -> bool {
    is_another(record.destination_mailbox_id.as_ref(), listed.mailbox_id.as_ref())
        || listed.state.is_some_and(|state| {
            (state.uid_validity.is_some() && state.uid_validity != record.destination_validity)
                || went_back(record.destination_seen, state)
        })
}
