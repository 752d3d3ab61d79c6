//! Figures of passes: what a worker flushes, and the paged listings of folders and notices (D6, D25).
//!
//! What is recorded is counted with its watermarks, in their transaction ([`add_moved`]), so that no crash takes it back, and no
//! figures that are flushed later than they were read.
//!
//! A resumed pass goes on counting from what its earlier attempts wrote, so that figures never fall and the sum of D6
//! holds over all attempts; the worker sees to that, here they are only kept.

use rusqlite::Transaction;

use super::Store;
use super::codec::{Columns, Json, Word, signed};
use super::error::{Result, missing};
use crate::domain::figures::Moved;
use crate::domain::folder::FolderPath;
use crate::domain::ids::{FolderId, ItemId, PassId, ProjectId};
use crate::domain::notice::Notice;
use crate::domain::progress::{FolderPhase, PassFolder, PassProgress};
use crate::domain::time::Timestamp;

/// A line of a pass's folder listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassFolderRow {
    /// Name at the source, as last seen.
    pub source: FolderPath,
    /// Name at the destination.
    pub destination: FolderPath,
    /// Its figures.
    pub folder: PassFolder,
}

impl Store {
    /// Flushes a pass's figures, those of its earlier attempts included (a worker goes on from [`Store::pass_folders`]).
    pub async fn progress(&self, pass: PassId, progress: PassProgress, folders: Vec<PassFolder>) -> Result<()> {
        self.write(move |transaction, _| {
            for folder in &folders {
                write_folder(transaction, pass, folder)?;
            }
            write_pass(transaction, pass, &progress)
        })
        .await
    }

    /// The folders of a pass, by source name.
    pub async fn pass_folders(&self, pass: PassId, limit: u32, offset: u32) -> Result<Vec<PassFolderRow>> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT f.source, f.destination, f.id, p.phase, p.source, p.copied, p.already_there, p.skipped, p.vanished,
                     p.errors, p.bytes, p.flags_updated, p.waiting, p.arrived, p.differ
                 FROM pass_folder AS p JOIN folder AS f ON f.id = p.folder
                 WHERE p.pass = ?1 ORDER BY f.source, f.id LIMIT ?2 OFFSET ?3",
            )?;
            let rows = statement.query_map((pass, limit, offset), |row| {
                let mut columns = Columns::of(row);
                Ok(PassFolderRow {
                    source: columns.json()?,
                    destination: columns.json()?,
                    folder: PassFolder { folder: columns.next()?, phase: columns.word()?, counts: columns.counts()? },
                })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }
}

impl Store {
    /// The notices of a pass's latest attempt, oldest first.
    pub async fn notices(&self, pass: PassId, limit: u32, offset: u32) -> Result<Vec<Notice>> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT n.folder, n.kind, n.side, n.messages, n.numbers, n.detail
                 FROM notice AS n JOIN pass AS p ON p.id = n.pass AND p.attempt = n.attempt
                 WHERE n.pass = ?1 ORDER BY n.id LIMIT ?2 OFFSET ?3",
            )?;
            let rows = statement.query_map((pass, limit, offset), |row| notice(&mut Columns::of(row)))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }
}

/// A notice of an item's latest pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticeRow {
    /// Whose.
    pub item: ItemId,
    /// How many notices the pass has in all.
    pub of: u64,
    /// What it says.
    pub notice: Notice,
}

impl Store {
    /// The notices of the latest passes of a project's items, at most so many of each, oldest first.
    pub async fn project_notices(&self, project: ProjectId, limit: u32) -> Result<Vec<NoticeRow>> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT item, of, folder, kind, side, messages, numbers, detail FROM (
                     SELECT p.item AS item, count(*) OVER (PARTITION BY n.pass) AS of,
                         row_number() OVER (PARTITION BY n.pass ORDER BY n.id) AS place,
                         n.id, n.folder, n.kind, n.side, n.messages, n.numbers, n.detail
                     FROM item AS i JOIN pass AS p ON p.id = i.latest_pass
                     JOIN notice AS n ON n.pass = p.id AND n.attempt = p.attempt
                     WHERE i.project = ?1 AND i.deleted = 0)
                 WHERE place <= ?2 ORDER BY item, id",
            )?;
            let rows = statement.query_map((project, limit), |row| {
                let mut columns = Columns::of(row);
                Ok(NoticeRow { item: columns.next()?, of: columns.count()?, notice: notice(&mut columns)? })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }
}

