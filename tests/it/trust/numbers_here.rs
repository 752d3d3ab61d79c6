//! The source's numbers mean other messages than before, and UIDVALIDITY does not tell (C.1 a, b).

use super::{Pair, once};
use crate::support::dovecot::{self, Format};
use crate::support::imap::Imap;
use crate::support::odd::{Box, MODERN, letter};
use crate::support::relay::Rules;
use crate::support::scene::{Scene, message};

const OLD: [&str; 3] = ["UIDPLUS", "CONDSTORE", "QRESYNC"];

fn scene(hide: &[&str]) -> Scene {
    let (source, destination) = (dovecot::shared(Format::Sdbox), dovecot::shared_twin(Format::Sdbox));
    Scene::between(source, destination, Rules::hiding(hide), Rules::hiding(hide))
}

/// Ten messages, a backup, five more, a pass; the backup comes back and `new` others take the numbers of the five.
fn restored(hide: &[&str], new: u32, flagged: u32) {
    let scene = scene(hide);
    let server = dovecot::shared(Format::Sdbox);
    scene.fill("INBOX", 0..10);
    let backup = server.keep(&scene.users.0);
    scene.fill("INBOX", 10..15);
    scene.pass();
    server.put_back(&scene.users.0, &backup);
    scene.fill("INBOX", 100..100 + new);
    let mut here = scene.here();
    here.select("INBOX");
    let reused = here.fetch_all("INBOX")[10].uid;
    assert_eq!(reused, 11, "the number is used again");
    here.select("INBOX");
    here.store(&flagged.to_string(), "+FLAGS", "\\Flagged");
    scene.verdict().copies(new.into());
    assert_eq!(scene.subjects_there(), once((0..15).chain(100..100 + new)));
    let flagged = if flagged > 10 { 100 + flagged - 11 } else { flagged - 1 };
    assert_eq!(scene.flagged_there("INBOX", "\\Flagged"), [format!("number {flagged}")]);
    if hide.is_empty() {
        scene.idle_pass();
    }
    scene.verdict().copies(0);
}

#[test]
fn c1a_a_restored_source_loses_no_new_mail() {
    if dovecot::available() {
        restored(&[], 5, 12);
    }
}

#[test]
fn c1a_nor_when_less_came_since_the_backup() {
    if dovecot::available() {
        restored(&[], 2, 3);
    }
}

#[test]
fn c1a_nor_when_more_came_since_the_backup() {
    if dovecot::available() {
        restored(&[], 9, 15);
    }
}

#[test]
fn c1a_nor_without_condstore_and_uidplus() {
    if dovecot::available() {
        restored(&OLD, 5, 11);
        restored(&OLD, 9, 16);
    }
}

#[test]
fn c1a_a_restored_source_without_new_mail_costs_nothing_and_loses_nothing() {
    if !dovecot::available() {
        return;
    }
    let (scene, server) = (scene(&[]), dovecot::shared(Format::Sdbox));
    scene.fill("INBOX", 0..10);
    let backup = server.keep(&scene.users.0);
    scene.fill("INBOX", 10..15);
    scene.pass();
    server.put_back(&scene.users.0, &backup);
    scene.verdict().copies(0);
    // Two of the five come again, in another order, between others.
    let mail = [message(200), message(13), message(11), message(201)];
    scene.here().append_all("INBOX", &mail);
    scene.verdict().copies(2);
    assert_eq!(scene.subjects_there(), once((0..15).chain(200..202)));
    scene.idle_pass();
}

#[test]
fn c1a_what_moved_to_another_folder_since_the_backup_is_not_doubled_when_it_is_back() {
    if !dovecot::available() {
        return;
    }
    let (scene, server) = (scene(&[]), dovecot::shared(Format::Sdbox));
    scene.fill("INBOX", 0..10);
    scene.fill("Work", 20..23);
    scene.pass();
    let backup = server.keep(&scene.users.0);
    let mut here = scene.here();
    here.select("INBOX");
    here.move_to("1:4", "Work");
    scene.verdict().copies(0);
    drop(here);
    server.put_back(&scene.users.0, &backup);
    scene.fill("Work", 30..34);
    scene.verdict().copies(4);
    assert_eq!(scene.subjects_there(), once((0..10).chain(20..23).chain(30..34)));
    scene.idle_pass();
}

/// Gives all these folders the same UIDVALIDITY, as servers do that know but one.
fn one_validity(scene: &Scene, folders: &[&str]) {
    let server = dovecot::shared(Format::Sdbox);
    for folder in folders {
        server.renumber(&scene.users.0, folder, 7, None);
    }
}

/// A folder made anew under its old UIDVALIDITY, with these messages.
fn anew(scene: &Scene, here: &mut Imap, folder: &str, numbers: std::ops::Range<u32>) {
    here.ok(&format!("DELETE {folder}"));
    scene.fill(folder, numbers);
    one_validity(scene, &[folder]);
}

