//! A vault that forgets everything with the process: tests, demonstrations, and one-off runs.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::{Vault, VaultError};
use crate::domain::ids::CredentialId;
use crate::domain::secret::Secret;

/// Secrets in memory.
#[derive(Default)]
pub struct MemoryVault(Mutex<HashMap<CredentialId, Secret>>);

impl Vault for MemoryVault {
    fn get(&self, id: CredentialId) -> Result<Secret, VaultError> {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.get(&id).cloned().ok_or(VaultError::Missing(id))
    }

    fn put_many(&self, entries: Vec<(CredentialId, Secret)>, progress: &dyn Fn(usize)) -> Result<(), VaultError> {
        let count = entries.len();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(entries);
        progress(count);
        Ok(())
    }

    fn delete_many(&self, ids: &[CredentialId], progress: &dyn Fn(usize)) -> Result<(), VaultError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|id, _| !ids.contains(id));
        progress(ids.len());
        Ok(())
    }
}
