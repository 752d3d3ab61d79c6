//! Hybrid projects: their batches, users, orders and what happened (D37).

mod batches;
mod changes;
mod orders;
mod polls;
mod users;

pub use batches::LeftOut;
pub use orders::OrderEnd;
pub use polls::{Polled, PolledUser};

use rusqlite::{Connection, OptionalExtension, Row, Transaction};

use super::Store;
use super::codec::{Columns, Json};
use super::error::{Result, StoreError, missing, name_taken};
use crate::domain::hybrid::settings::HybridSettings;
use crate::domain::hybrid::{HybridProject, Trouble};
use crate::domain::ids::{CredentialId, HybridBatchId, HybridProjectId, HybridUserId, PoolId};
use crate::domain::time::Timestamp;

/// Events of one user or batch that are told.
const EVENTS: i64 = 500;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HybridEvent {
    /// When.
    pub at: Timestamp,
    /// To which user; none: to the batch.
    pub user: Option<HybridUserId>,
    /// What.
    pub text: String,
}

const COLUMNS: &str = "id, name, settings, pool, trouble, trouble_until";

fn project(row: &Row<'_>) -> rusqlite::Result<HybridProject> {
    let mut columns = Columns::of(row);
    let (id, name, settings, pool) = (columns.next()?, columns.next()?, columns.json()?, columns.next()?);
    let trouble: (Option<String>, Option<Timestamp>) = (columns.next()?, columns.next()?);
    let trouble = trouble.0.zip(trouble.1).map(|(text, until)| Trouble { text, until });
    Ok(HybridProject { id, name, settings, pool, trouble })
}

fn one(connection: &Connection, id: HybridProjectId) -> Result<HybridProject> {
    let sql = format!("SELECT {COLUMNS} FROM hybrid_project WHERE id = ?1");
    let found = connection.prepare_cached(&sql)?.query_row([id], project).optional()?;
    found.ok_or_else(|| missing("hybrid project", id))
}

