//! What owners of mailboxes are asked for (D36). A link dies by a trigger when its item waits no more, and an index allows one
//! living link an item: who asks twice asks once.

use rusqlite::{Connection, OptionalExtension, Row, Transaction};

use super::Store;
use super::codec::{Columns, Word};
use super::error::{Result, missing};
use crate::domain::asking::{CredentialRequest, LinkState, MailKind};
use crate::domain::failure::Side;
use crate::domain::ids::{CredentialId, CredentialRequestId, ItemId, MailId, ProjectId};
use crate::domain::status::Status;
use crate::domain::time::Timestamp;

/// A request to be made, with the mail that carries its link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCredentialRequest {
    /// Of whom.
    pub item: ItemId,
    /// Sides whose credentials are missing.
    pub sides: Vec<Side>,
    /// What its link is made from.
    pub nonce: [u8; 16],
    /// What its link hashes to.
    pub token_hash: [u8; 32],
    /// To whom the mail goes.
    pub recipient: String,
}

/// What came through a link for one side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenCredential {
    /// Which.
    pub side: Side,
    /// The login name, where it is not the address.
    pub login: Option<String>,
    /// The number of its secret, which is in the vault.
    pub credential: CredentialId,
}

/// The columns that [`request`] reads, of a table or alias `r`.
const COLUMNS: &str =
    "r.id, r.item, r.source, r.destination, r.nonce, r.token_hash, r.state, r.created, r.opened, r.attempts, r.unchecked,
     r.ended";

fn request(row: &Row<'_>) -> rusqlite::Result<CredentialRequest> {
    let mut columns = Columns::of(row);
    let (id, item) = (columns.next()?, columns.next()?);
    let asked = [(Side::Source, columns.next::<bool>()?), (Side::Destination, columns.next::<bool>()?)];
    Ok(CredentialRequest {
        id,
        item,
        sides: asked.into_iter().filter_map(|(side, asked)| asked.then_some(side)).collect(),
        nonce: columns.next()?,
        token_hash: columns.next()?,
        state: columns.word()?,
        created: columns.next()?,
        opened: columns.next()?,
        attempts: columns.next()?,
        unchecked: columns.next()?,
        ended: columns.next()?,
    })
}

/// Whether an item waits for its owner.
const WAITS: &str = "EXISTS (SELECT 1 FROM item AS i JOIN pass AS p ON p.id = i.latest_pass
    WHERE i.id = ?1 AND i.deleted = 0 AND p.status = ?2)";

fn ask(transaction: &Transaction<'_>, new: &NewCredentialRequest, at: Timestamp) -> Result<bool> {
    let NewCredentialRequest { item, sides, nonce, token_hash, recipient } = new;
    let sql = format!(
        "INSERT INTO credential_request (item, source, destination, nonce, token_hash, created)
         SELECT ?1, ?3, ?4, ?5, ?6, ?7 WHERE {WAITS}
             AND NOT EXISTS (SELECT 1 FROM credential_request WHERE item = ?1 AND state = 'alive')"
    );
    let (source, destination) = (sides.contains(&Side::Source), sides.contains(&Side::Destination));
    let row = (item, Word(Status::WaitingForUser), source, destination, nonce, token_hash, at);
    let made = transaction.prepare_cached(&sql)?.execute(row)?;
    if made > 0 {
        let id = CredentialRequestId(transaction.last_insert_rowid());
        enqueue(transaction, id, (MailKind::Ask, recipient), at)?;
    }
    Ok(made > 0)
}

fn enqueue(
    transaction: &Transaction<'_>,
    of: CredentialRequestId,
    (kind, recipient): (MailKind, &str),
    at: Timestamp,
) -> Result<()> {
    transaction
        .prepare_cached(
            "INSERT INTO outgoing_mail (request, kind, recipient, created, next_try) VALUES (?1, ?2, ?3, ?4, ?4)",
        )?
        .execute((of, Word(kind), recipient, at))?;
    Ok(())
}

fn alive(connection: &Connection, id: CredentialRequestId) -> Result<Option<CredentialRequest>> {
    let sql = format!("SELECT {COLUMNS} FROM credential_request AS r WHERE r.id = ?1 AND r.state = 'alive'");
    Ok(connection.prepare_cached(&sql)?.query_row([id], request).optional()?)
}

