//! Licenses in the window: nothing while there is one pool, then a page, a line in the Start dialog, a warning before a deletion,
//! and a choice for projects.

use std::collections::HashMap;

use egui::accesskit::Toggled;
use egui::{Key, Modifiers, Role};
use egui_kittest::kittest::{NodeT, Queryable};
use mailferry::domain::ids::{ItemId, PassId, PoolId};
use mailferry::domain::license::{Balance, Pool};
use mailferry::domain::pass::PassKind;
use mailferry::domain::status::Status;
use mailferry::engine::command::{LeftAlone, Outcome};
use mailferry::engine::snapshot::ItemRow;
use mailferry::service::client::{NEWS, News, Request, Response};
use mailferry::service::licenses::{
    Account, Entry, EntryItem, EntryKind, Holder, ItemLicense, Ledger, PoolTerms, ProjectLicenses,
};
use mailferry::service::{ServiceError, VaultKind, WorkspaceInfo};

use super::{NOW, PROJECT, Stage, item, item_in, project};

const SPRING: PoolId = PoolId(2);

pub(super) fn pools(free: u64) -> Vec<Account> {
    let terms = |name: &str, kind: &str, client: &str| {
        let [name, kind, client] = [name, kind, client].map(String::from);
        PoolTerms { name, kind, client }
    };
    let first = Pool { id: PoolId::FIRST, terms: terms("Unlimited", "", ""), unlimited: true };
    let spring = Pool { id: SPRING, terms: terms("Spring", "Mailbox", "Contoso Ltd"), unlimited: false };
    let balance = Balance { added: 51 + free, reserved: 40, consumed: 9, lost: 2 };
    vec![Account { pool: first, balance: Balance::default() }, Account { pool: spring, balance }]
}

/// A window with two pools and these items.
fn licensed(rows: Vec<ItemRow>, free: u64) -> Stage {
    let mut stage = Stage::closed();
    stage.state(rows);
    let (projects, vault) = (vec![project()], Some(VaultKind::File));
    stage.opened(WorkspaceInfo { projects, pools: pools(free), unlocked: true, vault, ..WorkspaceInfo::default() });
    stage
}

fn held(free: u64, held: &[(i64, ItemLicense)]) -> Response {
    let held: HashMap<_, _> = held.iter().map(|(id, license)| (ItemId(*id), *license)).collect();
    Response::ProjectLicenses(PROJECT, Box::new(ProjectLicenses { account: pools(free).remove(1), held }))
}

fn entry(id: i64, kind: EntryKind) -> Entry {
    let (project, source, destination) = ("Contoso".into(), "anna@a.example".into(), "anna@b.example".into());
    let of = EntryItem { holder: Holder::Item(ItemId(1)), pass: Some(PassId(3)), project, source, destination };
    let of = Some(of).filter(|_| kind != EntryKind::Add);
    Entry { id, at: NOW, pool: SPRING, kind, number: 1, of, note: String::new() }
}

#[test]
fn nothing_is_shown_and_nothing_asked_while_there_is_only_the_first_pool() {
    let mut stage = Stage::with(vec![item(1, "anna")]);
    assert!(!stage.shows("Licenses"));
    stage.click("Start all 1…");
    assert!(stage.asked().is_empty() && !stage.says("license"));
    let news = News { projects: vec![project()], pools: pools(5), settings: Vec::new() };
    stage.answer(NEWS, Response::News(news));
    assert!(stage.shows("Licenses"), "another process made a second pool");
}

#[test]
fn the_page_lists_pools_and_their_history_and_saves_it_as_a_table() {
    let mut stage = licensed(vec![item(1, "anna")], 9);
    stage.click("Licenses");
    let (request, Request::Licenses(None)) = stage.only() else { panic!("the ledger was to be asked") };
    let newest = vec![entry(3, EntryKind::Consume), entry(2, EntryKind::Reserve), entry(1, EntryKind::Add)];
    stage.answer(request, Response::Licenses(Box::new(Ledger { accounts: pools(9), newest })));
    for words in ["Spring", "Mailbox · Contoso Ltd", "60", "40", "Consumed", "Added"] {
        assert!(stage.shows(words), "{words}");
    }
    assert!(stage.says("Contoso · anna@a.example → anna@b.example"));
    stage.window.get_by_role_and_label(egui::Role::Button, "Spring").click();
    stage.window.run();
    let (request, Request::Licenses(Some(SPRING))) = stage.only() else { panic!("its history") };
    stage.answer(request, Response::Licenses(Box::new(Ledger { accounts: pools(9), newest: Vec::new() })));
    assert!(stage.shows("No entries yet"));
    stage.click("Save as table…");
    let (request, Request::ExportLicenses(Some(SPRING), file)) = stage.only() else { panic!("a table") };
    assert_eq!(file, std::path::Path::new("/letters/licenses-Spring.csv"));
    stage.answer(request, Response::LicensesExported(3, file));
    assert!(stage.says("3 entries saved as /letters/licenses-Spring.csv"));
    stage.state(vec![item_in(1, "anna", Status::Completed)]);
    assert!(stage.asked().is_empty(), "not more often than once a second");
    stage.clock.advance(std::time::Duration::from_secs(1));
    stage.window.run();
    assert!(matches!(stage.only().1, Request::Licenses(Some(SPRING))), "a status may have written an entry");
}

