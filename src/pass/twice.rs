//! Messages that are copied although the destination holds something of their name: the same message altered, or another one
//! (D8). Where nobody can tell, they are named as messages that may be there twice.
//!
//! Bounded by the messages in doubt, some hundred bytes each.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use crate::domain::failure::{Scope, Side};
use crate::domain::ids::{FolderId, Uid};
use crate::domain::matching::{Belief, OursLeft};
use crate::domain::notice::{Notice, NoticeKind};
use crate::endpoint::{Destination, FolderRef, Source, Which};
use crate::pass::closing::Finale;
use crate::pass::job::Job;
use crate::pass::lane::{Lanes, Step};
use crate::pass::{OnSide, Pass, PassResult, PassStop};

/// One message in doubt.
struct MessageDoubt {
    source: FolderRef,
    destination: FolderRef,
    /// Its bytes.
    len: u64,
    /// What may be the same message at the destination.
    there: Uid,
}

/// By source folder and number; none where it was named already.
#[derive(Default)]
pub(super) struct MaybeTwice(Mutex<BTreeMap<(FolderId, Uid), Option<MessageDoubt>>>);

impl MaybeTwice {
    fn with<T>(&self, act: impl FnOnce(&mut BTreeMap<(FolderId, Uid), Option<MessageDoubt>>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Pass {
    /// These messages are copied although the destination holds something of their name.
    pub(super) async fn name_undecided(&self, job: &Job, belief: Belief, doubtful: Vec<(OursLeft, Uid)>) {
        match belief {
            Belief::Keeps => {}
            Belief::Changes { .. } => self.maybe_twice(job, doubtful).await,
            Belief::Unknown => self.doubt(job, doubtful),
        }
    }

    /// These messages are copied and may be there twice: the destination changes messages.
    async fn maybe_twice(&self, job: &Job, doubtful: Vec<(OursLeft, Uid)>) {
        let fresh = |(ours, _): &(OursLeft, Uid)| {
            self.findings.twice.with(|map| map.insert((job.id, ours.uid), None).is_none())
        };
        let there: Vec<Uid> = doubtful.into_iter().filter(fresh).map(|(_, there)| there).collect();
        self.name_twice(job.id, &job.plan.source, there).await;
    }

    /// These messages are copied, and it is not known whether the destination changes messages: their own copies will tell.
    fn doubt(&self, job: &Job, doubtful: Vec<(OursLeft, Uid)>) {
        self.findings.twice.with(|map| {
            for (ours, there) in doubtful {
                let (source, destination) = (job.plan.source.clone(), job.plan.destination.clone());
                let doubt = MessageDoubt { source, destination, len: ours.len, there };
                map.entry((job.id, ours.uid)).or_insert(Some(doubt));
            }
        });
    }

    /// Messages at the destination of which the server does not say who they are, and of which a copied one may be the same: named once.
    pub(super) async fn name_unseen_there(&self, job: &Job, mut there: Vec<Uid>) {
        // No message of the source has a number below 0.
        there.retain(|uid| self.findings.twice.with(|map| map.insert((job.id, Uid(-uid.0)), None).is_none()));
        self.name_twice(job.id, &job.plan.source, there).await;
    }

    /// The destination counts so many messages more than it lists, among which copies of an interrupted pass may be: named once.
    pub(super) async fn name_untold(&self, job: &Job, messages: u64) {
        let nobodys = (job.id, Uid(0));
        if messages > 0 && self.findings.twice.with(|map| map.insert(nobodys, None).is_none()) {
            let notice = Notice::of(&job.path, NoticeKind::MaybeTwice, Side::Destination, &[]);
            let words = format!("{} counts messages that it does not list", job.plan.destination.path);
            self.tell(job.id, Notice { messages, ..notice.saying(words) }).await;
        }
    }

    async fn name_twice(&self, folder: FolderId, source: &FolderRef, there: Vec<Uid>) {
        if there.is_empty() {
            return;
        }
        self.tell(folder, Notice::of(&source.path, NoticeKind::MaybeTwice, Side::Destination, &there)).await;
    }
}

impl Finale<'_> {
    /// Everything is copied: where a copy has the size that was sent, this destination keeps what it gets, and what it held
    /// before is another message. The rest is named.
    pub(super) async fn name_doubts(&self, lanes: &mut Lanes) -> PassResult<()> {
        let mut left: BTreeMap<(FolderId, Uid), MessageDoubt> = BTreeMap::new();
        for (key, doubt) in self.pass.findings.twice.with(std::mem::take) {
            left.extend(doubt.map(|doubt| (key, doubt)));
        }
        let keeps = !left.is_empty() && self.pass.journal.habit(Side::Destination).await?.keeps_bytes();
        let Some(lane) = lanes.iter_mut().next().filter(|_| !left.is_empty() && !keeps) else { return Ok(()) };
        self.pass.recorder.flush().await;
        self.pass.run_with_retry(lane, &mut LookAtCopies { left: &mut left }).await?;
        let mut by_folder: BTreeMap<FolderId, (FolderRef, Vec<Uid>)> = BTreeMap::new();
        for ((folder, _), MessageDoubt { source, there, .. }) in left {
            by_folder.entry(folder).or_insert_with(|| (source, Vec::new())).1.push(there);
        }
        for (folder, (source, there)) in by_folder {
            self.pass.name_twice(folder, &source, there).await;
        }
        Ok(())
    }
}

/// Asks for the sizes of the copies that were made of messages in doubt.
struct LookAtCopies<'a> {
    left: &'a mut BTreeMap<(FolderId, Uid), MessageDoubt>,
}

#[async_trait]
impl Step for LookAtCopies<'_> {
    type Out = ();

    async fn run(&mut self, pass: &Pass, _source: &mut dyn Source, to: &mut dyn Destination) -> PassResult<()> {
        let mut copies: BTreeMap<FolderId, Vec<(Uid, Uid)>> = BTreeMap::new();
        let mut not_copied = Vec::new();
        for (folder, uid) in self.left.keys().copied() {
            let mark = pass.journal.some_watermarks(folder, uid, Uid(uid.0 + 1), 1).await?.pop();
            match mark {
                None => not_copied.push((folder, uid)),
                Some(mark) if mark.destination_folder == folder => {
                    copies.entry(folder).or_default().extend(mark.at().map(|at| (at, uid)));
                }
                Some(_) => {}
            }
        }
        not_copied.iter().for_each(|key| drop(self.left.remove(key)));
        for (folder, mut numbers) in copies {
            numbers.sort_unstable();
            let Some(place) = numbers.first().and_then(|(_, uid)| self.left.get(&(folder, *uid))) else { continue };
            let place = place.destination.clone();
            let listing = match to.scan(&place, &Which::These(numbers.iter().map(|n| n.0).collect()), false).await {
                Err(failure) if failure.scope <= Scope::Folder => continue,
                listing => listing.on(Side::Destination).map_err(PassStop::Fatal)?,
            };
            for message in listing {
                let Ok(at) = numbers.binary_search_by_key(&message.uid, |n| n.0) else { continue };
                let key = (folder, numbers[at].1);
                if self.left.get(&key).is_some_and(|doubt| doubt.len == u64::from(message.size)) {
                    self.left.remove(&key);
                }
            }
        }
        Ok(())
    }
}
