//! Whether the destination kept the flags and dates that came with messages: a yes to APPEND says nothing of them (J.5). Some
//! copies with each set of flags are looked at when everything is copied. If one of them lacks a flag, all copies that were made
//! since a pass came to its end get what they lack, as far as they are seen to be ours; what is not there even then is named, and
//! so is every copy with another date of receipt.
//!
//! Bounded: [`AT_ONCE`] copies of one folder. A server that keeps all is asked about a few copies once in a pass.

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
use crate::pass::bytes::instants_of_heading;
use crate::pass::carry::set;
use crate::pass::closing::Finale;
use crate::pass::lane::{Lane, Step};
use crate::pass::notes::Notes;
use crate::pass::recorder::ToRecord;
use crate::pass::sample::{Bytes, IdentityProof, prove};
use crate::pass::suspects::BLAME_LIMIT;
use crate::pass::{OnSide, Pass, PassResult, PassStop, SideFailure};

/// Copies looked at together.
const AT_ONCE: usize = 1_000;
/// Copies with one set of flags, and with a date, that are looked at before anything is concluded.
const OF_EACH: usize = 3;
/// Sets of flags of one folder that are looked at.
const SETS: usize = 50;
/// In so many folders no server has the right dates by chance.
const BY_CHANCE: usize = 8;

/// What is known of the destination in this pass.
#[derive(Default)]
struct Kept {
    /// Sets of flags that were seen whole.
    flags: BTreeSet<String>,
    /// A copy lacked a flag.
    loses_flags: bool,
    /// Whether it keeps dates, once that is known.
    dates: Option<bool>,
    /// Folders of which some dates were looked at, and are as they were.
    same_dates: usize,
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
    pub permanent: PermanentFlags,
}

/// Messages of the source that landed without something, which is named already.
#[derive(Default)]
pub(super) struct LandedWithout {
    flags: BTreeSet<(FolderId, Uid)>,
    dates: BTreeSet<(FolderId, Uid)>,
}

/// What a message landed without.
#[derive(Clone, Copy, Debug)]
pub(super) struct Without {
    pub flags: bool,
    pub date: bool,
}

impl Pass {
    /// A message landed without these, and that is named.
    pub(super) fn landed_without(&self, folder: FolderId, source: Uid, without: Without) {
        if !without.flags && !without.date {
            return;
        }
        let mut landed = self.findings.landed_without.lock().unwrap_or_else(PoisonError::into_inner);
        if without.flags {
            landed.flags.insert((folder, source));
        }
        if without.date {
            landed.dates.insert((folder, source));
        }
    }
}

/// Looks at what was kept, folder by folder; one that cannot be read tells nothing.
struct LookAtKept<'a> {
    copied: &'a [CopiedInto],
    kept: Kept,
    done: usize,
    /// Connections that broke at the folder that is looked at.
    breaks: u32,
}

/// One folder's copies of this pass, and both sides.
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
        let mut step = LookAtKept { copied: &copied, kept: Kept::default(), done: 0, breaks: 0 };
        self.pass.run_with_retry(lane, &mut step).await
    }
}

