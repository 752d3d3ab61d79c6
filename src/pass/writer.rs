//! The writing half of a lane: appends what the reading half hands over, many under way at once, in source order.
//!
//! Small messages go in batches where the server can (D21: on the servers measured, a batch costs the destination a
//! quarter of what its messages cost one by one). Answers are taken in by [`super::answers`]. A message counts as copied
//! when its watermark is committed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use crate::domain::failure::{Failure, Scope, Side};
use crate::domain::folder::WireName;
use crate::domain::ids::{FolderId, Uid};
use crate::domain::message::{NewMessage, SourceMessage};
use crate::endpoint::{Destination, Fetched};
use crate::pass::arrivals::Arrivals;
use crate::pass::backlog::{Backlog, next_expected};
use crate::pass::batch::Batch;
use crate::pass::finish::{SeenOf, not_compared, not_shown};
use crate::pass::flight::{Broke, Broken, Ending, InFlight, Outgoing, PendingAppend, Unplaced};
use crate::pass::job::{Job, Sent};
use crate::pass::notes::Notes;
use crate::pass::pulse::{Pulse, Sizes};
use crate::pass::reader::ReadEvent;
use crate::pass::resolve::spool_failed;
use crate::pass::sent_flags::{SentFlags, Tried};
use crate::pass::{Pass, PassResult, PassStop, SideFailure, bytes};

/// Appends under way at once on one connection.
const UNDER_WAY: usize = 250;
/// Bytes of appends under way at once on one connection.
const BYTES_UNDER_WAY: u64 = 8 * 1024 * 1024;
/// Without UIDPLUS: appended messages whose numbers are looked up together.
pub(super) const LOOK_UP_AT: usize = 200;

/// The folder being read.
#[derive(Default)]
pub(super) struct Reading {
    pub job: Option<Arc<Job>>,
    came: u64,
    last: Option<Uid>,
}

/// What was written out and is not settled.
pub(super) struct Wire {
    pub in_flight: VecDeque<InFlight>,
    pub appends: usize,
    pub bytes: u64,
    pub unplaced: Vec<Unplaced>,
    /// How many of them came since they were looked up last.
    pub unseen: usize,
    /// Written out and not answered before the connection broke.
    pub sent: Vec<(FolderId, Sent)>,
    /// How quick the server's answers are.
    pub pulse: Pulse,
}

/// What went wrong with appends.
#[derive(Default)]
pub(super) struct Refusals {
    /// Messages of refused batches, to go one by one before anything else.
    pub again: VecDeque<(Arc<Job>, Outgoing)>,
    /// How often was waited for a folder that was said to be missing.
    pub patience: BTreeMap<FolderId, u32>,
    /// Folders of which a batch was refused: before its messages go again, they are looked for.
    pub doubted: BTreeSet<FolderId>,
    /// Folders given up or ended midway: the rest of their pieces is passed over.
    pub refused: BTreeSet<FolderId>,
    /// Folders with an append of which nobody can tell whether it landed.
    pub unsure: BTreeSet<FolderId>,
    /// The messages of the first such append.
    pub suspects: Vec<(FolderId, Uid)>,
    /// The connection broke while these were being sent.
    half_sent: Vec<(FolderId, Uid)>,
}

/// The state of the writing half.
pub(super) struct AppendWriter<'a> {
    pub(super) pass: &'a Pass,
    pub(super) backlog: &'a Backlog<'a>,
    pub(super) batch: Batch,
    pub(super) reading: Reading,
    pub(super) wire: Wire,
    pub(super) refusals: Refusals,
    /// What is in the destination folders of this lane since their intents.
    pub(super) arrivals: BTreeMap<WireName, Arrivals>,
    /// What is to be said of the folders under way.
    pub(super) notes: BTreeMap<FolderId, Notes>,
    /// How the server keeps what it is sent.
    pub(super) sizes: Sizes,
    /// Copies whose flags are to be looked at.
    pub(super) tried: BTreeMap<FolderId, Vec<Tried>>,
}

impl<'a> AppendWriter<'a> {
    pub fn new(pass: &'a Pass, backlog: &'a Backlog<'a>) -> Self {
        Self {
            pass,
            backlog,
            batch: Batch::new(),
            reading: Reading::default(),
            wire: Wire {
                in_flight: VecDeque::new(),
                appends: 0,
                bytes: 0,
                unplaced: Vec::new(),
                unseen: 0,
                sent: Vec::new(),
                pulse: Pulse::new(),
            },
            refusals: Refusals::default(),
            arrivals: BTreeMap::new(),
            notes: BTreeMap::new(),
            sizes: Sizes::default(),
            tried: BTreeMap::new(),
        }
    }

