//! Reset, delete and edit that meet a full disk, or another process at the same work.

use super::workspaces::{Mounted, fill, skipped};
use super::{Running, says};
use crate::support::product::{PROJECT, Workspace};

const ITEMS: usize = 400;

/// A project between Maildirs, all of them empty, with so many items that a change of all needs room.
fn project(workspace: &Workspace, folder: &std::path::Path, items: usize) {
    let address = |side: &str| format!("maildir:{}/{side}/{{localpart}}", folder.display());
    for item in 0..items {
        std::fs::create_dir_all(folder.join(format!("old/u{item}/cur"))).expect("made");
        std::fs::create_dir_all(folder.join(format!("old/u{item}/new"))).expect("made");
    }
    workspace.project_new(&address("old"), &address("new"), &["--concurrent", "8"]);
    let people: Vec<_> = (0..items).map(|item| (format!("u{item}"), format!("u{item}"))).collect();
    workspace.import_with(&people, None);
}

/// How many items have each status.
fn statuses(workspace: &Workspace) -> std::collections::BTreeMap<String, usize> {
    let mut counts = std::collections::BTreeMap::new();
    for item in workspace.status() {
        *counts.entry(item.status().to_owned()).or_default() += 1;
    }
    counts
}

#[test]
fn a_full_disk_leaves_a_reset_or_a_delete_undone_as_a_whole() {
    let workspace = Workspace::new();
    let Some(mounted) = Mounted::new(&["-t", "tmpfs", "-o", "size=64m,mode=0700", "none"], workspace.path()) else {
        return skipped("mounting is not allowed here");
    };
    let folder = tempfile::tempdir().expect("a folder");
    project(&workspace, folder.path(), ITEMS);
    says(workspace.start(), 0, &[]);
    let before = statuses(&workspace);
    assert_eq!(before.get("completed"), Some(&ITEMS), "{before:?}");
    let all = ITEMS.to_string();
    // Beside the workspace there is room.
    let list = folder.path().join("more.csv");
    let rows: String = (0..2000).map(|at| format!("v{at}@old.example,v{at}@new.example\n")).collect();
    std::fs::write(&list, format!("Source Email,Destination Email\n{rows}")).expect("written");
    let people: Vec<String> = (0..ITEMS).map(|item| format!("u{item}@old.example")).collect();
    let named: Vec<&str> = people.iter().flat_map(|person| ["--item", person]).collect();
    let reset = [&["reset", PROJECT, "--yes", &all], &named[..]].concat();
    let delete = [&["item", "delete", PROJECT, "--yes", &all], &named[..]].concat();
    for verb in [
        &reset[..],
        &delete,
        &["project", "delete", PROJECT],
        &["start", PROJECT, "--at", "2099-01-01 10:00"],
        &["item", "import", PROJECT, list.to_str().expect("plain")],
    ] {
        let filler = fill(workspace.path(), "filler");
        says(workspace.run(verb), 3, &["full"]);
        std::fs::remove_file(filler).expect("removed");
        assert_eq!(statuses(&workspace), before, "{verb:?} was half done");
    }
    says(workspace.run(&reset), 0, &[]);
    assert_eq!(statuses(&workspace).get("not_submitted"), Some(&ITEMS));
    says(workspace.run(&delete), 0, &[]);
    assert!(statuses(&workspace).is_empty());
    drop(workspace);
    drop(mounted);
}

#[test]
fn an_item_that_is_started_and_deleted_at_once_is_either() {
    let folder = tempfile::tempdir().expect("a folder");
    let workspace = Workspace::new();
    project(&workspace, folder.path(), 16);
    let mut both = [0, 0];
    for item in 0..16 {
        let address = format!("u{item}@old.example");
        let start = Running::start(&workspace, &["start", PROJECT, "--item", &address]);
        let delete = Running::start(&workspace, &["item", "delete", PROJECT, "--item", &address, "--yes"]);
        let (started, deleted) = (start.end(), delete.end());
        let left = workspace.status().iter().any(|row| row.0["source"] == address.as_str());
        assert_eq!(left, deleted.code != 0, "{started:?}\n{deleted:?}");
        assert!(matches!(deleted.code, 0 | 2), "{deleted:?}");
        match started.code {
            // It ran, before it was deleted or instead.
            0 => both[0] += 1,
            // It was gone.
            1 | 2 if !left => both[1] += 1,
            _ => panic!("{started:?}\n{deleted:?}"),
        }
        assert!(!started.stderr.contains("panicked") && !deleted.stderr.contains("panicked"));
    }
    let rest = statuses(&workspace);
    assert!(rest.keys().all(|status| status == "completed"), "{rest:?}: something still waits for a worker");
    says(workspace.run(&["status", PROJECT]), 0, &[]);
}
