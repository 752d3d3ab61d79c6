//! Cuts the byte stream of a server into lines and literals.
//!
//! Knows nothing of what the lines mean. Bounded: one read buffer of 128 KiB; a response's text of 1 MiB. Waits for the
//! server, at most [`SilenceWatch::silence`] without a byte while an answer is outstanding, and no longer than its
//! [`Patience`] lasts.

#![deny(clippy::indexing_slicing, clippy::string_slice, reason = "it reads what strangers wrote")]

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use memchr::memchr;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::time::{Instant, timeout_at};

use std::sync::Arc;

use super::patience::{Patience, Question, Worn};

/// A byte stream to a server.
pub(super) trait Io: AsyncRead + AsyncWrite + Send + Sync + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Io for T {}

/// Size of the read buffer.
const BUFFER: usize = 128 * 1024;
/// Silence after a refusal that names no command.
const AFTER_REFUSAL: Duration = Duration::from_secs(60);
/// Silence before anybody is logged in: who does not answer a login in this time answers none.
const BEFORE_LOGIN: Duration = Duration::from_secs(60);
/// … of a server that has not said anything since it greeted.
const SINCE_GREETING: Duration = Duration::from_secs(30);
/// Longest text of one response, literals not counted.
pub(super) const LONGEST_TEXT: usize = 1024 * 1024;

/// Why no further response could be read. Every one of them ends the connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum WireError {
    /// The peer closed.
    #[error("the server closed the connection")]
    Eof,
    /// The system said so.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// Nothing came for too long.
    #[error("nothing was heard from the server for {} seconds", .0.as_secs())]
    Silence(Duration),
    /// No whole answer came in this time of waiting.
    #[error("no whole answer came within {} minutes of waiting for the server", .0.as_secs() / 60)]
    Slow(Duration),
    /// Not IMAP, with an excerpt.
    #[error("{0}")]
    Nonsense(String),
    /// The spool file could not be written.
    #[error("large message could not be spooled: {0}")]
    Spool(io::Error),
    /// The reader of a stream went away.
    #[error("reading was given up")]
    GivenUp,
}

/// Tells whether silence is a fault: only while an answer is outstanding, counted from the last byte in either direction.
#[derive(Debug)]
pub(super) struct SilenceWatch {
    outstanding: AtomicUsize,
    last_sent: Mutex<Instant>,
    silence: Duration,
    patience: Mutex<Patience>,
    /// The server refused something without saying what, and said nothing since.
    refused: AtomicBool,
    /// It left a first question without any answer.
    mute: AtomicBool,
}

impl SilenceWatch {
    /// Nothing outstanding yet.
    pub(super) fn new(silence: Duration) -> Arc<Self> {
        let (outstanding, last_sent) = (AtomicUsize::new(0), Mutex::new(Instant::now()));
        let (patience, refused, mute) = Default::default();
        Arc::new(Self { outstanding, last_sent, silence, patience, refused, mute })
    }

    /// The server refused something without saying what: if it goes on with nothing, that was the answer.
    pub(super) fn refused(&self) {
        self.refused.store(true, Ordering::Relaxed);
    }

    /// The server left its first question without any answer.
    pub(super) fn is_mute(&self) {
        self.mute.store(true, Ordering::Relaxed);
    }

    /// Whether something was refused like that.
    pub(super) fn was_refused(&self) -> bool {
        self.refused.load(Ordering::Relaxed)
    }

    fn longest(&self) -> Duration {
        let silence = if self.was_refused() { self.silence.min(AFTER_REFUSAL) } else { self.silence };
        if self.patience().is_logged_in() {
            return silence;
        }
        silence.min(if self.mute.load(Ordering::Relaxed) { SINCE_GREETING } else { BEFORE_LOGIN })
    }

    /// An answer is awaited from now on.
    pub(super) fn expect(&self, question: Question) {
        self.outstanding.fetch_add(1, Ordering::Relaxed);
        self.patience().expect(question);
        self.sent();
    }

    /// An answer came.
    pub(super) fn answered(&self, question: Question) {
        self.outstanding.fetch_sub(1, Ordering::Relaxed);
        self.patience().answered(question);
    }

    /// Somebody is logged in.
    pub(super) fn logged_in(&self) {
        self.patience().logged_in();
    }

    fn patience(&self) -> MutexGuard<'_, Patience> {
        self.patience.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn took(&self, waited: Duration, bytes: usize) -> Result<(), WireError> {
        self.patience().took(waited, bytes).map_err(|worn| match worn {
            Worn::Slow(waited) => WireError::Slow(waited),
            Worn::Endless(most) => WireError::Nonsense(format!("more than {most} bytes without an answer")),
        })
    }

    /// Bytes went out: the server may need until now to answer.
    pub(super) fn sent(&self) {
        *self.last_sent.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        self.patience().begin();
    }

    fn deadline(&self, began: Instant) -> Option<Instant> {
        if self.outstanding.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let sent = *self.last_sent.lock().unwrap_or_else(PoisonError::into_inner);
        Some(began.max(sent) + self.longest())
    }
}

/// Reads lines and literals.
pub(super) struct Framer<R> {
    io: R,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    watch: Arc<SilenceWatch>,
}

impl<R: AsyncRead + Unpin> Framer<R> {
    /// Reads from `io`, after the bytes in `ahead` that were read already.
    pub(super) fn new(io: R, ahead: &[u8], watch: Arc<SilenceWatch>) -> Self {
        let mut buffer = ahead.to_vec();
        buffer.resize(BUFFER.max(ahead.len()), 0);
        Self { io, buffer, start: 0, end: ahead.len(), watch }
    }

    /// The stream and the bytes read from it but not yet used.
    pub(super) fn into_parts(self) -> (R, Vec<u8>) {
        let ahead = self.fresh().to_vec();
        (self.io, ahead)
    }

