//! What a pass remembers: the plain rows that go between the engine and the store (D6, D7, D9–D12).

use serde::{Deserialize, Serialize};

use super::checkpoint::Checkpoint;
use super::failure::{Failure, Side};
use super::figures::{AtSource, Moved};
use super::flags::Flags;
use super::folder::{FolderPath, FolderState, UidValidity, WireName};
use super::identity::{ContentHash, Identity};
use super::ids::{FolderId, PassId, Uid};
use super::item_error::ItemError;
use super::time::Timestamp;

/// How a folder's numbering stood when it was last looked at (D26).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Seen {
    /// Nobody looked yet, or the server told no UIDNEXT.
    #[default]
    Unknown,
    /// As it was.
    As {
        /// No message had this number or a greater one.
        uid_next: Uid,
        /// Messages it held.
        messages: u32,
    },
    /// Its numbers are not believed: the next pass looks at every one.
    Doubted,
    /// It has another UIDVALIDITY, and the numbers of copies were given up; no pass has looked for them since.
    Renumbered,
    /// The same with an earlier UIDVALIDITY than before: it was put back, and copies that are not in it are lost.
    Restored,
}

impl Seen {
    /// Of a folder that holds so many messages.
    pub fn new(uid_next: Option<Uid>, messages: u32) -> Self {
        uid_next.map_or(Self::Unknown, |uid_next| Self::As { uid_next, messages })
    }

    /// No message had this number or a greater one; none while nothing that is believed was seen.
    pub fn uid_next(self) -> Option<Uid> {
        if let Self::As { uid_next, .. } = self { Some(uid_next) } else { None }
    }

    /// Whether the numbers of copies were given up, and no pass has looked for them since.
    pub fn is_given_up(self) -> bool {
        matches!(self, Self::Renumbered | Self::Restored)
    }

    /// Whether the next pass looks at every number.
    pub fn is_doubted(self) -> bool {
        self.is_given_up() || self == Self::Doubted
    }
}

/// A source folder of an item and its counterpart at the destination. One row per (item, source path).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderRecord {
    /// The row.
    pub id: FolderId,
    /// Name at the source when last seen.
    pub source: FolderPath,
    /// Name on the source's wire when last seen.
    pub source_wire: WireName,
    /// The source's UIDVALIDITY that the watermarks' source numbers belong to; none before the first message.
    pub source_validity: Option<UidValidity>,
    /// MAILBOXID of the source folder, if it has one (tells a rename).
    pub mailbox_id: Option<String>,
    /// Name at the destination.
    pub destination: FolderPath,
    /// Name on the destination's wire.
    pub destination_wire: WireName,
    /// The destination's UIDVALIDITY that the watermarks' destination numbers belong to; none while unknown.
    pub destination_validity: Option<UidValidity>,
    /// MAILBOXID of the destination folder, if it has one.
    pub destination_mailbox_id: Option<String>,
    /// The source folder's numbering as last seen.
    pub source_seen: Seen,
    /// The destination folder's numbering as last seen.
    pub destination_seen: Seen,
    /// Messages at the destination below this number are known: by a watermark, or by identity as strangers.
    pub strangers_next: Uid,
    /// Set when a Full pass ended this folder without errors (D11).
    pub marker: Option<Marker>,
    /// An intent without its end: messages may be at the destination without a watermark (D9).
    pub intent: Option<Intent>,
    /// Holds the watermarks of an earlier UIDVALIDITY of the source folder (D12): only their identities still count.
    pub retired: bool,
}

/// A folder row to create or update; see [`FolderRecord`] for the fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderUpdate {
    /// The row, if it is known (a rename keeps it); else it is found or made by the source path.
    pub id: Option<FolderId>,
    /// See [`FolderRecord::source`].
    pub source: FolderPath,
    /// See [`FolderRecord::source_wire`].
    pub source_wire: WireName,
    /// See [`FolderRecord::source_validity`].
    pub source_validity: Option<UidValidity>,
    /// See [`FolderRecord::mailbox_id`].
    pub mailbox_id: Option<String>,
    /// See [`FolderRecord::destination`].
    pub destination: FolderPath,
    /// See [`FolderRecord::destination_wire`].
    pub destination_wire: WireName,
    /// See [`FolderRecord::destination_validity`].
    pub destination_validity: Option<UidValidity>,
    /// See [`FolderRecord::destination_mailbox_id`].
    pub destination_mailbox_id: Option<String>,
}

/// The skip marker of D11: the source's state *before* the scan that found nothing left to do, and a hash of the
/// options that decided what there was to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marker {
    /// State of the source folder before its scan.
    pub state: FolderState,
    /// Hash of the effective options.
    pub options: u64,
}

