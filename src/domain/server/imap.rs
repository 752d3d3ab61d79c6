//! An IMAP server: where it answers, how the connection to it is protected, and who opens its mailboxes.

#![deny(clippy::indexing_slicing, clippy::string_slice, reason = "it reads what strangers wrote")]

use serde::{Deserialize, Serialize};

use super::{AdminLogin, UrlError};
use crate::domain::item::Mailbox;
use crate::domain::sign_in::SignIn;

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

impl Security {
    /// The scheme of an address.
    pub fn scheme(self) -> &'static str {
        match self {
            Self::Tls => "imaps",
            Self::StartTls => "imap",
            Self::Plain => "imap+plain",
        }
    }

    /// The port when none is named.
    pub fn default_port(self) -> u16 {
        match self {
            Self::Tls => 993,
            Self::StartTls | Self::Plain => 143,
        }
    }
}

/// A SHA-256 fingerprint from 64 hexadecimal digits, with or without colons or blanks between them.
pub fn parse_fingerprint(hex: &str) -> Option<[u8; 32]> {
    let digits: Vec<u8> = hex.bytes().filter(|b| !matches!(b, b':' | b' ')).collect();
    let text = std::str::from_utf8(&digits).ok().filter(|text| text.is_ascii() && text.len() == 64)?;
    let mut out = [0; 32];
    for (at, byte) in out.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(at * 2..at * 2 + 2)?, 16).ok()?;
    }
    Some(out)
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

/// An IMAP server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImapServer {
    /// Host name or address; an IPv6 address without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Protection of the connection.
    pub security: Security,
    /// Whom to trust.
    pub trust: Trust,
    /// The administrator, if every item is opened by one account.
    pub admin: Option<AdminLogin>,
    /// How it is signed in to; none: by password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sign_in: Option<Box<SignIn>>,
}

impl ImapServer {
    /// Reads `imaps://host[:port]`, `imap://…` (STARTTLS) or `imap+plain://…`; IPv6 addresses stand in brackets, which
    /// [`ImapServer::host`] does not keep. Host names become lower case; one `/` at the end is forgiven. The certificate is
    /// checked against the system, and no administrator is set.
    ///
    /// # Errors
    /// What is wrong, without anything that could be a password.
    pub fn parse_url(url: &str) -> Result<Self, UrlError> {
        let (scheme, rest) = url.trim().split_once("://").ok_or(UrlError::NoScheme)?;
        let known = [Security::Tls, Security::StartTls, Security::Plain];
        let security = known
            .into_iter()
            .find(|s| s.scheme().eq_ignore_ascii_case(scheme))
            .ok_or_else(|| UrlError::UnknownScheme(scheme.chars().filter(|c| !c.is_control()).take(20).collect()))?;
        if rest.contains('@') {
            return Err(UrlError::UserInfo);
        }
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if let Some(more) = rest.chars().find(|c| "/?#\\".contains(*c)) {
            return Err(UrlError::Rest(more));
        }
        let (host, port) = match rest.strip_prefix('[') {
            Some(bracketed) => {
                let (host, port) = bracketed.split_once(']').ok_or_else(|| UrlError::BadHost(shown(rest)))?;
                if host.parse::<std::net::Ipv6Addr>().is_err() {
                    return Err(UrlError::BadHost(shown(host)));
                }
                match port.strip_prefix(':') {
                    Some(port) => (host, Some(port)),
                    None if port.is_empty() => (host, None),
                    None => return Err(UrlError::BadHost(shown(rest))),
                }
            }
            None => {
                let (host, port) = rest.split_once(':').map_or((rest, None), |(host, port)| (host, Some(port)));
                if host.is_empty() {
                    return Err(UrlError::NoHost);
                }
                if port.is_some_and(|p| p.contains(':')) || !is_host_name(host) {
                    return Err(UrlError::BadHost(shown(if is_host_name(host) { rest } else { host })));
                }
                (host, port)
            }
        };
        let digits = |p: &&str| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit());
        let port = match port {
            None => security.default_port(),
            Some(text) => Some(text)
                .filter(digits)
                .and_then(|p| p.parse().ok())
                .filter(|p| *p != 0)
                .ok_or_else(|| UrlError::BadPort(shown(text)))?,
        };
        Ok(Self { host: host.to_ascii_lowercase(), port, security, trust: Trust::System, admin: None, sign_in: None })
    }

    /// Its host, with its port if that is not the usual one.
    pub(super) fn place(&self) -> String {
        if self.port == self.security.default_port() { self.bracketed() } else { self.address() }
    }

    /// Its host and port.
    pub(super) fn address(&self) -> String {
        format!("{}:{}", self.bracketed(), self.port)
    }

    fn bracketed(&self) -> String {
        if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() }
    }

    /// What texts call it where it lacks something.
    pub(super) fn words(&self) -> &'static str {
        match self.security {
            Security::Tls | Security::StartTls => "an IMAP server",
            Security::Plain => "imap+plain",
        }
    }

    /// How the way to it is protected, for people.
    pub(super) fn protection(&self) -> String {
        if !self.has_certificate() {
            return "no encryption".into();
        }
        match &self.trust {
            Trust::System => "certificate checked by the system's trust store".into(),
            Trust::Authorities(_) => "certificate checked by its own CA file".into(),
            Trust::Pinned(hash) => {
                let hex: Vec<String> = hash.iter().map(|byte| format!("{byte:02X}")).collect();
                format!("certificate pinned, SHA-256 {}", hex.join(":"))
            }
        }
    }

    pub(super) fn has_certificate(&self) -> bool {
        match self.security {
            Security::Tls | Security::StartTls => true,
            Security::Plain => false,
        }
    }

    /// The mailbox, written so that equal texts are one mailbox of one server.
    pub(super) fn identity(&self, mailbox: &Mailbox) -> String {
        format!("imap {} {} {}", self.host, self.port, mailbox.login_name().to_ascii_lowercase())
    }

    /// The mailbox by its login name and by its address, whichever door of the server is taken.
    /// Written so that one text in common is one mailbox in common, but for case ([`crate::domain::mailbox_key`]).
    pub fn places(&self, mailbox: &Mailbox) -> [String; 2] {
        let door = self.door();
        [mailbox.login_name(), &mailbox.email].map(|name| format!("imap {door} {name}"))
    }

    /// The server, written so that equal texts are one server.
    pub(super) fn door(&self) -> String {
        // One server answers at both of these.
        let port = match self.port {
            143 | 993 => "usual".to_owned(),
            port => port.to_string(),
        };
        let host = self.host.strip_suffix('.').unwrap_or(&self.host);
        format!("{} {port}", host.to_ascii_lowercase())
    }
}

