//! One side of a new project.

use std::path::PathBuf;

use zeroize::Zeroizing;

use super::{Finder, SignInFaults, SignInFields};
use crate::domain::proposal::Proposal;
use crate::domain::provider::MailProvider;
use crate::domain::secret::Secret;
use crate::domain::server::{AdminLogin, Kind, Security, Server, Trust, parse_fingerprint};
use crate::domain::wording::capital;
use crate::service::projects::NewServer;

/// How a certificate is checked, as the form offers it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Check {
    /// By the system.
    #[default]
    System,
    /// By a file of certificates.
    File,
    /// By its fingerprint.
    Fingerprint,
}

/// One side of a new project as it was typed.
#[derive(Clone)]
pub struct ServerForm {
    /// What kind of mailboxes; the fields of the other kind keep what was typed and count for nothing.
    pub kind: Kind,
    /// Where Maildirs lie, with `{email}` or the like.
    pub path: String,
    /// Host, or host and port.
    pub host: String,
    /// How the connection is protected.
    pub security: Security,
    /// How the certificate is checked.
    pub check: Check,
    /// The file or the fingerprint.
    pub trust: String,
    /// Settings that are looked for by an address.
    pub finder: Finder,
    /// How it is signed in to, if not by password.
    pub sign_in: SignInFields,
    /// Whether one administrator opens all mailboxes.
    pub administered: bool,
    /// Its login name or template.
    pub admin: String,
    /// Its password.
    pub password: Zeroizing<String>,
    /// The server as it is, if it is not a new one: a file of certificates and a password that it has need not be given again.
    pub(super) before: Option<Server>,
}

impl Default for ServerForm {
    fn default() -> Self {
        Self {
            kind: Kind::Imap,
            path: String::new(),
            host: String::new(),
            security: Security::Tls,
            check: Check::System,
            trust: String::new(),
            finder: Finder::default(),
            sign_in: SignInFields::default(),
            administered: false,
            admin: String::new(),
            password: Zeroizing::default(),
            before: None,
        }
    }
}

/// What is wrong with a field; no entry, no fault.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerFaults {
    /// With the path of Maildirs.
    pub path: Option<String>,
    /// With the host.
    pub host: Option<String>,
    /// With file or fingerprint.
    pub trust: Option<String>,
    /// With the administrator's login.
    pub admin: Option<String>,
    /// With its password.
    pub password: Option<String>,
    /// With how it is signed in to.
    pub sign_in: SignInFaults,
}

impl ServerForm {
    /// For a server as it is.
    pub fn of(server: &Server) -> Self {
        let sign_in = SignInFields::of(server);
        let mut form = Self { kind: server.kind(), sign_in, before: Some(server.clone()), ..Self::default() };
        let address = server.to_string();
        match server {
            Server::Imap(imap) => {
                form.host = address.split_once("://").map_or(address.as_str(), |(_, host)| host).to_owned();
                form.security = imap.security;
                (form.check, form.trust) = match &imap.trust {
                    Trust::System => (Check::System, String::new()),
                    Trust::Authorities(_) => (Check::File, String::new()),
                    Trust::Pinned(hash) => {
                        (Check::Fingerprint, hash.iter().map(|byte| format!("{byte:02x}")).collect())
                    }
                };
            }
            Server::Maildir(maildir) => form.path = maildir.written(),
        }
        if let Some(AdminLogin::AuthorizationId { login: text } | AdminLogin::Template { template: text }) =
            server.administrator()
        {
            (form.administered, form.admin) = (true, text.clone());
        }
        form
    }

    /// Takes settings that were found. How its certificate is checked is said anew: what was said is of another server.
    pub fn take(&mut self, found: &Proposal) {
        let address = found.server.to_string();
        self.host = address.split_once("://").map_or(address.as_str(), |(_, host)| host).to_owned();
        (self.security, self.check) = (found.server.security, Check::System);
        self.trust.clear();
        let only_by = MailProvider::of_host(&found.server.host).and_then(|provider| provider.only_by);
        self.sign_in.kind = self.sign_in.kind.or(only_by);
    }

    /// The certificates that the server as it is trusts, if a file of them was read.
    fn known_authorities(&self) -> Option<&Trust> {
        match &self.before {
            Some(Server::Imap(imap)) => Some(&imap.trust).filter(|trust| matches!(trust, Trust::Authorities(_))),
            _ => None,
        }
    }

