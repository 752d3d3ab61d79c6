//! Owners sign in at the page of a real provider that has no codes, and come back to the form.

use std::process::Command;

use super::Scene;
use crate::support::exim::available;
use crate::support::imap::Message;
use crate::support::oidc::{self, DESKTOP, Oidc};

/// The address behind the link to the provider.
fn page(form: &str) -> String {
    let link = form.split("a href=\"").nth(1).unwrap_or_else(|| panic!("no link: {form}"));
    link.split('"').next().unwrap().replace("&amp;", "&")
}

/// A person at the page of the provider, who signs in as this one, and comes back to the form.
fn person(page: &str, login: &str, how: &str) -> String {
    let script = oidc::folder().join("person.mjs");
    let output = Command::new("node").arg(script).args([page, login, how]).output().expect("node");
    String::from_utf8_lossy(&output.stdout).into_owned()
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
    let mut scene = Scene::with(&source, &[&words[..], &more].concat(), list);
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
