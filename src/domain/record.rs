//! What a pass remembers: the plain rows that go between the engine and the store (D6, D7, D9–D12).

use serde::{Deserialize, Serialize};

use super::failure::Failure;
use super::flags::Flags;
use super::folder::{FolderPath, FolderState, WireName};
use super::identity::Identity;
use super::ids::{FolderId, PassId, Uid};

/// A source folder of an item and its counterpart at the destination. One row per (item, source path).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderRecord {
    /// The row.
    pub id: FolderId,
    /// Name at the source when last seen.
    pub source: FolderPath,
    /// Name on the source's wire when last seen.
    pub source_wire: WireName,
    /// The source's UIDVALIDITY that the watermarks' source numbers belong to; 0 before the first message.
    pub source_validity: u32,
    /// MAILBOXID of the source folder, if it has one (tells a rename).
    pub mailbox_id: Option<String>,
    /// Name at the destination.
    pub destination: FolderPath,
    /// Name on the destination's wire.
    pub destination_wire: WireName,
    /// The destination's UIDVALIDITY that the watermarks' destination numbers belong to; 0 while unknown.
    pub destination_validity: u32,
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
    pub source_validity: u32,
    /// See [`FolderRecord::mailbox_id`].
    pub mailbox_id: Option<String>,
    /// See [`FolderRecord::destination`].
    pub destination: FolderPath,
    /// See [`FolderRecord::destination_wire`].
    pub destination_wire: WireName,
    /// See [`FolderRecord::destination_validity`].
    pub destination_validity: u32,
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

/// The intent of D9: written durably before the first APPEND into a destination folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Intent {
    /// UIDVALIDITY of the destination folder.
    pub validity: u32,
    /// Messages with this UID or a greater one, and without a watermark, may be ours.
    pub floor: Uid,
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
    /// Number at the destination; `Uid(0)` when the server never told it and it could not be found.
    pub destination: Uid,
    /// Who the message is.
    pub identity: Identity,
    /// Source flags last carried.
    pub flags: Flags,
    /// How it came to be.
    pub origin: Origin,
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

/// A message, folder or other thing that could not be moved, as the item page lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemError {
    /// The folder at the source.
    pub folder: Option<FolderPath>,
    /// The message's number at the source; none when the whole folder is meant.
    pub source: Option<Uid>,
    /// Subject, decoded, at most 200 characters; none when unknown or when subjects are not logged.
    pub subject: Option<String>,
    /// The message's date, UTC epoch milliseconds.
    pub date: Option<i64>,
    /// Size in bytes.
    pub size: Option<u64>,
    /// How many messages this one error stands for (a refused folder stands for all its messages).
    pub messages: u64,
    /// What went wrong.
    pub failure: Failure,
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
    /// Item errors of this pass.
    pub errors: Vec<ItemError>,
}

impl Results {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.watermarks.len() + self.rekeys.len() + self.flags.len() + self.errors.len()
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
/// `source = copied + already_there + skipped + vanished + errors` (D6).
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
}

impl Counts {
    /// Whether the sum of D6 holds.
    pub fn balanced(&self) -> bool {
        self.source == self.copied + self.already_there + self.skipped + self.vanished + self.errors
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
    /// What caused it.
    pub failure: Failure,
    /// Which try this will be.
    pub attempt: u32,
    /// How many there may be in a row.
    pub limit: u32,
    /// When the next try starts, UTC epoch milliseconds.
    pub until: i64,
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
    /// Bytes read of messages still under way.
    pub in_flight: u64,
    /// Retry mode.
    pub retry: Option<RetryState>,
    /// When these figures were last true, UTC epoch milliseconds.
    pub updated: i64,
}

/// A pass to run again or for the first time, as the store hands it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassKey {
    /// The pass.
    pub pass: PassId,
    /// 1 on its first run, one more after each interruption (D6).
    pub attempt: u32,
}
