//! Projects: two servers and options, without secrets.

use rusqlite::{OptionalExtension, Row, Transaction};

use super::Store;
use super::codec::{Columns, Json, Word};
use super::error::{Result, StoreError, missing, name_taken};
use super::licenses;
use super::status_change::at_rest;
use crate::domain::ids::{CredentialId, ItemId, ProjectId};
use crate::domain::project::{Project, ProjectTerms, Starts};
use crate::domain::server::Server;
use crate::domain::status::Status;
use crate::domain::time::Timestamp;

pub(super) const COLUMNS: &str = "id, name, client, source, destination, options, held, confirmed, archived, pool";

pub(super) fn project(row: &Row<'_>) -> rusqlite::Result<Project> {
    let mut columns = Columns::of(row);
    Ok(Project {
        id: columns.next()?,
        name: columns.next()?,
        client: columns.next()?,
        source: columns.json()?,
        destination: columns.json()?,
        options: columns.json()?,
        starts: Starts { held: columns.next()?, confirmed: columns.next()?, archived: columns.next()? },
        pool: columns.next()?,
    })
}

impl Store {
    /// Makes a project. Its name must be free, ignoring case. The administrators' credentials are in the vault already. Of
    /// pairs the source comes first.
    pub async fn create_project(
        &self,
        name: String,
        servers: [Server; 2],
        terms: impl Into<ProjectTerms>,
        credentials: [Option<CredentialId>; 2],
    ) -> Result<ProjectId> {
        let ProjectTerms { options, pool, client } = terms.into();
        self.write(move |transaction, _| {
            let key = name.to_lowercase();
            let ([source, destination], [at_source, at_destination]) = (servers, credentials);
            transaction
                .prepare_cached(
                    "INSERT INTO project (name, name_key, source, destination, options, source_credential,
                                          destination_credential, pool, client)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                )?
                .execute((
                    &name,
                    key,
                    Json(source),
                    Json(destination),
                    Json(options),
                    at_source,
                    at_destination,
                    pool,
                    client,
                ))
                .map_err(|error| name_taken(error, &name))?;
            Ok(ProjectId(transaction.last_insert_rowid()))
        })
        .await
    }

    /// Whether what is submitted in a project waits for a word from now on.
    pub async fn set_held(&self, id: ProjectId, held: bool) -> Result<()> {
        self.write(move |transaction, _| {
            let changed = transaction
                .prepare_cached("UPDATE project SET held = ?2 WHERE id = ?1 AND deleted = 0")?
                .execute((id, held))?;
            if changed == 0 { Err(missing("project", id)) } else { Ok(()) }
        })
        .await
    }

    /// From where to where a project's mail is copied was confirmed by a person, or is to be asked again.
    pub async fn set_confirmed(&self, id: ProjectId, confirmed: bool) -> Result<()> {
        self.write(move |transaction, _| {
            let changed = transaction
                .prepare_cached("UPDATE project SET confirmed = ?2 WHERE id = ?1 AND deleted = 0")?
                .execute((id, confirmed))?;
            if changed == 0 { Err(missing("project", id)) } else { Ok(()) }
        })
        .await
    }

    /// Archives a project, or brings it back. Nothing of it goes. Refused while items are waiting, scheduled or running.
    pub async fn set_archived(&self, id: ProjectId, archived: bool) -> Result<()> {
        self.write(move |transaction, _| {
            if archived {
                refuse_active(transaction, id)?;
            }
            let changed = transaction
                .prepare_cached("UPDATE project SET archived = ?2 WHERE id = ?1 AND deleted = 0")?
                .execute((id, archived))?;
            if changed == 0 { Err(missing("project", id)) } else { Ok(()) }
        })
        .await
    }

    /// All projects, by name.
    pub async fn projects(&self) -> Result<Vec<Project>> {
        self.read(|connection| {
            let sql = format!("SELECT {COLUMNS} FROM project WHERE deleted = 0 ORDER BY name_key");
            let mut statement = connection.prepare_cached(&sql)?;
            Ok(statement.query_map([], project)?.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    /// One project.
    pub async fn project(&self, id: ProjectId) -> Result<Project> {
        self.read(move |connection| {
            let sql = format!("SELECT {COLUMNS} FROM project WHERE id = ?1 AND deleted = 0");
            connection.prepare_cached(&sql)?.query_row([id], project).optional()?.ok_or_else(|| missing("project", id))
        })
        .await
    }

    /// The project with this name, ignoring case.
    pub async fn project_named(&self, name: &str) -> Result<Option<Project>> {
        let key = name.to_lowercase();
        self.read(move |connection| {
            let sql = format!("SELECT {COLUMNS} FROM project WHERE name_key = ?1 AND deleted = 0");
            Ok(connection.prepare_cached(&sql)?.query_row([key], project).optional()?)
        })
        .await
    }

    /// Marks a project as deleted, which frees its name at once; [`Store::purge`] removes its rows. Answers the credentials
    /// to be removed from the vault, on the disk for good: a power cut must not bring back a project without its passwords.
    /// Licenses that its items have consumed are lost with them (R43). Refused while items are waiting, scheduled or running.
    pub async fn delete_project(&self, id: ProjectId, at: Timestamp) -> Result<Vec<CredentialId>> {
        self.write_durably(move |transaction, _| {
            refuse_active(transaction, id)?;
            let items: Vec<ItemId> = transaction
                .prepare_cached("SELECT id FROM item WHERE project = ?1 AND deleted = 0 ORDER BY id")?
                .query_map([id], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            licenses::lose(transaction, &items, at)?;
            let changed = transaction
                .prepare_cached("UPDATE project SET deleted = 1 WHERE id = ?1 AND deleted = 0")?
                .execute([id])?;
            if changed == 0 {
                return Err(missing("project", id));
            }
            let mut statement = transaction.prepare_cached(
                "SELECT source_credential FROM item WHERE project = ?1 AND source_credential IS NOT NULL UNION ALL
                 SELECT destination_credential FROM item WHERE project = ?1 AND destination_credential IS NOT NULL UNION ALL
                 SELECT source_credential FROM project WHERE id = ?1 AND source_credential IS NOT NULL UNION ALL
                 SELECT destination_credential FROM project WHERE id = ?1 AND destination_credential IS NOT NULL",
            )?;
            Ok(statement.query_map([id], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }
}

/// Refuses while items of a project are waiting, scheduled or running.
fn refuse_active(transaction: &Transaction<'_>, id: ProjectId) -> Result<()> {
    let mut statement = transaction.prepare_cached(
        "SELECT p.status, count(*) FROM item AS i JOIN pass AS p ON p.id = i.latest_pass
         WHERE i.project = ?1 AND i.deleted = 0 GROUP BY p.status",
    )?;
    let mut active = 0;
    for row in statement.query_map([id], |row| Ok((row.get::<_, Word<Status>>(0)?.0, row.get::<_, i64>(1)?)))? {
        let (status, items) = row?;
        if !at_rest(status) {
            active += items.unsigned_abs();
        }
    }
    if active > 0 { Err(StoreError::Active(active)) } else { Ok(()) }
}

/// Refuses if one of these items is of an archived project.
pub(super) fn none_archived(transaction: &Transaction<'_>, items: &[ItemId]) -> Result<()> {
    // From the archived projects on, which are few: there may be 100,000 items.
    let found = transaction
        .prepare_cached(
            "SELECT p.name FROM project AS p WHERE p.archived = 1 AND EXISTS (
                 SELECT 1 FROM item AS i WHERE i.project = p.id AND i.id IN (SELECT value FROM json_each(?1)))",
        )?
        .query_row([Json(items)], |row| row.get(0))
        .optional()?;
    found.map_or(Ok(()), |name| Err(StoreError::Archived(name)))
}
