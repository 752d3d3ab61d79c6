//! An IMAP-aware TCP relay between product and server: hides capabilities, records the wire, delays, and breaks things.
//!
//! Plain text on both sides, loopback only, own thread and runtime; nothing but std and tokio, so that benches can
//! include this file. It reads commands and answers line by line and literal by literal. Each direction of a connection
//! is one task that reads and judges and one that writes at the due time; at most [`IN_FLIGHT`] bytes wait between them.
//! STARTTLS is hidden always: the relay must be able to read.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::{Mutex as AsyncMutex, Notify, OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};
use tokio::task::JoinSet;

/// Bytes under way per direction: as much as a large TCP window holds.
const IN_FLIGHT: usize = 4 << 20;
/// Pieces under way per direction.
const PIECES: usize = 4096;
/// One read.
const READ: usize = 64 << 10;
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
    /// This connection stands still for ever.
    Stall,
    /// The product is told this line (without CRLF; e.g. `* BYE too busy`), then all goes on.
    Say(String),
    /// The product is told this line, then both sides end in order.
    SayAndClose(String),
    /// The command is answered with this (e.g. `NO [THROTTLED] slow down`) in place of the server's answer. At
    /// [`At::Command`] the server never sees it.
    Answer(String),
}

/// A literal as the product announced it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Literal {
    /// Its length.
    pub length: u64,
    /// `{n+}`: sent without waiting.
    pub non_synchronising: bool,
}

/// A command the product sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// Which connection, from 0.
    pub connection: u64,
    /// Its tag.
    pub tag: String,
    /// In capitals, `UID` verbs as `UID FETCH`.
    pub verb: String,
    /// The rest; short literals that are names stand here in quotes, others as `{n}`.
    pub arguments: String,
    /// Its literals.
    pub literals: Vec<Literal>,
    /// The server's tagged answer without the tag, once it came.
    pub answer: Option<String>,
}

/// One message of an APPEND as it was announced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Mailbox as on the wire, unquoted.
    pub mailbox: String,
    /// What stands in the parentheses, if any.
    pub flags: Option<String>,
    /// The date's text with its zone, without quotes.
    pub date: Option<String>,
    /// Length of the message.
    pub length: u64,
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
                serve(&runtime, listener, inside, stopped);
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

    /// Takes all plans back (held connections stay held until their handle lets them go).
    pub fn forget_plans(&self) {
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

fn shown(command: &Command) -> String {
    format!("  #{} {} {} {}", command.connection, command.tag, command.verb, command.arguments)
}

fn appended(command: &Command) -> Vec<Appended> {
    let (mailbox, mut rest) = first_string(&command.arguments);
    let mut messages = Vec::new();
    while let Some(open) = rest.find('{') {
        let (head, tail) = (&rest[..open], &rest[open..]);
        let close = tail.find('}').expect("a literal's end");
        let flags = head.find('(').and_then(|o| Some(head[o + 1..].split_once(')')?.0.to_owned()));
        let after_flags = head.rsplit_once(')').map_or(head, |(_, after)| after);
        let date = after_flags.split('"').nth(1).map(str::to_owned);
        let length = tail[1..close].trim_end_matches('+').parse().expect("a literal's length");
        messages.push(Appended { mailbox: mailbox.clone(), flags, date, length });
        rest = &tail[close + 1..];
    }
    messages
}

/// The first word or quoted string of a command's arguments, and the rest.
fn first_string(text: &str) -> (String, &str) {
    let text = text.trim_start();
    if !text.starts_with('"') {
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        return (word.to_owned(), rest);
    }
    let mut word = String::new();
    let mut characters = text.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (word, &text[at + 1..]),
            '\\' => word.extend(characters.next().map(|(_, escaped)| escaped)),
            _ => word.push(character),
        }
    }
    (word, "")
}

/// The arguments in capitals without what stands in quotes.
fn bare_arguments(command: &Command) -> String {
    let mut bare = String::new();
    let mut quoted = false;
    let mut characters = command.arguments.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => {
                quoted = !quoted;
                bare.push('"');
            }
            '\\' if quoted => drop(characters.next()),
            _ if quoted => {}
            _ => bare.push(character),
        }
    }
    bare.to_uppercase()
}

