//! The one integration binary: modules by behaviour, real servers and faults in `support`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable,
    clippy::let_underscore_must_use,
    clippy::too_many_arguments,
    clippy::too_many_lines,
    reason = "a test that cannot go on fails, and tells its story in one piece"
)]

mod arrows;
mod asking;
mod bad_certificate;
mod bad_input;
mod check;
mod contract;
mod crash_matrix;
mod cuts;
mod demo;
mod edits;
mod equality;
mod faults;
mod find;
mod form;
mod hostile;
mod hours;
mod hybrid;
mod keyring;
mod kills;
mod later_passes;
mod licenses;
mod mail;
mod maildir;
mod maildir_layouts;
mod maildir_makers;
mod mapping;
mod message_limits;
mod moves;
mod newest_first;
mod odd_sources;
mod options;
mod other_network;
mod passes;
mod plain_forms;
mod plans;
mod progress;
mod projects;
mod readme;
mod real_limits;
mod real_rate;
#[cfg(unix)]
mod real_servers;
mod real_window;
mod recognised;
mod refusals;
mod requirements;
mod retry_mode;
mod rising;
mod secrets;
mod servers;
mod shared_destinations;
mod shown;
mod sign_in;
mod sleep;
mod stops;
mod support;
mod support_works;
mod trust;
mod walk;
mod wandering;
mod window;
mod wrong_mailbox;
