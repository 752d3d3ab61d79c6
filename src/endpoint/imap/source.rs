//! Reading: EXAMINE and BODY.PEEK only, so that nothing in the mailbox changes, not even `\Seen` or `\Recent`.
//!
//! A folder is opened in the same flight as what is asked of it; for reading messages not again while it is open. Bounded by the engine's
//! choice of messages and by [`super::stream`].

#![deny(clippy::indexing_slicing, clippy::string_slice, reason = "it reads what strangers wrote")]

use std::collections::BTreeMap;

use async_trait::async_trait;
use tokio::time::Instant;

use super::classify::Step;
use super::encode::{self, ImapCommand, Portion};
use super::listing;
use super::manners::Extra;
use super::parts::MessageParts;
use super::pending::{Needs, Pending, PendingReply, Ticket};
use super::response::{Fetch, ServerResponse};
use super::rest::rest;
use super::session::{ImapSession, Mode, WINDOW, opened};
use super::stream::Stream;
use crate::domain::failure::{Cause, Failure, Side};
use crate::domain::folder::{FolderState, ListedFolder};
use crate::domain::ids::Uid;
use crate::domain::message::{MessageHeader, MessageKey, MessageMeta};
use crate::endpoint::{FolderRef, MessageStream, Recount, Result, Source, Which};

/// What is asked of each message; RFC822.SIZE tells an empty message from one that is not handed out.
const WHOLE: &str = "(UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])";

/// What is asked of each message where its date of receipt is to be known too.
const WITH_DATES: &str = "(UID FLAGS RFC822.SIZE INTERNALDATE)";

impl ImapSession {
    /// Queues what makes sure that `folder` is open. A fresh view needs it opened anew: a NOOP in the same flight is not
    /// enough, because servers (Dovecot) put off looking for news until the flight is over.
    async fn open_for_reading(&mut self, folder: &FolderRef, fresh: bool) -> Result<()> {
        if fresh || !self.has_open(&folder.wire, Mode::Read) {
            let writes = self.side == Side::Destination || self.has_open(&folder.wire, Mode::Write);
            let mode = if writes { Mode::Write } else { Mode::Read };
            // Its answer is looked at by the reader, for the commands that need it.
            drop(self.queue_open(folder, mode).await?);
        }
        Ok(())
    }

    /// Asks for attributes of messages and collects what comes, by UID. Messages that lack anything when some are said to
    /// be gone are gone. Where the server did only a part of a command and says so, the rest is asked for again.
    pub(super) async fn collect(
        &mut self,
        folder: &FolderRef,
        which: &Which,
        asked: &Asked<'_>,
    ) -> Result<BTreeMap<Uid, Fetch>> {
        let mut portions = encode::portions(which, self.most());
        let mut collected = Collected { whole: which, found: BTreeMap::new(), some_gone: false };
        if portions.is_empty() {
            return Ok(collected.found);
        }
        self.open_for_reading(folder, asked.fresh && !matches!(which, Which::Range(..))).await?;
        while !portions.is_empty() {
            let left = self.collect_some(folder, &portions, asked, &mut collected).await?;
            portions = left.iter().flat_map(|left| encode::portions(left, self.most())).collect();
        }
        if collected.some_gone {
            collected.found.retain(|_, fetch| fetch.is_an_answer());
        }
        Ok(collected.found)
    }

    /// The same, in one flight. Answers what the server left.
    async fn collect_some(
        &mut self,
        folder: &FolderRef,
        portions: &[Portion],
        asked: &Asked<'_>,
        collected: &mut Collected<'_>,
    ) -> Result<Vec<Which>> {
        let tickets = self.ask_for_some(folder, portions, asked).await?;
        self.take_some(tickets, asked, collected).await
    }

