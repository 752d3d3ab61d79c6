//! How a program opens its window: over a person's workspace, or over one that was prepared and knows what is to be done in
//! it. Also what the rooms above hand to each other through `bin`, which do not know each other.

use std::path::PathBuf;
use std::pin::Pin;

use super::{DataFolder, OpenOptions, OpenWorkspace, ServiceError, VaultKind};
use crate::domain::counts::Counts;
use crate::domain::ids::{ItemId, ProjectId};
use crate::domain::project::Project;
use crate::domain::secret::Secret;
use crate::domain::status::Status;
use crate::platform::interrupts::Interrupts;

/// Opens a window and returns when it has closed.
pub type OpenWindow = fn(Launch) -> Result<(), NoWindow>;

/// Why there is no window.
#[derive(Debug, thiserror::Error)]
pub enum NoWindow {
    /// Nothing to show it on.
    #[error("there is no display for a window here")]
    NoDisplay,
    /// There is no workspace for it.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// The system's graphics; in their words.
    #[error("the window could not be opened: {0}")]
    Graphics(String),
}

/// How the program was told to open its window.
pub enum Launch {
    /// Over a person's workspace.
    Workspace {
        /// The data folder, if it was named.
        data: Option<PathBuf>,
        /// The kind of vault, if it was named.
        vault: Option<VaultKind>,
        /// The passphrase of a file vault, if the environment gives it.
        passphrase: Option<Secret>,
    },
    /// Over a workspace that was made for this window. Its maker has begun its log, and removes it when the window has
    /// closed.
    Prepared {
        /// The window's title.
        title: &'static str,
        /// What is needed to open it.
        options: OpenOptions,
        /// What is to be done in it.
        autorun: AutoRun,
        /// Ctrl-C in the terminal closes the window as a person does who wants everything stopped.
        interrupts: Interrupts,
    },
}

/// A window that is about to open.
pub struct Launching {
    /// Its title.
    pub title: &'static str,
    /// What is needed to open its workspace.
    pub options: OpenOptions,
    /// What it starts by itself.
    pub autorun: Option<AutoRun>,
    /// Ctrl-C, if somebody listens for it.
    pub interrupts: Option<Interrupts>,
    /// To be kept until it has closed.
    pub folder: Option<DataFolder>,
}

impl Launch {
    /// Makes the data folder and begins the log where nobody has done so.
    ///
    /// # Errors
    /// Why it cannot.
    pub fn prepare(self) -> Result<Launching, ServiceError> {
        match self {
            Self::Workspace { data, vault, passphrase } => {
                let folder = DataFolder::prepare(data)?;
                let options = OpenOptions { vault, passphrase, ..OpenOptions::new(folder.path.clone()) };
                Ok(Launching { title: "Mailferry", options, autorun: None, interrupts: None, folder: Some(folder) })
            }
            Self::Prepared { title, options, autorun, interrupts } => {
                Ok(Launching { title, options, autorun: Some(autorun), interrupts: Some(interrupts), folder: None })
            }
        }
    }
}

/// What a window starts by itself: a Full pass of each of these items.
#[derive(Clone)]
pub struct AutoRun {
    /// Their project.
    pub project: ProjectId,
    /// The items.
    pub items: Vec<ItemId>,
    /// What there is to say when all of them are at rest.
    pub summary: fn(&[(Status, Counts)]) -> RunSummary,
}

/// How a run ended, against what was planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All went as it should.
    AsPlanned,
    /// Somebody stopped it.
    Stopped,
    /// Something is amiss.
    Otherwise,
}

/// How a run ended, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunSummary {
    /// Against what was planned.
    pub verdict: Verdict,
    /// For a window that stays open.
    pub words: String,
    /// The last line in a terminal.
    pub closing: String,
}

/// A workspace that lies ready with something to run in it. Dropping it removes all of it.
pub struct PreparedRun {
    /// The title of its window.
    pub title: &'static str,
    /// What a terminal says before it runs.
    pub introduction: Vec<String>,
    /// The workspace; its vault is open.
    pub workspace: OpenWorkspace,
    /// The project.
    pub project: Project,
    /// What is to be done in it.
    pub autorun: AutoRun,
    /// The workspace's folder and its log.
    pub data: DataFolder,
    /// All of it. The last: it is removed when everything in it is closed.
    pub folder: tempfile::TempDir,
}

impl PreparedRun {
    /// A window over it, which opens the workspace once more.
    pub fn launch(&self, interrupts: Interrupts) -> Launch {
        let options = OpenOptions::clone(&self.workspace.options);
        Launch::Prepared { title: self.title, options, autorun: self.autorun.clone(), interrupts }
    }

    /// Removes everything.
    ///
    /// # Errors
    /// Something stayed behind.
    pub fn remove(self) -> Result<(), NotPrepared> {
        let Self { workspace, data, folder, .. } = self;
        drop((workspace, data));
        folder.close().map_err(NotPrepared::NotRemoved)
    }
}

/// Prepares a run.
pub type PrepareRun = fn() -> Pin<Box<dyn Future<Output = Result<PreparedRun, NotPrepared>> + Send>>;

/// Why there is nothing to run, or why it is still there.
#[derive(Debug, thiserror::Error)]
pub enum NotPrepared {
    /// The workspace.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// The sample mailboxes.
    #[error("making the sample mailboxes: {0}")]
    Samples(std::io::Error),
    /// Their thread died.
    #[error("making the sample mailboxes failed")]
    SamplesDied,
    /// The system's folder has a name that no address can hold.
    #[error("the folder for temporary files cannot be used: {0}")]
    Temporary(#[from] crate::domain::server::UrlError),
    /// What was made could not be removed.
    #[error("removing the demo's folder: {0}")]
    NotRemoved(std::io::Error),
}
