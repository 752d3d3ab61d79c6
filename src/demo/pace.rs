//! Endpoints of the demo: Maildirs, of which the source takes its time and the destination refuses large messages.
//!
//! It is the source that is slow: so every message counts as soon as it has been read, and a person sees folder after
//! folder fill. Bounded: one moment to come, shared by all sessions, and one message on its way for each stream.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::mpsc::{self, OwnedPermit};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::domain::failure::{Cause, Failure, Retry, Scope};
use crate::domain::folder::{FolderState, ListedFolder};
use crate::domain::item::Mailbox;
use crate::domain::message::{MessageHeader, MessageMeta};
use crate::domain::server::Server;
use crate::service::seam::{
    Authenticator, DestinationEndpoint, Endpoints, Fetched, FolderRef, MaildirEndpoint, MessageStream, RealEndpoints,
    Resources, Result, Source, SourceEndpoint, Which,
};

/// Makes the demo's endpoints.
pub struct Paced {
    slow: PathBuf,
    limit: u64,
    pace: Arc<DemoPace>,
}

impl Paced {
    /// Sources in the folder `slow` give a message every `step`, all together; destinations in folders refuse messages of
    /// more than `limit` bytes.
    pub fn new(slow: PathBuf, limit: u64, step: Duration) -> Self {
        Self { slow, limit, pace: Arc::new(DemoPace { step, next: Mutex::new(Instant::now()) }) }
    }
}

impl Endpoints for Paced {
    fn source(
        &self,
        server: &Server,
        mailbox: &Mailbox,
        auth: Arc<dyn Authenticator>,
        resources: Resources,
    ) -> Result<Arc<dyn SourceEndpoint>> {
        let endpoint = RealEndpoints.source(server, mailbox, auth, resources)?;
        Ok(match server.folder_of(mailbox) {
            Some(folder) if Path::new(&folder).starts_with(&self.slow) => {
                Arc::new(Slow { endpoint, pace: Arc::clone(&self.pace) })
            }
            Some(_) | None => endpoint,
        })
    }

    fn destination(
        &self,
        server: &Server,
        mailbox: &Mailbox,
        auth: Arc<dyn Authenticator>,
        resources: Resources,
    ) -> Result<Arc<dyn DestinationEndpoint>> {
        match server.folder_of(mailbox) {
            Some(folder) => Ok(Arc::new(MaildirEndpoint::new(folder.into(), resources).accepting(self.limit))),
            None => RealEndpoints.destination(server, mailbox, auth, resources),
        }
    }
}

/// When the next message may go.
struct DemoPace {
    step: Duration,
    next: Mutex<Instant>,
}

impl DemoPace {
    async fn wait(&self) {
        let turn = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let turn = (*next).max(Instant::now());
            *next = turn + self.step;
            turn
        };
        sleep_until(turn).await;
    }
}

struct Slow {
    endpoint: Arc<dyn SourceEndpoint>,
    pace: Arc<DemoPace>,
}

#[async_trait]
impl SourceEndpoint for Slow {
    async fn open_source(&self) -> Result<Box<dyn Source>> {
        let session = self.endpoint.open_source().await?;
        Ok(Box::new(SlowSession { session, pace: Arc::clone(&self.pace), streams: JoinSet::new() }))
    }
}

/// Says that a stream was cut, when it is given up before its end: it must not look complete.
struct DemoCut {
    last: Option<OwnedPermit<Fetched>>,
    doing: String,
}

impl DemoCut {
    /// It was given whole, or nobody wants it.
    fn ended(mut self) {
        self.last = None;
    }
}

impl Drop for DemoCut {
    fn drop(&mut self) {
        if let Some(last) = self.last.take() {
            let failure = Failure::new(Cause::ConnectionLost, Scope::Connection, Retry::Backoff, &self.doing);
            last.send(Fetched::Broken(failure.saying("the session was closed")));
        }
    }
}

/// A session whose messages come one by one, each in its turn; all else goes through.
struct SlowSession {
    session: Box<dyn Source>,
    pace: Arc<DemoPace>,
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
        let doing = format!("reading messages of folder \"{}\"", folder.path);
        let (slowly, stream) = mpsc::channel(2);
        let last = slowly.clone().reserve_owned().await.ok();
        let cut = DemoCut { last, doing };
        let pace = Arc::clone(&self.pace);
        while self.streams.try_join_next().is_some() {}
        self.streams.spawn(async move {
            while let Some(message) = messages.recv().await {
                pace.wait().await;
                if slowly.send(message).await.is_err() {
                    break;
                }
            }
            cut.ended();
        });
        Ok(stream)
    }

    async fn close(self: Box<Self>) {
        self.session.close().await;
    }
}
