//! Ascending numbers for messages that have only names (D7): one append-only list for each folder, for every kind of
//! mailbox that keeps no numbers of its own.
//!
//! A key is what never changes of a message's name. It gets a number once, which means it for ever, so UIDVALIDITY changes
//! only with the list. The first line of the file holds it, every other one a number and its key. Where the file lies, and
//! what a key is, is for the kind to say. A list that cannot be read, or is lost, is begun anew with another UIDVALIDITY;
//! one of a newer version is refused. Bounded by what ever lay in the folder, some 60 bytes a message, [`MOST`] of them at
//! most: it is read line by line, and may lie where a stranger can write it. Changes are on the disk before they are told, and
//! made under a lock of the file. Blocks.

#![deny(clippy::indexing_slicing, clippy::string_slice, reason = "it reads what strangers wrote")]

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};

use super::dir::Dir;
use crate::domain::folder::UidValidity;

const FIRST: &str = "mailferry-uidlist 1 ";
/// What tables of every version begin with; their version's number follows.
const ANY: &str = "mailferry-uidlist ";
/// Length of the first line.
const FIRST_LINE: usize = FIRST.len() + 10 + 1;
/// Most numbers that a list holds.
pub const MOST: usize = 2_000_000;
/// No line is longer: a name has 255 bytes, each of them three letters at most.
const LONGEST_LINE: u64 = 1024;

/// The list cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct UidListError(#[from] pub io::Error);

/// The numbers of one folder.
pub struct UidList {
    dir: Dir,
    file: OsString,
    /// UIDVALIDITY; none until something was asked.
    pub validity: Option<UidValidity>,
    last: u32,
    by_key: HashMap<Box<[u8]>, u32>,
    /// Bytes read so far.
    read: u64,
}

impl UidList {
    /// The list in this file, which need not exist. Nothing is read yet.
    pub fn new(dir: Dir, file: impl Into<OsString>) -> Self {
        Self { dir, file: file.into(), validity: None, last: 0, by_key: HashMap::new(), read: 0 }
    }

    /// The folder of the list was opened again, and may be another one.
    pub fn lies_in(&mut self, dir: Dir) {
        self.dir = dir;
    }

    /// UIDNEXT.
    pub fn next(&self) -> u32 {
        self.last.saturating_add(1)
    }

    /// The number of a name that [`UidList::assign`] was told.
    pub fn get(&self, key: &[u8]) -> Option<u32> {
        self.by_key.get(key).copied()
    }

    /// Takes the file's lock, for changes of what lies beside it.
    ///
    /// # Errors
    /// The file cannot be made or locked.
    pub fn lock(&self) -> Result<File, UidListError> {
        Ok(self.open_locked()?)
    }

    fn open_locked(&self) -> io::Result<File> {
        let file = self.dir.open_kept(&self.file)?;
        file.lock()?;
        Ok(file)
    }

    /// Takes in what others wrote and gives numbers to those of these names that have none, in the order that `order` puts
    /// them into. What is new is on the disk when this returns.
    ///
    /// # Errors
    /// The list cannot be read or written.
    pub fn assign<'a>(
        &mut self,
        keys: impl Iterator<Item = &'a [u8]>,
        order: impl FnOnce(&mut Vec<&'a [u8]>),
    ) -> Result<(), UidListError> {
        Ok(self.give_numbers(keys, order)?)
    }

    fn give_numbers<'a>(
        &mut self,
        keys: impl Iterator<Item = &'a [u8]>,
        order: impl FnOnce(&mut Vec<&'a [u8]>),
    ) -> io::Result<()> {
        let mut file = self.open_locked()?;
        let known = (self.validity, self.read);
        let begun = !self.catch_up(&mut file)?;
        if begun {
            self.begin(&mut file)?;
        }
        let mut new: Vec<&[u8]> = keys.filter(|key| !self.by_key.contains_key(*key)).collect();
        if new.is_empty() && !begun {
            // Whoever wrote these lines may not have got so far, and now they are told.
            return if known == (self.validity, self.read) { Ok(()) } else { file.sync_data() };
        }
        if self.by_key.len() + new.len() > MOST {
            return Err(full());
        }
        order(&mut new);
        let mut lines = Vec::new();
        let mut last = self.last;
        for key in &new {
            last = last.checked_add(1).ok_or_else(|| io::Error::other("the folder has used up its numbers"))?;
            lines.extend_from_slice(last.to_string().as_bytes());
            lines.push(b' ');
            escape(key, &mut lines);
            lines.push(b'\n');
        }
        file.seek(SeekFrom::Start(self.read))?;
        file.write_all(&lines)?;
        file.sync_data()?;
        if begun {
            self.dir.give(&file);
            self.dir.sync()?;
        }
        for key in new {
            self.last += 1;
            self.by_key.insert(key.into(), self.last);
        }
        self.read += lines.len() as u64;
        Ok(())
    }

