//! Opening the database file: numbered, append-only migrations, refusals, and the copy made before an upgrade (D2).
//!
//! The file is only ever touched through SQLite: opening it any other way and closing it again would drop SQLite's own
//! locks. Its permissions are set by path.

use std::path::Path;
use std::time::Duration;

use rusqlite::backup::Backup;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::connection::BUSY;
use super::error::{Result, StoreError};
use super::{network, schema};
use crate::domain::time::Timestamp;

/// Marks a file as ours ("Mfry").
const APPLICATION_ID: i64 = 0x4d66_7279;

/// Every schema change, oldest first. Only ever add to the end.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001.sql"),
    include_str!("migrations/0002.sql"),
    include_str!("migrations/0003.sql"),
    include_str!("migrations/0004.sql"),
    include_str!("migrations/0005.sql"),
    include_str!("migrations/0006.sql"),
    include_str!("migrations/0007.sql"),
    include_str!("migrations/0008.sql"),
    include_str!("migrations/0009.sql"),
    include_str!("migrations/0010.sql"),
    include_str!("migrations/0011.sql"),
    include_str!("migrations/0012.sql"),
    include_str!("migrations/0013.sql"),
    include_str!("migrations/0014.sql"),
];

/// Makes the folder, private to its owner; refuses network shares.
pub(super) fn prepare_folder(folder: &Path) -> Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    match network::share_of(folder) {
        Some(kind) => Err(StoreError::NetworkShare(kind)),
        None => Ok(()),
    }
}

/// Opens the writing connection with an up-to-date schema.
pub(super) fn open_writer(path: &Path, now: Timestamp) -> Result<Connection> {
    open_with(path, now, MIGRATIONS)
}

fn open_with(path: &Path, now: Timestamp, migrations: &[&str]) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    schema::distrust(&connection)?;
    refuse_foreign(&connection, migrations)?;
    private_file(path)?;
    connection.pragma_update(None, "page_size", 8192)?;
    let mode: String = connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if !mode.eq_ignore_ascii_case("wal") {
        return Err(StoreError::CannotOpen(format!("journal mode is {mode}, not WAL")));
    }
    let version = user_version(&connection)?;
    if version > 0 && version < known(migrations.len()) {
        copy(&connection, &path.with_extension(format!("before-upgrade-from-{version}-{}.db", now.millis())))?;
    }
    connection.pragma_update(None, "synchronous", "FULL")?;
    // Up to date, nothing is locked: reading must work while another process writes.
    for number in (1..=migrations.len()).filter(|number| version < known(*number)) {
        migrate(&mut connection, number, migrations[number - 1], now)?;
    }
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "foreign_keys", "ON")?;
    // As much as a change of 100,000 rows needs, or its pages are written several times. What it does not need is not taken.
    connection.pragma_update(None, "cache_size", -64_000)?;
    connection.pragma_update(None, "journal_size_limit", 64 * 1024 * 1024)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

fn known(migrations: usize) -> i64 {
    i64::try_from(migrations).unwrap_or(i64::MAX)
}

fn user_version(connection: &Connection) -> Result<i64> {
    Ok(connection.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

/// Refuses, untouched, a newer schema and databases of other programs.
fn refuse_foreign(connection: &Connection, migrations: &[&str]) -> Result<()> {
    // Closing the last connection would fold the journal of the other program into the file.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let application: i64 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    if tables > 0 && application != APPLICATION_ID {
        return Err(StoreError::NotAWorkspace);
    }
    let found = user_version(connection)?;
    if found > known(migrations.len()) {
        return Err(StoreError::NewerSchema { found, known: known(migrations.len()) });
    }
    let applied = usize::try_from(found).ok().and_then(|found| migrations.get(..found));
    schema::refuse_strangers(connection, applied.unwrap_or_default())?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    Ok(())
}

/// Applies one migration, unless it (or another process) was applied already.
fn migrate(connection: &mut Connection, number: usize, sql: &str, now: Timestamp) -> Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if user_version(&transaction)? >= known(number) {
        return Ok(());
    }
    transaction.execute_batch(sql)?;
    if number == 1 {
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.execute("INSERT INTO workspace (id, uuid, created) VALUES (1, ?1, ?2)", (uuid()?, now))?;
    }
    transaction.pragma_update(None, "user_version", known(number))?;
    transaction.commit()?;
    Ok(())
}

