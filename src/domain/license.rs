//! The ledger of licenses: pools, entries, and what follows from them. Pure.
//!
//! An entry stays as it was written; a balance is the fold of a pool's entries, and what an item holds the fold of its own. Each
//! entry is written by the store within the change of status it belongs to (D33).

use serde::{Deserialize, Serialize};

use super::ids::{HybridUserId, ItemId, PassId, PoolId};
use super::pass::PassKind;
use super::status::Status;
use super::time::Timestamp;
use super::wording::counted;

/// Longest name of a pool, in characters.
const NAME_LIMIT: usize = 100;
/// Longest kind and client of a pool, and longest note of an entry.
const TEXT_LIMIT: usize = 200;
/// Most licenses that are added at once.
const MOST: u64 = 10_000_000;

/// Licenses that are counted together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pool {
    /// The row.
    pub id: PoolId,
    /// What describes it.
    pub terms: PoolTerms,
    /// It has as many as are asked for.
    pub unlimited: bool,
}

/// What describes a pool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PoolTerms {
    /// Unique, ignoring case.
    pub name: String,
    /// What one of them is good for, as the consultant calls it; may be empty.
    pub kind: String,
    /// For whom; may be empty.
    pub client: String,
}

/// What an entry does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// Licenses come into the pool.
    Add,
    /// A pass was started that takes one.
    Reserve,
    /// That pass completed.
    Consume,
    /// It was stopped or failed.
    Return,
    /// The item that had consumed one was deleted.
    Loss,
}

impl EntryKind {
    /// The word for people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Add => "Added",
            Self::Reserve => "Reserved",
            Self::Consume => "Consumed",
            Self::Return => "Returned",
            Self::Loss => "Lost",
        }
    }
}

/// An entry of the ledger. It names its item and project as they were called then: they may be deleted, the entry stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number: later entries have higher ones.
    pub id: i64,
    /// When it was written.
    pub at: Timestamp,
    /// The pool it counts in.
    pub pool: PoolId,
    /// What it does.
    pub kind: EntryKind,
    /// With how many licenses.
    pub number: u64,
    /// For what: none where licenses were added.
    pub of: Option<EntryItem>,
    /// What a person wrote with it; may be empty.
    pub note: String,
}

/// Who holds a license.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// An item.
    Item(ItemId),
    /// A user of a hybrid project.
    HybridUser(HybridUserId),
}

/// What an entry was written for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryItem {
    /// Who holds it.
    pub holder: Holder,
    /// Its pass; none where the item was deleted.
    pub pass: Option<PassId>,
    /// Name of its project.
    pub project: String,
    /// Its address at the source.
    pub source: String,
    /// Its address at the destination.
    pub destination: String,
}

/// What the entries of a pool come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    /// All that ever came in.
    pub added: u64,
    /// For passes that have not ended.
    pub reserved: u64,
    /// Used up, by items that are there.
    pub consumed: u64,
    /// Used up, by items that were deleted.
    pub lost: u64,
}

impl Balance {
    /// The balance after one more entry.
    pub fn after(self, kind: EntryKind, number: u64) -> Self {
        let Self { added, reserved, consumed, lost } = self;
        match kind {
            EntryKind::Add => Self { added: added.saturating_add(number), ..self },
            EntryKind::Reserve => Self { reserved: reserved.saturating_add(number), ..self },
            EntryKind::Consume => {
                let (reserved, consumed) = (reserved.saturating_sub(number), consumed.saturating_add(number));
                Self { reserved, consumed, ..self }
            }
            EntryKind::Return => Self { reserved: reserved.saturating_sub(number), ..self },
            EntryKind::Loss => {
                let (consumed, lost) = (consumed.saturating_sub(number), lost.saturating_add(number));
                Self { consumed, lost, ..self }
            }
        }
    }

    /// How many can be reserved.
    pub fn free(&self) -> u64 {
        self.added.saturating_sub(self.reserved).saturating_sub(self.consumed).saturating_sub(self.lost)
    }
}

/// A pool with what its entries come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The pool.
    pub pool: Pool,
    /// Its balance.
    pub balance: Balance,
}

impl Account {
    /// How many can be reserved; none where there is no limit.
    pub fn free(&self) -> Option<u64> {
        (!self.pool.unlimited).then(|| self.balance.free())
    }
}

/// Whether licenses are worth a word: not while there is only the pool that every workspace begins with.
pub fn are_shown(accounts: &[Account]) -> bool {
    accounts.len() > 1
}

/// What an item holds of the ledger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ItemLicense {
    /// Nothing.
    #[default]
    None,
    /// One is reserved for its pass.
    Reserved(PoolId),
    /// It has consumed one, and takes no second.
    Consumed(PoolId),
}

impl ItemLicense {
    /// After an entry of the item.
    pub fn after(kind: EntryKind, pool: PoolId) -> Self {
        match kind {
            EntryKind::Reserve => Self::Reserved(pool),
            EntryKind::Consume => Self::Consumed(pool),
            EntryKind::Add | EntryKind::Return | EntryKind::Loss => Self::None,
        }
    }

