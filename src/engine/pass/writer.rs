//! The writing half of a lane: appends what the reading half hands over, many under way at once, in source order.
//!
//! Small messages go in batches where the server can (D21: on the servers measured, a batch costs the destination a
//! quarter of what its messages cost one by one); a refused batch is repeated singly. Answers come back in order. A
//! message counts as copied when its watermark is committed. Without UIDPLUS the new numbers are looked up before
//! anything is recorded (D9).

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use crate::domain::failure::{Cause, Failure, Retry, Scope, Side};
use crate::domain::flags::Flags;
use crate::domain::identity::{FromHeader, Identity, of_header};
use crate::domain::ids::{FolderId, Uid};
use crate::domain::matching::{Candidate, match_identities};
use crate::domain::message::{Body, Hold, InternalDate, NewMessage, SourceMessage};
use crate::domain::record::{Origin, Watermark};
use crate::endpoint::{AppendAnswer, Appended, Destination, Fetched, Which};
use crate::engine::pass::copy::{Backlog, next_expected};
use crate::engine::pass::finish::copied;
use crate::engine::pass::job::Job;
use crate::engine::pass::reader::Piece;
use crate::engine::pass::recorder::Entry;
use crate::engine::pass::resolve::spool_failed;
use crate::engine::pass::{Flow, Halt, Pass, Trouble, bytes};

/// Appends under way at once on one connection.
const UNDER_WAY: usize = 250;
/// Bytes of appends under way at once on one connection.
const BYTES_UNDER_WAY: u64 = 8 * 1024 * 1024;
/// Bytes of a batch; more gains nothing.
const BATCH_BYTES: u64 = 512 * 1024;
/// Messages of a batch: what a refusal makes go again.
const BATCH_MESSAGES: usize = 100;
/// A larger message goes by itself.
const BATCHED_BYTES: u64 = 128 * 1024;
/// How long a batch waits for more messages from a slow source.
const BATCH_WAIT: Duration = Duration::from_millis(5);
/// Without UIDPLUS: appended messages whose numbers are looked up together.
const LOOK_UP_AT: usize = 200;

/// How the copying of a lane ended early.
pub(super) struct Broke {
    pub halt: Halt,
    /// The messages of the first append without an answer: servers work in order, so the trouble is among them.
    pub suspects: Vec<(FolderId, Uid)>,
    /// The folder being read, and the message expected next.
    pub place: Option<(FolderId, Option<Uid>)>,
}

/// A message about to be sent, or on the wire.
struct Outgoing {
    uid: Uid,
    identity: Identity,
    flags: Flags,
    date: Option<InternalDate>,
    body: Body,
    hold: Option<Hold>,
}

/// One append on the wire.
struct Pending {
    job: Arc<Job>,
    messages: Vec<Outgoing>,
    answer: AppendAnswer,
}

impl Pending {
    fn bytes(&self) -> u64 {
        self.messages.iter().map(|message| message.body.len()).sum()
    }
}

enum InFlight {
    Append(Pending),
    /// Everything of this folder was sent; `vanished` of it never came.
    End {
        job: Arc<Job>,
        vanished: u64,
    },
}

/// An appended message whose number is not known yet (no UIDPLUS).
struct Unplaced {
    job: Arc<Job>,
    uid: Uid,
    identity: Identity,
    flags: Flags,
    bytes: u64,
}

/// The state of the writing half.
pub(super) struct Writer<'a> {
    pass: &'a Pass,
    backlog: &'a Backlog<'a>,
    /// Messages of the current folder that wait to go in one append, and until when.
    batch: Vec<Outgoing>,
    batch_bytes: u64,
    batch_until: Instant,
    in_flight: VecDeque<InFlight>,
    appends: usize,
    bytes: u64,
    unplaced: Vec<Unplaced>,
    /// The folder being read.
    current: Option<Arc<Job>>,
    came: u64,
    last: Option<Uid>,
    /// Folders refused midway: the rest of their pieces is passed over.
    refused: BTreeSet<FolderId>,
    /// Folders with an append of which nobody can tell whether it landed.
    unsure: BTreeSet<FolderId>,
    /// The messages of the first such append.
    suspects: Vec<(FolderId, Uid)>,
    /// The connection broke while these were being sent.
    half_sent: Vec<(FolderId, Uid)>,
}

