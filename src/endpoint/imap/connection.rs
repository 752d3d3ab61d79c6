//! One connection: writes commands, keeps the queue of those not answered yet, owns the task that reads.
//!
//! Many commands may be under way; untagged data belong to the oldest that asked for such data. Knows no folders and no messages. Bounded:
//! 64 KiB wait to be written, answers of 4 million responses. Waits for the server: to write ([`Timeouts::write`]) and
//! for `+`. Reading never waits for writing, so pipelined appends cannot lock up.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, WriteHalf};
use tokio::sync::oneshot;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::classify::Step;
use super::encode::{Command, Piece};
use super::framer::{Framer, Watch};
use super::reader;
use super::response::{Response, Told, tag};
use super::scrub::{HIDDEN, Scrub};
use super::spool;
use super::stream::Stream;
use super::{DIALOGUE, Timeouts};
use crate::domain::failure::{Cause, Failure, Retry, Scope};
use crate::domain::ids::Uid;
use crate::domain::message::Body;
use crate::endpoint::{Appended, Resources, Result};

/// Bytes that may wait to be written before they are.
const COALESCED: usize = 64 * 1024;
/// Largest message sent without asking first (D20).
const LARGEST_UNASKED: u64 = 1024 * 1024;
/// Largest literal of a server with LITERAL- (RFC 7888 §5).
const LARGEST_MINUS: u64 = 4096;

/// A byte stream to a server.
pub(super) trait Io: AsyncRead + AsyncWrite + Send + Sync + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Io for T {}

/// Which literals may be sent without waiting for `+` (RFC 7888).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unasked {
    /// None.
    Nothing,
    /// LITERAL-.
    Small,
    /// LITERAL+.
    All,
}

/// The answer to a command.
pub(super) struct Answer {
    /// The failure that a NO or BAD stands for.
    pub(super) failure: Option<Failure>,
    /// It was BAD: the server could not read the command.
    pub(super) told_bad: bool,
    /// Code and text of the tagged line.
    pub(super) told: Told,
    /// What came before it.
    pub(super) untagged: Vec<Response>,
}

impl Answer {
    /// The answer, if it was OK.
    pub(super) fn good(self) -> Result<Self> {
        match self.failure {
            Some(failure) => Err(failure),
            None => Ok(self),
        }
    }
}

/// Where the answer to an append goes; never dropped without a word.
pub(super) struct AppendReply {
    to: Option<oneshot::Sender<Result<Appended>>>,
    tells_uids: bool,
}

impl AppendReply {
    /// `tells_uids`: UIDPLUS was advertised, so an APPENDUID is believed.
    pub(super) fn new(tells_uids: bool) -> (Self, oneshot::Receiver<Result<Appended>>) {
        let (to, answer) = oneshot::channel();
        (Self { to: Some(to), tells_uids }, answer)
    }

    /// Answers.
    pub(super) fn answer(mut self, result: Result<&Told>) {
        let at = |told: &Told| told.code.append_uid().filter(|_| self.tells_uids);
        let result = result.map(|told| Appended { at: at(told).map(|(v, uid)| (v, Uid(i64::from(uid)))) });
        if let Some(to) = self.to.take() {
            // Nobody waits: the append happened all the same.
            drop(to.send(result));
        }
    }
}

impl Drop for AppendReply {
    fn drop(&mut self) {
        if let Some(to) = self.to.take() {
            let failure = Failure::new(Cause::ConnectionLost, Scope::Connection, Retry::Backoff, "adding a message");
            drop(to.send(Err(failure.saying("the session was closed"))));
        }
    }
}

/// Whether a command owns untagged data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// It does.
    Found,
    /// A later command may.
    Later,
    /// No command does.
    Nobody,
}

/// Where answers and data of a command go.
pub(super) enum Reply {
    /// Collected.
    Whole(oneshot::Sender<Result<Answer>>, Vec<Response>),
    /// To one append.
    Append(AppendReply),
    /// To a stream of messages.
    Stream(Arc<Stream>),
}

/// A command without an answer yet.
pub(super) struct Pending {
    pub(super) number: u32,
    pub(super) step: Step,
    pub(super) doing: String,
    pub(super) reply: Reply,
    /// It opens a folder: the serial number of that opening.
    pub(super) opens: Option<u64>,
    /// It needs the folder opened last to have this UIDVALIDITY (0: any).
    pub(super) needs: Option<u32>,
    /// Someone waits for `+`.
    pub(super) go: Option<oneshot::Sender<()>>,
}

/// The receiving end of [`Reply::Whole`].
pub(super) struct Ticket {
    answer: oneshot::Receiver<Result<Answer>>,
    doing: String,
}

