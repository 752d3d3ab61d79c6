//! What a Verify pass looks for beyond its own item: whether its mailboxes are those of other items (product's "wrong mailbox").

use crate::domain::failure::{Cause, Failure, Retry, Scope, Side};
use crate::domain::ids::ItemId;
use crate::domain::project::Project;
use crate::store::{Store, StoreError};

/// Compares an item, whose mailboxes were just looked at, with the other items of its project.
pub(super) async fn compared(
    store: &Store,
    project: &Project,
    item: ItemId,
) -> Result<Option<(Side, Failure)>, StoreError> {
    let failure = |cause, other| {
        Failure::new(cause, Scope::Mailbox, Retry::User, "comparing the mailboxes of the items").about(other)
    };
    for side in [Side::Source, Side::Destination] {
        if project.server(side).administrator().is_none() {
            continue;
        }
        if let Some((source, destination)) = store.looks_like(item, side).await? {
            let other = if side == Side::Source { source } else { destination };
            return Ok(Some((side, failure(Cause::AdministratorStays, other))));
        }
    }
    let shared = match store.shares_destination(item).await? {
        Some(shared) => Some(shared),
        None => store.looks_like(item, Side::Destination).await?,
    };
    Ok(shared.map(|(source, _)| (Side::Destination, failure(Cause::SharedDestination, source))))
}
