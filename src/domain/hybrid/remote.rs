//! What a service that moves mailboxes tells, in one form for every service.

use super::status::Phase;
use crate::domain::time::Timestamp;

/// A batch as the service has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RemoteBatch {
    /// Its name there.
    pub name: String,
    /// The service's word for its state.
    pub word: String,
    /// From when on it is finalized, if that was ordered, by whomever.
    pub complete_after: Option<Timestamp>,
}

impl RemoteBatch {
    /// Whether it was started, by whomever.
    pub fn is_started(&self) -> bool {
        !matches!(self.word.as_str(), "" | "Created" | "Stopped" | "Stopping")
    }
}

/// A user as the service has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RemoteUser {
    /// Its address.
    pub address: String,
    /// The service's word for its state.
    pub word: String,
    /// What it says went wrong. While the user is being synced that is passing.
    pub error: Option<String>,
    /// Items that are there.
    pub synced: Option<u64>,
    /// Items that were left out.
    pub skipped: Option<u64>,
    /// When it was synced last.
    pub last_sync: Option<Timestamp>,
}

impl RemoteUser {
    /// What its word means.
    pub fn phase(&self) -> Phase {
        phase(&self.word)
    }
}

/// What the service's word for a user means (Get-MigrationUser, property Status; Exchange PowerShell reference).
pub fn phase(word: &str) -> Phase {
    match word {
        "Queued" | "Validating" | "Provisioning" | "ProvisionUpdating" | "Starting" | "Syncing" => Phase::Syncing,
        "Synced" | "IncrementalSyncing" | "IncrementalSynced" => Phase::Synced,
        "Completing" | "CompletionSynced" => Phase::Completing,
        "Completed" | "CompletedWithWarnings" => Phase::Completed,
        "Failed" | "Corrupted" | "IncrementalFailed" | "CompletionFailed" => Phase::Failed,
        "Stopping" | "Stopped" | "IncrementalStopped" | "Removing" => Phase::Halted,
        _ => Phase::Unknown,
    }
}

/// The move of a user, which outlives what the service calls its user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RemoteMove {
    /// The service's word for its state.
    pub word: String,
    /// From when on it is finalized, if that was ordered.
    pub complete_after: Option<Timestamp>,
}

/// What the service counted for a user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RemoteStatistics {
    /// The service's own per cent.
    pub percent: Option<u8>,
    /// Bytes that were carried.
    pub bytes: Option<u64>,
    /// Items that are there.
    pub synced: Option<u64>,
    /// Items that were left out.
    pub skipped: Option<u64>,
    /// The service's own account, where it was asked for: it may take many minutes.
    pub report: Option<String>,
}

/// What an address is in the tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecipientKind {
    /// A user whose mailbox is elsewhere: it can move.
    MailUser,
    /// It has a mailbox in the tenant.
    Mailbox,
}

/// An address in the tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// Its main address.
    pub address: String,
    /// All its addresses, without `smtp:`.
    pub proxies: Vec<String>,
    /// What it is.
    pub kind: RecipientKind,
    /// The mailbox's own number is known here, so that a license makes no second mailbox.
    pub has_guid: bool,
    /// Its number in the directory.
    pub object: Option<String>,
}

/// A license of the tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sku {
    /// Its number.
    pub id: String,
    /// Its name, as `ENTERPRISEPACK`.
    pub name: String,
    /// It can be assigned to users, and holds a mailbox.
    pub fits: bool,
    /// Units that nobody has.
    pub free: u64,
}

/// A user in the directory, as licenses see it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Licensee {
    /// Its number.
    pub object: String,
    /// Where it works: two letters.
    pub location: Option<String>,
    /// The numbers of its licenses.
    pub skus: Vec<String>,
}

/// A migration endpoint that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MigrationEndpoint {
    /// Its name.
    pub name: String,
    /// Its kind, in the service's word.
    pub kind: String,
    /// The server that it reaches.
    pub server: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_never_seen_before_means_nothing() {
        for word in ["", "Synchronizing", "completed", "Zurückgestellt"] {
            assert_eq!(phase(word), Phase::Unknown, "{word}");
        }
        assert_eq!(phase("IncrementalSyncing"), Phase::Synced, "changes are synced in Pending Finalization");
    }
}
