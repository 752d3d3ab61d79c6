//! Passwords on their way into the vault, and out of it again when nothing came of the rows they were for.

use std::ops::ControlFlow;

use super::{ImportError, OpenWorkspace, Watch, Work, cleanup};
use crate::domain::csv_import::Row;
use crate::domain::failure::Side;
use crate::domain::ids::CredentialId;
use crate::domain::project::Project;
use crate::domain::secret::Secret;
use crate::store::NewItem;
use crate::vault::{self, VaultError};

/// Puts secrets into the vault under new numbers.
pub(in crate::service) async fn store_secrets(
    workspace: &OpenWorkspace,
    giver: &str,
    secrets: Vec<Secret>,
    watch: &Watch,
) -> Result<Vec<CredentialId>, ImportError> {
    if secrets.is_empty() {
        return Ok(Vec::new());
    }
    let vault = workspace.vault.get_open();
    let vault = vault.ok_or_else(|| VaultError::Locked("choose where passwords are kept first".into()))?;
    let count = secrets.len();
    let ids = workspace.store.new_credentials(count, workspace.now(), giver).await?;
    let entries = ids.iter().copied().zip(secrets).collect();
    let Watch { tell, cancel } = watch.clone();
    vault::put_many(&vault, entries, move |done| {
        tell(Work::Storing, done, count);
        if cancel.is_cancelled() { ControlFlow::Break(()) } else { vault::GO_ON }
    })
    .await?;
    Ok(ids)
}

/// Removes passwords that nothing refers to, because nothing became of the rows they were for.
pub(in crate::service) async fn roll_back(
    workspace: &OpenWorkspace,
    ids: Vec<CredentialId>,
    why: ImportError,
) -> ImportError {
    if ids.is_empty() {
        return why;
    }
    match cleanup::remove(workspace, ids, &Watch::nobody()).await {
        Ok(()) => why,
        Err(also) => ImportError::LeftBehind { why: Box::new(why), also },
    }
}

/// Leaves out passwords for sides that take none, and answers how many: they would take the place of a person's sign-in.
pub(super) fn leave_out(project: &Project, rows: &mut [Row]) -> usize {
    let takes_none = |side| project.server(side).sign_in().is_some();
    let (source, destination) = (takes_none(Side::Source), takes_none(Side::Destination));
    let gone = |password: &mut Option<Secret>, takes_none: bool| usize::from(takes_none && password.take().is_some());
    rows.iter_mut()
        .map(|row| gone(&mut row.source_password, source) + gone(&mut row.destination_password, destination))
        .sum()
}

/// Items without their passwords; for each password its row and side; the passwords.
pub(super) fn separate(rows: Vec<Row>) -> (Vec<NewItem>, Vec<(usize, Side)>, Vec<Secret>) {
    let (mut items, mut places, mut secrets) = (Vec::with_capacity(rows.len()), Vec::new(), Vec::new());
    for (at, row) in rows.into_iter().enumerate() {
        let passwords = [(Side::Source, row.source_password), (Side::Destination, row.destination_password)];
        for (side, password) in passwords {
            if let Some(password) = password {
                places.push((at, side));
                secrets.push(password);
            }
        }
        items.push(NewItem {
            source_email: row.source_email,
            source_login: row.source_login,
            destination_email: row.destination_email,
            destination_login: row.destination_login,
            contact: row.contact,
            ..NewItem::default()
        });
    }
    (items, places, secrets)
}
