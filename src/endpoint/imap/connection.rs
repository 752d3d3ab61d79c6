//! One connection: writes commands and owns the task that reads.
//!
//! Many commands may be under way; untagged data belong to the oldest that asked for such data. Knows no folders and no messages. Bounded:
//! 64 KiB wait to be written. Waits for the server: to write ([`Timeouts::write`]) and
//! for `+`. Reading never waits for writing, so pipelined appends cannot lock up.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncWriteExt, WriteHalf};
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use super::classify::Step;
use super::encode::{ImapCommand, Piece};
use super::framer::{Framer, Io, SilenceWatch};
use super::manners::{Extra, Manners};
use super::pending::{Answer, Pending, PendingShared, Ticket};
use super::reader;
use super::response::{ServerResponse, tag};
use super::scrub::{HIDDEN, Scrub};
use super::{DIALOGUE, Timeouts};
use crate::domain::failure::{Cause, Failure, Retry, Scope};
use crate::domain::message::Body;
use crate::endpoint::own_network::Link;
use crate::endpoint::spool;
use crate::endpoint::{Resources, Result};

/// Bytes that may wait to be written before they are.
const COALESCED: usize = 64 * 1024;
/// Largest message sent without asking first (D20).
const LARGEST_UNASKED: u64 = 1024 * 1024;
/// Largest literal of a server with LITERAL- (RFC 7888 §5).
const LARGEST_MINUS: u64 = 4096;

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

/// Kills the connection if it is dropped while a command is only partly written: the server would take what comes next
/// for the rest of it.
struct InStep<'a> {
    shared: &'a PendingShared,
    whole: bool,
}

