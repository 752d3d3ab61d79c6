//! `mailferry item …`

use std::path::Path;
use std::pin::pin;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::cli::error::{CliError, Exit};
use crate::cli::progress::Count;
use crate::cli::status::{rows, status_words};
use crate::cli::table::{Table, clean};
use crate::cli::workspace::Opened;
use crate::domain::action::Action;
use crate::domain::server::Server;
use crate::domain::wording::{counted, left_alone};
use crate::engine::desk::enter::{self, Work};
use crate::platform::interrupts::Interrupts;

/// Problems named one by one; the rest is counted.
const NAMED: usize = 50;

/// `item import`
pub async fn import(opened: &Opened, project: &str, file: &Path, skip_bad: bool) -> Result<Exit, CliError> {
    let project = opened.project(project).await?;
    let parsed = enter::read_items(file);
    let parsed = parsed.map_err(|reason| CliError::usage(format!("{}: {reason}", file.display())))?;
    for problem in parsed.problems.iter().take(NAMED) {
        warn!("{}: {}", file.display(), clean(&problem.to_string()));
    }
    if parsed.problems.len() > NAMED {
        warn!("… and {} more", parsed.problems.len() - NAMED);
    }
    for note in parsed.notes.iter().take(NAMED) {
        warn!("note: {}: {}", file.display(), clean(&note.to_string()));
    }
    let bad = parsed.problems.len();
    if parsed.rows.is_empty() {
        let what = if bad > 0 { "no row could be read" } else { "the file has no rows below its header" };
        return Err(CliError::usage(format!("{}: {what}; nothing was imported", file.display())));
    }
    if bad > 0 && !skip_bad {
        return Err(CliError::usage(format!(
            "{}, {}; nothing was imported. Mend the bad ones, or import the good ones with --skip-bad",
            counted(bad, "bad row"),
            counted(parsed.rows.len(), "good row")
        )));
    }
    let shared = enter::shared_destinations(&opened.store, project.id, &parsed.rows).await?;
    for note in shared.iter().take(NAMED) {
        warn!("note: {}: {}", file.display(), clean(&note.to_string()));
    }
    if shared.len() > NAMED {
        warn!("note: … and {} more rows that share a destination mailbox", shared.len() - NAMED);
    }
    let has_secrets = parsed.rows.iter().any(|row| row.source_password.is_some() || row.destination_password.is_some());
    // Opened first: a wrong passphrase must not leave half an import.
    let vault = if has_secrets { Some(opened.vault().await?) } else { None };
    let bar = Count::new();
    let tell = move |work: Work, done, of| bar.show(work.words(), done, of);
    let watch = enter::Watch { tell: Arc::new(tell), ..enter::Watch::nobody() };
    let mut presses =
        Interrupts::listen().map_err(|error| CliError::cannot(format!("listening for Ctrl-C: {error}")))?;
    let now = opened.clock.now();
    let work = enter::items(&opened.store, vault.as_ref(), now, project.id, parsed.rows, &watch);
    let Some(entered) = attended(work, async || presses.next().await, &watch.cancel).await else {
        // Its threads end with the process; a keyring that waits for a person would wait for ever.
        return Err(CliError::usage(format!(
            "left before its end. `mailferry item list \"{}\"` shows what was imported; passwords that nothing uses are \
             removed by an import a day later",
            clean(&project.name)
        )));
    };
    let entered = entered?;
    let mut line = format!("{} imported, {} updated", counted(entered.created, "item"), entered.updated);
    if entered.unchanged > 0 {
        line += &format!(", {} unchanged", entered.unchanged);
    }
    if let Some(left) = left_alone(&entered.left) {
        line += &format!(", {left}");
    }
    say!("{line}, {} skipped", counted(bad, "bad row"));
    for reason in entered.left.keys().filter_map(|status| Action::Edit.check(*status, 0).err()) {
        warn!("left alone: {reason}");
    }
    // Said after it: the items are there all the same.
    entered.removed?;
    Ok(if entered.left.is_empty() { Exit::Well } else { Exit::Items })
}

/// Does the work to its end; a press cancels it, and a second one leaves at once: none.
async fn attended<T>(
    work: impl Future<Output = T>,
    mut press: impl AsyncFnMut(),
    cancel: &CancellationToken,
) -> Option<T> {
    let mut work = pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return Some(done),
            () = press() => {
                if cancel.is_cancelled() {
                    return None;
                }
                warn!("Cancelling: what was stored is taken back. Ctrl-C again leaves at once.");
                cancel.cancel();
            }
        }
    }
}

/// `item list`
pub async fn list(opened: &Opened, project: &str) -> Result<Exit, CliError> {
    let project = opened.project(project).await?;
    let (rows, held) = rows(opened, project.id).await?;
    if rows.is_empty() {
        say!("No items yet. Import them with `mailferry item import \"{}\" FILE.csv`", clean(&project.name));
        return Ok(Exit::Well);
    }
    let mut table = Table::new(&["Source", "Destination", "Source login", "Destination login", "Status"]);
    let now = opened.clock.now();
    for row in rows {
        let login = |server: &Server, mailbox: &crate::domain::item::Mailbox| {
            let own = if mailbox.credential.is_some() { "own password" } else { "no password" };
            let how = match (server.needs_login(), &server.admin) {
                (false, _) => "none needed",
                (true, Some(_)) => "administrator",
                (true, None) => own,
            };
            match &mailbox.login {
                Some(login) => format!("{login} ({how})"),
                None => format!("({how})"),
            }
        };
        let status = status_words(&row, held, now);
        table.row(vec![
            row.item.source.email.clone(),
            row.item.destination.email.clone(),
            login(&project.source, &row.item.source),
            login(&project.destination, &row.item.destination),
            status,
        ]);
    }
    table.print();
    Ok(Exit::Well)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_press_cancels_and_a_second_one_leaves() {
        let cancel = CancellationToken::new();
        let orderly = async {
            cancel.cancelled().await;
            "taken back"
        };
        let mut presses = 0;
        let press = async || match presses {
            0 => presses += 1,
            _ => std::future::pending().await,
        };
        assert_eq!(attended(orderly, press, &cancel).await, Some("taken back"));
        let stuck = std::future::pending::<()>();
        assert_eq!(attended(stuck, async || (), &CancellationToken::new()).await, None);
    }
}
