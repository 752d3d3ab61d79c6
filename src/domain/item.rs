//! An item: one source mailbox and one destination mailbox.

use serde::{Deserialize, Serialize};

use super::failure::Side;
use super::ids::{CredentialId, ItemId, ProjectId};
use super::project::Project;
use super::server::Server;

/// One side of an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mailbox {
    /// E-mail address: half of the item's key.
    pub email: String,
    /// Login name, if it differs from the address.
    pub login: Option<String>,
    /// The credential of its own, if it has one (D17). The secret is in the vault.
    pub credential: Option<CredentialId>,
}

impl Mailbox {
    /// What the server calls this mailbox: the login name, else the address.
    pub fn login_name(&self) -> &str {
        self.login.as_deref().unwrap_or(&self.email)
    }
}

/// Why an item cannot start at all, whatever its status: a side without a credential, or a mailbox that would be copied
/// into itself. `admins` tells whether the administrator's password of either side is known.
pub fn not_ready(project: &Project, admins: (bool, bool), item: &Item) -> Option<String> {
    let has = |server: &Server, admin: bool, mailbox: &Mailbox| match (server.needs_login(), &server.admin) {
        (false, _) => true,
        (true, Some(_)) => admin,
        (true, None) => mailbox.credential.is_some(),
    };
    let missing: Vec<&str> = [
        (Side::Source, has(&project.source, admins.0, &item.source)),
        (Side::Destination, has(&project.destination, admins.1, &item.destination)),
    ]
    .into_iter()
    .filter(|(_, has)| !has)
    .map(|(side, _)| side.word())
    .collect();
    if !missing.is_empty() {
        let sides = missing.join(" and the ");
        return Some(format!(
            "no credential for the {sides}: import a password, or make a project with an administrator"
        ));
    }
    let same = project.source.is_same_mailbox(&item.source, &project.destination, &item.destination);
    same.then(|| "source and destination are the same mailbox".into())
}

/// An item. Its key within the project is the pair of addresses, ignoring case (D5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The row.
    pub id: ItemId,
    /// Its project.
    pub project: ProjectId,
    /// The mailbox to read.
    pub source: Mailbox,
    /// The mailbox to write.
    pub destination: Mailbox,
}

impl Item {
    /// Its row and its two mailboxes.
    pub fn as_named(&self) -> (ItemId, &Mailbox, &Mailbox) {
        (self.id, &self.source, &self.destination)
    }
}
