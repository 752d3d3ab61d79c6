//! From a host name to a greeting: connect, secure, greet.
//!
//! Every wait has a time-out. Nothing larger than a line is read.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::classify::{self, Step};
use super::framer::{Framer, Io, SilenceWatch, WireError, excerpt};
use super::patience::Question;
use super::response::{self, ServerResponse, Status, Told, Unread};
use super::scrub::{Scrub, trace_line};
use super::session::Capabilities;
use super::tls::Secured;
use super::token::Raw;
use super::{DIALOGUE, Timeouts, probe, tls};
use crate::domain::failure::{Cause, Failure, Retry, Scope};
use crate::domain::server::ImapServer;
use crate::endpoint::Result;

/// After so long without a greeting it is looked who is at the port.
const QUIET: Duration = Duration::from_secs(2);

/// A stream whose server has greeted.
pub(super) struct Greeted {
    pub(super) io: Box<dyn Io>,
    /// What was read after the greeting.
    pub(super) ahead: Vec<u8>,
    /// What the server can do, if its greeting told.
    pub(super) known: Option<Capabilities>,
    /// What it says to people.
    pub(super) alert: Option<Told>,
    /// Where it comes from, where that is known.
    pub(super) local: Option<SocketAddr>,
}

impl Greeted {
    /// It greeted before TLS was begun; what it said then counts for nothing.
    pub(super) fn after_tls(io: Box<dyn Io>) -> Self {
        Self { io, ahead: Vec::new(), known: None, alert: None, local: None }
    }
}

pub(super) async fn connect(server: &ImapServer, timeouts: &Timeouts) -> Result<TcpStream> {
    let doing = format!("connecting to {}:{}", server.host, server.port);
    let host = server.host.trim_start_matches('[').trim_end_matches(']');
    let place = format!("{host}:{}", server.port);
    let failed = |cause, text: &str| {
        Failure::new(cause, Scope::Endpoint, Retry::Backoff, &doing).saying(text).about(place.clone())
    };
    let silent = || failed(Cause::Unreachable, &format!("no answer within {} seconds", timeouts.connect.as_secs()));
    let dialled = async {
        let addresses = addresses(host, server.port).await.map_err(|text| failed(Cause::NameUnknown, &text))?;
        TcpStream::connect(addresses.as_slice()).await.map_err(|error| match error.kind() {
            ErrorKind::ConnectionRefused => failed(Cause::PortClosed, "connections are refused"),
            _ => failed(Cause::Unreachable, &os_words(&error)),
        })
    };
    let tcp = timeout(timeouts.connect, dialled).await.unwrap_or_else(|_| Err(silent()))?;
    // Only a matter of speed.
    drop(tcp.set_nodelay(true));
    Ok(tcp)
}

/// The addresses of a host; there is at least one.
pub(super) async fn addresses(host: &str, port: u16) -> std::result::Result<Vec<SocketAddr>, String> {
    let found: Vec<SocketAddr> = match tokio::net::lookup_host((host, port)).await {
        Ok(found) => found.collect(),
        Err(error) => return Err(os_words(&error)),
    };
    if found.is_empty() { Err("it has no address".to_owned()) } else { Ok(found) }
}

/// What the system says, without the number of its error.
fn os_words(error: &std::io::Error) -> String {
    let words = error.to_string();
    words.split(" (os error ").next().unwrap_or(&words).to_owned()
}

pub(super) async fn secure(io: Box<dyn Io>, server: &ImapServer, timeouts: &Timeouts) -> Result<Secured> {
    match timeout(timeouts.tls, tls::secure(io, &server.host, &server.trust)).await {
        // What it is that answers there in place of TLS.
        Ok(Err(failure)) if failure.cause == Cause::NotTls => Err(probe::who_is_plain(server).await.unwrap_or(failure)),
        Ok(secured) => secured,
        Err(_) => Err(late(timeouts.tls, "securing the connection")),
    }
}

pub(super) fn late(limit: Duration, doing: &str) -> Failure {
    let text = format!("no answer within {} seconds", limit.as_secs());
    Failure::new(Cause::TimedOut, Scope::Connection, Retry::Backoff, doing).saying(text)
}

const GREETING: &str = "waiting for the greeting";
/// Empty lines before a greeting.
const MOST_EMPTY: u32 = 20;

/// The failure of a port at which something else answers, with its words.
pub(super) fn no_imap(said: &str) -> Failure {
    Failure::new(Cause::NoImap, Scope::Endpoint, Retry::User, GREETING).saying(said)
}

