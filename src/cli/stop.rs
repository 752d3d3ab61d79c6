//! `mailferry stop`: through the process that runs the engine, or by itself when there is none (D1).

use std::time::Duration;

use crate::cli::error::{CliError, Exit};
use crate::cli::workspace::{Opened, ids, key};
use crate::domain::status::{Event, Status};
use crate::domain::wording::counted;
use crate::engine::command::{Command, Outcome};
use crate::platform::PlatformError;
use crate::platform::lock::workspace_lock;
use crate::store::ItemRow;

/// Between two looks for the owner's answer.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How long the owner may take to answer; it polls five times a second.
const PATIENCE: Duration = Duration::from_secs(15);

/// `stop`
pub async fn stop(opened: &Opened, project: &str, items: &[String]) -> Result<Exit, CliError> {
    let project = opened.project(project).await?;
    let rows = opened.select(&project, items).await?;
    let outcome = match workspace_lock(&opened.folder, opened.clock.now()) {
        // Not settled: the mark of a crash is for whoever resumes what was not stopped here (D3).
        Ok(_lock) => stop_without_engine(opened, &rows).await?,
        Err(PlatformError::InUse(_)) => {
            ask_owner(opened, &Command::Stop { project: project.id, items: ids(&rows) }).await?
        }
        Err(other) => return Err(other.into()),
    };
    if let Some(error) = outcome.error {
        return Err(CliError::cannot(error));
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

/// Leaves a command for the process that runs the engine and waits for the outcome.
async fn ask_owner(opened: &Opened, command: &Command) -> Result<Outcome, CliError> {
    let payload = serde_json::to_string(command).map_err(|error| CliError::cannot(error.to_string()))?;
    let id = opened.store.push_command(payload, opened.clock.now()).await?;
    let answered = tokio::time::timeout(PATIENCE, async {
        loop {
            if let Some(outcome) = opened.store.command_outcome(id).await? {
                return Ok::<_, CliError>(outcome);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    });
    match answered.await {
        Ok(outcome) => serde_json::from_str(&outcome?).map_err(|error| CliError::cannot(error.to_string())),
        Err(_) if opened.store.withdraw_command(id).await? => Err(CliError::cannot(
            "the process that runs the passes does not answer; nothing was changed. Try again, or close it",
        )),
        Err(_) => Err(CliError::cannot("the process that runs the passes took the command but has not answered yet")),
    }
}

/// Nothing runs: what an earlier process left behind is taken back.
async fn stop_without_engine(opened: &Opened, rows: &[ItemRow]) -> Result<Outcome, CliError> {
    let now = opened.clock.now();
    opened.store.recover(now).await?;
    let mut outcome = Outcome::default();
    for row in rows {
        let Some(pass) = &opened.store.item(row.item.id).await?.latest else {
            outcome.left.push((row.item.id, "nothing of this item is running".into()));
            continue;
        };
        // Without an engine a submission is as good as held: nobody takes it.
        let held = pass.status.after(Event::Hold).unwrap_or(pass.status);
        match held.after(Event::Stop) {
            Ok(to) => {
                opened.store.set_status(pass.id, &[pass.status], to, now, None).await?;
                if to == Status::Stopping {
                    opened.store.set_status(pass.id, &[to], Status::Stopped, now, None).await?;
                }
                outcome.done.push(row.item.id);
            }
            Err(refusal) => outcome.left.push((row.item.id, refusal.to_string())),
        }
    }
    Ok(outcome)
}
