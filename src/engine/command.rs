//! What the engine can be told, and what it answers.
//!
//! A command is plain data without secrets: a process that does not own the engine leaves it as a row in the database
//! for the one that does (D1).

use serde::{Deserialize, Serialize};

use crate::domain::failure::{Failure, Side};
use crate::domain::ids::{CredentialId, ItemId, ProjectId};
use crate::domain::pass_plan::PlanError;
use crate::domain::readiness::NotReady;
use crate::domain::star::Star;
use crate::domain::start_order::StartOrder;
use crate::domain::status::Refusal;

/// What a person says of item errors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorVerdict {
    /// They stay behind, for this reason.
    Accepted(Option<String>),
    /// They are left to do.
    Open,
}

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
        /// Of these, those that lack a credential: they wait for it (R11).
        #[serde(default)]
        lacking: Vec<ItemId>,
        /// What the passes do, and when.
        order: StartOrder,
    },
    /// Those of these that wait for a worker are the next.
    Next {
        /// Whose items.
        project: ProjectId,
        /// Which.
        items: Vec<ItemId>,
    },
    /// Stops each item that allows it: the operation in hand ends, nothing new begins.
    Stop {
        /// Whose items.
        project: ProjectId,
        /// Which.
        items: Vec<ItemId>,
    },
    /// Stops what runs of these, and takes back what is submitted.
    Withdraw {
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
    /// Holds new starts of a project, or lets those go on that this held.
    Hold {
        /// The project.
        project: ProjectId,
        /// Whether they are held.
        held: bool,
    },
    /// Tries the server of a project now that could not be reached.
    TryNow {
        /// The project.
        project: ProjectId,
    },
    /// Ends the pause between two tries of these, unless a server named it.
    RetryNow {
        /// Whose items.
        project: ProjectId,
        /// Which.
        items: Vec<ItemId>,
    },
    /// A project's options, servers or logins were changed.
    ProjectEdited {
        /// The project.
        project: ProjectId,
    },
    /// A project was deleted.
    ProjectDeleted {
        /// The project.
        project: ProjectId,
    },
    /// Items were changed: addresses, logins, credentials, notes.
    Edited {
        /// Whose items.
        project: ProjectId,
        /// Which.
        items: Vec<ItemId>,
    },
    /// How mails to owners went has changed.
    Asked {
        /// Whose.
        project: ProjectId,
        /// Of which item; none: of all.
        item: Option<ItemId>,
    },
    /// What the owner of an item entered for a side was refused by its server.
    CredentialsRefused {
        /// Whose item.
        project: ProjectId,
        /// Which.
        item: ItemId,
        /// Where.
        side: Side,
        /// Why.
        failure: Failure,
    },
    /// Accepts errors of an item's latest pass, or no longer does.
    Accept {
        /// Whose item.
        project: ProjectId,
        /// Whose errors.
        item: ItemId,
        /// Which.
        errors: Vec<i64>,
        /// What a person says of them.
        verdict: ErrorVerdict,
    },
    /// Drops Mailferry's records of each item that allows it, not its mail.
    Reset {
        /// Whose items.
        project: ProjectId,
        /// Which.
        items: Vec<ItemId>,
    },
    /// Clears the stored credentials of each item that allows it.
    ClearCredentials {
        /// Whose items.
        project: ProjectId,
        /// Which.
        items: Vec<ItemId>,
        /// Of these sides.
        sides: Vec<Side>,
    },
    /// Deletes each item that allows it, with Mailferry's records of it; no mail is touched.
    Delete {
        /// Whose items.
        project: ProjectId,
        /// Which.
        items: Vec<ItemId>,
    },
}

impl Command {
    /// The project it is about.
    pub fn project(&self) -> ProjectId {
        match self {
            Self::Open { project }
            | Self::Star { project, .. }
            | Self::Resume { project, .. }
            | Self::Start { project, .. }
            | Self::Next { project, .. }
            | Self::Stop { project, .. }
            | Self::Withdraw { project, .. }
            | Self::Abort { project, .. }
            | Self::Hold { project, .. }
            | Self::TryNow { project }
            | Self::RetryNow { project, .. }
            | Self::ProjectEdited { project }
            | Self::ProjectDeleted { project }
            | Self::Edited { project, .. }
            | Self::Asked { project, .. }
            | Self::CredentialsRefused { project, .. }
            | Self::Accept { project, .. }
            | Self::Reset { project, .. }
            | Self::ClearCredentials { project, .. }
            | Self::Delete { project, .. } => *project,
        }
    }
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
    /// The project holds new starts.
    #[error("new starts of this project are held; let them go on to start it")]
    SwitchHolds,
    /// Its pass still finds errors.
    #[error("its pass has not ended; errors can be accepted when it has")]
    NotEnded,
    /// Its pass, if it has one, does not pause.
    #[error("it does not wait to try again")]
    NotPaused,
    /// A pause that nobody may cut short.
    #[error("the server or the run hours name this pause: trying sooner would make it longer")]
    NamedPause,
    /// There is no link of it that could be used.
    #[error("its owner was not asked, or does not have to be any more")]
    NotAsked,
    /// Only what waits for a worker has a place in the queue.
    #[error("it does not wait for a free place; only items that are Submitted can be the next")]
    NotInQueue,
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
    /// What was asked for lacks something.
    #[error("{0}")]
    Plan(PlanError),
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
    /// Credentials that nothing uses any more: whoever gave the command removes them from the vault.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub freed: Vec<CredentialId>,
}

impl Outcome {
    /// Nothing was done, for this reason.
    pub fn failed(error: CommandError) -> Self {
        Self { error: Some(error), ..Self::default() }
    }
}
