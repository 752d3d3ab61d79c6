//! How a mailbox lies on its disk: which of the two layouts its folders have, and in which letters their names are.
//!
//! Told from what is there. Nothing is opened but directories, no link is followed, and no more is walked through than
//! [`MOST`] directories and [`DEEPEST`] levels. Blocks.

#![deny(clippy::indexing_slicing, clippy::string_slice, reason = "it reads what strangers wrote")]

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;

use super::names::{DEEPEST, INBOX, Letters, PARTS, Style};
use crate::domain::folder::WireName;
use crate::domain::server::MaildirLayout;
use crate::endpoint::dir::{Dir, Kind};

/// Most directories that are looked into.
const MOST: usize = 200_000;
/// Files that Courier keeps in an inbox. Since version 5.0 it writes names of folders in UTF-8.
const COURIER: [&str; 3] = ["courierimapuiddb", "courierimapsubscribed", "courierimapkeywords"];

/// What lies in a mailbox' root.
#[derive(Debug)]
pub(super) struct Survey {
    /// How its folders are called.
    pub style: Style,
    /// Its folders: directories that hold messages, or are links to such.
    pub wires: Vec<WireName>,
}

/// Looks at a mailbox; `layout` as it was named, if it was.
///
/// # Errors
/// Folders of both layouts are there ([`io::ErrorKind::InvalidData`]), there are too many directories, or the system refuses.
pub(super) fn survey(root: &Dir, layout: Option<MaildirLayout>) -> io::Result<Survey> {
    let (names, has_inbox) = (root.names()?, is_maildir(root));
    let dotted = match layout {
        Some(MaildirLayout::Fs) => Vec::new(),
        Some(MaildirLayout::PlusPlus) | None => dotted(root, &names),
    };
    let mut walk = Walk::default();
    if layout != Some(MaildirLayout::PlusPlus) {
        walk.through(root, &names, has_inbox)?;
    }
    let nested = walk.found;
    let layout = match layout {
        Some(layout) => layout,
        None => told_apart(root, &dotted, &nested)?,
    };
    let mut wires = if layout == MaildirLayout::Fs { nested } else { dotted };
    let inbox = inbox(layout, has_inbox, &wires);
    let letters = letters(&names, &wires);
    if has_inbox {
        wires.push(WireName(INBOX.to_vec()));
    }
    wires.sort();
    Ok(Survey { style: Style { layout, letters, inbox }, wires })
}

/// Of folders of one layout that one; a Maildir++ where there are none.
fn told_apart(root: &Dir, dotted: &[WireName], nested: &[WireName]) -> io::Result<MaildirLayout> {
    // Other programs keep things of their own in directories with such names.
    let holds_messages = |wire: &&WireName| {
        super::names::steps(wire).is_ok_and(|steps| steps.first().is_some_and(|name| holds_messages(root, name)))
    };
    match (dotted.iter().filter(holds_messages).min(), nested.iter().min()) {
        (Some(dotted), Some(nested)) => {
            let [dotted, nested] = [dotted, nested].map(super::names::path);
            let text = format!(
                "folders of two layouts lie in it, Maildir++ (\"{dotted}\") and folders in folders (\"{nested}\"): say which \
                 is meant, by ?layout=++ or ?layout=fs behind the path"
            );
            Err(io::Error::new(io::ErrorKind::InvalidData, text))
        }
        (None, Some(_)) => Ok(MaildirLayout::Fs),
        (_, None) => Ok(MaildirLayout::PlusPlus),
    }
}

/// Where the inbox is: the root, or where that holds no messages and folders lie in folders, the one of them with its name.
fn inbox(layout: MaildirLayout, has_inbox: bool, wires: &[WireName]) -> WireName {
    let below = || wires.iter().filter(|wire| wire.0.eq_ignore_ascii_case(b"/INBOX")).min();
    match layout {
        MaildirLayout::Fs if !has_inbox && !wires.is_empty() => {
            below().cloned().unwrap_or(WireName(b"/INBOX".to_vec()))
        }
        MaildirLayout::Fs | MaildirLayout::PlusPlus => WireName(INBOX.to_vec()),
    }
}

