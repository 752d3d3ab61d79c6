//! A user's status moves on, with everything that belongs to it: its license in the ledger, the orders that follow, what is
//! told. In one transaction.

use rusqlite::{OptionalExtension, Transaction};

use super::tell;
use crate::domain::hybrid::order::Order;
use crate::domain::hybrid::status::{MoveEvent, MoveStatus};
use crate::domain::ids::{HybridBatchId, HybridProjectId, HybridUserId, PoolId};
use crate::domain::license::{EntryKind, ItemLicense};
use crate::domain::time::Timestamp;
use crate::store::codec::{Json, Word};
use crate::store::error::{Result, missing};

/// A user as a change finds it.
pub(super) struct Subject {
    pub id: HybridUserId,
    pub project: HybridProjectId,
    pub batch: Option<HybridBatchId>,
    pub status: MoveStatus,
    pub switched: bool,
}

pub(super) fn subject(transaction: &Transaction<'_>, id: HybridUserId) -> Result<Subject> {
    let mut statement =
        transaction.prepare_cached("SELECT project, batch, status, switched FROM hybrid_user WHERE id = ?1")?;
    let found = statement.query_row([id], |row| {
        let status = row.get::<_, Word<MoveStatus>>(2)?.0;
        Ok(Subject { id, project: row.get(0)?, batch: row.get(1)?, status, switched: row.get(3)? })
    });
    found.optional()?.ok_or_else(|| missing("hybrid user", id))
}

/// An event happens to a user, with a reason where there is one. What does not fit changes nothing.
pub(super) fn happen(
    transaction: &Transaction<'_>,
    id: HybridUserId,
    event: MoveEvent,
    note: Option<&str>,
    at: Timestamp,
) -> Result<()> {
    let subject = subject(transaction, id)?;
    let Ok(after) = subject.status.after(event) else { return Ok(()) };
    if after == subject.status {
        return Ok(());
    }
    transaction
        .prepare_cached("UPDATE hybrid_user SET status = ?2, since = ?3, note = ?4 WHERE id = ?1")?
        .execute((id, Word(after), at, note))?;
    let text = match note {
        Some(note) => format!("{}: {note}", after.word()),
        None => after.word().to_owned(),
    };
    tell(transaction, subject.project, (subject.batch, Some(id)), at, &text)?;
    settle(transaction, id, after, at)?;
    if after == MoveStatus::PendingFinalization {
        follow(transaction, &subject, Order::License, at)?;
    }
    Ok(())
}

/// The service has switched a user: its attributes follow, and its license if it has none yet.
pub(super) fn switched(transaction: &Transaction<'_>, id: HybridUserId, at: Timestamp) -> Result<()> {
    let subject = subject(transaction, id)?;
    if subject.switched {
        return Ok(());
    }
    transaction.prepare_cached("UPDATE hybrid_user SET switched = 1 WHERE id = ?1")?.execute([id])?;
    tell(transaction, subject.project, (subject.batch, Some(id)), at, "the service has switched the mailbox")?;
    follow(transaction, &subject, Order::License, at)?;
    follow(transaction, &subject, Order::Attributes, at)
}

/// An order follows, unless it was given before: open or done, it is the same one.
pub(super) fn follow(transaction: &Transaction<'_>, of: &Subject, order: Order, at: Timestamp) -> Result<()> {
    let Some(batch) = of.batch else { return Ok(()) };
    let given: bool = transaction
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM hybrid_order WHERE batch = ?1 AND user = ?2 AND kind = ?3
                            AND stage IN ('open', 'done'))",
        )?
        .query_row((batch, of.id, order.word()), |row| row.get(0))?;
    if given { Ok(()) } else { give(transaction, (of.project, batch, Some(of.id)), order, at) }
}

/// Writes an order.
pub(super) fn give(
    transaction: &Transaction<'_>,
    (project, batch, user): (HybridProjectId, HybridBatchId, Option<HybridUserId>),
    order: Order,
    at: Timestamp,
) -> Result<()> {
    transaction
        .prepare_cached(
            "INSERT INTO hybrid_order (project, batch, user, kind, what, created, next) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)",
        )?
        .execute((project, batch, user, order.word(), Json(order), at))?;
    Ok(())
}

/// What a user holds of the ledger.
pub(super) fn held(transaction: &Transaction<'_>, user: HybridUserId) -> Result<ItemLicense> {
    let mut statement = transaction
        .prepare_cached("SELECT kind, pool FROM license_entry WHERE hybrid_user = ?1 ORDER BY id DESC LIMIT 1")?;
    let latest =
        statement.query_row([user], |row| Ok((row.get::<_, Word<EntryKind>>(0)?.0, row.get(1)?))).optional()?;
    Ok(latest.map_or(ItemLicense::None, |(kind, pool)| ItemLicense::after(kind, pool)))
}

/// Writes an entry of the ledger for a user.
pub(super) fn enter(
    transaction: &Transaction<'_>,
    user: HybridUserId,
    (kind, pool): (EntryKind, PoolId),
    at: Timestamp,
) -> Result<()> {
    transaction
        .prepare_cached(
            "INSERT INTO license_entry (at, pool, kind, number, hybrid_user, project, source, destination, note)
             SELECT ?2, ?3, ?4, 1, u.id, p.name, u.address, u.address, 'Hybrid'
             FROM hybrid_user AS u JOIN hybrid_project AS p ON p.id = u.project WHERE u.id = ?1",
        )?
        .execute((user, at, pool, Word(kind)))?;
    Ok(())
}

/// What follows for the ledger when a user's move comes to this status. Whoever completes has consumed a license, also when
/// somebody else had it go on after a failure.
fn settle(transaction: &Transaction<'_>, user: HybridUserId, to: MoveStatus, at: Timestamp) -> Result<()> {
    let pool = || -> Result<PoolId> {
        let sql = "SELECT p.pool FROM hybrid_user AS u JOIN hybrid_project AS p ON p.id = u.project WHERE u.id = ?1";
        Ok(transaction.prepare_cached(sql)?.query_row([user], |row| row.get(0))?)
    };
    match (held(transaction, user)?, to) {
        (ItemLicense::Reserved(pool), MoveStatus::Completed) => {
            enter(transaction, user, (EntryKind::Consume, pool), at)
        }
        (ItemLicense::Reserved(pool), MoveStatus::Failed) => enter(transaction, user, (EntryKind::Return, pool), at),
        (ItemLicense::None, MoveStatus::Completed) => {
            let pool = pool()?;
            enter(transaction, user, (EntryKind::Reserve, pool), at)?;
            enter(transaction, user, (EntryKind::Consume, pool), at)
        }
        _ => Ok(()),
    }
}

/// A user gives back what was only reserved.
pub(super) fn give_back(transaction: &Transaction<'_>, user: HybridUserId, at: Timestamp) -> Result<()> {
    match held(transaction, user)? {
        ItemLicense::Reserved(pool) => enter(transaction, user, (EntryKind::Return, pool), at),
        ItemLicense::None | ItemLicense::Consumed(_) => Ok(()),
    }
}

/// What all users of a project hold is lost with them.
pub(super) fn lose_all(transaction: &Transaction<'_>, project: HybridProjectId, at: Timestamp) -> Result<()> {
    let users: Vec<HybridUserId> = transaction
        .prepare_cached("SELECT id FROM hybrid_user WHERE project = ?1 ORDER BY id")?
        .query_map([project], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for user in users {
        if let Some(entry) = held(transaction, user)?.deleted() {
            enter(transaction, user, entry, at)?;
        }
    }
    Ok(())
}
