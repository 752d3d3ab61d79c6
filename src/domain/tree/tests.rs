use proptest::prelude::*;

use super::twins::key;
use super::*;
use crate::domain::folder::WireName;
use crate::domain::mapping::Mapping;

fn folder(name: &str, role: Option<Role>) -> ListedFolder {
    ListedFolder {
        path: FolderPath::new(name.split('/')),
        wire: WireName(name.into()),
        foreign: false,
        role,
        selectable: true,
        subscribed: true,
        state: None,
        size: None,
        mailbox_id: None,
    }
}

fn both<'a>(source: &'a [ListedFolder], there: &'a [ListedFolder], separator: Option<char>) -> BothLists<'a> {
    BothLists { source, destination: there, separator }
}

fn names(list: &[&str]) -> Vec<ListedFolder> {
    list.iter().map(|n| folder(n, None)).collect()
}

fn decide(source: &[ListedFolder], destination: &[ListedFolder], rules: &[&str]) -> Tree {
    let options = Options { mapping: rules.iter().map(|r| Mapping((*r).into())).collect(), ..Options::default() };
    destination_tree(both(source, destination, Some('/')), &options, &BTreeMap::new(), &Twins::default()).unwrap()
}

fn pairs(tree: &Tree, source: &[ListedFolder]) -> Vec<String> {
    tree.folders.iter().map(|p| format!("{} > {}", source[p.source].path, p.destination)).collect()
}

fn created(tree: &Tree) -> Vec<String> {
    tree.create.iter().map(|c| c.path.to_string()).collect()
}

#[test]
fn r15_r16_the_tree_is_created_parents_first_with_the_mapping_applied() {
    let source = names(&["Files/2024/May", "inbox", "Files"]);
    let tree = decide(&source, &names(&["INBOX"]), &["^Files->Old/Files-1"]);
    assert_eq!(
        pairs(&tree, &source),
        ["INBOX > INBOX", "Files > Old/Files-1", "Files/2024/May > Old/Files-1/2024/May"]
    );
    assert_eq!(created(&tree), ["Old", "Old/Files-1", "Old/Files-1/2024", "Old/Files-1/2024/May"]);
    assert_eq!(tree.folders[1].reason, Reason::Mapping);
}

#[test]
fn roles_meet_and_children_follow() {
    let source = [
        folder("Sent Items", Some(Role::Sent)),
        folder("Sent Items/2020", None),
        folder("Sent", None),
        folder("Rubbish", Some(Role::Trash)),
        folder("Trash", Some(Role::Trash)),
    ];
    let tree = decide(&source, &[folder("Sent", Some(Role::Sent))], &[]);
    assert_eq!(
        pairs(&tree, &source),
        ["Rubbish > Rubbish", "Sent Items > Sent", "Sent Items/2020 > Sent/2020", "Sent > Sent (2)", "Trash > Trash"]
    );
    let role = |name: &str| tree.create.iter().find(|c| c.path.to_string() == name).unwrap().role;
    assert_eq!((role("Rubbish"), role("Trash")), (Some(Role::Trash), None), "one folder per role");
    let off = Options { roles: false, subscribe: false, ..Options::default() };
    let tree = destination_tree(
        both(&source[..1], &[folder("Sent", Some(Role::Sent))], Some('/')),
        &off,
        &BTreeMap::new(),
        &Twins::default(),
    )
    .unwrap();
    assert_eq!(tree.folders[0].destination.to_string(), "Sent Items");
    assert!(!tree.folders[0].subscribe && tree.folders[0].role.is_none());
}

#[test]
fn views_parents_and_filtered_folders_are_left_out_with_a_reason() {
    let mut source =
        vec![folder("Stars", Some(Role::Flagged)), folder("[Gmail]", None), folder("Junk", None), folder("Junk", None)];
    source[1].selectable = false;
    source.push(folder("[Gmail]/Sent Mail", Some(Role::Sent)));
    let options = Options { folder_filter: Some("^junk$".into()), ..Options::default() };
    let tree = destination_tree(both(&source, &[], Some('/')), &options, &BTreeMap::new(), &Twins::default()).unwrap();
    let reasons =
        [(0, LeftOut::View(Role::Flagged)), (1, LeftOut::NoMessages), (2, LeftOut::Filter), (3, LeftOut::ListedTwice)];
    assert_eq!(tree.left_out, reasons);
    assert_eq!(created(&tree), ["[Gmail]", "[Gmail]/Sent Mail"]);
}

