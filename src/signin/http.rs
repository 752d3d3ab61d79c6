//! The one file that knows HTTP: posts a form and brings back the answer. TLS is rustls on ring, as for mail, and trusts what
//! the system trusts; redirects are not followed; an answer is bounded; every wait has an end. Without protection it speaks
//! to this machine only.

use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE, DATE, HeaderMap, RETRY_AFTER};
use reqwest::{Response, Url};
use zeroize::Zeroizing;

use super::Result;
use super::answers::PAUSE;
use super::flow::{Answered, Request};
use crate::domain::failure::{Cause, Failure, Retry, Scope};
use crate::domain::time::Timestamp;
use crate::https;

/// For the whole answer.
const WHOLE: Duration = Duration::from_secs(60);
/// Longest answer.
const LARGEST: usize = 1024 * 1024;
/// What a provider may ask to wait, at most.
const LONGEST_PAUSE: u64 = 3600;

const DOING: &str = "asking the sign-in service";

/// Posts forms. Cheap to clone.
#[derive(Clone, Copy, Debug)]
pub struct Http {
    /// How long a whole answer may take.
    pub patience: Duration,
}

impl Default for Http {
    fn default() -> Self {
        Self { patience: WHOLE }
    }
}

impl Http {
    /// Posts a form.
    ///
    /// # Errors
    /// No answer came.
    pub async fn post(self, request: &Request) -> Result<Answered> {
        let url = Url::parse(&request.url).map_err(|error| refused(&error.to_string()))?;
        let near = https::is_this_machine(&url);
        if url.scheme() != "https" && !near {
            return Err(refused("secrets are sent over protected connections only"));
        }
        let place = place(&url);
        tracing::debug!(%place, "asking for a token");
        let sent = https::client(near)
            .map_err(|text| refused(&text))?
            .post(url)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(ACCEPT, "application/json")
            .timeout(self.patience)
            .body(request.body().as_str().to_owned());
        let response = sent.send().await.map_err(|error| lost(&error, &place))?;
        read(response, &place).await
    }
}

async fn read(mut response: Response, place: &str) -> Result<Answered> {
    let mut answered = Answered {
        status: response.status().as_u16(),
        retry_after: retry_after(response.headers()),
        date: date(response.headers()),
        body: Zeroizing::default(),
    };
    while let Some(piece) = response.chunk().await.map_err(|error| lost(&error, place))? {
        if answered.body.len() + piece.len() > LARGEST {
            let failure = Failure::new(Cause::SignInBusy, Scope::Endpoint, Retry::After(PAUSE), DOING);
            return Err(failure.saying("the answer has no end"));
        }
        answered.body.extend_from_slice(&piece);
    }
    tracing::debug!(place, status = answered.status, "answered");
    Ok(answered)
}

fn place(url: &Url) -> String {
    format!("{}:{}", url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or_default())
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds: u64 = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds.min(LONGEST_PAUSE)))
}

fn date(headers: &HeaderMap) -> Option<Timestamp> {
    let date = jiff::fmt::rfc2822::parse(headers.get(DATE)?.to_str().ok()?).ok()?;
    Some(Timestamp::from_millis(date.timestamp().as_millisecond()))
}

fn refused(text: &str) -> Failure {
    Failure::new(Cause::SignInRefused, Scope::Endpoint, Retry::User, DOING).saying(text)
}

/// No answer: the words of the innermost error, which know no address and no form.
fn lost(error: &reqwest::Error, place: &str) -> Failure {
    let mut inner: &dyn std::error::Error = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    let (cause, retry) = match error.is_connect() || error.is_timeout() {
        true => (Cause::Unreachable, Retry::Backoff),
        false => (Cause::SignInBusy, Retry::After(PAUSE)),
    };
    let text = if error.is_timeout() { "no answer in time".to_owned() } else { inner.to_string() };
    Failure::new(cause, Scope::Endpoint, retry, DOING).saying(format!("{place}: {text}")).about(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_secret_is_sent_to_nobody_without_protection() {
        let request = Request { url: "http://login.example/token".into(), fields: Vec::new() };
        let failure = Http::default().post(&request).await.err().expect("not sent");
        assert_eq!((failure.cause, failure.retry), (Cause::SignInRefused, Retry::User));
    }

    #[tokio::test]
    async fn a_provider_that_is_slow_is_an_outage() {
        let mute = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let place = format!("127.0.0.1:{}", mute.local_addr().unwrap().port());
        let request = Request { url: format!("http://{place}/token"), fields: Vec::new() };
        let hasty = Http { patience: Duration::from_millis(200) };
        let failure = hasty.post(&request).await.err().expect("no answer");
        assert_eq!((failure.cause, failure.retry), (Cause::Unreachable, Retry::Backoff));
        assert_eq!(failure.server_text, Some(format!("{place}: no answer in time")));
    }

    #[test]
    fn pauses_and_times_are_read_from_headers() {
        let headers: HeaderMap =
            [(RETRY_AFTER, "7".parse().unwrap()), (DATE, "Sun, 06 Nov 1994 08:49:37 GMT".parse().unwrap())]
                .into_iter()
                .collect();
        assert_eq!(retry_after(&headers), Some(Duration::from_secs(7)));
        assert_eq!(date(&headers), Some(Timestamp::from_millis(784_111_777_000)));
        assert_eq!((retry_after(&HeaderMap::new()), date(&HeaderMap::new())), (None, None));
    }
}
