//! What a person changes of items and projects, and copies of projects. What may be changed when is looked at within the
//! transaction that changes it (`domain::edit`), so that a worker that takes an item meanwhile finds it whole: as it was, or
//! as it is then.

use rusqlite::{OptionalExtension, Transaction};

use super::Store;
use super::codec::{Json, Word};
use super::error::{Result, StoreError, missing, name_taken};
use super::items::{ItemRow, select};
use super::passes::drop_records;
use super::projects::{COLUMNS, project};
use crate::domain::edit::{Change, ItemEdit, ItemsAt, ProjectEdit, Records};
use crate::domain::ids::{CredentialId, ItemId, ProjectId};
use crate::domain::item::Item;
use crate::domain::project::Project;
use crate::domain::server::Server;
use crate::domain::status::Status;
use crate::domain::time::Timestamp;

impl Store {
    /// Changes an item; answers the credentials that nothing uses any more, on the disk for good, because they are destroyed
    /// then.
    pub async fn edit_item(&self, edit: ItemEdit<CredentialId>, at: Timestamp) -> Result<Vec<CredentialId>> {
        self.write_durably(move |transaction, _| {
            let found = select(transaction, "i.id = ?1", [edit.item])?.pop();
            let row = found.ok_or_else(|| missing("item", edit.item))?;
            let has_records = transaction
                .prepare_cached("SELECT EXISTS (SELECT 1 FROM folder WHERE item = ?1 AND dropped = 0)")?
                .query_row([edit.item], |found| found.get(0))?;
            if edit.check(&row.item, row.status(), has_records)? == Records::Reset {
                drop_records(transaction, &[edit.item], at)?;
            }
            write_item(transaction, &edit, &row)
        })
        .await
    }

    /// Changes a project; answers the credentials that nothing uses any more, on the disk for good.
    pub async fn edit_project(&self, edit: ProjectEdit<CredentialId>, at: Timestamp) -> Result<Vec<CredentialId>> {
        self.write_durably(move |transaction, _| {
            let before = read_project(transaction, edit.project)?;
            let effects = edit.check(&before, items_at(transaction, edit.project)?)?;
            if effects.records == Records::Reset {
                let sql = "SELECT id FROM item WHERE project = ?1 AND deleted = 0";
                let items: Vec<ItemId> = transaction
                    .prepare_cached(sql)?
                    .query_map([edit.project], |row| row.get(0))?
                    .collect::<rusqlite::Result<_>>()?;
                drop_records(transaction, &items, at)?;
            }
            let mut after = edit.applied(&before);
            after.starts.confirmed &= !effects.asks_direction;
            write_project(transaction, &edit, &before, after)
        })
        .await
    }

    /// Makes another project with the client, servers and options of one, and with its items if they are asked for: addresses and
    /// login names, no passwords, nothing that was copied, and a direction that is yet to be confirmed.
    pub async fn duplicate_project(&self, of: ProjectId, name: String, with_items: bool) -> Result<ProjectId> {
        self.write(move |transaction, _| {
            let made = transaction
                .prepare_cached(
                    "INSERT INTO project (name, name_key, client, source, destination, options, pool)
                     SELECT ?2, ?3, client, source, destination, options, pool FROM project WHERE id = ?1 AND deleted = 0",
                )?
                .execute((of, &name, name.to_lowercase()))
                .map_err(|error| name_taken(error, &name))?;
            if made == 0 {
                return Err(missing("project", of));
            }
            let copy = ProjectId(transaction.last_insert_rowid());
            transaction
                .prepare_cached(
                    "INSERT INTO project_mail (project, language, template, success, failure, client)
                     SELECT ?2, language, template, success, failure, client FROM project_mail WHERE project = ?1",
                )?
                .execute((of, copy))?;
            if with_items {
                transaction
                    .prepare_cached(
                        "INSERT INTO item (project, source_email, source_login, destination_email, destination_login,
                                           options, contact)
                         SELECT ?2, source_email, source_login, destination_email, destination_login, options, contact
                         FROM item WHERE project = ?1 AND deleted = 0 ORDER BY id",
                    )?
                    .execute((of, copy))?;
            }
            Ok(copy)
        })
        .await
    }
}

