//! An idle window paints nothing; a running one once a second and with news; nothing is asked of the engine by itself.

use std::time::Duration;

use mailferry::domain::status::Status;

use super::{Stage, item, item_in};

/// When the window wants to paint again.
fn next(stage: &Stage) -> Duration {
    stage.window.output().viewport_output.values().map(|output| output.repaint_delay).min().unwrap_or(Duration::MAX)
}

#[test]
fn an_idle_window_paints_nothing() {
    let mut stage = Stage::with((0..200).map(|id| item(id, &format!("user{id}"))).collect());
    stage.window.run();
    assert_eq!(next(&stage), Duration::MAX, "no page may ask to be painted again");
    stage.click("Not Submitted: open user0@contoso.example");
    stage.window.run();
    assert_eq!(next(&stage), Duration::MAX);
    assert_eq!(stage.asked().len(), 1, "the details, once");
}

#[test]
fn r51_r52_ages_are_painted_once_a_second_while_something_runs() {
    let mut stage = Stage::with(vec![item_in(1, "anna", Status::Migrating)]);
    stage.click("Migrating: open anna@contoso.example");
    let delay = next(&stage);
    assert!(delay > Duration::from_millis(500) && delay <= Duration::from_secs(1), "{delay:?}");
    assert!(stage.says("statistics of 08:26:40, now"));
    stage.clock.advance(Duration::from_secs(7 * 60));
    stage.window.step();
    assert!(stage.says("statistics of 08:26:40, 7 min ago"));
}

#[test]
fn ten_thousand_items_are_a_page_like_any_other() {
    let mut stage = Stage::with((0..10_000).map(|id| item(id, &format!("user{id:05}"))).collect());
    assert!(stage.order().len() < 60, "only rows in sight are painted");
    stage.click("Select all shown items");
    assert!(stage.says("10,000 items selected"));
    let before = stage.window.state().recomputed();
    (0..20).for_each(|_| stage.window.step());
    assert_eq!(stage.window.state().recomputed(), before, "a frame without news computes nothing anew");
}
