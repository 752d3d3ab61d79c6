//! How a verb ends, and what it says when it ends badly.

use std::process::ExitCode;

use crate::service::ServiceError;
use crate::service::import::ImportError;
use crate::service::launch::NotPrepared;

/// The exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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

impl From<ServiceError> for CliError {
    fn from(error: ServiceError) -> Self {
        if let ServiceError::Import(ImportError::LeftBehind { why, also }) = error {
            return Self::from(ServiceError::from(*why)).and(&also.to_string());
        }
        let mut text = error.to_string();
        if error.is_of_the_keyring() {
            text += ". Or keep passwords in an encrypted file: --vault file, with another --data folder if this workspace has \
                     a vault already";
        }
        match error {
            ServiceError::NoProject(_) => text += ": `mailferry project list` shows all",
            ServiceError::NoHybridProject(_) => text += ": `mailferry hybrid list` shows all",
            ServiceError::Archived(_) => text += " (`mailferry project archive NAME --undo`)",
            ServiceError::NoPool(_) => {
                text += ": `mailferry license list` shows all, `mailferry license add NAME --new` makes one";
            }
            _ => {}
        }
        if error.blames_the_request() { Self::usage(text) } else { Self::cannot(text) }
    }
}

impl From<NotPrepared> for CliError {
    fn from(error: NotPrepared) -> Self {
        match error {
            NotPrepared::Service(error) => error.into(),
            other => Self::cannot(other.to_string()),
        }
    }
}
