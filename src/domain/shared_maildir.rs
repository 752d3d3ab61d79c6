//! Items of one project whose mailboxes would lie in one Maildir: two people's mail would be mixed in it.
//!
//! Pure. Paths are compared without regard to case, as some file systems do.

use std::collections::HashMap;
use std::hash::Hash;

use serde::{Deserialize, Serialize};

use super::item::Mailbox;
use super::project::Project;

/// Two items with different addresses that would have one Maildir. Shown as it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, thiserror::Error)]
#[error(
    "{address} and {other} would have one Maildir, {root}, and their mail would be mixed: make a project whose path tells \
     them apart, with {{email}} in it"
)]
pub struct SharedMaildir {
    /// The item's address on this side.
    pub address: String,
    /// Another item's.
    pub other: String,
    /// Where both would lie.
    pub root: String,
}

/// Why these items cannot start: an item with another address has the same Maildir on one of the sides. `items` are all
/// those of the project, as (name, source, destination). One hash of each path.
pub fn shared_maildirs<'a, K: Copy + Eq + Hash>(
    project: &Project,
    items: impl Iterator<Item = (K, &'a Mailbox, &'a Mailbox)> + Clone,
) -> HashMap<K, SharedMaildir> {
    let mut refused = HashMap::new();
    let sides: [(_, fn(_) -> _); 2] = [
        (&project.source, |(key, source, _)| (key, source)),
        (&project.destination, |(key, _, destination)| (key, destination)),
    ];
    for (server, side) in sides {
        if server.keeps_addresses_apart() {
            continue;
        }
        let mut by_root: HashMap<String, Vec<(K, &Mailbox)>> = HashMap::new();
        for (key, mailbox) in items.clone().map(side) {
            // An address that cannot stand in a path is refused by itself.
            let Some(root) = server.folder_of(mailbox) else { continue };
            by_root.entry(root.to_lowercase()).or_default().push((key, mailbox));
        }
        for group in by_root.into_values() {
            let address = |mailbox: &Mailbox| mailbox.email.to_lowercase();
            let Some((_, first)) = group.first() else { continue };
            let first_address = address(first);
            let Some((_, other)) = group.iter().find(|(_, mailbox)| address(mailbox) != first_address) else {
                continue;
            };
            for (key, mailbox) in &group {
                let with = if address(mailbox) == first_address { other } else { first };
                let shared = SharedMaildir {
                    address: mailbox.email.clone(),
                    other: with.email.clone(),
                    root: server.folder_of(mailbox).unwrap_or_default(),
                };
                refused.insert(*key, shared);
            }
        }
    }
    refused
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{PoolId, ProjectId};
    use crate::domain::project::Options;
    use crate::domain::server::Server;

    fn refused(source: &str, destination: &str, items: &[(&str, &str)]) -> Vec<(usize, SharedMaildir)> {
        let server = |url: &str| Server::parse_url(url).unwrap();
        let project = Project {
            id: ProjectId(1),
            name: "p".into(),
            client: None,
            source: server(source),
            destination: server(destination),
            options: Options::default(),
            starts: Default::default(),
            pool: PoolId::FIRST,
        };
        let mailbox = |email: &&str| Mailbox { email: (*email).into(), login: None, credential: None };
        let items: Vec<(Mailbox, Mailbox)> = items.iter().map(|(a, b)| (mailbox(a), mailbox(b))).collect();
        let of = items.iter().enumerate().map(|(at, (a, b))| (at, a, b));
        let mut refused: Vec<_> = shared_maildirs(&project, of).into_iter().collect();
        refused.sort();
        refused
    }

    #[test]
    fn two_addresses_never_share_a_maildir() {
        let items = [("anna@a.example", "x@c"), ("Anna@b.example", "y@c"), ("bob@a.example", "z@c")];
        let found = refused("maildir:/m/{localpart}", "imaps://c", &items);
        assert_eq!(found.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [0, 1]);
        for text in found.iter().map(|(_, shared)| shared.to_string()) {
            assert!(
                text.contains("anna@a.example") && text.contains("Anna@b.example") && text.contains("/m/"),
                "{text}"
            );
        }
        assert_eq!(
            refused("imaps://c", "maildir:/m/{localpart}{domain}", &[("x@c", "a@bc"), ("y@c", "ab@c")]).len(),
            2
        );
        for (source, destination) in [("maildir:/m/{email}", "imaps://c"), ("imaps://c", "imaps://d")] {
            assert_eq!(refused(source, destination, &items), []);
        }
        // One mailbox in two items is one mailbox.
        let twice = [("anna@a.example", "x@c"), ("ANNA@a.example", "y@c")];
        assert_eq!(refused("maildir:/m/{localpart}", "imaps://c", &twice), []);
        // An address that leads elsewhere has no place.
        assert_eq!(refused("maildir:/m/{localpart}", "imaps://c", &[("..@a", "x@c"), ("..@b", "y@c")]), []);
    }
}
