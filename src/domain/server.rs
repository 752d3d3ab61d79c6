//! How one side of a project is reached, whatever kind of mailboxes it has. No secrets (they are in the vault).
//!
//! [`Server`] has one variant for each kind, and each kind a module of its own with its form of address. What others want
//! to know of a side (who logs in, whether there is a certificate, which sides it can be) is asked of a method here, which
//! answers for every kind; so a new kind is a variant, and the compiler names the answers that it owes.

mod admin;
mod imap;
mod maildir;

use serde::{Deserialize, Serialize};

pub use admin::{AdminError, AdminLogin, LoginNames};
pub use imap::{ImapServer, Security, Trust, parse_fingerprint};
pub use maildir::{MaildirLayout, MaildirServer};

use super::failure::Side;
use super::item::Mailbox;
use super::maildir_path::PathError;
use super::sign_in::SignIn;

/// What kind of mailboxes a side has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// On an IMAP server.
    #[default]
    Imap,
    /// In Maildir folders of this machine.
    Maildir,
}

/// One side of a project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Server {
    /// An IMAP server.
    Imap(ImapServer),
    /// Maildirs on this machine.
    Maildir(MaildirServer),
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
    /// Another layout of them.
    #[error("behind \"?layout=\" stands fs (folders in folders) or ++ (Maildir++: .A.B)")]
    MaildirLayout,
}

