//! Licenses through the real program: pools, what a Start takes, what comes back, what is lost, and the history to bill from.

use std::path::Path;
use std::process::Stdio;

use crate::bad_input::says;
use crate::support::dovecot::{self, Format};
use crate::support::ends::Ends;
use crate::support::product::{Output, PROJECT, Workspace, plain};
use crate::support::relay::{Act, At, Relay, Rules, verb};

const POOL: &str = "Spring 2026";

/// Makes a pool of so many licenses, and the project takes its licenses there.
fn limit(workspace: &Workspace, number: usize) {
    let number = number.to_string();
    let made = ["--number", &number, "--kind", "Mailbox", "--client", "Contoso Ltd"];
    workspace.run(&[&["license", "add", POOL, "--new"][..], &made].concat()).expect(0);
    workspace.run(&["project", "edit", PROJECT, "--license-pool", "SPRING 2026"]).expect(0);
}

/// Added, reserved, consumed, lost, free of the pool.
fn balance(workspace: &Workspace) -> Vec<String> {
    let list = workspace.run(&["license", "list", "--csv"]).expect(0).stdout;
    let line = list.lines().find(|line| line.contains(POOL)).expect("the pool");
    line.split(',').skip(3).map(|cell| cell.trim_matches('"').to_owned()).collect()
}

/// Mailboxes of so many people in Maildirs, and a project that copies them into others.
fn people(count: usize, folder: &Path) -> Workspace {
    for number in 0..count {
        let at = folder.join("old").join(format!("u{number}"));
        ["cur", "new", "tmp"].iter().for_each(|part| std::fs::create_dir_all(at.join(part)).expect("made"));
        let text = format!("Message-ID: <{number}@x>\nSubject: x\n\nhello\n");
        std::fs::write(at.join("cur").join("1.host:2,S"), text).expect("written");
    }
    let workspace = Workspace::new();
    let address = |side: &str| format!("maildir:{}/{side}/{{localpart}}", folder.display());
    workspace.project_new(&address("old"), &address("new"), &[]);
    let items: Vec<_> = (0..count).map(|number| (format!("u{number}"), format!("u{number}"))).collect();
    workspace.import_with(&items, None);
    workspace
}

fn start(workspace: &Workspace, more: &[&str]) -> Output {
    workspace.run(&[&["start", PROJECT], more].concat())
}

const U0: &str = "u0@old.example";

#[test]
fn of_200_items_of_which_3_lack_a_license_197_start_and_3_are_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let workspace = people(200, folder.path());
    limit(&workspace, 197);
    let started = start(&workspace, &[]);
    says(started.clone(), 1, &["3 licenses short: 200 needed, 197 free; none of the 3 is started", "license add"]);
    assert!(started.stdout.contains("Start takes 197 licenses of Spring 2026 (197 free)"), "{}", started.stdout);
    for number in 197..200 {
        let named = format!("u{number}@old.example:u{number}@new.example: not started: no license is left for it");
        assert!(started.stderr.contains(&named), "{}", started.stderr);
    }
    let status = |wanted: &str| workspace.status().iter().filter(|item| item.status() == wanted).count();
    assert_eq!((status("completed"), status("not_submitted")), (197, 3));
    assert_eq!(balance(&workspace), ["197", "0", "197", "0", "0"]);
    says(start(&workspace, &["--item", "u199@old.example"]), 2, &["1 license short", "nothing was started"]);
    workspace.run(&["license", "add", POOL, "--number", "3", "--note", "invoice 7"]).expect(0);
    start(&workspace, &[]).expect(0);
    assert_eq!(
        (status("completed"), balance(&workspace)),
        (200, ["200", "0", "200", "0", "0"].map(String::from).to_vec())
    );
}

