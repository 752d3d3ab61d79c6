//! The destination's numbers mean other messages than before, or it tells wrong ones (C.1 c, d, e).

use std::sync::atomic::{AtomicU64, Ordering};

use mailferry::pass::{PassEnd, Stops};

use super::{Pair, Verdict, once};
use crate::support::bench::{Bench, runtime};
use crate::support::dovecot::{self, Format};
use crate::support::imap::Message;
use crate::support::odd::{MODERN, letter, subject};
use crate::support::relay::{Rules, Said};
use crate::support::scene::{Scene, message};

const OLD: [&str; 3] = ["UIDPLUS", "CONDSTORE", "QRESYNC"];

fn scene(hide: &[&str]) -> Scene {
    let (source, destination) = (dovecot::shared(Format::Sdbox), dovecot::shared_twin(Format::Sdbox));
    Scene::between(source, destination, Rules::hiding(hide), Rules::hiding(hide))
}

/// The owner's own mail at the destination.
fn own(number: u32) -> Message {
    Message {
        flags: vec!["$Own".into()],
        ..Message::plain(format!(
            "Message-ID: <own{number}@new.example>\r\nSubject: own {number}\r\n\r\nmine {number}\r\n"
        ))
    }
}

/// Ten copied, two deleted by the owner and seen to be gone, a backup, eight copied; the backup comes back and the
/// owner's own mail takes the numbers of the eight.
fn restored(hide: &[&str], owns: u32) {
    let (scene, server) = (scene(hide), dovecot::shared_twin(Format::Sdbox));
    scene.fill("INBOX", 0..10);
    scene.pass();
    let mut there = scene.there();
    there.select("INBOX");
    there.delete("1:2");
    drop(there);
    let mut here = scene.here();
    here.select("INBOX");
    here.store("5", "+FLAGS", "\\Seen");
    scene.pass();
    let backup = server.keep(&scene.users.1);
    scene.fill("INBOX", 10..18);
    scene.pass();
    server.put_back(&scene.users.1, &backup);
    scene.there().append_all("INBOX", &(0..owns).map(own).collect::<Vec<_>>());
    if owns > 0 {
        assert_eq!(scene.there().fetch_all("INBOX")[8].uid, 11, "the number is used again");
    }
    here.select("INBOX");
    here.store("11:14", "+FLAGS", "\\Deleted \\Flagged");
    let verdict = scene.verdict();
    let owners: Vec<_> = scene.read_there().folders["INBOX"]
        .messages
        .iter()
        .filter(|m| subject(&String::from_utf8_lossy(&m.bytes)).starts_with("own"))
        .map(|m| m.flags.clone())
        .collect();
    assert_eq!(owners, vec![vec!["$Own".to_owned()]; owns as usize], "the owner's mail was touched");
    let mut expected = once(2..18);
    expected.extend((0..owns).map(|number| (format!("own {number}"), 1)));
    assert_eq!(scene.subjects_there(), expected, "{}", verdict.words());
    verdict.copies(8);
    assert_eq!(
        scene.flagged_there("INBOX", "\\Deleted"),
        ["number 10", "number 11", "number 12", "number 13"],
        "flags of the copies that were lost come with them"
    );
    if hide.is_empty() {
        scene.idle_pass();
    }
    scene.verdict().copies(0);
}

#[test]
fn c1c_a_restored_destination_gets_back_what_it_lost_and_the_owners_mail_is_left_alone() {
    if dovecot::available() {
        restored(&[], 3);
    }
}

#[test]
fn c1c_also_when_more_of_the_owners_mail_came_than_was_lost() {
    if dovecot::available() {
        restored(&[], 12);
    }
}

#[test]
fn c1c_also_when_as_much_came_as_was_lost() {
    if dovecot::available() {
        restored(&[], 8);
    }
}

#[test]
fn c1c_also_when_nothing_came() {
    if dovecot::available() {
        restored(&[], 0);
    }
}

