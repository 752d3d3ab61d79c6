//! Every kind of pass, and when it starts, through the command line against real servers.

use crate::support::compare::{assert_nothing_lost_or_doubled, same_names};
use crate::support::dovecot::{self, Format};
use crate::support::imap::Message;
use crate::support::product::{Item, Output, PROJECT};
use crate::support::relay::{Act, At, Rules, verb};
use crate::support::scene::{Scene, message};

/// A scene whose days are those of UTC.
fn scene(writing: Rules) -> Scene {
    let (source, destination) = (dovecot::shared(Format::Sdbox), dovecot::shared_twin(Format::Sdbox));
    let mut scene = Scene::between(source, destination, Rules::default(), writing);
    scene.workspace.environment.push(("TZ".into(), "UTC".into()));
    scene
}

fn pass(scene: &Scene, words: &[&str], code: i32) -> Output {
    let arguments = [&["start", PROJECT, "--pass"], words].concat();
    let output = scene.workspace.run(&arguments).expect(code);
    scene.source.assert_source_read_only();
    output
}

fn appended(scene: &Scene) -> usize {
    let appended = scene.destination.appends().len();
    scene.destination.clear_record();
    appended
}

/// What `status` shows people.
fn shown(scene: &Scene) -> String {
    scene.workspace.run(&["status", PROJECT]).expect(0).stdout
}

fn shows(scene: &Scene, words: &str) {
    let shown = shown(scene);
    assert!(shown.contains(words), "{words:?} is missing in\n{shown}");
}

#[test]
fn d31_verify_copies_nothing_and_a_trial_at_most_ten_of_a_folder_again_and_again() {
    if !dovecot::available() {
        return;
    }
    let scene = scene(Rules::default());
    scene.fill("INBOX", 0..25);
    scene.fill("Work", 100..104);
    scene.here().create("Empty");
    pass(&scene, &["verify"], 0);
    shows(&scene, "Completed (Verification)");
    assert!(scene.read_there().folders.keys().all(|name| name != "Work" && name != "Empty"));
    pass(&scene, &["trial"], 0);
    shows(&scene, "Completed (Trial)");
    assert_eq!(scene.count_there(&["INBOX", "Work", "Empty"]), [10, 4, 0]);
    assert!(scene.read_there().folders.contains_key("Empty"), "the whole tree");
    assert_eq!(appended(&scene), 14);
    pass(&scene, &["trial"], 0);
    assert_eq!(appended(&scene), 0, "again");
    pass(&scene, &["full"], 0);
    assert_eq!(appended(&scene), 15);
    let shown = shown(&scene);
    assert!(shown.contains("Completed") && !shown.contains("Completed ("), "{shown}");
    scene.assert_equal();
    pass(&scene, &["trial"], 0);
    assert_eq!(appended(&scene), 0, "everything is there");
    scene.idle_pass();
}

#[test]
fn d31_pre_stage_brings_what_is_older_than_a_date_or_so_many_days_and_full_the_rest() {
    if !dovecot::available() {
        return;
    }
    let scene = scene(Rules::default());
    // Of the first to the tenth of February, some hours before the day begins in UTC; and of today.
    scene.fill("INBOX", 0..10);
    scene.here().append("INBOX", &Message { date: None, ..message(50) });
    pass(&scene, &["prestage"], 2);
    pass(&scene, &["prestage", "--older-than", "2003-02-06"], 0);
    shows(&scene, "Completed (Pre-Stage)");
    assert_eq!(appended(&scene), 6);
    // Where the project's days begin earlier, the last of these hours are another day.
    let set = |option: &str, code| scene.workspace.run(&["project", "set", PROJECT, option]).expect(code);
    assert!(set("zone=Nowhere/Else", 2).stderr.contains("zone is a zone by its name, such as Europe/Vienna"));
    set("zone=pacific/kiritimati", 0);
    pass(&scene, &["prestage", "--older-than", "2003-02-06"], 0);
    assert_eq!(appended(&scene), 0, "it begins earlier there");
    pass(&scene, &["prestage", "--older-than", "2003-02-07"], 0);
    assert_eq!(appended(&scene), 0);
    set("zone=none", 0);
    pass(&scene, &["prestage", "--older-than", "2003-02-07"], 0);
    assert_eq!(appended(&scene), 1);
    pass(&scene, &["prestage", "--older-than", "30"], 0);
    assert_eq!(appended(&scene), 3);
    pass(&scene, &["full"], 0);
    assert_eq!(appended(&scene), 1);
    scene.assert_equal();
    scene.idle_pass();
    let refused = pass(&scene, &["prestage", "--older-than", "soon"], 2);
    assert!(refused.stderr.contains("\"soon\" is no age"), "{refused:?}");
}

