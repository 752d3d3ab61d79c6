//! What of a folder's new messages is at the destination already (copied by another tool, or by an interrupted
//! attempt), what moved here within the source, and which flags changed (D8, D9, D10, D12).

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;

use crate::domain::failure::{Cause, Failure, Retry, Scope, Side};
use crate::domain::identity::{ContentHash, FromHeader, Identity, of_header};
use crate::domain::ids::Uid;
use crate::domain::matching::{Candidate, Matching, match_by_content, match_identities};
use crate::domain::message::MessageMeta;
use crate::domain::plan::compare;
use crate::domain::record::{Counts, Origin, Results, Watermark};
use crate::endpoint::{Destination, Fetched, FolderRef, Source, Which};
use crate::engine::pass::carry::carry;
use crate::engine::pass::job::{BLAME_LIMIT, Carry, Job, Todo};
use crate::engine::pass::lane::{Lane, Step, blames_its_place};
use crate::engine::pass::places::Prepared;
use crate::engine::pass::recorder::{Entry, GROUP_ROWS};
use crate::engine::pass::scan::Looked;
use crate::engine::pass::{Flow, Halt, On, Pass, Trouble, bytes};

/// Header blocks held at once.
pub(super) const HEADERS_AT_ONCE: usize = 1000;

/// Resolves one folder.
pub(super) struct Resolve<'a> {
    job: &'a mut Job,
    prepared: &'a Prepared,
}

