//! Files for messages too large for memory (D20): unnamed, private, gone with their last holder.
//!
//! Blocks for the moment that the system's file cache takes.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

/// A new file in the spool folder.
pub(super) fn create(folder: &Path) -> io::Result<File> {
    tempfile::tempfile_in(folder)
}

/// A new file in the spool folder that holds these bytes.
pub(super) fn hold(folder: &Path, bytes: &[u8]) -> io::Result<File> {
    let mut file = create(folder)?;
    file.write_all(bytes)?;
    Ok(file)
}

/// Reads at a position without moving a cursor. The file is ours: an early end is an error.
pub(super) fn read_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    #[cfg(unix)]
    let n = std::os::unix::fs::FileExt::read_at(file, buffer, at)?;
    #[cfg(windows)]
    let n = std::os::windows::fs::FileExt::seek_read(file, buffer, at)?;
    if n == 0 { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(n) }
}