/// What in this command was not offered.
fn unadvertised(command: &Command, offered: &BTreeSet<String>) -> Vec<String> {
    let has = |names: &[&str]| names.iter().any(|&name| offered.contains(name));
    let bare = bare_arguments(command);
    let says = |word: &str| bare.contains(word);
    let verb = command.verb.as_str();
    let literal = |limit: u64| command.literals.iter().any(|l| l.non_synchronising && l.length > limit);
    let listing = verb == "LIST" || verb == "XLIST";
    let modseq = ["CONDSTORE", "HIGHESTMODSEQ", "MODSEQ", "CHANGEDSINCE", "UNCHANGEDSINCE", "QRESYNC", "VANISHED"];
    let initial = verb == "AUTHENTICATE" && bare.trim().contains(' ');
    let mechanism = format!("AUTH={}", bare.split_whitespace().next().unwrap_or_default());
    let checks: [(&str, bool, bool); 28] = [
        ("LITERAL+", literal(4096), has(&["LITERAL+"])),
        ("LITERAL+ or LITERAL-", literal(0), has(&["LITERAL+", "LITERAL-"])),
        ("MULTIAPPEND", verb == "APPEND" && appended(command).len() > 1, has(&["MULTIAPPEND"])),
        ("CONDSTORE", verb != "LIST" && modseq.iter().any(|word| says(word)), has(&["CONDSTORE", "QRESYNC"])),
        ("QRESYNC", says("QRESYNC") || says("VANISHED"), has(&["QRESYNC"])),
        ("LIST-EXTENDED", listing && says("("), has(&["LIST-EXTENDED"])),
        ("LIST-STATUS", listing && says("STATUS ("), has(&["LIST-STATUS"])),
        ("CONDSTORE in LIST", listing && says("HIGHESTMODSEQ"), has(&["CONDSTORE", "QRESYNC"])),
        ("SPECIAL-USE", listing && says("SPECIAL-USE"), has(&["SPECIAL-USE"])),
        ("CREATE-SPECIAL-USE", verb == "CREATE" && says("USE ("), has(&["CREATE-SPECIAL-USE"])),
        ("UIDPLUS", verb == "UID EXPUNGE", has(&["UIDPLUS"])),
        ("MOVE", verb == "MOVE" || verb == "UID MOVE", has(&["MOVE"])),
        ("ENABLE", verb == "ENABLE", has(&["ENABLE"])),
        ("UNSELECT", verb == "UNSELECT", has(&["UNSELECT"])),
        ("NAMESPACE", verb == "NAMESPACE", has(&["NAMESPACE"])),
        ("ID", verb == "ID", has(&["ID"])),
        ("IDLE", verb == "IDLE", has(&["IDLE"])),
        ("SASL-IR", initial, has(&["SASL-IR"])),
        ("the mechanism", verb == "AUTHENTICATE", has(&[&mechanism])),
        ("LOGIN", verb == "LOGIN", !has(&["LOGINDISABLED"])),
        ("STARTTLS", verb == "STARTTLS", has(&["STARTTLS"])),
        ("COMPRESS", verb == "COMPRESS", has(&["COMPRESS=DEFLATE"])),
        ("ESEARCH", verb.ends_with("SEARCH") && says("RETURN"), has(&["ESEARCH"])),
        ("STATUS=SIZE", (verb == "STATUS" || listing) && says(" SIZE"), has(&["STATUS=SIZE"])),
        ("OBJECTID", says("MAILBOXID") || says("EMAILID"), has(&["OBJECTID"])),
        ("BINARY", says("BINARY") || command.arguments.contains("~{"), has(&["BINARY"])),
        ("NOTIFY", verb == "NOTIFY", has(&["NOTIFY"])),
        ("X-GM-EXT-1", says("X-GM-"), has(&["X-GM-EXT-1"])),
    ];
    let wrong = checks.iter().filter(|(_, used, offered)| *used && !offered);
    wrong.map(|(form, ..)| format!("{form}:{}", shown(command))).collect()
}

fn reads_only(command: &Command) -> bool {
    let bare = bare_arguments(command);
    match command.verb.as_str() {
        "UID FETCH" | "FETCH" => {
            let body = bare.matches("BODY[").count() + bare.matches("BINARY[").count();
            body == 0
                && !bare.contains("RFC822 ")
                && !bare.contains("RFC822)")
                && !bare.contains("RFC822.TEXT")
                && !bare.ends_with("RFC822")
        }
        "LOGIN" | "AUTHENTICATE" | "CAPABILITY" | "ID" | "NAMESPACE" | "LIST" | "LSUB" | "STATUS" | "EXAMINE"
        | "NOOP" | "UNSELECT" | "LOGOUT" | "ENABLE" | "STARTTLS" | "UID SEARCH" => true,
        _ => false,
    }
}

/// Serves until told to stop.
fn serve(runtime: &Runtime, listener: std::net::TcpListener, shared: Arc<Shared>, mut stopped: oneshot::Receiver<()>) {
    runtime.block_on(async {
        let listener = TcpListener::from_std(listener).expect("a listener");
        let mut connections = JoinSet::new();
        loop {
            let stream = tokio::select! {
                accepted = listener.accept() => match accepted { Ok((stream, _)) => stream, Err(_) => continue },
                _ = &mut stopped => break,
                Some(_) = connections.join_next(), if !connections.is_empty() => continue,
            };
            connections.spawn(connection(stream, Arc::clone(&shared)));
        }
        connections.shutdown().await;
    });
}

/// What the tasks of one connection share.
struct Wire {
    id: u64,
    shared: Arc<Shared>,
    state: Mutex<WireState>,
    /// Lines for the product wait in the state.
    say: Notify,
    /// Chaos for this connection: at which byte, and how.
    fate: Option<(u64, Break)>,
    bytes: AtomicU64,
    stalled: AtomicBool,
    end: watch::Sender<End>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Open,
    Reset,
    Close,
}