    /// Reads what was added; false if there is no list that can be read.
    fn catch_up(&mut self, file: &mut File) -> io::Result<bool> {
        let mut first = Vec::with_capacity(FIRST_LINE);
        file.seek(SeekFrom::Start(0))?;
        (&mut *file).take(FIRST_LINE as u64).read_to_end(&mut first)?;
        let Some(validity) = read_first(&first) else {
            return if is_newer(&first) { Err(newer()) } else { Ok(false) };
        };
        if Some(validity) != self.validity || file.metadata()?.len() < self.read {
            (self.validity, self.last, self.read) = (Some(validity), 0, FIRST_LINE as u64);
            self.by_key.clear();
        }
        file.seek(SeekFrom::Start(self.read))?;
        let (mut lines, mut line) = (BufReader::new(&mut *file), Vec::new());
        loop {
            line.clear();
            let len = (&mut lines).take(LONGEST_LINE + 1).read_until(b'\n', &mut line)? as u64;
            let Some(whole) = line.strip_suffix(b"\n") else {
                if len > LONGEST_LINE {
                    return Ok(false);
                }
                if len > 0 {
                    // A last line without an end was never told to anybody.
                    file.set_len(self.read)?;
                }
                return Ok(true);
            };
            if !whole.is_empty() {
                let Some((number, key)) = read_line(whole).filter(|(number, _)| *number > self.last) else {
                    return Ok(false);
                };
                if self.by_key.len() >= MOST {
                    return Err(full());
                }
                self.last = number;
                self.by_key.insert(key.into(), number);
            }
            self.read += len;
        }
    }

    fn begin(&mut self, file: &mut File) -> io::Result<()> {
        let mut random = [0; 4];
        getrandom::fill(&mut random).map_err(|error| io::Error::other(error.to_string()))?;
        self.validity = UidValidity::new((u32::from_le_bytes(random) >> 1).max(1));
        (self.last, self.read) = (0, FIRST_LINE as u64);
        self.by_key.clear();
        file.set_len(0)?;
        file.seek(SeekFrom::Start(0))?;
        file.write_all(format!("{FIRST}{:010}\n", UidValidity::number(self.validity)).as_bytes())
    }
}

/// Whether a later version of Mailferry wrote the list: its numbers must not be lost by beginning it anew.
fn is_newer(start: &[u8]) -> bool {
    let version = start.strip_prefix(ANY.as_bytes()).and_then(|rest| rest.split(|b| *b == b' ').next());
    let version = version.and_then(|digits| std::str::from_utf8(digits).ok()?.parse::<u32>().ok());
    version.is_some_and(|version| version > 1)
}

fn newer() -> io::Error {
    let text = "the table of message numbers was written by a newer version of Mailferry: install that";
    io::Error::new(io::ErrorKind::InvalidData, text)
}

fn full() -> io::Error {
    let text = format!("the table of message numbers would hold more than {MOST} of them");
    io::Error::new(io::ErrorKind::InvalidData, text)
}

fn read_first(line: &[u8]) -> Option<UidValidity> {
    let digits = std::str::from_utf8(line).ok()?.strip_prefix(FIRST)?.strip_suffix('\n')?;
    digits.parse().ok().filter(|_| digits.len() == 10).and_then(UidValidity::new)
}

