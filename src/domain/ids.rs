//! Identifiers of rows that outlive the process. Each is assigned once by the store and never reused (D5).

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id!(
    /// A project.
    ProjectId
);
id!(
    /// An item: one source mailbox and one destination mailbox.
    ItemId
);
id!(
    /// One submission of an item.
    PassId
);
id!(
    /// A source folder of an item, with what is known of its counterpart at the destination.
    FolderId
);
id!(
    /// A secret in the vault. The database holds this number, never the secret (D17).
    CredentialId
);
id!(
    /// A pool of licenses.
    PoolId
);

id!(
    /// What the owner of a mailbox is asked for by one link.
    CredentialRequestId
);
id!(
    /// A mail that Mailferry sends.
    MailId
);
id!(
    /// The end of a pass that is told by mail.
    EndNoticeId
);

id!(
    /// A hybrid project.
    HybridProjectId
);
id!(
    /// A batch of a hybrid project.
    HybridBatchId
);
id!(
    /// A user of a hybrid project.
    HybridUserId
);
id!(
    /// An order to the service that moves mailboxes.
    HybridOrderId
);

impl PoolId {
    /// The pool that every workspace begins with: unlimited.
    pub const FIRST: Self = Self(1);
}

/// The number that one side gives a message within one folder and UIDVALIDITY: an IMAP UID, or, for kinds with
/// text ids, the number their per-folder key table assigned (D7). Ascends in the order messages arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Uid(pub i64);

impl std::fmt::Display for Uid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}
