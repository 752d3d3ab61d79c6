//! Doors: how many connections to a server may be open at once, for all who share them, and how many it was seen to allow.
//!
//! A mailbox has a door of its own behind its server's, where its provider is known to allow so many connections to each.
//!
//! Whoever connects to two servers takes a place at both or at none, so that nobody keeps what another one waits for. A
//! server that refuses a connection because there are too many gets no more than are open then. One more is tried after a
//! pause of minutes, which grows as long as it refuses. Waits for others to leave; bounded by the servers.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use tokio::time::Instant;

use crate::domain::failure::{Cause, Failure, Retry, Scope, Side};
use crate::domain::mailbox_key::MailboxKey;
use crate::domain::retry::crowded_pause;
use crate::pass::SideFailure;

/// A server counts a connection that was closed for a moment longer.
const LINGERS: Duration = Duration::from_millis(500);
/// How often it is looked whether a place is free, if nobody tells.
const LOOK: Duration = Duration::from_secs(60);

/// What a server was seen to allow.
#[derive(Debug)]
struct Learned {
    most: u32,
    /// In a row.
    refusals: u32,
    /// When one more is tried.
    grows: Instant,
    /// Its words.
    why: Failure,
}

/// Where connections are counted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum DoorName {
    Host(String),
    Mailbox(MailboxKey),
}

/// The connections through one door.
#[derive(Debug, Default)]
struct Door {
    /// Places given away.
    taken: u32,
    /// Those of them that are logged in.
    open: u32,
    /// Passes without any.
    waiting: u32,
    /// When those that left lately are forgotten.
    left: Vec<Instant>,
    learned: Option<Learned>,
}

impl Door {
    /// Until when there is no room for so many more, and the server's words; none if there is.
    fn is_full(&mut self, needs: u32, most: u32, now: Instant) -> Option<(Instant, Option<Failure>)> {
        self.left.retain(|until| *until > now);
        if let Some(learned) = self.learned.as_mut().filter(|learned| learned.grows <= now) {
            learned.most += 1;
            learned.grows = now + crowded_pause(1);
        }
        self.learned = self.learned.take().filter(|learned| learned.most < most);
        if let Some(learned) = &self.learned {
            let full = |taken: u32| taken + needs > learned.most;
            let forgotten = self.left.first().copied().filter(|_| !full(self.taken));
            let until = forgotten.unwrap_or(learned.grows);
            return full(self.taken + self.left.len() as u32).then(|| (until, Some(learned.why.clone())));
        }
        (self.taken > 0 && self.taken + needs > most).then_some((now + LOOK, None))
    }

    fn refused(&mut self, now: Instant, why: &Failure) {
        let before = self.learned.take();
        let refusals = before.as_ref().map_or(0, |learned| learned.refusals);
        // Others are refused in the same moment: that is one refusal, unless one more was tried.
        let (refusals, grows) = match before.filter(|learned| learned.most <= self.open) {
            Some(learned) => (refusals, learned.grows),
            None => (refusals + 1, now + crowded_pause(refusals + 1)),
        };
        self.learned = Some(Learned { most: self.open, refusals, grows, why: why.clone() });
    }

    /// So many were let in.
    fn opened(&mut self, connections: u32) {
        self.open += connections;
        if let Some(learned) = self.learned.as_mut().filter(|learned| learned.most < self.open) {
            (learned.most, learned.refusals) = (self.open, 0);
        }
    }

    fn closed(&mut self, connections: u32, were_open: bool) {
        self.taken = self.taken.saturating_sub(connections);
        if were_open {
            self.open = self.open.saturating_sub(connections);
        }
        if self.learned.is_some() {
            self.left.extend((0..connections).map(|_| Instant::now() + LINGERS));
        }
    }
}

/// The doors of all servers.
#[derive(Debug, Default)]
pub struct Doors {
    all: Mutex<HashMap<DoorName, Door>>,
    changed: Notify,
}

