//! What can be done with a mailbox, whatever it is kept in: one trait per role, one module per kind.
//!
//! A kind implements [`SourceEndpoint`], [`DestinationEndpoint`] or both, and [`kind::MailboxKind`], by which [`registry`]
//! knows it. What kinds share and knows none of them: [`check`] (a test, step by step), [`place`] (is it one folder?),
//! [`uidlist`] (numbers for messages that have only names), [`dir`] (folders that others may change), `spool`, [`budget`], [`own_network`] (this computer
//! sleeps).
//!
//! A session is one logged-in connection to one mailbox. Endpoints classify failures (scope and retry class, from
//! response codes first and texts second) but never retry by themselves; they know no statuses and nothing of the other
//! side. Bounded here: message bytes in memory (the [`budget`]), header blocks, response lines. Everything that waits
//! for a server has a time-out.

pub mod auth;
pub mod budget;
pub mod check;
pub(crate) mod date;
pub mod dir;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
pub mod imap;
pub mod kind;
mod listed;
pub mod maildir;
pub mod own_network;
pub mod place;
pub mod registry;
pub mod sayings;
mod spool;
pub mod uidlist;
mod utf7;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::domain::failure::Failure;
use crate::domain::flags::{FlagChange, PermanentFlags};
use crate::domain::folder::{FolderPath, FolderState, ListedFolder, Role, UidValidity, WireName};
use crate::domain::ids::Uid;
use crate::domain::message::{MessageHeader, MessageKey, MessageMeta, NewMessage, SourceMessage};

/// Result of anything asked of an endpoint.
pub type Result<T> = std::result::Result<T, Failure>;

/// A mailbox that can be read. Cheap to share; every call makes a new connection and logs in.
#[async_trait]
pub trait SourceEndpoint: Send + Sync {
    /// A session that reads and can never change anything (EXAMINE and BODY.PEEK only).
    async fn open_source(&self) -> Result<Box<dyn Source>>;

    /// How much was answered of a list of folders at which connections broke, and is kept for the next try: it only rises until a
    /// list is whole.
    fn answered_of_a_list(&self) -> u64 {
        0
    }

    /// Why folders may be missing from the last list, if connections broke in every form in which it was asked for.
    fn list_lacks(&self) -> Option<Failure> {
        None
    }
}

/// A mailbox that can be written. Cheap to share; every call makes a new connection and logs in.
#[async_trait]
pub trait DestinationEndpoint: Send + Sync {
    /// A session that also writes.
    async fn open_destination(&self) -> Result<Box<dyn Destination>>;

    /// As [`SourceEndpoint::answered_of_a_list`].
    fn answered_of_a_list(&self) -> u64 {
        0
    }
}

/// Bytes of messages read so far, counted while a literal is still arriving, so that one 60 MB message does not look
/// like a stall. Shared by the sessions of a pass.
#[derive(Debug, Default)]
pub struct ByteCounter(AtomicU64);

impl ByteCounter {
    /// Counts bytes.
    pub fn add(&self, bytes: u64) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }

    /// All bytes so far.
    pub fn total(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A folder as a session must be told about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderRef {
    /// For failure texts.
    pub path: FolderPath,
    /// For the server.
    pub wire: WireName,
    /// The UIDVALIDITY it must have; another one is `Cause::FolderChanged`. None accepts any.
    pub validity: Option<UidValidity>,
}

/// Which messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// All.
    All,
    /// This UID and greater ones (mind RFC 9051: `n:*` always names the last message; endpoints filter it out).
    From(Uid),
    /// Those with a smaller UID.
    Before(Uid),
    /// Those from the first UID on and below the second, in the folder as it was last opened: a folder that is open is not
    /// opened anew, so that the windows of one scan belong to one view.
    Range(Uid, Uid),
    /// These, ascending.
    These(Vec<Uid>),
}

impl Which {
    /// Whether this message is meant.
    pub fn includes(&self, uid: Uid) -> bool {
        match self {
            Self::All => true,
            Self::From(first) => uid >= *first,
            Self::Before(end) => uid < *end,
            Self::Range(first, end) => uid >= *first && uid < *end,
            Self::These(uids) => uids.binary_search(&uid).is_ok(),
        }
    }
}

/// Messages on their way out of a source, in UID order. Ends after the last one (`None`) or after an error of scope
/// `Connection` or wider. An error of scope `Message` or `Folder` names what it is about and the stream goes on or ends.
pub type MessageStream = mpsc::Receiver<Fetched>;

