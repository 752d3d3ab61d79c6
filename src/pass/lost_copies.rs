//! What becomes of copies whose numbers at the destination no longer hold (D26): they are looked for by what they are, and those
//! that are not found are copied again, unless their owner took them away.
//!
//! Bounded: the identities of the messages in one folder that are no confirmed copy.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use crate::domain::content::ContentHash;
use crate::domain::failure::Side;
use crate::domain::folder::FolderPath;
use crate::domain::identity::Identity;
use crate::domain::ids::{FolderId, Uid};
use crate::domain::notice::{Notice, NoticeKind};
use crate::domain::record::{Origin, Results, Watermark};
use crate::endpoint::{Destination, Fetched, Which};
use crate::pass::closing::Finale;
use crate::pass::doubts::is_nobodys;
use crate::pass::losses::{Losses, LostCopy};
use crate::pass::recorder::ToRecord;
use crate::pass::resolve::spool_failed;
use crate::pass::sample::{Bytes, who};
use crate::pass::there::{Doubts, Sorted, There};
use crate::pass::{OnSide, Pass, PassResult, PassStop, bytes};

/// A copy that was lost, and whose message left its place at the source.
#[derive(Clone, Debug)]
pub(super) struct Homeless {
    row: FolderId,
    folder: FolderPath,
    at: FolderPath,
    identity: Identity,
    number: Uid,
}

/// Where copies are that were looked for.
#[derive(Default)]
struct Settled {
    /// Under these numbers.
    places: Vec<(FolderId, Uid, Uid)>,
    /// Nowhere, and their owner did not take them away.
    lost: Vec<(FolderId, Watermark)>,
    /// Taken away.
    gone: Vec<(FolderId, Watermark)>,
}

/// Messages that are no confirmed copy.
#[derive(Default)]
struct Others {
    by_identity: BTreeMap<Identity, Vec<Uid>>,
    /// Without Message-ID or date.
    weak: BTreeSet<Uid>,
    /// Answer for a copy already.
    taken: BTreeSet<Uid>,
    /// What those that were read hold.
    contents: BTreeMap<Uid, Option<ContentHash>>,
}

