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

mod twins;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

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

/// TreeNames handed out so far.
struct TreeNames<'a> {
    source: &'a [ListedFolder],
    destination: &'a [ListedFolder],
    /// The destination's folders by exact name.
    existing: HashMap<&'a FolderPath, &'a ListedFolder>,
    separator: Option<char>,
    /// The source folder that may use a role.
    bearers: BTreeMap<Role, usize>,
    /// By source position.
    given: BTreeMap<usize, (FolderPath, Reason)>,
    /// What is known of names that differ only in case.
    twins: &'a Twins,
    /// TreeNames of source folders and their parents, as this destination can take them.
    own: HashSet<FolderPath>,
    /// Lower-case keys and exact names that a source folder has of its own.
    taken: HashSet<String>,
    taken_exactly: HashSet<FolderPath>,
    /// Lower-case key → spelling, of every name and parent that exists or will.
    spelling: HashMap<String, Vec<String>>,
    /// Exactly those that will.
    planned: HashSet<FolderPath>,
    /// Source path → destination, for children to follow.
    moved: HashMap<&'a FolderPath, FolderPath>,
}

fn key(components: &[String]) -> String {
    components.iter().map(|c| c.to_lowercase()).collect::<Vec<_>>().join("\0")
}

impl<'a> TreeNames<'a> {
    fn new(listed: BothLists<'a>, bearers: BTreeMap<Role, usize>, twins: &'a Twins) -> Self {
        let BothLists { source, destination, separator } = listed;
        let mut names = Self {
            source,
            destination,
            existing: destination.iter().map(|f| (&f.path, f)).collect(),
            separator,
            bearers,
            given: BTreeMap::new(),
            twins,
            own: HashSet::new(),
            taken: HashSet::new(),
            taken_exactly: HashSet::new(),
            spelling: HashMap::new(),
            planned: HashSet::new(),
            moved: HashMap::new(),
        };
        destination.iter().for_each(|f| names.learn(&f.path));
        names
    }

    /// Remembers how a name and its parents are spelt; the first spelling stays.
    fn learn(&mut self, path: &FolderPath) {
        let components = path.components();
        for len in 1..=components.len() {
            self.spelling.entry(key(&components[..len])).or_insert_with(|| components[..len].to_vec());
        }
    }

    /// Remembers what the source calls its folders and their parents.
    fn claim(&mut self, wanted: &[usize]) {
        for at in wanted {
            let path = self.clean(&self.source[*at].path);
            let components = path.components();
            self.own.extend((1..=components.len()).map(|len| FolderPath::new(components[..len].iter().cloned())));
        }
    }

    /// What a server of this separator can take.
    fn clean(&self, path: &FolderPath) -> FolderPath {
        let component = |c: &String| -> String {
            c.chars().map(|c| if c.is_control() || Some(c) == self.separator { '_' } else { c }).collect()
        };
        let components: Vec<String> = path.components().iter().map(component).collect();
        match self.separator {
            Some(_) => FolderPath::new(components),
            None => FolderPath::new([components.join("_")]),
        }
    }

    /// The cleaned name in the spelling that the destination has or will have for it and its parents.
    fn spelt(&self, path: &FolderPath) -> FolderPath {
        let path = self.clean(path);
        if self.existing.contains_key(&path) {
            return path;
        }
        let components = path.components();
        let known = (1..=components.len()).rev().find_map(|len| {
            let exact = FolderPath::new(components[..len].to_vec());
            if self.existing.contains_key(&exact) || self.planned.contains(&exact) {
                return Some((len, exact.components().to_vec()));
            }
            let known = self.spelling.get(&key(&components[..len]))?;
            // A spelling that the source has too belongs to that folder, unless the two were seen to be one.
            let other = || self.own.contains(&exact) && self.own.contains(&FolderPath::new(known.iter().cloned()));
            (self.twins.is_another(&exact) || !other()).then(|| (len, known.clone()))
        });
        let Some((len, known)) = known else { return path };
        let spelt = FolderPath::new(known.into_iter().chain(components[len..].iter().cloned()));
        // Its parents' spelling makes another name of it, which may be known to be somebody else's.
        if spelt != path && self.twins.is_another(&spelt) { self.spelt(&spelt) } else { spelt }
    }

    fn free(&self, path: &FolderPath) -> bool {
        let alone = || self.existing.contains_key(path) || self.twins.may_stand_alone(path);
        !self.taken.contains(&key(path.components())) || (!self.taken_exactly.contains(path) && alone())
    }

    fn give(&mut self, at: usize, path: FolderPath, reason: Reason) {
        self.learn(&path);
        let components = path.components();
        self.planned.extend((1..=components.len()).map(|len| FolderPath::new(components[..len].iter().cloned())));
        if reason != Reason::Mapping {
            self.taken.insert(key(path.components()));
            self.taken_exactly.insert(path.clone());
            self.moved.insert(&self.source[at].path, path.clone());
        }
        self.given.insert(at, (path, reason));
    }

    /// Mapping, records and the inbox; returns the folders that are left.
    fn fixed(
        &mut self,
        wanted: &[usize],
        mappings: &Mappings,
        recorded: &BTreeMap<FolderPath, FolderPath>,
    ) -> Vec<usize> {
        let mut later = Vec::new();
        for at in wanted.iter().copied() {
            let path = &self.source[at].path;
            if let Some(mapped) = mappings.apply(path) {
                let mapped = self.spelt(&mapped);
                self.give(at, mapped, Reason::Mapping);
            } else if path.is_inbox() {
                self.give(at, path.clone(), Reason::Role);
            } else if let Some(before) = recorded.get(path) {
                self.give(at, before.clone(), Reason::Recorded);
            } else {
                later.push(at);
            }
        }
        later
    }

