//! What the destination refuses: item errors that leave the rest alone and are tried again, and the ends of passes.

use std::process::Stdio;

use crate::support::compare::{assert_nothing_lost_or_doubled, same_names};
use crate::support::dovecot::{self, Dovecot, Format, Options};
use crate::support::ends::Ends;
use crate::support::imap::Message;
use crate::support::product::Item;
use crate::support::relay::{Act, At, Rules, verb};
use crate::support::scene::{Scene, message};

fn nothing_lost_or_doubled(scene: &Scene) {
    let here = scene.read_here();
    assert_nothing_lost_or_doubled(&here, &scene.read_there(), &same_names(&here));
}

fn cause(item: &Item) -> &str {
    item.0["error"]["failure"]["cause"].as_str().unwrap_or_default()
}

fn large(number: u32, bytes: usize) -> Message {
    let text = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcd\r\n".repeat(bytes / 64);
    Message { bytes: [message(number).bytes, text.into_bytes()].concat(), ..message(number) }
}

/// Two folders of ten messages; these of the APPEND commands are refused, which costs one message of the folder sent first.
fn refusing(hide: &[&str], refused: &[u64]) {
    let (source, destination) = (dovecot::shared(Format::Sdbox), dovecot::shared_twin(Format::Sdbox));
    let scene = Scene::between(source, destination, Rules::default(), Rules::hiding(hide));
    scene.workspace.options(|o| o.connections = 1);
    scene.fill("INBOX", 0..10);
    scene.fill("Work", 10..20);
    for nth in refused {
        let refuse = Act::Answer("NO [CANNOT] not this one".into());
        scene.destination.plan(At::Command(verb("APPEND").nth(*nth)), refuse);
    }
    let (output, first) = scene.start(1);
    scene.destination.assert_all_hit();
    assert_eq!(first.status(), "completed");
    assert_eq!((first.messages("copied"), first.messages("errors")), (19, 1), "{}", output.stderr);
    let errors = scene.workspace.errors();
    let [error] = errors.as_slice() else { panic!("{errors:?}") };
    assert!(error.subject.as_deref().is_some_and(|s| s.starts_with("number ")), "{error:?}");
    assert_eq!(error.failure.server_text.as_deref(), Some("[CANNOT] not this one"));
    assert!(error.date.is_some() && error.size.is_some() && error.source.is_some());

    scene.destination.forget_plans();
    let second = scene.pass();
    assert_eq!((second.messages("copied"), second.messages("already_there"), second.messages("errors")), (1, 19, 0));
    nothing_lost_or_doubled(&scene);
    scene.idle_pass();
}

#[test]
fn a_refused_message_is_an_item_error_and_tried_again() {
    if dovecot::available() {
        refusing(&["MULTIAPPEND"], &[3]);
    }
}

#[test]
fn a_refused_batch_is_sent_again_one_by_one() {
    if dovecot::available() {
        // The batch of the first folder, then, behind the batch of the second folder, the third of its messages.
        refusing(&[], &[1, 5]);
        refusing(&["UIDPLUS"], &[1, 5]);
    }
}

#[test]
fn a_message_above_appendlimit_is_not_sent() {
    if !dovecot::available() {
        return;
    }
    let (source, destination) = (dovecot::shared(Format::Sdbox), dovecot::shared_twin(Format::Sdbox));
    let limited = Rules { show: vec!["APPENDLIMIT=5000".into()], ..Rules::default() };
    let scene = Scene::between(source, destination, Rules::default(), limited);
    scene.here().append_all("INBOX", &[message(1), large(2, 6000), message(3)]);
    for copied in [2, 0] {
        let (_, item) = scene.start(1);
        assert_eq!((item.messages("copied"), item.messages("errors")), (copied, 1), "{:#}", item.0);
        assert!(scene.destination.appends().iter().all(|a| a.length <= 5000));
        assert_eq!(second_was_read(&scene), copied > 0, "r26: a known refusal is not read again");
        let errors = scene.workspace.errors();
        assert_eq!(errors.iter().map(|e| e.subject.as_deref()).collect::<Vec<_>>(), [Some("number 2")]);
        assert_eq!(serde_json::to_value(errors[0].failure.cause).expect("a word"), "too_big");
    }
}

