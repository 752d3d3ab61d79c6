//! Items: import by key, listing with the latest pass, stars and notes (D5).

use rusqlite::{Connection, OptionalExtension, Row, Transaction};

use super::Store;
use super::codec::{Columns, Word};
use super::error::{Result, missing};
use super::licenses;
use super::passes::{PASS_COLUMNS, PassRow, all_at_rest, pass_row};
use crate::domain::action::Action;
use crate::domain::figures::Moved;
use crate::domain::ids::{CredentialId, ItemId, ProjectId};
use crate::domain::item::{Item, Mailbox};
use crate::domain::star::Star;
use crate::domain::status::Status;
use crate::domain::time::Timestamp;

/// An item to import.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewItem {
    /// Address at the source: half of the key.
    pub source_email: String,
    /// Login name at the source; none leaves a known one as it is.
    pub source_login: Option<String>,
    /// Credential at the source, in the vault already; none leaves a known one as it is.
    pub source_credential: Option<CredentialId>,
    /// Address at the destination: the other half.
    pub destination_email: String,
    /// Login name at the destination; none leaves a known one as it is.
    pub destination_login: Option<String>,
    /// Credential at the destination, in the vault already; none leaves a known one as it is.
    pub destination_credential: Option<CredentialId>,
}

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

/// What became of an imported item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Imported {
    /// The row.
    pub id: ItemId,
    /// What became of it.
    pub became: Became,
}

/// What an import did with an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Became {
    /// It is new.
    Created,
    /// It was known and has new logins or credentials.
    Updated {
        /// Credentials, source and destination, that nothing uses any more: forget them when they are gone from the vault.
        replaced: [Option<CredentialId>; 2],
    },
    /// It was known just so.
    Unchanged,
    /// It may not be edited in this status: its row is as it was, and nothing refers to the credentials it came with.
    LeftAlone(Status),
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
     i.destination_login, i.destination_credential, i.star, i.note";

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

fn import_item(transaction: &Transaction<'_>, project: ProjectId, item: &NewItem) -> Result<Imported> {
    let known = transaction
        .prepare_cached(
            "SELECT i.id, i.source_credential, i.destination_credential, p.status
             FROM item AS i LEFT JOIN pass AS p ON p.id = i.latest_pass
             WHERE i.project = ?1 AND i.source_email = ?2 AND i.destination_email = ?3 AND i.deleted = 0",
        )?
        .query_row((project, &item.source_email, &item.destination_email), |row| {
            let status: Option<Word<Status>> = row.get(3)?;
            let status = status.map_or(Status::NotSubmitted, |word| word.0);
            Ok((row.get(0)?, [row.get(1)?, row.get(2)?], status))
        })
        .optional()?;
    match known {
        Some((id, _, status)) if Action::Edit.check(status, 0).is_err() => {
            Ok(Imported { id, became: Became::LeftAlone(status) })
        }
        Some((id, old, _)) => Ok(Imported { id, became: update_item(transaction, (id, old), item)? }),
        None => {
            transaction
                .prepare_cached(
                    "INSERT INTO item (project, source_email, source_login, source_credential,
                                       destination_email, destination_login, destination_credential)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                )?
                .execute((
                    project,
                    &item.source_email,
                    &item.source_login,
                    item.source_credential,
                    &item.destination_email,
                    &item.destination_login,
                    item.destination_credential,
                ))?;
            Ok(Imported { id: ItemId(transaction.last_insert_rowid()), became: Became::Created })
        }
    }
}

/// Takes over what an import tells of a known item, whose credentials are these.
fn update_item(
    transaction: &Transaction<'_>,
    (id, [at_source, at_destination]): (ItemId, [Option<CredentialId>; 2]),
    item: &NewItem,
) -> Result<Became> {
    let (source, destination) = (item.source_credential, item.destination_credential);
    let changed = transaction
        .prepare_cached(
            "UPDATE item SET source_login = ifnull(?2, source_login), source_credential = ifnull(?3, source_credential),
                 destination_login = ifnull(?4, destination_login),
                 destination_credential = ifnull(?5, destination_credential)
             WHERE id = ?1 AND (ifnull(?2, source_login) IS NOT source_login OR ?3 IS NOT NULL
                 OR ifnull(?4, destination_login) IS NOT destination_login OR ?5 IS NOT NULL)",
        )?
        .execute((id, &item.source_login, source, &item.destination_login, destination))?;
    if changed == 0 {
        return Ok(Became::Unchanged);
    }
    let gone = |new: Option<CredentialId>, old: Option<CredentialId>| old.filter(|_| new.is_some() && new != old);
    Ok(Became::Updated { replaced: [gone(source, at_source), gone(destination, at_destination)] })
}

impl Store {
    /// Creates items or updates logins and credentials of those whose key (both addresses, ignoring ASCII case) is known
    /// and which may be edited (`domain::action`). One transaction, on the disk for good when it returns, because what it
    /// replaced is destroyed then; answers in order.
    ///
    /// The statuses are looked at within the transaction: a worker that has written Queued reads its credentials' numbers
    /// afterwards and must still find their secrets. A Migrating item has its secrets in memory, also for new connections,
    /// and after a crash it reads the new numbers, so that its old ones may go.
    pub async fn import_items(&self, project: ProjectId, items: Vec<NewItem>) -> Result<Vec<Imported>> {
        self.write_durably(move |transaction, _| {
            let exists: bool = transaction.query_row(
                "SELECT EXISTS (SELECT 1 FROM project WHERE id = ?1 AND deleted = 0)",
                [project],
                |row| row.get(0),
            )?;
            if !exists {
                return Err(missing("project", project));
            }
            items.iter().map(|item| import_item(transaction, project, item)).collect()
        })
        .await
    }

    /// All items of a project with their latest pass, oldest first.
    pub async fn items(&self, project: ProjectId) -> Result<Vec<ItemRow>> {
        self.read(move |connection| select(connection, "i.project = ?1", [project])).await
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
            all_at_rest(transaction, items.iter().copied())?;
            licenses::lose(transaction, items.iter().copied(), at)?;
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
