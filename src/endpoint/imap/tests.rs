//! What odd servers do, played by a scripted peer.

use bytes::Bytes;

use super::greeting::start_tls;
use super::script::{EXAMINED, ScriptStep, drain, folder, hear, peer, reading, say, session, timeouts, welcome};
use super::scrub::Scrub;
use crate::domain::failure::{Cause, Scope};
use crate::domain::flags::{FlagChange, Flags};
use crate::domain::folder::FolderPath;
use crate::domain::folder::UidValidity;
use crate::domain::ids::Uid;
use crate::domain::message::{Body, InternalDate, NewMessage};
use crate::domain::time::Timestamp;
use crate::endpoint::{Appended, Destination, FlagUpdate, NewFolder, Source, Which};

/// What a stream gives when the peer answers EXAMINE properly and the FETCH like this.
async fn fetched(answer: impl AsRef<[u8]>) -> Vec<String> {
    let (mut source, _peer) = reading("A4 UID FETCH 1:5 (UID FLAGS", vec![say(answer)]).await;
    let which = Which::These((1..=5).map(Uid).collect());
    drain(source.fetch(&folder("box"), &which).await.expect("asked")).await
}

fn message(text: &'static str) -> NewMessage {
    let date = Some(InternalDate {
        text: " 1-Feb-2024 03:04:05 +0100".into(),
        instant: Timestamp::from_millis(1_706_753_045_000),
    });
    NewMessage {
        flags: Flags::from_names([r"\Seen"]),
        date,
        body: Body::Memory(Bytes::from_static(text.as_bytes())),
        hold: None,
        plainly: false,
    }
}

#[tokio::test]
async fn messages_in_every_shape() {
    let got = fetched(concat!(
        "* 1 FETCH (UID 1 FLAGS (\\Seen \\Recent gr\u{fc}n) INTERNALDATE NIL BODY[] {5}\r\none\r\n)\r\n",
        "* 17 EXISTS\r\n* OK [INPROGRESS (\"A4\" 1 5)] still here {3}\r\n* VANISHED 3\r\n* 9 EXPUNGE\r\n",
        "* 2 FETCH (FLAGS () BODY[] {3}\r\nt\0o X-NEW (1 (\"a)\" {2}\r\n(( NIL)) RFC822.SIZE 99999999999 UID 2)\r\n",
        "* 3 FETCH (UID 3 BODY[]<0> \"q\\\"uoted\" MODSEQ (12))\r\n",
        "* 4 FETCH (UID 4 RFC822.SIZE 12 BODY[] NIL)\r\n",
        "* 5 FETCH (UID 5 RFC822.SIZE 0 BODY[] \"\")\r\n",
        "* 1 FETCH (UID 1 FLAGS (\\Seen))\r\n",
        "* 3 FETCH (UID 3 BODY[] {5}\r\ntwice)\r\n",
        "* 9 FETCH (UID 9 BODY[] {5}\r\nother)\r\n",
        "A4 OK done\r\n",
    ))
    .await;
    assert_eq!(got, ["1:one\r\n", "2:t\0o", "3:q\"uoted", "5:", "4 MessageUnreadable"]);
}

#[tokio::test]
async fn an_empty_body_of_a_message_with_a_size_is_unreadable() {
    assert_eq!(fetched("* 1 FETCH (UID 1 RFC822.SIZE 9 BODY[] {0}\r\n)\r\nA4 OK x\r\n").await, ["1 MessageUnreadable"]);
}

