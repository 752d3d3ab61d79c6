//! `mailferry start`: runs passes in this process and stays until they have ended (D3).

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::cli::args::Start;
use crate::cli::error::{CliError, Exit};
use crate::cli::progress::Watch;
use crate::cli::status::{NAMED, bounded, by_item, failure_text, item_error_line};
use crate::cli::table::clean;
use crate::cli::workspace::{Opened, ids, key};
use crate::domain::failure::Cause;
use crate::domain::ids::ItemId;
use crate::domain::item::not_ready;
use crate::domain::project::Project;
use crate::domain::record::Counts;
use crate::domain::shared_maildir::shared_maildirs;
use crate::domain::status::Status;
use crate::domain::wording::{counted, notice_line};
use crate::endpoint::budget::Budget;
use crate::engine::command::Command;
use crate::engine::endpoints::RealEndpoints;
use crate::engine::snapshot::Snapshot;
use crate::engine::{Engine, MESSAGE_MEMORY, Workspace};
use crate::platform::PlatformError;
use crate::platform::interrupts::Interrupts;
use crate::platform::lock::{WorkspaceLock, workspace_lock};
use crate::store::ItemRow;
use crate::vault::{MemoryVault, Vault};

/// `start`
pub async fn start(opened: &Opened, start: Start) -> Result<Exit, CliError> {
    let project = opened.project(&start.project).await?;
    let mut lock = lock(opened)?;
    let recovered = opened.store.recover(opened.clock.now()).await?;
    tracing::info!(passes = recovered.len(), "recovered");
    let rows = opened.select(&project, &start.items).await?;
    if rows.is_empty() {
        return Err(CliError::usage(format!("project \"{}\" has no items: import some first", project.name)));
    }
    let (ready, left) = sort_out(opened, &project, rows).await?;
    for (row, reason) in &left {
        warn!("{}: not started: {reason}", clean(&key(row)));
    }
    if ready.is_empty() {
        return Err(CliError::usage("nothing was started"));
    }
    // Maildirs need no password, so none may ever have been stored.
    let vault: Arc<dyn Vault> = match project.source.needs_login() || project.destination.needs_login() {
        true => opened.vault().await?,
        false => Arc::new(MemoryVault::default()),
    };
    let workspace = Workspace {
        store: opened.store.clone(),
        vault,
        spool: lock.spool()?,
        numbers: lock.numbers()?,
        budget: Budget::new(MESSAGE_MEMORY),
        clock: Arc::clone(&opened.clock),
        endpoints: Arc::new(RealEndpoints),
    };
    let presses = Interrupts::listen().map_err(|error| CliError::cannot(format!("listening for Ctrl-C: {error}")))?;
    let engine = Engine::start(workspace);
    // What a crash left of the other items waits for a word from now on: this process ends in order.
    lock.settle();
    let items = ids(&ready);
    let resumed = engine.command(Command::Resume { project: project.id, items: items.clone() }).await;
    let going: HashSet<ItemId> = resumed.done.iter().copied().collect();
    let rest: Vec<ItemId> = items.iter().copied().filter(|item| !going.contains(item)).collect();
    let started = engine.command(Command::Start { project: project.id, items: rest, kind: start.pass.into() }).await;
    if let Some(error) = resumed.error.or(started.error) {
        return Err(CliError::cannot(error));
    }
    let (snapshot, _) = follow(opened, &engine, &project, &items, presses, start.watch).await;
    let exit = conclude(opened, &project, &items.iter().copied().collect(), &snapshot, start.watch).await?;
    engine.close().await;
    drop(lock);
    Ok(if left.is_empty() { exit } else { Exit::Items })
}

fn lock(opened: &Opened) -> Result<WorkspaceLock, CliError> {
    workspace_lock(&opened.folder, opened.clock.now()).map_err(|error| match error {
        PlatformError::InUse(_) => CliError::cannot(format!(
            "{error}: it is running passes already. Wait for its end, or use `mailferry stop`; `mailferry status` shows them"
        )),
        other => other.into(),
    })
}

