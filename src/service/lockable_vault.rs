//! A vault that is opened after the engine may have started: until somebody gives the passphrase it is locked.

use std::sync::{Arc, RwLock};

use crate::domain::ids::CredentialId;
use crate::domain::secret::Secret;
use crate::vault::{Progress, Vault, VaultError};

/// Locked until [`LockableVault::set`].
#[derive(Default)]
pub struct LockableVault(RwLock<Option<Arc<dyn Vault>>>);

impl LockableVault {
    /// The vault is open from now on.
    pub fn set(&self, vault: Arc<dyn Vault>) {
        // A poisoned lock only means that another thread panicked between two assignments of this one value.
        *self.0.write().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(vault);
    }

    /// The vault, if it is open.
    pub fn get_open(&self) -> Option<Arc<dyn Vault>> {
        self.0.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    fn open(&self) -> Result<Arc<dyn Vault>, VaultError> {
        self.get_open().ok_or_else(|| VaultError::Locked("unlock it in the window first".into()))
    }
}

impl Vault for LockableVault {
    fn get(&self, id: CredentialId) -> Result<Secret, VaultError> {
        self.open()?.get(id)
    }

    fn put_many(&self, entries: Vec<(CredentialId, Secret)>, progress: &Progress<'_>) -> Result<(), VaultError> {
        self.open()?.put_many(entries, progress)
    }

    fn delete_many(&self, ids: &[CredentialId], progress: &dyn Fn(usize)) -> Result<(), VaultError> {
        self.open()?.delete_many(ids, progress)
    }

    fn batch(&self) -> usize {
        self.get_open().map_or(usize::MAX, |vault| vault.batch())
    }
}
