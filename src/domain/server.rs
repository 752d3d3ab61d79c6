//! How one side of a project is reached: kind, host, security, logins. No secrets (they are in the vault).

use serde::{Deserialize, Serialize};

/// How the connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Security {
    /// TLS from the first byte (`imaps://`, port 993).
    Tls,
    /// Plain first, then STARTTLS, which must succeed (`imap://`, port 143).
    StartTls,
    /// No protection; only when asked for by name (`imap+plain://`, port 143).
    Plain,
}

/// Whom the server's certificate is checked against.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trust {
    /// The operating system's trust store.
    System,
    /// The certificates of this PEM text. One that the server itself presents counts as a pin.
    Authorities(String),
    /// Exactly the certificate with this SHA-256 fingerprint.
    Pinned([u8; 32]),
}

/// How the administrator's account opens the mailboxes of others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AdminLogin {
    /// SASL PLAIN: the administrator authenticates, the item's login name is the authorization identity (RFC 4616).
    AuthorizationId {
        /// The administrator's own login name.
        login: String,
    },
    /// A login name made from a template with `{user}`, `{localpart}`, `{domain}`: `{user}*admin`.
    Template {
        /// The template.
        template: String,
    },
}

impl AdminLogin {
    /// What `--source-admin LOGIN` means: with `{` a template, else the administrator's login for PLAIN.
    pub fn parse(text: &str) -> Self {
        if text.contains('{') {
            Self::Template { template: text.to_owned() }
        } else {
            Self::AuthorizationId { login: text.to_owned() }
        }
    }
}

/// One side of a project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Protection of the connection.
    pub security: Security,
    /// Whom to trust.
    pub trust: Trust,
    /// The administrator, if every item is opened by one account.
    pub admin: Option<AdminLogin>,
}

// Server::parse_url(&str) -> Result<Server, UrlError>   imaps://host[:port], imap://…, imap+plain://…; IPv6 in brackets;
// refuses user info, path, query, unknown schemes, bad ports, each with a clear text. Display writes the URL back.