#[test]
fn a_start_says_how_many_licenses_it_takes_and_who_gets_none() {
    let rows = ["anna", "bob", "carl"].iter().zip(1..).map(|(name, id)| item(id, name));
    let mut stage = licensed(rows.collect(), 1);
    stage.click("Start all 3…");
    let (request, Request::ProjectLicenses(PROJECT)) = stage.only() else { panic!("the licenses were to be asked") };
    stage.answer(request, held(1, &[(1, ItemLicense::Consumed(SPRING))]));
    assert!(stage.shows("Takes 1 license of Spring (1 free)"));
    assert!(stage.says("1 license short: 2 needed, 1 free; that item is not started. Add licenses"));
    stage.click("Verify Credentials");
    assert!(!stage.says("license"), "it takes none");
    stage.click("Full");
    stage.click("The direction is right");
    stage.click("Start 3");
    let (request, Request::Start(start)) = stage.only() else { panic!("a start") };
    assert_eq!((start.items.len(), start.order.kind), (3, PassKind::Full));
    let left = LeftAlone::NotReady(mailferry::domain::readiness::NotReady::NoLicense);
    let outcome = Outcome { done: vec![ItemId(1), ItemId(2)], left: vec![(ItemId(3), left)], ..Outcome::default() };
    stage.answer(request, Response::Done(outcome));
    assert!(
        stage.says("2 items submitted · 1 left alone: no license is left for it; add licenses to the project's pool")
    );
}

#[test]
fn of_200_items_of_which_3_lack_a_license_exactly_these_are_named() {
    let mut stage = licensed((1..=200).map(|id| item(id, &format!("u{id}"))).collect(), 197);
    stage.click("Start all 200…");
    let (request, Request::ProjectLicenses(PROJECT)) = stage.only() else { panic!("the licenses were to be asked") };
    stage.answer(request, held(197, &[]));
    assert!(stage.shows("Takes 197 licenses of Spring (197 free)"));
    assert!(stage.says("3 licenses short: 200 needed, 197 free; none of the 3 is started"));
    stage.click("The direction is right");
    stage.click("Start 200");
    let (request, Request::Start(_)) = stage.only() else { panic!("a start") };
    let short = LeftAlone::NotReady(mailferry::domain::readiness::NotReady::NoLicense);
    let left = (198..=200).map(|id| (ItemId(id), short.clone())).collect();
    stage
        .answer(request, Response::Done(Outcome { done: (1..=197).map(ItemId).collect(), left, ..Outcome::default() }));
    assert!(stage.says("197 items submitted · 3 left alone: no license is left for it; add licenses"));
    assert!(stage.says("(u198@contoso.example, u199@contoso.example, u200@contoso.example)"));
}

#[test]
fn r43_a_deletion_waits_until_it_can_say_what_licenses_are_lost() {
    let rows = vec![item_in(1, "anna", Status::Completed), item_in(2, "bob", Status::Failed)];
    let mut stage = licensed(rows, 5);
    stage.press(Modifiers::COMMAND, Key::A);
    stage.click("More…");
    stage.click("Delete…");
    let (request, Request::ProjectLicenses(PROJECT)) = stage.only() else { panic!("the licenses were to be asked") };
    stage.click("Delete 2 items");
    assert!(stage.asked().is_empty(), "not before it is said");
    stage.answer(request, held(5, &[(1, ItemLicense::Consumed(SPRING))]));
    assert!(stage.shows("1 license that was consumed is deleted too: it does not become free again."));
    stage.click("Delete 2 items");
    assert!(matches!(stage.only().1, Request::Delete(PROJECT, items) if items.len() == 2));

    stage.press(Modifiers::COMMAND, Key::A);
    stage.click("More…");
    stage.click("Reset…");
    assert!(stage.asked().is_empty() && !stage.says("license"), "a reset keeps the ledger");
}

