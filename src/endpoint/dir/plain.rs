//! Folders as paths, where the system's handles are not used: what has a name is looked at, then used by that name.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Kind, NAMES, NewFile, Seen, not_followed, not_plain, too_many_names};

/// A folder.
#[derive(Clone, Debug)]
pub struct Dir(Arc<PathBuf>);

impl Dir {
    /// Opens a folder by a path that nobody else can change; links on it are followed.
    ///
    /// # Errors
    /// The system refuses.
    pub fn trusted(path: &Path) -> io::Result<Self> {
        if !fs::metadata(path)?.is_dir() {
            return Err(not_followed());
        }
        Ok(Self(Arc::new(path.to_owned())))
    }

    fn at(&self, name: &OsStr) -> PathBuf {
        self.0.join(name)
    }

    /// Opens a folder in this one.
    ///
    /// # Errors
    /// It is a link or a file ([`io::ErrorKind::NotADirectory`]), or the system refuses.
    pub fn folder(&self, name: &OsStr) -> io::Result<Self> {
        match self.look(name)?.kind {
            Kind::Folder => Ok(Self(Arc::new(self.at(name)))),
            Kind::File | Kind::Other => Err(not_followed()),
        }
    }

    /// The same, made if it is not there.
    ///
    /// # Errors
    /// As [`Dir::folder`].
    pub fn make_folder(&self, name: &OsStr) -> io::Result<Self> {
        match fs::create_dir(self.at(name)) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        self.folder(name)
    }

    /// Makes the names in it durable: NTFS journals them.
    ///
    /// # Errors
    /// None.
    pub fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    /// All names in it, in no order.
    ///
    /// # Errors
    /// The system refuses, or they are too many to be held.
    pub fn names(&self) -> io::Result<Vec<OsString>> {
        let (mut names, mut held) = (Vec::new(), 0);
        for entry in fs::read_dir(&*self.0)? {
            let name = entry?.file_name();
            held += name.len() + size_of::<OsString>();
            if held > NAMES {
                return Err(too_many_names());
            }
            names.push(name);
        }
        Ok(names)
    }

    /// What has this name.
    ///
    /// # Errors
    /// Nothing, or the system refuses.
    pub fn look(&self, name: &OsStr) -> io::Result<Seen> {
        Ok(Seen::of(&self.at(name).symlink_metadata()?))
    }

    /// Whether it is a folder, or a link to one: only looked at.
    pub fn leads_to_folder(&self, name: &OsStr) -> bool {
        self.at(name).is_dir()
    }

    fn plain(&self, name: &OsStr) -> io::Result<()> {
        if self.look(name)?.kind == Kind::File { Ok(()) } else { Err(not_plain()) }
    }

    /// Opens a plain file to read it.
    ///
    /// # Errors
    /// It is none ([`io::ErrorKind::InvalidInput`]), or the system refuses.
    pub fn open_plain(&self, name: &OsStr) -> io::Result<(File, Seen)> {
        self.plain(name)?;
        let file = File::open(self.at(name))?;
        let seen = Seen::of(&file.metadata()?);
        Ok((file, seen))
    }

    /// Opens a plain file to read and change it; made if it is not there.
    ///
    /// # Errors
    /// As [`Dir::open_plain`].
    pub fn open_kept(&self, name: &OsStr) -> io::Result<File> {
        match self.plain(name) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        File::options().create(true).truncate(false).read(true).write(true).open(self.at(name))
    }

    /// Begins a file that nothing has the name of yet.
    ///
    /// # Errors
    /// Something has, or the system refuses.
    pub fn create(&self, name: &OsStr) -> io::Result<NewFile> {
        let file = File::options().create_new(true).read(true).write(true).open(self.at(name))?;
        Ok(NewFile { dir: self.clone(), name: name.to_owned(), file, placed: false })
    }

    /// Gives another name to what has this one, where nothing has it yet.
    ///
    /// # Errors
    /// Something has ([`io::ErrorKind::AlreadyExists`]), or the system refuses.
    pub fn rename(&self, name: &OsStr, to: &Self, new: &OsStr) -> io::Result<()> {
        if to.look(new).is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        fs::rename(self.at(name), to.at(new))
    }

    /// Puts what has this name in the place of what has the other.
    ///
    /// # Errors
    /// The system refuses.
    pub fn replace(&self, name: &OsStr, other: &OsStr) -> io::Result<()> {
        fs::rename(self.at(name), self.at(other))
    }

    /// Takes a file's name away.
    ///
    /// # Errors
    /// The system refuses.
    pub fn remove(&self, name: &OsStr) -> io::Result<()> {
        fs::remove_file(self.at(name))
    }

    /// Files belong to who makes them.
    pub fn give(&self, _: &File) {}

    /// Files belong to who makes them.
    ///
    /// # Errors
    /// None.
    pub fn give_like(&self, _: &File, _: &OsStr) -> io::Result<()> {
        Ok(())
    }
}
