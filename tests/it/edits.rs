//! Items and projects that are corrected, reset, deleted and duplicated, through the real program; beside a running pass too.

use std::path::Path;

use crate::support::product::{Output, PROJECT, Workspace};

#[test]
fn r40_credentials_are_cleared_by_side_and_a_start_lacks_them_then() {
    let workspace = Workspace::new();
    workspace.project_new("imaps://source.invalid", "maildir:/nowhere/{localpart}", &[]);
    workspace.import(&[("anna".into(), "anna".into())]);
    let clear = ["credentials", "clear", PROJECT, "--item", ANNA];
    workspace.run(&clear).expect(2);
    workspace.run(&[&clear[..], &["--destination"]].concat()).expect(0);
    let kept = workspace.run(&["start", PROJECT, "--at", "2099-01-01 10:00"]).expect(0);
    assert!(!kept.stdout.contains("Waiting for User"), "{kept:?}");
    refused(workspace.run(&[&clear[..], &["--source"]].concat()), "the item waits for its start; stop it first");
    workspace.run(&["stop", PROJECT]).expect(0);
    let cleared = workspace.run(&[&clear[..], &["--source", "--destination"]].concat()).expect(0);
    assert!(cleared.stdout.contains("1 item without these credentials now"), "{cleared:?}");
    workspace.owners_can_be_asked();
    workspace.run(&["start", PROJECT]).expect(1);
    assert_eq!(workspace.status()[0].0["status"], "waiting_for_user");
}

/// Two people's mail in Maildirs, and a project that copies it into others.
struct Scene {
    workspace: Workspace,
    folder: tempfile::TempDir,
}

impl Scene {
    fn new() -> Scene {
        let folder = tempfile::tempdir().expect("a folder");
        for (user, messages) in [("anna", 3), ("bob", 2), ("carl", 1)] {
            mailbox(&folder.path().join("old").join(user), messages);
        }
        let workspace = Workspace::new();
        let address = |side: &str| format!("maildir:{}/{side}/{{localpart}}", folder.path().display());
        workspace.project_new(&address("old"), &address("new"), &[]);
        let people = ["anna", "bob"].map(|user| (user.to_owned(), user.to_owned()));
        workspace.import_with(&people, None);
        Scene { workspace, folder }
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.workspace.run(arguments)
    }

    /// How many messages a person has at the destination.
    fn arrived(&self, user: &str) -> usize {
        let there = self.folder.path().join("new").join(user);
        ["cur", "new"].iter().map(|part| std::fs::read_dir(there.join(part)).map_or(0, Iterator::count)).sum()
    }

    fn source(&self, at: usize) -> String {
        self.workspace.status()[at].0["source"].as_str().expect("an address").to_owned()
    }
}

fn mailbox(at: &Path, messages: usize) {
    for part in ["cur", "new", "tmp"] {
        std::fs::create_dir_all(at.join(part)).expect("made");
    }
    for number in 0..messages {
        let text = format!("Message-ID: <{number}@{}>\nSubject: {number}\n\nhello\n", at.display());
        std::fs::write(at.join("cur").join(format!("{number}.host:2,S")), text).expect("written");
    }
}

fn refused(output: Output, words: &str) {
    let output = output.expect(2);
    assert!(output.stderr.contains(words), "\"{words}\" is missing in:\n{}", output.stderr);
}

const ANNA: &str = "anna@old.example";
const BOB: &str = "bob@old.example";

#[test]
fn r42_deleting_items_takes_their_statistics_and_leaves_their_mail() {
    let scene = Scene::new();
    scene.workspace.start().expect(0);
    let delete = ["item", "delete", PROJECT, "--item", ANNA];
    refused(scene.run(&delete), "Mail that was migrated stays where it is");
    refused(scene.run(&[&delete[..], &["--yes", "2"]].concat()), "--yes 2: it would be 1 item");
    assert_eq!(scene.workspace.status().len(), 2);
    let gone = scene.run(&[&delete[..], &["--yes"]].concat()).expect(0);
    assert!(gone.stdout.contains("1 item deleted. No mail was touched"), "{gone:?}");
    assert_eq!((scene.workspace.status().len(), scene.source(0).as_str()), (1, BOB));
    assert_eq!((scene.arrived("anna"), scene.arrived("bob")), (3, 2));
    refused(scene.run(&[&delete[..], &["--yes"]].concat()), "has no item \"anna@old.example\"");
}

