//! The destination tree of D14: which folder each source folder goes to, and what must be created, before a pass starts.
//!
//! A name comes from, in this order: the mapping; where the folder went in earlier passes; its role (to the destination
//! folder of that role); its own name, below where its parent goes. `INBOX` goes to `INBOX` unless a mapping rule says
//! otherwise. Only the destination's separator and control characters become `_`; at a flat destination the levels are
//! joined by `_`; every other name is for the server to accept or refuse. Of names that differ only in case an existing
//! folder's spelling is taken over, unless the source has both: then each keeps its own, and the server is asked whether
//! they are two folders ([`Twins`]). Where they are one, the later one (deeper, or later by name) gets ` (2)`. Two source
//! folders share a destination only when the mapping says so, or did when earlier passes recorded it.
//!
//! A folder of everything (`\All`) is planned as a *remainder*: only what lies in no other folder is copied from it, into
//! the archive of the destination or where the mapping says. Views and other people's folders are left out unless a
//! mapping rule is about them.

mod names;
mod twins;

use std::collections::{BTreeMap, HashMap, HashSet};

use names::TreeNames;
pub use twins::Twins;

use super::folder::{FolderPath, ListedFolder, Role};
use super::mapping::{FolderFilter, Mappings, RuleError};
use super::project::Options;

/// Why a source folder goes where it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A mapping rule.
    Mapping,
    /// Earlier passes put it there.
    Recorded,
    /// The destination's folder of the same role, or the inbox.
    Role,
    /// Its own name.
    SameName,
    /// The archive, which takes what lies in no other folder.
    Remainder,
}

/// Where one source folder goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderPlan {
    /// Position in the source's list.
    pub source: usize,
    /// Its name at the destination.
    pub destination: FolderPath,
    /// Why.
    pub reason: Reason,
    /// Whether the destination has it, ready to be opened. A recorded one that is missing may have been deleted there:
    /// the caller knows whether it ever held mail and then leaves it out of [`Tree::create`] (D12).
    pub exists: bool,
    /// Whether it is a folder of everything (`\All`): it is read last, and only what lies in no other folder is copied.
    pub remainder: bool,
    /// The role to create it with.
    pub role: Option<Role>,
    /// Whether it is to be subscribed: the source does, the option is on, and the destination does not yet.
    pub subscribe: bool,
}

/// Why a source folder is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeftOut {
    /// The folder filter matches it.
    Filter,
    /// A view of messages that live elsewhere (`\Flagged`, `\Important`).
    View(Role),
    /// It belongs to other people, or to all.
    Foreign,
    /// It only holds other folders.
    NoMessages,
    /// The source listed it twice.
    ListedTwice,
}

impl LeftOut {
    /// Whether people are told: nobody asked for it to be left out, and it may hold mail.
    pub fn is_told(self) -> bool {
        match self {
            Self::View(_) | Self::Foreign => true,
            Self::Filter | Self::NoMessages | Self::ListedTwice => false,
        }
    }

    /// The reason as people read it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Filter => "skipped by the folder filter",
            Self::View(_) => "skipped: it only shows messages of other folders",
            Self::Foreign => "skipped: a shared folder, or another person's",
            Self::NoMessages => "holds no messages of its own",
            Self::ListedTwice => "listed twice by the source",
        }
    }
}

/// A folder to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Creation {
    /// Its name.
    pub path: FolderPath,
    /// The role to give it, where the server can.
    pub role: Option<Role>,
    /// Whether to subscribe it.
    pub subscribe: bool,
    /// Whether it only holds other folders: no source folder goes there.
    pub plain_parent: bool,
}

/// The whole tree of one item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    /// Every source folder to be worked: the inbox first, then by destination, so parents before children.
    pub folders: Vec<FolderPlan>,
    /// What is missing at the destination, plain parents included, in the order in which to create it.
    pub create: Vec<Creation>,
    /// Source folders left out, by position in the source's list.
    pub left_out: Vec<(usize, LeftOut)>,
}

/// What both sides list.
#[derive(Clone, Copy, Debug)]
pub struct BothLists<'a> {
    /// The source's folders.
    pub source: &'a [ListedFolder],
    /// The destination's.
    pub destination: &'a [ListedFolder],
    /// What the destination puts between the levels of a name; none: it is flat.
    pub separator: Option<char>,
}

