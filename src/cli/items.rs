//! `mailferry item …`

use std::path::Path;

use crate::cli::error::{CliError, Exit};
use crate::cli::table::{Table, clean};
use crate::cli::workspace::Opened;
use crate::domain::status::display;
use crate::engine::desk::enter;

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
    let now = opened.clock.now();
    let (created, updated) = enter::items(&opened.store, vault, now, project.id, parsed.rows).await?;
    say!("{created} items imported, {updated} updated, {bad} bad rows skipped");
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
        let login = |admin: bool, mailbox: &crate::domain::item::Mailbox| {
            let own = if mailbox.credential.is_some() { "own password" } else { "no password" };
            let how = if admin { "administrator" } else { own };
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
            login(project.source.admin.is_some(), &row.item.source),
            login(project.destination.admin.is_some(), &row.item.destination),
            status,
        ]);
    }
    table.print();
    Ok(Exit::Well)
}
