//! The plan for one folder: a listing against the watermarks, by merge join (D7), and the rules that leave messages out.

use super::flags::{FlagChange, Flags};
#[cfg(test)]
use super::ids::{FolderId, Uid};
use super::message::MessageMeta;
use super::project::Options;
use super::record::{Origin, Watermark};
use super::time::Timestamp;

/// What comparing a source folder's listing with its watermarks found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison<'a> {
    /// Positions in the listing of messages without a watermark, ascending by UID.
    pub new: Vec<usize>,
    /// Messages that have a watermark.
    pub known: u64,
    /// Flag changes to carry (D10), ascending by source UID.
    pub flag_changes: Vec<FlagStep>,
    /// Watermarks whose message is no longer in the listing: deleted at the source, or moved (D12).
    pub gone: Vec<&'a Watermark>,
}

/// One message whose flags changed at the source since they were last carried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlagStep {
    /// Its watermark: who it is and where its copy lies.
    pub mark: Watermark,
    /// What to add and remove.
    pub change: FlagChange,
    /// The source flags now: the next flag base.
    pub now: Flags,
}

/// Compares a folder's listing with its watermarks. Both are expected to ascend by source UID; if a server's listing
/// does not, it is put in order first, and a UID listed twice counts once, so that nothing known looks new. Flag changes
/// are told only with `carry_flags`, and only for messages that Mailferry copied, whose copy has a known number and whose flags
/// were told.
pub fn compare<'a>(listing: &[MessageMeta], watermarks: &'a [Watermark], carry_flags: bool) -> Comparison<'a> {
    let mut order: Vec<usize> = (0..listing.len()).collect();
    if !listing.is_sorted_by_key(|m| m.uid) {
        order.sort_by_key(|i| listing[*i].uid);
    }
    order.dedup_by_key(|i| listing[*i].uid);
    let mut marks: Vec<&Watermark> = watermarks.iter().collect();
    if !marks.is_sorted_by_key(|w| w.source) {
        marks.sort_by_key(|w| w.source);
    }

    let mut found = Comparison::default();
    let mut marks = marks.into_iter().peekable();
    for at in order {
        let message = &listing[at];
        while let Some(gone) = marks.next_if(|w| w.source < message.uid) {
            found.gone.push(gone);
        }
        match marks.next_if(|w| w.source == message.uid) {
            Some(mark) => {
                found.known += 1;
                if carry_flags {
                    found.flag_changes.extend(flag_step(message, mark));
                }
            }
            None => found.new.push(at),
        }
    }
    found.gone.extend(marks);
    found
}

/// What is to be carried to the copy of one message, if anything.
pub fn flag_step(message: &MessageMeta, mark: &Watermark) -> Option<FlagStep> {
    let now = message.flags.as_ref()?;
    if mark.origin == Origin::Found || mark.at().is_none() || mark.flags.is(now) {
        return None;
    }
    Some(FlagStep { mark: mark.clone(), change: mark.flags.difference(now), now: now.clone() })
}

/// The rule that leaves a message out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SkipRule {
    /// Older than the earliest date.
    TooOld,
    /// Not older than the latest date (an option, or the border of a Pre-Stage pass).
    TooNew,
    /// Larger than the largest size.
    TooLarge,
}

impl SkipRule {
    /// The rule as people read it: `skipped: ` and this.
    pub fn word(self) -> &'static str {
        match self {
            Self::TooOld => "older than the earliest date",
            Self::TooNew => "newer than the latest date",
            Self::TooLarge => "larger than the largest size",
        }
    }
}

/// Whether a message is left out, and by which rule; dates first. `pre_stage` is the border of a Pre-Stage pass;
/// the narrower of it and the option counts. A message without a date is never left out by date.
pub fn skip_rule(message: &MessageMeta, options: &Options, pre_stage: Option<Timestamp>) -> Option<SkipRule> {
    if let Some(date) = &message.date {
        if options.earliest.is_some_and(|earliest| date.instant < earliest) {
            return Some(SkipRule::TooOld);
        }
        if options.latest.into_iter().chain(pre_stage).any(|latest| date.instant >= latest) {
            return Some(SkipRule::TooNew);
        }
    }
    options.largest.filter(|largest| u64::from(message.size) > *largest).map(|_| SkipRule::TooLarge)
}

