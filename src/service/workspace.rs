//! A workspace as use cases hold it: its database, its vault that may be locked, the clock. Neither its lock nor an engine.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::lockable_vault::LockableVault;
use super::mail_token::MailTokens;
use super::seam::{Endpoints, RealEndpoints};
use super::{ServiceError, VaultKind};
use crate::domain::clock::Clock;
use crate::domain::secret::Secret;
use crate::domain::time::Timestamp;
use crate::engine::SignIns;
use crate::platform::awake::{StaysAwake, SystemAwake};
use crate::platform::clock::SystemClock;
use crate::platform::lock::is_held;
use crate::platform::{folder, logging};
use crate::store::Store;

/// A data folder whose log has begun. Keep it until the end: dropping it writes what of the log waits.
pub struct DataFolder {
    /// Where it is.
    pub path: PathBuf,
    _log: Box<dyn std::any::Any + Send>,
}

impl DataFolder {
    /// Finds or makes the data folder (the user's own if none is named) and begins its log. Once in a process.
    ///
    /// # Errors
    /// There is none, it is not private, or the log cannot be written.
    pub fn prepare(named: Option<PathBuf>) -> Result<Self, ServiceError> {
        let path = folder::data_dir(named)?;
        let log = logging::init(&path, tracing::Level::INFO)?;
        Ok(Self { path, _log: Box::new(log) })
    }
}

/// What is needed to open a workspace.
#[derive(Clone)]
pub struct OpenOptions {
    /// The data folder.
    pub folder: PathBuf,
    /// The kind of vault that was asked for by name.
    pub vault: Option<VaultKind>,
    /// The passphrase of a file vault, if it is known beforehand.
    pub passphrase: Option<Secret>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Makes endpoints.
    pub endpoints: Arc<dyn Endpoints>,
    /// Keeps the computer awake.
    pub awake: Arc<dyn StaysAwake>,
}

impl OpenOptions {
    /// The workspace in this folder, with the machine's clock and the endpoints that Mailferry ships.
    pub fn new(folder: PathBuf) -> Self {
        let (clock, endpoints) = (Arc::new(SystemClock), Arc::new(RealEndpoints));
        Self { folder, vault: None, passphrase: None, clock, endpoints, awake: Arc::new(SystemAwake) }
    }
}

/// An open workspace. Cheap to clone; keeps neither an engine nor the workspace's lock from going.
#[derive(Clone)]
pub struct OpenWorkspace {
    pub(super) options: Arc<OpenOptions>,
    pub(super) store: Store,
    pub(super) vault: Arc<LockableVault>,
    pub(super) sign_ins: SignIns,
    pub(super) mail_tokens: MailTokens,
}

impl OpenWorkspace {
    /// Opens or makes the database; the vault stays locked. Blocks.
    ///
    /// # Errors
    /// Why not.
    pub fn open(options: impl Into<Arc<OpenOptions>>) -> Result<Self, ServiceError> {
        let options = options.into();
        let store = Store::open(&options.folder, options.clock.now())?;
        Ok(Self {
            options,
            store,
            vault: Arc::default(),
            sign_ins: SignIns::default(),
            mail_tokens: MailTokens::default(),
        })
    }

    /// The time by its clock.
    pub fn now(&self) -> Timestamp {
        self.options.clock.now()
    }

    /// Its data folder.
    pub fn folder(&self) -> &Path {
        &self.options.folder
    }

    /// Whether a process runs an engine in it now, this one included.
    pub fn is_held(&self) -> bool {
        is_held(&self.options.folder)
    }
}
