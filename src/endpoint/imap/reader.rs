//! The task that reads: puts responses together, hands them to the command they belong to.
//!
//! Bounded: literals of one response that are not a message together 1 MiB, header blocks 256 KiB (the rest is read and
//! dropped), messages up to 1 MiB by the memory budget, larger ones go to the spool. Waits for the server, for the budget
//! and for the reader of a stream; the last two never count as the server's silence.

#![deny(clippy::indexing_slicing, clippy::string_slice, reason = "it reads what strangers wrote")]

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, ReadHalf};

use super::classify::{self, Step};
use super::echo::Echoes;
use super::framer::{Framer, Io, WireError, announced};
use super::pending::{Answer, Needs, Pending, PendingOwner, PendingReply, PendingShared};
use super::response::{self, ServerResponse, Status, Told, Unread};
use super::scrub::trace_line;
use super::stream::Stream;
use super::token::{Literal, Raw};
use crate::domain::failure::{Cause, Failure, Retry, Scope};
use crate::domain::folder::UidValidity;
use crate::domain::message::Body;
use crate::endpoint::{Resources, spool};

/// Largest message kept in memory (D20).
const IN_MEMORY: u64 = 1024 * 1024;
/// Where a header block, or any literal that is no message, is cut.
const CUT: usize = 256 * 1024;
/// Largest literal believed.
const LARGEST: u64 = 4 * 1024 * 1024 * 1024;
/// Most literals of one response.
const MOST_LITERALS: usize = 1000;
/// Lines that cannot be read, of one connection: a server that says more of them does not speak IMAP.
const MOST_UNREAD: u32 = 10_000;
/// Most responses collected for one command.
const MOST_COLLECTED: usize = 4_000_000;

/// Why reading ended.
enum End {
    Wire(WireError),
    Bye(Told),
}

impl From<WireError> for End {
    fn from(error: WireError) -> Self {
        Self::Wire(error)
    }
}

/// Reads until the connection is dead.
pub(super) async fn run(framer: Framer<ReadHalf<Box<dyn Io>>>, shared: Arc<PendingShared>, resources: Resources) {
    let shared_too = Arc::clone(&shared);
    let mut reader = Reader {
        framer,
        shared: shared_too,
        resources,
        opened: None,
        names: Echoes::default(),
        unread: 0,
        refusal: None,
    };
    let end = tokio::select! {
        biased;
        () = shared.stop.cancelled() => return,
        failure = shared.link.dead() => return shared.fail(failure),
        end = reader.all() => end,
    };
    let Err(end) = end else { return };
    shared.fail(failure(end, &shared));
}

fn failure(end: End, shared: &PendingShared) -> Failure {
    match end {
        End::Bye(told) => {
            let told = told.scrubbed(&shared.scrub);
            classify::failure(Step::Connection, Status::Bye, &told, &[&shared.scrub.names], "")
        }
        End::Wire(error) => {
            let told = shared.scrub.clean(&error.to_string());
            let (cause, scope, retry) = match error {
                WireError::Eof | WireError::Io(_) | WireError::GivenUp => {
                    (Cause::ConnectionLost, Scope::Connection, Retry::Backoff)
                }
                WireError::Silence(_) | WireError::Slow(_) => (Cause::TimedOut, Scope::Connection, Retry::Backoff),
                WireError::Nonsense(_) => (Cause::Nonsense, Scope::Connection, Retry::Backoff),
                WireError::Spool(_) => (Cause::WorkspaceFailed, Scope::Mailbox, Retry::User),
            };
            Failure::new(cause, scope, retry, "").saying(told)
        }
    }
}

struct Reader<R> {
    framer: Framer<R>,
    shared: Arc<PendingShared>,
    resources: Resources,
    /// The folder opened last: its UIDVALIDITY, or why it could not be opened.
    opened: Option<Result<Option<UidValidity>, Failure>>,
    /// What answers may repeat of its name.
    names: Echoes,
    /// Lines that could not be read.
    unread: u32,
    /// A refusal that named no command, if nothing was said since.
    refusal: Option<(Status, Told)>,
}

