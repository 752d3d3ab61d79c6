//! Changing items and projects, resetting and deleting items: the vault first, then the database in one transaction that looks
//! at the statuses, then the engine that shows it, and at last what nothing uses any more leaves the vault.

use std::path::PathBuf;

use super::import::{self, Watch};
use super::orders::Commander;
use super::{OpenWorkspace, ServiceError, options, projects, sign_in};
use crate::domain::edit::{Change, ItemEdit, MailboxEdit, ProjectEdit, ServerEdit};
use crate::domain::failure::Side;
use crate::domain::ids::{CredentialId, ItemId, ProjectId};
use crate::domain::item::{Item, Mailbox};
use crate::domain::project::Project;
use crate::domain::readiness::{NotReady, StartCheck};
use crate::domain::secret::Secret;
use crate::domain::server::{Server, Trust};
use crate::domain::star::Star;
use crate::domain::status::Status;
use crate::domain::time::Timestamp;
use crate::engine::command::{Command, Outcome};
use crate::store::StoreError;

/// Who gives the passwords that come this way.
const GIVER: &str = "consultant";

/// More items than this are not deleted or reset unless their number was said.
pub const MANY: usize = 20;

/// What deleting items takes, and what stays (R42).
pub const DELETE_TAKES: &str = "Their statistics, Mailferry's records of what was copied and their stored passwords go. Mail \
     that was migrated stays where it is.";

/// What deleting a project takes, and what stays.
pub const DELETE_PROJECT_TAKES: &str = "Its items with their statistics, Mailferry's records of what was copied and all stored \
     passwords go. Mail that was migrated stays where it is.";

/// What clearing credentials takes, and what follows.
pub const CLEAR_TAKES: &str = "The stored passwords of these items go from the vault. Start then asks for what is missing; \
     an administrator's login stays.";

/// What resetting items takes, and what stays.
pub const RESET_TAKES: &str = "Mailferry's records of what was copied go, and the items read Not Submitted. No mail is touched; \
     but mail that was deleted or moved at the destination since will be copied again.";

/// What is known of a password without looking at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PasswordState {
    /// Nobody logs in there.
    NotNeeded,
    /// The project's administrator or application opens the mailbox.
    Administrator,
    /// Whoever's mailbox it is signs in, and did so then, if they did.
    ByPerson(Option<Timestamp>),
    /// None is stored.
    Missing,
    /// One is stored.
    Known {
        /// Since when.
        since: Timestamp,
        /// Who gave it: `import`, `consultant`, `owner`.
        giver: String,
    },
}

impl PasswordState {
    /// For people; `when` tells a time.
    pub fn words(&self, when: impl Fn(Timestamp) -> String) -> String {
        match self {
            Self::NotNeeded => "no password is needed".into(),
            Self::Administrator => "opened by the project's own login".into(),
            Self::ByPerson(None) => "nobody has signed in yet".into(),
            Self::ByPerson(Some(since)) => format!("its owner signed in, {}", when(*since)),
            Self::Missing => "no password yet".into(),
            Self::Known { since, giver } => {
                let from = match giver.as_str() {
                    "import" => "the import",
                    "owner" => "its owner",
                    _ => "a consultant",
                };
                format!("own password, from {from}, since {}", when(*since))
            }
        }
    }
}

/// An item as it can be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemSettings {
    /// The item.
    pub item: Item,
    /// Its note.
    pub note: Option<String>,
    /// Where its owner is reached, if not at its source address.
    pub contact: Option<String>,
    /// What is known of its passwords: source, destination.
    pub passwords: [PasswordState; 2],
}

/// Files that are yet to be read for one side of a project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SideFiles {
    /// Certificates to trust.
    pub authorities: Option<PathBuf>,
    /// What an application signs in with: a certificate with its key, or the key of a service account.
    pub key: Option<PathBuf>,
}

/// What changes of a project, with the files for source and destination.
#[derive(Debug)]
pub struct ProjectChange {
    /// What changes.
    pub edit: ProjectEdit<Secret>,
    /// The files.
    pub files: [SideFiles; 2],
}

/// An item as it can be changed.
pub async fn settings(workspace: &OpenWorkspace, item: ItemId) -> Result<ItemSettings, ServiceError> {
    let row = workspace.store.item(item).await?;
    let project = workspace.store.project(row.item.project).await?;
    let at_source = password(workspace, &project.source, &row.item.source).await?;
    let at_destination = password(workspace, &project.destination, &row.item.destination).await?;
    Ok(ItemSettings { item: row.item, note: row.note, contact: row.contact, passwords: [at_source, at_destination] })
}

async fn password(
    workspace: &OpenWorkspace,
    server: &Server,
    mailbox: &Mailbox,
) -> Result<PasswordState, ServiceError> {
    if !server.needs_login() {
        return Ok(PasswordState::NotNeeded);
    }
    if server.shares_login() {
        return Ok(PasswordState::Administrator);
    }
    let known = match mailbox.credential {
        Some(credential) => workspace.store.credential(credential).await?,
        None => None,
    };
    Ok(match known {
        known if server.signs_in_by_person() => PasswordState::ByPerson(known.map(|(since, _)| since)),
        Some((since, giver)) => PasswordState::Known { since, giver },
        None => PasswordState::Missing,
    })
}

