//! The runner beside the copier: orders and watches moves that a remote service does (D37). It does nothing by itself that
//! takes long: a round sends what is due, looks for what was sent, asks where the moves stand, and ends. What it knows is in
//! the database, so that a round after a restart goes on where the one before was.

mod connect;
mod look;
mod orders;
mod polls;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::domain::hybrid::order::OrderRow;
use crate::domain::hybrid::remote::Sku;
use crate::domain::hybrid::status::MoveStatus;
use crate::domain::hybrid::{HybridProject, HybridUser, Trouble};
use crate::domain::ids::{HybridProjectId, HybridUserId};
use crate::domain::time::Timestamp;
use crate::engine::workspace::Workspace;
use crate::hybrid::record::Recorder;
use crate::hybrid::{BatchService, LicenseService, RemoteError};
use crate::store::StoreError;

/// Between two rounds, at least: what other processes ordered is seen by then.
pub const ROUND_EVERY: Duration = Duration::from_secs(10);
/// When the service asks for a pause and names none.
const PAUSE: Duration = Duration::from_secs(60);
/// When the application may not: rights that were granted take a while to count.
const DENIED_PAUSE: Duration = Duration::from_secs(10 * 60);

/// The services of a project.
pub struct Services {
    /// Moves.
    pub batches: Box<dyn BatchService>,
    /// Licenses.
    pub licenses: Box<dyn LicenseService>,
}

/// Why a round or a question came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum HybridError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The service.
    #[error(transparent)]
    Remote(#[from] RemoteError),
}

/// How a round left a project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoundEnd {
    /// Why its service cannot be asked.
    pub trouble: Option<Trouble>,
    /// Orders that are not done.
    pub open: usize,
    /// Moves that are watched.
    pub watched: usize,
}

/// Orders and watches.
pub struct HybridRunner {
    workspace: Workspace,
    recorder: Option<Arc<Recorder>>,
    /// The services that are known already, with what they were made from.
    known: Mutex<Vec<connect::Known>>,
}

impl HybridRunner {
    /// Over a workspace whose lock this process has.
    pub fn new(workspace: Workspace, recorder: Option<Arc<Recorder>>) -> Self {
        Self { workspace, recorder, known: Mutex::default() }
    }

    /// A recorder into a new file.
    ///
    /// # Errors
    /// The file cannot be made.
    pub fn recorder(path: &Path) -> std::io::Result<Arc<Recorder>> {
        Recorder::create(path).map(Arc::new)
    }

    /// Rounds over all projects, or one, until it is told to end. What is on its way then is heard out.
    pub async fn run(&self, only: Option<HybridProjectId>, cancel: CancellationToken) {
        while !cancel.is_cancelled() {
            self.rounds(only, &cancel).await;
            tokio::select! {
                () = cancel.cancelled() => return,
                () = tokio::time::sleep(ROUND_EVERY) => {}
            }
        }
    }

    /// One round over all projects, or over one, unless it is told to end.
    pub async fn rounds(&self, only: Option<HybridProjectId>, cancel: &CancellationToken) {
        let projects = match self.workspace.store.hybrid_projects().await {
            Ok(projects) => projects,
            Err(error) => return tracing::error!(%error, "hybrid projects cannot be read"),
        };
        for project in projects.into_iter().filter(|project| only.is_none_or(|only| only == project.id)) {
            if cancel.is_cancelled() {
                return;
            }
            if let Err(error) = self.round(project.id).await {
                tracing::error!(%error, project = %project.id, "a round of a hybrid project broke off");
            }
        }
    }

    /// One round of a project.
    ///
    /// # Errors
    /// The database; whatever comes of the service is kept there.
    pub async fn round(&self, id: HybridProjectId) -> Result<RoundEnd, StoreError> {
        let store = &self.workspace.store;
        let project = store.hybrid_project(id).await?;
        let now = self.workspace.clock.now();
        if project.trouble.as_ref().is_none_or(|trouble| trouble.until <= now) && self.has_work(id).await? {
            let trouble = match self.work(&project).await {
                Ok(()) => None,
                Err(HybridError::Store(error)) => return Err(error),
                Err(HybridError::Remote(error)) => {
                    Some(Trouble { text: error.to_string(), until: now.plus(pause(&error)) })
                }
            };
            if trouble != project.trouble {
                store.set_hybrid_trouble(id, trouble).await?;
            }
        }
        let (open, users) = (store.open_hybrid_orders(id).await?, store.hybrid_users(id).await?);
        let watched = users.iter().filter(|user| is_moving(user.status)).count();
        let trouble = store.hybrid_project(id).await?.trouble;
        Ok(RoundEnd { trouble, open: open.len(), watched })
    }

    async fn has_work(&self, id: HybridProjectId) -> Result<bool, StoreError> {
        let store = &self.workspace.store;
        let open = !store.open_hybrid_orders(id).await?.is_empty();
        Ok(open || store.hybrid_users(id).await?.iter().any(|user| user.status.is_watched()))
    }

    async fn work(&self, project: &HybridProject) -> Result<(), HybridError> {
        let services = self.services(project).await?;
        let round = Round { workspace: &self.workspace, project, services: &services, skus: Mutex::default() };
        round.orders().await?;
        round.polls().await?;
        // What the poll brought about is ordered at once.
        round.orders().await?;
        round.statistics().await
    }

    /// The services of a project, for questions of a person.
    ///
    /// # Errors
    /// The database, or nobody can sign in.
    pub async fn services(&self, project: &HybridProject) -> Result<Arc<Services>, HybridError> {
        let credential = self.workspace.store.hybrid_credential(project.id).await?;
        let mut known = self.known.lock().await;
        connect::services(&mut known, project, credential, (&self.workspace, self.recorder.as_ref()))
    }
}

fn is_moving(status: MoveStatus) -> bool {
    matches!(status, MoveStatus::Syncing | MoveStatus::PendingFinalization | MoveStatus::Finalizing)
}

fn pause(error: &RemoteError) -> Duration {
    match error {
        RemoteError::Busy { pause, .. } => pause.unwrap_or(PAUSE),
        RemoteError::Denied(_) => DENIED_PAUSE,
        RemoteError::Unsure(_) | RemoteError::Refused { .. } => PAUSE,
    }
}

/// Whether an error holds everything of a project: one that is about a single question does not.
fn holds_all(error: &RemoteError) -> bool {
    matches!(error, RemoteError::Busy { .. } | RemoteError::Denied(_))
}

/// One round.
struct Round<'a> {
    workspace: &'a Workspace,
    project: &'a HybridProject,
    services: &'a Services,
    /// The tenant's licenses as this round knows them.
    skus: Mutex<Option<Vec<Sku>>>,
}

impl Round<'_> {
    fn now(&self) -> Timestamp {
        self.workspace.clock.now()
    }

    async fn user(&self, id: Option<HybridUserId>) -> Result<Option<HybridUser>, StoreError> {
        match id {
            Some(id) => self.workspace.store.hybrid_user(id).await,
            None => Ok(None),
        }
    }

    async fn remote_name(&self, row: &OrderRow) -> Result<String, StoreError> {
        let batches = self.workspace.store.hybrid_batches(self.project.id).await?;
        let found = batches.into_iter().find(|batch| batch.id == row.batch);
        found.map(|batch| batch.remote_name).ok_or_else(|| StoreError::Missing(format!("batch {}", row.batch)))
    }
}
