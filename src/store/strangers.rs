//! Messages at a destination that no watermark knows: who they are, read once (D8).

use std::collections::BTreeSet;

use super::Store;
use super::error::{Result, missing};
use crate::domain::identity::Identity;
use crate::domain::ids::{FolderId, Uid};

impl Store {
    /// The strangers of this row's destination folder that have one of these identities, ascending by number.
    pub async fn strangers(&self, folder: FolderId, asked: BTreeSet<Identity>) -> Result<Vec<(Uid, Identity)>> {
        self.read(move |connection| {
            let mut statement = connection
                .prepare_cached("SELECT destination, identity FROM stranger WHERE folder = ?1 ORDER BY destination")?;
            let mut rows = statement.query([folder])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                let identity = Identity(row.get(1)?);
                if asked.contains(&identity) {
                    found.push((row.get(0)?, identity));
                }
            }
            Ok(found)
        })
        .await
    }

    /// How many strangers of this row's destination folder are kept.
    pub async fn strangers_kept(&self, folder: FolderId) -> Result<u64> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached("SELECT count(*) FROM stranger WHERE folder = ?1")?;
            let kept: i64 = statement.query_row([folder], |row| row.get(0))?;
            Ok(kept.cast_unsigned())
        })
        .await
    }

    /// Their numbers.
    pub async fn numbers_of_strangers(&self, folder: FolderId) -> Result<BTreeSet<Uid>> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached("SELECT destination FROM stranger WHERE folder = ?1")?;
            let numbers = statement.query_map([folder], |row| row.get(0))?;
            Ok(numbers.collect::<std::result::Result<_, _>>()?)
        })
        .await
    }

    /// Keeps strangers; every message below `next` is a stranger kept here or has a watermark.
    pub async fn keep_strangers(&self, folder: FolderId, strangers: Vec<(Uid, Identity)>, next: Uid) -> Result<()> {
        self.write(move |transaction, _| {
            let mut statement = transaction.prepare_cached(
                "INSERT OR REPLACE INTO stranger (folder, destination, identity) VALUES (?1, ?2, ?3)",
            )?;
            for (uid, identity) in strangers {
                statement.execute((folder, uid, &identity.0[..]))?;
            }
            let changed = transaction
                .prepare_cached("UPDATE folder SET strangers_next = max(strangers_next, ?2) WHERE id = ?1")?
                .execute((folder, next))?;
            if changed == 0 { Err(missing("folder", folder)) } else { Ok(()) }
        })
        .await
    }

    /// These are strangers no longer: gone, or of a watermark now.
    pub async fn drop_strangers(&self, folder: FolderId, strangers: Vec<Uid>) -> Result<()> {
        self.write(move |transaction, _| {
            let mut statement =
                transaction.prepare_cached("DELETE FROM stranger WHERE folder = ?1 AND destination = ?2")?;
            for uid in strangers {
                statement.execute((folder, uid))?;
            }
            Ok(())
        })
        .await
    }

    /// Nothing is known of strangers at this row's destination folder any more.
    pub async fn forget_strangers(&self, folder: FolderId) -> Result<()> {
        self.write(move |transaction, _| {
            transaction.prepare_cached("DELETE FROM stranger WHERE folder = ?1")?.execute([folder])?;
            transaction.prepare_cached("UPDATE folder SET strangers_next = 0 WHERE id = ?1")?.execute([folder])?;
            Ok(())
        })
        .await
    }
}
