//! Retry mode: how the lanes of one pass wait together after a failure that may pass (D22).
//!
//! A lane that fails while a pause lasts joins it and uses up no try of its own. A pause that a server named, or that a limit
//! of hours needs, holds the other lanes too; after it one connection goes on, and others come back one by one. A server with
//! too many connections is waited for at its door ([`super::doors`]). Every wait ends at once when the pass is told to stop.

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
use crate::pass::doors::{Approach, Seat};
use crate::pass::suspects::Tries;
use crate::pass::tally::PassStats;
use crate::pass::{PassResult, PassStop, SideFailure};

/// Tries for a server that this pass has never reached: a name or port is probably wrong, and waiting cures neither.
const NEVER_REACHED: u32 = 3;
/// … for one that was silent for so long that it was given up.
const NEVER_HEARD: u32 = 1;
/// Tries and the longest pause between them where a person waits for the end.
const LOOKED_ON: (u32, Duration) = (3, Duration::from_secs(2));
/// One more connection goes on after each of these, if no server asks for a slower pace again.
const GROWS: Duration = Duration::from_secs(5 * 60);
/// How often it is looked whether the run hours have begun: a look is cheap, and the clock may be changed at any time.
const LOOK_AT_THE_CLOCK: Duration = Duration::from_secs(1);

/// A pause that all lanes keep together.
#[derive(Clone)]
struct Pause {
    until: Instant,
    /// The same by the time of day, for a clock that stands still while the computer sleeps.
    by_day: Timestamp,
    why: SideFailure,
}

impl Pause {
    /// Whether nothing may be asked of the servers while it lasts: they named it, or have reached a limit.
    fn holds_all(&self) -> bool {
        matches!(self.why.failure.retry, Retry::After(_) | Retry::Later)
    }
}

struct RetryPhase {
    budget: RetryBudget,
    pace: Pace,
    /// Sides that were logged in to in this pass.
    reached: BTreeSet<Side>,
    /// Failures to reach a side for the first time.
    unreached: u32,
    /// Tries for a server that was never reached and was silent for long.
    unheard: u32,
    pause: Option<Pause>,
    /// From when on connections are added again, after a server asked for a slower pace.
    slowed: Option<Instant>,
    /// Commits that recorded a new message.
    recorded: u64,
    /// Failed tries since the last of them.
    row: u32,
    limit: u32,
}

impl RetryPhase {
    fn running(&self) -> Option<Pause> {
        self.pause.as_ref().filter(|pause| pause.until > Instant::now()).cloned()
    }

    /// Whether a failure changes nothing about the pause that lasts already.
    fn joins(&self, failure: &Failure) -> bool {
        self.running().is_some_and(|pause| match failure.retry {
            Retry::After(_) => pause.why.failure == *failure,
            Retry::Later => pause.why.failure.retry == Retry::Later,
            Retry::Backoff => true,
            // Waiting does not cure it.
            Retry::User | Retry::Never => false,
        })
    }

    /// How many tries there are for a server that was never logged in to, if fewer than for another: it is given up soon.
    fn most_unreached(&self, trouble: &SideFailure) -> Option<u32> {
        match trouble.failure.cause {
            _ if self.reached.contains(&trouble.side) => None,
            Cause::TimedOut | Cause::NoGreeting => Some(self.unheard),
            cause => cause.is_out_of_reach().then_some(NEVER_REACHED),
        }
    }
}

