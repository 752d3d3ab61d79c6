//! Where secrets are kept: one trait, one module per kind of vault (D17).
//!
//! A secret is asked for by the number that the database keeps. Nothing here knows what a credential is for, and no secret
//! reaches a log, an error or the disk in the clear. Everything blocks, on the disk or on the system's keyring, which may ask
//! a person and takes some 10 ms and more for each entry written: never on a thread that paints or polls. Call [`open`] on
//! tokio's blocking pool, and the rest through [`fetch`], [`put_many`] and [`delete_many`].

mod file;
mod file_key;
mod keyring;
mod memory;
mod ring;

pub use file::FileVault;
pub use keyring::KeyringVault;
pub use memory::MemoryVault;

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::domain::ids::CredentialId;
use crate::domain::secret::Secret;

/// Letters that a new passphrase has at least, unless a person says otherwise.
pub const SHORTEST: usize = 8;

/// The kinds of vault. A workspace keeps the kind it was made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VaultKind {
    /// The operating system's keyring, one entry a credential.
    Keyring,
    /// An encrypted file in the data folder, opened by a passphrase.
    File,
    /// The same file, opened by a key in the operating system's keyring: for thousands of credentials.
    FileKeyring,
    /// Memory only: gone with the process.
    Memory,
}

impl VaultKind {
    /// The word for the command line and the database.
    pub fn word(self) -> &'static str {
        match self {
            Self::Keyring => "keyring",
            Self::File => "file",
            Self::FileKeyring => "file-keyring",
            Self::Memory => "memory",
        }
    }

    /// The kind a word names.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Keyring, Self::File, Self::FileKeyring, Self::Memory].into_iter().find(|kind| kind.word() == word)
    }
}

/// Why a vault did not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// There is no such entry on this machine.
    #[error("credential {0} is not in this machine's vault: import its item again, with the password")]
    Missing(CredentialId),
    /// It is not in the vault's file, which the workspace says it is in.
    #[error(
        "credential {0} is not in the vault's file {file}: perhaps an older one was put back. Restore the newest from a \
         backup, or import its item again, with the password",
        file = FileVault::FILE
    )]
    NotInFile(CredentialId),
    /// A passphrase that is guessed too soon.
    #[error(
        "a passphrase has at least {SHORTEST} letters: nothing was changed. Four words are better than one (a shorter one: \
         `vault passphrase --short`)"
    )]
    ShortPassphrase,
    /// The vault needs to be unlocked first.
    #[error("the vault is locked: {0}")]
    Locked(String),
    /// The key of the vault does not open with this passphrase.
    #[error("the passphrase does not open the vault: check it and try again")]
    WrongPassphrase,
    /// The system's keyring is locked, or was never set up.
    #[error(
        "this machine's keyring is locked or not set up yet ({0}): unlock it by logging in to the desktop or in its own \
         program, and try again"
    )]
    KeyringLocked(String),
    /// There is no keyring here.
    #[error(
        "this machine has no keyring that can be reached ({0}): start Mailferry again from a desktop session, on Linux one \
         with a Secret Service such as GNOME Keyring or KWallet"
    )]
    NoKeyring(String),
    /// The key of the vault's file is not in this keyring, or is another one.
    #[error(
        "the key of the vault's file is not in this machine's keyring: open the workspace as the user and on the machine \
         that made it, or bring the keyring back from a backup"
    )]
    KeyMissing,
    /// The vault was chosen once, and its file is not there any more.
    #[error(
        "the vault's file {} is gone from the workspace: restore it from a backup. Without one its passwords are lost: make \
         a new workspace (another --data folder) and import them again",
        FileVault::FILE
    )]
    FileGone,
    /// More than an entry of the system's keyring can hold.
    #[error("a password is {bytes} bytes long, and this system's keyring takes {limit}: nothing was written")]
    TooLong {
        /// Its length.
        bytes: usize,
        /// What would fit.
        limit: usize,
    },
    /// Storing was cancelled.
    #[error("cancelled: the passwords stored so far were removed again")]
    Cancelled,
    /// Anything else.
    #[error("the vault failed: {0}")]
    Failed(String),
}

