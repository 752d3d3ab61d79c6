//! Commands from processes that do not run the engine to the one that does (D1). Payloads are JSON and hold no secrets.

use rusqlite::OptionalExtension;

use super::Store;
use super::error::{Result, StoreError};
use crate::domain::time::Timestamp;

/// A command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandId(pub i64);

impl Store {
    /// Puts a command before the engine's owner.
    pub async fn push_command(&self, payload: String, at: Timestamp) -> Result<CommandId> {
        self.inner
            .writer
            .run(move |writer| {
                writer.seen_version = None;
                writer.transact(false, |transaction, _| {
                    transaction
                        .prepare_cached("INSERT INTO command (at, payload) VALUES (?1, ?2)")?
                        .execute((at, payload))?;
                    Ok(CommandId(transaction.last_insert_rowid()))
                })
            })
            .await
    }

    /// Takes the commands that nobody has taken yet, oldest first. Cheap while no other process writes: may be called
    /// several times a second.
    pub async fn take_commands(&self, at: Timestamp) -> Result<Vec<(CommandId, String)>> {
        self.inner
            .writer
            .run(move |writer| {
                let version: i64 = writer.connection.pragma_query_value(None, "data_version", |row| row.get(0))?;
                if writer.seen_version == Some(version) {
                    return Ok(Vec::new());
                }
                let waiting: bool = writer
                    .connection
                    .prepare_cached("SELECT EXISTS (SELECT 1 FROM command WHERE taken IS NULL)")?
                    .query_row([], |row| row.get(0))?;
                let mut commands = Vec::new();
                if waiting {
                    commands = writer.transact(false, |transaction, _| {
                        let mut statement = transaction.prepare_cached(
                            "UPDATE command SET taken = ?1 WHERE taken IS NULL RETURNING id, payload",
                        )?;
                        let rows = statement.query_map([at], |row| Ok((CommandId(row.get(0)?), row.get(1)?)))?;
                        Ok(rows.collect::<rusqlite::Result<Vec<(CommandId, String)>>>()?)
                    })?;
                    commands.sort_unstable_by_key(|(id, _)| *id);
                }
                writer.seen_version = Some(version);
                Ok(commands)
            })
            .await
    }

    /// Writes a command's outcome.
    pub async fn answer_command(&self, id: CommandId, outcome: String) -> Result<()> {
        self.write(move |transaction, _| {
            transaction.prepare_cached("UPDATE command SET outcome = ?2 WHERE id = ?1")?.execute((id.0, outcome))?;
            Ok(())
        })
        .await
    }

    /// A command's outcome, once it is there.
    pub async fn command_outcome(&self, id: CommandId) -> Result<Option<String>> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached("SELECT outcome FROM command WHERE id = ?1")?;
            let found: Option<Option<String>> = statement.query_row([id.0], |row| row.get(0)).optional()?;
            found.ok_or_else(|| StoreError::Missing(format!("command {}", id.0)))
        })
        .await
    }

    /// Takes back a command that nobody has taken (its owner is gone); tells whether it could be.
    pub async fn withdraw_command(&self, id: CommandId) -> Result<bool> {
        self.write(move |transaction, _| {
            Ok(transaction.execute("DELETE FROM command WHERE id = ?1 AND taken IS NULL", [id.0])? > 0)
        })
        .await
    }

    /// Removes commands older than this.
    pub async fn purge_commands(&self, before: Timestamp) -> Result<()> {
        self.write(move |transaction, _| {
            transaction.execute("DELETE FROM command WHERE at < ?1", [before])?;
            Ok(())
        })
        .await
    }
}
