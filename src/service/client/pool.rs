//! What is answered pool the task, so that nothing which hangs makes it deaf: a mount that is gone, a keyring that waits
//! for a person. Bounded: [`AT_ONCE`] requests at work, [`TAKEN`] with those that wait for a turn, one preview and one that
//! waits; more are refused.

use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::{Id, JoinSet};

use super::Response;
use super::reply::Reply;
use crate::service::ServiceError;

/// Requests at work at once.
const AT_ONCE: usize = 8;
/// Requests at work and waiting.
const TAKEN: usize = 64;
type Working = Pin<Box<dyn Future<Output = Response> + Send>>;

/// Requests at work. Dropped, all of them are given up.
pub(super) struct RequestPool {
    tasks: JoinSet<()>,
    turns: Arc<Semaphore>,
    preview: Option<Id>,
    newest: Option<(Reply, Working)>,
}

impl RequestPool {
    /// Nothing yet.
    pub fn new() -> Self {
        Self { tasks: JoinSet::new(), turns: Arc::new(Semaphore::new(AT_ONCE)), preview: None, newest: None }
    }

    /// Answers when its turn comes, or says at once that it will not.
    pub fn answer(&mut self, reply: Reply, work: impl Future<Output = Response> + Send + 'static) {
        // The preview has a place of its own.
        if self.tasks.len() - usize::from(self.preview.is_some()) >= TAKEN {
            return reply.send_now(Response::Refused(ServiceError::TooMany));
        }
        let turns = Arc::clone(&self.turns);
        self.tasks.spawn(async move {
            let _turn = turns.acquire_owned().await;
            let answer = work.await;
            reply.send(answer).await;
        });
    }

    /// Answers a preview when the one under way has ended, unless a newer one has replaced it by then: only what stands in
    /// the form last is worth looking at.
    pub fn preview(&mut self, reply: Reply, work: impl Future<Output = Response> + Send + 'static) {
        if let Some((older, _)) = self.newest.replace((reply, Box::pin(work))) {
            older.send_now(Response::Replaced);
        }
        self.next_preview();
    }

    fn next_preview(&mut self) {
        if self.preview.is_none()
            && let Some((reply, work)) = self.newest.take()
        {
            let task = self.tasks.spawn(async move {
                let answer = work.await;
                reply.send(answer).await;
            });
            self.preview = Some(task.id());
        }
    }

    /// Returns when one has ended; none when nothing is at work. May be given up and called again.
    pub async fn ended(&mut self) -> Option<()> {
        let id = match self.tasks.join_next_with_id().await? {
            Ok((id, ())) => id,
            Err(error) => {
                tracing::error!(%error, "a request died");
                error.id()
            }
        };
        if self.preview == Some(id) {
            self.preview = None;
            self.next_preview();
        }
        Some(())
    }

    /// Gives up what has not been answered.
    pub async fn give_up(mut self) {
        self.newest = None;
        self.tasks.shutdown().await;
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::sync::{mpsc, oneshot};

    use super::super::RequestId;
    use super::super::reply::Replies;
    use super::*;

    fn bench() -> (Replies, mpsc::Receiver<(RequestId, Response)>) {
        let (responses, inbox) = mpsc::channel(256);
        (Replies { responses, waker: Arc::new(|| ()) }, inbox)
    }

    fn done() -> Response {
        Response::Done(Default::default())
    }

    #[tokio::test]
    async fn a_request_whose_work_panics_is_answered_all_the_same() {
        let (replies, mut inbox) = bench();
        let mut pool = RequestPool::new();
        pool.answer(replies.to(7), async { panic!("on purpose") });
        pool.ended().await.expect("it was at work");
        assert!(matches!(inbox.recv().await, Some((7, Response::Refused(ServiceError::BrokeOff)))));
        pool.preview(replies.to(8), async { panic!("on purpose") });
        pool.preview(replies.to(9), async { done() });
        pool.ended().await.expect("it was at work");
        assert!(matches!(inbox.recv().await, Some((8, Response::Refused(_)))));
        assert!(matches!(inbox.recv().await, Some((9, Response::Done(_)))), "the next preview has its turn");
    }

    #[tokio::test]
    async fn requests_that_hang_are_bounded_and_the_rest_is_refused() {
        let (replies, mut inbox) = bench();
        let mut pool = RequestPool::new();
        (0..TAKEN as u64).for_each(|id| pool.answer(replies.to(id), pending()));
        pool.answer(replies.to(99), async { done() });
        assert!(matches!(inbox.recv().await, Some((99, Response::Refused(ServiceError::TooMany)))));
        pool.give_up().await;
    }

    #[tokio::test]
    async fn of_previews_one_runs_and_the_newest_waits() {
        let (replies, mut inbox) = bench();
        let mut pool = RequestPool::new();
        let (go, first) = oneshot::channel::<()>();
        pool.preview(replies.to(1), async {
            first.await.ok();
            done()
        });
        (2..100).for_each(|id| pool.preview(replies.to(id), async { done() }));
        for id in 2..99 {
            assert!(matches!(inbox.recv().await, Some((answered, Response::Replaced)) if answered == id));
        }
        go.send(()).expect("it hangs");
        pool.ended().await.expect("the first");
        pool.ended().await.expect("the newest");
        assert!(matches!(inbox.recv().await, Some((1, Response::Done(_)))));
        assert!(matches!(inbox.recv().await, Some((99, Response::Done(_)))));
        assert!(pool.ended().await.is_none());
    }
}
