//! How a side of a project signs in where its servers take no passwords: as an application of its organisation, which opens
//! all mailboxes, or as the person whose mailbox it is. No secrets (they are in the vault); the client is the customer's own.

#![deny(clippy::indexing_slicing, clippy::string_slice, reason = "it reads what strangers wrote")]

use serde::{Deserialize, Serialize};

/// Longest value of a field.
const LONGEST: usize = 500;

/// The ways to sign in that are no password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignInKind {
    /// Microsoft 365, as an application with a client secret or a certificate.
    MicrosoftApp,
    /// Google Workspace, as a service account with domain-wide delegation.
    GoogleService,
    /// Another provider, as an application with a client secret or a certificate.
    CustomApp,
    /// Microsoft 365, by the person.
    Microsoft,
    /// Google, by the person.
    Google,
    /// Another provider, by the person.
    Custom,
}

/// The clouds of Microsoft, each with its own registrations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cloud {
    /// The one of nearly everybody.
    #[default]
    Global,
    /// That of the government of the United States.
    Us,
    /// That of China.
    China,
}

impl Cloud {
    fn login_host(self) -> &'static str {
        match self {
            Self::Global => "login.microsoftonline.com",
            Self::Us => "login.microsoftonline.us",
            Self::China => "login.partner.microsoftonline.cn",
        }
    }

    /// All of them.
    pub const ALL: [Self; 3] = [Self::Global, Self::Us, Self::China];

    /// The word for settings and options.
    pub fn word(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::Us => "us",
            Self::China => "china",
        }
    }

    /// Where one signs in to Microsoft, if this address is there.
    pub fn login_host_of(url: &str) -> Option<&'static str> {
        let host = url.strip_prefix("https://")?.split('/').next()?;
        Self::ALL.into_iter().map(Self::login_host).find(|known| *known == host)
    }

    /// Exchange Online's host for applications.
    pub fn exchange(self) -> &'static str {
        self.resources().0
    }

    /// The directory's host (Microsoft Graph, national clouds).
    pub fn graph(self) -> &'static str {
        match self {
            Self::Global => "https://graph.microsoft.com",
            Self::Us => "https://graph.microsoft.us",
            Self::China => "https://microsoftgraph.chinacloudapi.cn",
        }
    }

    /// The resource of tokens for applications, and for persons.
    fn resources(self) -> (&'static str, &'static str) {
        match self {
            Self::Global => ("https://outlook.office365.com", "https://outlook.office.com"),
            Self::Us => ("https://outlook.office365.us", "https://outlook.office365.us"),
            Self::China => ("https://partner.outlook.cn", "https://partner.outlook.cn"),
        }
    }
}

/// How one side signs in. Empty texts say nothing; addresses and scope take the place of the provider's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SignIn {
    /// The way.
    pub kind: SignInKind,
    /// Which of Microsoft's clouds.
    pub cloud: Cloud,
    /// Microsoft's tenant: its id or one of its domains.
    pub tenant: String,
    /// Which application asks.
    pub client_id: String,
    /// Where tokens are handed out.
    pub token_url: String,
    /// Where a person signs in.
    pub authorize_url: String,
    /// Where codes are handed out that a person types elsewhere.
    pub device_url: String,
    /// What is asked for.
    pub scope: String,
}

impl Default for SignIn {
    fn default() -> Self {
        Self::of(SignInKind::Custom)
    }
}

/// A field that cannot be used. Never repeats what was typed: it may be a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct SignInProblem {
    /// Which.
    pub field: SignInField,
    /// Why, and what would do.
    pub reason: &'static str,
}

/// The fields of a [`SignIn`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SignInField {
    /// [`SignIn::tenant`].
    Tenant,
    /// [`SignIn::client_id`].
    ClientId,
    /// [`SignIn::token_url`].
    TokenUrl,
    /// [`SignIn::authorize_url`].
    AuthorizeUrl,
    /// [`SignIn::device_url`].
    DeviceUrl,
    /// [`SignIn::scope`].
    Scope,
}