impl VaultError {
    /// Whether another kind of vault would help. Never used unasked.
    pub fn is_of_the_keyring(&self) -> bool {
        matches!(self, Self::KeyringLocked(_) | Self::NoKeyring(_) | Self::TooLong { .. })
    }
}

/// Hears how many secrets are stored, and may break off: then what was stored is taken back, [`VaultError::Cancelled`].
pub type Progress<'a> = dyn Fn(usize) -> ControlFlow<()> + 'a;

/// The answer of a [`Progress`] that does not break off.
pub const GO_ON: ControlFlow<()> = ControlFlow::Continue(());

/// A keeper of secrets.
pub trait Vault: Send + Sync {
    /// One secret.
    fn get(&self, id: CredentialId) -> Result<Secret, VaultError>;
    /// Adds or replaces secrets, all or nothing where the kind allows it.
    fn put_many(&self, entries: Vec<(CredentialId, Secret)>, progress: &Progress<'_>) -> Result<(), VaultError>;
    /// Removes secrets; those that are not there count as removed.
    fn delete_many(&self, ids: &[CredentialId], progress: &dyn Fn(usize)) -> Result<(), VaultError>;
    /// How many secrets are best removed at once by whoever wants to look up in between.
    fn batch(&self) -> usize {
        usize::MAX
    }
}

/// Whether the workspace has this vault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VaultState {
    /// None was chosen yet: it is made.
    ///
    /// It is made before it is chosen. A crash between the two leaves a file without entries, which the next opening
    /// takes over or replaces; the other order would leave a choice whose file never was, which looks like a lost one.
    Unchosen,
    /// It was chosen. A file that is not there is lost, and must not be replaced by an empty one without a word.
    Chosen,
}

/// Whether a vault that was chosen is lost: [`VaultError::FileGone`].
pub fn not_lost(kind: VaultKind, folder: &Path) -> Result<(), VaultError> {
    match kind {
        VaultKind::File | VaultKind::FileKeyring if !folder.join(FileVault::FILE).exists() => Err(VaultError::FileGone),
        VaultKind::File | VaultKind::FileKeyring | VaultKind::Keyring | VaultKind::Memory => Ok(()),
    }
}

fn failed(doing: &str, error: impl std::fmt::Display) -> VaultError {
    VaultError::Failed(format!("{doing}: {error}"))
}

fn damaged() -> VaultError {
    VaultError::Failed("its file is damaged or was tampered with: restore it from a backup".into())
}

fn random<const N: usize>() -> Result<[u8; N], VaultError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|e| failed("random numbers", e))?;
    Ok(bytes)
}

/// Opens the vault of a workspace, or makes one if none was chosen. The passphrase is asked for by the file vault only.
pub fn open(
    kind: VaultKind,
    state: VaultState,
    folder: &Path,
    workspace: &str,
    passphrase: Option<&Secret>,
) -> Result<Arc<dyn Vault>, VaultError> {
    match kind {
        VaultKind::Keyring => Ok(Arc::new(KeyringVault::open(workspace)?)),
        VaultKind::Memory => Ok(Arc::new(MemoryVault::default())),
        VaultKind::File => {
            let passphrase = passphrase.ok_or_else(|| VaultError::Locked("its passphrase is needed".into()))?;
            Ok(Arc::new(FileVault::open(&folder.join(FileVault::FILE), state, workspace, passphrase)?))
        }
        VaultKind::FileKeyring => {
            Ok(Arc::new(FileVault::open_with_keyring(&folder.join(FileVault::FILE), state, workspace)?))
        }
    }
}

