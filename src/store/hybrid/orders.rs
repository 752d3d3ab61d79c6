//! Orders to the service: what is to be sent is on the disk before it is sent, and what came of it belongs to the change that
//! follows.

use rusqlite::{OptionalExtension, Row, Transaction};

use super::changes::{give_back, happen, subject};
use super::tell;
use crate::domain::hybrid::order::{Order, OrderRow, Send, Sent, Stage};
use crate::domain::hybrid::status::MoveEvent;
use crate::domain::ids::{HybridBatchId, HybridOrderId, HybridProjectId, HybridUserId};
use crate::domain::time::Timestamp;
use crate::store::Store;
use crate::store::codec::{Columns, Word};
use crate::store::error::{Result, StoreError};

/// How an order ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderEnd {
    /// It is so.
    Done,
    /// The service refused, in its words.
    Refused(String),
    /// Nothing is to be done, for this reason.
    Dropped(String),
}

const COLUMNS: &str =
    "id, project, batch, user, what, stage, created, sent_what, sent_at, sent_taken, next, gone, note";

fn order(row: &Row<'_>) -> rusqlite::Result<OrderRow> {
    let mut columns = Columns::of(row);
    let (id, project, batch, user) = (columns.next()?, columns.next()?, columns.next()?, columns.next()?);
    let (order, stage, created) = (columns.json()?, columns.word()?, columns.next()?);
    let what: Option<Send> = columns.maybe_word()?;
    let (at, taken): (Option<Timestamp>, Option<bool>) = (columns.next()?, columns.next()?);
    let sent = what.zip(at.zip(taken)).map(|(what, (at, taken))| Sent { what, at, taken });
    let (next, gone, note) = (columns.next()?, columns.next()?, columns.next()?);
    Ok(OrderRow { id, project, batch, user, order, stage, created, sent, next, gone, note })
}

