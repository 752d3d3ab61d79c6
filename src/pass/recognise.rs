//! Compares new messages of one folder with what its destination holds and with watermarks that lost their message: identity
//! proposes, content decides (D8, D12).
//!
//! Bounded: names of [`AT_ONCE`] messages, contents (as hashes) of [`HEADERS_AT_ONCE`] or of one identity, and some bytes for
//! each message that content did not decide.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{MutexGuard, PoisonError};

use crate::domain::content::ContentHash;
use crate::domain::counts::Counts;
use crate::domain::failure::Side;
use crate::domain::flags::{FlagBase, Flags};
use crate::domain::identity::{Identity, Names};
use crate::domain::ids::{FolderId, Uid};
use crate::domain::matching::{
    Alike, Belief, GoneMarks, Left, Ours, OursLeft, Pair, Theirs, decide, guess, match_contents,
};
use crate::domain::message::MessageMeta;
use crate::domain::notice::{Notice, NoticeKind};
use crate::domain::plan::flag_step;
use crate::domain::record::{Origin, Rekey, Results, Watermark};
use crate::endpoint::{Destination, Source};
use crate::pass::belief::{belief, keeps};
use crate::pass::bytes::HEADERS_AT_ONCE;
use crate::pass::contents::{names_of_unseen, shapes};
use crate::pass::headers::who_here;
use crate::pass::job::{Carry, Job};
use crate::pass::places::Prepared;
use crate::pass::recorder::{GROUP_ROWS, ToRecord};
use crate::pass::strangers::Strangers;
use crate::pass::{OnSide, Pass, PassResult, PassStop};

/// New messages whose names are held at once.
pub(super) const AT_ONCE: usize = 50_000;

/// What came of the comparison so far.
#[derive(Default)]
pub(super) struct Recognised {
    /// To be copied.
    pub rest: Vec<Uid>,
    /// Of these: could not be compared.
    pub doubtful: BTreeSet<Uid>,
    /// Of these: may be appends of ours that the destination does not hand out.
    pub hidden: BTreeSet<Uid>,
    /// Messages at the destination with the name of one of these, which it does not hand out either.
    pub unread: Vec<Uid>,
    /// Content did not decide these.
    left: Vec<(Identity, Left)>,
    /// Moved here within the source.
    pub arrived: Vec<Uid>,
    /// Equal messages at numbers that this workspace never saw.
    unheard: Vec<Uid>,
    /// Watermarks of lost copies are on their way to messages found here.
    owed: bool,
}

/// Both sides of one folder, while it is compared.
pub(super) struct Recognition<'a> {
    pub pass: &'a Pass,
    pub prepared: &'a Prepared,
    pub job: &'a mut Job,
    pub source: &'a mut dyn Source,
    pub to: &'a mut dyn Destination,
    pub strangers: Strangers,
    pub found: Recognised,
}

/// Messages of one identity on both sides.
struct Proposed {
    identity: Identity,
    ours: Vec<(Uid, Names)>,
    theirs: Vec<Uid>,
}

