//! Who answers a window: one task that takes its questions in order. Commands reach the engine in that order; what only
//! reads or may take long runs beside, at most [`BESIDE`] at once.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::enter::{Watch, Work};
use super::late_vault::LateVault;
use super::opening::{self, Open};
use super::{
    Answer, Ask, BackOffice, Command, Details, FolderLine, ImportFrom, NewProject, NewServer, OPENING, Opening,
    Outcome, PAGE, PassLine, Preview, Ticket, Waker, enter,
};
use crate::domain::csv_import::{Parsed, parse, with_header};
use crate::domain::ids::{ItemId, PassId, ProjectId};
use crate::domain::item::not_ready;
use crate::domain::pass::PassKind;
use crate::domain::project::Options;
use crate::domain::secret::Secret;
use crate::domain::server::{Server, Trust};
use crate::domain::shared_maildir::shared_maildirs;
use crate::engine::Engine;
use crate::engine::snapshot::Snapshot;
use crate::store::{PassFolderRow, PassRow, Store};

/// Questions under way at once.
const BESIDE: usize = 8;
/// Between two states that a window is told of.
const STATES_EVERY: Duration = Duration::from_millis(100);
/// Bad rows that are named.
const NAMED: usize = 50;

/// Sends answers and wakes the window.
#[derive(Clone)]
struct Replies {
    answers: mpsc::Sender<(Ticket, Answer)>,
    waker: Waker,
}

impl Replies {
    async fn send(&self, ticket: Ticket, answer: Answer) {
        // A window that has gone needs no answer.
        let _ = self.answers.send((ticket, answer)).await;
        (self.waker)();
    }

    /// Tells how far a question's work is, at most as often as of states, and the end of each kind of work always. From
    /// any thread; never waits: what does not fit is made up for by the next one.
    fn progress(&self, ticket: Ticket) -> Arc<dyn Fn(Work, usize, usize) + Send + Sync> {
        let (replies, told) = (self.clone(), Mutex::new(None::<Instant>));
        Arc::new(move |work, done, of| {
            let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
            if done == of || told.is_none_or(|told| told.elapsed() >= STATES_EVERY) {
                *told = Some(Instant::now());
                let _ = replies.answers.try_send((ticket, Answer::Importing(work, done, of)));
                (replies.waker)();
            }
        })
    }
}

/// Opens the workspace and answers until the window has gone; then ends in order.
pub async fn run(opening: Opening, office: BackOffice, waker: Waker) {
    let BackOffice { mut asks, answers, snapshots } = office;
    let replies = Replies { answers, waker };
    let opening = Arc::new(opening);
    let mut asked = OPENING;
    let (open, opened) = loop {
        match opening::open(&opening).await {
            Ok(open) => break open,
            Err(answer) => replies.send(asked, answer).await,
        }
        loop {
            match asks.recv().await {
                None => return,
                Some((ticket, Ask::Reopen)) => {
                    asked = ticket;
                    break;
                }
                Some((ticket, _)) => replies.send(ticket, Answer::Refused("the workspace is not open".into())).await,
            }
        }
    };
    let mut tasks = JoinSet::new();
    tasks.spawn(relay(open.engine.snapshots(), snapshots, Arc::clone(&replies.waker)));
    let projects: Vec<ProjectId> = opened.projects.iter().map(|project| project.id).collect();
    replies.send(asked, Answer::Opened(Box::new(opened))).await;
    for project in projects {
        open.engine.command(Command::Open { project }).await;
    }
    for (project, items) in open.resume.clone() {
        open.engine.command(Command::Resume { project, items }).await;
    }
    let Open { store, vault, engine, .. } = &open;
    let desk = Room { opening: Arc::clone(&opening), store: store.clone(), vault: Arc::clone(vault) };
    loop {
        tokio::select! {
            Some(_) = tasks.join_next(), if tasks.len() > BESIDE => {}
            next = asks.recv(), if tasks.len() <= BESIDE => match next {
                Some((ticket, ask)) => desk.take(engine, &mut tasks, &replies, ticket, ask).await,
                None => break,
            },
        }
    }
    // The lock goes last: nobody else may open the workspace before the engine has ended.
    let Open { engine, lock, .. } = open;
    engine.close().await;
    tasks.shutdown().await;
    drop(lock);
}

/// Passes states on, at most ten a second.
async fn relay(mut from: watch::Receiver<Arc<Snapshot>>, to: watch::Sender<Arc<Snapshot>>, waker: Waker) {
    while from.changed().await.is_ok() {
        let snapshot = from.borrow_and_update().clone();
        to.send_replace(snapshot);
        waker();
        tokio::time::sleep(STATES_EVERY).await;
    }
}

#[derive(Clone)]
struct Room {
    opening: Arc<Opening>,
    store: Store,
    vault: Arc<LateVault>,
}

