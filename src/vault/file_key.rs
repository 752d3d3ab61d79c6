//! The head of a vault file: how its data key is wrapped.
//!
//! ```text
//! "MFVAULT1"  m t p (u32 each, argon2id)  salt 16      by a passphrase
//! "MFVAULT2"  number 16                                by a random key in the keyring: entry `file-key-<number in hex>`
//! then in both: nonce 24, wrapped data key 48
//! ```
//!
//! The wrapped key is bound to all before it and to the workspace. Bounded: argon2's memory (256 MiB).

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use super::ring::Ring;
use super::{VaultError, damaged, failed, random};
use crate::domain::secret::Secret;

const MAGIC: usize = 8;
const BY_PASSPHRASE: &[u8; MAGIC] = b"MFVAULT1";
const BY_KEYRING: &[u8; MAGIC] = b"MFVAULT2";
pub(super) const NONCE: usize = 24;
const WRAPPED: usize = 32 + 16;

/// What a new passphrase is stretched with: argon2id with the memory of RFC 9106's second choice (§4). A file says what its own
/// was stretched with.
const COST: Cost = Cost { memory_kib: 64 * 1024, passes: 2, lanes: 1 };
/// More than this in a header is damage, or an attempt to exhaust the machine.
const LIMIT: Cost = Cost { memory_kib: 256 * 1024, passes: 16, lanes: 4 };
#[cfg(test)]
pub(super) const CHEAP: Cost = Cost { memory_kib: 8, passes: 1, lanes: 1 };

#[derive(Clone, Copy)]
pub(super) struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

/// What the entries are sealed with.
pub(super) type DataKey = Zeroizing<[u8; 32]>;

/// What opens a file, and how a new one is to be opened.
pub(super) enum Opener<'a> {
    Passphrase(&'a Secret, Cost),
    Keyring(&'a Ring),
}

impl<'a> Opener<'a> {
    pub(super) fn passphrase(passphrase: &'a Secret) -> Result<Self, VaultError> {
        if passphrase.expose().is_empty() {
            return Err(VaultError::Failed("an empty passphrase protects nothing: choose one".into()));
        }
        Ok(Self::Passphrase(passphrase, COST))
    }

    /// The beginning of a new head, and the key that wraps.
    fn begin(&self) -> Result<(Vec<u8>, DataKey), VaultError> {
        match self {
            Self::Passphrase(passphrase, cost) => {
                let salt = random::<16>()?;
                let mut head = BY_PASSPHRASE.to_vec();
                for number in [cost.memory_kib, cost.passes, cost.lanes] {
                    head.extend_from_slice(&number.to_le_bytes());
                }
                head.extend_from_slice(&salt);
                Ok((head, stretch(passphrase, &salt, *cost)?))
            }
            Self::Keyring(ring) => {
                ring.probe()?;
                let (number, key) = (random::<16>()?, Zeroizing::new(random::<32>()?));
                ring.set(&entry(&number), &key[..])?;
                Ok(([BY_KEYRING.as_slice(), &number].concat(), key))
            }
        }
    }

    /// The key that wraps, for a head that is there.
    fn wrapping(&self, mut head: &[u8]) -> Result<DataKey, VaultError> {
        let magic = take::<MAGIC>(&mut head)?;
        match self {
            Self::Passphrase(passphrase, _) if magic == *BY_PASSPHRASE => {
                let mut number = || take(&mut head).map(u32::from_le_bytes);
                let cost = Cost { memory_kib: number()?, passes: number()?, lanes: number()? };
                if cost.memory_kib > LIMIT.memory_kib || cost.passes > LIMIT.passes || cost.lanes > LIMIT.lanes {
                    return Err(damaged());
                }
                stretch(passphrase, &take(&mut head)?, cost)
            }
            Self::Keyring(ring) if magic == *BY_KEYRING => {
                let Some(found) = ring.get(&entry(&take(&mut head)?))? else {
                    // A locked keyring says so only when it is written to.
                    ring.probe()?;
                    return Err(VaultError::KeyMissing);
                };
                let key = <[u8; 32]>::try_from(found.as_slice()).map_err(|_| VaultError::KeyMissing)?;
                Ok(Zeroizing::new(key))
            }
            // The workspace remembers the kind: somebody exchanged the file.
            _ => Err(VaultError::Failed("its file is of another kind than this workspace's vault".into())),
        }
    }

    /// A file that was begun with this head does not come into being.
    pub(super) fn forget(&self, head: &[u8]) {
        if let (Self::Keyring(ring), Some(number)) = (self, head.get(MAGIC..).and_then(<[u8]>::first_chunk::<16>)) {
            // The reason is told already; a key of nothing harms nobody.
            ring.delete(&entry(number)).ok();
        }
    }
}

fn entry(number: &[u8; 16]) -> String {
    format!("file-key-{:032x}", u128::from_be_bytes(*number))
}

pub(super) fn cipher(key: &[u8; 32]) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(&Key::from(*key))
}

