//! `check`: the connections of a project, tested step by step, with a remedy where a step fails; nothing is changed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde_json::Value;

use crate::support::dovecot::{self, Dovecot, Format, Options};
use crate::support::imap::{Imap, Message};
use crate::support::peer::{Line, Peer};
use crate::support::product::{Output, PROJECT, Workspace, plain, starttls, tls};
use crate::support::relay::{Relay, Rules};
use crate::support::scene::Scene;

/// The steps of a side, in their order: name, result, what was found.
pub fn steps(report: &Value, side: &str) -> Vec<(String, String, String)> {
    let all = report["tests"][0]["steps"].as_array().expect("steps");
    let text = |step: &Value, name: &str| step[name].as_str().unwrap_or_default().to_owned();
    let of = all.iter().filter(|step| step["side"] == side);
    of.map(|step| (text(step, "step"), text(step, "result"), text(step, "found"))).collect()
}

pub fn report(output: &Output) -> Value {
    serde_json::from_str(&output.stdout).expect("JSON")
}

pub fn found<'a>(steps: &'a [(String, String, String)], step: &str) -> &'a str {
    &steps.iter().find(|(name, ..)| name == step).unwrap_or_else(|| panic!("no {step} in {steps:?}")).2
}

/// A project whose destination takes any mailbox.
fn project(source: &str, more: &[&str]) -> (Workspace, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let workspace = Workspace::new();
    workspace.project_new(source, &format!("maildir:{}/{{email}}", folder.path().display()), more);
    workspace.import(&[("anna".into(), "bob".into())]);
    (workspace, folder)
}

/// The last step of the source, which failed, and what was said to a person.
fn broken(source: &str, more: &[&str]) -> (Value, String) {
    let (workspace, _folder) = project(source, more);
    let said = workspace.run(&["check", PROJECT]).expect(1).stdout;
    assert!(said.contains("Not all steps hold. Nothing was changed."), "{said}");
    let report = report(&workspace.run(&["check", PROJECT, "--json"]).expect(1));
    let at_destination = steps(&report, "destination");
    assert!(at_destination.iter().all(|(_, result, _)| result == "well"), "the other side is tested: {report:#}");
    let all = report["tests"][0]["steps"].as_array().expect("steps");
    let last = all.iter().rfind(|step| step["side"] == "source").expect("a step").clone();
    assert_eq!(last["result"], "failed", "{report:#}");
    assert!(last["todo"].as_str().is_some_and(|todo| !todo.is_empty()), "it names its remedy: {last:#}");
    (last, said)
}

#[test]
fn every_step_of_both_sides_is_told_with_certificates_quota_and_what_servers_can_do() {
    if !dovecot::available() {
        return;
    }
    let old = dovecot::shared(Format::Sdbox);
    let new = Dovecot::start(Options { quota: Some("5M".into()), ..Options::maildir() });
    let (ca, pin) = (old.certificates.ca_pem.to_str().expect("a path"), new.certificates.leaf_sha256.as_str());
    let workspace = Workspace::new();
    workspace.project_new(&tls(old), &starttls(&new), &["--source-ca", ca, "--destination-cert-sha256", pin]);
    let (from, into) = (old.user("check"), new.user("check"));
    old.login(&from)
        .append_all("INBOX", &[Message::plain("Subject: a\r\n\r\nx\r\n"), Message::plain("Subject: b\r\n\r\nx\r\n")]);
    old.login(&from).ok("CREATE Work");
    workspace.import(&[(from.clone(), into)]);
    let said = workspace.run(&["check", PROJECT]).expect(0).stdout;
    assert!(said.contains("All steps hold. Nothing was changed."), "{said}");
    assert!(said.contains("Source: imaps://localhost") && said.contains("Destination: imap://localhost"), "{said}");
    let report = report(&workspace.run(&["check", PROJECT, "--json"]).expect(0));
    assert_eq!(report["well"], true);
    let (source, destination) = (steps(&report, "source"), steps(&report, "destination"));
    let order = |steps: &[(String, String, String)]| steps.iter().map(|(name, ..)| name.clone()).collect::<Vec<_>>();
    let common = ["name", "connection", "certificate", "greeting", "login", "mailbox", "capabilities", "folders"];
    assert_eq!(order(&source), common);
    assert_eq!(order(&destination), [&common[..], &["quota"]].concat());
    assert!(source.iter().chain(&destination).all(|(_, result, _)| result == "well"), "{report:#}");
    let certificate = found(&source, "certificate");
    let seen: Vec<&str> = (0..32).map(|at| &old.certificates.leaf_sha256[at * 2..at * 2 + 2]).collect();
    assert!(certificate.contains("left)") && certificate.contains(&seen.join(":")), "{certificate}");
    assert!(!certificate.contains("pinned") && found(&destination, "certificate").contains(", pinned"));
    assert_eq!(found(&source, "login"), from);
    assert_eq!(found(&source, "mailbox"), "the inbox holds 2 messages");
    let can = found(&source, "capabilities");
    assert!(can.contains("UIDPLUS") && can.contains("NAMESPACE") && can.contains("not offered: "), "{can}");
    assert!(found(&source, "folders").ends_with("folders"), "{source:?}");
    assert!(found(&destination, "quota").contains("of 5.24 MB used"), "{destination:?}");
}

