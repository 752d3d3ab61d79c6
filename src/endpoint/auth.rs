//! Who proves to a server that a login is meant: one owner for each account, shared by everybody who logs in with it (D35).
//!
//! An endpoint asks for an [`Attempt`], tries it, and says what became of it.

use async_trait::async_trait;

use super::Result;
use crate::domain::failure::Failure;
use crate::domain::secret::Secret;

/// What a server is shown.
#[derive(Clone, Debug)]
pub enum Proof {
    /// A password.
    Password(Secret),
}

/// The owner of an account's proof, and of what is known of it.
#[async_trait]
pub trait Authenticator: Send + Sync {
    /// A try to log in. Waits while somebody else tries this account for the first time.
    ///
    /// # Errors
    /// There is no proof, or it was refused before.
    async fn attempt(&self) -> Result<Attempt>;
}

/// Hears what became of an attempt.
pub trait AttemptVerdict: Send {
    /// The server accepted it.
    fn accepted(self: Box<Self>);
    /// It did not; whether the proof is to blame is in the failure.
    fn failed(self: Box<Self>, failure: &Failure);
}

/// A try to log in. Dropped without a word, it says nothing about the proof.
pub struct Attempt {
    /// What to show.
    pub proof: Proof,
    verdict: Option<Box<dyn AttemptVerdict>>,
}

impl Attempt {
    /// With this proof; `verdict` hears how it went.
    pub fn new(proof: Proof, verdict: Option<Box<dyn AttemptVerdict>>) -> Self {
        Self { proof, verdict }
    }

    /// Says how it went, and passes that on.
    pub fn ended<T>(self, opened: Result<T>) -> Result<T> {
        match (self.verdict, &opened) {
            (Some(verdict), Ok(_)) => verdict.accepted(),
            (Some(verdict), Err(failure)) => verdict.failed(failure),
            (None, _) => {}
        }
        opened
    }
}

/// A password that is known beforehand and asked for by nobody else.
#[derive(Clone, Debug)]
pub struct KnownPassword(pub Secret);

#[async_trait]
impl Authenticator for KnownPassword {
    async fn attempt(&self) -> Result<Attempt> {
        Ok(Attempt::new(Proof::Password(self.0.clone()), None))
    }
}