/// As the names have it that need more than ASCII; where there are none, as who keeps the mailbox would write them.
fn letters(names: &[OsString], wires: &[WireName]) -> Letters {
    let is_utf8 = |wire: &WireName| !wire.0.is_ascii() && std::str::from_utf8(&wire.0).is_ok();
    let is_coded = |wire: &WireName| wire.0.contains(&b'&') && !super::names::path(wire).to_string().is_ascii();
    let is_couriers = || names.iter().any(|name| COURIER.iter().any(|file| name == file));
    if wires.iter().any(is_utf8) || (is_couriers() && !wires.iter().any(is_coded)) {
        Letters::Utf8
    } else {
        Letters::Utf7
    }
}

/// Whether what has this name in a directory is a folder with messages, or a link to one: only looked at.
fn holds_messages(dir: &Dir, name: &OsStr) -> bool {
    ["cur", "new"].iter().any(|part| dir.leads_to_folder(Path::new(name).join(part).as_os_str()))
}

/// Whether a directory holds messages.
fn is_maildir(dir: &Dir) -> bool {
    ["cur", "new"].iter().any(|part| is_part(dir, OsStr::new(part)))
}

/// A directory of messages, and no folder that is called like one.
fn is_part(dir: &Dir, name: &OsStr) -> bool {
    let is_folder = || dir.look(name).is_ok_and(|seen| seen.kind == Kind::Folder);
    PARTS.iter().any(|part| name == *part) && is_folder() && !holds_messages(dir, name)
}

/// Directories in the root whose names begin with a dot, and links to directories: they are named when they are opened.
fn dotted(root: &Dir, names: &[OsString]) -> Vec<WireName> {
    let is_folder = |name: &&OsString| {
        let raw = name.as_encoded_bytes();
        raw.starts_with(b".") && super::names::steps(&WireName(raw.to_vec())).is_ok() && root.leads_to_folder(name)
    };
    names.iter().filter(is_folder).map(|name| WireName(name.as_encoded_bytes().to_vec())).collect()
}

/// A way through directories in directories.
#[derive(Default)]
struct Walk {
    found: Vec<WireName>,
    looked: usize,
    /// The name of the directory that it has come to.
    at: Vec<u8>,
}

impl Walk {
    fn depth(&self) -> usize {
        self.at.iter().filter(|b| **b == b'/').count()
    }

    fn found(&mut self) {
        self.found.push(WireName(self.at.clone()));
    }

    /// Through all that lies in a directory.
    fn through(&mut self, dir: &Dir, names: &[OsString], is_maildir: bool) -> io::Result<()> {
        let at_root = self.at.is_empty();
        for name in names {
            let raw = name.as_encoded_bytes();
            if (is_maildir && is_part(dir, name)) || (at_root && is_hidden(name)) || raw.contains(&b'/') {
                continue;
            }
            let len = self.at.len();
            self.at.push(b'/');
            self.at.extend_from_slice(raw);
            self.into(dir, name)?;
            self.at.truncate(len);
        }
        Ok(())
    }

