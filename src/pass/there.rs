//! Whether the numbers of copies at the destination still mean these copies (D26), before anything is compared.
//!
//! A sample is looked at. If it is contradicted, or the folder's figures went back, every known number is: a restored
//! backup takes copies away, and gives their numbers to the owner's own mail. Bounded: [`CHUNK`] copies at once, and the
//! identities of the messages that are no confirmed copy, when there is reason to look for them.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::Ordering;

use async_trait::async_trait;

use crate::domain::failure::{Scope, Side};
use crate::domain::folder::{FolderPath, UidValidity, WireName};
use crate::domain::ids::{FolderId, Uid};
use crate::domain::record::{FolderRecord, Origin, Seen, Watermark};
use crate::endpoint::{Destination, FolderRef, Source, Which};
use crate::pass::bytes::HEADERS_AT_ONCE;
use crate::pass::contents::traces;
use crate::pass::lane::Step;
use crate::pass::places::LostCopyRows;
use crate::pass::presence::present;
use crate::pass::restored::{AT_ONCE, WITNESSES};
use crate::pass::same_folder::place;
use crate::pass::sample::{Bytes, IdentityProof, SAMPLE, compared, compared_by_name, prove};
use crate::pass::suspects::BLAME_LIMIT;
use crate::pass::{OnSide, Pass, PassResult, PassStop, SideFailure};

/// Copies looked at with one question to the database.
const CHUNK: usize = 20_000;

/// Of so many messages with another identity than was recorded it is looked whether they were altered.
const FEW: usize = 8;

/// What was seen of the destination's numbering.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Doubts {
    /// Nothing that speaks against it.
    #[default]
    None,
    /// UIDNEXT went back, there are more messages than can have come, or MAILBOXID is another one under the same
    /// UIDVALIDITY: nobody can tell whether its owner made the folder anew or lost it, so that copies are made again.
    SteppedBack,
    /// UIDVALIDITY itself went back, which no folder made anew may have (RFC 9051 §2.3.1.1): it was put back, and no number is
    /// left.
    PutBack,
    /// A later UIDVALIDITY: its owner made the folder anew (D12), and no number is left.
    MadeAnew,
}

impl Doubts {
    /// From what was seen of figures and of UIDVALIDITY.
    pub(super) fn new(stepped_back: bool, renumbered: bool) -> Self {
        match (stepped_back, renumbered) {
            (false, false) => Self::None,
            (true, false) => Self::SteppedBack,
            (true, true) => Self::PutBack,
            (false, true) => Self::MadeAnew,
        }
    }

    /// What an earlier pass left in a row.
    pub(super) fn of(seen: Seen) -> Self {
        Self::new(seen == Seen::Doubted || seen == Seen::Restored, seen.is_given_up())
    }

    /// Of several rows of one folder.
    pub(super) fn and(self, other: Self) -> Self {
        let stepped_back = self.stepped_back() || other.stepped_back();
        Self::new(stepped_back, self.renumbered() || other.renumbered())
    }

    /// Whether copies may have been lost.
    pub(super) fn stepped_back(self) -> bool {
        matches!(self, Self::SteppedBack | Self::PutBack)
    }

    /// Whether no number is left.
    pub(super) fn renumbered(self) -> bool {
        matches!(self, Self::PutBack | Self::MadeAnew)
    }
}

/// What was seen of destination folders, by name and UIDVALIDITY. Of a folder to which a live row leads, retired ones tell what
/// was seen when they were retired.
pub(super) struct SeenThere<'a>(HashMap<(&'a WireName, Option<UidValidity>), Seen>);

impl<'a> SeenThere<'a> {
    pub fn of(records: &'a [FolderRecord]) -> Self {
        let live = records.iter().filter(|record| !record.retired);
        Self(live.map(|r| ((&r.destination_wire, r.destination_validity), r.destination_known())).collect())
    }

    pub fn get(&self, record: &FolderRecord) -> Seen {
        let live = self.0.get(&(&record.destination_wire, record.destination_validity));
        live.copied().unwrap_or_else(|| record.destination_known())
    }
}

/// A destination folder and what is known to lie in it.
pub(super) struct There<'a> {
    pub(super) id: FolderId,
    pub(super) path: &'a FolderPath,
    pub(super) at: &'a FolderRef,
    /// The source folder, if it is looked into.
    pub(super) source: Option<&'a FolderRef>,
    pub(super) doubts: Doubts,
    pub(super) rows: &'a LostCopyRows,
    /// Where the source was compared already: the messages that were no longer there. Lost copies of others are not copied again
    /// in this pass.
    pub(super) scanned: Option<&'a BTreeSet<(FolderId, Uid)>>,
    /// Whether contents say anything.
    pub(super) kept: Bytes,
}

