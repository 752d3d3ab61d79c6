//! Licenses under a whole engine: reserved with the Start, consumed or returned with the status that a pass ends in.

use std::sync::Arc;

use async_trait::async_trait;

use super::*;
use crate::domain::failure::{Cause, Failure, Retry, Scope};
use crate::domain::ids::{ItemId, PoolId, ProjectId};
use crate::domain::license::{Balance, EntryKind, PoolTerms};
use crate::domain::pass::PassKind;
use crate::domain::project::{Options, ProjectTerms};
use crate::domain::readiness::NotReady;
use crate::domain::server::Server;
use crate::domain::start_order::StartOrder;
use crate::domain::status::Status;
use crate::domain::time::Timestamp;
use crate::engine::runner::{Reports, Runner, Task};
use crate::pass::{PassEnd, Stops};
use crate::store::NewItem;

/// Ends every pass so; or waits until it is stopped.
struct Ends(fn() -> Option<PassEnd>);

#[async_trait]
impl Runner for Ends {
    async fn run(&self, _: Task, reports: &Reports, stops: Stops) -> PassEnd {
        reports.loaded().await;
        match self.0() {
            Some(end) => end,
            None => {
                stops.stop.cancelled().await;
                PassEnd::Stopped(None)
            }
        }
    }

    fn try_again(&self, _: ProjectId) {}
}

/// Two items of a project whose pool has one license.
struct Bench {
    engine: Engine,
    store: Store,
    project: ProjectId,
    pool: PoolId,
    items: Vec<ItemId>,
    _folder: tempfile::TempDir,
}

impl Bench {
    async fn new(ends: fn() -> Option<PassEnd>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), Timestamp::from_millis(1)).unwrap();
        let server = || Server::parse_url("maildir:/nowhere/{email}").unwrap();
        let terms = PoolTerms { name: "Contoso".into(), ..PoolTerms::default() };
        let pool = store.add_pool(terms, Some(1), Timestamp::from_millis(1)).await.unwrap();
        let terms = ProjectTerms { options: Options::default(), pool, client: None };
        let project = store.create_project("p".into(), [server(), server()], terms, [None; 2]).await.unwrap();
        let new = |name: &str| NewItem {
            source_email: format!("{name}@a.example"),
            destination_email: format!("{name}@b.example"),
            ..NewItem::default()
        };
        let items = store.import_items(project, vec![new("a"), new("b")]).await.unwrap();
        let items = items.iter().map(|item| item.id).collect();
        let workspace = Workspace::bare(store.clone(), folder.path());
        let engine = Engine::start_with(workspace, Runners { copier: Arc::new(Ends(ends)), remote: None });
        Self { engine, store, project, pool, items, _folder: folder }
    }

    async fn start(&self, items: &[usize], lacking: &[usize]) -> Outcome {
        let of = |places: &[usize]| places.iter().map(|at| self.items[*at]).collect();
        let (items, lacking) = (of(items), of(lacking));
        let order = StartOrder::now(PassKind::Full);
        self.engine.command(Command::Start { project: self.project, items, lacking, order }).await
    }

    /// Waits until the first item reads so.
    async fn reads(&self, status: Status) {
        let first = self.items[0];
        let mut snapshots = self.engine.snapshots();
        let reads = |snapshot: &Arc<Snapshot>| snapshot.rows().any(|row| row.item == first && row.status == status);
        snapshots.wait_for(reads).await.unwrap();
    }

    async fn balance(&self) -> Balance {
        let accounts = self.store.license_accounts().await.unwrap();
        accounts.into_iter().find(|account| account.pool.id == self.pool).unwrap().balance
    }

    async fn kinds(&self) -> Vec<EntryKind> {
        let entries = self.store.license_entries(Some(self.pool), 0, 100).await.unwrap();
        entries.iter().skip(1).map(|entry| entry.kind).collect()
    }
}

const ALL: Balance = Balance { added: 1, reserved: 0, consumed: 0, lost: 0 };

#[tokio::test(flavor = "multi_thread")]
async fn r22_the_license_is_back_when_the_item_reads_stopped() {
    let bench = Bench::new(|| None).await;
    bench.start(&[0], &[]).await;
    bench.reads(Status::Migrating).await;
    assert_eq!(bench.balance().await, Balance { reserved: 1, ..ALL });
    let stop = Command::Stop { project: bench.project, items: vec![bench.items[0]] };
    assert_eq!(bench.engine.command(stop).await.done.len(), 1);
    bench.reads(Status::Stopped).await;
    assert_eq!((bench.balance().await, bench.kinds().await), (ALL, vec![EntryKind::Reserve, EntryKind::Return]));
    bench.engine.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r27_the_license_of_a_failed_pass_is_returned_and_the_next_start_has_it() {
    let bench = Bench::new(|| Some(PassEnd::Failed { side: None, failure: full() })).await;
    for start in 1..=2 {
        assert_eq!(bench.start(&[0], &[]).await.done.len(), 1);
        bench.reads(Status::Failed).await;
        assert_eq!((bench.balance().await, bench.kinds().await.len()), (ALL, 2 * start));
    }
    bench.engine.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r41_stopping_an_item_that_waits_for_its_user_gives_its_license_back() {
    let bench = Bench::new(|| None).await;
    bench.start(&[0], &[0]).await;
    bench.reads(Status::WaitingForUser).await;
    assert_eq!(bench.balance().await, Balance { reserved: 1, ..ALL });
    let left = bench.start(&[1], &[1]).await.left;
    assert_eq!(left, [(bench.items[1], NotReady::NoLicense.into())], "nobody shares it");
    let stop = Command::Stop { project: bench.project, items: vec![bench.items[0]] };
    bench.engine.command(stop).await;
    assert_eq!(bench.balance().await, ALL);
    assert_eq!(bench.start(&[1], &[1]).await.done, [bench.items[1]]);
    bench.engine.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r43_a_completed_item_takes_no_second_license_and_its_own_is_lost_with_it() {
    let bench = Bench::new(|| Some(PassEnd::Completed { errors: 0, differ: 0 })).await;
    let outcome = bench.start(&[0, 1], &[]).await;
    assert_eq!((outcome.done.len(), outcome.left.len()), (1, 1), "of two items one starts");
    bench.reads(Status::Completed).await;
    assert_eq!(bench.start(&[0], &[]).await.done.len(), 1, "it has its license");
    bench.reads(Status::Completed).await;
    let delete = || Command::Delete { project: bench.project, items: vec![bench.items[0]] };
    let mut deleted = bench.engine.command(delete()).await;
    while deleted.done.is_empty() {
        // The snapshot may still have been that of the first pass.
        tokio::task::yield_now().await;
        deleted = bench.engine.command(delete()).await;
    }
    assert_eq!(bench.balance().await, Balance { lost: 1, ..ALL });
    assert_eq!(bench.kinds().await, [EntryKind::Reserve, EntryKind::Consume, EntryKind::Loss]);
    assert!(bench.start(&[1], &[]).await.done.is_empty(), "what was lost is not free");
    bench.engine.close().await;
}

fn full() -> Failure {
    Failure::new(Cause::DestinationFull, Scope::Mailbox, Retry::User, "appending")
}
