//! What mailboxes of items looked like when they were last verified, and which items of a project have a mailbox in common.

use rusqlite::{Connection, OptionalExtension, Params};

use super::Store;
use super::error::Result;
use crate::domain::failure::Side;
use crate::domain::ids::ItemId;
use crate::domain::likeness::Likeness;

/// The addresses of another item, at the source and at the destination.
pub type Addresses = (String, String);

/// The first item that answers a question, by age.
fn first(connection: &Connection, sql: &str, asked: impl Params) -> Result<Option<Addresses>> {
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.query_row(asked, |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
}

impl Store {
    /// Keeps what an item's source and destination look like.
    pub async fn keep_likenesses(&self, item: ItemId, seen: [Option<Likeness>; 2]) -> Result<()> {
        self.write(move |transaction, _| {
            let [source, destination] = seen.map(|likeness| likeness.map(|likeness| likeness.0));
            transaction
                .prepare_cached("UPDATE item SET source_likeness = ?2, destination_likeness = ?3 WHERE id = ?1")?
                .execute((item, source.as_ref().map(|l| &l[..]), destination.as_ref().map(|l| &l[..])))?;
            Ok(())
        })
        .await
    }

    /// Another item of the project that has another mailbox on this side, by address and login, and looks the same there.
    pub async fn looks_like(&self, item: ItemId, side: Side) -> Result<Option<Addresses>> {
        self.read(move |connection| {
            let side = side.word();
            let sql = format!(
                "SELECT o.source_email, o.destination_email FROM item AS i JOIN item AS o
                     ON o.project = i.project AND o.{side}_likeness = i.{side}_likeness
                 WHERE i.id = ?1 AND o.id <> i.id AND o.deleted = 0 AND o.{side}_email <> i.{side}_email
                     AND coalesce(o.{side}_login <> i.{side}_login COLLATE NOCASE, 1)
                 ORDER BY o.id LIMIT 1"
            );
            first(connection, &sql, [item])
        })
        .await
    }

    /// Another item of the project that has another source and this destination, by address or login.
    pub async fn shares_destination(&self, item: ItemId) -> Result<Option<Addresses>> {
        self.read(move |connection| {
            let by = |column: &str| {
                let sql = format!(
                    "SELECT o.source_email, o.destination_email FROM item AS i JOIN item AS o
                         ON o.project = i.project AND o.{column} COLLATE NOCASE IN (i.destination_email, i.destination_login)
                     WHERE i.id = ?1 AND o.id <> i.id AND o.deleted = 0 AND o.source_email <> i.source_email
                     ORDER BY o.id LIMIT 1"
                );
                first(connection, &sql, [item])
            };
            Ok(by("destination_email")?.or(by("destination_login")?))
        })
        .await
    }
}
