//! What the operating system lends: clock, staying awake, data folder, single instance, spool folder, memory that stays here, log, Ctrl-C, file dialog, another
//! process.
//!
//! No mail, no database, no decisions about passes. Blocks briefly on the local disk.

pub mod awake;
pub mod clock;
pub mod folder;
pub mod interrupts;
pub mod lock;
pub mod logging;
pub mod memory;
pub mod picker;
pub mod program;

use std::path::PathBuf;

/// Why the machine did not give what was asked.
#[derive(Debug, thiserror::Error)]
pub enum PlatformError {
    /// No home folder is known.
    #[error("no folder for application data is known: name one with --data")]
    NoHome,
    /// Others may read the folder, and it is not ours to close.
    #[error("others may read {0}, which holds other files: choose a folder of its own for the workspace")]
    NotPrivate(PathBuf),
    /// What is there in the place of a workspace, or of one of its files, is not what it must be.
    #[error("{} {why}", path.display())]
    Strange {
        /// What.
        path: PathBuf,
        /// A lower-case fragment, with what to do.
        why: &'static str,
    },
    /// Another process runs the engine of this workspace.
    #[error("the workspace is in use {}", .0.as_ref().map_or_else(|| "by another process".to_owned(), ToString::to_string))]
    InUse(Option<lock::Owner>),
    /// The operating system refused.
    #[error("{doing} {}: {error}", path.display())]
    Io {
        /// A lower-case fragment.
        doing: &'static str,
        /// With what.
        path: PathBuf,
        /// Its words.
        error: std::io::Error,
    },
    /// The log could not be set up.
    #[error("the log could not be opened: {0}")]
    Log(String),
}

/// Turns a system error into ours.
fn io(doing: &'static str, path: &std::path::Path) -> impl FnOnce(std::io::Error) -> PlatformError {
    let path = path.to_owned();
    move |error| PlatformError::Io { doing, path, error }
}