fn remainder<'a>(tree: &'a Tree, source: &[ListedFolder]) -> Vec<&'a FolderPlan> {
    assert!(tree.folders.iter().all(|p| p.remainder == (source[p.source].role == Some(Role::All))));
    tree.folders.iter().filter(|p| p.remainder).collect()
}

#[test]
fn c12_what_lies_in_no_other_folder_goes_to_the_archive_or_where_the_mapping_says() {
    let all = folder("[Gmail]/All Mail", Some(Role::All));
    let source = [all.clone(), folder("Archive", None), folder("archive", None)];
    // Where nothing is there yet, beside an own folder of that name, which keeps it.
    let tree = decide(&source, &[], &[]);
    assert_eq!(pairs(&tree, &source), ["[Gmail]/All Mail > Archive", "Archive > Archive", "archive > archive"]);
    assert_eq!(remainder(&tree, &source)[0].reason, Reason::Remainder);
    assert_eq!(tree.create.iter().filter(|c| c.path.to_string() == "Archive").count(), 1);
    // The destination's own archive; the source's, where it goes; the mapping; where earlier passes put it.
    let old = folder("Old mail", Some(Role::Archive));
    for (source, there, rules, place) in [
        (vec![all.clone()], vec![old.clone()], vec![], "Old mail"),
        (vec![all.clone()], names(&["archive"]), vec![], "archive"),
        (vec![all.clone(), old.clone()], vec![], vec![], "Old mail"),
        (vec![all.clone(), old.clone()], vec![], vec![r"^\[Gmail\]/->"], "All Mail"),
        (vec![all.clone()], vec![old], vec![r"^\[Gmail\]/All Mail$->Rest"], "Rest"),
    ] {
        let tree = decide(&source, &there, &rules);
        assert_eq!(remainder(&tree, &source)[0].destination.to_string(), place);
        assert!(tree.left_out.is_empty());
    }
    let recorded = BTreeMap::from([(all.path.clone(), FolderPath::new(["Rest"]))]);
    let source = [all, folder("Rest", None)];
    let tree =
        destination_tree(both(&source, &[], Some('/')), &Options::default(), &recorded, &Twins::default()).unwrap();
    assert_eq!(pairs(&tree, &source), ["[Gmail]/All Mail > Rest", "Rest > Rest"]);
    assert_eq!(remainder(&tree, &source)[0].reason, Reason::Recorded);
}

#[test]
fn c12_the_archive_made_for_the_rest_gets_its_role_once() {
    let source = [folder("All", Some(Role::All)), folder("Sent", Some(Role::Sent))];
    let tree = decide(&source, &[], &[]);
    let role = |name: &str| tree.create.iter().find(|c| c.path.to_string() == name).unwrap().role;
    assert_eq!((role("Archive"), role("Sent")), (Some(Role::Archive), Some(Role::Sent)));
    let source = [folder("All", Some(Role::All)), folder("Kept", Some(Role::Archive))];
    let tree = decide(&source, &[], &["^Kept$->Kept/2020"]);
    assert_eq!(pairs(&tree, &source), ["All > Kept/2020", "Kept > Kept/2020"]);
    assert_eq!(tree.create.last().unwrap().role, Some(Role::Archive));
}

#[test]
fn c12_a_mapping_outweighs_what_is_left_out_by_default() {
    let mut source = vec![
        folder("[Gmail]/Starred", Some(Role::Flagged)),
        folder("[Gmail]/Important", Some(Role::Important)),
        folder("shared/team", None),
        folder("user/bob", None),
        folder("user", None),
    ];
    source.iter_mut().skip(2).for_each(|f| f.foreign = true);
    source[4].selectable = false;
    let left = |rules: &[&str], filter: Option<&str>| {
        let mapping = rules.iter().map(|r| Mapping((*r).into())).collect();
        let options = Options { mapping, folder_filter: filter.map(Into::into), ..Options::default() };
        destination_tree(both(&source, &[], Some('/')), &options, &BTreeMap::new(), &Twins::default()).unwrap()
    };
    let (flagged, important) = (LeftOut::View(Role::Flagged), LeftOut::View(Role::Important));
    let all = [(0, flagged), (1, important), (2, LeftOut::Foreign), (3, LeftOut::Foreign), (4, LeftOut::NoMessages)];
    assert_eq!(left(&[], None).left_out, all);
    // A rule about everything, or about all that lies in one folder, does not ask for views or other people's mail.
    for rule in ["^->Imported/", "^(.*)$->Imported/$1", r"^\[Gmail\]/->", r"^\[Gmail\](.*)->Google$1"] {
        assert_eq!(left(&[rule], None).left_out, all, "{rule}");
    }
    let tree = left(&[r"^\[Gmail\]/Starred$->Stars", "Important->Urgent", "^shared/->Team/", "^user->User"], None);
    assert_eq!(tree.left_out, [(4, LeftOut::NoMessages)]);
    let places = ["[Gmail]/Starred > Stars", "shared/team > Team/team", "user/bob > User/bob"];
    assert_eq!(pairs(&tree, &source), [&places[..], &["[Gmail]/Important > [Gmail]/Urgent"]].concat());
    assert!(tree.folders.iter().all(|p| !p.remainder && p.role.is_none()));
    // The filter is the user's own word.
    assert!(left(&["Starred->Stars"], Some("starred")).left_out.contains(&(0, LeftOut::Filter)));
    assert!(LeftOut::Foreign.is_told() && flagged.is_told() && !LeftOut::Filter.is_told());
}

