//! Whether an item can start at all, whatever its status: one answer for every way to start it. Pure.
//!
//! What its status allows is told by [`super::action`].

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::failure::Side;
use super::ids::ItemId;
use super::item::{Item, Mailbox};
use super::project::Project;
use super::server::Server;
use super::shared_maildir::{SharedMaildir, shared_maildirs};

/// Why an item cannot start. Shown as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum NotReady {
    /// The administrator's password of these sides is not known.
    #[error("the administrator's password for the {} is not known: enter it in the project's settings", sides(.0))]
    NoAdministrator(Vec<Side>),
    /// The secret by which an application signs in at these sides is not known.
    #[error("the secret to sign in with at the {} is not known: enter it in the project's settings", sides(.0))]
    NoSecret(Vec<Side>),
    /// A mailbox would be copied into itself.
    #[error("source and destination are the same mailbox")]
    SameMailbox,
    /// Two people's mail would lie in one Maildir.
    #[error(transparent)]
    SharedMaildir(#[from] SharedMaildir),
    /// Its project's pool has no license left for it.
    #[error("no license is left for it; add licenses to the project's pool, or start fewer items")]
    NoLicense,
    /// Its owner would have to be asked, and that was not wanted.
    #[error("its owner's password is not known, and owners are not asked now")]
    NotAsked,
    /// It is not there any more.
    #[error("the item was deleted meanwhile")]
    Deleted,
}

fn sides(sides: &[Side]) -> String {
    sides.iter().map(|side| side.word()).collect::<Vec<_>>().join(" and the ")
}

/// What there is to know of a project before its items can be looked at.
pub struct StartCheck<'a> {
    project: &'a Project,
    admins: (bool, bool),
    shared: HashMap<ItemId, SharedMaildir>,
}

impl<'a> StartCheck<'a> {
    /// For a project with all its items. `admins` tells whether the administrator's password of either side is known.
    pub fn new<'i>(
        project: &'a Project,
        admins: (bool, bool),
        all: impl Iterator<Item = &'i Item> + Clone,
    ) -> StartCheck<'a> {
        StartCheck { project, admins, shared: shared_maildirs(project, all.map(Item::as_named)) }
    }

    /// Whether one of these items can start; without a credential of its own it waits for one.
    ///
    /// # Errors
    /// Why it cannot.
    pub fn check(&self, item: &Item) -> Result<Startable, NotReady> {
        let Project { source, destination, .. } = self.project;
        let unknown = [(Side::Source, self.admins.0), (Side::Destination, self.admins.1)].into_iter();
        let unknown = unknown.filter(|(side, known)| !known && self.project.server(*side).needs_secret());
        let unknown = unknown.map(|(side, _)| side);
        let (apps, administrators): (Vec<Side>, Vec<Side>) =
            unknown.partition(|side| self.project.server(*side).sign_in().is_some());
        if !administrators.is_empty() {
            return Err(NotReady::NoAdministrator(administrators));
        }
        if !apps.is_empty() {
            return Err(NotReady::NoSecret(apps));
        }
        let lacking = lacking(self.project, self.admins, item);
        if source.is_same_mailbox(&item.source, destination, &item.destination) {
            return Err(NotReady::SameMailbox);
        }
        match self.shared.get(&item.id) {
            Some(shared) => Err(shared.clone().into()),
            None if lacking.is_empty() => Ok(Startable::Ready),
            None => Ok(Startable::Lacks(lacking)),
        }
    }
}

/// How an item can start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Startable {
    /// At once.
    Ready,
    /// When its owner's credentials for these sides have come (R11).
    Lacks(Vec<Side>),
}

