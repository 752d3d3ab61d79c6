//! The support itself is tested: a broken relay or server would make every other test say yes.

use std::io::Read;
use std::net::TcpStream;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};

use crate::support::compare::{self, Mailbox};
use crate::support::corpus;
use crate::support::dovecot::{self, Dovecot, Format, Options};
use crate::support::imap::{self, Imap, Message};
use crate::support::relay::{Act, At, Break, Chaos, Relay, Rules, verb};

#[test]
fn dovecot_starts_and_refuses_wrong_passwords() {
    if !dovecot::available() {
        return;
    }
    let server = dovecot::shared(Format::Sdbox);
    let user = server.user("login");
    server.login(&user);
    let (_, refused) = Imap::connect(server.plain_port).command(&format!("LOGIN {user} wrong"));
    assert!(refused.starts_with("NO [AUTHENTICATIONFAILED]"), "{refused}");
    Imap::login(server.plain_port, &format!("{user}*master"), "masterpass");
    let (_, refused) = Imap::connect(server.plain_port).command(&format!("LOGIN {user}*master wrong"));
    assert!(refused.starts_with("NO"), "{refused}");
}

#[test]
fn dovecot_ends_with_its_handle() {
    if !dovecot::available() {
        return;
    }
    let server = Dovecot::start(Options { quota: Some("1M".into()), connections: Some(2), ..Options::maildir() });
    let user = server.user("small");
    let mut imap = server.login(&user);
    let _second = server.login(&user);
    let (_, refused) = Imap::connect(server.plain_port).command(&format!("LOGIN {user} pass"));
    assert!(refused.contains("[LIMIT]") || refused.contains("UNAVAILABLE"), "{refused}");
    imap.append("INBOX", &Message::plain("Subject: x\r\n\r\nx\r\n"));
    assert_eq!(imap.fetch_all("INBOX").len(), 1);
    let port = server.plain_port;
    drop(server);
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
}

/// A relay in front of the shared server, and a user of its own.
fn relayed(rules: Rules) -> Option<(Relay, String)> {
    if !dovecot::available() {
        return None;
    }
    let server = dovecot::shared(Format::Sdbox);
    Some((Relay::start(server.plain_port, rules), server.user("relayed")))
}

#[test]
fn relay_passes_and_records() {
    let Some((relay, user)) = relayed(Rules::default()) else { return };
    let mut imap = Imap::login(relay.port, &user, "pass");
    let dated = Message {
        flags: vec!["\\Seen".into(), "$Own".into()],
        date: Some("01-Feb-2003 04:05:06 +0530".into()),
        ..Message::plain("Subject: a\r\n\r\none\r\n")
    };
    imap.append_all("INBOX", &[dated, Message::plain(vec![b'x'; 300_000])]);
    let stored = imap.fetch_all("INBOX");
    assert_eq!(stored.len(), 2);
    assert_eq!(stored[1].bytes.len(), 300_000);
    let appends = relay.appends();
    assert_eq!(appends[0].date.as_deref(), Some("01-Feb-2003 04:05:06 +0530"));
    assert_eq!(appends[0].flags.as_deref(), Some("\\Seen $Own"));
    assert_eq!((appends[0].mailbox.as_str(), appends[0].length), ("INBOX", 19));
    assert_eq!((appends[1].date.clone(), appends[1].length), (None, 300_000));
    assert!(relay.commands().iter().all(|command| command.answer.is_some()));
    relay.assert_only_advertised();
}

