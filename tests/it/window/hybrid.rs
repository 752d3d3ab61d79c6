//! Hybrid projects in the window: batches at the left, users as a grid, what may be done and why not, forms and dialogs.

mod project;

use std::collections::BTreeMap;
use std::sync::Arc;

use egui::{Key, Modifiers, Role};
use egui_kittest::kittest::{NodeT, Queryable};
use mailferry::domain::hybrid::order::{Order, OrderRow, Stage as OrderStage};
use mailferry::domain::ids::{HybridBatchId, HybridOrderId, HybridProjectId, HybridUserId, PoolId};
use mailferry::domain::sign_in::{SignIn, SignInKind};
use mailferry::domain::star::Star;
use mailferry::service::client::{HybridAsk, HybridTold, NEWS, OfHybrid, Request, RequestId, Response};
use mailferry::service::hybrid::batches::{BatchLine, Started};
use mailferry::service::hybrid::users::UsersIn;
use mailferry::service::hybrid::{
    BatchProgress, CheckLine, HybridBatch, HybridDetails, HybridEvent, HybridOf, HybridProject, HybridSettings,
    HybridUser, HybridView, LeftOut, MoveRefusal, MoveStatus, PREVIEW, Told, Trouble,
};
use mailferry::service::{ServiceError, VaultKind, WorkspaceInfo};
use mailferry::ui::route::Route;

use super::{NOW, Stage};

const PROJECT: HybridProjectId = HybridProjectId(7);
const MINUTE: std::time::Duration = std::time::Duration::from_secs(60);

fn settings() -> HybridSettings {
    let mut settings = HybridSettings {
        sign_in: SignIn {
            tenant: "contoso.onmicrosoft.com".into(),
            client_id: "11112222-3333-4444-5555-666677778888".into(),
            ..SignIn::of(SignInKind::MicrosoftApp)
        },
        endpoint: "OnPrem".into(),
        target_domain: "contoso.mail.onmicrosoft.com".into(),
        sku: "ENTERPRISEPACK".into(),
        location: "DE".into(),
        ..HybridSettings::default()
    };
    settings.attributes.set("quota=50GB").expect("an attribute");
    settings
}

fn user(id: i64, name: &str, batch: Option<i64>, status: MoveStatus) -> HybridUser {
    HybridUser {
        id: HybridUserId(id),
        address: format!("{name}@contoso.example"),
        batch: batch.map(HybridBatchId),
        status,
        since: NOW,
        location: None,
        told: Told::default(),
        note: None,
        switched: status == MoveStatus::Completed,
        star: None,
        open: BTreeMap::new(),
    }
}

fn batch(id: i64, name: &str, submitted: bool) -> HybridBatch {
    HybridBatch {
        id: HybridBatchId(id),
        name: name.into(),
        remote_name: format!("{name} mf-00000001"),
        submitted: submitted.then_some(NOW),
        finalize_at: None,
        word: submitted.then(|| "Syncing".to_owned()),
        polled: submitted.then_some(NOW),
        missing: None,
    }
}

fn view(batches: Vec<HybridBatch>, users: Vec<HybridUser>) -> Arc<HybridView> {
    let project =
        HybridProject { id: PROJECT, name: "Contoso".into(), settings: settings(), pool: PoolId::FIRST, trouble: None };
    let line = |batch: HybridBatch| {
        let own = || users.iter().filter(|user| user.batch == Some(batch.id));
        let status = MoveStatus::of_batch(batch.submitted.is_some(), own().map(|user| user.status));
        BatchLine { status, progress: BatchProgress::of(own()), batch }
    };
    let batches = batches.into_iter().map(line).collect();
    Arc::new(HybridView { project, batches, users })
}