    /// Asks for it.
    async fn ask_for_some<'p>(
        &mut self,
        folder: &FolderRef,
        portions: &'p [Portion],
        asked: &Asked<'_>,
    ) -> Result<Vec<(&'p Which, Ticket)>> {
        let Asked { attributes, doing, .. } = *asked;
        let mut tickets = Vec::with_capacity(portions.len());
        for Portion { set, which } in portions {
            let (mut pending, ticket) = Pending::whole(Step::Read, doing);
            pending.needs = Needs::Folder(folder.validity);
            self.connection.send(ImapCommand::new(&format!("UID FETCH {set} {attributes}")), pending).await?;
            tickets.push((which, ticket));
        }
        if self.connection.late()
            && let Some(last) = portions.last()
        {
            let (mut fence, ticket) = Pending::whole(Step::Read, doing);
            fence.fence = true;
            self.connection.send(ImapCommand::new("NOOP"), fence).await?;
            tickets.push((&last.which, ticket));
        }
        Ok(tickets)
    }

    /// Takes what comes. Answers what the server left.
    async fn take_some(
        &mut self,
        tickets: Vec<(&Which, Ticket)>,
        asked: &Asked<'_>,
        collected: &mut Collected<'_>,
    ) -> Result<Vec<Which>> {
        let mut left = Vec::new();
        for (which, ticket) in tickets {
            let answer = self.connection.answer(ticket).await?;
            let gone = answer.told.code.name == "EXPUNGEISSUED";
            let cut = answer.told.code.cut_short().is_some();
            if let Some(extra) = asked.extra.filter(|_| answer.told_bad) {
                self.connection.manners().takes_back(extra);
            }
            if let Some(failure) = answer.failure.filter(|f| !(gone || cut) || f.cause != Cause::MessageUnreadable) {
                return Err(failure);
            }
            collected.some_gone |= gone;
            let numbers = answer.untagged.iter().filter_map(|answer| match answer {
                ServerResponse::Fetch(fetch) => fetch.uid.filter(|uid| encode::names(which, *uid)),
                _ => None,
            });
            left.extend(rest(which, &answer.told, &numbers.collect(), asked.doing)?);
            if merge(&mut collected.found, collected.whole, answer.untagged) {
                self.connection.is_late();
            }
        }
        Ok(left)
    }

    /// Headers, in the form of old where the server does not understand the other one.
    async fn collect_headers(
        &mut self,
        folder: &FolderRef,
        which: &Which,
        doing: &str,
    ) -> Result<BTreeMap<Uid, Fetch>> {
        const PEEK: &str = "(UID RFC822.SIZE BODY.PEEK[HEADER])";
        const OLD: &str = "(UID RFC822.SIZE RFC822.HEADER)";
        let old = Asked { attributes: OLD, doing, fresh: true, extra: None };
        if self.connection.manners().took_back(Extra::HeaderPeek) {
            return self.collect(folder, which, &old).await;
        }
        let asked = Asked { attributes: PEEK, extra: Some(Extra::HeaderPeek), ..old };
        match self.collect(folder, which, &asked).await {
            // Whether it was the form the other one tells.
            Err(failure) if failure.cause == Cause::MessageUnreadable => {
                let found = self.collect(folder, which, &old).await;
                if found.is_ok() {
                    self.connection.manners().takes_back(Extra::HeaderPeek);
                }
                found
            }
            found => found,
        }
    }

    /// Whether a command was refused because the server does not understand what it was asked for.
    fn is_not_understood(&self, asked: &Asked<'_>, failure: &Failure) -> bool {
        !failure.breaks_connection() && asked.extra.is_some_and(|extra| self.connection.manners().took_back(extra))
    }

    /// Flags that were not told with the rest are asked for once more. Those that are not told then either stay untold: no flags would mean that they were taken away.
    async fn ask_for_flags(&mut self, folder: &FolderRef, found: &mut BTreeMap<Uid, Fetch>, doing: &str) -> Result<()> {
        let lacking = found.iter().filter(|(_, fetch)| fetch.flags.is_none());
        let lacking = Which::These(lacking.map(|(uid, _)| *uid).collect());
        let asked = Asked { attributes: "(UID FLAGS)", doing, fresh: false, extra: None };
        for (uid, flags) in self.collect(folder, &lacking, &asked).await? {
            if let Some(fetch) = found.get_mut(&uid) {
                fetch.absorb(flags);
            }
        }
        Ok(())
    }
}

impl ImapSession {
    /// Looks at messages of several folders in one flight; none of a folder of which not everything came.
    async fn scan_some(&mut self, asked: &[(FolderRef, Which)]) -> Result<Vec<Result<Option<Vec<MessageMeta>>>>> {
        let doing: Vec<String> =
            asked.iter().map(|(folder, _)| format!("scanning folder \"{}\"", folder.path)).collect();
        let all = doing.iter().map(|doing| Asked { attributes: WITH_DATES, doing, fresh: true, extra: None });
        let all: Vec<Asked<'_>> = all.collect();
        let portions: Vec<Vec<Portion>> = asked.iter().map(|(_, which)| encode::portions(which, self.most())).collect();
        let mut flight = Vec::with_capacity(asked.len());
        for (((folder, _), portions), of) in asked.iter().zip(&portions).zip(&all) {
            let opened = if portions.is_empty() { Ok(()) } else { self.open_for_reading(folder, true).await };
            flight.push(match opened {
                Ok(()) => self.ask_for_some(folder, portions, of).await,
                Err(failure) => Err(failure),
            });
        }
        let mut answers = Vec::with_capacity(asked.len());
        for ((tickets, (_, whole)), of) in flight.into_iter().zip(asked).zip(&all) {
            let mut collected = Collected { whole, found: BTreeMap::new(), some_gone: false };
            let left = match tickets {
                Ok(tickets) => self.take_some(tickets, of, &mut collected).await,
                Err(failure) => Err(failure),
            };
            answers.push(match left {
                Err(failure) if failure.breaks_connection() => return Err(failure),
                Err(failure) => Err(failure),
                Ok(left) => {
                    let whole = left.is_empty() && collected.found.values().all(|fetch| fetch.flags.is_some());
                    Ok((whole && !collected.some_gone).then(|| metas(collected.found)))
                }
            });
        }
        Ok(answers)
    }
}

fn metas(found: BTreeMap<Uid, Fetch>) -> Vec<MessageMeta> {
    let meta = |(uid, fetch): (Uid, Fetch)| MessageMeta {
        uid,
        flags: fetch.flags,
        size: fetch.size.unwrap_or(0),
        date: fetch.date,
    };
    found.into_iter().map(meta).collect()
}