/// The sides of an item for which nobody's credential is known. `admins` tells whether the administrator's password of either
/// side is known.
pub fn lacking(project: &Project, admins: (bool, bool), item: &Item) -> Vec<Side> {
    let has = |server: &Server, admin: bool, mailbox: &Mailbox| match (server.needs_login(), server.shares_login()) {
        (false, _) => true,
        (true, true) => admin,
        (true, false) => mailbox.credential.is_some(),
    };
    let known = [
        (Side::Source, has(&project.source, admins.0, &item.source)),
        (Side::Destination, has(&project.destination, admins.1, &item.destination)),
    ];
    known.into_iter().filter(|(_, has)| !has).map(|(side, _)| side).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{CredentialId, PoolId, ProjectId};
    use crate::domain::project::{Options, Starts};

    fn project(source: &str, destination: &str) -> Project {
        let server = |url: &str| Server::parse_url(url).unwrap();
        let (source, destination) = (server(source), server(destination));
        Project {
            id: ProjectId(1),
            name: "p".into(),
            client: None,
            source,
            destination,
            options: Options::default(),
            starts: Starts::default(),
            pool: PoolId::FIRST,
        }
    }

    fn item(id: i64, source: &str, destination: &str, credential: Option<CredentialId>) -> Item {
        let mailbox = |email: &str| Mailbox { email: email.into(), login: None, credential };
        Item { id: ItemId(id), project: ProjectId(1), source: mailbox(source), destination: mailbox(destination) }
    }

    #[test]
    fn an_item_needs_a_credential_on_each_side_and_two_mailboxes() {
        let servers = project("imaps://a", "imaps://b");
        let (without, with) = (item(1, "x@a", "x@b", None), item(2, "x@a", "x@b", Some(CredentialId(1))));
        let check = StartCheck::new(&servers, (false, false), [&without, &with].into_iter());
        assert_eq!(check.check(&without), Ok(Startable::Lacks(vec![Side::Source, Side::Destination])));
        assert_eq!(check.check(&with), Ok(Startable::Ready));
        let one = project("imaps://a", "imaps://a");
        let itself = item(3, "x@a", "x@a", Some(CredentialId(1)));
        assert_eq!(
            StartCheck::new(&one, (false, false), [&itself].into_iter()).check(&itself),
            Err(NotReady::SameMailbox)
        );
    }

    #[test]
    fn an_administrators_password_counts_for_all_items_of_its_side() {
        let mut servers = project("imaps://a", "imaps://b");
        servers.source.set_administrator(crate::domain::server::AdminLogin::parse("boss")).unwrap();
        let own = item(1, "x@a", "x@b", Some(CredentialId(1)));
        let of = |admins| StartCheck::new(&servers, admins, [&own].into_iter()).check(&own);
        assert_eq!(of((true, false)), Ok(Startable::Ready));
        let why = of((false, false)).unwrap_err();
        assert_eq!(why, NotReady::NoAdministrator(vec![Side::Source]));
        assert!(why.to_string().starts_with("the administrator's password for the source is not known"), "{why}");
    }

    #[test]
    fn an_application_opens_all_mailboxes_of_its_side_with_its_secret() {
        use crate::domain::sign_in::{SignIn, SignInKind};
        let mut servers = project("imaps://a", "imaps://b");
        let own = item(1, "x@a", "x@b", None);
        let of = |servers: &Project, admins| StartCheck::new(servers, admins, [&own].into_iter()).check(&own);
        servers.source.set_sign_in(Some(SignIn::of(SignInKind::MicrosoftApp))).unwrap();
        assert_eq!(of(&servers, (true, true)), Ok(Startable::Lacks(vec![Side::Destination])));
        assert_eq!(of(&servers, (false, true)), Err(NotReady::NoSecret(vec![Side::Source])));
        servers.destination.set_sign_in(Some(SignIn::of(SignInKind::Google))).unwrap();
        assert_eq!(of(&servers, (true, false)), Err(NotReady::NoSecret(vec![Side::Destination])));
        servers.destination.set_sign_in(Some(SignIn::of(SignInKind::Microsoft))).unwrap();
        let lacks = Ok(Startable::Lacks(vec![Side::Destination]));
        assert_eq!(of(&servers, (true, false)), lacks, "a public client has no secret, its person signs in");
    }

    #[test]
    fn two_peoples_mail_never_starts_into_one_maildir() {
        let folders = project("maildir:/m/{localpart}", "maildir:/n/{email}");
        let (one, two) = (item(1, "anna@a", "x@c", None), item(2, "anna@b", "y@c", None));
        let check = StartCheck::new(&folders, (false, false), [&one, &two].into_iter());
        assert!(matches!(check.check(&one), Err(NotReady::SharedMaildir(_))));
    }
}
