//! Projects: making them with their administrators' passwords, listing, removing them with all that was kept for them.

use std::path::PathBuf;

use super::import::{self, ProjectParts, Watch, read_authorities};
use super::{OpenWorkspace, ServiceError, licenses, sign_in};
use crate::domain::edit::EditRefusal;
use crate::domain::failure::Side;
use crate::domain::ids::{CredentialId, PoolId, ProjectId};
use crate::domain::project::{Options, Project, ProjectTerms, name_problem};
use crate::domain::secret::Secret;
use crate::domain::server::{Server, Trust};
use crate::domain::status::Status;
use crate::store::{ItemRow, StoreError};

/// A project to make.
#[derive(Debug)]
pub struct NewProject {
    /// Its name.
    pub name: String,
    /// Whose mailboxes it moves.
    pub client: Option<String>,
    /// Where mail is read.
    pub source: NewServer,
    /// Where mail is written.
    pub destination: NewServer,
    /// What its items share.
    pub options: Options,
    /// Where they take their licenses.
    pub pool: PoolId,
}

/// One side of a project to make.
#[derive(Debug)]
pub struct NewServer {
    /// The server; what it trusts is replaced if there is a CA file.
    pub server: Server,
    /// A file of certificates to trust instead of the system's.
    pub authorities: Option<PathBuf>,
    /// The administrator's password, or the secret to sign in with.
    pub password: Option<Secret>,
    /// A file with that secret: a certificate with its key, or the key of a service account.
    pub key_file: Option<PathBuf>,
}

/// A project as the list of all shows it.
pub struct ProjectLine {
    /// The project.
    pub project: Project,
    /// Its items.
    pub items: usize,
    /// Those that are done: what differs or waits is not (D27).
    pub completed: usize,
    /// Those that failed.
    pub failed: usize,
}

/// What removing a project would take.
pub struct Removal {
    /// Its items.
    pub items: usize,
    /// Whether passwords would go from the vault, which must be open for it.
    pub has_secrets: bool,
    /// What is said of licenses that would be lost (R43).
    pub licenses: Option<String>,
}

/// All projects, by name.
pub async fn all(workspace: &OpenWorkspace) -> Result<Vec<Project>, ServiceError> {
    Ok(workspace.store.projects().await?)
}

/// A project by its name.
///
/// # Errors
/// There is none.
pub async fn named(workspace: &OpenWorkspace, name: &str) -> Result<Project, ServiceError> {
    let found = workspace.store.project_named(name).await?;
    found.ok_or_else(|| ServiceError::NoProject(name.to_owned()))
}

/// The archived projects or the others, with how far they are, by name.
pub async fn overview(workspace: &OpenWorkspace, archived: bool) -> Result<Vec<ProjectLine>, ServiceError> {
    let whole = |row: &&ItemRow| {
        let counts = row.latest.as_ref().map(|pass| pass.progress.counts).unwrap_or_default();
        row.status() != Status::Completed || counts.differ + counts.waiting == 0
    };
    let mut lines = Vec::new();
    let projects = workspace.store.projects().await?;
    for project in projects.into_iter().filter(|project| project.starts.archived == archived) {
        let rows = workspace.store.items(project.id).await?;
        let count = |status| rows.iter().filter(whole).filter(|row| row.status() == status).count();
        let (items, completed, failed) = (rows.len(), count(Status::Completed), count(Status::Failed));
        lines.push(ProjectLine { project, items, completed, failed });
    }
    Ok(lines)
}

/// Refuses a name that another project has.
pub async fn name_is_free(workspace: &OpenWorkspace, name: &str) -> Result<(), ServiceError> {
    match workspace.store.project_named(name).await? {
        Some(_) => Err(StoreError::NameTaken(name.to_owned()).into()),
        None => Ok(()),
    }
}

/// Makes a project. Its administrators' passwords go into the vault, which must be open if there are any.
///
/// # Errors
/// Nothing was made.
pub async fn create(workspace: &OpenWorkspace, new: NewProject) -> Result<ProjectId, ServiceError> {
    new.source.server.fits(Side::Source)?;
    new.destination.server.fits(Side::Destination)?;
    name_is_free(workspace, &new.name).await?;
    let NewProject { name, client, source, destination, options, pool } = new;
    let read = tokio::task::spawn_blocking(move || Ok::<_, ServiceError>((side(source)?, side(destination)?))).await;
    let ((source, at_source), (destination, at_destination)) =
        read.map_err(|_| ServiceError::Died("reading the files of certificates"))??;
    sign_in::check(Side::Source, &source, at_source.as_ref())?;
    sign_in::check(Side::Destination, &destination, at_destination.as_ref())?;
    let terms = ProjectTerms { options, pool, client };
    let parts = ProjectParts { name, source, destination, terms, secrets: [at_source, at_destination] };
    Ok(import::project(workspace, parts).await?)
}

