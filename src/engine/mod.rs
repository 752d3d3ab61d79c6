//! Orders, waits, retries and cancels: the dispatcher that owns run state, and the workers that each run one pass.
//!
//! The service holds [`Engine`]; the rooms above see of it [`command`] and [`snapshot`], nothing else. The engine does not
//! know whether a window, a terminal or a test watches it.

mod authenticators;
pub mod check;
pub mod command;
mod copier;
mod dispatcher;
pub mod entry_check;
mod handle;
pub mod hybrid;
mod logins;
mod mailboxes;
mod one_look;
pub mod one_message;
pub mod preview;
pub mod run_state;
pub mod runner;
mod shared_limits;
mod sign_ins;
pub mod snapshot;
mod speed;
pub mod store_journal;
mod traces;
mod workspace;
mod wrong_mailbox;
mod zone;

pub use crate::endpoint::registry as endpoints;
pub use handle::{Engine, Orders};
pub use sign_ins::SignIns;
pub use traces::Traces;
pub use workspace::{MESSAGE_MEMORY, Takes, Workspace};
pub use zone::zone_of;