/// The greeting; where it does not come, what is found out of whoever is at the port meanwhile.
pub(super) async fn or_found_out<T>(server: &ImapServer, greeting: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::pin!(greeting);
    tokio::select! {
        biased;
        greeted = &mut greeting => return greeted,
        () = sleep(QUIET) => {}
    }
    tokio::select! {
        biased;
        greeted = &mut greeting => greeted,
        Some(found) = probe::who_is_there(server) => Err(found),
    }
}

/// Reads the greeting.
pub(super) async fn greet(io: Box<dyn Io>, scrub: &Scrub, timeouts: &Timeouts) -> Result<Greeted> {
    let (framer, told) = greeted(io, scrub, timeouts).await?;
    let (io, ahead) = framer.into_parts();
    let known = code_capabilities(&told);
    Ok(Greeted { io, ahead, known, alert: Some(told).filter(|told| told.code.name == "ALERT"), local: None })
}

async fn greeted(io: Box<dyn Io>, scrub: &Scrub, timeouts: &Timeouts) -> Result<(Framer<Box<dyn Io>>, Told)> {
    let watch = SilenceWatch::new(timeouts.silence);
    watch.expect(Question::Small);
    let mut framer = Framer::new(io, b"", watch);
    let Ok(greeting) = timeout(timeouts.greeting, first_line(&mut framer, scrub)).await else {
        let text = format!("no greeting within {} seconds", timeouts.greeting.as_secs());
        return Err(Failure::new(Cause::NoGreeting, Scope::Endpoint, Retry::Backoff, GREETING).saying(text));
    };
    match greeting.map_err(|error| lost(&error, scrub, GREETING))? {
        ServerResponse::Status(Status::Ok, told) => Ok((framer, told)),
        ServerResponse::Status(Status::PreAuth, told) => {
            let told = told.scrubbed(scrub);
            // Somebody's mailbox is open, and nothing says whose.
            let failure = Failure::new(Cause::MailboxNotOpened, Scope::Mailbox, Retry::User, GREETING);
            Err(failure.saying(format!("the server opened a mailbox without a login: {}", told.words())))
        }
        ServerResponse::Status(status, told) => {
            Err(classify::failure(Step::Greeting, status, &told.scrubbed(scrub), &[&scrub.names], GREETING))
        }
        _ => Err(lost(&WireError::Nonsense("the server's first line is no IMAP greeting".into()), scrub, GREETING)),
    }
}

/// The first line that says anything.
async fn first_line(framer: &mut Framer<Box<dyn Io>>, scrub: &Scrub) -> std::result::Result<ServerResponse, WireError> {
    for _ in 0..MOST_EMPTY {
        let mut text = Vec::new();
        framer.line(&mut text).await?;
        trace_line(&text, scrub);
        if !text.trim_ascii().is_empty() {
            let nonsense = WireError::Nonsense(excerpt(&text));
            return match response::parse(Raw { text, literals: Vec::new() }) {
                Ok(greeting @ ServerResponse::Status(..)) => Ok(greeting),
                Ok(_) | Err(_) => Err(nonsense),
            };
        }
    }
    Err(WireError::Nonsense("nothing but empty lines".into()))
}

/// One response without literals; none if it cannot be read.
async fn line(
    framer: &mut Framer<Box<dyn Io>>,
    scrub: &Scrub,
) -> std::result::Result<Option<ServerResponse>, WireError> {
    let mut text = Vec::new();
    framer.line(&mut text).await?;
    trace_line(&text, scrub);
    match response::parse(Raw { text, literals: Vec::new() }) {
        Ok(response) => Ok(Some(response)),
        Err(Unread::Line) => Ok(None),
        Err(Unread::OutOfStep(text)) => Err(WireError::Nonsense(text)),
    }
}

/// What begins with something else than IMAP is no IMAP server, and will be none a moment later.
fn lost(error: &WireError, scrub: &Scrub, doing: &str) -> Failure {
    let (cause, scope) = match error {
        WireError::Nonsense(text) if doing == GREETING => return no_imap(&scrub.clean(text)),
        WireError::Nonsense(_) => (Cause::Nonsense, Scope::Connection),
        WireError::Silence(_) | WireError::Slow(_) if doing == GREETING => (Cause::NoGreeting, Scope::Endpoint),
        WireError::Silence(_) | WireError::Slow(_) => (Cause::TimedOut, Scope::Connection),
        _ if doing == GREETING => (Cause::ClosedUngreeted, Scope::Endpoint),
        _ => (Cause::ConnectionLost, Scope::Connection),
    };
    Failure::new(cause, scope, Retry::Backoff, doing).saying(scrub.clean(&error.to_string()))
}

