//! The writing connection on its own thread, and the small pool of reading ones.
//!
//! Bounded: 64 waiting writes, 3 readers. Blocks: the writer thread on the disk, readers on tokio's blocking pool.

use std::cell::Cell;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use tokio::sync::{Semaphore, mpsc, oneshot};

use super::error::{Result, StoreError};
use super::schema;
use super::taken::Taken;

/// How long SQLite waits for a lock that another process holds.
pub(super) const BUSY: Duration = Duration::from_secs(10);
const WAITING_WRITES: usize = 64;
const READERS: usize = 3;

/// What the writer remembers of what is stored.
#[derive(Default)]
pub(super) struct Cache {
    /// Numbers of flag sets already stored, by their text.
    pub(super) flags: HashMap<String, i64>,
    /// Destination numbers that watermarks have.
    pub(super) taken: Taken,
}

/// What the writer thread owns.
pub(super) struct Writer {
    pub(super) connection: Connection,
    cache: Cache,
    /// `data_version` at the last look for commands; none when this process itself wrote one since.
    pub(super) seen_version: Option<i64>,
    /// `data_version` at the last look for changes; at first, when the database was opened.
    pub(super) known_version: i64,
    /// Whether the last transaction was on the disk for good when it ended.
    #[cfg(test)]
    pub(super) durable: bool,
}

impl Writer {
    pub(super) fn transact<T>(
        &mut self,
        durably: bool,
        change: impl FnOnce(&Transaction<'_>, &mut Cache) -> Result<T>,
    ) -> Result<T> {
        #[cfg(test)]
        {
            self.durable = durably;
        }
        if durably {
            self.connection.pragma_update(None, "synchronous", "FULL")?;
        }
        let result = self.in_transaction(change);
        if durably {
            self.connection.pragma_update(None, "synchronous", "NORMAL")?;
        }
        result
    }

    fn in_transaction<T>(&mut self, change: impl FnOnce(&Transaction<'_>, &mut Cache) -> Result<T>) -> Result<T> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let result = change(&transaction, &mut self.cache).and_then(|value| {
            transaction.commit()?;
            Ok(value)
        });
        if result.is_err() {
            // What was rolled back is not stored, whatever the cache says.
            self.cache = Cache::default();
        }
        result
    }
}

type Job = Box<dyn FnOnce(&mut Writer) + Send>;

/// Pages in the journal from which on they are moved into the database: as many as SQLite itself takes.
const JOURNAL_PAGES: i32 = 1000;
/// So many were written by a change of very many rows, whose pages need not stay in memory.
const MANY_PAGES: i32 = 4000;

thread_local! {
    /// Pages in the journal after the last transaction of this thread.
    static IN_JOURNAL: Cell<i32> = const { Cell::new(0) };
}

/// Moves what the journal holds into the database, after the answer: whoever waits for a change of 100,000 rows need not wait
/// until they are written twice. What cannot be moved now is moved later; nothing depends on it.
fn tidy(connection: &Connection) {
    let pages = IN_JOURNAL.take();
    if pages < JOURNAL_PAGES {
        return;
    }
    let moved = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
    let freed = if pages < MANY_PAGES { Ok(()) } else { connection.execute_batch("PRAGMA shrink_memory") };
    if let Err(error) = moved.and(freed) {
        tracing::debug!(%error, "the journal stays as it is");
    }
}

/// The thread that owns the writing connection.
pub(super) struct WriterThread {
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl WriterThread {
    pub(super) fn start(connection: Connection) -> Result<Self> {
        let (jobs, mut waiting) = mpsc::channel::<Job>(WAITING_WRITES);
        let known_version = connection.pragma_query_value(None, "data_version", |row| row.get(0))?;
        let mut writer = Writer {
            connection,
            cache: Cache::default(),
            seen_version: None,
            known_version,
            #[cfg(test)]
            durable: false,
        };
        // This takes the place of SQLite's own hook, which would do it within the transaction.
        writer.connection.wal_hook(Some(|_, pages| {
            IN_JOURNAL.set(pages);
            Ok(())
        }));
        let thread = std::thread::Builder::new().name("store-writer".into()).spawn(move || {
            while let Some(job) = waiting.blocking_recv() {
                // A panic fails that one request (its answer channel is dropped, its transaction rolled back).
                if catch_unwind(AssertUnwindSafe(|| job(&mut writer))).is_err() {
                    writer.cache = Cache::default();
                    tracing::error!("a request to the store panicked");
                }
                tidy(&writer.connection);
            }
        })?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }

    pub(super) async fn run<T: Send + 'static>(
        &self,
        request: impl FnOnce(&mut Writer) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (answer, result) = oneshot::channel();
        let job: Job = Box::new(move |writer| {
            // Nobody listens any more: the change stands all the same.
            answer.send(request(writer)).ok();
        });
        let jobs = self.jobs.as_ref().ok_or(StoreError::Closed)?;
        jobs.send(job).await.map_err(|_| StoreError::Closed)?;
        result.await.map_err(|_| StoreError::Closed)?
    }
}

impl Drop for WriterThread {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the store's writer thread panicked");
        }
    }
}

/// Reading connections, opened when needed and kept.
pub(super) struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
    permits: Semaphore,
}

impl Readers {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, idle: Mutex::new(Vec::new()), permits: Semaphore::new(READERS) }
    }

    pub(super) async fn run<T: Send + 'static>(
        readers: &Arc<Self>,
        question: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let _permit = readers.permits.acquire().await.map_err(|_| StoreError::Closed)?;
        let pool = Arc::clone(readers);
        let asked = tokio::task::spawn_blocking(move || {
            let idle = pool.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut connection = idle.map_or_else(|| open_reader(&pool.path), Ok)?;
            let answer = {
                let snapshot = connection.transaction_with_behavior(TransactionBehavior::Deferred)?;
                question(&snapshot)
            };
            pool.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            answer
        });
        asked.await.map_err(|_| StoreError::Closed)?
    }
}

fn open_reader(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    schema::distrust(&connection)?;
    connection.pragma_update(None, "query_only", "ON")?;
    connection.pragma_update(None, "cache_size", -8_000)?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(connection)
}
