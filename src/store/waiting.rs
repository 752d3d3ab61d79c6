//! Many passes at once: what a crash left waiting, and changes of status that one word of a person makes to all of a
//! project's items. One question or one transaction each, however many there are.

use super::Store;
use super::codec::Word;
use super::error::{Result, StoreError};
use super::status_change::{StatusChange, change_status, make_alike};
use crate::domain::ids::{ItemId, PassId, ProjectId};
use crate::domain::status::{Event, HoldReason, Status};
use crate::domain::time::Timestamp;

/// An item whose latest pass waits for a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Whose item.
    pub project: ProjectId,
    /// The item.
    pub item: ItemId,
    /// When its pass last showed a sign of life.
    pub last_seen: Timestamp,
}

impl Store {
    /// Does what [`Store::set_status`] does for many passes, in their order and in one transaction. Answers those that
    /// another process had changed; the others are changed all the same.
    pub async fn set_statuses(&self, changes: Vec<StatusChange>, at: Timestamp) -> Result<Vec<(PassId, StoreError)>> {
        self.write(move |transaction, _| {
            let mut refused = Vec::new();
            for alike in changes.chunk_by(StatusChange::is_like) {
                refused.extend(make_alike(transaction, alike, at)?);
            }
            Ok(refused)
        })
        .await
    }

    /// All items that wait for a worker, oldest submission first.
    pub async fn waiting(&self) -> Result<Vec<Waiting>> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT i.project, i.id, max(p.submitted, ifnull(p.started, 0), p.updated)
                 FROM pass AS p JOIN item AS i ON i.id = p.item AND i.latest_pass = p.id
                 WHERE p.status = ?1 AND i.deleted = 0 ORDER BY p.id",
            )?;
            let rows = statement.query_map([Word(Status::Submitted)], |row| {
                Ok(Waiting { project: row.get(0)?, item: row.get(1)?, last_seen: row.get(2)? })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    /// Holds everything that waits for a worker. Only for the process that holds the workspace lock.
    pub async fn hold_waiting(&self, at: Timestamp) -> Result<()> {
        let Ok(held) = Status::Submitted.after(Event::Hold(HoldReason::Interrupted)) else { return Ok(()) };
        self.write(move |transaction, _| {
            transaction
                .prepare_cached(
                    "UPDATE pass SET status = ?2, hold = ?3, since = ?4, failure = NULL, side = NULL, ended = NULL
                     WHERE status = ?1 AND id IN (SELECT latest_pass FROM item WHERE deleted = 0)",
                )?
                .execute((Word(Status::Submitted), Word(held), Word(HoldReason::Interrupted), at))?;
            Ok(())
        })
        .await
    }

    /// Takes back everything of a project that waits: for a worker, for its time, for a word, for a credential. Licenses return
    /// in the same transaction (D33). Answers the items, oldest submission first. Only for the process that holds the
    /// workspace lock.
    pub async fn withdraw(&self, project: ProjectId, at: Timestamp) -> Result<Vec<ItemId>> {
        self.write(move |transaction, _| {
            let mut withdrawn = Vec::new();
            for (was, to) in Status::ALL.into_iter().filter_map(|was| Some((was, was.withdrawn()?))) {
                let mut statement = transaction.prepare_cached(
                    "SELECT p.id, i.id FROM pass AS p JOIN item AS i ON i.id = p.item AND i.latest_pass = p.id
                     WHERE p.status = ?1 AND i.project = ?2 AND i.deleted = 0",
                )?;
                let found = statement.query_map((Word(was), project), |row| Ok((row.get(0)?, row.get(1)?)))?;
                let found: Vec<(PassId, ItemId)> = found.collect::<rusqlite::Result<_>>()?;
                let Some((first, _)) = found.first().copied() else { continue };
                let passes: Vec<PassId> = found.iter().map(|(pass, _)| *pass).collect();
                change_status(transaction, &passes, &StatusChange::new(first, was, to), at)?;
                withdrawn.extend(found);
            }
            withdrawn.sort_unstable();
            Ok(withdrawn.into_iter().map(|(_, item)| item).collect())
        })
        .await
    }

    /// How many items are held for this reason.
    pub async fn count_held(&self, reason: HoldReason) -> Result<usize> {
        self.read(move |connection| {
            let count: i64 = connection
                .prepare_cached(
                    "SELECT count(*) FROM pass AS p JOIN item AS i ON i.id = p.item AND i.latest_pass = p.id
                     WHERE p.status = ?1 AND p.hold = ?2 AND i.deleted = 0",
                )?
                .query_row((Word(Status::Held), Word(reason)), |row| row.get(0))?;
            Ok(usize::try_from(count).unwrap_or_default())
        })
        .await
    }
}
