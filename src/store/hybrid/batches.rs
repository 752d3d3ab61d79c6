//! Batches, and what a person does with them: users in and out, start, finalize. Each is written whole with the orders that it
//! takes, before anything is sent.

use rusqlite::{OptionalExtension, Row, Transaction};

use super::changes::{enter, follow, give, happen, held, subject, switched};
use super::{one, tell, users};
use crate::domain::hybrid::order::Order;
use crate::domain::hybrid::status::{MoveAction, MoveEvent, MoveRefusal, MoveStatus, Phase};
use crate::domain::hybrid::{HybridBatch, HybridUser};
use crate::domain::ids::{HybridBatchId, HybridProjectId, HybridUserId};
use crate::domain::license::{EntryKind, ItemLicense, Taking};
use crate::domain::time::Timestamp;
use crate::store::Store;
use crate::store::codec::Columns;
use crate::store::error::{Result, StoreError, missing, name_taken};
use crate::store::licenses::account;

/// A user that was left alone, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Its address.
    pub address: String,
    /// Why.
    pub why: MoveRefusal,
}

const COLUMNS: &str = "id, name, remote_name, submitted, finalize_at, word, polled, missing";

fn batch(row: &Row<'_>) -> rusqlite::Result<HybridBatch> {
    let mut columns = Columns::of(row);
    Ok(HybridBatch {
        id: columns.next()?,
        name: columns.next()?,
        remote_name: columns.next()?,
        submitted: columns.next()?,
        finalize_at: columns.next()?,
        word: columns.next()?,
        polled: columns.next()?,
        missing: columns.next()?,
    })
}

fn find(transaction: &Transaction<'_>, project: HybridProjectId, id: HybridBatchId) -> Result<HybridBatch> {
    let sql = format!("SELECT {COLUMNS} FROM hybrid_batch WHERE id = ?1 AND project = ?2");
    let found = transaction.prepare_cached(&sql)?.query_row((id, project), batch).optional()?;
    found.ok_or_else(|| missing("batch", id))
}

fn of_batch(transaction: &Transaction<'_>, project: HybridProjectId, id: HybridBatchId) -> Result<Vec<HybridUser>> {
    let all = users::all(transaction, project)?;
    Ok(all.into_iter().filter(|user| user.batch == Some(id)).collect())
}

fn refused(batch: &HybridBatch, why: MoveRefusal) -> StoreError {
    StoreError::Move { batch: batch.name.clone(), why }
}

fn has_open(transaction: &Transaction<'_>, batch: HybridBatchId) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM hybrid_order WHERE batch = ?1 AND user IS NULL AND stage = 'open')";
    Ok(transaction.prepare_cached(sql)?.query_row([batch], |row| row.get(0))?)
}

fn was_made(transaction: &Transaction<'_>, batch: HybridBatchId) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM hybrid_order WHERE batch = ?1 AND kind = 'create' AND stage = 'done')";
    Ok(transaction.prepare_cached(sql)?.query_row([batch], |row| row.get(0))?)
}

/// Reserves a license for each of these users who has none.
fn reserve(
    transaction: &Transaction<'_>,
    project: HybridProjectId,
    users: &[&HybridUser],
    at: Timestamp,
) -> Result<()> {
    let pool = one(transaction, project)?.pool;
    let mut needing = Vec::new();
    for user in users {
        if held(transaction, user.id)? == ItemLicense::None {
            needing.push(user.id);
        }
    }
    let account = account(transaction, pool)?;
    let needed = u64::try_from(needing.len()).unwrap_or(u64::MAX);
    let free = account.free();
    if let Some(short) = (Taking { pool: account.pool.terms.name, needed, free }).shortage() {
        return Err(StoreError::LicensesShort(format!("{short}; the batch was not started")));
    }
    needing.into_iter().try_for_each(|user| enter(transaction, user, (EntryKind::Reserve, pool), at))
}

/// Takes back what was ordered for a user and not done yet.
fn drop_orders(transaction: &Transaction<'_>, user: HybridUserId, at: Timestamp) -> Result<()> {
    transaction
        .prepare_cached("UPDATE hybrid_order SET stage = 'dropped', ended = ?2 WHERE user = ?1 AND stage = 'open'")?
        .execute((user, at))?;
    Ok(())
}

