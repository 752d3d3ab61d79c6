//! What `status` and `start` show: differences, messages that wait or arrived, notices, and passes that nobody runs.

use mailferry::domain::pass_plan::PassPlan;
use mailferry::domain::time::Timestamp;
use serde_json::Value;

use mailferry::domain::counts::Counts;
use mailferry::domain::failure::Side;
use mailferry::domain::folder::FolderPath;
use mailferry::domain::ids::{ItemId, PassId, Uid};
use mailferry::domain::notice::{Notice, NoticeKind};
use mailferry::domain::pass::PassKind;
use mailferry::domain::progress::PassProgress;
use mailferry::domain::record::Results;
use mailferry::domain::status::{Status, Wait};
use mailferry::platform::lock::workspace_lock;
use mailferry::store::{StatusChange, Store, Submission};

use crate::support::dovecot;
use crate::support::product::{PROJECT, Workspace};
use crate::support::relay::{Act, At, verb};
use crate::support::scene::Scene;

#[test]
fn r01_an_item_that_was_never_started_shows_no_figures() {
    let workspace = Workspace::new();
    workspace.project_new("imaps://old.example", "imaps://new.example", &[]);
    workspace.import(&[("anna".to_owned(), "bert".to_owned())]);
    let shown = workspace.run(&["status", PROJECT]).expect(0).stdout;
    let row = shown.lines().find(|line| line.contains("anna@old.example")).expect("a row");
    let figures: Vec<&str> = row.split("Not Submitted").nth(1).expect("its status").split_whitespace().collect();
    assert_eq!(figures, ["–"; 4], "{shown}");
}

/// A workspace whose only item has one pass of this status, without a server.
fn workspace_with(status: Status, counts: Counts, notices: Vec<Notice>) -> Workspace {
    let workspace = Workspace::new();
    workspace.project_new("imaps://old.example", "imaps://new.example", &[]);
    let file = workspace.path().join("items.csv");
    std::fs::write(&file, "Source Email,Destination Email\nanna@old.example,anna@new.example\n").expect("written");
    workspace.run(&["item", "import", PROJECT, file.to_str().expect("a plain path")]).expect(0);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let store = Store::open(workspace.path(), Timestamp::from_millis(0)).expect("the workspace");
    runtime.block_on(async {
        let submission =
            Submission { kind: PassKind::Full, wait: Wait::None, schedule: None, at: Timestamp::from_millis(1) };
        let pass: PassId =
            store.submit(vec![(ItemId(1), PassPlan::FULL)], submission).await.expect("submitted").passes[0].1;
        let progress = PassProgress { counts, updated: Some(Timestamp::from_millis(2)), ..PassProgress::default() };
        store.progress(pass, progress, Vec::new()).await.expect("written");
        store.record(pass, Results { notices, ..Results::default() }).await.expect("written");
        for (from, to) in [(Status::Submitted, Status::Queued), (Status::Queued, Status::Migrating)] {
            store.set_status(StatusChange::new(pass, from, to), Timestamp::from_millis(3)).await.expect("changed");
        }
        if status != Status::Migrating {
            store
                .set_status(StatusChange::new(pass, Status::Migrating, status), Timestamp::from_millis(4))
                .await
                .expect("changed");
        }
    });
    workspace
}

fn notice(folder: &str, kind: NoticeKind, messages: u64, numbers: &[i64]) -> Notice {
    let numbers = numbers.iter().copied().map(Uid).collect();
    Notice {
        folder: Some(FolderPath::new([folder])),
        kind,
        side: Some(Side::Destination),
        messages,
        numbers,
        detail: None,
    }
}

fn json(workspace: &Workspace) -> Value {
    let output = workspace.run(&["status", PROJECT, "--json"]).expect(0);
    let report: Value = serde_json::from_str(&output.stdout).expect("JSON");
    report["items"][0].clone()
}

#[test]
fn d27_status_names_what_differs_waits_and_arrived() {
    let counts = Counts { source: 9, copied: 7, waiting: 2, arrived: 3, differ: 4, bytes: 70, ..Counts::default() };
    let mut notices = vec![notice("Work", NoticeKind::MaybeTwice, 4, &[7, 8, 9, 11])];
    notices.extend((0..30).map(|at| notice(&format!("F{at}"), NoticeKind::FlagsNotKept, 1, &[])));
    let workspace = workspace_with(Status::Completed, counts, notices);
    let item = json(&workspace);
    assert_eq!((&item["status"], &item["running"]), (&"completed".into(), &false.into()));
    for (name, count) in [("waiting", 2), ("arrived", 3), ("differ", 4)] {
        assert_eq!(item["messages"][name], count, "{name}");
    }
    assert_eq!((item["notices"].as_array().map(Vec::len), &item["notices_total"]), (Some(31), &31.into()));
    let first = &item["notices"][0];
    assert_eq!(
        (&first["kind"], &first["folder"], &first["side"]),
        (&"maybe_twice".into(), &"Work".into(), &"destination".into())
    );
    assert_eq!((&first["messages"], &first["numbers"]), (&4.into(), &serde_json::json!([7, 8, 9, 11])));
    let line = "4 messages may be there twice · folder \"Work\" · destination numbers 7–9, 11";
    assert_eq!(first["text"], line);

    let shown = workspace.run(&["status", PROJECT]).expect(0).stdout;
    assert!(shown.contains("Completed, 4 differ, 2 waiting"), "{shown}");
    for head in ["Waiting", "Arrived", "Differ"] {
        assert!(shown.lines().next().is_some_and(|line| line.contains(head)), "{shown}");
    }
    assert!(shown.contains(&format!("anna@old.example:anna@new.example: {line}")), "{shown}");
    assert!(shown.ends_with("… and 11 more: `mailferry status --json` names them\n"), "{shown}");
    assert!(workspace.run(&["item", "list", PROJECT]).expect(0).stdout.contains("Completed, 4 differ"));
    let projects = workspace.run(&["project", "list"]).expect(0).stdout;
    let cells: Vec<&str> = projects.lines().nth(1).expect("a project").split_whitespace().collect();
    assert_eq!(cells[cells.len() - 3..], ["1", "0", "0"], "it is not done: {projects}");
}

