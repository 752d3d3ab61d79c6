//! Mails on their way. That one is being sent is on the disk before it is: what a crash left so may have been sent, and waits
//! for a person.

use std::collections::HashMap;

use rusqlite::{OptionalExtension, Row, Transaction};

use super::Store;
use super::codec::{Columns, Word};
use super::error::Result;
use crate::domain::asking::{CredentialRequest, MailState, MailTrouble, OutgoingMail, SendAttempt, SendOutcome};
use crate::domain::ids::{ItemId, MailId};
use crate::domain::time::Timestamp;

/// Under which is remembered that the mail server refuses the login, in its words; empty: it does not.
pub const LOGIN_REFUSED: &str = "mail.login-refused";

/// What a try is called whose process died.
const BROKEN_OFF: &str = "Mailferry ended while it was being sent";

/// The columns that [`mail`] reads, of a table or alias `m`.
const COLUMNS: &str = "m.id, m.request, m.kind, m.recipient, m.state, m.created, m.next_try, m.tries";

fn mail(row: &Row<'_>) -> rusqlite::Result<OutgoingMail> {
    let mut columns = Columns::of(row);
    Ok(OutgoingMail {
        id: columns.next()?,
        request: columns.next()?,
        kind: columns.word()?,
        recipient: columns.next()?,
        state: columns.word()?,
        created: columns.next()?,
        next_try: columns.next()?,
        tries: columns.next()?,
    })
}

fn keep_attempt(transaction: &Transaction<'_>, mail: MailId, attempt: &SendAttempt) -> Result<()> {
    let SendAttempt { at, outcome, answer } = attempt;
    transaction
        .prepare_cached("INSERT INTO mail_attempt (mail, at, outcome, answer) VALUES (?1, ?2, ?3, ?4)")?
        .execute((mail, at, Word(outcome), answer))?;
    Ok(())
}

/// What is wrong with a mail in this state, after so many tries; `stopped`: the mail server refuses the login.
fn trouble(state: MailState, tries: u32, stopped: bool) -> Option<MailTrouble> {
    match state {
        MailState::Queued if stopped => Some(MailTrouble::LoginRefused),
        MailState::Queued if tries > 0 => Some(MailTrouble::Later),
        MailState::Sending if tries > 1 => Some(MailTrouble::Later),
        MailState::Refused => Some(MailTrouble::Refused),
        MailState::Unsure => Some(MailTrouble::Unsure),
        MailState::Queued | MailState::Sending | MailState::Sent | MailState::Dropped => None,
    }
}