/// The intent of D9: written durably before the first append into a destination folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Intent {
    /// The destination folder as it was then: what came later, and has no watermark, may be ours.
    pub since: Checkpoint,
}

/// How a watermark came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Mailferry wrote the message. Its flags are carried on later passes.
    Copied,
    /// It was at the destination already. Its flags are left alone.
    Found,
}

/// The record that a source message is at the destination (D7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watermark {
    /// Number at the source, under the folder row's `source_validity`.
    pub source: Uid,
    /// The folder row whose destination folder holds the message (another one than its own after a move at the source).
    pub destination_folder: FolderId,
    /// Number at the destination, or one of [`Watermark::NOT_TOLD`], [`Watermark::GONE`] and [`Watermark::LOST`].
    pub destination: Uid,
    /// Who the message is.
    pub identity: Identity,
    /// What it holds; none in watermarks of old versions, whose identity is an older form too.
    pub content: Option<ContentHash>,
    /// Source flags last carried.
    pub flags: Flags,
    /// How it came to be.
    pub origin: Origin,
}

impl Watermark {
    /// The number at the destination was never told and not found.
    pub const NOT_TOLD: Uid = Uid(0);
    /// The copy was seen to be gone: its owner deleted or moved it, and it does not come back (D12).
    pub const GONE: Uid = Uid(-1);
    /// The copy was lost with the destination's numbering: the message is copied again, and no other watermark answers for
    /// it, nor this one for another message (D26).
    pub const LOST: Uid = Uid(-2);

    /// The number at the destination, if there is one.
    pub fn at(&self) -> Option<Uid> {
        (self.destination.0 > 0).then_some(self.destination)
    }

    /// Whether its message is to be copied again.
    pub fn is_lost(&self) -> bool {
        self.destination == Self::LOST
    }
}

/// What a watermark says of a message beside where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Who it is.
    pub identity: Identity,
    /// What it holds; none in watermarks of old versions.
    pub content: Option<ContentHash>,
    /// The source folder's row.
    pub folder: FolderId,
}

/// A watermark that now belongs to another source place, because the message or its folder moved there (D12).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rekey {
    /// The source folder row it was in.
    pub from_folder: FolderId,
    /// Its number there.
    pub from: Uid,
    /// The source folder row it is in now.
    pub to_folder: FolderId,
    /// Its number there.
    pub to: Uid,
}

/// What a pass has to say that is no error of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// The source says it holds more or fewer messages than were accounted for.
    SourceDiffers,
    /// Copies that should be at the destination are not.
    MissingThere,
    /// Messages may be at the destination twice.
    MaybeTwice,
    /// A date could not be read, so the destination gave its own.
    DateNotKept,
    /// Flags or keywords that the destination does not take.
    FlagsNotKept,
    /// Numbers meant other messages than before; the folder was matched by what its messages are.
    Renumbered,
    /// Copies that were lost with the destination's numbering (a restored backup) were copied again.
    CopiedAgain,
    /// The destination holds copies that this workspace should know: it may be an old copy of the workspace.
    OldWorkspace,
    /// Messages wait for the next pass, because a folder they may have come from could not be read.
    Waiting,
    /// Folders or messages left out by default (views, other people's folders).
    LeftOut,
    /// The destination changed a message while storing it.
    Altered,
}

impl NoticeKind {
    /// Whether it is a difference that nothing explains, so that the item is not done (D27).
    pub fn differs(self) -> bool {
        match self {
            Self::SourceDiffers | Self::MissingThere | Self::MaybeTwice => true,
            Self::DateNotKept
            | Self::FlagsNotKept
            | Self::Renumbered
            | Self::CopiedAgain
            | Self::OldWorkspace
            | Self::Waiting
            | Self::LeftOut
            | Self::Altered => false,
        }
    }
}

/// One notice of a pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// The folder at the source; none when it is about the mailbox.
    pub folder: Option<FolderPath>,
    /// What it is.
    pub kind: NoticeKind,
    /// The side that `numbers` belong to.
    pub side: Option<Side>,
    /// How many messages it is about; 0 when it is about a folder.
    pub messages: u64,
    /// The first of their numbers, at most [`Notice::NUMBERS`].
    pub numbers: Vec<Uid>,
    /// More words: figures, names.
    pub detail: Option<String>,
}

impl Notice {
    /// Numbers kept in one notice.
    pub const NUMBERS: usize = 200;