/// What became of copies whose numbers no longer hold.
#[derive(Default)]
pub(super) struct Sorted {
    /// Not there, below a copy that is: deleted or moved by the owner.
    pub(super) gone: Vec<(FolderId, Watermark)>,
    /// Lost with the numbering.
    pub(super) lost: Vec<(FolderId, Watermark)>,
    /// Their numbers were given up with an earlier numbering.
    pub(super) untold: Vec<(FolderId, Watermark)>,
    /// There, and altered beyond recognition.
    pub(super) altered: Vec<(FolderId, Watermark)>,
    pub(super) confirmed: BTreeSet<Uid>,
}

/// Looks at it; after three breaks at it, it is a folder that cannot be read (D22).
pub(super) struct LookThere<'a> {
    there: There<'a>,
    breaks: u32,
}

impl<'a> LookThere<'a> {
    /// At this.
    pub fn at(there: There<'a>) -> Self {
        Self { there, breaks: 0 }
    }
}

#[async_trait]
impl Step for LookThere<'_> {
    /// Whether the numbers had changed; a folder that cannot be read is a failure of that folder.
    type Out = Result<bool, SideFailure>;

    async fn run(&mut self, pass: &Pass, source: &mut dyn Source, to: &mut dyn Destination) -> PassResult<Self::Out> {
        self.there.looked(pass, source, to).await
    }

    fn broke(&mut self, pass: &Pass, trouble: &SideFailure) -> Option<Self::Out> {
        self.breaks += pass.breaks_count(&trouble.failure);
        (self.breaks >= BLAME_LIMIT).then(|| Err(trouble.clone()))
    }
}

