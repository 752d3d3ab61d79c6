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
use super::{Progress, Vault, VaultError, damaged, failed, random};
use crate::domain::ids::CredentialId;
use crate::domain::secret::Secret;

const SEAL: usize = 32;
const LARGEST_FILE: u64 = 64 * 1024 * 1024;

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

    /// Opens the vault, or makes an empty one if there is none.
    pub fn open(path: &Path, workspace: &str, passphrase: &Secret) -> Result<Self, VaultError> {
        Self::open_by(path, workspace, &Opener::passphrase(passphrase)?)
    }

    /// The same with a key that the system's keyring keeps.
    pub fn open_with_keyring(path: &Path, workspace: &str) -> Result<Self, VaultError> {
        Self::open_by(path, workspace, &Opener::Keyring(&Ring::system(workspace)?))
    }

    fn open_by(path: &Path, workspace: &str, opener: &Opener<'_>) -> Result<Self, VaultError> {
        let _writing = write_lock(path)?;
        let key = match read(path)? {
            Some(file) => file_key::unwrap(&file, workspace, opener)?,
            None => {
                let (mut file, key) = file_key::create(workspace, opener)?;
                file.extend_from_slice(seal(&key, &file).as_bytes());
                replace(path, &file).inspect_err(|_| opener.forget(&file))?;
                key
            }
        };
        let vault = Self { path: path.to_owned(), workspace: workspace.to_owned(), key };
        vault.load()?;
        Ok(vault)
    }

    /// Header and entries as they are on the disk now, the seal checked.
    fn load(&self) -> Result<(Vec<u8>, BTreeMap<i64, Sealed>), VaultError> {
        let mut file = read(&self.path)?.ok_or_else(|| VaultError::Failed("its file is gone".into()))?;
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
        let (nonce, sealed) = entries.get(&id.0).ok_or(VaultError::Missing(id))?;
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

/// Writes beside, flushes, renames: a crash leaves the old file or the new one. Temporary files are private (0600).
fn replace(path: &Path, bytes: &[u8]) -> Result<(), VaultError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let write = || -> std::io::Result<()> {
        let mut file = tempfile::Builder::new().prefix(".vault").tempfile_in(folder)?;
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
mod tests {
    use proptest::prelude::*;

    use super::super::GO_ON;
    use super::super::ring::mock::{Mock, locked};
    use super::*;

    fn open(path: &Path, phrase: &str) -> Result<FileVault, VaultError> {
        open_in("workspace-1", path, phrase)
    }

    fn open_in(workspace: &str, path: &Path, phrase: &str) -> Result<FileVault, VaultError> {
        FileVault::open_by(path, workspace, &Opener::Passphrase(&Secret::new(phrase), file_key::CHEAP))
    }

    fn put(vault: &FileVault, entries: &[(i64, &str)]) {
        let entries = entries.iter().map(|(id, text)| (CredentialId(*id), Secret::new(*text))).collect();
        vault.put_many(entries, &|_| GO_ON).unwrap();
    }

    #[test]
    fn secrets_are_there_at_the_next_start_and_for_other_processes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vault.bin");
        let secret = Secret::new("correct horse");
        let first = FileVault::open(&path, "w", &secret).unwrap();
        let second = FileVault::open(&path, "w", &secret).unwrap();
        put(&first, &[(1, "hunter2"), (2, "")]);
        put(&second, &[(2, "changed"), (3, "Grüße")]);
        for (id, text) in [(1, "hunter2"), (2, "changed"), (3, "Grüße")] {
            assert_eq!(first.get(CredentialId(id)).unwrap().expose(), text);
        }
        first.delete_many(&[CredentialId(1)], &|_| ()).unwrap();
        assert_eq!(second.get(CredentialId(1)), Err(VaultError::Missing(CredentialId(1))));
        let bytes = std::fs::read(&path).unwrap();
        assert!(!bytes.windows(7).any(|w| w == b"hunter2" || w == b"changed"));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn another_passphrase_or_workspace_does_not_open_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vault.bin");
        put(&open(&path, "right").unwrap(), &[(1, "x")]);
        assert!(matches!(open(&path, "wrong"), Err(VaultError::WrongPassphrase)));
        let other = open_in("workspace-2", &path, "right");
        assert!(matches!(other, Err(VaultError::WrongPassphrase)));
        assert!(FileVault::open(&path, "workspace-1", &Secret::new("")).is_err());
        assert_eq!(open(&path, "right").unwrap().get(CredentialId(1)).unwrap().expose(), "x");
    }

    #[test]
    fn any_flipped_byte_and_any_cut_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vault.bin");
        let vault = open(&path, "phrase").unwrap();
        put(&vault, &[(1, "one"), (2, "two")]);
        let good = std::fs::read(&path).unwrap();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            std::fs::write(&path, &bad).unwrap();
            assert!(vault.get(CredentialId(1)).is_err(), "byte {at}");
            assert!(vault.put_many(Vec::new(), &|_| GO_ON).is_err(), "byte {at}");
            assert!(open(&path, "phrase").is_err(), "byte {at}");
            std::fs::write(&path, &good[..at]).unwrap();
            assert!(vault.get(CredentialId(1)).is_err(), "cut at {at}");
            assert!(open(&path, "phrase").is_err(), "cut at {at}");
        }
        std::fs::write(&path, &good).unwrap();
        assert_eq!(vault.get(CredentialId(2)).unwrap().expose(), "two");
    }

    #[test]
    fn entries_cannot_change_places_even_under_a_valid_seal() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vault.bin");
        let vault = open(&path, "phrase").unwrap();
        put(&vault, &[(1, "one"), (2, "two")]);
        let (header, mut entries) = vault.load().unwrap();
        let (one, two) = (entries[&1].clone(), entries[&2].clone());
        entries.extend([(1, two), (2, one)]);
        vault.store(header, &entries).unwrap();
        assert!(vault.get(CredentialId(1)).is_err());
        assert!(vault.get(CredentialId(2)).is_err());
    }

    #[test]
    fn a_key_in_the_keyring_opens_it_and_nothing_else_does() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vault.bin");
        let mock = Mock::new();
        let open = |workspace, mock: &Mock| {
            FileVault::open_by(&path, workspace, &Opener::Keyring(&mock.ring(workspace, None)))
        };
        put(&open("w", &mock).unwrap(), &[(1, "one"), (2, "two")]);
        let [user] = &mock.users()[..] else { panic!("one entry for all: {:?}", mock.users()) };
        assert!(user.starts_with("w/file-key-"), "{user}");
        let vault = open("w", &mock).unwrap();
        assert_eq!(vault.get(CredentialId(2)).unwrap().expose(), "two");
        assert!(matches!(open("other", &mock), Err(VaultError::KeyMissing)));
        assert!(matches!(open("w", &Mock::new()), Err(VaultError::KeyMissing)));
        assert!(matches!(super::tests::open(&path, "phrase"), Err(VaultError::Failed(_))), "of another kind");
        let good = std::fs::read(&path).unwrap();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            std::fs::write(&path, &bad).unwrap();
            assert!(open("w", &mock).is_err() && vault.get(CredentialId(1)).is_err(), "byte {at}");
            std::fs::write(&path, &good[..at]).unwrap();
            assert!(open("w", &mock).is_err() && vault.get(CredentialId(1)).is_err(), "cut at {at}");
        }
        std::fs::write(&path, &good).unwrap();
        mock.fail(user, locked());
        assert!(matches!(open("w", &mock), Err(VaultError::KeyringLocked(_))));
        mock.change(user, Some(&[7; 32]));
        assert!(matches!(open("w", &mock), Err(VaultError::KeyMissing)));
        mock.change(user, None);
        assert!(matches!(open("w", &mock), Err(VaultError::KeyMissing)));
    }

    #[test]
    fn a_file_that_cannot_be_made_leaves_no_key_in_the_keyring() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vault.bin");
        let mock = Mock::new();
        let ring = mock.ring("w", None);
        let (head, _) = file_key::create("w", &Opener::Keyring(&ring)).unwrap();
        assert_eq!(mock.users().len(), 1);
        Opener::Keyring(&ring).forget(&head);
        assert!(mock.users().is_empty() && !path.exists());
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

        #[test]
        fn what_is_put_comes_back(entries in proptest::collection::btree_map(any::<i64>(), any::<String>(), 0..20)) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("vault.bin");
            let list: Vec<_> = entries.iter().map(|(id, text)| (*id, text.as_str())).collect();
            put(&open(&path, "phrase").unwrap(), &list);
            let again = open(&path, "phrase").unwrap();
            for (id, text) in list {
                let secret = again.get(CredentialId(id)).unwrap();
                prop_assert_eq!(secret.expose(), text);
            }
        }
    }
}
