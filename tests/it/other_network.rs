//! A computer that comes into another network while a pass runs: tried in a network of its own, which nobody else sees.

use std::process::{Command, Stdio};
use std::time::Instant;

use crate::support::cutter::Cutter;
use crate::support::dovecot::{self, Dovecot, Options};
use crate::support::ends::Ends;
use crate::support::imap::Message;
use crate::support::product::{PROJECT, Workspace, plain};
use crate::support::relay::{Act, At, PATIENCE, Relay, Rules, verb};
use crate::support::scene::message;

/// Set where the test runs again, inside.
const INSIDE: &str = "MAILFERRY_OWN_NETWORK";

#[test]
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn f6_another_network_in_mid_pass_counts_no_error_and_uses_up_no_try() {
    if !dovecot::available() {
        return;
    }
    if std::env::var_os(INSIDE).is_some() {
        return inside();
    }
    let alone = |command: &mut Command| command.stdout(Stdio::null()).status().is_ok_and(|status| status.success());
    if !alone(Command::new("unshare").args(["-n", "ip", "link", "set", "lo", "up"]).stderr(Stdio::null())) {
        eprintln!("skipped: a network of its own needs unshare and ip, and the right to use them");
        return;
    }
    let name = "other_network::f6_another_network_in_mid_pass_counts_no_error_and_uses_up_no_try";
    let mut again = Command::new("unshare");
    again.arg("-n").arg(std::env::current_exe().expect("this program")).args(["--exact", name, "--nocapture"]);
    assert!(alone(again.env(INSIDE, "1")), "the same inside");
}

fn ip(words: &str) {
    assert!(Command::new("ip").args(words.split(' ')).status().expect("ip").success(), "ip {words}");
}

/// More of these than the product and the kernel hold between two servers.
fn large(number: u32) -> Message {
    let text = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcd\r\n".repeat(640);
    Message { bytes: [message(number).bytes, text.into_bytes()].concat(), ..message(number) }
}

fn inside() {
    ip("link set lo up");
    ip("addr add 10.77.0.1/32 dev lo");
    let (from, into, workspace) =
        (Dovecot::start(Options::sdbox()), Dovecot::start(Options::sdbox()), Workspace::new());
    let users = (from.user("here"), into.user("there"));
    from.login(&users.0).append_all("INBOX", &(0..600).map(large).collect::<Vec<_>>());
    let (cutter, relay) = (Cutter::at("10.77.0.1", from.plain_port), Relay::start(into.plain_port, Rules::singly()));
    workspace.project_new(&format!("imap+plain://10.77.0.1:{}", cutter.port), &plain(relay.port), &[]);
    workspace.import(std::slice::from_ref(&users));
    workspace.options(|options| (options.connections, options.retry_limit) = (1, 1));

    let held = relay.plan(At::Command(verb("APPEND").nth(20)), Act::Hold);
    let start = workspace.command(&["start", PROJECT]).stdout(Stdio::null()).spawn();
    let mut start = start.expect("started");
    held.wait();
    ip("addr add 10.77.0.9/32 dev lo");
    ip("addr del 10.77.0.1/32 dev lo");
    held.go_on();
    let deadline = Instant::now() + PATIENCE;
    let sees = || workspace.only().0["retry"]["failure"]["cause"] == "own_network";
    while !sees() {
        if Instant::now() > deadline {
            start.kill().expect("ended");
            panic!("{:#}", workspace.only().0);
        }
    }
    // The servers can be reached from the new network too, a moment later.
    ip("addr add 10.77.0.1/32 dev lo");
    assert!(start.ends().success());
    let item = workspace.only();
    assert_eq!((item.messages("copied"), item.messages("errors"), item.messages("differ")), (600, 0, 0));
    assert_eq!(into.login(&users.1).fetch_all("INBOX").len(), 600, "nothing is doubled");
}
