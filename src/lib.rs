//! Mailferry moves mailboxes between mail systems.
//!
//! The rooms of the house, and who may call whom (`ARCHITECTURE.md` has the picture, `tests/it/arrows.rs` the guard):
//!
//! ```text
//! domain ← {store, vault, endpoint} ← engine ← cli ← bin        platform may be used by engine, cli and bin
//! ```

pub mod cli;
pub mod domain;
pub mod endpoint;
pub mod engine;
pub mod platform;
pub mod store;
pub mod vault;
