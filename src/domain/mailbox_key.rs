//! Which mailbox an item reads and which one it writes, whatever project it belongs to: so that two items never write one
//! mailbox at once (D30), and so that an import can name them.
//!
//! Pure. Two names of one mailbox that only its server knows (an alias of another account) are not found.

use std::collections::HashMap;

/// Stands for a mailbox. Equal for equal places, for different ones different but by a chance of 2⁻⁶⁴.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MailboxKey([u8; 16]);

impl MailboxKey {
    /// The keys of a mailbox that is at these places, as its kind writes them.
    pub fn all(places: [String; 2]) -> [Self; 2] {
        let [one, other] = places;
        let key = Self::of(&one);
        [key, if other == one { key } else { Self::of(&other) }]
    }

    /// The key of a place that is written so.
    pub fn of(place: &str) -> Self {
        let hash = blake3::hash(place.to_lowercase().as_bytes());
        let mut key = [0; 16];
        key.copy_from_slice(&hash.as_bytes()[..16]);
        Self(key)
    }
}

/// What an item reads and writes. A mailbox of a server goes by its login name and by its address: who has either in common
/// with another item has its mailbox in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mailboxes {
    /// Where mail is read.
    pub reads: [MailboxKey; 2],
    /// Where mail is written.
    pub writes: [MailboxKey; 2],
}

/// Finds out who was the first to name a mailbox.
#[derive(Debug)]
pub struct Shared<T>(HashMap<MailboxKey, T>);

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T: Clone> Shared<T> {
    /// Names a mailbox; answers who was the first to name it before.
    pub fn name(&mut self, keys: [MailboxKey; 2], who: T) -> Option<T> {
        let first = keys.iter().find_map(|key| self.0.get(key)).cloned();
        for key in keys {
            self.0.entry(key).or_insert_with(|| who.clone());
        }
        first
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::item::Mailbox;
    use crate::domain::server::Server;

    fn key(server: &str, email: &str, login: Option<&str>) -> [MailboxKey; 2] {
        let mailbox = Mailbox { email: email.into(), login: login.map(Into::into), credential: None };
        MailboxKey::all(match Server::parse_url(server).unwrap() {
            Server::Imap(server) => server.places(&mailbox),
            Server::Maildir(server) => server.places(&mailbox, &|path| path.replace("/link/", "/mail/")),
        })
    }

    fn meet(one: [MailboxKey; 2], other: [MailboxKey; 2]) -> bool {
        one.iter().any(|key| other.contains(key))
    }

    #[test]
    fn one_mailbox_has_one_key_however_it_is_written() {
        let anna = key("imaps://imap.example", "anna@x.example", None);
        for same in [
            key("imaps://IMAP.example", "Anna@X.example", None),
            key("imap://imap.example.", "anna@x.example", None),
            key("imaps://imap.example", "other@x.example", Some("ANNA@x.example")),
            key("imaps://imap.example", "anna@x.example", Some("a1")),
        ] {
            assert!(meet(anna, same));
        }
        for other in [
            key("imaps://imap.example", "bob@x.example", None),
            key("imaps://imap.example:10993", "anna@x.example", None),
            key("imaps://imap2.example", "anna@x.example", None),
            key("maildir:/imap.example/{email}", "anna@x.example", None),
            key("imaps://imap.example", "bob@x.example", Some("a1")),
        ] {
            assert!(!meet(anna, other));
        }
        let a1 = key("imaps://imap.example", "anna@x.example", Some("a1"));
        assert!(meet(a1, key("imaps://imap.example", "bob@x.example", Some("A1"))));
        let maildir = key("maildir:/mail/{localpart}", "anna@x.example", None);
        assert!(meet(maildir, key("maildir:/link/{localpart}", "Anna@y.example", None)));
        assert!(!meet(maildir, key("maildir:/mail/{localpart}", "bob@x.example", None)));
        let nowhere = |email: &str| key("maildir:/mail/{localpart}", email, None);
        assert!(!meet(nowhere("..@x"), nowhere("..@y")), "neither of them runs");
    }

    #[test]
    fn the_first_to_name_a_mailbox_is_told_to_the_others() {
        let mut shared = Shared::default();
        let anna = |login| key("imaps://a", "anna@x", login);
        assert_eq!(shared.name(anna(None), 2), None);
        assert_eq!(shared.name(key("imaps://a", "bob@x", None), 3), None);
        assert_eq!(shared.name(anna(Some("a1")), 4), Some(2));
        assert_eq!(shared.name(key("imaps://a", "carl@x", Some("a1")), 5), Some(4), "by its login");
    }
}
