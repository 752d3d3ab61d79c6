//! One workspace's entries in the operating system's keyring: write, read, delete, and whether it works at all.
//!
//! Entries have the service `mailferry` and the user `<workspace>/<name>`. Every call blocks, some milliseconds each, or for
//! as long as a person takes to answer the system's question for the keyring's password. The system's store is connected to
//! once for the process; one that was not there then is not there until the program starts again.

use keyring::{Entry, Error};
use zeroize::Zeroizing;

use super::{VaultError, random};

/// The service that all entries carry.
pub const SERVICE: &str = "mailferry";

/// What Windows' Credential Manager takes of one entry, in bytes.
const WINDOWS_LIMIT: usize = 2560;

/// Makes the handle of an entry: service, user.
type Handles = dyn Fn(&str, &str) -> keyring::Result<Entry> + Send + Sync;

/// The entries of one workspace.
pub(super) struct Ring {
    workspace: String,
    handles: Box<Handles>,
    limit: Option<usize>,
}

impl Ring {
    /// Those in the system's keyring. Only connects: [`Ring::probe`] tells whether it keeps anything.
    pub(super) fn system(workspace: &str) -> Result<Self, VaultError> {
        if let Err(error) = Entry::store_status() {
            return Err(VaultError::NoKeyring(words(error)));
        }
        let limit = cfg!(windows).then_some(WINDOWS_LIMIT);
        Ok(Self { workspace: workspace.to_owned(), handles: Box::new(Entry::new), limit })
    }

    /// The user of an entry.
    pub(super) fn user(&self, name: impl std::fmt::Display) -> String {
        format!("{}/{name}", self.workspace)
    }

    fn handle(&self, name: &str) -> Result<Entry, VaultError> {
        (self.handles)(SERVICE, &self.user(name)).map_err(|error| translate(&error))
    }

    /// Writes, reads and deletes an entry of its own. Without this a locked keyring looks like one without our entries.
    pub(super) fn probe(&self) -> Result<(), VaultError> {
        let number = u128::from_le_bytes(random()?);
        let (name, value) = (format!("probe-{number:032x}"), number.to_string());
        self.set(&name, value.as_bytes())?;
        let read = self.get(&name);
        let deleted = self.delete(&name);
        let kept = read?.is_some_and(|read| *read == value.as_bytes());
        if kept && deleted? {
            Ok(())
        } else {
            Err(VaultError::Failed("this machine's keyring does not keep what is written to it".into()))
        }
    }

    /// Refuses what the system's keyring cannot take, before anything is written.
    pub(super) fn check(&self, secret: &[u8]) -> Result<(), VaultError> {
        match self.limit {
            Some(limit) if secret.len() > limit => Err(VaultError::TooLong { bytes: secret.len(), limit }),
            _ => Ok(()),
        }
    }

    /// Adds or replaces an entry.
    pub(super) fn set(&self, name: &str, secret: &[u8]) -> Result<(), VaultError> {
        self.check(secret)?;
        // As bytes: as a text, Windows would take half as much.
        self.handle(name)?.set_secret(secret).map_err(|error| translate(&error))
    }

    /// An entry, if there is one. A locked keyring may answer that there is none.
    pub(super) fn get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        match self.handle(name)?.get_secret() {
            Ok(secret) => Ok(Some(Zeroizing::new(secret))),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(translate(&error)),
        }
    }

    /// Removes an entry; says whether there was one.
    pub(super) fn delete(&self, name: &str) -> Result<bool, VaultError> {
        match self.handle(name)?.delete_credential() {
            Ok(()) => Ok(true),
            Err(Error::NoEntry) => Ok(false),
            Err(error) => Err(translate(&error)),
        }
    }
}

/// What a refusal of the keyring means to a person. Never shows an entry's contents: some errors carry them.
fn translate(error: &Error) -> VaultError {
    match error {
        Error::NoDefaultStore => VaultError::NoKeyring("no store".into()),
        Error::NoStorageAccess(_) => VaultError::KeyringLocked(words(error)),
        // The name that the Secret Service's specification gives it.
        Error::PlatformFailure(_) if words(error).contains("Secret.Error.IsLocked") => {
            VaultError::KeyringLocked(words(error))
        }
        Error::BadEncoding(_) | Error::BadDataFormat(..) => VaultError::Failed(
            "an entry of this machine's keyring was changed by another program: import its item again, with the password".into(),
        ),
        other => VaultError::Failed(format!("this machine's keyring says: {}", words(other))),
    }
}

/// An error with those behind it, without control characters.
fn words(error: &Error) -> String {
    let (mut text, mut next) = match error {
        // Their own words only repeat the kind of trouble.
        Error::PlatformFailure(inner) | Error::NoStorageAccess(inner) => (inner.to_string(), inner.source()),
        other => (other.to_string(), None),
    };
    while let Some(error) = next {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        next = error.source();
    }
    plain(&text).chars().map(|c| if c.is_control() { ' ' } else { c }).take(300).collect()
}

