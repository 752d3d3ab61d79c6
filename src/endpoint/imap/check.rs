//! A test of an IMAP server and a mailbox of it, step by step. Reads only: EXAMINE, LIST, STATUS and GETQUOTAROOT.
//!
//! Every wait has a time-out. The password is sent once, and only on a connection that is protected as asked.

use tokio::time::timeout;

use super::framer::Io;
use super::greeting::{self, Greeted, or_found_out};
use super::login;
use super::scrub::Scrub;
use super::session::ImapSession;
use super::{ImapEndpoint, Timeouts};
use crate::domain::check::{CheckStep, Finding, StepOutcome};
use crate::domain::failure::{Cause, Failure, Retry, Scope};
use crate::domain::folder::{FolderPath, WireName};
use crate::domain::secret::Secret;
use crate::domain::server::{ImapServer, Security, Trust};
use crate::domain::token_claims::TokenClaims;
use crate::endpoint::auth::{Attempt, Proof};
use crate::endpoint::check::{Broken, Tested, Told, well};
use crate::endpoint::{FolderRef, Result, Source, Waits};

/// What a test of a server alone leaves out.
const NO_MAILBOX: &str = "a login is tested with an item of the project: import items, then test one";

/// Tests it.
pub(super) async fn check(server: &ImapServer, tested: Option<Tested>, told: &mut Told<'_>) {
    let timeouts = Timeouts::of(Waits::Person);
    let tested = match tested {
        Some(Tested { mailbox, auth, resources, .. }) => {
            let endpoint = server.endpoint(&mailbox, auth, resources, timeouts);
            // Before the first word of the server: it may repeat what it was told on an earlier connection.
            let attempt = endpoint.auth.attempt().await;
            Some((endpoint, attempt))
        }
        None => None,
    };
    if let Err(broken) = steps(server, tested, &timeouts, told).await {
        broken.tell(told);
    }
}

/// A mailbox, and the try to log in to it.
type Knock = (ImapEndpoint, Result<Attempt>);

async fn steps(
    server: &ImapServer,
    tested: Option<Knock>,
    timeouts: &Timeouts,
    told: &mut Told<'_>,
) -> std::result::Result<(), Broken> {
    let scrub = match &tested {
        Some((endpoint, Ok(attempt))) => login::scrub(&endpoint.login(&attempt.proof)),
        _ => Scrub::default(),
    };
    let greeted = reach(server, &scrub, timeouts, told).await?;
    let Some((endpoint, attempt)) = tested else {
        told(CheckStep::Login, StepOutcome::NotTried(NO_MAILBOX));
        return Ok(());
    };
    let attempt = match attempt {
        Ok(attempt) => attempt,
        Err(failure) => return Err(no_proof(server, failure, told)),
    };
    if let Proof::Bearer(bearer) = &attempt.proof {
        got_token(&bearer.token, told);
    }
    let mut session = log_in(&endpoint, attempt, greeted, told).await?;
    look(&mut session, told).await?;
    session.log_out().await;
    Ok(())
}

/// There is nothing to log in with. A token that is seen to open nothing came all the same.
fn no_proof(server: &ImapServer, failure: Failure, told: &mut Told<'_>) -> Broken {
    let step = match failure.cause {
        _ if server.sign_in.is_none() => CheckStep::Login,
        Cause::TokenUnfit => {
            well(told, Finding::Token(None));
            CheckStep::Rights
        }
        _ => CheckStep::Token,
    };
    Broken::at(step)(failure)
}

/// What can be read of a token; most of Google's cannot.
fn got_token(token: &Secret, told: &mut Told<'_>) {
    let claims = TokenClaims::read(token);
    well(told, Finding::Token(claims.as_ref().and_then(|claims| claims.expires)));
    if let Some(claims) = claims {
        well(told, Finding::Rights(claims));
    }
}

/// Up to the greeting.
async fn reach(
    server: &ImapServer,
    scrub: &Scrub,
    timeouts: &Timeouts,
    told: &mut Told<'_>,
) -> std::result::Result<Greeted, Broken> {
    well(told, resolve(server, timeouts).await.map_err(Broken::at(CheckStep::Name))?);
    let tcp = greeting::connect(server, timeouts).await.map_err(Broken::at(CheckStep::Connection))?;
    let peer = tcp.peer_addr().map_or_else(|_| server.port.to_string(), |peer| peer.to_string());
    well(told, Finding::Connected(peer));
    let broken = Broken::at(CheckStep::Greeting);
    let greeted = match server.security {
        Security::Plain => {
            well(told, Finding::Unprotected);
            or_found_out(server, greeting::greet(Box::new(tcp), scrub, timeouts)).await.map_err(broken)?
        }
        Security::Tls => {
            let io = secure(server, Box::new(tcp), timeouts, told).await?;
            or_found_out(server, greeting::greet(io, scrub, timeouts)).await.map_err(broken)?
        }
        Security::StartTls => {
            let io =
                or_found_out(server, greeting::start_tls(Box::new(tcp), scrub, timeouts)).await.map_err(|failure| {
                    let refused = failure.cause == Cause::TlsFailed;
                    Broken::at(if refused { CheckStep::Certificate } else { CheckStep::Greeting })(failure)
                })?;
            Greeted::after_tls(secure(server, io, timeouts, told).await?)
        }
    };
    well(told, Finding::Greeted);
    Ok(greeted)
}

