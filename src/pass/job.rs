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
use crate::pass::suspects::{Part, Suspects, Turn};
use crate::pass::there::Doubts;

/// Messages still to be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Todo {
    /// Everything: a first pass into an empty folder needs no listing beforehand.
    #[default]
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
pub enum MessageStanding {
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

/// Whether the list and EXAMINE say the same of a source folder (D27).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListFigures {
    /// They do.
    Agree,
    /// They do not: figures of the list are not built on.
    Differ,
}

/// What a source folder shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FolderView {
    /// What lies in it.
    Own,
    /// Everything (`\All`): only what lies in no other folder is copied, after all others.
    Everything,
}

/// What earlier passes left of a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Past {
    /// Nothing.
    None,
    /// Its row; the destination folder is there.
    Known,
    /// Its row; the destination folder is gone (D12).
    DestinationGone,
}

/// A folder and how it was found, before anything of it is compared.
#[derive(Clone, Debug)]
pub struct FolderFindings {
    /// How the source calls it.
    pub source: FolderRef,
    /// How the destination calls its counterpart.
    pub destination: FolderRef,
    /// Its OBJECTID at the source, where the server has them (RFC 8474).
    pub mailbox_id: Option<String>,
    /// Its state when it was listed, before any scan.
    pub listed: FolderState,
    /// Bytes of its messages then, where the list tells.
    pub size: Option<u64>,
    /// Messages it holds, as EXAMINE says.
    pub exists: u32,
    /// Whether the list said so too.
    pub figures: ListFigures,
    /// Messages from this number on came after the listing, or the listing's figures were too low; none: not known.
    pub listed_next: Option<Uid>,
    /// What it shows.
    pub view: FolderView,
    /// No message that was seen has this number or a greater one.
    pub source_next: Option<Uid>,
    /// State of the destination folder before anything was appended.
    pub opened: FolderState,
    /// What flags can be set there.
    pub permanent: PermanentFlags,
    /// What earlier passes left.
    pub past: Past,
}

/// Whether the numbers of a source folder still mean the messages they meant (D26).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberTrust {
    /// A sample tells.
    Sampled,
    /// Every known one is looked at.
    Doubted,
}

/// Where in a destination folder messages of ours may lie without a watermark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unrecorded {
    /// Above the open intent's first number, if there is an intent.
    AboveIntent,
    /// Anywhere: an interrupted pass left an intent that no longer says from where on to look.
    Anywhere,
}

/// What is thought of the numbers of a folder.
#[derive(Clone, Debug)]
pub struct Numbers {
    /// Those of the source.
    pub source: NumberTrust,
    /// Why those of its copies may not hold.
    pub doubts: Doubts,
    /// The destination's numbering as an earlier pass saw it last.
    pub seen_there: Seen,
    /// Messages at the destination below this number are known, by a watermark or as strangers.
    pub strangers_next: Uid,
    /// The intent under which messages may be at the destination without a watermark: left open by an interrupted
    /// pass, or written by this one (D9).
    pub open_intent: Option<Intent>,
    /// Where else they may be.
    pub unrecorded: Unrecorded,
}

/// What is left to do.
#[derive(Clone, Debug, Default)]
pub struct Remaining {
    /// What is left to copy.
    pub todo: Todo,
    /// In which order.
    pub turn: Turn,
    /// Source flags, where they were told, and sizes by number, of messages in `todo` when it was made from a listing.
    pub listing: BTreeMap<Uid, (Option<Flags>, u32)>,
    /// Flag changes to carry.
    pub carries: Vec<Carry>,
    /// New messages that may have moved here while the pass ran: looked at when all others are done.
    pub late: Vec<Uid>,
    /// What of its late messages is copied, once that is decided: it holds for every later look of this pass.
    pub chosen: Option<Chosen>,
    /// New messages of which the destination lost the copy: they are copied again, whatever else is known of such a message.
    pub again: BTreeSet<Uid>,
    /// Messages that wait for the next pass: they may have come from a folder that could not be read in this one (D29).
    pub waiting: BTreeSet<Uid>,
    /// New messages, ascending, that are copied in another folder: this is one more label of theirs.
    pub elsewhere: Vec<Uid>,
    /// Messages that vanished before what is done now.
    pub vanished: u64,
    /// Messages that the server counts and does not list: an error of the folder.
    pub unlisted: u64,
    /// Messages that were asked for and did not come.
    pub missing: u64,
}

/// How messages are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Asking {
    /// Many at once.
    #[default]
    Together,
    /// One at a time: the server refused to hand them out together.
    Singly,
}

/// What is suspected of messages and of the folder.
#[derive(Clone, Debug, Default)]
pub struct Suspicion {
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
    /// Messages that may be one that the destination lists, above the first number of an open intent, and does not show: not
    /// appended in this pass.
    pub hidden: BTreeSet<Uid>,
    /// Messages that the destination was last seen to count and not to list.
    pub untold: u64,
    /// How messages are asked for.
    pub asking: Asking,
    /// How often the folder was looked into again for messages that did not come.
    pub rescans: u32,
    /// Breaks before any message could be named.
    pub folder_blame: u32,
}

/// How the work on a folder stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WorkProgress {
    /// Nothing is against calling it done.
    Sound,
    /// Something other than a message was left undone: no skip marker.
    Unfinished,
    /// The folder itself failed: nothing more is tried in this pass.
    Abandoned,
}

