//! Equal names are not equal mail: an identity proposes, the content decides (C.4).

use super::count;
use crate::support::dovecot::{self, Format};
use crate::support::imap::Message;
use crate::support::relay::Rules;
use crate::support::scene::Scene;

/// A message with these headers (lines without ends) and this text.
fn mail(headers: &[&str], text: &str) -> Message {
    Message::plain(format!("{}\r\n\r\n{text}\r\n", headers.join("\r\n")))
}

/// As drafts are: nobody gave them a Message-ID or a date yet.
const DRAFT: [&str; 3] = ["From: ann@example.org", "To: bob@example.org", "Subject: our plan"];
const NAMED: [&str; 3] = ["Message-ID: <1@example.org>", "Date: Sat, 1 Feb 2003 04:05:06 +0530", "Subject: named"];
const UNDATED: [&str; 3] = ["From: ann@example.org", "Message-ID: <2@example.org>", "Subject: undated"];
const KINDS: [[&str; 3]; 3] = [DRAFT, NAMED, UNDATED];

fn texts(scene: &Scene) -> Vec<(String, usize)> {
    let there = scene.read_there();
    let text = |bytes: &[u8]| {
        let all = String::from_utf8_lossy(bytes).into_owned();
        all.split_once("\r\n\r\n").map_or(String::new(), |(_, text)| text.trim_end().to_owned())
    };
    count(there.folders.values().flat_map(|f| &f.messages).map(|m| text(&m.bytes))).into_iter().collect()
}

fn are(scene: &Scene, expected: &[(&str, usize)]) {
    let expected: Vec<(String, usize)> = expected.iter().map(|(text, n)| ((*text).to_owned(), *n)).collect();
    assert_eq!(texts(scene), expected);
}

/// Takes the only message of a source folder away and puts this one there.
fn edit(scene: &Scene, folder: &str, uid: u32, new: &Message) {
    let mut here = scene.here();
    here.append(folder, new);
    here.select(folder);
    here.delete(&uid.to_string());
}

#[test]
fn c4_an_edited_message_is_copied_whatever_names_it_keeps() {
    if !dovecot::available() {
        return;
    }
    for kind in KINDS {
        let scene = Scene::new();
        scene.here().append_all("INBOX", &[mail(&["Subject: other"], "other"), mail(&kind, "first words")]);
        scene.pass();
        // Longer; of the same length; shorter.
        for (uid, text) in [(2, "first words and more"), (3, "first words and MORE"), (4, "none")] {
            edit(&scene, "INBOX", uid, &mail(&kind, text));
            scene.verdict().copies(1);
        }
        let expected =
            [("first words", 1), ("first words and MORE", 1), ("first words and more", 1), ("none", 1), ("other", 1)];
        are(&scene, &expected);
        scene.idle_pass();
    }
}

#[test]
fn c4_a_draft_whose_older_form_lies_at_the_destination_is_copied_in_the_first_pass() {
    if !dovecot::available() {
        return;
    }
    for kind in [DRAFT, UNDATED] {
        let scene = Scene::new();
        scene.there().append("INBOX", &mail(&kind, "old words"));
        scene.here().append("INBOX", &mail(&kind, "new words"));
        scene.verdict().copies(1);
        are(&scene, &[("new words", 1), ("old words", 1)]);
        scene.idle_pass();
    }
}

#[test]
fn c4_the_direct_copy_with_its_attachment_is_not_the_lists_copy_without_it() {
    if !dovecot::available() {
        return;
    }
    let whole = format!("text\r\n{}", "attached attached attached attached\r\n".repeat(400));
    let scene = Scene::new();
    scene.there().append("INBOX", &mail(&NAMED, "text\r\n-- \r\nthe list"));
    scene.here().append_all("INBOX", &[mail(&["Subject: before"], "before"), mail(&NAMED, &whole)]);
    scene.verdict().copies(2);
    are(&scene, &[("before", 1), ("text\r\n-- \r\nthe list", 1), (whole.trim_end(), 1)]);
    scene.idle_pass();

    // Both at the source, one of them there: the other one is missing, whichever comes first.
    for swapped in [false, true] {
        let scene = Scene::new();
        scene.there().append("INBOX", &mail(&NAMED, "short"));
        let mut both = [mail(&NAMED, "short"), mail(&NAMED, &whole)];
        if swapped {
            both.reverse();
        }
        scene.here().append_all("INBOX", &both);
        scene.verdict().copies(1);
        are(&scene, &[("short", 1), (whole.trim_end(), 1)]);
        scene.idle_pass();
    }
}

