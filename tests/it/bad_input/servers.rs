//! Servers that cannot be reached, trusted or understood, and passwords that are wrong.

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};

use super::{Running, says};
use crate::support::dovecot::{self, Dovecot, Format, Options, PASSWORD};
use crate::support::imap::Message;
use crate::support::peer::{Line, Peer};
use crate::support::product::{Output, PROJECT, Workspace, plain, starttls, tls};
use crate::support::relay::{Relay, Rules};

/// Runs one item from this address, with two tries.
fn source(address: &str, more: &[&str]) -> Output {
    let workspace = Workspace::new();
    workspace.project_new(address, "imap+plain://127.0.0.1:1", more);
    workspace.import(&[("anna".into(), "bob".into())]);
    workspace.options(|options| options.retry_limit = 1);
    let ended = workspace.start();
    let item = workspace.only();
    assert_eq!(item.status(), "failed");
    assert_eq!(item.0["error"]["side"], "source", "{:#}", item.0);
    ended
}

#[test]
fn wrong_passwords_name_the_side_and_the_rest_is_copied() {
    if !dovecot::available() {
        return;
    }
    let (old, new) = (dovecot::shared(Format::Sdbox), dovecot::shared(Format::Maildir));
    let workspace = Workspace::new();
    workspace.project_new(&plain(old.plain_port), &plain(new.plain_port), &[]);
    let users: Vec<String> = (0..3).map(|_| old.user("password")).collect();
    for user in &users {
        old.login(user).append("INBOX", &Message::plain("Subject: x\r\n\r\nx\r\n"));
    }
    let [a, b, c] = [&users[0], &users[1], &users[2]];
    let csv = super::file(
        format!(
            "Source Email,Source Login Name,Source Password,Destination Email,Destination Login Name,Destination Password\n\
             a@x,{a},wrong,a@y,{a},{PASSWORD}\nb@x,{b},{PASSWORD},b@y,{b},wrong\nc@x,{c},{PASSWORD},c@y,{c},{PASSWORD}\n"
        )
        .as_bytes(),
    );
    workspace.run(&["item", "import", PROJECT, super::path(&csv)]).expect(0);
    let words = [
        "a@x:a@y: Failed while checking source credentials. 127.0.0.1 refused the login of a@x. It was tried once, so that the account is not locked.",
        "b@x:b@y: Failed while checking destination credentials",
        "server text: ",
    ];
    says(workspace.start(), 1, &words);
    let statuses: Vec<String> = workspace.status().iter().map(|item| item.status().to_owned()).collect();
    assert_eq!(statuses, ["failed", "failed", "completed"]);
    assert_eq!(new.login(c).fetch_all("INBOX").len(), 1);
    assert!(new.login(b).fetch_all("INBOX").is_empty());
}

#[test]
fn unreachable_servers_are_named() {
    says(
        source("imaps://no-such-host.invalid", &[]),
        1,
        &["The name no-such-host.invalid leads to no address", "source server"],
    );
    let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    says(source(&plain(port), &[]), 1, &["127.0.0.1 takes no connections", &port.to_string(), "refused"]);
}

#[test]
fn certificates_that_cannot_be_verified_get_no_password() {
    if !dovecot::available() {
        return;
    }
    let (server, other) = (dovecot::shared(Format::Sdbox), dovecot::shared_twin(Format::Sdbox));
    let seen: Vec<&str> = (0..32).map(|at| &server.certificates.leaf_sha256[at * 2..at * 2 + 2]).collect();
    let seen = seen.join(":");
    let words = ["Certificate not trusted", "No password was sent", "then pin it", seen.as_str()];
    let wrong_ca = other.certificates.ca_pem.to_str().expect("a path");
    let wrong_pin = other.certificates.leaf_sha256.as_str();
    for address in [tls(server), starttls(server)] {
        says(source(&address, &[]), 1, &words);
        says(source(&address, &["--source-ca", wrong_ca]), 1, &words);
        says(source(&address, &["--source-cert-sha256", wrong_pin]), 1, &[&words[..], &["pinned"]].concat());
    }
}

#[test]
fn right_certificates_are_accepted() {
    if !dovecot::available() {
        return;
    }
    let (old, new) = (dovecot::shared(Format::Sdbox), dovecot::shared_twin(Format::Sdbox));
    let (ca, pin) = (old.certificates.ca_pem.to_str().expect("a path"), new.certificates.leaf_sha256.to_uppercase());
    let workspace = Workspace::new();
    workspace.project_new(&tls(old), &starttls(new), &["--source-ca", ca, "--destination-cert-sha256", &pin]);
    let user = old.user("tls");
    workspace.import(&[(user.clone(), user)]);
    says(workspace.run(&["start", PROJECT, "--pass", "verify"]), 0, &[]);
}

