//! Getting a token: reads the secret that it takes, asks the provider, and keeps what replaces it before anything is done
//! with the token. Waits for whoever keeps secrets, and for the provider.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::answers::{Asker, Refused};
use super::flow::{self, Granted, Request};
use super::http::Http;
use super::keys::AppSecret;
use super::tokens::Grantor;
use super::{Result, keys};
use crate::domain::clock::Clock;
use crate::domain::failure::{Cause, Failure, Retry, Scope};
use crate::domain::secret::Secret;
use crate::domain::sign_in::SignIn;
use crate::domain::token_claims::{Purpose, TokenClaims};

/// Before what looks like the end of a sign-in is asked once more.
const ONCE_MORE: Duration = Duration::from_secs(1);

/// Keeps secrets for one sign-in.
#[async_trait]
pub trait Keeper: Send + Sync {
    /// The project's own, if it has one.
    async fn secret(&self) -> Result<Option<Secret>>;
    /// Waits until nobody else renews this sign-in, in this process or another: a provider takes a refresh token once. The
    /// turn ends when what is answered is dropped.
    async fn turn(&self) -> Result<Box<dyn Any + Send>>;
    /// What a person's sign-in left.
    async fn kept(&self) -> Result<Secret>;
    /// Keeps this in its place, and has read it back when it returns.
    async fn keep(&self, kept: Secret) -> Result<()>;
}

/// What a person's sign-in leaves: a refresh token, and where alone it may be sent.
#[derive(Serialize, Deserialize)]
pub struct Kept {
    mailferry_sign_in: u32,
    client_id: String,
    token_url: String,
    refresh_token: Zeroizing<String>,
}

impl Kept {
    /// As it is kept.
    pub fn write(sign_in: &SignIn, refresh_token: &Secret) -> Secret {
        let kept = Self {
            mailferry_sign_in: 1,
            client_id: sign_in.client_id.clone(),
            token_url: sign_in.token_url(),
            refresh_token: Zeroizing::new(refresh_token.expose().to_owned()),
        };
        // Texts and a number can always be written.
        Secret::new(serde_json::to_string(&kept).unwrap_or_default())
    }

    /// The refresh token, if it was kept for this sign-in: it is shown to nobody else.
    pub fn read(sign_in: &SignIn, kept: &Secret) -> Option<Secret> {
        let kept: Self = serde_json::from_str(kept.expose()).ok()?;
        let same = kept.client_id == sign_in.client_id && kept.token_url == sign_in.token_url();
        same.then(|| Secret::new(kept.refresh_token.as_str()))
    }

    /// Whether a secret is one of these, and no password.
    pub fn is_one(secret: &Secret) -> bool {
        serde_json::from_str::<Self>(secret.expose()).is_ok()
    }
}

/// Gets tokens for one sign-in.
pub struct Provider {
    /// How.
    pub sign_in: SignIn,
    /// What for.
    pub purpose: Purpose,
    /// Whose mailbox, where a token is for one.
    pub user: String,
    /// What it takes.
    pub keeper: Arc<dyn Keeper>,
    /// Dates signatures.
    pub clock: Arc<dyn Clock>,
    /// Speaks to the provider.
    pub http: Http,
}

#[async_trait]
impl Grantor for Provider {
    async fn grant(&self) -> Result<Granted> {
        let secret = self.keeper.secret().await?;
        if self.sign_in.kind.is_app() { self.for_app(secret).await } else { self.for_person(secret).await }
    }
}

impl Provider {
    async fn for_app(&self, secret: Option<Secret>) -> Result<Granted> {
        let secret = secret.ok_or_else(|| missing("the secret to sign in with is not stored"))?;
        let secret = AppSecret::read(self.sign_in.kind, &secret).map_err(|problem| unusable(&problem))?;
        let asker = match &secret {
            AppSecret::Client(_) => Asker::App,
            AppSecret::Certificate(..) => Asker::SigningApp,
            AppSecret::Service(_) => Asker::Service,
        };
        let request = flow::application(&self.sign_in, &secret, &self.user, self.clock.now())?;
        let granted = self.ask(&request).await?.map_err(|refused| refused.failure(asker, self.clock.now()))?;
        self.fitting(granted, Scope::Endpoint)
    }

    /// Refuses a token that is seen to open nothing; what cannot be read is left to the server.
    fn fitting(&self, granted: Granted, scope: Scope) -> Result<Granted> {
        match TokenClaims::read(&granted.access).and_then(|claims| claims.unfit(&self.sign_in, self.purpose)) {
            None => Ok(granted),
            Some(why) => Err(Failure::new(Cause::TokenUnfit, scope, Retry::User, "looking at the token").saying(why)),
        }
    }

    async fn for_person(&self, secret: Option<Secret>) -> Result<Granted> {
        let _turn = self.keeper.turn().await?;
        let kept = self.keeper.kept().await?;
        let token = Kept::read(&self.sign_in, &kept).ok_or_else(|| {
            let failure = Failure::new(Cause::SignInEnded, Scope::Mailbox, Retry::User, "asking for a token");
            failure.saying("what is stored is not of this sign-in")
        })?;
        let request = flow::refresh(&self.sign_in, secret.as_ref(), &token);
        let mut granted = self.ask(&request).await?;
        if granted.as_ref().is_err_and(|refused| refused.may_pass()) {
            tokio::time::sleep(ONCE_MORE).await;
            granted = self.ask(&request).await?;
        }
        let granted = granted.map_err(|refused| refused.failure(Asker::Person, self.clock.now()))?;
        if let Some(new) = granted.refresh.as_ref().filter(|new| **new != token) {
            self.keeper.keep(Kept::write(&self.sign_in, new)).await?;
        }
        self.fitting(granted, Scope::Mailbox)
    }

    async fn ask(&self, request: &Request) -> Result<std::result::Result<Granted, Box<Refused>>> {
        let answered = self.http.post(request).await?;
        Ok(flow::granted(&answered).map_err(|refused| refused.scrubbed(request)))
    }
}

fn missing(text: &str) -> Failure {
    Failure::new(Cause::CredentialMissing, Scope::Mailbox, Retry::User, "reading the sign-in's secret").saying(text)
}

fn unusable(problem: &keys::KeyProblem) -> Failure {
    let failure = Failure::new(Cause::SignInRefused, Scope::Endpoint, Retry::User, "reading the sign-in's secret");
    failure.saying(problem.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::sign_in::SignInKind;

    #[test]
    fn a_refresh_token_is_shown_to_nobody_but_its_own_provider() {
        let own = SignIn { client_id: "c".into(), tenant: "t".into(), ..SignIn::of(SignInKind::Microsoft) };
        let kept = Kept::write(&own, &Secret::new("r\"1"));
        assert_eq!(Kept::read(&own, &kept), Some(Secret::new("r\"1")));
        for other in [
            SignIn { client_id: "d".into(), ..own.clone() },
            SignIn { tenant: "u".into(), ..own.clone() },
            SignIn { token_url: "https://evil.example/token".into(), ..own.clone() },
        ] {
            assert_eq!(Kept::read(&other, &kept), None);
        }
        assert!(Kept::is_one(&kept));
        for password in ["hunter2", "{}", "\"x\""] {
            assert!(!Kept::is_one(&Secret::new(password)) && Kept::read(&own, &Secret::new(password)).is_none());
        }
    }
}
