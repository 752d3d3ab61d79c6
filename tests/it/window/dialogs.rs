//! Dialogs that come by themselves: a workspace in use, locked passwords, closing while passes run.

use egui::ViewportEvent;
use mailferry::domain::status::Status;
use mailferry::engine::desk::{Answer, Ask, Opened, VaultKind};
use mailferry::platform::lock::Owner;

use super::{Stage, item, item_in, project};

#[test]
fn a_workspace_in_use_is_explained() {
    let mut stage = Stage::closed();
    let owner = Owner { pid: 77, host: "desk".into(), user: "kim".into(), since: 0 };
    stage.answer(0, Answer::InUse(Some(owner)));
    assert!(stage.says("by kim on desk (process 77)"));
    stage.click("Try again");
    let (ticket, Ask::Reopen) = stage.only() else { panic!("another try was expected") };
    stage.answer(ticket, Answer::Opened(Box::default()));
    assert!(stage.shows("No projects yet"));
}

#[test]
fn passwords_are_unlocked_before_a_start() {
    let mut stage = Stage::closed();
    stage.state(vec![item(1, "anna")]);
    stage.opened(Opened { projects: vec![project()], vault: Some(VaultKind::File), ..Opened::default() });
    assert!(stage.shows("Unlock the passwords"));
    stage.click("Not now");
    stage.click("Start all 1…");
    stage.type_into("Passphrase", "open sesame");
    stage.click("Unlock");
    let (ticket, Ask::Unlock(VaultKind::File, Some(secret))) = stage.only() else { panic!("a passphrase") };
    assert_eq!(secret.expose(), "open sesame");
    stage.answer(ticket, Answer::Refused("the passphrase does not open the vault: check it and try again".into()));
    assert!(stage.says("does not open the vault"));
    stage.click("Unlock");
    let (ticket, _) = stage.only();
    stage.answer(ticket, Answer::Unlocked(VaultKind::File));
    assert!(stage.shows("Start 1 item"), "what was begun goes on");
}

#[test]
fn closing_while_passes_run_asks() {
    let mut stage = Stage::with(vec![item_in(1, "anna", Status::Migrating), item_in(2, "bob", Status::Queued)]);
    close(&mut stage);
    assert!(stage.shows("2 passes are running"));
    stage.click("Keep the window open");
    assert!(!stage.says("passes are running") && stage.asked().is_empty());
    close(&mut stage);
    stage.click("Stop and quit");
    assert!(matches!(stage.only().1, Ask::StopAll));
    assert!(stage.says("Messages under way are finished first"));
    stage.state(vec![item_in(1, "anna", Status::Stopped), item_in(2, "bob", Status::Submitted)]);
    let commands = &stage.window.output().viewport_output;
    let closes = |output: &egui::ViewportOutput| output.commands.contains(&egui::ViewportCommand::Close);
    assert!(commands.values().any(closes) || stage.window.state().is_leaving());
}

#[test]
fn stop_at_once_drops_connections() {
    let mut stage = Stage::with(vec![item_in(1, "anna", Status::Migrating)]);
    close(&mut stage);
    assert!(stage.shows("1 pass is running"));
    stage.click("Stop at once");
    let asked = stage.asked();
    assert!(matches!(asked[0].1, Ask::StopAll) && matches!(asked[1].1, Ask::Do(_)), "{asked:?}");
}

#[test]
fn closing_asks_nothing_when_nothing_runs() {
    let mut stage = Stage::with(vec![item(1, "anna")]);
    close(&mut stage);
    assert!(!stage.shows("Keep the window open"));
}

fn close(stage: &mut Stage) {
    let input = stage.window.input_mut();
    input.viewports.entry(input.viewport_id).or_default().events.push(ViewportEvent::Close);
    stage.window.step();
    let input = stage.window.input_mut();
    input.viewports.entry(input.viewport_id).or_default().events.clear();
    stage.window.run();
}
