//! `mailferry project …`

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::sync::Arc;

use crate::cli::args::NewProject;
use crate::cli::error::{CliError, Exit};
use crate::cli::progress::Count;
use crate::cli::prompt;
use crate::cli::table::Table;
use crate::cli::workspace::Opened;
use crate::domain::failure::Side;
use crate::domain::ids::CredentialId;
use crate::domain::mapping::Mapping;
use crate::domain::project::Options;
use crate::domain::server::{AdminLogin, Security, Server, Trust, parse_fingerprint};
use crate::domain::status::Status;
use crate::domain::wording::counted;
use crate::engine::desk::enter::{self, Work};
use crate::store::ItemRow;
use crate::vault::Vault;

fn server(
    side: Side,
    url: &str,
    admin: Option<&str>,
    ca: Option<&Path>,
    fingerprint: Option<&str>,
) -> Result<Server, CliError> {
    let word = side.word();
    // The address is not repeated: people write passwords into it.
    let mut server = Server::parse_url(url).map_err(|error| CliError::usage(format!("--{word}: {error}")))?;
    if server.maildir.is_some() && (admin.is_some() || ca.is_some() || fingerprint.is_some()) {
        return Err(CliError::usage(format!("--{word} is a Maildir, which has no administrator and no certificate")));
    }
    if let Some(path) = ca {
        let pem = enter::read_authorities(path);
        let pem = pem.map_err(|error| CliError::usage(format!("--{word}-ca {}: {error}", path.display())))?;
        server.trust = Trust::Authorities(pem);
    }
    if let Some(hex) = fingerprint {
        server.trust = Trust::Pinned(
            parse_fingerprint(hex)
                .ok_or_else(|| CliError::usage(format!("--{word}-cert-sha256 must be 64 hexadecimal digits")))?,
        );
    }
    if server.security == Security::Plain && server.trust != Trust::System {
        return Err(CliError::usage(format!("--{word} is imap+plain, which has no certificate to trust")));
    }
    if let Some(login) = admin {
        let admin = AdminLogin::parse(login);
        admin.validate().map_err(|error| CliError::usage(format!("--{word}-admin: {error}")))?;
        server.admin = Some(admin);
    }
    Ok(server)
}

fn clean(text: &str) -> String {
    crate::cli::table::clean(text)
}

/// `project new`
pub async fn new(opened: &Opened, new: Box<NewProject>) -> Result<Exit, CliError> {
    let name = new.name.trim().to_owned();
    if name.is_empty() || name.chars().any(char::is_control) || name.chars().count() > 200 {
        return Err(CliError::usage("a project's name has 1 to 200 characters, none of them a control character"));
    }
    let fingerprint = new.source_cert_sha256.as_deref();
    let source = server(Side::Source, &new.source, new.source_admin.as_deref(), new.source_ca.as_deref(), fingerprint)?;
    let fingerprint = new.destination_cert_sha256.as_deref();
    let (admin, ca) = (new.destination_admin.as_deref(), new.destination_ca.as_deref());
    let destination = server(Side::Destination, &new.destination, admin, ca, fingerprint)?;
    let mut options = Options { mapping: new.maps.into_iter().map(Mapping).collect(), ..Options::default() };
    options.connections = new.connections.unwrap_or(options.connections);
    options.concurrent = new.concurrent.unwrap_or(options.concurrent);
    options.validate().map_err(|error| CliError::usage(error.to_string()))?;
    if opened.store.project_named(&name).await?.is_some() {
        return Err(CliError::usage(format!("the name \"{name}\" is taken: choose another one")));
    }

    // Everything is asked for before anything is written.
    let ask =
        |server: &Server, variable, whose| server.admin.as_ref().map(|_| prompt::secret(variable, whose)).transpose();
    let secrets = [
        ask(&source, "MAILFERRY_SOURCE_PASSWORD", "password of the source's administrator")?,
        ask(&destination, "MAILFERRY_DESTINATION_PASSWORD", "password of the destination's administrator")?,
    ];
    let vault = if secrets.iter().any(Option::is_some) { Some(opened.vault().await?) } else { None };
    let words = format!("FROM {source} INTO {destination}");
    let project = (name.clone(), source, destination, options);
    enter::project(&opened.store, vault.as_ref(), opened.clock.now(), project, secrets).await?;
    say!("Project \"{name}\": {words}");
    Ok(Exit::Well)
}

