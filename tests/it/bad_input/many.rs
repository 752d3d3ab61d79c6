//! R10: 100,000 items submitted at once leave the engine responsive; they only wait longer.

use mailferry::domain::start_order::StartOrder;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use mailferry::domain::clock::Clock;
use mailferry::domain::failure::{Cause, Failure, Retry, Scope};
use mailferry::domain::ids::ItemId;
use mailferry::domain::item::Mailbox;
use mailferry::domain::pass::PassKind;
use mailferry::domain::pass_plan::PassPlan;
use mailferry::domain::project::Options;
use mailferry::domain::secret::Secret;
use mailferry::domain::server::Server;
use mailferry::domain::status::Status;
use mailferry::domain::status::{HoldReason, Wait};
use mailferry::domain::time::Timestamp;
use mailferry::endpoint::auth::Authenticator;
use mailferry::endpoint::budget::Budget;
use mailferry::endpoint::{Destination, DestinationEndpoint, Resources, Result, Source, SourceEndpoint};
use mailferry::engine::command::Command;
use mailferry::engine::endpoints::Endpoints;
use mailferry::engine::{Engine, MESSAGE_MEMORY, Workspace};
use mailferry::platform::clock::SystemClock;
use mailferry::store::{NewItem, Store, Submission};
use mailferry::vault::{GO_ON, MemoryVault, Vault};

use crate::support::product::{PROJECT, Workspace as Product};

const ITEMS: usize = 100_000;
/// Generous: an unoptimised build on a busy machine. On a quiet one the answers take a small part of it.
const ANSWER: Duration = Duration::from_secs(3);

/// Servers that refuse every login at once.
struct Refusing;

fn refused<T>() -> Result<T> {
    Err(Failure::new(Cause::LoginRefused, Scope::Mailbox, Retry::User, "logging in"))
}

#[async_trait]
impl SourceEndpoint for Refusing {
    async fn open_source(&self) -> Result<Box<dyn Source>> {
        refused()
    }
}

#[async_trait]
impl DestinationEndpoint for Refusing {
    async fn open_destination(&self) -> Result<Box<dyn Destination>> {
        refused()
    }
}

impl Endpoints for Refusing {
    fn source(
        &self,
        _: &Server,
        _: &Mailbox,
        _: Arc<dyn Authenticator>,
        _: Resources,
    ) -> Result<Arc<dyn SourceEndpoint>> {
        Ok(Arc::new(Refusing))
    }

