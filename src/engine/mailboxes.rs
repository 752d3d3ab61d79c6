//! Which mailboxes the items of a project read and write, as their kinds tell it (D30).
//!
//! The look at the disk is the reason why this is not in the domain; it is made on a thread for that.

use crate::domain::ids::ItemId;
use crate::domain::item::Item;
use crate::domain::mailbox_key::{MailboxKey, Mailboxes};
use crate::domain::project::Project;
use crate::endpoint::place::Links;
use crate::endpoint::registry::place;

/// What these items of a project read and write, in their order. One that panicked on its way has mailboxes of its own.
pub(super) async fn of(project: &Project, items: Vec<Item>) -> Vec<Mailboxes> {
    let (source, destination) = (project.source.clone(), project.destination.clone());
    let ids: Vec<ItemId> = items.iter().map(|item| item.id).collect();
    let all = tokio::task::spawn_blocking(move || {
        let links = Links::default();
        let of = |item: &Item| Mailboxes {
            reads: place(&source, &item.source, &links).keys,
            writes: place(&destination, &item.destination, &links).keys,
        };
        items.iter().map(of).collect()
    });
    all.await.unwrap_or_else(|_| {
        let alone = |side: &str, id: &ItemId| [MailboxKey::of(&format!("{side} of item {id}")); 2];
        ids.iter().map(|id| Mailboxes { reads: alone("source", id), writes: alone("destination", id) }).collect()
    })
}
