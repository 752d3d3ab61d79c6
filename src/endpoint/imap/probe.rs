//! Who is at a port that does not greet: TLS that was spoken to plainly, a web server, something else. A connection of its own,
//! a word that does nothing; no password.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::framer::{Io, excerpt};
use super::greeting::{connect, no_imap};
use super::{Timeouts, tls};
use crate::domain::failure::{Failure, TLS_PORT};
use crate::domain::server::{ImapServer, Security};

/// Whoever is there has so long to say anything.
const PATIENCE: Duration = Duration::from_secs(2);

/// Why this is no port for IMAP; none if nothing is seen against it.
pub(super) async fn who_is_there(server: &ImapServer) -> Option<Failure> {
    let plain = server.security != Security::Tls;
    let takes_tls = async { plain && timeout(PATIENCE, takes_tls(server)).await.unwrap_or(false) };
    let answer = async { timeout(PATIENCE, answer(server)).await.ok().flatten() };
    let (takes_tls, answer) = tokio::join!(takes_tls, answer);
    let answer = answer.unwrap_or_default();
    // An alert of TLS, if somebody spoke plainly.
    if takes_tls || (plain && answer.first().is_some_and(|byte| matches!(byte, 0x15 | 0x16))) {
        return Some(no_imap(TLS_PORT));
    }
    named(&answer)
}

/// Who says such a thing, if it is no IMAP server.
fn named(answer: &[u8]) -> Option<Failure> {
    let imap = [&b"* "[..], b"+ ", b"A1 "].iter().any(|start| answer.starts_with(start));
    (!answer.is_empty() && !imap).then(|| no_imap(&excerpt(answer)))
}

/// The same of a port at which TLS was begun in vain.
pub(super) async fn who_is_plain(server: &ImapServer) -> Option<Failure> {
    let plain = ImapServer { security: Security::Plain, ..server.clone() };
    let answer = timeout(PATIENCE, answer(&plain)).await.ok().flatten().unwrap_or_default();
    named(&answer)
}

async fn takes_tls(server: &ImapServer) -> bool {
    match connect(server, &Timeouts::default()).await {
        Ok(tcp) => tls::look(tcp, &server.host).await.is_ok(),
        Err(_) => false,
    }
}

/// The first bytes that it says to a word of IMAP, which is an empty request to a web server.
async fn answer(server: &ImapServer) -> Option<Vec<u8>> {
    let timeouts = Timeouts::default();
    let tcp = connect(server, &timeouts).await.ok()?;
    let mut io: Box<dyn Io> = match server.security {
        Security::Tls => tls::secure(tcp, &server.host, &server.trust).await.ok()?.io,
        Security::Plain | Security::StartTls => Box::new(tcp),
    };
    io.write_all(b"A1 CAPABILITY\r\n\r\n").await.ok()?;
    io.flush().await.ok()?;
    let mut said = vec![0; 1024];
    let n = io.read(&mut said).await.ok()?;
    said.truncate(n);
    Some(said)
}
