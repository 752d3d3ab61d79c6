//! Compare: which messages of each folder are new, which are known, which flags changed, and which watermarks lost
//! their message (D7, D10, D12). Before anything is believed of old numbers a sample of them is looked at (D26).
//!
//! A first pass into an empty folder needs no listing: everything is new and comes with its bytes. Else both sides ascend
//! by number and are merged window by window: memory holds [`WINDOW`] messages, what is new, and what changed.

use std::collections::BTreeSet;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use async_trait::async_trait;

use crate::domain::failure::{Cause, Failure, Retry, Scope, Side};
use crate::domain::ids::{FolderId, Uid};
use crate::domain::item_error::ItemError;
use crate::domain::matching::Gone;
use crate::domain::notice::{Notice, NoticeKind};
use crate::domain::pass_plan::Select;
use crate::domain::plan::{compare, needs_dates, skip_rule};
use crate::domain::record::Watermark;
use crate::endpoint::{Destination, Source, Which};
use crate::pass::headers::prove_here;
use crate::pass::job::{Carry, Job, ListFigures, MessageStanding, NumberTrust, Todo};
use crate::pass::lane::Step;
use crate::pass::restored::{newest_holds, replaced};
use crate::pass::sample::{IdentityProof, Spread};
use crate::pass::scan_window::{ScanSums, Window, gone_mark, newest_known, part_with_lost};
use crate::pass::suspects::Turn;
use crate::pass::{OnSide, Pass, PassResult, PassStop, SideFailure};

/// Messages of one window.
const WINDOW: u32 = 4000;
/// IMAP numbers end here (RFC 9051 §2.3.1.1).
const END: Uid = Uid(1 << 32);

/// What comparing one folder found beside what stands in its job.
#[derive(Default)]
pub(super) struct ScanFindings {
    pub gone: Vec<Gone>,
    /// Watermarks that lost both their message and its copy.
    pub astray: Vec<Gone>,
    /// Rows to which watermarks went whose numbers mean other messages now.
    pub retired: BTreeSet<FolderId>,
}

/// Compares one folder.
pub(super) struct Scan<'a> {
    job: &'a mut Job,
    pub found: ScanFindings,
    /// The folder is listed, however plain it is.
    listed: bool,
    /// Every known number is looked at: a sample was contradicted, or the server's figures were.
    prove_all: bool,
    /// Contents were compared from the top down.
    compared: bool,
    /// The server said that it holds more messages than it listed.
    miscounted: bool,
    /// The last failure of three at this folder.
    broken: bool,
}

/// How a step over one folder ended, when it was not by a halt.
pub(super) enum Looked {
    /// It was done.
    Done,
    /// It must be done once more, on a fresh connection.
    Again,
    /// The source folder must be listed before.
    Unlisted,
    /// The folder cannot be worked on.
    Failed(SideFailure),
}

#[async_trait]
impl Step for Scan<'_> {
    type Out = Looked;

    async fn run(&mut self, pass: &Pass, source: &mut dyn Source, _to: &mut dyn Destination) -> PassResult<Looked> {
        // What an earlier try of this pass recorded must be seen.
        pass.recorder.flush().await;
        let any = pass.journal.some_watermarks(self.job.id, Uid(i64::MIN), Uid(i64::MAX), 1).await?;
        if any.is_empty() && !self.listed && self.is_plain(pass) {
            self.job.remaining.todo = Todo::All;
            pass.expect(self.job, 0, 0, u64::from(self.job.plan.exists));
            return Ok(Looked::Done);
        }
        match self.scan(pass, source).await {
            Err(PassStop::Fatal(trouble)) if trouble.failure.scope <= Scope::Folder => Ok(Looked::Failed(trouble)),
            other => other,
        }
    }

    fn broke(&mut self, pass: &Pass, trouble: &SideFailure) -> Option<Looked> {
        self.broken = pass.blame_folder(self.job, &trouble.failure);
        self.broken.then(|| Looked::Failed(trouble.clone()))
    }
}

