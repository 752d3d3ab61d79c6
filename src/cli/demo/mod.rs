//! `mailferry demo`: a small move to watch, from Maildir to Maildir in a temporary folder that goes when it ends.
//!
//! Everything is the real thing (store, engine, endpoints) but three: the mail is made up, the destination refuses what is
//! larger than [`LIMIT`], and it takes only so many messages a second, so that a person can follow.

mod pace;
mod samples;
mod words;

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use crate::cli::error::{CliError, Exit};
use crate::cli::start::follow;
use crate::cli::status::{failure_text, item_error_line};
use crate::cli::table::{Table, clean};
use crate::cli::workspace::Opened;
use crate::domain::ids::ItemId;
use crate::domain::mapping::Mapping;
use crate::domain::pass::PassKind;
use crate::domain::project::{Options, Project};
use crate::domain::record::Counts;
use crate::domain::server::Server;
use crate::domain::status::{Status, display};
use crate::domain::wording::size;
use crate::endpoint::budget::Budget;
use crate::engine::command::Command;
use crate::engine::snapshot::Snapshot;
use crate::engine::{Engine, MESSAGE_MEMORY, Workspace};
use crate::platform::interrupts::Interrupts;
use crate::platform::lock::{WorkspaceLock, workspace_lock};
use crate::store::NewItem;
use crate::vault::{MemoryVault, VaultKind};
use pace::Paced;

/// The project's name.
const PROJECT: &str = "Contoso to Fabrikam";
/// Largest message that the destination accepts; two of the samples are larger.
const LIMIT: u64 = 1_500_000;
/// Messages that the destination is made to refuse.
const REFUSALS: u64 = samples::TOO_BIG;

/// A demonstration that is ready to start: project and sample mailboxes in a temporary folder. Dropping it removes all.
pub struct Demo {
    /// Its workspace.
    pub opened: Opened,
    /// The project.
    pub project: Project,
    /// Its items.
    pub items: Vec<ItemId>,
    lock: WorkspaceLock,
    // The last: it is removed when everything in it is closed.
    folder: tempfile::TempDir,
}

impl Demo {
    /// Writes the sample mailboxes and makes the project.
    pub async fn prepare() -> Result<Self, CliError> {
        let failed = |error: std::io::Error| CliError::cannot(format!("making the sample mailboxes: {error}"));
        let folder = tempfile::Builder::new().prefix("mailferry-demo-").tempdir().map_err(failed)?;
        let opened = Opened::open(Some(folder.path().join("workspace")), None)?;
        opened.store.choose_vault(VaultKind::Memory.word()).await?;
        let old = folder.path().join("contoso");
        let made = tokio::task::spawn_blocking(move || samples::write(&old)).await;
        let addresses = made.map_err(|_| CliError::cannot("making the sample mailboxes failed"))?.map_err(failed)?;
        let server = |name: &str| address(&folder.path().join(name));
        let options = Options {
            mapping: vec![Mapping("^Old Projects->Archive/Projects".into())],
            concurrent: 4,
            ..Options::default()
        };
        let id = opened
            .store
            .create_project(PROJECT.into(), server("contoso")?, server("fabrikam")?, options, [None; 2])
            .await?;
        let new = |name: &String| NewItem {
            source_email: format!("{name}@contoso.example"),
            destination_email: format!("{name}@fabrikam.example"),
            ..NewItem::default()
        };
        let imported = opened.store.import_items(id, addresses.iter().map(new).collect()).await?;
        let items = imported.iter().map(|item| item.id).collect();
        let project = opened.store.project(id).await?;
        let lock = workspace_lock(&opened.folder, opened.clock.now())?;
        Ok(Self { opened, project, items, lock, folder })
    }

    /// What an engine needs to run it.
    pub fn workspace(&self) -> Result<Workspace, CliError> {
        Ok(Workspace {
            store: self.opened.store.clone(),
            vault: Arc::new(MemoryVault::default()),
            spool: self.lock.spool()?,
            numbers: self.lock.numbers()?,
            budget: Budget::new(MESSAGE_MEMORY),
            clock: Arc::clone(&self.opened.clock),
            endpoints: Arc::new(Paced::new(self.folder.path().join("fabrikam"), LIMIT)),
        })
    }