/// Two batches: one in which everything happens, one that was not started; and somebody in none.
pub(super) fn busy() -> Arc<HybridView> {
    let mut anna = user(1, "anna", Some(1), MoveStatus::Syncing);
    anna.told = Told {
        word: Some("Syncing".into()),
        percent: Some(99),
        synced: Some(1204),
        skipped: Some(3),
        ..Told::default()
    };
    let mut bob = user(2, "bob", Some(1), MoveStatus::Failed);
    bob.note = Some("the mailbox is corrupt".into());
    let mut carl = user(3, "carl", Some(1), MoveStatus::PendingFinalization);
    carl.open.insert("license".into(), OrderStage::Open);
    let users = vec![
        anna,
        bob,
        carl,
        user(4, "dora", Some(1), MoveStatus::Completed),
        user(5, "eve", Some(2), MoveStatus::NotSubmitted),
        user(6, "fay", None, MoveStatus::NotSubmitted),
        user(7, "gus", Some(1), MoveStatus::Finalizing),
    ];
    view(vec![batch(1, "Wave 1", true), batch(2, "Wave 2", false)], users)
}

fn opened(view: &Arc<HybridView>) -> Stage {
    let mut stage = Stage::closed();
    let (hybrid, vault) = (vec![Arc::clone(view)], Some(VaultKind::File));
    stage.opened(WorkspaceInfo { hybrid, unlocked: true, vault, ..WorkspaceInfo::default() });
    stage
}

/// What was asked of the project.
fn asked(stage: &mut Stage) -> (RequestId, OfHybrid) {
    match stage.only() {
        (request, Request::Hybrid(HybridAsk::Of(PROJECT, what))) => (request, what),
        other => panic!("{other:?}"),
    }
}

fn ids(all: &[i64]) -> Vec<HybridUserId> {
    all.iter().copied().map(HybridUserId).collect()
}

fn is_enabled(stage: &Stage, button: &str) -> bool {
    !stage.window.get_by_role_and_label(Role::Button, button).accesskit_node().is_disabled()
}

/// Chooses a batch at the left, by how its entry begins.
fn choose(stage: &mut Stage, entry: &str) {
    let name = {
        let all = stage.window.query_all_by_role(Role::Button).filter_map(|node| node.accesskit_node().label());
        all.into_iter().find(|label| label.starts_with(entry)).expect("an entry")
    };
    stage.click(&name);
}

fn told(stage: &mut Stage, request: RequestId, told: HybridTold) {
    stage.answer(request, Response::Hybrid(told));
}

#[test]
fn r36_hybrid_projects_are_marked_as_a_preview_wherever_they_show() {
    let mut stage = opened(&busy());
    assert_eq!(stage.window.state().route(), Route::Hybrid(PROJECT), "the only one is opened");
    assert!(stage.shows("Contoso (preview), running") && stage.shows("Preview"));
    stage.click("All projects");
    assert!(stage.shows("Contoso") && stage.shows("Preview"));
    assert!(stage.shows("Exchange on-premises → contoso.onmicrosoft.com"));
    stage.click("New project…");
    stage.click("Exchange on-premises to Exchange Online (preview)");
    assert!(stage.shows(PREVIEW));
    stage.click("Cancel");
    stage.click("Contoso (preview), running");
    choose(&mut stage, "Wave 2: ");
    stage.click("Start batch…");
    assert!(stage.shows(PREVIEW), "it is said before anything is started");
    stage.click("Cancel");
    stage.click("All users: 7");
    stage.click("Syncing: open anna@contoso.example");
    assert!(stage.shows("Preview"));
}

