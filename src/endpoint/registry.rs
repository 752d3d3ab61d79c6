//! The kinds of endpoint that there are, one line each, and what is asked of all of them.

use std::sync::Arc;

use super::auth::Authenticator;
use super::check::{Tested, Told};
use super::kind::MailboxKind;
use super::place::{Links, Place};
use super::{DestinationEndpoint, Resources, Result, SourceEndpoint};
use crate::domain::certificate::SeenCertificate;
use crate::domain::failure::{Cause, Failure, Retry, Scope, Side};
use crate::domain::item::Mailbox;
use crate::domain::server::Server;

/// Which kind serves a side of a project.
fn kind(server: &Server) -> &dyn MailboxKind {
    match server {
        Server::Imap(server) => server,
        Server::Maildir(server) => server,
    }
}

/// Opens mailboxes. Tests put their own in its place.
pub trait Endpoints: Send + Sync {
    /// This mailbox of this server, to be read; nothing is connected to yet.
    ///
    /// # Errors
    /// There can be no such mailbox, or none that can be a source.
    fn source(
        &self,
        server: &Server,
        mailbox: &Mailbox,
        auth: Arc<dyn Authenticator>,
        resources: Resources,
    ) -> Result<Arc<dyn SourceEndpoint>>;

    /// This mailbox of this server, to be written; nothing is connected to yet.
    ///
    /// # Errors
    /// There can be no such mailbox, or none that can be a destination.
    fn destination(
        &self,
        server: &Server,
        mailbox: &Mailbox,
        auth: Arc<dyn Authenticator>,
        resources: Resources,
    ) -> Result<Arc<dyn DestinationEndpoint>>;
}

/// The endpoints that Mailferry ships.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealEndpoints;

impl Endpoints for RealEndpoints {
    fn source(
        &self,
        server: &Server,
        mailbox: &Mailbox,
        auth: Arc<dyn Authenticator>,
        resources: Resources,
    ) -> Result<Arc<dyn SourceEndpoint>> {
        kind(server).roles(Side::Source, mailbox, auth, resources)?.source()
    }

    fn destination(
        &self,
        server: &Server,
        mailbox: &Mailbox,
        auth: Arc<dyn Authenticator>,
        resources: Resources,
    ) -> Result<Arc<dyn DestinationEndpoint>> {
        kind(server).roles(Side::Destination, mailbox, auth, resources)?.destination()
    }
}

/// The certificate that a server shows now. No password is sent.
///
/// # Errors
/// It cannot be reached, or shows none.
pub async fn certificate(server: &Server) -> Result<SeenCertificate> {
    kind(server).certificate().await
}

/// Tests a server, step by step, with a mailbox of it if there is one. Changes nothing, and ends at the first step that fails.
pub async fn check(server: &Server, tested: Option<Tested>, told: &mut Told<'_>) {
    kind(server).check(tested, told).await;
}

/// Where a mailbox is, as things are now. Looks at the disk where its kind lies there, and blocks; what many mailboxes have
/// in common is looked at once for all that are asked about with the same links.
pub fn place(server: &Server, mailbox: &Mailbox, links: &Links) -> Place {
    kind(server).place(mailbox, links)
}

/// Refuses to copy a mailbox into itself, when its two sides are one folder by two paths. Looks at the disk, on a thread for
/// that.
///
/// # Errors
/// They are one.
pub async fn tell_apart(source: (Server, Mailbox), destination: (Server, Mailbox)) -> Result<()> {
    let look = move || {
        let [from, into] = [source, destination].map(|(server, mailbox)| place(&server, &mailbox, &Links::default()));
        from.is_one_folder_with(&into)
    };
    match tokio::task::spawn_blocking(look).await.unwrap_or(false) {
        false => Ok(()),
        true => {
            let failure = Failure::new(Cause::SameMailbox, Scope::Mailbox, Retry::User, "opening the destination");
            Err(failure.saying("it is the source itself, by another path"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::item::Mailbox;

    #[test]
    #[cfg(unix)]
    fn one_maildir_by_two_paths_has_one_key_before_it_is_made_too() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("mail"), folder.path().join("link"));
        std::fs::create_dir(&real).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let key = |root: &std::path::Path, email: &str| {
            let server = Server::parse_url(&format!("maildir:{}/{{email}}", root.display())).unwrap();
            place(&server, &Mailbox { email: email.into(), login: None, credential: None }, &Links::default()).keys
        };
        assert_eq!(key(&real, "anna@x"), key(&link, "Anna@x"), "neither is there yet");
        std::fs::create_dir(real.join("anna@x")).unwrap();
        assert_eq!(key(&real, "anna@x"), key(&link, "anna@x"));
        assert_ne!(key(&real, "anna@x"), key(&link, "bob@x"));
    }
}
