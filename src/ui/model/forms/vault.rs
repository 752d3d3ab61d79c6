//! The dialog that opens the vault, or makes it.

use zeroize::Zeroizing;

use crate::service::VaultKind;
use crate::service::vault::SHORTEST_PASSPHRASE;

/// The dialog that opens the vault, or makes it.
#[derive(Clone)]
pub struct VaultForm {
    /// It does not exist yet.
    pub new: bool,
    /// Which kind.
    pub kind: VaultKind,
    /// The passphrase.
    pub passphrase: Zeroizing<String>,
    /// The same again, for a new one.
    pub again: Zeroizing<String>,
    /// It was painted once: its first field has had the focus.
    pub entered: bool,
    /// Why it did not open.
    pub refused: Option<String>,
    /// An answer is under way.
    pub busy: bool,
}

impl VaultForm {
    /// For the vault that was chosen, or for a choice: what was asked for by name is proposed, else the system's keyring
    /// (D17).
    pub fn new(chosen: Option<VaultKind>, asked: Option<VaultKind>) -> Self {
        Self {
            new: chosen.is_none(),
            kind: chosen.or(asked).unwrap_or(VaultKind::Keyring),
            passphrase: Zeroizing::default(),
            again: Zeroizing::default(),
            entered: false,
            refused: None,
            busy: false,
        }
    }

    /// What is wrong with the passphrase.
    pub fn fault(&self) -> Option<&'static str> {
        match self.kind {
            VaultKind::Keyring | VaultKind::FileKeyring | VaultKind::Memory => None,
            VaultKind::File if self.passphrase.is_empty() => Some("Enter the passphrase"),
            VaultKind::File if self.new && self.passphrase.chars().count() < SHORTEST_PASSPHRASE => {
                Some("At least eight letters; four words are better than one")
            }
            VaultKind::File if self.new && self.passphrase != self.again => Some("The two passphrases differ"),
            VaultKind::File => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_passphrase_is_typed_twice() {
        let mut form = VaultForm::new(None, None);
        assert_eq!((form.kind, form.fault()), (VaultKind::Keyring, None));
        form.kind = VaultKind::File;
        assert!(form.fault().is_some());
        form.passphrase = "open sesame".to_owned().into();
        assert_eq!(form.fault(), Some("The two passphrases differ"));
        form.again = "open sesame".to_owned().into();
        assert_eq!(form.fault(), None);
        assert_eq!(
            VaultForm { passphrase: "x".to_owned().into(), ..VaultForm::new(Some(VaultKind::File), None) }.fault(),
            None
        );
    }
}
