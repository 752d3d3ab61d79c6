//! What a pass knows of one folder while it works on it.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::flags::{FlagChange, Flags, PermanentFlags};
use crate::domain::folder::{FolderPath, FolderState};
use crate::domain::identity::Identity;
use crate::domain::ids::{FolderId, Uid};
use crate::domain::plan::FlagStep;
use crate::domain::record::{Intent, Seen, Watermark};
use crate::domain::retry::OnWire;
use crate::endpoint::{FolderRef, Which};
use crate::pass::suspects::{Part, Suspects};
use crate::pass::there::Doubts;

/// Messages still to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Todo {
    /// Everything: a first pass into an empty folder needs no listing beforehand.
    All,
    /// These, ascending.
    These(Vec<Uid>),
}

/// What was decided about the late messages of a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chosen {
    /// These are copied.
    pub wanted: BTreeSet<Uid>,
    /// These, ascending, lie in other folders too, or wait for the next pass.
    pub others: Vec<Uid>,
    /// Of the wanted ones: nobody knows who they are or what they hold, and they may have been copied already. Reading them
    /// again tells what is wrong with them, but they are not appended.
    pub unseen: BTreeSet<Uid>,
}

/// How a message without a watermark stands in this pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is to be copied.
    New,
    /// It is looked at when all others are done.
    Late,
    /// It was, and is not copied in this pass.
    Other,
    /// It was not there when late messages were decided on: the next pass looks at it.
    Later,
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
    /// Who the message is: looked at before its copy is touched (D26).
    pub mark: Watermark,
    /// What changed at the source since the last pass.
    pub change: FlagChange,
    /// The source's flags now: the next base.
    pub now: Flags,
}

impl From<FlagStep> for Carry {
    fn from(step: FlagStep) -> Self {
        Self {
            source: step.mark.source,
            folder: step.mark.destination_folder,
            destination: step.mark.destination,
            mark: step.mark,
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
    /// Messages it holds, as EXAMINE says.
    pub exists: u32,
    /// EXAMINE said the same as the list: else figures of the list are not built on (D27).
    pub agreed: bool,
    /// Its numbers may mean other messages than before: every known one is looked at (D26).
    pub doubtful: bool,
    /// Messages from this number on came after the listing, or the listing's figures were too low; 0: not known.
    pub listed_next: Uid,
    /// A view of everything: only what lies in no other folder is copied, after all others.
    pub remainder: bool,
    /// Messages that the server counts and does not list: an error of the folder.
    pub unlisted: u64,
    /// New messages that may have moved here while the pass ran: looked at when all others are done.
    pub late: Vec<Uid>,
    /// What of its late messages is copied, once that is decided: it holds for every later look of this pass.
    pub chosen: Option<Chosen>,
    /// No message that was seen has this number or a greater one.
    pub source_next: u32,
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
    /// Why the numbers of its copies may not hold.
    pub doubts: Doubts,
    /// Messages at the destination below this number are known, by a watermark or as strangers.
    pub strangers_next: Uid,
    /// Messages that vanished before what is done now.
    pub vanished: u64,
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
    /// Source flags, where they were told, and sizes by number, of messages in `todo` when it was made from a listing.
    pub listing: BTreeMap<Uid, (Option<Flags>, u32)>,
    /// Flag changes to carry.
    pub carries: Vec<Carry>,
    /// Messages at which connections broke (D22).
    pub suspects: Suspects,
    /// What a broken connection left open at the destination (D28).
    pub cut: Cut,
    /// Messages that did not come when they were to be compared with what is at the destination. They may be there
    /// already: reading them again tells what is wrong with them, but they are not appended.
    pub uncompared: BTreeSet<Uid>,
    /// Messages of which nobody saw who they are when they were compared with what belongs to other folders: not appended in
    /// this pass, whatever comes of them later.
    pub unsettled: BTreeSet<Uid>,
    /// Messages that wait for the next pass: they may have come from a folder that could not be read in this one (D29).
    pub waiting: BTreeSet<Uid>,
    /// New messages of which the destination lost the copy: they are copied again, whatever else is known of such a message.
    pub again: BTreeSet<Uid>,
    /// The destination's numbering as an earlier pass saw it last.
    pub destination_seen: Seen,
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
    /// Whether something is known of its destination folder.
    pub fn is_believed(&self) -> bool {
        !self.fresh && !self.destination_gone && !self.abandoned
    }

    /// The same as the endpoint says it.
    pub fn which(&self) -> Which {
        match &self.todo {
            // A pass works on what was listed: a message that arrives meanwhile may be one that moved here from a folder
            // already copied, and the next pass can tell (D12).
            Todo::All => match self.listed_next {
                Uid(0) => Which::All,
                next => Which::Before(next),
            },
            Todo::These(uids) => Which::These(uids.clone()),
        }
    }

    /// Whether a message was there when the folder was listed.
    pub fn was_listed(&self, uid: Uid) -> bool {
        self.listed_next == Uid(0) || uid < self.listed_next
    }

    /// How a message without a watermark stands.
    pub fn stands(&self, uid: Uid) -> Standing {
        match &self.chosen {
            Some(chosen) if chosen.wanted.contains(&uid) => Standing::New,
            Some(chosen) if chosen.others.binary_search(&uid).is_ok() => Standing::Other,
            Some(_) => Standing::Later,
            None if self.remainder || !self.was_listed(uid) => Standing::Late,
            None => Standing::New,
        }
    }

    /// Whether a message could not be compared with what is there already: it is not appended.
    pub fn is_uncompared(&self, uid: Uid) -> bool {
        self.uncompared.contains(&uid)
            || self.unsettled.contains(&uid)
            || self.chosen.as_ref().is_some_and(|chosen| chosen.unseen.contains(&uid))
    }

    /// How many messages are expected to come.
    pub fn expected(&self) -> u64 {
        match &self.todo {
            Todo::All => u64::from(self.exists),
            Todo::These(uids) => uids.len() as u64,
        }
    }

    /// Whether nothing is left to copy.
    pub fn is_empty(&self) -> bool {
        match &self.todo {
            Todo::All => self.exists == 0,
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
