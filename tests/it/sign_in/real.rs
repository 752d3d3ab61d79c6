//! End to end: a real OpenID provider, a server that verifies its tokens, the real program.

use std::io::{BufRead, Read};
use std::process::{Command, Stdio};

use crate::support::compare::{self, Mailbox};
use crate::support::corpus;
use crate::support::dovecot::Dovecot;
use crate::support::ends::Ends;
use crate::support::oidc::{self, APP, APP_SECRET, CERTIFIED, DESKTOP, Oidc};
use crate::support::product::{Output, PROJECT, Workspace, plain};
use crate::support::scripted::Scripted;

/// A provider, a server, a workspace, and two mailboxes of which the first holds mail.
pub struct Site {
    pub provider: Oidc,
    pub server: Dovecot,
    pub workspace: Workspace,
    pub from: String,
    pub to: String,
}

impl Site {
    pub fn new(ttl: u32) -> Site {
        let provider = Oidc::start(ttl);
        let server = provider.dovecot();
        let (from, to) = (server.user("from"), server.user("to"));
        let mut workspace = Workspace::new();
        for side in ["SOURCE", "DESTINATION"] {
            workspace.environment.push((format!("MAILFERRY_{side}_SECRET"), APP_SECRET.into()));
        }
        Site { provider, server, workspace, from, to }
    }

    /// The project, signed in to like this on both sides; `SIDE` in a word stands for the side.
    pub fn project(&self, words: &[&str]) -> Output {
        self.project_at(self.server.plain_port, words)
    }

    pub fn project_at(&self, port: u16, words: &[&str]) -> Output {
        let address = plain(port);
        let mut arguments = vec!["project", "new", PROJECT, "--source", &address, "--destination", &address];
        let both: Vec<String> = ["source", "destination"]
            .iter()
            .flat_map(|side| words.iter().map(|word| word.replace("SIDE", side)))
            .collect();
        arguments.extend(both.iter().map(String::as_str));
        self.workspace.run(&arguments)
    }

    pub fn import(&self) {
        self.workspace.import_with(&[(self.from.clone(), self.to.clone())], None);
    }

    pub fn both(&self) -> (Mailbox, Mailbox) {
        (Mailbox::read(&mut self.server.login(&self.from)), Mailbox::read(&mut self.server.login(&self.to)))
    }

    pub fn expect_equal(&self) {
        let (from, to) = self.both();
        compare::assert_equal(&from, &to, &compare::same_names(&from));
    }

    /// A mailbox moves whole, and again there is nothing to do.
    pub fn moves(&self) {
        corpus::small(7).load(&self.server, &self.from);
        self.import();
        self.workspace.start().expect(0);
        self.expect_equal();
        assert_eq!(self.workspace.only().messages("errors"), 0);
        self.workspace.start().expect(0);
        assert_eq!(self.workspace.only().messages("copied"), 0);
    }

    /// Both persons sign in.
    pub fn sign_in(&mut self) {
        let item = format!("{}@old.example", self.from);
        for (side, login) in [("source", self.from.clone()), ("destination", self.to.clone())] {
            self.workspace.environment.retain(|(name, _)| name != "BROWSER");
            self.workspace.environment.push(("BROWSER".into(), self.provider.browser(&login, false)));
            let output = self.workspace.run(&["signin", PROJECT, "--item", &item, "--side", side]).expect(0);
            assert!(output.stderr.contains("/contoso/oauth2/v2.0/authorize?"), "{output:?}");
            assert!(output.stdout.contains(&format!("Signed in to the {side} as {login}")), "{output:?}");
        }
    }

    /// The project whose persons sign in; tokens are asked for at this address.
    pub fn project_by_person(&self, token: &str) {
        self.project_by_person_at(self.server.plain_port, token);
    }

    /// The same with the mail server at this port.
    pub fn project_by_person_at(&self, port: u16, token: &str) {
        let [authorize, device] = ["authorize", "devicecode"].map(|name| self.provider.url(name));
        let words = ["--SIDE-signin", "custom", "--SIDE-client-id", DESKTOP, "--SIDE-token-url", token];
        let more = ["--SIDE-authorize-url", &authorize, "--SIDE-device-url", &device, "--SIDE-scope"];
        let scope = ["openid offline_access https://outlook.office.com/IMAP.AccessAsUser.All"];
        self.project_at(port, &[&words[..], &more, &scope].concat()).expect(0);
    }

