//! What happens to folders and numberings between two passes (D12): nothing is doubled, nothing is lost.

use crate::support::dovecot::{self, Format};
use crate::support::imap::{Imap, Message};
use crate::support::relay::Rules;
use crate::support::scene::{Scene, message};

/// Subjects of a destination folder's messages, in order.
fn subjects(scene: &Scene, folder: &str) -> Vec<String> {
    let there = scene.read_there();
    let Some(found) = there.folders.get(folder) else { return Vec::new() };
    let subject = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        text.lines().find_map(|line| line.strip_prefix("Subject: ").map(str::to_owned)).unwrap_or_default()
    };
    found.messages.iter().map(|m| subject(&m.bytes)).collect()
}

#[test]
fn r17_a_message_moved_at_the_source_is_not_copied_again_and_keeps_its_flags_carried() {
    if !dovecot::available() {
        return;
    }
    let scene = Scene::new();
    scene.fill("INBOX", 0..20);
    scene.fill("Work", 100..105);
    scene.pass();
    let mut here = scene.here();
    here.select("INBOX");
    here.move_to("1:5", "Work");
    here.create("New place");
    here.move_to("6:8", "New place");
    let second = scene.pass();
    assert_eq!((second.messages("copied"), second.messages("already_there")), (0, 25), "{:#}", second.0);
    assert!(scene.destination.appends().is_empty());
    assert_eq!(scene.count_there(&["INBOX", "Work", "New place"]), [20, 5, 0]);
    scene.idle_pass();

    // The copy is where it was; there its flags go.
    here.select("Work");
    here.store("6:7", "+FLAGS", "\\Flagged");
    here.select("New place");
    here.store("1", "+FLAGS", "\\Answered");
    assert_eq!(scene.pass().number("flags_updated"), 3);
    let there = scene.read_there();
    let flags: Vec<_> = there.folders["INBOX"].messages.iter().map(|m| m.flags.join(" ")).take(7).collect();
    assert_eq!(flags, ["\\Flagged", "\\Flagged", "", "", "", "\\Answered", ""]);
    scene.idle_pass();

    // Moved and flagged between the same two passes.
    here.select("INBOX");
    here.store("9", "+FLAGS", "\\Seen");
    here.move_to("9", "Work");
    scene.pass();
    scene.pass();
    assert_eq!(scene.read_there().folders["INBOX"].messages[8].flags, ["\\Seen"]);
    assert_eq!(scene.count_there(&["INBOX", "Work", "New place"]), [20, 5, 0]);
}

#[test]
fn r17_a_copy_made_at_the_source_is_a_message_of_its_own() {
    if !dovecot::available() {
        return;
    }
    let scene = Scene::new();
    scene.fill("INBOX", 0..3);
    scene.fill("Work", 100..101);
    scene.pass();
    let mut here = scene.here();
    here.select("INBOX");
    here.ok("UID COPY 1 Work");
    assert_eq!(scene.pass().messages("copied"), 1);
    scene.assert_equal();
    scene.idle_pass();
}

#[test]
fn r17_a_renamed_source_folder_is_the_same_folder() {
    if !dovecot::available() {
        return;
    }
    let scene = Scene::new();
    scene.fill("Work/Old name", 0..10);
    scene.fill("Work/Old name/Below", 20..23);
    scene.pass();
    scene.here().ok("RENAME \"Work/Old name\" \"New name\"");
    scene.fill("New name", 10..12);
    let second = scene.pass();
    assert_eq!((second.messages("copied"), second.messages("already_there")), (2, 13), "{:#}", second.0);
    assert_eq!(scene.count_there(&["Work/Old name", "Work/Old name/Below", "New name"]), [12, 3, 0]);
    assert!(!scene.read_there().folders.contains_key("New name"), "the same folder needs no other one");
    scene.idle_pass();
}

#[test]
fn r17_another_folder_under_a_new_name_is_no_rename() {
    if !dovecot::available() {
        return;
    }
    let scene = Scene::new();
    scene.fill("Gone", 0..5);
    scene.pass();
    let mut here = scene.here();
    here.ok("DELETE Gone");
    scene.fill("Other", 50..55);
    assert_eq!(scene.pass().messages("copied"), 5);
    assert_eq!(scene.count_there(&["Gone", "Other"]), [5, 5]);
    scene.idle_pass();
}