impl Resolve<'_> {
    /// Whether there is anything to look for.
    pub fn needed(pass: &Pass, prepared: &Prepared, job: &Job) -> bool {
        if job.abandoned {
            return false;
        }
        let moved = !prepared.gone.lock().unwrap_or_else(std::sync::PoisonError::into_inner).is_empty();
        !job.carries.is_empty() || (!job.is_empty() && (moved || Self::place_to_search(pass, job).is_some()))
    }

    /// Where at the destination messages without a watermark may be ours.
    fn place_to_search(pass: &Pass, job: &Job) -> Option<Which> {
        if job.destination_gone {
            return None;
        }
        if job.search_all || (pass.order.options.search_duplicates && job.opened.messages > 0) {
            return Some(Which::All);
        }
        job.open_intent.map(|intent| Which::From(intent.floor))
    }

    /// Messages at the destination that no watermark knows.
    async fn strangers(&self, pass: &Pass, to: &mut dyn Destination) -> Flow<Vec<(Uid, u32)>> {
        let Some(which) = Self::place_to_search(pass, self.job) else { return Ok(Vec::new()) };
        let listing = to.scan(&self.job.destination, &which, false).await.on(Side::Destination).map_err(Halt::Fatal)?;
        let known = pass.journal.known_at_destination(self.job.id).await?;
        let strange = listing.into_iter().filter(|message| known.binary_search(&message.uid).is_err());
        Ok(strange.map(|message| (message.uid, message.size)).collect())
    }

    /// The new messages, by number and size; a first pass has no listing yet.
    async fn newcomers(&mut self, source: &mut dyn Source) -> Result<Vec<(Uid, u32)>, Failure> {
        if self.job.todo == Todo::All {
            let mut listing = source.scan(&self.job.source, &Which::All, false).await?;
            listing.retain(|message| self.job.was_listed(message.uid));
            if listing.len() < self.job.listed.messages as usize {
                self.job.unfinished = true;
            }
            self.job.todo = Todo::These(listing.iter().map(|m| m.uid).collect());
            self.job.listing = listing.into_iter().map(|m| (m.uid, (m.flags, m.size))).collect();
        }
        let Todo::These(uids) = &self.job.todo else { return Ok(Vec::new()) };
        Ok(uids.iter().map(|uid| (*uid, self.job.listing.get(uid).map_or(0, |l| l.1))).collect())
    }

    async fn look(&mut self, pass: &Pass, source: &mut dyn Source, to: &mut dyn Destination) -> Flow<()> {
        let strangers = self.strangers(pass, to).await?;
        let gone = || self.prepared.gone.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if strangers.is_empty() && gone().is_empty() {
            return Ok(());
        }
        let new = self.newcomers(source).await.on(Side::Source).map_err(Halt::Fatal)?;
        let from = &self.job.source;
        let mut ours = candidates(source, from, &new).await.on(Side::Source).map_err(Halt::Fatal)?;
        let mut doubtful = read_unseen(source, from, &new, &mut ours).await.on(Side::Source).map_err(Halt::Fatal)?;
        let into = &self.job.destination;
        let mut theirs = candidates(to, into, &strangers).await.on(Side::Destination).map_err(Halt::Fatal)?;
        self.number_the_numberless(pass, &mut theirs).await?;
        let mut found = match_identities(&ours, &theirs);
        for group in std::mem::take(&mut found.ambiguous) {
            let uids = |side: &[Candidate]| side.iter().map(|c| c.uid).collect::<Vec<_>>();
            let here = contents(source, from, uids(&group.sources)).await.on(Side::Source).map_err(Halt::Fatal)?;
            let there =
                contents(to, into, uids(&group.destinations)).await.on(Side::Destination).map_err(Halt::Fatal)?;
            let Matching { pairs, unmatched, .. } = match_by_content(&group, &here, &there);
            let read: BTreeSet<Uid> = here.iter().map(|(uid, _)| *uid).collect();
            doubtful.extend(unmatched.iter().filter(|uid| !read.contains(uid)));
            found.pairs.extend(pairs);
            found.unmatched.extend(unmatched);
        }
        found.unmatched.sort_unstable();
        let identities: BTreeMap<Uid, Identity> = ours.iter().map(|c| (c.uid, c.identity)).collect();
        self.record_found(pass, &found.pairs, &identities).await;
        let left: Vec<_> = found.unmatched.iter().filter_map(|uid| identities.get(uid).map(|id| (*uid, *id))).collect();
        let moved = gone().moved(self.job.id, &left);
        // A message that did not come is not given up here: reading it again tells whether it is gone or unreadable.
        let unseen = new.iter().map(|m| m.0).filter(|uid| !identities.contains_key(uid));
        let mut rest: Vec<Uid> = moved.rest.into_iter().chain(unseen).collect();
        rest.sort_unstable();
        let arrived: Vec<Uid> = moved.rekeys.iter().map(|key| key.to).collect();
        let count = Counts { already_there: moved.rekeys.len() as u64, ..Counts::default() };
        let results = Results { rekeys: moved.rekeys, ..Results::default() };
        pass.recorder.add(Entry { results, counts: vec![(self.job.id, count)], progressed: false }).await;
        doubtful.retain(|uid| rest.binary_search(uid).is_ok());
        self.job.uncompared = doubtful;
        self.job.todo = Todo::These(rest);
        if !arrived.is_empty() && pass.order.options.carry_flags {
            self.carry_for(pass, arrived).await?;
        }
        Ok(())
    }

    /// A message that moved here may have been flagged meanwhile: its watermark, which came along, tells.
    async fn carry_for(&mut self, pass: &Pass, arrived: Vec<Uid>) -> Flow<()> {
        pass.recorder.flush().await;
        let watermarks = pass.journal.watermarks(self.job.id).await?;
        let listed = |uid: &Uid| {
            let (flags, size) = self.job.listing.get(uid)?.clone();
            Some(MessageMeta { uid: *uid, flags, size, date: None })
        };
        let listing: Vec<MessageMeta> = arrived.iter().filter_map(listed).collect();
        self.job.carries.extend(compare(&listing, &watermarks, true).flag_changes.into_iter().map(Carry::from));
        Ok(())
    }

    /// Watermarks without a destination number (the server told none, or the folder was made anew) answer for a stranger
    /// of their identity first: it is theirs, not the copy of a new twin.
    async fn number_the_numberless(&self, pass: &Pass, strangers: &mut Vec<Candidate>) -> Flow<()> {
        let marks = pass.journal.watermarks(self.job.id).await?;
        let numberless =
            |mark: &Watermark| mark.destination == Watermark::NOT_TOLD && mark.destination_folder == self.job.id;
        let mut entry = Entry::default();
        let mut by_identity: BTreeMap<Identity, Vec<Uid>> = BTreeMap::new();
        if marks.iter().any(numberless) {
            strangers.iter().rev().for_each(|s| by_identity.entry(s.identity).or_default().push(s.uid));
        }
        let mut taken = BTreeSet::new();
        for mut mark in marks.into_iter().filter(numberless) {
            if let Some(uid) = by_identity.get_mut(&mark.identity).and_then(Vec::pop) {
                taken.insert(uid);
                mark.destination = uid;
                entry.results.watermarks.push((self.job.id, mark));
            }
        }
        strangers.retain(|stranger| !taken.contains(&stranger.uid));
        pass.recorder.add(entry).await;
        Ok(())
    }

    /// Messages that are at the destination without a watermark get one. Above the floor of an intent they are ours.
    async fn record_found(&self, pass: &Pass, pairs: &[(Uid, Uid)], identities: &BTreeMap<Uid, Identity>) {
        let job = &*self.job;
        for chunk in pairs.chunks(GROUP_ROWS) {
            let mut entry = Entry::default();
            for (source, destination) in chunk {
                let (Some(identity), Some((flags, size))) = (identities.get(source), job.listing.get(source)) else {
                    continue;
                };
                let ours = job.open_intent.is_some_and(|intent| *destination >= intent.floor);
                let origin = if ours { Origin::Copied } else { Origin::Found };
                let mark = Watermark {
                    source: *source,
                    destination_folder: job.id,
                    destination: *destination,
                    identity: *identity,
                    content: None,
                    flags: flags.clone(),
                    origin,
                };
                entry.results.watermarks.push((job.id, mark));
                entry.progressed |= ours;
                entry.counts.push((
                    job.id,
                    if ours {
                        Counts { copied: 1, bytes: u64::from(*size), ..Counts::default() }
                    } else {
                        Counts { already_there: 1, ..Counts::default() }
                    },
                ));
            }
            pass.recorder.add(entry).await;
        }
    }
}