impl<'a> Scan<'a> {
    /// Of this folder; `listed`: it is listed, however plain it is.
    pub fn new(job: &'a mut Job, listed: bool) -> Self {
        let prove_all = job.numbers.source == NumberTrust::Doubted;
        Self {
            job,
            found: ScanFindings::default(),
            listed,
            prove_all,
            compared: false,
            miscounted: false,
            broken: false,
        }
    }
}

impl Scan<'_> {
    /// Whether nothing speaks against taking the folder as it comes, without a listing.
    fn is_plain(&self, pass: &Pass) -> bool {
        let job = &*self.job;
        !pass.lists_first()
            && !job.shows_everything()
            && job.remaining.chosen.is_none()
            && job.plan.figures == ListFigures::Agree
            && job.suspicion.rescans == 0
            && pass.failed_in(job.id).is_empty()
            && job.suspicion.suspects.is_empty()
            && job.remaining.waiting.is_empty()
            && job.remaining.elsewhere.is_empty()
            && job.suspicion.folder_blame == 0
            && !pass.knows_refusals(job)
    }

    async fn scan(&mut self, pass: &Pass, source: &mut dyn Source) -> PassResult<Looked> {
        let state = source.examine(&self.job.plan.source).await.on(Side::Source).map_err(PassStop::Fatal)?;
        self.job.plan.exists = state.messages;
        if self.prove_all {
            let replaced = replaced(pass, source, self.job).await?;
            self.compared = true;
            self.set_aside(pass, replaced).await?;
        }
        let mut sums = ScanSums { next: state.uid_next, opened_next: state.uid_next, ..ScanSums::default() };
        let (mut sample, mut newest) = (Spread::new(), None);
        let failed = pass.failed_in(self.job.id);
        let dates = needs_dates(&pass.order.options, pass.order.plan.before());
        let density = state.uid_next.map_or(1, |next| next.0) / i64::from(state.messages.max(1));
        let mut width = i64::from(WINDOW) * density.clamp(1, 1 << 18);
        let mut from = Uid(1);
        let mut first_mark = pass.journal.some_watermarks(self.job.id, Uid(i64::MIN), from, usize::MAX).await?;
        while from < END {
            let last = state.uid_next.is_some_and(|next| from.0 + width >= next.0);
            let to = if last { END } else { Uid((from.0 + width).min(END.0)) };
            let listing = source.scan(&self.job.plan.source, &Which::Range(from, to), dates).await;
            let listing = listing.on(Side::Source).map_err(PassStop::Fatal)?;
            let mut marks = pass.journal.some_watermarks(self.job.id, from, to, usize::MAX).await?;
            marks.splice(0..0, std::mem::take(&mut first_mark));
            let mut window = Window { listing, marks };
            self.prove_window(pass, source, &mut window, &mut sample).await?;
            width = match window.listing.len() as u32 {
                many if many > 2 * WINDOW => (width / 2).max(1),
                few if few < WINDOW / 2 => width * 2,
                _ => width,
            };
            newest = newest_known(&window).or(newest);
            part_with_lost(self.job.id, &mut window, &mut sums);
            self.take_in(pass, &window, &failed, &mut sums);
            from = to;
        }
        if !self.sample_holds(pass, source, sample.take()).await? {
            self.prove_all = true;
            return Ok(Looked::Again);
        }
        if self.is_another_inside(pass, source, newest).await? {
            return Ok(Looked::Again);
        }
        if let Some(again) = self.count(pass, source, state.messages, &sums).await? {
            return Ok(again);
        }
        if self.next_is_wrong(source, &sums).await? {
            // Nobody can tell which of them came late.
            sums.new.append(&mut sums.late);
            sums.new.sort_unstable();
        }
        self.found.astray.append(&mut sums.stale);
        self.conclude(pass, sums);
        Ok(Looked::Done)
    }

    /// While all known numbers are looked at: those that mean another message lose their watermark, which goes to a
    /// retired row. Else some of the known ones are noted for the sample.
    async fn prove_window(
        &mut self,
        pass: &Pass,
        source: &mut dyn Source,
        window: &mut Window,
        sample: &mut Spread<Watermark>,
    ) -> PassResult<()> {
        let listed = window.listed();
        let known = || window.marks.iter().filter(|mark| listed.contains(&mark.source));
        if !self.prove_all {
            known().for_each(|mark| sample.add(mark.clone()));
            return Ok(());
        }
        let asked: Vec<(Uid, &Watermark)> = known().map(|mark| (mark.source, mark)).collect();
        let proofs =
            prove_here(pass, source, &self.job.plan.source, &asked).await.on(Side::Source).map_err(PassStop::Fatal)?;
        let wrong = |proof: &IdentityProof| *proof == IdentityProof::Contradicted;
        let count = proofs.iter().filter(|proof| wrong(proof)).count();
        if count == 0 {
            return Ok(());
        }
        // Nearly all confirmed: go on with those. Else none of them is believed, those not handed out neither.
        let all = count * 10 > proofs.len();
        let taken = asked.iter().zip(&proofs).filter(|(_, proof)| all || wrong(proof)).map(|((uid, _), _)| *uid);
        let taken: BTreeSet<Uid> = taken.collect();
        window.marks.retain(|mark| !taken.contains(&mark.source));
        self.set_aside(pass, taken).await
    }

    /// These numbers mean other messages than before: their watermarks go to a retired row, where they answer for messages
    /// that come up elsewhere.
    async fn set_aside(&mut self, pass: &Pass, numbers: BTreeSet<Uid>) -> PassResult<()> {
        let (Some(first), Some(last)) = (numbers.first().copied(), numbers.last().copied()) else { return Ok(()) };
        tracing::info!(folder = %self.job.path, count = numbers.len(), "numbers mean other messages than before");
        let marks = pass.journal.some_watermarks(self.job.id, first, Uid(last.0 + 1), usize::MAX).await?;
        let row = pass.journal.retire(self.job.id, numbers.iter().copied().collect()).await?;
        self.found.retired.insert(row);
        for mark in marks.iter().filter(|mark| numbers.contains(&mark.source)) {
            let found = if mark.is_lost() { &mut self.found.astray } else { &mut self.found.gone };
            let gone = gone_mark(row, mark);
            // Its own destination folder is that of the retired row now.
            found.push(Gone { at: if gone.at == self.job.id { row } else { gone.at }, ..gone });
        }
        Ok(())
    }

    async fn sample_holds(&self, pass: &Pass, source: &mut dyn Source, sample: Vec<Watermark>) -> PassResult<bool> {
        let asked: Vec<(Uid, &Watermark)> = sample.iter().map(|mark| (mark.source, mark)).collect();
        let proofs =
            prove_here(pass, source, &self.job.plan.source, &asked).await.on(Side::Source).map_err(PassStop::Fatal)?;
        Ok(!proofs.contains(&IdentityProof::Contradicted))
    }

    /// Whether the newest message is another one under its old name and number, so that contents must be compared; those that
    /// differ have lost their watermarks then.
    async fn is_another_inside(
        &mut self,
        pass: &Pass,
        source: &mut dyn Source,
        newest: Option<Watermark>,
    ) -> PassResult<bool> {
        let known = self.compared || pass.oddities.in_another_form.load(Ordering::Relaxed);
        let Some(newest) = newest.filter(|_| !known) else { return Ok(false) };
        if newest_holds(source, self.job, &newest).await? {
            return Ok(false);
        }
        self.compared = true;
        let replaced = replaced(pass, source, self.job).await?;
        let any = !replaced.is_empty();
        self.set_aside(pass, replaced).await?;
        Ok(any)
    }

    /// Listed must be what EXAMINE said (D27): else once more, on a fresh connection; then the difference is an error.
    async fn count(
        &mut self,
        pass: &Pass,
        source: &mut dyn Source,
        exists: u32,
        sums: &ScanSums,
    ) -> PassResult<Option<Looked>> {
        let listed = sums.counts.listed;
        if listed >= u64::from(exists) {
            // More are listed than were told: what was listed counts, but the figure is not to be built on.
            if listed > u64::from(exists) {
                self.job.leave_undone();
            }
            self.job.remaining.unlisted = 0;
            return Ok(None);
        }
        if !std::mem::replace(&mut self.miscounted, true) {
            return Ok(Some(Looked::Again));
        }
        self.job.leave_undone();
        let missing = self.missing(source, exists, sums).await?;
        if missing == 0 {
            // The others went while it was listed.
            self.job.plan.exists = u32::try_from(listed).unwrap_or(exists);
            self.job.remaining.unlisted = 0;
            return Ok(None);
        }
        // Counted once, however often the folder is looked into.
        if self.job.remaining.unlisted == 0 {
            let text = format!("the server says that the folder holds {exists} messages and lists {listed}");
            let doing = format!("scanning folder \"{}\"", self.job.path);
            let failure = Failure::new(Cause::ListIncomplete, Scope::Folder, Retry::Never, doing).saying(text);
            tracing::warn!(folder = %self.job.path, exists, listed, "the listing is incomplete");
            let (folder, side) = (Some(self.job.path.clone()), Some(Side::Source));
            let error = ItemError { folder, messages: missing, side, ..ItemError::about(failure) };
            let within = pass.not_moved(self.job.id, error).await;
            pass.recorder.flush().await;
            within?;
        }
        self.job.remaining.unlisted = missing;
        Ok(None)
    }

    /// Whether messages that seem to have come late only lie above a UIDNEXT that is too low for what was listed before it was
    /// told (D27).
    async fn next_is_wrong(&self, source: &mut dyn Source, sums: &ScanSums) -> PassResult<bool> {
        let job = &*self.job;
        if sums.late.is_empty() || job.shows_everything() || sums.next <= Some(sums.opened_next.unwrap_or(END)) {
            return Ok(false);
        }
        let now = source.examine(&job.plan.source).await.on(Side::Source).map_err(PassStop::Fatal)?;
        Ok(now.uid_next.is_some() && now.uid_next < sums.next)
    }

    /// How many of the messages that the folder held when it was opened are there still and were not listed: in a busy
    /// mailbox some go while it is listed, and others come.
    async fn missing(&self, source: &mut dyn Source, exists: u32, sums: &ScanSums) -> PassResult<u64> {
        let folder = &self.job.plan.source;
        let now = source.examine(folder).await.on(Side::Source).map_err(PassStop::Fatal)?;
        let new = source.scan(folder, &Which::Range(sums.opened_next.unwrap_or(END), END), false).await;
        let came = new.on(Side::Source).map_err(PassStop::Fatal)?.len() as u64;
        let remained = u64::from(exists).min(u64::from(now.messages).saturating_sub(came));
        Ok(remained.saturating_sub(sums.counts.old))
    }

    /// Merges one window and forgets it.
    fn take_in(&mut self, pass: &Pass, window: &Window, failed: &BTreeSet<Uid>, sums: &mut ScanSums) {
        let listing = &window.listing;
        let options = &pass.order.options;
        // Flags that were not told now may be in the next pass.
        if options.carry_flags && listing.iter().any(|message| message.flags.is_none()) {
            self.job.leave_undone();
        }
        let job = &*self.job;
        let found = compare(listing, &window.marks, options.carry_flags);
        let distinct = found.known + found.new.len() as u64;
        sums.counts.listed += distinct;
        let old = listing.iter().map(|message| message.uid).filter(|uid| *uid < sums.opened_next.unwrap_or(END));
        sums.counts.old += old.collect::<BTreeSet<Uid>>().len() as u64;
        sums.counts.known += found.known;
        if let Some(last) = listing.iter().map(|message| message.uid.0).max() {
            sums.next = sums.next.max(Some(Uid(last + 1)));
        }
        for message in found.new.iter().map(|at| &listing[*at]) {
            if failed.contains(&message.uid) || job.remaining.waiting.contains(&message.uid) {
                continue;
            }
            let left_out = skip_rule(message, options, pass.order.plan.before()).is_some()
                || !pass.selects(job, message.uid)
                || job.is_at_home_elsewhere(message.uid);
            if left_out {
                sums.counts.skipped += 1;
                continue;
            }
            match job.stands(message.uid) {
                MessageStanding::New => sums.new.push(message.uid),
                MessageStanding::Late => sums.late.push(message.uid),
                MessageStanding::Other => {
                    sums.counts.others += 1;
                    continue;
                }
                MessageStanding::Later => {
                    // It arrived, as others did that wait; or it did not come when it was asked for, and has its count.
                    sums.counts.others += u64::from(!job.shows_everything() && !job.was_listed(message.uid));
                    sums.later = true;
                    continue;
                }
            }
            sums.listing.insert(message.uid, (message.flags.clone(), message.size));
        }
        sums.carries.extend(found.flag_changes.into_iter().map(Carry::from));
        sums.gone.extend(found.gone.iter().map(|mark| gone_mark(job.id, mark)));
    }

    fn conclude(&mut self, pass: &Pass, mut sums: ScanSums) {
        let job = &mut *self.job;
        pass.leave_out(&mut sums);
        job.suspicion.folder_blame = 0;
        let new = sums.new.len() as u64;
        pass.expect(job, sums.counts.known, sums.counts.skipped, new);
        pass.count_others(job.id, job.shows_everything(), sums.counts.others);
        if sums.later {
            job.leave_undone();
        }
        job.plan.source_next = sums.next;
        job.remaining.listing = sums.listing;
        job.remaining.todo = Todo::These(sums.new);
        job.remaining.turn = if pass.order.options.newest_first { Turn::NewestFirst } else { Turn::AsListed };
        job.remaining.late = sums.late;
        job.remaining.again.extend(sums.again);
        job.remaining.carries = sums.carries;
        self.found.gone.extend(sums.gone);
        pass.postpone(job);
    }
}

