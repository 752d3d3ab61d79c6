//! One folder as it is now: its files with their numbers, its flags, its state.
//!
//! A directory may change while it is read: it is read until two looks agree, three times at most, and a name seen in any
//! of them counts. Blocks; holds the names of one folder.

#![deny(clippy::indexing_slicing, clippy::string_slice, reason = "it reads what strangers wrote")]

use std::collections::{BTreeMap, HashMap};
use std::ffi::{OsStr, OsString};
use std::io::{self, BufRead, BufReader, Read};

use super::courier::CourierKeywords;
use super::keywords::Keywords;
use super::names::{self, PARTS};
use super::trouble::Snag;
use crate::domain::flags::Flags;
use crate::domain::folder::{FolderState, UidValidity};
use crate::domain::ids::Uid;
use crate::endpoint::dir::{Dir, Kind, Seen};
use crate::endpoint::uidlist::UidList;

/// Looks at a directory that keeps changing.
const LOOKS: usize = 3;
/// A list of numbers larger than this is not looked at for the order of files.
const HINT_LIMIT: u64 = 256 * 1024 * 1024;
/// No line of one is longer, but for what a stranger wrote.
const HINT_LINE: u64 = 4096;
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
    /// The letters of its flags. Some programs (OfflineIMAP) write them in `new` too.
    pub fn letters(&self) -> &[u8] {
        names::parts(self.name.as_encoded_bytes()).1
    }

    fn key(&self) -> &[u8] {
        names::parts(self.name.as_encoded_bytes()).0
    }
}

/// A folder's directories, opened at one look.
#[derive(Clone)]
pub(super) struct Folder {
    /// Itself.
    pub dir: Dir,
    new: Option<Dir>,
    cur: Option<Dir>,
}

impl Folder {
    fn open(dir: Dir) -> io::Result<Self> {
        let part = |name: &str| match dir.folder(OsStr::new(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
                Err(io::Error::new(io::ErrorKind::NotADirectory, format!("\"{name}\" is no folder")))
            }
            opened => opened.map(Some),
        };
        let (new, cur) = (part("new")?, part("cur")?);
        if new.is_none() && cur.is_none() {
            return Err(io::Error::new(io::ErrorKind::NotFound, "no Maildir folder (neither new nor cur)"));
        }
        Ok(Self { dir, new, cur })
    }

    /// The directory of a file.
    pub fn of(&self, entry: &FileEntry) -> io::Result<&Dir> {
        let part = if entry.new { &self.new } else { &self.cur };
        part.as_ref().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// What is known of a file without opening it.
    pub fn seen(&self, entry: &FileEntry) -> io::Result<Seen> {
        self.of(entry)?.look(&entry.name)
    }

    /// Makes names in `cur` durable.
    pub fn sync_cur(&self) -> io::Result<()> {
        self.cur.as_ref().map_or(Ok(()), Dir::sync)
    }

    fn parts(&self) -> [(Option<&Dir>, bool); 2] {
        [(self.new.as_ref(), true), (self.cur.as_ref(), false)]
    }
}

/// A folder as it was looked at.
pub(super) struct FileView {
    /// Its directories.
    pub folder: Folder,
    /// UIDVALIDITY.
    pub validity: Option<UidValidity>,
    next: u32,
    mark: u64,
    /// Its files by number.
    pub messages: BTreeMap<u32, FileEntry>,
    /// Its keywords.
    pub keywords: Keywords,
    /// Those that Courier keeps for it.
    courier: CourierKeywords,
}

impl FileView {
    /// Looks at a folder and gives numbers to what has none.
    pub fn look(dir: Dir, table: &mut UidList) -> Result<Self, Snag> {
        let folder = Folder::open(dir)?;
        let files = list(&folder)?;
        table.assign(files.keys().map(|key| &**key), |new| put_in_order(&folder.dir, new))?;
        let keywords = Keywords::read(&folder.dir)?;
        let courier = CourierKeywords::read(&folder.dir, |key| files.contains_key(key))?;
        let mut messages = BTreeMap::new();
        for (key, entry) in files {
            if let Some(number) = table.get(&key) {
                messages.insert(number, entry);
            }
        }
        let mark = mark(&messages, &keywords, &courier);
        Ok(Self { folder, validity: table.validity, next: table.next(), mark, messages, keywords, courier })
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
        let mut flags = self.keywords.flags(entry.letters());
        self.courier.add(entry.key(), &mut flags);
        flags
    }