#[async_trait]
impl Step for Resolve<'_> {
    type Out = Looked;

    async fn run(&mut self, pass: &Pass, source: &mut dyn Source, to: &mut dyn Destination) -> Flow<Looked> {
        pass.recorder.flush().await;
        self.job.uncompared.clear();
        if !self.job.is_empty() {
            match self.look(pass, source, to).await {
                Err(Halt::Fatal(trouble)) if trouble.failure.scope <= Scope::Folder => {
                    return Ok(Looked::Failed(trouble));
                }
                other => other?,
            }
        }
        carry(pass, self.prepared, self.job, to).await?;
        pass.recorder.flush().await;
        Ok(Looked::Done)
    }

    fn broke(&mut self, _pass: &Pass, trouble: &Trouble) -> Option<Looked> {
        let enough = blames_its_place(&trouble.failure) && self.job.blame(None) >= BLAME_LIMIT;
        enough.then(|| Looked::Failed(trouble.clone()))
    }
}

impl Pass {
    /// Resolves one folder, again after lost connections; a folder that cannot be read becomes an error.
    pub(super) async fn resolve_folder(&self, lane: &mut Lane, prepared: &Prepared, job: &mut Job) -> Flow<()> {
        if !Resolve::needed(self, prepared, job) {
            return Ok(());
        }
        match self.persist(lane, &mut Resolve { job, prepared }).await? {
            Looked::Done | Looked::Again => Ok(()),
            Looked::Failed(Trouble { side, failure }) => self.folder_failed(job, side, failure).await,
        }
    }
}

