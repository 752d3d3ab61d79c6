//! Orders to the service: what is still missing of one, and whether it may be sent (D37).
//!
//! An order says what is to be so. Before anything is sent, and after, the service is asked what is so; what is missing decides
//! what is sent. What was sent is on the disk before. An answer that was lost is no answer: what was sent is looked for, and not
//! sent again before it had time to show.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::remote::{RemoteBatch, RemoteMove, RemoteUser};
use super::status::Phase;
use crate::domain::ids::{HybridBatchId, HybridOrderId, HybridProjectId, HybridUserId};
use crate::domain::time::Timestamp;

/// What was sent and is not seen is not sent again before: what was made shows late.
pub const GRACE: Duration = Duration::from_secs(15 * 60);
/// What was taken and never shows is given up.
pub const PATIENCE: Duration = Duration::from_secs(24 * 3600);
/// Between two looks.
pub const LOOK_EVERY: Duration = Duration::from_secs(60);
/// Between two looks at what waits for a person.
pub const LOOK_SELDOM: Duration = Duration::from_secs(30 * 60);
/// What is gone must be gone twice, so far apart.
pub const GONE_FOR: Duration = Duration::from_secs(5 * 60);

/// What is to be so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "order")]
pub enum Order {
    /// The batch is there, with its users.
    Create,
    /// The batch is syncing, those too that failed.
    Start,
    /// The batch or the user is finalized, at a time or now.
    Finalize {
        /// When; none for now.
        at: Option<Timestamp>,
    },
    /// The user is in no batch of the service, and nothing of it is left there.
    MoveOut,
    /// The items that were left out of the user are approved.
    Approve,
    /// The user has its Microsoft license.
    License,
    /// The user's mailbox has its attributes.
    Attributes,
}

impl Order {
    /// Its word: in the database, and for people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Start => "start",
            Self::Finalize { .. } => "finalize",
            Self::MoveOut => "move out",
            Self::Approve => "approve",
            Self::License => "license",
            Self::Attributes => "attributes",
        }
    }
}

/// How far an order is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Not done yet.
    Open,
    /// It is so.
    Done,
    /// The service refused.
    Refused,
    /// Another order took its place.
    Dropped,
}

/// What is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Send {
    /// The batch is made.
    Create,
    /// It is started.
    Start,
    /// Finalization is ordered.
    Complete,
    /// The user is halted.
    StopUser,
    /// The user is taken out.
    RemoveUser,
    /// The move that was left behind is removed.
    RemoveMove,
    /// What was left out is approved.
    Approve,
    /// The user's location is set.
    SetLocation,
    /// A license is assigned.
    Assign,
    /// Attributes are set.
    SetAttributes,
}

/// What was sent last for an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// What.
    pub what: Send,
    /// When.
    pub at: Timestamp,
    /// The service said that it took it; else nobody knows.
    pub taken: bool,
}

/// An order as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderRow {
    /// The row.
    pub id: HybridOrderId,
    /// Its project.
    pub project: HybridProjectId,
    /// Its batch.
    pub batch: HybridBatchId,
    /// Its user; none: the whole batch.
    pub user: Option<HybridUserId>,
    /// What is to be so.
    pub order: Order,
    /// How far it is.
    pub stage: Stage,
    /// When a person gave it, or it followed.
    pub created: Timestamp,
    /// What was sent last.
    pub sent: Option<Sent>,
    /// It is not looked at before.
    pub next: Timestamp,
    /// Since when what is to go is gone.
    pub gone: Option<Timestamp>,
    /// What it waits for, or why it was refused.
    pub note: Option<String>,
}

/// What was seen of what an order is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// The batch, and whether users failed that are to be started again.
    Batch(Option<RemoteBatch>, bool),
    /// The user and its move.
    User(Option<RemoteUser>, Option<RemoteMove>),
    /// The user's license.
    License(LicenseSeen),
    /// Whether the mailbox is there, and how many of its attributes differ.
    Attributes(bool, usize),
}

