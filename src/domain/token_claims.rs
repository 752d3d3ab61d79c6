//! What a token says of itself, as far as it can be read: for whom it is, and what it allows. Nothing is verified: a server
//! does that; but what it would refuse with a bare no is said better before.

#![deny(clippy::indexing_slicing, clippy::string_slice, reason = "it reads what strangers wrote")]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::secret::Secret;
use super::sign_in::{SignIn, SignInKind};
use super::time::Timestamp;

/// Longest word of a token that is shown, and how many rights.
const SHOWN: (usize, usize) = (120, 12);
/// Exchange Online, and the service that is taken for it by mistake, by their numbers.
const EXCHANGE: &str = "00000002-0000-0ff1-ce00-000000000000";
const GRAPH: &str = "00000003-0000-0000-c000-000000000000";
/// The mail services of Microsoft's clouds.
const MAIL_HOSTS: [&str; 5] = [
    "outlook.office365.com",
    "outlook.office.com",
    "outlook.office365.us",
    "outlook-dod.office365.us",
    "partner.outlook.cn",
];
/// The right of a person.
const AS_PERSON: &str = "IMAP.AccessAsUser.All";

/// What an application needs of Microsoft; any of the rights is enough.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Purpose {
    /// To open mailboxes.
    #[default]
    Mail,
    /// To send mail.
    SendMail,
    /// To order moves.
    ExchangeAdministration,
    /// To assign licenses.
    Licenses,
}

impl Purpose {
    fn rights(self) -> &'static [&'static str] {
        match self {
            Self::Mail => &["IMAP.AccessAsApp"],
            Self::SendMail => &["SMTP.SendAsApp"],
            Self::ExchangeAdministration => &["Exchange.ManageAsApp"],
            Self::Licenses => &["LicenseAssignment.ReadWrite.All", "User.ReadWrite.All", "Directory.ReadWrite.All"],
        }
    }

    fn service(self) -> &'static str {
        match self {
            Self::Mail | Self::SendMail => "mail",
            Self::ExchangeAdministration => "Exchange Online",
            Self::Licenses => "the directory",
        }
    }
}

/// What a token says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenClaims {
    /// Of which of Microsoft's tenants it is.
    pub tenant: Option<String>,
    /// For which services.
    pub audiences: Vec<String>,
    /// What an application may do with it.
    pub roles: Option<Vec<String>>,
    /// What a person may do with it.
    pub scopes: Option<Vec<String>>,
    /// When it ends.
    pub expires: Option<Timestamp>,
}

#[derive(Deserialize)]
struct Body {
    tid: Option<String>,
    aud: Option<OneOrMore>,
    roles: Option<Vec<String>>,
    scp: Option<String>,
    scope: Option<String>,
    exp: Option<i64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

fn clean(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(SHOWN.0).collect()
}

impl TokenClaims {
    /// Reads a token; none: only who handed it out and who takes it can.
    pub fn read(token: &Secret) -> Option<Self> {
        let mut parts = token.expose().split('.');
        let (_, claims, _) = (parts.next()?, parts.next()?, parts.next()?);
        let claims = URL_SAFE_NO_PAD.decode(claims).map(Zeroizing::new).ok()?;
        let Body { tid, aud, roles, scp, scope, exp } = serde_json::from_slice(&claims).ok()?;
        let all = |texts: Vec<String>| texts.iter().map(|text| clean(text)).collect::<Vec<_>>();
        let words = |text: String| all(text.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect());
        let audiences = match aud {
            Some(OneOrMore::One(one)) => vec![one],
            Some(OneOrMore::More(more)) => more,
            None => Vec::new(),
        };
        Some(Self {
            tenant: tid.as_deref().map(clean),
            audiences: all(audiences),
            roles: roles.map(all),
            scopes: scp.or(scope).map(words),
            expires: exp.map(|seconds| Timestamp::from_millis(seconds.saturating_mul(1000))),
        })
    }