/// Identities of these messages: by header, by bytes where the header is of no use. Messages that are gone, or cannot be
/// read, are left out.
async fn candidates(
    session: &mut (impl Source + ?Sized),
    folder: &FolderRef,
    messages: &[(Uid, u32)],
) -> Result<Vec<Candidate>, Failure> {
    let mut found = Vec::with_capacity(messages.len());
    let mut headless = Vec::new();
    for chunk in messages.chunks(HEADERS_AT_ONCE) {
        let which = Which::These(chunk.iter().map(|m| m.0).collect());
        for header in session.headers(folder, &which).await? {
            match of_header(&header.header) {
                FromHeader::Known(identity) => found.push(Candidate { uid: header.uid, identity, size: header.size }),
                FromHeader::NeedsBytes => headless.push((header.uid, header.size)),
            }
        }
    }
    if !headless.is_empty() {
        let mut stream = session.fetch(folder, &Which::These(headless.iter().map(|m| m.0).collect())).await?;
        while let Some(fetched) = stream.recv().await {
            match fetched {
                Fetched::Message(message) => {
                    let identity = bytes::identity(&message.body).map_err(|e| spool_failed(&e))?;
                    let size = u32::try_from(message.body.len()).unwrap_or(u32::MAX);
                    found.push(Candidate { uid: message.uid, identity, size });
                }
                // Not recognised; who it is nobody knows.
                Fetched::Unreadable(..) => {}
                Fetched::Broken(failure) => return Err(failure),
            }
        }
    }
    Ok(found)
}

/// Servers there are that list a message and do not hand out its header: these are read whole, one at a time, as one of
/// them may be refused. Answers the messages that did not come that way either.
async fn read_unseen(
    source: &mut (impl Source + ?Sized),
    folder: &FolderRef,
    messages: &[(Uid, u32)],
    seen: &mut Vec<Candidate>,
) -> Result<BTreeSet<Uid>, Failure> {
    let mut unseen: BTreeSet<Uid> = messages.iter().map(|m| m.0).collect();
    for candidate in seen.iter() {
        unseen.remove(&candidate.uid);
    }
    for uid in unseen.clone() {
        let mut stream = match source.fetch(folder, &Which::These(vec![uid])).await {
            Err(failure) if failure.scope <= Scope::Folder => continue,
            stream => stream?,
        };
        while let Some(fetched) = stream.recv().await {
            match fetched {
                Fetched::Message(message) if message.uid == uid => {
                    let identity = bytes::identity(&message.body).map_err(|e| spool_failed(&e))?;
                    let size = u32::try_from(message.body.len()).unwrap_or(u32::MAX);
                    if unseen.remove(&uid) {
                        seen.push(Candidate { uid, identity, size });
                    }
                }
                Fetched::Broken(failure) if failure.scope > Scope::Folder => return Err(failure),
                Fetched::Message(_) | Fetched::Unreadable(..) | Fetched::Broken(_) => {}
            }
        }
    }
    Ok(unseen)
}

/// Content hashes of these messages.
async fn contents(
    session: &mut (impl Source + ?Sized),
    folder: &FolderRef,
    uids: Vec<Uid>,
) -> Result<Vec<(Uid, ContentHash)>, Failure> {
    let mut found = Vec::with_capacity(uids.len());
    let mut uids = uids;
    uids.sort_unstable();
    let mut stream = session.fetch(folder, &Which::These(uids)).await?;
    while let Some(fetched) = stream.recv().await {
        match fetched {
            Fetched::Message(message) => {
                found.push((message.uid, bytes::content(&message.body).map_err(|e| spool_failed(&e))?));
            }
            Fetched::Unreadable(..) => {}
            Fetched::Broken(failure) => return Err(failure),
        }
    }
    Ok(found)
}

/// The workspace's spool cannot be read or written.
pub(super) fn spool_failed(error: &std::io::Error) -> Failure {
    let failure = Failure::new(Cause::WorkspaceFailed, Scope::Mailbox, Retry::User, "reading the spool");
    failure.saying(error.to_string())
}