/// Writes an item; answers the credentials that were replaced.
fn write_item(
    transaction: &Transaction<'_>,
    edit: &ItemEdit<CredentialId>,
    before: &ItemRow,
) -> Result<Vec<CredentialId>> {
    let Item { source, destination, .. } = edit.applied(&before.item);
    let held = [before.item.source.credential, before.item.destination.credential];
    let now = [edit.source.password.applied(held[0].as_ref()), edit.destination.password.applied(held[1].as_ref())];
    let mut update = transaction.prepare_cached(
        "UPDATE item SET source_email = ?2, source_login = ?3, source_credential = ?4, destination_email = ?5,
             destination_login = ?6, destination_credential = ?7, note = ?8, contact = ?9 WHERE id = ?1",
    )?;
    let note = edit.note.applied(before.note.as_ref());
    let contact = edit.contact.applied(before.contact.as_ref());
    let (from, into) = ((&source.email, source.login), (&destination.email, destination.login));
    let values = (edit.item, from.0, from.1, now[0], into.0, into.1, now[1], note, contact);
    update.execute(values).map_err(|error| match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::ConstraintViolation) => {
            StoreError::NameTaken(format!("{}:{}", source.email, destination.email))
        }
        _ => error.into(),
    })?;
    Ok(replaced(held, now))
}

/// The secret of a side, which changes from one server to another; none where neither needs one.
fn secret_of(
    change: &Change<CredentialId>,
    held: Option<CredentialId>,
    (before, after): (&Server, &Server),
) -> Option<CredentialId> {
    change.applied(held.filter(|_| after.keeps_secret_of(before)).as_ref()).filter(|_| after.has_secret())
}

/// Writes a project; answers the credentials that were replaced.
fn write_project(
    transaction: &Transaction<'_>,
    edit: &ProjectEdit<CredentialId>,
    before: &Project,
    after: Project,
) -> Result<Vec<CredentialId>> {
    let held: [Option<CredentialId>; 2] = transaction
        .prepare_cached("SELECT source_credential, destination_credential FROM project WHERE id = ?1")?
        .query_row([after.id], |row| Ok([row.get(0)?, row.get(1)?]))?;
    let now = [
        secret_of(&edit.source.password, held[0], (&before.source, &after.source)),
        secret_of(&edit.destination.password, held[1], (&before.destination, &after.destination)),
    ];
    let Project { id, name, client, source, destination, options, starts, pool } = after;
    transaction
        .prepare_cached(
            "UPDATE project SET name = ?2, name_key = ?3, source = ?4, destination = ?5, options = ?6, confirmed = ?7,
                 source_credential = ?8, destination_credential = ?9, pool = ?10, client = ?11 WHERE id = ?1",
        )?
        .execute((
            id,
            &name,
            name.to_lowercase(),
            Json(source),
            Json(destination),
            Json(options),
            starts.confirmed,
            now[0],
            now[1],
            pool,
            client,
        ))
        .map_err(|error| name_taken(error, &name))?;
    Ok(replaced(held, now))
}

fn replaced(held: [Option<CredentialId>; 2], now: [Option<CredentialId>; 2]) -> Vec<CredentialId> {
    held.into_iter().zip(now).filter(|(held, now)| held != now).filter_map(|(held, _)| held).collect()
}

fn read_project(transaction: &Transaction<'_>, id: ProjectId) -> Result<Project> {
    let sql = format!("SELECT {COLUMNS} FROM project WHERE id = ?1 AND deleted = 0");
    let found = transaction.prepare_cached(&sql)?.query_row([id], project).optional()?;
    found.ok_or_else(|| missing("project", id))
}

/// How a project's items are.
fn items_at(transaction: &Transaction<'_>, id: ProjectId) -> Result<ItemsAt> {
    let have_records = transaction
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM item AS i JOIN folder AS f ON f.item = i.id
             WHERE i.project = ?1 AND i.deleted = 0 AND f.dropped = 0)",
        )?
        .query_row([id], |row| row.get(0))?;
    let mut items = ItemsAt { have_records, ..ItemsAt::default() };
    let mut statuses = transaction.prepare_cached(
        "SELECT p.status, count(*) FROM item AS i JOIN pass AS p ON p.id = i.latest_pass
         WHERE i.project = ?1 AND i.deleted = 0 GROUP BY p.status",
    )?;
    for row in statuses.query_map([id], |row| Ok((row.get::<_, Word<Status>>(0)?.0, row.get::<_, i64>(1)?)))? {
        let (status, count) = row?;
        items.active += if status.is_active() { count.unsigned_abs() } else { 0 };
        items.not_at_rest += if status.is_at_rest() { 0 } else { count.unsigned_abs() };
    }
    Ok(items)
}
