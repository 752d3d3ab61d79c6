//! `mailferry stop`.

use crate::cli::error::{CliError, Exit};
use crate::cli::workspace::ids;
use crate::domain::wording::counted;
use crate::service::items::{self, key};
use crate::service::{OpenWorkspace, projects, stop};

/// `stop`
pub async fn stop(workspace: &OpenWorkspace, project: &str, items: &[String]) -> Result<Exit, CliError> {
    let project = projects::named(workspace, project).await?;
    let rows = items::select(workspace, &project, items).await?;
    let outcome = stop::stop(workspace, project.id, ids(&rows)).await?;
    if let Some(error) = outcome.error {
        return Err(CliError::cannot(error.to_string()));
    }
    say!("{} told to stop", counted(outcome.done.len(), "item"));
    // Naming every item that was at rest anyway helps nobody, unless it was asked for by name.
    for (item, reason) in &outcome.left {
        if let Some(row) = rows.iter().find(|row| row.item.id == *item)
            && (!items.is_empty() || !row.status().is_at_rest())
        {
            warn!("{}: {reason}", key(row));
        }
    }
    Ok(if outcome.done.is_empty() && !items.is_empty() { Exit::Usage } else { Exit::Well })
}
