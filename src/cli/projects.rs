//! `mailferry project …`

use std::io::{IsTerminal, Write};
use std::sync::Arc;

use crate::cli::args;
use crate::cli::args::hybrid::ProjectKindWord;
use crate::cli::args::sign_in::SideWords;
use crate::cli::args::trust::TrustWords;
use crate::cli::error::{CliError, Exit};
use crate::cli::options;
use crate::cli::progress::Count;
use crate::cli::table::{Table, clean};
use crate::cli::workspace::unlock;
use crate::cli::{hybrid, prompt, sign_in};
use crate::domain::failure::Side;
use crate::domain::ids::{CredentialId, PoolId};
use crate::domain::mapping::Mapping;
use crate::domain::project::{Options, Project, name_problem, read_client};
use crate::domain::secret::Secret;
use crate::domain::server::{AdminLogin, Server, Trust, Unfit, parse_fingerprint};
use crate::domain::sign_in::SignIn;
use crate::domain::status::Status;
use crate::domain::wording::counted;
use crate::service::hybrid::MoveStatus;
use crate::service::import::{Watch, Work, read_authorities};
use crate::service::projects::{self, NewProject, NewServer, ProjectLine, Removal};
use crate::service::{OpenWorkspace, items, licenses};

/// A server as it was said, and the secret of a file that came with it.
fn server(side: Side, new: &args::NewProjectArgs) -> Result<(Server, Option<Secret>), CliError> {
    let (url, admin) = match side {
        Side::Source => (&new.source, new.source_admin.as_deref()),
        Side::Destination => (&new.destination, new.destination_admin.as_deref()),
    };
    let word = side.word();
    let url = url.as_deref().ok_or_else(|| CliError::usage(format!("--{word}: name a server, as imaps://HOST")))?;
    // The address is not repeated: people write passwords into it.
    let mut server = Server::parse_url(url).map_err(|error| CliError::usage(format!("--{word}: {error}")))?;
    server.fits(side).map_err(|error| unfit(side, &error))?;
    set_trust(&mut server, side, &new.trust)?;
    if let Some(login) = admin {
        set_administrator(&mut server, side, login)?;
    }
    let secret = one_way(&mut server, side, admin, new.sign_in.of(side))?;
    Ok((server, secret))
}

/// Has a server signed in to as it was said: not in two ways at once.
pub fn one_way(
    server: &mut Server,
    side: Side,
    admin: Option<&str>,
    words: SideWords<'_>,
) -> Result<Option<Secret>, CliError> {
    let by_token = words.kind.is_some_and(|kind| kind.kind().is_some());
    if by_token && admin.is_some_and(|login| !login.trim().is_empty()) {
        let word = side.word();
        return Err(CliError::usage(format!(
            "--{word}-admin and --{word}-signin: an administrator logs in by password; leave one of them out"
        )));
    }
    sign_in::apply(server, side, words)
}

fn unfit(side: Side, error: &Unfit) -> CliError {
    CliError::usage(format!("--{}: {error}", side.word()))
}

/// What a server trusts, as far as it was said.
pub fn set_trust(server: &mut Server, side: Side, trust: &TrustWords) -> Result<(), CliError> {
    let (word, (ca, fingerprint)) = (side.word(), trust.of(side));
    if let Some(path) = ca {
        let pem = read_authorities(path);
        let pem = pem.map_err(|error| CliError::usage(format!("--{word}-ca {}: {error}", path.display())))?;
        server.set_trust(Trust::Authorities(pem)).map_err(|error| unfit(side, &error))?;
    }
    if let Some(hex) = fingerprint {
        let hash = parse_fingerprint(hex)
            .ok_or_else(|| CliError::usage(format!("--{word}-cert-sha256 must be 64 hexadecimal digits")))?;
        server.set_trust(Trust::Pinned(hash)).map_err(|error| unfit(side, &error))?;
    }
    Ok(())
}

/// Who opens all mailboxes of a server.
pub fn set_administrator(server: &mut Server, side: Side, login: &str) -> Result<(), CliError> {
    let admin = AdminLogin::parse(login);
    admin.validate().map_err(|error| CliError::usage(format!("--{}-admin: {error}", side.word())))?;
    server.set_administrator(admin).map_err(|error| unfit(side, &error))
}

/// Whose mailboxes a project moves, as it was said.
pub fn client(said: &str) -> Result<Option<String>, CliError> {
    read_client(said).map_err(|why| CliError::usage(format!("--client: {why}")))
}

