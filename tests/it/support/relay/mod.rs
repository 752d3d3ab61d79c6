//! An IMAP-aware TCP relay between product and server: hides capabilities, records the wire, delays, and breaks things.
//!
//! Plain text on both sides, loopback only, own thread and runtime; nothing but std and tokio, so that benches can
//! include this file by its path. STARTTLS is hidden always: the relay must be able to read. This module holds what a
//! test says and asks; `wire` carries one connection, `product` and `server` read its two directions, `record` judges
//! what was said, `bend` changes what is heard.

mod bend;
mod product;
mod record;
mod server;
mod wire;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{oneshot, watch};

pub use bend::{Heard, Said};
pub use record::{Appended, Command};
use record::{appended, reads_only, shown, unadvertised};

/// A test that waits longer than this for a planned event has failed.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// What a relay does from its first connection on.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// Capabilities the product must not see; the response codes that belong to them are taken out too.
    pub hide: Vec<String>,
    /// Capabilities to show although the server does not (e.g. `LITERAL-`).
    pub show: Vec<String>,
    /// Added round trip; each direction holds every byte back by half of it.
    pub round_trip: Duration,
    /// Connections refused (reset at once) before the first one is let through.
    pub refuse_first: u64,
    /// Faults at random.
    pub chaos: Option<Chaos>,
}

impl Rules {
    /// Hides these.
    pub fn hiding(capabilities: &[&str]) -> Rules {
        Rules { hide: capabilities.iter().map(|&c| c.into()).collect(), ..Rules::default() }
    }

    /// A server that takes one message with each APPEND, as most do.
    pub fn singly() -> Rules {
        Rules::hiding(&["MULTIAPPEND"])
    }

    /// A server from the days of RFC 3501.
    pub fn bare() -> Rules {
        Rules::hiding(&[
            "MULTIAPPEND",
            "LITERAL+",
            "LITERAL-",
            "UIDPLUS",
            "CONDSTORE",
            "QRESYNC",
            "LIST-STATUS",
            "LIST-EXTENDED",
            "SPECIAL-USE",
            "SASL-IR",
            "ESEARCH",
            "MOVE",
            "ENABLE",
            "UNSELECT",
            "NAMESPACE",
            "ID",
            "BINARY",
            "NOTIFY",
        ])
    }

    /// A delaying relay.
    pub fn delaying(round_trip: Duration) -> Rules {
        Rules { round_trip, ..Rules::default() }
    }
}

/// Faults at random, the same ones for the same seed and the same traffic.
#[derive(Clone, Debug)]
pub struct Chaos {
    /// Where the random numbers start.
    pub seed: u64,
    /// A connection that is to break breaks after this many relayed bytes (both directions), at least and at most.
    pub after: (u64, u64),
    /// How it breaks; one is drawn.
    pub kinds: Vec<Break>,
    /// How many connections break; all later ones live.
    pub limit: u64,
}

/// Ways a connection can break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Break {
    /// Reset in the middle of whatever is under way.
    Reset,
    /// An orderly end of both directions.
    Close,
    /// Nothing is relayed any more, and nothing is said.
    Stall,
    /// Refused at connect.
    Refuse,
}

/// Which commands a plan is about. Matching ignores case.
#[derive(Clone, Debug)]
pub struct Which {
    verb: String,
    text: Option<String>,
    nth: u64,
    until: u64,
}

/// Commands with this verb (`APPEND`, `UID FETCH`, …), the first one only unless told otherwise. `*` is any verb.
pub fn verb(verb: &str) -> Which {
    Which { verb: verb.to_uppercase(), text: None, nth: 1, until: 1 }
}

impl Which {
    /// The n-th one (from 1) that matches.
    pub fn nth(self, n: u64) -> Which {
        Which { nth: n, until: n, ..self }
    }

    /// The first so many that match.
    pub fn first(self, n: u64) -> Which {
        Which { nth: 1, until: n, ..self }
    }

    /// All that match.
    pub fn every(self) -> Which {
        Which { nth: 1, until: u64::MAX, ..self }
    }

    /// Only those whose first line contains this text.
    pub fn with(self, text: &str) -> Which {
        Which { text: Some(text.to_uppercase()), ..self }
    }
}

