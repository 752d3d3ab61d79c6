//! Mails to owners that a real mail server does not take, or cannot be given to: their item says so.

use super::{PROJECT, Scene, available};

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