type Planned = Option<(Act, Hit)>;

/// A command without its tagged answer.
struct Waiting {
    place: usize,
    answer: Planned,
    answered: Planned,
}

#[derive(Default)]
struct WireState {
    waiting: HashMap<String, Waiting>,
    /// The server said `+` since the product last asked for it.
    granted: bool,
    /// Lines to tell the product where an answer may stand, and whether to close then.
    lines: VecDeque<(String, bool)>,
    product_spoke_last: bool,
}

impl Wire {
    fn finish(&self, end: End) {
        self.end.send_if_modified(|now| {
            let first = *now == End::Open;
            if first {
                *now = end;
            }
            first
        });
    }

    fn tell(&self, line: String, close: bool) {
        lock(&self.state).lines.push_back((line, close));
        self.say.notify_one();
    }

    /// Counts bytes that were read; tells how many of them may pass and what breaks then.
    async fn admit(&self, bytes: usize, up: bool) -> (usize, Option<Break>) {
        if self.stalled.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        let before = self.bytes.fetch_add(bytes as u64, Ordering::SeqCst);
        let mut counters = lock(&self.shared.counters);
        *(if up { &mut counters.up } else { &mut counters.down }) += bytes as u64;
        match self.fate {
            Some((at, kind)) if before < at && at <= before + bytes as u64 => {
                let limit = self.shared.rules.chaos.as_ref().map_or(0, |chaos| chaos.limit);
                if counters.broken >= limit {
                    return (bytes, None);
                }
                counters.broken += 1;
                (usize::try_from(at - before).expect("small"), Some(kind))
            }
            _ => (bytes, None),
        }
    }
}

/// Counts a connection out when its task ends.
struct Open(Arc<Shared>);

impl Drop for Open {
    fn drop(&mut self) {
        lock(&self.0.counters).open -= 1;
    }
}

enum Piece {
    Bytes(Instant, Vec<u8>),
    Mark(oneshot::Sender<()>),
    End,
}

type Queued = (Piece, Option<OwnedSemaphorePermit>);

/// The writing end of one direction as its judge sees it.
struct Out {
    pieces: mpsc::Sender<Queued>,
    room: Arc<Semaphore>,
    half: Duration,
    buffer: Vec<u8>,
}

/// The connection is over; whatever was to be done about it has been done.
struct Over;

type Going = Result<(), Over>;

impl Out {
    async fn flush(&mut self) -> Going {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let bytes = std::mem::take(&mut self.buffer);
        let size = u32::try_from(bytes.len().min(IN_FLIGHT)).expect("fits");
        let permit = Arc::clone(&self.room).acquire_many_owned(size).await.map_err(|_| Over)?;
        self.put(Piece::Bytes(Instant::now() + self.half, bytes), Some(permit)).await
    }

    /// Returns when everything so far has been written.
    async fn written(&mut self) -> Going {
        self.flush().await?;
        let (mark, done) = oneshot::channel();
        self.put(Piece::Mark(mark), None).await?;
        done.await.map_err(|_| Over)
    }

    async fn end(&mut self) -> Going {
        self.flush().await?;
        self.put(Piece::End, None).await
    }

    async fn put(&mut self, piece: Piece, permit: Option<OwnedSemaphorePermit>) -> Going {
        self.pieces.send((piece, permit)).await.map_err(|_| Over)
    }
}

/// Writes what is due; resets the socket when the connection is to be reset.
async fn write(mut socket: OwnedWriteHalf, mut pieces: mpsc::Receiver<Queued>, wire: Arc<Wire>) {
    let mut end = wire.end.subscribe();
    let fine = tokio::select! {
        biased;
        _ = end.wait_for(|end| *end == End::Reset) => false,
        fine = write_pieces(&mut socket, &mut pieces) => fine,
    };
    if !fine {
        wire.finish(End::Reset);
        let _ = socket.as_ref().set_zero_linger();
        socket.forget();
    }
}

async fn write_pieces(socket: &mut OwnedWriteHalf, pieces: &mut mpsc::Receiver<Queued>) -> bool {
    while let Some((piece, _permit)) = pieces.recv().await {
        match piece {
            Piece::Bytes(due, bytes) => {
                if due > Instant::now() {
                    tokio::time::sleep_until(due.into()).await;
                }
                if socket.write_all(&bytes).await.is_err() {
                    return false;
                }
            }
            Piece::Mark(mark) => drop(mark.send(())),
            Piece::End => return socket.shutdown().await.is_ok(),
        }
    }
    true
}