impl<'a> Writer<'a> {
    pub fn new(pass: &'a Pass, backlog: &'a Backlog<'a>) -> Self {
        Self {
            pass,
            backlog,
            batch: Vec::new(),
            batch_bytes: 0,
            batch_until: Instant::now(),
            in_flight: VecDeque::new(),
            appends: 0,
            bytes: 0,
            unplaced: Vec::new(),
            current: None,
            came: 0,
            last: None,
            refused: BTreeSet::new(),
            unsure: BTreeSet::new(),
            suspects: Vec::new(),
            half_sent: Vec::new(),
        }
    }

    /// Writes until the pieces end. Whatever the end, every append that was answered is handed to the recorder.
    pub async fn write(&mut self, to: &mut dyn Destination, mut pieces: mpsc::Receiver<Piece>) -> Result<(), Broke> {
        let pass = self.pass;
        let ended = loop {
            let piece = tokio::select! {
                biased;
                () = pass.quit.cancelled() => break Err(Halt::Stopped),
                () = pass.recorder.failed().cancelled() => break Err(Halt::Stopped),
                piece = pieces.recv() => piece,
                () = sleep_until(self.batch_until), if !self.batch.is_empty() => match self.send_batch(to).await {
                    Ok(()) => continue,
                    Err(halt) => break Err(halt),
                },
                // Answers are taken in while the source is slower than the destination.
                settled = Self::front(&mut self.in_flight), if !self.in_flight.is_empty() => {
                    match self.settled(to, settled).await {
                        Ok(()) => continue,
                        Err(halt) => break Err(halt),
                    }
                }
            };
            match piece {
                None => break self.send_batch(to).await,
                Some(piece) => {
                    if let Err(halt) = self.piece(to, piece).await {
                        break Err(halt);
                    }
                }
            }
        };
        self.conclude(to, ended).await
    }

    /// Appends that have begun end, whatever the reason (D23): a server may still take what is on its way to it, and
    /// nothing may be looked for before. A destination that broke answers the rest with its failure at once.
    async fn conclude(&mut self, to: &mut dyn Destination, ended: Flow<()>) -> Result<(), Broke> {
        let place = self.current.as_ref().map(|job| (job.id, next_expected(job, self.last)));
        let mut halt = ended;
        while !self.in_flight.is_empty() {
            let settled = Self::front(&mut self.in_flight).await;
            if let Err(next) = self.settled(to, settled).await {
                // The first failure is the reason; later ones are its consequences.
                if halt.is_ok() || matches!(halt, Err(Halt::Stopped)) {
                    halt = Err(next);
                }
            }
        }
        let mut suspects = std::mem::take(&mut self.suspects);
        if suspects.is_empty() {
            suspects = std::mem::take(&mut self.half_sent);
        }
        if self.unsure.is_empty() {
            // Found again by its intent if this fails.
            let _ = self.place_all(to).await;
        }
        halt.map_err(|halt| Broke { halt, suspects, place })
    }

