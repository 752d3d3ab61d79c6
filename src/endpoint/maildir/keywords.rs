//! Flags in file names: letters for system flags, `a` to `z` for keywords, which the file `dovecot-keywords` names.
//!
//! Bounded: 26 keywords a folder, and a file of 1 MiB.

#![deny(clippy::indexing_slicing, clippy::string_slice, reason = "it reads what strangers wrote")]

use std::io;

use super::shared_file;
use crate::domain::flags::{Flags, PermanentFlags, SystemFlag};
use crate::endpoint::dir::Dir;

const FILE: &str = "dovecot-keywords";
const FILE_LIMIT: u64 = 1024 * 1024;
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
pub(super) struct Keywords {
    names: [Option<Box<str>>; LETTERS],
    /// The file as it is, or will be: lines of others stay, whatever they mean.
    text: Vec<u8>,
}

impl Keywords {
    /// Those of this folder; lines that make no sense are passed over.
    pub fn read(folder: &Dir) -> io::Result<Self> {
        Ok(Self::parse(&shared_file::read(folder, FILE, FILE_LIMIT)?))
    }

    fn parse(text: &[u8]) -> Self {
        let mut keywords = Self { names: Default::default(), text: text.to_vec() };
        for line in String::from_utf8_lossy(text).lines() {
            let Some((number, name)) = line.split_once(' ') else { continue };
            if let Some(place) = number.parse().ok().and_then(|at: usize| keywords.names.get_mut(at)) {
                *place = Some(name.into());
            }
        }
        keywords
    }

    /// Those of this folder, after those of these flags that have no letter got one there, as far as there are any left.
    pub fn taught<'a>(folder: &Dir, flags: impl Iterator<Item = &'a Flags> + Clone) -> io::Result<Self> {
        let mut keywords = Self::default();
        shared_file::replace(folder, FILE, FILE_LIMIT, |text| {
            keywords = Self::parse(text);
            let mut learned = false;
            for flags in flags.clone() {
                learned |= keywords.learn(flags);
            }
            Ok(learned.then(|| keywords.text.clone()))
        })?;
        Ok(keywords)
    }

    /// True if any letter was given.
    fn learn(&mut self, flags: &Flags) -> bool {
        let mut learned = false;
        for name in flags.names().filter(|name| !name.starts_with('\\')) {
            if self.letter(name).is_some() {
                continue;
            }
            match self.names.iter_mut().enumerate().find(|(_, place)| place.is_none()) {
                Some((number, place)) => {
                    *place = Some(name.into());
                    if !self.text.is_empty() && !self.text.ends_with(b"\n") {
                        self.text.push(b'\n');
                    }
                    self.text.extend_from_slice(format!("{number} {name}\n").as_bytes());
                    learned = true;
                }
                None => tracing::warn!(keyword = name, "no letter left for this keyword; it is not kept"),
            }
        }
        learned
    }

    fn letter(&self, name: &str) -> Option<u8> {
        let at = self.names.iter().position(|known| known.as_deref().is_some_and(|k| k.eq_ignore_ascii_case(name)))?;
        Some(b'a' + u8::try_from(at).ok()?)
    }

    /// The flags that these letters mean.
    pub fn flags(&self, letters: &[u8]) -> Flags {
        let mut flags = Flags::none();
        for letter in letters {
            match letter {
                b'P' => drop(flags.add(PASSED)),
                b'a'..=b'z' => drop(
                    self.names.get(usize::from(letter - b'a')).and_then(Option::as_ref).map(|name| flags.add(name)),
                ),
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
        let flags = Flags::from_names(system.chain(self.names.iter().flatten().map(|name| &**name)));
        PermanentFlags { flags, new_keywords: self.names.iter().any(Option::is_none) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_and_flags_are_the_same_thing() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FILE), "0 $Label1\n25 last\nnonsense\n26 beyond\n3 two words\n").unwrap();
        let dir = Dir::trusted(folder.path()).unwrap();
        let mut keywords = Keywords::read(&dir).unwrap();
        assert_eq!(
            keywords.flags(b"DFPRSTXabz").to_string(),
            r"\Seen \Answered \Flagged \Deleted \Draft $Forwarded $Label1 last"
        );
        let flags = Flags::from_names([r"\Seen", "new", "$LABEL1"]);
        assert!(keywords.learn(&flags) && !keywords.learn(&flags));
        assert_eq!(Keywords::taught(&dir, [&flags].into_iter()).unwrap(), keywords);
        assert_eq!(keywords.letters(&flags, b"XFz"), "SXab");
        assert_eq!(keywords.letters(&keywords.flags(b"PS"), b"PS"), "PS");
        assert_eq!(keywords.letters(&keywords.flags(b"S"), b"PS"), "S", "taken away");
        assert_eq!(Keywords::read(&dir).unwrap(), keywords);
        let text = std::fs::read_to_string(folder.path().join(FILE)).unwrap();
        assert_eq!(text, "0 $Label1\n25 last\nnonsense\n26 beyond\n3 two words\n1 new\n", "lines of others stay");
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
