//! Staying with passes that run in this process until they have ended; Ctrl-C stops them (D3).

use std::collections::HashSet;
use std::sync::Arc;

use crate::cli::progress::ProgressLine;
use crate::domain::ids::{ItemId, ProjectId};
use crate::domain::status::Status;
use crate::engine::command::Command;
use crate::engine::snapshot::Snapshot;
use crate::platform::interrupts::Interrupts;
use crate::service::{OpenWorkspace, RunningEngine};

/// What is followed.
pub struct Run<'a> {
    /// Who runs it.
    pub engine: &'a RunningEngine,
    /// Whose items.
    pub project: ProjectId,
    /// Which.
    pub items: &'a [ItemId],
}

/// Whether an item has come to rest: nothing of this run will change it any more.
fn rests(status: Status) -> bool {
    status.is_at_rest() || status == Status::Held
}

/// Watches until every item has ended. Ctrl-C stops, a second one aborts. Answers the last state.
pub async fn follow(workspace: &OpenWorkspace, run: &Run<'_>, mut presses: Interrupts, watch: bool) -> Arc<Snapshot> {
    let chosen: HashSet<ItemId> = run.items.iter().copied().collect();
    let mut snapshots = run.engine.snapshots();
    let mut shown = watch.then(ProgressLine::new);
    let mut interrupts = 0;
    loop {
        let snapshot = snapshots.borrow_and_update().clone();
        if let Some(shown) = &mut shown {
            shown.show(&snapshot, &chosen, workspace.now());
        }
        let waits = |status: Status| if interrupts > 0 { status.is_active() } else { !rests(status) };
        let busy = snapshot.rows().any(|row| chosen.contains(&row.item) && waits(row.status));
        if snapshot.revision > 0 && !busy {
            break;
        }
        tokio::select! {
            news = snapshots.changed() => if news.is_err() { break },
            () = presses.next() => {
                interrupts += 1;
                interrupted(run, interrupts, shown.as_ref()).await;
            }
        }
    }
    let snapshot = snapshots.borrow().clone();
    if let Some(shown) = shown {
        shown.finish();
    }
    snapshot
}

async fn interrupted(run: &Run<'_>, times: u32, shown: Option<&ProgressLine>) {
    let Run { engine, project, items } = *run;
    let say = |text: &str| match shown {
        Some(shown) => shown.say(text),
        None => warn!("{text}"),
    };
    if times == 1 {
        say("Stopping: messages under way are finished first. Ctrl-C again drops the connections.");
        engine.stop_all().await;
    } else {
        say("Dropping the connections. What is under way is looked for at the next start.");
        engine.command(Command::Abort { project, items: items.to_vec() }).await;
    }
}
