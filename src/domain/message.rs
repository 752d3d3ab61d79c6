//! A message on its way: bytes, flags and date exactly as the source gave them.

use std::fs::File;
use std::sync::Arc;

use bytes::Bytes;

use super::content::ContentHash;
use super::flags::Flags;
use super::ids::Uid;
use super::time::Timestamp;

/// INTERNALDATE as the source gave it, `" 1-Feb-2024 03:04:05 +0100"`: text and zone go on unchanged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InternalDate {
    /// The text between the quotes, RFC 9051 `date-time`; the day may have a leading blank.
    pub text: String,
    /// The instant it names.
    pub instant: Timestamp,
}

/// What a listing tells of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageMeta {
    /// Its number in the folder.
    pub uid: Uid,
    /// Its flags; none where they were not told, which is not the same as no flags.
    pub flags: Option<Flags>,
    /// RFC822.SIZE, an estimate on some servers: it orders candidates, never decides (D8). 0 where it was not told.
    pub size: u32,
    /// Its date, when asked for.
    pub date: Option<InternalDate>,
}

/// A hash of the id that a server gave a message, the same wherever that lies (X-GM-MSGID; EMAILID, RFC 8474).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageKey([u8; 16]);

impl MessageKey {
    /// Of this id.
    pub fn of(id: &[u8]) -> Self {
        Self(ContentHash::of(id).0)
    }

    /// As it is kept.
    pub fn bytes(self) -> [u8; 16] {
        self.0
    }
}

/// Header of a message as fetched for recognition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageHeader {
    /// Its number in the folder.
    pub uid: Uid,
    /// RFC822.SIZE.
    pub size: u32,
    /// The raw header block, up to and including the empty line if there is one. Bounded by the endpoint.
    pub header: Bytes,
}

/// The bytes of a message: canonical CRLF form (D15).
#[derive(Clone, Debug)]
pub enum Body {
    /// In memory; up to 1 MiB (D20).
    Memory(Bytes),
    /// In an unlinked or private file of the workspace's spool, read from offset 0.
    Spooled {
        /// The open file. Read with positioned reads or a clone: the cursor is nobody's.
        file: Arc<File>,
        /// Its length in bytes.
        len: u64,
    },
}

impl Body {
    /// Length in bytes; what the destination is told (never RFC822.SIZE, D20).
    pub fn len(&self) -> u64 {
        match self {
            Body::Memory(bytes) => bytes.len() as u64,
            Body::Spooled { len, .. } => *len,
        }
    }

    /// Whether the message has no bytes at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A permit on the process-wide memory budget (D20), given back when the last holder is dropped.
pub type Hold = Arc<dyn std::any::Any + Send + Sync>;

/// A whole message read from the source.
#[derive(Clone)]
pub struct SourceMessage {
    /// Its number at the source.
    pub uid: Uid,
    /// Its flags when it was read.
    pub flags: Flags,
    /// Its date.
    pub date: Option<InternalDate>,
    /// Its bytes.
    pub body: Body,
    /// How many bytes its server says that it has, if it tells.
    pub told: Option<u64>,
    /// Keeps the bytes' share of the memory budget taken.
    pub hold: Option<Hold>,
}

/// What goes to the destination.
#[derive(Clone)]
pub struct NewMessage {
    /// Flags to set, already limited to what the folder allows.
    pub flags: Flags,
    /// The date to set.
    pub date: Option<InternalDate>,
    /// The bytes.
    pub body: Body,
    /// Keeps the bytes' share of the memory budget taken until they are written.
    pub hold: Option<Hold>,
    /// The server did not understand it in another form: it goes in the plainest there is.
    pub plainly: bool,
}