/// Greeting, CAPABILITY if it was not told, STARTTLS (RFC 9051 §6.2.1). Whatever was sent ahead of TLS is refused: it
/// would be read as if it had been protected.
pub(super) async fn start_tls(io: Box<dyn Io>, scrub: &Scrub, timeouts: &Timeouts) -> Result<Box<dyn Io>> {
    const DOING: &str = "asking for TLS";
    // An alert that anybody may have put in counts for nothing.
    let (mut framer, told) = greeted(io, scrub, timeouts).await?;
    let known = match code_capabilities(&told) {
        Some(known) => Some(known),
        None => match ask(&mut framer, 1, "CAPABILITY", scrub, timeouts).await {
            Ok(((Status::Ok, _), known)) => Some(known),
            // It cannot tell, or does not in good time: its answer to STARTTLS will.
            Ok(_) => None,
            Err(failure) if failure.cause == Cause::TimedOut => None,
            Err(failure) => return Err(failure),
        },
    };
    let failed = |text: &str| Failure::new(Cause::TlsFailed, Scope::Endpoint, Retry::User, DOING).saying(text);
    if known.is_some_and(|known| !known.contains("STARTTLS")) {
        return Err(failed("the server does not offer STARTTLS"));
    }
    let ((status, told), _) = ask(&mut framer, 2, "STARTTLS", scrub, timeouts).await?;
    if status != Status::Ok {
        return Err(classify::failure(Step::Tls, status, &told.scrubbed(scrub), &[&scrub.names], DOING));
    }
    let (io, ahead) = framer.into_parts();
    if ahead.is_empty() { Ok(io) } else { Err(failed("the server sent data ahead of the TLS handshake")) }
}

/// One command before TLS: the tagged answer and the capabilities told on the way.
async fn ask(
    framer: &mut Framer<Box<dyn Io>>,
    number: u32,
    command: &str,
    scrub: &Scrub,
    timeouts: &Timeouts,
) -> Result<((Status, Told), Capabilities)> {
    const DOING: &str = "asking for TLS";
    let dialogue = async {
        let text = format!("{} {command}\r\n", response::tag(number));
        tracing::trace!(target: DIALOGUE, "> {}", text.trim_end());
        framer.io().write_all(text.as_bytes()).await?;
        framer.io().flush().await?;
        let mut known = Capabilities::new();
        loop {
            match line(framer, scrub).await? {
                Some(ServerResponse::Capability(told)) => known = told,
                Some(ServerResponse::Tagged(n, status, told)) if n == number => return Ok(((status, told), known)),
                Some(ServerResponse::Status(Status::Bye, told)) => return Err(WireError::Nonsense(told.words())),
                Some(_) | None => {}
            }
        }
    };
    match timeout(timeouts.greeting, dialogue).await {
        Ok(answer) => answer.map_err(|error| lost(&error, scrub, DOING)),
        Err(_) => Err(late(timeouts.greeting, DOING)),
    }
}

pub(super) fn code_capabilities(told: &Told) -> Option<Capabilities> {
    (told.code.name == "CAPABILITY").then(|| response::capabilities(&told.code.arguments))
}

#[cfg(test)]
mod tests {
    use super::super::script::{ScriptStep, hear, peer, say, timeouts};
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn p4_a_server_that_does_not_tell_what_it_can_do_is_asked_for_tls_all_the_same() {
        for (answer, end, cause) in [
            ("", "A2 OK go\r\n", None),
            ("A1 BAD what?\r\n", "A2 OK go\r\n", None),
            ("\r\nNotice: x\r\n* CAPABILITY STARTTLS\r\nA1 OK x\r\n", "\r\nA2 OK go\r\n", None),
            ("A1 NO not now\r\n", "A2 BAD what?\r\n", Some(Cause::TlsFailed)),
        ] {
            let steps = vec![say("* OK hello\r\n"), hear("A1 CAPABILITY"), say(answer), hear("A2 STARTTLS"), say(end)];
            let (io, _peer) = peer(steps.into_iter().chain([ScriptStep::Stall]).collect());
            let began = tokio::time::Instant::now();
            let secured = start_tls(Box::new(io), &Scrub::default(), &timeouts()).await;
            assert_eq!(secured.err().map(|failure| failure.cause), cause, "{answer}");
            assert!(began.elapsed() <= timeouts().greeting, "{answer}");
        }
    }
}
