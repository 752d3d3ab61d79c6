//! `check` where servers take tokens: what came, for whom, with which rights, and who refuses what in whose words.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::check::{found, report, steps};
use crate::sign_in::real::{Site, for_persons};
use crate::support::dovecot::{self, Format};
use crate::support::oidc::{self, APP, TENANT, UNCONSENTED};
use crate::support::product::{PROJECT, Workspace, plain};
use crate::support::relay::{Relay, Rules};
use crate::support::scripted::{HttpAnswer, Scripted};

const OTHER_TENANT: &str = "22222222-0000-0000-0000-0000000000ff";

/// Both sides by an app of this client and tenant.
fn by_app<'a>(client: &'a str, tenant: &'a str, token: &'a str) -> [&'a str; 8] {
    let [kind, of, id, url] = ["--SIDE-signin", "--SIDE-tenant", "--SIDE-client-id", "--SIDE-token-url"];
    [kind, "microsoft-app", of, tenant, id, client, url, token]
}

fn check(workspace: &Workspace) -> Value {
    let output = workspace.run(&["check", PROJECT, "--json"]);
    assert!([0, 1].contains(&output.code), "{output:?}");
    report(&output)
}

/// The last step of the source, which failed and says what to do.
fn last(report: &Value) -> &Value {
    let all = report["tests"][0]["steps"].as_array().expect("steps");
    let last = all.iter().rfind(|step| step["side"] == "source").expect("a step");
    assert_eq!(last["result"], "failed", "{report:#}");
    assert!(last["todo"].as_str().is_some_and(|todo| !todo.is_empty()), "{last:#}");
    last
}

fn names(report: &Value) -> Vec<String> {
    steps(report, "source").into_iter().map(|(name, ..)| name).collect()
}

#[test]
fn a_token_is_told_with_its_tenant_and_rights_before_the_login() {
    if !oidc::available() {
        return;
    }
    let site = Site::new(3600);
    let token = site.provider.url("token");
    site.project(&by_app(APP, TENANT, &token)).expect(0);
    site.import();
    let report = check(&site.workspace);
    assert_eq!(report["well"], true, "{report:#}");
    let source = steps(&report, "source");
    let head = ["name", "connection", "certificate", "greeting", "token", "rights", "login", "mailbox"];
    assert_eq!(&names(&report)[..8], head);
    assert!(found(&source, "token").starts_with("the provider granted one, good for "), "{source:?}");
    let rights = format!("tenant {TENANT}, for https://outlook.office365.com, rights: IMAP.AccessAsApp");
    assert!(found(&source, "rights").starts_with(&rights), "{source:?}");
    let said = site.workspace.run(&["check", PROJECT]).expect(0).stdout;
    assert!(said.contains("Token got: ") && said.contains("Tenant and rights: tenant "), "{said}");
}

#[test]
fn a_right_that_was_never_granted_is_named_before_the_mail_server_says_a_bare_no() {
    if !oidc::available() {
        return;
    }
    let site = Site::new(3600);
    let (relay, token) = (Relay::start(site.server.plain_port, Rules::default()), site.provider.url("token"));
    let words = by_app(UNCONSENTED, TENANT, &token);
    site.project_at(relay.port, &words).expect(0);
    site.import();
    let report = check(&site.workspace);
    let (last, source) = (last(&report), steps(&report, "source"));
    assert_eq!((&last["step"], &last["cause"]), (&"rights".into(), &"token_unfit".into()), "{last:#}");
    let told = last["server_text"].as_str().expect("a text");
    assert!(told.starts_with("IMAP.AccessAsApp is not granted to the application"), "{told}");
    assert!(told.contains(TENANT) && told.ends_with("no rights)"), "{told}");
    assert_eq!(found(&source, "token"), "the provider granted one");
    // A pass says the same, and holds the others.
    site.workspace.import_with(&[("x1".into(), "y1".into()), ("x2".into(), "y2".into())], None);
    let output = site.workspace.start().expect(1);
    let said = output.stdout + &output.stderr;
    assert!(said.contains("sign-in opens no mailbox") && said.contains("is not granted"), "{said}");
    let count = |status: &str| site.workspace.status().iter().filter(|item| item.status() == status).count();
    assert_eq!((count("failed"), count("held")), (1, 2));
    let tried = relay.commands().iter().filter(|command| command.verb == "AUTHENTICATE").count();
    assert_eq!(tried, 0, "the token was shown to no mail server");
}

#[test]
fn a_token_of_another_tenant_is_named() {
    if !oidc::available() {
        return;
    }
    let site = Site::new(3600);
    let token = site.provider.url("token");
    site.project(&by_app(APP, OTHER_TENANT, &token)).expect(0);
    site.import();
    let report = check(&site.workspace);
    let last = last(&report);
    assert_eq!((&last["step"], &last["cause"]), (&"rights".into(), &"token_unfit".into()), "{last:#}");
    let told = last["server_text"].as_str().expect("a text");
    assert!(
        told.starts_with(&format!("the token is of another tenant than {OTHER_TENANT} (tenant {TENANT}")),
        "{told}"
    );
}

#[test]
fn a_person_who_has_not_signed_in_is_asked_to_and_the_steps_hold_afterwards() {
    if !oidc::available() {
        return;
    }
    let mut site = for_persons(3600);
    site.import();
    let report = check(&site.workspace);
    let last = last(&report);
    assert_eq!((&last["step"], &last["cause"]), (&"token".into(), &"sign_in_ended".into()), "{last:#}");
    assert_eq!(last["server_text"], "nobody has signed in yet");
    assert!(last["todo"].as_str().is_some_and(|todo| todo.starts_with("Sign in again")), "{last:#}");
    site.sign_in();
    let report = check(&site.workspace);
    assert_eq!(report["well"], true, "{report:#}");
    assert!(found(&steps(&report, "source"), "rights").contains("IMAP.AccessAsUser.All"));
}

