//! `mailferry log`: what happened to an item, from the database.

use crate::cli::error::{CliError, Exit};
use crate::cli::errors::item_of;
use crate::cli::start::closing;
use crate::cli::status::{NAMED, failure_text, item_error_line};
use crate::cli::table::clean;
use crate::domain::project::Project;
use crate::domain::status::Status;
use crate::domain::wording::notice_line;
use crate::service::items::{self, StoredItem, StoredPass};
use crate::service::{OpenWorkspace, times};

/// `log`
pub async fn log(workspace: &OpenWorkspace, project: &str, item: &str) -> Result<Exit, CliError> {
    let (project, row) = item_of(workspace, project, item).await?;
    let mut passes = items::passes(workspace, row.item.id).await?;
    if passes.is_empty() {
        say!("nothing yet: no pass was started");
    }
    passes.reverse();
    for (number, pass) in passes.iter().enumerate() {
        head(number + 1, pass);
        failure(&project, &row, pass);
        let errors = items::errors(workspace, pass.id, NAMED, 0).await?;
        let lines = errors.iter().map(|found| {
            let said = if found.error.accepted.is_some() { " [accepted]" } else { "" };
            item_error_line(&project, &row, &found.error) + said
        });
        say_all(&lines.collect::<Vec<_>>(), pass.progress.counts.errors > u64::from(NAMED));
        let notices = items::pass_notices(workspace, pass.id, NAMED).await?;
        say_all(&notices.iter().map(notice_line).collect::<Vec<_>>(), notices.len() == NAMED as usize);
    }
    Ok(Exit::Well)
}

/// What a pass was, when, and how far it came.
fn head(number: usize, pass: &StoredPass) {
    let zone = times::zone();
    let when = |at| times::told(at, &zone);
    let mut line = format!("{}  pass {number}, {}: submitted", when(pass.submitted), pass.kind.word());
    for (word, at) in [("started", pass.started), ("ended", pass.ended)] {
        line += &at.map(|at| format!(", {word} {}", when(at))).unwrap_or_default();
    }
    if pass.attempt > 1 {
        line += &format!(", interrupted {} times", pass.attempt - 1);
    }
    say!("{}", clean(&line));
    match pass.status {
        Status::Stopped | Status::Failed | Status::Completed | Status::Migrating | Status::Stopping => {
            say!("  {}", clean(&closing(pass.status, &pass.progress, pass.earlier)));
        }
        status => say!("  {}", status.word()),
    }
}

fn failure(project: &Project, row: &StoredItem, pass: &StoredPass) {
    let Some(ended) = &pass.failure else { return };
    let text = failure_text(project, row, ended.side, &ended.failure);
    say!("  {}", clean(&format!("{}. {} {}", text.headline, text.what, text.todo)));
    if let Some(words) = &ended.failure.server_text {
        say!("  server text: {}", clean(words));
    }
}

fn say_all(lines: &[String], more: bool) {
    lines.iter().for_each(|line| say!("    {}", clean(line)));
    if more {
        say!("    … and more");
    }
}
