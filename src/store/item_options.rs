//! What items have instead of their projects' options (D32).

use rusqlite::OptionalExtension;

use super::Store;
use super::codec::Json;
use super::error::{Result, missing};
use crate::domain::ids::{ItemId, ProjectId};
use crate::domain::overrides::Overrides;

impl Store {
    /// What an item has of its own.
    pub async fn item_options(&self, item: ItemId) -> Result<Overrides> {
        self.read(move |connection| {
            let options: Option<Option<Json<Overrides>>> = connection
                .prepare_cached("SELECT options FROM item WHERE id = ?1 AND deleted = 0")?
                .query_row([item], |row| row.get(0))
                .optional()?;
            let options = options.ok_or_else(|| missing("item", item))?;
            Ok(options.map(|json| json.0).unwrap_or_default())
        })
        .await
    }

    /// The items of a project that have some of their own.
    pub async fn own_options(&self, project: ProjectId) -> Result<Vec<(ItemId, Overrides)>> {
        self.read(move |connection| {
            let sql =
                "SELECT id, options FROM item WHERE project = ?1 AND deleted = 0 AND options IS NOT NULL ORDER BY id";
            let mut statement = connection.prepare_cached(sql)?;
            let own = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get::<_, Json<Overrides>>(1)?.0));
            Ok(statement.query_map([project], own)?.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    /// Gives an item options of its own.
    pub async fn set_item_options(&self, item: ItemId, options: Overrides) -> Result<()> {
        self.write(move |transaction, _| {
            let options = (!options.is_empty()).then_some(Json(options));
            let changed = transaction
                .prepare_cached("UPDATE item SET options = ?2 WHERE id = ?1 AND deleted = 0")?
                .execute((item, options))?;
            if changed == 0 { Err(missing("item", item)) } else { Ok(()) }
        })
        .await
    }
}