/// Whether the second message of the folder was read in the last pass. What is compared of others is no matter.
fn second_was_read(scene: &Scene) -> bool {
    let includes = |part: &str| match part.split_once(':') {
        Some((from, to)) => from.parse().is_ok_and(|from: u32| from <= 2) && to.parse().map_or(true, |to: u32| to >= 2),
        None => part == "2",
    };
    let whole = |arguments: &str| arguments.contains("BODY.PEEK[]");
    scene
        .source
        .commands()
        .iter()
        .filter(|command| whole(&command.arguments))
        .any(|command| command.arguments.split(' ').next().is_some_and(|set| set.split(',').any(includes)))
}

/// A source with a message that the destination refuses by its own words, and one pass over it.
fn refused_as_too_big() -> Scene {
    let (source, destination) = (dovecot::shared(Format::Sdbox), dovecot::shared_twin(Format::Sdbox));
    // Nothing is told beforehand, and each message goes by itself.
    let scene = Scene::between(source, destination, Rules::default(), Rules::hiding(&["MULTIAPPEND", "APPENDLIMIT"]));
    scene.here().append_all("INBOX", &[message(1), large(2, 6000), message(3)]);
    let refuse = Act::Answer("NO [TOOBIG] Maximum size of appendable message has been exceeded".into());
    scene.destination.plan(At::Command(verb("APPEND").nth(2)), refuse);
    let (_, item) = scene.start(1);
    assert_eq!((item.messages("copied"), item.messages("errors")), (2, 1), "{:#}", item.0);
    scene.destination.forget_plans();
    scene
}

#[test]
fn r26_a_known_refusal_is_tried_again_when_the_option_changed_or_by_retry_errors() {
    if !dovecot::available() {
        return;
    }
    let scene = refused_as_too_big();
    let (_, again) = scene.start(1);
    assert_eq!((again.messages("errors"), second_was_read(&scene)), (1, false), "{:#}", again.0);
    let errors = scene.workspace.errors();
    assert_eq!(errors[0].subject.as_deref(), Some("number 2"), "all that was known of it is");
    scene.workspace.options(|options| options.largest = Some(1_000_000));
    let (_, tried) = scene.start(0);
    assert_eq!((tried.messages("copied"), tried.messages("errors")), (1, 0), "{:#}", tried.0);
    nothing_lost_or_doubled(&scene);

    let scene = refused_as_too_big();
    scene.source.clear_record();
    scene.workspace.run(&["start", "move", "--pass", "retry-errors"]).expect(0);
    assert_eq!(scene.workspace.only().messages("copied"), 1);
    nothing_lost_or_doubled(&scene);
}

#[test]
fn r26_an_accepted_error_no_longer_counts_and_stays_accepted() {
    if !dovecot::available() {
        return;
    }
    let scene = refused_as_too_big();
    let item = format!("{}@old.example", scene.users.0);
    let run = |arguments: &[&str], code| scene.workspace.run(arguments).expect(code);
    let shown = run(&["errors", "move"], 0).stdout;
    assert!(shown.starts_with("1 error\n") && shown.contains("Too big for the destination"), "{shown}");
    assert!(shown.contains("\"number 2\""), "{shown}");
    let other = ["errors", "accept", "move", "--item", &item, "--folder", "INBOX", "--uid", "1"];
    assert!(run(&other, 2).stderr.contains("is no error of the latest pass"));
    run(&["errors", "accept", "move", "--item", &item], 2);
    let folder_and_uid = ["--folder", "INBOX", "--uid", "2"];
    let accept = ["errors", "accept", "move", "--item", &item, "--note", "=as agreed"];
    run(&[&accept[..], &folder_and_uid].concat(), 0);
    assert!(run(&["errors", "move"], 0).stdout.starts_with("1 error, 1 accepted\n"));
    assert!(run(&["status", "move"], 0).stdout.contains("Completed, 1 error, 1 accepted"));

    // The pass meets it again, and ends well.
    let (output, item_now) = scene.start(0);
    assert_eq!((item_now.messages("errors"), item_now.messages("accepted")), (1, 1), "{}", output.stderr);
    let csv = run(&["errors", "move", "--item", &item, "--csv"], 0).stdout;
    let lines: Vec<&str> = csv.split_terminator("\r\n").collect();
    assert!(
        lines.len() == 2 && lines[0].starts_with("\"Source Email\",\"Destination Email\",\"Folder\",\"UID\""),
        "{csv}"
    );
    assert!(lines[1].contains("\"INBOX\",\"2\",\"number 2\"") && lines[1].ends_with(",\"'=as agreed\""), "{csv}");
    let log = run(&["log", "move", "--item", &item], 0).stdout;
    assert!(log.contains("pass 1, Full") && log.contains("pass 2, Full") && log.contains("[accepted]"), "{log}");

    run(&["errors", "accept", "move", "--item", &item, "--all", "--undo"], 0);
    assert!(run(&["errors", "move"], 0).stdout.starts_with("1 error\n"));
    scene.start(1);
}

