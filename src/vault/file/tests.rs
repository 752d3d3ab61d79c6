//! The encrypted file against damage, other keys and other processes.

use proptest::prelude::*;

use super::super::GO_ON;
use super::super::ring::mock::{Mock, locked};
use super::*;

fn open(path: &Path, phrase: &str) -> Result<FileVault, VaultError> {
    open_in("workspace-1", path, phrase)
}

fn open_in(workspace: &str, path: &Path, phrase: &str) -> Result<FileVault, VaultError> {
    FileVault::open_by(
        path,
        VaultState::Unchosen,
        workspace,
        &Opener::Passphrase(&Secret::new(phrase), file_key::CHEAP),
    )
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
    let first = FileVault::open(&path, VaultState::Unchosen, "w", &secret).unwrap();
    let second = FileVault::open(&path, VaultState::Chosen, "w", &secret).unwrap();
    put(&first, &[(1, "hunter2"), (2, "")]);
    put(&second, &[(2, "changed"), (3, "Grüße")]);
    for (id, text) in [(1, "hunter2"), (2, "changed"), (3, "Grüße")] {
        assert_eq!(first.get(CredentialId(id)).unwrap().expose(), text);
    }
    first.delete_many(&[CredentialId(1)], &|_| ()).unwrap();
    assert_eq!(second.get(CredentialId(1)), Err(VaultError::NotInFile(CredentialId(1))));
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
    assert!(FileVault::open(&path, VaultState::Chosen, "workspace-1", &Secret::new("")).is_err());
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
        FileVault::open_by(&path, VaultState::Unchosen, workspace, &Opener::Keyring(&mock.ring(workspace, None)))
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

#[test]
fn a_chosen_vault_whose_file_is_gone_is_never_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault.bin");
    let phrase = Secret::new("a phrase");
    let chosen = || FileVault::open(&path, VaultState::Chosen, "w", &phrase).map(|_| ());
    assert_eq!(chosen(), Err(VaultError::FileGone));
    assert!(!path.exists());
    let vault = FileVault::open(&path, VaultState::Unchosen, "w", &phrase).unwrap();
    put(&vault, &[(1, "one")]);
    assert_eq!(chosen(), Ok(()));
    std::fs::remove_file(&path).unwrap();
    assert_eq!((chosen(), vault.get(CredentialId(1))), (Err(VaultError::FileGone), Err(VaultError::FileGone)));
    assert!(vault.put_many(vec![(CredentialId(2), Secret::new("two"))], &|_| GO_ON).is_err() && !path.exists());
    let mock = Mock::new();
    let by_key = FileVault::open_by(&path, VaultState::Chosen, "w", &Opener::Keyring(&mock.ring("w", None)));
    assert!(matches!(by_key, Err(VaultError::FileGone)) && mock.users().is_empty());
}

#[test]
fn a_file_that_a_crash_left_before_it_was_chosen_does_not_bind_anybody() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault.bin");
    let mock = Mock::new();
    let by_key = |state| FileVault::open_by(&path, state, "workspace-1", &Opener::Keyring(&mock.ring("w", None)));
    open(&path, "first").unwrap();
    assert!(matches!(by_key(VaultState::Chosen), Err(VaultError::Failed(_))), "of another kind");
    by_key(VaultState::Unchosen).unwrap();
    let vault = open(&path, "second").unwrap();
    put(&vault, &[(1, "one")]);
    assert!(matches!(open(&path, "third"), Err(VaultError::WrongPassphrase)), "somebody's passwords are in it");
    assert!(by_key(VaultState::Unchosen).is_err());
    assert_eq!(vault.get(CredentialId(1)).unwrap().expose(), "one");
}

#[test]
fn what_a_killed_program_left_half_written_goes_when_the_vault_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault.bin");
    put(&open(&path, "x").unwrap(), &[(1, "hunter2")]);
    let (left, other) = (folder.path().join(".vaultAbC123"), folder.path().join("notes.vault"));
    std::fs::copy(&path, &left).unwrap();
    std::fs::write(&other, "mine").unwrap();
    let vault = open(&path, "x").unwrap();
    assert_eq!(vault.get(CredentialId(1)).unwrap(), Secret::new("hunter2"));
    assert!(!left.exists() && other.exists());
}

#[test]
fn k7_a_passphrase_is_long_and_can_be_changed_under_those_who_have_the_vault_open() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault.bin");
    let make = |phrase: &str| FileVault::open(&path, VaultState::Unchosen, "w", &Secret::new(phrase)).map(|_| ());
    assert_eq!(make("seven77"), Err(VaultError::ShortPassphrase));
    assert!(!path.exists());
    let vault = FileVault::open(&path, VaultState::Unchosen, "w", &Secret::new("open sesame")).unwrap();
    put(&vault, &[(1, "one")]);
    let cost = u32::from_le_bytes(std::fs::read(&path).unwrap()[8..12].try_into().unwrap());
    assert_eq!(cost, 64 * 1024, "KiB");
    let change = |old: &str, new: &str, short| {
        let (old, new) = (Secret::new(old), Secret::new(new));
        change_passphrase(&path, "w", &NewPassphrase { old, new, short })
    };
    assert_eq!(change("open sesame", "short", false), Err(VaultError::ShortPassphrase));
    assert_eq!(change("open barley", "close sesame", false), Err(VaultError::WrongPassphrase));
    assert_eq!(change("open sesame", "close sesame", false), Ok(()));
    let open = |phrase: &str| FileVault::open(&path, VaultState::Chosen, "w", &Secret::new(phrase));
    assert!(matches!(open("open sesame"), Err(VaultError::WrongPassphrase)));
    assert_eq!(open("close sesame").unwrap().get(CredentialId(1)).unwrap().expose(), "one");
    put(&vault, &[(2, "two")]);
    assert_eq!(change("close sesame", "short", true), Ok(()));
    assert_eq!(open("short").unwrap().get(CredentialId(2)).unwrap().expose(), "two");
}

#[test]
fn k7_an_older_file_put_back_is_said_to_be_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault.bin");
    let vault = open(&path, "phrase").unwrap();
    put(&vault, &[(1, "one")]);
    let older = std::fs::read(&path).unwrap();
    put(&vault, &[(2, "two")]);
    std::fs::write(&path, older).unwrap();
    let missing = vault.get(CredentialId(2)).unwrap_err().to_string();
    assert!(missing.contains("vault.bin") && missing.contains("older"), "{missing}");
}
