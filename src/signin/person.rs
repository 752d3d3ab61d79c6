//! A person signs in: in the browser of this machine, or with a code at another device. What is left of it, a refresh token,
//! is handed to the caller to be kept; nothing is kept here.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout};

use super::Result;
use super::answers::{Asker, Refused, Waiting};
use super::came_back::{CameBack, Expected};
use super::flow::{self, CodeFlow, DeviceCode, Granted, Request};
use super::grants::Kept;
use super::http::Http;
use super::loopback::Loopback;
use crate::domain::clock::Clock;
use crate::domain::failure::{Cause, Failure, Retry, Scope};
use crate::domain::secret::Secret;
use crate::domain::sign_in::{SignIn, SignInKind};

/// How long a person may take in the browser.
const PATIENCE: Duration = Duration::from_secs(5 * 60);
/// What is added to the pause of who asked too often (RFC 8628 §3.5).
const SLOWER: Duration = Duration::from_secs(5);

/// How long an owner may take in theirs.
const ELSEWHERE: Duration = Duration::from_secs(15 * 60);

const DOING: &str = "signing in";

/// A sign-in by a person.
pub struct Person {
    /// How.
    pub sign_in: SignIn,
    /// The client's secret, if it is not a public one.
    pub secret: Option<Secret>,
    /// Speaks to the provider.
    pub http: Http,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
}

impl Person {
    /// By the browser: `show` gets the page to open, `hint` says who is to sign in. Answers what is to be kept.
    ///
    /// # Errors
    /// Nobody signed in.
    pub async fn by_browser(&self, hint: &str, show: impl FnOnce(&str)) -> Result<Secret> {
        let loopback = Loopback::bind().await?;
        let flow = CodeFlow::new(self.redirect(loopback.port()))?;
        show(&flow.page(&self.sign_in, hint));
        let Ok(came) = timeout(PATIENCE, loopback.answer(flow.state(), &self.sign_in.authorize_url())).await else {
            return Err(over("nobody signed in within 5 minutes"));
        };
        self.redeemed(&flow, came).await
    }

    /// By a browser elsewhere, which the provider sends back to `redirect`: `show` gets the page to open, with the state that
    /// it comes back with; `came` is the query that it came back with.
    ///
    /// # Errors
    /// Nobody signed in.
    pub async fn by_return(
        &self,
        (redirect, hint): (String, &str),
        show: impl FnOnce(&str, &str),
        came: oneshot::Receiver<String>,
    ) -> Result<Secret> {
        let flow = CodeFlow::new(redirect)?;
        let expected = Expected::new(flow.state(), &self.sign_in.authorize_url());
        show(&flow.page(&self.sign_in, hint), flow.state());
        let Ok(Ok(query)) = timeout(ELSEWHERE, came).await else {
            return Err(over("nobody came back from the provider's page within 15 minutes"));
        };
        let came = expected.read(&query).ok_or_else(|| over("the provider sent back neither a code nor a refusal"))?;
        self.redeemed(&flow, came).await
    }

    async fn redeemed(&self, flow: &CodeFlow, came: CameBack) -> Result<Secret> {
        let code = came.map_err(|refused| self.failure(&refused))?;
        let request = flow.redeem(&self.sign_in, self.secret.as_ref(), &code);
        let granted = self.ask(&request).await?.map_err(|refused| self.failure(&refused))?;
        self.kept(&granted)
    }

    /// Entra takes any port for the registered `http://localhost`, others for an address without a name.
    fn redirect(&self, port: u16) -> String {
        match self.sign_in.kind {
            SignInKind::Microsoft => format!("http://localhost:{port}"),
            _ => format!("http://127.0.0.1:{port}/"),
        }
    }

    /// By a code that is typed elsewhere: `show` gets it. Answers what is to be kept.
    ///
    /// # Errors
    /// Nobody signed in, or the provider has no such codes.
    pub async fn by_device(&self, show: impl FnOnce(&DeviceCode)) -> Result<Secret> {
        let url = self.sign_in.device_url().ok_or_else(|| over("this provider has no codes for other devices"))?;
        let request = flow::device(&self.sign_in, url);
        let answered = self.http.post(&request).await?;
        let code = flow::device_code(&answered).map_err(|refused| self.failure(&refused.scrubbed(&request)))?;
        show(&code);
        let granted = self.poll(&code).await?;
        self.kept(&granted)
    }

    async fn poll(&self, code: &DeviceCode) -> Result<Granted> {
        let request = flow::device_token(&self.sign_in, self.secret.as_ref(), &code.code);
        let ends = Instant::now() + code.lives;
        let mut pause = code.interval;
        while Instant::now() + pause < ends {
            sleep(pause).await;
            match self.ask(&request).await {
                Ok(Ok(granted)) => return Ok(granted),
                Ok(Err(refused)) => match refused.waiting() {
                    Waiting::GoesOn => {}
                    Waiting::Slower => pause += SLOWER,
                    Waiting::Over => return Err(self.failure(&refused)),
                },
                // Lost on the way: it is asked again, more slowly.
                Err(failure) if matches!(failure.retry, Retry::Backoff | Retry::After(_)) => {
                    pause = (pause * 2).min(code.lives)
                }
                Err(failure) => return Err(failure),
            }
        }
        Err(over("the code was not typed in time; ask for a new one"))
    }

    async fn ask(&self, request: &Request) -> Result<std::result::Result<Granted, Box<Refused>>> {
        let answered = self.http.post(request).await?;
        Ok(flow::granted(&answered).map_err(|refused| refused.scrubbed(request)))
    }

    fn failure(&self, refused: &Refused) -> Failure {
        Failure { doing: DOING.into(), ..refused.failure(Asker::Person, self.clock.now()) }
    }

    fn kept(&self, granted: &Granted) -> Result<Secret> {
        match &granted.refresh {
            Some(token) => Ok(Kept::write(&self.sign_in, token)),
            None => Err(over(
                "the provider granted access for a moment only: its registration must allow refresh tokens (offline access)",
            )),
        }
    }
}

fn over(text: &str) -> Failure {
    Failure::new(Cause::SignInEnded, Scope::Mailbox, Retry::User, DOING).saying(text)
}
