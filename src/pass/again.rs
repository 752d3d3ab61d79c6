//! Folders looked into again: after a connection broke in the middle, and after messages did not come.
//!
//! Says whom to blame for a break, and when a message or folder has broken often enough to be left out (D22).

use crate::domain::failure::{Cause, Failure, Retry, Scope, Side};
use crate::pass::comparison::Comparison;
use crate::pass::copy::Copying;
use crate::pass::finish::{SeenOf, hangs_up};
use crate::pass::flight::Broken;
use crate::pass::job::{Above, Asking, Job, Todo};
use crate::pass::lane::{Lane, blames_its_place};
use crate::pass::places::Prepared;
use crate::pass::resolution::Resolution;
use crate::pass::suspects::BLAME_LIMIT;
use crate::pass::{Pass, PassResult, SideFailure};

impl Copying<'_> {
    /// Notes who was on the wire when a connection broke, and whom to blame (D22). Of a batch nobody can be blamed yet: its
    /// messages go singly next time. `only_suspects`: nothing else is left in this lane.
    pub(super) fn blame(&self, jobs: &mut [Job], trouble: &SideFailure, broke: &Broken, only_suspects: bool) {
        if !blames_its_place(&trouble.failure) {
            return;
        }
        let recorded = self.pass.recovery.recorded();
        if let Some((id, uid)) = broke.at(trouble) {
            let tries = only_suspects.then(|| self.pass.recovery.tries(&trouble.failure));
            if let Some(job) = jobs.iter_mut().find(|job| job.id == id) {
                job.suspicion.suspects.broke_at(uid, recorded, tries);
            }
            return;
        }
        for (id, uid) in &broke.suspects {
            if let Some(job) = jobs.iter_mut().find(|job| job.id == *id) {
                job.suspicion.suspects.broke_among([*uid], recorded);
            }
        }
        if trouble.side == Side::Source
            && let Some((id, None)) = broke.place
            && let Some(job) = jobs.iter_mut().find(|job| job.id == id)
        {
            self.pass.blame_folder(job, &trouble.failure);
        }
    }

    /// Looks into folders that were left in the middle: what landed is recorded, what is left is answered.
    pub(super) async fn look_again(
        &self,
        lane: &mut Lane,
        prepared: &Prepared,
        jobs: Vec<Job>,
        trouble: Option<&SideFailure>,
    ) -> PassResult<Vec<Job>> {
        let mut again = Vec::new();
        for mut job in jobs {
            job.suspicion.cut.above = Above::Recorded;
            // A message that breaks its source would break the looking too. At the destination it may have landed.
            if let Some(trouble) = trouble.filter(|trouble| trouble.side == Side::Source) {
                self.leave_out_the_blamed(&mut job, trouble).await?;
            }
            if !job.is_abandoned() {
                Comparison::of(self.pass).scan_folder(lane, &mut job).await?;
                Resolution::of(self.pass).resolve_folder(lane, prepared, &mut job).await?;
            }
            if let Some(trouble) = trouble.filter(|trouble| trouble.side == Side::Destination && !job.is_abandoned()) {
                self.leave_out_the_blamed(&mut job, trouble).await?;
            }
            if job.is_abandoned() {
                continue;
            }
            if job.is_empty() {
                self.pass.folder_done(&job, 0).await?;
            } else {
                again.push(job);
            }
        }
        Ok(again)
    }

    /// Looks into folders of which messages did not come. Those that are gone from the listing have vanished; those that
    /// are still there are asked for one by one; what then does not come cannot be read.
    pub(super) async fn second_look(&self, lane: &mut Lane, jobs: Vec<Job>) -> PassResult<Vec<Job>> {
        let mut again = Vec::new();
        for mut job in jobs {
            let all = job.remaining.todo == Todo::All;
            job.suspicion.cut.above = Above::Recorded;
            Comparison::of(self.pass).scan_folder(lane, &mut job).await?;
            if job.is_abandoned() {
                continue;
            }
            // Of all that were told, those that wait for the end of the pass, and those that are an error already, did not
            // vanish. They are not among those that were asked for by name.
            let apart = if all { job.remaining.late.len() as u64 + job.remaining.unlisted } else { 0 };
            let missing = job.remaining.missing.saturating_sub(apart);
            let Todo::These(left) = job.remaining.todo.clone() else {
                // Nothing was recorded of it yet: all of it goes again.
                again.push(job);
                continue;
            };
            if !left.is_empty() && (job.suspicion.rescans == 1 || missing == 0) {
                if missing > 0 {
                    job.suspicion.asking = Asking::Singly;
                }
                again.push(job);
                continue;
            }
            for uid in &left {
                let failure = Failure::new(Cause::MessageUnreadable, Scope::Message, Retry::Never, "reading a message");
                let failure = failure.saying("the server lists this message and does not hand it out");
                self.pass
                    .message_failed(&job, *uid, SeenOf::default(), SideFailure { side: Side::Source, failure })
                    .await?;
            }
            self.pass.folder_done(&job, missing.saturating_sub(left.len() as u64)).await?;
        }
        Ok(again)
    }

    /// Three breaks at one message make it an item error; three before any message could be named, the folder (D22). A
    /// message that was found at the destination meanwhile is none.
    async fn leave_out_the_blamed(&self, job: &mut Job, trouble: &SideFailure) -> PassResult<()> {
        let SideFailure { side, failure } = trouble;
        for (uid, neighbours) in job.suspicion.suspects.take_guilty() {
            if let Todo::These(uids) = &mut job.remaining.todo {
                match uids.binary_search(&uid) {
                    Ok(at) => drop(uids.remove(at)),
                    Err(_) => continue,
                }
            }
            self.pass
                .message_failed(job, uid, SeenOf::default(), SideFailure { side: *side, failure: hangs_up(failure) })
                .await?;
            if neighbours {
                // The server works; one place less to break at: the row of failed tries ends.
                self.pass.recovery.left_out();
            }
        }
        if job.suspicion.folder_blame >= BLAME_LIMIT {
            self.pass.folder_failed(job, *side, failure.clone()).await?;
        }
        Ok(())
    }
}

impl Pass {
    /// Counts a break at a folder; whether it has broken often enough to be left out (D22). A server that says that it is
    /// busy has its pauses first.
    pub(super) fn blame_folder(&self, job: &mut Job, failure: &Failure) -> bool {
        job.suspicion.folder_blame += self.breaks_count(failure);
        job.suspicion.folder_blame >= BLAME_LIMIT
    }

    /// How many breaks of a folder this one counts for.
    pub(super) fn breaks_count(&self, failure: &Failure) -> u32 {
        let tries = self.recovery.tries(failure);
        match blames_its_place(failure) {
            true if tries.busy => tries.weight(true),
            blamed => u32::from(blamed),
        }
    }
}
