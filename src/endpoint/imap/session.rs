//! A logged-in session: the connection, what the server can do, and which folder is open.
//!
//! Reading and writing live in [`super::source`] and [`super::destination`].

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::Timeouts;
use super::classify::Step;
use super::connection::Connection;
use super::encode::ImapCommand;
use super::manners::Extra;
use super::names::{MailboxNames, is_beyond_measure};
use super::pending::{Answer, Pending, Ticket};
use super::reader::folder_changed;
use super::response::ServerResponse;
use crate::domain::failure::{Cause, Failure, Retry, Scope, Side};
use crate::domain::flags::{Flags, PermanentFlags};
use crate::domain::folder::{FolderState, UidValidity, WireName};
use crate::domain::ids::Uid;
use crate::endpoint::{FolderRef, Result};

/// What a server can do: upper-case words.
pub(super) type Capabilities = BTreeSet<String>;

/// Commands of one kind under way at once.
pub(super) const WINDOW: usize = 256;

/// How a folder is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// EXAMINE
    Read,
    /// SELECT
    Write,
}

struct Open {
    wire: WireName,
    mode: Mode,
    serial: u64,
}

/// A session.
pub(super) struct ImapSession {
    pub(super) connection: Connection,
    pub(super) capabilities: Capabilities,
    pub(super) names: MailboxNames,
    /// Whose it is. Of a source sizes of folders are asked for, which a server may have to read every message to tell, and a list may
    /// do that lacks folders, where connections break in each: at a destination what is missing would be taken for deleted. At a
    /// destination folders are opened to be written, whatever for: Courier refuses messages for one that is open to be read.
    pub(super) side: Side,
    open: Option<Open>,
    last_serial: u64,
    logout: Duration,
    /// When the token that it logged in with comes to its end.
    pub(super) retires: Option<Instant>,
}

impl ImapSession {
    /// After the login.
    pub(super) fn new(
        connection: Connection,
        capabilities: Capabilities,
        names: MailboxNames,
        timeouts: Timeouts,
    ) -> Self {
        let (open, last_serial, logout) = (None, 0, timeouts.logout);
        let (side, retires) = (Side::Source, None);
        Self { connection, capabilities, names, side, open, last_serial, logout, retires }
    }

    /// The same, to be closed at this time.
    pub(super) fn retiring(self, retires: Option<Instant>) -> Self {
        Self { retires, ..self }
    }

    /// Whether the server advertised this.
    pub(super) fn can(&self, capability: &str) -> bool {
        self.capabilities.contains(capability)
    }

    /// Whether the server advertised this and was not seen to lack a form that belongs to it.
    pub(super) fn understands(&self, capability: &str, extra: Extra) -> bool {
        self.can(capability) && !self.connection.manners().took_back(extra)
    }

    /// How many messages a command may be about, where the server says so (RFC 9738).
    pub(super) fn most(&self) -> Option<u32> {
        let told = self.capabilities.iter().find_map(|word| word.strip_prefix("MESSAGELIMIT=")?.parse().ok());
        [told, self.connection.manners().most()].into_iter().flatten().filter(|most| *most > 0).min()
    }

    /// Whether a folder is open (or being opened) for this.
    pub(super) fn has_open(&self, wire: &WireName, mode: Mode) -> bool {
        self.open.as_ref().is_some_and(|open| {
            open.wire == *wire
                && (mode == Mode::Read || open.mode == Mode::Write)
                && !self.connection.opening_failed(open.serial)
        })
    }

