//! Endpoints of the demo: Maildirs, of which the destination refuses large messages and takes its time.
//!
//! Bounded: one moment to come, shared by all sessions.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::{Instant, sleep_until};

use crate::domain::flags::PermanentFlags;
use crate::domain::folder::{FolderPath, FolderState, ListedFolder, WireName};
use crate::domain::message::{MessageHeader, MessageMeta, NewMessage};
use crate::domain::server::Server;
use crate::endpoint::imap::Login;
use crate::endpoint::maildir::MaildirEndpoint;
use crate::endpoint::{
    AppendAnswer, Destination, Endpoint, FlagUpdate, FolderRef, Limits, MessageStream, NewFolder, Resources, Result,
    Source, Which,
};
use crate::engine::endpoints::{Endpoints, RealEndpoints};

/// Between two messages, of all mailboxes together.
const STEP: Duration = Duration::from_millis(11);

/// Makes the demo's endpoints.
pub struct Paced {
    slow: PathBuf,
    limit: u64,
    pace: Arc<Pace>,
}

impl Paced {
    /// Mailboxes in the folder `slow` take their time and refuse messages of more than `limit` bytes.
    pub fn new(slow: PathBuf, limit: u64) -> Self {
        Self { slow, limit, pace: Arc::new(Pace(Mutex::new(Instant::now()))) }
    }
}

impl Endpoints for Paced {
    fn endpoint(&self, server: &Server, login: Login, resources: Resources) -> Arc<dyn Endpoint> {
        RealEndpoints.endpoint(server, login, resources)
    }

    fn maildir(&self, root: PathBuf, numbers: PathBuf, resources: Resources) -> Arc<dyn Endpoint> {
        let slow = root.starts_with(&self.slow);
        let endpoint = MaildirEndpoint::new(root, numbers, resources);
        match slow {
            true => Arc::new(Slow { endpoint: endpoint.accepting(self.limit), pace: Arc::clone(&self.pace) }),
            false => Arc::new(endpoint),
        }
    }
}

/// When the next message may go.
struct Pace(Mutex<Instant>);

impl Pace {
    async fn wait(&self) {
        let turn = {
            let mut next = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let turn = (*next).max(Instant::now());
            *next = turn + STEP;
            turn
        };
        sleep_until(turn).await;
    }
}

struct Slow {
    endpoint: MaildirEndpoint,
    pace: Arc<Pace>,
}

#[async_trait]
impl Endpoint for Slow {
    async fn open_source(&self) -> Result<Box<dyn Source>> {
        self.endpoint.open_source().await
    }

    async fn open_destination(&self) -> Result<Box<dyn Destination>> {
        let session = self.endpoint.open_destination().await?;
        Ok(Box::new(SlowSession { session, pace: Arc::clone(&self.pace) }))
    }
}

/// A session that waits for its turn before it appends; all else goes through.
struct SlowSession {
    session: Box<dyn Destination>,
    pace: Arc<Pace>,
}

#[async_trait]
impl Source for SlowSession {
    async fn list(&mut self) -> Result<Vec<ListedFolder>> {
        self.session.list().await
    }

    async fn examine(&mut self, folder: &FolderRef) -> Result<FolderState> {
        self.session.examine(folder).await
    }

    async fn scan(&mut self, folder: &FolderRef, which: &Which, dates: bool) -> Result<Vec<MessageMeta>> {
        self.session.scan(folder, which, dates).await
    }

    async fn headers(&mut self, folder: &FolderRef, which: &Which) -> Result<Vec<MessageHeader>> {
        self.session.headers(folder, which).await
    }

    async fn fetch(&mut self, folder: &FolderRef, which: &Which) -> Result<MessageStream> {
        self.session.fetch(folder, which).await
    }

    async fn close(self: Box<Self>) {
        self.session.close().await;
    }
}

#[async_trait]
impl Destination for SlowSession {
    fn limits(&self) -> Limits {
        self.session.limits()
    }

    fn wire_name(&self, path: &FolderPath) -> WireName {
        self.session.wire_name(path)
    }

    async fn create(&mut self, folders: &[NewFolder]) -> Result<Vec<Result<WireName>>> {
        self.session.create(folders).await
    }

    async fn subscribe(&mut self, folders: &[WireName]) -> Result<Vec<Result<()>>> {
        self.session.subscribe(folders).await
    }

    async fn open(&mut self, folders: &[FolderRef]) -> Result<Vec<Result<(FolderState, PermanentFlags)>>> {
        self.session.open(folders).await
    }

    async fn append(&mut self, folder: &FolderRef, messages: Vec<NewMessage>) -> Result<AppendAnswer> {
        self.pace.wait().await;
        self.session.append(folder, messages).await
    }

    async fn update_flags(&mut self, folder: &FolderRef, updates: &[FlagUpdate]) -> Result<()> {
        self.session.update_flags(folder, updates).await
    }
}
