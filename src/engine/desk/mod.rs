//! The desk: how a window holds a workspace. It asks here, and is answered by a room of its own threads.
//!
//! Nothing here waits on the caller's thread: [`Desk::ask`] tries a bounded channel (64), answers lie ready in another
//! (256), snapshots are overwritten, and each piece of news ends in the caller's waker. Opening the workspace (lock,
//! database, vault, what a crash left) is the first thing the room does; its answer has ticket 0. Texts in answers are
//! for people.

mod beside;
pub mod enter;
mod late_vault;
mod launch;
mod opening;
mod questions;
mod replies;
mod room;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

pub use self::enter::Work;
pub use crate::engine::command::{Command, Outcome};
use crate::engine::endpoints::Endpoints;
use crate::engine::snapshot::Snapshot;
pub use crate::vault::VaultKind;
pub use launch::{Ending, Errand, Launch, Prepared};

use crate::domain::clock::Clock;
use crate::domain::failure::{Failure, Side};
use crate::domain::ids::{ItemId, PassId, ProjectId};
use crate::domain::pass::PassKind;
use crate::domain::project::Project;
use crate::domain::record::{Counts, ItemError, Notice, PassFolder};
use crate::domain::secret::Secret;
use crate::domain::server::Server;
use crate::domain::status::Status;
use crate::platform::lock::Owner;

/// How long the end of the program waits for the room to put everything away.
const LEAVE: Duration = Duration::from_secs(10);
/// Lines of one page of a listing.
pub const PAGE: u32 = 500;

/// What is needed to open a workspace.
pub struct Opening {
    /// The data folder.
    pub folder: PathBuf,
    /// The kind of vault that was asked for by name.
    pub vault: Option<VaultKind>,
    /// The passphrase of a file vault, if it is known beforehand.
    pub passphrase: Option<Secret>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Makes endpoints.
    pub endpoints: Arc<dyn Endpoints>,
}

/// Called whenever there is news.
pub type Waker = Arc<dyn Fn() + Send + Sync>;

/// Names one question; its answer carries it.
pub type Ticket = u64;

/// The ticket of the answer that tells whether the workspace was opened.
pub const OPENING: Ticket = 0;

/// The ticket of answers that nobody asked for: all projects, when another process changed the workspace.
pub const NEWS: Ticket = Ticket::MAX;

/// Why a question was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeskError {
    /// Too many questions wait.
    #[error("the engine is busy and did not take this; try again in a moment")]
    Full,
    /// Nobody answers any more.
    #[error("the engine has ended; close the window and start Mailferry again")]
    Closed,
}

/// A question or an order.
#[derive(Debug)]
pub enum Ask {
    /// All projects.
    Projects,
    /// Makes a project.
    NewProject(Box<NewProject>),
    /// What an import would bring in.
    Preview(ProjectId, ImportFrom),
    /// Imports items.
    Import {
        /// Into which project.
        project: ProjectId,
        /// From where.
        from: ImportFrom,
        /// Whether good rows count even if others are bad.
        skip_bad: bool,
        /// Cancels it as long as nothing is written to the database.
        cancel: CancellationToken,
    },
    /// Starts those of the items that can be started; the outcome names the others.
    Start {
        /// Whose items.
        project: ProjectId,
        /// Which.
        items: Vec<ItemId>,
        /// What the passes do.
        kind: PassKind,
    },
    /// Any other command.
    Do(Command),
    /// Everything the page of an item shows besides its row.
    Details(ItemId),
    /// More folders of a pass.
    Folders(PassId, u32),
    /// More errors of a pass.
    Errors(PassId, u32),
    /// Opens the vault, or makes it.
    Unlock(VaultKind, Option<Secret>),
    /// Remembers a text.
    Remember(String, String),
    /// Starts nothing new and stops what runs, because the program is about to end.
    StopAll,
    /// Opens the workspace again after somebody else had it.
    Reopen,
}

/// A project to make.
#[derive(Debug)]
pub struct NewProject {
    /// Its name.
    pub name: String,
    /// Where mail is read.
    pub source: NewServer,
    /// Where mail is written.
    pub destination: NewServer,
}

