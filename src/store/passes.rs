//! Passes: submission, the status of each, crash recovery, reset (D3, D6).
//!
//! Which status may follow which is decided in `domain::status`; a change here names the statuses it may start from and is
//! refused if another process was faster.

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension, Row, Transaction};

use super::Store;
use super::codec::{Columns, Json, Word, unsigned};
use super::error::{Result, StoreError, missing};
use super::licenses::{self, Got, Purse};
use super::projects::none_archived;
use super::status_change::{Ended, StatusChange, at_rest, change_status, make_alike, next_attempt};
use crate::domain::figures::{AtSource, Moved};
use crate::domain::ids::{ItemId, PassId, ProjectId};
use crate::domain::last_results::{LastResults, PassResult};
use crate::domain::pass::PassKind;
use crate::domain::pass_plan::PassPlan;
use crate::domain::progress::PassProgress;
use crate::domain::project::Options;
use crate::domain::start_order::Schedule;
use crate::domain::status::{Event, HoldReason, Status, Wait};
use crate::domain::time::Timestamp;

/// What is submitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// What the passes do.
    pub kind: PassKind,
    /// What they wait for: it says whether they are Submitted, Scheduled, Held or Waiting for User.
    pub wait: Wait,
    /// When they start, if not as soon as a worker is free.
    pub schedule: Option<Schedule>,
    /// Now.
    pub at: Timestamp,
}

/// What became of a submission.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Submitted {
    /// The items that have a new pass, in the order in which they came.
    pub passes: Vec<(ItemId, PassId)>,
    /// Those for which no license was left: nothing of them was changed.
    pub short: Vec<ItemId>,
}

/// A pass as listings show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassRow {
    /// The row.
    pub id: PassId,
    /// Whose.
    pub item: ItemId,
    /// What it does.
    pub kind: PassKind,
    /// Where it stands.
    pub status: Status,
    /// 1 on its first run, one more after each interruption.
    pub attempt: u32,
    /// What it does in detail; none in passes of older versions (D31).
    pub plan: Option<PassPlan>,
    /// When it starts, if scheduled.
    pub schedule: Option<Schedule>,
    /// Why it is held, if it is.
    pub hold: Option<HoldReason>,
    /// When it came to its status.
    pub since: Timestamp,
    /// When it was submitted.
    pub submitted: Timestamp,
    /// When a worker first took it.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// Why it failed or is held.
    pub failure: Option<Ended>,
    /// What the item's passes before it recorded, since its last reset.
    pub earlier: Moved,
    /// How they ended, by their kinds.
    pub earlier_results: LastResults,
    /// The figures last flushed, over all attempts; `updated` is none before the first.
    pub progress: PassProgress,
}

impl PassRow {
    /// What is recorded of the item, up to this pass: it never falls (D34).
    pub fn moved(&self) -> Moved {
        self.earlier.and(Moved::of(&self.progress.counts))
    }

    /// How the item's passes ended, up to this one.
    pub fn results(&self) -> LastResults {
        self.earlier_results.after(self.kind, PassResult::of(self.status, &self.progress))
    }
}

/// A pass that a crash interrupted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// The pass.
    pub pass: PassId,
    /// Whose.
    pub item: ItemId,
    /// What it was when the process died.
    pub was: Status,
    /// What it is now: Submitted again, or Stopped.
    pub now: Status,
    /// The attempt that will run, or did.
    pub attempt: u32,
    /// When it last showed a sign of life.
    pub last_seen: Timestamp,
}

/// The columns that [`pass_row`] reads, of a table or alias `p`.
pub(super) const PASS_COLUMNS: &str =
    "p.id, p.item, p.kind, p.status, p.attempt, p.plan, p.schedule_at, p.schedule_zone, p.hold, p.since, p.submitted, p.started, p.ended, p.failure,
     p.side, p.phase, p.folders_done, p.folders_total, p.current_folder, p.source, p.copied, p.already_there, p.skipped,
     p.vanished, p.errors, p.bytes, p.flags_updated, p.waiting, p.arrived, p.differ, p.accepted, p.in_flight, p.retry, p.updated,
     p.source_folders, p.source_messages, p.source_bytes, p.earlier_copied, p.earlier_bytes,
     p.earlier_results";

