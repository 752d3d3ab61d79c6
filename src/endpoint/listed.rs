//! What lists of folders of every kind have in common.
//!
//! Pure.

use std::collections::HashSet;

use crate::domain::folder::{FolderPath, ListedFolder};

/// Two names on the wire may read alike (`INBOX.Archive` beside `Archive` under the prefix `INBOX.`; UTF-7 beside raw
/// UTF-8). They are two folders: the later one, by its wire name, gets ` (2)`.
pub(super) fn tell_apart(folders: &mut [ListedFolder]) {
    let mut order: Vec<usize> = (0..folders.len()).collect();
    order.sort_by(|a, b| folders[*a].wire.cmp(&folders[*b].wire));
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

    #[test]
    fn names_that_read_alike_stay_two_folders() {
        let folder = |wire: &str, path: &str| ListedFolder {
            path: FolderPath::new([path]),
            wire: WireName(wire.as_bytes().to_vec()),
            role: None,
            selectable: true,
            subscribed: false,
            state: None,
            mailbox_id: None,
        };
        let mut folders = [folder("INBOX.Archive", "Archive"), folder("Other", "Other"), folder("Archive", "Archive")];
        tell_apart(&mut folders);
        assert_eq!(folders.map(|f| f.path.to_string()), ["Archive (2)", "Other", "Archive"]);
    }
}
