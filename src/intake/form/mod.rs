//! The secured form in which the owner of a mailbox enters credentials. It asks who is behind a link and what an entry is worth
//! ([`Answers`]), and decides nothing itself.
//!
//! `server` holds the connections and their limits, `site` answers requests, `entry` reads what was sent, `guard` counts who asks
//! how often, `page` and `words` are what is shown, `reach` tells whether a web address leads here.

mod entry;
#[cfg(any(test, feature = "fuzzing"))]
pub(in crate::intake) mod fuzzing;
mod guard;
mod page;
mod reach;
mod server;
mod site;
mod words;

use std::net::SocketAddr;
use std::time::Duration;

use async_trait::async_trait;

pub use reach::{NotReached, ReachKey};
pub use server::{FormServer, NotServed, Protection};

use crate::domain::failure::Side;
use crate::domain::secret::Secret;

/// Where the form is and how much it bears.
#[derive(Clone, Debug)]
pub struct FormOptions {
    /// Where it listens.
    pub listen: SocketAddr,
    /// How connections are protected.
    pub protection: Protection,
    /// The host of its public address, as browsers name it (`move.example`, `move.example:8443`).
    pub host: String,
    /// By which it shows that it is reached.
    pub reach: ReachKey,
    /// What it bears.
    pub limits: Limits,
}

/// What the form bears.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at once.
    pub connections: usize,
    /// For the handshake, for the head of a request, and for its body.
    pub patience: Duration,
    /// For all that happens on a connection, the check of an entry included.
    pub whole: Duration,
    /// Requests of one address in a minute.
    pub per_address: u32,
    /// Entries through one link in ten minutes.
    pub per_link: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 512,
            patience: Duration::from_secs(10),
            whole: Duration::from_secs(120),
            per_address: 300,
            per_link: 10,
        }
    }
}

/// What the owner of a mailbox is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The mailbox.
    pub mailbox: String,
    /// Which project it belongs to.
    pub project: String,
    /// Whose project that is.
    pub consultant: String,
    /// What is missing.
    pub sides: Vec<AskedSide>,
}

/// A side whose credentials are missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedSide {
    /// Which.
    pub side: Side,
    /// The server, as people know it.
    pub host: String,
    /// The name that is probably used to log in.
    pub user: String,
    /// What its owner gives.
    pub way: Way,
}

impl AskedSide {
    /// Whether nothing is to be waited for there.
    fn is_done(&self) -> bool {
        matches!(self.way, Way::Password | Way::SignIn(SignInStep::Done))
    }
}

/// Where providers send browsers back to, below the form's address.
pub const RETURN: &str = "signed-in";

/// What an owner gives for a side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// User name and password.
    Password,
    /// Nothing: they sign in with their provider, and are so far.
    SignIn(SignInStep),
}

/// How far a sign-in with a provider is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignInStep {
    /// It has not begun.
    NotYet,
    /// A code is to be typed at a page of the provider.
    Code {
        /// The page.
        page: String,
        /// The code.
        code: String,
    },
    /// Somebody is to sign in at a page of the provider, which leads back here.
    Page(String),
    /// It is done.
    Done,
    /// Nobody signed in; it can begin anew.
    Failed,
}

/// What was entered for a side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// Which.
    pub side: Side,
    /// Login name.
    pub user: String,
    /// Password.
    pub password: Secret,
}

/// What an entry is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is right and kept. When the migration starts, in the reader's zone as good as it is known; none: soon.
    Right(Option<String>),
    /// A server did not accept it; the link is dead.
    Wrong {
        /// Which server.
        host: String,
        /// Who has been told.
        consultant: String,
    },
    /// Nothing was decided: a server could not be asked. The link lives.
    NotChecked,
    /// The link lives no more.
    Gone,
}

/// The machinery failed: nothing is known, nothing was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unable;

/// Who knows the links.
#[async_trait]
pub trait Answers: Send + Sync + 'static {
    /// What is asked for behind a link; none if it leads nowhere, whatever the reason.
    async fn find(&self, token: &str) -> Result<Option<Asked>, Unable>;
    /// Begins a sign-in at a side, if none is under way; how far it is says [`Answers::find`].
    async fn sign_in(&self, token: &str, side: Side) -> Result<(), Unable>;
    /// A provider sent a browser back with this query; whether a sign-in was under way that is meant.
    async fn came_back(&self, query: &str) -> bool;
    /// What a sign-in was worth that has ended this link a moment ago, if one has.
    async fn used(&self, token: &str) -> Result<Option<Verdict>, Unable>;
    /// Checks an entry and keeps it if it is right. Of two through one link at once, one is checked after the other.
    async fn take(&self, token: &str, given: Vec<Given>) -> Result<Verdict, Unable>;
}
