//! Subscribed folders: the file `subscriptions` in a mailbox' root, in the form with tabs between components (`V 2`) or the older one
//! with the layout's separator; Courier's is `courierimapsubscribed` (`INBOX.A.B`). Names are those on disk. Bounded: 4 MiB.

#![deny(clippy::indexing_slicing, clippy::string_slice, reason = "it reads what strangers wrote")]

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io;

use super::names::INBOX;
use super::shared_file;
use crate::domain::folder::WireName;
use crate::domain::server::MaildirLayout;
use crate::endpoint::dir::Dir;

const FILE: &str = "subscriptions";
const COURIER: &str = "courierimapsubscribed";
const LIMIT: u64 = 4 * 1024 * 1024;
/// The first line of the form with tabs.
const FIRST: &[u8] = b"V\t2";

/// The two files.
#[derive(Clone, Copy)]
enum Form {
    /// Dovecot's; with what stands between the components of a name, and before it.
    Dovecot(u8),
    /// Courier's.
    Courier,
}

impl Form {
    /// Dovecot's, of this layout.
    fn of(layout: MaildirLayout) -> Self {
        match layout {
            MaildirLayout::PlusPlus => Self::Dovecot(b'.'),
            MaildirLayout::Fs => Self::Dovecot(b'/'),
        }
    }

    fn file(self) -> &'static str {
        match self {
            Self::Dovecot(_) => FILE,
            Self::Courier => COURIER,
        }
    }

    /// What a new file begins with.
    fn beginning(self) -> Vec<u8> {
        match self {
            Self::Dovecot(_) => [FIRST, b"\n\n"].concat(),
            Self::Courier => Vec::new(),
        }
    }

    fn parse(self, text: &[u8]) -> BTreeSet<WireName> {
        let lines = text.split(|b| *b == b'\n').filter(|line| !line.is_empty());
        match self {
            Self::Dovecot(mark) => lines.filter(|line| *line != FIRST).map(|line| dovecots(line, mark)).collect(),
            Self::Courier => lines.filter_map(couriers).collect(),
        }
    }

    /// The line of a folder in a file with this text.
    fn line(self, text: &[u8], wire: &WireName) -> Vec<u8> {
        match self {
            Self::Dovecot(mark) => {
                let between = if has_tabs(text) { b'\t' } else { mark };
                let name = wire.0.strip_prefix(&[mark]).unwrap_or(&wire.0);
                name.iter().map(|b| if *b == mark { between } else { *b }).collect()
            }
            Self::Courier if wire.0 == INBOX => INBOX.to_vec(),
            Self::Courier => [INBOX, &wire.0].concat(),
        }
    }
}

/// Those of the mailbox in this folder.
pub(super) fn read(root: &Dir, layout: MaildirLayout) -> io::Result<BTreeSet<WireName>> {
    let mut found = BTreeSet::new();
    for form in [Form::of(layout), Form::Courier] {
        found.extend(form.parse(&shared_file::read(root, form.file(), LIMIT)?));
    }
    Ok(found)
}

/// Adds folders, in the form in which the file is; a new one gets tabs. Where Courier keeps such a file, in that, too.
pub(super) fn add(root: &Dir, layout: MaildirLayout, folders: &[WireName]) -> io::Result<()> {
    let is_there = |form: Form| root.look(OsStr::new(form.file())).is_ok();
    let (own, couriers) = (Form::of(layout), is_there(Form::Courier));
    if couriers {
        add_to(root, Form::Courier, folders)?;
    }
    if couriers && !is_there(own) { Ok(()) } else { add_to(root, own, folders) }
}

