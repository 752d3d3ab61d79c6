//! The stream of messages that a FETCH fills and an engine empties.
//!
//! Guarantees that a stream never looks complete when it is not: room for the last word ([`Fetched::Broken`]) is reserved
//! when the stream is made, and a stream dropped before its commands ended says it. A message told in parts is handed on
//! when it is whole, or as it is when no part can come any more. Bounded: [`ROOM`] messages wait to be taken, [`HELD`] for
//! their parts, no more than [`HELD_IN_MEMORY`] of them in memory, so that what waits for a server never keeps others from
//! the budget.
//!
//! A server may hold back the end of a FETCH and go on with the next one (Dovecot does at times). Whoever reads them one after
//! the other waits for that end, and the messages of the next for whoever reads: then the first one ends before its command
//! ([`Stream::ends_early`]).

use std::collections::{BTreeSet, VecDeque};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;

use super::framer::WireError;
use super::parts::MessageParts;
use super::response::Fetch;
use super::token::Literal;
use crate::domain::failure::{Cause, Failure, Retry, Scope};
use crate::domain::flags::Flags;
use crate::domain::ids::Uid;
use crate::domain::message::{Body, SourceMessage};
use crate::endpoint::imap::encode;
use crate::endpoint::{Fetched, MessageStream, Which, spool};

/// Messages that wait to be taken.
const ROOM: usize = 64;
/// Messages that came and wait for their other parts. The oldest of more goes on without them.
const HELD: usize = 64;
/// Bytes of those in memory; the others wait in the spool.
const HELD_IN_MEMORY: u64 = 1024 * 1024;
/// Messages of which anything may be known before they come.
const KNOWN: usize = 100_000;

/// The filling end.
pub(super) struct Stream {
    /// None once it has ended.
    room: Mutex<Option<mpsc::Sender<Fetched>>>,
    last_word: Mutex<Option<mpsc::OwnedPermit<Fetched>>>,
    commands_left: AtomicUsize,
    seen: Mutex<SeenMessage>,
    which: Which,
    doing: String,
}

#[derive(Default)]
struct SeenMessage {
    handed_out: BTreeSet<Uid>,
    /// Messages that are not whole yet.
    parts: MessageParts,
    /// Those of them that came themselves, oldest first.
    held: VecDeque<u64>,
    /// Named, but not handed out; forgotten as parts because there were too many.
    without_body: BTreeSet<Uid>,
    /// Handed out without a number that could be used.
    nameless: u64,
}

impl SeenMessage {
    /// Adds a part; answers what is to be handed on.
    fn add(&mut self, part: Fetch) -> Option<Fetch> {
        if part.is_whole() && self.parts.is_empty() {
            return self.hand_out(part);
        }
        let at = self.parts.add(part);
        let message = self.parts.get(at)?;
        if message.is_whole() {
            self.held.retain(|held| *held != at);
            let message = self.parts.take(at)?;
            return self.hand_out(message);
        }
        if message.has_body() && !self.held.contains(&at) {
            self.held.push_back(at);
        }
        if self.parts.len() > KNOWN
            && let Some(bodiless) = self.parts.first_bodiless().and_then(|at| self.parts.take(at))
        {
            self.without_body.extend(bodiless.uid);
        }
        if self.held.len() <= HELD {
            return None;
        }
        let oldest = self.held.pop_front().and_then(|at| self.parts.take(at))?;
        self.settle(oldest)
    }

    /// What becomes of a message of which no more is awaited.
    fn settle(&mut self, message: Fetch) -> Option<Fetch> {
        if message.has_body() {
            return self.hand_out(message);
        }
        self.without_body.extend(message.uid);
        None
    }

    /// StatusCounts a message; none if it came before or has no number.
    fn hand_out(&mut self, message: Fetch) -> Option<Fetch> {
        match message.uid {
            Some(uid) => self.handed_out.insert(uid).then_some(message),
            None => {
                self.nameless += 1;
                None
            }
        }
    }

    /// Those that wait for parts which will not come any more, in the order in which they came.
    fn give_up_waiting(&mut self) -> Vec<Fetch> {
        self.held.clear();
        self.parts.drain().filter_map(|message| self.settle(message)).collect()
    }

    /// Puts held messages into the spool until no more than this is in memory.
    fn shrink(&mut self, limit: u64, folder: &Path) -> std::io::Result<()> {
        let in_memory = |parts: &MessageParts, at: &u64| match parts.get(*at).and_then(|message| message.body.as_ref())
        {
            Some(Literal { body: Body::Memory(bytes), .. }) => bytes.len() as u64,
            Some(Literal { body: Body::Spooled { .. }, .. }) | None => 0,
        };
        let mut sum: u64 = self.held.iter().map(|at| in_memory(&self.parts, at)).sum();
        for at in &self.held {
            if sum <= limit {
                break;
            }
            let Some(literal) = self.parts.body(*at) else { continue };
            if let Body::Memory(bytes) = &literal.body {
                let len = bytes.len() as u64;
                let file = Arc::new(spool::hold(folder, bytes)?);
                *literal = Literal { body: Body::Spooled { file, len }, hold: None };
                sum -= len;
            }
        }
        Ok(())
    }
}