impl Doors {
    fn with<T>(&self, act: impl FnOnce(&mut HashMap<DoorName, Door>) -> T) -> T {
        act(&mut self.all.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The servers that a pass connects to.
#[derive(Clone, Debug)]
pub struct Approach {
    doors: Arc<Doors>,
    /// By side; none where nothing is connected to.
    hosts: [Option<String>; 2],
    /// The most connections that may be open to one of them, of all together.
    most: u32,
    /// By side, a mailbox and the most connections to it, where there is such a limit.
    mailboxes: [Option<MailboxLimit>; 2],
}

/// A mailbox, and the most connections that may be open to it, of all together.
pub type MailboxLimit = (MailboxKey, u32);

impl Default for Approach {
    /// Two servers that nobody else knows, without a limit.
    fn default() -> Self {
        let hosts = [Side::Source, Side::Destination].map(|side| Some(side.word().to_owned()));
        Self::new(Arc::default(), hosts, u32::MAX)
    }
}

/// No place is free.
#[derive(Debug)]
pub(super) struct Full {
    /// Where, and the server's words.
    pub trouble: Box<SideFailure>,
    /// When it is worth another look.
    pub until: Instant,
}

impl Approach {
    /// Through these doors: the servers of both sides by name, and the most connections to one of them.
    pub fn new(doors: Arc<Doors>, hosts: [Option<String>; 2], most: u32) -> Self {
        Self { doors, hosts, most, mailboxes: [None; 2] }
    }

    /// The same with limits of the mailboxes of both sides.
    #[must_use]
    pub fn limiting(self, mailboxes: [Option<MailboxLimit>; 2]) -> Self {
        Self { mailboxes, ..self }
    }

    /// The server of a side.
    pub(super) fn host(&self, side: Side) -> Option<&str> {
        self.hosts[side as usize].as_deref()
    }

    /// The doors of a side, the server's first, each with the most connections through it.
    fn ways(&self, side: Side) -> impl Iterator<Item = (DoorName, u32)> {
        let host = self.host(side).map(|host| (DoorName::Host(host.to_owned()), self.most));
        let mailbox = self.mailboxes[side as usize].map(|(mailbox, most)| (DoorName::Mailbox(mailbox), most));
        host.into_iter().chain(mailbox)
    }

    fn needs(&self) -> BTreeMap<DoorName, u32> {
        let mut needs = BTreeMap::new();
        let both = self.ways(Side::Source).chain(self.ways(Side::Destination));
        both.for_each(|(name, _)| *needs.entry(name).or_default() += 1);
        needs
    }

    /// Fires when somebody has left.
    pub(super) fn changed(&self) -> Notified<'_> {
        self.doors.changed.notified()
    }

    /// A place at both servers. Who has none yet goes before those who want one more.
    pub(super) fn take(&self, first: bool) -> Result<Seat, Full> {
        let now = Instant::now();
        let needs = self.needs();
        let sides = [Side::Source, Side::Destination].into_iter();
        self.doors.with(|doors| {
            for (side, (name, most)) in sides.flat_map(|side| self.ways(side).map(move |way| (side, way))) {
                let needed = needs.get(&name).copied().unwrap_or(1);
                let door = doors.entry(name).or_default();
                let full = match door.is_full(needed, most, now) {
                    None if !first && door.waiting > 0 => Some((now + LOOK, None)),
                    full => full,
                };
                if let Some((until, why)) = full {
                    let host = self.host(side).unwrap_or_default();
                    let trouble = Box::new(SideFailure { side, failure: crowded(host, why) });
                    return Err(Full { trouble, until });
                }
            }
            for (name, needed) in needs {
                doors.entry(name).or_default().taken += needed;
            }
            Ok(Seat { approach: self.clone(), open: false })
        })
    }

    /// Whether somebody may lack a connection at one of them.
    pub(super) fn is_crowded(&self) -> bool {
        let crowded = |door: &Door| door.learned.is_some() || door.waiting > 0;
        self.doors.with(|doors| self.needs().keys().any(|name| doors.get(name).is_some_and(crowded)))
    }

    /// Tells the others that somebody waits who has no place, until it is dropped.
    pub(super) fn wait(&self) -> Waiting<'_> {
        self.count_waiting(|waiting| *waiting += 1);
        Waiting(self)
    }

    fn count_waiting(&self, change: impl Fn(&mut u32)) {
        let names = self.needs().into_keys();
        self.doors.with(|doors| names.for_each(|name| change(&mut doors.entry(name).or_default().waiting)));
    }

    /// The server of a side says that there are too many.
    pub(super) fn refused(&self, side: Side, why: &Failure) {
        if let Some((name, _)) = self.ways(side).next() {
            self.doors.with(|doors| doors.entry(name).or_default().refused(Instant::now(), why));
        }
    }

    /// A person wants one more connection tried now.
    pub(super) fn hurry(&self, side: Side) {
        if let Some((name, _)) = self.ways(side).next() {
            self.doors.with(|doors| {
                let learned = doors.get_mut(&name).and_then(|door| door.learned.as_mut());
                learned.into_iter().for_each(|learned| learned.grows = Instant::now());
            });
        }
    }
}

fn crowded(host: &str, why: Option<Failure>) -> Failure {
    let failure =
        Failure::new(Cause::TooManyConnections, Scope::Mailbox, Retry::Backoff, "waiting for a free connection");
    match why.and_then(|why| why.server_text) {
        Some(words) => failure.saying(words),
        None => failure.saying("as many as are allowed are open"),
    }
    .about(host)
}

/// A place at both servers of an approach; dropped, it is free again.
#[derive(Debug)]
pub(super) struct Seat {
    approach: Approach,
    open: bool,
}

impl Seat {
    /// Both servers let us in.
    pub fn opened(&mut self) {
        if !std::mem::replace(&mut self.open, true) {
            let needs = self.approach.needs();
            self.approach.doors.with(|doors| {
                needs.into_iter().for_each(|(name, n)| doors.entry(name).or_default().opened(n));
            });
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let (needs, open) = (self.approach.needs(), self.open);
        self.approach.doors.with(|doors| {
            needs.into_iter().for_each(|(name, n)| doors.entry(name).or_default().closed(n, open));
        });
        self.approach.doors.changed.notify_waiters();
    }
}

/// Somebody waits.
pub(super) struct Waiting<'a>(&'a Approach);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.count_waiting(|waiting| *waiting = waiting.saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn approach(doors: &Arc<Doors>, hosts: [&str; 2], most: u32) -> Approach {
        Approach::new(Arc::clone(doors), hosts.map(|host| Some(host.to_owned())), most)
    }

    fn opened(approach: &Approach) -> Seat {
        let mut seat = approach.take(true).expect("room");
        seat.opened();
        seat
    }

    fn refusal() -> Failure {
        Failure::new(Cause::TooManyConnections, Scope::Mailbox, Retry::Backoff, "logging in").saying("too many")
    }

    async fn minutes(minutes: u64) {
        tokio::time::advance(Duration::from_secs(60 * minutes)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_than_are_allowed_of_all_who_share_a_server() {
        let doors = Arc::default();
        let (one, other) = (approach(&doors, ["a", "b"], 3), approach(&doors, ["c", "a"], 3));
        let mut seats = vec![opened(&one), opened(&other), opened(&one)];
        let full = other.take(true).expect_err("full");
        assert_eq!((full.trouble.side, full.trouble.failure.other.as_deref()), (Side::Destination, Some("a")));
        seats.pop();
        assert!(other.take(true).is_ok(), "at once: nothing was refused");
        let both = approach(&doors, ["d", "d"], 1);
        assert!(both.take(true).is_ok(), "a pass whose sides are one server needs two");
    }

    #[tokio::test(start_paused = true)]
    async fn a_mailbox_has_a_limit_of_its_own_behind_its_servers_door() {
        let doors = Arc::default();
        let limited = |name: &str| Some((MailboxKey::of(name), 2));
        let anna = |hosts| approach(&doors, hosts, 100).limiting([limited("anna"), None]);
        let seats = [opened(&anna(["a", "b"])), opened(&anna(["a", "c"]))];
        let full = anna(["a", "d"]).take(true).expect_err("two are open");
        assert_eq!((full.trouble.side, full.trouble.failure.other.as_deref()), (Side::Source, Some("a")));
        assert!(approach(&doors, ["a", "b"], 100).limiting([limited("bob"), None]).take(true).is_ok(), "another one");
        assert!(approach(&doors, ["d", "a"], 100).limiting([None, limited("anna")]).take(true).is_err(), "any side");
        drop(seats);
        assert!(anna(["a", "d"]).take(true).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_get_a_place_at_both_servers_keeps_none() {
        let doors = Arc::default();
        let taken = opened(&approach(&doors, ["a", "b"], 1));
        assert!(approach(&doors, ["c", "b"], 1).take(true).is_err(), "nothing is free at b");
        let there = approach(&doors, ["d", "c"], 1).take(true).expect("room: nobody holds a place at c");
        assert!(approach(&doors, ["b", "a"], 1).take(true).is_err());
        drop((taken, there));
        assert!(approach(&doors, ["b", "a"], 1).take(true).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_refuses_keeps_what_is_open_and_is_asked_for_one_more_after_minutes() {
        let doors = Arc::default();
        let approach = approach(&doors, ["a", "b"], 100);
        let seats = [opened(&approach), opened(&approach)];
        let others: Vec<Seat> = (0..5).map(|_| approach.take(true).expect("room")).collect();
        others.into_iter().for_each(|refused| {
            drop(refused);
            approach.refused(Side::Source, &refusal());
        });
        tokio::time::advance(LINGERS).await;
        let full = approach.take(true).expect_err("full");
        assert_eq!(full.trouble.failure.server_text.as_deref(), Some("too many"));
        assert_eq!((full.until - Instant::now()) + LINGERS, Duration::from_secs(60), "five refusals at once are one");
        minutes(1).await;
        drop(approach.take(true).expect("one more"));
        approach.refused(Side::Source, &refusal());
        minutes(1).await;
        assert!(approach.take(true).is_err(), "the second pause is longer");
        minutes(1).await;
        let third = opened(&approach);
        drop((third, seats));
        assert!(approach.take(true).is_err(), "the server may count them for a moment longer");
        tokio::time::advance(LINGERS).await;
        let all = [opened(&approach), opened(&approach), opened(&approach)];
        assert!(approach.take(true).is_err(), "{all:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_lets_nobody_in_is_asked_after_minutes_or_by_a_person() {
        let doors = Arc::default();
        let approach = approach(&doors, ["a", "b"], 100);
        drop(approach.take(true).expect("room"));
        approach.refused(Side::Source, &refusal());
        assert!(approach.take(true).is_err());
        approach.hurry(Side::Source);
        tokio::time::advance(LINGERS).await;
        assert!(approach.take(true).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_no_connection_goes_before_who_wants_one_more() {
        let doors = Arc::default();
        let approach = approach(&doors, ["a", "b"], 100);
        let waiting = approach.wait();
        assert!(approach.take(false).is_err() && approach.take(true).is_ok());
        drop(waiting);
        assert!(approach.take(false).is_ok());
    }
}