#[test]
fn c1c_also_without_uidplus_and_condstore() {
    if dovecot::available() {
        restored(&OLD, 3);
        restored(&OLD, 12);
    }
}

#[test]
fn c1c_flag_changes_of_the_source_never_reach_the_owners_mail_under_a_copys_number() {
    if !dovecot::available() {
        return;
    }
    // Restored and lifted by the owner's mail above every number known; nothing new at the source but flags.
    for hide in [&[][..], &OLD] {
        let (scene, server) = (scene(hide), dovecot::shared_twin(Format::Sdbox));
        scene.fill("INBOX", 0..4);
        scene.pass();
        let backup = server.keep(&scene.users.1);
        scene.fill("INBOX", 4..12);
        scene.pass();
        server.put_back(&scene.users.1, &backup);
        scene.there().append_all("INBOX", &(0..20).map(own).collect::<Vec<_>>());
        let mut here = scene.here();
        here.select("INBOX");
        here.store("1:*", "+FLAGS", "\\Deleted");
        let verdict = scene.verdict();
        let there = scene.read_there();
        for message in &there.folders["INBOX"].messages {
            let subject = subject(&String::from_utf8_lossy(&message.bytes));
            let deleted = message.flags.iter().any(|flag| flag == "\\Deleted");
            assert_eq!(deleted, subject.starts_with("number"), "{subject}: {:?}", message.flags);
        }
        let mut expected = once(0..12);
        expected.extend((0..20).map(|number| (format!("own {number}"), 1)));
        assert_eq!(scene.subjects_there(), expected, "{}", verdict.words());
    }
}

/// Either everything is there again, or what is missing has a name and exit code 1.
fn whole_or_named(scene: &Scene, verdict: Verdict, numbers: std::ops::Range<u32>) {
    let there = scene.subjects_there();
    let twice: Vec<_> = there.iter().filter(|(_, count)| **count > 1).collect();
    assert!(twice.is_empty(), "{twice:?}");
    let whole = once(numbers).keys().all(|subject| there.contains_key(subject));
    if whole {
        verdict.fine()
    } else {
        verdict.wrong(&[])
    };
}

#[test]
fn c1d_a_destination_folder_made_anew_under_its_uidvalidity_is_not_called_complete() {
    if !dovecot::available() {
        return;
    }
    let server = dovecot::shared_twin(Format::Sdbox);
    // Empty; with some of the owner's mail; with as much as was lost; with more.
    for owns in [0, 1, 20, 30] {
        for hide in [&[][..], &OLD] {
            let scene = scene(hide);
            scene.fill("Work", 0..20);
            scene.fill("Quiet", 40..42);
            scene.pass();
            let mut there = scene.there();
            let validity = there.select("Work").0;
            there.ok("UNSELECT");
            there.ok("DELETE Work");
            there.create("Work");
            server.renumber(&scene.users.1, "Work", validity, None);
            there.append_all("Work", &(0..owns).map(own).collect::<Vec<_>>());
            assert_eq!(there.select("Work").0, validity);
            drop(there);
            scene.fill("Work", 20..21);
            let mut here = scene.here();
            here.select("Work");
            here.store("1:3", "+FLAGS", "\\Deleted");
            whole_or_named(&scene, scene.verdict(), 0..21);
            let there = scene.read_there();
            let touched = there.folders["Work"].messages.iter().filter(|m| {
                let deleted = m.flags.iter().any(|flag| flag == "\\Deleted");
                deleted && subject(&String::from_utf8_lossy(&m.bytes)).starts_with("own")
            });
            assert_eq!(touched.count(), 0, "the owner's mail was touched");
            // And it stays so.
            whole_or_named(&scene, scene.verdict(), 0..21);
        }
    }
}

