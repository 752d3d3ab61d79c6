//! An engine in this process for those who wait: its clock runs along with the machine's and jumps over the pauses of passes,
//! so that hours cost nothing. Servers and store are real.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use mailferry::domain::clock::Clock;
use mailferry::domain::failure::{Cause, Side};
use mailferry::domain::ids::{ItemId, ProjectId};
use mailferry::domain::pass::PassKind;
use mailferry::domain::progress::RetryState;
use mailferry::domain::project::Options;
use mailferry::domain::secret::Secret;
use mailferry::domain::server::Server;
use mailferry::domain::start_order::StartOrder;
use mailferry::domain::time::Timestamp;
use mailferry::endpoint::budget::Budget;
use mailferry::engine::command::{Command, Outcome};
use mailferry::engine::endpoints::RealEndpoints;
use mailferry::engine::snapshot::ItemRow;
use mailferry::engine::{Engine, MESSAGE_MEMORY, Workspace};
use mailferry::store::{NewItem, Store};
use mailferry::vault::{GO_ON, MemoryVault, Vault};
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::dovecot::PASSWORD;

/// A pass that is not at its end after so long of its own time hangs.
const PATIENCE: Duration = Duration::from_secs(72 * 3600);
/// The same of the machine's time.
const REAL_PATIENCE: Duration = Duration::from_secs(120);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(2);
/// A pause is jumped over when it has been shown for so long: what is shown may be older than what is.
const SHOWN: Duration = Duration::from_millis(400);

/// Runs a test on a clock that only [`Patient`] moves.
pub fn patiently<T>(test: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().start_paused(true).build().expect("a runtime");
    runtime.block_on(async {
        // As long as this waits time does not move by itself.
        let (end, waits) = std::sync::mpsc::sync_channel::<()>(0);
        let keeper = tokio::task::spawn_blocking(move || waits.recv().is_ok());
        let told = test.await;
        drop(end);
        keeper.await.expect("it only waits");
        told
    })
}

/// The time of the runtime.
struct Moved(Instant);

impl Clock for Moved {
    fn now(&self) -> Timestamp {
        let millis = i64::try_from(self.0.elapsed().as_millis()).expect("not that long");
        Timestamp::from_millis(1_700_000_000_000 + millis)
    }
}

/// A pause as a watcher saw it.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// Whose.
    pub item: ItemId,
    /// How long it was to last when it was first seen.
    pub lasts: Duration,
    /// What was shown.
    pub retry: RetryState,
}

impl Seen {
    /// Side, host, cause, and seconds, rounded up.
    pub fn told(&self) -> (Option<Side>, &str, Cause, u64) {
        let host = self.retry.failure.other.as_deref().unwrap_or_default();
        let seconds = self.lasts.as_millis().div_ceil(1000) as u64;
        (self.retry.side, host, self.retry.failure.cause, seconds)
    }
}

/// The engine and its items.
pub struct Patient {
    dir: TempDir,
    clock: Arc<Moved>,
    engine: Engine,
    /// The store beside it.
    pub store: Store,
    project: ProjectId,
    /// In the order of their numbers.
    pub items: Vec<ItemId>,
    ticks: mpsc::Receiver<Duration>,
}

impl Patient {
    /// So many items between two addresses; `{folder}` in them is a folder of the test.
    pub async fn new(addresses: [&str; 2], items: usize, options: Options) -> Patient {
        let people = (0..items).map(|at| ["old", "new"].map(|side| format!("user{at}@{side}.example"))).collect();
        Patient::between(addresses, people, options).await
    }

    /// The same for these mailboxes, of which each pair is an item.
    pub async fn between(addresses: [&str; 2], people: Vec<[String; 2]>, options: Options) -> Patient {
        let dir = tempfile::tempdir().expect("a folder");
        let clock = Arc::new(Moved(Instant::now()));
        let store = Store::open(dir.path(), clock.now()).expect("a store");
        let folder = dir.path().display().to_string();
        let server = |address: &str| Server::parse_url(&address.replace("{folder}", &folder)).expect("an address");
        let project = store.create_project("p".into(), addresses.map(server), options, [None; 2]).await.expect("made");
        let credential = store.new_credentials(1, clock.now(), "test").await.expect("a credential")[0];
        let item = |[source_email, destination_email]: [String; 2]| NewItem {
            source_email,
            source_credential: Some(credential),
            destination_email,
            destination_credential: Some(credential),
            ..NewItem::default()
        };
        let imported = store.import_items(project, people.into_iter().map(item).collect()).await.expect("imported");
        let vault = MemoryVault::default();
        vault.put_many(vec![(credential, Secret::new(PASSWORD))], &|_| GO_ON).expect("kept");
        let engine = Engine::start(Workspace {
            store: store.clone(),
            vault: Arc::new(vault),
            sign_ins: mailferry::engine::SignIns::default(),
            spool: dir.path().to_owned(),
            numbers: dir.path().to_owned(),
            budget: Budget::new(MESSAGE_MEMORY),
            clock: Arc::<Moved>::clone(&clock),
            endpoints: Arc::new(RealEndpoints),
            takes: mailferry::engine::Takes::All,
        });
        let items = imported.iter().map(|item| item.id).collect();
        Patient { dir, clock, engine, store, project, items, ticks: heartbeat() }
    }