/// The instant a plan waits for.
#[derive(Clone, Debug)]
pub enum At {
    /// The command's first line was read, nothing of it was forwarded.
    Command(Which),
    /// Half of the command's (message) literal was forwarded.
    HalfLiteral(Which),
    /// The server's tagged answer arrived; the product has not got it.
    Answer(Which),
    /// The product got the tagged answer (or rather: it was written to its socket).
    Answered(Which),
    /// These bytes went by in a literal of the product; nothing of the piece that holds them was forwarded.
    LiteralContains(Vec<u8>),
    /// The server said an untagged line with these bytes in it; nothing of the line was forwarded.
    Said(Vec<u8>),
    /// So many bytes went by since the plan was made, both directions and all connections together. Only the
    /// connection that is reached by it is acted on.
    Bytes(u64),
}

/// What happens then.
#[derive(Clone, Debug)]
pub enum Act {
    /// This direction stands still until [`Hit::go_on`] or [`Hit::cut`].
    Hold,
    /// Both sides are reset.
    Reset,
    /// What was forwarded so far arrives, then both sides end in order.
    Close,
    /// This connection stands still until plans are forgotten.
    Stall,
    /// From here on, what the product sends reaches the server this much later; the product's side is as quick as before.
    Lag(Duration),
    /// The product's side ends at once; what it sent before still reaches the server, however late.
    HangUp,
    /// The product is told this line (without CRLF; e.g. `* BYE too busy`), then all goes on.
    Say(String),
    /// The product is told this line, then both sides end in order.
    SayAndClose(String),
    /// The command is answered with this (e.g. `NO [THROTTLED] slow down`) in place of the server's answer. At
    /// [`At::Command`] the server never sees it.
    Answer(String),
}

/// Traffic so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Connections accepted, refused ones among them.
    pub connections: u64,
    /// Connections refused.
    pub refused: u64,
    /// Connections broken by [`Chaos`].
    pub broken: u64,
    /// Bytes from the product.
    pub up: u64,
    /// Bytes from the server.
    pub down: u64,
    /// How often the server's side began to speak after the product's: round trips of the dialogues.
    pub turns: u64,
    /// Connections open now.
    pub open: u64,
    /// Most connections open at once.
    pub most_open: u64,
}

/// Handle on a planned fault or hold.
#[derive(Clone)]
pub struct Hit(Arc<HitState>);

struct HitState {
    name: String,
    count: Mutex<u64>,
    changed: Condvar,
    news: watch::Sender<u64>,
    release: watch::Sender<Release>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Release {
    Wait,
    Go,
    Cut,
}

impl Hit {
    /// How often it happened.
    pub fn count(&self) -> u64 {
        *lock(&self.0.count)
    }

    /// Blocks until it has happened; fails the test after [`PATIENCE`].
    pub fn wait(&self) {
        assert!(self.wait_for(PATIENCE), "never happened: {}", self.0.name);
    }

    /// Blocks until it has happened or this time is over; tells which.
    pub fn wait_for(&self, limit: Duration) -> bool {
        let count = lock(&self.0.count);
        let waited = self.0.changed.wait_timeout_while(count, limit, |count| *count == 0);
        *waited.unwrap_or_else(PoisonError::into_inner).0 > 0
    }

    /// Waits without blocking the thread.
    pub async fn wait_async(&self) {
        let mut news = self.0.news.subscribe();
        let happened = tokio::time::timeout(PATIENCE, news.wait_for(|count| *count > 0)).await;
        assert!(happened.is_ok(), "never happened: {}", self.0.name);
    }

    /// Lets a held direction go on; later hits of the same plan pass too.
    pub fn go_on(&self) {
        self.0.release.send_replace(Release::Go);
    }

    /// Resets the held connection; nothing more of it is forwarded.
    pub fn cut(&self) {
        self.0.release.send_replace(Release::Cut);
    }

    fn happened(&self) {
        let mut count = lock(&self.0.count);
        *count += 1;
        self.0.changed.notify_all();
        self.0.news.send_replace(*count);
    }
}

/// Lets what is held go on when it is dropped, so that nobody waits for a test that has failed.
pub struct GoesOn<'a>(pub &'a Hit);

impl Drop for GoesOn<'_> {
    fn drop(&mut self) {
        self.0.go_on();
    }
}

