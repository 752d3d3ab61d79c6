//! `mailferry item edit`, `item delete` and `reset`: what a person corrects, also beside a running window.

use std::io::IsTerminal;

use crate::cli::args::edit::{ChosenItems, EditItem, Passwords, RecordsWord};
use crate::cli::error::{CliError, Exit};
use crate::cli::prompt;
use crate::cli::stop::say_left;
use crate::cli::table::clean;
use crate::cli::workspace::{ids, unlock};
use crate::domain::edit::{Change, ItemEdit, Records};
use crate::domain::failure::Side;
use crate::domain::project::Project;
use crate::domain::secret::Secret;
use crate::domain::star::Star;
use crate::domain::wording::counted;
use crate::engine::command::Outcome;
use crate::service::edit::{self, MANY};
use crate::service::items::{self, StoredItem, key};
use crate::service::orders::Commander;
use crate::service::{OpenWorkspace, ServiceError, licenses, projects};

/// `item edit`
pub async fn item(workspace: &OpenWorkspace, asked: EditItem) -> Result<Exit, CliError> {
    let project = projects::named(workspace, &asked.project).await?;
    let row = items::select(workspace, &project, std::slice::from_ref(&asked.item)).await?.remove(0);
    let mut edit = ItemEdit { records: records(asked.records), ..ItemEdit::of(row.item.id) };
    let [source_login, destination_login] = [asked.source_login, asked.destination_login].map(set_or_clear);
    edit.note = set_or_clear(asked.note);
    edit.contact = set_or_clear(asked.contact);
    for (side, email, login) in [
        (Side::Source, asked.source_email, source_login),
        (Side::Destination, asked.destination_email, destination_login),
    ] {
        let mailbox = edit.side(side);
        mailbox.email = email.map(|email| email.trim().to_owned());
        mailbox.login = login;
    }
    edit.validate().map_err(|error| CliError::usage(error.to_string()))?;
    for side in [Side::Source, Side::Destination] {
        let what = format!("password of {} at the {}", clean(&row.item.source.email), side.word());
        edit.side(side).password = password(asked.passwords, side, &what)?;
    }
    if edit.is_empty() {
        return Err(CliError::usage(
            "nothing was named that is to be changed; `mailferry item edit --help` shows what can be",
        ));
    }
    if !edit.source.password.is_leave() || !edit.destination.password.is_leave() {
        unlock(workspace).await?;
    }
    edit::item(workspace, edit, Commander::Anybody(workspace)).await.map_err(which_mailbox)?;
    say!("{} changed", clean(&key(&row)));
    Ok(Exit::Well)
}

/// What `""` means, and what leaving it out means.
fn set_or_clear(text: Option<String>) -> Change<String> {
    match text.map(|text| text.trim().to_owned()) {
        None => Change::Leave,
        Some(text) if text.is_empty() => Change::Clear,
        Some(text) => Change::Set(text),
    }
}

/// What becomes of a password.
pub fn password(asked: Passwords, side: Side, what: &str) -> Result<Change<Secret>, CliError> {
    let (ask, clear) = match side {
        Side::Source => (asked.ask_source_password, asked.clear_source_password),
        Side::Destination => (asked.ask_destination_password, asked.clear_destination_password),
    };
    match (ask, clear) {
        (true, _) => Ok(Change::Set(prompt::secret(prompt::variable(side), what)?)),
        (_, true) => Ok(Change::Clear),
        (false, false) => Ok(Change::Leave),
    }
}

/// The answer to whether a mailbox is still the one it was.
pub fn records(word: RecordsWord) -> Option<Records> {
    match (word.same_mailbox, word.reset) {
        (true, _) => Some(Records::Keep),
        (_, true) => Some(Records::Reset),
        (false, false) => None,
    }
}

/// The same with the words that answer what it asks.
pub fn which_mailbox(error: ServiceError) -> CliError {
    let asks = error.asks_which_mailbox().is_some();
    let error = CliError::from(error);
    if asks { error.and("Say it with --same-mailbox or with --reset") } else { error }
}