#[test]
fn an_expired_certificate_is_named_as_such() {
    if !dovecot::available() {
        return;
    }
    let files = tempfile::tempdir().expect("a folder");
    let authority_key = KeyPair::generate().expect("a key");
    let mut authority = CertificateParams::new(Vec::new()).expect("parameters");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_certificate = authority.self_signed(&authority_key).expect("a certificate");
    let key = KeyPair::generate().expect("a key");
    let mut leaf = CertificateParams::new(vec!["localhost".into()]).expect("parameters");
    (leaf.not_before, leaf.not_after) = (date_time_ymd(2001, 1, 1), date_time_ymd(2002, 1, 1));
    let leaf = leaf.signed_by(&key, &Issuer::new(authority, authority_key)).expect("a certificate");
    let write = |name: &str, text: String| {
        let path = files.path().join(name);
        std::fs::write(&path, text).expect("written");
        path.display().to_string()
    };
    let (ca, leaf) = (write("ca.pem", authority_certificate.pem()), write("leaf.pem", leaf.pem()));
    let extra = format!("ssl_cert = <{leaf}\nssl_key = <{}\n", write("key.pem", key.serialize_pem()));
    let server = Dovecot::start(Options { extra, ..Options::sdbox() });
    says(source(&tls(&server), &["--source-ca", &ca]), 1, &["Certificate not trusted", "expired"]);
}

#[test]
fn a_server_without_starttls_gets_no_password() {
    if !dovecot::available() {
        return;
    }
    let relay = Relay::start(dovecot::shared(Format::Sdbox).plain_port, Rules::default());
    let address = format!("imap://127.0.0.1:{}", relay.port);
    says(source(&address, &[]), 1, &["No protected connection", "No password was sent", "does not offer STARTTLS"]);
    let said: Vec<String> = relay.commands().into_iter().map(|command| command.verb).collect();
    assert!(said.iter().all(|verb| verb == "CAPABILITY"), "{said:?}");
}

/// Greets in this way, whatever is said.
fn greeting(bytes: &'static [u8], then_close: bool) -> Peer {
    Peer::start(move |mut line: Line, _| {
        line.raw(bytes);
        if then_close { line.close() } else { line.stall() }
    })
}

#[test]
fn greetings_that_are_none() {
    let another = ["No IMAP server at 127.0.0.1", "Correct host or port"];
    for (bytes, close, words) in [
        (&b""[..], true, &["127.0.0.1 closes the connection at once", "closed it without a greeting"][..]),
        (b"* OK", true, &["127.0.0.1 closes the connection at once"]),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", false, &another),
        (b"SSH-2.0-OpenSSH_9.2\r\n", false, &another),
        (b"220 smtp.example ESMTP\r\n", false, &another),
        (b"\0\xff\xfe\r\n\x80\r\n", false, &another),
        (b"* BYE no service for you\r\n", true, &["no service for you"]),
        (b"* PREAUTH come in\r\n", false, &["did not open", "without a login"]),
    ] {
        let peer = greeting(bytes, close);
        says(source(&plain(peer.port), &[]), 1, words);
    }
    // TLS spoken to a server that speaks plain text, and the other way round.
    let peer = greeting(b"* OK ready\r\n", false);
    says(source(&format!("imaps://127.0.0.1:{}", peer.port), &[]), 1, &["speaks no TLS", "imap://"]);
}

#[test]
fn a_greeting_without_end_is_cut_off() {
    let peer = Peer::start(|mut line: Line, _| {
        for _ in 0..64 {
            line.raw(&[b'*'; 128 * 1024]);
        }
        line.stall();
    });
    says(source(&plain(peer.port), &[]), 1, &["No IMAP server at 127.0.0.1"]);
}

#[test]
fn a_server_that_stalls_can_be_stopped() {
    let peer = greeting(b"", false);
    let workspace = Workspace::new();
    workspace.project_new(&plain(peer.port), "imap+plain://127.0.0.1:1", &[]);
    workspace.import(&[("anna".into(), "bob".into())]);
    let running = Running::start(&workspace, &["start", PROJECT]);
    peer.wait_for(1);
    running.interrupt();
    says(running.end(), 1, &["Stopping"]);
    let status = workspace.only().status().to_owned();
    assert!(["stopped", "submitted"].contains(&status.as_str()), "{status}");
    assert_eq!(peer.connections(), 1);
}
