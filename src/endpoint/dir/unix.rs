//! Folders as descriptors.

use std::ffi::{OsStr, OsString};
use std::fs::{File, Permissions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, RenameFlags, Stat};
use rustix::io::Errno;
use rustix::process::geteuid;

use super::{Kind, NAMES, NewFile, Seen, not_followed, not_plain, too_many_names};

/// A folder that one may pass through need not be one that one may list.
#[cfg(any(target_os = "linux", target_os = "android"))]
const PASS: OFlags = OFlags::PATH;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const PASS: OFlags = OFlags::RDONLY;
const FOLDER: OFlags = PASS.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
/// Neither a link is followed nor a pipe waited for.
const CAREFUL: OFlags = OFlags::NOFOLLOW.union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);
const PRIVATE: Mode = Mode::RUSR.union(Mode::WUSR);

/// A folder that is open.
#[derive(Clone, Debug)]
pub struct Dir {
    fd: Arc<OwnedFd>,
    owner: u32,
    group: u32,
}

impl Dir {
    fn of(fd: OwnedFd) -> io::Result<Self> {
        let stat = rustix::fs::fstat(&fd)?;
        Ok(Self { fd: Arc::new(fd), owner: stat.st_uid, group: stat.st_gid })
    }

    /// Opens a folder by a path that nobody else can change; links on it are followed.
    ///
    /// # Errors
    /// The system refuses.
    pub fn trusted(path: &Path) -> io::Result<Self> {
        Self::of(rustix::fs::open(path, FOLDER, Mode::empty())?)
    }

    /// Opens a folder in this one.
    ///
    /// # Errors
    /// It is a link or a file ([`io::ErrorKind::NotADirectory`]), or the system refuses.
    pub fn folder(&self, name: &OsStr) -> io::Result<Self> {
        match rustix::fs::openat(&*self.fd, name, FOLDER | OFlags::NOFOLLOW, Mode::empty()) {
            Err(Errno::LOOP | Errno::NOTDIR) => Err(not_followed()),
            opened => Self::of(opened?),
        }
    }

    /// The same, made if it is not there: private, its owner's who has this one, its name on the disk.
    ///
    /// # Errors
    /// As [`Dir::folder`].
    pub fn make_folder(&self, name: &OsStr) -> io::Result<Self> {
        match self.folder(name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            there => return there,
        }
        match rustix::fs::mkdirat(&*self.fd, name, Mode::RWXU) {
            Err(Errno::EXIST) => return self.folder(name),
            made => made?,
        }
        let made = self.folder(name)?;
        let ours = geteuid().as_raw();
        if made.owner != self.owner && made.owner == ours {
            let whole = made.readable()?;
            // Only an administrator can.
            fchown(&whole, Some(self.owner), Some(self.group)).ok();
        }
        match self.sync() {
            // A folder one may make things in but not list cannot be opened for it.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
            synced => synced?,
        }
        self.folder(name)
    }

