//! A new message may be one that was known elsewhere (D12): then it is not copied, since its copy lies in some destination
//! folder. Before that is believed, the numbers of copies in that folder are looked at, once in a pass (D26): folders whose
//! source is gone, or did not change, are looked at by nobody else.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;

use crate::domain::failure::Side;
use crate::domain::folder::WireName;
use crate::domain::identity::Names;
use crate::domain::ids::{FolderId, Uid};
use crate::domain::matching::Gone;
use crate::pass::PassResult;
use crate::pass::losses::SearchForLost;
use crate::pass::number_check::NumberCheck;
use crate::pass::places::Prepared;
use crate::pass::recognise::Recognition;
use crate::pass::resolution::Resolution;
use crate::pass::sample::Bytes;
use crate::pass::there::{Doubts, SeenThere, There};

/// A message of a folder row.
type Numbered = (FolderId, Uid);

impl Recognition<'_> {
    /// Looks at the copies that may answer for these messages; those that were lost answer no more, and are copied again.
    pub(super) async fn check_claims(&mut self, names: impl Iterator<Item = &Names>) -> PassResult<()> {
        let names: BTreeSet<_> = names.map(|names| (names.now, names.before)).collect();
        let claimed: BTreeSet<FolderId> = {
            let gone = self.gone();
            let mut claimed = BTreeSet::new();
            for (now, before) in names {
                claimed.extend(gone.named(&Names { now, before, weak: false }).map(|mark| mark.at));
            }
            claimed
        };
        if claimed.is_empty() {
            return Ok(());
        }
        let mut checked = self.prepared.there.checked.lock().await;
        let unchecked = |row: &FolderId| self.prepared.places.get(row).is_some_and(|at| !checked.contains(&at.wire));
        if !claimed.iter().any(unchecked) {
            return Ok(());
        }
        let all = self.pass.journal.folders().await?;
        let seen = SeenThere::of(&all);
        let records: BTreeMap<_, _> = all.iter().map(|record| (record.id, record)).collect();
        let gone = self.prepared.claimable();
        let kept: Bytes = self.pass.journal.habit(Side::Destination).await?.into();
        for row in claimed {
            let at = self.prepared.places.get(&row).filter(|at| !checked.contains(&at.wire));
            let Some((at, record)) = at.zip(records.get(&row)) else { continue };
            let doubts = Doubts::of(seen.get(record));
            if kept == Bytes::Changed && doubts == Doubts::default() {
                // Their identities need not be what was sent, and the messages are not there to be compared.
                continue;
            }
            let (path, rows) = (&record.source, &self.prepared.there.rows);
            let there = There { id: row, path, at, source: None, doubts, rows, scanned: Some(&gone), kept };
            match there.looked(self.pass, self.source, self.to).await? {
                Ok(false) => {}
                Ok(true) => {
                    SearchForLost::out_of_sight(self.prepared).search(self.pass, self.to).await?;
                    self.pass.tell_losses().await;
                    NumberCheck::of(self.pass).settled_there(row).await?;
                    Resolution::of(self.pass).part_with_lost_claims(self.prepared, &at.wire).await?;
                }
                Err(trouble) => {
                    NumberCheck::of(self.pass).not_looked_at(row, path, trouble.side, trouble.failure).await?;
                    NumberCheck::of(self.pass).doubt_numbers(row).await?;
                }
            }
            checked.insert(at.wire.clone());
        }
        Ok(())
    }
}

impl Prepared {
    /// Messages that are no longer where they were, by row and number.
    fn claimable(&self) -> BTreeSet<Numbered> {
        let gone = self.claimable.gone.lock().unwrap_or_else(PoisonError::into_inner);
        let lent: BTreeSet<Numbered> = self.claimable.lent.iter().map(|mark| (mark.folder, mark.uid)).collect();
        let all = gone.by_folder().into_iter().flat_map(|(row, uids)| uids.into_iter().map(move |uid| (row, uid)));
        all.filter(|one| !lent.contains(one)).collect()
    }
}

impl Resolution<'_> {
    /// Watermarks whose copies in this folder turned out to be lost answer for no message.
    async fn part_with_lost_claims(&self, prepared: &Prepared, wire: &WireName) -> PassResult<()> {
        let leads = |mark: &Gone| prepared.places.get(&mark.at).is_some_and(|at| at.wire == *wire);
        let rows: BTreeSet<FolderId> = {
            let gone = prepared.claimable.gone.lock().unwrap_or_else(PoisonError::into_inner);
            gone.iter().filter(|mark| leads(mark)).map(|mark| mark.folder).collect()
        };
        let mut known: BTreeMap<Numbered, bool> = BTreeMap::new();
        for row in rows {
            let marks = self.pass.journal.watermarks(row).await?;
            known.extend(marks.iter().map(|mark| ((row, mark.source), mark.is_lost())));
        }
        let state = |mark: &Gone| known.get(&(mark.folder, mark.uid)).copied();
        let mut gone = prepared.claimable.gone.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = gone.take(|mark| leads(mark) && state(mark) != Some(false));
        let lent: BTreeSet<Numbered> = prepared.claimable.lent.iter().map(|mark| (mark.folder, mark.uid)).collect();
        let astray = |mark: &Gone| state(mark) == Some(true) && !lent.contains(&(mark.folder, mark.uid));
        let mut lost = prepared.claimable.astray.lock().unwrap_or_else(PoisonError::into_inner);
        lost.extend(taken.into_iter().filter(astray));
        Ok(())
    }
}
