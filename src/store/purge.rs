//! Removes what was deleted or reset, in small transactions, so that nothing waits long behind it (D5).

use rusqlite::{OptionalExtension, Transaction};

use super::Store;
use super::error::Result;
use crate::domain::ids::FolderId;

/// Rows of one transaction at most.
const CHUNK: i64 = 5_000;

/// Marks spread from project to item to folder; then rows go, children before parents. Each takes at most `?1` rows.
const STEPS: &[&str] = &[
    "UPDATE item SET deleted = 1 WHERE id IN (SELECT i.id FROM item AS i JOIN project AS p ON p.id = i.project
         WHERE p.deleted = 1 AND i.deleted = 0 LIMIT ?1)",
    "UPDATE folder SET dropped = 1 WHERE id IN (SELECT f.id FROM item AS i JOIN folder AS f ON f.item = i.id
         WHERE i.deleted = 1 AND f.dropped = 0 LIMIT ?1)",
];
/// Credentials stay until their secrets are gone from the vault ([`Store::forget_credentials`]).
const REMOVALS: &[&str] = &[
    "DELETE FROM item_error WHERE id IN (SELECT e.id FROM item AS i JOIN pass AS p ON p.item = i.id
         JOIN item_error AS e ON e.pass = p.id WHERE i.deleted = 1 LIMIT ?1)",
    "DELETE FROM notice WHERE id IN (SELECT n.id FROM item AS i JOIN pass AS p ON p.item = i.id
         JOIN notice AS n ON n.pass = p.id WHERE i.deleted = 1 LIMIT ?1)",
    "DELETE FROM pass_folder WHERE (pass, folder) IN (SELECT l.pass, l.folder FROM item AS i JOIN pass AS p ON p.item = i.id
         JOIN pass_folder AS l ON l.pass = p.id WHERE i.deleted = 1 LIMIT ?1)",
    "DELETE FROM pass WHERE id IN (SELECT p.id FROM item AS i JOIN pass AS p ON p.item = i.id WHERE i.deleted = 1 LIMIT ?1)",
    "DELETE FROM folder WHERE id IN (SELECT f.id FROM item AS i JOIN folder AS f ON f.item = i.id
         WHERE i.deleted = 1 LIMIT ?1)",
    "DELETE FROM item WHERE id IN (SELECT id FROM item WHERE deleted = 1 LIMIT ?1)",
    "DELETE FROM habit WHERE (project, side) IN (SELECT h.project, h.side FROM project AS p JOIN habit AS h
         ON h.project = p.id WHERE p.deleted = 1 LIMIT ?1)",
    "DELETE FROM project WHERE id IN (SELECT id FROM project WHERE deleted = 1 LIMIT ?1)",
];

impl Store {
    /// Removes one chunk of deleted rows; tells whether there may be more. Call it until it says no, giving others a turn.
    pub async fn purge(&self) -> Result<bool> {
        self.write(|transaction, _| {
            for sql in STEPS {
                if transaction.prepare_cached(sql)?.execute([CHUNK])? > 0 {
                    return Ok(true);
                }
            }
            if purge_watermarks(transaction)? {
                return Ok(true);
            }
            for sql in REMOVALS {
                if transaction.prepare_cached(sql)?.execute([CHUNK])? > 0 {
                    return Ok(true);
                }
            }
            Ok(false)
        })
        .await
    }
}

fn purge_watermarks(transaction: &Transaction<'_>) -> Result<bool> {
    let folder: Option<FolderId> = transaction
        .prepare_cached("SELECT id FROM folder WHERE dropped = 1 LIMIT 1")?
        .query_row([], |row| row.get(0))
        .optional()?;
    let Some(folder) = folder else { return Ok(false) };
    let removed = transaction
        .prepare_cached(
            "DELETE FROM watermark WHERE folder = ?1 AND source IN
                 (SELECT source FROM watermark WHERE folder = ?1 ORDER BY source LIMIT ?2)",
        )?
        .execute((folder, CHUNK))?;
    let strangers = transaction
        .prepare_cached(
            "DELETE FROM stranger WHERE folder = ?1 AND destination IN
                 (SELECT destination FROM stranger WHERE folder = ?1 ORDER BY destination LIMIT ?2)",
        )?
        .execute((folder, CHUNK))?;
    if removed.max(strangers) < CHUNK.unsigned_abs() as usize {
        transaction.prepare_cached("UPDATE folder SET dropped = 2 WHERE id = ?1")?.execute([folder])?;
    }
    Ok(true)
}