#[test]
fn a_project_chooses_its_pool() {
    let mut stage = licensed(vec![item(1, "anna")], 5);
    stage.click("More…");
    stage.click("Project settings…");
    stage.click("License pool");
    stage.window.get_by_role_and_label(egui::Role::Button, "Spring").click();
    stage.window.run();
    stage.click("Save");
    let (_, Request::EditProject(change)) = stage.only() else { panic!("an edit") };
    assert_eq!((change.edit.pool, change.edit.options), (Some(SPRING), None));
}

#[test]
fn pools_are_made_and_filled_in_the_window() {
    let mut stage = Stage::with(vec![item(1, "anna")]);
    stage.click("Settings");
    stage.click("New pool…");
    stage.click("Make pool");
    assert!(stage.asked().is_empty(), "it has no name yet");
    stage.type_into("Name of the pool", "Spring");
    stage.type_into("Client", "Contoso Ltd");
    stage.type_into("How many", "60");
    stage.click("Make pool");
    let (request, Request::NewPool(terms, Some(60))) = stage.only() else { panic!("a pool") };
    assert_eq!((terms.name.as_str(), terms.client.as_str()), ("Spring", "Contoso Ltd"));
    stage.answer(request, Response::Refused(ServiceError::NoPool("Spring".into())));
    assert!(stage.says("there is no pool of licenses"), "the dialog says why not");
    stage.click("Make pool");
    let (request, Request::NewPool(..)) = stage.only() else { panic!("once more") };
    stage.answer(request, Response::Pools(pools(9)));
    let (request, Request::Licenses(None)) = stage.only() else { panic!("its page") };
    stage.answer(request, Response::Licenses(Box::new(Ledger { accounts: pools(9), newest: Vec::new() })));
    stage.click("Add licenses…");
    assert!(!stage.shows("How many"), "to which pool is not said");
    stage.window.get_by_role_and_label(egui::Role::Button, "Spring").click();
    stage.window.run();
    let (request, Request::Licenses(Some(SPRING))) = stage.only() else { panic!("its history") };
    stage.answer(request, Response::Licenses(Box::new(Ledger { accounts: pools(9), newest: Vec::new() })));
    stage.click("Add licenses…");
    stage.type_into("How many", "5");
    stage.type_into("Note", "invoice 7");
    stage.click("Add");
    let (_, Request::AddLicenses(SPRING, 5, note)) = stage.only() else { panic!("five more") };
    assert_eq!(note, "invoice 7");
}

#[test]
fn f6_whether_the_computer_is_kept_awake_is_a_setting() {
    let mut stage = Stage::with(vec![item(1, "anna")]);
    stage.click("Settings");
    for wanted in ["off", "on"] {
        stage.click("Keep this computer awake while migrations run");
        let asked = stage.everything();
        let is = |(_, ask): &(_, Request)| matches!(ask, Request::Remember(name, value) if name == "keep-awake" && value == wanted);
        assert!(asked.iter().any(is), "{wanted}: {asked:?}");
    }
}

#[test]
fn f6_a_setting_that_another_process_changed_is_shown() {
    let mut stage = Stage::with(vec![item(1, "anna")]);
    stage.click("Settings");
    let is_on = |stage: &Stage| {
        let label = "Keep this computer awake while migrations run";
        stage.window.get_by_role_and_label(Role::CheckBox, label).accesskit_node().toggled()
    };
    assert_eq!(is_on(&stage), Some(Toggled::True));
    for (on, shown) in [(false, Toggled::False), (true, Toggled::True)] {
        let settings = vec![("keep-awake", if on { "on" } else { "off" }.to_owned())];
        let news = News { projects: vec![project()], pools: Vec::new(), settings };
        stage.answer(NEWS, Response::News(news));
        assert_eq!(is_on(&stage), Some(shown));
    }
}

#[test]
fn what_is_free_is_seen_in_the_narrowest_window() {
    let mut stage = licensed(vec![item(1, "anna")], 9);
    stage.window.set_size(egui::vec2(960.0, 560.0));
    stage.click("Licenses");
    let (request, Request::Licenses(None)) = stage.only() else { panic!("the ledger was to be asked") };
    let newest = vec![entry(2, EntryKind::Reserve), entry(1, EntryKind::Add)];
    stage.answer(request, Response::Licenses(Box::new(Ledger { accounts: pools(9), newest })));
    stage.window.run();
    for words in ["Free", "Consumed", "Contoso · anna@a.example → anna@b.example"] {
        let right = stage.window.query_all_by_label(words).map(|node| node.rect().right()).fold(0.0, f32::max);
        assert!(right > 0.0 && right <= 960.0 - 16.0, "{words} ends at {right}");
    }
}
