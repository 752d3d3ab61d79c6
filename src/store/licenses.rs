//! The ledger of licenses (D33): pools, and entries that are only ever added. Balances are sums of entries and kept nowhere. An
//! entry is written in the transaction of what it belongs to; transactions follow one another, also those of other processes,
//! so that two Starts never share a license.

use std::collections::{HashMap, hash_map};

use rusqlite::{Connection, OptionalExtension, Row, Transaction};

use super::Store;
use super::codec::{Columns, Json, Word, signed, unsigned};
use super::error::{Result, StoreError, missing, name_taken};
use crate::domain::ids::{HybridUserId, ItemId, PassId, PoolId, ProjectId};
use crate::domain::license::{
    Account, BadPool, Balance, Entry, EntryItem, EntryKind, Holder, ItemLicense, Pool, PoolTerms,
};
use crate::domain::pass::PassKind;
use crate::domain::status::Status;
use crate::domain::time::Timestamp;

/// What an item got of its project's pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Got {
    /// It needs none.
    NoneNeeded,
    /// One, to be written with its pass.
    One(PoolId),
    /// There is none left.
    Short,
}

/// Licenses as one transaction takes them: which items need one, and how many each pool has left.
pub(super) struct Purse {
    /// Where those that need one take it.
    needing: HashMap<ItemId, PoolId>,
    left: HashMap<PoolId, Option<u64>>,
}

impl Purse {
    /// For items that a pass of this kind is submitted for. One question for all of them: there may be 100,000.
    pub(super) fn of(transaction: &Transaction<'_>, kind: PassKind, items: &[ItemId]) -> Result<Self> {
        let (mut purse, asked) = (Self { needing: HashMap::new(), left: HashMap::new() }, kind.takes_license());
        let mut statement = transaction.prepare_cached(
            "SELECT i.id, o.pool, e.kind, e.pool FROM json_each(?1) AS asked CROSS JOIN item AS i ON i.id = asked.value
             JOIN project AS o ON o.id = i.project
             LEFT JOIN license_entry AS e ON e.id = (SELECT max(id) FROM license_entry WHERE item = i.id)",
        )?;
        let mut rows = statement.query([Json(if asked { items } else { &[] })])?;
        while let Some(row) = rows.next()? {
            let (item, pool) = (row.get(0)?, row.get(1)?);
            let latest = row.get::<_, Option<Word<EntryKind>>>(2)?.zip(row.get(3)?);
            let held = latest.map_or(ItemLicense::None, |(kind, pool)| ItemLicense::after(kind.0, pool));
            if held.takes(kind) {
                purse.needing.insert(item, pool);
            }
            if let hash_map::Entry::Vacant(new) = purse.left.entry(pool) {
                new.insert(account(transaction, pool)?.free());
            }
        }
        Ok(purse)
    }

    /// Takes a license for an item, if it needs one.
    pub(super) fn take(&mut self, item: ItemId) -> Got {
        let Some(pool) = self.needing.remove(&item) else { return Got::NoneNeeded };
        match self.left.get_mut(&pool) {
            Some(Some(0)) => return Got::Short,
            Some(Some(left)) => *left -= 1,
            Some(None) | None => {}
        }
        Got::One(pool)
    }
}

/// What entries are about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum About {
    /// Passes, by their numbers.
    Passes,
    /// Items without a pass.
    Items,
}

/// An entry to be written: of a pass or an item, by its number.
type NewEntry = (i64, EntryKind, PoolId);

/// Writes that these passes have reserved a license each.
pub(super) fn reserve(transaction: &Transaction<'_>, passes: &[(PassId, PoolId)], at: Timestamp) -> Result<()> {
    let entries: Vec<NewEntry> = passes.iter().map(|(pass, pool)| (pass.0, EntryKind::Reserve, *pool)).collect();
    write(transaction, About::Passes, &entries, at)
}

/// Writes entries, in this order. A few statements for all: there may be 100,000, mostly of one kind.
fn write(transaction: &Transaction<'_>, about: About, entries: &[NewEntry], at: Timestamp) -> Result<()> {
    let (pass, of) = match about {
        About::Passes => ("p.id", "pass AS p ON p.id = new.value JOIN item AS i ON i.id = p.item"),
        About::Items => ("NULL", "item AS i ON i.id = new.value"),
    };
    let sql = format!(
        "INSERT INTO license_entry (at, pool, kind, number, item, pass, project, source, destination)
         SELECT ?2, ?3, ?4, 1, i.id, {pass}, o.name, i.source_email, i.destination_email
         FROM json_each(?1) AS new CROSS JOIN {of} JOIN project AS o ON o.id = i.project ORDER BY new.key"
    );
    let mut statement = transaction.prepare_cached(&sql)?;
    for alike in entries.chunk_by(|(_, kind, pool), next| (*kind, *pool) == (next.1, next.2)) {
        let Some((first, kind, pool)) = alike.first() else { continue };
        let numbers: Vec<i64> = alike.iter().map(|(number, ..)| *number).collect();
        if statement.execute((Json(numbers), at, pool, Word(*kind)))? < alike.len() {
            let what = if about == About::Passes { "pass" } else { "item" };
            return Err(missing(what, first));
        }
    }
    Ok(())
}