impl Recognition<'_> {
    pub(super) fn gone(&self) -> MutexGuard<'_, GoneMarks> {
        self.prepared.claimable.gone.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn astray(&self) -> MutexGuard<'_, GoneMarks> {
        self.prepared.claimable.astray.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes whether the copy of a new message was lost with the destination's numbering: it is copied again, also if the
    /// message has moved since and other watermarks could answer for it. The watermark of the lost copy comes along, so that it
    /// answers for no other message, and is replaced when this one is recorded.
    async fn comes_again(&mut self, uid: Uid, names: &Names, content: ContentHash) -> bool {
        if self.job.remaining.again.contains(&uid) {
            return true;
        }
        let found = self.astray().moved(self.job.id, uid, names, content);
        let Some(key) = found else { return false };
        self.job.remaining.again.insert(uid);
        self.found.owed = true;
        let results = Results { rekeys: vec![key], ..Results::default() };
        self.pass.recorder.add(ToRecord { results, ..ToRecord::default() }).await;
        true
    }

    /// Compares some of the new messages.
    pub async fn compare(&mut self, new: &[Uid]) -> PassResult<()> {
        let from = &self.job.plan.source;
        let mut ours = who_here(self.pass, self.source, from, new).await.on(Side::Source).map_err(PassStop::Fatal)?;
        let unseen =
            names_of_unseen(self.source, from, new, &mut ours).await.on(Side::Source).map_err(PassStop::Fatal)?;
        // A message that did not come is not given up here: reading it again tells whether it is gone or unreadable.
        self.found.rest.extend(&unseen);
        self.found.doubtful.extend(unseen);
        self.check_claims(ours.values()).await?;
        let theirs = self.strangers.of(self.pass, ours.values().map(|names| names.now).collect()).await?;
        let (proposed, others) = propose(ours, theirs);
        let mut some = Vec::new();
        for group in proposed {
            some.push(group);
            if some.iter().map(|group: &Proposed| group.ours.len() + group.theirs.len()).sum::<usize>()
                >= HEADERS_AT_ONCE
            {
                self.compare_contents(std::mem::take(&mut some)).await?;
            }
        }
        self.compare_contents(some).await?;
        let (maybe_moved, rest): (Vec<_>, Vec<_>) = {
            let (gone, astray) = (self.gone(), self.astray());
            let may_be_known = |names: &Names| gone.has(names) || astray.has(names);
            others.into_iter().partition(|(uid, names)| may_be_known(names) && !self.job.remaining.again.contains(uid))
        };
        self.found.rest.extend(rest.into_iter().map(|(uid, _)| uid));
        for some in maybe_moved.chunks(HEADERS_AT_ONCE) {
            self.follow(some).await?;
        }
        Ok(())
    }

    /// Reads what these messages hold on both sides.
    async fn compare_contents(&mut self, groups: Vec<Proposed>) -> PassResult<()> {
        if groups.is_empty() {
            return Ok(());
        }
        let wanted = groups.iter().flat_map(|group| group.ours.iter().map(|(uid, _)| *uid)).collect();
        let mut here =
            shapes(self.source, &self.job.plan.source, wanted).await.on(Side::Source).map_err(PassStop::Fatal)?;
        let wanted: Vec<Uid> = groups.iter().flat_map(|group| group.theirs.iter().copied()).collect();
        let there = shapes(self.to, &self.job.plan.destination, wanted.clone()).await;
        let mut there = there.on(Side::Destination).map_err(PassStop::Fatal)?;
        let missing = wanted.into_iter().filter(|uid| !there.contains_key(uid)).collect();
        let missing = self.strangers.still_there(self.pass, self.to, missing).await?;
        let mut entry = ToRecord::default();
        let mut pairs = Vec::new();
        for Proposed { identity, ours, theirs } in groups {
            let unread = theirs.iter().copied().filter(|uid| missing.contains_key(uid));
            let (maybe_own, foreign): (Vec<Uid>, Vec<Uid>) = unread.partition(|uid| self.strangers.may_be_own(*uid));
            let mut alike = Alike::default();
            let mut names = BTreeMap::new();
            for (uid, of) in ours {
                match here.remove(&uid) {
                    Some(shape) => {
                        self.comes_again(uid, &of, shape.content).await;
                        alike.ours.push(Ours { uid, weak: of.weak, shape });
                    }
                    None => {
                        self.found.doubtful.insert(uid);
                        self.found.rest.push(uid);
                    }
                }
                names.insert(uid, of);
            }
            for uid in theirs {
                let appended = self.strangers.is_above(uid);
                alike.theirs.extend(there.remove(&uid).map(|shape| Theirs { uid, appended, shape }));
            }
            let (equal, mut left) = match_contents(alike);
            pairs.extend(equal.into_iter().map(|pair| (identity, pair)));
            left.ours.retain(|ours| {
                let of = names.get(&ours.uid).filter(|_| !self.job.remaining.again.contains(&ours.uid));
                let key = of.and_then(|names| self.gone().moved(self.job.id, ours.uid, names, ours.content));
                key.map(|key| self.found.moved(&mut entry, key)).is_none()
            });
            if !maybe_own.is_empty() {
                self.found.hidden.extend(left.ours.iter().map(|ours| ours.uid));
            }
            self.found.unread.extend(foreign.into_iter().take(left.ours.len()));
            if left.theirs.is_empty() || !maybe_own.is_empty() {
                self.found.rest.extend(left.ours.iter().map(|ours| ours.uid));
            } else {
                self.found.left.push((identity, left));
            }
        }
        self.moved_count(&mut entry);
        self.pass.recorder.add(entry).await;
        self.record(pairs).await
    }

    /// New messages that have the name of a watermark which lost its message: with its content, they are that message (D12).
    async fn follow(&mut self, some: &[(Uid, Names)]) -> PassResult<()> {
        let wanted = some.iter().map(|(uid, _)| *uid).collect();
        let here =
            shapes(self.source, &self.job.plan.source, wanted).await.on(Side::Source).map_err(PassStop::Fatal)?;
        let mut entry = ToRecord::default();
        for (uid, names) in some {
            let Some(content) = here.get(uid).map(|shape| shape.content) else {
                self.found.doubtful.insert(*uid);
                self.found.rest.push(*uid);
                continue;
            };
            let key = match self.comes_again(*uid, names, content).await {
                true => None,
                false => self.gone().moved(self.job.id, *uid, names, content),
            };
            match key {
                Some(key) => self.found.moved(&mut entry, key),
                None => self.found.rest.push(*uid),
            }
        }
        self.moved_count(&mut entry);
        self.pass.recorder.add(entry).await;
        Ok(())
    }

    fn moved_count(&self, entry: &mut ToRecord) {
        let already_there = entry.results.rekeys.len() as u64;
        entry.counts.push((self.job.id, Counts { already_there, ..Counts::default() }));
    }

    /// What content did not decide is decided by what is known of the destination.
    pub async fn decide(&mut self) -> PassResult<()> {
        let left = std::mem::take(&mut self.found.left);
        if left.is_empty() {
            return Ok(());
        }
        let belief = match belief(self.pass, self.prepared, self.source, self.to).await? {
            Belief::Unknown => guess(left.iter().map(|(_, left)| left)),
            known => known,
        };
        let (mut pairs, mut doubtful): (Vec<_>, Vec<(OursLeft, Uid)>) = Default::default();
        for (identity, left) in left {
            let decided = decide(left, belief);
            pairs.extend(decided.pairs.into_iter().map(|pair| (identity, pair)));
            self.found.rest.extend(decided.unmatched);
            doubtful.extend(decided.maybe_twice);
        }
        self.record(pairs).await?;
        self.pass.name_undecided(self.job, belief, doubtful).await;
        Ok(())
    }

    /// Messages that are at the destination without a watermark get one. Above the floor of an intent they are ours.
    async fn record(&mut self, pairs: Vec<(Identity, Pair)>) -> PassResult<()> {
        if !pairs.is_empty() && std::mem::take(&mut self.found.owed) {
            // What is found now replaces them.
            self.pass.recorder.flush().await;
        }
        let cleaned: Vec<Uid> = pairs.iter().filter(|(_, pair)| pair.cleaned).map(|(_, pair)| pair.source).collect();
        if !cleaned.is_empty() {
            self.pass.notice(self.job, NoticeKind::Cleaned, Side::Source, cleaned).await;
        }
        for some in pairs.chunks(GROUP_ROWS) {
            let mut entry = ToRecord::default();
            for (identity, pair) in some {
                self.strangers.take(pair.destination);
                if pair.equal && pair.appended {
                    keeps(self.pass, self.prepared).await?;
                }
                if pair.equal && self.job.numbers.open_intent.is_none() && self.is_unheard_of(pair.destination) {
                    self.found.unheard.push(pair.destination);
                }
                let origin = if pair.appended { Origin::Copied } else { Origin::Found };
                let there = self.job.id;
                add_found(self.pass, (&mut entry, self.job), there, (*identity, *pair), origin);
            }
            self.pass.recorder.add(entry).await;
        }
        Ok(())
    }

    /// Whether the destination had no such number when an earlier pass looked last.
    fn is_unheard_of(&self, uid: Uid) -> bool {
        self.job.numbers.seen_there.uid_next().is_some_and(|next| uid >= next)
    }

    /// Messages of ours above every number that this workspace knows: it may be an old copy of the one that made them.
    pub async fn name_an_old_workspace(&mut self) {
        let numbers = std::mem::take(&mut self.found.unheard);
        if numbers.is_empty() {
            return;
        }
        let notice = Notice::of(&self.job.path, NoticeKind::OldWorkspace, Side::Destination, &numbers);
        self.pass.recorder.add(ToRecord::notice(notice)).await;
    }

    /// Watermarks without a destination number (the server told none, or the folder was made anew) answer for a stranger
    /// of their identity first: it is theirs, not the copy of a new twin.
    pub async fn number_the_numberless(&mut self) -> PassResult<()> {
        let (mut from, end) = (Uid(i64::MIN), Uid(i64::MAX));
        loop {
            let marks = self.pass.journal.some_watermarks(self.job.id, from, end, AT_ONCE / 10).await?;
            let Some(last) = marks.last() else { return Ok(()) };
            from = Uid(last.source.0 + 1);
            let own = self.job.id;
            let numberless =
                |mark: &Watermark| mark.destination == Watermark::NOT_TOLD && mark.destination_folder == own;
            let mut wanted: BTreeMap<Identity, Vec<(Uid, Option<ContentHash>)>> = BTreeMap::new();
            for mark in marks.iter().filter(|mark| numberless(mark)) {
                wanted.entry(mark.identity).or_default().push((mark.source, mark.content));
            }
            if wanted.is_empty() {
                continue;
            }
            let mut theirs: BTreeMap<Identity, Vec<Uid>> = BTreeMap::new();
            for (uid, identity) in self.strangers.of(self.pass, wanted.keys().copied().collect()).await? {
                theirs.entry(identity).or_default().push(uid);
            }
            for (identity, theirs) in theirs {
                let marks = wanted.remove(&identity).unwrap_or_default();
                self.number(marks, theirs).await?;
            }
        }
    }

    /// Of several messages of one identity the one with the mark's content is its copy.
    async fn number(&mut self, marks: Vec<(Uid, Option<ContentHash>)>, mut theirs: Vec<Uid>) -> PassResult<()> {
        let mut there = BTreeMap::new();
        if theirs.len() > 1 {
            let read = shapes(self.to, &self.job.plan.destination, theirs.clone()).await;
            there = read.on(Side::Destination).map_err(PassStop::Fatal)?;
        }
        let mut entry = ToRecord::default();
        let mut give = |source: Uid, uid: Uid, strangers: &mut Strangers| {
            strangers.take(uid);
            entry.results.places.push((self.job.id, source, uid));
        };
        let mut others = Vec::new();
        for (source, content) in marks {
            let equal = |uid: &Uid| content.is_some() && there.get(uid).map(|shape| shape.content) == content;
            match theirs.iter().position(equal) {
                Some(at) => give(source, theirs.remove(at), &mut self.strangers),
                None => others.push(source),
            }
        }
        for (source, uid) in others.into_iter().zip(theirs) {
            give(source, uid, &mut self.strangers);
        }
        self.pass.recorder.add(entry).await;
        Ok(())
    }
}

