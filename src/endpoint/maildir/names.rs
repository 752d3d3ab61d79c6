//! Names on disk: folders (Maildir++), files, and the flags in file names.
//!
//! Pure, but for the clock and the counter in [`unique`]. A folder is a directory `.A.B` in the mailbox' root, each
//! component in modified UTF-7 in which `.` and `/` are encoded too (as Courier writes them), so that every component can
//! be written and read back; the inbox is the root itself.

#![deny(clippy::indexing_slicing, clippy::string_slice, reason = "it reads what strangers wrote")]

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::domain::folder::{FolderPath, WireName};
use crate::endpoint::utf7;

/// How the inbox is called; every other name begins with a dot.
const INBOX: &[u8] = b"INBOX";
/// Characters that Windows allows in no file name.
const NOT_ON_WINDOWS: &str = "\\:*?\"<>|";
/// What stands before the flags in a file name.
pub(super) const INFO: &str = if cfg!(windows) { ";2," } else { ":2," };

fn component(text: &str, windows: bool) -> String {
    utf7::encode_but(text, |c| {
        (' '..='~').contains(&c) && !matches!(c, '.' | '/') && !(windows && NOT_ON_WINDOWS.contains(c))
    })
}

/// The name of a folder's directory; `INBOX` for the inbox.
pub(super) fn wire(path: &FolderPath) -> WireName {
    if path.is_inbox() {
        return WireName(INBOX.to_vec());
    }
    let name: String = path.components().iter().map(|c| format!(".{}", component(c, cfg!(windows)))).collect();
    WireName(name.into_bytes())
}

/// The folder of a directory name.
pub(super) fn path(wire: &WireName) -> FolderPath {
    match wire.0.strip_prefix(b".") {
        Some(name) => FolderPath::new(name.split(|b| *b == b'.').map(read_component)),
        None => FolderPath::new(["INBOX"]),
    }
}

fn read_component(raw: &[u8]) -> String {
    let text = std::str::from_utf8(raw).ok().filter(|text| text.is_ascii() && text.contains('&'));
    let decoded = text.and_then(|text| Some((text, utf7::strictly(text)?)));
    match decoded {
        Some((text, decoded)) if component(&decoded, false) == text || component(&decoded, true) == text => decoded,
        _ => utf7::decode(raw),
    }
}

/// Where a folder is. Names that lead elsewhere are refused: they may come from the other side's folder names.
pub(super) fn place(root: &Path, wire: &WireName) -> io::Result<PathBuf> {
    if wire.0 == INBOX {
        return Ok(root.to_owned());
    }
    let refused = || io::Error::new(io::ErrorKind::InvalidFilename, "no name for a folder of a Maildir");
    let leads_away = wire.0.iter().any(|b| matches!(b, b'/' | 0) || (cfg!(windows) && matches!(b, b'\\' | b':')));
    if !wire.0.starts_with(b".") || wire.0 == b"." || wire.0 == b".." || leads_away {
        return Err(refused());
    }
    #[cfg(unix)]
    let name = <OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(&wire.0);
    #[cfg(not(unix))]
    let name = OsStr::new(std::str::from_utf8(&wire.0).map_err(|_| refused())?);
    Ok(root.join(name))
}

/// A file name in its two parts: what names the message, and its flags. Programs that keep Maildirs on Windows write `;` or
/// `!` for the colon, which no file name may hold there.
pub(super) fn parts(name: &[u8]) -> (&[u8], &[u8]) {
    let colon = name.iter().position(|b| *b == b':');
    let at = colon.or_else(|| name.windows(3).rposition(|part| matches!(part, b";2," | b"!2,")));
    let Some((key, flags)) = at.and_then(|at| name.split_at_checked(at)) else { return (name, &[]) };
    (key, flags.get(1..).and_then(|flags| flags.strip_prefix(b"2,")).unwrap_or_default())
}

/// A file name of these bytes, which came from one.
pub(super) fn file_name(bytes: Vec<u8>) -> OsString {
    #[cfg(unix)]
    return std::os::unix::ffi::OsStringExt::from_vec(bytes);
    #[cfg(not(unix))]
    return String::from_utf8_lossy(&bytes).into_owned().into();
}

/// What stands behind the first of these bytes.
fn behind(bytes: &[u8], mark: u8) -> &[u8] {
    bytes.splitn(2, |b| *b == mark).nth(1).unwrap_or_default()
}

