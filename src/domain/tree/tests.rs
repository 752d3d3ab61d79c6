use proptest::prelude::*;

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
        mailbox_id: None,
    }
}

fn names(list: &[&str]) -> Vec<ListedFolder> {
    list.iter().map(|n| folder(n, None)).collect()
}

fn decide(source: &[ListedFolder], destination: &[ListedFolder], rules: &[&str]) -> Tree {
    let options = Options { mapping: rules.iter().map(|r| Mapping((*r).into())).collect(), ..Options::default() };
    destination_tree(source, destination, &options, Some('/'), &BTreeMap::new()).unwrap()
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
    let tree =
        destination_tree(&source[..1], &[folder("Sent", Some(Role::Sent))], &off, Some('/'), &BTreeMap::new()).unwrap();
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
    let tree = destination_tree(&source, &[], &options, Some('/'), &BTreeMap::new()).unwrap();
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
    assert_eq!(pairs(&tree, &source), ["[Gmail]/All Mail > Archive", "Archive > Archive", "archive > archive (2)"]);
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
    let tree = destination_tree(&source, &[], &Options::default(), Some('/'), &recorded).unwrap();
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
        destination_tree(&source, &[], &options, Some('/'), &BTreeMap::new()).unwrap()
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

#[test]
fn case_clashes_are_found_beforehand() {
    let source = names(&["Files", "files", "archive"]);
    let tree = decide(&source, &names(&["Archive"]), &[]);
    assert_eq!(pairs(&tree, &source), ["archive > Archive", "Files > Files", "files > files (2)"]);
    let tree = decide(&source, &names(&["files", "Files"]), &[]);
    assert!(pairs(&tree, &source).contains(&"files > files".to_owned()), "{:?}", pairs(&tree, &source));
    let source = names(&["files", "Files"]);
    let tree = decide(&source, &names(&["Files"]), &[]);
    assert_eq!(pairs(&tree, &source), ["Files > Files", "files > files (2)"]);
}

#[test]
fn children_stay_below_their_numbered_parents() {
    let source = names(&["work/x/y", "work", "work/x/z/a", "Work", "Work/x/y"]);
    let tree = decide(&source, &[], &[]);
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
    let other = decide(&listed_otherwise, &[], &[]);
    assert_eq!(pairs(&other, &listed_otherwise), pairs(&tree, &source), "whatever the order of the list");
}

#[test]
fn separators_and_controls_become_underscores_and_flat_mailboxes_join() {
    let source = [folder("a.b/c\u{7}d", None), folder("~odd ", None)];
    let mut source = source.to_vec();
    source[0].path = FolderPath::new(["a.b", "c\u{7}d"]);
    let tree = destination_tree(&source, &[], &Options::default(), Some('.'), &BTreeMap::new()).unwrap();
    assert_eq!(created(&tree), ["a_b", "a_b/c_d", "~odd "]);
    let tree = destination_tree(&source, &[], &Options::default(), None, &BTreeMap::new()).unwrap();
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
    let tree = destination_tree(&source, &[folder("Sent", Some(Role::Sent))], &options, Some('/'), &recorded).unwrap();
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
    fn laws_of_the_tree(source in listing(), there in listing(), mapped in proptest::bool::ANY, flat in proptest::bool::ANY) {
        let rules = if mapped { vec![Mapping("^b->A/b".into())] } else { vec![] };
        let options = Options { mapping: rules, ..Options::default() };
        let separator = (!flat).then_some('.');
        let there: Vec<_> = there.into_iter().filter(|f| match separator {
            Some(c) => !f.path.to_string().contains(c),
            None => f.path.components().len() == 1,
        }).collect();
        let tree = destination_tree(&source, &there, &options, separator, &BTreeMap::new()).unwrap();
        let there = with_parents(&there);
        prop_assert_eq!(tree.folders.len() + tree.left_out.len(), source.len());

        // No two sources into one folder, not even by case, unless mapped or both there already.
        let mut unmapped = HashMap::new();
        for plan in tree.folders.iter().filter(|p| p.reason != Reason::Mapping && !p.remainder) {
            if let Some(other) = unmapped.insert(key(plan.destination.components()), &plan.destination) {
                prop_assert!(*other != plan.destination, "twice: {}", other);
                prop_assert!(plan.exists || there.iter().any(|f| f.path == *other));
            }
        }
        // Parents before children, everything that is missing is made, once.
        let mut known: HashSet<FolderPath> = there.iter().map(|f| f.path.clone()).collect();
        known.insert(FolderPath::new(["INBOX"]));
        for new in &tree.create {
            let parent = new.path.parent();
            prop_assert!(parent.is_none_or(|p| known.contains(&p) || there.iter().any(|f| f.path.components().starts_with(p.components()))));
            let pure_parent = there.iter().any(|f| f.path == new.path && !f.selectable);
            prop_assert!(known.insert(new.path.clone()) || pure_parent, "made twice: {}", new.path);
        }
        prop_assert!(tree.folders.iter().all(|p| known.contains(&p.destination)));

        // Run against its own result it decides the same and makes nothing, with and without records.
        let mut after = there.clone();
        after.extend(tree.create.iter().map(|c| ListedFolder { path: c.path.clone(), ..folder("x", c.role) }));
        let records: BTreeMap<_, _> =
            tree.folders.iter().map(|p| (source[p.source].path.clone(), p.destination.clone())).collect();
        for recorded in [BTreeMap::new(), records] {
            let again = destination_tree(&source, &after, &options, separator, &recorded).unwrap();
            prop_assert!(again.create.is_empty(), "{:?}", again.create);
            let of = |t: &Tree| t.folders.iter().map(|p| (p.source, p.destination.clone())).collect::<Vec<_>>();
            prop_assert_eq!(of(&again), of(&tree));
        }
    }
}
