//! A new message may be one that was known elsewhere (D12): then it is not copied, since its copy lies in some destination
//! folder. Before that is believed, the numbers of copies in that folder are looked at, once in a pass (D26): folders whose
//! source is gone, or did not change, are looked at by nobody else.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use crate::domain::failure::Side;
use crate::domain::identity::Names;
use crate::domain::ids::{FolderId, Uid};
use crate::domain::matching::{Gone, GoneMarks};
use crate::engine::pass::places::Prepared;
use crate::engine::pass::recognise::Look;
use crate::engine::pass::there::{Doubts, There};
use crate::engine::pass::{Flow, Pass};

impl Look<'_> {
    /// Looks at the copies that may answer for these messages; those that were lost answer no more, and are copied again.
    pub(super) async fn check_claims(&mut self, names: impl Iterator<Item = &Names>) -> Flow<()> {
        let claimed: BTreeSet<FolderId> = {
            let gone = self.gone();
            names.flat_map(|names| gone.named(names)).map(|mark| mark.at).collect()
        };
        let mut checked = self.prepared.checked.lock().await;
        for row in claimed {
            let Some(at) = self.prepared.places.get(&row).filter(|at| !checked.contains(&at.path)) else { continue };
            let records = self.pass.journal.folders().await?;
            let Some(record) = records.iter().find(|record| record.id == row) else { continue };
            let kept = self.pass.journal.habit(Side::Destination).await?.into();
            let (path, doubts) = (&record.source, Doubts::of(record.destination_seen));
            let there = There { id: row, path, at, source: None, doubts, rows: &self.prepared.rows, kept };
            match there.looked(self.pass, self.source, self.to).await? {
                Ok(false) => {}
                Ok(true) => {
                    self.pass.settled_there(row).await?;
                    self.pass.part_with_lost_claims(self.prepared).await?;
                }
                Err(trouble) => self.pass.not_looked_at(row, path, trouble.side, trouble.failure).await?,
            }
            checked.insert(at.path.clone());
        }
        Ok(())
    }
}

impl Pass {
    /// Watermarks whose copies turned out to be lost answer for no message.
    async fn part_with_lost_claims(&self, prepared: &Prepared) -> Flow<()> {
        let marks = |of: &Mutex<GoneMarks>| -> BTreeMap<FolderId, Vec<Uid>> {
            of.lock().unwrap_or_else(PoisonError::into_inner).by_folder()
        };
        let (mut forgotten, mut astray): (BTreeSet<(FolderId, Uid)>, BTreeSet<(FolderId, Uid)>) = Default::default();
        for (row, numbers) in marks(&prepared.gone) {
            let marks = self.journal.watermarks(row).await?;
            let lost: BTreeMap<Uid, bool> = marks.iter().map(|mark| (mark.source, mark.is_lost())).collect();
            for uid in numbers {
                match lost.get(&uid) {
                    Some(true) => drop(astray.insert((row, uid))),
                    Some(false) => {}
                    None => drop(forgotten.insert((row, uid))),
                }
            }
        }
        let is_of = |marks: &BTreeSet<(FolderId, Uid)>, gone: &Gone| marks.contains(&(gone.folder, gone.uid));
        let mut gone = prepared.gone.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = gone.take(|gone| is_of(&astray, gone) || is_of(&forgotten, gone));
        let mut lost = prepared.astray.lock().unwrap_or_else(PoisonError::into_inner);
        lost.extend(taken.into_iter().filter(|gone| is_of(&astray, gone)));
        Ok(())
    }
}