/// One thing that comes out of a [`MessageStream`].
pub enum Fetched {
    /// A message.
    Message(SourceMessage),
    /// This message could not be read; others follow. UID 0: the server tells no number by which to ask for it.
    Unreadable(Uid, Failure),
    /// The stream ends here.
    Broken(Failure),
}

/// Reading a mailbox. Nothing here changes it.
#[async_trait]
pub trait Source: Send {
    /// Every folder with role, subscription and state, in as few round trips as the server allows.
    /// The inbox is one of them if it can be opened, even where the server does not list it. Folders of other users' and
    /// shared name spaces are told as foreign.
    async fn list(&mut self) -> Result<Vec<ListedFolder>>;

    /// Opens a folder read-only and tells its state.
    async fn examine(&mut self, folder: &FolderRef) -> Result<FolderState>;

    /// Opens folders read-only one after the other, in one flight where that can be, and tells their states. One answer
    /// each, in order.
    async fn examine_all(&mut self, folders: &[FolderRef]) -> Result<Vec<Result<FolderState>>> {
        let mut states = Vec::with_capacity(folders.len());
        for folder in folders {
            states.push(match self.examine(folder).await {
                Err(failure) if failure.breaks_connection() => return Err(failure),
                state => state,
            });
        }
        Ok(states)
    }

    /// UID, flags and size (and date, if asked for), ascending by UID.
    async fn scan(&mut self, folder: &FolderRef, which: &Which, dates: bool) -> Result<Vec<MessageMeta>>;

    /// The same with dates, of messages of several folders, in one flight where that can be. One answer each, in order.
    async fn scan_all(&mut self, asked: &[(FolderRef, Which)]) -> Result<Vec<Result<Vec<MessageMeta>>>> {
        let mut all = Vec::with_capacity(asked.len());
        for (folder, which) in asked {
            all.push(match self.scan(folder, which, true).await {
                Err(failure) if failure.breaks_connection() => return Err(failure),
                scanned => scanned,
            });
        }
        Ok(all)
    }

    /// A second look at which messages a folder holds, from a number on, where a listing may lack some: by their places, as often as it
    /// takes within bounds. For a question on which it depends whether a message is copied once more.
    async fn recount(&mut self, folder: &FolderRef, from: Uid) -> Result<Recount> {
        let listed = self.scan(folder, &Which::From(from), false).await?;
        Ok(Recount { uids: listed.into_iter().map(|message| message.uid).collect(), untold: 0 })
    }

    /// Header blocks of these messages, ascending by UID; messages that are gone are left out. A header block without
    /// end is cut at 256 KiB.
    async fn headers(&mut self, folder: &FolderRef, which: &Which) -> Result<Vec<MessageHeader>>;

    /// What tells these messages from all others of the mailbox, ascending by UID; none where this mailbox does not tell. Those
    /// of which it is not told are left out.
    async fn keys(&mut self, _folder: &FolderRef, _which: &Which) -> Result<Option<Vec<(Uid, MessageKey)>>> {
        Ok(None)
    }

    /// Whether its folders are labels: a message lies in the folder of each of its labels, and is one (X-GM-EXT-1).
    fn has_labels(&self) -> bool {
        false
    }

    /// Starts reading messages. The folder is opened in the same flight. Messages that are gone are left out. The next
    /// call may be made while the stream is still being read: it queues behind it, which is how reading looks ahead.
    async fn fetch(&mut self, folder: &FolderRef, which: &Which) -> Result<MessageStream>;

    /// When it is to be closed and opened anew, because what it logged in with comes to its end.
    fn retires(&self) -> Option<Instant> {
        None
    }

    /// Says goodbye and closes. Dropping a session closes it without a word.
    async fn close(self: Box<Self>);
}

/// What a second look at a folder found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recount {
    /// The messages that were told.
    pub uids: BTreeSet<Uid>,
    /// How many more there are, which the server counts and of which it tells no number.
    pub untold: u64,
}

/// What a destination accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest message in bytes (APPENDLIMIT), if the server tells.
    pub message_bytes: Option<u64>,
    /// Every append answers with the new UID (UIDPLUS). Without it the engine looks for them (D9).
    pub tells_uids: bool,
    /// How many messages may go in one append (MULTIAPPEND with literals that need no asking); 1 where each goes alone.
    pub batch: usize,
    /// Separator inside names; none when the mailbox is flat.
    pub separator: Option<char>,
}