#[test]
fn c1d_a_whole_destination_made_anew_under_its_uidvalidities_is_not_called_complete() {
    for id in ["", " OBJECTID"] {
        let pair = Pair::new(MODERN, &format!("{MODERN}{id}"));
        pair.source.fill("INBOX", 0..5);
        pair.source.fill("Work", 10..20);
        pair.verdict().copies(15);
        {
            let mut state = pair.destination.state();
            for one in &mut state.boxes {
                (one.letters, one.next) = (Vec::new(), 1);
                one.id = format!("{}new", one.id);
            }
        }
        pair.source.fill("Work", 20..21);
        let verdict = pair.verdict();
        let whole = pair.there() == once((0..5).chain(10..21));
        if whole {
            verdict.fine()
        } else {
            verdict.wrong(&[])
        };
    }
}

#[test]
fn c1d_another_mailboxid_at_the_destination_is_another_folder() {
    // The numbers go on as if nothing had happened; the flags belong to other messages.
    let pair = Pair::new(MODERN, &format!("{MODERN} OBJECTID"));
    pair.source.fill("Work", 0..6);
    pair.verdict().copies(6);
    {
        let mut state = pair.destination.state();
        let work = state.at("Work");
        work.id = "Mother".into();
        for (number, letter) in work.letters.iter_mut().enumerate() {
            letter.bytes = format!("Message-ID: <own{number}@x>\r\nSubject: own {number}\r\n\r\nmine\r\n");
        }
        let mut source = pair.source.state();
        source.at("Work").flag(2, "\\Deleted");
        source.at("Work").add(letter(6));
    }
    let verdict = pair.verdict();
    let mut state = pair.destination.state();
    let touched = state.at("Work").letters.iter().filter(|l| l.bytes.contains("mine") && !l.flags.is_empty()).count();
    assert_eq!(touched, 0, "the owner's mail was touched");
    drop(state);
    let there = pair.there();
    let whole = (0..7).all(|number| there.get(&format!("number {number}")) == Some(&1));
    if whole {
        verdict.fine()
    } else {
        verdict.wrong(&[])
    };
}

/// An APPENDUID that is not true. The owner has three messages of their own; then flags change at the source.
fn told(lie: impl Fn(u64, u64) -> u64 + Send + Sync + 'static) {
    let pair = Pair::new(MODERN, MODERN);
    {
        let mut state = pair.destination.state();
        for number in 0..3 {
            state.at("INBOX").add(format!("Message-ID: <own{number}@x>\r\nSubject: own {number}\r\n\r\nmine\r\n"));
        }
    }
    pair.source.fill("INBOX", 0..8);
    let nth = AtomicU64::new(0);
    pair.destination.bend(move |heard| {
        let Some((before, after)) = heard.line.split_once("[APPENDUID ") else { return Said::Kept };
        let (code, after) = after.split_once(']').expect("a code");
        let (validity, uid) = code.split_once(' ').expect("two numbers");
        let uid = lie(nth.fetch_add(1, Ordering::SeqCst), uid.parse().expect("a number"));
        Said::Instead(format!("{before}[APPENDUID {validity} {uid}]{after}"))
    });
    pair.verdict().copies(8);
    pair.destination.straighten();
    for (uid, flag) in [(1, "\\Deleted"), (2, "\\Flagged"), (5, "\\Answered"), (8, "\\Seen")] {
        pair.source.state().at("INBOX").flag(uid, flag);
    }
    pair.verdict().copies(0);
    let mut state = pair.destination.state();
    for letter in &state.at("INBOX").letters {
        let expected = match subject(&letter.bytes).as_str() {
            "number 0" => Some("\\Deleted"),
            "number 1" => Some("\\Flagged"),
            "number 4" => Some("\\Answered"),
            "number 7" => Some("\\Seen"),
            _ => None,
        };
        for flag in &letter.flags {
            assert_eq!(Some(flag.as_str()), expected, "on {}", subject(&letter.bytes));
        }
    }
    drop(state);
    let mut expected = once(0..8);
    expected.extend((0..3).map(|number| (format!("own {number}"), 1)));
    assert_eq!(pair.there(), expected);
    pair.verdict().copies(0);
    assert_eq!(pair.there(), expected);
}