    /// About messages of a folder with these numbers at this side; one that is not known (0 or less) counts too.
    pub fn of(folder: &FolderPath, kind: NoticeKind, side: Side, messages: &[Uid]) -> Self {
        Self {
            folder: Some(folder.clone()),
            kind,
            side: Some(side),
            messages: messages.len() as u64,
            numbers: messages.iter().copied().filter(|uid| uid.0 > 0).take(Self::NUMBERS).collect(),
            detail: None,
        }
    }

    /// With these words more.
    #[must_use]
    pub fn saying(self, detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..self }
    }
}

/// Whether a server may have made a message of this size out of one of so many bytes.
pub fn is_sane(sent: u64, size: u64) -> bool {
    sent.abs_diff(size) <= 8192.max(sent / 4)
}

/// What a server of a project was seen to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Habit {
    /// Own appends whose size was told as it was sent.
    pub kept: u64,
    /// Own appends whose size was told differently.
    pub changed: u64,
    /// Bytes that were added to the changed ones, at least; more than `most` where it was never by what can be believed.
    pub least: i64,
    /// And at most.
    pub most: i64,
    /// HIGHESTMODSEQ stood still while something changed: it is not trusted (D11).
    pub modseq_stalls: bool,
}

impl Habit {
    /// Both observations together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let (least, most) = match (self.changed, other.changed) {
            (_, 0) => (self.least, self.most),
            (0, _) => (other.least, other.most),
            _ => (self.least.min(other.least), self.most.max(other.most)),
        };
        Self {
            kept: self.kept.saturating_add(other.kept),
            changed: self.changed.saturating_add(other.changed),
            least,
            most,
            modseq_stalls: self.modseq_stalls || other.modseq_stalls,
        }
    }

    /// An own append was told with this size and sent with that. What no server makes of a message says that it is changed,
    /// and not by how much others may be.
    #[must_use]
    pub fn told(self, told: u64, sent: u64) -> Self {
        let added = i64::try_from(told).unwrap_or(i64::MAX).saturating_sub(i64::try_from(sent).unwrap_or(i64::MAX));
        let changed = u64::from(added != 0);
        let (least, most) = if is_sane(sent, told) { (added, added) } else { (i64::MAX, i64::MIN) };
        self.and(Self { kept: 1 - changed, changed, least, most, modseq_stalls: false })
    }

    /// Whether the server is known to keep bytes as they were sent: it was seen to, and never not to.
    pub fn keeps_bytes(&self) -> bool {
        self.kept > 0 && self.changed == 0
    }
}

/// What the end of a folder leaves in its row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FolderEnd {
    /// Every append is accounted for: the intent is closed.
    pub close_intent: bool,
    /// The skip marker; none drops it.
    pub marker: Option<Marker>,
    /// The source as seen in this pass; none leaves what stands there.
    pub source: Option<Seen>,
    /// The destination as seen in this pass; none leaves what stands there.
    pub destination: Option<Seen>,
}

/// One group of results, committed at once (≤ 500 rows or 250 ms, D9).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Results {
    /// New or replaced watermarks, by source folder row.
    pub watermarks: Vec<(FolderId, Watermark)>,
    /// Watermarks that moved with their message.
    pub rekeys: Vec<Rekey>,
    /// New flag bases: folder row, source number, flags now carried.
    pub flags: Vec<(FolderId, Uid, Flags)>,
    /// Where copies are now: folder row, source number, destination number or its absence (see [`Watermark`]).
    pub places: Vec<(FolderId, Uid, Uid)>,
    /// Item errors of this pass.
    pub errors: Vec<ItemError>,
    /// Notices of this pass.
    pub notices: Vec<Notice>,
    /// What the watermarks add to the figures of their folders and the pass: it counts when they do.
    pub moved: Vec<(FolderId, Moved)>,
}

impl Results {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.watermarks.len()
            + self.rekeys.len()
            + self.flags.len()
            + self.places.len()
            + self.errors.len()
            + self.notices.len()
    }

    /// Whether there is nothing to commit.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// State of a folder within a pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FolderPhase {
    /// Not reached yet.
    #[default]
    Waiting,
    /// Being scanned or copied.
    Working,
    /// Ended; the sum of D6 holds.
    Done,
    /// Unchanged since its marker (D11); not opened.
    Unchanged,
    /// The folder itself failed; its messages count as errors.
    Failed,
    /// The destination folder of earlier passes is gone; old mail was not copied again (D12).
    DestinationGone,
}