#[test]
fn a_star_is_given_and_taken_by_the_command_line_and_shown() {
    let scene = Scene::new();
    let star = |colour: &'static str| scene.run(&["item", "star", PROJECT, colour, "--item", ANNA]);
    refused(star("pink"), "known are red, orange, yellow, green, blue, purple and none");
    assert!(star("green").expect(0).stdout.contains("1 item with a green star now"));
    let stars = || -> Vec<Option<String>> {
        scene.workspace.status().iter().map(|item| item.0["star"].as_str().map(str::to_owned)).collect()
    };
    assert_eq!(stars(), [Some("green".to_owned()), None]);
    assert!(scene.run(&["item", "show", PROJECT, "--item", ANNA]).expect(0).stdout.contains("Star         green"));
    star("none").expect(0);
    assert_eq!(stars(), [None, None]);
}

#[test]
fn reset_items_read_not_submitted_and_nothing_comes_twice() {
    let scene = Scene::new();
    scene.workspace.start().expect(0);
    let reset = ["reset", PROJECT, "--item", ANNA];
    refused(scene.run(&reset), "will be copied again");
    scene.run(&[&reset[..], &["--yes"]].concat()).expect(0);
    let statuses: Vec<String> = scene.workspace.status().iter().map(|item| item.status().to_owned()).collect();
    assert_eq!(statuses, ["not_submitted", "completed"]);
    scene.workspace.start().expect(0);
    assert_eq!(scene.workspace.status()[0].messages("already_there"), 3);
    assert_eq!(scene.arrived("anna"), 3);
}

#[test]
fn d13_another_mailbox_is_asked_about_before_an_item_changes() {
    let scene = Scene::new();
    let edit = ["item", "edit", PROJECT, "--item", ANNA];
    refused(scene.run(&edit), "nothing was named that is to be changed");
    refused(scene.run(&[&edit[..], &["--source-email", "anna"]].concat()), "Source Email: no @ in the e-mail address");
    let other = ["--source-email", BOB, "--destination-email", "bob@new.example"];
    refused(scene.run(&[&edit[..], &other].concat()), "is taken");
    refused(scene.run(&[&edit[..], &["--destination-email", "bob@else.example"]].concat()), "one Maildir");
    refused(scene.run(&["item", "edit", PROJECT, "--item", "nobody@old.example", "--note", "x"]), "has no item");
    scene.run(&[&edit[..], &["--note", "VIP, call first"]].concat()).expect(0);
    scene.workspace.start().expect(0);
    let moved = [&edit[..], &["--source-email", "carl@old.example"]].concat();
    refused(scene.run(&moved), "Say it with --same-mailbox or with --reset");
    assert_eq!(scene.source(0), ANNA);
    scene.run(&[&moved[..], &["--reset"]].concat()).expect(0);
    assert_eq!((scene.source(0).as_str(), scene.workspace.status()[0].status()), ("carl@old.example", "not_submitted"));
    scene.workspace.start().expect(0);
    assert_eq!(scene.workspace.status()[0].messages("copied"), 1);
}

#[test]
fn d13_a_list_with_another_login_is_asked_about_before_it_comes_in() {
    let scene = Scene::new();
    scene.workspace.start().expect(0);
    let list = scene.folder.path().join("again.csv");
    let header = "Source Email,Source Login Name,Destination Email";
    std::fs::write(&list, format!("{header}\n{ANNA},boss,anna@new.example\neve@old.example,,eve@new.example\n"))
        .expect("written");
    let import = ["item", "import", PROJECT, list.to_str().expect("plain")];
    refused(scene.run(&import), "Say it with --same-mailbox or with --reset");
    assert_eq!(scene.workspace.status().len(), 2, "nothing came in");
    let kept = scene.run(&[&import[..], &["--same-mailbox"]].concat()).expect(0);
    assert!(kept.stdout.contains("1 item imported, 1 updated"), "{kept:?}");
    let statuses = || -> Vec<String> { scene.workspace.status().iter().map(|item| item.status().to_owned()).collect() };
    assert_eq!(statuses(), ["completed", "completed", "not_submitted"]);
    std::fs::write(&list, format!("{header}\n{ANNA},chief,anna@new.example\n")).expect("written");
    scene.run(&[&import[..], &["--reset"]].concat()).expect(0);
    assert_eq!(statuses(), ["not_submitted", "completed", "not_submitted"]);
}

