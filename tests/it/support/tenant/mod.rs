//! A tenant of Exchange Online that moves mailboxes, for tests: recipients, endpoints, batches, moves, licenses. Orders change
//! its state, answers are computed from it, time is a clock that the test steps.
//!
//! It is strict (wrong paths, unknown cmdlets and parameters, missing rights and missing `Confirm` are refused as Exchange Online
//! refuses them), late (what was made shows after a while, a batch lags behind its users), and it notes every order that a good
//! client would not give. Faults are planned, and each must be used. Shapes of answers: as public clients of InvokeCommand show
//! them (ExchangeOnlineManagement 3, and open-source callers); what no source shows is said where it stands. No part of the
//! product is used here.

mod cmdlets;
mod graph;
pub mod http;
mod moves;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Milliseconds of a minute and an hour.
pub const MINUTE: i64 = 60_000;
pub const HOUR: i64 = 60 * MINUTE;

/// Time as the test says.
#[derive(Clone)]
pub struct Now(Arc<AtomicI64>);

impl Now {
    /// It stands at this time.
    pub fn at(millis: i64) -> Now {
        Now(Arc::new(AtomicI64::new(millis)))
    }

    /// Now.
    pub fn get(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }

    /// Later.
    pub fn step(&self, millis: i64) {
        self.0.fetch_add(millis, Ordering::SeqCst);
    }

    /// What the machine's clock says.
    pub fn set(&self, millis: i64) {
        self.0.store(millis, Ordering::SeqCst);
    }
}

/// What goes wrong with a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// 429, with or without a time to wait.
    Throttled(Option<u64>),
    /// 400 that names TransientException; nothing is done.
    Transient,
    /// 502; nothing is done.
    BadGateway,
    /// It is done, and the answer is lost.
    LostAnswer,
    /// The connection breaks before it is done.
    LostBefore,
    /// A question is answered with nothing.
    EmptyPage,
    /// 403 with an empty body.
    Forbidden,
}

/// A fault for a call: the so many-th of this name from when it was planned (0: the next).
#[derive(Clone, Debug)]
pub struct Planned {
    pub call: String,
    pub after: u32,
    pub fault: Fault,
    pub used: bool,
}

/// An address.
#[derive(Clone, Debug, Default)]
pub struct Person {
    /// It has a mailbox here.
    pub mailbox: bool,
    /// Its mailbox's number is known here.
    pub guid: bool,
    /// Its number in the directory.
    pub object: String,
    /// More addresses.
    pub proxies: Vec<String>,
    /// What cmdlets set on its mailbox.
    pub properties: BTreeMap<String, String>,
    /// Where it works, and since when the directory knows it everywhere.
    pub location: Option<(String, i64)>,
    /// Its licenses.
    pub skus: BTreeSet<String>,
    /// Its first move fails at half.
    pub fails_first: bool,
    /// Items are left out that must be approved.
    pub must_approve: bool,
    /// The word that is told for its state, whatever it is.
    pub odd_word: Option<String>,
    /// Its move stays behind when it is taken out.
    pub leaves_move: bool,
}

/// A batch.
#[derive(Clone, Debug)]
pub struct Batch {
    pub created: i64,
    pub started: Option<i64>,
    pub complete_after: Option<i64>,
    /// What is told, and since when: it lags.
    pub word: (String, i64),
}

/// Where a move is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Created,
    Queued,
    Syncing,
    Synced,
    Completing,
    Completed,
    Failed,
    Stopping,
    Stopped,
}

/// A migration user with its move.
#[derive(Clone, Debug)]
pub struct Mover {
    pub batch: String,
    pub created: i64,
    pub state: State,
    pub since: i64,
    pub complete_after: Option<i64>,
    pub approved: bool,
    pub tries: u32,
    pub error: Option<String>,
}

/// A license.
#[derive(Clone, Debug)]
pub struct Sku {
    pub id: String,
    pub name: String,
    pub enabled: u64,
    pub consumed: u64,
}

/// An order that was carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    pub at: i64,
    pub cmdlet: String,
    pub of: String,
}

/// All of it.
pub struct World {
    pub now: Now,
    /// How late what was made shows.
    pub late: i64,
    /// How late a batch's word is.
    pub lag: i64,
    pub people: BTreeMap<String, Person>,
    pub endpoints: BTreeMap<String, Option<String>>,
    pub batches: BTreeMap<String, Batch>,
    pub movers: BTreeMap<String, Mover>,
    /// Moves that were left behind, until when they show.
    pub left: BTreeMap<String, i64>,
    pub skus: Vec<Sku>,
    pub faults: Vec<Planned>,
    pub done: Vec<Done>,
    pub violations: Vec<String>,
    /// Who may be moved.
    pub allowed: BTreeSet<String>,
    /// The application's rights were taken back.
    pub withdrawn: bool,
    /// Every call, by name.
    pub calls: Vec<String>,
    /// Bytes are taken as numbers only.
    pub numbers_only: bool,
}

impl World {
    fn new(now: Now) -> World {
        World {
            now,
            late: 90_000,
            lag: 10 * MINUTE,
            people: BTreeMap::new(),
            endpoints: BTreeMap::from([("OnPrem".to_owned(), None)]),
            batches: BTreeMap::new(),
            movers: BTreeMap::new(),
            left: BTreeMap::new(),
            skus: vec![Sku { id: object(9_000_001), name: "ENTERPRISEPACK".into(), enabled: 1000, consumed: 0 }],
            faults: Vec::new(),
            done: Vec::new(),
            violations: Vec::new(),
            allowed: BTreeSet::new(),
            withdrawn: false,
            calls: Vec::new(),
            numbers_only: false,
        }
    }

    /// Somebody whose mailbox is on-premises.
    pub fn add(&mut self, address: &str) -> &mut Person {
        self.allowed.insert(address.to_owned());
        let number = self.people.len() as u64 + 1;
        let local = address.split('@').next().unwrap_or_default();
        let person = Person {
            guid: true,
            object: object(number),
            proxies: vec![address.to_owned(), format!("{local}@contoso.mail.onmicrosoft.com")],
            ..Person::default()
        };
        self.people.entry(address.to_owned()).or_insert(person)
    }

    /// Plans a fault.
    pub fn plan(&mut self, call: &str, after: u32, fault: Fault) {
        self.faults.push(Planned { call: call.into(), after, fault, used: false });
    }

    /// How often an order was carried out.
    pub fn count(&self, cmdlet: &str) -> usize {
        self.done.iter().filter(|done| done.cmdlet == cmdlet).count()
    }

    /// An order that a good client does not give.
    fn wrong(&mut self, text: impl Into<String>) {
        let at = self.now.get();
        self.violations.push(format!("at {at}: {}", text.into()));
    }

    fn carried_out(&mut self, cmdlet: &str, of: &str) {
        self.done.push(Done { at: self.now.get(), cmdlet: cmdlet.into(), of: of.into() });
    }
}

fn object(number: u64) -> String {
    format!("33333333-0000-0000-0000-{number:012}")
}

fn lock<T>(world: &Mutex<T>) -> MutexGuard<'_, T> {
    world.lock().unwrap_or_else(PoisonError::into_inner)
}
