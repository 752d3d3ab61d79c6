//! What the tests stand on: real servers, a relay with faults, a raw IMAP client, a hostile corpus, comparisons.
//!
//! But for `bench`, `hand`, `patient` and `product`, which run it, nothing here uses the product: a fault in its IMAP code
//! must not hide in the code that looks for it.

#![allow(dead_code, reason = "support is a toolbox: not every build of the tests opens every drawer")]

pub mod backup;
pub mod bench;
pub mod browser;
pub mod compare;
pub mod corpus;
pub mod courier;
mod cut;
pub mod cutter;
pub mod dovecot;
pub mod ends;
pub mod exim;
#[cfg(unix)]
pub mod field;
pub mod hand;
pub mod imap;
pub mod keyring;
pub mod log_tail;
pub mod names;
pub mod odd;
pub mod oidc;
pub mod patient;
pub mod peculiar;
pub mod peer;
pub mod product;
pub mod programs;
pub mod quota;
pub mod relay;
pub mod scene;
pub mod screen;
pub mod scripted;
pub mod seeds;
pub mod site;
pub mod tenant;
pub mod unpacked;
