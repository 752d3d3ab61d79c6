//! Who proves to a server that a login is meant: one owner for each account, shared by everybody who logs in with it (D35).
//!
//! An endpoint asks for an [`Attempt`], tries it, and says what became of it.

use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::oneshot;
use tokio::task::JoinError;
use tokio::time::Instant;

use super::Result;
use crate::domain::failure::Failure;
use crate::domain::secret::Secret;

/// How long a try is heard when nobody waits for it any more.
const HEARD_OUT: Duration = Duration::from_secs(30);

/// What a server is shown.
#[derive(Clone, Debug)]
pub enum Proof {
    /// A password.
    Password(Secret),
    /// A token of whoever signs in.
    Bearer(Bearer),
}

/// A token that opens a mailbox for a while.
#[derive(Clone, Debug)]
pub struct Bearer {
    /// Itself.
    pub token: Secret,
    /// When a connection that logged in with it is to be closed: a while before it ends.
    pub retires: Instant,
    /// Whether it came just now. Another one is refused once and asked for anew.
    pub fresh: bool,
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
    /// Whether others wait for what it hears.
    fn decides(&self) -> bool;
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

    /// Logs in this way, says how it went, and passes that on. What decides for others is heard out when nobody waits for it
    /// any more, because its pass was stopped: else the next of them would show the server the same password.
    pub async fn by<T: Send + 'static>(self, login: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
        if !self.verdict.as_ref().is_some_and(|verdict| verdict.decides()) {
            return self.ended(login.await);
        }
        let (waits, forsaken) = oneshot::channel::<()>();
        let heard = async move {
            tokio::select! {
                opened = login => Some(self.ended(opened)),
                () = a_while_after(forsaken) => None,
            }
        };
        #[expect(clippy::disallowed_methods, reason = "it ends by itself a while after nobody waits for it any more")]
        let heard = tokio::spawn(heard).await;
        drop(waits);
        match heard.map_err(JoinError::try_into_panic) {
            Ok(Some(opened)) => opened,
            Err(Ok(panic)) => std::panic::resume_unwind(panic),
            // Only the end of the program breaks it off while somebody waits.
            Ok(None) | Err(Err(_)) => std::future::pending().await,
        }
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

async fn a_while_after(forsaken: oneshot::Receiver<()>) {
    forsaken.await.ok();
    tokio::time::sleep(HEARD_OUT).await;
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
