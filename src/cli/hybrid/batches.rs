//! `hybrid batch …`

use serde_json::json;

use super::say_lines;
use super::watch::first_round;
use crate::cli::args::hybrid::{BatchUsers, BatchVerb};
use crate::cli::error::{CliError, Exit};
use crate::cli::prompt;
use crate::cli::table::{Table, clean};
use crate::cli::workspace::unlock;
use crate::domain::hybrid::order::Stage;
use crate::domain::wording::counted;
use crate::service::hybrid::batches::{self, BatchLine, Started};
use crate::service::hybrid::{self, HybridProject, LeftOut, MoveStatus, PREVIEW, users as of_users};
use crate::service::{OpenWorkspace, times};

/// Orders that are told.
const TOLD: usize = 50;

/// `hybrid batch`
pub async fn batch(workspace: &OpenWorkspace, verb: BatchVerb) -> Result<Exit, CliError> {
    match verb {
        BatchVerb::New { project, batch, users } => new(workspace, &project, &batch, &users).await,
        BatchVerb::Add(BatchUsers { project, batch, users }) => add(workspace, &project, &batch, &users).await,
        BatchVerb::MoveOut { project, users, confirm } => move_out(workspace, &project, &users, confirm).await,
        BatchVerb::Start { project, batch, unchecked } => start(workspace, &project, &batch, unchecked).await,
        BatchVerb::Finalize { project, batch, users, at } => {
            finalize(workspace, (&project, &batch), &users, at.as_deref()).await
        }
        BatchVerb::Approve(BatchUsers { project, users, .. }) => approve(workspace, &project, &users).await,
        BatchVerb::Status { project, batch, json } => status(workspace, &project, batch.as_deref(), json).await,
    }
}

/// Says who was left alone; answers how it ends.
fn say_left(left: &[LeftOut], all: usize) -> Exit {
    left.iter().for_each(|left| warn!("{}: left alone: {}", clean(&left.address), left.why));
    match left.len() {
        0 => Exit::Well,
        left if left == all => Exit::Usage,
        _ => Exit::Items,
    }
}

async fn new(workspace: &OpenWorkspace, project: &str, batch: &str, users: &[String]) -> Result<Exit, CliError> {
    let project = hybrid::named(workspace, project).await?;
    let members = of_users::select(workspace, &project, users).await?;
    let id = batches::new(workspace, &project, batch).await?;
    let left = batches::move_in(workspace, &project, id, &members).await?;
    say!("Batch \"{}\" with {}", clean(batch.trim()), counted(members.len() - left.len(), "user"));
    Ok(if say_left(&left, members.len()) == Exit::Well { Exit::Well } else { Exit::Items })
}

async fn add(workspace: &OpenWorkspace, project: &str, batch: &str, users: &[String]) -> Result<Exit, CliError> {
    let project = hybrid::named(workspace, project).await?;
    let line = batches::named(workspace, &project, batch).await?;
    let members = of_users::select(workspace, &project, users).await?;
    let left = batches::move_in(workspace, &project, line.batch.id, &members).await?;
    say!("{} moved into \"{}\"", counted(members.len() - left.len(), "user"), clean(&line.batch.name));
    Ok(say_left(&left, members.len()))
}

async fn move_out(workspace: &OpenWorkspace, project: &str, users: &[String], confirm: bool) -> Result<Exit, CliError> {
    let project = hybrid::named(workspace, project).await?;
    let members = of_users::select(workspace, &project, users).await?;
    if let Some(question) = batches::move_out_question(&members)
        && !confirm
        && !prompt::yes(&format!("{question} Move out?"))?
    {
        return Err(CliError::usage(format!("{question} Say so with --confirm; nothing was changed")));
    }
    let left = batches::move_out(workspace, &project, &members).await?;
    let exit = say_left(&left, members.len());
    if left.len() == members.len() {
        return Ok(exit);
    }
    say!("{} to be moved out", counted(members.len() - left.len(), "user"));
    Ok(exit.max(first_round(workspace, &project).await?))
}

async fn start(workspace: &OpenWorkspace, project: &str, batch: &str, unchecked: bool) -> Result<Exit, CliError> {
    let project = hybrid::named(workspace, project).await?;
    let line = batches::named(workspace, &project, batch).await?;
    if !unchecked {
        unlock(workspace).await?;
    }
    say!("{PREVIEW}");
    let mut exit = Exit::Well;
    match batches::start(workspace, &project, line.batch.id, unchecked).await? {
        Started::NotReady(lines) => {
            say_lines(&lines);
            return Err(CliError::usage("not started: the tenant is not ready; --unchecked starts all the same"));
        }
        Started::Submitted(lines) => {
            if !lines.is_empty() {
                exit = say_lines(&lines);
            }
        }
    }
    say!("Batch \"{}\" is submitted", clean(&line.batch.name));
    Ok(exit.max(first_round(workspace, &project).await?))
}