/// Reads [`PASS_COLUMNS`]; none when the pass is missing in an outer join.
pub(super) fn pass_row(columns: &mut Columns<'_, '_>) -> rusqlite::Result<Option<PassRow>> {
    let Some(id) = columns.next()? else { return Ok(None) };
    Ok(Some(PassRow {
        id,
        item: columns.next()?,
        kind: columns.word()?,
        status: columns.word()?,
        attempt: columns.next()?,
        plan: columns.maybe_json()?,
        schedule: match (columns.next()?, columns.next()?) {
            (Some(at), Some(zone)) => Some(Schedule { at, zone }),
            _ => None,
        },
        hold: columns.maybe_word()?,
        since: columns.next()?,
        submitted: columns.next()?,
        started: columns.next()?,
        ended: columns.next()?,
        failure: {
            let failure = columns.maybe_json()?;
            let side = columns.maybe_word()?;
            failure.map(|failure| Ended { failure, side })
        },
        progress: progress(columns)?,
        earlier: Moved { messages: columns.count()?, bytes: columns.count()? },
        earlier_results: columns.parsed()?,
    }))
}

fn progress(columns: &mut Columns<'_, '_>) -> rusqlite::Result<PassProgress> {
    Ok(PassProgress {
        phase: columns.word()?,
        folders_done: columns.next()?,
        folders_total: columns.next()?,
        current: columns.maybe_json()?,
        counts: columns.counts()?,
        accepted: columns.count()?,
        in_flight: columns.count()?,
        retry: columns.maybe_json()?,
        updated: columns.time_or_none()?,
        at_source: match (
            columns.next::<Option<i64>>()?,
            columns.next::<Option<i64>>()?,
            columns.next::<Option<i64>>()?,
        ) {
            (Some(folders), Some(messages), bytes) => {
                Some(AtSource { folders: unsigned(folders), messages: unsigned(messages), bytes: bytes.map(unsigned) })
            }
            _ => None,
        },
    })
}

fn whole_row(row: &Row<'_>) -> rusqlite::Result<PassRow> {
    pass_row(&mut Columns::of(row))?.ok_or(rusqlite::Error::QueryReturnedNoRows)
}

/// The status of an item: that of its latest pass.
pub(super) fn status_of(connection: &Connection, item: ItemId) -> Result<Status> {
    let row: Option<Option<Word<Status>>> = connection
        .prepare_cached(
            "SELECT p.status FROM item AS i LEFT JOIN pass AS p ON p.id = i.latest_pass WHERE i.id = ?1 AND i.deleted = 0",
        )?
        .query_row([item], |row| row.get(0))
        .optional()?;
    Ok(row.ok_or_else(|| missing("item", item))?.map_or(Status::NotSubmitted, |word| word.0))
}

/// Refuses if any of the items is waiting or running.
pub(super) fn all_at_rest(connection: &Connection, items: &[ItemId]) -> Result<()> {
    let mut active = 0;
    // One question for all of them: there may be 100,000.
    let mut statement = connection.prepare_cached(
        "SELECT asked.value, i.id, p.status FROM json_each(?1) AS asked
         LEFT JOIN item AS i ON i.id = asked.value AND i.deleted = 0 LEFT JOIN pass AS p ON p.id = i.latest_pass",
    )?;
    let mut rows = statement.query([Json(items)])?;
    while let Some(row) = rows.next()? {
        if row.get::<_, Option<ItemId>>(1)?.is_none() {
            return Err(missing("item", row.get::<_, ItemId>(0)?));
        }
        active += u64::from(row.get::<_, Option<Word<Status>>>(2)?.is_some_and(|status| !at_rest(status.0)));
    }
    if active == 0 { Ok(()) } else { Err(StoreError::Active(active)) }
}

