//! What Mailferry knows and decides from values alone: no clock, no files, no network, no database.
//!
//! Everything here is plain data and pure functions. Time, randomness and ids come in as parameters.

pub mod action;
pub mod certificate;
pub mod checkpoint;
pub mod clock;
pub mod content;
pub mod csv_import;
mod csv_records;
pub mod csv_writing;
pub mod edit;
pub mod failure;
pub mod figures;
pub mod flags;
pub mod folder;
pub mod identity;
pub mod ids;
mod instant;
pub mod item;
pub mod item_error;
pub mod likeness;
pub mod mailbox_key;
pub mod maildir_path;
pub mod mapping;
pub mod matching;
pub mod message;
pub mod pass;
pub mod pass_plan;
pub mod plan;
pub mod project;
pub mod ranges;
pub mod readiness;
pub mod record;
pub mod remedy;
pub mod retry;
pub mod secret;
pub mod server;
pub mod shared_maildir;
pub mod star;
pub mod start_order;
pub mod status;
pub mod subject;
pub mod time;
pub mod tree;
mod wait;
pub mod wording;
