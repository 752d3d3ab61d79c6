//! Folder rows of an item: names and numberings of both sides, skip markers, intents (D9, D11, D12).

use rusqlite::{Connection, OptionalExtension, Row, Transaction};

use super::Store;
use super::codec::{Columns, Json};
use super::error::{Result, missing};
use super::watermarks::{lift, put};
use crate::domain::checkpoint::Checkpoint;
use crate::domain::folder::{UidValidity, WireName};
use crate::domain::ids::{FolderId, ItemId, Uid};
use crate::domain::record::{FolderEnd, FolderRecord, FolderUpdate, Intent, Seen, Watermark};

const COLUMNS: &str = "id, source, source_wire, source_validity, mailbox_id, destination, destination_wire, \
                       destination_validity, destination_mailbox_id, source_next, source_messages, destination_next, \
                       destination_messages, destination_top, strangers_next, marker, intent_validity, intent_floor, retired";

fn record(row: &Row<'_>) -> rusqlite::Result<FolderRecord> {
    let mut columns = Columns::of(row);
    Ok(FolderRecord {
        id: columns.next()?,
        source: columns.json()?,
        source_wire: WireName(columns.next()?),
        source_validity: UidValidity::from_stored(columns.next()?),
        mailbox_id: columns.next()?,
        destination: columns.json()?,
        destination_wire: WireName(columns.next()?),
        destination_validity: UidValidity::from_stored(columns.next()?),
        destination_mailbox_id: columns.next()?,
        source_seen: from_columns(columns.next()?, columns.next()?),
        destination_seen: from_columns(columns.next()?, columns.next()?),
        destination_top: columns.next()?,
        strangers_next: columns.next()?,
        marker: columns.maybe_json()?,
        intent: match (columns.next()?, columns.next()?) {
            (Some(validity), Some(floor)) => Some(Intent { since: Checkpoint::from_stored((validity, floor)) }),
            _ => None,
        },
        retired: columns.next()?,
    })
}

/// The greatest `…_next` of a folder: one whose numbers are not believed.
const DOUBTED: i64 = u32::MAX as i64;

/// The columns `…_next` and `…_messages` of what was seen of a folder.
fn to_columns(seen: Seen) -> (i64, u32) {
    match seen {
        Seen::Unknown => (0, 0),
        Seen::As { uid_next, messages } => (uid_next.0.min(DOUBTED - 1), messages),
        Seen::Doubted => (DOUBTED, u32::MAX),
        Seen::Renumbered => (DOUBTED, 1),
        Seen::Restored => (DOUBTED, 0),
    }
}

fn from_columns(next: i64, messages: u32) -> Seen {
    match (next, messages) {
        (..=0, _) => Seen::Unknown,
        (DOUBTED.., 1) => Seen::Renumbered,
        (DOUBTED.., 0) => Seen::Restored,
        (DOUBTED.., _) => Seen::Doubted,
        (next, messages) => Seen::As { uid_next: Uid(next), messages },
    }
}

fn one(connection: &Connection, folder: FolderId) -> Result<Option<FolderRecord>> {
    let sql = format!("SELECT {COLUMNS} FROM folder WHERE id = ?1 AND dropped = 0");
    Ok(connection.prepare_cached(&sql)?.query_row([folder], record).optional()?)
}

