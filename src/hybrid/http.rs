//! The one file of this room that knows HTTP: sends JSON with a token and brings back the answer. TLS is rustls on ring and
//! trusts what the system trusts; redirects are not followed; answers are bounded; every wait has an end. Without protection it
//! speaks to this machine only.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{Method, Url};
use serde_json::Value;

use super::reading::clean;
use super::record::Recorder;
use super::{RemoteError, Result, TokenSource};
use crate::domain::secret::Secret;
use crate::https;

/// Largest answer: a report is several megabytes.
const LARGEST: usize = 32 * 1024 * 1024;
/// What a service may ask to wait, at most.
const LONGEST_PAUSE: u64 = 6 * 3600;

/// Pages of one answer, at most.
const PAGES: usize = 1000;

/// A question or an order.
pub(super) struct Call<'a> {
    /// How.
    pub method: Method,
    /// Where.
    pub url: &'a str,
    /// More headers.
    pub headers: &'a [(&'static str, String)],
    /// What.
    pub body: Option<&'a Value>,
    /// How long the whole answer may take.
    pub patience: Duration,
}

/// An answer.
pub(super) struct Answer {
    /// HTTP's status.
    pub status: u16,
    /// How long the service asks to wait.
    pub pause: Option<Duration>,
    /// What it says; null where that is no JSON.
    pub body: Value,
}

/// Speaks to one service.
#[derive(Clone)]
pub struct Speaker {
    tokens: Arc<dyn TokenSource>,
    recorder: Option<Arc<Recorder>>,
}

impl Speaker {
    /// With these tokens; what is said is written down by a recorder, if there is one.
    pub fn new(tokens: Arc<dyn TokenSource>, recorder: Option<Arc<Recorder>>) -> Self {
        Self { tokens, recorder }
    }

    /// Makes a call. A token that is not taken is replaced once.
    ///
    /// # Errors
    /// No answer came, or the service takes no token.
    pub(super) async fn call(&self, call: &Call<'_>) -> Result<Answer> {
        let mut token = self.tokens.token().await?;
        let mut answer = self.once(call, &token).await?;
        if answer.status == 401 {
            self.tokens.refused(&token);
            token = self.tokens.token().await?;
            answer = self.once(call, &token).await?;
        }
        match answer.status {
            401 => Err(RemoteError::Denied("the service does not take the application's token".into())),
            429 => Err(RemoteError::Busy { pause: answer.pause, text: told(&answer.body) }),
            _ => Ok(answer),
        }
    }

    async fn once(&self, call: &Call<'_>, token: &Secret) -> Result<Answer> {
        let url = Url::parse(call.url).map_err(|error| refused(&error.to_string()))?;
        let near = https::is_this_machine(&url);
        if url.scheme() != "https" && !near {
            return Err(refused("tokens are sent over protected connections only"));
        }
        let mut request = https::client(near)
            .map_err(|text| refused(&text))?
            .request(call.method.clone(), url)
            .header(ACCEPT, "application/json")
            .header(AUTHORIZATION, format!("Bearer {}", token.expose()))
            .timeout(call.patience);
        for (name, value) in call.headers {
            request = request.header(*name, value);
        }
        if let Some(body) = call.body {
            request = request.header(CONTENT_TYPE, "application/json").body(body.to_string());
        }
        let mut response = request.send().await.map_err(|error| lost(&error))?;
        let (status, pause) = (response.status().as_u16(), pause(response.headers()));
        let mut bytes = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(|error| lost(&error))? {
            if bytes.len() + piece.len() > LARGEST {
                return Err(RemoteError::Unsure("the answer has no end".into()));
            }
            bytes.extend_from_slice(&piece);
        }
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        if let Some(recorder) = &self.recorder {
            recorder.note(call.method.as_str(), call.url, call.body, (status, &body));
        }
        Ok(Answer { status, pause, body })
    }
}

/// The rows of an answer that comes in pages.
pub(super) struct Pages {
    first: String,
    next: Option<String>,
    left: usize,
    rows: Vec<Value>,
}

impl Pages {
    /// From this address on.
    pub fn from(first: String) -> Self {
        Self { next: Some(first.clone()), first, left: PAGES, rows: Vec::new() }
    }

    /// Where the next page is; none: that was all.
    pub fn next(&mut self) -> Option<String> {
        self.next.take()
    }

    /// Takes in a page.
    ///
    /// # Errors
    /// The next one lies at another server, or there is no end.
    pub fn take(&mut self, answer: &Answer) -> Result<()> {
        if let Some(Value::Array(page)) = answer.body.get("value") {
            self.rows.extend(page.iter().cloned());
        }
        let Some(next) = answer.body.get("@odata.nextLink").and_then(Value::as_str) else { return Ok(()) };
        let origin = |text: &str| Url::parse(text).ok().map(|url| url.origin());
        if origin(next).is_none() || origin(next) != origin(&self.first) {
            return Err(RemoteError::Unsure("the next page lies at another server".into()));
        }
        self.left = self.left.checked_sub(1).ok_or_else(|| RemoteError::Unsure("the answer has no end".into()))?;
        self.next = Some(next.to_owned());
        Ok(())
    }

    /// All rows.
    pub fn rows(self) -> Vec<Value> {
        self.rows
    }
}

/// What a service says went wrong, in one text.
pub(super) fn told(body: &Value) -> String {
    let message = body.pointer("/error/message").and_then(Value::as_str).unwrap_or("it gives no reason");
    clean(message)
}

fn pause(headers: &HeaderMap) -> Option<Duration> {
    let seconds: u64 = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds.min(LONGEST_PAUSE)))
}

fn refused(text: &str) -> RemoteError {
    RemoteError::Refused { kind: String::new(), text: clean(text) }
}

/// No answer: the words of the innermost error, which know no address. What never reached a server was not done.
fn lost(error: &reqwest::Error) -> RemoteError {
    let mut inner: &dyn std::error::Error = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    let text = if error.is_timeout() { "no answer in time".to_owned() } else { clean(&inner.to_string()) };
    if error.is_connect() { RemoteError::Busy { pause: None, text } } else { RemoteError::Unsure(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct NoTokens;

    #[async_trait::async_trait]
    impl TokenSource for NoTokens {
        async fn token(&self) -> Result<Secret> {
            Ok(Secret::new("t0ken"))
        }
        fn refused(&self, _: &Secret) {}
    }

    #[tokio::test]
    async fn a_token_is_sent_to_nobody_without_protection_and_what_never_arrived_was_not_done() {
        let speaker = Speaker::new(Arc::new(NoTokens), None);
        let call =
            |url| Call { method: Method::POST, url, headers: &[], body: None, patience: Duration::from_secs(20) };
        let far = speaker.call(&call("http://exchange.example/")).await.err().expect("not sent");
        assert!(matches!(far, RemoteError::Refused { .. }), "{far}");
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let near = speaker.call(&call(&format!("http://127.0.0.1:{closed}/"))).await.err().expect("nobody there");
        assert!(matches!(near, RemoteError::Busy { pause: None, .. }), "{near}");
    }
}
