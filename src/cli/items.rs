//! `mailferry item …`

use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::cli::edit::which_mailbox;
use crate::cli::error::{CliError, Exit};
use crate::cli::options;
use crate::cli::progress::Count;
use crate::cli::status::status_words;
use crate::cli::stop::done;
use crate::cli::table::{Table, clean};
use crate::cli::workspace::unlock;
use crate::domain::action::Action;
use crate::domain::csv_import::ParsedList;
use crate::domain::edit::Records;
use crate::domain::ids::ProjectId;
use crate::domain::item::{Item, Mailbox};
use crate::domain::server::Server;
use crate::domain::status_words::left_alone;
use crate::domain::wording::counted;
use crate::engine::command::Command;
use crate::platform::interrupts::Interrupts;
use crate::service::import::{self, ImportError, ImportFrom, ImportSummary, Watch, Work};
use crate::service::items::{LiveItems, live, select};
use crate::service::orders::give;
use crate::service::{OpenWorkspace, ServiceError, asking, projects, times};

/// Problems named one by one; the rest is counted.
const NAMED: usize = 50;

/// `item import`
pub async fn import(
    workspace: &OpenWorkspace,
    project: &str,
    from: ImportFrom,
    (skip_bad, records): (bool, Option<Records>),
) -> Result<Exit, CliError> {
    let project = projects::named(workspace, project).await?;
    let file = match &from {
        ImportFrom::File(file, _) => file.clone(),
        ImportFrom::Text(_) => PathBuf::from("the list"),
    };
    let (file, list) = (file.as_path(), import::read(from).await?);
    name_oddities(file, &list);
    import::admit(&list, skip_bad).map_err(|error| not_admitted(file, error))?;
    name_shared(workspace, project.id, file, &list).await?;
    // Opened first: a wrong passphrase must not leave half an import.
    if import::has_passwords(&list) {
        unlock(workspace).await?;
    }
    let bar = Count::new();
    let tell = move |work: Work, done, of| bar.show(work.words(), done, of);
    let watch = Watch { tell: Arc::new(tell), ..Watch::nobody() };
    let mut presses =
        Interrupts::listen().map_err(|error| CliError::cannot(format!("listening for Ctrl-C: {error}")))?;
    let work = import::items(workspace, project.id, list, records, &watch);
    let Some(imported) = attended(work, async || presses.next().await, &watch.cancel).await else {
        // Its threads end with the process; a keyring that waits for a person would wait for ever.
        return Err(CliError::usage(format!(
            "left before its end. `mailferry item list \"{}\"` shows what was imported; passwords that nothing uses are \
             removed by an import a day later",
            clean(&project.name)
        )));
    };
    let mut summary = imported.map_err(ServiceError::from).map_err(which_mailbox)?;
    if !summary.reset.is_empty() {
        let edited = Command::Edited { project: project.id, items: std::mem::take(&mut summary.reset) };
        done(give(workspace, edited).await?)?;
    }
    tell_summary(summary)
}

/// Bad rows, and what is odd about good ones.
fn name_oddities(file: &Path, list: &ParsedList) {
    for problem in list.problems.iter().take(NAMED) {
        warn!("{}: {}", file.display(), clean(&problem.to_string()));
    }
    if list.problems.len() > NAMED {
        warn!("… and {} more", list.problems.len() - NAMED);
    }
    for note in list.notes.iter().take(NAMED) {
        warn!("note: {}: {}", file.display(), clean(&note.to_string()));
    }
    if list.notes.len() > NAMED {
        warn!("note: … and {} more notes", list.notes.len() - NAMED);
    }
    say!("Read as {}:", list.encoding.name());
    for sample in list.samples() {
        say!("  {}", clean(&sample));
    }
}

/// Rows that share a destination mailbox.
async fn name_shared(
    workspace: &OpenWorkspace,
    project: ProjectId,
    file: &Path,
    list: &ParsedList,
) -> Result<(), CliError> {
    let shared = import::shared_destinations(workspace, project, &list.rows).await?;
    for note in shared.iter().take(NAMED) {
        warn!("note: {}: {}", file.display(), clean(&note.to_string()));
    }
    if shared.len() > NAMED {
        warn!("note: … and {} more rows that share a destination mailbox", shared.len() - NAMED);
    }
    Ok(())
}