    /// The role of a source folder that may use it.
    fn role(&self, at: usize) -> Option<Role> {
        self.source[at].role.filter(|r| self.bearers.get(r) == Some(&at))
    }

    /// The destination's folder of the same role.
    fn by_role(&mut self, wanted: Vec<usize>) -> Vec<usize> {
        let mut later = Vec::new();
        for at in wanted {
            let there = self.role(at).and_then(|r| self.destination.iter().find(|f| f.role == Some(r) && f.selectable));
            match there.filter(|f| self.free(&f.path)) {
                Some(folder) => self.give(at, folder.path.clone(), Reason::Role),
                None => later.push(at),
            }
        }
        later
    }

    /// Level by level: first the names nobody else has, then those that clash.
    fn by_name(&mut self, wanted: Vec<usize>) {
        let source = self.source;
        for level in wanted.chunk_by(|a, b| source[*a].path.components().len() == source[*b].path.components().len()) {
            let mut clashing = Vec::new();
            for at in level.iter().copied() {
                let own = self.own_name(at);
                if self.free(&own) && !self.belongs_to_twin(level, at, &own) {
                    self.give(at, own, Reason::SameName);
                } else {
                    clashing.push(at);
                }
            }
            for at in clashing {
                let (own, leaf) = (self.own_name(at), source[at].path.components().last());
                let mut name = own.clone();
                let mut number = 2;
                while !self.free(&name) {
                    name = self.spelt(&numbered(&own, leaf, number));
                    number += 1;
                }
                self.give(at, name, Reason::SameName);
            }
        }
    }

    /// Whether this folder would take over a spelling that another one of its level has of its own.
    fn belongs_to_twin(&self, level: &[usize], at: usize, own: &FolderPath) -> bool {
        let leaf = |at: usize| self.source[at].path.components().last();
        let spelt_so = |at: usize| leaf(at) == own.components().last();
        !spelt_so(at) && level.iter().any(|other| spelt_so(*other) && self.own_name(*other) == *own)
    }

    /// Its own name, below where the nearest of its parents goes.
    fn own_name(&self, at: usize) -> FolderPath {
        let path = &self.source[at].path;
        let components = path.components();
        let nearest = (1..components.len()).rev().filter(|_| self.separator.is_some()).find_map(|len| {
            let parent = self.moved.get(&FolderPath::new(components[..len].to_vec()))?;
            Some(FolderPath::new(parent.components().iter().chain(&components[len..]).cloned()))
        });
        self.spelt(nearest.as_ref().unwrap_or(path))
    }

    /// The place of what lies in no other folder. It takes no name away from others: it may share its folder.
    fn remainder(&mut self, at: usize, mappings: &Mappings, recorded: &BTreeMap<FolderPath, FolderPath>, roles: bool) {
        let path = &self.source[at].path;
        let archive = |f: &&ListedFolder| roles && f.role == Some(Role::Archive) && f.selectable;
        let place = if let Some(mapped) = mappings.apply(path) {
            (self.spelt(&mapped), Reason::Mapping)
        } else if let Some(before) = recorded.get(path) {
            (before.clone(), Reason::Recorded)
        } else if let Some(there) = self.destination.iter().find(archive) {
            (there.path.clone(), Reason::Remainder)
        } else if let Some((own, _)) = self.bearers.get(&Role::Archive).and_then(|bearer| self.given.get(bearer)) {
            (own.clone(), Reason::Remainder)
        } else {
            (self.spelt(&FolderPath::new(["Archive"])), Reason::Remainder)
        };
        self.learn(&place.0);
        self.given.insert(at, place);
    }

    /// The role to create a folder with, where the destination has none of that role.
    fn role_to_give(&self, at: usize, roles: bool) -> Option<Role> {
        if is_remainder(&self.source[at]) {
            let into_archive = self.given.get(&at).is_some_and(|(_, reason)| *reason == Reason::Remainder);
            return (roles && into_archive && !self.bearers.contains_key(&Role::Archive)).then_some(Role::Archive);
        }
        self.role(at)
    }

    fn plans(&self, options: &Options) -> Vec<FolderPlan> {
        let roles: BTreeSet<Role> = self.destination.iter().filter_map(|f| f.role).collect();
        let mut plans = Vec::with_capacity(self.given.len());
        for (at, (destination, reason)) in &self.given {
            let source = &self.source[*at];
            let there = self.existing.get(destination);
            let exists = there.is_some_and(|f| f.selectable) || destination.is_inbox();
            let role = self.role_to_give(*at, options.roles).filter(|r| !exists && !roles.contains(r));
            plans.push(FolderPlan {
                source: *at,
                destination: destination.clone(),
                reason: *reason,
                exists,
                remainder: is_remainder(source),
                role,
                subscribe: options.subscribe && source.subscribed && !there.is_some_and(|f| f.subscribed),
            });
        }
        plans.sort_by(|a, b| {
            let order = |p: &FolderPlan| !p.destination.is_inbox();
            (order(a), &a.destination, a.source).cmp(&(order(b), &b.destination, b.source))
        });
        plans
    }
}

/// With a number behind the last component, which is spelt as its folder spells it where that is all that differs.
fn numbered(path: &FolderPath, leaf: Option<&String>, number: u32) -> FolderPath {
    let mut components = path.components().to_vec();
    if let Some(last) = components.last_mut() {
        let leaf = leaf.filter(|leaf| leaf.to_lowercase() == last.to_lowercase());
        *last = format!("{} ({number})", leaf.unwrap_or(last));
    }
    FolderPath::new(components)
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