#[test]
fn relay_hides_and_strips() {
    let Some((relay, user)) = relayed(Rules::bare()) else { return };
    let mut imap = Imap::login(relay.port, &user, "pass");
    let offered = imap.capabilities();
    assert!(offered.iter().any(|word| word == "IMAP4rev1"), "{offered:?}");
    for hidden in ["MULTIAPPEND", "LITERAL+", "UIDPLUS", "CONDSTORE", "STARTTLS", "LIST-EXTENDED"] {
        assert!(!offered.iter().any(|word| word == hidden), "{hidden} in {offered:?}");
    }
    let selected = imap.ok("EXAMINE INBOX");
    assert!(!selected.iter().any(|line| String::from_utf8_lossy(line).contains("HIGHESTMODSEQ")));
    let (_, result) = imap.command("APPEND INBOX {3+}\r\nx\r\n");
    assert!(result.starts_with("OK Append"), "{result}");
}

#[test]
fn relay_sees_every_unadvertised_form() {
    let Some((relay, user)) = relayed(Rules::bare()) else { return };
    let mut imap = Imap::login(relay.port, &user, "pass");
    relay.assert_only_advertised();
    let forms = [
        "APPEND INBOX {1+}\r\nx",
        "LIST (SPECIAL-USE) \"\" *",
        "LIST \"\" * RETURN (STATUS (UIDNEXT))",
        "EXAMINE INBOX (CONDSTORE)",
        "STATUS INBOX (HIGHESTMODSEQ)",
        "UID FETCH 1:* (FLAGS) (CHANGEDSINCE 1)",
        "UID SEARCH RETURN (COUNT) ALL",
        "UID EXPUNGE 1",
        "ENABLE CONDSTORE",
        "NAMESPACE",
    ];
    for form in forms {
        relay.clear_record();
        imap.command(form);
        let wrong = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| relay.assert_only_advertised()));
        assert!(wrong.is_err(), "{form} was let through");
    }
}

#[test]
fn relay_knows_reading_from_changing() {
    let Some((relay, user)) = relayed(Rules::default()) else { return };
    let mut imap = Imap::login(relay.port, &user, "pass");
    imap.ok("EXAMINE INBOX");
    imap.ok("UID FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])");
    imap.ok("LIST \"\" *");
    relay.assert_source_read_only();
    for change in ["SELECT INBOX", "UID FETCH 1:* (BODY[])", "UID FETCH 1:* RFC822", "CREATE x", "UID STORE 1 FLAGS ()"]
    {
        relay.clear_record();
        imap.command(change);
        let wrong = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| relay.assert_source_read_only()));
        assert!(wrong.is_err(), "{change} was let through");
    }
}

#[test]
fn relay_waits_for_synchronising_literals() {
    let Some((relay, user)) = relayed(Rules::bare()) else { return };
    let mut imap = Imap::login(relay.port, &user, "pass");
    // A literal as name, then one as message, each after its `+`.
    let tag = imap.send("APPEND {5}");
    assert!(imap.line().starts_with(b"+"));
    imap.raw(b"INBOX (\\Seen) {5}\r\n");
    assert!(imap.line().starts_with(b"+"));
    imap.raw(b"a\r\nb\n\r\n");
    assert!(imap.answer(&tag).1.starts_with("OK"));
    relay.assert_only_advertised();
    assert_eq!(relay.appends().len(), 1);
    assert_eq!(relay.appends()[0].mailbox, "INBOX");
    // Refused: no literal follows, the next line is a command.
    relay.plan(At::Command(verb("APPEND")), Act::Answer("NO [THROTTLED] later".into()));
    let (_, result) = imap.command("APPEND INBOX {5}");
    assert_eq!(result, "NO [THROTTLED] later");
    imap.ok("NOOP");
    assert_eq!(imap.fetch_all("INBOX").len(), 1);
    relay.assert_all_hit();
}

#[test]
fn relay_delays_without_breaking_pipelines() {
    let round_trip = std::time::Duration::from_millis(20);
    let Some((relay, user)) = relayed(Rules::delaying(round_trip)) else { return };
    let began = std::time::Instant::now();
    let mut imap = Imap::login(relay.port, &user, "pass");
    let turns = relay.counters().turns;
    let tags: Vec<String> = (0..100).map(|_| imap.send("NOOP")).collect();
    for tag in &tags {
        assert!(imap.answer(tag).1.starts_with("OK"));
    }
    let counters = relay.counters();
    assert!(counters.turns - turns < 50, "100 pipelined commands took {} turns", counters.turns - turns);
    // Connecting, login and at least one turn each cost a round trip: a floor, which no load can break.
    assert!(began.elapsed() >= round_trip * 3);
}

