//! What the engine can be told, and what it answers.
//!
//! A command is plain data without secrets: a process that does not own the engine leaves it as a row in the database
//! for the one that does (D1).

use serde::{Deserialize, Serialize};

use crate::domain::ids::{ItemId, ProjectId};
use crate::domain::pass::PassKind;
use crate::domain::star::Star;

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

/// What became of a command.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Items on which it was done.
    pub done: Vec<ItemId>,
    /// Items left alone, and why.
    pub left: Vec<(ItemId, String)>,
    /// Why nothing at all was done.
    pub error: Option<String>,
}

impl Outcome {
    /// Nobody is there to do it.
    pub fn ended() -> Self {
        Self::failed("the engine has ended; close the window and start Mailferry again")
    }

    /// Nothing was done, for this reason.
    pub fn failed(error: impl Into<String>) -> Self {
        Self { error: Some(error.into()), ..Self::default() }
    }
}