    /// Bytes of a message whose file has this length: those that its name tells, where it tells any.
    pub fn size(&self, entry: &FileEntry, len: u64) -> u32 {
        u32::try_from(names::told_size(entry.key(), len).unwrap_or(len)).unwrap_or(u32::MAX)
    }
}

type Files = BTreeMap<Box<[u8]>, FileEntry>;

fn list(folder: &Folder) -> io::Result<Files> {
    let own = OsStr::new(".");
    let changed = || folder.parts().map(|(part, _)| part.and_then(|dir| dir.look(own).ok()?.modified));
    let mut files = Files::new();
    for _ in 0..LOOKS {
        let before = changed();
        for (part, new) in folder.parts() {
            for name in part.map_or_else(|| Ok(Vec::new()), Dir::names)? {
                let of_folder = |dir: &Dir| {
                    PARTS.iter().any(|part| name == *part)
                        && dir.look(&name).is_ok_and(|seen| seen.kind == Kind::Folder)
                };
                // A folder that is called like a part of this one (mbsync makes such).
                if name.as_encoded_bytes().first() != Some(&b'.') && !part.is_some_and(of_folder) {
                    add(folder, &mut files, FileEntry { name, new });
                }
            }
        }
        if changed() == before {
            break;
        }
    }
    Ok(files)
}

/// A name seen twice is a file that was renamed meanwhile, unless both are there: then it is two messages.
fn add(folder: &Folder, files: &mut Files, entry: FileEntry) {
    let key: Box<[u8]> = entry.key().into();
    let Some(known) = files.get_mut(&key) else {
        files.insert(key, entry);
        return;
    };
    if *known == entry {
        return;
    }
    let there = |entry: &FileEntry| folder.seen(entry).is_ok();
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
fn put_in_order(dir: &Dir, keys: &mut Vec<&[u8]>) {
    let mut known: HashMap<&[u8], Option<u64>> = HashMap::new();
    if keys.len() > 1 {
        known.extend(keys.iter().map(|key| (*key, None)));
        for hint in HINTS {
            // One that is not there, or cannot be read, says nothing.
            read_hint(dir, hint, &mut known).ok();
        }
    }
    let told = |key: &[u8]| known.get(key).copied().flatten().unwrap_or(u64::MAX);
    keys.sort_by_cached_key(|key| (told(key), names::age(key), key.to_vec()));
}

/// `number … :name` (Dovecot), or `number name` (ours): of the names that are known, and no others, for a list may be of any
/// size.
fn read_hint(dir: &Dir, file: &str, known: &mut HashMap<&[u8], Option<u64>>) -> io::Result<()> {
    let mut lines = BufReader::new(dir.open_plain(OsStr::new(file))?.0.take(HINT_LIMIT));
    let (mut line, mut first) = (Vec::new(), true);
    loop {
        line.clear();
        let len = (&mut lines).take(HINT_LINE).read_until(b'\n', &mut line)?;
        let whole = line.strip_suffix(b"\n").unwrap_or(&line);
        if len == 0 || len as u64 == HINT_LINE {
            return Ok(());
        }
        if !std::mem::take(&mut first)
            && let Some((name, number)) = hint(whole)
            && let Some(place) = known.get_mut(name)
        {
            *place = Some(number);
        }
    }
}

fn hint(line: &[u8]) -> Option<(&[u8], u64)> {
    let blank = line.iter().position(|b| *b == b' ')?;
    let number = std::str::from_utf8(line.get(..blank)?).ok()?.parse().ok()?;
    let colon = line.windows(2).position(|part| part == b" :");
    let name = line.get(colon.map_or(blank + 1, |at| at + 2)..)?;
    Some((names::parts(name).0, number))
}

fn mark(messages: &BTreeMap<u32, FileEntry>, keywords: &Keywords, courier: &CourierKeywords) -> u64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(format!("{keywords:?}").as_bytes());
    for (number, entry) in messages {
        hasher.update(&number.to_le_bytes());
        hasher.update(&[u8::from(entry.new)]);
        hasher.update(entry.name.as_encoded_bytes());
        hasher.update(&[0]);
        hasher.update(courier.told(entry.key()).as_bytes());
    }
    let bytes: [u8; 8] = hasher.finalize().as_bytes()[..8].try_into().unwrap_or_default();
    u64::from_le_bytes(bytes) >> 1
}
