//! `mailferry start`: runs passes in this process and stays until they have ended (D3).

use std::collections::{HashMap, HashSet};

use crate::cli::args::Start;
use crate::cli::error::{CliError, Exit};
use crate::cli::follow::{Run, follow};
use crate::cli::status::{NAMED, bounded, by_item, failure_text, item_error_line};
use crate::cli::table::clean;
use crate::cli::workspace::{ids, unlock};
use crate::domain::failure::Cause;
use crate::domain::ids::ItemId;
use crate::domain::project::Project;
use crate::domain::record::Counts;
use crate::domain::status::Status;
use crate::domain::wording::{counted, notice_line};
use crate::engine::snapshot::{ItemRow, Snapshot};
use crate::platform::PlatformError;
use crate::platform::interrupts::Interrupts;
use crate::platform::lock::WorkspaceLock;
use crate::service::items::{self, StoredItem, StoredNotice, key};
use crate::service::start::{Readiness, Waiting, readiness, run, take};
use crate::service::{OpenWorkspace, RunningEngine, ServiceError, projects};

/// `start`
pub async fn start(workspace: &OpenWorkspace, start: Start) -> Result<Exit, CliError> {
    let project = projects::named(workspace, &start.project).await?;
    let lock = take_here(workspace).await?;
    let rows = items::select(workspace, &project, &start.items).await?;
    if rows.is_empty() {
        return Err(CliError::usage(format!("project \"{}\" has no items: import some first", project.name)));
    }
    let Readiness { ready, not_ready } = readiness(workspace, project.id, ids(&rows), Waiting::GoesOn).await?;
    for (item, reason) in &not_ready {
        if let Some(row) = rows.iter().find(|row| row.item.id == *item) {
            warn!("{}: not started: {reason}", clean(&key(row)));
        }
    }
    if ready.is_empty() {
        return Err(CliError::usage("nothing was started"));
    }
    // Maildirs need no password, so none may ever have been stored.
    if project.source.needs_login() || project.destination.needs_login() {
        unlock(workspace).await?;
    }
    let presses = Interrupts::listen().map_err(|error| CliError::cannot(format!("listening for Ctrl-C: {error}")))?;
    // What a crash left of the other items waits for a word from now on: this process ends in order.
    let engine = RunningEngine::start(workspace, lock)?;
    run(&engine, project.id, &ready, start.pass.into()).await?;
    let followed = Run { engine: &engine, project: project.id, items: &ready };
    let snapshot = follow(workspace, &followed, presses, start.watch).await;
    let exit = conclude(workspace, &project, &ready.iter().copied().collect(), &snapshot, start.watch).await?;
    engine.close().await;
    Ok(if not_ready.is_empty() { exit } else { Exit::Items })
}

async fn take_here(workspace: &OpenWorkspace) -> Result<WorkspaceLock, CliError> {
    take(workspace).await.map_err(|error| match error {
        ServiceError::Platform(PlatformError::InUse(_)) => CliError::cannot(format!(
            "{error}: it is running passes already. Wait for its end, or use `mailferry stop`; `mailferry status` shows them"
        )),
        other => other.into(),
    })
}

/// How an item ended, in one line: what is not nothing of the rarer figures is named too.
fn closing(status: Status, counts: &Counts) -> String {
    let size = crate::domain::wording::size(counts.bytes);
    let Counts { copied, already_there, errors, .. } = counts;
    let mut line =
        format!("{}: {copied} copied ({size}), {already_there} already there, {errors} errors", status.word());
    for (count, word) in [(counts.differ, "differ"), (counts.waiting, "waiting"), (counts.arrived, "arrived meanwhile")]
    {
        if count > 0 {
            line += &format!(", {count} {word}");
        }
    }
    line
}

/// Says how it ended and chooses the exit code.
async fn conclude(
    workspace: &OpenWorkspace,
    project: &Project,
    items: &HashSet<ItemId>,
    snapshot: &Snapshot,
    watch: bool,
) -> Result<Exit, CliError> {
    let mut exit = Exit::Well;
    let stored = items::all(workspace, project.id).await?;
    let stored: HashMap<ItemId, StoredItem> = stored.into_iter().map(|row| (row.item.id, row)).collect();
    let notices = items::notices(workspace, project.id, NAMED).await?;
    let notices = by_item(&notices);
    for row in snapshot.rows().filter(|row| items.contains(&row.item)) {
        let Some(stored) = stored.get(&row.item) else { continue };
        let name = clean(&key(stored));
        if watch {
            say!("{name}: {}", closing(row.status, &row.progress.counts));
        }
        say_failure(project, stored, row, &name);
        say_what_is_left(&row.progress.counts, notices.get(&row.item).copied().unwrap_or_default(), &name);
        if let Some((pass, ..)) = row.pass {
            for error in items::errors(workspace, pass, NAMED, 0).await? {
                warn!("  {}", clean(&item_error_line(project, stored, &error)));
            }
        }
        if !ended_well(row.status, &row.progress.counts) {
            exit = Exit::Items;
        }
    }
    Ok(exit)
}

fn say_failure(project: &Project, stored: &StoredItem, row: &ItemRow, name: &str) {
    let Some((side, failure)) = &row.failure else { return };
    let text = failure_text(project, stored, *side, failure);
    warn!("{name}: {}. {} {}", text.headline, text.what, text.todo);
    if let Some(words) = &failure.server_text {
        let whose = if failure.cause == Cause::CredentialMissing { "vault" } else { "server text" };
        warn!("  {whose}: {}", clean(words));
    }
}

/// Messages that were not moved or wait for the next pass, and what was noticed.
fn say_what_is_left(counts: &Counts, notices: &[StoredNotice], name: &str) {
    if counts.errors > 0 {
        warn!("{name}: {} messages could not be moved", counts.errors);
    }
    if counts.waiting > 0 {
        warn!("{name}: {} wait for the next pass", counted(counts.waiting as usize, "message"));
    }
    if counts.arrived > 0 {
        let words = counted(counts.arrived as usize, "message");
        warn!("{name}: {words} arrived during the pass; start again to bring them");
    }
    let all = notices.first().map_or(0, |first| first.of);
    for line in bounded(notices.iter().map(|row| notice_line(&row.notice)), all) {
        warn!("  {}", clean(&line));
    }
}

/// Whether an item ended as it should: what arrived meanwhile is for the next pass, what differs or waits is not well.
fn ended_well(status: Status, counts: &Counts) -> bool {
    status == Status::Completed && !counts.leaves_something()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d27_what_differs_or_waits_is_not_well_and_is_named_in_the_closing_line() {
        let none = Counts { source: 9, copied: 9, ..Counts::default() };
        assert!(ended_well(Status::Completed, &none) && !ended_well(Status::Stopped, &none));
        assert!(ended_well(Status::Completed, &Counts { arrived: 3, ..none }), "said, and no failure");
        for bad in [Counts { errors: 1, ..none }, Counts { waiting: 1, ..none }, Counts { differ: 1, ..none }] {
            assert!(!ended_well(Status::Completed, &bad), "{bad:?}");
        }
        assert_eq!(closing(Status::Completed, &none), "Completed: 9 copied (0 bytes), 0 already there, 0 errors");
        let all = Counts { waiting: 1, arrived: 2, differ: 3, ..none };
        let line = "Completed: 9 copied (0 bytes), 0 already there, 0 errors, 3 differ, 1 waiting, 2 arrived meanwhile";
        assert_eq!(closing(Status::Completed, &all), line);
    }
}
