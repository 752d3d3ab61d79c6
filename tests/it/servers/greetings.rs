//! J.4: who is at a port that is none for IMAP is said at once.

use std::time::{Duration, Instant};

use crate::support::dovecot::{self, Format};
use crate::support::peer::{Line, Peer};
use crate::support::product::{Workspace, plain};

/// A pass from this address: it must end as failed within five seconds, with these words, after so many connections at most.
fn ends(address: &str, words: &[&str]) {
    let workspace = Workspace::new();
    workspace.project_new(address, "imap+plain://127.0.0.1:1", &[]);
    workspace.import(&[("anna".into(), "bob".into())]);
    let began = Instant::now();
    let output = workspace.start().expect(1);
    // Of which the program takes its part to start.
    assert!(began.elapsed() < Duration::from_secs(6), "{address}: {:?}", began.elapsed());
    let said = format!("{}{}", output.stdout, output.stderr);
    for word in words {
        assert!(said.contains(word), "{address}: {word:?} in {said}");
    }
    assert_eq!(workspace.only().0["error"]["side"], "source");
}

/// Says this to whoever comes, and an answer to the first line.
fn at(greeting: &'static [u8], answer: &'static [u8]) -> Peer {
    Peer::start(move |mut line: Line, _| {
        line.raw(greeting);
        if line.read().is_some() {
            line.raw(answer);
        }
        line.stall();
    })
}

#[test]
fn p4_other_servers_are_named_at_once() {
    for (greeting, answer, named) in [
        (&b"220 mx.example ESMTP\r\n"[..], &b""[..], "an SMTP server"),
        (b"554 5.7.1 no service\r\n", b"", "an SMTP server"),
        (b"+OK POP3 ready\r\n", b"", "a POP3 server"),
        (b"220 FTP server ready\r\n", b"", "an FTP server"),
        (b"SSH-2.0-x\r\n", b"", "an SSH server"),
        (b"Intrusion prevention active\r\n", b"", "no IMAP server"),
        (b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", "a web server"),
        (b"", b"-ERR unknown command\r\n", "a POP3 server"),
    ] {
        let peer = at(greeting, answer);
        ends(&plain(peer.port), &["No IMAP server at 127.0.0.1", named, "993"]);
    }
}

#[test]
fn p4_a_greeting_that_turns_everybody_away_is_not_tried_again() {
    let peer = at(b"* BYE Intrusion prevention active\r\n", b"");
    ends(&plain(peer.port), &["turns this computer away", "Intrusion prevention active"]);
    assert_eq!(peer.connections(), 1);
}

#[test]
fn p4_a_tls_port_that_is_spoken_to_plainly_is_named() {
    if !dovecot::available() {
        return;
    }
    let port = dovecot::shared(Format::Sdbox).tls_port;
    for address in [plain(port), format!("imap://127.0.0.1:{port}")] {
        ends(&address, &["looks like a TLS port", "imaps://"]);
    }
}