/// What came.
struct Collected<'a> {
    /// All that was asked for.
    whole: &'a Which,
    found: BTreeMap<Uid, Fetch>,
    /// Some messages are said to be gone.
    some_gone: bool,
}

/// What to collect.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) attributes: &'a str,
    pub(super) doing: &'a str,
    /// Whether to look at the folder as it is now, rather than as it was opened.
    pub(super) fresh: bool,
    /// What of it a server may not understand.
    pub(super) extra: Option<Extra>,
}

/// Adds the answers to a command, parts of one message together; a second one that tells flags is a change of them told
/// in between. Whether there were answers to another command among them.
pub(super) fn merge(found: &mut BTreeMap<Uid, Fetch>, which: &Which, answers: Vec<ServerResponse>) -> bool {
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
                tickets.push(self.queue_open(folder, Mode::Read).await);
            }
            for (folder, ticket) in some.iter().zip(tickets) {
                let answer = match ticket {
                    Ok(ticket) => self.connection.answer(ticket).await?.good(),
                    Err(failure) => Err(failure),
                };
                states.push(match answer.and_then(|answer| opened(folder, &answer)) {
                    Err(failure) if failure.breaks_connection() => return Err(failure),
                    state => state.map(|(state, _)| state),
                });
            }
        }
        Ok(states)
    }

    async fn scan(&mut self, folder: &FolderRef, which: &Which, dates: bool) -> Result<Vec<MessageMeta>> {
        let attributes = if dates { WITH_DATES } else { "(UID FLAGS RFC822.SIZE)" };
        let doing = format!("scanning folder \"{}\"", folder.path);
        let asked = Asked { attributes, doing: &doing, fresh: true, extra: None };
        let mut found = self.collect(folder, which, &asked).await?;
        self.ask_for_flags(folder, &mut found, &doing).await?;
        Ok(metas(found))
    }

    async fn scan_all(&mut self, asked: &[(FolderRef, Which)]) -> Result<Vec<Result<Vec<MessageMeta>>>> {
        let mut all = Vec::with_capacity(asked.len());
        for some in asked.chunks(WINDOW) {
            all.extend(self.scan_some(some).await?);
        }
        for (scanned, (folder, which)) in all.iter_mut().zip(asked) {
            // Where the server did only a part, or told less than it was asked: by itself.
            if matches!(scanned, Ok(None)) {
                *scanned = match self.scan(folder, which, true).await {
                    Err(failure) if failure.breaks_connection() => return Err(failure),
                    scanned => scanned.map(Some),
                };
            }
        }
        Ok(all.into_iter().map(|scanned| scanned.map(Option::unwrap_or_default)).collect())
    }

    async fn recount(&mut self, folder: &FolderRef, from: Uid) -> Result<Recount> {
        self.second_look(folder, from).await
    }

    async fn headers(&mut self, folder: &FolderRef, which: &Which) -> Result<Vec<MessageHeader>> {
        let doing = format!("reading headers in folder \"{}\"", folder.path);
        let found = self.collect_headers(folder, which, &doing).await?;
        let answers = found.into_iter().filter(|(_, fetch)| fetch.is_an_answer());
        let header = |(uid, fetch): (Uid, Fetch)| MessageHeader {
            uid,
            size: fetch.size.unwrap_or(0),
            header: fetch.header.unwrap_or_default(),
        };
        Ok(answers.map(header).collect())
    }

    async fn keys(&mut self, folder: &FolderRef, which: &Which) -> Result<Option<Vec<(Uid, MessageKey)>>> {
        let understands = |capability| self.understands(capability, Extra::MessageIds);
        let attributes = match (understands("X-GM-EXT-1"), understands("OBJECTID")) {
            (true, _) => "(UID X-GM-MSGID)",
            (false, true) => "(UID EMAILID)",
            (false, false) => return Ok(None),
        };
        let doing = format!("reading ids of messages in folder \"{}\"", folder.path);
        let asked = Asked { attributes, doing: &doing, fresh: true, extra: Some(Extra::MessageIds) };
        let found = match self.collect(folder, which, &asked).await {
            Err(failure) if self.is_not_understood(&asked, &failure) => return Ok(None),
            found => found?,
        };
        let told = found.into_iter().filter_map(|(uid, fetch)| Some((uid, fetch.key?)));
        Ok(Some(told.collect()))
    }

    fn has_labels(&self) -> bool {
        self.can("X-GM-EXT-1")
    }

    async fn fetch(&mut self, folder: &FolderRef, which: &Which) -> Result<MessageStream> {
        let portions = encode::portions(which, self.most());
        let doing = format!("reading messages of folder \"{}\"", folder.path);
        let late = self.connection.late();
        let commands = if portions.is_empty() { 0 } else { portions.len() + usize::from(late) };
        let (stream, messages) = Stream::new(which, commands, &doing);
        if portions.is_empty() {
            return Ok(messages);
        }
        self.open_for_reading(folder, false).await?;
        for Portion { set, .. } in portions {
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
