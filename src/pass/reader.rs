//! The reading half of a lane: streams the messages of folder after folder, a little ahead of the writing half.
//!
//! The channel between the halves is bounded, and so is the memory of the messages in it (the endpoint's budget).

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::mpsc;

use crate::domain::failure::{Failure, Scope};
use crate::domain::ids::Uid;
use crate::endpoint::{Fetched, MessageStream, Source, Which};
use crate::pass::backlog::Backlog;
use crate::pass::job::{Asking, Job, Todo};
use crate::pass::lane::Retirement;
use crate::pass::{Pass, SideFailure};

/// Messages between the halves of a lane.
pub(super) const AHEAD: usize = 64;
/// When so few messages are left to come, the next are asked for behind them, so that the source is never idle for a
/// round trip. Fewer than an endpoint's stream has room for: asking must not wait for reading.
const ASK_NEXT_AT: u64 = 32;
/// Messages asked for at once, when they are named one by one: a longer command might not be taken in one go.
const ASKED_AT_ONCE: usize = 2000;

/// What the reading half hands to the writing half.
pub(super) enum ReadEvent {
    /// A folder begins.
    Begin(Arc<Job>),
    /// A message of it, or why one could not be read.
    Fetched(Fetched),
    /// The server refused to hand out the folder's messages together; the connection goes on.
    Refused(Failure),
    /// It ended.
    End,
    /// Nothing more is read on these connections: a server may not be used any longer, or its sign-in ends.
    Over(SideFailure),
}

/// Some messages of a folder, asked for with one call.
struct FetchRequest {
    job: Arc<Job>,
    which: Which,
    /// How many are expected to come.
    expected: u64,
    /// The only message, of a folder whose messages are asked for one at a time.
    single: Option<Uid>,
    /// A message at which a connection broke: nothing travels with it.
    suspect: bool,
    first: bool,
    last: bool,
}

/// Splits a folder into requests; at least one, for a folder with nothing to copy is never read.
fn requests(job: &Arc<Job>) -> VecDeque<FetchRequest> {
    let request = |which, expected, single, suspect| {
        let job = Arc::clone(job);
        FetchRequest { job, which, expected, single, suspect, first: false, last: false }
    };
    let singly = job.suspicion.asking == Asking::Singly;
    let at_once = if singly { 1 } else { ASKED_AT_ONCE };
    let mut requests: VecDeque<FetchRequest> = match &job.remaining.todo {
        Todo::All => [request(job.which(), job.expected(), None, false)].into(),
        Todo::These(_) => job
            .order()
            .iter()
            .flat_map(|part| part.uids.chunks(at_once).map(|some| (some, part.alone)))
            .map(|(some, alone)| {
                let single = some.first().copied().filter(|_| singly);
                request(Which::These(some.to_vec()), some.len() as u64, single, alone)
            })
            .collect(),
    };
    if let Some(first) = requests.front_mut() {
        first.first = true;
    }
    if let Some(last) = requests.back_mut() {
        last.last = true;
    }
    requests
}

type AskedRange = (FetchRequest, Result<MessageStream, Failure>);

/// What to ask for next, in order.
struct ReadPlan<'a> {
    backlog: &'a Backlog<'a>,
    pass: &'a Pass,
    retirement: Retirement,
    requests: VecDeque<FetchRequest>,
    ahead: Option<AskedRange>,
}

impl ReadPlan<'_> {
    async fn ask(&mut self, source: &mut dyn Source) -> Option<AskedRange> {
        if self.requests.is_empty() {
            self.requests = requests(&self.backlog.next()?);
        }
        let request = self.requests.pop_front()?;
        let stream = source.fetch(&request.job.plan.source, &request.which).await;
        Some((request, stream))
    }

    async fn next(&mut self, source: &mut dyn Source) -> Option<AskedRange> {
        match self.ahead.take() {
            Some(asked) => Some(asked),
            None => self.ask(source).await,
        }
    }

    /// What came before a suspect has been read when it is asked for, and cannot get lost with the connection.
    async fn look_ahead(&mut self, source: &mut dyn Source) {
        let suspect = self.requests.front().is_some_and(|request| request.suspect);
        if self.ahead.is_none() && !suspect {
            self.ahead = self.ask(source).await;
        }
    }
}

/// Reads folder after folder until the backlog is empty or the connection breaks; the last piece tells why it broke.
pub(super) async fn read(
    source: &mut dyn Source,
    backlog: &Backlog<'_>,
    (pass, retirement): (&Pass, Retirement),
    pieces: mpsc::Sender<ReadEvent>,
) {
    let mut plan = ReadPlan { backlog, pass, retirement, requests: VecDeque::new(), ahead: None };
    while let Some((request, stream)) = plan.next(source).await {
        // A closed channel means that the writing half ended: so does this one.
        if request.first && pieces.send(ReadEvent::Begin(Arc::clone(&request.job))).await.is_err() {
            return;
        }
        match stream {
            Ok(stream) => {
                if !pass_on(source, &mut plan, &request, stream, &pieces).await {
                    return;
                }
            }
            Err(failure) => {
                let piece = ended(&request, failure);
                let broken = matches!(piece, ReadEvent::Fetched(Fetched::Broken(_)));
                if pieces.send(piece).await.is_err() || broken {
                    return;
                }
            }
        }
        if request.last && pieces.send(ReadEvent::End).await.is_err() {
            return;
        }
    }
}

/// Hands on what comes of one request; false when nothing more can come.
async fn pass_on(
    source: &mut dyn Source,
    plan: &mut ReadPlan<'_>,
    request: &FetchRequest,
    mut stream: MessageStream,
    pieces: &mpsc::Sender<ReadEvent>,
) -> bool {
    let mut left = request.expected;
    let mut came = false;
    loop {
        // Nothing travels behind a suspect.
        if left <= ASK_NEXT_AT && !request.suspect {
            plan.look_ahead(source).await;
        }
        let piece = match stream.recv().await {
            None => return true,
            // The message asked for is there already, whatever the server says after it.
            Some(Fetched::Broken(failure)) if failure.scope <= Scope::Folder && came && request.single.is_some() => {
                return true;
            }
            Some(Fetched::Broken(failure)) => ended(request, failure),
            Some(fetched) => {
                let bytes = if let Fetched::Message(message) = &fetched { message.body.len() } else { 0 };
                if let Some(trouble) = plan.pass.closed().or_else(|| plan.retirement.due()) {
                    pieces.send(ReadEvent::Over(trouble)).await.ok();
                    return false;
                }
                // Whoever writes may have ended while this waits for its turn.
                tokio::select! {
                    () = plan.pass.throttle.take(bytes) => {}
                    () = pieces.closed() => return false,
                }
                ReadEvent::Fetched(fetched)
            }
        };
        left = left.saturating_sub(1);
        came = true;
        let broken = matches!(piece, ReadEvent::Fetched(Fetched::Broken(_)));
        if pieces.send(piece).await.is_err() || broken {
            return false;
        }
    }
}

/// What the end of a stream by a failure means.
fn ended(request: &FetchRequest, failure: Failure) -> ReadEvent {
    match request.single {
        _ if failure.scope > Scope::Folder => ReadEvent::Fetched(Fetched::Broken(failure)),
        Some(uid) => ReadEvent::Fetched(Fetched::Unreadable(uid, Failure { scope: Scope::Message, ..failure })),
        None => ReadEvent::Refused(failure),
    }
}
