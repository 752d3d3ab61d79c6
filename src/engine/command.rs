//! What the engine can be told, and what it answers.
//!
//! A command is plain data without secrets: a process that does not own the engine leaves it as a row in the database
//! for the one that does (D1).

use serde::{Deserialize, Serialize};

use crate::domain::ids::{ItemId, ProjectId};
use crate::domain::pass::PassKind;
use crate::domain::readiness::NotReady;
use crate::domain::star::Star;
use crate::domain::status::Refusal;

/// Something to do with items.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Puts a project's items into the snapshot, also those that came since.
    Open {
        /// Which.
        project: ProjectId,
    },
    /// Sets or removes the star of items; every status allows it.
    Star {
        /// Whose items.
        project: ProjectId,
        /// Which.
        items: Vec<ItemId>,
        /// The colour; none for the uncoloured one.
        star: Option<Star>,
    },
    /// Lets the submissions of these items run that a crash or an earlier process left behind (D3).
    Resume {
        /// Whose items.
        project: ProjectId,
        /// Which.
        items: Vec<ItemId>,
    },
    /// Submits a pass for each item that allows it.
    Start {
        /// Whose items.
        project: ProjectId,
        /// Which.
        items: Vec<ItemId>,
        /// What the passes do.
        kind: PassKind,
    },
    /// Stops each item that allows it: the operation in hand ends, nothing new begins.
    Stop {
        /// Whose items.
        project: ProjectId,
        /// Which.
        items: Vec<ItemId>,
    },
    /// Drops the connections of everything that runs.
    Abort {
        /// Whose items.
        project: ProjectId,
        /// Which.
        items: Vec<ItemId>,
    },
}

/// Why an item was left alone. Shown as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum LeftAlone {
    /// Its status does not allow it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It cannot start, whatever its status.
    #[error(transparent)]
    NotReady(#[from] NotReady),
    /// There is no such item.
    #[error("the item does not exist")]
    Missing,
}

/// Why nothing at all was done. Shown as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum CommandError {
    /// Nobody is there to do it.
    #[error("the engine has ended; close the window and start Mailferry again")]
    Ended,
    /// The workspace's database failed, in its words.
    #[error("{0}")]
    Workspace(String),
    /// How earlier passes ended is not written yet.
    #[error(
        "how the last passes ended could not be written to the workspace yet, and it is tried again and again; make room on \
         its disk, then start"
    )]
    NotWritten,
    /// A kind of pass that is not built yet.
    #[error("this version does not run {} passes yet", .0.word())]
    NotBuilt(PassKind),
    /// Another version left it.
    #[error("this version does not know the command: {0}")]
    Unknown(String),
}

/// What became of a command.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Items on which it was done.
    pub done: Vec<ItemId>,
    /// Items left alone, and why.
    pub left: Vec<(ItemId, LeftAlone)>,
    /// Why nothing at all was done.
    pub error: Option<CommandError>,
}

impl Outcome {
    /// Nothing was done, for this reason.
    pub fn failed(error: CommandError) -> Self {
        Self { error: Some(error), ..Self::default() }
    }
}
