//! Where mailboxes really are: whether two of them are one, whatever links and mounts lie on the way (D30).
//!
//! For kinds that lie in folders of this machine it looks at the disk, and blocks.

use std::path::{Path, PathBuf};

use crate::domain::mailbox_key::MailboxKey;

/// Where a mailbox is.
#[derive(Clone, Debug)]
pub struct Place {
    /// By what it is told from the mailboxes of other items.
    pub keys: [MailboxKey; 2],
    /// What the system calls its folder, if it is one of this machine and there.
    folder: Option<String>,
}

impl Place {
    /// Of a mailbox that a server keeps, which is the place that its kind writes.
    pub fn on_a_server(written: [String; 2]) -> Self {
        Self { keys: MailboxKey::all(written), folder: None }
    }

    /// Of a mailbox in a folder of this machine; `written` has its links followed ([`follow`]).
    pub fn in_a_folder(written: [String; 2], folder: Option<&Path>) -> Self {
        Self { keys: MailboxKey::all(written), folder: folder.and_then(identity) }
    }

    /// Whether both are in one folder. Two that are not there are not.
    pub fn is_one_folder_with(&self, other: &Self) -> bool {
        self.folder.is_some() && self.folder == other.folder
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

/// A path without links, as far as it exists.
pub fn follow(path: &str) -> String {
    let path = Path::new(path);
    let mut ancestors = path.ancestors();
    let known = ancestors.find_map(|part| Some((part, std::fs::canonicalize(part).ok()?)));
    let followed = match known {
        Some((part, real)) => path.strip_prefix(part).map_or_else(|_| real.clone(), |rest| real.join(rest)),
        None => PathBuf::from(path),
    };
    followed.display().to_string()
}