#[test]
fn batches_stand_at_the_left_with_status_and_counts_and_users_as_a_grid() {
    let mut stage = opened(&busy());
    for entry in
        ["All users: 7", "Unbatched: 1", "Wave 1: Syncing, 1 of 5 · 77 %", "Wave 2: Not Submitted, 0 of 1 · 0 %"]
    {
        assert!(stage.shows(entry), "{entry}");
    }
    assert_eq!(stage.order(), ["anna", "bob", "carl", "dora", "eve", "fay", "gus"]);
    for words in ["95 %", "100 %", "1,204", "The mailbox is corrupt", "License ordered", "Service says Syncing"] {
        assert!(stage.shows(words), "{words}");
    }
    assert!(!stage.says("99 %"), "never above 95 before finalization, whatever the service says");
    stage.click("Unbatched: 1");
    assert_eq!(stage.order(), ["fay"]);
    choose(&mut stage, "Wave 1: ");
    assert_eq!(stage.order(), ["anna", "bob", "carl", "dora", "gus"]);
    assert!(stage.says("Syncs up to 95 %, then the Microsoft license is assigned; nobody can be moved in"));
    stage.click("Failed 1");
    assert_eq!(stage.order(), ["bob"]);
    assert!(stage.shows("showing 1 of 5"));
    stage.click("Clear filters");
    stage.click("Sort by Status");
    assert_eq!(stage.order(), ["anna", "carl", "gus", "dora", "bob"]);
    stage.click("Sort by Status");
    assert_eq!(stage.order()[0], "bob");
    stage.press(Modifiers::NONE, Key::Slash);
    stage.type_into("Search", "carl; GUS@contoso.example");
    assert_eq!(stage.order(), ["gus", "carl"]);
}

#[test]
fn keys_stars_and_selection_are_those_of_items_and_the_order_stands_still_meanwhile() {
    let mut stage = opened(&busy());
    stage.press(Modifiers::NONE, Key::ArrowDown);
    stage.press(Modifiers::NONE, Key::Num1);
    let (_, what) = asked(&mut stage);
    assert_eq!(what, OfHybrid::Star(ids(&[1]), Some(Star::Red)));
    stage.press(Modifiers::NONE, Key::Space);
    stage.press(Modifiers::SHIFT, Key::ArrowDown);
    assert!(stage.says("2 users selected · 0 can be moved into a batch · 2 can be moved out · 0 can be finalized"));
    stage.press(Modifiers::NONE, Key::Num0);
    assert_eq!(asked(&mut stage).1, OfHybrid::Star(ids(&[1, 2]), None));
    stage.click("Sort by Synced");
    let before = stage.order();
    let mut later = HybridView::clone(&busy());
    later.users[0].told.percent = Some(1);
    later.users[0].star = Some(Star::Red);
    later.users[1].told.percent = Some(90);
    stage.answer(NEWS, Response::HybridViews(vec![Arc::new(later)]));
    assert_eq!(stage.order(), before, "what is selected does not jump");
    stage.click("Order changed, sort again (R)");
    assert_ne!(stage.order(), before);
    stage.press(Modifiers::NONE, Key::Escape);
    assert!(!stage.says("users selected"));
    stage.click("Stars…");
    stage.click("Red star");
    stage.press(Modifiers::NONE, Key::Escape);
    assert_eq!(stage.order(), ["anna"]);
    stage.press(Modifiers::NONE, Key::ArrowDown);
    stage.press(Modifiers::NONE, Key::Enter);
    assert_eq!(stage.window.state().route(), Route::HybridUser(PROJECT, HybridUserId(1)));
}

#[test]
fn r28_r29_users_are_moved_into_a_batch_until_it_is_submitted() {
    let mut stage = opened(&busy());
    stage.click("Select fay@contoso.example");
    stage.press(Modifiers::NONE, Key::M);
    assert!(stage.shows("Move 1 user into a batch") && stage.shows("Wave 2"));
    assert_eq!(stage.window.query_all_by_role_and_label(Role::RadioButton, "Wave 1").count(), 0, "it was submitted");
    stage.click("Move in");
    let (request, what) = asked(&mut stage);
    assert_eq!(what, OfHybrid::MoveIn(HybridBatchId(2), ids(&[6])));
    stage.answer(request, Response::Refused(ServiceError::NoBatch("Wave 2".into())));
    assert!(stage.says("there is no batch \"Wave 2\""), "the dialog says why not");
    stage.click("A new batch");
    stage.type_into("Name of the batch", " b");
    stage.click("Make batch and move in");
    let (request, what) = asked(&mut stage);
    assert_eq!(what, OfHybrid::NewBatch("Wave 3 b".into(), ids(&[6])));
    told(&mut stage, request, HybridTold::BatchMade(HybridBatchId(3), 1, Vec::new()));
    assert!(stage.says("Batch made · 1 user moved in") && !stage.shows("A new batch"));

    stage.click("All users: 7");
    stage.click("Select anna@contoso.example");
    stage.press(Modifiers::NONE, Key::M);
    assert!(stage.says("it is in a batch that was submitted; move it out first") && stage.asked().is_empty());
    stage.click("More…");
    assert!(!is_enabled(&stage, "Move into a batch…"));
}

