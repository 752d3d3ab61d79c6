//! J.2: what is refused in one form is said in a plainer one.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use super::{Inside, Odds};
use crate::support::bench::runtime;
use crate::support::odd::MODERN;
use crate::support::peer::{Line, Peer};
use crate::support::product::{PROJECT, Workspace, plain};
use crate::support::relay::{Heard, Said};

/// LSUB tells of both folders.
fn subscribed(heard: &Heard<'_>) -> Said {
    match heard.verb == "LSUB" && heard.line.starts_with('A') {
        true => Said::Instead(format!("* LSUB () \"/\" \"INBOX\"\r\n* LSUB () \"/\" \"Work\"\r\n{}", heard.line)),
        false => Said::Kept,
    }
}

#[test]
fn p2_a_list_that_is_refused_in_one_form_is_asked_for_in_another() {
    for (told, refused) in [("with options", "RETURN"), ("at all", "")] {
        for answer in ["NO not in this form", "BAD what?", "NO [CANNOT] no"] {
            runtime().block_on(async {
                let inside = Inside::new(MODERN).await;
                let deny = move |verb: &str, arguments: &str| {
                    let bad = verb == "LIST" && arguments.contains(refused) && arguments.contains('*');
                    bad.then(|| answer.to_owned())
                };
                inside.source.deny(deny);
                match refused.is_empty() {
                    true => inside.source.bend(subscribed),
                    false => inside.destination.deny(deny),
                }
                inside.moves_all(&format!("{told}: {answer}")).await;
            });
        }
    }
}

#[test]
fn p2_what_may_be_refused_is_done_without() {
    for verb in ["STATUS", "LSUB", "NAMESPACE", "ID", "CAPABILITY", "ENABLE", "NOOP", "SUBSCRIBE"] {
        for (answer, capabilities) in [("NO not here", MODERN), ("BAD what?", "LITERAL+ NAMESPACE ID")] {
            runtime().block_on(async {
                let inside = Inside::new(capabilities).await;
                for server in [&inside.source, &inside.destination] {
                    server.deny(move |asked, _| (asked == verb).then(|| answer.to_owned()));
                    server.state().boxes.iter_mut().for_each(|one| one.attributes = "\\Subscribed".into());
                }
                inside.moves_all(&format!("{verb}: {answer}")).await;
            });
        }
    }
}

#[test]
fn p2_headers_that_are_refused_in_one_form_are_asked_for_in_another() {
    for answer in ["NO not like this", "BAD what?", "NO [CANNOT] no"] {
        runtime().block_on(async {
            let inside = Inside::new(MODERN).await;
            // Something is there to be compared.
            inside.destination.fill("INBOX", 0..2);
            for server in [&inside.source, &inside.destination] {
                server.deny(move |verb, arguments| {
                    (verb == "UID FETCH" && arguments.contains("PEEK[HEADER]")).then(|| answer.to_owned())
                });
            }
            let (counts, _) = inside.pass(answer).await;
            assert_eq!((counts.copied, counts.already_there, counts.errors), (6, 2, 0), "{answer}");
            let asked = inside.destination.state().heard.iter().filter(|one| one.contains("RFC822.HEADER")).count();
            assert!(asked > 0, "{answer}");
            inside.is_copied("INBOX", answer);
        });
    }
}

#[test]
fn p2_what_is_temporarily_unavailable_is_asked_for_again() {
    let places = [(true, "LOGIN"), (true, "LIST"), (true, "EXAMINE"), (true, "UID FETCH")];
    let there = [(false, "LOGIN"), (false, "SELECT"), (false, "CREATE"), (false, "APPEND")];
    for (at_source, verb) in places.into_iter().chain(there) {
        for words in ["NO Temporary unavailable", "NO [UNAVAILABLE] come back later"] {
            runtime().block_on(async {
                let inside = Inside::new(MODERN).await;
                let said = AtomicU32::new(0);
                let server = if at_source { &inside.source } else { &inside.destination };
                server.deny(move |asked, _| {
                    (asked == verb && said.fetch_add(1, Ordering::SeqCst) < 2).then(|| words.to_owned())
                });
                let (counts, ran) = inside.pass(words).await;
                assert_eq!((counts.copied, counts.errors, counts.differ), (8, 0, 0), "{verb}: {words}: {ran:?}");
                let mut there = inside.destination.subjects("INBOX");
                there.sort();
                assert_eq!(there, inside.source.subjects("INBOX"), "{verb}: {words}");
            });
        }
    }
}

