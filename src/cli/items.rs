//! `mailferry item …`

use std::path::Path;
use std::pin::pin;
use std::sync::Arc;

use crate::cli::error::{CliError, Exit};
use crate::cli::progress::Count;
use crate::cli::table::{Table, clean};
use crate::cli::workspace::Opened;
use crate::domain::server::Server;
use crate::domain::status::display;
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
            "{bad} bad rows, {} good ones; nothing was imported. Mend them, or import the good ones with --skip-bad",
            parsed.rows.len()
        )));
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
    let mut work = pin!(enter::items(&opened.store, vault.as_ref(), now, project.id, parsed.rows, &watch));
    let entered = loop {
        tokio::select! {
            entered = &mut work => break entered?,
            // What was stored is taken back.
            () = presses.next() => watch.cancel.cancel(),
        }
    };
    say!("{} items imported, {} updated, {bad} bad rows skipped", entered.created, entered.updated);
    // Said after it: the items are there all the same.
    entered.removed?;
    Ok(Exit::Well)
}

/// `item list`
pub async fn list(opened: &Opened, project: &str) -> Result<Exit, CliError> {
    let project = opened.project(project).await?;
    let rows = opened.store.items(project.id).await?;
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
        let latest = row.latest.as_ref();
        let status = display(
            row.status(),
            latest.map(|pass| pass.kind),
            latest.map_or(0, |pass| pass.progress.counts.errors),
            latest.and_then(|pass| pass.schedule.as_ref()).map(|schedule| schedule.at),
            now,
        );
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