#[test]
fn relay_holds_before_a_command() {
    let Some((relay, user)) = relayed(Rules::default()) else { return };
    let hold = relay.plan(At::Command(verb("CREATE").with("second")), Act::Hold);
    let mut imap = Imap::login(relay.port, &user, "pass");
    imap.create("first");
    let _ = imap.send("CREATE second");
    hold.wait();
    hold.cut();
    assert!(imap.ended());
    let mut other = Imap::login(relay.port, &user, "pass");
    let names: Vec<String> = other.list().into_iter().map(|folder| folder.name).collect();
    assert!(names.contains(&"first".into()) && !names.contains(&"second".into()), "{names:?}");
    relay.assert_all_hit();
}

#[test]
fn relay_holds_in_the_middle_of_a_literal() {
    let Some((relay, user)) = relayed(Rules::default()) else { return };
    let hold = relay.plan(At::HalfLiteral(verb("APPEND").nth(2)), Act::Hold);
    let mut imap = Imap::login(relay.port, &user, "pass");
    imap.append("INBOX", &Message::plain("Subject: whole\r\n\r\n"));
    imap.send("APPEND INBOX {20+}\r\nSubject: half\r\n\r\nabc");
    hold.wait();
    hold.cut();
    assert!(imap.ended());
    assert_eq!(Imap::login(relay.port, &user, "pass").fetch_all("INBOX").len(), 1);
    relay.assert_all_hit();
}

#[test]
fn relay_withholds_an_answer() {
    let Some((relay, user)) = relayed(Rules::default()) else { return };
    let hold = relay.plan(At::Answer(verb("APPEND")), Act::Hold);
    let mut imap = Imap::login(relay.port, &user, "pass");
    imap.send("APPEND INBOX {20+}\r\nSubject: half\r\n\r\nabc");
    hold.wait();
    let server = dovecot::shared(Format::Sdbox);
    assert_eq!(server.login(&user).fetch_all("INBOX").len(), 1, "the server took it");
    hold.cut();
    assert!(imap.ended());
    // Held and let go: nothing is lost.
    let hold = relay.plan(At::Answered(verb("NOOP")), Act::Hold);
    let mut imap = Imap::login(relay.port, &user, "pass");
    imap.ok("NOOP");
    hold.wait();
    let tag = imap.send("NOOP");
    hold.go_on();
    assert!(imap.answer(&tag).1.starts_with("OK"));
    relay.assert_all_hit();
}

#[test]
fn relay_speaks_for_the_server() {
    let Some((relay, user)) = relayed(Rules::default()) else { return };
    relay.plan(At::Command(verb("NOOP").nth(1)), Act::Say("* garbage ))(".into()));
    relay.plan(At::Answer(verb("NOOP").nth(2)), Act::Answer("NO [INUSE] x".into()));
    relay.plan(At::Command(verb("NOOP").nth(3)), Act::SayAndClose("* BYE busy".into()));
    let mut imap = Imap::login(relay.port, &user, "pass");
    assert_eq!(imap.ok("NOOP"), [b"* garbage ))(".to_vec()]);
    assert_eq!(imap.command("NOOP").1, "NO [INUSE] x");
    imap.send("NOOP");
    assert_eq!(imap.line(), b"* BYE busy");
    assert!(imap.ended());
    relay.assert_all_hit();
}