async fn resolve(server: &ImapServer, timeouts: &Timeouts) -> Result<Finding> {
    let host = server.host.trim_start_matches('[').trim_end_matches(']');
    let unknown = |text: String| {
        let failure = Failure::new(Cause::NameUnknown, Scope::Endpoint, Retry::Backoff, format!("looking up {host}"));
        failure.saying(text).about(format!("{host}:{}", server.port))
    };
    let found = match timeout(timeouts.connect, greeting::addresses(host, server.port)).await {
        Ok(found) => found.map_err(unknown)?,
        Err(_) => return Err(unknown(format!("no answer within {} seconds", timeouts.connect.as_secs()))),
    };
    let mut addresses: Vec<String> = found.iter().map(|address| address.ip().to_string()).collect();
    addresses.dedup();
    Ok(Finding::Addresses(addresses))
}

/// Protects the connection. A certificate that is refused is shown all the same, as another connection sees it.
async fn secure(
    server: &ImapServer,
    io: Box<dyn Io>,
    timeouts: &Timeouts,
    told: &mut Told<'_>,
) -> std::result::Result<Box<dyn Io>, Broken> {
    match greeting::secure(io, server, timeouts).await {
        Ok(secured) => {
            let pinned = matches!(server.trust, Trust::Pinned(_));
            well(told, Finding::Certificate { seen: secured.seen, pinned });
            Ok(secured.io)
        }
        Err(failure) => {
            let seen = match failure.cause {
                cause if cause.is_of_the_certificate() => login::certificate(server, timeouts).await.ok(),
                _ => None,
            };
            let seen = seen.map(|seen| Finding::Certificate { seen, pinned: false });
            Err(Broken::at(CheckStep::Certificate)(failure).seeing(seen))
        }
    }
}

async fn log_in(
    endpoint: &ImapEndpoint,
    attempt: Attempt,
    greeted: Greeted,
    told: &mut Told<'_>,
) -> std::result::Result<ImapSession, Broken> {
    let (login, timeouts, resources) = (endpoint.login(&attempt.proof), endpoint.timeouts, endpoint.resources.clone());
    let (name, administrator) = (endpoint.who.user.clone(), endpoint.who.admin.is_some());
    let stale = login.is_stale();
    let mut opened = attempt.by(async move { login::log_in(greeted, &login, &resources, &timeouts).await }).await;
    if stale && opened.as_ref().is_err_and(|failure| failure.cause == Cause::TokenRefused) {
        // A token that was kept may be dead: this asks for a new one, as a pass does.
        opened = endpoint.open().await;
    }
    let came_in = opened.as_ref().err().is_none_or(|failure| failure.cause == Cause::MailboxNotOpened);
    if came_in {
        well(told, Finding::LoggedIn { name, administrator });
    }
    opened.map_err(Broken::at(if came_in { CheckStep::Mailbox } else { CheckStep::Login }))
}

/// What the mailbox is like.
async fn look(session: &mut ImapSession, told: &mut Told<'_>) -> std::result::Result<(), Broken> {
    let inbox = FolderRef { path: FolderPath::new(["INBOX"]), wire: WireName(b"INBOX".to_vec()), validity: None };
    let state = session.examine(&inbox).await.map_err(Broken::at(CheckStep::Mailbox))?;
    well(told, Finding::Opened(u64::from(state.messages)));
    well(told, Finding::Capabilities(session.capabilities.iter().cloned().collect()));
    let folders = session.list().await.map_err(Broken::at(CheckStep::Folders))?;
    if let Some(lacks) = session.connection.manners().kept_list().lacks() {
        return Err(Broken::at(CheckStep::Folders)(lacks));
    }
    let foreign = folders.iter().filter(|folder| folder.foreign).count();
    well(told, Finding::Folders { own: folders.len() - foreign, foreign });
    if session.can("QUOTA")
        && let Some((used, limit)) = session.ask_quota(&inbox.wire).await.map_err(Broken::at(CheckStep::Quota))?
    {
        well(told, Finding::Quota { used, limit });
    }
    Ok(())
}
