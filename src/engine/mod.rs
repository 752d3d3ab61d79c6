//! Orders, waits, retries and cancels: the dispatcher that owns run state, and the workers that each run one pass.
//!
//! Other rooms see of it [`Engine`], [`command`], [`snapshot`] and [`desk`], nothing else. The engine does not know whether a
//! window, a terminal or a test watches it.

mod authenticators;
pub mod board;
pub mod command;
mod copier;
pub mod desk;
mod dispatcher;
mod handle;
mod mailboxes;
pub mod runner;
pub mod snapshot;
mod speed;
pub mod store_journal;

pub use crate::endpoint::registry as endpoints;
pub use handle::{Engine, MESSAGE_MEMORY, Workspace};