fn take_out(transaction: &Transaction<'_>, user: &HybridUser, at: Timestamp) -> Result<Option<MoveRefusal>> {
    let subject = subject(transaction, user.id)?;
    let Some(batch) = subject.batch else { return Ok(Some(MoveRefusal::Unbatched)) };
    let of = (subject.project, batch, Some(user.id));
    if let Err(why) = user.may(MoveAction::MoveOut) {
        return Ok(Some(why));
    }
    if subject.status == MoveStatus::NotSubmitted {
        transaction.prepare_cached("UPDATE hybrid_user SET batch = NULL WHERE id = ?1")?.execute([user.id])?;
        tell(transaction, of.0, (Some(batch), of.2), at, "moved out of its batch")?;
        return Ok(None);
    }
    drop_orders(transaction, user.id, at)?;
    tell(transaction, of.0, (Some(batch), of.2), at, "to be moved out of its batch")?;
    give(transaction, of, Order::MoveOut, at)?;
    Ok(None)
}

impl Store {
    /// Makes a batch. Its name must be free in its project, ignoring case.
    pub async fn new_hybrid_batch(
        &self,
        project: HybridProjectId,
        name: String,
        remote_name: String,
    ) -> Result<HybridBatchId> {
        self.write(move |transaction, _| {
            one(transaction, project)?;
            transaction
                .prepare_cached(
                    "INSERT INTO hybrid_batch (project, name, name_key, remote_name) VALUES (?1, ?2, ?3, ?4)",
                )?
                .execute((project, &name, name.to_lowercase(), remote_name))
                .map_err(|error| name_taken(error, &name))?;
            Ok(HybridBatchId(transaction.last_insert_rowid()))
        })
        .await
    }

