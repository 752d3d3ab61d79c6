//! Users of a hybrid project: from a list or from the directory.

use std::path::PathBuf;

use super::{HybridEvent, HybridProject, HybridUser};
use crate::domain::hybrid::remote::RecipientKind;
use crate::domain::hybrid::users_csv::{self, BadUsers, NewUser};
use crate::domain::ids::HybridUserId;
use crate::domain::star::Star;
use crate::engine::hybrid::HybridRunner;
use crate::service::import::read_users;
use crate::service::{OpenWorkspace, ServiceError, look};

/// What came in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UsersIn {
    /// Users that were not there.
    pub new: u64,
    /// Users that got another location.
    pub changed: u64,
    /// All that were named.
    pub named: u64,
}

/// Brings users in from a file.
///
/// # Errors
/// Nothing came in.
pub async fn import(
    workspace: &OpenWorkspace,
    project: &HybridProject,
    file: PathBuf,
) -> Result<UsersIn, ServiceError> {
    let path = file.clone();
    let read = tokio::task::spawn_blocking(move || read_users(&path)).await;
    let text = read.map_err(|_| ServiceError::Died("reading the list of users"))?;
    let text = text.map_err(|error| ServiceError::File { file: file.clone(), error })?;
    let users = users_csv::read(&text).map_err(|error| ServiceError::Users { file, error })?;
    bring_in(workspace, project, users).await
}

/// Brings in everybody of the tenant who can move: mail users whose mailbox is known there.
///
/// # Errors
/// Nothing came in.
pub async fn import_from_directory(
    workspace: &OpenWorkspace,
    project: &HybridProject,
) -> Result<UsersIn, ServiceError> {
    let runner = HybridRunner::new(look::means(workspace, workspace.folder())?, None);
    let services = runner.services(project).await?;
    let recipients = services.batches.recipients().await.map_err(crate::engine::hybrid::HybridError::from)?;
    let can_move = recipients.into_iter().filter(|one| one.kind == RecipientKind::MailUser && one.has_guid);
    let users: Vec<NewUser> = can_move.map(|one| NewUser { address: one.address, location: None }).collect();
    if users.is_empty() {
        let file = PathBuf::from("the directory");
        return Err(ServiceError::Users { file, error: BadUsers::Empty });
    }
    bring_in(workspace, project, users).await
}

async fn bring_in(
    workspace: &OpenWorkspace,
    project: &HybridProject,
    users: Vec<NewUser>,
) -> Result<UsersIn, ServiceError> {
    let named = u64::try_from(users.len()).unwrap_or(u64::MAX);
    let (new, changed) = workspace.store.import_hybrid_users(project.id, users, workspace.now()).await?;
    Ok(UsersIn { new, changed, named })
}

/// All users of a project, by address.
pub async fn all(workspace: &OpenWorkspace, project: &HybridProject) -> Result<Vec<HybridUser>, ServiceError> {
    Ok(workspace.store.hybrid_users(project.id).await?)
}

/// The users with these addresses.
///
/// # Errors
/// One of them is no user of the project.
pub async fn select(
    workspace: &OpenWorkspace,
    project: &HybridProject,
    addresses: &[String],
) -> Result<Vec<HybridUser>, ServiceError> {
    let all = all(workspace, project).await?;
    let find = |address: &String| {
        let found = all.iter().find(|user| user.address.eq_ignore_ascii_case(address.trim()));
        found.cloned().ok_or_else(|| ServiceError::NoHybridUser(address.trim().to_owned()))
    };
    addresses.iter().map(find).collect()
}

/// Sets or removes the star of users.
///
/// # Errors
/// Nothing was changed.
pub async fn star(workspace: &OpenWorkspace, users: Vec<HybridUserId>, star: Option<Star>) -> Result<(), ServiceError> {
    Ok(workspace.store.set_hybrid_star(users, star).await?)
}

/// The rows of users.
pub fn ids(users: &[HybridUser]) -> Vec<HybridUserId> {
    users.iter().map(|user| user.id).collect()
}

/// What happened to a user in its batch, the newest first.
pub async fn events(workspace: &OpenWorkspace, user: &HybridUser) -> Result<Vec<HybridEvent>, ServiceError> {
    let batch = user.batch.unwrap_or(crate::domain::ids::HybridBatchId(0));
    Ok(workspace.store.hybrid_events(batch, Some(user.id)).await?)
}