    /// Writes until the pieces end. Whatever the end, every append that was answered is handed to the recorder.
    pub async fn write(
        &mut self,
        to: &mut dyn Destination,
        mut pieces: mpsc::Receiver<ReadEvent>,
    ) -> Result<(), Broke> {
        let ended = self.take_pieces(to, &mut pieces).await;
        let ended = match ended {
            Ok(()) => self.finish(to).await,
            halted => halted,
        };
        self.conclude(to, ended).await
    }

    async fn take_pieces(
        &mut self,
        to: &mut dyn Destination,
        pieces: &mut mpsc::Receiver<ReadEvent>,
    ) -> PassResult<()> {
        let pass = self.pass;
        loop {
            if self.send_next_again(to).await? {
                continue;
            }
            // What waits for a batch's answer waits together.
            let waits = self.batch.waits().filter(|_| !self.batch_under_way());
            let piece = tokio::select! {
                biased;
                () = pass.quit.cancelled() => return Err(PassStop::Stopped),
                () = pass.recorder.failed().cancelled() => return Err(PassStop::Stopped),
                piece = pieces.recv() => piece,
                () = sleep_until(waits.unwrap_or_else(Instant::now)), if waits.is_some() => {
                    self.send_batch(to).await?;
                    continue;
                }
                // Answers are taken in while the source is slower than the destination.
                answer = Self::front(&mut self.wire.in_flight), if !self.wire.in_flight.is_empty() => {
                    self.settled(to, answer).await?;
                    continue;
                }
            };
            match piece {
                None => return Ok(()),
                Some(piece) => self.piece(to, piece).await?,
            }
        }
    }

    /// Sends the next message of a refused batch, if there is one. A server may refuse a batch and have stored of it all the
    /// same: its messages are looked for first.
    pub(super) async fn send_next_again(&mut self, to: &mut dyn Destination) -> PassResult<bool> {
        let Some((job, _)) = self.refusals.again.front() else { return Ok(false) };
        let job = Arc::clone(job);
        if self.refusals.doubted.contains(&job.id) {
            self.make_room(to, 0, 0).await?;
            self.find_refused(to, &job).await?;
            return Ok(true);
        }
        let Some((job, message)) = self.refusals.again.pop_front() else { return Ok(false) };
        self.be_patient(job.id, message.waited).await;
        let sent = self.send(to, &job, vec![message], false).await;
        if sent.is_err() {
            // It may not have gone out: its folder must not end without it.
            self.refusals.unsure.insert(job.id);
        }
        sent.map(|()| true)
    }

    /// Everything was handed over: it goes out, and every answer comes in.
    async fn finish(&mut self, to: &mut dyn Destination) -> PassResult<()> {
        self.send_batch(to).await?;
        loop {
            if self.send_next_again(to).await? {
                continue;
            }
            if self.wire.in_flight.is_empty() {
                return self.look_at_sizes(to).await;
            }
            let answer = Self::front(&mut self.wire.in_flight).await;
            self.settled(to, answer).await?;
        }
    }

    /// Appends that have begun end, whatever the reason (D23): a server may still take what is on its way to it, and
    /// nothing may be looked for before. A destination that broke answers the rest with its failure at once.
    async fn conclude(&mut self, to: &mut dyn Destination, ended: PassResult<()>) -> Result<(), Broke> {
        let place = self.reading.job.as_ref().map(|job| (job.id, next_expected(job, self.reading.last)));
        let mut halt = ended;
        // What was to go again does not: its folders stay open.
        self.refusals.unsure.extend(self.refusals.again.drain(..).map(|(job, _)| job.id));
        while !self.wire.in_flight.is_empty() {
            let answer = Self::front(&mut self.wire.in_flight).await;
            let settled = self.settled(to, answer).await;
            self.refusals.unsure.extend(self.refusals.again.drain(..).map(|(job, _)| job.id));
            if let Err(next) = settled {
                // The first failure is the reason; later ones are its consequences.
                if halt.is_ok() || matches!(halt, Err(PassStop::Stopped)) {
                    halt = Err(next);
                }
            }
        }
        let mut suspects = std::mem::take(&mut self.refusals.suspects);
        if suspects.is_empty() {
            suspects = std::mem::take(&mut self.refusals.half_sent);
        }
        // What cannot be looked up is not recorded: it lies above the floor of its intent, where the next look finds it.
        if let Err(next) = self.place_all(to).await
            && halt.is_ok()
        {
            halt = Err(next);
        }
        let there_broke = matches!(&halt, Err(PassStop::Fatal(trouble)) if trouble.side == Side::Destination);
        if halt.is_err() && !there_broke {
            // What is not known of the server when a pass goes on is the worse for it; what does not come now does not matter.
            if let Err(trouble) = self.look_at_sizes(to).await {
                tracing::debug!(?trouble, "sizes of the last copies not looked at");
            }
        }
        self.say_all_notes().await;
        if let Err(next) = self.learn().await
            && halt.is_ok()
        {
            halt = Err(next);
        }
        if let Some(job) = self.backlog.opened().first() {
            self.pass.tell_room(to, Some(&job.plan.destination), &mut halt).await;
        }
        let answered = |one: &Unplaced| (one.job.id, Sent { uid: one.uid, identity: one.identity, answered: true });
        let landed = self.wire.unplaced.drain(..).map(|one| answered(&one));
        let sent: Vec<(FolderId, Sent)> = landed.chain(std::mem::take(&mut self.wire.sent)).collect();
        let wire = self.wire.pulse.on_wire();
        halt.map_err(|halt| Broke { halt, broken: Broken { suspects, place, sent, wire } })
    }

