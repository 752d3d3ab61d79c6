//! Lanes: pairs of connections that work on folders side by side, and the way back after a connection is lost.

use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::join_all;
use tokio::time::Instant;

use crate::domain::failure::{Cause, Failure, Retry, Scope, Side};
use crate::endpoint::{Destination, Source};
use crate::pass::doors::Seat;
use crate::pass::places::GroupQueue;
use crate::pass::{OnSide, Pass, PassResult, PassStop, SideFailure};

/// One connection to each side, opened when first needed.
pub(super) struct Lane {
    pub number: u32,
    /// The server wants no such connection, or refused its login: not tried again in this pass.
    out: bool,
    /// Its place among the connections to both servers, as long as it may have some.
    seat: Option<Seat>,
    /// It found none.
    crowded: bool,
    /// Sides whose session ended since the last step that went well, and how much had been recorded then.
    ended: [Option<u64>; 2],
    source: Option<Box<dyn Source>>,
    destination: Option<Box<dyn Destination>>,
}

impl Lane {
    pub fn new(number: u32) -> Self {
        let (seat, source, destination) = (None, None, None);
        Self { number, out: false, seat, crowded: false, ended: [None; 2], source, destination }
    }

    /// Both sessions, opened if they are not.
    pub async fn sessions(&mut self, pass: &Pass) -> Result<(&mut dyn Source, &mut dyn Destination), SideFailure> {
        if let Some(closed) = pass.closed() {
            self.close().await;
            return Err(closed);
        }
        self.retire().await;
        if self.seat.is_none() {
            let seat = pass.recovery.enter(self.number).await;
            self.crowded = seat.is_err();
            self.seat = Some(seat?);
        }
        let source = open_one(&mut self.source, pass.source.open_source());
        let destination = open_one(&mut self.destination, pass.destination.open_destination());
        let (source, destination) = tokio::join!(source, destination);
        let (source, opened) = source.on(Side::Source)?;
        if opened {
            pass.recovery.reached(Side::Source);
        }
        let (destination, opened) = destination.on(Side::Destination)?;
        if opened {
            pass.recovery.reached(Side::Destination);
        }
        self.seat.iter_mut().for_each(Seat::opened);
        Ok((source.as_mut(), destination.as_mut()))
    }

    /// Closes in order what comes to the end of its token, so that this meets no command.
    async fn retire(&mut self) {
        let now = Instant::now();
        let source = self.source.take_if(|session| session.retires().is_some_and(|at| at <= now));
        let destination = self.destination.take_if(|session| session.retires().is_some_and(|at| at <= now));
        close_both(source, destination).await;
    }

    /// Whether this lane ended because the server wants fewer connections: the pass goes on without it (D19).
    pub fn is_unwanted(&self, halt: &PassStop) -> bool {
        self.number > 0 && matches!(halt, PassStop::Fatal(trouble) if wants_fewer(&trouble.failure))
    }

    /// The lane takes no part any more: in this pass, or until there is room for it again.
    pub fn step_back(&mut self, halt: &PassStop) {
        self.disconnect();
        let later = |failure: &Failure| wants_slower(failure) || failure.cause == Cause::OutsideHours;
        let later = matches!(halt, PassStop::Fatal(trouble) if later(&trouble.failure));
        self.out = !(std::mem::take(&mut self.crowded) || later);
    }

    /// Whether the session of a side ended for the first time in a row: its age, and no fault of anybody.
    fn first_end(&mut self, side: Side, recorded: u64) -> bool {
        self.ended[side as usize].replace(recorded) != Some(recorded)
    }

    /// Drops both connections without a word.
    pub fn disconnect(&mut self) {
        (self.source, self.destination, self.seat) = (None, None, None);
    }

    /// Says goodbye on both sides.
    pub async fn close(&mut self) {
        close_both(self.source.take(), self.destination.take()).await;
        self.seat = None;
    }
}

async fn close_both(source: Option<Box<dyn Source>>, destination: Option<Box<dyn Destination>>) {
    let source = async {
        if let Some(session) = source {
            session.close().await;
        }
    };
    let destination = async {
        if let Some(session) = destination {
            session.close().await;
        }
    };
    tokio::join!(source, destination);
}