impl Pass {
    /// Whether a listing is needed even on a first pass.
    pub(super) fn lists_first(&self) -> bool {
        self.filters() || self.order.options.newest_first
    }

    /// Whether the options or the plan leave messages out.
    pub(super) fn filters(&self) -> bool {
        let options = &self.order.options;
        needs_dates(options, None) || options.largest.is_some() || self.order.plan.leaves_out()
    }

    /// Whether the plan is about this message.
    fn selects(&self, job: &Job, message: Uid) -> bool {
        match self.order.plan.select {
            Select::All | Select::Before(_) => true,
            Select::FailedOf(_) | Select::FailedFor(..) => self.failed_before().has(&job.path, message),
        }
    }

    /// Leaves out what is beyond the limits of the plan, and then what came late too.
    fn leave_out(&self, sums: &mut ScanSums) {
        if self.order.plan.per_folder.is_none() && self.order.plan.bytes.is_none() {
            return;
        }
        let size = |uid: &Uid| sums.listing.get(uid).map_or(0, |(_, size)| u64::from(*size));
        let mut left = self.findings.bytes_left.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = self.order.plan.fits(sums.counts.known, sums.new.iter().map(size), &mut left);
        let beyond: Vec<Uid> = sums.new.drain(fits..).chain(std::mem::take(&mut sums.late)).collect();
        sums.counts.skipped += beyond.len() as u64;
        beyond.iter().for_each(|uid| drop(sums.listing.remove(uid)));
    }

    /// Sets a folder's expected sums: what this pass already counted stays, the rest of what is known was there before.
    pub(super) fn expect(&self, job: &Job, known: u64, skipped: u64, new: u64) {
        self.tally.count(self.clock.now(), job.id, |c| {
            c.already_there = known.saturating_sub(c.copied);
            c.skipped = skipped;
            (c.vanished, c.waiting, c.arrived) = (0, job.remaining.waiting.len() as u64, 0);
            c.source = c.copied + c.already_there + c.skipped + c.errors + c.waiting + new;
        });
    }

    /// Records a notice about messages of a folder; differences count.
    pub(super) async fn notice(&self, job: &Job, kind: NoticeKind, side: Side, numbers: Vec<Uid>) {
        self.tell(job.id, Notice::of(&job.path, kind, side, &numbers)).await;
    }
}