    /// Whether a file of certificates was read before.
    pub fn trusts_known_file(&self) -> bool {
        self.known_authorities().is_some()
    }

    /// Whether the administrator is the one whose password is known.
    pub fn is_known_administrator(&self) -> bool {
        let known = self.before.as_ref().and_then(Server::administrator);
        known.is_some_and(|known| *known == AdminLogin::parse(self.admin.trim()))
    }

    fn server(&self) -> Result<Server, String> {
        let url = match self.kind {
            Kind::Imap => format!("{}://{}", self.security.scheme(), self.host.trim()),
            Kind::Maildir => format!("maildir:{}", self.path.trim()),
        };
        Server::parse_url(&url).map_err(|error| error.to_string())
    }

    /// The field takes a host, not an address with its scheme, whatever people have at hand.
    fn host_fault(&self) -> Option<String> {
        if self.host.trim().is_empty() {
            return Some("Enter a host, such as imap.example.com".into());
        }
        if self.host.contains("://") {
            return Some("Enter only the host: how it is protected is chosen below".into());
        }
        self.server().err().map(|error| capital(&error.to_string()))
    }

    /// What is wrong with it.
    pub fn faults(&self) -> ServerFaults {
        match self.kind {
            Kind::Imap => self.faults_of_imap(),
            Kind::Maildir => ServerFaults {
                path: self.server().err().map(|error| capital(&error.to_string())),
                ..ServerFaults::default()
            },
        }
    }

    fn faults_of_imap(&self) -> ServerFaults {
        let trust = match self.checks() {
            Check::System => None,
            Check::File => {
                let missing = self.trust.trim().is_empty() && self.known_authorities().is_none();
                missing.then(|| "Name a file of certificates (PEM)".into())
            }
            Check::Fingerprint => parse_fingerprint(&self.trust)
                .is_none()
                .then(|| "64 hexadecimal digits of a SHA-256 fingerprint".into()),
        };
        let admin = || AdminLogin::parse(self.admin.trim()).validate().err().map(|error| capital(&error.to_string()));
        let missing = self.password.is_empty() && !self.is_known_administrator();
        let password = || missing.then(|| "Enter the administrator's password".into());
        ServerFaults {
            path: None,
            host: self.host_fault(),
            trust,
            admin: self.has_administrator().then(admin).flatten(),
            password: self.has_administrator().then(password).flatten(),
            sign_in: self.sign_in.faults(),
        }
    }

    /// How the certificate is checked, if there is one: what was chosen for another kind of protection says nothing.
    fn checks(&self) -> Check {
        match self.security {
            Security::Plain => Check::System,
            Security::Tls | Security::StartTls => self.check,
        }
    }

    /// Whether one administrator opens all mailboxes, whose password comes with the form.
    pub(super) fn has_administrator(&self) -> bool {
        self.administered && self.sign_in.kind.is_none() && self.kind.can_have_administrator()
    }

    /// Whether a secret comes with it.
    pub(super) fn brings_secret(&self) -> bool {
        let by_token = self.kind == Kind::Imap && self.sign_in.secret() != (None, None);
        by_token || self.has_administrator() && !self.password.is_empty()
    }

    /// The server without whoever logs in, if its fields can be used.
    pub(super) fn server_alone(&self) -> Option<NewServer> {
        Self { administered: false, sign_in: SignInFields::default(), ..self.clone() }.ask()
    }

    pub(super) fn ask(&self) -> Option<NewServer> {
        if self.faults() != ServerFaults::default() {
            return None;
        }
        let mut server = self.server().ok()?;
        let mut authorities = None;
        if server.has_certificate() {
            match self.checks() {
                Check::System => {}
                Check::File if self.trust.trim().is_empty() => {
                    server.set_trust(self.known_authorities()?.clone()).ok()?
                }
                Check::File => authorities = Some(PathBuf::from(self.trust.trim())),
                Check::Fingerprint => server.set_trust(Trust::Pinned(parse_fingerprint(&self.trust)?)).ok()?,
            }
        }
        let (mut password, mut key_file) = (None, None);
        if self.has_administrator() {
            server.set_administrator(AdminLogin::parse(self.admin.trim())).ok()?;
            password = (!self.password.is_empty()).then(|| Secret::new(self.password.as_str()));
        } else if self.kind == Kind::Imap {
            server.set_sign_in(self.sign_in.sign_in()).ok()?;
            (password, key_file) = self.sign_in.secret();
        }
        Some(NewServer { server, authorities, password, key_file })
    }
}
