//! Whether the destination kept the flags and dates that came with messages: a yes to APPEND says nothing of them (J.5). When
//! everything is copied, some copies with each flag are looked at in every folder (a server may keep a flag in one and not in
//! another, RFC 4314 §4), and some with a date that their own headings do not name: a server that takes the date of receipt from
//! there has all others right by chance. If one of them lacks a flag, all copies that were made since a pass came to its end get
//! what they lack, as far as they are seen to be ours; what is not there even then is named, and so is every copy with another
//! date of receipt. Of what an interrupted attempt copied nobody remembers which dates tell: they are compared one by one.
//!
//! Bounded: [`AT_ONCE`] copies of one folder. A server that keeps all is asked about a few copies of each folder, once in a pass.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;

use crate::domain::failure::{Failure, Scope, Side};
use crate::domain::flags::{FlagChange, Flags, PermanentFlags};
use crate::domain::folder::FolderPath;
use crate::domain::ids::{FolderId, Uid};
use crate::domain::message::MessageMeta;
use crate::domain::record::{Origin, Watermark};
use crate::domain::time::Timestamp;
use crate::endpoint::{Destination, FlagUpdate, FolderRef, Source, Which};
use crate::pass::carry::set;
use crate::pass::closing::Finale;
use crate::pass::landed::{Dated, FLAGS, OF_EACH};
use crate::pass::lane::{Lane, Step};
use crate::pass::notes::Notes;
use crate::pass::one_by_one::OneByOne;
use crate::pass::recorder::ToRecord;
use crate::pass::sample::{Bytes, IdentityProof, prove};
use crate::pass::suspects::BLAME_LIMIT;
use crate::pass::{OnSide, Pass, PassResult, PassStop, SideFailure};

/// Copies looked at together.
const AT_ONCE: usize = 1_000;

/// Folders of which dates that tell are looked at.
const TELLING: usize = 8;

/// What is known of the destination in this pass.
#[derive(Clone, Copy, Default)]
struct Kept {
    /// A copy lacked a flag.
    loses_flags: bool,
    /// Whether it keeps dates, once that is known.
    dates: Option<bool>,
}

impl Kept {
    /// Concludes from some copies of a folder.
    fn conclude(&mut self, some: &SomeCopies, there: &BTreeMap<Uid, MessageMeta>) {
        for (mark, expected) in &some.flagged {
            let Some(seen) = there.get(&mark.destination).and_then(|meta| meta.flags.as_ref()) else { continue };
            let lost = seen.difference(expected).add;
            if !lost.is_empty() {
                tracing::info!(flags = %lost, "the destination did not keep flags that came with a message");
                self.loses_flags = true;
            }
        }
        for (mark, dated) in &some.dated {
            match has_date(mark, dated.instant, there) {
                Some(false) => {
                    tracing::info!("the destination did not keep a date that came with a message");
                    self.dates = Some(false);
                }
                Some(true) if !dated.by_chance => self.dates = self.dates.or(Some(true)),
                Some(true) | None => {}
            }
        }
    }
}

/// Copies of a folder that are looked at, with the flags and dates that they should have.
#[derive(Default)]
struct SomeCopies {
    flagged: Vec<(Watermark, Flags)>,
    dated: Vec<(Watermark, Dated)>,
}

impl SomeCopies {
    fn which(&self) -> Which {
        let (flagged, dated) = (self.flagged.iter().map(|one| &one.0), self.dated.iter().map(|one| &one.0));
        let numbers: BTreeSet<Uid> = flagged.chain(dated).map(|mark| mark.destination).collect();
        Which::These(numbers.into_iter().collect())
    }

    fn is_empty(&self) -> bool {
        self.flagged.is_empty() && self.dated.is_empty()
    }
}

