//! The dialogs about users and batches: what is asked, what is missing, and the order that follows.

use std::path::PathBuf;

use jiff::tz::TimeZone;

use super::form::HybridFields;
use crate::domain::ids::{HybridBatchId, HybridProjectId, HybridUserId};
use crate::domain::time::Timestamp;
use crate::platform::picker::Picking;
use crate::service::client::{OfHybrid, RequestId};
use crate::service::hybrid::CheckLine;
use crate::service::times;
use crate::ui::model::words::{count, counted};

/// Which users are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WhichUsers {
    /// Those that are selected and shown.
    Selected,
    /// This one.
    This(HybridUserId),
}

/// A dialog.
pub struct HybridDialog {
    /// Of which project.
    pub project: HybridProjectId,
    /// What is asked.
    pub question: Question,
    /// The file that a person is choosing.
    pub picking: Option<Picking>,
    /// It was painted once: its first field has had the focus.
    pub entered: bool,
    /// Why it was not done.
    pub refused: Option<String>,
    /// The question under way.
    pub asked: Option<RequestId>,
}

/// A batch that is to be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartingBatch {
    /// Which.
    pub batch: HybridBatchId,
    /// Its name.
    pub name: String,
    /// Users that are submitted.
    pub users: usize,
    /// The Microsoft license that they get, if any.
    pub sku: String,
    /// What is not right in the tenant, after the look at it.
    pub lines: Option<Vec<CheckLine>>,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// Into which batch users are moved; without users, a batch is made.
    MoveIn {
        /// Who.
        users: Vec<HybridUserId>,
        /// The batch that was chosen; none: a new one.
        into: Option<HybridBatchId>,
        /// Those that may be chosen.
        batches: Vec<(HybridBatchId, String)>,
        /// The name of a new one.
        name: String,
    },
    /// Whether users are to be moved out.
    MoveOut {
        /// Who.
        users: Vec<HybridUserId>,
        /// What is deleted (R30).
        warning: Option<String>,
        /// Who is left alone, by reason.
        left: Vec<(String, usize)>,
    },
    /// Whether a batch is to be started.
    Start(StartingBatch),
    /// When a batch or users are finalized.
    Finalize {
        /// The batch.
        batch: HybridBatchId,
        /// What the dialog is about.
        of: String,
        /// Only these users of it.
        users: Option<Vec<HybridUserId>>,
        /// How many are finalized.
        ready: usize,
        /// Who is left alone, by reason.
        left: Vec<(String, usize)>,
        /// Attributes that are set then.
        attributes: Vec<String>,
        /// At a time, not now.
        later: bool,
        /// The time as it was typed.
        at: String,
        /// Now, and the zone in which times are read.
        now: (Timestamp, TimeZone),
    },
    /// Where users come from.
    Import {
        /// From the directory of the tenant.
        directory: bool,
        /// Else from this file.
        path: String,
    },
    /// How the tenant is found.
    Check {
        /// For the users of this batch only.
        batch: Option<(HybridBatchId, String)>,
        /// What was found.
        lines: Option<Vec<CheckLine>>,
    },
    /// The settings of a project.
    Settings(Box<HybridFields>),
    /// Whether a project is to be deleted.
    Delete {
        /// Its name.
        name: String,
        /// Its users.
        users: usize,
        /// Its batches.
        batches: usize,
    },
}

impl HybridDialog {
    /// A dialog that asks this.
    pub fn new(project: HybridProjectId, question: Question) -> Self {
        Self { project, question, picking: None, entered: false, refused: None, asked: None }
    }

