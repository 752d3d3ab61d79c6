//! What went wrong: how much of the work it spoils and whether trying again can help.
//!
//! A failure is classified once, by the endpoint that met it (response codes first, texts second). The engine acts on
//! `scope` and `retry`; people read the wording made from `cause` in [`super::wording`].

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::plain_text::shown;

/// One of the two sides of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Where mail is read; never changed.
    Source,
    /// Where mail is written.
    Destination,
}

impl Side {
    /// The word for people: `source` or `destination`.
    pub fn word(self) -> &'static str {
        match self {
            Side::Source => "source",
            Side::Destination => "destination",
        }
    }
}

/// How much of the work a failure spoils.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// This message only; the session goes on.
    Message,
    /// This folder only; the session goes on.
    Folder,
    /// The connection is unusable (lost, closed, out of step); a new one may work.
    Connection,
    /// The whole mailbox: login, quota, wrong mailbox.
    Mailbox,
    /// The server as a whole, so every item that uses it.
    Endpoint,
}

/// Whether and when trying again can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Retry {
    /// A try may work at once (a lost connection), with growing pauses after that (D22).
    Backoff,
    /// The server named a pause; it is obeyed and costs no try.
    After(Duration),
    /// A limit of hours (daily bandwidth): long pauses, no try used up.
    Later,
    /// Only after a person changed something.
    User,
    /// Never.
    Never,
}

impl Retry {
    /// Whether a person may have it tried before the pause ends: never where a server named the pause, or the options do.
    pub fn may_be_hurried(self) -> bool {
        matches!(self, Self::Backoff | Self::Later)
    }
}

/// What kind of thing went wrong. The wording table has one row for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The mailbox owner's login was refused.
    LoginRefused,
    /// The administrator's login was refused (D24: holds every other item of the endpoint).
    AdministratorLoginRefused,
    /// It was refused when somebody else tried it, and is not tried again until a person says so (D24).
    AdministratorLoginHeld,
    /// The provider refused the application or its secret (D24: holds every other item of the endpoint).
    SignInRefused,
    /// It was refused for somebody else, and is not asked again until a person says so (D24).
    SignInHeld,
    /// The provider granted a token that lacks a right, or is of another tenant or for another service.
    TokenUnfit,
    /// A person's sign-in has ended, or was never there.
    SignInEnded,
    /// The server did not open a mailbox with the token that the provider granted.
    TokenRefused,
    /// The provider that signs in is busy or has a passing trouble.
    SignInBusy,
    /// The provider refused a signature, and this computer's clock is off.
    ClockOff,
    /// Login accepted, mailbox not opened.
    MailboxNotOpened,
    /// No Maildir at its place, or not to be used.
    MaildirNotOpened,
    /// This kind of mailbox cannot be this side.
    WrongSide,
    /// Source and destination are one mailbox.
    SameMailbox,
    /// Several items look identical: the administrator's login opens its own mailbox for each of them.
    AdministratorStays,
    /// Another item with another source has this destination.
    SharedDestination,
    /// The name of the server leads to no address.
    NameUnknown,
    /// Connections to the port are refused: nothing listens there, or a firewall answers for it.
    PortClosed,
    /// No answer from the address, or no way there.
    Unreachable,
    /// The server took the connection and said nothing.
    NoGreeting,
    /// The server took the connection and closed it without a greeting.
    ClosedUngreeted,
    /// The issuer of the certificate could not be verified, or it is not accepted for another reason.
    CertificateNotTrusted,
    /// The certificate has expired, or is not valid yet.
    CertificateOutOfDate,
    /// The certificate was made for another name.
    CertificateOfAnother,
    /// What answers at the port does not speak TLS.
    NotTls,
    /// TLS failed for another reason, or STARTTLS is not offered.
    TlsFailed,
    /// Something else than an IMAP server answers at the port, or TLS where none was spoken.
    NoImap,
    /// The server greeted with a refusal of whoever comes.
    TurnedAway,
    /// The server takes no passwords, or none on a connection like this: none was sent, or none was looked at.
    NoPasswords,
    /// The connection was closed or reset.
    ConnectionLost,
    /// Nothing was heard for longer than the time-out.
    TimedOut,
    /// This computer slept, or is in another network: connections from before are dead.
    OwnNetwork,
    /// The session is over, by its age or by what was refused in it; the login is as good as before.
    SessionEnded,
    /// The server said something that is no IMAP, or not an answer to what was asked.
    Nonsense,
    /// The server asked for a slower pace.
    Throttled,
    /// A daily or hourly limit of the provider.
    ProviderLimit,
    /// A run hours option of the project or item: the server may not be used now.
    OutsideHours,
    /// Too many connections for this mailbox or address.
    TooManyConnections,
    /// The server is busy or has a passing trouble.
    ServerBusy,
    /// The destination mailbox is full.
    DestinationFull,
    /// Larger than the destination accepts.
    TooBig,
    /// The destination refused this message.
    MessageRefused,
    /// The destination calls this message malformed.
    MessageMalformed,
    /// The server hung up at this message again and again (D22).
    HangsUpAtMessage,
    /// The message is no longer there.
    MessageGone,
    /// The destination refused to create or open this folder.
    FolderRefused,
    /// The folder is no longer there.
    FolderGone,
    /// UIDVALIDITY changed while the folder was being read.
    FolderChanged,
    /// The source counts more messages in this folder than it lists (D27).
    ListIncomplete,
    /// The server could not hand out this message (`NO` to FETCH, empty body).
    MessageUnreadable,
    /// Every destination folder has a new UIDVALIDITY: not the mailbox of the earlier passes (D12).
    NotTheSameMailbox,
    /// The source lists no folder, not even the inbox.
    NoFolders,
    /// The credential is not in this machine's vault, or the vault is locked (D17).
    CredentialMissing,
    /// The workspace cannot be written (disk full, locked, read-only).
    WorkspaceFailed,
    /// The pass ended because the number of item errors reached the limit.
    TooManyErrors,
    /// The destination said yes to a message and does not hold it.
    NotStored,
    /// The destination may hold this message, and does not show all that it holds.
    NotShown,
    /// The destination may still be taking in what an interrupted connection had sent (D28).
    Settling,
    /// A command the server refused and that fits no other row.
    CommandRefused,
    /// Mailferry itself failed (a panic in a worker).
    Internal,
}

