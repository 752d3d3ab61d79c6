//! Retry mode: how the lanes of one pass wait together after a failure that may pass (D22).
//!
//! One pause holds all lanes of the mailbox. A lane that fails while a pause lasts joins it and uses up no try of its
//! own. Every wait ends at once when the pass is told to stop.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::domain::clock::Clock;
use crate::domain::failure::{Cause, Failure, Retry, Side};
use crate::domain::progress::RetryState;
use crate::domain::retry::{Decision, Pace, RetryBudget};
use crate::pass::suspects::Tries;
use crate::pass::tally::PassStats;
use crate::pass::{PassResult, PassStop, SideFailure};

/// Tries for a server that this pass has never reached: a name or port is probably wrong, and waiting cures neither.
const NEVER_REACHED: u32 = 3;
/// How often it is looked whether the run hours have begun.
const LOOK_AT_THE_CLOCK: Duration = Duration::from_secs(30);

struct RetryPhase {
    budget: RetryBudget,
    /// Sides that were logged in to in this pass.
    reached: BTreeSet<Side>,
    /// Failures to reach a side for the first time.
    unreached: u32,
    until: Option<Instant>,
    /// Commits that recorded a new message.
    recorded: u64,
    /// Failed tries since the last of them.
    row: u32,
    limit: u32,
}

/// Shared by the lanes of a pass.
pub struct Recovery {
    state: Mutex<RetryPhase>,
    tally: Arc<PassStats>,
    clock: Arc<dyn Clock>,
    quit: CancellationToken,
    hurry: Arc<Notify>,
}

/// A number in 0..1 for the jitter of pauses.
fn jitter() -> f64 {
    let mut bytes = [0u8; 4];
    // Without randomness the pauses are merely in step.
    getrandom::fill(&mut bytes).ok();
    f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX)
}

impl Recovery {
    /// A fresh budget of tries; waits end when `quit` fires.
    pub fn new(limit: u32, pace: Pace, tally: Arc<PassStats>, clock: Arc<dyn Clock>, quit: CancellationToken) -> Self {
        let budget = RetryBudget::new(limit, pace);
        let state =
            RetryPhase { budget, reached: BTreeSet::new(), unreached: 0, until: None, recorded: 0, row: 0, limit };
        Self { state: Mutex::new(state), tally, clock, quit, hurry: Arc::default() }
    }

    /// A person ends pauses by this.
    #[must_use]
    pub fn hurried_by(self, hurry: Arc<Notify>) -> Self {
        Self { hurry, ..self }
    }