#[test]
fn r43_a_deletion_says_first_that_the_consumed_license_is_deleted_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let workspace = people(2, folder.path());
    limit(&workspace, 2);
    start(&workspace, &[]).expect(0);
    let delete = ["item", "delete", PROJECT, "--item", U0];
    let words = "1 license that was consumed is deleted too: it does not become free again.";
    says(workspace.run(&delete), 2, &["Delete 1 item?", words, "Say --yes"]);
    assert_eq!(balance(&workspace), ["2", "0", "2", "0", "0"], "nothing was done");
    says(workspace.run(&[&delete[..], &["--yes"]].concat()), 0, &[words]);
    assert_eq!(balance(&workspace), ["2", "0", "1", "1", "0"]);
    workspace.import_with(&[("u0".into(), "u0".into())], None);
    says(start(&workspace, &["--item", U0]), 2, &["no license is left for it"]);

    workspace.run(&["license", "add", POOL, "--number", "1"]).expect(0);
    start(&workspace, &["--item", U0]).expect(0);
    says(workspace.run(&["project", "delete", PROJECT]), 0, &["2 licenses that were consumed are deleted too"]);
    assert_eq!(balance(&workspace), ["3", "0", "0", "3", "0"], "the ledger outlives the project");
    let history = workspace.run(&["license", "history", POOL, "--csv"]).expect(0).stdout;
    let last = history.lines().last().expect("entries");
    for cell in ["\"Lost\"", "\"Contoso Ltd\"", "\"Mailbox\"", "\"move\"", "\"u0@new.example\""] {
        assert!(last.contains(cell), "{cell} in {last}");
    }
    assert_eq!(history.lines().count(), 1 + 2 + 3 * 3, "head, additions, three of each: {history}");
}

#[test]
fn r22_r41_what_was_only_reserved_comes_back_at_a_stop() {
    let workspace = Workspace::new();
    workspace.project_new("imap+plain://127.0.0.1:1", "imap+plain://127.0.0.1:2", &[]);
    workspace.import_with(&[("anna".into(), "anna".into()), ("bob".into(), "bob".into())], None);
    limit(&workspace, 1);
    workspace.owners_can_be_asked();
    let anna = ["--item", "anna@old.example"];
    start(&workspace, &anna);
    assert_eq!(workspace.status()[0].status(), "waiting_for_user", "no password is known");
    assert_eq!(balance(&workspace), ["1", "1", "0", "0", "0"]);
    says(start(&workspace, &["--item", "bob@old.example"]), 2, &["1 license short: 1 needed, 0 free"]);
    workspace.run(&["stop", PROJECT]).expect(0);
    assert_eq!((workspace.status()[0].status(), &balance(&workspace)[4]), ("stopped", &"1".to_owned()));
    start(&workspace, &["--item", "bob@old.example", "--at", "2099-01-01 10:00"]);
    assert_eq!(balance(&workspace)[1], "1", "also for a time that is still to come");
    workspace.run(&["stop", PROJECT]).expect(0);
    let history = workspace.run(&["license", "history", POOL]).expect(0).stdout;
    let count = |word: &str| history.lines().filter(|line| line.contains(word)).count();
    assert_eq!((count("Reserved"), count("Returned"), &balance(&workspace)[4]), (2, 2, &"1".to_owned()), "{history}");
}

#[test]
fn r22_the_license_of_a_running_pass_is_back_when_it_reads_stopped() {
    if !dovecot::available() {
        return;
    }
    let (from, to) = (dovecot::shared(Format::Sdbox), dovecot::shared_twin(Format::Sdbox));
    let (here, there) = (from.user("license-from"), to.user("license-to"));
    crate::support::corpus::tiny(200).load(from, &here);
    let destination = Relay::start(to.plain_port, Rules::singly());
    let workspace = Workspace::new();
    workspace.project_new(&plain(from.plain_port), &plain(destination.port), &[]);
    workspace.import(&[(here, there)]);
    limit(&workspace, 1);
    let hit = destination.plan(At::Answer(verb("APPEND")), Act::Hold);
    let mut running = workspace.command(&["start", PROJECT]).stdout(Stdio::null()).spawn().expect("the program starts");
    hit.wait();
    assert_eq!(balance(&workspace), ["1", "1", "0", "0", "0"]);
    workspace.run(&["stop", PROJECT]).expect(0);
    hit.go_on();
    running.ends();
    assert_eq!(
        (workspace.only().status(), balance(&workspace)),
        ("stopped", ["1", "0", "0", "0", "1"].map(String::from).to_vec())
    );
}