impl Cause {
    /// Whether the server was not come to at all: not even a greeting was heard.
    pub fn is_out_of_reach(self) -> bool {
        let connected = matches!(self, Self::NoGreeting | Self::ClosedUngreeted);
        connected || matches!(self, Self::NameUnknown | Self::PortClosed | Self::Unreachable)
    }

    /// Whether the certificate was refused, which a person may trust all the same.
    pub fn is_of_the_certificate(self) -> bool {
        matches!(self, Self::CertificateNotTrusted | Self::CertificateOutOfDate | Self::CertificateOfAnother)
    }

    /// The word by which it is called where one is typed: `too-big`.
    pub fn word(self) -> String {
        let word = serde_json::to_value(self).ok();
        word.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default().replace('_', "-")
    }

    /// The cause of this word.
    ///
    /// # Errors
    /// There is none of this name.
    pub fn from_word(word: &str) -> Result<Self, String> {
        let value = serde_json::Value::String(word.trim().to_ascii_lowercase().replace('-', "_"));
        serde_json::from_value(value)
            .map_err(|_| format!("there is no cause \"{word}\"; `mailferry errors` names those there are"))
    }

    /// What to call [`Failure::server_text`]: not everything in it was said by a server.
    pub fn words_of(self) -> &'static str {
        match self {
            Self::CredentialMissing => "vault",
            Self::TimedOut | Self::TlsFailed | Self::NotTls | Self::NoPasswords | Self::NoFolders => "details",
            Self::SignInEnded => "details",
            cause if cause.is_out_of_reach() || cause.is_of_the_certificate() => "details",
            Self::OwnNetwork | Self::WorkspaceFailed | Self::MaildirNotOpened | Self::Internal => "details",
            _ => "server text",
        }
    }
}

/// What is said of a port that understands nothing but TLS, where no protection was asked for.
pub const TLS_PORT: &str = "nothing but TLS is understood there";

/// A failure as an endpoint reports it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{doing}: {}", server_text.as_deref().unwrap_or("no answer"))]
pub struct Failure {
    /// How much it spoils.
    pub scope: Scope,
    /// Whether trying again helps.
    pub retry: Retry,
    /// What it was.
    pub cause: Cause,
    /// What was being done, a lower-case fragment: `opening folder "Files"`. Never holds a secret.
    pub doing: String,
    /// The server's or system's own words, bounded and without control characters. Never holds a secret.
    pub server_text: Option<String>,
    /// Another mailbox that it is about, by its address; or the server that could not be reached, by host and port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other: Option<String>,
    /// Of a mailbox that is full: how full, where its server tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<Box<Room>>,
}

/// The room in a mailbox that is full, and what is still to be copied into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    /// Bytes that are used.
    pub used: u64,
    /// Bytes that may be.
    pub limit: u64,
    /// Messages still to be copied, of folders that were looked into; none where none was yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub messages: Option<u64>,
    /// Their bytes, where they are known.
    pub bytes: Option<u64>,
}

impl Failure {
    /// A failure without a server text.
    pub fn new(cause: Cause, scope: Scope, retry: Retry, doing: impl Into<String>) -> Self {
        Self { scope, retry, cause, doing: doing.into(), server_text: None, other: None, room: None }
    }

    /// The same with the server's or system's words, cut to 500 characters, hidden ones replaced by blanks.
    #[must_use]
    pub fn saying(mut self, text: impl AsRef<str>) -> Self {
        let clean: String = shown(text.as_ref()).chars().take(500).collect();
        self.server_text = Some(clean.trim().to_owned());
        self
    }

    /// The same about another mailbox too.
    #[must_use]
    pub fn about(self, other: impl Into<String>) -> Self {
        Self { other: Some(other.into()), ..self }
    }

    /// The server's words where they are worth a place beside the headline: those that are not told by it, and not the first
    /// lines of something that is no mail server.
    pub fn words_beside(&self) -> Option<&str> {
        let worth = self.cause.words_of() == "server text" && self.cause != Cause::NoImap;
        self.server_text.as_deref().filter(|_| worth)
    }

    /// Whether the connection cannot be used any more.
    pub fn breaks_connection(&self) -> bool {
        self.scope >= Scope::Connection
    }
}
