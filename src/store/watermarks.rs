//! Watermarks and the other results of a pass, committed in groups (D7, D9, D10, D12).
//!
//! Rows are kept small: the destination folder is 0 when it is the row's own, flag sets are numbers, and so is the origin.
//! Bounded by the caller: a group is at most some 500 rows; a whole folder is loaded at once.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use rusqlite::types::FromSql;
use rusqlite::{Connection, OptionalExtension, Row, Transaction};

use super::Store;
use super::codec::{Json, Word, signed};
use super::connection::Cache;
use super::error::{Result, StoreError};
use super::item_errors;
use super::passes::attempt_of;
use super::progress::add_moved;
use crate::domain::content::ContentHash;
use crate::domain::flags::FlagBase;
use crate::domain::identity::Identity;
use crate::domain::ids::{FolderId, ItemId, PassId, Uid};
use crate::domain::notice::Notice;
use crate::domain::record::{Held, Origin, Rekey, Results, Watermark};

impl Store {
    /// All watermarks of a source folder, ascending by source number.
    pub async fn watermarks(&self, folder: FolderId) -> Result<Vec<Watermark>> {
        self.some_watermarks(folder, Uid(0), Uid(i64::MAX), usize::MAX).await
    }

    /// The watermarks of a source folder whose source number lies in `from..to`, ascending, at most so many.
    pub async fn some_watermarks(&self, folder: FolderId, from: Uid, to: Uid, limit: usize) -> Result<Vec<Watermark>> {
        self.read(move |connection| {
            let mut sets = HashMap::new();
            let sql = format!(
                "SELECT {WATERMARK_COLUMNS} FROM watermark
                 WHERE folder = ?1 AND source >= ?2 AND source < ?3 ORDER BY source LIMIT ?4"
            );
            let mut statement = connection.prepare_cached(&sql)?;
            let mut rows = statement.query((folder, from, to, i64::try_from(limit).unwrap_or(i64::MAX)))?;
            let mut watermarks = Vec::new();
            while let Some(row) = rows.next()? {
                watermarks.push(watermark_row(connection, &mut sets, folder, row, 0)?);
            }
            Ok(watermarks)
        })
        .await
    }

