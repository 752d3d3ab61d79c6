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
use crate::domain::time::Timestamp;
use crate::endpoint::own_network::OwnNetwork;
use crate::pass::suspects::Tries;
use crate::pass::tally::PassStats;
use crate::pass::{PassResult, PassStop, SideFailure};

/// Tries for a server that this pass has never reached: a name or port is probably wrong, and waiting cures neither.
const NEVER_REACHED: u32 = 3;
/// How often it is looked whether the run hours have begun.
const LOOK_AT_THE_CLOCK: Duration = Duration::from_secs(30);

struct RetryPhase {
    budget: RetryBudget,
    pace: Pace,
    /// Sides that were logged in to in this pass.
    reached: BTreeSet<Side>,
    /// Failures to reach a side for the first time.
    unreached: u32,
    until: Option<Instant>,
    /// The end of the last pause that a server named, by the time of day.
    named: Option<Timestamp>,
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
    network: Arc<OwnNetwork>,
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
        let state = RetryPhase {
            budget,
            pace,
            reached: BTreeSet::new(),
            unreached: 0,
            until: None,
            named: None,
            recorded: 0,
            row: 0,
            limit,
        };
        Self { state: Mutex::new(state), tally, clock, quit, hurry: Arc::default(), network: Arc::default() }
    }

    /// A person ends pauses by this.
    #[must_use]
    pub fn hurried_by(self, hurry: Arc<Notify>) -> Self {
        Self { hurry, ..self }
    }

    /// What is known of this computer's sleep and network.
    #[must_use]
    pub fn knowing(self, network: Arc<OwnNetwork>) -> Self {
        Self { network, ..self }
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
            _ if self.is_own(&trouble) => self.rebuild(&trouble),
            _ => self.next_try(&trouble)?,
        };
        self.wait(until, trouble.failure.retry.may_be_hurried()).await
    }

    async fn wait(&self, mut until: Instant, may_be_hurried: bool) -> PassResult<()> {
        let by_day = self.clock.now().plus(until.saturating_duration_since(Instant::now()));
        loop {
            let slept = self.network.sleeps();
            tokio::select! {
                () = self.quit.cancelled() => return Err(PassStop::Stopped),
                () = self.hurry.notified(), if may_be_hurried => break,
                // A clock that stood still meanwhile would wait the whole rest.
                () = self.network.woken(slept) => {
                    until = Instant::now() + by_day.since(self.clock.now());
                    self.with(|state| state.until = Some(until));
                }
                () = tokio::time::sleep_until(until) => return Ok(()),
            }
        }
        self.with(|state| state.until = None);
        Ok(())
    }

    /// Whether it is this computer's doing: it slept or came into another network, or did so a moment ago and does not reach
    /// anybody yet.
    fn is_own(&self, trouble: &SideFailure) -> bool {
        match trouble.failure.cause {
            Cause::OwnNetwork => true,
            Cause::Unreachable | Cause::ConnectionLost | Cause::TimedOut => self.network.comes_back(),
            _ => false,
        }
    }

    /// Connections are made anew at once, then after short pauses as long as nobody can be reached; not before the end of a
    /// pause that a server named. Costs no try.
    fn rebuild(&self, trouble: &SideFailure) -> Instant {
        let (now, today) = (Instant::now(), self.clock.now());
        let slept = trouble.failure.cause == Cause::OwnNetwork;
        let wait = self.with(|state| {
            state.until = None;
            let named = state.named.map_or(Duration::ZERO, |named| named.since(today));
            named.max(if slept { Duration::ZERO } else { state.pace.first })
        });
        tracing::info!(side = trouble.side.word(), failure = %trouble.failure, ?wait, "connecting anew");
        if wait > Duration::ZERO {
            let failure = Failure { cause: Cause::OwnNetwork, ..trouble.failure.clone() };
            self.say(SideFailure { side: trouble.side, failure }, 0, wait);
        }
        now + wait
    }

    fn say(&self, trouble: SideFailure, attempt: u32, wait: Duration) {
        let SideFailure { side, failure } = trouble;
        let (until, limit) = (self.clock.now().plus(wait), self.with(|state| state.limit));
        self.tally.retry(Some(RetryState { side: Some(side), failure, attempt, limit, until }));
    }

    /// Looks at the clock again now and then: it may be changed, and the machine may sleep meanwhile. Costs no try.
    fn outside_hours(&self, trouble: &SideFailure, wait: Duration) -> Instant {
        self.say(trouble.clone(), 0, wait);
        Instant::now() + wait.min(LOOK_AT_THE_CLOCK)
    }

    fn next_try(&self, trouble: &SideFailure) -> PassResult<Instant> {
        let (now, today) = (Instant::now(), self.clock.now());
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
                    if matches!(trouble.failure.retry, Retry::After(_)) {
                        state.named = Some(today.plus(wait));
                    }
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
            if wait > Duration::ZERO {
                self.say(trouble.clone(), attempt, wait);
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

    struct Still;

    impl Clock for Still {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(0)
        }
    }

    /// Moved on by hand.
    #[derive(Default)]
    struct Bedside(Mutex<i64>);

    impl Clock for Bedside {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(*self.0.lock().unwrap())
        }
    }

    fn trouble(cause: Cause, retry: Retry) -> SideFailure {
        SideFailure { side: Side::Source, failure: Failure::new(cause, Scope::Connection, retry, "doing") }
    }

    /// One try, on a computer that has just slept ten minutes.
    fn after_a_sleep() -> (Recovery, Arc<PassStats>, Arc<Bedside>, Arc<OwnNetwork>) {
        let (tally, clock) = (PassStats::new(Arc::default()), Arc::<Bedside>::default());
        let network = OwnNetwork::new(clock.clone());
        let quit = CancellationToken::new();
        let recovery = Recovery::new(1, Pace::default(), Arc::clone(&tally), clock.clone(), quit);
        network.sleeps();
        *clock.0.lock().unwrap() += 600_000;
        (recovery.knowing(Arc::clone(&network)), tally, clock, network)
    }

    #[tokio::test(start_paused = true)]
    async fn f6_after_a_sleep_no_try_is_used_up_until_the_network_had_time_to_come_back() {
        let (recovery, tally, ..) = after_a_sleep();
        let began = Instant::now();
        recovery.pause(trouble(Cause::OwnNetwork, Retry::Backoff)).await.unwrap();
        assert_eq!(began.elapsed(), Duration::ZERO, "connected anew at once");
        for _ in 0..23 {
            recovery.pause(trouble(Cause::Unreachable, Retry::Backoff)).await.unwrap();
            let retry = tally.progress().retry.expect("it is said");
            assert_eq!((retry.failure.cause, retry.attempt), (Cause::OwnNetwork, 0));
        }
        assert_eq!(began.elapsed(), Duration::from_secs(115));
        tokio::time::advance(Duration::from_secs(6)).await;
        recovery.pause(trouble(Cause::Unreachable, Retry::Backoff)).await.expect("the only try");
        recovery.pause(trouble(Cause::Unreachable, Retry::Backoff)).await.expect_err("and no more");
    }

    #[tokio::test(start_paused = true)]
    async fn f6_a_pause_that_the_server_named_is_kept_by_all_lanes_after_a_sleep() {
        let (recovery, _, _, network) = after_a_sleep();
        let named = trouble(Cause::Throttled, Retry::After(Duration::from_secs(100)));
        let began = Instant::now();
        tokio::select! {
            never = network.watch() => match never {},
            ended = async { tokio::join!(recovery.pause(named), recovery.pause(trouble(Cause::OwnNetwork, Retry::Backoff))) } => {
                assert!(ended.0.is_ok() && ended.1.is_ok());
            }
        }
        assert_eq!(began.elapsed(), Duration::from_secs(110));
    }

    #[tokio::test(start_paused = true)]
    async fn f6_what_the_server_itself_says_uses_up_tries_after_a_sleep_too() {
        let (recovery, ..) = after_a_sleep();
        recovery.pause(trouble(Cause::ServerBusy, Retry::Backoff)).await.unwrap();
        recovery.pause(trouble(Cause::ServerBusy, Retry::Backoff)).await.expect_err("the limit is one");
    }

    #[tokio::test(start_paused = true)]
    async fn f6_a_pause_ends_by_the_time_of_day_when_the_computer_slept_through_its_end() {
        let (recovery, _, clock, network) = after_a_sleep();
        let named = Retry::After(Duration::from_secs(1800));
        let began = Instant::now();
        let night = async {
            tokio::time::sleep(Duration::from_secs(60)).await;
            *clock.0.lock().unwrap() += 60_000 + 1_000_000;
            std::future::pending::<()>().await;
        };
        tokio::select! {
            ended = recovery.pause(trouble(Cause::Throttled, named)) => ended.unwrap(),
            never = network.watch() => match never {},
            () = night => {}
        }
        // 33 minutes were to go (10 % are added); 17 and a minute have passed by the clock that moved.
        let took = began.elapsed().as_secs();
        assert!((975..=985).contains(&took), "{took}");
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
