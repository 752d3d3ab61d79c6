//! Figures of passes: what a worker flushes, and the paged listings of folders and item errors (D6, D25).
//!
//! A resumed pass starts counting anew; what its earlier attempts wrote is added here, so that figures never fall and the
//! sum of D6 holds over all attempts.

use rusqlite::{OptionalExtension, Transaction};

use super::Store;
use super::codec::{Columns, Json, Word, signed};
use super::error::{Result, missing};
use crate::domain::folder::FolderPath;
use crate::domain::ids::{FolderId, PassId};
use crate::domain::record::{Counts, FolderPhase, ItemError, PassFolder, PassProgress};

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

/// A line of a pass's error listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorRow {
    /// The row.
    pub id: i64,
    /// What it says.
    pub error: ItemError,
}

/// What earlier attempts of the same pass did to a folder.
#[derive(Clone, Copy, Debug, Default)]
struct Base {
    copied: u64,
    bytes: u64,
    flags: u64,
}

impl Store {
    /// Flushes a pass's figures: those of this attempt alone.
    pub async fn progress(&self, pass: PassId, progress: PassProgress, folders: Vec<PassFolder>) -> Result<()> {
        self.write(move |transaction, _| {
            let attempt: u32 = transaction
                .prepare_cached("SELECT attempt FROM pass WHERE id = ?1")?
                .query_row([pass], |row| row.get(0))
                .optional()?
                .ok_or_else(|| missing("pass", pass))?;
            for folder in &folders {
                write_folder(transaction, pass, folder, attempt > 1)?;
            }
            let counts = if attempt > 1 { sums(transaction, pass)? } else { progress.counts };
            write_pass(transaction, pass, &progress, &counts)
        })
        .await
    }

    /// The folders of a pass, by source name.
    pub async fn pass_folders(&self, pass: PassId, limit: u32, offset: u32) -> Result<Vec<PassFolderRow>> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT f.source, f.destination, f.id, p.phase, p.source, p.copied, p.already_there, p.skipped, p.vanished,
                     p.errors, p.bytes, p.flags_updated
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

    /// The item errors of a pass's latest attempt, oldest first.
    pub async fn item_errors(&self, pass: PassId, limit: u32, offset: u32) -> Result<Vec<ErrorRow>> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT e.id, e.folder, e.source, e.subject, e.date, e.size, e.messages, e.failure
                 FROM item_error AS e JOIN pass AS p ON p.id = e.pass AND p.attempt = e.attempt
                 WHERE e.pass = ?1 ORDER BY e.id LIMIT ?2 OFFSET ?3",
            )?;
            let rows = statement.query_map((pass, limit, offset), |row| {
                let mut columns = Columns::of(row);
                Ok(ErrorRow {
                    id: columns.next()?,
                    error: ItemError {
                        folder: columns.maybe_json()?,
                        source: columns.next()?,
                        subject: columns.next()?,
                        date: columns.next()?,
                        size: columns.next::<Option<i64>>()?.map(|size| size.max(0).unsigned_abs()),
                        messages: columns.count()?,
                        failure: columns.json()?,
                    },
                })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }
}

/// A folder's figures over all attempts. `told` are those of the running attempt, which counts what earlier ones copied as
/// already there; `stored` is what is shown now. Until the folder has ended nothing shown may fall.
fn combine(base: Base, stored: &Counts, told: &Counts, ended: bool) -> Counts {
    let known = base.copied.min(told.already_there);
    let mut all = Counts {
        // What was copied earlier and is gone from the source by now was there when it was copied.
        source: told.source + (base.copied - known),
        copied: told.copied + base.copied,
        already_there: told.already_there - known,
        bytes: told.bytes + base.bytes,
        flags_updated: told.flags_updated + base.flags,
        ..*told
    };
    if !ended {
        all.source = all.source.max(stored.source);
        all.already_there = all.already_there.max(stored.already_there);
        all.skipped = all.skipped.max(stored.skipped);
        all.vanished = all.vanished.max(stored.vanished);
        all.errors = all.errors.max(stored.errors);
    }
    all
}

