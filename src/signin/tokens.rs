//! One token for all who need it: asked for once, renewed once, and once refused not asked for again until a person says so.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{OwnedMutexGuard, oneshot};
use tokio::time::Instant;

use super::Result;
use super::flow::Granted;
use crate::domain::failure::{Cause, Failure, Retry, Scope};
use crate::domain::secret::Secret;

/// Tokens are renewed so long before they end, or when a fifth of their life is left.
const RENEW_BEFORE: Duration = Duration::from_secs(5 * 60);
/// Connections end so long before their token does, or when a tenth of its life is left: later than it is renewed.
const RETIRE_BEFORE: Duration = Duration::from_secs(2 * 60);
/// A token that came within this time is not replaced because a server refuses it: the mailbox is to blame, not its age.
const FRESH: Duration = Duration::from_secs(60);
/// After a provider had trouble, and the token lives on, it is asked again.
const AGAIN: Duration = Duration::from_secs(10);
/// A provider that grants no time at all is asked no more often.
const SHORTEST: Duration = Duration::from_secs(1);

/// Asks a provider.
#[async_trait]
pub trait Grantor: Send + Sync {
    /// A new token.
    async fn grant(&self) -> Result<Granted>;
}

/// A token.
#[derive(Clone, Debug)]
pub struct Token {
    /// Itself.
    pub secret: Secret,
    /// When connections that logged in with it end.
    pub retires: Instant,
    /// Whether it came a moment ago: one that is refused then is refused for good.
    pub fresh: bool,
}

struct Held {
    secret: Secret,
    since: Instant,
    renews: Instant,
    retires: Instant,
}

impl Held {
    fn token(&self, now: Instant) -> Token {
        let fresh = now < self.since + FRESH;
        Token { secret: self.secret.clone(), retires: self.retires, fresh }
    }
}

#[derive(Default)]
struct Standing {
    held: Option<Held>,
    /// What came of the last time that the provider was asked and granted nothing.
    failed: Option<(Instant, Failure)>,
}

/// The tokens of one sign-in.
pub struct Tokens {
    grantor: Arc<dyn Grantor>,
    standing: Mutex<Standing>,
    /// Held by whoever asks.
    asking: Arc<tokio::sync::Mutex<()>>,
}

impl Tokens {
    /// None yet.
    pub fn new(grantor: Arc<dyn Grantor>) -> Arc<Self> {
        Arc::new(Self { grantor, standing: Mutex::default(), asking: Arc::default() })
    }

    /// A token that lives long enough to log in with.
    ///
    /// # Errors
    /// The provider grants none; once it has refused for good, it is not asked again.
    pub async fn token(self: &Arc<Self>) -> Result<Token> {
        let since = Instant::now();
        if let Some(known) = self.known(since) {
            return known;
        }
        let turn = Arc::clone(&self.asking).lock_owned().await;
        // Somebody else may have asked while this one waited.
        match self.known(since) {
            Some(known) => known,
            None => self.ask(turn).await,
        }
    }

    /// A server did not take this token: if it came a while ago, the next one is another. Whether it will be.
    pub fn refused(&self, token: &Secret) -> bool {
        let (mut standing, now) = (self.standing(), Instant::now());
        standing.held = standing.held.take().filter(|held| held.secret != *token || held.token(now).fresh);
        standing.held.is_none()
    }

    /// Whether the provider refused for good.
    pub fn is_refused(&self) -> bool {
        self.standing().failed.as_ref().is_some_and(|(_, failure)| failure.retry == Retry::User)
    }

    fn known(&self, since: Instant) -> Option<Result<Token>> {
        let (standing, now) = (self.standing(), Instant::now());
        match (&standing.held, &standing.failed) {
            (Some(held), _) if now < held.renews.min(held.retires) => Some(Ok(held.token(now))),
            (_, Some((_, failure))) if failure.retry == Retry::User => Some(Err(held_back(failure.clone()))),
            // It answers for all who waited for it.
            (_, Some((at, failure))) if *at > since => Some(Err(failure.clone())),
            _ => None,
        }
    }

