//! The encrypted file vault: a wrapped data key, one sealed entry a credential, a seal over the whole.
//!
//! ```text
//! the head: version, how the data key is wrapped, the wrapped key (`file_key`)
//! then per entry: credential id i64, nonce 24, length u32, ciphertext
//! at the end: keyed BLAKE3 over all before it, 32
//! ```
//!
//! Numbers are little-endian. Ciphers are XChaCha20-Poly1305; an entry is bound to its credential id and its workspace. The
//! file is read anew for every request, because another process may have changed it, and replaced as a whole. Bounded: the
//! file (64 MiB). Blocks on the disk, and on another process that is writing.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use chacha20poly1305::XNonce;
use chacha20poly1305::aead::{Aead, Payload};
use zeroize::{Zeroize, Zeroizing};

use super::file_key::{self, DataKey, NONCE, Opener, cipher};
use super::ring::Ring;
use super::{NewPassphrase, Progress, SHORTEST, Vault, VaultError, VaultState, damaged, failed, random};
use crate::domain::ids::CredentialId;
use crate::domain::secret::Secret;

const SEAL: usize = 32;
const LARGEST_FILE: u64 = 64 * 1024 * 1024;

/// How names of unfinished files begin.
const UNFINISHED: &str = ".vault";

/// A sealed entry: nonce and ciphertext.
type Sealed = ([u8; NONCE], Vec<u8>);

/// An open file vault. Holds the data key, never the passphrase.
pub struct FileVault {
    path: PathBuf,
    workspace: String,
    key: DataKey,
}

impl FileVault {
    /// The file's name within the data folder.
    pub const FILE: &'static str = "vault.bin";

    /// Opens the vault, or makes an empty one if none was chosen yet.
    pub fn open(path: &Path, state: VaultState, workspace: &str, passphrase: &Secret) -> Result<Self, VaultError> {
        let opener = Opener::passphrase(passphrase)?;
        if state == VaultState::Unchosen && !path.exists() {
            long_enough(passphrase)?;
        }
        Self::open_by(path, state, workspace, &opener)
    }

    /// The same with a key that the system's keyring keeps.
    pub fn open_with_keyring(path: &Path, state: VaultState, workspace: &str) -> Result<Self, VaultError> {
        Self::open_by(path, state, workspace, &Opener::Keyring(&Ring::system(workspace)?))
    }

    fn open_by(path: &Path, state: VaultState, workspace: &str, opener: &Opener<'_>) -> Result<Self, VaultError> {
        let _writing = write_lock(path)?;
        remove_unfinished(path);
        let key = match (read(path)?, state) {
            (Some(file), VaultState::Unchosen) => match file_key::unwrap(&file, workspace, opener) {
                // Made and never chosen: a crash came between. Nothing is in it, whatever opened it.
                Err(_) if is_empty(&file) => make(path, workspace, opener)?,
                opened => opened?,
            },
            (Some(file), VaultState::Chosen) => file_key::unwrap(&file, workspace, opener)?,
            (None, VaultState::Unchosen) => make(path, workspace, opener)?,
            (None, VaultState::Chosen) => return Err(VaultError::FileGone),
        };
        let vault = Self { path: path.to_owned(), workspace: workspace.to_owned(), key };
        vault.load()?;
        Ok(vault)
    }

    /// Header and entries as they are on the disk now, the seal checked.
    fn load(&self) -> Result<(Vec<u8>, BTreeMap<i64, Sealed>), VaultError> {
        let mut file = read(&self.path)?.ok_or(VaultError::FileGone)?;
        let header = file_key::length(&file)?;
        let body = file.len().checked_sub(SEAL).filter(|body| *body >= header).ok_or_else(damaged)?;
        if seal(&self.key, &file[..body]).as_bytes()[..] != file[body..] {
            return Err(damaged());
        }
        file.truncate(body);
        let mut entries = BTreeMap::new();
        let mut rest = &file[header..];
        while !rest.is_empty() {
            let id = i64::from_le_bytes(file_key::take(&mut rest)?);
            let nonce = file_key::take(&mut rest)?;
            let length = u32::from_le_bytes(file_key::take(&mut rest)?) as usize;
            let (sealed, after) = rest.split_at_checked(length).ok_or_else(damaged)?;
            rest = after;
            entries.insert(id, (nonce, sealed.to_vec()));
        }
        file.truncate(header);
        Ok((file, entries))
    }

    fn store(&self, mut file: Vec<u8>, entries: &BTreeMap<i64, Sealed>) -> Result<(), VaultError> {
        for (id, (nonce, sealed)) in entries {
            let length = u32::try_from(sealed.len()).map_err(|e| failed("writing an entry", e))?;
            file.extend_from_slice(&id.to_le_bytes());
            file.extend_from_slice(nonce);
            file.extend_from_slice(&length.to_le_bytes());
            file.extend_from_slice(sealed);
        }
        file.extend_from_slice(seal(&self.key, &file).as_bytes());
        if file.len() as u64 > LARGEST_FILE {
            // It could not be read again.
            return Err(VaultError::Failed(
                "so many passwords do not fit into its file: use several workspaces".into(),
            ));
        }
        replace(&self.path, &file)
    }

    /// What an entry is bound to.
    fn bound(&self, id: i64) -> Vec<u8> {
        [b"entry".as_slice(), &id.to_le_bytes(), self.workspace.as_bytes()].concat()
    }
}

