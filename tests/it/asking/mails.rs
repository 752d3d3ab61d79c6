//! Mails to owners that a real mail server does not take, or cannot be given to: their item says so.

use super::{PROJECT, Scene, available};
use crate::support::dovecot::PASSWORD;
use crate::support::product::plain;

#[test]
fn h4_a_mailbox_that_the_mail_server_does_not_know_is_told_at_its_item() {
    if !available() {
        return;
    }
    let mut scene = Scene::new();
    let owner = scene.owner.clone();
    let contact = ["item", "edit", PROJECT, "--item", &owner, "--contact"];
    scene.workspace.run(&[&contact[..], &["nobody@a.example"]].concat()).expect(0);
    scene.start();
    scene.serve();
    scene.shows("mail to nobody@a.example: refused by the mail server (");
    scene.shows("550");
    scene.workspace.run(&["stop", PROJECT]).expect(0);
    scene.workspace.run(&[&contact[..], &[&owner]].concat()).expect(0);
    scene.start();
    assert_eq!(scene.links(1).len(), 1);
    scene.shows(&format!("mail to {owner}: sent ("));
    assert_eq!(scene.end(), 0);
}

#[test]
fn h4_a_mail_server_whose_certificate_is_not_trusted_gets_no_mail_and_the_item_says_why() {
    if !available() {
        return;
    }
    let mut scene = Scene::new();
    scene.workspace.run(&["settings", "mail-authorities="]).expect(0);
    scene.start();
    scene.serve();
    scene.shows(&format!("mail to {}: waits to be sent, next try ", scene.owner));
    scene.shows("certificate");
    assert_eq!(scene.end(), 0);
    assert!(!scene.exim.log().contains("ACTION REQUIRED") && scene.links(0).is_empty());
}

#[test]
fn h3_an_entry_that_cannot_be_checked_decides_nothing_and_its_item_says_why() {
    if !available() {
        return;
    }
    let mut scene = Scene::new();
    scene.workspace.run(&["mail", "project", PROJECT, "--client", " Contoso\u{a0}Ltd "]).expect(0);
    let preview = scene.workspace.run(&["start", PROJECT, "--preview-mails"]).expect(0).stdout;
    assert!(preview.contains("It is done for Contoso\u{a0}Ltd."), "{preview}");
    scene.start();
    scene.serve();
    let link = scene.links(1).remove(0);
    assert!(scene.get(&link).contains("Project “Contoso\u{a0}Ltd” of Kim Doe"), "{}", scene.get(&link));
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let source = |port: u16| {
        scene.workspace.run(&["project", "edit", PROJECT, "--source", &plain(port)]).expect(0);
    };
    source(nobody);
    assert!(scene.enter(&link, PASSWORD).contains("Your entry was not checked and this link still works"));
    scene.shows("1 entry, the latest could not be checked (source: ");
    scene.shows("the link can be used");
    assert_eq!(scene.status(), "waiting_for_user");
    source(scene.dovecot.plain_port);
    assert!(scene.enter(&link, PASSWORD).contains("it works"));
    scene.becomes("completed");
    let shown = scene.workspace.run(&["item", "show", PROJECT, "--item", &scene.owner]).expect(0).stdout;
    assert!(shown.contains("2 entries, answered ") && !shown.contains("could not be checked"), "{shown}");
    assert_eq!(scene.end(), 0);
}
