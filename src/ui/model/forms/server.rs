//! One side of a new project.

use std::path::PathBuf;

use zeroize::Zeroizing;

use crate::domain::secret::Secret;
use crate::domain::server::{AdminLogin, Security, Server, Trust, parse_fingerprint};
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

/// What kind of mailboxes a side has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// On a server.
    #[default]
    Imap,
    /// In folders of this computer.
    Maildir,
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
    /// Whether one administrator opens all mailboxes.
    pub administered: bool,
    /// Its login name or template.
    pub admin: String,
    /// Its password.
    pub password: Zeroizing<String>,
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
            administered: false,
            admin: String::new(),
            password: Zeroizing::default(),
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
}

impl ServerForm {
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
        if self.kind == Kind::Maildir {
            return ServerFaults {
                path: self.server().err().map(|error| capital(&error.to_string())),
                ..ServerFaults::default()
            };
        }
        let trust = match self.check {
            _ if self.security == Security::Plain => None,
            Check::System => None,
            Check::File => self.trust.trim().is_empty().then(|| "Name a file of certificates (PEM)".into()),
            Check::Fingerprint => parse_fingerprint(&self.trust)
                .is_none()
                .then(|| "64 hexadecimal digits of a SHA-256 fingerprint".into()),
        };
        let admin = || AdminLogin::parse(self.admin.trim()).validate().err().map(|error| capital(&error.to_string()));
        let password = || self.password.is_empty().then(|| "Enter the administrator's password".into());
        ServerFaults {
            path: None,
            host: self.host_fault(),
            trust,
            admin: self.administered.then(admin).flatten(),
            password: self.administered.then(password).flatten(),
        }
    }

    pub(super) fn ask(&self) -> Option<NewServer> {
        if self.faults() != ServerFaults::default() {
            return None;
        }
        let mut server = self.server().ok()?;
        let mut authorities = None;
        if self.kind == Kind::Maildir {
            return Some(NewServer { server, authorities, password: None });
        }
        match self.check {
            _ if self.security == Security::Plain => {}
            Check::System => {}
            Check::File => authorities = Some(PathBuf::from(self.trust.trim())),
            Check::Fingerprint => server.trust = Trust::Pinned(parse_fingerprint(&self.trust)?),
        }
        server.admin = self.administered.then(|| AdminLogin::parse(self.admin.trim()));
        let password = self.administered.then(|| Secret::new(self.password.as_str()));
        Some(NewServer { server, authorities, password })
    }
}