fn add_to(root: &Dir, form: Form, folders: &[WireName]) -> io::Result<()> {
    shared_file::replace(root, form.file(), LIMIT, |text| {
        let known = form.parse(text);
        let fits = |wire: &&WireName| !known.contains(wire) && !wire.0.iter().any(|b| matches!(b, b'\t' | b'\n'));
        let new: BTreeSet<&WireName> = folders.iter().filter(fits).collect();
        if new.is_empty() {
            return Ok(None);
        }
        let mut text = if text.is_empty() { form.beginning() } else { text.to_vec() };
        if !text.is_empty() && !text.ends_with(b"\n") {
            text.push(b'\n');
        }
        for wire in new {
            text.extend(form.line(&text, wire));
            text.push(b'\n');
        }
        Ok(Some(text))
    })
}

fn has_tabs(text: &[u8]) -> bool {
    text.split(|b| *b == b'\n').next() == Some(FIRST)
}

fn dovecots(line: &[u8], mark: u8) -> WireName {
    if line == INBOX {
        return WireName(line.to_vec());
    }
    let name = line.iter().map(|b| if *b == b'\t' { mark } else { *b });
    WireName(std::iter::once(mark).chain(name).collect())
}

/// None for a folder of others (`shared.`).
fn couriers(line: &[u8]) -> Option<WireName> {
    match line.strip_prefix(INBOX)? {
        [] => Some(WireName(INBOX.to_vec())),
        below => Some(WireName(below.to_vec())).filter(|wire| wire.0.starts_with(b".")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_of_the_file_and_what_stands_in_it_are_kept() {
        let root = tempfile::tempdir().unwrap();
        let wires = [".A.B", "INBOX", ".A"].map(|name| WireName(name.as_bytes().to_vec()));
        for (before, after) in [
            ("", "V\t2\n\nA\nA\tB\nINBOX\n"),
            ("V\t2\n\nA\nOld\tone\n", "V\t2\n\nA\nOld\tone\nA\tB\nINBOX\n"),
            ("Z.z\nA", "Z.z\nA\nA.B\nINBOX\n"),
            ("A\nA.B\nINBOX\n", "A\nA.B\nINBOX\n"),
        ] {
            std::fs::write(root.path().join(FILE), before).unwrap();
            let dir = Dir::trusted(root.path()).unwrap();
            add(&dir, MaildirLayout::PlusPlus, &wires).unwrap();
            assert_eq!(std::fs::read_to_string(root.path().join(FILE)).unwrap(), after, "{before:?}");
            assert!(read(&dir, MaildirLayout::PlusPlus).unwrap().is_superset(&BTreeSet::from(wires.clone())));
        }
    }

    #[test]
    fn folders_in_folders_and_couriers_list_have_their_own_forms() {
        let root = tempfile::tempdir().unwrap();
        let dir = Dir::trusted(root.path()).unwrap();
        let named = |names: &[&str]| names.iter().map(|name| WireName(name.as_bytes().to_vec())).collect::<Vec<_>>();
        let text = |file: &str| std::fs::read_to_string(root.path().join(file)).unwrap();
        for (before, after) in [("", "V\t2\n\nA\tB.c\nINBOX\n"), ("A/x\n", "A/x\nA/B.c\nINBOX\n")] {
            std::fs::write(root.path().join(FILE), before).unwrap();
            let wires = named(&["/A/B.c", "INBOX"]);
            add(&dir, MaildirLayout::Fs, &wires).unwrap();
            assert_eq!(text(FILE), after);
            assert!(read(&dir, MaildirLayout::Fs).unwrap().is_superset(&wires.into_iter().collect()));
        }
        std::fs::remove_file(root.path().join(FILE)).unwrap();
        std::fs::write(root.path().join(COURIER), "INBOX.Entwürfe\nshared.x\nINBOXES\n").unwrap();
        assert_eq!(read(&dir, MaildirLayout::PlusPlus).unwrap(), named(&[".Entwürfe"]).into_iter().collect());
        add(&dir, MaildirLayout::PlusPlus, &named(&[".A.B", "INBOX", ".Entwürfe"])).unwrap();
        assert_eq!(text(COURIER), "INBOX.Entwürfe\nshared.x\nINBOXES\nINBOX.A.B\nINBOX\n");
        assert!(!root.path().join(FILE).exists(), "Courier's is the one that is read");
    }
}