async fn finalize(
    workspace: &OpenWorkspace,
    (project, batch): (&str, &str),
    users: &[String],
    at: Option<&str>,
) -> Result<Exit, CliError> {
    let project = hybrid::named(workspace, project).await?;
    let line = batches::named(workspace, &project, batch).await?;
    let zone = times::zone();
    let at = at
        .map(|text| times::start(text, workspace.now(), &zone))
        .transpose()
        .map_err(crate::service::ServiceError::from)?;
    let at = at.map(|schedule| schedule.at);
    let members = of_users::select(workspace, &project, users).await?;
    let only = (!users.is_empty()).then_some(members.as_slice());
    let left = batches::finalize(workspace, &project, line.batch.id, only, at).await?;
    let exit = say_left(&left, usize::MAX);
    match at {
        Some(at) => say!("Finalization is scheduled for {}", times::told(at, &zone)),
        None => say!("Finalization is ordered"),
    }
    Ok(exit.max(first_round(workspace, &project).await?))
}

async fn approve(workspace: &OpenWorkspace, project: &str, users: &[String]) -> Result<Exit, CliError> {
    let project = hybrid::named(workspace, project).await?;
    let members = of_users::select(workspace, &project, users).await?;
    let left = batches::approve(workspace, &project, &members).await?;
    let exit = say_left(&left, members.len());
    if left.len() == members.len() {
        return Ok(exit);
    }
    Ok(exit.max(first_round(workspace, &project).await?))
}

async fn status(
    workspace: &OpenWorkspace,
    project: &str,
    batch: Option<&str>,
    as_json: bool,
) -> Result<Exit, CliError> {
    let project = hybrid::named(workspace, project).await?;
    let lines = match batch {
        Some(name) => vec![batches::named(workspace, &project, name).await?],
        None => batches::all(workspace, &project).await?,
    };
    if as_json {
        let rows: Vec<_> = lines.iter().map(as_value).collect();
        let trouble = project.trouble.as_ref().map(|trouble| &trouble.text);
        say!("{}", json!({"project": project.name, "preview": true, "trouble": trouble, "batches": rows}));
    } else {
        table(&lines);
        if let Some(trouble) = &project.trouble {
            let until = times::told(trouble.until, &times::zone());
            warn!("The service is not asked until {until}: {}", clean(&trouble.text));
        }
        if let ([line], Some(_)) = (lines.as_slice(), batch) {
            detail(workspace, &project, line).await?;
        }
    }
    let failed = lines.iter().any(|line| line.progress.failed > 0) || project.trouble.is_some();
    Ok(if failed { Exit::Items } else { Exit::Well })
}

fn as_value(line: &BatchLine) -> serde_json::Value {
    let BatchLine { batch, status, progress } = line;
    json!({
        "batch": batch.name, "status": status, "service_says": batch.word, "users": progress.users,
        "completed": progress.completed, "pending": progress.pending, "failed": progress.failed,
        "percent": progress.percent, "synced": progress.synced, "skipped": progress.skipped,
        "finalize_at": batch.finalize_at, "polled": batch.polled,
    })
}

fn table(lines: &[BatchLine]) {
    let heads = ["Batch (preview)", "Status", "Users done", ">%", ">Failed", ">Items", ">Left out", "Service says"];
    let mut table = Table::new(&heads);
    for BatchLine { batch, status, progress } in lines {
        table.row(vec![
            batch.name.clone(),
            status.word().into(),
            format!("{} of {}", progress.completed, progress.users),
            progress.percent.to_string(),
            progress.failed.to_string(),
            progress.synced.to_string(),
            progress.skipped.to_string(),
            batch.word.clone().unwrap_or_default(),
        ]);
    }
    table.print();
}

/// One batch: what its status means, its time, its orders.
async fn detail(workspace: &OpenWorkspace, project: &HybridProject, line: &BatchLine) -> Result<(), CliError> {
    let zone = times::zone();
    let BatchLine { batch, status, progress } = line;
    say!("{}: {}", status.word(), status.meaning());
    say!("At the service it is called {}", clean(&batch.remote_name));
    if let Some(at) = batch.finalize_at {
        say!("Finalization: {}", times::told(at, &zone));
    }
    let users = batches::members(workspace, project, batch.id).await?;
    if progress.failed > 0 {
        for user in users.iter().filter(|user| user.status == MoveStatus::Failed) {
            warn!("{}: {}", clean(&user.address), clean(user.note.as_deref().unwrap_or("no reason is known")));
        }
    }
    for order in batches::orders(workspace, batch.id).await?.into_iter().take(TOLD) {
        let whose = users.iter().find(|user| Some(user.id) == order.user);
        let whose = whose.map_or_else(|| "the batch".to_owned(), |user| clean(&user.address));
        let stage = match (order.stage, order.sent) {
            (Stage::Open, None) => "not sent yet",
            (Stage::Open, Some(_)) => "sent, looked for",
            (Stage::Done, _) => "done",
            (Stage::Refused, _) => "refused",
            (Stage::Dropped, _) => "dropped",
        };
        let note = order.note.map(|note| format!(": {}", clean(&note))).unwrap_or_default();
        say!("  {}  {} {whose}: {stage}{note}", times::told(order.created, &zone), order.order.word());
    }
    Ok(())
}
