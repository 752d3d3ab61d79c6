//! What comes in, against a real database and a vault in memory.

use std::sync::Mutex;
use std::time::Duration;

use super::*;
use crate::domain::csv_import::Row;
use crate::domain::pass::PassKind;
use crate::domain::pass_plan::PassPlan;
use crate::domain::project::Options;
use crate::domain::status::Wait;
use crate::domain::time::Timestamp;
use crate::platform::clock::FixedClock;
use crate::service::OpenOptions;
use crate::store::{StatusChange, Store, Submission};
use crate::vault::{self, MemoryVault, Progress, Vault};

const NOW: Timestamp = Timestamp::from_millis(1_000_000_000_000);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const INSTANT: Duration = Duration::from_millis(1);

fn rows(passwords: &[Option<&str>]) -> Vec<Row> {
    let secret = |password: &Option<&str>| password.map(Secret::new);
    let rows = passwords.iter().enumerate().map(|(at, password)| Row {
        line: at + 2,
        source_email: format!("user{at}@a.example"),
        source_login: None,
        source_password: secret(password),
        destination_email: format!("user{at}@b.example"),
        destination_login: None,
        destination_password: secret(password),
        contact: None,
    });
    rows.collect()
}

struct Bench {
    workspace: OpenWorkspace,
    clock: Arc<FixedClock>,
    vault: Arc<dyn Vault>,
    project: ProjectId,
    _folder: tempfile::TempDir,
}

fn parts(name: &str, source: &str, destination: &str) -> ProjectParts {
    let server = |url: &str| Server::parse_url(url).unwrap();
    let (source, destination) = (server(source), server(destination));
    ProjectParts { name: name.into(), source, destination, terms: Options::default().into(), secrets: [None, None] }
}

impl Bench {
    async fn new() -> Bench {
        Bench::over(Arc::new(MemoryVault::default())).await
    }

    async fn over(vault: Arc<dyn Vault>) -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(FixedClock::at(NOW));
        let options = OpenOptions { clock: clock.clone(), ..OpenOptions::new(folder.path().to_owned()) };
        let workspace = OpenWorkspace::open(options).unwrap();
        let project = project(&workspace, parts("p", "imaps://imap.example", "imaps://imap.example")).await.unwrap();
        workspace.vault.set(Arc::clone(&vault));
        Bench { workspace, clock, vault, project, _folder: folder }
    }

    fn store(&self) -> &Store {
        &self.workspace.store
    }

    async fn import(&self, now: Timestamp, rows: Vec<Row>, watch: &Watch) -> Result<ImportSummary, ImportError> {
        self.clock.set(now);
        let list = ParsedList { rows, problems: Vec::new(), notes: Vec::new(), encoding: "UTF-8", delimiter: ',' };
        items(&self.workspace, self.project, list, None, watch).await
    }

    async fn passwords(&self) -> Vec<Option<String>> {
        let rows = self.store().items(self.project).await.unwrap();
        let of = |row: &crate::store::ItemRow| row.item.source.credential;
        let known = rows.iter().map(|row| of(row).map(|id| self.vault.get(id).unwrap().expose().to_owned()));
        known.collect()
    }
}