#[test]
fn c1b_a_source_folder_deleted_and_made_again_under_its_uidvalidity_is_another() {
    if !dovecot::available() {
        return;
    }
    // As many messages as before, fewer, and more.
    for (hide, new) in [(&[][..], 30..36), (&[], 30..33), (&[], 30..40), (&OLD, 30..36)] {
        let scene = scene(hide);
        scene.fill("Work", 0..6);
        scene.fill("Quiet", 50..52);
        one_validity(&scene, &["INBOX", "Work", "Quiet"]);
        scene.pass();
        let mut here = scene.here();
        anew(&scene, &mut here, "Work", new.clone());
        here.select("Work");
        here.store("2", "+FLAGS", "\\Flagged");
        scene.verdict().copies(new.len() as u64);
        assert_eq!(scene.subjects_there(), once((0..6).chain(new).chain(50..52)));
        assert_eq!(scene.flagged_there("Work", "\\Flagged"), ["number 31"]);
        scene.verdict().copies(0);
    }
}

#[test]
fn c1b_a_folder_made_anew_with_some_of_its_old_messages_copies_the_others_only() {
    if !dovecot::available() {
        return;
    }
    let scene = scene(&[]);
    scene.fill("Work", 0..8);
    one_validity(&scene, &["INBOX", "Work"]);
    scene.pass();
    let mut here = scene.here();
    here.ok("DELETE Work");
    here.create("Work");
    here.append_all("Work", &[5, 30, 2, 31, 7, 32].map(message));
    one_validity(&scene, &["Work"]);
    here.select("Work");
    here.store("1,2", "+FLAGS", "\\Answered");
    scene.verdict().copies(3);
    assert_eq!(scene.subjects_there(), once((0..8).chain(30..33)));
    scene.verdict().copies(0);
    assert_eq!(scene.flagged_there("Work", "\\Answered"), ["number 30", "number 5"]);
}

#[test]
fn c1b_a_folder_renamed_and_a_new_one_of_its_name_under_one_uidvalidity_neither_lose_nor_double() {
    if !dovecot::available() {
        return;
    }
    for (old, new) in [(0..6, 30..36), (0..6, 30..32), (0..3, 30..39)] {
        let scene = scene(&[]);
        scene.fill("Work", old.clone());
        one_validity(&scene, &["INBOX", "Work"]);
        scene.pass();
        let mut here = scene.here();
        here.ok("RENAME Work Old");
        scene.fill("Work", new.clone());
        one_validity(&scene, &["Work"]);
        here.select("Work");
        here.store("1", "+FLAGS", "\\Flagged");
        here.select("Old");
        here.store("2", "+FLAGS", "\\Answered");
        scene.verdict().copies(new.len() as u64);
        assert_eq!(scene.subjects_there(), once(old.chain(new)));
        scene.verdict().copies(0);
        let there = scene.read_there();
        let with = |flag: &str| -> Vec<String> {
            there.folders.keys().flat_map(|folder| scene.flagged_there(folder, flag)).collect()
        };
        assert_eq!(with("\\Flagged"), ["number 30"]);
        assert_eq!(with("\\Answered"), ["number 1"]);
    }
}

#[test]
fn c1b_two_folders_that_swap_names_under_one_uidvalidity_swap_no_flags() {
    if !dovecot::available() {
        return;
    }
    let scene = scene(&[]);
    scene.fill("A", 0..5);
    scene.fill("B", 20..25);
    one_validity(&scene, &["INBOX", "A", "B"]);
    scene.pass();
    let mut here = scene.here();
    for (from, to) in [("A", "T"), ("B", "A"), ("T", "B")] {
        here.ok(&format!("RENAME {from} {to}"));
    }
    here.select("A");
    here.store("3", "+FLAGS", "\\Flagged");
    scene.fill("B", 5..6);
    scene.verdict().copies(1);
    assert_eq!(scene.subjects_there(), once((0..6).chain(20..25)));
    scene.verdict().copies(0);
    let there = scene.read_there();
    let flagged: Vec<String> = there.folders.keys().flat_map(|f| scene.flagged_there(f, "\\Flagged")).collect();
    assert_eq!(flagged, ["number 22"]);
}

#[test]
fn c1b_another_mailboxid_is_another_folder_whatever_the_numbers_say() {
    let pair = Pair::new(&format!("{MODERN} OBJECTID"), MODERN);
    pair.source.fill("Work", 0..6);
    pair.verdict().copies(6);
    // Made again: number of messages, UIDVALIDITY and UIDNEXT as before.
    {
        let mut state = pair.source.state();
        let validity = state.at("Work").validity;
        let mut new = Box::new("Work", validity);
        (new.id, new.modseq) = ("Mother".into(), 50);
        (30..36).for_each(|number| {
            new.add(letter(number));
        });
        new.flag(3, "\\Flagged");
        *state.at("Work") = new;
    }
    pair.verdict().copies(6);
    assert_eq!(pair.there(), once((0..6).chain(30..36)));
    let mut state = pair.destination.state();
    let flagged: Vec<_> = state.at("Work").letters.iter().filter(|l| !l.flags.is_empty()).collect();
    assert_eq!((flagged.len(), crate::support::odd::subject(&flagged[0].bytes)), (1, "number 32".into()));
    drop(state);
    pair.idle();
}

