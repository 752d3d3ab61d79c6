//! What another process sees of a running pass, and how passes that cannot begin say why.

use std::time::Instant;

use crate::support::dovecot::{self, Format, PASSWORD};
use crate::support::product::{Item, Workspace, plain};
use crate::support::relay::{Act, At, GoesOn, PATIENCE, Relay, Rules, verb};
use crate::support::scene::Scene;

/// Asks for the status until it is as expected.
fn until(workspace: &Workspace, expected: impl Fn(&[Item]) -> bool) -> Vec<Item> {
    let start = Instant::now();
    loop {
        let items = workspace.status();
        if expected(&items) {
            return items;
        }
        assert!(start.elapsed() < PATIENCE, "never: {items:#?}");
    }
}

#[test]
fn r18_r19_r47_r49_progress_is_seen_by_another_process() {
    if !dovecot::available() {
        return;
    }
    let scene = Scene::new();
    scene.workspace.options(|o| o.connections = 1);
    scene.fill("INBOX", 0..30);
    scene.fill("Work", 100..110);
    // The largest folder goes first; the other one is held back at its first message.
    let hit = scene.destination.plan(At::Command(verb("APPEND").with("Work")), Act::Hold);
    std::thread::scope(|threads| {
        let pass = threads.spawn(|| scene.pass());
        let _goes_on = GoesOn(&hit);
        hit.wait();
        // What is recorded is seen at once, the other figures once a second.
        let ended = |item: &Item| (item.messages("copied"), &item.0["folders"]["done"]) == (30, &1.into());
        let items = until(&scene.workspace, |items| ended(&items[0]));
        let folders = &items[0].0["folders"];
        assert_eq!((items[0].status(), &items[0].0["phase"]), ("migrating", &"copying".into()));
        assert_eq!((&folders["done"], &folders["total"]), (&1.into(), &2.into()), "folders, not bytes");
        assert_eq!(folders["current"], "Work");
        assert!(items[0].number("bytes") > 30 * 100);
        hit.go_on();
        let done = pass.join().expect("the pass");
        assert_eq!((done.messages("copied"), &done.0["folders"]["done"]), (40, &2.into()));
        assert!(done.number("bytes") > items[0].number("bytes"));
    });
}

#[test]
fn r02_r06_a_second_item_waits_for_a_free_worker() {
    if !dovecot::available() {
        return;
    }
    let (source, destination) = (dovecot::shared(Format::Sdbox), dovecot::shared_twin(Format::Sdbox));
    let relay = Relay::start(source.plain_port, Rules::default());
    let workspace = Workspace::new();
    workspace.project_new(&plain(relay.port), &plain(destination.plain_port), &["--concurrent", "1"]);
    let items: Vec<_> = (0..2).map(|_| (source.user("queue"), destination.user("queue"))).collect();
    workspace.import(&items);
    assert!(workspace.status().iter().all(|item| item.status() == "not_submitted"), "R1");
    let hit = relay.plan(At::Command(verb("LIST")), Act::Hold);
    std::thread::scope(|threads| {
        let pass = threads.spawn(|| workspace.start());
        let _goes_on = GoesOn(&hit);
        hit.wait();
        let seen = until(&workspace, |items| items.iter().any(|item| item.status() == "migrating"));
        assert!(seen.iter().any(|item| item.status() == "submitted"), "{seen:?}");
        assert_eq!(relay.counters().connections, 1);
        hit.go_on();
        pass.join().expect("the pass").expect(0);
    });
    assert!(workspace.status().iter().all(|item| item.status() == "completed"));
}