    /// Asks, and hears the answer out though nobody waits any more: what a provider replaced must be kept.
    async fn ask(self: &Arc<Self>, turn: OwnedMutexGuard<()>) -> Result<Token> {
        let (say, hear) = oneshot::channel();
        let tokens = Arc::clone(self);
        let asks = async move {
            let granted = tokens.grantor.grant().await;
            let token = tokens.take(granted);
            drop(turn);
            // Nobody waits: it is kept all the same.
            drop(say.send(token));
        };
        #[expect(
            clippy::disallowed_methods,
            reason = "it ends by itself: every question to a provider has a time-out"
        )]
        drop(tokio::spawn(asks));
        hear.await.unwrap_or_else(|_| {
            let failure = Failure::new(Cause::Internal, Scope::Mailbox, Retry::User, "asking for a token");
            Err(failure.saying("it broke off"))
        })
    }

    fn take(&self, granted: Result<Granted>) -> Result<Token> {
        let (mut standing, now) = (self.standing(), Instant::now());
        match granted {
            Ok(granted) => {
                let lives = granted.lives.max(SHORTEST);
                let before = |most: Duration, share: u32| now + (lives - most.min(lives / share));
                let (renews, retires) = (before(RENEW_BEFORE, 5), before(RETIRE_BEFORE, 10));
                let held = Held { secret: granted.access, since: now, renews, retires };
                let token = held.token(now);
                (standing.held, standing.failed) = (Some(held), None);
                Ok(token)
            }
            Err(failure) => {
                let lives = |held: &&mut Held| failure.retry != Retry::User && now < held.retires;
                if let Some(held) = standing.held.as_mut().filter(lives) {
                    // What is there will do for a while.
                    held.renews = now + AGAIN;
                    return Ok(held.token(now));
                }
                standing.failed = Some((now, failure.clone()));
                Err(failure)
            }
        }
    }

    fn standing(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What others hear of a refusal that was not theirs: they are held, not failed, if it is about all.
fn held_back(failure: Failure) -> Failure {
    match failure.cause {
        Cause::SignInRefused | Cause::ClockOff => Failure { cause: Cause::SignInHeld, ..failure },
        Cause::TokenUnfit if failure.scope == Scope::Endpoint => Failure { cause: Cause::SignInHeld, ..failure },
        _ => failure,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    /// Grants tokens that live so long, each another; refuses while it has a failure.
    #[derive(Default)]
    struct Counting {
        asked: AtomicU64,
        lives: Duration,
        fails: Mutex<Option<Failure>>,
    }

    #[async_trait]
    impl Grantor for Counting {
        async fn grant(&self) -> Result<Granted> {
            let number = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
            tokio::time::sleep(Duration::from_millis(50)).await;
            if let Some(failure) = self.fails.lock().unwrap().clone() {
                return Err(failure);
            }
            Ok(Granted { access: Secret::new(number.to_string()), lives: self.lives, refresh: None })
        }
    }

    fn tokens(lives: u64) -> (Arc<Counting>, Arc<Tokens>) {
        let grantor = Arc::new(Counting { lives: Duration::from_secs(lives), ..Counting::default() });
        (Arc::clone(&grantor), Tokens::new(grantor))
    }

    async fn all(tokens: &Arc<Tokens>, number: usize) -> Vec<Result<String>> {
        let one = |_| async { tokens.token().await.map(|token| token.secret.expose().to_owned()) };
        futures_util::future::join_all((0..number).map(one)).await
    }

    #[tokio::test(start_paused = true)]
    async fn two_hundred_at_expiry_make_one_request() {
        let (provider, tokens) = tokens(3600);
        let first = all(&tokens, 200).await;
        assert!(first.iter().all(|token| *token == Ok("1".into())));
        tokio::time::advance(Duration::from_secs(3600 - 301)).await;
        assert_eq!(all(&tokens, 1).await, [Ok("1".to_owned())]);
        tokio::time::advance(Duration::from_secs(2)).await;
        assert!(all(&tokens, 200).await.iter().all(|token| *token == Ok("2".into())));
        assert_eq!(provider.asked.load(Ordering::SeqCst), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_retires_before_its_token_ends_and_after_the_next_can_be_had() {
        for lives in [0, 1, 3, 60, 3600, 86_400] {
            let (_, tokens) = tokens(lives);
            let token = tokens.token().await.unwrap();
            let lives = lives.max(1);
            let left = Duration::from_secs(lives) - (token.retires - Instant::now());
            assert_eq!(left, Duration::from_secs(120).min(Duration::from_secs(lives) / 10), "{lives}");
            tokio::time::advance(token.retires - Instant::now()).await;
            assert_ne!(tokens.token().await.unwrap().secret, token.secret, "{lives}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_is_for_all_and_nobody_asks_again() {
        let (provider, tokens) = tokens(3600);
        let refused = Failure::new(Cause::SignInRefused, Scope::Endpoint, Retry::User, "asking");
        *provider.fails.lock().unwrap() = Some(refused);
        let causes: Vec<Cause> = all(&tokens, 200).await.into_iter().map(|token| token.unwrap_err().cause).collect();
        assert_eq!(causes.iter().filter(|cause| **cause == Cause::SignInRefused).count(), 1, "one fails");
        assert_eq!(causes.iter().filter(|cause| **cause == Cause::SignInHeld).count(), 199, "all others are held");
        assert_eq!((provider.asked.load(Ordering::SeqCst), tokens.is_refused()), (1, true));
    }

    #[tokio::test(start_paused = true)]
    async fn a_passing_trouble_answers_for_all_who_waited_and_the_next_asks_again() {
        let (provider, tokens) = tokens(3600);
        let busy = Failure::new(Cause::SignInBusy, Scope::Endpoint, Retry::Backoff, "asking");
        *provider.fails.lock().unwrap() = Some(busy);
        assert!(all(&tokens, 200).await.iter().all(Result::is_err));
        assert_eq!(provider.asked.load(Ordering::SeqCst), 1);
        *provider.fails.lock().unwrap() = None;
        assert_eq!(all(&tokens, 1).await, [Ok("2".to_owned())]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_provider_that_is_busy_when_a_token_is_renewed_breaks_nothing_while_it_lives() {
        let (provider, tokens) = tokens(3600);
        all(&tokens, 1).await;
        let busy = Failure::new(Cause::SignInBusy, Scope::Endpoint, Retry::Backoff, "asking");
        *provider.fails.lock().unwrap() = Some(busy);
        tokio::time::advance(Duration::from_secs(3600 - 299)).await;
        assert_eq!(all(&tokens, 200).await, vec![Ok("1".to_owned()); 200]);
        assert_eq!(provider.asked.load(Ordering::SeqCst), 2);
        tokio::time::advance(Duration::from_secs(299)).await;
        assert!(all(&tokens, 1).await[0].is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_that_a_server_refused_is_replaced_once_and_a_fresh_one_says_so() {
        let (provider, tokens) = tokens(3600);
        let first = tokens.token().await.unwrap();
        tokens.refused(&first.secret);
        assert_eq!(tokens.token().await.unwrap().secret, first.secret, "it came just now: the mailbox is to blame");
        tokio::time::advance(FRESH).await;
        assert!(first.fresh && !tokens.token().await.unwrap().fresh);
        tokens.refused(&first.secret);
        let second = tokens.token().await.unwrap();
        tokio::time::advance(FRESH).await;
        tokens.refused(&first.secret);
        assert_eq!(tokens.token().await.unwrap().secret, second.secret, "an old word about an old token");
        assert_eq!(provider.asked.load(Ordering::SeqCst), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_provider_grants_is_taken_though_nobody_waits_any_more() {
        let (provider, tokens) = tokens(3600);
        let mut waits = Box::pin(tokens.token());
        assert!(futures_util::poll!(waits.as_mut()).is_pending());
        drop(waits);
        assert_eq!(all(&tokens, 1).await, [Ok("1".to_owned())]);
        assert_eq!(provider.asked.load(Ordering::SeqCst), 1);
    }
}
