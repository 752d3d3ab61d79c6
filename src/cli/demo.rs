//! `mailferry demo`: runs what the demo room prepared, in a window or here, and tells how it went.
//!
//! Whoever runs the engine, the window or this terminal, takes the workspace's lock; how it went is read from the database.

use tokio::runtime::Runtime;

use crate::cli::error::{CliError, Exit};
use crate::cli::follow::{Run, follow};
use crate::cli::status::{failure_text, item_error_line};
use crate::cli::table::{Table, clean};
use crate::domain::counts::Counts;
use crate::domain::ids::ItemId;
use crate::domain::pass::PassKind;
use crate::domain::start_order::StartOrder;
use crate::domain::status::Status;
use crate::domain::status_words::display;
use crate::domain::wording::size;
use crate::platform::interrupts::Interrupts;
use crate::service::items::{self, StoredItem, StoredPass};
use crate::service::launch::{OpenWindow, PrepareRun, PreparedRun, Verdict};
use crate::service::orders::Commander;
use crate::service::start::Readiness;
use crate::service::{OpenWorkspace, RunningEngine, ServiceError, Takes, start};

/// `demo`: in a window, or in the terminal if that was asked for or there is no window to be had.
pub fn demo(runtime: &Runtime, headless: bool, window: OpenWindow, prepare: PrepareRun) -> Result<Exit, CliError> {
    let listen = || {
        let presses = runtime.block_on(async { Interrupts::listen() });
        presses.map_err(|error| CliError::cannot(format!("listening for Ctrl-C: {error}")))
    };
    // Before anything is written, so that it is removed whatever comes.
    let presses = listen()?;
    let demo = runtime.block_on(prepare())?;
    if headless {
        runtime.block_on(in_the_terminal(&demo, presses))?;
    } else if let Err(why) = window(demo.launch(presses)) {
        warn!("mailferry: {why}; the demo goes on in the terminal");
        runtime.block_on(in_the_terminal(&demo, listen()?))?;
    }
    let exit = runtime.block_on(conclude(&demo));
    demo.remove()?;
    exit
}

/// Runs it here until all passes have ended.
async fn in_the_terminal(demo: &PreparedRun, presses: Interrupts) -> Result<(), CliError> {
    let PreparedRun { workspace, project, autorun, introduction, .. } = demo;
    introduction.iter().for_each(|line| say!("{line}"));
    say!("");
    let engine = RunningEngine::start(workspace, start::take(workspace).await?, Takes::All)?;
    let readiness = Readiness { ready: autorun.items.clone(), ..Readiness::default() };
    start::run(Commander::Own(&engine), project.id, &readiness, StartOrder::now(PassKind::Full)).await?;
    let run = Run { passes: Some(&engine), project: project.id, items: &autorun.items };
    follow(workspace, &run, presses, true).await?;
    engine.close().await;
    Ok(())
}

/// What the rows of the closing table come to.
#[derive(Default)]
struct Total {
    ends: Vec<(Status, Counts)>,
    folders: u32,
    copied: u64,
    bytes: u64,
    /// Messages that were not moved, a line each.
    refused: Vec<String>,
}

/// The closing table, the refused messages, and whether all went as planned.
async fn conclude(demo: &PreparedRun) -> Result<Exit, CliError> {
    let PreparedRun { workspace, project, autorun, .. } = demo;
    let mut table = Table::new(&["From", "Into", "Status", ">Folders", ">Messages", ">Data", ">Errors"]);
    let mut total = Total::default();
    for row in items::all(workspace, project.id).await?.iter().filter(|row| autorun.items.contains(&row.item.id)) {
        add(demo, row, &mut table, &mut total).await?;
    }
    let errors: u64 = total.ends.iter().map(|(_, counts)| counts.errors).sum();
    let mailboxes = format!("{} mailboxes", total.ends.len());
    let mut cells = vec!["Total".into(), String::new(), mailboxes, total.folders.to_string(), total.copied.to_string()];
    cells.extend([size(total.bytes), errors.to_string()]);
    table.row(cells);
    say!("");
    table.print();
    if !total.refused.is_empty() {
        say!("\nNot moved, and still at the source:");
        total.refused.iter().for_each(|line| say!("{line}"));
    }
    say!("");
    let summary = (autorun.summary)(&total.ends);
    match summary.verdict {
        Verdict::AsPlanned | Verdict::Stopped => say!("{}", summary.closing),
        Verdict::Otherwise => warn!("{}", summary.closing),
    }
    Ok(if summary.verdict == Verdict::AsPlanned { Exit::Well } else { Exit::Items })
}

/// One mailbox of the table.
async fn add(demo: &PreparedRun, row: &StoredItem, table: &mut Table, total: &mut Total) -> Result<(), CliError> {
    let PreparedRun { workspace, project, .. } = demo;
    let source = &row.item.source.email;
    let passes = full_passes(workspace, row.item.id).await?;
    let status = passes.first().map_or(Status::NotSubmitted, |last| last.status);
    let progress = passes.first().map(|last| last.progress.clone()).unwrap_or_default();
    // A mailbox that was stopped and started again was moved by several passes; the last one knows what is missing.
    let moved = row.moved();
    table.row(vec![
        source.clone(),
        row.item.destination.email.clone(),
        display(status, Some(PassKind::Full), &progress, None, workspace.now()),
        format!("{}/{}", progress.folders_done, progress.folders_total),
        moved.messages.to_string(),
        size(moved.bytes),
        progress.counts.errors.to_string(),
    ]);
    total.ends.push((status, progress.counts));
    total.folders += progress.folders_done;
    total.copied += moved.messages;
    total.bytes += moved.bytes;
    let Some(last) = passes.first() else { return Ok(()) };
    if let Some(ended) = &last.failure {
        let text = failure_text(project, row, ended.side, &ended.failure);
        warn!("{}: {}. {} {}", clean(source), text.headline, text.what, text.todo);
    }
    for found in items::errors(workspace, last.id, u32::MAX, 0).await? {
        let line = item_error_line(project, row, &found.error);
        total.refused.push(format!("  {}: {}", clean(source), clean(&line)));
    }
    Ok(())
}

/// The Full passes of an item, newest first. A Verify that somebody started in the window moved nothing.
async fn full_passes(workspace: &OpenWorkspace, item: ItemId) -> Result<Vec<StoredPass>, ServiceError> {
    let mut passes = items::passes(workspace, item).await?;
    passes.retain(|pass| pass.kind == PassKind::Full);
    Ok(passes)
}
