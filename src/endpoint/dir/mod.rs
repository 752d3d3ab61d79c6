//! Folders that others may change while they are used: each is opened once, without following a link, and what is done in
//! it is done in that folder, whatever takes its name meanwhile.
//!
//! Only plain files are opened, and none that is a second name of somebody else's: who owns a folder could lend its files'
//! names to what he may not read. New files and folders belong to the owner of the folder they are made in, where the system
//! allows that (only to an administrator). On Windows there are no such handles here: a path is looked at first and then
//! used. Blocks.

#[cfg(not(unix))]
mod plain;
#[cfg(unix)]
mod unix;

use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

#[cfg(not(unix))]
pub use plain::Dir;
#[cfg(unix)]
pub use unix::Dir;

/// Most bytes of names that one folder's listing may have: some millions of messages.
const NAMES: usize = 256 * 1024 * 1024;

/// What has a name in a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// What it is; a link is not followed.
    pub kind: Kind,
    /// Bytes of a file.
    pub len: u64,
    /// When it was changed last; none where the system does not say.
    pub modified: Option<SystemTime>,
}

/// What can have a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A plain file.
    File,
    /// A folder.
    Folder,
    /// A link, pipe, socket or device.
    Other,
}

impl Seen {
    /// Of a file that is open.
    pub fn of(metadata: &Metadata) -> Self {
        let kind = match (metadata.is_file(), metadata.is_dir()) {
            (true, _) => Kind::File,
            (_, true) => Kind::Folder,
            _ => Kind::Other,
        };
        Self { kind, len: metadata.len(), modified: metadata.modified().ok() }
    }
}

/// A file that is being written under a name of its own, to be put in its place when it is whole; gone if it is not.
#[derive(Debug)]
pub struct NewFile {
    dir: Dir,
    name: OsString,
    file: File,
    placed: bool,
}

impl NewFile {
    /// The file.
    pub fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Leaves it under the name that it has.
    pub fn keep(mut self) {
        self.placed = true;
    }

    /// Puts it where nothing has its name yet.
    ///
    /// # Errors
    /// Something has ([`io::ErrorKind::AlreadyExists`]), or the system refuses.
    pub fn place(mut self, to: &Dir, name: &OsStr) -> io::Result<()> {
        self.dir.rename(&self.name, to, name)?;
        self.placed = true;
        Ok(())
    }

    /// Puts it in the same folder in the place of what has this name.
    ///
    /// # Errors
    /// The system refuses.
    pub fn replace(mut self, name: &OsStr) -> io::Result<()> {
        self.dir.replace(&self.name, name)?;
        self.placed = true;
        Ok(())
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.placed {
            // It stays as what it is: a file under a name that nobody reads.
            self.dir.remove(&self.name).ok();
        }
    }
}

/// A folder below one that an administrator named: the path to that one may lead over links, none of what follows may.
#[derive(Clone, Debug)]
pub struct Below {
    path: PathBuf,
    trusted: PathBuf,
}

impl Below {
    /// This path; what it has in common with `trusted` may hold links.
    pub fn new(path: PathBuf, trusted: &Path) -> Self {
        // A path must have a part of its own: else nothing of it would be looked at.
        let parent = path.parent().unwrap_or(&path);
        let trusted = if parent.starts_with(trusted) { trusted } else { parent };
        Self { trusted: trusted.to_owned(), path }
    }

    /// All of it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn each(&self, step: impl Fn(&Dir, &OsStr) -> io::Result<Dir>, first: Dir) -> io::Result<Dir> {
        let (mut dir, mut so_far) = (first, self.trusted.clone());
        for part in self.path.strip_prefix(&self.trusted).unwrap_or(&self.path).components() {
            so_far.push(part);
            dir = step(&dir, part.as_os_str()).map_err(|error| match error.kind() {
                io::ErrorKind::NotADirectory => {
                    let text = format!(
                        "{} is a symbolic link or a file, which is not followed; name the folder itself",
                        so_far.display()
                    );
                    io::Error::new(io::ErrorKind::NotADirectory, text)
                }
                _ => error,
            })?;
        }
        Ok(dir)
    }

    /// Opens the folder.
    ///
    /// # Errors
    /// It is not there, a link is on the way, or the system refuses.
    pub fn open(&self) -> io::Result<Dir> {
        self.each(Dir::folder, Dir::trusted(&self.trusted)?)
    }

    /// The same, after it and those above it that are missing were made; those that are there stay as they are.
    ///
    /// # Errors
    /// As [`Below::open`].
    pub fn make(&self) -> io::Result<Dir> {
        self.each(Dir::make_folder, make_trusted(&self.trusted)?)
    }
}

