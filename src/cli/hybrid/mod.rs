//! `mailferry hybrid …`, and `project new --kind hybrid`.

mod batches;
mod users;
mod watch;

use crate::cli::args::NewProjectArgs;
use crate::cli::args::hybrid::{HybridVerb, HybridWords};
use crate::cli::error::{CliError, Exit};
use crate::cli::prompt;
use crate::cli::table::{Table, clean};
use crate::cli::workspace::unlock;
use crate::domain::guide::{Block, Guide, GuideValues};
use crate::domain::hybrid::settings::location;
use crate::domain::ids::PoolId;
use crate::domain::sign_in::{SignIn, SignInKind};
use crate::domain::wording::counted;
use crate::service::hybrid::{
    self, CheckLine, HybridProject, HybridSettings, NewHybrid, PREVIEW, batches as of_batches,
};
use crate::service::{OpenWorkspace, licenses};

/// The variable with the application's secret.
const SECRET: &str = "MAILFERRY_TENANT_SECRET";

/// `hybrid`
pub async fn hybrid(workspace: &OpenWorkspace, verb: HybridVerb) -> Result<Exit, CliError> {
    match verb {
        HybridVerb::List => list(workspace).await,
        HybridVerb::Set { project, settings } => set(workspace, &project, &settings).await,
        HybridVerb::Delete { project, confirm } => delete(workspace, &project, confirm).await,
        HybridVerb::Guide { project } => guide(workspace, project.as_deref()).await,
        HybridVerb::Check { project, batch } => check(workspace, &project, batch.as_deref()).await,
        HybridVerb::Endpoints { project } => endpoints(workspace, &project).await,
        HybridVerb::Users(verb) => users::users(workspace, verb).await,
        HybridVerb::Batch(verb) => batches::batch(workspace, verb).await,
        HybridVerb::Watch { project, once, record } => {
            watch::watch(workspace, project.as_deref(), once, record.as_deref()).await
        }
    }
}

/// `project new --kind hybrid`
pub async fn new(workspace: &OpenWorkspace, new: NewProjectArgs) -> Result<Exit, CliError> {
    if new.source.is_some() || new.destination.is_some() {
        return Err(CliError::usage("a hybrid project has no --source and --destination: it has a --tenant"));
    }
    if new.client.is_some() {
        return Err(CliError::usage("a hybrid project has no --client"));
    }
    let pool = match &new.license_pool {
        Some(name) => licenses::named(workspace, name).await?.pool.id,
        None => PoolId::FIRST,
    };
    let settings = settings(&new.hybrid)?;
    settings.validate().map_err(|error| CliError::usage(error.to_string()))?;
    let secret = match new.hybrid.certificate {
        Some(_) => None,
        None => Some(prompt::secret(SECRET, "client secret of the application")?),
    };
    unlock(workspace).await?;
    let name = new.name.trim().to_owned();
    let key_file = new.hybrid.certificate;
    hybrid::create(workspace, NewHybrid { name: name.clone(), settings, pool, secret, key_file }).await?;
    say!("Hybrid project \"{}\". {PREVIEW}", clean(&name));
    say!("`mailferry hybrid check` says whether the tenant is ready");
    Ok(Exit::Well)
}

fn settings(words: &HybridWords) -> Result<HybridSettings, CliError> {
    let text = |word: &Option<String>| word.as_deref().unwrap_or_default().trim().to_owned();
    let mut settings = HybridSettings {
        sign_in: SignIn {
            cloud: words.cloud.map(Into::into).unwrap_or_default(),
            tenant: text(&words.tenant),
            client_id: text(&words.client_id),
            token_url: text(&words.token_url),
            ..SignIn::of(SignInKind::MicrosoftApp)
        },
        endpoint: text(&words.endpoint),
        target_domain: text(&words.target_domain),
        sku: text(&words.sku),
        location: text(&words.location).to_ascii_uppercase(),
        exchange_url: text(&words.exchange_url),
        graph_url: text(&words.graph_url),
        ..HybridSettings::default()
    };
    for attribute in &words.attributes {
        settings.attributes.set(attribute).map_err(|error| CliError::usage(format!("--attribute: {error}")))?;
    }
    Ok(settings)
}

