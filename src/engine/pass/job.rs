//! What a pass knows of one folder while it works on it.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::flags::{FlagChange, Flags, PermanentFlags};
use crate::domain::folder::{FolderPath, FolderState};
use crate::domain::ids::{FolderId, Uid};
use crate::domain::record::Intent;
use crate::endpoint::{FolderRef, Which};

/// Breaks at one place after which the pass goes on without it (D22).
pub const BLAME_LIMIT: u32 = 3;

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

/// One folder of a pass.
#[derive(Clone, Debug)]
pub struct Job {
    /// Its row.
    pub id: FolderId,
    /// Its name at the source.
    pub path: FolderPath,
    /// How the source calls it.
    pub source: FolderRef,
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
    /// Messages that were on the wire when a connection broke: sent one at a time from then on.
    pub careful: BTreeSet<Uid>,
    /// The message at which the source broke last.
    pub suspect: Option<Uid>,
    /// Breaks by message.
    pub blame: BTreeMap<Uid, u32>,
    /// Breaks before any message could be named.
    pub folder_blame: u32,
}

impl Job {
    /// What to ask the source for, one after the other. A suspect is asked for by itself: what came before it has then
    /// been read, and cannot get lost with the connection and be blamed.
    pub fn parts(&self) -> Vec<Which> {
        let uids = match &self.todo {
            Todo::All => return vec![Which::All],
            Todo::These(uids) => uids,
        };
        let suspect = self.suspect.and_then(|suspect| uids.binary_search(&suspect).ok());
        let parts = match suspect {
            Some(at) => vec![&uids[..at], &uids[at..=at], &uids[at + 1..]],
            None => return vec![Which::These(uids.clone())],
        };
        parts.into_iter().filter(|part| !part.is_empty()).map(|part| Which::These(part.to_vec())).collect()
    }

    /// How many messages are expected to come.
    pub fn expected(&self) -> u64 {
        match &self.todo {
            Todo::All => u64::from(self.listed.messages),
            Todo::These(uids) => uids.len() as u64,
        }
    }

    /// Whether this message must be sent by itself.
    pub fn is_careful(&self, uid: Uid) -> bool {
        self.careful.contains(&uid)
    }

    /// Whether nothing is left to copy.
    pub fn is_empty(&self) -> bool {
        match &self.todo {
            Todo::All => self.listed.messages == 0,
            Todo::These(uids) => uids.is_empty(),
        }
    }

    /// Counts one more break at a message, or at the folder if none can be named; tells how many there were.
    pub fn blame(&mut self, uid: Option<Uid>) -> u32 {
        let count = match uid {
            Some(uid) => self.blame.entry(uid).or_default(),
            None => &mut self.folder_blame,
        };
        *count += 1;
        *count
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::folder::WireName;

    fn job(todo: Todo, suspect: Option<i64>) -> Job {
        let place = FolderRef { path: FolderPath::new(["f"]), wire: WireName(Vec::new()), validity: 1 };
        let state = FolderState { uid_validity: 1, uid_next: 9, messages: 4, highest_modseq: None };
        Job {
            id: FolderId(1),
            path: FolderPath::new(["f"]),
            source: place.clone(),
            listed: state,
            destination: place,
            opened: state,
            permanent: PermanentFlags::everything(),
            open_intent: None,
            fresh: true,
            destination_gone: false,
            unfinished: false,
            abandoned: false,
            todo,
            listing: BTreeMap::new(),
            carries: Vec::new(),
            careful: BTreeSet::new(),
            suspect: suspect.map(Uid),
            blame: BTreeMap::new(),
            folder_blame: 0,
        }
    }

    #[test]
    fn a_suspect_is_asked_for_by_itself() {
        let uids = |numbers: &[i64]| numbers.iter().map(|n| Uid(*n)).collect::<Vec<_>>();
        let parts = |suspect| {
            let parts = job(Todo::These(uids(&[2, 4, 7])), suspect).parts();
            let numbers = |part| match part {
                Which::These(uids) => uids.iter().map(|uid| uid.0).collect::<Vec<_>>(),
                Which::All | Which::From(_) => panic!("{part:?}"),
            };
            parts.into_iter().map(numbers).collect::<Vec<_>>()
        };
        assert_eq!(parts(None), [vec![2, 4, 7]]);
        assert_eq!(parts(Some(4)), [vec![2], vec![4], vec![7]]);
        assert_eq!(parts(Some(2)), [vec![2], vec![4, 7]]);
        assert_eq!(parts(Some(7)), [vec![2, 4], vec![7]]);
        assert_eq!(parts(Some(5)), [vec![2, 4, 7]], "it is no longer to be copied");
        assert_eq!(job(Todo::All, Some(2)).parts(), [Which::All]);
    }
}