fn notice(columns: &mut Columns<'_, '_>) -> rusqlite::Result<Notice> {
    Ok(Notice {
        folder: columns.maybe_json()?,
        kind: columns.word()?,
        side: columns.maybe_word()?,
        messages: columns.count()?,
        numbers: columns.json()?,
        detail: columns.next()?,
    })
}

/// What watermarks add to the figures, in their transaction.
pub(super) fn add_moved(transaction: &Transaction<'_>, pass: PassId, moved: &[(FolderId, Moved)]) -> Result<()> {
    let mut folders = transaction.prepare_cached(
        "INSERT INTO pass_folder (pass, folder, phase, copied, bytes, source, already_there, skipped, vanished, errors,
             flags_updated)
         VALUES (?1, ?2, ?3, ?4, ?5, 0, 0, 0, 0, 0, 0)
         ON CONFLICT (pass, folder) DO UPDATE SET copied = copied + excluded.copied, bytes = bytes + excluded.bytes",
    )?;
    let mut all = Moved::default();
    for (folder, moved) in moved {
        folders.execute((pass, folder, Word(FolderPhase::Working), signed(moved.messages), signed(moved.bytes)))?;
        all = all.and(*moved);
    }
    if all != Moved::default() {
        transaction
            .prepare_cached("UPDATE pass SET copied = copied + ?2, bytes = bytes + ?3 WHERE id = ?1")?
            .execute((pass, signed(all.messages), signed(all.bytes)))?;
    }
    Ok(())
}

fn write_folder(transaction: &Transaction<'_>, pass: PassId, line: &PassFolder) -> Result<()> {
    let counts = &line.counts;
    transaction
        .prepare_cached(
            "INSERT INTO pass_folder (pass, folder, phase, source, copied, already_there, skipped, vanished, errors, bytes,
                 flags_updated, waiting, arrived, differ)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
             ON CONFLICT (pass, folder) DO UPDATE SET phase = excluded.phase, source = excluded.source,
                 copied = max(copied, excluded.copied), already_there = excluded.already_there, skipped = excluded.skipped,
                 vanished = excluded.vanished, errors = excluded.errors, bytes = max(bytes, excluded.bytes),
                 flags_updated = excluded.flags_updated, waiting = excluded.waiting, arrived = excluded.arrived,
                 differ = excluded.differ",
        )?
        .execute((
            pass,
            line.folder,
            Word(line.phase),
            signed(counts.source),
            signed(counts.copied),
            signed(counts.already_there),
            signed(counts.skipped),
            signed(counts.vanished),
            signed(counts.errors),
            signed(counts.bytes),
            signed(counts.flags_updated),
            signed(counts.waiting),
            signed(counts.arrived),
            signed(counts.differ),
        ))?;
    Ok(())
}

fn write_pass(transaction: &Transaction<'_>, pass: PassId, progress: &PassProgress) -> Result<()> {
    let counts = &progress.counts;
    let written = transaction
        .prepare_cached(
            "UPDATE pass SET phase = ?2, folders_total = ?4, current_folder = ?5, source = ?6, copied = max(copied, ?7),
                 folders_done = CASE WHEN attempt > 1 THEN max(folders_done, ?3) ELSE ?3 END,
                 already_there = ?8, skipped = ?9, vanished = ?10, errors = ?11, bytes = max(bytes, ?12), flags_updated = ?13,
                 in_flight = ?14, retry = ?15, updated = ?16, waiting = ?17, arrived = ?18, differ = ?19,
                 source_bytes = CASE WHEN ?20 IS NULL THEN source_bytes ELSE ?22 END,
                 source_folders = ifnull(?20, source_folders), source_messages = ifnull(?21, source_messages),
                 accepted = ?23
             WHERE id = ?1",
        )?
        .execute(rusqlite::params![
            pass,
            Word(progress.phase),
            progress.folders_done,
            progress.folders_total,
            progress.current.as_ref().map(Json),
            signed(counts.source),
            signed(counts.copied),
            signed(counts.already_there),
            signed(counts.skipped),
            signed(counts.vanished),
            signed(counts.errors),
            signed(counts.bytes),
            signed(counts.flags_updated),
            signed(progress.in_flight),
            progress.retry.as_ref().map(Json),
            progress.updated.map_or(0, Timestamp::millis),
            signed(counts.waiting),
            signed(counts.arrived),
            signed(counts.differ),
            progress.at_source.map(|at| signed(at.folders)),
            progress.at_source.map(|at| signed(at.messages)),
            progress.at_source.and_then(|at| at.bytes).map(signed),
            signed(progress.accepted),
        ])?;
    if written == 0 { Err(missing("pass", pass)) } else { Ok(()) }
}