fn read_line(line: &[u8]) -> Option<(u32, Vec<u8>)> {
    let at = line.iter().position(|b| *b == b' ')?;
    let (number, rest) = line.split_at_checked(at)?;
    let number = std::str::from_utf8(number).ok()?.parse().ok()?;
    let (mut key, mut rest) = (Vec::with_capacity(rest.len()), rest.get(1..)?);
    while let Some((byte, after)) = rest.split_first() {
        if *byte == b'%' {
            let (hex, after) = after.split_at_checked(2)?;
            key.push(u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok()?);
            rest = after;
        } else {
            key.push(*byte);
            rest = after;
        }
    }
    Some((number, key))
}

fn escape(key: &[u8], line: &mut Vec<u8>) {
    for byte in key {
        match byte {
            b'%' | ..=b' ' | 0x7f.. => line.extend_from_slice(format!("%{byte:02X}").as_bytes()),
            _ => line.push(*byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(folder: &tempfile::TempDir) -> UidList {
        UidList::new(Dir::trusted(folder.path()).unwrap(), "t")
    }

    fn assign(table: &mut UidList, keys: &[&str]) -> Vec<u32> {
        table.assign(keys.iter().map(|key| key.as_bytes()), |new| new.sort_unstable()).unwrap();
        keys.iter().map(|key| table.get(key.as_bytes()).unwrap()).collect()
    }

    #[test]
    fn numbers_are_given_once_and_by_all_who_share_the_table() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("t");
        let (mut one, mut two) = (list(&folder), list(&folder));
        assert_eq!(assign(&mut one, &["b", "a"]), [2, 1]);
        assert_eq!(assign(&mut two, &["b", "with blank % and\nline"]), [2, 3]);
        assert_eq!(assign(&mut one, &["with blank % and\nline", "z"]), [3, 4]);
        assert_eq!((one.validity, two.next()), (two.validity, 4));
        // A line without its end.
        File::options().append(true).open(&file).unwrap().write_all(b"5 half").unwrap();
        assert_eq!(assign(&mut two, &["half a name", "z"]), [5, 4]);
        assert_eq!(assign(&mut list(&folder), &["half a name"]), [5]);
    }

    #[test]
    fn a_damaged_or_lost_table_is_another_one() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("t");
        let mut table = list(&folder);
        assign(&mut table, &["a", "b"]);
        let before = table.validity;
        for damage in ["nonsense", "mailferry-uidlist 1 0000000007\n2 a\n1 b\n", ""] {
            std::fs::write(&file, damage).unwrap();
            assert_eq!(assign(&mut table, &["b"]), [1], "{damage}");
            assert!(table.validity != before && table.validity != UidValidity::new(7));
        }
        std::fs::remove_file(&file).unwrap();
        let last = table.validity;
        assert_eq!(assign(&mut table, &["c"]), [1]);
        assert_ne!(table.validity, last);
    }

    #[test]
    fn a_table_of_a_newer_version_is_refused_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("t");
        let newer = "mailferry-uidlist 2 0000000007 more\n1 a\n";
        std::fs::write(&file, newer).unwrap();
        let refused = list(&folder).assign([&b"a"[..]].into_iter(), |_| ());
        assert!(matches!(refused, Err(UidListError(error)) if error.to_string().contains("newer version")));
        assert_eq!(std::fs::read_to_string(file).unwrap(), newer);
    }
    #[test]
    fn k3_a_list_that_is_sparse_or_too_long_is_not_taken_into_memory() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("t");
        assign(&mut list(&folder), &["a"]);
        File::options().write(true).open(&file).unwrap().set_len(12 << 30).unwrap();
        assert_eq!(assign(&mut list(&folder), &["a", "b"]), [1, 2], "begun anew");
        assert!(file.metadata().unwrap().len() < 100);
        let mut text = String::from("mailferry-uidlist 1 0000000007\n");
        for number in 1..=MOST + 1 {
            text += &format!("{number} {number}\n");
        }
        std::fs::write(&file, &text).unwrap();
        let refused = list(&folder).assign([&b"a"[..]].into_iter(), |_| ());
        assert!(matches!(refused, Err(UidListError(error)) if error.to_string().contains("more than 2000000")));
        assert_eq!(std::fs::read_to_string(&file).unwrap(), text, "left as it is");
    }
}
