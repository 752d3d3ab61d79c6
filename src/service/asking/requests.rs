//! Whom to ask for what: items that wait for their owners and have no living link. Those whose credentials have come meanwhile
//! go on instead.

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};

use super::web::{NoForm, WebSettings};
use super::{letters, link_key};
use crate::domain::asking::{CredentialRequest, EndNotice, LinkState, OutgoingMail, SendAttempt};
use crate::domain::failure::Side;
use crate::domain::ids::{ItemId, ProjectId};
use crate::domain::project::Project;
use crate::domain::readiness::lacking;
use crate::domain::secret::Secret;
use crate::engine::Orders;
use crate::engine::command::Command;
use crate::intake::token::{self, LinkKey};
use crate::service::{OpenWorkspace, RunningEngine, ServiceError};
use crate::store::{NewCredentialRequest, StoreError};

/// How many are looked at at once.
const AT_ONCE: u32 = 10_000;
/// When those are looked at again for whom nothing could be done.
const AGAIN: Duration = Duration::from_secs(30);

/// Who waits, and when they were looked at.
#[derive(Default)]
pub(super) struct Asker {
    /// Those of whom nobody could be asked, and nobody went on.
    idle: Option<(Vec<(ProjectId, ItemId)>, Instant)>,
}

impl Asker {
    /// Asks everybody who waits and was not asked; those that lack nothing any more go on. Where there is nothing to do, all are
    /// looked at again only after a while: there may be 100,000.
    pub async fn ask(&mut self, workspace: &OpenWorkspace, orders: &Orders, key: &LinkKey) -> Result<(), ServiceError> {
        let waiting = workspace.store.unasked(AT_ONCE).await?;
        let same = |(idle, since): &(Vec<_>, Instant)| *idle == waiting && since.elapsed() < AGAIN;
        if waiting.is_empty() || self.idle.as_ref().is_some_and(same) {
            return Ok(());
        }
        let mut by_project: BTreeMap<ProjectId, HashSet<ItemId>> = BTreeMap::new();
        for (project, item) in &waiting {
            by_project.entry(*project).or_default().insert(*item);
        }
        let mut done = 0;
        for (project, items) in by_project {
            done += ask_of(workspace, orders, (project, &items), key).await?;
        }
        self.idle = (done == 0).then(|| (waiting, Instant::now()));
        Ok(())
    }
}

/// Asks those of a project; answers for how many something was done.
async fn ask_of(
    workspace: &OpenWorkspace,
    orders: &Orders,
    (project, items): (ProjectId, &HashSet<ItemId>),
    key: &LinkKey,
) -> Result<usize, ServiceError> {
    let (came, asked) = looked_at(workspace, project, items, key).await?;
    let mut done = came.len();
    if !came.is_empty() {
        // What becomes of them is told by their statuses.
        drop(orders.send(Command::Edited { project, items: came }).await.await);
    }
    if !asked.is_empty() {
        let count = workspace.store.ask(asked, workspace.now()).await?.len();
        tracing::info!(%project, count, "owners are asked");
        done += count;
    }
    Ok(done)
}

/// Of a project's items that wait: those that lack nothing any more, and what the others are asked for.
async fn looked_at(
    workspace: &OpenWorkspace,
    project: ProjectId,
    items: &HashSet<ItemId>,
    key: &LinkKey,
) -> Result<(Vec<ItemId>, Vec<NewCredentialRequest>), ServiceError> {
    let admins = workspace.store.project_credentials(project).await?;
    let admins = (admins.0.is_some(), admins.1.is_some());
    let (project, rows) = (workspace.store.project(project).await?, workspace.store.items(project).await?);
    let (mut came, mut asked) = (Vec::new(), Vec::new());
    for row in rows.iter().filter(|row| items.contains(&row.item.id)) {
        let sides = lacking(&project, admins, &row.item);
        if sides.is_empty() {
            came.push(row.item.id);
        } else if is_asked(&project, &sides) {
            let nonce = token::nonce().map_err(|error| ServiceError::Store(StoreError::Io(error.to_string())))?;
            let token_hash = token::hash(key.token(&nonce).expose());
            let recipient = letters::recipient(row);
            asked.push(NewCredentialRequest { item: row.item.id, sides, nonce, token_hash, recipient });
        }
    }
    Ok((came, asked))
}

/// Whether the form can ask for these sides: not where an application signs in.
pub(in crate::service) fn is_asked(project: &Project, sides: &[Side]) -> bool {
    sides.iter().all(|side| match project.server(*side).sign_in() {
        None => true,
        Some(sign_in) => !sign_in.kind.is_app(),
    })
}

/// What the owner of an item was asked for, and how it went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AskedOf {
    /// Requests, newest first.
    pub requests: Vec<CredentialRequest>,
    /// Their mails, newest first, with the tries of each.
    pub mails: Vec<(OutgoingMail, Vec<SendAttempt>)>,
    /// Who was told how its passes ended, newest first.
    pub ends: Vec<EndNotice>,
}

/// What the owner of an item was asked for.
///
/// # Errors
/// The database.
pub async fn asked_of(workspace: &OpenWorkspace, item: ItemId) -> Result<AskedOf, ServiceError> {
    let store = &workspace.store;
    let (requests, mails) = (store.credential_requests(item).await?, store.mails(item).await?);
    Ok(AskedOf { requests, mails, ends: store.end_notices(item).await? })
}

/// Has owners asked once more, by a mail with the same link; answers whose have none that lives.
///
/// # Errors
/// The database.
pub async fn remind(workspace: &OpenWorkspace, items: &[ItemId]) -> Result<Vec<ItemId>, ServiceError> {
    let mut without = Vec::new();
    for item in items {
        let recipient = letters::recipient(&workspace.store.item(*item).await?);
        if !workspace.store.remind(*item, recipient, workspace.now()).await? {
            without.push(*item);
        }
    }
    Ok(without)
}

/// The living link of an item, to be given to its owner in some other way. The vault must be open.
///
/// # Errors
/// There is none, or the settings lack where it leads.
pub async fn link(workspace: &OpenWorkspace, item: ItemId) -> Result<Secret, ServiceError> {
    let web = WebSettings::of(&workspace.store.settings().await?)?;
    let requests = workspace.store.credential_requests(item).await?;
    let living = requests.into_iter().find(|request| request.state == LinkState::Alive);
    let living = living.ok_or(NoForm::NoLink)?;
    let token = link_key(workspace).await?.token(&living.nonce);
    if token::hash(token.expose()) != living.token_hash {
        return Err(NoForm::NoLink.into());
    }
    Ok(Secret::new(web.link(token.expose())))
}

/// Lets submissions that an earlier process left behind run, whatever their project.
///
/// # Errors
/// The database.
pub async fn go_on(workspace: &OpenWorkspace, engine: &RunningEngine) -> Result<(), ServiceError> {
    let mut left: BTreeMap<ProjectId, Vec<ItemId>> = BTreeMap::new();
    for waiting in workspace.store.waiting().await? {
        left.entry(waiting.project).or_default().push(waiting.item);
    }
    for project in workspace.store.projects().await? {
        // Known from now on: what is scheduled has its time, and what is refused is shown.
        engine.command(Command::Open { project: project.id }).await;
        if let Some(items) = left.remove(&project.id) {
            engine.command(Command::Resume { project: project.id, items }).await;
        }
    }
    Ok(())
}
