//! Carrying out what was ordered: while a process stays, or once.

use std::path::Path;
use std::sync::Arc;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{HybridProject, HybridUser, RoundEnd};
use crate::domain::ids::HybridProjectId;
use crate::domain::time::Timestamp;
use crate::engine::hybrid::{HybridError, HybridRunner};
use crate::platform::PlatformError;
use crate::platform::lock::workspace_lock;
use crate::service::{OpenWorkspace, ServiceError, look};

/// What one round came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Once {
    /// This process made it.
    Done(RoundEnd),
    /// Another process has the workspace: it carries out what was ordered.
    Elsewhere,
}

/// Makes one round of a project, if nobody else has the workspace. The vault must be open.
///
/// # Errors
/// The database, or the machine.
pub async fn once(
    workspace: &OpenWorkspace,
    project: HybridProjectId,
    record: Option<&Path>,
) -> Result<Once, ServiceError> {
    let lock = match workspace_lock(workspace.folder(), workspace.now()) {
        Ok(lock) => lock,
        Err(PlatformError::InUse(_)) => return Ok(Once::Elsewhere),
        Err(other) => return Err(other.into()),
    };
    // Passes that a crash interrupted are not to look as if they ran.
    workspace.store.recover(workspace.now()).await?;
    let end = runner(workspace, record)?.round(project).await?;
    drop(lock);
    Ok(Once::Done(end))
}

/// The runner over a workspace whose lock this process has, or for questions only.
pub(super) fn runner(workspace: &OpenWorkspace, record: Option<&Path>) -> Result<HybridRunner, ServiceError> {
    let recorder = match record {
        Some(file) => {
            Some(HybridRunner::recorder(file).map_err(|error| ServiceError::KeyFile { file: file.to_owned(), error })?)
        }
        None => None,
    };
    Ok(HybridRunner::new(look::means(workspace, workspace.folder())?, recorder))
}

/// What was ordered is carried out, and moves are watched, beside an engine of this process or alone. Dropping it breaks off
/// what is on its way; [`Watching::end`] hears it out.
pub struct Watching {
    cancel: CancellationToken,
    tasks: JoinSet<()>,
}

impl Watching {
    /// Begins; this process has the workspace's lock. The vault must be open.
    ///
    /// # Errors
    /// The record's file cannot be made, or the machine.
    pub fn begin(
        workspace: &OpenWorkspace,
        only: Option<HybridProjectId>,
        record: Option<&Path>,
    ) -> Result<Self, ServiceError> {
        let runner = Arc::new(runner(workspace, record)?);
        let (cancel, mut tasks) = (CancellationToken::new(), JoinSet::new());
        let until = cancel.clone();
        tasks.spawn(async move { runner.run(only, until).await });
        Ok(Self { cancel, tasks })
    }

    /// Ends when what is on its way has been heard out.
    pub async fn end(mut self) {
        self.cancel.cancel();
        while self.tasks.join_next().await.is_some() {}
    }
}

/// Asks the service for its own account of a user's move, which may take many minutes, and keeps it.
///
/// # Errors
/// It did not come.
pub async fn report(
    workspace: &OpenWorkspace,
    project: &HybridProject,
    user: &HybridUser,
) -> Result<(Timestamp, String), ServiceError> {
    let services = runner(workspace, None)?.services(project).await?;
    let told = services.batches.statistics(&user.address, true).await.map_err(HybridError::from)?;
    let (at, text) = (workspace.now(), told.report.clone().unwrap_or_else(|| "the service gave no report".into()));
    workspace.store.record_hybrid_statistics(user.id, Some(told), at).await?;
    workspace.store.keep_hybrid_report(user.id, at, text.clone()).await?;
    Ok((at, text))
}
