//! Answers one request. What is sent back says nothing of links that lead nowhere, whatever the reason, and nothing is kept by
//! browsers or told to other pages.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use ring::{digest, hmac};
use tokio::time::{Instant, timeout};

use super::entry::{self, Sent, Slip};
use super::guard::Counter;
use super::page::{self, Again, POLICY};
use super::server::Protection;
use super::{Answers, Asked, AskedSide, FormOptions, Limits, NotServed, RETURN, ReachKey, Unable, Verdict};
use crate::domain::language::Language;

/// Longest body.
const LONGEST_BODY: usize = 8 * 1024;
/// Longest text that is looked at as a token.
const LONGEST_TOKEN: usize = 128;
/// How long a form can be sent after it was opened.
const FRESH: Duration = Duration::from_secs(60 * 60);

/// What answers.
pub struct Site {
    answers: Arc<dyn Answers>,
    host: Option<String>,
    protected: bool,
    proxied: bool,
    limits: Limits,
    reach: ReachKey,
    addresses: Counter<IpAddr>,
    links: Counter<[u8; 32]>,
    /// Signs forms, so that only those are taken that were opened here.
    signer: hmac::Key,
    began: Instant,
}

/// A page with its status.
type Page = (StatusCode, String);

impl Site {
    pub fn new(options: &FormOptions, answers: Arc<dyn Answers>) -> Result<Self, NotServed> {
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(|error| NotServed::Listen(error.to_string()))?;
        let proxied = matches!(options.protection, Protection::BehindProxy);
        Ok(Self {
            answers,
            host: (!proxied).then(|| options.host.clone()),
            protected: !matches!(options.protection, Protection::Loopback),
            proxied,
            limits: options.limits,
            reach: options.reach,
            addresses: Counter::new(options.limits.per_address, Duration::from_secs(60)),
            links: Counter::new(options.limits.per_link, Duration::from_secs(600)),
            signer: hmac::Key::new(hmac::HMAC_SHA256, &key),
            began: Instant::now(),
        })
    }

    /// Answers a request that came from this address.
    pub async fn answer(&self, peer: IpAddr, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let language = request.headers().get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let language = language.map(Language::accepted).unwrap_or_default();
        let (status, text) = self.page(peer, language, request).await;
        let mut response = Response::new(Full::new(Bytes::from(text)));
        *response.status_mut() = status;
        self.head(response.headers_mut());
        response
    }

