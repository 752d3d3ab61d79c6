//! How one side of a project is reached: kind, host, security, logins. No secrets (they are in the vault).

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::item::Mailbox;
use super::maildir_path::{MaildirPath, PathError};

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

/// One side of a project: an IMAP server, or Maildirs on this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    /// Where the Maildirs lie. Then there is no host, no protection, no login: the other fields say nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maildir: Option<MaildirPath>,
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

/// A server address that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// No `scheme://` at the head.
    #[error(
        "the address names no protocol; write imaps://HOST, imap://HOST (STARTTLS), imap+plain://HOST or maildir:/PATH"
    )]
    NoScheme,
    /// Another scheme.
    #[error("\"{0}://\" is not known; write imaps://, imap:// (STARTTLS) or imap+plain:// (no protection)")]
    UnknownScheme(String),
    /// `user@` or `user:password@`. The text does not repeat it: it may hold a password.
    #[error("the address holds a user name; leave out everything up to the @, logins belong to the items")]
    UserInfo,
    /// A path, query or fragment behind the host.
    #[error("the address goes on behind the host; leave out everything from \"{0}\" on")]
    Rest(char),
    /// Nothing where the host should be.
    #[error("the address names no host; write imaps://HOST")]
    NoHost,
    /// A host name with characters that host names do not have.
    #[error(
        "\"{0}\" is no host name; names of other scripts are written in their xn-- form, IPv6 addresses in brackets"
    )]
    BadHost(String),
    /// A port that is no number from 1 to 65535.
    #[error("the port \"{0}\" is no number from 1 to 65535")]
    BadPort(String),
    /// A path to Maildirs.
    #[error(transparent)]
    Maildir(#[from] PathError),
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

impl Server {
    /// Maildirs on this machine.
    pub fn of_maildir(path: MaildirPath) -> Self {
        let (host, security, trust) = (String::new(), Security::Plain, Trust::System);
        Self { maildir: Some(path), host, port: 0, security, trust, admin: None }
    }

    /// Whether somebody must log in to open a mailbox here.
    pub fn needs_login(&self) -> bool {
        self.maildir.is_none()
    }

    /// What texts call it: its host, or words.
    pub fn name(&self) -> &str {
        if self.maildir.is_some() { "the Maildir" } else { &self.host }
    }

    /// Where its mailboxes are, for lists: a host, or the path of Maildirs.
    pub fn place(&self) -> Cow<'_, str> {
        if self.maildir.is_some() { self.to_string().into() } else { self.host.as_str().into() }
    }

    /// Whether these mailboxes, one on each side of a project, are one and the same.
    pub fn is_same_mailbox(&self, mailbox: &Mailbox, there: &Self, other: &Mailbox) -> bool {
        match (&self.maildir, &there.maildir) {
            (Some(path), Some(other_path)) => {
                let roots = (path.root(mailbox), other_path.root(other));
                matches!(roots, (Ok(a), Ok(b)) if a.eq_ignore_ascii_case(&b))
            }
            (None, None) => {
                (&self.host, self.port) == (&there.host, there.port)
                    && mailbox.login_name().eq_ignore_ascii_case(other.login_name())
            }
            (Some(_), None) | (None, Some(_)) => false,
        }
    }

    /// Reads `maildir:/path/{email}`, `imaps://host[:port]`, `imap://…` (STARTTLS) or `imap+plain://…`; IPv6 addresses stand in brackets, which
    /// [`Server::host`] does not keep. Host names become lower case; one `/` at the end is forgiven. The certificate is
    /// checked against the system, and no administrator is set.
    ///
    /// # Errors
    /// What is wrong, without anything that could be a password.
    pub fn parse_url(url: &str) -> Result<Self, UrlError> {
        let scheme = "maildir:";
        if let Some((_, path)) =
            url.trim().split_at_checked(scheme.len()).filter(|(head, _)| head.eq_ignore_ascii_case(scheme))
        {
            // Some will write maildir:///path, as with file:.
            let path = path.strip_prefix("//").filter(|rest| rest.starts_with('/')).unwrap_or(path);
            return Ok(Self::of_maildir(MaildirPath::parse(path)?));
        }
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
        Ok(Self { maildir: None, host: host.to_ascii_lowercase(), port, security, trust: Trust::System, admin: None })
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

/// The address as [`Server::parse_url`] reads it; the port only when it is not the usual one.
impl std::fmt::Display for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(path) = &self.maildir {
            return write!(f, "maildir:{path}");
        }
        let scheme = self.security.scheme();
        match self.host.contains(':') {
            true => write!(f, "{scheme}://[{}]", self.host)?,
            false => write!(f, "{scheme}://{}", self.host)?,
        }
        if self.port != self.security.default_port() {
            write!(f, ":{}", self.port)?;
        }
        Ok(())
    }
}

/// What to authenticate with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginNames {
    /// Whose password is sent.
    pub login: String,
    /// The mailbox to open instead (SASL authorization identity); none when the login names it.
    pub authorization: Option<String>,
}

/// An administrator login that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdminError {
    /// Nothing given.
    #[error("the administrator's login name is empty; write a login name or a template such as {{user}}*admin")]
    Empty,
    /// A brace without its partner, or something else between braces.
    #[error("the template \"{0}\" may hold {{user}}, {{localpart}} and {{domain}}, and no other braces")]
    Template(String),
    /// A template that is the same for every mailbox of a domain.
    #[error("the template \"{0}\" opens the same mailbox for everybody; it needs {{user}} or {{localpart}}")]
    SameForAll(String),
}