/// What a mail asks for, if its link still lives.
pub(super) fn of_mail(connection: &Connection, mail: MailId) -> Result<Option<CredentialRequest>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM credential_request AS r JOIN outgoing_mail AS m ON m.request = r.id
         WHERE m.id = ?1 AND r.state = 'alive'"
    );
    Ok(connection.prepare_cached(&sql)?.query_row([mail], request).optional()?)
}

impl Store {
    /// Items that wait for their owners and have no living link, oldest first, at most so many.
    pub async fn unasked(&self, limit: u32) -> Result<Vec<(ProjectId, ItemId)>> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT i.project, i.id FROM pass AS p JOIN item AS i ON i.id = p.item AND i.latest_pass = p.id
                 WHERE p.status = ?1 AND i.deleted = 0
                     AND NOT EXISTS (SELECT 1 FROM credential_request WHERE item = i.id AND state = 'alive')
                 ORDER BY p.id LIMIT ?2",
            )?;
            let rows =
                statement.query_map((Word(Status::WaitingForUser), limit), |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    /// Makes requests, each with its mail, for those of these items that wait for their owners and have no living link; answers
    /// whose were made.
    pub async fn ask(&self, requests: Vec<NewCredentialRequest>, at: Timestamp) -> Result<Vec<ItemId>> {
        self.write_durably(move |transaction, _| {
            let mut asked = Vec::new();
            for new in &requests {
                if ask(transaction, new, at)? {
                    asked.push(new.item);
                }
            }
            Ok(asked)
        })
        .await
    }

    /// Has the owner of an item asked once more, with the same link; whether there is one. A mail that waits is enough.
    pub async fn remind(&self, item: ItemId, recipient: String, at: Timestamp) -> Result<bool> {
        self.write_durably(move |transaction, _| {
            let living: Option<(CredentialRequestId, bool)> = transaction
                .prepare_cached(
                    "SELECT r.id, EXISTS (SELECT 1 FROM outgoing_mail WHERE request = r.id AND state IN ('queued', 'sending'))
                     FROM credential_request AS r WHERE r.item = ?1 AND r.state = 'alive'",
                )?
                .query_row([item], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            if let Some((id, false)) = living {
                enqueue(transaction, id, (MailKind::Remind, &recipient), at)?;
            }
            Ok(living.is_some())
        })
        .await
    }

    /// The living request whose link hashes to this.
    pub async fn living_request(&self, token_hash: [u8; 32]) -> Result<Option<CredentialRequest>> {
        self.read(move |connection| {
            let sql = format!(
                "SELECT {COLUMNS} FROM credential_request AS r JOIN item AS i ON i.id = r.item
                     JOIN pass AS p ON p.id = i.latest_pass
                 WHERE r.token_hash = ?1 AND r.state = 'alive' AND i.deleted = 0 AND p.status = ?2"
            );
            let asked = (token_hash, Word(Status::WaitingForUser));
            Ok(connection.prepare_cached(&sql)?.query_row(asked, request).optional()?)
        })
        .await
    }

    /// The request whose link hashes to this, also one that lives no more.
    pub async fn request_of_token(&self, token_hash: [u8; 32]) -> Result<Option<CredentialRequest>> {
        self.read(move |connection| {
            let sql = format!("SELECT {COLUMNS} FROM credential_request AS r WHERE r.token_hash = ?1");
            Ok(connection.prepare_cached(&sql)?.query_row([token_hash], request).optional()?)
        })
        .await
    }

    /// All requests to the owner of an item, newest first.
    pub async fn credential_requests(&self, item: ItemId) -> Result<Vec<CredentialRequest>> {
        self.read(move |connection| {
            let sql = format!("SELECT {COLUMNS} FROM credential_request AS r WHERE r.item = ?1 ORDER BY r.id DESC");
            let mut statement = connection.prepare_cached(&sql)?;
            Ok(statement.query_map([item], request)?.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    /// Keeps when the form of a request was first opened.
    pub async fn request_opened(&self, id: CredentialRequestId, at: Timestamp) -> Result<()> {
        self.write(move |transaction, _| {
            transaction
                .prepare_cached("UPDATE credential_request SET opened = ?2 WHERE id = ?1 AND opened IS NULL")?
                .execute((id, at))?;
            Ok(())
        })
        .await
    }

    /// Counts an entry in the form of a request; whether its link still lives.
    pub async fn request_attempted(&self, id: CredentialRequestId) -> Result<bool> {
        self.write(move |transaction, _| {
            let counted = transaction
                .prepare_cached(
                    "UPDATE credential_request SET attempts = attempts + 1, unchecked = NULL
                     WHERE id = ?1 AND state = 'alive'",
                )?
                .execute([id])?;
            Ok(counted > 0)
        })
        .await
    }

    /// Keeps why the latest entry in the form of a request could not be checked.
    pub async fn request_unchecked(&self, id: CredentialRequestId, why: String) -> Result<()> {
        self.write(move |transaction, _| {
            transaction
                .prepare_cached("UPDATE credential_request SET unchecked = ?2 WHERE id = ?1")?
                .execute((id, why))?;
            Ok(())
        })
        .await
    }

    /// What came through a living link is its item's from now on, and the link is used up. Answers the credentials that were
    /// replaced; none if the link lives no more, and nothing was changed.
    pub async fn use_request(
        &self,
        id: CredentialRequestId,
        given: Vec<GivenCredential>,
        at: Timestamp,
    ) -> Result<Option<Vec<CredentialId>>> {
        self.write_durably(move |transaction, _| {
            let Some(request) = alive(transaction, id)? else { return Ok(None) };
            let mut replaced = Vec::new();
            for GivenCredential { side, login, credential } in given {
                let side = side.word();
                let before: Option<Option<CredentialId>> = transaction
                    .prepare_cached(&format!("SELECT {side}_credential FROM item WHERE id = ?1 AND deleted = 0"))?
                    .query_row([request.item], |row| row.get(0))
                    .optional()?;
                replaced.extend(before.ok_or_else(|| missing("item", request.item))?);
                let sql = format!(
                    "UPDATE item SET {side}_credential = ?2, {side}_login = ifnull(?3, {side}_login) WHERE id = ?1"
                );
                transaction.prepare_cached(&sql)?.execute((request.item, credential, login))?;
            }
            transaction
                .prepare_cached("UPDATE credential_request SET state = ?2, ended = ?3 WHERE id = ?1")?
                .execute((id, Word(LinkState::Used), at))?;
            Ok(Some(replaced))
        })
        .await
    }

    /// The credential that a workspace secret of this name has.
    pub async fn workspace_secret(&self, name: &'static str) -> Result<Option<CredentialId>> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached("SELECT credential FROM workspace_secret WHERE name = ?1")?;
            Ok(statement.query_row([name], |row| row.get(0)).optional()?)
        })
        .await
    }

    /// Gives a workspace secret a credential; answers the one that it replaces.
    pub async fn set_workspace_secret(
        &self,
        name: &'static str,
        credential: CredentialId,
    ) -> Result<Option<CredentialId>> {
        self.write_durably(move |transaction, _| {
            let before = transaction
                .prepare_cached("SELECT credential FROM workspace_secret WHERE name = ?1")?
                .query_row([name], |row| row.get(0))
                .optional()?;
            transaction
                .prepare_cached(
                    "INSERT INTO workspace_secret (name, credential) VALUES (?1, ?2)
                     ON CONFLICT (name) DO UPDATE SET credential = excluded.credential",
                )?
                .execute((name, credential))?;
            Ok(before)
        })
        .await
    }

    /// Gives a workspace secret a credential unless it has one; answers the one that counts.
    pub async fn first_workspace_secret(&self, name: &'static str, credential: CredentialId) -> Result<CredentialId> {
        self.write_durably(move |transaction, _| {
            transaction
                .prepare_cached(
                    "INSERT INTO workspace_secret (name, credential) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                )?
                .execute((name, credential))?;
            let mut counts = transaction.prepare_cached("SELECT credential FROM workspace_secret WHERE name = ?1")?;
            Ok(counts.query_row([name], |row| row.get(0))?)
        })
        .await
    }
}
