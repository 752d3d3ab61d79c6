//! Where folders go: mapping, roles, filters; also when that changes between two passes.

use crate::support::dovecot::{self, Dovecot, Format, Options};
use crate::support::relay::{Act, At, Rules, verb};
use crate::support::scene::Scene;

use mailferry::domain::mapping::Mapping;

fn map(scene: &Scene, rules: &[&str]) {
    scene.workspace.options(|o| o.mapping = rules.iter().map(|rule| Mapping((*rule).into())).collect());
}

#[test]
fn r16_mapping_is_applied_when_folders_are_made() {
    if !dovecot::available() {
        return;
    }
    let scene = Scene::new();
    scene.fill("INBOX", 0..3);
    scene.fill("Files/2024", 10..14);
    scene.fill("Files", 20..25);
    map(&scene, &["^Files->Old/Files-1", "^INBOX$->Old/Inbox"]);
    assert_eq!(scene.pass().messages("copied"), 12);
    assert_eq!(scene.count_there(&["INBOX", "Old/Inbox", "Old/Files-1", "Old/Files-1/2024"]), [0, 3, 5, 4]);
    let there = scene.read_there();
    let names: Vec<_> = there.folders.keys().map(String::as_str).collect();
    assert_eq!(names, ["INBOX", "Old/Files-1", "Old/Files-1/2024", "Old/Inbox"]);
    scene.idle_pass();
}

#[test]
fn r16_two_folders_mapped_into_one_keep_all_their_messages() {
    if !dovecot::available() {
        return;
    }
    let scene = Scene::new();
    scene.fill("A", 0..10);
    scene.fill("B", 5..15);
    map(&scene, &["^[AB]$->Both"]);
    // Equal messages of two source folders are two messages.
    assert_eq!(scene.pass().messages("copied"), 20);
    assert_eq!(scene.count_there(&["Both"]), [20]);
    scene.idle_pass();
    let mut here = scene.here();
    here.select("A");
    here.store("1:3", "+FLAGS", "\\Flagged");
    here.move_to("10", "B");
    scene.fill("B", 100..102);
    let next = scene.pass();
    assert_eq!((next.messages("copied"), next.number("flags_updated")), (2, 3), "{:#}", next.0);
    assert_eq!(scene.count_there(&["Both"]), [22]);
    scene.idle_pass();
}

#[test]
fn r16_after_a_change_of_the_mapping_new_mail_goes_to_the_new_place_and_flags_to_the_copies() {
    if !dovecot::available() {
        return;
    }
    let scene = Scene::new();
    scene.fill("INBOX", 0..2);
    scene.fill("Work", 10..20);
    scene.pass();
    map(&scene, &["^Work->Archive/Work"]);
    scene.fill("Work", 20..23);
    let mut here = scene.here();
    here.select("Work");
    here.store("1:2", "+FLAGS", "\\Flagged");
    let second = scene.pass();
    assert_eq!((second.messages("copied"), second.messages("already_there")), (3, 12), "{:#}", second.0);
    assert_eq!(second.number("flags_updated"), 2);
    assert_eq!(scene.count_there(&["Work", "Archive/Work"]), [10, 3]);
    let there = scene.read_there();
    assert_eq!(there.folders["Work"].messages[1].flags, ["\\Flagged"]);
    assert!(there.folders["Archive/Work"].messages.iter().all(|m| m.flags.is_empty()));
    here.store("3,11", "+FLAGS", "\\Seen");
    assert_eq!(scene.pass().number("flags_updated"), 2);
    let there = scene.read_there();
    assert_eq!(there.folders["Work"].messages[2].flags, ["\\Seen"]);
    assert_eq!(there.folders["Archive/Work"].messages[0].flags, ["\\Seen"]);
    scene.idle_pass();
}

#[test]
fn folders_of_one_role_meet_whatever_they_are_called() {
    if !dovecot::available() {
        return;
    }
    let called = |names: [(&str, &str); 3]| Options {
        special_use: names.map(|(folder, role)| (folder.into(), role.into())).into(),
        ..Options::sdbox()
    };
    let old = Dovecot::start(called([("Sent Items", "\\Sent"), ("Deleted", "\\Trash"), ("Entwurf", "\\Drafts")]));
    let new = Dovecot::start(called([("Sent", "\\Sent"), ("Trash", "\\Trash"), ("Drafts", "\\Drafts")]));
    let scene = Scene::between(&old, &new, Rules::default(), Rules::default());
    scene.fill("Sent Items", 0..3);
    scene.fill("Sent Items/2020", 10..12);
    scene.fill("Deleted", 20..24);
    scene.fill("Sent", 30..31);
    let mut there = scene.there();
    for folder in ["Sent", "Trash"] {
        there.create(folder);
    }
    assert_eq!(scene.pass().messages("copied"), 10);
    assert_eq!(scene.count_there(&["Sent", "Sent/2020", "Trash", "Sent (2)", "Sent Items"]), [3, 2, 4, 1, 0]);
    scene.idle_pass();
    scene.fill("Sent", 31..32);
    scene.fill("Sent Items", 3..4);
    scene.pass();
    assert_eq!(scene.count_there(&["Sent", "Sent (2)"]), [4, 2]);
}

