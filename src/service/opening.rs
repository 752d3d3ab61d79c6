//! Opening a workspace for a window: lock, database, vault, what an earlier process left, engine (D1, D3).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::hybrid::{HybridViews, views};
use super::vault::{chosen, state_for, unlock};
use super::{OpenOptions, OpenWorkspace, RunningEngine, ServiceError, Takes, VaultKind};
use crate::domain::ids::{ItemId, ProjectId};
use crate::domain::license::Account;
use crate::domain::project::Project;
use crate::domain::status::HoldReason;
use crate::engine::command::CommandError;
use crate::platform::lock::{WorkspaceLock, workspace_lock};
use crate::store::{StoreError, Waiting};
use crate::vault::not_lost;

/// A crash so recent that the window goes on by itself (D3).
const RECENT: Duration = Duration::from_secs(10 * 60);

/// A workspace as it was found.
#[derive(Debug, Default)]
pub struct WorkspaceInfo {
    /// All projects, by name.
    pub projects: Vec<Project>,
    /// All pools of licenses.
    pub pools: Vec<Account>,
    /// All hybrid projects, by name.
    pub hybrid: HybridViews,
    /// What was remembered.
    pub settings: BTreeMap<String, String>,
    /// The kind of its vault, once chosen.
    pub vault: Option<VaultKind>,
    /// The kind that was asked for by name while none is chosen.
    pub proposed: Option<VaultKind>,
    /// Whether the vault is open.
    pub unlocked: bool,
    /// Why the vault is not open, if somebody tried.
    pub vault_error: Option<ServiceError>,
    /// Passes that a crash interrupted a moment ago and that have gone on by themselves (D3).
    pub resumed: usize,
    /// Submissions that wait for a word: the program ended some time ago (D3).
    pub held: usize,
    /// What of it could not be shown or resumed, and why.
    pub trouble: Vec<Trouble>,
}

/// What went wrong in a workspace that is open all the same; the engine's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// The items of a project.
    #[error("the items of \"{project}\" could not be read: {why}")]
    ItemsNotRead {
        /// Its name.
        project: String,
        /// Why.
        why: CommandError,
    },
    /// Passes that a crash interrupted.
    #[error("interrupted passes could not be resumed: {0}")]
    NotResumed(CommandError),
}

/// An open workspace with its engine, and what of a crash goes on by itself.
pub(super) struct Opened {
    pub workspace: OpenWorkspace,
    pub engine: RunningEngine,
    pub resume: BTreeMap<ProjectId, Vec<ItemId>>,
    pub info: WorkspaceInfo,
}

/// Takes the workspace for this process and opens it.
pub(super) async fn open(options: &Arc<OpenOptions>) -> Result<Opened, ServiceError> {
    let now = options.clock.now();
    let options = Arc::clone(options);
    // On one thread: if the window goes meanwhile, the lock is given back when the database is closed.
    let taken = tokio::task::spawn_blocking(move || {
        let lock = workspace_lock(&options.folder, now)?;
        Ok::<_, ServiceError>((OpenWorkspace::open(options)?, lock))
    });
    let (workspace, lock) = taken.await.map_err(|_| ServiceError::Died("opening the database"))??;
    workspace.store.look_through().await?;
    let mut info = look(&workspace).await?;
    info.hybrid = views(&workspace).await?;
    if let Some(asked) = workspace.options.vault {
        state_for(info.vault, asked)?;
    }
    if info.vault.is_none() {
        info.proposed = workspace.options.vault;
    }
    open_vault(&workspace, &mut info).await;
    let resume = left_behind(&workspace, &lock, &mut info).await?;
    // Last, for it settles what a crash left: "Try again" must find the crash as this opening did (D3).
    let engine = RunningEngine::start(&workspace, lock, Takes::All)?;
    Ok(Opened { workspace, engine, resume, info })
}

async fn look(workspace: &OpenWorkspace) -> Result<WorkspaceInfo, StoreError> {
    let store = &workspace.store;
    let vault = chosen(&store.workspace().await?);
    let (projects, settings) = (store.projects().await?, store.settings().await?);
    let pools = store.license_accounts().await?;
    Ok(WorkspaceInfo { projects, pools, settings, vault, ..WorkspaceInfo::default() })
}

/// Opens a vault that needs no person, or whose passphrase is known.
async fn open_vault(workspace: &OpenWorkspace, info: &mut WorkspaceInfo) {
    let OpenOptions { vault: asked, passphrase, folder, .. } = &*workspace.options;
    let Some(kind) = info.vault.or(*asked) else { return };
    if kind == VaultKind::File && passphrase.is_none() {
        // Nobody should have to enter a passphrase to hear that there is nothing to open.
        info.vault_error = info.vault.and_then(|kind| not_lost(kind, folder).err()).map(ServiceError::from);
        return;
    }
    match unlock(workspace, kind, passphrase.clone()).await {
        Ok(()) => (info.vault, info.unlocked) = (Some(kind), true),
        Err(error) => info.vault_error = Some(error),
    }
}

/// What an earlier process left Submitted goes on by itself a moment after a crash; else it is held (D3), also while its
/// passwords are locked.
async fn left_behind(
    workspace: &OpenWorkspace,
    lock: &WorkspaceLock,
    info: &mut WorkspaceInfo,
) -> Result<BTreeMap<ProjectId, Vec<ItemId>>, StoreError> {
    let (store, now) = (&workspace.store, workspace.now());
    let recovered = store.recover(now).await?;
    tracing::info!(passes = recovered.len(), "recovered");
    let waiting = store.waiting().await?;
    let seen = waiting.iter().map(|waiting| waiting.last_seen);
    // The figures of a pass stand still while it waits for a server; the process itself says more often that it is alive.
    let owner = lock.crashed().and_then(|owner| owner.seen);
    let last = recovered.iter().map(|pass| pass.last_seen).chain(seen).chain(owner).max();
    let locked = info.vault.is_some() && !info.unlocked;
    let recent = !locked && lock.crashed().is_some() && last.is_some_and(|last| now.since(last) <= RECENT);
    let mut resume: BTreeMap<ProjectId, Vec<ItemId>> = BTreeMap::new();
    if recent {
        for Waiting { project, item, .. } in waiting {
            resume.entry(project).or_default().push(item);
        }
    } else {
        store.hold_waiting(now).await?;
        info.held = store.count_held(HoldReason::Interrupted).await?;
    }
    Ok(resume)
}

#[cfg(test)]
mod tests;
