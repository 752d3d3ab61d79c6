//! An item: one source mailbox and one destination mailbox.

use serde::{Deserialize, Serialize};

use super::ids::{CredentialId, ItemId, ProjectId};

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
