//! Endpoints of the demo: Maildirs, of which the source takes its time and the destination refuses large messages.
//!
//! It is the source that is slow: so every message counts as soon as it has been read, and a person sees folder after
//! folder fill. Bounded: one moment to come, shared by all sessions, and one message on its way for each stream.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::domain::failure::Side;
use crate::domain::folder::{FolderState, ListedFolder};
use crate::domain::item::Mailbox;
use crate::domain::message::{MessageHeader, MessageMeta};
use crate::domain::server::Server;
use crate::service::seam::{
    Authenticator, Destination, Endpoint, Endpoints, FolderRef, MaildirEndpoint, MessageStream, RealEndpoints,
    Resources, Result, Source, Which,
};

/// Between two messages, of all mailboxes together.
const STEP: Duration = Duration::from_millis(11);

/// Makes the demo's endpoints.
pub struct Paced {
    slow: PathBuf,
    limit: u64,
    pace: Arc<Pace>,
}

impl Paced {
    /// Mailboxes in the folder `slow` take their time; all others refuse messages of more than `limit` bytes.
    pub fn new(slow: PathBuf, limit: u64) -> Self {
        Self { slow, limit, pace: Arc::new(Pace(Mutex::new(Instant::now()))) }
    }
}

impl Endpoints for Paced {
    fn open(
        &self,
        side: Side,
        server: &Server,
        mailbox: &Mailbox,
        auth: Arc<dyn Authenticator>,
        resources: Resources,
    ) -> Result<Arc<dyn Endpoint>> {
        let root = server.folder_of(mailbox).map(PathBuf::from);
        let Some(root) = root else { return RealEndpoints.open(side, server, mailbox, auth, resources) };
        let slow = root.starts_with(&self.slow);
        let endpoint = MaildirEndpoint::new(root, resources);
        Ok(match slow {
            true => Arc::new(Slow { endpoint, pace: Arc::clone(&self.pace) }),
            false => Arc::new(endpoint.accepting(self.limit)),
        })
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
        let session = self.endpoint.open_source().await?;
        Ok(Box::new(SlowSession { session, pace: Arc::clone(&self.pace), streams: JoinSet::new() }))
    }

    async fn open_destination(&self) -> Result<Box<dyn Destination>> {
        self.endpoint.open_destination().await
    }
}

/// A session whose messages come one by one, each in its turn; all else goes through.
struct SlowSession {
    session: Box<dyn Source>,
    pace: Arc<Pace>,
    streams: JoinSet<()>,
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
        let mut messages = self.session.fetch(folder, which).await?;
        let (slowly, stream) = mpsc::channel(1);
        let pace = Arc::clone(&self.pace);
        while self.streams.try_join_next().is_some() {}
        self.streams.spawn(async move {
            while let Some(message) = messages.recv().await {
                pace.wait().await;
                if slowly.send(message).await.is_err() {
                    return;
                }
            }
        });
        Ok(stream)
    }

    async fn close(self: Box<Self>) {
        self.session.close().await;
    }
}