#[tokio::test]
async fn passwords_that_are_replaced_go_and_those_not_given_stay() {
    let bench = Bench::new().await;
    let nobody = Watch::nobody();
    let first = bench.import(NOW, rows(&[Some("one"), Some("two"), None]), &nobody).await.unwrap();
    assert!(first.trouble.is_none());
    assert_eq!((first.created, first.updated), (3, 0));
    let old = bench.store().items(bench.project).await.unwrap()[1].item.source.credential.unwrap();
    let again = bench.import(NOW, rows(&[None, Some("new")]), &nobody).await.unwrap();
    assert_eq!((again.created, again.updated, again.unchanged), (0, 1, 1));
    assert_eq!(bench.passwords().await, [Some("one".into()), Some("new".into()), None]);
    assert_eq!(bench.vault.get(old), Err(VaultError::Missing(old)));
    assert!(bench.store().unused_credentials(Timestamp::MAX).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_cancelled_import_leaves_nothing() {
    let bench = Bench::new().await;
    let watch = Watch::nobody();
    let cancel = watch.cancel.clone();
    let watch = Watch { tell: Arc::new(move |_, _, _| cancel.cancel()), ..watch };
    let cancelled = bench.import(NOW, rows(&[Some("one"), Some("two")]), &watch).await;
    assert!(matches!(cancelled, Err(ImportError::Vault(VaultError::Cancelled))), "{cancelled:?}");
    assert!(bench.store().items(bench.project).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_database_that_refuses_takes_its_passwords_back() {
    let bench = Bench::new().await;
    bench.store().delete_project(bench.project, Timestamp::from_millis(40)).await.unwrap();
    let refused = bench.import(NOW, rows(&[Some("one")]), &Watch::nobody()).await;
    assert!(matches!(refused, Err(ImportError::Store(StoreError::Missing(_)))), "{refused:?}");
    assert_eq!(bench.vault.get(CredentialId(1)), Err(VaultError::Missing(CredentialId(1))));
    assert!(bench.store().unused_credentials(Timestamp::MAX).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_broke_off_a_day_ago_is_removed_by_the_next_import() {
    let bench = Bench::new().await;
    let broken = bench.store().new_credentials(1, NOW, "import").await.unwrap()[0];
    bench.vault.put_many(vec![(broken, Secret::new("left"))], &|_| vault::GO_ON).unwrap();
    bench.import(NOW.plus(DAY), rows(&[Some("one")]), &Watch::nobody()).await.unwrap();
    assert!(bench.vault.get(broken).is_ok(), "somebody may still be about to use it");
    bench.import(NOW.plus(DAY + INSTANT), rows(&[Some("two")]), &Watch::nobody()).await.unwrap();
    assert_eq!(bench.vault.get(broken), Err(VaultError::Missing(broken)));
}

/// A vault whose removals can fail, and that does something at a moment.
struct Moody {
    inner: MemoryVault,
    stuck: bool,
    /// Cancelled as soon as entries are stored.
    stored: CancellationToken,
    /// Cancelled as soon as a batch is removed.
    removed: CancellationToken,
    batches: Mutex<Vec<usize>>,
}

impl Moody {
    fn new(stuck: bool) -> Self {
        let (stored, removed) = (CancellationToken::new(), CancellationToken::new());
        Self { inner: MemoryVault::default(), stuck, stored, removed, batches: Mutex::default() }
    }
}

impl Vault for Moody {
    fn get(&self, id: CredentialId) -> Result<Secret, VaultError> {
        self.inner.get(id)
    }

    fn put_many(&self, entries: Vec<(CredentialId, Secret)>, progress: &Progress<'_>) -> Result<(), VaultError> {
        self.inner.put_many(entries, progress)?;
        self.stored.cancel();
        Ok(())
    }

    fn delete_many(&self, ids: &[CredentialId], progress: &dyn Fn(usize)) -> Result<(), VaultError> {
        self.batches.lock().unwrap().push(ids.len());
        if self.stuck {
            return Err(VaultError::Failed("stuck".into()));
        }
        self.inner.delete_many(ids, progress)?;
        self.removed.cancel();
        Ok(())
    }

    fn batch(&self) -> usize {
        2
    }
}

impl Bench {
    async fn with(vault: &Arc<Moody>) -> Bench {
        Bench::over(Arc::clone(vault) as Arc<dyn Vault>).await
    }

    /// Numbers with secrets that nothing refers to.
    async fn left_behind(&self, count: usize) -> Vec<CredentialId> {
        let ids = self.store().new_credentials(count, NOW, "import").await.unwrap();
        let entries = ids.iter().map(|id| (*id, Secret::new("left"))).collect();
        self.vault.put_many(entries, &|_| vault::GO_ON).unwrap();
        ids
    }
}

#[tokio::test]
async fn items_that_may_not_be_edited_keep_their_passwords_and_the_new_ones_go() {
    let bench = Bench::new().await;
    let nobody = Watch::nobody();
    bench.import(NOW, rows(&[Some("one"), Some("two"), Some("three")]), &nobody).await.unwrap();
    let items = bench.store().items(bench.project).await.unwrap();
    let order = Submission { kind: PassKind::Full, wait: Wait::None, schedule: None, at: NOW };
    for (row, status) in items.iter().zip([Status::Queued, Status::Migrating]) {
        let pass = bench.store().submit(vec![(row.item.id, PassPlan::FULL)], order.clone()).await.unwrap().passes[0].1;
        bench.store().set_status(StatusChange::new(pass, Status::Submitted, status), NOW).await.unwrap();
    }
    let old = items[0].item.source.credential.unwrap();
    let imported = bench.import(NOW, rows(&[Some("1"), Some("2"), Some("3")]), &nobody).await.unwrap();
    assert_eq!((imported.updated, imported.left), (2, BTreeMap::from([(Status::Queued, 1)])));
    assert_eq!(bench.vault.get(old).unwrap().expose(), "one", "the worker that has the item is about to read it");
    assert_eq!(bench.passwords().await, ["one", "2", "3"].map(|password| Some(password.to_owned())));
    assert!(bench.store().unused_credentials(Timestamp::MAX).await.unwrap().is_empty(), "the new ones were taken back");
}

#[tokio::test]
async fn a_failing_clean_up_refuses_nothing() {
    let vault = Arc::new(Moody::new(true));
    let bench = Bench::with(&vault).await;
    let left = bench.left_behind(1).await;
    let imported = bench.import(NOW.plus(DAY + INSTANT), rows(&[Some("one")]), &Watch::nobody()).await.unwrap();
    assert!(imported.trouble.is_none());
    assert_eq!(imported.created, 1);
    assert_eq!(bench.passwords().await, [Some("one".into())]);
    let secrets = [Some(Secret::new("x")), None];
    let new = ProjectParts { secrets, ..parts("q", "imaps://imap.example", "imaps://imap.example") };
    project(&bench.workspace, new).await.unwrap();
    assert_eq!(
        bench.store().unused_credentials(NOW.plus(INSTANT)).await.unwrap(),
        left,
        "not forgotten, to be tried again"
    );
}

#[tokio::test]
async fn a_clean_up_comes_after_the_import_in_pieces_and_can_be_cancelled() {
    let vault = Arc::new(Moody::new(false));
    let bench = Bench::with(&vault).await;
    let left = bench.left_behind(5).await;
    let heard = Arc::new(Mutex::new(Vec::new()));
    let tell = {
        let heard = Arc::clone(&heard);
        Arc::new(move |work, done, of| heard.lock().unwrap().push((work, done, of)))
    };
    let watch = Watch { tell, cancel: vault.removed.clone() };
    let imported = bench.import(NOW.plus(DAY + INSTANT), rows(&[Some("one")]), &watch).await.unwrap();
    assert!(imported.trouble.is_none());
    assert_eq!(imported.created, 1);
    assert_eq!(*heard.lock().unwrap(), [(Work::Storing, 2, 2), (Work::Removing, 2, 5)]);
    assert_eq!(
        bench.store().unused_credentials(NOW.plus(INSTANT)).await.unwrap(),
        left[2..],
        "those that are gone are forgotten"
    );
    let watch = Watch { cancel: CancellationToken::new(), ..watch };
    bench.import(NOW.plus(DAY + INSTANT), rows(&[None]), &watch).await.unwrap();
    assert!(bench.store().unused_credentials(NOW.plus(INSTANT)).await.unwrap().is_empty());
    assert_eq!(*vault.batches.lock().unwrap(), [2, 2, 1]);
}

#[tokio::test]
async fn cancelled_while_replaced_passwords_go_names_how_many_stayed() {
    let vault = Arc::new(Moody::new(false));
    let bench = Bench::with(&vault).await;
    bench.import(NOW, rows(&[Some("one"), Some("two")]), &Watch::nobody()).await.unwrap();
    let watch = Watch { cancel: vault.removed.clone(), ..Watch::nobody() };
    let imported = bench.import(NOW, rows(&[Some("1"), Some("2")]), &watch).await.unwrap();
    assert_eq!(imported.updated, 2);
    assert!(matches!(imported.trouble, Some(ServiceError::NotRemoved(NotRemoved::Cancelled(2)))));
    assert_eq!(bench.store().unused_credentials(Timestamp::MAX).await.unwrap().len(), 2);
}

#[tokio::test]
async fn cancelled_when_the_last_password_is_stored_imports_nothing() {
    let vault = Arc::new(Moody::new(false));
    let bench = Bench::with(&vault).await;
    let watch = Watch { cancel: vault.stored.clone(), ..Watch::nobody() };
    let cancelled = bench.import(NOW, rows(&[Some("one")]), &watch).await;
    assert!(matches!(cancelled, Err(ImportError::Vault(VaultError::Cancelled))), "{cancelled:?}");
    assert!(bench.store().items(bench.project).await.unwrap().is_empty());
    assert!(bench.store().unused_credentials(Timestamp::MAX).await.unwrap().is_empty(), "taken back");
    assert_eq!(vault.get(CredentialId(1)), Err(VaultError::Missing(CredentialId(1))));
}

#[tokio::test]
async fn d30_rows_that_share_a_destination_are_named_with_whom() {
    let bench = Bench::new().await;
    let row = |line: usize, from: &str, to: &str, login: Option<&str>| Row {
        line,
        source_email: format!("{from}@a.example"),
        destination_email: format!("{to}@b.example"),
        destination_login: login.map(Into::into),
        ..rows(&[None]).remove(0)
    };
    let first = vec![row(2, "anna", "anna", Some("a1")), row(3, "bob", "bob", None)];
    let named = async |project, rows: &[Row]| -> Vec<String> {
        let shared = shared_destinations(&bench.workspace, project, rows).await.unwrap();
        shared.iter().map(ToString::to_string).collect()
    };
    assert_eq!(named(bench.project, &first).await, [] as [&str; 0]);
    bench.import(NOW, first.clone(), &Watch::nobody()).await.unwrap();
    assert_eq!(named(bench.project, &first).await, [] as [&str; 0], "the same items once more");

    let mut second = first;
    second.push(row(4, "old", "BOB", None));
    second.push(row(5, "carl", "carl", Some("A1")));
    second.push(row(6, "dora", "dora", None));
    let after = "they run one after the other";
    let expected = [
        format!("line 4: writes into the same mailbox as line 3; {after}"),
        format!("line 5: writes into the same mailbox as line 2; {after}"),
    ];
    assert_eq!(named(bench.project, &second).await, expected, "what the list leaves out of line 2 is known");
    second[0].destination_login = None;
    assert_eq!(named(bench.project, &second).await, expected);

    // Another project with the same destination; the same addresses are another item there.
    let other = project(&bench.workspace, parts("q", "imaps://other.example", "imap://imap.example")).await.unwrap();
    let of = "of project \"p\"";
    let expected = [
        format!("line 2: writes into the same mailbox as the item anna@a.example:anna@b.example {of}; {after}"),
        format!("line 3: writes into the same mailbox as the item bob@a.example:bob@b.example {of}; {after}"),
    ];
    assert_eq!(named(other, &second[..2]).await, expected);
}
