//! What goes wrong with the sign-in of a person, against a real provider: each is said, and nothing is lost.

use crate::sign_in::real::{Site, for_persons};
use crate::support::corpus;
use crate::support::oidc::{self, APP};
use crate::support::product::PROJECT;
use crate::support::scripted::HttpAnswer;

#[test]
fn a_password_takes_nobodys_sign_in_away() {
    if !oidc::available() {
        return;
    }
    let mut site = for_persons(3600);
    corpus::small(18).load(&site.server, &site.from);
    site.import();
    site.sign_in();
    // The list comes once more, with passwords that its spreadsheet had all the time.
    let csv = site.workspace.path().join("again.csv");
    let head = "Source Email,Source Login Name,Source Password,Destination Email,Destination Login Name\n";
    let row = format!("{0}@old.example,{0},old-password,{1}@new.example,{1}\n", site.from, site.to);
    std::fs::write(&csv, format!("{head}{row}")).expect("written");
    let output = site.workspace.run(&["item", "import", PROJECT, csv.to_str().expect("a path")]).expect(0);
    assert!(output.stderr.contains("1 password left out: their side takes none"), "{output:?}");
    let item = format!("{}@old.example", site.from);
    site.workspace.environment.push(("MAILFERRY_SOURCE_PASSWORD".into(), "another".into()));
    let output = site.workspace.run(&["item", "edit", PROJECT, "--item", &item, "--ask-source-password"]);
    assert!(output.code != 0 && output.stderr.contains("the source takes no passwords"), "{output:?}");
    site.workspace.start().expect(0);
    site.expect_equal();
}

#[test]
fn a_refresh_token_that_was_used_before_asks_to_sign_in_again() {
    if !oidc::available() {
        return;
    }
    let mut site = for_persons(3600);
    corpus::small(25).load(&site.server, &site.from);
    site.import();
    site.sign_in();
    let vault = site.workspace.path().join("vault.bin");
    let before = std::fs::read(&vault).expect("the vault");
    site.workspace.start().expect(0);
    // A backup comes back: its refresh tokens were replaced since.
    std::fs::write(&vault, before).expect("written");
    let output = site.workspace.start().expect(1);
    let said = output.stdout + &output.stderr;
    assert!(said.contains("Sign in to the source again") && said.contains("invalid_grant"), "{said}");
    site.sign_in();
    site.workspace.start().expect(0);
    site.expect_equal();
}

#[test]
fn g4_a_provider_that_is_busy_down_or_answers_with_a_page_delays_a_pass_and_nothing_is_lost() {
    if !oidc::available() {
        return;
    }
    let answers = [
        HttpAnswer::new(429, "{\"error\":\"temporarily_unavailable\"}"),
        HttpAnswer::new(503, "<html>down</html>"),
        HttpAnswer::new(200, "<html>a portal wants to be clicked</html>"),
    ];
    // Beside each other: they wait.
    std::thread::scope(|threads| {
        for answer in answers {
            threads.spawn(|| put_off_and_nothing_lost(answer));
        }
    });
}

fn put_off_and_nothing_lost(answer: HttpAnswer) {
    let site = Site::new(3600);
    let shown = format!("{answer:?}");
    let proxy = site.provider.proxy("/contoso/oauth2/v2.0/token", move |number, _, pass_on| match number {
        // Each side once, and one of them again.
        1..=3 => answer.clone().with("Retry-After", "1"),
        _ => pass_on(),
    });
    let token = proxy.url();
    let words = ["--SIDE-signin", "custom-app", "--SIDE-client-id", APP, "--SIDE-token-url", &token];
    site.project(&[&words[..], &["--SIDE-scope", "https://outlook.office365.com/.default"]].concat()).expect(0);
    corpus::small(29).load(&site.server, &site.from);
    site.import();
    site.workspace.start().expect(0);
    site.expect_equal();
    let item = site.workspace.only();
    assert_eq!((item.messages("errors"), item.number("attempt")), (0, 1), "{shown}: {:#}", item.0);
    assert_eq!(proxy.asked().len(), 5, "{shown}: as often as it was put off, and once a side");
}

#[test]
fn a_verifier_or_a_code_that_was_tampered_with_signs_nobody_in() {
    if !oidc::available() {
        return;
    }
    for field in ["code_verifier", "code"] {
        let mut site = Site::new(3600);
        site.workspace.environment = vec![("BROWSER".into(), site.provider.browser(&site.from, false))];
        let (port, path) = (site.provider.port, "/contoso/oauth2/v2.0/token");
        let proxy = site.provider.proxy(path, move |_, form, _| {
            let tampered: Vec<String> = form.split('&').map(|pair| tampered(pair, field)).collect();
            oidc::ask((port, port), path, &tampered.join("&"))
        });
        site.project_by_person(&proxy.url());
        site.import();
        let item = format!("{}@old.example", site.from);
        let output = site.workspace.run(&["signin", PROJECT, "--item", &item, "--side", "source"]);
        assert!(output.code != 0 && output.stderr.contains("invalid_grant"), "{field}: {output:?}");
        let listed = site.workspace.run(&["item", "list", PROJECT]).expect(0).stdout;
        assert!(!listed.contains("(signed in)"), "{listed}");
    }
}

/// The field with another last letter.
fn tampered(pair: &str, field: &str) -> String {
    match pair.strip_prefix(&format!("{field}=")) {
        Some(value) => {
            let (head, last) = value.split_at(value.len() - 1);
            format!("{field}={head}{}", if last == "A" { "B" } else { "A" })
        }
        None => pair.to_owned(),
    }
}

#[test]
fn an_answer_of_another_provider_signs_nobody_in() {
    if !oidc::available() {
        return;
    }
    // Pages and answers come from one provider, and the project names the address of another (RFC 9207).
    let mut site = Site::new(3600);
    site.workspace.environment = vec![("BROWSER".into(), site.provider.browser(&site.from, false))];
    let [authorize, token] = ["authorize", "token"].map(|name| site.provider.url(name));
    let words = ["--SIDE-signin", "custom", "--SIDE-client-id", oidc::DESKTOP, "--SIDE-token-url", &token];
    let authorize = authorize.replace("127.0.0.1", "localhost");
    let scope = "openid offline_access https://outlook.office.com/IMAP.AccessAsUser.All";
    let more = ["--SIDE-authorize-url", &authorize, "--SIDE-scope", scope];
    site.project(&[&words[..], &more].concat()).expect(0);
    site.import();
    let item = format!("{}@old.example", site.from);
    let output = site.workspace.run(&["signin", PROJECT, "--item", &item, "--side", "source"]);
    assert!(output.code != 0 && output.stderr.contains("another provider"), "{output:?}");
    assert_eq!(site.provider.asked(), 0, "no code was redeemed");
}
