//! Item errors, and what those of earlier passes mean for a later one: what a person accepted stays accepted, and a message that the
//! destination is known to refuse is not read again.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::failure::{Cause, Failure, Side};
use super::folder::{FolderPath, UidValidity};
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
    /// The numbering that the message's number belongs to, where it is known.
    #[serde(default)]
    pub numbering: Option<UidValidity>,
}

impl ItemError {
    /// An error of nothing in particular.
    pub fn about(failure: Failure) -> Self {
        let (folder, source, subject, date, size, side) = (None, None, None, None, None, None);
        let (accepted, size_terms, numbering) = (None, None, None);
        Self { folder, source, subject, date, size, messages: 1, side, failure, accepted, size_terms, numbering }
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

/// Item errors of one cause, on one side or on any.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ErrorCause {
    /// The side that they must be of; none: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub side: Option<Side>,
    /// Their cause.
    pub cause: Cause,
}

impl ErrorCause {
    /// That of an error.
    pub fn of(error: &ItemError) -> Self {
        Self { side: error.side, cause: error.failure.cause }
    }

    /// Whether this error is one of them.
    pub fn means(self, error: &ItemError) -> bool {
        self.cause == error.failure.cause && self.side.is_none_or(|side| error.side == Some(side))
    }
}

/// What an earlier pass could not move, to be tried again: messages, whole folders that it could not read or write, or, where even
/// the folders were not known, all. Where only one cause is meant, messages of another stay errors without being tried.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FailedBefore {
    messages: BTreeMap<FolderPath, FailedMessages>,
    folders: BTreeSet<FolderPath>,
    all: bool,
}

/// Messages of one folder that could not be moved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct FailedMessages {
    numbers: BTreeSet<Uid>,
    /// What the numbers belong to, where that was kept.
    numbering: Option<UidValidity>,
    /// Messages that are not tried, and why they were not moved.
    aside: BTreeMap<Uid, ItemError>,
}

impl FailedMessages {
    /// Whether the numbers mean other messages where a folder has this numbering.
    fn is_another(&self, now: Option<UidValidity>) -> bool {
        self.numbering.zip(now).is_some_and(|(then, now)| then != now)
    }
}

impl FailedBefore {
    /// Of these errors; `only` those of one cause are tried.
    pub fn of(errors: impl IntoIterator<Item = ItemError>, only: Option<ErrorCause>) -> Self {
        let (mut failed, mut tried) = (Self::default(), BTreeSet::new());
        for error in errors {
            match (error.folder.clone(), error.source) {
                (Some(folder), Some(message)) => {
                    let of_folder = failed.messages.entry(folder.clone()).or_default();
                    of_folder.numbers.insert(message);
                    of_folder.numbering = error.numbering.or(of_folder.numbering);
                    if only.is_none_or(|only| only.means(&error)) {
                        tried.insert((folder, message));
                    } else {
                        of_folder.aside.insert(message, error);
                    }
                }
                (Some(folder), None) => drop(failed.folders.insert(folder)),
                (None, _) => failed.all = true,
            }
        }
        for (folder, message) in tried {
            failed.messages.entry(folder).and_modify(|of_folder| drop(of_folder.aside.remove(&message)));
        }
        failed
    }

    /// A source that lists these folders with these numberings. Where a folder is missing, or has another numbering, whatever is
    /// missing at the destination may be what could not be moved: all of it is tried.
    #[must_use]
    pub fn at(mut self, listed: &BTreeMap<&FolderPath, Option<UidValidity>>) -> Self {
        let moved = |(folder, failed): (&FolderPath, &FailedMessages)| match listed.get(folder) {
            Some(numbering) => failed.is_another(*numbering),
            None => true,
        };
        self.all |= self.messages.iter().any(moved);
        self
    }

    /// Whether this message is among it.
    pub fn has(&self, folder: &FolderPath, message: Uid) -> bool {
        let named = || self.messages.get(folder).is_some_and(|failed| failed.numbers.contains(&message));
        self.all || self.folders.contains(folder) || named()
    }

    /// Why this message of a folder with this numbering was not moved, if that is not tried again now.
    pub fn set_aside(&self, (folder, now): (&FolderPath, Option<UidValidity>), message: Uid) -> Option<&ItemError> {
        self.messages.get(folder).filter(|failed| !failed.is_another(now))?.aside.get(&message)
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
    fn d31_of_one_cause_the_others_stay_and_a_folder_that_is_another_now_is_tried_whole() {
        let folder = |name: &str| FolderPath::new([name]);
        let error = |name: &str, uid: i64, cause| ItemError {
            folder: Some(folder(name)),
            source: Some(Uid(uid)),
            side: Some(Side::Destination),
            numbering: UidValidity::new(5),
            ..ItemError::about(Failure::new(cause, Scope::Message, Retry::Never, "appending"))
        };
        let errors = [
            error("A", 1, Cause::TooBig),
            error("A", 2, Cause::MessageRefused),
            // For two reasons: it is tried.
            error("A", 3, Cause::MessageRefused),
            error("A", 3, Cause::TooBig),
        ];
        let only = |side| Some(ErrorCause { side, cause: Cause::TooBig });
        let failed = FailedBefore::of(errors.clone(), only(None));
        let aside = |failed: &FailedBefore, numbering: u64| -> Vec<i64> {
            let at = (&folder("A"), UidValidity::new(numbering));
            (1..5).filter(|uid| failed.set_aside(at, Uid(*uid)).is_some()).collect()
        };
        assert_eq!((aside(&failed, 5), aside(&failed, 6)), (vec![2], vec![]));
        assert!(aside(&FailedBefore::of(errors.clone(), None), 5).is_empty());
        assert_eq!(aside(&FailedBefore::of(errors.clone(), only(Some(Side::Source))), 5), [1, 2, 3]);
        let (a, b) = (folder("A"), folder("B"));
        for (listed, all) in [
            (vec![(&a, UidValidity::new(5)), (&b, UidValidity::new(9))], false),
            (vec![(&a, None)], false),
            (vec![(&a, UidValidity::new(6))], true),
            (vec![(&b, UidValidity::new(5))], true),
        ] {
            let failed = failed.clone().at(&listed.into_iter().collect());
            assert_eq!((failed.has(&b, Uid(7)), failed.has(&a, Uid(4))), (all, all));
            assert!(failed.has(&a, Uid(2)));
        }
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