    /// Queues SELECT or EXAMINE.
    pub(super) async fn queue_open(&mut self, folder: &FolderRef, mode: Mode) -> Result<Ticket> {
        if is_beyond_measure(&folder.wire.0, self.names.separator) {
            let doing = format!("opening folder \"{}\"", folder.path);
            let text = "its name has more than 1,000 bytes or 100 levels: give it a shorter one, then start again";
            return Err(Failure::new(Cause::FolderRefused, Scope::Folder, Retry::User, doing).saying(text));
        }
        let verb = if mode == Mode::Write { "SELECT" } else { "EXAMINE" };
        let command = ImapCommand::new(verb).folder(&folder.wire)?;
        let (mut pending, ticket) = Pending::whole(Step::Open, &format!("opening folder \"{}\"", folder.path));
        self.last_serial += 1;
        let serial = self.last_serial;
        pending.opens = Some(serial);
        self.open = None;
        self.connection.send(command, pending).await?;
        self.open = Some(Open { wire: folder.wire.clone(), mode, serial });
        Ok(ticket)
    }

    /// Bytes that are used and that may be (RFC 9208), of the tightest quota. A refusal only means that there is less to know.
    pub(super) async fn ask_quota(&mut self, folder: &WireName) -> Result<Option<(u64, u64)>> {
        let command = ImapCommand::new("GETQUOTAROOT").folder(folder)?;
        let ticket = self.connection.ask(command, Step::Ask, "asking for the quota").await?;
        let answer = self.connection.answer(ticket).await?;
        let told = answer.untagged.iter().filter_map(|answer| match answer {
            ServerResponse::Quota(told) => *told,
            _ => None,
        });
        Ok(told.min_by_key(|(used, limit)| limit.saturating_sub(*used)))
    }

    /// Says goodbye.
    pub(super) async fn log_out(mut self) {
        let goodbye = self.connection.run(ImapCommand::new("LOGOUT"), Step::Connection, "logging out");
        // Whatever comes of it, the session is over.
        drop(timeout(self.logout, goodbye).await);
    }
}

/// What the answer to opening this folder tells. One that does not say how many messages there are is not taken for an
/// empty folder.
pub(super) fn opened(folder: &FolderRef, answer: &Answer) -> Result<(FolderState, PermanentFlags)> {
    let doing = || format!("opening folder \"{}\"", folder.path);
    let (state, flags) = folder_state(answer);
    if folder.validity.is_some() && folder.validity != state.uid_validity {
        return Err(folder_changed(&doing()));
    }
    if !answer.untagged.iter().any(|response| matches!(response, ServerResponse::Exists(_))) {
        let failure = Failure::new(Cause::FolderRefused, Scope::Folder, Retry::User, doing());
        return Err(failure.saying("the server opened it and did not tell how many messages it holds"));
    }
    Ok((state, flags))
}

fn folder_state(answer: &Answer) -> (FolderState, PermanentFlags) {
    let mut state = FolderState::default();
    let mut permanent = None;
    for response in &answer.untagged {
        match response {
            ServerResponse::Exists(n) => state.messages = *n,
            ServerResponse::Expunge(_) => state.messages = state.messages.saturating_sub(1),
            // What came before was of the folder that was open until now (RFC 7162 §3.2.11).
            ServerResponse::Status(_, told) if told.code.name == "CLOSED" => {
                (state, permanent) = (FolderState::default(), None)
            }
            ServerResponse::Status(_, told) => {
                let number = || told.code.number().filter(|number| *number > 0);
                match told.code.name.as_str() {
                    "UIDVALIDITY" => state.uid_validity = number().and_then(UidValidity::new),
                    "UIDNEXT" => state.uid_next = number().and_then(|n| i64::try_from(n).ok()).map(Uid),
                    "HIGHESTMODSEQ" => state.highest_modseq = number(),
                    "PERMANENTFLAGS" => permanent = Some(permanent_flags(&told.code.arguments)),
                    _ => {}
                }
            }
            _ => {}
        }
    }
    (state, permanent.unwrap_or_else(PermanentFlags::everything))
}

fn permanent_flags(arguments: &str) -> PermanentFlags {
    let words = || arguments.trim_start_matches('(').trim_end_matches(')').split_ascii_whitespace();
    PermanentFlags { flags: Flags::from_names(words()), new_keywords: words().any(|w| w == r"\*") }
}
