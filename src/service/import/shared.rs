//! Rows of a list that write into a mailbox which another row or an item writes into: named before they are imported. Not
//! refused: such items run one after the other (D30), and the later one recognises what the earlier one brought.

use std::collections::HashMap;

use super::{OpenWorkspace, item_key};
use crate::domain::csv_import::{Problem, Row};
use crate::domain::ids::ProjectId;
use crate::domain::item::Mailbox;
use crate::domain::mailbox_key::Shared;
use crate::domain::project::Project;
use crate::endpoint::place::Links;
use crate::endpoint::registry::place;
use crate::service::ServiceError;
use crate::store::DestinationRow;

/// The rows that share a destination mailbox, each with whom, in the order of the list.
///
/// # Errors
/// The database.
pub async fn shared_destinations(
    workspace: &OpenWorkspace,
    project: ProjectId,
    rows: &[Row],
) -> Result<Vec<Problem>, ServiceError> {
    let store = &workspace.store;
    let projects: HashMap<ProjectId, Project> =
        store.projects().await?.into_iter().map(|project| (project.id, project)).collect();
    let items = store.destinations().await?;
    let new: Vec<New> = rows
        .iter()
        .map(|row| New {
            line: row.line,
            key: item_key(&row.source_email, &row.destination_email),
            mailbox: mailbox(&row.destination_email, row.destination_login.clone()),
        })
        .collect();
    // Maildirs are looked at on the disk.
    let named = tokio::task::spawn_blocking(move || name(project, &projects, &items, new));
    Ok(named.await.unwrap_or_default())
}

struct New {
    line: usize,
    key: (String, String),
    mailbox: Mailbox,
}

fn mailbox(email: &str, login: Option<String>) -> Mailbox {
    Mailbox { email: email.to_owned(), login, credential: None }
}

fn name(
    project: ProjectId,
    projects: &HashMap<ProjectId, Project>,
    items: &[DestinationRow],
    new: Vec<New>,
) -> Vec<Problem> {
    let Some(here) = projects.get(&project) else { return Vec::new() };
    // What the list does not say of an item stays as it is.
    let mut known: HashMap<&(String, String), Option<String>> = new.iter().map(|new| (&new.key, None)).collect();
    let (mut shared, links) = (Shared::default(), Links::default());
    for item in items {
        let key = item_key(&item.source_email, &item.email);
        if item.project == project
            && let Some(login) = known.get_mut(&key)
        {
            login.clone_from(&item.login);
            continue;
        }
        let Some(of) = projects.get(&item.project) else { continue };
        let whose = if item.project == project { String::new() } else { format!(" of project \"{}\"", of.name) };
        let who = format!("the item {}:{}{whose}", item.source_email, item.email);
        shared.name(place(&of.destination, &mailbox(&item.email, item.login.clone()), &links).keys, who);
    }
    let mut problems = Vec::new();
    for row in &new {
        let login = row.mailbox.login.clone().or_else(|| known.get(&row.key).cloned().flatten());
        let mailbox = Mailbox { login, ..row.mailbox.clone() };
        if let Some(other) = shared.name(place(&here.destination, &mailbox, &links).keys, format!("line {}", row.line))
        {
            let reason = format!("writes into the same mailbox as {other}; they run one after the other");
            problems.push(Problem { line: row.line, column: None, reason });
        }
    }
    problems
}