    /// Why a token that came for this sign-in does not serve its purpose, if that is certain.
    pub fn unfit(&self, sign_in: &SignIn, purpose: Purpose) -> Option<String> {
        let person = match sign_in.kind {
            SignInKind::MicrosoftApp => false,
            SignInKind::Microsoft => true,
            SignInKind::GoogleService | SignInKind::CustomApp | SignInKind::Google | SignInKind::Custom => return None,
        };
        let lacks = |rights: Option<&Vec<String>>, right: &str| {
            !rights.is_some_and(|rights| rights.iter().any(|one| one.rsplit('/').next() == Some(right)))
        };
        let why = if self.is_of_another_tenant(&sign_in.tenant) {
            format!("the token is of another tenant than {}", sign_in.tenant)
        } else if self.is_for_another_service(&sign_in.scope()) {
            format!("the token is for another service than {}: check cloud and scope", purpose.service())
        } else if !person && purpose.rights().iter().all(|right| lacks(self.roles.as_ref(), right)) {
            let rights = purpose.rights().join(" or ");
            format!("{rights} is not granted to the application: an administrator must consent")
        } else if person && self.scopes.is_some() && lacks(self.scopes.as_ref(), AS_PERSON) {
            format!("{AS_PERSON} is not granted: the person or an administrator must consent")
        } else {
            return None;
        };
        Some(format!("{why} ({})", self.words()))
    }

    /// Only a number can be compared: a domain of the tenant is a name of the same.
    fn is_of_another_tenant(&self, asked: &str) -> bool {
        let is_number = |text: &str| text.len() == 36 && text.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
        let own = self.tenant.as_deref().filter(|own| is_number(own) && is_number(asked));
        own.is_some_and(|own| !own.eq_ignore_ascii_case(asked))
    }

    /// What is not known is left to the server.
    fn is_for_another_service(&self, scope: &str) -> bool {
        let asked = scope.split(' ').find_map(host);
        let fits = |audience: &String| match host(audience) {
            Some(host) => MAIL_HOSTS.contains(&host) || Some(host) == asked,
            None => audience != GRAPH || asked.is_some_and(|asked| asked.contains("graph")),
        };
        !self.audiences.is_empty() && !self.audiences.iter().any(|audience| audience == EXCHANGE || fits(audience))
    }

