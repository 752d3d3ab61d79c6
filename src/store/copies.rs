//! Copies at the destination, as watermarks have them: by their numbers there (D26, D27).

use rusqlite::Connection;

use super::Store;
use super::codec::Json;
use super::error::Result;
use super::folders::{insert, leading_to, sharing_destination};
use super::watermarks::{WATERMARK_COLUMNS, elsewhere, lift, watermark_row};
use crate::domain::folder::{FolderPath, ListedFolder, UidValidity, WireName};
use crate::domain::ids::{FolderId, ItemId, Uid};
use crate::domain::record::{CopiesExpected, FolderUpdate, Watermark};

impl Store {
    /// The watermarks that point into this row's destination folder at these numbers (ascending; 0 stands for those without
    /// a number), with their rows, in the order of the numbers. Reads all watermarks of the folder.
    pub async fn copies(&self, folder: FolderId, numbers: Vec<Uid>) -> Result<Vec<(FolderId, Watermark)>> {
        self.read(move |connection| {
            let mut found = Vec::new();
            each_copy(connection, folder, |row, watermark| {
                if numbers.binary_search(&watermark.destination).is_ok() {
                    found.push((row, watermark));
                }
            })?;
            found.sort_by_key(|(_, watermark)| watermark.destination);
            Ok(found)
        })
        .await
    }