#[test]
fn r26_a_message_that_was_not_moved_is_saved_as_a_file_for_its_owner() {
    if !dovecot::available() {
        return;
    }
    let scene = refused_as_too_big();
    scene.source.clear_record();
    let item = format!("{}@old.example", scene.users.0);
    let file = scene.workspace.path().join("plan.eml");
    let named = file.to_str().expect("a plain path");
    let save = ["errors", "save", "move", "--item", &item, "--folder", "INBOX", "--uid", "2", named];
    scene.workspace.run(&save).expect(0);
    scene.source.assert_source_read_only();
    let bytes = std::fs::read(&file).expect("the file");
    assert_eq!(bytes, large(2, 6000).bytes);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&file).expect("the file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "readable by its owner only");
    }
    std::fs::write(&file, "mine").expect("written");
    let refused = scene.workspace.run(&save).expect(2);
    assert!(refused.stderr.contains("exists already") && refused.stderr.contains("--force"), "{}", refused.stderr);
    assert_eq!(std::fs::read(&file).expect("the file"), b"mine");
    scene.workspace.run(&[&save[..], &["--force"]].concat()).expect(0);
    assert_eq!(std::fs::read(&file).expect("the file"), bytes);
    let files = std::fs::read_dir(scene.workspace.path()).expect("a folder").flatten();
    assert!(files.into_iter().all(|file| !file.file_name().to_string_lossy().starts_with(".mailferry")));
}

#[test]
fn r26_a_message_is_saved_beside_the_process_that_runs_the_passes() {
    if !dovecot::available() {
        return;
    }
    let scene = refused_as_too_big();
    let item = format!("{}@old.example", scene.users.0);
    let file = scene.workspace.path().join("plan.eml");
    let held = scene.destination.plan(At::Command(verb("LIST")), Act::Hold);
    let mut start = scene.workspace.command(&["start", "move"]);
    let mut running = start.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts");
    held.wait();
    assert_eq!(scene.workspace.only().status(), "migrating");
    let named = file.to_str().expect("a plain path");
    // The errors of a pass that still runs are those that it has met; the last one's are tried again by it.
    let saved =
        scene.workspace.run(&["errors", "save", "move", "--item", &item, "--folder", "INBOX", "--uid", "2", named]);
    let is_there = file.exists();
    held.go_on();
    assert!(running.ends().code().is_some());
    assert!(!saved.stderr.contains("panicked") && is_there == (saved.code == 0), "{saved:?}");
    scene.source.assert_source_read_only();
    scene
        .workspace
        .run(&["errors", "save", "move", "--item", &item, "--folder", "INBOX", "--uid", "2", named, "--force"])
        .expect(0);
    assert_eq!(std::fs::read(&file).expect("the file"), large(2, 6000).bytes);
}

#[test]
fn r25_a_full_destination_fails_and_a_later_pass_goes_on() {
    if !dovecot::available() {
        return;
    }
    let small = Dovecot::start(Options { quota: Some("2M".into()), ..Options::sdbox() });
    let scene = Scene::between(dovecot::shared(Format::Sdbox), &small, Rules::default(), Rules::default());
    let mut there = scene.there();
    there.create("Ballast");
    there.append("Ballast", &large(0, 1_400_000));
    scene.here().append_all("INBOX", &(1..9).map(|n| large(n, 150_000)).collect::<Vec<_>>());
    let (output, first) = scene.start(1);
    assert_eq!((first.status(), cause(&first)), ("failed", "destination_full"), "{}", output.stderr);
    assert!(output.stderr.contains("full"), "{}", output.stderr);
    let copied = first.messages("copied");
    assert!((1..8).contains(&copied), "{copied}");
    assert_eq!(scene.count_there(&["INBOX"]), [copied as usize]);

    there.select("Ballast");
    there.delete("1:*");
    let second = scene.pass();
    assert_eq!((second.messages("copied"), second.messages("already_there")), (8 - copied, copied));
    assert_eq!(scene.count_there(&["INBOX"]), [8]);
    scene.there().ok("DELETE Ballast");
    nothing_lost_or_doubled(&scene);
}