impl<R: AsyncRead + Unpin> Reader<R> {
    async fn all(&mut self) -> Result<(), End> {
        loop {
            let raw = match self.response().await {
                Err(WireError::Silence(silence)) => {
                    self.answered_by_silence(silence).await?;
                    continue;
                }
                raw => raw?,
            };
            self.refusal = None;
            trace_line(&raw.text, &self.shared.scrub);
            match response::parse(raw) {
                Ok(ServerResponse::Continue(text)) => self.shared.go(&text),
                Ok(ServerResponse::Tagged(number, status, told)) => match self.shared.answered(number) {
                    Some(pending) => self.tagged(pending, status, told).await?,
                    // Said twice, or after it was given up.
                    None if self.shared.was_given(number) => self.pass_over()?,
                    None => {
                        let text = format!("an answer to a command that was not given: {}", told.words());
                        return Err(WireError::Nonsense(text).into());
                    }
                },
                Ok(ServerResponse::Status(Status::Bye, told)) => self.bye(told)?,
                Ok(other) => self.untagged(other).await?,
                // It spoils what it was about, and no more.
                Err(Unread::Line) => self.pass_over()?,
                Err(Unread::OutOfStep(text)) => return Err(WireError::Nonsense(text).into()),
            }
        }
    }

    fn pass_over(&mut self) -> Result<(), WireError> {
        self.unread += 1;
        tracing::debug!(unread = self.unread, "a line of the server cannot be read");
        let many = || WireError::Nonsense(format!("more than {MOST_UNREAD} lines that are no IMAP"));
        if self.unread > MOST_UNREAD { Err(many()) } else { Ok(()) }
    }

    /// Nothing came for too long. A refusal that named no command and that nothing followed is the answer to the oldest one.
    async fn answered_by_silence(&mut self, silence: Duration) -> Result<(), WireError> {
        let refusal = self.refusal.take().filter(|_| self.shared.watch.was_refused());
        match refusal.and_then(|refusal| Some((refusal, self.shared.oldest()?))) {
            Some(((status, told), pending)) => self.tagged(pending, status, told).await,
            None => Err(WireError::Silence(silence)),
        }
    }

    fn bye(&self, told: Told) -> Result<(), End> {
        // After LOGOUT it is what was asked for.
        let asked = self.shared.first(|_| PendingOwner::Found, |p| p.is_some_and(|p| p.step == Step::Connection));
        if asked { Ok(()) } else { Err(End::Bye(told)) }
    }

    async fn untagged(&mut self, response: ServerResponse) -> Result<(), WireError> {
        if let ServerResponse::Status(status @ (Status::No | Status::Bad), told) = &response
            && !matches!(told.code.name.as_str(), "ALERT" | "OVERQUOTA")
        {
            self.refusal = Some((*status, told.clone()));
            self.shared.watch.refused();
        }
        // An alert, or that a quota is nearly used up.
        if let ServerResponse::Status(status, told) = &response
            && (told.code.name == "ALERT" || *status == Status::No && told.code.name == "OVERQUOTA")
        {
            self.note(told);
        }
        let spoiled = |p: &Pending| self.spoiled(p.needs, &p.doing).is_some();
        let kind = kind(&response);
        let uid = if let ServerResponse::Fetch(fetch) = &response { fetch.uid } else { None };
        // The end of a FETCH may be held back too: its stream has this message already, or never asked for it.
        let passes_on = |pending: &Pending| matches!((&pending.reply, uid), (PendingReply::Stream(stream), Some(uid)) if !stream.wants(uid));
        let late = matches!(&response, ServerResponse::Fetch(fetch) if fetch.is_an_answer());
        let handed = self.shared.first(
            |pending| if passes_on(pending) { PendingOwner::Later } else { belongs(pending, kind) },
            |pending| match pending {
                Some(Pending { reply: PendingReply::Whole(_, data), .. }) if data.len() >= MOST_COLLECTED => {
                    Err(WireError::Nonsense("an answer without end".into()))
                }
                Some(Pending { reply: PendingReply::Whole(_, data), .. }) => {
                    data.push(response);
                    Ok(None)
                }
                Some(pending) => match (&pending.reply, response) {
                    (PendingReply::Stream(stream), ServerResponse::Fetch(fetch)) if !spoiled(pending) => {
                        Ok(Some((Arc::clone(stream), fetch)))
                    }
                    (PendingReply::Stream(stream), ServerResponse::Expunge(number)) => {
                        stream.expunged(number);
                        Ok(None)
                    }
                    _ => Ok(None),
                },
                None => {
                    if late {
                        self.shared.manners().is_late();
                    }
                    Ok(None)
                }
            },
        )?;
        match handed {
            Some((stream, fetch)) => {
                let handed = stream.take(*fetch, &self.resources.spool);
                self.shared.while_looking(handed).await
            }
            None => Ok(()),
        }
    }

