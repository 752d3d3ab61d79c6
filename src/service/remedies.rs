//! What a person does about a failure: another password, trust in one certificate, another name for a folder. Each changes the
//! workspace only; whoever gave the order tells the engine.

use super::import::{self, ImportError, Watch};
use super::{OpenWorkspace, ServiceError, sign_in};
use crate::domain::certificate::SeenCertificate;
use crate::domain::edit::ProjectEdit;
use crate::domain::failure::Side;
use crate::domain::ids::{ItemId, ProjectId};
use crate::domain::mapping::{Mapping, Mappings};
use crate::domain::secret::Secret;
use crate::domain::server::Trust;
use crate::domain::status::{HoldReason, Status};
use crate::endpoint::registry;

/// Whose password is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountOf {
    /// The project.
    pub project: ProjectId,
    /// The item, if it is its own; none for the project's administrator.
    pub item: Option<ItemId>,
    /// Where it logs in.
    pub side: Side,
}

/// Replaces a password, in the vault first. Nothing is tried with it yet.
///
/// # Errors
/// The old one is still in use: the vault is locked, or the item may not be edited in its status.
pub async fn set_password(workspace: &OpenWorkspace, of: AccountOf, password: Secret) -> Result<(), ServiceError> {
    let AccountOf { project, item, side } = of;
    sign_in::takes(workspace.store.project(project).await?.server(side), side, &password)?;
    let ids = import::store_secrets(workspace, "window", vec![password], &Watch::nobody()).await?;
    let Some(new) = ids.first().copied() else { return Err(ServiceError::Died("keeping the password")) };
    let replaced = match item {
        Some(item) => workspace.store.set_item_credential(item, side, new).await,
        None => workspace.store.set_project_credential(project, side, new).await,
    };
    match replaced {
        Ok(Some(old)) => {
            if let Err(error) = import::remove(workspace, vec![old], &Watch::nobody()).await {
                // Its number is known: an import a day later removes it.
                tracing::warn!(%error, "the replaced password is still in the vault");
            }
            Ok(())
        }
        Ok(None) => Ok(()),
        Err(error) => Err(import::roll_back(workspace, ids, ImportError::from(error)).await.into()),
    }
}

/// The certificate that the server of a side shows now. No password is sent.
///
/// # Errors
/// It cannot be reached, or shows none.
pub async fn certificate(
    workspace: &OpenWorkspace,
    project: ProjectId,
    side: Side,
) -> Result<SeenCertificate, ServiceError> {
    let project = workspace.store.project(project).await?;
    Ok(registry::certificate(project.server(side)).await?)
}

/// Trusts exactly this certificate at a side, in place of what was trusted there.
///
/// # Errors
/// Its server shows none, or the database.
pub async fn pin(
    workspace: &OpenWorkspace,
    project: ProjectId,
    side: Side,
    fingerprint: [u8; 32],
) -> Result<(), ServiceError> {
    let mut server = workspace.store.project(project).await?.server(side).clone();
    server.set_trust(Trust::Pinned(fingerprint))?;
    let mut edit = ProjectEdit::of(project);
    edit.side(side).server = Some(server);
    workspace.store.edit_project(edit, workspace.now()).await?;
    Ok(())
}

/// Adds a mapping rule to a project, before those that it has: the first that matches wins.
///
/// # Errors
/// It cannot be read, or the database.
pub async fn add_mapping(workspace: &OpenWorkspace, project: ProjectId, rule: Mapping) -> Result<(), ServiceError> {
    Mappings::parse(std::slice::from_ref(&rule))?;
    let mut options = workspace.store.project(project).await?.options;
    options.mapping.insert(0, rule);
    let edit = ProjectEdit { options: Some(options), ..ProjectEdit::of(project) };
    workspace.store.edit_project(edit, workspace.now()).await?;
    Ok(())
}

/// The items that a refused login of their administrator holds: they go on when it is corrected.
pub async fn held_by_a_login(workspace: &OpenWorkspace, project: ProjectId) -> Result<Vec<ItemId>, ServiceError> {
    let rows = workspace.store.items(project).await?;
    let held = |hold: Option<HoldReason>| hold == Some(HoldReason::LoginRefused);
    let waits =
        rows.iter().filter(|row| row.status() == Status::Held && held(row.latest.as_ref().and_then(|p| p.hold)));
    Ok(waits.map(|row| row.item.id).collect())
}
