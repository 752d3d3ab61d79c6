//! Hybrid projects: making them, their users and batches, carrying out what was ordered.

pub mod batches;
pub mod check;
mod host;
mod run;
pub mod users;
mod view;

use std::path::PathBuf;

pub(in crate::service) use host::HybridHost;
pub use run::{Once, Watching, once, report};
pub use view::{HybridDetails, HybridOf, HybridView, HybridViews, details, views};

use crate::domain::edit::EditRefusal;
use crate::domain::failure::Side;
pub use crate::domain::hybrid::progress::{BatchProgress, percent};
pub use crate::domain::hybrid::readiness::{CheckLine, Verdict};
pub use crate::domain::hybrid::settings::HybridSettings;
pub use crate::domain::hybrid::status::{MoveAction, MoveRefusal, MoveStatus};
pub use crate::domain::hybrid::{HybridBatch, HybridProject, HybridUser, PREVIEW, Told, Trouble};
use crate::domain::ids::{CredentialId, HybridProjectId, PoolId};
use crate::domain::project::name_problem;
use crate::domain::secret::Secret;
use crate::domain::sign_in::SignInKind;
pub use crate::engine::hybrid::RoundEnd;
use crate::signin::keys::AppSecret;
use crate::store::StoreError;
pub use crate::store::{HybridEvent, LeftOut};

use super::import::{self, Watch, roll_back, store_secrets};
use super::sign_in::NoSignIn;
use super::{OpenWorkspace, ServiceError, projects};

/// A hybrid project to make.
#[derive(Debug)]
pub struct NewHybrid {
    /// Its name.
    pub name: String,
    /// How its service is reached, and what its users get.
    pub settings: HybridSettings,
    /// Where its users take Mailferry's licenses.
    pub pool: PoolId,
    /// The application's secret.
    pub secret: Option<Secret>,
    /// A file with its certificate and key, in place of a secret.
    pub key_file: Option<PathBuf>,
}

/// Makes a hybrid project; the application's secret goes into the vault, which must be open.
///
/// # Errors
/// Nothing was made.
pub async fn create(workspace: &OpenWorkspace, new: NewHybrid) -> Result<HybridProjectId, ServiceError> {
    let NewHybrid { name, settings, pool, secret, key_file } = new;
    let name = name.trim().to_owned();
    if let Some(reason) = name_problem(&name) {
        return Err(StoreError::from(EditRefusal::Bad { what: "Name", reason: reason.into() }).into());
    }
    settings.validate()?;
    projects::name_is_free(workspace, &name).await?;
    let secret = read_secret(secret, key_file).await?;
    let ids = store_secrets(workspace, &name, secret.into_iter().collect(), &Watch::nobody()).await?;
    let made = workspace.store.create_hybrid_project(name, settings, ids.first().copied(), pool).await;
    match made {
        Ok(id) => Ok(id),
        Err(why) => Err(roll_back(workspace, ids, why.into()).await.into()),
    }
}

/// The application's secret, if it can be used.
async fn read_secret(secret: Option<Secret>, key_file: Option<PathBuf>) -> Result<Option<Secret>, ServiceError> {
    let secret = match key_file {
        Some(file) => Some(projects::key(file).await?),
        None => secret,
    };
    if let Some(secret) = &secret {
        let side = Side::Destination;
        AppSecret::read(SignInKind::MicrosoftApp, secret).map_err(|problem| NoSignIn::Secret { side, problem })?;
    }
    Ok(secret)
}

/// A hybrid project by its name.
///
/// # Errors
/// There is none.
pub async fn named(workspace: &OpenWorkspace, name: &str) -> Result<HybridProject, ServiceError> {
    let found = workspace.store.hybrid_project_named(name.trim()).await?;
    found.ok_or_else(|| ServiceError::NoHybridProject(name.trim().to_owned()))
}

/// A hybrid project.
///
/// # Errors
/// There is none.
pub async fn by_id(workspace: &OpenWorkspace, id: HybridProjectId) -> Result<HybridProject, ServiceError> {
    Ok(workspace.store.hybrid_project(id).await?)
}

/// All hybrid projects, by name.
pub async fn all(workspace: &OpenWorkspace) -> Result<Vec<HybridProject>, ServiceError> {
    Ok(workspace.store.hybrid_projects().await?)
}

/// Changes the settings of a project. What was ordered stays ordered.
///
/// # Errors
/// Nothing was changed.
pub async fn change(
    workspace: &OpenWorkspace,
    project: &HybridProject,
    settings: HybridSettings,
) -> Result<(), ServiceError> {
    settings.validate()?;
    Ok(workspace.store.set_hybrid_settings(project.id, settings).await?)
}

/// Removes a project with Mailferry's records of it; nothing is changed in the tenant.
///
/// # Errors
/// Nothing was removed: users are moving. Or the secret is still in the vault.
pub async fn remove(workspace: &OpenWorkspace, project: &HybridProject) -> Result<(), ServiceError> {
    let secret: Option<CredentialId> = workspace.store.delete_hybrid_project(project.id, workspace.now()).await?;
    Ok(import::remove(workspace, secret.into_iter().collect(), &Watch::nobody()).await?)
}

/// The service is asked again at once, whatever the last answer said.
///
/// # Errors
/// The database.
pub async fn try_now(workspace: &OpenWorkspace, project: &HybridProject) -> Result<(), ServiceError> {
    Ok(workspace.store.set_hybrid_trouble(project.id, None).await?)
}
