//! Bringing in items from a list by their key (D5): new ones, and what it says otherwise of those that are known.

use rusqlite::{OptionalExtension, Transaction};

use super::Store;
use super::codec::Word;
use super::error::{Result, missing};
use super::passes::drop_records;
use crate::domain::edit::{Change, EditRefusal, ItemEdit, Records};
use crate::domain::failure::Side;
use crate::domain::ids::{CredentialId, ItemId, ProjectId};
use crate::domain::item::{Item, Mailbox};
use crate::domain::status::Status;
use crate::domain::time::Timestamp;

/// An item to import.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewItem {
    /// Address at the source: half of the key.
    pub source_email: String,
    /// Login name at the source; none leaves a known one as it is.
    pub source_login: Option<String>,
    /// Credential at the source, in the vault already; none leaves a known one as it is.
    pub source_credential: Option<CredentialId>,
    /// Address at the destination: the other half.
    pub destination_email: String,
    /// Login name at the destination; none leaves a known one as it is.
    pub destination_login: Option<String>,
    /// Credential at the destination, in the vault already; none leaves a known one as it is.
    pub destination_credential: Option<CredentialId>,
    /// Where its owner is reached; none leaves a known one as it is.
    pub contact: Option<String>,
}

/// What became of an imported item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Imported {
    /// The row.
    pub id: ItemId,
    /// What became of it.
    pub became: Became,
    /// What was known of its mail was dropped: another mailbox stands under its new login.
    pub reset: bool,
}

/// What an import did with an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Became {
    /// It is new.
    Created,
    /// It was known and has new logins or credentials.
    Updated {
        /// Credentials, source and destination, that nothing uses any more: forget them when they are gone from the vault.
        replaced: [Option<CredentialId>; 2],
    },
    /// It was known just so.
    Unchanged,
    /// It may not be edited in this status: its row is as it was, and nothing refers to the credentials it came with.
    LeftAlone(Status),
}

/// The answer to whether mailboxes are still the ones they were, and when it was given.
pub type Answer = Option<(Records, Timestamp)>;

/// Items of a list whose mailboxes may be other ones.
#[derive(Default)]
struct Asks {
    items: usize,
    first: String,
    sides: Vec<Side>,
}

impl Asks {
    fn add(&mut self, item: &Item, sides: Vec<Side>) {
        if self.items == 0 {
            self.first = format!("{}:{}", item.source.email, item.destination.email);
        }
        self.items += 1;
        self.sides.extend(sides);
        self.sides.sort_unstable();
        self.sides.dedup();
    }

    fn end(self) -> Result<()> {
        let Self { items, first, sides } = self;
        if items == 0 { Ok(()) } else { Err(EditRefusal::WhichMailboxes { items, first, at: sides }.into()) }
    }
}

impl Store {
    /// Creates items or updates logins and credentials of those whose key (both addresses, ignoring ASCII case) is known
    /// and which may be edited (`domain::action`). One transaction, on the disk for good when it returns, because what it
    /// replaced is destroyed then; answers in order.
    ///
    /// The statuses are looked at within the transaction: a worker that has written Queued reads its credentials' numbers
    /// afterwards and must still find their secrets. A Migrating item has its secrets in memory, also for new connections,
    /// and after a crash it reads the new numbers, so that its old ones may go.
    ///
    /// A login name that changes where mail was copied asks what the mailbox is (D13); `answer` says it, and when. Unanswered,
    /// nothing at all is imported.
    pub async fn import_list(&self, project: ProjectId, items: Vec<NewItem>, answer: Answer) -> Result<Vec<Imported>> {
        self.write_durably(move |transaction, _| {
            let exists: bool = transaction.query_row(
                "SELECT EXISTS (SELECT 1 FROM project WHERE id = ?1 AND deleted = 0)",
                [project],
                |row| row.get(0),
            )?;
            if !exists {
                return Err(missing("project", project));
            }
            let mut asks = Asks::default();
            let mut imported = Vec::with_capacity(items.len());
            for new in &items {
                imported.push(match known(transaction, project, new)? {
                    Some((item, status)) => update(transaction, new, (&item, status), (answer, &mut asks))?,
                    None => insert(transaction, project, new)?,
                });
            }
            asks.end()?;
            Ok(imported)
        })
        .await
    }

    /// The same with nothing said about mailboxes.
    pub async fn import_items(&self, project: ProjectId, items: Vec<NewItem>) -> Result<Vec<Imported>> {
        self.import_list(project, items, None).await
    }
}

