//! Runs passes of the engine in this process: real servers, a real store, and a journal that can be cut off anywhere.
//!
//! A cut is the death of a process as far as the database can tell: nothing is written any more and every connection is
//! dropped. Coming back means a fresh store on the same folder.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::tz::TimeZone;
use mailferry::domain::clock::Clock;
use mailferry::domain::failure::{Cause, Failure, Retry, Scope, Side};
use mailferry::domain::folder::FolderPath;
use mailferry::domain::ids::{ItemId, ProjectId, Uid};
use mailferry::domain::item_error::{FailedBefore, ItemError};
use mailferry::domain::notice::Notice;
use mailferry::domain::pass::PassKind;
use mailferry::domain::pass_plan::{Parameters, PassPlan};
use mailferry::domain::project::Options;
use mailferry::domain::record::Habit;
use mailferry::domain::retry::{Pace, Settle};
use mailferry::domain::secret::Secret;
use mailferry::domain::server::{ImapServer, Server};
use mailferry::domain::status::{Status, Wait};
use mailferry::endpoint::auth::KnownPassword;
use mailferry::endpoint::budget::Budget;
use mailferry::endpoint::imap::{ImapEndpoint, Timeouts, Who};
use mailferry::endpoint::own_network::OwnNetwork;
use mailferry::endpoint::{ByteCounter, Resources};
use mailferry::engine::store_journal::StoreJournal;
use mailferry::pass::doors::Approach;
use mailferry::pass::journal::Journal;
use mailferry::pass::tally::PassStats;
use mailferry::pass::{Means, Pass, PassEnd, PassOrder, Stops};
use mailferry::platform::clock::SystemClock;
use mailferry::store::{NewItem, PassRow, StatusChange, Store, Submission};
use tempfile::TempDir;

use super::cut::Cut;
use super::dovecot::PASSWORD;

/// A workspace with one item, and how its passes run.
pub struct Bench {
    dir: TempDir,
    project: ProjectId,
    item: ItemId,
    source: (u16, String),
    destination: (u16, String),
    /// Options of every pass from now on.
    pub options: Options,
    /// How long servers may be silent.
    pub timeouts: Timeouts,
    /// Pauses between tries.
    pub pace: Pace,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// Where run hours are understood.
    pub zone: TimeZone,
    /// The figures of the pass that runs.
    pub figures: Mutex<Arc<PassStats>>,
    /// So many watermarks of a pass are lost on their way to the disk.
    pub forgets: usize,
    /// What passes do.
    pub plan: PassPlan,
    /// Messages whose errors a pass tries again, by source folder.
    pub failed: FailedBefore,
}

fn full() -> PassPlan {
    PassPlan::new(PassKind::Full, Parameters::default()).expect("a Full pass needs nothing else")
}

/// How a pass ended and what it wrote.
#[derive(Debug)]
pub struct Ran {
    /// Its end, even if nobody lived to see it.
    pub end: PassEnd,
    /// Writes that went through.
    pub writes: u64,
    /// Groups of results among them.
    pub results: u64,
    /// Whether it was cut off.
    pub cut: bool,
    /// The pass as the store shows it afterwards.
    pub row: PassRow,
}

impl Ran {
    /// It came to its end without item errors.
    pub fn expect_clean(self) -> Ran {
        assert_eq!(self.end, PassEnd::Completed { errors: 0, differ: 0 }, "{:?}", self.row.progress);
        let counts = self.row.progress.counts;
        assert!(counts.balanced(), "{counts:?}");
        self
    }
}

/// What an earlier pass could not move: these messages of the inbox.
pub fn failed(uids: &[i64]) -> FailedBefore {
    let error = |uid: &i64| ItemError {
        folder: Some(FolderPath::new(["INBOX"])),
        source: Some(Uid(*uid)),
        ..ItemError::about(Failure::new(Cause::MessageRefused, Scope::Message, Retry::Never, "appending"))
    };
    FailedBefore::of(uids.iter().map(error), None)
}

