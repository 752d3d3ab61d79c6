//! Limits of real servers: connections, and room in a mailbox.

use std::process::Stdio;
use std::time::Instant;

use crate::support::dovecot::{self, Dovecot, Format};
use crate::support::ends::Ends;
use crate::support::imap::{Imap, Message};
use crate::support::product::{PROJECT, Workspace, plain};
use crate::support::relay::PATIENCE;
use crate::support::scene::message;

#[test]
fn eight_items_wait_visibly_for_a_server_with_too_many_connections_and_go_on_when_there_is_room() {
    if !dovecot::available() {
        return;
    }
    let small = Dovecot::start(dovecot::Options { connections: Some(3), ..dovecot::Options::sdbox() });
    let (into, workspace, from) = (dovecot::shared(Format::Sdbox), Workspace::new(), small.user("everybody"));
    small.login(&from).append_all("INBOX", &(0..40).map(message).collect::<Vec<_>>());
    workspace.project_new(&plain(small.plain_port), &plain(into.plain_port), &[]);
    let people: Vec<String> = (0..8).map(|n| into.user(&format!("person{n}"))).collect();
    let items: Vec<(String, String)> = people.iter().map(|to| (from.clone(), to.clone())).collect();
    workspace.import(&items);
    // Other mail programs of the owner.
    let others: Vec<Imap> = (0..3).map(|_| small.login(&from)).collect();
    let mut start = workspace.command(&["start", PROJECT]).stdout(Stdio::null()).spawn().expect("started");
    let host = format!("127.0.0.1:{}", small.plain_port);
    let waits = format!("Too many connections to the source · {host}");
    let deadline = Instant::now() + PATIENCE;
    loop {
        let shown = workspace.run(&["status", PROJECT]).expect(0).stdout;
        if shown.matches(&waits).count() == 8 {
            assert!(shown.contains("Maximum number of connections"), "the server's words: {shown}");
            assert_eq!(shown.matches("7 others wait for this server").count(), 8, "{shown}");
            break;
        }
        assert!(Instant::now() < deadline, "{shown}");
    }
    drop(others);
    workspace.run(&["retry-now", PROJECT]).expect(0);
    assert!(start.ends().success());
    for to in &people {
        assert_eq!(into.login(to).fetch_all("INBOX").len(), 40, "{to}");
    }
}

#[test]
fn a_full_destination_goes_on_when_its_quota_was_raised() {
    if !dovecot::available() {
        return;
    }
    let quota = |limit: &str| dovecot::Options { quota: Some(limit.into()), ..dovecot::Options::sdbox() };
    let small = Dovecot::start(quota("5M"));
    let (from, workspace) = (dovecot::shared(Format::Sdbox), Workspace::new());
    let users = (from.user("plenty"), small.user("little"));
    let large = |number: u32| {
        let text = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcd\r\n".repeat(5000);
        let plain = message(number);
        Message { bytes: [plain.bytes.clone(), text.into_bytes()].concat(), ..plain }
    };
    from.login(&users.0).append_all("INBOX", &(0..30).map(large).collect::<Vec<_>>());
    workspace.project_new(&plain(from.plain_port), &plain(small.plain_port), &[]);
    workspace.import(std::slice::from_ref(&users));
    let output = workspace.start().expect(1);
    assert!(output.stderr.contains("Destination mailbox full"), "{}", output.stderr);
    assert!(
        output.stderr.contains("free of 5.24 MB") && output.stderr.contains("still to copy ("),
        "{}",
        output.stderr
    );
    let copied = workspace.only().messages("copied");
    assert!((1..30).contains(&copied), "{copied}");
    assert_eq!(small.login(&users.1).fetch_all("INBOX").len() as u64, copied, "what was copied is recorded");
    small.set_quota("50M", &users.1);
    workspace.start().expect(0);
    let item = workspace.only();
    assert_eq!((item.messages("copied"), item.messages("already_there")), (30 - copied, copied));
    assert_eq!(small.login(&users.1).fetch_all("INBOX").len(), 30, "nothing is doubled");
}
