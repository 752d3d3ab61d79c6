//! What appears in a destination folder while it is written: which numbers are known, and who the others are (D9).
//!
//! However often is looked, every message is listed once and its header read once: each look begins where the one before
//! ended. Bounded: known numbers as ranges; of messages that nothing claimed, number, identity and size.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::failure::Failure;
use crate::domain::identity::{ContentHash, FromHeader, Identity, of_header};
use crate::domain::ids::{FolderId, Uid};
use crate::domain::ranges::Ranges;
use crate::endpoint::{Destination, Fetched, FolderRef, Which};
use crate::engine::pass::job::Job;
use crate::engine::pass::resolve::{HEADERS_AT_ONCE, spool_failed};
use crate::engine::pass::{Flow, Pass, bytes};

/// A message of the destination that nothing claimed yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Newcomer {
    pub uid: Uid,
    pub identity: Identity,
    pub size: u32,
}

/// A message of ours that may be among them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Own {
    pub uid: Uid,
    pub identity: Identity,
    pub content: ContentHash,
}

/// See the module.
pub(super) struct Arrivals {
    floor: Uid,
    next: Uid,
    known: Ranges,
    unclaimed: Vec<Newcomer>,
}

impl Arrivals {
    /// From the floor of a folder's intent on.
    pub async fn of(pass: &Pass, job: &Job) -> Flow<Self> {
        if job.cut.resumed {
            return Self::from(pass, job.id, job.floor()).await;
        }
        Ok(Self { floor: job.floor(), next: job.floor(), known: Ranges::default(), unclaimed: Vec::new() })
    }

    /// From a floor on, above which messages are recorded already.
    pub async fn from(pass: &Pass, folder: FolderId, floor: Uid) -> Flow<Self> {
        pass.recorder.flush().await;
        let mut known = Ranges::default();
        for number in pass.journal.known_at_destination(folder).await?.into_iter().filter(|uid| *uid >= floor) {
            known.insert(number.0);
        }
        Ok(Self { floor, next: floor, known, unclaimed: Vec::new() })
    }

    /// The server told that an append of ours got this number. False if that cannot be: it lies below what was there
    /// before, or another message has it.
    pub fn told(&mut self, uid: Uid) -> bool {
        let believable = uid >= self.floor && self.known.insert(uid.0);
        if believable {
            self.unclaimed.retain(|newcomer| newcomer.uid != uid);
        }
        believable
    }

    /// Messages that nothing claimed so far, ascending.
    pub fn unclaimed(&self) -> &[Newcomer] {
        &self.unclaimed
    }

    /// Reads what came since the last look.
    pub async fn look(&mut self, to: &mut dyn Destination, folder: &FolderRef) -> Result<(), Failure> {
        let listing = to.scan(folder, &Which::From(self.next), false).await?;
        let strange: Vec<Uid> =
            listing.iter().map(|message| message.uid).filter(|uid| !self.known.contains(uid.0)).collect();
        let mut found = Vec::new();
        for some in strange.chunks(HEADERS_AT_ONCE) {
            for header in to.headers(folder, &Which::These(some.to_vec())).await? {
                let identity = match of_header(&header.header) {
                    FromHeader::Known(identity) => identity,
                    FromHeader::NeedsBytes => match by_bytes(to, folder, header.uid).await? {
                        Some(identity) => identity,
                        None => continue,
                    },
                };
                found.push(Newcomer { uid: header.uid, identity, size: header.size });
            }
        }
        self.unclaimed.extend(found);
        if let Some(last) = listing.iter().map(|message| message.uid).max() {
            self.next = self.next.max(Uid(last.0 + 1));
        }
        Ok(())
    }

    /// Which of these messages of ours, in the order sent, are among the newcomers: (source, destination). Those found are
    /// claimed. Of several with one identity the contents tell which are there, unless all are.
    pub async fn find(
        &mut self,
        to: &mut dyn Destination,
        folder: &FolderRef,
        own: &[Own],
    ) -> Result<Vec<(Uid, Newcomer)>, Failure> {
        let mut groups: BTreeMap<Identity, (Vec<Own>, Vec<Newcomer>)> = BTreeMap::new();
        own.iter().for_each(|one| groups.entry(one.identity).or_default().0.push(*one));
        for newcomer in &self.unclaimed {
            if let Some((_, there)) = groups.get_mut(&newcomer.identity) {
                there.push(*newcomer);
            }
        }
        let mut found = Vec::new();
        for (ours, mut there) in groups.into_values().filter(|(_, there)| !there.is_empty()) {
            let alike = ours.iter().all(|one| one.content == ours[0].content);
            if ours.len() == there.len() || (alike && there.len() < ours.len()) {
                found.extend(ours.iter().zip(&there).map(|(one, newcomer)| (one.uid, *newcomer)));
                continue;
            }
            let contents = contents(to, folder, &there).await?;
            let (mut left, enough) = (Vec::new(), there.len() >= ours.len());
            for one in ours {
                match there.iter().position(|newcomer| contents.get(&newcomer.uid) == Some(&one.content)) {
                    Some(at) => found.push((one.uid, there.remove(at))),
                    None => left.push(one),
                }
            }
            // A server that alters what it stores: if there are enough of them, they are in order.
            if enough {
                found.extend(left.iter().zip(&there).map(|(one, newcomer)| (one.uid, *newcomer)));
            }
        }
        self.claim(found.iter().map(|(_, newcomer)| newcomer.uid));
        Ok(found)
    }

    /// These are of ours.
    pub fn claim(&mut self, uids: impl IntoIterator<Item = Uid>) {
        let uids: BTreeSet<Uid> = uids.into_iter().collect();
        for uid in &uids {
            self.known.insert(uid.0);
        }
        self.unclaimed.retain(|newcomer| !uids.contains(&newcomer.uid));
    }
}

/// Who a message is whose header is of no use; none when it is gone or not handed out.
async fn by_bytes(to: &mut dyn Destination, folder: &FolderRef, uid: Uid) -> Result<Option<Identity>, Failure> {
    let mut stream = to.fetch(folder, &Which::These(vec![uid])).await?;
    match stream.recv().await {
        Some(Fetched::Message(message)) => bytes::identity(&message.body).map(Some).map_err(|e| spool_failed(&e)),
        Some(Fetched::Broken(failure)) => Err(failure),
        Some(Fetched::Unreadable(..)) | None => Ok(None),
    }
}

/// What these messages hold, by number; those that are not handed out are left out.
pub(super) async fn contents(
    to: &mut dyn Destination,
    folder: &FolderRef,
    newcomers: &[Newcomer],
) -> Result<BTreeMap<Uid, ContentHash>, Failure> {
    let mut uids: Vec<Uid> = newcomers.iter().map(|newcomer| newcomer.uid).collect();
    uids.sort_unstable();
    let mut found = BTreeMap::new();
    let mut stream = to.fetch(folder, &Which::These(uids)).await?;
    while let Some(fetched) = stream.recv().await {
        match fetched {
            Fetched::Message(message) => {
                found.insert(message.uid, bytes::content(&message.body).map_err(|e| spool_failed(&e))?);
            }
            Fetched::Unreadable(..) => {}
            Fetched::Broken(failure) => return Err(failure),
        }
    }
    Ok(found)
}