/// `project new`
pub async fn new(workspace: &OpenWorkspace, new: Box<args::NewProjectArgs>) -> Result<Exit, CliError> {
    if new.kind == Some(ProjectKindWord::Hybrid) {
        return hybrid::new(workspace, *new).await;
    }
    let name = new.name.trim().to_owned();
    if let Some(problem) = name_problem(&name) {
        return Err(CliError::usage(problem));
    }
    let client = new.client.as_deref().map(client).transpose()?.flatten();
    let (source, of_source) = server(Side::Source, &new)?;
    let (destination, of_destination) = server(Side::Destination, &new)?;
    let mut options =
        Options { mapping: new.maps.iter().map(|rule| Mapping::written(rule)).collect(), ..Options::default() };
    options.connections = new.connections.unwrap_or(options.connections);
    options.concurrent = new.concurrent.unwrap_or(options.concurrent);
    options.validate().map_err(|error| CliError::usage(error.to_string()))?;
    // Everything is asked for before anything is written.
    projects::name_is_free(workspace, &name).await?;
    let pool = match &new.license_pool {
        Some(name) => licenses::named(workspace, name).await?.pool.id,
        None => PoolId::FIRST,
    };
    let words = format!("FROM {source} INTO {destination}");
    let source = side(source, Side::Source, of_source)?;
    let destination = side(destination, Side::Destination, of_destination)?;
    if source.password.is_some() || destination.password.is_some() {
        unlock(workspace).await?;
    }
    let project = NewProject { name: name.clone(), client, source, destination, options, pool };
    projects::create(workspace, project).await?;
    say!("Project \"{name}\": {words}");
    Ok(Exit::Well)
}

/// A server with its administrator's password, or the secret to sign in with, if it has one.
fn side(server: Server, side: Side, from_file: Option<Secret>) -> Result<NewServer, CliError> {
    let whose = format!("password of the {}'s administrator", side.word());
    let password = match server.administrator() {
        Some(_) => Some(prompt::secret(prompt::variable(side), &whose)?),
        None => sign_in::secret(&server, side, from_file)?,
    };
    Ok(NewServer { server, authorities: None, password, key_file: None })
}

/// What a list of projects shows after their names and clients.
const COUNTED: [&str; 5] = ["From", "Into", ">Items", ">Completed", ">Failed"];

/// `project list`
pub async fn list(workspace: &OpenWorkspace, archived: bool) -> Result<Exit, CliError> {
    let lines = projects::overview(workspace, archived).await?;
    // Hybrid projects are not archived.
    let hybrids = if archived { Vec::new() } else { crate::service::hybrid::all(workspace).await? };
    let others = projects::all(workspace).await?.len() - lines.len();
    if lines.is_empty() && hybrids.is_empty() {
        match (archived, others) {
            (true, _) => say!("No project is archived"),
            (false, 0) => {
                say!("No projects yet. Make one with `mailferry project new NAME --source URL --destination URL`");
            }
            (false, _) => say_archived(others),
        }
        return Ok(Exit::Well);
    }
    // A column for those that have one.
    let clients = lines.iter().any(|line| line.project.client.is_some());
    let of_client = |client: Option<String>| clients.then(|| client.unwrap_or_default());
    let client_head = clients.then_some("Client").into_iter();
    let head: Vec<&'static str> = std::iter::once("Project").chain(client_head).chain(COUNTED).collect();
    let mut table = Table::new(&head);
    for ProjectLine { project, items, completed, failed } in lines {
        let Project { name, client, source, destination, .. } = project;
        let mut cells: Vec<String> = std::iter::once(name).chain(of_client(client)).collect();
        cells.extend([source.to_string(), destination.to_string()]);
        cells.extend([items, completed, failed].map(|count| count.to_string()));
        table.row(cells);
    }
    for project in hybrids {
        let users = crate::service::hybrid::users::all(workspace, &project).await?;
        let count = |status| users.iter().filter(|user| user.status == status).count();
        let counts = [users.len(), count(MoveStatus::Completed), count(MoveStatus::Failed)];
        let mut cells: Vec<String> = std::iter::once(project.name).chain(of_client(None)).collect();
        cells.extend(["Hybrid Exchange (preview)".to_owned(), project.settings.sign_in.tenant]);
        cells.extend(counts.map(|count| count.to_string()));
        table.row(cells);
    }
    table.print();
    if !archived && others > 0 {
        say_archived(others);
    }
    Ok(Exit::Well)
}

/// Says of projects that are not listed where they are.
fn say_archived(projects: usize) {
    let (projects, are) = (counted(projects, "project"), if projects == 1 { "is" } else { "are" });
    say!("{projects} {are} archived: `mailferry project list --archived`");
}

/// `project archive`
pub async fn archive(workspace: &OpenWorkspace, name: &str, archived: bool) -> Result<Exit, CliError> {
    let project = projects::named(workspace, name).await?;
    projects::archive(workspace, project.id, archived).await?;
    match archived {
        true => say!("Project \"{}\" archived. Nothing was deleted", clean(&project.name)),
        false => say!("Project \"{}\" is back", clean(&project.name)),
    }
    Ok(Exit::Well)
}