fn write_folder(transaction: &Transaction<'_>, pass: PassId, line: &PassFolder, resumed: bool) -> Result<()> {
    let stored = if resumed { stored(transaction, pass, line.folder)? } else { None };
    let counts = match stored {
        Some((base, counts)) => {
            let ended = !matches!(line.phase, FolderPhase::Waiting | FolderPhase::Working);
            combine(base, &counts, &line.counts, ended)
        }
        None => line.counts,
    };
    transaction
        .prepare_cached(
            "INSERT INTO pass_folder (pass, folder, phase, source, copied, already_there, skipped, vanished, errors, bytes,
                 flags_updated)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
             ON CONFLICT (pass, folder) DO UPDATE SET phase = excluded.phase, source = excluded.source,
                 copied = excluded.copied, already_there = excluded.already_there, skipped = excluded.skipped,
                 vanished = excluded.vanished, errors = excluded.errors, bytes = excluded.bytes,
                 flags_updated = excluded.flags_updated",
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
        ))?;
    Ok(())
}

fn stored(transaction: &Transaction<'_>, pass: PassId, folder: FolderId) -> Result<Option<(Base, Counts)>> {
    let mut statement = transaction.prepare_cached(
        "SELECT base_copied, base_bytes, base_flags, source, copied, already_there, skipped, vanished, errors, bytes,
             flags_updated
         FROM pass_folder WHERE pass = ?1 AND folder = ?2",
    )?;
    let row = statement.query_row((pass, folder), |row| {
        let mut columns = Columns::of(row);
        Ok((Base { copied: columns.count()?, bytes: columns.count()?, flags: columns.count()? }, columns.counts()?))
    });
    Ok(row.optional()?)
}

fn sums(transaction: &Transaction<'_>, pass: PassId) -> Result<Counts> {
    let mut statement = transaction.prepare_cached(
        "SELECT ifnull(sum(source), 0), ifnull(sum(copied), 0), ifnull(sum(already_there), 0), ifnull(sum(skipped), 0),
             ifnull(sum(vanished), 0), ifnull(sum(errors), 0), ifnull(sum(bytes), 0), ifnull(sum(flags_updated), 0)
         FROM pass_folder WHERE pass = ?1",
    )?;
    Ok(statement.query_row([pass], |row| Columns::of(row).counts())?)
}

fn write_pass(transaction: &Transaction<'_>, pass: PassId, progress: &PassProgress, counts: &Counts) -> Result<()> {
    transaction
        .prepare_cached(
            "UPDATE pass SET phase = ?2, folders_total = ?4, current_folder = ?5, source = ?6, copied = ?7,
                 folders_done = CASE WHEN attempt > 1 THEN max(folders_done, ?3) ELSE ?3 END,
                 already_there = ?8, skipped = ?9, vanished = ?10, errors = ?11, bytes = ?12, flags_updated = ?13,
                 in_flight = ?14, retry = ?15, updated = ?16
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
            progress.updated,
        ])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(source: u64, copied: u64, already_there: u64, errors: u64) -> Counts {
        Counts { source, copied, already_there, errors, bytes: copied * 10, ..Counts::default() }
    }

    #[test]
    fn attempts_add_up_and_the_sum_holds() {
        let base = Base { copied: 4, bytes: 40, flags: 0 };
        let all = combine(base, &counts(10, 4, 3, 1), &counts(10, 2, 7, 1), true);
        assert_eq!(all, counts(10, 6, 3, 1));
        // Two of the four were deleted at the source between the attempts.
        let all = combine(base, &counts(10, 4, 3, 1), &counts(5, 3, 2, 0), true);
        assert_eq!(all, counts(7, 7, 0, 0));
        assert!(all.balanced());
    }

    #[test]
    fn nothing_falls_while_a_folder_is_worked_on() {
        let base = Base { copied: 4, bytes: 40, flags: 0 };
        let shown = counts(10, 4, 3, 1);
        assert_eq!(combine(base, &shown, &Counts::default(), false), Counts { source: 10, ..shown });
    }
}
