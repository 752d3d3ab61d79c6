//! Passwords that nothing uses any more leave the vault: in pieces, so that it can be cancelled in between. A number is
//! forgotten only when its secret is gone; what stays is found by a later import.

use std::sync::Arc;
use std::time::Duration;

use super::{OpenWorkspace, Watch, Work};
use crate::domain::ids::CredentialId;
use crate::domain::wording::counted;
use crate::vault::{self, Vault, VaultError};

/// How old an unused number is before its secret is removed: nobody can still be about to use it.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Why passwords that nothing uses are still in the vault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotRemoved {
    /// The vault.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// Somebody cancelled; so many are left.
    #[error(
        "cancelled: {} that nothing uses any more stayed in the vault; an import a day later removes what is left",
        counted(*.0, "password")
    )]
    Cancelled(usize),
}

/// Removes passwords that nothing refers to, until it is cancelled.
///
/// # Errors
/// Some are still there.
pub(in crate::service) async fn remove(
    workspace: &OpenWorkspace,
    ids: Vec<CredentialId>,
    watch: &Watch,
) -> Result<(), NotRemoved> {
    if ids.is_empty() {
        return Ok(());
    }
    let vault: Arc<dyn Vault> = workspace.vault.clone();
    let (mut gone, of) = (0, ids.len());
    for batch in ids.chunks(vault.batch().max(1)) {
        if watch.cancel.is_cancelled() {
            return Err(NotRemoved::Cancelled(of - gone));
        }
        let tell = Arc::clone(&watch.tell);
        vault::delete_many(&vault, batch.to_vec(), move |done| tell(Work::Removing, gone + done, of)).await?;
        gone += batch.len();
        if let Err(error) = workspace.store.forget_credentials(batch.to_vec()).await {
            // Their numbers are looked at again by a later import.
            tracing::warn!(%error, "credentials not forgotten");
        }
    }
    Ok(())
}

/// Removes what broke off long ago left behind, at most so many. What was imported is in already: trouble here is nobody's
/// but the log's, and comes up again with the next import.
pub(super) async fn sweep(workspace: &OpenWorkspace, most: usize, watch: &Watch) {
    let mut unused = match workspace.store.unused_credentials(workspace.now().minus(DAY)).await {
        Ok(unused) => unused,
        Err(error) => return tracing::warn!(%error, "unused credentials not found"),
    };
    unused.truncate(most);
    let count = unused.len();
    if let Err(error) = remove(workspace, unused, watch).await {
        tracing::warn!(%error, count, "unused credentials not removed");
    }
}
