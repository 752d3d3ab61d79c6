//! Which row of earlier passes each source folder belongs to: by its name or, renamed, by what it is (D12).

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;

use crate::domain::failure::{Scope, Side};
use crate::domain::folder::{FolderPath, ListedFolder};
use crate::domain::ids::{FolderId, Uid};
use crate::domain::record::{FolderRecord, Watermark};
use crate::endpoint::{Destination, FolderRef, Source};
use crate::pass::headers::confirm_by_content;
use crate::pass::lane::{Lane, Step};
use crate::pass::listing::Preparation;
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