#[test]
fn p2_a_folder_that_is_to_be_created_for_a_moment_only_is_waited_for() {
    for capabilities in [MODERN, "UIDPLUS LITERAL+ MULTIAPPEND"] {
        let odds = Odds::new(capabilities);
        let refused = AtomicU32::new(0);
        odds.destination.deny(move |verb, arguments| {
            let first = verb == "APPEND" && arguments.contains("Work") && refused.fetch_add(1, Ordering::SeqCst) < 4;
            first.then(|| "NO [TRYCREATE] not there yet".to_owned())
        });
        let (output, item) = odds.start(0);
        assert_eq!((item.messages("copied"), item.messages("errors")), (8, 0), "{}", output.stderr);
        let mut there = odds.destination.subjects("Work");
        there.sort();
        assert_eq!(there, odds.source.subjects("Work"), "{capabilities}");
    }
}

#[test]
fn p2_a_folder_that_was_created_under_another_name_is_found() {
    let odds = Odds::modern();
    odds.source.fill("Plans: 2003", 20..23);
    let other = Arc::new(Mutex::new(()));
    odds.destination.deny(move |verb, arguments| {
        let _one = other.lock();
        (verb == "CREATE" && arguments.contains("Plans:")).then(|| "OK created as Plans_ 2003".to_owned())
    });
    odds.destination.state().make("Plans_ 2003");
    // It is listed only after it was made.
    let made = AtomicU32::new(0);
    odds.destination.bend(move |heard| {
        if heard.verb == "CREATE" {
            made.store(1, Ordering::SeqCst);
        }
        let hidden = made.load(Ordering::SeqCst) == 0 && heard.line.contains("Plans_");
        if hidden { Said::Nothing } else { Said::Kept }
    });
    for copied in [11, 0] {
        let (output, item) = odds.start(0);
        assert_eq!((item.messages("copied"), item.messages("errors")), (copied, 0), "{}", output.stderr);
        assert_eq!(odds.destination.subjects("Plans_ 2003"), odds.source.subjects("Plans: 2003"));
    }
}

/// Offers these ways to log in, takes one of them, and knows no more. What it was asked is kept.
fn gate(capabilities: &'static str, refusal: &'static str) -> (Peer, Arc<Mutex<Vec<String>>>) {
    let heard: Arc<Mutex<Vec<String>>> = Arc::default();
    let record = Arc::clone(&heard);
    let peer = Peer::start(move |mut line: Line, _| {
        line.say(&format!("* OK [CAPABILITY IMAP4rev1 {capabilities}] ready"));
        while let Some(said) = line.read() {
            let (tag, rest) = said.split_once(' ').unwrap_or((&said, ""));
            let verb = rest.split(' ').next().unwrap_or_default().to_owned();
            record.lock().expect("the record").push(verb.clone());
            match verb.as_str() {
                "AUTHENTICATE" if refusal.is_empty() => line.say(&format!("{tag} OK in")),
                "AUTHENTICATE" => line.say(&format!("{tag} {refusal}")),
                "LOGIN" => line.say(&format!("{tag} OK in")),
                "LIST" => line.say(&format!("* LIST () \"/\" INBOX\r\n{tag} OK done")),
                "EXAMINE" | "SELECT" => {
                    line.say(&format!("* 0 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 1] x\r\n{tag} OK done"));
                }
                "LOGOUT" => return line.close(),
                _ => line.say(&format!("{tag} OK done")),
            }
        }
    });
    (peer, heard)
}