/// A project whose source is signed in to at this provider, and a mailbox that nobody gets to.
fn scripted(provider: &Scripted) -> (Workspace, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut workspace = Workspace::new();
    workspace.environment.push(("MAILFERRY_SOURCE_SECRET".into(), "Zq-secret".into()));
    let url = provider.url();
    let words = by_app(APP, TENANT, &url).map(|word| word.replace("SIDE", "source"));
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let destination = format!("maildir:{}/{{email}}", folder.path().display());
    workspace.project_new(&plain(dovecot::shared(Format::Sdbox).plain_port), &destination, &words);
    workspace.import_with(&[("anna".into(), "bob".into())], None);
    (workspace, folder)
}

fn answering(answer: HttpAnswer) -> Value {
    let provider = Scripted::start(move |_, _| answer.clone());
    let (workspace, _folder) = scripted(&provider);
    check(&workspace)
}

fn token(claims: &Value) -> HttpAnswer {
    let token = format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims.to_string()));
    HttpAnswer::new(200, &json!({ "access_token": token, "expires_in": 3600 }).to_string())
}

#[test]
fn a_token_for_another_service_is_named_and_what_cannot_be_read_is_left_to_the_server() {
    if !dovecot::available() {
        return;
    }
    let claims = |audience: &str| json!({ "tid": TENANT, "aud": audience, "roles": ["IMAP.AccessAsApp"] });
    for audience in ["https://graph.microsoft.com", "00000003-0000-0000-c000-000000000000"] {
        let report = answering(token(&claims(audience)));
        let last = last(&report);
        assert_eq!((&last["step"], &last["cause"]), (&"rights".into(), &"token_unfit".into()), "{last:#}");
        let told = last["server_text"].as_str().expect("a text");
        assert!(told.starts_with("the token is for another service than mail") && told.contains(audience), "{told}");
    }
    let opaque = HttpAnswer::new(200, r#"{"access_token":"ya29.opaque","expires_in":3600}"#);
    for answer in [token(&claims("https://outlook.office365.com")), opaque] {
        let is_opaque = answer.body.contains("ya29");
        let report = answering(answer);
        // This server takes no tokens at all.
        assert_eq!(last(&report)["step"], "login", "{report:#}");
        assert_eq!(names(&report).contains(&"rights".to_owned()), !is_opaque, "{report:#}");
    }
}

#[test]
fn a_provider_that_grants_nothing_is_quoted_where_the_token_is_missing() {
    if !dovecot::available() {
        return;
    }
    let json = |status, text: &str| HttpAnswer::new(status, text);
    let secret = r#"{"error":"invalid_client","error_codes":[7000222],"error_description":"AADSTS7000222: expired."}"#;
    let wrong = r#"{"error":"invalid_client","error_codes":[7000215],"error_description":"AADSTS7000215: Invalid."}"#;
    let tenant = r#"{"error":"invalid_request","error_codes":[90002],"error_description":"AADSTS90002: no tenant."}"#;
    let consent = r#"{"error":"invalid_grant","suberror":"consent_required","error_description":"AADSTS65001: x"}"#;
    for (answer, cause, told) in [
        (json(401, secret), "sign_in_refused", "the client secret has expired: make a new one; invalid_client: AADSTS"),
        (json(401, wrong), "sign_in_refused", "the client secret is wrong"),
        (json(400, tenant), "sign_in_refused", "there is no such tenant"),
        (json(400, consent), "sign_in_refused", "an administrator has not consented"),
        (json(429, "").with("Retry-After", "7"), "sign_in_busy", "HTTP 429"),
        (json(503, "<html>down</html>"), "sign_in_busy", "HTTP 503"),
        (json(200, "<html>portal</html>"), "sign_in_busy", "HTTP 200 without an answer that makes sense"),
    ] {
        let report = answering(answer);
        let last = last(&report);
        assert_eq!((&last["step"], &last["cause"]), (&"token".into(), &cause.into()), "{last:#}");
        let text = last["server_text"].as_str().expect("a text");
        assert!(text.starts_with(told) && !text.contains("Zq-secret"), "{text}");
    }
    let provider = Scripted::start(|_, _| HttpAnswer::new(200, ""));
    let (workspace, _folder) = scripted(&provider);
    let place = format!("127.0.0.1:{}", provider.port);
    drop(provider);
    let report = check(&workspace);
    let last = last(&report);
    assert_eq!((&last["step"], &last["cause"]), (&"token".into(), &"unreachable".into()), "{last:#}");
    let text = last["server_text"].as_str().expect("a text");
    assert!(text.starts_with(&place) && last["found"].as_str().is_some_and(|found| found.contains("127.0.0.1")));
}

#[test]
fn a_mailbox_that_a_service_account_may_not_open_is_said_in_googles_words() {
    if !oidc::available() {
        return;
    }
    let mut site = Site::new(3600);
    site.from = "unknown-anna".into();
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), oidc::service_json()).expect("written");
    let (token, path) = (site.provider.google_url(), file.path().display().to_string());
    site.project(&["--SIDE-signin", "google-service", "--SIDE-token-url", &token, "--SIDE-service-key", &path])
        .expect(0);
    site.import();
    let report = check(&site.workspace);
    let last = last(&report);
    assert_eq!(last["step"], "token", "{last:#}");
    assert!(last["server_text"].as_str().is_some_and(|text| text.starts_with("unauthorized_client")), "{last:#}");
    let destination = steps(&report, "destination");
    assert!(destination.iter().all(|(_, result, _)| result == "well"), "{report:#}");
}
