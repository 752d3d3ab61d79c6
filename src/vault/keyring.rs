//! The keyring vault: one entry of the operating system's keyring for each credential, named by its number.

use zeroize::Zeroizing;

use super::ring::Ring;
use super::{Progress, Vault, VaultError};
use crate::domain::ids::CredentialId;
use crate::domain::secret::Secret;
use crate::domain::wording::counted;

/// Entries deleted at once: a second or so.
const BATCH: usize = 64;

/// A workspace's entries in the system's keyring.
pub struct KeyringVault {
    ring: Ring,
}

impl KeyringVault {
    /// Connects to the system's keyring and tries it: an entry is written, read and deleted.
    pub fn open(workspace: &str) -> Result<Self, VaultError> {
        Self::over(Ring::system(workspace)?)
    }

    fn over(ring: Ring) -> Result<Self, VaultError> {
        ring.probe()?;
        Ok(Self { ring })
    }

    /// Brings back what was there before, newest first. Answers why it came to this, and what could not be brought back.
    fn take_back(&self, written: Vec<(CredentialId, Before)>, why: VaultError) -> VaultError {
        let mut left = Vec::new();
        for (id, before) in written.into_iter().rev() {
            let name = id.to_string();
            let undone = match before {
                Some(secret) => self.ring.set(&name, &secret),
                None => self.ring.delete(&name).map(|_| ()),
            };
            if undone.is_err() {
                left.push(id);
            }
        }
        match left.last() {
            Some(first) => VaultError::Failed(format!(
                "{why}. {} could not be taken back and may hold new passwords that nothing uses, the first is {} of the \
                 service {}. Delete what is there in the keyring's own program",
                counted(left.len(), "entry"),
                self.ring.user(first),
                super::ring::SERVICE,
            )),
            None => why,
        }
    }
}

/// What an entry held before it was written.
type Before = Option<Zeroizing<Vec<u8>>>;

impl Vault for KeyringVault {
    fn get(&self, id: CredentialId) -> Result<Secret, VaultError> {
        let Some(secret) = self.ring.get(&id.to_string())? else {
            // A keyring that was locked meanwhile says so only when it is written to.
            self.ring.probe()?;
            return Err(VaultError::Missing(id));
        };
        let text = std::str::from_utf8(&secret).map_err(|_| VaultError::Missing(id))?;
        Ok(Secret::new(text))
    }

    fn put_many(&self, entries: Vec<(CredentialId, Secret)>, progress: &Progress<'_>) -> Result<(), VaultError> {
        for (_, secret) in &entries {
            self.ring.check(secret.expose().as_bytes())?;
        }
        let mut written = Vec::with_capacity(entries.len());
        for (id, secret) in entries {
            let name = id.to_string();
            let put = self.ring.get(&name).and_then(|before| {
                // Before it is tried: an entry may be there although the keyring reported a failure.
                written.push((id, before));
                self.ring.set(&name, secret.expose().as_bytes())
            });
            if let Err(why) = put {
                return Err(self.take_back(written, why));
            }
            if progress(written.len()).is_break() {
                return Err(self.take_back(written, VaultError::Cancelled));
            }
        }
        Ok(())
    }

    fn delete_many(&self, ids: &[CredentialId], progress: &dyn Fn(usize)) -> Result<(), VaultError> {
        let mut all_found = true;
        let mut failed: Vec<(CredentialId, VaultError)> = Vec::new();
        for (at, id) in ids.iter().enumerate() {
            match self.ring.delete(&id.to_string()) {
                Ok(found) => all_found &= found,
                Err(why) => failed.push((*id, why)),
            }
            progress(at + 1);
        }
        if let [(id, why), ..] = failed.as_slice() {
            return Err(VaultError::Failed(format!(
                "{why}. {} of {} could not be deleted, the first is {} of the service {}; nothing uses what is left. \
                 Delete it in the keyring's own program",
                failed.len(),
                counted(ids.len(), "entry"),
                self.ring.user(id),
                super::ring::SERVICE,
            )));
        }
        if all_found { Ok(()) } else { self.ring.probe() }
    }

