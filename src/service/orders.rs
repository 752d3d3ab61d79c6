//! Giving a command from a process that has no engine: to the one that has, or to one of our own in which nothing starts (D1).

use std::time::Duration;

use super::{OpenWorkspace, RunningEngine, ServiceError};
use crate::engine::Orders;
use crate::engine::command::{Command, CommandError, Outcome};
use crate::platform::PlatformError;
use crate::platform::lock::{WorkspaceLock, workspace_lock};

/// Between two looks for the owner's answer.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Looks for the answer between two looks whether the owner is still there.
const LOCK_EVERY: u32 = 10;
/// How long the owner may take to answer; it polls five times a second.
const PATIENCE: Duration = Duration::from_secs(15);

/// Who carries out commands.
#[derive(Clone, Copy)]
pub enum Commander<'a> {
    /// An engine of this process.
    Own(&'a RunningEngine),
    /// An engine of this process, in the order of its commands.
    Orders(&'a Orders),
    /// The process that has the workspace.
    Owner(&'a OpenWorkspace),
    /// Whoever has the workspace, or an engine of our own in which nothing starts.
    Anybody(&'a OpenWorkspace),
}

impl Commander<'_> {
    /// Takes in what a crash left if nobody has the workspace: what reads Migrating then is not.
    ///
    /// # Errors
    /// The database, or the machine.
    pub(super) async fn recover(self) -> Result<(), ServiceError> {
        let Self::Anybody(workspace) = self else { return Ok(()) };
        match workspace_lock(workspace.folder(), workspace.now()) {
            Ok(_lock) => drop(workspace.store.recover(workspace.now()).await?),
            Err(PlatformError::InUse(_)) => {}
            Err(other) => return Err(other.into()),
        }
        Ok(())
    }

    /// Gives a command and waits for its outcome.
    ///
    /// # Errors
    /// Nothing was done, or nobody knows yet.
    pub async fn command(self, command: Command) -> Result<Outcome, ServiceError> {
        match self {
            Self::Own(engine) => Ok(engine.command(command).await),
            Self::Orders(orders) => {
                let outcome = orders.send(command).await.await;
                Ok(outcome.unwrap_or_else(|_| Outcome::failed(CommandError::Ended)))
            }
            Self::Owner(workspace) => ask_owner(workspace, &command).await,
            Self::Anybody(workspace) => give(workspace, command).await,
        }
    }
}

/// Has a command carried out, whoever runs the workspace's passes.
///
/// # Errors
/// Nothing was done, or nobody knows yet.
pub async fn give(workspace: &OpenWorkspace, command: Command) -> Result<Outcome, ServiceError> {
    let lock = match workspace_lock(workspace.folder(), workspace.now()) {
        Ok(lock) => lock,
        Err(PlatformError::InUse(_)) => match ask(workspace, &command).await? {
            Asked::Answered(outcome) => return Ok(outcome),
            Asked::Ended(lock) => lock,
        },
        Err(other) => return Err(other.into()),
    };
    workspace.store.recover(workspace.now()).await?;
    let engine = RunningEngine::at_rest(workspace, lock).await?;
    let outcome = engine.command(command).await;
    engine.close().await;
    Ok(outcome)
}

/// Leaves a command for the process that runs the engine and waits for the outcome.
async fn ask_owner(workspace: &OpenWorkspace, command: &Command) -> Result<Outcome, ServiceError> {
    match ask(workspace, command).await? {
        Asked::Answered(outcome) => Ok(outcome),
        Asked::Ended(_) => Err(ServiceError::OwnerSilent),
    }
}

/// What became of a command for the owner.
enum Asked {
    Answered(Outcome),
    /// It ended without having taken it; the workspace is ours.
    Ended(WorkspaceLock),
}

async fn ask(workspace: &OpenWorkspace, command: &Command) -> Result<Asked, ServiceError> {
    let store = &workspace.store;
    let id = store.push_command(serde_json::to_string(command)?, workspace.now()).await?;
    let answered = tokio::time::timeout(PATIENCE, async {
        for look in 1_u32.. {
            if let Some(outcome) = store.command_outcome(id).await? {
                return Ok(Asked::Answered(serde_json::from_str(&outcome)?));
            }
            tokio::time::sleep(LOOK_EVERY).await;
            if look.is_multiple_of(LOCK_EVERY)
                && !workspace.is_held()
                && let Ok(lock) = workspace_lock(workspace.folder(), workspace.now())
                && store.withdraw_command(id).await?
            {
                return Ok(Asked::Ended(lock));
            }
        }
        Err(ServiceError::OwnerSilent)
    });
    match answered.await {
        Ok(asked) => asked,
        Err(_) if store.withdraw_command(id).await? => Err(ServiceError::OwnerSilent),
        Err(_) => Err(ServiceError::OwnerSlow),
    }
}