/// By what files without a number are put in order: the time in the name, then the name.
pub(super) fn age(key: &[u8]) -> (u64, u64) {
    let number = |bytes: &[u8]| {
        let digits = bytes.iter().take_while(|b| b.is_ascii_digit()).take(18);
        digits.fold(0, |n: u64, b| n * 10 + u64::from(b - b'0'))
    };
    (number(key), number(behind(behind(key, b'.'), b'M')))
}

/// A name that no other message has or will have: time, process, host, and the length in bytes as Dovecot writes it. Names
/// of one process ascend.
pub(super) fn unique(len: u64) -> String {
    static LAST: AtomicU64 = AtomicU64::new(0);
    static HOST: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_micros() as u64);
    let last = LAST.fetch_max(now, Ordering::Relaxed);
    let micros = if last < now { now } else { LAST.fetch_add(1, Ordering::Relaxed) + 1 };
    let host = HOST.get_or_init(|| {
        let name = std::fs::read_to_string("/etc/hostname").unwrap_or_default();
        let plain = name.trim().chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
        Some(plain.take(60).collect::<String>()).filter(|name| !name.is_empty()).unwrap_or_else(|| "mailferry".into())
    });
    let process = std::process::id();
    format!("{}.M{:06}P{process}.{host},S={len}", micros / 1_000_000, micros % 1_000_000)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn folders_stand_on_disk_as_others_write_them() {
        for (components, disk) in [
            (vec!["INBOX"], "INBOX"),
            (vec!["INBOX", "x"], ".INBOX.x"),
            (vec!["Archive", "2019"], ".Archive.2019"),
            (vec!["Entwürfe"], ".Entw&APw-rfe"),
            (vec!["v1.2"], ".v1&AC4-2"),
            (vec!["in/out", "R&D"], ".in&AC8-out.R&-D"),
        ] {
            let folder = FolderPath::new(components);
            assert_eq!(wire(&folder), WireName(disk.as_bytes().to_vec()));
            assert_eq!(path(&wire(&folder)), folder);
        }
        assert_eq!(path(&WireName(b".R&D".to_vec())).components(), ["R&D"]);
        assert_eq!(path(&WireName(b".a?b".to_vec())).components(), ["a?b"]);
    }

    #[test]
    fn no_name_leads_out_of_the_mailbox() {
        let root = Path::new("/mail/anna");
        for bad in ["", ".", "..", "x", "../x", "./x", ".a/../../x", ".a\0b", "inbox"] {
            assert!(place(root, &WireName(bad.as_bytes().to_vec())).is_err(), "{bad:?}");
        }
        for bad in [vec![""], vec!["", ""]] {
            assert!(place(root, &wire(&FolderPath::new(bad))).is_err());
        }
        assert_eq!(place(root, &WireName(b"INBOX".to_vec())).unwrap(), root);
        assert_eq!(place(root, &wire(&FolderPath::new(["..", "..", "x"]))).unwrap().parent(), Some(root));
    }

    #[test]
    fn file_names_are_taken_apart() {
        for (name, key, flags) in [
            ("1.M2P3.h,S=4:2,FS", "1.M2P3.h,S=4", "FS"),
            ("1.M2P3.h;2,S", "1.M2P3.h", "S"),
            ("1.M2P3.h!2,FS", "1.M2P3.h", "FS"),
            ("1.a!2,b:2,S", "1.a!2,b", "S"),
            ("1.x", "1.x", ""),
            ("1.x:1,experimental", "1.x", ""),
            ("1.x:2,", "1.x", ""),
        ] {
            assert_eq!(parts(name.as_bytes()), (key.as_bytes(), flags.as_bytes()), "{name}");
        }
        assert_eq!(age(b"1234567890.M000042P7Q1.host"), (1_234_567_890, 42));
        assert_eq!(age(b"odd"), (0, 0));
    }

    #[test]
    fn unique_names_ascend() {
        let names: Vec<_> = (0..1000).map(|_| age(unique(1).as_bytes())).collect();
        assert!(names.is_sorted_by(|a, b| a < b));
    }

    proptest! {
        #[test]
        fn every_name_survives(components in proptest::collection::vec("[^\0]{1,12}", 1..4)) {
            let folder = FolderPath::new(components);
            let disk = wire(&folder);
            prop_assert!(!disk.0.contains(&b'/'));
            prop_assert_eq!(path(&disk), folder);
        }
    }
}