    /// Whether the item has watermarks: then an edit of one of its sides must ask (D13).
    pub async fn has_watermarks(&self, item: ItemId) -> Result<bool> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM folder JOIN watermark ON watermark.folder = folder.id
                                WHERE folder.item = ?1 AND folder.dropped = 0)",
            )?;
            Ok(statement.query_row([item], |row| row.get(0))?)
        })
        .await
    }

    /// The copies of these messages were lost: they are copied again, those of retired rows where they come up.
    pub async fn lose(&self, folder: FolderId, messages: Vec<Uid>) -> Result<()> {
        self.write(move |transaction, cache| {
            cache.taken.clear();
            let mut statement = transaction
                .prepare_cached("UPDATE watermark SET destination = ?3 WHERE folder = ?1 AND source = ?2")?;
            for message in messages {
                statement.execute((folder, message, Watermark::LOST))?;
            }
            // The next pass must look into the folder.
            transaction.prepare_cached("UPDATE folder SET marker = NULL WHERE id = ?1")?.execute([folder])?;
            Ok(())
        })
        .await
    }

    /// Drops the watermarks of these messages: nothing is known of them any more.
    pub async fn forget(&self, folder: FolderId, messages: Vec<Uid>) -> Result<()> {
        self.write(move |transaction, cache| {
            cache.taken.clear();
            let mut statement =
                transaction.prepare_cached("DELETE FROM watermark WHERE folder = ?1 AND source = ?2")?;
            for message in messages {
                statement.execute((folder, message))?;
            }
            // They are new again: the next pass must look into the folder.
            transaction.prepare_cached("UPDATE folder SET marker = NULL WHERE id = ?1")?.execute([folder])?;
            Ok(())
        })
        .await
    }

    /// Which of these identities a watermark of the item has whose copy is not lost. Reads all watermarks of the item once.
    pub async fn known_identities(&self, item: ItemId, asked: BTreeSet<Identity>) -> Result<BTreeSet<Identity>> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT w.identity FROM folder AS f JOIN watermark AS w ON w.folder = f.id
                 WHERE f.item = ?1 AND f.dropped = 0 AND w.destination <> ?2",
            )?;
            let mut rows = statement.query((item, Watermark::LOST))?;
            let mut known = BTreeSet::new();
            while let Some(row) = rows.next()? {
                let identity = Identity(row.get(0)?);
                if asked.contains(&identity) {
                    known.insert(identity);
                }
            }
            Ok(known)
        })
        .await
    }

    /// The watermarks of the item that have one of these identities; those of this folder row and of retired rows are left
    /// out. Reads all watermarks of the item once.
    pub async fn held_elsewhere(&self, item: ItemId, folder: FolderId, asked: BTreeSet<Identity>) -> Result<Vec<Held>> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT w.identity, w.content, f.id FROM folder AS f JOIN watermark AS w ON w.folder = f.id
                 WHERE f.item = ?1 AND f.dropped = 0 AND f.retired = 0 AND f.id <> ?2",
            )?;
            let mut rows = statement.query((item, folder))?;
            let mut held = Vec::new();
            while let Some(row) = rows.next()? {
                let identity = Identity(row.get(0)?);
                if asked.contains(&identity) {
                    let content: Option<[u8; 16]> = row.get(1)?;
                    held.push(Held { identity, content: content.map(ContentHash), folder: row.get(2)? });
                }
            }
            Ok(held)
        })
        .await
    }

    /// Commits a group of results, all or nothing: new or replaced watermarks, then rekeys, then flag bases, then places,
    /// then item errors and notices. A destination number that another watermark of the same destination folder has is not
    /// believed: it is kept as not told.
    ///
    /// The rekeys of one group happen at the same time, so two messages may change places. One whose origin is not there, or
    /// whose goal is taken, is refused as [`StoreError::Contradiction`], and with it the whole group.
    pub async fn record(&self, pass: PassId, results: Results) -> Result<()> {
        self.write(move |transaction, cache| {
            drop_markers(transaction, &results)?;
            put(transaction, cache, &results.watermarks)?;
            rekey(transaction, &results.rekeys)?;
            let mut statement =
                transaction.prepare_cached("UPDATE watermark SET flags = ?3 WHERE folder = ?1 AND source = ?2")?;
            for (folder, source, flags) in &results.flags {
                statement.execute((folder, source, flag_set(transaction, cache, flags)?))?;
            }
            for (folder, source, place) in &results.places {
                move_copy(transaction, cache, *folder, *source, *place)?;
            }
            item_errors::record(transaction, pass, &results.errors)?;
            notices(transaction, pass, &results.notices)?;
            add_moved(transaction, pass, &results.moved)
        })
        .await
    }
}

/// What [`watermark_row`] reads.
pub(super) const WATERMARK_COLUMNS: &str = "source, destination_folder, destination, identity, flags, origin, content";

/// A watermark of a folder row; its columns begin at `at`. `sets` remembers flag sets by number.
pub(super) fn watermark_row(
    connection: &Connection,
    sets: &mut HashMap<i64, FlagBase>,
    folder: FolderId,
    row: &Row<'_>,
    at: usize,
) -> Result<Watermark> {
    let set: i64 = row.get(at + 4)?;
    let flags = match sets.entry(set) {
        Entry::Occupied(known) => known.into_mut(),
        Entry::Vacant(new) => {
            let mut names = connection.prepare_cached("SELECT names FROM flag_set WHERE id = ?1")?;
            let text: String = names.query_row([set], |row| row.get(0)).optional()?.ok_or_else(|| {
                StoreError::Corrupt(format!("flag set {set} of a watermark of folder {folder} is missing"))
            })?;
            new.insert(FlagBase::read(&text))
        }
    };
    let elsewhere: i64 = row.get(at + 1)?;
    let hash = |at: usize, what: &str| {
        FromSql::column_result(row.get_ref(at)?).map_err(|e| StoreError::Corrupt(format!("{what} of a watermark: {e}")))
    };
    Ok(Watermark {
        source: row.get(at)?,
        destination_folder: if elsewhere == 0 { folder } else { FolderId(elsewhere) },
        destination: row.get(at + 2)?,
        identity: Identity(hash(at + 3, "identity")?),
        flags: flags.clone(),
        origin: match row.get::<_, i64>(at + 5)? {
            0 => Origin::Copied,
            2 => Origin::Cleaned,
            _ => Origin::Found,
        },
        content: row.get::<_, Option<[u8; 16]>>(at + 6)?.map(ContentHash),
    })
}

