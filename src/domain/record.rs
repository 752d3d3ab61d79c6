//! What a pass remembers: the plain rows that go between the engine and the store (D6, D7, D9–D12).

use serde::{Deserialize, Serialize};

use super::checkpoint::Checkpoint;
use super::content::ContentHash;
use super::figures::Moved;
use super::flags::FlagBase;
use super::folder::{FolderPath, FolderState, UidValidity, WireName};
use super::identity::{Identity, Names};
use super::ids::{FolderId, PassId, Uid};
use super::item_error::ItemError;
use super::notice::Notice;

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
    /// The greatest number of a copy that was recorded since then; 0: none was.
    pub destination_top: Uid,
    /// Messages at the destination below this number are known: by a watermark, or by identity as strangers.
    pub strangers_next: Uid,
    /// Set when a Full pass ended this folder without errors (D11).
    pub marker: Option<Marker>,
    /// An intent without its end: messages may be at the destination without a watermark (D9).
    pub intent: Option<Intent>,
    /// Holds the watermarks of an earlier UIDVALIDITY of the source folder (D12): only their identities still count.
    pub retired: bool,
}

impl FolderRecord {
    /// The destination folder's numbering as it must be at least, with what was recorded since it was seen.
    pub fn destination_known(&self) -> Seen {
        let next = Uid(self.destination_top.0 + 1);
        match self.destination_seen {
            Seen::Unknown if self.destination_top > Uid(0) => Seen::As { uid_next: next, messages: u32::MAX },
            Seen::As { uid_next, messages } if next > uid_next => {
                let came = u32::try_from(next.0 - uid_next.0).unwrap_or(u32::MAX);
                Seen::As { uid_next: next, messages: messages.saturating_add(came) }
            }
            seen => seen,
        }
    }
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
    /// Bytes of its messages then (STATUS=SIZE, RFC 8438), where the server tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
}

impl Marker {
    /// Whether a folder of so many bytes may be the one that was left, as far as both are told.
    pub fn has_size(&self, now: Option<u64>) -> bool {
        self.size.zip(now).is_none_or(|(then, now)| then == now)
    }
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
    /// Mailferry wrote its cleaned form, because the destination called the message malformed. Its flags are carried.
    Cleaned,
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
    pub flags: FlagBase,
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

    /// Whether it is of this message, as far as names tell. Those of old versions have no content, and names of an older form.
    pub fn is_of(&self, names: &Names) -> bool {
        self.identity == if self.content.is_some() { names.now } else { names.before }
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

/// Whether a server may have made a message of this size out of one of so many bytes.
pub fn is_sane(sent: u64, size: u64) -> bool {
    sent.abs_diff(size) <= 8192.max(sent / 4)
}

/// What a server of a project was seen to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Habit {
    /// Own appends whose size was told as it was sent; of a source, messages that were handed out with the size that was told.
    pub kept: u64,
    /// Those of another size.
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

/// The copies that should be in a destination folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CopiesExpected {
    /// With a number.
    pub told: u64,
    /// Without.
    pub untold: u64,
    /// The greatest number; 0 where there is none.
    pub highest: Uid,
}

impl Default for CopiesExpected {
    fn default() -> Self {
        Self { told: 0, untold: 0, highest: Uid(0) }
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
    pub flags: Vec<(FolderId, Uid, FlagBase)>,
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

/// A pass to run again or for the first time, as the store hands it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassKey {
    /// The pass.
    pub pass: PassId,
    /// 1 on its first run, one more after each interruption (D6).
    pub attempt: u32,
}
