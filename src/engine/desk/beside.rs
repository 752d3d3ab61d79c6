//! What is answered beside the room, so that nothing which hangs makes it deaf: a mount that is gone, a keyring that waits
//! for a person. Bounded: [`AT_ONCE`] questions at work, [`TAKEN`] with those that wait for a turn, one preview and one that
//! waits; more are refused.

use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::{Id, JoinSet};

use super::Answer;
use super::replies::Reply;

/// Questions at work at once.
const AT_ONCE: usize = 8;
/// Questions at work and waiting.
const TAKEN: usize = 64;
/// What a question beyond that hears.
const TOO_MANY: &str = "too many questions wait for an answer already; try again when one has come";

type Working = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// Questions at work. Dropped, all of them are given up.
pub(super) struct Beside {
    tasks: JoinSet<()>,
    turns: Arc<Semaphore>,
    preview: Option<Id>,
    newest: Option<(Reply, Working)>,
}

impl Beside {
    /// Nothing yet.
    pub fn new() -> Self {
        Self { tasks: JoinSet::new(), turns: Arc::new(Semaphore::new(AT_ONCE)), preview: None, newest: None }
    }

    /// Answers when its turn comes, or says at once that it will not.
    pub fn answer(&mut self, reply: Reply, work: impl Future<Output = Answer> + Send + 'static) {
        // The preview has a place of its own.
        if self.tasks.len() - usize::from(self.preview.is_some()) >= TAKEN {
            return reply.send_now(Answer::Refused(TOO_MANY.into()));
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
    pub fn preview(&mut self, reply: Reply, work: impl Future<Output = Answer> + Send + 'static) {
        if let Some((older, _)) = self.newest.replace((reply, Box::pin(work))) {
            older.send_now(Answer::Replaced);
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
                tracing::error!(%error, "a question died");
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

    use super::super::Ticket;
    use super::super::replies::{BROKE_OFF, Replies};
    use super::*;

    fn bench() -> (Replies, mpsc::Receiver<(Ticket, Answer)>) {
        let (answers, inbox) = mpsc::channel(256);
        (Replies { answers, waker: Arc::new(|| ()) }, inbox)
    }

    fn done() -> Answer {
        Answer::Done(Default::default())
    }

    #[tokio::test]
    #[expect(clippy::panic, reason = "what a question's work does here")]
    async fn a_question_whose_work_panics_is_answered_all_the_same() {
        let (replies, mut inbox) = bench();
        let mut beside = Beside::new();
        beside.answer(replies.to(7), async { panic!("on purpose") });
        beside.ended().await.expect("it was at work");
        assert!(matches!(inbox.recv().await, Some((7, Answer::Refused(why))) if why == BROKE_OFF));
        beside.preview(replies.to(8), async { panic!("on purpose") });
        beside.preview(replies.to(9), async { done() });
        beside.ended().await.expect("it was at work");
        assert!(matches!(inbox.recv().await, Some((8, Answer::Refused(_)))));
        assert!(matches!(inbox.recv().await, Some((9, Answer::Done(_)))), "the next preview has its turn");
    }

    #[tokio::test]
    async fn questions_that_hang_are_bounded_and_the_rest_is_refused() {
        let (replies, mut inbox) = bench();
        let mut beside = Beside::new();
        (0..TAKEN as u64).for_each(|ticket| beside.answer(replies.to(ticket), pending()));
        beside.answer(replies.to(99), async { done() });
        assert!(matches!(inbox.recv().await, Some((99, Answer::Refused(why))) if why == TOO_MANY));
        beside.give_up().await;
    }

    #[tokio::test]
    async fn of_previews_one_runs_and_the_newest_waits() {
        let (replies, mut inbox) = bench();
        let mut beside = Beside::new();
        let (go, first) = oneshot::channel::<()>();
        beside.preview(replies.to(1), async {
            let _ = first.await;
            done()
        });
        (2..100).for_each(|ticket| beside.preview(replies.to(ticket), async { done() }));
        for ticket in 2..99 {
            assert!(matches!(inbox.recv().await, Some((answered, Answer::Replaced)) if answered == ticket));
        }
        go.send(()).expect("it hangs");
        beside.ended().await.expect("the first");
        beside.ended().await.expect("the newest");
        assert!(matches!(inbox.recv().await, Some((1, Answer::Done(_)))));
        assert!(matches!(inbox.recv().await, Some((99, Answer::Done(_)))));
        assert!(beside.ended().await.is_none());
    }
}
