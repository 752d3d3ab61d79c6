//! Every answer of a provider has its class, its words and what follows from it; nothing is lost and nothing is shown.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use mailferry::domain::clock::Clock;
use mailferry::domain::failure::{Cause, Failure, Retry, Scope};
use mailferry::domain::secret::Secret;
use mailferry::domain::sign_in::{SignIn, SignInKind};
use mailferry::domain::time::Timestamp;
use mailferry::domain::token_claims::Purpose;
use mailferry::platform::clock::SystemClock;
use mailferry::signin::Result;
use mailferry::signin::flow::Granted;
use mailferry::signin::grants::{Keeper, Kept, Provider};
use mailferry::signin::http::Http;
use mailferry::signin::person::Person;
use mailferry::signin::tokens::Grantor;

use crate::support::bench::runtime;
use crate::support::oidc;
use crate::support::scripted::{HttpAnswer, Scripted};

const SECRET: &str = "Zq-client-secret-7Kx";
const REFRESH: &str = "Zq-refresh-one-3Rt";

/// Keeps in memory, and remembers in which order what was asked of it.
struct Memory {
    secret: Option<Secret>,
    kept: Mutex<Secret>,
    fails: bool,
}

#[async_trait]
impl Keeper for Memory {
    async fn secret(&self) -> Result<Option<Secret>> {
        Ok(self.secret.clone())
    }

    async fn turn(&self) -> Result<Box<dyn std::any::Any + Send>> {
        Ok(Box::new(()))
    }