    /// Both sides of the item are signed in to with a code at another device; answers the codes, and all that was said.
    pub fn sign_in_by_device(&self) -> (Vec<String>, String) {
        let item = format!("{}@old.example", self.from);
        let (mut codes, mut all) = (Vec::new(), String::new());
        for (side, login) in [("source", &self.from), ("destination", &self.to)] {
            let mut signin = self.workspace.command(&["signin", PROJECT, "--item", &item, "--side", side, "--device"]);
            let mut child = signin.stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the program starts");
            let mut said = std::io::BufReader::new(child.stderr.take().expect("its words"));
            let mut line = String::new();
            said.read_line(&mut line).expect("a line");
            let page = line.split_whitespace().find(|word| word.starts_with("http")).expect("a page").to_owned();
            let code = line.split("the code ").nth(1).and_then(|rest| rest.split(' ').next()).expect("a code");
            let script = oidc::folder().join("person.mjs");
            let person =
                Command::new("node").arg(script).args([format!("{page}?user_code={code}"), login.clone()]).output();
            assert!(person.expect("node").status.success());
            codes.push(code.to_owned());
            all += &line;
            said.read_to_string(&mut all).expect("the rest");
            child.stdout.take().expect("its output").read_to_string(&mut all).expect("text");
            assert!(child.ends().success(), "{line}");
        }
        (codes, all)
    }
}

/// A site whose persons sign in: their client is a public one, and sends no secret.
pub fn for_persons(ttl: u32) -> Site {
    let mut site = Site::new(ttl);
    site.workspace.environment.clear();
    let token = site.provider.url("token");
    site.project_by_person(&token);
    site
}

fn by_app<'a>(client: &'a str, token: &'a str) -> Vec<&'a str> {
    let words = ["--SIDE-signin", "microsoft-app", "--SIDE-tenant", "contoso", "--SIDE-client-id", client];
    [&words[..], &["--SIDE-token-url", token]].concat()
}

#[test]
fn an_app_with_a_secret_opens_any_mailbox() {
    if !oidc::available() {
        return;
    }
    let site = Site::new(3600);
    let token = site.provider.url("token");
    site.project(&by_app(APP, &token)).expect(0);
    site.moves();
    assert_eq!(site.provider.asked(), 4, "one token a side and process");
    let shown = site.workspace.run(&["project", "show", PROJECT]).expect(0).stdout;
    assert!(shown.contains(&format!("Microsoft 365 app, client {APP}, tenant contoso")), "{shown}");
    let listed = site.workspace.run(&["item", "list", PROJECT]).expect(0).stdout;
    assert!(listed.contains("(app)"), "{listed}");
}

#[test]
fn an_app_with_a_certificate_opens_any_mailbox_and_its_file_is_not_needed_again() {
    if !oidc::available() {
        return;
    }
    let site = Site::new(3600);
    let token = site.provider.url("token");
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::copy(oidc::app_pem(), file.path()).expect("copied");
    let path = file.path().display().to_string();
    let words = [by_app(CERTIFIED, &token), vec!["--SIDE-certificate", &path]].concat();
    site.project(&words).expect(0);
    drop(file);
    site.moves();
}

#[test]
fn a_service_account_has_a_token_for_each_mailbox() {
    if !oidc::available() {
        return;
    }
    let site = Site::new(3600);
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), oidc::service_json()).expect("written");
    let (token, path) = (site.provider.google_url(), file.path().display().to_string());
    let words = ["--SIDE-signin", "google-service", "--SIDE-token-url", &token, "--SIDE-service-key", &path];
    site.project(&words).expect(0);
    site.moves();
}

#[test]
fn a_service_account_without_a_right_to_a_mailbox_is_refused_with_googles_words() {
    if !oidc::available() {
        return;
    }
    let mut site = Site::new(3600);
    site.from = "unknown-anna".into();
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), oidc::service_json()).expect("written");
    let (token, path) = (site.provider.google_url(), file.path().display().to_string());
    let words = ["--SIDE-signin", "google-service", "--SIDE-token-url", &token, "--SIDE-service-key", &path];
    site.project(&words).expect(0);
    site.import();
    let output = site.workspace.start().expect(1);
    let said = output.stdout + &output.stderr;
    assert!(said.contains("sign-in was refused") && said.contains("unauthorized_client"), "{said}");
}

