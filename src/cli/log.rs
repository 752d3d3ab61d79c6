//! `mailferry log`: what happened to an item, from the database.

use crate::cli::error::{CliError, Exit};
use crate::cli::errors::item_of;
use crate::cli::status::NAMED;
use crate::cli::table::clean;
use crate::domain::wording::counted;
use crate::service::items::StoredPass;
use crate::service::log::{self, LogKind};
use crate::service::{OpenWorkspace, times};

/// `log`
pub async fn log(workspace: &OpenWorkspace, project: &str, item: &str) -> Result<Exit, CliError> {
    let (project, row) = item_of(workspace, project, item).await?;
    let passes = log::passes(workspace, &project, &row, NAMED).await?;
    if passes.is_empty() {
        say!("nothing yet: no pass was started");
    }
    for log in &passes {
        head(log.number, &log.pass);
        for line in &log.lines {
            let of_the_pass = matches!(line.kind, LogKind::Standing | LogKind::Failure | LogKind::ServerText);
            say!("{}{}", if of_the_pass { "  " } else { "    " }, line.text);
        }
    }
    Ok(Exit::Well)
}

/// What a pass was, and when.
fn head(number: usize, pass: &StoredPass) {
    let zone = times::zone();
    let when = |at| times::told(at, &zone);
    let mut line = format!("{}  pass {number}, {}: submitted", when(pass.submitted), pass.kind.word());
    for (word, at) in [("started", pass.started), ("ended", pass.ended)] {
        line += &at.map(|at| format!(", {word} {}", when(at))).unwrap_or_default();
    }
    if pass.attempt > 1 {
        line += &format!(", interrupted {}", counted(pass.attempt as usize - 1, "time"));
    }
    say!("{}", clean(&line));
}