/// Deletes a folder and makes it again with the same messages: they get another UIDVALIDITY.
fn renumber(imap: &mut Imap, folder: &str, messages: &[Message]) {
    let before = imap.select(folder).0;
    imap.ok("UNSELECT");
    imap.ok(&format!("DELETE {folder}"));
    imap.create(folder);
    imap.append_all(folder, messages);
    assert_ne!(imap.select(folder).0, before);
    imap.ok("UNSELECT");
}

#[test]
fn r17_a_source_folder_with_new_numbers_is_recognised_by_its_messages() {
    if !dovecot::available() {
        return;
    }
    let scene = Scene::new();
    let nameless = || Message::plain("no header, only words\r\n");
    let mut messages: Vec<Message> = (0..20).map(message).collect();
    messages.extend([nameless(), message(3), nameless()]);
    let mut here = scene.here();
    here.create("Work");
    here.append_all("Work", &messages);
    scene.pass();
    let mut there = scene.there();
    there.select("Work");
    there.delete("5:6");

    messages.reverse();
    messages.push(message(99));
    renumber(&mut here, "Work", &messages);
    let second = scene.pass();
    assert_eq!((second.messages("copied"), second.messages("already_there")), (1, 23), "{:#}", second.0);
    assert_eq!(scene.count_there(&["Work"]), [22], "and what was deleted stays away");
    scene.idle_pass();
    here.select("Work");
    here.store("1:*", "+FLAGS", "\\Seen");
    scene.pass();
    let there = scene.read_there();
    assert!(there.folders["Work"].messages.iter().all(|m| m.flags == ["\\Seen"]), "flags are carried on");
}

#[test]
fn r17_a_deleted_destination_folder_gets_new_mail_only() {
    if !dovecot::available() {
        return;
    }
    let scene = Scene::new();
    scene.fill("INBOX", 0..2);
    scene.fill("Work", 10..20);
    scene.fill("Work/Below", 30..33);
    scene.pass();
    let mut there = scene.there();
    there.ok("DELETE Work/Below");
    there.ok("DELETE Work");
    let second = scene.pass();
    assert_eq!((second.messages("copied"), second.messages("already_there")), (0, 15), "{:#}", second.0);
    assert!(!scene.read_there().folders.contains_key("Work"), "not made again for old mail");

    let mut here = scene.here();
    here.select("Work");
    here.store("1:3", "+FLAGS", "\\Seen");
    scene.fill("Work", 20..24);
    assert_eq!(scene.pass().messages("copied"), 4);
    assert_eq!(subjects(&scene, "Work"), ["number 20", "number 21", "number 22", "number 23"]);
    assert!(!scene.read_there().folders.contains_key("Work/Below"));
    let last = scene.pass();
    assert_eq!(last.messages("copied"), 0);
    assert_eq!(scene.count_there(&["INBOX", "Work", "Work/Below"]), [2, 4, 0]);
}

#[test]
fn r17_a_destination_folder_made_anew_gets_new_mail_only() {
    if !dovecot::available() {
        return;
    }
    let scene = Scene::new();
    scene.fill("INBOX", 0..2);
    scene.fill("Work", 10..20);
    scene.pass();
    renumber(&mut scene.there(), "Work", &[message(15)]);
    scene.fill("Work", 20..22);
    let second = scene.pass();
    assert_eq!((second.messages("copied"), second.messages("already_there")), (2, 12), "{:#}", second.0);
    assert_eq!(subjects(&scene, "Work"), ["number 15", "number 20", "number 21"]);
    scene.idle_pass();
}

