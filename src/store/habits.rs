//! What the servers of a project were seen to do (D8, D11).

use rusqlite::OptionalExtension;

use super::Store;
use super::codec::{Word, signed};
use super::error::Result;
use crate::domain::failure::Side;
use crate::domain::ids::ItemId;
use crate::domain::record::Habit;

impl Store {
    /// The habit of the server on this side of the item's project; nothing known at first.
    pub async fn habit(&self, item: ItemId, side: Side) -> Result<Habit> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT kept, changed, least, most, modseq_stalls FROM habit
                 WHERE project = (SELECT project FROM item WHERE id = ?1) AND side = ?2",
            )?;
            let habit = statement.query_row((item, Word(side)), |row| {
                let count = |at| row.get::<_, i64>(at).map(|count| count.max(0).unsigned_abs());
                Ok(Habit {
                    kept: count(0)?,
                    changed: count(1)?,
                    least: row.get(2)?,
                    most: row.get(3)?,
                    modseq_stalls: row.get(4)?,
                })
            });
            Ok(habit.optional()?.unwrap_or_default())
        })
        .await
    }

    /// Adds what was seen.
    pub async fn learn(&self, item: ItemId, side: Side, seen: Habit) -> Result<()> {
        self.write(move |transaction, _| {
            transaction
                .prepare_cached(
                    "INSERT INTO habit (project, side, kept, changed, least, most, modseq_stalls)
                     VALUES ((SELECT project FROM item WHERE id = ?1), ?2, ?3, ?4, ?5, ?6, ?7)
                     ON CONFLICT (project, side) DO UPDATE SET kept = kept + excluded.kept,
                         least = CASE WHEN excluded.changed = 0 THEN least WHEN changed = 0 THEN excluded.least
                                      ELSE min(least, excluded.least) END,
                         most = CASE WHEN excluded.changed = 0 THEN most WHEN changed = 0 THEN excluded.most
                                     ELSE max(most, excluded.most) END,
                         changed = changed + excluded.changed,
                         modseq_stalls = max(modseq_stalls, excluded.modseq_stalls)",
                )?
                .execute((
                    item,
                    Word(side),
                    signed(seen.kept),
                    signed(seen.changed),
                    seen.least,
                    seen.most,
                    seen.modseq_stalls,
                ))?;
            Ok(())
        })
        .await
    }
}
