//! What a scan has of a folder at once, and what its windows add up to.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::flags::Flags;
use crate::domain::ids::{FolderId, Uid};
use crate::domain::matching::Gone;
use crate::domain::message::MessageMeta;
use crate::domain::record::Watermark;
use crate::pass::job::Carry;

/// A message of more bytes is not read only to see whether it is what it was.
const LARGE: u32 = 1 << 20;

/// A range of numbers of one folder: what is listed there, and what was there before.
pub(super) struct Window {
    pub(super) listing: Vec<MessageMeta>,
    pub(super) marks: Vec<Watermark>,
}

impl Window {
    pub(super) fn listed(&self) -> BTreeSet<Uid> {
        self.listing.iter().map(|message| message.uid).collect()
    }
}

/// How many messages a scan saw.
#[derive(Default)]
pub(super) struct ScanCounts {
    pub(super) listed: u64,
    /// Of these, those below the UIDNEXT that was told when the folder was opened.
    pub(super) old: u64,
    pub(super) known: u64,
    pub(super) skipped: u64,
    /// Late ones that are not copied in this pass.
    pub(super) others: u64,
}

/// What the windows of one scan add up to.
#[derive(Default)]
pub(super) struct ScanSums {
    pub(super) counts: ScanCounts,
    /// UIDNEXT as told when it was opened.
    pub(super) opened_next: Option<Uid>,
    pub(super) new: Vec<Uid>,
    pub(super) late: Vec<Uid>,
    /// Some were not there when late ones were decided on.
    pub(super) later: bool,
    pub(super) listing: BTreeMap<Uid, (Option<Flags>, u32)>,
    pub(super) carries: Vec<Carry>,
    pub(super) gone: Vec<Gone>,
    /// Listed messages whose copies were lost.
    pub(super) again: BTreeSet<Uid>,
    /// Messages whose copies were lost, and that are not listed.
    pub(super) stale: Vec<Gone>,
    /// UIDNEXT by all that was told and listed.
    pub(super) next: Option<Uid>,
}

/// A watermark that lost its message.
pub(super) fn gone_mark(folder: FolderId, mark: &Watermark) -> Gone {
    let (identity, content) = (mark.identity, mark.content);
    Gone { identity, content, folder, uid: mark.source, at: mark.destination_folder }
}

/// Takes out the watermarks whose copies were lost: their messages are new again.
pub(super) fn part_with_lost(folder: FolderId, window: &mut Window, sums: &mut ScanSums) {
    if !window.marks.iter().any(Watermark::is_lost) {
        return;
    }
    let listed = window.listed();
    let lost = window.marks.extract_if(.., |mark| mark.is_lost());
    let (again, stale): (Vec<_>, Vec<_>) = lost.partition(|mark| listed.contains(&mark.source));
    sums.again.extend(again.iter().map(|mark| mark.source));
    sums.stale.extend(stale.iter().map(|mark| gone_mark(folder, mark)));
}

/// The newest message of a window that has a watermark, unless it is large: it is read in every scan.
pub(super) fn newest_known(window: &Window) -> Option<Watermark> {
    let sizes: BTreeMap<Uid, u32> = window.listing.iter().map(|message| (message.uid, message.size)).collect();
    let newest = window.marks.iter().rev().find(|mark| sizes.contains_key(&mark.source))?;
    sizes.get(&newest.source).is_some_and(|size| *size <= LARGE).then(|| newest.clone())
}