    async fn piece(&mut self, to: &mut dyn Destination, piece: ReadEvent) -> PassResult<()> {
        match piece {
            ReadEvent::Begin(job) => {
                self.pass.working(job.id);
                self.refusals.refused.remove(&job.id);
                (self.reading.job, self.reading.came, self.reading.last) = (Some(job), 0, None);
                Ok(())
            }
            ReadEvent::Fetched(Fetched::Message(message)) => self.message(to, message).await,
            ReadEvent::Fetched(Fetched::Unreadable(uid, failure)) => {
                let Some(job) = self.reading() else { return Ok(()) };
                self.arrived(uid);
                self.pass
                    .message_failed(&job, uid, SeenOf::default(), SideFailure { side: Side::Source, failure })
                    .await
            }
            ReadEvent::Fetched(Fetched::Broken(failure)) => {
                // What came before it goes out: a message at which the source breaks is known by its neighbours.
                self.send_batch(to).await?;
                Err(PassStop::Fatal(SideFailure { side: Side::Source, failure }))
            }
            ReadEvent::Over(trouble) => {
                self.send_batch(to).await?;
                Err(PassStop::Fatal(trouble))
            }
            ReadEvent::Refused(failure) => {
                self.send_batch(to).await?;
                if let Some(job) = self.reading() {
                    tracing::info!(folder = %job.path, %failure, "messages refused together; reading them one by one");
                    self.refusals.refused.insert(job.id);
                    self.wire.in_flight.push_back(InFlight::End { job, how: Ending::Refused });
                }
                Ok(())
            }
            ReadEvent::End => {
                self.send_batch(to).await?;
                if let Some(job) = self.reading() {
                    let missing = job.expected().saturating_sub(self.reading.came);
                    self.wire.in_flight.push_back(InFlight::End { job, how: Ending::Read { missing } });
                }
                self.reading.job = None;
                Ok(())
            }
        }
    }

    /// The folder being read, unless the rest of it is passed over.
    fn reading(&self) -> Option<Arc<Job>> {
        self.reading.job.clone().filter(|job| !self.refusals.refused.contains(&job.id))
    }

    fn arrived(&mut self, uid: Uid) {
        self.reading.came += 1;
        self.reading.last = Some(uid);
    }

    async fn message(&mut self, to: &mut dyn Destination, message: SourceMessage) -> PassResult<()> {
        let Some(job) = self.reading() else { return Ok(()) };
        if self.pass.asks_again(&job, &message) {
            return Ok(());
        }
        self.arrived(message.uid);
        let SourceMessage { uid, flags, date, body, hold, .. } = message;
        if job.is_uncompared(uid) {
            let trouble = match job.suspicion.hidden.contains(&uid) {
                true => SideFailure {
                    side: Side::Destination,
                    failure: not_shown("it lists a message that it does not hand out"),
                },
                false => SideFailure { side: Side::Source, failure: not_compared() },
            };
            return self
                .pass
                .message_failed(&job, uid, SeenOf { body: Some(&body), date: date.as_ref() }, trouble)
                .await;
        }
        let spool = |error| PassStop::Fatal(SideFailure { side: Side::Source, failure: spool_failed(&error) });
        let identity = bytes::identity(&body).map_err(spool)?;
        let content = bytes::content(&body).map_err(spool)?;
        let heading = if date.is_none() { bytes::date_of_heading(&body) } else { None };
        let outgoing = Outgoing {
            uid,
            identity,
            content,
            cleaned: None,
            flags,
            marks: SentFlags::All,
            dated_by_heading: heading.is_some(),
            date: self.pass.findings.dates.form(date.or(heading)),
            waited: 0,
            body,
            hold,
            plainly: false,
        };
        let limits = to.limits();
        let len = outgoing.body.len();
        let careful = job.suspicion.suspects.is_careful(uid);
        let batched =
            limits.batch > 1 && !careful && self.batch.suits(len) && limits.message_bytes.is_none_or(|l| len <= l);
        if !batched {
            self.send_batch(to).await?;
            self.in_turn(to, &job).await?;
            self.send(to, &job, vec![outgoing], careful).await?;
            return if careful { self.make_room(to, 0, 0).await } else { Ok(()) };
        }
        if self.batch.add(outgoing, limits.batch) { self.send_batch(to).await } else { Ok(()) }
    }

