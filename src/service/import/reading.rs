//! Files that a person names: lists of items and certificates. Bounded, plain files only: a pipe or a device may never end.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use zeroize::Zeroizing;

use super::ImportFrom;
use crate::domain::csv_import::{ParsedList, parse, parse_pasted};
use crate::service::ServiceError;

/// A larger list of items is refused: 100,000 rows are some 10 MB.
const ITEMS_LIMIT: Limit = Limit(256 * 1024 * 1024, "larger than 256 MB; split it");
/// A CA file larger than this is none.
const AUTHORITIES_LIMIT: Limit = Limit(4 * 1024 * 1024, "too large for a file of certificates");

/// So many bytes, and what a file hears that has more.
#[derive(Clone, Copy)]
struct Limit(u64, &'static str);

/// Why a file that a person named cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The operating system.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// It is a folder.
    #[error("is a directory")]
    Folder,
    /// It is a pipe or a device.
    #[error("not a plain file: save it as one first")]
    NotPlain,
    /// It is larger than such a file is.
    #[error("{0}")]
    TooLarge(&'static str),
    /// It was to hold certificates.
    #[error("holds no certificate (PEM, -----BEGIN CERTIFICATE-----)")]
    NoCertificate,
}

/// Reads a list of items. Reading and parsing a large file takes a while: it is done on a thread for that.
///
/// # Errors
/// Why the file cannot be read; bad rows are no error.
pub async fn read(from: ImportFrom) -> Result<ParsedList, ServiceError> {
    let read = tokio::task::spawn_blocking(move || match from {
        ImportFrom::File(file) => read_items(&file).map_err(|error| ServiceError::File { file, error }),
        ImportFrom::Text(text) => Ok(parse_pasted(text.expose())),
    });
    read.await.map_err(|_| ServiceError::Died("reading the list"))?
}

fn read_items(file: &Path) -> Result<ParsedList, FileError> {
    Ok(parse(&bytes(file, ITEMS_LIMIT)?))
}

/// Reads a file of certificates. Blocks.
///
/// # Errors
/// Why the file cannot be used.
pub fn read_authorities(file: &Path) -> Result<String, FileError> {
    let bytes = bytes(file, AUTHORITIES_LIMIT)?;
    let pem = std::str::from_utf8(&bytes).ok().filter(|pem| pem.contains("-----BEGIN CERTIFICATE-----"));
    pem.map(str::to_owned).ok_or(FileError::NoCertificate)
}

/// Reads a list of users as text. Blocks.
///
/// # Errors
/// Why the file cannot be used.
pub(in crate::service) fn read_users(file: &Path) -> Result<String, FileError> {
    let bytes = bytes(file, ITEMS_LIMIT)?;
    let text = std::str::from_utf8(&bytes).map(str::to_owned);
    text.map_err(|_| FileError::Io(std::io::Error::other("it is no UTF-8 text: save it as CSV UTF-8")))
}

/// The bytes of a plain file, wiped when they are dropped: a list holds passwords.
fn bytes(path: &Path, Limit(limit, too_large): Limit) -> Result<Zeroizing<Vec<u8>>, FileError> {
    // Before it is opened: opening a pipe waits for whoever writes it.
    let described = std::fs::metadata(path)?;
    if described.is_dir() {
        return Err(FileError::Folder);
    }
    if !described.is_file() {
        return Err(FileError::NotPlain);
    }
    if described.len() > limit {
        return Err(FileError::TooLarge(too_large));
    }
    // In one piece, so that growing leaves no copies behind; files of `/proc` and their like say that they are empty.
    let size = usize::try_from(described.len()).map_err(|_| FileError::TooLarge(too_large))?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(size + 1));
    File::open(path)?.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit { Err(FileError::TooLarge(too_large)) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_larger_than_its_limit_is_refused_even_if_it_grows_meanwhile() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("list.csv");
        std::fs::write(&path, b"12345").unwrap();
        assert_eq!(bytes(&path, Limit(5, "too large")).unwrap().as_slice(), b"12345");
        assert_eq!(bytes(&path, Limit(4, "too large")).unwrap_err().to_string(), "too large");
        // It says that it is empty, and is not.
        #[cfg(target_os = "linux")]
        assert_eq!(bytes(Path::new("/proc/self/maps"), Limit(10, "too large")).unwrap_err().to_string(), "too large");
    }

    #[test]
    #[cfg(unix)]
    fn pipes_devices_and_folders_are_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        for path in [&pipe, Path::new("/dev/zero")] {
            assert_eq!(read_items(path).unwrap_err().to_string(), "not a plain file: save it as one first");
            assert_eq!(read_authorities(path).unwrap_err().to_string(), "not a plain file: save it as one first");
        }
        assert_eq!(read_items(folder.path()).unwrap_err().to_string(), "is a directory");
    }
}
