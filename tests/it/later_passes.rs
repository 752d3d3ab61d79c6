//! Later passes: only what is new goes, and what the user did at the destination meanwhile stays as it is.

use crate::support::compare::{Mailbox, assert_nothing_lost_or_doubled, assert_unchanged, same_names};
use crate::support::corpus;
use crate::support::dovecot::{self, Format};
use crate::support::imap::{Message, instant};
use crate::support::scene::{Scene, message};
use mailferry::domain::time::Timestamp;

#[test]
fn r17_a_second_pass_copies_nothing_and_opens_no_folder() {
    if !dovecot::available() {
        return;
    }
    let scene = Scene::new();
    let mailbox = corpus::hostile(80, Format::Sdbox);
    mailbox.load_at(scene.source.port, Format::Sdbox, &scene.users.0);
    let first = scene.pass();
    assert_eq!(first.messages("copied"), mailbox.count() as u64);
    let there = scene.read_there();
    scene.idle_pass();
    scene.idle_pass();
    assert_unchanged(&there, &scene.read_there());
}

#[test]
fn r17_exactly_the_new_messages_and_flag_changes_go() {
    if !dovecot::available() {
        return;
    }
    let scene = Scene::new();
    scene.fill("INBOX", 0..60);
    scene.fill("Work", 100..160);
    scene.fill("Quiet", 200..220);
    scene.pass();

    scene.fill("INBOX", 300..370);
    scene.fill("Work", 400..420);
    scene.fill("Fresh/One", 500..510);
    let mut here = scene.here();
    here.select("INBOX");
    here.store("1:20", "+FLAGS", "\\Seen $Mine");
    here.select("Work");
    here.store("11:40", "+FLAGS", "\\Flagged \\Answered");
    let second = scene.pass();
    assert_eq!((second.messages("copied"), second.number("flags_updated")), (100, 50), "{:#}", second.0);
    assert_eq!(second.messages("already_there"), 140);
    assert_eq!(scene.destination.appends().len(), 100);
    let quiet = |c: &crate::support::relay::Command| c.arguments.contains("Quiet") && c.verb != "LIST";
    assert!(!scene.destination.commands().iter().chain(&scene.source.commands()).any(quiet));
    scene.assert_equal();

    here.store("11:20", "-FLAGS", "\\Flagged");
    assert_eq!(scene.pass().number("flags_updated"), 10);
    scene.assert_equal();
    scene.idle_pass();
}

/// Flags of a destination folder's messages, in order.
fn flags(there: &Mailbox, folder: &str) -> Vec<String> {
    there.folders[folder].messages.iter().map(|m| m.flags.join(" ")).collect()
}

#[test]
fn what_the_user_flagged_at_the_destination_survives() {
    if !dovecot::available() {
        return;
    }
    let scene = Scene::new();
    let read = |number| Message { flags: vec!["\\Seen".into()], ..message(number) };
    scene.here().append_all("INBOX", &[read(1), read(2), read(3), message(4)]);
    scene.pass();
    let mut there = scene.there();
    there.select("INBOX");
    there.store("1", "+FLAGS", "\\Flagged $Theirs");
    there.store("2", "-FLAGS", "\\Seen");
    there.store("4", "+FLAGS", "\\Seen");
    let mut here = scene.here();
    here.select("INBOX");
    here.store("1:2", "+FLAGS", "\\Answered");
    here.store("3", "-FLAGS", "\\Seen");
    scene.fill("INBOX", 5..6);
    assert_eq!(scene.pass().number("flags_updated"), 3);
    let expected = ["$Theirs \\Answered \\Flagged \\Seen", "\\Answered", "", "\\Seen", ""];
    assert_eq!(flags(&scene.read_there(), "INBOX"), expected);
    scene.idle_pass();
}

#[test]
fn r17_what_was_deleted_or_moved_at_the_destination_does_not_come_back() {
    if !dovecot::available() {
        return;
    }
    let scene = Scene::new();
    scene.fill("INBOX", 0..30);
    scene.fill("Work", 100..110);
    scene.pass();
    let mut there = scene.there();
    there.select("INBOX");
    there.delete("1:10");
    there.create("Elsewhere");
    there.move_to("11:15", "Elsewhere");
    scene.idle_pass();

    // Also when the folder has news, and when the source changes the flags of what is gone.
    let mut here = scene.here();
    here.select("INBOX");
    here.store("1:12", "+FLAGS", "\\Seen");
    scene.fill("INBOX", 30..33);
    assert_eq!(scene.pass().messages("copied"), 3);
    assert_eq!(scene.count_there(&["INBOX", "Work", "Elsewhere"]), [18, 10, 5]);
    scene.idle_pass();
}

#[test]
fn twins_stay_two() {
    if !dovecot::available() {
        return;
    }
    let scene = Scene::new();
    let nameless = || Message::plain("no header, only words\r\n");
    let (one, other) = (message(1), Message { bytes: [&message(1).bytes[..], b"more\r\n"].concat(), ..message(1) });
    scene.here().append_all("INBOX", &[one.clone(), nameless(), one.clone(), other, nameless(), one.clone()]);
    assert_eq!(scene.pass().messages("copied"), 6);
    scene.assert_equal();
    scene.idle_pass();
    scene.here().append_all("INBOX", &[one, nameless()]);
    assert_eq!(scene.pass().messages("copied"), 2);
    scene.assert_equal();
    scene.idle_pass();
}

#[test]
fn a_pass_that_leaves_messages_out_by_date_never_ends_a_folder_for_good() {
    if !dovecot::available() {
        return;
    }
    let scene = Scene::new();
    scene.fill("INBOX", 0..28);
    let border = Timestamp::from_millis(instant("11-Feb-2003 00:00:00 +0530") * 1000);
    scene.workspace.options(|o| o.latest = Some(border));
    let first = scene.pass();
    assert_eq!((first.messages("copied"), first.messages("skipped")), (10, 18));
    let again = scene.pass();
    assert_eq!((again.messages("copied"), again.messages("already_there"), again.messages("skipped")), (0, 10, 18));
    scene.workspace.options(|o| (o.latest, o.earliest) = (None, Some(border)));
    assert_eq!(scene.pass().messages("copied"), 18);
    scene.workspace.options(|o| o.earliest = None);
    assert_eq!(scene.pass().messages("copied"), 0);
    let here = scene.read_here();
    assert_nothing_lost_or_doubled(&here, &scene.read_there(), &same_names(&here));
    scene.idle_pass();
}