#[test]
fn r25_another_mailbox_at_the_destination_fails_before_anything_is_sent() {
    if !dovecot::available() {
        return;
    }
    let (source, destination) = (dovecot::shared(Format::Sdbox), dovecot::shared_twin(Format::Sdbox));
    let scene = Scene::between(source, destination, Rules::default(), Rules::default());
    scene.fill("INBOX", 0..5);
    scene.fill("Work", 10..15);
    scene.pass();
    // The same login leads to another mailbox from now on: one of another second, as its numbers are made from the time.
    let before = scene.there().select("INBOX").0;
    let stranger = loop {
        let user = destination.user("stranger");
        if destination.login(&user).select("INBOX").0 != before {
            break user;
        }
    };
    scene.fill("INBOX", 5..6);
    std::fs::remove_dir_all(destination.home(&scene.users.1)).expect("removed");
    std::fs::rename(destination.home(&stranger), destination.home(&scene.users.1)).expect("moved");
    let (output, item) = scene.start(1);
    assert_eq!(item.status(), "failed");
    assert_eq!(item.0["error"]["failure"]["cause"], "not_the_same_mailbox");
    assert_eq!(item.0["error"]["side"], "destination");
    assert!(output.stderr.contains("Not the mailbox of the earlier passes"), "{}", output.stderr);
    let verbs: Vec<_> = scene.destination.commands().into_iter().map(|c| c.verb).collect();
    assert!(!verbs.iter().any(|v| v == "APPEND" || v == "CREATE"), "{verbs:?}");
}

#[test]
fn r17_a_renamed_folder_whose_old_name_is_used_anew_doubles_nothing() {
    if !dovecot::available() {
        return;
    }
    let scene = Scene::new();
    scene.fill("Work", 0..10);
    scene.fill("Home", 20..25);
    scene.pass();
    // Work → Elsewhere, Home → Work, and a new Home.
    let mut here = scene.here();
    here.ok("RENAME Work Elsewhere");
    here.ok("RENAME Home Work");
    scene.fill("Home", 30..32);
    scene.fill("Elsewhere", 10..11);
    let second = scene.pass();
    assert_eq!((second.messages("copied"), second.messages("already_there")), (3, 15), "{:#}", second.0);
    assert_eq!(scene.read_there().count(), 18);
    scene.idle_pass();
    here.select("Elsewhere");
    here.store("1:2", "+FLAGS", "\\Flagged");
    here.select("Work");
    here.store("1", "+FLAGS", "\\Answered");
    assert_eq!(scene.pass().number("flags_updated"), 3);
    let there = scene.read_there();
    assert_eq!(there.folders["Work"].messages[1].flags, ["\\Flagged"]);
    assert_eq!(there.folders["Home"].messages[0].flags, ["\\Answered"]);
}

#[test]
fn r17_a_message_moved_there_and_back_and_one_moved_twice_are_not_copied_again() {
    if !dovecot::available() {
        return;
    }
    let scene = Scene::new();
    scene.fill("INBOX", 0..6);
    scene.fill("A", 10..12);
    scene.fill("B", 20..22);
    scene.pass();
    let mut here = scene.here();
    for (from, to) in [("INBOX", "A"), ("A", "B"), ("B", "INBOX")] {
        here.select(from);
        let last = here.ok("UID SEARCH ALL").iter().find_map(|line| {
            let text = String::from_utf8_lossy(line).into_owned();
            text.strip_prefix("* SEARCH ")?.rsplit(' ').next().map(str::to_owned)
        });
        here.move_to(&last.expect("a message"), to);
        assert_eq!(scene.pass().messages("copied"), 0);
    }
    assert_eq!(scene.count_there(&["INBOX", "A", "B"]), [6, 2, 2]);
    scene.idle_pass();
}

#[test]
fn r17_without_uidplus_and_condstore_moves_and_new_numbers_double_nothing_either() {
    if !dovecot::available() {
        return;
    }
    let (source, destination) = (dovecot::shared(Format::Sdbox), dovecot::shared_twin(Format::Maildir));
    let scene = Scene::between(source, destination, Rules::bare(), Rules::hiding(&["UIDPLUS", "CONDSTORE", "QRESYNC"]));
    scene.fill("INBOX", 0..20);
    let messages: Vec<_> = [1, 2, 2, 3].map(|n| message(100 + n)).into();
    let mut here = scene.here();
    here.create("Work");
    here.append_all("Work", &messages);
    scene.pass();
    here.select("INBOX");
    here.move_to("1:4", "Work");
    here.store("5:6", "+FLAGS", "\\Seen");
    let second = scene.pass();
    assert_eq!((second.messages("copied"), second.number("flags_updated")), (0, 2), "{:#}", second.0);
    renumber(&mut here, "Work", &[&messages[..], &[message(0), message(1), message(102)]].concat());
    assert_eq!(scene.pass().messages("copied"), 1);
    assert_eq!(scene.pass().messages("copied"), 0);
    assert_eq!(scene.count_there(&["INBOX", "INBOX.Work"]), [20, 5]);
}
