//! Owners sign in at the page of a real provider that has no codes, and come back to the form.

use std::process::Command;

use super::Scene;
use crate::support::dovecot::Dovecot;
use crate::support::ends::Ended;
use crate::support::exim::available;
use crate::support::imap::Message;
use crate::support::oidc::{self, DESKTOP, Oidc};
use crate::support::product::PROJECT;

/// The address behind the link to the provider.
fn page(form: &str) -> String {
    let link = form.split("a href=\"").nth(1).unwrap_or_else(|| panic!("no link: {form}"));
    link.split('"').next().unwrap().replace("&amp;", "&")
}

/// A person at the page of the provider, who signs in as this one, and comes back to the form.
fn person(page: &str, login: &str, how: &str) -> String {
    let script = oidc::folder().join("person.mjs");
    let output = Command::new("node").arg(script).args([page, login, how]).ended();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A project whose source takes tokens of this provider only; its owner has this login name there.
fn scene(provider: &Oidc, server: &Dovecot, login: &str) -> Scene {
    let urls = ["token", "authorize"].map(|name| provider.url(name));
    let words = ["--source-signin", "custom", "--source-client-id", DESKTOP, "--source-token-url", &urls[0]];
    let scope = "openid offline_access https://outlook.office.com/IMAP.AccessAsUser.All";
    let more = ["--source-authorize-url", &urls[1], "--source-scope", scope];
    let source = format!("imap+plain://127.0.0.1:{}", server.plain_port);
    let list = |owner: &str| {
        format!(
            "Source Email,Source Login Name,Destination Email,Contact Email\nanna@a.example,{login},anna@b.example,{owner}\n"
        )
    };
    Scene::with(&source, &[&words[..], &more].concat(), list)
}

#[test]
fn r44_r46_an_owner_who_signs_in_as_somebody_else_is_told_so_at_once_and_is_asked_anew() {
    if !available() || !oidc::available() {
        return;
    }
    let provider = Oidc::start(3600);
    let server = provider.dovecot();
    let (login, other) = (server.user("owner"), server.user("other"));
    server.login(&login).append("INBOX", &Message::plain(&b"Subject: old\r\n\r\nhello\r\n"[..]));
    let mut scene = scene(&provider, &server, &login);
    scene.start();
    scene.serve();
    let link = scene.links(1).remove(0);
    let form = scene.get(&link);
    let asked = page(&scene.post(&link, "sign-in=source"));
    let back = person(&asked, &other, "");
    assert!(back.contains("Go back to the page with the form"), "{back}\n{}", provider.log());
    scene.becomes("failed");
    let item = scene.workspace.only();
    let told = item.0.to_string();
    assert!(told.contains("did not let") && told.contains("source"), "the side is named: {:#}", item.0);
    assert!(scene.get(&link).contains("This link is not active"), "the link is dead");
    // Who has the form open hears why.
    let hears = scene.send(&link, &form, "sign-in=look");
    assert!(hears.contains("did not accept this") && hears.contains("Kim Doe has been told"), "{hears}");
    // R46: one step asks anew, and the right account opens the mailbox.
    scene.workspace.run(&["credentials", "again", PROJECT, "--item", "anna@a.example"]).expect(0);
    let second = scene.links(2).remove(1);
    let back = person(&page(&scene.post(&second, "sign-in=source")), &login, "");
    assert!(back.contains("Go back to the page with the form"), "{back}");
    scene.becomes("completed");
    assert!(scene.target.path().join("anna@b.example").exists());
    assert_eq!(scene.end(), 0);
}

#[test]
fn h2_an_owner_signs_in_at_the_providers_page_is_led_back_and_the_mail_moves() {
    if !available() || !oidc::available() {
        return;
    }
    let provider = Oidc::start(3600);
    let server = provider.dovecot();
    let login = server.user("owner");
    server.login(&login).append("INBOX", &Message::plain(&b"Subject: old\r\n\r\nhello\r\n"[..]));
    let mut scene = scene(&provider, &server, &login);
    scene.start();
    scene.serve();
    let link = scene.links(1).remove(0);
    assert!(scene.get(&link).contains(">Sign in</button>"));

    // A refusal there is no end: it begins anew.
    let denied = page(&scene.post(&link, "sign-in=source"));
    assert!(person(&denied, &login, "deny").contains("Go back to the page with the form"));
    let since = std::time::Instant::now();
    while !scene.get(&link).contains("Nobody has signed in") {
        assert!(since.elapsed() < super::PATIENCE, "{}", scene.workspace.log());
    }

    let asked = page(&scene.post(&link, "sign-in=source"));
    assert_eq!(page(&scene.get(&link)), asked, "one sign-in, however often the form is opened");
    let back = person(&asked, &login, "");
    assert!(back.contains("Go back to the page with the form"), "{back}\n{}", provider.log());
    scene.becomes("completed");
    assert!(scene.target.path().join("anna@b.example").exists());
    assert!(scene.get(&link).contains("This link is not active"));
    assert_eq!(scene.end(), 0);
    let log = scene.workspace.log();
    assert!(!log.contains("code="), "no code is logged: {log}");
}
