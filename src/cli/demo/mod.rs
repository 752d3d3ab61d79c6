//! `mailferry demo`: a small move to watch, from Maildir to Maildir in a temporary folder that goes when it ends.
//!
//! Everything is the real thing (store, engine, endpoints) but three: the mail is made up, the destination refuses what is
//! larger than [`LIMIT`], and the source hands out only so many messages a second, so that a person can follow. Whoever
//! runs the engine, the window or this terminal, takes the workspace's lock; how it went is read from the database.

mod conclude;
mod pace;
mod samples;
mod words;

use std::path::Path;
use std::sync::Arc;

use tokio::runtime::Runtime;

use crate::cli::Window;
use crate::cli::error::{CliError, Exit};
use crate::cli::start::follow;
use crate::cli::workspace::Opened;
use crate::domain::ids::ItemId;
use crate::domain::mapping::Mapping;
use crate::domain::pass::PassKind;
use crate::domain::project::{Options, Project};
use crate::domain::server::Server;
use crate::domain::wording::size;
use crate::endpoint::budget::Budget;
use crate::engine::command::Command;
use crate::engine::desk::{Errand, Launch, Prepared};
use crate::engine::endpoints::Endpoints;
use crate::engine::{Engine, MESSAGE_MEMORY, Workspace};
use crate::platform::interrupts::Interrupts;
use crate::platform::lock::{WorkspaceLock, workspace_lock};
use crate::store::NewItem;
use crate::vault::{MemoryVault, VaultKind};
use conclude::{conclude, ending};
use pace::Paced;

/// The project's name.
const PROJECT: &str = "Contoso to Fabrikam";
/// Largest message that the destination accepts; two of the samples are larger.
const LIMIT: u64 = 1_500_000;

/// A demonstration that is ready to start: project and sample mailboxes in a temporary folder. Dropping it removes all.
pub struct Demo {
    /// Its workspace.
    pub opened: Opened,
    /// The project.
    pub project: Project,
    /// Its items.
    pub items: Vec<ItemId>,
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
        Ok(Self { opened, project, items, folder })
    }

    /// What a window needs to run it.
    pub fn prepared(&self, interrupts: Interrupts) -> Prepared {
        Prepared {
            title: "Mailferry demo",
            folder: self.opened.folder.clone(),
            endpoints: self.endpoints(),
            errand: Errand { project: self.project.id, items: self.items.clone(), ending },
            interrupts,
        }
    }

    /// What an engine needs to run it.
    pub fn workspace(&self, lock: &WorkspaceLock) -> Result<Workspace, CliError> {
        Ok(Workspace {
            store: self.opened.store.clone(),
            vault: Arc::new(MemoryVault::default()),
            spool: lock.spool()?,
            numbers: lock.numbers()?,
            budget: Budget::new(MESSAGE_MEMORY),
            clock: Arc::clone(&self.opened.clock),
            endpoints: self.endpoints(),
        })
    }

    fn endpoints(&self) -> Arc<dyn Endpoints> {
        Arc::new(Paced::new(self.folder.path().join("contoso"), LIMIT))
    }

    /// Removes everything.
    pub fn remove(self) -> Result<(), CliError> {
        let Self { opened, folder, .. } = self;
        drop(opened);
        folder.close().map_err(|error| CliError::cannot(format!("removing the demo's folder: {error}")))
    }
}

fn address(folder: &Path) -> Result<Server, CliError> {
    Server::parse_url(&format!("maildir:{}/{{email}}", folder.display()))
        .map_err(|error| CliError::cannot(format!("the folder for temporary files cannot be used: {error}")))
}

/// `demo`: in a window, or in the terminal if that was asked for or there is no window to be had.
pub fn demo(runtime: &Runtime, headless: bool, window: Window) -> Result<Exit, CliError> {
    let listen = || {
        let presses = runtime.block_on(async { Interrupts::listen() });
        presses.map_err(|error| CliError::cannot(format!("listening for Ctrl-C: {error}")))
    };
    // Before anything is written, so that it is removed whatever comes.
    let presses = listen()?;
    let demo = runtime.block_on(Demo::prepare())?;
    if headless {
        runtime.block_on(in_the_terminal(&demo, presses))?;
    } else if let Err(why) = window(Launch::Prepared(demo.prepared(presses))) {
        warn!("mailferry: {why}; the demo goes on in the terminal");
        runtime.block_on(in_the_terminal(&demo, listen()?))?;
    }
    let exit = runtime.block_on(conclude(&demo));
    demo.remove()?;
    exit
}

/// Runs it here until all passes have ended.
async fn in_the_terminal(demo: &Demo, presses: Interrupts) -> Result<(), CliError> {
    let Demo { opened, project, items, .. } = demo;
    say!("{} sample mailboxes move from {} into {}.", items.len(), project.source, project.destination);
    say!("The destination refuses messages above {}, to show what happens then. Ctrl-C stops.", size(LIMIT));
    say!("");
    let lock = workspace_lock(&opened.folder, opened.clock.now())?;
    let engine = Engine::start(demo.workspace(&lock)?);
    let start = Command::Start { project: project.id, items: items.clone(), kind: PassKind::Full };
    let started = engine.command(start).await;
    if let Some(error) = started.error {
        return Err(CliError::cannot(error));
    }
    follow(opened, &engine, project, items, presses, true).await;
    engine.close().await;
    Ok(())
}