impl There<'_> {
    /// Whether the numbers had changed; a folder that cannot be read is a failure of that folder.
    pub(super) async fn looked(
        &self,
        pass: &Pass,
        source: &mut dyn Source,
        to: &mut dyn Destination,
    ) -> PassResult<Result<bool, SideFailure>> {
        match self.look(pass, source, to).await {
            Err(PassStop::Fatal(trouble)) if trouble.failure.scope <= Scope::Folder => Ok(Err(trouble)),
            looked => looked.map(Ok),
        }
    }

    async fn look(&self, pass: &Pass, source: &mut dyn Source, to: &mut dyn Destination) -> PassResult<bool> {
        let known = pass.journal.known_at_destination(self.id).await?;
        let untold = if self.doubts.renumbered() {
            pass.journal.copies(self.id, vec![Watermark::NOT_TOLD]).await?
        } else {
            Vec::new()
        };
        if known.is_empty() && untold.is_empty() {
            return Ok(false);
        }
        let holds = self.doubts == Doubts::None && self.sample_holds(pass, to, &known).await?;
        // Where others were put back, the newest may be earlier versions under their names.
        if holds && (!pass.findings.lost_there.load(Ordering::Relaxed) || self.newest_hold(pass, to, &known).await?) {
            return Ok(false);
        }
        let mut sorted = self.sort_out(pass, source, to, &known).await?;
        sorted.untold = untold;
        self.settle(pass, to, sorted).await?;
        Ok(true)
    }

    /// Whether no message of a sample is another one. What is not there below one that is was taken away by its owner, who must
    /// not be taken for a restore that comes later.
    async fn sample_holds(&self, pass: &Pass, to: &mut dyn Destination, known: &[Uid]) -> PassResult<bool> {
        let every = known.len().div_ceil(SAMPLE).max(1);
        let mut chosen: Vec<Uid> = known.iter().rev().step_by(every).copied().collect();
        chosen.extend(known.first());
        chosen.sort_unstable();
        chosen.dedup();
        let copies = pass.journal.copies(self.id, chosen).await?;
        let asked: Vec<(Uid, &Watermark)> = copies.iter().map(|(_, mark)| (mark.destination, mark)).collect();
        let proofs = prove(to, self.at, &asked, self.kept).await.on(Side::Destination).map_err(PassStop::Fatal)?;
        if proofs.contains(&IdentityProof::Contradicted) {
            return Ok(false);
        }
        let there = proofs.iter().rposition(|proof| *proof == IdentityProof::Confirmed).unwrap_or(0);
        let unseen = copies.into_iter().zip(&proofs).take(there).filter(|(_, proof)| **proof == IdentityProof::Unseen);
        let unseen: Vec<(FolderId, Watermark)> = unseen.map(|(copy, _)| copy).collect();
        if !unseen.is_empty() {
            let listed = self.listed(to, unseen.iter().map(|(_, mark)| mark.destination).collect()).await?;
            let away = unseen.iter().filter(|(_, mark)| !listed.contains(&mark.destination));
            self.record(pass, away.map(|(row, mark)| (*row, mark.source, Watermark::GONE)).collect()).await;
            pass.recorder.flush().await;
        }
        Ok(true)
    }

    /// Which of these numbers the folder holds.
    async fn listed(&self, to: &mut dyn Destination, uids: Vec<Uid>) -> PassResult<BTreeSet<Uid>> {
        let listed =
            to.scan(self.at, &Which::These(uids), false).await.on(Side::Destination).map_err(PassStop::Fatal)?;
        Ok(listed.into_iter().map(|message| message.uid).collect())
    }

    async fn newest_hold(&self, pass: &Pass, to: &mut dyn Destination, known: &[Uid]) -> PassResult<bool> {
        if self.kept == Bytes::Changed {
            return Ok(true);
        }
        let newest = known[known.len().saturating_sub(AT_ONCE)..].to_vec();
        let mut copies = pass.journal.copies(self.id, newest).await?;
        copies.retain(|(_, mark)| mark.content.is_some() && mark.origin == Origin::Copied);
        let asked: Vec<(Uid, &Watermark)> = copies.iter().map(|(_, mark)| (mark.destination, mark)).collect();
        let found = compared(to, self.at, &asked).await.on(Side::Destination).map_err(PassStop::Fatal)?;
        Ok(found.others.is_empty())
    }

    /// Looks at every known number.
    async fn sort_out(
        &self,
        pass: &Pass,
        source: &mut dyn Source,
        to: &mut dyn Destination,
        known: &[Uid],
    ) -> PassResult<Sorted> {
        let into = self.at;
        let mut sorted = Sorted::default();
        let mut absent = Vec::new();
        for some in known.chunks(CHUNK) {
            let copies = pass.journal.copies(self.id, some.to_vec()).await?;
            let asked: Vec<(Uid, &Watermark)> = copies.iter().map(|(_, mark)| (mark.destination, mark)).collect();
            let proofs = prove(to, into, &asked, self.kept).await.on(Side::Destination).map_err(PassStop::Fatal)?;
            let unseen: Vec<Uid> = asked
                .iter()
                .zip(&proofs)
                .filter(|(_, p)| **p == IdentityProof::Unseen)
                .map(|((uid, _), _)| *uid)
                .collect();
            let listed = present(to, into, &unseen).await.on(Side::Destination).map_err(PassStop::Fatal)?;
            for (copy, proof) in copies.into_iter().zip(proofs) {
                match proof {
                    IdentityProof::Confirmed => drop(sorted.confirmed.insert(copy.1.destination)),
                    IdentityProof::Contradicted => sorted.lost.push(copy),
                    // There, and not handed out: nobody can tell.
                    IdentityProof::Unseen if listed.contains_key(&copy.1.destination) => {
                        sorted.confirmed.insert(copy.1.destination);
                    }
                    IdentityProof::Unseen => absent.push(copy),
                }
            }
        }
        self.set_altered_aside(source, to, &mut sorted).await?;
        self.set_replaced_aside(pass, to, &mut sorted).await?;
        // Numbers ascend: what is gone below a copy that is still there was taken away by somebody; above, the numbering
        // itself went back.
        let highest = sorted.confirmed.last().copied().unwrap_or(Uid(0));
        let (gone, lost): (Vec<_>, Vec<_>) = absent.into_iter().partition(|(_, mark)| mark.destination < highest);
        sorted.gone = gone;
        if self.doubts != Doubts::None || !sorted.lost.is_empty() {
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
    ) -> PassResult<()> {
        let Some(here) = self.source else { return Ok(()) };
        let own: Vec<(Uid, Uid)> = sorted
            .lost
            .iter()
            .filter(|(row, _)| *row == self.id)
            .map(|(_, mark)| (mark.source, mark.destination))
            .collect();
        let newest = &own[own.len().saturating_sub(FEW)..];
        if newest.is_empty() || self.altered((source, here), to, newest).await?.is_empty() {
            return Ok(());
        }
        let mut altered = BTreeSet::new();
        for some in own.chunks(HEADERS_AT_ONCE) {
            altered.extend(self.altered((source, here), to, some).await?);
        }
        sorted.altered = sorted.lost.extract_if(.., |(_, mark)| altered.contains(&mark.destination)).collect();
        sorted.confirmed.extend(altered);
        Ok(())
    }

    /// Under the number of a copy a folder that was put back may hold what had its name before: an earlier version of a draft.
    /// Contents are compared from the top down until enough in a row are what they were; what differs is lost. Where no copy
    /// is as it was, the destination may hand out all of them in another form than before:
    /// other folders tell.
    async fn set_replaced_aside(&self, pass: &Pass, to: &mut dyn Destination, sorted: &mut Sorted) -> PassResult<()> {
        if self.kept == Bytes::Changed {
            return Ok(());
        }
        let newest = sorted.confirmed.iter().rev().take(CHUNK).copied();
        let newest: Vec<Uid> = newest.collect::<BTreeSet<Uid>>().into_iter().collect();
        let mut copies = pass.journal.copies(self.id, newest).await?;
        // What was found may hold lines more than the source's message.
        copies.retain(|(_, mark)| mark.content.is_some() && mark.origin == Origin::Copied);
        let (mut replaced, mut sure) = (BTreeSet::new(), false);
        for some in copies.rchunks(AT_ONCE) {
            let asked: Vec<(Uid, &Watermark)> = some.iter().map(|(_, mark)| (mark.destination, mark)).collect();
            let found = compared(to, self.at, &asked).await.on(Side::Destination).map_err(PassStop::Fatal)?;
            sure |= found.same > 0;
            let enough = found.others.is_empty() && found.same > AT_ONCE / 2;
            replaced.extend(found.others);
            if !sure && !replaced.is_empty() {
                if self.is_in_another_form(pass, to).await? {
                    return Ok(());
                }
                sure = true;
            }
            if enough {
                break;
            }
        }
        let copies = copies.into_iter().filter(|(_, mark)| replaced.contains(&mark.destination));
        sorted.lost.extend(copies);
        sorted.confirmed.retain(|uid| !replaced.contains(uid));
        Ok(())
    }

    /// Whether the destination hands out no copy as it did: of some other folders the oldest ones differ, to which no restored
    /// backup gives a new meaning.
    async fn is_in_another_form(&self, pass: &Pass, to: &mut dyn Destination) -> PassResult<bool> {
        let mut differ = false;
        let other = |row: &FolderRecord| row.destination_wire != self.at.wire && row.destination_validity.is_some();
        for row in pass.journal.folders().await?.into_iter().filter(other).take(WITNESSES) {
            let mut oldest = pass.journal.some_watermarks(row.id, Uid(i64::MIN), Uid(i64::MAX), AT_ONCE).await?;
            oldest.retain(|mark| mark.destination_folder == row.id && mark.origin == Origin::Copied);
            let asked: Vec<(Uid, &Watermark)> = oldest.iter().filter_map(|mark| Some((mark.at()?, mark))).collect();
            let folder = place(&row.destination, &row.destination_wire, row.destination_validity);
            match compared_by_name(to, &folder, &asked).await {
                Ok(found) if found.same > 0 => return Ok(false),
                Ok(found) => differ |= !found.others.is_empty(),
                Err(failure) if failure.scope <= Scope::Folder => {}
                Err(failure) => return Err(failure).on(Side::Destination).map_err(PassStop::Fatal),
            }
        }
        Ok(differ)
    }

    /// Which of these pairs of numbers are one message.
    async fn altered(
        &self,
        source: (&mut dyn Source, &FolderRef),
        to: &mut dyn Destination,
        pairs: &[(Uid, Uid)],
    ) -> PassResult<BTreeSet<Uid>> {
        let (source, from) = source;
        let (here, there) = (pairs.iter().map(|pair| pair.0).collect(), pairs.iter().map(|pair| pair.1).collect());
        let (here, _) = traces(source, from, here).await.on(Side::Source).map_err(PassStop::Fatal)?;
        let (there, _) = traces(to, self.at, there).await.on(Side::Destination).map_err(PassStop::Fatal)?;
        let meet = |(source, destination): &&(Uid, Uid)| {
            here.get(source).zip(there.get(destination)).is_some_and(|(ours, theirs)| ours.meet(theirs))
        };
        Ok(pairs.iter().filter(meet).map(|(_, destination)| *destination).collect())
    }
}