/// The failure by which a connection ends whose token comes to its end: nothing was lost, and no try is used up.
fn retired(side: Side) -> SideFailure {
    let now = Retry::After(Duration::ZERO);
    SideFailure { side, failure: Failure::new(Cause::SessionEnded, Scope::Connection, now, "renewing the sign-in") }
}

/// When the sessions of a lane come to the end of their tokens.
#[derive(Clone, Copy, Debug)]
pub(super) struct Retirement {
    source: Option<Instant>,
    destination: Option<Instant>,
}

impl Retirement {
    /// Of these sessions.
    pub fn of(source: &dyn Source, destination: &dyn Destination) -> Self {
        Self { source: source.retires(), destination: destination.retires() }
    }

    /// Which of them is to be closed now, before anything more is begun.
    pub fn due(&self) -> Option<SideFailure> {
        let now = Instant::now();
        let sides = [(Side::Source, self.source), (Side::Destination, self.destination)].into_iter();
        let due = sides.filter(|(_, at)| at.is_some_and(|at| at <= now)).map(|(side, _)| side).next();
        due.map(retired)
    }
}

/// Whether a server wants a slower pace: it gets one connection, and others later.
fn wants_slower(failure: &Failure) -> bool {
    failure.cause == Cause::Throttled || failure.retry == Retry::Later
}

/// Whether a server wants fewer connections of this mailbox.
fn wants_fewer(failure: &Failure) -> bool {
    failure.cause == Cause::TooManyConnections || wants_slower(failure)
}

/// The session of one side, and whether it was opened just now.
async fn open_one<S: ?Sized>(
    place: &mut Option<Box<S>>,
    open: impl Future<Output = Result<Box<S>, Failure>>,
) -> Result<(&mut Box<S>, bool), Failure> {
    let there = place.take();
    let opened = there.is_none();
    let session = match there {
        Some(session) => session,
        None => open.await?,
    };
    Ok((place.insert(session), opened))
}

/// A piece of work that can be done again from its start after a lost connection.
#[async_trait]
pub(super) trait Step: Send {
    type Out: Send;

    async fn run(
        &mut self,
        pass: &Pass,
        source: &mut dyn Source,
        to: &mut dyn Destination,
    ) -> Result<Self::Out, PassStop>;

    /// A connection broke under this step. `Some` ends the step with this outcome instead of another try.
    fn broke(&mut self, _pass: &Pass, _trouble: &SideFailure) -> Option<Self::Out> {
        None
    }
}

impl Pass {
    /// Runs a step, reconnecting and repeating as D22 allows.
    pub(super) async fn run_with_retry<S: Step>(&self, lane: &mut Lane, step: &mut S) -> PassResult<S::Out> {
        loop {
            let mut arrived = false;
            let trial = async {
                let (source, destination) = lane.sessions(self).await.map_err(PassStop::Fatal)?;
                arrived = true;
                step.run(self, source, destination).await
            };
            let ended = tokio::select! {
                biased;
                () = self.quit.cancelled() => Err(PassStop::Stopped),
                ended = trial => ended,
            };
            match ended {
                Err(PassStop::Fatal(trouble)) => {
                    // A server that cannot be reached says nothing about the place in the mailbox.
                    if arrived && let Some(out) = step.broke(self, &trouble) {
                        lane.disconnect();
                        return Ok(out);
                    }
                    self.back_off(lane, trouble).await?;
                }
                other => {
                    if other.is_ok() {
                        lane.ended = [None; 2];
                        self.recovery.shows_no_pause();
                    }
                    return other;
                }
            }
        }
    }

