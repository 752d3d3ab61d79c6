//! k2, k7: whoever touches the files of a workspace.

use std::os::unix::fs::symlink;

use crate::support::product::{PROJECT, Workspace};

const SERVERS: [&str; 4] = ["--source", "imaps://old.example", "--destination", "imaps://new.example"];

fn new_project(workspace: &Workspace) {
    workspace.run(&[&["project", "new", PROJECT][..], &SERVERS].concat()).expect(0);
}

#[test]
fn k2_a_pipe_or_a_link_in_the_place_of_a_file_is_refused_and_not_waited_for() {
    let workspace = Workspace::new();
    new_project(&workspace);
    let own = workspace.path().join("owner.json");
    assert!(std::process::Command::new("mkfifo").arg(&own).status().expect("mkfifo").success());
    let refused = workspace.run(&["project", "list"]).expect(3);
    assert!(refused.stderr.contains("owner.json is no plain file"), "{}", refused.stderr);
    std::fs::remove_file(&own).expect("removed");
    let (vault, target) = (workspace.path().join("vault.bin"), tempfile::NamedTempFile::new().expect("a file"));
    symlink(target.path(), &vault).expect("a link");
    let refused = workspace.run(&["project", "list"]).expect(3);
    assert!(refused.stderr.contains("vault.bin is no plain file"), "{}", refused.stderr);
    std::fs::remove_file(&vault).expect("removed");
    workspace.run(&["project", "list"]).expect(0);
}

#[test]
fn k7_a_database_with_a_trigger_of_a_stranger_is_refused() {
    let workspace = Workspace::new();
    new_project(&workspace);
    let database = rusqlite::Connection::open(workspace.path().join("workspace.db")).expect("a database");
    for (strange, name) in [
        ("CREATE TRIGGER sends AFTER INSERT ON item BEGIN UPDATE project SET options = '{}'; END", "sends"),
        ("CREATE VIEW looks AS SELECT * FROM project", "looks"),
    ] {
        database.execute_batch(strange).expect("made");
        let refused = workspace.run(&["project", "list"]).expect(3);
        assert!(
            refused.stderr.contains("changed by somebody else") && refused.stderr.contains(name),
            "{}",
            refused.stderr
        );
        let kind = if strange.contains("TRIGGER") { "TRIGGER" } else { "VIEW" };
        database.execute_batch(&format!("DROP {kind} {name}")).expect("dropped");
        workspace.run(&["project", "list"]).expect(0);
    }
    let guard = "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = 'license_entry' LIMIT 1";
    let guard: String = database.query_row(guard, [], |row| row.get(0)).expect("a trigger that keeps the ledger");
    database.execute_batch(&format!("DROP TRIGGER {guard}")).expect("dropped");
    let refused = workspace.run(&["project", "list"]).expect(3);
    assert!(refused.stderr.contains(&format!("\"{guard}\" is not there")), "{}", refused.stderr);
}

#[test]
fn k7_a_passphrase_is_changed_by_a_verb() {
    let workspace = Workspace::new();
    new_project(&workspace);
    workspace.import(&[("anna".into(), "anna".into())]);
    let change = |old: &str, new: &str, more: &[&str]| {
        let mut command = workspace.command(&[&["vault", "passphrase"][..], more].concat());
        command.env("MAILFERRY_PASSPHRASE", old).env("MAILFERRY_NEW_PASSPHRASE", new);
        crate::support::product::Output::of(command)
    };
    let short = change("open sesame", "short", &[]).expect(2);
    assert!(short.stderr.contains("at least 8 letters"), "{}", short.stderr);
    let wrong = change("open barley", "close sesame", &[]).expect(2);
    assert!(wrong.stderr.contains("does not open the vault"), "{}", wrong.stderr);
    change("open sesame", "close sesame", &[]).expect(0);
    assert!(change("open sesame", "close sesame", &[]).expect(2).stderr.contains("does not open the vault"));
    change("close sesame", "short", &["--short"]).expect(0);
    change("short", "open sesame", &[]).expect(0);
    // What was in it is in it.
    workspace.run(&["check", PROJECT, "--item", "anna@old.example"]).expect(1);
}
