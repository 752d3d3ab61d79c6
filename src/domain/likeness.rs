//! What a mailbox looks like, so that two logins that open one mailbox can be told. Pure.
//!
//! Equal likenesses are strong evidence, not proof; an empty mailbox has none.

use super::folder::FolderState;
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
        hash.update(b"id").update(&state.uid_validity.to_be_bytes()).update(id.as_bytes());
        Some(Self::from(hash))
    }

    /// Of what was seen; none if that is no evidence.
    pub fn of(sight: &Sight<'_>) -> Option<Self> {
        let Sight { state, mailbox_id, newest } = sight;
        if let Some(likeness) = Self::by_id(*state, *mailbox_id) {
            return Some(likeness);
        }
        if state.uid_validity == 0 || newest.len() < ENOUGH {
            return None;
        }
        let mut hash = blake3::Hasher::new();
        hash.update(b"messages").update(mailbox_id.unwrap_or_default().as_bytes());
        for number in [state.uid_validity, state.uid_next, state.messages] {
            hash.update(&number.to_be_bytes());
        }
        for (uid, identity, key) in *newest {
            hash.update(&uid.0.to_be_bytes()).update(&identity.0);
            hash.update(&key.map_or([0; 16], MessageKey::bytes));
        }
        Some(Self::from(hash))
    }
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

    const STATE: FolderState = FolderState { uid_validity: 7, uid_next: 4, messages: 3, highest_modseq: None };

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
        let seen = of(STATE, None, &newest);
        assert!(seen.is_some());
        assert_eq!(seen, of(FolderState { highest_modseq: Some(1), ..STATE }, None, &newest));
        let keyed = newest.map(|(uid, who, _)| (uid, who, Some(MessageKey::of(b"1"))));
        for other in [
            of(FolderState { uid_validity: 8, ..STATE }, None, &newest),
            of(FolderState { uid_next: 5, ..STATE }, None, &newest),
            of(FolderState { messages: 2, ..STATE }, None, &newest),
            of(STATE, None, &[message(1), message(3)]),
            of(STATE, None, &keyed),
            of(STATE, Some("b"), &newest),
        ] {
            assert_ne!(seen, other);
        }
    }

    #[test]
    fn an_id_of_its_own_tells_a_mailbox_whatever_came_since() {
        let (id, grown) = (Some("f3a1b2c3d4e5f60718"), FolderState { uid_next: 9, messages: 8, ..STATE });
        assert_eq!(of(STATE, id, &[]), of(grown, id, &[message(2), message(8)]));
        assert_ne!(of(STATE, id, &[]), of(STATE, Some("f3a1b2c3d4e5f60719"), &[]));
    }

    #[test]
    fn empty_mailboxes_and_a_single_greeting_are_no_evidence() {
        let empty = FolderState { uid_next: 1, messages: 0, ..STATE };
        assert_eq!(of(empty, None, &[]), None);
        assert_eq!(of(empty, Some("f3a1b2c3d4e5f60718"), &[]), None);
        assert_eq!(of(STATE, None, &[message(3)]), None);
        assert_eq!(of(FolderState { uid_validity: 0, ..STATE }, None, &[message(2), message(3)]), None);
    }
}
