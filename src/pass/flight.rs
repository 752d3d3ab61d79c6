//! What is under way on a destination's connection, and what is left of it when the connection breaks.

use std::sync::Arc;

use tokio::time::Instant;

use crate::domain::content::ContentHash;
use crate::domain::failure::{Failure, Side};
use crate::domain::flags::Flags;
use crate::domain::identity::Identity;
use crate::domain::ids::{FolderId, Uid};
use crate::domain::message::{Body, Hold, InternalDate};
use crate::domain::retry::OnWire;
use crate::endpoint::AppendAnswer;
use crate::pass::bytes::Traces;
use crate::pass::job::{Job, Sent};
use crate::pass::sent_flags::SentFlags;
use crate::pass::{PassStop, SideFailure};

/// How the copying of a lane ended early.
pub(super) struct Broke {
    pub halt: PassStop,
    pub broken: Broken,
}

/// What was under way then.
#[derive(Default)]
pub(super) struct Broken {
    /// The messages of the first append without an answer: servers work in order, so the trouble is among them.
    pub suspects: Vec<(FolderId, Uid)>,
    /// The folder being read, and the message expected next.
    pub place: Option<(FolderId, Option<Uid>)>,
    /// Messages that were written out and of which nobody knows where they are, in the order sent.
    pub sent: Vec<(FolderId, Sent)>,
    /// How much of that had no answer.
    pub wire: OnWire,
}

impl Broken {
    /// The message at which the connection broke, if it is only one.
    pub fn at(&self, trouble: &SideFailure) -> Option<(FolderId, Uid)> {
        match (trouble.side, self.suspects.as_slice()) {
            (Side::Destination, [only]) => Some(*only),
            (Side::Destination, _) => None,
            (Side::Source, _) => self.place.and_then(|(id, uid)| Some((id, uid?))),
        }
    }
}

/// A message about to be sent, or on the wire.
#[derive(Clone)]
pub(super) struct Outgoing {
    pub uid: Uid,
    pub identity: Identity,
    pub content: ContentHash,
    /// What is sent is the cleaned form of the message, and holds this.
    pub cleaned: Option<ContentHash>,
    pub flags: Flags,
    /// What of them is sent.
    pub marks: SentFlags,
    pub date: Option<InternalDate>,
    /// It is that of the message's own heading.
    pub dated_by_heading: bool,
    /// How often it waited for a folder that was said to be missing.
    pub waited: u32,
    pub body: Body,
    pub hold: Option<Hold>,
    /// It goes in the plainest form there is.
    pub plainly: bool,
}

/// One append on the wire.
pub(super) struct PendingAppend {
    pub job: Arc<Job>,
    pub messages: Vec<Outgoing>,
    pub answer: AppendAnswer,
    /// When it was written out.
    pub went: Instant,
}

impl PendingAppend {
    pub fn bytes(&self) -> u64 {
        self.messages.iter().map(|message| message.body.len()).sum()
    }
}

/// How the copying of a folder ended.
pub(super) enum Ending {
    /// Everything was read; so many messages never came.
    Read {
        /// How many.
        missing: u64,
    },
    /// The source refused to hand out the messages together.
    Refused,
    /// The destination refused the folder.
    GivenUp(Failure),
}

pub(super) enum InFlight {
    Append(PendingAppend),
    /// Everything of this folder that will come was sent.
    End {
        job: Arc<Job>,
        how: Ending,
    },
}

/// An appended message whose number is not known yet (no UIDPLUS).
pub(super) struct Unplaced {
    pub job: Arc<Job>,
    pub uid: Uid,
    pub identity: Identity,
    pub content: ContentHash,
    /// See [`Outgoing::cleaned`].
    pub cleaned: Option<ContentHash>,
    pub flags: Flags,
    pub bytes: u64,
    /// The server told a number that cannot be this message's.
    pub mistold: bool,
    /// None where they are not needed.
    pub traces: Option<Traces>,
}
