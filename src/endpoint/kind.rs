//! What a kind of mailbox is to the rest of the program: the endpoints of a mailbox, and where it is.
//!
//! Each kind answers for its variant of [`crate::domain::server::Server`], in its own folder; [`super::registry`] lists them.

use std::sync::Arc;

use async_trait::async_trait;

use super::auth::Authenticator;
use super::check::{Tested, Told};
use super::place::{Links, Place};
use super::{DestinationEndpoint, Resources, Result, SourceEndpoint};
use crate::domain::certificate::SeenCertificate;
use crate::domain::failure::{Cause, Failure, Retry, Scope, Side};
use crate::domain::item::Mailbox;

/// One kind of mailbox.
#[async_trait]
pub trait MailboxKind: Sync {
    /// The endpoints of a mailbox, which is to be this side; nothing is connected to yet.
    ///
    /// # Errors
    /// There can be no such mailbox.
    fn roles(&self, side: Side, mailbox: &Mailbox, auth: Arc<dyn Authenticator>, resources: Resources)
    -> Result<Roles>;

    /// The certificate that is shown now, by a connection on which nothing is said that is secret.
    ///
    /// # Errors
    /// It cannot be reached, or shows none.
    async fn certificate(&self) -> Result<SeenCertificate> {
        let doing = "looking at the certificate";
        Err(Failure::new(Cause::TlsFailed, Scope::Endpoint, Retry::User, doing).saying("there is none"))
    }

    /// Tests it, step by step: with a mailbox, else the server as far as that goes.
    async fn check(&self, tested: Option<Tested>, told: &mut Told<'_>);

    /// Where a mailbox is, as things are now, or were when these links were looked at. Blocks where that is to be looked up.
    fn place(&self, mailbox: &Mailbox, links: &Links) -> Place;
}

/// What a mailbox can be. Those of some kinds can only be read, or only be written: an archive is a source and nothing else.
pub struct Roles {
    /// To be read.
    pub source: Option<Arc<dyn SourceEndpoint>>,
    /// To be written.
    pub destination: Option<Arc<dyn DestinationEndpoint>>,
}

impl Roles {
    /// Of a mailbox that can be both.
    pub fn both(endpoint: impl SourceEndpoint + DestinationEndpoint + 'static) -> Self {
        let endpoint = Arc::new(endpoint);
        Self { source: Some(Arc::clone(&endpoint) as _), destination: Some(endpoint) }
    }

    /// To read it.
    ///
    /// # Errors
    /// It can only be written.
    pub fn source(self) -> Result<Arc<dyn SourceEndpoint>> {
        self.source.ok_or_else(|| wrong(Side::Source))
    }

    /// To write it.
    ///
    /// # Errors
    /// It can only be read.
    pub fn destination(self) -> Result<Arc<dyn DestinationEndpoint>> {
        self.destination.ok_or_else(|| wrong(Side::Destination))
    }
}

fn wrong(side: Side) -> Failure {
    Failure::new(Cause::WrongSide, Scope::Endpoint, Retry::User, format!("opening the {}", side.word()))
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;

    use super::*;
    use crate::endpoint::{Destination, Source};

    struct Nobody;

    fn nobody<T>() -> Result<T> {
        Err(Failure::new(Cause::Unreachable, Scope::Endpoint, Retry::Never, "opening"))
    }

    #[async_trait]
    impl SourceEndpoint for Nobody {
        async fn open_source(&self) -> Result<Box<dyn Source>> {
            nobody()
        }
    }

    #[async_trait]
    impl DestinationEndpoint for Nobody {
        async fn open_destination(&self) -> Result<Box<dyn Destination>> {
            nobody()
        }
    }

    #[test]
    fn a_kind_that_can_be_one_side_only_refuses_to_be_the_other() {
        let archive = || Roles { destination: None, ..Roles::both(Nobody) };
        assert!(archive().source().is_ok());
        let refused = archive().destination().err().expect("refused");
        assert_eq!((refused.cause, refused.doing.as_str()), (Cause::WrongSide, "opening the destination"));
        let writable = Roles { source: None, ..Roles::both(Nobody) };
        assert_eq!(writable.source().err().expect("refused").cause, Cause::WrongSide);
    }
}
