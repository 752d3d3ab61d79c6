//! `mailferry item …`

use std::path::Path;
use std::sync::Arc;

use crate::cli::error::{CliError, Exit};
use crate::cli::progress::Count;
use crate::cli::table::{Table, clean};
use crate::cli::workspace::Opened;
use crate::domain::failure::Side;
use crate::domain::ids::CredentialId;
use crate::domain::server::Server;
use crate::domain::status::display;
use crate::engine::desk::enter;
use crate::vault::{self, Vault};

/// Problems named one by one; the rest is counted.
const NAMED: usize = 50;
const DAY: i64 = 24 * 60 * 60 * 1000;

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
    let items = parsed.rows.iter().map(enter::new_item).collect();
    let secrets = enter::secrets(parsed.rows);
    let ids = opened.store.new_credentials(secrets.len(), opened.clock.now(), "import").await?;
    let places: Vec<(usize, Side, CredentialId)> =
        secrets.iter().zip(&ids).map(|((row, side, _), id)| (*row, *side, *id)).collect();
    let count = secrets.len();
    if let Some(vault) = &vault {
        sweep(opened, vault).await?;
        // Before the items: when the vault cannot be written, nothing is imported.
        let entries = ids.iter().copied().zip(secrets.into_iter().map(|(.., secret)| secret)).collect();
        let bar = Count::new("Storing passwords", count);
        vault::put_many(vault, entries, bar.progress()).await?;
    }
    let imported = match opened.store.import_items(project.id, items).await {
        Ok(imported) => imported,
        Err(error) => return Err(take_back(vault.as_ref(), ids, error.into()).await),
    };
    let changes = places.into_iter().map(|(row, side, id)| (imported[row].id, side, Some(id))).collect();
    let replaced = match opened.store.set_item_credentials(changes).await {
        Ok(replaced) => replaced,
        Err(error) => return Err(take_back(vault.as_ref(), ids, error.into()).await),
    };
    let removed = match vault {
        Some(vault) if !replaced.is_empty() => {
            let bar = Count::new("Removing replaced passwords", replaced.len());
            vault::delete_many(&vault, replaced, bar.progress()).await
        }
        _ => Ok(()),
    };
    let created = imported.iter().filter(|item| item.created).count();
    say!("{created} items imported, {} updated, {bad} bad rows skipped", imported.len() - created);
    // Said after it: the items are there all the same.
    removed?;
    Ok(Exit::Well)
}

/// Removes passwords that an import left in the vault which broke off longer ago than any still runs.
async fn sweep(opened: &Opened, vault: &Arc<dyn Vault>) -> Result<(), CliError> {
    let unused = opened.store.unused_credentials(opened.clock.now() - DAY).await?;
    if !unused.is_empty() {
        vault::delete_many(vault, unused.clone(), |_| ()).await?;
        opened.store.forget_credentials(unused).await?;
    }
    Ok(())
}

/// Removes passwords that no item refers to, because the workspace could not be written.
async fn take_back(vault: Option<&Arc<dyn Vault>>, ids: Vec<CredentialId>, why: CliError) -> CliError {
    match vault {
        Some(vault) => match vault::delete_many(vault, ids, |_| ()).await {
            Ok(()) => why,
            Err(also) => why.and(&also.to_string()),
        },
        None => why,
    }
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
