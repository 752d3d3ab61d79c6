//! Messages at a destination that no watermark knows: listed and read once, then known by number and identity (D8).
//!
//! What lies above the floor of an open intent may be ours and is looked at anew each time, and so is what came since an
//! earlier pass looked last, where the rest is not searched; the rest is kept in the store, so
//! that one new message does not make a mailbox of many be read. Bounded: one window of a listing, the header blocks of
//! [`HEADERS_AT_ONCE`] messages, the numbers that watermarks have, and what lies above the floor.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::failure::Side;
use crate::domain::identity::Identity;
use crate::domain::ids::{FolderId, Uid};
use crate::endpoint::{Destination, FolderRef, Which};
use crate::pass::bytes::HEADERS_AT_ONCE;
use crate::pass::job::{Job, Unrecorded};
use crate::pass::presence::present;
use crate::pass::sample::who;
use crate::pass::{OnSide, Pass, PassResult, PassStop};

/// Numbers in one window of a listing.
const WINDOW: i64 = 20_000;
/// Windows of one listing; where numbers lie far apart, windows are wider.
const WINDOWS: i64 = 200;
/// How often a message is asked once more who it is, where it may be an append of ours.
const ASKED_AGAIN: u32 = 2;
/// Kept for a message whose header did not come: it is asked for again each time.
const UNSEEN: Identity = Identity([0; 16]);

/// The strangers of one destination folder, while its source folder is resolved.
pub(super) struct Strangers {
    folder: FolderId,
    place: FolderRef,
    /// Numbers that watermarks have, ascending.
    known: Vec<Uid>,
    /// From here on messages are our own appends, if they equal ours.
    floor: Option<Uid>,
    /// From here on messages of which nobody knows who they are may be our own appends.
    own: Option<Uid>,
    /// From here on they are read anew each time.
    from: Option<Uid>,
    /// Those.
    above: BTreeMap<Uid, Identity>,
    /// Sizes as listed, of those of whom nobody knows who they are.
    unseen: BTreeMap<Uid, u32>,
    /// Messages that the server counts and does not list.
    untold: u64,
    /// The others are kept in the store.
    kept: bool,
    used: BTreeSet<Uid>,
}

impl Strangers {
    /// Nobody: the destination is not searched.
    pub fn none(job: &Job) -> Self {
        let floor = job.numbers.open_intent.map(|intent| intent.since.floor());
        Self {
            folder: job.id,
            place: job.plan.destination.clone(),
            known: Vec::new(),
            floor,
            own: if job.numbers.unrecorded == Unrecorded::Anywhere { Some(Uid(0)) } else { floor },
            from: floor,
            above: BTreeMap::new(),
            unseen: BTreeMap::new(),
            untold: job.suspicion.untold,
            kept: false,
            used: BTreeSet::new(),
        }
    }

    /// Lists what is new since the destination was last looked at, and reads who that is; `from` a number on, or everywhere.
    pub async fn meet(pass: &Pass, job: &mut Job, from: Option<Uid>, to: &mut dyn Destination) -> PassResult<Self> {
        let known = pass.journal.known_at_destination(job.id).await?;
        let none = Self::none(job);
        let mut found = Self { known, kept: from.is_none(), from: from.or(none.from), ..none };
        if found.kept {
            found.ask_again_for_the_unseen(pass, to).await?;
        }
        let mut from = from.unwrap_or_else(|| {
            let next = after_the_known(&found.known, job.numbers.strangers_next);
            found.floor.map_or(next, |floor| floor.min(next))
        });
        let mut end = job.plan.opened.uid_next.unwrap_or(Uid(0));
        if end.0 - from.0 > WINDOW {
            // Windows belong to one view of the folder.
            let state = to.examine(&found.place).await.on(Side::Destination).map_err(PassStop::Fatal)?;
            end = state.uid_next.map_or(end, |next| end.max(next));
        }
        let width = WINDOW.max((end.0 - from.0) / WINDOWS);
        loop {
            // What lies above a told UIDNEXT comes with the last window.
            let last = from.0 + width >= end.0;
            let which = if last { Which::From(from) } else { Which::Range(from, Uid(from.0 + width)) };
            found.window(pass, job, to, &which).await?;
            if last {
                let exists = u64::from(job.plan.opened.messages);
                let too_few = found.kept && exists > found.accounted_for(pass).await?;
                found.look_closer(pass, to, too_few).await?;
                job.suspicion.untold = found.untold;
                return Ok(found);
            }
            from = Uid(from.0 + width);
        }
    }

