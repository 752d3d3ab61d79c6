//! Lanes: pairs of connections that work on folders side by side, and the way back after a connection is lost.

use async_trait::async_trait;
use futures_util::future::join_all;

use crate::domain::failure::{Cause, Failure, Retry, Scope, Side};
use crate::endpoint::{Destination, Source};
use crate::pass::{OnSide, Pass, PassResult, PassStop, SideFailure};

/// One connection to each side, opened when first needed.
pub(super) struct Lane {
    pub number: u32,
    /// The server wants no such connection, or refused its login: not tried again in this pass.
    out: bool,
    source: Option<Box<dyn Source>>,
    destination: Option<Box<dyn Destination>>,
}

impl Lane {
    pub fn new(number: u32) -> Self {
        Self { number, out: false, source: None, destination: None }
    }

    /// Both sessions, opened if they are not.
    pub async fn sessions(&mut self, pass: &Pass) -> Result<(&mut dyn Source, &mut dyn Destination), SideFailure> {
        if let Some(closed) = pass.hours.closed() {
            self.close().await;
            return Err(closed);
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
        Ok((source.as_mut(), destination.as_mut()))
    }

    /// Whether this lane ended because the server wants fewer connections: the pass goes on without it (D19).
    pub fn is_unwanted(&self, halt: &PassStop) -> bool {
        self.number > 0
            && matches!(halt, PassStop::Fatal(trouble) if trouble.failure.cause == Cause::TooManyConnections)
    }

    /// The lane takes no more part in this pass.
    pub fn drop_extra(&mut self) {
        self.disconnect();
        self.out = true;
    }

    /// Drops both connections without a word.
    pub fn disconnect(&mut self) {
        (self.source, self.destination) = (None, None);
    }

    /// Says goodbye on both sides.
    pub async fn close(&mut self) {
        let (source, destination) = (self.source.take(), self.destination.take());
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
                        self.tally.retry(None);
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
        match trouble.failure.retry {
            _ if lane.number > 0 && trouble.failure.cause == Cause::TooManyConnections => Err(PassStop::Fatal(trouble)),
            Retry::User | Retry::Never => Err(PassStop::Fatal(trouble)),
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
    /// Connects a lane beyond the first. False: the server wants no more connections, the lane is left out.
    pub(super) async fn connect_extra(&self, lane: &mut Lane) -> bool {
        if lane.number == 0 || lane.out {
            return !lane.out;
        }
        let opened = tokio::select! {
            () = self.quit.cancelled() => return false,
            opened = lane.sessions(self) => opened.map(|_| ()),
        };
        match opened {
            Ok(()) => true,
            Err(trouble) => {
                tracing::info!(lane = lane.number, failure = %trouble.failure, "going on with fewer connections");
                lane.drop_extra();
                false
            }
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
