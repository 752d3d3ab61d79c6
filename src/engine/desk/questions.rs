//! What is answered beside the engine: from the database, from files, with the vault.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use super::enter::{self, EnterError, Entered, Watch};
use super::late_vault::LateVault;
use super::opening;
use super::replies::Tell;
use super::{
    Answer, Ask, Command, Details, FolderLine, ImportFrom, Imported, NewProject, NewServer, Opening, Outcome, PAGE,
    PassLine, Preview,
};
use crate::domain::csv_import::{Parsed, Problem, parse_pasted};
use crate::domain::ids::{ItemId, PassId, ProjectId};
use crate::domain::project::Options;
use crate::domain::secret::Secret;
use crate::domain::server::{Server, Trust};
use crate::domain::wording::counted;
use crate::engine::handle::Orders;
use crate::store::{PassFolderRow, PassRow, Store};
use crate::vault::VaultError;

/// Bad rows that are named.
const NAMED: usize = 50;

/// Answers questions. Cheap to clone; keeps neither the engine nor the workspace's lock.
#[derive(Clone)]
pub(super) struct Questions {
    pub opening: Arc<Opening>,
    pub store: Store,
    pub vault: Arc<LateVault>,
    pub orders: Orders,
    /// Projects whose items the engine has in its state.
    pub known: Arc<Mutex<HashSet<ProjectId>>>,
}

impl Questions {
    /// The answer to a question; `tell` hears how far a long one is.
    pub async fn answer(self, ask: Ask, tell: Tell) -> Answer {
        let answered = match ask {
            Ask::Projects => self.store.projects().await.map(Answer::Projects).map_err(|error| error.to_string()),
            Ask::NewProject(new) => self.new_project(*new).await.map(|(id, all)| Answer::Made(id, all)),
            Ask::Preview(project, from) => self.preview(project, from).await.map(Answer::Previewed),
            Ask::Import { project, from, skip_bad, cancel } => {
                // Given up, it must not go on to store passwords that nothing will name.
                let _cancels = cancel.clone().drop_guard();
                let watch = Watch { tell, cancel };
                self.import(project, from, skip_bad, &watch).await
            }
            Ask::Details(item) => self.details(item).await.map(|details| Answer::Details(Box::new(details))),
            Ask::Folders(pass, offset) => {
                self.folders(pass, offset).await.map(|lines| Answer::Folders(pass, offset, lines))
            }
            Ask::Errors(pass, offset) => {
                let rows = self.store.item_errors(pass, PAGE, offset).await.map_err(|error| error.to_string());
                rows.map(|rows| Answer::Errors(pass, offset, rows.into_iter().map(|row| row.error).collect()))
            }
            Ask::Unlock(kind, passphrase) => {
                let opened = opening::unlock(&self.opening, &self.store, &self.vault, kind, passphrase).await;
                opened.map(|()| Answer::Unlocked(kind))
            }
            Ask::Remember(name, value) => {
                let kept = self.store.set_setting(name, value).await.map_err(|error| error.to_string());
                kept.map(|()| Answer::Done(Outcome::default()))
            }
            Ask::Reopen => Err("the workspace is open".into()),
            Ask::Start { .. } | Ask::Do(_) | Ask::StopAll => Err("not a question".into()),
        };
        answered.unwrap_or_else(Answer::Refused)
    }

    /// Brings new items into the engine's state, so that whoever hears of them finds them there.
    pub async fn load(&self, project: ProjectId) -> Result<(), String> {
        let outcome = self.orders.send(Command::Open { project }).await.await;
        match outcome.unwrap_or_else(|_| Outcome::ended()).error {
            Some(error) => Err(format!("the items of the project could not be shown: {error}")),
            None => {
                self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(project);
                Ok(())
            }
        }
    }