#[tokio::test]
async fn p1_a_line_that_cannot_be_read_spoils_no_other_message() {
    let bomb = format!("* 1 FETCH (X {})\r\n", "(".repeat(100_000));
    let whole =
        "* 2 FETCH (UID 2 FLAGS () INTERNALDATE \" 1-Feb-2024 03:04:05 +0100\" RFC822.SIZE 2 BODY[] {2}\r\nhi)\r\n";
    for odd in [
        "HTTP/1.1 400 Bad Request\r\n",
        "\r\n",
        "* 1 FETCH (UID x)\r\n",
        "* 1 FETCH what\r\n",
        "A2 OK twice\r\n",
        &bomb,
    ] {
        for answer in [format!("{odd}{whole}A4 OK x\r\n"), format!("{whole}{odd}A4 OK x\r\n")] {
            let shown: String = answer.chars().take(60).collect();
            assert_eq!(fetched(&answer).await, ["2:hi"], "{shown}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn p4_a_refusal_that_names_no_command_is_the_answer_after_a_minute() {
    let began = tokio::time::Instant::now();
    let (mut source, _peer) =
        reading("A4 UID FETCH 1:5 (UID FLAGS", vec![say("* BAD I do not know FETCH\r\n"), ScriptStep::Stall]).await;
    let which = Which::These((1..=5).map(Uid).collect());
    let got = drain(source.fetch(&folder("box"), &which).await.expect("asked")).await;
    assert_eq!(got, ["MessageUnreadable Folder"]);
    assert_eq!(began.elapsed().as_secs(), 60);
}

#[tokio::test(start_paused = true)]
async fn p4_what_a_server_leaves_unanswered_is_done_without() {
    let steps = vec![
        say("* OK hello\r\n"),
        hear("A1 CAPABILITY"),
        hear("A2 LOGIN"),
        say("A2 OK [CAPABILITY IMAP4rev1 NAMESPACE ID] in\r\n"),
        hear("A3 NAMESPACE"),
        hear("A4 ID"),
        hear("A5 LIST \"\" \"\""),
        say("* LIST () \"/\" \"\"\r\nA5 OK done\r\nA3 OK at last\r\n"),
        hear("A6 EXAMINE"),
        say("* 0 EXISTS\r\nA6 OK done\r\n"),
        ScriptStep::Stall,
    ];
    let (opened, _peer) = session(steps).await;
    let mut source = opened.expect("logged in");
    source.examine(&crate::endpoint::FolderRef { validity: None, ..folder("box") }).await.expect("opened");
}

#[tokio::test]
async fn what_is_no_imap_ends_the_stream_with_nonsense() {
    let endless = vec![b'x'; 10 << 20];
    let long_name = format!("* LIST () \"/\" {{400000}}\r\n{}", "x".repeat(400_000));
    let cases: [&[u8]; 7] = [
        b"* 1 FETCH (UID 1 BODY[] {99999999999}\r\n",
        b"* 1 FETCH (UID 1 BODY[] {99999999999999999999999}\r\n",
        b"* 1 FETCH (UID 1 BODY[] {-5}\r\nabc)\r\n",
        b"* 1 FETCH (UID 1 BODY[] \"never ends\r\n",
        b"A99 OK who?\r\n",
        &endless,
        long_name.as_bytes(),
    ];
    for case in cases {
        let shown = String::from_utf8_lossy(&case[..case.len().min(60)]).into_owned();
        assert_eq!(fetched(case).await, ["Nonsense Connection"], "{shown}");
    }
}

#[tokio::test]
async fn a_stream_cut_off_says_so() {
    for cut in ["", "* 1 FE", "* 1 FETCH (UID 1 BODY[] {500}\r\nonly this", "* 1 FETCH (UID 1 BODY[] {3}\r\nabc"] {
        assert_eq!(fetched(cut).await, ["ConnectionLost Connection"], "{cut}");
    }
    assert_eq!(fetched("* BYE Too many connections\r\n").await, ["TooManyConnections Mailbox"]);
    assert_eq!(fetched("A4 NO cannot\r\n").await, ["MessageUnreadable Folder"]);
    assert_eq!(fetched("A4 NO [EXPUNGEISSUED] gone\r\n").await, Vec::<String>::new());
    let gone = "* 1 FETCH (UID 1 RFC822.SIZE 9 BODY[] NIL)\r\n* 2 FETCH (UID 2 BODY[] {1}\r\nx)\r\nA4 OK [EXPUNGEISSUED] x\r\n";
    assert_eq!(fetched(gone).await, ["2:x"]);
}

#[tokio::test]
async fn a_dropped_session_breaks_its_stream() {
    let mut steps = welcome("");
    steps.extend([
        hear("A3 EXAMINE"),
        say(EXAMINED),
        hear("A4"),
        say("* 1 FETCH (UID 1 FLAGS () INTERNALDATE NIL BODY[] {2}\r\nab)\r\n"),
        ScriptStep::Stall,
    ]);
    let (opened, _peer) = session(steps).await;
    let mut source = opened.expect("logged in");
    let mut stream = source.fetch(&folder("box"), &Which::All).await.expect("asked");
    assert!(stream.recv().await.is_some());
    drop(source);
    assert_eq!(drain(stream).await, ["ConnectionLost Connection"]);
}

#[tokio::test]
async fn a_reader_who_goes_away_ends_the_connection() {
    let mut steps = welcome("");
    let many = "* 1 FETCH (UID 1 FLAGS () INTERNALDATE NIL BODY[] {2}\r\nab)\r\n".to_owned()
        + &"* 2 FETCH (UID 2 FLAGS () INTERNALDATE NIL BODY[] {2}\r\nab)\r\n".repeat(9);
    steps.extend([hear("A3 EXAMINE"), say(EXAMINED), hear("A4"), say(many), ScriptStep::Stall]);
    let (opened, _peer) = session(steps).await;
    let mut source = opened.expect("logged in");
    drop(source.fetch(&folder("box"), &Which::All).await.expect("asked"));
    let failure = source.list().await.expect_err("no connection");
    assert_eq!((failure.cause, failure.scope), (Cause::ConnectionLost, Scope::Connection));
}

#[tokio::test]
async fn a_password_echoed_back_is_hidden() {
    let steps = vec![
        say("* OK [CAPABILITY IMAP4rev1] hello\r\n"),
        hear("A1 LOGIN \"user\" \"password\""),
        say("A1 NO bad login user PASSWORD (cGFzc3dvcmQ=)\r\n"),
    ];
    let (opened, _peer) = session(steps).await;
    let failure = opened.err().expect("refused");
    assert_eq!(failure.cause, Cause::LoginRefused);
    assert_eq!(failure.server_text.as_deref(), Some("bad login user <hidden> (<hidden>=)"));
}

#[tokio::test]
async fn login_without_initial_response_waits_for_the_server() {
    let steps = vec![
        say("* OK hello\r\n"),
        hear("A1 CAPABILITY"),
        say("* CAPABILITY IMAP4rev1 AUTH=PLAIN LOGINDISABLED\r\nA1 OK x\r\n"),
        hear("A2 AUTHENTICATE PLAIN"),
        say("+ \r\n"),
        hear("AHVzZXIAcGFzc3dvcmQ="),
        say("A2 OK in\r\n"),
        hear("A3 CAPABILITY"),
        say("* CAPABILITY IMAP4rev1 ID\r\nA3 OK x\r\n"),
        hear("A4 LIST \"\" \"\""),
        say("* LIST (\\Noselect) \".\" \"\"\r\nA4 OK x\r\n"),
        hear("A5 ID (\"name\" \"Mailferry\""),
        say("A5 BAD what?\r\n"),
    ];
    let (opened, _peer) = session(steps).await;
    let session = opened.expect("logged in");
    assert_eq!(session.limits().separator, Some('.'));
    let (opened, _peer) = session_without_password().await;
    assert_eq!(opened.map(|f| f.cause), Some(Cause::NoPasswords));
}

async fn session_without_password() -> (Option<crate::domain::failure::Failure>, super::script::Peer) {
    let (opened, peer) = session(vec![say("* OK [CAPABILITY IMAP4rev1 LOGINDISABLED] hello\r\n"), hear("never")]).await;
    (opened.err(), peer)
}

#[tokio::test]
async fn a_synchronising_literal_may_be_refused() {
    let mut steps = welcome("");
    steps.extend([
        hear("A3 APPEND \"box\" (\\Seen) \" 1-Feb-2024 03:04:05 +0100\" {3}"),
        say("A3 NO [TOOBIG] no\r\n"),
        hear("A4 APPEND"),
        say("+ go\r\n"),
        ScriptStep::Swallow(3),
        hear(""),
        say("A4 OK [APPENDUID 7 12] done\r\n"),
    ]);
    let (opened, peer) = session(steps).await;
    let mut destination = opened.expect("logged in");
    let refused =
        destination.append(&folder("box"), vec![message("abc")]).await.expect("sent").await.expect("answered");
    let refused = refused.expect_err("refused");
    assert_eq!((refused.failure.cause, refused.answered), (Cause::TooBig, true));
    let added = destination.append(&folder("box"), vec![message("abc")]).await.expect("sent").await.expect("answered");
    // Without UIDPLUS, an APPENDUID is not believed.
    assert_eq!(added.expect("added"), [Appended { at: None }]);
    drop(peer);
}

#[tokio::test]
async fn appends_are_pipelined_and_lost_answers_are_failures() {
    let mut steps = welcome("LITERAL+ UIDPLUS APPENDLIMIT=10");
    let one = "A3 APPEND \"box\" (\\Seen) \" 1-Feb-2024 03:04:05 +0100\" {3+}";
    steps.extend([
        hear(one),
        hear("abc"),
        hear("A4 APPEND"),
        hear("def"),
        hear("A5 APPEND"),
        hear("ghi"),
        say("A3 OK [APPENDUID 7 12] done\r\n* 4 EXISTS\r\nA4 NO [OVERQUOTA] full\r\n"),
    ]);
    let (opened, _peer) = session(steps).await;
    let mut destination = opened.expect("logged in");
    assert_eq!(destination.limits().message_bytes, Some(10));
    let mut answers = Vec::new();
    for text in ["abc", "def", "ghi"] {
        answers.push(destination.append(&folder("box"), vec![message(text)]).await.expect("sent"));
    }
    let too_big = destination.append(&folder("box"), vec![message("12345678901")]).await.expect_err("too big");
    assert_eq!((too_big.cause, too_big.scope), (Cause::TooBig, Scope::Message));
    let mut results = Vec::new();
    for answer in answers {
        results.push(answer.await.expect("answered").map(|a| a[0].at).map_err(|not| not.failure.cause));
    }
    assert_eq!(
        results,
        [Ok(UidValidity::new(7).zip(Some(Uid(12)))), Err(Cause::DestinationFull), Err(Cause::ConnectionLost)]
    );
}

#[tokio::test]
async fn an_append_given_up_half_way_ends_the_connection() {
    let mut steps = welcome("");
    steps.extend([hear("A3 APPEND"), ScriptStep::Stall]);
    let (opened, _peer) = session(steps).await;
    let mut destination = opened.expect("logged in");
    let target = folder("box");
    let append = destination.append(&target, vec![message("abc")]);
    assert!(tokio::time::timeout(std::time::Duration::from_millis(50), append).await.is_err());
    let failure = destination.examine(&folder("box")).await.expect_err("out of step");
    assert_eq!(failure.scope, Scope::Connection);
}

#[tokio::test]
async fn another_uidvalidity_stops_what_was_asked() {
    let mut steps = welcome("");
    let other = EXAMINED.replace("UIDVALIDITY 7", "UIDVALIDITY 8");
    steps.extend([
        hear("A3 EXAMINE"),
        hear("A4 UID FETCH"),
        say(other),
        say("* 1 FETCH (UID 1 BODY[] {2}\r\nab)\r\nA4 OK x\r\n"),
    ]);
    let (opened, _peer) = session(steps).await;
    let mut source = opened.expect("logged in");
    let got = drain(source.fetch(&folder("box"), &Which::All).await.expect("asked")).await;
    assert_eq!(got, ["FolderChanged Folder"]);
}

#[tokio::test]
async fn flags_are_changed_in_one_flight_and_held_back_answers_do_no_harm() {
    let mut steps = welcome("LITERAL+");
    steps.extend([
        hear("A3 SELECT \"box\""),
        hear("A4 UID STORE 1:2,9 +FLAGS.SILENT (\\Flagged)"),
        hear("A5 UID STORE 1:2,9 -FLAGS.SILENT (\\Seen old)"),
        say(EXAMINED),
        say("A4 OK x\r\nA5 NO [EXPUNGEISSUED] some are gone\r\n"),
        hear("A6 APPEND"),
        hear("abc"),
        hear("A7 SELECT"),
        hear("A8 UID FETCH 2:* (UID FLAGS RFC822.SIZE)"),
        say(EXAMINED.replace("A3", "A7")),
        say("* 2 FETCH (UID 5 FLAGS (\\Seen) RFC822.SIZE 10)\r\nA6 OK late\r\n* 1 FETCH (UID 1 FLAGS () RFC822.SIZE 10)\r\n"),
        say("* 2 FETCH (UID 5 FLAGS ())\r\n* 3 FETCH (UID 6 FLAGS ())\r\nA8 OK x\r\n"),
    ]);
    let (opened, _peer) = session(steps).await;
    let mut destination = opened.expect("logged in");
    let change = FlagChange { add: Flags::from_names([r"\Flagged"]), remove: Flags::from_names([r"\Seen", "old"]) };
    let updates = [FlagUpdate { uids: vec![Uid(1), Uid(2), Uid(9)], change }];
    destination.update_flags(&folder("box"), &updates).await.expect("changed");
    let _answer = destination.append(&folder("box"), vec![message("abc")]).await.expect("sent");
    let found = destination.scan(&folder("box"), &Which::From(Uid(2)), false).await.expect("scanned");
    assert_eq!(
        found
            .iter()
            .map(|m| (m.uid, m.size, m.flags.as_ref().map(ToString::to_string).unwrap_or_default()))
            .collect::<Vec<_>>(),
        // That UID 6 has no size says nothing against its being there.
        [(Uid(5), 10, String::new()), (Uid(6), 0, String::new())]
    );
}

#[tokio::test]
async fn listing_asks_only_for_what_is_advertised() {
    let mut steps = welcome("");
    steps.extend([
        hear("A3 LIST \"\" \"*\""),
        hear("A4 LSUB \"\" \"*\""),
        say("* LIST () \"/\" inbox\r\n* LIST (\\Noselect) \"/\" a\r\n* LIST (\\Sent) \"/\" {3}\r\na/b\r\n"),
        say("* LIST () NIL \"we\\\"ird\" (\"CHILDINFO\" (\"SUBSCRIBED\"))\r\nA3 OK x\r\n* LSUB () \"/\" INBOX\r\nA4 OK x\r\n"),
        hear("A5 STATUS \"INBOX\" (MESSAGES UIDNEXT UIDVALIDITY)"),
        hear("A6 STATUS \"a/b\""),
        hear("A7 STATUS \"we\\\"ird\""),
        say("* STATUS Inbox (UIDNEXT 5 MESSAGES 4 X-ODD (1 2) UIDVALIDITY 9)\r\nA5 OK x\r\nA6 NO no\r\n"),
        say("* STATUS \"we\\\"ird\" (MESSAGES 0)\r\nA7 OK x\r\n"),
    ]);
    let (opened, _peer) = session(steps).await;
    let folders = opened.expect("logged in").list().await.expect("listed");
    let shown: Vec<_> =
        folders.iter().map(|f| (f.path.to_string(), f.selectable, f.subscribed, f.state.map(|s| s.messages))).collect();
    let expected = [
        ("INBOX", true, true, Some(4)),
        ("a", false, false, None),
        ("a/b", true, false, None),
        ("we\"ird", true, false, None),
    ];
    assert_eq!(shown, expected.map(|(n, a, b, c)| (n.to_owned(), a, b, c)));
    assert_eq!(folders[2].role, Some(crate::domain::folder::Role::Sent));
}

#[tokio::test]
async fn plain_parents_are_made_only_by_those_who_need_them() {
    let new = |components: &[&str], plain_parent| NewFolder {
        path: FolderPath::new(components.iter().copied()),
        role: None,
        plain_parent,
    };
    let folders = [new(&["a"], true), new(&["a", "b"], false), new(&["c"], true), new(&["c", "d"], false)];
    for (answer, again) in [("A3 OK made\r\nA4 OK made\r\n", false), ("A3 OK made\r\nA4 NO no parent\r\n", true)] {
        let mut steps = welcome("");
        steps.extend([hear("A3 CREATE \"a/b\""), hear("A4 CREATE \"c/d\""), say(answer)]);
        if again {
            steps.extend([hear("A5 CREATE \"c\""), say("A5 OK made\r\n")]);
            steps.extend([hear("A6 CREATE \"c/d\""), say("A6 OK made\r\n")]);
        }
        let (opened, _peer) = session(steps).await;
        let made = opened.expect("logged in").create(&folders).await.expect("answers");
        let names: Vec<_> =
            made.into_iter().map(|one| String::from_utf8(one.expect("made").0).expect("text")).collect();
        assert_eq!(names, ["a", "a/b", "c", "c/d"]);
    }
}

#[tokio::test]
async fn tls_is_never_pretended() {
    let hello = "* OK [CAPABILITY IMAP4rev1 STARTTLS] hello\r\n";
    for (steps, cause) in [
        (vec![say("* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hello\r\n"), hear("never")], Cause::TlsFailed),
        (vec![say(hello), hear("A2 STARTTLS"), say("A2 NO not today\r\n")], Cause::TlsFailed),
        (
            vec![say(hello), hear("A2 STARTTLS"), say("A2 OK go\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n")],
            Cause::TlsFailed,
        ),
        (vec![say("* PREAUTH hello\r\n")], Cause::MailboxNotOpened),
        (
            vec![say("* OK hello\r\n"), hear("A1 CAPABILITY"), say("* CAPABILITY IMAP4rev1\r\nA1 OK x\r\n")],
            Cause::TlsFailed,
        ),
    ] {
        let (io, _peer) = peer(steps);
        assert_eq!(start_tls(Box::new(io), &Scrub::default(), &timeouts()).await.err().map(|f| f.cause), Some(cause));
    }
}

#[tokio::test]
async fn the_log_holds_no_password_and_no_message() {
    #[derive(Clone, Default)]
    struct Log(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);
    impl std::io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("log").extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_env_filter("trace").with_writer(move || writer.clone()).finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let mut steps = welcome("LITERAL+");
    steps.insert(2, say("* OK you said AHVzZXIAcGFzc3dvcmQ=, that is Password\r\n"));
    steps.extend([
        hear("A3 APPEND"),
        hear("topsecret"),
        say("A3 NO no\r\n"),
        hear("A4 EXAMINE"),
        say(EXAMINED.replace("A3", "A4")),
    ]);
    steps.extend([hear("A5 UID FETCH"), say("* 1 FETCH (UID 1 BODY[] {9}\r\ntopsecret)\r\nA5 OK x\r\n")]);
    let (opened, _peer) = session(steps).await;
    let mut destination = opened.expect("logged in");
    let answer = destination.append(&folder("box"), vec![message("topsecret")]).await.expect("sent").await;
    assert!(answer.expect("answered").is_err());
    assert_eq!(drain(destination.fetch(&folder("box"), &Which::All).await.expect("asked")).await, ["1:topsecret"]);
    drop(guard);
    let log = String::from_utf8(log.0.lock().expect("log").clone()).expect("text").to_ascii_lowercase();
    assert!(log.contains("authenticate <hidden>") && log.contains("uid fetch"), "{log}");
    for secret in ["password", "ahvzzxiacgfzc3dvcmq", "topsecret"] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}

mod oracle {
    use proptest::prelude::*;

    use crate::endpoint::imap::response::{ServerResponse, parse};
    use crate::endpoint::imap::token::{Literal, Raw};

    proptest! {
        #[test]
        fn reads_messages_alike(
            uid in 1u32.., size: u32, seq in 1u32..,
            flags in proptest::collection::vec("[$A-Za-z][A-Za-z0-9_]{0,8}", 0..5),
            header in "[ -~]{0,30}", order in 0usize..4,
        ) {
            let mut parts = [
                format!("UID {uid}"),
                format!("FLAGS ({})", flags.join(" ")),
                format!("RFC822.SIZE {size}"),
                format!("BODY[HEADER] {{{}}}\r\n{header}", header.len()),
            ];
            parts.rotate_left(order);
            let wire = format!("* {seq} FETCH ({})\r\n", parts.join(" "));
            let (_, theirs) = imap_proto::Response::parse(wire.as_bytes()).expect("the oracle reads it");
            let text = wire.replacen(&format!("}}\r\n{header}"), "}\r\n", 1);
            let ours = parse(Raw { text: text.into_bytes(), literals: vec![Literal::small(header.into_bytes())] });
            let Ok(ServerResponse::Fetch(ours)) = ours else { return Err(TestCaseError::fail("no FETCH")) };
            let imap_proto::Response::Fetch(_, attributes) = theirs else { return Err(TestCaseError::fail("oracle")) };
            for attribute in attributes {
                match attribute {
                    imap_proto::AttributeValue::Uid(n) => prop_assert_eq!(ours.uid, Some(crate::domain::ids::Uid(n.into()))),
                    imap_proto::AttributeValue::Rfc822Size(n) => prop_assert_eq!(ours.size, Some(n)),
                    imap_proto::AttributeValue::Flags(words) => {
                        let words = crate::domain::flags::Flags::from_names(words.iter().map(|w| &**w));
                        prop_assert_eq!(ours.flags.as_ref(), Some(&words));
                    }
                    imap_proto::AttributeValue::BodySection { data, .. } => {
                        prop_assert_eq!(ours.header.as_deref(), data.as_deref());
                    }
                    _ => {}
                }
            }
        }

        #[test]
        fn nothing_a_server_says_makes_us_panic(text: Vec<u8>, start in 0usize..8) {
            let starts = ["", "* ", "* 1 FETCH (", "* LIST (", "* STATUS x (", "* NAMESPACE ((", "A1 OK [", "* OK ["];
            let text = [starts[start].as_bytes(), &text, b"\r\n"].concat();
            drop(parse(Raw { text, literals: vec![Literal::small("x")] }));
        }
    }
}