/// Writes what follows for the ledger when these passes come to this status.
pub(super) fn settle(transaction: &Transaction<'_>, passes: &[PassId], to: Status, at: Timestamp) -> Result<()> {
    let mut statement = transaction.prepare_cached(
        "SELECT p.id, e.kind, e.pool FROM json_each(?1) AS asked CROSS JOIN pass AS p ON p.id = asked.value
         JOIN license_entry AS e ON e.id = (SELECT max(id) FROM license_entry WHERE item = p.item)",
    )?;
    let held = statement.query_map([Json(passes)], held)?;
    let mut entries: Vec<NewEntry> = Vec::new();
    for held in held {
        let (pass, license) = held?;
        entries.extend(license.settled(to).map(|(kind, pool)| (pass, kind, pool)));
    }
    write(transaction, About::Passes, &entries, at)
}

/// Writes what follows when these items are deleted.
pub(super) fn lose(transaction: &Transaction<'_>, items: &[ItemId], at: Timestamp) -> Result<()> {
    let mut statement = transaction.prepare_cached(
        "SELECT e.item, e.kind, e.pool FROM json_each(?1) AS asked
         JOIN license_entry AS e ON e.id = (SELECT max(id) FROM license_entry WHERE item = asked.value)",
    )?;
    let held = statement.query_map([Json(items)], held)?;
    let mut entries: Vec<NewEntry> = Vec::new();
    for held in held {
        let (item, license) = held?;
        entries.extend(license.deleted().map(|(kind, pool)| (item, kind, pool)));
    }
    write(transaction, About::Items, &entries, at)
}

/// A number and the license that goes with it, from `kind` and `pool` of the latest entry.
fn held(row: &Row<'_>) -> rusqlite::Result<(i64, ItemLicense)> {
    Ok((row.get(0)?, ItemLicense::after(row.get::<_, Word<EntryKind>>(1)?.0, row.get(2)?)))
}

const POOL_COLUMNS: &str = "id, name, kind, client, unlimited";

fn pool(row: &Row<'_>) -> rusqlite::Result<Pool> {
    let mut columns = Columns::of(row);
    let id = columns.next()?;
    let terms = PoolTerms { name: columns.next()?, kind: columns.next()?, client: columns.next()? };
    Ok(Pool { id, terms, unlimited: columns.next()? })
}

fn read_pool(connection: &Connection, id: PoolId) -> Result<Pool> {
    let sql = format!("SELECT {POOL_COLUMNS} FROM license_pool WHERE id = ?1");
    let found = connection.prepare_cached(&sql)?.query_row([id], pool).optional()?;
    found.ok_or_else(|| missing("license pool", id))
}

pub(super) fn account(connection: &Connection, id: PoolId) -> Result<Account> {
    let pool = read_pool(connection, id)?;
    let mut sums = connection
        .prepare_cached("SELECT kind, sum(number) FROM license_entry WHERE pool = ?1 GROUP BY kind")?
        .query_map([id], |row| Ok((row.get::<_, Word<EntryKind>>(0)?.0, unsigned(row.get(1)?))))?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    // What comes before what: nothing is returned that was not reserved.
    sums.sort_unstable();
    let balance = sums.into_iter().fold(Balance::default(), |balance, (kind, number)| balance.after(kind, number));
    Ok(Account { pool, balance })
}

fn add(transaction: &Transaction<'_>, pool: PoolId, (number, note): (u64, &str), at: Timestamp) -> Result<()> {
    transaction
        .prepare_cached("INSERT INTO license_entry (at, pool, kind, number, note) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute((at, pool, Word(EntryKind::Add), signed(number), note))?;
    Ok(())
}

const ENTRY_COLUMNS: &str = "id, at, pool, kind, number, note, item, hybrid_user, pass, project, source, destination";

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let mut columns = Columns::of(row);
    let (id, at, pool, kind) = (columns.next()?, columns.next()?, columns.next()?, columns.word()?);
    let (number, note, item) = (columns.count()?, columns.next()?, columns.next::<Option<ItemId>>()?);
    let user = columns.next::<Option<HybridUserId>>()?;
    let of = match item.map(Holder::Item).or(user.map(Holder::HybridUser)) {
        Some(holder) => Some(EntryItem {
            holder,
            pass: columns.next()?,
            project: columns.next()?,
            source: columns.next()?,
            destination: columns.next()?,
        }),
        None => None,
    };
    Ok(Entry { id, at, pool, kind, number, of, note })
}