impl Store {
    /// The open orders of a project, as they were given.
    pub async fn open_hybrid_orders(&self, project: HybridProjectId) -> Result<Vec<OrderRow>> {
        self.read(move |connection| {
            let sql = format!("SELECT {COLUMNS} FROM hybrid_order WHERE project = ?1 AND stage = 'open' ORDER BY id");
            Ok(connection.prepare_cached(&sql)?.query_map([project], order)?.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    /// All orders of a batch and its users, the newest first, at most so many.
    pub async fn hybrid_orders(&self, batch: HybridBatchId, limit: u32) -> Result<Vec<OrderRow>> {
        self.read(move |connection| {
            let sql = format!("SELECT {COLUMNS} FROM hybrid_order WHERE batch = ?1 ORDER BY id DESC LIMIT ?2");
            Ok(connection.prepare_cached(&sql)?.query_map((batch, limit), order)?.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    /// This is about to be sent; on the disk for good when it returns. Fails if the order is not open any more.
    pub async fn hybrid_order_sends(&self, id: HybridOrderId, what: Send, at: Timestamp) -> Result<()> {
        self.write_durably(move |transaction, _| {
            let changed = transaction
                .prepare_cached(
                    "UPDATE hybrid_order SET sent_what = ?2, sent_at = ?3, sent_taken = 0, note = NULL
                     WHERE id = ?1 AND stage = 'open'",
                )?
                .execute((id, Word(what), at))?;
            if changed == 0 { Err(StoreError::Contradiction("the order has ended".into())) } else { Ok(()) }
        })
        .await
    }

    /// The service took what was sent; it is looked for from a time on.
    pub async fn hybrid_order_taken(&self, id: HybridOrderId, next: Timestamp) -> Result<()> {
        self.write(move |transaction, _| {
            let sql = "UPDATE hybrid_order SET sent_taken = 1, next = ?2 WHERE id = ?1 AND stage = 'open'";
            transaction.prepare_cached(sql)?.execute((id, next))?;
            Ok(())
        })
        .await
    }

    /// What was about to be sent was certainly not done.
    pub async fn hybrid_order_not_taken(&self, id: HybridOrderId, next: Timestamp, note: String) -> Result<()> {
        self.write(move |transaction, _| {
            transaction
                .prepare_cached(
                    "UPDATE hybrid_order SET sent_what = NULL, sent_at = NULL, sent_taken = NULL, next = ?2, note = ?3
                     WHERE id = ?1 AND stage = 'open'",
                )?
                .execute((id, next, note))?;
            Ok(())
        })
        .await
    }

    /// It is looked at again from a time on; what it waits for, and since when what is to go is gone.
    pub async fn hybrid_order_waits(
        &self,
        id: HybridOrderId,
        next: Timestamp,
        note: Option<String>,
        gone: Option<Timestamp>,
    ) -> Result<()> {
        self.write(move |transaction, _| {
            let sql = "UPDATE hybrid_order SET next = ?2, note = ?3, gone = ?4 WHERE id = ?1 AND stage = 'open'";
            transaction.prepare_cached(sql)?.execute((id, next, &note, gone))?;
            Ok(())
        })
        .await
    }

    /// An order ends, with what follows from it. One that has ended stays so.
    pub async fn end_hybrid_order(&self, id: HybridOrderId, end: OrderEnd, at: Timestamp) -> Result<()> {
        self.write_durably(move |transaction, _| {
            let sql = format!("SELECT {COLUMNS} FROM hybrid_order WHERE id = ?1 AND stage = 'open'");
            let Some(row) = transaction.prepare_cached(&sql)?.query_row([id], order).optional()? else { return Ok(()) };
            let (stage, note) = match &end {
                OrderEnd::Done => (Stage::Done, None),
                OrderEnd::Refused(text) => (Stage::Refused, Some(text.as_str())),
                OrderEnd::Dropped(text) => (Stage::Dropped, Some(text.as_str())),
            };
            transaction
                .prepare_cached("UPDATE hybrid_order SET stage = ?2, note = ?3, ended = ?4 WHERE id = ?1")?
                .execute((id, Word(stage), note, at))?;
            match end {
                OrderEnd::Done => done(transaction, &row, at),
                OrderEnd::Refused(why) => refused(transaction, &row, &why, at),
                OrderEnd::Dropped(_) => Ok(()),
            }
        })
        .await
    }
}

fn done(transaction: &Transaction<'_>, row: &OrderRow, at: Timestamp) -> Result<()> {
    let text = match row.order {
        Order::Create => "the batch is there",
        Order::Start => "the batch is started",
        Order::Finalize { at: None } => "finalization is ordered",
        Order::Finalize { at: Some(_) } => "finalization is scheduled",
        Order::MoveOut => "moved out: nothing of it is left at the service",
        Order::Approve => "the items that were left out are approved",
        Order::License => "the Microsoft license is assigned",
        Order::Attributes => "the attributes are set",
    };
    tell(transaction, row.project, (Some(row.batch), row.user), at, text)?;
    match (row.user, row.order) {
        (Some(user), Order::MoveOut) => {
            give_back(transaction, user, at)?;
            happen(transaction, user, MoveEvent::MovedOut, None, at)?;
            transaction
                .prepare_cached(
                    "UPDATE hybrid_user SET batch = NULL, note = NULL, word = NULL, percent = NULL, synced = NULL,
                         skipped = NULL, bytes = NULL, last_sync = NULL, statistics = NULL, missing = NULL
                     WHERE id = ?1 AND status = 'not_submitted'",
                )?
                .execute([user])?;
            transaction.prepare_cached("DELETE FROM hybrid_report WHERE user = ?1")?.execute([user])?;
            Ok(())
        }
        (Some(user), Order::Attributes) => happen(transaction, user, MoveEvent::Settled, None, at),
        _ => Ok(()),
    }
}

fn refused(transaction: &Transaction<'_>, row: &OrderRow, why: &str, at: Timestamp) -> Result<()> {
    let text = format!("refused to {}: {why}", row.order.word());
    tell(transaction, row.project, (Some(row.batch), row.user), at, &text)?;
    let event = match row.order {
        Order::Create | Order::Start | Order::Attributes => MoveEvent::Broken,
        Order::Finalize { .. } => MoveEvent::FinalizeRefused,
        Order::MoveOut | Order::Approve | Order::License => {
            let sql = "UPDATE hybrid_user SET note = ?2 WHERE id = ?1";
            transaction.prepare_cached(sql)?.execute((row.user, text))?;
            return Ok(());
        }
    };
    if matches!(row.order, Order::Finalize { .. }) && row.user.is_none() {
        transaction.prepare_cached("UPDATE hybrid_batch SET finalize_at = NULL WHERE id = ?1")?.execute([row.batch])?;
    }
    if row.order == Order::Create {
        // Nothing is there that could be started.
        let sql = "UPDATE hybrid_order SET stage = 'dropped', ended = ?2 WHERE batch = ?1 AND user IS NULL AND stage = 'open'";
        transaction.prepare_cached(sql)?.execute((row.batch, at))?;
    }
    let members: Vec<HybridUserId> = match row.user {
        Some(user) => vec![user],
        None => transaction
            .prepare_cached("SELECT id FROM hybrid_user WHERE batch = ?1 ORDER BY id")?
            .query_map([row.batch], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?,
    };
    for user in members {
        let concerned = row.user.is_some() || !subject(transaction, user)?.switched;
        if concerned {
            happen(transaction, user, event, Some(why), at)?;
        }
    }
    Ok(())
}
