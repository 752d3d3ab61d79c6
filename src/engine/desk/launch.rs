//! How a window is opened: over a person's workspace, or over one that was prepared and knows what is to be done in it.

use std::path::PathBuf;
use std::sync::Arc;

use crate::domain::ids::{ItemId, ProjectId};
use crate::domain::record::Counts;
use crate::domain::secret::Secret;
use crate::domain::status::Status;
use crate::engine::endpoints::Endpoints;
use crate::platform::interrupts::Interrupts;
use crate::vault::VaultKind;

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
    /// Over a workspace that was made for this window.
    Prepared(Prepared),
}

/// A workspace that lies ready. Its maker has begun its log, and removes it when the window has closed.
pub struct Prepared {
    /// The window's title.
    pub title: &'static str,
    /// The data folder.
    pub folder: PathBuf,
    /// Makes endpoints.
    pub endpoints: Arc<dyn Endpoints>,
    /// What is to be done in it.
    pub errand: Errand,
    /// Ctrl-C in the terminal closes the window as a person does who wants everything stopped.
    pub interrupts: Interrupts,
}

/// What a window starts by itself: a Full pass of each of these items.
pub struct Errand {
    /// Their project.
    pub project: ProjectId,
    /// The items.
    pub items: Vec<ItemId>,
    /// What there is to say when all of them are at rest.
    pub ending: fn(&[(Status, Counts)]) -> Ending,
}

/// How an errand ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// Whether all went as it should.
    pub well: bool,
    /// The same for people.
    pub words: String,
}
