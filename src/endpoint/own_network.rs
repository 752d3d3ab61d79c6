//! Notices that this computer slept, that the process stood still, or that it is in another network: connections from before
//! are dead then, whatever they say, and that is nobody's fault.
//!
//! A sleep shows in the time of day: more of it passed between two looks than the looks are apart. Another network shows in
//! the address that a connection comes from: the computer does not have it any more. Bounded: a look a second for each pass,
//! and one in `LINK_EVERY` for each connection.

use std::convert::Infallible;
use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, interval, sleep};

use crate::domain::clock::Clock;
use crate::domain::failure::{Cause, Failure, Retry, Scope};
use crate::domain::time::Timestamp;

/// Between two looks at the clock.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// More time between two looks than this was a sleep; less does no harm to connections.
const ASLEEP: Duration = Duration::from_secs(30);
/// Between two looks at a connection's own address.
const LINK_EVERY: Duration = Duration::from_secs(5);
/// A computer that woke, or is in another network, reaches its servers after so long at the latest.
const COMES_BACK: Duration = Duration::from_secs(120);

#[derive(Debug, Default)]
struct Seen {
    looked: Option<Timestamp>,
    roused: Option<Instant>,
}

/// What one pass knows of the computer it runs on. Without a clock it never sleeps.
#[derive(Default)]
pub struct OwnNetwork {
    clock: Option<Arc<dyn Clock>>,
    seen: Mutex<Seen>,
    sleeps: watch::Sender<u64>,
}

impl OwnNetwork {
    /// By this clock.
    pub fn new(clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self { clock: Some(clock), ..Self::default() })
    }

    /// Looks at the clock again and again, as long as it is polled.
    pub async fn watch(&self) -> Infallible {
        self.with(|seen| seen.looked = None);
        let mut looks = interval(LOOK_EVERY);
        loop {
            looks.tick().await;
            self.sleeps();
        }
    }

    /// How often the computer slept so far.
    pub fn sleeps(&self) -> u64 {
        let Some(clock) = &self.clock else { return 0 };
        let now = clock.now();
        let slept = self.with(|seen| {
            let before = seen.looked.replace(now).unwrap_or(now);
            now.since(before) >= ASLEEP
        });
        if slept {
            tracing::info!("this computer slept, or its clock was set");
            self.roused();
            self.sleeps.send_modify(|sleeps| *sleeps += 1);
        }
        *self.sleeps.borrow()
    }

    /// Returns when it wakes from a sleep after the first `known` ones.
    pub async fn woken(&self, known: u64) {
        // The sender lives as long as this.
        self.sleeps.subscribe().wait_for(|sleeps| *sleeps != known).await.ok();
    }

    /// Whether servers may still be out of reach because the computer woke, or came into another network, a moment ago.
    pub fn comes_back(&self) -> bool {
        self.sleeps();
        self.with(|seen| seen.roused).is_some_and(|roused| roused.elapsed() < COMES_BACK)
    }

    fn roused(&self) {
        self.with(|seen| seen.roused = Some(Instant::now()));
    }

    fn with<T>(&self, act: impl FnOnce(&mut Seen) -> T) -> T {
        act(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// One connection, as far as this computer is concerned.
pub struct Link {
    network: Arc<OwnNetwork>,
    /// Where it comes from.
    local: Option<SocketAddr>,
    /// Sleeps before it was made.
    known: u64,
}

impl Link {
    /// Of a connection that is being made now.
    pub fn new(network: &Arc<OwnNetwork>, local: Option<SocketAddr>) -> Self {
        Self { network: Arc::clone(network), local, known: network.sleeps() }
    }

    /// Returns the reason when it is dead for a reason of this computer's.
    pub async fn dead(&self) -> Failure {
        loop {
            if let Some(failure) = self.failure() {
                return failure;
            }
            tokio::select! {
                () = self.network.woken(self.known) => {}
                () = sleep(LINK_EVERY) => {}
            }
        }
    }

    /// A lost connection, or silence, is this computer's doing where it slept or left its network meanwhile.
    pub fn explained(&self, failure: Failure) -> Failure {
        let lost = matches!(failure.cause, Cause::ConnectionLost | Cause::TimedOut);
        self.failure().filter(|_| lost).unwrap_or(failure)
    }

    fn failure(&self) -> Option<Failure> {
        let why = if self.network.sleeps() != self.known {
            "this computer slept"
        } else if self.local.is_some_and(is_gone) {
            self.network.roused();
            "this computer is in another network"
        } else {
            return None;
        };
        Some(Failure::new(Cause::OwnNetwork, Scope::Connection, Retry::Backoff, "").saying(why))
    }
}

/// Whether the computer does not have this address any more: nothing can be bound to it then.
fn is_gone(mut local: SocketAddr) -> bool {
    local.set_port(0);
    matches!(UdpSocket::bind(local), Err(error) if error.kind() == ErrorKind::AddrNotAvailable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Hands(Mutex<i64>);

    impl Hands {
        fn on(&self, seconds: i64) {
            *self.0.lock().unwrap() += seconds * 1000;
        }
    }

    impl Clock for Hands {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(*self.0.lock().unwrap())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_sleep_ends_the_connections_from_before_it_and_no_later_ones() {
        let clock = Arc::new(Hands::default());
        let network = OwnNetwork::new(clock.clone());
        let lost = Failure::new(Cause::ConnectionLost, Scope::Connection, Retry::Backoff, "reading");
        let refused = Failure::new(Cause::ServerBusy, Scope::Connection, Retry::Backoff, "reading");
        let before = Link::new(&network, None);
        for _ in 0..100 {
            clock.on(20);
            assert_eq!(before.explained(lost.clone()), lost, "a slow look is no sleep");
        }
        assert!(!network.comes_back());
        clock.on(-4000);
        assert_eq!(before.explained(lost.clone()), lost, "the clock was set back");
        clock.on(600);
        assert_eq!(before.dead().await.cause, Cause::OwnNetwork);
        assert_eq!(before.explained(lost.clone()).cause, Cause::OwnNetwork);
        assert_eq!(before.explained(refused.clone()), refused, "what the server said it said");
        let after = Link::new(&network, None);
        assert_eq!(after.explained(lost.clone()), lost);
        assert!(network.comes_back());
        tokio::time::advance(COMES_BACK).await;
        assert!(!network.comes_back());
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_hears_of_a_sleep_from_whoever_looks_at_the_clock() {
        let clock = Arc::new(Hands::default());
        let network = OwnNetwork::new(clock.clone());
        let link = Link::new(&network, None);
        // Nobody looked for long: no sleep, for nobody was there to see.
        clock.on(9000);
        tokio::select! {
            never = network.watch() => match never {},
            () = async {
                sleep(Duration::from_secs(3)).await;
                clock.on(31);
                network.woken(0).await;
            } => {}
        }
        assert_eq!((network.sleeps(), link.dead().await.cause), (1, Cause::OwnNetwork));
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_from_an_address_that_is_gone_is_dead() {
        let network: Arc<OwnNetwork> = Arc::default();
        let here = Link::new(&network, "127.0.0.1:40000".parse().ok());
        let lost = Failure::new(Cause::TimedOut, Scope::Connection, Retry::Backoff, "reading");
        assert_eq!(here.explained(lost.clone()), lost);
        assert!(!network.comes_back());
        // Of a network that is for books only.
        let gone = Link::new(&network, "192.0.2.7:40000".parse().ok());
        assert_eq!(gone.dead().await.server_text.as_deref(), Some("this computer is in another network"));
        assert!(network.comes_back());
    }
}