/// `item delete`
pub async fn delete(workspace: &OpenWorkspace, chosen: ChosenItems) -> Result<Exit, CliError> {
    let (project, rows) = select(workspace, &chosen).await?;
    let lost = licenses::lost_with(workspace, project.id, &rows).await?;
    let takes = lost.iter().fold(edit::DELETE_TAKES.to_owned(), |takes, lost| format!("{takes} {lost}"));
    confirm(&chosen, rows.len(), "Delete", &takes)?;
    if let Some(lost) = lost.filter(|_| chosen.yes.is_some()) {
        warn!("{lost}");
    }
    if rows.iter().any(has_passwords) {
        unlock(workspace).await?;
    }
    let deleted = edit::delete(workspace, project.id, ids(&rows), Commander::Anybody(workspace)).await?;
    Ok(tell(&deleted, &rows, "deleted. No mail was touched"))
}

/// `reset`
pub async fn reset(workspace: &OpenWorkspace, chosen: ChosenItems) -> Result<Exit, CliError> {
    let (project, rows) = select(workspace, &chosen).await?;
    confirm(&chosen, rows.len(), "Reset", edit::RESET_TAKES)?;
    let reset = edit::reset(workspace, project.id, ids(&rows), Commander::Anybody(workspace)).await?;
    Ok(tell(&reset, &rows, "reset. No mail was touched"))
}

/// `item star`
pub async fn star(
    workspace: &OpenWorkspace,
    (project, items): (&str, &[String]),
    star: Option<Star>,
) -> Result<Exit, CliError> {
    let project = projects::named(workspace, project).await?;
    let rows = items::select(workspace, &project, items).await?;
    let starred = edit::star(workspace, project.id, ids(&rows), star).await?;
    let what = star.map_or_else(|| "without a star now".to_owned(), |star| format!("with a {} star now", star.word()));
    Ok(tell(&starred, &rows, &what))
}

/// `credentials clear`
pub async fn clear_credentials(
    workspace: &OpenWorkspace,
    (project, items): (&str, &[String]),
    (source, destination): (bool, bool),
) -> Result<Exit, CliError> {
    let project = projects::named(workspace, project).await?;
    let rows = items::select(workspace, &project, items).await?;
    if rows.iter().any(has_passwords) {
        unlock(workspace).await?;
    }
    let sides = [(Side::Source, source), (Side::Destination, destination)];
    let sides = sides.into_iter().filter_map(|(side, named)| named.then_some(side)).collect();
    let chosen = (project.id, ids(&rows));
    let cleared = edit::clear_credentials(workspace, chosen, sides, Commander::Anybody(workspace)).await?;
    Ok(tell(&cleared, &rows, "without these credentials now"))
}

fn has_passwords(row: &StoredItem) -> bool {
    row.item.source.credential.or(row.item.destination.credential).is_some()
}

async fn select(workspace: &OpenWorkspace, chosen: &ChosenItems) -> Result<(Project, Vec<StoredItem>), CliError> {
    let project = projects::named(workspace, &chosen.project).await?;
    let rows = items::select(workspace, &project, &chosen.items).await?;
    Ok((project, rows))
}

/// Asks whoever sits at the terminal, unless `--yes` said it; of many items the number is to be said.
fn confirm(chosen: &ChosenItems, count: usize, what: &str, takes: &str) -> Result<(), CliError> {
    let question = format!("{what} {}? {takes}", counted(count, "item"));
    match chosen.yes {
        Some(number) if number == count || (number == 0 && count <= MANY) => return Ok(()),
        Some(0) => return Err(CliError::usage(format!("{question}\nFor more than {MANY} items say --yes {count}"))),
        Some(number) => return Err(CliError::usage(format!("--yes {number}: it would be {}", counted(count, "item")))),
        None if !std::io::stdin().is_terminal() => {
            let number = if count > MANY { format!(" {count}") } else { String::new() };
            return Err(CliError::usage(format!("{question}\nSay --yes{number}, or run this at a terminal")));
        }
        None => {}
    }
    let sure = match count > MANY {
        true => prompt::line(&format!("{question} Type the number of items to go on:"))? == count.to_string(),
        false => prompt::yes(&question)?,
    };
    if sure { Ok(()) } else { Err(CliError::usage("nothing was changed")) }
}

fn tell(outcome: &Outcome, rows: &[StoredItem], what: &str) -> Exit {
    say!("{} {what}.", counted(outcome.done.len(), "item"));
    say_left(outcome, rows, |_| true);
    match (outcome.done.is_empty(), outcome.left.is_empty()) {
        (_, true) => Exit::Well,
        (true, false) => Exit::Usage,
        (false, false) => Exit::Items,
    }
}
