//! Mailferry moves mailboxes between mail systems, visibly and without losing, doubling or altering a message.
//!
//! The rooms of the house, and who may call whom (`ARCHITECTURE.md` tells how a pass works and where to change what,
//! `tests/it/arrows.rs` is the guard):
//!
//! ```text
//! domain ← {store, vault, endpoint, find, signin, intake, hybrid} ← pass ← engine ← service ← {ui, cli, demo} ← bin
//!                          https: for find, signin, intake, hybrid; platform: for engine and above
//! ```
//!
//! - [`domain`]: pure; everything that can be decided from values alone, and the wording people read.
//! - [`store`]: the workspace's database. [`vault`]: its passwords. [`endpoint`]: mailboxes on servers.
//! - [`find`]: settings for an address. [`signin`]: tokens for servers that take no passwords.
//! - [`intake`]: asking the owners of mailboxes for credentials.
//! - [`hybrid`]: ordering and watching moves that a remote service does.
//! - [`pass`]: one pass over one item, from the listing to the last watermark. [`engine`]: who runs when.
//! - [`service`]: what can be done with a workspace, written once for those above it.
//! - [`ui`]: the window. [`cli`]: the command line. [`demo`]: sample mailboxes that move.
//! - `https`: how web servers are asked.
//! - [`platform`]: what the operating system lends.
//!
//! The library is for the two binaries and the tests of this repository; it promises no stable interface.

pub mod cli;
pub mod demo;
pub mod domain;
pub mod endpoint;
pub mod engine;
pub mod find;
mod https;
pub mod hybrid;
pub mod intake;
pub mod pass;
pub mod platform;
pub mod service;
pub mod signin;
pub mod store;
pub mod ui;
pub mod vault;

/// For the targets in `fuzz/`, and the test that runs their corpus.
#[cfg(any(feature = "fuzzing", test))]
#[doc(hidden)]
pub mod fuzzing {
    use crate::{endpoint, intake};

    pub use crate::endpoint::fuzzing::Target;

    /// Every target of every room.
    pub fn targets() -> impl Iterator<Item = Target> {
        endpoint::fuzzing::TARGETS.into_iter().chain(intake::fuzzing::TARGETS)
    }

    /// Runs the target of this name.
    ///
    /// # Panics
    /// If there is none, or where a promise does not hold.
    #[expect(clippy::expect_used, reason = "a target that is not there is a slip of whoever runs them")]
    pub fn run(name: &str, data: &[u8]) {
        let (_, target) = targets().find(|(target, _)| *target == name).expect("a target of this name");
        target(data);
    }

    #[cfg(test)]
    mod tests {
        use std::fs;
        use std::path::Path;

        use super::*;

        #[test]
        fn every_target_takes_its_corpus() {
            for (name, _) in targets() {
                let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
                let files: Vec<_> =
                    fs::read_dir(&folder).expect(name).map(|entry| entry.expect("an entry").path()).collect();
                assert!(files.len() >= 3, "{name}: only {} files", files.len());
                for file in files {
                    run(name, &fs::read(file).expect("readable"));
                }
            }
        }
    }
}
