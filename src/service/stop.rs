//! Stopping items from a process that has no engine: through the one that has, or by itself when there is none (D1).

use std::time::Duration;

use super::{OpenWorkspace, ServiceError};
use crate::domain::ids::{ItemId, ProjectId};
use crate::domain::status::{Event, Refusal};
use crate::engine::command::{Command, Outcome};
use crate::platform::PlatformError;
use crate::platform::lock::workspace_lock;

/// Between two looks for the owner's answer.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How long the owner may take to answer; it polls five times a second.
const PATIENCE: Duration = Duration::from_secs(15);

/// Stops these items, whoever runs them.
///
/// # Errors
/// Nothing was stopped, or nobody knows yet.
pub async fn stop(workspace: &OpenWorkspace, project: ProjectId, items: Vec<ItemId>) -> Result<Outcome, ServiceError> {
    match workspace_lock(workspace.folder(), workspace.now()) {
        // Not settled: the mark of a crash is for whoever resumes what was not stopped here (D3).
        Ok(_lock) => without_engine(workspace, items).await,
        Err(PlatformError::InUse(_)) => ask_owner(workspace, &Command::Stop { project, items }).await,
        Err(other) => Err(other.into()),
    }
}

/// Leaves a command for the process that runs the engine and waits for the outcome.
async fn ask_owner(workspace: &OpenWorkspace, command: &Command) -> Result<Outcome, ServiceError> {
    let store = &workspace.store;
    let id = store.push_command(serde_json::to_string(command)?, workspace.now()).await?;
    let answered = tokio::time::timeout(PATIENCE, async {
        loop {
            if let Some(outcome) = store.command_outcome(id).await? {
                return Ok::<_, ServiceError>(outcome);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    });
    match answered.await {
        Ok(outcome) => Ok(serde_json::from_str(&outcome?)?),
        Err(_) if store.withdraw_command(id).await? => Err(ServiceError::OwnerSilent),
        Err(_) => Err(ServiceError::OwnerSlow),
    }
}

/// Nothing runs: what an earlier process left behind is taken back.
async fn without_engine(workspace: &OpenWorkspace, items: Vec<ItemId>) -> Result<Outcome, ServiceError> {
    let (store, now) = (&workspace.store, workspace.now());
    store.recover(now).await?;
    let mut outcome = Outcome::default();
    for item in items {
        let Some(pass) = &store.item(item).await?.latest else {
            outcome.left.push((item, Refusal::NotRunning.into()));
            continue;
        };
        // Without an engine a submission is as good as held: nobody takes it.
        let held = pass.status.after(Event::Hold).unwrap_or(pass.status);
        match held.after(Event::Stop) {
            Ok(to) => {
                store.set_status(pass.id, &[pass.status], to, now, None).await?;
                // Nobody works on it: there is nothing to wait for.
                if let Ok(stopped) = to.after(Event::StopConfirmed) {
                    store.set_status(pass.id, &[to], stopped, now, None).await?;
                }
                outcome.done.push(item);
            }
            Err(refusal) => outcome.left.push((item, refusal.into())),
        }
    }
    Ok(outcome)
}
