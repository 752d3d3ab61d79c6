//! The demo: opened from the empty page, and what its own window does by itself.

use mailferry::domain::counts::Counts;
use mailferry::domain::ids::ItemId;
use mailferry::domain::pass::PassKind;
use mailferry::domain::start_order::StartOrder;
use mailferry::domain::status::Status;
use mailferry::engine::command::{Command, Outcome};
use mailferry::platform::program::DemoError;
use mailferry::service::WorkspaceInfo;
use mailferry::service::client::{Request, Response};
use mailferry::service::launch::{AutoRun, RunSummary, Verdict};
use mailferry::service::start::StartRequest;

use super::{PROJECT, Stage, item, item_in, project};

#[test]
fn the_empty_page_opens_the_demo() {
    let mut stage = Stage::closed();
    stage.opened(WorkspaceInfo::default());
    stage.click("Open the demo");
    let end = stage.demo.try_recv().expect("the demo was opened");
    assert!(stage.says("opens in a window of its own") && stage.asked().is_empty());
    stage.click("Open the demo");
    assert!(stage.says("open already") && stage.demo.try_recv().is_err(), "one at a time");
    end.send(Ok(())).expect("the window listens");
    stage.window.run();
    stage.click("Open the demo");
    stage
        .demo
        .try_recv()
        .expect("it opens again")
        .send(Err(DemoError::NoProgram(std::io::Error::other("gone"))))
        .expect("the window listens");
    stage.window.run();
    assert!(stage.says("The demo could not be opened: this program's file was not found: gone"));
    stage.click("Open the demo");
    drop(stage.demo.try_recv().expect("and again"));
    stage.window.run();
    assert!(stage.says("no thread"), "one that ends without a word is no success");
}

/// Well if all are Completed; the words are how many.
fn summary(ends: &[(Status, Counts)]) -> RunSummary {
    let completed = ends.iter().filter(|(status, _)| *status == Status::Completed).count();
    let verdict = if completed == ends.len() { Verdict::AsPlanned } else { Verdict::Stopped };
    RunSummary { verdict, words: format!("{completed} completed"), closing: String::new() }
}

#[test]
fn an_auto_run_is_started_once_and_its_end_is_told() {
    let items = vec![ItemId(1), ItemId(2)];
    let mut stage = Stage::with_auto_run(Some(AutoRun { project: PROJECT, items: items.clone(), summary }));
    stage.state(vec![item(1, "anna"), item(2, "bob"), item(3, "carl")]);
    stage.opened(WorkspaceInfo { projects: vec![project()], ..WorkspaceInfo::default() });
    let (request, Request::Start(start)) = stage.only() else { panic!("the autorun was to be started") };
    let order = StartOrder::now(PassKind::Full);
    assert_eq!(*start, StartRequest { project: PROJECT, items: items.clone(), order, confirms: true, asks: true });
    stage.answer(request, Response::Done(Outcome { done: items, ..Outcome::default() }));
    assert!(stage.says("2 items submitted") && !stage.says("completed"), "nothing has run yet");
    stage.state(vec![item_in(1, "anna", Status::Migrating), item_in(2, "bob", Status::Submitted), item(3, "carl")]);
    stage.state(vec![item_in(1, "anna", Status::Completed), item_in(2, "bob", Status::Submitted), item(3, "carl")]);
    assert!(!stage.says("1 completed"), "bob waits for his turn");
    stage.state(vec![item_in(1, "anna", Status::Completed), item_in(2, "bob", Status::Stopped), item(3, "carl")]);
    assert!(stage.says("1 completed"));
    let all = |bob| vec![item_in(1, "anna", Status::Completed), item_in(2, "bob", bob), item(3, "carl")];
    stage.state(all(Status::Migrating));
    stage.state(all(Status::Completed));
    assert!(stage.says("2 completed"), "it went on after all");
    stage.click("Dismiss");
    stage.state(all(Status::Migrating));
    stage.state(all(Status::Completed));
    assert!(!stage.says("2 completed"), "what ended well is told once");
    assert!(stage.asked().is_empty());
    stage.click("Start all 3…");
    assert!(!stage.says("right direction"), "the auto-run knew it");
}

#[test]
fn ctrl_c_stops_and_quits_and_a_second_one_stops_at_once() {
    let mut stage = Stage::with(vec![item_in(1, "anna", Status::Migrating)]);
    stage.ctrl_c.send(()).expect("somebody listens");
    stage.window.run();
    assert!(matches!(stage.only().1, Request::StopAll));
    assert!(!stage.window.state().is_leaving() && stage.says("1 pass is running"));
    stage.ctrl_c.send(()).expect("somebody listens");
    stage.window.run();
    let asked = stage.asked();
    assert!(asked.iter().any(|(_, ask)| matches!(ask, Request::Command(Command::Abort { .. }))));
    stage.state(vec![item_in(1, "anna", Status::Stopped)]);
    assert!(stage.window.state().is_leaving());
}

#[test]
fn ctrl_c_closes_a_window_in_which_nothing_runs() {
    let mut stage = Stage::closed();
    stage.ctrl_c.send(()).expect("somebody listens");
    stage.window.run();
    assert!(stage.window.state().is_leaving());
}
