//! Whether the numbers of copies at the destination still mean these copies (D26), before anything is compared.
//!
//! A sample is looked at. If it is contradicted, or the folder's figures went back, every known number is: a restored
//! backup takes copies away, and gives their numbers to the owner's own mail. Bounded: [`CHUNK`] copies at once, and the
//! identities of the messages that are no confirmed copy, when there is reason to look for them.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;

use crate::domain::failure::Side;
use crate::domain::identity::{ContentHash, Identity};
use crate::domain::ids::{FolderId, Uid};
use crate::domain::record::{Notice, NoticeKind, Results, Watermark};
use crate::endpoint::{Destination, Fetched, Source, Which};
use crate::engine::pass::contents::traces;
use crate::engine::pass::job::Job;
use crate::engine::pass::lane::{Lane, Step};
use crate::engine::pass::places::Group;
use crate::engine::pass::recorder::Entry;
use crate::engine::pass::resolve::{HEADERS_AT_ONCE, spool_failed};
use crate::engine::pass::sample::{Proof, SAMPLE, prove, who};
use crate::engine::pass::{Flow, Halt, On, Pass, bytes};

/// Copies looked at with one question to the database.
const CHUNK: usize = 20_000;

/// Of so many messages with another identity than was recorded it is looked whether they were altered.
const FEW: usize = 8;

/// What was seen of the destination's numbering.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Doubts {
    /// UIDNEXT went back, or there are more messages than can have come.
    pub stepped_back: bool,
    /// MAILBOXID or UIDVALIDITY says that it is another folder: its owner made it anew.
    pub made_anew: bool,
}

struct There<'a> {
    job: &'a Job,
    /// The destination is known to change messages while it stores them: contents say nothing.
    altering: bool,
}

/// What became of copies whose numbers no longer hold.
#[derive(Default)]
struct Sorted {
    /// Not there, below a copy that is: deleted or moved by the owner.
    gone: Vec<(FolderId, Watermark)>,
    /// Lost with the numbering.
    lost: Vec<(FolderId, Watermark)>,
    /// There, and altered beyond recognition.
    altered: Vec<(FolderId, Watermark)>,
    confirmed: BTreeSet<Uid>,
}

/// Messages that are no confirmed copy.
#[derive(Default)]
struct Others {
    by_identity: BTreeMap<Identity, Vec<Uid>>,
    /// Without Message-ID or date.
    weak: BTreeSet<Uid>,
    /// Answer for a copy already.
    taken: BTreeSet<Uid>,
}

#[async_trait]
impl Step for There<'_> {
    type Out = bool;

    async fn run(&mut self, pass: &Pass, source: &mut dyn Source, to: &mut dyn Destination) -> Flow<bool> {
        let known = pass.journal.known_at_destination(self.job.id).await?;
        let Doubts { stepped_back, made_anew } = self.job.doubts;
        // With a new UIDVALIDITY no number is left.
        let untold =
            if made_anew { pass.journal.copies(self.job.id, vec![Watermark::NOT_TOLD]).await? } else { Vec::new() };
        if known.is_empty() && untold.is_empty() {
            return Ok(false);
        }
        if !stepped_back && !made_anew && self.sample_holds(pass, to, &known).await? {
            return Ok(false);
        }
        let mut sorted = self.sort_out(pass, source, to, &known).await?;
        sorted.lost.extend(untold);
        self.settle(pass, to, sorted).await?;
        Ok(true)
    }
}

