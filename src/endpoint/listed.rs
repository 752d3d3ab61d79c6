//! What lists of folders of every kind have in common.
//!
//! Pure.

use std::collections::HashSet;

use crate::domain::folder::{FolderPath, ListedFolder};

/// Two names on the wire may read alike (`INBOX.Archive` beside `Archive` under the prefix `INBOX.`; UTF-7 beside raw
/// UTF-8). They are two folders: the later one, by its wire name, gets ` (2)`. The inbox of the protocol is always itself,
/// whatever else reads like it (`.INBOX` in a Maildir), and no folder of other people takes the name of an own one.
pub(super) fn tell_apart(folders: &mut [ListedFolder]) {
    let mut order: Vec<usize> = (0..folders.len()).collect();
    let is_other = |at: usize| !folders[at].wire.0.eq_ignore_ascii_case(b"INBOX");
    let rank = |at: usize| (is_other(at), folders[at].foreign, &folders[at].wire);
    order.sort_by(|a, b| rank(*a).cmp(&rank(*b)));
    let mut seen: HashSet<FolderPath> = HashSet::new();
    for at in order {
        let path = folders[at].path.clone();
        let mut number = 2;
        while !seen.insert(folders[at].path.clone()) {
            let mut components = path.components().to_vec();
            if let Some(last) = components.last_mut() {
                last.push_str(&format!(" ({number})"));
            }
            folders[at].path = FolderPath::new(components);
            number += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::folder::WireName;

    fn folder(wire: &str, path: &str) -> ListedFolder {
        ListedFolder {
            path: FolderPath::new([path]),
            wire: WireName(wire.as_bytes().to_vec()),
            foreign: false,
            role: None,
            selectable: true,
            subscribed: false,
            state: None,
            size: None,
            mailbox_id: None,
        }
    }

    #[test]
    fn nothing_takes_the_place_of_the_inbox() {
        let mut folders = [folder(".inbox", "inbox"), folder(".INBOX", "INBOX"), folder("INBOX", "INBOX")];
        for _ in 0..2 {
            tell_apart(&mut folders);
            assert_eq!(folders.each_ref().map(|f| f.path.to_string()), ["INBOX (3)", "INBOX (2)", "INBOX"]);
        }
    }

    #[test]
    fn other_peoples_folders_leave_own_names_alone() {
        let mut folders = [folder("Shared", "Team"), folder("Team", "Team")];
        folders[0].foreign = true;
        tell_apart(&mut folders);
        assert_eq!(folders.map(|f| f.path.to_string()), ["Team (2)", "Team"]);
    }

    #[test]
    fn names_that_read_alike_stay_two_folders() {
        let mut folders = [folder("INBOX.Archive", "Archive"), folder("Other", "Other"), folder("Archive", "Archive")];
        tell_apart(&mut folders);
        assert_eq!(folders.map(|f| f.path.to_string()), ["Archive (2)", "Other", "Archive"]);
    }
}
