//! What a mailbox looks like, so that two logins that open one mailbox can be told. Pure.
//!
//! Equal likenesses are strong evidence, not proof; an empty mailbox has none.

use super::folder::{FolderState, UidValidity};
use super::identity::Identity;
use super::ids::Uid;
use super::message::MessageKey;

/// A MAILBOXID of so many characters is one that no other mailbox has; some servers merely count, anew in each account.
const UNIQUE_ID: usize = 16;
/// Messages that two mailboxes must have in common: a greeting may lie in every new one.
const ENOUGH: usize = 2;

/// What is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Sight<'a> {
    /// Where the folder stands that stands for the mailbox.
    pub state: FolderState,
    /// Its MAILBOXID, if it tells one.
    pub mailbox_id: Option<&'a str>,
    /// Its newest messages, with what tells them from all others, if the server does.
    pub newest: &'a [(Uid, Identity, Option<MessageKey>)],
}

/// 16 bytes that are equal when the same mailbox is looked at twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Likeness(pub [u8; 16]);

impl Likeness {
    /// Of a folder whose MAILBOXID says enough; else its messages are needed.
    pub fn by_id(state: FolderState, mailbox_id: Option<&str>) -> Option<Self> {
        let id = mailbox_id.filter(|id| id.len() >= UNIQUE_ID && state.messages > 0)?;
        let mut hash = blake3::Hasher::new();
        hash.update(b"id");
        numbering(&mut hash, state);
        hash.update(id.as_bytes());
        Some(Self::from(hash))
    }

    /// Of what was seen; none if that is no evidence.
    pub fn of(sight: &Sight<'_>) -> Option<Self> {
        let Sight { state, mailbox_id, newest } = sight;
        if let Some(likeness) = Self::by_id(*state, *mailbox_id) {
            return Some(likeness);
        }
        if state.uid_validity.is_none() || newest.len() < ENOUGH {
            return None;
        }
        let mut hash = blake3::Hasher::new();
        hash.update(b"messages").update(mailbox_id.unwrap_or_default().as_bytes());
        let uid_next = state.uid_next.map_or(0, |uid| u32::try_from(uid.0).unwrap_or(u32::MAX));
        numbering(&mut hash, *state);
        for number in [uid_next, state.messages] {
            hash.update(&number.to_be_bytes());
        }
        for (uid, identity, key) in *newest {
            hash.update(&uid.0.to_be_bytes()).update(&identity.0);
            hash.update(&key.map_or([0; 16], MessageKey::bytes));
        }
        Some(Self::from(hash))
    }
}

/// UIDVALIDITY as likenesses have it that were kept before there were wider ones.
fn numbering(hash: &mut blake3::Hasher, state: FolderState) {
    let number = UidValidity::number(state.uid_validity);
    match u32::try_from(number) {
        Ok(number) => hash.update(&number.to_be_bytes()),
        Err(_) => hash.update(&number.to_be_bytes()),
    };
}

impl From<blake3::Hasher> for Likeness {
    fn from(hash: blake3::Hasher) -> Self {
        let mut likeness = [0; 16];
        likeness.copy_from_slice(&hash.finalize().as_bytes()[..16]);
        Self(likeness)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> FolderState {
        FolderState { uid_validity: UidValidity::new(7), uid_next: Some(Uid(4)), messages: 3, highest_modseq: None }
    }

    fn message(uid: i64) -> (Uid, Identity, Option<MessageKey>) {
        (Uid(uid), Identity([u8::try_from(uid).unwrap(); 16]), None)
    }

    fn of(
        state: FolderState,
        mailbox_id: Option<&str>,
        newest: &[(Uid, Identity, Option<MessageKey>)],
    ) -> Option<Likeness> {
        Likeness::of(&Sight { state, mailbox_id, newest })
    }

    #[test]
    fn one_mailbox_looks_like_itself_and_another_one_differs_in_something() {
        let newest = [message(2), message(3)];
        let seen = of(state(), None, &newest);
        assert!(seen.is_some());
        assert_eq!(seen, of(FolderState { highest_modseq: Some(1), ..state() }, None, &newest));
        let keyed = newest.map(|(uid, who, _)| (uid, who, Some(MessageKey::of(b"1"))));
        for other in [
            of(FolderState { uid_validity: UidValidity::new(8), ..state() }, None, &newest),
            of(FolderState { uid_next: Some(Uid(5)), ..state() }, None, &newest),
            of(FolderState { messages: 2, ..state() }, None, &newest),
            of(state(), None, &[message(1), message(3)]),
            of(state(), None, &keyed),
            of(state(), Some("b"), &newest),
        ] {
            assert_ne!(seen, other);
        }
    }

    #[test]
    fn an_id_of_its_own_tells_a_mailbox_whatever_came_since() {
        let (id, grown) = (Some("f3a1b2c3d4e5f60718"), FolderState { uid_next: Some(Uid(9)), messages: 8, ..state() });
        assert_eq!(of(state(), id, &[]), of(grown, id, &[message(2), message(8)]));
        assert_ne!(of(state(), id, &[]), of(state(), Some("f3a1b2c3d4e5f60719"), &[]));
    }

    #[test]
    fn empty_mailboxes_and_a_single_greeting_are_no_evidence() {
        let empty = FolderState { uid_next: Some(Uid(1)), messages: 0, ..state() };
        assert_eq!(of(empty, None, &[]), None);
        assert_eq!(of(empty, Some("f3a1b2c3d4e5f60718"), &[]), None);
        assert_eq!(of(state(), None, &[message(3)]), None);
        assert_eq!(of(FolderState { uid_validity: None, ..state() }, None, &[message(2), message(3)]), None);
    }
}
