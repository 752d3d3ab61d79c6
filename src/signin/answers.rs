//! What a provider's refusal means: by OAuth's own fields `error` and `suberror` and the HTTP status. Microsoft's numbers
//! (AADSTS…) only choose a hint, because it warns that they change. Pure.

use std::time::Duration;

use serde::Deserialize;

use super::flow::{Answered, Request};
use crate::domain::failure::{Cause, Failure, Retry, Scope};
use crate::domain::sign_in::Cloud;
use crate::domain::time::Timestamp;

/// The pause after an answer that says only that there is trouble.
pub(super) const PAUSE: Duration = Duration::from_secs(30);
/// Clocks that differ by less are not worth a word.
const SKEW: Duration = Duration::from_secs(120);
/// Longest text of a provider that is shown.
const SHOWN: usize = 300;
/// What stands in the place of a secret that it repeats.
const HIDDEN: &str = "<hidden>";

/// Who asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker {
    /// An application, by a client secret.
    App,
    /// An application, by a signature that holds for a while.
    SigningApp,
    /// A service account, for one mailbox, by such a signature.
    Service,
    /// A person.
    Person,
}

/// A refusal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refused {
    status: u16,
    error: String,
    suberror: String,
    description: String,
    codes: Vec<u64>,
    retry_after: Option<Duration>,
    date: Option<Timestamp>,
    /// Microsoft's host, if it was asked there.
    microsoft: Option<&'static str>,
}

/// What a refusal says to who waits for a code to be typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// It was not typed yet.
    GoesOn,
    /// The same, and it was asked too often.
    Slower,
    /// It is over.
    Over,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Body {
    error: String,
    suberror: String,
    error_subtype: String,
    error_description: String,
    error_codes: Vec<u64>,
}

impl Refused {
    /// Reads an answer that grants nothing.
    pub fn read(answered: &Answered) -> Box<Self> {
        let body: Body = serde_json::from_slice(&answered.body).unwrap_or_default();
        let clean = |text: &str| -> String {
            text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(16 * SHOWN).collect()
        };
        Box::new(Self {
            status: answered.status,
            error: clean(&body.error),
            suberror: clean(if body.suberror.is_empty() { &body.error_subtype } else { &body.suberror }),
            description: clean(&body.error_description),
            codes: body.error_codes,
            retry_after: answered.retry_after,
            date: answered.date,
            microsoft: None,
        })
    }

    /// A provider that sent a person back with an error.
    pub fn sent_back(error: &str, description: &str) -> Box<Self> {
        let clean = |text: &str| text.chars().filter(|c| !c.is_control()).take(SHOWN).collect();
        Box::new(Self { status: 400, error: clean(error), description: clean(description), ..Self::default() })
    }

    /// The same as the answer to this request, without what was sent: some repeat it.
    #[must_use]
    pub fn scrubbed(mut self: Box<Self>, request: &Request) -> Box<Self> {
        self.microsoft = Cloud::login_host_of(&request.url);
        let public = ["grant_type", "client_id", "scope", "redirect_uri", "client_assertion_type"];
        let secrets = request.fields.iter().filter(|(name, value)| !public.contains(name) && value.expose().len() > 3);
        for (_, secret) in secrets {
            for text in [&mut self.error, &mut self.suberror, &mut self.description] {
                *text = text.replace(secret.expose(), HIDDEN);
            }
        }
        self
    }

    /// What it says to who waits for a code to be typed.
    pub fn waiting(&self) -> Waiting {
        match self.error.as_str() {
            "authorization_pending" => Waiting::GoesOn,
            "slow_down" => Waiting::Slower,
            _ if self.is_busy() => Waiting::GoesOn,
            _ => Waiting::Over,
        }
    }

    /// Whether it may be a passing trouble that looks like the end of a sign-in: worth one more try.
    pub fn may_pass(&self) -> bool {
        self.error == "invalid_grant" && self.suberror.is_empty()
    }

    fn is_busy(&self) -> bool {
        let passing = ["temporarily_unavailable", "server_error", "slow_down"];
        self.status == 429 || self.status >= 500 || passing.contains(&self.error.as_str())
    }

    /// The failure that it stands for.
    pub fn failure(&self, asker: Asker, now: Timestamp) -> Failure {
        const DOING: &str = "asking for a token";
        if let Some(text) = self.skew(asker, now) {
            return Failure::new(Cause::ClockOff, Scope::Endpoint, Retry::User, DOING).saying(text);
        }
        let (cause, scope, retry) = self.class(asker);
        Failure::new(cause, scope, retry, DOING).saying(self.words())
    }