#[test]
fn relay_hangs_up_on_a_message() {
    let Some((relay, user)) = relayed(Rules::default()) else { return };
    relay.plan(At::LiteralContains(b"poison".to_vec()), Act::Reset);
    for _ in 0..2 {
        let mut imap = Imap::login(relay.port, &user, "pass");
        imap.append("INBOX", &Message::plain("Subject: fine\r\n\r\n"));
        imap.send("APPEND INBOX {20+}\r\nSubject: poison\r\n\r\na");
        assert!(imap.ended());
    }
    assert_eq!(Imap::login(relay.port, &user, "pass").fetch_all("INBOX").len(), 2);
    relay.assert_all_hit();
}

#[test]
fn relay_refuses_and_breaks_at_random() {
    let chaos = Chaos { seed: 7, after: (1, 2000), kinds: vec![Break::Reset, Break::Close, Break::Refuse], limit: 10 };
    let Some((relay, user)) = relayed(Rules { refuse_first: 2, chaos: Some(chaos), ..Rules::default() }) else {
        return;
    };
    let mut attempts = 0;
    loop {
        attempts += 1;
        let tried = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let mut imap = Imap::login(relay.port, &user, "pass");
            for _ in 0..100 {
                imap.ok("NOOP");
            }
        }));
        if tried.is_ok() {
            break;
        }
    }
    let counters = relay.counters();
    assert_eq!((counters.broken, counters.connections), (10, attempts), "{counters:?}");
    assert!(counters.refused >= 2);
    relay.assert_all_hit();
}

#[test]
fn hostile_mailbox_reads_back_equal() {
    if !dovecot::available() {
        return;
    }
    for format in [Format::Sdbox, Format::Maildir] {
        let server = dovecot::shared(format);
        let mailbox = corpus::hostile(1, format);
        let (first, second) = (server.user("hostile"), server.user("hostile"));
        mailbox.load(server, &first);
        mailbox.load(server, &second);
        let (first, second) = (Mailbox::read(&mut server.login(&first)), Mailbox::read(&mut server.login(&second)));
        let names = mailbox.names(format, format);
        compare::assert_equal(&first, &second, &names);
        assert_eq!(first.count(), mailbox.count());
        for folder in &mailbox.folders {
            let found = &first.folders[folder.name(format)];
            assert_eq!(found.subscribed, folder.subscribed);
            for (made, stored) in folder.messages.iter().zip(&found.messages) {
                assert_eq!(made.bytes, stored.bytes);
                assert_eq!(made.flags, stored.flags);
                assert_eq!(imap::instant(made.date.as_ref().expect("a date")), stored.instant, "{:?}", made.date);
            }
        }
    }
}

#[test]
fn the_other_layout_holds_the_expected_names() {
    if !dovecot::available() {
        return;
    }
    // What the table expects at the destination can exist there: a mailbox loaded under those names shows them.
    for (from, to) in [(Format::Sdbox, Format::Maildir), (Format::Maildir, Format::Sdbox)] {
        let (mailbox, source, destination) = (corpus::hostile(2, from), dovecot::shared(from), dovecot::shared(to));
        let (first, second) = (source.user("from"), destination.user("to"));
        mailbox.load(source, &first);
        mailbox.load(destination, &second);
        let (first, second) =
            (Mailbox::read(&mut source.login(&first)), Mailbox::read(&mut destination.login(&second)));
        compare::assert_equal(&first, &second, &mailbox.names(from, to));
    }
}