/// A folder to make at the destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewFolder {
    /// Its name. Components hold no separator of this server (see [`Limits::separator`]).
    pub path: FolderPath,
    /// The role to give it, where the server can.
    pub role: Option<Role>,
    /// Whether it only holds other folders: it is made only if the server does not make it by itself (RFC 3501 §6.3.3).
    pub plain_parent: bool,
}

/// Where an appended message is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// UIDVALIDITY and UID (APPENDUID, RFC 4315); none without UIDPLUS.
    pub at: Option<(UidValidity, Uid)>,
}

/// Why an append did not end well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotAppended {
    /// What went wrong.
    pub failure: Failure,
    /// The server answered. Without an answer what was sent may still be on its way.
    pub answered: bool,
    /// It did not understand what it was sent, and there is a plainer form ([`NewMessage::plainly`]).
    pub plainer: bool,
}

/// The answer to one append, to be awaited: one place for each message, in order. An `Err(RecvError)` cannot happen: a
/// dropped session answers `Cause::ConnectionLost`.
pub type AppendAnswer = oneshot::Receiver<std::result::Result<Vec<Appended>, NotAppended>>;

/// A flag change for some messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlagUpdate {
    /// The messages, ascending.
    pub uids: Vec<Uid>,
    /// What to add and remove, already limited to what the folder allows.
    pub change: FlagChange,
}

/// Writing a mailbox. It never deletes, moves or expunges anything.
#[async_trait]
pub trait Destination: Source {
    /// What this server accepts.
    fn limits(&self) -> Limits;

    /// The wire name a folder of this path has or would have here (prefix, separator, encoding applied).
    fn wire_name(&self, path: &FolderPath) -> WireName;

    /// Creates folders, in this order, in as few round trips as possible; parents come before children. A folder that
    /// exists is no failure. One answer each, in order.
    async fn create(&mut self, folders: &[NewFolder]) -> Result<Vec<Result<WireName>>>;

    /// Subscribes existing folders. One answer each, in order.
    async fn subscribe(&mut self, folders: &[WireName]) -> Result<Vec<Result<()>>>;

    /// The state of folders and which flags may be set there, in one flight. One answer each, in order.
    async fn open(&mut self, folders: &[FolderRef]) -> Result<Vec<Result<(FolderState, PermanentFlags)>>>;

    /// Sends messages to a folder and returns when they are on the wire; the answer comes through the receiver. Many
    /// appends may be under way. Several messages in one are all stored or none, and only allowed with
    /// [`Limits::batch`]. No form the server did not advertise is used; above 1 MiB a synchronising literal (D20).
    async fn append(&mut self, folder: &FolderRef, messages: Vec<NewMessage>) -> Result<AppendAnswer>;

    /// Adds and removes flags of messages in one folder. Messages that are gone are passed over.
    async fn update_flags(&mut self, folder: &FolderRef, updates: &[FlagUpdate]) -> Result<()>;

    /// Bytes that are used and that may be where this folder is, if the mailbox tells.
    async fn quota(&mut self, _folder: &FolderRef) -> Option<(u64, u64)> {
        None
    }
}

/// What all kinds of endpoint share: where they may keep what, and how much memory messages may take.
#[derive(Clone)]
pub struct Resources {
    /// Folder for messages larger than 1 MiB; private, wiped at start (D20).
    pub spool: std::path::PathBuf,
    /// Folder for numbers of messages that their source cannot keep; private, lasting.
    pub numbers: std::path::PathBuf,
    /// The process-wide memory budget.
    pub budget: Arc<budget::Budget>,
    /// Counts bytes as they arrive.
    pub meter: Arc<ByteCounter>,
    /// What is known of this computer's sleep and network.
    pub network: Arc<own_network::OwnNetwork>,
    /// What servers say to people.
    pub said: Arc<sayings::Sayings>,
    /// Who waits for what is asked.
    pub waits: Waits,
}

/// Who waits for what a server is asked: a silent one is given up sooner where somebody looks on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Waits {
    /// A pass that moves mail.
    #[default]
    Pass,
    /// A person.
    Person,
}

impl std::fmt::Debug for Resources {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Resources").field("spool", &self.spool).finish_non_exhaustive()
    }
}
