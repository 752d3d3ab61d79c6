//! Between a server's raw folder names and paths (D14): prefix, separator, modified UTF-7, other people's name spaces.
//!
//! Pure. The prefix of the first personal name space is stripped: under `INBOX.`, the raw `INBOX.Work` is the top-level
//! folder `Work`, and a folder `x` inside the inbox is `INBOX.INBOX.x`, as Dovecot and Cyrus write it.

#![deny(clippy::indexing_slicing, clippy::string_slice, reason = "it reads what strangers wrote")]

use super::response::Namespaces;
use crate::domain::folder::{FolderPath, WireName};
use crate::endpoint::utf7;

/// The naming rules of one server.
#[derive(Clone, Debug, Default)]
pub(super) struct MailboxNames {
    prefix: Vec<u8>,
    personal: Vec<Vec<u8>>,
    foreign: Vec<Vec<u8>>,
    /// Separator of the personal name space.
    pub(super) separator: Option<char>,
}

impl MailboxNames {
    /// From what NAMESPACE told.
    pub(super) fn new(spaces: Namespaces) -> Self {
        let (prefix, separator) = spaces.personal.first().cloned().unwrap_or((Vec::new(), None));
        let personal = spaces.personal.into_iter().map(|(prefix, _)| prefix).collect();
        Self { prefix, personal, foreign: spaces.foreign, separator }
    }

    /// What the raw names of the owner's folders begin with; may be empty.
    pub(super) fn prefix(&self) -> &[u8] {
        &self.prefix
    }

    /// Whether a folder belongs to the mailbox's owner: the longest prefix that fits decides.
    pub(super) fn is_own(&self, raw: &[u8]) -> bool {
        if raw.eq_ignore_ascii_case(b"INBOX") {
            return true;
        }
        let longest = |prefixes: &[Vec<u8>]| {
            prefixes.iter().filter(|p| begins(raw, p, self.separator)).map(Vec::len).max().map_or(-1, |n| n as i64)
        };
        let foreign = longest(&self.foreign);
        foreign < 0 || longest(&self.personal) >= foreign
    }

    /// The path of a folder.
    pub(super) fn path(&self, raw: &[u8], separator: Option<char>) -> FolderPath {
        if raw.eq_ignore_ascii_case(b"INBOX") {
            return FolderPath::new(["INBOX"]);
        }
        if is_beyond_measure(raw, separator) {
            return FolderPath::new([cut(raw)]);
        }
        let stripped = strip(raw, &self.prefix);
        let path = split(stripped, separator);
        // `INBOX.Inbox` under the prefix `INBOX.` is not the inbox.
        if path.is_inbox() { split(raw, separator) } else { path }
    }

    /// Whether this is `INBOX.INBOX` or the like: under a prefix, the parent of what is inside the inbox.
    pub(super) fn shadows_inbox(&self, raw: &[u8]) -> bool {
        !raw.eq_ignore_ascii_case(b"INBOX") && strip(raw, &self.prefix).eq_ignore_ascii_case(b"INBOX")
    }

    /// The raw name of a path.
    pub(super) fn wire(&self, path: &FolderPath) -> WireName {
        if path.is_inbox() {
            return WireName(b"INBOX".to_vec());
        }
        let clean = |component: &String| -> String {
            let bad = |c: char| Some(c) == self.separator || matches!(c, '\0' | '\r' | '\n');
            utf7::encode(&component.chars().map(|c| if bad(c) { '_' } else { c }).collect::<String>())
        };
        let between = self.separator.map_or("_".to_owned(), String::from);
        let name = path.components().iter().map(clean).collect::<Vec<_>>().join(&between);
        WireName([self.prefix.as_slice(), name.as_bytes()].concat())
    }
}

/// Most bytes of a folder's name, and most levels of it: beyond it no mail program makes any, and other servers take none.
const LONGEST: usize = 1000;
const DEEPEST: usize = 100;

/// Whether a name is one that no folder can be copied by. It is listed under a short name of one level, so that it is named, and
/// not opened.
pub(super) fn is_beyond_measure(raw: &[u8], separator: Option<char>) -> bool {
    let levels = || raw.iter().filter(|byte| separator.is_some_and(|s| char::from(**byte) == s)).count();
    raw.len() > LONGEST || levels() >= DEEPEST
}

/// A short name for such a folder, its own.
fn cut(raw: &[u8]) -> String {
    let start: String = String::from_utf8_lossy(raw.get(..40).unwrap_or(raw)).into_owned();
    format!("{start}… ({})", blake3::hash(raw).to_hex().get(..12).unwrap_or_default())
}

