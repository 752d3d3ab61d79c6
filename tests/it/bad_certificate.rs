//! A server whose certificate goes bad while a pass runs.

use std::process::Stdio;
use std::time::Instant;

use crate::support::cutter::Cutter;
use crate::support::dovecot::{self, Dovecot, Format, Options};
use crate::support::ends::Ends;
use crate::support::imap::Message;
use crate::support::product::{PROJECT, Workspace, plain};
use crate::support::relay::{Act, At, PATIENCE, Relay, Rules, verb};
use crate::support::scene::message;

/// Waits until a test of the connections finds the certificate good, or bad.
fn until_certificate(workspace: &Workspace, good: bool) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let said = workspace.run(&["check", PROJECT]);
        if said.stdout.contains("Certificate not trusted") != good && (said.code == 0) == good {
            return;
        }
        assert!(Instant::now() < deadline, "{}", said.stdout);
    }
}

/// More of these than the product and the kernel hold between two servers.
fn large(number: u32) -> Message {
    let text = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcd\r\n".repeat(640);
    Message { bytes: [message(number).bytes, text.into_bytes()].concat(), ..message(number) }
}

#[test]
fn a_certificate_that_goes_bad_in_mid_pass_is_looked_at_three_times_and_the_next_start_goes_on() {
    if !dovecot::available() {
        return;
    }
    let (from, into, other) = (Dovecot::start(Options::sdbox()), dovecot::shared(Format::Sdbox), tempfile::tempdir());
    let other = other.expect("a folder");
    let stranger = Dovecot::start(Options::sdbox());
    let (good, bad) = (from.certificate_files(), stranger.certificate_files());
    let users = (from.user("certified"), into.user("certified"));
    from.login(&users.0).append_all("INBOX", &(0..600).map(large).collect::<Vec<_>>());
    let (cutter, relay) = (Cutter::at("127.0.0.1", from.tls_port), Relay::start(into.plain_port, Rules::singly()));
    let authority = other.path().join("ca.pem");
    std::fs::copy(&from.certificates.ca_pem, &authority).expect("copied");
    let workspace = Workspace::new();
    let source = format!("imaps://localhost:{}", cutter.port);
    let trusted = ["--source-ca", authority.to_str().expect("a path")];
    workspace.project_new(&source, &plain(relay.port), &trusted);
    workspace.import(std::slice::from_ref(&users));
    workspace.options(|options| options.connections = 1);

    let held = relay.plan(At::Command(verb("APPEND").nth(20)), Act::Hold);
    let mut start = workspace.command(&["start", PROJECT]);
    let start = start.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("started");
    held.wait();
    from.show_certificate(bad.each_ref().map(Vec::as_slice));
    until_certificate(&workspace, false);
    let before = cutter.cut();
    held.go_on();
    let ended = start.ends_with_output();
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(said.contains("Certificate not trusted") && said.contains("No password was sent"), "{said}");
    assert_eq!(cutter.cut() - before, 3, "it is looked at three times");
    let copied = workspace.only().messages("copied");
    assert!((1..600).contains(&copied), "{copied}");
    assert_eq!(into.login(&users.1).fetch_all("INBOX").len() as u64, copied, "what was copied is recorded");

    from.show_certificate(good.each_ref().map(Vec::as_slice));
    until_certificate(&workspace, true);
    workspace.start().expect(0);
    let there = into.login(&users.1).fetch_all("INBOX");
    let mut different: Vec<&String> = there.iter().map(|one| &one.sha256).collect();
    different.sort();
    different.dedup();
    assert_eq!((there.len(), different.len()), (600, 600), "nothing is lost or doubled");
}
