//! Use cases: what can be done with a workspace, written once for the window, the command line and the demo.
//!
//! Opening a workspace, choosing and unlocking its vault, assembling its engine, projects, imports, removal, whether a
//! Start can begin, commands without an engine of one's own. Plain async functions over an [`OpenWorkspace`], with typed errors whose
//! `Display` is what people read. [`client`] is the same for a caller that must never wait.
//!
//! Does not belong here: what a terminal or a window looks like, exit codes, the run state (engine), columns (store). Every
//! function may wait for the disk, those that touch secrets also for a keyring that asks a person.

pub mod asking;
mod assembly;
mod awake;
pub mod check;
pub mod client;
pub mod edit;
mod end_notices;
mod error;
pub mod errors;
pub mod find;
pub mod front;
pub mod hybrid;
pub mod import;
pub mod items;
pub mod launch;
pub mod licenses;
mod lockable_vault;
pub mod log;
mod look;
pub mod mail;
mod mail_token;
mod opening;
pub mod options;
pub mod orders;
pub mod preview;
pub mod project_mail;
pub mod projects;
pub mod remedies;
pub mod seam;
pub mod settings;
pub mod sign_in;
pub mod start;
pub mod times;
pub mod vault;
pub mod withdraw;
mod workspace;

pub use crate::engine::Takes;
pub use crate::vault::{VaultError, VaultKind};
pub use assembly::RunningEngine;
pub use error::ServiceError;
pub use opening::{Trouble, WorkspaceInfo};
pub use workspace::{DataFolder, OpenOptions, OpenWorkspace};