    async fn piece(&mut self, to: &mut dyn Destination, piece: Piece) -> Flow<()> {
        match piece {
            Piece::Begin(job) => {
                self.pass.working(job.id);
                (self.current, self.came, self.last) = (Some(job), 0, None);
                Ok(())
            }
            Piece::Fetched(Fetched::Message(message)) => self.message(to, message).await,
            Piece::Fetched(Fetched::Unreadable(uid, failure)) => {
                let Some(job) = self.current.clone() else { return Ok(()) };
                self.arrived(uid);
                self.pass.message_failed(&job, uid, None, None, failure).await
            }
            Piece::Fetched(Fetched::Broken(failure)) => Err(Halt::Fatal(Trouble { side: Side::Source, failure })),
            Piece::Refused(failure) => match self.current.clone() {
                Some(job) => self.refuse(to, &job, failure).await,
                None => Ok(()),
            },
            Piece::End => {
                self.send_batch(to).await?;
                if let Some(job) = self.current.take()
                    && !self.refused.contains(&job.id)
                {
                    let vanished = job.expected().saturating_sub(self.came);
                    self.in_flight.push_back(InFlight::End { job, vanished });
                }
                Ok(())
            }
        }
    }

    fn arrived(&mut self, uid: Uid) {
        self.came += 1;
        self.last = Some(uid);
    }

    async fn message(&mut self, to: &mut dyn Destination, message: SourceMessage) -> Flow<()> {
        let Some(job) = self.current.clone().filter(|job| !self.refused.contains(&job.id)) else { return Ok(()) };
        self.arrived(message.uid);
        let SourceMessage { uid, flags, date, body, hold } = message;
        let identity = bytes::identity(&body)
            .map_err(|error| Halt::Fatal(Trouble { side: Side::Source, failure: spool_failed(&error) }))?;
        let outgoing = Outgoing { uid, identity, flags, date, body, hold };
        let limits = to.limits();
        let len = outgoing.body.len();
        let careful = job.is_careful(uid);
        let batched =
            limits.batches && !careful && len <= BATCHED_BYTES && limits.message_bytes.is_none_or(|l| len <= l);
        if !batched {
            self.send_batch(to).await?;
            self.send(to, &job, vec![outgoing], careful).await?;
            return if careful { self.make_room(to, 0, 0).await } else { Ok(()) };
        }
        if self.batch.is_empty() {
            self.batch_until = Instant::now() + BATCH_WAIT;
        }
        self.batch.push(outgoing);
        self.batch_bytes += len;
        let full = self.batch_bytes >= BATCH_BYTES || self.batch.len() >= BATCH_MESSAGES;
        if full { self.send_batch(to).await } else { Ok(()) }
    }

    /// Sends what waits for company.
    async fn send_batch(&mut self, to: &mut dyn Destination) -> Flow<()> {
        self.batch_bytes = 0;
        let messages = std::mem::take(&mut self.batch);
        match self.current.clone().filter(|_| !messages.is_empty()) {
            Some(job) => self.send(to, &job, messages, false).await,
            None => Ok(()),
        }
    }

    async fn send(
        &mut self,
        to: &mut dyn Destination,
        job: &Arc<Job>,
        mut messages: Vec<Outgoing>,
        careful: bool,
    ) -> Flow<()> {
        let bytes: u64 = messages.iter().map(|message| message.body.len()).sum();
        self.make_room(to, if careful { 0 } else { UNDER_WAY - 1 }, bytes).await?;
        // Answers that came meanwhile may have ended the folder.
        if self.refused.contains(&job.id) {
            return Ok(());
        }
        if self.pass.quit.is_cancelled() {
            return Err(Halt::Stopped);
        }
        let new = |message: &Outgoing| NewMessage {
            flags: message.flags.allowed_by(&job.permanent),
            date: message.date.clone(),
            body: message.body.clone(),
            hold: message.hold.clone(),
        };
        match to.append(&job.destination, messages.iter().map(new).collect()).await {
            Ok(answer) => {
                self.appends += 1;
                self.bytes += bytes;
                self.in_flight.push_back(InFlight::Append(Pending { job: Arc::clone(job), messages, answer }));
                Ok(())
            }
            Err(failure) => {
                if failure.breaks_connection() {
                    self.half_sent = messages.iter().map(|message| (job.id, message.uid)).collect();
                    self.unsure.insert(job.id);
                }
                match messages.pop().filter(|_| messages.is_empty()) {
                    Some(single) => self.append_failed(to, job, &single, failure).await,
                    None => Err(Halt::Fatal(Trouble { side: Side::Destination, failure })),
                }
            }
        }
    }