#[test]
fn d31_retry_errors_tries_exactly_what_failed_and_what_is_cured_vanishes() {
    if !dovecot::available() {
        return;
    }
    let scene = scene(Rules::singly());
    scene.workspace.options(|options| options.connections = 1);
    scene.fill("INBOX", 0..8);
    let refuse = || Act::Answer("NO [CANNOT] not this one".into());
    for nth in [3, 5] {
        scene.destination.plan(At::Command(verb("APPEND").nth(nth)), refuse());
    }
    pass(&scene, &["full"], 1);
    assert_eq!(scene.workspace.errors().len(), 2);
    scene.destination.forget_plans();
    scene.destination.clear_record();
    // What is new waits for a Full pass.
    scene.fill("INBOX", 20..23);
    scene.destination.plan(At::Command(verb("APPEND").nth(1)), refuse());
    pass(&scene, &["retry-errors"], 1);
    let tried = scene.destination.commands_of("APPEND").len();
    assert_eq!((tried, scene.workspace.errors().len()), (2, 1), "both, and one was refused again");
    let left = scene.workspace.errors().remove(0);
    assert_eq!(left.subject.as_deref(), Some("number 2"));
    assert_eq!(scene.count_there(&["INBOX"]), [7]);
    scene.destination.forget_plans();
    pass(&scene, &["retry-errors"], 0);
    assert_eq!((scene.workspace.errors().len(), scene.count_there(&["INBOX"])), (0, vec![8]));
    let nothing = pass(&scene, &["retry-errors"], 1);
    assert!(nothing.stderr.contains("no errors to retry"), "{nothing:?}");
    pass(&scene, &["full"], 0);
    // What came later stands later.
    let here = scene.read_here();
    assert_nothing_lost_or_doubled(&here, &scene.read_there(), &same_names(&here));
}

#[test]
fn the_first_pass_that_copies_asks_for_the_direction_and_a_verify_does_not() {
    if !dovecot::available() {
        return;
    }
    let scene = scene(Rules::default());
    scene.fill("INBOX", 0..2);
    let start = |words: &[&str]| Output::of(scene.workspace.unconfirmed(&[&["start", PROJECT], words].concat()));
    start(&["--pass", "verify"]).expect(0);
    for pass in [&[][..], &["--pass", "trial"], &["--pass", "prestage", "--older-than", "30"]] {
        let asked = start(pass).expect(2);
        let (from, into) = (scene.source.port, scene.destination.port);
        let direction = format!("FROM imap+plain://127.0.0.1:{from} INTO imap+plain://127.0.0.1:{into}");
        assert!(asked.stderr.contains(&direction) && asked.stderr.contains("--confirm-direction"), "{asked:?}");
    }
    assert_eq!(appended(&scene), 0);
    start(&["--confirm-direction"]).expect(0);
    start(&[]).expect(0);
}