    fn class(&self, asker: Asker) -> (Cause, Scope, Retry) {
        let refused = (Cause::SignInRefused, Scope::Endpoint, Retry::User);
        let over = match asker {
            Asker::Person => (Cause::SignInEnded, Scope::Mailbox, Retry::User),
            Asker::App | Asker::SigningApp | Asker::Service => refused,
        };
        match self.error.as_str() {
            _ if self.is_busy() => {
                (Cause::SignInBusy, Scope::Endpoint, Retry::After(self.retry_after.unwrap_or(PAUSE)))
            }
            // A page for people, where an answer should be: a proxy or a portal in between.
            "" if self.status < 300 => (Cause::SignInBusy, Scope::Endpoint, Retry::After(PAUSE)),
            "invalid_grant" | "interaction_required" | "consent_required" if self.suberror == "consent_required" => {
                refused
            }
            "invalid_grant" if asker == Asker::Service && self.is_about_the_mailbox() => {
                (Cause::LoginRefused, Scope::Mailbox, Retry::User)
            }
            "invalid_grant"
            | "interaction_required"
            | "login_required"
            | "access_denied"
            | "authorization_declined"
            | "expired_token" => over,
            _ => refused,
        }
    }

    /// Google has no field for it.
    fn is_about_the_mailbox(&self) -> bool {
        self.description.to_ascii_lowercase().contains("email or user id")
    }

    /// How far this computer's clock is off, if that can be why a signature was refused.
    fn skew(&self, asker: Asker, now: Timestamp) -> Option<String> {
        let signs = matches!(asker, Asker::SigningApp | Asker::Service);
        let there = self.date.filter(|_| signs && matches!(self.error.as_str(), "invalid_client" | "invalid_grant"))?;
        let (off, way) = match now.since(there) {
            behind if behind.is_zero() => (there.since(now), "behind"),
            ahead => (ahead, "ahead of"),
        };
        let minutes = off.as_secs().div_ceil(60);
        (off >= SKEW)
            .then(|| format!("this computer's clock is {minutes} minutes {way} the provider's; {}", self.words()))
    }

    /// For people: the hint, then the provider's own text.
    fn words(&self) -> String {
        let code = self.code();
        let hint = code.and_then(hint).map(|hint| format!("{hint}; ")).unwrap_or_default();
        let more = self.microsoft.zip(code.filter(|code| self::hint(*code).is_none()));
        let more = more.map(|(host, code)| format!(" (see https://{host}/error?code={code})"));
        let told: String = match (self.error.as_str(), self.description.as_str()) {
            ("", _) => format!("HTTP {} without an answer that makes sense", self.status),
            (error, "") => error.to_owned(),
            (error, description) => format!("{error}: {description}"),
        };
        let told: String = told.chars().take(SHOWN).collect();
        format!("{hint}{told}{}", more.unwrap_or_default())
    }

    /// Microsoft's number, from its field or from its text.
    fn code(&self) -> Option<u64> {
        self.codes.first().copied().or_else(|| {
            let (_, after) = self.description.split_once("AADSTS")?;
            after.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
        })
    }
}

