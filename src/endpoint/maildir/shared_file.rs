//! Small files in a Maildir that other programs write too (`dovecot-keywords`, `subscriptions`): read and replaced whole.
//!
//! What stands in them stays; only lines are added. Dovecot locks such a file by making a file of its name with `.lock`:
//! while there is one that is not stale, it is waited for. Mailferry makes none (one left by a crash would stop everybody
//! else), but replaces nothing that changed since it was read. Bounded by the limit that is given: a larger file is
//! refused, never cut.

#![deny(clippy::indexing_slicing, clippy::string_slice, reason = "it reads what strangers wrote")]

use std::ffi::{OsStr, OsString};
use std::io::{self, Read, Write};
use std::time::Duration;

use super::names;
use crate::endpoint::dir::Dir;

/// Tries to replace a file that others keep changing.
const TRIES: usize = 5;
/// How long a lock is waited for, in steps.
const LOCK_STEPS: u32 = 100;
const LOCK_STEP: Duration = Duration::from_millis(20);
/// A lock as old as this was left behind.
const STALE: Duration = Duration::from_secs(60);

/// The whole file; empty if there is none.
pub(super) fn read(dir: &Dir, file: &str, limit: u64) -> io::Result<Vec<u8>> {
    read_at(dir, OsStr::new(file), limit)
}

/// The same, of a name that may be any.
pub(super) fn read_at(dir: &Dir, file: &OsStr, limit: u64) -> io::Result<Vec<u8>> {
    let opened = match dir.open_plain(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        opened => opened?.0,
    };
    let mut text = Vec::new();
    opened.take(limit + 1).read_to_end(&mut text)?;
    if text.len() as u64 > limit {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("{} is larger than {limit} bytes", file.display()),
        ));
    }
    Ok(text)
}

/// Replaces the file by what `edit` makes of it; none leaves it as it is. All or nothing, and on the disk.
pub(super) fn replace(
    dir: &Dir,
    file: &str,
    limit: u64,
    mut edit: impl FnMut(&[u8]) -> io::Result<Option<Vec<u8>>>,
) -> io::Result<()> {
    let name = OsStr::new(file);
    for _ in 0..TRIES {
        let before = read(dir, file, limit)?;
        let Some(after) = edit(&before)? else { return Ok(()) };
        wait_for_lock(dir, file, LOCK_STEPS)?;
        let mut new = dir.create(OsStr::new(&format!("{file}.{}", names::unique())))?;
        new.file().write_all(&after)?;
        dir.give_like(new.file(), name)?;
        new.file().sync_all()?;
        if read(dir, file, limit)? == before {
            new.replace(name)?;
            return dir.sync();
        }
    }
    Err(busy(file, "keeps being changed by another program"))
}

fn lock_of(file: &str) -> OsString {
    format!("{file}.lock").into()
}

fn wait_for_lock(dir: &Dir, file: &str, steps: u32) -> io::Result<()> {
    let lock = lock_of(file);
    for step in 0..=steps {
        let held = dir.look(&lock).ok().and_then(|seen| seen.modified);
        // One from the future counts as fresh.
        let fresh = held.is_some_and(|at| at.elapsed().unwrap_or_default() < STALE);
        if !fresh {
            return Ok(());
        }
        if step < steps {
            std::thread::sleep(LOCK_STEP);
        }
    }
    Err(busy(file, "is locked by another program"))
}

fn busy(file: &str, what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::WouldBlock, format!("{file} {what}"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn open(folder: &tempfile::TempDir) -> Dir {
        Dir::trusted(folder.path()).unwrap()
    }

    fn add(line: &str) -> impl FnMut(&[u8]) -> io::Result<Option<Vec<u8>>> {
        move |before| Ok(Some([before, line.as_bytes()].concat()))
    }

    #[test]
    fn what_another_program_writes_meanwhile_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("f");
        fs::write(&file, "one\n").unwrap();
        let mut tries = 0;
        let edit = |before: &[u8]| {
            tries += 1;
            if tries == 1 {
                fs::write(&file, "one\ntwo\n").unwrap();
            }
            Ok(Some([before, b"three\n"].concat()))
        };
        replace(&open(&folder), "f", 100, edit).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "one\ntwo\nthree\n");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left behind");
    }

    #[test]
    fn a_file_over_the_limit_is_refused_and_never_cut() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("f");
        fs::write(&file, "0123456789").unwrap();
        assert!(read(&open(&folder), "f", 10).is_ok());
        let refused = replace(&open(&folder), "f", 9, add("x")).unwrap_err();
        assert!(refused.to_string().contains("larger than 9 bytes"));
        assert_eq!(fs::read_to_string(&file).unwrap(), "0123456789");
    }

    #[cfg(unix)]
    #[test]
    fn the_new_file_may_be_read_by_whom_the_old_one_could() {
        use std::os::unix::fs::{MetadataExt, PermissionsExt};
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("f");
        fs::write(&file, "").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        let before = file.metadata().unwrap();
        replace(&open(&folder), "f", 100, add("x")).unwrap();
        let after = file.metadata().unwrap();
        assert_eq!((after.mode(), after.gid(), after.len()), (before.mode(), before.gid(), 1));
    }

    #[test]
    fn a_lock_is_honoured_unless_it_was_left_behind() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("f");
        let lock_path = folder.path().join(lock_of("f"));
        let lock = fs::File::create(&lock_path).unwrap();
        assert_eq!(wait_for_lock(&open(&folder), "f", 0).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        lock.set_modified(std::time::SystemTime::now() - 2 * STALE).unwrap();
        replace(&open(&folder), "f", 100, add("x")).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "x");
        assert!(lock_path.exists(), "it is not ours to remove");
    }
}
