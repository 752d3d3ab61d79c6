//! Item errors, and what those of earlier passes mean for a later one: what a person accepted stays accepted, and a message that the
//! destination is known to refuse is not read again.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::failure::{Cause, Failure, Side};
use super::folder::FolderPath;
use super::ids::Uid;
use super::time::Timestamp;

/// A message, folder or other thing that could not be moved, as the item page lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemError {
    /// The folder at the source.
    pub folder: Option<FolderPath>,
    /// The message's number at the source; none when the whole folder is meant.
    pub source: Option<Uid>,
    /// Subject, decoded, at most 200 characters; none when unknown or when subjects are not logged.
    pub subject: Option<String>,
    /// The message's date.
    pub date: Option<Timestamp>,
    /// Size in bytes.
    pub size: Option<u64>,
    /// How many messages this one error stands for (a refused folder stands for all its messages).
    pub messages: u64,
    /// The side it happened on; none when it was neither.
    pub side: Option<Side>,
    /// What went wrong.
    pub failure: Failure,
    /// A person has said that it stays so.
    #[serde(default)]
    pub accepted: Option<Acceptance>,
    /// Of a message that is too big: for what.
    #[serde(default)]
    pub size_terms: Option<SizeTerms>,
}

impl ItemError {
    /// An error of nothing in particular.
    pub fn about(failure: Failure) -> Self {
        let (folder, source, subject, date, size) = (None, None, None, None, None);
        Self { folder, source, subject, date, size, messages: 1, side: None, failure, accepted: None, size_terms: None }
    }
}

/// A person has said that a message stays behind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acceptance {
    /// When.
    pub at: Timestamp,
    /// Why, in that person's words.
    pub note: Option<String>,
}

/// What a message was too big for, and how it was known: while all of this stays the same, it is refused again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SizeTerms {
    /// The limit that the destination told.
    pub limit: Option<u64>,
    /// The option that leaves larger messages out.
    pub largest: Option<u64>,
    /// The size that the source's listing says, an estimate on some servers; 0 where it says none.
    pub listed: u64,
    /// UIDVALIDITY of the source folder.
    pub numbering: u64,
}

impl SizeTerms {
    /// Whether a message cannot fit, going by the listing alone. Estimates may be too high by a quarter: what could fit is
    /// read once, and its true size decides.
    pub fn rule_out(&self) -> bool {
        self.limit.is_some_and(|limit| self.listed - self.listed / 4 > limit)
    }
}

type Key = (Option<FolderPath>, Option<Uid>, Cause);

/// What an earlier pass could not move, to be tried again: messages, whole folders that it could not read or write, or, where even
/// the folders were not known, all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FailedBefore {
    messages: BTreeMap<FolderPath, BTreeSet<Uid>>,
    folders: BTreeSet<FolderPath>,
    all: bool,
}

impl FailedBefore {
    /// What this error is about.
    pub fn add(&mut self, folder: Option<FolderPath>, message: Option<Uid>) {
        match (folder, message) {
            (Some(folder), Some(message)) => drop(self.messages.entry(folder).or_default().insert(message)),
            (Some(folder), None) => drop(self.folders.insert(folder)),
            (None, _) => self.all = true,
        }
    }

    /// Whether this message is among it.
    pub fn has(&self, folder: &FolderPath, message: Uid) -> bool {
        let named = || self.messages.get(folder).is_some_and(|messages| messages.contains(&message));
        self.all || self.folders.contains(folder) || named()
    }
}

/// The item errors of earlier passes that a later one goes by: those accepted, and messages that were too big.
#[derive(Clone, Debug, Default)]
pub struct EarlierErrors(BTreeMap<Key, ItemError>);

impl EarlierErrors {
    /// Of these, oldest first: the newest word on a message counts.
    pub fn of(errors: impl IntoIterator<Item = ItemError>) -> Self {
        let keyed = errors.into_iter().map(|error| ((error.folder.clone(), error.source, error.failure.cause), error));
        Self(keyed.collect())
    }

    /// What a person said of the same error: the same message, and the same cause.
    pub fn acceptance(&self, error: &ItemError) -> Option<Acceptance> {
        let known = self.0.get(&(error.folder.clone(), error.source, error.failure.cause))?;
        let same = |known: Option<u64>, now: Option<u64>| known.is_none() || now.is_none() || known == now;
        known.accepted.clone().filter(|_| same(known.size, error.size) && same_date(known.date, error.date))
    }

