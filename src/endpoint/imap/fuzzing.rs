//! What reads a server's bytes, called with anything. Panics where a promise does not hold.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncRead, ReadBuf};

use super::framer::{Framer, SilenceWatch, WireError, announced};
use super::response::{ServerResponse, capabilities, may_hold_literals, parse};
use super::scrub::{HIDDEN, Scrub};
use super::token::{Literal, Raw};
use crate::domain::secret::Secret;

/// Literals longer than this end the reading: the reader has its own limits, which are not the framer's.
const LONGEST_LITERAL: u64 = 64 * 1024;

/// The first byte says how large packets are, the rest is what a server sends: lines and literals come out whatever the
/// packets, and together they are what went in.
pub fn framer(data: &[u8]) {
    let Some((size, stream)) = data.split_first() else { return };
    let (whole, end) = cut(stream, stream.len());
    let (pieces, end_of_pieces) = cut(stream, usize::from(*size));
    assert_eq!(whole, pieces, "packets of {size} bytes make a difference");
    assert_eq!(end, end_of_pieces, "packets of {size} bytes end otherwise");
    assert!(stream.starts_with(&whole.concat()), "bytes come out that did not go in");
}

/// What a server sends, put together as responses and read; then what is asked of them.
pub fn response(data: &[u8]) {
    let (parts, _) = cut(data, data.len());
    let mut parts = parts.into_iter().peekable();
    while let Some(mut text) = parts.next() {
        let mut literals = Vec::new();
        while may_hold_literals(&text) && announced(&text).is_some() {
            let Some(literal) = parts.next() else { break };
            literals.push(Literal::small(literal));
            let Some(line) = parts.next() else { break };
            text.extend(line);
        }
        let Ok(ServerResponse::Status(_, told) | ServerResponse::Tagged(_, _, told)) = parse(Raw { text, literals })
        else {
            continue;
        };
        drop((told.code.number(), told.words(), capabilities(&told.code.arguments)));
        if let Some((validity, uids)) = told.code.append_uids() {
            assert!(uids.iter().all(|uid| uid.0 > 0) && uids.len() <= 20_000, "{validity:?} {}", uids.len());
        }
        drop(told.scrubbed(&Scrub::new(&Secret::new("secret"), &[])));
    }
}

/// The first line is a password, the rest what a server says: the password is in no form in what is shown.
pub fn scrub(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let Some((secret, said)) = text.split_once('\n') else { return };
    let scrub = Scrub::new(&Secret::new(secret), &[Secret::new(format!("\0me\0{secret}"))]);
    let clean = scrub.clean(said);
    if secret.is_empty() {
        return;
    }
    // What stands in its place may hold a short password, or make one up together with what stands beside it.
    let told = |text: &str| text.to_ascii_lowercase().contains(&secret.to_ascii_lowercase());
    if !secret.contains(['<', '>']) && !told(HIDDEN) {
        assert!(!told(&clean), "{secret:?} is in {clean:?}");
    }
    if secret.len() >= 4 {
        let run = STANDARD.encode(format!("{said}{secret}"));
        assert!(!scrub.clean(&format!("it says {run}.")).contains(&run), "{secret:?} is in the base64 of {said:?}");
    }
}

/// Lines and the literals behind them, and why there are no more.
#[expect(clippy::expect_used, reason = "without a runtime there is nothing to fuzz")]
fn cut(stream: &[u8], packets: usize) -> (Vec<Vec<u8>>, String) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(async {
        let packets = Packets { rest: stream, size: packets.max(1) };
        let mut framer = Framer::new(packets, b"", SilenceWatch::new(Duration::from_secs(60)));
        let mut parts = Vec::new();
        let end = loop {
            if let Err(error) = part(&mut framer, &mut parts).await {
                break error;
            }
        };
        (parts, end.to_string())
    })
}

async fn part(framer: &mut Framer<Packets<'_>>, parts: &mut Vec<Vec<u8>>) -> Result<(), WireError> {
    let mut line = Vec::new();
    framer.line(&mut line).await?;
    let length = announced(&line).transpose();
    parts.push(line);
    let Some(length) = length? else { return Ok(()) };
    if length > LONGEST_LITERAL {
        return Err(WireError::Nonsense("long".into()));
    }
    let mut literal = Vec::new();
    while (literal.len() as u64) < length {
        literal.extend_from_slice(framer.piece(length - literal.len() as u64).await?);
    }
    parts.push(literal);
    Ok(())
}

/// A stream that comes in packets of one size.
struct Packets<'a> {
    rest: &'a [u8],
    size: usize,
}

impl AsyncRead for Packets<'_> {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let n = self.size.min(self.rest.len()).min(buffer.remaining());
        let (packet, rest) = self.rest.split_at(n);
        buffer.put_slice(packet);
        self.rest = rest;
        Poll::Ready(Ok(()))
    }
}