/// The address as [`ImapServer::parse_url`] reads it; the port only when it is not the usual one.
impl std::fmt::Display for ImapServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}://{}", self.security.scheme(), self.place())
    }
}

fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(80).collect()
}

fn is_host_name(host: &str) -> bool {
    let label = |l: &str| {
        (1..=63).contains(&l.len())
            && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && !l.starts_with('-')
            && !l.ends_with('-')
    };
    host.len() <= 253 && host.strip_suffix('.').unwrap_or(host).split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_written_back() {
        for (url, host, port, security, back) in [
            ("imaps://Imap.Example.com", "imap.example.com", 993, Security::Tls, "imaps://imap.example.com"),
            (" IMAPS://a.example:993/ ", "a.example", 993, Security::Tls, "imaps://a.example"),
            ("imap://a:1143", "a", 1143, Security::StartTls, "imap://a:1143"),
            ("imap+plain://127.0.0.1", "127.0.0.1", 143, Security::Plain, "imap+plain://127.0.0.1"),
            ("imaps://[2001:DB8::1]:10993", "2001:db8::1", 10993, Security::Tls, "imaps://[2001:db8::1]:10993"),
            (
                "imaps://xn--mnchen-3ya.example.",
                "xn--mnchen-3ya.example.",
                993,
                Security::Tls,
                "imaps://xn--mnchen-3ya.example.",
            ),
        ] {
            let server = ImapServer::parse_url(url).unwrap();
            assert_eq!((server.host.as_str(), server.port, server.security), (host, port, security), "{url}");
            assert_eq!(server.to_string(), back);
            assert_eq!(ImapServer::parse_url(back).unwrap(), server);
        }
    }

    #[test]
    fn wrong_addresses_are_refused_with_the_reason() {
        use UrlError::*;
        for (url, error) in [
            ("imap.example.com", NoScheme),
            ("https://a", UnknownScheme("https".into())),
            ("imaps://anna:hunter2@a", UserInfo),
            ("imaps://a/INBOX", Rest('/')),
            ("imaps://a?x", Rest('?')),
            ("imaps://", NoHost),
            ("imaps://:993", NoHost),
            ("imaps://a b", BadHost("a b".into())),
            ("imaps://münchen.example", BadHost("münchen.example".into())),
            ("imaps://2001:db8::1", BadHost("2001:db8::1".into())),
            ("imaps://[2001:db8::1", BadHost("[2001:db8::1".into())),
            ("imaps://[x]", BadHost("x".into())),
            ("imaps://a..b", BadHost("a..b".into())),
            ("imaps://a:", BadPort(String::new())),
            ("imaps://a:0", BadPort("0".into())),
            ("imaps://a:65536", BadPort("65536".into())),
            ("imaps://a:+1", BadPort("+1".into())),
        ] {
            assert_eq!(ImapServer::parse_url(url), Err(error), "{url}");
        }
        assert!(!UserInfo.to_string().contains("hunter2"));
    }

    #[test]
    fn fingerprints_are_read_with_and_without_colons() {
        let plain = "00ff".repeat(16);
        let colons = plain.as_bytes().chunks(2).map(|p| String::from_utf8_lossy(p).to_uppercase()).collect::<Vec<_>>();
        assert!(parse_fingerprint(&plain).is_some());
        assert_eq!(parse_fingerprint(&plain), parse_fingerprint(&colons.join(":")));
        for wrong in ["", "00", &"0g".repeat(32), &"é".repeat(32), &"00".repeat(33)] {
            assert!(parse_fingerprint(wrong).is_none(), "{wrong}");
        }
    }
}