/// A folder into which this pass may have copied, or an attempt that was interrupted.
#[derive(Clone, Debug)]
pub(super) struct CopiedInto {
    pub id: FolderId,
    pub path: FolderPath,
    pub source: FolderRef,
    pub destination: FolderRef,
    /// What was copied since a pass came to its end has this number or a greater one.
    pub floor: Uid,
    /// What this pass itself copied has this number or a greater one.
    pub own: Uid,
    pub permanent: PermanentFlags,
}

impl CopiedInto {
    /// Numbers of all copies since a pass came to its end, ascending.
    async fn numbers(&self, pass: &Pass) -> PassResult<Vec<Uid>> {
        let mut numbers = pass.journal.known_at_destination(self.id).await?;
        numbers.drain(..numbers.partition_point(|uid| *uid < self.floor));
        Ok(numbers)
    }

    /// Copies of this source folder that were appended.
    async fn copies(&self, pass: &Pass, numbers: &[Uid]) -> PassResult<Vec<Watermark>> {
        let copies = pass.journal.copies(self.id, numbers.to_vec()).await?;
        let ours = |(row, mark): &(FolderId, Watermark)| *row == self.id && mark.origin != Origin::Found;
        Ok(copies.into_iter().filter(ours).map(|(_, mark)| mark).collect())
    }

    /// The copy of a message, if its number is known.
    async fn copy(&self, pass: &Pass, source: Uid) -> PassResult<Option<Watermark>> {
        let mark = pass.journal.some_watermarks(self.id, source, Uid(source.0 + 1), 1).await?.pop();
        Ok(mark.filter(|mark| mark.destination > Watermark::NOT_TOLD))
    }

    /// The flags that a copy should have.
    fn expected(&self, mark: &Watermark) -> Flags {
        mark.flags.given.allowed_by(&self.permanent)
    }

    /// Some copies with each flag.
    async fn flagged(&self, pass: &Pass) -> PassResult<Vec<(Watermark, Flags)>> {
        let mut flagged = Vec::new();
        for source in pass.some_landed(self.id).with_flags() {
            flagged.extend(self.copy(pass, source).await?);
        }
        if self.floor < self.own {
            self.flagged_before(pass, &mut flagged).await?;
        }
        let open = self.flags_open(pass, flagged).into_iter();
        Ok(open.map(|mark| (mark.clone(), self.expected(&mark))).collect())
    }

    /// The same of an attempt that was interrupted.
    async fn flagged_before(&self, pass: &Pass, flagged: &mut Vec<Watermark>) -> PassResult<()> {
        let mut counts = BTreeMap::<String, usize>::new();
        let mut numbers = self.numbers(pass).await?;
        numbers.retain(|uid| *uid < self.own);
        for some in numbers.chunks(AT_ONCE) {
            for mark in self.copies(pass, some).await? {
                let mut tells = false;
                for flag in self.expected(&mark).names() {
                    if !counts.contains_key(flag) && counts.len() >= FLAGS {
                        continue;
                    }
                    let count = counts.entry(flag.to_owned()).or_default();
                    *count += 1;
                    tells |= *count <= OF_EACH;
                }
                flagged.extend(tells.then_some(mark));
            }
        }
        Ok(())
    }

    /// Some copies with dates.
    async fn dated(&self, pass: &Pass) -> PassResult<Vec<(Watermark, Dated)>> {
        let mut copies = Vec::new();
        for (source, dated) in pass.some_landed(self.id).with_dates() {
            copies.extend(self.copy(pass, *source).await?.map(|mark| (mark, *dated)));
        }
        Ok(copies)
    }

    /// Those of these whose flags are not accounted for yet.
    fn flags_open(&self, pass: &Pass, mut copies: Vec<Watermark>) -> Vec<Watermark> {
        let landed = pass.findings.landed.lock().unwrap_or_else(PoisonError::into_inner);
        copies.retain(|mark| !landed.without_flags(self.id, mark.source));
        copies
    }

    /// Those of these whose dates are not accounted for yet.
    fn dates_open(&self, pass: &Pass, mut copies: Vec<Watermark>) -> Vec<Watermark> {
        let landed = pass.findings.landed.lock().unwrap_or_else(PoisonError::into_inner);
        copies.retain(|mark| !landed.without_date(self.id, mark.source));
        copies
    }
}

