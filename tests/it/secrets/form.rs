//! What an owner enters in the form, wrong or right, lies in the vault only, and the link in the mail only.

use super::search::Haystack;
use super::{OWN, REFUSED, Site};
use crate::asking::Scene;
use crate::support::exim;
use crate::support::product::{PROJECT, plain};

#[test]
fn a6_what_an_owner_enters_leaves_no_password_and_no_link_behind() {
    if !exim::available() {
        return;
    }
    let site = Site::start();
    let list = |owner: &str| {
        format!(
            "Source Email,Source Login Name,Destination Email,Contact Email\nanna@a.example,own-0,anna@b.example,{owner}\n"
        )
    };
    let mut scene = Scene::with(&plain(site.server.plain_port), &[], list);
    scene.workspace.environment.push(("MAILFERRY_LOG".into(), "trace".into()));
    let mut hay = Haystack::default();
    let fields = |password: &str| {
        let mut fields = form_urlencoded::Serializer::new(String::new());
        fields.append_pair("source-user", "own-0").append_pair("source-password", password).finish()
    };
    scene.start();
    scene.serve();
    let first = scene.links(1).remove(0);
    hay.add("the page", scene.get(&first));
    hay.add("the answer", scene.post(&first, &fields(REFUSED)));
    scene.becomes("failed");
    hay.add_folder("refused", scene.workspace.path());
    scene.workspace.run(&["credentials", "again", PROJECT, "--item", "anna@a.example"]).expect(0);
    let second = scene.links(2).remove(1);
    hay.add("the answer", scene.post(&second, &fields(OWN)));
    scene.becomes("completed");
    hay.add_folder("while it serves", scene.workspace.path());
    for words in
        [&["item", "show", PROJECT, "--item", "anna@a.example"][..], &["log", PROJECT, "--item", "anna@a.example"]]
    {
        let told = scene.workspace.run(words).expect(0);
        hay.add("told", told.stdout + &told.stderr);
    }
    assert_eq!(scene.end(), 0);
    hay.add_folder("ended", scene.workspace.path());
    assert!(hay.holds("workspace.db") && scene.workspace.log().contains("<hidden>"), "{}", scene.workspace.log());
    hay.assert_clean(&[OWN, REFUSED, &first, &second]);
}