#[test]
fn a_wrong_secret_is_asked_with_once_and_holds_all_other_items() {
    if !oidc::available() {
        return;
    }
    let mut site = Site::new(3600);
    site.workspace.environment = vec![
        ("MAILFERRY_SOURCE_SECRET".into(), "wrong-one".into()),
        ("MAILFERRY_DESTINATION_SECRET".into(), APP_SECRET.into()),
    ];
    let token = site.provider.url("token");
    site.project(&by_app(APP, &token)).expect(0);
    let users: Vec<_> = (0..20).map(|_| (site.server.user("from"), site.server.user("to"))).collect();
    site.workspace.import_with(&users, None);
    let output = site.workspace.start().expect(1);
    let said = output.stdout + &output.stderr;
    assert!(said.contains("The source sign-in was refused") && said.contains("invalid_client"), "{said}");
    assert!(!said.contains("wrong-one"), "{said}");
    let statuses: Vec<String> = site.workspace.status().iter().map(|item| item.status().to_owned()).collect();
    assert_eq!(statuses.iter().filter(|status| *status == "failed").count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| *status == "held").count(), 19, "{statuses:?}");
    assert!(site.provider.asked() <= 2, "one for the source, at most one for the destination");
    // Corrected: all go on.
    site.workspace.environment = vec![("MAILFERRY_SOURCE_SECRET".into(), APP_SECRET.into())];
    site.workspace.run(&["project", "edit", PROJECT, "--ask-source-secret"]).expect(0);
    site.workspace.start().expect(0);
    assert!(site.workspace.status().iter().all(|item| item.status() == "completed"));
}

#[test]
fn a_person_signs_in_by_the_browser_and_the_sign_in_is_renewed_by_each_pass() {
    if !oidc::available() {
        return;
    }
    let mut site = for_persons(3600);
    corpus::small(8).load(&site.server, &site.from);
    site.import();
    site.sign_in();
    let listed = site.workspace.run(&["item", "list", PROJECT]).expect(0).stdout;
    assert!(listed.contains("(signed in)"), "{listed}");
    for _ in 0..3 {
        // Each process renews by what the one before kept: the provider takes a refresh token once.
        site.workspace.start().expect(0);
    }
    site.expect_equal();
}

#[test]
fn a_person_signs_in_through_a_real_browser_and_the_loopback() {
    if !oidc::available() {
        return;
    }
    let mut site = for_persons(3600);
    let Some(browser) = site.provider.chromium() else { return };
    corpus::small(16).load(&site.server, &site.from);
    site.import();
    let item = format!("{}@old.example", site.from);
    site.workspace.environment = vec![("BROWSER".into(), browser)];
    for side in ["source", "destination"] {
        site.workspace.run(&["signin", PROJECT, "--item", &item, "--side", side]).expect(0);
    }
    site.workspace.start().expect(0);
    site.expect_equal();
}

/// Runs a pass with tokens that a proxy changes on their way.
fn with_tokens(change: impl Fn(&str) -> String + Send + Sync + 'static, ttl: u32) -> (Site, Scripted) {
    let site = Site::new(ttl);
    let proxy = site.provider.proxy("/contoso/oauth2/v2.0/token", move |_, _, pass_on| {
        let mut answer = pass_on();
        let mut body: serde_json::Value = serde_json::from_str(&answer.body).expect("JSON");
        body["access_token"] = change(body["access_token"].as_str().expect("a token")).into();
        answer.body = body.to_string();
        answer
    });
    let token = proxy.url();
    let words = ["--SIDE-signin", "custom-app", "--SIDE-client-id", APP, "--SIDE-token-url", &token];
    let scope = ["--SIDE-scope", "https://outlook.office365.com/.default"];
    site.project(&[&words[..], &scope].concat()).expect(0);
    corpus::small(17).load(&site.server, &site.from);
    site.import();
    (site, proxy)
}

fn is_not_let_in(site: &Site) {
    let output = site.workspace.start().expect(1);
    let said = output.stdout + &output.stderr;
    assert!(said.contains("Signed in, but the") && said.contains("did not let"), "{said}");
    assert_eq!(site.workspace.only().status(), "failed");
}

#[test]
fn forged_foreign_and_senseless_tokens_are_refused_and_nothing_is_copied() {
    if !oidc::available() {
        return;
    }
    let foreign = Oidc::start(3600);
    let form = format!(
        "grant_type=client_credentials&client_id={APP}&client_secret={APP_SECRET}\
         &scope=https%3A%2F%2Foutlook.office365.com%2F.default"
    );
    let foreign = foreign.ask("/contoso/oauth2/v2.0/token", &form).body;
    let foreign: serde_json::Value = serde_json::from_str(&foreign).expect("JSON");
    let foreign = foreign["access_token"].as_str().expect("a token").to_owned();
    is_not_let_in(&with_tokens(|token| format!("{}AAAAAA", &token[..token.len() - 6]), 3600).0);
    is_not_let_in(&with_tokens(move |_| foreign.clone(), 3600).0);
    is_not_let_in(&with_tokens(|_| "opaque".into(), 3600).0);
    let (long, _proxy) = with_tokens(|token| format!("{token}.{}", "x".repeat(9000)), 3600);
    long.workspace.options(|options| options.retry_limit = 1);
    long.workspace.start().expect(1);
    assert_eq!(long.workspace.only().messages("copied"), 0);
}