async fn list(workspace: &OpenWorkspace) -> Result<Exit, CliError> {
    let projects = hybrid::all(workspace).await?;
    if projects.is_empty() {
        say!("No hybrid projects yet. Make one with `mailferry project new NAME --kind hybrid`. {PREVIEW}");
        return Ok(Exit::Well);
    }
    let mut table = Table::new(&["Hybrid project (preview)", "Tenant", "Endpoint", ">Batches", ">Users", "License"]);
    let mut exit = Exit::Well;
    let mut troubles = Vec::new();
    for project in projects {
        let (batches, users) =
            (of_batches::all(workspace, &project).await?, hybrid::users::all(workspace, &project).await?);
        let HybridProject { name, settings, trouble, .. } = project;
        if let Some(trouble) = trouble {
            exit = Exit::Items;
            troubles.push(format!("{name}: {}", trouble.text));
        }
        let HybridSettings { sign_in, endpoint, sku, .. } = settings;
        table.row(vec![name, sign_in.tenant, endpoint, batches.len().to_string(), users.len().to_string(), sku]);
    }
    table.print();
    troubles.iter().for_each(|line| warn!("{}", clean(line)));
    Ok(exit)
}

async fn set(workspace: &OpenWorkspace, project: &str, said: &[String]) -> Result<Exit, CliError> {
    let project = hybrid::named(workspace, project).await?;
    let mut settings = project.settings.clone();
    for setting in said {
        let (key, value) =
            setting.split_once('=').ok_or_else(|| CliError::usage(format!("{setting}: write KEY=VALUE")))?;
        let value = value.trim().to_owned();
        match key.trim() {
            "license" => settings.sku = value,
            "endpoint" => settings.endpoint = value,
            "target-domain" => settings.target_domain = value,
            "location" if value.is_empty() => settings.location = value,
            "location" => {
                let two = || CliError::usage("location: it has two letters, as DE");
                settings.location = location(&value).ok_or_else(two)?;
            }
            _ => settings.attributes.set(setting).map_err(|error| CliError::usage(error.to_string()))?,
        }
    }
    hybrid::change(workspace, &project, settings).await?;
    say!("Changed. What is set on mailboxes is read when they are finalized");
    Ok(Exit::Well)
}

async fn delete(workspace: &OpenWorkspace, project: &str, confirm: bool) -> Result<Exit, CliError> {
    let project = hybrid::named(workspace, project).await?;
    let users = hybrid::users::all(workspace, &project).await?;
    let question = format!(
        "Delete \"{}\" with Mailferry's records of {}? Licenses they have consumed are lost; nothing is changed in the tenant.",
        clean(&project.name),
        counted(users.len(), "user")
    );
    if !confirm && !prompt::yes(&question)? {
        return Err(CliError::usage(format!("{question}\nSay so with --confirm")));
    }
    unlock(workspace).await?;
    hybrid::remove(workspace, &project).await?;
    say!("Deleted");
    Ok(Exit::Well)
}

async fn guide(workspace: &OpenWorkspace, project: Option<&str>) -> Result<Exit, CliError> {
    let values = match project {
        Some(name) => GuideValues::of_hybrid(&hybrid::named(workspace, name).await?),
        None => GuideValues::default(),
    };
    for block in Guide::HybridExchange.blocks(&values) {
        match block {
            Block::Heading(_, text) => say!("\n{}\n", clean(&text)),
            Block::Text(text) => say!("{}", clean(&text)),
            Block::Code(text) => text.lines().for_each(|line| say!("    {}", clean(line))),
        }
    }
    Ok(Exit::Well)
}

/// Prints lines of a check; answers how it ends.
fn say_lines(lines: &[CheckLine]) -> Exit {
    for line in lines {
        line.to_string().lines().for_each(|text| say!("{}", clean(text)));
    }
    if lines.iter().all(CheckLine::is_right) { Exit::Well } else { Exit::Items }
}

async fn check(workspace: &OpenWorkspace, project: &str, batch: Option<&str>) -> Result<Exit, CliError> {
    let project = hybrid::named(workspace, project).await?;
    let users = match batch {
        Some(name) => {
            let line = of_batches::named(workspace, &project, name).await?;
            of_batches::members(workspace, &project, line.batch.id).await?
        }
        None => hybrid::users::all(workspace, &project).await?,
    };
    unlock(workspace).await?;
    say!("{PREVIEW}");
    let lines = hybrid::check::check(workspace, &project, &users).await?;
    Ok(say_lines(&lines))
}

async fn endpoints(workspace: &OpenWorkspace, project: &str) -> Result<Exit, CliError> {
    let project = hybrid::named(workspace, project).await?;
    unlock(workspace).await?;
    let mut table = Table::new(&["Endpoint", "Kind", "Server"]);
    let found = hybrid::check::endpoints(workspace, &project).await?;
    if found.is_empty() {
        warn!("The tenant has no migration endpoint; create one in the Exchange admin center (Migration, Endpoints)");
        return Ok(Exit::Items);
    }
    found.into_iter().for_each(|one| table.row(vec![one.name, one.kind, one.server]));
    table.print();
    Ok(Exit::Well)
}
