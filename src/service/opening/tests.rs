//! Opening a workspace in which something is amiss.

use std::path::Path;

use super::*;
use crate::domain::clock::Clock;
use crate::domain::pass::PassKind;
use crate::domain::pass_plan::PassPlan;
use crate::domain::project::Options;
use crate::domain::secret::Secret;
use crate::domain::server::Server;
use crate::domain::status::{Status, Wait};
use crate::domain::time::Timestamp;
use crate::platform::clock::SystemClock;
use crate::platform::lock::{Owner, owner};
use crate::store::{NewItem, StatusChange, Store, Submission};
use crate::vault::FileVault;

fn options(folder: &Path, vault: Option<VaultKind>, passphrase: Option<&str>) -> Arc<OpenOptions> {
    let passphrase = passphrase.map(Secret::new);
    Arc::new(OpenOptions { vault, passphrase, ..OpenOptions::new(folder.to_owned()) })
}

/// What a process left that crashed a moment ago: its name, and a pass under way.
async fn crashed(folder: &Path) -> Owner {
    let now = SystemClock.now();
    let store = Store::open(folder, now).unwrap();
    let server = || Server::parse_url("maildir:/nowhere/{email}").unwrap();
    let project = store.create_project("p".into(), [server(), server()], Options::default(), [None; 2]).await.unwrap();
    let new = NewItem { source_email: "a@a".into(), destination_email: "a@b".into(), ..NewItem::default() };
    let item = store.import_items(project, vec![new]).await.unwrap()[0].id;
    let order = Submission { kind: PassKind::Full, wait: Wait::None, schedule: None, at: now };
    let pass = store.submit(vec![(item, PassPlan::FULL)], order).await.unwrap().passes[0].1;
    store.set_status(StatusChange::new(pass, Status::Submitted, Status::Migrating), now).await.unwrap();
    let dead = Owner { pid: 1, host: "h".into(), user: "u".into(), since: now, seen: Some(now) };
    std::fs::write(folder.join("owner.json"), serde_json::to_vec(&dead).unwrap()).unwrap();
    dead
}

async fn refused(options: &Arc<OpenOptions>) -> String {
    open(options).await.err().expect("it was opened").to_string()
}

#[tokio::test]
async fn r60_try_again_after_a_failed_opening_still_resumes_what_a_crash_left() {
    let folder = tempfile::tempdir().unwrap();
    let dead = crashed(folder.path()).await;
    let options = options(folder.path(), None, None);
    // It cannot be emptied: it is no folder.
    std::fs::write(folder.path().join("spool"), "in the way").unwrap();
    assert!(refused(&options).await.contains("spool"));
    assert_eq!(owner(folder.path()), Some(dead), "the mark of the crash");
    std::fs::remove_file(folder.path().join("spool")).unwrap();
    let Ok(Opened { engine, resume, info, .. }) = open(&options).await else { panic!("it opens") };
    assert_eq!((info.held, resume.len()), (0, 1));
    engine.close().await;
    assert_eq!(owner(folder.path()), None, "taken care of");
}

#[tokio::test]
async fn another_vault_than_the_chosen_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    Store::open(folder.path(), Timestamp::from_millis(1)).unwrap().choose_vault("file").await.unwrap();
    let why = refused(&options(folder.path(), Some(VaultKind::Keyring), None)).await;
    assert!(why.contains("in the file vault") && why.contains("--data"), "{why}");
    assert!(open(&options(folder.path(), Some(VaultKind::File), None)).await.is_ok());
}

#[tokio::test]
async fn a_kind_that_was_asked_for_is_proposed_until_one_is_chosen() {
    let folder = tempfile::tempdir().unwrap();
    let Ok(Opened { info, .. }) = open(&options(folder.path(), Some(VaultKind::File), None)).await else {
        panic!("it opens")
    };
    assert_eq!((info.vault, info.proposed, info.unlocked), (None, Some(VaultKind::File), false));
    assert!(!folder.path().join(FileVault::FILE).exists(), "nobody gave a passphrase");
    let Ok(Opened { info, .. }) = open(&options(folder.path(), Some(VaultKind::File), Some(""))).await else {
        panic!("it opens")
    };
    assert!(info.vault_error.is_some_and(|why| why.to_string().contains("passphrase")) && info.proposed.is_some());
}

#[tokio::test]
async fn a_vault_whose_file_is_gone_is_said_at_once_and_not_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let phrase = Some("open sesame");
    assert!(open(&options(folder.path(), Some(VaultKind::File), phrase)).await.is_ok());
    std::fs::remove_file(folder.path().join(FileVault::FILE)).unwrap();
    for phrase in [None, phrase] {
        let Ok(Opened { info, .. }) = open(&options(folder.path(), None, phrase)).await else { panic!("it opens") };
        let why = info.vault_error.unwrap().to_string();
        assert!(why.contains("vault.bin is gone") && why.contains("backup") && !info.unlocked, "{why}");
        assert!(!folder.path().join(FileVault::FILE).exists());
    }
}

#[tokio::test]
async fn what_a_broken_off_deletion_left_is_purged_beside_the_opening() {
    let folder = tempfile::tempdir().unwrap();
    crashed(folder.path()).await;
    let database = rusqlite::Connection::open(folder.path().join("workspace.db")).unwrap();
    database.execute_batch("UPDATE project SET deleted = 1; UPDATE pass SET status = 'stopped'").unwrap();
    let Ok(Opened { engine, info, .. }) = open(&options(folder.path(), None, None)).await else { panic!("it opens") };
    assert!(info.projects.is_empty());
    let rows = "SELECT (SELECT count(*) FROM project) + (SELECT count(*) FROM item) + (SELECT count(*) FROM pass)";
    let gone = async {
        while database.query_row(rows, [], |row| row.get::<_, i64>(0)).unwrap() > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), gone).await.expect("purged");
    engine.close().await;
}