impl Pending {
    /// A command whose data are collected.
    pub(super) fn whole(step: Step, doing: &str) -> (Self, Ticket) {
        let (to, answer) = oneshot::channel();
        let ticket = Ticket { answer, doing: doing.to_owned() };
        (Self::new(step, doing, Reply::Whole(to, Vec::new())), ticket)
    }

    /// Any command.
    pub(super) fn new(step: Step, doing: &str, reply: Reply) -> Self {
        Self { number: 0, step, doing: doing.to_owned(), reply, opens: None, needs: None, go: None }
    }

    /// Gives the failure as the answer.
    pub(super) fn fail(self, failure: &Failure) {
        let failure = Failure { doing: self.doing, ..failure.clone() };
        match self.reply {
            Reply::Whole(to, _) => drop(to.send(Err(failure))),
            Reply::Append(reply) => reply.answer(Err(failure)),
            Reply::Stream(stream) => stream.break_off(failure),
        }
    }
}

#[derive(Default)]
struct State {
    pending: VecDeque<Pending>,
    dead: Option<Failure>,
    failed_opening: Option<u64>,
}

/// What writer and reader share.
pub(super) struct Shared {
    state: Mutex<State>,
    /// Cancelled when the connection is dead.
    pub(super) stop: CancellationToken,
    pub(super) watch: Arc<Watch>,
    pub(super) scrub: Scrub,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the connection, with the first reason given, and answers everyone who waits.
    pub(super) fn fail(&self, failure: Failure) {
        let (pending, failure) = {
            let mut state = self.state();
            let failure = state.dead.get_or_insert(failure).clone();
            (std::mem::take(&mut state.pending), failure)
        };
        self.stop.cancel();
        for pending in pending {
            self.watch.answered();
            pending.fail(&failure);
        }
    }

    /// Why the connection is dead.
    pub(super) fn dead(&self) -> Option<Failure> {
        self.state().dead.clone()
    }

    fn push(&self, pending: Pending) -> Result<()> {
        let mut state = self.state();
        if let Some(dead) = &state.dead {
            return Err(Failure { doing: pending.doing, ..dead.clone() });
        }
        self.watch.expect();
        state.pending.push_back(pending);
        Ok(())
    }

    /// Works on the oldest command that is the owner of something.
    pub(super) fn first<T>(
        &self,
        owner: impl Fn(&Pending) -> Owner,
        work: impl FnOnce(Option<&mut Pending>) -> T,
    ) -> T {
        let mut state = self.state();
        let found = state.pending.iter_mut().map(|p| (owner(p), p)).find(|(owner, _)| *owner != Owner::Later);
        work(found.filter(|(owner, _)| *owner == Owner::Found).map(|(_, pending)| pending))
    }

    /// Takes the command with this number out.
    pub(super) fn answered(&self, number: u32) -> Option<Pending> {
        let mut state = self.state();
        let at = state.pending.iter().position(|p| p.number == number)?;
        self.watch.answered();
        state.pending.remove(at)
    }

    /// `+` came: the newest command is the one that may wait for it.
    pub(super) fn go(&self) {
        if let Some(go) = self.state().pending.back_mut().and_then(|p| p.go.take()) {
            let _ = go.send(());
        }
    }

    fn await_go(&self, number: u32) -> Option<oneshot::Receiver<()>> {
        let mut state = self.state();
        let pending = state.pending.back_mut().filter(|p| p.number == number)?;
        let (go, wait) = oneshot::channel();
        pending.go = Some(go);
        Some(wait)
    }

    /// Remembers that this opening of a folder was refused.
    pub(super) fn opening_failed(&self, serial: u64) {
        self.state().failed_opening = Some(serial);
    }
}

/// Kills the connection if it is dropped while a command is only partly written: the server would take what comes next
/// for the rest of it.
struct InStep<'a> {
    shared: &'a Shared,
    whole: bool,
}

impl<'a> InStep<'a> {
    fn new(shared: &'a Shared) -> Self {
        Self { shared, whole: false }
    }
}

impl Drop for InStep<'_> {
    fn drop(&mut self) {
        if !self.whole {
            let failure = Failure::new(Cause::ConnectionLost, Scope::Connection, Retry::Backoff, "writing a command");
            self.shared.fail(failure.saying("a command was given up half-way"));
        }
    }
}

/// The reading task; it ends with the connection.
struct ReaderTask(tokio::task::JoinHandle<()>);

