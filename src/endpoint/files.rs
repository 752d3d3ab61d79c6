//! Files that are made in folders of mailboxes: whose they are, and when their names are on the disk.
//!
//! Where the system does not allow it, or knows no owners, files stay with whoever made them. Blocks.

use std::fs::File;
use std::io;
use std::path::Path;

/// Gives a new file to the owner of the folder it is for.
pub(super) fn give(file: &File, folder: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, fchown};
        if let (Ok(made), Ok(of)) = (file.metadata(), folder.symlink_metadata())
            && made.uid() != of.uid()
        {
            // Only an administrator can, and only an administrator needs to.
            fchown(file, Some(of.uid()), Some(of.gid())).ok();
        }
    }
    #[cfg(not(unix))]
    let _ = (file, folder);
}

/// Makes names in a folder durable, where the system can.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(windows) {
        return Ok(()); // NTFS journals them
    }
    File::open(folder)?.sync_all()
}
