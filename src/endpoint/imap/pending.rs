//! Commands without an answer yet: the queue that the writing and the reading side of a connection share.
//!
//! Every command gets exactly one answer, also when the connection dies or its session is dropped.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::classify::Step;
use super::echo::Echoes;
use super::framer::SilenceWatch;
use super::manners::{Extra, Manners};
use super::patience::Question;
use super::response::{ServerResponse, Told};
use super::scrub::Scrub;
use super::stream::Stream;
use crate::domain::failure::{Cause, Failure, Retry, Scope};
use crate::domain::folder::UidValidity;
use crate::endpoint::own_network::Link;
use crate::endpoint::{AppendAnswer, Appended, NotAppended, Result};

/// While a message waits for its reader, it is looked so often whether the reader waits for something else.
const LOOK: Duration = Duration::from_millis(5);

/// The answer to a command.
pub(super) struct Answer {
    /// The failure that a NO or BAD stands for.
    pub(super) failure: Option<Failure>,
    /// It was BAD: the server could not read the command.
    pub(super) told_bad: bool,
    /// Code and text of the tagged line.
    pub(super) told: Told,
    /// What came before it.
    pub(super) untagged: Vec<ServerResponse>,
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
    to: Option<oneshot::Sender<std::result::Result<Vec<Appended>, NotAppended>>>,
    tells_uids: bool,
    messages: usize,
    form: AppendForm,
}

/// How messages are announced to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AppendForm {
    /// They go out without asking.
    Unasked,
    /// The server is asked first.
    Asking,
    /// The same, because it did not understand the other form.
    AskingAgain,
}

impl AppendReply {
    /// `tells_uids`: UIDPLUS was advertised, so an APPENDUID is believed, if it names as many UIDs as were sent messages.
    pub(super) fn new(tells_uids: bool, messages: usize, form: AppendForm) -> (Self, AppendAnswer) {
        let (to, answer) = oneshot::channel();
        (Self { to: Some(to), tells_uids, messages, form }, answer)
    }

    /// What the answer says of the form: a server that does not understand one without asking is asked from then on, unless
    /// asking does not help.
    fn learn(&self, bad: bool, failure: Option<&Failure>, manners: &Manners) -> bool {
        let refused = failure.is_some_and(|failure| failure.scope == Scope::Message);
        let plainer = bad && refused && self.form == AppendForm::Unasked;
        if plainer {
            manners.takes_back(Extra::UnaskedLiterals);
        } else if bad && refused && self.form == AppendForm::AskingAgain {
            manners.gives_again(Extra::UnaskedLiterals);
        }
        plainer
    }

    /// What the server answered.
    pub(super) fn answer(self, result: Result<&Told>, bad: bool, manners: &Manners) {
        let plainer = self.learn(bad, result.as_ref().err(), manners);
        let result = result.map(|told| {
            let places = told.code.append_uids().filter(|(_, uids)| self.tells_uids && uids.len() == self.messages);
            match places {
                Some((validity, uids)) => {
                    let place = |uid| Appended { at: Some((validity, uid)) };
                    uids.into_iter().map(place).collect()
                }
                None => vec![Appended { at: None }; self.messages],
            }
        });
        self.say(result.map_err(|failure| NotAppended { failure, answered: true, plainer }));
    }

    /// No answer will come.
    pub(super) fn unanswered(self, failure: Failure) {
        self.say(Err(NotAppended { failure, answered: false, plainer: false }));
    }

    fn say(mut self, result: std::result::Result<Vec<Appended>, NotAppended>) {
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
            let failure = failure.saying("the session was closed");
            drop(to.send(Err(NotAppended { failure, answered: false, plainer: false })));
        }
    }
}

/// Whether a command owns untagged data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PendingOwner {
    /// It does.
    Found,
    /// A later command may.
    Later,
    /// No command does.
    Nobody,
}

/// Where answers and data of a command go.
pub(super) enum PendingReply {
    /// Collected.
    Whole(oneshot::Sender<Result<Answer>>, Vec<ServerResponse>),
    /// To one append.
    Append(AppendReply),
    /// To a stream of messages.
    Stream(Arc<Stream>),
}

/// What a command needs of the folder opened last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needs {
    /// None need be open.
    Nothing,
    /// Any that was opened well, or the one with this UIDVALIDITY.
    Folder(Option<UidValidity>),
}

/// A command without an answer yet.
pub(super) struct Pending {
    pub(super) number: u32,
    pub(super) step: Step,
    pub(super) doing: String,
    /// What its answer may repeat.
    pub(super) names: Echoes,
    pub(super) reply: PendingReply,
    /// It opens a folder: the serial number of that opening.
    pub(super) opens: Option<u64>,
    /// What it needs of the folder opened last.
    pub(super) needs: Needs,
    /// It only keeps the place of data that come after the end of the command before: its own answer does not count.
    pub(super) fence: bool,
    /// Someone waits for `+`.
    pub(super) go: Option<oneshot::Sender<()>>,
    /// Someone waits for a `+` that nothing was written for: its text.
    pub(super) challenge: Option<oneshot::Sender<String>>,
}

