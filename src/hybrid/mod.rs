//! Orders and watches what a remote service does with mailboxes: batches of moves, and the licenses of those who moved.
//!
//! [`BatchService`] has the words of the providers' newest interfaces (create, start, complete after, remove user, poll), so that
//! another service fits. [`exchange`] drives Exchange Online's cmdlets over REST, [`graph`] the directory; [`http`] alone knows
//! HTTP; [`record`] writes down what was said, masked. Nothing here repeats an order, waits, or knows a status: what became of
//! a call is told in [`RemoteError`], and the caller decides (D37).

pub mod exchange;
pub mod graph;
pub mod http;
mod reading;
pub mod record;

use std::time::Duration;

use async_trait::async_trait;

use crate::domain::hybrid::attributes::Attribute;
use crate::domain::hybrid::remote::{
    Licensee, MigrationEndpoint, Recipient, RemoteBatch, RemoteMove, RemoteStatistics, RemoteUser, Sku,
};
use crate::domain::secret::Secret;
use crate::domain::time::Timestamp;

/// Result of asking a service.
pub type Result<T> = std::result::Result<T, RemoteError>;

/// What became of a call that did not come back well. Texts are the service's own, cleaned and bounded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RemoteError {
    /// It was refused: nothing was done.
    #[error("{text}")]
    Refused {
        /// The service's name for it.
        kind: String,
        /// In its words.
        text: String,
    },
    /// It was not taken, because there are too many: nothing was done.
    #[error("the service asks for a pause: {text}")]
    Busy {
        /// How long it asks to wait, if it says so.
        pause: Option<Duration>,
        /// In its words.
        text: String,
    },
    /// The application may not, or is not signed in: nothing was done.
    #[error("{0}")]
    Denied(String),
    /// No answer, or none that says whether it was done.
    #[error("no certain answer: {0}")]
    Unsure(String),
}

/// Hands out tokens for one service.
#[async_trait]
pub trait TokenSource: Send + Sync {
    /// A token that lives.
    ///
    /// # Errors
    /// There is none: denied, or nobody knows.
    async fn token(&self) -> Result<Secret>;
    /// The service did not take this one.
    fn refused(&self, token: &Secret);
}

/// A batch to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewBatch {
    /// Its name, unique in the tenant.
    pub name: String,
    /// The migration endpoint.
    pub endpoint: String,
    /// The tenant's own domain.
    pub target_domain: String,
    /// Who moves.
    pub addresses: Vec<String>,
}

/// What is finalized.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target<'a> {
    /// A whole batch, by its name.
    Batch(&'a str),
    /// One user, by its address.
    User(&'a str),
}

/// Moves mailboxes in batches. Questions change nothing. Orders are sent once, whatever comes of them.
#[async_trait]
pub trait BatchService: Send + Sync {
    /// The migration endpoints that exist.
    async fn endpoints(&self) -> Result<Vec<MigrationEndpoint>>;
    /// Why the service cannot reach an endpoint's server; none: it can.
    async fn validate(&self, endpoint: &str) -> Result<Option<String>>;
    /// Everybody who can move, or who has a mailbox already.
    async fn recipients(&self) -> Result<Vec<Recipient>>;
    /// One of them.
    async fn recipient(&self, address: &str) -> Result<Option<Recipient>>;
    /// A batch.
    async fn batch(&self, name: &str) -> Result<Option<RemoteBatch>>;
    /// The users of a batch.
    async fn users(&self, batch: &str) -> Result<Vec<RemoteUser>>;
    /// One user.
    async fn user(&self, address: &str) -> Result<Option<RemoteUser>>;
    /// The move of a user.
    async fn moved(&self, address: &str) -> Result<Option<RemoteMove>>;
    /// What was counted for a user; with its report it may take many minutes.
    async fn statistics(&self, address: &str, report: bool) -> Result<RemoteStatistics>;
    /// Whether a user has its mailbox here, and what it tells of these attributes.
    async fn attributes(&self, address: &str, rows: &[&'static Attribute]) -> Result<Option<Vec<Option<String>>>>;
    /// Makes a batch.
    async fn create(&self, batch: &NewBatch) -> Result<()>;
    /// Starts a batch; users that failed are tried again.
    async fn start(&self, name: &str) -> Result<()>;
    /// Finalizes from this time on.
    async fn complete(&self, target: Target<'_>, after: Timestamp) -> Result<()>;
    /// Approves the items that were left out of a user.
    async fn approve(&self, address: &str) -> Result<()>;
    /// Halts a user.
    async fn stop_user(&self, address: &str) -> Result<()>;
    /// Takes a user out of its batch.
    async fn remove_user(&self, address: &str) -> Result<()>;
    /// Removes a move that is left.
    async fn remove_move(&self, address: &str) -> Result<()>;
    /// Sets attributes of a mailbox.
    async fn set_attributes(&self, address: &str, values: &[(&'static Attribute, &str)]) -> Result<()>;
}

/// Licenses of the directory.
#[async_trait]
pub trait LicenseService: Send + Sync {
    /// All licenses of the tenant.
    async fn skus(&self) -> Result<Vec<Sku>>;
    /// Every user of the directory.
    async fn licensees(&self) -> Result<Vec<Licensee>>;
    /// One of them, by its number.
    async fn licensee(&self, object: &str) -> Result<Option<Licensee>>;
    /// Sets where a user works.
    async fn set_location(&self, object: &str, location: &str) -> Result<()>;
    /// Assigns a license.
    async fn assign(&self, object: &str, sku: &str) -> Result<()>;
}