/// What Microsoft's numbers mean to who must do something.
fn hint(code: u64) -> Option<&'static str> {
    Some(match code {
        7_000_215 => "the client secret is wrong: perhaps its id was taken instead of its value",
        7_000_222 => "the client secret has expired: make a new one",
        700_027 => "the certificate is not the one of the registration",
        700_024 => "the signature is too old or too new: check this computer's clock",
        90_002 => "there is no such tenant",
        700_016 => "the application is not known in this tenant: check client id and tenant",
        65_001 => "an administrator has not consented",
        500_011 => "the tenant does not know the mail service: check cloud and tenant",
        7_000_112 => "the application is disabled in this tenant",
        700_025 => "it is a public client: leave out the client secret",
        700_082 | 70_008 | 70_043 => "the sign-in has expired",
        50_173 => "the password was changed since",
        50_076 | 50_079 => "a second factor is asked for",
        53_003 => "the organisation's access policy does not allow it",
        50_105 => "the person is not assigned to the application",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;
    use crate::domain::secret::Secret;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn refused(status: u16, body: &str) -> Box<Refused> {
        Refused::read(&Answered { status, body: Zeroizing::new(body.as_bytes().to_vec()), ..Answered::default() })
    }

    fn error(error: &str) -> Box<Refused> {
        refused(400, &format!(r#"{{"error":"{error}"}}"#))
    }

    #[test]
    fn every_answer_has_its_class() {
        use {Asker::*, Cause::*, Retry::*, Scope::*};
        let pause = After(PAUSE);
        for who in [App, SigningApp, Service, Person] {
            let class = |refused: Box<Refused>| refused.class(who);
            for word in ["invalid_client", "unauthorized_client", "invalid_scope", "admin_policy_enforced", "new_word"]
            {
                assert_eq!(class(error(word)), (SignInRefused, Endpoint, User), "{word}");
            }
            let consent = refused(400, r#"{"error":"invalid_grant","suberror":"consent_required"}"#);
            assert_eq!(class(consent), (SignInRefused, Endpoint, User));
            for status in [429, 500, 502, 503] {
                assert_eq!(class(refused(status, "<html>down</html>")), (SignInBusy, Endpoint, pause));
            }
            assert_eq!(class(error("temporarily_unavailable")), (SignInBusy, Endpoint, pause));
            assert_eq!(class(refused(200, "<html>portal</html>")), (SignInBusy, Endpoint, pause), "no try is used up");
            assert_eq!(class(refused(302, "")), (SignInRefused, Endpoint, User), "no redirect is followed");
            let over = if who == Person { (SignInEnded, Mailbox, User) } else { (SignInRefused, Endpoint, User) };
            let expired = r#"{"error":"invalid_grant","suberror":"token_expired"}"#;
            assert_eq!(class(refused(400, expired)), over);
            for word in
                ["invalid_grant", "interaction_required", "access_denied", "authorization_declined", "expired_token"]
            {
                assert_eq!(class(error(word)), over, "{word}");
            }
        }
        let unknown = r#"{"error":"invalid_grant","error_description":"Invalid email or User ID"}"#;
        assert_eq!(refused(400, unknown).class(Service), (LoginRefused, Mailbox, User), "one mailbox only");
        let named = Refused { retry_after: Some(Duration::from_secs(7)), ..*refused(429, "") };
        assert_eq!(named.class(App).2, After(Duration::from_secs(7)));
        assert!(error("invalid_grant").may_pass() && !refused(400, expired()).may_pass());
    }

    fn expired() -> &'static str {
        r#"{"error":"invalid_grant","suberror":"bad_token"}"#
    }

    #[test]
    fn a_code_that_was_not_typed_yet_is_asked_for_again() {
        assert_eq!(error("authorization_pending").waiting(), Waiting::GoesOn);
        assert_eq!(error("slow_down").waiting(), Waiting::Slower);
        assert_eq!(refused(503, "").waiting(), Waiting::GoesOn);
        for word in
            ["access_denied", "authorization_declined", "expired_token", "invalid_grant", "bad_verification_code"]
        {
            assert_eq!(error(word).waiting(), Waiting::Over, "{word}");
        }
    }

    #[test]
    fn a_clock_that_is_off_is_named() {
        let at = |minutes: i64| Some(Timestamp::from_millis(NOW.millis() + minutes * 60_000));
        let told = |date, asker| Refused { date, ..*error("invalid_client") }.failure(asker, NOW);
        let behind = told(at(10), Asker::SigningApp);
        assert_eq!(behind.cause, Cause::ClockOff);
        assert!(behind.server_text.unwrap().starts_with("this computer's clock is 10 minutes behind the provider's"));
        let ahead = told(at(-10), Asker::Service);
        assert!(ahead.server_text.unwrap().starts_with("this computer's clock is 10 minutes ahead of the provider's"));
        assert_eq!(told(at(1), Asker::SigningApp).cause, Cause::SignInRefused);
        assert_eq!(told(at(10), Asker::App).cause, Cause::SignInRefused, "a secret knows no time");
        assert_eq!(told(None, Asker::Service).cause, Cause::SignInRefused);
    }

    #[test]
    fn the_hint_comes_first_and_what_was_sent_is_never_repeated() {
        let text = |body: &str| refused(401, body).failure(Asker::App, NOW).server_text.unwrap();
        let numbered = r#"{"error":"invalid_client","error_codes":[7000222],"error_description":"AADSTS7000222: The provided client secret keys are expired."}"#;
        assert!(
            text(numbered).starts_with("the client secret has expired: make a new one; invalid_client: AADSTS7000222")
        );
        let unknown = r#"{"error":"invalid_client","error_description":"AADSTS123456: New."}"#;
        assert!(text(unknown).ends_with("AADSTS123456: New."), "no page is told of another provider");
        let asked_at = |url: &str| {
            let request = Request { url: url.into(), fields: Vec::new() };
            refused(401, unknown).scrubbed(&request).failure(Asker::App, NOW).server_text.unwrap()
        };
        for host in ["login.microsoftonline.com", "login.microsoftonline.us", "login.partner.microsoftonline.cn"] {
            let told = asked_at(&format!("https://{host}/contoso/oauth2/v2.0/token"));
            assert!(told.ends_with(&format!("New. (see https://{host}/error?code=123456)")), "{told}");
        }
        assert!(!asked_at("https://login.microsoftonline.com.evil.example/token").contains("see https"));
        assert_eq!(text("<html>"), "HTTP 401 without an answer that makes sense");
        let request = Request { url: String::new(), fields: vec![("client_secret", Secret::new("hunter22"))] };
        let echo =
            refused(400, r#"{"error":"invalid_client","error_description":"hunter22 is wrong"}"#).scrubbed(&request);
        assert_eq!(echo.failure(Asker::App, NOW).server_text.unwrap(), "invalid_client: <hidden> is wrong");
    }
}
