//! Message flags: the five system flags and keywords, and the difference between two states of them (D10).

#![deny(clippy::indexing_slicing, clippy::string_slice, reason = "it reads what strangers wrote")]

use std::fmt;

use serde::{Deserialize, Serialize};

/// A system flag that can be stored (RFC 9051 §2.3.2). `\Recent` belongs to a session and is never carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum SystemFlag {
    /// `\Seen`
    Seen = 1,
    /// `\Answered`
    Answered = 2,
    /// `\Flagged`
    Flagged = 4,
    /// `\Deleted`
    Deleted = 8,
    /// `\Draft`
    Draft = 16,
}

impl SystemFlag {
    /// All of them, in the order in which they are written.
    pub const ALL: [Self; 5] = [Self::Seen, Self::Answered, Self::Flagged, Self::Deleted, Self::Draft];

    /// The IMAP name with its backslash.
    pub fn name(self) -> &'static str {
        match self {
            Self::Seen => r"\Seen",
            Self::Answered => r"\Answered",
            Self::Flagged => r"\Flagged",
            Self::Deleted => r"\Deleted",
            Self::Draft => r"\Draft",
        }
    }
}

/// A set of flags. Keywords compare without regard to ASCII case (RFC 9051 §2.3.2) but keep the spelling first seen.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Flags {
    system: u8,
    /// Sorted by lower case, without twins.
    keywords: Vec<Box<str>>,
}

impl PartialEq for Flags {
    fn eq(&self, other: &Self) -> bool {
        self.system == other.system
            && self.keywords.len() == other.keywords.len()
            && self.keywords.iter().zip(&other.keywords).all(|(a, b)| a.eq_ignore_ascii_case(b))
    }
}
impl Eq for Flags {}

fn position(keywords: &[Box<str>], word: &str) -> Result<usize, usize> {
    keywords.binary_search_by(|k| {
        k.bytes().map(|b| b.to_ascii_lowercase()).cmp(word.bytes().map(|b| b.to_ascii_lowercase()))
    })
}

impl Flags {
    /// No flags.
    pub fn none() -> Self {
        Self::default()
    }

    /// Adds a flag by its IMAP name. System flags are recognised in any case; `\Recent`, unknown backslash flags and
    /// words that are no atom (RFC 9051 `flag-keyword`) are left out. Tells whether the word was taken.
    pub fn add(&mut self, name: &str) -> bool {
        if let Some(flag) = SystemFlag::ALL.into_iter().find(|f| f.name().eq_ignore_ascii_case(name)) {
            self.system |= flag as u8;
            return true;
        }
        let atom = |b: u8| (0x21..0x7f).contains(&b) && !b"(){%*\"\\]".contains(&b);
        if name.is_empty() || !name.bytes().all(atom) {
            return false;
        }
        if let Err(at) = position(&self.keywords, name) {
            self.keywords.insert(at, name.into());
        }
        true
    }

    /// The set made of these names; see [`Flags::add`] for what is left out.
    pub fn from_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut flags = Self::none();
        for name in names {
            flags.add(name);
        }
        flags
    }

    /// Whether a system flag is set.
    pub fn has(&self, flag: SystemFlag) -> bool {
        self.system & flag as u8 != 0
    }

    /// Whether nothing is set.
    pub fn is_empty(&self) -> bool {
        self.system == 0 && self.keywords.is_empty()
    }

    /// All names, system flags first, keywords in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        SystemFlag::ALL
            .into_iter()
            .filter(|f| self.has(*f))
            .map(|f| -> &str { f.name() })
            .chain(self.keywords.iter().map(|k| &**k))
    }

    /// What must be added to and removed from `self` to get `now`.
    pub fn difference(&self, now: &Self) -> FlagChange {
        FlagChange { add: now.without(self), remove: self.without(now) }
    }

    /// Those that are not among the others.
    fn without(&self, others: &Self) -> Self {
        let keywords = self.keywords.iter().filter(|k| position(&others.keywords, k).is_err()).cloned().collect();
        Self { system: self.system & !others.system, keywords }
    }

    /// With the others.
    fn with(mut self, others: &Self) -> Self {
        self.system |= others.system;
        for keyword in &others.keywords {
            self.add(keyword);
        }
        self
    }

    /// The same without keywords.
    #[must_use]
    pub fn without_keywords(&self) -> Self {
        Self { system: self.system, keywords: Vec::new() }
    }

    /// Whether there is a keyword among them.
    pub fn has_keywords(&self) -> bool {
        !self.keywords.is_empty()
    }

    /// Those that are to be sent where `allowed` (a PERMANENTFLAGS list, RFC 9051 §7.1) is told: all system flags, since servers
    /// keep some that they do not name; keywords only if they are named, or new ones may be made.
    pub fn allowed_by(&self, allowed: &PermanentFlags) -> Self {
        let mut kept = self.without_keywords();
        kept.keywords = if allowed.new_keywords {
            self.keywords.clone()
        } else {
            self.keywords.iter().filter(|k| position(&allowed.flags.keywords, k).is_ok()).cloned().collect()
        };
        kept
    }
}

/// The names separated by one blank: the form kept in the store.
impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, name) in self.names().enumerate() {
            if i > 0 {
                f.write_str(" ")?;
            }
            f.write_str(name)?;
        }
        Ok(())
    }
}

/// The difference between two states of a message's flags.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FlagChange {
    /// Set at the source since the last pass.
    pub add: Flags,
    /// Cleared at the source since the last pass.
    pub remove: Flags,
}

impl FlagChange {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.add.is_empty() && self.remove.is_empty()
    }
}