#[test]
fn a_test_only_reads_and_uses_only_what_is_offered() {
    if !dovecot::available() {
        return;
    }
    for rules in [Rules::default(), Rules::bare()] {
        let (from, into) = (dovecot::shared(Format::Sdbox), dovecot::shared_twin(Format::Sdbox));
        let scene = Scene::between(from, into, rules.clone(), rules);
        scene.here().append_all("INBOX", &[Message::plain("Subject: a\r\n\r\nx\r\n")]);
        let (here, there) = (scene.read_here(), scene.there().list());
        let clear = || [&scene.source, &scene.destination].into_iter().for_each(Relay::clear_record);
        clear();
        scene.workspace.run(&["check", PROJECT]).expect(0);
        for relay in [&scene.source, &scene.destination] {
            relay.assert_source_read_only();
            relay.assert_only_advertised();
            let logins =
                relay.commands().iter().filter(|c| ["LOGIN", "AUTHENTICATE"].contains(&c.verb.as_str())).count();
            assert_eq!(logins, 1, "a password is tried once");
        }
        assert_eq!(scene.read_here(), here);
        assert_eq!(scene.there().list(), there);
    }
}

/// Every file and folder below, with its size and time.
fn everything(at: &Path) -> BTreeMap<PathBuf, (u64, Option<SystemTime>)> {
    let mut found = BTreeMap::new();
    let mut open = vec![at.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder").flatten() {
            let metadata = entry.metadata().expect("there");
            if metadata.is_dir() {
                open.push(entry.path());
            }
            found.insert(entry.path(), (metadata.len(), metadata.modified().ok()));
        }
    }
    found
}

#[test]
fn maildirs_are_tested_without_a_trace() {
    let folder = tempfile::tempdir().expect("a folder");
    for part in ["old/anna/cur", "old/anna/new", "old/anna/.Work/cur", "new/bob/cur", "new/bob/.Sent/cur"] {
        std::fs::create_dir_all(folder.path().join(part)).expect("made");
    }
    std::fs::write(folder.path().join("old/anna/new/1.x"), "Subject: x\n\nx\n").expect("written");
    std::fs::write(folder.path().join("new/bob/cur/1.x:2,"), "Subject: x\n\nx\n").expect("written");
    let workspace = Workspace::new();
    let address = |side: &str| format!("maildir:{}/{side}/{{user}}", folder.path().display());
    workspace.project_new(&address("old"), &address("new"), &[]);
    let people = [("anna", "bob"), ("anna", "nobody"), ("carl", "bob")].map(|(a, b)| (a.to_owned(), b.to_owned()));
    workspace.import_with(&people, None);
    let before = everything(folder.path());
    let check = |item: &str, code| {
        let output = workspace.run(&["check", PROJECT, "--item", item, "--json"]).expect(code);
        let report = report(&output);
        (steps(&report, "source"), steps(&report, "destination"), report)
    };
    let (source, destination, _) = check("anna@old.example:bob@new.example", 0);
    for side in [&source, &destination] {
        assert_eq!(side.iter().map(|(name, ..)| name.as_str()).collect::<Vec<_>>(), ["place", "mailbox", "folders"]);
        assert_eq!(found(side, "folders"), "2 folders");
    }
    let (_, nobody, _) = check("anna@old.example:nobody@new.example", 0);
    assert!(found(&nobody, "place").contains("is not there yet: the first copy makes it"), "{nobody:?}");
    let (missing, there, report) = check("carl@old.example", 1);
    assert_eq!(missing.last().map(|(name, result, _)| (name.as_str(), result.as_str())), Some(("mailbox", "failed")));
    assert!(there.iter().all(|(_, result, _)| result == "well"), "{report:#}");
    assert_eq!(everything(folder.path()), before, "nothing was made, written or touched");
}