    fn readable(&self) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(File::from(rustix::fs::openat(&*self.fd, ".", flags, Mode::empty())?))
    }

    /// Makes the names in it durable.
    ///
    /// # Errors
    /// The system refuses.
    pub fn sync(&self) -> io::Result<()> {
        self.readable()?.sync_all()
    }

    /// All names in it, in no order.
    ///
    /// # Errors
    /// The system refuses, or they are too many to be held.
    pub fn names(&self) -> io::Result<Vec<OsString>> {
        let (mut names, mut held) = (Vec::new(), 0);
        for entry in rustix::fs::Dir::new(self.readable()?)? {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if !matches!(name, b"." | b"..") {
                held += name.len() + size_of::<OsString>();
                if held > NAMES {
                    return Err(too_many_names());
                }
                names.push(OsStr::from_bytes(name).to_owned());
            }
        }
        Ok(names)
    }

    /// What has this name.
    ///
    /// # Errors
    /// Nothing, or the system refuses.
    pub fn look(&self, name: &OsStr) -> io::Result<Seen> {
        Ok(seen(&self.stat(name)?))
    }

    fn stat(&self, name: &OsStr) -> io::Result<Stat> {
        Ok(rustix::fs::statat(&*self.fd, name, AtFlags::SYMLINK_NOFOLLOW)?)
    }

    /// Whether it is a folder, or a link to one: only looked at.
    pub fn leads_to_folder(&self, name: &OsStr) -> bool {
        let stat = rustix::fs::statat(&*self.fd, name, AtFlags::empty());
        stat.is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Directory)
    }

    /// Refuses what is no plain file, and the second name of one that belongs to neither this folder's owner nor us: an
    /// administrator would read, or change, what its owner hid from whoever gave it that name.
    fn usable(&self, stat: &Stat) -> io::Result<()> {
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(not_plain());
        }
        let ours = geteuid();
        let own = stat.st_uid == self.owner || (!ours.is_root() && stat.st_uid == ours.as_raw());
        if stat.st_nlink > 1 && !own {
            let text = "a second name of a file that belongs to somebody else: it is not opened";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        Ok(())
    }

    fn open(&self, name: &OsStr, flags: OFlags) -> io::Result<File> {
        let file = match rustix::fs::openat(&*self.fd, name, flags | CAREFUL, PRIVATE) {
            Err(Errno::LOOP | Errno::NXIO) => return Err(not_plain()),
            opened => opened?,
        };
        self.usable(&rustix::fs::fstat(&file)?)?;
        Ok(File::from(file))
    }

    /// Opens a plain file to read it.
    ///
    /// # Errors
    /// It is none ([`io::ErrorKind::InvalidInput`]), or the system refuses.
    pub fn open_plain(&self, name: &OsStr) -> io::Result<(File, Seen)> {
        // Before it is opened: a device may do something at that.
        self.usable(&self.stat(name)?)?;
        let file = self.open(name, OFlags::RDONLY)?;
        let seen = Seen::of(&file.metadata()?);
        Ok((file, seen))
    }

    /// Opens a plain file to read and change it; made, for us only, if it is not there.
    ///
    /// # Errors
    /// As [`Dir::open_plain`].
    pub fn open_kept(&self, name: &OsStr) -> io::Result<File> {
        match self.stat(name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            stat => self.usable(&stat?)?,
        }
        self.open(name, OFlags::RDWR | OFlags::CREATE)
    }

    /// Begins a file that nothing has the name of yet, for this folder's owner only.
    ///
    /// # Errors
    /// Something has, or the system refuses.
    pub fn create(&self, name: &OsStr) -> io::Result<NewFile> {
        let file = self.open(name, OFlags::RDWR | OFlags::CREATE | OFlags::EXCL)?;
        self.give(&file);
        Ok(NewFile { dir: self.clone(), name: name.to_owned(), file, placed: false })
    }

    /// Gives another name to what has this one, where nothing has it yet.
    ///
    /// # Errors
    /// Something has ([`io::ErrorKind::AlreadyExists`]), or the system refuses.
    pub fn rename(&self, name: &OsStr, to: &Self, new: &OsStr) -> io::Result<()> {
        match rename_new(self, name, to, new) {
            // A file system that cannot do both in one.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => match to.stat(new) {
                Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
                Err(_) => Ok(rustix::fs::renameat(&*self.fd, name, &*to.fd, new)?),
            },
            renamed => Ok(renamed?),
        }
    }

    /// Puts what has this name in the place of what has the other.
    ///
    /// # Errors
    /// The system refuses.
    pub fn replace(&self, name: &OsStr, other: &OsStr) -> io::Result<()> {
        Ok(rustix::fs::renameat(&*self.fd, name, &*self.fd, other)?)
    }

    /// Takes a file's name away.
    ///
    /// # Errors
    /// The system refuses.
    pub fn remove(&self, name: &OsStr) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&*self.fd, name, AtFlags::empty())?)
    }

    /// Gives a new file to this folder's owner.
    pub fn give(&self, file: &File) {
        if file.metadata().is_ok_and(|made| made.uid() != self.owner) {
            // Only an administrator can, and only an administrator needs to.
            fchown(file, Some(self.owner), Some(self.group)).ok();
        }
    }

    /// Gives a new file the mode, owner and group of the one of this name, as far as the system allows.
    ///
    /// # Errors
    /// The system refuses its mode.
    pub fn give_like(&self, file: &File, name: &OsStr) -> io::Result<()> {
        let Ok(of) = self.stat(name) else { return Ok(()) };
        let made = file.metadata()?;
        if made.uid() != of.st_uid {
            // Only an administrator can.
            fchown(file, Some(of.st_uid), None).ok();
        }
        let kept = made.gid() == of.st_gid || fchown(file, None, Some(of.st_gid)).is_ok();
        // Another group must not read what this one could.
        let mode = of.st_mode & if kept { 0o777 } else { 0o707 };
        #[expect(clippy::useless_conversion, reason = "narrower on other systems")]
        file.set_permissions(Permissions::from_mode(mode.into()))
    }
}

#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn rename_new(from: &Dir, name: &OsStr, to: &Dir, new: &OsStr) -> rustix::io::Result<()> {
    rustix::fs::renameat_with(&*from.fd, name, &*to.fd, new, RenameFlags::NOREPLACE)
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn rename_new(_: &Dir, _: &OsStr, _: &Dir, _: &OsStr) -> rustix::io::Result<()> {
    Err(Errno::NOSYS)
}

fn seen(stat: &Stat) -> Seen {
    let kind = match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Folder,
        _ => Kind::Other,
    };
    #[expect(clippy::useless_conversion, reason = "wider or narrower on other systems")]
    let (seconds, nanoseconds) = (i64::from(stat.st_mtime), u32::try_from(stat.st_mtime_nsec).unwrap_or(0));
    Seen { kind, len: u64::try_from(stat.st_size).unwrap_or(0), modified: instant(seconds, nanoseconds) }
}

fn instant(seconds: i64, nanoseconds: u32) -> Option<SystemTime> {
    let whole = Duration::from_secs(seconds.unsigned_abs());
    let second = if seconds < 0 { UNIX_EPOCH.checked_sub(whole) } else { UNIX_EPOCH.checked_add(whole) };
    second?.checked_add(Duration::from_nanos(nanoseconds.into()))
}
