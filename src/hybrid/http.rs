//! The one file of this room that knows HTTP: sends JSON with a token and brings back the answer. TLS is rustls on ring and
//! trusts what the system trusts; redirects are not followed; answers are bounded; every wait has an end. Without protection it
//! speaks to this machine only.

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Method, Url};
use rustls::crypto::ring::default_provider;
use rustls_platform_verifier::Verifier;
use serde_json::Value;

use super::reading::clean;
use super::record::Recorder;
use super::{RemoteError, Result, TokenSource};
use crate::domain::secret::Secret;

/// For the connection.
const CONNECT: Duration = Duration::from_secs(20);
/// Largest answer: a report is several megabytes.
const LARGEST: usize = 32 * 1024 * 1024;
/// What a service may ask to wait, at most.
const LONGEST_PAUSE: u64 = 6 * 3600;

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
        let near = is_this_machine(&url);
        if url.scheme() != "https" && !near {
            return Err(refused("tokens are sent over protected connections only"));
        }
        let mut request = client(near)?
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

/// What a service says went wrong, in one text.
pub(super) fn told(body: &Value) -> String {
    let message = body.pointer("/error/message").and_then(Value::as_str).unwrap_or("it gives no reason");
    clean(message)
}

/// Two for all: what is on this machine is never asked for through a proxy.
fn client(near: bool) -> Result<Client> {
    static CLIENTS: [OnceLock<Client>; 2] = [OnceLock::new(), OnceLock::new()];
    let place = &CLIENTS[usize::from(near)];
    if let Some(client) = place.get() {
        return Ok(client.clone());
    }
    let made = make(near).map_err(|text| refused(&text))?;
    Ok(place.get_or_init(|| made).clone())
}

fn make(near: bool) -> std::result::Result<Client, String> {
    let provider = Arc::new(default_provider());
    let verifier = Verifier::new(Arc::clone(&provider)).map_err(|error| error.to_string())?;
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    let builder = ClientBuilder::new()
        .tls_backend_preconfigured(config)
        .redirect(Policy::none())
        .referer(false)
        .connect_timeout(CONNECT)
        // A client of another runtime that has ended must not be used again: connections are not kept.
        .pool_max_idle_per_host(0)
        .user_agent(concat!("Mailferry/", env!("CARGO_PKG_VERSION")));
    let builder = if near { builder.no_proxy() } else { builder };
    builder.build().map_err(|error| error.to_string())
}

/// Whether an address is on this machine.
pub(super) fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
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
        let call = |url| Call { method: Method::POST, url, headers: &[], body: None, patience: CONNECT };
        let far = speaker.call(&call("http://exchange.example/")).await.err().expect("not sent");
        assert!(matches!(far, RemoteError::Refused { .. }), "{far}");
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let near = speaker.call(&call(&format!("http://127.0.0.1:{closed}/"))).await.err().expect("nobody there");
        assert!(matches!(near, RemoteError::Busy { pause: None, .. }), "{near}");
    }
}
