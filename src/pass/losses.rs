//! Copies that a look at the destination found lost (D26). Before their messages are copied again, the other destination folders
//! are searched: a copy that was lost there, was copied again here and came back with a backup is its message's copy all the same,
//! though no watermark knows it any more. What is said of the lost ones waits for that.
//!
//! Bounded: the lost copies, and the identities of the messages in one folder that no watermark knows.

use std::collections::BTreeSet;
use std::sync::PoisonError;

use crate::domain::failure::{Scope, Side};
use crate::domain::folder::{FolderPath, WireName};
use crate::domain::ids::{FolderId, Uid};
use crate::domain::notice::{Notice, NoticeKind};
use crate::domain::record::{Origin, Watermark};
use crate::endpoint::{Destination, FolderRef, Source};
use crate::pass::lane::Step;
use crate::pass::places::{LostCopyRows, Prepared};
use crate::pass::sample::Bytes;
use crate::pass::there::{Doubts, There};
use crate::pass::{Pass, PassResult, PassStop};

/// A copy that was lost: its row, its message's number at the source, and the number that it had at the destination.
pub(super) struct LostCopy {
    row: FolderId,
    source: Uid,
    destination: Uid,
}

impl LostCopy {
    /// Of this watermark, before it says that it is lost.
    pub fn of((row, mark): &(FolderId, Watermark)) -> Self {
        Self { row: *row, source: mark.source, destination: mark.destination }
    }
}

/// What became of the copies in one destination folder, to be told.
pub(super) struct Losses {
    /// A row that leads there, and its source folder.
    pub row: FolderId,
    pub folder: FolderPath,
    /// The destination folder.
    pub at: FolderPath,
    /// Not copied again in this pass.
    pub missing: Vec<LostCopy>,
    /// Copied again.
    pub again: Vec<LostCopy>,
    /// Others have other numbers than before, or were taken away.
    pub renumbered: bool,
}

impl Losses {
    /// These lie elsewhere.
    fn found(&mut self, found: &BTreeSet<(FolderId, Uid)>) {
        let before = self.missing.len() + self.again.len();
        for lost in [&mut self.missing, &mut self.again] {
            lost.retain(|lost| !found.contains(&(lost.row, lost.source)));
        }
        self.renumbered |= self.missing.len() + self.again.len() < before;
    }

    fn notices(&self) -> Vec<Notice> {
        let of = |kind: NoticeKind, lost: &[LostCopy]| {
            let mut numbers: Vec<Uid> = lost.iter().map(|lost| lost.destination).collect();
            numbers.sort_unstable();
            Notice::of(&self.folder, kind, Side::Destination, &numbers).saying(self.at.to_string())
        };
        let mut notices = Vec::new();
        if !self.missing.is_empty() {
            notices.push(of(NoticeKind::MissingThere, &self.missing));
        }
        if !self.again.is_empty() {
            notices.push(of(NoticeKind::CopiedAgain, &self.again));
        }
        if notices.is_empty() && self.renumbered {
            notices.push(of(NoticeKind::Renumbered, &[]));
        }
        notices
    }
}

impl Pass {
    /// To be told when the other folders were searched.
    pub(super) fn lost(&self, losses: Losses) {
        self.findings.losses.lock().unwrap_or_else(PoisonError::into_inner).push(losses);
    }

    /// Says what became of lost copies.
    pub(super) async fn tell_losses(&self) {
        let losses = std::mem::take(&mut *self.findings.losses.lock().unwrap_or_else(PoisonError::into_inner));
        for losses in losses {
            for notice in losses.notices() {
                self.tell(losses.row, notice).await;
            }
        }
    }
}

/// Searches destination folders for lost copies.
pub(super) struct SearchForLost<'a> {
    prepared: &'a Prepared,
    /// Names of destination folders that are not searched, or were already.
    done: BTreeSet<WireName>,
}

impl<'a> SearchForLost<'a> {
    /// In all folders that a row leads to.
    pub fn everywhere(prepared: &'a Prepared) -> Self {
        Self { prepared, done: BTreeSet::new() }
    }

    /// In those that nobody else looks into at this time: what lies there may be claimed by nobody else.
    pub fn out_of_sight(prepared: &'a Prepared) -> Self {
        let looked_into = prepared.there.rows.looked_into.iter();
        let done = looked_into.filter_map(|row| prepared.places.get(row)).map(|at| at.wire.clone()).collect();
        Self { prepared, done }
    }
}

#[async_trait::async_trait]
impl Step for SearchForLost<'_> {
    type Out = ();

    async fn run(&mut self, pass: &Pass, _source: &mut dyn Source, to: &mut dyn Destination) -> PassResult<()> {
        self.search(pass, to).await
    }
}

impl SearchForLost<'_> {
    /// Copies that are found are lost no more. Only content tells: what a server changes is copied again.
    pub(super) async fn search(&mut self, pass: &Pass, to: &mut dyn Destination) -> PassResult<()> {
        pass.recorder.flush().await;
        let kept: Bytes = pass.journal.habit(Side::Destination).await?.into();
        let mut lost = pass.journal.lost_copies().await?;
        lost.retain(|(_, mark)| mark.content.is_some() && mark.origin != Origin::Cleaned);
        if kept == Bytes::Changed {
            return Ok(());
        }
        for (row, at) in &self.prepared.places {
            if lost.is_empty() || self.done.contains(&at.wire) {
                continue;
            }
            let known = pass.journal.known_at_destination(*row).await?.into_iter().collect();
            let found = recognised(pass, to, (*row, at), &lost, known).await?;
            self.done.insert(at.wire.clone());
            if found.is_empty() {
                continue;
            }
            tracing::info!(folder = %at.path, copies = found.len(), "lost copies came back in another folder");
            let names: BTreeSet<(FolderId, Uid)> = found.iter().map(|(row, source, _)| (*row, *source)).collect();
            pass.journal.found_at(*row, found).await?;
            lost.retain(|(row, mark)| !names.contains(&(*row, mark.source)));
            let mut losses = pass.findings.losses.lock().unwrap_or_else(PoisonError::into_inner);
            losses.iter_mut().for_each(|losses| losses.found(&names));
        }
        Ok(())
    }
}

/// Which of these copies lie in this destination folder of a row, under none of the numbers that are `known`; one that cannot be
/// read holds none.
pub(super) async fn recognised(
    pass: &Pass,
    to: &mut dyn Destination,
    (id, at): (FolderId, &FolderRef),
    copies: &[(FolderId, Watermark)],
    known: BTreeSet<Uid>,
) -> PassResult<Vec<(FolderId, Uid, Uid)>> {
    let kept = pass.journal.habit(Side::Destination).await?.into();
    let (path, rows, doubts) = (&at.path, &LostCopyRows::default(), Doubts::None);
    let there = There { id, path, at, source: None, doubts, rows, scanned: None, kept };
    match there.recognise(to, copies, known).await {
        Err(PassStop::Fatal(trouble)) if trouble.failure.scope <= Scope::Folder => Ok(Vec::new()),
        found => found,
    }
}