    /// What an answer says of the session and of the server.
    fn hear(&self, status: Status, told: &Told) {
        if status == Status::Bad {
            self.shared.was_bad();
        }
        let manners = self.shared.manners();
        manners.answered(told.code.name == "THROTTLED" || told.text.contains("[THROTTLED]"));
        if let Some((most, _)) = told.code.cut_short() {
            manners.allows(most);
        }
        if told.code.name == "ALERT" {
            self.note(told);
        }
    }

    /// Keeps what a server says to people.
    fn note(&self, told: &Told) {
        self.resources.said.add(&told.clone().scrubbed(&self.shared.scrub).words());
    }

    async fn tagged(&mut self, pending: Pending, status: Status, told: Told) -> Result<(), WireError> {
        // An OK is data; what is shown to people is scrubbed.
        self.hear(status, &told);
        let told = if status == Status::Ok { told } else { told.scrubbed(&self.shared.scrub) };
        let names = [&pending.names, &self.names, &self.shared.scrub.names];
        let refused = (status != Status::Ok && !pending.fence)
            .then(|| classify::failure(pending.step, status, &told, &names, &pending.doing));
        let spoiled = self.spoiled(pending.needs, &pending.doing);
        let some_gone = spoiled.is_none() && told.code.name == "EXPUNGEISSUED";
        let failure = spoiled.or(refused);
        if let (Some(serial), PendingReply::Whole(_, data)) = (pending.opens, &pending.reply) {
            if failure.is_some() {
                self.shared.opening_failed(serial);
            }
            self.opened = Some(failure.clone().map_or_else(|| Ok(validity(data)), Err));
            self.names = pending.names.clone();
        }
        let expired = failure.as_ref().filter(|failure| failure.cause == Cause::SessionEnded).cloned();
        match (pending.reply, failure) {
            (PendingReply::Whole(to, untagged), failure) => {
                // Whoever asked may have gone away.
                let told_bad = status == Status::Bad;
                drop(to.send(Ok(Answer { failure, told_bad, told, untagged })));
            }
            (PendingReply::Append(reply), failure) => {
                let result = failure.map_or(Ok(&told), Err);
                reply.answer(result, status == Status::Bad, &self.shared.manners());
            }
            (PendingReply::Stream(stream), Some(failure)) if !some_gone => {
                stream.break_off(classify::of_messages(failure, &told));
            }
            // Nobody knows here what of it came: they are asked for again, one by one.
            (PendingReply::Stream(stream), None) if told.code.cut_short().is_some() => {
                let failure = Failure::new(Cause::MessageUnreadable, Scope::Folder, Retry::Never, pending.doing);
                stream.break_off(failure.saying(told.words()));
            }
            // Messages that went meanwhile are no failure (RFC 5530).
            (PendingReply::Stream(stream), _) => stream.command_ended(some_gone).await?,
        }
        if let Some(expired) = expired {
            // The server hangs up next: what follows is no trouble of its own.
            self.shared.fail(expired);
        }
        Ok(())
    }