#[test]
fn a_token_that_has_expired_is_refused() {
    if !oidc::available() {
        return;
    }
    let first = std::sync::Mutex::new(None);
    let always_the_first = move |token: &str| {
        let mut first = first.lock().expect("not poisoned");
        first.get_or_insert_with(|| token.to_owned()).clone()
    };
    let (site, _proxy) = with_tokens(always_the_first, 3);
    let mut starts = 0;
    while site.workspace.start().code == 0 {
        starts += 1;
        assert!(starts < 100, "it never expires");
    }
    is_not_let_in(&site);
}

#[test]
fn a_person_who_refuses_or_signs_in_as_somebody_else_opens_nothing() {
    if !oidc::available() {
        return;
    }
    let mut site = for_persons(3600);
    site.import();
    let item = format!("{}@old.example", site.from);
    let arguments = ["signin", PROJECT, "--item", &item, "--side", "source"];
    site.workspace.environment = vec![("BROWSER".into(), site.provider.browser(&site.from, true))];
    let output = site.workspace.run(&arguments);
    assert!(output.code != 0 && output.stderr.contains("access_denied"), "{output:?}");
    for side in ["source", "destination"] {
        site.workspace.environment = vec![("BROWSER".into(), site.provider.browser("mallory", false))];
        site.workspace.run(&["signin", PROJECT, "--item", &item, "--side", side]).expect(0);
    }
    let output = site.workspace.start().expect(1);
    let said = output.stdout + &output.stderr;
    assert!(said.contains("Signed in, but the source did not let"), "{said}");
}

#[test]
fn a_person_signs_in_with_a_code_at_another_device() {
    if !oidc::available() {
        return;
    }
    let site = for_persons(3600);
    corpus::small(9).load(&site.server, &site.from);
    site.import();
    site.sign_in_by_device();
    site.workspace.start().expect(0);
    site.expect_equal();
}

#[test]
fn an_app_that_cannot_be_is_refused_before_anything_is_written() {
    let workspace = Workspace::new();
    let file = |text: &str| {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), text).expect("written");
        file
    };
    let pem = std::fs::read_to_string(oidc::app_pem()).expect("the certificate");
    let certificate = file(&pem[pem.find("-----BEGIN CERTIFICATE").expect("a certificate")..]);
    let other = file(r#"{"type":"authorized_user"}"#);
    let path = |file: &tempfile::NamedTempFile| file.path().display().to_string();
    let (certificate, other) = (path(&certificate), path(&other));
    let microsoft = ["--source-signin", "microsoft-app", "--source-tenant", "contoso.com", "--source-client-id", APP];
    for (words, why) in [
        (&["--source-tenant", "contoso.com"][..], "with passwords there is no tenant"),
        (&["--source-signin", "microsoft-app", "--source-client-id", APP], "tenant: name the customer's tenant"),
        (&["--source-signin", "microsoft-app", "--source-tenant", "contoso.com"], "client id: name the application"),
        (&[&microsoft[..], &["--source-certificate", &certificate]].concat(), "holds no private key"),
        (&[&microsoft[..], &["--source-service-key", &other]].concat(), "does not belong to this sign-in"),
        (&[&microsoft[..], &["--source-admin", "boss"]].concat(), "an administrator logs in by password"),
        (&["--source-signin", "google-service", "--source-service-key", &other], "no key of a Google service account"),
        (&["--source-signin", "google-service"], "name its file with --source-service-key"),
        (&["--source-signin", "custom-app", "--source-client-id", "x"], "token URL: it must be named"),
        (&["--source-signin", "custom-app", "--source-client-id", "x", "--source-token-url", "http://x/"], "https://"),
        (&microsoft[..], "client secret of the source is needed: set MAILFERRY_SOURCE_SECRET"),
    ] {
        let arguments = ["project", "new", PROJECT, "--source", "imaps://a", "--destination", "imaps://b"];
        let output = workspace.run(&[&arguments[..], words].concat()).expect(2);
        assert!(output.stderr.contains(why), "{words:?}: {}", output.stderr);
    }
    let none = workspace.run(&["project", "list"]).expect(0);
    assert!(none.stdout.contains("No projects yet"), "{none:?}");
}
