//! Users of hybrid projects: who they are, where they stand.

use std::collections::{BTreeMap, HashMap};

use rusqlite::{Connection, OptionalExtension, Row};

use super::one;
use crate::domain::hybrid::order::Stage;
use crate::domain::hybrid::users_csv::NewUser;
use crate::domain::hybrid::{HybridUser, Told};
use crate::domain::ids::{HybridProjectId, HybridUserId};
use crate::domain::star::Star;
use crate::domain::time::Timestamp;
use crate::store::Store;
use crate::store::codec::{Columns, Word, signed, unsigned};
use crate::store::error::{Result, missing};

const COLUMNS: &str = "id, address, batch, status, since, location, note, switched, word, percent, synced, skipped, bytes, \
                       last_sync, statistics, missing, star";

fn user(row: &Row<'_>) -> rusqlite::Result<HybridUser> {
    let mut columns = Columns::of(row);
    let count = |number: Option<i64>| number.map(unsigned);
    Ok(HybridUser {
        id: columns.next()?,
        address: columns.next()?,
        batch: columns.next()?,
        status: columns.word()?,
        since: columns.next()?,
        location: columns.next()?,
        note: columns.next()?,
        switched: columns.next()?,
        told: Told {
            word: columns.next()?,
            percent: columns.next()?,
            synced: count(columns.next()?),
            skipped: count(columns.next()?),
            bytes: count(columns.next()?),
            last_sync: columns.next()?,
            statistics: columns.next()?,
            missing: columns.next()?,
        },
        star: columns.maybe_word()?,
        open: BTreeMap::new(),
    })
}

/// All users of a project, by address, with their open orders.
pub(super) fn all(connection: &Connection, project: HybridProjectId) -> Result<Vec<HybridUser>> {
    let sql = format!("SELECT {COLUMNS} FROM hybrid_user WHERE project = ?1 ORDER BY address");
    let mut users: Vec<HybridUser> =
        connection.prepare_cached(&sql)?.query_map([project], user)?.collect::<rusqlite::Result<_>>()?;
    let mut open: HashMap<HybridUserId, BTreeMap<String, Stage>> = HashMap::new();
    let sql = "SELECT user, kind FROM hybrid_order WHERE project = ?1 AND stage = 'open' AND user IS NOT NULL";
    let mut statement = connection.prepare_cached(sql)?;
    for row in statement.query_map([project], |row| Ok((row.get(0)?, row.get(1)?)))? {
        let (user, kind): (HybridUserId, String) = row?;
        open.entry(user).or_default().insert(kind, Stage::Open);
    }
    for user in &mut users {
        user.open = open.remove(&user.id).unwrap_or_default();
    }
    Ok(users)
}

impl Store {
    /// Brings users in; answers how many are new and how many of the others got another location.
    pub async fn import_hybrid_users(
        &self,
        project: HybridProjectId,
        users: Vec<NewUser>,
        at: Timestamp,
    ) -> Result<(u64, u64)> {
        self.write(move |transaction, _| {
            one(transaction, project)?;
            let mut insert = transaction.prepare_cached(
                "INSERT INTO hybrid_user (project, address, location, since) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (project, address) DO NOTHING",
            )?;
            let mut change = transaction.prepare_cached(
                "UPDATE hybrid_user SET location = ?3 WHERE project = ?1 AND address = ?2 AND location IS NOT ?3",
            )?;
            let (mut new, mut changed) = (0, 0);
            for NewUser { address, location } in users {
                if insert.execute((project, &address, &location, at))? > 0 {
                    new += 1;
                } else if location.is_some() {
                    changed += u64::from(change.execute((project, &address, &location))? > 0);
                }
            }
            Ok((new, changed))
        })
        .await
    }

    /// One user; its open orders are not looked at.
    pub async fn hybrid_user(&self, id: HybridUserId) -> Result<Option<HybridUser>> {
        self.read(move |connection| {
            let sql = format!("SELECT {COLUMNS} FROM hybrid_user WHERE id = ?1");
            Ok(connection.prepare_cached(&sql)?.query_row([id], user).optional()?)
        })
        .await
    }

    /// All users of a project, by address.
    pub async fn hybrid_users(&self, project: HybridProjectId) -> Result<Vec<HybridUser>> {
        self.read(move |connection| all(connection, project)).await
    }

    /// Sets or removes the star of users.
    pub async fn set_hybrid_star(&self, users: Vec<HybridUserId>, star: Option<Star>) -> Result<()> {
        self.write(move |transaction, _| {
            let mut statement = transaction.prepare_cached("UPDATE hybrid_user SET star = ?2 WHERE id = ?1")?;
            for user in users {
                if statement.execute((user, star.map(Word)))? == 0 {
                    return Err(missing("hybrid user", user));
                }
            }
            Ok(())
        })
        .await
    }

    /// Keeps a service's report about a user.
    pub async fn keep_hybrid_report(&self, user: HybridUserId, at: Timestamp, text: String) -> Result<()> {
        self.write(move |transaction, _| {
            transaction
                .prepare_cached("INSERT OR REPLACE INTO hybrid_report (user, at, text) VALUES (?1, ?2, ?3)")?
                .execute((user, at, text))?;
            Ok(())
        })
        .await
    }

    /// The report that was kept.
    pub async fn hybrid_report(&self, user: HybridUserId) -> Result<Option<(Timestamp, String)>> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached("SELECT at, text FROM hybrid_report WHERE user = ?1")?;
            Ok(statement.query_row([user], |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
        })
        .await
    }
}

/// A count as a column; none stays none.
pub(super) fn column(number: Option<u64>) -> Option<i64> {
    number.map(signed)
}
