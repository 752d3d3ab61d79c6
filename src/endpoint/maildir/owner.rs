//! Whose files and folders of a Maildir are: those of the owner of the folder they lie in, also when an administrator runs
//! Mailferry on the mail server itself. (`files` gives new files to theirs.)
//!
//! Where the system does not allow it, or knows no owners, files stay with whoever made them.

use std::fs::{DirBuilder, File, Metadata};
use std::io;
use std::path::Path;

use super::folder::is_real_folder;
use crate::endpoint::files::sync_folder;

/// Gives a new file the mode, owner and group of the one whose place it takes, as far as the system allows.
pub(super) fn give_like(file: &File, of: &Metadata) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
        let made = file.metadata()?;
        if made.uid() != of.uid() {
            // Only an administrator can.
            fchown(file, Some(of.uid()), None).ok();
        }
        let kept = made.gid() == of.gid() || fchown(file, None, Some(of.gid())).is_ok();
        // Another group must not read what this one could.
        let mode = of.mode() & if kept { 0o777 } else { 0o707 };
        file.set_permissions(std::fs::Permissions::from_mode(mode))?;
    }
    #[cfg(not(unix))]
    let _ = (file, of);
    Ok(())
}

/// Makes a folder that only its owner may enter, who is that of the folder it lies in; one that is there is left as it is.
/// Its name is on the disk when this returns.
pub(super) fn make_folder(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && is_real_folder(path) => Ok(()),
        Err(error) => Err(error),
        Ok(()) => {
            #[cfg(unix)]
            if let Some(parent) = path.parent() {
                use std::os::unix::fs::{MetadataExt, lchown};
                if let (Ok(made), Ok(of)) = (path.symlink_metadata(), parent.metadata())
                    && made.uid() != of.uid()
                {
                    // Only an administrator can.
                    lchown(path, Some(of.uid()), Some(of.gid())).ok();
                }
            }
            match path.parent().map_or(Ok(()), sync_folder) {
                // A folder one may make things in but not list cannot be synced by name.
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
                synced => synced,
            }
        }
    }
}

/// The same, with the folders above it that are missing.
pub(super) fn make_folders(path: &Path) -> io::Result<()> {
    if let Some(parent) = path.parent().filter(|parent| !parent.is_dir()) {
        make_folders(parent)?;
    }
    make_folder(path)
}