    async fn window(&mut self, pass: &Pass, job: &mut Job, to: &mut dyn Destination, which: &Which) -> PassResult<()> {
        let listing = to.scan(&self.place, which, false).await.on(Side::Destination).map_err(PassStop::Fatal)?;
        let last = listing.iter().map(|message| message.uid).max();
        let strange = listing.iter().filter(|message| self.known.binary_search(&message.uid).is_err());
        for some in strange.collect::<Vec<_>>().chunks(HEADERS_AT_ONCE) {
            let uids: Vec<Uid> = some.iter().map(|message| message.uid).collect();
            let read = who(to, &self.place, &uids).await.on(Side::Destination).map_err(PassStop::Fatal)?;
            let unseen = some.iter().filter(|message| !read.contains_key(&message.uid));
            self.unseen.extend(unseen.map(|message| (message.uid, message.size)));
            let identity = |uid: Uid| (uid, read.get(&uid).map_or(UNSEEN, |names| names.now));
            let (above, below): (Vec<_>, Vec<_>) =
                uids.into_iter().map(identity).partition(|(uid, _)| self.is_read_anew(*uid));
            self.above.extend(above);
            if let Some((last, _)) = below.last().filter(|_| self.kept) {
                let next = Uid(last.0 + 1);
                pass.journal.keep_strangers(self.folder, below, next).await?;
                job.numbers.strangers_next = next;
            }
        }
        let next = last.map(|last| Uid(last.0 + 1)).map(|next| self.floor.map_or(next, |floor| floor.min(next)));
        if let Some(next) = next.filter(|next| self.kept && *next > job.numbers.strangers_next) {
            pass.journal.keep_strangers(self.folder, Vec::new(), next).await?;
            job.numbers.strangers_next = next;
        }
        Ok(())
    }

    /// Messages of the folder that are known, or are strangers.
    async fn accounted_for(&self, pass: &Pass) -> PassResult<u64> {
        let kept = pass.journal.strangers_kept(self.folder).await?;
        Ok(self.known.len() as u64 + kept + self.above.len() as u64)
    }

    /// What was not listed, or did not say who it is, is asked for once more: everywhere if too few were listed, and where an append
    /// of ours may lie without a record.
    async fn look_closer(&mut self, pass: &Pass, to: &mut dyn Destination, too_few: bool) -> PassResult<()> {
        if let Some(from) = if too_few { Some(Uid(1)) } else { self.own } {
            let there = to.recount(&self.place, from).await.on(Side::Destination).map_err(PassStop::Fatal)?;
            self.untold = there.untold;
            let kept = match self.kept {
                true => pass.journal.numbers_of_strangers(self.folder).await?,
                false => BTreeSet::new(),
            };
            let strange = there.uids.into_iter().filter(|uid| self.known.binary_search(uid).is_err());
            let strange: Vec<Uid> =
                strange.filter(|uid| !kept.contains(uid) && !self.above.contains_key(uid)).collect();
            self.unseen.extend(strange.iter().map(|uid| (*uid, 0)));
            self.are(pass, strange.into_iter().map(|uid| (uid, UNSEEN)).collect()).await?;
        }
        for _ in 0..ASKED_AGAIN {
            let left: Vec<Uid> = self.unseen.keys().copied().collect();
            for some in left.chunks(HEADERS_AT_ONCE) {
                let read = who(to, &self.place, some).await.on(Side::Destination).map_err(PassStop::Fatal)?;
                self.are(pass, read.into_iter().map(|(uid, names)| (uid, names.now)).collect()).await?;
            }
        }
        Ok(())
    }

