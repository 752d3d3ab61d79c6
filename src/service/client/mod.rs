//! The service for a caller that must never wait: a window sends requests, and a task with threads of its own answers.
//!
//! [`Client::send`] tries a bounded channel (64), answers lie ready in another (256), snapshots are overwritten, and each
//! piece of news ends in the caller's waker. Opening the workspace (lock, database, vault, what a crash left) is the first
//! thing the task does; its answer has the id 0.

mod answers;
mod asking;
mod hybrid;
mod pool;
mod reply;
mod request;
mod task;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

pub use hybrid::{HybridAsk, HybridTold, OfHybrid};
pub use request::{NEWS, News, OPENING, Preview, Request, RequestId, Response};

use super::OpenOptions;
use crate::engine::snapshot::Snapshot;

/// How long the end of the program waits for the task to put everything away.
const LEAVE: Duration = Duration::from_secs(10);

/// Called whenever there is news.
pub type Waker = Arc<dyn Fn() + Send + Sync>;

/// Why a request was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// Too many requests wait.
    #[error("the engine is busy and did not take this; try again in a moment")]
    Full,
    /// Nobody answers any more.
    #[error("the engine has ended; close the window and start Mailferry again")]
    Closed,
}

/// A window's end.
pub struct Client {
    requests: Option<mpsc::Sender<(RequestId, Request)>>,
    responses: mpsc::Receiver<(RequestId, Response)>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    next: RequestId,
    task: Option<(tokio::runtime::Runtime, std::sync::mpsc::Receiver<()>)>,
}

/// The other end, for whoever answers: the service task, or a test in its place.
pub struct ServiceEnd {
    /// Requests.
    pub requests: mpsc::Receiver<(RequestId, Request)>,
    /// Responses.
    pub responses: mpsc::Sender<(RequestId, Response)>,
    /// States.
    pub snapshots: watch::Sender<Arc<Snapshot>>,
}

impl Client {
    /// Both ends, with nobody at the other one yet.
    pub fn pair() -> (Self, ServiceEnd) {
        let (requests, inbox) = mpsc::channel(64);
        let (replies, responses) = mpsc::channel(256);
        let (publish, snapshots) = watch::channel(Arc::default());
        let client = Self { requests: Some(requests), responses, snapshots, next: OPENING + 1, task: None };
        (client, ServiceEnd { requests: inbox, responses: replies, snapshots: publish })
    }

    /// Starts threads that open the workspace and answer. Returns at once.
    ///
    /// # Errors
    /// The operating system gives no threads.
    pub fn open(options: OpenOptions, waker: Waker) -> std::io::Result<Self> {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().enable_all().thread_name("mailferry-engine").build()?;
        let (mut client, end) = Self::pair();
        let (ended, has_ended) = std::sync::mpsc::sync_channel(1);
        runtime.spawn(async move {
            // Also if the task dies: the window looks then, and finds it closed.
            let _wake = WakesAtEnd(Arc::clone(&waker));
            task::run(options, end, waker).await;
            // Nobody waits when the window was closed by force.
            ended.send(()).ok();
        });
        client.task = Some((runtime, has_ended));
        Ok(client)
    }

    /// Hands over a request without waiting.
    ///
    /// # Errors
    /// It was not taken: show it, nothing will come.
    pub fn send(&mut self, request: Request) -> Result<RequestId, ClientError> {
        let id = self.next;
        let requests = self.requests.as_ref().ok_or(ClientError::Closed)?;
        requests.try_send((id, request)).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => ClientError::Full,
            mpsc::error::TrySendError::Closed(_) => ClientError::Closed,
        })?;
        self.next += 1;
        Ok(id)
    }

    /// The next response that lies ready.
    pub fn receive(&mut self) -> Option<(RequestId, Response)> {
        self.responses.try_recv().ok()
    }

    /// Whether nothing will come any more: the engine has ended, or whoever answered.
    pub fn has_ended(&self) -> bool {
        self.requests.as_ref().is_none_or(mpsc::Sender::is_closed) || self.snapshots.has_changed().is_err()
    }

    /// The latest state.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshots.borrow())
    }
}

/// Wakes the window when it is dropped.
struct WakesAtEnd(Waker);

impl Drop for WakesAtEnd {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// Ends in order: what runs is stopped, the workspace is given back. Waits for that, but not for ever.
impl Drop for Client {
    fn drop(&mut self) {
        self.requests = None;
        self.responses.close();
        if let Some((runtime, end)) = self.task.take() {
            if end.recv_timeout(LEAVE).is_err() {
                tracing::warn!("the service did not end in time");
            }
            runtime.shutdown_background();
        }
    }
}