/// 0 when a message is in its own folder row's destination folder.
pub(super) fn elsewhere(destination: FolderId, own: FolderId) -> i64 {
    if destination == own { 0 } else { destination.0 }
}

pub(super) fn put(
    transaction: &Transaction<'_>,
    cache: &mut Cache,
    watermarks: &[(FolderId, Watermark)],
) -> Result<()> {
    let mut statement = transaction.prepare_cached(
        "INSERT OR REPLACE INTO watermark (folder, source, destination_folder, destination, identity, flags, origin, content)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    let mut highest: BTreeMap<FolderId, Uid> = BTreeMap::new();
    for (folder, watermark) in watermarks {
        let flags = flag_set(transaction, cache, &watermark.flags)?;
        let place = free_place(transaction, cache, *folder, watermark)?;
        let top = highest.entry(watermark.destination_folder).or_insert(Uid(0));
        *top = place.max(*top);
        statement.execute((
            folder,
            watermark.source,
            elsewhere(watermark.destination_folder, *folder),
            place,
            &watermark.identity.0[..],
            flags,
            match watermark.origin {
                Origin::Copied => 0,
                Origin::Found => 1,
                Origin::Cleaned => 2,
            },
            watermark.content.map(|content| content.0),
        ))?;
    }
    highest.into_iter().try_for_each(|(folder, highest)| lift(transaction, folder, highest))
}

/// A copy of this number was recorded in a row's destination folder.
pub(super) fn lift(transaction: &Transaction<'_>, folder: FolderId, number: Uid) -> Result<()> {
    let sql = "UPDATE folder SET destination_top = ?2 WHERE id = ?1 AND destination_top < ?2";
    transaction.prepare_cached(sql)?.execute((folder, number))?;
    Ok(())
}

/// What these rows hold is no more what was there when their folders ended: until they end again they are looked into, however
/// much their state looks like then (D11). That also finds a message that is in a folder once more which its watermark left.
fn drop_markers(transaction: &Transaction<'_>, results: &Results) -> Result<()> {
    let mut rows: BTreeSet<FolderId> = results.rekeys.iter().flat_map(|key| [key.from_folder, key.to_folder]).collect();
    rows.extend(results.watermarks.iter().map(|(row, _)| *row));
    rows.extend(results.flags.iter().map(|(row, ..)| *row));
    rows.extend(results.places.iter().map(|(row, ..)| *row));
    let mut drop =
        transaction.prepare_cached("UPDATE folder SET marker = NULL WHERE id = ?1 AND marker IS NOT NULL")?;
    for row in rows {
        drop.execute([row])?;
    }
    Ok(())
}

/// All are lifted before any is set down, so that no order of the list can overwrite a watermark.
fn rekey(transaction: &Transaction<'_>, rekeys: &[Rekey]) -> Result<()> {
    let mut lift = transaction.prepare_cached(
        "DELETE FROM watermark WHERE folder = ?1 AND source = ?2
         RETURNING destination_folder, destination, identity, flags, origin, content",
    )?;
    let mut lifted = Vec::with_capacity(rekeys.len());
    for key in rekeys {
        let row = lift
            .query_row((key.from_folder, key.from), |row| {
                let rest: (i64, Uid, [u8; 16], i64, i64, Option<[u8; 16]>) =
                    (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?);
                Ok(rest)
            })
            .optional()?;
        lifted.push(row.ok_or_else(|| {
            StoreError::Contradiction(format!("no watermark for message {} of folder {}", key.from, key.from_folder))
        })?);
    }
    let mut put = transaction.prepare_cached(
        "INSERT OR IGNORE INTO watermark (folder, source, destination_folder, destination, identity, flags, origin, content)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    for (key, (stored, destination, identity, flags, origin, content)) in rekeys.iter().zip(lifted) {
        let folder = if stored == 0 { key.from_folder } else { FolderId(stored) };
        let elsewhere = elsewhere(folder, key.to_folder);
        if put.execute((key.to_folder, key.to, elsewhere, destination, &identity[..], flags, origin, content))? == 0 {
            return Err(StoreError::Contradiction(format!(
                "message {} of folder {} has a watermark already",
                key.to, key.to_folder
            )));
        }
    }
    Ok(())
}

/// The number of a flag set, given on first sight.
fn flag_set(transaction: &Transaction<'_>, cache: &mut Cache, flags: &FlagBase) -> Result<i64> {
    let text = flags.to_string();
    if text.is_empty() {
        return Ok(0);
    }
    if let Some(id) = cache.flags.get(&text) {
        return Ok(*id);
    }
    transaction.prepare_cached("INSERT OR IGNORE INTO flag_set (names) VALUES (?1)")?.execute([&text])?;
    let id =
        transaction.prepare_cached("SELECT id FROM flag_set WHERE names = ?1")?.query_row([&text], |row| row.get(0))?;
    cache.flags.insert(text, id);
    Ok(id)
}

/// The number of a copy, unless another watermark of the same destination folder has it (D26: such a number is "not told").
fn free_place(
    transaction: &Transaction<'_>,
    cache: &mut Cache,
    folder: FolderId,
    watermark: &Watermark,
) -> Result<Uid> {
    let Some(place) = watermark.at() else { return Ok(watermark.destination) };
    let own: Option<(i64, Uid)> = transaction
        .prepare_cached("SELECT destination_folder, destination FROM watermark WHERE folder = ?1 AND source = ?2")?
        .query_row((folder, watermark.source), |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let same = (elsewhere(watermark.destination_folder, folder), place);
    if own == Some(same) || cache.taken.take(transaction, watermark.destination_folder, place)? {
        return Ok(place);
    }
    tracing::warn!(%folder, source = %watermark.source, destination = %place, "a number that another message has; not believed");
    Ok(Watermark::NOT_TOLD)
}

/// A copy is somewhere else now, or nowhere.
fn move_copy(
    transaction: &Transaction<'_>,
    cache: &mut Cache,
    folder: FolderId,
    source: Uid,
    place: Uid,
) -> Result<()> {
    let target: Option<i64> = transaction
        .prepare_cached("SELECT destination_folder FROM watermark WHERE folder = ?1 AND source = ?2")?
        .query_row((folder, source), |row| row.get(0))
        .optional()?;
    let Some(target) = target else { return Ok(()) };
    let target = if target == 0 { folder } else { FolderId(target) };
    let free = place.0 <= 0 || cache.taken.take(transaction, target, place)?;
    if free {
        lift(transaction, target, place)?;
    }
    transaction
        .prepare_cached("UPDATE watermark SET destination = ?3 WHERE folder = ?1 AND source = ?2")?
        .execute((folder, source, if free { place } else { Watermark::NOT_TOLD }))?;
    Ok(())
}

fn notices(transaction: &Transaction<'_>, pass: PassId, notices: &[Notice]) -> Result<()> {
    if notices.is_empty() {
        return Ok(());
    }
    let attempt: u32 = attempt_of(transaction, pass)?;
    let mut statement = transaction.prepare_cached(
        "INSERT INTO notice (pass, attempt, folder, kind, side, messages, numbers, detail)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    for notice in notices {
        let numbers = &notice.numbers[..notice.numbers.len().min(Notice::NUMBERS)];
        statement.execute((
            pass,
            attempt,
            notice.folder.as_ref().map(Json),
            Word(notice.kind),
            notice.side.map(Word),
            signed(notice.messages),
            Json(numbers),
            &notice.detail,
        ))?;
    }
    Ok(())
}
