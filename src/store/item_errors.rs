//! Item errors: what a pass records, the listings of a pass and of a project, what later passes go by, and acceptance.

use rusqlite::{Row, Transaction};

use super::Store;
use super::codec::{Columns, Json, Word, signed};
use super::error::Result;
use super::passes::all_at_rest;
use super::passes::attempt_of;
use crate::domain::failure::Cause;
use crate::domain::folder::UidValidity;
use crate::domain::ids::{ItemId, PassId, ProjectId};
use crate::domain::item_error::{Acceptance, ItemError};

/// A line of a listing of item errors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorRow {
    /// The row.
    pub id: i64,
    /// Whose.
    pub item: ItemId,
    /// What it says.
    pub error: ItemError,
}

/// The columns that [`error_row`] reads, of aliases `e` and `p`.
const COLUMNS: &str =
    "e.id, p.item, e.folder, e.source, e.subject, e.date, e.size, e.messages, e.side, e.failure, e.accepted, e.note,
     e.size_terms, e.numbering";

fn error_row(row: &Row<'_>) -> rusqlite::Result<ErrorRow> {
    let mut columns = Columns::of(row);
    Ok(ErrorRow {
        id: columns.next()?,
        item: columns.next()?,
        error: ItemError {
            folder: columns.maybe_json()?,
            source: columns.next()?,
            subject: columns.next()?,
            date: columns.next()?,
            size: columns.next::<Option<i64>>()?.map(|size| size.max(0).unsigned_abs()),
            messages: columns.count()?,
            side: columns.maybe_word()?,
            failure: columns.json()?,
            accepted: {
                let (at, note) = (columns.next()?, columns.next()?);
                Option::map(at, |at| Acceptance { at, note })
            },
            size_terms: columns.maybe_json()?,
            numbering: columns.next::<Option<i64>>()?.and_then(UidValidity::from_stored),
        },
    })
}

impl Store {
    /// The item errors of a pass's latest attempt, oldest first.
    pub async fn item_errors(&self, pass: PassId, limit: u32, offset: u32) -> Result<Vec<ErrorRow>> {
        self.read(move |connection| {
            let sql = format!(
                "SELECT {COLUMNS} FROM item_error AS e JOIN pass AS p ON p.id = e.pass AND p.attempt = e.attempt
                 WHERE e.pass = ?1 ORDER BY e.id LIMIT ?2 OFFSET ?3"
            );
            let mut statement = connection.prepare_cached(&sql)?;
            Ok(statement.query_map((pass, limit, offset), error_row)?.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    /// The item errors of the latest passes of a project's items, or of one of them; item by item, oldest first.
    pub async fn project_errors(
        &self,
        project: ProjectId,
        item: Option<ItemId>,
        limit: u32,
        offset: u32,
    ) -> Result<Vec<ErrorRow>> {
        self.read(move |connection| {
            let sql = format!(
                "SELECT {COLUMNS} FROM item AS i JOIN pass AS p ON p.id = i.latest_pass
                     JOIN item_error AS e ON e.pass = p.id AND e.attempt = p.attempt
                 WHERE i.project = ?1 AND i.deleted = 0 AND (?2 IS NULL OR i.id = ?2)
                 ORDER BY i.id, e.id LIMIT ?3 OFFSET ?4"
            );
            let mut statement = connection.prepare_cached(&sql)?;
            Ok(statement.query_map((project, item, limit, offset), error_row)?.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    /// What later passes of an item go by: errors that a person accepted and messages that were too big, oldest first, since
    /// it was made or reset.
    pub async fn earlier_errors(&self, item: ItemId) -> Result<Vec<ItemError>> {
        self.read(move |connection| {
            let sql = format!(
                "SELECT {COLUMNS} FROM item AS i JOIN pass AS p ON p.item = i.id AND p.submitted >= ifnull(i.reset_at, 0)
                     JOIN item_error AS e ON e.pass = p.id
                 WHERE i.id = ?1 AND (e.accepted IS NOT NULL OR json_extract(e.failure, '$.cause') = ?2)
                 ORDER BY e.id"
            );
            let mut statement = connection.prepare_cached(&sql)?;
            let rows = statement.query_map((item, Word(Cause::TooBig)), error_row)?;
            Ok(rows.map(|row| row.map(|row| row.error)).collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    /// Accepts errors of an item's latest pass, or no longer does; answers how many of its messages are accepted now. Refused
    /// while the item is waiting or running.
    pub async fn accept_errors(&self, item: ItemId, errors: Vec<i64>, acceptance: Option<Acceptance>) -> Result<u64> {
        self.write(move |transaction, _| {
            all_at_rest(transaction, &[item])?;
            let (at, note) = acceptance.map(|said| (said.at, said.note)).unzip();
            // The same error of earlier passes says the same: later ones go by it.
            let mut statement = transaction.prepare_cached(
                "UPDATE item_error AS o SET accepted = ?3, note = ?4
                 FROM item_error AS e JOIN pass AS p ON p.id = e.pass
                 WHERE e.id = ?1 AND p.item = ?2 AND o.pass IN (SELECT id FROM pass WHERE item = ?2)
                     AND o.folder IS e.folder AND o.source IS e.source
                     AND json_extract(o.failure, '$.cause') = json_extract(e.failure, '$.cause')
                     AND (?3 IS NULL OR o.id = e.id)",
            )?;
            for error in errors {
                statement.execute((error, item, at, note.as_ref().and_then(Option::as_ref)))?;
            }
            let accepted: Option<i64> = transaction
                .prepare_cached(
                    "UPDATE pass SET accepted = (SELECT ifnull(sum(e.messages), 0) FROM item_error AS e
                         WHERE e.pass = pass.id AND e.attempt = pass.attempt AND e.accepted IS NOT NULL)
                     WHERE id = (SELECT latest_pass FROM item WHERE id = ?1) RETURNING accepted",
                )?
                .query_map([item], |row| row.get(0))?
                .next()
                .transpose()?;
            Ok(accepted.unwrap_or(0).max(0).unsigned_abs())
        })
        .await
    }
}

/// Records the errors of a pass's running attempt.
pub(super) fn record(transaction: &Transaction<'_>, pass: PassId, errors: &[ItemError]) -> Result<()> {
    if errors.is_empty() {
        return Ok(());
    }
    let attempt: u32 = attempt_of(transaction, pass)?;
    let mut statement = transaction.prepare_cached(
        "INSERT INTO item_error (pass, attempt, folder, source, subject, date, size, messages, failure, side, accepted, note,
             size_terms, numbering)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
    )?;
    for error in errors {
        statement.execute((
            pass,
            attempt,
            error.folder.as_ref().map(Json),
            error.source,
            &error.subject,
            error.date,
            error.size.map(signed),
            signed(error.messages),
            Json(&error.failure),
            error.side.map(Word),
            error.accepted.as_ref().map(|said| said.at),
            error.accepted.as_ref().and_then(|said| said.note.as_ref()),
            error.size_terms.as_ref().map(Json),
            error.numbering.map(|numbering| UidValidity::stored(Some(numbering))),
        ))?;
    }
    Ok(())
}
