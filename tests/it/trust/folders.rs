//! Folders that are renamed at the destination or on both sides, and a workspace that is older than what it knows (C.10).

use mailferry::domain::notice::NoticeKind;

use super::{Pair, once};
use crate::support::dovecot::{self, Format};
use crate::support::odd::MODERN;
use crate::support::relay::Rules;
use crate::support::scene::Scene;

const OLD: [&str; 3] = ["UIDPLUS", "CONDSTORE", "QRESYNC"];

fn scene(hide: &[&str]) -> Scene {
    let (source, destination) = (dovecot::shared(Format::Sdbox), dovecot::shared_twin(Format::Sdbox));
    Scene::between(source, destination, Rules::hiding(hide), Rules::hiding(hide))
}

#[test]
fn c10_a_folder_renamed_at_the_destination_is_followed() {
    if !dovecot::available() {
        return;
    }
    for hide in [&[][..], &OLD] {
        let scene = scene(hide);
        scene.fill("Work", 0..6);
        scene.fill("Work/Below", 10..12);
        scene.fill("Quiet", 50..52);
        scene.pass();
        scene.there().ok("RENAME Work Projects");
        scene.verdict().copies(0);
        assert!(!scene.read_there().folders.contains_key("Work"), "no folder is made for old mail");
        scene.fill("Work", 6..8);
        scene.fill("Work/Below", 12..13);
        let mut here = scene.here();
        here.select("Work");
        here.store("2", "+FLAGS", "\\Flagged");
        scene.verdict().copies(3);
        assert_eq!(scene.count_there(&["Projects", "Projects/Below", "Work", "Quiet"]), [8, 3, 0, 2]);
        assert!(!scene.read_there().folders.contains_key("Work"), "it is the same folder");
        assert_eq!(scene.flagged_there("Projects", "\\Flagged"), ["number 1"]);
        if hide.is_empty() {
            scene.idle_pass();
        }
    }
}

#[test]
fn c10_a_folder_renamed_at_the_destination_is_followed_although_another_has_its_old_name_now() {
    if !dovecot::available() {
        return;
    }
    let scene = scene(&[]);
    scene.fill("Work", 0..6);
    scene.pass();
    let mut there = scene.there();
    there.ok("RENAME Work Projects");
    there.create("Work");
    drop(there);
    scene.fill("Work", 6..8);
    let mut here = scene.here();
    here.select("Work");
    here.store("2", "+FLAGS", "\\Flagged");
    scene.verdict().copies(2);
    assert_eq!(scene.subjects_there(), once(0..8));
    assert_eq!(scene.flagged_there("Projects", "\\Flagged"), ["number 1"]);
}

#[test]
fn c10_a_folder_renamed_on_both_sides_stays_one() {
    if !dovecot::available() {
        return;
    }
    // To the same name, and to two names.
    for (here_name, there_name) in [("Projects", "Projects"), ("Tasks", "Projects")] {
        for hide in [&[][..], &OLD] {
            let scene = scene(hide);
            scene.fill("Work", 0..6);
            scene.pass();
            scene.there().ok(&format!("RENAME Work {there_name}"));
            scene.here().ok(&format!("RENAME Work {here_name}"));
            scene.fill(here_name, 6..8);
            let mut here = scene.here();
            here.select(here_name);
            here.store("2", "+FLAGS", "\\Flagged");
            scene.verdict().copies(2);
            assert_eq!(scene.subjects_there(), once(0..8));
            assert_eq!(scene.flagged_there(there_name, "\\Flagged"), ["number 1"]);
            scene.verdict().copies(0);
        }
    }
}

#[test]
fn c10_two_folders_that_swap_names_at_the_destination_swap_no_mail() {
    if !dovecot::available() {
        return;
    }
    let scene = scene(&[]);
    scene.fill("A", 0..5);
    scene.fill("B", 20..25);
    scene.pass();
    let mut there = scene.there();
    for (from, to) in [("A", "T"), ("B", "A"), ("T", "B")] {
        there.ok(&format!("RENAME {from} {to}"));
    }
    drop(there);
    let mut here = scene.here();
    here.select("A");
    here.store("3", "+FLAGS", "\\Deleted");
    scene.fill("B", 25..26);
    scene.verdict().copies(1);
    assert_eq!(scene.subjects_there(), once((0..5).chain(20..26)));
    assert_eq!(scene.flagged_there("B", "\\Deleted"), ["number 2"]);
    assert!(scene.flagged_there("A", "\\Deleted").is_empty());
}

