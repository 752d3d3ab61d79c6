//! The quota of a Maildir++: the file `maildirsize` in a mailbox' root, which Courier, maildrop and Exim keep.
//!
//! Its first line says what is allowed (`10000000S,1000C`: bytes, messages), every other one what came or went (`bytes messages`).
//! What is delivered is added to it; one that would not fit is refused. The trash does not count. A file that makes no sense
//! says nothing: whoever keeps it makes it anew. Blocks; bounded by [`LARGEST`].

#![deny(clippy::indexing_slicing, clippy::string_slice, reason = "it reads what strangers wrote")]

use std::ffi::OsStr;
use std::io::{self, Seek, SeekFrom, Write};

use super::shared_file;
use crate::domain::folder::WireName;
use crate::endpoint::dir::Dir;

const FILE: &str = "maildirsize";
/// Others make it anew when it has some 5,000 bytes.
const LARGEST: u64 = 1024 * 1024;
/// The folder that does not count.
const TRASH: &[u8] = b".Trash";

/// What may still be delivered to a mailbox.
#[derive(Debug, Default)]
pub(super) struct Quota {
    /// Where the file is; none where nothing is counted.
    root: Option<Dir>,
    bytes: Option<i64>,
    messages: Option<i64>,
    taken: (i64, i64),
}

impl Quota {
    /// That of a folder of the mailbox with this root.
    pub fn of(root: Dir, folder: &WireName) -> Self {
        if folder.0 == TRASH || root.look(OsStr::new(FILE)).is_err() {
            return Self::default();
        }
        match shared_file::read(&root, FILE, LARGEST) {
            Ok(text) => {
                let Some((bytes, messages)) = left(&text) else {
                    tracing::warn!("maildirsize makes no sense; it is left alone");
                    return Self::default();
                };
                Self { root: Some(root), bytes, messages, taken: (0, 0) }
            }
            Err(error) => {
                tracing::warn!(%error, "maildirsize not read; it is left alone");
                Self::default()
            }
        }
    }

    /// Makes room for a file of so many bytes.
    ///
    /// # Errors
    /// There is none ([`io::ErrorKind::QuotaExceeded`]).
    pub fn take(&mut self, len: u64) -> io::Result<()> {
        let len = i64::try_from(len).unwrap_or(i64::MAX);
        let (bytes, messages) = (self.taken.0.saturating_add(len), self.taken.1 + 1);
        if self.bytes.is_some_and(|left| bytes > left) || self.messages.is_some_and(|left| messages > left) {
            let text = "the mailbox is over its quota (maildirsize)";
            return Err(io::Error::new(io::ErrorKind::QuotaExceeded, text));
        }
        self.taken = (bytes, messages);
        Ok(())
    }

    /// Adds what was taken to the file. Whoever keeps it counts anew now and then, so that nothing depends on it.
    pub fn write(self) {
        let (bytes, messages) = self.taken;
        let Some(root) = self.root.filter(|_| messages > 0) else { return };
        let add = || {
            let mut file = root.open_kept(OsStr::new(FILE))?;
            file.seek(SeekFrom::End(0))?;
            file.write_all(format!("{bytes} {messages}\n").as_bytes())
        };
        if let Err(error) = add() {
            tracing::warn!(%error, "maildirsize not written");
        }
    }
}

/// Bytes and messages that are left of what the first line allows; none for a text that is no such file.
fn left(text: &[u8]) -> Option<(Option<i64>, Option<i64>)> {
    let mut lines = std::str::from_utf8(text).ok()?.lines();
    let (mut bytes, mut messages) = (None, None);
    for part in lines.next()?.split(',').filter(|part| !part.is_empty()) {
        let (number, unit) = part.split_at_checked(part.len() - 1)?;
        // 0 is no limit.
        let number = Some(number.parse::<i64>().ok()?).filter(|number| *number > 0);
        match unit {
            "S" => bytes = number,
            "C" => messages = number,
            _ => {}
        }
    }
    for line in lines {
        let mut words = line.split_whitespace().map(str::parse::<i64>);
        let (came, number) = (words.next()?.ok()?, words.next()?.ok()?);
        bytes = bytes.map(|left| left.saturating_sub(came));
        messages = messages.map(|left| left.saturating_sub(number));
    }
    Some((bytes, messages))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_what_is_allowed_without_what_came() {
        for (text, rest) in [
            ("1000S,10C\n", Some((Some(1000), Some(10)))),
            ("1000S\n   300          2\n-100 -1\n", Some((Some(800), None))),
            ("10C\n300 12\n", Some((None, Some(-2)))),
            ("0S,0C\n5 1\n", Some((None, None))),
            ("1000S,7X\n", Some((Some(1000), None))),
            ("\n", Some((None, None))),
            ("", None),
            ("S\n", None),
            ("1000S\nx\n", None),
            ("ä\n", None),
        ] {
            assert_eq!(left(text.as_bytes()), rest, "{text:?}");
        }
    }

    #[test]
    fn what_fits_is_counted_and_what_does_not_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (path, inbox) = (folder.path().join(FILE), WireName(b"INBOX".to_vec()));
        let root = || Dir::trusted(folder.path()).unwrap();
        let mut none = Quota::of(root(), &inbox);
        none.take(u64::MAX).unwrap();
        none.write();
        assert!(!path.exists(), "a quota is nobody's to begin");

        std::fs::write(&path, "100S,3C\n40 1\n").unwrap();
        let mut quota = Quota::of(root(), &inbox);
        quota.take(50).unwrap();
        assert_eq!(quota.take(11).unwrap_err().kind(), io::ErrorKind::QuotaExceeded);
        quota.take(10).unwrap();
        assert_eq!(quota.take(0).unwrap_err().kind(), io::ErrorKind::QuotaExceeded, "three messages");
        quota.write();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "100S,3C\n40 1\n60 2\n");
        let mut trash = Quota::of(root(), &WireName(TRASH.to_vec()));
        trash.take(1000).unwrap();
        trash.write();
        assert!(Quota::of(root(), &inbox).take(1).is_err());
        for odd in ["", "what?", "1S\nx y\n"] {
            std::fs::write(&path, odd).unwrap();
            Quota::of(root(), &inbox).take(1000).unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), odd, "left alone");
        }
    }
}
