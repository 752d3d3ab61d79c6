//! Servers that advertise a form and do not understand it get the plain one, once, and are not asked in the other again.

use bytes::Bytes;

use super::Login;
use super::script::{EXAMINED, ScriptStep, folder, hear, log_in_as, said, say, session, welcome};
use crate::domain::failure::Cause;
use crate::domain::flags::Flags;
use crate::domain::ids::Uid;
use crate::domain::message::{Body, NewMessage};
use crate::domain::secret::Secret;
use crate::domain::server::AdminLogin;
use crate::endpoint::auth::Proof;
use crate::endpoint::{Destination, Source, Which};

const BAD: &str = "BAD [CLIENTBUG] what?\r\n";

#[tokio::test]
async fn folders_are_listed_and_counted_plainly_by_who_understands_no_more() {
    let mut steps = welcome("LIST-EXTENDED LIST-STATUS CONDSTORE OBJECTID");
    steps.extend([hear("A3 LIST \"\" \"*\" RETURN"), say(format!("A3 {BAD}"))]);
    let listed = "* LIST () \"/\" INBOX\r\n* LIST () \"/\" Work\r\n";
    let states = "* STATUS INBOX (MESSAGES 4 UIDNEXT 9 UIDVALIDITY 2)\r\n";
    steps.extend([hear("A4 LIST"), hear("A5 LSUB"), say(format!("{listed}A4 OK x\r\nA5 OK x\r\n"))]);
    steps.extend([
        hear("A6 STATUS \"INBOX\" (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ MAILBOXID)"),
        hear("A7 STATUS"),
    ]);
    steps.extend([say(format!("A6 {BAD}A7 {BAD}")), hear("A8 STATUS \"INBOX\" (MESSAGES UIDNEXT UIDVALIDITY)")]);
    steps.extend([hear("A9 STATUS"), say(format!("{states}A8 OK x\r\nA9 NO not now\r\n"))]);
    // A second time it is not asked what it does not understand.
    steps.extend([hear("A10 LIST \"\" \"*\""), hear("A11 LSUB"), say(format!("{listed}A10 OK x\r\nA11 OK x\r\n"))]);
    steps.extend([hear("A12 STATUS \"INBOX\" (MESSAGES UIDNEXT UIDVALIDITY)"), hear("A13 STATUS")]);
    steps.push(say(format!("{states}A12 OK x\r\nA13 BAD what?\r\n")));
    let (opened, mut peer) = session(steps).await;
    let mut source = opened.expect("logged in");
    for _ in 0..2 {
        let folders = source.list().await.expect("listed");
        let told: Vec<_> = folders.iter().map(|one| one.state.map(|state| state.messages)).collect();
        assert_eq!(told, [Some(4), None]);
    }
    let heard = (&mut peer.0).await.expect("played");
    assert!(!heard[9].contains("RETURN"), "{heard:?}");
}

#[tokio::test]
async fn headers_and_ids_are_asked_for_plainly_of_who_understands_no_more() {
    let mut steps = welcome("OBJECTID");
    let header = "* 1 FETCH (UID 1 RFC822.SIZE 9 RFC822.HEADER {6}\r\nA: b\r\n)\r\n";
    steps.extend([hear("A3 EXAMINE"), say(EXAMINED), hear("A4 UID FETCH 1 (UID RFC822.SIZE BODY.PEEK[HEADER])")]);
    steps.extend([say(format!("A4 {BAD}")), hear("A5 EXAMINE"), say(EXAMINED.replace("A3", "A5"))]);
    steps.extend([hear("A6 UID FETCH 1 (UID RFC822.SIZE RFC822.HEADER)"), say(format!("{header}A6 OK x\r\n"))]);
    steps.extend([hear("A7 EXAMINE"), say(EXAMINED.replace("A3", "A7")), hear("A8 UID FETCH 1 (UID EMAILID)")]);
    steps.extend([say(format!("A8 {BAD}")), hear("A9 EXAMINE"), say(EXAMINED.replace("A3", "A9"))]);
    steps.extend([hear("A10 UID FETCH 1 (UID RFC822.SIZE RFC822.HEADER)"), say(format!("{header}A10 OK x\r\n"))]);
    let (opened, _peer) = session(steps).await;
    let mut source = opened.expect("logged in");
    let which = Which::These(vec![Uid(1)]);
    let headers = source.headers(&folder("box"), &which).await.expect("read");
    assert_eq!(headers[0].header, "A: b\r\n");
    assert_eq!(source.keys(&folder("box"), &which).await.expect("nothing told"), None);
    assert_eq!(source.keys(&folder("box"), &which).await.expect("not asked again"), None);
    assert_eq!(source.headers(&folder("box"), &which).await.expect("read").len(), 1);
}