    /// What was read and not used.
    fn fresh(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// The stream itself, for writing while nobody reads.
    pub(super) fn io(&mut self) -> &mut R {
        &mut self.io
    }

    async fn fill(&mut self) -> Result<(), WireError> {
        (self.start, self.end) = (0, 0);
        let began = Instant::now();
        loop {
            let deadline = self.watch.deadline(began);
            let waiting = Instant::now();
            let until = deadline.unwrap_or_else(|| waiting + self.watch.longest());
            let left = self.watch.patience().left();
            let until = left.map_or(until, |left| until.min(waiting + left));
            let read = timeout_at(until, self.io.read(&mut self.buffer)).await;
            let bytes = if let Ok(Ok(n)) = &read { *n } else { 0 };
            self.watch.took(waiting.elapsed(), bytes)?;
            match read {
                Ok(Ok(0)) => return Err(WireError::Eof),
                Ok(Ok(n)) => {
                    self.end = n;
                    self.watch.refused.store(false, Ordering::Relaxed);
                    self.watch.mute.store(false, Ordering::Relaxed);
                    return Ok(());
                }
                Ok(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => return Err(WireError::Eof),
                Ok(Err(error)) => return Err(error.into()),
                Err(_) => {
                    if self.watch.deadline(began).is_some_and(|d| d <= Instant::now()) {
                        return Err(WireError::Silence(self.watch.longest()));
                    }
                }
            }
        }
    }

    /// Appends the next line with its line end (CRLF, or a lone LF) to `text`.
    pub(super) async fn line(&mut self, text: &mut Vec<u8>) -> Result<(), WireError> {
        loop {
            let fresh = self.fresh();
            let found = memchr(b'\n', fresh);
            let taken = found.and_then(|at| fresh.get(..=at)).unwrap_or(fresh);
            if text.len() + taken.len() > LONGEST_TEXT {
                return Err(WireError::Nonsense(format!(
                    "a line of more than {LONGEST_TEXT} bytes: {}",
                    excerpt(text)
                )));
            }
            text.extend_from_slice(taken);
            self.start += taken.len();
            if found.is_some() {
                return Ok(());
            }
            self.fill().await?;
        }
    }

    /// The next bytes of a literal of which `left` bytes are still to come: at least one, at most what is buffered.
    pub(super) async fn piece(&mut self, left: u64) -> Result<&[u8], WireError> {
        if self.start == self.end {
            self.fill().await?;
        }
        let from = self.start;
        self.start += usize::try_from(left).unwrap_or(usize::MAX).min(self.fresh().len());
        Ok(self.buffer.get(from..self.start).unwrap_or_default())
    }
}

/// The length of the literal that `line` (with its line end) announces: `{n}`, `{n+}`, `~{n}`.
pub(super) fn announced(line: &[u8]) -> Option<Result<u64, WireError>> {
    let line = line.strip_suffix(b"\n")?;
    let line = line.strip_suffix(b"\r").unwrap_or(line).strip_suffix(b"}")?;
    let line = line.strip_suffix(b"+").unwrap_or(line);
    let digits = line.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    let (before, digits) = line.split_at(line.len() - digits);
    if digits.is_empty() || before.last() != Some(&b'{') {
        return None;
    }
    let number = std::str::from_utf8(digits).ok().and_then(|d| d.parse::<u64>().ok());
    Some(number.ok_or_else(|| WireError::Nonsense(format!("a literal of absurd size: {}", excerpt(line)))))
}

/// The beginning of something odd, for a failure text. Longer than what is shown: passwords are taken out before the text
/// is cut to that, and half a password would not be recognised.
pub(super) fn excerpt(text: &[u8]) -> String {
    String::from_utf8_lossy(text.get(..4096).unwrap_or(text)).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_announced_at_the_end_of_a_line_only() {
        let length = |line: &str| announced(line.as_bytes()).map(|n| n.ok());
        assert_eq!(length("* 1 FETCH (BODY[] {12}\r\n"), Some(Some(12)));
        assert_eq!(length("BINARY[] ~{0+}\n"), Some(Some(0)));
        assert_eq!(length("{99999999999}\r\n"), Some(Some(99_999_999_999)));
        assert_eq!(length("{99999999999999999999999}\r\n"), Some(None));
        for none in ["{-1}\r\n", "{}\r\n", "{1} \r\n", "1}\r\n", "{1}", "\"{1}\"\r\n", "\r\n", "}\r\n"] {
            assert_eq!(length(none), None, "{none:?}");
        }
    }

    #[tokio::test]
    async fn lines_and_pieces_are_cut_whatever_the_packets() {
        let text = b"first\r\nsecond {5}\nab\0\r\n tail\r\n";
        for size in 1..text.len() {
            let (mut writer, io) = tokio::io::duplex(size);
            let write = async {
                tokio::io::AsyncWriteExt::write_all(&mut writer, text).await.expect("written");
                drop(writer);
            };
            let read = async {
                let mut framer = Framer::new(io, b"", SilenceWatch::new(Duration::from_secs(1)));
                let (mut one, mut two, mut body, mut tail) = (vec![], vec![], vec![], vec![]);
                framer.line(&mut one).await.expect("line");
                framer.line(&mut two).await.expect("line");
                while body.len() < 5 {
                    let piece = framer.piece(5 - body.len() as u64).await.expect("piece");
                    body.extend_from_slice(piece);
                }
                framer.line(&mut tail).await.expect("line");
                assert!(matches!(framer.line(&mut tail).await, Err(WireError::Eof)));
                [one, two, body, tail].concat()
            };
            let ((), got) = tokio::join!(write, read);
            assert_eq!(got, text);
        }
    }
}