impl There<'_> {
    async fn sample_holds(&self, pass: &Pass, to: &mut dyn Destination, known: &[Uid]) -> Flow<bool> {
        let every = known.len().div_ceil(SAMPLE).max(1);
        let mut chosen: Vec<Uid> = known.iter().rev().step_by(every).copied().collect();
        chosen.extend(known.first());
        chosen.sort_unstable();
        chosen.dedup();
        let copies = pass.journal.copies(self.job.id, chosen).await?;
        let asked: Vec<(Uid, &Watermark)> = copies.iter().map(|(_, mark)| (mark.destination, mark)).collect();
        let proofs = prove(to, &self.job.destination, &asked).await.on(Side::Destination).map_err(Halt::Fatal)?;
        Ok(!proofs.contains(&Proof::Contradicted))
    }

    /// Looks at every known number.
    async fn sort_out(
        &self,
        pass: &Pass,
        source: &mut dyn Source,
        to: &mut dyn Destination,
        known: &[Uid],
    ) -> Flow<Sorted> {
        let into = &self.job.destination;
        let mut sorted = Sorted::default();
        let mut absent = Vec::new();
        for some in known.chunks(CHUNK) {
            let copies = pass.journal.copies(self.job.id, some.to_vec()).await?;
            let asked: Vec<(Uid, &Watermark)> = copies.iter().map(|(_, mark)| (mark.destination, mark)).collect();
            let proofs = prove(to, into, &asked).await.on(Side::Destination).map_err(Halt::Fatal)?;
            let unseen: Vec<Uid> =
                asked.iter().zip(&proofs).filter(|(_, p)| **p == Proof::Unseen).map(|((uid, _), _)| *uid).collect();
            let listed =
                to.scan(into, &Which::These(unseen), false).await.on(Side::Destination).map_err(Halt::Fatal)?;
            let listed: BTreeSet<Uid> = listed.into_iter().map(|message| message.uid).collect();
            for (copy, proof) in copies.into_iter().zip(proofs) {
                match proof {
                    Proof::Confirmed => drop(sorted.confirmed.insert(copy.1.destination)),
                    Proof::Contradicted => sorted.lost.push(copy),
                    // There, and not handed out: nobody can tell.
                    Proof::Unseen if listed.contains(&copy.1.destination) => {
                        sorted.confirmed.insert(copy.1.destination);
                    }
                    Proof::Unseen => absent.push(copy),
                }
            }
        }
        self.set_altered_aside(source, to, &mut sorted).await?;
        // Numbers ascend: what is gone below a copy that is still there was taken away by somebody; above, the numbering
        // itself went back.
        let highest = sorted.confirmed.last().copied().unwrap_or(Uid(0));
        let (gone, lost): (Vec<_>, Vec<_>) = absent.into_iter().partition(|(_, mark)| mark.destination < highest);
        sorted.gone = gone;
        if self.job.doubts.stepped_back || self.job.doubts.made_anew || !sorted.lost.is_empty() {
            sorted.lost.extend(lost);
        } else {
            sorted.gone.extend(lost);
        }
        Ok(sorted)
    }

    /// What has another identity than was recorded may be the copy all the same, altered by the destination when it was
    /// stored: then it shares its Message-ID or its body with the message at the source. The newest tell whether it is worth
    /// looking.
    async fn set_altered_aside(
        &self,
        source: &mut dyn Source,
        to: &mut dyn Destination,
        sorted: &mut Sorted,
    ) -> Flow<()> {
        let own: Vec<(Uid, Uid)> = sorted
            .lost
            .iter()
            .filter(|(row, _)| *row == self.job.id)
            .map(|(_, mark)| (mark.source, mark.destination))
            .collect();
        let newest = &own[own.len().saturating_sub(FEW)..];
        if newest.is_empty() || self.altered(source, to, newest).await?.is_empty() {
            return Ok(());
        }
        let mut altered = BTreeSet::new();
        for some in own.chunks(HEADERS_AT_ONCE) {
            altered.extend(self.altered(source, to, some).await?);
        }
        sorted.altered = sorted.lost.extract_if(.., |(_, mark)| altered.contains(&mark.destination)).collect();
        sorted.confirmed.extend(altered);
        Ok(())
    }

    /// Which of these pairs of numbers are one message.
    async fn altered(
        &self,
        source: &mut dyn Source,
        to: &mut dyn Destination,
        pairs: &[(Uid, Uid)],
    ) -> Flow<BTreeSet<Uid>> {
        let (here, there) = (pairs.iter().map(|pair| pair.0).collect(), pairs.iter().map(|pair| pair.1).collect());
        let here = traces(source, &self.job.source, here).await.on(Side::Source).map_err(Halt::Fatal)?;
        let there = traces(to, &self.job.destination, there).await.on(Side::Destination).map_err(Halt::Fatal)?;
        let meet = |(source, destination): &&(Uid, Uid)| {
            here.get(source).zip(there.get(destination)).is_some_and(|(ours, theirs)| ours.meet(theirs))
        };
        Ok(pairs.iter().filter(meet).map(|(_, destination)| *destination).collect())
    }

    /// Lost copies are looked for by what they are; those not found are new again, unless the owner made the folder anew.
    async fn settle(&self, pass: &Pass, to: &mut dyn Destination, sorted: Sorted) -> Flow<()> {
        pass.journal.forget_strangers(self.job.id).await?;
        let mut places: Vec<(FolderId, Uid, Uid)> = Vec::new();
        let mut lost = Vec::new();
        let mut there = if sorted.lost.is_empty() { Others::default() } else { self.others(to, &sorted).await? };
        for (row, mark) in sorted.lost {
            match self.find(to, &mut there, &mark).await? {
                Some(uid) => places.push((row, mark.source, uid)),
                None => lost.push((row, mark)),
            }
        }
        let mut gone = sorted.gone;
        if self.job.doubts.made_anew {
            gone.append(&mut lost);
        }
        // First all numbers are given up, so that one that passes from a copy to another is free.
        let untold = places.iter().map(|(row, source, _)| (*row, *source, Watermark::NOT_TOLD));
        let untold: Vec<_> = untold.collect();
        // An altered copy would be doubted again and again: it is there, and its number is not built on.
        let numbers: Vec<Uid> = sorted.altered.iter().map(|(_, mark)| mark.destination).collect();
        let altered = sorted.altered.iter().map(|(row, mark)| (*row, mark.source, Watermark::NOT_TOLD)).collect();
        self.record(pass, altered).await;
        let only_altered = places.is_empty() && gone.is_empty() && lost.is_empty() && !numbers.is_empty();
        if !numbers.is_empty() {
            self.tell(pass, NoticeKind::Altered, numbers.len() as u64, numbers).await;
        }
        let away = gone.iter().map(|(row, mark)| (*row, mark.source, Watermark::GONE)).collect();
        self.record(pass, untold).await;
        self.record(pass, away).await;
        let count = lost.len() as u64;
        let numbers: Vec<Uid> = lost.iter().map(|(_, mark)| mark.destination).take(Notice::NUMBERS).collect();
        let mut by_row: BTreeMap<FolderId, Vec<Uid>> = BTreeMap::new();
        lost.into_iter().for_each(|(row, mark)| by_row.entry(row).or_default().push(mark.source));
        pass.recorder.flush().await;
        for (row, messages) in by_row {
            pass.journal.forget(row, messages).await?;
        }
        self.record(pass, places).await;
        let kind = if count > 0 { NoticeKind::CopiedAgain } else { NoticeKind::Renumbered };
        if !only_altered {
            self.tell(pass, kind, count, numbers).await;
        }
        pass.recorder.flush().await;
        Ok(())
    }

    async fn tell(&self, pass: &Pass, kind: NoticeKind, messages: u64, mut numbers: Vec<Uid>) {
        numbers.truncate(Notice::NUMBERS);
        let (folder, side) = (Some(self.job.path.clone()), Some(Side::Destination));
        let detail = Some(self.job.destination.path.to_string());
        pass.tell(self.job.id, Notice { folder, kind, side, messages, numbers, detail }).await;
    }

    async fn record(&self, pass: &Pass, places: Vec<(FolderId, Uid, Uid)>) {
        for some in places.chunks(500) {
            let results = Results { places: some.to_vec(), ..Results::default() };
            pass.recorder.add(Entry { results, ..Entry::default() }).await;
        }
    }

    /// Messages of the folder that are no confirmed copy.
    async fn others(&self, to: &mut dyn Destination, sorted: &Sorted) -> Flow<Others> {
        let into = &self.job.destination;
        let listed = to.scan(into, &Which::All, false).await.on(Side::Destination).map_err(Halt::Fatal)?;
        let strange: Vec<Uid> =
            listed.into_iter().map(|message| message.uid).filter(|uid| !sorted.confirmed.contains(uid)).collect();
        let mut others = Others::default();
        for (uid, names) in who(to, into, &strange).await.on(Side::Destination).map_err(Halt::Fatal)? {
            others.by_identity.entry(names.now).or_default().push(uid);
            if names.weak {
                others.weak.insert(uid);
            }
            // Watermarks of older versions know it by another form.
            if names.before != names.now {
                others.by_identity.entry(names.before).or_default().push(uid);
            }
        }
        Ok(others)
    }

    /// A message that is this copy, in content too where the content is known; it answers for no other one.
    async fn find(&self, to: &mut dyn Destination, there: &mut Others, mark: &Watermark) -> Flow<Option<Uid>> {
        for uid in there.by_identity.get(&mark.identity).into_iter().flatten() {
            if there.taken.contains(uid) {
                continue;
            }
            let same = match mark.content {
                Some(content) if !self.altering || there.weak.contains(uid) => {
                    self.content(to, *uid).await? == Some(content)
                }
                // Old, or changed by the destination while it was stored.
                Some(_) | None => true,
            };
            if same {
                there.taken.insert(*uid);
                return Ok(Some(*uid));
            }
        }
        Ok(None)
    }

    async fn content(&self, to: &mut dyn Destination, uid: Uid) -> Flow<Option<ContentHash>> {
        let stream = to.fetch(&self.job.destination, &Which::These(vec![uid])).await;
        let mut stream = stream.on(Side::Destination).map_err(Halt::Fatal)?;
        let mut content = None;
        while let Some(fetched) = stream.recv().await {
            match fetched {
                Fetched::Message(message) => {
                    let read = bytes::content(&message.body).map_err(|error| spool_failed(&error));
                    content = Some(read.on(Side::Destination).map_err(Halt::Fatal)?);
                }
                Fetched::Unreadable(..) => {}
                Fetched::Broken(failure) => return Err(failure).on(Side::Destination).map_err(Halt::Fatal),
            }
        }
        Ok(content)
    }
}

impl Pass {
    /// Looks at the copies of one destination folder; tells whether their numbers had changed.
    pub(super) async fn check_there(&self, lane: &mut Lane, group: &mut Group) -> Flow<()> {
        let Some(job) = group.iter().find(|job| !job.fresh && !job.destination_gone && !job.abandoned).cloned() else {
            return Ok(());
        };
        let altering = self.journal.habit(Side::Destination).await?.changed > 0;
        if self.persist(lane, &mut There { job: &job, altering }).await? {
            for job in group {
                job.doubts = Doubts::default();
                job.strangers_next = Uid(0);
            }
        }
        Ok(())
    }
}