/// Whether these options (or a Pre-Stage pass) need the messages' dates to be listed.
pub fn needs_dates(options: &Options, pre_stage: Option<Timestamp>) -> bool {
    options.earliest.is_some() || options.latest.is_some() || pre_stage.is_some()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    use crate::domain::identity::Identity;
    use crate::domain::message::InternalDate;

    fn meta(uid: i64, flags: &[&str]) -> MessageMeta {
        MessageMeta { uid: Uid(uid), flags: Some(Flags::from_names(flags.iter().copied())), size: 10, date: None }
    }

    fn mark(source: i64, destination: i64, origin: Origin) -> Watermark {
        Watermark {
            source: Uid(source),
            destination_folder: FolderId(7),
            destination: Uid(destination),
            identity: Identity([0; 16]),
            content: None,
            flags: Flags::none().into(),
            origin,
        }
    }

    #[test]
    fn every_message_and_watermark_has_one_class() {
        let listing = [meta(1, &[]), meta(3, &[r"\Seen"]), meta(4, &[r"\Seen"]), meta(5, &[r"\Seen"]), meta(9, &[])];
        let marks = [
            mark(2, 20, Origin::Copied),
            mark(3, 30, Origin::Copied),
            mark(4, 40, Origin::Found),
            mark(5, 0, Origin::Copied),
            mark(11, 1, Origin::Copied),
        ];
        let found = compare(&listing, &marks, true);
        assert_eq!((found.new.as_slice(), found.known), ([0usize, 4].as_slice(), 3));
        assert_eq!(found.gone.iter().map(|w| w.source.0).collect::<Vec<_>>(), [2, 11]);
        assert_eq!(found.flag_changes.len(), 1, "only what Mailferry copied and can find: {:?}", found.flag_changes);
        let step = &found.flag_changes[0];
        assert_eq!(
            (step.mark.source, step.mark.destination, step.change.add.to_string()),
            (Uid(3), Uid(30), r"\Seen".to_owned())
        );
        assert!(compare(&listing, &marks, false).flag_changes.is_empty());
        let untold = listing.map(|message| MessageMeta { flags: None, ..message });
        assert!(compare(&untold, &marks, true).flag_changes.is_empty(), "not told is not taken away");
    }

    #[test]
    fn dates_and_sizes_leave_messages_out() {
        let mut message = meta(1, &[]);
        let mut options = Options {
            earliest: Some(Timestamp::from_millis(100)),
            latest: Some(Timestamp::from_millis(200)),
            largest: Some(10),
            ..Options::default()
        };
        assert_eq!(skip_rule(&message, &options, Some(Timestamp::from_millis(0))), None, "no date, no rule by date");
        let mut at = |instant: Timestamp, options: &Options, pre: Option<Timestamp>| {
            message.date = Some(InternalDate { text: String::new(), instant });
            skip_rule(&message, options, pre)
        };
        assert_eq!(at(Timestamp::from_millis(99), &options, None), Some(SkipRule::TooOld));
        assert_eq!(
            (at(Timestamp::from_millis(100), &options, None), at(Timestamp::from_millis(199), &options, None)),
            (None, None)
        );
        assert_eq!(
            at(Timestamp::from_millis(200), &options, Some(Timestamp::from_millis(500))),
            Some(SkipRule::TooNew)
        );
        assert_eq!(
            at(Timestamp::from_millis(150), &options, Some(Timestamp::from_millis(150))),
            Some(SkipRule::TooNew)
        );
        options.largest = Some(9);
        assert_eq!(at(Timestamp::from_millis(150), &options, None), Some(SkipRule::TooLarge));
    }

    proptest! {
        #[test]
        fn the_join_agrees_with_sets(
            mut listed in proptest::collection::vec(1i64..60, 0..60),
            marked in proptest::collection::btree_set(1i64..60, 0..60),
            sorted in proptest::bool::ANY,
        ) {
            if sorted {
                listed.sort_unstable();
            }
            let listing: Vec<_> = listed.iter().map(|u| meta(*u, &[])).collect();
            let marks: Vec<_> = marked.iter().map(|u| mark(*u, *u, Origin::Copied)).collect();
            let found = compare(&listing, &marks, true);
            let set: BTreeSet<i64> = listed.into_iter().collect();
            let new: Vec<i64> = found.new.iter().map(|i| listing[*i].uid.0).collect();
            prop_assert_eq!(new, set.difference(&marked).copied().collect::<Vec<_>>());
            prop_assert_eq!(found.known as usize, set.intersection(&marked).count());
            let gone: Vec<i64> = found.gone.iter().map(|w| w.source.0).collect();
            prop_assert_eq!(gone, marked.difference(&set).copied().collect::<Vec<_>>());
        }
    }
}