/// A running relay. Dropping it ends what is open.
pub struct Relay {
    /// Where the product connects.
    pub port: u16,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

struct Plan {
    at: At,
    act: Act,
    hit: Hit,
    seen: u64,
}

#[derive(Default)]
struct Record {
    commands: Vec<Command>,
    /// Where the part begins that was not forgotten.
    from: usize,
}

struct Shared {
    rules: Rules,
    server: SocketAddr,
    plans: Mutex<Vec<Plan>>,
    record: Mutex<Record>,
    offered: Mutex<BTreeSet<String>>,
    counters: Mutex<Counters>,
    random: Mutex<u64>,
    bend: Mutex<Option<bend::Bend>>,
    /// Ends connections that stand still for ever.
    move_on: tokio::sync::Notify,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Relay {
    /// Relays to a server on this machine.
    pub fn start(server_port: u16, rules: Rules) -> Relay {
        let random = rules.chaos.as_ref().map_or(1, |chaos| chaos.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let shared = Arc::new(Shared {
            rules,
            server: SocketAddr::from(([127, 0, 0, 1], server_port)),
            plans: Mutex::default(),
            record: Mutex::default(),
            offered: Mutex::default(),
            counters: Mutex::default(),
            random: Mutex::new(random),
            bend: Mutex::default(),
            move_on: tokio::sync::Notify::new(),
        });
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("an option can be set");
        let port = listener.local_addr().expect("its address").port();
        let (stop, stopped) = oneshot::channel();
        let inside = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("relay".into())
            .spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
                wire::serve(&runtime, listener, inside, stopped);
            })
            .expect("a thread");
        Relay { port, shared, stop: Some(stop), thread: Some(thread) }
    }

    /// Plans something; the handle tells when it happened.
    pub fn plan(&self, at: At, act: Act) -> Hit {
        let answers = matches!(at, At::Command(_) | At::Answer(_));
        assert!(answers || !matches!(act, Act::Answer(_)), "nothing is answered {at:?}");
        let hit = Hit(Arc::new(HitState {
            name: format!("{act:?} at {at:?}"),
            count: Mutex::new(0),
            changed: Condvar::new(),
            news: watch::Sender::new(0),
            release: watch::Sender::new(Release::Wait),
        }));
        let at = match at {
            At::Bytes(bytes) => At::Bytes(bytes + self.bytes()),
            at => at,
        };
        lock(&self.shared.plans).push(Plan { at, act, hit: hit.clone(), seen: 0 });
        hit
    }

    /// Takes all plans back, and ends connections that stand still for ever (held ones stay held until their handle lets them
    /// go).
    pub fn forget_plans(&self) {
        self.shared.move_on.notify_waiters();
        lock(&self.shared.plans).clear();
    }

    /// Everything the product said so far.
    pub fn commands(&self) -> Vec<Command> {
        let record = lock(&self.shared.record);
        record.commands[record.from..].to_vec()
    }

    /// Commands with this verb.
    pub fn commands_of(&self, verb: &str) -> Vec<Command> {
        self.commands().into_iter().filter(|command| command.verb == verb).collect()
    }

    /// Forgets what was recorded.
    pub fn clear_record(&self) {
        let mut record = lock(&self.shared.record);
        record.from = record.commands.len();
    }

    /// Every message announced by an APPEND, in order.
    pub fn appends(&self) -> Vec<Appended> {
        self.commands_of("APPEND").iter().flat_map(appended).collect()
    }

    /// Traffic so far.
    pub fn counters(&self) -> Counters {
        *lock(&self.shared.counters)
    }

    /// Bytes relayed so far, both directions.
    pub fn bytes(&self) -> u64 {
        let counters = self.counters();
        counters.up + counters.down
    }

    /// Every plan happened, every connection that was to be refused was, and chaos struck at least once.
    pub fn assert_all_hit(&self) {
        for plan in lock(&self.shared.plans).iter() {
            assert!(plan.hit.count() > 0, "never happened: {}", plan.hit.0.name);
        }
        let counters = self.counters();
        assert!(counters.refused >= self.shared.rules.refuse_first, "too few connections to refuse: {counters:?}");
        if let Some(chaos) = &self.shared.rules.chaos {
            assert!(counters.broken > 0 || chaos.limit == 0, "nothing broke: {counters:?}");
        }
    }

    /// The product used no form that this relay (or the server behind it) did not advertise.
    pub fn assert_only_advertised(&self) {
        let offered = lock(&self.shared.offered).clone();
        let wrong: Vec<String> = self.commands().iter().flat_map(|c| unadvertised(c, &offered)).collect();
        assert!(wrong.is_empty(), "forms that were not advertised:\n{}", wrong.join("\n"));
    }

    /// The product only looked: EXAMINE and PEEK, nothing that could change a mailbox.
    pub fn assert_source_read_only(&self) {
        let wrong: Vec<String> = self.commands().iter().filter(|c| !reads_only(c)).map(shown).collect();
        assert!(wrong.is_empty(), "the source was not only read:\n{}", wrong.join("\n"));
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