    /// Sends what waits for company.
    async fn send_batch(&mut self, to: &mut dyn Destination) -> PassResult<()> {
        let messages = self.batch.take();
        match self.reading.job.clone().filter(|_| !messages.is_empty()) {
            Some(job) => {
                self.in_turn(to, &job).await?;
                self.send(to, &job, messages, false).await
            }
            None => Ok(()),
        }
    }

    async fn send(
        &mut self,
        to: &mut dyn Destination,
        job: &Arc<Job>,
        mut messages: Vec<Outgoing>,
        careful: bool,
    ) -> PassResult<()> {
        let bytes: u64 = messages.iter().map(|message| message.body.len()).sum();
        self.make_room(to, if careful { 0 } else { UNDER_WAY - 1 }, bytes).await?;
        self.keep_pace(to).await?;
        if self.wire.unseen >= LOOK_UP_AT {
            self.make_room(to, 0, 0).await?;
            self.place_all(to).await?;
        }
        // Answers that came meanwhile may have ended the folder.
        if self.refusals.refused.contains(&job.id) {
            return Ok(());
        }
        if self.pass.quit.is_cancelled() || self.pass.recorder.failed().is_cancelled() {
            return Err(PassStop::Stopped);
        }
        let new = |message: &Outgoing| NewMessage {
            flags: message.marks.of(&message.flags.allowed_by(&job.plan.permanent)),
            date: message.date.clone(),
            body: message.body.clone(),
            hold: message.hold.clone(),
            plainly: message.plainly,
        };
        match to.append(&job.plan.destination, messages.iter().map(new).collect()).await {
            Ok(answer) => {
                self.wire.appends += 1;
                self.wire.bytes += bytes;
                self.wire.pulse.sent(self.wire.appends);
                self.wire.in_flight.push_back(InFlight::Append(PendingAppend {
                    job: Arc::clone(job),
                    messages,
                    answer,
                    went: Instant::now(),
                }));
                Ok(())
            }
            Err(failure) => {
                if failure.scope > Scope::Folder {
                    self.refusals.half_sent = messages.iter().map(|message| (job.id, message.uid)).collect();
                    self.refusals.unsure.insert(job.id);
                }
                match messages.pop().filter(|_| messages.is_empty()) {
                    Some(single) => self.append_failed(job, &single, failure).await,
                    None => Err(PassStop::Fatal(SideFailure { side: Side::Destination, failure })),
                }
            }
        }
    }

    /// One message was refused, for good or for now.
    pub(super) async fn append_failed(
        &mut self,
        job: &Arc<Job>,
        message: &Outgoing,
        failure: Failure,
    ) -> PassResult<()> {
        if Pass::is_message_error(&failure) {
            let Outgoing { uid, body, date, .. } = message;
            let (date, side) = (date.as_ref(), Side::Destination);
            return self
                .pass
                .message_failed(job, *uid, SeenOf { body: Some(body), date }, SideFailure { side, failure })
                .await;
        }
        if failure.scope <= Scope::Folder && Self::lasting(&failure) {
            return self.give_up(job, failure);
        }
        Err(PassStop::Fatal(SideFailure { side: Side::Destination, failure }))
    }

    /// Takes in answers until no more than so many appends, and so many bytes, are under way.
    async fn make_room(&mut self, to: &mut dyn Destination, appends: usize, bytes: u64) -> PassResult<()> {
        while self.wire.appends > appends || (self.wire.appends > 0 && self.wire.bytes + bytes > BYTES_UNDER_WAY) {
            let answer = Self::front(&mut self.wire.in_flight).await;
            self.settled(to, answer).await?;
        }
        Ok(())
    }

    /// A server that does not answer gets nothing more to hold: whatever it has when it is lost must be waited for (D28).
    async fn keep_pace(&mut self, to: &mut dyn Destination) -> PassResult<()> {
        if self.wire.appends > 0 && self.wire.pulse.silent_for() > self.pass.order.pace.settle.stalled {
            self.make_room(to, self.wire.appends - 1, 0).await?;
        }
        Ok(())
    }
}