#[test]
fn r25_r45_a_refused_login_names_its_side_and_is_not_tried_again() {
    if !dovecot::available() {
        return;
    }
    let (source, destination) = (dovecot::shared(Format::Sdbox), dovecot::shared_twin(Format::Sdbox));
    for wrong in ["source", "destination"] {
        let (reading, writing) =
            (Relay::start(source.plain_port, Rules::default()), Relay::start(destination.plain_port, Rules::default()));
        let workspace = Workspace::new();
        workspace.project_new(&plain(reading.port), &plain(writing.port), &[]);
        let (from, to) = (source.user("wrong"), destination.user("wrong"));
        let password = |side| if side == wrong { "not-this-one" } else { PASSWORD };
        let csv = format!(
            "Source Email,Source Login Name,Source Password,Destination Email,Destination Login Name,Destination Password\n\
             {from}@a.example,{from},{},{to}@b.example,{to},{}\n",
            password("source"),
            password("destination")
        );
        let file = workspace.path().join("wrong.csv");
        std::fs::write(&file, csv).expect("written");
        workspace.run(&["item", "import", "move", file.to_str().expect("a plain path")]).expect(0);
        let output = workspace.start().expect(1);
        let item = workspace.only();
        assert_eq!((item.status(), &item.0["error"]["side"]), ("failed", &wrong.into()));
        assert_eq!(item.0["error"]["failure"]["cause"], "login_refused");
        assert!(output.stderr.contains(wrong), "{}", output.stderr);
        assert!(!output.stderr.contains("not-this-one") && !workspace.log().contains("not-this-one"));
        let relay = if wrong == "source" { &reading } else { &writing };
        let logins = relay.commands().into_iter().filter(|c| c.verb == "LOGIN" || c.verb == "AUTHENTICATE").count();
        assert_eq!(logins, 1, "a refused login is not tried again");
    }
}

#[test]
fn c2_the_wait_for_what_was_on_its_way_shows_and_lasts_twenty_seconds_unless_told_otherwise() {
    if !dovecot::available() {
        return;
    }
    let (source, destination) = (dovecot::shared(Format::Sdbox), dovecot::shared_twin(Format::Sdbox));
    let mut scene = Scene::between(source, destination, Rules::default(), Rules::singly());
    // As everybody has it, not as tests do.
    scene.workspace.environment.push(("MAILFERRY_SETTLE".into(), String::new()));
    scene.fill("INBOX", 0..40);
    // The message at which the connection breaks never shows.
    let cut = scene.destination.plan(At::Command(verb("APPEND").nth(20)), Act::HangUp);
    std::thread::scope(|threads| {
        let pass = threads.spawn(|| scene.workspace.start());
        cut.wait();
        let settles = |items: &[Item]| items[0].0["retry"]["failure"]["cause"] == "settling";
        let item = until(&scene.workspace, settles).remove(0);
        let now = i64::try_from(std::time::UNIX_EPOCH.elapsed().expect("later").as_millis()).expect("in range");
        let left = item.0["retry"]["until"].as_i64().expect("a time") - now;
        assert!((5_000..60_000).contains(&left), "{left} ms to wait: {:#}", item.0);
        let status = scene.workspace.run(&["status", "move"]).expect(0).stdout;
        assert!(status.contains("Waiting for the destination to take in what was on its way"), "{status}");
        scene.workspace.run(&["stop", "move"]);
        pass.join().expect("the pass").expect(1);
    });
}

#[test]
fn a_start_without_watch_tells_what_it_waits_for_and_how_each_item_ended() {
    use crate::support::odd::{MODERN, Odd};
    use std::sync::atomic::{AtomicU32, Ordering};

    let (source, destination) = (Odd::start(MODERN), Odd::start(MODERN));
    source.fill("INBOX", 0..3);
    let tries = AtomicU32::new(0);
    destination.deny(move |verb, _| {
        let busy = verb == "LIST" && tries.fetch_add(1, Ordering::Relaxed) < 2;
        busy.then(|| "NO [UNAVAILABLE] later, please".to_owned())
    });
    let workspace = Workspace::new();
    workspace.project_new(&plain(source.port), &plain(destination.port), &[]);
    workspace.import(&[("anna".to_owned(), "bert".to_owned())]);
    let ended = workspace.start().expect(0);
    let waited = ended.stderr.lines().filter(|line| line.contains("retry 2 of")).count();
    assert_eq!(waited, 1, "{}", ended.stderr);
    assert!(ended.stderr.contains("later, please"), "{}", ended.stderr);
    let said = "anna@old.example:bert@new.example: Completed: 3 copied";
    assert!(ended.stdout.contains(said), "{}", ended.stdout);
}
