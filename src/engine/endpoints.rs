//! Which kind of endpoint serves a side of a project.

use std::path::PathBuf;
use std::sync::Arc;

use crate::domain::server::Server;
use crate::endpoint::imap::{ImapEndpoint, Login, Timeouts};
use crate::endpoint::maildir::MaildirEndpoint;
use crate::endpoint::{Endpoint, Resources};

/// Makes endpoints. Tests put their own in its place.
pub trait Endpoints: Send + Sync {
    /// The endpoint that opens this mailbox of this server.
    fn endpoint(&self, server: &Server, login: Login, resources: Resources) -> Arc<dyn Endpoint>;

    /// The endpoint of the Maildir in this folder. `numbers` is the workspace's folder for the numbers of messages of
    /// Maildir sources.
    fn maildir(&self, root: PathBuf, numbers: PathBuf, resources: Resources) -> Arc<dyn Endpoint> {
        Arc::new(MaildirEndpoint::new(root, numbers, resources))
    }
}

/// The endpoints that Mailferry ships.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealEndpoints;

impl Endpoints for RealEndpoints {
    fn endpoint(&self, server: &Server, login: Login, resources: Resources) -> Arc<dyn Endpoint> {
        Arc::new(ImapEndpoint::new(server.clone(), login, resources, Timeouts::default()))
    }
}
