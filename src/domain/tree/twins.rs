//! Names that differ only in case (D14): whether two of them are one folder is for the destination to say. They are planned
//! under their own names; those that are not there yet are created first, and the listing afterwards tells.

use std::collections::{BTreeSet, HashMap};

use super::{Creation, Reason, Tree};
use crate::domain::folder::{FolderPath, ListedFolder};

/// What the destination was seen to make of names that differ only in case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Twins {
    /// Names that are no folders of their own there.
    one: BTreeSet<FolderPath>,
    /// Names that it was asked about: once is enough.
    asked: BTreeSet<FolderPath>,
}

/// A path and the folders it lies in, outermost first.
fn prefixes(path: &FolderPath) -> impl DoubleEndedIterator<Item = FolderPath> {
    (1..=path.components().len()).map(|len| FolderPath::new(path.components()[..len].iter().cloned()))
}

impl Twins {
    /// Whether a name may be a folder of its own, as far as is known.
    pub(super) fn may_stand_alone(&self, path: &FolderPath) -> bool {
        prefixes(path).all(|part| !self.one.contains(&part))
    }

    /// Whether this very name was seen not to be a folder of its own.
    pub(super) fn is_another(&self, path: &FolderPath) -> bool {
        self.one.contains(path)
    }

    /// Folders to create before all others, because only the destination knows whether they are folders of their own.
    /// None when nothing is left to be asked. What lies below one of them comes later.
    pub fn to_ask(&self, tree: &Tree, destination: &[ListedFolder]) -> Vec<Creation> {
        let names = Spellings::of(tree, destination);
        let fixed = |path: &FolderPath| {
            tree.folders.iter().any(|plan| plan.destination == *path && plan.reason == Reason::Recorded)
        };
        let mut asked: Vec<Creation> = Vec::new();
        let mut missing: Vec<&Creation> = tree.create.iter().filter(|new| !new.plain_parent).collect();
        missing.sort_by_key(|new| new.path.components().len());
        for new in missing {
            let below = |other: &Creation| new.path.components().starts_with(other.path.components());
            let doubtful = || prefixes(&new.path).any(|part| names.is_doubtful(&part));
            if !asked.iter().any(below) && doubtful() && !fixed(&new.path) && !self.asked.contains(&new.path) {
                asked.push(new.clone());
            }
        }
        asked
    }

    /// Takes in a listing after these were created: names that are not in it as they were asked for are other folders.
    pub fn learn(&mut self, asked: &[Creation], tree: &Tree, before: &[ListedFolder], after: &[ListedFolder]) {
        let names = Spellings::of(tree, before);
        self.asked.extend(asked.iter().map(|new| new.path.clone()));
        let there: BTreeSet<&FolderPath> = after.iter().map(|folder| &folder.path).collect();
        for new in asked.iter().filter(|new| !there.contains(&new.path)) {
            let other = |part: &FolderPath| names.is_doubtful(part) && !there.contains(part);
            let parts: Vec<FolderPath> = prefixes(&new.path).filter(other).collect();
            // One that was refused for another reason keeps its name, and its refusal.
            self.one.extend(parts);
        }
    }
}

/// Every name and parent that is there or planned, by its lower-case key.
struct Spellings {
    by_key: HashMap<String, BTreeSet<FolderPath>>,
    there: BTreeSet<FolderPath>,
}

impl Spellings {
    fn of(tree: &Tree, destination: &[ListedFolder]) -> Self {
        let there: BTreeSet<FolderPath> = destination.iter().flat_map(|folder| prefixes(&folder.path)).collect();
        let planned = tree.folders.iter().flat_map(|plan| prefixes(&plan.destination));
        let mut by_key: HashMap<String, BTreeSet<FolderPath>> = HashMap::new();
        for path in there.iter().cloned().chain(planned) {
            by_key.entry(key(path.components())).or_default().insert(path);
        }
        Self { by_key, there }
    }

    /// Whether a name is not there yet, while one that differs only in case is, or will be.
    fn is_doubtful(&self, path: &FolderPath) -> bool {
        let several = || self.by_key.get(&key(path.components())).is_some_and(|spellings| spellings.len() > 1);
        !self.there.contains(path) && !path.is_inbox() && several()
    }
}

/// What names that differ only in case share.
pub(super) fn key(components: &[String]) -> String {
    components.iter().map(|c| c.to_lowercase()).collect::<Vec<_>>().join("\0")
}