impl Room {
    async fn take(&self, engine: &Engine, tasks: &mut JoinSet<()>, replies: &Replies, ticket: Ticket, ask: Ask) {
        let (command, left) = match ask {
            Ask::Do(command) => (command, Vec::new()),
            Ask::Start { project, items, kind } => match self.sort_out(project, items, kind).await {
                Ok(sorted) => sorted,
                Err(error) => return replies.send(ticket, Answer::Refused(error)).await,
            },
            Ask::StopAll => {
                engine.stop_all().await;
                return replies.send(ticket, Answer::Done(Outcome::default())).await;
            }
            other => {
                let (room, replies) = (self.clone(), replies.clone());
                let reload = engine.sender();
                tasks.spawn(async move {
                    let (answer, open) = room.answer(ticket, other, &replies).await;
                    if let Some(project) = open {
                        // The rows of new items come with the next state.
                        drop(reload.send(Command::Open { project }).await);
                    }
                    replies.send(ticket, answer).await;
                });
                return;
            }
        };
        let outcome = engine.sender().send(command).await;
        let replies = replies.clone();
        tasks.spawn(async move {
            let mut outcome = outcome.await.unwrap_or_else(|_| Outcome::failed("the engine has ended"));
            outcome.left.extend(left);
            replies.send(ticket, Answer::Done(outcome)).await;
        });
    }

    /// Leaves out what cannot start: a side without a credential, a mailbox that would be copied into itself, two people's
    /// mail in one Maildir.
    async fn sort_out(
        &self,
        id: ProjectId,
        items: Vec<ItemId>,
        kind: PassKind,
    ) -> Result<(Command, Vec<(ItemId, String)>), String> {
        let read = async {
            let admins = self.store.project_credentials(id).await?;
            Ok::<_, crate::store::StoreError>((self.store.project(id).await?, admins, self.store.items(id).await?))
        };
        let (project, admins, rows) = read.await.map_err(|error| error.to_string())?;
        let admins = (admins.0.is_some(), admins.1.is_some());
        let chosen: std::collections::HashSet<ItemId> = items.into_iter().collect();
        let shared = shared_maildirs(&project, rows.iter().map(|row| row.item.as_named()));
        let (mut ready, mut left) = (Vec::new(), Vec::new());
        for row in rows.iter().filter(|row| chosen.contains(&row.item.id)) {
            match not_ready(&project, admins, &row.item).or_else(|| shared.get(&row.item.id).cloned()) {
                // A status that refuses the Start is the better reason, and the engine's to give.
                Some(reason) if row.status().is_at_rest() => left.push((row.item.id, reason)),
                _ => ready.push(row.item.id),
            }
        }
        Ok((Command::Start { project: id, items: ready, kind }, left))
    }

    /// The answer, and the project whose items the engine should read again.
    async fn answer(&self, ticket: Ticket, ask: Ask, replies: &Replies) -> (Answer, Option<ProjectId>) {
        let answered = match ask {
            Ask::Projects => self.store.projects().await.map(Answer::Projects).map_err(|error| error.to_string()),
            Ask::NewProject(new) => {
                let made = self.new_project(*new).await;
                let id = made.as_ref().ok().map(|(id, _)| *id);
                return (made.map_or_else(Answer::Refused, |(id, all)| Answer::Made(id, all)), id);
            }
            Ask::Preview(from) => read(from).await.map(|parsed| Answer::Previewed(preview(&parsed))),
            Ask::Import { project, from, skip_bad, cancel } => {
                let watch = Watch { tell: replies.progress(ticket), cancel };
                let imported = self.import(project, from, skip_bad, &watch).await;
                return (imported.unwrap_or_else(Answer::Refused), Some(project));
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
        (answered.unwrap_or_else(Answer::Refused), None)
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
        Ok((id, self.store.projects().await.map_err(words)?))
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
            return Err(format!("nothing was imported: {bad} rows are bad"));
        }
        let now = self.opening.clock.now();
        let vault = self.vault.get_open();
        let entered = enter::items(&self.store, vault.as_ref(), now, project, parsed.rows, watch).await;
        let entered = entered.map_err(|error| error.to_string())?;
        let trouble = entered.removed.err().map(|error| error.to_string());
        Ok(Answer::Imported(entered.created, entered.updated, bad, trouble))
    }

    async fn details(&self, item: ItemId) -> Result<Details, String> {
        let words = |error: crate::store::StoreError| error.to_string();
        let passes = self.store.passes(item).await.map_err(words)?;
        let (mut folders, mut errors) = (Vec::new(), Vec::new());
        if let Some(pass) = passes.first() {
            folders = self.folders(pass.id, 0).await?;
            let rows = self.store.item_errors(pass.id, PAGE, 0).await.map_err(words)?;
            errors = rows.into_iter().map(|row| row.error).collect();
        }
        Ok(Details { item, passes: passes.into_iter().map(pass_line).collect(), folders, errors })
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
        ImportFrom::Text(text) => Ok(parse(with_header(text.expose()).expose().as_bytes())),
    });
    read.await.map_err(|_| "reading the list failed".to_owned())?
}

fn preview(parsed: &Parsed) -> Preview {
    let first = |problems: &[crate::domain::csv_import::Problem]| -> Vec<String> {
        problems.iter().take(NAMED).map(ToString::to_string).collect()
    };
    Preview {
        good: parsed.rows.len(),
        passwords: parsed.rows.iter().any(|row| row.source_password.is_some() || row.destination_password.is_some()),
        bad: parsed.problems.len(),
        problems: first(&parsed.problems),
        notes: first(&parsed.notes),
    }
}