    /// The folder that `{folder}` stands for.
    pub fn path(&self) -> &std::path::Path {
        self.dir.path()
    }

    /// Starts a Full pass of all items.
    pub async fn start(&mut self) {
        let items = self.items.clone();
        let order = StartOrder::now(PassKind::Full);
        let started = self.tell(Command::Start { project: self.project, items, lacking: Vec::new(), order }).await;
        assert_eq!(started.done, self.items, "{started:?}");
    }

    /// What becomes of *Retry now*.
    pub async fn retry_now(&mut self) -> Outcome {
        let items = self.items.clone();
        self.tell(Command::RetryNow { project: self.project, items }).await
    }

    async fn tell(&mut self, command: Command) -> Outcome {
        let outcome = self.engine.command(command);
        tokio::pin!(outcome);
        loop {
            tokio::select! {
                outcome = &mut outcome => return outcome,
                Some(passed) = self.ticks.recv() => tokio::time::advance(passed).await,
            }
        }
    }

    /// The items as a watcher sees them now.
    pub fn rows(&self) -> Vec<Arc<ItemRow>> {
        self.engine.snapshots().borrow().rows().cloned().collect()
    }

    /// Lets time go on until every pass has ended, over all pauses. Answers those that were seen.
    pub async fn until_the_end(&mut self) -> Vec<Seen> {
        let mut seen = Vec::new();
        self.until(&mut seen, true, |rows| rows.iter().all(|row| row.status.is_at_rest())).await;
        seen
    }

    /// Lets time go on until a pass pauses, and no further.
    pub async fn until_a_pause(&mut self) -> Seen {
        let mut seen = Vec::new();
        self.until(&mut seen, false, |rows| rows.iter().any(|row| row.progress.retry.is_some())).await;
        seen.pop().expect("a pause")
    }

    /// Lets so much time go on, whatever happens.
    pub async fn wait(&mut self, time: Duration) {
        let step = Duration::from_millis(200);
        let end = Instant::now() + time;
        while Instant::now() < end {
            let passed = self.ticks.recv().await.expect("the machine's clock runs");
            tokio::time::advance(passed.max(step.min(end - Instant::now()))).await;
        }
    }

    async fn until(&mut self, seen: &mut Vec<Seen>, jumps: bool, ended: impl Fn(&[Arc<ItemRow>]) -> bool) {
        let (began, started) = (Instant::now(), std::time::Instant::now());
        let mut shown: BTreeMap<ItemId, (RetryState, Instant)> = BTreeMap::new();
        loop {
            let rows = self.rows();
            let now = self.clock.now();
            for row in &rows {
                let Some(retry) = row.progress.retry.clone().filter(|_| row.status.is_active()) else {
                    shown.remove(&row.item);
                    continue;
                };
                if shown.get(&row.item).is_none_or(|(before, _)| *before != retry) {
                    seen.push(Seen { item: row.item, lasts: retry.until.since(now), retry: retry.clone() });
                    shown.insert(row.item, (retry, Instant::now()));
                }
            }
            if !rows.is_empty() && ended(&rows) {
                return;
            }
            let hangs = began.elapsed() > PATIENCE || started.elapsed() > REAL_PATIENCE;
            assert!(!hangs, "{seen:#?} {rows:#?}");
            let pauses = |row: &&Arc<ItemRow>| shown.get(&row.item).filter(|(_, at)| at.elapsed() >= SHOWN);
            let active: Vec<_> = rows.iter().filter(|row| row.status.is_active()).collect();
            let ends: Option<Vec<Timestamp>> = active.iter().map(|row| Some(pauses(row)?.0.until)).collect();
            let next = ends.and_then(|ends| ends.into_iter().min()).filter(|_| jumps);
            let passed = self.ticks.recv().await.expect("the machine's clock runs");
            tokio::time::advance(passed.max(next.map_or(Duration::ZERO, |next| next.since(now)))).await;
        }
    }

    /// Ends in order.
    pub async fn close(self) {
        self.engine.close().await;
    }
}

/// Tells again and again how much of the machine's time has passed, until nobody listens.
fn heartbeat() -> mpsc::Receiver<Duration> {
    let (sender, receiver) = mpsc::channel(1);
    let beat = move || {
        let mut last = std::time::Instant::now();
        loop {
            std::thread::park_timeout(LOOK);
            let now = std::time::Instant::now();
            if sender.blocking_send(now - last).is_err() {
                return;
            }
            last = now;
        }
    };
    std::thread::Builder::new().name("heartbeat".into()).spawn(beat).expect("a thread");
    receiver
}
