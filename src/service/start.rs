//! Starting passes: which items can start, taking the workspace for it, and giving the engine its commands (D3).

use std::collections::{HashMap, HashSet};

use super::{OpenWorkspace, RunningEngine, ServiceError};
use crate::domain::ids::{ItemId, ProjectId};
use crate::domain::pass::PassKind;
use crate::domain::readiness::{NotReady, StartCheck};
use crate::engine::command::{Command, Outcome};
use crate::platform::lock::{WorkspaceLock, workspace_lock};
use crate::store::ItemRow;

/// What is done with items whose submission waits already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// They go on, and are looked at like the others.
    GoesOn,
    /// Their status refuses the Start, which is the better reason and the engine's to give.
    Refuses,
}

/// Which items of a Start can start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Readiness {
    /// Those that can, in the order in which they were asked for.
    pub ready: Vec<ItemId>,
    /// Those that cannot, and why.
    pub not_ready: Vec<(ItemId, NotReady)>,
}

/// What became of a Start.
#[derive(Debug, Default)]
pub struct StartReport {
    /// What the engine did.
    pub outcome: Outcome,
    /// What it was not asked to do.
    pub not_ready: Vec<(ItemId, NotReady)>,
}

impl StartReport {
    /// The same in the engine's words: what was left alone, with its reason for people.
    pub fn into_outcome(self) -> Outcome {
        let Self { mut outcome, not_ready } = self;
        outcome.left.extend(not_ready.into_iter().map(|(item, why)| (item, why.into())));
        outcome
    }
}

/// Which of these items can start: a side without a credential, a mailbox that would be copied into itself, two people's
/// mail in one Maildir, an item that is gone are reasons not to.
///
/// # Errors
/// The database.
pub async fn readiness(
    workspace: &OpenWorkspace,
    project: ProjectId,
    items: Vec<ItemId>,
    waiting: Waiting,
) -> Result<Readiness, ServiceError> {
    let store = &workspace.store;
    let admins = store.project_credentials(project).await?;
    let (project, rows) = (store.project(project).await?, store.items(project).await?);
    let admins = (admins.0.is_some(), admins.1.is_some());
    let check = StartCheck::new(&project, admins, rows.iter().map(|row| &row.item));
    let known: HashMap<ItemId, &ItemRow> = rows.iter().map(|row| (row.item.id, row)).collect();
    let mut readiness = Readiness::default();
    let mut seen = HashSet::with_capacity(items.len());
    for item in items.into_iter().filter(|item| seen.insert(*item)) {
        let checked = match known.get(&item) {
            Some(row) if waiting == Waiting::Refuses && !row.status().is_at_rest() => Ok(()),
            Some(row) => check.check(&row.item),
            None => Err(NotReady::Deleted),
        };
        match checked {
            Ok(()) => readiness.ready.push(item),
            Err(why) => readiness.not_ready.push((item, why)),
        }
    }
    Ok(readiness)
}

/// Takes the workspace for this process, and takes in what a crash left: its passes are Submitted again, or Stopped.
///
/// # Errors
/// Another process has it, or the database.
pub async fn take(workspace: &OpenWorkspace) -> Result<WorkspaceLock, ServiceError> {
    let lock = workspace_lock(workspace.folder(), workspace.now())?;
    let recovered = workspace.store.recover(workspace.now()).await?;
    tracing::info!(passes = recovered.len(), "recovered");
    Ok(lock)
}

/// Lets those of the items go on whose submission waits, and submits the others.
///
/// # Errors
/// The engine did nothing.
pub async fn run(
    engine: &RunningEngine,
    project: ProjectId,
    items: &[ItemId],
    kind: PassKind,
) -> Result<(), ServiceError> {
    let resumed = engine.command(Command::Resume { project, items: items.to_vec() }).await;
    let going: HashSet<ItemId> = resumed.done.iter().copied().collect();
    let items = items.iter().copied().filter(|item| !going.contains(item)).collect();
    let started = engine.command(Command::Start { project, items, kind }).await;
    resumed.error.or(started.error).map_or(Ok(()), |error| Err(ServiceError::Engine(error)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::failure::Side;
    use crate::domain::project::Options;
    use crate::domain::server::Server;
    use crate::domain::status::Status;
    use crate::domain::time::Timestamp;
    use crate::service::OpenOptions;
    use crate::store::{NewItem, Submission};

    #[tokio::test]
    async fn readiness_keeps_the_order_and_leaves_a_status_that_refuses_to_the_engine() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = OpenWorkspace::open(OpenOptions::new(folder.path().to_owned())).unwrap();
        let store = &workspace.store;
        let server = |url: &str| Server::parse_url(url).unwrap();
        let (from, into) = (server("imaps://a.example"), server("maildir:/nowhere/{email}"));
        let project = store.create_project("p".into(), from, into, Options::default(), [None; 2]).await.unwrap();
        let new = |at: usize| NewItem {
            source_email: format!("u{at}@a.example"),
            destination_email: format!("u{at}@b.example"),
            ..NewItem::default()
        };
        let imported = store.import_items(project, (0..2).map(new).collect()).await.unwrap();
        let (rests, waits, gone) = (imported[0].id, imported[1].id, ItemId(4711));
        let order = Submission {
            kind: PassKind::Full,
            status: Status::Submitted,
            schedule: None,
            at: Timestamp::from_millis(1),
        };
        store.submit(vec![waits], order).await.unwrap();

        let asked = vec![waits, gone, rests, waits];
        let window = readiness(&workspace, project, asked.clone(), Waiting::Refuses).await.unwrap();
        let why = NotReady::NoCredential(vec![Side::Source]);
        let not_ready = vec![(gone, NotReady::Deleted), (rests, why.clone())];
        assert_eq!(window, Readiness { ready: vec![waits], not_ready });
        let terminal = readiness(&workspace, project, asked, Waiting::GoesOn).await.unwrap();
        let not_ready = vec![(waits, why.clone()), (gone, NotReady::Deleted), (rests, why)];
        assert_eq!(terminal, Readiness { ready: Vec::new(), not_ready });
    }
}
