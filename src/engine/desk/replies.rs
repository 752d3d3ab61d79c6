//! How answers reach the window: each question is answered exactly once, whatever happens to whoever works on it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::mpsc;

use super::enter::Work;
use super::room::STATES_EVERY;
use super::{Answer, Ticket, Waker};

/// What a question hears whose work broke off.
pub(super) const BROKE_OFF: &str = "the program failed while it worked on this, and the log tells where; try again";

/// Hears how far a long work is.
pub(super) type Tell = Arc<dyn Fn(Work, usize, usize) + Send + Sync>;

/// Sends answers and wakes the window.
#[derive(Clone)]
pub(super) struct Replies {
    pub answers: mpsc::Sender<(Ticket, Answer)>,
    pub waker: Waker,
}

impl Replies {
    /// The duty to answer this question.
    pub fn to(&self, ticket: Ticket) -> Reply {
        Reply { replies: self.clone(), ticket, owed: true }
    }

    /// Sends an answer; waits while the window leaves too many unread.
    pub async fn send(&self, ticket: Ticket, answer: Answer) {
        // A window that has gone needs no answer.
        let _ = self.answers.send((ticket, answer)).await;
        (self.waker)();
    }

    /// Returns when the window has gone.
    pub async fn gone(&self) {
        self.answers.closed().await;
    }
}

/// The duty to answer one question. Dropped unanswered (its work panicked), it says so by itself.
pub(super) struct Reply {
    replies: Replies,
    ticket: Ticket,
    owed: bool,
}

impl Reply {
    /// Answers.
    pub async fn send(mut self, answer: Answer) {
        self.owed = false;
        self.replies.send(self.ticket, answer).await;
    }

    /// Answers without waiting.
    pub fn send_now(mut self, answer: Answer) {
        self.give(answer);
    }

    fn give(&mut self, answer: Answer) {
        self.owed = false;
        // Full is only the channel of a window that leaves hundreds of answers unread.
        let _ = self.replies.answers.try_send((self.ticket, answer));
        (self.replies.waker)();
    }

    /// Tells how far a question's work is, at most as often as of states, and the end of each kind of work always. From
    /// any thread; never waits: what does not fit is made up for by the next one.
    pub fn progress(&self) -> Tell {
        let (replies, ticket, told) = (self.replies.clone(), self.ticket, Mutex::new(None::<Instant>));
        Arc::new(move |work, done, of| {
            let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
            if done == of || told.is_none_or(|told| told.elapsed() >= STATES_EVERY) {
                *told = Some(Instant::now());
                let _ = replies.answers.try_send((ticket, Answer::Importing(work, done, of)));
                (replies.waker)();
            }
        })
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        if self.owed {
            self.give(Answer::Refused(BROKE_OFF.into()));
        }
    }
}
