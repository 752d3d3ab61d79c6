//! Reading: EXAMINE and BODY.PEEK only, so that nothing in the mailbox changes, not even `\Seen` or `\Recent`.
//!
//! A folder is opened in the same flight as what is asked of it; for reading messages not again while it is open. Bounded by the engine's
//! choice of messages and by [`super::stream`].

#![deny(clippy::indexing_slicing, clippy::string_slice, reason = "it reads what strangers wrote")]

use std::collections::BTreeMap;

use async_trait::async_trait;
use tokio::time::Instant;

use super::classify::Step;
use super::encode::{self, ImapCommand};
use super::listing;
use super::parts::MessageParts;
use super::pending::{Needs, Pending, PendingReply};
use super::response::{Fetch, ServerResponse};
use super::session::{ImapSession, Mode, WINDOW, opened};
use super::stream::Stream;
use crate::domain::failure::Cause;
use crate::domain::folder::{FolderState, ListedFolder};
use crate::domain::ids::Uid;
use crate::domain::message::{MessageHeader, MessageKey, MessageMeta};
use crate::endpoint::{FolderRef, MessageStream, Result, Source, Which};

/// What is asked of each message; RFC822.SIZE tells an empty message from one that is not handed out.
const WHOLE: &str = "(UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])";

impl ImapSession {
    /// Queues what makes sure that `folder` is open. A fresh view needs it opened anew: a NOOP in the same flight is not
    /// enough, because servers (Dovecot) put off looking for news until the flight is over.
    async fn open_for_reading(&mut self, folder: &FolderRef, fresh: bool) -> Result<()> {
        if fresh || !self.has_open(&folder.wire, Mode::Read) {
            let mode = if self.has_open(&folder.wire, Mode::Write) { Mode::Write } else { Mode::Read };
            // Its answer is looked at by the reader, for the commands that need it.
            drop(self.queue_open(folder, mode).await?);
        }
        Ok(())
    }

    /// Asks for attributes of messages and collects what comes, by UID. Messages that lack anything when some are said to
    /// be gone are gone.
    async fn collect(&mut self, folder: &FolderRef, which: &Which, asked: &Asked<'_>) -> Result<BTreeMap<u32, Fetch>> {
        let sets = encode::sets(which);
        let mut found = BTreeMap::new();
        if sets.is_empty() {
            return Ok(found);
        }
        let Asked { attributes, doing, fresh } = *asked;
        self.open_for_reading(folder, fresh && !matches!(which, Which::Range(..))).await?;
        let mut tickets = Vec::with_capacity(sets.len());
        for set in sets {
            let (mut pending, ticket) = Pending::whole(Step::Read, doing);
            pending.needs = Needs::Folder(folder.validity);
            self.connection.send(ImapCommand::new(&format!("UID FETCH {set} {attributes}")), pending).await?;
            tickets.push(ticket);
        }
        if self.connection.late() {
            let (mut fence, ticket) = Pending::whole(Step::Read, doing);
            fence.fence = true;
            self.connection.send(ImapCommand::new("NOOP"), fence).await?;
            tickets.push(ticket);
        }
        let mut some_gone = false;
        for ticket in tickets {
            let answer = self.connection.answer(ticket).await?;
            let gone = answer.told.code.name == "EXPUNGEISSUED";
            if let Some(failure) = answer.failure.filter(|f| !gone || f.cause != Cause::MessageUnreadable) {
                return Err(failure);
            }
            some_gone |= gone;
            if merge(&mut found, which, answer.untagged) {
                self.connection.is_late();
            }
        }
        if some_gone {
            found.retain(|_, fetch| fetch.is_an_answer());
        }
        Ok(found)
    }

    /// Flags that were not told with the rest are asked for once more. Those that are not told then either stay untold: no flags would mean that they were taken away.
    async fn ask_for_flags(&mut self, folder: &FolderRef, found: &mut BTreeMap<u32, Fetch>, doing: &str) -> Result<()> {
        let lacking = found.iter().filter(|(_, fetch)| fetch.flags.is_none());
        let lacking = Which::These(lacking.map(|(uid, _)| Uid(i64::from(*uid))).collect());
        let asked = Asked { attributes: "(UID FLAGS)", doing, fresh: false };
        for (uid, flags) in self.collect(folder, &lacking, &asked).await? {
            if let Some(fetch) = found.get_mut(&uid) {
                fetch.absorb(flags);
            }
        }
        Ok(())
    }
}

/// What to collect.
struct Asked<'a> {
    attributes: &'a str,
    doing: &'a str,
    /// Whether to look at the folder as it is now, rather than as it was opened.
    fresh: bool,
}

/// Adds the answers to a command, parts of one message together; a second one that tells flags is a change of them told
/// in between. Whether there were answers to another command among them.
fn merge(found: &mut BTreeMap<u32, Fetch>, which: &Which, answers: Vec<ServerResponse>) -> bool {
    let mut others = false;
    let mut add = |fetch: Fetch| match fetch.uid.filter(|uid| encode::names(which, *uid)) {
        Some(uid) => found.entry(uid).or_default().absorb(fetch),
        // `n:*` always names the last message, whatever its number.
        None => others |= fetch.uid.is_some() && fetch.is_an_answer() && !matches!(which, Which::From(_)),
    };
    let nameless = |answer: &ServerResponse| matches!(answer, ServerResponse::Fetch(fetch) if fetch.uid.is_none());
    if !answers.iter().any(nameless) {
        answers.into_iter().filter_map(fetch_of).for_each(|fetch| add(*fetch));
        return others;
    }
    let mut parts = MessageParts::default();
    for answer in answers {
        match answer {
            ServerResponse::Fetch(fetch) => drop(parts.add(*fetch)),
            ServerResponse::Expunge(number) => parts.moved_up(number),
            _ => {}
        }
    }
    parts.drain().for_each(add);
    others
}