/// Writes a pass for each of these items, which is its latest from now on; answers them in this order. A few statements for
/// all: there may be 100,000, mostly of one plan.
fn insert(
    transaction: &Transaction<'_>,
    passes: &[(ItemId, PassPlan)],
    submission: &Submission,
) -> Result<Vec<(ItemId, PassId)>> {
    let newest: Option<PassId> =
        transaction.prepare_cached("SELECT max(id) FROM pass")?.query_row([], |row| row.get(0))?;
    for alike in passes.chunk_by(|(_, plan), (_, next)| plan == next) {
        insert_alike(transaction, alike, submission)?;
    }
    transaction
        .prepare_cached(
            "UPDATE item SET latest_pass = new.id FROM pass AS new WHERE new.id > ?1 AND item.id = new.item",
        )?
        .execute([newest.unwrap_or(PassId(0))])?;
    let mut made = transaction.prepare_cached("SELECT item, id FROM pass WHERE id > ?1 ORDER BY id")?;
    let made = made.query_map([newest.unwrap_or(PassId(0))], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let made: Vec<(ItemId, PassId)> = made.collect::<rusqlite::Result<_>>()?;
    if !made.iter().map(|(item, _)| item).eq(passes.iter().map(|(item, _)| item)) {
        return Err(StoreError::Contradiction("passes were made in another order than asked for".into()));
    }
    Ok(made)
}

/// The place of the pass `p` among the letters of [`LastResults`], and its own letter; it is at rest.
const RESULT: (&str, &str) = (
    "(CASE p.kind WHEN 'verify' THEN 1 WHEN 'trial' THEN 2 WHEN 'pre_stage' THEN 3 ELSE 4 END)",
    "(CASE WHEN p.status = 'stopped' THEN 's' WHEN p.status = 'failed' THEN 'f'
         WHEN p.errors > p.accepted OR p.waiting > 0 OR p.differ > 0 THEN 'l' ELSE 'c' END)",
);

/// Writes passes of one plan, in this order: an outer loop over the items asked for, without a sorter for 100,000 wide rows.
fn insert_alike(transaction: &Transaction<'_>, alike: &[(ItemId, PassPlan)], submission: &Submission) -> Result<()> {
    let Some((_, plan)) = alike.first() else { return Ok(()) };
    let Submission { kind, wait, schedule, at } = submission;
    let (start, zone) = schedule.as_ref().map(|schedule| (schedule.at, schedule.zone.as_str())).unzip();
    let items: Vec<ItemId> = alike.iter().map(|(item, _)| *item).collect();
    let (place, letter) = RESULT;
    let sql = format!(
        "INSERT INTO pass (item, kind, status, plan, schedule_at, schedule_zone, hold, since, submitted,
             earlier_copied, earlier_bytes, earlier_results, source_folders, source_messages, source_bytes)
         SELECT i.id, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8,
             ifnull(p.earlier_copied + p.copied, 0), ifnull(p.earlier_bytes + p.bytes, 0),
             ifnull(substr(p.earlier_results, 1, {place} - 1) || {letter} || substr(p.earlier_results, 1 + {place}), '....'),
             p.source_folders, p.source_messages, p.source_bytes
         FROM json_each(?1) AS new CROSS JOIN item AS i ON i.id = new.value
         LEFT JOIN pass AS p ON p.id = i.latest_pass"
    );
    transaction.prepare_cached(&sql)?.execute((
        Json(items),
        Word(kind),
        Word(Status::of_submission(*wait)),
        Json(plan),
        start,
        zone,
        wait.hold().map(Word),
        at,
    ))?;
    Ok(())
}