/// Looks at some copies of each folder, of all together until a connection breaks; a folder that cannot be read tells nothing.
struct LookAtSome<'a> {
    copied: &'a [CopiedInto],
    some: Vec<SomeCopies>,
    kept: Kept,
    round: OneByOne,
}

impl<'a> LookAtSome<'a> {
    async fn of(pass: &Pass, copied: &'a [CopiedInto]) -> PassResult<Self> {
        let (mut some, mut any, mut telling) = (Vec::with_capacity(copied.len()), 0, 0);
        for into in copied {
            let mut copies = SomeCopies { flagged: into.flagged(pass).await?, dated: into.dated(pass).await? };
            let tells = copies.dated.iter().any(|(_, dated)| !dated.by_chance);
            // Those that tell nothing show at least whether it takes any date.
            if (tells && telling >= TELLING) || (!tells && any >= 1) {
                copies.dated.clear();
            }
            any += usize::from(!copies.dated.is_empty());
            telling += usize::from(tells);
            some.push(copies);
        }
        Ok(Self { copied, some, kept: Kept::default(), round: OneByOne::default() })
    }

    fn asked(&self, at: usize) -> (FolderRef, Which) {
        (self.copied[at].destination.clone(), self.some[at].which())
    }

    fn take(&mut self, at: usize, scanned: Result<Vec<MessageMeta>, Failure>) -> PassResult<()> {
        match scanned {
            Ok(scanned) => {
                let there = scanned.into_iter().map(|meta| (meta.uid, meta)).collect();
                self.kept.conclude(&self.some[at], &there);
            }
            Err(failure) if failure.scope <= Scope::Folder => {
                tracing::warn!(folder = %self.copied[at].path, %failure, "flags and dates not looked at");
            }
            Err(failure) => return Err(failure).on(Side::Destination).map_err(PassStop::Fatal),
        }
        self.round.ends(at);
        Ok(())
    }
}

#[async_trait::async_trait]
impl Step for LookAtSome<'_> {
    type Out = Kept;

    async fn run(&mut self, _pass: &Pass, _source: &mut dyn Source, to: &mut dyn Destination) -> PassResult<Kept> {
        let left = |at: &usize| !self.some[*at].is_empty() && !self.round.is_done(*at);
        let left: Vec<usize> = (0..self.copied.len()).filter(left).collect();
        if self.round.together() {
            let asked: Vec<(FolderRef, Which)> = left.iter().map(|at| self.asked(*at)).collect();
            let all = to.scan_all(&asked).await.on(Side::Destination).map_err(PassStop::Fatal)?;
            left.into_iter().zip(all).try_for_each(|(at, scanned)| self.take(at, scanned))?;
            return Ok(self.kept);
        }
        for at in left {
            let (folder, which) = self.asked(at);
            self.round.begins(at);
            let scanned = to.scan(&folder, &which, true).await;
            self.take(at, scanned)?;
        }
        Ok(self.kept)
    }

    fn broke(&mut self, pass: &Pass, trouble: &SideFailure) -> Option<Kept> {
        self.round.broke(pass, trouble);
        None
    }
}

/// Looks at all copies, folder by folder, for what is not kept, or not known to be.
struct MendKept<'a> {
    copied: &'a [CopiedInto],
    kept: Kept,
    /// Folders that were looked at.
    done: usize,
    /// Connections that broke at the folder that is looked at.
    breaks: u32,
}

/// One folder's copies, and both sides.
struct FolderLook<'a> {
    pass: &'a Pass,
    into: &'a CopiedInto,
    source: &'a mut dyn Source,
    to: &'a mut dyn Destination,
    bytes: Bytes,
}

