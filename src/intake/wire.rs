//! The connection to a mail server, protected as it was asked for. STARTTLS (RFC 3207) is spoken here and not by the library:
//! that would take for an answer of the protected server what somebody in between said before the protection began.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use lettre::transport::smtp::client::AsyncTokioStream;
use lettre::transport::smtp::extension::ClientId;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::send::{MailSecurity, MailServer};
use crate::domain::asking::SendOutcome;

/// Longest line of an answer.
const LONGEST_LINE: u64 = 2048;
/// Most lines of an answer.
const MOST_LINES: usize = 100;
/// Stands for the greeting, which came before the protection and counts no more.
const GREETING: &[u8] = b"220 protected\r\n";

/// Why there is no connection, and what becomes of the mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoWire {
    /// Later, or never.
    pub outcome: SendOutcome,
    /// For people.
    pub text: String,
}

fn later(text: impl Into<String>) -> NoWire {
    NoWire { outcome: SendOutcome::Later, text: text.into() }
}

/// Connects; the caller bounds the time.
///
/// # Errors
/// See there.
pub async fn connect(server: &MailServer, hello: &ClientId) -> Result<Box<dyn AsyncTokioStream>, NoWire> {
    let tls = match server.security {
        MailSecurity::Plain => None,
        MailSecurity::Tls | MailSecurity::StartTls => Some(protection(server)?),
    };
    let stream = TcpStream::connect((server.host.as_str(), server.port)).await;
    let stream = stream.map_err(|error| later(format!("{} cannot be reached: {error}", server.host)))?;
    match (server.security, tls) {
        (MailSecurity::StartTls, Some((tls, name))) => {
            let stream = ask_for_tls(stream, hello).await?;
            Ok(Box::new(protected(stream, tls, name, GREETING).await?))
        }
        (MailSecurity::Tls, Some((tls, name))) => Ok(Box::new(protected(stream, tls, name, b"").await?)),
        _ => Ok(Box::new(stream)),
    }
}

/// Whom to trust, and who it must be.
fn protection(server: &MailServer) -> Result<(TlsConnector, ServerName<'static>), NoWire> {
    let failed = |why: &dyn std::fmt::Display| later(why.to_string());
    let provider = Arc::new(default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_safe_default_protocol_versions().map_err(|error| failed(&error))?;
    let config = match &server.authorities {
        None => {
            let verifier = Verifier::new(provider).map_err(|error| failed(&error))?;
            builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth()
        }
        Some(pem) => {
            let unread = |why: &dyn std::fmt::Display| later(format!("the file of authorities cannot be read: {why}"));
            let mut roots = RootCertStore::empty();
            for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
                roots.add(certificate.map_err(|error| unread(&error))?).map_err(|error| unread(&error))?;
            }
            builder.with_root_certificates(roots).with_no_client_auth()
        }
    };
    let name = ServerName::try_from(server.host.clone()).map_err(|error| failed(&error))?;
    Ok((TlsConnector::from(Arc::new(config)), name))
}

/// Says hello and asks for TLS.
async fn ask_for_tls(stream: TcpStream, hello: &ClientId) -> Result<TcpStream, NoWire> {
    let mut stream = BufReader::new(stream);
    answer(&mut stream).await?;
    say(&mut stream, &format!("EHLO {hello}\r\n")).await?;
    let can = answer(&mut stream).await?;
    if !can.iter().skip(1).any(|line| line.trim().eq_ignore_ascii_case("STARTTLS")) {
        say(&mut stream, "QUIT\r\n").await?;
        return Err(later("the mail server has no STARTTLS; nothing was sent unprotected"));
    }
    say(&mut stream, "STARTTLS\r\n").await?;
    answer(&mut stream).await?;
    if stream.buffer().is_empty() {
        Ok(stream.into_inner())
    } else {
        Err(later("the mail server went on talking before the connection was protected; somebody may be in between"))
    }
}

async fn say(stream: &mut BufReader<TcpStream>, line: &str) -> Result<(), NoWire> {
    stream.write_all(line.as_bytes()).await.map_err(|error| later(error.to_string()))
}

/// The texts of a good answer (RFC 5321 §4.2), each without its code.
async fn answer(stream: &mut BufReader<TcpStream>) -> Result<Vec<String>, NoWire> {
    let mut lines = Vec::new();
    loop {
        let mut bytes = Vec::new();
        let read = stream.take(LONGEST_LINE).read_until(b'\n', &mut bytes).await;
        read.map_err(|error| later(error.to_string()))?;
        if bytes.last() != Some(&b'\n') || lines.len() >= MOST_LINES {
            return Err(later("the mail server hung up, or does not speak SMTP"));
        }
        let line = String::from_utf8_lossy(&bytes).trim_end().to_owned();
        let (Some(code), text) = (line.get(..3), line.get(4..).unwrap_or_default().to_owned()) else {
            return Err(later("the mail server does not speak SMTP"));
        };
        let ends = line.get(3..4) != Some("-");
        match code.as_bytes().first() {
            Some(b'2') => lines.push(text),
            Some(b'5') if ends => return Err(NoWire { outcome: SendOutcome::Refused, text: line }),
            _ if ends => return Err(later(line)),
            _ => lines.push(text),
        }
        if ends {
            return Ok(lines);
        }
    }
}

async fn protected(
    stream: TcpStream,
    tls: TlsConnector,
    name: ServerName<'static>,
    greeting: &'static [u8],
) -> Result<Protected, NoWire> {
    let peer = stream.peer_addr().map_err(|error| later(error.to_string()))?;
    let stream = tls.connect(name, stream).await.map_err(|error| later(format!("no protected connection: {error}")))?;
    Ok(Protected { greeting, peer, stream })
}

/// A connection by TLS; what stands for a greeting comes first.
#[derive(Debug)]
struct Protected {
    greeting: &'static [u8],
    peer: SocketAddr,
    stream: TlsStream<TcpStream>,
}

impl AsyncTokioStream for Protected {
    fn peer_addr(&self) -> std::io::Result<SocketAddr> {
        Ok(self.peer)
    }
}

impl AsyncRead for Protected {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        if self.greeting.is_empty() {
            return Pin::new(&mut self.stream).poll_read(context, buffer);
        }
        let (now, rest) = self.greeting.split_at(self.greeting.len().min(buffer.remaining()));
        buffer.put_slice(now);
        self.greeting = rest;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Protected {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
