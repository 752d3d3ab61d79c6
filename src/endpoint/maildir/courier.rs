//! Files of Courier's: keywords of messages, and subscriptions. Read, so that nothing of them is lost on the way out; of them only
//! subscriptions are written.
//!
//! `courierimapkeywords/:list` in a folder names its keywords, a line each, and behind an empty line the messages that have any
//! (`NAME:0 2`); a file of a message's name in the same directory is newer than its line there, a keyword a line. Bounded: lines
//! are read one by one, [`MOST`] keywords of [`LONGEST`] bytes, and only of messages that are there. Blocks.

#![deny(clippy::indexing_slicing, clippy::string_slice, reason = "it reads what strangers wrote")]

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader, Read};

use super::shared_file;
use crate::domain::flags::Flags;
use crate::endpoint::dir::Dir;

const FOLDER: &str = "courierimapkeywords";
const LIST: &str = ":list";
/// Most keywords of a folder.
const MOST: usize = 1000;
/// Longest keyword.
const LONGEST: usize = 100;
/// Longest line: a name and the numbers of its keywords.
const LINE: u64 = 4096;
/// A list larger than this is read no further.
const LARGEST: u64 = 256 * 1024 * 1024;
/// Largest file of one message.
const ONE: u64 = 64 * 1024;

/// Keywords by what names a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct CourierKeywords(HashMap<Box<[u8]>, Flags>);

impl CourierKeywords {
    /// Those of the messages of a folder that have these names; none where Courier keeps none.
    ///
    /// # Errors
    /// They are there and cannot be read.
    pub fn read(folder: &Dir, is_there: impl Fn(&[u8]) -> bool) -> io::Result<Self> {
        let dir = match folder.folder(OsStr::new(FOLDER)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            dir => dir?,
        };
        let mut keywords = HashMap::new();
        match dir.open_plain(OsStr::new(LIST)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            opened => read_list(opened?.0, &is_there, &mut keywords)?,
        }
        for name in dir.names()? {
            let key = name.as_encoded_bytes();
            if is_there(key) {
                let text = shared_file::read_at(&dir, &name, ONE)?;
                keywords.insert(key.into(), flags(String::from_utf8_lossy(&text).lines()));
            }
        }
        keywords.retain(|_, flags| !flags.is_empty());
        Ok(Self(keywords))
    }

    /// Adds those of a message.
    pub fn add(&self, key: &[u8], flags: &mut Flags) {
        let own = self.0.get(key).into_iter().flat_map(Flags::names);
        for name in own {
            flags.add(name);
        }
    }

    /// Those of a message, for a fingerprint.
    pub fn told(&self, key: &[u8]) -> String {
        self.0.get(key).map_or_else(String::new, Flags::to_string)
    }
}

fn flags<'a>(names: impl Iterator<Item = &'a str>) -> Flags {
    let fits = |name: &&str| !name.is_empty() && name.len() <= LONGEST && !name.starts_with('\\');
    Flags::from_names(names.filter(fits).take(MOST))
}

fn read_list(
    file: std::fs::File,
    is_there: impl Fn(&[u8]) -> bool,
    keywords: &mut HashMap<Box<[u8]>, Flags>,
) -> io::Result<()> {
    let mut lines = BufReader::new(file.take(LARGEST));
    let (mut line, mut names, mut behind): (_, Vec<String>, _) = (Vec::new(), Vec::new(), false);
    loop {
        line.clear();
        let len = (&mut lines).take(LINE).read_until(b'\n', &mut line)?;
        if len == 0 || len as u64 == LINE {
            return Ok(());
        }
        let line = line.strip_suffix(b"\n").unwrap_or(&line);
        if line.is_empty() {
            behind = true;
        } else if !behind {
            if names.len() == MOST {
                return Ok(());
            }
            names.push(String::from_utf8_lossy(line).into_owned());
        } else if let Some(colon) = line.iter().rposition(|b| *b == b':')
            && let Some((key, numbers)) = line.split_at_checked(colon)
            && is_there(key)
        {
            let numbers = std::str::from_utf8(numbers).unwrap_or_default();
            let named = numbers.split([':', ' ']).filter_map(|number| names.get(number.parse::<usize>().ok()?));
            keywords.insert(key.into(), flags(named.map(String::as_str)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_are_read_as_courier_writes_them() {
        let root = tempfile::tempdir().unwrap();
        let dir = Dir::trusted(root.path()).unwrap();
        let read = || CourierKeywords::read(&dir, |key| key.starts_with(b"1.")).unwrap();
        assert_eq!(read(), CourierKeywords::default());
        let folder = root.path().join(FOLDER);
        std::fs::create_dir(&folder).unwrap();
        assert_eq!(read(), CourierKeywords::default());
        let list = "$Work\nMore\n\n1.a,S=17:0 1\n1.b:1\n1.c:7 x 0\n2.gone:0\nnonsense\n1.d:\n";
        std::fs::write(folder.join(LIST), list).unwrap();
        // Newer than the list.
        std::fs::write(folder.join("1.b"), "Zed\n\\Seen\n").unwrap();
        std::fs::write(folder.join("1.e"), "Late\n").unwrap();
        std::fs::write(folder.join("9.x"), "Other\n").unwrap();
        let keywords = read();
        for (key, told) in
            [("1.a,S=17", "$Work More"), ("1.b", "Zed"), ("1.c", "$Work"), ("1.d", ""), ("1.e", "Late"), ("2.gone", "")]
        {
            assert_eq!(keywords.told(key.as_bytes()), told, "{key}");
            let mut flags = Flags::from_names([r"\Seen"]);
            keywords.add(key.as_bytes(), &mut flags);
            assert_eq!(flags.to_string(), format!("\\Seen {told}").trim(), "{key}");
        }
        let long = format!("{}\nok\n\n1.a:0 1\n", "k".repeat(LONGEST + 1));
        std::fs::write(folder.join(LIST), long).unwrap();
        assert_eq!(read().told(b"1.a"), "ok");
        std::fs::write(folder.join(LIST), "k".repeat(1 << 20)).unwrap();
        assert_eq!(read().told(b"1.a"), "");
    }
}