    fn destination(
        &self,
        _: &Server,
        _: &Mailbox,
        _: Arc<dyn Authenticator>,
        _: Resources,
    ) -> Result<Arc<dyn DestinationEndpoint>> {
        Ok(Arc::new(Refusing))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r10_a_hundred_thousand_submissions_leave_the_engine_responsive() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(folder.path(), SystemClock.now()).expect("a store");
    let server = Server::parse_url("imaps://imap.example").expect("an address");
    let project = store
        .create_project("many".into(), [server.clone(), server], Options::default(), [None; 2])
        .await
        .expect("made");
    let credential = store.new_credentials(1, Timestamp::from_millis(0), "test").await.expect("a credential")[0];
    let item = |at: usize| NewItem {
        source_email: format!("u{at}@old.example"),
        source_credential: Some(credential),
        destination_email: format!("u{at}@new.example"),
        destination_credential: Some(credential),
        ..NewItem::default()
    };
    let imported = store.import_items(project, (0..ITEMS).map(item).collect()).await.expect("imported");
    let items: Vec<ItemId> = imported.iter().map(|item| item.id).collect();
    let vault = MemoryVault::default();
    vault.put_many(vec![(credential, Secret::new("x"))], &|_| GO_ON).expect("kept");
    let engine = Engine::start(Workspace {
        sign_ins: mailferry::engine::SignIns::default(),
        store: store.clone(),
        vault: Arc::new(vault),
        spool: folder.path().to_owned(),
        numbers: folder.path().to_owned(),
        budget: Budget::new(MESSAGE_MEMORY),
        clock: Arc::new(SystemClock),
        endpoints: Arc::new(Refusing),
        takes: mailferry::engine::Takes::All,
    });

    let began = Instant::now();
    let started = engine
        .command(Command::Start {
            project,
            items: items.clone(),
            lacking: Vec::new(),
            order: StartOrder::now(PassKind::Full),
        })
        .await;
    assert_eq!((started.done.len(), started.error), (ITEMS, None));
    assert!(began.elapsed() < Duration::from_secs(30), "submitting took {:?}", began.elapsed());
    let mut snapshots = engine.snapshots();
    let mut slowest = Duration::ZERO;
    let mut ended = 0;
    // Passes end all the time, and yet: what is asked is answered, and what is shown goes on.
    for at in 1..=10 {
        let asked = Instant::now();
        let last = items[ITEMS - at];
        let stopped = engine.command(Command::Stop { project, items: vec![last] }).await;
        assert_eq!((stopped.done, stopped.left.len()), (vec![], 1), "R5: what is submitted cannot be stopped");
        let resumed = engine.command(Command::Resume { project, items: items.clone() }).await;
        assert!(resumed.done.is_empty(), "what waits is not submitted twice");
        slowest = slowest.max(asked.elapsed());
        tokio::time::timeout(ANSWER, snapshots.changed()).await.expect("news in time").expect("an engine");
        let failed = snapshots.borrow_and_update().rows().filter(|row| row.status == Status::Failed).count();
        assert!(failed >= ended, "passes that had ended came back");
        ended = failed;
    }
    assert!(slowest < ANSWER, "the slowest answer took {slowest:?}");
    assert!(ended > 0, "nothing went on");
    let closing = Instant::now();
    engine.close().await;
    assert!(closing.elapsed() < ANSWER, "closing took {:?}", closing.elapsed());
    let rows = store.items(project).await.expect("read");
    let count = |status| rows.iter().filter(|row| row.status() == status).count();
    // Those under way when it closed were told to stop, or go on at the next start.
    let stopped = count(Status::Stopped);
    assert_eq!(count(Status::Failed) + count(Status::Submitted) + stopped, ITEMS, "an item was lost");
    assert!(stopped <= Options::default().concurrent as usize, "{stopped} were stopped");
    assert!(count(Status::Failed) >= ended);
}

/// Without an engine anywhere: nobody reads what waits into a run state only to write that it waits no more.
#[tokio::test]
async fn a_hundred_thousand_items_that_a_dead_host_holds_are_taken_back_by_one_word() {
    let workspace = Product::new();
    workspace.project_new("maildir:/nowhere/a/{email}", "maildir:/nowhere/b/{email}", &[]);
    let store = Store::open(workspace.path(), SystemClock.now()).expect("a store");
    let project = store.project_named(PROJECT).await.expect("read").expect("the project").id;
    let item = |at: usize| NewItem {
        source_email: format!("u{at}@old.example"),
        destination_email: format!("u{at}@new.example"),
        ..NewItem::default()
    };
    let imported = store.import_items(project, (0..ITEMS).map(item).collect()).await.expect("imported");
    let wait = Wait::Word(HoldReason::Unreachable);
    let submission = Submission { kind: PassKind::Full, wait, schedule: None, at: SystemClock.now() };
    let passes = imported.iter().map(|item| (item.id, PassPlan::FULL)).collect();
    store.submit(passes, submission).await.expect("submitted");
    let began = Instant::now();
    let told = workspace.run(&["stop", PROJECT, "--all"]).expect(0);
    assert!(began.elapsed() < 10 * ANSWER, "it took {:?}", began.elapsed());
    assert!(told.stdout.contains("100000 items told to stop") && told.stderr.is_empty(), "{told:?}");
    let items = store.items(project).await.expect("read");
    assert_eq!(items.iter().filter(|item| item.status() == Status::Stopped).count(), ITEMS);
    let licenses = store.license_accounts().await.expect("read");
    assert_eq!(licenses[0].balance.reserved, 0, "{licenses:?}");
    assert_eq!(workspace.run(&["stop", PROJECT, "--all"]).expect(0).stdout, "move: 0 items told to stop\n");
}
