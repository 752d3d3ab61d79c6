//! A change of a pass's status: from which one to which, refused if another process was faster. Which may follow which is
//! decided in `domain::status`.

use rusqlite::{OptionalExtension, Transaction};

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
}

/// The status of a pass, which must be one of those in `from`.
pub(super) fn expect(transaction: &Transaction<'_>, pass: PassId, from: &[Status]) -> Result<Status> {
    let found: Word<Status> = transaction
        .prepare_cached("SELECT status FROM pass WHERE id = ?1")?
        .query_row([pass], |row| row.get(0))
        .optional()?
        .ok_or_else(|| missing("pass", pass))?;
    if from.contains(&found.0) { Ok(found.0) } else { Err(StoreError::StatusChanged { found: found.0 }) }
}

/// Makes a change.
pub(super) fn make(transaction: &Transaction<'_>, change: &StatusChange, at: Timestamp) -> Result<()> {
    let found = expect(transaction, change.pass, &[change.from])?;
    // A worker gave it back: what runs next is another attempt of the same pass (D6).
    if found.is_active() && matches!(change.to, Status::Submitted | Status::Held) {
        next_attempt(transaction, change.pass)?;
    }
    change_status(transaction, change, at)
}

/// Writes a change of status and what goes with it, whatever the status was: the license of a pass that ends is consumed or
/// returned with it (D33).
pub(super) fn change_status(transaction: &Transaction<'_>, change: &StatusChange, at: Timestamp) -> Result<()> {
    let (to, failure) = (change.to, change.failure.as_ref());
    let ends = at_rest(to);
    transaction
        .prepare_cached(
            "UPDATE pass SET status = ?2, failure = ?3, side = ?4, since = ?6, hold = ?8,
                 started = CASE WHEN ?5 THEN ifnull(started, ?6) ELSE started END,
                 ended = CASE WHEN ?7 THEN ?6 ELSE NULL END,
                 retry = CASE WHEN ?7 THEN NULL ELSE retry END,
                 in_flight = CASE WHEN ?7 THEN 0 ELSE in_flight END
             WHERE id = ?1",
        )?
        .execute((
            change.pass,
            Word(to),
            failure.map(|ended| Json(&ended.failure)),
            failure.and_then(|ended| ended.side).map(Word),
            to == Status::Queued,
            at,
            ends,
            change.hold.map(Word),
        ))?;
    if ends { licenses::settle(transaction, change.pass, to, at) } else { Ok(()) }
}

pub(super) fn next_attempt(transaction: &Transaction<'_>, pass: PassId) -> Result<()> {
    transaction
        .prepare_cached("UPDATE pass SET attempt = attempt + 1, in_flight = 0, retry = NULL WHERE id = ?1")?
        .execute([pass])?;
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