    /// Why the folder opened last is not the one a command needs.
    fn spoiled(&self, needs: Needs, doing: &str) -> Option<Failure> {
        let Needs::Folder(needs) = needs else { return None };
        match &self.opened {
            Some(Ok(validity)) if needs.is_none() || needs == *validity => None,
            Some(Ok(_)) => Some(folder_changed(doing)),
            Some(Err(failure)) => Some(failure.clone()),
            None => Some(Failure::new(Cause::Internal, Scope::Folder, Retry::Never, doing).saying("no folder is open")),
        }
    }

    async fn response(&mut self) -> Result<Raw, WireError> {
        let mut text = Vec::with_capacity(256);
        let mut literals = Vec::new();
        loop {
            self.framer.line(&mut text).await?;
            if !response::may_hold_literals(&text) {
                return Ok(Raw { text, literals });
            }
            let Some(len) = announced(&text) else { return Ok(Raw { text, literals }) };
            let len = len?;
            if literals.len() >= MOST_LITERALS || len > LARGEST {
                return Err(WireError::Nonsense(format!("too many or too large literals ({len} bytes)")));
            }
            let stream = if is_message(&text) { self.stream() } else { None };
            literals.push(match stream {
                Some(stream) if len > IN_MEMORY => self.spooled(len, &stream).await?,
                Some(stream) => self.message(len, &stream).await?,
                None => self.cut(len, &text).await?,
            });
            let small = literals.iter().filter(|l| l.hold.is_none());
            let held: u64 = small.map(|l| if let Body::Memory(bytes) = &l.body { bytes.len() as u64 } else { 0 }).sum();
            if held > IN_MEMORY {
                return Err(WireError::Nonsense("an answer with too many literals".into()));
            }
        }
    }

    fn stream(&self) -> Option<Arc<Stream>> {
        self.shared.first(reads, |pending| match pending.map(|p| &p.reply) {
            Some(PendingReply::Stream(stream)) => Some(Arc::clone(stream)),
            _ => None,
        })
    }

    async fn message(&mut self, len: u64, stream: &Stream) -> Result<Literal, WireError> {
        let size = usize::try_from(len).map_err(|_| WireError::Nonsense("a literal of absurd size".into()))?;
        let hold = match self.resources.budget.take_now(size) {
            Some(hold) => hold,
            None => {
                // What waits for its parts here must not be what is waited for.
                stream.let_go(&self.resources.spool).map_err(WireError::Spool)?;
                self.shared.while_looking(self.resources.budget.take(size)).await
            }
        };
        let mut bytes = Vec::with_capacity(size);
        while bytes.len() < size {
            if stream.is_given_up() {
                return Err(WireError::GivenUp);
            }
            let piece = self.framer.piece((size - bytes.len()) as u64).await?;
            bytes.extend_from_slice(piece);
            self.resources.meter.add(piece.len() as u64);
        }
        Ok(Literal { body: Body::Memory(bytes.into()), hold: Some(hold) })
    }

    async fn spooled(&mut self, len: u64, stream: &Stream) -> Result<Literal, WireError> {
        let mut file = spool::create(&self.resources.spool).map_err(WireError::Spool)?;
        let mut left = len;
        while left > 0 {
            if stream.is_given_up() {
                return Err(WireError::GivenUp);
            }
            let piece = self.framer.piece(left).await?;
            file.write_all(piece).map_err(WireError::Spool)?;
            left -= piece.len() as u64;
            self.resources.meter.add(piece.len() as u64);
        }
        Ok(Literal { body: Body::Spooled { file: Arc::new(file), len }, hold: None })
    }