#[test]
fn r30_moving_out_of_a_submitted_batch_asks_first_and_says_what_is_deleted() {
    let mut stage = opened(&busy());
    for name in ["anna", "dora", "eve"] {
        stage.click(&format!("Select {name}@contoso.example"));
    }
    stage.press(Modifiers::NONE, Key::O);
    assert!(stage.shows("Move 2 users out?"));
    assert!(stage.says("1 user is in a batch that was submitted: what was migrated for that user is deleted"));
    assert!(stage.says("1 left alone: it is Completed: the user works in Exchange Online"));
    stage.press(Modifiers::NONE, Key::Enter);
    assert!(stage.asked().is_empty(), "a hasty Enter deletes nothing");
    stage.click("Move out 2");
    let (request, what) = asked(&mut stage);
    assert_eq!(what, OfHybrid::MoveOut(ids(&[1, 5])));
    let left = LeftOut { address: "eve@contoso.example".into(), why: MoveRefusal::OrderOpen };
    told(&mut stage, request, HybridTold::Done(1, vec![left]));
    assert!(stage.says("1 user to be moved out · 1 left alone: an order for it is on its way; wait until it is done (eve@contoso.example)"));
}

#[test]
fn a_batch_is_started_after_a_look_at_the_tenant_and_what_is_wrong_is_said_with_its_remedy() {
    let mut stage = opened(&busy());
    assert!(!is_enabled(&stage, "Start batch…"), "no batch is chosen");
    choose(&mut stage, "Wave 2: ");
    stage.press(Modifiers::NONE, Key::S);
    assert!(stage.says("up to 95 %, then each gets ENTERPRISEPACK"));
    stage.click("Check and start 1");
    let (request, what) = asked(&mut stage);
    assert_eq!(what, OfHybrid::Start(HybridBatchId(2), false));
    let lines = vec![
        CheckLine::right("the migration endpoint OnPrem exists"),
        CheckLine::wrong(
            "the users are known in the tenant",
            "not so for 1 user: eve@contoso.example",
            "Have them synchronized",
        ),
    ];
    told(&mut stage, request, HybridTold::Started(Started::NotReady(lines)));
    for words in
        ["Not started: the tenant is not ready", "not so for 1 user: eve@contoso.example", "Have them synchronized"]
    {
        assert!(stage.shows(words), "{words}");
    }
    stage.click("Start all the same");
    let (request, what) = asked(&mut stage);
    assert_eq!(what, OfHybrid::Start(HybridBatchId(2), true));
    told(&mut stage, request, HybridTold::Started(Started::Submitted(Vec::new())));
    assert!(stage.says("The batch is submitted") && !stage.shows("Start all the same"));
}

#[test]
fn r35_what_failed_says_why_and_is_started_again_with_its_batch() {
    let users = vec![user(1, "anna", Some(1), MoveStatus::Completed), {
        let mut bob = user(2, "bob", Some(1), MoveStatus::Failed);
        bob.note = Some("the mailbox is corrupt".into());
        bob
    }];
    let mut stage = opened(&view(vec![batch(1, "Wave 1", true)], users));
    stage.click("Failed: open bob@contoso.example");
    let (request, Request::Hybrid(HybridAsk::Details(HybridOf::User(HybridUserId(2))))) = stage.only() else {
        panic!("its details")
    };
    let details =
        HybridDetails { of: HybridOf::User(HybridUserId(2)), events: Vec::new(), orders: Vec::new(), report: None };
    told(&mut stage, request, HybridTold::Details(Box::new(details)));
    assert!(stage.shows("The mailbox is corrupt") && stage.says("start its batch again: only what failed is started"));
    assert!(!is_enabled(&stage, "Finalize…"), "it goes no further by itself");
    stage.press(Modifiers::NONE, Key::Escape);
    choose(&mut stage, "Wave 1: Failed");
    stage.click("Start batch…");
    stage.click("Check and start 1");
    assert_eq!(asked(&mut stage).1, OfHybrid::Start(HybridBatchId(1), false));
}