    fn batch(&self) -> usize {
        BATCH
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::ops::ControlFlow;

    use super::super::GO_ON;
    use super::super::ring::mock::{Mock, locked};
    use super::*;

    const ONE: CredentialId = CredentialId(1);

    fn vault(mock: &Mock) -> KeyringVault {
        KeyringVault::over(mock.ring("w", Some(2560))).unwrap()
    }

    fn many(ids: std::ops::RangeInclusive<i64>) -> Vec<(CredentialId, Secret)> {
        ids.map(|id| (CredentialId(id), Secret::new(format!("secret {id}")))).collect()
    }

    #[test]
    fn one_entry_a_credential_with_progress() {
        let mock = Mock::new();
        let (vault, heard) = (vault(&mock), RefCell::new(Vec::new()));
        let hear = |done| {
            heard.borrow_mut().push(done);
            GO_ON
        };
        vault.put_many(many(1..=3), &hear).unwrap();
        assert_eq!(mock.users(), ["w/1", "w/2", "w/3"]);
        assert_eq!(vault.get(CredentialId(2)).unwrap().expose(), "secret 2");
        vault.put_many(vec![(ONE, Secret::new("Grüße"))], &|_| GO_ON).unwrap();
        assert_eq!(vault.get(ONE).unwrap().expose(), "Grüße");
        let ids = [ONE, CredentialId(2), CredentialId(9)];
        vault.delete_many(&ids, &|done| heard.borrow_mut().push(done)).unwrap();
        assert_eq!(mock.users(), ["w/3"]);
        assert_eq!(*heard.borrow(), [1, 2, 3, 1, 2, 3]);
        assert_eq!(vault.get(ONE), Err(VaultError::Missing(ONE)));
    }

    #[test]
    fn an_entry_deleted_or_changed_by_another_program_is_missing() {
        let mock = Mock::new();
        let vault = vault(&mock);
        vault.put_many(many(1..=2), &|_| GO_ON).unwrap();
        mock.change("w/1", None);
        mock.change("w/2", Some(&[0xff, 0xfe]));
        for id in [ONE, CredentialId(2)] {
            assert_eq!(vault.get(id), Err(VaultError::Missing(id)));
        }
    }

    #[test]
    fn what_was_written_before_a_failure_is_taken_back() {
        let mock = Mock::new();
        let vault = vault(&mock);
        vault.put_many(vec![(ONE, Secret::new("before"))], &|_| GO_ON).unwrap();
        mock.fail("w/4", locked());
        let refused = vault.put_many(many(1..=5), &|_| GO_ON).unwrap_err();
        assert!(matches!(refused, VaultError::KeyringLocked(_)), "{refused}");
        assert_eq!(mock.users(), ["w/1"]);
        assert_eq!(vault.get(ONE).unwrap().expose(), "before");
    }

    #[test]
    fn what_was_written_before_a_cancellation_is_taken_back() {
        let mock = Mock::new();
        let vault = vault(&mock);
        vault.put_many(vec![(ONE, Secret::new("before"))], &|_| GO_ON).unwrap();
        let cancel = |done| if done == 3 { ControlFlow::Break(()) } else { GO_ON };
        assert_eq!(vault.put_many(many(1..=5), &cancel), Err(VaultError::Cancelled));
        assert_eq!(mock.users(), ["w/1"]);
        assert_eq!(vault.get(ONE).unwrap().expose(), "before");
    }

    #[test]
    fn what_cannot_be_taken_back_is_named() {
        let mock = Mock::new();
        let vault = vault(&mock);
        mock.fail("w/4", locked());
        // Its own entry is written by then: the failure waits for its deletion.
        let stuck = |done| {
            if done == 2 {
                mock.fail("w/2", locked())
            }
            GO_ON
        };
        let refused = vault.put_many(many(1..=5), &stuck).unwrap_err().to_string();
        assert!(refused.contains("1 entry could not be taken back") && refused.contains("w/2 of"), "{refused}");
        assert!(refused.contains("locked") && !refused.contains("secret 2"), "{refused}");
        assert_eq!(mock.users(), ["w/2"]);
    }

    #[test]
    fn one_that_is_too_long_keeps_all_from_being_written() {
        let mock = Mock::new();
        let mut entries = many(1..=3);
        entries.push((CredentialId(4), Secret::new("x".repeat(2561))));
        let refused = vault(&mock).put_many(entries, &|_| GO_ON).unwrap_err();
        assert_eq!(refused, VaultError::TooLong { bytes: 2561, limit: 2560 });
        assert!(refused.is_of_the_keyring(), "{refused}");
        assert!(mock.users().is_empty());
    }

    #[test]
    fn deleting_goes_on_after_a_failure_and_names_what_is_left() {
        let mock = Mock::new();
        let vault = vault(&mock);
        vault.put_many(many(1..=4), &|_| GO_ON).unwrap();
        mock.fail("w/2", keyring::Error::PlatformFailure("busy".into()));
        let ids: Vec<CredentialId> = (1..=4).map(CredentialId).collect();
        let refused = vault.delete_many(&ids, &|_| ()).unwrap_err().to_string();
        assert!(refused.contains("1 of 4 entries") && refused.contains("w/2"), "{refused}");
        assert_eq!(mock.users(), ["w/2"]);
    }
}
