//! Taking back all of a project that waits, and stopping what runs (`stop --all`).

use super::orders::give;
use super::{OpenWorkspace, ServiceError, items};
use crate::domain::ids::ProjectId;
use crate::engine::command::{Command, Outcome};
use crate::platform::PlatformError;
use crate::platform::lock::workspace_lock;

/// By whoever runs the passes. Where nobody does, nothing runs, and what waits is taken back in one transaction: no engine has
/// to read 100,000 items for that. The mark of a crash stays for whoever resumes what it left (D3).
///
/// # Errors
/// Nothing was done, or nobody knows yet.
pub async fn all(workspace: &OpenWorkspace, project: ProjectId) -> Result<Outcome, ServiceError> {
    let lock = match workspace_lock(workspace.folder(), workspace.now()) {
        Ok(lock) => lock,
        Err(PlatformError::InUse(_)) => {
            let items = items::all_ids(workspace, project).await?;
            return give(workspace, Command::Withdraw { project, items }).await;
        }
        Err(other) => return Err(other.into()),
    };
    if lock.crashed().is_none() {
        // Whoever wants to run passes now waits for the end of this instead of asking it to.
        lock.leave();
    }
    // What reads Migrating although nobody has the workspace waits as well.
    workspace.store.recover(workspace.now()).await?;
    let done = workspace.store.withdraw(project, workspace.now()).await?;
    tracing::info!(%project, items = done.len(), "taken back");
    drop(lock);
    Ok(Outcome { done, ..Outcome::default() })
}