#[test]
fn r33_finalization_is_ordered_now_or_at_a_time_for_a_batch_or_for_users_of_it() {
    let mut stage = opened(&busy());
    choose(&mut stage, "Wave 1: ");
    stage.press(Modifiers::NONE, Key::F);
    assert!(stage.shows("Finalize Wave 1") && stage.shows("Set on each mailbox: quota=50GB"));
    for words in
        ["1 left alone: it has not reached 95 %", "1 left alone: it failed", "1 left alone: finalization has begun"]
    {
        assert!(stage.says(words), "{words}");
    }
    assert!(!stage.says("it is Completed"), "who is done needs nothing");
    stage.click("Finalize 1 now");
    let (request, what) = asked(&mut stage);
    assert_eq!(what, OfHybrid::Finalize(HybridBatchId(1), None, None));
    told(&mut stage, request, HybridTold::Done(1, Vec::new()));
    assert!(stage.says("1 user to be finalized"));

    stage.click("Select carl@contoso.example");
    stage.press(Modifiers::SHIFT, Key::F);
    assert!(stage.shows("Finalize carl@contoso.example"));
    stage.click("At a time");
    stage.type_into("Finalize at", "yesterday");
    assert!(stage.says("is no time") && !is_enabled(&stage, "Schedule 1"));
    stage.press(Modifiers::COMMAND, Key::A);
    stage.type_into("Finalize at", "2025-11-23 22:00");
    assert!(stage.says("2025-11-23 22:00; the service begins by itself"));
    stage.click("Schedule 1");
    let (_, what) = asked(&mut stage);
    let OfHybrid::Finalize(HybridBatchId(1), Some(only), Some(at)) = what else { panic!("{what:?}") };
    assert_eq!((only, at.since(NOW).as_secs() / 60), (ids(&[3]), (24 + 13) * 60 + 33));
}

#[test]
fn what_is_refused_is_disabled_and_its_key_says_why() {
    let mut stage = opened(&busy());
    for (name, key, why) in [
        ("gus", Key::O, "finalization has begun, and it is one move; wait for its end"),
        ("fay", Key::O, "it is in no batch; put it into one first"),
        ("eve", Key::A, "it is not submitted; start its batch first"),
    ] {
        stage.click(&format!("Select {name}@contoso.example"));
        stage.press(Modifiers::NONE, key);
        assert!(stage.says(why) && stage.asked().is_empty(), "{name}: {why}");
        stage.press(Modifiers::NONE, Key::Escape);
        stage.click("Dismiss");
    }
    stage.click("Select anna@contoso.example");
    stage.press(Modifiers::SHIFT, Key::F);
    assert!(stage.says("it has not reached 95 %; wait until it is Pending Finalization"));
    stage.press(Modifiers::NONE, Key::A);
    let (request, what) = asked(&mut stage);
    assert_eq!(what, OfHybrid::Approve(ids(&[1])));
    told(&mut stage, request, HybridTold::Done(1, Vec::new()));
    assert!(stage.says("1 user to be approved"));
    choose(&mut stage, "Wave 1: ");
    stage.click("More…");
    assert!(!is_enabled(&stage, "Delete project…"), "users are moving");
}

