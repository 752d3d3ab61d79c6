//! Single instance: one engine per workspace (D1), and the spool folder that belongs to it.
//!
//! The lock is on `workspace.lock` and on the folder itself, never on the database, and goes with the process however it
//! ends. The folder's holds while somebody removes the file because it "is in use"; whoever holds them looks now and then
//! whether they are still those of the workspace ([`LockSight`]). `owner.json` beside
//! it tells people who holds it, and the next holder that a process did not end in order: that mark of a crash stays until
//! somebody has taken care of what the crash left ([`WorkspaceLock::settle`]).

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::folder::{LOCK_FILE, private_dir};
use super::{PlatformError, io};
use crate::domain::time::Timestamp;

const OWNER_FILE: &str = "owner.json";
const SPOOL: &str = "spool";
const NUMBERS: &str = "numbers";
/// Somebody who looks at the wrong moment is waited for so many times so long.
const LOOKERS: u32 = 3;
const INSTANT: std::time::Duration = std::time::Duration::from_millis(10);

/// Who runs the engine of a workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// Process id.
    pub pid: u32,
    /// Machine.
    pub host: String,
    /// Login name.
    pub user: String,
    /// Since when.
    pub since: Timestamp,
    /// When it last said that it is alive; none if it does not.
    #[serde(default)]
    pub seen: Option<Timestamp>,
}

impl std::fmt::Display for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "by {} on {} (process {})", self.user, self.host, self.pid)
    }
}

impl Owner {
    fn this_process(since: Timestamp) -> Self {
        let variable =
            |names: &[&str]| names.iter().find_map(|name| std::env::var(name).ok().filter(|v| !v.is_empty()));
        let host = variable(&["COMPUTERNAME", "HOSTNAME"])
            .or_else(|| std::fs::read_to_string("/etc/hostname").ok().map(|name| name.trim().to_owned()))
            .filter(|name| !name.is_empty());
        Self {
            pid: std::process::id(),
            host: host.unwrap_or_else(|| "this machine".into()),
            user: variable(&["USER", "LOGNAME", "USERNAME"]).unwrap_or_else(|| "another Mailferry".into()),
            since,
            seen: Some(since),
        }
    }
}

/// Held by the process that runs the engine, for as long as it does.
#[derive(Debug)]
pub struct WorkspaceLock {
    folder: PathBuf,
    crashed: Option<Owner>,
    settled: bool,
    owner: Owner,
    sight: LockSight,
    _files: [Option<File>; 2],
}

/// Sees whether a lock that was taken is still the workspace's.
#[derive(Clone, Debug)]
pub struct LockSight {
    path: PathBuf,
    identity: Option<(u64, u64)>,
}

impl LockSight {
    /// False when the lock file was removed or another one has its name: another process could take the workspace. What the
    /// system does not tell counts as well.
    pub fn is_whole(&self) -> bool {
        match self.path.symlink_metadata() {
            Ok(metadata) => identity(&metadata) == self.identity,
            Err(error) => error.kind() != std::io::ErrorKind::NotFound,
        }
    }
}

#[cfg(unix)]
fn identity(metadata: &std::fs::Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn identity(_: &std::fs::Metadata) -> Option<(u64, u64)> {
    None // a file that is open cannot be replaced there
}

/// Takes the workspace for this process, or tells who has it.
pub fn workspace_lock(folder: &Path, now: Timestamp) -> Result<WorkspaceLock, PlatformError> {
    let path = folder.join(LOCK_FILE);
    let mut options = File::options();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let itself = open_folder(folder)?;
    if let Some(itself) = &itself {
        take(itself, folder)?;
    }
    let file = options.open(&path).map_err(io("opening", &path))?;
    take(&file, folder)?;
    let identity = identity(&file.metadata().map_err(io("looking at", &path))?);
    let sight = LockSight { path, identity };
    if !sight.is_whole() {
        // Removed between the two: whoever comes next makes another one, and has the workspace.
        return Err(PlatformError::InUse(owner(folder)));
    }
    let crashed = owner(folder);
    let owner = Owner::this_process(now);
    let (folder, files) = (folder.to_owned(), [itself, Some(file)]);
    let lock = WorkspaceLock { folder, crashed, settled: false, owner, sight, _files: files };
    lock.write_owner(&lock.owner)?;
    Ok(lock)
}

/// The folder, to be locked where the system can.
fn open_folder(folder: &Path) -> Result<Option<File>, PlatformError> {
    match cfg!(unix) {
        true => File::open(folder).map(Some).map_err(io("opening folder", folder)),
        false => Ok(None),
    }
}

fn take(file: &File, folder: &Path) -> Result<(), PlatformError> {
    let mut tries = LOOKERS;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            // Whoever merely looks has it for an instant (see `is_held`).
            Err(TryLockError::WouldBlock) if tries > 0 => {
                tries -= 1;
                std::thread::sleep(INSTANT);
            }
            Err(TryLockError::WouldBlock) => return Err(PlatformError::InUse(owner(folder))),
            Err(TryLockError::Error(error)) => return Err(io("locking", folder)(error)),
        }
    }
}