/// What a side was asked for and its kind does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// It can only be the other side.
    #[error("{what} cannot be the {} of a project", .side.word())]
    Side {
        /// What it is.
        what: &'static str,
        /// What it cannot be.
        side: Side,
    },
    /// Nobody opens the mailboxes of others.
    #[error("{0} has no administrator")]
    Administrator(&'static str),
    /// Nobody signs in.
    #[error("nobody signs in to {0}")]
    SignIn(&'static str),
    /// Nothing proves that it is the one that was meant.
    #[error("{0} has no certificate to trust")]
    Certificate(&'static str),
}

impl Kind {
    /// All kinds, in the order in which they are offered.
    pub const ALL: [Self; 2] = [Self::Imap, Self::Maildir];

    /// The sides of a project that it can be.
    fn sides(self) -> &'static [Side] {
        match self {
            Self::Imap | Self::Maildir => &[Side::Source, Side::Destination],
        }
    }

    /// Whether its mailboxes can be this side of a project: some kinds can only be read, others only be written.
    pub fn can_be(self, side: Side) -> bool {
        self.sides().contains(&side)
    }

    /// Whether somebody must log in to open a mailbox.
    pub fn needs_login(self) -> bool {
        match self {
            Self::Imap => true,
            Self::Maildir => false,
        }
    }

    /// Whether one account may open the mailboxes of all items.
    pub fn can_have_administrator(self) -> bool {
        match self {
            Self::Imap => true,
            Self::Maildir => false,
        }
    }
}

impl Server {
    /// Reads `maildir:/path/{email}`, `imaps://host[:port]`, `imap://…` (STARTTLS) or `imap+plain://…`: see the kinds.
    ///
    /// # Errors
    /// What is wrong, without anything that could be a password.
    pub fn parse_url(url: &str) -> Result<Self, UrlError> {
        match MaildirServer::parse_url(url) {
            Some(maildir) => maildir.map(Self::Maildir),
            None => ImapServer::parse_url(url).map(Self::Imap),
        }
    }

    /// Its kind.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Imap(_) => Kind::Imap,
            Self::Maildir(_) => Kind::Maildir,
        }
    }

    /// Whether it can be this side of a project.
    ///
    /// # Errors
    /// It can only be the other one.
    pub fn fits(&self, side: Side) -> Result<(), Unfit> {
        if self.kind().can_be(side) { Ok(()) } else { Err(Unfit::Side { what: self.words(), side }) }
    }

    /// Whether somebody must log in to open a mailbox here.
    pub fn needs_login(&self) -> bool {
        self.kind().needs_login()
    }

    /// The administrator, if one account opens the mailboxes of all items.
    pub fn administrator(&self) -> Option<&AdminLogin> {
        match self {
            Self::Imap(server) => server.admin.as_ref(),
            Self::Maildir(_) => None,
        }
    }

    /// How it is signed in to, if not by password.
    pub fn sign_in(&self) -> Option<&SignIn> {
        match self {
            Self::Imap(server) => server.sign_in.as_deref(),
            Self::Maildir(_) => None,
        }
    }

    /// Has it signed in to another way; none: by password. An administrator logs in by password.
    ///
    /// # Errors
    /// Nobody signs in here.
    pub fn set_sign_in(&mut self, sign_in: Option<SignIn>) -> Result<(), Unfit> {
        match (self, sign_in) {
            (Self::Imap(server), sign_in) => {
                server.admin = server.admin.take().filter(|_| sign_in.is_none());
                server.sign_in = sign_in.map(Box::new);
                Ok(())
            }
            (Self::Maildir(_), None) => Ok(()),
            (server @ Self::Maildir(_), Some(_)) => Err(Unfit::SignIn(server.words())),
        }
    }

    /// Whether each person signs in for their own mailbox.
    pub fn signs_in_by_person(&self) -> bool {
        self.sign_in().is_some_and(|sign_in| !sign_in.kind.is_app())
    }

    /// Whether one login of the project opens all mailboxes: an administrator's, or an application's.
    pub fn shares_login(&self) -> bool {
        self.administrator().is_some() || self.sign_in().is_some_and(|sign_in| sign_in.kind.is_app())
    }

    /// Whether the project has a secret of its own here, whoever's the mailboxes are; some ways can do without.
    pub fn has_secret(&self) -> bool {
        self.administrator().is_some() || self.sign_in().is_some()
    }

    /// Whether nothing can be opened here without the project's own secret.
    pub fn needs_secret(&self) -> bool {
        self.administrator().is_some() || self.sign_in().is_some_and(|sign_in| !sign_in.kind.secret().1)
    }

    /// Whether the project's secret of another server is one of this server too. It never goes to who was not meant to see it.
    pub fn keeps_secret_of(&self, before: &Self) -> bool {
        match (self.sign_in(), before.sign_in()) {
            (None, None) => self.administrator().is_some(),
            (Some(now), Some(then)) => {
                (now.kind, &now.client_id, now.token_url()) == (then.kind, &then.client_id, then.token_url())
            }
            (None, Some(_)) | (Some(_), None) => false,
        }
    }

    /// Lets an administrator open all mailboxes, by password.
    ///
    /// # Errors
    /// This kind has none.
    pub fn set_administrator(&mut self, login: AdminLogin) -> Result<(), Unfit> {
        match self {
            Self::Imap(server) => {
                (server.admin, server.sign_in) = (Some(login), None);
                Ok(())
            }
            Self::Maildir(_) => Err(Unfit::Administrator(self.words())),
        }
    }

    /// Lets each item log in for itself.
    pub fn remove_administrator(&mut self) {
        if let Self::Imap(server) = self {
            server.admin = None;
        }
    }

    /// The same with the administrator, the sign-in and the trust of another one, as far as its kind has them.
    pub fn like(mut self, other: &Self) -> Self {
        if let (Self::Imap(server), Self::Imap(other)) = (&mut self, other) {
            (server.admin, server.sign_in) = (other.admin.clone(), other.sign_in.clone());
            if server.has_certificate() && other.has_certificate() {
                server.trust = other.trust.clone();
            }
        }
        self
    }

    /// Whether it shows a certificate.
    pub fn has_certificate(&self) -> bool {
        match self {
            Self::Imap(server) => server.has_certificate(),
            Self::Maildir(_) => false,
        }
    }

    /// Whom its certificate is checked against.
    ///
    /// # Errors
    /// It shows none.
    pub fn set_trust(&mut self, trust: Trust) -> Result<(), Unfit> {
        let none = Unfit::Certificate(self.words());
        match self {
            Self::Imap(server) if server.has_certificate() => {
                server.trust = trust;
                Ok(())
            }
            Self::Imap(_) | Self::Maildir(_) => Err(none),
        }
    }

    /// How the way to it is protected, for people.
    pub fn protection(&self) -> String {
        match self {
            Self::Imap(server) => server.protection(),
            Self::Maildir(_) => "files on this machine".into(),
        }
    }

    /// What texts call it where it lacks something.
    fn words(&self) -> &'static str {
        match self {
            Self::Imap(server) => server.words(),
            Self::Maildir(_) => "a Maildir",
        }
    }

    /// What texts call it: its host, or words.
    pub fn name(&self) -> &str {
        match self {
            Self::Imap(server) => &server.host,
            Self::Maildir(_) => "the Maildir",
        }
    }

    /// The host of a mail server.
    pub fn host(&self) -> Option<&str> {
        match self {
            Self::Imap(server) => Some(&server.host),
            Self::Maildir(_) => None,
        }
    }

    /// The port it answers at, if it is on a network.
    pub fn port(&self) -> Option<u16> {
        match self {
            Self::Imap(server) => Some(server.port),
            Self::Maildir(_) => None,
        }
    }

    /// Where its mailboxes are, for lists: a host, with its port if that is not the usual one, or the path of Maildirs.
    pub fn place(&self) -> String {
        match self {
            Self::Imap(server) => server.place(),
            Self::Maildir(server) => server.to_string(),
        }
    }

    /// The same with its port, also the usual one: "imap.contoso.example:993".
    pub fn address(&self) -> String {
        match self {
            Self::Imap(server) => server.address(),
            Self::Maildir(server) => server.to_string(),
        }
    }

    /// Whether mailboxes of different addresses are always different ones. Where they are not, two people's mail could be
    /// mixed (`shared_maildir`).
    pub fn keeps_addresses_apart(&self) -> bool {
        match self {
            Self::Imap(_) => true,
            Self::Maildir(_) => false,
        }
    }

    /// The folder of this machine in which a mailbox lies; none where there is no such folder, and for an address that can
    /// have none.
    pub fn folder_of(&self, mailbox: &Mailbox) -> Option<String> {
        match self {
            Self::Imap(_) => None,
            Self::Maildir(server) => server.path.root(mailbox).ok(),
        }
    }

    /// Whether these mailboxes, one on each side of a project, are one and the same.
    pub fn is_same_mailbox(&self, mailbox: &Mailbox, there: &Self, other: &Mailbox) -> bool {
        let here = self.identity(mailbox);
        here.is_some() && here == there.identity(other)
    }

    /// Whether equal addresses and login names are equal mailboxes here and there, however either is reached.
    pub fn is_same_place(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Imap(here), Self::Imap(there)) => here.door() == there.door(),
            (Self::Maildir(here), Self::Maildir(there)) => here.path == there.path,
            (Self::Imap(_), Self::Maildir(_)) | (Self::Maildir(_), Self::Imap(_)) => false,
        }
    }

    /// A mailbox, written so that equal texts are one mailbox; none for an address that can have none.
    fn identity(&self, mailbox: &Mailbox) -> Option<String> {
        match self {
            Self::Imap(server) => Some(server.identity(mailbox)),
            Self::Maildir(server) => server.identity(mailbox),
        }
    }
}