impl Vault for FileVault {
    fn get(&self, id: CredentialId) -> Result<Secret, VaultError> {
        let (_, entries) = self.load()?;
        let (nonce, sealed) = entries.get(&id.0).ok_or(VaultError::NotInFile(id))?;
        let payload = Payload { msg: sealed, aad: &self.bound(id.0) };
        let clear = cipher(&self.key).decrypt(&XNonce::from(*nonce), payload).map_err(|_| damaged())?;
        String::from_utf8(clear).map(Secret::new).map_err(|error| {
            error.into_bytes().zeroize();
            damaged()
        })
    }

    fn put_many(&self, new: Vec<(CredentialId, Secret)>, progress: &Progress<'_>) -> Result<(), VaultError> {
        let _writing = write_lock(&self.path)?;
        let (header, mut entries) = self.load()?;
        let cipher = cipher(&self.key);
        for (done, (id, secret)) in new.into_iter().enumerate() {
            let nonce = random()?;
            let payload = Payload { msg: secret.expose().as_bytes(), aad: &self.bound(id.0) };
            let sealed = cipher.encrypt(&XNonce::from(nonce), payload).map_err(|e| failed("sealing an entry", e))?;
            entries.insert(id.0, (nonce, sealed));
            if progress(done + 1).is_break() {
                return Err(VaultError::Cancelled);
            }
        }
        self.store(header, &entries)
    }

    fn delete_many(&self, ids: &[CredentialId], progress: &dyn Fn(usize)) -> Result<(), VaultError> {
        let _writing = write_lock(&self.path)?;
        let (header, mut entries) = self.load()?;
        for id in ids {
            entries.remove(&id.0);
        }
        self.store(header, &entries)?;
        progress(ids.len());
        Ok(())
    }
}

fn long_enough(passphrase: &Secret) -> Result<(), VaultError> {
    match passphrase.expose().chars().count() < SHORTEST {
        true => Err(VaultError::ShortPassphrase),
        false => Ok(()),
    }
}

/// Wraps the data key of a vault anew, by another passphrase and what it costs now to guess one.
pub(super) fn change_passphrase(path: &Path, workspace: &str, change: &NewPassphrase) -> Result<(), VaultError> {
    if !change.short {
        long_enough(&change.new)?;
    }
    let (old, new) = (Opener::passphrase(&change.old)?, Opener::passphrase(&change.new)?);
    let vault = FileVault::open_by(path, VaultState::Chosen, workspace, &old)?;
    let _writing = write_lock(path)?;
    let (_, entries) = vault.load()?;
    vault.store(file_key::wrap(workspace, &new, &vault.key)?, &entries)
}

/// Writes an empty vault; its key.
fn make(path: &Path, workspace: &str, opener: &Opener<'_>) -> Result<DataKey, VaultError> {
    let (mut file, key) = file_key::create(workspace, opener)?;
    file.extend_from_slice(seal(&key, &file).as_bytes());
    replace(path, &file).inspect_err(|_| opener.forget(&file))?;
    Ok(key)
}

/// Whether a file is as long as one without entries.
fn is_empty(file: &[u8]) -> bool {
    file_key::length(file).is_ok_and(|head| file.len() == head + SEAL)
}

fn seal(key: &DataKey, body: &[u8]) -> blake3::Hash {
    let key = Zeroizing::new(blake3::derive_key("mailferry vault file 1 seal", &key[..]));
    blake3::keyed_hash(&key, body)
}

/// Held while one process changes the file. The lock file stays; only its lock matters.
fn write_lock(path: &Path) -> Result<File, VaultError> {
    let mut options = File::options();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path.with_extension("lock")).map_err(|e| failed("opening its lock file", e))?;
    file.lock().map_err(|e| failed("locking its file", e))?;
    Ok(file)
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, VaultError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed("opening its file", error)),
    };
    let mut bytes = Vec::new();
    file.take(LARGEST_FILE + 1).read_to_end(&mut bytes).map_err(|e| failed("reading its file", e))?;
    if bytes.len() as u64 > LARGEST_FILE { Err(damaged()) } else { Ok(Some(bytes)) }
}

/// What a program that was killed while it wrote has left: it may hold what was removed since. Nobody else writes meanwhile.
fn remove_unfinished(path: &Path) {
    let folder = path.parent().unwrap_or(Path::new("."));
    let is_one = |name: &std::ffi::OsStr| name.to_str().is_some_and(|name| name.starts_with(UNFINISHED));
    for left in std::fs::read_dir(folder).into_iter().flatten().flatten().filter(|left| is_one(&left.file_name())) {
        if let Err(error) = std::fs::remove_file(left.path()) {
            tracing::warn!(%error, "an unfinished vault file stays");
        }
    }
}

/// Writes beside, flushes, renames: a crash leaves the old file or the new one. Temporary files are private (0600).
fn replace(path: &Path, bytes: &[u8]) -> Result<(), VaultError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let write = || -> std::io::Result<()> {
        let mut file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|e| e.error)?;
        #[cfg(unix)]
        File::open(folder)?.sync_all()?;
        Ok(())
    };
    write().map_err(|e| failed("writing its file", e))
}

#[cfg(test)]
mod tests;