fn begins(raw: &[u8], prefix: &[u8], separator: Option<char>) -> bool {
    // The prefix `user.` also means the folder `user`.
    let bare = separator.and_then(|s| prefix.strip_suffix(&[s as u8]));
    raw.starts_with(prefix) || (prefix.len() > 1 && bare == Some(raw))
}

/// Without the prefix, of which a first `INBOX` may be in any case.
fn strip<'a>(raw: &'a [u8], prefix: &[u8]) -> &'a [u8] {
    match raw.split_at_checked(prefix.len()) {
        Some((first, rest)) if !rest.is_empty() && first.eq_ignore_ascii_case(prefix) => rest,
        _ => raw,
    }
}

fn split(raw: &[u8], separator: Option<char>) -> FolderPath {
    let Some(separator) = separator.and_then(|s| u8::try_from(s).ok()) else {
        return FolderPath::new([utf7::decode(raw)]);
    };
    // Old servers list a folder that only holds others with a separator at its end.
    let name = raw.strip_suffix(&[separator]).filter(|n| !n.is_empty()).unwrap_or(raw);
    FolderPath::new(name.split(|b| *b == separator).map(utf7::decode))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(personal: &[(&str, char)], foreign: &[&str]) -> MailboxNames {
        MailboxNames::new(Namespaces {
            personal: personal.iter().map(|(p, s)| (p.as_bytes().to_vec(), Some(*s))).collect(),
            foreign: foreign.iter().map(|p| p.as_bytes().to_vec()).collect(),
        })
    }

    fn path(names: &MailboxNames, raw: &str) -> Vec<String> {
        names.path(raw.as_bytes(), names.separator).components().to_vec()
    }

    #[test]
    fn prefix_is_stripped_and_put_back() {
        let dotted = names(&[("INBOX.", '.')], &["user."]);
        for (raw, components) in [
            ("INBOX", vec!["INBOX"]),
            ("INBOX.Sent", vec!["Sent"]),
            ("INBOX.a.b", vec!["a", "b"]),
            ("INBOX.INBOX.x", vec!["INBOX", "x"]),
            ("INBOX.Entw&APw-rfe", vec!["Entwürfe"]),
        ] {
            assert_eq!(path(&dotted, raw), components);
            assert_eq!(dotted.wire(&FolderPath::new(components)), WireName(raw.as_bytes().to_vec()));
        }
        assert_eq!(path(&dotted, "inbox"), ["INBOX"]);
        assert_eq!(path(&dotted, "INBOX.inbox"), ["INBOX", "inbox"]);
        assert!(
            dotted.shadows_inbox(b"INBOX.INBOX")
                && !dotted.shadows_inbox(b"INBOX")
                && !dotted.shadows_inbox(b"INBOX.x")
        );
        assert_eq!(path(&dotted, "Archive.x"), ["Archive", "x"]);
        assert_eq!(dotted.wire(&FolderPath::new(["v1.2", "a\r\nb"])), WireName(b"INBOX.v1_2.a__b".to_vec()));
    }

    #[test]
    fn any_separator_or_none() {
        for separator in ['/', '.', '\\', '^'] {
            let plain = names(&[("", separator)], &[]);
            assert_eq!(path(&plain, &format!("INBOX{separator}x")), ["INBOX", "x"]);
            assert_eq!(path(&plain, &format!("a{separator}")), ["a"]);
            let raw = format!("a{separator}Tom &- Jerry");
            assert_eq!(path(&plain, &raw), ["a", "Tom & Jerry"]);
            assert_eq!(plain.wire(&FolderPath::new(["a", "Tom & Jerry"])), WireName(raw.into_bytes()));
        }
        let flat = MailboxNames::new(Namespaces { personal: vec![(Vec::new(), None)], foreign: Vec::new() });
        assert_eq!(path(&flat, "a/b.c"), ["a/b.c"]);
        assert_eq!(flat.wire(&FolderPath::new(["a", "b"])), WireName(b"a_b".to_vec()));
    }

    #[test]
    fn other_peoples_folders_are_not_ours() {
        let cyrus = names(&[("INBOX.", '.')], &["user.", ""]);
        assert!(cyrus.is_own(b"INBOX") && cyrus.is_own(b"INBOX.x"));
        assert!(!cyrus.is_own(b"user.fred") && !cyrus.is_own(b"user") && !cyrus.is_own(b"bulletins"));
        let shared = names(&[("", '/')], &["shared/", "#public/"]);
        assert!(shared.is_own(b"sharedlist") && shared.is_own(b"x/shared/y"));
        assert!(!shared.is_own(b"shared/x") && !shared.is_own(b"shared") && !shared.is_own(b"#public/x"));
    }
}