impl Store {
    /// Makes a pass with its plan for each item and reserves the license that it takes (D33); items for which none is left are
    /// left out. One that is named twice gets one. Refused as a whole if one of the items is waiting or running, or its project is
    /// archived.
    pub async fn submit(&self, passes: Vec<(ItemId, PassPlan)>, submission: Submission) -> Result<Submitted> {
        self.write(move |transaction, _| {
            let mut named = HashSet::new();
            let passes: Vec<_> = passes.into_iter().filter(|(item, _)| named.insert(*item)).collect();
            let items: Vec<ItemId> = passes.iter().map(|(item, _)| *item).collect();
            all_at_rest(transaction, &items)?;
            none_archived(transaction, &items)?;
            let mut purse = Purse::of(transaction, submission.kind, &items)?;
            let (mut paid, mut pools, mut short) = (Vec::new(), Vec::new(), Vec::new());
            for (item, plan) in passes {
                let got = purse.take(item);
                if got == Got::Short {
                    short.push(item);
                    continue;
                }
                paid.push((item, plan));
                pools.push(got);
            }
            let passes = insert(transaction, &paid, &submission)?;
            let reserved: Vec<_> = passes
                .iter()
                .zip(pools)
                .filter_map(|((_, pass), got)| if let Got::One(pool) = got { Some((*pass, pool)) } else { None })
                .collect();
            licenses::reserve(transaction, &reserved, submission.at)?;
            Ok(Submitted { passes, short })
        })
        .await
    }

    /// Changes a pass's status if it is what the change says; else [`StoreError::StatusChanged`] and nothing is changed.
    /// Time-stamps: Queued starts it (once), Stopped, Failed and Completed end it.
    pub async fn set_status(&self, change: StatusChange, at: Timestamp) -> Result<()> {
        self.write(move |transaction, _| {
            let refused = make_alike(transaction, &[change], at)?;
            refused.into_iter().next().map_or(Ok(()), |(_, error)| Err(error))
        })
        .await
    }

    /// Keeps the options as the worker read them.
    pub async fn set_pass_options(&self, pass: PassId, options: Options) -> Result<()> {
        self.write(move |transaction, _| {
            let changed = transaction
                .prepare_cached("UPDATE pass SET options = ?2 WHERE id = ?1")?
                .execute((pass, Json(options)))?;
            if changed == 0 { Err(missing("pass", pass)) } else { Ok(()) }
        })
        .await
    }

    /// The options a pass ran with; none before a worker took it.
    pub async fn pass_options(&self, pass: PassId) -> Result<Option<Options>> {
        self.read(move |connection| {
            let row: Option<Option<Json<Options>>> =
                connection.query_row("SELECT options FROM pass WHERE id = ?1", [pass], |row| row.get(0)).optional()?;
            Ok(row.ok_or_else(|| missing("pass", pass))?.map(|json| json.0))
        })
        .await
    }

    /// One pass.
    pub async fn pass(&self, pass: PassId) -> Result<PassRow> {
        self.read(move |connection| {
            let sql = format!("SELECT {PASS_COLUMNS} FROM pass AS p WHERE p.id = ?1");
            connection
                .prepare_cached(&sql)?
                .query_row([pass], whole_row)
                .optional()?
                .ok_or_else(|| missing("pass", pass))
        })
        .await
    }