    /// A literal that is no message, or one that nobody asked for.
    async fn cut(&mut self, len: u64, text: &[u8]) -> Result<Literal, WireError> {
        // Only a FETCH can do without the rest; a name that is cut is another name.
        if len > CUT as u64 && !text.contains(&b'[') {
            return Err(WireError::Nonsense(format!("a name of {len} bytes")));
        }
        let mut bytes = Vec::new();
        let mut left = len;
        while left > 0 {
            let piece = self.framer.piece(left).await?;
            let room = CUT - bytes.len();
            bytes.extend_from_slice(piece.get(..room).unwrap_or(piece));
            left -= piece.len() as u64;
        }
        Ok(Literal::small(bytes))
    }
}

/// The oldest command that reads messages. What comes before a folder is open is of another one, whoever asked for it.
fn reads(pending: &Pending) -> PendingOwner {
    match pending.step {
        Step::Read => PendingOwner::Found,
        _ if pending.opens.is_some() => PendingOwner::Nobody,
        _ => PendingOwner::Later,
    }
}

/// Whether a command is the one that untagged data belong to. The oldest command would be, but a server may hold back the
/// end of commands after which it looks for news (STORE, APPEND) while it runs the next one, as Dovecot does.
fn belongs(pending: &Pending, kind: AnswerKind) -> PendingOwner {
    let asks = matches!(pending.step, Step::Ask | Step::Login | Step::AdministratorLogin | Step::TokenLogin);
    let found = |found: bool| if found { PendingOwner::Found } else { PendingOwner::Later };
    match kind {
        AnswerKind::Message => reads(pending),
        AnswerKind::Gone if pending.step == Step::Read => PendingOwner::Found,
        AnswerKind::Gone => found(pending.opens.is_some()),
        // News of the folder being read are nobody's.
        AnswerKind::State if pending.step == Step::Read => PendingOwner::Nobody,
        AnswerKind::State => found(asks || pending.opens.is_some()),
        AnswerKind::Told => found(asks),
        AnswerKind::Noise => PendingOwner::Nobody,
    }
}

/// What untagged data are about.
#[derive(Clone, Copy)]
enum AnswerKind {
    Message,
    Gone,
    State,
    Told,
    Noise,
}

fn kind(response: &ServerResponse) -> AnswerKind {
    match response {
        ServerResponse::Fetch(_) => AnswerKind::Message,
        ServerResponse::Expunge(_) => AnswerKind::Gone,
        ServerResponse::Exists(_) | ServerResponse::Status(..) => AnswerKind::State,
        ServerResponse::Capability(_) | ServerResponse::List(_) | ServerResponse::Lsub(_) => AnswerKind::Told,
        ServerResponse::Counts(..) | ServerResponse::Namespace(_) | ServerResponse::Quota(_) => AnswerKind::Told,
        ServerResponse::Flags | ServerResponse::Other | ServerResponse::Continue(_) | ServerResponse::Tagged(..) => {
            AnswerKind::Noise
        }
    }
}

/// The failure of a folder that is not the one it was.
pub(super) fn folder_changed(doing: &str) -> Failure {
    Failure::new(Cause::FolderChanged, Scope::Folder, Retry::Backoff, doing).saying("UIDVALIDITY changed")
}

fn validity(data: &[ServerResponse]) -> Option<UidValidity> {
    let code = data.iter().rev().find_map(|r| match r {
        ServerResponse::Status(_, told) if told.code.name == "UIDVALIDITY" => told.code.number(),
        _ => None,
    });
    code.and_then(UidValidity::new)
}

/// Whether the literal announced at the end of this text is a whole message.
fn is_message(text: &[u8]) -> bool {
    let at = text.iter().rposition(|b| *b == b'{').unwrap_or(0);
    let before = text.get(..at).unwrap_or_default();
    let before = before.strip_suffix(b"~").unwrap_or(before).trim_ascii_end();
    let end = |len: usize| before.len().checked_sub(len).and_then(|at| before.get(at..));
    let ends = |with: &[u8]| end(with.len()).is_some_and(|end| end.eq_ignore_ascii_case(with));
    ends(b"BODY[]") || ends(b"BODY[]<0>") || ends(b"BODY.PEEK[]") || ends(b"RFC822")
}
