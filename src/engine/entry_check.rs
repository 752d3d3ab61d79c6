//! Whether a mailbox opens with credentials that nobody has stored yet: logged in once, nothing retried, nothing changed.

use std::sync::Arc;

use crate::domain::failure::{Failure, Side};
use crate::domain::ids::ItemId;
use crate::domain::secret::Secret;
use crate::endpoint::auth::KnownPassword;
use crate::engine::one_look::Looks;
use crate::engine::workspace::Workspace;
use crate::store::StoreError;

/// Logs in to a side of an item with this name and password.
///
/// # Errors
/// The workspace's database; inside, why the mailbox does not open.
pub async fn try_entry(
    workspace: &Workspace,
    (item, side): (ItemId, Side),
    (user, password): (&str, Secret),
) -> Result<Result<(), Failure>, StoreError> {
    let looks = Looks::new(workspace, item).await?;
    Ok(looks.opens_with(side, user, Arc::new(KnownPassword(password))).await)
}
