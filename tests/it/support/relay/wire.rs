//! Carries one connection: in each direction one task reads and judges, another writes at the due time.
//!
//! At most [`IN_FLIGHT`] bytes wait between the two, which is what keeps a pipeline full across a delay.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::OwnedWriteHalf;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::{Mutex as AsyncMutex, Notify, OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};
use tokio::task::JoinSet;

use super::product::{InLiteral, Product};
use super::server::Server;
use super::{Act, At, Break, Hit, Plan, Release, Shared, Which, lock};

/// Bytes under way per direction: as much as a large TCP window holds.
pub(super) const IN_FLIGHT: usize = 4 << 20;
/// Pieces under way per direction.
pub(super) const PIECES: usize = 4096;
/// One read.
pub(super) const READ: usize = 64 << 10;
/// Serves until told to stop.
pub(super) fn serve(
    runtime: &Runtime,
    listener: std::net::TcpListener,
    shared: Arc<Shared>,
    mut stopped: oneshot::Receiver<()>,
) {
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
pub(super) struct Wire {
    pub(super) id: u64,
    pub(super) shared: Arc<Shared>,
    pub(super) state: Mutex<WireState>,
    /// Lines for the product wait in the state.
    pub(super) say: Notify,
    /// Chaos for this connection: at which byte, and how.
    pub(super) fate: Option<(u64, Break)>,
    pub(super) bytes: AtomicU64,
    pub(super) stalled: AtomicBool,
    pub(super) end: watch::Sender<End>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Open,
    Reset,
    Close,
}

pub(super) type Planned = Option<(Act, Hit)>;

/// A command without its tagged answer.
pub(super) struct Waiting {
    pub(super) place: usize,
    pub(super) answer: Planned,
    pub(super) answered: Planned,
}

#[derive(Default)]
pub(super) struct WireState {
    pub(super) waiting: HashMap<String, Waiting>,
    /// The server said `+` since the product last asked for it.
    pub(super) granted: bool,
    /// Lines to tell the product where an answer may stand, and whether to close then.
    pub(super) lines: VecDeque<(String, bool)>,
    pub(super) product_spoke_last: bool,
}

impl Wire {
    pub(super) fn finish(&self, end: End) {
        self.end.send_if_modified(|now| {
            let first = *now == End::Open;
            if first {
                *now = end;
            }
            first
        });
    }

    pub(super) fn tell(&self, line: String, close: bool) {
        lock(&self.state).lines.push_back((line, close));
        self.say.notify_one();
    }

    /// Counts bytes that were read; tells how many of them may pass and what breaks then.
    pub(super) async fn admit(&self, bytes: usize, up: bool) -> (usize, Option<Break>) {
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
pub(super) struct Open(pub(super) Arc<Shared>);

impl Drop for Open {
    fn drop(&mut self) {
        lock(&self.0.counters).open -= 1;
    }
}

pub(super) enum Piece {
    Bytes(Instant, Vec<u8>),
    Mark(oneshot::Sender<()>),
    End,
}

pub(super) type Queued = (Piece, Option<OwnedSemaphorePermit>);

/// The writing end of one direction as its judge sees it.
pub(super) struct Out {
    pub(super) pieces: mpsc::Sender<Queued>,
    pub(super) room: Arc<Semaphore>,
    pub(super) half: Duration,
    pub(super) buffer: Vec<u8>,
}

/// The connection is over; whatever was to be done about it has been done.
pub(super) struct Over;

pub(super) type Going = Result<(), Over>;

impl Out {
    pub(super) async fn flush(&mut self) -> Going {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let bytes = std::mem::take(&mut self.buffer);
        let size = u32::try_from(bytes.len().min(IN_FLIGHT)).expect("fits");
        let permit = Arc::clone(&self.room).acquire_many_owned(size).await.map_err(|_| Over)?;
        self.put(Piece::Bytes(Instant::now() + self.half, bytes), Some(permit)).await
    }

    /// Returns when everything so far has been written.
    pub(super) async fn written(&mut self) -> Going {
        self.flush().await?;
        let (mark, done) = oneshot::channel();
        self.put(Piece::Mark(mark), None).await?;
        done.await.map_err(|_| Over)
    }

    pub(super) async fn end(&mut self) -> Going {
        self.flush().await?;
        self.put(Piece::End, None).await
    }

    pub(super) async fn put(&mut self, piece: Piece, permit: Option<OwnedSemaphorePermit>) -> Going {
        self.pieces.send((piece, permit)).await.map_err(|_| Over)
    }
}

/// Writes what is due; resets the socket when the connection is to be reset.
pub(super) async fn write(mut socket: OwnedWriteHalf, mut pieces: mpsc::Receiver<Queued>, wire: Arc<Wire>) {
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

pub(super) async fn write_pieces(socket: &mut OwnedWriteHalf, pieces: &mut mpsc::Receiver<Queued>) -> bool {
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
pub(super) fn draw(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

impl Shared {
    /// Number of a new connection, whether it is refused, and its fate.
    pub(super) fn admit(&self) -> (u64, bool, Option<(u64, Break)>) {
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
    pub(super) fn matching(&self, verb: &str, line: &str, place: impl Fn(&At) -> Option<&Which>) -> Planned {
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
    pub(super) fn containing(&self, bytes: &[u8]) -> Planned {
        let contains = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
        let plans = lock(&self.plans);
        let found = plans.iter().find(|plan| matches!(&plan.at, At::LiteralContains(needle) if contains(needle)));
        found.map(|plan| (plan.act.clone(), plan.hit.clone()))
    }

    /// The plan that waits for an untagged line of the server with something in it.
    pub(super) fn said(&self, line: &[u8]) -> Planned {
        let contains = |needle: &[u8]| line.windows(needle.len()).any(|window| window == needle);
        let plans = lock(&self.plans);
        let found = plans.iter().find(|plan| matches!(&plan.at, At::Said(needle) if contains(needle)));
        found.map(|plan| (plan.act.clone(), plan.hit.clone()))
    }

    /// The plan whose number of bytes has just been reached.
    pub(super) fn due(&self) -> Planned {
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
    pub(super) fn memory(&self) -> usize {
        let lengths = lock(&self.plans)
            .iter()
            .filter_map(|plan| if let At::LiteralContains(needle) = &plan.at { Some(needle.len()) } else { None })
            .max();
        lengths.unwrap_or(0)
    }
}

pub(super) async fn connection(product: TcpStream, shared: Arc<Shared>) {
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
    readers.spawn(Product::new(up).run(Arc::clone(&product_in)));
    readers.spawn(Server::new(down).run(Arc::clone(&server_in)));
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
pub(super) struct Judge {
    pub(super) wire: Arc<Wire>,
    pub(super) out: Out,
    pub(super) line: Vec<u8>,
    pub(super) literal: Option<InLiteral>,
}

/// Where a plan's act stands in the dialogue.
pub(super) enum Speaker<'a> {
    /// In the product's direction of speech; the tag of the command in hand.
    Product(&'a str),
    /// In the server's.
    Server(&'a str),
}

/// Whether what is in hand goes on to the other side.
#[derive(PartialEq, Eq)]
pub(super) enum Then {
    Forward,
    Swallow,
}

impl Judge {
    pub(super) async fn perform(&mut self, (act, hit): (Act, Hit), speaker: Speaker<'_>) -> Result<Then, Over> {
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
            Act::Lag(time) => self.out.half = time,
            Act::HangUp => {
                self.out.flush().await?;
                hit.happened();
                self.wire.finish(End::Close);
                return Err(Over);
            }
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
                        self.answered().await?;
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

    /// Returns when the server has answered every command before this one: no server answers a FETCH before the EXAMINE of its
    /// folder. Not for ever, as an answer may be held back.
    async fn answered(&mut self) -> Result<(), Over> {
        self.out.flush().await?;
        let all = async {
            while !lock(&self.wire.state).waiting.is_empty() {
                tokio::task::yield_now().await;
            }
        };
        let _ = tokio::time::timeout(std::time::Duration::from_secs(1), all).await;
        Ok(())
    }

    /// Breaks this connection after what was forwarded has been written.
    pub(super) async fn broken(&mut self, kind: Break, hit: Option<&Hit>) -> Over {
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
            Break::Stall => {
                self.wire.shared.move_on.notified().await;
                self.wire.finish(End::Reset);
            }
        }
        Over
    }

    /// Moves bytes up to the end of a line into the line; tells how many and whether it is complete.
    pub(super) fn collect(&mut self, data: &[u8]) -> (usize, bool) {
        let end = data.iter().position(|&byte| byte == b'\n');
        let taken = end.map_or(data.len(), |end| end + 1);
        self.line.extend_from_slice(&data[..taken]);
        (taken, end.is_some())
    }
}
