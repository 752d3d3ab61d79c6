//! Mailboxes on IMAP servers (RFC 3501, RFC 9051 and extensions).
//!
//! [`ImapEndpoint`] opens sessions; everything else is private. `greeting` comes to a server, `probe` looks who is
//! there if none greets. From the wire upwards: `framer` cuts lines and literals,
//! `token`, `response` and `attributes` read them, `reader` hands them to the command they belong to, `connection` writes
//! commands (`pending` are those not answered yet), `parts` puts together what is told of a message in pieces, `rest` tells what a server left of a command, `recount` what a listing lacks, `session` with `listing`, `source` and `destination` knows folders and messages. `classify` turns
//! refusals into failures. Nothing here retries.
//!
//! Not spoken yet: COMPRESS (RFC 4978), QRESYNC (RFC 7162).

mod attributes;
mod check;
mod classify;
mod connection;
mod destination;
mod disguise;
mod echo;
#[cfg(test)]
mod echo_tests;
mod encode;
#[cfg(test)]
mod fetch_tests;
mod framer;
#[cfg(any(test, feature = "fuzzing"))]
pub(super) mod fuzzing;
mod greeting;
mod kept_list;
mod listing;
#[cfg(test)]
mod listing_tests;
mod login;
mod login_by_token;
mod manners;
mod names;
mod parts;
mod patience;
mod pending;
#[cfg(test)]
mod plain_tests;
mod probe;
mod reader;
mod recount;
mod response;
mod rest;
mod riding;
#[cfg(test)]
mod script;
mod scrub;
mod session;
#[cfg(test)]
mod silence_tests;
mod source;
mod stream;
#[cfg(test)]
mod tests;
mod tls;
mod token;
mod untrusted;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

pub use tls::fingerprint;

use super::auth::{Authenticator, Proof};
use super::check::{Tested, Told};
use super::kind::{MailboxKind, Roles};
use super::place::{Links, Place};
use super::{Destination, DestinationEndpoint, Resources, Result, Source, SourceEndpoint, Waits};
use crate::domain::certificate::SeenCertificate;
use crate::domain::failure::{Cause, Failure, Side};
use crate::domain::item::Mailbox;
use crate::domain::server::{AdminLogin, ImapServer};

/// Log target of the dialogue with servers; passwords and literals are never in it.
pub(in crate::endpoint) const DIALOGUE: &str = "imap.dialogue";

/// Who logs in.
#[derive(Clone, Debug)]
struct Login {
    user: String,
    admin: Option<AdminLogin>,
    /// What whoever logs in shows.
    proof: Proof,
}

impl Login {
    /// Whether it shows a token that was kept: another one may do.
    fn is_stale(&self) -> bool {
        matches!(&self.proof, Proof::Bearer(bearer) if !bearer.fresh)
    }
}

/// How long to wait for a server.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// For the TCP connection.
    pub connect: Duration,
    /// For the TLS handshake.
    pub tls: Duration,
    /// For the greeting.
    pub greeting: Duration,
    /// Without a byte heard or sent, while an answer is outstanding.
    pub silence: Duration,
    /// For the server to take some of the bytes written to it.
    pub write: Duration,
    /// For a polite goodbye.
    pub logout: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            connect: seconds(30),
            tls: seconds(30),
            greeting: seconds(30),
            silence: seconds(300),
            write: seconds(120),
            logout: seconds(5),
        }
    }
}

impl Timeouts {
    /// By who waits.
    pub fn of(waits: Waits) -> Self {
        let usual = Self::default();
        let silence = match waits {
            Waits::Pass => usual.silence,
            Waits::Person => Duration::from_secs(60),
        };
        Self { silence, ..usual }
    }
}

/// Whose mailbox is opened, and by whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    /// Login name of the mailbox.
    pub user: String,
    /// The administrator who opens it, if it is not the owner.
    pub admin: Option<AdminLogin>,
}