impl There<'_> {
    /// Lost copies are looked for by what they are; those not found are new again, unless the owner made the folder anew.
    pub(super) async fn settle(&self, pass: &Pass, to: &mut dyn Destination, sorted: Sorted) -> PassResult<()> {
        pass.journal.forget_strangers(self.id).await?;
        let altered: Vec<(FolderId, Uid)> = sorted.altered.iter().map(|(row, mark)| (*row, mark.source)).collect();
        // An altered copy would be doubted again and again: it is there, and its number is not built on.
        let numbers: Vec<Uid> = sorted.altered.iter().map(|(_, mark)| mark.destination).collect();
        let Settled { places, lost, gone } = self.look_for(to, sorted).await?;
        let moved = !places.is_empty() || !gone.is_empty() || self.doubts.renumbered();
        if !numbers.is_empty() {
            self.tell(pass, NoticeKind::Altered, &numbers).await;
        }
        // First all numbers are given up, so that one that passes from a copy to another is free.
        let untold = altered.into_iter().chain(places.iter().map(|(row, source, _)| (*row, *source)));
        let untold = untold.map(|(row, source)| (row, source, Watermark::NOT_TOLD)).collect();
        self.record(pass, untold).await;
        let away = gone.iter().map(|(row, mark)| (*row, mark.source, Watermark::GONE)).collect();
        self.record(pass, away).await;
        pass.findings.lost_there.fetch_or(!lost.is_empty(), Ordering::Relaxed);
        self.note_homeless(pass, &lost);
        // Nobody copies these again in this pass: their folder is not looked into, or was before.
        let is_missing = |(row, mark): &&(FolderId, Watermark)| match self.scanned {
            _ if self.rows.left.contains(row) => false,
            Some(gone) => !gone.contains(&(*row, mark.source)),
            None => !self.rows.looked_into.contains(row),
        };
        // What may be nobody's copy but its owner's own mail is no loss of ours.
        let ours = lost.iter().filter(|(_, mark)| !is_nobodys(mark));
        let (missing, again): (Vec<_>, Vec<_>) = ours.partition(is_missing);
        if self.scanned.is_some() {
            // The next pass looks into their folders.
            let rows = missing.iter().map(|(row, _)| *row);
            pass.findings.doubted.lock().unwrap_or_else(PoisonError::into_inner).extend(rows);
        }
        let of = |copies: Vec<&(FolderId, Watermark)>| copies.into_iter().map(LostCopy::of).collect();
        let losses = Losses {
            row: self.id,
            folder: self.path.clone(),
            at: self.at.path.clone(),
            missing: of(missing),
            again: of(again),
            renumbered: moved,
        };
        let mut by_row: BTreeMap<FolderId, Vec<Uid>> = BTreeMap::new();
        lost.into_iter().for_each(|(row, mark)| by_row.entry(row).or_default().push(mark.source));
        pass.recorder.flush().await;
        for (row, messages) in by_row {
            pass.journal.lose(row, messages).await?;
        }
        self.record(pass, places).await;
        pass.lost(losses);
        pass.recorder.flush().await;
        Ok(())
    }

    async fn look_for(&self, to: &mut dyn Destination, sorted: Sorted) -> PassResult<Settled> {
        let mut settled = Settled::default();
        // Where only identity tells, what was taken away is not taken for another message of its name.
        let earlier = (self.doubts.stepped_back() || !sorted.lost.is_empty()) && self.kept != Bytes::Changed;
        let earlier = earlier && !sorted.gone.is_empty();
        let nobody = sorted.lost.is_empty() && sorted.untold.is_empty() && !earlier;
        let mut there = if nobody { Others::default() } else { self.others(to, &sorted.confirmed).await? };
        // Its owner can make any folder anew, but not the inbox: that is another mailbox, or one put back.
        let put_back = self.at.path.is_inbox() || self.doubts.stepped_back();
        let made_anew = self.doubts == Doubts::MadeAnew && !put_back;
        for (copies, is_lost) in [(sorted.untold, put_back), (sorted.lost, !made_anew)] {
            for (row, mark) in copies {
                match self.find(to, &mut there, &mark).await? {
                    Some(uid) => settled.places.push((row, mark.source, uid)),
                    None if is_lost => settled.lost.push((row, mark)),
                    None => settled.gone.push((row, mark)),
                }
            }
        }
        // In an earlier state of the folder a copy may lie under the number that it had then.
        for (row, mark) in sorted.gone {
            match if earlier { self.find(to, &mut there, &mark).await? } else { None } {
                Some(uid) => settled.places.push((row, mark.source, uid)),
                None => settled.gone.push((row, mark)),
            }
        }
        Ok(settled)
    }

    /// Which of these copies lie here, by what they are, under none of the numbers that are `known`: their rows, their numbers
    /// at the source, and those that they have here.
    pub(super) async fn recognise(
        &self,
        to: &mut dyn Destination,
        copies: &[(FolderId, Watermark)],
        known: BTreeSet<Uid>,
    ) -> PassResult<Vec<(FolderId, Uid, Uid)>> {
        let (mut there, mut found) = (self.others(to, &known).await?, Vec::new());
        for (row, mark) in copies {
            if let Some(uid) = self.find(to, &mut there, mark).await? {
                found.push((*row, mark.source, uid));
            }
        }
        Ok(found)
    }

    fn note_homeless(&self, pass: &Pass, lost: &[(FolderId, Watermark)]) {
        let left = lost.iter().filter(|(row, mark)| self.rows.left.contains(row) && !is_nobodys(mark));
        let homeless = left.map(|(_, mark)| Homeless {
            row: self.id,
            folder: self.path.clone(),
            at: self.at.path.clone(),
            identity: mark.identity,
            number: mark.destination,
        });
        pass.findings.homeless.lock().unwrap_or_else(PoisonError::into_inner).extend(homeless);
    }

    async fn tell(&self, pass: &Pass, kind: NoticeKind, numbers: &[Uid]) {
        let notice = Notice::of(self.path, kind, Side::Destination, numbers);
        pass.tell(self.id, notice.saying(self.at.path.to_string())).await;
    }

    pub(super) async fn record(&self, pass: &Pass, places: Vec<(FolderId, Uid, Uid)>) {
        for some in places.chunks(500) {
            let results = Results { places: some.to_vec(), ..Results::default() };
            pass.recorder.add(ToRecord { results, ..ToRecord::default() }).await;
        }
    }

    /// Messages of the folder that are no confirmed copy.
    async fn others(&self, to: &mut dyn Destination, confirmed: &BTreeSet<Uid>) -> PassResult<Others> {
        let into = self.at;
        let listed = to.scan(into, &Which::All, false).await.on(Side::Destination).map_err(PassStop::Fatal)?;
        let strange: Vec<Uid> =
            listed.into_iter().map(|message| message.uid).filter(|uid| !confirmed.contains(uid)).collect();
        let mut others = Others::default();
        for (uid, names) in who(to, into, &strange).await.on(Side::Destination).map_err(PassStop::Fatal)? {
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
    async fn find(&self, to: &mut dyn Destination, there: &mut Others, mark: &Watermark) -> PassResult<Option<Uid>> {
        for uid in there.by_identity.get(&mark.identity).into_iter().flatten() {
            if there.taken.contains(uid) {
                continue;
            }
            let same = match mark.content {
                // What was sent holds something else: its name tells.
                _ if mark.origin == Origin::Cleaned && !there.weak.contains(uid) => true,
                Some(content) if self.kept == Bytes::Kept || there.weak.contains(uid) => {
                    let read = match there.contents.get(uid) {
                        Some(read) => *read,
                        None => self.content(to, *uid).await?,
                    };
                    there.contents.insert(*uid, read);
                    read == Some(content)
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

    async fn content(&self, to: &mut dyn Destination, uid: Uid) -> PassResult<Option<ContentHash>> {
        let stream = to.fetch(self.at, &Which::These(vec![uid])).await;
        let mut stream = stream.on(Side::Destination).map_err(PassStop::Fatal)?;
        let mut content = None;
        while let Some(fetched) = stream.recv().await {
            match fetched {
                Fetched::Message(message) => {
                    let read = bytes::content(&message.body).map_err(|error| spool_failed(&error));
                    content = Some(read.on(Side::Destination).map_err(PassStop::Fatal)?);
                }
                Fetched::Unreadable(..) => {}
                Fetched::Broken(failure) => return Err(failure).on(Side::Destination).map_err(PassStop::Fatal),
            }
        }
        Ok(content)
    }
}

impl Finale<'_> {
    /// Names lost copies whose messages left the source and were not copied again from anywhere. After everything is copied.
    pub(super) async fn name_homeless(&self) -> PassResult<()> {
        let homeless = std::mem::take(&mut *self.pass.findings.homeless.lock().unwrap_or_else(PoisonError::into_inner));
        if homeless.is_empty() {
            return Ok(());
        }
        self.pass.recorder.flush().await;
        let known = self.pass.journal.known_identities(homeless.iter().map(|one| one.identity).collect()).await?;
        let mut by_folder: BTreeMap<FolderId, Vec<Homeless>> = BTreeMap::new();
        for one in homeless.into_iter().filter(|one| !known.contains(&one.identity)) {
            by_folder.entry(one.row).or_default().push(one);
        }
        for (row, lost) in by_folder {
            let numbers: Vec<Uid> = lost.iter().map(|one| one.number).collect();
            let notice = Notice::of(&lost[0].folder, NoticeKind::MissingThere, Side::Destination, &numbers);
            self.pass.tell(row, notice.saying(lost[0].at.to_string())).await;
        }
        Ok(())
    }
}
