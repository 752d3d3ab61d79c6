//! Where secrets are kept: one trait, one module per kind of vault (D17).
//!
//! A secret is asked for by the number that the database keeps. Nothing here knows what a credential is for, and no secret
//! reaches a log, an error or the disk in the clear. Every method blocks (on the disk, later on the system's keyring): call
//! it through [`fetch`] or on a thread of its own, never on one that paints or polls.

mod file;
mod memory;

pub use file::FileVault;
pub use memory::MemoryVault;

use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::domain::ids::CredentialId;
use crate::domain::secret::Secret;

/// The kinds of vault. A workspace keeps the kind it was made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VaultKind {
    /// The operating system's keyring.
    Keyring,
    /// An encrypted file in the data folder, opened by a passphrase.
    File,
    /// Memory only: gone with the process.
    Memory,
}

impl VaultKind {
    /// The word for the command line and the database.
    pub fn word(self) -> &'static str {
        match self {
            Self::Keyring => "keyring",
            Self::File => "file",
            Self::Memory => "memory",
        }
    }

    /// The kind a word names.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Keyring, Self::File, Self::Memory].into_iter().find(|kind| kind.word() == word)
    }
}

/// Why a vault did not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// There is no such entry on this machine.
    #[error("credential {0} is not in this machine's vault: enter it again")]
    Missing(CredentialId),
    /// The vault needs to be unlocked first.
    #[error("the vault is locked: {0}")]
    Locked(String),
    /// The key of the vault does not open with this passphrase.
    #[error("the passphrase does not open the vault: check it and try again")]
    WrongPassphrase,
    /// This kind is not available.
    #[error("the {0} vault is not built into this version yet: use --vault file")]
    NotBuiltIn(&'static str),
    /// Anything else.
    #[error("the vault failed: {0}")]
    Failed(String),
}

/// A keeper of secrets.
pub trait Vault: Send + Sync {
    /// One secret.
    fn get(&self, id: CredentialId) -> Result<Secret, VaultError>;
    /// Adds or replaces secrets, all or nothing where the kind allows it. `progress` hears how many are done.
    fn put_many(&self, entries: Vec<(CredentialId, Secret)>, progress: &dyn Fn(usize)) -> Result<(), VaultError>;
    /// Removes secrets; those that are not there count as removed.
    fn delete_many(&self, ids: &[CredentialId], progress: &dyn Fn(usize)) -> Result<(), VaultError>;
}

/// Opens (or makes) the vault of a workspace. The passphrase is asked for by the file vault only.
pub fn open(
    kind: VaultKind,
    folder: &Path,
    workspace: &str,
    passphrase: Option<&Secret>,
) -> Result<Arc<dyn Vault>, VaultError> {
    match kind {
        VaultKind::Keyring => Err(VaultError::NotBuiltIn(kind.word())),
        VaultKind::Memory => Ok(Arc::new(MemoryVault::default())),
        VaultKind::File => {
            let passphrase = passphrase.ok_or_else(|| VaultError::Locked("its passphrase is needed".into()))?;
            Ok(Arc::new(FileVault::open(&folder.join(FileVault::FILE), workspace, passphrase)?))
        }
    }
}

/// Asks for one secret on tokio's blocking pool.
pub async fn fetch(vault: &Arc<dyn Vault>, id: CredentialId) -> Result<Secret, VaultError> {
    let vault = Arc::clone(vault);
    let asked = tokio::task::spawn_blocking(move || vault.get(id)).await;
    asked.map_err(|_| VaultError::Failed("the request was broken off".into()))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn kinds_open_or_say_why_not() {
        let folder = tempfile::tempdir().unwrap();
        let open = |kind, phrase: Option<&Secret>| open(kind, folder.path(), "w", phrase).map(|_| ());
        assert_eq!(open(VaultKind::Keyring, None), Err(VaultError::NotBuiltIn("keyring")));
        assert!(matches!(open(VaultKind::File, None), Err(VaultError::Locked(_))));
        assert_eq!(open(VaultKind::File, Some(&Secret::new("open sesame"))), Ok(()));
        let memory = super::open(VaultKind::Memory, folder.path(), "w", None).unwrap();
        memory.put_many(vec![(CredentialId(1), Secret::new("x"))], &|_| ()).unwrap();
        assert_eq!(fetch(&memory, CredentialId(1)).await, Ok(Secret::new("x")));
        memory.delete_many(&[CredentialId(1), CredentialId(2)], &|_| ()).unwrap();
        assert_eq!(fetch(&memory, CredentialId(1)).await, Err(VaultError::Missing(CredentialId(1))));
        assert_eq!(VaultKind::parse("file"), Some(VaultKind::File));
        assert_eq!(serde_json::to_string(&VaultKind::File).unwrap(), "\"file\"");
    }
}