/// The address as [`Server::parse_url`] reads it.
impl std::fmt::Display for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Imap(server) => server.fmt(f),
            Self::Maildir(server) => server.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maildirs_are_read_and_written_back_and_servers_of_before_are_still_read() {
        for (url, back) in [
            ("maildir:/mail/{email}", "maildir:/mail/{email}"),
            (" MAILDIR:///mail/{domain}/{localpart}/ ", "maildir:/mail/{domain}/{localpart}"),
            ("maildir:/mail/{email}/?layout=fs", "maildir:/mail/{email}?layout=fs"),
            ("maildir:/mail/{email}?layout=++", "maildir:/mail/{email}?layout=++"),
        ] {
            let server = Server::parse_url(url).unwrap();
            assert_eq!(server.to_string(), back);
            assert_eq!(Server::parse_url(back).unwrap(), server);
            assert!(!server.needs_login());
            let json = serde_json::to_string(&server).unwrap();
            assert_eq!(serde_json::from_str::<Server>(&json).unwrap(), server);
        }
        assert!(matches!(Server::parse_url("maildir:x"), Err(UrlError::Maildir(_))));
        assert_eq!(Server::parse_url("maildir:/mail/{email}?layout=x"), Err(UrlError::MaildirLayout));
        // However their folders lie, they are the same mailboxes.
        let [one, another] =
            ["", "?layout=fs"].map(|layout| Server::parse_url(&format!("maildir:/mail/{{email}}{layout}")).unwrap());
        assert!(one.is_same_place(&another));
    }

    #[test]
    fn what_is_stored_says_its_kind() {
        for (url, stored) in [
            ("imaps://a", r#"{"kind":"imap","host":"a","port":993,"security":"tls","trust":"system","admin":null}"#),
            ("maildir:/mail/{email}", r#"{"kind":"maildir","path":"/mail/{email}"}"#),
        ] {
            let server = Server::parse_url(url).unwrap();
            assert_eq!(serde_json::to_string(&server).unwrap(), stored);
            assert_eq!(serde_json::from_str::<Server>(stored).unwrap(), server);
        }
    }

    #[test]
    fn a_secret_goes_to_nobody_else() {
        use crate::domain::sign_in::{SignIn, SignInKind};
        let with = |change: fn(&mut Server)| {
            let mut server = Server::parse_url("imaps://a").unwrap();
            change(&mut server);
            server
        };
        let admin: fn(&mut Server) = |server| server.set_administrator(AdminLogin::parse("boss")).unwrap();
        let app: fn(&mut Server) = |server| server.set_sign_in(Some(SignIn::of(SignInKind::CustomApp))).unwrap();
        let elsewhere: fn(&mut Server) = |server| {
            let sign_in = SignIn { token_url: "https://x/token".into(), ..SignIn::of(SignInKind::CustomApp) };
            server.set_sign_in(Some(sign_in)).unwrap();
        };
        let servers = [|_: &mut Server| (), admin, app, elsewhere].map(with);
        for (at, before) in servers.iter().enumerate() {
            let kept = servers.each_ref().map(|after| after.keeps_secret_of(before));
            let expected = [[false, true, false, false], [false, true, false, false]];
            let own = [[false, false, true, false], [false, false, false, true]];
            assert_eq!(kept, if at < 2 { expected[at] } else { own[at - 2] }, "{at}");
        }
        let [password, admin, app, _] = servers;
        assert_eq!([&password, &admin, &app].map(Server::shares_login), [false, true, true]);
        let mut both = admin;
        both.set_sign_in(app.sign_in().cloned()).unwrap();
        assert_eq!(both, app, "a side has one way");
        let mut files = Server::parse_url("maildir:/m/{email}").unwrap();
        assert!(files.set_sign_in(None).is_ok() && files.set_sign_in(app.sign_in().cloned()).is_err());
    }

    #[test]
    fn each_kind_says_what_it_has() {
        let server = |url: &str| Server::parse_url(url).unwrap();
        let [tls, plain, files] = ["imaps://a", "imap+plain://a", "maildir:/m/{email}"].map(server);
        assert_eq!([&tls, &plain, &files].map(|server| server.has_certificate()), [true, false, false]);
        assert_eq!([&tls, &plain, &files].map(|server| server.port()), [Some(993), Some(143), None]);
        for mut side in [tls, plain, files] {
            assert!([Side::Source, Side::Destination].into_iter().all(|at| side.fits(at).is_ok()));
            let (kind, has_certificate) = (side.kind(), side.has_certificate());
            assert_eq!(side.set_trust(Trust::Pinned([0; 32])).is_ok(), has_certificate, "{side}");
            let set = side.set_administrator(AdminLogin::parse("boss"));
            assert_eq!(set.is_ok(), kind.can_have_administrator(), "{side}");
            assert_eq!(side.administrator().is_some(), set.is_ok());
            assert!(set.is_ok() || set.unwrap_err().to_string() == "a Maildir has no administrator");
        }
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
}