/// Decides the tree. `recorded` tells where source folders went in earlier passes and may be empty; `twins` what the
/// destination made of names that differ only in case.
///
/// # Errors
/// A mapping rule or the folder filter cannot be read.
pub fn destination_tree(
    listed: BothLists<'_>,
    options: &Options,
    recorded: &BTreeMap<FolderPath, FolderPath>,
    twins: &Twins,
) -> Result<Tree, RuleError> {
    let source = listed.source;
    let mappings = Mappings::parse(&options.mapping)?;
    let filter = FolderFilter::parse(options.folder_filter.as_deref())?;
    let mut tree = Tree::default();
    let mut wanted = Vec::new();
    let mut seen = HashSet::new();
    for (at, folder) in source.iter().enumerate() {
        let reason = if !seen.insert(&folder.path) {
            LeftOut::ListedTwice
        } else if !folder.selectable {
            LeftOut::NoMessages
        } else if filter.skips(&folder.path) {
            LeftOut::Filter
        } else if folder.foreign && !mappings.asks_for_tree_of(&folder.path) {
            LeftOut::Foreign
        } else if let Some(role) = folder.role.filter(|r| r.is_view() && !mappings.asks_for(&folder.path)) {
            LeftOut::View(role)
        } else {
            wanted.push(at);
            continue;
        };
        tree.left_out.push((at, reason));
    }
    // Not by their place in the list, which may be another one tomorrow.
    wanted.sort_by_key(|at| (source[*at].path.components().len(), &source[*at].path));

    // Only the first source folder of a role may use the role, whatever else decides its name: so that running again
    // decides the same.
    let mut bearers = BTreeMap::new();
    for at in wanted.iter().filter(|_| options.roles) {
        if let Some(role) = source[*at].role.filter(|role| !role.is_view() && *role != Role::All) {
            bearers.entry(role).or_insert(*at);
        }
    }
    let destination = &with_parents(listed.destination);
    let mut names = TreeNames::new(BothLists { destination, ..listed }, bearers, twins);
    let (remainders, wanted): (Vec<_>, Vec<_>) = wanted.into_iter().partition(|at| is_remainder(&source[*at]));
    names.claim(&wanted);
    let later = names.fixed(&wanted, &mappings, recorded);
    let later = names.by_role(later);
    names.by_name(later);
    for at in remainders {
        names.remainder(at, &mappings, recorded, options.roles);
    }
    tree.folders = names.plans(options);
    tree.create = creations(&tree.folders, destination);
    Ok(tree)
}

fn is_remainder(folder: &ListedFolder) -> bool {
    folder.role == Some(Role::All)
}

/// The list with the parents that a server left out, as pure parents.
fn with_parents(listed: &[ListedFolder]) -> Vec<ListedFolder> {
    let mut all = listed.to_vec();
    let mut there: HashSet<FolderPath> = listed.iter().map(|f| f.path.clone()).collect();
    for folder in listed {
        let mut path = folder.path.clone();
        while let Some(parent) = path.parent().filter(|p| there.insert(p.clone())) {
            all.push(ListedFolder {
                path: parent.clone(),
                foreign: false,
                role: None,
                selectable: false,
                subscribed: false,
                state: None,
                size: None,
                mailbox_id: None,
                wire: folder.wire.clone(),
            });
            path = parent;
        }
    }
    all
}

/// The missing folders and their missing parents, parents first, each once.
fn creations(plans: &[FolderPlan], destination: &[ListedFolder]) -> Vec<Creation> {
    let mut there: HashSet<FolderPath> = destination.iter().map(|f| f.path.clone()).collect();
    there.insert(FolderPath::new(["INBOX"]));
    let mut made: HashMap<FolderPath, usize> = HashMap::new();
    let mut create: Vec<Creation> = Vec::new();
    for plan in plans.iter().filter(|p| !p.exists) {
        let components = plan.destination.components();
        for len in 1..components.len() {
            let path = FolderPath::new(components[..len].to_vec());
            if there.insert(path.clone()) {
                made.insert(path.clone(), create.len());
                create.push(Creation { path, role: None, subscribe: false, plain_parent: true });
            }
        }
        match made.get(&plan.destination) {
            Some(at) => {
                create[*at].role = create[*at].role.or(plan.role);
                create[*at].subscribe |= plan.subscribe;
                create[*at].plain_parent = false;
            }
            None => {
                there.insert(plan.destination.clone());
                made.insert(plan.destination.clone(), create.len());
                let path = plan.destination.clone();
                create.push(Creation { path, role: plan.role, subscribe: plan.subscribe, plain_parent: false });
            }
        }
    }
    create
}

#[cfg(test)]
mod tests;