fn verify(peer: &Peer) -> (Workspace, crate::support::product::Output) {
    let workspace = Workspace::new();
    let there = crate::support::odd::Odd::start(MODERN);
    workspace.project_new(&plain(peer.port), &plain(there.port), &[]);
    workspace.import(&[("anna".into(), "bert".into())]);
    let output = workspace.run(&["start", PROJECT, "--pass", "verify"]);
    (workspace, output)
}

#[test]
fn p2_a_refused_mechanism_is_no_judgement_on_the_password() {
    for refusal in [
        "NO PLAIN not supported, use LOGIN",
        "NO Unsupported authentication mechanism",
        "BAD what?",
        "NO [CANNOT] mechanism not enabled here",
    ] {
        let (peer, heard) = gate("AUTH=PLAIN SASL-IR", refusal);
        verify(&peer).1.expect(0);
        let logins = heard.lock().expect("the record").iter().filter(|verb| *verb == "LOGIN").count();
        assert!(logins >= 1, "{refusal}");
    }
    for refusal in ["NO wrong password", "NO [AUTHENTICATIONFAILED] mechanism unsupported", "NO user not enabled"] {
        let (peer, heard) = gate("AUTH=PLAIN SASL-IR", refusal);
        let output = verify(&peer).1.expect(1);
        assert!(
            output.stderr.contains("refused the login") || output.stdout.contains("refused the login"),
            "{output:?}"
        );
        let asked = heard.lock().expect("the record").clone();
        assert_eq!(
            asked.iter().filter(|verb| matches!(verb.as_str(), "LOGIN" | "AUTHENTICATE")).count(),
            1,
            "{refusal}"
        );
    }
}

#[test]
fn p4_where_no_password_is_taken_none_is_sent_and_that_is_said() {
    for (capabilities, words) in [
        ("LOGINDISABLED", "takes no passwords on this connection"),
        ("LOGINDISABLED AUTH=XOAUTH2", "takes only OAuth"),
        ("LOGINDISABLED STARTTLS", "wants a protected connection first"),
    ] {
        let (peer, heard) = gate(capabilities, "");
        let output = verify(&peer).1.expect(1);
        let said = format!("{}{}", output.stdout, output.stderr);
        assert!(said.contains(words) && !said.contains("app password"), "{capabilities}: {said}");
        let asked = heard.lock().expect("the record").clone();
        assert!(!asked.iter().any(|verb| matches!(verb.as_str(), "LOGIN" | "AUTHENTICATE")), "{asked:?}");
    }
}

#[test]
fn p5_a_destination_that_takes_nothing_for_a_folder_open_to_be_read_gets_everything() {
    for capabilities in ["UIDPLUS", "LITERAL+", "UIDPLUS LITERAL+ MULTIAPPEND"] {
        runtime().block_on(async {
            let inside = Inside::new(capabilities).await;
            inside.source.fill("INBOX", 100..140);
            inside.source.fill("Work", 200..240);
            // As Courier does.
            let read = Mutex::new(String::new());
            inside.destination.deny(move |verb, arguments| {
                let mut read = read.lock().expect("no panic");
                let folder = arguments.split('"').nth(1).unwrap_or_default();
                match verb {
                    "EXAMINE" => folder.clone_into(&mut read),
                    "SELECT" => read.clear(),
                    "APPEND" if *read == folder => return Some("NO Current box is selected READ-ONLY.".to_owned()),
                    _ => {}
                }
                None
            });
            for copied in [88, 0] {
                let (counts, ran) = inside.pass(capabilities).await;
                assert_eq!((counts.copied, counts.errors), (copied, 0), "{capabilities}: {ran:?}");
            }
            inside.is_copied("INBOX", capabilities);
        });
    }
}
