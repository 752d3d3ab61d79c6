//! The writing half of a lane: appends what the reading half hands over, many under way at once, in source order.
//!
//! Answers come back in order. A message counts as copied when its watermark is committed. Without UIDPLUS the new
//! numbers are looked up before anything is recorded (D9).

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use tokio::sync::mpsc;

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
/// Without UIDPLUS: appended messages whose numbers are looked up together.
const LOOK_UP_AT: usize = 200;

/// How the copying of a lane ended early.
pub(super) struct Broke {
    pub halt: Halt,
    /// Messages without an answer, in the order in which they were sent.
    pub wire: Vec<(FolderId, Uid)>,
    /// The folder being read, and the message expected next.
    pub place: Option<(FolderId, Option<Uid>)>,
}

/// A message on the wire.
struct Pending {
    job: Arc<Job>,
    uid: Uid,
    identity: Identity,
    flags: Flags,
    date: Option<InternalDate>,
    body: Body,
    _hold: Option<Hold>,
    answer: AppendAnswer,
}

enum InFlight {
    Append(Box<Pending>),
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
    /// Sent, and answered in a way that leaves open whether they landed.
    unsure: Vec<(FolderId, Uid)>,
    /// The connection broke while this one was being sent.
    half_sent: Option<(FolderId, Uid)>,
}

impl<'a> Writer<'a> {
    pub fn new(pass: &'a Pass, backlog: &'a Backlog<'a>) -> Self {
        Self {
            pass,
            backlog,
            in_flight: VecDeque::new(),
            appends: 0,
            bytes: 0,
            unplaced: Vec::new(),
            current: None,
            came: 0,
            last: None,
            refused: BTreeSet::new(),
            unsure: Vec::new(),
            half_sent: None,
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
                // Answers are taken in while the source is slower than the destination.
                settled = Self::front(&mut self.in_flight), if !self.in_flight.is_empty() => {
                    match self.settled(to, settled).await {
                        Ok(()) => continue,
                        Err(halt) => break Err(halt),
                    }
                }
            };
            match piece {
                None => break Ok(()),
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
        let wire: Vec<_> = std::mem::take(&mut self.unsure).into_iter().chain(self.half_sent.take()).collect();
        if wire.is_empty() {
            // Found again by its intent if this fails.
            let _ = self.place_all(to).await;
        }
        halt.map_err(|halt| Broke { halt, wire, place })
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
        let careful = job.is_careful(uid);
        self.make_room(to, if careful { 0 } else { UNDER_WAY - 1 }, body.len()).await?;
        if self.pass.quit.is_cancelled() {
            return Err(Halt::Stopped);
        }
        let new = NewMessage {
            flags: flags.allowed_by(&job.permanent),
            date: date.clone(),
            body: body.clone(),
            hold: hold.clone(),
        };
        match to.append(&job.destination, new).await {
            Ok(answer) => {
                self.appends += 1;
                self.bytes += body.len();
                let pending = Pending { job, uid, identity, flags, date, body, _hold: hold, answer };
                self.in_flight.push_back(InFlight::Append(Box::new(pending)));
                if careful { self.make_room(to, 0, 0).await } else { Ok(()) }
            }
            Err(failure) => {
                if failure.breaks_connection() {
                    self.half_sent = Some((job.id, uid));
                }
                self.append_failed(to, &job, uid, &body, date.as_ref(), failure).await
            }
        }
    }

    async fn append_failed(
        &mut self,
        to: &mut dyn Destination,
        job: &Arc<Job>,
        uid: Uid,
        body: &Body,
        date: Option<&InternalDate>,
        failure: Failure,
    ) -> Flow<()> {
        if Pass::is_message_error(&failure) {
            return self.pass.message_failed(job, uid, Some(body), date, failure).await;
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
    async fn front(in_flight: &mut VecDeque<InFlight>) -> Result<Appended, Failure> {
        match in_flight.front_mut() {
            Some(InFlight::Append(pending)) => (&mut pending.answer).await.unwrap_or_else(|_| {
                Err(Failure::new(Cause::ConnectionLost, Scope::Connection, Retry::Backoff, "waiting for an answer"))
            }),
            Some(InFlight::End { .. }) | None => Ok(Appended { at: None }),
        }
    }

    async fn settled(&mut self, to: &mut dyn Destination, answer: Result<Appended, Failure>) -> Flow<()> {
        let pending = match self.in_flight.pop_front() {
            Some(InFlight::Append(pending)) => *pending,
            Some(InFlight::End { job, vanished }) => return self.end(to, &job, vanished).await,
            None => return Ok(()),
        };
        match answer {
            Ok(appended) => {
                self.appends -= 1;
                self.bytes -= pending.body.len();
                self.landed(pending, appended).await;
                if self.unplaced.len() >= LOOK_UP_AT && self.appends == 0 { self.place_all(to).await } else { Ok(()) }
            }
            Err(failure) if failure.scope <= Scope::Folder && Self::lasting(&failure) => {
                self.appends -= 1;
                self.bytes -= pending.body.len();
                let Pending { job, uid, body, date, .. } = pending;
                if self.refused.contains(&job.id) {
                    return Ok(());
                }
                self.append_failed(to, &job, uid, &body, date.as_ref(), failure).await
            }
            Err(failure) => {
                // Nobody can tell whether it landed: it is looked for before it is sent again.
                self.unsure.push((pending.job.id, pending.uid));
                Err(Halt::Fatal(Trouble { side: Side::Destination, failure }))
            }
        }
    }

    /// Whether a refusal will not pass by waiting.
    fn lasting(failure: &Failure) -> bool {
        matches!(failure.retry, Retry::Never | Retry::User)
    }

    async fn landed(&mut self, pending: Pending, appended: Appended) {
        let Pending { job, uid, identity, flags, body, .. } = pending;
        let known = appended.at.filter(|(validity, _)| *validity == job.destination.validity);
        match known {
            Some((_, destination)) => self.mark(&job, uid, destination, identity, flags, body.len()).await,
            None => self.unplaced.push(Unplaced { job, uid, identity, flags, bytes: body.len() }),
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
        let open = self.unsure.iter().chain(&self.half_sent).any(|(folder, _)| *folder == job.id);
        if open || self.refused.contains(&job.id) {
            return Ok(());
        }
        self.place_all(to).await?;
        self.pass.folder_done(job, vanished).await?;
        self.backlog.ended(job.id);
        Ok(())
    }
}