/// The receiving end of [`PendingReply::Whole`].
pub(super) struct Ticket {
    pub(super) answer: oneshot::Receiver<Result<Answer>>,
    pub(super) doing: String,
    /// The command's number, once it was given.
    pub(super) number: u32,
}

impl Pending {
    /// A command whose data are collected.
    pub(super) fn whole(step: Step, doing: &str) -> (Self, Ticket) {
        let (to, answer) = oneshot::channel();
        let ticket = Ticket { answer, doing: doing.to_owned(), number: 0 };
        (Self::new(step, doing, PendingReply::Whole(to, Vec::new())), ticket)
    }

    /// Any command.
    pub(super) fn new(step: Step, doing: &str, reply: PendingReply) -> Self {
        Self {
            number: 0,
            step,
            doing: doing.to_owned(),
            names: Echoes::default(),
            reply,
            opens: None,
            needs: Needs::Nothing,
            fence: false,
            go: None,
            challenge: None,
        }
    }

    /// What kind of answer it waits for.
    fn question(&self) -> Question {
        match (&self.reply, self.step) {
            (PendingReply::Stream(_), _) => Question::Messages,
            (PendingReply::Whole(..), Step::Read) => Question::List,
            (PendingReply::Whole(..) | PendingReply::Append(_), _) => Question::Small,
        }
    }

    /// Gives the failure as the answer.
    pub(super) fn fail(self, failure: &Failure) {
        let failure = Failure { doing: self.doing, ..failure.clone() };
        match self.reply {
            PendingReply::Whole(to, _) => drop(to.send(Err(failure))),
            PendingReply::Append(reply) => reply.unanswered(failure),
            PendingReply::Stream(stream) => stream.break_off(failure),
        }
    }
}

#[derive(Default)]
struct State {
    pending: VecDeque<Pending>,
    /// The number of the latest command.
    last: u32,
    dead: Option<Failure>,
    failed_opening: Option<u64>,
    /// When a command was answered last.
    answered: Option<Instant>,
    /// What lists of folders had told when the connection died.
    half_told: Vec<ServerResponse>,
}

/// What writer and reader share.
pub(super) struct PendingShared {
    state: Mutex<State>,
    /// Cancelled when the connection is dead.
    pub(super) stop: CancellationToken,
    pub(super) watch: Arc<SilenceWatch>,
    pub(super) scrub: Scrub,
    /// What this computer has to do with the end of the connection.
    pub(super) link: Link,
    /// Told whenever no command is without its answer.
    quiet: Notify,
    /// Shared by the sessions of an endpoint.
    manners: Mutex<Arc<Manners>>,
    /// Commands that the server could not read.
    bad: AtomicU32,
}

/// After so many commands that it cannot read a session is given up: Exchange hangs up at ten.
const MOST_BAD: u32 = 8;

impl PendingShared {
    /// Nothing under way yet.
    pub(super) fn new(watch: Arc<SilenceWatch>, scrub: Scrub, link: Link) -> Arc<Self> {
        let (state, stop, manners, bad) =
            (Mutex::default(), CancellationToken::new(), Mutex::default(), AtomicU32::new(0));
        let quiet = Notify::new();
        Arc::new(Self { state, stop, watch, scrub, link, quiet, manners, bad })
    }

    /// Shares what is known of the server with the other sessions.
    pub(super) fn share(&self, manners: &Arc<Manners>) {
        let own =
            std::mem::replace(&mut *self.manners.lock().unwrap_or_else(PoisonError::into_inner), Arc::clone(manners));
        manners.learn(&own);
    }

