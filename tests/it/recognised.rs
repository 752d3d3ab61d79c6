//! Mail that reached the destination some other way is recognised, not doubled (D8).

use std::fs;
use std::process::{Command, Stdio};

use crate::support::corpus;
use crate::support::dovecot::{self, Dovecot, Format, PASSWORD};
use crate::support::ends::Ended;
use crate::support::programs;
use crate::support::relay::{Act, At, Rules, verb};
use crate::support::scene::{Scene, message};

/// Copies the whole mailbox of one user to another as mbsync does it.
fn mbsync(from: (&Dovecot, &str), to: (&Dovecot, &str)) {
    let dir = tempfile::tempdir().expect("a folder");
    let side = |name: &str, server: &Dovecot, user: &str| {
        format!(
            "IMAPAccount {name}\nHost 127.0.0.1\nPort {}\nUser {user}\nPass {PASSWORD}\nSSLType None\n\
             AuthMechs LOGIN\n\nIMAPStore {name}\nAccount {name}\n\n",
            server.plain_port
        )
    };
    let state = dir.path().join("state");
    fs::create_dir(&state).expect("a folder");
    let configuration = format!(
        "{}{}Channel all\nFar :far:\nNear :near:\nPatterns *\nCreate Near\nSync Pull\nExpunge None\n\
         CopyArrivalDate yes\nSyncState {}/\n",
        side("far", from.0, from.1),
        side("near", to.0, to.1),
        state.display()
    );
    let file = dir.path().join("mbsyncrc");
    fs::write(&file, configuration).expect("written");
    let output = Command::new("mbsync").arg("-c").arg(&file).arg("-a").stdin(Stdio::null()).ended();
    // Messages that it does not like it leaves out, and says so by its exit code; they are Mailferry's to move.
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code().is_some_and(|code| code <= 1), "{said}");
}

#[test]
fn r15_r17_mail_that_mbsync_copied_before_is_recognised() {
    if !dovecot::available() || !programs::available("mbsync", "isync") {
        return;
    }
    let (source, destination) = (dovecot::shared(Format::Sdbox), dovecot::shared_twin(Format::Sdbox));
    for hide in [vec![], vec!["UIDPLUS"]] {
        let scene = Scene::between(source, destination, Rules::default(), Rules::hiding(&hide));
        let mut mailbox = corpus::hostile(90, Format::Sdbox);
        mailbox.folders.retain(|f| f.slash.is_ascii() && !f.slash.contains(['"', '\\', '*', '%', '&', '{', ' ']));
        mailbox.folders.retain(|f| f.slash != "work");
        mailbox.load(source, &scene.users.0);
        mbsync((source, &scene.users.0), (destination, &scene.users.1));
        let by_mbsync = scene.read_there().count() as u64;
        assert!(by_mbsync > mailbox.count() as u64 / 2, "mbsync copied {by_mbsync}");

        let first = scene.pass();
        let all = mailbox.count() as u64;
        assert_eq!((first.messages("source"), first.messages("already_there")), (all, by_mbsync), "{:#}", first.0);
        assert_eq!(first.messages("copied"), all - by_mbsync);
        assert_eq!(scene.read_there().count() as u64, all);
        scene.idle_pass();

        scene.fill("INBOX", 1000..1010);
        assert_eq!(scene.pass().messages("copied"), 10);
        scene.idle_pass();
    }
}

#[test]
fn r15_r17_what_is_there_already_stays_as_it_is() {
    if !dovecot::available() {
        return;
    }
    let scene = Scene::new();
    scene.fill("INBOX", 0..10);
    scene.fill("Work", 10..15);
    let mut there = scene.there();
    there.append_all("INBOX", &[message(500), message(3), message(3), message(7), message(501)]);
    there.select("INBOX");
    there.store("2:3", "+FLAGS", "\\Flagged");
    let before = scene.read_there().folders["INBOX"].messages.clone();
    let first = scene.pass();
    assert_eq!((first.messages("copied"), first.messages("already_there")), (13, 2), "{:#}", first.0);
    assert_eq!(scene.read_there().folders["INBOX"].messages[..5], before[..]);
    // What Mailferry did not copy keeps the flags that its owner gave it.
    let mut here = scene.here();
    here.select("INBOX");
    here.store("1:*", "+FLAGS", "\\Seen");
    assert_eq!(scene.pass().number("flags_updated"), 8);
    assert_eq!(scene.read_there().folders["INBOX"].messages[..5], before[..]);
    scene.idle_pass();
}

/// A source that answers every question for headers with nothing.
fn without_headers() -> Option<Scene> {
    if !dovecot::available() {
        return None;
    }
    let scene = Scene::new();
    scene.fill("INBOX", 0..3);
    scene.there().append_all("INBOX", &(0..3).map(message).collect::<Vec<_>>());
    scene.source.plan(At::Command(verb("UID FETCH").every().with("HEADER")), Act::Answer("OK nothing".into()));
    Some(scene)
}

#[test]
fn messages_without_headers_are_read_whole_and_recognised() {
    let Some(scene) = without_headers() else { return };
    let first = scene.pass();
    assert_eq!((first.messages("copied"), first.messages("already_there")), (0, 3), "{:#}", first.0);
    assert_eq!(scene.count_there(&["INBOX"]), [3]);
}

#[test]
fn a_message_that_could_not_be_compared_is_not_sent_but_an_item_error_of_this_pass() {
    let Some(scene) = without_headers() else { return };
    // Nor is the first one handed out when it is read whole, but it is when it is to be copied.
    scene.source.plan(At::Command(verb("UID FETCH").with("BODY.PEEK[])")), Act::Answer("OK nothing".into()));
    let (output, first) = scene.start(1);
    assert!(output.stderr.contains("compared"), "{}", output.stderr);
    let counts = ["copied", "already_there", "errors"].map(|name| first.messages(name));
    assert_eq!(counts, [0, 2, 1], "{:#}", first.0);
    assert_eq!(scene.count_there(&["INBOX"]), [3]);
    scene.source.forget_plans();
    assert_eq!(scene.pass().messages("already_there"), 3);
    assert_eq!(scene.count_there(&["INBOX"]), [3]);
    scene.idle_pass();
}
