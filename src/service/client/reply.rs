//! How responses reach the window: each request is answered exactly once, whatever happens to whoever works on it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::{RequestId, Response, Waker};
use crate::service::ServiceError;
use crate::service::import::Work;

/// Between two states that a window is told of.
pub(super) const STATES_EVERY: Duration = Duration::from_millis(100);

/// Hears how far a long work is.
pub(super) type Tell = Arc<dyn Fn(Work, usize, usize) + Send + Sync>;

/// Sends responses and wakes the window.
#[derive(Clone)]
pub(super) struct Replies {
    pub responses: mpsc::Sender<(RequestId, Response)>,
    pub waker: Waker,
}

impl Replies {
    /// The duty to answer this request.
    pub fn to(&self, id: RequestId) -> Reply {
        Reply { replies: self.clone(), id, owed: true }
    }

    /// Sends a response; waits while the window leaves too many unread.
    pub async fn send(&self, id: RequestId, response: Response) {
        // A window that has gone needs no response.
        self.responses.send((id, response)).await.ok();
        (self.waker)();
    }

    /// Returns when the window has gone.
    pub async fn gone(&self) {
        self.responses.closed().await;
    }
}

/// The duty to answer one request. Dropped unanswered (its work panicked), it says so by itself.
pub(super) struct Reply {
    replies: Replies,
    id: RequestId,
    owed: bool,
}

impl Reply {
    /// Answers.
    pub async fn send(mut self, response: Response) {
        self.owed = false;
        self.replies.send(self.id, response).await;
    }

    /// Answers without waiting.
    pub fn send_now(mut self, response: Response) {
        self.give(response);
    }

    fn give(&mut self, response: Response) {
        self.owed = false;
        // Full is only the channel of a window that leaves hundreds of responses unread.
        self.replies.responses.try_send((self.id, response)).ok();
        (self.replies.waker)();
    }

    /// Tells how far a request's work is, at most as often as of states, and the end of each kind of work always. From
    /// any thread; never waits: what does not fit is made up for by the next one.
    pub fn progress(&self) -> Tell {
        let (replies, id, told) = (self.replies.clone(), self.id, Mutex::new(None::<Instant>));
        Arc::new(move |work, done, of| {
            let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
            if done == of || told.is_none_or(|told| told.elapsed() >= STATES_EVERY) {
                *told = Some(Instant::now());
                replies.responses.try_send((id, Response::Importing(work, done, of))).ok();
                (replies.waker)();
            }
        })
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        if self.owed {
            self.give(Response::Refused(ServiceError::BrokeOff));
        }
    }
}
