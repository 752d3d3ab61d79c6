//! `hybrid users …`

use serde_json::json;

use crate::cli::args::hybrid::UsersVerb;
use crate::cli::error::{CliError, Exit};
use crate::cli::table::{Table, clean};
use crate::cli::workspace::unlock;
use crate::domain::wording::{counted, size};
use crate::service::hybrid::{self, HybridUser, MoveStatus, batches, percent, users as of_users};
use crate::service::{OpenWorkspace, times};

/// `hybrid users`
pub async fn users(workspace: &OpenWorkspace, verb: UsersVerb) -> Result<Exit, CliError> {
    match verb {
        UsersVerb::Import { project, file, directory } => {
            let project = hybrid::named(workspace, &project).await?;
            let came = match file.filter(|_| !directory) {
                Some(file) => of_users::import(workspace, &project, file).await?,
                None => {
                    unlock(workspace).await?;
                    of_users::import_from_directory(workspace, &project).await?
                }
            };
            let named = usize::try_from(came.named).unwrap_or(usize::MAX);
            say!("{}: {} new, {} with another location", counted(named, "user"), came.new, came.changed);
            Ok(Exit::Well)
        }
        UsersVerb::List { project, batch, unbatched, json } => {
            list(workspace, &project, (batch.as_deref(), unbatched), json).await
        }
        UsersVerb::Show { project, user, report } => show(workspace, &project, user, report).await,
    }
}

async fn list(
    workspace: &OpenWorkspace,
    project: &str,
    (batch, unbatched): (Option<&str>, bool),
    as_json: bool,
) -> Result<Exit, CliError> {
    let project = hybrid::named(workspace, project).await?;
    let lines = batches::all(workspace, &project).await?;
    let only = match batch {
        Some(name) => Some(batches::named(workspace, &project, name).await?.batch.id),
        None => None,
    };
    let mut all = of_users::all(workspace, &project).await?;
    all.retain(|user| only.is_none_or(|only| user.batch == Some(only)) && (!unbatched || user.batch.is_none()));
    let name = |user: &HybridUser| {
        let line = lines.iter().find(|line| Some(line.batch.id) == user.batch);
        line.map_or_else(|| "Unbatched".to_owned(), |line| line.batch.name.clone())
    };
    let failed = all.iter().any(|user| user.status == MoveStatus::Failed);
    if as_json {
        let rows: Vec<_> = all.iter().map(|user| as_value(user, &name(user))).collect();
        say!("{}", json!({"project": project.name, "preview": true, "users": rows}));
    } else {
        let mut table = Table::new(&["User", "Batch", "Status", ">%", "Service says", ">Items", ">Left out", "Remark"]);
        for user in &all {
            let count = |number: Option<u64>| number.map_or_else(|| "–".to_owned(), |number| number.to_string());
            table.row(vec![
                user.address.clone(),
                name(user),
                user.status.word().into(),
                percent(user.status, user.told.percent).to_string(),
                user.told.word.clone().unwrap_or_default(),
                count(user.told.synced),
                count(user.told.skipped),
                user.remark(),
            ]);
        }
        table.print();
    }
    Ok(if failed { Exit::Items } else { Exit::Well })
}

fn as_value(user: &HybridUser, batch: &str) -> serde_json::Value {
    json!({
        "user": user.address,
        "batch": user.batch.map(|_| batch),
        "status": user.status,
        "percent": percent(user.status, user.told.percent),
        "service_says": user.told.word,
        "synced": user.told.synced,
        "skipped": user.told.skipped,
        "bytes": user.told.bytes,
        "note": user.note,
        "open": user.open.keys().collect::<Vec<_>>(),
    })
}

async fn show(workspace: &OpenWorkspace, project: &str, address: String, report: bool) -> Result<Exit, CliError> {
    let project = hybrid::named(workspace, project).await?;
    let user = of_users::select(workspace, &project, &[address]).await?.remove(0);
    let zone = times::zone();
    say!("User         {}", clean(&user.address));
    say!("Status       {} since {}: {}", user.status.word(), times::told(user.since, &zone), user.status.meaning());
    say!("Per cent     {}", percent(user.status, user.told.percent));
    if let Some(word) = &user.told.word {
        say!("Service says {}", clean(word));
    }
    let count = |number: Option<u64>| number.map_or_else(|| "not told".to_owned(), |number| number.to_string());
    say!("Items        {} synced, {} left out", count(user.told.synced), count(user.told.skipped));
    say!("Data         {}", user.told.bytes.map_or_else(|| "not told".to_owned(), size));
    if let Some(last) = user.told.last_sync {
        say!("Last sync    {}", times::told(last, &zone));
    }
    let remark = user.remark();
    if !remark.is_empty() {
        say!("Remark       {}", clean(&remark));
    }
    for event in of_users::events(workspace, &user).await? {
        say!("  {}  {}", times::told(event.at, &zone), clean(&event.text));
    }
    if report {
        unlock(workspace).await?;
        let (at, text) = hybrid::report(workspace, &project, &user).await?;
        say!("Report of {}:", times::told(at, &zone));
        text.lines().for_each(|line| say!("{}", clean(line)));
    }
    Ok(if user.status == MoveStatus::Failed { Exit::Items } else { Exit::Well })
}