impl Store {
    /// Every folder row of the item, retired ones too; not those dropped by a reset.
    pub async fn folders(&self, item: ItemId) -> Result<Vec<FolderRecord>> {
        self.read(move |connection| {
            let sql = format!("SELECT {COLUMNS} FROM folder WHERE item = ?1 AND dropped = 0 ORDER BY id");
            let mut statement = connection.prepare_cached(&sql)?;
            Ok(statement.query_map([item], record)?.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    /// Creates or updates folder rows; answers their ids in order.
    ///
    /// - A source UIDVALIDITY that differs from the stored one (both known) retires the old numbering: its watermarks move
    ///   to a new row, the skip marker goes (D12).
    /// - A destination UIDVALIDITY that differs (both known) makes the destination numbers worthless: they become 0, the
    ///   skip marker goes.
    /// - Another destination folder (a new mapping) is for what is copied from now on: a retired row keeps the old place and
    ///   what is in it, and an intent that is open there ends.
    /// - 0 (unknown) never replaces a known UIDVALIDITY of the same folder.
    /// - A row that is renamed onto the source path of another row retires that one: its mailbox is gone.
    pub async fn update_folders(&self, item: ItemId, updates: Vec<FolderUpdate>) -> Result<Vec<FolderId>> {
        self.write(move |transaction, cache| {
            cache.taken.clear();
            update_folders(transaction, item, &updates)
        })
        .await
    }

    /// Drops the skip markers of these folders.
    pub async fn unsettle(&self, folders: Vec<FolderId>) -> Result<()> {
        self.write(move |transaction, _| {
            let mut statement = transaction.prepare_cached("UPDATE folder SET marker = NULL WHERE id = ?1")?;
            folders.iter().try_for_each(|folder| statement.execute([folder]).map(drop))?;
            Ok(())
        })
        .await
    }

    /// Forgets the destination numbers of every watermark that points into this row's destination folder, drops the skip
    /// markers of the rows that share it, and takes over its new UIDVALIDITY: the folder was made anew, or put back if that
    /// is an earlier one, which stays known until the copies were looked for. Copies that were seen to be gone stay so.
    pub async fn renumber_destination(&self, folder: FolderId, validity: Option<UidValidity>) -> Result<()> {
        self.write(move |transaction, cache| {
            let (next, renumbered) = to_columns(Seen::Renumbered);
            let (_, restored) = to_columns(Seen::Restored);
            for id in sharing_destination(transaction, folder)? {
                forget_numbers(transaction, id)?;
                cache.taken.forget(id);
                transaction
                    .prepare_cached(
                        "UPDATE folder SET destination_validity = ?2, marker = NULL, destination_next = ?3,
                             destination_messages = CASE
                                 WHEN destination_validity > ?2
                                      OR (destination_validity = ?2 AND destination_next = ?3 AND destination_messages = ?5)
                                 THEN ?5 ELSE ?4 END
                         WHERE id = ?1",
                    )?
                    .execute((id, UidValidity::stored(validity), next, renumbered, restored))?;
            }
            Ok(())
        })
        .await
    }

    /// Destination numbers, ascending, of all watermarks of the item that point into this row's destination folder.
    /// Watermarks without a number, or with one of another UIDVALIDITY than this row's, do not count.
    pub async fn known_at_destination(&self, folder: FolderId) -> Result<Vec<Uid>> {
        self.read(move |connection| Ok(numbers_at(connection, folder)?.1)).await
    }

    /// Moves the watermarks of these messages, which are gone from their folder, to a retired row of the same numbering and
    /// destination; answers that row. One is enough however often messages go.
    pub async fn retire(&self, folder: FolderId, messages: Vec<Uid>) -> Result<FolderId> {
        self.write(move |transaction, _| {
            let twin = twin(transaction, folder, &messages)?;
            let mut statement =
                transaction.prepare_cached("UPDATE watermark SET folder = ?2 WHERE folder = ?1 AND source = ?3")?;
            for message in messages {
                statement.execute((folder, twin, message))?;
            }
            Ok(twin)
        })
        .await
    }

    /// Gives watermarks to messages of this row's destination folder that no message of the source is: in a retired row.
    /// Their source numbers must be no message's.
    pub async fn adopt(&self, folder: FolderId, copies: Vec<Watermark>) -> Result<()> {
        self.write(move |transaction, cache| {
            let numbers: Vec<Uid> = copies.iter().map(|copy| copy.source).collect();
            let twin = twin(transaction, folder, &numbers)?;
            let highest = copies.iter().map(|copy| copy.destination).max();
            highest.map(|highest| lift(transaction, folder, highest)).transpose()?;
            let own = |copy: Watermark| (twin, Watermark { destination_folder: twin, ..copy });
            put(transaction, cache, &copies.into_iter().map(own).collect::<Vec<_>>())
        })
        .await
    }

    /// Writes intents durably before anything is appended. An intent that is already open for the row under the same
    /// UIDVALIDITY keeps its lower floor.
    pub async fn begin(&self, intents: Vec<(FolderId, Intent)>) -> Result<()> {
        self.write_durably(move |transaction, _| {
            let mut statement = transaction.prepare_cached(
                "UPDATE folder SET
                     intent_floor = CASE WHEN intent_validity = ?2 THEN min(intent_floor, ?3) ELSE ?3 END,
                     intent_validity = ?2
                 WHERE id = ?1 AND dropped = 0",
            )?;
            for (folder, intent) in intents {
                let (validity, floor) = intent.since.stored();
                if statement.execute((folder, validity, floor))? == 0 {
                    return Err(missing("folder", folder));
                }
            }
            Ok(())
        })
        .await
    }

    /// Ends a folder: closes its intent if told so, sets or drops its skip marker, keeps what was seen of both sides.
    pub async fn end_folder(&self, folder: FolderId, end: FolderEnd) -> Result<()> {
        self.write(move |transaction, cache| {
            cache.taken.forget(folder);
            let (source, destination) = (end.source.map(to_columns).unzip(), end.destination.map(to_columns).unzip());
            let changed = transaction
                .prepare_cached(
                    "UPDATE folder SET marker = ?2,
                         intent_validity = CASE WHEN ?3 THEN NULL ELSE intent_validity END,
                         intent_floor = CASE WHEN ?3 THEN NULL ELSE intent_floor END,
                         source_next = ifnull(?4, source_next), source_messages = ifnull(?5, source_messages),
                         destination_next = ifnull(?6, destination_next),
                         destination_messages = ifnull(?7, destination_messages),
                         destination_top = CASE WHEN ?6 IS NULL THEN destination_top ELSE 0 END
                     WHERE id = ?1 AND dropped = 0",
                )?
                .execute((
                    folder,
                    end.marker.map(Json),
                    end.close_intent,
                    source.0,
                    source.1,
                    destination.0,
                    destination.1,
                ))?;
            if changed == 0 { Err(missing("folder", folder)) } else { Ok(()) }
        })
        .await
    }
}

/// The rows of the same item with the same destination folder, this one included.
pub(super) fn sharing_destination(connection: &Connection, folder: FolderId) -> Result<Vec<FolderId>> {
    let mut statement = connection.prepare_cached(
        "SELECT other.id FROM folder AS own JOIN folder AS other ON other.item = own.item AND other.dropped = 0
             AND (other.destination = own.destination
                  OR other.destination_wire = own.destination_wire AND length(own.destination_wire) > 0)
         WHERE own.id = ?1 AND own.dropped = 0",
    )?;
    let ids: Vec<FolderId> = statement.query_map([folder], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    if ids.is_empty() { Err(missing("folder", folder)) } else { Ok(ids) }
}

/// The rows that share this row's destination folder under the same numbering.
pub(super) fn leading_to(connection: &Connection, folder: FolderId) -> Result<Vec<FolderId>> {
    let own = one(connection, folder)?.ok_or_else(|| missing("folder", folder))?.destination_validity;
    let mut rows = Vec::new();
    for id in sharing_destination(connection, folder)? {
        let validity = one(connection, id)?.and_then(|row| row.destination_validity);
        if validity == own || validity.is_none() || own.is_none() {
            rows.push(id);
        }
    }
    Ok(rows)
}

/// The numbers of [`Store::known_at_destination`], and the first of the rows that share the destination folder.
pub(super) fn numbers_at(connection: &Connection, folder: FolderId) -> Result<(FolderId, Vec<Uid>)> {
    let mut known = Vec::new();
    let mut first = folder;
    for id in leading_to(connection, folder)? {
        first = first.min(id);
        for sql in [
            "SELECT destination FROM watermark WHERE folder = ?1 AND destination_folder = 0 AND destination > 0",
            "SELECT destination FROM watermark WHERE destination_folder = ?1 AND destination_folder <> 0
             AND destination > 0",
        ] {
            let mut statement = connection.prepare_cached(sql)?;
            let mut rows = statement.query([id])?;
            while let Some(row) = rows.next()? {
                known.push(row.get(0)?);
            }
        }
    }
    known.sort_unstable();
    known.dedup();
    Ok((first, known))
}

/// Sets to 0 the destination numbers of the watermarks that point to this row; numbers of strangers go.
fn forget_numbers(transaction: &Transaction<'_>, folder: FolderId) -> Result<()> {
    for sql in [
        "UPDATE watermark SET destination = 0 WHERE folder = ?1 AND destination_folder = 0 AND destination > 0",
        "UPDATE watermark SET destination = 0 WHERE destination_folder = ?1 AND destination_folder <> 0
         AND destination > 0",
        "DELETE FROM stranger WHERE folder = ?1",
        "UPDATE folder SET strangers_next = 0, destination_top = 0 WHERE id = ?1",
    ] {
        transaction.prepare_cached(sql)?.execute([folder])?;
    }
    Ok(())
}

fn update_folders(transaction: &Transaction<'_>, item: ItemId, updates: &[FolderUpdate]) -> Result<Vec<FolderId>> {
    let mut ids: Vec<Option<FolderId>> = vec![None; updates.len()];
    // Known rows first: a rename frees the path that another update of the same call may take.
    for (update, id) in updates.iter().zip(&mut ids) {
        if let Some(known) = update.id {
            let row = one(transaction, known)?.ok_or_else(|| missing("folder", known))?;
            change(transaction, item, &row, update)?;
            *id = Some(known);
        }
    }
    for at in 0..updates.len() {
        if ids[at].is_none() {
            let found = live_at(transaction, item, &updates[at])?.into_iter().find(|row| !ids.contains(&Some(row.id)));
            ids[at] = Some(match found {
                Some(row) => {
                    change(transaction, item, &row, &updates[at])?;
                    row.id
                }
                None => insert(transaction, item, &updates[at], false)?,
            });
        }
    }
    let ids: Vec<FolderId> = ids.into_iter().flatten().collect();
    for update in updates {
        for displaced in live_at(transaction, item, update)?.into_iter().filter(|row| !ids.contains(&row.id)) {
            transaction
                .prepare_cached("UPDATE folder SET retired = 1, marker = NULL WHERE id = ?1")?
                .execute([displaced.id])?;
        }
    }
    Ok(ids)
}

fn live_at(transaction: &Transaction<'_>, item: ItemId, update: &FolderUpdate) -> Result<Vec<FolderRecord>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM folder WHERE item = ?1 AND source = ?2 AND retired = 0 AND dropped = 0 ORDER BY id"
    );
    let mut statement = transaction.prepare_cached(&sql)?;
    Ok(statement.query_map((item, Json(&update.source)), record)?.collect::<rusqlite::Result<_>>()?)
}

pub(super) fn insert(
    transaction: &Transaction<'_>,
    item: ItemId,
    row: &FolderUpdate,
    retired: bool,
) -> Result<FolderId> {
    transaction
        .prepare_cached(
            "INSERT INTO folder (item, source, source_wire, source_validity, mailbox_id, destination, destination_wire,
                 destination_validity, destination_mailbox_id, retired)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?
        .execute((
            item,
            Json(&row.source),
            &row.source_wire.0,
            UidValidity::stored(row.source_validity),
            &row.mailbox_id,
            Json(&row.destination),
            &row.destination_wire.0,
            UidValidity::stored(row.destination_validity),
            &row.destination_mailbox_id,
            retired,
        ))?;
    Ok(FolderId(transaction.last_insert_rowid()))
}

/// A retired twin of a row in which none of these numbers is taken, made if there is none.
fn twin(transaction: &Transaction<'_>, folder: FolderId, messages: &[Uid]) -> Result<FolderId> {
    if let Some(twin) = free_twin(transaction, folder, messages)? {
        return Ok(twin);
    }
    let row = one(transaction, folder)?.ok_or_else(|| missing("folder", folder))?;
    let item =
        transaction.prepare_cached("SELECT item FROM folder WHERE id = ?1")?.query_row([folder], |row| row.get(0))?;
    retired(transaction, item, &row)
}

/// A retired twin of a row, of the same numbering and destination, in which none of these numbers is taken: a number may
/// have meant other messages before that were set aside too, and each of them has its copy.
fn free_twin(transaction: &Transaction<'_>, folder: FolderId, messages: &[Uid]) -> Result<Option<FolderId>> {
    let twins: Vec<FolderId> = transaction
        .prepare_cached(
            "SELECT twin.id FROM folder AS own JOIN folder AS twin ON twin.item = own.item
                 AND twin.source_validity = own.source_validity AND twin.source = own.source
                 AND twin.destination = own.destination AND twin.destination_validity = own.destination_validity
             WHERE own.id = ?1 AND twin.retired = 1 AND twin.dropped = 0 ORDER BY twin.id",
        )?
        .query_map([folder], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let mut taken = transaction.prepare_cached("SELECT 1 FROM watermark WHERE folder = ?1 AND source = ?2")?;
    for twin in twins {
        let mut free = true;
        for message in messages {
            free = free && !taken.exists((twin, *message))?;
        }
        if free {
            return Ok(Some(twin));
        }
    }
    Ok(None)
}

/// A retired twin of a row as it was.
fn retired(transaction: &Transaction<'_>, item: ItemId, old: &FolderRecord) -> Result<FolderId> {
    let twin = FolderUpdate {
        id: None,
        source: old.source.clone(),
        source_wire: old.source_wire.clone(),
        source_validity: old.source_validity,
        mailbox_id: None,
        destination: old.destination.clone(),
        destination_wire: old.destination_wire.clone(),
        destination_validity: old.destination_validity,
        destination_mailbox_id: old.destination_mailbox_id.clone(),
    };
    insert(transaction, item, &twin, true)
}

/// The row goes to another destination folder from now on (a mapping was changed): what is in the old one stays known
/// there, under a retired row that holds the place.
fn leave_behind(transaction: &Transaction<'_>, item: ItemId, old: &FolderRecord) -> Result<()> {
    let pointed_to: bool = transaction
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM watermark WHERE folder = ?1 AND destination_folder = 0)
                 OR EXISTS (SELECT 1 FROM folder JOIN watermark ON watermark.folder = folder.id
                            WHERE folder.item = ?2 AND watermark.destination_folder = ?1)",
        )?
        .query_row((old.id, item), |row| row.get(0))?;
    if !pointed_to {
        return Ok(());
    }
    let place = retired(transaction, item, old)?;
    transaction
        .prepare_cached(
            "UPDATE folder SET (destination_next, destination_messages, destination_top) =
                 (SELECT destination_next, destination_messages, destination_top FROM folder WHERE id = ?2)
             WHERE id = ?1",
        )?
        .execute((place, old.id))?;
    for sql in [
        "UPDATE watermark SET destination_folder = ?2 WHERE folder = ?1 AND destination_folder = 0",
        "UPDATE watermark SET destination_folder = ?2 WHERE destination_folder = ?1
         AND folder IN (SELECT other.id FROM folder AS other JOIN folder AS own ON own.item = other.item WHERE own.id = ?1)",
    ] {
        transaction.prepare_cached(sql)?.execute((old.id, place))?;
    }
    Ok(())
}

fn change(transaction: &Transaction<'_>, item: ItemId, old: &FolderRecord, new: &FolderUpdate) -> Result<()> {
    let differ = |a: Option<UidValidity>, b: Option<UidValidity>| a.zip(b).is_some_and(|(a, b)| a != b);
    let source_renumbered = differ(old.source_validity, new.source_validity);
    let redirected = old.destination != new.destination;
    let destination_renumbered = !redirected && differ(old.destination_validity, new.destination_validity);
    if source_renumbered {
        let retired = retired(transaction, item, old)?;
        transaction.prepare_cached("UPDATE watermark SET folder = ?2 WHERE folder = ?1")?.execute((old.id, retired))?;
    }
    if destination_renumbered {
        forget_numbers(transaction, old.id)?;
    }
    if redirected {
        leave_behind(transaction, item, old)?;
    }
    // A folder made anew has a greater UIDVALIDITY (RFC 9051 §2.3.1.1); one with an earlier was put back.
    let put_back = destination_renumbered && new.destination_validity < old.destination_validity;
    let (next, messages) = to_columns(match (destination_renumbered, put_back) {
        (true, true) => Seen::Restored,
        (true, false) => Seen::Renumbered,
        (false, _) => Seen::Unknown,
    });
    transaction
        .prepare_cached(
            "UPDATE folder SET source = ?2, source_wire = ?3, mailbox_id = ?4, destination = ?5, destination_wire = ?6,
                 source_validity = CASE WHEN ?7 <> 0 THEN ?7 ELSE source_validity END,
                 destination_validity = CASE WHEN ?8 <> 0 OR ?10 THEN ?8 ELSE destination_validity END,
                 marker = CASE WHEN ?9 THEN NULL ELSE marker END,
                 intent_validity = CASE WHEN ?10 THEN NULL ELSE intent_validity END,
                 intent_floor = CASE WHEN ?10 THEN NULL ELSE intent_floor END,
                 source_next = CASE WHEN ?12 THEN 0 ELSE source_next END,
                 source_messages = CASE WHEN ?12 THEN 0 ELSE source_messages END,
                 destination_next = CASE WHEN ?13 THEN ?14 ELSE destination_next END,
                 destination_messages = CASE WHEN ?13 THEN ?15 ELSE destination_messages END,
                 destination_top = CASE WHEN ?13 THEN 0 ELSE destination_top END,
                 strangers_next = CASE WHEN ?13 THEN 0 ELSE strangers_next END,
                 destination_mailbox_id = CASE WHEN ?10 THEN ?11 ELSE ifnull(?11, destination_mailbox_id) END
             WHERE id = ?1",
        )?
        .execute((
            old.id,
            Json(&new.source),
            &new.source_wire.0,
            &new.mailbox_id,
            Json(&new.destination),
            &new.destination_wire.0,
            UidValidity::stored(new.source_validity),
            UidValidity::stored(new.destination_validity),
            source_renumbered || destination_renumbered,
            redirected,
            &new.destination_mailbox_id,
            source_renumbered,
            destination_renumbered || redirected,
            next,
            messages,
        ))?;
    if redirected {
        transaction.prepare_cached("DELETE FROM stranger WHERE folder = ?1")?.execute([old.id])?;
    }
    Ok(())
}
