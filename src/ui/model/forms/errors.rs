//! The dialogs of item errors: accepting some, saving a message.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio_util::sync::CancellationToken;

use crate::domain::ids::ItemId;
use crate::engine::command::ErrorVerdict;
use crate::service::client::Waker;
use crate::service::errors::{SaveTo, Saving, StoredError};

/// Errors of an item that a person means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChosenErrors {
    /// Whose.
    pub item: ItemId,
    /// Which.
    pub errors: Vec<i64>,
    /// How many messages that is.
    pub messages: u64,
    /// What is wrong with them.
    pub headline: String,
}

/// The dialog that accepts errors.
#[derive(Clone, Debug)]
pub struct AcceptForm {
    /// Which.
    pub chosen: ChosenErrors,
    /// Why.
    pub note: String,
    /// It was painted once: its first field has had the focus.
    pub entered: bool,
}

impl AcceptForm {
    /// An empty one.
    pub fn new(chosen: ChosenErrors) -> Self {
        Self { chosen, note: String::new(), entered: false }
    }

    /// What a person says of them.
    pub fn verdict(&self) -> ErrorVerdict {
        let note = self.note.trim();
        ErrorVerdict::Accepted((!note.is_empty()).then(|| note.to_owned()))
    }
}

/// A message that is being saved.
#[derive(Clone, Debug, Default)]
pub struct SavingNow {
    /// Bytes read so far.
    pub read: Arc<AtomicU64>,
    /// Cancels it.
    pub cancel: CancellationToken,
}

impl SavingNow {
    /// For whoever does it; `waker` is called when there is news.
    pub fn watch(&self, waker: &Waker) -> Saving {
        let (read, waker) = (Arc::clone(&self.read), Arc::clone(waker));
        let tell = Arc::new(move |bytes| {
            if read.swap(bytes, Ordering::Relaxed) != bytes {
                waker();
            }
        });
        Saving { tell, cancel: self.cancel.clone() }
    }

    /// Bytes read so far.
    pub fn bytes(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }
}

/// What is saved as a file.
#[derive(Clone, Debug)]
pub enum SavedThing {
    /// The message of this error.
    Message(Box<StoredError>),
    /// Rows of a list.
    Table {
        /// Of which project.
        project: String,
        /// How many.
        rows: usize,
        /// As they are written.
        text: Arc<str>,
    },
}

/// The dialog that saves a message or a list.
#[derive(Clone, Debug)]
pub struct SaveForm {
    /// What.
    pub thing: SavedThing,
    /// The path of the file.
    pub path: String,
    /// Whether a file that exists is written over.
    pub overwrite: bool,
    /// It was painted once: its first field has had the focus.
    pub entered: bool,
    /// What was said.
    pub refused: Option<String>,
    /// It is being saved.
    pub running: Option<SavingNow>,
}

impl SaveForm {
    /// An empty one.
    pub fn new(thing: SavedThing) -> Self {
        Self { thing, path: String::new(), overwrite: false, entered: false, refused: None, running: None }
    }

    /// Where it is saved.
    pub fn to(&self) -> Option<SaveTo> {
        let path = self.path.trim();
        (!path.is_empty()).then(|| SaveTo { file: PathBuf::from(path), overwrite: self.overwrite })
    }

    /// A name for the file, made of the subject of the message, or of the name of the project.
    pub fn proposed(&self) -> String {
        let plain = |text: &str| -> String {
            let plain: String = text.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c)).take(60).collect();
            plain.trim().to_owned()
        };
        match &self.thing {
            SavedThing::Message(stored) => {
                let name = plain(stored.error.subject.as_deref().unwrap_or_default());
                match (name.as_str(), stored.error.source) {
                    ("", Some(uid)) => format!("message-{uid}.eml"),
                    ("", None) => "message.eml".to_owned(),
                    (name, _) => format!("{name}.eml"),
                }
            }
            SavedThing::Table { project, .. } => {
                let name = plain(project);
                if name.is_empty() { "items.csv".to_owned() } else { format!("{name}.csv") }
            }
        }
    }
}