impl Store {
    /// Takes the mail that is to be sent next, if one is due; it is being sent from now on, on the disk for good.
    pub async fn take_mail(&self, now: Timestamp) -> Result<Option<OutgoingMail>> {
        self.write_durably(move |transaction, _| {
            let sql = format!(
                "UPDATE outgoing_mail AS m SET state = 'sending', tries = tries + 1 WHERE id = (
                     SELECT id FROM outgoing_mail WHERE state = 'queued' AND next_try <= ?1 ORDER BY next_try, id LIMIT 1)
                 RETURNING {}",
                COLUMNS.replace("m.", "")
            );
            Ok(transaction.prepare_cached(&sql)?.query_row([now], mail).optional()?)
        })
        .await
    }

    /// When the next mail is due, if one waits.
    pub async fn next_mail_due(&self) -> Result<Option<Timestamp>> {
        self.read(|connection| {
            let mut statement =
                connection.prepare_cached("SELECT min(next_try) FROM outgoing_mail WHERE state = 'queued'")?;
            Ok(statement.query_row([], |row| row.get(0))?)
        })
        .await
    }

    /// A try to send a mail has ended; what is tried again waits until `next_try`, unless its link died meanwhile.
    pub async fn mail_tried(&self, id: MailId, attempt: SendAttempt, next_try: Timestamp) -> Result<()> {
        self.write_durably(move |transaction, _| {
            keep_attempt(transaction, id, &attempt)?;
            transaction
                .prepare_cached(
                    "UPDATE outgoing_mail SET next_try = ?3, state = CASE WHEN ?2 = 'queued' AND NOT EXISTS (
                         SELECT 1 FROM credential_request AS r WHERE r.id = request AND r.state = 'alive')
                         THEN 'dropped' ELSE ?2 END
                     WHERE id = ?1",
                )?
                .execute((id, Word(attempt.outcome.state()), next_try))?;
            Ok(())
        })
        .await
    }

    /// What a process was sending when it died may have been sent. Only for the process that holds the workspace lock.
    pub async fn recover_mails(&self, at: Timestamp) -> Result<usize> {
        self.write_durably(move |transaction, _| {
            let left: Vec<MailId> = transaction
                .prepare_cached("SELECT id FROM outgoing_mail WHERE state = 'sending'")?
                .query_map([], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            let attempt = SendAttempt { at, outcome: SendOutcome::Unsure, answer: BROKEN_OFF.into() };
            for id in &left {
                keep_attempt(transaction, *id, &attempt)?;
                transaction
                    .prepare_cached("UPDATE outgoing_mail SET state = ?2 WHERE id = ?1")?
                    .execute((id, Word(MailState::Unsure)))?;
            }
            Ok(left.len())
        })
        .await
    }

    /// Which owners were perhaps not asked, of those who are waited for: that of this item, or all. The newest mail counts.
    pub async fn mail_troubles(&self, item: Option<ItemId>) -> Result<HashMap<ItemId, MailTrouble>> {
        self.read(move |connection| {
            let refused = "SELECT 1 FROM setting WHERE name = ?1 AND value <> ''";
            let stopped = connection.prepare_cached(refused)?.exists([LOGIN_REFUSED])?;
            let sql = format!(
                "SELECT r.item, m.state, m.tries FROM credential_request AS r
                 JOIN outgoing_mail AS m ON m.id = (SELECT max(id) FROM outgoing_mail WHERE request = r.id)
                 WHERE r.state = 'alive' AND {}",
                if item.is_some() { "r.item = ?1" } else { "?1 IS NULL" }
            );
            let mut found = HashMap::new();
            let mut statement = connection.prepare_cached(&sql)?;
            let mut rows = statement.query([item])?;
            while let Some(row) = rows.next()? {
                let trouble = trouble(row.get::<_, Word<MailState>>(1)?.0, row.get(2)?, stopped);
                if let Some(trouble) = trouble {
                    found.insert(row.get(0)?, trouble);
                }
            }
            Ok(found)
        })
        .await
    }

    /// What a mail asks for, if its link still lives.
    pub async fn request_of_mail(&self, id: MailId) -> Result<Option<CredentialRequest>> {
        self.read(move |connection| super::requests::of_mail(connection, id)).await
    }

    /// All mails to the owner of an item, newest first, with the tries of each, oldest first.
    pub async fn mails(&self, item: ItemId) -> Result<Vec<(OutgoingMail, Vec<SendAttempt>)>> {
        self.read(move |connection| {
            let sql = format!(
                "SELECT {COLUMNS} FROM outgoing_mail AS m JOIN credential_request AS r ON r.id = m.request
                 WHERE r.item = ?1 ORDER BY m.id DESC"
            );
            let mails: Vec<OutgoingMail> =
                connection.prepare_cached(&sql)?.query_map([item], mail)?.collect::<rusqlite::Result<_>>()?;
            let mut tries = connection
                .prepare_cached("SELECT at, outcome, answer FROM mail_attempt WHERE mail = ?1 ORDER BY id")?;
            let mut with_tries = Vec::with_capacity(mails.len());
            for mail in mails {
                let tries = tries.query_map([mail.id], |row| {
                    Ok(SendAttempt { at: row.get(0)?, outcome: row.get::<_, Word<_>>(1)?.0, answer: row.get(2)? })
                })?;
                let tries = tries.collect::<rusqlite::Result<_>>()?;
                with_tries.push((mail, tries));
            }
            Ok(with_tries)
        })
        .await
    }
}
