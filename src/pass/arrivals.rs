//! What appears in a destination folder while it is written: which numbers are known, and who the others are (D9).
//!
//! However often is looked, every message is listed once and its header read once: each look begins where the one before
//! ended. Bounded: known numbers as ranges; of messages that nothing claimed, number, identity and size.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::content::ContentHash;
use crate::domain::failure::Failure;
use crate::domain::identity::{FromHeader, Identity, of_header};
use crate::domain::ids::{FolderId, Uid};
use crate::domain::matching::Belief;
use crate::domain::ranges::Ranges;
use crate::endpoint::{Destination, Fetched, FolderRef, Which};
use crate::pass::bytes::HEADERS_AT_ONCE;
use crate::pass::bytes::Traces;
use crate::pass::job::{Above, Job};
use crate::pass::resolve::spool_failed;
use crate::pass::{Pass, PassResult, bytes};

/// How often a message is asked who it is.
const TRIES: u32 = 3;

/// A message of the destination that nothing claimed yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Newcomer {
    pub uid: Uid,
    pub identity: Identity,
    pub size: u32,
    /// What altering leaves of it, once it was read; nothing of one that was not handed out.
    pub traces: Option<Traces>,
}

/// A message of ours that may be among them.
#[derive(Clone, Copy, Debug)]
pub(super) struct OwnMessage {
    pub uid: Uid,
    pub identity: Identity,
    pub content: ContentHash,
    pub bytes: u64,
    pub traces: Option<Traces>,
}

/// What the server said of messages that are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ServerSaid {
    /// That it has them.
    Yes,
    /// That it does not.
    No,
}

/// See the module.
pub(super) struct Arrivals {
    floor: Uid,
    next: Uid,
    known: Ranges,
    unclaimed: Vec<Newcomer>,
    hidden: Hidden,
}

/// What a folder holds and does not show.
#[derive(Default)]
struct Hidden {
    /// Listed, and nobody knows who they are; how often they were asked for.
    unseen: BTreeMap<Uid, u32>,
    /// Their name is known, and what they hold is not handed out.
    unread: BTreeSet<Uid>,
    /// Counted and not listed.
    untold: u64,
}

impl Arrivals {
    /// From the floor of a folder's intent on.
    pub async fn of(pass: &Pass, job: &Job) -> PassResult<Self> {
        if job.suspicion.cut.above == Above::Recorded {
            return Self::from(pass, job.id, job.floor()).await;
        }
        Ok(Self::above(job.floor(), Ranges::default()))
    }

    /// From a floor on, above which messages are recorded already.
    pub async fn from(pass: &Pass, folder: FolderId, floor: Uid) -> PassResult<Self> {
        pass.recorder.flush().await;
        let mut known = Ranges::default();
        for number in pass.journal.known_at_destination(folder).await?.into_iter().filter(|uid| *uid >= floor) {
            known.insert(number.0);
        }
        Ok(Self::above(floor, known))
    }

    fn above(floor: Uid, known: Ranges) -> Self {
        Self { floor, next: floor, known, unclaimed: Vec::new(), hidden: Hidden::default() }
    }