impl Bench {
    /// Between two mailboxes, each with the port of its server or of a relay in front of it.
    pub async fn new(source: (u16, &str), destination: (u16, &str)) -> Bench {
        let dir = tempfile::tempdir().expect("a folder");
        let store = Store::open(dir.path(), SystemClock.now()).expect("a store");
        let options = Options::default();
        let project = store
            .create_project(
                "move".into(),
                [source.0, destination.0].map(|port| Server::Imap(server(port))),
                options.clone(),
                [None; 2],
            )
            .await
            .expect("a project");
        let item = NewItem {
            source_email: "ann@old.example".into(),
            source_login: Some(source.1.into()),
            destination_email: "ann@new.example".into(),
            destination_login: Some(destination.1.into()),
            ..NewItem::default()
        };
        let item = store.import_items(project, vec![item]).await.expect("an item")[0].id;
        let owned = |side: (u16, &str)| (side.0, side.1.to_owned());
        let seconds = Duration::from_secs;
        let timeouts = Timeouts {
            connect: seconds(10),
            tls: seconds(10),
            greeting: seconds(10),
            silence: seconds(20),
            write: seconds(20),
            logout: seconds(2),
        };
        let milliseconds = Duration::from_millis;
        let settle = Settle::with_base(milliseconds(300));
        let pace = Pace { first: milliseconds(1), longest: milliseconds(10), settle };
        let (source, destination) = (owned(source), owned(destination));
        Bench {
            dir,
            project,
            item,
            source,
            destination,
            options,
            timeouts,
            pace,
            clock: Arc::new(SystemClock),
            zone: TimeZone::UTC,
            figures: Mutex::new(PassStats::new(Arc::default())),
            forgets: 0,
            plan: full(),
            failed: FailedBefore::default(),
        }
    }

    /// Runs a Full pass to its end: the one that was interrupted, or a new one.
    pub async fn run(&self) -> Ran {
        self.run_cut(u64::MAX, &Stops::default()).await
    }

    /// The same; stops may be used meanwhile, and after `writes` writes the process is dead.
    pub async fn run_cut(&self, writes: u64, stops: &Stops) -> Ran {
        let now = SystemClock.now();
        let store = Store::open(self.dir.path(), now).expect("a store");
        store.recover(now).await.expect("recovered");
        let latest = store.item(self.item).await.expect("the item").latest;
        let pass = match latest.filter(|pass| pass.status == Status::Submitted) {
            Some(pass) => pass.id,
            None => {
                let submission = Submission { kind: PassKind::Full, wait: Wait::None, schedule: None, at: now };
                store.submit(vec![(self.item, PassPlan::FULL)], submission).await.expect("submitted").passes[0].1
            }
        };
        let to = |from, to| store.set_status(StatusChange::new(pass, from, to), now);
        to(Status::Submitted, Status::Queued).await.expect("queued");
        let row = store.pass(pass).await.expect("the pass");
        let earlier = store.pass_folders(pass, u32::MAX, 0).await.expect("its folders");
        to(Status::Queued, Status::Migrating).await.expect("migrating");
        let meter: Arc<ByteCounter> = Arc::default();
        let tally = PassStats::new(Arc::clone(&meter));
        tally.goes_on_from(&row.progress);
        *self.figures.lock().expect("no panic") = Arc::clone(&tally);
        let journal = Arc::new(Cut {
            inner: StoreJournal::new(store.clone(), self.item, pass),
            left: AtomicU64::new(writes),
            writes: AtomicU64::new(0),
            results: AtomicU64::new(0),
            forgets: Mutex::new(self.forgets),
            stops: stops.clone(),
        });
        let order = PassOrder {
            pass,
            item: self.item,
            plan: self.plan,
            failed: self.failed.clone(),
            known_errors: Default::default(),
            options: self.options.clone(),
            pace: self.pace,
            zone: self.zone.clone(),
            last_seen: (row.attempt > 1).then(|| SystemClock.now()),
            earlier: earlier.into_iter().map(|row| (row.folder.folder, row.folder.counts)).collect(),
        };
        let network = OwnNetwork::new(Arc::clone(&self.clock));
        let resources = |meter| Resources {
            spool: self.dir.path().to_owned(),
            numbers: self.dir.path().to_owned(),
            budget: Budget::new(64 << 20),
            meter,
            network: Arc::clone(&network),
            said: Arc::default(),
            waits: Default::default(),
        };
        let source = self.endpoint(&self.source, resources(meter));
        let destination = self.endpoint(&self.destination, resources(Arc::default()));
        let clock = Arc::clone(&self.clock);
        let door: Arc<dyn Journal> = Arc::<Cut>::clone(&journal);
        let throttle = Arc::default();
        let means = Means {
            source,
            destination,
            journal: door,
            tally,
            clock,
            throttle,
            approach: Approach::default(),
            said: Default::default(),
            network,
            stops: stops.clone(),
        };
        let end = Box::pin(Pass::run(order, means)).await;
        let cut = journal.left.load(Ordering::SeqCst) == 0 && stops.abort.is_cancelled();
        if !cut {
            let status = match &end {
                PassEnd::Completed { .. } => Status::Completed,
                PassEnd::Stopped(_) => Status::Stopped,
                PassEnd::Failed { .. } => Status::Failed,
            };
            to(Status::Migrating, status).await.expect("ended");
        }
        let row = store.pass(pass).await.expect("the pass");
        let (writes, results) = (journal.writes.load(Ordering::SeqCst), journal.results.load(Ordering::SeqCst));
        Ran { end, writes, results, cut, row }
    }