#[test]
fn r27_a_failed_pass_returns_its_license() {
    if !dovecot::available() {
        return;
    }
    let (from, to) = (dovecot::shared(Format::Sdbox), dovecot::shared_twin(Format::Sdbox));
    let workspace = Workspace::new();
    let (source, destination) = (plain(from.plain_port), plain(to.plain_port));
    workspace.project_new(&source, &destination, &[]);
    workspace.import_with(&[(from.user("refused-from"), to.user("refused-to"))], Some("wrong"));
    limit(&workspace, 1);
    start(&workspace, &[]).expect(1);
    assert_eq!(
        (workspace.only().status(), balance(&workspace)),
        ("failed", ["1", "0", "0", "0", "1"].map(String::from).to_vec())
    );
    let history = workspace.run(&["license", "history", POOL]).expect(0).stdout;
    assert!(history.contains("Reserved") && history.contains("Returned"), "{history}");
}

#[test]
fn nothing_is_said_of_licenses_while_there_is_only_the_unlimited_pool() {
    let folder = tempfile::tempdir().expect("a folder");
    let workspace = people(1, folder.path());
    let started = start(&workspace, &["--watch"]).expect(0);
    let shown = workspace.run(&["project", "show", PROJECT]).expect(0);
    let status = workspace.run(&["status", PROJECT]).expect(0);
    let deleted = workspace.run(&["item", "delete", PROJECT, "--item", U0, "--yes"]).expect(0);
    for output in [started, shown, status, deleted] {
        assert!(!format!("{output:?}").to_lowercase().contains("license"), "{output:?}");
    }
    let history = workspace.run(&["license", "history"]).expect(0).stdout;
    assert!(["Reserved", "Consumed", "Lost"].iter().all(|word| history.contains(word)), "to bill from: {history}");
    workspace.run(&["license", "add", POOL, "--new", "--number", "5"]).expect(0);
    assert!(
        workspace.run(&["project", "show", PROJECT]).expect(0).stdout.contains("Licenses     Unlimited · unlimited")
    );
}

#[test]
fn pools_and_numbers_that_cannot_be_are_refused_by_name() {
    let workspace = Workspace::new();
    let add = |more: &[&str]| workspace.run(&[&["license", "add"], more].concat());
    says(add(&["Nobody", "--number", "5"]), 2, &["there is no pool of licenses \"Nobody\"", "--new"]);
    says(add(&["Spring"]), 2, &["--number N"]);
    says(add(&["Spring", "--new"]), 2, &["--number N, or --unlimited"]);
    says(add(&["Spring", "--new", "--number", "5", "--unlimited"]), 2, &["--unlimited"]);
    for number in ["0", "-3", "99999999999"] {
        says(
            add(&["Spring", "--new", "--number", number]),
            2,
            &["the number of licenses must be 1 to 10000000", number],
        );
    }
    says(add(&["Spring", "--new", "--number", "many"]), 2, &["many"]);
    for name in ["", "  ", "a\nb", "x".repeat(101).as_str()] {
        says(add(&[name, "--new", "--number", "1"]), 2, &["a pool's name has 1 to 100 characters"]);
    }
    let long = "x".repeat(201);
    says(add(&["Spring", "--new", "--number", "1", "--client", &long]), 2, &["its client has at most 200 characters"]);
    says(add(&["unlimited", "--new", "--number", "1"]), 2, &["is taken"]);
    says(add(&["Unlimited", "--number", "1"]), 2, &["is unlimited: nothing is to be added to it"]);
    let servers = ["--source", "imaps://old.example", "--destination", "imaps://new.example"];
    let new = [&["project", "new", PROJECT][..], &servers, &["--license-pool", "Nobody"]].concat();
    says(workspace.run(&new), 2, &["there is no pool of licenses \"Nobody\"", "license list"]);
    assert!(workspace.run(&["project", "list"]).expect(0).stdout.starts_with("No projects yet"));
    says(workspace.run(&["license", "history", "Nobody"]), 2, &["there is no pool"]);
    assert_eq!(
        workspace.run(&["license", "list", "--csv"]).expect(0).stdout.lines().count(),
        2,
        "head and the first pool"
    );
}