/// One side of a project to make.
#[derive(Debug)]
pub struct NewServer {
    /// The server; what it trusts is replaced if there is a CA file.
    pub server: Server,
    /// A file of certificates to trust instead of the system's.
    pub authorities: Option<PathBuf>,
    /// The administrator's password.
    pub password: Option<Secret>,
}

/// Where items come from.
#[derive(Clone, Debug)]
pub enum ImportFrom {
    /// A CSV file.
    File(PathBuf),
    /// The same as a text, which may hold passwords.
    Text(Secret),
}

/// An answer.
#[derive(Clone, Debug)]
pub enum Answer {
    /// The workspace is open.
    Opened(Box<Opened>),
    /// Another process has the workspace.
    InUse(Option<Owner>),
    /// The workspace cannot be opened.
    NotOpened(String),
    /// All projects, by name.
    Projects(Vec<Project>),
    /// A project was made; all projects with it.
    Made(ProjectId, Vec<Project>),
    /// What an import would bring in.
    Previewed(Preview),
    /// A newer preview was asked for before this one had its turn.
    Replaced,
    /// How far an import is: done, of how many. Its last answer follows.
    Importing(Work, usize, usize),
    /// An import was cancelled: nothing was imported, and what it had stored is taken back.
    Cancelled,
    /// Items were imported.
    Imported(Imported),
    /// What became of a Start or another command.
    Done(Outcome),
    /// See [`Ask::Details`].
    Details(Box<Details>),
    /// More folders of a pass.
    Folders(PassId, u32, Vec<FolderLine>),
    /// More errors of a pass.
    Errors(PassId, u32, Vec<ItemError>),
    /// The vault is open.
    Unlocked(VaultKind),
    /// It was not done, and why.
    Refused(String),
}

/// A workspace as it was found.
#[derive(Clone, Debug, Default)]
pub struct Opened {
    /// All projects, by name.
    pub projects: Vec<Project>,
    /// What was remembered.
    pub settings: BTreeMap<String, String>,
    /// The kind of its vault, once chosen.
    pub vault: Option<VaultKind>,
    /// The kind that was asked for by name while none is chosen.
    pub proposed: Option<VaultKind>,
    /// Whether the vault is open.
    pub unlocked: bool,
    /// Why the vault is not open, if somebody tried.
    pub vault_error: Option<String>,
    /// Passes that a crash interrupted a moment ago and that have gone on by themselves (D3).
    pub resumed: usize,
    /// Submissions that wait for a word: the program ended some time ago (D3).
    pub held: usize,
    /// What of it could not be shown or resumed, and why.
    pub trouble: Vec<String>,
}

/// What an import would bring in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preview {
    /// Good rows.
    pub good: usize,
    /// Whether any of them holds a password.
    pub passwords: bool,
    /// Bad rows.
    pub bad: usize,
    /// The first bad rows: line, column, reason.
    pub problems: Vec<String>,
    /// Oddities of good rows.
    pub notes: Vec<String>,
}

/// What became of an import.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// New items.
    pub created: usize,
    /// Items that were known and have new logins or passwords.
    pub updated: usize,
    /// Items that may not be edited now and are as they were, by status.
    pub left: BTreeMap<Status, usize>,
    /// Bad rows that were left out.
    pub bad: usize,
    /// What went wrong after it, for people.
    pub trouble: Option<String>,
}

/// A pass as the page of its item lists it.
#[derive(Clone, Debug, PartialEq)]
pub struct PassLine {
    /// The pass.
    pub id: PassId,
    /// What it does.
    pub kind: PassKind,
    /// Where it stands.
    pub status: Status,
    /// Times, UTC epoch milliseconds.
    pub submitted: i64,
    /// When a worker first took it.
    pub started: Option<i64>,
    /// When it ended.
    pub ended: Option<i64>,
    /// Its figures.
    pub counts: Counts,
    /// Why it failed or is held.
    pub failure: Option<(Option<Side>, Failure)>,
}