fn message(plainly: bool) -> NewMessage {
    let body = Body::Memory(Bytes::from_static(b"abc"));
    NewMessage { flags: Flags::none(), date: None, body, hold: None, plainly }
}

/// A destination that says BAD to the first message, gets it once more, and answers it like this; then another one.
async fn appended(again: &str, third: Vec<ScriptStep>) -> [Result<(), (Cause, bool)>; 3] {
    let mut steps = welcome("LITERAL+ UIDPLUS");
    steps.extend([hear("A3 APPEND \"box\" {3+}"), hear("abc"), say(format!("A3 {BAD}"))]);
    steps.extend([hear("A4 APPEND \"box\" {3}"), say("+ go\r\n"), ScriptStep::Swallow(3), hear(""), say(again)]);
    steps.extend(third);
    let (opened, _peer) = session(steps).await;
    let mut to = opened.expect("logged in");
    let mut all = Vec::new();
    for plainly in [false, true, false] {
        let answer = to.append(&folder("box"), vec![message(plainly)]).await.expect("sent").await.expect("answered");
        all.push(answer.map(drop).map_err(|not| (not.failure.cause, not.plainer)));
    }
    all.try_into().expect("three")
}

#[tokio::test]
async fn a_message_that_is_not_understood_may_go_once_more_after_asking() {
    let refused = Err((Cause::MessageRefused, true));
    // It was the form.
    let asked =
        vec![hear("A5 APPEND \"box\" {3}"), say("+ go\r\n"), ScriptStep::Swallow(3), hear(""), say("A5 OK x\r\n")];
    assert_eq!(appended("A4 OK x\r\n", asked).await, [refused, Ok(()), Ok(())]);
    // It was the message: the others go as before.
    let unasked = vec![hear("A5 APPEND \"box\" {3+}"), hear("abc"), say("A5 OK x\r\n")];
    let for_good = Err((Cause::MessageRefused, false));
    assert_eq!(appended(&format!("A4 {BAD}"), unasked).await, [refused, for_good, Ok(())]);
}

#[tokio::test]
async fn an_administrator_whose_message_is_not_read_with_the_command_sends_it_when_asked() {
    let admin = AdminLogin::parse("boss");
    let login = || Login { user: "fred".into(), admin: Some(admin.clone()), proof: Proof::Password(Secret::new("pw")) };
    let greeting = || say("* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] hello\r\n");
    let steps = vec![
        greeting(),
        hear("A1 AUTHENTICATE PLAIN ZnJlZABib3NzAHB3"),
        say("A1 BAD what?\r\n"),
        hear("A2 AUTHENTICATE PLAIN"),
        say("+ \r\n"),
        hear("ZnJlZABib3NzAHB3"),
        say("A2 OK [CAPABILITY IMAP4rev1 NAMESPACE] in\r\n"),
        hear("A3 NAMESPACE"),
        say("A3 BAD what?\r\n"),
        hear("A4 LIST \"\" \"\""),
        say("* LIST (\\Noselect) \".\" \"\"\r\nA4 OK x\r\n"),
    ];
    let (opened, _peer) = log_in_as(steps, login()).await;
    assert_eq!(opened.expect("logged in").limits().separator, Some('.'));
    // Twice not understood, or once refused, is the end.
    for more in [
        vec![say("A1 BAD what?\r\n"), hear("A2 AUTHENTICATE PLAIN"), say("A2 BAD what?\r\n"), hear("never")],
        vec![say("A1 BAD [AUTHENTICATIONFAILED] no\r\n"), hear("never")],
        vec![say("A1 NO no\r\n"), hear("never")],
    ] {
        let mut steps = vec![greeting(), hear("A1 AUTHENTICATE PLAIN")];
        steps.extend(more);
        let (opened, _peer) = log_in_as(steps, login()).await;
        assert_eq!(opened.err().expect("refused").cause, Cause::AdministratorLoginRefused);
    }
}

#[tokio::test]
async fn an_alert_in_the_greeting_is_told() {
    let mut steps = vec![say("* OK [ALERT] Maintenance on Sunday, dear password\r\n"), hear("A1 CAPABILITY")];
    steps.extend([say("* CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR\r\nA1 OK x\r\n"), hear("A2 AUTHENTICATE PLAIN")]);
    steps.extend([say("A2 OK [CAPABILITY IMAP4rev1] in\r\n"), hear("A3 LIST"), say("A3 OK x\r\n")]);
    assert_eq!(said(steps).await, ["[ALERT] Maintenance on Sunday, dear <hidden>"]);
}