/// Counters of one folder in one pass. Once the folder has ended:
/// `source = copied + already_there + skipped + vanished + errors + waiting` (D6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Messages at the source when the folder was read.
    pub source: u64,
    /// Written to the destination in this pass.
    pub copied: u64,
    /// Known to be there already: watermark, recognised, or moved at the source.
    pub already_there: u64,
    /// Left out by a rule (filter, date, size).
    pub skipped: u64,
    /// Gone from the source before they could be read.
    pub vanished: u64,
    /// Could not be moved.
    pub errors: u64,
    /// Bytes of messages written.
    pub bytes: u64,
    /// Flag changes carried.
    pub flags_updated: u64,
    /// Wait for the next pass: a folder that they may have come from could not be read (D29).
    pub waiting: u64,
    /// Arrived at the source during the pass and may have moved: the next pass tells. Not part of `source`.
    pub arrived: u64,
    /// Messages of differences that nothing explains (D27). Beside the sum.
    pub differ: u64,
}

impl Counts {
    /// Whether the sum of D6 holds.
    pub fn balanced(&self) -> bool {
        self.source == self.copied + self.already_there + self.skipped + self.vanished + self.errors + self.waiting
    }

    /// Messages that are neither at the destination nor accounted for otherwise.
    pub fn left(&self) -> u64 {
        let done = self.copied + self.already_there + self.skipped + self.vanished + self.errors + self.waiting;
        self.source.saturating_sub(done)
    }

    /// Whether something is not as it should be: not moved, waiting for another pass, or different without a reason.
    pub fn leaves_something(&self) -> bool {
        self.errors > 0 || self.waiting > 0 || self.differ > 0
    }

    /// Adds another folder's counters.
    pub fn add(&mut self, other: &Self) {
        self.source += other.source;
        self.copied += other.copied;
        self.already_there += other.already_there;
        self.skipped += other.skipped;
        self.vanished += other.vanished;
        self.errors += other.errors;
        self.bytes += other.bytes;
        self.flags_updated += other.flags_updated;
        self.waiting += other.waiting;
        self.arrived += other.arrived;
        self.differ += other.differ;
    }
}

/// One folder's line in a pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassFolder {
    /// The folder row.
    pub folder: FolderId,
    /// Where it stands.
    pub phase: FolderPhase,
    /// Its counters.
    pub counts: Counts,
}

/// What a pass is doing now (R15's order).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// A worker loads what earlier passes left.
    #[default]
    Loading,
    /// Both sides are being reached.
    Connecting,
    /// The source's folders are being listed.
    ListingSource,
    /// The tree is being created at the destination.
    CreatingFolders,
    /// The destination is being searched for what is already there.
    ScanningDestination,
    /// Messages are being copied.
    Copying,
    /// The end is being recorded.
    Finishing,
}

/// Why a pass pauses and until when (retry mode).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetryState {
    /// The side it happened on; none in what older versions wrote.
    #[serde(default)]
    pub side: Option<Side>,
    /// What caused it.
    pub failure: Failure,
    /// Which try this will be.
    pub attempt: u32,
    /// How many there may be in a row.
    pub limit: u32,
    /// When the next try starts.
    pub until: Timestamp,
}

/// The figures of a running pass, flushed to the store at most once a second.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PassProgress {
    /// What it is doing.
    pub phase: Phase,
    /// Folders ended.
    pub folders_done: u32,
    /// Folders in all.
    pub folders_total: u32,
    /// The folder being worked on (one of them, when several are).
    pub current: Option<FolderPath>,
    /// Sums over its folders.
    pub counts: Counts,
    /// Of the messages that could not be moved, those that a person has accepted.
    pub accepted: u64,
    /// What it counted at the source, or the pass before it.
    pub at_source: Option<AtSource>,
    /// Bytes read of messages that are to be copied and not recorded yet: beside what is recorded, and it may fall (D34).
    pub in_flight: u64,
    /// Retry mode.
    pub retry: Option<RetryState>,
    /// When these figures were last true.
    pub updated: Option<Timestamp>,
}

impl PassProgress {
    /// Messages that could not be moved and that nobody has accepted.
    pub fn open_errors(&self) -> u64 {
        self.counts.errors.saturating_sub(self.accepted)
    }

    /// Whether something is left to do: not moved and not accepted, waiting for another pass, or different without a reason.
    pub fn leaves_something(&self) -> bool {
        Counts { errors: self.open_errors(), ..self.counts }.leaves_something()
    }

    /// Messages at the source, as they were counted; else those that were found in the folders looked into.
    pub fn messages_at_source(&self) -> Option<u64> {
        let found = (self.counts.source > 0).then_some(self.counts.source);
        self.at_source.map(|at| at.messages).or(found)
    }
}

/// A pass to run again or for the first time, as the store hands it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassKey {
    /// The pass.
    pub pass: PassId,
    /// 1 on its first run, one more after each interruption (D6).
    pub attempt: u32,
}
