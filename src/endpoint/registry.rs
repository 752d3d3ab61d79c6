//! Which kind of endpoint serves a side of a project: one line a kind.

use std::sync::Arc;

use super::auth::Authenticator;
use super::imap::{ImapEndpoint, Timeouts, Who};
use super::maildir::MaildirEndpoint;
use super::{Endpoint, Resources, Result};
use crate::domain::failure::{Cause, Failure, Retry, Scope, Side};
use crate::domain::item::Mailbox;
use crate::domain::server::Server;

/// Opens mailboxes. Tests put their own in its place.
pub trait Endpoints: Send + Sync {
    /// The endpoint of this mailbox of this server; nothing is connected to yet.
    ///
    /// # Errors
    /// There can be no such mailbox.
    fn open(
        &self,
        side: Side,
        server: &Server,
        mailbox: &Mailbox,
        auth: Arc<dyn Authenticator>,
        resources: Resources,
    ) -> Result<Arc<dyn Endpoint>>;
}

/// The endpoints that Mailferry ships.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealEndpoints;

impl Endpoints for RealEndpoints {
    fn open(
        &self,
        side: Side,
        server: &Server,
        mailbox: &Mailbox,
        auth: Arc<dyn Authenticator>,
        resources: Resources,
    ) -> Result<Arc<dyn Endpoint>> {
        match server {
            Server::Maildir(server) => {
                let root = server.path.root(mailbox).map_err(|error| {
                    let doing = format!("finding the {} Maildir", side.word());
                    Failure::new(Cause::MaildirNotOpened, Scope::Mailbox, Retry::User, doing).saying(error.to_string())
                })?;
                Ok(Arc::new(MaildirEndpoint::new(root.into(), resources)))
            }
            Server::Imap(server) => {
                let who = Who { user: mailbox.login_name().to_owned(), admin: server.admin.clone() };
                Ok(Arc::new(ImapEndpoint::new(server.clone(), who, auth, resources, Timeouts::default())))
            }
        }
    }
}
