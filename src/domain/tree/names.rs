//! Which name each source folder gets at the destination, one after the other.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::twins::key;
use super::{BothLists, FolderPlan, Reason, Twins, is_remainder};
use crate::domain::folder::{FolderPath, ListedFolder, Role};
use crate::domain::mapping::Mappings;
use crate::domain::project::Options;

/// Names handed out so far.
pub(super) struct TreeNames<'a> {
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
    /// Names of source folders and their parents, as this destination can take them.
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

impl<'a> TreeNames<'a> {
    pub(super) fn new(listed: BothLists<'a>, bearers: BTreeMap<Role, usize>, twins: &'a Twins) -> Self {
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
    pub(super) fn claim(&mut self, wanted: &[usize]) {
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
    pub(super) fn fixed(
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
    pub(super) fn by_role(&mut self, wanted: Vec<usize>) -> Vec<usize> {
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
    pub(super) fn by_name(&mut self, wanted: Vec<usize>) {
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
    pub(super) fn remainder(
        &mut self,
        at: usize,
        mappings: &Mappings,
        recorded: &BTreeMap<FolderPath, FolderPath>,
        roles: bool,
    ) {
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

    pub(super) fn plans(&self, options: &Options) -> Vec<FolderPlan> {
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