impl AdminLogin {
    /// Whether it can be used, told when it is typed in.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn validate(&self) -> Result<(), AdminError> {
        let (Self::AuthorizationId { login: text } | Self::Template { template: text }) = self;
        if text.trim().is_empty() {
            return Err(AdminError::Empty);
        }
        if let Self::Template { template } = self {
            let bare = template.replace("{user}", "").replace("{localpart}", "");
            if bare.replace("{domain}", "").contains(['{', '}']) {
                return Err(AdminError::Template(template.clone()));
            }
            if bare == *template {
                return Err(AdminError::SameForAll(template.clone()));
            }
        }
        Ok(())
    }

    /// The names that open this mailbox. `mailbox` is the item's login name; in templates `{user}` is all of it,
    /// `{localpart}` and `{domain}` are what stands before and behind its last `@` (without one: all, and nothing).
    pub fn names(&self, mailbox: &str) -> LoginNames {
        match self {
            Self::AuthorizationId { login } => {
                LoginNames { login: login.clone(), authorization: Some(mailbox.to_owned()) }
            }
            Self::Template { template } => LoginNames { login: expand(template, mailbox), authorization: None },
        }
    }
}

/// One pass over the template, so that braces inside a login name are left alone.
fn expand(template: &str, mailbox: &str) -> String {
    let (local, domain) = mailbox.rsplit_once('@').unwrap_or((mailbox, ""));
    let mut login = String::with_capacity(template.len() + mailbox.len());
    let mut rest = template;
    while let Some(at) = rest.find('{') {
        login.push_str(&rest[..at]);
        rest = &rest[at..];
        let known = [("{user}", mailbox), ("{localpart}", local), ("{domain}", domain)];
        let (taken, value) = known.into_iter().find(|(word, _)| rest.starts_with(word)).unwrap_or(("{", "{"));
        login.push_str(value);
        rest = &rest[taken.len()..];
    }
    login + rest
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
            let server = Server::parse_url(url).unwrap();
            assert_eq!((server.host.as_str(), server.port, server.security), (host, port, security), "{url}");
            assert_eq!(server.to_string(), back);
            assert_eq!(Server::parse_url(back).unwrap(), server);
        }
    }

    #[test]
    fn maildirs_are_read_and_written_back_and_servers_of_before_are_still_read() {
        for (url, back) in [
            ("maildir:/mail/{email}", "maildir:/mail/{email}"),
            (" MAILDIR:///mail/{domain}/{localpart}/ ", "maildir:/mail/{domain}/{localpart}"),
        ] {
            let server = Server::parse_url(url).unwrap();
            assert_eq!(server.to_string(), back);
            assert_eq!(Server::parse_url(back).unwrap(), server);
            assert!(!server.needs_login());
            let json = serde_json::to_string(&server).unwrap();
            assert_eq!(serde_json::from_str::<Server>(&json).unwrap(), server);
        }
        assert!(matches!(Server::parse_url("maildir:x"), Err(UrlError::Maildir(_))));
        let before = r#"{"host":"a","port":993,"security":"tls","trust":"system","admin":null}"#;
        let server: Server = serde_json::from_str(before).unwrap();
        assert_eq!(server, Server::parse_url("imaps://a").unwrap());
        assert_eq!(serde_json::to_string(&server).unwrap(), before);
    }

    #[test]
    fn one_mailbox_is_not_copied_into_itself() {
        let mailbox = |email: &str| Mailbox { email: email.into(), login: None, credential: None };
        let same = |a: &str, b: &str, x: &str, y: &str| {
            Server::parse_url(a).unwrap().is_same_mailbox(&mailbox(x), &Server::parse_url(b).unwrap(), &mailbox(y))
        };
        assert!(same("imaps://a", "imaps://A", "x@a", "X@a"));
        assert!(!same("imaps://a", "imaps://a:994", "x@a", "x@a"));
        assert!(same("maildir:/m/{email}", "maildir:/m/{localpart}@a", "x@a", "x@b"));
        assert!(!same("maildir:/m/{email}", "maildir:/n/{email}", "x@a", "x@a"));
        assert!(!same("maildir:/m/{email}", "imaps://a", "x@a", "x@a"));
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
            assert_eq!(Server::parse_url(url), Err(error), "{url}");
        }
        assert!(!UserInfo.to_string().contains("hunter2"));
    }

    #[test]
    fn administrator_logins_are_expanded() {
        let names = |text: &str| {
            let n = AdminLogin::parse(text).names("anna@x.example");
            (n.login, n.authorization)
        };
        assert_eq!(names("{user}*admin"), ("anna@x.example*admin".into(), None));
        assert_eq!(names("{domain}\\{localpart}"), ("x.example\\anna".into(), None));
        assert_eq!(names("root"), ("root".into(), Some("anna@x.example".into())));
        assert_eq!(AdminLogin::parse("{localpart}{user}").names("{domain}").login, "{domain}{domain}");
        for good in ["root", "{user}*admin", "{localpart}+{domain}"] {
            assert_eq!(AdminLogin::parse(good).validate(), Ok(()), "{good}");
        }
        assert_eq!(AdminLogin::parse(" ").validate(), Err(AdminError::Empty));
        for bad in ["{User}", "{user", "{user}}"] {
            assert!(matches!(AdminLogin::parse(bad).validate(), Err(AdminError::Template(_))), "{bad}");
        }
        assert!(matches!(AdminLogin::parse("admin@{domain}").validate(), Err(AdminError::SameForAll(_))));
        assert!(AdminError::Empty.to_string().contains("{user}*admin"));
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