/// A destination that creates what it is asked to, and the tree that is decided with it.
struct There {
    folders: Vec<ListedFolder>,
    /// Names that differ only in case are one folder.
    folds: bool,
    /// How it lists what it creates.
    spells: fn(&str) -> String,
}

impl There {
    fn new(folders: &[ListedFolder], folds: bool) -> Self {
        Self { folders: folders.to_vec(), folds, spells: str::to_owned }
    }

    fn create(&mut self, path: &FolderPath) {
        let mut spelt: Vec<String> = Vec::new();
        for component in path.components() {
            spelt.push((self.spells)(component));
            let same = |folder: &&ListedFolder| match self.folds {
                true => key(folder.path.components()) == key(&spelt),
                false => folder.path.components() == spelt,
            };
            match self.folders.iter().find(same) {
                Some(folder) => spelt = folder.path.components().to_vec(),
                None => {
                    let path = FolderPath::new(spelt.clone());
                    self.folders.push(ListedFolder { path, ..folder("x", None) });
                }
            }
        }
    }

    /// What a pass does: plans, asks, plans again.
    fn settle(&mut self, source: &[ListedFolder], options: &Options, separator: Option<char>) -> Tree {
        self.settle_with(source, options, separator, &BTreeMap::new())
    }

    fn settle_with(
        &mut self,
        source: &[ListedFolder],
        options: &Options,
        separator: Option<char>,
        recorded: &BTreeMap<FolderPath, FolderPath>,
    ) -> Tree {
        let mut twins = Twins::default();
        for _ in 0..16 {
            let plan = |there: &[ListedFolder], twins: &Twins| {
                destination_tree(both(source, there, separator), options, recorded, twins).unwrap()
            };
            let tree = plan(&self.folders, &twins);
            let asked = twins.to_ask(&tree, &self.folders);
            if asked.is_empty() {
                return tree;
            }
            let before = self.folders.clone();
            asked.iter().for_each(|new| self.create(&new.path));
            twins.learn(&asked, &tree, &before, &self.folders);
        }
        panic!("it is asked for ever: {:?}", self.folders);
    }
}

fn settled(source: &[&str], there: &[&str], folds: bool) -> Vec<String> {
    let source = names(source);
    let tree = There::new(&names(there), folds).settle(&source, &Options::default(), Some('/'));
    pairs(&tree, &source)
}

#[test]
fn names_that_differ_only_in_case_stay_where_the_destination_keeps_them_apart() {
    let apart = |source: &[&str], there: &[&str]| settled(source, there, false);
    assert_eq!(apart(&["Files", "files"], &[]), ["Files > Files", "files > files"]);
    assert_eq!(
        apart(&["Files", "files", "archive"], &["Archive", "Files"]),
        ["archive > Archive", "Files > Files", "files > files"]
    );
    assert_eq!(apart(&["files"], &["Files"]), ["files > Files"], "one folder goes to the one that is there");
    assert_eq!(
        apart(&["Work", "work", "work/x", "Work/x"], &[]),
        ["Work > Work", "Work/x > Work/x", "work > work", "work/x > work/x"]
    );
    // A parent that holds no messages is somebody's name too.
    assert_eq!(apart(&["Work", "work/y"], &[]), ["Work > Work", "work/y > work/y"]);
    assert_eq!(apart(&["a/B", "a/b", "A/b"], &[]), ["A/b > A/b", "a/B > a/B", "a/b > a/b"]);
}