/// Who can start, and why the others cannot: a side without a credential, a mailbox that would be copied into itself, two
/// people's mail in one Maildir.
async fn sort_out(
    opened: &Opened,
    project: &Project,
    rows: Vec<ItemRow>,
) -> Result<(Vec<ItemRow>, Vec<(ItemRow, String)>), CliError> {
    let (source_admin, destination_admin) = opened.store.project_credentials(project.id).await?;
    let all = opened.store.items(project.id).await?;
    let shared = shared_maildirs(project, all.iter().map(|row| row.item.as_named()));
    let admins = (source_admin.is_some(), destination_admin.is_some());
    let (mut ready, mut left) = (Vec::new(), Vec::new());
    for row in rows {
        match not_ready(project, admins, &row.item).or_else(|| shared.get(&row.item.id).cloned()) {
            Some(reason) => left.push((row, reason)),
            None => ready.push(row),
        }
    }
    Ok((ready, left))
}

/// Whether an item has come to rest: nothing of this run will change it any more.
fn rests(status: Status) -> bool {
    status.is_at_rest() || status == Status::Held
}

/// Watches until every item has ended. Ctrl-C stops, a second one aborts. Answers the last state, and whether anybody pressed.
pub(super) async fn follow(
    opened: &Opened,
    engine: &Engine,
    project: &Project,
    items: &[ItemId],
    mut presses: Interrupts,
    watch: bool,
) -> (Arc<Snapshot>, bool) {
    let chosen: HashSet<ItemId> = items.iter().copied().collect();
    let mut snapshots = engine.snapshots();
    let mut shown = watch.then(Watch::new);
    let mut interrupts = 0;
    loop {
        let snapshot = snapshots.borrow_and_update().clone();
        if let Some(shown) = &mut shown {
            shown.show(&snapshot, &chosen, opened.clock.now());
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
                interrupted(engine, project, items, interrupts, shown.as_ref()).await;
            }
        }
    }
    let snapshot = snapshots.borrow().clone();
    if let Some(shown) = shown {
        shown.finish();
    }
    (snapshot, interrupts > 0)
}

async fn interrupted(engine: &Engine, project: &Project, items: &[ItemId], times: u32, shown: Option<&Watch>) {
    let say = |text: &str| match shown {
        Some(shown) => shown.say(text),
        None => warn!("{text}"),
    };
    if times == 1 {
        say("Stopping: messages under way are finished first. Ctrl-C again drops the connections.");
        engine.stop_all().await;
    } else {
        say("Dropping the connections. What is under way is looked for at the next start.");
        engine.command(Command::Abort { project: project.id, items: items.to_vec() }).await;
    }
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
    opened: &Opened,
    project: &Project,
    items: &HashSet<ItemId>,
    snapshot: &Snapshot,
    watch: bool,
) -> Result<Exit, CliError> {
    let mut exit = Exit::Well;
    let stored: HashMap<ItemId, ItemRow> =
        opened.store.items(project.id).await?.into_iter().map(|row| (row.item.id, row)).collect();
    let notices = opened.store.project_notices(project.id, NAMED).await?;
    let notices = by_item(&notices);
    for row in snapshot.rows().filter(|row| items.contains(&row.item)) {
        let counts = row.progress.counts;
        let Some(stored) = stored.get(&row.item) else { continue };
        let name = clean(&key(stored));
        if watch {
            say!("{name}: {}", closing(row.status, &counts));
        }
        if let Some((side, failure)) = &row.failure {
            let text = failure_text(project, stored, *side, failure);
            warn!("{name}: {}. {} {}", text.headline, text.what, text.todo);
            if let Some(words) = &failure.server_text {
                let whose = if failure.cause == Cause::CredentialMissing { "vault" } else { "server text" };
                warn!("  {whose}: {}", clean(words));
            }
        }
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
        let notices = notices.get(&row.item).copied().unwrap_or_default();
        let all = notices.first().map_or(0, |first| first.of);
        for line in bounded(notices.iter().map(|row| notice_line(&row.notice)), all) {
            warn!("  {}", clean(&line));
        }
        if let Some((pass, ..)) = row.pass {
            for error in opened.store.item_errors(pass, NAMED, 0).await? {
                warn!("  {}", clean(&item_error_line(project, stored, &error.error)));
            }
        }
        if row.status != Status::Completed || counts.leaves_something() {
            exit = Exit::Items;
        }
    }
    Ok(exit)
}
