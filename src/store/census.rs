//! What other processes changed: whether anything, and in which projects items came, went or were changed.

use super::Store;
use super::codec::unsigned;
use super::error::Result;
use crate::domain::ids::{ItemId, ProjectId};

/// The items of a project in short: it differs when items came or went, mean other mailboxes, or have no
/// records any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Census {
    /// The project.
    pub project: ProjectId,
    /// How many.
    pub items: u64,
    /// The newest.
    pub newest: Option<ItemId>,
    /// How often its servers or items came to mean other mailboxes, or items lost their records.
    pub changes: u64,
}

impl Store {
    /// Whether another process wrote since this was last asked, or since the database was opened. Own changes do not count.
    /// Cheap: may be called several times a second.
    pub async fn changed_elsewhere(&self) -> Result<bool> {
        self.inner
            .writer
            .run(|writer| {
                // SQLite counts what other connections commit; in this process only the writer's does.
                let version: i64 = writer.connection.pragma_query_value(None, "data_version", |row| row.get(0))?;
                Ok(std::mem::replace(&mut writer.known_version, version) != version)
            })
            .await
    }

    /// All projects that are not deleted.
    pub async fn census(&self) -> Result<Vec<Census>> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT p.id, count(i.id), max(i.id), p.changes FROM project AS p
                 LEFT JOIN item AS i ON i.project = p.id AND i.deleted = 0
                 WHERE p.deleted = 0 GROUP BY p.id",
            )?;
            let rows = statement.query_map([], |row| {
                let (items, newest, changes) = (unsigned(row.get(1)?), row.get(2)?, unsigned(row.get(3)?));
                Ok(Census { project: row.get(0)?, items, newest, changes })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }
}
