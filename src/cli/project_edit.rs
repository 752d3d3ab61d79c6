//! `mailferry project edit` and `project duplicate`.

use crate::cli::args::edit::EditProject;
use crate::cli::edit::{password, records, which_mailbox};
use crate::cli::error::{CliError, Exit};
use crate::cli::projects::{client, one_way, set_administrator, set_trust};
use crate::cli::table::clean;
use crate::cli::workspace::unlock;
use crate::cli::{prompt, sign_in};
use crate::domain::edit::{Change, ProjectEdit};
use crate::domain::failure::Side;
use crate::domain::mapping::Mapping;
use crate::domain::project::{Options, Project};
use crate::domain::secret::Secret;
use crate::domain::server::Server;
use crate::domain::wording::counted;
use crate::service::orders::Commander;
use crate::service::{OpenWorkspace, edit, items, licenses, projects};

/// `project edit`
pub async fn edit(workspace: &OpenWorkspace, asked: Box<EditProject>) -> Result<Exit, CliError> {
    let project = projects::named(workspace, &asked.project).await?;
    let name = asked.name.as_deref().map(|name| name.trim().to_owned());
    let mut edit = ProjectEdit { name, records: records(asked.records), ..ProjectEdit::of(project.id) };
    edit.client = match asked.client.as_deref().map(client).transpose()? {
        None => Change::Leave,
        Some(client) => client.map_or(Change::Clear, Change::Set),
    };
    edit.options = options(&asked, &project.options);
    if let Some(name) = &asked.license_pool {
        edit.pool = Some(licenses::named(workspace, name).await?.pool.id).filter(|pool| *pool != project.pool);
    }
    let mut files = [None, None];
    for (side, file) in [Side::Source, Side::Destination].into_iter().zip(&mut files) {
        (edit.side(side).server, *file) = server(&asked, &project, side)?;
    }
    edit.validate().map_err(|error| CliError::usage(error.to_string()))?;
    for (side, file) in [Side::Source, Side::Destination].into_iter().zip(files) {
        let after = edit.applied(&project);
        let change = match after.server(side).sign_in() {
            Some(_) => secret(&asked, (project.server(side), after.server(side)), side, file)?,
            None => administrators(&asked, &project, &edit, side)?,
        };
        edit.side(side).password = change;
    }
    if edit.is_empty() {
        return Err(CliError::usage(
            "nothing was named that is to be changed; `mailferry project edit --help` shows what can be",
        ));
    }
    if edit.is_of_servers() {
        unlock_for(workspace, &project, &edit).await?;
    }
    edit::project(workspace, edit, Commander::Anybody(workspace)).await.map_err(which_mailbox)?;
    say!("Project \"{}\" changed", clean(&project.name));
    Ok(Exit::Well)
}

/// The vault is opened if passwords come or go.
async fn unlock_for(workspace: &OpenWorkspace, project: &Project, edit: &ProjectEdit<Secret>) -> Result<(), CliError> {
    let passwords = !edit.source.password.is_leave() || !edit.destination.password.is_leave();
    let after = edit.applied(project);
    let loses = |side| project.server(side).has_secret() && !after.server(side).keeps_secret_of(project.server(side));
    if passwords || loses(Side::Source) || loses(Side::Destination) {
        unlock(workspace).await?;
    }
    Ok(())
}

fn options(asked: &EditProject, before: &Options) -> Option<Options> {
    let mut after = before.clone();
    after.connections = asked.connections.unwrap_or(after.connections);
    after.concurrent = asked.concurrent.unwrap_or(after.concurrent);
    after.maximum_errors = asked.maximum_errors.unwrap_or(after.maximum_errors);
    after.retry_limit = asked.retry_limit.unwrap_or(after.retry_limit);
    if !asked.maps.is_empty() {
        after.mapping = asked.maps.iter().filter(|rule| !rule.is_empty()).map(|rule| Mapping::written(rule)).collect();
    }
    (after != *before).then_some(after)
}

/// The server as it is to be, if that is another one, and the secret of a file that came with it.
fn server(asked: &EditProject, project: &Project, side: Side) -> Result<(Option<Server>, Option<Secret>), CliError> {
    let (url, admin) = match side {
        Side::Source => (asked.source.as_deref(), asked.source_admin.as_deref()),
        Side::Destination => (asked.destination.as_deref(), asked.destination_admin.as_deref()),
    };
    let before = project.server(side);
    let mut after = match url {
        // The address is not repeated: people write passwords into it.
        Some(url) => {
            Server::parse_url(url).map_err(|error| CliError::usage(format!("--{}: {error}", side.word())))?.like(before)
        }
        None => before.clone(),
    };
    set_trust(&mut after, side, &asked.trust)?;
    match admin.map(str::trim) {
        None => {}
        Some("") => after.remove_administrator(),
        Some(login) => set_administrator(&mut after, side, login)?,
    }
    let file = one_way(&mut after, side, admin, asked.sign_in.of(side))?;
    Ok(((after != *before).then_some(after), file))
}

/// The secret to sign in with: another sign-in brings another one.
fn secret(
    asked: &EditProject,
    (before, after): (&Server, &Server),
    side: Side,
    file: Option<Secret>,
) -> Result<Change<Secret>, CliError> {
    let ask = match side {
        Side::Source => asked.ask_source_secret,
        Side::Destination => asked.ask_destination_secret,
    };
    if file.is_none() && !ask && after.keeps_secret_of(before) {
        return Ok(Change::Leave);
    }
    Ok(sign_in::secret(after, side, file)?.map_or(Change::Clear, Change::Set))
}

/// The administrator's password: another administrator brings another one.
fn administrators(
    asked: &EditProject,
    project: &Project,
    edit: &ProjectEdit<Secret>,
    side: Side,
) -> Result<Change<Secret>, CliError> {
    let what = format!("password of the {}'s administrator", side.word());
    let (before, after) = (project.server(side).administrator(), edit.applied(project));
    let after = after.server(side).administrator();
    match password(asked.passwords, side, &what)? {
        Change::Leave if after.is_some() && after != before => {
            Ok(Change::Set(prompt::secret(prompt::variable(side), &what)?))
        }
        Change::Set(_) if after.is_none() => {
            Err(CliError::usage(format!("the {} has no administrator: name one with --{0}-admin", side.word())))
        }
        change => Ok(change),
    }
}

/// `project duplicate`
pub async fn duplicate(workspace: &OpenWorkspace, name: &str, new: &str, with_items: bool) -> Result<Exit, CliError> {
    let project = projects::named(workspace, name).await?;
    let made = projects::duplicate(workspace, project.id, new, with_items).await?;
    let count = counted(items::all(workspace, made).await?.len(), "item");
    say!("Project \"{}\" made with {count}; passwords are not duplicated", clean(new.trim()));
    Ok(Exit::Well)
}
