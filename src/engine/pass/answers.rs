//! The answers to appends: what landed is recorded, what was refused becomes an error or goes again, and a folder ends
//! when nothing of it is under way any more.

use std::sync::Arc;

use crate::domain::failure::{Cause, Failure, Retry, Scope, Side};
use crate::domain::flags::Flags;
use crate::domain::identity::{ContentHash, FromHeader, Identity, of_header};
use crate::domain::ids::Uid;
use crate::domain::matching::{Candidate, match_identities};
use crate::domain::record::{Origin, Watermark};
use crate::endpoint::{Appended, Destination, Fetched, Which};
use crate::engine::pass::finish::copied;
use crate::engine::pass::job::Job;
use crate::engine::pass::recorder::Entry;
use crate::engine::pass::resolve::{HEADERS_AT_ONCE, spool_failed};
use crate::engine::pass::writer::{Ending, InFlight, Outgoing, Unplaced, Writer};
use crate::engine::pass::{Flow, Halt, Trouble, bytes};

/// Looks into a folder again for messages that did not come; after these they count as gone.
const LOOKS: u32 = 2;

impl Writer<'_> {
    /// Waits for the answer to the oldest append. It stays at the front until [`Writer::settled`] takes it, so that
    /// dropping this future loses nothing.
    pub(super) async fn front(in_flight: &mut std::collections::VecDeque<InFlight>) -> Result<Vec<Appended>, Failure> {
        match in_flight.front_mut() {
            Some(InFlight::Append(pending)) => (&mut pending.answer).await.unwrap_or_else(|_| {
                Err(Failure::new(Cause::ConnectionLost, Scope::Connection, Retry::Backoff, "waiting for an answer"))
            }),
            Some(InFlight::End { .. }) | None => Ok(Vec::new()),
        }
    }

    /// Takes the oldest off the queue with its answer. Sends nothing.
    pub(super) async fn settled(
        &mut self,
        to: &mut dyn Destination,
        answer: Result<Vec<Appended>, Failure>,
    ) -> Flow<()> {
        let mut pending = match self.in_flight.pop_front() {
            Some(InFlight::Append(pending)) => pending,
            Some(InFlight::End { job, how }) => return self.end(to, job, how).await,
            None => return Ok(()),
        };
        self.appends -= 1;
        self.bytes -= pending.bytes();
        match answer {
            Ok(places) => {
                let places = places.into_iter().chain(std::iter::repeat(Appended { at: None }));
                for (message, place) in pending.messages.into_iter().zip(places) {
                    self.landed(&pending.job, message, place).await;
                }
                Ok(())
            }
            Err(failure) if failure.scope <= Scope::Folder && Self::lasting(&failure) => {
                if self.refused.contains(&pending.job.id) {
                    return Ok(());
                }
                match pending.messages.as_slice() {
                    [single] => self.append_failed(&pending.job, single, failure).await,
                    // A refused batch stored nothing: its messages go again one by one. They come after what is on the
                    // wire already, the one case in which the source's order is not kept.
                    _ => {
                        let job = &pending.job;
                        self.again.extend(pending.messages.drain(..).map(|message| (Arc::clone(job), message)));
                        Ok(())
                    }
                }
            }
            Err(failure) => {
                // Nobody can tell whether it landed: it is looked for before it is sent again.
                self.unsure.insert(pending.job.id);
                if self.suspects.is_empty() {
                    self.suspects = pending.messages.iter().map(|message| (pending.job.id, message.uid)).collect();
                }
                Err(Halt::Fatal(Trouble { side: Side::Destination, failure }))
            }
        }
    }

    /// Whether a refusal will not pass by waiting.
    pub(super) fn lasting(failure: &Failure) -> bool {
        matches!(failure.retry, Retry::Never | Retry::User)
    }

    /// The folder cannot be worked on any further: what did not land so far counts as its error.
    pub(super) fn give_up(&mut self, job: &Arc<Job>, failure: Failure) -> Flow<()> {
        if !self.refused.insert(job.id) {
            return Ok(());
        }
        self.again.retain(|(of, _)| of.id != job.id);
        // What is on the wire may still land: only then is it known what is left.
        self.in_flight.push_back(InFlight::End { job: Arc::clone(job), how: Ending::GivenUp(failure) });
        Ok(())
    }

    async fn landed(&mut self, job: &Arc<Job>, message: Outgoing, place: Appended) {
        let Outgoing { uid, identity, content, flags, body, .. } = message;
        let known = place.at.filter(|(validity, _)| *validity == job.destination.validity);
        match known {
            Some((_, destination)) => self.mark(job, uid, destination, (identity, content), flags, body.len()).await,
            None => {
                let job = Arc::clone(job);
                self.unplaced.push(Unplaced { job, uid, identity, content, flags, bytes: body.len() });
            }
        }
    }

    async fn mark(&self, job: &Job, uid: Uid, to: Uid, who: (Identity, ContentHash), flags: Flags, bytes: u64) {
        let (identity, content) = who;
        let mark = Watermark {
            source: uid,
            destination_folder: job.id,
            destination: to,
            identity,
            content: Some(content),
            flags,
            origin: Origin::Copied,
        };
        self.pass.recorder.add(Entry::watermark(job.id, mark, copied(bytes))).await;
    }

    async fn end(&mut self, to: &mut dyn Destination, job: Arc<Job>, how: Ending) -> Flow<()> {
        if self.unsure.contains(&job.id) {
            return Ok(());
        }
        let under_way = |flying: &InFlight| matches!(flying, InFlight::Append(pending) if pending.job.id == job.id);
        if self.again.iter().any(|(of, _)| of.id == job.id) || self.in_flight.iter().any(under_way) {
            self.in_flight.push_back(InFlight::End { job, how });
            return Ok(());
        }
        self.place_all(to).await?;
        match how {
            Ending::Refused => self.backlog.look_again(&job, true, 0),
            Ending::GivenUp(failure) => {
                self.backlog.ended(job.id);
                self.pass.folder_failed(&mut Job::clone(&job), Side::Destination, failure).await?;
            }
            Ending::Read { .. } if self.refused.contains(&job.id) => {}
            Ending::Read { missing } if missing > 0 && job.looks < LOOKS => {
                self.backlog.look_again(&job, job.singly, missing);
            }
            Ending::Read { missing } => {
                self.pass.folder_done(&job, missing).await?;
                self.backlog.ended(job.id);
            }
        }
        Ok(())
    }

    /// Records without a number what landed and could not be looked up: it is there, and must not be sent again. A later
    /// pass that meets it finds its number.
    pub(super) async fn record_unplaced(&mut self) {
        for Unplaced { job, uid, identity, content, flags, bytes } in std::mem::take(&mut self.unplaced) {
            self.mark(&job, uid, Uid(0), (identity, content), flags, bytes).await;
        }
    }

    /// Looks up the numbers of appended messages at a server that does not tell them, and records them. A message that
    /// the server altered beyond recognition is recorded without a number.
    pub(super) async fn place_all(&mut self, to: &mut dyn Destination) -> Flow<()> {
        while let Some(first) = self.unplaced.first() {
            let job = Arc::clone(&first.job);
            self.pass.recorder.flush().await;
            let there = match self.appeared(to, &job).await {
                Ok(there) => there,
                Err(failure) if failure.scope <= Scope::Folder => Vec::new(),
                Err(failure) => return Err(Halt::Fatal(Trouble { side: Side::Destination, failure })),
            };
            let (mine, others): (Vec<_>, Vec<_>) =
                std::mem::take(&mut self.unplaced).into_iter().partition(|u| u.job.id == job.id);
            self.unplaced = others;
            let sent: Vec<Candidate> =
                mine.iter().map(|u| Candidate { uid: u.uid, identity: u.identity, size: 0 }).collect();
            let found = match_identities(&sent, &there);
            let mut pairs = found.pairs;
            for group in found.ambiguous {
                pairs.extend(group.sources.iter().zip(&group.destinations).map(|(s, d)| (s.uid, d.uid)));
            }
            pairs.sort_unstable();
            for Unplaced { job, uid, identity, content, flags, bytes } in mine {
                let at = pairs.binary_search_by_key(&uid, |pair| pair.0).map_or(Uid(0), |at| pairs[at].1);
                self.mark(&job, uid, at, (identity, content), flags, bytes).await;
            }
        }
        Ok(())
    }

    /// Messages of a destination folder, from the intent's floor on, that no watermark knows.
    async fn appeared(&self, to: &mut dyn Destination, job: &Job) -> Result<Vec<Candidate>, Failure> {
        let floor = job.open_intent.map_or(Uid(1), |intent| intent.floor);
        let known = self.pass.journal.known_at_destination(job.id).await.map_err(|error| {
            Failure::new(Cause::WorkspaceFailed, Scope::Mailbox, Retry::User, "reading the workspace")
                .saying(error.to_string())
        })?;
        let listing = to.scan(&job.destination, &Which::From(floor), false).await?;
        let strange: Vec<Uid> =
            listing.iter().map(|message| message.uid).filter(|uid| known.binary_search(uid).is_err()).collect();
        let mut found = Vec::new();
        for some in strange.chunks(HEADERS_AT_ONCE) {
            for header in to.headers(&job.destination, &Which::These(some.to_vec())).await? {
                let identity = match of_header(&header.header) {
                    FromHeader::Known(identity) => identity,
                    FromHeader::NeedsBytes => {
                        let mut stream = to.fetch(&job.destination, &Which::These(vec![header.uid])).await?;
                        match stream.recv().await {
                            Some(Fetched::Message(message)) => {
                                bytes::identity(&message.body).map_err(|error| spool_failed(&error))?
                            }
                            Some(Fetched::Broken(failure)) => return Err(failure),
                            Some(Fetched::Unreadable(..)) | None => continue,
                        }
                    }
                };
                found.push(Candidate { uid: header.uid, identity, size: 0 });
            }
        }
        Ok(found)
    }
}