impl Recognised {
    fn moved(&mut self, entry: &mut ToRecord, key: Rekey) {
        self.arrived.push(key.to);
        entry.results.rekeys.push(key);
    }
}

/// The watermark of a message that was found at the destination folder of the row `there`, and what it adds to the counters.
pub(super) fn add_found(
    pass: &Pass,
    (entry, job): (&mut ToRecord, &mut Job),
    there: FolderId,
    (identity, pair): (Identity, Pair),
    origin: Origin,
) {
    let Some((flags, size)) = job.remaining.listing.get(&pair.source).cloned() else { return };
    let now = flags.unwrap_or_else(Flags::none);
    // A copy of ours was appended with the flags of then: those that came since are set. What went since may be its owner's, and
    // stays.
    let doubtful = if origin == Origin::Found { Flags::none() } else { now.clone() };
    let origin = if pair.cleaned && origin == Origin::Copied { Origin::Cleaned } else { origin };
    let mark = Watermark {
        source: pair.source,
        destination_folder: there,
        destination: pair.destination,
        identity,
        content: Some(pair.content),
        flags: FlagBase { given: now.clone(), doubtful },
        origin,
    };
    if pass.order.options.carry_flags {
        let meta = MessageMeta { uid: pair.source, flags: Some(now), size, date: None };
        job.remaining.carries.extend(flag_step(&meta, &mark).map(Carry::from));
    }
    entry.results.watermarks.push((job.id, mark));
    entry.progressed |= origin != Origin::Found;
    let counts = match origin {
        Origin::Copied | Origin::Cleaned => Counts { copied: 1, bytes: u64::from(size), ..Counts::default() },
        Origin::Found => Counts { already_there: 1, ..Counts::default() },
    };
    entry.counts.push((job.id, counts));
}

/// New messages that have the identity of somebody at the destination, and the others.
fn propose(ours: BTreeMap<Uid, Names>, theirs: Vec<(Uid, Identity)>) -> (Vec<Proposed>, Vec<(Uid, Names)>) {
    let mut groups: BTreeMap<Identity, Proposed> = BTreeMap::new();
    for (uid, identity) in theirs {
        let empty = || Proposed { identity, ours: Vec::new(), theirs: Vec::new() };
        groups.entry(identity).or_insert_with(empty).theirs.push(uid);
    }
    let mut others = Vec::new();
    for (uid, names) in ours {
        match groups.get_mut(&names.now) {
            Some(group) => group.ours.push((uid, names)),
            None => others.push((uid, names)),
        }
    }
    (groups.into_values().filter(|group| !group.ours.is_empty()).collect(), others)
}
