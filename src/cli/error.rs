//! How a verb ends, and what it says when it ends badly.

use std::process::ExitCode;

use crate::engine::desk::enter::{EnterError, NotRemoved};
use crate::platform::PlatformError;
use crate::store::StoreError;
use crate::vault::VaultError;

/// The exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All well.
    Well,
    /// An item failed or has item errors.
    Items,
    /// Wrong use or bad input; nothing was changed.
    Usage,
    /// It cannot run here.
    Cannot,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Well => 0,
            Exit::Items => 1,
            Exit::Usage => 2,
            Exit::Cannot => 3,
        }
        .into()
    }
}

/// A verb could not be done.
#[derive(Debug)]
pub struct CliError {
    exit: Exit,
    /// What happened and what to do; a few lines at most.
    message: String,
}

impl CliError {
    /// Wrong use or bad input.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, message: message.into() }
    }

    /// It cannot run here.
    pub fn cannot(message: impl Into<String>) -> Self {
        Self { exit: Exit::Cannot, message: message.into() }
    }

    /// The same with one more thing that went wrong.
    pub fn and(mut self, also: &str) -> Self {
        self.message = format!("{}\n{also}", self.message);
        self
    }

    /// The exit code.
    pub fn exit(&self) -> Exit {
        self.exit
    }

    pub(super) fn print(&self) {
        warn!("mailferry: {}", self.message);
    }
}

impl From<StoreError> for CliError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NameTaken(_) | StoreError::Missing(_) | StoreError::Active(_) | StoreError::OtherVault(_) => {
                Self::usage(error.to_string())
            }
            _ => Self::cannot(error.to_string()),
        }
    }
}

impl From<EnterError> for CliError {
    fn from(error: EnterError) -> Self {
        match error {
            EnterError::Store(error) => error.into(),
            EnterError::Vault(error) => error.into(),
            EnterError::SharedMaildir(_) => Self::usage(error.to_string()),
            EnterError::LeftBehind { why, also } => Self::from(*why).and(&also.to_string()),
        }
    }
}

impl From<NotRemoved> for CliError {
    fn from(error: NotRemoved) -> Self {
        match error {
            NotRemoved::Vault(error) => error.into(),
            NotRemoved::Cancelled(_) => Self::usage(error.to_string()),
        }
    }
}

impl From<PlatformError> for CliError {
    fn from(error: PlatformError) -> Self {
        Self::cannot(error.to_string())
    }
}

impl From<VaultError> for CliError {
    fn from(error: VaultError) -> Self {
        let mut text = error.to_string();
        if error.is_of_the_keyring() {
            text += ". Or keep passwords in an encrypted file: --vault file, with another --data folder if this workspace has \
                     a vault already";
        }
        match error {
            VaultError::WrongPassphrase | VaultError::TooLong { .. } | VaultError::Cancelled => Self::usage(text),
            _ => Self::cannot(text),
        }
    }
}
