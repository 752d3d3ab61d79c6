//! A vault that forgets everything with the process: tests, demonstrations, and one-off runs.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::{Progress, Vault, VaultError};
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

    fn put_many(&self, entries: Vec<(CredentialId, Secret)>, progress: &Progress<'_>) -> Result<(), VaultError> {
        if progress(entries.len()).is_break() {
            return Err(VaultError::Cancelled);
        }
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(entries);
        Ok(())
    }

    fn delete_many(&self, ids: &[CredentialId], progress: &dyn Fn(usize)) -> Result<(), VaultError> {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for id in ids {
            entries.remove(id);
        }
        progress(ids.len());
        Ok(())
    }
}