    /// Waits until a lane may try again after a failure, or passes on a failure that no wait can cure.
    pub(super) async fn back_off(&self, lane: &mut Lane, trouble: SideFailure) -> PassResult<()> {
        tracing::debug!(lane = lane.number, side = trouble.side.word(), failure = %trouble.failure, "lane broke");
        lane.disconnect();
        let failure = &trouble.failure;
        let planned = failure.retry == Retry::After(Duration::ZERO);
        let ended = failure.cause == Cause::SessionEnded;
        if ended && (planned || lane.first_end(trouble.side, self.recovery.recorded())) {
            return Ok(());
        }
        if lane.number > 0 && wants_fewer(failure) {
            if wants_slower(failure) {
                self.recovery.begins(&trouble)?;
            }
            return Err(PassStop::Fatal(trouble));
        }
        match failure.retry {
            Retry::User | Retry::Never => Err(PassStop::Fatal(trouble)),
            _ if failure.cause == Cause::TooManyConnections => {
                // It is waited for at the door.
                self.approach.refused(trouble.side, failure);
                Ok(())
            }
            Retry::Backoff | Retry::After(_) | Retry::Later => self.recovery.pause(trouble).await,
        }
    }
}

/// Whether a failure says something about the place in the mailbox where it happened (D22), not about the way there.
pub(super) fn blames_its_place(failure: &Failure) -> bool {
    matches!(failure.cause, Cause::ConnectionLost | Cause::TimedOut | Cause::Nonsense | Cause::ServerBusy)
        && failure.scope <= Scope::Connection
}

/// All lanes of a pass. The first did the listing; others connect when there is work for them (D19).
pub(super) struct Lanes(Vec<Lane>);

impl Lanes {
    pub fn new(first: Lane, connections: u32) -> Self {
        let others = (1..connections.clamp(1, 4)).map(Lane::new);
        Self(std::iter::once(first).chain(others).collect())
    }

    /// The lanes, to be driven side by side.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Lane> {
        self.0.iter_mut()
    }

    /// Says goodbye on all connections.
    pub async fn close(&mut self) {
        join_all(self.0.iter_mut().map(Lane::close)).await;
    }
}

/// How lanes that worked side by side ended: a lasting failure outranks the stops that it caused.
pub(super) fn settle(ended: Vec<PassResult<()>>) -> PassResult<()> {
    let (stops, reasons): (Vec<_>, Vec<_>) =
        ended.into_iter().filter_map(Result::err).partition(|halt| matches!(halt, PassStop::Stopped));
    match reasons.into_iter().chain(stops).next() {
        Some(halt) => Err(halt),
        None => Ok(()),
    }
}

impl Pass {
    /// Whether a lane has something to do in a queue, and may. One beyond the first that a server wants to go slower comes back
    /// later.
    pub(super) async fn takes_part(&self, lane: &mut Lane, queue: &GroupQueue) -> bool {
        while let Some(at) = self.recovery.joins_at(lane.number).filter(|_| !queue.is_empty()) {
            tokio::select! {
                () = self.quit.cancelled() => return false,
                () = queue.emptied() => return false,
                () = tokio::time::sleep_until(at) => {}
            }
        }
        !queue.is_empty() && self.connect_extra(lane).await
    }

    /// Connects a lane beyond the first. False: there is no more room for connections, the lane is left out.
    pub(super) async fn connect_extra(&self, lane: &mut Lane) -> bool {
        if lane.number == 0 || lane.out {
            return !lane.out;
        }
        if self.recovery.joins_at(lane.number).is_some() {
            return false;
        }
        let opened = tokio::select! {
            () = self.quit.cancelled() => return false,
            opened = lane.sessions(self) => opened.map(|_| ()),
        };
        match opened {
            Ok(()) => true,
            Err(trouble) => {
                tracing::info!(lane = lane.number, failure = %trouble.failure, "going on with fewer connections");
                if wants_slower(&trouble.failure) && trouble.failure.cause != Cause::SessionEnded {
                    // The first lane hears of it when it asks for something.
                    self.recovery.begins(&trouble).ok();
                }
                lane.step_back(&PassStop::Fatal(trouble));
                false
            }
        }
    }

    /// A lane has nothing to do for now. One beyond the first keeps its connections only where nobody lacks them.
    pub(super) async fn rests(&self, lane: &mut Lane) {
        if lane.number > 0 && self.approach.is_crowded() {
            lane.close().await;
        }
    }

    /// Passes on how a lane ended and, unless it ended well, makes the others end too.
    pub(super) fn lane_ended(&self, ended: PassResult<()>) -> PassResult<()> {
        if ended.is_err() {
            self.quit.cancel();
        }
        ended
    }
}