#[test]
fn r3_r4_a_start_for_later_says_so_shows_when_and_is_taken_back() {
    if !dovecot::available() {
        return;
    }
    let scene = scene(Rules::default());
    scene.fill("INBOX", 0..2);
    let past = pass(&scene, &["full", "--at", "2003-02-01 10:00"], 2);
    assert!(past.stderr.contains("lies in the past"), "{past:?}");
    assert_eq!(scene.workspace.only().status(), "not_submitted");
    let later = pass(&scene, &["full", "--at", "2120-01-02 22:00"], 0);
    assert!(later.stdout.contains("1 item will start at 2120-01-02 22:00"), "{later:?}");
    shows(&scene, "Submitted (will start in");
    assert_eq!(scene.workspace.only().status(), "scheduled");
    scene.workspace.run(&["stop", PROJECT]).expect(0);
    assert_eq!(scene.workspace.only().status(), "stopped");
    // Given another time, and taken back with all others.
    pass(&scene, &["trial", "--at", "2120-01-03 22:00"], 0);
    assert_eq!(scene.workspace.only().status(), "scheduled");
    scene.workspace.run(&["stop", "--all"]).expect(0);
    assert_eq!((scene.workspace.only().status(), appended(&scene)), ("stopped", 0));
    pass(&scene, &["full"], 0);
    scene.assert_equal();
}

#[test]
fn what_is_submitted_while_new_starts_are_held_waits_for_a_word_and_can_be_taken_back() {
    if !dovecot::available() {
        return;
    }
    let scene = scene(Rules::default());
    scene.fill("INBOX", 0..2);
    let hold = |word: &str| scene.workspace.run(&["hold", word, PROJECT]).expect(0);
    hold("on");
    let submit = || {
        let told = pass(&scene, &["full"], 1);
        assert!(told.stderr.contains("Submitted, held") && told.stderr.contains("hold off"), "{told:?}");
        shows(&scene, "Submitted (held)");
    };
    submit();
    scene.workspace.run(&["stop", PROJECT]).expect(0);
    assert_eq!(scene.workspace.only().status(), "stopped");
    submit();
    assert_eq!(appended(&scene), 0);
    hold("off");
    scene.workspace.run(&["resume", PROJECT]).expect(0);
    assert_eq!(scene.workspace.only().status(), "completed");
    scene.assert_equal();
}

#[test]
fn r3_d3_a_start_of_one_item_leaves_scheduled_ones_alone_and_resume_starts_them() {
    if !dovecot::available() {
        return;
    }
    let scene = scene(Rules::default());
    scene.fill("INBOX", 0..2);
    let other = dovecot::shared(Format::Sdbox).user("scheduled");
    let there = dovecot::shared_twin(Format::Sdbox).user("scheduled");
    scene.workspace.import(&[(other.clone(), there)]);
    let email = |user: &str| format!("{user}@old.example");
    let status = |of: &str| {
        let items = scene.workspace.status();
        let Item(item) = items.into_iter().find(|item| item.0["source"] == email(of)).expect("it is there");
        (item["status"].as_str().expect("a word").to_owned(), item["starts_at"].is_number())
    };
    pass(&scene, &["full", "--at", "2120-01-02 22:00", "--item", &email(&other)], 0);
    assert_eq!(status(&other), ("scheduled".into(), true));
    let told = scene.workspace.run(&["resume", PROJECT]).expect(2);
    assert!(told.stderr.contains("1 item starts later") && told.stderr.contains("--watch"), "{told:?}");
    // Its time came while nothing ran, or while another item's pass does.
    let database = rusqlite::Connection::open(scene.workspace.path().join("workspace.db")).expect("a database");
    let changed = database.execute("UPDATE pass SET schedule_at = 1000 WHERE schedule_at IS NOT NULL", []);
    assert_eq!(changed.expect("it is there"), 1);
    shows(&scene, "Submitted (missed its start)");
    pass(&scene, &["full", "--item", &email(&scene.users.0)], 0);
    assert_eq!(status(&scene.users.0).0, "completed");
    assert_eq!(status(&other).0, "scheduled", "nobody named it");
    scene.workspace.run(&["resume", PROJECT]).expect(0);
    assert_eq!(status(&other).0, "completed");
    scene.assert_equal();
}