#[test]
fn comparison_sees_every_difference() {
    if !dovecot::available() {
        return;
    }
    let server = dovecot::shared(Format::Sdbox);
    let (user, mailbox) = (server.user("differs"), corpus::hostile(3, Format::Sdbox));
    mailbox.load(server, &user);
    let names = mailbox.names(Format::Sdbox, Format::Sdbox);
    let whole = Mailbox::read(&mut server.login(&user));
    let spoilt = |spoil: fn(&mut compare::Folder)| {
        let mut other = whole.clone();
        spoil(other.folders.get_mut("INBOX").expect("INBOX"));
        (compare::differences(&whole, &other, &names).len(), compare::losses(&whole, &other, &names).len())
    };
    assert_eq!(spoilt(|_| {}), (0, 0));
    assert_eq!(spoilt(|inbox| drop(inbox.messages.pop())), (1, 1));
    assert_eq!(spoilt(|inbox| inbox.messages.push(inbox.messages[0].clone())), (1, 1));
    assert_eq!(spoilt(|inbox| inbox.messages.swap(0, 1)), (1, 0));
    assert_eq!(spoilt(|inbox| inbox.messages[0].flags.push("$Other".into())), (1, 0));
    assert_eq!(spoilt(|inbox| inbox.messages[0].instant += 1), (1, 0));
    assert_eq!(spoilt(|inbox| inbox.subscribed = !inbox.subscribed), (1, 0));
    let mut other = whole.clone();
    let folder = other.folders.remove("work").expect("work");
    other.folders.insert("WORK".into(), folder);
    assert!(compare::differences(&whole, &other, &names).len() >= 2);
}

#[test]
fn dovecot_speaks_tls_with_its_certificates() {
    if !dovecot::available() {
        return;
    }
    let server = dovecot::shared(Format::Sdbox);
    assert!(Imap::connect(server.plain_port).capabilities().contains(&"STARTTLS".to_owned()));
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(&server.certificates.ca_pem).expect("PEM")).expect("an authority");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.expect("versions").with_root_certificates(roots).with_no_client_auth();
    for name in ["localhost", "127.0.0.1"] {
        let name = ServerName::try_from(name).expect("a name");
        let session = rustls::ClientConnection::new(Arc::new(config.clone()), name).expect("a session");
        let socket = TcpStream::connect(("127.0.0.1", server.tls_port)).expect("the server listens");
        let mut stream = rustls::StreamOwned::new(session, socket);
        let mut greeting = [0; 4];
        stream.read_exact(&mut greeting).expect("a greeting");
        assert_eq!(&greeting, b"* OK");
        let leaf = &stream.conn.peer_certificates().expect("certificates")[0];
        assert_eq!(imap::sha256_hex(leaf), server.certificates.leaf_sha256);
    }
}

#[test]
fn large_mailboxes_load_through_the_relay() {
    let Some((relay, user)) = relayed(Rules::default()) else { return };
    let mailbox = corpus::plain(1200);
    mailbox.load_at(relay.port, Format::Sdbox, &user);
    assert_eq!(Mailbox::read(&mut Imap::login(relay.port, &user, "pass")).count(), 1200);
    assert_eq!(relay.appends().len(), 1200);
    assert!(relay.counters().up > mailbox.bytes() as u64 && relay.counters().down > mailbox.bytes() as u64);
}

#[test]
fn relay_holds_after_so_many_bytes() {
    let Some((relay, user)) = relayed(Rules::default()) else { return };
    let mut imap = Imap::login(relay.port, &user, "pass");
    let hold = relay.plan(At::Bytes(30_000), Act::Hold);
    imap.append("INBOX", &Message::plain(vec![b'x'; 20_000]));
    assert_eq!(hold.count(), 0);
    imap.send(&format!("APPEND INBOX {{20000+}}\r\n{}", "y".repeat(20_000)));
    hold.wait();
    hold.cut();
    assert!(imap.ended());
    assert_eq!(Imap::login(relay.port, &user, "pass").fetch_all("INBOX").len(), 1);
    relay.assert_all_hit();
}

#[test]
fn relay_stalls_without_a_word() {
    let Some((relay, user)) = relayed(Rules::default()) else { return };
    let stall = relay.plan(At::Command(verb("NOOP")), Act::Stall);
    let mut imap = Imap::login(relay.port, &user, "pass");
    imap.send("NOOP");
    stall.wait();
    imap.send("LOGOUT");
    assert_eq!(relay.commands_of("LOGOUT"), [], "nothing is read any more");
    drop(relay); // and its end resets what stands still
    assert!(imap.ended());
}