/// Whether a process holds the workspace now. Takes nothing that lasts: a lock beside others, given back at once.
pub fn is_held(folder: &Path) -> bool {
    let held = |file: &File| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock));
    let itself = open_folder(folder).ok().flatten();
    itself.is_some_and(|itself| held(&itself)) || File::open(folder.join(LOCK_FILE)).is_ok_and(|file| held(&file))
}

/// Who `owner.json` names: the holder of the lock, or a process that crashed.
pub fn owner(folder: &Path) -> Option<Owner> {
    let text = std::fs::read(folder.join(OWNER_FILE)).ok()?;
    serde_json::from_slice(&text).ok()
}

impl WorkspaceLock {
    /// The process that held the workspace before and did not end in order.
    pub fn crashed(&self) -> Option<&Owner> {
        self.crashed.as_ref()
    }

    /// What a crash left is taken care of: its mark goes with this lock, and does not come back when the lock is dropped.
    pub fn settle(&mut self) {
        self.settled = true;
    }

    /// What sees whether it is still the workspace's.
    pub fn sight(&self) -> LockSight {
        self.sight.clone()
    }

    /// Says that this process is alive, so that a crash is known by its time. Blocks for a small file.
    pub fn alive(&self, now: Timestamp) -> Result<(), PlatformError> {
        self.write_owner(&Owner { seen: Some(now), ..self.owner.clone() })
    }

    /// The folder for messages too large for memory: private, and emptied by this call (what lies there is of a run that is
    /// over).
    pub fn spool(&self) -> Result<PathBuf, PlatformError> {
        let spool = self.folder.join(SPOOL);
        match std::fs::remove_dir_all(&spool) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(io("emptying", &spool)(error)),
            _ => {}
        }
        private_dir(&spool)?;
        Ok(spool)
    }

    /// The folder for what a side of a project cannot remember by itself: private and lasting.
    pub fn numbers(&self) -> Result<PathBuf, PlatformError> {
        numbers_in(&self.folder)
    }

    fn write_owner(&self, owner: &Owner) -> Result<(), PlatformError> {
        let path = self.folder.join(OWNER_FILE);
        let write = || -> std::io::Result<()> {
            let file = tempfile::Builder::new().prefix(".owner").tempfile_in(&self.folder)?;
            serde_json::to_writer(&file, owner)?;
            file.persist(&path).map_err(|e| e.error)?;
            Ok(())
        };
        write().map_err(io("writing", &path))
    }
}

impl WorkspaceLock {
    /// The process ends in order from here on, however long that takes: what comes next is not a start after a crash. The
    /// lock itself is held until this is dropped.
    pub fn leave(&self) {
        // Who it was is gone with it, at worst it stays and is taken for a crash.
        std::fs::remove_file(self.folder.join(OWNER_FILE)).ok();
    }
}

impl Drop for WorkspaceLock {
    fn drop(&mut self) {
        // Before the lock goes: whoever comes next writes its own.
        match &self.crashed {
            Some(crashed) if !self.settled => {
                if let Err(error) = self.write_owner(crashed) {
                    // This process' own name stays then, which says as much.
                    tracing::warn!(%error, "the mark of a crash was not put back");
                }
            }
            _ => self.leave(),
        }
    }
}

