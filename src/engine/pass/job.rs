//! What a pass knows of one folder while it works on it.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::flags::{FlagChange, Flags, PermanentFlags};
use crate::domain::folder::{FolderPath, FolderState};
use crate::domain::identity::Identity;
use crate::domain::ids::{FolderId, Uid};
use crate::domain::plan::FlagStep;
use crate::domain::record::Intent;
use crate::domain::retry::OnWire;
use crate::endpoint::{FolderRef, Which};
use crate::engine::pass::suspects::{Part, Suspects};

/// Messages still to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Todo {
    /// Everything: a first pass into an empty folder needs no listing beforehand.
    All,
    /// These, ascending.
    These(Vec<Uid>),
}

/// A flag change to carry to a message that Mailferry copied (D10).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carry {
    /// Number at the source.
    pub source: Uid,
    /// The row whose destination folder holds the message.
    pub folder: FolderId,
    /// Number at the destination.
    pub destination: Uid,
    /// What changed at the source since the last pass.
    pub change: FlagChange,
    /// The source's flags now: the next base.
    pub now: Flags,
}

impl From<FlagStep> for Carry {
    fn from(step: FlagStep) -> Self {
        Self {
            source: step.source,
            folder: step.destination_folder,
            destination: step.destination,
            change: step.change,
            now: step.now,
        }
    }
}

/// One folder of a pass.
#[derive(Clone, Debug)]
pub struct Job {
    /// Its row.
    pub id: FolderId,
    /// Its name at the source.
    pub path: FolderPath,
    /// How the source calls it.
    pub source: FolderRef,
    /// Its OBJECTID at the source, where the server has them (RFC 8474).
    pub mailbox_id: Option<String>,
    /// Its state when it was listed, before any scan.
    pub listed: FolderState,
    /// How the destination calls its counterpart.
    pub destination: FolderRef,
    /// State of the destination folder before anything was appended.
    pub opened: FolderState,
    /// What flags can be set there.
    pub permanent: PermanentFlags,
    /// The intent under which messages may be at the destination without a watermark: left open by an interrupted
    /// pass, or written by this one (D9).
    pub open_intent: Option<Intent>,
    /// An interrupted pass left an intent that no longer says from where on to look: the whole destination folder may
    /// hold messages of ours without a watermark.
    pub search_all: bool,
    /// No earlier pass recorded anything of this folder.
    pub fresh: bool,
    /// The destination folder of earlier passes is gone (D12).
    pub destination_gone: bool,
    /// Something other than a message was left undone: no skip marker.
    pub unfinished: bool,
    /// The folder itself failed: nothing more is tried in this pass.
    pub abandoned: bool,
    /// What is left to copy.
    pub todo: Todo,
    /// Source flags and sizes by number, of messages in `todo` when it was made from a listing.
    pub listing: BTreeMap<Uid, (Flags, u32)>,
    /// Flag changes to carry.
    pub carries: Vec<Carry>,
    /// Messages at which connections broke (D22).
    pub suspects: Suspects,
    /// What a broken connection left open at the destination (D28).
    pub cut: Cut,
    /// Messages that did not come when they were to be compared with what is at the destination. They may be there
    /// already: reading them again tells what is wrong with them, but they are not appended.
    pub uncompared: BTreeSet<Uid>,
    /// Messages are asked for one at a time: the server refused to hand them out together.
    pub singly: bool,
    /// Messages that were asked for and did not come.
    pub missing: u64,
    /// How often the folder was looked into again for them.
    pub looks: u32,
    /// Breaks before any message could be named.
    pub folder_blame: u32,
}

impl Job {
    /// The same as the endpoint says it.
    pub fn which(&self) -> Which {
        match &self.todo {
            // A pass works on what was listed: a message that arrives meanwhile may be one that moved here from a folder
            // already copied, and the next pass can tell (D12).
            Todo::All => match self.listed.uid_next {
                0 => Which::All,
                next => Which::Before(Uid(next.into())),
            },
            Todo::These(uids) => Which::These(uids.clone()),
        }
    }

    /// Whether a message was there when the folder was listed.
    pub fn was_listed(&self, uid: Uid) -> bool {
        self.listed.uid_next == 0 || uid < Uid(self.listed.uid_next.into())
    }

    /// How many messages are expected to come.
    pub fn expected(&self) -> u64 {
        match &self.todo {
            Todo::All => u64::from(self.listed.messages),
            Todo::These(uids) => uids.len() as u64,
        }
    }

    /// Whether nothing is left to copy.
    pub fn is_empty(&self) -> bool {
        match &self.todo {
            Todo::All => self.listed.messages == 0,
            Todo::These(uids) => uids.is_empty(),
        }
    }

    /// The messages in the order in which they are read: suspects come last, and each by itself.
    pub fn order(&self) -> Vec<Part> {
        match &self.todo {
            Todo::All => Vec::new(),
            Todo::These(uids) => self.suspects.order(uids),
        }
    }

    /// Whether nothing is left but messages at which connections broke.
    pub fn only_suspects(&self) -> bool {
        match &self.todo {
            Todo::All => false,
            Todo::These(uids) => uids.iter().all(|uid| self.suspects.is_alone(*uid)),
        }
    }

    /// Messages of the destination below this number are of others, or of earlier passes.
    pub fn floor(&self) -> Uid {
        self.open_intent.map_or(Uid(1), |intent| intent.floor)
    }
}

/// What a broken connection left open in a destination folder (D28).
#[derive(Clone, Debug, Default)]
pub struct Cut {
    /// Messages that were written out and of which nobody knows yet where they are, in the order sent.
    pub sent: Vec<Sent>,
    /// How much that was.
    pub wire: OnWire,
    /// Messages above the intent's floor may have a watermark already.
    pub resumed: bool,
    /// What was on the wire did not show in time: it may still land, when its messages have been sent again.
    pub doubt: bool,
}

/// A message that was written out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Number at the source.
    pub uid: Uid,
    /// Who it is.
    pub identity: Identity,
    /// The server said that it has it, not where.
    pub answered: bool,
}
