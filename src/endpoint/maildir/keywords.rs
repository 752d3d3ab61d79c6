//! Flags in file names: letters for system flags, `a` to `z` for keywords, which the file `dovecot-keywords` names.
//!
//! Bounded: 26 keywords a folder, and a file of 64 KiB.

use std::io::{self, Read, Write};
use std::path::Path;

use super::numbers::sync_folder;
use super::owner;
use super::read::open_plain;
use crate::domain::flags::{Flags, PermanentFlags, SystemFlag};

const FILE: &str = "dovecot-keywords";
const FILE_LIMIT: u64 = 64 * 1024;
const LETTERS: usize = 26;
const SYSTEM: [(u8, SystemFlag); 5] = [
    (b'D', SystemFlag::Draft),
    (b'F', SystemFlag::Flagged),
    (b'R', SystemFlag::Answered),
    (b'S', SystemFlag::Seen),
    (b'T', SystemFlag::Deleted),
];
/// The letter `P`(assed on) is this keyword.
const PASSED: &str = "$Forwarded";

/// The keywords of a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Keywords([Option<Box<str>>; LETTERS]);

impl Keywords {
    /// Those of this folder; lines that make no sense are passed over.
    pub fn read(folder: &Path) -> io::Result<Self> {
        let mut keywords = Self::default();
        let (file, _) = match open_plain(&folder.join(FILE)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(keywords),
            opened => opened?,
        };
        let mut text = Vec::new();
        file.take(FILE_LIMIT).read_to_end(&mut text)?;
        for line in String::from_utf8_lossy(&text).lines() {
            let Some((number, name)) = line.split_once(' ') else { continue };
            if let Some(place) = number.parse().ok().and_then(|at: usize| keywords.0.get_mut(at)) {
                *place = Some(name.into());
            }
        }
        Ok(keywords)
    }

    /// Gives letters to keywords that have none, as far as there are letters left; true if any was given.
    pub fn learn(&mut self, flags: &Flags) -> bool {
        let mut learned = false;
        for name in flags.names().filter(|name| !name.starts_with('\\')) {
            if self.letter(name).is_some() {
                continue;
            }
            match self.0.iter_mut().find(|place| place.is_none()) {
                Some(place) => {
                    *place = Some(name.into());
                    learned = true;
                }
                None => tracing::warn!(keyword = name, "no letter left for this keyword; it is not kept"),
            }
        }
        learned
    }

    /// Writes them, all or nothing.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        let mut file = tempfile::Builder::new().prefix("dovecot-keywords.").tempfile_in(folder)?;
        for (number, name) in self.0.iter().enumerate() {
            if let Some(name) = name {
                writeln!(file, "{number} {name}")?;
            }
        }
        owner::give(file.as_file(), folder);
        file.as_file().sync_all()?;
        file.persist(folder.join(FILE)).map_err(|error| error.error)?;
        sync_folder(folder)
    }

    fn letter(&self, name: &str) -> Option<u8> {
        let at = self.0.iter().position(|known| known.as_deref().is_some_and(|k| k.eq_ignore_ascii_case(name)))?;
        Some(b'a' + u8::try_from(at).ok()?)
    }

    /// The flags that these letters mean.
    pub fn flags(&self, letters: &[u8]) -> Flags {
        let mut flags = Flags::none();
        for letter in letters {
            match letter {
                b'P' => drop(flags.add(PASSED)),
                b'a'..=b'z' => drop(self.0[usize::from(letter - b'a')].as_ref().map(|name| flags.add(name))),
                other => drop(SYSTEM.iter().find(|(l, _)| l == other).map(|(_, flag)| flags.add(flag.name()))),
            }
        }
        flags
    }

    /// The letters of these flags, in order; of `before`, letters that mean nothing here stay.
    pub fn letters(&self, flags: &Flags, before: &[u8]) -> String {
        let known = |letter: &u8| !self.flags(&[*letter]).is_empty();
        let mut letters: Vec<u8> = before.iter().copied().filter(|l| l.is_ascii_alphabetic() && !known(l)).collect();
        letters.extend(SYSTEM.iter().filter(|(_, flag)| flags.has(*flag)).map(|(letter, _)| *letter));
        letters.extend(flags.names().filter_map(|name| self.letter(name)));
        // Another program's way to write this keyword stays as long as the keyword does.
        if before.contains(&b'P') && flags.names().any(|name| name.eq_ignore_ascii_case(PASSED)) {
            letters.push(b'P');
        }
        letters.sort_unstable();
        letters.dedup();
        letters.into_iter().map(char::from).collect()
    }

    /// What may be set in the folder.
    pub fn permanent(&self) -> PermanentFlags {
        let system = SystemFlag::ALL.iter().map(|flag| flag.name());
        let flags = Flags::from_names(system.chain(self.0.iter().flatten().map(|name| &**name)));
        PermanentFlags { flags, new_keywords: self.0.iter().any(Option::is_none) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_and_flags_are_the_same_thing() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FILE), "0 $Label1\n25 last\nnonsense\n26 beyond\n3 two words\n").unwrap();
        let mut keywords = Keywords::read(folder.path()).unwrap();
        assert_eq!(
            keywords.flags(b"DFPRSTXabz").to_string(),
            r"\Seen \Answered \Flagged \Deleted \Draft $Forwarded $Label1 last"
        );
        let flags = Flags::from_names([r"\Seen", "new", "$LABEL1"]);
        assert!(keywords.learn(&flags) && !keywords.learn(&flags));
        assert_eq!(keywords.letters(&flags, b"XFz"), "SXab");
        assert_eq!(keywords.letters(&keywords.flags(b"PS"), b"PS"), "PS");
        assert_eq!(keywords.letters(&keywords.flags(b"S"), b"PS"), "S", "taken away");
        keywords.write(folder.path()).unwrap();
        assert_eq!(Keywords::read(folder.path()).unwrap(), keywords);
        assert!(keywords.permanent().new_keywords);
    }

    #[test]
    fn there_are_26_keywords() {
        let mut keywords = Keywords::default();
        let names: Vec<String> = (0..30).map(|n| format!("k{n:02}")).collect();
        let flags = Flags::from_names(names.iter().map(String::as_str));
        assert!(keywords.learn(&flags));
        assert_eq!(keywords.letters(&flags, b"").len(), 26);
        let permanent = keywords.permanent();
        assert!(!permanent.new_keywords);
        assert_eq!(flags.allowed_by(&permanent).names().count(), 26);
        assert_eq!(keywords.flags(keywords.letters(&flags, b"").as_bytes()), flags.allowed_by(&permanent));
    }
}