/// The item with the key of a new one, and its status.
fn known(transaction: &Transaction<'_>, project: ProjectId, new: &NewItem) -> Result<Option<(Item, Status)>> {
    let mut find = transaction.prepare_cached(
        "SELECT i.id, i.source_email, i.source_login, i.source_credential,
                i.destination_email, i.destination_login, i.destination_credential, p.status
         FROM item AS i LEFT JOIN pass AS p ON p.id = i.latest_pass
         WHERE i.project = ?1 AND i.source_email = ?2 AND i.destination_email = ?3 AND i.deleted = 0",
    )?;
    let found = find.query_row((project, &new.source_email, &new.destination_email), |row| {
        let source = Mailbox { email: row.get(1)?, login: row.get(2)?, credential: row.get(3)? };
        let destination = Mailbox { email: row.get(4)?, login: row.get(5)?, credential: row.get(6)? };
        let status = row.get::<_, Option<Word<Status>>>(7)?.map_or(Status::NotSubmitted, |word| word.0);
        Ok((Item { id: row.get(0)?, project, source, destination }, status))
    });
    Ok(found.optional()?)
}

/// Writes what a list says otherwise of a known item, if it may be edited.
fn update(
    transaction: &Transaction<'_>,
    new: &NewItem,
    (item, status): (&Item, Status),
    (answer, asks): (Answer, &mut Asks),
) -> Result<Imported> {
    let login = |login: &Option<String>| login.clone().map_or(Change::Leave, Change::Set);
    let mut edit = ItemEdit::<CredentialId> { records: answer.map(|(records, _)| records), ..ItemEdit::of(item.id) };
    (edit.source.login, edit.destination.login) = (login(&new.source_login), login(&new.destination_login));
    let has_records = edit.applied(item) != *item && has_records(transaction, item.id)?;
    let records = match edit.check(item, status, has_records) {
        Ok(records) => records,
        Err(EditRefusal::Status(_)) => {
            return Ok(Imported { id: item.id, became: Became::LeftAlone(status), reset: false });
        }
        Err(EditRefusal::WhichMailbox(sides)) => {
            asks.add(item, sides);
            Records::Keep
        }
        Err(other) => return Err(other.into()),
    };
    let reset = records == Records::Reset;
    if let Some((_, at)) = answer.filter(|_| reset) {
        drop_records(transaction, &[item.id], at)?;
    }
    Ok(Imported { id: item.id, became: write(transaction, new, item)?, reset })
}

fn has_records(transaction: &Transaction<'_>, item: ItemId) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM folder WHERE item = ?1 AND dropped = 0)";
    Ok(transaction.prepare_cached(sql)?.query_row([item], |found| found.get(0))?)
}

fn write(transaction: &Transaction<'_>, new: &NewItem, item: &Item) -> Result<Became> {
    let (source, destination) = (new.source_credential, new.destination_credential);
    let mut update = transaction.prepare_cached(
        "UPDATE item SET source_login = ifnull(?2, source_login), source_credential = ifnull(?3, source_credential),
             destination_login = ifnull(?4, destination_login),
             destination_credential = ifnull(?5, destination_credential), contact = ifnull(?6, contact)
         WHERE id = ?1 AND (ifnull(?2, source_login) IS NOT source_login OR ?3 IS NOT NULL
             OR ifnull(?4, destination_login) IS NOT destination_login OR ?5 IS NOT NULL
             OR ifnull(?6, contact) IS NOT contact)",
    )?;
    let values = (item.id, &new.source_login, source, &new.destination_login, destination, &new.contact);
    let changed = update.execute(values)? > 0;
    let gone = |new: Option<CredentialId>, old: Option<CredentialId>| old.filter(|_| new.is_some() && new != old);
    let replaced = [gone(source, item.source.credential), gone(destination, item.destination.credential)];
    Ok(if changed { Became::Updated { replaced } } else { Became::Unchanged })
}

fn insert(transaction: &Transaction<'_>, project: ProjectId, new: &NewItem) -> Result<Imported> {
    let mut insert = transaction.prepare_cached(
        "INSERT INTO item (project, source_email, source_login, source_credential,
                           destination_email, destination_login, destination_credential, contact)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    insert.execute((
        project,
        &new.source_email,
        &new.source_login,
        new.source_credential,
        &new.destination_email,
        &new.destination_login,
        new.destination_credential,
        &new.contact,
    ))?;
    Ok(Imported { id: ItemId(transaction.last_insert_rowid()), became: Became::Created, reset: false })
}
