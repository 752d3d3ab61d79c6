//! The life of an item by the window's labels: submitted, scheduled, queued, migrating, stopping, and what may be done then.

use std::time::Duration;

use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT, Queryable};
use mailferry::domain::ids::{ItemId, PassId};
use mailferry::domain::pass::PassKind;
use mailferry::domain::progress::Phase;
use mailferry::domain::start_order::StartOrder;
use mailferry::domain::status::{HoldReason, Status};
use mailferry::engine::command::{Command, Outcome};
use mailferry::engine::snapshot::{ItemRow, LatestPass};
use mailferry::service::client::{Request, Response};

use super::{NOW, PROJECT, Stage, held, item, item_in};

const HOUR: Duration = Duration::from_secs(3600);
const MINUTE: Duration = Duration::from_secs(60);

/// An item whose Full pass starts so much later.
fn scheduled(id: i64, name: &str, later: Duration) -> ItemRow {
    let pass = LatestPass { until: Some(NOW.plus(later)), ..LatestPass::submitted(PassId(id), PassKind::Full, NOW) };
    ItemRow { pass: Some(pass), ..item_in(id, name, Status::Scheduled) }
}

/// Goes on in time, and paints.
fn later(stage: &mut Stage, time: Duration) {
    stage.clock.advance(time);
    stage.window.step();
    stage.window.step();
}

/// Opens the menu of what is done seldom, and chooses there.
fn more(stage: &mut Stage, label: &str) {
    stage.click("More…");
    stage.click(label);
}

/// Whether what has this label can be clicked.
fn is_enabled(stage: &Stage, label: &str) -> bool {
    !stage.window.get_by_label(label).accesskit_node().is_disabled()
}

fn command(stage: &mut Stage) -> Command {
    match stage.only() {
        (_, Request::Command(command)) => command,
        (_, other) => panic!("{other:?}"),
    }
}

#[test]
fn r2_a_start_reads_submitted_until_a_worker_takes_it() {
    let mut stage = Stage::with(vec![item(1, "anna")]);
    assert!(stage.shows("Not Submitted: open anna@contoso.example"));
    stage.click("Start all 1…");
    stage.click("Verify Credentials");
    stage.click("Start 1");
    let (request, Request::Start(start)) = stage.only() else { panic!("a start") };
    assert_eq!((start.items, start.order), (vec![ItemId(1)], StartOrder::now(PassKind::Verify)));
    stage.answer(request, Response::Done(Outcome { done: vec![ItemId(1)], ..Outcome::default() }));
    assert!(stage.says("1 item submitted"));
    stage.state(vec![item_in(1, "anna", Status::Submitted)]);
    assert!(stage.shows("Submitted: open anna@contoso.example") && stage.shows("Full, waits for a free place"));
    assert!(stage.shows("Pending 1") && stage.shows("Running 0"));
    later(&mut stage, 5 * HOUR);
    assert!(stage.shows("Submitted: open anna@contoso.example"), "time alone takes it nowhere");
    stage.state(vec![item_in(1, "anna", Status::Queued)]);
    assert!(stage.shows("Queued: open anna@contoso.example") && !stage.says("Submitted: open"));
    assert!(stage.shows("Pending 0") && stage.shows("Running 1"));
}

#[test]
fn r3_a_start_for_later_counts_down_to_its_time() {
    let mut stage = Stage::with(vec![scheduled(1, "anna", 50 * HOUR), scheduled(2, "bob", 3 * HOUR)]);
    let reads = |stage: &Stage, time: &str| {
        assert!(stage.shows(&format!("Submitted (will start in {time}): open bob@contoso.example")), "{time}");
    };
    reads(&stage, "3 hours");
    assert!(stage.shows("Submitted (will start in 2 days): open anna@contoso.example"));
    assert!(stage.shows("Full · Sat 22 Nov 11:26"), "and when that is");
    for (time, left) in [(HOUR, "2 hours"), (HOUR, "1 hour"), (55 * MINUTE, "5 minutes")] {
        later(&mut stage, time);
        reads(&stage, left);
    }
    later(&mut stage, 5 * MINUTE);
    assert!(stage.shows("Submitted (will start now): open bob@contoso.example"));
    let outputs = stage.window.output().viewport_output.values();
    let next = outputs.map(|output| output.repaint_delay).min().expect("a window");
    assert!(next <= Duration::from_secs(20), "it counts down by itself: {next:?}");
}