#[test]
fn a_mailbox_without_room_for_a_folder_or_a_flag_is_full_too() {
    if !dovecot::available() {
        return;
    }
    let small = Dovecot::start(Options { quota: Some("2M".into()), ..Options::sdbox() });
    let scene = Scene::between(dovecot::shared(Format::Sdbox), &small, Rules::default(), Rules::default());
    scene.fill("INBOX", 0..4);
    scene.fill("Work", 10..14);
    let full = |verb_of_it| {
        scene.destination.plan(At::Command(verb_of_it), Act::Answer("NO [OVERQUOTA] Quota exceeded".into()));
        let (output, item) = scene.start(1);
        scene.destination.assert_all_hit();
        assert_eq!((item.status(), cause(&item)), ("failed", "destination_full"), "{}", output.stderr);
        assert!(output.stderr.contains("Destination mailbox full"), "{}", output.stderr);
        assert!(output.stderr.contains("free of 2.10 MB"), "how full it is: {}", output.stderr);
        assert!(!output.stderr.contains("0 messages still"), "{}", output.stderr);
        scene.destination.forget_plans();
    };
    full(verb("CREATE").with("Work"));
    assert_eq!(scene.pass().messages("copied"), 8, "it goes on where it stopped");
    let mut here = scene.here();
    here.select("INBOX");
    here.store("2", "+FLAGS", r"\Flagged");
    full(verb("UID STORE"));
    assert_eq!(scene.pass().number("flags_updated"), 1);
    scene.assert_equal();
}

#[test]
fn a_refused_folder_counts_its_messages_as_errors_and_is_tried_again() {
    if !dovecot::available() {
        return;
    }
    let scene = Scene::new();
    scene.fill("INBOX", 0..4);
    scene.fill("Bad", 10..17);
    scene.fill("Good", 20..25);
    let refuse = Act::Answer("NO [CANNOT] no such name here".into());
    scene.destination.plan(At::Command(verb("CREATE").with("Bad").every()), refuse).count();
    let (_, first) = scene.start(1);
    assert_eq!((first.status(), first.messages("copied"), first.messages("errors")), ("completed", 9, 7));
    scene.destination.assert_all_hit();
    scene.destination.forget_plans();
    assert_eq!(scene.pass().messages("copied"), 7);
    scene.assert_equal();
    scene.idle_pass();
}

#[test]
fn r25_too_many_item_errors_end_the_pass() {
    if !dovecot::available() {
        return;
    }
    let scene = Scene::new();
    scene.fill("INBOX", 0..30);
    scene.workspace.options(|o| o.maximum_errors = 5);
    let refuse = Act::Answer("NO [CANNOT] nothing goes in".into());
    scene.destination.plan(At::Command(verb("APPEND").every()), refuse);
    let (_, first) = scene.start(1);
    assert_eq!((first.status(), cause(&first)), ("failed", "too_many_errors"), "{:#}", first.0);
    scene.destination.forget_plans();
    assert_eq!(scene.pass().messages("copied"), 30);
    scene.assert_equal();
}

#[test]
fn a_message_that_vanishes_while_it_is_read_is_counted_as_vanished() {
    if !dovecot::available() {
        return;
    }
    let scene = Scene::new();
    scene.fill("INBOX", 0..20);
    scene.fill("Work", 20..25);
    scene.pass();
    scene.fill("Work", 30..40);
    // The folder was listed and compared; its new messages are about to be read.
    let hit = scene.source.plan(At::Command(verb("UID FETCH").with("BODY.PEEK[])")), Act::Hold);
    let item = std::thread::scope(|threads| {
        let pass = threads.spawn(|| scene.pass());
        hit.wait();
        let mut here = scene.here();
        here.select("Work");
        here.delete("8:9");
        hit.go_on();
        pass.join().expect("the pass")
    });
    assert_eq!((item.messages("copied"), item.messages("vanished")), (8, 2), "{:#}", item.0);
    assert_eq!(item.messages("source"), 35);
    assert_eq!(scene.count_there(&["INBOX", "Work"]), [20, 13]);
    scene.source.forget_plans();
    let next = scene.pass();
    assert_eq!((next.messages("source"), next.messages("copied")), (33, 0));
    scene.idle_pass();
}