#[test]
fn r12_r13_an_item_that_waits_for_its_user_is_neither_changed_nor_deleted_before_it_is_stopped() {
    let workspace = Workspace::new();
    workspace.project_new("imap+plain://127.0.0.1:1", "imap+plain://127.0.0.1:2", &[]);
    workspace.import_with(&[("anna".into(), "anna".into())], None);
    workspace.owners_can_be_asked();
    workspace.run(&["start", PROJECT]);
    assert_eq!(workspace.only().status(), "waiting_for_user");
    for verb in [
        &["item", "delete", PROJECT, "--item", ANNA, "--yes"][..],
        &["reset", PROJECT, "--item", ANNA, "--yes"],
        &["item", "edit", PROJECT, "--item", ANNA, "--note", "x"],
    ] {
        refused(workspace.run(verb), "the item waits for credentials from its owner; stop it first");
        assert_eq!(workspace.only().status(), "waiting_for_user");
    }
    workspace.run(&["stop", PROJECT]).expect(0);
    let mut edit = workspace.command(&["item", "edit", PROJECT, "--item", ANNA, "--ask-source-password"]);
    assert!(edit.env("MAILFERRY_SOURCE_PASSWORD", "secret").status().expect("run").success());
    let listed = workspace.run(&["item", "list", PROJECT]).expect(0).stdout;
    assert!(listed.contains("(own password)") && listed.contains("(no password)"), "{listed}");
    workspace.run(&["item", "edit", PROJECT, "--item", ANNA, "--clear-source-password"]).expect(0);
    let listed = workspace.run(&["item", "list", PROJECT]).expect(0).stdout;
    assert!(!listed.contains("(own password)"), "{listed}");
    workspace.run(&["item", "delete", PROJECT, "--item", ANNA, "--yes"]).expect(0);
    assert!(workspace.run(&["item", "list", PROJECT]).expect(0).stdout.starts_with("No items yet"));
}

#[test]
fn r24_a_stopped_item_and_its_project_are_changed_and_start_again() {
    let scene = Scene::new();
    scene.run(&["start", PROJECT, "--item", BOB, "--at", "2099-01-01 10:00"]).expect(0);
    scene.run(&["stop", PROJECT, "--item", BOB]).expect(0);
    assert_eq!(scene.workspace.status()[1].status(), "stopped");
    scene.run(&["item", "edit", PROJECT, "--item", BOB, "--destination-email", "carl@new.example"]).expect(0);
    let elsewhere = format!("maildir:{}/third/{{localpart}}", scene.folder.path().display());
    scene.run(&["project", "edit", PROJECT, "--destination", &elsewhere, "--concurrent", "3"]).expect(0);
    refused(scene.run(&["project", "edit", PROJECT]), "nothing was named that is to be changed");
    refused(scene.run(&["project", "edit", PROJECT, "--concurrent", "0"]), "must be at least 1");
    refused(scene.run(&["project", "edit", PROJECT, "--source-admin", "boss"]), "a Maildir has no administrator");
    scene.run(&["start", PROJECT, "--item", BOB]).expect(0);
    assert!(scene.folder.path().join("third/carl").exists() && scene.arrived("carl") == 0);
    // Now something was copied: another place is asked about.
    let back = format!("maildir:{}/new/{{localpart}}", scene.folder.path().display());
    let edit = ["project", "edit", PROJECT, "--destination", &back];
    refused(scene.run(&edit), "Say it with --same-mailbox or with --reset");
    scene.run(&[&edit[..], &["--reset"]].concat()).expect(0);
    assert_eq!(scene.workspace.status()[1].status(), "not_submitted");
}

#[test]
fn a_duplicated_project_has_servers_and_items_and_asks_for_its_direction() {
    let scene = Scene::new();
    scene.workspace.start().expect(0);
    refused(scene.run(&["project", "duplicate", PROJECT, "MOVE"]), "is taken");
    let made = scene.run(&["project", "duplicate", PROJECT, "again", "--items"]).expect(0);
    assert!(made.stdout.contains("made with 2 items; passwords are not duplicated"), "{made:?}");
    let listed = scene.run(&["item", "list", "again"]).expect(0).stdout;
    assert!(listed.contains(ANNA) && listed.contains("Not Submitted"), "{listed}");
    let mut start = std::process::Command::new(env!("CARGO_BIN_EXE_mailferry"));
    start.arg("--data").arg(scene.workspace.path()).args(["start", "again"]).stdin(std::process::Stdio::null());
    assert_eq!(start.status().expect("run").code(), Some(2), "the direction was never confirmed");
}