#[test]
fn c10_names_that_were_passed_on_are_followed_under_equal_uidvalidity_and_by_mailboxid() {
    for capabilities in [MODERN, &format!("{MODERN} OBJECTID")] {
        let pair = Pair::new(MODERN, capabilities);
        for (name, numbers) in [("A", 0..5), ("B", 20..28), ("C", 40..41)] {
            pair.source.fill(name, numbers);
            pair.destination.state().make(name).validity = 77;
        }
        pair.verdict().copies(14);
        {
            let mut there = pair.destination.state();
            for (from, to) in [("A", "T"), ("B", "A"), ("C", "B"), ("T", "C")] {
                there.at(from).name = to.into();
            }
            let mut here = pair.source.state();
            for name in ["A", "B", "C"] {
                here.at(name).flag(1, "\\Flagged");
            }
        }
        pair.source.fill("B", 28..29);
        pair.verdict().copies(1);
        assert_eq!(pair.there(), once((0..5).chain(20..29).chain(40..41)));
        let mut there = pair.destination.state();
        for (name, messages) in [("C", 5), ("A", 9), ("B", 1)] {
            let letters = &there.at(name).letters;
            assert_eq!(letters.len(), messages, "{name}, {capabilities}");
            assert!(letters[0].flags.contains("\\Flagged"), "{name}, {capabilities}");
        }
        drop(there);
        pair.idle();
    }
}

#[test]
fn c10_mailboxid_tells_a_renamed_destination_folder_although_its_numbers_are_new() {
    let pair = Pair::new(MODERN, &format!("{MODERN} OBJECTID"));
    pair.source.fill("Work", 0..6);
    pair.verdict().copies(6);
    {
        let mut state = pair.destination.state();
        state.at("Work").name = "Projects".into();
        pair.source.state().at("Work").flag(2, "\\Flagged");
    }
    pair.source.fill("Work", 6..8);
    pair.verdict().copies(2);
    let mut state = pair.destination.state();
    assert_eq!(state.boxes.iter().map(|one| one.name.clone()).collect::<Vec<_>>(), ["INBOX", "Projects"]);
    assert_eq!(state.at("Projects").letters.len(), 8);
    assert!(state.at("Projects").letters[1].flags.contains("\\Flagged"));
    drop(state);
    pair.idle();
}

fn copy_folder(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        if entry.file_type().expect("its kind").is_dir() {
            copy_folder(&entry.path(), &to.join(entry.file_name()));
        } else {
            std::fs::copy(entry.path(), to.join(entry.file_name())).expect("copied");
        }
    }
}

#[test]
fn c10_an_old_copy_of_the_workspace_is_noticed_and_doubles_nothing() {
    if !dovecot::available() {
        return;
    }
    for (hide, search) in [(&[][..], true), (&OLD, true), (&[], false)] {
        let scene = scene(hide);
        scene.workspace.options(|options| options.search_duplicates = search);
        scene.fill("INBOX", 0..6);
        scene.fill("Work", 20..24);
        scene.pass();
        let kept = tempfile::tempdir().expect("a folder");
        copy_folder(scene.workspace.path(), kept.path());
        scene.fill("INBOX", 6..12);
        scene.fill("Fresh", 40..43);
        scene.pass();
        for entry in std::fs::read_dir(scene.workspace.path()).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) }.expect("removed");
        }
        copy_folder(kept.path(), scene.workspace.path());
        scene.fill("INBOX", 12..13);
        let verdict = scene.verdict();
        assert_eq!(scene.count_there(&["INBOX", "Work"]), [13, 4], "{}", verdict.words());
        if search {
            assert_eq!(scene.subjects_there(), once((0..13).chain(20..24).chain(40..43)), "{}", verdict.words());
        }
        assert!(verdict.notes(NoticeKind::OldWorkspace), "nothing was noticed: {}", verdict.words());
    }
}
