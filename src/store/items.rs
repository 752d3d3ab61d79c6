//! Items: listing with the latest pass, stars and notes (D5).

use rusqlite::{Connection, Row};

use super::Store;
use super::codec::{Columns, Json, Word};
use super::error::{Result, missing};
use super::licenses;
use super::passes::{PASS_COLUMNS, PassRow, all_at_rest, pass_row};
use crate::domain::figures::Moved;
use crate::domain::ids::{CredentialId, ItemId, ProjectId};
use crate::domain::item::{Item, Mailbox};
use crate::domain::star::Star;
use crate::domain::status::Status;
use crate::domain::time::Timestamp;

/// Where an item writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DestinationRow {
    /// Its project.
    pub project: ProjectId,
    /// Its address at the source.
    pub source_email: String,
    /// Its address at the destination.
    pub email: String,
    /// Its login name there, if it has one of its own.
    pub login: Option<String>,
}

/// An item as listings show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemRow {
    /// The item.
    pub item: Item,
    /// Its star.
    pub star: Option<Star>,
    /// Its note.
    pub note: Option<String>,
    /// Where its owner is reached, if not at its source address.
    pub contact: Option<String>,
    /// Its latest pass since the last reset.
    pub latest: Option<PassRow>,
}

impl ItemRow {
    /// The item's status: that of its latest pass.
    pub fn status(&self) -> Status {
        self.latest.as_ref().map_or(Status::NotSubmitted, |pass| pass.status)
    }

    /// What is recorded of it since its last reset, over all passes: it never falls (D34).
    pub fn moved(&self) -> Moved {
        self.latest.as_ref().map(PassRow::moved).unwrap_or_default()
    }
}

const ITEM_COLUMNS: &str = "i.id, i.project, i.source_email, i.source_login, i.source_credential, i.destination_email,
     i.destination_login, i.destination_credential, i.star, i.note, i.contact";

fn item_row(row: &Row<'_>) -> rusqlite::Result<ItemRow> {
    let mut columns = Columns::of(row);
    let (id, project) = (columns.next()?, columns.next()?);
    let mut mailbox = || {
        Ok::<_, rusqlite::Error>(Mailbox {
            email: columns.next()?,
            login: columns.next()?,
            credential: columns.next()?,
        })
    };
    let (source, destination) = (mailbox()?, mailbox()?);
    Ok(ItemRow {
        item: Item { id, project, source, destination },
        star: columns.maybe_word()?,
        note: columns.next()?,
        contact: columns.next()?,
        latest: pass_row(&mut columns)?,
    })
}

/// Items with their latest pass; `condition` is about `i`.
pub(super) fn select(
    connection: &Connection,
    condition: &str,
    parameters: impl rusqlite::Params,
) -> Result<Vec<ItemRow>> {
    let sql = format!(
        "SELECT {ITEM_COLUMNS}, {PASS_COLUMNS} FROM item AS i LEFT JOIN pass AS p ON p.id = i.latest_pass
         WHERE {condition} AND i.deleted = 0 ORDER BY i.id"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    Ok(statement.query_map(parameters, item_row)?.collect::<rusqlite::Result<_>>()?)
}

impl Store {
    /// All items of a project with their latest pass, oldest first.
    pub async fn items(&self, project: ProjectId) -> Result<Vec<ItemRow>> {
        self.read(move |connection| select(connection, "i.project = ?1", [project])).await
    }

    /// The items of a project by their numbers alone, oldest first: quicker where there are 100,000.
    pub async fn item_ids(&self, project: ProjectId) -> Result<Vec<ItemId>> {
        self.read(move |connection| {
            let mut statement =
                connection.prepare_cached("SELECT id FROM item WHERE project = ?1 AND deleted = 0 ORDER BY id")?;
            Ok(statement.query_map([project], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    /// Those of these items that are there, with their latest pass, oldest first.
    pub async fn items_of(&self, items: Vec<ItemId>) -> Result<Vec<ItemRow>> {
        self.read(move |connection| select(connection, "i.id IN (SELECT value FROM json_each(?1))", [Json(&items)]))
            .await
    }

    /// Where every item of the workspace writes, oldest first.
    pub async fn destinations(&self) -> Result<Vec<DestinationRow>> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT project, source_email, destination_email, destination_login FROM item WHERE deleted = 0 ORDER BY id",
            )?;
            let rows = statement.query_map([], |row| {
                let (project, source_email, email, login) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
                Ok(DestinationRow { project, source_email, email, login })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    /// One item with its latest pass.
    pub async fn item(&self, id: ItemId) -> Result<ItemRow> {
        self.read(move |connection| select(connection, "i.id = ?1", [id])?.pop().ok_or_else(|| missing("item", id)))
            .await
    }

    /// The items of a project with this address on either side, ignoring ASCII case.
    pub async fn items_with_address(&self, project: ProjectId, email: &str) -> Result<Vec<ItemRow>> {
        let email = email.to_owned();
        self.read(move |connection| {
            select(connection, "i.project = ?1 AND (i.source_email = ?2 OR i.destination_email = ?2)", (project, email))
        })
        .await
    }

    /// Sets or removes the star of items.
    pub async fn set_star(&self, items: Vec<ItemId>, star: Option<Star>) -> Result<()> {
        self.write(move |transaction, _| {
            let mut statement =
                transaction.prepare_cached("UPDATE item SET star = ?2 WHERE id = ?1 AND deleted = 0")?;
            for item in items {
                if statement.execute((item, star.map(Word)))? == 0 {
                    return Err(missing("item", item));
                }
            }
            Ok(())
        })
        .await
    }

    /// Sets or removes an item's note.
    pub async fn set_note(&self, item: ItemId, note: Option<String>) -> Result<()> {
        self.write(move |transaction, _| {
            let changed = transaction
                .prepare_cached("UPDATE item SET note = ?2 WHERE id = ?1 AND deleted = 0")?
                .execute((item, note))?;
            if changed == 0 { Err(missing("item", item)) } else { Ok(()) }
        })
        .await
    }

    /// Marks items as deleted, which frees their keys at once; [`Store::purge`] removes their rows. Answers the credentials to
    /// be removed from the vault, on the disk for good: a power cut must not bring back items without their passwords.
    /// Licenses that they have consumed are lost with them (R43). Refused while one of them is waiting or running.
    pub async fn delete_items(&self, items: Vec<ItemId>, at: Timestamp) -> Result<Vec<CredentialId>> {
        self.write_durably(move |transaction, _| {
            all_at_rest(transaction, &items)?;
            licenses::lose(transaction, &items, at)?;
            let mut statement = transaction.prepare_cached(
                "UPDATE item SET deleted = 1 WHERE id = ?1 RETURNING source_credential, destination_credential",
            )?;
            let mut credentials = Vec::new();
            for item in items {
                let held: [Option<CredentialId>; 2] =
                    statement.query_row([item], |row| Ok([row.get(0)?, row.get(1)?]))?;
                credentials.extend(held.into_iter().flatten());
            }
            Ok(credentials)
        })
        .await
    }
}