    /// What was learned of messages that were listed.
    async fn are(&mut self, pass: &Pass, learned: Vec<(Uid, Identity)>) -> PassResult<()> {
        for (uid, _) in learned.iter().filter(|(_, who)| *who != UNSEEN) {
            self.unseen.remove(uid);
        }
        let (above, below): (Vec<_>, Vec<_>) = learned.into_iter().partition(|(uid, _)| self.is_read_anew(*uid));
        self.above.extend(above);
        if self.kept && !below.is_empty() {
            pass.journal.keep_strangers(self.folder, below, Uid(0)).await?;
        }
        Ok(())
    }

    /// Of these messages (number, size as listed) those that may be appends of ours of which nobody knows who they are.
    pub fn may_hide(&self, messages: &[(Uid, u32)]) -> BTreeSet<Uid> {
        let above = self.own.map(|own| SizesTold(self.unseen.range(own..).map(|(_, size)| *size).collect()));
        let Some(above) = above else { return BTreeSet::new() };
        messages.iter().filter(|(_, size)| above.any_like(*size)).map(|(uid, _)| *uid).collect()
    }

    /// Of the others of whom nobody knows it, those that may be one of these messages.
    pub fn may_be_of(&self, messages: &[(Uid, u32)]) -> Vec<Uid> {
        let here = SizesTold(messages.iter().map(|(_, size)| *size).collect());
        let others = self.unseen.range(..self.own.unwrap_or(Uid(i64::MAX)));
        others.filter(|(_, size)| here.any_like(**size)).map(|(uid, _)| *uid).collect()
    }

    /// Messages that the server counts and does not list.
    pub fn untold(&self) -> u64 {
        self.untold
    }

    /// Messages that were listed once and whose header did not come.
    async fn ask_again_for_the_unseen(&mut self, pass: &Pass, to: &mut dyn Destination) -> PassResult<()> {
        let unseen = pass.journal.strangers(self.folder, BTreeSet::from([UNSEEN])).await?;
        let unseen: Vec<Uid> = unseen.into_iter().map(|(uid, _)| uid).collect();
        if unseen.is_empty() {
            return Ok(());
        }
        let read = who(to, &self.place, &unseen).await.on(Side::Destination).map_err(PassStop::Fatal)?;
        let read: Vec<(Uid, Identity)> = read.into_iter().map(|(uid, names)| (uid, names.now)).collect();
        let missing =
            unseen.into_iter().filter(|uid| read.binary_search_by_key(uid, |(uid, _)| *uid).is_err()).collect();
        pass.journal.keep_strangers(self.folder, read, Uid(0)).await?;
        let there = self.still_there(pass, to, missing).await?;
        self.unseen.extend(there);
        Ok(())
    }

    /// Which of these messages are still listed, with their sizes; the others are strangers no more.
    pub async fn still_there(
        &self,
        pass: &Pass,
        to: &mut dyn Destination,
        missing: Vec<Uid>,
    ) -> PassResult<BTreeMap<Uid, u32>> {
        if missing.is_empty() {
            return Ok(BTreeMap::new());
        }
        let there = present(to, &self.place, &missing).await.on(Side::Destination).map_err(PassStop::Fatal)?;
        let gone: Vec<Uid> =
            missing.into_iter().filter(|uid| !there.contains_key(uid) && !self.is_read_anew(*uid)).collect();
        if self.kept && !gone.is_empty() {
            pass.journal.drop_strangers(self.folder, gone).await?;
        }
        Ok(there)
    }

    /// Whether there is anybody.
    pub async fn any(&self, pass: &Pass) -> PassResult<bool> {
        Ok(!self.above.is_empty() || (self.kept && pass.journal.strangers_kept(self.folder).await? > 0))
    }