/// `project list`
pub async fn list(opened: &Opened) -> Result<Exit, CliError> {
    let mut table = Table::new(&["Project", "From", "Into", ">Items", ">Completed", ">Failed"]);
    let projects = opened.store.projects().await?;
    if projects.is_empty() {
        say!("No projects yet. Make one with `mailferry project new NAME --source URL --destination URL`");
        return Ok(Exit::Well);
    }
    for project in projects {
        let rows = opened.store.items(project.id).await?;
        // What differs or waits is no more done here than in the window (D27).
        let whole = |row: &&ItemRow| {
            let counts = row.latest.as_ref().map(|pass| pass.progress.counts).unwrap_or_default();
            row.status() != Status::Completed || counts.differ + counts.waiting == 0
        };
        let count = |status| rows.iter().filter(whole).filter(|row| row.status() == status).count().to_string();
        table.row(vec![
            project.name,
            project.source.to_string(),
            project.destination.to_string(),
            rows.len().to_string(),
            count(Status::Completed),
            count(Status::Failed),
        ]);
    }
    table.print();
    Ok(Exit::Well)
}

fn trust(server: &Server) -> String {
    if server.maildir.is_some() {
        return "files on this machine".into();
    }
    match (&server.security, &server.trust) {
        (Security::Plain, _) => "no encryption".into(),
        (_, Trust::System) => "certificate checked by the system's trust store".into(),
        (_, Trust::Authorities(_)) => "certificate checked by its own CA file".into(),
        (_, Trust::Pinned(hash)) => {
            let hex: Vec<String> = hash.iter().map(|byte| format!("{byte:02X}")).collect();
            format!("certificate pinned, SHA-256 {}", hex.join(":"))
        }
    }
}

fn admin(server: &Server) -> String {
    match &server.admin {
        None if !server.needs_login() => "no login".into(),
        None => "each item its own login".into(),
        Some(AdminLogin::AuthorizationId { login }) => format!("administrator {login} (authorization id)"),
        Some(AdminLogin::Template { template }) => format!("administrator by the template {template}"),
    }
}

/// `project show`
pub async fn show(opened: &Opened, name: &str) -> Result<Exit, CliError> {
    let project = opened.project(name).await?;
    let rows = opened.store.items(project.id).await?;
    say!("Project      {}", clean(&project.name));
    say!("From         {} · {} · {}", project.source, admin(&project.source), trust(&project.source));
    say!("Into         {} · {} · {}", project.destination, admin(&project.destination), trust(&project.destination));
    let o = &project.options;
    say!("Options      {} items at once · {} connections per mailbox and side", o.concurrent, o.connections);
    say!("             maximum errors {} · retry limit {}", o.maximum_errors, o.retry_limit);
    for rule in &o.mapping {
        say!("Mapping      {}", clean(&rule.0));
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
pub async fn delete(opened: &Opened, name: &str) -> Result<Exit, CliError> {
    let project = opened.project(name).await?;
    let items = opened.store.items(project.id).await?.len();
    let counts = counted(items, "item");
    if std::io::stdin().is_terminal() {
        let _ = write!(
            std::io::stdout(),
            "Delete project \"{}\" with {counts}, their statistics and Mailferry's records of what was copied? \
             No mail is touched. Type the name to delete it: ",
            clean(&project.name)
        );
        let _ = std::io::stdout().flush();
        let mut typed = String::new();
        std::io::stdin().read_line(&mut typed).map_err(|error| CliError::cannot(error.to_string()))?;
        if typed.trim() != project.name {
            return Err(CliError::usage("nothing was deleted"));
        }
    }
    // Read again after the question: another process may have imported passwords meanwhile. Opened first: a wrong
    // passphrase must not leave passwords behind that nothing names any more.
    let rows = opened.store.items(project.id).await?;
    let kept = opened.store.project_credentials(project.id).await? != (None, None)
        || rows.iter().any(|row| row.item.source.credential.or(row.item.destination.credential).is_some());
    let vault = if kept { Some(opened.vault().await?) } else { None };
    let credentials = opened.store.delete_project(project.id).await?;
    let removed = remove(opened, vault, credentials).await;
    while opened.store.purge().await? {}
    let counts = counted(rows.len(), "item");
    say!("Project \"{}\" deleted with {counts}. No mail was touched.", clean(&project.name));
    // Said after it: the project is gone all the same.
    removed
}

/// Removes passwords from the vault. Numbers are not forgotten as long as their passwords are there: an import a day later
/// removes what could not be removed now.
async fn remove(
    opened: &Opened,
    vault: Option<Arc<dyn Vault>>,
    credentials: Vec<CredentialId>,
) -> Result<Exit, CliError> {
    if credentials.is_empty() {
        return Ok(Exit::Well);
    }
    let vault = match vault {
        Some(vault) => vault,
        // They came between the last look and the deletion.
        None => opened.vault().await?,
    };
    let bar = Count::new();
    let tell = move |work: Work, done, of| bar.show(work.words(), done, of);
    let watch = enter::Watch { tell: Arc::new(tell), ..enter::Watch::nobody() };
    enter::remove(&opened.store, &vault, credentials, &watch).await?;
    Ok(Exit::Well)
}
