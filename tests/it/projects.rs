//! Projects as a consultant keeps them, through the real program: whose mailboxes they move, and put away when their work
//! is over.

use crate::support::product::{Output, PROJECT, Workspace};

const SERVERS: [&str; 4] = ["--source", "imaps://source.invalid", "--destination", "maildir:/nowhere/{localpart}"];

fn refused(output: Output, words: &str) {
    let output = output.expect(2);
    assert!(output.stderr.contains(words), "{output:?}");
}

/// The lines of `project list`, or of one more word.
fn list(workspace: &Workspace, more: &[&str]) -> Vec<String> {
    let listed = workspace.run(&[&["project", "list"], more].concat()).expect(0).stdout;
    listed.lines().map(str::to_owned).collect()
}

#[test]
fn a_client_is_said_when_a_project_is_made_or_changed_and_shown_with_it() {
    let workspace = Workspace::new();
    workspace.project_new("imaps://source.invalid", "maildir:/nowhere/{localpart}", &[]);
    assert!(!list(&workspace, &[])[0].contains("Client"), "nobody has one");
    let long = "x".repeat(201);
    let new = |more: &[&str]| workspace.run(&[&["project", "new", "second"][..], &SERVERS, more].concat());
    refused(new(&["--client", &long]), "--client: a client has at most 200 characters");
    refused(new(&["--client", "Contoso\u{7}Ltd"]), "none of them a control character");
    new(&["--client", "  Contoso Ltd "]).expect(0);
    let listed = list(&workspace, &[]);
    assert!(listed[0].contains("Project") && listed[0].contains("Client"), "{listed:?}");
    assert!(listed.iter().any(|line| line.starts_with("second") && line.contains("Contoso Ltd")), "{listed:?}");
    let shown = |name: &str| workspace.run(&["project", "show", name]).expect(0).stdout;
    assert!(shown("second").contains("Client       Contoso Ltd\n") && !shown(PROJECT).contains("Client "));
    workspace.run(&["project", "duplicate", "second", "third"]).expect(0);
    assert!(shown("third").contains("Client       Contoso Ltd\n"));
    let edit = |client: &str| workspace.run(&["project", "edit", "second", "--client", client]);
    refused(edit(&long), "--client: a client has at most 200 characters");
    edit("Fabrikam").expect(0);
    assert!(shown("second").contains("Client       Fabrikam\n") && shown("third").contains("Contoso Ltd"));
    edit("").expect(0);
    assert!(!shown("second").contains("Client "));
}

#[test]
fn mails_name_the_client_of_their_project_unless_they_have_another_name_for_it() {
    let workspace = Workspace::new();
    workspace.project_new("imaps://source.invalid", "maildir:/nowhere/{localpart}", &["--client", "Contoso Ltd"]);
    let mail = |more: &[&str]| workspace.run(&[&["mail", "project", PROJECT], more].concat()).expect(0).stdout;
    let usual = mail(&[]);
    assert!(usual.contains("For: Contoso Ltd") && usual.contains("It is done for Contoso Ltd."), "{usual}");
    let own = mail(&["--client", "The Contoso People"]);
    assert!(own.contains("For: The Contoso People") && own.contains("done for The Contoso People."), "{own}");
    workspace.run(&["project", "edit", PROJECT, "--client", "Fabrikam"]).expect(0);
    assert!(mail(&[]).contains("For: The Contoso People"));
    assert!(mail(&["--client", ""]).contains("For: Fabrikam"));
}

#[test]
fn a_hybrid_project_says_that_it_has_no_client() {
    let workspace = Workspace::new();
    refused(workspace.run(&["project", "new", "h", "--kind", "hybrid", "--client", "x"]), "has no --client");
}

#[test]
fn an_archived_project_is_not_listed_and_starts_nothing_until_it_is_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let workspace = Workspace::new();
    let old = folder.path().join("old/anna");
    ["cur", "new", "tmp"].iter().for_each(|part| std::fs::create_dir_all(old.join(part)).expect("made"));
    std::fs::write(old.join("cur/1.host:2,S"), "Message-ID: <1@x>\nSubject: x\n\nhello\n").expect("written");
    let address = |side: &str| format!("maildir:{}/{side}/{{localpart}}", folder.path().display());
    workspace.project_new(&address("old"), &address("new"), &[]);
    workspace.import_with(&[("anna".into(), "anna".into())], None);
    // What waits is stopped first.
    workspace.run(&["start", PROJECT, "--at", "2099-01-01 10:00"]).expect(0);
    refused(workspace.run(&["project", "archive", PROJECT]), "stop them first");
    workspace.run(&["stop", PROJECT]).expect(0);
    let said = workspace.run(&["project", "archive", PROJECT]).expect(0).stdout;
    assert!(said.contains("archived. Nothing was deleted"), "{said}");
    assert_eq!(list(&workspace, &[]), ["1 project is archived: `mailferry project list --archived`"]);
    let away = list(&workspace, &["--archived"]);
    assert!(away.len() == 2 && away[1].starts_with(PROJECT), "{away:?}");
    let shown = workspace.run(&["project", "show", PROJECT]).expect(0).stdout;
    assert!(shown.contains("Archived     yes"), "{shown}");
    for more in [&[][..], &["--at", "2099-01-01 10:00"], &["--pass", "verify"]] {
        let start = workspace.run(&[&["start", PROJECT], more].concat());
        refused(start, "is archived, and nothing starts in it: bring it back first (`mailferry project archive");
    }
    assert!(!folder.path().join("new/anna").exists());
    workspace.run(&["project", "archive", PROJECT, "--undo"]).expect(0);
    assert_eq!(list(&workspace, &["--archived"]), ["No project is archived"]);
    assert!(list(&workspace, &[])[1].starts_with(PROJECT));
    workspace.start().expect(0);
    assert!(folder.path().join("new/anna").exists());
}