#[test]
fn r4_what_waits_for_its_time_is_stopped_and_given_another() {
    let mut stage = Stage::with(vec![scheduled(1, "anna", 3 * HOUR)]);
    stage.click("Select anna@contoso.example");
    assert!(stage.says("1 can be stopped"));
    stage.click("Stop 1");
    assert!(matches!(command(&mut stage), Command::Stop { project: PROJECT, items } if items == [ItemId(1)]));
    stage.state(vec![item_in(1, "anna", Status::Stopped)]);
    assert!(stage.shows("Stopped: open anna@contoso.example"));
    stage.click("Start 1…");
    stage.click("Verify Credentials");
    stage.click("At a time");
    stage.type_into("Start at", "22:00");
    stage.click("Schedule 1");
    let (_, Request::Start(start)) = stage.only() else { panic!("a start") };
    let at = start.order.schedule.expect("a time").at;
    assert_eq!(at.since(NOW), 13 * HOUR + 33 * MINUTE + Duration::from_secs(20));
    stage.state(vec![scheduled(1, "anna", at.since(NOW))]);
    assert!(stage.shows("Submitted (will start in 14 hours): open anna@contoso.example"));
}

#[test]
fn r5_r8_what_is_submitted_or_queued_offers_no_stop_on_its_page_and_says_why() {
    for (status, reads, why) in [
        (Status::Submitted, "Submitted", "submitted items cannot be stopped"),
        (Status::Queued, "Queued", "the item is queued"),
    ] {
        let mut stage = Stage::with(vec![item_in(1, "anna", status)]);
        stage.click(&format!("{reads}: open anna@contoso.example"));
        stage.asked();
        assert!(!is_enabled(&stage, "Stop") && !stage.shows("Stop at once"), "{reads}");
        stage.click("Stop");
        stage.press(Modifiers::NONE, Key::X);
        assert!(stage.says(why) && stage.asked().is_empty(), "{reads}: nothing was asked");
    }
}

#[test]
fn r6_further_items_stay_submitted_while_all_places_are_taken() {
    let (runs, waits) = (item_in(1, "anna", Status::Migrating), item_in(2, "bob", Status::Submitted));
    let mut stage = Stage::with(vec![runs, waits.clone(), item_in(3, "carl", Status::Submitted)]);
    assert!(stage.shows("Running 1") && stage.shows("Pending 2") && stage.shows("8 at a time"));
    assert_eq!(stage.window.query_all_by_label("Full, waits for a free place").count(), 2);
    stage.click("One more at a time");
    let (_, Request::EditProject(change)) = stage.only() else { panic!("an edit") };
    assert_eq!(change.edit.options.map(|options| options.concurrent), Some(9));
    stage.state(vec![
        item_in(1, "anna", Status::Completed),
        item_in(2, "bob", Status::Queued),
        item_in(3, "carl", Status::Submitted),
    ]);
    assert!(stage.shows("Queued: open bob@contoso.example") && stage.shows("Submitted: open carl@contoso.example"));
}

#[test]
fn r7_an_item_reads_queued_while_its_worker_loads() {
    let mut row = item_in(1, "anna", Status::Queued);
    row.progress.phase = Phase::Loading;
    let mut stage = Stage::with(vec![row]);
    assert!(stage.shows("Queued: open anna@contoso.example") && stage.shows("Loading"));
    stage.click("Queued: open anna@contoso.example");
    assert!(stage.shows("Queued") && stage.says("loading") | stage.says("Loading"));
    let mut row = item_in(1, "anna", Status::Migrating);
    row.progress.phase = Phase::Connecting;
    stage.state(vec![row]);
    assert!(stage.shows("Migrating") && stage.says("Connecting"));
}

#[test]
fn r9_r23_what_lasts_too_long_alerts_in_the_list_and_on_its_page() {
    let rows = vec![
        item_in(1, "anna", Status::Queued),
        item_in(2, "bob", Status::Stopping),
        item_in(3, "carl", Status::Migrating),
    ];
    let mut stage = Stage::with(rows.clone());
    later(&mut stage, 40 * MINUTE);
    assert!(!stage.says("Alerts") && !stage.says("Queued for"), "not yet");
    later(&mut stage, MINUTE);
    assert!(stage.shows("Alerts 1") && stage.says("Queued for 41 minutes: loading what earlier passes left"));
    stage.click("Alerts 1");
    assert_eq!(stage.order(), ["anna"]);
    let before = stage.window.state().recomputed();
    later(&mut stage, MINUTE);
    assert_eq!(stage.window.state().recomputed(), before, "time that changes nothing costs nothing");
    later(&mut stage, 4 * MINUTE);
    assert!(stage.shows("Alerts 2") && stage.says("Stopping for 46 minutes: the operation in hand does not end"));
    assert_eq!(stage.order(), ["anna", "bob"], "those that come to it are shown by themselves");
    stage.click("Queued: open anna@contoso.example");
    assert!(stage.says("Queued for 46 minutes: loading what earlier passes left"));
    stage.click("Contoso");
    stage.state(vec![item_in(1, "anna", Status::Migrating), rows[1].clone(), rows[2].clone()]);
    assert!(stage.shows("Alerts 1") && !stage.says("Queued for"));
    assert_eq!(stage.order(), ["bob"]);
}