#[test]
fn c4_a_message_that_moved_and_changed_is_another_message() {
    if !dovecot::available() {
        return;
    }
    for kind in KINDS {
        let scene = Scene::new();
        scene.here().create("Sent");
        scene.here().append_all("INBOX", &[mail(&["Subject: other"], "other"), mail(&kind, "as written")]);
        scene.pass();
        let mut here = scene.here();
        here.select("INBOX");
        here.delete("2");
        here.append("Sent", &mail(&kind, "as it was sent"));
        scene.verdict().copies(1);
        are(&scene, &[("as it was sent", 1), ("as written", 1), ("other", 1)]);
        scene.idle_pass();
    }
}

#[test]
fn c4_what_merely_moved_is_still_recognised() {
    if !dovecot::available() {
        return;
    }
    for kind in KINDS {
        let scene = Scene::new();
        scene.here().create("Sent");
        scene.here().append_all("INBOX", &[mail(&kind, "one"), mail(&kind, "two"), mail(&kind, "two")]);
        scene.pass();
        let mut here = scene.here();
        here.select("INBOX");
        here.move_to("2:3", "Sent");
        scene.verdict().copies(0);
        are(&scene, &[("one", 1), ("two", 2)]);
        scene.idle_pass();
    }
}

#[test]
fn c4_of_several_drafts_of_one_name_exactly_the_edited_one_is_copied() {
    if !dovecot::available() {
        return;
    }
    for kind in KINDS {
        let scene = Scene::new();
        let drafts: Vec<Message> = ["a", "b", "c", "c"].iter().map(|text| mail(&kind, text)).collect();
        scene.here().append_all("INBOX", &drafts);
        scene.verdict().copies(4);
        edit(&scene, "INBOX", 2, &mail(&kind, "B"));
        scene.verdict().copies(1);
        // The fourth is taken away and comes again as it was.
        let mut here = scene.here();
        here.select("INBOX");
        here.delete("4");
        scene.verdict().copies(0);
        here.append("INBOX", &mail(&kind, "c"));
        scene.verdict().copies(0);
        are(&scene, &[("B", 1), ("a", 1), ("b", 1), ("c", 2)]);
    }
}

#[test]
fn c4_an_edit_behind_a_new_uidvalidity_is_seen() {
    if !dovecot::available() {
        return;
    }
    for kind in KINDS {
        let scene = Scene::new();
        let mut here = scene.here();
        here.create("Work");
        here.append_all("Work", &[mail(&kind, "one"), mail(&["Subject: x"], "x")]);
        scene.pass();
        here.ok("DELETE Work");
        here.create("Work");
        here.append_all("Work", &[mail(&["Subject: x"], "x"), mail(&kind, "ONE")]);
        dovecot::shared(Format::Sdbox).renumber(&scene.users.0, "Work", 99, None);
        scene.verdict().copies(1);
        are(&scene, &[("ONE", 1), ("one", 1), ("x", 1)]);
    }
}

#[test]
fn c4_what_another_tool_brought_is_recognised_and_not_doubled() {
    if !dovecot::available() {
        return;
    }
    for kind in KINDS {
        for hide in [&[][..], &["UIDPLUS", "CONDSTORE", "QRESYNC"]] {
            let (source, destination) = (dovecot::shared(Format::Sdbox), dovecot::shared_twin(Format::Sdbox));
            let scene = Scene::between(source, destination, Rules::hiding(hide), Rules::hiding(hide));
            let both = [mail(&kind, "one"), mail(&kind, "two")];
            scene.there().append_all("INBOX", &both);
            scene.here().append_all("INBOX", &both);
            scene.here().append("INBOX", &mail(&kind, "three"));
            scene.verdict().copies(1);
            are(&scene, &[("one", 1), ("three", 1), ("two", 1)]);
        }
    }
}

#[test]
fn c4_two_messages_that_change_places_lose_neither() {
    if !dovecot::available() {
        return;
    }
    // The text of one draft becomes that of the other, and the other's a third one.
    let scene = Scene::new();
    scene.here().append_all("INBOX", &[mail(&DRAFT, "one"), mail(&DRAFT, "two")]);
    scene.pass();
    edit(&scene, "INBOX", 1, &mail(&DRAFT, "two"));
    edit(&scene, "INBOX", 2, &mail(&DRAFT, "three"));
    // "two" was edited away and came anew: it is there already.
    scene.verdict().copies(1);
    are(&scene, &[("one", 1), ("three", 1), ("two", 1)]);
    scene.idle_pass();
}