#[test]
fn names_that_are_one_folder_at_the_destination_get_a_number() {
    let folding = |source: &[&str], there: &[&str]| settled(source, there, true);
    assert_eq!(
        folding(&["Files", "files", "archive"], &["Archive"]),
        ["archive > Archive", "Files > Files", "files > files (2)"]
    );
    assert_eq!(folding(&["files", "Files"], &["Files"]), ["Files > Files", "files > files (2)"]);
    assert_eq!(folding(&["files", "Files"], &["FILES"]), ["Files > FILES", "files > files (2)"]);
    assert_eq!(folding(&["ä", "Ä"], &[]), ["Ä > Ä", "ä > ä (2)"]);
    assert_eq!(folding(&["Work", "work/y"], &[]), ["Work > Work", "work/y > Work/y"]);
    let source = names(&["a", "A"]);
    let mut lowering = There { spells: str::to_lowercase, ..There::new(&[], true) };
    let tree = lowering.settle(&source, &Options::default(), Some('/'));
    assert_eq!(pairs(&tree, &source), ["A > A (2)", "a > a"], "one that writes all names small");
}

#[test]
fn what_is_asked_is_asked_once_and_nothing_is_asked_without_need() {
    let asked = |source: &[&str], there: &[&str]| {
        let tree = decide(&names(source), &names(there), &[]);
        let asked = Twins::default().to_ask(&tree, &names(there));
        asked.into_iter().map(|new| new.path.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(asked(&["Files", "Other"], &["INBOX"]), [] as [&str; 0]);
    assert_eq!(asked(&["Files", "files"], &["Files", "files"]), [] as [&str; 0]);
    assert_eq!(asked(&["Files", "files"], &["Files"]), ["files"]);
    assert_eq!(asked(&["Files", "files", "files/x", "Other"], &[]), ["Files", "files"], "what lies below comes later");
    // Where earlier passes put a folder is not asked again.
    let recorded = BTreeMap::from([(FolderPath::new(["files"]), FolderPath::new(["files"]))]);
    let (source, options) = (names(&["Files", "files"]), Options::default());
    let there = names(&["Files"]);
    let tree = destination_tree(both(&source, &there, Some('/')), &options, &recorded, &Twins::default()).unwrap();
    assert_eq!(Twins::default().to_ask(&tree, &there), []);
}

#[test]
fn children_stay_below_their_numbered_parents() {
    let source = names(&["work/x/y", "work", "work/x/z/a", "Work", "Work/x/y"]);
    let settle = |source: &[ListedFolder]| There::new(&[], true).settle(source, &Options::default(), Some('/'));
    let tree = settle(&source);
    assert_eq!(
        pairs(&tree, &source),
        [
            "Work > Work",
            "Work/x/y > Work/x/y",
            "work > work (2)",
            "work/x/y > work (2)/x/y",
            "work/x/z/a > work (2)/x/z/a"
        ]
    );
    let parents: Vec<_> = tree.create.iter().filter(|c| c.plain_parent).map(|c| c.path.to_string()).collect();
    assert_eq!(parents, ["Work/x", "work (2)/x", "work (2)/x/z"]);
    let mut listed_otherwise = source.clone();
    listed_otherwise.reverse();
    let other = settle(&listed_otherwise);
    assert_eq!(pairs(&other, &listed_otherwise), pairs(&tree, &source), "whatever the order of the list");
}

#[test]
fn separators_and_controls_become_underscores_and_flat_mailboxes_join() {
    let source = [folder("a.b/c\u{7}d", None), folder("~odd ", None)];
    let mut source = source.to_vec();
    source[0].path = FolderPath::new(["a.b", "c\u{7}d"]);
    let tree =
        destination_tree(both(&source, &[], Some('.')), &Options::default(), &BTreeMap::new(), &Twins::default())
            .unwrap();
    assert_eq!(created(&tree), ["a_b", "a_b/c_d", "~odd "]);
    let tree =
        destination_tree(both(&source, &[], None), &Options::default(), &BTreeMap::new(), &Twins::default()).unwrap();
    assert_eq!(created(&tree), ["a.b_c_d", "~odd "]);
}

#[test]
fn recorded_destinations_stay_unless_the_mapping_speaks() {
    let source = [folder("Sent Items", Some(Role::Sent)), folder("A", None)];
    let recorded = BTreeMap::from([
        (FolderPath::new(["Sent Items"]), FolderPath::new(["Old sent"])),
        (FolderPath::new(["A"]), FolderPath::new(["B"])),
    ]);
    let options = Options { mapping: vec![Mapping("^A$->C".into())], ..Options::default() };
    let tree = destination_tree(
        both(&source, &[folder("Sent", Some(Role::Sent))], Some('/')),
        &options,
        &recorded,
        &Twins::default(),
    )
    .unwrap();
    assert_eq!(pairs(&tree, &source), ["A > C", "Sent Items > Old sent"]);
    assert_eq!(tree.folders[1].reason, Reason::Recorded);
}

#[test]
fn unselectable_destinations_are_created_anew() {
    let mut there = names(&["Work"]);
    there[0].selectable = false;
    let tree = decide(&names(&["Work", "Work/x"]), &there, &[]);
    assert_eq!(created(&tree), ["Work", "Work/x"]);
}

fn listing() -> impl Strategy<Value = Vec<ListedFolder>> {
    let role = prop_oneof![
        4 => Just(None), 1 => Just(Some(Role::Sent)), 1 => Just(Some(Role::Trash)),
        1 => Just(Some(Role::Archive)), 1 => Just(Some(Role::All))
    ];
    let leaf = prop_oneof![Just("a"), Just("A"), Just("b"), Just("B"), Just("a (2)"), Just("x.y"), Just("INBOX")];
    proptest::collection::vec((proptest::collection::vec(leaf, 1..4), role), 0..10).prop_map(|v| {
        let mut seen = HashSet::new();
        let all = v.into_iter().map(|(c, r)| folder(&c.join("/"), r));
        all.filter(|f| seen.insert(f.path.clone())).collect()
    })
}

proptest! {
    #[test]
    fn laws_of_the_tree(
        source in listing(),
        there in listing(),
        mapped in proptest::bool::ANY,
        flat in proptest::bool::ANY,
        folds in proptest::bool::ANY,
    ) {
        let rules = if mapped { vec![Mapping("^b->A/b".into())] } else { vec![] };
        let options = Options { mapping: rules, ..Options::default() };
        let separator = (!flat).then_some('.');
        let mut keys = HashSet::new();
        let there: Vec<_> = there.into_iter().filter(|f| match separator {
            Some(c) => !f.path.to_string().contains(c),
            None => f.path.components().len() == 1,
        }).filter(|f| !folds || keys.insert(key(f.path.components()))).collect();
        let mut server = There::new(&[], folds);
        for f in &there {
            server.create(&f.path);
            for known in server.folders.iter_mut().filter(|known| key(known.path.components()) == key(f.path.components())) {
                known.role = f.role;
            }
        }
        let tree = server.settle(&source, &options, separator);
        prop_assert_eq!(tree.folders.len() + tree.left_out.len(), source.len());
        // Parents before children, everything that is missing is made, once.
        let before = with_parents(&server.folders);
        let mut known: HashSet<FolderPath> = before.iter().map(|f| f.path.clone()).collect();
        known.insert(FolderPath::new(["INBOX"]));
        for new in &tree.create {
            let parent = new.path.parent();
            prop_assert!(parent.is_none_or(|p| known.contains(&p)), "before its parent: {}", new.path);
            let pure_parent = before.iter().any(|f| f.path == new.path && !f.selectable);
            prop_assert!(known.insert(new.path.clone()) || pure_parent, "made twice: {}", new.path);
        }
        prop_assert!(tree.folders.iter().all(|p| known.contains(&p.destination)));
        tree.create.iter().for_each(|new| server.create(&new.path));
        let there: HashSet<FolderPath> = server.folders.iter().map(|f| f.path.clone()).collect();

        // No two sources into one folder, unless mapped: not even by case where case makes no difference.
        let mut unmapped = HashMap::new();
        for plan in tree.folders.iter().filter(|p| p.reason != Reason::Mapping && !p.remainder) {
            let own = if folds { key(plan.destination.components()) } else { plan.destination.to_string() };
            if let Some(other) = unmapped.insert(own, &plan.destination) {
                prop_assert!(false, "{} and {}", other, plan.destination);
            }
        }
        // Every name is a folder of its own, as it was asked for.
        for plan in &tree.folders {
            let spelt = there.contains(&plan.destination) || plan.destination.is_inbox();
            prop_assert!(spelt || (folds && plan.reason == Reason::Mapping), "{} is not there", plan.destination);
        }
        // Run against its own result it decides the same and makes nothing, with and without records.
        let records: BTreeMap<_, _> =
            tree.folders.iter().map(|p| (source[p.source].path.clone(), p.destination.clone())).collect();
        let of = |t: &Tree| t.folders.iter().map(|p| (p.source, p.destination.clone())).collect::<Vec<_>>();
        let recorded = server.settle_with(&source, &options, separator, &records);
        let again = server.settle(&source, &options, separator);
        for again in [recorded, again] {
            prop_assert!(again.create.is_empty(), "{:?}", again.create);
            prop_assert_eq!(of(&again), of(&tree));
        }
    }
}
