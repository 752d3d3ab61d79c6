//! Logins that open another mailbox than they should: the source itself, the administrator's own, one for two items. A Verify
//! pass finds them, names both and says what to do.

use crate::support::dovecot::{self, Dovecot, Format};
use crate::support::odd::{MODERN, Odd};
use crate::support::product::{Output, PROJECT, Workspace, plain};
use crate::support::relay::{Relay, Rules};
use crate::support::scene::message;

fn verify(workspace: &Workspace, code: i32) -> Output {
    workspace.run(&["start", PROJECT, "--pass", "verify"]).expect(code)
}

fn causes(workspace: &Workspace) -> Vec<Option<String>> {
    let items = workspace.status();
    let cause = |item: &crate::support::product::Item| item.0["error"]["failure"]["cause"].as_str().map(Into::into);
    items.iter().map(cause).collect()
}

fn says(output: &Output, words: &[&str]) {
    for word in words {
        assert!(output.stderr.contains(word), "{word:?} is missing in\n{}", output.stderr);
    }
}

/// A mailbox with some messages.
fn filled(server: &Dovecot, hint: &str) -> String {
    let user = server.user(hint);
    server.login(&user).append_all("INBOX", &(0..4).map(message).collect::<Vec<_>>());
    user
}

#[test]
fn one_mailbox_behind_two_addresses_is_not_verified_and_gets_nothing_twice() {
    if !dovecot::available() {
        return;
    }
    let server = dovecot::shared(Format::Sdbox);
    let user = filled(server, "both");
    let relay = Relay::start(server.plain_port, Rules::default());
    let workspace = Workspace::new();
    workspace.project_new(&plain(server.plain_port), &plain(relay.port), &[]);
    workspace.import(&[(user.clone(), user.clone())]);
    let (from, into) = (format!("{user}@old.example"), format!("{user}@new.example"));
    let words = ["Both sides are one mailbox", from.as_str(), into.as_str(), "Check address, login and host"];
    says(&verify(&workspace, 1), &words);
    assert_eq!(causes(&workspace), [Some("same_mailbox".to_owned())]);
    // Equal messages under equal numbers are no proof: another tool may have brought them. All of them are there.
    for pass in ["trial", "full"] {
        workspace.run(&["start", PROJECT, "--pass", pass]).expect(0);
    }
    let wrote = ["CREATE", "APPEND", "SUBSCRIBE", "STORE"].map(|verb| relay.commands_of(verb).len());
    assert_eq!(wrote, [0; 4], "{:?}", relay.commands());
    assert_eq!(server.login(&user).fetch_all("INBOX").len(), 4);
}

#[test]
fn a_mailbox_and_its_copy_are_two_mailboxes() {
    if !dovecot::available() {
        return;
    }
    let (old, new) = (dovecot::shared(Format::Sdbox), dovecot::shared_twin(Format::Sdbox));
    let (from, into) = (filled(old, "copied"), new.user("copy"));
    let mut there = new.login(&into);
    // Its numbers are others, whatever its time of birth.
    there.append("INBOX", &message(99));
    there.append_all("INBOX", &(0..4).map(message).collect::<Vec<_>>());
    let workspace = Workspace::new();
    workspace.project_new(&plain(old.plain_port), &plain(new.plain_port), &[]);
    workspace.import(&[(from, into)]);
    verify(&workspace, 0);
    workspace.start().expect(0);
    verify(&workspace, 0);
    assert_eq!((workspace.only().status(), causes(&workspace)), ("completed", vec![None]));
}

#[test]
fn an_administrator_that_stays_in_its_own_mailbox_is_found_by_the_second_item() {
    if !dovecot::available() {
        return;
    }
    // Whoever logs in, there is one mailbox.
    let (source, new) = (Odd::start(MODERN), dovecot::shared(Format::Sdbox));
    source.fill("INBOX", 0..4);
    let mut workspace = Workspace::new();
    workspace.environment.push(("MAILFERRY_SOURCE_PASSWORD".into(), "chief's".into()));
    let admin = ["--source-admin", "{user}*chief", "--concurrent", "1"];
    workspace.project_new(&plain(source.port), &plain(new.plain_port), &admin);
    let pairs = ["ann", "bob"].map(|name| (name.to_owned(), new.user(name)));
    workspace.import(&pairs);
    let found = verify(&workspace, 1);
    let words = ["source administrator login does not leave its own mailbox", "bob@old.example and ann@old.example"];
    says(&found, &words);
    says(&found, &["authorization id", "correct the login"]);
    assert_eq!(causes(&workspace), [None, Some("administrator_stays".into())]);
    // Now that both were looked at, the first one knows too.
    verify(&workspace, 1);
    assert_eq!(causes(&workspace), [Some("administrator_stays".into()), Some("administrator_stays".into())]);

    source.state().at("INBOX").letters.clear();
    verify(&workspace, 0);
    assert_eq!(causes(&workspace), [None, None], "empty mailboxes are no evidence");
}

#[test]
fn one_destination_for_two_sources_is_named_by_address_and_by_what_it_shows() {
    if !dovecot::available() {
        return;
    }
    let (old, new) = (dovecot::shared(Format::Sdbox), dovecot::shared_twin(Format::Sdbox));
    let workspace = Workspace::new();
    workspace.project_new(&plain(old.plain_port), &plain(new.plain_port), &[]);
    let into = new.user("both");
    let from = [0, 1].map(|_| old.user("half"));
    workspace.import(&from.clone().map(|from| (from, into.clone())));
    let found = verify(&workspace, 1);
    let [first, second] = from.map(|from| format!("The mail of {from}@old.example goes into {into}@new.example too"));
    says(&found, &["Two items write into one mailbox", &first, &second, "one after the other"]);
    assert_eq!(causes(&workspace), [Some("shared_destination".into()), Some("shared_destination".into())]);
    workspace.start().expect(0);

    // An alias: another address and login, and the same mailbox.
    let alias = Odd::start(MODERN);
    alias.fill("INBOX", 0..4);
    let workspace = Workspace::new();
    workspace.project_new(&plain(old.plain_port), &plain(alias.port), &["--concurrent", "1"]);
    workspace.import(&["one", "other"].map(|name| (old.user("whole"), name.to_owned())));
    says(&verify(&workspace, 1), &["Two items write into one mailbox", "goes into other@new.example too"]);
    assert_eq!(causes(&workspace), [None, Some("shared_destination".into())]);
}
