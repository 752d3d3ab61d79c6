//! The mailboxes of an item for one look of a person, outside any pass: opened once, nothing retried.

use std::sync::Arc;

use crate::domain::failure::{Failure, Side};
use crate::domain::ids::{CredentialId, ItemId};
use crate::domain::item::{Item, Mailbox};
use crate::domain::project::Project;
use crate::domain::secret::Secret;
use crate::domain::server::Server;
use crate::endpoint::auth::Authenticator;
use crate::endpoint::check::Tested;
use crate::endpoint::{ByteCounter, DestinationEndpoint, Resources, SourceEndpoint, Waits};
use crate::engine::logins::Logins;
use crate::engine::sign_ins::{LeftKeeper, SignInOf, unkept};
use crate::engine::workspace::Workspace;
use crate::store::StoreError;

/// How the mailboxes of an item are opened.
pub(super) struct Looks<'a> {
    workspace: &'a Workspace,
    project: Project,
    item: Item,
    secrets: [Option<CredentialId>; 2],
}

impl<'a> Looks<'a> {
    pub async fn new(workspace: &'a Workspace, item: ItemId) -> Result<Self, StoreError> {
        let item = workspace.store.item(item).await?.item;
        let project = workspace.store.project(item.project).await?;
        let (source, destination) = workspace.store.project_credentials(project.id).await?;
        Ok(Self { workspace, project, item, secrets: [source, destination] })
    }

    pub async fn source(&self, meter: Arc<ByteCounter>) -> Result<Arc<dyn SourceEndpoint>, Failure> {
        let (account, resources) = self.access(Side::Source, meter).await?;
        self.workspace.endpoints.source(&self.project.source, &self.item.source, account, resources)
    }

    pub async fn destination(&self) -> Result<Arc<dyn DestinationEndpoint>, Failure> {
        let (account, resources) = self.access(Side::Destination, Arc::default()).await?;
        self.workspace.endpoints.destination(&self.project.destination, &self.item.destination, account, resources)
    }

    /// Opens a side as this user, once, and closes it.
    ///
    /// # Errors
    /// Why it does not open.
    pub async fn opens_with(&self, side: Side, user: &str, auth: Arc<dyn Authenticator>) -> Result<(), Failure> {
        let mailbox = Mailbox { login: Some(user.to_owned()), ..self.mailbox(side).clone() };
        let (endpoints, resources) = (&self.workspace.endpoints, self.resources(Arc::default()));
        match side {
            Side::Source => {
                let source = endpoints.source(&self.project.source, &mailbox, auth, resources)?;
                source.open_source().await?.close().await;
            }
            Side::Destination => {
                let destination = endpoints.destination(&self.project.destination, &mailbox, auth, resources)?;
                destination.open_destination().await?.close().await;
            }
        }
        Ok(())
    }

    /// Who opens a side as this user by what a person's sign-in left; none where no person signs in.
    pub fn unkept(&self, side: Side, user: &str, left: Secret) -> Option<(Arc<dyn Authenticator>, Arc<LeftKeeper>)> {
        let sign_in = self.server(side).sign_in().filter(|sign_in| !sign_in.kind.is_app())?.clone();
        let (project, secret) = (self.project.id, self.secret(side));
        let of = SignInOf { project, side, sign_in, user: user.to_owned(), secret, kept: None };
        Some(unkept(of, left, self.workspace))
    }

    /// The server of a side.
    pub fn server(&self, side: Side) -> &Server {
        self.project.server(side)
    }

    /// What a test of a side takes.
    pub fn tested(&self, side: Side) -> Tested {
        let mailbox = self.mailbox(side).clone();
        let auth = self.logins().unread(side, &mailbox, self.secret(side));
        Tested { mailbox, side, auth, resources: self.resources(Arc::default()) }
    }

    async fn access(
        &self,
        side: Side,
        meter: Arc<ByteCounter>,
    ) -> Result<(Arc<dyn Authenticator>, Resources), Failure> {
        let auth = self.logins().at(side, self.mailbox(side), self.secret(side)).await?;
        Ok((auth, self.resources(meter)))
    }

    fn logins(&self) -> Logins<'_> {
        Logins { workspace: self.workspace, administrators: None, project: &self.project }
    }

    fn mailbox(&self, side: Side) -> &Mailbox {
        match side {
            Side::Source => &self.item.source,
            Side::Destination => &self.item.destination,
        }
    }

    fn secret(&self, side: Side) -> Option<CredentialId> {
        let [at_source, at_destination] = self.secrets;
        if side == Side::Source { at_source } else { at_destination }
    }

    fn resources(&self, meter: Arc<ByteCounter>) -> Resources {
        let (spool, numbers) = (self.workspace.spool.clone(), self.workspace.numbers.clone());
        let (budget, network, said) = (Arc::clone(&self.workspace.budget), Arc::default(), Arc::default());
        Resources { spool, numbers, budget, meter, network, said, waits: Waits::Person }
    }
}