#[test]
fn no_cell_of_the_tables_can_become_a_formula() {
    let workspace = Workspace::new();
    workspace
        .run(&["license", "add", "=cmd|' /C calc'!A0", "--new", "--number", "1", "--client", "@SUM(A1)"])
        .expect(0);
    workspace.run(&["license", "add", "=cmd|' /C calc'!A0", "--number", "1", "--note", "+1,2"]).expect(0);
    for verb in [["license", "list", "--csv"].as_slice(), &["license", "history", "--csv"]] {
        let table = workspace.run(verb).expect(0).stdout;
        assert!(table.contains("\"'=cmd|' /C calc'!A0\"") && table.contains("\"'@SUM(A1)\""), "{table}");
        assert!(!table.contains("\"=") && !table.contains("\"@") && !table.contains("\"+"), "{table}");
    }
}

/// Sums of the history: what was added, is reserved, was consumed and lost.
fn fold(workspace: &Workspace) -> [i64; 4] {
    let history = workspace.run(&["license", "history", POOL, "--csv"]).expect(0).stdout;
    let [mut added, mut reserved, mut consumed, mut lost] = [0i64; 4];
    for line in history.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').map(|cell| cell.trim_matches('"')).collect();
        let number: i64 = cells[6].parse().expect("a number");
        match cells[5] {
            "Added" => added += number,
            "Reserved" => reserved += number,
            "Consumed" => (reserved, consumed) = (reserved - number, consumed + number),
            "Returned" => reserved -= number,
            "Lost" => (consumed, lost) = (consumed - number, lost + number),
            other => panic!("{other}: {line}"),
        }
    }
    [added, reserved, consumed, lost]
}

#[test]
fn d33_after_kills_at_any_moment_balances_are_the_fold_and_no_license_is_used_twice() {
    let folder = tempfile::tempdir().expect("a folder");
    let workspace = people(24, folder.path());
    limit(&workspace, 20);
    // Killed when so many have completed, each time by another process.
    for done in [0, 3, 7, 8, 15] {
        let mut running = workspace.command(&["start", PROJECT]).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let running = running.as_mut().expect("the program starts");
        let completed = || balance(&workspace)[2].parse::<usize>().expect("a number");
        while completed() < done && running.try_wait().expect("asked").is_none() {
            std::thread::yield_now();
        }
        running.kill().expect("killed");
        running.ends();
        let [added, reserved, consumed, lost] = fold(&workspace);
        let free = added - reserved - consumed - lost;
        let shown: Vec<String> = [added, reserved, consumed, lost, free].iter().map(i64::to_string).collect();
        assert_eq!(balance(&workspace), shown);
        assert!(free >= 0 && reserved >= 0, "{shown:?}");
    }
    start(&workspace, &[]);
    let status = workspace.status();
    let completed = status.iter().filter(|item| item.status() == "completed").count();
    assert_eq!((completed, fold(&workspace)), (20, [20, 0, 20, 0]));
}

#[test]
fn the_last_license_asked_for_by_two_processes_at_once_is_given_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let workspace = people(2, folder.path());
    limit(&workspace, 1);
    let ask = |user: &str| {
        let email = format!("{user}@old.example");
        workspace.command(&["start", PROJECT, "--item", &email]).stdout(Stdio::null()).stderr(Stdio::null()).spawn()
    };
    let both = ["u0", "u1"].map(|user| ask(user).expect("the program starts"));
    for mut process in both {
        process.ends();
    }
    let completed = workspace.status().iter().filter(|item| item.status() == "completed").count();
    let rests = workspace.status().iter().filter(|item| item.status() == "not_submitted").count();
    assert_eq!((completed, rests, fold(&workspace)), (1, 1, [1, 0, 1, 0]));
}
