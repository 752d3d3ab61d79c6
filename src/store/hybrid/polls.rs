//! What the service told: kept with its own words, and what follows for the users.

use rusqlite::{OptionalExtension, Transaction};

use super::changes::{happen, switched};
use super::users::column;
use crate::domain::hybrid::order::GONE_FOR;
use crate::domain::hybrid::remote::{RemoteBatch, RemoteStatistics, RemoteUser};
use crate::domain::hybrid::status::{MoveEvent, Phase};
use crate::domain::ids::{HybridBatchId, HybridUserId};
use crate::domain::time::Timestamp;
use crate::store::Store;
use crate::store::error::Result;

/// How often longer than for a move that was ordered: nobody ordered that a batch goes.
const GONE_TIMES: u32 = 6;

/// What was told of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Polled {
    /// The batch; none: the service says that there is none.
    pub batch: Option<RemoteBatch>,
    /// Its users, as far as they were told.
    pub users: Vec<PolledUser>,
}

/// What was told of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolledUser {
    /// Which.
    pub id: HybridUserId,
    /// What; none: it is in no answer, and was asked for by itself.
    pub told: Option<RemoteUser>,
}

impl Store {
    /// Keeps what was told of a batch.
    pub async fn record_hybrid_poll(&self, batch: HybridBatchId, polled: Polled, at: Timestamp) -> Result<()> {
        self.write(move |transaction, _| {
            let word = polled.batch.as_ref().map(|batch| batch.word.clone());
            transaction
                .prepare_cached(
                    "UPDATE hybrid_batch SET word = ?2, polled = ?3, missing = iif(?2 IS NULL, ifnull(missing, ?3), NULL)
                     WHERE id = ?1",
                )?
                .execute((batch, word, at))?;
            let sql = "SELECT missing FROM hybrid_batch WHERE id = ?1";
            let gone: Option<Timestamp> = transaction.prepare_cached(sql)?.query_row([batch], |row| row.get(0))?;
            let is_gone = gone.is_some_and(|since| at.since(since) >= GONE_FOR * GONE_TIMES);
            let restarts: bool = transaction
                .prepare_cached(
                    "SELECT EXISTS (SELECT 1 FROM hybrid_order WHERE batch = ?1 AND user IS NULL AND stage = 'open')",
                )?
                .query_row([batch], |row| row.get(0))?;
            for user in polled.users {
                match user.told {
                    Some(told) => is_told(transaction, user.id, &told, restarts, at)?,
                    None => is_missing(transaction, user.id, is_gone, at)?,
                }
            }
            Ok(())
        })
        .await
    }

    /// Keeps what was counted for a user.
    pub async fn record_hybrid_statistics(
        &self,
        user: HybridUserId,
        told: Option<RemoteStatistics>,
        at: Timestamp,
    ) -> Result<()> {
        self.write(move |transaction, _| {
            let told = told.unwrap_or_default();
            transaction
                .prepare_cached(
                    "UPDATE hybrid_user SET statistics = ?2, percent = ifnull(?3, percent), bytes = ifnull(?4, bytes),
                         synced = ifnull(?5, synced), skipped = ifnull(?6, skipped) WHERE id = ?1",
                )?
                .execute((user, at, told.percent, column(told.bytes), column(told.synced), column(told.skipped)))?;
            Ok(())
        })
        .await
    }
}

/// Whether a user is being moved out: what is told of it then says nothing of its move.
fn leaves(transaction: &Transaction<'_>, user: HybridUserId) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM hybrid_order WHERE user = ?1 AND kind = 'move out' AND stage = 'open')";
    Ok(transaction.prepare_cached(sql)?.query_row([user], |row| row.get(0))?)
}

fn is_told(
    transaction: &Transaction<'_>,
    id: HybridUserId,
    told: &RemoteUser,
    restarts: bool,
    at: Timestamp,
) -> Result<()> {
    transaction
        .prepare_cached(
            "UPDATE hybrid_user SET word = ?2, synced = ifnull(?3, synced), skipped = ifnull(?4, skipped),
                 last_sync = ifnull(?5, last_sync), missing = NULL WHERE id = ?1",
        )?
        .execute((id, &told.word, column(told.synced), column(told.skipped), told.last_sync))?;
    let phase = told.phase();
    // Of what was told to start again, an old failure may be told for a while.
    if leaves(transaction, id)? || (restarts && phase == Phase::Failed) {
        return Ok(());
    }
    let why = told.error.clone().unwrap_or_else(|| format!("the service says {} and gives no reason", told.word));
    let note = (phase == Phase::Failed).then_some(why.as_str());
    happen(transaction, id, MoveEvent::Seen(phase), note, at)?;
    if phase == Phase::Completed { switched(transaction, id, at) } else { Ok(()) }
}

/// Missing once means nothing: what is there shows late, and pages may be empty.
fn is_missing(transaction: &Transaction<'_>, id: HybridUserId, batch_is_gone: bool, at: Timestamp) -> Result<()> {
    if leaves(transaction, id)? {
        return Ok(());
    }
    let sql = "UPDATE hybrid_user SET missing = ifnull(missing, ?2) WHERE id = ?1 RETURNING missing, switched";
    let mut statement = transaction.prepare_cached(sql)?;
    let found: Option<(Timestamp, bool)> =
        statement.query_row((id, at), |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let Some((since, false)) = found else { return Ok(()) };
    if at.since(since) < GONE_FOR * GONE_TIMES {
        return Ok(());
    }
    let why = if batch_is_gone {
        "somebody has deleted the batch at the service"
    } else {
        "somebody has taken the user out of its batch at the service"
    };
    happen(transaction, id, MoveEvent::Seen(Phase::Gone), Some(why), at)
}
