//! What an engine works with: database, secrets, folders, clock, and what makes endpoints.

use std::path::PathBuf;
use std::sync::Arc;

use crate::domain::clock::Clock;
use crate::endpoint::budget::Budget;
use crate::engine::endpoints::Endpoints;
use crate::engine::sign_ins::SignIns;
use crate::store::Store;
use crate::vault::Vault;

/// Memory that message bytes of all passes may take together (D20).
pub const MESSAGE_MEMORY: usize = 64 * 1024 * 1024;

/// Which items an engine takes by itself: when their time comes, or when what held them is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Takes {
    /// All of the workspace.
    #[default]
    All,
    /// Those only that it was told to start or to let go on: others wait for a process that takes all (D3).
    Given,
}

/// Everything an engine works with. Cheap to clone.
#[derive(Clone)]
pub struct Workspace {
    /// The database.
    pub store: Store,
    /// The secrets.
    pub vault: Arc<dyn Vault>,
    /// Tokens, for servers that take no passwords.
    pub sign_ins: SignIns,
    /// Where large messages are spooled; private, empty at start.
    pub spool: PathBuf,
    /// Where numbers of messages are kept that their source cannot keep (Maildir); private, lasting.
    pub numbers: PathBuf,
    /// The process-wide memory budget for message bytes, of [`MESSAGE_MEMORY`].
    pub budget: Arc<Budget>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Makes endpoints.
    pub endpoints: Arc<dyn Endpoints>,
    /// Which items it takes by itself.
    pub takes: Takes,
}

#[cfg(test)]
impl Workspace {
    /// With no secrets, everything else in this folder and real.
    pub fn bare(store: Store, folder: &std::path::Path) -> Self {
        Self {
            store,
            vault: Arc::new(crate::vault::MemoryVault::default()),
            sign_ins: SignIns::default(),
            spool: folder.to_owned(),
            numbers: folder.to_owned(),
            budget: Budget::new(MESSAGE_MEMORY),
            clock: Arc::new(crate::platform::clock::SystemClock),
            endpoints: Arc::new(crate::engine::endpoints::RealEndpoints),
            takes: Takes::All,
        }
    }
}