fn make_trusted(path: &Path) -> io::Result<Dir> {
    match (Dir::trusted(path), path.parent(), path.file_name()) {
        (Err(error), Some(parent), Some(name)) if error.kind() == io::ErrorKind::NotFound => {
            make_trusted(parent)?.make_folder(name)
        }
        (opened, ..) => opened,
    }
}

fn not_plain() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "not a plain file")
}

fn not_followed() -> io::Error {
    io::Error::new(io::ErrorKind::NotADirectory, "a link or file, not a folder; it is not followed")
}

fn too_many_names() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "more names in this folder than can be held: 256 MiB of them")
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn no_link_is_followed_behind_the_part_that_was_named() {
        let temporary = tempfile::tempdir().unwrap();
        let real = temporary.path().join("real");
        fs::create_dir_all(real.join("anna/mail")).unwrap();
        symlink(&real, temporary.path().join("named")).unwrap();
        symlink(real.join("anna"), real.join("bob")).unwrap();
        let below = |path: &str| {
            let trusted = temporary.path().join("named");
            Below::new(trusted.join(path), &trusted)
        };
        below("anna/mail").open().unwrap();
        for refused in [below("bob/mail").open(), below("bob/mail").make(), below("bob").open(), below("bob/x").make()]
        {
            let error = refused.unwrap_err().to_string();
            assert!(error.contains("/named/bob is a symbolic link"), "{error}");
        }
        assert_eq!(below("carl/mail").open().unwrap_err().kind(), io::ErrorKind::NotFound);
        below("carl/mail").make().unwrap();
        assert!(real.join("carl/mail").is_dir() && !real.join("anna/x").exists());
    }

    #[test]
    fn a_folder_stays_the_one_that_was_opened() {
        let temporary = tempfile::tempdir().unwrap();
        let (cur, elsewhere) = (temporary.path().join("cur"), temporary.path().join("elsewhere"));
        fs::create_dir(&cur).unwrap();
        fs::create_dir(&elsewhere).unwrap();
        fs::write(elsewhere.join("secret"), "x").unwrap();
        let dir = Dir::trusted(temporary.path()).unwrap().folder("cur".as_ref()).unwrap();
        fs::rename(&cur, temporary.path().join("was")).unwrap();
        symlink(&elsewhere, &cur).unwrap();
        assert_eq!(dir.open_plain("secret".as_ref()).unwrap_err().kind(), io::ErrorKind::NotFound);
        dir.create("new".as_ref()).unwrap().place(&dir, "placed".as_ref()).unwrap();
        drop(dir.create("half".as_ref()).unwrap());
        assert_eq!(dir.names().unwrap(), ["placed"]);
        assert!(temporary.path().join("was/placed").exists() && !elsewhere.join("placed").exists());
        let taken = dir.create("second".as_ref()).unwrap().place(&dir, "placed".as_ref());
        assert_eq!(taken.unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    }

    #[test]
    fn what_is_no_plain_file_and_what_is_another_persons_by_a_second_name_are_refused() {
        let temporary = tempfile::tempdir().unwrap();
        let dir = Dir::trusted(temporary.path()).unwrap();
        let path = |name: &str| temporary.path().join(name);
        fs::write(path("file"), "x").unwrap();
        fs::hard_link(path("file"), path("own")).unwrap();
        symlink(path("file"), path("link")).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(path("pipe")).status().unwrap().success());
        assert!(dir.open_plain("own".as_ref()).is_ok());
        for name in ["link", "pipe"] {
            let error = dir.open_plain(name.as_ref()).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{name}: {error}");
            assert!(dir.open_kept(name.as_ref()).is_err(), "{name}");
        }
        if rustix::process::geteuid().is_root() {
            std::os::unix::fs::chown(path("own"), Some(4242), None).unwrap();
            for refused in [dir.open_plain("own".as_ref()).map(drop), dir.open_kept("own".as_ref()).map(drop)] {
                assert!(refused.unwrap_err().to_string().contains("second name"));
            }
            fs::remove_file(path("file")).unwrap();
            assert!(dir.open_plain("own".as_ref()).is_ok(), "mail that others delivered has one name");
        }
    }
}
