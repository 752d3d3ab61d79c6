//! `hybrid watch`, and the first round of verbs that order something.

use std::path::Path;

use crate::cli::error::{CliError, Exit};
use crate::cli::table::clean;
use crate::cli::workspace::unlock;
use crate::domain::wording::counted;
use crate::platform::interrupts::Interrupts;
use crate::service::hybrid::{self, HybridProject, Once, PREVIEW, RoundEnd, Watching, once as one_round};
use crate::service::start::take;
use crate::service::{OpenWorkspace, RunningEngine, Takes, times};

/// `hybrid watch`
pub async fn watch(
    workspace: &OpenWorkspace,
    project: Option<&str>,
    once: bool,
    record: Option<&Path>,
) -> Result<Exit, CliError> {
    let project = match project {
        Some(name) => Some(hybrid::named(workspace, name).await?),
        None => None,
    };
    if let (true, Some(project)) = (once, &project) {
        unlock(workspace).await?;
        return round(workspace, project, record).await;
    }
    let lock = take(workspace).await?;
    unlock(workspace).await?;
    let mut presses =
        Interrupts::listen().map_err(|error| CliError::cannot(format!("listening for Ctrl-C: {error}")))?;
    // Whoever has the workspace answers the commands of other processes.
    let engine = RunningEngine::start(workspace, lock, Takes::All)?;
    let watching = match Watching::begin(workspace, project.map(|project| project.id), record) {
        Ok(watching) => watching,
        Err(error) => {
            engine.close().await;
            return Err(error.into());
        }
    };
    say!(
        "Watching. {PREVIEW}. What is ordered elsewhere is carried out too; Ctrl-C ends, and the service goes on by itself"
    );
    presses.next().await;
    warn!("Ending: what is on its way is heard out. Ctrl-C again breaks it off");
    let end = async {
        watching.end().await;
        engine.close().await;
    };
    tokio::select! {
        () = end => Ok(Exit::Well),
        () = presses.next() => Ok(Exit::Items),
    }
}

/// The first round after something was ordered.
pub async fn first_round(workspace: &OpenWorkspace, project: &HybridProject) -> Result<Exit, CliError> {
    unlock(workspace).await?;
    round(workspace, project, None).await
}

async fn round(workspace: &OpenWorkspace, project: &HybridProject, record: Option<&Path>) -> Result<Exit, CliError> {
    match one_round(workspace, project.id, record).await? {
        Once::Elsewhere => {
            say!("Another process has the workspace; `hybrid watch` or the window carries it out");
            Ok(Exit::Well)
        }
        Once::Done(RoundEnd { trouble: Some(trouble), open, .. }) => {
            let until = times::told(trouble.until, &times::zone());
            warn!("The service is not asked until {until}: {}", clean(&trouble.text));
            warn!("{} waiting", counted(open, "order"));
            Ok(Exit::Items)
        }
        Once::Done(RoundEnd { open: 0, watched, .. }) => {
            say!("Carried out. {}: `mailferry hybrid watch` goes on", counted(watched, "move"));
            Ok(Exit::Well)
        }
        Once::Done(RoundEnd { open, .. }) => {
            say!("{} on the way: `mailferry hybrid watch` goes on", counted(open, "order"));
            Ok(Exit::Well)
        }
    }
}