    /// All projects as another process left them, with their items in the engine's state.
    pub async fn news(&self) -> Result<Answer, String> {
        let projects = self.store.projects().await.map_err(|error| error.to_string())?;
        for project in &projects {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).contains(&project.id);
            if !known {
                self.load(project.id).await?;
            }
        }
        Ok(Answer::Projects(projects))
    }

    async fn new_project(&self, new: NewProject) -> Result<(ProjectId, Vec<crate::domain::project::Project>), String> {
        let words = |error: crate::store::StoreError| error.to_string();
        if self.store.project_named(&new.name).await.map_err(words)?.is_some() {
            return Err(format!("the name \"{}\" is taken: choose another one", new.name));
        }
        let NewProject { name, source, destination } = new;
        let read = tokio::task::spawn_blocking(move || Ok::<_, String>((side(source)?, side(destination)?))).await;
        let ((source, at_source), (destination, at_destination)) =
            read.map_err(|_| "reading the files of certificates failed".to_owned())??;
        let project = (name, source, destination, Options::default());
        let (now, vault) = (self.opening.clock.now(), self.vault.get_open());
        let id = enter::project(&self.store, vault.as_ref(), now, project, [at_source, at_destination])
            .await
            .map_err(|error| error.to_string())?;
        if let Err(error) = self.load(id).await {
            // It has no items yet, and is loaded again with the first ones.
            tracing::warn!(project = %id, %error, "new project not loaded");
        }
        Ok((id, self.store.projects().await.map_err(words)?))
    }

    async fn preview(&self, project: ProjectId, from: ImportFrom) -> Result<Preview, String> {
        let parsed = read(from).await?;
        let shared = enter::shared_destinations(&self.store, project, &parsed.rows).await;
        Ok(preview(&parsed, &shared.map_err(|error| error.to_string())?))
    }

    async fn import(
        &self,
        project: ProjectId,
        from: ImportFrom,
        skip_bad: bool,
        watch: &Watch,
    ) -> Result<Answer, String> {
        let parsed = read(from).await?;
        let bad = parsed.problems.len();
        if parsed.rows.is_empty() {
            return Err("nothing was imported: no row could be read".into());
        }
        if bad > 0 && !skip_bad {
            return Err(format!("nothing was imported: {}", counted(bad, "bad row")));
        }
        let now = self.opening.clock.now();
        let vault = self.vault.get_open();
        let entered = enter::items(&self.store, vault.as_ref(), now, project, parsed.rows, watch).await;
        let Entered { created, updated, left, removed, .. } = match entered {
            Err(EnterError::Vault(VaultError::Cancelled)) => return Ok(Answer::Cancelled),
            other => other.map_err(|error| error.to_string())?,
        };
        let loaded = self.load(project).await;
        let trouble = removed.map_err(|error| error.to_string()).and(loaded).err();
        Ok(Answer::Imported(Imported { created, updated, left, bad, trouble }))
    }

    async fn details(&self, item: ItemId) -> Result<Details, String> {
        let words = |error: crate::store::StoreError| error.to_string();
        let passes = self.store.passes(item).await.map_err(words)?;
        let (mut folders, mut errors, mut notices) = (Vec::new(), Vec::new(), Vec::new());
        if let Some(pass) = passes.first() {
            folders = self.folders(pass.id, 0).await?;
            let rows = self.store.item_errors(pass.id, PAGE, 0).await.map_err(words)?;
            errors = rows.into_iter().map(|row| row.error).collect();
            notices = self.store.notices(pass.id, PAGE, 0).await.map_err(words)?;
        }
        Ok(Details { item, passes: passes.into_iter().map(pass_line).collect(), folders, errors, notices })
    }

    async fn folders(&self, pass: PassId, offset: u32) -> Result<Vec<FolderLine>, String> {
        let rows = self.store.pass_folders(pass, PAGE, offset).await.map_err(|error| error.to_string())?;
        let mut lines: Vec<FolderLine> = rows.into_iter().map(folder_line).collect();
        // The database orders by the stored form, people expect a folder above those in it.
        lines.sort_by(|a, b| a.source.split('/').cmp(b.source.split('/')));
        Ok(lines)
    }
}

/// A server with its CA file read, and the administrator's password.
fn side(new: NewServer) -> Result<(Server, Option<Secret>), String> {
    let mut server = new.server;
    if let Some(file) = new.authorities {
        let pem = enter::read_authorities(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        server.trust = Trust::Authorities(pem);
    }
    Ok((server, new.password))
}

fn pass_line(row: PassRow) -> PassLine {
    PassLine {
        id: row.id,
        kind: row.kind,
        status: row.status,
        submitted: row.submitted,
        started: row.started,
        ended: row.ended,
        counts: row.progress.counts,
        failure: row.failure.map(|ended| (ended.side, ended.failure)),
    }
}

fn folder_line(row: PassFolderRow) -> FolderLine {
    FolderLine { source: row.source.to_string(), destination: row.destination.to_string(), folder: row.folder }
}

/// Reading and parsing a large file takes a while: on a thread for that.
async fn read(from: ImportFrom) -> Result<Parsed, String> {
    let read = tokio::task::spawn_blocking(move || match from {
        ImportFrom::File(file) => enter::read_items(&file).map_err(|error| format!("{}: {error}", file.display())),
        ImportFrom::Text(text) => Ok(parse_pasted(text.expose())),
    });
    read.await.map_err(|_| "reading the list failed".to_owned())?
}

fn preview(parsed: &Parsed, shared: &[Problem]) -> Preview {
    let first = |problems: &[Problem]| -> Vec<String> {
        let mut lines: Vec<String> = problems.iter().take(NAMED).map(ToString::to_string).collect();
        if problems.len() > NAMED {
            lines.push(format!("… and {} more", problems.len() - NAMED));
        }
        lines
    };
    Preview {
        good: parsed.rows.len(),
        passwords: parsed.rows.iter().any(|row| row.source_password.is_some() || row.destination_password.is_some()),
        bad: parsed.problems.len(),
        problems: first(&parsed.problems),
        notes: [first(&parsed.notes), first(shared)].concat(),
    }
}