impl std::fmt::Display for SignInField {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Tenant => "tenant",
            Self::ClientId => "client id",
            Self::TokenUrl => "token URL",
            Self::AuthorizeUrl => "authorize URL",
            Self::DeviceUrl => "device URL",
            Self::Scope => "scope",
        })
    }
}

impl SignInKind {
    /// All, in the order in which they are offered.
    pub const ALL: [Self; 6] =
        [Self::MicrosoftApp, Self::GoogleService, Self::CustomApp, Self::Microsoft, Self::Google, Self::Custom];

    /// The word of the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::MicrosoftApp => "microsoft-app",
            Self::GoogleService => "google-service",
            Self::CustomApp => "custom-app",
            Self::Microsoft => "microsoft",
            Self::Google => "google",
            Self::Custom => "custom",
        }
    }

    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Self::MicrosoftApp => "Microsoft 365 app",
            Self::GoogleService => "Google service account",
            Self::CustomApp => "app of another provider",
            Self::Microsoft => "Microsoft, each person signs in",
            Self::Google => "Google, each person signs in",
            Self::Custom => "another provider, each person signs in",
        }
    }

    /// Whether one application opens all mailboxes; else each person signs in.
    pub fn is_app(self) -> bool {
        matches!(self, Self::MicrosoftApp | Self::GoogleService | Self::CustomApp)
    }

    /// Whether a token opens one mailbox only, though an application asks for it.
    pub fn names_the_mailbox(self) -> bool {
        self == Self::GoogleService
    }

    fn is_microsoft(self) -> bool {
        matches!(self, Self::MicrosoftApp | Self::Microsoft)
    }

    /// What the project keeps in the vault for it, for people; whether it can do without.
    pub fn secret(self) -> (&'static str, bool) {
        match self {
            Self::MicrosoftApp | Self::CustomApp => ("client secret", false),
            Self::GoogleService => ("key of the service account", false),
            Self::Google => ("client secret", false),
            Self::Microsoft | Self::Custom => ("client secret", true),
        }
    }
}

impl SignIn {
    /// This way, with nothing filled in.
    pub fn of(kind: SignInKind) -> Self {
        Self {
            kind,
            cloud: Cloud::default(),
            tenant: String::new(),
            client_id: String::new(),
            token_url: String::new(),
            authorize_url: String::new(),
            device_url: String::new(),
            scope: String::new(),
        }
    }

    /// Where tokens are handed out.
    pub fn token_url(&self) -> String {
        self.address(&self.token_url, "token", "https://oauth2.googleapis.com/token")
    }

    /// Where a person signs in.
    pub fn authorize_url(&self) -> String {
        self.address(&self.authorize_url, "authorize", "https://accounts.google.com/o/oauth2/v2/auth")
    }

    /// Where codes are handed out that a person types elsewhere; none where the provider has no such thing for mail.
    pub fn device_url(&self) -> Option<String> {
        match self.kind {
            SignInKind::Microsoft => Some(self.address(&self.device_url, "devicecode", "")),
            _ => Some(self.device_url.clone()).filter(|url| !url.is_empty()),
        }
    }

    fn address(&self, own: &str, of_microsoft: &str, of_google: &str) -> String {
        if !own.is_empty() || !(self.kind.is_microsoft() || self.is_google()) {
            return own.to_owned();
        }
        if self.is_google() {
            return of_google.to_owned();
        }
        let tenant = if self.tenant.is_empty() { "organizations" } else { &self.tenant };
        format!("https://{}/{tenant}/oauth2/v2.0/{of_microsoft}", self.cloud.login_host())
    }

    /// Whether its provider is Google, whose requests differ a little.
    pub fn is_google(&self) -> bool {
        matches!(self.kind, SignInKind::GoogleService | SignInKind::Google)
    }

    /// What is asked for.
    pub fn scope(&self) -> String {
        if !self.scope.is_empty() {
            return self.scope.clone();
        }
        let (app, person) = self.cloud.resources();
        match self.kind {
            SignInKind::MicrosoftApp => format!("{app}/.default"),
            SignInKind::Microsoft => format!("{person}/IMAP.AccessAsUser.All offline_access"),
            // Shows labels that are hidden from IMAP, and knows no limit of the size of folders.
            SignInKind::GoogleService => "https://www.googleapis.com/auth/gmail.imap_admin".into(),
            SignInKind::Google => "https://mail.google.com/".into(),
            SignInKind::CustomApp | SignInKind::Custom => String::new(),
        }
    }

