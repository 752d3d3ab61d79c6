//! What is held: why, in words, a line for each reason, and what can be done about it.

use std::sync::Arc;

use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable;
use mailferry::domain::failure::{Cause, Failure, Retry, Scope, Side};
use mailferry::domain::ids::ItemId;
use mailferry::domain::status::{HoldReason, Status};
use mailferry::engine::command::Command;
use mailferry::engine::snapshot::{ItemRow, Snapshot};
use mailferry::service::client::Request;

use super::{NOW, PROJECT, Stage, held, item, item_in};

fn because(cause: Cause, row: ItemRow) -> ItemRow {
    let failure = Failure::new(cause, Scope::Endpoint, Retry::User, "doing");
    ItemRow { failure: Some((Some(Side::Source), failure)), ..row }
}

#[test]
fn each_reason_has_its_line_which_acts_on_its_items_only() {
    let refused = |id, name| because(Cause::AdministratorLoginRefused, held(id, name, HoldReason::LoginRefused));
    let mut stage = Stage::with(vec![
        refused(1, "anna"),
        refused(2, "bob"),
        held(3, "carl", HoldReason::Missed),
        held(4, "dora", HoldReason::Interrupted),
        item(5, "eve"),
    ]);
    assert!(stage.shows("Administrator login refused; 2 items held"));
    assert!(stage.shows("Start time missed while nothing ran; 1 item held"));
    assert!(stage.shows("Interrupted when the program ended; 1 item held"));
    assert!(stage.shows("Held 4") && stage.shows("Pending 0"), "they are no submissions that start by themselves");
    stage.click("See 2");
    assert_eq!(stage.order(), ["anna", "bob"]);
    assert!(stage.says("showing 2 of 5"));
    stage.click("Its time has passed 1");
    assert_eq!(stage.order(), ["carl"]);
    stage.click("Its time has passed 1");
    assert_eq!(stage.order(), ["anna", "bob", "carl", "dora"], "all that are held");
    // The lines stand in the order of the reasons: a refused login, interrupted, missed.
    let resume = |stage: &mut Stage, at: usize| {
        stage.window.query_all_by_label("Resume").nth(at).expect("a button").click();
        stage.window.run();
        match stage.only() {
            (_, Request::Command(Command::Resume { project: PROJECT, items })) => items,
            (_, other) => panic!("{other:?}"),
        }
    };
    let all: Vec<Vec<ItemId>> = (0..3).map(|at| resume(&mut stage, at)).collect();
    assert_eq!(all, [vec![ItemId(1), ItemId(2)], vec![ItemId(4)], vec![ItemId(3)]]);
}

#[test]
fn the_page_of_a_held_item_says_why_it_is_held() {
    for (reason, words) in [
        (HoldReason::Switch, "Held because new starts of its project are held"),
        (HoldReason::LoginRefused, "Held because an administrator's login was refused"),
        (HoldReason::Unreachable, "Held because a server cannot be reached"),
        (HoldReason::Interrupted, "Held because the program ended while it ran or waited: Resume lets it go on"),
        (HoldReason::Missed, "Held because its time passed while nothing ran: Resume starts it now"),
    ] {
        let mut stage = Stage::with(vec![held(1, "anna", reason)]);
        stage.click("Submitted (held): open anna@contoso.example");
        assert!(stage.says(words), "{reason:?}");
        stage.asked();
        stage.click("Resume");
        let (_, Request::Command(Command::Resume { items, .. })) = stage.only() else { panic!("{reason:?}") };
        assert_eq!(items, [ItemId(1)]);
        stage.state(vec![item_in(1, "anna", Status::Submitted)]);
        assert!(!stage.says("Held because"));
    }
}

#[test]
fn an_outage_shows_the_items_it_is_about_when_it_is_tried_next_and_tries_now() {
    let rows = vec![
        because(Cause::Unreachable, held(1, "anna", HoldReason::Unreachable)),
        because(Cause::Unreachable, held(2, "bob", HoldReason::Unreachable)),
        held(3, "carl", HoldReason::Missed),
        item_in(4, "dora", Status::Migrating),
    ];
    let mut state = Snapshot::of(2, rows);
    state.outages.insert(PROJECT, NOW);
    let mut stage = Stage::with(Vec::new());
    stage.service.snapshots.send_replace(Arc::new(state));
    stage.window.run();
    assert!(stage.shows("imap.contoso.example cannot be reached: 2 items held, tried again at 08:26:40"));
    assert!(stage.shows("Start time missed while nothing ran; 1 item held"), "the others are told of too");
    stage.click("Try now");
    assert!(matches!(stage.only().1, Request::Command(Command::TryNow { project: PROJECT })));
    stage.click("See 2");
    assert_eq!(stage.order(), ["anna", "bob"]);
    stage.press(Modifiers::COMMAND, Key::A);
    assert!(stage.says("2 items selected"));
}