    /// What it is about.
    pub fn title(&self) -> String {
        match &self.question {
            Question::MoveIn { users, .. } if users.is_empty() => "New batch".into(),
            Question::MoveIn { users, .. } => format!("Move {} into a batch", counted(users.len(), "user")),
            Question::MoveOut { users, .. } => format!("Move {} out?", counted(users.len(), "user")),
            Question::Start(start) => format!("Start {}", start.name),
            Question::Finalize { of, .. } => format!("Finalize {of}"),
            Question::Import { .. } => "Import users".into(),
            Question::Check { batch: Some((_, name)), .. } => format!("Is the tenant ready for {name}?"),
            Question::Check { batch: None, .. } => "Is the tenant ready?".into(),
            Question::Settings(_) => "Project settings".into(),
            Question::Delete { name, .. } => format!("Delete \"{name}\"?"),
        }
    }

    /// What the button says that does it.
    pub fn go_on(&self) -> String {
        match &self.question {
            Question::MoveIn { users, into, .. } => match (users.len(), into) {
                (0, _) => "Make batch".into(),
                (_, Some(_)) => "Move in".into(),
                (_, None) => "Make batch and move in".into(),
            },
            Question::MoveOut { users, .. } => format!("Move out {}", count(users.len() as u64)),
            Question::Start(StartingBatch { lines: Some(_), .. }) => "Start all the same".into(),
            Question::Start(StartingBatch { users, .. }) => format!("Check and start {}", count(*users as u64)),
            Question::Finalize { ready, later: true, .. } => format!("Schedule {}", count(*ready as u64)),
            Question::Finalize { ready, .. } => format!("Finalize {} now", count(*ready as u64)),
            Question::Import { .. } => "Import".into(),
            Question::Check { lines: None, .. } => "Check".into(),
            Question::Check { .. } => "Check again".into(),
            Question::Settings(_) => "Save".into(),
            Question::Delete { .. } => "Delete project".into(),
        }
    }

    /// Whether the service is asked, or the vault changed: passwords must be open.
    pub fn needs_vault(&self) -> bool {
        match &self.question {
            Question::Start(start) => start.lines.is_none(),
            Question::Import { directory, .. } => *directory,
            Question::Check { .. } | Question::Delete { .. } => true,
            Question::MoveIn { .. } | Question::MoveOut { .. } | Question::Finalize { .. } | Question::Settings(_) => {
                false
            }
        }
    }

    /// When finalization begins, if a time was chosen; as it would be read.
    pub fn schedule(&self) -> Option<Result<Timestamp, String>> {
        let Question::Finalize { later: true, at, now: (now, zone), .. } = &self.question else { return None };
        Some(times::start(at, *now, zone).map(|schedule| schedule.at).map_err(|error| error.to_string()))
    }

    /// The order that follows.
    ///
    /// # Errors
    /// What is missing, for people.
    pub fn request(&self) -> Result<OfHybrid, String> {
        Ok(match &self.question {
            Question::MoveIn { users, into: Some(batch), .. } => OfHybrid::MoveIn(*batch, users.clone()),
            Question::MoveIn { name, .. } if name.trim().is_empty() => return Err("Enter a name for the batch".into()),
            Question::MoveIn { users, name, .. } => OfHybrid::NewBatch(name.trim().to_owned(), users.clone()),
            Question::MoveOut { users, .. } => OfHybrid::MoveOut(users.clone()),
            Question::Start(start) => OfHybrid::Start(start.batch, start.lines.is_some()),
            Question::Finalize { batch, users, .. } => {
                OfHybrid::Finalize(*batch, users.clone(), self.schedule().transpose()?)
            }
            Question::Import { directory: true, .. } => OfHybrid::ImportDirectory,
            Question::Import { path, .. } if path.trim().is_empty() => return Err("Choose a file".into()),
            Question::Import { path, .. } => OfHybrid::Import(PathBuf::from(path.trim())),
            Question::Check { batch, .. } => OfHybrid::Check(batch.as_ref().map(|(id, _)| *id)),
            Question::Settings(fields) => OfHybrid::Change(Box::new(fields.settings()?)),
            Question::Delete { .. } => OfHybrid::Delete,
        })
    }
}
