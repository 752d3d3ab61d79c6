//! Who the workspace is, and which side of what has a credential: numbers only, the secrets are in the vault (D17).

use rusqlite::{OptionalExtension, Transaction};

use super::Store;
use super::error::{Result, StoreError, missing};
use super::passes::{all_at_rest, status_of};
use crate::domain::action::Action;
use crate::domain::failure::Side;
use crate::domain::ids::{CredentialId, ItemId, ProjectId};
use crate::domain::time::Timestamp;

/// Who a workspace is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkspaceRow {
    /// Random; part of every name in the keyring.
    pub uuid: String,
    /// When it was made.
    pub created: Timestamp,
    /// The word of its vault's kind; none before it was chosen.
    pub vault: Option<String>,
}

/// Replaces the credential of a row; answers the one before, or none where there is no such row.
fn replace(
    transaction: &Transaction<'_>,
    table: &str,
    side: Side,
    (row, new): (i64, CredentialId),
) -> Result<Option<Option<CredentialId>>> {
    let side = side.word();
    let before = transaction
        .prepare_cached(&format!("SELECT {side}_credential FROM {table} WHERE id = ?1 AND deleted = 0"))?
        .query_row([row], |row| row.get(0))
        .optional()?;
    if before.is_some() {
        transaction
            .prepare_cached(&format!("UPDATE {table} SET {side}_credential = ?2 WHERE id = ?1"))?
            .execute((row, new))?;
    }
    Ok(before)
}

impl Store {
    /// Who this workspace is.
    pub async fn workspace(&self) -> Result<WorkspaceRow> {
        self.read(|connection| {
            Ok(connection.query_row("SELECT uuid, created, vault FROM workspace", [], |row| {
                Ok(WorkspaceRow { uuid: row.get(0)?, created: row.get(1)?, vault: row.get(2)? })
            })?)
        })
        .await
    }

    /// Fixes the kind of the vault for good. Choosing the same again changes nothing; another one is
    /// [`StoreError::OtherVault`].
    pub async fn choose_vault(&self, kind: &str) -> Result<()> {
        let kind = kind.to_owned();
        self.write_durably(move |transaction, _| {
            transaction.execute("UPDATE workspace SET vault = ?1 WHERE vault IS NULL", [&kind])?;
            let chosen: String = transaction.query_row("SELECT vault FROM workspace", [], |row| row.get(0))?;
            if chosen == kind { Ok(()) } else { Err(StoreError::OtherVault(chosen)) }
        })
        .await
    }

    /// Numbers for credentials about to be put into the vault, on the disk for good: a number is never given twice.
    pub async fn new_credentials(&self, count: usize, since: Timestamp, giver: &str) -> Result<Vec<CredentialId>> {
        let giver = giver.to_owned();
        self.write_durably(move |transaction, _| {
            let mut statement = transaction.prepare_cached("INSERT INTO credential (since, giver) VALUES (?1, ?2)")?;
            (0..count)
                .map(|_| {
                    statement.execute((since, &giver))?;
                    Ok(CredentialId(transaction.last_insert_rowid()))
                })
                .collect()
        })
        .await
    }

    /// Credentials that were given numbers before a time and that nothing refers to: an import or a deletion that broke off
    /// may have left their secrets in the vault. What is deleted refers to nothing, whether it was purged or not.
    pub async fn unused_credentials(&self, before: Timestamp) -> Result<Vec<CredentialId>> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id FROM credential WHERE since < ?1 AND id NOT IN (
                     SELECT i.source_credential FROM item AS i JOIN project AS p ON p.id = i.project
                         WHERE i.deleted = 0 AND p.deleted = 0 AND i.source_credential IS NOT NULL UNION ALL
                     SELECT i.destination_credential FROM item AS i JOIN project AS p ON p.id = i.project
                         WHERE i.deleted = 0 AND p.deleted = 0 AND i.destination_credential IS NOT NULL UNION ALL
                     SELECT source_credential FROM project WHERE deleted = 0 AND source_credential IS NOT NULL UNION ALL
                     SELECT destination_credential FROM project
                         WHERE deleted = 0 AND destination_credential IS NOT NULL UNION ALL
                     SELECT credential FROM hybrid_project WHERE credential IS NOT NULL UNION ALL
                     SELECT credential FROM workspace_secret)",
            )?;
            Ok(statement.query_map([before], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    /// Forgets credentials whose secrets are gone from the vault.
    pub async fn forget_credentials(&self, ids: Vec<CredentialId>) -> Result<()> {
        self.write(move |transaction, _| {
            let mut forget = transaction.prepare_cached("DELETE FROM credential WHERE id = ?1")?;
            for id in &ids {
                forget.execute([id])?;
            }
            Ok(())
        })
        .await
    }

    /// Since when a credential is there, and from whom.
    pub async fn credential(&self, id: CredentialId) -> Result<Option<(Timestamp, String)>> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached("SELECT since, giver FROM credential WHERE id = ?1")?;
            Ok(statement.query_row([id], |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
        })
        .await
    }

    /// Gives a side of a project's administrator another credential, on the disk for good, because the one that it replaces,
    /// which is answered, is destroyed then.
    pub async fn set_project_credential(
        &self,
        project: ProjectId,
        side: Side,
        new: CredentialId,
    ) -> Result<Option<CredentialId>> {
        self.write_durably(move |transaction, _| {
            replace(transaction, "project", side, (project.0, new))?.ok_or_else(|| missing("project", project))
        })
        .await
    }

    /// The same of an item; refused as an import is, by its status.
    pub async fn set_item_credential(
        &self,
        item: ItemId,
        side: Side,
        new: CredentialId,
    ) -> Result<Option<CredentialId>> {
        self.write_durably(move |transaction, _| {
            if Action::Edit.check(status_of(transaction, item)?, 0).is_err() {
                return Err(StoreError::Active(1));
            }
            replace(transaction, "item", side, (item.0, new))?.ok_or_else(|| missing("item", item))
        })
        .await
    }

    /// Items have no credentials of their own at these sides any more; answers those that they had, on the disk for good.
    ///
    /// # Errors
    /// [`StoreError::Active`]: one of them waits or runs.
    pub async fn clear_credentials(&self, items: Vec<ItemId>, sides: &[Side]) -> Result<Vec<CredentialId>> {
        let sides = sides.to_vec();
        self.write_durably(move |transaction, _| {
            all_at_rest(transaction, &items)?;
            let mut freed = Vec::new();
            for side in sides {
                let side = side.word();
                let mut held =
                    transaction.prepare_cached(&format!("SELECT {side}_credential FROM item WHERE id = ?1"))?;
                let mut clear =
                    transaction.prepare_cached(&format!("UPDATE item SET {side}_credential = NULL WHERE id = ?1"))?;
                for item in &items {
                    freed.extend(held.query_row([item], |row| row.get::<_, Option<CredentialId>>(0))?);
                    clear.execute([item])?;
                }
            }
            Ok(freed)
        })
        .await
    }

    /// The administrator's credentials of a project: source, destination.
    pub async fn project_credentials(
        &self,
        project: ProjectId,
    ) -> Result<(Option<CredentialId>, Option<CredentialId>)> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT source_credential, destination_credential FROM project WHERE id = ?1 AND deleted = 0",
            )?;
            let found = statement.query_row([project], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
            found.ok_or_else(|| missing("project", project))
        })
        .await
    }
}
