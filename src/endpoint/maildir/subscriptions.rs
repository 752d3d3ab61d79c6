//! Subscribed folders: the file `subscriptions` in a mailbox' root, in the form with tabs between components (`V 2`) or the
//! older one with dots. Names are those on disk. Bounded: 4 MiB.

#![deny(clippy::indexing_slicing, clippy::string_slice, reason = "it reads what strangers wrote")]

use std::collections::BTreeSet;
use std::io;

use super::shared_file;
use crate::domain::folder::WireName;
use crate::endpoint::dir::Dir;

const FILE: &str = "subscriptions";
const LIMIT: u64 = 4 * 1024 * 1024;
/// The first line of the form with tabs.
const FIRST: &[u8] = b"V\t2";

/// Those of the mailbox in this folder.
pub(super) fn read(root: &Dir) -> io::Result<BTreeSet<WireName>> {
    Ok(parse(&shared_file::read(root, FILE, LIMIT)?))
}

/// Adds folders, in the form in which the file is; a new one gets tabs.
pub(super) fn add(root: &Dir, folders: &[WireName]) -> io::Result<()> {
    shared_file::replace(root, FILE, LIMIT, |text| {
        let known = parse(text);
        let new: BTreeSet<&WireName> = folders
            .iter()
            .filter(|wire| !known.contains(wire) && !wire.0.iter().any(|b| matches!(b, b'\t' | b'\n')))
            .collect();
        if new.is_empty() {
            return Ok(None);
        }
        let mut text = if text.is_empty() { [FIRST, b"\n\n"].concat() } else { text.to_vec() };
        if !text.ends_with(b"\n") {
            text.push(b'\n');
        }
        let between = if has_tabs(&text) { b'\t' } else { b'.' };
        for wire in new {
            match wire.0.strip_prefix(b".") {
                Some(name) => text.extend(name.iter().map(|b| if *b == b'.' { between } else { *b })),
                None => text.extend_from_slice(&wire.0),
            }
            text.push(b'\n');
        }
        Ok(Some(text))
    })
}

fn has_tabs(text: &[u8]) -> bool {
    text.split(|b| *b == b'\n').next() == Some(FIRST)
}

fn parse(text: &[u8]) -> BTreeSet<WireName> {
    let name = |line: &[u8]| match line {
        b"INBOX" => WireName(line.to_vec()),
        other => {
            let dotted = other.iter().map(|b| if *b == b'\t' { b'.' } else { *b });
            WireName(std::iter::once(b'.').chain(dotted).collect())
        }
    };
    text.split(|b| *b == b'\n').filter(|line| !line.is_empty() && *line != FIRST).map(name).collect()
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
            add(&dir, &wires).unwrap();
            assert_eq!(std::fs::read_to_string(root.path().join(FILE)).unwrap(), after, "{before:?}");
            assert!(read(&dir).unwrap().is_superset(&BTreeSet::from(wires.clone())));
        }
    }
}
