//! Whether a mailbox opens with credentials that nobody has stored yet: logged in once, nothing retried, nothing changed.

use std::sync::Arc;

use crate::domain::failure::{Cause, Failure, Retry, Scope, Side};
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

/// Logs in to a side of an item as this user, by what a person's sign-in left; answers what is left of it then, as the provider
/// may have replaced it.
///
/// # Errors
/// The workspace's database; inside, why the mailbox does not open.
pub async fn try_sign_in(
    workspace: &Workspace,
    (item, side): (ItemId, Side),
    (user, left): (&str, Secret),
) -> Result<(Result<(), Failure>, Secret), StoreError> {
    let looks = Looks::new(workspace, item).await?;
    let Some((auth, keeper)) = looks.unkept(side, user, left.clone()) else {
        let failure = Failure::new(Cause::SignInEnded, Scope::Mailbox, Retry::User, "signing in");
        return Ok((Err(failure.saying("nobody signs in there any more")), left));
    };
    let opened = looks.opens_with(side, user, auth).await;
    Ok((opened, keeper.left()))
}
