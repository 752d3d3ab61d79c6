//! Ends of passes that are told by mail: a trigger writes them down with the end itself, so that none is forgotten.

use rusqlite::Row;

use super::Store;
use super::codec::{Columns, Json, Word};
use super::error::Result;
use crate::domain::asking::{EndNotice, MailState, SendAttempt};
use crate::domain::ids::{EndNoticeId, ItemId, ProjectId};
use crate::domain::time::Timestamp;

/// How many ends one mail tells at most.
const AT_ONCE: u32 = 200;

/// Ends that one mail tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndNotices {
    /// Of which project.
    pub project: ProjectId,
    /// To whom.
    pub recipient: String,
    /// Whether they ended well.
    pub well: bool,
    /// The tries so far, this one included.
    pub tries: u32,
    /// Which, oldest first.
    pub ends: Vec<EndNotice>,
}

const COLUMNS: &str = "n.id, n.pass, p.item, n.well, n.recipient, n.state, n.answer";

fn notice(row: &Row<'_>) -> rusqlite::Result<EndNotice> {
    let mut columns = Columns::of(row);
    Ok(EndNotice {
        id: columns.next()?,
        pass: columns.next()?,
        item: columns.next()?,
        well: columns.next()?,
        recipient: columns.next()?,
        state: columns.word()?,
        answer: columns.next()?,
    })
}

impl Store {
    /// Takes the ends that are to be told next to one recipient, if some are due; they are being told from now on, on the disk
    /// for good.
    pub async fn take_end_notices(&self, now: Timestamp) -> Result<Option<EndNotices>> {
        self.write_durably(move |transaction, _| {
            let mut first = transaction.prepare_cached(
                "SELECT project, recipient, well FROM end_notice WHERE state = 'queued' AND next_try <= ?1
                 ORDER BY next_try, id LIMIT 1",
            )?;
            let found =
                first.query_map([now], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?.next().transpose()?;
            let Some((project, recipient, well)) = found else { return Ok(None) };
            let (project, recipient, well): (ProjectId, String, bool) = (project, recipient, well);
            let sql = format!(
                "SELECT {COLUMNS} FROM end_notice AS n JOIN pass AS p ON p.id = n.pass
                 WHERE n.state = 'queued' AND n.next_try <= ?1 AND n.project = ?2 AND n.recipient = ?3 AND n.well = ?4
                 ORDER BY n.id LIMIT ?5"
            );
            let mut all = transaction.prepare_cached(&sql)?;
            let ends: Vec<EndNotice> =
                all.query_map((now, project, &recipient, well, AT_ONCE), notice)?.collect::<rusqlite::Result<_>>()?;
            let ids: Vec<EndNoticeId> = ends.iter().map(|end| end.id).collect();
            let tries: u32 = transaction.query_row(
                "SELECT 1 + max(tries) FROM end_notice WHERE id IN (SELECT value FROM json_each(?1))",
                [Json(&ids)],
                |row| row.get(0),
            )?;
            transaction
                .prepare_cached(
                    "UPDATE end_notice SET state = 'sending', tries = ?2 WHERE id IN (SELECT value FROM json_each(?1))",
                )?
                .execute((Json(&ids), tries))?;
            Ok(Some(EndNotices { project, recipient, well, tries, ends }))
        })
        .await
    }

    /// A try to tell these ends is over; what is tried again waits until `next_try`.
    pub async fn end_notices_tried(
        &self,
        ids: Vec<EndNoticeId>,
        attempt: SendAttempt,
        next_try: Timestamp,
    ) -> Result<()> {
        self.write_durably(move |transaction, _| {
            transaction
                .prepare_cached(
                    "UPDATE end_notice SET state = ?2, answer = ?3, next_try = ?4
                     WHERE id IN (SELECT value FROM json_each(?1))",
                )?
                .execute((Json(&ids), Word(attempt.outcome.state()), attempt.answer, next_try))?;
            Ok(())
        })
        .await
    }

    /// What a process was telling when it died may have been told. Only for the process that holds the workspace lock.
    pub async fn recover_end_notices(&self) -> Result<()> {
        self.write_durably(|transaction, _| {
            transaction
                .prepare_cached("UPDATE end_notice SET state = ?1 WHERE state = 'sending'")?
                .execute([Word(MailState::Unsure)])?;
            Ok(())
        })
        .await
    }

    /// What of an item was told, newest first.
    pub async fn end_notices(&self, item: ItemId) -> Result<Vec<EndNotice>> {
        self.read(move |connection| {
            let sql = format!(
                "SELECT {COLUMNS} FROM end_notice AS n JOIN pass AS p ON p.id = n.pass WHERE p.item = ?1
                 ORDER BY n.id DESC"
            );
            let mut statement = connection.prepare_cached(&sql)?;
            Ok(statement.query_map([item], notice)?.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }
}