    /// The item errors of a pass: folder, source number, and the failure's cause as text.
    pub async fn errors(&self, ran: &Ran) -> Vec<(String, Option<i64>, String)> {
        let store = Store::open(self.dir.path(), SystemClock.now()).expect("a store");
        let rows = store.item_errors(ran.row.id, 1000, 0).await.expect("errors");
        let text = |row: mailferry::store::ErrorRow| {
            let error = row.error;
            let folder = error.folder.map_or_else(String::new, |path| path.to_string());
            (folder, error.source.map(|uid| uid.0), format!("{:?}", error.failure.cause))
        };
        rows.into_iter().map(text).collect()
    }

    /// What is known of the destination's server.
    pub async fn habit(&self) -> Habit {
        let store = Store::open(self.dir.path(), SystemClock.now()).expect("a store");
        store.habit(self.item, Side::Destination).await.expect("a habit")
    }

    /// The notices of a pass.
    pub async fn notices(&self, ran: &Ran) -> Vec<Notice> {
        let store = Store::open(self.dir.path(), SystemClock.now()).expect("a store");
        store.notices(ran.row.id, 1000, 0).await.expect("notices")
    }

    /// Every watermark with a destination number: folder, source number, destination number.
    pub async fn watermarks(&self) -> Vec<(String, i64, i64)> {
        let store = Store::open(self.dir.path(), SystemClock.now()).expect("a store");
        let mut found = Vec::new();
        for folder in store.folders(self.item).await.expect("folders") {
            let marks = store.some_watermarks(folder.id, Uid(i64::MIN), Uid(i64::MAX), usize::MAX).await;
            let marks = marks.expect("watermarks");
            found.extend(marks.iter().map(|mark| (folder.source.to_string(), mark.source.0, mark.destination.0)));
        }
        found
    }

    fn endpoint(&self, side: &(u16, String), resources: Resources) -> Arc<ImapEndpoint> {
        let who = Who { user: side.1.clone(), admin: None };
        let auth = Arc::new(KnownPassword(Secret::new(PASSWORD)));
        Arc::new(ImapEndpoint::new(server(side.0), who, auth, resources, self.timeouts))
    }
}

fn server(port: u16) -> ImapServer {
    ImapServer::parse_url(&super::product::plain(port)).expect("an address")
}

/// One for a test.
pub fn runtime() -> Bounded {
    Bounded(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime"))
}

/// A runtime as the program has it, on which nothing stands still for ever.
pub struct Bounded(tokio::runtime::Runtime);

impl Bounded {
    /// Runs to its end, which comes within a quarter of an hour.
    pub fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        let work = async { tokio::time::timeout(Duration::from_secs(900), work).await };
        self.0.block_on(work).expect("it comes to an end")
    }
}