impl Store {
    /// All pools with their balances, as they were made.
    pub async fn license_accounts(&self) -> Result<Vec<Account>> {
        self.read(|connection| {
            let pools: Vec<PoolId> = connection
                .prepare_cached("SELECT id FROM license_pool ORDER BY id")?
                .query_map([], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            pools.into_iter().map(|id| account(connection, id)).collect()
        })
        .await
    }

    /// The pool of a project with its balance.
    pub async fn project_account(&self, project: ProjectId) -> Result<Account> {
        self.read(move |connection| {
            let pool = connection
                .prepare_cached("SELECT pool FROM project WHERE id = ?1 AND deleted = 0")?
                .query_row([project], |row| row.get(0))
                .optional()?;
            account(connection, pool.ok_or_else(|| missing("project", project))?)
        })
        .await
    }

    /// What the items of a project hold; those that hold nothing are left out.
    pub async fn item_licenses(&self, project: ProjectId) -> Result<HashMap<ItemId, ItemLicense>> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT i.id, e.kind, e.pool FROM item AS i JOIN license_entry AS e
                     ON e.id = (SELECT max(id) FROM license_entry WHERE item = i.id)
                 WHERE i.project = ?1 AND i.deleted = 0",
            )?;
            let rows = statement.query_map([project], |row| {
                Ok((row.get(0)?, ItemLicense::after(row.get::<_, Word<EntryKind>>(1)?.0, row.get(2)?)))
            })?;
            let held = rows.filter(|row| !matches!(row, Ok((_, ItemLicense::None))));
            Ok(held.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    /// Makes a pool with so many licenses; without a number it is unlimited. Its name must be free, ignoring case.
    pub async fn add_pool(&self, terms: PoolTerms, number: Option<u64>, at: Timestamp) -> Result<PoolId> {
        self.write(move |transaction, _| {
            let PoolTerms { name, kind, client } = terms;
            transaction
                .prepare_cached(
                    "INSERT INTO license_pool (name, name_key, kind, client, unlimited) VALUES (?1, ?2, ?3, ?4, ?5)",
                )?
                .execute((&name, name.to_lowercase(), kind, client, number.is_none()))
                .map_err(|error| name_taken(error, &name))?;
            let pool = PoolId(transaction.last_insert_rowid());
            if let Some(number) = number {
                add(transaction, pool, (number, ""), at)?;
            }
            Ok(pool)
        })
        .await
    }

    /// Adds licenses to a pool, with a note; answers what it comes to.
    pub async fn add_licenses(&self, pool: PoolId, number: u64, note: String, at: Timestamp) -> Result<Account> {
        self.write(move |transaction, _| {
            let found = read_pool(transaction, pool)?;
            if found.unlimited {
                return Err(StoreError::Pool(BadPool::Unlimited(found.terms.name)));
            }
            add(transaction, pool, (number, &note), at)?;
            account(transaction, pool)
        })
        .await
    }

    /// Entries of a pool or of all, oldest first: so many after this number.
    pub async fn license_entries(&self, pool: Option<PoolId>, after: i64, limit: u32) -> Result<Vec<Entry>> {
        let order = format!(
            "SELECT {ENTRY_COLUMNS} FROM license_entry WHERE id > ?1 AND (?2 IS NULL OR pool = ?2) ORDER BY id LIMIT ?3"
        );
        self.entries(order, (after, pool, limit)).await
    }

    /// The newest entries of a pool or of all, the newest first.
    pub async fn newest_license_entries(&self, pool: Option<PoolId>, limit: u32) -> Result<Vec<Entry>> {
        let order = format!(
            "SELECT {ENTRY_COLUMNS} FROM license_entry WHERE id > ?1 AND (?2 IS NULL OR pool = ?2) ORDER BY id DESC LIMIT ?3"
        );
        self.entries(order, (0, pool, limit)).await
    }

    async fn entries(&self, sql: String, parameters: (i64, Option<PoolId>, u32)) -> Result<Vec<Entry>> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(&sql)?;
            Ok(statement.query_map(parameters, entry)?.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }
}