    /// For people: tenant, service, rights.
    pub fn words(&self) -> String {
        let mut parts = Vec::new();
        parts.extend(self.tenant.iter().map(|tenant| format!("tenant {tenant}")));
        if !self.audiences.is_empty() {
            parts.push(format!("for {}", self.audiences.join(", ")));
        }
        let rights = self.roles.as_ref().or(self.scopes.as_ref()).into_iter().flatten();
        let rights: Vec<&str> = rights.map(String::as_str).take(SHOWN.1).collect();
        parts.push(if rights.is_empty() { "no rights".to_owned() } else { format!("rights: {}", rights.join(", ")) });
        parts.join(", ")
    }
}

/// The host of an address.
fn host(address: &str) -> Option<&str> {
    address.split_once("://")?.1.split(['/', ':']).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENANT: &str = "22222222-0000-0000-0000-00000000000a";

    fn token(claims: &str) -> Secret {
        Secret::new(format!("e30.{}.signature", URL_SAFE_NO_PAD.encode(claims)))
    }

    fn read(claims: &str) -> TokenClaims {
        TokenClaims::read(&token(claims)).expect("it can be read")
    }

    fn sign_in(kind: SignInKind, tenant: &str) -> SignIn {
        SignIn { tenant: tenant.into(), ..SignIn::of(kind) }
    }

    #[test]
    fn tenant_audience_and_rights_are_read_and_what_cannot_be_read_is_left_alone() {
        let app = read(
            r#"{"tid":"t","aud":"https://outlook.office365.com","roles":["IMAP.AccessAsApp","Mail.Read"],"exp":1700000000}"#,
        );
        assert_eq!(app.words(), "tenant t, for https://outlook.office365.com, rights: IMAP.AccessAsApp, Mail.Read");
        assert_eq!(app.expires, Some(Timestamp::from_millis(1_700_000_000_000)));
        let person = read(r#"{"aud":["a","b"],"scp":"IMAP.AccessAsUser.All openid"}"#);
        assert_eq!(person.words(), "for a, b, rights: IMAP.AccessAsUser.All, openid");
        assert_eq!(read("{}").words(), "no rights");
        assert!(!read("{\"tid\":\"a\\u001b[31mb\"}").words().contains('\u{1b}'));
        for opaque in ["ya29.a0Af", "opaque", "a.b.c", "e30.e30", ""] {
            assert_eq!(TokenClaims::read(&Secret::new(opaque)), None, "{opaque}");
        }
    }

    #[test]
    fn what_moves_and_licenses_need_is_named() {
        let of = |purpose, scope: &str, claims: &str| {
            let sign_in = SignIn { scope: scope.into(), ..sign_in(SignInKind::MicrosoftApp, TENANT) };
            read(claims).unfit(&sign_in, purpose)
        };
        let exchange = r#"{"aud":"https://outlook.office365.com","roles":["Exchange.ManageAsApp"]}"#;
        assert_eq!(of(Purpose::ExchangeAdministration, "", exchange), None);
        let mail = exchange.replace("Exchange.ManageAsApp", "IMAP.AccessAsApp");
        let why = of(Purpose::ExchangeAdministration, "", &mail).expect("named");
        assert!(why.starts_with("Exchange.ManageAsApp is not granted"), "{why}");
        let graph = r#"{"aud":"00000003-0000-0000-c000-000000000000","roles":["User.ReadWrite.All"]}"#;
        assert_eq!(of(Purpose::Licenses, "https://graph.microsoft.com/.default", graph), None);
        assert!(of(Purpose::Licenses, "https://graph.microsoft.com/.default", exchange).is_some());
    }

    #[test]
    fn what_a_server_would_refuse_is_named() {
        let of = |kind, tenant: &str, claims: &str| read(claims).unfit(&sign_in(kind, tenant), Purpose::Mail);
        let app = |tenant: &str, claims: &str| of(SignInKind::MicrosoftApp, tenant, claims);
        let good = r#"{"tid":"22222222-0000-0000-0000-00000000000A","aud":"https://outlook.office365.com/","roles":["IMAP.AccessAsApp"]}"#;
        assert_eq!(app(TENANT, good), None);
        assert_eq!(app("contoso.com", good), None, "a domain may be of any tenant");
        let other = app("22222222-0000-0000-0000-00000000000b", good).expect("named");
        assert!(other.starts_with("the token is of another tenant than 2222"), "{other}");
        for audience in ["https://graph.microsoft.com", GRAPH, "https://evil.example/outlook.office365.com"] {
            let why = app(TENANT, &good.replace("https://outlook.office365.com/", audience)).expect("named");
            assert!(why.starts_with("the token is for another service than mail") && why.contains(audience), "{why}");
        }
        for audience in [EXCHANGE, "11111111-0000-0ff1-ce00-000000000000", "https://outlook.office.com"] {
            assert_eq!(app(TENANT, &good.replace("https://outlook.office365.com/", audience)), None, "{audience}");
        }
        for roles in [r#"["Mail.Read"]"#, "[]"] {
            let why = app(TENANT, &good.replace(r#"["IMAP.AccessAsApp"]"#, roles)).expect("named");
            assert!(why.starts_with("IMAP.AccessAsApp is not granted to the application"), "{why}");
        }
        assert!(app(TENANT, r#"{"aud":"https://outlook.office365.com"}"#).is_some(), "roles are always told");
        let person = |claims: &str| of(SignInKind::Microsoft, "", claims);
        assert_eq!(person(r#"{"scp":"https://outlook.office.com/IMAP.AccessAsUser.All"}"#), None);
        assert_eq!(person("{}"), None, "nothing is told");
        assert!(person(r#"{"scp":"Mail.Read"}"#).expect("named").starts_with("IMAP.AccessAsUser.All is not granted"));
        for kind in [SignInKind::GoogleService, SignInKind::Google, SignInKind::CustomApp, SignInKind::Custom] {
            assert_eq!(of(kind, "", r#"{"aud":"https://graph.microsoft.com"}"#), None, "{kind:?}");
        }
    }
}