    async fn append_failed(
        &mut self,
        to: &mut dyn Destination,
        job: &Arc<Job>,
        message: &Outgoing,
        failure: Failure,
    ) -> Flow<()> {
        if Pass::is_message_error(&failure) {
            let Outgoing { uid, body, date, .. } = message;
            return self.pass.message_failed(job, *uid, Some(body), date.as_ref(), failure).await;
        }
        if failure.scope <= Scope::Folder && matches!(failure.retry, Retry::Never | Retry::User) {
            return self.refuse(to, job, failure).await;
        }
        Err(Halt::Fatal(Trouble { side: Side::Destination, failure }))
    }

    /// The folder cannot be worked on any further.
    async fn refuse(&mut self, to: &mut dyn Destination, job: &Arc<Job>, failure: Failure) -> Flow<()> {
        if !self.refused.insert(job.id) {
            return Ok(());
        }
        // What is on the wire may still succeed; what does not is refused already and passed over.
        self.make_room(to, 0, 0).await?;
        self.place_all(to).await?;
        let mut ended = Job::clone(job);
        self.backlog.ended(job.id);
        self.pass.folder_failed(&mut ended, failure).await
    }

    /// Takes in answers until no more than so many appends, and so many bytes, are under way.
    async fn make_room(&mut self, to: &mut dyn Destination, appends: usize, bytes: u64) -> Flow<()> {
        while self.appends > appends || (self.appends > 0 && self.bytes + bytes > BYTES_UNDER_WAY) {
            let settled = Self::front(&mut self.in_flight).await;
            Box::pin(self.settled(to, settled)).await?;
        }
        Ok(())
    }

    /// Waits for the answer to the oldest. It stays at the front until [`Writer::settled`] takes it, so that dropping
    /// this future loses nothing.
    async fn front(in_flight: &mut VecDeque<InFlight>) -> Result<Vec<Appended>, Failure> {
        match in_flight.front_mut() {
            Some(InFlight::Append(pending)) => (&mut pending.answer).await.unwrap_or_else(|_| {
                Err(Failure::new(Cause::ConnectionLost, Scope::Connection, Retry::Backoff, "waiting for an answer"))
            }),
            Some(InFlight::End { .. }) | None => Ok(Vec::new()),
        }
    }