    fn with<T>(&self, act: impl FnOnce(&mut RetryPhase) -> T) -> T {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A side was logged in to.
    pub fn reached(&self, side: Side) {
        self.with(|state| state.reached.insert(side));
    }

    /// How often new messages were recorded so far.
    pub fn recorded(&self) -> u64 {
        self.with(|state| state.recorded)
    }

    /// How often was tried in a row without anything recorded, with this failure.
    pub fn tries(&self, failure: &Failure) -> Tries {
        let busy = failure.cause == Cause::ServerBusy;
        self.with(|state| Tries { row: state.row + 1, limit: state.limit, busy })
    }

    /// A message was newly recorded: the row of failed tries ends.
    pub fn progressed(&self) {
        self.with(|state| (state.recorded, state.row) = (state.recorded + 1, 0));
        self.left_out();
    }

    /// A message was left out at which connections broke while others were recorded: the tries it used up count no more.
    pub fn left_out(&self) {
        let paused = self.with(|state| {
            state.budget.progressed();
            state.until.is_some_and(|until| until > Instant::now())
        });
        if !paused {
            self.tally.retry(None);
        }
    }

    /// Waits until the next try may start.
    ///
    /// # Errors
    /// The failure itself when no try is left, or [`PassStop::Stopped`] when the pass was told to stop.
    pub async fn pause(&self, trouble: SideFailure) -> PassResult<()> {
        let until = match trouble.failure.retry {
            Retry::After(wait) if trouble.failure.cause == Cause::OutsideHours => self.outside_hours(&trouble, wait),
            _ => self.next_try(&trouble)?,
        };
        tokio::select! {
            () = self.quit.cancelled() => Err(PassStop::Stopped),
            () = self.hurry.notified(), if trouble.failure.retry.may_be_hurried() => {
                self.with(|state| state.until = None);
                Ok(())
            }
            () = tokio::time::sleep_until(until) => Ok(()),
        }
    }

    /// Looks at the clock again now and then: it may be changed, and the machine may sleep meanwhile. Costs no try.
    fn outside_hours(&self, trouble: &SideFailure, wait: Duration) -> Instant {
        let (side, failure) = (Some(trouble.side), trouble.failure.clone());
        let (until, limit) = (self.clock.now().plus(wait), self.with(|state| state.limit));
        self.tally.retry(Some(RetryState { side, failure, attempt: 0, limit, until }));
        Instant::now() + wait.min(LOOK_AT_THE_CLOCK)
    }

    fn next_try(&self, trouble: &SideFailure) -> PassResult<Instant> {
        let now = Instant::now();
        let decided = self.with(|state| {
            if let Some(until) = state.until.filter(|until| *until > now) {
                return Ok((until, None));
            }
            if trouble.failure.cause == Cause::Unreachable && !state.reached.contains(&trouble.side) {
                state.unreached += 1;
                if state.unreached > NEVER_REACHED {
                    return Err(());
                }
            }
            state.row += 1;
            match state.budget.failed(&trouble.failure, jitter()) {
                Decision::Again { wait, attempt, limit } => {
                    state.until = Some(now + wait);
                    Ok((now + wait, Some((wait, attempt, limit))))
                }
                Decision::GiveUp => Err(()),
            }
        });
        let Ok((until, fresh)) = decided else {
            return Err(PassStop::Fatal(trouble.clone()));
        };
        if let Some((wait, attempt, limit)) = fresh {
            tracing::info!(side = trouble.side.word(), failure = %trouble.failure, ?wait, attempt, limit, "retry mode");
            let until = self.clock.now().plus(wait);
            if wait > Duration::ZERO {
                let (side, failure) = (Some(trouble.side), trouble.failure.clone());
                self.tally.retry(Some(RetryState { side, failure, attempt, limit, until }));
            }
        }
        Ok(until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::clock::Clock;
    use crate::domain::failure::Scope;
    use crate::domain::time::Timestamp;

    struct Still;

    impl Clock for Still {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(0)
        }
    }

    /// How long two pauses in a row last for which a person says now and then that they are to end.
    async fn hurried(retry: Retry) -> Duration {
        let (tally, hurry) = (PassStats::new(Arc::default()), Arc::new(Notify::new()));
        let quit = CancellationToken::new();
        let recovery = Recovery::new(8, Pace::default(), tally, Arc::new(Still), quit).hurried_by(Arc::clone(&hurry));
        let failure = Failure::new(Cause::ServerBusy, Scope::Connection, retry, "doing");
        let began = Instant::now();
        let pauses = async {
            for _ in 0..2 {
                recovery.pause(SideFailure { side: Side::Source, failure: failure.clone() }).await.unwrap();
            }
        };
        let person = async {
            loop {
                tokio::time::sleep(Duration::from_millis(100)).await;
                hurry.notify_waiters();
            }
        };
        tokio::select! {
            () = pauses => began.elapsed(),
            () = person => unreachable!(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_person_ends_a_pause_unless_the_server_named_it() {
        assert!(hurried(Retry::Backoff).await <= Duration::from_millis(300));
        assert!(hurried(Retry::Later).await <= Duration::from_millis(300));
        assert!(hurried(Retry::After(Duration::from_secs(60))).await >= Duration::from_secs(60));
    }
}
