//! Choosing and unlocking the vault of a workspace (D17): what it takes, and doing it. Waits for the disk or for a keyring.

use super::{OpenWorkspace, ServiceError, VaultKind};
use crate::domain::secret::Secret;
use crate::store::{StoreError, WorkspaceRow};
use crate::vault::{self, VaultState};
pub use crate::vault::{NewPassphrase, SHORTEST as SHORTEST_PASSPHRASE};

/// The passphrase that opening a vault takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passphrase {
    /// None.
    NotNeeded,
    /// The one it was made with.
    Known,
    /// A new one: the vault is to be made.
    New,
}

/// What opening the vault takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VaultNeeds {
    /// The kind that is or will be the workspace's.
    pub kind: VaultKind,
    /// Its passphrase.
    pub passphrase: Passphrase,
}

/// The kind that was chosen once, if any.
pub(super) fn chosen(workspace: &WorkspaceRow) -> Option<VaultKind> {
    workspace.vault.as_deref().and_then(VaultKind::parse)
}

/// Refuses a kind that is not the workspace's.
pub(super) fn state_for(chosen: Option<VaultKind>, asked: VaultKind) -> Result<VaultState, StoreError> {
    match chosen {
        Some(chosen) if chosen != asked => Err(StoreError::OtherVault(chosen.word().into())),
        Some(_) => Ok(VaultState::Chosen),
        None => Ok(VaultState::Unchosen),
    }
}

/// What it takes to open the vault: the chosen kind, else the one that was asked for by name, else the keyring.
///
/// # Errors
/// Another kind was chosen than the one asked for by name, or the chosen one is lost: nobody should have to enter a
/// passphrase to hear that.
pub async fn needs(workspace: &OpenWorkspace) -> Result<VaultNeeds, ServiceError> {
    let chosen = chosen(&workspace.store.workspace().await?);
    let kind = workspace.options.vault.or(chosen).unwrap_or(VaultKind::Keyring);
    let passphrase = match (kind, state_for(chosen, kind)?) {
        (VaultKind::File, VaultState::Chosen) => Passphrase::Known,
        (VaultKind::File, VaultState::Unchosen) => Passphrase::New,
        (VaultKind::Keyring | VaultKind::FileKeyring | VaultKind::Memory, _) => Passphrase::NotNeeded,
    };
    if chosen.is_some() {
        vault::not_lost(kind, workspace.folder())?;
    }
    Ok(VaultNeeds { kind, passphrase })
}

/// Gives the workspace's encrypted file another passphrase; one with fewer than eight letters only if `short` says so.
///
/// # Errors
/// The workspace keeps its passwords elsewhere, or why the passphrase stays.
pub async fn change_passphrase(workspace: &OpenWorkspace, change: NewPassphrase) -> Result<(), ServiceError> {
    let stored = workspace.store.workspace().await?;
    match chosen(&stored) {
        Some(VaultKind::File) => {}
        other => return Err(ServiceError::NoPassphrase(other.map_or("none yet", VaultKind::word))),
    }
    let folder = workspace.folder().to_owned();
    let changed = tokio::task::spawn_blocking(move || vault::change_passphrase(&folder, &stored.uuid, &change)).await;
    Ok(changed.map_err(|_| ServiceError::Died("changing the passphrase"))??)
}

/// Whether the vault is open.
pub fn is_open(workspace: &OpenWorkspace) -> bool {
    workspace.vault.get_open().is_some()
}

/// Opens or makes the vault; the first kind that is opened is the workspace's for good.
///
/// # Errors
/// Why it stays locked.
pub async fn unlock(
    workspace: &OpenWorkspace,
    kind: VaultKind,
    passphrase: Option<Secret>,
) -> Result<(), ServiceError> {
    let stored = workspace.store.workspace().await?;
    let state = state_for(chosen(&stored), kind)?;
    let folder = workspace.folder().to_owned();
    let open = move || vault::open(kind, state, &folder, &stored.uuid, passphrase.as_ref());
    let opened = tokio::task::spawn_blocking(open).await.map_err(|_| ServiceError::Died("opening the vault"))??;
    if state == VaultState::Unchosen {
        workspace.store.choose_vault(kind.word()).await?;
    }
    workspace.vault.set(opened);
    Ok(())
}
