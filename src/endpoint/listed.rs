//! What lists of folders of every kind have in common.
//!
//! Pure.

use std::collections::HashSet;

use crate::domain::folder::{FolderPath, ListedFolder};

/// Two names on the wire may read alike (`INBOX.Archive` beside `Archive` under the prefix `INBOX.`; UTF-7 beside raw
/// UTF-8). They are two folders: the later one, by its wire name, gets ` (2)`. The inbox of the protocol is always itself,
/// whatever else reads like it (`.INBOX` in a Maildir).
pub(super) fn tell_apart(folders: &mut [ListedFolder]) {
    let mut order: Vec<usize> = (0..folders.len()).collect();
    let is_other = |at: usize| !folders[at].wire.0.eq_ignore_ascii_case(b"INBOX");
    order.sort_by(|a, b| (is_other(*a), &folders[*a].wire).cmp(&(is_other(*b), &folders[*b].wire)));
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
            role: None,
            selectable: true,
            subscribed: false,
            state: None,
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
    fn names_that_read_alike_stay_two_folders() {
        let mut folders = [folder("INBOX.Archive", "Archive"), folder("Other", "Other"), folder("Archive", "Archive")];
        tell_apart(&mut folders);
        assert_eq!(folders.map(|f| f.path.to_string()), ["Archive (2)", "Other", "Archive"]);
    }
}