#[test]
fn c1e_a_told_number_below_the_floor_is_not_believed() {
    told(|nth, uid| if nth.is_multiple_of(2) { 1 + nth / 2 % 3 } else { uid });
}

#[test]
fn c1e_a_told_number_that_another_copy_has_is_not_believed() {
    told(|_, _| 4);
}

#[test]
fn c1e_a_told_number_of_the_message_before_is_not_believed_for_both() {
    told(|nth, uid| if nth == 3 || nth == 6 { uid - 1 } else { uid });
}

#[test]
fn c1e_told_numbers_that_are_all_one_too_low_flag_nobody_elses_mail() {
    told(|_, uid| uid - 1);
}

#[test]
fn c1e_told_numbers_that_are_all_one_too_high_flag_no_other_message() {
    told(|_, uid| uid + 1);
}

#[test]
fn c1e_a_told_number_far_above_every_other_is_not_believed() {
    told(|nth, uid| if nth == 2 { 4_000_000_000 } else { uid });
}

/// A pass over a folder that lost copies dies after every write once; when it comes back nothing may be missing.
async fn dies_after_a_loss(razed: bool, owns: u32) {
    let (server, twin) = (dovecot::shared(Format::Sdbox), dovecot::shared_twin(Format::Sdbox));
    let mut cuts = 0;
    loop {
        let (from, to) = (server.user("loss-from"), twin.user("loss-to"));
        let mut here = server.login(&from);
        here.create("Work");
        here.append_all("Work", &(0..4).map(message).collect::<Vec<_>>());
        let bench = Bench::new((server.plain_port, &from), (twin.plain_port, &to)).await;
        bench.run().await.expect_clean();
        let backup = twin.keep(&to);
        here.append_all("Work", &(4..10).map(message).collect::<Vec<_>>());
        bench.run().await.expect_clean();
        if razed {
            let mut there = twin.login(&to);
            let validity = there.select("Work").0;
            there.ok("UNSELECT");
            there.ok("DELETE Work");
            there.create("Work");
            twin.renumber(&to, "Work", validity, None);
        } else {
            twin.put_back(&to, &backup);
        }
        twin.login(&to).append_all("Work", &(0..owns).map(own).collect::<Vec<_>>());
        here.append("Work", &message(10));
        let died = bench.run_cut(cuts, &Stops::default()).await;
        let end = if died.cut { bench.run().await.end } else { died.end };
        let subjects = twin.login(&to).fetch_all("Work");
        let subjects = subjects.iter().map(|m| subject(&String::from_utf8_lossy(&m.bytes)));
        let there = super::count(subjects.filter(|subject| subject.starts_with("number")));
        let PassEnd::Completed { errors, differ } = end else { panic!("{end:?}") };
        assert!(there.values().all(|count| *count == 1), "dead after {cuts} writes: {there:?}");
        let whole = there == once(0..11);
        assert!(whole || errors + differ > 0, "dead after {cuts} writes, and nothing is named: {there:?}");
        if !died.cut {
            break;
        }
        cuts += 1;
    }
    assert!(cuts >= 6, "only {cuts} writes in the whole pass");
}

#[test]
fn c1c_a_pass_that_dies_after_a_restore_of_the_destination_comes_back_whole() {
    if dovecot::available() {
        runtime().block_on(Box::pin(dies_after_a_loss(false, 3)));
        runtime().block_on(Box::pin(dies_after_a_loss(false, 9)));
    }
}

#[test]
fn c1d_a_pass_that_dies_after_a_folder_was_made_anew_comes_back_whole() {
    if dovecot::available() {
        runtime().block_on(Box::pin(dies_after_a_loss(true, 0)));
        runtime().block_on(Box::pin(dies_after_a_loss(true, 2)));
        runtime().block_on(Box::pin(dies_after_a_loss(true, 12)));
    }
}