fn signed_in(sign_in: &SignIn) -> String {
    let of = |text: &str, word: &str| if text.is_empty() { String::new() } else { format!(", {word} {text}") };
    let (client, tenant) = (of(&sign_in.client_id, "client"), of(&sign_in.tenant, "tenant"));
    format!("{}{client}{tenant}", sign_in.kind.words())
}

fn admin(server: &Server) -> String {
    if let Some(sign_in) = server.sign_in() {
        return signed_in(sign_in);
    }
    match server.administrator() {
        None if !server.needs_login() => "no login".into(),
        None => "each item its own login".into(),
        Some(AdminLogin::AuthorizationId { login }) => format!("administrator {login} (authorization id)"),
        Some(AdminLogin::Template { template }) => format!("administrator by the template {template}"),
    }
}

/// What is known of the providers of both sides.
fn advice(project: &Project) {
    for side in [Side::Source, Side::Destination] {
        let Some((provider, why)) = project.provider(side) else { continue };
        say!("Provider     {} is the {}, {} ({}-provider)", provider.name, side.word(), clean(&why), side.word());
        provider.advice(side).iter().for_each(|line| say!("             {line}"));
    }
}

/// `project show`
pub async fn show(workspace: &OpenWorkspace, name: &str) -> Result<Exit, CliError> {
    let project = projects::named(workspace, name).await?;
    let rows = items::all(workspace, project.id).await?;
    say!("Project      {}", clean(&project.name));
    if let Some(client) = &project.client {
        say!("Client       {}", clean(client));
    }
    if project.starts.archived {
        say!("Archived     yes: `mailferry project archive NAME --undo` brings it back");
    }
    say!("From         {} · {} · {}", project.source, admin(&project.source), project.source.protection());
    say!(
        "Into         {} · {} · {}",
        project.destination,
        admin(&project.destination),
        project.destination.protection()
    );
    advice(&project);
    options::show(workspace, &project, &rows).await?;
    if licenses::shown(workspace).await? {
        let account = licenses::of_project(workspace, project.id).await?.account;
        let free = account.free().map_or_else(|| "unlimited".into(), |free| format!("{free} free"));
        say!("Licenses     {} · {free}", clean(&account.pool.terms.name));
    }
    say!("Items        {}", rows.len());
    for status in Status::ALL {
        let count = rows.iter().filter(|row| row.status() == status).count();
        if count > 0 {
            say!("             {count} {}", status.word());
        }
    }
    Ok(Exit::Well)
}

/// `project delete`
pub async fn delete(workspace: &OpenWorkspace, name: &str) -> Result<Exit, CliError> {
    let project = projects::named(workspace, name).await?;
    let Removal { items, licenses, .. } = projects::removal(workspace, project.id).await?;
    if std::io::stdin().is_terminal() {
        confirm(&project, &counted(items, "item"), licenses.as_deref())?;
    } else if let Some(lost) = licenses {
        warn!("{lost}");
    }
    // Read again after the question: another process may have imported passwords meanwhile. Opened first: a wrong
    // passphrase must not leave passwords behind that nothing names any more.
    let Removal { items, has_secrets, .. } = projects::removal(workspace, project.id).await?;
    if has_secrets {
        unlock(workspace).await?;
    }
    let secrets = projects::remove(workspace, project.id).await?;
    let removed = remove_secrets(workspace, secrets).await;
    projects::purge(workspace).await?;
    say!("Project \"{}\" deleted with {}. No mail was touched.", clean(&project.name), counted(items, "item"));
    // Said after it: the project is gone all the same.
    removed.map(|()| Exit::Well)
}

/// Asks a person at the terminal.
fn confirm(project: &Project, counts: &str, lost: Option<&str>) -> Result<(), CliError> {
    let lost = lost.map(|lost| format!("{lost} ")).unwrap_or_default();
    let asked = write!(
        std::io::stdout(),
        "Delete project \"{}\" with {counts}, their statistics and Mailferry's records of what was copied? \
         No mail is touched. {lost}Type the name to delete it: ",
        clean(&project.name)
    );
    asked.and_then(|()| std::io::stdout().flush()).map_err(|error| CliError::cannot(error.to_string()))?;
    let mut typed = String::new();
    std::io::stdin().read_line(&mut typed).map_err(|error| CliError::cannot(error.to_string()))?;
    if typed.trim() == project.name { Ok(()) } else { Err(CliError::usage("nothing was deleted")) }
}

async fn remove_secrets(workspace: &OpenWorkspace, secrets: Vec<CredentialId>) -> Result<(), CliError> {
    if secrets.is_empty() {
        return Ok(());
    }
    // It is open already, unless they came between the last look and the removal.
    unlock(workspace).await?;
    let bar = Count::new();
    let tell = move |work: Work, done, of| bar.show(work.words(), done, of);
    let watch = Watch { tell: Arc::new(tell), ..Watch::nobody() };
    Ok(projects::remove_secrets(workspace, secrets, &watch).await?)
}