/// A random UUID (version 4).
fn uuid() -> Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|e| StoreError::Io(e.to_string()))?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
    Ok(format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]))
}

fn copy(from: &Connection, to: &Path) -> Result<()> {
    let mut target = Connection::open(to)?;
    private_file(to)?;
    Backup::new(from, &mut target)?.run_to_completion(4096, Duration::ZERO, None)?;
    Ok(())
}

fn private_file(path: &Path) -> Result<()> {
    #[cfg(unix)]
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    #[cfg(not(unix))]
    let _ = path; // The user's local data folder is private on the other systems.
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::server::{AdminLogin, Server, Trust};

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn version_of(path: &Path) -> i64 {
        user_version(&Connection::open(path).unwrap()).unwrap()
    }

    #[test]
    fn upgrades_are_applied_once_and_a_copy_is_made_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("workspace.db");
        drop(open_with(&path, at(1), MIGRATIONS).unwrap());
        let next = [MIGRATIONS, &["CREATE TABLE later (id INTEGER NOT NULL) STRICT;"]].concat();
        let uuid = |c: &Connection| c.query_row("SELECT uuid FROM workspace", [], |r| r.get::<_, String>(0)).unwrap();
        let first = open_with(&path, at(2), &next).unwrap();
        let second = open_with(&path, at(3), &next).unwrap();
        assert_eq!(uuid(&first), uuid(&second));
        let copies = || {
            let files = std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().path());
            files.filter(|p| p.to_string_lossy().contains("before-upgrade")).collect::<Vec<_>>()
        };
        assert_eq!(copies().len(), 1, "made at the upgrade, not at the next start");
        let known = known(MIGRATIONS.len());
        assert_eq!((version_of(&copies()[0]), version_of(&path)), (known, known + 1));
    }

    #[test]
    fn version_1_learns_to_remember_settings() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("workspace.db");
        let first = open_with(&path, at(1), &MIGRATIONS[..1]).unwrap();
        first.execute("INSERT INTO credential (since, giver) VALUES (7, 'import')", []).unwrap();
        drop(first);
        let second = open_with(&path, at(2), MIGRATIONS).unwrap();
        second.execute("INSERT INTO setting (name, value) VALUES ('window.size', '1280 800')", []).unwrap();
        assert_eq!(second.query_row("SELECT since FROM credential", [], |row| row.get::<_, i64>(0)).unwrap(), 7);
    }

    #[test]
    fn version_2_keeps_its_watermarks_without_content() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("workspace.db");
        let second = open_with(&path, at(1), &MIGRATIONS[..2]).unwrap();
        let old = "INSERT INTO watermark VALUES (1, 7, 0, 9, zeroblob(16), 0, 0)";
        second.execute(old, []).unwrap();
        drop(second);
        let third = open_with(&path, at(2), MIGRATIONS).unwrap();
        let row = |r: &rusqlite::Row<'_>| Ok((r.get::<_, i64>(0)?, r.get::<_, Option<Vec<u8>>>(1)?));
        assert_eq!(third.query_row("SELECT destination, content FROM watermark", [], row).unwrap(), (9, None));
    }

    #[test]
    fn version_3_keeps_its_servers_which_then_say_their_kind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("workspace.db");
        let third = open_with(&path, at(1), &MIGRATIONS[..3]).unwrap();
        let pinned = format!("{:?}", [7; 32]).replace(' ', "");
        let imap = |trust: &str, admin: &str| {
            format!(r#"{{"host":"a","port":993,"security":"tls","trust":{trust},"admin":{admin}}}"#)
        };
        let files =
            r#"{"maildir":"/mail/{email}","host":"","port":0,"security":"plain","trust":"system","admin":null}"#;
        let before = [
            (imap(r#""system""#, "null"), files.to_owned()),
            (files.to_owned(), imap(&format!(r#"{{"pinned":{pinned}}}"#), r#"{"authorization_id":{"login":"boss"}}"#)),
        ];
        for (number, (source, destination)) in before.into_iter().enumerate() {
            let row = (format!("p{number}"), source, destination);
            let sql =
                "INSERT INTO project (name, name_key, source, destination, options) VALUES (?1, ?1, ?2, ?3, '{}')";
            third.execute(sql, row).unwrap();
        }
        drop(third);
        let fourth = open_with(&path, at(2), MIGRATIONS).unwrap();
        let mut rows = fourth.prepare("SELECT source, destination FROM project ORDER BY id").unwrap();
        let server = |text: String| serde_json::from_str::<Server>(&text).unwrap();
        let row = |row: &rusqlite::Row<'_>| Ok((server(row.get(0)?), server(row.get(1)?)));
        let found: Vec<_> = rows.query_map([], row).unwrap().map(|row| row.unwrap()).collect();
        let (plain, files) = ("imaps://a", "maildir:/mail/{email}");
        let [plain, mut other, files] = [plain, plain, files].map(|url| Server::parse_url(url).unwrap());
        other.set_trust(Trust::Pinned([7; 32])).unwrap();
        other.set_administrator(AdminLogin::parse("boss")).unwrap();
        assert_eq!(found, [(plain, files.clone()), (files, other)]);
    }

    #[test]
    fn version_4_keeps_what_is_held_and_whose_direction_was_confirmed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("workspace.db");
        let fourth = open_with(&path, at(1), &MIGRATIONS[..4]).unwrap();
        fourth
            .execute_batch(
                "INSERT INTO project (id, name, name_key, source, destination, options) VALUES
                     (1, 'a', 'a', '', '', ''), (2, 'b', 'b', '', '', ''), (3, 'c', 'c', '', '', '');
                 INSERT INTO setting VALUES ('direction.1', 'confirmed'), ('window.size', '1 1');
                 INSERT INTO item (id, project, source_email, destination_email) VALUES (1, 2, 'x', 'y'), (2, 3, 'x', 'y');
                 INSERT INTO pass (item, kind, status, submitted, started, failure, copied) VALUES
                     (1, 'full', 'held', 5, NULL, NULL, 9), (2, 'full', 'held', 5, 7, '{}', 0);",
            )
            .unwrap();
        drop(fourth);
        let fifth = open_with(&path, at(2), MIGRATIONS).unwrap();
        let all = |sql: &str| -> Vec<String> {
            let mut rows = fifth.prepare(sql).unwrap();
            rows.query_map([], |row| row.get(0)).unwrap().map(|row| row.unwrap()).collect()
        };
        assert_eq!(all("SELECT id || confirmed || held FROM project ORDER BY id"), ["110", "210", "300"]);
        assert_eq!(all("SELECT name FROM setting"), ["window.size"]);
        assert_eq!(all("SELECT hold || since FROM pass ORDER BY id"), ["interrupted5", "login_refused7"]);
    }

    #[test]
    fn version_4_sums_up_what_earlier_passes_recorded_since_the_reset() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("workspace.db");
        let fourth = open_with(&path, at(1), &MIGRATIONS[..4]).unwrap();
        fourth
            .execute_batch(
                "INSERT INTO project (name, name_key, source, destination, options) VALUES ('p', 'p', '', '', '{}');
                 INSERT INTO item (project, source_email, destination_email, reset_at) VALUES (1, 'a', 'b', 50);
                 INSERT INTO pass (item, kind, status, submitted, copied, bytes) VALUES
                     (1, 'full', 'completed', 10, 7, 700), (1, 'full', 'stopped', 60, 2, 200),
                     (1, 'full', 'completed', 70, 1, 100), (1, 'full', 'completed', 80, 0, 0);",
            )
            .unwrap();
        drop(fourth);
        let fifth = open_with(&path, at(2), MIGRATIONS).unwrap();
        let row = |r: &rusqlite::Row<'_>| Ok((r.get::<_, i64>(0)?, r.get::<_, i64>(1)?));
        let sums = "SELECT earlier_copied, earlier_bytes FROM pass WHERE id = 4";
        assert_eq!(fifth.query_row(sums, [], row).unwrap(), (3, 300));
    }

    #[test]
    fn version_11_knows_how_passes_of_each_kind_ended_since_the_reset() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("workspace.db");
        let eleventh = open_with(&path, at(1), &MIGRATIONS[..11]).unwrap();
        eleventh
            .execute_batch(
                "INSERT INTO project (name, name_key, source, destination, options) VALUES ('p', 'p', '', '', '{}');
                 INSERT INTO item (project, source_email, destination_email, reset_at, latest_pass) VALUES
                     (1, 'a', 'b', 50, 6), (1, 'c', 'd', NULL, 7);
                 INSERT INTO pass (item, kind, status, submitted, errors, accepted) VALUES
                     (1, 'trial', 'completed', 10, 0, 0), (1, 'verify', 'failed', 60, 0, 0),
                     (1, 'full', 'completed', 70, 3, 1), (1, 'pre_stage', 'stopped', 75, 0, 0),
                     (1, 'verify', 'completed', 80, 0, 0), (1, 'full', 'migrating', 90, 0, 0),
                     (2, 'retry_errors', 'completed', 90, 0, 0);",
            )
            .unwrap();
        drop(eleventh);
        let now = open_with(&path, at(2), MIGRATIONS).unwrap();
        let of = |pass: i64| -> String {
            now.query_row("SELECT earlier_results FROM pass WHERE id = ?1", [pass], |row| row.get(0)).unwrap()
        };
        assert_eq!([of(6), of(7)], ["c.sl", "...."]);
    }

    #[test]
    fn version_4_has_consumed_a_license_for_what_completed_and_reserved_one_for_what_waits() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("workspace.db");
        let fourth = open_with(&path, at(1), &MIGRATIONS[..4]).unwrap();
        fourth
            .execute_batch(
                "INSERT INTO project (name, name_key, source, destination, options, deleted) VALUES
                     ('p', 'p', '', '', '{}', 0), ('gone', 'gone', '', '', '{}', 1);
                 INSERT INTO item (project, source_email, destination_email, latest_pass, deleted) VALUES
                     (1, 'twice', 'x', 2, 0), (1, 'waits', 'x', 3, 0), (1, 'verified', 'x', 4, 0), (1, 'failed', 'x', 5, 0),
                     (1, 'deleted', 'x', 6, 1), (2, 'gone', 'x', 7, 0), (1, 'reset', 'x', NULL, 0);
                 INSERT INTO pass (item, kind, status, submitted, ended) VALUES
                     (1, 'pre_stage', 'completed', 10, 15), (1, 'full', 'migrating', 20, NULL), (2, 'full', 'held', 30, NULL),
                     (3, 'verify', 'completed', 40, 45), (4, 'full', 'failed', 50, 55), (5, 'full', 'completed', 60, 65),
                     (6, 'full', 'completed', 70, 75), (7, 'full', 'completed', 5, 6);",
            )
            .unwrap();
        drop(fourth);
        let fifth = open_with(&path, at(2), MIGRATIONS).unwrap();
        let entries = "SELECT at || ' ' || kind || ' ' || source || ' ' || pass FROM license_entry ORDER BY id";
        let mut rows = fifth.prepare(entries).unwrap();
        let rows: Vec<String> = rows.query_map([], |row| row.get(0)).unwrap().map(|row| row.unwrap()).collect();
        let reserved = ["5 reserve reset 8", "10 reserve twice 1", "30 reserve waits 3"];
        assert_eq!(rows, [&reserved[..], &["6 consume reset 8", "15 consume twice 1"]].concat());
    }

    #[test]
    fn a_failing_migration_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("workspace.db");
        drop(open_with(&path, at(1), MIGRATIONS).unwrap());
        let next = [MIGRATIONS, &["CREATE TABLE later (id INTEGER NOT NULL) STRICT; CREATE TABLE later (x);"]].concat();
        assert!(open_with(&path, at(2), &next).is_err());
        let connection = open_with(&path, at(3), MIGRATIONS).unwrap();
        let later: i64 =
            connection.query_row("SELECT count(*) FROM sqlite_schema WHERE name = 'later'", [], |r| r.get(0)).unwrap();
        assert_eq!(later, 0);
    }

    #[test]
    fn version_5_learns_where_owners_are_reached() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("workspace.db");
        let before = open_with(&path, at(1), &MIGRATIONS[..5]).unwrap();
        before
            .execute_batch(
                "INSERT INTO project (id, name, name_key, source, destination, options) VALUES (1, 'p', 'p', '{}', '{}', '{}');
                 INSERT INTO item (project, source_email, destination_email) VALUES (1, 'a@x', 'a@y')",
            )
            .unwrap();
        drop(before);
        let after = open_with(&path, at(2), &MIGRATIONS[..6]).unwrap();
        let kept: (String, Option<String>) = after
            .query_row("SELECT source_email, contact FROM item", [], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap();
        assert_eq!(kept, ("a@x".into(), None));
    }

    #[test]
    fn version_7_keeps_its_hybrid_users_who_have_no_star_then() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("workspace.db");
        let before = open_with(&path, at(1), &MIGRATIONS[..7]).unwrap();
        before
            .execute_batch(
                "INSERT INTO hybrid_project (id, name, name_key, settings, pool) VALUES (1, 'p', 'p', '{}', 1);
                 INSERT INTO hybrid_user (project, address, since) VALUES (1, 'a@x', 5)",
            )
            .unwrap();
        drop(before);
        let after = open_with(&path, at(2), &MIGRATIONS[..8]).unwrap();
        let kept: (String, Option<String>) =
            after.query_row("SELECT address, star FROM hybrid_user", [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        assert_eq!(kept, ("a@x".into(), None));
    }

    #[test]
    fn version_9_keeps_its_projects_whose_client_is_the_one_of_their_mails_then() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("workspace.db");
        let before = open_with(&path, at(1), &MIGRATIONS[..9]).unwrap();
        before
            .execute_batch(
                "INSERT INTO project (id, name, name_key, source, destination, options)
                     VALUES (1, 'p', 'p', '{}', '{}', '{}'), (2, 'q', 'q', '{}', '{}', '{}');
                 INSERT INTO project_mail (project, client) VALUES (2, 'Contoso Ltd')",
            )
            .unwrap();
        drop(before);
        let after = open_with(&path, at(2), &MIGRATIONS[..10]).unwrap();
        let mut asked = after.prepare("SELECT name, client FROM project ORDER BY id").unwrap();
        let kept = asked.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        let kept: Vec<(String, Option<String>)> = kept.collect::<rusqlite::Result<_>>().unwrap();
        assert_eq!(kept, [("p".into(), None), ("q".into(), Some("Contoso Ltd".into()))]);
        let twice: i64 = after.query_row("SELECT count(client) FROM project_mail", [], |row| row.get(0)).unwrap();
        assert_eq!(twice, 0, "it is said in one place");
    }

    #[test]
    fn version_10_keeps_its_projects_none_of_which_is_archived_then() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("workspace.db");
        let before = open_with(&path, at(1), &MIGRATIONS[..10]).unwrap();
        before
            .execute_batch(
                "INSERT INTO project (id, name, name_key, client, source, destination, options)
                 VALUES (1, 'p', 'p', 'Contoso Ltd', '{}', '{}', '{}')",
            )
            .unwrap();
        drop(before);
        let after = open_with(&path, at(2), &MIGRATIONS[..11]).unwrap();
        let kept: (String, bool) =
            after.query_row("SELECT client, archived FROM project", [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        assert_eq!(kept, ("Contoso Ltd".into(), false));
    }

    #[test]
    fn a_newer_schema_is_refused_untouched() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("workspace.db");
        drop(open_with(&path, at(1), MIGRATIONS).unwrap());
        Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
        let before = std::fs::read(&path).unwrap();
        let refused = open_with(&path, at(2), MIGRATIONS).unwrap_err();
        let newest = known(MIGRATIONS.len());
        assert!(matches!(refused, StoreError::NewerSchema { found: 99, known } if known == newest), "{refused}");
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }

    #[test]
    fn other_programs_files_are_refused_untouched() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("workspace.db");
        Connection::open(&path).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
        let before = std::fs::read(&path).unwrap();
        assert!(matches!(open_with(&path, at(1), MIGRATIONS).unwrap_err(), StoreError::NotAWorkspace));
        assert_eq!(std::fs::read(&path).unwrap(), before);
        std::fs::write(&path, "this is a letter, and no database at all".repeat(50)).unwrap();
        assert!(matches!(open_with(&path, at(1), MIGRATIONS).unwrap_err(), StoreError::NotAWorkspace));
    }

    #[cfg(unix)]
    #[test]
    fn folder_and_file_are_private() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        prepare_folder(&data).unwrap();
        let path = data.join("workspace.db");
        let connection = open_with(&path, at(1), MIGRATIONS).unwrap();
        connection.execute("INSERT INTO flag_set (id, names) VALUES (1, 'x')", []).unwrap();
        let mode = |p: &Path| std::fs::metadata(p).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&data), mode(&path)), (0o700, 0o600));
        assert_eq!(mode(&data.join("workspace.db-wal")), 0o600);
    }
}