/// Why nothing of a list is imported, with what the command line offers against it.
fn not_admitted(file: &Path, error: ImportError) -> CliError {
    match error {
        ImportError::NoRows { bad } => {
            let what = if bad > 0 { "no row could be read" } else { "the file has no rows below its header" };
            CliError::usage(format!("{}: {what}; nothing was imported", file.display()))
        }
        ImportError::BadRows { bad, good } => CliError::usage(format!(
            "{}, {}; nothing was imported. Mend the bad ones, or import the good ones with --skip-bad",
            counted(bad, "bad row"),
            counted(good, "good row")
        )),
        other => ServiceError::from(other).into(),
    }
}

fn tell_summary(summary: ImportSummary) -> Result<Exit, CliError> {
    let ImportSummary { created, updated, unchanged, left, bad, useless, trouble, .. } = summary;
    let mut line = format!("{} imported, {updated} updated", counted(created, "item"));
    if unchanged > 0 {
        line += &format!(", {unchanged} unchanged");
    }
    if let Some(left) = left_alone(&left) {
        line += &format!(", {left}");
    }
    say!("{line}, {} skipped", counted(bad, "bad row"));
    if useless > 0 {
        warn!("note: {} left out: their side takes none, it is signed in to", counted(useless, "password"));
    }
    for reason in left.keys().filter_map(|status| Action::Edit.check(*status, 0).err()) {
        warn!("left alone: {reason}");
    }
    // Said after it: the items are there all the same.
    if let Some(trouble) = trouble {
        return Err(trouble.into());
    }
    Ok(if left.is_empty() { Exit::Well } else { Exit::Items })
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

/// How a mailbox is opened: its own login name, and by whose password.
fn login(server: &Server, mailbox: &Mailbox) -> String {
    let has = mailbox.credential.is_some();
    let how = match (server.needs_login(), server.administrator(), server.sign_in()) {
        (false, ..) => "none needed",
        (true, Some(_), _) => "administrator",
        (true, None, Some(sign_in)) if sign_in.kind.is_app() => "app",
        (true, None, Some(_)) if has => "signed in",
        (true, None, Some(_)) => "not signed in",
        (true, None, None) if has => "own password",
        (true, None, None) => "no password",
    };
    match &mailbox.login {
        Some(login) => format!("{login} ({how})"),
        None => format!("({how})"),
    }
}

/// `item show`
pub async fn show(workspace: &OpenWorkspace, project: &str, item: &str) -> Result<Exit, CliError> {
    let project = projects::named(workspace, project).await?;
    let named = [item.to_owned()];
    let Some(chosen) = select(workspace, &project, &named).await?.pop() else { return Ok(Exit::Usage) };
    let LiveItems { rows, running } = live(workspace, project.id).await?;
    let row = rows.into_iter().find(|row| row.item.id == chosen.item.id).unwrap_or(chosen);
    let Item { source, destination, .. } = &row.item;
    say!("From         {} {}", clean(&source.email), clean(&login(&project.source, source)));
    say!("Into         {} {}", clean(&destination.email), clean(&login(&project.destination, destination)));
    say!("Status       {}", clean(&status_words(&row, running, workspace.now())));
    if let Some(star) = row.star {
        say!("Star         {}", star.word());
    }
    if let Some(note) = &row.note {
        say!("Note         {}", clean(note));
    }
    if let Some(contact) = &row.contact {
        say!("Contact      {}", clean(contact));
    }
    let zone = times::zone();
    for line in asking::asked_of(workspace, row.item.id).await?.lines(|at| times::told(at, &zone)) {
        say!("Owner        {}", clean(&line));
    }
    options::show_item(workspace, &project, row.item.id).await?;
    Ok(Exit::Well)
}

/// `item list`
pub async fn list(workspace: &OpenWorkspace, project: &str) -> Result<Exit, CliError> {
    let project = projects::named(workspace, project).await?;
    let LiveItems { rows, running } = live(workspace, project.id).await?;
    if rows.is_empty() {
        say!("No items yet. Import them with `mailferry item import \"{}\" FILE.csv`", clean(&project.name));
        return Ok(Exit::Well);
    }
    let mut table = Table::new(&["Source", "Destination", "Source login", "Destination login", "Status"]);
    let now = workspace.now();
    for row in rows {
        let status = status_words(&row, running, now);
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