/// Changes a project, after its files were read.
///
/// # Errors
/// As [`project`].
pub async fn change(
    workspace: &OpenWorkspace,
    change: ProjectChange,
    engine: Commander<'_>,
) -> Result<(), ServiceError> {
    let ProjectChange { mut edit, files } = change;
    let before = workspace.store.project(edit.project).await?;
    for (side, SideFiles { authorities, key }) in [Side::Source, Side::Destination].into_iter().zip(files) {
        if let Some(file) = key {
            edit.side(side).password = Change::Set(projects::key(file).await?);
        }
        let Some(file) = authorities else { continue };
        let mut server = edit.applied(&before).server(side).clone();
        server.set_trust(Trust::Authorities(projects::authorities(file).await?))?;
        edit.side(side).server = Some(server).filter(|server| server != before.server(side));
    }
    project(workspace, edit, engine).await
}

/// Changes an item. New passwords need an open vault.
///
/// # Errors
/// Nothing was changed, unless it is one of [`ServiceError::comes_after`].
pub async fn item(
    workspace: &OpenWorkspace,
    edit: ItemEdit<Secret>,
    engine: Commander<'_>,
) -> Result<(), ServiceError> {
    edit.validate().map_err(StoreError::from)?;
    engine.recover().await?;
    let before = workspace.store.item(edit.item).await?.item;
    let (project, after) = (workspace.store.project(before.project).await?, edit.applied(&before));
    for (side, edit) in [(Side::Source, &edit.source), (Side::Destination, &edit.destination)] {
        if let Change::Set(secret) = &edit.password {
            sign_in::takes(project.server(side), side, secret)?;
        }
    }
    if after != before {
        can_run(workspace, &project, &after).await?;
    }
    let ItemEdit { item, source, destination, note, contact, records } = edit;
    let (stored, [at_source, at_destination]) = keep(workspace, [source.password, destination.password]).await?;
    let source = MailboxEdit { email: source.email, login: source.login, password: at_source };
    let destination = MailboxEdit { email: destination.email, login: destination.login, password: at_destination };
    let edit = ItemEdit { item, source, destination, note, contact, records };
    let written = workspace.store.edit_item(edit, workspace.now()).await;
    let freed = settled(workspace, stored, written).await?;
    let shown = show(engine, Command::Edited { project: before.project, items: vec![item] }).await;
    forget(workspace, freed).await.and(shown)
}

/// Changes a project. New passwords need an open vault.
///
/// # Errors
/// Nothing was changed, unless it is one of [`ServiceError::comes_after`].
pub async fn project(
    workspace: &OpenWorkspace,
    mut edit: ProjectEdit<Secret>,
    engine: Commander<'_>,
) -> Result<(), ServiceError> {
    edit.validate().map_err(StoreError::from)?;
    engine.recover().await?;
    if let Some(after) = &edit.options {
        options::fit_items(workspace, edit.project, after).await?;
    }
    let before = workspace.store.project(edit.project).await?;
    let (id, of_servers) = (before.id, edit.is_of_servers());
    let after = edit.applied(&before);
    for side in [Side::Source, Side::Destination] {
        let new = match &edit.side(side).password {
            Change::Set(secret) => Some(secret),
            Change::Leave | Change::Clear => None,
        };
        sign_in::check(side, after.server(side), new)?;
    }
    if of_servers {
        waiting_can_run(workspace, &after).await?;
    }
    let ProjectEdit { project, name, client, source, destination, options, pool, records } = edit;
    let (stored, [at_source, at_destination]) = keep(workspace, [source.password, destination.password]).await?;
    let source = ServerEdit { server: source.server, password: at_source };
    let destination = ServerEdit { server: destination.server, password: at_destination };
    let edit = ProjectEdit { project, name, client, source, destination, options, pool, records };
    let written = workspace.store.edit_project(edit, workspace.now()).await;
    let freed = settled(workspace, stored, written).await?;
    let mut shown = show(engine, Command::ProjectEdited { project: id }).await;
    if of_servers {
        let items = workspace.store.items(id).await?.into_iter().map(|row| row.item.id).collect();
        shown = shown.and(show(engine, Command::Edited { project: id, items }).await);
    }
    forget(workspace, freed).await.and(shown)
}

/// Drops what Mailferry knows of what was copied for these items; no mail is touched.
///
/// # Errors
/// Nothing was reset, or nobody knows yet.
pub async fn reset(
    workspace: &OpenWorkspace,
    project: ProjectId,
    items: Vec<ItemId>,
    engine: Commander<'_>,
) -> Result<Outcome, ServiceError> {
    let outcome = done(engine.command(Command::Reset { project, items }).await?)?;
    projects::purge(workspace).await?;
    Ok(outcome)
}

/// Gives items a star, or takes it from them.
///
/// # Errors
/// Nothing was starred, or nobody knows yet.
pub async fn star(
    workspace: &OpenWorkspace,
    project: ProjectId,
    items: Vec<ItemId>,
    star: Option<Star>,
) -> Result<Outcome, ServiceError> {
    done(Commander::Anybody(workspace).command(Command::Star { project, items, star }).await?)
}

