//! Opening a workspace for a window: lock, database, vault, and what an earlier process left (D1, D3).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::late_vault::LateVault;
use super::{Answer, Opened, Opening, VaultKind};
use crate::domain::ids::{ItemId, ProjectId};
use crate::domain::secret::Secret;
use crate::domain::status::Status;
use crate::endpoint::budget::Budget;
use crate::engine::{Engine, MESSAGE_MEMORY, Workspace};
use crate::platform::PlatformError;
use crate::platform::lock::{WorkspaceLock, workspace_lock};
use crate::store::{Store, StoreError, Waiting};
use crate::vault::{self, Standing};

/// A crash so recent that the window goes on by itself, in milliseconds (D3).
const RECENT: i64 = 10 * 60 * 1000;

/// An open workspace with its engine.
pub struct Open {
    pub store: Store,
    pub vault: Arc<LateVault>,
    pub engine: Engine,
    /// What goes on by itself.
    pub resume: BTreeMap<ProjectId, Vec<ItemId>>,
    pub lock: WorkspaceLock,
}

/// Opens it, or answers why not.
pub async fn open(opening: &Opening) -> Result<(Open, Opened), Answer> {
    let not = |error: String| Answer::NotOpened(error);
    let now = opening.clock.now();
    let folder = opening.folder.clone();
    // On one thread: if the window goes meanwhile, the lock is given back when the database is closed.
    let unlocked = tokio::task::spawn_blocking(move || {
        let lock = workspace_lock(&folder, now).map_err(|error| match error {
            PlatformError::InUse(owner) => Answer::InUse(owner),
            other => Answer::NotOpened(other.to_string()),
        })?;
        let store = Store::open(&folder, now).map_err(|error| Answer::NotOpened(error.to_string()))?;
        Ok((store, lock))
    });
    let (store, mut lock) = unlocked.await.map_err(|_| not("opening the database failed".into()))??;
    let vault = Arc::new(LateVault::default());
    let mut opened = look(&store).await.map_err(|error| not(error.to_string()))?;
    match (opened.vault, opening.vault) {
        (Some(chosen), Some(asked)) if chosen != asked => {
            return Err(not(StoreError::OtherVault(chosen.word().into()).to_string()));
        }
        (None, asked) => opened.proposed = asked,
        (Some(_), _) => {}
    }
    open_vault(opening, &store, &vault, &mut opened).await;
    let resume = left_behind(&store, &lock, now, &mut opened).await.map_err(|error| not(error.to_string()))?;
    let engine = Engine::start(Workspace {
        store: store.clone(),
        vault: Arc::clone(&vault) as Arc<dyn vault::Vault>,
        spool: lock.spool().map_err(|error| not(error.to_string()))?,
        numbers: lock.numbers().map_err(|error| not(error.to_string()))?,
        budget: Budget::new(MESSAGE_MEMORY),
        clock: Arc::clone(&opening.clock),
        endpoints: Arc::clone(&opening.endpoints),
    });
    // Not before all has gone well: "Try again" must find the crash as this opening did (D3).
    lock.settle();
    Ok((Open { store, vault, engine, resume, lock }, opened))
}

async fn look(store: &Store) -> Result<Opened, StoreError> {
    let chosen = store.workspace().await?.vault;
    Ok(Opened {
        projects: store.projects().await?,
        settings: store.settings().await?,
        vault: chosen.as_deref().and_then(VaultKind::parse),
        ..Opened::default()
    })
}

/// Opens a vault that needs no person, or whose passphrase is known.
async fn open_vault(opening: &Opening, store: &Store, late: &LateVault, opened: &mut Opened) {
    let Some(kind) = opened.vault.or(opening.vault) else { return };
    if kind == VaultKind::File && opening.passphrase.is_none() {
        // Nobody should have to enter a passphrase to hear that there is nothing to open.
        opened.vault_error = opened.vault.and_then(|kind| vault::not_lost(kind, &opening.folder).err()).map(words);
        return;
    }
    match unlock(opening, store, late, kind, opening.passphrase.clone()).await {
        Ok(()) => (opened.vault, opened.unlocked) = (Some(kind), true),
        Err(error) => opened.vault_error = Some(error),
    }
}

/// Opens or makes the vault; the first kind that is opened is the workspace's for good (D17).
pub async fn unlock(
    opening: &Opening,
    store: &Store,
    late: &LateVault,
    kind: VaultKind,
    passphrase: Option<Secret>,
) -> Result<(), String> {
    let workspace = store.workspace().await.map_err(words)?;
    let standing = match workspace.vault.as_deref().and_then(VaultKind::parse) {
        Some(chosen) if chosen != kind => return Err(StoreError::OtherVault(chosen.word().into()).to_string()),
        Some(_) => Standing::Chosen,
        None => Standing::Unchosen,
    };
    let folder = opening.folder.clone();
    let open = move || vault::open(kind, standing, &folder, &workspace.uuid, passphrase.as_ref());
    let vault = tokio::task::spawn_blocking(open).await;
    let vault = vault.map_err(|_| "opening the vault failed".to_owned())?.map_err(words)?;
    store.choose_vault(kind.word()).await.map_err(words)?;
    late.set(vault);
    Ok(())
}

fn words(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// What an earlier process left Submitted goes on by itself a moment after a crash; else it is held (D3), also while its
/// passwords are locked.
async fn left_behind(
    store: &Store,
    lock: &WorkspaceLock,
    now: i64,
    opened: &mut Opened,
) -> Result<BTreeMap<ProjectId, Vec<ItemId>>, StoreError> {
    let recovered = store.recover(now).await?;
    tracing::info!(passes = recovered.len(), "recovered");
    let waiting = store.waiting().await?;
    let seen = waiting.iter().map(|waiting| waiting.last_seen);
    // The figures of a pass stand still while it waits for a server; the process itself says more often that it is alive.
    let owner = lock.crashed().map(|owner| owner.seen);
    let last = recovered.iter().map(|pass| pass.last_seen).chain(seen).chain(owner).max();
    let locked = opened.vault.is_some() && !opened.unlocked;
    let recent = !locked && lock.crashed().is_some() && last.is_some_and(|last| now - last <= RECENT);
    let mut resume: BTreeMap<ProjectId, Vec<ItemId>> = BTreeMap::new();
    if recent {
        for Waiting { project, item, .. } in waiting {
            resume.entry(project).or_default().push(item);
        }
    } else {
        store.hold_waiting().await?;
        opened.held = store.count_in(Status::Held).await?;
    }
    Ok(resume)
}

#[cfg(test)]
mod tests;