/// Gives the file vault of a workspace another passphrase; its entries stay as they are, and whoever has it open is not
/// disturbed.
///
/// # Errors
/// The old one does not open it, the new one is too short (unless `short` accepts that), or the disk.
pub fn change_passphrase(folder: &Path, workspace: &str, change: &NewPassphrase) -> Result<(), VaultError> {
    file::change_passphrase(&folder.join(FileVault::FILE), workspace, change)
}

/// What a change of passphrase takes.
pub struct NewPassphrase {
    /// The one that opens it now.
    pub old: Secret,
    /// The one that will.
    pub new: Secret,
    /// Whether it may have fewer letters than [`SHORTEST`].
    pub short: bool,
}

/// Asks for one secret on tokio's blocking pool.
pub async fn fetch(vault: &Arc<dyn Vault>, id: CredentialId) -> Result<Secret, VaultError> {
    let vault = Arc::clone(vault);
    let asked = tokio::task::spawn_blocking(move || vault.get(id)).await;
    asked.map_err(|_| broken_off())?
}

/// Adds or replaces secrets on a thread of their own. `progress` is called there. It goes on to its end even if nobody waits
/// for it any more, so that nothing is left half written.
pub async fn put_many(
    vault: &Arc<dyn Vault>,
    entries: Vec<(CredentialId, Secret)>,
    progress: impl Fn(usize) -> ControlFlow<()> + Send + 'static,
) -> Result<(), VaultError> {
    let vault = Arc::clone(vault);
    on_thread(move || vault.put_many(entries, &progress)).await
}

/// Removes secrets in the same way.
pub async fn delete_many(
    vault: &Arc<dyn Vault>,
    ids: Vec<CredentialId>,
    progress: impl Fn(usize) + Send + 'static,
) -> Result<(), VaultError> {
    let vault = Arc::clone(vault);
    on_thread(move || vault.delete_many(&ids, &progress)).await
}

async fn on_thread(work: impl FnOnce() -> Result<(), VaultError> + Send + 'static) -> Result<(), VaultError> {
    let (done, ended) = tokio::sync::oneshot::channel();
    let thread = std::thread::Builder::new().name("mailferry-vault".into());
    // Nobody listening any more is no reason to fail.
    thread.spawn(move || drop(done.send(work()))).map_err(|e| failed("starting its thread", e))?;
    ended.await.map_err(|_| broken_off())?
}

fn broken_off() -> VaultError {
    VaultError::Failed("the request was broken off".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn kinds_open_or_say_why_not() {
        let folder = tempfile::tempdir().unwrap();
        let open =
            |kind, phrase: Option<&Secret>| open(kind, VaultState::Unchosen, folder.path(), "w", phrase).map(|_| ());
        assert!(matches!(open(VaultKind::File, None), Err(VaultError::Locked(_))));
        assert_eq!(open(VaultKind::File, Some(&Secret::new("open sesame"))), Ok(()));
        let memory = super::open(VaultKind::Memory, VaultState::Unchosen, folder.path(), "w", None).unwrap();
        let (told, heard) = std::sync::mpsc::channel();
        let tell = move |done| {
            told.send((done, std::thread::current().name().map(str::to_owned))).unwrap();
            GO_ON
        };
        put_many(&memory, vec![(CredentialId(1), Secret::new("x"))], tell).await.unwrap();
        assert_eq!(heard.recv(), Ok((1, Some("mailferry-vault".into()))));
        assert_eq!(fetch(&memory, CredentialId(1)).await, Ok(Secret::new("x")));
        delete_many(&memory, vec![CredentialId(1), CredentialId(2)], |_| ()).await.unwrap();
        assert_eq!(fetch(&memory, CredentialId(1)).await, Err(VaultError::Missing(CredentialId(1))));
        for kind in [VaultKind::Keyring, VaultKind::File, VaultKind::FileKeyring, VaultKind::Memory] {
            assert_eq!(VaultKind::parse(kind.word()), Some(kind));
            assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{}\"", kind.word()));
        }
    }
}
