//! `mailferry stop` and `mailferry hold`: orders to whoever runs the passes.

use crate::cli::error::{CliError, Exit};
use crate::cli::reasons::Reasons;
use crate::cli::table::clean;
use crate::cli::workspace::ids;
use crate::domain::project::Project;
use crate::domain::wording::counted;
use crate::engine::command::{Command, Outcome};
use crate::service::items::{self, StoredItem};
use crate::service::orders::give;
use crate::service::{OpenWorkspace, projects, withdraw};

/// `stop`
pub async fn stop(workspace: &OpenWorkspace, project: &str, items: &[String], at_once: bool) -> Result<Exit, CliError> {
    let project = projects::named(workspace, project).await?;
    let rows = items::select(workspace, &project, items).await?;
    let (project, chosen) = (project.id, ids(&rows));
    let command = match at_once {
        true => Command::Abort { project, items: chosen },
        false => Command::Stop { project, items: chosen },
    };
    let outcome = done(give(workspace, command).await?)?;
    say!("{} told to stop", counted(outcome.done.len(), "item"));
    // Naming every item that was at rest anyway helps nobody, unless it was asked for by name.
    say_left(&outcome, &rows, |row| !items.is_empty() || !row.status().is_at_rest());
    Ok(if outcome.done.is_empty() && !items.is_empty() { Exit::Usage } else { Exit::Well })
}

/// `stop --all`: of one project, or of every one.
pub async fn stop_all(workspace: &OpenWorkspace, project: Option<&str>) -> Result<Exit, CliError> {
    let projects: Vec<Project> = match project {
        Some(name) => vec![projects::named(workspace, name).await?],
        None => projects::all(workspace).await?,
    };
    for project in projects {
        let outcome = done(withdraw::all(workspace, project.id).await?)?;
        say!("{}: {} told to stop", clean(&project.name), counted(outcome.done.len(), "item"));
        let left = outcome.left.iter().map(|(item, _)| *item).collect();
        let rows = items::these(workspace, left).await?;
        say_left(&outcome, &rows, |row| !row.status().is_at_rest());
    }
    Ok(Exit::Well)
}

/// `retry-now`
pub async fn retry_now(workspace: &OpenWorkspace, project: &str, items: &[String]) -> Result<Exit, CliError> {
    let project = projects::named(workspace, project).await?;
    let rows = items::select(workspace, &project, items).await?;
    if items.is_empty() {
        done(give(workspace, Command::TryNow { project: project.id }).await?)?;
    }
    let outcome = done(give(workspace, Command::RetryNow { project: project.id, items: ids(&rows) }).await?)?;
    say!("{} told to try again now", counted(outcome.done.len(), "item"));
    say_left(&outcome, &rows, |row| !items.is_empty() || row.status().is_active());
    Ok(if outcome.done.is_empty() && !items.is_empty() { Exit::Usage } else { Exit::Well })
}

/// `hold`
pub async fn hold(workspace: &OpenWorkspace, project: &str, held: bool) -> Result<Exit, CliError> {
    let project = projects::named(workspace, project).await?;
    done(give(workspace, Command::Hold { project: project.id, held }).await?)?;
    match held {
        true => say!("new starts are held; `mailferry hold off` lets them go on, `mailferry stop` takes them back"),
        false => say!("new starts go on"),
    }
    Ok(Exit::Well)
}

/// What was done, unless nothing was.
pub fn done(outcome: Outcome) -> Result<Outcome, CliError> {
    match outcome.error {
        Some(error) => Err(CliError::cannot(error.to_string())),
        None => Ok(outcome),
    }
}

/// Says what was left alone, and why.
pub fn say_left(outcome: &Outcome, rows: &[StoredItem], names: impl Fn(&StoredItem) -> bool) {
    let left = outcome.left.iter().map(|(item, reason)| (*item, reason.to_string()));
    Reasons::of(left, rows, names).lines().for_each(|line| warn!("{line}"));
}
