//! The stream of messages that a FETCH fills and an engine empties.
//!
//! Guarantees that a stream never looks complete when it is not: room for the last word ([`Fetched::Broken`]) is reserved
//! when the stream is made, and a stream dropped before its commands ended says it. Bounded: [`ROOM`] messages wait here.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;

use super::framer::WireError;
use super::response::Fetch;
use crate::domain::failure::{Cause, Failure, Retry, Scope};
use crate::domain::flags::Flags;
use crate::domain::ids::Uid;
use crate::domain::message::SourceMessage;
use crate::endpoint::imap::encode;
use crate::endpoint::{Fetched, MessageStream, Which};

/// Messages that wait to be taken.
const ROOM: usize = 64;

/// The filling end.
pub(super) struct Stream {
    room: mpsc::Sender<Fetched>,
    last_word: Mutex<Option<mpsc::OwnedPermit<Fetched>>>,
    commands_left: AtomicUsize,
    seen: Mutex<Seen>,
    which: Which,
    doing: String,
}

#[derive(Default)]
struct Seen {
    handed_out: BTreeSet<u32>,
    without_body: BTreeSet<u32>,
}

impl Stream {
    /// A stream filled by so many commands.
    pub(super) fn new(which: &Which, commands: usize, doing: &str) -> (Arc<Self>, MessageStream) {
        let (room, stream) = mpsc::channel(ROOM + 1);
        let last_word = if commands == 0 { None } else { room.clone().try_reserve_owned().ok() };
        let filler = Self {
            room,
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
        self.room.is_closed()
    }

    /// Whether this message was asked for and has not come yet.
    pub(super) fn wants(&self, uid: u32) -> bool {
        encode::names(&self.which, uid) && !self.seen().handed_out.contains(&uid)
    }

    /// Hands a message on; waits for room. A FETCH without body may be a mere change of flags: it is remembered.
    pub(super) async fn take(&self, fetch: Fetch) -> Result<(), WireError> {
        let Some(uid) = fetch.uid.filter(|uid| encode::names(&self.which, *uid)) else { return Ok(()) };
        // An empty body of a message that has a size was not handed out (as one large provider does).
        let empty = fetch.size.is_some_and(|size| size > 0);
        let Some(literal) = fetch.body.filter(|l| !(l.body.is_empty() && empty)) else {
            self.seen().without_body.insert(uid);
            return Ok(());
        };
        if !self.seen().handed_out.insert(uid) || self.has_ended() {
            return Ok(());
        }
        let message = SourceMessage {
            uid: Uid(i64::from(uid)),
            flags: fetch.flags.unwrap_or_else(Flags::none),
            date: fetch.date,
            body: literal.body,
            hold: literal.hold,
        };
        self.room.send(Fetched::Message(message)).await.map_err(|_| WireError::GivenUp)
    }

    /// One of the commands was answered. `some_gone`: messages it asked for went meanwhile (EXPUNGEISSUED, RFC 5530), so
    /// that one without a body is no failure but one of them; the next pass will tell.
    pub(super) async fn command_ended(&self, some_gone: bool) -> Result<(), WireError> {
        if some_gone {
            self.seen().without_body.clear();
        }
        if self.commands_left.fetch_sub(1, Ordering::AcqRel) != 1 || self.has_ended() {
            return Ok(());
        }
        let missing: Vec<u32> = {
            let seen = self.seen();
            seen.without_body.difference(&seen.handed_out).copied().collect()
        };
        for uid in missing {
            let failure = Failure::new(Cause::MessageUnreadable, Scope::Message, Retry::Never, &self.doing)
                .saying("the server handed out no body");
            let fetched = Fetched::Unreadable(Uid(i64::from(uid)), failure);
            self.room.send(fetched).await.map_err(|_| WireError::GivenUp)?;
        }
        self.last_word.lock().unwrap_or_else(PoisonError::into_inner).take();
        Ok(())
    }

    /// Ends the stream with a failure, unless it has ended.
    pub(super) fn break_off(&self, failure: Failure) {
        if let Some(room) = self.last_word.lock().unwrap_or_else(PoisonError::into_inner).take() {
            room.send(Fetched::Broken(failure));
        }
    }

    fn has_ended(&self) -> bool {
        self.last_word.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
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
