//! Whether the database holds the triggers and views that Mailferry made, and no others: what stands in a schema acts by itself,
//! with the rights of whoever opens the file.

use std::collections::BTreeMap;

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use super::error::{Result, StoreError};

/// Names of triggers that a person added, between commas: they are left alone.
const MORE: &str = "MAILFERRY_MORE_TRIGGERS";

/// Nothing in the file may call what is not harmless, write the schema, or change what SQLite keeps for itself.
pub(super) fn distrust(connection: &Connection) -> Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    Ok(())
}

/// Refuses a schema to which these migrations do not lead, as far as it acts by itself.
pub(super) fn refuse_strangers(connection: &Connection, migrations: &[&str]) -> Result<()> {
    let wanted = {
        let model = Connection::open_in_memory()?;
        migrations.iter().try_for_each(|sql| model.execute_batch(sql))?;
        acting(&model)?
    };
    let found = acting(connection)?;
    let more = std::env::var(MORE).unwrap_or_default();
    let accepted = |name: &String| more.split(',').any(|one| one == name);
    let strange = found.iter().find(|(name, sql)| wanted.get(*name) != Some(*sql) && !accepted(name));
    let lacking = wanted.keys().find(|name| !found.contains_key(*name));
    let refused = |what: String| Err(StoreError::StrangeSchema(what));
    match (strange, lacking) {
        (Some((name, _)), _) => refused(format!("{} is not as Mailferry makes it", shown(name))),
        (None, Some(name)) => refused(format!("{} is not there", shown(name))),
        (None, None) => Ok(()),
    }
}

fn shown(name: &str) -> String {
    let name: String = name.chars().filter(|c| c.is_ascii_graphic()).take(60).collect();
    format!("its trigger or view \"{name}\"")
}

/// Triggers and views by their names.
fn acting(connection: &Connection) -> Result<BTreeMap<String, String>> {
    let mut asked = connection
        .prepare("SELECT name, coalesce(sql, '') FROM sqlite_schema WHERE lower(type) IN ('trigger', 'view')")?;
    let rows = asked.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