#[test]
fn a_step_that_fails_names_its_remedy_and_the_servers_words() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    let (last, said) = broken("imaps://no-such-host.invalid", &[]);
    assert_eq!((&last["step"], &last["cause"]), (&"name".into(), &"name_unknown".into()));
    assert!(said.contains("The name no-such-host.invalid leads to no address."), "{said}");
    let (last, said) = broken(&plain(nobody), &[]);
    assert_eq!(last["step"], "connection");
    assert!(
        said.contains("Check the port in the project's settings") && said.contains("details: connections are refused"),
        "{said}"
    );
    let page = |mut line: Line, _: u64| {
        line.say("HTTP/1.1 400 Bad Request");
        line.close();
    };
    let web = Peer::start(page);
    let (last, _) = broken(&plain(web.port), &[]);
    assert_eq!((&last["step"], &last["cause"]), (&"greeting".into(), &"no_imap".into()));
    let (last, _) = broken(&format!("imap://127.0.0.1:{}", web.port), &[]);
    assert_eq!(last["step"], "greeting", "before TLS");
    let mute = Peer::start(|mut line: Line, _| {
        line.say("* OK [CAPABILITY IMAP4rev1] no STARTTLS here");
        line.stall();
    });
    let (last, said) = broken(&format!("imap://127.0.0.1:{}", mute.port), &[]);
    assert_eq!((&last["step"], &last["cause"]), (&"certificate".into(), &"tls_failed".into()));
    assert!(said.contains("the server does not offer STARTTLS"), "{said}");
    let (last, _) = broken(&format!("imaps://127.0.0.1:{}", mute.port), &[]);
    assert_eq!(last["step"], "certificate", "no TLS at all");
}

#[test]
fn a_certificate_that_is_refused_is_shown_and_gets_no_password() {
    if !dovecot::available() {
        return;
    }
    let (server, other) = (dovecot::shared(Format::Sdbox), dovecot::shared_twin(Format::Sdbox));
    let wrong = other.certificates.leaf_sha256.as_str();
    let seen: Vec<&str> = (0..32).map(|at| &server.certificates.leaf_sha256[at * 2..at * 2 + 2]).collect();
    for address in [tls(server), starttls(server)] {
        for more in [&[][..], &["--source-cert-sha256", wrong]] {
            let (last, said) = broken(&address, more);
            assert_eq!((&last["step"], &last["cause"]), (&"certificate".into(), &"certificate_not_trusted".into()));
            let found = last["found"].as_str().expect("text");
            assert!(found.contains("No password was sent. Seen: for "), "{found}");
            assert!(found.contains(&seen.join(":")) && said.contains("then pin it"), "{found}\n{said}");
        }
    }
}

#[test]
fn a_refused_login_is_tried_once_and_a_missing_one_not_at_all() {
    if !dovecot::available() {
        return;
    }
    let relay = Relay::start(dovecot::shared(Format::Sdbox).plain_port, Rules::default());
    let (workspace, _folder) = project(&plain(relay.port), &[]);
    let tried = || relay.commands().iter().filter(|c| ["LOGIN", "AUTHENTICATE"].contains(&c.verb.as_str())).count();
    for (password, cause, tries) in [(Some("wrong"), "login_refused", 1), (None, "credential_missing", 0)] {
        let user = format!("{cause}-user");
        workspace.import_with(&[(user.clone(), "bob".into())], password);
        relay.clear_record();
        let item = format!("{user}@old.example");
        let report = report(&workspace.run(&["check", PROJECT, "--item", &item, "--json"]).expect(1));
        let at_source = steps(&report, "source");
        let (step, result, _) = at_source.last().expect("a step");
        assert_eq!((step.as_str(), result.as_str()), ("login", "failed"), "{report:#}");
        let last =
            report["tests"][0]["steps"].as_array().expect("steps").iter().find(|s| s["step"] == "login").expect("it");
        assert_eq!((last["cause"].as_str(), tried()), (Some(cause), tries), "{report:#}");
    }
}

/// A server that lets everybody in and answers a command that begins like this in its own way.
fn talk(mut line: Line, verb: &str, answer: &str) -> Option<()> {
    line.say("* OK [CAPABILITY IMAP4rev1 QUOTA] ready");
    loop {
        let command = line.read()?;
        let (tag, rest) = command.split_once(' ')?;
        if rest.starts_with(verb) {
            line.say(&answer.replace("TAG", tag));
            continue;
        }
        match rest.split(' ').next()? {
            "CAPABILITY" => line.say("* CAPABILITY IMAP4rev1 QUOTA"),
            "EXAMINE" => line.say("* 3 EXISTS\r\n* OK [UIDVALIDITY 7] x"),
            "LIST" => line.say("* LIST () \"/\" INBOX"),
            "STATUS" => line.say("* STATUS INBOX (MESSAGES 3 UIDNEXT 4 UIDVALIDITY 7)"),
            "GETQUOTAROOT" => line.say("* QUOTAROOT INBOX \"\"\r\n* QUOTA \"\" (MESSAGE 3 9 STORAGE 1000 2000)"),
            _ => {}
        }
        line.say(&format!("{tag} OK done"));
    }
}