/// What is known of the flags of a copy: those of the source that it was last given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FlagBase {
    /// Given, for certain.
    pub given: Flags,
    /// Flags that were being changed at the copy, without a record of how that ended: set or not, nobody knows.
    pub doubtful: Flags,
}

impl From<Flags> for FlagBase {
    fn from(given: Flags) -> Self {
        Self { given, doubtful: Flags::none() }
    }
}

impl FlagBase {
    /// The base while this change is made.
    #[must_use]
    pub fn changing(self, change: &FlagChange) -> Self {
        let doubtful = self.doubtful.with(&change.add).with(&change.remove);
        Self { doubtful, ..self }
    }

    /// Whether a copy with this base is to be left as it is where the source has these flags.
    pub fn is(&self, now: &Flags) -> bool {
        self.doubtful.is_empty() && self.given == *now
    }

    /// What must be set and cleared at a copy with this base where the source has these flags: what changed, and what is doubtful
    /// either way.
    pub fn difference(&self, now: &Flags) -> FlagChange {
        let FlagChange { add, remove } = self.given.difference(now);
        let off = self.doubtful.without(now);
        FlagChange { add: add.with(&self.doubtful.without(&off)), remove: remove.with(&off) }
    }
}

/// What stands before the name of a doubtful flag in the store; in no name of a flag.
const DOUBTFUL: char = '%';

/// The names separated by one blank, the doubtful ones last: the form kept in the store.
impl fmt::Display for FlagBase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sure = self.given.names().map(str::to_owned);
        let all: Vec<String> = sure.chain(self.doubtful.names().map(|name| format!("{DOUBTFUL}{name}"))).collect();
        f.write_str(&all.join(" "))
    }
}

impl FlagBase {
    /// Reads what was kept.
    pub fn read(text: &str) -> Self {
        let (mut given, mut doubtful) = (Flags::none(), Flags::none());
        for name in text.split(' ') {
            match name.strip_prefix(DOUBTFUL) {
                Some(name) => doubtful.add(name),
                None => given.add(name),
            };
        }
        Self { given, doubtful }
    }
}

/// What a destination folder lets a client change for good (PERMANENTFLAGS, RFC 9051 §7.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PermanentFlags {
    /// The flags named.
    pub flags: Flags,
    /// `\*` was named: new keywords may be made.
    pub new_keywords: bool,
}

impl PermanentFlags {
    /// Everything may be changed: what a server means that sends no PERMANENTFLAGS (RFC 9051 §7.1).
    pub fn everything() -> Self {
        let flags = Flags { system: 31, keywords: Vec::new() };
        Self { flags, new_keywords: true }
    }

    /// Whether all system flags among these are named: others are tried, and looked for.
    pub fn name_all(&self, flags: &Flags) -> bool {
        flags.system & !self.flags.system == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d10_what_was_being_changed_when_nobody_recorded_it_is_set_as_the_source_has_it_now() {
        let flags = |names: &str| Flags::from_names(names.split(' '));
        let base = FlagBase::from(flags(r"\Seen \Flagged mine"));
        let change = base.difference(&flags(r"\Seen yours"));
        assert_eq!((&change.add, &change.remove), (&flags("yours"), &flags(r"\Flagged mine")));
        let doubted = base.changing(&change);
        assert_eq!(doubted.to_string(), r"\Seen \Flagged mine %\Flagged %mine %yours");
        assert_eq!(FlagBase::read(&doubted.to_string()), doubted);
        assert!(!doubted.is(&flags(r"\Seen \Flagged mine")), "the source went back to what the copy was given");
        let back = doubted.difference(&flags(r"\Seen \Flagged mine"));
        assert_eq!((back.add, back.remove), (flags(r"\Flagged mine"), flags("yours")));
        let on = doubted.difference(&flags(r"\Seen yours \Answered"));
        assert_eq!((on.add, on.remove), (flags(r"yours \Answered"), flags(r"\Flagged mine")));
        let twice = doubted.clone().changing(&doubted.difference(&flags(r"\Draft")));
        assert!(twice.doubtful.names().count() == 5 && FlagBase::read("").is(&Flags::none()));
    }

    fn set(names: &[&str]) -> Flags {
        Flags::from_names(names.iter().copied())
    }

    #[test]
    fn recent_unknown_and_unsendable_words_are_left_out() {
        let flags =
            set(&[r"\seen", r"\Recent", r"\XYZ", "two words", "\r\nA1 NOOP", "$Label1", "$LABEL1", "gr\u{fc}n"]);
        assert_eq!(flags.to_string(), r"\Seen $Label1");
    }

    #[test]
    fn difference_names_only_what_changed() {
        let change = set(&[r"\Seen", "old", "same"]).difference(&set(&[r"\Flagged", "SAME", "new"]));
        assert_eq!(
            (change.add.to_string().as_str(), change.remove.to_string().as_str()),
            (r"\Flagged new", r"\Seen old")
        );
        assert!(set(&["a", r"\Seen"]).difference(&set(&[r"\SEEN", "A"])).is_empty());
    }

    #[test]
    fn permanent_flags_limit_what_is_sent() {
        let allowed = PermanentFlags { flags: set(&[r"\Seen", "$Junk"]), new_keywords: false };
        assert_eq!(
            set(&[r"\Seen", r"\Flagged", "$junk", "mine"]).allowed_by(&allowed).to_string(),
            r"\Seen \Flagged $junk"
        );
        assert!(allowed.name_all(&set(&[r"\Seen", "mine"])) && !allowed.name_all(&set(&[r"\Flagged"])));
        let open = PermanentFlags { new_keywords: true, ..allowed };
        assert_eq!(set(&[r"\Draft", "mine"]).allowed_by(&open).to_string(), r"\Draft mine");
    }
}