/// What was seen of a license.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LicenseSeen {
    /// The mailbox's own number is known at the target.
    pub mailbox_known: bool,
    /// It has the license.
    pub assigned: bool,
    /// It has a location.
    pub located: bool,
    /// There is one to give it.
    pub location_known: bool,
    /// Units that nobody has.
    pub free: u64,
}

/// What an order still needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nothing: it is so.
    Nothing,
    /// What is to go is gone.
    Gone,
    /// This is to be sent.
    To(Send),
    /// Time: the service is at it.
    Time,
    /// A person, for this reason.
    Person(&'static str),
    /// It can never be so.
    Never(&'static str),
}

/// What an order still needs, as things were seen.
pub fn needs(order: Order, seen: &Seen, now: Timestamp) -> Needs {
    match (order, seen) {
        (Order::Create, Seen::Batch(Some(_), _)) => Needs::Nothing,
        (Order::Create, Seen::Batch(None, _)) => Needs::To(Send::Create),
        (Order::Start, Seen::Batch(Some(batch), failed)) if batch.is_started() && !failed => Needs::Nothing,
        (Order::Start, Seen::Batch(Some(_), _)) => Needs::To(Send::Start),
        (Order::Start | Order::Finalize { .. }, Seen::Batch(None, _)) => Needs::Time,
        // Not by its word: that of a batch is Completing too while one user of it is.
        (Order::Finalize { at }, Seen::Batch(Some(batch), _)) => finalize(at, batch.complete_after, now),
        (Order::Finalize { at }, Seen::User(user, moved)) => match (user.as_ref().map(RemoteUser::phase), moved) {
            (Some(Phase::Completing | Phase::Completed), _) => Needs::Nothing,
            (Some(_), moved) => finalize(at, moved.as_ref().and_then(|moved| moved.complete_after), now),
            (None, _) => Needs::Time,
        },
        (Order::MoveOut, Seen::User(user, moved)) => move_out(user.as_ref(), moved.as_ref()),
        // There is no sign of an approval: it is sent once.
        (Order::Approve, _) => Needs::To(Send::Approve),
        (Order::License, Seen::License(seen)) => license(seen),
        (Order::Attributes, Seen::Attributes(false, _)) => Needs::Time,
        (Order::Attributes, Seen::Attributes(true, 0)) => Needs::Nothing,
        (Order::Attributes, Seen::Attributes(true, _)) => Needs::To(Send::SetAttributes),
        _ => Needs::Time,
    }
}

fn finalize(at: Option<Timestamp>, set: Option<Timestamp>, now: Timestamp) -> Needs {
    let same = |set: Timestamp| match at {
        Some(at) => set.millis().abs_diff(at.millis()) < 60_000,
        None => set <= now,
    };
    if set.is_some_and(same) { Needs::Nothing } else { Needs::To(Send::Complete) }
}

fn move_out(user: Option<&RemoteUser>, moved: Option<&RemoteMove>) -> Needs {
    match (user, moved) {
        (None, None) => Needs::Gone,
        (None, Some(moved)) if moved.word.starts_with("Complet") => {
            Needs::Never("finalization has begun, and it is one move")
        }
        (None, Some(_)) => Needs::To(Send::RemoveMove),
        (Some(user), _) => match (user.phase(), user.word.as_str()) {
            (Phase::Completing | Phase::Completed, _) => Needs::Never("finalization has begun, and it is one move"),
            (_, "Stopping" | "Removing") => Needs::Time,
            (Phase::Halted | Phase::Failed, _) => Needs::To(Send::RemoveUser),
            _ => Needs::To(Send::StopUser),
        },
    }
}

fn license(seen: &LicenseSeen) -> Needs {
    match seen {
        LicenseSeen { assigned: true, .. } => Needs::Nothing,
        LicenseSeen { mailbox_known: false, .. } => Needs::Person(
            "the mailbox is not known in the tenant yet (no ExchangeGuid): a license would make a second one",
        ),
        LicenseSeen { located: false, location_known: false, .. } => {
            Needs::Person("the user has no usage location: set one in the tenant, or in the list of users")
        }
        LicenseSeen { free: 0, .. } => Needs::Person("no license is free in the tenant"),
        LicenseSeen { located: false, .. } => Needs::To(Send::SetLocation),
        LicenseSeen { .. } => Needs::To(Send::Assign),
    }
}

/// What is done with an order now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// It is done.
    Done,
    /// This is sent, after that was written down.
    Send(Send),
    /// It is looked at again after a while.
    Look(Duration, Option<&'static str>),
    /// It is looked at again, and what is to go must be gone then too.
    LookGone,
    /// It is given up.
    Refused(&'static str),
}

/// What is done with an order that still needs this.
pub fn next(row: &OrderRow, needs: &Needs, now: Timestamp) -> Next {
    let what = match needs {
        Needs::Nothing => return Next::Done,
        Needs::Gone => {
            return match row.gone {
                Some(since) if now.since(since) >= GONE_FOR => Next::Done,
                _ => Next::LookGone,
            };
        }
        Needs::Time => return Next::Look(LOOK_EVERY, None),
        Needs::Person(why) => return Next::Look(LOOK_SELDOM, Some(why)),
        Needs::Never(why) => return Next::Refused(why),
        Needs::To(what) => *what,
    };
    match row.sent {
        // What a user leaves behind goes by itself, after a while.
        Some(sent) if sent.what == Send::RemoveUser && what == Send::RemoveMove && now.since(sent.at) < GRACE => {
            Next::Look(LOOK_EVERY, None)
        }
        Some(sent) if sent.what == what && sent.taken && what == Send::Approve => Next::Done,
        Some(sent) if sent.what == what && sent.taken && now.since(sent.at) >= PATIENCE => {
            Next::Refused("the service took it, and it did not come to be within a day")
        }
        Some(sent) if sent.what == what && (sent.taken || now.since(sent.at) < GRACE) => Next::Look(LOOK_EVERY, None),
        Some(_) | None => Next::Send(what),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_millis(minutes * 60_000)
    }

    fn row(order: Order, sent: Option<Sent>) -> OrderRow {
        OrderRow {
            id: HybridOrderId(1),
            project: HybridProjectId(1),
            batch: HybridBatchId(1),
            user: None,
            order,
            stage: Stage::Open,
            created: at(0),
            sent,
            next: at(0),
            gone: None,
            note: None,
        }
    }

    fn batch(word: &str, complete_after: Option<Timestamp>) -> Seen {
        Seen::Batch(Some(RemoteBatch { name: "b".into(), word: word.into(), complete_after }), false)
    }

    #[test]
    fn what_was_sent_without_an_answer_is_looked_for_and_not_sent_again_before_it_had_time_to_show() {
        let sent = |taken| Some(Sent { what: Send::Create, at: at(10), taken });
        let absent = needs(Order::Create, &Seen::Batch(None, false), at(11));
        assert_eq!(next(&row(Order::Create, None), &absent, at(11)), Next::Send(Send::Create));
        assert_eq!(next(&row(Order::Create, sent(false)), &absent, at(24)), Next::Look(LOOK_EVERY, None));
        assert_eq!(next(&row(Order::Create, sent(false)), &absent, at(25)), Next::Send(Send::Create));
        let there = needs(Order::Create, &batch("Created", None), at(11));
        assert_eq!(next(&row(Order::Create, sent(false)), &there, at(11)), Next::Done);
        // What was taken is never sent again.
        assert_eq!(next(&row(Order::Create, sent(true)), &absent, at(600)), Next::Look(LOOK_EVERY, None));
        assert!(matches!(next(&row(Order::Create, sent(true)), &absent, at(10 + 24 * 60)), Next::Refused(_)));
    }

    #[test]
    fn what_somebody_else_did_is_not_ordered_again() {
        for word in ["Syncing", "Synced", "SyncedWithErrors", "Completed"] {
            assert_eq!(needs(Order::Start, &batch(word, None), at(1)), Needs::Nothing, "{word}");
        }
        assert_eq!(needs(Order::Start, &batch("Created", None), at(1)), Needs::To(Send::Start));
        let now = Order::Finalize { at: None };
        assert_eq!(needs(now, &batch("Completing", None), at(1)), Needs::To(Send::Complete), "one user of it");
        assert_eq!(needs(now, &batch("Synced", Some(at(1))), at(2)), Needs::Nothing);
        assert_eq!(needs(now, &batch("Synced", Some(at(9))), at(2)), Needs::To(Send::Complete), "only scheduled");
        let later = Order::Finalize { at: Some(at(500)) };
        assert_eq!(needs(later, &batch("Synced", Some(at(500))), at(2)), Needs::Nothing);
        assert_eq!(needs(later, &batch("Synced", None), at(2)), Needs::To(Send::Complete));
    }

    #[test]
    fn r30_who_is_moved_out_must_be_gone_twice_with_the_move() {
        let user = |word: &str| Some(RemoteUser { address: "a".into(), word: word.into(), ..RemoteUser::default() });
        let moved = |word: &str| Some(RemoteMove { word: word.into(), ..RemoteMove::default() });
        let of = |user, moved| needs(Order::MoveOut, &Seen::User(user, moved), at(1));
        assert_eq!(of(user("Syncing"), moved("InProgress")), Needs::To(Send::StopUser));
        assert_eq!(of(user("Stopping"), moved("InProgress")), Needs::Time);
        assert_eq!(of(user("Stopped"), moved("Suspended")), Needs::To(Send::RemoveUser));
        assert_eq!(of(None, moved("Suspended")), Needs::To(Send::RemoveMove));
        assert!(matches!(of(user("Completing"), None), Needs::Never(_)));
        assert_eq!(of(None, None), Needs::Gone);
        let removed = row(Order::MoveOut, Some(Sent { what: Send::RemoveUser, at: at(10), taken: true }));
        let left = Needs::To(Send::RemoveMove);
        assert_eq!(next(&removed, &left, at(24)), Next::Look(LOOK_EVERY, None), "it may go by itself");
        assert_eq!(next(&removed, &left, at(25)), Next::Send(Send::RemoveMove));
        let mut row = row(Order::MoveOut, None);
        assert_eq!(next(&row, &Needs::Gone, at(10)), Next::LookGone);
        row.gone = Some(at(10));
        assert_eq!(next(&row, &Needs::Gone, at(14)), Next::LookGone);
        assert_eq!(next(&row, &Needs::Gone, at(15)), Next::Done);
    }

    #[test]
    fn r31_no_license_before_the_mailbox_is_known_nor_without_a_free_unit_or_a_location() {
        let good = LicenseSeen { mailbox_known: true, assigned: false, located: true, location_known: true, free: 1 };
        let of = |seen: LicenseSeen| needs(Order::License, &Seen::License(seen), at(1));
        assert_eq!(of(good.clone()), Needs::To(Send::Assign));
        assert_eq!(of(LicenseSeen { located: false, ..good.clone() }), Needs::To(Send::SetLocation));
        for bad in [
            LicenseSeen { mailbox_known: false, ..good.clone() },
            LicenseSeen { free: 0, ..good.clone() },
            LicenseSeen { located: false, location_known: false, ..good.clone() },
        ] {
            assert!(matches!(of(bad), Needs::Person(_)));
        }
        assert_eq!(of(LicenseSeen { assigned: true, free: 0, ..good }), Needs::Nothing);
    }
}
