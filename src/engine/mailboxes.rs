//! Which mailboxes the items of a project read and write, with the links on the way to their Maildirs followed (D30).
//!
//! The look at the disk is the reason why this is not in the domain; it is made on a thread for that.

use std::path::{Path, PathBuf};

use crate::domain::ids::ItemId;
use crate::domain::item::{Item, Mailbox};
use crate::domain::mailbox_key::{MailboxKey, Mailboxes, keys};
use crate::domain::project::Project;
use crate::domain::server::Server;

/// What these items of a project read and write, in their order. One that panicked on its way has mailboxes of its own.
pub(super) async fn of(project: &Project, items: Vec<Item>) -> Vec<Mailboxes> {
    let (source, destination) = (project.source.clone(), project.destination.clone());
    let ids: Vec<ItemId> = items.iter().map(|item| item.id).collect();
    let all = tokio::task::spawn_blocking(move || {
        let of = |item: &Item| Mailboxes {
            reads: resolved(&source, &item.source),
            writes: resolved(&destination, &item.destination),
        };
        items.iter().map(of).collect()
    });
    all.await.unwrap_or_else(|_| {
        let alone = |side: &str, id: &ItemId| [MailboxKey::of(&format!("{side} of item {id}")); 2];
        ids.iter().map(|id| Mailboxes { reads: alone("source", id), writes: alone("destination", id) }).collect()
    })
}

/// The keys of a mailbox. Looks at the disk where it is a Maildir.
pub fn resolved(server: &Server, mailbox: &Mailbox) -> [MailboxKey; 2] {
    keys(server, mailbox, &|path| follow(Path::new(path)).display().to_string())
}

/// A path without links, as far as it exists.
fn follow(path: &Path) -> PathBuf {
    let mut ancestors = path.ancestors();
    let known = ancestors.find_map(|part| Some((part, std::fs::canonicalize(part).ok()?)));
    match known {
        Some((part, real)) => path.strip_prefix(part).map_or_else(|_| real.clone(), |rest| real.join(rest)),
        None => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn one_maildir_by_two_paths_has_one_key_before_it_is_made_too() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("mail"), folder.path().join("link"));
        std::fs::create_dir(&real).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let key = |root: &Path, email: &str| {
            let server = Server::parse_url(&format!("maildir:{}/{{email}}", root.display())).unwrap();
            resolved(&server, &Mailbox { email: email.into(), login: None, credential: None })
        };
        assert_eq!(key(&real, "anna@x"), key(&link, "Anna@x"), "neither is there yet");
        std::fs::create_dir(real.join("anna@x")).unwrap();
        assert_eq!(key(&real, "anna@x"), key(&link, "anna@x"));
        assert_ne!(key(&real, "anna@x"), key(&link, "bob@x"));
    }
}
