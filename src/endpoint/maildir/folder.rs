//! One folder as it is now: its files with their numbers, its flags, its state.
//!
//! A directory may change while it is read: it is read until two looks agree, three times at most, and a name seen in any
//! of them counts. Blocks; holds the names of one folder.

#![deny(clippy::indexing_slicing, clippy::string_slice, reason = "it reads what strangers wrote")]

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::keywords::Keywords;
use super::names;
use super::read::open_plain;
use super::trouble::Snag;
use crate::domain::flags::Flags;
use crate::domain::folder::{FolderState, UidValidity};
use crate::domain::ids::Uid;
use crate::endpoint::uidlist::UidList;

/// Looks at a directory that keeps changing.
const LOOKS: usize = 3;
/// A list of numbers larger than this is not looked at for the order of files.
const HINT_LIMIT: u64 = 256 * 1024 * 1024;
/// Lists of numbers that tell in which order messages came, should they have none here yet.
const HINTS: [&str; 2] = ["dovecot-uidlist", super::TABLE];

/// One file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileEntry {
    /// Its name.
    pub name: OsString,
    /// Whether it is in `new` (else in `cur`).
    pub new: bool,
}

impl FileEntry {
    /// Where it is.
    pub fn path(&self, folder: &Path) -> PathBuf {
        folder.join(if self.new { "new" } else { "cur" }).join(&self.name)
    }

    /// The letters of its flags. Some programs (OfflineIMAP) write them in `new` too.
    pub fn letters(&self) -> &[u8] {
        names::parts(self.name.as_encoded_bytes()).1
    }

    fn key(&self) -> &[u8] {
        names::parts(self.name.as_encoded_bytes()).0
    }
}

/// A folder as it was looked at.
pub(super) struct FileView {
    /// Its directory.
    pub folder: PathBuf,
    /// UIDVALIDITY.
    pub validity: Option<UidValidity>,
    next: u32,
    mark: u64,
    /// Its files by number.
    pub messages: BTreeMap<u32, FileEntry>,
    /// Its keywords.
    pub keywords: Keywords,
}

impl FileView {
    /// Looks at a folder and gives numbers to what has none.
    pub fn look(folder: PathBuf, table: &mut UidList) -> Result<Self, Snag> {
        let files = list(&folder)?;
        table.assign(files.keys().map(|key| &**key), |new| put_in_order(&folder, new))?;
        let keywords = Keywords::read(&folder)?;
        let mut messages = BTreeMap::new();
        for (key, entry) in files {
            if let Some(number) = table.get(&key) {
                messages.insert(number, entry);
            }
        }
        let mark = mark(&messages, &keywords);
        Ok(Self { folder, validity: table.validity, next: table.next(), mark, messages, keywords })
    }

    /// Its state. HIGHESTMODSEQ is a fingerprint of all names: it does not grow, but it changes when anything does.
    pub fn state(&self) -> FolderState {
        FolderState {
            uid_validity: self.validity,
            uid_next: Some(Uid(i64::from(self.next))),
            messages: u32::try_from(self.messages.len()).unwrap_or(u32::MAX),
            highest_modseq: Some(self.mark),
        }
    }

    /// The flags of a message.
    pub fn flags(&self, entry: &FileEntry) -> Flags {
        self.keywords.flags(entry.letters())
    }
}

/// Whether a directory holds messages; a link to one does not.
pub(super) fn is_real_folder(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|metadata| metadata.is_dir())
}

type Files = BTreeMap<Box<[u8]>, FileEntry>;

fn list(folder: &Path) -> io::Result<Files> {
    if !is_real_folder(folder) {
        let error = match folder.symlink_metadata() {
            Ok(_) => io::Error::new(io::ErrorKind::NotADirectory, "a link or file, not a folder; it is not followed"),
            Err(error) => error,
        };
        return Err(error);
    }
    let changed = || ["new", "cur"].map(|part| folder.join(part).symlink_metadata().and_then(|m| m.modified()).ok());
    let mut files = Files::new();
    for _ in 0..LOOKS {
        let before = changed();
        let mut there = 0;
        for (part, new) in [("new", true), ("cur", false)] {
            let path = folder.join(part);
            match path.symlink_metadata() {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
                Ok(metadata) if metadata.is_dir() => there += 1,
                Ok(_) => return Err(io::Error::new(io::ErrorKind::NotADirectory, format!("\"{part}\" is no folder"))),
            }
            for file in fs::read_dir(&path)? {
                let name = file?.file_name();
                if name.as_encoded_bytes().first() != Some(&b'.') {
                    add(folder, &mut files, FileEntry { name, new });
                }
            }
        }
        if there == 0 {
            return Err(io::Error::new(io::ErrorKind::NotFound, "no Maildir folder (neither new nor cur)"));
        }
        if changed() == before {
            break;
        }
    }
    Ok(files)
}

/// A name seen twice is a file that was renamed meanwhile, unless both are there: then it is two messages.
fn add(folder: &Path, files: &mut Files, entry: FileEntry) {
    let key: Box<[u8]> = entry.key().into();
    let Some(known) = files.get_mut(&key) else {
        files.insert(key, entry);
        return;
    };
    if *known == entry {
        return;
    }
    let there = |entry: &FileEntry| entry.path(folder).symlink_metadata().is_ok();
    match (there(known), there(&entry)) {
        (true, true) => {
            let (first, second) = if (known.new, &known.name) <= (entry.new, &entry.name) {
                (known.clone(), entry)
            } else {
                (entry, known.clone())
            };
            *known = first;
            let whole = [if second.new { &b"new/"[..] } else { b"cur/" }, second.name.as_encoded_bytes()].concat();
            files.insert(whole.into(), second);
        }
        (false, _) => *known = entry,
        (true, false) => {}
    }
}

/// The order in which messages came: as another list of numbers has it, then by the time in their names.
fn put_in_order(folder: &Path, keys: &mut Vec<&[u8]>) {
    let mut known: HashMap<Vec<u8>, u64> = HashMap::new();
    if keys.len() > 1 {
        for hint in HINTS {
            known.extend(read_hint(&folder.join(hint)).unwrap_or_default());
        }
    }
    keys.sort_by_cached_key(|key| (known.get(*key).copied().unwrap_or(u64::MAX), names::age(key), key.to_vec()));
}

/// `number … :name` (Dovecot), or `number name` (ours).
fn read_hint(file: &Path) -> io::Result<Vec<(Vec<u8>, u64)>> {
    let mut text = Vec::new();
    open_plain(file)?.0.take(HINT_LIMIT).read_to_end(&mut text)?;
    let line = |line: &[u8]| {
        let blank = line.iter().position(|b| *b == b' ')?;
        let number = std::str::from_utf8(line.get(..blank)?).ok()?.parse().ok()?;
        let colon = line.windows(2).position(|part| part == b" :");
        let name = line.get(colon.map_or(blank + 1, |at| at + 2)..)?;
        Some((names::parts(name).0.to_vec(), number))
    };
    Ok(text.split(|b| *b == b'\n').skip(1).filter_map(line).collect())
}

fn mark(messages: &BTreeMap<u32, FileEntry>, keywords: &Keywords) -> u64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(format!("{keywords:?}").as_bytes());
    for (number, entry) in messages {
        hasher.update(&number.to_le_bytes());
        hasher.update(&[u8::from(entry.new)]);
        hasher.update(entry.name.as_encoded_bytes());
        hasher.update(&[0]);
    }
    let bytes: [u8; 8] = hasher.finalize().as_bytes()[..8].try_into().unwrap_or_default();
    u64::from_le_bytes(bytes) >> 1
}