/// Where the wrapping of a file's key begins.
fn wrapping_at(file: &[u8]) -> Result<usize, VaultError> {
    match file.first_chunk::<MAGIC>() {
        Some(BY_PASSPHRASE) => Ok(MAGIC + 12 + 16),
        Some(BY_KEYRING) => Ok(MAGIC + 16),
        Some(other) if other.starts_with(b"MFVAULT") => {
            Err(VaultError::Failed("its file was made by another version of Mailferry".into()))
        }
        _ => Err(damaged()),
    }
}

/// How long the head of a file is.
pub(super) fn length(file: &[u8]) -> Result<usize, VaultError> {
    Ok(wrapping_at(file)? + NONCE + WRAPPED)
}

/// The head of a new file, and its data key.
pub(super) fn create(workspace: &str, opener: &Opener<'_>) -> Result<(Vec<u8>, DataKey), VaultError> {
    let key = Zeroizing::new(random::<32>()?);
    Ok((wrap(workspace, opener, &key)?, key))
}

/// The head of a file with this data key.
pub(super) fn wrap(workspace: &str, opener: &Opener<'_>, key: &DataKey) -> Result<Vec<u8>, VaultError> {
    let nonce = random::<NONCE>()?;
    let (mut head, wrapping) = opener.begin()?;
    let payload = Payload { msg: &key[..], aad: &bound(&head, workspace) };
    let wrapped = cipher(&wrapping).encrypt(&XNonce::from(nonce), payload);
    let wrapped = wrapped.map_err(|error| {
        opener.forget(&head);
        failed("wrapping the key", error)
    })?;
    head.extend_from_slice(&nonce);
    head.extend_from_slice(&wrapped);
    Ok(head)
}

/// The data key of a file.
pub(super) fn unwrap(file: &[u8], workspace: &str, opener: &Opener<'_>) -> Result<DataKey, VaultError> {
    let (head, mut rest) = file.split_at_checked(wrapping_at(file)?).ok_or_else(damaged)?;
    let nonce = take::<NONCE>(&mut rest)?;
    let wrapped = take::<WRAPPED>(&mut rest)?;
    let payload = Payload { msg: &wrapped, aad: &bound(head, workspace) };
    let clear = cipher(&*opener.wrapping(head)?).decrypt(&XNonce::from(nonce), payload);
    let clear = Zeroizing::new(clear.map_err(|_| match opener {
        Opener::Passphrase(..) => VaultError::WrongPassphrase,
        Opener::Keyring(_) => VaultError::KeyMissing,
    })?);
    let mut key = Zeroizing::new([0; 32]);
    key.copy_from_slice(&clear);
    Ok(key)
}

/// What the wrapped key is bound to: everything before it, and the workspace.
fn bound(head: &[u8], workspace: &str) -> Vec<u8> {
    [b"key".as_slice(), head, workspace.as_bytes()].concat()
}

fn stretch(passphrase: &Secret, salt: &[u8; 16], cost: Cost) -> Result<DataKey, VaultError> {
    let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(32)).map_err(|_| damaged())?;
    let mut key = Zeroizing::new([0; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.expose().as_bytes(), salt, &mut key[..])
        .map_err(|e| failed("stretching the passphrase", e))?;
    Ok(key)
}

/// Cuts off the first bytes.
pub(super) fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], VaultError> {
    let (head, tail) = rest.split_first_chunk::<N>().ok_or_else(damaged)?;
    *rest = tail;
    Ok(*head)
}