#[test]
fn a_folder_that_the_filter_skips_is_left_alone() {
    if !dovecot::available() {
        return;
    }
    let scene = Scene::new();
    scene.fill("INBOX", 0..3);
    scene.fill("Junk", 10..15);
    scene.fill("Junk/More", 20..22);
    scene.workspace.options(|o| o.folder_filter = Some("^junk".into()));
    let first = scene.pass();
    assert_eq!((first.messages("copied"), first.messages("source")), (3, 3));
    assert!(!scene.read_there().folders.contains_key("Junk"));
    scene.idle_pass();
    scene.workspace.options(|o| o.folder_filter = None);
    assert_eq!(scene.pass().messages("copied"), 7);
    scene.assert_equal();
}

#[test]
fn a_dotted_destination_with_a_limit_of_connections_is_served_by_fewer() {
    if !dovecot::available() {
        return;
    }
    let narrow = Dovecot::start(Options { connections: Some(1), ..Options::maildir() });
    let scene = Scene::between(dovecot::shared(Format::Sdbox), &narrow, Rules::default(), Rules::default());
    scene.workspace.options(|o| o.connections = 4);
    for folder in 0..6 {
        scene.fill(&format!("Folder {folder}"), folder * 100..folder * 100 + 20);
    }
    assert_eq!(scene.pass().messages("copied"), 120);
    assert_eq!(scene.count_there(&["INBOX.Folder 0", "INBOX.Folder 5"]), [20, 20]);
    scene.idle_pass();
}

#[test]
fn names_that_differ_only_in_case_stay_two_folders_where_they_are_two() {
    if !dovecot::available() {
        return;
    }
    let scene = Scene::new();
    for (at, folder) in ["Work", "work", "WORK/x", "work/x", "work/X"].into_iter().enumerate() {
        let first = at as u32 * 10;
        scene.fill(folder, first..first + 3);
    }
    scene.pass();
    scene.assert_equal();
    scene.idle_pass();
    // One that comes later finds its twin there.
    scene.fill("WORK", 100..102);
    assert_eq!(scene.pass().messages("copied"), 2);
    scene.assert_equal();
    scene.idle_pass();
}

#[test]
fn of_names_that_are_one_folder_at_the_destination_the_later_one_is_numbered() {
    if !dovecot::available() {
        return;
    }
    for says in ["NO [ALREADYEXISTS] it is there", "NO Mailbox exists", "OK it is there", "NO [CANNOT] no such name"] {
        let scene = Scene::new();
        scene.fill("Work", 0..3);
        scene.fill("work", 10..14);
        scene.fill("work/below", 20..25);
        // A server to which the two are one: it makes no second folder.
        scene.destination.plan(At::Command(verb("CREATE").nth(2)), Act::Answer(says.into()));
        assert_eq!(scene.pass().messages("copied"), 12, "{says}");
        let there = scene.read_there();
        let names: Vec<_> = there.folders.keys().map(String::as_str).filter(|name| *name != "INBOX").collect();
        assert_eq!(names, ["Work", "work (2)", "work (2)/below"], "{says}");
        assert_eq!(scene.count_there(&["Work", "work (2)", "work (2)/below"]), [3, 4, 5]);
        scene.idle_pass();
    }
}

#[test]
fn a_mapping_into_a_name_that_the_destination_refuses_names_the_folder_and_is_mended_by_another_rule() {
    if !dovecot::available() {
        return;
    }
    let scene = Scene::new();
    scene.fill("INBOX", 0..2);
    scene.fill("Work", 10..13);
    let long = format!("^Work->{}", "x".repeat(300));
    map(&scene, &[&long]);
    let (output, item) = scene.start(1);
    assert_eq!((item.messages("copied"), item.messages("errors")), (2, 3), "{output:?}");
    let errors = scene.workspace.run(&["errors", "move"]).expect(0).stdout;
    assert!(errors.contains("Folder \"Work\" is not allowed at the destination"), "{errors}");
    map(&scene, &["^Work->Job"]);
    assert_eq!(scene.pass().messages("copied"), 3);
    assert_eq!(scene.count_there(&["INBOX", "Job"]), [2, 3]);
    scene.idle_pass();
}
