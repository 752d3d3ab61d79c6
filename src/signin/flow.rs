//! What is asked of a provider, and what its answers say. Pure.

use std::time::Duration;

use serde::Deserialize;
use zeroize::Zeroizing;

use super::answers::Refused;
use super::keys::AppSecret;
use super::{Result, assertion, base64url, random};
use crate::domain::secret::Secret;
use crate::domain::sign_in::SignIn;
use crate::domain::time::Timestamp;

/// How long a token is taken to live whose provider does not say.
const USUAL: Duration = Duration::from_secs(3600);
/// Between two questions whether a code was typed, where the provider does not say.
const INTERVAL: u64 = 5;

/// A form to be posted.
pub struct Request {
    /// Where to.
    pub url: String,
    /// Names and values.
    pub fields: Vec<(&'static str, Secret)>,
}

/// Values are secrets, or may be.
impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Request {
    fn new(url: String, fields: &[(&'static str, &str)]) -> Self {
        let kept = |(name, value): &(&'static str, &str)| (*name, Secret::new(*value));
        Self { url, fields: fields.iter().filter(|(_, value)| !value.is_empty()).map(kept).collect() }
    }

    fn with(mut self, name: &'static str, value: Option<&Secret>) -> Self {
        self.fields.extend(value.map(|value| (name, value.clone())));
        self
    }

    /// As it goes out: `application/x-www-form-urlencoded`.
    pub fn body(&self) -> Zeroizing<String> {
        let mut body = Zeroizing::new(String::new());
        for (name, value) in &self.fields {
            if !body.is_empty() {
                body.push('&');
            }
            body.push_str(name);
            body.push('=');
            push_encoded(&mut body, value.expose());
        }
        body
    }
}

/// Percent-encodes all but the unreserved characters of RFC 3986.
fn push_encoded(to: &mut String, text: &str) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => to.push(char::from(byte)),
            other => to.push_str(&format!("%{other:02X}")),
        }
    }
}

/// What a provider answered.
#[derive(Default)]
pub struct Answered {
    /// The HTTP status.
    pub status: u16,
    /// The pause it named.
    pub retry_after: Option<Duration>,
    /// The time by its clock.
    pub date: Option<Timestamp>,
    /// The rest, bounded.
    pub body: Zeroizing<Vec<u8>>,
}

/// What was granted.
pub struct Granted {
    /// Opens mailboxes.
    pub access: Secret,
    /// How long.
    pub lives: Duration,
    /// Gets the next one.
    pub refresh: Option<Secret>,
}

/// An application asks for itself, or for one mailbox.
pub fn application(sign_in: &SignIn, secret: &AppSecret, user: &str, now: Timestamp) -> Result<Request> {
    let (url, scope) = (sign_in.token_url(), sign_in.scope());
    let by_client =
        [("grant_type", "client_credentials"), ("client_id", sign_in.client_id.as_str()), ("scope", scope.as_str())];
    match secret {
        AppSecret::Client(secret) => Ok(Request::new(url, &by_client).with("client_secret", Some(secret))),
        AppSecret::Certificate(certificate, pair) => {
            let assertion = assertion::by_certificate(&sign_in.client_id, &url, (certificate, pair), now)?;
            let kind = Secret::new("urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
            let request = Request::new(url, &by_client).with("client_assertion_type", Some(&kind));
            Ok(request.with("client_assertion", Some(&assertion)))
        }
        AppSecret::Service(key) => {
            let assertion = assertion::by_service(key, user, &scope, &url, now)?;
            let grant = [("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer")];
            Ok(Request::new(url, &grant).with("assertion", Some(&assertion)))
        }
    }
}

/// The next token of a person. The scope is repeated, as Microsoft asks for; a public client sends no secret.
pub fn refresh(sign_in: &SignIn, secret: Option<&Secret>, token: &Secret) -> Request {
    let scope = if sign_in.is_google() { String::new() } else { sign_in.scope() };
    let fields =
        [("grant_type", "refresh_token"), ("client_id", sign_in.client_id.as_str()), ("scope", scope.as_str())];
    Request::new(sign_in.token_url(), &fields).with("refresh_token", Some(token)).with("client_secret", secret)
}

/// A person's way through the browser: what only this program knows of it.
pub struct CodeFlow {
    state: String,
    verifier: Secret,
    redirect: String,
}

impl CodeFlow {
    /// A new one that comes back to this address.
    pub fn new(redirect: String) -> Result<Self> {
        Ok(Self { state: random()?, verifier: Secret::new(random()?), redirect })
    }

    /// What comes back with the answer that is meant.
    pub fn state(&self) -> &str {
        &self.state
    }

    /// The page to open.
    pub fn page(&self, sign_in: &SignIn, hint: &str) -> String {
        let challenge =
            base64url(ring::digest::digest(&ring::digest::SHA256, self.verifier.expose().as_bytes()).as_ref());
        let scope = sign_in.scope();
        let mut fields = vec![
            ("response_type", "code"),
            ("client_id", sign_in.client_id.as_str()),
            ("redirect_uri", self.redirect.as_str()),
            ("scope", scope.as_str()),
            ("state", self.state.as_str()),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
            ("login_hint", hint),
        ];
        if sign_in.is_google() {
            // Only with these a refresh token comes.
            fields.extend([("access_type", "offline"), ("prompt", "consent")]);
        } else if scope.split(' ').any(|one| one == "offline_access") {
            fields.push(("prompt", "consent"));
        }
        let page = sign_in.authorize_url();
        let joint = if page.contains('?') { '&' } else { '?' };
        format!("{page}{joint}{}", Request::new(String::new(), &fields).body().as_str())
    }

    /// Redeems the code that came back.
    pub fn redeem(&self, sign_in: &SignIn, secret: Option<&Secret>, code: &Secret) -> Request {
        let fields = [
            ("grant_type", "authorization_code"),
            ("client_id", sign_in.client_id.as_str()),
            ("redirect_uri", self.redirect.as_str()),
        ];
        let request = Request::new(sign_in.token_url(), &fields).with("code", Some(code));
        request.with("code_verifier", Some(&self.verifier)).with("client_secret", secret)
    }
}

/// Asks for a code that a person types elsewhere.
pub fn device(sign_in: &SignIn, url: String) -> Request {
    let scope = sign_in.scope();
    Request::new(url, &[("client_id", sign_in.client_id.as_str()), ("scope", scope.as_str())])
}

/// Asks whether it was typed.
pub fn device_token(sign_in: &SignIn, secret: Option<&Secret>, code: &Secret) -> Request {
    let grant = "urn:ietf:params:oauth:grant-type:device_code";
    let request =
        Request::new(sign_in.token_url(), &[("grant_type", grant), ("client_id", sign_in.client_id.as_str())]);
    request.with("device_code", Some(code)).with("client_secret", secret)
}

/// A code that a person types elsewhere.
pub struct DeviceCode {
    /// What this program asks with.
    pub code: Secret,
    /// What the person types.
    pub user_code: String,
    /// Where.
    pub page: String,
    /// For how long.
    pub lives: Duration,
    /// Between two questions.
    pub interval: Duration,
}

#[derive(Deserialize)]
struct TokenBody {
    access_token: Zeroizing<String>,
    refresh_token: Option<Zeroizing<String>>,
    expires_in: Option<Seconds>,
}

/// Some providers write numbers as text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Seconds {
    Number(f64),
    Text(String),
}

impl Seconds {
    fn duration(&self) -> Option<Duration> {
        let seconds = match self {
            Self::Number(number) => *number,
            Self::Text(text) => text.parse().ok()?,
        };
        Duration::try_from_secs_f64(seconds).ok()
    }
}

/// Reads an answer to a request for a token.
///
/// # Errors
/// It is none.
pub fn granted(answered: &Answered) -> std::result::Result<Granted, Box<Refused>> {
    let Ok(body) = read::<TokenBody>(answered) else { return Err(Refused::read(answered)) };
    let usable = !body.access_token.is_empty() && body.access_token.bytes().all(|byte| byte.is_ascii_graphic());
    if !usable {
        return Err(Refused::read(answered));
    }
    let secret = |text: &Zeroizing<String>| Secret::new(text.as_str());
    let lives = body.expires_in.as_ref().map_or(Some(USUAL), Seconds::duration).unwrap_or_default();
    let refresh = body.refresh_token.as_ref().filter(|token| !token.is_empty()).map(secret);
    Ok(Granted { access: secret(&body.access_token), lives, refresh })
}

#[derive(Deserialize)]
struct DeviceBody {
    device_code: Zeroizing<String>,
    user_code: String,
    #[serde(alias = "verification_url")]
    verification_uri: String,
    expires_in: Option<Seconds>,
    interval: Option<Seconds>,
}

/// Reads an answer to a request for a code that is typed elsewhere.
///
/// # Errors
/// It is none.
pub fn device_code(answered: &Answered) -> std::result::Result<DeviceCode, Box<Refused>> {
    let Ok(body) = read::<DeviceBody>(answered) else { return Err(Refused::read(answered)) };
    let clean = |text: &str| text.chars().filter(|c| !c.is_control()).take(300).collect::<String>();
    let interval = body.interval.as_ref().and_then(Seconds::duration);
    Ok(DeviceCode {
        code: Secret::new(body.device_code.as_str()),
        user_code: clean(&body.user_code),
        page: clean(&body.verification_uri),
        lives: body.expires_in.as_ref().and_then(Seconds::duration).unwrap_or(Duration::from_secs(900)),
        interval: interval.unwrap_or(Duration::from_secs(INTERVAL)).max(Duration::from_secs(1)),
    })
}

fn read<'a, T: Deserialize<'a>>(answered: &'a Answered) -> std::result::Result<T, ()> {
    if answered.status != 200 {
        return Err(());
    }
    serde_json::from_slice(&answered.body).map_err(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::sign_in::SignInKind;

    fn answered(status: u16, body: &str) -> Answered {
        Answered { status, body: Zeroizing::new(body.as_bytes().to_vec()), ..Answered::default() }
    }

    fn microsoft() -> SignIn {
        SignIn { client_id: "c".into(), tenant: "t".into(), ..SignIn::of(SignInKind::Microsoft) }
    }

    #[test]
    fn forms_are_encoded_and_leave_out_what_is_empty() {
        let request = Request::new("u".into(), &[("a", "x y&ü="), ("b", ""), ("c", "-._~")]);
        assert_eq!(request.body().as_str(), "a=x%20y%26%C3%BC%3D&c=-._~");
        assert!(!format!("{request:?}").contains("x y"));
    }

    #[test]
    fn a_public_client_sends_no_secret_and_repeats_the_scope() {
        let body = refresh(&microsoft(), None, &Secret::new("r1")).body().to_string();
        assert!(
            body.contains("scope=https%3A%2F%2Foutlook.office.com%2FIMAP.AccessAsUser.All%20offline_access"),
            "{body}"
        );
        assert!(body.contains("refresh_token=r1") && !body.contains("client_secret"), "{body}");
        let google = SignIn { client_id: "c".into(), ..SignIn::of(SignInKind::Google) };
        let body = refresh(&google, Some(&Secret::new("s")), &Secret::new("r1")).body().to_string();
        assert!(body.ends_with("client_secret=s") && !body.contains("scope"), "{body}");
    }

    #[test]
    fn the_page_carries_the_challenge_and_the_redemption_its_verifier() {
        let flow = CodeFlow::new("http://127.0.0.1:7/".into()).unwrap();
        let page = flow.page(&microsoft(), "anna@x");
        let verifier = flow.verifier.expose();
        let challenge = base64url(ring::digest::digest(&ring::digest::SHA256, verifier.as_bytes()).as_ref());
        assert!(
            page.starts_with("https://login.microsoftonline.com/t/oauth2/v2.0/authorize?response_type=code&"),
            "{page}"
        );
        assert!(page.contains(&format!("code_challenge={challenge}&code_challenge_method=S256")), "{page}");
        assert!(page.contains(&format!("state={}", flow.state())) && page.contains("login_hint=anna%40x"));
        assert!(!page.contains(verifier));
        let body = flow.redeem(&microsoft(), None, &Secret::new("c0de")).body().to_string();
        assert!(
            body.contains(&format!("code=c0de&code_verifier={verifier}")) && body.contains("127.0.0.1%3A7"),
            "{body}"
        );
        let google = SignIn { client_id: "c".into(), ..SignIn::of(SignInKind::Google) };
        assert!(flow.page(&google, "").ends_with("&access_type=offline&prompt=consent"));
        assert_ne!(CodeFlow::new(String::new()).unwrap().state(), flow.state());
    }

    #[test]
    fn tokens_are_read_with_their_life() {
        let lives = |body: &str| granted(&answered(200, body)).map(|granted| granted.lives.as_millis()).ok();
        assert_eq!(lives(r#"{"access_token":"a","expires_in":3599}"#), Some(3_599_000));
        assert_eq!(lives(r#"{"access_token":"a","expires_in":"3"}"#), Some(3_000));
        assert_eq!(lives(r#"{"access_token":"a"}"#), Some(3_600_000));
        assert_eq!(lives(r#"{"access_token":"a","expires_in":-1}"#), Some(0));
        for odd in
            [r#"{"access_token":""}"#, r#"{"access_token":"a b"}"#, "{}", "<html>", r#"{"access_token":"a\r\nb"}"#]
        {
            assert_eq!(lives(odd), None, "{odd}");
        }
        assert!(granted(&answered(400, r#"{"access_token":"a"}"#)).is_err());
        let whole = granted(&answered(200, r#"{"access_token":"a","refresh_token":"r"}"#)).ok().unwrap();
        assert_eq!(whole.refresh, Some(Secret::new("r")));
    }

    #[test]
    fn codes_are_read_with_their_pace() {
        let body =
            r#"{"device_code":"d","user_code":"ABCD-EFGH","verification_uri":"https://x/device","expires_in":900}"#;
        let code = device_code(&answered(200, body)).ok().unwrap();
        assert_eq!((code.interval.as_secs(), code.lives.as_secs(), code.user_code.as_str()), (5, 900, "ABCD-EFGH"));
        assert!(device_code(&answered(200, "{}")).is_err());
    }
}