impl<'a> InStep<'a> {
    fn new(shared: &'a PendingShared) -> Self {
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
    shared: Arc<PendingShared>,
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
    pub(super) fn new(
        (io, ahead): (Box<dyn Io>, &[u8]),
        link: Link,
        scrub: Scrub,
        resources: Resources,
        timeouts: &Timeouts,
    ) -> Self {
        let (read, writer) = tokio::io::split(io);
        let watch = SilenceWatch::new(timeouts.silence);
        let shared = PendingShared::new(Arc::clone(&watch), scrub, link);
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
        self.shared.has_opening_failed(serial)
    }

    /// The server has accepted the login: it is worth more time and more bytes.
    pub(super) fn logged_in(&self) {
        self.shared.watch.logged_in();
    }

    /// The server has left its first question without any answer: it is waited for no longer than for a greeting.
    pub(super) fn is_mute(&self) {
        self.shared.watch.is_mute();
    }

    /// Shares what is known of the server with the other sessions of the endpoint.
    pub(super) fn share(&self, manners: &Arc<Manners>) {
        self.shared.share(manners);
    }

    /// Whether data come after the end of their command here.
    pub(super) fn late(&self) -> bool {
        self.shared.manners().late()
    }

    /// What lists of folders had told when the connection broke.
    pub(super) fn half_told(&self) -> Vec<ServerResponse> {
        self.shared.half_told()
    }

    /// What is known of the server.
    pub(super) fn manners(&self) -> Arc<Manners> {
        self.shared.manners()
    }

    /// Whether a literal of this length goes out without asking.
    pub(super) fn sends_unasked(&self, len: u64) -> bool {
        let largest = match self.unasked {
            Unasked::Nothing => return false,
            Unasked::Small => LARGEST_MINUS,
            Unasked::All => LARGEST_UNASKED,
        };
        len <= largest && !self.manners().took_back(Extra::UnaskedLiterals)
    }

    /// Data came for a command that was answered already.
    pub(super) fn is_late(&self) {
        self.shared.manners().is_late();
    }

    /// Queues a command; it may stay in the buffer until [`Connection::flush`]. A refusal in mid-command is an answer,
    /// not an error here.
    pub(super) async fn send(&mut self, mut command: ImapCommand, mut pending: Pending) -> Result<()> {
        self.await_turn(pending.step).await.map_err(|failure| Failure { doing: pending.doing.clone(), ..failure })?;
        if self.waits_for_go(&command) && !self.manners().riding.helps() {
            self.flush().await?;
            self.shared.is_quiet().await;
        }
        self.last_number = self.last_number.wrapping_add(1);
        let number = self.last_number;
        pending.number = number;
        pending.names = std::mem::take(&mut command.names);
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

    /// Whether the server is asked to go on in the middle of a command.
    fn waits_for_go(&self, command: &ImapCommand) -> bool {
        let unasked = |len: u64| !command.asking && self.sends_unasked(len);
        command.pieces.iter().any(|piece| match piece {
            Piece::Text(_) => false,
            Piece::Literal(bytes) => !unasked(bytes.len() as u64),
            Piece::Body(body) => !unasked(body.len()),
            Piece::Reply(_) => true,
        })
    }

    /// Keeps the gap between commands that the server wants. A session in which too much was refused gives no more of them,
    /// except to say goodbye.
    async fn await_turn(&mut self, step: Step) -> Result<()> {
        if let Some(worn) = self.shared.worn().filter(|_| step != Step::Connection) {
            return Err(worn);
        }
        if let Some(at) = self.shared.manners().next_command() {
            self.flush().await?;
            sleep_until(at).await;
        }
        Ok(())
    }

    async fn write_command(&mut self, command: ImapCommand, number: u32) -> Result<()> {
        let asking = command.asking;
        self.out.extend_from_slice(tag(number).as_bytes());
        self.out.push(b' ');
        for piece in command.pieces {
            let accepted = match piece {
                Piece::Text(text) => {
                    self.out.extend_from_slice(&text);
                    true
                }
                Piece::Literal(bytes) => {
                    let accepted = self.announce(bytes.len() as u64, number, asking).await?;
                    if accepted {
                        self.out.extend_from_slice(&bytes);
                    }
                    accepted
                }
                Piece::Body(body) => self.announce(body.len(), number, asking).await? && self.write_body(&body).await?,
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
    async fn announce(&mut self, len: u64, number: u32, asking: bool) -> Result<bool> {
        if !asking && self.sends_unasked(len) {
            self.out.extend_from_slice(format!("{{{len}+}}\r\n").as_bytes());
            return Ok(true);
        }
        self.out.extend_from_slice(format!("{{{len}}}").as_bytes());
        self.ask_to_go_on(number).await
    }

    async fn ask_to_go_on(&mut self, number: u32) -> Result<bool> {
        let (go, alone) = (self.shared.await_go(number), self.shared.is_alone(number));
        self.out.extend_from_slice(b"\r\n");
        self.flush().await?;
        let asked = Instant::now();
        let went = match go {
            Some(go) => go.await.is_ok(),
            None => false,
        };
        match (alone, self.shared.answered_at()) {
            (true, _) if went => self.manners().riding.came_alone(asked.elapsed()),
            (false, Some(answered)) if went && answered >= asked => self.manners().riding.rode(answered.elapsed()),
            _ => {}
        }
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
    pub(super) async fn ask(&mut self, command: ImapCommand, step: Step, doing: &str) -> Result<Ticket> {
        let (pending, ticket) = Pending::whole(step, doing);
        self.send(command, pending).await?;
        Ok(Ticket { number: self.last_number, ..ticket })
    }

    /// Waits for the answer to something that can be done without, no longer than until then; none if it did not come.
    pub(super) async fn answer_until(&mut self, until: Instant, mut ticket: Ticket) -> Result<Option<Answer>> {
        if !self.out.is_empty() {
            self.flush().await?;
        }
        match timeout_at(until, &mut ticket.answer).await {
            Ok(Ok(answer)) => answer.map(Some),
            Ok(Err(_)) => Err(self.lost(ticket.doing)),
            Err(_) => {
                tracing::info!(doing = ticket.doing, "no answer; done without");
                drop(self.shared.answered(ticket.number));
                Ok(None)
            }
        }
    }

    /// Answers a `+` that nothing was written for.
    pub(super) async fn reply(&mut self, line: &str) -> Result<()> {
        self.out.extend_from_slice(line.as_bytes());
        self.out.extend_from_slice(b"\r\n");
        self.flush().await
    }

    /// Waits for an answer, whatever it is.
    pub(super) async fn answer(&mut self, ticket: Ticket) -> Result<Answer> {
        if !self.out.is_empty() {
            self.flush().await?;
        }
        match ticket.answer.await {
            Ok(answer) => answer,
            Err(_) => Err(self.lost(ticket.doing)),
        }
    }

    fn lost(&self, doing: String) -> Failure {
        let lost = Failure::new(Cause::ConnectionLost, Scope::Connection, Retry::Backoff, "");
        Failure { doing, ..self.shared.dead().unwrap_or(lost) }
    }

    /// Asks and waits for an OK.
    pub(super) async fn run(&mut self, command: ImapCommand, step: Step, doing: &str) -> Result<Answer> {
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

fn trace_command(command: &ImapCommand, number: u32) {
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