/// What the library for the Secret Service says in its own terms, as people say it.
fn plain(text: &str) -> String {
    let told = [
        ("object locked", "it is locked"),
        ("result not returned", "it did not answer"),
        ("prompt dismissed", "its question for the password was closed"),
        ("connection closed before prompt", "it went away before its question was answered"),
    ];
    let lower = text.to_ascii_lowercase();
    match told.into_iter().find(|(part, _)| lower.starts_with("ss error") && lower.contains(part)) {
        Some((_, words)) => words.to_owned(),
        None => text.trim_start_matches("SS Error: ").trim_start_matches("SS error: ").to_owned(),
    }
}

/// A keyring in memory whose next call on an entry can be made to fail.
#[cfg(test)]
pub(super) mod mock {
    use std::sync::Arc;

    use keyring_core::api::CredentialStoreApi;
    use keyring_core::mock::{Cred, Store};

    use super::*;

    /// The keyring behind one or more rings.
    #[derive(Clone)]
    pub(in crate::vault) struct Mock(Arc<Store>);

    impl Mock {
        pub(in crate::vault) fn new() -> Self {
            Self(Store::new().unwrap())
        }

        pub(in crate::vault) fn ring(&self, workspace: &str, limit: Option<usize>) -> Ring {
            let store = Arc::clone(&self.0);
            let handles = move |service: &str, user: &str| Ok(Entry { inner: store.build(service, user, None)? });
            Ring { workspace: workspace.into(), handles: Box::new(handles), limit }
        }

        /// The next call on this entry fails.
        pub(in crate::vault) fn fail(&self, user: &str, error: Error) {
            let entry = self.0.build(SERVICE, user, None).unwrap();
            entry.as_any().downcast_ref::<Cred>().unwrap().set_error(error);
        }

        /// Another program writes or deletes the entry.
        pub(in crate::vault) fn change(&self, user: &str, secret: Option<&[u8]>) {
            let entry = self.0.build(SERVICE, user, None).unwrap();
            match secret {
                Some(secret) => entry.set_secret(secret).unwrap(),
                None => entry.delete_credential().unwrap(),
            }
        }

        /// The users of all entries that hold something, in the order in which they came.
        pub(in crate::vault) fn users(&self) -> Vec<String> {
            let mut creds = self.0.inner.lock().unwrap();
            let held = |cred: &Arc<Cred>| cred.inner.lock().unwrap().get_mut().secret.is_some();
            creds.get_mut().iter().filter(|cred| held(cred)).map(|cred| cred.specifiers.1.clone()).collect()
        }
    }

    /// A refusal as the Secret Service words it.
    pub(in crate::vault) fn locked() -> Error {
        Error::NoStorageAccess("no result found".into())
    }
}

#[cfg(test)]
mod tests {
    use super::mock::{Mock, locked};
    use super::*;

    #[test]
    fn a_probe_leaves_nothing_and_entries_are_of_the_workspace() {
        let mock = Mock::new();
        let (one, two) = (mock.ring("one", None), mock.ring("two", None));
        one.probe().unwrap();
        assert!(mock.users().is_empty());
        one.set("7", b"x").unwrap();
        assert_eq!(mock.users(), ["one/7"]);
        assert_eq!(two.get("7"), Ok(None));
        assert_eq!((two.delete("7"), one.delete("7"), one.delete("7")), (Ok(false), Ok(true), Ok(false)));
    }

    #[test]
    fn refusals_are_told_apart_and_show_no_secret() {
        let mock = Mock::new();
        let ring = mock.ring("w", None);
        let ask = |error| {
            mock.fail("w/1", error);
            ring.get("1").unwrap_err()
        };
        assert!(matches!(ask(locked()), VaultError::KeyringLocked(_)));
        let spec = "zbus error: org.freedesktop.Secret.Error.IsLocked: Cannot get secret of a locked object";
        assert!(matches!(ask(Error::PlatformFailure(spec.into())), VaultError::KeyringLocked(_)));
        assert!(matches!(ask(Error::NoDefaultStore), VaultError::NoKeyring(_)));
        for error in [
            Error::BadEncoding(b"hunter2".to_vec()),
            Error::BadDataFormat(b"hunter2".to_vec(), "hunter2".into()),
            Error::PlatformFailure("went away\n".into()),
        ] {
            let error = ask(error);
            assert!(matches!(error, VaultError::Failed(_)), "{error:?}");
            assert!(!format!("{error:?} {error}").contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn nobody_has_to_know_what_a_library_calls_things() {
        assert_eq!(plain("SS error: prompt dismissed"), "its question for the password was closed");
        assert_eq!(plain("SS error: result not returned from SS API"), "it did not answer");
        assert_eq!(plain("SS Error: object locked"), "it is locked");
        assert_eq!(plain("zbus error: no such bus"), "zbus error: no such bus");
    }

    #[test]
    fn what_the_system_cannot_take_is_refused_before_it_is_written() {
        let mock = Mock::new();
        let ring = mock.ring("w", Some(WINDOWS_LIMIT));
        assert_eq!(ring.set("1", &[b'x'; WINDOWS_LIMIT]), Ok(()));
        let refused = ring.set("2", &[b'x'; WINDOWS_LIMIT + 1]);
        assert_eq!(refused, Err(VaultError::TooLong { bytes: 2561, limit: 2560 }));
        assert_eq!(mock.users(), ["w/1"]);
    }
}