    fn head(&self, headers: &mut HeaderMap) {
        let mut set = |name: &'static str, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(name, value);
            }
        };
        set("content-type", "text/html; charset=utf-8");
        set("content-security-policy", &POLICY);
        set("cache-control", "no-store");
        set("referrer-policy", "no-referrer");
        set("x-content-type-options", "nosniff");
        set("x-frame-options", "DENY");
        set("cross-origin-opener-policy", "same-origin");
        set("cross-origin-resource-policy", "same-origin");
        set("permissions-policy", "camera=(), microphone=(), geolocation=()");
        if self.protected {
            set("strict-transport-security", "max-age=31536000");
        }
    }

    async fn page(&self, peer: IpAddr, language: Language, request: Request<Incoming>) -> Page {
        let address = self.address(peer, request.headers());
        if !self.addresses.allows(&address) {
            return (StatusCode::TOO_MANY_REQUESTS, page::too_often(language));
        }
        let gone = (StatusCode::NOT_FOUND, page::gone(language));
        if !self.is_for_us(&request) {
            return gone;
        }
        let token = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
        if token.is_empty() || token.len() > LONGEST_TOKEN {
            return gone;
        }
        if let Some(answer) = self.reach.answer(&token).filter(|_| request.method() == Method::GET) {
            return (StatusCode::OK, answer);
        }
        if token == RETURN && request.method() == Method::GET {
            let query = request.uri().query().unwrap_or_default();
            let meant = query.len() <= LONGEST_BODY && self.answers.came_back(query).await;
            return if meant { (StatusCode::OK, page::came_back(language)) } else { gone };
        }
        match *request.method() {
            Method::GET | Method::HEAD => match self.answers.find(&token).await {
                Ok(Some(asked)) => (StatusCode::OK, self.form(language, &token, &asked, &Again::default())),
                Ok(None) => gone,
                Err(Unable) => (StatusCode::SERVICE_UNAVAILABLE, page::not_checked(language)),
            },
            Method::POST => self.post(language, &token, request).await,
            _ => (StatusCode::METHOD_NOT_ALLOWED, page::unfit(language)),
        }
    }

    /// Whose requests are counted together. Behind a proxy it is what the proxy said last; what others wrote before counts
    /// nothing.
    fn address(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let told = headers.get_all("x-forwarded-for").iter().next_back().and_then(|value| value.to_str().ok());
        let told = told.and_then(|told| told.rsplit(',').next()?.trim().parse().ok());
        if self.proxied { told.unwrap_or(peer) } else { peer }
    }

    /// Named as our mails name it.
    fn is_for_us(&self, request: &Request<Incoming>) -> bool {
        let named = request.headers().get(header::HOST).and_then(|value| value.to_str().ok());
        self.host.as_deref().is_none_or(|host| named.is_some_and(|named| named.eq_ignore_ascii_case(host)))
    }

    async fn post(&self, language: Language, token: &str, request: Request<Incoming>) -> Page {
        let foreign =
            request.headers().get("sec-fetch-site").is_some_and(|site| site != "same-origin" && site != "none");
        let kind =
            request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let is_form = kind.split(';').next().is_some_and(|kind| kind.trim() == "application/x-www-form-urlencoded");
        if foreign || !is_form {
            return (StatusCode::BAD_REQUEST, page::unfit(language));
        }
        let read = Limited::new(request.into_body(), LONGEST_BODY).collect();
        let body = match timeout(self.limits.patience, read).await {
            Ok(Ok(body)) => zeroize::Zeroizing::new(body.to_bytes().to_vec()),
            Ok(Err(_)) => return (StatusCode::PAYLOAD_TOO_LARGE, page::unfit(language)),
            Err(_) => return (StatusCode::REQUEST_TIMEOUT, page::unfit(language)),
        };
        // Who looks at what was typed asks no server.
        if !entry::only_looks(&body) && !self.links.allows(&hash(token)) {
            return (StatusCode::TOO_MANY_REQUESTS, page::too_often(language));
        }
        match self.answers.find(token).await {
            Ok(Some(asked)) => self.entered(language, token, &asked, entry::read(&body, &asked.sides)).await,
            Ok(None) => self.used(language, token, &entry::proof(&body)).await,
            Err(Unable) => (StatusCode::SERVICE_UNAVAILABLE, page::not_checked(language)),
        }
    }

    /// The link leads nowhere any more; only who had its form open hears that a sign-in has ended it.
    async fn used(&self, language: Language, token: &str, proof: &str) -> Page {
        let used = if self.is_ours(token, proof) { self.answers.used(token).await } else { Ok(None) };
        match used {
            Ok(Some(verdict)) => (StatusCode::OK, page::verdict(language, &verdict)),
            Ok(None) => (StatusCode::NOT_FOUND, page::gone(language)),
            Err(Unable) => (StatusCode::SERVICE_UNAVAILABLE, page::not_checked(language)),
        }
    }

    /// Begins a sign-in, or looks how far it is.
    async fn signs_in(&self, language: Language, token: &str, sent: Sent) -> Page {
        if let Some(side) = sent.sign_in
            && self.answers.sign_in(token, side).await.is_err()
        {
            return (StatusCode::SERVICE_UNAVAILABLE, page::not_checked(language));
        }
        match self.answers.find(token).await {
            Ok(Some(asked)) => {
                let again = Again { users: sent.users, passwords: sent.passwords, ..Again::default() };
                (StatusCode::OK, self.form(language, token, &asked, &again))
            }
            Ok(None) => self.used(language, token, &sent.proof).await,
            Err(Unable) => (StatusCode::SERVICE_UNAVAILABLE, page::not_checked(language)),
        }
    }

    async fn entered(&self, language: Language, token: &str, asked: &Asked, sent: Sent) -> Page {
        if !self.is_ours(token, &sent.proof) {
            let users = sent.users;
            let again = Again { users, stale: true, ..Again::default() };
            return (StatusCode::OK, self.form(language, token, asked, &again));
        }
        if sent.sign_in.is_some() || sent.looks {
            return self.signs_in(language, token, sent).await;
        }
        let Sent { users, given, show, passwords, .. } = sent;
        if show.is_some() {
            let again = Again { users, passwords, show, ..Again::default() };
            return (StatusCode::OK, self.form(language, token, asked, &again));
        }
        if !asked.sides.iter().all(AskedSide::is_done) {
            let again = Again { users, passwords, waits: true, ..Again::default() };
            return (StatusCode::OK, self.form(language, token, asked, &again));
        }
        let given = match given {
            Ok(given) => given,
            Err(slip) => {
                // What was typed is asked for again, but for a name that may be meant.
                let passwords = if slip.1 == Slip::NoAt { passwords } else { Vec::new() };
                let again = Again { users, slip: Some(slip), passwords, ..Again::default() };
                return (StatusCode::OK, self.form(language, token, asked, &again));
            }
        };
        match self.answers.take(token, given).await {
            Ok(verdict) => {
                let status = match verdict {
                    Verdict::Right(_) | Verdict::Wrong { .. } => StatusCode::OK,
                    Verdict::NotChecked => StatusCode::SERVICE_UNAVAILABLE,
                    Verdict::Gone => StatusCode::NOT_FOUND,
                };
                (status, page::verdict(language, &verdict))
            }
            Err(Unable) => (StatusCode::SERVICE_UNAVAILABLE, page::not_checked(language)),
        }
    }

    fn form(&self, language: Language, token: &str, asked: &Asked, again: &Again) -> String {
        let now = self.began.elapsed().as_secs();
        let tag = hmac::sign(&self.signer, &signed(token, now));
        page::form(language, asked, &format!("{now}.{}", URL_SAFE_NO_PAD.encode(tag.as_ref())), again)
    }

    /// Whether a form with this proof was opened here, with this link, and not too long ago.
    fn is_ours(&self, token: &str, proof: &str) -> bool {
        let Some((when, tag)) = proof.split_once('.') else { return false };
        let (Ok(when), Ok(tag)) = (when.parse::<u64>(), URL_SAFE_NO_PAD.decode(tag)) else { return false };
        let age = self.began.elapsed().as_secs().checked_sub(when);
        age.is_some_and(|age| age <= FRESH.as_secs()) && hmac::verify(&self.signer, &signed(token, when), &tag).is_ok()
    }
}

fn signed(token: &str, when: u64) -> Vec<u8> {
    [&when.to_be_bytes()[..], token.as_bytes()].concat()
}

fn hash(token: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, token.as_bytes()).as_ref());
    hash
}