    /// The messages of a folder that were too big.
    pub fn too_big(&self, folder: &FolderPath) -> BTreeSet<Uid> {
        let of = |((path, uid, cause), _): (&Key, &ItemError)| {
            uid.filter(|_| *cause == Cause::TooBig && path.as_ref() == Some(folder))
        };
        self.0.iter().filter_map(of).collect()
    }

    /// The refusal of this message, if nothing has changed since.
    pub fn refusal(&self, folder: &FolderPath, message: Uid, now: &SizeTerms) -> Option<ItemError> {
        let known = self.0.get(&(Some(folder.clone()), Some(message), Cause::TooBig))?;
        let then = known.size_terms?;
        let same_terms = SizeTerms { listed: now.listed, ..then } == *now;
        let same_size = now.listed > 0 && (then.listed == now.listed || known.size == Some(now.listed));
        (known.side == Some(Side::Destination) && same_terms && same_size).then(|| known.clone())
    }
}

fn same_date(known: Option<Timestamp>, now: Option<Timestamp>) -> bool {
    known.is_none() || now.is_none() || known == now
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::failure::{Retry, Scope};

    const THEN: SizeTerms = SizeTerms { limit: Some(100), largest: None, listed: 0, numbering: 7 };

    fn too_big(uid: i64, size: u64) -> ItemError {
        ItemError {
            folder: Some(FolderPath::new(["INBOX"])),
            source: Some(Uid(uid)),
            size: Some(size),
            messages: 1,
            side: Some(Side::Destination),
            size_terms: Some(THEN),
            ..ItemError::about(Failure::new(Cause::TooBig, Scope::Message, Retry::Never, "adding a message"))
        }
    }

    #[test]
    fn r26_a_known_refusal_stands_until_limit_option_or_message_changes() {
        let known = EarlierErrors::of([too_big(5, 120)]);
        let inbox = FolderPath::new(["INBOX"]);
        let now = SizeTerms { listed: 120, ..THEN };
        let refused = |uid, terms: &SizeTerms| known.refusal(&inbox, Uid(uid), terms).is_some();
        assert!(refused(5, &now));
        for changed in [
            SizeTerms { limit: Some(101), ..now },
            SizeTerms { limit: None, ..now },
            SizeTerms { largest: Some(9), ..now },
            SizeTerms { listed: 121, ..now },
            SizeTerms { listed: 0, ..now },
            SizeTerms { numbering: 8, ..now },
        ] {
            assert!(!refused(5, &changed), "{changed:?}");
        }
        assert!(!refused(6, &now));
        assert!(known.refusal(&FolderPath::new(["Other"]), Uid(5), &now).is_none());
        let guessed = ItemError { size_terms: Some(SizeTerms { listed: 130, ..THEN }), ..too_big(5, 120) };
        let estimated = EarlierErrors::of([guessed]).refusal(&inbox, Uid(5), &SizeTerms { listed: 130, ..THEN });
        assert!(estimated.is_some(), "a server that estimates sizes estimates the same again");
        assert_eq!(known.too_big(&inbox), [Uid(5)].into());
    }

    #[test]
    fn r26_a_size_in_a_listing_rules_out_only_what_cannot_fit() {
        let rules_out = |limit, listed| SizeTerms { limit, listed, ..SizeTerms::default() }.rule_out();
        assert!(rules_out(Some(25_000_000), 38_000_000) && rules_out(Some(0), 1));
        assert!(!rules_out(Some(25_000_000), 33_000_000), "the true size decides");
        assert!(!rules_out(None, u64::MAX) && !rules_out(Some(0), 0));
    }

    #[test]
    fn r26_an_accepted_error_that_comes_again_stays_accepted() {
        let accepted = Some(Acceptance { at: Timestamp::from_millis(3), note: Some("as agreed".into()) });
        let known = EarlierErrors::of([too_big(5, 120), ItemError { accepted: accepted.clone(), ..too_big(5, 120) }]);
        assert_eq!(known.acceptance(&too_big(5, 120)), accepted);
        assert_eq!(known.acceptance(&too_big(5, 121)), None, "another message");
        assert_eq!(known.acceptance(&too_big(6, 120)), None);
        let mut other = too_big(5, 120);
        other.failure.cause = Cause::MessageRefused;
        assert_eq!(known.acceptance(&other), None, "for another reason");
    }
}