impl Finale<'_> {
    /// Looks whether flags and dates were kept; sets flags that were not, and names what is lost.
    pub(super) async fn look_at_kept(&self, lane: &mut Lane) -> PassResult<()> {
        let copied = self.pass.copied_into();
        if copied.is_empty() {
            return Ok(());
        }
        self.pass.recorder.flush().await;
        let mut look = LookAtSome::of(self.pass, &copied).await?;
        let mut kept = Kept::default();
        if look.some.iter().any(|some| !some.is_empty()) {
            kept = self.pass.run_with_retry(lane, &mut look).await?;
        }
        let interrupted = copied.iter().any(|into| into.floor < into.own);
        if kept.loses_flags || kept.dates == Some(false) || (kept.dates.is_none() && interrupted) {
            let mut mend = MendKept { copied: &copied, kept, done: 0, breaks: 0 };
            self.pass.run_with_retry(lane, &mut mend).await?;
        }
        Ok(())
    }
}

#[async_trait::async_trait]
impl Step for MendKept<'_> {
    type Out = ();

    async fn run(&mut self, pass: &Pass, source: &mut dyn Source, to: &mut dyn Destination) -> PassResult<()> {
        let bytes = pass.journal.habit(Side::Destination).await?.into();
        while let Some(into) = self.copied.get(self.done) {
            let mut look = FolderLook { pass, into, source, to, bytes };
            match look.mend(self.kept).await {
                Err(PassStop::Fatal(trouble)) if trouble.failure.scope <= Scope::Folder => {
                    tracing::warn!(folder = %into.path, failure = %trouble.failure, "flags and dates not looked at");
                }
                looked => looked?,
            }
            (self.breaks, self.done) = (0, self.done + 1);
        }
        Ok(())
    }

    fn broke(&mut self, pass: &Pass, trouble: &SideFailure) -> Option<()> {
        self.breaks += pass.breaks_count(&trouble.failure);
        if self.breaks >= BLAME_LIMIT {
            // Everything is copied: a folder at which connections break again and again is left as it is (D22).
            (self.breaks, self.done) = (0, self.done + 1);
        }
        None
    }
}

