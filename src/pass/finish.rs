//! Messages and folders that could not be moved, and the end of a folder.

use std::collections::BTreeSet;
use std::sync::PoisonError;

use crate::domain::counts::Counts;
use crate::domain::failure::{Cause, Failure, Retry, Scope, Side};
use crate::domain::ids::{FolderId, Uid};
use crate::domain::item_error::ItemError;
use crate::domain::message::{Body, InternalDate};
use crate::domain::notice::Notice;
use crate::domain::pass_plan::Marks;
use crate::domain::progress::FolderPhase;
use crate::domain::record::{FolderEnd, Marker, Results};
use crate::domain::subject::subject_of;
use crate::domain::time::Timestamp;
use crate::pass::job::{Job, Landing, ListFigures, WorkProgress};
use crate::pass::recorder::ToRecord;
use crate::pass::{Pass, PassResult, PassStop, SideFailure, bytes};

/// What was seen of a message that could not be moved.
#[derive(Clone, Copy, Default)]
pub(super) struct SeenOf<'a> {
    pub body: Option<&'a Body>,
    pub date: Option<&'a InternalDate>,
}

impl Pass {
    /// A message could not be moved: it becomes an item error and the pass goes on, up to the error limit.
    pub(super) async fn message_failed(
        &self,
        job: &Job,
        uid: Uid,
        seen: SeenOf<'_>,
        trouble: SideFailure,
    ) -> PassResult<()> {
        let SeenOf { body, date } = seen;
        let SideFailure { side, failure } = trouble;
        let subject = match body {
            Some(body) if self.order.options.log_subjects => subject_of(&bytes::header(body)),
            _ => None,
        };
        let error = ItemError {
            folder: Some(job.path.clone()),
            source: Some(uid),
            subject,
            date: date.map(|date| date.instant),
            size: body.map(Body::len).or_else(|| job.remaining.listing.get(&uid).map(|listed| u64::from(listed.1))),
            side: Some(side),
            numbering: job.plan.source.validity,
            size_terms: (failure.cause == Cause::TooBig).then(|| self.size_terms(job, uid)),
            ..ItemError::about(failure)
        };
        tracing::info!(folder = %job.path, %uid, failure = %error.failure, "message not moved");
        self.not_again(job.id, uid);
        self.tally.not_moved(body.map_or(0, Body::len));
        self.not_moved(job.id, error).await
    }

    /// A message became an item error: it is not tried again in this pass.
    pub(super) fn not_again(&self, folder: FolderId, uid: Uid) {
        self.findings.failed.lock().unwrap_or_else(PoisonError::into_inner).entry(folder).or_default().insert(uid);
    }

    /// The messages of a folder that became item errors in this pass.
    pub(super) fn failed_in(&self, folder: FolderId) -> BTreeSet<Uid> {
        self.findings.failed.lock().unwrap_or_else(PoisonError::into_inner).get(&folder).cloned().unwrap_or_default()
    }

    /// The folder itself failed: every message still to be copied counts as an error.
    pub(super) async fn folder_failed(&self, job: &mut Job, side: Side, failure: Failure) -> PassResult<()> {
        self.recorder.flush().await;
        let counts = self.tally.counts(job.id);
        let accounted =
            counts.copied + counts.already_there + counts.skipped + counts.vanished + counts.errors + counts.waiting;
        // A folder that cannot be read is an error even where nobody knows how much it holds.
        let left = counts.source.max(u64::from(job.plan.exists)).saturating_sub(accounted).max(1);
        tracing::info!(folder = %job.path, %failure, left, "folder not moved");
        let (folder, side) = (Some(job.path.clone()), Some(side));
        let error = ItemError { folder, messages: left, side, ..ItemError::about(failure) };
        let within = self.not_moved(job.id, error).await;
        self.recorder.flush().await;
        self.tally.count(self.clock.now(), job.id, |c| c.source = accounted + left);
        self.journal.end_folder(job.id, FolderEnd::default()).await?;
        self.tally.folder_phase(self.clock.now(), job.id, FolderPhase::Failed);
        job.progress = WorkProgress::Abandoned;
        self.not_late(job);
        within
    }

    /// Ends the pass when the error limit is reached. A folder counts as one error, however many messages it holds.
    pub(super) fn check_errors(&self, more: u64) -> PassResult<()> {
        let count = self.findings.errors.fetch_add(more, std::sync::atomic::Ordering::Relaxed) + more;
        if count >= self.order.options.maximum_errors { Err(PassStop::TooManyErrors(count)) } else { Ok(()) }
    }