    /// The server told that an append of ours got this number. False if that cannot be: it lies below what was there
    /// before, or another message has it.
    pub fn told(&mut self, uid: Uid) -> bool {
        let believable = uid >= self.floor && self.known.insert(uid.0);
        if believable {
            self.unclaimed.retain(|newcomer| newcomer.uid != uid);
            self.hidden.unseen.remove(&uid);
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
        let strange = listing.iter().map(|message| message.uid).filter(|uid| !self.known.contains(uid.0));
        self.hidden.unseen.extend(strange.map(|uid| (uid, 0)));
        self.see(to, folder).await?;
        if let Some(last) = listing.iter().map(|message| message.uid).max() {
            self.next = self.next.max(Uid(last.0 + 1));
        }
        Ok(())
    }

    /// Looks at what the looks so far may have missed: messages that were not listed, and those of which nobody knows who they
    /// are.
    pub async fn look_closer(&mut self, to: &mut dyn Destination, folder: &FolderRef) -> Result<(), Failure> {
        let there = to.recount(folder, self.floor).await?;
        self.hidden.untold = there.untold;
        self.hidden.unseen.retain(|uid, _| there.uids.contains(uid));
        let met: BTreeSet<Uid> = self.unclaimed.iter().map(|newcomer| newcomer.uid).collect();
        let strange = there.uids.into_iter().filter(|uid| !self.known.contains(uid.0) && !met.contains(uid));
        self.hidden.unseen.extend(strange.map(|uid| (uid, 0)));
        for _ in 0..TRIES {
            self.see(to, folder).await?;
        }
        Ok(())
    }

    /// Whether the folder may hold a message of this name that was not found.
    pub fn may_hide(&self, identity: Identity) -> bool {
        let unread = |newcomer: &Newcomer| newcomer.identity == identity && self.hidden.unread.contains(&newcomer.uid);
        self.hidden.untold > 0 || !self.hidden.unseen.is_empty() || self.unclaimed.iter().any(unread)
    }

    /// Asks who those are of whom nobody knows it.
    async fn see(&mut self, to: &mut dyn Destination, folder: &FolderRef) -> Result<(), Failure> {
        let asked = self.hidden.unseen.iter_mut().filter(|(_, tries)| **tries < TRIES);
        let asked = asked.map(|(uid, tries)| {
            *tries += 1;
            *uid
        });
        for some in asked.collect::<Vec<Uid>>().chunks(HEADERS_AT_ONCE) {
            for header in to.headers(folder, &Which::These(some.to_vec())).await? {
                let identity = match of_header(&header.header) {
                    FromHeader::Known(identity) => identity,
                    FromHeader::NeedsBytes => match by_bytes(to, folder, header.uid).await? {
                        Some(identity) => identity,
                        None => continue,
                    },
                };
                if self.hidden.unseen.remove(&header.uid).is_some() {
                    self.unclaimed.push(Newcomer { uid: header.uid, identity, size: header.size, traces: None });
                }
            }
        }
        self.unclaimed.sort_unstable_by_key(|newcomer| newcomer.uid);
        Ok(())
    }

    /// Keeps what was read of newcomers, so that it is not read again.
    pub fn keep_traces(&mut self, read: &BTreeMap<Uid, Traces>) {
        for newcomer in &mut self.unclaimed {
            newcomer.traces = read.get(&newcomer.uid).copied().or(newcomer.traces);
        }
    }

    /// Which of these messages of ours, in the order sent, are among the newcomers: (source, destination). Those found are
    /// claimed. Somebody else may have brought another form of a message meanwhile: of a message that the server said to
    /// have, the size may tell; else contents do, and what the destination is known to do.
    pub async fn find(
        &mut self,
        to: &mut dyn Destination,
        folder: &FolderRef,
        own: &[OwnMessage],
        (said, belief): (ServerSaid, Belief),
    ) -> Result<Vec<(Uid, Newcomer)>, Failure> {
        let mut groups: BTreeMap<Identity, (Vec<OwnMessage>, Vec<Newcomer>)> = BTreeMap::new();
        own.iter().for_each(|one| groups.entry(one.identity).or_default().0.push(*one));
        for newcomer in &self.unclaimed {
            if let Some((_, there)) = groups.get_mut(&newcomer.identity) {
                there.push(*newcomer);
            }
        }
        let (mut found, mut open) = (Vec::new(), Vec::new());
        for (ours, there) in groups.into_values().filter(|(_, there)| !there.is_empty()) {
            let alike = ours.iter().all(|one| one.content == ours[0].content);
            let counts = ours.len() == there.len() || (alike && there.len() < ours.len());
            let sizes = ours.iter().zip(&there).all(|(one, newcomer)| one.bytes == u64::from(newcomer.size));
            if said == ServerSaid::Yes && counts && sizes {
                found.extend(ours.iter().zip(&there).map(|(one, newcomer)| (one.uid, *newcomer)));
            } else {
                open.push((ours, there));
            }
        }
        // A server that was just seen to keep bytes keeps them.
        let belief = if belief == Belief::Unknown && !found.is_empty() { Belief::Keeps } else { belief };
        for (ours, there) in open {
            let read = read_whole(to, folder, &there).await?;
            for newcomer in &there {
                match read.contains_key(&newcomer.uid) {
                    true => drop(self.hidden.unread.remove(&newcomer.uid)),
                    false => drop(self.hidden.unread.insert(newcomer.uid)),
                }
            }
            found.extend(pair(ours, there, &read, said, belief));
        }
        self.claim(found.iter().map(|(_, newcomer)| newcomer.uid));
        Ok(found)
    }

    /// These are of ours.
    pub fn claim(&mut self, uids: impl IntoIterator<Item = Uid>) {
        let uids: BTreeSet<Uid> = uids.into_iter().collect();
        for uid in &uids {
            self.known.insert(uid.0);
            self.hidden.unseen.remove(uid);
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

/// Messages of one identity on both sides, by what they hold; then by their bodies, where the server wrote the header
/// anew; then, where it is known to change messages, by what it does to their sizes.
fn pair(
    mut ours: Vec<OwnMessage>,
    mut there: Vec<Newcomer>,
    read: &BTreeMap<Uid, (ContentHash, Traces)>,
    said: ServerSaid,
    belief: Belief,
) -> Vec<(Uid, Newcomer)> {
    let mut found = Vec::new();
    let enough = there.len() >= ours.len();
    let mut join = |right: &dyn Fn(&OwnMessage, &Newcomer) -> bool| {
        ours.retain(|one| match there.iter().position(|newcomer| right(one, newcomer)) {
            Some(at) => {
                found.push((one.uid, there.remove(at)));
                false
            }
            None => true,
        });
    };
    join(&|one, newcomer| read.get(&newcomer.uid).is_some_and(|(content, _)| *content == one.content));
    if said == ServerSaid::Yes || belief != Belief::Keeps {
        let same_body = |one: &OwnMessage, newcomer: &Newcomer| {
            let read = read.get(&newcomer.uid).map(|(_, traces)| traces);
            one.traces.zip(read).is_some_and(|(ours, theirs)| ours.same_body(theirs))
        };
        join(&same_body);
    }
    // If there are enough of them, they are in order.
    if enough {
        let grew =
            |one: &OwnMessage, newcomer: &Newcomer| belief.explains(one.bytes, newcomer.size, said == ServerSaid::Yes);
        join(&grew);
    }
    found
}

/// What these messages hold and what altering would leave of them; those that are not handed out are left out.
async fn read_whole(
    to: &mut dyn Destination,
    folder: &FolderRef,
    newcomers: &[Newcomer],
) -> Result<BTreeMap<Uid, (ContentHash, Traces)>, Failure> {
    let mut uids: Vec<Uid> = newcomers.iter().map(|newcomer| newcomer.uid).collect();
    uids.sort_unstable();
    let mut found = BTreeMap::new();
    let mut stream = to.fetch(folder, &Which::These(uids)).await?;
    while let Some(fetched) = stream.recv().await {
        match fetched {
            Fetched::Message(message) => {
                let content = bytes::content(&message.body).map_err(|e| spool_failed(&e))?;
                let traces = bytes::traces(&message.body).map_err(|e| spool_failed(&e))?;
                found.insert(message.uid, (content, traces));
            }
            Fetched::Unreadable(..) => {}
            Fetched::Broken(failure) => return Err(failure),
        }
    }
    Ok(found)
}

/// What these messages hold, by number; those that are not handed out are left out.
pub(super) async fn contents(
    to: &mut dyn Destination,
    folder: &FolderRef,
    newcomers: &[Newcomer],
) -> Result<BTreeMap<Uid, ContentHash>, Failure> {
    let read = read_whole(to, folder, newcomers).await?;
    Ok(read.into_iter().map(|(uid, (content, _))| (uid, content)).collect())
}