#[async_trait::async_trait]
impl Step for LookAtKept<'_> {
    type Out = ();

    async fn run(&mut self, pass: &Pass, source: &mut dyn Source, to: &mut dyn Destination) -> PassResult<()> {
        pass.recorder.flush().await;
        let bytes = pass.journal.habit(Side::Destination).await?.into();
        while let Some(into) = self.copied.get(self.done) {
            let mut look = FolderLook { pass, into, source, to, bytes };
            match look.run(&mut self.kept).await {
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
    async fn run(&mut self, kept: &mut Kept) -> PassResult<()> {
        let mut numbers = self.pass.journal.known_at_destination(self.into.id).await?;
        numbers.drain(..numbers.partition_point(|uid| *uid < self.into.floor));
        if numbers.is_empty() {
            return Ok(());
        }
        let newest = self.copies(&numbers[numbers.len().saturating_sub(AT_ONCE)..]).await?;
        self.conclude(kept, &newest).await?;
        let dates = kept.dates == Some(false);
        if !kept.loses_flags && !dates {
            return Ok(());
        }
        let mut notes = Notes::default();
        for some in numbers.chunks(AT_ONCE) {
            let copies = self.copies(some).await?;
            if kept.loses_flags {
                self.set_lost_flags(&copies, &mut notes).await?;
            }
            if dates {
                self.note_dates(&copies, &mut notes).await?;
            }
        }
        for notice in notes.notices(&self.into.path) {
            self.pass.recorder.add(ToRecord::notice(notice)).await;
        }
        Ok(())
    }

    /// Copies of this source folder that were appended.
    async fn copies(&mut self, numbers: &[Uid]) -> PassResult<Vec<Watermark>> {
        let copies = self.pass.journal.copies(self.into.id, numbers.to_vec()).await?;
        let ours = |(row, mark): &(FolderId, Watermark)| *row == self.into.id && mark.origin != Origin::Found;
        Ok(copies.into_iter().filter(ours).map(|(_, mark)| mark).collect())
    }

    /// The flags that a copy should have.
    fn expected(&self, mark: &Watermark) -> Flags {
        mark.flags.given.allowed_by(&self.into.permanent)
    }

    /// Those of these whose flags are not accounted for yet.
    fn flags_open(&self, copies: &[Watermark]) -> Vec<Watermark> {
        let landed = self.pass.findings.landed_without.lock().unwrap_or_else(PoisonError::into_inner);
        copies.iter().filter(|mark| !landed.flags.contains(&(self.into.id, mark.source))).cloned().collect()
    }

    /// Those of these whose dates are not accounted for yet.
    fn dates_open(&self, copies: &[Watermark]) -> Vec<Watermark> {
        let landed = self.pass.findings.landed_without.lock().unwrap_or_else(PoisonError::into_inner);
        copies.iter().filter(|mark| !landed.dates.contains(&(self.into.id, mark.source))).cloned().collect()
    }

    /// Some of the newest copies with each set of flags that was not seen whole yet.
    fn with_each_set(&self, kept: &Kept, copies: &[Watermark]) -> Vec<Watermark> {
        let mut counts = BTreeMap::<String, usize>::new();
        let mut chosen = self.flags_open(copies);
        chosen.reverse();
        chosen.retain(|mark| {
            let flags = self.expected(mark);
            let name = flags.to_string();
            if flags.is_empty() || kept.flags.contains(&name) || (counts.len() >= SETS && !counts.contains_key(&name)) {
                return false;
            }
            let count = counts.entry(name).or_default();
            *count += 1;
            *count <= OF_EACH
        });
        chosen
    }

    /// Concludes from some of these copies.
    async fn conclude(&mut self, kept: &mut Kept, newest: &[Watermark]) -> PassResult<()> {
        let flagged = self.with_each_set(kept, newest);
        let mut dated = if kept.dates.is_none() { self.dates_open(newest) } else { Vec::new() };
        dated.drain(..dated.len().saturating_sub(OF_EACH));
        let asked: Vec<Watermark> = flagged.iter().chain(&dated).cloned().collect();
        let (to, source, into) = (&mut *self.to, &mut *self.source, self.into);
        let (there, here) = tokio::join!(there(to, into, &asked), here(source, into, &dated, true));
        let (there, here) = (there?, here?);
        for mark in &flagged {
            let Some(seen) = there.get(&mark.destination).and_then(|meta| meta.flags.as_ref()) else { continue };
            let expected = self.expected(mark);
            let lost = seen.difference(&expected).add;
            if lost.is_empty() {
                kept.flags.insert(expected.to_string());
            } else {
                tracing::info!(flags = %lost, "the destination did not keep flags that came with a message");
                kept.loses_flags = true;
            }
        }
        let dates = compared(&dated, &here, &there);
        if dates.iter().any(|(_, same)| !same) {
            tracing::info!("the destination did not keep a date that came with a message");
            kept.dates = Some(false);
        } else if !dates.is_empty() {
            // A server that makes one of the heading's dates the date of receipt keeps it by chance.
            let tells = |mark: &Watermark| here.get(&mark.source).is_some_and(|here| !here.by_chance);
            kept.same_dates += 1;
            if kept.same_dates >= BY_CHANCE || dated.iter().any(tells) {
                kept.dates = Some(true);
            }
        }
        Ok(())
    }

    async fn note_dates(&mut self, copies: &[Watermark], notes: &mut Notes) -> PassResult<()> {
        let copies = self.dates_open(copies);
        let there = there(&mut *self.to, self.into, &copies).await?;
        let here = here(&mut *self.source, self.into, &copies, false).await?;
        let differ = compared(&copies, &here, &there).into_iter().filter(|(_, same)| !same);
        differ.for_each(|(source, _)| notes.undated(source));
        Ok(())
    }

    /// Sets on copies that are ours what they lack of their flags; notes what is not there even then.
    async fn set_lost_flags(&mut self, copies: &[Watermark], notes: &mut Notes) -> PassResult<()> {
        let owed: Vec<(Watermark, Flags)> =
            self.flags_open(copies).into_iter().map(|mark| (mark.clone(), self.expected(&mark))).collect();
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

/// A message's date of receipt at the source.
struct Dated {
    instant: Timestamp,
    /// It is one that its own heading names.
    by_chance: bool,
}

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

/// The dates at the source, of messages that have one; `headings`: with what their headings say.
async fn here(
    source: &mut dyn Source,
    into: &CopiedInto,
    copies: &[Watermark],
    headings: bool,
) -> PassResult<BTreeMap<Uid, Dated>> {
    let asked: BTreeSet<Uid> = copies.iter().map(|mark| mark.source).collect();
    if asked.is_empty() {
        return Ok(BTreeMap::new());
    }
    let which = Which::These(asked.into_iter().collect());
    let read = async {
        let listed = source.scan(&into.source, &which, true).await?;
        let headers = if headings { source.headers(&into.source, &which).await? } else { Vec::new() };
        let named: BTreeMap<Uid, [Option<Timestamp>; 2]> =
            headers.iter().map(|one| (one.uid, instants_of_heading(&one.header))).collect();
        let dated = |meta: MessageMeta| {
            let instant = meta.date?.instant;
            let by_chance = named.get(&meta.uid).is_none_or(|named| named.contains(&Some(instant)));
            Some((meta.uid, Dated { instant, by_chance }))
        };
        Ok::<_, Failure>(listed.into_iter().filter_map(dated).collect())
    };
    read.await.on(Side::Source).map_err(PassStop::Fatal)
}

/// Of messages with a date on both sides: whether it is the same instant.
fn compared(copies: &[Watermark], here: &BTreeMap<Uid, Dated>, there: &BTreeMap<Uid, MessageMeta>) -> Vec<(Uid, bool)> {
    let same = |mark: &Watermark| {
        let is = there.get(&mark.destination)?.date.as_ref()?.instant;
        Some((mark.source, here.get(&mark.source)?.instant == is))
    };
    copies.iter().filter_map(same).collect()
}