fn talking(verb: &'static str, answer: &'static str) -> Peer {
    Peer::start(move |line, _| {
        // It ends when the other side hangs up.
        let _ = talk(line, verb, answer);
    })
}

#[test]
fn each_step_after_the_connection_may_fail_by_itself() {
    for (verb, answer, step, words) in [
        (
            "LOGIN",
            "TAG NO [AUTHENTICATIONFAILED] no\u{1b}[31m way",
            "login",
            "server text: [AUTHENTICATIONFAILED] no [31m way",
        ),
        (
            "LOGIN",
            "TAG BAD User is authenticated but not connected.",
            "mailbox",
            "Signed in, but the mailbox did not open",
        ),
        ("LOGIN", "* BYE full", "login", "server text: full"),
        ("EXAMINE", "TAG NO [NOPERM] not yours", "mailbox", "server text: [NOPERM] not yours"),
        ("EXAMINE", "TAG OK nothing told", "mailbox", "did not tell how many messages it holds"),
        ("LIST", "TAG NO not today", "folders", "server text: not today"),
        ("GETQUOTAROOT", "* BYE gone", "quota", "server text: gone"),
    ] {
        let peer = talking(verb, answer);
        let (last, said) = broken(&plain(peer.port), &[]);
        assert_eq!(last["step"], step, "{verb}: {answer}");
        assert!(said.contains(words) && !said.contains('\u{1b}'), "{words} is missing in:\n{said}");
    }
}

#[test]
fn a_quota_is_told_where_it_can_be_read_and_nothing_else_is_made_of_it() {
    for (answer, told) in [
        ("* QUOTA \"\" (MESSAGE 3 9 STORAGE 1000 2000)\r\nTAG OK", Some("1.02 MB of 2.05 MB used, 1.02 MB free")),
        ("* QUOTA root (STORAGE 18446744073709551615 1)\r\nTAG OK", Some("free")),
        ("* QUOTA \"\" ()\r\nTAG OK", None),
        ("* QUOTA (((\r\nTAG OK", None),
        ("* QUOTA \"\" (STORAGE x y)\r\nTAG OK", None),
        ("TAG NO no quota here", None),
        ("TAG BAD what?", None),
    ] {
        let peer = talking("GETQUOTAROOT", answer);
        let (workspace, _folder) = project(&plain(peer.port), &[]);
        let report = report(&workspace.run(&["check", PROJECT, "--json"]).expect(0));
        let quota = steps(&report, "source").into_iter().find(|(step, ..)| step == "quota");
        match told {
            Some(words) => assert!(quota.expect(answer).2.contains(words), "{answer}"),
            None => assert_eq!(quota, None, "{answer}"),
        }
    }
}

#[test]
fn without_items_the_servers_are_tested_and_the_logins_are_said_to_be_untried() {
    let peer = talking("X", "");
    let workspace = Workspace::new();
    workspace.project_new(&plain(peer.port), "maildir:/nowhere/{email}", &[]);
    let report = report(&workspace.run(&["check", PROJECT, "--json"]).expect(1));
    let source: Vec<_> = steps(&report, "source").into_iter().map(|(step, result, _)| (step, result)).collect();
    let well = ["name", "connection", "certificate", "greeting"].map(|step| (step.to_owned(), "well".to_owned()));
    assert_eq!(source[..4], well);
    assert_eq!(source[4], ("login".to_owned(), "not_tried".to_owned()));
    assert_eq!(report["tests"][0]["item"], Value::Null);
    workspace.run(&["check", "no such project"]).expect(2);
    workspace.run(&["check", PROJECT, "--item", "nobody@x"]).expect(2);
}

#[test]
fn an_administrator_opens_the_mailbox_that_is_tested() {
    if !dovecot::available() {
        return;
    }
    let server = dovecot::shared(Format::Sdbox);
    let user = server.user("check-admin");
    drop(Imap::login(server.plain_port, &user, dovecot::PASSWORD));
    let mut workspace = Workspace::new();
    workspace.environment.push(("MAILFERRY_SOURCE_PASSWORD".into(), dovecot::MASTER_PASSWORD.into()));
    workspace.project_new(
        &plain(server.plain_port),
        "maildir:/tmp/{email}/never",
        &["--source-admin", dovecot::MASTER],
    );
    workspace.import_with(&[(user.clone(), "bob".into())], None);
    let report = report(&workspace.run(&["check", PROJECT, "--json"]).expect(0));
    assert_eq!(found(&steps(&report, "source"), "login"), format!("{user}, opened by the administrator"));
}