/// A folder of a pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderLine {
    /// Name at the source.
    pub source: String,
    /// Name at the destination.
    pub destination: String,
    /// Where it stands.
    pub folder: PassFolder,
}

/// What the page of an item shows besides its row.
#[derive(Clone, Debug, PartialEq)]
pub struct Details {
    /// The item.
    pub item: ItemId,
    /// All passes, newest first.
    pub passes: Vec<PassLine>,
    /// The first folders of the latest pass.
    pub folders: Vec<FolderLine>,
    /// The first errors of the latest pass.
    pub errors: Vec<ItemError>,
    /// The first notices of the latest pass.
    pub notices: Vec<Notice>,
}

/// A window's end of the desk.
pub struct Desk {
    asks: Option<mpsc::Sender<(Ticket, Ask)>>,
    answers: mpsc::Receiver<(Ticket, Answer)>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    next: Ticket,
    room: Option<(tokio::runtime::Runtime, std::sync::mpsc::Receiver<()>)>,
}

/// The other end, for whoever answers: the room, or a test in its place.
pub struct BackOffice {
    /// Questions.
    pub asks: mpsc::Receiver<(Ticket, Ask)>,
    /// Answers.
    pub answers: mpsc::Sender<(Ticket, Answer)>,
    /// States.
    pub snapshots: watch::Sender<Arc<Snapshot>>,
}

impl Desk {
    /// Both ends, with nobody at the other one yet.
    pub fn pair() -> (Self, BackOffice) {
        let (asks, inbox) = mpsc::channel(64);
        let (replies, answers) = mpsc::channel(256);
        let (publish, snapshots) = watch::channel(Arc::default());
        let desk = Self { asks: Some(asks), answers, snapshots, next: OPENING + 1, room: None };
        (desk, BackOffice { asks: inbox, answers: replies, snapshots: publish })
    }

    /// Starts threads that open the workspace and answer. Returns at once.
    ///
    /// # Errors
    /// The operating system gives no threads.
    pub fn open(opening: Opening, waker: Waker) -> std::io::Result<Self> {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().enable_all().thread_name("mailferry-engine").build()?;
        let (mut desk, office) = Self::pair();
        let (ended, end) = std::sync::mpsc::sync_channel(1);
        runtime.spawn(async move {
            // Also if the room dies: the window looks then, and finds it closed.
            let _wake = WakesAtEnd(Arc::clone(&waker));
            room::run(opening, office, waker).await;
            // Nobody waits when the window was closed by force.
            let _ = ended.send(());
        });
        desk.room = Some((runtime, end));
        Ok(desk)
    }

    /// Hands over a question without waiting.
    ///
    /// # Errors
    /// It was not taken: show it, nothing will come.
    pub fn ask(&mut self, ask: Ask) -> Result<Ticket, DeskError> {
        let ticket = self.next;
        let asks = self.asks.as_ref().ok_or(DeskError::Closed)?;
        asks.try_send((ticket, ask)).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => DeskError::Full,
            mpsc::error::TrySendError::Closed(_) => DeskError::Closed,
        })?;
        self.next += 1;
        Ok(ticket)
    }

    /// The next answer that lies ready.
    pub fn answer(&mut self) -> Option<(Ticket, Answer)> {
        self.answers.try_recv().ok()
    }

    /// Whether nothing will come any more: the engine has ended, or whoever answered.
    pub fn has_ended(&self) -> bool {
        self.asks.as_ref().is_none_or(mpsc::Sender::is_closed) || self.snapshots.has_changed().is_err()
    }

    /// The latest state.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshots.borrow())
    }
}

/// Wakes the window when it is dropped.
struct WakesAtEnd(Waker);

impl Drop for WakesAtEnd {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// Ends in order: what runs is stopped, the workspace is given back. Waits for that, but not for ever.
impl Drop for Desk {
    fn drop(&mut self) {
        self.asks = None;
        self.answers.close();
        if let Some((runtime, end)) = self.room.take() {
            let _ = end.recv_timeout(LEAVE);
            runtime.shutdown_background();
        }
    }
}