impl FolderLook<'_> {
    async fn mend(&mut self, kept: Kept) -> PassResult<()> {
        let (dates_kept, interrupted) = (kept.dates == Some(true), self.into.floor < self.into.own);
        if !kept.loses_flags && (dates_kept || (kept.dates.is_none() && !interrupted)) {
            return Ok(());
        }
        let mut notes = Notes::default();
        let numbers = self.into.numbers(self.pass).await?;
        for some in numbers.chunks(AT_ONCE) {
            let mut copies = self.into.copies(self.pass, some).await?;
            if kept.loses_flags {
                self.set_lost_flags(&copies, &mut notes).await?;
            }
            if kept.dates.is_none() {
                copies.retain(|mark| mark.destination < self.into.own);
            }
            if !dates_kept {
                self.note_dates(copies, &mut notes).await?;
            }
        }
        for notice in notes.notices(&self.into.path) {
            self.pass.recorder.add(ToRecord::notice(notice)).await;
        }
        Ok(())
    }

    async fn note_dates(&mut self, copies: Vec<Watermark>, notes: &mut Notes) -> PassResult<()> {
        let copies = self.into.dates_open(self.pass, copies);
        let (to, source, into) = (&mut *self.to, &mut *self.source, self.into);
        let (there, here) = tokio::join!(there(to, into, &copies), here(source, into, &copies));
        let (there, here) = (there?, here?);
        let differs = |mark: &&Watermark| {
            let instant = here.get(&mark.source);
            instant.and_then(|instant| has_date(mark, *instant, &there)) == Some(false)
        };
        copies.iter().filter(differs).for_each(|mark| notes.undated(mark.source));
        Ok(())
    }

    /// Sets on copies that are ours what they lack of their flags; notes what is not there even then.
    async fn set_lost_flags(&mut self, copies: &[Watermark], notes: &mut Notes) -> PassResult<()> {
        let owed: Vec<(Watermark, Flags)> = self
            .into
            .flags_open(self.pass, copies.to_vec())
            .into_iter()
            .map(|mark| (mark.clone(), self.into.expected(&mark)))
            .collect();
        let owed: Vec<(Watermark, Flags)> = owed.into_iter().filter(|(_, flags)| !flags.is_empty()).collect();
        if owed.is_empty() {
            return Ok(());
        }
        let marks: Vec<Watermark> = owed.iter().map(|(mark, _)| mark.clone()).collect();
        let before = there(&mut *self.to, self.into, &marks).await?;
        self.set(&owed, &before).await.on(Side::Destination).map_err(PassStop::Fatal)?;
        let after = there(&mut *self.to, self.into, &marks).await?;
        for (mark, flags) in owed {
            // One that is not there any more lacks nothing.
            if let Some(meta) = after.get(&mark.destination) {
                notes.flagged(mark.source, &flags, &meta.flags.clone().unwrap_or_else(Flags::none));
            }
        }
        Ok(())
    }

    /// Sets what copies that are ours lack; what a server refuses shows when they are looked at again.
    async fn set(&mut self, owed: &[(Watermark, Flags)], there: &BTreeMap<Uid, MessageMeta>) -> Result<(), Failure> {
        let place = &self.into.destination;
        let asked: Vec<(Uid, &Watermark)> = owed.iter().map(|(mark, _)| (mark.destination, mark)).collect();
        let proofs = prove(&mut *self.to, place, &asked, self.bytes).await?;
        let mut updates: BTreeMap<String, FlagUpdate> = BTreeMap::new();
        for ((mark, flags), _) in owed.iter().zip(proofs).filter(|(_, proof)| *proof == IdentityProof::Confirmed) {
            let Some(has) = there.get(&mark.destination).and_then(|meta| meta.flags.as_ref()) else { continue };
            let change = FlagChange { add: has.difference(flags).add, remove: Flags::none() };
            if !change.is_empty() {
                let update = updates.entry(change.add.to_string());
                update.or_insert_with(|| FlagUpdate { uids: Vec::new(), change }).uids.push(mark.destination);
            }
        }
        let updates: Vec<FlagUpdate> = updates.into_values().collect();
        set(&mut *self.to, place, &updates).await.map(drop)
    }
}

/// What the destination holds of these copies.
async fn there(
    to: &mut dyn Destination,
    into: &CopiedInto,
    copies: &[Watermark],
) -> PassResult<BTreeMap<Uid, MessageMeta>> {
    let asked: BTreeSet<Uid> = copies.iter().map(|mark| mark.destination).collect();
    if asked.is_empty() {
        return Ok(BTreeMap::new());
    }
    let seen = to.scan(&into.destination, &Which::These(asked.into_iter().collect()), true).await;
    let seen = seen.on(Side::Destination).map_err(PassStop::Fatal)?;
    Ok(seen.into_iter().map(|meta| (meta.uid, meta)).collect())
}

/// The dates of receipt at the source, of messages that have one.
async fn here(
    source: &mut dyn Source,
    into: &CopiedInto,
    copies: &[Watermark],
) -> PassResult<BTreeMap<Uid, Timestamp>> {
    let asked: BTreeSet<Uid> = copies.iter().map(|mark| mark.source).collect();
    if asked.is_empty() {
        return Ok(BTreeMap::new());
    }
    let listed = source.scan(&into.source, &Which::These(asked.into_iter().collect()), true).await;
    let listed = listed.on(Side::Source).map_err(PassStop::Fatal)?;
    Ok(listed.into_iter().filter_map(|meta| Some((meta.uid, meta.date?.instant))).collect())
}

/// Whether a copy has the date of receipt of its message; none if it is not there or has none.
fn has_date(mark: &Watermark, instant: Timestamp, there: &BTreeMap<Uid, MessageMeta>) -> Option<bool> {
    Some(there.get(&mark.destination)?.date.as_ref()?.instant == instant)
}
