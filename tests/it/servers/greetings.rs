//! J.4: who is at a port that is none for IMAP is said at once.

use std::time::{Duration, Instant};

use crate::support::dovecot::{self, Format};
use crate::support::peer::{Line, Peer};
use crate::support::product::{PROJECT, Workspace, plain};

/// A pass from this address: it must end as failed within five seconds, with these words, after so many connections at most.
fn ends(address: &str, words: &[&str]) -> String {
    // Of which the program takes its part to start.
    ends_within(6, address, &[], words)
}

/// The same for a start with these arguments, in so many seconds.
fn ends_within(seconds: u64, address: &str, arguments: &[&str], words: &[&str]) -> String {
    let workspace = Workspace::new();
    workspace.project_new(address, "imap+plain://127.0.0.1:1", &[]);
    workspace.import(&[("anna".into(), "bob".into())]);
    let began = Instant::now();
    let output = workspace.run(&[&["start", PROJECT], arguments].concat()).expect(1);
    assert!(began.elapsed() < Duration::from_secs(seconds), "{address}: {:?}", began.elapsed());
    let said = format!("{}{}", output.stdout, output.stderr);
    for word in words {
        assert!(said.contains(word), "{address}: {word:?} in {said}");
    }
    assert_eq!(workspace.only().0["error"]["side"], "source");
    said
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

/// What nobody who does not know IMAP, TLS or this program's libraries would understand.
const JARGON: [&str; 6] = ["os error", "corrupt message", "InvalidContentType", "UnknownIssuer", "server text", "EOF"];

fn without_jargon(said: &str) {
    JARGON.iter().for_each(|word| assert!(!said.contains(word), "{word:?} in {said}"));
}

#[test]
fn p4_a_port_at_which_nothing_listens_is_named_with_the_ports_of_imap() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for address in [plain(closed), format!("imaps://127.0.0.1:{closed}")] {
        let words = [format!("127.0.0.1 takes no connections on port {closed}"), "source server".into(), "993".into()];
        let words = words.each_ref().map(String::as_str);
        without_jargon(&ends_within(20, &address, &["--pass", "verify"], &words));
        without_jargon(&ends_within(30, &address, &[], &words));
    }
}

#[test]
fn p4_a_server_that_hangs_up_before_it_greets_is_given_up_soon() {
    let peer = Peer::start(|line: Line, _| line.close());
    let words = ["127.0.0.1 closes the connection at once", "source server", "No password was sent"];
    without_jargon(&ends_within(30, &plain(peer.port), &[], &words));
    assert_eq!(peer.connections(), 4);
}

#[test]
fn p4_a_passing_trouble_at_the_login_ends_a_verify_soon() {
    let peer = Peer::start(|mut line: Line, _| {
        line.say("* OK hello");
        while let Some(heard) = line.read() {
            let (tag, said) = (heard.split(' ').next().unwrap_or_default().to_owned(), heard.contains(" LOGIN "));
            if !said {
                line.say("* CAPABILITY IMAP4rev1");
            }
            line.say(&format!("{tag} {}", if said { "NO Temporary unavailable" } else { "OK done" }));
        }
    });
    let said = ends_within(25, &plain(peer.port), &["--pass", "verify"], &["The source is busy", "Start later"]);
    assert!(said.contains("server text: Temporary unavailable"), "{said}");
}

#[test]
fn p4_tls_that_is_begun_at_a_port_without_it_is_named() {
    for (greeting, words) in [
        (&b"* OK IMAP4rev1 ready\r\n"[..], ["127.0.0.1 speaks no TLS on port", "STARTTLS"]),
        (b"220 mx.example ESMTP\r\n", ["No IMAP server at 127.0.0.1", "an SMTP server"]),
        (b"+OK POP3 ready\r\n", ["No IMAP server at 127.0.0.1", "a POP3 server"]),
    ] {
        let peer = at(greeting, b"");
        let said = ends(&format!("imaps://127.0.0.1:{}", peer.port), &words);
        JARGON[..4].iter().for_each(|word| assert!(!said.contains(word), "{word:?} in {said}"));
    }
}

#[test]
fn p4_a_certificate_of_another_name_or_of_nobody_known_is_told_apart() {
    if !dovecot::available() {
        return;
    }
    let server = dovecot::shared(Format::Sdbox);
    let own =
        ends(&format!("imaps://127.0.0.1:{}", server.tls_port), &["Certificate not trusted.", "cannot verify who"]);
    assert!(own.contains("details: ") && own.contains("SHA-256 fingerprint"), "{own}");
    without_jargon(&own);
}

#[test]
fn p4_a_stop_while_a_try_is_waited_for_keeps_the_reason() {
    let peer = Peer::start(|mut line: Line, _| {
        line.say("* BYE [UNAVAILABLE] down for an hour");
        line.close();
    });
    let workspace = Workspace::new();
    workspace.project_new(&plain(peer.port), "imap+plain://127.0.0.1:1", &[]);
    workspace.import(&[("anna".into(), "bob".into())]);
    let mut command = workspace.command(&["start", PROJECT, "--watch"]);
    let mut child = command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    // Three tries are made within the first 15 seconds.
    peer.wait_for(4);
    workspace.run(&["stop", PROJECT]).expect(0);
    assert_eq!(child.wait().unwrap().code(), Some(1));
    let mut watched = String::new();
    std::io::Read::read_to_string(child.stdout.as_mut().unwrap(), &mut watched).unwrap();
    // Each wait is told, also where nobody sees bars.
    for wait in ["retry 2 of 8", "retry 3 of 8"] {
        assert!(watched.contains(wait), "{wait}: {watched}");
    }
    let item = workspace.only();
    assert_eq!((item.status(), item.0["error"]["side"].as_str()), ("stopped", Some("source")));
    let table = workspace.run(&["status", PROJECT]).stdout;
    assert!(table.contains("down for an hour"), "{table}");
}