#[test]
fn r31_r32_r34_the_page_of_a_user_tells_sizes_orders_what_happened_and_the_services_own_report() {
    let mut all = HybridView::clone(&busy());
    all.users[2].told = Told {
        word: Some("Synced".into()),
        percent: Some(95),
        synced: Some(2_000),
        skipped: Some(1),
        bytes: Some(1_000_000_000),
        last_sync: Some(NOW.minus(MINUTE)),
        ..Told::default()
    };
    let mut stage = opened(&Arc::new(all));
    stage.click("Pending Finalization: open carl@contoso.example");
    let (request, Request::Hybrid(HybridAsk::Details(of))) = stage.only() else { panic!("its details") };
    let order = OrderRow {
        id: HybridOrderId(1),
        project: PROJECT,
        batch: HybridBatchId(1),
        user: Some(HybridUserId(3)),
        order: Order::License,
        stage: OrderStage::Open,
        created: NOW,
        sent: None,
        next: NOW,
        gone: None,
        note: Some("no license is free".into()),
    };
    let event = HybridEvent { at: NOW, user: Some(HybridUserId(3)), text: "Pending Finalization".into() };
    let details = HybridDetails { of, events: vec![event], orders: vec![order], report: None };
    told(&mut stage, request, HybridTold::Details(Box::new(details)));
    for words in [
        "95 % are synced, and changes go on being synced until finalization starts",
        "2,000",
        "1.00 GB",
        "08:25",
        "To be set at finalization",
        "50GB",
        "Assign the license",
        "Not sent yet",
        "No license is free",
        "DE (the project's)",
        "3 of 7",
    ] {
        assert!(stage.shows(words), "{words}");
    }
    stage.click("Ask the service for its report");
    let (request, what) = asked(&mut stage);
    assert_eq!(what, OfHybrid::Report(HybridUserId(3)));
    assert!(!is_enabled(&stage, "Ask the service for its report") && stage.says("it may take half an hour"));
    told(&mut stage, request, HybridTold::Report(HybridUserId(3), NOW, "Relinquished\nby MRS".into()));
    assert!(stage.says("Relinquished") && stage.copied("Copy") == "Relinquished\nby MRS");
    stage.press(Modifiers::NONE, Key::ArrowRight);
    assert_eq!(stage.window.state().route(), Route::HybridUser(PROJECT, HybridUserId(4)));
    assert!(stage.says("Switched: settings are applied, the user works in Exchange Online"));
    stage.press(Modifiers::NONE, Key::Escape);
    assert_eq!(stage.window.state().route(), Route::Hybrid(PROJECT));
}

#[test]
fn the_page_of_a_batch_tells_its_schedule_and_its_orders() {
    let mut all = HybridView::clone(&busy());
    all.batches[0].batch.finalize_at = Some(NOW.plus(MINUTE * 60 * 24));
    let mut stage = opened(&Arc::new(all));
    choose(&mut stage, "Wave 1: ");
    assert!(stage.says("finalization begins Sun 08:26"));
    stage.click("Batch details");
    let (request, Request::Hybrid(HybridAsk::Details(of))) = stage.only() else { panic!("its details") };
    assert_eq!(of, HybridOf::Batch(HybridBatchId(1)));
    let text = "the batch is started".to_owned();
    let events = vec![HybridEvent { at: NOW, user: Some(HybridUserId(2)), text }];
    told(
        &mut stage,
        request,
        HybridTold::Details(Box::new(HybridDetails { of, events, orders: Vec::new(), report: None })),
    );
    for words in ["begins Sun 23 Nov 08:26", "Wave 1 mf-00000001", "The batch is started", "bob@contoso.example"] {
        assert!(stage.shows(words), "{words}");
    }
    stage.press(Modifiers::NONE, Key::Escape);
    assert_eq!(stage.window.state().route(), Route::Hybrid(PROJECT));
}

#[test]
fn nothing_is_cut_off_in_the_narrowest_window() {
    let mut stage = opened(&busy());
    stage.window.set_size(egui::vec2(960.0, 560.0));
    stage.window.run();
    choose(&mut stage, "Wave 1: ");
    for words in ["Start batch…", "Finalize batch…", "More…", "Batch details", "Sort by What it waits for"] {
        let right = stage.window.query_all_by_label(words).map(|node| node.rect().right()).fold(0.0, f32::max);
        assert!(right > 0.0 && right <= 960.0 - 12.0, "{words} ends at {right}");
    }
}
