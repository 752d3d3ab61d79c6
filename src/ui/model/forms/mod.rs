//! Forms: what was typed, whether it can be used, and the question that follows from it.
//!
//! Forms that hold passwords have no `Debug`, and wipe them on drop.

mod errors;
mod import;
mod project;
mod server;
mod start;
mod vault;

pub use errors::{AcceptForm, ChosenErrors, SaveForm, SavingNow};
pub use import::{ImportForm, Importing};
pub use project::ProjectForm;
pub use server::{Check, ServerFaults, ServerForm};
pub use start::{Age, Candidate, StartForm};
pub use vault::VaultForm;
