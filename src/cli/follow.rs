//! Staying with passes until they have ended, those of this process or of the one that has the workspace; Ctrl-C stops them (D3).

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch::Receiver;

use crate::cli::progress::ProgressLine;
use crate::domain::ids::{ItemId, ProjectId};
use crate::domain::status::Status;
use crate::engine::command::Command;
use crate::engine::snapshot::{ItemRow, Snapshot};
use crate::platform::interrupts::Interrupts;
use crate::service::orders::Commander;
use crate::service::{OpenWorkspace, RunningEngine, ServiceError, items};

/// Between two looks at what another process does.
const LOOK_EVERY: Duration = Duration::from_millis(300);

/// What is followed.
pub struct Run<'a> {
    /// Who runs it; none: the process that has the workspace.
    pub passes: Option<&'a RunningEngine>,
    /// Whose items.
    pub project: ProjectId,
    /// Which.
    pub items: &'a [ItemId],
}

/// States of the passes, as they come.
enum States<'a> {
    Here(Receiver<Arc<Snapshot>>),
    Elsewhere(&'a OpenWorkspace, ProjectId),
}

impl States<'_> {
    /// The state now.
    async fn now(&mut self) -> Result<Arc<Snapshot>, ServiceError> {
        match self {
            Self::Here(snapshots) => Ok(snapshots.borrow_and_update().clone()),
            Self::Elsewhere(workspace, project) => {
                let rows = items::all(workspace, *project).await?;
                Ok(Arc::new(Snapshot::of(1, rows.iter().map(ItemRow::stored))))
            }
        }
    }

    /// Waits for news; false when there will be none.
    async fn changed(&mut self) -> bool {
        match self {
            Self::Here(snapshots) => snapshots.changed().await.is_ok(),
            Self::Elsewhere(..) => {
                tokio::time::sleep(LOOK_EVERY).await;
                true
            }
        }
    }
}

/// Whether an item has come to rest: nothing of this run will change it any more.
fn rests(status: Status) -> bool {
    status.is_at_rest() || matches!(status, Status::Held | Status::WaitingForUser)
}

/// Stays until every item has ended, and shows what happens; without `watch` only what is waited for. Ctrl-C stops, a second one
/// aborts. Answers the last state.
///
/// # Errors
/// The database cannot be read.
pub async fn follow(
    workspace: &OpenWorkspace,
    run: &Run<'_>,
    mut presses: Interrupts,
    watch: bool,
) -> Result<Arc<Snapshot>, ServiceError> {
    let chosen: HashSet<ItemId> = run.items.iter().copied().collect();
    let mut states = match run.passes {
        Some(engine) => States::Here(engine.snapshots()),
        None => States::Elsewhere(workspace, run.project),
    };
    let mut shown = ProgressLine::new(watch);
    let mut interrupts = 0;
    let snapshot = loop {
        let snapshot = states.now().await?;
        shown.show(&snapshot, &chosen, workspace.now());
        let waits = |status: Status| if interrupts > 0 { status.is_active() } else { !rests(status) };
        // What other processes had this one run is brought to its end too.
        let theirs = |row: &ItemRow| run.passes.is_some() && row.status.is_active();
        let busy = snapshot.rows().any(|row| (chosen.contains(&row.item) && waits(row.status)) || theirs(row));
        // Of a project without items there is never a state.
        if !busy && (snapshot.revision > 0 || chosen.is_empty()) {
            break snapshot;
        }
        tokio::select! {
            news = states.changed() => if !news { break states.now().await? },
            () = tokio::time::sleep(shown.again_after(&snapshot)) => {}
            () = presses.next() => {
                interrupts += 1;
                interrupted(workspace, run, interrupts, &shown).await?;
            }
        }
    };
    shown.finish();
    Ok(snapshot)
}

async fn interrupted(
    workspace: &OpenWorkspace,
    run: &Run<'_>,
    times: u32,
    shown: &ProgressLine,
) -> Result<(), ServiceError> {
    let (project, items) = (run.project, run.items.to_vec());
    let first = "Stopping: messages under way are finished first. Ctrl-C again drops the connections.";
    let second = "Dropping the connections. What is under way is looked for at the next start.";
    shown.say(if times == 1 { first } else { second });
    match run.passes {
        Some(engine) if times == 1 => drop(engine.stop_all().await),
        Some(engine) => drop(engine.command(Command::Abort { project, items }).await),
        None if times == 1 => drop(Commander::Owner(workspace).command(Command::Withdraw { project, items }).await?),
        None => drop(Commander::Owner(workspace).command(Command::Abort { project, items }).await?),
    }
    Ok(())
}