    /// Removes everything.
    pub fn remove(self) -> Result<(), CliError> {
        let Self { opened, lock, folder, .. } = self;
        drop((opened, lock));
        folder.close().map_err(|error| CliError::cannot(format!("removing the demo's folder: {error}")))
    }
}

fn address(folder: &Path) -> Result<Server, CliError> {
    Server::parse_url(&format!("maildir:{}/{{email}}", folder.display()))
        .map_err(|error| CliError::cannot(format!("the folder for temporary files cannot be used: {error}")))
}

/// `demo`. Without a window it runs in the terminal, asked for or not.
pub async fn demo(_headless: bool) -> Result<Exit, CliError> {
    let presses = Interrupts::listen().map_err(|error| CliError::cannot(format!("listening for Ctrl-C: {error}")))?;
    let demo = Demo::prepare().await?;
    let rows = demo.opened.store.items(demo.project.id).await?;
    say!("{} sample mailboxes move from {} into {}.", rows.len(), demo.project.source, demo.project.destination);
    say!("The destination refuses messages above {}, to show what happens then. Ctrl-C stops.", size(LIMIT));
    say!("");
    let engine = Engine::start(demo.workspace()?);
    let start = Command::Start { project: demo.project.id, items: demo.items.clone(), kind: PassKind::Full };
    let started = engine.command(start).await;
    if let Some(error) = started.error {
        return Err(CliError::cannot(error));
    }
    let (snapshot, interrupted) = follow(&demo.opened, &engine, &demo.project, &demo.items, presses, true).await;
    engine.close().await;
    let exit = conclude(&demo, &snapshot, interrupted).await;
    demo.remove()?;
    exit
}

/// The closing table, the refused messages, and whether all went as planned.
async fn conclude(demo: &Demo, snapshot: &Snapshot, interrupted: bool) -> Result<Exit, CliError> {
    let Demo { opened, project, .. } = demo;
    let mut table = Table::new(&["From", "Into", "Status", ">Folders", ">Messages", ">Data", ">Errors"]);
    let (mut sum, mut folders, mut well) = (Counts::default(), 0, true);
    let mut refused = Vec::new();
    let chosen: HashSet<ItemId> = demo.items.iter().copied().collect();
    let stored = opened.store.items(project.id).await?;
    for row in snapshot.rows().filter(|row| chosen.contains(&row.item)) {
        let counts = &row.progress.counts;
        table.row(vec![
            row.source.clone(),
            row.destination.clone(),
            display(row.status, row.pass.map(|pass| pass.1), counts.errors, None, opened.clock.now()),
            format!("{}/{}", row.progress.folders_done, row.progress.folders_total),
            counts.copied.to_string(),
            size(counts.bytes),
            counts.errors.to_string(),
        ]);
        sum.add(counts);
        folders += row.progress.folders_done;
        well &= row.status == Status::Completed;
        let Some(stored) = stored.iter().find(|stored| stored.item.id == row.item) else { continue };
        if let Some((side, failure)) = &row.failure {
            let text = failure_text(project, stored, *side, failure);
            warn!("{}: {}. {} {}", clean(&row.source), text.headline, text.what, text.todo);
        }
        if let Some((pass, ..)) = row.pass {
            for error in opened.store.item_errors(pass, u32::MAX, 0).await? {
                let line = item_error_line(project, stored, &error.error);
                refused.push(format!("  {}: {}", clean(&row.source), clean(&line)));
            }
        }
    }
    let total = |text: String| vec!["Total".into(), String::new(), text];
    let mut cells = total(format!("{} mailboxes", demo.items.len()));
    cells.extend([folders.to_string(), sum.copied.to_string(), size(sum.bytes), sum.errors.to_string()]);
    table.row(cells);
    say!("");
    table.print();
    if !refused.is_empty() {
        say!("\nNot moved, and still at the source:");
        refused.iter().for_each(|line| say!("{line}"));
    }
    let planned = well && sum.errors == REFUSALS && sum.balanced();
    say!("");
    match (planned, interrupted) {
        (true, _) => say!(
            "All as planned: {REFUSALS} messages were too big for this destination. Nothing of the demo stays behind."
        ),
        (false, true) => say!("Stopped. Nothing of the demo stays behind."),
        (false, false) => warn!("This did not go as planned: please report it with the lines above."),
    }
    Ok(if planned { Exit::Well } else { Exit::Items })
}