    /// Whether it can be tried.
    ///
    /// # Errors
    /// The first field that cannot be used.
    pub fn validate(&self) -> Result<(), SignInProblem> {
        let fault = |field, reason: Option<&'static str>| match reason {
            Some(reason) => Err(SignInProblem { field, reason }),
            None => Ok(()),
        };
        fault(SignInField::Tenant, self.tenant_fault())?;
        fault(SignInField::ClientId, self.client_fault())?;
        let custom = matches!(self.kind, SignInKind::CustomApp | SignInKind::Custom);
        let needed = |needed: bool, url: &str| match url {
            "" => needed.then_some("it must be named for another provider, as https://…"),
            url => url_fault(url),
        };
        fault(SignInField::TokenUrl, needed(custom, &self.token_url))?;
        let person = self.kind == SignInKind::Custom && self.device_url.is_empty();
        fault(SignInField::AuthorizeUrl, needed(person, &self.authorize_url))?;
        fault(SignInField::DeviceUrl, needed(false, &self.device_url))?;
        fault(SignInField::Scope, text_fault(&self.scope))
    }

    fn tenant_fault(&self) -> Option<&'static str> {
        if !self.kind.is_microsoft() {
            return (!self.tenant.is_empty()).then_some("only Microsoft has tenants; leave it out");
        }
        let of_all = matches!(self.tenant.as_str(), "common" | "organizations" | "consumers");
        let is_name = |tenant: &str| tenant.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.'));
        match self.tenant.as_str() {
            "" if self.kind.is_app() => Some("name the customer's tenant: its id, or one of its domains"),
            _ if of_all && self.kind.is_app() => {
                Some("an app needs the customer's own tenant: its id, or one of its domains")
            }
            tenant if !is_name(tenant) || tenant.len() > 255 => {
                Some("neither an id nor a domain: write it as contoso.onmicrosoft.com, or as its id")
            }
            _ => None,
        }
    }

    fn client_fault(&self) -> Option<&'static str> {
        match (self.kind, self.client_id.as_str()) {
            (SignInKind::GoogleService, "") => None,
            (SignInKind::GoogleService, _) => Some("a service account brings its own; leave it out"),
            (_, "") => Some("name the application (client) id of the customer's own registration"),
            (kind, id) if kind.is_microsoft() && !is_guid(id) => {
                Some("no application (client) id: that is 36 characters, as 11112222-3333-4444-5555-666677778888")
            }
            (_, id) => text_fault(id),
        }
    }
}

fn is_guid(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    lengths == [8, 4, 4, 4, 12] && text.chars().all(|c| c.is_ascii_hexdigit() || c == '-')
}

fn text_fault(text: &str) -> Option<&'static str> {
    let odd = text.len() > LONGEST || !text.chars().all(|c| c.is_ascii_graphic() || c == ' ');
    odd.then_some("too long, or with characters that cannot be in it")
}

/// What is wrong with an address. Secrets and tokens go there: without protection only within this machine.
pub(super) fn url_fault(url: &str) -> Option<&'static str> {
    match url.split_once("://") {
        Some((scheme, rest)) => url_parts_fault(scheme, rest).or_else(|| text_fault(url)),
        None => Some("no web address; write it as https://HOST/…"),
    }
}

fn url_parts_fault(scheme: &str, rest: &str) -> Option<&'static str> {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    match scheme {
        _ if authority.contains('@') => Some("it holds a user name; leave out everything up to the @"),
        _ if host.is_empty() => Some("it names no host; write it as https://HOST/…"),
        _ if rest.contains(['#', ' ', '\\']) => Some("no address: it holds #, a blank or a backslash"),
        "https" => None,
        "http" if matches!(host, "127.0.0.1" | "localhost" | "::1") => None,
        "http" => Some("unprotected addresses are taken for this machine only; write https://…"),
        _ => Some("no web address; write it as https://HOST/…"),
    }
}

#[cfg(test)]
mod tests;