    /// A folder's end: its sum is settled (D6) and its intent closed. The skip marker is set by the audit, if nothing was
    /// left behind (D11): a message that did not come may be a server's whim, so only the next pass can tell.
    /// `vanished` is how many messages were asked for and never came.
    pub(super) async fn folder_done(&self, job: &Job, vanished: u64) -> PassResult<()> {
        self.recorder.flush().await;
        if self.recorder.failed().is_cancelled() {
            return Err(PassStop::Stopped);
        }
        if job.suspicion.cut.landing == Landing::Open {
            self.ask_later(job);
        }
        self.goes_on_late(job);
        let now = self.clock.now();
        self.tally.count(now, job.id, |c| {
            c.vanished = job.remaining.vanished + vanished;
            c.source = c.copied + c.already_there + c.skipped + c.vanished + c.errors + c.waiting;
        });
        let counts = self.tally.counts(job.id);
        debug_assert!(counts.balanced(), "{counts:?}");
        // What a view of everything leaves out lies in other folders.
        let skipped = if job.shows_everything() && !self.filters() { 0 } else { counts.skipped };
        let whole = counts.errors + skipped + counts.waiting + counts.arrived + counts.vanished == 0
            && job.progress == WorkProgress::Sound
            && job.plan.figures == ListFigures::Agree
            && job.remaining.late.is_empty()
            && self.order.plan.marks == Marks::Done
            && !job.has_lost_its_destination()
            && job.suspicion.cut.landing == Landing::Settled;
        let marker =
            whole.then(|| Marker { state: job.plan.listed, options: self.options_hash(), size: job.plan.size });
        let close_intent = self.all_is_known_there(job) && !self.closes_later(job);
        self.journal.end_folder(job.id, FolderEnd { close_intent, ..FolderEnd::default() }).await?;
        self.to_be_audited(job, marker);
        let phase = if job.has_lost_its_destination() { FolderPhase::DestinationGone } else { FolderPhase::Done };
        self.tally.folder_phase(now, job.id, phase);
        Ok(())
    }

    /// Records a notice about a folder; a difference counts.
    pub(super) async fn tell(&self, folder: FolderId, notice: Notice) {
        tracing::info!(?notice, "notice");
        let differ = if notice.kind.differs() { notice.messages } else { 0 };
        let results = Results { notices: vec![notice], ..Results::default() };
        let counts = match differ {
            0 => Vec::new(),
            differ => vec![(self.tally.known(folder), Counts { differ, ..Counts::default() })],
        };
        self.recorder.add(ToRecord { results, counts, progressed: false }).await;
    }

    /// A hash of every option that decides what a pass has to do in a folder, of bytes that mean the same in every version.
    pub(super) fn options_hash(&self) -> u64 {
        let o = &self.order.options;
        let mut hash = blake3::Hasher::new();
        hash.update(b"decisive options 1");
        let largest = o.largest.map(|bytes| bytes.cast_signed());
        for value in [o.earliest.map(Timestamp::millis), o.latest.map(Timestamp::millis), largest] {
            hash.update(&[u8::from(value.is_some())]).update(&value.unwrap_or_default().to_le_bytes());
        }
        hash.update(&[u8::from(o.search_duplicates), u8::from(o.carry_flags)]);
        let mut first = [0; 8];
        hash.finalize_xof().fill(&mut first);
        u64::from_le_bytes(first) >> 1
    }
}

/// The failure of a message that may be at the destination already, which does not show it.
pub(super) fn not_shown(text: &str) -> Failure {
    let failure =
        Failure::new(Cause::NotShown, Scope::Message, Retry::Never, "looking for a message at the destination");
    failure.saying(text)
}

/// The failure of a message at which a server hung up again and again (D22).
pub(super) fn hangs_up(failure: &Failure) -> Failure {
    let again = Failure::new(Cause::HangsUpAtMessage, Scope::Message, Retry::Never, failure.doing.clone());
    again.saying(failure.server_text.as_deref().unwrap_or("the server closed the connection 3 times at this message"))
}

/// The failure of a message that came, but not when it was to be compared: it may be at the destination already.
pub(super) fn not_compared() -> Failure {
    let failure = Failure::new(Cause::MessageUnreadable, Scope::Message, Retry::Never, "comparing a message");
    failure.saying("the source did not hand it out when it was to be compared; the next pass compares it again")
}

/// A copied message's share of its folder's counters.
pub(super) fn copied(bytes: u64) -> Counts {
    Counts { copied: 1, bytes, ..Counts::default() }
}