/// Makes another project with the client, servers, logins and options of one, and with its items if they are asked for; without
/// passwords, and its direction is yet to be confirmed.
///
/// # Errors
/// Nothing was made.
pub async fn duplicate(
    workspace: &OpenWorkspace,
    of: ProjectId,
    name: &str,
    with_items: bool,
) -> Result<ProjectId, ServiceError> {
    let name = name.trim();
    if let Some(reason) = name_problem(name) {
        return Err(StoreError::from(EditRefusal::Bad { what: "Name", reason: reason.into() }).into());
    }
    Ok(workspace.store.duplicate_project(of, name.to_owned(), with_items).await?)
}

/// Archives a project, whose work is over, or brings it back. Nothing of it goes, its passwords stay.
///
/// # Errors
/// Nothing was changed: items are waiting or running.
pub async fn archive(workspace: &OpenWorkspace, project: ProjectId, archived: bool) -> Result<(), ServiceError> {
    Ok(workspace.store.set_archived(project, archived).await?)
}

/// Reads a file of certificates.
pub(super) async fn authorities(file: PathBuf) -> Result<String, ServiceError> {
    let read = tokio::task::spawn_blocking(move || {
        read_authorities(&file).map_err(|error| ServiceError::File { file, error })
    });
    read.await.map_err(|_| ServiceError::Died("reading the file of certificates"))?
}

/// Reads a file with what an application signs in with.
pub(super) async fn key(file: PathBuf) -> Result<Secret, ServiceError> {
    let read = tokio::task::spawn_blocking(move || read_key(file)).await;
    read.map_err(|_| ServiceError::Died("reading the file to sign in with"))?
}

fn read_key(file: PathBuf) -> Result<Secret, ServiceError> {
    sign_in::read_file(&file).map_err(|error| ServiceError::KeyFile { file, error })
}

/// A server with its CA file read.
pub(super) async fn with_authorities(new: NewServer) -> Result<Server, ServiceError> {
    let mut server = new.server;
    if let Some(file) = new.authorities {
        server.set_trust(Trust::Authorities(authorities(file).await?))?;
    }
    Ok(server)
}

/// A server with its files read, and the secret of the project's own.
fn side(new: NewServer) -> Result<(Server, Option<Secret>), ServiceError> {
    let mut server = new.server;
    if let Some(file) = new.authorities {
        let pem = read_authorities(&file).map_err(|error| ServiceError::File { file, error })?;
        server.set_trust(Trust::Authorities(pem))?;
    }
    let secret = match new.key_file {
        Some(file) => Some(read_key(file)?),
        None => new.password,
    };
    Ok((server, secret))
}

/// What removing a project would take, as it is now.
pub async fn removal(workspace: &OpenWorkspace, project: ProjectId) -> Result<Removal, ServiceError> {
    let rows = workspace.store.items(project).await?;
    let own = rows.iter().any(|row| row.item.source.credential.or(row.item.destination.credential).is_some());
    let has_secrets = own || workspace.store.project_credentials(project).await? != (None, None);
    let licenses = licenses::lost_with(workspace, project, &rows).await?;
    Ok(Removal { items: rows.len(), has_secrets, licenses })
}

/// Removes a project with its items and their records; answers the passwords that nothing uses any more, which
/// [`remove_secrets`] removes. No mail is touched.
///
/// # Errors
/// Nothing was removed: items are waiting or running.
pub async fn remove(workspace: &OpenWorkspace, project: ProjectId) -> Result<Vec<CredentialId>, ServiceError> {
    Ok(workspace.store.delete_project(project, workspace.now()).await?)
}

/// Removes passwords from the vault. Numbers are not forgotten as long as their passwords are there: an import a day later
/// removes what could not be removed now.
///
/// # Errors
/// Some are still there.
pub async fn remove_secrets(
    workspace: &OpenWorkspace,
    secrets: Vec<CredentialId>,
    watch: &Watch,
) -> Result<(), ServiceError> {
    Ok(import::remove(workspace, secrets, watch).await?)
}

/// Removes the rows of what was removed, to the last one.
pub async fn purge(workspace: &OpenWorkspace) -> Result<(), ServiceError> {
    while workspace.store.purge().await? {}
    Ok(())
}
