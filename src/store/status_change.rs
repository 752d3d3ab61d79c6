//! A change of a pass's status: from which one to which, refused if another process was faster. Which may follow which is
//! decided in `domain::status`.

use std::collections::HashSet;

use rusqlite::Transaction;

use super::codec::{Json, Word};
use super::error::{Result, StoreError, missing};
use super::licenses;
use crate::domain::failure::{Failure, Side};
use crate::domain::ids::PassId;
use crate::domain::status::{HoldReason, Status};
use crate::domain::time::Timestamp;

/// Why a pass ended or is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// What went wrong.
    pub failure: Failure,
    /// On which side, if on one of them.
    pub side: Option<Side>,
}

/// A change of a pass's status.
#[derive(Clone, Debug)]
pub struct StatusChange {
    /// The pass.
    pub pass: PassId,
    /// What it was.
    pub from: Status,
    /// What it is from now on.
    pub to: Status,
    /// Replaces why it failed or is held.
    pub failure: Option<Ended>,
    /// Why it is held, if it is.
    pub hold: Option<HoldReason>,
}

impl StatusChange {
    /// With nothing that went wrong.
    pub fn new(pass: PassId, from: Status, to: Status) -> Self {
        Self { pass, from, to, failure: None, hold: None }
    }

    /// Whether the other does the same to another pass.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        let Self { pass: _, from, to, failure, hold } = self;
        (from, to, failure, hold) == (&other.from, &other.to, &other.failure, &other.hold)
    }
}

/// Makes changes that differ in nothing but the pass; answers those that another process had changed, which stay as they are.
/// A few statements for all of them: there may be 100,000.
pub(super) fn make_alike(
    transaction: &Transaction<'_>,
    alike: &[StatusChange],
    at: Timestamp,
) -> Result<Vec<(PassId, StoreError)>> {
    let Some(change) = alike.first() else { return Ok(Vec::new()) };
    let mut passes: Vec<PassId> = alike.iter().map(|change| change.pass).collect();
    let refused = changed_meanwhile(transaction, &passes, change.from)?;
    if !refused.is_empty() {
        let changed: HashSet<PassId> = refused.iter().map(|(pass, _)| *pass).collect();
        passes.retain(|pass| !changed.contains(pass));
    }
    // A worker gave it back: what runs next is another attempt of the same pass (D6).
    if change.from.is_active() && matches!(change.to, Status::Submitted | Status::Held) {
        next_attempt(transaction, &passes)?;
    }
    change_status(transaction, &passes, change, at)?;
    Ok(refused)
}

/// Those of these passes that do not have this status.
fn changed_meanwhile(
    transaction: &Transaction<'_>,
    passes: &[PassId],
    from: Status,
) -> Result<Vec<(PassId, StoreError)>> {
    let mut statement = transaction.prepare_cached(
        "SELECT asked.value, p.status FROM json_each(?1) AS asked LEFT JOIN pass AS p ON p.id = asked.value
         WHERE p.status IS NOT ?2",
    )?;
    let rows = statement.query_map((Json(passes), Word(from)), |row| {
        let (pass, found) = (row.get(0)?, row.get::<_, Option<Word<Status>>>(1)?);
        Ok((pass, found.map_or_else(|| missing("pass", pass), |found| StoreError::StatusChanged { found: found.0 })))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Writes a change of status of these passes and what goes with it, whatever their status was: the license of a pass that
/// ends is consumed or returned with it (D33).
pub(super) fn change_status(
    transaction: &Transaction<'_>,
    passes: &[PassId],
    change: &StatusChange,
    at: Timestamp,
) -> Result<()> {
    let (to, failure) = (change.to, change.failure.as_ref());
    let ends = at_rest(to);
    transaction
        .prepare_cached(
            "UPDATE pass SET status = ?2, failure = ?3, side = ?4, since = ?6, hold = ?8,
                 started = CASE WHEN ?5 THEN ifnull(started, ?6) ELSE started END,
                 ended = CASE WHEN ?7 THEN ?6 ELSE NULL END,
                 retry = CASE WHEN ?7 THEN NULL ELSE retry END,
                 in_flight = CASE WHEN ?7 THEN 0 ELSE in_flight END
             WHERE id IN (SELECT value FROM json_each(?1))",
        )?
        .execute((
            Json(passes),
            Word(to),
            failure.map(|ended| Json(&ended.failure)),
            failure.and_then(|ended| ended.side).map(Word),
            to == Status::Queued,
            at,
            ends,
            change.hold.map(Word),
        ))?;
    if ends { licenses::settle(transaction, passes, to, at) } else { Ok(()) }
}

pub(super) fn next_attempt(transaction: &Transaction<'_>, passes: &[PassId]) -> Result<()> {
    transaction
        .prepare_cached(
            "UPDATE pass SET attempt = attempt + 1, in_flight = 0, retry = NULL
             WHERE id IN (SELECT value FROM json_each(?1))",
        )?
        .execute([Json(passes)])?;
    Ok(())
}

/// Whether nothing is waiting or running in this status, so that a new pass may follow and the item may go.
pub(super) fn at_rest(status: Status) -> bool {
    match status {
        Status::NotSubmitted | Status::Stopped | Status::Failed | Status::Completed => true,
        Status::Submitted
        | Status::Scheduled
        | Status::Held
        | Status::Queued
        | Status::WaitingForUser
        | Status::Migrating
        | Status::Stopping => false,
    }
}