    /// Those with one of these identities, unused so far, ascending by number.
    pub async fn of(&self, pass: &Pass, asked: BTreeSet<Identity>) -> PassResult<Vec<(Uid, Identity)>> {
        let above = self.above.iter().filter(|(_, identity)| asked.contains(identity));
        let mut found: Vec<(Uid, Identity)> = above.map(|(uid, identity)| (*uid, *identity)).collect();
        if self.kept {
            let kept = pass.journal.strangers(self.folder, asked).await?;
            let (known, strange): (Vec<_>, Vec<_>) =
                kept.into_iter().partition(|(uid, _)| self.known.binary_search(uid).is_ok());
            found.extend(strange.into_iter().filter(|(uid, _)| !self.is_read_anew(*uid)));
            if !known.is_empty() {
                let known = known.into_iter().map(|(uid, _)| uid).collect();
                pass.journal.drop_strangers(self.folder, known).await?;
            }
        }
        found.retain(|(uid, _)| !self.used.contains(uid));
        found.sort_unstable();
        Ok(found)
    }

    fn is_read_anew(&self, uid: Uid) -> bool {
        self.from.is_some_and(|from| uid >= from)
    }

    /// Whether a message may be our own append.
    pub fn is_above(&self, uid: Uid) -> bool {
        self.floor.is_some_and(|floor| uid >= floor)
    }

    /// Whether a message that is not handed out may be our own append.
    pub fn may_be_own(&self, uid: Uid) -> bool {
        self.own.is_some_and(|own| uid >= own)
    }

    /// This one has a watermark now.
    pub fn take(&mut self, uid: Uid) {
        self.used.insert(uid);
    }

    /// What lies above the floor and nobody claimed.
    pub fn unclaimed(&self) -> Vec<(Uid, Identity)> {
        let ours = self.above.iter().filter(|(uid, _)| self.is_above(**uid));
        let free = ours.filter(|(uid, identity)| !self.used.contains(uid) && **identity != UNSEEN);
        free.map(|(uid, identity)| (*uid, *identity)).collect()
    }

    /// What got a watermark is no stranger any more. After the watermarks are on the disk.
    pub async fn settle(self, pass: &Pass) -> PassResult<()> {
        let used: Vec<Uid> = self.used.iter().copied().filter(|uid| !self.is_read_anew(*uid)).collect();
        if self.kept && !used.is_empty() {
            pass.journal.drop_strangers(self.folder, used).await?;
        }
        Ok(())
    }
}

/// Sizes of some messages as a server listed them, 0 where it told none.
struct SizesTold(BTreeSet<u32>);

impl SizesTold {
    /// Whether one of them may be a message of this size: the two sides tell sizes a little differently, or not at all.
    fn any_like(&self, size: u32) -> bool {
        let (low, high) = (size - size / 4, size.saturating_add(size / 4));
        let near = low.saturating_sub(1024)..=high.saturating_add(1024);
        !self.0.is_empty() && (size == 0 || self.0.contains(&0) || self.0.range(near).next().is_some())
    }
}

/// The first number from here on that no watermark has.
fn after_the_known(known: &[Uid], next: Uid) -> Uid {
    let first = next.max(Uid(1));
    let at = known.partition_point(|uid| *uid < first);
    let run = known[at..].iter().zip(first.0..).take_while(|(uid, expected)| uid.0 == *expected).count();
    Uid(first.0 + i64::try_from(run).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_that_are_near_each_other_or_not_told_may_be_of_one_message() {
        let told = |sizes: &[u32], size| SizesTold(sizes.iter().copied().collect()).any_like(size);
        assert!(!told(&[], 0) && !told(&[], 500));
        assert!(told(&[500], 500) && told(&[500], 0) && told(&[0], 100_000) && told(&[u32::MAX], u32::MAX));
        assert!(told(&[1, 100_000], 90_000) && !told(&[1, 100_000], 50_000) && !told(&[100_000], 1));
    }

    #[test]
    fn what_watermarks_know_without_a_gap_is_not_listed() {
        let known = [1, 2, 3, 5, 6].map(Uid);
        let after = |next| after_the_known(&known, Uid(next)).0;
        assert_eq!((after(0), after(1), after(2), after(4), after(5), after(9)), (4, 4, 4, 4, 7, 9));
        assert_eq!(after_the_known(&[], Uid(0)), Uid(1));
    }
}