/// Shared by the lanes of a pass.
pub struct Recovery {
    state: Mutex<RetryPhase>,
    tally: Arc<PassStats>,
    clock: Arc<dyn Clock>,
    quit: CancellationToken,
    hurry: Arc<Notify>,
    network: Arc<OwnNetwork>,
    approach: Approach,
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
        let state = RetryPhase {
            budget: RetryBudget::new(limit, pace),
            pace,
            reached: BTreeSet::new(),
            unreached: 0,
            unheard: NEVER_HEARD,
            pause: None,
            slowed: None,
            recorded: 0,
            row: 0,
            limit,
        };
        let (hurry, network, approach) = Default::default();
        Self { state: Mutex::new(state), tally, clock, quit, hurry, network, approach }
    }

    /// A person waits for the end: few tries, short pauses, and none for a server that was silent for long.
    #[must_use]
    pub fn looked_on(self) -> Self {
        self.with(|state| {
            let (most, longest) = LOOKED_ON;
            let pace = Pace { longest: state.pace.longest.min(longest), ..state.pace };
            (state.pace, state.limit, state.unheard) = (pace, state.limit.min(most), 0);
            state.budget = RetryBudget::new(state.limit, pace);
        });
        self
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

    /// The servers it is about.
    #[must_use]
    pub fn on(self, approach: Approach) -> Self {
        Self { approach, ..self }
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
        self.with(|state| Tries { row: state.row + 1, limit: state.budget.limit_for(failure.cause), busy })
    }

    /// A message was newly recorded: the row of failed tries ends.
    pub fn progressed(&self) {
        self.with(|state| (state.recorded, state.row) = (state.recorded + 1, 0));
        self.left_out();
    }

    /// A message was left out at which connections broke while others were recorded: the tries it used up count no more.
    pub fn left_out(&self) {
        self.with(|state| state.budget.progressed());
        self.shows_no_pause();
    }

    /// Nothing is waited for any more, unless a pause lasts.
    pub fn shows_no_pause(&self) {
        if self.with(|state| state.running()).is_none() {
            self.tally.retry(None);
        }
    }

    /// Why nothing may be asked of the servers now.
    pub fn held(&self) -> Option<SideFailure> {
        self.with(|state| state.running()).filter(Pause::holds_all).map(|pause| pause.why)
    }

    /// The failure after which a try is waited for now: why nothing happens.
    pub fn waited_after(&self) -> Option<SideFailure> {
        let is_a_trouble =
            |why: &SideFailure| why.failure.retry == Retry::Backoff && why.failure.cause != Cause::OwnNetwork;
        self.with(|state| state.running()).map(|pause| pause.why).filter(is_a_trouble)
    }

    /// When a lane may take part again after a server asked for a slower pace; none if it may. The first always may, each other
    /// one comes back after the one before it.
    pub fn joins_at(&self, lane: u32) -> Option<Instant> {
        let slowed = self.with(|state| state.slowed)?;
        Some(slowed + GROWS * lane).filter(|at| lane > 0 && *at > Instant::now())
    }

    /// Waits until the next try may start.
    ///
    /// # Errors
    /// The failure itself when no try is left, or [`PassStop::Stopped`] when the pass was told to stop.
    pub async fn pause(&self, trouble: SideFailure) -> PassResult<()> {
        if let (Retry::After(wait), Cause::OutsideHours) = (trouble.failure.retry, trouble.failure.cause) {
            return self.outside_hours(&trouble, wait).await;
        }
        if self.is_own(&trouble) {
            self.rebuilds(&trouble);
        } else {
            self.begins(&trouble)?;
        }
        self.wait().await
    }

    /// Waits for the end of the pause, which another lane may make later.
    async fn wait(&self) -> PassResult<()> {
        while let Some(pause) = self.with(|state| state.running()) {
            let (slept, may_be_hurried) = (self.network.sleeps(), pause.why.failure.retry.may_be_hurried());
            tokio::select! {
                () = self.quit.cancelled() => return Err(PassStop::Stopped),
                () = self.hurry.notified(), if may_be_hurried => {
                    // A server may have named one meanwhile.
                    let named = |pause: &Pause| !pause.why.failure.retry.may_be_hurried();
                    self.with(|state| state.pause = state.running().filter(named));
                    self.shows_no_pause();
                }
                // A clock that stood still meanwhile would wait the whole rest.
                () = self.network.woken(slept) => {
                    let until = Instant::now() + pause.by_day.since(self.clock.now());
                    self.with(|state| state.pause.iter_mut().for_each(|pause| pause.until = until));
                }
                () = tokio::time::sleep_until(pause.until) => {}
            }
        }
        Ok(())
    }

    /// Whether it is this computer's doing: it slept or came into another network, or did so a moment ago and does not reach
    /// anybody yet.
    fn is_own(&self, trouble: &SideFailure) -> bool {
        match trouble.failure.cause {
            Cause::OwnNetwork => true,
            Cause::ConnectionLost | Cause::TimedOut => self.network.comes_back(),
            cause => cause.is_out_of_reach() && self.network.comes_back(),
        }
    }

    /// Connections are made anew at once, then after short pauses as long as nobody can be reached; not before the end of a
    /// pause that a server named. Costs no try.
    fn rebuilds(&self, trouble: &SideFailure) {
        let (now, today) = (Instant::now(), self.clock.now());
        let slept = trouble.failure.cause == Cause::OwnNetwork;
        let failure = Failure { cause: Cause::OwnNetwork, ..trouble.failure.clone() };
        let own = SideFailure { side: trouble.side, failure };
        let wait = self.with(|state| {
            let named = state.pause.take().filter(|pause| pause.holds_all() && pause.by_day > today);
            let wait = named.as_ref().map_or(Duration::ZERO, |pause| pause.by_day.since(today));
            let wait = wait.max(if slept { Duration::ZERO } else { state.pace.first });
            let why = named.map_or_else(|| own.clone(), |pause| pause.why);
            state.pause = Some(Pause { until: now + wait, by_day: today.plus(wait), why });
            wait
        });
        tracing::info!(side = trouble.side.word(), failure = %trouble.failure, ?wait, "connecting anew");
        let limit = self.with(|state| state.limit);
        self.shows(&own, wait, (0, limit));
    }

    /// Looks at the clock again now and then: it may be changed, and the machine may sleep meanwhile. Costs no try.
    async fn outside_hours(&self, trouble: &SideFailure, wait: Duration) -> PassResult<()> {
        self.shows(trouble, wait, (0, self.with(|state| state.limit)));
        tokio::select! {
            () = self.quit.cancelled() => Err(PassStop::Stopped),
            () = tokio::time::sleep(wait.min(LOOK_AT_THE_CLOCK)) => Ok(()),
        }
    }

    /// Decides about a failure: a pause begins or lasts, or no try is left.
    ///
    /// # Errors
    /// The failure itself when no try is left.
    pub fn begins(&self, trouble: &SideFailure) -> PassResult<()> {
        let (now, today) = (Instant::now(), self.clock.now());
        let decided = self.with(|state| {
            if state.joins(&trouble.failure) {
                return Ok(None);
            }
            let most = state.most_unreached(trouble);
            state.unreached += u32::from(most.is_some());
            if most.is_some_and(|most| state.unreached > most) {
                return Err(());
            }
            // The end of a session says nothing about a message.
            state.row +=
                u32::from(trouble.failure.retry == Retry::Backoff && trouble.failure.cause != Cause::SessionEnded);
            let Decision::Again { wait, attempt, limit } = state.budget.failed(&trouble.failure, jitter()) else {
                return Err(());
            };
            // One that lasts longer is not cut short.
            let until = state.running().map_or(now + wait, |pause| pause.until.max(now + wait));
            if trouble.failure.cause == Cause::Throttled || trouble.failure.retry == Retry::Later {
                state.slowed = Some(until);
            }
            state.pause = Some(Pause { until, by_day: today.plus(until - now), why: trouble.clone() });
            Ok(Some((until - now, attempt, most.map_or(limit, |most| most.min(limit)))))
        });
        match decided {
            Err(()) => return Err(PassStop::Fatal(trouble.clone())),
            Ok(None) => {}
            Ok(Some((wait, attempt, limit))) => {
                tracing::info!(side = trouble.side.word(), failure = %trouble.failure, ?wait, attempt, limit, "retry mode");
                self.shows(trouble, wait, (attempt, limit));
            }
        }
        Ok(())
    }

    /// Tells whoever watches why nothing happens.
    fn shows(&self, trouble: &SideFailure, wait: Duration, (attempt, limit): (u32, u32)) {
        if wait.is_zero() {
            return;
        }
        let mut failure = trouble.failure.clone();
        failure.other = failure.other.or_else(|| self.approach.host(trouble.side).map(str::to_owned));
        if failure.cause == Cause::SessionEnded && failure.retry == Retry::Later {
            // The second in a row: it is not the session's age.
            failure.cause = Cause::ProviderLimit;
        }
        let until = self.clock.now().plus(wait);
        self.tally.retry(Some(RetryState { side: Some(trouble.side), failure, attempt, limit, until }));
    }

    /// A place for a lane at both servers. The first lane waits for it, as long as that takes; it costs no try.
    ///
    /// # Errors
    /// There is none for a lane beyond the first.
    pub async fn enter(&self, lane: u32) -> Result<Seat, SideFailure> {
        let mut waiting = None;
        loop {
            let changed = self.approach.changed();
            let full = match self.approach.take(lane == 0) {
                Ok(seat) if waiting.is_none() => return Ok(seat),
                Ok(seat) => {
                    self.shows_no_pause();
                    return Ok(seat);
                }
                Err(full) if lane > 0 => return Err(*full.trouble),
                Err(full) => full,
            };
            waiting.get_or_insert_with(|| {
                tracing::info!(failure = %full.trouble.failure, host = self.approach.host(full.trouble.side), "retry mode");
                self.approach.wait()
            });
            let limit = self.with(|state| state.limit);
            self.shows(&full.trouble, full.until.saturating_duration_since(Instant::now()), (0, limit));
            tokio::select! {
                () = changed => {}
                () = tokio::time::sleep_until(full.until) => {}
                () = self.hurry.notified() => self.approach.hurry(full.trouble.side),
            }
        }
    }
}

#[cfg(test)]
mod tests;
