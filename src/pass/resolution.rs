//! Over all folders: what of that which is new the destination has already, and what becomes of watermarks that lost their
//! message.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;

use crate::domain::ids::FolderId;
use crate::domain::matching::GoneMarks;
use crate::pass::comparison::Comparison;
use crate::pass::job::Job;
use crate::pass::lane::{Lane, Lanes};
use crate::pass::places::{Group, Prepared};
use crate::pass::resolve::Resolve;
use crate::pass::rounds::GroupWork;
use crate::pass::scan::Looked;
use crate::pass::{Pass, PassResult, PassStop, SideFailure};

/// What of that which is new the destination has already.
pub(super) struct Resolution<'a> {
    pub(super) pass: &'a Pass,
}

impl<'a> Resolution<'a> {
    /// Of this pass.
    pub fn of(pass: &'a Pass) -> Self {
        Self { pass }
    }
}

/// Resolves each folder of a group.
struct ResolveGroup<'a> {
    work: &'a Resolution<'a>,
    prepared: &'a Prepared,
}

impl GroupWork for ResolveGroup<'_> {
    async fn look(&self, lane: &mut Lane, group: &mut Group) -> PassResult<()> {
        for job in group.iter_mut().filter(|job| !job.is_abandoned()) {
            self.work.resolve_folder(lane, self.prepared, job).await?;
        }
        Ok(())
    }
}

impl Resolution<'_> {
    /// Looks for new messages that are at the destination already or moved within the source, and carries flags.
    pub(super) async fn resolve(&self, lanes: &mut Lanes, prepared: &mut Prepared) -> PassResult<()> {
        let groups = std::mem::take(&mut prepared.groups);
        let needs = |group: &Group| group.iter().any(|job| Resolve::needed(self.pass, prepared, job));
        let (look, rest): (Vec<_>, Vec<_>) = groups.into_iter().partition(needs);
        prepared.groups = self.pass.side_by_side(lanes, &ResolveGroup { work: self, prepared }, look, rest).await?;
        self.settle_across(lanes, prepared).await?;
        self.retire(prepared).await
    }

    /// Watermarks that lost their message and that no new message claimed: set aside before their folder counts as done,
    /// so that a message that comes back later, elsewhere, is known although its folder is not looked into again (D12).
    async fn retire(&self, prepared: &mut Prepared) -> PassResult<()> {
        // What was claimed has moved when this is done.
        self.pass.recorder.flush().await;
        if self.pass.recorder.failed().is_cancelled() {
            return Err(PassStop::Stopped);
        }
        let gone = prepared.claimable.gone.get_mut().unwrap_or_else(PoisonError::into_inner);
        gone.take_back(&std::mem::take(&mut prepared.claimable.lent));
        let mut rows = BTreeMap::new();
        for (folder, messages) in gone.by_folder().into_iter().filter(|(id, _)| !prepared.others.lost.contains(id)) {
            let row = self.pass.journal.retire(folder, messages).await?;
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
    async fn forget_astray(&self, prepared: &mut Prepared) -> PassResult<()> {
        if !prepared.others.unread.is_empty() || prepared.groups.iter().flatten().any(|job| job.is_abandoned()) {
            return Ok(());
        }
        let live: BTreeSet<FolderId> = prepared.groups.iter().flatten().map(|job| job.id).collect();
        let astray = prepared.claimable.astray.get_mut().unwrap_or_else(PoisonError::into_inner);
        let left = GoneMarks::new(astray.take(|mark| live.contains(&mark.folder)));
        for (folder, messages) in left.by_folder() {
            self.pass.journal.forget(folder, messages).await?;
        }
        Ok(())
    }

    /// Resolves one folder, again after lost connections; a folder that cannot be read becomes an error.
    pub(super) async fn resolve_folder(&self, lane: &mut Lane, prepared: &Prepared, job: &mut Job) -> PassResult<()> {
        if !Resolve::needed(self.pass, prepared, job) {
            return Ok(());
        }
        loop {
            match self.pass.run_with_retry(lane, &mut Resolve::new(prepared, job)).await? {
                Looked::Done => return Ok(()),
                Looked::Failed(SideFailure { side, failure }) => {
                    return self.pass.folder_failed(job, side, failure).await;
                }
                Looked::Again => lane.disconnect(),
                Looked::Unlisted => Comparison::of(self.pass).list_folder(lane, job).await?,
            }
            if job.is_abandoned() {
                return Ok(());
            }
        }
    }
}
