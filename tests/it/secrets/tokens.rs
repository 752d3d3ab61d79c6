//! Secrets of all ways to sign in by token: client secrets, keys, assertions, codes, refresh tokens, tokens, and the base64 in
//! which these go to a mail server.

use std::sync::{Arc, Mutex};

use super::search::Haystack;
use super::{add, start_looked_at};
use crate::sign_in::real::Site;
use crate::support::corpus;
use crate::support::oidc::{self, APP, APP_SECRET, CERTIFIED};
use crate::support::product::PROJECT;
use crate::support::relay::{Relay, Rules};
use crate::support::scripted::Scripted;

type Seen = Arc<Mutex<Vec<String>>>;

/// Fields of forms and answers that are secret.
const SECRET_FIELDS: [&str; 8] = [
    "client_secret",
    "client_assertion",
    "assertion",
    "code",
    "code_verifier",
    "refresh_token",
    "device_code",
    "access_token",
];

/// A proxy that remembers every secret which goes by.
fn watched(site: &Site, path: &'static str, seen: &Seen) -> Scripted {
    let seen = Arc::clone(seen);
    site.provider.proxy(path, move |_, form, pass_on| {
        let answer = pass_on();
        let mut seen = seen.lock().expect("not poisoned");
        let fields = form.split('&').filter_map(|pair| pair.split_once('='));
        seen.extend(fields.filter(|(name, _)| SECRET_FIELDS.contains(name)).map(|(_, value)| value.to_owned()));
        let body: serde_json::Value = serde_json::from_str(&answer.body).unwrap_or_default();
        seen.extend(SECRET_FIELDS.iter().filter_map(|name| body[*name].as_str()).map(str::to_owned));
        answer
    })
}

/// Looks everywhere, also while it runs, and at what was seen before; and that there was something to find.
fn leaves_no_trace(site: &Site, relay: &Relay, seen: &Seen, (mut hay, more): (Haystack, &[&str])) {
    start_looked_at(&site.workspace, relay, PROJECT, 0, &mut hay);
    add(&mut hay, "show", &site.workspace.run(&["project", "show", PROJECT]).expect(0));
    add(&mut hay, "log", &site.workspace.run(&["log", PROJECT, "--item", &format!("{}@old.example", site.from)]));
    hay.add_folder("ended", site.workspace.path());
    let log = site.workspace.log();
    assert!(log.contains("AUTHENTICATE <hidden>") && log.contains("asking for a token"), "no dialogue:\n{log}");
    let seen = seen.lock().expect("not poisoned").clone();
    assert!(seen.len() >= 2, "{}", seen.len());
    let mut secrets: Vec<&str> = seen.iter().map(String::as_str).chain(more.iter().copied()).collect();
    secrets.sort_unstable();
    secrets.dedup();
    hay.assert_clean(&secrets);
    site.expect_equal();
}

fn site() -> (Site, Relay, Seen) {
    let mut site = Site::new(3600);
    site.workspace.environment.push(("MAILFERRY_LOG".into(), "trace".into()));
    let relay = Relay::start(site.server.plain_port, Rules::default());
    corpus::small(15).load(&site.server, &site.from);
    (site, relay, Seen::default())
}

#[test]
fn a6_an_app_leaves_no_secret_behind() {
    if !oidc::available() {
        return;
    }
    for (client, certified) in [(APP, false), (CERTIFIED, true)] {
        let (site, relay, seen) = site();
        let proxy = watched(&site, "/contoso/oauth2/v2.0/token", &seen);
        let (token, pem) = (proxy.url(), oidc::app_pem());
        let words = ["--SIDE-signin", "custom-app", "--SIDE-client-id", client, "--SIDE-token-url", &token];
        let scope = ["--SIDE-scope", "https://outlook.office365.com/.default"];
        let file = ["--SIDE-certificate", &pem];
        let words = [&words[..], &scope, if certified { &file[..] } else { &[] }].concat();
        site.project_at(relay.port, &words).expect(0);
        site.import();
        let key = std::fs::read_to_string(&pem).expect("the key");
        let key = key.lines().nth(3).expect("a line of it").to_owned();
        leaves_no_trace(&site, &relay, &seen, (Haystack::default(), &[APP_SECRET, &key]));
    }
}

#[test]
fn a6_a_service_account_leaves_no_secret_behind() {
    if !oidc::available() {
        return;
    }
    let (site, relay, seen) = site();
    let proxy = watched(&site, "/google/token", &seen);
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), oidc::service_json()).expect("written");
    let (token, path) = (proxy.url(), file.path().display().to_string());
    let words = ["--SIDE-signin", "google-service", "--SIDE-token-url", &token, "--SIDE-service-key", &path];
    site.project_at(relay.port, &words).expect(0);
    site.import();
    leaves_no_trace(&site, &relay, &seen, (Haystack::default(), &[]));
}

#[test]
fn a6_a_person_leaves_no_secret_behind() {
    if !oidc::available() {
        return;
    }
    let (mut site, relay, seen) = site();
    // A public client sends no secret.
    site.workspace.environment.retain(|(name, _)| !name.ends_with("_SECRET"));
    let proxy = watched(&site, "/contoso/oauth2/v2.0/token", &seen);
    site.project_by_person_at(relay.port, &proxy.url());
    site.import();
    site.sign_in();
    leaves_no_trace(&site, &relay, &seen, (Haystack::default(), &[]));
}

#[test]
fn a6_a_code_at_another_device_leaves_no_secret_behind() {
    if !oidc::available() {
        return;
    }
    let (mut site, relay, seen) = site();
    site.workspace.environment.retain(|(name, _)| !name.ends_with("_SECRET"));
    let proxy = watched(&site, "/contoso/oauth2/v2.0/token", &seen);
    site.project_by_person_at(relay.port, &proxy.url());
    site.import();
    let (codes, said) = site.sign_in_by_device();
    let polled = seen.lock().expect("not poisoned").len();
    assert!(polled >= 6, "device codes, tokens and refresh tokens went by: {polled}");
    let mut hay = Haystack::default();
    hay.add("signin", said.into_bytes());
    leaves_no_trace(&site, &relay, &seen, (hay, &[]));
    // What the person typed elsewhere is on the screen, and nowhere else.
    let (mut kept, codes) = (Haystack::default(), codes.iter().map(String::as_str).collect::<Vec<_>>());
    kept.add_folder("ended", site.workspace.path());
    kept.assert_clean(&codes);
}