    /// All passes of an item, newest first, those before a reset too.
    pub async fn passes(&self, item: ItemId) -> Result<Vec<PassRow>> {
        self.read(move |connection| {
            let sql = format!("SELECT {PASS_COLUMNS} FROM pass AS p WHERE p.item = ?1 ORDER BY p.id DESC");
            let mut statement = connection.prepare_cached(&sql)?;
            Ok(statement.query_map([item], whole_row)?.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    /// The latest passes with one of these statuses, oldest first, of one project or of all.
    pub async fn passes_in(&self, statuses: &[Status], project: Option<ProjectId>) -> Result<Vec<PassRow>> {
        let statuses = statuses.to_vec();
        self.read(move |connection| {
            let sql = format!(
                "SELECT {PASS_COLUMNS} FROM pass AS p JOIN item AS i ON i.id = p.item AND i.latest_pass = p.id
                 WHERE p.status = ?1 AND i.deleted = 0 AND (?2 IS NULL OR i.project = ?2)"
            );
            let mut statement = connection.prepare_cached(&sql)?;
            let mut passes: Vec<PassRow> = Vec::new();
            for status in statuses {
                for row in statement.query_map((Word(status), project), whole_row)? {
                    passes.push(row?);
                }
            }
            passes.sort_unstable_by_key(|pass| pass.id);
            Ok(passes)
        })
        .await
    }

    /// What a crash left behind: Queued and Migrating become Submitted again with the next attempt, whose figures go on from
    /// where they stand; Stopping becomes Stopped. Only for the process that holds the workspace lock.
    pub async fn recover(&self, now: Timestamp) -> Result<Vec<Recovered>> {
        self.write(move |transaction, _| {
            let mut recovered = Vec::new();
            for was in [Status::Queued, Status::Migrating, Status::Stopping] {
                let Ok(next) = was.after(Event::Interrupted(Wait::None)) else { continue };
                let mut statement = transaction.prepare_cached(
                    "SELECT id, item, attempt, max(submitted, ifnull(started, 0), updated) FROM pass WHERE status = ?1",
                )?;
                let found = statement.query_map([Word(was)], |row| {
                    let (pass, item, attempt, last_seen) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
                    Ok(Recovered { pass, item, was, now: next, attempt, last_seen })
                })?;
                recovered.extend(found.collect::<rusqlite::Result<Vec<_>>>()?);
            }
            for alike in recovered.chunk_by_mut(|one, next| one.was == next.was) {
                let passes: Vec<PassId> = alike.iter().map(|pass| pass.pass).collect();
                let Some(Recovered { pass, was, now: to, .. }) = alike.first().copied() else { continue };
                if to == Status::Submitted {
                    next_attempt(transaction, &passes)?;
                    alike.iter_mut().for_each(|pass| pass.attempt += 1);
                }
                change_status(transaction, &passes, &StatusChange::new(pass, was, to), now)?;
            }
            recovered.sort_unstable_by_key(|pass| pass.pass);
            Ok(recovered)
        })
        .await
    }

    /// Drops what Mailferry knows of the items' mail: their folder rows no longer count, their watermarks go with the next
    /// purge, they read Not Submitted. Passes and their listings stay. Refused while one of them is waiting or running.
    pub async fn reset(&self, items: Vec<ItemId>, at: Timestamp) -> Result<()> {
        self.write(move |transaction, _| {
            all_at_rest(transaction, &items)?;
            drop_records(transaction, &items, at)
        })
        .await
    }
}

/// Drops what Mailferry knows of the mail of these items, whatever their status. Two statements for all: there may be 100,000.
pub(super) fn drop_records(transaction: &Transaction<'_>, items: &[ItemId], at: Timestamp) -> Result<()> {
    transaction
        .prepare_cached(
            "UPDATE item SET latest_pass = NULL, reset_at = ?2 WHERE id IN (SELECT value FROM json_each(?1))",
        )?
        .execute((Json(items), at))?;
    // Whoever shows them looks again.
    transaction
        .prepare_cached(
            "UPDATE project SET changes = changes + 1
             WHERE id IN (SELECT project FROM item WHERE id IN (SELECT value FROM json_each(?1)))",
        )?
        .execute([Json(items)])?;
    transaction
        .prepare_cached(
            "UPDATE folder SET dropped = 1 WHERE item IN (SELECT value FROM json_each(?1)) AND dropped = 0",
        )?
        .execute([Json(items)])?;
    Ok(())
}

/// Which attempt of a pass is running.
pub(super) fn attempt_of(transaction: &Transaction<'_>, pass: PassId) -> Result<u32> {
    transaction
        .prepare_cached("SELECT attempt FROM pass WHERE id = ?1")?
        .query_row([pass], |row| row.get(0))
        .optional()?
        .ok_or_else(|| missing("pass", pass))
}
