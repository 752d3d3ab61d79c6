//! `mailferry signin`, and what `project new` and `project edit` are told about signing in.

use std::path::Path;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::cli::args::sign_in::{SideWords, SignInVerb};
use crate::cli::error::{CliError, Exit};
use crate::cli::prompt;
use crate::cli::table::clean;
use crate::cli::workspace::unlock;
use crate::domain::failure::Side;
use crate::domain::secret::Secret;
use crate::domain::server::Server;
use crate::domain::sign_in::{SignIn, SignInKind};
use crate::service::orders::Commander;
use crate::service::sign_in::{self, Shown, Signing, Way};
use crate::service::{OpenWorkspace, items, projects};

/// Has a server signed in to as it was said; answers the secret that came with a file.
///
/// # Errors
/// What was said does not fit together, or the file cannot be read.
pub fn apply(server: &mut Server, side: Side, words: SideWords<'_>) -> Result<Option<Secret>, CliError> {
    let word = side.word();
    let wrong = |text: String| CliError::usage(format!("--{word}-signin: {text}"));
    let after = match (words.kind.map(|kind| kind.kind()), server.sign_in()) {
        (None, None) if !words.says_more() => return Ok(None),
        (None, None) | (Some(None), _) if words.says_more() => {
            return Err(wrong(
                "with passwords there is no tenant, client, file, address or scope; leave them out".into(),
            ));
        }
        (None, None) | (Some(None), _) => None,
        (Some(Some(kind)), Some(before)) if before.kind == kind => Some(filled(before.clone(), words)),
        (Some(Some(kind)), _) => Some(filled(SignIn::of(kind), words)),
        (None, Some(before)) => Some(filled(before.clone(), words)),
    };
    server.set_sign_in(after).map_err(|error| wrong(error.to_string()))?;
    let secret = file(server, side, words)?;
    sign_in::check(side, server, secret.as_ref()).map_err(|error| CliError::usage(error.to_string()))?;
    Ok(secret)
}

/// A sign-in with what was said of it; "" empties a field.
fn filled(mut sign_in: SignIn, words: SideWords<'_>) -> SignIn {
    sign_in.cloud = words.cloud.map_or(sign_in.cloud, Into::into);
    for (field, said) in [
        (&mut sign_in.tenant, words.tenant),
        (&mut sign_in.client_id, words.client_id),
        (&mut sign_in.token_url, words.token_url),
        (&mut sign_in.authorize_url, words.authorize_url),
        (&mut sign_in.device_url, words.device_url),
        (&mut sign_in.scope, words.scope),
    ] {
        if let Some(said) = said {
            said.trim().clone_into(field);
        }
    }
    sign_in
}

fn file(server: &Server, side: Side, words: SideWords<'_>) -> Result<Option<Secret>, CliError> {
    let kind = server.sign_in().map(|sign_in| sign_in.kind);
    let takes_certificates = matches!(kind, Some(SignInKind::MicrosoftApp | SignInKind::CustomApp));
    let unfit = |what: &str| CliError::usage(format!("--{}-{what} does not belong to this sign-in", side.word()));
    match (words.certificate, words.service_key) {
        (None, None) => Ok(None),
        (Some(_), _) if !takes_certificates => Err(unfit("certificate")),
        (_, Some(_)) if kind != Some(SignInKind::GoogleService) => Err(unfit("service-key")),
        (Some(file), _) | (None, Some(file)) => read(file).map(Some),
    }
}

fn read(file: &Path) -> Result<Secret, CliError> {
    sign_in::read_file(file).map_err(|error| CliError::usage(format!("{}: {error}", file.display())))
}

/// The secret of a server that has a new sign-in: from its file, from the environment, or asked for; none where it can do
/// without and none was given.
pub fn secret(server: &Server, side: Side, from_file: Option<Secret>) -> Result<Option<Secret>, CliError> {
    let Some(sign_in) = server.sign_in() else { return Ok(None) };
    let (what, optional) = sign_in.kind.secret();
    let variable = variable(side);
    let secret = match from_file {
        Some(secret) => Some(secret),
        None if optional => prompt::from_environment(variable),
        None if sign_in.kind == SignInKind::GoogleService => {
            let text = format!("the {what} is needed: name its file with --{}-service-key", side.word());
            return Err(CliError::usage(text));
        }
        None => Some(prompt::secret(variable, &format!("{what} of the {}", side.word()))?),
    };
    sign_in::check(side, server, secret.as_ref()).map_err(|error| CliError::usage(error.to_string()))?;
    Ok(secret)
}

/// The variable with a client secret at this side.
pub fn variable(side: Side) -> &'static str {
    match side {
        Side::Source => "MAILFERRY_SOURCE_SECRET",
        Side::Destination => "MAILFERRY_DESTINATION_SECRET",
    }
}

/// `signin`
pub async fn sign_in(workspace: &OpenWorkspace, asked: SignInVerb) -> Result<Exit, CliError> {
    let project = projects::named(workspace, &asked.project).await?;
    let row = items::select(workspace, &project, std::slice::from_ref(&asked.item)).await?.remove(0);
    let side = asked.side.into();
    sign_in::by_person(&project, side).map_err(|error| CliError::usage(error.to_string()))?;
    unlock(workspace).await?;
    let way = if asked.device { Way::Device } else { Way::Browser };
    let whose = match side {
        Side::Source => row.item.source.login_name(),
        Side::Destination => row.item.destination.login_name(),
    };
    let whose = clean(whose);
    let shown_as = whose.to_string();
    let tell = move |shown: Shown<'_>| match shown {
        Shown::Page(page) => {
            warn!("Sign in as {shown_as} in the browser. If no page opens, open this one:\n{page}");
            // It is shown all the same.
            drop(webbrowser::open(page));
        }
        Shown::Code(code) => {
            let minutes = code.lives.as_secs() / 60;
            warn!(
                "Open {} and sign in as {shown_as} with the code {} (within {minutes} minutes)",
                code.page, code.user_code
            );
        }
    };
    let signing = Signing { tell: Arc::new(tell), cancel: CancellationToken::new() };
    let engine = Commander::Anybody(workspace);
    sign_in::sign_in(workspace, (row.item.id, side), way, &signing, engine).await?;
    say!("Signed in to the {} as {whose}", side.word());
    Ok(Exit::Well)
}