    /// Into one thing that lies there.
    fn into(&mut self, dir: &Dir, name: &OsStr) -> io::Result<()> {
        match dir.look(name).map(|seen| seen.kind) {
            Ok(Kind::Folder) => {}
            Ok(Kind::Other) if holds_messages(dir, name) => {
                // A link to messages: not followed, but named as one that is not.
                self.found();
                return Ok(());
            }
            Ok(Kind::File | Kind::Other) | Err(_) => return Ok(()),
        }
        self.looked += 1;
        if self.looked > MOST || self.depth() > DEEPEST {
            let text = format!("more than {MOST} directories, or {DEEPEST} levels of them, lie in it");
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        let below = match dir.folder(name) {
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(());
            }
            below => below?,
        };
        let is_maildir = is_maildir(&below);
        if is_maildir {
            self.found();
        }
        if is_hidden(name) && !is_maildir {
            return Ok(());
        }
        match below.names() {
            Ok(names) => self.through(&below, &names, is_maildir),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                // What cannot be looked into is named when it is opened.
                if !is_maildir {
                    self.found();
                }
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}

fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    fn made(folders: &[&str], others: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for part in folders.iter().flat_map(|folder| PARTS.map(|part| Path::new(folder).join(part))) {
            fs::create_dir_all(root.path().join(part)).unwrap();
        }
        others.iter().for_each(|other| fs::create_dir_all(root.path().join(other)).unwrap());
        root
    }

    fn looked(
        root: &tempfile::TempDir,
        layout: Option<MaildirLayout>,
    ) -> io::Result<(MaildirLayout, String, Vec<String>)> {
        let text = |wire: &WireName| String::from_utf8(wire.0.clone()).unwrap();
        let survey = survey(&Dir::trusted(root.path()).unwrap(), layout)?;
        Ok((survey.style.layout, text(&survey.style.inbox), survey.wires.iter().map(text).collect()))
    }

    /// Folders, other directories, and what is seen.
    type Case =
        (&'static [&'static str], &'static [&'static str], MaildirLayout, &'static str, &'static [&'static str]);

    #[test]
    fn the_layout_is_told_from_what_is_there() {
        use MaildirLayout::{Fs, PlusPlus};
        let cases: [Case; 8] = [
            (&[""], &["sieve/tmp"], PlusPlus, "INBOX", &["INBOX"]),
            (&["", ".A", ".A.B"], &["logs/old"], PlusPlus, "INBOX", &[".A", ".A.B", "INBOX"]),
            // Dovecot's fs, with a directory that holds only folders, and notmuch's own.
            (&["", "A", "P/B/C"], &[".notmuch/xapian"], Fs, "INBOX", &["/A", "/P/B/C", "INBOX"]),
            // mbsync, Verbatim and Legacy; offlineimap.
            (&["INBOX", "A", "A/B"], &[], Fs, "/INBOX", &["/A", "/A/B", "/INBOX"]),
            (&["inbox", "A/.B"], &["A/.hidden/x"], Fs, "/inbox", &["/A/.B", "/inbox"]),
            // Thunderbird.
            (&["Inbox", "Inbox.sbd/Old"], &[], Fs, "/Inbox", &["/Inbox", "/Inbox.sbd/Old"]),
            // No inbox anywhere: mutt, whose inbox is the spool.
            (&["sent", "new"], &[], Fs, "/INBOX", &["/new", "/sent"]),
            (&[], &["x/y"], PlusPlus, "INBOX", &[]),
        ];
        for (folders, others, layout, inbox, wires) in cases {
            let found = looked(&made(folders, others), None).unwrap();
            assert_eq!((found.0, found.1.as_str()), (layout, inbox), "{folders:?}");
            assert_eq!(found.2, wires, "{folders:?}");
        }
    }

    #[test]
    fn two_layouts_at_once_are_asked_about() {
        let root = made(&["", ".A.B", "C"], &[]);
        let said = looked(&root, None).unwrap_err().to_string();
        for words in ["\"A/B\"", "\"C\"", "?layout=fs", "?layout=++"] {
            assert!(said.contains(words), "{said}");
        }
        assert_eq!(looked(&root, Some(MaildirLayout::Fs)).unwrap().2, ["/C", "INBOX"]);
        assert_eq!(looked(&root, Some(MaildirLayout::PlusPlus)).unwrap().2, [".A.B", "INBOX"]);
    }

    #[test]
    fn letters_are_those_of_the_names_that_are_there() {
        for (folders, files, letters) in [
            (vec!["", ".Entwürfe"], vec![], Letters::Utf8),
            (vec!["", ".Entw&APw-rfe"], vec![], Letters::Utf7),
            (vec!["", ".R&-D"], vec![], Letters::Utf7),
            (vec!["", ".R&D"], vec!["courierimapuiddb"], Letters::Utf8),
            (vec!["", ".Entw&APw-rfe"], vec!["courierimapuiddb"], Letters::Utf7),
            (vec!["", "Entwürfe"], vec![], Letters::Utf8),
        ] {
            let root = made(&folders, &files);
            let survey = survey(&Dir::trusted(root.path()).unwrap(), None).unwrap();
            assert_eq!(survey.style.letters, letters, "{folders:?} {files:?}");
        }
    }

    #[test]
    fn a_tree_that_is_too_deep_is_refused_and_no_link_is_walked_through() {
        let deep = "x/".repeat(DEEPEST + 2);
        let said = looked(&made(&["", "A"], &[&deep]), None).unwrap_err().to_string();
        assert!(said.contains("levels"), "{said}");
        #[cfg(unix)]
        {
            let root = made(&["", "A"], &["other"]);
            std::os::unix::fs::symlink(root.path().join("A"), root.path().join("B")).unwrap();
            std::os::unix::fs::symlink(root.path().join("other"), root.path().join("C")).unwrap();
            std::os::unix::fs::symlink(root.path(), root.path().join("A/up")).unwrap();
            assert_eq!(looked(&root, None).unwrap().2, ["/A", "/A/up", "/B", "INBOX"]);
        }
    }
}
