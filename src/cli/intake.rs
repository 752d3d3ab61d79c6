//! `mailferry intake`, and what `credentials` does with requests: owners of mailboxes are asked for their passwords.

use std::collections::BTreeMap;

use crate::cli::args::intake::IntakeVerb;
use crate::cli::error::{CliError, Exit};
use crate::cli::reasons::Reasons;
use crate::cli::table::clean;
use crate::cli::workspace::{ids, unlock};
use crate::domain::wording::counted;
use crate::platform::interrupts::Interrupts;
use crate::service::asking::{self, Asking};
use crate::service::orders::Commander;
use crate::service::start::take;
use crate::service::{OpenWorkspace, RunningEngine, Takes, items, projects};

/// `intake`
pub async fn intake(workspace: &OpenWorkspace, verb: IntakeVerb) -> Result<Exit, CliError> {
    match verb {
        IntakeVerb::Serve => serve(workspace).await,
        IntakeVerb::Check => {
            asking::can_ask(workspace).await?;
            say!("Owners can be asked: mail is set, and the public address leads to the form");
            Ok(Exit::Well)
        }
    }
}

async fn serve(workspace: &OpenWorkspace) -> Result<Exit, CliError> {
    let lock = take(workspace).await?;
    unlock(workspace).await?;
    let mut presses =
        Interrupts::listen().map_err(|error| CliError::cannot(format!("listening for Ctrl-C: {error}")))?;
    let engine = RunningEngine::start(workspace, lock, Takes::All)?;
    let asking = match Asking::begin(workspace, engine.orders()).await {
        Ok(asking) => asking,
        Err(error) => {
            engine.close().await;
            return Err(error.into());
        }
    };
    let (url, address) = asking.places();
    say!("The form is open at {url} (listening at {address}). Owners who wait are asked by mail. Ctrl-C ends");
    asking::go_on(workspace, &engine).await?;
    presses.next().await;
    warn!(
        "Ending: what runs is stopped, and messages under way are finished first. Ctrl-C again drops the connections"
    );
    let end = async {
        asking.end().await;
        engine.close().await;
    };
    tokio::select! {
        () = end => Ok(Exit::Well),
        () = presses.next() => Ok(Exit::Items),
    }
}

/// `credentials remind`
pub async fn remind(workspace: &OpenWorkspace, project: &str, named: &[String]) -> Result<Exit, CliError> {
    let project = projects::named(workspace, project).await?;
    let rows = items::select(workspace, &project, named).await?;
    let without = asking::remind(workspace, &ids(&rows)).await?;
    say!("{} asked once more, with the same link.", counted(rows.len() - without.len(), "owner"));
    let reason = "its owner was not asked, or does not have to be any more";
    let left: BTreeMap<_, _> = without.iter().map(|item| (*item, reason.to_owned())).collect();
    let all_left = left.len() == rows.len();
    Reasons::of(left.into_iter(), &rows, |_| true).lines().for_each(|line| warn!("{line}"));
    Ok(match (without.is_empty(), all_left) {
        (true, _) => Exit::Well,
        (false, true) => Exit::Usage,
        (false, false) => Exit::Items,
    })
}

/// `credentials again`
pub async fn again(workspace: &OpenWorkspace, project: &str, named: &str) -> Result<Exit, CliError> {
    let project = projects::named(workspace, project).await?;
    let row = items::select(workspace, &project, std::slice::from_ref(&named.to_owned())).await?.remove(0);
    unlock(workspace).await?;
    let outcome = asking::ask_again(workspace, (project.id, row.item.id), Commander::Anybody(workspace)).await?;
    if let Some((_, why)) = outcome.left.first() {
        warn!("{}: {why}", clean(&items::key(&row)));
        return Ok(Exit::Items);
    }
    say!("{} is asked anew, with a new link", clean(&items::key(&row)));
    Ok(Exit::Well)
}

/// `credentials link`
pub async fn link(workspace: &OpenWorkspace, project: &str, named: &str) -> Result<Exit, CliError> {
    let project = projects::named(workspace, project).await?;
    let row = items::select(workspace, &project, std::slice::from_ref(&named.to_owned())).await?.remove(0);
    unlock(workspace).await?;
    let link = asking::link(workspace, row.item.id).await?;
    say!("{}", clean(link.expose()));
    Ok(Exit::Well)
}