fn fetch_of(answer: ServerResponse) -> Option<Box<Fetch>> {
    if let ServerResponse::Fetch(fetch) = answer { Some(fetch) } else { None }
}

#[async_trait]
impl Source for ImapSession {
    async fn list(&mut self) -> Result<Vec<ListedFolder>> {
        listing::list(self).await
    }

    async fn examine(&mut self, folder: &FolderRef) -> Result<FolderState> {
        let ticket = self.queue_open(folder, Mode::Read).await?;
        let answer = self.connection.answer(ticket).await?.good()?;
        opened(folder, &answer).map(|(state, _)| state)
    }

    async fn examine_all(&mut self, folders: &[FolderRef]) -> Result<Vec<Result<FolderState>>> {
        let mut states = Vec::with_capacity(folders.len());
        for some in folders.chunks(WINDOW) {
            let mut tickets = Vec::with_capacity(some.len());
            for folder in some {
                tickets.push(self.queue_open(folder, Mode::Read).await?);
            }
            for (folder, ticket) in some.iter().zip(tickets) {
                let answer = self.connection.answer(ticket).await?.good();
                states.push(match answer.and_then(|answer| opened(folder, &answer)) {
                    Err(failure) if failure.breaks_connection() => return Err(failure),
                    state => state.map(|(state, _)| state),
                });
            }
        }
        Ok(states)
    }

    async fn scan(&mut self, folder: &FolderRef, which: &Which, dates: bool) -> Result<Vec<MessageMeta>> {
        let attributes = if dates { "(UID FLAGS RFC822.SIZE INTERNALDATE)" } else { "(UID FLAGS RFC822.SIZE)" };
        let doing = format!("scanning folder \"{}\"", folder.path);
        let asked = Asked { attributes, doing: &doing, fresh: true };
        let mut found = self.collect(folder, which, &asked).await?;
        self.ask_for_flags(folder, &mut found, &doing).await?;
        let meta = |(uid, fetch): (u32, Fetch)| MessageMeta {
            uid: Uid(i64::from(uid)),
            flags: fetch.flags,
            size: fetch.size.unwrap_or(0),
            date: fetch.date,
        };
        Ok(found.into_iter().map(meta).collect())
    }

    async fn headers(&mut self, folder: &FolderRef, which: &Which) -> Result<Vec<MessageHeader>> {
        let doing = format!("reading headers in folder \"{}\"", folder.path);
        let asked = Asked { attributes: "(UID RFC822.SIZE BODY.PEEK[HEADER])", doing: &doing, fresh: true };
        let found = self.collect(folder, which, &asked).await?;
        let answers = found.into_iter().filter(|(_, fetch)| fetch.is_an_answer());
        let header = |(uid, fetch): (u32, Fetch)| MessageHeader {
            uid: Uid(i64::from(uid)),
            size: fetch.size.unwrap_or(0),
            header: fetch.header.unwrap_or_default(),
        };
        Ok(answers.map(header).collect())
    }

    async fn keys(&mut self, folder: &FolderRef, which: &Which) -> Result<Option<Vec<(Uid, MessageKey)>>> {
        let attributes = match (self.can("X-GM-EXT-1"), self.can("OBJECTID")) {
            (true, _) => "(UID X-GM-MSGID)",
            (false, true) => "(UID EMAILID)",
            (false, false) => return Ok(None),
        };
        let doing = format!("reading ids of messages in folder \"{}\"", folder.path);
        let found = self.collect(folder, which, &Asked { attributes, doing: &doing, fresh: true }).await?;
        let told = found.into_iter().filter_map(|(uid, fetch)| Some((Uid(i64::from(uid)), fetch.key?)));
        Ok(Some(told.collect()))
    }

    async fn fetch(&mut self, folder: &FolderRef, which: &Which) -> Result<MessageStream> {
        let sets = encode::sets(which);
        let doing = format!("reading messages of folder \"{}\"", folder.path);
        let late = self.connection.late();
        let commands = if sets.is_empty() { 0 } else { sets.len() + usize::from(late) };
        let (stream, messages) = Stream::new(which, commands, &doing);
        if sets.is_empty() {
            return Ok(messages);
        }
        self.open_for_reading(folder, false).await?;
        for set in sets {
            let mut pending = Pending::new(Step::Read, &doing, PendingReply::Stream(std::sync::Arc::clone(&stream)));
            pending.needs = Needs::Folder(folder.validity);
            self.connection.send(ImapCommand::new(&format!("UID FETCH {set} {WHOLE}")), pending).await?;
        }
        if late {
            let mut fence = Pending::new(Step::Read, &doing, PendingReply::Stream(stream));
            (fence.needs, fence.fence) = (Needs::Folder(folder.validity), true);
            self.connection.send(ImapCommand::new("NOOP"), fence).await?;
        }
        self.connection.flush().await?;
        Ok(messages)
    }

    fn retires(&self) -> Option<Instant> {
        self.retires
    }

    async fn close(self: Box<Self>) {
        self.log_out().await;
    }
}
