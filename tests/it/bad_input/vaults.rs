//! Passwords whose vault or whose items changed meanwhile: nothing is lost without a word, nothing stays without a name.

use mailferry::domain::pass_plan::PassPlan;
use mailferry::domain::time::Timestamp;
use std::io::{Read, Write};
use std::process::{Command, Stdio};

use mailferry::domain::ids::CredentialId;
use mailferry::domain::pass::PassKind;
use mailferry::domain::secret::Secret;
use mailferry::domain::status::{Status, Wait};
use mailferry::platform::lock::{Owner, owner};
use mailferry::store::{StatusChange, Store, Submission};
use mailferry::vault::{FileVault, Vault, VaultError, VaultState};

use super::{file, path, says};
use crate::support::ends::Ends;
use crate::support::product::{Output, PROJECT, Workspace};

const LIST: &str = "Source Email,Source Password,Destination Email,Destination Password\na@x,one,a@y,two\n";

fn workspace() -> Workspace {
    let workspace = Workspace::new();
    workspace.project_new("imaps://old.example", "imaps://new.example", &[]);
    workspace
}

fn import(workspace: &Workspace, csv: &str) -> Output {
    let csv = file(csv.as_bytes());
    workspace.run(&["item", "import", PROJECT, path(&csv)])
}

/// As if another process had the only item: its pass has this status.
fn put_under_way(workspace: &Workspace, status: Status) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let store = Store::open(workspace.path(), Timestamp::from_millis(1)).expect("the workspace");
        let project = store.project_named(PROJECT).await.expect("read").expect("the project");
        let item = store.items(project.id).await.expect("read").remove(0).item.id;
        let order =
            Submission { kind: PassKind::Full, wait: Wait::None, schedule: None, at: Timestamp::from_millis(1) };
        let pass = store.submit(vec![(item, PassPlan::FULL)], order).await.expect("submitted").passes[0].1;
        store
            .set_status(StatusChange::new(pass, Status::Submitted, status), Timestamp::from_millis(1))
            .await
            .expect("set");
    });
}

fn secret(workspace: &Workspace, id: i64) -> Result<Secret, VaultError> {
    let (path, phrase) = (workspace.path().join(FileVault::FILE), Secret::new("open sesame"));
    let database = rusqlite::Connection::open(workspace.path().join(Store::FILE)).expect("a database");
    let uuid: String = database.query_row("SELECT uuid FROM workspace", [], |row| row.get(0)).expect("its name");
    FileVault::open(&path, VaultState::Chosen, &uuid, &phrase).expect("the vault").get(CredentialId(id))
}

#[test]
fn a_vault_whose_file_is_gone_is_refused_and_not_made_anew() {
    let mut workspace = workspace();
    says(import(&workspace, LIST), 0, &[]);
    let file = workspace.path().join(FileVault::FILE);
    let kept = std::fs::read(&file).expect("the vault");
    std::fs::remove_file(&file).expect("removed");
    for verb in [&["start", PROJECT][..], &["project", "delete", PROJECT]] {
        says(workspace.run(verb), 3, &["vault.bin is gone", "restore it from a backup", "import them again"]);
    }
    says(import(&workspace, LIST), 3, &["vault.bin is gone"]);
    assert!(!file.exists(), "an empty one was made");
    // Nobody is asked for the passphrase of nothing.
    workspace.vault = None;
    says(workspace.run(&["start", PROJECT]), 3, &["vault.bin is gone"]);
    std::fs::write(&file, kept).expect("restored");
    assert_eq!(secret(&workspace, 2).expect("there again").expose(), "two");
}

#[test]
fn an_item_that_a_worker_is_loading_keeps_its_password() {
    let workspace = workspace();
    let first = says(import(&workspace, LIST), 0, &[]);
    assert!(first.stdout.contains("1 item imported, 0 updated, 0 bad rows skipped"), "{first:?}");
    put_under_way(&workspace, Status::Queued);
    let again = says(import(&workspace, LIST), 1, &["left alone: the item is queued", "wait until it is Migrating"]);
    assert!(again.stdout.contains("0 items imported, 0 updated, 1 left alone: Queued"), "{again:?}");
    assert_eq!(secret(&workspace, 1).expect("kept").expose(), "one");
    assert_eq!(secret(&workspace, 3), Err(VaultError::NotInFile(CredentialId(3))), "the new one was taken back");
}

#[test]
fn stop_leaves_the_mark_of_a_crash() {
    let workspace = workspace();
    says(import(&workspace, LIST), 0, &[]);
    put_under_way(&workspace, Status::Migrating);
    let dead = Owner {
        pid: 1,
        host: "h".into(),
        user: "u".into(),
        since: Timestamp::from_millis(1),
        seen: Some(Timestamp::from_millis(1)),
    };
    let mark = workspace.path().join("owner.json");
    std::fs::write(&mark, serde_json::to_vec(&dead).expect("JSON")).expect("written");
    let stopped = says(workspace.run(&["stop", PROJECT]), 0, &[]);
    assert!(stopped.stdout.contains("1 item told to stop"), "{stopped:?}");
    assert_eq!(owner(workspace.path()), Some(dead), "a window resumes what was not stopped");
}

/// `script` is a terminal: there the name of a project is asked for before it is deleted.
#[test]
fn passwords_imported_while_a_deletion_waits_for_its_word_go_with_it() {
    if cfg!(not(target_os = "linux")) {
        return; // Other systems' `script` takes other arguments.
    }
    let workspace = workspace();
    let plain = workspace.command(&["project", "delete", PROJECT]);
    let words = [plain.get_program()].into_iter().chain(plain.get_args());
    let line: Vec<String> = words.map(|word| format!("'{}'", word.to_str().expect("plain"))).collect();
    let mut terminal = Command::new("script");
    terminal.args(["-qec", &line.join(" "), "/dev/null"]).env("MAILFERRY_PASSPHRASE", "open sesame");
    let mut terminal =
        terminal.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("script starts");
    let (mut asked, mut byte) = (Vec::new(), [0]);
    let mut shown = terminal.stdout.take().expect("piped");
    while !asked.ends_with(b"to delete it: ") {
        shown.read_exact(&mut byte).expect("the question");
        asked.push(byte[0]);
    }
    says(import(&workspace, LIST), 0, &[]);
    assert_eq!(secret(&workspace, 1).expect("kept").expose(), "one");
    terminal.stdin.as_mut().expect("piped").write_all(format!("{PROJECT}\n").as_bytes()).expect("typed");
    let mut rest = String::new();
    shown.read_to_string(&mut rest).expect("text");
    assert!(terminal.ends().success() && rest.contains("deleted with 1 item."), "{rest}");
    for id in [1, 2] {
        assert_eq!(secret(&workspace, id), Err(VaultError::NotInFile(CredentialId(id))), "nothing names it any more");
    }
}