/// Next number of a xorshift generator.
fn draw(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

impl Shared {
    /// Number of a new connection, whether it is refused, and its fate.
    fn admit(&self) -> (u64, bool, Option<(u64, Break)>) {
        let mut counters = lock(&self.counters);
        let id = counters.connections;
        counters.connections += 1;
        let mut fate = None;
        if let Some(chaos) = self.rules.chaos.as_ref().filter(|chaos| counters.broken < chaos.limit) {
            let mut random = lock(&self.random);
            let kind = chaos.kinds[usize::try_from(draw(&mut random) % chaos.kinds.len() as u64).expect("small")];
            fate = Some((chaos.after.0 + draw(&mut random) % (chaos.after.1 - chaos.after.0).max(1), kind));
        }
        let refused_by_chaos = matches!(fate, Some((_, Break::Refuse)));
        counters.broken += u64::from(refused_by_chaos);
        let refused = id < self.rules.refuse_first || refused_by_chaos;
        counters.refused += u64::from(refused);
        (id, refused, fate)
    }

    /// The first plan that this command line sets off, of those that wait at the place that `place` picks.
    fn matching(&self, verb: &str, line: &str, place: impl Fn(&At) -> Option<&Which>) -> Planned {
        let mut found = None;
        let line = line.to_uppercase();
        for plan in lock(&self.plans).iter_mut() {
            let Some(which) = place(&plan.at) else { continue };
            if (which.verb != verb && which.verb != "*") || which.text.as_ref().is_some_and(|t| !line.contains(t)) {
                continue;
            }
            plan.seen += 1;
            if (which.nth..=which.until).contains(&plan.seen) && found.is_none() {
                found = Some((plan.act.clone(), plan.hit.clone()));
            }
        }
        found
    }

    /// The plan that waits for something in these bytes.
    fn containing(&self, bytes: &[u8]) -> Planned {
        let contains = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
        let plans = lock(&self.plans);
        let found = plans.iter().find(|plan| matches!(&plan.at, At::LiteralContains(needle) if contains(needle)));
        found.map(|plan| (plan.act.clone(), plan.hit.clone()))
    }

    /// The plan whose number of bytes has just been reached.
    fn due(&self) -> Planned {
        let counters = *lock(&self.counters);
        let mut plans = lock(&self.plans);
        let due = |plan: &&mut Plan| {
            plan.seen == 0 && matches!(plan.at, At::Bytes(bytes) if bytes <= counters.up + counters.down)
        };
        plans.iter_mut().find(due).map(|plan| {
            plan.seen = 1;
            (plan.act.clone(), plan.hit.clone())
        })
    }

    /// How many bytes of a literal must be remembered to find what is cut in two by a read.
    fn memory(&self) -> usize {
        let lengths = lock(&self.plans)
            .iter()
            .filter_map(|plan| if let At::LiteralContains(needle) = &plan.at { Some(needle.len()) } else { None })
            .max();
        lengths.unwrap_or(0)
    }

    fn hides(&self, capability: &str) -> bool {
        capability.eq_ignore_ascii_case("STARTTLS")
            || self.rules.hide.iter().any(|hidden| hidden.eq_ignore_ascii_case(capability))
    }

    /// The capability list the product sees instead of this one.
    fn capabilities(&self, list: &str) -> String {
        let mut left: Vec<&str> = list.split_whitespace().filter(|word| !self.hides(word)).collect();
        left.extend(self.rules.show.iter().map(String::as_str));
        lock(&self.offered).extend(left.iter().map(|word| word.to_uppercase()));
        left.join(" ")
    }

    /// The answer the product sees instead of this one; nothing if it is left out altogether.
    fn answer(&self, line: Vec<u8>) -> Option<Vec<u8>> {
        let upper = line[..line.len().min(200)].to_ascii_uppercase();
        if let Some(list) = upper.strip_prefix(b"* CAPABILITY ").map(|_| &line[13..]) {
            return Some(format!("* CAPABILITY {}\r\n", self.capabilities(&text(list))).into_bytes());
        }
        let Some(open) = upper.iter().position(|&byte| byte == b'[') else { return Some(line) };
        let mut words = upper[..open].split(|&byte| byte == b' ').filter(|word| !word.is_empty());
        let (first, status) = (words.next(), words.next());
        if words.next().is_some() || !matches!(status, Some(b"OK" | b"NO" | b"PREAUTH" | b"BYE" | b"BAD")) {
            return Some(line);
        }
        let Some(close) = line.iter().position(|&byte| byte == b']') else { return Some(line) };
        let code = text(&line[open + 1..close]);
        let name = code.split(' ').next().unwrap_or_default().to_uppercase();
        let before = text(&line[..open]);
        let after = text(&line[close + 1..]);
        if name == "CAPABILITY" {
            return Some(format!("{before}[CAPABILITY {}]{after}", self.capabilities(&code[10..])).into_bytes());
        }
        let owners: &[&str] = match name.as_str() {
            "APPENDUID" | "COPYUID" => &["UIDPLUS"],
            "HIGHESTMODSEQ" | "NOMODSEQ" | "MODIFIED" => &["CONDSTORE"],
            "CLOSED" => &["QRESYNC"],
            "MAILBOXID" => &["OBJECTID"],
            _ => return Some(line),
        };
        if !owners.iter().any(|owner| self.hides(owner)) {
            return Some(line);
        }
        (first != Some(b"*")).then(|| format!("{before}{}", after.trim_start_matches(' ')).into_bytes())
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

async fn connection(product: TcpStream, shared: Arc<Shared>) {
    let (id, refused, fate) = shared.admit();
    if refused {
        let _ = product.set_zero_linger();
        return;
    }
    // The handshake itself takes a round trip across a real network.
    if !shared.rules.round_trip.is_zero() {
        tokio::time::sleep(shared.rules.round_trip).await;
    }
    let Ok(server) = TcpStream::connect(shared.server).await else {
        let _ = product.set_zero_linger();
        return;
    };
    let _ = product.set_nodelay(true);
    let _ = server.set_nodelay(true);
    {
        let mut counters = lock(&shared.counters);
        counters.open += 1;
        counters.most_open = counters.most_open.max(counters.open);
    }
    let _open = Open(Arc::clone(&shared));
    let half = shared.rules.round_trip / 2;
    let wire = Arc::new(Wire {
        id,
        shared,
        state: Mutex::default(),
        say: Notify::new(),
        fate,
        bytes: AtomicU64::new(0),
        stalled: AtomicBool::new(false),
        end: watch::Sender::new(End::Open),
    });
    let (product_in, product_out) = product.into_split();
    let (server_in, server_out) = server.into_split();
    let (mut writers, mut readers) = (JoinSet::new(), JoinSet::new());
    let mut judge = |socket: OwnedWriteHalf| {
        let (pieces, queue) = mpsc::channel(PIECES);
        writers.spawn(write(socket, queue, Arc::clone(&wire)));
        let out = Out { pieces, room: Arc::new(Semaphore::new(IN_FLIGHT)), half, buffer: Vec::new() };
        Judge { wire: Arc::clone(&wire), out, line: Vec::new(), literal: None }
    };
    let (up, down) = (judge(server_out), judge(product_out));
    // The sockets stay here: what the product still sends is read to its end after an orderly close.
    let (product_in, server_in) = (Arc::new(AsyncMutex::new(product_in)), Arc::new(AsyncMutex::new(server_in)));
    readers.spawn(Product { judge: up, expect: Expect::Command, current: None }.run(Arc::clone(&product_in)));
    readers.spawn(Server { judge: down, continuing: false }.run(Arc::clone(&server_in)));
    let mut end = wire.end.subscribe();
    tokio::select! {
        () = async { while readers.join_next().await.is_some() {} } => {}
        _ = end.wait_for(|end| *end != End::Open) => {}
    }
    readers.shutdown().await; // the writers' queues end with the readers
    while writers.join_next().await.is_some() {}
    if *wire.end.borrow() == End::Close {
        let mut product_in = product_in.lock().await;
        let mut rest = vec![0; READ];
        let drained = async { while product_in.read(&mut rest).await.is_ok_and(|read| read > 0) {} };
        let _ = tokio::time::timeout(Duration::from_secs(2), drained).await;
    }
}

/// One direction: collects lines, forwards or withholds, does what is planned.
struct Judge {
    wire: Arc<Wire>,
    out: Out,
    line: Vec<u8>,
    literal: Option<InLiteral>,
}

/// A literal of the product or the server that is going by.
#[derive(Default)]
struct InLiteral {
    left: u64,
    /// Bytes until half of it went by, and what is planned then.
    half: Option<(u64, Act, Hit)>,
    /// It is a name or the like: it goes into the record.
    name: Option<Vec<u8>>,
    /// The last bytes that went by, if something is looked for.
    tail: Vec<u8>,
}

/// Where a plan's act stands in the dialogue.
enum Speaker<'a> {
    /// In the product's direction of speech; the tag of the command in hand.
    Product(&'a str),
    /// In the server's.
    Server(&'a str),
}

/// Whether what is in hand goes on to the other side.
#[derive(PartialEq, Eq)]
enum Then {
    Forward,
    Swallow,
}

impl Judge {
    async fn perform(&mut self, (act, hit): (Act, Hit), speaker: Speaker<'_>) -> Result<Then, Over> {
        match act {
            Act::Hold => {
                self.out.written().await?;
                let mut release = hit.0.release.subscribe();
                hit.happened();
                let released = release.wait_for(|release| *release != Release::Wait).await.map_err(|_| Over)?;
                if *released == Release::Cut {
                    self.wire.finish(End::Reset);
                    return Err(Over);
                }
                return Ok(Then::Forward);
            }
            Act::Reset => return Err(self.broken(Break::Reset, Some(&hit)).await),
            Act::Close => return Err(self.broken(Break::Close, Some(&hit)).await),
            Act::Stall => return Err(self.broken(Break::Stall, Some(&hit)).await),
            Act::Say(line) => match speaker {
                Speaker::Product(_) => self.wire.tell(line, false),
                Speaker::Server(_) => self.out.buffer.extend_from_slice(format!("{line}\r\n").as_bytes()),
            },
            Act::SayAndClose(line) => match speaker {
                Speaker::Product(_) => {
                    self.out.written().await?;
                    self.wire.tell(line, true);
                    hit.happened();
                    return std::future::pending().await; // the other direction ends this one
                }
                Speaker::Server(_) => {
                    self.out.buffer.extend_from_slice(format!("{line}\r\n").as_bytes());
                    return Err(self.broken(Break::Close, Some(&hit)).await);
                }
            },
            Act::Answer(answer) => {
                match speaker {
                    Speaker::Product(tag) => {
                        lock(&self.wire.state).waiting.remove(tag);
                        self.wire.tell(format!("{tag} {answer}"), false);
                    }
                    Speaker::Server(tag) => {
                        self.out.buffer.extend_from_slice(format!("{tag} {answer}\r\n").as_bytes());
                    }
                }
                hit.happened();
                return Ok(Then::Swallow);
            }
        }
        hit.happened();
        Ok(Then::Forward)
    }

    /// Breaks this connection after what was forwarded has been written.
    async fn broken(&mut self, kind: Break, hit: Option<&Hit>) -> Over {
        let _ = self.out.written().await;
        if kind == Break::Stall {
            self.wire.stalled.store(true, Ordering::SeqCst);
        }
        if let Some(hit) = hit {
            hit.happened();
        }
        match kind {
            Break::Reset | Break::Refuse => self.wire.finish(End::Reset),
            Break::Close => self.wire.finish(End::Close),
            Break::Stall => std::future::pending().await,
        }
        Over
    }

    /// Moves bytes up to the end of a line into the line; tells how many and whether it is complete.
    fn collect(&mut self, data: &[u8]) -> (usize, bool) {
        let end = data.iter().position(|&byte| byte == b'\n');
        let taken = end.map_or(data.len(), |end| end + 1);
        self.line.extend_from_slice(&data[..taken]);
        (taken, end.is_some())
    }
}

/// The product's direction.
struct Product {
    judge: Judge,
    expect: Expect,
    current: Option<Current>,
}

/// What the product's next bytes are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expect {
    /// A command.
    Command,
    /// The rest of a command after a literal.
    Rest,
    /// A literal of this length, if the server says `+`; else a command.
    Literal(u64),
    /// A line that is no command (AUTHENTICATE, IDLE), if the server says `+`; else a command.
    Line,
}

/// The command in hand.
struct Current {
    tag: String,
    verb: String,
    place: usize,
    half: Planned,
    swallow: bool,
}

impl Product {
    async fn run(mut self, socket: Arc<AsyncMutex<OwnedReadHalf>>) {
        let mut socket = socket.lock_owned().await;
        let mut buffer = vec![0; READ];
        loop {
            match socket.read(&mut buffer).await {
                Ok(0) => {
                    let _ = self.judge.out.end().await;
                    return;
                }
                Ok(read) => {
                    if self.bytes(&buffer[..read]).await.is_err() {
                        return;
                    }
                }
                Err(_) => return self.judge.wire.finish(End::Reset),
            }
        }
    }

    async fn bytes(&mut self, data: &[u8]) -> Going {
        let (allowed, broken) = self.judge.wire.admit(data.len(), true).await;
        if let Some(plan) = self.judge.wire.shared.due() {
            self.judge.perform(plan, Speaker::Product("")).await?;
        }
        self.pieces(&data[..allowed]).await?;
        if let Some(kind) = broken {
            // Also the beginning of a line goes out: a real cut knows no lines.
            let line = std::mem::take(&mut self.judge.line);
            self.judge.out.buffer.extend_from_slice(&line);
            return Err(self.judge.broken(kind, None).await);
        }
        self.judge.out.flush().await
    }

    async fn pieces(&mut self, mut data: &[u8]) -> Going {
        while !data.is_empty() {
            if let Expect::Literal(length) = self.expect {
                if std::mem::take(&mut lock(&self.judge.wire.state).granted) {
                    self.expect = Expect::Rest;
                    self.begin_literal(length);
                } else {
                    self.expect = Expect::Command;
                }
            }
            let taken = if self.judge.literal.is_some() {
                self.literal(data).await?
            } else {
                let (taken, complete) = self.judge.collect(data);
                if complete {
                    self.line().await?;
                }
                taken
            };
            data = &data[taken..];
        }
        Ok(())
    }

    fn begin_literal(&mut self, length: u64) {
        let mut literal = InLiteral { left: length, ..InLiteral::default() };
        if let Some(current) = &mut self.current {
            let record = lock(&self.judge.wire.shared.record);
            let command = &record.commands[current.place];
            let is_message = command.verb == "APPEND" && command.arguments.trim_start().find('{') != Some(0);
            if is_message {
                literal.half = current.half.take().map(|(act, hit)| (length / 2, act, hit));
            } else if length <= 4096 {
                literal.name = Some(Vec::new());
            }
        }
        self.judge.literal = (length > 0).then_some(literal);
    }

    /// Forwards literal bytes; tells how many it dealt with.
    async fn literal(&mut self, data: &[u8]) -> Result<usize, Over> {
        let (tag, swallow) =
            self.current.as_ref().map_or((String::new(), false), |current| (current.tag.clone(), current.swallow));
        let literal = self.judge.literal.as_mut().expect("a literal");
        let mut taken = usize::try_from(literal.left).unwrap_or(usize::MAX).min(data.len());
        if let Some((to_go, ..)) = &literal.half {
            taken = taken.min(usize::try_from(*to_go).unwrap_or(usize::MAX));
        }
        let piece = &data[..taken];
        let memory = self.judge.wire.shared.memory();
        if memory > 0 {
            let mut looked_at = std::mem::take(&mut literal.tail);
            looked_at.extend_from_slice(piece);
            let found = self.judge.wire.shared.containing(&looked_at);
            let keep = looked_at.len().saturating_sub(memory - 1);
            literal.tail = looked_at.split_off(keep);
            if let Some(plan) = found {
                self.judge.perform(plan, Speaker::Product(&tag)).await?;
            }
        }
        let judge = &mut self.judge;
        if !swallow {
            judge.out.buffer.extend_from_slice(piece);
        }
        let literal = judge.literal.as_mut().expect("a literal");
        literal.left -= taken as u64;
        if let Some(name) = &mut literal.name {
            name.extend_from_slice(piece);
        }
        if let Some((to_go, ..)) = &mut literal.half {
            *to_go -= taken as u64;
        }
        if literal.half.as_ref().is_some_and(|(to_go, ..)| *to_go == 0)
            && let Some((_, act, hit)) = literal.half.take()
        {
            judge.perform((act, hit), Speaker::Product(&tag)).await?;
        }
        if judge.literal.as_ref().is_some_and(|literal| literal.left == 0)
            && let Some(InLiteral { name: Some(name), .. }) = judge.literal.take()
            && let Some(current) = &self.current
        {
            // A name is shown as if it had been quoted.
            let mut record = lock(&judge.wire.shared.record);
            let arguments = &mut record.commands[current.place].arguments;
            if let Some(open) = arguments.rfind('{') {
                arguments.truncate(open);
            }
            arguments.push_str(&format!("\"{}\"", text(&name).replace('\\', "\\\\").replace('"', "\\\"")));
        }
        Ok(taken)
    }

    async fn line(&mut self) -> Going {
        let line = std::mem::take(&mut self.judge.line);
        let shown = text(&line).trim_end_matches(['\r', '\n']).to_owned();
        if self.expect == Expect::Line {
            if std::mem::take(&mut lock(&self.judge.wire.state).granted) {
                self.judge.out.buffer.extend_from_slice(&line);
                return Ok(());
            }
            self.expect = Expect::Command;
        }
        let announced = announced(&shown);
        if self.expect == Expect::Command {
            self.begin_command(&shown).await?;
        }
        let Some(current) = &self.current else { return Ok(()) };
        {
            let mut record = lock(&self.judge.wire.shared.record);
            let command = &mut record.commands[current.place];
            if self.expect == Expect::Rest {
                command.arguments.push_str(&shown);
            }
            command.literals.extend(announced.clone());
        }
        let mut state = lock(&self.judge.wire.state);
        state.product_spoke_last = true;
        state.granted = false;
        drop(state);
        if !current.swallow {
            self.judge.out.buffer.extend_from_slice(&line);
        }
        self.expect = match (&announced, current.verb.as_str()) {
            (Some(literal), _) if literal.non_synchronising => Expect::Rest,
            (Some(literal), _) => Expect::Literal(literal.length),
            (None, "AUTHENTICATE" | "IDLE") => Expect::Line,
            (None, _) => Expect::Command,
        };
        if let Some(literal) = announced.filter(|literal| literal.non_synchronising) {
            self.begin_literal(literal.length);
        }
        Ok(())
    }

    async fn begin_command(&mut self, shown: &str) -> Going {
        let mut words = shown.splitn(3, ' ');
        let tag = words.next().unwrap_or_default().to_owned();
        let mut verb = words.next().unwrap_or_default().to_uppercase();
        let mut arguments = words.next().unwrap_or_default().to_owned();
        if verb == "UID" {
            let (second, rest) = arguments.split_once(' ').unwrap_or((&arguments, ""));
            verb = format!("UID {}", second.to_uppercase());
            arguments = rest.to_owned();
        }
        let shared = Arc::clone(&self.judge.wire.shared);
        let place = {
            let mut record = lock(&shared.record);
            let connection = self.judge.wire.id;
            let (tag, verb) = (tag.clone(), verb.clone());
            record.commands.push(Command { connection, tag, verb, arguments, literals: Vec::new(), answer: None });
            record.commands.len() - 1
        };
        let pick = |place: fn(&At) -> Option<&Which>| shared.matching(&verb, shown, place);
        let at_once = pick(|at| if let At::Command(which) = at { Some(which) } else { None });
        let half = pick(|at| if let At::HalfLiteral(which) = at { Some(which) } else { None });
        let answer = pick(|at| if let At::Answer(which) = at { Some(which) } else { None });
        let answered = pick(|at| if let At::Answered(which) = at { Some(which) } else { None });
        lock(&self.judge.wire.state).waiting.insert(tag.clone(), Waiting { place, answer, answered });
        self.current = Some(Current { tag: tag.clone(), verb, place, half, swallow: false });
        if let Some(plan) = at_once {
            let then = self.judge.perform(plan, Speaker::Product(&tag)).await?;
            if let Some(current) = &mut self.current {
                current.swallow = then == Then::Swallow;
            }
        }
        Ok(())
    }
}

/// The literal that a line of the product announces at its end.
fn announced(line: &str) -> Option<Literal> {
    let (_, inside) = line.strip_suffix('}')?.rsplit_once('{')?;
    let number = inside.trim_end_matches(['+', '-']);
    Some(Literal { length: number.parse().ok()?, non_synchronising: inside.ends_with('+') })
}

/// The server's direction.
struct Server {
    judge: Judge,
    /// The next line goes on after a literal.
    continuing: bool,
}

impl Server {
    async fn run(mut self, socket: Arc<AsyncMutex<OwnedReadHalf>>) {
        let mut socket = socket.lock_owned().await;
        let mut buffer = vec![0; READ];
        let wire = Arc::clone(&self.judge.wire);
        loop {
            let going = tokio::select! {
                read = socket.read(&mut buffer) => match read {
                    Ok(0) => {
                        let _ = self.judge.out.end().await;
                        return;
                    }
                    Ok(read) => self.bytes(&buffer[..read]).await,
                    Err(_) => return wire.finish(End::Reset),
                },
                () = wire.say.notified() => self.told().await,
            };
            if going.is_err() {
                return;
            }
        }
    }

    /// Lines from the plans of the other direction, where an answer may stand.
    async fn told(&mut self) -> Going {
        if self.continuing || self.judge.literal.is_some() || !self.judge.line.is_empty() {
            return Ok(());
        }
        loop {
            let Some((line, close)) = lock(&self.judge.wire.state).lines.pop_front() else { break };
            self.judge.out.buffer.extend_from_slice(format!("{line}\r\n").as_bytes());
            if close {
                return Err(self.judge.broken(Break::Close, None).await);
            }
        }
        self.judge.out.flush().await
    }

    async fn bytes(&mut self, data: &[u8]) -> Going {
        let (allowed, broken) = self.judge.wire.admit(data.len(), false).await;
        if let Some(plan) = self.judge.wire.shared.due() {
            self.judge.perform(plan, Speaker::Server("")).await?;
        }
        if std::mem::take(&mut lock(&self.judge.wire.state).product_spoke_last) {
            lock(&self.judge.wire.shared.counters).turns += 1;
        }
        let mut data = &data[..allowed];
        while !data.is_empty() {
            let taken = if let Some(literal) = &mut self.judge.literal {
                let taken = usize::try_from(literal.left).unwrap_or(usize::MAX).min(data.len());
                literal.left -= taken as u64;
                let over = literal.left == 0;
                self.judge.out.buffer.extend_from_slice(&data[..taken]);
                if over {
                    self.judge.literal = None;
                }
                taken
            } else {
                let (taken, complete) = self.judge.collect(data);
                if complete {
                    self.line().await?;
                }
                taken
            };
            data = &data[taken..];
        }
        if let Some(kind) = broken {
            let line = std::mem::take(&mut self.judge.line);
            self.judge.out.buffer.extend_from_slice(&line);
            return Err(self.judge.broken(kind, None).await);
        }
        self.judge.out.flush().await?;
        self.told().await
    }

    async fn line(&mut self) -> Going {
        let line = std::mem::take(&mut self.judge.line);
        let end = &line[line.len().saturating_sub(24)..];
        let length = announced(text(end).trim_end_matches(['\r', '\n'])).map(|literal| literal.length);
        let began = !std::mem::replace(&mut self.continuing, length.is_some());
        self.judge.literal = length.filter(|&length| length > 0).map(|left| InLiteral { left, ..InLiteral::default() });
        if !began {
            self.judge.out.buffer.extend_from_slice(&line);
            return Ok(());
        }
        if line.starts_with(b"* ") {
            if let Some(line) = self.judge.wire.shared.answer(line) {
                self.judge.out.buffer.extend_from_slice(&line);
            }
            return Ok(());
        }
        if line.starts_with(b"+") {
            lock(&self.judge.wire.state).granted = true;
            self.judge.out.buffer.extend_from_slice(&line);
            return Ok(());
        }
        self.tagged(line).await
    }

    async fn tagged(&mut self, line: Vec<u8>) -> Going {
        let shown = text(&line).trim_end().to_owned();
        let (tag, answer) = shown.split_once(' ').unwrap_or((&shown, ""));
        let waiting = lock(&self.judge.wire.state).waiting.remove(tag);
        let (mut planned, mut after) = (None, None);
        if let Some(waiting) = waiting {
            lock(&self.judge.wire.shared.record).commands[waiting.place].answer = Some(answer.to_owned());
            (planned, after) = (waiting.answer, waiting.answered);
        }
        let then = match planned {
            Some(plan) => self.judge.perform(plan, Speaker::Server(tag)).await?,
            None => Then::Forward,
        };
        if then == Then::Forward
            && let Some(line) = self.judge.wire.shared.answer(line)
        {
            self.judge.out.buffer.extend_from_slice(&line);
        }
        if let Some(plan) = after {
            self.judge.out.written().await?;
            self.judge.perform(plan, Speaker::Server(tag)).await?;
        }
        Ok(())
    }
}