#[test]
fn r20_what_migrates_is_stopped_from_the_list_and_from_its_page() {
    let mut stage = Stage::with(vec![item_in(1, "anna", Status::Migrating), item(2, "bob")]);
    stage.press(Modifiers::COMMAND, Key::A);
    assert!(stage.says("1 can be stopped"));
    stage.click("Stop 1");
    assert!(matches!(command(&mut stage), Command::Stop { items, .. } if items.contains(&ItemId(1))));
    stage.click("Migrating: open anna@contoso.example");
    stage.asked();
    assert!(is_enabled(&stage, "Stop"));
    stage.click("Stop");
    assert!(matches!(command(&mut stage), Command::Stop { items, .. } if items == [ItemId(1)]));
}

#[test]
fn r21_a_stop_reads_stopping_then_stopped_and_may_be_hurried_after_half_a_minute() {
    let mut stage = Stage::with(vec![item_in(1, "anna", Status::Stopping), item_in(2, "bob", Status::Migrating)]);
    assert!(stage.shows("Stopping: open anna@contoso.example"));
    stage.press(Modifiers::COMMAND, Key::A);
    stage.click("More…");
    assert!(!is_enabled(&stage, "Stop at once"));
    stage.press(Modifiers::NONE, Key::Escape);
    later(&mut stage, Duration::from_secs(29));
    stage.click("More…");
    assert!(!is_enabled(&stage, "Stop at once"), "it may end by itself");
    stage.press(Modifiers::NONE, Key::Escape);
    later(&mut stage, Duration::from_secs(1));
    more(&mut stage, "Stop at once");
    assert!(
        matches!(command(&mut stage), Command::Abort { items, .. } if items == [ItemId(1)]),
        "bob was not even told to stop"
    );
    stage.click("Stopping: open anna@contoso.example");
    stage.asked();
    assert!(!is_enabled(&stage, "Stop"), "it is told once");
    stage.click("Stop at once");
    assert!(matches!(command(&mut stage), Command::Abort { items, .. } if items == [ItemId(1)]));
    stage.state(vec![item_in(1, "anna", Status::Stopped), item_in(2, "bob", Status::Migrating)]);
    assert!(stage.shows("Stopped") && !stage.shows("Stop at once"));
}

#[test]
fn new_starts_are_held_and_let_go_by_the_menu_and_the_line() {
    let mut stage = Stage::with(vec![item_in(1, "anna", Status::Submitted)]);
    stage.click("More…");
    assert!(!is_enabled(&stage, "Let starts go on"));
    stage.click("Hold new starts");
    assert!(matches!(command(&mut stage), Command::Hold { project: PROJECT, held: true }));
    stage.press(Modifiers::NONE, Key::Escape);
    assert!(stage.shows("New starts are held"));
    stage.state(vec![held(1, "anna", HoldReason::Switch)]);
    assert!(
        stage.shows("New starts are held; 1 item held") && stage.shows("Submitted (held): open anna@contoso.example")
    );
    assert!(!stage.shows("Resume"), "the switch would hold it again");
    stage.click("Stop them");
    assert!(matches!(command(&mut stage), Command::Stop { items, .. } if items == [ItemId(1)]));
    stage.click("Let starts go on");
    assert!(matches!(command(&mut stage), Command::Hold { project: PROJECT, held: false }));
    stage.state(vec![item_in(1, "anna", Status::Submitted)]);
    assert!(!stage.says("New starts are held"));
}

#[test]
fn a_submission_is_moved_to_the_head_of_the_queue() {
    let mut stage = Stage::with(vec![item_in(1, "anna", Status::Submitted), item_in(2, "bob", Status::Submitted)]);
    stage.click("Select bob@contoso.example");
    more(&mut stage, "Start next");
    assert!(matches!(command(&mut stage), Command::Next { project: PROJECT, items } if items == [ItemId(2)]));
    stage.press(Modifiers::SHIFT, Key::N);
    assert!(matches!(command(&mut stage), Command::Next { items, .. } if items == [ItemId(2)]));
    stage.click("Submitted: open bob@contoso.example");
    stage.asked();
    stage.click("Start next");
    assert!(matches!(command(&mut stage), Command::Next { items, .. } if items == [ItemId(2)]));
}

#[test]
fn everything_of_a_project_is_stopped_by_one_word() {
    let rows = [Status::Submitted, Status::Migrating, Status::Stopped].into_iter().zip(1..);
    let mut stage = Stage::with(rows.map(|(status, id)| item_in(id, &format!("user{id}"), status)).collect());
    more(&mut stage, "Stop all");
    let Command::Withdraw { project, items } = command(&mut stage) else { panic!("all of them") };
    assert_eq!((project, items.len()), (PROJECT, 3), "what is only submitted is taken back too");
}