    /// Which rows of the item have watermarks whose copies lie in the destination folder of another row: that row and the other.
    pub async fn led_elsewhere(&self, item: ItemId) -> Result<Vec<(FolderId, FolderId)>> {
        self.read(move |connection| {
            let sql =
                "SELECT DISTINCT w.folder, w.destination_folder FROM watermark AS w JOIN folder AS f ON f.id = w.folder
                       WHERE w.destination_folder <> 0 AND w.destination > 0 AND f.item = ?1 AND f.dropped = 0";
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map([item], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    /// How many messages of this source folder have a watermark, but for those that are to be copied again.
    pub async fn known_messages(&self, folder: FolderId) -> Result<u64> {
        self.read(move |connection| {
            let sql = "SELECT count(*) FROM watermark WHERE folder = ?1 AND destination <> ?2";
            let count = (folder, Watermark::LOST);
            let count: i64 = connection.prepare_cached(sql)?.query_row(count, |row| row.get(0))?;
            Ok(count.max(0).unsigned_abs())
        })
        .await
    }

    /// How many copies should be in this row's destination folder.
    pub async fn copies_expected(&self, folder: FolderId) -> Result<CopiesExpected> {
        self.read(move |connection| {
            let mut expected = CopiesExpected::default();
            for id in leading_to(connection, folder)? {
                for sql in [
                    "SELECT sum(destination > 0), sum(destination = 0), max(destination) FROM watermark
                     WHERE folder = ?1 AND destination_folder = 0",
                    "SELECT sum(destination > 0), sum(destination = 0), max(destination) FROM watermark
                     WHERE destination_folder = ?1 AND destination_folder <> 0",
                ] {
                    let figures = |row: &rusqlite::Row<'_>| {
                        let figure = |at| row.get::<_, Option<i64>>(at).map(|figure| figure.unwrap_or(0).max(0));
                        Ok((figure(0)?.unsigned_abs(), figure(1)?.unsigned_abs(), Uid(figure(2)?)))
                    };
                    let (told, untold, highest) = connection.prepare_cached(sql)?.query_row([id], figures)?;
                    expected.told += told;
                    expected.untold += untold;
                    expected.highest = expected.highest.max(highest);
                }
            }
            Ok(expected)
        })
        .await
    }

    /// These copies (by row and source number) lie in a destination folder that no row leads to, under the last number: a
    /// retired row of it stands for the folder from now on.
    pub async fn rehome(&self, item: ItemId, at: FolderUpdate, copies: Vec<(FolderId, Uid, Uid)>) -> Result<()> {
        self.write(move |transaction, cache| {
            cache.taken.clear();
            let place = insert(transaction, item, &at, true)?;
            let sql =
                "UPDATE watermark SET destination_folder = ?3, destination = ?4 WHERE folder = ?1 AND source = ?2";
            let mut statement = transaction.prepare_cached(sql)?;
            for (folder, source, number) in copies {
                statement.execute((folder, source, place, number))?;
                lift(transaction, place, number)?;
            }
            Ok(())
        })
        .await
    }

    /// These copies (by row and source number) lie in this row's destination folder, under the last number.
    pub async fn found_at(&self, folder: FolderId, copies: Vec<(FolderId, Uid, Uid)>) -> Result<()> {
        self.write(move |transaction, cache| {
            cache.taken.clear();
            let rows = sharing_destination(transaction, folder)?;
            let mut known =
                transaction.prepare_cached("DELETE FROM stranger WHERE folder = ?1 AND destination = ?2")?;
            let mut statement = transaction.prepare_cached(
                "UPDATE watermark SET destination_folder = ?3, destination = ?4 WHERE folder = ?1 AND source = ?2",
            )?;
            for (row, source, number) in copies {
                statement.execute((row, source, elsewhere(folder, row), number))?;
                lift(transaction, folder, number)?;
                for shared in &rows {
                    known.execute((shared, number))?;
                }
            }
            Ok(())
        })
        .await
    }

    /// The watermarks of the item whose copies were lost and not copied again yet, with their rows.
    pub async fn lost_copies(&self, item: ItemId) -> Result<Vec<(FolderId, Watermark)>> {
        self.read(move |connection| {
            let sql = format!(
                "SELECT folder, {WATERMARK_COLUMNS} FROM watermark
                 WHERE folder IN (SELECT id FROM folder WHERE item = ?1 AND dropped = 0) AND destination = ?2"
            );
            let mut statement = connection.prepare_cached(&sql)?;
            let mut rows = statement.query((item, Watermark::LOST))?;
            let (mut lost, mut sets) = (Vec::new(), Default::default());
            while let Some(row) = rows.next()? {
                let own: FolderId = row.get(0)?;
                lost.push((own, watermark_row(connection, &mut sets, own, row, 1)?));
            }
            Ok(lost)
        })
        .await
    }

    /// Another folder has the name of this row's destination folder: what was seen of the old one says nothing about it.
    pub async fn take_destination(&self, folder: FolderId, now: ListedFolder) -> Result<()> {
        self.write(move |transaction, cache| {
            cache.taken.forget(folder);
            transaction.prepare_cached("DELETE FROM stranger WHERE folder = ?1")?.execute([folder])?;
            transaction
                .prepare_cached(
                    "UPDATE folder SET destination_validity = ?2, destination_mailbox_id = ?3, destination_next = 0,
                         destination_messages = 0, destination_top = 0, strangers_next = 0, marker = NULL, intent_validity = NULL,
                         intent_floor = NULL
                     WHERE id = ?1",
                )?
                .execute((
                    folder,
                    UidValidity::stored(now.state.and_then(|state| state.uid_validity)),
                    now.mailbox_id,
                ))?;
            Ok(())
        })
        .await
    }

    /// The destination folders of these rows, and of those that share them, have other names now.
    pub async fn follow_destinations(&self, moved: Vec<(FolderId, FolderPath, WireName)>) -> Result<()> {
        self.write(move |transaction, cache| {
            cache.taken.clear();
            // Who shares what is told by the old names: folders may have swapped them.
            let shared = moved.iter().map(|(folder, ..)| sharing_destination(transaction, *folder));
            let shared: Vec<Vec<FolderId>> = shared.collect::<Result<_>>()?;
            for (ids, (_, path, wire)) in shared.into_iter().zip(&moved) {
                for id in ids {
                    transaction
                        .prepare_cached("UPDATE folder SET destination = ?2, destination_wire = ?3 WHERE id = ?1")?
                        .execute((id, Json(path), &wire.0))?;
                }
            }
            Ok(())
        })
        .await
    }
}

/// Every watermark that points into this row's destination folder, under the numbering of this row.
fn each_copy(connection: &Connection, folder: FolderId, mut each: impl FnMut(FolderId, Watermark)) -> Result<()> {
    for id in leading_to(connection, folder)? {
        for condition in
            ["folder = ?1 AND destination_folder = 0", "destination_folder = ?1 AND destination_folder <> 0"]
        {
            let sql =
                format!("SELECT folder, {WATERMARK_COLUMNS} FROM watermark WHERE {condition} AND destination >= 0");
            let mut statement = connection.prepare_cached(&sql)?;
            let mut rows = statement.query([id])?;
            let mut sets = Default::default();
            while let Some(row) = rows.next()? {
                let own: FolderId = row.get(0)?;
                each(own, watermark_row(connection, &mut sets, own, row, 1)?);
            }
        }
    }
    Ok(())
}