/// Deletes items with their statistics, and their passwords from the vault; no mail is touched. The vault should be open.
///
/// # Errors
/// Nothing was deleted, or nobody knows yet; or they are gone ([`ServiceError::comes_after`]).
pub async fn delete(
    workspace: &OpenWorkspace,
    project: ProjectId,
    items: Vec<ItemId>,
    engine: Commander<'_>,
) -> Result<Outcome, ServiceError> {
    let mut outcome = done(engine.command(Command::Delete { project, items }).await?)?;
    projects::purge(workspace).await?;
    forget(workspace, std::mem::take(&mut outcome.freed)).await?;
    Ok(outcome)
}

/// Clears the items' own credentials at these sides, in the vault too, which should be open; no mail is touched.
///
/// # Errors
/// Nothing was cleared, or nobody knows yet; or they are cleared ([`ServiceError::comes_after`]).
pub async fn clear_credentials(
    workspace: &OpenWorkspace,
    (project, items): (ProjectId, Vec<ItemId>),
    sides: Vec<Side>,
    engine: Commander<'_>,
) -> Result<Outcome, ServiceError> {
    let mut outcome = done(engine.command(Command::ClearCredentials { project, items, sides }).await?)?;
    forget(workspace, std::mem::take(&mut outcome.freed)).await?;
    Ok(outcome)
}

/// What was done, unless nothing was.
fn done(outcome: Outcome) -> Result<Outcome, ServiceError> {
    match outcome.error {
        Some(error) => Err(ServiceError::Engine(error)),
        None => Ok(outcome),
    }
}

/// Refuses an item whose mail would be copied into itself or mixed with another's, as its Start would be: it may be waiting
/// already.
async fn can_run(workspace: &OpenWorkspace, project: &Project, edited: &Item) -> Result<(), ServiceError> {
    let rows = workspace.store.items(project.id).await?;
    let all: Vec<Item> =
        rows.into_iter().map(|row| if row.item.id == edited.id { edited.clone() } else { row.item }).collect();
    refuse(&StartCheck::new(project, (true, true), all.iter()), edited)
}

/// The same for the items of a project that wait with other servers.
async fn waiting_can_run(workspace: &OpenWorkspace, project: &Project) -> Result<(), ServiceError> {
    let rows = workspace.store.items(project.id).await?;
    let check = StartCheck::new(project, (true, true), rows.iter().map(|row| &row.item));
    let waits = |status: Status| !status.is_at_rest();
    rows.iter().filter(|row| waits(row.status())).try_for_each(|row| refuse(&check, &row.item))
}

fn refuse(check: &StartCheck<'_>, item: &Item) -> Result<(), ServiceError> {
    match check.check(item) {
        Ok(_) | Err(NotReady::NoAdministrator(_) | NotReady::NoSecret(_)) => Ok(()),
        Err(why) => Err(ServiceError::CannotRun { address: item.source.email.clone(), why }),
    }
}

/// Puts new passwords into the vault: their numbers, and the changes with them.
async fn keep(
    workspace: &OpenWorkspace,
    passwords: [Change<Secret>; 2],
) -> Result<(Vec<CredentialId>, [Change<CredentialId>; 2]), ServiceError> {
    let new = passwords.iter().filter_map(|password| match password {
        Change::Set(secret) => Some(secret.clone()),
        Change::Leave | Change::Clear => None,
    });
    let stored = import::store_secrets(workspace, GIVER, new.collect(), &Watch::nobody()).await?;
    let mut ids = stored.iter().copied();
    let changes = passwords.map(|password| match password {
        Change::Leave => Change::Leave,
        Change::Clear => Change::Clear,
        Change::Set(_) => ids.next().map_or(Change::Leave, Change::Set),
    });
    Ok((stored, changes))
}

/// What was written, or nothing: then the new passwords leave the vault again.
async fn settled(
    workspace: &OpenWorkspace,
    stored: Vec<CredentialId>,
    written: Result<Vec<CredentialId>, StoreError>,
) -> Result<Vec<CredentialId>, ServiceError> {
    match written {
        Ok(freed) => Ok(freed),
        Err(why) if stored.is_empty() => Err(why.into()),
        Err(why) => Err(import::roll_back(workspace, stored, why.into()).await.into()),
    }
}

/// Has the engine show what was changed.
async fn show(engine: Commander<'_>, command: Command) -> Result<(), ServiceError> {
    let shown = engine.command(command).await.and_then(done);
    shown.map(|_| ()).map_err(|why| ServiceError::NotShownYet(Box::new(why)))
}

/// Removes passwords that nothing uses any more. Without an open vault, an import a day later does.
async fn forget(workspace: &OpenWorkspace, freed: Vec<CredentialId>) -> Result<(), ServiceError> {
    match workspace.vault.get_open() {
        Some(_) => Ok(import::remove(workspace, freed, &Watch::nobody()).await?),
        None => Ok(()),
    }
}