    /// The batches of a project, as they were made.
    pub async fn hybrid_batches(&self, project: HybridProjectId) -> Result<Vec<HybridBatch>> {
        self.read(move |connection| {
            let sql = format!("SELECT {COLUMNS} FROM hybrid_batch WHERE project = ?1 ORDER BY id");
            Ok(connection.prepare_cached(&sql)?.query_map([project], batch)?.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    /// Moves users into a batch that was not submitted (R28, R29); answers who was left alone.
    pub async fn move_into_batch(
        &self,
        project: HybridProjectId,
        id: HybridBatchId,
        members: Vec<HybridUserId>,
        at: Timestamp,
    ) -> Result<Vec<LeftOut>> {
        self.write(move |transaction, _| {
            let batch = find(transaction, project, id)?;
            if batch.submitted.is_some() {
                return Err(refused(&batch, MoveRefusal::Submitted));
            }
            let mut left = Vec::new();
            for user in users::all(transaction, project)?.into_iter().filter(|user| members.contains(&user.id)) {
                if let Err(why) = user.may(MoveAction::MoveIn) {
                    left.push(LeftOut { address: user.address, why });
                    continue;
                }
                transaction
                    .prepare_cached("UPDATE hybrid_user SET batch = ?2 WHERE id = ?1")?
                    .execute((user.id, id))?;
                tell(transaction, project, (Some(id), Some(user.id)), at, "moved into the batch")?;
            }
            Ok(left)
        })
        .await
    }

    /// Moves users out of their batches: at once where nothing was submitted, else by an order (R30); answers who was left
    /// alone.
    pub async fn move_out_of_batch(
        &self,
        project: HybridProjectId,
        members: Vec<HybridUserId>,
        at: Timestamp,
    ) -> Result<Vec<LeftOut>> {
        self.write_durably(move |transaction, _| {
            let mut left = Vec::new();
            for user in users::all(transaction, project)?.into_iter().filter(|user| members.contains(&user.id)) {
                if let Some(why) = take_out(transaction, &user, at)? {
                    left.push(LeftOut { address: user.address, why });
                }
            }
            Ok(left)
        })
        .await
    }

    /// Submits a batch, or what failed of it again: licenses are reserved, orders written.
    pub async fn submit_hybrid_batch(&self, project: HybridProjectId, id: HybridBatchId, at: Timestamp) -> Result<()> {
        self.write_durably(move |transaction, _| {
            let batch = find(transaction, project, id)?;
            let users = of_batch(transaction, project, id)?;
            let status = MoveStatus::of_batch(batch.submitted.is_some(), users.iter().map(|user| user.status));
            if users.is_empty() {
                return Err(refused(&batch, MoveRefusal::Empty));
            }
            if has_open(transaction, id)? {
                return Err(StoreError::OrderOpen);
            }
            let starting: Vec<&HybridUser> = users.iter().filter(|user| user.may(MoveAction::Start).is_ok()).collect();
            if starting.is_empty() {
                let why = status.allows(MoveAction::Start).err().unwrap_or(MoveRefusal::AlreadySubmitted);
                return Err(refused(&batch, why));
            }
            reserve(transaction, project, &starting, at)?;
            transaction
                .prepare_cached(
                    "UPDATE hybrid_batch SET submitted = ifnull(submitted, ?2), missing = NULL WHERE id = ?1",
                )?
                .execute((id, at))?;
            let mut at_service = 0;
            for user in &starting {
                happen(transaction, user.id, MoveEvent::Submit, None, at)?;
                if user.switched {
                    // It is moved already; what is missing is what was to follow.
                    happen(transaction, user.id, MoveEvent::Seen(Phase::Completed), None, at)?;
                    follow(transaction, &subject(transaction, user.id)?, Order::Attributes, at)?;
                } else {
                    at_service += 1;
                }
            }
            if at_service > 0 {
                // One that somebody has deleted is made again.
                if !was_made(transaction, id)? || batch.missing.is_some() {
                    give(transaction, (project, id, None), Order::Create, at)?;
                }
                give(transaction, (project, id, None), Order::Start, at)?;
            }
            Ok(())
        })
        .await
    }

    /// Orders the finalization of a whole batch, or of these users of it, now or at a time; answers who was left alone.
    pub async fn finalize_hybrid(
        &self,
        project: HybridProjectId,
        id: HybridBatchId,
        members: Option<Vec<HybridUserId>>,
        when: (Option<Timestamp>, Timestamp),
    ) -> Result<Vec<LeftOut>> {
        self.write_durably(move |transaction, _| {
            let (at, now) = when;
            let batch = find(transaction, project, id)?;
            if has_open(transaction, id)? {
                return Err(StoreError::OrderOpen);
            }
            let (mut ready, mut left) = (Vec::new(), Vec::new());
            let mut whole = members.is_none();
            let users = of_batch(transaction, project, id)?;
            for user in users.iter().filter(|user| members.as_ref().is_none_or(|members| members.contains(&user.id))) {
                match user.may(MoveAction::Finalize) {
                    Ok(()) => ready.push(user),
                    Err(why) => {
                        whole &= why == MoveRefusal::Completed;
                        left.push(LeftOut { address: user.address.clone(), why });
                    }
                }
            }
            if ready.is_empty() {
                let why = left.first().map_or(MoveRefusal::Unbatched, |left| left.why);
                return Err(refused(&batch, why));
            }
            order_finalization(transaction, (project, id), (&ready, whole), when)?;
            if members.is_none() {
                let sql = "UPDATE hybrid_batch SET finalize_at = ?2 WHERE id = ?1";
                transaction.prepare_cached(sql)?.execute((id, at.unwrap_or(now)))?;
                // Who is Completed already needs nothing.
                left.retain(|left| left.why != MoveRefusal::Completed);
            }
            Ok(left)
        })
        .await
    }

    /// Approves the items that were left out of users; answers who was left alone.
    pub async fn approve_hybrid(
        &self,
        project: HybridProjectId,
        members: Vec<HybridUserId>,
        at: Timestamp,
    ) -> Result<Vec<LeftOut>> {
        self.write_durably(move |transaction, _| {
            let mut left = Vec::new();
            for user in users::all(transaction, project)?.into_iter().filter(|user| members.contains(&user.id)) {
                match (user.batch, user.may(MoveAction::Approve)) {
                    (Some(batch), Ok(())) => give(transaction, (project, batch, Some(user.id)), Order::Approve, at)?,
                    (None, Ok(())) => left.push(LeftOut { address: user.address, why: MoveRefusal::Unbatched }),
                    (_, Err(why)) => left.push(LeftOut { address: user.address, why }),
                }
            }
            Ok(left)
        })
        .await
    }

    /// A user was switched, as the service told.
    pub async fn hybrid_user_switched(&self, user: HybridUserId, at: Timestamp) -> Result<()> {
        self.write(move |transaction, _| switched(transaction, user, at)).await
    }
}

/// One order for a whole batch if all its users are ready, else one for each who is: nobody is finalized unasked.
fn order_finalization(
    transaction: &Transaction<'_>,
    (project, id): (HybridProjectId, HybridBatchId),
    (ready, whole): (&[&HybridUser], bool),
    (at, now): (Option<Timestamp>, Timestamp),
) -> Result<()> {
    let order = Order::Finalize { at };
    if whole {
        give(transaction, (project, id, None), order, now)?;
    }
    for user in ready {
        if !whole {
            give(transaction, (project, id, Some(user.id)), order, now)?;
        }
        if at.is_none() {
            happen(transaction, user.id, MoveEvent::Finalize, None, now)?;
        }
    }
    Ok(())
}