impl Drop for ReaderTask {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The writing half and the queue.
pub(super) struct Connection {
    shared: Arc<Shared>,
    writer: WriteHalf<Box<dyn Io>>,
    out: Vec<u8>,
    last_number: u32,
    write_timeout: Duration,
    /// Set from the capabilities.
    pub(super) unasked: Unasked,
    _reader: ReaderTask,
}

impl Connection {
    /// Takes over a stream after its greeting; `ahead` was read already.
    pub(super) fn new(io: Box<dyn Io>, ahead: &[u8], scrub: Scrub, resources: Resources, timeouts: &Timeouts) -> Self {
        let (read, writer) = tokio::io::split(io);
        let watch = Watch::new(timeouts.silence);
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            stop: CancellationToken::new(),
            watch: Arc::clone(&watch),
            scrub,
        });
        let framer = Framer::new(read, ahead, watch);
        #[expect(clippy::disallowed_methods, reason = "ReaderTask aborts it on drop")]
        let task = tokio::spawn(reader::run(framer, Arc::clone(&shared), resources));
        let write_timeout = timeouts.write;
        Self {
            shared,
            writer,
            out: Vec::new(),
            last_number: 0,
            write_timeout,
            unasked: Unasked::Nothing,
            _reader: ReaderTask(task),
        }
    }

    /// Whether the opening of a folder with this number was refused.
    pub(super) fn opening_failed(&self, serial: u64) -> bool {
        self.shared.state().failed_opening == Some(serial)
    }

    /// Queues a command; it may stay in the buffer until [`Connection::flush`]. A refusal in mid-command is an answer,
    /// not an error here.
    pub(super) async fn send(&mut self, command: Command, mut pending: Pending) -> Result<()> {
        self.last_number = self.last_number.wrapping_add(1);
        let number = self.last_number;
        pending.number = number;
        let doing = pending.doing.clone();
        trace_command(&command, number);
        let shared = Arc::clone(&self.shared);
        shared.push(pending)?;
        let mut step = InStep::new(&shared);
        let sent = self.write_command(command, number).await;
        step.whole = sent.is_ok();
        drop(step);
        sent.map_err(|failure| Failure { doing, ..failure })
    }

    async fn write_command(&mut self, command: Command, number: u32) -> Result<()> {
        self.out.extend_from_slice(tag(number).as_bytes());
        self.out.push(b' ');
        for piece in command.pieces {
            let accepted = match piece {
                Piece::Text(text) => {
                    self.out.extend_from_slice(&text);
                    true
                }
                Piece::Literal(bytes) => {
                    let accepted = self.announce(bytes.len() as u64, number).await?;
                    if accepted {
                        self.out.extend_from_slice(&bytes);
                    }
                    accepted
                }
                Piece::Body(body) => self.announce(body.len(), number).await? && self.write_body(&body).await?,
                Piece::Reply(line) => {
                    let accepted = self.ask_to_go_on(number).await?;
                    if accepted {
                        self.out.extend_from_slice(&line);
                    }
                    accepted
                }
            };
            if !accepted {
                return Ok(());
            }
        }
        self.out.extend_from_slice(b"\r\n");
        if self.out.len() >= COALESCED {
            self.write_out().await?;
        }
        Ok(())
    }

    /// Writes `{n}`; false when the server refused the literal and thereby answered the command.
    async fn announce(&mut self, len: u64, number: u32) -> Result<bool> {
        let unasked = match self.unasked {
            Unasked::Nothing => false,
            Unasked::Small => len <= LARGEST_MINUS,
            Unasked::All => len <= LARGEST_UNASKED,
        };
        if unasked {
            self.out.extend_from_slice(format!("{{{len}+}}\r\n").as_bytes());
            return Ok(true);
        }
        self.out.extend_from_slice(format!("{{{len}}}").as_bytes());
        self.ask_to_go_on(number).await
    }

    async fn ask_to_go_on(&mut self, number: u32) -> Result<bool> {
        let go = self.shared.await_go(number);
        self.out.extend_from_slice(b"\r\n");
        self.flush().await?;
        let went = match go {
            Some(go) => go.await.is_ok(),
            None => false,
        };
        match self.shared.dead() {
            Some(dead) => Err(dead),
            None => Ok(went),
        }
    }

    async fn write_body(&mut self, body: &Body) -> Result<bool> {
        match body {
            Body::Memory(bytes) if bytes.len() <= COALESCED => self.out.extend_from_slice(bytes),
            Body::Memory(bytes) => {
                self.write_out().await?;
                self.write(bytes).await?;
            }
            Body::Spooled { file, len } => {
                let mut piece = vec![0; COALESCED];
                let mut at = 0;
                while at < *len {
                    let room = usize::try_from(*len - at).unwrap_or(COALESCED).min(COALESCED);
                    let n = spool::read_at(file, &mut piece[..room], at).map_err(spool_failure)?;
                    self.write_out().await?;
                    self.out.extend_from_slice(&piece[..n]);
                    at += n as u64;
                }
            }
        }
        Ok(true)
    }

    async fn write_out(&mut self) -> Result<()> {
        let mut out = std::mem::take(&mut self.out);
        self.write(&out).await?;
        out.clear();
        self.out = out;
        Ok(())
    }

    async fn write(&mut self, mut bytes: &[u8]) -> Result<()> {
        while !bytes.is_empty() {
            let written = tokio::select! {
                biased;
                () = self.shared.stop.cancelled() => return Err(self.broken(None).await),
                written = timeout(self.write_timeout, self.writer.write(bytes)) => written,
            };
            match written {
                Ok(Ok(0)) => return Err(self.broken(None).await),
                Ok(Ok(n)) => bytes = &bytes[n..],
                Ok(Err(error)) => return Err(self.broken(Some(error)).await),
                Err(_) => return Err(self.stalled()),
            }
            self.shared.watch.sent();
        }
        Ok(())
    }

    /// Puts everything queued on the wire.
    pub(super) async fn flush(&mut self) -> Result<()> {
        let shared = Arc::clone(&self.shared);
        let mut step = InStep::new(&shared);
        self.write_out().await?;
        match timeout(self.write_timeout, self.writer.flush()).await {
            Ok(Ok(())) => {
                step.whole = true;
                Ok(())
            }
            Ok(Err(error)) => Err(self.broken(Some(error)).await),
            Err(_) => Err(self.stalled()),
        }
    }

    /// The reason why nothing can be written; the reader may be about to learn a better one (BYE).
    async fn broken(&mut self, error: Option<std::io::Error>) -> Failure {
        // No answer to this time-out is needed: it only lets the reader come first.
        drop(timeout(Duration::from_secs(1), self.shared.stop.cancelled()).await);
        let text = error.map_or_else(|| "the connection was closed".to_owned(), |e| e.to_string());
        let failure = Failure::new(Cause::ConnectionLost, Scope::Connection, Retry::Backoff, "writing").saying(text);
        self.shared.fail(failure.clone());
        self.shared.dead().unwrap_or(failure)
    }

    fn stalled(&self) -> Failure {
        let text = format!("the server took no bytes for {} seconds", self.write_timeout.as_secs());
        let failure = Failure::new(Cause::TimedOut, Scope::Connection, Retry::Backoff, "writing").saying(text);
        self.shared.fail(failure.clone());
        failure
    }

    /// Queues a command whose data are collected.
    pub(super) async fn ask(&mut self, command: Command, step: Step, doing: &str) -> Result<Ticket> {
        let (pending, ticket) = Pending::whole(step, doing);
        self.send(command, pending).await?;
        Ok(ticket)
    }

    /// Waits for an answer, whatever it is.
    pub(super) async fn answer(&mut self, ticket: Ticket) -> Result<Answer> {
        if !self.out.is_empty() {
            self.flush().await?;
        }
        match ticket.answer.await {
            Ok(answer) => answer,
            Err(_) => {
                let lost = Failure::new(Cause::ConnectionLost, Scope::Connection, Retry::Backoff, "");
                Err(Failure { doing: ticket.doing, ..self.shared.dead().unwrap_or(lost) })
            }
        }
    }

    /// Asks and waits for an OK.
    pub(super) async fn run(&mut self, command: Command, step: Step, doing: &str) -> Result<Answer> {
        let ticket = self.ask(command, step, doing).await?;
        self.answer(ticket).await?.good()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let closed = Failure::new(Cause::ConnectionLost, Scope::Connection, Retry::Backoff, "");
        self.shared.fail(closed.saying("the session was closed"));
    }
}

fn spool_failure(error: std::io::Error) -> Failure {
    Failure::new(Cause::WorkspaceFailed, Scope::Mailbox, Retry::User, "reading a spooled message")
        .saying(error.to_string())
}

fn trace_command(command: &Command, number: u32) {
    if !tracing::enabled!(target: DIALOGUE, tracing::Level::TRACE) {
        return;
    }
    let mut line = String::new();
    for piece in &command.pieces {
        match piece {
            Piece::Text(text) if command.secret => {
                let text = String::from_utf8_lossy(text);
                line = format!("{} {HIDDEN}", text.split(' ').next().unwrap_or(""));
                break;
            }
            Piece::Text(text) => line.push_str(&String::from_utf8_lossy(text)),
            Piece::Literal(bytes) => line.push_str(&format!(" {{{}}}", bytes.len())),
            Piece::Body(body) => line.push_str(&format!("{{{}}}", body.len())),
            Piece::Reply(_) => line.push_str(HIDDEN),
        }
    }
    tracing::trace!(target: DIALOGUE, "> {} {line}", tag(number));
}