#[test]
fn what_nothing_is_to_be_said_of_has_no_column_and_no_line() {
    let counts = Counts { source: 7, copied: 7, ..Counts::default() };
    let workspace = workspace_with(Status::Completed, counts, Vec::new());
    let shown = workspace.run(&["status", PROJECT]).expect(0).stdout;
    assert!(!shown.contains("Waiting") && !shown.contains("Differ") && !shown.contains("Arrived"), "{shown}");
    assert_eq!(shown.lines().count(), 2, "{shown}");
    assert_eq!(json(&workspace)["notices"], serde_json::json!([]));
}

#[test]
fn a_pass_that_nobody_runs_is_interrupted_and_says_what_to_do() {
    let workspace = workspace_with(Status::Migrating, Counts::default(), Vec::new());
    let shown = || workspace.run(&["status", PROJECT]).expect(0).stdout;
    let interrupted = shown();
    assert!(interrupted.contains("Interrupted") && !interrupted.contains("Migrating"), "{interrupted}");
    assert!(interrupted.contains(&format!(" start \"{PROJECT}\"` goes on where it stopped")), "{interrupted}");
    let item = json(&workspace);
    assert_eq!((&item["status"], &item["running"]), (&"migrating".into(), &false.into()));
    assert!(workspace.run(&["item", "list", PROJECT]).expect(0).stdout.contains("Interrupted"));
    // The same row while a process holds the workspace.
    let lock = workspace_lock(workspace.path(), Timestamp::from_millis(1)).expect("it is free");
    let running = shown();
    assert!(running.contains("Migrating") && !running.contains("Interrupted"), "{running}");
    assert_eq!(json(&workspace)["running"], true);
    drop(lock);
    assert!(shown().contains("Interrupted"));
}

#[test]
fn what_waits_for_a_process_that_is_not_there_says_so() {
    let workspace = workspace_with(Status::Stopping, Counts::default(), Vec::new());
    let shown = workspace.run(&["status", PROJECT]).expect(0).stdout;
    assert!(shown.contains("Interrupted") && shown.contains(&format!(" stop \"{PROJECT}\"` says so")), "{shown}");
    workspace.run(&["stop", PROJECT]).expect(0);
    assert!(workspace.run(&["status", PROJECT]).expect(0).stdout.contains("Stopped"));
}

#[test]
fn a_refusal_by_the_source_blames_the_source() {
    if !dovecot::available() {
        return;
    }
    for (refused, cause) in
        [(verb("EXAMINE").with("Work"), "opened"), (verb("UID FETCH").every().with("BODY.PEEK[]"), "hand out")]
    {
        let scene = Scene::new();
        scene.fill("INBOX", 0..2);
        scene.fill("Work", 10..13);
        scene.source.plan(At::Command(refused.every()), Act::Answer("NO [NOPERM] not for you".into()));
        let (output, item) = scene.start(1);
        let blamed = |word: &str| output.stderr.lines().filter(|line| line.contains(word)).count();
        assert!(item.messages("errors") >= 3, "{:#}", item.0);
        assert!(output.stderr.contains(cause), "{}", output.stderr);
        assert!(blamed("source") >= 1 && blamed("destination") == 0, "{}", output.stderr);
        let errors = scene.workspace.errors();
        assert!(!errors.is_empty() && errors.iter().all(|error| error.side == Some(Side::Source)), "{errors:#?}");
    }
}

#[test]
fn what_lay_there_before_is_told_beside_what_was_copied_and_nothing_is_where_none_did() {
    use crate::support::odd::{MODERN, Odd};
    use crate::support::product::plain;

    let (source, destination) = (Odd::start(MODERN), Odd::start(MODERN));
    source.fill("INBOX", 0..5);
    destination.fill("INBOX", 0..2);
    let workspace = Workspace::new();
    workspace.project_new(&plain(source.port), &plain(destination.port), &[]);
    workspace.import(&[("anna".to_owned(), "bert".to_owned())]);
    workspace.start().expect(0);
    let shown = || workspace.run(&["status", PROJECT]).expect(0).stdout;
    assert!(shown().contains("3 of 5, rest was there"), "{}", shown());
    let (fresh, here) = (Odd::start(MODERN), Workspace::new());
    here.project_new(&plain(source.port), &plain(fresh.port), &[]);
    here.import(&[("anna".to_owned(), "bert".to_owned())]);
    here.start().expect(0);
    let all = here.run(&["status", PROJECT]).expect(0).stdout;
    assert!(all.contains("5 of 5") && !all.contains("rest"), "{all}");
}
