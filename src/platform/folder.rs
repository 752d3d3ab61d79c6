//! The data folder: local, not roaming, readable by its owner only (D2).

use std::path::{Path, PathBuf};

use super::{PlatformError, io};

pub(super) const LOCK_FILE: &str = "workspace.lock";

/// The workspace's folder, made if need be: the one named, else the user's local application data.
///
/// A folder that others may read is closed to them when it is the default one, empty, or a workspace; any other folder is
/// refused, for its files are not ours to hide. So is one that is a link or another user's, and one in which something else
/// than a plain file or a folder has the name of what belongs to a workspace: whoever put it there may want it written to.
pub fn data_dir(named: Option<PathBuf>) -> Result<PathBuf, PlatformError> {
    let default = named.is_none();
    let folder = match named {
        Some(folder) => folder,
        None => {
            let dirs = directories::ProjectDirs::from("", "", "mailferry").ok_or(PlatformError::NoHome)?;
            dirs.data_local_dir().to_owned()
        }
    };
    private_dir(&folder)?;
    refuse_strange(&folder)?;
    close_to_others(&folder, default)?;
    Ok(folder)
}

/// Makes a folder (and those above it) that only its owner may enter; one that exists is left as it is.
pub(super) fn private_dir(folder: &Path) -> Result<(), PlatformError> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(io("creating folder", folder))
}

/// What a workspace's files and folders are called.
const FILES: [&str; 8] = [
    LOCK_FILE,
    "owner.json",
    "workspace.db",
    "workspace.db-wal",
    "workspace.db-shm",
    "workspace.db-journal",
    "vault.bin",
    "vault.lock",
];
const FOLDERS: [&str; 3] = ["logs", "spool", "numbers"];

fn refuse_strange(folder: &Path) -> Result<(), PlatformError> {
    let refused = |path: &Path, why| Err(PlatformError::Strange { path: path.to_owned(), why });
    let itself = folder.symlink_metadata().map_err(io("looking at folder", folder))?;
    if itself.is_symlink() {
        return refused(folder, "is a link: name the folder that it leads to");
    }
    #[cfg(unix)]
    if std::os::unix::fs::MetadataExt::uid(&itself) != rustix::process::geteuid().as_raw() {
        return refused(folder, "belongs to another user: run Mailferry as that user, or choose another folder");
    }
    let files = FILES.iter().map(|name| (name, false));
    for (name, is_folder) in files.chain(FOLDERS.iter().map(|name| (name, true))) {
        let path = folder.join(name);
        match path.symlink_metadata() {
            Ok(found) if is_folder && !found.is_dir() => {
                return refused(&path, "is no folder, though a workspace has one of this name: take it away");
            }
            Ok(found) if !is_folder && !found.is_file() => {
                return refused(&path, "is no plain file, though a workspace has one of this name: take it away");
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(unix)]
fn close_to_others(folder: &Path, default: bool) -> Result<(), PlatformError> {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(folder).map_err(io("looking at folder", folder))?.permissions().mode();
    if mode & 0o077 == 0 {
        return Ok(());
    }
    let mut files = std::fs::read_dir(folder).map_err(io("reading folder", folder))?;
    if !default && !folder.join(LOCK_FILE).exists() && files.next().is_some() {
        return Err(PlatformError::NotPrivate(folder.to_owned()));
    }
    std::fs::set_permissions(folder, PermissionsExt::from_mode(0o700)).map_err(io("closing to others", folder))
}

#[cfg(not(unix))]
fn close_to_others(_folder: &Path, _default: bool) -> Result<(), PlatformError> {
    Ok(()) // the user's local application data is private there
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn folders_are_private() {
        let temporary = tempfile::tempdir().unwrap();
        let new = data_dir(Some(temporary.path().join("a/b"))).unwrap();
        assert_eq!((mode(&new), mode(new.parent().unwrap())), (0o700, 0o700));
        std::fs::set_permissions(&new, PermissionsExt::from_mode(0o755)).unwrap();
        data_dir(Some(new.clone())).unwrap();
        assert_eq!(mode(&new), 0o700, "an empty one is tightened");
        std::fs::write(new.join("workspace.lock"), "").unwrap();
        std::fs::set_permissions(&new, PermissionsExt::from_mode(0o750)).unwrap();
        data_dir(Some(new.clone())).unwrap();
        assert_eq!(mode(&new), 0o700, "so is a workspace");
    }

    #[test]
    fn k2_links_pipes_and_folders_of_others_are_no_workspace() {
        let temporary = tempfile::tempdir().unwrap();
        let (real, link) = (temporary.path().join("real"), temporary.path().join("link"));
        data_dir(Some(real.clone())).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let why = |folder: &Path| data_dir(Some(folder.to_owned())).unwrap_err().to_string();
        assert!(why(&link).contains("is a link"));
        for name in ["workspace.db", "owner.json", "vault.bin"] {
            assert!(std::process::Command::new("mkfifo").arg(real.join(name)).status().unwrap().success());
            assert!(why(&real).contains(name) && why(&real).contains("no plain file"), "{}", why(&real));
            std::fs::remove_file(real.join(name)).unwrap();
        }
        std::os::unix::fs::symlink("/etc", real.join("logs")).unwrap();
        assert!(why(&real).contains("no folder"));
        std::fs::remove_file(real.join("logs")).unwrap();
        data_dir(Some(real.clone())).unwrap();
        if rustix::process::geteuid().is_root() {
            std::os::unix::fs::chown(&real, Some(4242), None).unwrap();
            assert!(why(&real).contains("another user"));
        }
    }

    #[test]
    fn other_peoples_folders_are_left_alone() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = temporary.path().to_owned();
        std::fs::write(folder.join("letter.txt"), "").unwrap();
        std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o755)).unwrap();
        assert!(matches!(data_dir(Some(folder.clone())), Err(PlatformError::NotPrivate(_))));
        assert_eq!(mode(&folder), 0o755);
    }
}