    /// Whether a pass of this kind takes one more.
    pub fn takes(self, kind: PassKind) -> bool {
        kind.takes_license() && self == Self::None
    }

    /// What is written when the item's pass comes to this status.
    pub fn settled(self, to: Status) -> Option<(EntryKind, PoolId)> {
        match (self, to) {
            (Self::Reserved(pool), Status::Completed) => Some((EntryKind::Consume, pool)),
            (Self::Reserved(pool), Status::Stopped | Status::Failed) => Some((EntryKind::Return, pool)),
            (Self::Reserved(_), _) | (Self::None | Self::Consumed(_), _) => None,
        }
    }

    /// What is written when the item is deleted.
    pub fn deleted(self) -> Option<(EntryKind, PoolId)> {
        match self {
            Self::Consumed(pool) => Some((EntryKind::Loss, pool)),
            // Nothing that waits or runs is deleted; if it were, its license would not be used up.
            Self::Reserved(pool) => Some((EntryKind::Return, pool)),
            Self::None => None,
        }
    }
}

/// What a Start takes of its project's pool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taking {
    /// The pool's name.
    pub pool: String,
    /// How many licenses the items need.
    pub needed: u64,
    /// How many were free; none where there is no limit.
    pub free: Option<u64>,
}

impl Taking {
    /// How many it takes.
    pub fn takes(&self) -> u64 {
        self.free.map_or(self.needed, |free| self.needed.min(free))
    }

    /// How many items get none.
    pub fn short(&self) -> u64 {
        self.needed - self.takes()
    }

    /// What it takes: "takes 41 licenses of Contoso (60 free)".
    pub fn words(&self) -> String {
        let words = format!("takes {} of {}", licenses(self.takes()), self.pool);
        match self.free {
            Some(free) => format!("{words} ({free} free)"),
            None => format!("{words} (unlimited)"),
        }
    }

    /// What is missing, if something is: "3 licenses short: 41 needed, 38 free; none of the 3 is started".
    pub fn shortage(&self) -> Option<String> {
        let (short, free) = (self.short(), self.free.unwrap_or_default());
        let none =
            if short == 1 { "that item is not started".into() } else { format!("none of the {short} is started") };
        (short > 0).then(|| format!("{} short: {} needed, {free} free; {none}", licenses(short), self.needed))
    }
}

/// So many licenses, in words.
pub fn licenses(number: u64) -> String {
    counted(usize::try_from(number).unwrap_or(usize::MAX), "license")
}

/// What is said before items that have consumed so many licenses are deleted (R43).
pub fn lost_with(consumed: u64) -> Option<String> {
    match consumed {
        0 => None,
        1 => Some("1 license that was consumed is deleted too: it does not become free again.".into()),
        many => Some(format!("{many} licenses that were consumed are deleted too: they do not become free again.")),
    }
}

/// Why a pool or an entry cannot be as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPool {
    /// A name that cannot be one.
    #[error("a pool's name has 1 to {NAME_LIMIT} characters, none of them a control character")]
    Name,
    /// A text that is too long or steers a terminal.
    #[error("{0} has at most {TEXT_LIMIT} characters, none of them a control character")]
    Text(&'static str),
    /// A number that nobody can add.
    #[error("the number of licenses must be 1 to {MOST}, not {0}")]
    Number(i64),
    /// Nothing can be added to what has no end.
    #[error("the pool \"{0}\" is unlimited: nothing is to be added to it; make another one")]
    Unlimited(String),
}

impl PoolTerms {
    /// The same without blanks around its texts.
    ///
    /// # Errors
    /// One of them cannot be used.
    pub fn checked(self) -> Result<Self, BadPool> {
        let trimmed = |text: String| text.trim().to_owned();
        let (name, kind, client) = (trimmed(self.name), trimmed(self.kind), trimmed(self.client));
        if name.is_empty() || !fits(&name, NAME_LIMIT) {
            return Err(BadPool::Name);
        }
        checked_text("its kind", &kind)?;
        checked_text("its client", &client)?;
        Ok(Self { name, kind, client })
    }
}

/// Whether a text can be kept with a pool or an entry.
///
/// # Errors
/// It cannot.
pub fn checked_text(what: &'static str, text: &str) -> Result<(), BadPool> {
    if fits(text, TEXT_LIMIT) { Ok(()) } else { Err(BadPool::Text(what)) }
}

fn fits(text: &str, limit: usize) -> bool {
    text.chars().count() <= limit && !text.chars().any(char::is_control)
}

/// A number of licenses that can be added.
///
/// # Errors
/// It cannot.
pub fn checked_number(number: i64) -> Result<u64, BadPool> {
    let fits = u64::try_from(number).ok().filter(|number| (1..=MOST).contains(number));
    fits.ok_or(BadPool::Number(number))
}

#[cfg(test)]
mod tests;