    /// What is known of the server.
    pub(super) fn manners(&self) -> Arc<Manners> {
        Arc::clone(&self.manners.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The server could not read a command.
    pub(super) fn was_bad(&self) {
        self.bad.fetch_add(1, Ordering::Relaxed);
    }

    /// Why no more commands are given, although the connection lives.
    pub(super) fn worn(&self) -> Option<Failure> {
        let failure = || Failure::new(Cause::SessionEnded, Scope::Connection, Retry::After(Duration::ZERO), "");
        let text =
            format!("{MOST_BAD} commands were refused as wrong: a new session is opened before the server hangs up");
        (self.bad.load(Ordering::Relaxed) >= MOST_BAD).then(|| failure().saying(text))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the connection, with the first reason given, and answers everyone who waits.
    pub(super) fn fail(&self, failure: Failure) {
        let (pending, failure) = {
            let mut state = self.state();
            let failure = state.dead.get_or_insert_with(|| self.link.explained(failure)).clone();
            (std::mem::take(&mut state.pending), failure)
        };
        self.stop.cancel();
        self.quiet.notify_waiters();
        for mut pending in pending {
            self.watch.answered(pending.question());
            if let PendingReply::Whole(_, data) = &mut pending.reply {
                let folders = data.drain(..).filter(|told| matches!(told, ServerResponse::List(_)));
                self.state().half_told.extend(folders);
            }
            pending.fail(&failure);
        }
    }

    /// Why the connection is dead.
    pub(super) fn dead(&self) -> Option<Failure> {
        self.state().dead.clone()
    }

    /// What lists of folders had told when the connection died; asked once.
    pub(super) fn half_told(&self) -> Vec<ServerResponse> {
        std::mem::take(&mut self.state().half_told)
    }

    /// Puts a command at the end of the queue.
    pub(super) fn push(&self, pending: Pending) -> Result<()> {
        let mut state = self.state();
        if let Some(dead) = &state.dead {
            return Err(Failure { doing: pending.doing, ..dead.clone() });
        }
        self.watch.expect(pending.question());
        state.last = pending.number;
        state.pending.push_back(pending);
        Ok(())
    }

    /// Works on the oldest command that is the owner of something.
    pub(super) fn first<T>(
        &self,
        owner: impl Fn(&Pending) -> PendingOwner,
        work: impl FnOnce(Option<&mut Pending>) -> T,
    ) -> T {
        let mut state = self.state();
        let found = state.pending.iter_mut().map(|p| (owner(p), p)).find(|(owner, _)| *owner != PendingOwner::Later);
        work(found.filter(|(owner, _)| *owner == PendingOwner::Found).map(|(_, pending)| pending))
    }

    /// Waits for whoever reads, and looks meanwhile whether that one waits for an end that the server holds back.
    pub(super) async fn while_looking<T>(&self, waits: impl Future<Output = T>) -> T {
        tokio::pin!(waits);
        loop {
            tokio::select! {
                biased;
                done = &mut waits => return done,
                () = sleep(LOOK) => self.end_what_was_left(),
            }
        }
    }

    /// If messages of a later stream wait while the first has none left, ends the first, on whose end somebody waits.
    fn end_what_was_left(&self) {
        let state = self.state();
        let streams = state.pending.iter().filter_map(|pending| match &pending.reply {
            PendingReply::Stream(stream) => Some(stream),
            _ => None,
        });
        let mut open = streams.filter(|stream| !stream.has_ended());
        if let Some(first) = open.next()
            && !first.has_some()
            && open.any(|later| !Arc::ptr_eq(later, first) && later.has_some())
        {
            first.ends_early();
        }
    }

    /// Takes the command with this number out.
    pub(super) fn answered(&self, number: u32) -> Option<Pending> {
        let mut state = self.state();
        let at = state.pending.iter().position(|p| p.number == number)?;
        let pending = state.pending.remove(at)?;
        self.was_answered(&mut state, &pending);
        Some(pending)
    }

    /// Takes out the oldest command.
    pub(super) fn oldest(&self) -> Option<Pending> {
        let mut state = self.state();
        let oldest = state.pending.pop_front()?;
        self.was_answered(&mut state, &oldest);
        Some(oldest)
    }

    fn was_answered(&self, state: &mut State, pending: &Pending) {
        self.watch.answered(pending.question());
        state.answered = Some(Instant::now());
        if state.pending.is_empty() {
            self.quiet.notify_waiters();
        }
    }

    /// When a command was answered last.
    pub(super) fn answered_at(&self) -> Option<Instant> {
        self.state().answered
    }

    /// Whether this command is the only one without its answer.
    pub(super) fn is_alone(&self, number: u32) -> bool {
        self.state().pending.iter().all(|pending| pending.number == number)
    }

    /// Waits until every command has its answer, or the connection is dead.
    pub(super) async fn is_quiet(&self) {
        loop {
            let told = self.quiet.notified();
            tokio::pin!(told);
            told.as_mut().enable();
            if self.state().pending.is_empty() {
                return;
            }
            told.await;
        }
    }

    /// Whether a command of this number was given.
    pub(super) fn was_given(&self, number: u32) -> bool {
        (1..=self.state().last).contains(&number)
    }

    /// `+` came: the newest command is the one that may wait for it.
    pub(super) fn go(&self, text: &str) {
        let mut state = self.state();
        let Some(pending) = state.pending.back_mut() else { return };
        // A command that was given up does not wait.
        if let Some(go) = pending.go.take() {
            go.send(()).ok();
        } else if let Some(challenge) = pending.challenge.take() {
            challenge.send(text.to_owned()).ok();
        }
    }

    /// What to wait on for `+`; none when the command was answered already.
    pub(super) fn await_go(&self, number: u32) -> Option<oneshot::Receiver<()>> {
        let mut state = self.state();
        let pending = state.pending.back_mut().filter(|p| p.number == number)?;
        let (go, wait) = oneshot::channel();
        pending.go = Some(go);
        Some(wait)
    }

    /// Whether the opening with this number was refused.
    pub(super) fn has_opening_failed(&self, serial: u64) -> bool {
        self.state().failed_opening == Some(serial)
    }

    /// Remembers that this opening of a folder was refused.
    pub(super) fn opening_failed(&self, serial: u64) {
        self.state().failed_opening = Some(serial);
    }
}
