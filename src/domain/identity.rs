//! The identity ladder of D8: how a message is recognised on the other side.

use serde::{Deserialize, Serialize};

/// 16 bytes that are equal for two copies of one message on different servers. Twins share it: matching is a multiset.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Identity(pub [u8; 16]);

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

/// What a header tells about who a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FromHeader {
    /// The first two rungs: recognised by its header alone.
    Known(Identity),
    /// No usable header: only the bytes can tell; see [`of_bytes`].
    NeedsBytes,
}

// The functions follow:
//   pub fn of_header(header: &[u8]) -> FromHeader
//   pub struct BytesIdentity (incremental: update(&[u8]), finish() -> Identity)   rung 3, CRLF-normalised
//   pub fn of_message(message: &[u8]) -> Identity                                 header, else bytes
//   pub fn header_of(message: &[u8]) -> &[u8]                                     up to and including the empty line
//   pub struct ContentHash: BLAKE3-128 over all CRLF-normalised bytes, to tell twins with equal identity apart (D9)