#[test]
fn c1b_a_mailboxid_that_moved_to_another_name_takes_its_messages_along() {
    // One UIDVALIDITY for all; the folder is renamed, a new one takes its name, both with the same figures.
    let pair = Pair::new(&format!("{MODERN} OBJECTID"), MODERN);
    pair.source.fill("Work", 0..6);
    pair.verdict().copies(6);
    {
        let mut state = pair.source.state();
        let old = state.at("Work").clone();
        state.at("Work").name = "Old".into();
        let mut new = Box::new("Work", old.validity);
        (new.id, new.modseq) = ("Mother".into(), old.modseq);
        (30..36).for_each(|number| {
            new.add(letter(number));
        });
        new.modseq = old.modseq;
        state.boxes.push(new);
    }
    pair.verdict().copies(6);
    assert_eq!(pair.there(), once((0..6).chain(30..36)));
    pair.idle();
}

#[test]
fn c1b_figures_and_marker_equal_to_the_last_are_no_proof_where_mailboxid_differs() {
    // The new folder has the very state that the skip marker holds: only MAILBOXID tells.
    let pair = Pair::new(&format!("{MODERN} OBJECTID"), MODERN);
    pair.source.fill("Work", 0..6);
    pair.verdict().copies(6);
    {
        let mut state = pair.source.state();
        let work = state.at("Work");
        work.id = "Mother".into();
        for (letter, number) in work.letters.iter_mut().zip(30..) {
            letter.bytes = crate::support::odd::letter(number);
        }
    }
    pair.verdict().copies(6);
    assert_eq!(pair.there(), once((0..6).chain(30..36)));
    pair.idle();
}

/// Of all figures of a folder none tells that another one has its name now, under the UIDVALIDITY that all have.
#[test]
fn c1b_a_folder_made_anew_with_the_very_figures_of_the_old_one_is_another() {
    for (old, renamed) in [(1, true), (1, false), (4, true), (4, false)] {
        let pair = Pair::new(MODERN, MODERN);
        pair.source.fill("INBOX", 0..3);
        pair.source.fill("Work", 10..10 + old);
        pair.source.fill("Quiet", 30..32);
        pair.source.state().boxes.iter_mut().for_each(|one| one.validity = 7);
        pair.verdict().copies(5 + u64::from(old));
        {
            let mut here = pair.source.state();
            let before = here.at("Work").clone();
            let mut new = Box::new("Work", 7);
            (50..50 + old).for_each(|number| assert!(new.add(letter(number)) > 0));
            new.modseq = before.modseq;
            assert_eq!((new.next, new.letters.len()), (before.next, before.letters.len()));
            *here.at("Work") = new;
            if renamed {
                let mut before = before;
                before.name = "Old".into();
                here.boxes.push(before);
            }
        }
        pair.verdict().copies(u64::from(old));
        assert_eq!(
            pair.there(),
            once((0..3).chain(10..10 + old).chain(30..32).chain(50..50 + old)),
            "renamed: {renamed}"
        );
        pair.verdict().copies(0);
    }
}

/// Of a folder of its own UIDVALIDITY its bytes tell, where the server tells them.
#[test]
fn c1b_a_folder_made_anew_with_the_very_figures_of_the_old_one_is_noticed_by_its_size() {
    let modern = format!("{MODERN} STATUS=SIZE");
    for capabilities in [modern.as_str(), "LITERAL+ UIDPLUS CONDSTORE LIST-STATUS LIST-EXTENDED STATUS=SIZE"] {
        let pair = Pair::new(capabilities, MODERN);
        pair.source.fill("INBOX", 0..3);
        pair.source.fill("Work", 10..13);
        pair.verdict().copies(6);
        pair.idle();
        {
            let mut here = pair.source.state();
            let before = here.at("Work").clone();
            let mut new = Box::new("Work", before.validity);
            (1050..1053).for_each(|number| assert!(new.add(letter(number)) > 0));
            (new.modseq, new.id) = (before.modseq, before.id.clone());
            assert_eq!((new.next, new.letters.len()), (before.next, before.letters.len()));
            *here.at("Work") = new;
        }
        pair.verdict().copies(3);
        assert_eq!(pair.there(), once((0..3).chain(10..13).chain(1050..1053)), "{capabilities}");
        pair.idle();
    }
}

#[test]
fn c1b_folders_of_their_own_uidvalidity_are_not_looked_into_for_nothing() {
    let pair = Pair::new(MODERN, MODERN);
    pair.source.fill("INBOX", 0..3);
    pair.source.fill("Work", 10..13);
    pair.source.fill("Quiet", 30..32);
    pair.verdict().copies(8);
    pair.idle();
    // A few that were made in the same moment.
    pair.source.fill("Other", 40..42);
    let validity = pair.source.state().at("Quiet").validity;
    pair.source.state().at("Other").validity = validity;
    pair.verdict().copies(2);
    pair.idle();
}
