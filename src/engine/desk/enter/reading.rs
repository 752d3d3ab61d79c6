//! Files that a person names: lists of items and certificates. Bounded, plain files only: a pipe or a device may never end.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use zeroize::Zeroizing;

use crate::domain::csv_import::{Parsed, parse};

/// A larger list of items is refused: 100,000 rows are some 10 MB.
const ITEMS_LIMIT: u64 = 256 * 1024 * 1024;
/// A CA file larger than this is none.
const AUTHORITIES_LIMIT: u64 = 4 * 1024 * 1024;

/// Reads a list of items.
///
/// # Errors
/// For people: why the file cannot be read.
pub fn read_items(file: &Path) -> Result<Parsed, String> {
    Ok(parse(&read(file, ITEMS_LIMIT, "larger than 256 MB; split it")?))
}

/// Reads a file of certificates.
///
/// # Errors
/// For people: why the file cannot be used.
pub fn read_authorities(file: &Path) -> Result<String, String> {
    let bytes = read(file, AUTHORITIES_LIMIT, "too large for a file of certificates")?;
    let pem = std::str::from_utf8(&bytes).ok().filter(|pem| pem.contains("-----BEGIN CERTIFICATE-----"));
    pem.map(str::to_owned).ok_or_else(|| "holds no certificate (PEM, -----BEGIN CERTIFICATE-----)".into())
}

/// The bytes of a plain file, wiped when they are dropped: a list holds passwords.
fn read(path: &Path, limit: u64, too_large: &str) -> Result<Zeroizing<Vec<u8>>, String> {
    let words = |error: std::io::Error| error.to_string();
    // Before it is opened: opening a pipe waits for whoever writes it.
    let described = std::fs::metadata(path).map_err(words)?;
    if described.is_dir() {
        return Err("is a directory".into());
    }
    if !described.is_file() {
        return Err("not a plain file: save it as one first".into());
    }
    if described.len() > limit {
        return Err(too_large.into());
    }
    // In one piece, so that growing leaves no copies behind; files of `/proc` and their like say that they are empty.
    let size = usize::try_from(described.len()).map_err(|_| too_large.to_owned())?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(size + 1));
    File::open(path).map_err(words)?.take(limit + 1).read_to_end(&mut bytes).map_err(words)?;
    if bytes.len() as u64 > limit { Err(too_large.into()) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_larger_than_its_limit_is_refused_even_if_it_grows_meanwhile() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("list.csv");
        std::fs::write(&path, b"12345").unwrap();
        assert_eq!(read(&path, 5, "too large").unwrap().as_slice(), b"12345");
        assert_eq!(read(&path, 4, "too large").unwrap_err(), "too large");
        // It says that it is empty, and is not.
        #[cfg(target_os = "linux")]
        assert_eq!(read(Path::new("/proc/self/maps"), 10, "too large").unwrap_err(), "too large");
    }

    #[test]
    #[cfg(unix)]
    fn pipes_devices_and_folders_are_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        for path in [&pipe, Path::new("/dev/zero")] {
            assert_eq!(read_items(path).unwrap_err(), "not a plain file: save it as one first");
            assert_eq!(read_authorities(path).unwrap_err(), "not a plain file: save it as one first");
        }
        assert_eq!(read_items(folder.path()).unwrap_err(), "is a directory");
    }
}
