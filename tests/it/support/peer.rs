//! Servers that misbehave: a listener whose connections are played by a closure, byte by byte, with no IMAP of its own.
//!
//! Loopback only, one named thread a connection. Dropping it ends the listener; a connection ends with its closure.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// A test that waits longer than this has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// Between two pieces of an answer.
const BREATH: Duration = Duration::from_millis(1);

type Accepted = Arc<(Mutex<u64>, Condvar)>;

/// A listening server.
pub struct Peer {
    /// Where it listens.
    pub port: u16,
    accepted: Accepted,
    over: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Peer {
    /// Plays every connection with this closure; it gets the number of the connection, from 1.
    pub fn start(play: impl Fn(Line, u64) + Send + Sync + 'static) -> Peer {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("its address").port();
        let (accepted, over): (Accepted, _) = (Arc::default(), Arc::new(AtomicBool::new(false)));
        let (count, end, play) = (Arc::clone(&accepted), Arc::clone(&over), Arc::new(play));
        let accept = move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if end.load(Ordering::SeqCst) {
                    return;
                }
                let number = {
                    let mut number = count.0.lock().unwrap_or_else(PoisonError::into_inner);
                    *number += 1;
                    count.1.notify_all();
                    *number
                };
                let play = Arc::clone(&play);
                let connection = std::thread::Builder::new().name("peer-connection".into());
                connection.spawn(move || play(Line::new(stream), number)).expect("a thread");
            }
        };
        let thread = std::thread::Builder::new().name("peer".into()).spawn(accept).expect("a thread");
        Peer { port, accepted, over, thread: Some(thread) }
    }

    /// Blocks until so many connections came.
    pub fn wait_for(&self, connections: u64) {
        let count = self.accepted.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.accepted.1.wait_timeout_while(count, PATIENCE, |count| *count < connections);
        let count = *waited.unwrap_or_else(PoisonError::into_inner).0;
        assert!(count >= connections, "{count} connections instead of {connections}");
    }

    /// How many connections came.
    pub fn connections(&self) -> u64 {
        *self.accepted.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        // Wakes the listener.
        drop(TcpStream::connect(("127.0.0.1", self.port)));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// One connection. Nothing it does fails the test: the other side may hang up at any time.
pub struct Line {
    reader: BufReader<TcpStream>,
}

impl Line {
    fn new(stream: TcpStream) -> Line {
        // What is said in pieces goes out as it is said.
        let _ = stream.set_nodelay(true);
        Line { reader: BufReader::new(stream) }
    }

    /// The next line without its end; none at the end.
    pub fn read(&mut self) -> Option<String> {
        let mut line = Vec::new();
        match self.reader.read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned()),
        }
    }

    /// So many bytes.
    pub fn bytes(&mut self, length: usize) -> Option<String> {
        let mut bytes = vec![0; length];
        self.reader.read_exact(&mut bytes).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Says a line.
    pub fn say(&mut self, text: &str) {
        self.raw(format!("{text}\r\n").as_bytes());
    }

    /// The same, with breath taken after so many of its bytes.
    pub fn say_in_pieces(&mut self, text: &str, cuts: &[usize]) {
        let text = format!("{text}\r\n");
        let mut rest = text.as_bytes();
        let mut said = 0;
        for cut in cuts {
            let (piece, more) = rest.split_at((cut.saturating_sub(said)).min(rest.len()));
            self.raw(piece);
            (rest, said) = (more, said + piece.len());
            std::thread::sleep(BREATH);
        }
        self.raw(rest);
    }

    /// Says bytes.
    pub fn raw(&mut self, bytes: &[u8]) {
        let _ = self.reader.get_mut().write_all(bytes);
    }

    /// Ends the connection in order.
    pub fn close(self) {
        let _ = self.reader.get_ref().shutdown(Shutdown::Both);
    }

    /// Reads and says nothing, until the other side hangs up.
    pub fn stall(mut self) {
        while self.read().is_some() {}
    }
}