    async fn settled(&mut self, to: &mut dyn Destination, answer: Result<Vec<Appended>, Failure>) -> Flow<()> {
        let mut pending = match self.in_flight.pop_front() {
            Some(InFlight::Append(pending)) => pending,
            Some(InFlight::End { job, vanished }) => return self.end(to, &job, vanished).await,
            None => return Ok(()),
        };
        self.appends -= 1;
        self.bytes -= pending.bytes();
        match answer {
            Ok(places) => {
                let places = places.into_iter().chain(std::iter::repeat(Appended { at: None }));
                for (message, place) in std::mem::take(&mut pending.messages).into_iter().zip(places) {
                    self.landed(&pending.job, message, place).await;
                }
                if self.unplaced.len() >= LOOK_UP_AT && self.appends == 0 { self.place_all(to).await } else { Ok(()) }
            }
            Err(failure) if failure.scope <= Scope::Folder && Self::lasting(&failure) => {
                if self.refused.contains(&pending.job.id) {
                    return Ok(());
                }
                match pending.messages.as_slice() {
                    [single] => self.append_failed(to, &pending.job, single, failure).await,
                    _ => self.send_singly(to, pending).await,
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

    /// A refused batch stored nothing: its messages go again one by one. They come after what is already on the wire,
    /// which is the one case in which the order of the source is not kept.
    async fn send_singly(&mut self, to: &mut dyn Destination, refused: Pending) -> Flow<()> {
        for message in refused.messages {
            Box::pin(self.send(to, &refused.job, vec![message], false)).await?;
        }
        Ok(())
    }

    /// Whether a refusal will not pass by waiting.
    fn lasting(failure: &Failure) -> bool {
        matches!(failure.retry, Retry::Never | Retry::User)
    }

    async fn landed(&mut self, job: &Arc<Job>, message: Outgoing, place: Appended) {
        let Outgoing { uid, identity, flags, body, .. } = message;
        let known = place.at.filter(|(validity, _)| *validity == job.destination.validity);
        match known {
            Some((_, destination)) => self.mark(job, uid, destination, identity, flags, body.len()).await,
            None => {
                let job = Arc::clone(job);
                self.unplaced.push(Unplaced { job, uid, identity, flags, bytes: body.len() });
            }
        }
    }

    async fn mark(&self, job: &Job, uid: Uid, to: Uid, identity: Identity, flags: Flags, bytes: u64) {
        let mark = Watermark {
            source: uid,
            destination_folder: job.id,
            destination: to,
            identity,
            flags,
            origin: Origin::Copied,
        };
        self.pass.recorder.add(Entry::watermark(job.id, mark, copied(bytes))).await;
    }

    /// Looks up the numbers of appended messages at a server that does not tell them, and records them. A message that
    /// the server altered beyond recognition is recorded without a number: it is there, and must not be sent again.
    async fn place_all(&mut self, to: &mut dyn Destination) -> Flow<()> {
        while let Some(first) = self.unplaced.first() {
            let job = Arc::clone(&first.job);
            let (mine, others): (Vec<_>, Vec<_>) =
                std::mem::take(&mut self.unplaced).into_iter().partition(|u| u.job.id == job.id);
            self.unplaced = others;
            self.pass.recorder.flush().await;
            let there = match self.appeared(to, &job).await {
                Ok(there) => there,
                Err(failure) => {
                    // Nothing of it is recorded: the intent leads back here.
                    return Err(Halt::Fatal(Trouble { side: Side::Destination, failure }));
                }
            };
            let sent: Vec<Candidate> =
                mine.iter().map(|u| Candidate { uid: u.uid, identity: u.identity, size: 0 }).collect();
            let found = match_identities(&sent, &there);
            let mut pairs = found.pairs;
            for group in found.ambiguous {
                pairs.extend(group.sources.iter().zip(&group.destinations).map(|(s, d)| (s.uid, d.uid)));
            }
            pairs.sort_unstable();
            for Unplaced { job, uid, identity, flags, bytes } in mine {
                let at = pairs.binary_search_by_key(&uid, |pair| pair.0).map_or(Uid(0), |at| pairs[at].1);
                self.mark(&job, uid, at, identity, flags, bytes).await;
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
        let from = known.last().map_or(floor, |last| floor.max(Uid(last.0 + 1)));
        let mut found = Vec::new();
        for header in to.headers(&job.destination, &Which::From(from)).await? {
            let identity = match of_header(&header.header) {
                FromHeader::Known(identity) => identity,
                FromHeader::NeedsBytes => {
                    let mut stream = to.fetch(&job.destination, &Which::These(vec![header.uid])).await?;
                    let Some(Fetched::Message(message)) = stream.recv().await else { continue };
                    bytes::identity(&message.body).map_err(|error| spool_failed(&error))?
                }
            };
            found.push(Candidate { uid: header.uid, identity, size: 0 });
        }
        Ok(found)
    }

    async fn end(&mut self, to: &mut dyn Destination, job: &Arc<Job>, vanished: u64) -> Flow<()> {
        if self.unsure.contains(&job.id) || self.refused.contains(&job.id) {
            return Ok(());
        }
        self.place_all(to).await?;
        self.pass.folder_done(job, vanished).await?;
        self.backlog.ended(job.id);
        Ok(())
    }
}