/// Writes what happened.
fn tell(
    transaction: &Transaction<'_>,
    project: HybridProjectId,
    of: (Option<HybridBatchId>, Option<HybridUserId>),
    at: Timestamp,
    text: &str,
) -> Result<()> {
    transaction
        .prepare_cached("INSERT INTO hybrid_event (project, batch, user, at, text) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute((project, of.0, of.1, at, text))?;
    Ok(())
}

impl Store {
    /// Makes a hybrid project. Its name must be free among projects of both kinds, ignoring case. The application's secret is in
    /// the vault already.
    pub async fn create_hybrid_project(
        &self,
        name: String,
        settings: HybridSettings,
        credential: Option<CredentialId>,
        pool: PoolId,
    ) -> Result<HybridProjectId> {
        self.write(move |transaction, _| {
            let sql =
                "INSERT INTO hybrid_project (name, name_key, settings, credential, pool) VALUES (?1, ?2, ?3, ?4, ?5)";
            transaction
                .prepare_cached(sql)?
                .execute((&name, name.to_lowercase(), Json(settings), credential, pool))
                .map_err(|error| name_taken(error, &name))?;
            Ok(HybridProjectId(transaction.last_insert_rowid()))
        })
        .await
    }

    /// All hybrid projects, by name.
    pub async fn hybrid_projects(&self) -> Result<Vec<HybridProject>> {
        self.read(|connection| {
            let sql = format!("SELECT {COLUMNS} FROM hybrid_project ORDER BY name_key");
            Ok(connection.prepare_cached(&sql)?.query_map([], project)?.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    /// One of them.
    pub async fn hybrid_project(&self, id: HybridProjectId) -> Result<HybridProject> {
        self.read(move |connection| one(connection, id)).await
    }

    /// The one with this name, ignoring case.
    pub async fn hybrid_project_named(&self, name: &str) -> Result<Option<HybridProject>> {
        let key = name.to_lowercase();
        self.read(move |connection| {
            let sql = format!("SELECT {COLUMNS} FROM hybrid_project WHERE name_key = ?1");
            Ok(connection.prepare_cached(&sql)?.query_row([key], project).optional()?)
        })
        .await
    }

    /// Changes its settings. What was ordered stays ordered.
    pub async fn set_hybrid_settings(&self, id: HybridProjectId, settings: HybridSettings) -> Result<()> {
        self.write(move |transaction, _| {
            let sql = "UPDATE hybrid_project SET settings = ?2, trouble = NULL, trouble_until = NULL WHERE id = ?1";
            let changed = transaction.prepare_cached(sql)?.execute((id, Json(settings)))?;
            if changed == 0 { Err(missing("hybrid project", id)) } else { Ok(()) }
        })
        .await
    }

    /// The application's secret.
    pub async fn hybrid_credential(&self, id: HybridProjectId) -> Result<Option<CredentialId>> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached("SELECT credential FROM hybrid_project WHERE id = ?1")?;
            statement.query_row([id], |row| row.get(0)).optional()?.ok_or_else(|| missing("hybrid project", id))
        })
        .await
    }

    /// Its service cannot be asked until a time, or can be again.
    pub async fn set_hybrid_trouble(&self, id: HybridProjectId, trouble: Option<Trouble>) -> Result<()> {
        self.write(move |transaction, _| {
            let (text, until) = trouble.map_or((None, None), |trouble| (Some(trouble.text), Some(trouble.until)));
            transaction
                .prepare_cached("UPDATE hybrid_project SET trouble = ?2, trouble_until = ?3 WHERE id = ?1")?
                .execute((id, text, until))?;
            Ok(())
        })
        .await
    }

    /// Removes a hybrid project with its records; nothing is changed in the tenant. Answers the secret to be removed from the
    /// vault, on the disk for good. Licenses that its users have consumed are lost with them. Refused while users are moving.
    pub async fn delete_hybrid_project(&self, id: HybridProjectId, at: Timestamp) -> Result<Option<CredentialId>> {
        self.write_durably(move |transaction, _| {
            let moving: i64 = transaction.query_row(
                "SELECT (SELECT count(*) FROM hybrid_user WHERE project = ?1
                             AND status IN ('syncing', 'pending_finalization', 'finalizing'))
                     + (SELECT count(*) FROM hybrid_order WHERE project = ?1 AND stage = 'open')",
                [id],
                |row| row.get(0),
            )?;
            if moving > 0 {
                return Err(StoreError::Active(moving.unsigned_abs()));
            }
            let credential = transaction
                .prepare_cached("SELECT credential FROM hybrid_project WHERE id = ?1")?
                .query_row([id], |row| row.get(0))
                .optional()?
                .ok_or_else(|| missing("hybrid project", id))?;
            changes::lose_all(transaction, id, at)?;
            for table in ["hybrid_order", "hybrid_user", "hybrid_batch", "hybrid_event"] {
                transaction.execute(&format!("DELETE FROM {table} WHERE project = ?1"), [id])?;
            }
            transaction.execute("DELETE FROM hybrid_project WHERE id = ?1", [id])?;
            Ok(credential)
        })
        .await
    }

    /// What happened to a user, or to a batch and all its users; the newest first.
    pub async fn hybrid_events(&self, batch: HybridBatchId, user: Option<HybridUserId>) -> Result<Vec<HybridEvent>> {
        self.read(move |connection| {
            let (column, id) = user.map_or(("batch", batch.0), |user| ("user", user.0));
            let sql =
                format!("SELECT at, user, text FROM hybrid_event WHERE {column} = ?1 ORDER BY id DESC LIMIT {EVENTS}");
            let mut statement = connection.prepare_cached(&sql)?;
            let event = |row: &Row<'_>| Ok(HybridEvent { at: row.get(0)?, user: row.get(1)?, text: row.get(2)? });
            Ok(statement.query_map([id], event)?.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }
}