impl Stream {
    /// A stream filled by so many commands.
    pub(super) fn new(which: &Which, commands: usize, doing: &str) -> (Arc<Self>, MessageStream) {
        let (room, stream) = mpsc::channel(ROOM + 1);
        let last_word = if commands == 0 { None } else { room.clone().try_reserve_owned().ok() };
        let filler = Self {
            room: Mutex::new(Some(room)),
            last_word: Mutex::new(last_word),
            commands_left: AtomicUsize::new(commands),
            seen: Mutex::default(),
            which: which.clone(),
            doing: doing.to_owned(),
        };
        (Arc::new(filler), stream)
    }

    /// Whether nobody reads any more.
    pub(super) fn is_given_up(&self) -> bool {
        self.room().is_some_and(|room| room.is_closed())
    }

    /// Whether messages wait to be taken.
    pub(super) fn has_some(&self) -> bool {
        // One place is kept for the last word.
        self.room().is_some_and(|room| room.capacity() < ROOM)
    }

    /// Ends it before its commands have: the server went on to later ones, and whoever reads waits for this end. What was
    /// asked for and did not come is asked for again.
    pub(super) fn ends_early(&self) {
        tracing::debug!(doing = %self.doing, "the server holds back the end of a command and goes on with the next");
        self.end();
    }

    fn end(&self) {
        self.last_word.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.room.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    fn room(&self) -> Option<mpsc::Sender<Fetched>> {
        self.room.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn send(&self, fetched: Fetched) -> Result<(), WireError> {
        match self.room() {
            Some(room) => room.send(fetched).await.map_err(|_| WireError::GivenUp),
            None => Ok(()),
        }
    }

    /// Whether this message was asked for and has not come yet.
    pub(super) fn wants(&self, uid: Uid) -> bool {
        encode::names(&self.which, uid) && !self.seen().handed_out.contains(&uid)
    }

    /// Takes a message or a part of one, and hands on what is whole; waits for room. A part without a body may be a mere
    /// change of flags: it is remembered.
    pub(super) async fn take(&self, fetch: Fetch, spool: &Path) -> Result<(), WireError> {
        let whole = {
            let mut seen = self.seen();
            if fetch.uid.is_some_and(|uid| !encode::names(&self.which, uid) || seen.handed_out.contains(&uid)) {
                seen.parts.forget_place(fetch.number);
                return Ok(());
            }
            let whole = seen.add(fetch);
            seen.shrink(HELD_IN_MEMORY, spool).map_err(WireError::Spool)?;
            whole
        };
        match whole {
            Some(message) => self.hand_on(message).await,
            None => Ok(()),
        }
    }

    async fn hand_on(&self, message: Fetch) -> Result<(), WireError> {
        let (Some(uid), Some(literal)) = (message.uid, message.body) else { return Ok(()) };
        if self.has_ended() {
            return Ok(());
        }
        let message = SourceMessage {
            uid,
            flags: message.flags.unwrap_or_else(Flags::none),
            date: message.date,
            body: literal.body,
            told: message.size.map(u64::from),
            hold: literal.hold,
        };
        self.send(Fetched::Message(message)).await
    }

    /// A message at this place is gone: others have other places now.
    pub(super) fn expunged(&self, number: u32) {
        self.seen().parts.expunged(number);
    }

    /// Takes nothing of the memory budget until the next message comes: somebody waits for it.
    pub(super) fn let_go(&self, spool: &Path) -> std::io::Result<()> {
        self.seen().shrink(0, spool)
    }

    /// One of the commands was answered. `some_gone`: messages it asked for went meanwhile (EXPUNGEISSUED, RFC 5530), so
    /// that one without a body is no failure but one of them; the next pass will tell.
    pub(super) async fn command_ended(&self, some_gone: bool) -> Result<(), WireError> {
        if some_gone {
            let mut seen = self.seen();
            seen.without_body.clear();
            seen.parts.forget_bodiless();
        }
        if self.commands_left.fetch_sub(1, Ordering::AcqRel) != 1 || self.has_ended() {
            return Ok(());
        }
        let left = self.seen().give_up_waiting();
        for message in left {
            self.hand_on(message).await?;
        }
        let (missing, nameless) = {
            let seen = self.seen();
            let missing: Vec<Uid> = seen.without_body.difference(&seen.handed_out).copied().collect();
            (missing, seen.nameless)
        };
        for uid in missing {
            self.unreadable(uid, "the server handed out no body").await?;
        }
        for _ in 0..nameless {
            self.unreadable(Uid(0), "the server handed out a message without a usable UID").await?;
        }
        self.end();
        Ok(())
    }

    async fn unreadable(&self, uid: Uid, why: &str) -> Result<(), WireError> {
        let failure = Failure::new(Cause::MessageUnreadable, Scope::Message, Retry::Never, &self.doing).saying(why);
        self.send(Fetched::Unreadable(uid, failure)).await
    }

    /// Ends the stream with a failure, unless it has ended.
    pub(super) fn break_off(&self, failure: Failure) {
        if let Some(room) = self.last_word.lock().unwrap_or_else(PoisonError::into_inner).take() {
            room.send(Fetched::Broken(failure));
        }
    }

    /// Whether nothing more is handed on.
    pub(super) fn has_ended(&self) -> bool {
        self.last_word.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, SeenMessage> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let lost =
            Failure::new(Cause::ConnectionLost, Scope::Connection, Retry::Backoff, std::mem::take(&mut self.doing));
        self.break_off(lost.saying("the session was closed"));
    }
}
