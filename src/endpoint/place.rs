//! Where mailboxes really are: whether two of them are one, whatever links and mounts lie on the way (D30).
//!
//! For kinds that lie in folders of this machine it looks at the disk, and blocks.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::domain::mailbox_key::MailboxKey;

/// Where a mailbox is.
#[derive(Clone, Debug)]
pub struct Place {
    /// By what it is told from the mailboxes of other items.
    pub keys: [MailboxKey; 2],
    /// Its folder, if it is one of this machine.
    folder: Option<PathBuf>,
}

impl Place {
    /// Of a mailbox that a server keeps, which is the place that its kind writes.
    pub fn on_a_server(written: [String; 2]) -> Self {
        Self { keys: MailboxKey::all(written), folder: None }
    }

    /// Of a mailbox in a folder of this machine; `written` has its links followed ([`Links`]).
    pub fn in_a_folder(written: [String; 2], folder: Option<PathBuf>) -> Self {
        Self { keys: MailboxKey::all(written), folder }
    }

    /// Whether both are in one folder. Two that are not there are not. Looks at the disk.
    pub fn is_one_folder_with(&self, other: &Self) -> bool {
        let [one, another] = [self, other].map(|place| place.folder.as_deref().and_then(identity));
        one.is_some() && one == another
    }
}

#[cfg(unix)]
fn identity(path: &Path) -> Option<String> {
    use std::os::unix::fs::MetadataExt;
    path.metadata().ok().map(|metadata| format!("{} {}", metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn identity(path: &Path) -> Option<String> {
    path.canonicalize().ok().map(|path| path.display().to_string())
}

/// The folders that paths go through, without their links: each is looked at once, for as long as one look at many mailboxes
/// takes.
#[derive(Debug, Default)]
pub struct Links(RefCell<HashMap<PathBuf, Real>>);

/// What a path is without links.
#[derive(Clone, Debug)]
struct Real {
    path: PathBuf,
    /// What is not there has nothing in it.
    is_there: bool,
}

impl Links {
    /// A path without links, as far as it exists.
    pub fn follow(&self, path: &str) -> String {
        self.look(Path::new(path)).path.display().to_string()
    }

    fn look(&self, path: &Path) -> Real {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return at(path) };
        let known = self.0.borrow().get(parent).cloned();
        let parent = known.unwrap_or_else(|| {
            let found = self.look(parent);
            self.0.borrow_mut().insert(parent.to_owned(), found.clone());
            found
        });
        match parent.is_there.then(|| std::fs::canonicalize(path)) {
            Some(Ok(path)) => Real { path, is_there: true },
            Some(Err(_)) | None => Real { path: parent.path.join(name), is_there: false },
        }
    }
}

/// A root, or a path that has none.
fn at(path: &Path) -> Real {
    match std::fs::canonicalize(path) {
        Ok(path) => Real { path, is_there: true },
        Err(_) => Real { path: path.to_owned(), is_there: false },
    }
}
