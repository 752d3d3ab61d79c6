//! What a window remembers: names and texts without a meaning here (D25).

use std::collections::BTreeMap;

use super::Store;
use super::error::Result;

impl Store {
    /// Everything that is remembered.
    pub async fn settings(&self) -> Result<BTreeMap<String, String>> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached("SELECT name, value FROM setting")?;
            Ok(statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    /// Remembers a text under a name, in place of an earlier one.
    pub async fn set_setting(&self, name: String, value: String) -> Result<()> {
        self.set_settings(vec![(name, value)]).await
    }

    /// The same of several, all or none.
    pub async fn set_settings(&self, pairs: Vec<(String, String)>) -> Result<()> {
        self.write(move |transaction, _| {
            let mut statement = transaction.prepare_cached(
                "INSERT INTO setting (name, value) VALUES (?1, ?2)
                 ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            )?;
            for pair in pairs {
                statement.execute(pair)?;
            }
            Ok(())
        })
        .await
    }
}