/// One mailbox on an IMAP server.
#[derive(Clone)]
pub struct ImapEndpoint {
    server: ImapServer,
    who: Who,
    auth: Arc<dyn Authenticator>,
    resources: Resources,
    timeouts: Timeouts,
    manners: Arc<manners::Manners>,
}

impl std::fmt::Debug for ImapEndpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ImapEndpoint").field("server", &self.server).field("who", &self.who).finish_non_exhaustive()
    }
}

impl ImapEndpoint {
    /// A mailbox on `server`. `who.admin` decides how to log in; `server.admin` is not looked at.
    pub fn new(
        server: ImapServer,
        who: Who,
        auth: Arc<dyn Authenticator>,
        resources: Resources,
        timeouts: Timeouts,
    ) -> Self {
        Self { server, who, auth, resources, timeouts, manners: Arc::default() }
    }

    fn login(&self, proof: &Proof) -> Login {
        let Who { user, admin } = self.who.clone();
        Login { user, admin, proof: proof.clone() }
    }

    async fn open(&self) -> Result<session::ImapSession> {
        let mut session = self.log_in().await;
        if matches!(&session, Err((failure, true)) if failure.cause == Cause::TokenRefused) {
            // Tokens are taken back before they end: one that was kept may be dead, and a new one is asked for once.
            session = self.log_in().await;
        }
        let session = session.map_err(|(failure, _)| failure)?;
        session.connection.share(&self.manners);
        Ok(session)
    }

    /// A try; of a failure it is told whether another token may do.
    async fn log_in(&self) -> std::result::Result<session::ImapSession, (Failure, bool)> {
        let attempt = self.auth.attempt().await.map_err(|failure| (failure, false))?;
        let login = self.login(&attempt.proof);
        let stale = login.is_stale();
        let (server, resources, timeouts) = (self.server.clone(), self.resources.clone(), self.timeouts);
        let opened = attempt.by(async move { login::open(&server, &login, &resources, &timeouts).await }).await;
        opened.map_err(|failure| (failure, stale))
    }
}

#[async_trait]
impl SourceEndpoint for ImapEndpoint {
    async fn open_source(&self) -> Result<Box<dyn Source>> {
        Ok(Box::new(self.open().await?))
    }

    fn answered_of_a_list(&self) -> u64 {
        self.manners.kept_list().answered()
    }

    fn list_lacks(&self) -> Option<Failure> {
        self.manners.kept_list().lacks()
    }
}

#[async_trait]
impl DestinationEndpoint for ImapEndpoint {
    async fn open_destination(&self) -> Result<Box<dyn Destination>> {
        let mut session = self.open().await?;
        session.side = Side::Destination;
        Ok(Box::new(session))
    }

    fn answered_of_a_list(&self) -> u64 {
        self.manners.kept_list().answered()
    }
}

impl ImapServer {
    fn endpoint(
        &self,
        mailbox: &Mailbox,
        auth: Arc<dyn Authenticator>,
        resources: Resources,
        timeouts: Timeouts,
    ) -> ImapEndpoint {
        let who = Who { user: mailbox.login_name().to_owned(), admin: self.admin.clone() };
        ImapEndpoint::new(self.clone(), who, auth, resources, timeouts)
    }
}

#[async_trait]
impl MailboxKind for ImapServer {
    async fn certificate(&self) -> Result<SeenCertificate> {
        login::certificate(self, &Timeouts::default()).await
    }

    async fn check(&self, tested: Option<Tested>, told: &mut Told<'_>) {
        check::check(self, tested, told).await;
    }

    fn roles(&self, _: Side, mailbox: &Mailbox, auth: Arc<dyn Authenticator>, resources: Resources) -> Result<Roles> {
        let timeouts = Timeouts::of(resources.waits);
        Ok(Roles::both(self.endpoint(mailbox, auth, resources, timeouts)))
    }

    fn place(&self, mailbox: &Mailbox, _: &Links) -> Place {
        Place::on_a_server(self.places(mailbox))
    }
}