    async fn kept(&self) -> Result<Secret> {
        Ok(self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    async fn keep(&self, kept: Secret) -> Result<()> {
        if self.fails {
            return Err(Failure::new(Cause::CredentialMissing, Scope::Mailbox, Retry::User, "keeping"));
        }
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = kept;
        Ok(())
    }
}

fn sign_in(kind: SignInKind, provider: &Scripted) -> SignIn {
    SignIn { client_id: "client".into(), token_url: provider.url(), scope: "mail".into(), ..SignIn::of(kind) }
}

/// A sign-in of this kind with what belongs to it.
fn provider(kind: SignInKind, at: &Scripted) -> (Arc<Memory>, Provider) {
    let sign_in = sign_in(kind, at);
    let pem = std::fs::read_to_string(oidc::app_pem()).expect("the test's certificate");
    let secret = match kind {
        SignInKind::CustomApp => Some(Secret::new(SECRET)),
        SignInKind::MicrosoftApp => Some(Secret::new(pem)),
        SignInKind::GoogleService => Some(Secret::new(oidc::service_json())),
        _ => None,
    };
    let kept = Mutex::new(Kept::write(&sign_in, &Secret::new(REFRESH)));
    let keeper = Arc::new(Memory { secret, kept, fails: false });
    let (http, clock) = (Http::default(), Arc::new(SystemClock));
    let provider = Provider {
        sign_in,
        purpose: Purpose::Mail,
        user: "anna@x".into(),
        keeper: Arc::clone(&keeper) as Arc<dyn Keeper>,
        clock,
        http,
    };
    (keeper, provider)
}

fn answer_to(kind: SignInKind, answer: HttpAnswer) -> Result<Granted> {
    let at = Scripted::start(move |_, _| answer.clone());
    let (_, provider) = provider(kind, &at);
    runtime().block_on(provider.grant())
}

const APPS: [SignInKind; 3] = [SignInKind::CustomApp, SignInKind::MicrosoftApp, SignInKind::GoogleService];
const PERSON: SignInKind = SignInKind::Custom;

#[test]
fn every_row_of_the_table_has_its_class() {
    use {Cause::*, Retry::*, Scope::*};
    let json = |status, error: &str, suberror: &str| {
        HttpAnswer::new(
            status,
            &format!(r#"{{"error":"{error}","suberror":"{suberror}","error_description":"words"}}"#),
        )
    };
    let pause = After(Duration::from_secs(30));
    for kind in APPS.into_iter().chain([PERSON]) {
        let ended = if kind == PERSON { (SignInEnded, Mailbox, User) } else { (SignInRefused, Endpoint, User) };
        let refused = (SignInRefused, Endpoint, User);
        let table = [
            (json(401, "invalid_client", ""), refused),
            (json(401, "unauthorized_client", ""), refused),
            (json(400, "invalid_scope", ""), refused),
            (json(400, "admin_policy_enforced", ""), refused),
            (json(400, "invalid_grant", "consent_required"), refused),
            (json(400, "invalid_grant", "token_expired"), ended),
            (json(400, "interaction_required", ""), ended),
            (HttpAnswer::new(429, "").with("Retry-After", "7"), (SignInBusy, Endpoint, After(Duration::from_secs(7)))),
            (HttpAnswer::new(429, ""), (SignInBusy, Endpoint, pause)),
            (HttpAnswer::new(500, "oops"), (SignInBusy, Endpoint, pause)),
            (HttpAnswer::new(503, "<html>down</html>"), (SignInBusy, Endpoint, pause)),
            (json(400, "temporarily_unavailable", ""), (SignInBusy, Endpoint, pause)),
            (HttpAnswer::new(200, "<html>portal</html>"), (SignInBusy, Endpoint, pause)),
            (HttpAnswer::new(200, "{}"), (SignInBusy, Endpoint, pause)),
            (HttpAnswer::new(404, "<html>not here</html>"), refused),
        ];
        for (answer, expected) in table {
            let shown = format!("{kind:?} {answer:?}");
            let failure = answer_to(kind, answer).err().unwrap_or_else(|| panic!("granted: {shown}"));
            assert_eq!((failure.cause, failure.scope, failure.retry), expected, "{shown}");
            assert!(failure.server_text.is_some_and(|text| !text.contains("Zq-")), "{shown}");
        }
    }
}

#[test]
fn what_looks_like_the_end_of_a_sign_in_is_asked_once_more() {
    let refused = HttpAnswer::new(400, r#"{"error":"invalid_grant"}"#);
    let granted = HttpAnswer::new(200, r#"{"access_token":"a","expires_in":3600}"#);
    let again = refused.clone();
    let at = Scripted::start(move |number, _| if number == 1 { again.clone() } else { granted.clone() });
    let (keeper, provider) = provider(PERSON, &at);
    let before = runtime().block_on(keeper.kept()).expect("kept");
    assert_eq!(runtime().block_on(provider.grant()).expect("granted").access, Secret::new("a"));
    assert_eq!(at.asked().len(), 2);
    assert_eq!(runtime().block_on(keeper.kept()).expect("kept"), before, "no new one came: the old one stays");
    let at = Scripted::start(move |_, _| refused.clone());
    let (_, provider) = self::provider(PERSON, &at);
    let failure = runtime().block_on(provider.grant()).err().expect("over");
    assert_eq!((failure.cause, at.asked().len()), (Cause::SignInEnded, 2));
}

#[test]
fn what_replaces_a_refresh_token_is_kept_before_the_token_is_used() {
    let granted = r#"{"access_token":"a","refresh_token":"Zq-refresh-two","expires_in":3600}"#;
    let at = Scripted::start(move |_, _| HttpAnswer::new(200, granted));
    let (keeper, provider) = provider(PERSON, &at);
    runtime().block_on(provider.grant()).expect("granted");
    runtime().block_on(provider.grant()).expect("granted");
    let asked = at.asked();
    assert!(asked[0].contains(&format!("refresh_token={REFRESH}")), "{asked:?}");
    assert!(asked[1].contains("refresh_token=Zq-refresh-two"), "{asked:?}");
    let kept = runtime().block_on(keeper.kept()).expect("kept");
    assert_eq!(Kept::read(&provider.sign_in, &kept), Some(Secret::new("Zq-refresh-two")));
    let keeper = Arc::new(Memory { secret: None, kept: Mutex::new(kept), fails: true });
    let provider = Provider { keeper, ..self::provider(PERSON, &at).1 };
    let at_two = runtime().block_on(provider.grant());
    assert!(at_two.is_ok(), "the same one need not be kept again");
}

#[test]
fn a_token_is_not_used_when_what_replaces_its_refresh_token_cannot_be_kept() {
    let granted = r#"{"access_token":"a","refresh_token":"Zq-refresh-two","expires_in":3600}"#;
    let at = Scripted::start(move |_, _| HttpAnswer::new(200, granted));
    let (_, whole) = provider(PERSON, &at);
    let kept = Mutex::new(Kept::write(&whole.sign_in, &Secret::new(REFRESH)));
    let provider = Provider { keeper: Arc::new(Memory { secret: None, kept, fails: true }), ..whole };
    assert_eq!(runtime().block_on(provider.grant()).err().expect("refused").cause, Cause::CredentialMissing);
}

struct Late(i64);

impl Clock for Late {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(SystemClock.now().millis() + self.0 * 60_000)
    }
}

#[test]
fn a_clock_that_is_off_by_ten_minutes_is_named() {
    for kind in [SignInKind::MicrosoftApp, SignInKind::GoogleService] {
        for (minutes, word) in [(10, "ahead of"), (-10, "behind")] {
            let at = Scripted::start(|_, _| {
                let date = jiff::Timestamp::now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
                HttpAnswer::new(401, r#"{"error":"invalid_client"}"#).with("Date", &date)
            });
            let provider = Provider { clock: Arc::new(Late(minutes)), ..provider(kind, &at).1 };
            let failure = runtime().block_on(provider.grant()).err().expect("refused");
            assert_eq!(failure.cause, Cause::ClockOff);
            let text = failure.server_text.expect("a text");
            assert!(text.starts_with(&format!("this computer's clock is 10 minutes {word} the provider's")), "{text}");
        }
    }
}

#[test]
fn no_redirect_is_followed_and_no_answer_without_end_is_read() {
    let other = Scripted::start(|_, _| HttpAnswer::new(200, r#"{"access_token":"stolen"}"#));
    let to = other.url();
    let failure = answer_to(SignInKind::CustomApp, HttpAnswer::new(307, "").with("Location", &to)).err();
    assert_eq!(failure.expect("refused").cause, Cause::SignInRefused);
    assert_eq!(other.asked(), Vec::<String>::new());
    let endless = HttpAnswer::new(200, &"x".repeat(3 * 1024 * 1024));
    let failure = answer_to(SignInKind::CustomApp, endless).err().expect("refused");
    assert_eq!(failure.server_text.as_deref(), Some("the answer has no end"));
}

#[test]
fn a_provider_that_is_down_is_an_outage() {
    let at = Scripted::start(|_, _| HttpAnswer::new(200, ""));
    let (_, provider) = provider(SignInKind::CustomApp, &at);
    drop(at);
    let failure = runtime().block_on(provider.grant()).err().expect("nobody answers");
    assert_eq!((failure.cause, failure.scope, failure.retry), (Cause::Unreachable, Scope::Endpoint, Retry::Backoff));
}

#[test]
fn secrets_go_into_the_form_and_echoes_are_hidden() {
    let at = Scripted::start(|_, form| {
        let words = form.replace('"', "'");
        HttpAnswer::new(400, &format!(r#"{{"error":"invalid_client","error_description":"{words}"}}"#))
    });
    for kind in APPS.into_iter().chain([PERSON]) {
        let failure = runtime().block_on(provider(kind, &at).1.grant()).err().expect("refused");
        let form = at.asked().pop().expect("asked");
        let text = failure.server_text.expect("a text");
        for secret in form.split('&').filter_map(|pair| pair.split_once('=')) {
            let public = ["grant_type", "client_id", "scope", "client_assertion_type"].contains(&secret.0);
            assert!(public || !text.contains(secret.1), "{}: {text}", secret.0);
        }
    }
}

fn by_device(script: impl Fn(u64, &str) -> HttpAnswer + Send + Sync + 'static) -> (Result<Secret>, Scripted, SignIn) {
    let at = Scripted::start(script);
    let sign_in = SignIn { device_url: at.url(), ..sign_in(PERSON, &at) };
    let clock = Arc::new(SystemClock);
    let person = Person { sign_in: sign_in.clone(), secret: None, http: Http::default(), clock };
    (runtime().block_on(person.by_device(|code| assert_eq!(code.user_code, "AB-CD"))), at, sign_in)
}

const CODE: &str =
    r#"{"device_code":"d","user_code":"AB-CD","verification_uri":"https://x/d","expires_in":60,"interval":1}"#;

#[test]
fn a_code_is_asked_about_until_it_was_typed_and_never_again() {
    let (kept, at, sign_in) = by_device(|number, _| match number {
        1 => HttpAnswer::new(200, CODE),
        2 => HttpAnswer::new(400, r#"{"error":"authorization_pending"}"#),
        3 => HttpAnswer::new(503, "busy"),
        4 => HttpAnswer::new(200, r#"{"access_token":"a","refresh_token":"r"}"#),
        _ => HttpAnswer::new(500, "asked again"),
    });
    assert_eq!(Kept::read(&sign_in, &kept.expect("signed in")), Some(Secret::new("r")));
    assert_eq!(at.asked().len(), 4);
}

#[test]
fn who_asks_too_often_asks_more_slowly_and_a_refusal_ends_it() {
    let since = std::time::Instant::now();
    let (kept, at, _) = by_device(|number, _| match number {
        1 => HttpAnswer::new(200, CODE),
        2 => HttpAnswer::new(400, r#"{"error":"slow_down"}"#),
        _ => HttpAnswer::new(400, r#"{"error":"access_denied"}"#),
    });
    assert_eq!(kept.expect_err("refused").cause, Cause::SignInEnded);
    assert_eq!(at.asked().len(), 3);
    assert!(since.elapsed() >= Duration::from_secs(7), "one second, then six");
}

#[test]
fn a_code_that_was_not_typed_in_time_is_over() {
    let short = CODE.replace("60", "2");
    let (kept, ..) = by_device(move |number, _| match number {
        1 => HttpAnswer::new(200, &short),
        _ => HttpAnswer::new(400, r#"{"error":"authorization_pending"}"#),
    });
    let failure = kept.expect_err("over");
    assert!(failure.server_text.expect("a text").contains("not typed in time"));
}