/// The folder of a workspace for what a side of a project cannot remember by itself; its files have locks of their own.
pub fn numbers_in(workspace: &Path) -> Result<PathBuf, PlatformError> {
    let numbers = workspace.join(NUMBERS);
    private_dir(&numbers)?;
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn one_holder_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let lock = workspace_lock(folder.path(), at(7)).unwrap();
        assert_eq!(lock.crashed(), None);
        let refused = workspace_lock(folder.path(), at(8)).unwrap_err();
        let PlatformError::InUse(Some(holder)) = &refused else { panic!("{refused}") };
        assert_eq!((holder.pid, holder.since), (std::process::id(), at(7)));
        assert!(refused.to_string().contains(&format!("(process {})", std::process::id())));
        drop(lock);
        assert_eq!(owner(folder.path()), None);
        assert_eq!(workspace_lock(folder.path(), at(9)).unwrap().crashed(), None);
    }

    #[test]
    fn whether_it_is_held_is_seen_without_taking_it() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!is_held(folder.path()), "nobody ever held it");
        let lock = workspace_lock(folder.path(), at(7)).unwrap();
        assert!(is_held(folder.path()));
        drop(lock);
        assert!(!is_held(folder.path()));
        assert!(workspace_lock(folder.path(), at(8)).is_ok(), "a look leaves nothing behind");
    }

    #[cfg(unix)]
    #[test]
    fn k2_a_lock_file_that_is_removed_or_replaced_is_noticed_and_nobody_else_gets_in() {
        let folder = tempfile::tempdir().unwrap();
        let lock = workspace_lock(folder.path(), at(7)).unwrap();
        let sight = lock.sight();
        assert!(sight.is_whole());
        std::fs::remove_file(folder.path().join(LOCK_FILE)).unwrap();
        assert!(!sight.is_whole() && is_held(folder.path()));
        assert!(matches!(workspace_lock(folder.path(), at(8)), Err(PlatformError::InUse(Some(_)))));
        std::fs::write(folder.path().join(LOCK_FILE), "").unwrap();
        assert!(!sight.is_whole(), "another file of its name");
        assert!(matches!(workspace_lock(folder.path(), at(8)), Err(PlatformError::InUse(Some(_)))));
        drop(lock);
        assert!(workspace_lock(folder.path(), at(9)).unwrap().sight().is_whole());
    }

    #[test]
    fn a_crash_leaves_no_stale_lock_but_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let dead = Owner { pid: 1, host: "h".into(), user: "u".into(), since: at(3), seen: Some(at(4)) };
        std::fs::write(folder.path().join(LOCK_FILE), "").unwrap();
        std::fs::write(folder.path().join(OWNER_FILE), serde_json::to_vec(&dead).unwrap()).unwrap();
        let lock = workspace_lock(folder.path(), at(9)).unwrap();
        assert_eq!(lock.crashed(), Some(&dead));
        assert_eq!(owner(folder.path()).unwrap().since, at(9));
        lock.alive(at(70)).unwrap();
        let now = owner(folder.path()).unwrap();
        assert_eq!((now.pid, now.since, now.seen), (std::process::id(), at(9), Some(at(70))));
        lock.leave();
        assert_eq!(owner(folder.path()), None, "it ends in order, though it holds the lock");
        assert!(matches!(workspace_lock(folder.path(), at(71)), Err(PlatformError::InUse(None))));
    }

    #[test]
    fn the_mark_of_a_crash_stays_until_it_is_settled() {
        let folder = tempfile::tempdir().unwrap();
        let dead = Owner { pid: 1, host: "h".into(), user: "u".into(), since: at(3), seen: Some(at(3)) };
        std::fs::write(folder.path().join(OWNER_FILE), serde_json::to_vec(&dead).unwrap()).unwrap();
        for _ in 0..2 {
            let lock = workspace_lock(folder.path(), at(9)).unwrap();
            assert_eq!(lock.crashed(), Some(&dead), "whoever had it meanwhile did nothing about it");
        }
        workspace_lock(folder.path(), at(9)).unwrap().settle();
        assert_eq!(owner(folder.path()), None);
        assert_eq!(workspace_lock(folder.path(), at(10)).unwrap().crashed(), None);
    }

    #[test]
    fn the_spool_is_private_and_starts_empty() {
        let folder = tempfile::tempdir().unwrap();
        let lock = workspace_lock(folder.path(), at(7)).unwrap();
        let spool = lock.spool().unwrap();
        std::fs::create_dir(spool.join("deep")).unwrap();
        std::fs::write(spool.join("deep/left-over"), "mail").unwrap();
        assert_eq!(lock.spool().unwrap(), spool);
        assert_eq!(std::fs::read_dir(&spool).unwrap().count(), 0);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&spool).unwrap().permissions().mode() & 0o777, 0o700);
        }
    }
}
