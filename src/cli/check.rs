//! `mailferry check`: tests the connections of a project, step by step, and changes nothing.

use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use crate::cli::args::check::CheckArgs;
use crate::cli::error::{CliError, Exit};
use crate::cli::table::clean;
use crate::cli::workspace::unlock;
use crate::domain::check::CheckLine;
use crate::domain::failure::Side;
use crate::domain::plain_text::escaped;
use crate::domain::project::Project;
use crate::domain::wording::capital;
use crate::service::check::{self, CheckOf};
use crate::service::items::{StoredItem, key};
use crate::service::projects::NewServer;
use crate::service::{OpenWorkspace, items, projects};

/// The number of this form; it grows when a field changes its meaning.
const SCHEMA: u32 = 1;

#[derive(Serialize)]
struct Report {
    schema: u32,
    /// Whether all steps of all tests hold.
    well: bool,
    tests: Vec<Test>,
}

#[derive(Serialize)]
struct Test {
    /// The addresses of the item; none where only the servers were tested.
    item: Option<String>,
    well: bool,
    steps: Vec<CheckLine>,
}

/// `check`
pub async fn check(workspace: &OpenWorkspace, asked: CheckArgs) -> Result<Exit, CliError> {
    let CheckArgs { project, items: names, json } = asked;
    let project = projects::named(workspace, &project).await?;
    let mut rows = items::select(workspace, &project, &names).await?;
    if names.is_empty() {
        // Many mailboxes are what Verify Credentials is for.
        rows.truncate(1);
    }
    if !rows.is_empty() && (project.source.needs_login() || project.destination.needs_login()) {
        unlock(workspace).await?;
    }
    let mut tests = Vec::new();
    if rows.is_empty() {
        tests.push(test(workspace, &project, None, json).await?);
    }
    for row in &rows {
        tests.push(test(workspace, &project, Some(row), json).await?);
    }
    let well = tests.iter().all(|test| test.well);
    if json {
        let report = serde_json::to_string_pretty(&Report { schema: SCHEMA, well, tests });
        say!("{}", escaped(&report.map_err(|error| CliError::cannot(error.to_string()))?));
    } else {
        say!("{}. Nothing was changed.", if well { "All steps hold" } else { "Not all steps hold" });
    }
    Ok(if well { Exit::Well } else { Exit::Items })
}

async fn test(
    workspace: &OpenWorkspace,
    project: &Project,
    row: Option<&StoredItem>,
    json: bool,
) -> Result<Test, CliError> {
    let of = match row {
        Some(row) => CheckOf::Item(row.item.id),
        None => CheckOf::Servers([Side::Source, Side::Destination].map(|side| (side, known(project, side))).into()),
    };
    if let (Some(row), false) = (row, json) {
        say!("{} → {}", clean(&row.item.source.email), clean(&row.item.destination.email));
    }
    let steps = Mutex::new(Vec::new());
    let told = |line: CheckLine| {
        let mut steps = steps.lock().unwrap_or_else(PoisonError::into_inner);
        if !json {
            print(project, &line, steps.last());
        }
        steps.push(line);
    };
    let well = check::run(workspace, of, &told).await?;
    Ok(Test { item: row.map(key), well, steps: steps.into_inner().unwrap_or_else(PoisonError::into_inner) })
}

fn known(project: &Project, side: Side) -> NewServer {
    NewServer { server: project.server(side).clone(), authorities: None, password: None, key_file: None }
}

/// A step, and before the first one of a side which that is.
fn print(project: &Project, line: &CheckLine, before: Option<&CheckLine>) {
    if before.is_none_or(|before| before.side != line.side) {
        say!("{}: {}", capital(line.side.word()), clean(&project.server(line.side).to_string()));
    }
    for text in line.as_text().lines() {
        say!("  {}", clean(text));
    }
}