/// One folder of a pass.
#[derive(Clone, Debug)]
pub struct Job {
    /// Its row.
    pub id: FolderId,
    /// Its name at the source.
    pub path: FolderPath,
    /// How it was found.
    pub plan: FolderFindings,
    /// What is thought of its numbers.
    pub numbers: Numbers,
    /// What is left to do.
    pub remaining: Remaining,
    /// What is suspected.
    pub suspicion: Suspicion,
    /// How it stands.
    pub progress: WorkProgress,
}

impl Job {
    /// Whether something is known of its destination folder.
    pub fn is_believed(&self) -> bool {
        self.plan.past == Past::Known && !self.is_abandoned()
    }

    /// Whether no earlier pass recorded anything of it.
    pub fn is_new(&self) -> bool {
        self.plan.past == Past::None
    }

    /// Whether the destination folder of earlier passes is gone (D12).
    pub fn has_lost_its_destination(&self) -> bool {
        self.plan.past == Past::DestinationGone
    }

    /// Whether only what lies in no other folder is copied of it.
    pub fn shows_everything(&self) -> bool {
        self.plan.view == FolderView::Everything
    }

    /// Whether nothing more is tried in this pass.
    pub fn is_abandoned(&self) -> bool {
        self.progress == WorkProgress::Abandoned
    }

    /// Something was left undone.
    pub fn leave_undone(&mut self) {
        self.progress = self.progress.max(WorkProgress::Unfinished);
    }

    /// The same as the endpoint says it.
    pub fn which(&self) -> Which {
        match &self.remaining.todo {
            // A pass works on what was listed: a message that arrives meanwhile may be one that moved here from a folder
            // already copied, and the next pass can tell (D12).
            Todo::All => self.plan.listed_next.map_or(Which::All, Which::Before),
            Todo::These(uids) => Which::These(uids.clone()),
        }
    }

    /// Whether a message was there when the folder was listed.
    pub fn was_listed(&self, uid: Uid) -> bool {
        self.plan.listed_next.is_none_or(|next| uid < next)
    }

    /// How a message without a watermark stands.
    pub fn stands(&self, uid: Uid) -> MessageStanding {
        match &self.remaining.chosen {
            Some(chosen) if chosen.wanted.contains(&uid) => MessageStanding::New,
            Some(chosen) if chosen.others.binary_search(&uid).is_ok() => MessageStanding::Other,
            Some(_) => MessageStanding::Later,
            None if self.shows_everything() || !self.was_listed(uid) => MessageStanding::Late,
            None => MessageStanding::New,
        }
    }

    /// Whether a new message is copied in another folder, of which it has the label too.
    pub fn is_at_home_elsewhere(&self, uid: Uid) -> bool {
        self.remaining.elsewhere.binary_search(&uid).is_ok()
    }

    /// Whether a message could not be compared with what is there already: it is not appended.
    pub fn is_uncompared(&self, uid: Uid) -> bool {
        self.suspicion.uncompared.contains(&uid)
            || self.suspicion.hidden.contains(&uid)
            || self.suspicion.unsettled.contains(&uid)
            || self.remaining.chosen.as_ref().is_some_and(|chosen| chosen.unseen.contains(&uid))
    }

    /// How many messages are expected to come.
    pub fn expected(&self) -> u64 {
        match &self.remaining.todo {
            Todo::All => u64::from(self.plan.exists),
            Todo::These(uids) => uids.len() as u64,
        }
    }

    /// Whether nothing is left to copy.
    pub fn is_empty(&self) -> bool {
        match &self.remaining.todo {
            Todo::All => self.plan.exists == 0,
            Todo::These(uids) => uids.is_empty(),
        }
    }

    /// The messages in the order in which they are read: suspects come last, and each by itself.
    pub fn order(&self) -> Vec<Part> {
        match &self.remaining.todo {
            Todo::All => Vec::new(),
            Todo::These(uids) => {
                let parts = self.suspicion.suspects.order(uids).into_iter();
                parts.flat_map(|part| self.remaining.turn.of(part)).collect()
            }
        }
    }

    /// Whether nothing is left but messages at which connections broke.
    pub fn only_suspects(&self) -> bool {
        match &self.remaining.todo {
            Todo::All => false,
            Todo::These(uids) => uids.iter().all(|uid| self.suspicion.suspects.is_alone(*uid)),
        }
    }

    /// Messages of the destination below this number are of others, or of earlier passes.
    pub fn floor(&self) -> Uid {
        self.numbers.open_intent.map_or(Uid(1), |intent| intent.since.floor())
    }
}

/// What a broken connection left open in a destination folder (D28).
#[derive(Clone, Debug, Default)]
pub struct Cut {
    /// Messages that were written out and of which nobody knows yet where they are, in the order sent.
    pub sent: Vec<Sent>,
    /// How much that was.
    pub wire: OnWire,
    /// What may lie above the intent's first number.
    pub above: Above,
    /// Whether what was on the wire has landed.
    pub landing: Landing,
}

/// What may lie above the first number of an intent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Above {
    /// Nothing that has a watermark.
    #[default]
    Unrecorded,
    /// Messages that have a watermark already, too.
    Recorded,
}

/// What is known of what was on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Landing {
    /// It landed or never will.
    #[default]
    Settled,
    /// It did not show in time: it may still land, when its messages have been sent again.
    Open,
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
