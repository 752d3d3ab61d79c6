//! What a pass would do with the folders of an item, for people.

use std::collections::BTreeMap;

use super::folder::FolderPath;
use super::plan::SkipRule;
use super::tree::{LeftOut, Reason};

/// What becomes of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FolderFate {
    /// Its messages are copied.
    Goes {
        /// Into this folder.
        to: FolderPath,
        /// Why there.
        reason: Reason,
        /// It is there already.
        exists: bool,
        /// What a person should look at.
        flags: Vec<PreviewFlag>,
    },
    /// It is left out.
    LeftOut(LeftOut),
}

/// What a person should look at before a pass runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PreviewFlag {
    /// Another source folder goes there too.
    Shared(FolderPath),
    /// Another folder's name differs from it only in case: whether they are one is for the destination to say.
    DiffersInCase(FolderPath),
    /// The destination cannot have the name as it is, so that it is another.
    NameChanged,
    /// What is known of a large provider: it refuses the name, or keeps no mail there.
    OfProvider(String),
}

/// A folder of the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreviewLine {
    /// Its name.
    pub folder: FolderPath,
    /// Its messages, if the source tells.
    pub messages: Option<u64>,
    /// What becomes of it.
    pub fate: FolderFate,
    /// Messages that rules leave out.
    pub skipped: BTreeMap<SkipRule, u64>,
}

/// What a pass would do, folder by folder, in the order of the source's names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preview {
    /// The folders of the source.
    pub lines: Vec<PreviewLine>,
}
